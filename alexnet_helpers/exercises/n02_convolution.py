"""The exercises of notebook 02_convolution."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise
from alexnet_helpers.exercises.functions import as_result, call

_SHIFT = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]])

exercise(
    "02.1",
    _SHIFT,
    hints=[
        (
            _SHIFT[:, ::-1],
            "That moves the image to the left:"
            " each output takes the pixel on its right.",
        ),
        (
            2 * _SHIFT,
            "That moves the image, and doubles its values:"
            " they should stay as they are.",
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
        (
            np.array([[1, 0, 0], [0, 0, 0], [0, 0, 0]]),
            "That moves the image down, too:"
            " each output takes the pixel above and to the left.",
        ),
        (
            np.array([[1, 0, -1]] * 3),
            "That adds up the left column and subtracts the right one: one pixel on the"
            " left is wanted.",
        ),
    ],
)


def _line(size):
    """Return a line of ones that rises from the lower left to the upper right."""
    return np.eye(size)[::-1]


def _unit(values):
    return values / np.linalg.norm(values)


def _centred(values):
    return _unit(values - values.mean())


def judge_whisker(function, sizes=(5, 9, 11)):
    """Return None if the filter fits its description at these sizes, or else a hint."""
    for size in sizes:
        found = as_result(call(function, size))
        if found.shape != (size, size):
            return (
                f"For size = {size} the filter has the shape {(size, size)}, yours"
                f" {found.shape}."
            )
        if hint := _off_in_weights(found, size) or _off_in_responses(found, size):
            return hint
    return None


def _off_in_weights(found, size):
    if not np.isfinite(found).all():
        return f"For size = {size} the filter holds numbers that are not finite."
    if abs(found.sum()) > 1e-4:
        return (
            "On an even surface it should give 0: its weights add up to"
            f" {found.sum():.2f} for size = {size}."
        )
    if abs((found**2).sum() - 1) > 1e-4:
        return f"For size = {size} its sum of squares is {(found**2).sum():.4f}."
    return None


def _off_in_responses(found, size):
    rising, falling = (found * _line(size)).sum(), (found * np.eye(size)).sum()
    if rising <= 0:
        return (
            "It responds to a rising line with a negative number, or with 0:"
            " row 0 is the top row."
        )
    if falling > rising:
        return (
            "It responds more to a falling line than to a rising one:"
            " row 0 is the top row."
        )
    lines = {
        "that falls": falling,
        "that lies flat": found[size // 2].sum(),
        "upright": found[:, size // 2].sum(),
        "beside it on the left": (found * np.eye(size, k=-2)[::-1]).sum(),
        "beside it on the right": (found * np.eye(size, k=2)[::-1]).sum(),
    }
    for name, response in lines.items():
        if rising < 2 * abs(response):
            return (
                f"A rising line gives {rising:.2f}, not twice the size of what a"
                f" line {name} gives: {response:.2f}."
            )
    return None


exercise(
    "02.2",
    judge_whisker,
    wrong=[
        (lambda size: _unit(_line(size)), "On an even surface it should give 0"),
        (lambda size: _line(size) - _line(size).mean(), "its sum of squares is"),
        (
            lambda size: _centred(_line(size)[::-1]),
            "It responds more to a falling line",
        ),
        (
            lambda size: -_centred(_line(size)),
            "It responds to a rising line with a negative number",
        ),
        (
            lambda size: _centred(np.tri(size)[::-1]),
            "not twice the size of what a line beside it",
        ),
        (
            lambda size: _unit(_line(size) - np.eye(size)),
            "not twice the size of what a line that falls",
        ),
        (lambda size: _centred(_line(5)), "the filter has the shape"),
    ],
    remark="Now see what it finds in the photo: run mark(whisker(9)).",
)


def _windows(sound, size):
    return np.lib.stride_tricks.sliding_window_view(sound, size)


def _correlate(sound, kernel, stride):
    windows = _windows(sound, len(kernel))[::stride]
    return (windows * kernel).sum(axis=1).astype(float)


_SOUND = np.array([1.0, 3.0, 0.0, 2.0, 5.0, 4.0, 1.0])

exercise(
    "02.3",
    _correlate,
    cases=[
        (_SOUND, np.array([2.0, 0.0, -1.0]), 1),
        (_SOUND, np.array([2.0, 0.0, -1.0]), 2),
        (_SOUND, np.array([2.0, 0.0, -1.0]), 3),
        (np.array([3, 1, 4, 1, 5, 9, 2, 6, 5]), np.array([1, -2, 0, 3]), 2),
        (np.array([2, 7, 1, 8, 2]), np.array([1, 2, 3, 4, 5]), 1),
        (np.array([0.2, 0.5, 0.9, -0.4]), np.array([0.5, 1.0]), 1),
        (_SOUND, np.array([2.0]), 3),
    ],
    wrong=[
        (
            lambda sound, kernel, stride: np.convolve(sound, kernel, mode="valid")[
                ::stride
            ],
            "That is a convolution: the kernel is turned round. Leave it as it is.",
        ),
        (
            lambda sound, kernel, stride: np.correlate(sound, kernel, mode="valid"),
            "With a stride of 2, only every second window counts:"
            " take every `stride`-th.",
        ),
        (
            lambda sound, kernel, stride: np.correlate(sound, kernel, mode="same")[
                ::stride
            ],
            "That pads the signal with zeros: take the windows that lie in it.",
        ),
        (
            lambda sound, kernel, stride: _windows(sound, 3)[::stride] @ kernel,
            "A window is as long as the kernel, which need not be 3.",
        ),
        (
            lambda sound, kernel, stride: (
                _windows(sound[::stride], len(kernel)) @ kernel
            ),
            "The windows move by the stride; within a window no value is left out.",
        ),
        (
            lambda sound, kernel, stride: _correlate(sound, kernel, stride).astype(int),
            "The sums can be fractions: do not turn them into integers.",
        ),
        (
            lambda sound, kernel, stride: _correlate(sound, kernel, stride)[
                : len(sound) // stride
            ],
            "A window can be missing at the end:"
            " there are (values − weights) // stride + 1 windows.",
        ),
    ],
)
