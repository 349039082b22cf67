"""The exercises of notebook 04_max_pooling."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise

exercise(
    "04.1",
    [[-1, -1], [-5, -2]],
    hints=[
        (
            [[0, 0], [0, -2]],
            "A 0 at the border won: what is padded must never be the largest.",
        ),
        (
            [[0, 0], [0, 0]],
            "That is after ReLU, or zeros have won: pool the numbers as they are.",
        ),
        (
            -1,
            "That is the window at the upper left without padding: with it,"
            " there are four windows.",
        ),
        (
            [[-1, -2], [-5, -2]],
            "Those are windows of 2×2 without padding, or windows that move by 3.",
        ),
        (
            [[-1, -2], [-3, -2]],
            "That pads below and on the right only, as Keras does: pad each side by 1.",
        ),
        ([[-6, -7], [-9, -9]], "Those are the smallest values: −1 is larger than −6."),
        ([[-1, -5], [-1, -2]], "Rows and columns are exchanged."),
        ([-1, -1, -5, -2], "The numbers are right: write them as two rows of two."),
    ],
)

exercise(
    "04.2",
    2,
    hints=[
        (8, "Look at the moves in the lesson: some of them change the pooled row."),
        (
            0,
            "Begin at place 0: how many windows contain it,"
            " and how many contain place 1?",
        ),
        (6, "Those are the moves that change something."),
        (4, "That is right for windows of 2; here they are 3 wide and overlap."),
        (
            3,
            "Write down for each place which of the four windows contain it, and"
            " compare neighbours.",
        ),
        (1, "That is one end of the row: look at the other one, too."),
        (7, "There are eight moves, and more than one of them changes the pooled row."),
    ],
)


def _pooling(summary=np.mean, in_type_of_x=False):
    def pool(x, size, stride):
        views = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
        result = summary(views[:, ::stride, ::stride], axis=(-2, -1))
        return result.astype(x.dtype) if in_type_of_x else result

    return pool


_average_pool = _pooling()


def _mean_over(axis):
    """Return average pooling that takes the mean over other axes as well."""

    def pool(x, size, stride):
        means = _average_pool(x, size, stride)
        return np.broadcast_to(means.mean(axis=axis, keepdims=True), means.shape)

    return pool


def _average_pool_as_if_square(x, size, stride):
    places = [stride * step for step in range((x.shape[1] - size) // stride + 1)]
    rows = [
        [x[:, i : i + size, j : j + size].mean(axis=(1, 2)) for j in places]
        for i in places
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def _mean_of_nine(x, size, stride):
    return _pooling(np.sum)(x, size, stride) / 9


def _mean_as_in_one_map(x, size, stride):
    """Take axes 2 and 3 of the windows, which are right for a single map."""
    views = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return views[:, ::stride, ::stride].mean(axis=(2, 3))


def _mean_over_a_row_and_the_channels(x, size, stride):
    """Take axes 3 and 4 of the windows, where their sides are axes 4 and 5."""
    views = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return views[:, ::stride, ::stride].mean(axis=(3, 4))


exercise(
    "04.3",
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
            _mean_of_nine,
            "You always divide by 9: a window has `size` times `size` values.",
        ),
        (
            _mean_as_in_one_map,
            "Axes 2 and 3 are right for one map: with images and channels, the"
            " window's axes are the last two, 4 and 5.",
        ),
        (
            _mean_over_a_row_and_the_channels,
            "Axis 3 holds the channels: the window's axes are the last two, 4 and 5.",
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
            lambda x, size, stride: _average_pool(x, size, stride).mean(
                axis=-1, keepdims=True
            ),
            "Each channel has a mean of its own: average over the window only.",
        ),
        (
            _mean_over((0, 3)),
            "Each image and each channel has a mean of its own:"
            " give `mean` the axes of the window.",
        ),
        (
            _mean_over(3),
            "Each channel has a mean of its own: give `mean` the axes of the window.",
        ),
        (
            _mean_over(0),
            "Each image has a mean of its own: give `mean` the axes of the window.",
        ),
        (
            _average_pool_as_if_square,
            "The height and the width can differ:"
            " count the windows along each of them.",
        ),
        (
            _pooling(in_type_of_x=True),
            "For integers x your result holds integers,"
            " which lose the fractions of means.",
        ),
    ],
)
