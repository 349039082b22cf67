"""AlexNet's layers in NumPy, forward and backward, equal to what Keras computes.

Arrays have Keras' layout, with N images, H rows, W columns, C channels, F filters:

    images and feature maps   (N, H, W, C)
    weights of a convolution  (k, k, C, F), and a bias of F values
    weights of a dense layer  (inputs, outputs), and a bias of `outputs` values
    labels                    N integers

Each layer is a function, and the function below it is its gradient. The gradient takes
`dy`, the gradient of the loss L with respect to the layer's output (dy[i] = dL/dy[i]),
and returns the gradient with respect to the layer's input, and to its weights if it has
any, each in the shape of the array that it belongs to. Only `softmax` and
`cross_entropy` have one gradient together, which stands below them and takes no `dy`.

Where all arrays are float32 the result is float32, where one is float64 it is float64;
integers become floating-point numbers.
The checks of arguments stand at the end of the file, so that the layers can be read
without them. "Paper" is Krizhevsky, Sutskever and Hinton, NIPS 2012.
"""

import contextlib
import string
from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from alexnet_helpers import checks, geometry

_MOST_PADDING = 256  # more than any kernel of the course can use, and little memory
NORMALIZED = ("conv1", "conv2")

# --- Windows, over which convolution and pooling move ---


def _pad(x, padding, value=0):
    """Put rows and columns of zeros, or of another value, around each image."""
    widths = [(0, 0), (padding, padding), (padding, padding), (0, 0)]
    return np.pad(x, widths, constant_values=value)


def _crop(x, padding):
    """Take away what `_pad` put around each image."""
    _, height, width, _ = x.shape
    return x[:, padding : height - padding, padding : width - padding]


def _windows(x, size, stride):
    """View the images as overlapping windows: (N, H, W, C) as (N, H', W', k, k, C).

    Nothing is copied: a window shares its pixels with x and with the windows that it
    overlaps. So add to one place (u, v) of all windows at a time; `windows += 1` at
    once would lose sums.
    """
    windows = sliding_window_view(x, size, axis=(1, 2), writeable=x.flags.writeable)
    windows = windows[:, ::stride, ::stride]  # N, H', W', C, k, k
    return np.moveaxis(windows, 3, 5)


# --- Convolution (paper, section 3.5) ---


def conv2d(x, weights, bias=None, stride=1, padding=0, groups=1):
    """Convolve images with F filters.

    With x padded by zeros, the output at row i and column j of filter f is

        y[n, i, j, f] = bias[f] + sum over u, v, c of
            x[n, stride * i + u, stride * j + v, c] * weights[u, v, c, f]

    (a cross-correlation: the kernel is not flipped). `np.tensordot` computes all of it
    as one matrix product, X W: the rows of X are the windows, the columns of W the
    filters.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    weights : ndarray, shape (k, k, C / groups, F)
        The kernel's height and width may differ.
    bias : ndarray, shape (F,), optional
    stride : int
        How many pixels the window moves from one output to the next.
    padding : int
        How many rows and columns of zeros are put on each side of x.
    groups : int
        With 2, the first half of the filters sees the first half of the channels and
        the second half the second, as on the paper's two GPUs.

    Returns
    -------
    ndarray, shape (N, H', W', F)
        H' = floor((H + 2 * padding - k) / stride) + 1, and W' likewise.

    Examples
    --------
    >>> image = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]]).reshape(1, 3, 3, 1)
    >>> sum_of_four = np.ones((2, 2, 1, 1))
    >>> conv2d(image, sum_of_four)[0, :, :, 0]
    array([[12., 16.],
           [24., 28.]])
    """
    x, weights, stride, padding, groups = _check_conv(
        x, weights, stride, padding, groups
    )
    x = _pad(x, padding)
    windows = _windows(x, weights.shape[:2], stride)  # N, H', W', k, k, C
    maps = []
    for X, W in _split(groups, windows, weights):
        maps.append(np.tensordot(X, W, axes=3))  # sums over k, k, C: N, H', W', F
    y = np.concatenate(maps, axis=3)
    return y if bias is None else y + checks.array("bias", bias, shape=y.shape[3:])


