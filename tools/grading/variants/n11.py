"""Variants of the exercises of notebook 11_cifar10."""

from alexnet_helpers.exercises.n11_cifar10 import judge_split
from tools.grading.variants import function, value


@function("11.1")
def _(rng):
    first, second = int(rng.integers(80, 160)), int(rng.integers(40, 70))
    trials = (first, int(rng.integers(10, 18))), (second, int(rng.integers(24, 34)))
    return lambda function: judge_split(function, trials)


@function("11.2")
def _(rng):
    cases = []
    for seeds, level, spread in (
        (int(rng.integers(4, 7)), 60, 2),
        (3, 0.8, 0.01),
        (2, 40, 3),
        (int(rng.integers(7, 12)), 85, 1),
    ):
        others = rng.normal(level, spread, seeds)
        cases.append((others + rng.normal(-0.3 * spread, 0.4 * spread, seeds), others))
    return cases


@value("11.3")
def _(rng):
    share, points = int(rng.choice([60, 70, 75, 85, 90])), float(rng.choice([0.25, 0.4, 0.5, 0.8, 1.0]))
    p, error = share / 100, points / 100
    right = round(2 * p * (1 - p) / error**2)
    changes = [
        (
            "get about 80 % of n images right, each of n images of its own",
            f"get about {share} % of n images right, each of n images of its own",
        ),
        ("to be 0.5 percentage points?", f"to be {points:g} percentage points?"),
    ]
    hints = [
        (right / 2, "That suffices for one accuracy. For a difference, the variances of two accuracies add up."),
        (right * 2, "Those are the images of both networks together: n counts one network's."),
        (right / 4, "A difference varies more than one accuracy, not less: the variances add up."),
        (right / 10_000, f"{points:g} percentage points are {error:g} if p is {p:g}."),
        (right**0.5, "Square both sides: n is under the root."),
        (4 * right, "That makes two standard errors what one should be."),
        (2 * p / error**2, "The variance of one answer is p(1 - p), not p."),
    ]
    return changes, right, hints
