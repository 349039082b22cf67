"""Variants of the exercises of notebook 04_max_pooling."""

import itertools

import numpy as np

from tools.grading.variants import function, minus, value


def _pooled(values, size, stride, padding, fill=-np.inf, ends=None):
    padded = np.pad(values.astype(float), padding if ends is None else ends, constant_values=fill)
    steps = [range(0, side - size + 1, stride) for side in padded.shape]
    return [[int(padded[i : i + size, j : j + size].max()) for j in steps[1]] for i in steps[0]]


@value("04.1")
def _(rng):
    values = -rng.permutation(np.arange(1, 17)).reshape(4, 4) // 2 - 1
    published = "(−3, −1, −4, −2), (−5, −6, −2, −7), (−8, −9, −3, −4) and (−6, −5, −8, −2)"
    rows = [f"({', '.join(minus(number) for number in row)})" for row in values.tolist()]
    right = _pooled(values, 3, 2, 1)
    hints = [
        (_pooled(values, 3, 2, 1, fill=0), "A 0 at the border won: what is padded must never be the largest."),
        (_pooled(values, 2, 2, 0), "Those are windows of 2×2 without padding."),
        (_pooled(values, 3, 2, 0, ends=((0, 1), (0, 1))), "That pads below and on the right only."),
        (np.negative(_pooled(-values, 3, 2, 1)).tolist(), "Those are the smallest values."),
        (np.transpose(right).tolist(), "Rows and columns are exchanged."),
    ]
    return [(published, f"{', '.join(rows[:3])} and {rows[3]}")], right, hints


def _unchanged_moves(places, size, stride):
    rows = [9 * np.eye(places, dtype=int)[place] for place in range(places)]
    pooled = [[row[start : start + size].max() for start in range(0, places - size + 1, stride)] for row in rows]
    return sum(before == after for before, after in itertools.pairwise(pooled))


@value("04.2")
def _(rng):
    size, stride = [(3, 2), (3, 3), (4, 2), (5, 2), (5, 3), (4, 3), (2, 2), (5, 4)][rng.integers(8)]
    places = size + stride * int(rng.integers(2, 6))
    words = "zero one two three four five six seven eight nine ten eleven twelve".split()
    words += "thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split()
    words += [f"twenty-{word}" for word in words[1:10]]
    right = _unchanged_moves(places, size, stride)
    changes = [
        ("A row has nine places", f"A row has {words[places]} places"),
        ("windows of 3 and stride 2", f"windows of {size} and stride {stride}"),
        ("at places 0 to 8", f"at places 0 to {places - 1}"),
        ("in eight ways", f"in {words[places - 1]} ways"),
    ]
    hints = [
        (places - 1 - right, "Those are the moves that change something."),
        (places - 1, "Some of the moves change the pooled row."),
        (right + 1, "Write down for each place which windows contain it, and compare neighbours."),
        (right - 1, "Write down for each place which windows contain it, and compare neighbours."),
    ]
    return changes, right, hints


@function("04.3")
def _(rng):
    shapes = [(2, 3), (1, 2), (3, 1), (2, 2)]
    windows = [(3, 2), (2, 3), (4, 1), (2, 1)]
    cases = []
    for number, ((images, channels), (size, stride)) in enumerate(zip(shapes, windows)):
        sides = size + stride * rng.integers(1, 5, 2) + rng.integers(0, stride, 2)
        sides[1] += stride * (sides[0] == sides[1])
        shape = (images, *map(int, sides), channels)
        x = rng.normal(size=shape) if number % 2 == 0 else rng.integers(-9, 10, shape)
        cases.append((x, size, stride))
    cases.append((rng.normal(size=(3, 6, 6, 2)).astype(np.float32), 6, 1))
    return cases
