"""The exercises of notebook 04_max_pooling."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise


def _pooling(summary=np.mean, in_type_of_x=False):
    def pool(x, size, stride):
        views = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
        result = summary(views[:, ::stride, ::stride], axis=(-2, -1))
        return result.astype(x.dtype) if in_type_of_x else result

    return pool


_average_pool = _pooling()


def _average_pool_as_if_square(x, size, stride):
    places = [stride * step for step in range((x.shape[1] - size) // stride + 1)]
    rows = [[x[:, i : i + size, j : j + size].mean(axis=(1, 2)) for j in places] for i in places]
    return np.moveaxis(np.array(rows), 2, 0)


exercise(
    "04.1",
    [[5, 8], [6, 3]],
    hints=[
        ([[5, 8, 8], [4, 8, 8], [6, 3, 3]], "That is stride 1: the window moves by 2."),
        (
            [[3.25, 2.75], [2.0, 1.75]],
            "Those are the means: max pooling keeps the largest value of each window.",
        ),
        (
            [[13, 11], [8, 7]],
            "Those are the sums: max pooling keeps the largest value of each window.",
        ),
        ([[1, 0], [0, 1]], "Those are the smallest values."),
        (
            [[1, 2], [0, 1]],
            "Those are the upper left corners of the windows: take the largest value of each.",
        ),
        ([[5, 6], [8, 3]], "Rows and columns are exchanged."),
        ([5, 8, 6, 3], "The numbers are right: write them as two rows of two."),
        ([[5, 8], [2, 6]], "Those are the largest values of the rows."),
        (8, "That is the largest value of the whole map: there are four windows."),
    ],
)
exercise(
    "04.2",
    56,
    hints=[
        (55, "That forgets the padding, one row on each side, or the + 1."),
        (57, "The last position would overhang: round down."),
        (55.5, "That forgets the padding or the + 1, and the size is rounded down."),
        (56.5, "Rounded down, since there is no half window."),
        (112, "That is the size with a stride of 1."),
        (110, "That is a stride of 1 without padding."),
        (28, "That is halved once too often."),
    ],
)
exercise(
    "04.3",
    2,
    hints=[
        (8, "Look at the moves in the lesson: some of them change the pooled row."),
        (0, "Begin at place 0: how many windows contain it, and how many contain place 1?"),
        (6, "Those are the moves that change something."),
        (4, "That is right for windows of 2; here they are 3 wide and overlap."),
        (3, "Write down for each place which of the four windows contain it, and compare neighbours."),
        (1, "That is one end of the row: look at the other one, too."),
        (7, "There are eight moves, and more than one of them changes the pooled row."),
    ],
)
exercise(
    "04.4",
    _average_pool,
    cases=[
        (np.random.default_rng(0).normal(size=(2, 8, 7, 3)), 3, 2),
        (np.random.default_rng(1).integers(0, 9, (1, 9, 12, 2)), 2, 3),
        (np.random.default_rng(2).normal(size=(3, 5, 5, 1)), 5, 1),
        (np.random.default_rng(3).normal(size=(1, 13, 6, 4)), 3, 1),
    ],
    wrong=[
        (_pooling(np.max), "That is the maximum of each window."),
        (
            _pooling(np.sum),
            "That is the sum of each window: divide by the number of its values.",
        ),
        (
            lambda x, size, stride: _average_pool(x, size, 1),
            "That is a stride of 1: move the window by `stride`.",
        ),
        (
            lambda x, size, stride: _average_pool(x, 3, 2),
            "Use the size and the stride that are passed, not 3 and 2.",
        ),
        (
            lambda x, size, stride: _average_pool(x, size, size),
            "That moves the window by its size, not by `stride`.",
        ),
        (
            lambda x, size, stride: _average_pool(x, size, stride).mean(axis=-1, keepdims=True),
            "Each channel has a mean of its own: average over the window only.",
        ),
        (
            _average_pool_as_if_square,
            "The height and the width can differ: count the windows along each of them.",
        ),
        (
            _pooling(in_type_of_x=True),
            "For integers x your result holds integers, which lose the fractions of means.",
        ),
    ],
)
