"""Predictions averaged over several views of an image: mirrored, and moved."""

import numpy as np

from alexnet_helpers import checks, models


def predict_two_views(model, images):
    """Return probabilities averaged over each image and its mirror image.

    Parameters
    ----------
    model : keras.Model
    images : ndarray of uint8, shape (N, H, W, 3)
        Of the size that the model takes.

    Returns
    -------
    ndarray of float32, shape (N, classes)
    """
    images = _check_views(model, images)
    views = (images, images[:, :, ::-1])
    return sum(_predict(model, view) for view in views) / 2


def _predict(model, images):
    """Return what `predict` does; that gets ready anew each time, for ten views."""
    starts = range(0, len(images), 500)
    parts = [np.ascontiguousarray(images[start : start + 500]) for start in starts]
    return np.concatenate([model.predict_on_batch(part) for part in parts])


def predict_ten_views(model, images, pixels=2, reflected=False):
    """Return probabilities averaged over ten views: the paper's way to test.

    The paper cuts five patches, the corners and the middle, out of a larger image, and
    mirrors each (section 4.1). Here the image stays, or moves towards each corner.

    Parameters
    ----------
    model : keras.Model
    images : ndarray of uint8, shape (N, H, W, 3)
        Of the size that the model takes.
    pixels : int
        How far it moves.
    reflected : bool
        What moves in: its own mirror image, as in `shift_reflected`, or else black.

    Returns
    -------
    ndarray of float32, shape (N, classes)
    """
    images = _check_views(model, images)
    height, width = images.shape[1:3]
    pixels = checks.integer("pixels", pixels, 0, min(height, width) - 1)
    mode = "reflect" if checks.flag("reflected", reflected) else "constant"
    padding = ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0))
    padded = np.pad(images, padding, mode=mode)
    corners = [(top, left) for top in (0, 2 * pixels) for left in (0, 2 * pixels)]
    total = 0.0
    for top, left in [(pixels, pixels), *corners]:
        view = padded[:, top : top + height, left : left + width]
        total += predict_two_views(model, view)
    return total / 5


def _check_views(model, images):
    """Return the images as an array, if the model takes such.

    TensorFlow may kill a process that hands it others.
    """
    needed = getattr(models.check_model(model), "input_shape", ())
    if not isinstance(needed, tuple) or len(needed) != 4 or None in needed[1:]:
        checks.refuse("model", "a network for images of one size", model)
    return np.asarray(checks.pixels("images", images, shape=needed[1:]))
