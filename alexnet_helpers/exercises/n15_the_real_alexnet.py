"""The exercises of notebook 15_the_real_alexnet."""

import numpy as np

from alexnet_helpers import imagenet
from alexnet_helpers.exercises.engine import exercise

_RNG = np.random.default_rng(15)

_MEANS = np.float32(imagenet.MEAN_BGR)

_WRAPS = (
    "Values of uint8 cannot be negative, and wrap around: convert to float32 before you"
    " subtract."
)


def _to_input(photo):
    return (photo[np.newaxis, ..., ::-1].astype(np.float32) - _MEANS).astype(np.float32)


def _with_uint8(photo, means=_MEANS, order=-1):
    return (photo[np.newaxis, ..., ::order] - means.astype(np.uint8)).astype(np.float32)


def _to_uint8(photo):
    return _to_input(photo).astype(np.int64).astype(np.uint8).astype(np.float32)


def _overwritten(photo):
    values = photo[np.newaxis].astype(np.float32)
    values[..., 0] = values[..., 2]
    values[..., 2] = values[..., 0]
    return values - _MEANS


exercise(
    "15.1",
    _to_input,
    cases=[
        (_RNG.integers(0, 256, (4, 5, 3)).astype(np.uint8),),
        (_RNG.integers(0, 256, (3, 3, 3)).astype(np.uint8),),
        (np.full((2, 6, 3), (255, 0, 10), np.uint8),),
    ],
    wrong=[
        (
            lambda photo: (photo.astype(np.float32) - _MEANS)[np.newaxis],
            "Red still comes first: turn the order of the channels around.",
        ),
        (
            lambda photo: (photo.astype(np.float32) - _MEANS)[np.newaxis, ..., ::-1],
            "The means are those of blue, green and red: subtract them after the"
            " channels have changed places.",
        ),
        (
            lambda photo: (photo.astype(np.float32) - _MEANS[::-1])[np.newaxis],
            "The right mean leaves each colour, but red still comes first.",
        ),
        (
            lambda photo: photo[np.newaxis, ..., ::-1].astype(np.float32),
            "The channels are in the right order; the means are missing.",
        ),
        (_with_uint8, _WRAPS),
        (lambda photo: _with_uint8(photo, _MEANS.round()), _WRAPS),
        (lambda photo: _with_uint8(photo, order=1), _WRAPS),
        (lambda photo: _with_uint8(photo, _MEANS[::-1], 1), _WRAPS),
        (lambda photo: _with_uint8(photo, order=1)[..., ::-1], _WRAPS),
        (
            _to_uint8,
            "The differences go below 0, and uint8 cannot hold them: the result has to"
            " be float32 all the way.",
        ),
        (
            lambda photo: (
                photo[np.newaxis, ..., ::-1].astype(np.float32) - np.trunc(_MEANS)
            ),
            "The means are no whole numbers: subtract them as they are.",
        ),
        (
            lambda photo: (
                photo[np.newaxis, ..., ::-1].astype(np.float32) - np.round(_MEANS)
            ),
            "The means are no whole numbers: subtract them as they are.",
        ),
        (
            lambda photo: _to_input(photo) / np.float32(255),
            "Nothing is divided:"
            " the network was trained on differences of up to about 150.",
        ),
        (
            lambda photo: (
                photo[np.newaxis, ..., ::-1].astype(np.float32) / np.float32(255)
                - _MEANS
            ),
            "Nothing is divided: the means are those of values from 0 to 255.",
        ),
        (
            lambda photo: photo[np.newaxis, ..., ::-1].astype(np.float32) + _MEANS,
            "The means are to be subtracted, not added.",
        ),
        (
            lambda photo: _to_input(photo).transpose(0, 3, 1, 2),
            "The channels come last here, as in all of the course.",
        ),
        (
            lambda photo: _to_input(photo)[0],
            "The axis of the images is missing in front.",
        ),
        (
            _overwritten,
            "Blue and red are equal there: the first assignment overwrote what the"
            " second one reads.",
        ),
        (
            lambda photo: (photo.astype(np.float32)[:, ::-1] - _MEANS)[np.newaxis],
            "That mirrors the photo: the channels are the last axis.",
        ),
        (
            lambda photo: _to_input(photo)[:, :, ::-1],
            "The channels are right, but the photo is mirrored.",
        ),
        (
            lambda photo: _to_input(photo)[:, ::-1],
            "The channels are right, but the photo is upside down.",
        ),
        (
            lambda photo: (photo.astype(np.float32)[::-1] - _MEANS)[np.newaxis],
            "That turns the photo upside down: the channels are the last axis.",
        ),
        (
            lambda photo: (
                photo[np.newaxis, ..., ::-1].astype(np.float32) - _MEANS.mean()
            ),
            "Each colour has a mean of its own.",
        ),
        (
            lambda photo: _to_input(photo) + _MEANS - photo.mean((0, 1))[::-1],
            "That is the photo's own mean: subtract the one of the training photos.",
        ),
        (
            lambda photo: _to_input(photo) + _MEANS - photo.mean((0, 1)),
            "That is the photo's own mean: subtract the one of the training photos.",
        ),
        (
            lambda photo: _to_input(photo)[:, ::-1, ::-1],
            "The channels are right, but height and width are turned around, too.",
        ),
        (lambda photo: _to_input(photo).astype(np.float64), "the result is float64"),
    ],
)


