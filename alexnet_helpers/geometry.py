"""A convolutional network as data: sizes, weights and work from its layers' numbers.

"Paper" is Krizhevsky, Sutskever and Hinton, NIPS 2012.
"""

import contextlib
import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from alexnet_helpers import checks

_NOT_APPLICABLE = "–"
_ROUNDINGS = ("floor", "ceil")
# The fields that each kind of layer uses. Of a further kind these have to know as well:
# `_measure` and `kernel_shapes`, `numpy_layers.steps` and `step_kinds`,
# `models.alexnet`, and `KINDS` of `plotting.architecture`.
_USED = {
    "conv": ("units", "kernel", "stride", "padding", "groups", "rounding"),
    "pool": ("kernel", "stride", "padding", "rounding"),
    "dense": ("units",),
}


def output_size(size, kernel, stride=1, padding=0, rounding="floor"):
    """Count the positions of a window along one side of its input.

    Parameters
    ----------
    size : int
        Side of the input in pixels.
    kernel : int
        Side of the window in pixels.
    stride : int
        Step from one window to the next in pixels.
    padding : int or str
        Rows of zeros added on each side of the input; "valid" for none; "same" as in
        Keras, for as many zeros as give ceil(size / stride) positions.
    rounding : str
        "floor" counts the windows that lie wholly on the padded input, as Keras and
        PyTorch do. "ceil" counts as many windows as it takes to reach its end: the last
        one may overhang, as in the original code of 2012 (layer.py, `modulesX`). With
        "same" the rounding makes no difference.

    Returns
    -------
    int
        The side of the output, (size + 2 * padding - kernel) / stride rounded, plus 1.

    Notes
    -----
    With "ceil" and a stride larger than the kernel, the last window may even lie wholly
    beyond the input, and still counts, as in the code of 2012; PyTorch's `ceil_mode`
    drops a window that starts beyond the input and its left padding.

    Examples
    --------
    >>> output_size(227, kernel=11, stride=4)
    55
    >>> output_size(224, kernel=11, stride=4, padding=2)
    55
    """
    size, kernel = checks.integer("size", size), checks.integer("kernel", kernel)
    stride, padding = checks.integer("stride", stride), _check_padding(padding)
    checks.choice("rounding", rounding, _ROUNDINGS)
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
    """One layer that has a geometry; the functions that take layers check its fields.

    Attributes
    ----------
    name : str
    kind : str
        "conv", "pool" or "dense".
    units : int
        Filters of a "conv" layer, outputs of a "dense" one.
    kernel, stride, padding, rounding
        As for `output_size`; of "conv" and "pool" layers. A pool never takes its
        maximum from its padding. What computes (`numpy_layers.steps`, `models.alexnet`)
        takes a number as padding, not "same" or "valid".
    groups : int
        Into how many equal parts the channels and the filters of a "conv" layer are
        divided; each part of the filters sees its own part of the channels only.

    Examples
    --------
    >>> Layer("pool1", "pool", kernel=3, stride=2).stride
    2
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
    """List AlexNet's layers as data (paper, section 3.5).

    Parameters
    ----------
    towers : int
        1 for one network; 2 for the paper's two GPUs (section 3.2), where each filter
        of conv2, conv4 and conv5 sees half of the channels.
    padding, rounding : int or str, str
        Those of conv1. Three conventions give its 55 x 55 output: an input of 227 with
        (0, "floor"), the default; 224 with (2, "floor"); 224 with (0, "ceil"), which is
        the original code's.

    Returns
    -------
    tuple of Layer
        conv1, pool1, conv2, pool2, conv3, conv4, conv5, pool3, fc6, fc7, fc8.

    Examples
    --------
    >>> sum(layer.kind == "conv" for layer in alexnet_layers())
    5
    """
    towers, padding = checks.choice("towers", towers, (1, 2)), _check_padding(padding)
    rounding = checks.choice("rounding", rounding, _ROUNDINGS)
    conv1 = Layer("conv1", "conv", 96, kernel=11, stride=4)
    return (
        conv1._replace(padding=padding, rounding=rounding),
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
    layers : sequence of Layer
        In order. The first dense layer flattens its input.
    input_size : int
        Side of the square input in pixels.
    channels : int
        Of the input, 3 for red, green and blue.

    Returns
    -------
    pandas.DataFrame
        One row for each layer, named by the layer, and the columns

        - `input`, `output`: the shape of one image's tensor, (height, width, channels),
          and (length,) at a dense layer;
        - `kernel`, `stride`, `padding`: as in the layer, "–" where a layer has none;
        - `parameters`: the number of weights and biases;
        - `multiply_adds`: the multiplications, each followed by an addition, for one
          image;
        - `receptive_field`: how many pixels of the image, along one side, a value of
          the output can depend on.

    Raises
    ------
    ValueError
        The message names the layer.

    Examples
    --------
    >>> table = layer_table()
    >>> table.loc["conv1", "output"], int(table["parameters"].sum())
    ((55, 55, 96), 62378344)
    """
    input_size = checks.integer("input_size", input_size)
    channels = checks.integer("channels", channels)
    shape = (input_size, input_size, channels)
    # `field`: pixels that one value sees; `jump`: pixels from one value's centre to the
    # next one's.
    field = jump = 1
    rows = {}
    for layer in check_layers(layers):
        try:
            output, parameters, multiply_adds = _measure(layer, shape)
        except ValueError as error:
            given = f"with input_size={input_size} and channels={channels}"
            raise ValueError(f"{layer.name}: {error} ({given})") from None
        if layer.kind == "dense":
            shape, field = (math.prod(shape),), input_size
            window = (_NOT_APPLICABLE,) * 3
        else:
            field = min(field + (layer.kernel - 1) * jump, input_size)
            jump *= layer.stride
            window = (layer.kernel, layer.stride, layer.padding)
        rows[layer.name] = (shape, *window, output, parameters, multiply_adds, field)
        shape = output
    columns = "input kernel stride padding output parameters multiply_adds"
    columns = [*columns.split(), "receptive_field"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _measure(layer, shape):
    """Return (output shape, parameters, multiply-adds) of a layer on such an input."""
    if layer.kind == "dense":
        weights = math.prod(shape) * layer.units
        return (layer.units,), weights + layer.units, weights
    if len(shape) == 1:
        checks.refuse("kind", "'dense' after a dense layer", layer.kind)
    window = (layer.kernel, layer.stride, layer.padding, layer.rounding)
    side = output_size(shape[0], *window)
    channels, units, groups = shape[2], layer.units, layer.groups
    if layer.kind == "pool":
        return (side, side, channels), 0, 0
    if layer.kind != "conv":
        checks.refuse("kind", "'conv', 'pool' or 'dense'", layer.kind)
    if channels % groups or units % groups:
        needed = f"a divisor of its {channels} channels and {units} filters"
        checks.refuse("groups", needed, groups)
    weights = layer.kernel**2 * (channels // groups) * units
    return (side, side, units), weights + units, side**2 * weights


def kernel_shapes(layers=ALEXNET, input_size=227, channels=3):
    """List the shapes of the kernels, in the layout of Keras and `numpy_layers`.

    Parameters
    ----------
    layers, input_size, channels
        As for `layer_table`.

    Returns
    -------
    dict from str to tuple of int
        (k, k, channels / groups, filters), and (inputs, outputs) of a dense layer.

    Examples
    --------
    >>> shapes = kernel_shapes()
    >>> shapes["conv1"], shapes["fc8"]
    ((11, 11, 3, 96), (4096, 1000))
    """
    layers = check_layers(layers)
    inputs, shapes = layer_table(layers, input_size, channels)["input"], {}
    for layer in layers:
        if layer.kind == "conv":
            window = (layer.kernel, layer.kernel)
            seen = inputs[layer.name][2] // layer.groups
            shapes[layer.name] = (*window, seen, layer.units)
        elif layer.kind == "dense":
            shapes[layer.name] = (*inputs[layer.name], layer.units)
    return shapes


def check_layers(layers):
    """Return layers as a tuple of `Layer` with checked fields, their numbers as int.

    Raises
    ------
    ValueError
        If a field is wrong, two layers have one name, or a field has a value that a
        layer of this kind does not use.

    Examples
    --------
    >>> check_layers([Layer("pool1", "pool", kernel=0)])
    Traceback (most recent call last):
    ...
    ValueError: pool1: kernel must be a positive integer, got 0
    """
    needed = "a list of geometry.Layer"
    several = isinstance(layers, Iterable) and not hasattr(layers, "dtype")
    if not several or isinstance(layers, (str, bytes, Layer, Mapping)):
        checks.refuse("layers", needed, layers)
    checked = {}
    for layer in layers:
        if not isinstance(layer, Layer):
            got = f"{checks.describe(layer)} as one of them"
            raise ValueError(f"layers must be {needed}, got {got}")
        name = checks.text("the name of a layer", layer.name)
        if name in checked:
            raise ValueError(f"layers must have different names, got {name!r} twice")
        try:
            checked[name] = _check_layer(layer)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return tuple(checked.values())


def _check_layer(layer):
    kind = checks.choice("kind", layer.kind, tuple(_USED))
    fields = {}
    for name, default in Layer._field_defaults.items():
        value = getattr(layer, name)
        if name not in _USED[kind]:
            checks.choice(f"{name} of a {kind!r} layer", value, [default])
        elif name == "rounding":
            fields[name] = checks.choice(name, value, _ROUNDINGS)
        elif name == "padding":
            fields[name] = _check_padding(value)
        else:
            fields[name] = checks.integer(name, value)
    return layer._replace(**fields)
