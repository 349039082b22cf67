"""The images of the course: CIFAR-10, one photo, and the reader's own.

CIFAR-10 lies in a folder `cifar-10-batches-bin` under `data/`, or under the folder that the
environment variable ALEXNET_DATA names (it may name `cifar-10-batches-bin` itself; a relative
path starts at the course's folder, in whichever folder a notebook runs). `load_cifar10`
downloads it if it is missing, unless ALEXNET_OFFLINE=1 is set. Without a network,
scikit-learn's handwritten digits stand in for it.
"""

import collections
import concurrent.futures
import contextlib
import errno
import functools
import io
import os
import re
import shutil
import socket
import tarfile
import tempfile
import threading
import time
import warnings
import zlib
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np

from alexnet_helpers import checks

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
DATA_FOLDER = Path(__file__).resolve().parent.parent / "data"

FOLDER, ARCHIVE = "cifar-10-batches-bin", "cifar-10-binary.tar.gz"
TRAIN_FILES, TEST_FILES = (
    tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    ("test_batch.bin",),
)
IMAGES_PER_FILE = 10_000
RECORD_BYTES = 1 + 3 * 32 * 32  # the label, then the red, green and blue plane
ARCHIVE_BYTES = 170_052_171
ARCHIVE_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
MIRRORS = (
    f"https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/{ARCHIVE}",
    f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",
)

# In the public domain, under CC0 or without known restrictions, says scikit-image's documentation.
STAND_INS = (
    "cat",
    "astronaut",
    "coffee",
    "rocket",
    "camera",
    "moon",
    "coins",
    "brick",
    "grass",
    "gravel",
)

# Files that Pillow recognizes but cannot turn into pixels, or only with another program's help.
NO_PIXELS = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
# The largest photos, in pixels, that are decoded in about 1 GB: these formats need 10 to 20
# bytes for each pixel, the others at most 6.
MOST_PIXELS = {"AVIF": 100_000_000, "JPEG2000": 50_000_000, "WEBP": 64_000_000}
MOST_PIXELS_ELSEWHERE = 178_956_970  # which is Pillow's own limit as well
LARGE = (
    2**24
)  # pixels; larger photos are decoded one at a time, and JPEG at a fraction of its size
STRIP = 2**20  # pixels that are converted at a time
# What people take for images and Pillow cannot read: the first bytes, as a regular expression.
FOREIGN = {
    "HEIC, the format of iPhones": rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)",
    "AVIF": rb"....ftypavi[fs]",
    "JPEG XL": rb"\xff\x0a|\x00\x00\x00\x0cJXL ",
    "a camera's raw format": rb"....ftypcrx |FUJIFILMCCD|II\*\x00.{4}CR|IIRO|IIU\x00",
    "a video": rb"....ftyp|\x1a\x45\xdf\xa3|RIFF....AVI |\x00\x00\x01[\xb3\xba]",
    "PDF": rb"%PDF",
    "SVG, a drawing": rb"\s*(<\?xml.*)?<svg",
    "a web page": rb"(?i)\s*<(!doctype )?html",
    "TIFF, damaged or of a rare kind": rb"II\*\x00|MM\x00\*",
    "a damaged image": rb"\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP",
}
# EXIF's orientation: how a photo of each kind is turned upright.
TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
ORIENTATION, BITS, PHOTOMETRIC, PLANAR = 0x0112, 258, 262, 284  # tags of EXIF and TIFF

_filters, _large = threading.Lock(), threading.Lock()


