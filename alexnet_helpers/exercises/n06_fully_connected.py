"""The exercises of notebook 06_fully_connected."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise
from alexnet_helpers.exercises.functions import as_result, call, nearly_equal
from alexnet_helpers.exercises.words import Refused

exercise(
    "06.1",
    [10, 5, 25, 128],
    hints=[
        ([10, 4, 16, 96], "10 - 6 = 4 is the number of steps: the window also stands."),
        ([10, 5, 25, 160], "The last of five crops begins four steps after the first."),
        ([10, 5, 25, 4], "Four steps, of how many pixels each?"),
        ([10, 5, 25, 0], "The last crop: it ends where the photo ends."),
        ([10, 5, 5, 128], "The answers fill a square: rows times columns."),
        ([10, 10, 100, 288], "fc6 is a convolution with 6×6 kernels, not padded."),
        ([10, 1, 1, 0], "fc6 as a convolution has an output for each place."),
        ([6, 1, 1, 0], "Those are the sizes for a photo of 227×227."),
        ([11, 6, 36, 160], "355 / 32 is not it: begin with 6 rows for 227."),
        ([9, 4, 16, 96], "128 more pixels than 227 are four steps of 32."),
        ([100, 5, 25, 128], "Rows after pool3: that is rows times columns."),
        ([10, 25, 25, 128], "Rows after fc6: that is rows times columns."),
        ([10, 5, 25000, 128], "A place gets one answer, of 1,000 numbers."),
    ],
)


def _z(function, image):
    z = as_result(call(function, image), "a number")
    if z.shape or not np.isfinite(z):
        found = f"an array of the shape {z.shape}" if z.shape else z
        raise Refused(
            f"One finite number is asked for; your function returned {found}."
        )
    return float(z)


def judge_zero_unit(function, ink=1, turned_around=False):
    """Return None if a unit tells zeros from ones, or else a hint.

    The images go from 0 to `ink`. Turned around, it has to tell ones from zeros.
    """
    from sklearn.datasets import load_digits  # only here: it takes a second

    images, labels = load_digits(n_class=2, return_X_y=True)
    images, wanted = images.reshape(-1, 8, 8) / 16 * ink, labels == int(turned_around)
    bias = _z(function, np.zeros((8, 8)))
    weights = [_z(function, pixel.reshape(8, 8)) - bias for pixel in np.eye(64)]
    sums = images.reshape(-1, 64) @ weights
    z = np.array([_z(function, image) for image in images])
    if not nearly_equal(z, sums + bias):
        if z.min() == 0 and len(np.unique(z)) > 2:
            return "No z is below 0: return z itself, before the ReLU."
        return (
            "A unit is a weighted sum of the pixels plus a constant; yours is something"
            " else."
        )
    right = ((z > 0) == wanted).sum()
    if right >= 350:
        return None
    if np.ptp(weights) == 0:
        return (
            "With one weight for all pixels it counts ink: make the weights differ from"
            " place to place."
        )
    if right <= 30:
        return "Nearly always wrong is nearly right: turn the signs around."
    picture = np.reshape(weights, (8, 8))
    if np.ptp(picture, axis=0).max() == 0 or np.ptp(picture, axis=1).max() == 0:
        return (
            "All your rows or all your columns have the same weights. Did you multiply"
            " with @? * multiplies pixel by pixel."
        )
    result = f"it is right for {right} of 360 images"
    if (z > 0).all() or (z <= 0).all():
        images_called = "every image" if (z > 0).all() else "no image"
        result = f"your unit calls {images_called} a {int(turned_around)}"
    with_best_bias = max(((sums > value) == wanted).sum() for value in sums)
    if with_best_bias >= 350:
        return f"You have the place; now choose the bias: {result}."
    return f"{result.capitalize()}, and no bias would help enough: choose other places."


def _unit(places, bias):
    def unit(image):
        picture = np.zeros((8, 8))
        for rows, columns, weight in places:
            picture[rows, columns] = weight
        return (image * picture).sum() + bias

    return unit


_MIDDLE = [(slice(2, 6), slice(3, 5), -1)]


def _middle_picture():
    picture = np.zeros((8, 8))
    picture[2:6, 3:5] = -1
    return picture


# There are 178 zeros and 182 ones. Any unit that is right for 350 of them will do.
exercise(
    "06.2",
    judge=judge_zero_unit,
    remark="Compare your picture with the rows for 0 and 1 of the lesson.",
    wrong=[
        (
            _unit(_MIDDLE, 0),
            "You have the place; now choose the bias: your unit calls no image a 0.",
        ),
        (
            _unit(_MIDDLE, 9),
            "You have the place; now choose the bias: your unit calls every image a 0.",
        ),
        (
            _unit(_MIDDLE, 1),
            "You have the place; now choose the bias:"
            " it is right for 304 of 360 images.",
        ),
        (_unit([(slice(2, 6), slice(3, 5), 1)], -3), "turn the signs around"),
        (_unit([(slice(0, 8), slice(0, 8), -1)], 20), "it counts ink"),
        (
            _unit([(slice(2, 4), 5, 1)], 0),
            "no bias would help enough: choose other places",
        ),
        (_unit([], 0), "it counts ink"),
        (
            lambda image: (image @ _middle_picture()).sum() + 3,
            "Did you multiply with @? * multiplies pixel by pixel.",
        ),
        (lambda image: (image * image).sum(), "yours is something else"),
        (
            lambda image: max(0, _unit(_MIDDLE, 3)(image)),
            "return z itself, before the ReLU.",
        ),
        (lambda image: image, "One finite number is asked for"),
    ],
)


def _dense_relu(X, W, b):
    return np.maximum(np.einsum("ni,ui->nu", X, W) + b, 0.0)


_RNG = np.random.default_rng(0)

exercise(
    "06.3",
    _dense_relu,
    cases=[
        (
            _RNG.normal(size=(4, 3)),
            _RNG.normal(size=(3, 3)),
            np.array([0.5, -0.5, 1.0]),
        ),
        (
            _RNG.integers(-6, 7, (2, 3)),
            _RNG.integers(-3, 4, (5, 3)),
            np.array([1, -2, 0, 4, -1]),
        ),
        (_RNG.normal(size=(1, 6)), _RNG.normal(size=(2, 6)), _RNG.normal(size=2)),
    ],
    wrong=[
        (
            lambda X, W, b: np.maximum(X @ W + b, 0),
            "You used X @ W: here W has one row for each unit,"
            " so it must be transposed.",
        ),
        (
            lambda X, W, b: X @ W.T + b,
            "Those are the pre-activations: the ReLU is missing.",
        ),
        (lambda X, W, b: np.maximum(X @ W.T, 0), "The bias is missing."),
        (
            lambda X, W, b: (X @ W.T + b > 0) * 1.0,
            "The ReLU keeps positive numbers as they are; yours makes them all 1.",
        ),
        (lambda X, W, b: np.maximum(X @ W.T, 0) + b, "Add the bias before the ReLU."),
        (lambda X, W, b: np.maximum(X @ W.T - b, 0), "The bias is added."),
        (lambda X, W, b: X @ W.T - b, "The bias is added, and the ReLU is missing."),
        (
            lambda X, W, b: max(0, X @ W.T + b),
            "Python's max compares whole arrays: take np.maximum,"
            " which compares entry by entry.",
        ),
        (
            lambda X, W, b: np.maximum(W @ X + b, 0),
            "You used W @ X: here each row of X is an image, and each row of W a unit.",
        ),
        (
            lambda X, W, b: np.max(X @ W.T + b, 0),
            "np.max looks for the largest entries: np.maximum compares each with 0.",
        ),
        (
            lambda X, W, b: np.maximum(W @ X.T + b, 0),
            "W @ X.T has a row for each unit, so b does not fit its rows: the images"
            " should be the rows.",
        ),
        (
            lambda X, W, b: np.abs(X @ W.T + b),
            "The ReLU makes negative numbers 0, not positive.",
        ),
        (
            lambda X, W, b: np.maximum(X @ W.T + b[0], 0),
            "Each unit has a bias of its own: b has one entry for each column.",
        ),
        (
            lambda X, W, b: np.clip(X @ W.T + b, 0, 1),
            "The ReLU has no upper limit: only negative numbers are changed.",
        ),
        (
            lambda X, W, b: np.clip(X @ W.T + b, 0, 6),
            "The ReLU has no upper limit: only negative numbers are changed.",
        ),
        (
            lambda X, W, b: np.maximum(W @ X[0] + b, 0),
            "Those are the activations for the first image: take all rows of X.",
        ),
        (
            lambda X, W, b: np.tile(np.maximum(W @ X[0] + b, 0), (len(X), 1)),
            "Those are the activations for the first image: take all rows of X.",
        ),
        (
            lambda X, W, b: np.maximum(W @ X.T + b[:, None], 0),
            "Units by images: one row for each image is asked for.",
        ),
    ],
)
