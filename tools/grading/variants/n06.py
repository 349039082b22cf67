"""Variants of the exercises of notebook 06_fully_connected."""

import numpy as np

from alexnet_helpers.exercises.n06_fully_connected import judge_zero_unit
from tools.grading.variants import function, value


@value("06.1")
def _(rng):
    rows, columns, channels, units = (int(rng.integers(3, 8)) for _ in range(4))
    while columns == channels or rows == columns:
        columns = int(rng.integers(3, 8))
    row, column, channel = int(rng.integers(1, rows)), int(rng.integers(1, columns)), int(rng.integers(1, channels))
    inputs = rows * columns * channels
    last = (row * columns + column) * channels + channel
    first = (channel * rows + row) * columns + column
    changes = [
        (
            "are 4×4×3: four rows, four columns, three channels.",
            f"are {rows}×{columns}×{channels}: rows, columns, channels.",
        ),
        ("a dense layer of 5 units", f"a dense layer of {units} units"),
        ("row 2, column 1, channel 2", f"row {row}, column {column}, channel {channel}"),
        ("with the channels first, 3×4×4,", f"with the channels first, {channels}×{rows}×{columns},"),
    ]
    parameters = inputs * units + units
    hints = [
        ([inputs * units, last, first], "You left out the biases."),
        ([inputs * units + 1, last, first], "Each unit has a bias of its own."),
        ([parameters, first, last], "The two orders are exchanged."),
        ([parameters, last + 1, first + 1], "Count the places from 0: how many values come before?"),
    ]
    return changes, [parameters, last, first], hints


@function("06.2")
def _(rng):
    ink, other = int(rng.choice([2, 4, 8, 16])), bool(rng.random() < 0.5)
    wanted, unwanted = ("1", "0") if other else ("0", "1")
    changes = [
        (
            "above 0 for a handwritten 0 and not for a 1.",
            f"above 0 for a handwritten {wanted} and not for a {unwanted}; here the image has numbers from 0 (paper) "
            f"to {ink} (ink).",
        ),
        ("image: 8×8 numbers from 0 (paper) to 1 (ink)", f"image: 8×8 numbers from 0 (paper) to {ink} (ink)"),
        ("says correctly whether it is a zero", f"says correctly whether it is a {'one' if other else 'zero'}"),
        ("zip(images[labels < 2]", f"zip({ink} * images[labels < 2]"),
        ("(label == 0)", f"(label == {wanted})"),
    ]
    sign = -1 if other else 1
    solution = (
        "def zero_unit(image):\n"
        f"    picture, bias = np.zeros((8, 8)), {sign * 3 * ink}\n"
        f"    picture[2:6, 3:5] = {-sign}\n"
        "    return (image * picture).sum() + bias"
    )
    return changes, lambda function: judge_zero_unit(function, ink, other), solution


@function("06.3")
def _(rng):
    cases = []
    for images, inputs, units in ((3, 4, 4), (2, 5, 3), (1, 3, 6), (5, 2, 2)):
        X, W, b = rng.normal(size=(images, inputs)), rng.normal(size=(units, inputs)), rng.normal(size=units)
        if images == 2:
            X, W, b = (rng.integers(-4, 5, one.shape) for one in (X, W, b))
        cases.append((X, W, b))
    square = rng.normal(size=(4, 4))
    return [*cases, (square, rng.normal(size=(4, 4)).astype(np.float32), rng.normal(size=4))]
