"""The exercises of notebook 14_look_inside."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise

exercise(
    "14.1",
    49,
    hints=[
        (36, "Count the start as well: from 0 to 24 in steps of 4."),
        (
            64,
            "The square stays inside the image: its corner cannot go further than 24.",
        ),
        (81, "The square stays inside the image: a corner at 28 or 32 would leave it."),
        (48, "The uncovered image is not among the squares: take nothing away for it."),
        (169, "That is with steps of 2."),
        (7, "The square moves down as well."),
        (16, "The squares overlap: they move by 4, not by 8."),
        (625, "That is with steps of 1."),
        (50, "The uncovered image is not counted."),
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
            "Add up first, then set what is negative to 0.",
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
            lambda maps, gradient: (maps * np.abs(gradient)).sum(axis=-1),
            "The gradient keeps its sign.",
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

exercise(
    "14.3",
    6.3,
    hints=[
        (
            3.3,
            "The score of the grey image is negative:"
            " from -1.5 to 7.2 it is further than 5.7.",
        ),
        (
            5.7,
            "The score of the grey image is negative, and the parts outside the face"
            " are still in there.",
        ),
        (
            4.8,
            "The parts add up to a difference of two scores,"
            " and that of the grey image is not 0.",
        ),
        (8.7, "That is the sum of all parts: take away those outside the face."),
        (
            11.1,
            "All parts together make the difference of the scores: take away those"
            " outside the face.",
        ),
        (
            -6.3,
            "The photo has the higher score: its score minus that of the grey image.",
        ),
    ],
)
