"""The exercises of notebook 13_train_on_cifar10."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise


def _rmsprop_step(w, g, v, lr, rho):
    v = rho * v + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(v) + 1e-8), 1.0 * v


def _learning_rate(step, largest, warmup, total):
    if step < warmup:
        return largest * step / warmup
    return largest * float(np.cos(np.pi / 2 * (step - warmup) / (total - warmup))) ** 2


def _after_warm_up(rate):
    """Return a schedule that is right until the warm-up is over, and then `rate(step, largest, warmup, total)`."""
    return lambda step, *rest: _learning_rate(step, *rest) if step < rest[1] else float(rate(step, *rest))


def _most_confused(counts):
    both = np.triu(counts + counts.T, k=1)
    return np.unravel_index(both.argmax(), both.shape)


def _pair_of(table):
    return tuple(int(number) for number in np.unravel_index(table.argmax(), table.shape))


# In one direction 0 -> 3 is largest, in both directions together 1 and 2 are.
_COUNTS = np.array([[90, 1, 0, 9], [2, 80, 8, 0], [0, 7, 70, 3], [1, 2, 1, 96]])
_WEIGHTS, _GRADIENTS = np.array([0.1, -0.2, 0.05]), np.array([0.3, -4.0, 0.02])

exercise(
    "13.1",
    0.0005,
    hints=[
        (-0.0005, "The weight moves against the gradient."),
        (0.00015, "That is a step of SGD."),
        (-0.00015, "That is SGD, and along the gradient."),
        (
            0.0005 / 10**0.5 * 10,
            "That is without the bias correction of both averages.",
        ),
        (
            0.00005,
            "The average of the gradient is corrected as well: it is divided by 1 - 0.9.",
        ),
        (0.3, "Adam divides by the gradient's size: the learning rate alone is left."),
        (
            0.0005 / 0.3,
            "Adam divides the gradient by its own size: the learning rate alone is left.",
        ),
    ],
    tolerance=2e-5,  # as large as the share of the tiny number that Adam adds
)
exercise(
    "13.2",
    391,
    hints=[
        (780, "The second epoch does not begin anew: count the batches that are left."),
        (
            782,
            "steps_per_epoch is rounded down, and the second epoch gets what the first has left.",
        ),
        (781, "The second epoch does not begin anew: count the batches that are left."),
        (390, "That is the first epoch alone: count what is left for the second."),
        (390.625, "The last batch is a smaller one, and counts as a step."),
        (781.25, "The second epoch does not begin anew, and steps are whole."),
        (1, "That is the second epoch alone."),
    ],
)
exercise(
    "13.3",
    _rmsprop_step,
    cases=[
        (_WEIGHTS, _GRADIENTS, np.array([0.0, 1.0, 0.04]), 0.1, 0.9),
        (np.array([[0.5, 1.0]]), np.array([[3, -2]]), np.array([[4, 1]]), 0.2, 0.6),
        (0.3, 2.0, 0.5, 0.01, 0.99),
        (0.5, 0.0, 0.0, 0.1, 0.9),
    ],
    wrong=[
        (
            lambda w, g, v, lr, rho: (
                2 * w - _rmsprop_step(w, g, v, lr, rho)[0],
                _rmsprop_step(w, g, v, lr, rho)[1],
            ),
            "The weight must move against the gradient.",
        ),
        (
            lambda w, g, v, lr, rho: (
                w - lr * g / (np.sqrt(v) + 1e-8),
                rho * v + (1 - rho) * g**2,
            ),
            "Divide by the root of the new v, not of the old one.",
        ),
        (
            lambda w, g, v, lr, rho: _rmsprop_step(w, g, v, lr, 1 - rho),
            "rho belongs to the old v, 1 - rho to the new square.",
        ),
        (
            lambda w, g, v, lr, rho: _rmsprop_step(w, g, v, lr, rho)[::-1],
            "Return the new weight first, then the new v.",
        ),
        (
            lambda w, g, v, lr, rho: _rmsprop_step(w, g, v, lr, rho)[0],
            "2 results are asked for",
        ),
        (
            lambda w, g, v, lr, rho: (
                w - lr * g / (rho * v + (1 - rho) * g**2 + 1e-8),
                rho * v + (1 - rho) * g**2,
            ),
            "Divide by the root of v.",
        ),
        (
            lambda w, g, v, lr, rho: (w - lr * np.sign(g), rho * v + (1 - rho) * g**2),
            "Divide by the root of the average v, not by the size of this gradient.",
        ),
        (
            lambda w, g, v, lr, rho: (
                w - lr * np.divide(g, np.sqrt(rho * v + (1 - rho) * g**2)),
                rho * v + (1 - rho) * g**2,
            ),
            "Where g and v are 0 that divides 0 by 0: add a tiny number.",
        ),
    ],
    tolerance=1e-4,  # the tiny number is not prescribed
)
exercise(
    "13.4",
    _learning_rate,
    # In the first two cases each usual slip gives another rate.
    cases=[
        *((step, 0.002, 100, 1000) for step in (25, 325, 0, 50, 100, 550, 775, 1000)),
        *((step, 1.5, 8, 20) for step in (0, 3, 8, 11, 14, 20)),
    ],
    wrong=[
        (
            _after_warm_up(lambda step, largest, warmup, total: largest * (1 + np.cos(np.pi * step / total)) / 2),
            "The cosine begins at step `warmup`, not at step 0.",
        ),
        (
            lambda step, largest, warmup, total: largest * (1 + np.cos(np.pi * step / total)) / 2,
            "The warm-up is missing: until step `warmup` the rate climbs in a straight line.",
        ),
        (
            lambda step, *rest: _learning_rate(step + 1, *rest),
            "Steps are counted from 0: at step 0 the rate is 0, at step `warmup` it is `largest`.",
        ),
        (
            _after_warm_up(lambda step, largest, warmup, total: largest * (total - step) / (total - warmup)),
            "That falls in a straight line: half a cosine is asked for.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: largest * np.cos(np.pi * (step - warmup) / (total - warmup))
            ),
            "A cosine falls to -1: add 1 and halve.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: largest * np.cos(np.pi / 2 * (step - warmup) / (total - warmup))
            ),
            "That is a quarter of a cosine: half of one goes from 1 to -1.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: largest * (1 + np.cos(np.pi * (step - warmup) / total)) / 2
            ),
            "From `warmup` on there are total - warmup steps.",
        ),
        (
            lambda step, largest, warmup, total: _learning_rate(step, 1, warmup, total),
            "That is the share of the largest rate: multiply by `largest`.",
        ),
        (
            lambda step, largest, warmup, total: _learning_rate(step, 0.002, 100, 1000),
            "Use `largest`, `warmup` and `total` as they are passed.",
        ),
    ],
)
exercise(
    "13.5",
    _most_confused,
    cases=[
        (_COUNTS,),
        (_COUNTS[::-1, ::-1].copy(),),
        (np.roll(_COUNTS, 1, (0, 1)),),
        (np.array([[9, 0, 4], [1, 7, 2], [3, 0, 5]]),),
        (np.array([[50, 9, 2], [0, 40, 3], [3, 4, 30]]),),
        (np.random.default_rng(4).permutation(36).reshape(6, 6),),
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
            lambda counts: tuple(sorted(_pair_of(counts * (1 - np.eye(len(counts), dtype=int))))),
            "That is the largest count in one direction: add both directions.",
        ),
        (
            lambda counts: _pair_of(np.triu(counts * counts.T, k=1)),
            "Counted in both directions: add the two counts, do not multiply them.",
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
