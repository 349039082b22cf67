"""Variants of the exercises of notebook 06_fully_connected."""

import numpy as np

from alexnet_helpers.exercises.n06_fully_connected import judge_zero_unit
from tools.grading.variants import function, value


def _row(numbers):
    return f"[{', '.join(f'{number:g}' for number in numbers)}]"


@value("06.1")
def _(rng):
    x = rng.integers(1, 6, 3)
    W = rng.choice([-2, -1, -0.5, 0.5, 1, 2, 3], (2, 3))
    b = rng.choice([-1.5, -1, -0.5, 0.5, 1, 1.5], 2)
    z = W @ x + b
    while not (z.max() > 0 > z.min()):
        W = rng.choice([-2, -1, -0.5, 0.5, 1, 2, 3], (2, 3))
        z = W @ x + b
    right = np.maximum(z, 0).tolist()
    changes = [
        ("$x = [2, 1, 4]$", f"$x = {_row(x)}$"),
        ("$[1, -2, 0.5]$ and $[0, 1, -1]$", f"${_row(W[0])}$ and ${_row(W[1])}$"),
        ("$b = [0.5, -1]$", f"$b = {_row(b)}$"),
    ]
    hints = [
        (z.tolist(), "Those are the pre-activations: now the ReLU."),
        (np.maximum(W @ x, 0).tolist(), "You left out the biases."),
        (right[::-1], "Those are the right numbers in the other order."),
        (np.abs(z).tolist(), "The ReLU makes negative numbers 0, not positive."),
        (np.maximum(W @ x - b, 0).tolist(), "The biases are added."),
        ((np.maximum(W @ x, 0) + b).tolist(), "Add the bias before the ReLU."),
    ]
    return changes, right, hints


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