def conv2d_gradients(dy, x, weights, stride=1, padding=0, groups=1):
    """Compute the gradients of `conv2d`.

    For the matrix product Y = X W they are dW = X^T dY and dX = dY W^T. A pixel lies in
    several windows, and its gradient is the sum of theirs.

    Parameters
    ----------
    dy : ndarray, shape (N, H', W', F)
    x, weights, stride, padding, groups
        As they were given to `conv2d`.

    Returns
    -------
    dx, dweights, dbias : ndarray

    Examples
    --------
    >>> image, kernel = np.arange(9.0).reshape(1, 3, 3, 1), np.ones((2, 2, 1, 1))
    >>> dx, dweights, dbias = conv2d_gradients(np.ones((1, 2, 2, 1)), image, kernel)
    >>> dx[0, :, :, 0]  # in how many windows each pixel lies
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    x, weights, stride, padding, groups = _check_conv(
        x, weights, stride, padding, groups
    )
    x = _pad(x, padding)
    dx, dweights = np.zeros_like(x), np.empty_like(weights)
    kernel_size = weights.shape[:2]
    windows = _windows(x, kernel_size, stride)  # N, H', W', k, k, C
    dwindows = _windows(dx, kernel_size, stride)  # a view: what it gets, dx gets
    dy = _check_dy(dy, windows.shape[:3] + weights.shape[3:])  # N, H', W', F
    for X, W, dX, dW, dY in _split(groups, windows, weights, dwindows, dweights, dy):
        dW[:] = np.tensordot(X, dY, axes=((0, 1, 2), (0, 1, 2)))  # k, k, C, F
        gradients = np.tensordot(dY, W, axes=(3, 3))  # N, H', W', k, k, C
        for u, v in np.ndindex(kernel_size):
            dX[:, :, :, u, v] += gradients[:, :, :, u, v]
    return _crop(dx, padding), dweights, dy.sum(axis=(0, 1, 2))


def _split(groups, *arrays):
    """Yield each group's part of the arrays, cut along the last axis: views of them."""
    return zip(*(np.split(array, groups, axis=-1) for array in arrays), strict=True)


# --- Max-pooling (paper, section 3.4) ---


def max_pool2d(x, size=3, stride=2):
    """Keep the largest value of each window, channel by channel.

    With a stride below the size the windows overlap.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    size : int
        Height and width of the window.
    stride : int
        How many pixels the window moves from one output to the next.

    Returns
    -------
    ndarray, shape (N, H', W', C)
        H' = floor((H - size) / stride) + 1, and W' likewise.

    Examples
    --------
    >>> image = np.array([[1, 2, 0], [3, 9, 4], [5, 6, 7]]).reshape(1, 3, 3, 1)
    >>> max_pool2d(image, size=2, stride=1)[0, :, :, 0]
    array([[9., 9.],
           [9., 9.]])
    """
    x, size, stride = _check_pool(x, size, stride)
    windows = _windows(x, (size, size), stride)  # N, H', W', size, size, C
    return windows.max(axis=(3, 4))  # N, H', W', C


def max_pool2d_gradient(dy, x, size=3, stride=2):
    """Compute the gradient of `max_pool2d`: each dy goes to its window's largest pixel.

    If several are the largest, the first in reading order gets it, as in TensorFlow.
    A pixel that is the largest of several windows gets the sum of their dy. NaN counts
    as the largest.

    Parameters
    ----------
    dy : ndarray, shape (N, H', W', C)
    x, size, stride
        As they were given to `max_pool2d`.

    Returns
    -------
    dx : ndarray, shape (N, H, W, C)

    Examples
    --------
    >>> image = np.array([[1, 2, 0], [3, 9, 4], [5, 6, 7]]).reshape(1, 3, 3, 1)
    >>> max_pool2d_gradient(np.ones((1, 2, 2, 1)), image, 2, stride=1)[0, :, :, 0]
    array([[0., 0., 0.],
           [0., 4., 0.],
           [0., 0., 0.]])
    """
    x, size, stride = _check_pool(x, size, stride)
    windows = _windows(x, (size, size), stride)  # N, H', W', size, size, C
    places = windows.reshape(*windows.shape[:3], size * size, -1)
    largest = places.argmax(axis=3)  # N, H', W', C: the number of the first largest
    dy = _check_dy(dy, largest.shape)
    dx = np.zeros(x.shape, dy.dtype)
    dwindows = _windows(dx, (size, size), stride)  # a view: what it gets, dx gets
    for place, (u, v) in enumerate(np.ndindex(size, size)):
        dwindows[:, :, :, u, v] += dy * (largest == place)
    return dx


