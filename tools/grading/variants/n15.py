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
    while len(cases) < 4:
        count, sign = int(rng.integers(9, 24)), (1, -1)[len(cases) % 2]
        first = rng.permutation(count) < count // 3
        values = rng.integers(-3, 7, count) + 2.0 * sign * first
        orders = np.array([rng.permutation(count) for _ in range(4 * count)])
        orders[0] = np.arange(count)
        apart = values[first].mean() - values[~first].mean()
        shuffled = values[orders]
        gaps = np.abs(shuffled[:, first].mean(axis=1) - shuffled[:, ~first].mean(axis=1))
        if apart * sign > 0 and 0.1 < (gaps >= abs(apart)).mean() < 0.5:
            cases.append((values, first, orders))
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
