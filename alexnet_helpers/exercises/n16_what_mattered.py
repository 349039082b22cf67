"""The exercises of notebook 16_what_mattered."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise

_FOUR_RUNS = np.array([[64.0, 65.0], [66.2, 66.6]])

exercise(
    "16.1",
    np.sqrt(0.29),
    hints=[
        (0.29, "That is the variance: take its root."),
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

exercise(
    "16.2",
    True,
    hints=[
        (
            False,
            "By the rule it does: the means lie 1.9 points apart, and twice the"
            " deviation is 1.1. If you distrust the rule, since two pairs hardly tell a"
            " deviation, you have a point; the question is what the rule says.",
        )
    ],
    remark=(
        "That is what the rule says. With only two pairs it is weak evidence: "
        "chance alone passes it in 18 of 100 cases."
    ),
)

exercise(
    "16.3",
    18_432,
    hints=[
        (36_864, "That is with one group: each filter sees all 64 channels."),
        (9_216, "Each group has 32 channels in and 32 filters; there are two groups."),
        (18_496, "Without the biases."),
        (2_048, "Each weight of a 1×1 filter becomes 3×3 of them."),
        (288, "That is one filter; there are 64."),
        (576, "That is one filter without groups."),
        (73_728, "Groups divide the weights, they do not multiply them."),
    ],
)


def _between_seeds(results):
    squares = [((row - row.mean()) ** 2).sum() / (len(row) - 1) for row in results]
    return float(np.sqrt(np.mean(squares)))


exercise(
    "16.4",
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
            lambda results: results.std(),
            "That is the spread of all results: the recipes differ as well. Take the"
            " variance within each row.",
        ),
        (
            lambda results: results.var(axis=1, ddof=1).mean(),
            "That is the variance: take its root.",
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
