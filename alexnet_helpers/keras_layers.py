"""Layers that Keras does not have, written against `keras` alone.

So they run on its TensorFlow, JAX and PyTorch backends. "Paper" is Krizhevsky,
Sutskever and Hinton, NIPS 2012.
"""

import numpy as np

from alexnet_helpers import checks, load_keras

keras = load_keras()
layers, ops = keras.layers, keras.ops


@keras.saving.register_keras_serializable(package="alexnet_helpers")
class LocalResponseNorm(layers.Layer):
    """Divide each value by a sum over the neighbouring channels (paper, section 3.3).

        y[c] = x[c] / s[c] ** beta
        s[c] = k + alpha * sum of x[j] ** 2 over the `size` channels j around c

    Input and output: (batch, height, width, channels).

    Parameters
    ----------
    size : int
        How many channels are summed, an odd number (the paper's n).
    k, alpha, beta : float
        The defaults are the paper's.
    towers : int
        With 2 the channels are two halves that do not see each other, as on the paper's
        two GPUs.

    Examples
    --------
    >>> channels = np.array([1, 2, 3], "float32").reshape(1, 1, 1, 3)
    >>> y = LocalResponseNorm(size=3, k=1, alpha=1, beta=1)(channels)
    >>> ops.convert_to_numpy(y).round(3).ravel()
    array([0.167, 0.133, 0.214], dtype=float32)
    """

    def __init__(self, size=5, k=2.0, alpha=1e-4, beta=0.75, towers=1, **kwargs):
        super().__init__(**kwargs)
        self.size = checks.integer("size", size)
        if self.size % 2 == 0:
            needed = "an odd positive integer (as many neighbours before as after)"
            checks.refuse("size", needed, size)
        self.towers = checks.integer("towers", towers)
        self.k = checks.number("k", k, above=0)
        self.alpha = checks.number("alpha", alpha, lowest=0)
        self.beta = checks.number("beta", beta)

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.towers:
            needed = f"a divisor of the {channels} channels"
            checks.refuse("towers", needed, self.towers)
        # One matrix product adds up the neighbours of every channel: on a CPU nine
        # times faster than adding shifted copies of the maps.
        channel = np.arange(channels)
        tower = channel * self.towers // channels
        near = np.abs(channel[:, None] - channel) <= self.size // 2
        self.neighbours = near & (tower[:, None] == tower)

    def call(self, x):
        # In float16 the square of 256 is already too large. (Keras' result_type would
        # make float32 of float64, too.)
        given = keras.backend.standardize_dtype(x.dtype)
        dtype = "float32" if given in ("float16", "bfloat16") else given
        values = ops.cast(x, dtype)
        weights = ops.cast(self.alpha * self.neighbours, dtype)
        s = self.k + ops.matmul(ops.square(values), weights)
        return ops.cast(values * ops.exp(-self.beta * ops.log(s)), x.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        names = ("size", "k", "alpha", "beta", "towers")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable(package="alexnet_helpers")
class GroupedConv2D(layers.Conv2D):
    """`keras.layers.Conv2D` with `groups`, each computed as a convolution of its own.

    The same weights, outputs and gradients; on a CPU TensorFlow's gradient of a grouped
    convolution takes about ten times as long as those of its parts.

    Examples
    --------
    >>> layer = GroupedConv2D(4, kernel_size=3, groups=2)
    >>> y = layer(np.zeros((1, 5, 5, 6), "float32"))
    >>> tuple(y.shape), tuple(layer.kernel.shape)
    ((1, 3, 3, 4), (3, 3, 3, 4))
    """

    def convolution_op(self, inputs, kernel):
        convolve = super().convolution_op
        parts = ops.split(inputs, self.groups, axis=-1)
        kernels = ops.split(kernel, self.groups, axis=-1)
        return ops.concatenate(list(map(convolve, parts, kernels)), axis=-1)


@keras.saving.register_keras_serializable(package="alexnet_helpers")
class WhitenedConv2D(layers.Conv2D):
    """`keras.layers.Conv2D` whose kernel `models.whiten` sets; only its bias learns."""

    def build(self, input_shape):
        super().build(input_shape)
        self.kernel.trainable = False


def check_model(model):
    """Return a `keras.Model` whose layers have their weights, or refuse the value."""
    if not isinstance(model, keras.Model) or not model.built:
        needed = "a built keras.Model, such as models.alexnet_cifar10() returns"
        checks.refuse("model", needed, model)
    return model
