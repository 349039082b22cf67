"""The exercises of notebook 15_the_real_alexnet."""

import sys

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


def _top_k_accuracy(probabilities, truth, k):
    guesses = np.argsort(-probabilities, axis=1)[:, :k]
    return (guesses == truth[:, np.newaxis]).any(axis=1).mean()


def _wrong_axis(probabilities, truth, k):
    guesses = np.argsort(-probabilities, axis=0)[:, :k]
    return (guesses == truth[:, np.newaxis]).any(axis=1).mean()


def _labels_second(probabilities, truth, k):
    """Call Keras' function with the probabilities where it expects the labels."""
    return sys.modules["keras"].metrics.sparse_top_k_categorical_accuracy(
        probabilities, truth, k
    )


def _answers():
    rng = np.random.default_rng(1541)
    for photos, classes, k in ((97, 9, 3), (25, 6, 2), (60, 12, 5), (30, 8, 1)):
        probabilities = (
            rng.random((photos, classes))
            + 0.4 * np.eye(classes)[rng.integers(0, classes, photos)]
        )
        truth = probabilities.argmax(axis=1)
        moved = rng.random(photos) < 0.6
        truth[moved] = rng.integers(0, classes, moved.sum())
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        yield probabilities.astype(np.float32), truth, k  # as a network gives them


exercise(
    "15.2",
    _top_k_accuracy,
    cases=_answers,
    wrong=[
        (
            _wrong_axis,
            "Along axis 0, argsort puts the photos of each class in order. You need the"
            " classes of each photo: axis 1.",
        ),
        (
            lambda p, truth, k: _top_k_accuracy(p, truth, 1),
            "That is the top-1 accuracy, whatever k is.",
        ),
        (
            lambda p, truth, k: _top_k_accuracy(p, truth, 5),
            "That is the top-5 accuracy, whatever k is.",
        ),
        (
            lambda p, truth, k: (
                _top_k_accuracy(p, truth, k) - _top_k_accuracy(p, truth, 1)
            ),
            "The best guess is lost there: a slice leaves out its end.",
        ),
        (
            lambda p, truth, k: _top_k_accuracy(-p, truth, k),
            "Those are the k least probable classes:"
            " argsort begins with the smallest value.",
        ),
        (
            lambda p, truth, k: (
                np.argsort(-p, axis=1)[:, :k] == truth[:, np.newaxis]
            ).sum(axis=1),
            "That is one number for each photo: take their mean.",
        ),
        (
            _labels_second,
            "Keras' metrics take the labels first, then the probabilities.",
        ),
        (
            lambda p, truth, k: _top_k_accuracy(p, truth, k) / k,
            "A photo counts once or not at all:"
            " of its k guesses at most one can be right.",
        ),
        (
            lambda p, truth, k: _top_k_accuracy(p, truth, k) * len(p),
            "That is the number of photos: divide it by how many there are.",
        ),
        (
            lambda p, truth, k: 100 * _top_k_accuracy(p, truth, k),
            "The share is asked for, from 0 to 1, not the percentage.",
        ),
        (
            lambda p, truth, k: 1 - _top_k_accuracy(p, truth, k),
            "That is the top-k error.",
        ),
        (
            lambda p, truth, k: (
                _top_k_accuracy(p, truth, k) - _top_k_accuracy(p, truth, k - 1)
            ),
            "Only the k-th guess counts there:"
            " any of the first k may be the right one.",
        ),
        (
            lambda p, truth, k: _top_k_accuracy(p, truth, k - 1),
            "One guess too few counts there: look at the ends of your slice.",
        ),
        (
            lambda p, truth, k: _top_k_accuracy(p, truth, k + 1),
            "One guess too many counts there: look at the ends of your slice.",
        ),
        (
            lambda p, truth, k: np.isin(truth, np.argsort(-p, axis=1)[:, :k]).mean(),
            "Each photo has guesses of its own:"
            " compare its label with its own row alone.",
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
