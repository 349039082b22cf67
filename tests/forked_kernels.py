"""Kernels for the notebooks under test, forked from one process that has imported TensorFlow and Keras already.

Importing them takes a kernel longer than most notebooks take to run. Nothing else is done before the fork: each
notebook meets a kernel in which no cell has run, and imports the helpers beside it. `forked_kernels.py parent SOCKET`
is the process that is forked; `forked_kernels.py kernel SOCKET -f FILE` stands for a kernel towards Jupyter and ends
when it ends. A kernel whose environment names a folder READ_ONLY sees it mounted without write access.
"""

import builtins
import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import types


def parent(address):
    """Import what the notebooks import, then fork a kernel for each connection, until stdin is closed."""
    import alexnet_helpers

    # What is imported looks whether it is in a notebook: pandas by this function, Matplotlib by this variable.
    builtins.get_ipython = lambda: types.SimpleNamespace(kernel=True)
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"

    alexnet_helpers._choose_backend()
    with alexnet_helpers._quietly():
        alexnet_helpers._import_keras()
    import ipykernel.kernelapp  # noqa: F401
    import ipywidgets  # noqa: F401
    import scipy.signal  # noqa: F401
    import skimage.data  # noqa: F401
    import sklearn.datasets  # noqa: F401

    del builtins.get_ipython
    for name in [name for name in sys.modules if name.partition(".")[0] == "alexnet_helpers"]:
        del sys.modules[name]  # a notebook in a copy of the course is to find those of the copy
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # leaves no zombies
    threading.Thread(target=end_with_stdin, daemon=True).start()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address + ".new")
        server.listen(16)
        os.rename(address + ".new", address)
        while True:
            connection, _ = server.accept()
            if os.fork() == 0:
                server.close()
                return kernel_process(connection)
            connection.close()


def end_with_stdin():
    sys.stdin.buffer.read()
    os._exit(0)


def kernel_process(connection):
    """Be a kernel, with the environment and in the folder that the other end names."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection.makefile("r") as lines:
        asked = json.loads(lines.readline())
    os.environ.clear()
    os.environ.update(asked["environment"])
    if "READ_ONLY" in os.environ:
        mount_read_only(os.environ["READ_ONLY"])
    os.chdir(asked["folder"])
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    connection.sendall(f"{os.getpid()}\n".encode())

    def end_with_connection():
        with contextlib.suppress(OSError):
            connection.recv(1)
        os._exit(1)

    threading.Thread(target=end_with_connection, daemon=True).start()
    sys.argv = ["ipykernel_launcher", *asked["arguments"]]
    sys.path[0] = ""  # as `python -m ipykernel_launcher` has it
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance()
    os._exit(0)


def mount_read_only(folder):
    """Mount a folder without write access, for this process and those that it starts alone."""
    if ctypes.CDLL(None).unshare(0x00020000):  # CLONE_NEWNS; os.unshare comes with Python 3.12
        raise PermissionError("this system lets no process have mounts of its own")
    command = (
        'mount --make-rprivate / && mount --bind "$0" "$0" && '
        'mount -o remount,bind,ro "$0" && ! touch "$0/x" 2>/dev/null'
    )
    subprocess.run(["sh", "-c", command, folder], check=True)


def alone(*arguments):
    """Become a kernel that starts from nothing, and whose folder READ_ONLY is mounted without write access."""
    mount_read_only(os.environ["READ_ONLY"])
    os.execv(sys.executable, [sys.executable, "-m", "ipykernel_launcher", *arguments])


def end_without(process):
    """End as soon as another process has become the parent."""
    while os.getppid() == process:
        time.sleep(1)
    os._exit(1)


def kernel(address, *arguments):
    """Have a kernel forked, and pass interrupts on to it until it ends, or the tests do."""
    threading.Thread(target=end_without, args=(os.getppid(),), daemon=True).start()
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    asked = {"environment": dict(os.environ), "folder": os.getcwd(), "arguments": arguments}
    connection.sendall(json.dumps(asked).encode() + b"\n")
    with connection.makefile("r") as lines:
        number = int(lines.readline())

        def interrupt(*_):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGINT)

        signal.signal(signal.SIGINT, interrupt)
        lines.read()


if __name__ == "__main__":
    {"parent": parent, "kernel": kernel, "alone": alone}[sys.argv[1]](*sys.argv[2:])
