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
        (
            -0.00005,
            "The weight moves against the gradient, and the average of the gradient"
            " is divided by 1 - 0.9.",
        ),
        (
            0.0005 * 0.001**0.5,
            "Once corrected, the averages are the gradient and its square:"
            " no other factor is left.",
        ),
        (
            0.0005 / 0.001**0.5,
            "The average of the squared gradient is corrected as well:"
            " it is divided by 1 - 0.999.",
        ),
        (0.5, "That is a thousand times too much: the learning rate is 0.0005."),
        (0.0015, "The gradient's size cancels: it does not count for the step."),
        (-0.3, "That is the gradient: by how much does the weight change?"),
        (-0.3005, "That is the gradient less the step: the step alone is asked for."),
        (-0.2995, "That is the gradient plus the step: the step alone is asked for."),
        (0.001, "The learning rate of this exercise is 0.0005."),
        (0.3, "Adam divides by the gradient's size: the learning rate alone is left."),
        (
            0.0005 / 0.3,
            "Adam divides the gradient by its own size:"
            " the learning rate alone is left.",
        ),
    ],
    tolerance=2e-5,  # as large as the share of the tiny number that Adam adds
)


def _silent(outputs):
    return (outputs <= 0).all(axis=tuple(range(outputs.ndim - 1)))


def _dead_share(first, second):
    return float(np.mean(_silent(first) & _silent(second)))


def _maps(images, seed):
    """Return two batches of maps of 14 units, in which each usual slip shows.

    Two units are dead, one is 0 but for one output of a millionth, two never change,
    some are silent in one batch only, some are 0 at the first position
    or for the first image of each batch only.
    """
    draw = np.random.default_rng(seed)
    maps = draw.random((images, 2, 3, 14)) * (draw.random((images, 2, 3, 14)) < 0.6)
    maps[..., [1, 4, 6]] = 0.0
    maps[2, 1, 0, 6] = 1e-6
    maps[..., [2, 9]] = 1.0
    maps[..., 10] += 0.5
    maps[:, 0, 0][:, [0, 3, 5, 7, 11, 12]] = 0.0
    for image in (0, 4):
        maps[image][..., [3, 5, 8, 12, 13]] = 0.0
    maps[:4, ..., [0, 5, 11, 13]] = 0.0
    maps[4:, ..., [6, 8, 10]] = 0.0
    return maps[:4], maps[4:]


_UNITS = (
    np.array([[0.0, 2, 0, 1, 0, 1], [0, 2, 0.5, 0, 0, 3], [0, 2, 0, 0, 0, 5]]),
    np.array([[0.0, 2, 0, 0, 1, 4], [0, 2, 0, 0, 3, 2]]),
)


def _in_both(silent):
    """Return the share of the units that `silent` finds in both batches."""
    return lambda first, second: np.mean(silent(first) & silent(second))


def _over(outputs):
    return tuple(range(outputs.ndim - 1))