# --- ReLU (paper, section 3.1) ---


def relu(x):
    """Set negative values to 0: max(0, x), element by element (rectified linear unit).

    Parameters
    ----------
    x : ndarray, any shape

    Returns
    -------
    ndarray, same shape

    Examples
    --------
    >>> relu([-2, 0, 3])
    array([0., 0., 3.])
    """
    return np.maximum(checks.array("x", x), 0)


def relu_gradient(dy, x):
    """Compute the gradient of `relu`: dy where x is positive, else 0.

    At x = 0, where there is no derivative, it is 0 too, as in TensorFlow.

    Parameters
    ----------
    dy : ndarray, same shape as x
    x : ndarray
        As it was given to `relu`. Where it is NaN, so is the gradient.

    Returns
    -------
    dx : ndarray, same shape

    Examples
    --------
    >>> relu_gradient([10, 10, 10], x=[-2, 0, 3])
    array([ 0.,  0., 10.])
    """
    x = checks.array("x", x)
    return _check_dy(dy, x.shape) * np.heaviside(x, 0)  # 0 up to 0, 1 above, NaN at NaN


# --- Local response normalization (paper, section 3.3) ---


def local_response_norm(x, size=5, k=2.0, alpha=1e-4, beta=0.75):
    """Divide each value by a sum over the neighbouring channels at the same position.

        y[c] = x[c] / s[c] ** beta
        s[c] = k + alpha * sum of x[j] ** 2 over the `size` channels j around c

    The sum ends at the first and at the last channel. alpha is not divided by `size`,
    as in the paper and TensorFlow; the code of 2012 and PyTorch divide it.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    size : int
        How many channels are summed, an odd number (the paper's n).
    k, alpha, beta : float
        The defaults are the paper's.

    Returns
    -------
    ndarray, shape (N, H, W, C)

    Examples
    --------
    >>> channels = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3)
    >>> local_response_norm(channels, size=3, k=1, alpha=1, beta=1).round(3).ravel()
    array([0.167, 0.133, 0.214])
    """
    x = checks.array("x", x, axes="NHWC")
    size, k, alpha, beta = _check_norm(size, k, alpha, beta)
    s = k + alpha * _sum_over_neighbours(x**2, size)
    return x / s**beta


def local_response_norm_gradient(dy, x, size=5, k=2.0, alpha=1e-4, beta=0.75):
    """Compute the gradient of `local_response_norm`.

        dx[c] = dy[c] / s[c] ** beta - 2 * alpha * beta * x[c] * t[c]
        t[c] = sum of dy[j] * x[j] / s[j] ** (beta + 1) over the channels j around c

    The first term is the effect of x[c] on its own output through the numerator. The
    second is its effect through the sums s[j] of the channels around it, its own
    included.

    Parameters
    ----------
    dy : ndarray, shape (N, H, W, C)
    x, size, k, alpha, beta
        As they were given to `local_response_norm`.

    Returns
    -------
    dx : ndarray, shape (N, H, W, C)

    Examples
    --------
    >>> x, dy = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3), np.ones((1, 1, 1, 3))
    >>> dx = local_response_norm_gradient(dy, x, size=3, k=1, alpha=1, beta=1)
    >>> dx.round(3).ravel()
    array([ 0.093, -0.141, -0.074])
    """
    x = checks.array("x", x, axes="NHWC")
    size, k, alpha, beta = _check_norm(size, k, alpha, beta)
    dy = _check_dy(dy, x.shape)
    s = k + alpha * _sum_over_neighbours(x**2, size)
    through_sums = _sum_over_neighbours(dy * x / s ** (beta + 1), size)
    return dy / s**beta - 2 * alpha * beta * x * through_sums


