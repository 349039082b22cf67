"""Variants of the exercises of notebook 03_relu_and_local_response_normalization."""

import itertools

import numpy as np

from tools.grading.variants import function, value


@value("03.1")
def _(rng):
    heights = [int(rng.integers(1, 6)), int(rng.integers(1, 6))]
    top, end = heights
    right = [top, end - 2 * top, top - end]
    changes = [
        (
            "Which three weights make their sum a **hat**: 0 at 0 and to the left of it, 1 at 1, 0 at 2 and to the "
            "right of it?",
            f"Which three weights make their sum 0 at 0 and to the left of it, {top} at 1, and {end} at 2 and "
            "everywhere to the right of it?",
        )
    ]
    hints = [
        ([top, end - top, 0], "Those are the slopes: a weight is the change of slope at its bend."),
        ([0, top, end], "Those are the heights at 0, 1 and 2: a weight is the change of slope at its bend."),
        ([top, end - 2 * top, 0], "That is right up to 2, but goes on to the right of it."),
        ([top, -top, 0], "That stays level from 1 on."),
        ([top, end, 0], "A weight is the change of slope at its bend, not a height."),
        ([-top, 2 * top - end, end - top], "That is upside down."),
    ]
    return changes, right, [(wrong, hint) for wrong, hint in hints if wrong != right]


def _normalized(values, place, reach=2, n=None, k=2, alpha=1e-4, beta=0.75, skip=False):
    near = range(max(place - reach, 0), min(place + reach, len(values) - 1) + 1)
    total = sum(values[one] ** 2 for one in near if not (skip and one == place))
    return values[place] / (k + alpha / (n or 1) * total) ** beta


@value("03.2")
def _(rng):
    values = [int(number) for number in 10 * rng.choice(range(2, 13), 6, replace=False)]
    place = int(rng.integers(0, 6))
    right = _normalized(values, place)
    given = ", ".join(map(str, values))
    changes = [
        ("Five channels at one place hold 90, 30, 20, 60, 80,", f"Six channels at one place hold {given},"),
        ("normalized value of the 60,", f"normalized value of the {values[place]},"),
    ]
    hints = [
        (_normalized(values, place, reach=5), "The sum reaches two channels to each side, not all."),
        (_normalized(values, place, reach=1), "The sum reaches two channels to each side, where they exist."),
        (_normalized(values, place, n=5), "The paper's α multiplies the sum as it is."),
        (_normalized(values, place, skip=True), "The value's own square belongs to the sum."),
        (_normalized(values, place, k=1), "k is 2 in the paper."),
        (_normalized(values, place, beta=1), "The bracket is raised to the power 0.75."),
        (_normalized(values, place, beta=0.5), "The power is 0.75, not a square root."),
        (values[place] / 2**0.75, "That divides by k alone: the sum of squares is missing."),
        (values[place] / right, "That is the divisor."),
        (float(values[place]), "That is the value itself."),
    ]
    return changes, right, hints, 0.0051  # two decimals


@function("03.3")
def _(rng):
    cases = []
    for length in (3, 5, 2, 4):
        sizes = [int(size) for size in rng.integers(1, 7, length)]
        if length == 3:
            sizes = [int(rng.integers(2, 4))] * 3  # where a product can be taken in the wrong order
        pairs = list(itertools.pairwise(sizes))
        weights = [rng.integers(-3, 4, pair) + 0.5 for pair in pairs]
        cases.append((weights, [rng.integers(1, 5, n) + 0.25 for _, n in pairs]))
    square = [rng.normal(size=(3, 3)).astype(np.float64) for _ in range(3)]
    return [*cases, (square, [rng.normal(size=3) for _ in range(3)])]
