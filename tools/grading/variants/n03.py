"""Variants of the exercises of notebook 03_relu_and_local_response_normalization."""

import itertools

import numpy as np

from tools.grading.variants import function, value


@value("03.1")
def _(rng):
    height, channels = int(rng.choice((3, 7))), int(rng.choice((3, 16, 32, 64, 128, 192)))
    n = height**2 * channels
    given = f"{height} × {height} × {channels}"
    changes = [("Each unit of AlexNet's conv2 sees 5 × 5 × 48 numbers.", f"Each unit sees {given} numbers.")]
    hints = [
        ((1 / n) ** 0.5, "That keeps the mean square of the sums: ReLU then halves it."),
        ((1 / (2 * n)) ** 0.5, "The wrong way round: ReLU halves the mean square."),
        (2 / n**0.5, "That is a factor of 2 in the spread, and so of 4 in the mean square."),
        (2 / n, "That is the square of the spread: take the root."),
        ((2 / channels) ** 0.5, "n is all that a unit sees, not its channels alone."),
        ((2 / height**2) ** 0.5, "n is all that a unit sees, in all channels."),
        ((n / 2) ** 0.5, "Upside down: more inputs need smaller weights."),
    ]
    return changes, (2 / n) ** 0.5, hints, 0.00051  # three decimals


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
