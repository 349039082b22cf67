"""The exercises of notebook 07_dropout."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise
from alexnet_helpers.exercises.functions import call, finite_array, nearly_equal
from alexnet_helpers.exercises.words import Refused


def _mask_of(function, x, rate, rng):
    """Return which values a paper_dropout keeps while training, or raise what is wrong with them."""
    trained = finite_array(call(function, x, rate, True, rng), x.shape)
    kept = trained != 0
    if nearly_equal(trained[kept], x[kept] / (1 - rate)) and not kept.all():
        raise Refused("Dividing while training is Keras' way; in the paper's, kept values stay as they are.")
    if not nearly_equal(trained[kept], x[kept]):
        raise Refused("While training, each value is either kept as it is or 0.")
    if kept.all():
        raise Refused(f"At rate {rate} nothing is dropped while training.")
    if x.ndim > 1 and any((kept == kept.take([0], axis=axis)).all() for axis in range(x.ndim)):
        raise Refused("All images of the batch, or all their units, share one draw: draw for each value of x.")
    if abs(kept.mean() - (1 - rate)) > 0.05:
        if abs(kept.mean() - rate) < 0.05:
            raise Refused(f"At rate {rate} the part {rate} is dropped; yours keeps that part.")
        raise Refused(f"At rate {rate} the part {rate} of the values is dropped; yours drops {1 - kept.mean():.2f}.")
    return kept


def _paper_dropout(function):
    images = np.linspace(0.5, 4, 3000).reshape(100, 30)
    for x, rate in (
        (images, 0.25),
        (images.reshape(10, 5, 60), 0.6),
        (np.arange(1, 2001), 0.25),
    ):
        masks = [_mask_of(function, x, rate, np.random.default_rng(seed)) for seed in (0, 1, 0)]
        if np.array_equal(masks[0], masks[1]):
            return "The mask is the same each time: draw a new one in every call, from `rng`."
        if not np.array_equal(masks[0], masks[2]):
            return "Draw from `rng`: generators with the same seed must give the same mask."
        tested = finite_array(call(function, x, rate, False, np.random.default_rng(0)), x.shape)
        if nearly_equal(tested, x):
            return "At test time nothing is rescaled yet: the next layer would get more than it is used to."
        if nearly_equal(tested, rate * x):
            return "At test time the values are multiplied by the part that is kept, not by the rate."
        if not nearly_equal(tested, (1 - rate) * x):
            return "At test time every value is multiplied by the same number: which?"
    return None


def _dropout(mask=lambda x, rate, rng: rng.random(x.shape) >= rate, scale=lambda rate: 1 - rate):
    return lambda x, rate, training, rng: x * mask(x, rate, rng) if training else x * scale(rate)


exercise(
    "07.1",
    700,
    hints=[
        (300, "That many are dropped: the rate is the part that goes."),
        (0.7, "That is the part that is kept: how many units are that?"),
        (0.3, "That is the rate: how many units take part?"),
        (1000, "All of them take part at test time only."),
        (500, "That would be the paper's rate, 0.5."),
        (
            1000 / 0.7,
            "Keras divides the values of the kept units; their number is not divided.",
        ),
    ],
)
exercise(
    "07.2",
    2.0,
    hints=[
        (1.28, "That is the paper's way at test time; Keras divides while training."),
        (1.6, "Keras rescales what is kept while training."),
        (
            8.0,
            "You divided by the rate: divide by the probability that a unit is kept.",
        ),
        (
            0.32,
            "You multiplied by the rate: divide by the probability that a unit is kept.",
        ),
        (1.92, "Divide by 0.8: multiplying by 1.2 is not the same."),
        (3.2, "That would be rate 0.5."),
        (0.0, "That is what the next layer gets from a unit that is dropped."),
    ],
)
exercise(
    "07.3",
    1024,
    hints=[
        (20, "Each unit doubles the number, it does not add two."),
        (100, "Each unit has two states, on and off."),
        (1023, "The network without any hidden unit counts as well."),
        (
            10,
            "Those are the networks in which one unit is off; several can be off at once.",
        ),
        (11, "More than one unit can be off at once."),
        (512, "That is nine units."),
        (3_628_800, "The order of the units does not matter, only which are on."),
    ],
)
exercise(
    "07.4",
    _paper_dropout,
    wrong=[
        (_dropout(scale=lambda rate: 1), "nothing is rescaled yet"),
        (
            _dropout(scale=lambda rate: rate),
            "by the part that is kept, not by the rate",
        ),
        (
            _dropout(
                lambda x, rate, rng: (rng.random(x.shape) >= rate) / (1 - rate),
                lambda rate: 1,
            ),
            "Keras' way",
        ),
        (
            _dropout(lambda x, rate, rng: rng.random(x.shape) < rate, lambda rate: rate),
            "yours keeps that part",
        ),
        (
            _dropout(lambda x, rate, rng: rng.random(x.shape) >= 0.25, lambda rate: 0.75),
            "At rate 0.6",
        ),
        (
            _dropout(lambda x, rate, rng: np.arange(x.size).reshape(x.shape) % 20 >= 20 * rate),
            "the same each time",
        ),
        (
            _dropout(lambda x, rate, rng: np.random.default_rng(0).random(x.shape) >= rate),
            "The mask is the same each time",
        ),
        (
            _dropout(lambda x, rate, rng: np.random.default_rng().random(x.shape) >= rate),
            "generators with the same seed must give the same mask",
        ),
        (
            _dropout(lambda x, rate, rng: rng.random(x.shape[-1:]) >= rate),
            "share one draw",
        ),
        (
            _dropout(lambda x, rate, rng: rng.random((len(x),) + (1,) * (x.ndim - 1)) >= rate),
            "share one draw",
        ),
        (_dropout(scale=lambda rate: 0.5), "multiplied by the same number"),
    ],
)
