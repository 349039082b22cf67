"""AlexNet's layers in NumPy, forward and backward, equal to what Keras computes.

Images and feature maps are arrays N x H x W x C (image, row, column, channel), convolution weights
k x k x (C / groups) x F, dense weights inputs x outputs, labels N integers: Keras' layout. float32
stays float32 and float64 stays float64; integers are computed as floating-point numbers.

A gradient function takes dy, the gradient of the loss L with respect to the layer's output
(dy[i] = dL/dy[i]), and returns by the chain rule the gradient with respect to its input and its
weights, each in the shape of the array it belongs to. "Paper" is Krizhevsky et al., NIPS 2012.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# A batch goes through im2col in blocks of about so many bytes (at least one image), so that it needs
# little more memory than one image and the matrix stays near the processor's cache.
BLOCK_BYTES = 8_000_000


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
    ValueError : when shapes or numbers do not fit (channels, groups, a kernel larger than the
        padded image, a stride below 1).
    """
    x, weights, (rows, columns) = _check_conv(x, weights, stride, padding, groups)
    filters = weights.shape[-1]
    y = np.empty((len(x), rows, columns, filters), x.dtype)
    for images, group_channels, group_filters in _blocks(x, weights, groups, rows * columns):
        windows = _im2col(x[images, :, :, group_channels], weights.shape[:2], stride)
        kernel = weights[..., group_filters]
        product = windows @ kernel.reshape(-1, kernel.shape[-1])
        y[images, :, :, group_filters] = product.reshape(-1, rows, columns, kernel.shape[-1])
    if bias is not None:
        y += _check_array("bias", bias, shape=(filters,))
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
    ValueError : as `conv2d`, and when dy has not the shape of the output.
    """
    x, weights, (rows, columns) = _check_conv(x, weights, stride, padding, groups)
    dy = _check_array("dy", dy, shape=(len(x), rows, columns, weights.shape[-1]))
    dx, dweights = np.zeros_like(x), np.zeros_like(weights)
    for images, group_channels, group_filters in _blocks(x, weights, groups, rows * columns):
        windows = _im2col(x[images, :, :, group_channels], weights.shape[:2], stride)
        kernel = weights[..., group_filters]
        dproduct = dy[images, :, :, group_filters].reshape(-1, kernel.shape[-1])
        dweights[..., group_filters] += (windows.T @ dproduct).reshape(kernel.shape)
        dwindows = dproduct @ kernel.reshape(-1, kernel.shape[-1]).T
        dwindows = dwindows.reshape(-1, rows, columns, *kernel.shape[:3])
        for u, v in np.ndindex(kernel.shape[:2]):
            seen = _seen_through(dx[images, :, :, group_channels], u, v, (rows, columns), stride)
            seen += dwindows[:, :, :, u, v]
    inner = slice(padding, -padding or None)
    return dx[:, inner, inner], dweights, dy.sum(axis=(0, 1, 2))


def _im2col(x, kernel_size, stride):
    """Write the window under each position of the kernel as a row: (N * H' * W') x (k * k * C)."""
    windows = sliding_window_view(x, kernel_size, axis=(1, 2))[:, ::stride, ::stride]  # N, H', W', C, k, k
    n, rows, columns = windows.shape[:3]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(n * rows * columns, -1)


def _seen_through(x, u, v, output_size, stride):
    """Return the view N x H' x W' x C of the pixels at place (u, v) in the windows of all outputs."""
    rows, columns = output_size
    return x[:, u : u + stride * rows : stride, v : v + stride * columns : stride]


def _blocks(x, weights, groups, positions):
    """Yield (images, channels, filters) as slices: one group at a time, so many images as fit BLOCK_BYTES."""
    channels, filters = weights.shape[2], weights.shape[3] // groups
    image_bytes = positions * weights[..., 0].size * x.itemsize
    step = max(1, BLOCK_BYTES // image_bytes)
    for group in range(groups):
        for first in range(0, len(x), step):
            yield (
                slice(first, first + step),
                slice(group * channels, (group + 1) * channels),
                slice(group * filters, (group + 1) * filters),
            )


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
    ValueError : when the window is larger than the image, or size or stride is no positive integer.
    """
    x, output_size = _check_pool(x, size, stride)
    y = _seen_through(x, 0, 0, output_size, stride).copy()
    for u, v in np.ndindex(size, size):
        np.maximum(y, _seen_through(x, u, v, output_size, stride), out=y)
    return y


