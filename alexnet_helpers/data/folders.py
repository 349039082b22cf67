"""Where the course's data lie, and who may write there."""

import contextlib
import errno
import os
import shutil
import tempfile
from pathlib import Path

from alexnet_helpers import checks

DATA_FOLDER = Path(__file__).resolve().parents[2] / "data"
CIFAR10_FOLDER = "cifar-10-batches-bin"  # as the archive names it


def data_folders():
    """Return the folders in which data may lie, as paths; the first is preferred.

    The environment variable ALEXNET_DATA names the only one; a relative path starts at
    the course's folder. Else they are the course's `data/` and the user's cache.
    """
    if os.environ.get("ALEXNET_DATA"):
        given = checks.path("ALEXNET_DATA", os.environ["ALEXNET_DATA"])
        folder = DATA_FOLDER.parent / given  # an absolute path stays what it is
        # It may name CIFAR-10's own folder, which lies in the one we want.
        inside = os.path.lexists(folder / CIFAR10_FOLDER)
        own = folder.name == CIFAR10_FOLDER and not inside
        return [folder.parent if own else folder]
    import pooch

    return [DATA_FOLDER, pooch.os_cache("alexnet-course")]


def is_writable(folder):
    """Try whether files can be made in a folder, and make it first if need be."""
    # We try it: to root, the permissions say nothing.
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def first_writable(folders, what):
    """Return the first folder that can be written to, or None; say if one cannot."""
    preferred = folders[0]
    folder = next(filter(is_writable, folders), None)
    if folder is None:
        remedy = "set ALEXNET_DATA to a folder that can"
        print(f"{preferred} cannot be written to: {remedy}.")
    elif folder != preferred:
        print(f"{preferred} cannot be written to: {what} goes into {folder}.")
    return folder


@contextlib.contextmanager
def one_process_at_a_time(folder, lock_name, what):
    """Wait until no other process downloads into a folder, then hold its lock."""
    import filelock

    file = folder / lock_name
    if file.is_symlink() or (file.exists() and not file.is_file()):
        raise FileExistsError(f"{file} is in the way; remove it")
    lock = filelock.FileLock(file)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        doing = f"is downloading {what} into {folder}"
        print(f"Waiting for another process, which {doing} ...")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def unfinished_folder(folder):
    """Make an empty folder for unfinished files, and remove it in the end.

    What a killed process left in it goes. A link or file of its name is not ours: it
    stays, and the FileExistsError names it.
    """
    if not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        raise FileExistsError(f"{folder} is in the way; remove it")
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_disk_full(error):
    """Say whether an error means that there is no room left on the disk."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
