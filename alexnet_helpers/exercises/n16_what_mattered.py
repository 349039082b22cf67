"""The exercises of notebook 16_what_mattered."""

import numpy as np
from scipy import stats

from alexnet_helpers.exercises.engine import exercise

_FOUR_RUNS = np.array([[64.0, 65.0], [66.2, 66.6]])

# Student's t with two degrees of freedom, one for each pair.
_FACTOR = stats.t.isf(0.025, 2)
_DEVIATION = np.sqrt(0.29)
# Two wrong factors, from two million worlds.
_SINGLE_RUNS = 4.60  # single runs compared, not means
_MEAN_OF_ROOTS = 4.84  # the mean of the two deviations, not the root of the variance

exercise(
    "16.1",
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
        (_FACTOR, "That is in deviations: multiply by that of the four runs."),
        (
            stats.t.isf(0.05, 2) * _DEVIATION,
            "The difference can go either way: take its absolute value.",
        ),
        (
            _FACTOR * 0.29,
            "Either you multiplied by the variance instead of its root, or the factor"
            " is that of five runs each: draw two.",
        ),
        (
            _FACTOR * _DEVIATION / np.sqrt(2),
            "Divide the sum of squares of each pair by 2 - 1, not by 2.",
        ),
        (
            _FACTOR * _DEVIATION * np.sqrt(2),
            "In the worlds, divide the sum of squares of each pair by 2 - 1, not by 2"
            " (ddof=1); and average the two variances, do not add them.",
        ),
        (
            _SINGLE_RUNS * _DEVIATION,
            "That compares single runs of the two recipes: take the difference of their"
            " means.",
        ),
        (
            _MEAN_OF_ROOTS * _DEVIATION,
            "In the worlds, average the variances of the two pairs and take the root at"
            " the end.",
        ),
        (
            _FACTOR / np.sqrt((2 + _FACTOR**2) / 3) * _DEVIATION,
            "That takes the spread of all four runs of a world. The means of the two"
            " recipes differ as well, by luck: stay within each pair.",
        ),
        (_DEVIATION, "That is the deviation: multiply it by the factor."),
        (
            np.sqrt(0.5) * _FACTOR,
            "You multiplied by the deviation of the first pair alone: average the"
            " variances of both pairs.",
        ),
        (
            (np.sqrt(0.5) + np.sqrt(0.08)) / 2 * _FACTOR,
            "For the deviation average the variances of both pairs, and take the root"
            " at the end.",
        ),
        (
            _FOUR_RUNS.std(ddof=1) * _FACTOR,
            "You multiplied by the spread of all four runs: the recipes differ as well."
            " Stay within each pair.",
        ),
        (
            _FOUR_RUNS.mean(axis=1).std(ddof=1) * _FACTOR,
            "You multiplied by the spread between the recipes: take that between"
            " seeds.",
        ),
        (
            1.96,
            "Divide the difference of each world by that world's own deviation.",
        ),
        (
            4.4 * _DEVIATION,
            "That is the lesson's factor, for five runs each and 23 comparisons.",
        ),
        (
            stats.t.isf(0.025, 4) * _DEVIATION,
            "That factor is for more runs: two distances are free here, one in each"
            " pair.",
        ),
        (
            stats.t.isf(0.025, 3) * _DEVIATION,
            "That factor is for more runs: two distances are free here, one in each"
            " pair.",
        ),
        (
            1.9,
            "That is the difference itself, or the limit of the lesson, which has other"
            " runs: the limit for two pairs is asked for.",
        ),
    ],
    tolerance=0.012,
    remark=(
        "The 1.9 points stay below it: two pairs are not enough to tell them from luck."
    ),
)


def _interval(change, base, level):
    test = stats.ttest_ind(change, base, equal_var=False)
    return test.confidence_interval(level)


def _sign(low, high):
    return int(low > 0) - int(high < 0)


def _verdict(change, base, comparisons):
    return _sign(*_interval(change, base, 1 - 0.05 / comparisons))


def _free(change, base):
    """Return Welch's degrees of freedom."""
    one, other = (np.var(runs, ddof=1) / len(runs) for runs in (change, base))
    return (one + other) ** 2 / (
        one**2 / (len(change) - 1) + other**2 / (len(base) - 1)
    )


def _free_of_five(change, base):
    """Return Welch's degrees of freedom as the lesson writes them, for five runs."""
    one, other = (np.var(runs, ddof=1) for runs in (change, base))
    return (one + other) ** 2 / (one**2 / 4 + other**2 / 4)