def _gap(values, first):
    return abs(values[first].mean() - values[~first].mean())


def _p_of_split(values, first, orders, gap=_gap, real_gap=None):
    real = (real_gap or gap)(values, first)
    return np.mean([gap(values[order], first) >= real for order in orders])


def _by(gap, real_gap=None):
    """Return the share by another gap, and perhaps one more for the real split."""
    return lambda values, first, orders: _p_of_split(
        values, first, orders, gap, real_gap
    )


def _signed(values, first):
    return values[first].mean() - values[~first].mean()


def _further(values, first, orders):
    real = _gap(values, first)
    return np.mean([_gap(values[order], first) > real for order in orders])


def _labels_shuffled(values, first, orders):
    real = _gap(values, first)
    return np.mean([_gap(values, first[order]) >= real for order in orders])


def _positions(values, first, orders):
    real = _gap(values, first)
    return np.mean([_gap(order, first) >= real for order in orders])


def _of_medians(values, first):
    return abs(np.median(values[first]) - np.median(values[~first]))


def _of_sums(values, first):
    return abs(values[first].sum() - values[~first].sum())


def _of_halves(values, _first):
    half = len(values) // 2
    return abs(values[:half].mean() - values[half:].mean())


def _of_larger_halves(values, _first):
    first, second = np.array_split(values, 2)
    return abs(first.mean() - second.mean())


def _of_the_first_few(values, first):
    return abs(values[: first.sum()].mean() - values[first.sum() :].mean())


def _splits():
    """Give splits of both signs, with values that many shuffles have in common."""
    rng = np.random.default_rng(1552)
    for count, least, sign in ((13, -4, 1), (9, -3, -1), (22, -4, -1), (17, -5, 1)):
        p = 0.0
        while not 0.1 < p < 0.5:
            first = rng.permutation(count) < count // 3
            values = rng.integers(least, least + 8, count) + 2.0 * sign * first
            orders = np.array([rng.permutation(count) for _ in range(12 * count)])
            orders[rng.integers(12 * count)] = np.arange(count)  # as far apart, surely
            right_way = sign * _signed(values, first) > 0
            p = _p_of_split(values, first, orders) if right_way else 0.0
        yield values, first, orders


