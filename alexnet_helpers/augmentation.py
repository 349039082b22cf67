"""Random changes to training images, made afresh in every epoch.

All but `alternate_flip` take `images`, uint8 of shape (N, H, W, 3), and `rng`, a
`numpy.random.Generator`, and return new images of the same shape. They are written in
NumPy, so that they give the same images on every Keras backend.
"""

import numpy as np

from alexnet_helpers import checks


def shift(images, rng, pixels=4):
    """Move each image by up to `pixels` in each direction; black moves in.

    It does in small what the paper's random crops do (section 4.1).

    >>> white = np.full((1, 4, 4, 3), 255, np.uint8)
    >>> shift(white, np.random.default_rng(0), pixels=2)[0, :, :, 0]
    array([[255, 255, 255,   0],
           [255, 255, 255,   0],
           [  0,   0,   0,   0],
           [  0,   0,   0,   0]], dtype=uint8)
    """
    _, height, width, _ = checks.pixels("images", images).shape
    pixels = checks.integer("pixels", pixels, 0, max(height, width))
    return _shift(images, rng, pixels, mode="constant")


def shift_reflected(images, rng, pixels=2):
    """Move each image by up to `pixels`; its own mirror image moves in at the border.

    >>> columns = np.arange(4, dtype=np.uint8).reshape(1, 1, 4, 1)
    >>> images = np.broadcast_to(columns, (1, 4, 4, 3))
    >>> shift_reflected(images, np.random.default_rng(2))[0, 0, :, 0]
    array([1, 0, 1, 2], dtype=uint8)
    """
    _, height, width, _ = checks.pixels("images", images).shape
    pixels = checks.integer("pixels", pixels, 0, min(height, width) - 1)
    return _shift(images, rng, pixels, mode="reflect")


def shift_reflected_wide(images, rng):
    """Move each image by up to 4 pixels, with the border of `shift_reflected`."""
    if min(checks.pixels("images", images).shape[1:3]) < 5:
        checks.refuse("images", "5 x 5 pixels at least", images)
    return shift_reflected(images, rng, pixels=4)


def _shift(images, rng, pixels, mode):
    """Pad each image by `pixels` on each side, and cut it out at a random place."""
    n, height, width, _ = images.shape
    padding = ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0))
    padded = np.pad(images, padding, mode=mode)
    rng = checks.generator("rng", rng)
    top, left = rng.integers(0, 2 * pixels + 1, (2, n, 1))
    rows, columns = top + np.arange(height), left + np.arange(width)
    return padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def flip(images, rng):
    """Mirror half of the images, drawn at random, left to right (paper, section 4.1).

    >>> columns = np.arange(4, dtype=np.uint8).reshape(1, 1, 4, 1)
    >>> images = np.broadcast_to(columns, (3, 4, 4, 3))
    >>> flip(images, np.random.default_rng(0))[:, 0, :, 0]
    array([[0, 1, 2, 3],
           [3, 2, 1, 0],
           [3, 2, 1, 0]], dtype=uint8)
    """
    images = checks.pixels("images", images)
    mirrored = checks.generator("rng", rng).random(len(images)) < 0.5
    return _mirror(images, mirrored)


def alternate_flip(images, mirrored):
    """Mirror the chosen images; `Batches` chooses each image in every second epoch.

    So every two epochs show each image once in each form. With `flip`, half of the
    images show the same form in both (K. Jordan, arXiv:2404.00498).

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, 3)
    mirrored : ndarray of bool, shape (N,)
    """
    images = checks.pixels("images", images)
    is_flags = isinstance(mirrored, np.ndarray) and mirrored.dtype == bool
    if not is_flags or mirrored.shape != images.shape[:1]:
        checks.refuse("mirrored", "an array of True or False for each image", mirrored)
    return _mirror(images, mirrored)


def _mirror(images, mirrored):
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)


