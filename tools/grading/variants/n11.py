"""Variants of the exercises of notebook 11_cifar10."""

import numpy as np

from alexnet_helpers.exercises.n11_cifar10 import judge_split
from tools.grading.variants import function, value


@function("11.1")
def _(rng):
    cases = []
    for _ in range(3):
        images = rng.integers(0, 256, (int(rng.integers(2, 5)), 32, 32, 3)).astype(np.uint8)
        cases.append((images, rng.uniform(40, 180, 3).round(2), rng.uniform(25, 90, 3).round(2)))
    return cases


@function("11.2")
def _(rng):
    first, second = int(rng.integers(80, 160)), int(rng.integers(40, 70))
    trials = (first, int(rng.integers(10, 18))), (second, int(rng.integers(24, 34)))
    return lambda function: judge_split(function, trials)


@value("11.3")
def _(rng):
    right_in_all, twins = 100 * int(rng.integers(70, 95)), int(rng.integers(150, 900))
    others = 10_000 - twins
    right = 100 * (right_in_all - twins) / others
    changes = [
        (
            "A network gets 82.0 % of the 10,000 test images right, among them all 286 that have a near-twin "
            "in the training set. What percentage of the other 9,714 does it get right (to two decimals)?",
            f"A network gets {right_in_all / 100:.1f} % of 10,000 test images right, among them all {twins} that "
            f"have a near-twin in the training set. What percentage of the other {others:,} does it get right "
            "(to two decimals)?",
        )
    ]
    hints = [
        ((right_in_all - twins) / 100, f"That is a share of all 10,000 images: the question is about {others:,}."),
        (100 * right_in_all / others, "The right answers still contain the twins: take these away, too."),
        (right_in_all / 100, "It gets all of the twins right, so fewer of the others."),
        (float(right_in_all - twins), "That is how many it gets right, not a percentage."),
        (right / 100, "That is a share between 0 and 1: answer in per cent."),
        (100 - right, "That is the percentage that it gets wrong."),
    ]
    return changes, right, hints