def max_pool2d_gradient(dy, x, size=3, stride=2):
    """Gradient of `max_pool2d`: each window hands its gradient to the pixel that was the largest.

    Where several pixels of a window are the largest, the first in reading order gets it, as in
    TensorFlow. A pixel that is the largest of several overlapping windows gets the sum.

    Parameters
    ----------
    dy : N x H' x W' x C, the gradient with respect to the output.
    x, size, stride : as they were given to `max_pool2d`.

    Returns
    -------
    dx : N x H x W x C.

    Raises
    ------
    ValueError : as `max_pool2d`, and when dy has not the shape of the output.
    """
    x, output_size = _check_pool(x, size, stride)
    y = max_pool2d(x, size, stride)
    dy = _check_array("dy", dy, shape=y.shape)
    dx = np.zeros(x.shape, dy.dtype)
    waiting = np.ones(y.shape, bool)  # windows whose largest pixel is not found yet
    for u, v in np.ndindex(size, size):
        found = waiting & (_seen_through(x, u, v, output_size, stride) == y)
        seen = _seen_through(dx, u, v, output_size, stride)
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
    ValueError : when x is no array of numbers.
    """
    return np.maximum(_check_array("x", x), 0)


def relu_gradient(dy, x):
    """Gradient of `relu`: dy where x is positive, else 0 (also at x = 0, as in TensorFlow).

    Parameters
    ----------
    dy : the gradient with respect to the output, in the shape of x.
    x : as it was given to `relu`.

    Returns
    -------
    dx : in the shape of x.

    Raises
    ------
    ValueError : when dy has not the shape of x.
    """
    x = _check_array("x", x)
    return _check_array("dy", dy, shape=x.shape) * (x > 0)


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
    ValueError : when size is even or no positive integer, k not positive or alpha negative, or x has
        no four axes.
    """
    x = _check_array("x", x, axes="NHWC")
    return x / _response_sum(x, size, k, alpha) ** float(beta)


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
    ValueError : as `local_response_norm`, and when dy has not the shape of x.
    """
    x = _check_array("x", x, axes="NHWC")
    dy = _check_array("dy", dy, shape=x.shape)
    s, beta = _response_sum(x, size, k, alpha), float(beta)
    shares = dy * x / s ** (beta + 1)
    return dy / s**beta - 2 * float(alpha) * beta * x * _sum_over_neighbours(shares, size)


def _response_sum(x, size, k, alpha):
    _check_integer("size", size, lowest=1)
    if size % 2 == 0:
        raise ValueError(f"size={size}: allowed is an odd number of channels, as many before as after the middle")
    if not k > 0 or not alpha >= 0:
        raise ValueError(f"k={k!r}, alpha={alpha!r}: allowed are k above 0 and alpha 0 or more")
    return float(k) + float(alpha) * _sum_over_neighbours(x**2, size)


def _sum_over_neighbours(values, size):
    """Sum the `size` channels around each channel; those that do not exist count as 0."""
    channels, half = values.shape[-1], size // 2
    padded = np.pad(values, ((0, 0), (0, 0), (0, 0), (half, half)))
    return sum(padded[..., i : i + channels] for i in range(size))


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
    ValueError : when the shapes do not fit.
    """
    x, weights = _check_dense(x, weights)
    y = x @ weights
    if bias is not None:
        y += _check_array("bias", bias, shape=weights.shape[1:])
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
    ValueError : when the shapes do not fit.
    """
    x, weights = _check_dense(x, weights)
    dy = _check_array("dy", dy, shape=(len(x), weights.shape[1]))
    return dy @ weights.T, x.T @ dy, dy.sum(axis=0)


def dropout(x, rate, rng):
    """Drop values at random, and scale what is left so that the expected value stays (training mode).

    Each value is kept with probability 1 - rate and then divided by 1 - rate, as in Keras; at test
    time nothing is done. (The paper does not divide, and halves the outputs at test time instead.)

    Parameters
    ----------
    x : array of any shape.
    rate : the part that is dropped, from 0 to below 1.
    rng : `numpy.random.Generator` that draws the mask.

    Returns
    -------
    (y, mask) : both in the shape of x; mask is True where a value was kept.

    Raises
    ------
    ValueError : for a rate outside [0, 1), or when rng is no Generator.
    """
    x, rate = _check_array("x", x), _check_rate(rate)
    draws = isinstance(rng, np.random.Generator)
    if not draws:
        raise ValueError(f"rng={rng!r}: allowed is a numpy.random.Generator, such as numpy.random.default_rng(0)")
    mask = rng.random(x.shape) >= rate
    return x * mask / (1 - rate), mask


def dropout_gradient(dy, mask, rate):
    """Gradient of `dropout`: what was dropped gets no gradient, the rest is scaled as the values were.

    Parameters
    ----------
    dy : the gradient with respect to the output, in the shape of mask.
    mask : the mask that `dropout` drew.
    rate : as it was given to `dropout`.

    Returns
    -------
    dx : in the shape of dy.

    Raises
    ------
    ValueError : for a rate outside [0, 1), or when dy has not the shape of mask.
    """
    mask = np.asarray(mask)
    return _check_array("dy", dy, shape=mask.shape) * mask / (1 - _check_rate(rate))


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
    ValueError : when z is a single number, or no array of numbers.
    """
    z = _check_array("z", z)
    if z.ndim == 0:
        raise ValueError(f"z={z}: allowed is an array whose last axis is the classes")
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
    ValueError : when rows are no probabilities (logits need `softmax` first) or a label is out of range.
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
    ValueError : for towers other than 1 and 2, a layer without weights, or shapes that do not fit.
    """
    if towers not in (1, 2):
        raise ValueError(f"towers={towers!r}: allowed are 1 (one network) and 2 (the paper's two GPUs)")
    if missing := {"conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"} - set(weights):
        raise ValueError(f"weights without {sorted(missing)}: allowed is a dict of conv1 ... conv5, fc6, fc7, fc8")
    tensors = {}

    def keep(name, tensor):
        tensors[name] = tensor
        return tensor

    def convolve(number, x, **geometry):
        return keep(f"relu{number}", relu(keep(f"conv{number}", conv2d(x, *weights[f"conv{number}"], **geometry))))

    def normalize(number, x):
        return keep(f"norm{number}", _normalize_towers(x, towers)) if local_response_norm else x

    x = convolve(1, x, stride=4)
    x = keep("pool1", max_pool2d(normalize(1, x)))
    x = convolve(2, x, padding=2, groups=towers)
    x = keep("pool2", max_pool2d(normalize(2, x)))
    x = convolve(3, x, padding=1)
    x = convolve(4, x, padding=1, groups=towers)
    x = convolve(5, x, padding=1, groups=towers)
    x = keep("pool3", max_pool2d(x))
    x = keep("flatten", x.reshape(len(x), -1))
    x = keep("relu6", relu(keep("fc6", dense(x, *weights["fc6"]))))
    x = keep("relu7", relu(keep("fc7", dense(x, *weights["fc7"]))))
    keep("softmax", softmax(keep("fc8", dense(x, *weights["fc8"]))))
    return tensors


def _normalize_towers(x, towers):
    """Normalize within each tower: one GPU does not see the channels of the other."""
    return np.concatenate([local_response_norm(half) for half in np.split(x, towers, axis=-1)], axis=-1)


# What the functions accept


def _check_array(name, value, axes=None, shape=None):
    """Return `value` as an array of floating-point numbers with these axes or this shape, or say what is wrong."""
    array = np.asarray(value)
    if shape is not None:
        fits, allowed = array.shape == shape, f"of shape {shape}"
    elif axes is not None:
        fits, allowed = array.ndim == len(axes), f"with axes {' x '.join(axes)}"
    else:
        fits, allowed = True, "of any shape"
    if not fits or array.size == 0 or array.dtype.kind not in "fiub":
        raise ValueError(
            f"{name}=array of shape {array.shape} and type {array.dtype}: allowed are numbers, at least one, {allowed}"
        )
    return array.astype(np.result_type(array, np.float32), copy=False)


def _check_integer(name, value, lowest):
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < lowest:
        raise ValueError(f"{name}={value!r}: allowed is an integer, {lowest} or more")


def _check_rate(rate):
    if not isinstance(rate, (int, float, np.number)) or not 0 <= rate < 1:
        raise ValueError(f"rate={rate!r}: allowed is a number from 0 to below 1")
    return float(rate)  # NumPy's own float64 would turn float32 arrays into float64


def _output_size(name, image_shape, window_shape, stride):
    """Return (H', W'), how often a window fits an image along each side, or say why it does not."""
    _check_integer("stride", stride, lowest=1)
    (height, width), (window_height, window_width) = image_shape, window_shape
    if window_height > height or window_width > width:
        raise ValueError(
            f"{name}: its window is {window_height} x {window_width}, allowed is up to {height} x {width}, "
            "the image with its padding"
        )
    return (height - window_height) // stride + 1, (width - window_width) // stride + 1


def _check_pool(x, size, stride):
    x = _check_array("x", x, axes="NHWC")
    _check_integer("size", size, lowest=1)
    return x, _output_size(f"size={size}", x.shape[1:3], (size, size), stride)


def _check_conv(x, weights, stride, padding, groups):
    """Return x with its padding, the weights in the same type, and (H', W')."""
    x = _check_array("x", x, axes="NHWC")
    weights = _check_array("weights", weights, axes=("k", "k", "C/groups", "F"))
    _check_integer("padding", padding, lowest=0)
    _check_integer("groups", groups, lowest=1)
    channels, filters = x.shape[3], weights.shape[3]
    if channels % groups or filters % groups:
        raise ValueError(
            f"groups={groups}: allowed is a divisor of x's {channels} channels and of the {filters} filters"
        )
    if weights.shape[2] * groups != channels:
        raise ValueError(
            f"weights=array of shape {weights.shape}: allowed is {channels // groups} at the third place, "
            f"x's {channels} channels / groups={groups}"
        )
    dtype = np.result_type(x, weights)
    x, weights = x.astype(dtype, copy=False), weights.astype(dtype, copy=False)
    if padding:
        x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    return x, weights, _output_size("weights", x.shape[1:3], weights.shape[:2], stride)


def _check_dense(x, weights):
    x = _check_array("x", x, axes=("N", "inputs"))
    weights = _check_array("weights", weights, axes=("inputs", "outputs"))
    if x.shape[1] != len(weights):
        raise ValueError(
            f"weights=array of shape {weights.shape}: allowed is {x.shape[1]} rows, one for each of x's inputs"
        )
    return x, weights


def _check_classes(probabilities, labels):
    probabilities = _check_array("probabilities", probabilities, axes=("N", "classes"))
    n, classes = probabilities.shape
    sums = probabilities.sum(axis=1)
    if not (probabilities.min() >= 0 and np.abs(sums - 1).max() < 1e-3):
        raise ValueError(
            f"probabilities from {probabilities.min():.3g} whose rows sum to {sums.min():.3g} ... {sums.max():.3g}: "
            "allowed are rows without negative values that sum to 1 (softmax makes such rows of logits)"
        )
    labels = np.asarray(labels)
    if labels.shape != (n,) or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels={labels.tolist()!r:.80}: allowed are {n} integers (one for each row) from 0 to {classes - 1}"
        )
    return probabilities, labels
