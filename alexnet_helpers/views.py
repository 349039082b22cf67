"""What a network says to an image seen in several ways: mirrored, and moved."""

import numpy as np

from alexnet_helpers import checks, models


def predict_two_views(model, images):
    """Return probabilities averaged over each image and its mirror image.

    The images are N x height x width x 3 uint8, of the size that the model takes.
    """
    images = _check_views(model, images)
    views = (images, images[:, :, ::-1])
    return sum(model.predict(view, batch_size=500, verbose=0) for view in views) / 2


def predict_ten_views(model, images, pixels=2, reflected=False):
    """Return probabilities averaged over ten views of each image: the paper's way to test (section 4.1).

    The paper cuts five patches, the corners and the middle, out of a larger image, and takes their
    mirror images too. Here the image stays, or moves by `pixels` towards each corner; black moves in, or
    with `reflected` its own mirror image, as in `shift_reflected`.
    """
    images = _check_views(model, images)
    height, width = images.shape[1:3]
    pixels = checks.integer("pixels", pixels, 0, min(height, width) - 1)
    mode = "reflect" if checks.flag("reflected", reflected) else "constant"
    padded = np.pad(
        images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode=mode
    )
    total = 0.0
    for top, left in (
        (pixels, pixels),
        (0, 0),
        (0, 2 * pixels),
        (2 * pixels, 0),
        (2 * pixels, 2 * pixels),
    ):
        total += predict_two_views(
            model, padded[:, top : top + height, left : left + width]
        )
    return total / 5


def _check_views(model, images):
    """Return the images as an array, if the model takes such: TensorFlow may kill the process that hands it others."""
    needed = getattr(models.check_model(model), "input_shape", ())
    if not isinstance(needed, tuple) or len(needed) != 4 or None in needed[1:]:
        checks.refuse("model", "a network for images of one size", model)
    return np.asarray(checks.pixels("images", images, shape=needed[1:]))