def _sum_over_neighbours(values, size):
    """Sum the `size` channels around each; beyond the first and the last are zeros."""
    channels = values.shape[3]
    half = min(size // 2, channels - 1)  # farther away there are no channels
    padded = np.pad(values, [(0, 0), (0, 0), (0, 0), (half, half)])
    return sum(padded[..., i : i + channels] for i in range(2 * half + 1))


# --- Fully connected layers (paper, section 3.5) ---


def dense(x, weights, bias=None):
    """Compute a fully connected layer, y = x W + b.

    Parameters
    ----------
    x : ndarray, shape (N, inputs)
    weights : ndarray, shape (inputs, outputs)
        As in Keras; W in W x + b is its transpose.
    bias : ndarray, shape (outputs,), optional

    Returns
    -------
    ndarray, shape (N, outputs)

    Examples
    --------
    >>> dense([[1, 2]], [[10, 0], [0, 1]], bias=[5, 5])
    array([[15.,  7.]])
    """
    x, weights = _check_dense(x, weights)
    y = x @ weights
    return y if bias is None else y + checks.array("bias", bias, shape=y.shape[1:])


def dense_gradients(dy, x, weights):
    """Compute the gradients of `dense`: dx = dy W^T, dW = x^T dy, db = sum of dy.

    Parameters
    ----------
    dy : ndarray, shape (N, outputs)
    x, weights
        As they were given to `dense`.

    Returns
    -------
    dx, dweights, dbias : ndarray

    Examples
    --------
    >>> dx, dweights, dbias = dense_gradients([[1, 1]], x=[[1, 2]], weights=np.eye(2))
    >>> dweights
    array([[1., 1.],
           [2., 2.]])
    """
    x, weights = _check_dense(x, weights)
    dy = _check_dy(dy, (len(x), weights.shape[1]))
    return dy @ weights.T, x.T @ dy, dy.sum(axis=0)


# --- Dropout (paper, section 4.2) ---


def dropout(x, rate, rng):
    """Set values to 0 at random, and scale the others so that the expected value stays.

    Each value is kept with probability 1 - rate and then divided by 1 - rate, as in
    Keras. This is for training; afterwards nothing is done. (The paper does not divide,
    and halves the outputs afterwards.)

    Parameters
    ----------
    x : ndarray, any shape
    rate : float
        The share that is dropped, from 0 to less than 1.
    rng : numpy.random.Generator

    Returns
    -------
    y : ndarray, same shape
    mask : ndarray of bool, same shape
        True where a value was kept; the gradient needs it.

    Examples
    --------
    >>> y, mask = dropout(np.ones(4), 0.5, np.random.default_rng(0))
    >>> y
    array([2., 0., 0., 0.])
    """
    x, rate = checks.array("x", x), checks.number("rate", rate, lowest=0, below=1)
    mask = checks.generator("rng", rng).random(x.shape) >= rate
    return x * mask / (1 - rate), mask


def dropout_gradient(dy, mask, rate):
    """Compute the gradient of `dropout`: 0 where a value was dropped, else scaled.

    Parameters
    ----------
    dy : ndarray, same shape as mask
    mask, rate
        The mask that `dropout` returned, and the rate that was given to it.

    Returns
    -------
    dx : ndarray, same shape

    Examples
    --------
    >>> dropout_gradient([1, 1, 1], mask=[True, False, True], rate=0.5)
    array([2., 0., 2.])
    """
    kept, rate = _check_mask(mask), checks.number("rate", rate, lowest=0, below=1)
    return _check_dy(dy, kept.shape) * kept / (1 - rate)


# --- Softmax and loss (paper, section 3.5) ---


def softmax(z):
    """Turn logits (scores) into probabilities along the last axis.

        p[i] = exp(z[i] - m) / sum over j of exp(z[j] - m),  m = max z

    Subtracting m does not change the quotient, and keeps exp from overflowing.

    Parameters
    ----------
    z : ndarray, shape (..., classes)

    Returns
    -------
    ndarray, same shape
        No value is negative, and they sum to 1 along the last axis.

    Examples
    --------
    >>> softmax([[1, 2, 3]]).round(3)
    array([[0.09 , 0.245, 0.665]])
    """
    z = _check_logits(z)
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def cross_entropy(probabilities, labels):
    """Compute the loss: the mean of -log(probability of the true class).

    A probability below 1e-7 counts as 1e-7, as in Keras, so that the loss stays finite.

    Parameters
    ----------
    probabilities : ndarray, shape (N, classes)
        What `softmax` returned: each row sums to 1.
    labels : ndarray of int, shape (N,)

    Returns
    -------
    float

    Examples
    --------
    >>> loss = cross_entropy([[0.5, 0.5], [0.1, 0.9]], labels=[0, 1])
    >>> round(float(loss), 4)  # the mean of -ln 0.5 and -ln 0.9
    0.3993
    """
    probabilities, labels = _check_classes(probabilities, labels)
    of_true_class = probabilities[np.arange(len(labels)), labels]
    return -np.log(np.maximum(of_true_class, 1e-7)).mean()


def softmax_cross_entropy_gradient(probabilities, labels):
    """Compute the gradient of `cross_entropy` with respect to the logits of `softmax`.

    It is (p - y) / N, where y is 1 for the true class of an image and 0 for the others.
    It leaves out that `cross_entropy` takes a probability below 1e-7 for 1e-7.

    Parameters
    ----------
    probabilities : ndarray, shape (N, classes)
        What `softmax` returned.
    labels : ndarray of int, shape (N,)

    Returns
    -------
    dz : ndarray, shape (N, classes)

    Examples
    --------
    >>> softmax_cross_entropy_gradient([[0.2, 0.7, 0.1]], [1]).round(2)
    array([[ 0.2, -0.3,  0.1]])
    """
    probabilities, labels = _check_classes(probabilities, labels)
    one_hot = np.eye(probabilities.shape[1], dtype=probabilities.dtype)[labels]
    return (probabilities - one_hot) / len(labels)


# --- The whole network (paper, section 3.5 and figure 2) ---


def steps(x, weights, layers=geometry.ALEXNET, local_response_norm=False):
    """Send images through a network, and yield the name and the tensor after each step.

    Each step is computed when it is asked for, so a loop that stops at "conv3" computes
    no later layer. There is no dropout, as in a network that has been trained.

    Parameters
    ----------
    x : ndarray, shape (N, H, W, C)
    weights : callable or dict
        `weights("conv1")`, or `weights["conv1"]`, is (kernel, bias), and so on.
    layers : sequence of geometry.Layer
        `geometry.alexnet_layers(towers=2)` for the paper's two GPUs.
    local_response_norm : bool or dict
        Whether the ReLUs of conv1 and conv2 are followed by the normalization. Each
        tower normalizes its own channels. A dict has other constants than the paper's,
        by the names of `local_response_norm`'s arguments, and other towers
        ("towers": 1 lets the two see each other).

    Yields
    ------
    name : str
        "conv1", "relu1", ("norm1",) "pool1", ..., "pool3", "flatten", "fc6", "relu6",
        "fc7", "relu7", "fc8", "softmax".
    tensor : ndarray

    Examples
    --------
    >>> conv1 = geometry.Layer("conv1", "conv", units=2, kernel=3)
    >>> fc2 = geometry.Layer("fc2", "dense", units=4)
    >>> kernels = {"conv1": np.ones((3, 3, 1, 2)), "fc2": np.ones((8, 4))}
    >>> weights = {name: (kernel, None) for name, kernel in kernels.items()}  # no bias
    >>> for name, tensor in steps(np.ones((1, 4, 4, 1)), weights, [conv1, fc2]):
    ...     print(name, tensor.shape)
    conv1 (1, 2, 2, 2)
    relu1 (1, 2, 2, 2)
    flatten (1, 8)
    fc2 (1, 4)
    softmax (1, 4)
    """
    x, plan = checks.array("x", x, axes="NHWC"), step_kinds(layers, local_response_norm)
    weights_of = _check_weights(weights, plan)
    constants = {"towers": max(layer.groups for _, _, layer in plan)}
    constants |= check_normalization(local_response_norm)
    for name, kind, layer in plan:
        with _naming(name):
            if kind == "conv":
                kernel, bias = weights_of(name)
                x = _pad_to_round_up(x, layer, 0)
                x = conv2d(x, kernel, bias, layer.stride, layer.padding, layer.groups)
            elif kind == "dense":
                x = dense(x, *weights_of(name))
            elif kind == "pool":
                _check_pool_padding(layer)
                x = _pad(_pad_to_round_up(x, layer, -np.inf), layer.padding, -np.inf)
                x = max_pool2d(x, layer.kernel, layer.stride)
            elif kind == "norm":
                x = _normalize_towers(x, **constants)
            elif kind == "flatten":
                x = x.reshape(len(x), -1)
            elif kind == "relu":
                x = relu(x)
            elif kind == "softmax":
                x = softmax(x)
            else:
                checks.refuse("kind", "one that `step_kinds` lists", kind)
        yield name, x


def step_kinds(layers=geometry.ALEXNET, local_response_norm=False):
    """List what `steps` does: each step's name, its kind, and the layer it belongs to.

    Parameters
    ----------
    layers, local_response_norm
        As for `steps`.

    Returns
    -------
    list of (str, str, geometry.Layer)
        The kinds are "conv", "pool", "flatten", "dense", "relu", "norm" and "softmax".
        The ReLU behind "conv1" is "relu1", with the number of its layer.

    Raises
    ------
    ValueError
        If two steps would have one name, as the ReLUs of "conv6" and "fc6".

    Examples
    --------
    >>> [name for name, kind, _ in step_kinds() if kind == "pool"]
    ['pool1', 'pool2', 'pool3']
    """
    layers = geometry.check_layers(layers)
    if not layers:
        checks.refuse("layers", "one geometry.Layer or more", layers)
    check_normalization(local_response_norm)
    plan, is_flat = [], False
    for layer in layers:
        checks.choice(f"{layer.name}: kind", layer.kind, ("conv", "pool", "dense"))
        number = layer.name.lstrip(string.ascii_lowercase + "_")
        if layer.kind == "dense" and not is_flat:
            plan.append(("flatten", "flatten", layer))
            is_flat = True
        plan.append((layer.name, layer.kind, layer))
        if layer is layers[-1]:
            plan.append(("softmax", "softmax", layer))
        elif layer.kind in ("conv", "dense"):
            plan.append((f"relu{number}", "relu", layer))
        if local_response_norm and layer.name in NORMALIZED:
            plan.append((f"norm{number}", "norm", layer))
    names = [name for name, _, _ in plan]
    if twice := [name for name in names if names.count(name) > 1]:
        needed = "named so that the steps have different names"
        raise ValueError(f"layers must be {needed}, got {twice[0]!r} twice")
    return plan


def _pad_to_round_up(x, layer, value):
    """Put rows and columns behind the image if the last window may overhang."""
    if layer.rounding == "floor":
        return x
    checks.integer("padding", layer.padding, lowest=0, highest=_MOST_PADDING)
    rooms = [side + 2 * layer.padding - layer.kernel for side in x.shape[1:3]]
    rows, columns = (-room % layer.stride if room > 0 else 0 for room in rooms)
    return np.pad(x, [(0, 0), (0, rows), (0, columns), (0, 0)], constant_values=value)


def _normalize_towers(x, towers, **constants):
    """Normalize within each tower: one GPU does not see the channels of the other."""
    if x.shape[3] % towers:
        checks.refuse("towers", f"a divisor of its {x.shape[3]} channels", towers)
    parts = np.split(x, towers, axis=3)
    parts = [local_response_norm(part, **constants) for part in parts]
    return np.concatenate(parts, axis=3)


# --- Argument checks that only these layers need ---


def _check_dy(dy, shape):
    """Return the gradient with respect to an output, in the output's shape."""
    try:
        return checks.array("dy", dy, shape=shape)
    except ValueError as error:
        raise ValueError(f"{error}: dy has the shape of the layer's output") from None


def _check_conv(x, weights, stride, padding, groups):
    """Return the arguments of a convolution, x and weights in one type."""
    x = checks.array("x", x, axes="NHWC")
    weights = checks.array("weights", weights, axes=("k", "k", "C/groups", "F"))
    stride, groups = checks.integer("stride", stride), checks.integer("groups", groups)
    padding = checks.integer("padding", padding, lowest=0, highest=_MOST_PADDING)
    channels, filters = x.shape[3], weights.shape[3]
    if channels % groups or filters % groups:
        needed = f"a divisor of x's {channels} channels and of the {filters} filters"
        checks.refuse("groups", needed, groups)
    if weights.shape[2] * groups != channels:
        needed = f"k x k x {channels // groups} x F, as x has {channels} channels"
        checks.refuse("weights", f"{needed} and groups is {groups}", weights)
    padded = tuple(side + 2 * padding for side in x.shape[1:3])
    if weights.shape[0] > padded[0] or weights.shape[1] > padded[1]:
        needed = f"at most {padded}, the size of the image with its padding"
        checks.refuse("the kernel of weights", needed, weights.shape[:2])
    dtype = np.result_type(x, weights)
    x, weights = x.astype(dtype, copy=False), weights.astype(dtype, copy=False)
    return x, weights, stride, padding, groups


def _check_pool(x, size, stride):
    x = checks.array("x", x, axes="NHWC")
    size = checks.integer("size", size, lowest=1, highest=min(x.shape[1:3]))
    return x, size, checks.integer("stride", stride)


def _check_pool_padding(layer):
    """Refuse the padding of a pool with which a window would see nothing else."""
    checks.integer("padding", layer.padding, lowest=0, highest=layer.kernel - 1)


def _check_norm(size, k, alpha, beta):
    size = checks.integer("size", size)
    if size % 2 == 0:
        checks.refuse("size", "odd, as many channels before as after the middle", size)
    k, alpha = checks.number("k", k, above=0), checks.number("alpha", alpha, lowest=0)
    return size, k, alpha, checks.number("beta", beta)


def check_normalization(local_response_norm):
    """Return the constants of the normalization that were given, as a dict.

    Parameters
    ----------
    local_response_norm : bool or dict
        As for `steps`.

    Examples
    --------
    >>> check_normalization(True), check_normalization({"k": 1.0})
    ({}, {'k': 1.0})
    """
    if not isinstance(local_response_norm, Mapping):
        checks.flag("local_response_norm", local_response_norm)
        return {}
    paper = {"size": 5, "k": 2.0, "alpha": 1e-4, "beta": 0.75, "towers": 1}
    constants = dict(local_response_norm)
    if not constants or not set(constants) <= set(paper):
        needed = f"True, False or a dict with some of {', '.join(paper)}"
        checks.refuse("local_response_norm", needed, local_response_norm)
    complete = paper | constants
    checks.integer("towers", complete.pop("towers"))
    _check_norm(**complete)
    return constants


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


def _check_logits(z):
    z = checks.array("z", z)
    if z.ndim == 0:
        checks.refuse("z", "an array whose last axis is the classes", z)
    return z


def _check_classes(probabilities, labels):
    probabilities = checks.array("probabilities", probabilities, axes=("N", "classes"))
    n, classes = probabilities.shape
    smallest, sums = probabilities.min(), probabilities.sum(axis=1)
    if not (smallest >= 0 and np.abs(sums - 1).max() < 1e-3):
        needed = "rows without negative values that sum to 1"
        remedy = "softmax makes such rows of logits"
        got = f"sums from {sums.min():.4g} to {sums.max():.4g}"
        got = f"a smallest value of {smallest:.3g} and {got}"
        raise ValueError(f"probabilities must be {needed} ({remedy}), got {got}")
    return probabilities, checks.integers("labels", labels, 0, classes - 1, length=n)


def _check_weights(weights, plan):
    """Return a function from a layer's name to its (kernel, bias)."""
    learned = [name for name, kind, _ in plan if kind in ("conv", "dense")]
    needed = f"a function, or a dict from {', '.join(learned)} to (kernel, bias)"
    if callable(weights) and not isinstance(weights, type):
        return lambda name: _check_pair(f"weights({name!r})", weights(name))
    if not isinstance(weights, Mapping):
        checks.refuse("weights", needed, weights)
    if set(weights) != set(learned):
        checks.refuse("weights", f"{needed}, each of them and no others", list(weights))
    for name in learned:
        _check_pair(f"weights[{name!r}]", weights[name])
    return weights.get


def _check_pair(name, value):
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        checks.refuse(name, "(kernel, bias)", value)
    return value


@contextlib.contextmanager
def _naming(step):
    """Say in which step an argument does not fit."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{step}: {error}") from None
