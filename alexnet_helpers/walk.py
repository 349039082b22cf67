"""The photo's walk through an untrained AlexNet: conv1 holds the filter bank of notebook 02.

Every notebook starts from the tensor that the one before ended with. Nothing is stored: each call
recomputes the walk, in float32 and without TensorFlow. It is the one-tower network without local
response normalization (`models.alexnet()`), in inference, where dropout lets everything through.
"""

import math

import numpy as np

from alexnet_helpers import checks, data, geometry, numpy_layers

SEED = 2012
LEARNED = tuple(layer.name for layer in geometry.ALEXNET if layer.kind != "pool")
STEPS = tuple(name for name, _, _ in numpy_layers.step_kinds())


def photo_tensor():
    """Return the photo as the network's input: 1 x 227 x 227 x 3 float32, from -1 (black) to 1 (white)."""
    return data.sample_photo(227)[np.newaxis].astype(np.float32) / 127.5 - 1


def gabor(angle, wavelength, phase, size=11):
    """Return a wave under a bell, the pattern that finds edges and bars of one direction.

    Parameters
    ----------
    angle : direction across the wave, in radians; 0 runs left to right, pi/2 top to bottom.
    wavelength : pixels from crest to crest; the bell's standard deviation is 0.45 of it.
    phase : 0 for a bar (bright in the middle), pi/2 for an edge (bright on one side, dark on the other).
    size : height and width in pixels, odd.

    Returns
    -------
    size x size float64 with mean 0, so that an even surface gives 0, and sum of squares 1.

    Raises
    ------
    ValueError : if a number is not finite, the wavelength so short or so long that the pixels do
        not show the wave, or the size not an odd integer from 3 to 999.
    """
    x, y = _grid(size)
    angle, phase = checks.number("angle", angle), checks.number("phase", phase)
    wavelength = checks.number("wavelength", wavelength, lowest=1, highest=10_000)
    across = x * np.cos(angle) + y * np.sin(angle)
    wave = np.cos(2 * np.pi * across / wavelength + phase) * _bell(
        x, y, 0.45 * wavelength
    )
    wave -= wave.mean()
    if np.linalg.norm(wave) < 1e-9:  # nothing but rounding errors
        checks.refuse(
            "wavelength", "such that the pixels differ at this phase", wavelength
        )
    return _unit(wave)


def spot(width, surround=False, size=11):
    """Return a round spot, or a spot against its surround.

    Parameters
    ----------
    width : standard deviation of the spot in pixels.
    surround : True to subtract the mean, so that the centre is weighed against what lies around it.
    size : height and width in pixels, odd.

    Returns
    -------
    size x size float64 with sum of squares 1.

    Raises
    ------
    ValueError : if the width is not from 0.1 to 1000, or the size not an odd integer from 3 to 999.
    """
    x, y = _grid(size)
    bell = _bell(x, y, checks.number("width", width, lowest=0.1, highest=1000))
    return _unit(bell - bell.mean() if checks.flag("surround", surround) else bell)


def _grid(size):
    """Return the distances of each pixel from the middle, to the right and downwards."""
    size = checks.integer("size", size, lowest=3, highest=999)
    if size % 2 == 0:
        checks.refuse("size", "odd, so that one pixel is the middle", size)
    y, x = np.mgrid[:size, :size] - size // 2
    return x, y


def _bell(x, y, width):
    return np.exp(-(x**2 + y**2) / (2 * width**2))


def _unit(values):
    return values / np.linalg.norm(values)


def filter_bank():
    """Return the 96 filters that notebook 02 shows, as the weights of conv1: 11 x 11 x 3 x 96 float32.

    Filters 0-47 are black and white: edges and bars of three wavelengths, each at eight angles.
    Filters 48-95 are coloured: for each of four pairs of opposite colours eight edges, two spots
    against their surround and two plain spots. Every filter has sum of squares 1 and gives 0 on an
    even grey surface. Figure 3 of the paper shows the 96 that were learned: those of one GPU are
    largely without colour, too, and those of the other largely coloured.
    """
    angles = np.arange(8) * np.pi / 8
    white = _unit(np.ones(3))
    red_green, yellow_blue = _unit(np.array([1, -1, 0])), _unit(np.array([1, 1, -2]))
    filters = [
        gabor(angle, wavelength, phase)[..., np.newaxis] * white
        for wavelength in (4, 6, 10)
        for phase in (np.pi / 2, 0)
        for angle in angles
    ]
    for turn in np.arange(4) * np.pi / 4:
        colour = np.cos(turn) * red_green + np.sin(turn) * yellow_blue
        patterns = [gabor(angle, 10, np.pi / 2) for angle in angles]
        patterns += [
            sign * spot(width, surround)
            for width, surround in ((2, True), (3, False))
            for sign in (1, -1)
        ]
        filters += [pattern[..., np.newaxis] * colour for pattern in patterns]
    return np.stack(filters, axis=-1).astype(np.float32)


def layer_weights(name):
    """Return the walk's weights of one layer, the same in every call.

    Parameters
    ----------
    name : "conv1" ... "conv5", "fc6", "fc7" or "fc8".

    Returns
    -------
    (kernel, bias) : float32. Kernel k x k x channels x filters, or inputs x outputs for a dense
        layer: the filter bank for conv1, else He-normal, N(0, 2 / inputs of one unit), from a
        generator of the layer's own, so that each can be made without the others. The biases are 0.

    Raises
    ------
    ValueError : if the layer has no weights.
    """
    name = checks.choice("name", name, LEARNED)
    shape = _kernel_shape(name)
    bias = np.zeros(shape[-1], np.float32)
    if name == "conv1":
        return filter_bank(), bias
    rng = np.random.default_rng([SEED, LEARNED.index(name)])
    kernel = rng.standard_normal(shape, dtype=np.float32)
    kernel *= np.float32(np.sqrt(2 / np.prod(shape[:-1])))
    return kernel, bias


def _kernel_shape(name):
    layer = next(layer for layer in geometry.ALEXNET if layer.name == name)
    shape = geometry.layer_table().loc[name, "input"]
    if layer.kind == "dense":
        return math.prod(shape), layer.units
    return layer.kernel, layer.kernel, shape[2] // layer.groups, layer.units


def tensor_after(name):
    """Compute the photo's tensor after one step of the network.

    Parameters
    ----------
    name : "conv1" (before the ReLU), "relu1", "pool1", "conv2", ... "pool3", "flatten", "fc6",
        "relu6", "fc7", "relu7", "fc8" or "softmax"; `STEPS` lists all in order.

    Returns
    -------
    float32, 1 x height x width x channels, or 1 x units from "flatten" on.

    Raises
    ------
    ValueError : if there is no such step.
    """
    name = checks.choice("name", name, STEPS)
    walk = numpy_layers.steps(photo_tensor(), layer_weights)
    return next(tensor for step, tensor in walk if step == name)
