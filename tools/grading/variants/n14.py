"""Variants of the exercises of notebook 14_look_inside."""

import numpy as np

from tools.grading.variants import function, value


@value("14.1")
def _(rng):
    size, side, step = [
        (32, 8, 3),
        (32, 8, 6),
        (48, 8, 4),
        (48, 12, 6),
        (64, 16, 8),
        (40, 10, 5),
        (32, 4, 7),
        (64, 8, 4),
    ][rng.integers(8)]
    places = (size - side) // step + 1
    right = places**2
    changes = [
        (
            "A square of 8×8 pixels covers a part of a 32×32 image. It moves by 4 pixels",
            f"A square of {side}×{side} pixels covers a part of a {size}×{size} image. It moves by {step} pixels",
        )
    ]
    hints = [
        ((places - 1) ** 2, "Count the start as well."),
        ((places + 1) ** 2, "The square stays inside the image."),
        (places, "The square moves down as well."),
        ((size // side) ** 2, "The squares move by another distance than their side."),
        ((size // step) ** 2, "The square stays inside the image."),
        ((size - side + 1) ** 2, "That is with steps of 1."),
        (right + 1, "The uncovered image is not counted."),
    ]
    return changes, right, [(wrong, hint) for wrong, hint in hints if wrong != right]


@value("14.2")
def _(rng):
    weights = rng.choice([-0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7], 3, replace=False)
    rest, squares = weights - weights.mean(), float((weights**2).sum())
    right = float((rest**2).sum() / squares)
    red, green, blue = (f"{one:g}".replace("-", "−") for one in weights)
    changes = [("0.6 (red), 0.3 (green) and 0 (blue)", f"{red} (red), {green} (green) and {blue} (blue)")]
    hints = [
        (1 - right, "That is the share of grey."),
        (right * squares, "That is the sum of squares without the mean: divide it by the whole."),
        (squares, "That is the sum of the squares: which part of it is left without the mean?"),
        (right**0.5, "The share is one of squares: do not take the root."),
        (float(weights.mean()), "That is the mean of the weights."),
        (float(rest.var()), "That is the mean of the squares."),
    ]
    return changes, right, hints, 0.0051  # two decimals


@function("14.3")
def _(rng):
    cases = []
    height, width = 7, 9
    places = [(3, 5, 3), (2, 4, 2), (0, 8, 4), (6, 0, 4), (1, 2, 5), (5, 7, 6)]
    for number, (row, column, side) in enumerate(places):
        image = rng.integers(0, 128, (height + number % 3, width, 3)).astype(np.uint8)
        cases.append((image, row, column, side))
    return [cases[place] for place in rng.permutation(len(cases))]


@function("14.4")
def _(rng):
    cases = []
    for _ in range(4):
        size = int(rng.integers(2, 8))
        gallery = rng.normal(size=(int(rng.integers(5, 15)), size))
        cases.append((rng.normal(size=size), gallery * rng.uniform(0.1, 9, (len(gallery), 1))))
    return cases


@function("14.5")
def _(rng):
    cases = []
    for height, width, channels in ((4, 5, 6), (7, 3, 2), (5, 5, 3)):
        maps, gradient = rng.random((height, width, channels)), rng.normal(size=(height, width, channels))
        if channels == 3:
            maps, gradient = rng.integers(0, 9, maps.shape), rng.integers(-9, 10, maps.shape)
        cases.append((maps, gradient))
    return cases
