"""The sizes, weights and work of a convolutional network, computed from its layers' numbers alone."""

import operator
from typing import NamedTuple

import numpy as np
import pandas as pd

NOT_APPLICABLE = "–"


def _integer(value):
    """Return a Python or NumPy integer as an int, and None for anything else (booleans as well)."""
    try:
        return None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        return None


def _positive(name, value):
    number = _integer(value)
    if number is None or number < 1:
        raise ValueError(f"{name}={value!r}: allowed is a positive integer")
    return number


def output_size(size, kernel, stride=1, padding=0, rounding="floor"):
    """Count the positions of a window along one side of its input.

    Parameters
    ----------
    size : side of the input in pixels.
    kernel : side of the window in pixels.
    stride : step from one window to the next in pixels.
    padding : rows of zeros added on each side of the input; "valid" for none; "same" as in Keras,
        for as many zeros as give ceil(size / stride) positions.
    rounding : "floor" counts the windows that lie wholly on the padded input,
        floor((size + 2 padding - kernel) / stride) + 1, as Keras and PyTorch do. "ceil" counts as
        many windows as it takes to reach its end, ceil((size + 2 padding - kernel) / stride) + 1:
        the last one may overhang, as in the original code of 2012 (layer.py, `modulesX`). With a
        stride larger than the kernel it may even lie wholly beyond the input, and still counts, as
        in that code; PyTorch's `ceil_mode` drops a window that starts beyond the input and its
        left padding. With "same" the rounding makes no difference.

    Returns
    -------
    The number of positions, which is the side of the output, as an int.

    Raises
    ------
    ValueError : when a size is no positive integer, the padding is negative or unknown, the
        rounding is unknown, or the kernel is larger than the padded input.
    """
    size, kernel, stride = (
        _positive(name, value) for name, value in (("size", size), ("kernel", kernel), ("stride", stride))
    )
    if not isinstance(rounding, str) or rounding not in ("floor", "ceil"):
        raise ValueError(f"rounding={rounding!r}: allowed are 'floor' and 'ceil'")
    if isinstance(padding, str) and padding == "same":
        return -(-size // stride)
    zeros = 0 if isinstance(padding, str) and padding == "valid" else _integer(padding)
    if zeros is None or zeros < 0:
        raise ValueError(f"padding={padding!r}: allowed are 'same', 'valid', 0 and positive integers")
    room = size + 2 * zeros - kernel
    if room < 0:
        raise ValueError(
            f"kernel={kernel}: allowed is at most the padded input's size, {size} + 2 * {zeros} = {size + 2 * zeros}"
        )
    return (room // stride if rounding == "floor" else -(-room // stride)) + 1


class Layer(NamedTuple):
    """One layer that has a geometry.

    `kind` is "conv", "pool" or "dense"; `units` the number of filters of a "conv" or of outputs of
    a "dense" layer; `kernel`, `stride`, `padding` and `rounding` are those of `output_size`, for
    "conv" and "pool"; `groups` the number of equal parts into which a "conv" layer's channels and
    filters are divided, each part of the filters seeing its own part of the channels only.
    """

    name: str
    kind: str
    units: int | None = None
    kernel: int | None = None
    stride: int = 1
    padding: int | str = 0
    groups: int = 1
    rounding: str = "floor"


def alexnet_layers(towers=1, padding=0, rounding="floor"):
    """List AlexNet's layers (paper, section 3.5) as data.

    Parameters
    ----------
    towers : 1 for one network; 2 for the paper's two GPUs (section 3.2), where each filter of
        conv2, conv4 and conv5 sees half of the channels.
    padding, rounding : those of conv1. Three conventions give its 55 x 55 output: an input of 227
        with (0, "floor"), the default; 224 with (2, "floor"); 224 with (0, "ceil"), which is the
        original code's.

    Returns
    -------
    A tuple of `Layer`, conv1 ... fc8.

    Raises
    ------
    ValueError : when `towers` is neither 1 nor 2.
    """
    if _integer(towers) not in (1, 2):
        raise ValueError(f"towers={towers!r}: allowed are 1 (one network) and 2 (the paper's two GPUs)")
    return (
        Layer("conv1", "conv", 96, kernel=11, stride=4, padding=padding, rounding=rounding),
        Layer("pool1", "pool", kernel=3, stride=2),
        Layer("conv2", "conv", 256, kernel=5, padding=2, groups=towers),
        Layer("pool2", "pool", kernel=3, stride=2),
        Layer("conv3", "conv", 384, kernel=3, padding=1),
        Layer("conv4", "conv", 384, kernel=3, padding=1, groups=towers),
        Layer("conv5", "conv", 256, kernel=3, padding=1, groups=towers),
        Layer("pool3", "pool", kernel=3, stride=2),
        Layer("fc6", "dense", 4096),
        Layer("fc7", "dense", 4096),
        Layer("fc8", "dense", 1000),
    )


ALEXNET = alexnet_layers()


def layer_table(layers=ALEXNET, input_size=227, channels=3):
    """Compute the shapes, weights, work and receptive field of each layer.

    Parameters
    ----------
    layers : the layers in order, each a `Layer`. The first dense layer flattens its input.
    input_size : side of the square input in pixels.
    channels : number of the input's channels, 3 for red, green and blue.

    Returns
    -------
    A `pandas.DataFrame` with one row a layer, named by the layer, and the columns

    - `input`, `output`: the shape of one image's tensor, (height, width, channels), and (length,)
      at a dense layer;
    - `kernel`, `stride`, `padding`: as in the layer, "–" where a layer has none;
    - `parameters`: the number of weights and biases;
    - `multiply_adds`: the multiplications, each followed by an addition, for one image;
    - `receptive_field`: how many pixels of the image, along one side, a value of the output can
      depend on.

    Raises
    ------
    ValueError : naming the layer, for a kernel larger than its padded input, sizes that are no
        positive integers, groups that do not divide channels and filters, an unknown kind, padding
        or rounding, or a convolution or pooling after a dense layer.
    """
    input_size = _positive("input_size", input_size)
    shape = (input_size, input_size, _positive("channels", channels))
    # `field`: pixels that one value sees; `jump`: pixels between the centres of two neighbours.
    field = jump = 1
    rows = {}
    for layer in layers:
        if getattr(layer, "kind", None) not in ("conv", "pool", "dense"):
            raise ValueError(f"layers: {layer!r}: allowed is a geometry.Layer of the kind 'conv', 'pool' or 'dense'")
        try:
            output, parameters, multiply_adds = _measure(layer, shape)
        except ValueError as error:
            raise ValueError(f"{layer.name}: {error}") from None
        if layer.kind == "dense":
            shape, window, field = (_length(shape),), (NOT_APPLICABLE,) * 3, input_size
        else:
            window = (layer.kernel, layer.stride, layer.padding)
            field = min(field + (int(layer.kernel) - 1) * jump, input_size)
            jump *= int(layer.stride)
        rows[layer.name] = (shape, *window, output, parameters, multiply_adds, field)
        shape = output
    columns = ["input", "kernel", "stride", "padding", "output", "parameters", "multiply_adds", "receptive_field"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _measure(layer, shape):
    """Return (output shape, parameters, multiply-adds) of a layer on an input of this shape."""
    units = None if layer.kind == "pool" else _positive("units", layer.units)
    if layer.kind == "dense":
        weights = _length(shape) * units
        return (units,), weights + units, weights
    if len(shape) == 1:
        raise ValueError(f"kind={layer.kind!r}: allowed is only 'dense' after a dense layer")
    side = output_size(shape[0], layer.kernel, layer.stride, layer.padding, layer.rounding)
    channels = shape[2]
    if layer.kind == "pool":
        return (side, side, channels), 0, 0
    groups = _positive("groups", layer.groups)
    if channels % groups or units % groups:
        raise ValueError(f"groups={groups}: allowed is a divisor of its {channels} channels and {units} filters")
    weights = int(layer.kernel) ** 2 * (channels // groups) * units
    return (side, side, units), weights + units, side**2 * weights


def _length(shape):
    """Return how many numbers a tensor of this shape holds."""
    length = 1
    for side in shape:
        length *= side
    return length
