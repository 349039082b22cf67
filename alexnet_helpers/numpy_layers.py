"""AlexNet's layers in NumPy, forward and backward, equal to what Keras computes.

Images and feature maps are arrays N x H x W x C (image, row, column, channel), convolution weights
k x k x (C / groups) x F, dense weights inputs x outputs, labels N integers: Keras' layout. float32
stays float32 and float64 stays float64; integers are computed as floating-point numbers.

A gradient function takes dy, the gradient of the loss L with respect to the layer's output
(dy[i] = dL/dy[i]), and returns by the chain rule the gradient with respect to its input and its
weights, each in the shape of the array it belongs to. "Paper" is Krizhevsky et al., NIPS 2012.
"""

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from alexnet_helpers import checks

MOST_PADDING = 256  # more than any kernel of the course can use, and little memory
LEARNED = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")


# Convolution (paper, section 3.5)


def conv2d(x, weights, bias=None, stride=1, padding=0, groups=1):
    """Convolve images with F filters: im2col and a matrix product.

    With x padded by zeros, the output at row i, column j of filter f is

        y[n, i, j, f] = bias[f] + sum over u, v, c of x[n, stride*i + u, stride*j + v, c] * weights[u, v, c, f]

    (a cross-correlation: the kernel is not flipped). With `groups=2`, the first half of the filters
    sees the first half of the channels, the second half the second, as on the paper's two GPUs.

    Parameters
    ----------
    x : N x H x W x C.
    weights : k x k x (C / groups) x F; the kernel may also have a height and a width of its own.
    bias : F values, or None for 0.
    stride : how many pixels the window moves from one output to the next.
    padding : how many zeros are put around x on each side.
    groups : number of groups that channels and filters are divided into.

    Returns
    -------
    N x H' x W' x F with H' = floor((H + 2 * padding - k) / stride) + 1, W' likewise.

    Raises
    ------
    ValueError : if shapes or numbers do not fit (channels, groups, a kernel larger than the
        padded image, a stride below 1).
    """
    x, weights, stride, padding, groups = _check_conv(x, weights, stride, padding, groups)
    x, kernel_size = _pad(x, padding), weights.shape[:2]
    shape = (len(x), *_output_size(x, kernel_size, stride), weights.shape[3])
    y = np.empty(shape, x.dtype)
    for part, kernel, maps in _split(groups, x, weights, y):
        windows = _im2col(part, kernel_size, stride)
        maps[...] = (windows @ _as_matrix(kernel)).reshape(maps.shape)
    if bias is not None:
        y += checks.array("bias", bias, shape=weights.shape[3:])
    return y


def conv2d_gradients(dy, x, weights, stride=1, padding=0, groups=1):
    """Gradients of `conv2d`.

    In the im2col form Y = X W the gradients are dW = X^T dY and dX = dY W^T; a pixel that lies in
    several windows collects the gradient from each of them.

    Parameters
    ----------
    dy : N x H' x W' x F, the gradient with respect to the output.
    x, weights, stride, padding, groups : as they were given to `conv2d`.

    Returns
    -------
    (dx, dweights, dbias) : in the shapes of x, weights and bias.

    Raises
    ------
    ValueError : as `conv2d`, and if dy does not have the shape of the output.
    """
    x, weights, stride, padding, groups = _check_conv(x, weights, stride, padding, groups)
    x, kernel_size = _pad(x, padding), weights.shape[:2]
    output_size = _output_size(x, kernel_size, stride)
    shape = (len(x), *output_size, weights.shape[3])
    dy = _check_dy(dy, shape, "the output for this x, weights, stride, padding and groups")
    dx, dweights = np.zeros_like(x), np.zeros_like(weights)
    for part, kernel, dmaps, dpart, dkernel in _split(groups, x, weights, dy, dx, dweights):
        windows, dproduct = _im2col(part, kernel_size, stride), _as_matrix(dmaps)
        dkernel[...] = (windows.T @ dproduct).reshape(kernel.shape)
        dwindows = dproduct @ _as_matrix(kernel).T
        dwindows = dwindows.reshape(*dmaps.shape[:3], *kernel.shape[:3])
        for u, v in np.ndindex(kernel_size):
            seen = _seen_through(dpart, u, v, output_size, stride)
            seen += dwindows[:, :, :, u, v]
    inner = slice(padding, -padding or None)
    return dx[:, inner, inner], dweights, dy.sum(axis=(0, 1, 2))


