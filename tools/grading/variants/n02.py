"""Variants of the exercises of notebook 02_convolution."""

import numpy as np

from alexnet_helpers.exercises.n02_convolution import judge_whisker
from tools.grading.variants import function, value

# Where the image goes, and which pixel each output takes for that.
_MOVES = {
    "to the **left**": (1, 2),
    "**down**": (0, 1),
    "**up**": (2, 1),
    "**down and to the right**": (0, 0),
    "**down and to the left**": (0, 2),
    "**up and to the right**": (2, 0),
    "**up and to the left**": (2, 2),
}


def _filter(place):
    found = np.zeros((3, 3))
    found[place] = 1
    return found


@value("02.1")
def _(rng):
    where = list(_MOVES)[rng.integers(len(_MOVES))]
    right = _filter(_MOVES[where])
    hints = [
        (right[::-1, ::-1], "That moves the image the other way: each output takes a pixel from where the image was."),
        (right.T, "Rows and columns are exchanged."),
        (2 * right, "That moves the image, and doubles its values: they should stay as they are."),
        (_filter((1, 1)), "That leaves the image where it is."),
        (-right, "That moves the image, and turns the sign of its values."),
        (0 * right, "That gives 0 everywhere: no pixel is taken at all."),
        (right + _filter((1, 1)), "That adds the pixel itself: only one of them is wanted."),
        (right - right[::-1, ::-1], "That subtracts the pixel on the other side, too."),
    ]
    changes = [("moves an image one pixel to the **right**, with", f"moves an image one pixel {where}, with")]
    return changes, right, [(wrong, hint) for wrong, hint in hints if not np.array_equal(wrong, right)]


@function("02.2")
def _(rng):
    sizes = tuple(int(size) for size in rng.choice([5, 7, 13, 15, 17, 19], 3, replace=False))
    return lambda function: judge_whisker(function, sizes)


@function("02.3")
def _(rng):
    cases = []
    for length, size, stride, padding in ((9, 3, 1, 0), (10, 3, 3, 1), (11, 4, 2, 2), (8, 2, 3, 0), (7, 5, 1, 2)):
        n, channels, filters = rng.integers(2, 5, 3)
        x = rng.normal(size=(n, length + rng.integers(0, 3), channels)).round(2)
        weights = rng.normal(size=(size, channels, filters)).round(2)
        if size == 4:
            x = rng.integers(-9, 10, x.shape)
        cases.append((x, weights, rng.normal(size=filters).round(2), stride, padding))
    return cases
