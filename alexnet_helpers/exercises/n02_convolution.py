"""The exercises of notebook 02_convolution."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise

_SHIFT = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]])


def _windows_1d(signal, size):
    return np.lib.stride_tricks.sliding_window_view(signal, size)


def _correlate_1d(signal, kernel, stride):
    starts = range(0, len(signal) - len(kernel) + 1, stride)
    return np.array([float(np.sum(signal[start : start + len(kernel)] * kernel)) for start in starts])


_SIGNAL = np.array([1.0, 3.0, 0.0, 2.0, 5.0, 4.0, 1.0])

exercise(
    "02.1",
    2,
    hints=[
        (6, "You left out the pixel in the middle, which counts -4 times."),
        (-2, "The four neighbours count +1 each, the pixel in the middle -4 times."),
        (10, "The pixel in the middle is subtracted, 4 times."),
        (
            5,
            "Only the neighbours above, left, right and below count, and the middle -4 times.",
        ),
        (-10, "That is the window one column further to the right."),
        (-1, "That is the window one row further down."),
    ],
)
exercise(
    "02.2",
    614_656,
    hints=[
        (614_400, "Those are the weights; each filter has a bias too."),
        (6_656, "Each filter has a 5 x 5 slice for every one of the 96 channels."),
        (
            6_400,
            "Each filter has a 5 x 5 slice for every one of the 96 channels, and a bias.",
        ),
        (614_496, "There is one bias for each filter, not one for each input channel."),
        (
            307_456,
            "That is the paper's version with two towers; here every filter sees all 96 channels.",
        ),
        (2_401, "That is one filter with its bias; there are 256."),
    ],
)
exercise(
    "02.3",
    447_897_600,
    hints=[
        (4_665_600, "Each output sums over all 96 channels: 5 * 5 * 96 products."),
        (614_400, "Those are the weights: each one is used at 27 * 27 places."),
        (1_749_600, "That is one filter; there are 256."),
        (
            223_948_800,
            "That is the paper's version with two towers; here every filter sees all 96 channels.",
        ),
        (895_795_200, "A multiplication with its addition counts once here."),
        (186_624, "Those are the outputs: each is a sum of many products."),
    ],
)
exercise(
    "02.4",
    _SHIFT,
    hints=[
        (
            _SHIFT[:, ::-1],
            "That moves the image to the left: each output takes the pixel on its right.",
        ),
        (_SHIFT.T, "That moves the image down."),
        (_SHIFT.T[::-1], "That moves the image up."),
        (np.diag([0, 1, 0]), "That leaves the image where it is."),
        (
            np.eye(3, dtype=int),
            "That adds up three pixels on a diagonal: one of them is wanted.",
        ),
        (_SHIFT - _SHIFT[:, ::-1], "That subtracts the pixel on the right, too."),
        (
            np.array([[1, 0, 0]] * 3),
            "That adds up the three pixels on the left: one of them is wanted.",
        ),
    ],
)
exercise(
    "02.5",
    _correlate_1d,
    cases=[
        (_SIGNAL, np.array([2.0, 0.0, -1.0]), 1),
        (_SIGNAL, np.array([2.0, 0.0, -1.0]), 2),
        (_SIGNAL, np.array([2.0, 0.0, -1.0]), 3),
        (np.array([3, 1, 4, 1, 5, 9, 2, 6, 5]), np.array([1, -2, 0, 3]), 2),
        (np.array([2, 7, 1, 8, 2]), np.array([1, 2, 3, 4, 5]), 1),
    ],
    wrong=[
        (
            lambda signal, kernel, stride: np.convolve(signal, kernel, mode="valid")[::stride],
            "That is a convolution: the kernel is turned round. Leave it as it is.",
        ),
        (
            lambda signal, kernel, stride: np.correlate(signal, kernel, mode="valid"),
            "With a stride of 2, only every second window counts: take every `stride`-th.",
        ),
        (
            lambda signal, kernel, stride: np.correlate(signal, kernel, mode="same")[::stride],
            "That pads the signal with zeros: take the windows that lie in it.",
        ),
        (
            lambda signal, kernel, stride: _windows_1d(signal, 3)[::stride] @ kernel,
            "A window is as long as the kernel, which need not be 3.",
        ),
        (
            lambda signal, kernel, stride: _windows_1d(signal[::stride], len(kernel)) @ kernel,
            "The windows move by the stride; within a window no value is left out.",
        ),
    ],
)
