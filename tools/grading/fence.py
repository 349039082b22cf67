"""A fence around a student's code: what it sees of the disk, no network, and how much time and memory it gets."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

INSIDE = Path(__file__).resolve().parent / "inside"
HOME = "/home/student"
MB = 2**20
LIMITS = {
    "cell": 120,  # seconds for one cell, and for one call of a function
    "notebook": 1200,  # seconds for all of a notebook
    "start": 180,  # seconds until the kernel is there
    "grace": 10,  # seconds between two interrupts, of which the third is the last
    "memory": 4096 * MB,  # bytes, for each process (RLIMIT_DATA); all together get half as much again
    "file": 512 * MB,  # bytes of one file
    "output": 2 * MB,  # bytes that one cell may put out, figures included
    "output of a notebook": 30 * MB,
    "processes": 64,
}
# For the packages: no download, short training, one thread, and nothing of the account's settings.
VARIABLES = {
    "ALEXNET_OFFLINE": "1",
    "ALEXNET_FAST": "1",
    "HOME": HOME,
    "IPYTHONDIR": f"{HOME}/.ipython",
    "JUPYTER_PREFER_ENV_PATH": "1",
    "LANG": "C.UTF-8",
    "MPLCONFIGDIR": f"{HOME}/.matplotlib",
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
FENCES = ("bwrap", "docker", "podman", "none")


def choose(name=""):
    """Return the fence to use: the one that is named, or bubblewrap; refuse to do without one."""
    if name and name not in FENCES:
        raise ValueError(f"fence must be one of {', '.join(FENCES)}, got {name!r}")
    if name:
        return name
    if bubblewrap_works():
        return "bwrap"
    raise ValueError(
        "submissions are programs, and nothing here fences them in: install bubblewrap (apt-get install bubblewrap), "
        "or build the image (see TEACHING.md) and say FENCE=docker; FENCE=none runs them as you, with all your files"
    )


def bubblewrap_works():
    """Tell whether bubblewrap is there, and allowed to do its work."""
    if not shutil.which("bwrap"):
        return False
    return subprocess.run([*_bubblewrap(None), "true"], capture_output=True).returncode == 0


def _bubblewrap(folder):
    """Return the command that shows the system's programs, this Python, and one folder, and nothing else."""
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--hostname", "student"]
    for name in ("/usr", "/lib", "/lib64", "/bin", "/sbin"):
        if os.path.islink(name):
            command += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            command += ["--ro-bind", name, name]
    for name in ("ld.so.cache", "alternatives", "fonts", "localtime", "passwd"):
        command += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name in {sys.prefix, sys.base_prefix} - {"/usr"}:
        command += ["--ro-bind", name, name]
    if folder:
        command += ["--ro-bind", str(INSIDE), "/grader", "--bind", str(folder), HOME, "--chdir", HOME]
        for name, value in VARIABLES.items():
            command += ["--setenv", name, value]
    return command


def _container(program, folder, image, limits):
    command = [program, "run", "--rm", "--interactive", "--network=none", "--cap-drop=ALL", "--read-only"]
    command += ["--security-opt=no-new-privileges", f"--pids-limit={8 * limits['processes']}", "--tmpfs=/tmp"]
    command += [f"--memory={limits['memory'] * 3 // 2}", f"--memory-swap={limits['memory'] * 3 // 2}"]
    if program == "docker":
        command += [f"--user={os.getuid() or 1000}"]
    command += [f"--volume={INSIDE}:/grader:ro", f"--volume={folder}:{HOME}", f"--workdir={HOME}"]
    for name, value in VARIABLES.items():
        command += ["--env", f"{name}={value}"] if name != "PATH" else []
    return [*command, image, "python", "/grader/runner.py"]


def command(fence, folder, limits, image):
    """Return the command that starts the runner behind a fence, and its environment."""
    if fence == "bwrap":
        return [*_bubblewrap(folder), sys.executable, "/grader/runner.py"], None
    if fence in ("docker", "podman"):
        return _container(fence, folder, image, limits), None
    own = {name: value.replace(HOME, str(folder)) for name, value in VARIABLES.items()}
    return [sys.executable, str(INSIDE / "runner.py")], own | {"PATH": os.environ.get("PATH", "")}


class Fenced:
    """A process behind a fence, with which one talks in lines, and which ends when its time or memory is over."""

    def __init__(self, fence, folder, limits, image="alexnet-course"):
        arguments, environment = command(fence, folder, limits, image)
        self.process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        self.limits, self.ended = limits, ""
        self.left = 4 * limits["output of a notebook"]
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        """End the process when it takes too long or too much."""
        deadline = time.monotonic() + self.limits["notebook"]
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                return self.end(f"stopped: the notebook takes more than {self.limits['notebook']} s")
            memory, count = self._use()
            if memory > self.limits["memory"] * 3 // 2:
                return self.end(f"stopped: more than {self.limits['memory'] * 3 // 2 // MB} MB of memory")
            if count > self.limits["processes"]:
                return self.end(f"stopped: more than {self.limits['processes']} processes")
            time.sleep(0.25)
        return None

    def _use(self):
        """Return the memory and the number of all processes behind the fence."""
        try:
            everyone = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return 0, 0
        memory = 0
        for one in everyone:
            try:
                memory += one.memory_info().rss
            except psutil.Error:  # it ended meanwhile
                continue
        return memory, len(everyone)

    def write(self, text):
        """Send a line."""
        try:
            self.process.stdin.write(text.encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            self.end("the process ended")

    def read(self):
        """Return the next line, or "" when there is none any more."""
        line = self.process.stdout.readline(self.left + 1)
        self.left -= len(line)
        if self.left < 0:
            self.end("stopped, since it puts out too much")
            return ""
        return line.decode("utf-8", "replace") if line.endswith(b"\n") else ""

    def end(self, why=""):
        """End it with all that it has started, and remember why."""
        self.ended = self.ended or why
        try:
            everyone = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            everyone = []
        self.process.kill()  # with bubblewrap, the others go with the first; else they are sought out
        for one in everyone:
            try:
                one.kill()
            except psutil.Error:
                continue

    def close(self):
        """End it, and wait until it has gone."""
        self.end()
        self.process.stdout.close()
        with contextlib.suppress(OSError):  # what was left to send
            self.process.stdin.close()
        self.process.wait()
