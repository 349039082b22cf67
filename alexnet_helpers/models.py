"""AlexNet in Keras: the network of the paper, and versions of it for the small images of CIFAR-10.

Only `keras` is used, so every model runs on its TensorFlow, JAX and PyTorch backends. Layers are
named conv1 ... fc8 as in the paper, and each network ends in a softmax.
"""

from alexnet_helpers import load_keras

keras = load_keras()
layers = keras.layers

# Mean and standard deviation of the red, green and blue values of CIFAR-10's training images, on the
# scale 0-255 (notebook 11 computes them; the JPEG copy differs by up to half a grey level); constants,
# so that a model carries no state of a data set.
CIFAR10_MEAN = (125.3, 123.0, 113.9)
CIFAR10_STD = (63.0, 62.1, 66.7)


@keras.saving.register_keras_serializable(package="alexnet_helpers")
class LocalResponseNorm(layers.Layer):
    """Local response normalization across channels (paper, section 3.3).

    Each value is divided by (k + alpha * s) ** beta, where s is the sum of the squares of the
    values at the same position in `size` neighbouring channels. With `towers=2` the channels are
    two halves that do not see each other, as on the paper's two GPUs.

    Input and output: (batch, height, width, channels).
    """

    def __init__(self, size=5, k=2.0, alpha=1e-4, beta=0.75, towers=1, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(size, int) or size < 1 or size % 2 == 0:
            raise ValueError(f"size={size!r}: allowed is an odd positive integer, as many neighbours before as after")
        _check_positive_integer("towers", towers)
        self.size, self.k, self.alpha, self.beta, self.towers = size, k, alpha, beta, towers

    def build(self, input_shape):
        if input_shape[-1] % self.towers:
            raise ValueError(f"towers={self.towers}: allowed is a divisor of the {input_shape[-1]} channels")

    def call(self, x):
        return keras.ops.concatenate(
            [self._normalize(half) for half in keras.ops.split(x, self.towers, axis=-1)], axis=-1
        )

    def _normalize(self, x):
        half, channels = self.size // 2, x.shape[-1]
        squares = keras.ops.pad(keras.ops.square(x), [(0, 0), (0, 0), (0, 0), (half, half)])
        total = sum(squares[..., i : i + channels] for i in range(self.size))
        return x / (self.k + self.alpha * total) ** self.beta

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        names = ("size", "k", "alpha", "beta", "towers")
        return super().get_config() | {name: getattr(self, name) for name in names}


def alexnet(
    input_shape=(227, 227, 3),
    num_classes=1000,
    towers=1,
    local_response_norm=False,
    kernel_initializer="he_normal",
):
    """Build the AlexNet of the paper (sections 3.1-3.5) with untrained weights.

    Parameters
    ----------
    input_shape : (height, width, channels) of one image; the paper's network sees 227 x 227 x 3.
    num_classes : number of outputs, 1000 for ImageNet.
    towers : 1 for the single network of most reimplementations (62,378,344 parameters at 227 and
        1000 classes), 2 for the paper's two GPUs, where conv2, conv4 and conv5 see only the maps
        of their own half (60,965,224).
    local_response_norm : whether to normalize after the ReLU of conv1 and conv2 (section 3.3).
    kernel_initializer : how the weights start; the biases start at 0. (The paper draws the weights
        from N(0, 0.01**2) and starts some biases at 1.)

    Returns
    -------
    A `keras.Sequential` from (batch, height, width, channels) to (batch, num_classes)
    probabilities.

    Raises
    ------
    ValueError : when an argument is out of range, or the image is too small for eight layers.
    """
    _check_image_shape(input_shape, smallest=67)
    _check_positive_integer("num_classes", num_classes)
    if towers not in (1, 2):
        raise ValueError(f"towers={towers!r}: allowed are 1 (one network) and 2 (the paper's two GPUs)")
    start = {"activation": "relu", "kernel_initializer": kernel_initializer}

    def norm(number):
        return [LocalResponseNorm(towers=towers, name=f"norm{number}")] if local_response_norm else []

    return keras.Sequential(
        [
            keras.Input(input_shape, name="image"),
            layers.Conv2D(96, 11, strides=4, name="conv1", **start),
            *norm(1),
            layers.MaxPooling2D(3, strides=2, name="pool1"),
            layers.Conv2D(256, 5, padding="same", groups=towers, name="conv2", **start),
            *norm(2),
            layers.MaxPooling2D(3, strides=2, name="pool2"),
            layers.Conv2D(384, 3, padding="same", name="conv3", **start),
            layers.Conv2D(384, 3, padding="same", groups=towers, name="conv4", **start),
            layers.Conv2D(256, 3, padding="same", groups=towers, name="conv5", **start),
            layers.MaxPooling2D(3, strides=2, name="pool3"),
            layers.Flatten(name="flatten"),
            layers.Dense(4096, name="fc6", **start),
            layers.Dropout(0.5, name="dropout6"),
            layers.Dense(4096, name="fc7", **start),
            layers.Dropout(0.5, name="dropout7"),
            layers.Dense(num_classes, activation="softmax", name="fc8", kernel_initializer=kernel_initializer),
        ],
        name="alexnet",
    )


def alexnet_cifar10(
    variant="tutorial", width=1.0, num_classes=10, kernel_initializer="glorot_uniform", centred_input=False
):
    """Build an AlexNet for 32 x 32 x 3 images with untrained weights.

    The variant "tutorial" is the network that many tutorials build: AlexNet's eight layers, every
    convolution and pooling layer padded with "same", so that the maps shrink 32-8-4-4-2-2-2-2-1.
    With the default arguments it has 21,622,154 parameters.

    Parameters
    ----------
    variant : "tutorial".
    width : factor on the number of filters and of units in fc6 and fc7; 1.0 is 96-256-384-384-256
        filters and 4096 units, 0.5 is one of the paper's towers.
    num_classes : number of outputs.
    kernel_initializer : how the weights start; Keras' default, which the tutorials keep, is
        "glorot_uniform".
    centred_input : False divides the pixels by 255, as the tutorials do; True subtracts the mean
        and divides by the standard deviation of CIFAR-10's channels.

    Returns
    -------
    A `keras.Sequential` from (batch, 32, 32, 3) images with values 0-255 to (batch, num_classes)
    probabilities.

    Raises
    ------
    ValueError : for an unknown variant, a width that leaves a layer without filters, or a number
        of classes that is no positive integer.
    """
    if variant != "tutorial":
        raise ValueError(f"variant={variant!r}: allowed is 'tutorial'")
    _check_positive_integer("num_classes", num_classes)
    if not isinstance(width, (int, float)) or not 0.02 <= width <= 4:
        raise ValueError(f"width={width!r}: allowed is a number from 0.02 to 4 (1.0 is the paper's)")

    start = {"activation": "relu", "kernel_initializer": kernel_initializer}
    same = start | {"padding": "same"}

    def scaled(units):
        return max(1, round(units * width))

    def pool(number):
        return layers.MaxPooling2D(3, strides=2, padding="same", name=f"pool{number}")

    return keras.Sequential(
        [
            keras.Input((32, 32, 3), name="image"),
            _rescaling(centred_input),
            layers.Conv2D(scaled(96), 11, strides=4, name="conv1", **same),
            pool(1),
            layers.Conv2D(scaled(256), 5, name="conv2", **same),
            pool(2),
            layers.Conv2D(scaled(384), 3, name="conv3", **same),
            layers.Conv2D(scaled(384), 3, name="conv4", **same),
            layers.Conv2D(scaled(256), 3, name="conv5", **same),
            pool(3),
            layers.Flatten(name="flatten"),
            layers.Dense(scaled(4096), name="fc6", **start),
            layers.Dropout(0.5, name="dropout6"),
            layers.Dense(scaled(4096), name="fc7", **start),
            layers.Dropout(0.5, name="dropout7"),
            layers.Dense(num_classes, activation="softmax", name="fc8", kernel_initializer=kernel_initializer),
        ],
        name=f"alexnet_cifar10_{variant}",
    )


def _rescaling(centred):
    """Return the layer that brings pixels of 0-255 to the network's range by constants."""
    if centred:
        variance = [std**2 for std in CIFAR10_STD]
        return layers.Normalization(mean=CIFAR10_MEAN, variance=variance, name="rescaling")
    return layers.Rescaling(1 / 255, name="rescaling")


def _check_image_shape(input_shape, smallest):
    valid = (
        isinstance(input_shape, (tuple, list))
        and len(input_shape) == 3
        and all(isinstance(n, int) and n > 0 for n in input_shape)
    )
    if not valid or min(input_shape[:2]) < smallest:
        raise ValueError(
            f"input_shape={input_shape!r}: allowed is (height, width, channels) in positive integers, "
            f"height and width at least {smallest} (smaller maps vanish before pool3)"
        )


def _check_positive_integer(name, value):
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name}={value!r}: allowed is a positive integer")
