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
    total, part = int(rng.integers(50, 200)) * 100, int(rng.choice([3, 4, 5]))
    word = {3: "a third", 4: "a quarter", 5: "a fifth"}[part]

    def divisor(squares):
        return (1 + 2e-5 * squares) ** 0.75

    old, new = divisor(total), divisor(total / part**2)
    right = round(old / new / part, 3)
    changes = [
        ("is about 7,700 on average for the cat", f"is about {total:,} on average for a photo"),
        ("Now halve the photo's contrast:", f"Now reduce the photo's contrast to {word}:"),
    ]
    hints = [
        (1 / part, "That is without normalization. The divisor shrinks, too."),
        (new / old / part, "Upside down: the divisor gets smaller, so more is left."),
        (old / new, "That is how much the divisor shrinks. The value on top has shrunk as well."),
        (1 / new, "That is 1 over the new divisor. Compare the new normalized value with the old one."),
        (1 / new / part, "The old value was divided as well: compare with that."),
    ]
    return changes, right, hints
