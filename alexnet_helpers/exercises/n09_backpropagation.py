"""The exercises of notebook 09_backpropagation."""

import numpy as np

from alexnet_helpers import numpy_layers
from alexnet_helpers.exercises.engine import exercise

exercise(
    "09.1",
    [-10, 16],
    hints=[
        ([16, -10], "Those are the right numbers in the other order."),
        (
            [-10, 4],
            "dk_0 is right. x_4 lies in two windows;"
            " you followed the one that ends there.",
        ),
        (
            [-10, 12],
            "dk_0 is right. x_4 lies in two windows;"
            " you followed the one that starts there.",
        ),
        (
            [-10, -14],
            "dk_0 is right. For dx_4 you paired each dy with the wrong end of the"
            " kernel.",
        ),
        ([-10, 48], "dk_0 is right. What do the contributions of different places do?"),
        (
            [-10, -8],
            "dk_0 is right; for dx_4 the outputs are two pixels apart, not one.",
        ),
        (
            [16, 16],
            "dx_4 is right; for dk_0 the windows start two pixels apart, not one.",
        ),
        (
            [14, 16],
            "dx_4 is right; the first number of the kernel meets the first pixel of"
            " each window, not the last.",
        ),
        (
            [16, -8],
            "With stride 2 the windows start two pixels apart, and so the outputs are"
            " two pixels apart, not one: in both sums.",
        ),
        (
            [-10, -2],
            "dk_0 is right. We count from 0, so x_4 is the fifth number, -1.",
        ),
        ([2, 16], "dx_4 is right; k_0 takes part in all three outputs."),
        (
            [15, 16],
            "dx_4 is right; that is dk_1. We count from 0, so k_0 is the first number"
            " of the kernel.",
        ),
        *(
            (
                [-10, dx_4],
                "dk_0 is right. x_4 ends the window of y_1 and starts that of y_2:"
                " which number of the kernel does it meet in each?",
            )
            for dx_4 in (8, -4)
        ),
        ([10, -16], "The sign is the other way round."),
        *(
            (
                [dk_0, 16],
                "dx_4 is right; dk_0 adds up three products: look at their signs.",
            )
            for dk_0 in (10, 6, -2)
        ),
        (-10, "That is dk_0; dx_4 is asked for as well."),
        (16, "That is dx_4; dk_0 is asked for as well."),
    ],
)


def _dense_relu_gradients(dy, x, W, b):
    return _from_dz(np.where(x @ W.T + b > 0, dy, 0), x, W)


def _from_dz(dz, x, W):
    return dz @ W, dz.T @ x, dz.sum(axis=0)


def _as_in_the_lesson(dz, x, W):
    return dz @ W.T, x.T @ dz, dz.sum(axis=0)


def _with(dx=None, dW=None, db=None):
    """Return the right function, with some results as functions of dz, dy, x, W."""

    def wrong(dy, x, W, b):
        dz = np.where(x @ W.T + b > 0, dy, 0)
        results = zip((dx, dW, db), _from_dz(dz, x, W))
        return tuple(
            replaced(dz, dy, x, W) if replaced else right for replaced, right in results
        )

    return wrong


def _dense_case(seed, images, inputs, units):
    rng = np.random.default_rng(seed)
    shapes = (images, units), (images, inputs), (units, inputs), units
    dy, x, W, b = (rng.normal(scale=2, size=shape).round(1) for shape in shapes)
    x[0], b[0] = 0, 0  # so that one input of the ReLU is exactly 0
    return dy, x, W, b


_MEAN = (
    "The mean over the batch belongs to the loss, and is in dy already: add up the"
    " images, do not divide."
)

