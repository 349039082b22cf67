"""The photo's walk through an untrained AlexNet, whose conv1 is a filter bank.

Conv1 holds the filters of notebook 02, and every notebook starts from the tensor that
the one before ended with. Nothing is stored: each call recomputes the walk, in float32
and without TensorFlow. It is the one-tower network without local response normalization
(`models.alexnet()`), in inference, where dropout lets everything through.
"""

import numpy as np

from alexnet_helpers import checks, data, geometry, numpy_layers

_SEED = 2012
LEARNED = tuple(geometry.kernel_shapes())  # "conv1" ... "fc8"


def photo_tensor():
    """Return the photo as the network's input, from -1 (black) to 1 (white).

    Returns
    -------
    ndarray of float32, shape (1, 227, 227, 3)

    Examples
    --------
    >>> photo_tensor().shape
    (1, 227, 227, 3)
    """
    return data.sample_photo(227)[np.newaxis].astype(np.float32) / 127.5 - 1


# --- The filters of conv1 ---


def gabor(angle, wavelength, phase, size=11):
    """Return a Gabor filter, which responds to edges or bars of one direction.

    It is a cosine wave times a Gaussian.

    Parameters
    ----------
    angle : float
        Direction across the wave, in radians; 0 runs left to right, pi/2 top to bottom.
    wavelength : float
        Pixels from crest to crest; the bell's standard deviation is 0.45 of it.
    phase : float
        0 for a bar (bright in the middle), pi/2 for an edge (bright on one side, dark
        on the other).
    size : int
        Height and width in pixels, odd.

    Returns
    -------
    ndarray of float64, shape (size, size)
        Its mean is 0, so an even surface gives 0; its sum of squares is 1.

    Raises
    ------
    ValueError
        Also if the pixels do not show a wave that is so short or so long.

    Examples
    --------
    >>> gabor(angle=0, wavelength=4, phase=0, size=3).round(1)
    array([[-0.2,  0.4, -0.2],
           [-0.2,  0.5, -0.2],
           [-0.2,  0.4, -0.2]])
    """
    x, y = _pixel_grid(size)
    angle, phase = checks.number("angle", angle), checks.number("phase", phase)
    wavelength = checks.number("wavelength", wavelength, lowest=1, highest=10_000)
    across = x * np.cos(angle) + y * np.sin(angle)
    wave = np.cos(2 * np.pi * across / wavelength + phase)
    wave *= _bell(x, y, 0.45 * wavelength)
    wave -= wave.mean()
    if np.linalg.norm(wave) < 1e-9:  # nothing but rounding errors
        needed = "such that the pixels differ at this phase"
        checks.refuse("wavelength", needed, wavelength)
    return _unit(wave)


def _spot(width, surround=False):
    """Return a round spot of this standard deviation; with `surround` its mean is 0."""
    bell = _bell(*_pixel_grid(11), width)
    return _unit(bell - bell.mean() if surround else bell)


def _pixel_grid(size):
    """Return how far each pixel lies from the middle, to the right and downwards."""
    size = checks.integer("size", size, lowest=3, highest=999)
    if size % 2 == 0:
        checks.refuse("size", "odd, so that one pixel is the middle", size)
    y, x = np.mgrid[:size, :size] - size // 2
    return x, y


def _bell(x, y, width):
    return np.exp(-(x**2 + y**2) / (2 * width**2))


def _unit(values):
    """Scale values so that their sum of squares is 1."""
    return values / np.linalg.norm(values)


def filter_bank():
    """Return the 96 filters that notebook 02 shows, as the weights of conv1.

    Filters 0-47 are black and white: edges and bars of three wavelengths, each at eight
    angles. Filters 48-95 are coloured: for each of four pairs of opposite colours eight
    edges, two spots against their surround and two plain spots. Every filter has sum of
    squares 1 and gives 0 on an even grey surface. Figure 3 of the paper shows the 96
    that were learned: those of one GPU are largely without colour, too, and those of
    the other largely coloured.

    Returns
    -------
    ndarray of float32, shape (11, 11, 3, 96)

    Examples
    --------
    >>> filter_bank().shape
    (11, 11, 3, 96)
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
    against_surround, plain = _spot(2, surround=True), _spot(3)
    spots = [against_surround, -against_surround, plain, -plain]
    for hue in np.arange(4) * np.pi / 4:
        colour = np.cos(hue) * red_green + np.sin(hue) * yellow_blue
        patterns = [gabor(angle, 10, np.pi / 2) for angle in angles] + spots
        filters += [pattern[..., np.newaxis] * colour for pattern in patterns]
    return np.stack(filters, axis=-1).astype(np.float32)


# --- The network behind them ---


def layer_weights(name):
    """Return the walk's weights of one layer, the same in every call.

    Parameters
    ----------
    name : str
        "conv1" ... "conv5", "fc6", "fc7" or "fc8".

    Returns
    -------
    kernel : ndarray of float32, shape (k, k, channels, filters) or (inputs, outputs)
        The filter bank for conv1, else He-normal, N(0, 2 / inputs of one unit), from a
        generator of the layer's own, so that each can be made without the others. (The
        generator is that of the layer's place among those with weights.)
    bias : ndarray of float32, shape (filters,) or (outputs,)
        Zeros.

    Examples
    --------
    >>> kernel, bias = layer_weights("conv2")
    >>> kernel.shape, bias.shape
    ((5, 5, 96, 256), (256,))
    """
    name = checks.choice("name", name, LEARNED)
    shape = geometry.kernel_shapes()[name]
    bias = np.zeros(shape[-1], np.float32)
    if name == "conv1":
        return filter_bank(), bias
    rng = np.random.default_rng([_SEED, LEARNED.index(name)])
    kernel = rng.standard_normal(shape, dtype=np.float32)
    kernel *= np.float32(np.sqrt(2 / np.prod(shape[:-1])))
    return kernel, bias


def tensor_after(name):
    """Compute the photo's tensor after one step of the network.

    Parameters
    ----------
    name : str
        "conv1" (before the ReLU), "relu1", "pool1", "conv2", ... "pool3", "flatten",
        "fc6", "relu6", "fc7", "relu7", "fc8" or "softmax".

    Returns
    -------
    ndarray of float32, shape (1, height, width, channels)
        Or (1, units), from "flatten" on.

    Examples
    --------
    >>> tensor_after("pool1").shape
    (1, 27, 27, 96)
    """
    steps = [step for step, _, _ in numpy_layers.step_kinds()]
    name = checks.choice("name", name, steps)
    walk = numpy_layers.steps(photo_tensor(), layer_weights)
    return next(tensor for step, tensor in walk if step == name)