class ImageData(NamedTuple):
    """Images with their labels: what `load_cifar10` returns."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple
    source: str


def load_cifar10(
    mirrors=MIRRORS, sha256=ARCHIVE_SHA256, slowest=200_000, patience=10.0
):
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
    patience : seconds over which the speed is measured, and in which a mirror has to answer.

    Returns
    -------
    ImageData : `x_train` (50,000 images) and `x_test` (10,000), each N x 32 x 32 x 3 uint8, values
    0-255, channels red, green, blue; `y_train` and `y_test`, N int64 labels 0-9 (int64, so that
    arithmetic on labels cannot overflow); `class_names`, ten names in the order of the labels;
    `source`, which copy of the data this is. The digits come as 1,541 and 256 images.

    Raises
    ------
    ValueError : if the local folder is incomplete or a file in it is truncated or not CIFAR-10's
        (the message says which file and what to do), or an argument is out of range.
    """
    mirrors = checks.texts("mirrors", mirrors, "a list of addresses")
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        checks.refuse("sha256", "64 hexadecimal digits", sha256)
    slowest, patience = _check_limits(slowest, patience)
    roots = _roots()
    if folder := _find(roots):
        return _read(folder)
    if _offline():
        print(
            f"CIFAR-10 is not in {roots[0]}, and ALEXNET_OFFLINE forbids the download."
        )
    else:
        downloader = functools.partial(_fetch, slowest=slowest, patience=patience)
        if folder := _download(roots, downloader, mirrors, sha256):
            return _read(folder)
    print(
        "Going on with scikit-learn's 1,797 handwritten digits, enlarged to 32 x 32 x"
        " 3, in place of CIFAR-10."
    )
    return _digits()


class ImageFiles:
    """Images in files, in place of an array of N x size x size x 3 uint8: read only when needed.

    An integer as index reads one image; a slice, integers or Booleans choose some of them, and
    `numpy.asarray` reads these, each as `read_photo` does.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, files, size):
        if not isinstance(files, (list, tuple, np.ndarray)) or not all(
            map(_is_path, files)
        ):
            checks.refuse("files", "a list of paths", files)
        size = _check_size(size)
        self.files, self.shape = (
            np.array(files, dtype=object),
            (len(files), size, size, 3),
        )

    def __len__(self):
        return len(self.files)

    def __getitem__(self, chosen):
        files = self.files[chosen]
        if _is_path(files):
            return read_photo(files, size=self.shape[1])
        if files.ndim != 1:
            raise IndexError("images in files take one index, along one axis")
        return ImageFiles(files, self.shape[1])

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError(
                "copy must be None or True, got False: images in files have to be read"
            )
        pixels = np.empty(self.shape, np.uint8)
        read = functools.partial(read_photo, size=self.shape[1])
        # Pillow lets other threads run while it decodes.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for number, photo in enumerate(pool.map(read, self.files)):
                pixels[number] = photo
        return pixels if dtype is None else pixels.astype(dtype)


def load_image_folder(folder, size=32):
    """Find the images of a folder that is laid out as ImageNet's usually is: a subfolder per class.

    Whatever else lies in it is passed over; a printed line says how many files of which kind.

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
    ValueError : if a folder is missing or has no images, the classes of both differ, or the size is
        not an integer from 1 to 4096.
    """
    folder, size = checks.path("folder", folder), _check_size(size)
    found = {part: _class_folders(folder, part) for part in ("train", "val")}
    if reason := _layout_fault(folder, found):
        needed = "a folder with train/CLASS/* and val/CLASS/*, the same classes in both"
        raise ValueError(f"folder must be {needed}, got {_quoted(folder)} ({reason})")
    names, parts = tuple(found["train"]), []
    for classes in found.values():
        labels = np.repeat(
            np.arange(len(names)), [len(files) for files in classes.values()]
        )
        parts += [
            ImageFiles([file for files in classes.values() for file in files], size),
            labels,
        ]
    counts = f"{len(parts[0]):,} and {len(parts[2]):,} images of {len(names):,} classes"
    return ImageData(*parts, names, f"{folder.resolve().name}: {counts}")


def _class_folders(folder, part):
    """Return {class: paths of its images} in the order of the alphabet; print what is passed over."""
    if not (folder / part).is_dir():
        return {}
    classes, passed_over, known = {}, collections.Counter(), _known_suffixes()
    for place in _visible(folder / part):
        if not place.is_dir():
            passed_over["outside the class folders"] += 1
            continue
        classes[place.name] = []
        for file in _visible(place.path):
            suffix = Path(file.name).suffix.lower()
            if suffix in known and file.is_file():
                classes[place.name].append(file.path)
            else:
                passed_over[
                    "folders" if file.is_dir() else suffix or "without a suffix"
                ] += 1
    if passed_over:
        listed = ", ".join(
            f"{count:,} {kind}" for kind, count in passed_over.most_common(5)
        )
        print(f"Passed over in {folder.name}/{part}: {listed}.")
        print(
            "Only images in class folders count, in a format that Pillow reads: export"
            " others as JPEG."
        )
    return classes


def _visible(folder):
    """Return the entries of a folder that are not hidden, in the order of their names."""
    with os.scandir(folder) as entries:
        return sorted(
            (one for one in entries if one.name[0] != "."), key=lambda one: one.name
        )


def _known_suffixes():
    """Return the suffixes of the formats that Pillow can read, not only write or recognize."""
    from PIL import Image

    suffixes = Image.registered_extensions()
    readable = {"MPO", *Image.OPEN} - NO_PIXELS  # MPO is opened as JPEG
    return {suffix for suffix, form in suffixes.items() if form in readable}


def _layout_fault(folder, found):
    """Say what is wrong with a folder of images, or return ""."""
    if not folder.is_dir():
        return "a file" if folder.exists() else "there is no such folder"
    for part in found:
        if not (folder / part).is_dir():
            there = [one.name for one in _visible(folder) if one.is_dir()]
            renamed = next((name for name in there if name.lower() == part), "")
            remedy = f": rename {renamed} to {part}" if renamed else ""
            return (
                f"it has no {part}, but"
                f" {', '.join(there[:5]) or 'no folder at all'}{remedy}"
            )
    for one, other in (("train", "val"), ("val", "train")):
        if odd := sorted(set(found[one]) - set(found[other])):
            return f"only in {one}: {', '.join(odd[:3])}"
    for part, classes in found.items():
        if not classes:
            return f"{part} has no class folders"
        if empty := [name for name, files in classes.items() if not files]:
            return f"class {empty[0]} has no images in {part}"
    return ""


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
    ValueError : if the size is not an integer from 1 to 4096.
    """
    import skimage.data  # here and not above: the modules that need no photo import faster
    from PIL import Image

    return _middle_square(Image.fromarray(skimage.data.cat()), _check_size(size))


