"""Variants of the exercises of notebook 08_softmax_and_loss."""

import numpy as np

from tools.grading.variants import function, value


@value("08.1")
def _(rng):
    total = int(rng.choice([10, 20, 25, 50]))
    first, second = (int(number) for number in rng.choice(range(1, total // 2), 2, replace=False))
    powers = [first, second, total - first - second]
    right = [power / total for power in powers]
    changes = [
        (
            "the scores are $\\ln 2$, $\\ln 3$ and $\\ln 5$.",
            f"the scores are $\\ln {powers[0]}$, $\\ln {powers[1]}$ and $\\ln {powers[2]}$.",
        )
    ]
    logs = np.log(powers)
    hints = [
        (powers, "Those are the powers: they still have to be divided by their sum."),
        (logs.tolist(), "Those are the scores."),
        (
            (logs / logs.sum()).tolist(),
            "Those are the scores divided by their sum: first take the exponential of each.",
        ),
        ([100 * one for one in right], "Those are percentages."),
        ([power / max(powers) for power in powers], "Divide by the sum of the powers, not by the largest."),
        ([1 / 3] * 3, "The larger the score, the larger the probability."),
        (right[::-1], "The order is that of the scores."),
    ]
    return changes, right, [(wrong, hint) for wrong, hint in hints if not np.allclose(wrong, right)]


@value("08.2")
def _(rng):
    classes = int(rng.choice([8, 12, 20]))
    first = int(rng.integers(2, classes // 2))
    other = classes - first
    share = first / classes
    right = share * np.log(first) + (1 - share) * np.log(other)
    changes = [
        (
            "Six of CIFAR-10's classes are animals and four are vehicles, all equally frequent.",
            f"Of {classes} classes {first} are plants and {other} are tools, all equally frequent.",
        ),
        ("an animal or a vehicle, and nothing else", "a plant or a tool, and nothing else"),
    ]
    hints = [
        (np.log(classes), "That is the loss of knowing nothing, but this network knows the group."),
        ((np.log(first) + np.log(other)) / 2, "That weighs both groups equally."),
        (np.log(classes / 2), "Take the logarithm for each image first, and the mean afterwards."),
        (
            np.log(share * first + (1 - share) * other),
            "Take the logarithm for each image first, and the mean afterwards.",
        ),
        (share * np.log(other) + (1 - share) * np.log(first), "Check how many classes share the probability."),
        (np.log(first) + np.log(other), "That is the sum of the two groups' losses."),
        (-right, "A loss is positive."),
        (right / np.log(10), "The loss uses the natural logarithm."),
        (right / np.log(2), "The loss uses the natural logarithm."),
    ]
    return changes, float(right), [(float(wrong), hint) for wrong, hint in hints], 0.00051  # three decimals


@value("08.3")
def _(rng):
    p = (rng.permutation(np.arange(1, 20))[:4]).astype(float)
    p = (p / p.sum()).round(2)
    p[0] = round(1 - p[1:].sum(), 2)
    true = int(rng.choice([0, 1, 3]))
    right = p - np.eye(4)[true]
    given = [f"{one:g}" for one in p]
    changes = [
        (
            "the probabilities 0.7, 0.1, 0.15 and 0.05; the true class is number 2 (counted from 0)",
            f"the probabilities {', '.join(given[:3])} and {given[3]}; the true class is number {true} (counted from "
            "0)",
        )
    ]
    hints = [
        ((-right).tolist(), "The sign is the other way round."),
        ((p - np.eye(4)[true - 1]).tolist(), "The classes are counted from 0."),
        (p.tolist(), "Those are the probabilities: at the true class something is subtracted."),
        ((p + np.eye(4)[true]).tolist(), "At the true class the 1 is subtracted."),
        (np.abs(right).tolist(), "Check the sign at the true class."),
        ((right / 4).tolist(), "That is divided by the number of classes: a mean runs over images."),
        ((right * np.eye(4)[true]).tolist(), "The other scores count as well."),
        ((-np.eye(4)[true] / p[true]).tolist(), "That is the derivative by the probabilities."),
        ((p * (1 - p)).tolist(), "That is how each probability changes with its own score."),
        ((p[true] * -right).tolist(), "That is how the probability of the true class changes."),
    ]
    return changes, [round(float(one), 6) for one in right], hints


@function("08.4")
def _(rng):
    cases = []
    for rows, classes, size in ((3, 4, 2), (2, 5, 1), (4, 3, 3)):
        cases.append((rng.normal(scale=size, size=(rows, classes)), rng.integers(0, classes, rows)))
    z, labels = cases[0]
    far = rng.integers(-3, 4, (3, 4)) + np.array([[1000], [-1200], [4]])
    return [*cases, (1500 + z, labels), (far, rng.integers(0, 4, 3)), (2000 * z, labels)]
