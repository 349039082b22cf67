"""The exercises of notebook 07_dropout."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise
from alexnet_helpers.exercises.functions import call, finite_array, nearly_equal
from alexnet_helpers.exercises.words import Refused

exercise(
    "07.1",
    5.5,
    hints=[
        (
            7,
            "That is the result when nothing is dropped,"
            " or at test time in Keras' way.",
        ),
        (
            5.25,
            "You scaled the bias as well: the mask is multiplied with the inputs only.",
        ),
        (4.5, "That is the expected sum of the inputs: the bias is missing."),
        (6, "That is the sum of the inputs when nothing is dropped."),
        (2.5, "You kept the part that is dropped: the rate is the part that goes."),
        (1.5, "You kept the part that is dropped, and the bias is missing."),
        (1.75, "You kept the part that is dropped, and scaled the bias as well."),
        (
            9,
            "Dividing while training is Keras' way; in the paper's,"
            " kept values stay as they are.",
        ),
        (
            25,
            "You divided by the rate;"
            " in the paper's way nothing is divided while training.",
        ),
    ],
)


def _shared(draws):
    """Return whether two images, or two units, have the same draws all along; `draws` of one axis have not."""
    each = [
        np.moveaxis(draws, axis, 0).reshape(draws.shape[axis], -1)
        for axis in range(draws.ndim)
    ]
    return draws.ndim > 1 and any(
        len(np.unique(rows, axis=0)) < len(rows) for rows in each
    )


def judge_noise_factor(
    function, trials=(((100, 64), 0.5), ((40, 20, 10), 0.2), ((6000,), 0.8))
):
    """Return None for noise with the mean and the variance of dropout's factor in these trials; else what is off."""
    for shape, rate in trials:
        f = [
            finite_array(
                call(function, shape, np.random.default_rng(seed), rate), shape
            )
            for seed in (0, 1, 0)
        ]
        if (f[0] == 0).mean() > 0.05:
            return "That still switches units off: no number should be exactly 0."
        if f[0].std() < 1e-9:
            return "All your numbers are the same: draw one for each unit and image."
        if (f[0].flat[1:] == f[0].flat[:-1]).mean() > 0.05 or _shared(f[0]):
            return (
                "Some numbers are used more than once: draw one for each unit and"
                " image, `shape` in all."
            )
        if np.array_equal(f[0], f[1]):
            return (
                "The numbers are the same each time: draw new ones in every call, from"
                " `rng`."
            )
        if not np.array_equal(f[0], f[2]):
            return (
                "Draw from `rng`: generators with the same seed must give the same"
                " numbers."
            )
        spread = np.sqrt(rate / (1 - rate))
        if abs(f[0].mean() - 1) > 0.06 * spread:
            return (
                f"At rate {rate} the mean of your numbers is {f[0].mean():.2f}; that of"
                " dropout's factor is another."
            )
        if abs(f[0].std() - spread**2) < 0.06 * spread**2 and rate != 0.5:
            return (
                "`rng.normal` asks for the standard deviation; you gave it the"
                " variance."
            )
        if abs(f[0].std() - spread) > 0.06 * spread:
            variance = (
                f"At rate {rate} the variance of your numbers is {f[0].var():.2f}"
            )
            return (
                f"{variance}; that of dropout's factor, 0 or 1 / (1 - rate), is"
                " another."
            )
    return None


def _noise(mean=lambda rate: 1, deviation=lambda rate: np.sqrt(rate / (1 - rate))):
    return lambda shape, rng, rate=0.5: rng.normal(mean(rate), deviation(rate), shape)


