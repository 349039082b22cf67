"""The exercises of notebook 14_look_inside."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise

exercise(
    "14.1",
    0.18,
    hints=[
        (
            0.02,
            "These untrained networks have A's layers: compare B's maps with those of"
            " networks that differ from B in nothing but what it learned.",
        ),
        (
            -0.03,
            "The photo's difference from grey uses no network: compare B's maps with"
            " those of networks that differ from B in nothing but what it learned.",
        ),
        (
            0.3,
            "A part of this likeness is there without any learning: subtract the"
            " control's.",
        ),
        (
            0.16,
            "That is the difference of two controls: what A's layers do in place of"
            " B's, without any learning.",
        ),
        (0.12, "That is the control: by how much is B itself above it?"),
        (-0.18, "The trained network comes first: its likeness minus the control's."),
        (0.42, "Subtract the control's likeness, do not add it."),
        (
            0.1,
            "The controls answer different questions: take the one that has B's"
            " layers, not the mean of both.",
        ),
        (0.4, "That is the control's share: the difference is asked for."),
        (0.6, "That is the share of the likeness: the difference is asked for."),
        (2.5, "That is the ratio: the difference is asked for."),
    ],
)

_RNG = np.random.default_rng(13)


def _place_by_place(maps, gradient):
    return np.maximum(np.einsum("hwc,hwc->hw", maps, gradient), 0.0)


# In the first case each usual slip finds another map.
_MAPS, _MAP_GRADIENT = _RNG.random((3, 4, 5)), _RNG.normal(size=(3, 4, 5))

exercise(
    "14.2",
    _place_by_place,
    cases=[
        (_MAPS, _MAP_GRADIENT),
        (_RNG.random((6, 2, 3)), _RNG.normal(size=(6, 2, 3))),
        (_RNG.integers(0, 9, (4, 4, 2)), _RNG.integers(-9, 9, (4, 4, 2))),
    ],
    wrong=[
        (
            lambda maps, gradient: np.maximum(
                (maps * gradient.mean(axis=(0, 1))).sum(axis=-1), 0
            ),
            "That is Grad-CAM: do not average the gradient over the places.",
        ),
        (
            lambda maps, gradient: (maps * gradient).sum(axis=-1),
            "The last step is missing: what is negative becomes 0.",
        ),
        (
            lambda maps, gradient: np.maximum(maps * gradient, 0).sum(axis=-1),
            "Add up first: cut the sum at 0, not the products or the gradient.",
        ),
        (
            lambda maps, gradient: np.maximum((maps * gradient).mean(axis=-1), 0),
            "Add the products up: that is their mean.",
        ),
        (
            lambda maps, gradient: np.maximum(maps * gradient, 0),
            "The products are not added up yet: sum over the channels.",
        ),
        (
            lambda maps, gradient: np.abs((maps * gradient).sum(axis=-1)),
            "What is negative becomes 0, not positive.",
        ),
        (
            lambda maps, gradient: np.maximum(
                maps.sum(axis=-1) * gradient.sum(axis=-1), 0
            ),
            "That adds the maps and the gradients up apart: multiply first.",
        ),
        (
            lambda maps, gradient: np.maximum(
                (maps * gradient.sum(axis=(0, 1))).sum(axis=-1), 0
            ),
            "That gives each map one weight, as Grad-CAM does: do not sum the gradient"
            " over the places.",
        ),
        (
            lambda maps, gradient: np.maximum(
                (maps * gradient.mean(axis=-1, keepdims=True)).sum(axis=-1), 0
            ),
            "Each map has a gradient of its own:"
            " do not average the gradient over the maps.",
        ),
        (
            lambda maps, gradient: np.minimum((maps * gradient).sum(axis=-1), 0),
            "That keeps what is negative: keep what is positive, with `np.maximum`.",
        ),
        (
            lambda maps, gradient: (maps * np.abs(gradient)).sum(axis=-1),
            "The gradient keeps its sign.",
        ),
        (
            lambda maps, gradient: gradient.sum(axis=-1),
            "That is the gradient alone: multiply it with the maps.",
        ),
        (
            lambda maps, gradient: np.maximum(gradient.sum(axis=-1), 0),
            "That is the gradient alone: multiply it with the maps.",
        ),
        (
            lambda maps, gradient: np.maximum((maps + gradient).sum(axis=-1), 0),
            "Multiply the gradient with the maps: that adds the two.",
        ),
        (
            lambda maps, gradient: np.maximum((maps * gradient).max(axis=-1), 0),
            "Add the products up: that is the largest of them.",
        ),
        (
            lambda maps, gradient: (
                _place_by_place(maps, gradient)
                / (_place_by_place(maps, gradient).max(initial=0) or 1)
            ),
            "The definition does not divide by the largest value.",
        ),
    ],
)


def _lead(scores, labels):
    rows = np.arange(len(scores))
    others = np.array(scores, dtype=float)
    others[rows, labels] = -np.inf
    return scores[rows, labels] - others.max(axis=1)


def _of_the_right_class(scores, labels):
    return scores[np.arange(len(scores)), labels]


def _right_class_at_zero(scores, labels):
    rows = np.arange(len(scores))
    others = np.array(scores, dtype=float)
    others[rows, labels] = 0
    return scores[rows, labels] - others.max(axis=1)


def _every_label_left_out(scores, labels):
    others = np.array(scores, dtype=float)
    others[:, labels] = -np.inf
    return _of_the_right_class(scores, labels) - others.max(axis=1)


def _all_equal_scores_left_out(scores, labels):
    right = _of_the_right_class(scores, labels)
    others = np.where(scores == right[:, np.newaxis], -np.inf, scores)
    return right - others.max(axis=1)


def _mean_of_the_others(scores, labels):
    right = _of_the_right_class(scores, labels)
    return (scores.sum(axis=1) - right) / (scores.shape[1] - 1)


def _best_two(scores):
    return np.sort(scores, axis=1)[:, -2:]


def _shares(scores):
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


exercise(
    "14.3",
    _lead,
    cases=[
        (
            np.array([[2.0, 5.0, 1.0], [4.0, 3.0, -1.0], [0.0, 0.5, 2.5]]),
            np.array([1, 1, 0]),
        ),
        (_RNG.normal(size=(7, 4)), np.array([0, 3, 2, 1, 1, 0, 2])),
        (_RNG.normal(size=(5, 10)) - 4, np.array([9, 0, 4, 4, 7])),
        (np.array([[1.0, 3.0, 3.0, 0.0], [2.0, 0.5, 1.0, 2.0]]), np.array([1, 0])),
    ],
    wrong=[
        (
            lambda scores, labels: (
                _of_the_right_class(scores, labels) - scores.max(axis=1)
            ),
            "Leave the right class out of the others: where it has the best score,"
            " that gives 0.",
        ),
        (
            lambda scores, labels: (
                _of_the_right_class(scores, labels)
                - _mean_of_the_others(scores, labels)
            ),
            "Subtract the best of the others, not their mean.",
        ),
        (
            lambda scores, labels: (
                _of_the_right_class(scores, labels) - scores.mean(axis=1)
            ),
            "Subtract the best of the others, not the mean of all.",
        ),
        (
            lambda scores, labels: _best_two(scores)[:, 1] - _best_two(scores)[:, 0],
            "That is the best score minus the second best:"
            " where the network is wrong, the lead is negative.",
        ),
        (
            lambda scores, labels: -_lead(scores, labels),
            "The right class comes first: its score minus the best of the others.",
        ),
        (
            lambda scores, labels: np.abs(_lead(scores, labels)),
            "Where the network is wrong, the lead is negative.",
        ),
        (
            lambda scores, labels: np.maximum(_lead(scores, labels), 0),
            "Where the network is wrong, the lead is negative, not 0.",
        ),
        (
            lambda scores, labels: _lead(scores, labels).mean(),
            "Return one lead for each image: do not average them yet.",
        ),
        (
            _right_class_at_zero,
            "The right class is set to 0, but 0 can be the largest:"
            " set it to -infinity, or leave it out.",
        ),
        (
            lambda scores, labels: _right_class_at_zero(scores + 1, labels),
            "The right class is set to -1, but -1 can be the largest:"
            " set it to -infinity, or leave it out.",
        ),
        (
            lambda scores, labels: (
                _of_the_right_class(scores, labels) - scores.max(axis=0)[labels]
            ),
            "`axis=0` takes the largest over the images:"
            " take each row's own, with `axis=1`, and leave the right class out.",
        ),
        (
            _every_label_left_out,
            "That leaves out the labels of all images in every row: pair each row"
            " with its own label, `[np.arange(len(scores)), labels]`.",
        ),
        (
            lambda scores, labels: (
                _of_the_right_class(scores, labels) - _best_two(scores)[:, 0]
            ),
            "The second best score is the best of the others only where the right class"
            " is the best: leave the right class out, then take the largest.",
        ),
        (
            _all_equal_scores_left_out,
            "Where another class has the same score, the lead is 0: leave out the right"
            " class alone, not every score that equals its own.",
        ),
        (
            lambda scores, labels: _lead(_shares(scores), labels),
            "Compare scores, not probabilities: leave softmax out.",
        ),
        (
            lambda scores, labels: _of_the_right_class(scores, labels),
            "That is the score of the right class alone:"
            " subtract the best of the others.",
        ),
    ],
)
