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
    images, varies = np.linspace(0.5, 4, 3000).reshape(100, 30), False
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
        varies |= masks[0].sum() != masks[1].sum()
        tested = finite_array(call(function, x, rate, False, np.random.default_rng(0)), x.shape)
        if nearly_equal(tested, x):
            return "At test time nothing is rescaled yet: the next layer would get more than it is used to."
        if nearly_equal(tested, rate * x):
            return "At test time the values are multiplied by the part that is kept, not by the rate."
        if not nearly_equal(tested, (1 - rate) * x):
            return "At test time every value is multiplied by the same number: which?"
    if not varies:
        return "Your masks keep the same number of values each time: draw for each value by itself."
    return None


def _dropout(mask=lambda x, rate, rng: rng.random(x.shape) >= rate, scale=lambda rate: 1 - rate):
    return lambda x, rate, training, rng: x * mask(x, rate, rng) if training else x * scale(rate)


exercise(
    "07.1",
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
    "07.2",
    4.0,
    hints=[
        (5, "That is the result when nothing is dropped, or at test time in Keras' way."),
        (3.75, "You scaled the bias as well: the mask is multiplied with the inputs only."),
        (3, "That is the expected sum of the inputs: the bias is missing."),
        (2, "You kept the part that is dropped: the rate is the part that goes."),
        (1.25, "You kept the part that is dropped, and scaled the bias as well."),
        (19 / 3, "Dividing while training is Keras' way; in the paper's, kept values stay as they are."),
        (17, "You divided by the rate; in the paper's way nothing is divided while training."),
    ],
)
# The mean of four runs of the notebook's `train`; with other random numbers it stays within 0.002 of this.
exercise(
    "07.3",
    0.123,
    tolerance=0.05,
    remark="And no unit was ever switched off.",
    hints=[
        (0.161, "That is the loss without any noise: pass your function to `four_runs`."),
        (0.133, "That would be a standard deviation of 0.5."),
        (0.351, "All hidden units of an image got the same number: draw one for each unit."),
        (2.303, "The mean of your factor is 0: on average nothing passes."),
        (0.009, "That is the loss on the training digits."),
        (0.961, "That is the accuracy: the loss is asked for."),
        (96.1, "That is the accuracy in per cent: the loss is asked for."),
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
        (
            _dropout(lambda x, rate, rng: rng.permutation(x.size).reshape(x.shape) >= rate * x.size),
            "keep the same number",
        ),
    ],
)
