"""The sizes, weights and work of a convolutional network, computed from its layers' numbers alone."""

import contextlib
import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from alexnet_helpers import checks

NOT_APPLICABLE = "–"
ROUNDINGS = ("floor", "ceil")


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
    ValueError : if a size is not a positive integer, the padding is negative or unknown, the
        rounding is unknown, or the kernel is larger than the padded input.
    """
    size, kernel = checks.integer("size", size), checks.integer("kernel", kernel)
    stride, padding = checks.integer("stride", stride), _check_padding(padding)
    checks.choice("rounding", rounding, ROUNDINGS)
    if padding == "same":
        return -(-size // stride)
    zeros = 0 if padding == "valid" else padding
    room = size + 2 * zeros - kernel
    if room < 0:
        padded = f"{size} + 2 * {zeros} = {size + 2 * zeros}"
        checks.refuse("kernel", f"at most the padded input's size, {padded}", kernel)
    return (room // stride if rounding == "floor" else -(-room // stride)) + 1


def _check_padding(padding):
    """Return "same", "valid" or a number of zeros."""
    if isinstance(padding, str) and padding in ("same", "valid"):
        return padding
    with contextlib.suppress(ValueError):
        return checks.integer("padding", padding, lowest=0)
    return checks.refuse("padding", "'same', 'valid', 0 or a positive integer", padding)


class Layer(NamedTuple):
    """One layer that has a geometry.

    `kind` is "conv", "pool" or "dense"; `units` the number of filters of a "conv" or of outputs of
    a "dense" layer; `kernel`, `stride`, `padding` and `rounding` are those of `output_size`, for
    "conv" and "pool"; `groups` the number of equal parts into which a "conv" layer's channels and
    filters are divided, each part of the filters seeing its own part of the channels only. The
    functions that take layers check all of it.
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
    ValueError : if `towers` is neither 1 nor 2, or the padding or the rounding is unknown.
    """
    towers, padding = checks.choice("towers", towers, (1, 2)), _check_padding(padding)
    rounding = checks.choice("rounding", rounding, ROUNDINGS)
    return (
        Layer(
            "conv1", "conv", 96, kernel=11, stride=4, padding=padding, rounding=rounding
        ),
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
    ValueError : naming the layer, if a kernel is larger than its padded input, a size is not a
        positive integer, groups do not divide channels and filters, the kind, the padding or the
        rounding is unknown, a convolution or pooling follows a dense layer, a layer has a number
        that its kind does not use, or two layers have one name.
    """
    input_size = checks.integer("input_size", input_size)
    channels = checks.integer("channels", channels)
    shape = (input_size, input_size, channels)
    # `field`: pixels that one value sees; `jump`: pixels between the centres of two neighbours.
    field = jump = 1
    rows = {}
    for layer in check_layers(layers):
        try:
            output, parameters, multiply_adds = _measure(layer, shape)
        except ValueError as error:
            given = f"with input_size={input_size} and channels={channels}"
            raise ValueError(f"{layer.name}: {error} ({given})") from None
        if layer.kind == "dense":
            shape, window, field = (
                (math.prod(shape),),
                (NOT_APPLICABLE,) * 3,
                input_size,
            )
        else:
            window = (layer.kernel, layer.stride, layer.padding)
            field = min(field + (layer.kernel - 1) * jump, input_size)
            jump *= layer.stride
        rows[layer.name] = (shape, *window, output, parameters, multiply_adds, field)
        shape = output
    columns = [
        "input",
        "kernel",
        "stride",
        "padding",
        "output",
        "parameters",
        "multiply_adds",
        "receptive_field",
    ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


# The numbers that each kind of layer uses.
USED = {
    "conv": ("units", "kernel", "stride", "groups"),
    "pool": ("kernel", "stride"),
    "dense": ("units",),
}


def check_layers(layers):
    """Return layers as a tuple of `Layer` with plain integers.

    Raises
    ------
    ValueError : if one is not a `Layer`, has a field out of range or a number that its kind does
        not use, or has the name of another one.
    """
    needed = "a list of geometry.Layer"
    no_list = isinstance(layers, (str, bytes, Layer, Mapping)) or hasattr(
        layers, "dtype"
    )
    if no_list or not isinstance(layers, Iterable):
        checks.refuse("layers", needed, layers)
    checked = {}
    for layer in layers:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"layers must be {needed}, got {checks.describe(layer)} as one of them"
            )
        name = checks.text("the name of a layer", layer.name)
        if name in checked:
            raise ValueError(f"layers must have different names, got {name!r} twice")
        try:
            checked[name] = _check_layer(layer)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return tuple(checked.values())


def _check_layer(layer):
    kind = checks.choice("kind", layer.kind, tuple(USED))
    checks.choice("rounding", layer.rounding, ROUNDINGS)
    fields = {"padding": _check_padding(layer.padding)}
    for name in ("units", "kernel", "stride", "groups"):
        value = getattr(layer, name)
        if name in USED[kind]:
            fields[name] = checks.integer(name, value)
        else:
            checks.choice(
                f"{name} of a {kind!r} layer", value, [Layer._field_defaults[name]]
            )
    return layer._replace(**fields)


def _measure(layer, shape):
    """Return (output shape, parameters, multiply-adds) of a layer on an input of this shape."""
    if layer.kind == "dense":
        weights = math.prod(shape) * layer.units
        return (layer.units,), weights + layer.units, weights
    if len(shape) == 1:
        checks.refuse("kind", "'dense' after a dense layer", layer.kind)
    side = output_size(
        shape[0], layer.kernel, layer.stride, layer.padding, layer.rounding
    )
    channels, units, groups = shape[2], layer.units, layer.groups
    if layer.kind == "pool":
        return (side, side, channels), 0, 0
    if channels % groups or units % groups:
        checks.refuse(
            "groups",
            f"a divisor of its {channels} channels and {units} filters",
            groups,
        )
    weights = layer.kernel**2 * (channels // groups) * units
    return (side, side, units), weights + units, side**2 * weights
