"""The images of the course: CIFAR-10, one photo, and the reader's own.

CIFAR-10 lies in a folder `cifar-10-batches-bin` under `data/`, or under the folder that the
environment variable ALEXNET_DATA names; `load_cifar10` downloads it where it is missing, unless
ALEXNET_OFFLINE=1 is set. Without a network, scikit-learn's handwritten digits stand in for it.
"""

import concurrent.futures
import errno
import functools
import io
import os
import shutil
import tarfile
import tempfile
import time
import warnings
import zlib
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DATA_FOLDER = Path(__file__).resolve().parent.parent / "data"

FOLDER, ARCHIVE = "cifar-10-batches-bin", "cifar-10-binary.tar.gz"
TRAIN_FILES, TEST_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6)), ("test_batch.bin",)
IMAGES_PER_FILE = 10_000
RECORD_BYTES = 1 + 3 * 32 * 32  # the label, then the red, green and blue plane
ARCHIVE_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
MIRRORS = (
    f"https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/{ARCHIVE}",
    f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",
)


class ImageData(NamedTuple):
    """Images with their labels: what `load_cifar10` returns."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple
    source: str


def load_cifar10(mirrors=MIRRORS, sha256=ARCHIVE_SHA256, slowest=200_000, patience=10.0):
    """Load CIFAR-10 (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009).

    Looks for a local folder, then downloads the data set (170 MB), then takes the 1,797 handwritten
    digits that scikit-learn ships, and says so: every cell of the course runs on them too. An
    interrupted download leaves nothing that counts as data, and the next call starts it anew.

    Parameters
    ----------
    mirrors : addresses of `cifar-10-binary.tar.gz`, tried in this order.
    sha256 : checksum of that file, in hexadecimal digits.
    slowest : bytes per second; a mirror that sends less is given up for the next. On a slow line
        take a smaller number; 0 waits as long as anything arrives.
    patience : seconds over which the speed is measured, and that a silent mirror is given.

    Returns
    -------
    ImageData : `x_train` (50,000 images) and `x_test` (10,000), each N x 32 x 32 x 3 uint8, values
    0-255, channels red, green, blue; `y_train` and `y_test`, N int64 labels 0-9 (int64, so that
    arithmetic on labels cannot overflow); `class_names`, ten names in the order of the labels;
    `source`, which copy of the data this is. The digits come as 1,541 and 256 images.

    Raises
    ------
    ValueError : when the local folder is incomplete or a file in it is truncated or not CIFAR-10's
        (the message says which file and what to do), or `slowest` or `patience` is out of range.
    """
    if not slowest >= 0:
        raise ValueError(f"slowest={slowest!r}: allowed is a number of bytes per second, 0 or more")
    if not patience > 0:
        raise ValueError(f"patience={patience!r}: allowed is a positive number of seconds")
    roots = _roots()
    if folder := _find(roots):
        return _read(folder)
    if os.environ.get("ALEXNET_OFFLINE", "0") not in ("", "0"):
        print(f"CIFAR-10 is not in {roots[0]}, and ALEXNET_OFFLINE forbids the download.")
    elif folder := _download(roots, functools.partial(_fetch, slowest=slowest, patience=patience), mirrors, sha256):
        return _read(folder)
    print("Going on with scikit-learn's 1,797 handwritten digits, enlarged to 32 x 32 x 3, in place of CIFAR-10.")
    return _digits()


class ImageFiles:
    """Images in files, in place of an array of N x size x size x 3 uint8: read only when their pixels are needed.

    Indexing chooses some of them; `numpy.asarray` reads them, each as `read_photo` does.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, files, size):
        self.files, self.shape = np.array(files, dtype=object), (len(files), size, size, 3)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, chosen):
        return ImageFiles(self.files[chosen], self.shape[1])

    def __array__(self, dtype=None, copy=None):
        pixels = np.empty(self.shape, np.uint8)
        with concurrent.futures.ThreadPoolExecutor() as pool:  # Pillow lets other threads run while it decodes
            for number, photo in enumerate(pool.map(functools.partial(read_photo, size=self.shape[1]), self.files)):
                pixels[number] = photo
        return pixels if dtype is None else pixels.astype(dtype)