exercise(
    "07.2",
    judge_noise_factor,
    remark="Now train with it.",
    wrong=[
        (_noise(deviation=lambda rate: 1), "the variance of your numbers is"),
        (
            _noise(deviation=lambda rate: rate / (1 - rate)),
            "asks for the standard deviation",
        ),
        (
            _noise(deviation=lambda rate: np.sqrt(rate * (1 - rate))),
            "the variance of your numbers is",
        ),
        (_noise(mean=lambda rate: 0), "the mean of your numbers is"),
        (_noise(mean=lambda rate: 1 - rate), "the mean of your numbers is"),
        (
            lambda shape, rng, rate=0.5: (rng.random(shape) >= rate) / (1 - rate),
            "switches units off",
        ),
        (lambda shape, rng, rate=0.5: np.ones(shape), "All your numbers are the same"),
        (
            lambda shape, rng, rate=0.5: (
                np.zeros(shape) + _noise()(shape[-1:], rng, rate)
            ),
            "used more than once",
        ),
        (
            lambda shape, rng, rate=0.5: (
                np.zeros(shape)
                + _noise()((shape[0],) + (1,) * (len(shape) - 1), rng, rate)
            ),
            "used more than once",
        ),
        (
            lambda shape, rng, rate=0.5: _noise()(
                shape, np.random.default_rng(0), rate
            ),
            "the same each time",
        ),
        (
            lambda shape, rng, rate=0.5: _noise()(shape, np.random.default_rng(), rate),
            "generators with the same seed",
        ),
    ],
)


def _mask_of(function, x, rate, rng):
    """Return which values a paper_dropout keeps while training, or raise what is wrong with them."""
    trained = finite_array(call(function, x, rate, True, rng), x.shape)
    kept = trained != 0
    if nearly_equal(trained, x * (1 - rate)):
        raise Refused(
            "While training, you only rescale, which is for test time: no mask is"
            " drawn."
        )
    if nearly_equal(trained[kept], x[kept] / (1 - rate)) and not kept.all():
        raise Refused(
            "Dividing while training is Keras' way; in the paper's, kept values stay as"
            " they are."
        )
    if not nearly_equal(trained[kept], x[kept]):
        raise Refused("While training, each value is either kept as it is or 0.")
    if kept.all() or not kept.any():
        dropped = "nothing" if kept.all() else "everything"
        raise Refused(
            f"At rate {rate} a call dropped {dropped} while training: draw for each"
            " value of x."
        )
    if _shared(kept):
        raise Refused(
            "Some images of the batch, or some of their units, share one draw: draw for"
            " each value of x."
        )
    if abs(kept.mean() - (1 - rate)) > 0.05:
        if abs(kept.mean() - rate) < 0.05:
            raise Refused(
                f"At rate {rate} the part {rate} is dropped; yours keeps that part."
            )
        raise Refused(
            f"At rate {rate} the part {rate} of the values is dropped; yours drops"
            f" {1 - kept.mean():.2f}."
        )
    if abs((kept.flat[1:] == kept.flat[:-1]).mean() - rate**2 - (1 - rate) ** 2) > 0.06:
        raise Refused(
            "Whether a value is kept depends on its neighbour: draw for each value"
            " of x."
        )
    return kept


def judge_paper_dropout(function, rates=(0.25, 0.6, 0.25), sides=(60, 50, 10)):
    """Return None for dropout in the paper's way, at these rates and on arrays of such sides; else what is off."""
    rows, columns, groups = sides
    images, varies = np.linspace(0.5, 4, rows * columns).reshape(rows, columns), False
    groups = np.linspace(0.5, 4, groups * 5 * rows).reshape(groups, 5, rows)
    for x, rate in zip((images, groups, np.arange(1, 2001)), rates):
        masks = [
            _mask_of(function, x, rate, np.random.default_rng(seed))
            for seed in (0, 1, 0)
        ]
        if np.array_equal(masks[0], masks[1]):
            return (
                "The mask is the same each time: draw a new one in every call, from"
                " `rng`."
            )
        if not np.array_equal(masks[0], masks[2]):
            return (
                "Draw from `rng`: generators with the same seed must give the same"
                " mask."
            )
        varies |= masks[0].sum() != masks[1].sum()
        tested = finite_array(
            call(function, x, rate, False, np.random.default_rng(0)), x.shape
        )
        if nearly_equal(tested, x):
            return (
                "At test time nothing is rescaled yet: the next layer would get more"
                " than it is used to."
            )
        if nearly_equal(tested, rate * x):
            return (
                f"At test time you multiply by {rate}, the part that is dropped while"
                " training."
            )
        if (tested == 0).any():
            return (
                "At test time some values are 0: no mask is used there, all units"
                " are on."
            )
        if not nearly_equal(tested, (1 - rate) * x):
            return (
                "At test time the next layer should get its mean while training; yours"
                " gives another mean."
            )
    if not varies:
        return (
            "Your masks keep the same number of values each time: draw for each value"
            " by itself."
        )
    return None


