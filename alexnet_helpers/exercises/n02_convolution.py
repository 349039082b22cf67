"""The exercises of notebook 02_convolution."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise
from alexnet_helpers.exercises.functions import as_result, call

_SHIFT = np.array([[0, 0, 0], [1.0, 0, 0], [0, 0, 0]])  # floats: within 1e-6


def _windows(x, size):
    """Return the windows of N x T x C sounds: N x places x channels x size."""
    return np.lib.stride_tricks.sliding_window_view(x, size, axis=1)


def _conv1d(x, weights, bias, stride, padding):
    x = np.pad(x, [(0, 0), (padding, padding), (0, 0)])
    windows = _windows(x, len(weights))[:, ::stride]
    return np.einsum("ntck,kcf->ntf", windows, weights * 1.0) + bias


def _untransposed(x, weights, bias, stride, padding):
    x = np.pad(x, [(0, 0), (padding, padding), (0, 0)])
    windows = _windows(x, len(weights))[:, ::stride]
    rows = windows.reshape(*windows.shape[:2], -1)
    return rows @ weights.reshape(-1, weights.shape[2]) + bias


def _in_whole_numbers(x, weights, bias, stride, padding):
    return _conv1d(x, weights, bias, stride, padding).astype(x.dtype)


def _weights_cut(x, weights, bias, stride, padding):
    return _conv1d(x, weights.astype(x.dtype), bias, stride, padding)


def _filters_scrambled(x, weights, bias, stride, padding):
    y = _conv1d(x, weights, bias, stride, padding)
    return y.transpose(0, 2, 1).reshape(y.shape)


def _line(size):
    """Return a line of ones that rises from the lower left to the upper right."""
    return np.eye(size)[::-1]


def _ends(size):
    """Return a row with a 1 at each end, and 0 between."""
    return np.eye(size)[[0, -1]].sum(axis=0)


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
        if hint := _flaw_in_weights(found, size) or _flaw_in_responses(found, size):
            return hint
    return None


def _flaw_in_weights(found, size):
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


def _flaw_in_responses(found, size):
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
    end = -(-size // 3)  # a third of the line, rounded up
    middle = np.diag(found[::-1])[end : size - end]
    if middle.min() <= 0:
        return (
            "In the middle third of the rising line all weights should be positive:"
            f" for size = {size}, one is {middle.min():.2f}."
        )
    return None


def _cases():
    """Return cases of other sizes, strides, paddings and types each."""
    rng, cases = np.random.default_rng(2), []
    for n, length, channels, filters, size, stride, padding in (
        (1, 6, 1, 1, 3, 1, 0),
        (2, 7, 2, 3, 3, 1, 0),
        (1, 9, 3, 2, 4, 2, 0),
        (2, 9, 2, 4, 2, 3, 1),
        (3, 5, 2, 2, 5, 1, 2),
    ):
        x = rng.integers(-9, 10, (n, length, channels)) / 4
        weights = rng.integers(-9, 10, (size, channels, filters)) / 4
        cases.append((x, weights, rng.integers(1, 9, filters) / 4, stride, padding))
    whole = rng.integers(-9, 10, (2, 8, 2))  # whole numbers, under fractions
    weights = rng.integers(-9, 10, (3, 2, 3)) / 4
    return [*cases, (whole, weights, np.array([0.5, 0.0, -1.5]), 2, 1)]


exercise(
    "02.1",
    _SHIFT,
    hints=[
        (
            _SHIFT[:, ::-1],
            (
                "That moves the image to the left: each output takes the pixel on its"
                " right."
            ),
        ),
        (
            2 * _SHIFT,
            (
                "That moves the image, and doubles its values: they should stay as they"
                " are."
            ),
        ),
        (_SHIFT.T, "That moves the image down."),
        (
            -_SHIFT,
            "That moves the image, and turns the sign of its values: a 1 becomes -1.",
        ),
        (np.zeros((3, 3)), "That gives 0 everywhere: no pixel is taken at all."),
        (
            _SHIFT + np.diag([0, 1, 0]),
            (
                "That adds the pixel itself to the one on its left: only one of them is"
                " wanted."
            ),
        ),
        (
            _SHIFT + _SHIFT[:, ::-1],
            "That adds up the pixels on both sides: one of them is wanted.",
        ),
        (
            np.array([[0, 0, 0], [0, 0, 0], [1.0, 0, 0]]),
            (
                "That moves the image up, too: each output takes the pixel below and to"
                " the left."
            ),
        ),
        (_SHIFT.T[::-1], "That moves the image up."),
        (np.diag([0, 1.0, 0]), "That leaves the image where it is."),
        (
            np.eye(3),
            "That adds up three pixels on a diagonal: one of them is wanted.",
        ),
        (_SHIFT - _SHIFT[:, ::-1], "That subtracts the pixel on the right, too."),
        (
            np.array([[1.0, 0, 0]] * 3),
            "That adds up the three pixels on the left: one of them is wanted.",
        ),
        (
            np.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 0]]),
            (
                "That moves the image down, too: each output takes the pixel above and"
                " to the left."
            ),
        ),
        (
            np.array([[1.0, 0, -1]] * 3),
            (
                "That adds up the left column and subtracts the right one: one pixel on"
                " the left is wanted."
            ),
        ),
    ],
)
exercise(
    "02.2",
    judge=judge_whisker,
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
        (
            lambda size: _centred(_line(size) * _ends(size)),
            "In the middle third of the rising line",
        ),
    ],
    remark=(
        "Now run mark(whisker(9)) and look; the solutions say where the marks of"
        " theirs lie, and why."
    ),
)
exercise(
    "02.3",
    _conv1d,
    cases=_cases,
    wrong=[
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x, weights[::-1], bias, stride, padding
            ),
            "That is a convolution, the weights turned round: leave them unturned.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x, weights, 0 * bias, stride, padding
            ),
            "The bias is missing: each filter adds its own to all of its numbers.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x, weights, bias, stride, 0
            ),
            "The padding is missing: it adds zeros before and behind the sound.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x, weights, bias, 1, padding
            ),
            (
                "With a stride of 2, only every second window counts: take every"
                " `stride`-th."
            ),
        ),
        (
            _untransposed,
            (
                "A row of your windows has the channels before the time, the weights"
                " have them behind it."
            ),
        ),
        (
            _in_whole_numbers,
            "The sums can be fractions: do not turn them into whole numbers.",
        ),
        (
            _weights_cut,
            "The weights are fractions: do not turn them into whole numbers.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x[:, ::stride], weights, bias, 1, padding
            ),
            "The windows move by the stride; within a window no value is left out.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x, weights, bias, stride, padding
            )[:, :-1],
            (
                "A window is missing: there are (values − size) // stride + 1"
                " of them, values with the padding."
            ),
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                np.pad(x, [(0, 0), (0, 2 * padding), (0, 0)]), weights, bias, stride, 0
            ),
            "All zeros of the padding stand behind the sound: put half before it.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                np.pad(x, [(0, 0), (2 * padding, 0), (0, 0)]), weights, bias, stride, 0
            ),
            "All zeros of the padding stand before the sound: put half behind it.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                np.pad(x, [(0, 0), (padding, padding), (0, 0)], "edge"),
                weights,
                bias,
                stride,
                0,
            ),
            "That repeats the values at the border: the padding is zeros.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x, weights, bias, stride, padding
            ).sum(axis=2),
            "That adds up the filters: each gives a number of its own.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x, weights, bias, stride, padding
            ).transpose(0, 2, 1),
            "The axes are N×filters×places: the filters come last.",
        ),
        (
            _filters_scrambled,
            (
                "The numbers are right and out of order: the matrix product has a row"
                " for each place, a column for each filter."
            ),
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x, weights, bias, stride, padding
            ).astype(int),
            "The sums can be fractions: do not turn them into whole numbers.",
        ),
        (
            lambda x, weights, bias, stride, padding: np.concatenate(
                _conv1d(x, weights, bias, stride, padding)
            ),
            "The sounds of the batch are run together: give the result three axes.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x, weights, bias.sum(), stride, padding
            ),
            "That adds the biases of all filters: each filter has its own.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x, weights, bias * weights[..., 0].size, stride, padding
            ),
            "That adds the bias to every product: it is added once to each sum.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x, weights, bias * weights.shape[1], stride, padding
            ),
            "That adds the bias for each channel: it is added once to each sum.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x[:1], weights, bias, stride, padding
            ),
            "That convolves only the first sound of the batch.",
        ),
        (
            lambda x, weights, bias, stride, padding: _conv1d(
                x[..., :1], weights[:, :1], bias, stride, padding
            ),
            "That uses only the first channel: all of them go into the sum.",
        ),
    ],
)