def _pad(x, padding):
    """Put zeros around each image."""
    return np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))


def _split(groups, *arrays):
    """Yield each group's part of the arrays' last axes, as views that can be written to."""
    return zip(*(np.split(array, groups, axis=-1) for array in arrays), strict=True)


def _as_matrix(array):
    """Write what lies along the last axis as the columns of a matrix."""
    return array.reshape(-1, array.shape[-1])


def _im2col(x, kernel_size, stride):
    """Write the window under each position of the kernel as a row: (N * H' * W') x (k * k * C)."""
    windows = sliding_window_view(x, kernel_size, axis=(1, 2))[:, ::stride, ::stride]  # N, H', W', C, k, k
    n, rows, columns = windows.shape[:3]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(n * rows * columns, -1)


def _seen_through(x, u, v, output_size, stride):
    """Return the view N x H' x W' x C of the pixels at place (u, v) in the windows of all outputs."""
    rows, columns = output_size
    return x[:, u : u + stride * rows : stride, v : v + stride * columns : stride]


# Max-pooling (paper, section 3.4)


def max_pool2d(x, size=3, stride=2):
    """Keep the largest value of each window, channel by channel; a stride below the size makes windows overlap.

    Parameters
    ----------
    x : N x H x W x C.
    size : height and width of the window.
    stride : how many pixels the window moves from one output to the next.

    Returns
    -------
    N x H' x W' x C with H' = floor((H - size) / stride) + 1, W' likewise.

    Raises
    ------
    ValueError : if the window is larger than the image, or size or stride is not a positive integer.
    """
    x, size, stride = _check_pool(x, size, stride)
    output_size = _output_size(x, (size, size), stride)
    y = _seen_through(x, 0, 0, output_size, stride).copy()
    for u, v in np.ndindex(size, size):
        np.maximum(y, _seen_through(x, u, v, output_size, stride), out=y)
    return y


def max_pool2d_gradient(dy, x, size=3, stride=2):
    """Gradient of `max_pool2d`: each window hands its gradient to the pixel that was the largest.

    Where several pixels of a window are the largest, the first in reading order gets it, as in
    TensorFlow. A pixel that is the largest of several overlapping windows gets the sum. A NaN
    counts as the largest, as in `max_pool2d`.

    Parameters
    ----------
    dy : N x H' x W' x C, the gradient with respect to the output.
    x, size, stride : as they were given to `max_pool2d`.

    Returns
    -------
    dx : N x H x W x C.

    Raises
    ------
    ValueError : as `max_pool2d`, and if dy does not have the shape of the output.
    """
    x, size, stride = _check_pool(x, size, stride)
    y = max_pool2d(x, size, stride)
    dy = _check_dy(dy, y.shape, "the output for this x, size and stride")
    dx = np.zeros(x.shape, dy.dtype)
    waiting = np.ones(y.shape, bool)  # windows whose largest pixel is not found yet
    for u, v in np.ndindex(size, size):
        pixels = _seen_through(x, u, v, y.shape[1:3], stride)
        found = waiting & ((pixels == y) | np.isnan(pixels))
        seen = _seen_through(dx, u, v, y.shape[1:3], stride)
        seen += dy * found
        waiting &= ~found
    return dx


# ReLU (paper, section 3.1)


