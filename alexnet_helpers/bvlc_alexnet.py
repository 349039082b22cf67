"""The AlexNet that Berkeley trained on ImageNet, as data.

BVLC AlexNet (Caffe, 2014) is the paper's network up to two things: its biases started
at 0 or 0.1, and its local response normalization has other constants and sees both
towers. `imagenet` loads its weights.
"""

import math

import numpy as np

from alexnet_helpers import geometry

SOURCE = "BVLC AlexNet (Caffe, 2014), trained on ImageNet"
# The last pool has a row and a column of padding behind the image, which an input of
# 224 needs (12 -> 6) and one of 227 does not (13 -> 6).
LAYERS = tuple(
    layer._replace(rounding="ceil") if layer.name == "pool3" else layer
    for layer in geometry.alexnet_layers(towers=2)
)
LEARNED = tuple(layer.name for layer in LAYERS if layer.kind != "pool")
# Caffe's normalization: alpha is 1e-4 divided by the size, and the towers see each
# other.
NORMALIZATION = {"size": 5, "k": 1.0, "alpha": 2e-5, "beta": 0.75, "towers": 1}
_STAND_IN_SEED = 2014


class Weights(dict):
    """The weights by layer: {"conv1": (kernel, bias), ..., "fc8": (kernel, bias)}.

    Attributes
    ----------
    is_real : bool
        Whether they were trained on ImageNet.
    source : str
        What they are, in words.

    Examples
    --------
    >>> Weights({}).source
    'a stand-in with random weights'
    """

    def __init__(self, arrays, is_real=False, source="a stand-in with random weights"):
        super().__init__(arrays)
        self.is_real, self.source = is_real, source


def stand_in():
    """Return random weights of the same names and shapes, the same in every call.

    The kernels are He-normal, N(0, 2 / inputs of one unit), so that the activations
    keep their size from layer to layer; those of fc8 are a hundredth of it, so that no
    class is certain. The biases are 0.

    Returns
    -------
    Weights
        float32, in the layout of `numpy_layers`.

    Examples
    --------
    >>> weights = stand_in()
    >>> weights["conv1"][0].shape, weights.is_real
    ((11, 11, 3, 96), False)
    """
    arrays = {}
    for number, (name, shape) in enumerate(geometry.kernel_shapes(LAYERS).items()):
        rng = np.random.default_rng([_STAND_IN_SEED, number])
        kernel = rng.standard_normal(shape, dtype=np.float32)
        scale = math.sqrt(2 / math.prod(shape[:-1])) * (0.01 if name == "fc8" else 1)
        kernel *= np.float32(scale)
        arrays[name] = kernel, np.zeros(shape[-1], np.float32)
    return Weights(arrays)
