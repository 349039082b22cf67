"""CIFAR-10, or the handwritten digits that stand in for it.

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. The files
lie in a folder `cifar-10-batches-bin` under `data/`, or under the folder that the
environment variable ALEXNET_DATA names (it may name `cifar-10-batches-bin` itself).
"""

import os
import re
import tarfile
import zlib
from typing import NamedTuple

import numpy as np

from alexnet_helpers import checks
from alexnet_helpers.data import downloads, folders
from alexnet_helpers.data.folders import CIFAR10_FOLDER

CLASS_NAMES = tuple(
    "airplane automobile bird cat deer dog frog horse ship truck".split()
)
TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_FILES = ("test_batch.bin",)
IMAGES_PER_FILE = 10_000
RECORD_BYTES = 1 + 3 * 32 * 32  # the label, then the red, green and blue plane
DIGITS = "scikit-learn's handwritten digits, in place of CIFAR-10"

ARCHIVE = "cifar-10-binary.tar.gz"
ARCHIVE_BYTES = 170_052_171
ARCHIVE_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
MIRRORS = (
    f"https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/{ARCHIVE}",
    f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",
)


class ImageData(NamedTuple):
    """Images with their labels.

    Parameters
    ----------
    x_train, x_test : ndarray of uint8, shape (N, H, W, 3)
        Values 0-255, channels red, green, blue.
    y_train, y_test : ndarray of int64, shape (N,)
        The number of each image's class, from 0. (In int64 no arithmetic overflows.)
    class_names : tuple of str
        In the order of the labels.
    source : str
        Which copy of which data this is.

    Examples
    --------
    >>> images, labels = np.zeros((2, 32, 32, 3), np.uint8), np.array([3, 5])
    >>> dataset = ImageData(images, labels, images, labels, CLASS_NAMES, "all black")
    >>> dataset.class_names[dataset.y_train[0]]
    'cat'
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple
    source: str


def load_cifar10(
    mirrors=MIRRORS, sha256=ARCHIVE_SHA256, slowest=200_000, patience=10.0
):
    """Load CIFAR-10, or the handwritten digits if it cannot be had.

    It looks for a local folder, then downloads the data set (170 MB) unless
    ALEXNET_OFFLINE=1 is set, then takes the 1,797 handwritten digits that scikit-learn
    ships, and says so: every cell of the course runs on them too. An interrupted
    download leaves nothing that counts as data; the next call starts again.

    Parameters
    ----------
    mirrors : sequence of str
        Addresses of `cifar-10-binary.tar.gz`, tried in this order.
    sha256 : str
        Checksum of that file, in hexadecimal digits.
    slowest : float
        Bytes per second; a mirror that sends less is given up for the next. On a slow
        line take a smaller number; 0 waits as long as anything arrives.
    patience : float
        Seconds over which the speed is measured, and in which a mirror has to answer.

    Returns
    -------
    ImageData
        50,000 training and 10,000 test images of 32 x 32 pixels. The digits come as
        1,541 and 256 images.

    Raises
    ------
    ValueError
        If the local folder is incomplete or a file in it is damaged; the message says
        which and what to do.

    Examples
    --------
    >>> load_cifar10().x_train.shape  # doctest: +SKIP
    (50000, 32, 32, 3)
    """
    mirrors = checks.texts("mirrors", mirrors, "a list of addresses")
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        checks.refuse("sha256", "64 hexadecimal digits", sha256)
    slowest, patience = downloads.check_limits(slowest, patience)
    places = folders.data_folders()
    folder = _find_folder(places)
    if folder is None and downloads.is_offline():
        missing = f"CIFAR-10 is not in {places[0]}"
        print(f"{missing}, and ALEXNET_OFFLINE forbids the download.")
    elif folder is None:
        limits = slowest, patience, ARCHIVE_BYTES
        download = downloads.Downloader(*limits, "CIFAR-10", "load_cifar10")
        folder = _download(places, download, mirrors, sha256)
    if folder is not None:
        return _read(folder)
    digits = "scikit-learn's 1,797 handwritten digits, enlarged to 32 x 32 x 3"
    print(f"Going on with {digits}, in place of CIFAR-10.")
    return _load_digits()


def _find_folder(places):
    """Return CIFAR-10's folder in the first place that has it, or None."""
    for place in places:
        if os.path.lexists(place / CIFAR10_FOLDER):
            return place / CIFAR10_FOLDER
        if not _missing(place):  # in a folder of another name
            return place
    return None


def _missing(folder):
    """Return the names of the files of CIFAR-10 that a folder lacks."""
    names = TRAIN_FILES + TEST_FILES
    return [name for name in names if not (folder / name).is_file()]


