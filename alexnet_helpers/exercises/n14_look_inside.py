"""The exercises of notebook 14_look_inside."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise

_RNG = np.random.default_rng(13)


def _cover(image, row, column, side):
    covered = image.copy()
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            if 0 <= i - (row - side // 2) < side and 0 <= j - (column - side // 2) < side:
                covered[i, j] = 128
    return covered


def _cover_slice(image, top, left, height, width):
    covered = image.copy()
    covered[top : top + height, left : left + width] = 128
    return covered


def _cover_in_place(image, row, column, side):
    image[
        max(row - side // 2, 0) : row - side // 2 + side,
        max(column - side // 2, 0) : column - side // 2 + side,
    ] = 128
    return image


def _cosines(query, gallery):
    return gallery @ query / np.sqrt((gallery**2).sum(axis=1)) / np.sqrt((query**2).sum())


def _nearest(query, gallery):
    return _cosines(query, gallery).argmax()


def _grad_cam(maps, gradient):
    weights = gradient.sum(axis=(0, 1)) / gradient[..., 0].size
    return np.maximum(np.einsum("hwc,c->hw", maps, weights), 0.0)


_IMAGE = np.arange(6 * 7 * 3, dtype=np.uint8).reshape(6, 7, 3)
# For the first query each usual slip finds another row.
_GALLERY = np.array(
    [
        [9.0, 9.0, 0.0],
        [0.1, 0.0, 0.1],
        [-3.0, 0.5, -4.0],
        [0.0, 2.0, 0.0],
        [1.0, 1.5, 3.0],
    ]
)
_MAPS, _MAP_GRADIENT = _RNG.random((3, 4, 5)), _RNG.normal(size=(3, 4, 5))

exercise(
    "14.1",
    49,
    hints=[
        (36, "Count the start as well: from 0 to 24 in steps of 4."),
        (
            64,
            "The square stays inside the image: its corner cannot go further than 24.",
        ),
        (169, "That is with steps of 2."),
        (7, "The square moves down as well."),
        (16, "The squares overlap: they move by 4, not by 8."),
        (625, "That is with steps of 1."),
        (50, "The uncovered image is not counted."),
    ],
)
exercise(
    "14.2",
    0.4,
    hints=[
        (0.6, "That is the share of grey."),
        (0.18, "That is the sum of squares without the mean: divide it by the whole."),
        (0.2, "Divide by the sum of the squares, 0.45."),
        (
            0.45,
            "That is the sum of the squares: which part of it is left without the mean?",
        ),
        (0.4**0.5, "The share is one of squares: do not take the root."),
        (2 / 3, "Squares are compared: 0.3, 0 and -0.3 against 0.6, 0.3 and 0."),
        (
            0.06,
            "That is the mean of the squares: divide the sum, 0.18, by the sum of the squares of the weights.",
        ),
        (0.3, "That is the mean of the weights: subtract it from each."),
    ],
)
exercise(
    "14.3",
    _cover,
    cases=[
        (_IMAGE, 2, 4, 3),
        (_IMAGE, 3, 3, 2),
        (_IMAGE, 0, 6, 4),
        (_IMAGE, 5, 0, 4),
        (_RNG.integers(0, 256, (9, 5, 3)).astype(np.uint8), 1, 1, 5),
    ],
    wrong=[
        (
            lambda image, row, column, side: _cover_slice(image, row, column, side, side),
            "Row and column are the middle of the square, not its corner.",
        ),
        (
            lambda image, row, column, side: _cover(image, column, row, side),
            "Row and column are exchanged.",
        ),
        (
            lambda image, row, column, side: np.where(_cover(image, row, column, side) != image, 0, image),
            "The square is not black: its value is 128.",
        ),
        (
            lambda image, row, column, side: _cover(image, row, column, 2 * (side // 2) + 1),
            "A square with an even side is one pixel too large: from the corner on, it has `side` pixels.",
        ),
        (
            lambda image, row, column, side: _cover_slice(image, row - side // 2, column - side // 2, side, side),
            "Where the square leaves the image, a start below 0 counts from the end.",
        ),
        (
            lambda image, row, column, side: _cover_slice(
                image, max(row - side // 2, 0), max(column - side // 2, 0), side, side
            ),
            "At the edge the square moves into the image: only its start may be cut off, not its end moved.",
        ),
        (
            _cover_in_place,
            "Your function changes the argument that is passed: work on a copy of it.",
        ),
        (
            lambda image, row, column, side: _cover(image, row, column, side).astype(float),
            "The values are right, but the result is float64 instead of uint8.",
        ),
    ],
)
exercise(
    "14.4",
    _nearest,
    cases=[
        (np.array([2.0, 0.3, 2.0]), _GALLERY),
        (np.array([3, -1]), np.array([[-6, 2], [1, 0], [10, 8], [2, -1]])),
        (np.array([-1.0, 0.0, -1.0]), _GALLERY),
        (np.array([0.0, 0.2, 0.0]), _GALLERY),
        (_RNG.normal(size=7), _RNG.normal(size=(20, 7))),
    ],
    wrong=[
        (
            lambda query, gallery: (gallery @ query).argmax(),
            "That is the largest inner product: divide it by the lengths.",
        ),
        (
            lambda query, gallery: ((gallery - query) ** 2).sum(axis=1).argmin(),
            "That is the smallest distance: the angle between the vectors is asked for.",
        ),
        (
            lambda query, gallery: np.abs(_cosines(query, gallery)).argmax(),
            "The sign counts: a vector in the opposite direction is the farthest.",
        ),
        (
            lambda query, gallery: _cosines(query, gallery).argmin(),
            "That is the smallest cosine.",
        ),
        (
            lambda query, gallery: _cosines(query, gallery).max(),
            "That is the cosine itself: its position is asked for.",
        ),
        (
            lambda query, gallery: gallery[_nearest(query, gallery)],
            "That is the row itself: its position is asked for.",
        ),
        (
            lambda query, gallery: (gallery @ query / (gallery**2).sum(axis=1)).argmax(),
            "That divides by the square of the length: take its root.",
        ),
        (
            lambda query, gallery: float(_nearest(query, gallery)),
            "it has to be an integer",
        ),
    ],
)
exercise(
    "14.5",
    _grad_cam,
    cases=[
        (_MAPS, _MAP_GRADIENT),
        (_RNG.random((6, 2, 3)), _RNG.normal(size=(6, 2, 3))),
        (_RNG.integers(0, 9, (4, 4, 2)), _RNG.integers(-9, 9, (4, 4, 2))),
    ],
    wrong=[
        (
            lambda maps, gradient: (maps * gradient.mean(axis=(0, 1))).sum(axis=-1),
            "The last step is missing: what is negative becomes 0.",
        ),
        (
            lambda maps, gradient: np.maximum((maps * gradient).sum(axis=-1), 0),
            "That multiplies place by place: average the gradient over the places first.",
        ),
        (
            lambda maps, gradient: np.maximum(maps * gradient.mean(axis=(0, 1)), 0).sum(axis=-1),
            "Add up first, then set what is negative to 0.",
        ),
        (
            lambda maps, gradient: np.maximum((maps * gradient.sum(axis=(0, 1))).sum(axis=-1), 0),
            "Average the gradient over the places: that is its sum.",
        ),
        (
            lambda maps, gradient: np.maximum((maps * gradient.mean(axis=(0, 1))).mean(axis=-1), 0),
            "Add the weighted maps up: that is their mean.",
        ),
        (
            lambda maps, gradient: np.maximum(maps * gradient.mean(axis=(0, 1)), 0),
            "The maps are not added up yet: sum over the channels.",
        ),
        (
            lambda maps, gradient: np.abs((maps * gradient.mean(axis=(0, 1))).sum(axis=-1)),
            "What is negative becomes 0, not positive.",
        ),
    ],
)
