"""The course's photo, the reader's own, and what stands in for CIFAR-10's."""

import io
import os
import re

import numpy as np

from alexnet_helpers import checks
from alexnet_helpers.data import decoding

# In the public domain, under CC0 or without known restrictions, says scikit-image.
STAND_INS = tuple(
    "cat astronaut coffee rocket camera moon coins brick grass gravel".split()
)


def sample_photo(size=227):
    """Return the course's photo: the cat Chelsea, the middle of scikit-image's `cat()`.

    Parameters
    ----------
    size : int
        Height and width in pixels, 1 to 4096. The square has 300 x 300 pixels in the
        original; it is resized with an anti-aliased bicubic filter in integer
        arithmetic, so that every machine computes the same pixels.

    Returns
    -------
    ndarray of uint8, shape (size, size, 3)
        Values 0-255, channels red, green, blue.

    Examples
    --------
    >>> photo = sample_photo()
    >>> photo.shape, photo[113, 113].tolist()
    ((227, 227, 3), [192, 152, 123])
    """
    import skimage.data  # here, so that modules without a photo import faster
    from PIL import Image

    size = check_size(size)
    return decoding.middle_square(Image.fromarray(skimage.data.cat()), size)


def read_photo(file, size=32):
    """Read a photo of any size and kind and return its middle square, in colour.

    Grey images get three equal channels, transparent places become white, photos that a
    camera stored lying on their side are turned upright, and of an animation the first
    picture is taken. Of 16-bit channels the upper 8 bits count.

    Parameters
    ----------
    file : str, path or bytes
        The path of a file in a format that Pillow reads (JPEG, PNG, WebP, ...), or its
        content.
    size : int
        Height and width of the result in pixels, 1 to 4096.

    Returns
    -------
    ndarray of uint8, shape (size, size, 3)
        Values 0-255, channels red, green, blue.

    Raises
    ------
    ValueError
        If there is no image in the file, or one that is damaged, has grey values of 32
        bits (of unknown range) or too many pixels (more than 179 million, of some
        formats 50 to 100 million).

    Examples
    --------
    >>> grey = b"P2 4 2 255 0 0 255 255 0 0 255 255"  # 4 x 2 pixels, half of them white
    >>> read_photo(grey, size=2)[..., 0]
    array([[  0, 255],
           [  0, 255]], dtype=uint8)
    """
    size = check_size(size)
    name, opened = _open(file)
    with opened:
        first_bytes = opened.read(1000)
        try:
            return decoding.decode(opened, size)
        except Exception as error:  # damaged files make Pillow raise nearly every kind
            reason = decoding.explain(error, first_bytes)
            raise _unreadable(name, reason) from None


def showable(images, titles):
    """Return images and titles for a figure, or stand-ins with ALEXNET_SHOW_IMAGES=0.

    Nobody knows who holds the rights to CIFAR-10's photos, so the course stores no
    picture of one. `make notebooks` and the tests set ALEXNET_SHOW_IMAGES=0; then
    photos that scikit-image ships, whole at first and then ever smaller squares of
    them, take the images' place, and a printed line says so.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, size, size, 3)
        Values 0-255.
    titles : sequence of N str

    Returns
    -------
    images : ndarray of uint8, shape (N, size, size, 3)
    titles : list of N str

    Examples
    --------
    >>> black = np.zeros((2, 32, 32, 3), np.uint8)
    >>> images, titles = showable(black, ["one", "two"])  # doctest: +SKIP
    >>> titles  # doctest: +SKIP
    ['one', 'two']
    """
    images = checks.pixels("images", images)
    if images.shape[1] != images.shape[2]:
        checks.refuse("images", "square, N x size x size x 3", images)
    size, needed = check_size(images.shape[1]), "a list of texts, one for each image"
    titles = list(checks.texts("titles", titles, needed))
    if len(titles) != len(images):
        checks.refuse("titles", needed, titles)
    if os.environ.get("ALEXNET_SHOW_IMAGES", "1") != "0":
        return np.asarray(images), titles
    remedy = "run this cell yourself to see the images"
    print(f"Photos that scikit-image ships stand in here: {remedy}.")
    rounds = [divmod(number, len(STAND_INS)) for number in range(len(titles))]
    photos = [_stand_in(STAND_INS[which], size, zoom) for zoom, which in rounds]
    return np.stack(photos), [STAND_INS[which] for _, which in rounds]


def _stand_in(name, size, zoom):
    """Return a photo of scikit-image, or with a zoom from 1 on its middle, resized."""
    import skimage.data
    from PIL import Image

    photo = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
    side = max(1, round(min(photo.size) * 0.75**zoom))
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    middle = photo.crop((left, top, left + side, top + side))
    return decoding.middle_square(middle, size)


def check_size(size):
    """Return the height and width of a photo in pixels."""
    return checks.integer("size", size, 1, 4096)


def _open(file):
    """Return what messages call a photo, and the photo opened for reading."""
    if isinstance(file, (bytes, bytearray, memoryview)):
        content = bytes(file)
        return f"{len(content):,} bytes", io.BytesIO(content)
    if not isinstance(file, (str, os.PathLike)):
        checks.refuse("file", "the path of an image, or its content as bytes", file)
    path, name = checks.path("file", file), quoted(file)
    try:
        if path.is_file():
            return name, open(path, "rb")
    except OSError as error:
        raise _unreadable(name, error.strerror) from None
    if re.match(r"\w+://", str(file)):
        reason = "an address: download the photo first"
    elif path.is_dir():
        reason = "a folder"
    else:
        reason = "not a file" if path.exists() else "there is no such file"
    raise _unreadable(name, reason)


def _unreadable(name, reason):
    needed = "an image that can be read, such as JPEG or PNG"
    return ValueError(f"file must be {needed}, got {name} ({reason})")


def quoted(path):
    """Return a path in quotes as it was written: `repr` would double backslashes."""
    return f"'{path}'" if str(path).isprintable() else repr(str(path))
