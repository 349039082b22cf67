"""From an image file of any kind to the pixels of its middle square, with Pillow.

Pillow reads the formats. What it leaves to its callers is here: which way is up, what
16 bits mean, what lies behind transparent places, and how much memory that may take.
"""

import contextlib
import re
import threading
import warnings

import numpy as np

# Files that Pillow recognizes but cannot turn into pixels by itself.
NO_PIXELS = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
# The largest photos, in pixels, that are decoded in about 1 GB: these formats need 10
# to 20 bytes for each pixel, the others at most 6.
MOST_PIXELS = {"AVIF": 100_000_000, "JPEG2000": 50_000_000, "WEBP": 64_000_000}
MOST_PIXELS_ELSEWHERE = 178_956_970  # which is Pillow's own limit as well
# Photos of more pixels are decoded one at a time, and JPEG at a fraction of its size.
LARGE = 2**24
STRIP = 2**20  # pixels that are converted at a time
# What people take for images and Pillow cannot read: how it begins.
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
# How a photo of each EXIF orientation is turned upright; 1 is upright.
UPRIGHT = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
SIDEWAYS = {5, 6, 7, 8}  # height and width change places
ORIENTATION, BITS, PHOTOMETRIC, PLANAR = 0x0112, 258, 262, 284  # tags of EXIF and TIFF
# Formats and modes of Pillow whose grey values go from 0 to 65,535.
GREY_OF_16_BITS = {
    ("PNG", "I"),
    ("PPM", "I"),
    ("JPEG2000", "I;16"),
    ("PNG", "I;16"),
}

_warning_filters, _large_photo = threading.Lock(), threading.Lock()


class _Refused(Exception):
    """What is wrong with a photo that Pillow would read, or read wrongly."""


def decode(opened, size):
    """Return the middle square of the photo in an open file.

    Parameters
    ----------
    opened : binary file
    size : int
        Height and width of the result in pixels.

    Returns
    -------
    ndarray of uint8, shape (size, size, 3)
    """
    from PIL import Image

    with contextlib.ExitStack() as stack:
        with _no_warnings():
            photo = stack.enter_context(Image.open(opened))
        pixels = photo.width * photo.height
        most = MOST_PIXELS.get(photo.format, MOST_PIXELS_ELSEWHERE)
        if pixels > most:
            found = f"{pixels / 1e6:.0f} million pixels, more than {most / 1e6:.0f}"
            raise _Refused(f"{found}: make it smaller")
        if pixels > LARGE:
            stack.enter_context(_large_photo)
            photo.draft(None, (4 * size, 4 * size))  # JPEG can do it while it decodes
        black_and_white = _black_and_white(photo)
        if photo.format == "PNG":
            _mend_transparency(photo)
        photo.load()
        return middle_square(photo, size, _orientation(photo), black_and_white)


def explain(error, first_bytes):
    """Say why a photo could not be read, without the address of an object."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, _Refused):
        return str(error)
    if isinstance(error, Image.DecompressionBombError):
        most = f"{MOST_PIXELS_ELSEWHERE / 1e6:.0f} million pixels"
        return f"more than {most}: make it smaller"
    if isinstance(error, MemoryError):
        return "not enough memory: make it smaller"
    if isinstance(error, UnidentifiedImageError):
        for kind, beginning in FOREIGN.items():
            if re.match(beginning, first_bytes, re.DOTALL):
                return f"{kind}, which cannot be read here: export it as JPEG or PNG"
        return "no format that Pillow knows" if first_bytes else "an empty file"
    said = " ".join(str(error).split())
    said = re.sub(r"<[^<>]*\bat 0x[0-9a-fA-F]+>", "...", said)[:100]
    damage = f"damaged, or of an unusual kind: {said or type(error).__name__}"
    return f"{damage}; try to export it anew"


@contextlib.contextmanager
def _no_warnings():
    """Hold warnings back, a thread at a time: their filters belong to the process."""
    with _warning_filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _black_and_white(photo):
    """Return which grey values are black and white, or None for 0 and 255.

    Raises
    ------
    _Refused
        If they cannot be known.
    """
    if photo.format in NO_PIXELS:
        no_pixels = f"{photo.format}, of which Pillow gets no pixels"
        raise _Refused(f"{no_pixels}: export it as JPEG or PNG")
    if photo.format == "TIFF":
        bits = photo.tag_v2.get(BITS, (16,))
        in_planes = photo.tag_v2.get(PLANAR) == 2 and photo.tile[0][0] == "raw"
        if in_planes and max(bits) > 8:  # Pillow would take each byte for a value
            found = "16-bit colours in separate planes"
            raise _Refused(f"{found}: save it with 8 bits, or as PNG")
    if photo.mode[0] not in "IF":
        return None
    if (photo.format, photo.mode) in GREY_OF_16_BITS:
        return 0, 65_535
    if photo.format == "TIFF" and photo.mode.startswith("I;16"):
        highest = 2 ** bits[0] - 1
        white_is_zero = photo.tag_v2.get(PHOTOMETRIC, 0) == 0
        return (highest, 0) if white_is_zero else (0, highest)
    raise _Refused("grey values of a range that it does not tell: save it with 8 bits")


def _mend_transparency(photo):
    """Bring a PNG's transparent value to 8 bits, as Pillow does with the pixels."""
    transparent, stored = photo.info.get("transparency"), str(photo.tile[0][3])
    if isinstance(transparent, int):
        factor = {"1": 255, "L;2": 85, "L;4": 17}.get(stored, 1)
        photo.info["transparency"] = transparent * factor
    elif isinstance(transparent, tuple) and "16" in stored:
        photo.info["transparency"] = tuple(value >> 8 for value in transparent)


