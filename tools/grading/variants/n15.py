"""Variants of the exercises of notebook 15_the_real_alexnet."""

import numpy as np

from tools.grading.variants import function, value


@function("15.1")
def _(rng):
    shapes = (5, 4, 3), (3, 6, 3), (7, 7, 3)
    return [(rng.integers(0, 256, shape).astype(np.uint8),) for shape in shapes]


@function("15.2")
def _(rng):
    cases = []
    for k in rng.permutation(5)[:4] + 1:
        photos, classes = int(rng.integers(20, 60)), int(rng.integers(6, 13))
        probabilities = rng.random((photos, classes)) + 0.4 * np.eye(classes)[rng.integers(0, classes, photos)]
        truth = probabilities.argmax(axis=1)
        moved = rng.random(photos) < 0.6
        truth[moved] = rng.integers(0, classes, moved.sum())
        cases.append((probabilities / probabilities.sum(axis=1, keepdims=True), truth, int(k)))
    return cases


@value("15.3")
def _(rng):
    p, error = round(float(rng.uniform(52, 88)), 1), float(rng.choice([0.3, 0.4, 0.6, 0.8, 1.5, 2]))
    share = p / 100
    exact = share * (1 - share) / (error / 100) ** 2
    right = int(np.ceil(exact - 1e-9))
    changes = [
        (
            "an accuracy of 57.1 % is not larger than half a percentage point?",
            f"an accuracy of {p} % is not larger than {error:g} percentage points?",
        )
    ]
    hints = [
        (right - 1, "With that many the standard error is still a trace too large: round up."),
        (int(np.ceil(0.25 / (error / 100) ** 2)), "That is for an accuracy of 50 %."),
        (int(np.ceil(share / (error / 100) ** 2)), "The factor 1 - p is missing."),
        (int(np.ceil(exact * 1.96**2)), "That is for 1.96 standard errors: the question is about one."),
        (int(np.ceil(exact**0.5)), "The standard error has n under a root: square both sides."),
    ]
    return changes, right, hints
