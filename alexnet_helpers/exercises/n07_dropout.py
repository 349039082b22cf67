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
        (
            28 / 3,
            "Dividing while training is Keras' way, and the bias is never scaled;"
            " in the paper's way kept values stay as they are.",
        ),
        (
            8,
            "Dividing while training is Keras' way, and the bias is missing;"
            " in the paper's way kept values stay as they are.",
        ),
        (4, "That is the result at rate 0.5; here the rate is 0.25."),
        (
            3.5,
            "You took half, but here the rate is 0.25;"
            " and you scaled the bias as well.",
        ),
    ],
)


def _shared(draws):
    """Tell whether two images, or two units, have the same draws throughout."""
    for axis in range(draws.ndim if draws.ndim > 1 else 0):
        rows = np.moveaxis(draws, axis, 0).reshape(draws.shape[axis], -1)
        if len(np.unique(rows, axis=0)) < len(rows):
            return True
    return False


def _equal_neighbours(draws):
    """Return the share of draws that are equal to the one before."""
    return (draws.flat[1:] == draws.flat[:-1]).mean()


def _used_again(draws):
    """Tell whether draws repeat more often than independent ones of their values do.

    Draws of a few values only, such as 0.5 and 1.5, are often equal by chance.
    """
    shares = np.unique(draws, return_counts=True)[1] / draws.size
    by_chance = (shares**2).sum()  # the probability that two of them are equal
    if _equal_neighbours(draws) > by_chance + 0.05:
        return True
    for axis in range(draws.ndim if draws.ndim > 1 else 0):
        rows = np.moveaxis(draws, axis, 0).reshape(draws.shape[axis], -1)
        alike = np.unique(rows, axis=0, return_counts=True)[1]
        expected = len(rows) * (len(rows) - 1) / 2 * by_chance ** rows.shape[1]
        allowed = 3 * expected + 2 * (expected > 1e-3)
        if (alike * (alike - 1) / 2).sum() > allowed:
            return True
    return False


def judge_noise_factor(
    function, trials=(((100, 64), 0.5), ((40, 20, 10), 0.2), ((6000,), 0.8))
):
    """Return None if noise has the mean and variance of dropout's factor, or a hint.

    The trials are pairs (shape, rate).
    """
    for shape, rate in trials:
        first, seed_1, again = (
            _draw(function, shape, seed, rate) for seed in (0, 1, 0)
        )
        if hint := _flaw_in_draws(first, seed_1, again, rate):
            if (first == 0).any() and (_draw(function, shape, 0, 0.35) != 0).all():
                return (
                    f"At rate {rate}, though not at every rate, one of the values that"
                    " you draw is exactly 0, which switches a unit off:"
                    " `rng.normal` draws from more values."
                )
            return hint
        hint = _flaw_in_size(first, rate)
        if hint and _error_of_variance(first) > 0.05:  # large values, and rare ones
            many = _draw(function, (1000, 1000), 3, rate)
            hint = _flaw_in_size(many, rate)
            if hint and _error_of_variance(many) > 0.05:
                return (
                    "Your numbers have such large and rare values that a million of"
                    " them do not show the variance; try `rng.uniform`."
                )
        if hint:
            return hint
    return None


def _draw(function, shape, seed, rate):
    return finite_array(call(function, shape, np.random.default_rng(seed), rate), shape)


def _error_of_variance(noise):
    """Return the relative standard error of the variance of a sample."""
    squares = (noise - noise.mean()) ** 2
    return squares.std() / max(squares.mean(), 1e-12) / np.sqrt(noise.size)


def _mostly_off(draws):
    """Tell whether numbers near 0 are a heap of their own, as dropout's zeros are."""
    near, around = (np.mean(np.abs(draws) < width) for width in (0.02, 0.3))
    return near > max(0.05, 0.7 * around)


