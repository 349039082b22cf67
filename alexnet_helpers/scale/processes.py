"""Several processes on this machine as one job, as a scheduler starts them on many."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from alexnet_helpers import checks

MOST_PROCESSES = 64  # on one machine; each takes half a gigabyte


def run_job(command, processes, log_folder, first_appears=False):
    """Start a program as a job of several processes on the CPU, and wait for its end.

    If one of them fails, the others, which would wait for it, are stopped. What they
    write goes to `log_folder/process-N.log`.

    Parameters
    ----------
    command : list of str
        A program and its arguments.
    processes : int
        How many there are, 1 to 64.
    log_folder : str or path
        A folder that exists.
    first_appears : bool
        Whether what the first process prints is seen here.

    Raises
    ------
    ValueError
        On Windows too, which has no gloo for JAX.
    RuntimeError
        If a process fails; it says which, how, and where its last words are.

    Examples
    --------
    >>> import tempfile
    >>> hello = [sys.executable, "-c", "print('hello')"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run_job(hello, 2, folder)
    ...     print(Path(folder, "process-1.log").read_text().strip())
    hello
    """
    if not _is_command(command):
        needed = "a list of texts: a program and its arguments"
        checks.refuse("command", needed, command)
    processes = checks.integer("processes", processes, 1, MOST_PROCESSES)
    folder = checks.path("log_folder", log_folder)
    first_appears = checks.flag("first_appears", first_appears)
    if not folder.is_dir():
        checks.refuse("log_folder", "a folder that there is", str(log_folder))
    if os.name == "nt":
        needed = "run_job must be called on Linux or macOS"
        raise ValueError(f"{needed}: Windows has no gloo for JAX, but WSL has")
    logs = [folder / f"process-{number}.log" for number in range(processes)]
    environment = _environment_of_job(processes)
    running = []
    try:
        for number, log in enumerate(logs):
            environment["KERAS_DISTRIBUTION_PROCESS_ID"] = str(number)
            shown = first_appears and number == 0
            running.append(_start(command, environment, log, shown))
        codes = _wait(running)
    finally:
        for process in running:
            process.kill()
            process.wait()
    if any(codes):
        raise RuntimeError(_describe_failure(codes, logs))


def _is_command(command):
    """Say whether a value is a list of texts, or of paths."""
    if not isinstance(command, (list, tuple)) or not command:
        return False
    return all(isinstance(part, (str, os.PathLike)) for part in command)


def _environment_of_job(processes):
    """Return the environment that tells a process its job."""
    port = _free_port()
    # The course itself can be imported, from whatever folder this is called.
    course = str(Path(__file__).resolve().parents[2])
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([course, *sys.path]),
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"localhost:{port}",
        "KERAS_DISTRIBUTION_NUM_PROCESSES": str(processes),
        "JAX_PLATFORMS": "cpu",  # they would fight for the memory of a GPU
    }


def _free_port():
    """Return a port that nobody uses.

    It lies below those that systems hand out themselves (Linux from 32768 on, macOS
    from 49152): in the seconds before the first process opens one of these, another
    program might be given it.
    """
    for port in random.SystemRandom().sample(range(20_000, 32_768), 50):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("localhost", port))
            return port
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def _start(command, environment, log, shown):
    """Start one process, whose output goes to a log, or where ours goes."""
    with open(log, "w") as file:
        output = None if shown else file
        return subprocess.Popen(command, env=environment, stdout=output, stderr=file)


def _wait(running):
    """Wait until all processes have ended, or one has failed; return the exit codes."""
    codes = [None]
    while None in codes and not any(codes):
        time.sleep(0.1)
        codes = [process.poll() for process in running]
    return codes


def _describe_failure(codes, logs):
    """Say which process failed, how, and where its last words are.

    One that was killed (its code is negative) comes first: another one may have failed
    since it lost this one.
    """
    failures = [(code, number) for number, code in enumerate(codes) if code]
    code, number = min(failures)
    how = f"failed with exit status {code}"
    if code < 0:
        how = f"was stopped by {signal.Signals(-code).name}"
    which = f"process {number} of {len(codes)}"
    return f"{which} {how}; its last words are in {logs[number]}"