def load_image_folder(folder, size=32):
    """Find the images of a folder that is laid out as ImageNet's usually is: one subfolder for each class.

    Parameters
    ----------
    folder : has `train/CLASS/*` and `val/CLASS/*`, with the same classes in both. The images may be of
        any size and kind that `read_photo` reads.
    size : height and width in pixels to which the middle square of each image is resized.

    Returns
    -------
    ImageData : as of `load_cifar10`, with `ImageFiles` for `x_train` and `x_test` (the images of `val`).
    `class_names` are the names of the subfolders, in the order of the alphabet and of the labels.

    Raises
    ------
    ValueError : when a folder is missing or has no images, the classes of both differ, or the size is no
        integer from 1 to 4096.
    """
    _check_size(size)
    train, val = (_class_folders(Path(folder) / part) for part in ("train", "val"))
    if not train or list(train) != list(val):
        odd = ", ".join(sorted(set(train) ^ set(val))[:3]) or "none at all"
        raise ValueError(f"folder={str(folder)!r}: allowed has the same classes in train as in val; odd: {odd}")
    names, parts = tuple(train), []
    for classes in (train, val):
        if empty := [name for name in names if not classes[name]]:
            raise ValueError(
                f"folder={str(folder)!r}: class {empty[0]} has no images; allowed are 1 or more in train and val"
            )
        labels = np.repeat(np.arange(len(names)), [len(files) for files in classes.values()])
        parts += [ImageFiles([file for files in classes.values() for file in files], size), labels]
    source = f"{Path(folder).resolve().name}: {len(parts[0]):,} and {len(parts[2]):,} images of {len(names):,} classes"
    return ImageData(*parts, names, source)


def _class_folders(folder):
    """Return {class: paths of its images} in the order of the alphabet; what is hidden or no image is passed over."""
    from PIL import Image

    Image.init()
    known = Image.registered_extensions()
    classes = [path for path in sorted(folder.glob("[!.]*")) if path.is_dir()]
    return {
        path.name: [str(file) for file in sorted(path.glob("[!.]*")) if file.suffix.lower() in known]
        for path in classes
    }


def sample_photo(size=227):
    """Return the course's photo: the cat Chelsea, the middle square of scikit-image's `data.cat()`.

    Parameters
    ----------
    size : height and width in pixels, 1 to 4096. The square has 300 x 300 pixels in the original;
        it is resized with an anti-aliased bicubic filter in integer arithmetic, so that every
        machine computes the same pixels.

    Returns
    -------
    size x size x 3 uint8, values 0-255, channels red, green, blue.

    Raises
    ------
    ValueError : when the size is no integer from 1 to 4096.
    """
    import skimage.data  # here and not above: the modules that need no photo import faster
    from PIL import Image

    return _middle_square(Image.fromarray(skimage.data.cat()), size)


def read_photo(file, size=32):
    """Read a photo of any size and kind and return its middle square, in colour.

    Grey images get three equal channels, transparent places become white, photos that a camera
    stored lying on their side are turned upright, and of an animation the first picture is taken.

    Parameters
    ----------
    file : path of a file in a format that Pillow reads (JPEG, PNG, WebP, ...), or its content as bytes.
    size : height and width of the result in pixels, 1 to 4096.

    Returns
    -------
    size x size x 3 uint8, values 0-255, channels red, green, blue.

    Raises
    ------
    ValueError : when there is no such file, it holds no image, or is damaged or too large (more than
        179 million pixels), or the size is no integer from 1 to 4096.
    """
    from PIL import Image, ImageOps

    content = isinstance(file, (bytes, bytearray, memoryview))
    name = f"file=({len(file)} bytes)" if content else f"file={str(file)!r}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            photo = Image.open(io.BytesIO(file) if content else file)
            photo = ImageOps.exif_transpose(photo)
        if photo.mode.startswith("I"):  # 16 bits for each pixel
            photo = Image.fromarray((np.asarray(photo) / 257).round().astype(np.uint8))
        photo = photo.convert("RGBA")
        photo = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo).convert("RGB")
    except FileNotFoundError:
        raise ValueError(f"{name}: there is no such file; allowed is the path of an image") from None
    except (OSError, SyntaxError, ValueError, TypeError, AttributeError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name}: no image that can be read ({error}); allowed are JPEG, PNG and the like") from error
    return _middle_square(photo, size)