def _flaw_in_draws(first, seed_1, again, rate):
    if (first == 0).mean() > 0.05:
        return (
            f"At rate {rate} that still switches units off: no number should be"
            " exactly 0."
        )
    if _mostly_off(first):
        return (
            "That is dropout with almost-zeros: a unit times such a number is off as"
            " well."
        )
    near = np.mean(np.abs(first) < 0.2)
    if near > 0.3:
        return (
            f"At rate {rate} {near:.0%} of your numbers are within 0.2 of 0, more than"
            " the 30% allowed: a unit times such a number is nearly off."
        )
    if first.std() < 1e-9:
        return "All your numbers are the same: draw one for each unit and image."
    if _used_again(first):
        return (
            "Some numbers are used more than once: draw one for each unit and image,"
            " `shape` in all."
        )
    if np.array_equal(first, seed_1):
        return (
            "The numbers are the same each time: draw new ones in every call, from"
            " `rng`."
        )
    if not np.array_equal(first, again):
        return (
            "Draw from `rng`: generators with the same seed must give the same numbers."
        )
    return None


def _flaw_in_size(noise, rate):
    deviation = np.sqrt(rate / (1 - rate))
    if abs(noise.mean() - 1) > 0.06 * deviation:
        return (
            f"At rate {rate} the mean of your numbers is {noise.mean():.2f}; that of"
            " dropout's factor is another."
        )
    if abs(noise.std() - deviation**2) < 0.06 * deviation**2 and rate != 0.5:
        return "`rng.normal` asks for the standard deviation; you gave it the variance."
    slips = [
        (1, "your numbers do not depend on `rate`."),
        (
            1 / deviation,
            "that would be right if `rate` were the share that is kept: it is the"
            " share that is dropped.",
        ),
        (
            np.sqrt(rate * (1 - rate)),
            "that is the variance of the mask: dropout's factor is the mask divided by"
            " 1 - rate.",
        ),
    ]
    for slip, hint in slips:
        differs = abs(slip - deviation) > 0.1 * deviation
        if differs and abs(noise.std() - slip) < 0.06 * slip:
            return f"At rate {rate} the variance is {noise.var():.2f}; {hint}"
    if abs(noise.std() - deviation) > 0.06 * deviation:
        return (
            f"At rate {rate} the variance of your numbers is {noise.var():.2f};"
            " that of dropout's factor, 0 or 1 / (1 - rate), is another."
        )
    return None


def _right_deviation(rate):
    return np.sqrt(rate / (1 - rate))


def _noise(mean=lambda rate: 1, deviation=_right_deviation):
    return lambda shape, rng, rate: rng.normal(mean(rate), deviation(rate), shape)


def _shared_noise(shared_shape):
    """Return noise that is drawn in a smaller shape, and used several times."""
    return lambda shape, rng, rate: np.broadcast_to(
        _noise()(shared_shape(shape), rng, rate), shape
    )


