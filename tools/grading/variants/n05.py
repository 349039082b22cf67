"""Variants of the exercises of notebook 05_stacked_convolutions."""

from alexnet_helpers.exercises import EXERCISES
from alexnet_helpers.exercises.n05_stacked_convolutions import corner_maps
from tools.grading.variants import function, value

# Filters of conv2 in the weights modern_half: the sum of the five outputs as they are, then upside down at the same
# units and within two places, and the largest output with the bright spot and with the dark one.
_OUTPUTS = {
    46: (14.672, [0.0, 5.856, 2.5, 0.775]),
    49: (11.453, [3.911, 10.624, 4.393, 1.395]),
    78: (11.445, [0.365, 8.166, 2.885, 1.412]),
    80: (13.031, [6.393, 9.521, 3.5, 1.734]),
    109: (15.373, [5.33, 10.706, 3.529, 0.678]),
    122: (11.99, [0.959, 8.03, 2.702, 1.102]),
}


@value("05.1")
def _(rng):
    number = list(_OUTPUTS)[rng.integers(len(_OUTPUTS))]
    as_it_is, right = _OUTPUTS[number]
    there, nearby, bright, dark = right
    changes = [("conv2's filter 43 share", f"conv2's filter {number} share")]
    hints = [
        ([as_it_is, as_it_is, bright, dark], "These are the fields as they are: turn them upside down."),
        ([nearby, there, bright, dark], "The first two are exchanged."),
        ([there, nearby, dark, bright], "The spots are exchanged."),
        ([there / 5, nearby / 5, bright, dark], "That is the mean of the five: add them up."),
        (EXERCISES["05.1"].right, "That is filter 43."),
    ]
    return changes, right, hints


def _place(rng, rows, columns, height, width):
    return int(rng.integers(0, rows - height + 1)), int(rng.integers(0, columns - width + 1)), height, width


@function("05.2")
def _(rng):
    cases = []
    for _ in range(3):
        rows, columns = (int(side) for side in rng.integers(12, 20, 2))
        height, width = (int(side) for side in rng.choice([2, 3, 4, 5, 6], 2, replace=False))
        wanted = [_place(rng, rows, columns, height, width) for _ in range(2)]
        wanted += [(rows - height, int(rng.integers(0, columns - width)), height, width)]
        others = [_place(rng, rows, columns, width, height), _place(rng, rows, columns, height + 1, width + 1)]
        others += [_place(rng, rows, columns, 3, 4), _place(rng, rows, columns, 3, 3)]
        single = [(int(rng.integers(rows)), int(rng.integers(columns)), int(rng.integers(4))) for _ in range(20)]
        single += _lacking_some(rng, rows, columns, height, width)
        single += _of_one_kind(rng, rows, columns, height, width)
        single += [
            (row + 1, column + int(width > 2), int(rng.integers(4))) for row, column, _, _ in wanted if height > 2
        ]
        cases.append((corner_maps(rows, columns, wanted + others, single), height, width))
    return cases


def _lacking_some(rng, rows, columns, height, width):
    """Return the corners of two rectangles that lack one, or two opposite ones, and of one across the border."""
    corners = []
    for lacking, beyond in (({int(rng.integers(4))}, 0), ({1, 2}, 0), (set(), 1)):
        row, column, _, _ = _place(rng, rows, columns, height, width)
        row, column = (rows - 1, columns - 1) if beyond else (row, column)
        bottom, right = (row + height - 1) % rows, (column + width - 1) % columns
        four = [(row, column, 0), (row, right, 1), (bottom, column, 2), (bottom, right, 3)]
        corners += [corner for number, corner in enumerate(four) if number not in lacking]
    return corners


def _of_one_kind(rng, rows, columns, height, width):
    """Return four corners of one kind that stand where those of a rectangle would."""
    row, column, _, _ = _place(rng, rows, columns, height, width)
    kind = int(rng.integers(4))
    return [(row + down, column + right, kind) for down in (0, height - 1) for right in (0, width - 1)]


@function("05.3")
def _(rng):
    cases = []
    while len(cases) < 6:
        layers = [
            (int(rng.integers(1, 6)), int(rng.integers(1, 4)), int(rng.integers(0, 3)))
            for _ in range(int(rng.integers(1, 4)))
        ]
        layers = [(kernel, stride, min(padding, kernel - 1)) for kernel, stride, padding in layers]
        size = last = int(rng.integers(9, 30))
        for kernel, stride, padding in layers:
            last = (last + 2 * padding - kernel) // stride + 1
        if last >= 1:
            cases += [(layers, unit, size) for unit in {0, last // 2, last - 1}]
    return cases
