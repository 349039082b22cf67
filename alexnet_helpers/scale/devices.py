"""One training on several devices, which may belong to several processes.

Each device holds a copy of the weights and computes the gradients of its part of every
batch; the mean of these gradients is that of the whole batch, so all copies take the
same step. How the environment names a process its job is Keras' own way: see
`keras.distribution.initialize`.
"""

import contextlib
import os
import zlib
from typing import NamedTuple

import numpy as np

from alexnet_helpers import checks, load_keras

keras = load_keras()

HOW_TO_SIMULATE = (
    "XLA_FLAGS=--xla_force_host_platform_device_count=N, set before Python starts,"
    " makes a CPU look like N"
)


class Share(NamedTuple):
    """How a training is shared, and which part of it this process does.

    Parameters
    ----------
    devices, processes : int
        By how many devices in how many processes.
    process : int
        The number of this process, from 0.
    """

    devices: int = 1
    processes: int = 1
    process: int = 0

    def part(self, n):
        """Return the slice of n images that belongs to this process.

        >>> [Share(2, 2, process).part(5) for process in (0, 1)]
        [slice(0, 2, None), slice(2, 5, None)]
        """
        n = checks.integer("n", n, 0)
        first = n * self.process // self.processes
        return slice(first, n * (self.process + 1) // self.processes)


ALONE = Share()


def check_share(share):
    """Return a `Share` whose numbers fit each other."""
    if not isinstance(share, Share):
        checks.refuse("share", "a Share(devices, processes, process)", share)
    devices = checks.integer("devices", share.devices)
    processes = checks.integer("processes", share.processes)
    process = checks.integer("process", share.process, 0, processes - 1)
    if devices % processes:
        checks.refuse("devices", f"a multiple of the {processes} processes", devices)
    return Share(devices, processes, process)


def find_share(devices=1):
    """Return the `Share` of this process in a training.

    Parameters
    ----------
    devices : int or "all"
        How many devices share the training; "all" that JAX finds.

    Returns
    -------
    Share

    Raises
    ------
    ValueError
        If this backend cannot use that many devices, JAX does not find them, or a job
        of several processes has more.

    Examples
    --------
    >>> find_share()
    Share(devices=1, processes=1, process=0)
    """
    if not isinstance(devices, str) or devices != "all":
        try:
            devices = checks.integer("devices", devices)
        except ValueError:
            checks.refuse("devices", 'a positive integer or "all"', devices)
    backend = keras.backend.backend()
    return _find_jax_share(devices) if backend == "jax" else _alone(devices, backend)


def _alone(devices, backend):
    """Check that a backend other than JAX is not asked for more than it can do."""
    alone = f"1 on the {backend} backend (KERAS_BACKEND=jax has more)"
    variable = "KERAS_DISTRIBUTION_NUM_PROCESSES"
    processes = os.environ.get(variable, "1")
    if processes != "1":  # each process would train all of it, alone
        checks.refuse(variable, alone, processes)
    if devices not in (1, "all"):
        checks.refuse("devices", alone, devices)
    return ALONE


def _find_jax_share(devices):
    """Return the `Share` of this process among the devices that JAX finds."""
    import jax

    found, processes = jax.device_count(), jax.process_count()
    if jax.local_device_count() * processes != found:
        equal = f"devices must be as many in each of the {processes} processes"
        raise ValueError(f"{equal}, got {found} in all")
    wanted = found if devices == "all" else devices
    if wanted > found:
        needed = f"devices must be an integer from 1 to the {found} that JAX finds here"
        raise ValueError(f"{needed}, got {wanted}. {HOW_TO_SIMULATE}")
    if processes > 1 and wanted < found:
        needed = f'"all" ({found}) in a job of {processes} processes'
        checks.refuse("devices", needed, devices)
    return Share(wanted, processes, jax.process_index())


@contextlib.contextmanager
def distribution(share):
    """Have Keras copy variables to a share's devices, and divide each batch among them.

    Parameters
    ----------
    share : Share

    Raises
    ------
    RuntimeError
        If another process of the job ends or cannot be reached; it quotes JAX.
    """
    share = check_share(share)
    if share.devices == 1:
        yield
        return
    from jax.errors import JaxRuntimeError

    devices = keras.distribution.list_devices()[: share.devices]
    # False: each process brings its own part of the batch.
    parallel = keras.distribution.DataParallel(
        devices=devices, auto_shard_dataset=False
    )
    try:
        with parallel.scope():
            yield
    except (JaxRuntimeError, ValueError) as error:
        if share.processes == 1 or not _has_lost_the_others(error):
            raise
        lost = f"process {share.process} of {share.processes} has lost the others"
        raise RuntimeError(
            f"{lost}: one has ended, or cannot be reached. The last checkpoint is"
            " whole: start all of them again, and the training goes on from there"
            f" ({str(error).splitlines()[0]})"
        ) from error


def _has_lost_the_others(error):
    """Say whether an error of JAX is about another process."""
    if isinstance(error, ValueError):  # one or the other, by where JAX notices the loss
        return "Gloo" in str(error)
    # Too little memory is nobody else's fault.
    return "Gloo" in str(error) or "RESOURCE_EXHAUSTED" not in str(error)


def check_agreement(share, **facts):
    """Check that all processes are about to train the same thing.

    Otherwise they would silently diverge.

    Parameters
    ----------
    share : Share
    **facts : numbers or texts
        What has to be equal in all processes, by name.
    """
    if check_share(share).processes == 1:
        return
    from jax.experimental import multihost_utils

    for name, value in facts.items():
        checksum = np.array(zlib.crc32(str(value).encode()), np.uint32)
        checksums = multihost_utils.process_allgather(checksum)
        if len(np.unique(checksums)) > 1:
            needed = f"{name} must be the same in all {share.processes} processes"
            raise ValueError(f"{needed}, got {value!r} in process {share.process}")


@contextlib.contextmanager
def undistributed():
    """Set a distribution aside.

    While one is set, a new variable has to be made by all processes together.
    """
    usual = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(usual)