exercise(
    "09.2",
    _dense_relu_gradients,
    # The first W is square, so that a wrong transpose gives a result and not an error.
    cases=[_dense_case(1, 4, 3, 3), _dense_case(2, 3, 2, 5)],
    wrong=[
        (
            lambda dy, x, W, b: _as_in_the_lesson(np.where(x @ W + b > 0, dy, 0), x, W),
            "Here each unit is a row of W, not a column:"
            " the formulas of the lesson, with W transposed.",
        ),
        (
            lambda dy, x, W, b: _as_in_the_lesson(
                np.where(x @ W.T + b > 0, dy, 0), x, W
            ),
            "The forward pass has W transposed, so the formulas for dx and dW change"
            " as well: each unit is a row of W.",
        ),
        (
            lambda dy, x, W, b: _as_in_the_lesson(dy, x, W),
            "That leaves the ReLU out; and dx and dW need other formulas than in the"
            " lesson, since here each unit is a row of W.",
        ),
        (
            lambda dy, x, W, b: _from_dz(dy * (x > 0), x, W),
            "You took the sign of x; the input of the ReLU is the sum x Wᵀ + b.",
        ),
        (
            _with(dx=lambda dz, dy, x, W: dz @ W.T),
            "dW and db are right; dx has the shape of x: each unit sends its dz along"
            " its own row of W.",
        ),
        (
            lambda dy, x, W, b: _from_dz(np.where(x @ W.T + b >= 0, dy, 0), x, W),
            "Where the input of the ReLU is exactly 0, the slope counts as 0:"
            " > in place of >=.",
        ),
        (
            lambda dy, x, W, b: (dy @ W * (x > 0), dy.T @ x, dy.sum(axis=0)),
            "The ReLU comes after the dense layer, so backward it comes first.",
        ),
        (
            lambda dy, x, W, b: _from_dz(dy, x, W),
            "That leaves the ReLU out: where its input was negative, nothing passes.",
        ),
        (
            lambda dy, x, W, b: _from_dz(np.maximum(dy, 0), x, W),
            "The ReLU passes dy where its own input was positive, not where dy is.",
        ),
        (
            lambda dy, x, W, b: _from_dz(dy * (x @ W.T > 0), x, W),
            "The input of the ReLU is x Wᵀ + b; the bias is missing in it.",
        ),
        (
            lambda dy, x, W, b: _from_dz(dy * np.maximum(x @ W.T + b, 0), x, W),
            "Multiply dy by the slope of the ReLU, which is 0 or 1, not by its output.",
        ),
        (
            _with(dW=lambda dz, dy, x, W: x.T @ dz),
            "dW has the shape of W: one row for each unit.",
        ),
        (
            _with(dx=lambda dz, dy, x, W: dy @ W),
            "dW and db are right; for dx the ReLU is left out:"
            " x gets only what passes through it.",
        ),
        (
            _with(dW=lambda dz, dy, x, W: dy.T @ x),
            "dx and db are right; for dW the ReLU is left out.",
        ),
        (
            _with(db=lambda dz, dy, x, W: dy.sum(axis=0)),
            "dx and dW are right; for db the ReLU is left out.",
        ),
        (
            _with(
                dW=lambda dz, dy, x, W: dy.T @ x, db=lambda dz, dy, x, W: dy.sum(axis=0)
            ),
            "dx is right; for dW and db the ReLU is left out.",
        ),
        (
            _with(db=lambda dz, dy, x, W: dz),
            "dx and dW are right; a bias takes part once for each image, and these"
            " places are added.",
        ),
        (
            _with(db=lambda dz, dy, x, W: dz.sum(axis=0, keepdims=True)),
            "dx and dW are right; db has the shape of b, one axis, without keepdims.",
        ),
        (
            _with(db=lambda dz, dy, x, W: dz.sum(axis=1)),
            "dx and dW are right; db has one number for each unit: add up the images,"
            " which are axis 0.",
        ),
        (
            _with(db=lambda dz, dy, x, W: dz.sum()),
            "dx and dW are right; db has one number for each unit: add up the images"
            " only.",
        ),
        *(
            (wrong, _MEAN)
            for wrong in (
                _with(db=lambda dz, dy, x, W: dz.mean(axis=0)),
                _with(dW=lambda dz, dy, x, W: dz.T @ x / len(x)),
                _with(
                    dW=lambda dz, dy, x, W: dz.T @ x / len(x),
                    db=lambda dz, dy, x, W: dz.mean(axis=0),
                ),
                lambda dy, x, W, b: tuple(
                    part / len(x) for part in _dense_relu_gradients(dy, x, W, b)
                ),
            )
        ),
        *(
            (
                lambda dy, x, W, b, places=places: [
                    _dense_relu_gradients(dy, x, W, b)[place] for place in places
                ],
                "The order is dx, dW, db.",
            )
            for places in ((1, 0, 2), (2, 1, 0))
        ),
    ],
)


def _avg_pool_gradient(dy, x, size, stride):
    return _windows(dy, x, size, stride) / size**2


def _windows(dy, x, size, stride, step=None, add=True):
    """Hand the gradient of each window to all its pixels, undivided."""
    dx, step = np.zeros(x.shape), step or stride
    for i, j in np.ndindex(dy.shape[1:3]):
        pixels = dx[:, i * step : i * step + size, j * step : j * step + size]
        pixels[...] = dy[:, i : i + 1, j : j + 1] + (pixels if add else 0)
    return dx


