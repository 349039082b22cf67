"""The exercises of notebook 05_stacked_convolutions."""

import numpy as np

from alexnet_helpers import geometry
from alexnet_helpers.exercises.engine import exercise

exercise(
    "05.1",
    5 * 5 * 24 * 256 + 256,
    hints=[
        (
            5 * 5 * 96 * 256 + 256,
            "That is without groups; with four, a filter sees a quarter of the channels.",
        ),
        (5 * 5 * 48 * 256 + 256, "That is with two groups."),
        (5 * 5 * 24 * 256, "The biases are missing."),
        (5 * 5 * 24 * 64 + 64, "That is one of the four groups: count all."),
        (5 * 5 * 24 * 256 + 64, "All 256 filters have a bias."),
        (
            5 * 5 * 24 * 256 + 96,
            "There is one bias for each filter, not for each input channel.",
        ),
        (
            4 * (5 * 5 * 24 * 256 + 256),
            "There are 256 filters in all, 64 in each group.",
        ),
    ],
)


def _rectangles(longer=0, needed=4, corners=range(4), swap=False):
    """Return a function that finds rectangles, right or with one of the usual slips."""

    def rectangles(corner_maps, height, width):
        rows, columns = corner_maps.shape[:2]
        down, right = height - 1 + longer, width - 1 + longer
        if swap:
            down, right = right, down
        found = np.zeros((rows, columns))
        places = [(0, 0), (0, right), (down, 0), (down, right)]
        padded = np.pad(corner_maps, ((0, max(down, 0)), (0, max(right, 0)), (0, 0)))
        for channel in corners:
            row, column = places[channel]
            found += padded[row : row + rows, column : column + columns, channel]
        return np.maximum(found - (needed - 1), 0)

    return rectangles


def _moved(by):
    """Return a function that marks another pixel of each rectangle, so many rows and columns further."""

    def rectangles(corner_maps, height, width):
        return np.roll(_rectangles()(corner_maps, height, width), (by(height), by(width)), axis=(0, 1))

    return rectangles


def _short(corner_maps, height, width):
    """Stop one row and one column too early."""
    found = _rectangles()(corner_maps, height, width)
    found[len(found) - height :], found[:, found.shape[1] - width :] = 0, 0
    return found


def _corner_maps(rows, columns, rectangles, more=()):
    """Mark the corners of rectangles (row, column, height, width), and single corners (row, column, channel)."""
    maps = np.zeros((rows, columns, 4))
    for row, column, height, width in rectangles:
        bottom, right = row + height - 1, column + width - 1
        maps[[row, row, bottom, bottom], [column, right, column, right], range(4)] = 1
    for row, column, channel in more:
        maps[row, column, channel] = 1
    return maps


# Rectangles of several sizes, two that lack a corner, and one that has only two opposite ones.
MANY = _corner_maps(
    16,
    20,
    [(1, 1, 3, 5), (1, 8, 5, 3), (1, 12, 4, 6), (13, 15, 3, 5), (6, 16, 3, 4), (7, 12, 3, 3)],
    [(7, 1, 0), (7, 5, 1), (9, 1, 2), (8, 9, 0), (10, 13, 3), (11, 2, 1), (11, 0, 0), (15, 2, 3)],
)
FEW = _corner_maps(8, 11, [(0, 0, 2, 5), (3, 1, 3, 3), (5, 8, 3, 3)], [(2, 6, 0), (2, 10, 1), (3, 6, 2)])

exercise(
    "05.2",
    _rectangles(),
    cases=[(MANY, 3, 5), (MANY, 5, 3), (FEW, 2, 5), (FEW, 3, 3)],
    wrong=[
        (_rectangles(longer=1), "A side of n pixels begins and ends n - 1 pixels apart."),
        (_rectangles(swap=True), "Height and width are exchanged: the height counts rows."),
        (_rectangles(needed=3), "Three corners are not enough: all four are needed."),
        (_rectangles(needed=1), "One corner is not enough: the other three have to be in their places, too."),
        (
            _rectangles(needed=2, corners=(0, 3)),
            "Two opposite corners are not enough: the other two may belong to nothing.",
        ),
        (
            lambda corner_maps, height, width: (
                _rectangles()(corner_maps, height, width) + 3 * (_rectangles()(corner_maps, height, width) > 0)
            ),
            "The places are right; the value is 4 where 1 is asked for: subtract 3, as the bias of the square does.",
        ),
        (
            _moved(lambda side: side - 1),
            "The 1 belongs to the top left pixel of the rectangle, not to its bottom right one.",
        ),
        (_short, "A rectangle that touches the last row or column is missing: look there as well."),
        (
            lambda corner_maps, height, width: _rectangles()(corner_maps, 3, 4),
            "That finds rectangles of 3×4 only: use `height` and `width`.",
        ),
        (
            lambda corner_maps, height, width: _rectangles()(corner_maps, 3, 3),
            "That finds squares of 3×3 only: use `height` and `width`.",
        ),
        (_moved(lambda side: side // 2), "The 1 belongs to the top left pixel of the rectangle, not to its middle."),
    ],
)


def _seen(clip=True, add=1, padded=True, reach=1, forward=False, strides=True):
    """Return a function that counts the pixels that a unit sees, right or with one of the usual slips."""

    def pixels_seen(layers, unit, size):
        first = last = unit
        for kernel, stride, padding in layers if forward else reversed(layers):
            stride, padding = stride if strides else 1, padding if padded else 0
            first, last = first * stride - padding, last * stride - padding + kernel - reach
        if clip is True:
            first, last = max(first, 0), min(last, size - 1)
        elif clip == "left":
            first = max(first, 0)
        elif clip == "right":
            last = min(last, size - 1)
        return last - first + add

    return pixels_seen


ALEXNET = [(layer.kernel, layer.stride, layer.padding) for layer in geometry.ALEXNET if layer.kernel]

exercise(
    "05.3",
    _seen(),
    # In the first case nearly every slip gives another number.
    cases=[
        ([(3, 3, 1), (5, 2, 2)], 1, 10),
        (ALEXNET, 1, 227),
        (ALEXNET, 2, 227),
        (ALEXNET, 5, 227),
        ([(5, 2, 2), (3, 1, 1)], 0, 9),
        ([(3, 1, 1), (3, 1, 1), (3, 1, 1)], 2, 5),
        ([(7, 3, 0)], 1, 10),
    ],
    wrong=[
        (_seen(clip=False), "That is the whole field: cut off what lies outside of the image, on both sides."),
        (_seen(clip="left"), "You cut off at the beginning of the image: do so at its end, too."),
        (_seen(clip="right"), "You cut off at the end of the image: do so at its beginning, too."),
        (
            _seen(padded=False),
            "Padding moves the first window to the left, by its number of zeros, in units of that layer's input.",
        ),
        (_seen(add=0), "From pixel a to pixel b there are b - a + 1 pixels."),
        (_seen(forward=True), "Start from the last layer and go back: `reversed(layers)`."),
        (_seen(reach=0), "The last of k units lies k - 1 after the first."),
        (_seen(strides=False), "Unit number u begins at u times the stride (less the padding) in the layer below."),
    ],
)