def _dropout(
    mask=lambda x, rate, rng: rng.random(x.shape) >= rate, scale=lambda rate: 1 - rate
):
    return lambda x, rate, training, rng: (
        x * mask(x, rate, rng) if training else x * scale(rate)
    )


exercise(
    "07.3",
    judge_paper_dropout,
    wrong=[
        (_dropout(scale=lambda rate: 1), "nothing is rescaled yet"),
        (_dropout(scale=lambda rate: rate), "the part that is dropped while training"),
        (
            _dropout(
                lambda x, rate, rng: (rng.random(x.shape) >= rate) / (1 - rate),
                lambda rate: 1,
            ),
            "Keras' way",
        ),
        (
            _dropout(
                lambda x, rate, rng: rng.random(x.shape) < rate, lambda rate: rate
            ),
            "yours keeps that part",
        ),
        (
            _dropout(
                lambda x, rate, rng: rng.random(x.shape) >= 0.25, lambda rate: 0.75
            ),
            "At rate 0.6",
        ),
        (
            _dropout(
                lambda x, rate, rng: (
                    np.arange(x.size).reshape(x.shape) % 20 >= 20 * rate
                )
            ),
            "share one draw",
        ),
        (
            _dropout(
                lambda x, rate, rng: np.random.default_rng(0).random(x.shape) >= rate
            ),
            "The mask is the same each time",
        ),
        (
            _dropout(
                lambda x, rate, rng: np.random.default_rng().random(x.shape) >= rate
            ),
            "generators with the same seed must give the same mask",
        ),
        (
            _dropout(lambda x, rate, rng: rng.random(x.shape[-1:]) >= rate),
            "share one draw",
        ),
        (
            _dropout(
                lambda x, rate, rng: rng.random((len(x),) + (1,) * (x.ndim - 1)) >= rate
            ),
            "share one draw",
        ),
        (
            _dropout(
                lambda x, rate, rng: np.repeat(
                    rng.random((len(x) // 2, *x.shape[1:])) >= rate, 2, axis=0
                )
            ),
            "share one draw",
        ),
        (
            _dropout(
                lambda x, rate, rng: np.repeat(rng.random(x.size) >= rate, 3)[
                    : x.size
                ].reshape(x.shape)
            ),
            "depends on its neighbour",
        ),
        (_dropout(scale=lambda rate: 0.5), "gives another mean"),
        (_dropout(scale=lambda rate: 1 / (1 - rate)), "gives another mean"),
        (
            lambda x, rate, training, rng: x * (rng.random(x.shape) >= rate),
            "no mask is used there",
        ),
        (
            lambda x, rate, training, rng: _dropout()(x, rate, not training, rng),
            "you only rescale",
        ),
        (
            _dropout(lambda x, rate, rng: rng.random() >= rate),
            "draw for each value of x",
        ),
        (
            _dropout(
                lambda x, rate, rng: (
                    rng.permutation(x.size).reshape(x.shape) >= rate * x.size
                )
            ),
            "keep the same number",
        ),
    ],
)
