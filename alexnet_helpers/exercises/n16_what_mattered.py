"""The exercises of notebook 16_what_mattered."""

import numpy as np
from scipy import stats

from alexnet_helpers.exercises.engine import exercise

_FOUR_RUNS = np.array([[64.0, 65.0], [66.2, 66.6]])

exercise(
    "16.1",
    np.sqrt(0.29),
    hints=[
        (0.29, "That is the variance: take its root."),
        (
            np.sqrt(0.5),
            "That is the deviation of the first pair alone: average the variances of"
            " both pairs.",
        ),
        (
            0.5,
            "That is the variance of the first pair alone: average it with that of the"
            " second, and take the root.",
        ),
        (
            np.sqrt(0.145),
            "Two runs: divide the sum of the squared distances from the mean by 2 - 1,"
            " not by 2.",
        ),
        (
            (np.sqrt(0.5) + np.sqrt(0.08)) / 2,
            "Average the variances, and take the root at the end.",
        ),
        (
            _FOUR_RUNS.std(ddof=1),
            "That is the spread of all four runs: the recipes differ as well. Stay"
            " within each pair.",
        ),
        (
            _FOUR_RUNS.std(),
            "That is the spread of all four runs: the recipes differ as well. Stay"
            " within each pair.",
        ),
        (np.sqrt(0.58), "The mean of the two variances is asked for, not their sum."),
        (
            0.7,
            "That is the mean difference within the pairs: take variances,"
            " their mean, and the root.",
        ),
        (
            _FOUR_RUNS.mean(axis=1).std(ddof=1),
            "That is the spread between the recipes: it is asked for between seeds.",
        ),
    ],
    tolerance=5e-3,
)

# Student's t with two degrees of freedom, one for each pair.
_FACTOR = stats.t.isf(0.025, 2)
_DEVIATION = np.sqrt(0.29)
# Two wrong factors, from two million worlds.
_SINGLE_RUNS = 4.60  # single runs compared, not means
_MEAN_OF_ROOTS = 4.84  # the mean of the two deviations, not the root of the variance

exercise(
    "16.2",
    _FACTOR * _DEVIATION,
    hints=[
        (
            2 * _DEVIATION,
            "With a known deviation the factor would be about 2. Estimate the deviation"
            " in each world from that world's own four runs.",
        ),
        (
            stats.norm.isf(0.025) * _DEVIATION,
            "That takes the deviation as known. Estimate it in each world from that"
            " world's own four runs.",
        ),
        (_FACTOR, "That is in deviations: multiply by that of exercise 16.1."),
        (
            stats.t.isf(0.05, 2) * _DEVIATION,
            "The difference can go either way: take its absolute value.",
        ),
        (
            _FACTOR * 0.29,
            "You multiplied by the variance: take its root.",
        ),
        (
            _FACTOR * _DEVIATION / np.sqrt(2),
            "Divide the sum of squares of each pair by 2 - 1, not by 2.",
        ),
        (
            _FACTOR * _DEVIATION * np.sqrt(2),
            "In the worlds, divide the sum of squares of each pair by 2 - 1, not by 2"
            " (ddof=1).",
        ),
        (
            _SINGLE_RUNS * _DEVIATION,
            "That compares single runs of the two recipes: take the difference of their"
            " means.",
        ),
        (
            _MEAN_OF_ROOTS * _DEVIATION,
            "In the worlds, average the variances of the two pairs and take the root at"
            " the end, as in exercise 16.1.",
        ),
        (
            _FACTOR / np.sqrt((2 + _FACTOR**2) / 3) * _DEVIATION,
            "That takes the spread of all four runs of a world. The means of the two"
            " recipes differ as well, by luck: stay within each pair.",
        ),
        (
            1.9,
            "That is the difference itself, or the limit of the lesson, which has other"
            " runs: the limit for two pairs is asked for.",
        ),
    ],
    tolerance=0.03,
    remark=(
        "The 1.9 points stay below it: two pairs are not enough to tell them from luck."
    ),
)


def _between_seeds(results):
    squares = [((row - row.mean()) ** 2).sum() / (len(row) - 1) for row in results]
    return float(np.sqrt(np.mean(squares)))


exercise(
    "16.3",
    _between_seeds,
    cases=[
        (_FOUR_RUNS,),
        (np.random.default_rng(0).normal(size=(5, 2)),),
        (np.random.default_rng(1).normal(size=(4, 3)),),
        (np.array([[60, 62, 61, 67, 65]]),),
    ],
    wrong=[
        (
            lambda results: np.sqrt(results.var(axis=1).mean()),
            "Divide by the number of seeds minus 1 (ddof=1).",
        ),
        (
            lambda results: np.sqrt(
                (results.var(axis=1) * results.shape[1] / 4).mean()
            ),
            "You divided by 4 whatever the number of seeds: divide by the number of"
            " seeds minus 1.",
        ),
        (
            lambda results: results.std(axis=1, ddof=1).mean(),
            "Average the variances and take the root at the end;"
            " yours is the mean of the roots.",
        ),
        (
            lambda results: results.std(ddof=1),
            "That is the spread of all results: the recipes differ as well. Take the"
            " variance within each row.",
        ),
        (
            lambda results: np.sqrt(
                (results.var(axis=1) * results.shape[1]).sum() / (results.size - 1)
            ),
            "You divided by the number of runs less 1. Each recipe has a mean of its"
            " own: take one off for each recipe.",
        ),
        (
            lambda results: results.std(),
            "That is the spread of all results: the recipes differ as well. Take the"
            " variance within each row.",
        ),
        (
            lambda results: results.var(axis=1, ddof=1).mean(),
            "That is the variance: take its root.",
        ),
        (
            lambda results: results.std(axis=1).mean(),
            "Two slips: divide by the number of seeds minus 1 (ddof=1), and average the"
            " variances, with the root at the end.",
        ),
        (
            lambda results: np.ptp(results, axis=1).mean(),
            "That is the mean range of the rows: take their variances, the mean of"
            " these, and the root.",
        ),
        (
            lambda results: results.mean(axis=1).std(ddof=1),
            "That is the spread of the recipes' means: take the variance within each"
            " row.",
        ),
        (
            lambda results: np.sqrt(results.var(axis=0, ddof=1).mean()),
            "That is the variance down the columns: take it within each row.",
        ),
        (
            lambda results: results.std(axis=1, ddof=1),
            "Yours are the deviations of the rows: one number is asked for.",
        ),
        (
            lambda results: np.sqrt(((results[:, 0] - results[:, 1]) ** 2 / 2).mean()),
            "That looks at the first two seeds only: there can be more.",
        ),
    ],
)