def erase(images, rng, side=7):
    """Cover a square of each image with mid-grey.

    This is "cutout" (DeVries and Taylor, arXiv:1708.04552). The square has
    `side` x `side` pixels, and any pixel of the image may be its middle; where the
    square leaves the image, less is covered.

    >>> black = np.zeros((1, 4, 4, 3), np.uint8)
    >>> erase(black, np.random.default_rng(0), side=3)[0, :, :, 0]
    array([[  0,   0,   0,   0],
           [  0,   0,   0,   0],
           [  0, 128, 128, 128],
           [  0, 128, 128, 128]], dtype=uint8)
    """
    n, height, width, _ = checks.pixels("images", images).shape
    side = checks.integer("side", side, 0, max(height, width))
    rng = checks.generator("rng", rng)
    top = rng.integers(0, height, (n, 1)) - side // 2
    left = rng.integers(0, width, (n, 1)) - side // 2
    row, column = np.arange(height), np.arange(width)
    in_rows = (top <= row) & (row < top + side)  # (N, H)
    in_columns = (left <= column) & (column < left + side)  # (N, W)
    covered = in_rows[:, :, None, None] & in_columns[:, None, :, None]
    return np.where(covered, np.uint8(128), images)


def erase_wide(images, rng):
    """Cover 11 x 11 pixels, as `erase` does: for networks that memorize images."""
    if min(checks.pixels("images", images).shape[1:3]) < 11:
        checks.refuse("images", "11 x 11 pixels at least", images)
    return erase(images, rng, side=11)


def rotate_and_shift(images, rng, degrees=15, fraction=0.1):
    """Turn and move each image, as Keras' old `ImageDataGenerator` does.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, 3)
    rng : numpy.random.Generator
    degrees : float
        The largest angle, around the middle of the image, both ways.
    fraction : float
        The largest move, as a share of the side, both ways.

    Returns
    -------
    ndarray of uint8, shape (N, H, W, 3)
        Values between pixels are interpolated; beyond the border, its pixels repeat.
    """
    n, height, width, _ = checks.pixels("images", images).shape
    degrees = checks.number("degrees", degrees, lowest=0, highest=180)
    fraction = checks.number("fraction", fraction, lowest=0, highest=1)
    rng = checks.generator("rng", rng)
    angle = np.deg2rad(rng.uniform(-degrees, degrees, (n, 1, 1)))
    down = rng.uniform(-fraction, fraction, (n, 1, 1)) * height
    right = rng.uniform(-fraction, fraction, (n, 1, 1)) * width
    middle_row, middle_column = (height - 1) / 2, (width - 1) / 2
    row, column = np.mgrid[:height, :width]
    row, column = row - middle_row + down, column - middle_column + right
    source_row = np.cos(angle) * row - np.sin(angle) * column + middle_row
    source_column = np.sin(angle) * row + np.cos(angle) * column + middle_column
    return _interpolate(
        images,
        np.clip(source_row, 0, height - 1),
        np.clip(source_column, 0, width - 1),
    )


def _interpolate(images, row, column):
    """Return the values at places between pixels: `row` and `column` are (N, H, W).

    `scipy.ndimage.map_coordinates` does this for one channel of one image at a time.
    """
    n, height, width, _ = images.shape
    top = np.minimum(row.astype(int), height - 2)
    left = np.minimum(column.astype(int), width - 2)
    below, beside = (row - top)[..., None], (column - left)[..., None]

    def pixel(down, right):
        return images[np.arange(n)[:, None, None], top + down, left + right]

    upper = pixel(0, 0) * (1 - beside) + pixel(0, 1) * beside
    lower = pixel(1, 0) * (1 - beside) + pixel(1, 1) * beside
    return np.rint(upper * (1 - below) + lower * below).astype(images.dtype)


# A new augmentation is entered here, and a recipe can name it.
AUGMENTATIONS = {
    "shift": shift,
    "flip": flip,
    "erase": erase,
    "erase_wide": erase_wide,
    "rotate_and_shift": rotate_and_shift,
    "shift_reflected": shift_reflected,
    "shift_reflected_wide": shift_reflected_wide,
}
# `Batches` says which images `alternate_flip` mirrors: the epoch decides, not chance.
AUGMENTATION_NAMES = (*AUGMENTATIONS, "alternate_flip")


def check_augmentation(names):
    """Return names out of `AUGMENTATION_NAMES`, in their order, as a tuple."""
    if not isinstance(names, (list, tuple)):  # a set has no order
        known = ", ".join(AUGMENTATION_NAMES)
        checks.refuse("augmentation", f"a list of names out of {known}", names)
    return checks.names("augmentation", names, AUGMENTATION_NAMES)