def _check_size(size):
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or not 1 <= size <= 4096:
        raise ValueError(f"size={size!r}: allowed is an integer from 1 to 4096")


def _middle_square(photo, size):
    """Cut a Pillow image to its middle square and resize it."""
    from PIL import Image

    _check_size(size)
    side = min(photo.size)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    square = photo.crop((left, top, left + side, top + side))
    return np.array(square.resize((int(size), int(size)), Image.Resampling.BICUBIC))


def _roots():
    """Return the folders in which CIFAR-10 may lie: where ALEXNET_DATA says, else data/, else the user's cache."""
    if os.environ.get("ALEXNET_DATA"):
        return [Path(os.environ["ALEXNET_DATA"]).expanduser()]
    import pooch

    return [DATA_FOLDER, pooch.os_cache("alexnet-course")]


def _find(roots):
    """Return the first folder of CIFAR-10 that is there, whole or not, or None."""
    return next((root / FOLDER for root in roots if os.path.lexists(root / FOLDER)), None)


def _read(folder):
    """Return the `ImageData` of a local folder."""
    missing = [name for name in (*TRAIN_FILES, *TEST_FILES) if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{folder} lacks {', '.join(missing)}: delete this folder and load again")
    note = folder / "SOURCE.txt"
    source = note.read_text(encoding="utf-8").strip() if note.is_file() else "CIFAR-10 (original binary archive)"
    return ImageData(*_read_files(folder, TRAIN_FILES), *_read_files(folder, TEST_FILES), CLASS_NAMES, source)


def _read_files(folder, names):
    """Read batch files one at a time into one array of images and one of labels."""
    n = IMAGES_PER_FILE
    images = np.empty((n * len(names), 32, 32, 3), np.uint8)
    labels = np.empty(n * len(names), np.int64)
    for number, path in enumerate(folder / name for name in names):
        remedy = f"the file is damaged or not CIFAR-10's: delete the folder {folder} and load again"
        if (size := path.stat().st_size) != n * RECORD_BYTES:
            raise ValueError(f"{path} has {size:,} bytes, allowed are {n * RECORD_BYTES:,}; {remedy}")
        records = np.fromfile(path, np.uint8).reshape(n, RECORD_BYTES)
        if (highest := records[:, 0].max()) >= len(CLASS_NAMES):
            raise ValueError(f"{path} has a label {highest}, allowed are 0 to 9; {remedy}")
        here = slice(number * n, (number + 1) * n)
        labels[here] = records[:, 0]
        images[here] = records[:, 1:].reshape(n, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, labels


def _digits():
    """Return scikit-learn's digits in the form of CIFAR-10; every seventh image is a test image."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    grey = np.round(digits.images * (255 / 16)).astype(np.uint8)
    images = np.repeat(grey.repeat(4, axis=1).repeat(4, axis=2)[..., np.newaxis], 3, axis=3)
    labels = digits.target.astype(np.int64)
    test = np.arange(len(labels)) % 7 == 6
    names, source = tuple("0123456789"), "scikit-learn's handwritten digits, in place of CIFAR-10"
    return ImageData(images[~test], labels[~test], images[test], labels[test], names, source)


def _download(roots, downloader, mirrors, sha256):
    """Put CIFAR-10 into the first of the folders that can be written to; return where, or None after saying why."""
    import filelock

    root = next(filter(_writable, roots), None)
    if root is None:
        print(f"{roots[0]} cannot be written to: set ALEXNET_DATA to a folder that can.")
        return None
    if root != roots[0]:
        print(f"{roots[0]} cannot be written to: CIFAR-10 goes into {root}.")
    lock, unfinished = filelock.FileLock(root / "cifar-10.lock"), root / "cifar-10.part"
    try:
        try:
            turn = lock.acquire(timeout=0)
        except filelock.Timeout:
            print(f"Waiting for another process, which is downloading CIFAR-10 into {root} ...")
            turn = lock.acquire()
        with turn:
            if _find([root]) is None:  # else that other process was first
                shutil.rmtree(unfinished, ignore_errors=True)  # what a killed process left
                try:
                    _unpack(_fetch_archive(unfinished, downloader, mirrors, sha256), unfinished / FOLDER)
                    os.rename(unfinished / FOLDER, root / FOLDER)
                finally:
                    shutil.rmtree(unfinished, ignore_errors=True)
        return root / FOLDER
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error) as error:
        why = "the disk is full; while it is unpacked, 360 MB must be free" if _disk_is_full(error) else error
        print(f"CIFAR-10 could not be put into {root}: {why}.")
        return None


def _fetch_archive(folder, downloader, mirrors, sha256):
    """Return the path of the archive, checked, from the first mirror that delivers it."""
    import pooch
    import urllib3

    pooch.get_logger().setLevel("WARNING")  # its notes go to stderr, which Jupyter shows in red
    for url in mirrors:
        host = urlsplit(url).netloc
        print(f"Downloading CIFAR-10 (170 MB) from {host} into {folder.parent} ...")
        try:
            return pooch.retrieve(url, f"sha256:{sha256}", ARCHIVE, folder, downloader=downloader)
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            if _disk_is_full(error):
                raise
            print(f"Giving up {host}: {error}")
    raise ConnectionError("no mirror delivered it")


def _fetch(url, file, _pooch, slowest, patience):
    """Download as pooch asks for it, but leave a mirror that is dead or too slow."""
    import requests
    from tqdm.auto import tqdm

    with requests.get(url, stream=True, timeout=patience, headers={"Accept-Encoding": "identity"}) as response:
        response.raise_for_status()
        total = int(response.headers.get("Content-Length", 0)) or None
        with open(file, "wb") as out, tqdm(total=total, unit="B", unit_scale=True) as bar:
            start, received = time.monotonic(), 0
            # read1 returns what has arrived; iter_content would wait for a full piece, on a trickle for hours.
            while piece := response.raw.read1(2**20):
                out.write(piece)
                bar.update(len(piece))
                received += len(piece)
                if (seconds := time.monotonic() - start) >= patience:
                    if received < slowest * seconds:
                        speed = f"{received / seconds / 1000:.1f} kB/s, less than {slowest / 1000:g} kB/s"
                        raise ConnectionError(f"{speed} (load_cifar10(slowest=...) sets this limit)")
                    start, received = time.monotonic(), 0


def _unpack(archive, folder):
    """Write the six batch files of the archive into a new folder; nothing else leaves the archive.

    They are written here, not by tarfile: no name, link or device can reach outside the folder.
    """
    folder.mkdir()
    wanted = {f"{FOLDER}/{name}": folder / name for name in (*TRAIN_FILES, *TEST_FILES)}
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            if path := wanted.pop(member.name, None):
                if not member.isreg() or member.size != IMAGES_PER_FILE * RECORD_BYTES:
                    raise ValueError(f"the archive's {member.name} is not a file of CIFAR-10")
                with open(path, "xb") as out:
                    shutil.copyfileobj(tar.extractfile(member), out)
                    os.fsync(out.fileno())  # on the disk before the folder gets its final name
    if wanted:
        raise ValueError(f"the archive lacks {', '.join(wanted)}")


def _writable(folder):
    """Try whether files can be made in a folder, which is made if need be (as root, permissions tell nothing)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _disk_is_full(error):
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
