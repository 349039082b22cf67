"""Variants of the exercises of notebook 12_why_it_does_not_learn."""

import numpy as np

from tools.grading.variants import function, minus, value


@value("12.1")
def _(rng):
    gradient = float(rng.choice([-0.7, -0.4, -0.2, 0.2, 0.4, 0.5, 0.7]))
    rate = float(rng.choice([0.0002, 0.001, 0.002, 0.003, 0.005]))
    right = -rate * float(np.sign(gradient))
    changes = [
        ("the gradient −0.3", f"the gradient {minus(gradient)}"),
        ("The learning rate is 0.0005", f"The learning rate is {rate:g}"),
    ]
    hints = [
        (-right, "The weight moves against the gradient."),
        (-rate * gradient, "That is a step of SGD."),
        (rate * gradient, "That is SGD, and along the gradient."),
        (right * 10**0.5, "That is without the bias correction of both averages."),
        (right / 10, "The average of the gradient is corrected as well."),
        (right / abs(gradient), "Adam divides the gradient by its own size: the learning rate alone is left."),
    ]
    return changes, right, hints


def _maps(rng, shape, first):
    """Return two batches with dead units and others: constant, 0 for an image, at a place or in one batch."""
    maps = rng.random(shape) * (rng.random(shape) < 0.6)
    dead = rng.permutation(shape[-1])[: int(rng.integers(1, 3))]
    maps[..., dead] = 0.0
    live = [unit for unit in range(shape[-1]) if unit not in dead]
    maps[..., live[0]] = 1.0
    maps[0, ..., live[1]] = 0.0
    maps[:, :1, :1, live[2]] = 0.0
    maps[..., live[3]] = 0.0
    maps[-1, -1, -1, live[3]] = 1e-6
    maps[:first, ..., live[4]] = 0.0
    maps[first:, ..., live[5]] = 0.0
    return maps[:first], maps[first:]


@function("12.2")
def _(rng):
    images, height, width, channels = (int(side) for side in rng.integers([5, 2, 2, 8], [9, 4, 5, 10]))
    units = rng.random((int(rng.integers(5, 8)), 8)) * (rng.random(8) < 0.5)
    units[:, 0], units[:, 1], units[0, 2], units[1:, 2] = 0.0, 2.0, 1.0, 0.0
    units[:2, 3], units[2:, 3] = 0.0, 1.0
    cases = [_maps(rng, (images, height, width, channels), images // 2), (units[:2], units[2:])]
    return [*cases, (np.ones((3, 4)), np.ones((2, 4))), (np.zeros((2, 2, 3, 4), np.float32),) * 2]


@function("12.3")
def _(rng):
    cases = []
    for largest, warmup, total in ((0.003, 200, 1400), (0.8, 10, 34)):
        largest, warmup = largest * float(rng.integers(1, 4)), warmup * int(rng.integers(1, 3))
        total = warmup + total
        steps = [0, warmup // 4, warmup // 2, warmup, total]
        steps += [warmup + (total - warmup) * part // 5 for part in (1, 2, 3, 4)]
        cases += [(int(step), largest, warmup, total) for step in steps]
    return cases
