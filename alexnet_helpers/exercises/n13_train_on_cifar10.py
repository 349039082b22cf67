"""The exercises of notebook 13_train_on_cifar10."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise

exercise(
    "13.1",
    2 * 3 * 93.1e6 * 45_000 * 30 / 1e15,
    hints=[
        (3 * 93.1e6 * 45_000 * 30 / 1e15, "A multiply-add is two operations."),
        (
            2 * 93.1e6 * 45_000 * 30 / 1e15,
            "That is the forward pass alone: a training step is three times as much.",
        ),
        (
            93.1e6 * 45_000 * 30 / 1e15,
            "Those are the multiply-adds of the forward pass: count operations,"
            " of whole steps.",
        ),
        (2 * 3 * 93.1e6 * 45_000 / 1e15, "That is one epoch."),
        (
            2 * 3 * 93.1e6 * 50_000 * 30 / 1e15,
            "An epoch has the 45,000 images that the network is trained on.",
        ),
        (
            2 * 3 * 93.1e6 * 45_000 * 30,
            "Those are operations: a PFLOP is 10^15 of them.",
        ),
        (2 * 3 * 93.1e6 * 30 / 1e15, "That is for one image in each epoch."),
        (
            2 * 3 * 93.1e6 * 45_000 * 30 / 1e12,
            "Those are TFLOP, of 10^12 operations: a PFLOP is 10^15.",
        ),
        (
            3 * 93.1e6 * 50_000 * 30 / 1e15,
            "A multiply-add is two operations, and an epoch has the 45,000 images"
            " that the network is trained on.",
        ),
        (
            2 * 2 * 3 * 93.1e6 * 45_000 * 30 / 1e15,
            "Two for a multiply-add and three for a training step make 6, not 12.",
        ),
        (
            2 * 2 * 93.1e6 * 45_000 * 30 / 1e15,
            "The backward pass costs two forward passes,"
            " on top of the forward pass itself.",
        ),
    ],
    tolerance=0.01,
)


def _most_confused(counts):
    both = np.triu(counts + counts.T, k=1)
    return np.unravel_index(both.argmax(), both.shape)


def _pair_of(table):
    return tuple(
        int(number) for number in np.unravel_index(table.argmax(), table.shape)
    )


# In one direction 0 -> 3 is largest, in both directions together 1 and 2 are.
_COUNTS = np.array([[90, 1, 0, 9], [2, 80, 8, 0], [0, 7, 70, 3], [1, 2, 1, 96]])

# Classes 0 and 2 have most errors, but 0 and 1 are mixed up most.
_TWO_BUSY_CLASSES = np.array(
    [
        [90, 5, 0, 0, 0],
        [5, 90, 0, 0, 0],
        [0, 0, 80, 4, 4],
        [0, 0, 4, 90, 0],
        [0, 0, 4, 0, 90],
    ]
)


# Of twelve classes 4 and 11 are mixed up most, of the first ten 7 and 8; in one
# direction 1 and 2 are, and between 3 and 9 the two directions differ most.
_TWELVE = np.diag(np.arange(80, 92)) + np.random.default_rng(5).integers(0, 5, (12, 12))
_TWELVE[[4, 11, 7, 8, 1, 2, 3, 9], [11, 4, 8, 7, 2, 1, 9, 3]] = [
    *(14, 15),
    *(14, 13),
    *(16, 10),
    *(13, 0),
]


def _with_most_errors(counts):
    errors = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    return tuple(sorted(int(number) for number in np.argsort(errors)[-2:]))


def _of_the_worst_class(counts):
    """Return the class with the most errors, and the one it is mixed up with most."""
    both = counts + counts.T
    np.fill_diagonal(both, 0)
    worst = both.sum(axis=0).argmax()
    return tuple(sorted((int(worst), int(both[worst].argmax()))))


exercise(
    "13.2",
    _most_confused,
    cases=[
        (
            np.array([[900, 50, 1], [50, 900, 12], [8, 1, 5]]),
        ),  # few images of the last class
        (_COUNTS,),
        (_COUNTS[::-1, ::-1].copy(),),
        (np.roll(_COUNTS, 1, (0, 1)),),
        (np.array([[9, 0, 4], [1, 7, 2], [3, 0, 5]]),),
        (np.array([[50, 9, 2], [0, 40, 3], [3, 4, 30]]),),
        (np.random.default_rng(4).permutation(36).reshape(6, 6),),
        (_TWO_BUSY_CLASSES,),
        (_TWELVE,),
    ],
    wrong=[
        (
            lambda counts: _pair_of(counts),
            "The diagonal holds the right answers: leave it out.",
        ),
        (
            lambda counts: _pair_of(counts + counts.T),
            "The diagonal holds the right answers: leave it out.",
        ),
        (
            lambda counts: tuple(
                sorted(_pair_of(counts * (1 - np.eye(len(counts), dtype=int))))
            ),
            "That is the largest count in one direction: add both directions.",
        ),
        (
            lambda counts: _pair_of(np.triu(counts * counts.T, k=1)),
            "Counted in both directions: add the two counts, do not multiply them.",
        ),
        (
            lambda counts: _most_confused(counts / counts.sum(axis=1, keepdims=True)),
            "Compare the counts as they are: do not divide a row by its sum.",
        ),
        (
            lambda counts: _pair_of(np.triu(abs(counts - counts.T), k=1)),
            "Counted in both directions: add the two counts, do not subtract them.",
        ),
        (
            lambda counts: _most_confused(np.asarray(counts)[:10, :10]),
            "You look at ten classes, but there may be more.",
        ),
        (
            lambda counts: divmod(int(np.triu(counts + counts.T, k=1).argmax()), 10),
            "You divide by 10: the number of classes is `len(counts)`.",
        ),
        (
            _with_most_errors,
            "Those are the two classes with the most errors: look for the pair.",
        ),
        (
            _of_the_worst_class,
            "The class with the most errors need not be in the pair: try every pair.",
        ),
        (
            lambda counts: _most_confused(counts)[::-1],
            "The smaller class number comes first.",
        ),
        (
            lambda counts: np.triu(counts + counts.T, k=1).max(),
            "2 results are asked for",
        ),
        (
            lambda counts: (np.fill_diagonal(counts, 0), _most_confused(counts))[1],
            "Your function changes the argument that is passed: work on a copy of it.",
        ),
    ],
)


def _gain_of(first, second, ddof=1):
    error = (
        np.var(first, ddof=ddof) / len(first) + np.var(second, ddof=ddof) / len(second)
    ) ** 0.5
    return float(np.mean(second) - np.mean(first)), float(error)


def _pooled_error(first, second):
    ones, others = len(first), len(second)
    pooled = (
        (ones - 1) * np.var(first, ddof=1) + (others - 1) * np.var(second, ddof=1)
    ) / (ones + others - 2)
    return float((pooled * (1 / ones + 1 / others)) ** 0.5)


def _error_from_images(first, second, whole):
    shares = [abs(np.mean(runs) * (whole - np.mean(runs))) for runs in (first, second)]
    return float((shares[0] / len(first) + shares[1] / len(second)) ** 0.5)


def _paired_error(first, second):
    pairs = min(len(first), len(second))
    return float(np.std(second[:pairs] - first[:pairs], ddof=1) / pairs**0.5)


_SEEDS = [
    (np.array([0.76, 0.758, 0.763]), np.array([0.858, 0.861])),
    (np.array([90.1, 90.9, 90.4, 90.2]), np.array([88.0, 89.5, 89.1])),
    (np.array([1.0, 2.0]), np.array([4.0, 4.0, 7.0, 1.0, 9.0])),
]

exercise(
    "13.3",
    _gain_of,
    cases=_SEEDS,
    wrong=[
        (
            lambda a, b: tuple(100 * result for result in _gain_of(a, b)),
            "Return both in the unit of the accuracies that are given:"
            " do not multiply by 100.",
        ),
        (
            lambda a, b: (100 * _gain_of(a, b)[0], _gain_of(a, b)[1]),
            "Return both in the unit of the accuracies that are given:"
            " do not multiply the gain by 100.",
        ),
        (
            lambda a, b: (_gain_of(a, b)[0], 2 * _gain_of(a, b)[1]),
            "Return one standard error, not two.",
        ),
        (
            lambda a, b: (_gain_of(a, b)[0], 1.96 * _gain_of(a, b)[1]),
            "Return one standard error, not an interval.",
        ),
        (
            lambda a, b: (_gain_of(a, b)[0], 2.8 * _gain_of(a, b)[1]),
            "Return one standard error, not an interval: leave out the 2.8.",
        ),
        (
            lambda a, b: (_gain_of(a, b)[0], _error_from_images(a, b, 1)),
            "That is the formula for images: the spread of the runs is asked for.",
        ),
        (
            lambda a, b: (_gain_of(a, b)[0], _error_from_images(a, b, 100)),
            "That is the formula for images: the spread of the runs is asked for.",
        ),
        (
            lambda a, b: (_gain_of(a, b)[0], _paired_error(a, b)),
            "You pair the runs, but there may be more of one recipe than of the other:"
            " divide each variance by its own number of runs, and add.",
        ),
        (
            lambda a, b: _gain_of(a, b)[::-1],
            "The gain comes first, then its standard error.",
        ),
        (
            lambda a, b: (_gain_of(b, a)[0], _gain_of(a, b)[1]),
            "The gain goes from the first to the second:"
            " it is positive if the second is better.",
        ),
        (
            lambda a, b: _gain_of(a, b, ddof=0),
            "NumPy divides by n unless it is told otherwise: the sample standard"
            " deviation divides by n - 1.",
        ),
        (
            lambda a, b: (
                _gain_of(a, b)[0],
                float(np.sqrt(np.var(a, ddof=1) + np.var(b, ddof=1))),
            ),
            "That is the spread of single runs:"
            " divide each variance by its number of runs.",
        ),
        (
            lambda a, b: (
                _gain_of(a, b)[0],
                float(
                    np.std(a, ddof=1) / len(a) ** 0.5
                    + np.std(b, ddof=1) / len(b) ** 0.5
                ),
            ),
            "Errors that are independent add up as squares:"
            " take the root of the sum of the variances.",
        ),
        (
            lambda a, b: (
                _gain_of(a, b)[0],
                float(np.sqrt((np.var(a, ddof=1) + np.var(b, ddof=1)) / len(a))),
            ),
            "The two may have different numbers of runs:"
            " divide each variance by its own.",
        ),
        (
            lambda a, b: (
                _gain_of(a, b)[0],
                float((np.std(a, ddof=1) / len(a) + np.std(b, ddof=1) / len(b)) ** 0.5),
            ),
            "Divide the variances by the numbers of runs, not the standard deviations:"
            " a variance is the standard deviation squared.",
        ),
        (
            lambda a, b: (
                _gain_of(a, b)[0],
                float((np.std(a) / len(a) + np.std(b) / len(b)) ** 0.5),
            ),
            "Divide the variances by the numbers of runs, not the standard deviations:"
            " a variance is the standard deviation squared.",
        ),
        (
            lambda a, b: (
                _gain_of(a, b)[0],
                float(
                    ((np.var(a, ddof=1) + np.var(b, ddof=1)) / (len(a) + len(b))) ** 0.5
                ),
            ),
            "Divide each variance by its own number of runs, not their sum by all.",
        ),
        (
            lambda a, b: (_gain_of(a, b)[0], _pooled_error(a, b)),
            "Do not pool the two variances: divide each by its own number of runs,"
            " and add.",
        ),
        (
            lambda a, b: (_gain_of(a, b)[0], _gain_of(a, b)[1] ** 2),
            "That is the variance of the gain: take its root.",
        ),
        (lambda a, b: _gain_of(a, b)[0], "2 results are asked for"),
    ],
)