exercise(
    "07.2",
    judge=judge_noise_factor,
    remark="Now train with it.",
    wrong=[
        (_noise(deviation=lambda rate: 1), "do not depend on `rate`"),
        (
            _noise(deviation=lambda rate: np.sqrt((1 - rate) / rate)),
            "if `rate` were the share that is kept",
        ),
        (_noise(deviation=lambda rate: 2), "the variance of your numbers is"),
        (
            _noise(deviation=lambda rate: rate / (1 - rate)),
            "asks for the standard deviation",
        ),
        (
            _noise(deviation=lambda rate: np.sqrt(rate * (1 - rate))),
            "that is the variance of the mask",
        ),
        (_noise(mean=lambda rate: 0), "the mean of your numbers is"),
        (_noise(mean=lambda rate: 1 - rate), "the mean of your numbers is"),
        (
            lambda shape, rng, rate: (rng.random(shape) >= rate) / (1 - rate),
            "switches units off",
        ),
        (
            lambda shape, rng, rate: (
                1 + _right_deviation(rate) * np.where(rng.random(shape) < 0.8, -0.5, 2)
            ),
            "At rate 0.8, though not at every rate",
        ),
        (
            lambda shape, rng, rate: (
                1 + _right_deviation(rate) * rng.choice([-1, 1], shape)
            ),
            "At rate 0.5, though not at every rate",
        ),
        (
            lambda shape, rng, rate: np.where(
                rng.random(shape) < rate, 1e-9, 1 / (1 - rate)
            ),
            "dropout with almost-zeros",
        ),
        (
            lambda shape, rng, rate: np.where(
                rng.random(shape) < rate, 0.05, 1 / (1 - rate)
            ),
            "of your numbers are within 0.2 of 0, more than the 30% allowed",
        ),
        (
            lambda shape, rng, rate: rng.gamma(1 / rate - 1, rate / (1 - rate), shape),
            "of your numbers are within 0.2 of 0, more than the 30% allowed",
        ),
        (lambda shape, rng, rate: np.ones(shape), "All your numbers are the same"),
        (_shared_noise(lambda shape: shape[-1:]), "used more than once"),
        (
            _shared_noise(lambda shape: (shape[0],) + (1,) * (len(shape) - 1)),
            "used more than once",
        ),
        (
            lambda shape, rng, rate: _noise()(shape, np.random.default_rng(0), rate),
            "the same each time",
        ),
        (
            lambda shape, rng, rate: _noise()(shape, np.random.default_rng(), rate),
            "generators with the same seed",
        ),
    ],
)


def _mask_of(function, x, rate, rng):
    """Return which values a paper_dropout keeps while training, or raise a hint."""
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
    if not kept[x < 0].any():
        raise Refused(
            "Negative values of x all became 0, as after a ReLU; dropout keeps them"
            " like any other."
        )
    if hint := _flaw_in_mask(kept, rate):
        raise Refused(hint)
    return kept


def _flaw_in_mask(kept, rate):
    if kept.all() or not kept.any():
        dropped = "nothing" if kept.all() else "everything"
        return (
            f"At rate {rate} a call dropped {dropped} while training: draw for each"
            " value of x."
        )
    if _shared(kept):
        return (
            "Some images of the batch, or some of their units, share one draw: draw for"
            " each value of x."
        )
    share = kept.mean()
    if abs(share - (1 - rate)) > 0.05:
        if abs(share - rate) < 0.05:
            return f"At rate {rate} the part {rate} is dropped; yours keeps that part."
        return (
            f"At rate {rate} the part {rate} of the values is dropped; yours drops"
            f" {1 - share:.2f}."
        )
    if abs(_equal_neighbours(kept) - rate**2 - (1 - rate) ** 2) > 0.06:
        return (
            "Whether a value is kept depends on its neighbour: draw for each value"
            " of x."
        )
    return None


def _values(shape):
    """Return different values, every third of them negative and none 0."""
    sizes = np.linspace(0.5, 4, np.prod(shape))
    return np.where(np.arange(sizes.size) % 3, sizes, -sizes).reshape(shape)


def judge_paper_dropout(function, rates=(0.25, 0.6, 0.25), sides=(60, 50, 10)):
    """Return None for dropout in the paper's way, or else a hint.

    It is tried at these three rates, on arrays of two, three and one axes, the first
    two with sides such as these.
    """
    rows, columns, groups = sides
    shapes = (rows, columns), (groups, 5, rows), (2000,)
    varies = False
    for x, rate in zip(map(_values, shapes), rates):
        first, seed_1, again = (
            _mask_of(function, x, rate, np.random.default_rng(seed))
            for seed in (0, 1, 0)
        )
        if np.array_equal(first, seed_1):
            return (
                "The mask is the same each time: draw a new one in every call, from"
                " `rng`."
            )
        if not np.array_equal(first, again):
            return (
                "Draw from `rng`: generators with the same seed must give the same"
                " mask."
            )
        varies |= first.sum() != seed_1.sum()
        if hint := _flaw_at_test_time(function, x, rate):
            return hint
    if not varies:
        return (
            "Your masks keep the same number of values each time: draw for each value"
            " by itself."
        )
    return None


