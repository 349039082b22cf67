"""Variants of the exercises of notebook 16_what_mattered."""

import numpy as np
from scipy import stats

from tools.grading.variants import function, value


def _runs(rng):
    """Draw two pairs of runs, for 16.1 and 16.2 the same ones."""
    first = round(float(rng.uniform(60, 64)), 1)
    second = round(first + float(rng.choice([0.7, 1.0, 3.1, 3.8])), 1)
    gaps = rng.choice([0.4, 0.6, 0.8, 1.0, 1.2], 2, replace=False)
    return [[first, round(first + gaps[0], 1)], [second, round(second + gaps[1], 1)]]


def _deviation(runs):
    return float(np.sqrt(np.var(runs, axis=1, ddof=1).mean()))


_PUBLISHED = (
    "Two runs of one recipe classify 64.0 and 65.0 % of the images correctly, those of another 66.2 and 66.6 %."
)


def _given(runs):
    one, other = runs
    return (
        f"Two runs of one recipe classify {one[0]} and {one[1]} % of the images correctly, those of another {other[0]} "
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
    """Other runs, and in another share of the worlds."""
    runs = _runs(rng)
    share = float(rng.choice([0.02, 0.04, 0.1]))
    factor, deviation = float(stats.t.isf(share / 2, 2)), _deviation(runs)
    worlds = {0.02: "two", 0.04: "four", 0.1: "ten"}[share]
    right = factor * deviation
    apart = float(np.mean(runs[1]) - np.mean(runs[0]))
    changes = [
        ("lie 1.9 points apart", f"lie {apart:.2f} points apart"),
        ("in only five worlds of a hundred", f"in only {worlds} worlds of a hundred"),
    ]
    hints = [
        (2 * deviation, "Estimate the deviation in each world from that world's own four runs."),
        (float(stats.norm.isf(share / 2)) * deviation, "That takes the deviation as known: estimate it in each world."),
        (factor, "That is in deviations: multiply by that of exercise 16.1."),
        (float(stats.t.isf(share, 2)) * deviation, "The difference can go either way: take its absolute value."),
        (apart, "That is the difference itself: the limit is asked for."),
    ]
    tolerance = right * 0.04  # what 100,000 worlds leave open
    return changes, right, [hint for hint in hints if abs(hint[0] - right) > 2 * tolerance], tolerance


@function("16.3")
def _(rng):
    cases = [
        (rng.normal(65, 3, (recipes, 1)) + rng.normal(size=(recipes, seeds)),) for recipes, seeds in ((4, 2), (3, 5))
    ]
    return [*cases, (rng.integers(50, 80, (1, 6)),), (rng.normal(size=(6, 3)),)]
