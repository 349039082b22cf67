"""Variants of the exercises of notebook 13_train_on_cifar10."""

import numpy as np

from tools.grading.variants import function, value


@value("13.1")
def _(rng):
    work, epochs = round(float(rng.uniform(20, 400)), 1), int(rng.choice([12, 20, 45, 60, 90]))
    images = 1000 * int(rng.integers(10, 60))
    right = 6 * work * 1e6 * images * epochs / 1e15
    changes = [
        (
            "A network does 93.1 million multiply-adds for one image. It is trained for 30 epochs on 45,000 images.",
            f"A network does {work} million multiply-adds for one image. It is trained for {epochs} epochs on "
            f"{images:,} images.",
        )
    ]
    hints = [
        (right / 2, "A multiply-add is two operations."),
        (right / 3, "That is the forward pass alone: a training step is three times as much."),
        (right / 6, "Those are the multiply-adds of the forward pass."),
        (right / epochs, "That is one epoch."),
        (right * 2 / 3, "The backward pass costs two forward passes, on top of the forward pass itself."),
        (right * 1e15, "Those are operations: a PFLOP is 10^15 of them."),
    ]
    return changes, right, hints


@function("13.2")
def _(rng):
    cases = []
    while len(cases) < 5:
        size = int(rng.integers(3, 8)) if len(cases) < 4 else 12
        counts = rng.permutation(3 * size**2)[: size**2].reshape(size, size) + np.diag(rng.integers(20, 900, size))
        both = np.triu(counts + counts.T, k=1)
        is_beyond_ten = size < 12 or both.argmax() % size >= 10  # a pair that the first ten classes do not hold
        if (both == both.max()).sum() == 1 and is_beyond_ten:
            cases.append((counts,))
    return cases


@function("13.3")
def _(rng):
    cases = []
    for first, second, level, spread in ((3, 5, 0.8, 0.004), (4, 2, 90, 0.6), (6, 3, 70, 2)):
        cases.append(tuple(rng.normal(level + shift, spread, n) for n, shift in ((first, 0), (second, spread))))
    return cases