def _slip(ddof=1, divisors=None, free=_free):
    """Return the rule with another standard error, or other degrees of freedom."""

    def judge(change, base, comparisons):
        counts = divisors or (len(change), len(base))
        parts = [np.var(r, ddof=ddof) / n for r, n in zip((change, base), counts)]
        t = stats.t.isf(0.025 / comparisons, free(change, base))
        difference = np.mean(change) - np.mean(base)
        return _sign(
            difference - t * sum(parts) ** 0.5, difference + t * sum(parts) ** 0.5
        )

    return judge


def _fixed_t(change, base, comparisons, t=4.4):
    """Return the rule with the t that the lesson prints for 23 comparisons."""
    parts = [np.var(runs, ddof=1) / len(runs) for runs in (change, base)]
    return _sign_alone(change, base, comparisons, limit=t * sum(parts) ** 0.5)


def _sign_alone(change, base, comparisons, limit=0):
    difference = np.mean(change) - np.mean(base)
    return int(difference > limit) - int(difference < -limit)


# Each case is the first that one slip gets wrong, in this order; the slips stand below
# in the opposite order.
_VERDICTS = [
    ([63.0, 64.0, 63.2, 63.5, 64.0], [60.0, 60.3, 59.1, 59.1, 59.2], 1),
    ([52.1, 51.4, 53.4, 53.8, 52.6, 52.0], [58.1, 58.7, 59.9, 59.6, 59.1, 59.7], 2),
    ([57.9, 58.3, 58.1, 58.7], [58.5, 58.7, 57.7, 57.4], 1),
    ([59.5, 62.1, 59.5, 59.5, 58.8, 66.7], [57.8, 58.3, 56.9, 60.7, 58.8, 58.8], 1),
    ([59.2, 59.1, 60.1, 56.3, 59.3, 58.0], [59.1, 58.2, 58.5, 58.2, 58.7, 59.9], 10),
    ([58.0, 57.9, 57.8, 58.0], [58.8, 58.6, 57.0, 57.3], 40),
    ([60.0, 59.3, 60.8, 59.8, 59.9], [59.9, 58.9, 58.3, 59.4, 58.6], 10),
    ([64.4, 64.8], [57.1, 57.8], 1),
    ([57.2, 58.6, 58.9, 58.6], [59.2, 58.5, 59.5, 60.5], 1),
    ([58.2, 60.1, 54.3], [58.9, 58.2, 59.4, 58.4, 58.8, 59.0], 1),
    ([58.4, 58.6, 58.7, 58.1, 58.3], [60.1, 58.9], 1),
    ([59.8, 60.5, 59.6, 60.7, 60.5], [60.0, 58.4, 59.5, 56.9, 60.0], 1),
    ([59.8, 59.7, 59.6, 59.6, 59.8], [59.4, 57.7, 58.3], 1),
    ([63.7, 63.9], [58.3, 58.5], 4),
    ([62.9, 62.6, 64.9, 63.9, 63.9, 60.3], [58.7, 59.3, 58.8, 59.8, 58.2, 59.1], 10),
    ([57.1, 56.3, 57.2, 58.3], [58.0, 58.6, 59.8, 57.8], 1),
    ([58.9, 60.5, 60.0, 60.5], [59.6, 59.2, 57.9, 58.5], 1),
    # No limit that is the same for every number of comparisons gives both.
    ([61.2, 60.6, 60.9, 61.6, 61.0], [59.3, 58.4, 59.6, 60.8, 58.6], 1),
    ([61.2, 60.6, 60.9, 61.6, 61.0], [59.3, 58.4, 59.6, 60.8, 58.6], 23),
    ([61.0, 61.6, 62.7, 61.1, 62.4], [58.4, 59.9, 59.4, 57.3, 58.9], 23),
    ([61.0, 62.0], [58.0, 59.0], 1),
]