def _orientation(photo):
    """Return the EXIF orientation of a photo that is loaded, or 1 if it has none.

    (Pillow's `exif_transpose` would write all of the EXIF anew, and raise if it cannot
    write some of it. TIFF is upright once it is loaded.)
    """
    try:
        with _no_warnings():
            return int(photo.getexif().get(ORIENTATION, 1))
    except Exception:  # as for any damaged file
        return 1


def middle_square(photo, size, orientation=1, black_and_white=None):
    """Turn a photo upright, cut it to its middle square and resize it.

    Strip by strip: a copy of the whole in another mode could take a gigabyte. Pillow
    resizes the width first, so the pixels are the same as in one go.

    Parameters
    ----------
    photo : PIL.Image.Image
    size : int
        Height and width of the result in pixels.
    orientation : int
        As EXIF has it, 1 (upright) to 8.
    black_and_white : tuple of two int, optional
        The grey values that are black and white, if these are not 0 and 255.

    Returns
    -------
    ndarray of uint8, shape (size, size, 3)

    Examples
    --------
    >>> from PIL import Image
    >>> middle_square(Image.new("RGB", (300, 200), "red"), size=1).tolist()
    [[[255, 0, 0]]]
    """
    from PIL import Image

    width, height = photo.size
    if orientation in SIDEWAYS:
        width, height = height, width
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    strip_height = max(1, STRIP // side)
    narrow = Image.new("RGB", (size, side))
    for row in range(0, side, strip_height):
        bottom = min(row + strip_height, side)
        box = (left, top + row, left + side, top + bottom)
        strip = _upright_part(photo, box, orientation, black_and_white)
        strip = strip.resize((size, strip.height), Image.Resampling.BICUBIC)
        narrow.paste(strip, (0, row))
    return np.array(narrow.resize((size, size), Image.Resampling.BICUBIC))


def _upright_part(photo, box, orientation, black_and_white):
    """Return, in colour, what lies in a box (left, top, right, bottom) once upright."""
    from PIL import Image

    left, top, right, bottom = box
    if orientation in SIDEWAYS:
        left, top, right, bottom = top, left, bottom, right
    if orientation in (2, 3, 7, 8):
        left, right = photo.width - right, photo.width - left
    if orientation in (3, 4, 6, 7):
        top, bottom = photo.height - bottom, photo.height - top
    part = photo.crop((left, top, right, bottom))
    part = _in_colour(part, black_and_white)
    if orientation in UPRIGHT:
        part = part.transpose(Image.Transpose[UPRIGHT[orientation]])
    return part


def _in_colour(part, black_and_white=None):
    """Return an image in red, green and blue, with white behind what is transparent."""
    from PIL import Image

    if black_and_white:
        black, white = black_and_white
        values = np.asarray(part).astype(np.float64)
        grey = np.clip((values - black) / ((white - black) / 255), 0, 255)
        grey = grey.round().astype(np.uint8)
        transparent = part.info.get("transparency")
        if isinstance(transparent, int):
            grey[values == transparent] = 255
        return Image.fromarray(grey).convert("RGB")
    if not part.has_transparency_data:
        return part.convert("RGB")
    if part.mode == "La":  # from which Pillow knows no direct way
        part = part.convert("LA")
    part = part.convert("RGBA")
    white = Image.new("RGBA", part.size, "white")
    return Image.alpha_composite(white, part).convert("RGB")