def _read(folder):
    """Return the `ImageData` of a local folder."""
    if missing := _missing(folder):
        lacks = f"{folder} lacks {', '.join(missing)}"
        raise ValueError(f"{lacks}: delete this folder and load again")
    note, source = folder / "SOURCE.txt", "CIFAR-10 (original binary archive)"
    if note.is_file():
        source = note.read_text(encoding="utf-8", errors="replace").strip()
    train, test = _read_files(folder, TRAIN_FILES), _read_files(folder, TEST_FILES)
    return ImageData(*train, *test, CLASS_NAMES, source)


def _read_files(folder, names):
    """Read batch files, one at a time, into one array of images and one of labels."""
    n = IMAGES_PER_FILE
    images = np.empty((n * len(names), 32, 32, 3), np.uint8)
    labels = np.empty(n * len(names), np.int64)
    for number, name in enumerate(names):
        records = _read_records(folder / name)
        rows = slice(number * n, (number + 1) * n)
        labels[rows] = records[:, 0]
        images[rows] = records[:, 1:].reshape(n, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, labels


def _read_records(file):
    """Return a batch file as an array: a row for each image, its label in front."""
    own = file.parent.name == CIFAR10_FOLDER  # else it may hold other files as well
    damaged = f"the folder {file.parent}" if own else file
    remedy = f"the file is damaged or not CIFAR-10's: delete {damaged} and load again"
    expected, size = IMAGES_PER_FILE * RECORD_BYTES, file.stat().st_size
    if size != expected:
        needed = f"{file} must have {expected:,} bytes"
        raise ValueError(f"{needed}, got {size:,} bytes; {remedy}")
    records = np.fromfile(file, np.uint8).reshape(-1, RECORD_BYTES)
    highest = records[:, 0].max()
    if highest >= len(CLASS_NAMES):
        needed = f"{file} must have labels from 0 to 9"
        raise ValueError(f"{needed}, got label {highest}; {remedy}")
    return records


def _load_digits():
    """Return scikit-learn's digits in the form of CIFAR-10.

    Each pixel becomes a square of 4 x 4, each value from 0 to 16 three equal ones from
    0 to 255. Every seventh image is a test image.

    Returns
    -------
    ImageData

    Examples
    --------
    >>> _load_digits().x_test.shape
    (256, 32, 32, 3)
    """
    from sklearn import datasets

    digits = datasets.load_digits()
    grey = np.round(digits.images * (255 / 16)).astype(np.uint8)
    large = grey.repeat(4, axis=1).repeat(4, axis=2)
    images = np.repeat(large[..., np.newaxis], 3, axis=3)
    labels = digits.target.astype(np.int64)
    test = np.arange(len(labels)) % 7 == 6
    train = images[~test], labels[~test]
    return ImageData(*train, images[test], labels[test], tuple("0123456789"), DIGITS)


def _download(places, download, mirrors, sha256):
    """Put CIFAR-10 into the first place that can be written to.

    Return its folder, or None after saying why there is none.
    """
    place = folders.first_writable(places, "CIFAR-10")
    if place is None:
        return None
    folder, unfinished = place / CIFAR10_FOLDER, place / "cifar-10.part"
    try:
        with folders.one_process_at_a_time(place, "cifar-10.lock", "CIFAR-10"):
            if _find_folder([place]) is None:  # else another process was first
                with folders.unfinished_folder(unfinished):
                    unpacked = _unpacked(unfinished, download, mirrors, sha256)
                    os.rename(unpacked, folder)
        return folder
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error) as error:
        full = "the disk is full; while it is unpacked, 360 MB must be free"
        why = full if folders.is_disk_full(error) else error
        print(f"CIFAR-10 could not be put into {place}: {why}.")
        return None


def _unpacked(unfinished, download, mirrors, sha256):
    """Download the archive into a folder; return the folder of its six batch files."""
    import pooch

    names = TRAIN_FILES + TEST_FILES
    members = [f"{CIFAR10_FOLDER}/{name}" for name in names]
    untar = pooch.Untar(members, extract_dir=".")
    what = "CIFAR-10 (170 MB)"
    downloads.retrieve(unfinished, download, mirrors, sha256, ARCHIVE, what, untar)
    for name in names:
        file = unfinished / CIFAR10_FOLDER / name
        if not file.is_file() or file.is_symlink():
            raise ValueError(f"the archive lacks {name}")
        expected = IMAGES_PER_FILE * RECORD_BYTES
        if file.stat().st_size != expected:
            raise ValueError(f"the archive's {name} is not a file of CIFAR-10")
        with open(file, "rb+") as written:
            os.fsync(written.fileno())  # before the folder gets its final name
    return unfinished / CIFAR10_FOLDER
