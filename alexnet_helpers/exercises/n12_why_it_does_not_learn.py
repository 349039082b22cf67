"""The exercises of notebook 12_why_it_does_not_learn."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise

exercise(
    "12.1",
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
            "The average of the gradient is corrected as well:"
            " it is divided by 1 - 0.9.",
        ),
        (0.3, "Adam divides by the gradient's size: the learning rate alone is left."),
        (
            0.0005 / 0.3,
            "Adam divides the gradient by its own size:"
            " the learning rate alone is left.",
        ),
    ],
    tolerance=2e-5,  # as large as the share of the tiny number that Adam adds
)


def _dead_share(outputs):
    return float(np.mean((outputs <= 0).all(axis=tuple(range(outputs.ndim - 1)))))


def _maps():
    """Return maps of 14 units, of which each usual slip counts another number as dead.

    Two are dead, one is 0 but for one output of a millionth, two never change, one is
    never 0, three are 0 at the first position, four are 0 for the first image.
    """
    shape = (4, 2, 3, 14)
    maps = np.random.default_rng(12).random(shape)
    maps *= np.random.default_rng(3).random(shape) < 0.6
    maps[..., [1, 4, 6]] = 0.0
    maps[2, 1, 0, 6] = 1e-6
    maps[..., [2, 9]] = 1.0
    maps[..., 10] += 0.5
    maps[:, 0, 0, [3, 7, 12]] = 0.0
    maps[0, ..., [0, 5, 8, 11]] = 0.0
    return maps


_UNITS = np.array(
    [[0.0, 2.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.5, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0, 0.0]]
)

exercise(
    "12.2",
    _dead_share,
    cases=[
        (_maps(),),
        (_UNITS,),
        (np.ones((2, 3)),),
        (np.zeros((3, 2, 2, 5), "float32"),),
    ],
    wrong=[
        (
            lambda outputs: np.mean(outputs <= 0),
            "That is the share of all outputs that are 0."
            " A unit is dead if all of its outputs are.",
        ),
        (
            lambda outputs: np.mean(
                (outputs <= 0).any(axis=tuple(range(outputs.ndim - 1)))
            ),
            "That counts units that are 0 at least once. A dead unit is 0 for every"
            " image, at every position.",
        ),
        (
            lambda outputs: np.mean((outputs <= 0).all(axis=0)),
            "In a convolutional layer a channel is one unit: it is dead if it is 0 at"
            " every position as well.",
        ),
        (
            lambda outputs: np.mean(
                (outputs <= 0).all(axis=tuple(range(1, outputs.ndim)))
            ),
            "That is the share of images for which all units are 0."
            " The units lie on the last axis.",
        ),
        (
            lambda outputs: np.sum(
                (outputs <= 0).all(axis=tuple(range(outputs.ndim - 1)))
            ),
            "That is the number of dead units: the share is asked for.",
        ),
        (
            lambda outputs: 1 - _dead_share(outputs),
            "That is the share of units that are alive.",
        ),
        (
            lambda outputs: np.mean(
                outputs.std(axis=tuple(range(outputs.ndim - 1))) == 0
            ),
            "That counts units whose output never changes."
            " A unit that always gives 1 is not dead.",
        ),
        (
            lambda outputs: np.mean(outputs.std(axis=0) == 0),
            "That counts places whose output never changes. A unit that always gives 1"
            " is not dead, and in a convolutional layer a channel is one unit.",
        ),
        (
            lambda outputs: _dead_share(outputs[:1]),
            "That looks at the first image only: a dead unit is 0 for every image.",
        ),
        (
            lambda outputs: _dead_share(
                outputs[(slice(None), *(outputs.ndim - 2) * (0,))]
            ),
            "That looks at the first position only: a dead unit is 0 at every one.",
        ),
        (
            lambda outputs: np.mean(
                outputs.mean(axis=tuple(range(outputs.ndim - 1))) < 1e-3
            ),
            "A unit with one small output is not dead: every output has to be 0.",
        ),
        (
            lambda outputs: 100 * _dead_share(outputs),
            "A share goes from 0 to 1: that is in per cent.",
        ),
    ],
)


def _learning_rate(step, largest, warmup, total):
    if step < warmup:
        return largest * step / warmup
    return largest * float(np.cos(np.pi / 2 * (step - warmup) / (total - warmup))) ** 2


def _after_warm_up(rate):
    """Return a schedule that is right during the warm-up, and then `rate(...)`."""
    return lambda step, *rest: (
        _learning_rate(step, *rest) if step < rest[1] else float(rate(step, *rest))
    )


exercise(
    "12.3",
    _learning_rate,
    # In the first two cases each usual slip gives another rate.
    cases=[
        *((step, 0.002, 100, 1000) for step in (25, 325, 0, 50, 100, 550, 775, 1000)),
        *((step, 1.5, 8, 20) for step in (0, 3, 8, 11, 14, 20)),
    ],
    wrong=[
        (
            _after_warm_up(
                lambda step, largest, warmup, total: (
                    largest * (1 + np.cos(np.pi * step / total)) / 2
                )
            ),
            "The cosine begins at step `warmup`, not at step 0.",
        ),
        (
            lambda step, largest, warmup, total: (
                largest * (1 + np.cos(np.pi * step / total)) / 2
            ),
            "The warm-up is missing:"
            " until step `warmup` the rate climbs in a straight line.",
        ),
        (
            lambda step, *rest: _learning_rate(step + 1, *rest),
            "Steps are counted from 0: at step 0 the rate is 0,"
            " at step `warmup` it is `largest`.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: (
                    largest * (total - step) / (total - warmup)
                )
            ),
            "That falls in a straight line: half a cosine is asked for.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: (
                    largest * np.cos(np.pi * (step - warmup) / (total - warmup))
                )
            ),
            "A cosine falls to -1: add 1 and halve.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: (
                    largest * np.cos(np.pi / 2 * (step - warmup) / (total - warmup))
                )
            ),
            "That is a quarter of a cosine: half of one goes from 1 to -1.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: (
                    largest
                    * (1 + np.cos(2 * np.pi * (step - warmup) / (total - warmup)))
                    / 2
                )
            ),
            "That is a whole cosine, which climbs again:"
            " half of one goes from 1 to -1.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: (
                    largest * np.cos(np.pi * (step - warmup) / (total - warmup)) / 2
                )
            ),
            "Half of a cosine runs from 1/2 to -1/2: add 1 before you halve.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: (
                    largest * (1 + np.cos(np.pi * (step - warmup) / total)) / 2
                )
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
