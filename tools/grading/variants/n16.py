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
    """Other runs, and in another share of the worlds."""
    runs = _runs(rng)
    share = float(rng.choice([0.02, 0.04, 0.1]))
    factor, deviation = float(stats.t.isf(share / 2, 2)), _deviation(runs)
    worlds = {0.02: "two", 0.04: "four", 0.1: "ten"}[share]
    right = factor * deviation
    apart = float(np.mean(runs[1]) - np.mean(runs[0]))
    changes = [
        (_PUBLISHED, _given(runs)),
        ("lie 1.9 points apart", f"lie {apart:.2f} points apart"),
        ("in only five worlds of a hundred", f"in only {worlds} worlds of a hundred"),
    ]
    hints = [
        (2 * deviation, "Estimate the deviation in each world from that world's own four runs."),
        (float(stats.norm.isf(share / 2)) * deviation, "That takes the deviation as known: estimate it in each world."),
        (factor, "That is in deviations: multiply by that of the four runs."),
        (float(stats.t.isf(share, 2)) * deviation, "The difference can go either way: take its absolute value."),
        (deviation, "That is the deviation: multiply it by the factor."),
        (apart, "That is the difference itself: the limit is asked for."),
    ]
    tolerance = right * 0.015  # what a million worlds leave open
    return changes, right, [hint for hint in hints if abs(hint[0] - right) > 2 * tolerance], tolerance


@function("16.2")
def _(rng):
    cases = []
    for _ in range(8):
        one, other = (int(runs) for runs in rng.integers(2, 8, 2))
        scatter, shift = rng.choice([0.3, 1, 3]), rng.choice([-1, 1]) * rng.uniform(0.5, 6)
        change, base = rng.normal(59 + shift, scatter, one), rng.normal(59, 1, other)
        cases.append((change.round(2), base.round(2), int(rng.choice([1, 2, 5, 12, 23, 40]))))
    return cases


_QUESTION = (
    "A rival explanation for the wider gap without dropout: networks that fit the training images better have a wider "
    "gap, with dropout or without. Which change tests it? By the rule, as one of 23, it must train better than the "
    'base (apply `verdict` to `ends.loc[name, "train_accuracy"]`), and it must leave the network, the dropouts, the '
    "images and their augmentation as they are. Answer with its name."
)
_CONTROLS = {
    "stem 3x3 of 54 filters": '"The same stem, whitened and fixed" has another stem than the base as well. Which '
    "change has that stem without whitening? Answer with its name.",
    "no local response normalization": 'In "batch normalization instead" local response normalization is gone as '
    "well. Which change shows what that does alone? Answer with its name.",
    "reflected border": '"No augmentation" takes the black border away as well. Which change takes the border away, '
    "and keeps shifts and mirror images? Answer with its name.",
    "divided by 1.68 instead": "Local response normalization divides nearly everything by one number. Which "
    "change keeps this division, and nothing else of the layer? Answer with its name.",
}


@value("16.3")
def _(rng):
    """Another change whose control is asked for."""
    right = str(rng.choice(list(_CONTROLS)))
    others = ["base", "two towers", "no dropout", *_CONTROLS]
    hints = [(name, "It does not differ in that alone.") for name in others if name != right]
    return [(_QUESTION, _CONTROLS[right])], right, hints
