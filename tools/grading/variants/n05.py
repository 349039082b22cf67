"""Variants of the exercises of notebook 05_stacked_convolutions."""

from alexnet_helpers.exercises import EXERCISES
from alexnet_helpers.exercises.n05_stacked_convolutions import corner_maps
from tools.grading.variants import function, value

# Filters of conv2 in the weights modern_half: the largest outputs for bright squares of sides 3 and 7, then dark ones.
_OUTPUTS = {
    46: [2.5, 2.054, 0.775, 1.702],
    49: [4.393, 2.836, 1.395, 1.689],
    78: [2.885, 3.439, 1.412, 3.067],
    80: [3.5, 2.771, 1.734, 1.549],
    100: [3.335, 3.578, 2.457, 2.427],
    122: [2.702, 2.235, 1.102, 1.225],
}


@value("05.1")
def _(rng):
    number = list(_OUTPUTS)[rng.integers(len(_OUTPUTS))]
    right = small_bright, large_bright, small_dark, large_dark = _OUTPUTS[number]
    changes = [("conv2's filter 43 share", f"conv2's filter {number} share")]
    hints = [
        ([small_dark, large_dark, small_bright, large_bright], "Bright and dark are exchanged."),
        ([small_bright, small_dark, large_bright, large_dark], "Both bright squares come first, then both dark ones."),
        ([large_bright, small_bright, large_dark, small_dark], "The sides are exchanged: 3 comes first, then 7."),
        ([small_bright, large_bright, small_bright, large_bright], "For the dark squares, exchange the two values."),
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