def _flaw_at_test_time(function, x, rate):
    tested = finite_array(
        call(function, x, rate, False, np.random.default_rng(0)), x.shape
    )
    if nearly_equal(tested, x):
        return (
            "At test time nothing is rescaled yet: the next layer would get more than"
            " it is used to."
        )
    if nearly_equal(tested, rate * x):
        return (
            f"At test time you multiply by {rate}, the part that is dropped while"
            " training."
        )
    if (tested[x < 0] == 0).all() and (tested[x > 0] != 0).all():
        return (
            "At test time negative values of x became 0, as after a ReLU; dropout only"
            " rescales them."
        )
    if (tested == 0).any():
        return (
            "At test time some values are 0: no mask is used there, all units are on."
        )
    if not nearly_equal(tested, (1 - rate) * x):
        return (
            "At test time the next layer should get its mean while training; yours"
            " gives another mean."
        )
    return None


def _right_mask(x, rate, rng):
    return rng.random(x.shape) >= rate


def _dropout(mask=_right_mask, scale=lambda rate: 1 - rate):
    return lambda x, rate, training, rng: (
        x * mask(x, rate, rng) if training else x * scale(rate)
    )


_WRONG_SCALES = [
    (lambda rate: 1, "nothing is rescaled yet"),
    (lambda rate: rate, "the part that is dropped while training"),
    (lambda rate: 0.5, "gives another mean"),
    (lambda rate: 1 / (1 - rate), "gives another mean"),
]

_WRONG_MASKS = [
    (lambda x, rate, rng: _right_mask(x, rate, rng) / (1 - rate), "Keras' way"),
    (lambda x, rate, rng: ~_right_mask(x, rate, rng), "yours keeps that part"),
    (lambda x, rate, rng: _right_mask(x, 0.25, rng), "At rate 0.6"),
    (
        lambda x, rate, rng: np.arange(x.size).reshape(x.shape) % 20 >= 20 * rate,
        "share one draw",
    ),
    (
        lambda x, rate, rng: _right_mask(x, rate, np.random.default_rng(0)),
        "The mask is the same each time",
    ),
    (
        lambda x, rate, rng: _right_mask(x, rate, np.random.default_rng()),
        "generators with the same seed must give the same mask",
    ),
    (lambda x, rate, rng: rng.random(x.shape[-1:]) >= rate, "share one draw"),
    (
        lambda x, rate, rng: rng.random((len(x),) + (1,) * (x.ndim - 1)) >= rate,
        "share one draw",
    ),
    (
        lambda x, rate, rng: np.repeat(_right_mask(x[::2], rate, rng), 2, axis=0),
        "share one draw",
    ),
    (
        lambda x, rate, rng: np.resize(
            np.repeat(rng.random(x.size) >= rate, 3), x.shape
        ),
        "depends on its neighbour",
    ),
    (lambda x, rate, rng: rng.random() >= rate, "draw for each value of x"),
    (
        lambda x, rate, rng: rng.permutation(x.size).reshape(x.shape) >= rate * x.size,
        "keep the same number",
    ),
]

exercise(
    "07.3",
    judge=judge_paper_dropout,
    wrong=[
        *((_dropout(scale=scale), hint) for scale, hint in _WRONG_SCALES),
        *((_dropout(mask), hint) for mask, hint in _WRONG_MASKS),
        (
            lambda x, rate, training, rng: _dropout()(
                np.maximum(x, 0), rate, training, rng
            ),
            "Negative values of x all became 0",
        ),
        (
            lambda x, rate, training, rng: _dropout()(
                x if training else np.maximum(x, 0), rate, training, rng
            ),
            "negative values of x became 0",
        ),
        (
            lambda x, rate, training, rng: x * _right_mask(x, rate, rng),
            "no mask is used there",
        ),
        (
            lambda x, rate, training, rng: _dropout()(x, rate, not training, rng),
            "you only rescale",
        ),
    ],
)
