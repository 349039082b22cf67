"""Changes to training images, each made anew for every epoch.

Each function takes uint8 images (N, height, width, channels) and a NumPy generator, and returns
new images of the same shape. NumPy, so that they are the same on every Keras backend.
"""

import numpy as np

from alexnet_helpers import checks


def shift(images, rng, pixels=4):
    """Move each image by up to `pixels` in each direction; black moves in (paper, section 4.1: crops)."""
    _, height, width, _ = checks.pixels("images", images).shape
    pixels, rng = (
        checks.integer("pixels", pixels, 0, max(height, width)),
        checks.generator("rng", rng),
    )
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    return _cut_out(padded, rng, pixels)


def _cut_out(padded, rng, pixels):
    """Cut each image out of its padded form, `pixels` wider on each side, at a random place."""
    n, height, width = (
        len(padded),
        padded.shape[1] - 2 * pixels,
        padded.shape[2] - 2 * pixels,
    )
    top, left = rng.integers(0, 2 * pixels + 1, (2, n, 1))
    rows, columns = top + np.arange(height), left + np.arange(width)
    return padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def flip(images, rng):
    """Mirror half of the images left to right (paper, section 4.1)."""
    images = checks.pixels("images", images)
    mirrored = checks.generator("rng", rng).random(len(images)) < 0.5
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)


def erase(images, rng, side=7):
    """Cover a square of each image with mid-grey ("cutout", DeVries and Taylor, arXiv:1708.04552).

    The square has `side` x `side` pixels. Its middle is any pixel of the image; where the square
    leaves the image, less is covered.
    """
    n, height, width, _ = checks.pixels("images", images).shape
    side, rng = (
        checks.integer("side", side, 0, max(height, width)),
        checks.generator("rng", rng),
    )
    row, column = rng.integers(0, height, (n, 1)), rng.integers(0, width, (n, 1))
    from_top, from_left = (
        np.arange(height) - row + side // 2,
        np.arange(width) - column + side // 2,
    )
    in_rows, in_columns = (
        (from_top >= 0) & (from_top < side),
        (from_left >= 0) & (from_left < side),
    )
    covered = in_rows[:, :, None, None] & in_columns[:, None, :, None]
    return np.where(covered, np.uint8(128), images)


def erase_wide(images, rng):
    """Cover a square of 11 x 11 pixels, as `erase` does: for networks that memorize their images."""
    if min(checks.pixels("images", images).shape[1:3]) < 11:
        checks.refuse("images", "11 x 11 pixels at least", images)
    return erase(images, rng, side=11)


def rotate_and_shift(images, rng, degrees=15, fraction=0.1):
    """Turn and move each image at random, as `ImageDataGenerator(rotation_range=15, ...)` does.

    Each image turns by up to `degrees` around its middle and moves by up to `fraction` of its side,
    both ways. Values between pixels are interpolated linearly; border pixels repeat outside.
    """
    n, height, width, _ = checks.pixels("images", images).shape
    degrees = checks.number("degrees", degrees, lowest=0, highest=180)
    fraction, rng = (
        checks.number("fraction", fraction, lowest=0, highest=1),
        checks.generator("rng", rng),
    )
    angle = np.deg2rad(rng.uniform(-degrees, degrees, (n, 1, 1)))
    down = rng.uniform(-fraction, fraction, (n, 1, 1)) * height
    right = rng.uniform(-fraction, fraction, (n, 1, 1)) * width
    middle_row, middle_column = (height - 1) / 2, (width - 1) / 2
    row, column = np.mgrid[:height, :width]
    row, column = row - middle_row + down, column - middle_column + right
    from_row = np.clip(
        np.cos(angle) * row - np.sin(angle) * column + middle_row, 0, height - 1
    )
    from_column = np.clip(
        np.sin(angle) * row + np.cos(angle) * column + middle_column, 0, width - 1
    )
    top, left = (
        np.minimum(place.astype(int), last - 1)
        for place, last in ((from_row, height - 1), (from_column, width - 1))
    )
    below, beside = (from_row - top)[..., None], (from_column - left)[..., None]
    image = np.arange(n)[:, None, None]
    upper = (
        images[image, top, left] * (1 - beside) + images[image, top, left + 1] * beside
    )
    lower = (
        images[image, top + 1, left] * (1 - beside)
        + images[image, top + 1, left + 1] * beside
    )
    return np.rint(upper * (1 - below) + lower * below).astype(images.dtype)


def shift_reflected(images, rng, pixels=2):
    """Move each image by up to `pixels` in each direction; at the border its own mirror image moves in."""
    _, height, width, _ = checks.pixels("images", images).shape
    pixels = checks.integer("pixels", pixels, 0, min(height, width) - 1)
    padded = np.pad(
        images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="reflect"
    )
    return _cut_out(padded, checks.generator("rng", rng), pixels)


def shift_reflected_wide(images, rng):
    """Move each image by up to 4 pixels in each direction, as `shift` does, with the border of `shift_reflected`."""
    if min(checks.pixels("images", images).shape[1:3]) < 5:
        checks.refuse("images", "5 x 5 pixels at least", images)
    return shift_reflected(images, rng, pixels=4)


def alternate_flip(images, mirrored):
    """Mirror the chosen images; `Batches` chooses each image in every second epoch.

    So every two epochs show each image once in each form. Left to chance, half of the images would show the
    same form in both (K. Jordan, arXiv:2404.00498).
    """
    images = checks.pixels("images", images)
    if (
        not isinstance(mirrored, np.ndarray)
        or mirrored.shape != images.shape[:1]
        or mirrored.dtype != bool
    ):
        checks.refuse("mirrored", "an array of True or False for each image", mirrored)
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)


AUGMENTATIONS = {
    function.__name__: function
    for function in (
        shift,
        flip,
        erase,
        erase_wide,
        rotate_and_shift,
        shift_reflected,
        shift_reflected_wide,
    )
}
# What a recipe may name. Which images `alternate_flip` mirrors depends on the epoch and not on chance.
AUGMENTATION_NAMES = (*AUGMENTATIONS, alternate_flip.__name__)
