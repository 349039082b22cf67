"""Variants of the exercises of notebook 16_what_mattered."""

import numpy as np

from tools.grading.variants import function, value


def _runs(rng):
    """Draw two pairs of runs, for 16.1 and 16.2 the same ones."""
    first = round(float(rng.uniform(60, 64)), 1)
    second = round(first + float(rng.choice([0.7, 1.0, 3.1, 3.8])), 1)
    gaps = rng.choice([0.4, 0.6, 0.8, 1.0, 1.2], 2, replace=False)
    return [[first, round(first + gaps[0], 1)], [second, round(second + gaps[1], 1)]]


def _deviation(runs):
    return float(np.sqrt(np.var(runs, axis=1, ddof=1).mean()))


_PUBLISHED = "Two runs of one recipe are right in 64.0 and 65.0 % of the images, those of another in 66.2 and 66.6 %."


def _given(runs):
    one, other = runs
    return (
        f"Two runs of one recipe are right in {one[0]} and {one[1]} % of the images, those of another in {other[0]} "
        f"and {other[1]} %."
    )


@value("16.1")
def _(rng):
    runs = _runs(rng)
    array = np.array(runs)
    right = _deviation(runs)
    hints = [
        (right**2, "That is the variance: take its root."),
        (float(np.sqrt(array.var(axis=1).mean())), "Divide the sum of the squared distances by 2 - 1, not by 2."),
        (float(array.std(axis=1, ddof=1).mean()), "Average the variances, and take the root at the end."),
        (float(array.std(ddof=1)), "That is the spread of all four runs: stay within each pair."),
        (float(array.std()), "That is the spread of all four runs: stay within each pair."),
        (right * 2**0.5, "The mean of the two variances is asked for, not their sum."),
    ]
    apart = [(wrong, hint) for wrong, hint in hints if abs(wrong - right) > 0.011]
    return [(_PUBLISHED, _given(runs))], right, apart, 0.0051  # two decimals


@value("16.2")
def _(rng):
    """Ask for what a guess of True or False does not give: by how much the difference passes the limit."""
    runs = _runs(rng)
    while abs(np.mean(runs[1]) - np.mean(runs[0]) - 2 * _deviation(runs)) < 0.2:
        runs = _runs(rng)
    difference = float(np.mean(runs[1]) - np.mean(runs[0]))
    right = difference - 2 * _deviation(runs)
    changes = [
        (
            "With that deviation and the rule of this notebook: does the difference between the two recipes count? "
            "Answer `True` or `False`.",
            f"{_given(runs)} By the rule of this notebook the difference between two recipes counts if it is larger "
            "than twice the deviation between seeds, taken from both pairs. By how many points does the difference "
            "here pass this limit? (To two decimals; negative if it stays below.) In words: what do so few runs say?",
        )
    ]
    hints = [
        (difference, "That is the difference itself: take away the limit."),
        (difference - _deviation(runs), "The limit is twice the deviation."),
        (-right, "The sign is the other way round."),
        (2 * _deviation(runs), "That is the limit."),
    ]
    return changes, right, hints, 0.0051  # two decimals


@value("16.3")
def _(rng):
    side, groups = int(rng.choice([3, 5])), int(rng.choice([2, 4, 8]))
    inputs, outputs = (int(one) for one in rng.choice([32, 64, 96, 128], 2, replace=False))
    words = {2: "two", 4: "four", 8: "eight"}
    right = side**2 * inputs // groups * outputs
    changes = [
        (
            "A convolution of 3×3 with 64 channels in and 64 out is split into two groups, as in two towers.",
            f"A convolution of {side}×{side} with {inputs} channels in and {outputs} out is split into {words[groups]} "
            "groups.",
        )
    ]
    hints = [
        (right * groups, "That is with one group: each filter sees all channels."),
        (right // groups, "There are several groups: count all."),
        (right + outputs, "Without the biases."),
        (right // side**2, "Each weight of a 1×1 filter becomes several."),
        (side**2 * inputs // groups, "That is one filter."),
    ]
    return changes, right, hints


@function("16.4")
def _(rng):
    cases = [
        (rng.normal(65, 3, (recipes, 1)) + rng.normal(size=(recipes, seeds)),) for recipes, seeds in ((4, 2), (3, 5))
    ]
    return [*cases, (rng.integers(50, 80, (1, 6)),), (rng.normal(size=(6, 3)),)]