exercise(
    "12.2",
    _dead_share,
    cases=[
        # As many images in both, so that a slip that compares image by image shows.
        _maps(8, 32),
        _maps(7, 12),
        _UNITS,
        (np.ones((2, 3)), np.ones((4, 3))),
        (np.zeros((3, 2, 2, 5), "float32"), np.zeros((1, 2, 2, 5), "float32")),
    ],
    wrong=[
        (
            lambda first, second: (_silent(first).mean() + _silent(second).mean()) / 2,
            "That gives the mean of the silent shares of both batches here."
            " Count the units that are silent in both.",
        ),
        (
            lambda first, second: _silent(first).mean() * _silent(second).mean(),
            "That multiplies two shares: look at each unit in both batches.",
        ),
        (
            lambda first, second: np.mean(_silent(first) | _silent(second)),
            "That counts units that are silent in one batch or the other: a dead unit"
            " is silent in both.",
        ),
        (
            lambda first, second: _silent(first).mean(),
            "That gives the share of the first batch here: look at each unit in both.",
        ),
        (
            lambda first, second: _silent(second).mean(),
            "That gives the share of the second batch here, the smaller of the two:"
            " look at each unit in both.",
        ),
        (
            lambda first, second: np.mean(
                (first <= 0).any(axis=_over(first))
                & (second <= 0).any(axis=_over(second))
            ),
            "That counts units that are 0 at least once. A dead unit is 0 for every"
            " image, at every position.",
        ),
        (
            lambda first, second: np.mean(
                (first <= 0).all(axis=0) & (second <= 0).all(axis=0)
            ),
            "In a convolutional layer a channel is one unit: it is dead if it is 0 at"
            " every position as well.",
        ),
        (
            lambda first, second: np.mean(np.concatenate([first, second]) <= 0),
            "That is the share of all outputs that are 0."
            " A unit is dead if all of its outputs are.",
        ),
        (
            lambda first, second: np.sum(_silent(first) & _silent(second)),
            "That is the number of dead units: the share is asked for.",
        ),
        (
            lambda first, second: (
                np.sum(_silent(first) & _silent(second)) / max(_silent(first).sum(), 1)
            ),
            "Divide by the number of all units,"
            " not by that of the units silent in the first batch.",
        ),
        (
            lambda first, second: (
                np.sum(_silent(first) & _silent(second))
                / max(np.sum(_silent(first) | _silent(second)), 1)
            ),
            "Divide by the number of all units,"
            " not by that of the units silent in one batch or the other.",
        ),
        (
            lambda first, second: np.mean((first <= 0) & (second <= 0)),
            "That compares the batches image by image. First find the units that are 0"
            " for every image of a batch, then those that are so in both.",
        ),
        (
            lambda first, second: np.sum(_silent(first) & _silent(second)) / len(first),
            "Divide by the number of units, which lie on the last axis:"
            " `len` is the number of images.",
        ),
        (
            lambda first, second: 1 - _dead_share(first, second),
            "That is the share of units that are alive.",
        ),
        (
            _in_both(lambda outputs: outputs.std(axis=_over(outputs)) == 0),
            "That counts units whose output never changes."
            " A unit that always gives 1 is not dead.",
        ),
        (
            _in_both(lambda outputs: _silent(outputs[:1])),
            "That looks at the first image only: a dead unit is 0 for every image.",
        ),
        (
            _in_both(
                lambda outputs: _silent(
                    outputs[(slice(None), *(outputs.ndim - 2) * (0,))]
                )
            ),
            "That looks at the first position only: a dead unit is 0 at every one.",
        ),
        (
            _in_both(lambda outputs: outputs.mean(axis=_over(outputs)) < 1e-3),
            "A unit with one small output is not dead: every output has to be 0.",
        ),
        (
            lambda first, second: 100 * _dead_share(first, second),
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
            lambda step, largest, warmup, total: (
                largest
                if step < warmup
                else _learning_rate(step, largest, warmup, total)
            ),
            "That is `largest` from step 0 on:"
            " until step `warmup` the rate climbs from 0 in a straight line.",
        ),
        (
            lambda step, largest, warmup, total: (
                largest * min(step / warmup, 1) * (1 + np.cos(np.pi * step / total)) / 2
            ),
            "That multiplies the climb by a cosine that begins at step 0:"
            " climb alone until step `warmup`, and begin the cosine there.",
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
                    largest * (1 + np.cos(np.pi * (step - warmup) / (total - warmup)))
                )
            ),
            "1 plus a cosine falls from 2 to 0: halve it.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: (
                    largest * (1 + np.cos((step - warmup) / (total - warmup))) / 2
                )
            ),
            "Half a cosine goes from 0 to pi: multiply by pi.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: (
                    largest
                    * (1 + np.cos(np.radians((step - warmup) / (total - warmup))))
                    / 2
                )
            ),
            "That hardly falls after the warm-up: half a cosine goes from 0 to pi,"
            " and `np.cos` takes radians.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: (
                    largest
                    * (
                        1
                        + np.cos(np.radians(np.pi * (step - warmup) / (total - warmup)))
                    )
                    / 2
                )
            ),
            "That hardly falls after the warm-up:"
            " `np.cos` takes radians, without a conversion.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: (
                    largest
                    * (1 - np.cos(np.pi * (step - warmup) / (total - warmup)))
                    / 2
                )
            ),
            "That climbs from 0 again: 1 plus the cosine falls, 1 minus it climbs.",
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
                    largest
                    * (1 + np.sin(np.pi * (step - warmup) / (total - warmup)))
                    / 2
                )
            ),
            "A sine begins at 0 and climbs: take the cosine.",
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