exercise(
    "16.2",
    _verdict,
    cases=[
        (np.array(change), np.array(base), comparisons)
        for change, base, comparisons in _VERDICTS
    ],
    wrong=[
        (
            _slip(free=_free_of_five),
            "The 4 in the lesson's degrees of freedom is that of five runs: use the"
            " number of runs of each, less 1.",
        ),
        (
            _slip(free=lambda change, base: 4),
            "Your t has four degrees of freedom, whatever the runs: use Welch's.",
        ),
        (
            _fixed_t,
            "Your t does not depend on the number of comparisons.",
        ),
        (
            _slip(divisors=(5, 5)),
            "You divided by 5: divide each variance by its own number of runs.",
        ),
        (
            _slip(ddof=0),
            "For the standard deviations divide by the number of runs minus 1"
            " (ddof=1).",
        ),
        (
            _slip(divisors=(1, 1)),
            "You used the scatter of single runs: divide each variance by its number of"
            " runs, for the standard error of the difference.",
        ),
        (
            _slip(free=lambda change, base: min(len(change), len(base)) - 1),
            "Your t has the degrees of freedom of the smaller group alone: Welch's"
            " method finds a number in between.",
        ),
        (
            _slip(free=lambda change, base: len(change) + len(base) - 2),
            "Your t has all degrees of freedom, which is right only if both scatter"
            " alike: use Welch's.",
        ),
        (
            _slip(free=lambda change, base: 1e9),
            "Your limit is that of a known standard deviation: use Student's t.",
        ),
        (
            lambda change, base, comparisons: _sign(
                *stats.ttest_ind(change, base).confidence_interval(
                    1 - 0.05 / comparisons
                )
            ),
            "That takes for granted that both scatter alike (equal_var=False is"
            " missing).",
        ),
        (
            lambda change, base, comparisons: _sign(
                *stats.ttest_rel(change, base).confidence_interval(
                    1 - 0.05 / comparisons
                )
            ),
            "That is the paired interval: the rule uses the own one.",
        ),
        (
            lambda change, base, comparisons: _sign(
                *_interval(change, base, 1 - 0.1 / comparisons)
            ),
            "0 may be missed on either side: the two sides share the 5/comparisons of"
            " a hundred worlds.",
        ),
        (
            lambda change, base, comparisons: _sign(
                *_interval(change, base, 1 - 0.05 / 23)
            ),
            "You took the lesson's 23 comparisons: use the argument.",
        ),
        (
            lambda change, base, comparisons: _sign(*_interval(change, base, 0.95)),
            "You allow each comparison 5 of a hundred worlds: all of them together may"
            " have 5.",
        ),
        (
            lambda change, base, comparisons: _sign(
                *_interval(change, base, 1 - 0.05 * comparisons)
            ),
            "More comparisons need a wider interval: divide the 0.05 by their number.",
        ),
        (
            lambda change, base, comparisons: _sign(
                *_interval(change, base, 0.95 / comparisons)
            ),
            "More comparisons need a wider interval: divide the 0.05 by their number,"
            " not the 0.95.",
        ),
        (
            lambda *runs: _sign_alone(*runs, limit=1.86),
            "That is the lesson's common limit: use the own interval of this change.",
        ),
        (_sign_alone, "That looks at the difference alone: use its interval."),
        (
            lambda *runs: max(_verdict(*runs), 0),
            "A change can be worse, too: return -1 then.",
        ),
        (
            lambda *runs: abs(_verdict(*runs)),
            "A change can be worse, too: return -1 then.",
        ),
        (
            lambda *runs: -_verdict(*runs),
            "The difference goes from the base to the change: it is positive if the"
            " change is better.",
        ),
    ],
)

_NO_BETTER = (
    "By the rule it does not train better than the base: look at train_accuracy."
)

exercise(
    "16.3",
    "Nesterov momentum",
    hints=[
        ("Nesterov", "Give the whole name, as in the table."),
        (
            "batch normalization instead",
            "It trains better, but it changes the network as well: batch normalization"
            " may act on the gap by itself.",
        ),
        (
            "reflected border",
            "It trains better, but on other images: what is mirrored at the border may"
            " act on the gap by itself.",
        ),
        (
            "without fc6 or fc7",
            "It trains better, but a dropout goes with the layer: that is a part of"
            " what you want to explain.",
        ),
        (
            "no augmentation",
            "It trains better, but without the shifts and mirror images, which act"
            " against overfitting themselves.",
        ),
        (
            "no dropout",
            "That is the change to be explained: look for one that keeps both"
            " dropouts.",
        ),
        ("base", "Look for a change: it is compared with the base."),
        *(
            (name, _NO_BETTER)
            for name in (
                "tanh instead of ReLU",
                "Glorot initial weights",
                "label smoothing of 0.1",
                "averaged weights",
                "without conv5",
                "without conv3 or conv4",
                "the same stem, whitened and fixed",
                "constant learning rate",
                "rate falling in a line",
                "no local response normalization",
                "divided by 1.68 instead",
                "pools do not overlap",
                "alternating flip",
                "erased squares",
                "stem 11x11, stride 4",
                "biases of 1",
                "weights from N(0, 0.01²)",
                "without conv2",
                "two towers",
                "stem 3x3 of 54 filters",
            )
        ),
    ],
    remark=(
        "Its gap is 0.3 points wider than the base's (-0.6 to +1.2): which rise would"
        " the rival explanation predict?"
    ),
)