def _without_pixels_behind_the_last_window(dy, x, size, stride):
    height, width = ((outputs - 1) * stride + size for outputs in dy.shape[1:3])
    return _avg_pool_gradient(dy, x[:, :height, :width], size, stride)


def _first_image_only(dy, x, size, stride):
    first = np.arange(len(x)) == 0
    return _avg_pool_gradient(dy, x, size, stride) * first[:, None, None, None]


def _pooling_case(seed, shape, size, stride):
    rng = np.random.default_rng(seed)
    n, height, width, channels = shape
    outputs = (n, (height - size) // stride + 1, (width - size) // stride + 1, channels)
    return (
        rng.integers(-4, 5, outputs).astype(float),
        rng.normal(size=shape).round(1),
        size,
        stride,
    )


exercise(
    "09.3",
    _avg_pool_gradient,
    cases=[
        _pooling_case(1, (2, 7, 5, 2), 3, 2),
        _pooling_case(2, (1, 4, 6, 1), 2, 2),
        _pooling_case(3, (1, 5, 4, 3), 2, 1),
        _pooling_case(4, (1, 5, 5, 1), 2, 3),
        _pooling_case(5, (1, 6, 6, 1), 3, 2),  # no window covers the last pixels
    ],
    wrong=[
        (
            lambda dy, x, size, stride: _windows(dy, x, size, stride),
            "Each pixel is one of many that are averaged: with which local derivative"
            " does it take part?",
        ),
        (
            lambda dy, x, size, stride: _windows(dy, x, size, stride) / size,
            "That divides by the side of the window;"
            " how many pixels does a window hold?",
        ),
        (
            lambda dy, x, size, stride: _windows(dy, x, size, stride) / stride**2,
            "That divides by the square of the stride;"
            " how many pixels does a window hold?",
        ),
        (
            lambda dy, x, size, stride: _windows(dy, x, size, stride) * x / size**2,
            "The mean is a sum of pixels times a constant:"
            " its local derivative does not contain x.",
        ),
        (
            lambda dy, x, size, stride: (
                np.kron(dy, np.ones((1, size, size, 1))) / size**2
            ),
            "Your windows lie side by side; dx has the shape of x, and its windows"
            " start `stride` pixels apart.",
        ),
        (
            lambda dy, x, size, stride: (
                _windows(dy, x, size, stride, add=False) / size**2
            ),
            "Where windows overlap, a pixel keeps only what the last one sent:"
            " add up the places.",
        ),
        (
            lambda dy, x, size, stride: numpy_layers.max_pool2d_gradient(
                dy, x, size, stride
            ),
            "That sends all of it to the largest pixel, as max pooling does.",
        ),
        (
            lambda dy, x, size, stride: (
                numpy_layers.max_pool2d_gradient(dy, x, size, stride) / size**2
            ),
            "In an average every pixel of the window takes part, not only the largest.",
        ),
        (
            lambda dy, x, size, stride: (
                _windows(dy.sum(axis=3, keepdims=True), x, size, stride) / size**2
            ),
            "Each channel is averaged alone; you let the channels mix.",
        ),
        (
            lambda dy, x, size, stride: (
                _windows(dy, x, size, stride)
                / size**2
                / np.maximum(_windows(np.ones_like(dy), x, size, stride), 1)
            ),
            "A pixel adds up what its windows send;"
            " do not divide by how many there are.",
        ),
        (
            lambda dy, x, size, stride: (
                _windows(dy, x, size, stride)
                / np.maximum(_windows(np.ones_like(dy), x, size, stride), 1)
            ),
            "That divides by the number of windows that cover a pixel; the mean divides"
            " by the pixels of a window.",
        ),
        (
            lambda dy, x, size, stride: (
                _windows(dy, x, size, stride, step=size) / size**2
            ),
            "Your windows lie side by side, `size` apart;"
            " they start `stride` pixels apart.",
        ),
        (
            lambda dy, x, size, stride: _windows(dy, x, size, stride, step=1) / size**2,
            "The windows start `stride` pixels apart, not one.",
        ),
        (
            _first_image_only,
            "Only the first image gets its gradient; x holds a batch.",
        ),
        (
            _without_pixels_behind_the_last_window,
            "dx has the shape of x: the pixels behind the last window get 0.",
        ),
    ],
)