def relu(x):
    """Rectified linear unit, max(0, x), element by element.

    Parameters
    ----------
    x : array of any shape.

    Returns
    -------
    Array of the same shape.

    Raises
    ------
    ValueError : if x is not an array of numbers.
    """
    return np.maximum(checks.array("x", x), 0)


def relu_gradient(dy, x):
    """Gradient of `relu`: dy where x is positive, else 0 (also at x = 0, as in TensorFlow).

    Where x is NaN, so is the gradient.

    Parameters
    ----------
    dy : the gradient with respect to the output, in the shape of x.
    x : as it was given to `relu`.

    Returns
    -------
    dx : in the shape of x.

    Raises
    ------
    ValueError : if dy does not have the shape of x.
    """
    x = checks.array("x", x)
    return _check_dy(dy, x.shape, "x") * np.heaviside(x, 0)  # 0 up to 0, 1 above, NaN at NaN


# Local response normalization (paper, section 3.3)


def local_response_norm(x, size=5, k=2.0, alpha=1e-4, beta=0.75):
    """Divide each value by a sum over the channels around it.

        y[c] = x[c] / s[c] ** beta,    s[c] = k + alpha * (sum of x[j]**2 over the `size` channels around c)

    at every position of every image; the sum stops at the first and the last channel. alpha is not
    divided by `size` (the paper's formula and TensorFlow's; the original code and PyTorch divide).

    Parameters
    ----------
    x : N x H x W x C.
    size : number of neighbouring channels, odd (the paper's n).
    k, alpha, beta : constants; the defaults are the paper's.

    Returns
    -------
    N x H x W x C.

    Raises
    ------
    ValueError : if size is even or not a positive integer, k not positive, alpha negative, or x
        does not have four axes.
    """
    x = checks.array("x", x, axes="NHWC")
    size, k, alpha, beta = _check_norm(size, k, alpha, beta)
    return x / _response_sum(x, size, k, alpha) ** beta


def local_response_norm_gradient(dy, x, size=5, k=2.0, alpha=1e-4, beta=0.75):
    """Gradient of `local_response_norm`.

        dx[c] = dy[c] / s[c]**beta - 2 * alpha * beta * x[c] * (sum of dy[j] * x[j] / s[j]**(beta + 1) around c)

    The first term is the value's own way to its output, the second its share in its neighbours'
    (and its own) sum s.

    Parameters
    ----------
    dy : N x H x W x C, the gradient with respect to the output.
    x, size, k, alpha, beta : as they were given to `local_response_norm`.

    Returns
    -------
    dx : N x H x W x C.

    Raises
    ------
    ValueError : as `local_response_norm`, and if dy does not have the shape of x.
    """
    x = checks.array("x", x, axes="NHWC")
    dy = _check_dy(dy, x.shape, "x")
    size, k, alpha, beta = _check_norm(size, k, alpha, beta)
    s = _response_sum(x, size, k, alpha)
    shares = dy * x / s ** (beta + 1)
    return dy / s**beta - 2 * alpha * beta * x * _sum_over_neighbours(shares, size)


def _response_sum(x, size, k, alpha):
    return k + alpha * _sum_over_neighbours(x**2, size)


