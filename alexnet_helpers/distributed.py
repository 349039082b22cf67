"""One training on several devices (keras.distribution on the JAX backend), and on several processes.

Each device holds a copy of the weights and computes the gradients of its part of every batch; the
mean of these gradients is that of the whole batch, so all copies take the same step. How the
environment names a process its job is Keras' own way: see `keras.distribution.initialize`.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alexnet_helpers import checks, load_keras

keras = load_keras()

SIMULATE = (
    "XLA_FLAGS=--xla_force_host_platform_device_count=N, set before Python starts,"
    " makes a CPU look like N"
)
MOST_PROCESSES = 64  # on one machine; each takes half a gigabyte


class Share(NamedTuple):
    """How a training is shared: by how many devices in how many processes, and which of these this one is."""

    devices: int = 1
    processes: int = 1
    process: int = 0

    def part(self, n):
        """Return the slice of n images that belongs to this process."""
        n = checks.integer("n", n, 0)
        return slice(
            n * self.process // self.processes, n * (self.process + 1) // self.processes
        )


ALONE = Share()


def check_share(share):
    """Return a `Share` that can be."""
    if not isinstance(share, Share):
        checks.refuse("share", "a Share(devices, processes, process)", share)
    devices, processes = (
        checks.integer(name, getattr(share, name)) for name in ("devices", "processes")
    )
    process = checks.integer("process", share.process, 0, processes - 1)
    if devices % processes:
        checks.refuse("devices", f"a multiple of the {processes} processes", devices)
    return Share(devices, processes, process)


def find_share(devices=1):
    """Return the `Share` of this process in a training on so many devices (a number, or "all" that JAX finds).

    Raises
    ------
    ValueError : for devices that are not there, that this backend cannot use, or fewer than the job has.
    """
    backend = keras.backend.backend()
    if not isinstance(devices, str) or devices != "all":
        try:
            devices = checks.integer("devices", devices)
        except ValueError:
            checks.refuse("devices", 'a positive integer or "all"', devices)
    if backend != "jax":
        job = os.environ.get("KERAS_DISTRIBUTION_NUM_PROCESSES", "1")
        if job != "1":  # each process would train all of it, alone
            checks.refuse(
                "KERAS_DISTRIBUTION_NUM_PROCESSES",
                f"1 on the {backend} backend (KERAS_BACKEND=jax has more)",
                job,
            )
        if devices not in (1, "all"):
            checks.refuse(
                "devices",
                f"1 on the {backend} backend (KERAS_BACKEND=jax has more)",
                devices,
            )
        return ALONE
    import jax

    there, processes = jax.device_count(), jax.process_count()
    if jax.local_device_count() * processes != there:
        raise ValueError(
            f"devices must be as many in each of the {processes} processes, got {there}"
            " in all"
        )
    wanted = there if devices == "all" else devices
    if wanted > there:
        raise ValueError(
            f"devices must be an integer from 1 to the {there} that JAX finds here, got"
            f" {wanted}. {SIMULATE}"
        )
    if processes > 1 and wanted < there:
        checks.refuse(
            "devices", f'"all" ({there}) in a job of {processes} processes', devices
        )
    return Share(wanted, processes, jax.process_index())


@contextlib.contextmanager
def distribution(share):
    """In this context Keras copies variables to the share's devices and divides each batch among them.

    Raises
    ------
    RuntimeError : when another process of the job ends or cannot be reached; it quotes what JAX said.
    """
    share = check_share(share)
    if share.devices == 1:
        yield
        return
    from jax.errors import JaxRuntimeError

    devices = keras.distribution.list_devices()[: share.devices]
    try:
        # False: each process brings its own part of the batch.
        with keras.distribution.DataParallel(
            devices=devices, auto_shard_dataset=False
        ).scope():
            yield
    except (JaxRuntimeError, ValueError) as error:
        # JAX raises one or the other, by where the loss is noticed. Too little memory is nobody else's fault.
        lost = "Gloo" in str(error) or (
            isinstance(error, JaxRuntimeError)
            and "RESOURCE_EXHAUSTED" not in str(error)
        )
        if share.processes == 1 or not lost:
            raise
        raise RuntimeError(
            f"process {share.process} of {share.processes} has lost the others: one has"
            " ended, or cannot be reached. The last checkpoint is whole: start all of"
            " them again, and the training goes on from there"
            f" ({str(error).splitlines()[0]})"
        ) from error


def check_agreement(share, **facts):
    """Check that all processes are about to train the same thing; otherwise they would silently diverge.

    Raises
    ------
    ValueError : when another process has another value of one of the `facts` (numbers or texts).
    """
    if check_share(share).processes == 1:
        return
    from jax.experimental import multihost_utils

    for name, value in facts.items():
        of_all = multihost_utils.process_allgather(
            np.array(zlib.crc32(str(value).encode()), np.uint32)
        )
        if len(set(of_all.ravel().tolist())) > 1:
            raise ValueError(
                f"{name} must be the same in all {share.processes} processes, got"
                f" {value!r} in process {share.process}"
            )


@contextlib.contextmanager
def undistributed():
    """Set a distribution aside: while one is set, a new variable has to be made by all processes together."""
    usual = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(usual)


def run_job(command, processes, log_folder, first_appears=False):
    """Start `command` as a job of several processes on this machine's CPU, and wait for its end.

    If one of them fails, the others, which would wait for it, are stopped. What they write goes to
    `log_folder/process-N.log`; with `first_appears`, what the first one prints is seen here.

    Raises
    ------
    ValueError : for a number of processes that is none, a folder that is not there, and on Windows.
    RuntimeError : when a process fails; it says which, how, and where its last words are.
    """
    processes = checks.integer("processes", processes, 1, MOST_PROCESSES)
    first_appears = checks.flag("first_appears", first_appears)
    if (
        not isinstance(command, (list, tuple))
        or not command
        or not all(isinstance(part, (str, os.PathLike)) for part in command)
    ):
        checks.refuse(
            "command", "a list of texts: a program and its arguments", command
        )
    if not checks.path("log_folder", log_folder).is_dir():
        checks.refuse("log_folder", "a folder that there is", str(log_folder))
    if os.name == "nt":
        raise ValueError(
            "run_job must be called on Linux or macOS: Windows has no gloo for JAX, but"
            " WSL has"
        )
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        address = f"localhost:{probe.getsockname()[1]}"
    job = {
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": address,
        "KERAS_DISTRIBUTION_NUM_PROCESSES": str(processes),
    }
    job["JAX_PLATFORMS"] = "cpu"  # the processes would fight for the memory of a GPU
    # The course itself is importable in them, from whatever folder this is called.
    path = {
        "PYTHONPATH": os.pathsep.join(
            [str(Path(__file__).resolve().parent.parent), *sys.path]
        )
    }
    logs = [Path(log_folder) / f"process-{number}.log" for number in range(processes)]
    running = []
    try:
        for number, log in enumerate(logs):
            environment = (
                os.environ | path | job | {"KERAS_DISTRIBUTION_PROCESS_ID": str(number)}
            )
            with open(log, "w") as file:
                output = None if first_appears and number == 0 else file
                running.append(
                    subprocess.Popen(
                        command, env=environment, stdout=output, stderr=file
                    )
                )
        codes = [None]
        while None in codes and not any(codes):
            time.sleep(0.1)
            codes = [process.poll() for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    # A process that was killed comes first: another one may have failed since it lost this one.
    for code, number in sorted(
        (code, number) for number, code in enumerate(codes) if code
    ):
        how = (
            f"was stopped by {signal.Signals(-code).name}"
            if code < 0
            else f"failed with exit status {code}"
        )
        raise RuntimeError(
            f"process {number} of {processes} {how}; its last words are in"
            f" {logs[number]}"
        )