exercise(
    "15.2",
    _p_of_split,
    cases=_splits,
    wrong=[
        (
            _by(_signed),
            "A split may go either way: take the absolute value of each difference.",
        ),
        (
            lambda values, first, orders: _p_of_split(values, ~first, orders, _signed),
            "A split may go either way: take the absolute value of each difference.",
        ),
        (
            _by(_gap, _signed),
            "Take the absolute value of the real difference, too.",
        ),
        (
            _by(_signed, _gap),
            "A split may go either way: take the absolute value of each difference.",
        ),
        (
            _further,
            "A shuffle that is just as far apart counts, too: >= in place of >.",
        ),
        (
            lambda values, first, orders: 1 - _p_of_split(values, first, orders),
            "Those are the shuffles that are less far apart: turn the comparison"
            " around.",
        ),
        (
            lambda values, first, orders: 1 - _further(values, first, orders),
            "Those are the shuffles that are at most as far apart: turn the comparison"
            " around.",
        ),
        (
            lambda values, first, orders: (
                _p_of_split(values, first, orders) * len(orders)
            ),
            "That is the number of shuffles: divide it by how many there are.",
        ),
        (
            lambda values, first, orders: 100 * _p_of_split(values, first, orders),
            "The share is asked for, from 0 to 1, not the percentage.",
        ),
        (
            lambda values, first, orders: (
                (_p_of_split(values, first, orders) * len(orders) + 1)
                / (len(orders) + 1)
            ),
            "That counts the real split as one more shuffle. Many do so; here only"
            " the shuffles count.",
        ),
        (
            _by(_of_medians),
            "That compares the medians: the means are asked for.",
        ),
        (
            _by(_of_sums),
            "The groups differ in size: compare their means, not their sums.",
        ),
        (
            _by(_of_halves),
            "The groups need not be halves: the first one is where `first` is True.",
        ),
        (
            _by(_of_the_first_few),
            "The first group is where `first` is True, wherever that is.",
        ),
        (
            _labels_shuffled,
            "Shuffle the values, values[order], and leave `first` as it is.",
        ),
        (
            lambda values, first, orders: np.mean(
                [_gap(values[o], first[o]) >= _gap(values, first) for o in orders]
            ),
            "Both were shuffled, so each value is still in its group: leave `first` as"
            " it is.",
        ),
        (
            _by(_of_halves, _gap),
            "The shuffled groups are given by `first`, too: they need not be halves.",
        ),
        (
            _by(_of_larger_halves, _gap),
            "The shuffled groups are given by `first`, too: they need not be halves.",
        ),
        (
            _by(_of_larger_halves),
            "The groups need not be halves: the first one is where `first` is True.",
        ),
        (
            _positions,
            "A row of `orders` holds positions: the shuffled values are values[order].",
        ),
        (
            lambda values, first, orders: np.mean(
                [_gap(values[order], first) for order in orders]
            ),
            "That is how far apart the shuffles are on average: count those that are"
            " at least as far apart as the real split.",
        ),
        (
            lambda values, first, _orders: _gap(values, first),
            "That is how far apart the real groups are: compare each shuffle with it.",
        ),
    ],
)


def _divisor(squares):
    return (1 + 2e-5 * squares) ** 0.75


_SQUARES = 7700
_BEFORE, _AFTER = _divisor(_SQUARES), _divisor(_SQUARES / 4)

exercise(
    "15.3",
    0.541,
    tolerance=1e-3,
    hints=[
        (0.5, "That is without normalization. The divisor shrinks, too."),
        (
            _BEFORE / _divisor(_SQUARES / 2) / 2,
            "With half the values, the sum of their squares is not a half: square the"
            " half.",
        ),
        (
            _AFTER / _BEFORE / 2,
            "Upside down: the divisor gets smaller, so more is left than a half."
            " Multiply by the old divisor and divide by the new one.",
        ),
        (
            _BEFORE / 2,
            "The new value has a divisor of its own: divide by that, too.",
        ),
        (
            _BEFORE / _AFTER / 4,
            "The value on top is halved; only the sum of squares becomes a quarter.",
        ),
        (
            _BEFORE / _AFTER,
            "That is how much the divisor shrinks. The value on top has halved, too.",
        ),
        (
            _AFTER / _BEFORE,
            "That is what is left of the divisor. The value on top is halved, and then"
            " divided by it.",
        ),
        (54.1, "A factor is asked for, not per cent: 100 times too large."),
        (
            2 * _AFTER / _BEFORE,
            "That is the old value over the new one: put the new one on top.",
        ),
        (
            0.25,
            "The values are halved, not squared: a quarter is left of their squares.",
        ),
        (
            ((1 + 1e-4 * _SQUARES) / (1 + 1e-4 * _SQUARES / 4)) ** 0.75 / 2,
            "That takes the paper's alpha: Caffe divides it by 5.",
        ),
        (
            ((2 + 1e-4 * _SQUARES) / (2 + 1e-4 * _SQUARES / 4)) ** 0.75 / 2,
            "Those are the paper's constants: Caffe has 1 for 2 and alpha over 5.",
        ),
        (
            1 / _AFTER,
            "That is 1 over the new divisor. Compare the new normalized value with the"
            " old one.",
        ),
        (
            1 / _AFTER / 2,
            "The old value was divided as well: compare with that.",
        ),
        (
            1 / _BEFORE / 2,
            "The sum of the squares is smaller now, and with it the divisor.",
        ),
        (
            (1 + 2e-5 * _SQUARES) / (1 + 2e-5 * _SQUARES / 4) / 2,
            "The power of 0.75 is missing.",
        ),
        (
            1 / _BEFORE,
            "That is 1 over the old divisor, before the contrast is halved.",
        ),
    ],
)