def _sum_over_neighbours(values, size):
    """Sum the `size` channels around each channel; those that do not exist count as 0."""
    channels = values.shape[-1]
    half = min(size // 2, channels - 1)  # farther away there are no channels
    padded = np.pad(values, ((0, 0), (0, 0), (0, 0), (half, half)))
    return sum(padded[..., i : i + channels] for i in range(2 * half + 1))


# Fully connected layers and dropout (paper, sections 3.5 and 4.2)


def dense(x, weights, bias=None):
    """Fully connected layer, y = x W + b.

    Parameters
    ----------
    x : N x inputs.
    weights : inputs x outputs (Keras' kernel, the transpose of the W in W x + b).
    bias : one value for each output, or None for 0.

    Returns
    -------
    N x outputs.

    Raises
    ------
    ValueError : if the shapes do not fit.
    """
    x, weights = _check_dense(x, weights)
    y = x @ weights
    if bias is not None:
        y += checks.array("bias", bias, shape=weights.shape[1:])
    return y


def dense_gradients(dy, x, weights):
    """Gradients of `dense`: dx = dy W^T, dW = x^T dy, db = the sum of dy over the batch.

    Parameters
    ----------
    dy : N x outputs, the gradient with respect to the output.
    x, weights : as they were given to `dense`.

    Returns
    -------
    (dx, dweights, dbias) : in the shapes of x, weights and bias.

    Raises
    ------
    ValueError : if the shapes do not fit.
    """
    x, weights = _check_dense(x, weights)
    dy = _check_dy(dy, (len(x), weights.shape[1]), "the output for this x and weights")
    return dy @ weights.T, x.T @ dy, dy.sum(axis=0)


def dropout(x, rate, rng):
    """Drop values at random, and scale what is left so that the expected value stays (training mode).

    Each value is kept with probability 1 - rate and then divided by 1 - rate, as in Keras; at test
    time nothing is done. (The paper does not divide, and halves the outputs at test time instead.)

    Parameters
    ----------
    x : array of any shape.
    rate : the part that is dropped, from 0 to less than 1.
    rng : `numpy.random.Generator` that draws the mask.

    Returns
    -------
    (y, mask) : both in the shape of x; mask is True where a value was kept.

    Raises
    ------
    ValueError : if the rate is outside [0, 1), or rng is not a Generator.
    """
    x, rate = checks.array("x", x), checks.number("rate", rate, lowest=0, below=1)
    mask = checks.generator("rng", rng).random(x.shape) >= rate
    return x * mask / (1 - rate), mask


def dropout_gradient(dy, mask, rate):
    """Gradient of `dropout`: what was dropped gets no gradient, the rest is scaled as the values were.

    Parameters
    ----------
    dy : the gradient with respect to the output, in the shape of mask.
    mask : the mask that `dropout` drew, of True and False (or 1 and 0).
    rate : as it was given to `dropout`.

    Returns
    -------
    dx : in the shape of dy.

    Raises
    ------
    ValueError : if the rate is outside [0, 1), dy does not have the shape of mask, or mask holds
        anything but True and False.
    """
    kept, rate = _check_mask(mask), checks.number("rate", rate, lowest=0, below=1)
    return _check_dy(dy, kept.shape, "mask") * kept / (1 - rate)


# Softmax and loss (paper, section 3.5)


def softmax(z):
    """Turn scores (logits) into probabilities along the last axis.

        p[i] = exp(z[i] - m) / sum over j of exp(z[j] - m),    m = max z

    Subtracting m changes nothing in the quotient and keeps exp from overflowing.

    Parameters
    ----------
    z : array whose last axis is the classes, such as N x classes.

    Returns
    -------
    Array of the same shape, not negative, that sums to 1 along the last axis.

    Raises
    ------
    ValueError : if z is a single number, or not an array of numbers.
    """
    z = checks.array("z", z)
    if z.ndim == 0:
        checks.refuse("z", "an array whose last axis is the classes", z)
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def cross_entropy(probabilities, labels):
    """Categorical cross-entropy, the mean over the batch of -log(probability of the true class).

    A probability below 1e-7 counts as 1e-7, as in Keras, so that the loss stays finite.

    Parameters
    ----------
    probabilities : N x classes, each row summing to 1.
    labels : N integers from 0 to classes - 1.

    Returns
    -------
    The loss, one number.

    Raises
    ------
    ValueError : if rows are not probabilities (logits need `softmax` first) or a label is out of range.
    """
    probabilities, labels = _check_classes(probabilities, labels)
    of_true_class = probabilities[np.arange(len(labels)), labels]
    return -np.log(np.maximum(of_true_class, 1e-7)).mean()


def softmax_cross_entropy_gradient(probabilities, labels):
    """Gradient of softmax and cross-entropy together with respect to the logits: (p - y) / N.

    Parameters
    ----------
    probabilities : N x classes, the softmax of the logits.
    labels : N integers from 0 to classes - 1; y is their one-hot form.

    Returns
    -------
    dz : N x classes.

    Raises
    ------
    ValueError : as `cross_entropy`.
    """
    probabilities, labels = _check_classes(probabilities, labels)
    one_hot = np.eye(probabilities.shape[1], dtype=probabilities.dtype)[labels]
    return (probabilities - one_hot) / len(labels)


# The whole network (paper, section 3.5 and figure 2)


def alexnet_forward(x, weights, towers=1, local_response_norm=False):
    """Run AlexNet on images (inference: no dropout) and keep the output of every layer.

    Parameters
    ----------
    x : N x 227 x 227 x 3, or other images that fit the weights.
    weights : dict from "conv1" ... "conv5", "fc6", "fc7", "fc8" to (kernel, bias).
    towers : 2 for the paper's two GPUs: conv2, conv4, conv5 and the normalization see one half of
        the channels at a time.
    local_response_norm : whether to normalize after the ReLU of conv1 and conv2.

    Returns
    -------
    dict from "conv1", "relu1", ("norm1",) "pool1", ..., "pool3", "flatten", "fc6", "relu6", "fc7",
    "relu7", "fc8", "softmax" to the tensor after it, in the order of the network.

    Raises
    ------
    ValueError : if towers is neither 1 nor 2, a layer has no weights, or shapes do not fit; the
        message names the layer.
    """
    x = checks.array("x", x, axes="NHWC")
    weights, towers = _check_weights(weights), checks.choice("towers", towers, (1, 2))
    normalized = checks.flag("local_response_norm", local_response_norm)
    tensors = {}

    def apply(name, layer, x, *arguments, **geometry):
        try:
            tensors[name] = layer(x, *arguments, **geometry)
        except ValueError as error:
            place = name if towers == 1 else f"{name} in {towers} towers"
            raise ValueError(f"{place}: {error}") from None
        return tensors[name]

    def convolve(number, x, **geometry):
        name = f"conv{number}"
        x = apply(name, conv2d, x, *weights[name], **geometry)
        return apply(f"relu{number}", relu, x)

    def normalize(number, x):
        return apply(f"norm{number}", _normalize_towers, x, towers) if normalized else x

    x = convolve(1, x, stride=4)
    x = apply("pool1", max_pool2d, normalize(1, x))
    x = convolve(2, x, padding=2, groups=towers)
    x = apply("pool2", max_pool2d, normalize(2, x))
    x = convolve(3, x, padding=1)
    x = convolve(4, x, padding=1, groups=towers)
    x = convolve(5, x, padding=1, groups=towers)
    x = apply("pool3", max_pool2d, x)
    x = apply("flatten", np.reshape, x, (len(x), -1))
    x = apply("relu6", relu, apply("fc6", dense, x, *weights["fc6"]))
    x = apply("relu7", relu, apply("fc7", dense, x, *weights["fc7"]))
    apply("softmax", softmax, apply("fc8", dense, x, *weights["fc8"]))
    return tensors


def _normalize_towers(x, towers):
    """Normalize within each tower: one GPU does not see the channels of the other."""
    if x.shape[-1] % towers:
        checks.refuse("towers", f"a divisor of its {x.shape[-1]} channels", towers)
    return np.concatenate([local_response_norm(part) for (part,) in _split(towers, x)], axis=-1)


# What the functions accept, beyond what `checks` knows


def _output_size(x, window, stride):
    """Return (H', W'), how often a window fits into the images along each side."""
    return tuple((side - part) // stride + 1 for side, part in zip(x.shape[1:3], window))


def _check_dy(dy, shape, of):
    """Return the gradient with respect to an output, which has the shape `of` something else."""
    try:
        return checks.array("dy", dy, shape=shape)
    except ValueError as error:
        raise ValueError(f"{error}: it has the shape of {of}") from None


def _check_conv(x, weights, stride, padding, groups):
    """Return the arguments of a convolution, x and weights in one type."""
    x = checks.array("x", x, axes="NHWC")
    weights = checks.array("weights", weights, axes=("k", "k", "C/groups", "F"))
    stride, groups = checks.integer("stride", stride), checks.integer("groups", groups)
    padding = checks.integer("padding", padding, lowest=0, highest=MOST_PADDING)
    channels, filters = x.shape[3], weights.shape[3]
    if channels % groups or filters % groups:
        needed = f"a divisor of x's {channels} channels and of the {filters} filters"
        checks.refuse("groups", needed, groups)
    if weights.shape[2] * groups != channels:
        needed = f"k x k x {channels // groups} x F, as x has {channels} channels and groups is {groups}"
        checks.refuse("weights", needed, weights)
    padded = tuple(side + 2 * padding for side in x.shape[1:3])
    if weights.shape[0] > padded[0] or weights.shape[1] > padded[1]:
        needed = f"at most {padded}, the size of the image with its padding"
        checks.refuse("the kernel of weights", needed, weights.shape[:2])
    dtype = np.result_type(x, weights)
    return x.astype(dtype, copy=False), weights.astype(dtype, copy=False), stride, padding, groups


def _check_pool(x, size, stride):
    x = checks.array("x", x, axes="NHWC")
    size = checks.integer("size", size, lowest=1, highest=min(x.shape[1:3]))
    return x, size, checks.integer("stride", stride)


def _check_norm(size, k, alpha, beta):
    size = checks.integer("size", size)
    if size % 2 == 0:
        checks.refuse("size", "odd, as many channels before as after the middle", size)
    k, alpha = checks.number("k", k, above=0), checks.number("alpha", alpha, lowest=0)
    return size, k, alpha, checks.number("beta", beta)


def _check_dense(x, weights):
    x = checks.array("x", x, axes=("N", "inputs"))
    weights = checks.array("weights", weights, axes=("inputs", "outputs"))
    if x.shape[1] != len(weights):
        needed = f"an array of {x.shape[1]} rows, one for each of x's inputs"
        checks.refuse("weights", needed, weights)
    return x, weights


def _check_mask(mask):
    kept = checks.array("mask", mask, needed="True and False")
    if not np.isin(kept, (0, 1)).all():
        checks.refuse("mask", "an array of True and False, or of 1 and 0", mask)
    return kept.astype(bool)  # so that a mask of float64 does not widen float32


def _check_classes(probabilities, labels):
    probabilities = checks.array("probabilities", probabilities, axes=("N", "classes"))
    n, classes = probabilities.shape
    sums = probabilities.sum(axis=1)
    if not (probabilities.min() >= 0 and np.abs(sums - 1).max() < 1e-3):
        raise ValueError(
            "probabilities must be rows without negative values that sum to 1 (softmax makes such "
            f"rows of logits), got a smallest value of {probabilities.min():.3g} and sums from "
            f"{sums.min():.4g} to {sums.max():.4g}"
        )
    return probabilities, checks.integers("labels", labels, 0, classes - 1, length=n)


def _check_weights(weights):
    needed = f"a dict from {', '.join(LEARNED)} to (kernel, bias)"
    if not isinstance(weights, Mapping):
        checks.refuse("weights", needed, weights)
    if set(weights) != set(LEARNED):
        checks.refuse("weights", f"{needed}, each of them and no others", list(weights))
    for name in LEARNED:
        if not isinstance(weights[name], (list, tuple)) or len(weights[name]) != 2:
            checks.refuse(f"weights[{name!r}]", "(kernel, bias)", weights[name])
    return weights