def showable(images, titles):
    """Return images and their titles for a figure: these, or with ALEXNET_SHOW_IMAGES=0 stand-ins.

    Nobody knows who holds the rights to CIFAR-10's photos, so the course stores no picture of one. `make
    notebooks` and the tests set ALEXNET_SHOW_IMAGES=0; then photos that scikit-image ships, whole at first
    and then ever smaller squares of them, take the images' place, and a printed line says so.

    Parameters
    ----------
    images : N x size x size x 3 uint8, values 0-255.
    titles : list of N texts.

    Returns
    -------
    The images, N x size x size x 3 uint8, and a list of N titles.

    Raises
    ------
    ValueError : if the images are not square, or there is not one title for each.
    """
    images = checks.pixels("images", images)
    if images.shape[1] != images.shape[2]:
        checks.refuse("images", "square, N x size x size x 3", images)
    size, needed = _check_size(images.shape[1]), "a list of texts, one for each image"
    titles = list(checks.texts("titles", titles, needed))
    if len(titles) != len(images):
        checks.refuse("titles", needed, titles)
    if os.environ.get("ALEXNET_SHOW_IMAGES", "1") != "0":
        return np.asarray(images), titles
    print(
        "Photos that scikit-image ships stand in here: run this cell yourself to see"
        " the images."
    )
    names = [STAND_INS[number % len(STAND_INS)] for number in range(len(titles))]
    return (
        np.stack(
            [
                _stand_in(name, size, number // len(STAND_INS))
                for number, name in enumerate(names)
            ]
        ),
        names,
    )


def _stand_in(name, size, zoom):
    """Return one of scikit-image's photos, or with a zoom from 1 on the middle of it, at that size."""
    import skimage.data
    from PIL import Image

    photo = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
    side = max(1, round(min(photo.size) * 0.75**zoom))
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    return _middle_square(photo.crop((left, top, left + side, top + side)), size)


def read_photo(file, size=32):
    """Read a photo of any size and kind and return its middle square, in colour.

    Grey images get three equal channels, transparent places become white, photos that a camera
    stored lying on their side are turned upright, and of an animation the first picture is taken.
    Of 16-bit channels the upper 8 bits count.

    Parameters
    ----------
    file : path of a file in a format that Pillow reads (JPEG, PNG, WebP, ...), or its content as bytes.
    size : height and width of the result in pixels, 1 to 4096.

    Returns
    -------
    size x size x 3 uint8, values 0-255, channels red, green, blue.

    Raises
    ------
    ValueError : if there is no such file, it does not hold an image, is damaged, has grey values of
        32 bits (of unknown range) or too many pixels (more than 179 million, of some formats 50 to
        100 million), or the size is not an integer from 1 to 4096.
    """
    size = _check_size(size)
    name, opened = _open(file)
    with opened:
        head = opened.read(1000)
        try:
            return _decode(opened, size)
        except (
            Exception
        ) as error:  # Pillow's decoders raise nearly every kind for damaged files
            raise _unreadable(name, _reason(error, head)) from None


def _is_path(file):
    return isinstance(file, (str, os.PathLike))


def _check_size(size):
    return checks.integer("size", size, 1, 4096)


def _unreadable(name, reason):
    needed = "an image that can be read, such as JPEG or PNG"
    return ValueError(f"file must be {needed}, got {name} ({reason})")


def _open(file):
    """Return what messages call a photo, and the photo opened for reading."""
    if isinstance(file, (bytes, bytearray, memoryview)):
        content = bytes(file)
        return f"{len(content):,} bytes", io.BytesIO(content)
    if not _is_path(file):
        checks.refuse("file", "the path of an image, or its content as bytes", file)
    path, name = checks.path("file", file), _quoted(file)
    try:
        if path.is_file():
            return name, open(path, "rb")
    except OSError as error:
        raise _unreadable(name, error.strerror) from None
    if re.match(r"\w+://", str(file)):
        raise _unreadable(name, "an address: download the photo first")
    reason = (
        "a folder"
        if path.is_dir()
        else "not a file"
        if path.exists()
        else "there is no such file"
    )
    raise _unreadable(name, reason)


def _quoted(path):
    """Return a path in quotes as the reader wrote it: `repr` would double Windows' backslashes."""
    return f"'{path}'" if str(path).isprintable() else repr(str(path))


class _Refused(Exception):
    """What is wrong with a photo that Pillow would read, or read wrongly."""


def _reason(error, head):
    """Say why a photo could not be read, without the address of an object."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, _Refused):
        return str(error)
    if isinstance(error, Image.DecompressionBombError):
        return (
            f"more than {MOST_PIXELS_ELSEWHERE / 1e6:.0f} million pixels: make it"
            " smaller"
        )
    if isinstance(error, MemoryError):
        return "not enough memory: make it smaller"
    if isinstance(error, UnidentifiedImageError):
        for kind, pattern in FOREIGN.items():
            if re.match(pattern, head, re.DOTALL):
                return f"{kind}, which cannot be read here: export it as JPEG or PNG"
        return "an empty file" if not head else "no format that Pillow knows"
    text = re.sub(r"<[^<>]*\bat 0x[0-9a-fA-F]+>", "...", " ".join(str(error).split()))
    return (
        f"damaged, or of an unusual kind: {text[:100] or type(error).__name__}; try to"
        " export it anew"
    )


def _decode(opened, size):
    """Return the middle square of the photo in an open file."""
    from PIL import Image

    with contextlib.ExitStack() as stack:
        with _no_warnings():
            photo = stack.enter_context(Image.open(opened))
        pixels = photo.width * photo.height
        most = MOST_PIXELS.get(photo.format, MOST_PIXELS_ELSEWHERE)
        if pixels > most:
            raise _Refused(
                f"{pixels / 1e6:.0f} million pixels, more than {most / 1e6:.0f}: make"
                " it smaller"
            )
        if pixels > LARGE:
            stack.enter_context(_large)
            photo.draft(None, (4 * size, 4 * size))  # what JPEG can do while it decodes
        to_8_bits = _range(photo)
        if photo.format == "PNG":
            _mend_transparency(photo)
        photo.load()
        return _middle_square(photo, size, _orientation(photo), to_8_bits)


@contextlib.contextmanager
def _no_warnings():
    """Hold warnings back, in one thread at a time: their filters belong to the whole process."""
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _range(photo):
    """Return the grey values that are black and white, if not 0 and 255; refuse what is uncertain."""
    if photo.format in NO_PIXELS:
        raise _Refused(
            f"{photo.format}, of which Pillow gets no pixels: export it as JPEG or PNG"
        )
    planes = (
        photo.format == "TIFF"
        and photo.tag_v2.get(PLANAR) == 2
        and photo.tile[0][0] == "raw"
    )
    if (
        planes and max(photo.tag_v2[BITS]) > 8
    ):  # Pillow would take each byte for a value
        raise _Refused(
            "16-bit colours in separate planes: save it with 8 bits, or as PNG"
        )
    if photo.mode[0] not in "IF":
        return None
    if (photo.format, photo.mode) in (
        ("PNG", "I"),
        ("PPM", "I"),
        ("JPEG2000", "I;16"),
        ("PNG", "I;16"),
    ):
        return 0, 65_535
    if photo.format == "TIFF" and photo.mode.startswith("I;16"):
        white = 2 ** photo.tag_v2.get(BITS, (16,))[0] - 1
        return (white, 0) if photo.tag_v2.get(PHOTOMETRIC, 0) == 0 else (0, white)
    raise _Refused("grey values of a range that it does not tell: save it with 8 bits")


def _mend_transparency(photo):
    """Bring a PNG's transparent value to the 8 bits to which Pillow brings the pixels, but not it."""
    see_through, stored = photo.info.get("transparency"), str(photo.tile[0][3])
    if isinstance(see_through, int):
        factor = {"1": 255, "L;2": 85, "L;4": 17}.get(stored, 1)
        photo.info["transparency"] = see_through * factor
    elif isinstance(see_through, tuple) and "16" in stored:
        photo.info["transparency"] = tuple(value >> 8 for value in see_through)


def _orientation(photo):
    """Return the EXIF orientation of a photo that is loaded; if it cannot be read, the photo is upright.

    (Pillow's `exif_transpose` would write all of the EXIF anew, and raise if it cannot write some of
    it. TIFF is upright once it is loaded.)
    """
    try:
        with _no_warnings():
            return int(photo.getexif().get(ORIENTATION, 1))
    except Exception:  # as for any damaged file
        return 1


def _middle_square(photo, size, turn=1, to_8_bits=None):
    """Turn a Pillow image upright, cut it to its middle square and resize it.

    Strip by strip: a copy of the whole in another mode could take a gigabyte. Pillow resizes the
    width first, so the pixels are the same as in one go.
    """
    from PIL import Image

    width, height = photo.size if turn not in (5, 6, 7, 8) else photo.size[::-1]
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    rows = max(1, STRIP // side)
    narrow = Image.new("RGB", (size, side))
    for row in range(0, side, rows):
        box = (left, top + row, left + side, top + min(row + rows, side))
        strip = _upright_part(photo, box, turn, to_8_bits)
        narrow.paste(
            strip.resize((size, strip.height), Image.Resampling.BICUBIC), (0, row)
        )
    return np.array(narrow.resize((size, size), Image.Resampling.BICUBIC))


def _upright_part(photo, box, turn, to_8_bits):
    """Return, in colour, what lies in a box (left, top, right, bottom) of the upright photo."""
    from PIL import Image

    left, top, right, bottom = box
    if turn in (5, 6, 7, 8):
        left, top, right, bottom = top, left, bottom, right
    if turn in (2, 3, 7, 8):
        left, right = photo.width - right, photo.width - left
    if turn in (3, 4, 6, 7):
        top, bottom = photo.height - bottom, photo.height - top
    part = _in_colour(photo.crop((left, top, right, bottom)), to_8_bits)
    return part.transpose(Image.Transpose[TURNS[turn]]) if turn in TURNS else part


def _in_colour(part, to_8_bits=None):
    """Return a Pillow image in red, green and blue, with white behind what is transparent."""
    from PIL import Image

    if to_8_bits:
        values, (black, white) = np.asarray(part).astype(np.float64), to_8_bits
        grey = (
            np.clip((values - black) / ((white - black) / 255), 0, 255)
            .round()
            .astype(np.uint8)
        )
        if isinstance(see_through := part.info.get("transparency"), int):
            grey[values == see_through] = 255
        return Image.fromarray(grey).convert("RGB")
    if not part.has_transparency_data:
        return part.convert("RGB")
    part = (part.convert("LA") if part.mode == "La" else part).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", part.size, "white"), part).convert(
        "RGB"
    )


def _roots():
    """Return the folders in which CIFAR-10 may lie: where ALEXNET_DATA says, else data/, else the user's cache."""
    if os.environ.get("ALEXNET_DATA"):
        named = checks.path("ALEXNET_DATA", os.environ["ALEXNET_DATA"])
        root = DATA_FOLDER.parent / named  # which an absolute path replaces
        itself = root.name == FOLDER and not os.path.lexists(root / FOLDER)
        return [root.parent if itself else root]
    import pooch

    return [DATA_FOLDER, pooch.os_cache("alexnet-course")]


def _find(roots):
    """Return the first folder of CIFAR-10 that is there, whole or not, or None."""
    for root in roots:
        if os.path.lexists(root / FOLDER):
            return root / FOLDER
        if all(
            (root / name).is_file() for name in (*TRAIN_FILES, *TEST_FILES)
        ):  # under another name
            return root
    return None


def _read(folder):
    """Return the `ImageData` of a local folder."""
    missing = [
        name for name in (*TRAIN_FILES, *TEST_FILES) if not (folder / name).is_file()
    ]
    if missing:
        raise ValueError(
            f"{folder} lacks {', '.join(missing)}: delete this folder and load again"
        )
    note, source = folder / "SOURCE.txt", "CIFAR-10 (original binary archive)"
    if note.is_file():
        source = note.read_text(encoding="utf-8", errors="replace").strip()
    return ImageData(
        *_read_files(folder, TRAIN_FILES),
        *_read_files(folder, TEST_FILES),
        CLASS_NAMES,
        source,
    )


def _read_files(folder, names):
    """Read batch files one at a time into one array of images and one of labels."""
    n = IMAGES_PER_FILE
    images = np.empty((n * len(names), 32, 32, 3), np.uint8)
    labels = np.empty(n * len(names), np.int64)
    for number, path in enumerate(folder / name for name in names):
        damaged = (
            f"the folder {folder}" if folder.name == FOLDER else path
        )  # it may hold other files as well
        remedy = (
            f"the file is damaged or not CIFAR-10's: delete {damaged} and load again"
        )
        if (size := path.stat().st_size) != n * RECORD_BYTES:
            raise ValueError(
                f"{path} must have {n * RECORD_BYTES:,} bytes, got {size:,} bytes;"
                f" {remedy}"
            )
        records = np.fromfile(path, np.uint8).reshape(n, RECORD_BYTES)
        if (highest := records[:, 0].max()) >= len(CLASS_NAMES):
            raise ValueError(
                f"{path} must have labels from 0 to 9, got label {highest}; {remedy}"
            )
        here = slice(number * n, (number + 1) * n)
        labels[here] = records[:, 0]
        images[here] = records[:, 1:].reshape(n, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, labels


def _digits():
    """Return scikit-learn's digits in the form of CIFAR-10; every seventh image is a test image."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    grey = np.round(digits.images * (255 / 16)).astype(np.uint8)
    images = np.repeat(
        grey.repeat(4, axis=1).repeat(4, axis=2)[..., np.newaxis], 3, axis=3
    )
    labels = digits.target.astype(np.int64)
    test = np.arange(len(labels)) % 7 == 6
    names, source = (
        tuple("0123456789"),
        "scikit-learn's handwritten digits, in place of CIFAR-10",
    )
    return ImageData(
        images[~test], labels[~test], images[test], labels[test], names, source
    )


def _download(roots, downloader, mirrors, sha256):
    """Put CIFAR-10 into the first of the folders that can be written to; return where, or None after saying why."""
    root = next(filter(_writable, roots), None)
    if root is None:
        print(
            f"{roots[0]} cannot be written to: set ALEXNET_DATA to a folder that can."
        )
        return None
    if root != roots[0]:
        print(f"{roots[0]} cannot be written to: CIFAR-10 goes into {root}.")
    unfinished = root / "cifar-10.part"
    try:
        with _one_at_a_time(root):
            if _find([root]) is None:  # else another process was first
                try:
                    _clear(unfinished)  # of what a killed process left
                    _unpack(
                        _fetch_archive(unfinished, downloader, mirrors, sha256),
                        unfinished / FOLDER,
                    )
                    os.rename(unfinished / FOLDER, root / FOLDER)
                finally:
                    if not unfinished.is_symlink():
                        shutil.rmtree(unfinished, ignore_errors=True)
        return root / FOLDER
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error) as error:
        why = (
            "the disk is full; while it is unpacked, 360 MB must be free"
            if _disk_is_full(error)
            else error
        )
        print(f"CIFAR-10 could not be put into {root}: {why}.")
        return None


def _offline():
    """Say whether the account forbids downloads."""
    return os.environ.get("ALEXNET_OFFLINE", "0") not in ("", "0")


def _check_limits(slowest, patience):
    """Check what a mirror has to keep up with: bytes/s, and seconds."""
    return checks.number("slowest", slowest, lowest=0), checks.number(
        "patience", patience, above=0, highest=86_400
    )


@contextlib.contextmanager
def _one_at_a_time(root, lock="cifar-10.lock", what="CIFAR-10"):
    """Wait until no other process downloads into a folder, and keep it for the block."""
    import filelock

    file = root / lock
    if file.is_symlink() or (file.exists() and not file.is_file()):
        raise FileExistsError(f"{file} is in the way; remove it")
    lock = filelock.FileLock(file)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        print(
            f"Waiting for another process, which is downloading {what} into {root} ..."
        )
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _clear(folder):
    """Remove a folder of ours; a link or file of that name, which is not ours, is left and named."""
    if not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        raise FileExistsError(f"{folder} is in the way; remove it")


def _fetch_archive(
    folder, downloader, mirrors, sha256, archive=ARCHIVE, what="CIFAR-10 (170 MB)"
):
    """Return the path of an archive, checked, from the first mirror that delivers it."""
    import pooch
    import urllib3

    pooch.get_logger().setLevel(
        "WARNING"
    )  # its notes go to stderr, which Jupyter shows in red
    for url in mirrors:
        host = urlsplit(url).netloc
        print(f"Downloading {what} from {host} into {folder.parent} ...")
        try:
            return pooch.retrieve(
                url, f"sha256:{sha256}", archive, folder, downloader=downloader
            )
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            if _disk_is_full(error):
                raise
            print(f"Giving up {host}: {error}")
    raise ConnectionError("no mirror delivered it")


def _fetch(
    url,
    file,
    _pooch,
    slowest,
    patience,
    most=None,
    what="CIFAR-10",
    caller="load_cifar10",
):
    """Download as pooch asks for it, but leave a mirror that is dead, too slow or endless."""
    import requests

    most = ARCHIVE_BYTES if most is None else most
    with _Watch(slowest, patience, caller) as watch, requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, watch.adapter())
        try:
            headers = {"Accept-Encoding": "identity"}
            with session.get(
                url, stream=True, timeout=patience, headers=headers
            ) as response:
                response.raise_for_status()
                _store(response, file, watch, most, what)
        except Exception as error:
            if not watch.complaint or _disk_is_full(error):
                raise
        if watch.complaint:
            raise ConnectionError(watch.complaint)


def _store(response, file, watch, most, what):
    """Write what a mirror sends into a file, up to the size that it should have."""
    from tqdm.auto import tqdm

    total = int(response.headers.get("Content-Length", 0)) or None
    with open(file, "wb") as out, tqdm(total=total, unit="B", unit_scale=True) as bar:
        watch.start_anew()
        # read1 returns what has arrived; iter_content would wait for a full piece, on a trickle for hours.
        while piece := response.raw.read1(2**20):
            watch.received += len(piece)
            if watch.received > most:
                raise ConnectionError(
                    f"it sends more than the {most:,} bytes of {what}"
                )
            out.write(piece)
            bar.update(len(piece))


class _Watch(threading.Thread):
    """Breaks a download off that gives too little over `patience` seconds, whatever it hangs in.

    The time-out of requests counts anew for each read: a header that comes byte by byte, or
    "100 Continue" without end, would hold a download forever.
    """

    def __init__(self, slowest, patience, caller):
        super().__init__(daemon=True)
        self.slowest, self.patience, self.caller = slowest, patience, caller
        self.received, self.complaint = 0, ""
        self.sockets, self.over = [], threading.Event()
        self.start_anew()

    def start_anew(self):
        """Begin to measure: over `patience` seconds from now on."""
        self.before, self.since = self.received, time.monotonic()

    def run(self):
        while not self.over.wait(0.1 if self.complaint else self._left()):
            if not self.complaint and self._left() <= 0:
                seconds = time.monotonic() - self.since
                self.complaint = _too_slow(
                    self.received - self.before, seconds, self.slowest, self.caller
                )
                self.start_anew()
            if self.complaint:
                for connection in self.sockets:
                    with contextlib.suppress(OSError):  # it may be closed by now
                        connection.shutdown(socket.SHUT_RDWR)

    def _left(self):
        return max(0, self.since + self.patience - time.monotonic())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        for connection in self.sockets:
            connection.close()

    def adapter(self):
        """Return what makes the connections of a `requests.Session`, and lets this watch know of them."""
        from requests.adapters import HTTPAdapter

        sockets = self.sockets

        class Adapter(HTTPAdapter):
            def get_connection_with_tls_context(self, *arguments, **options):
                pool = super().get_connection_with_tls_context(*arguments, **options)

                class Connection(pool.ConnectionCls):
                    def _new_conn(self):
                        connection = super()._new_conn()
                        sockets.append(
                            connection.dup()
                        )  # the encryption takes the first one over
                        return connection

                pool.ConnectionCls = Connection
                return pool

        return Adapter()


def _too_slow(received, seconds, slowest, caller="load_cifar10"):
    """Say why a mirror that sent these bytes in these seconds is given up, or return ""."""
    if not received:
        return (
            f"timed out: nothing in {seconds:.1f} s ({caller}(patience=...) sets this"
            " limit)"
        )
    if received < slowest * seconds:
        speed = (
            f"{received / seconds / 1000:.1f} kB/s, less than {slowest / 1000:g} kB/s"
        )
        return f"{speed} ({caller}(slowest=...) sets this limit)"
    return ""


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
                    raise ValueError(
                        f"the archive's {member.name} is not a file of CIFAR-10"
                    )
                with open(path, "xb") as out:
                    shutil.copyfileobj(tar.extractfile(member), out)
                    os.fsync(
                        out.fileno()
                    )  # on the disk before the folder gets its final name
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
