"""AlexNet in Keras: the network of the paper, and versions of it for the small images of CIFAR-10.

Only `keras` is used, so every model runs on its TensorFlow, JAX and PyTorch backends. Layers are
named conv1 ... fc8 as in the paper, and each network ends in a softmax.
"""

import hashlib
import io
import json
import math
import zipfile
import zlib
from pathlib import Path

import numpy as np

from alexnet_helpers import load_keras

keras = load_keras()
layers = keras.layers

# Mean and standard deviation of the red, green and blue values of CIFAR-10's training images, on the
# scale 0-255 (notebook 11 computes them; the JPEG copy differs by up to half a grey level); constants,
# so that a model carries no state of a data set.
CIFAR10_MEAN = (125.3, 123.0, 113.9)
CIFAR10_STD = (63.0, 62.1, 66.7)
# variant: kernel and stride of conv1, units in fc6 and fc7
CIFAR10_VARIANTS = {"tutorial": (11, 4, 4096), "paper": (5, 1, 512), "modern": (5, 1, 512)}
# What may be changed in a variant, and what it is if nothing is said (None: as the variant has it).
INGREDIENTS = {
    "activation": "relu",
    "pool": 3,
    "dropout": 0.5,
    "towers": 1,
    "stem": None,
    "local_response_norm": None,
    "without": (),
    "ones_in_biases": False,
}
REMOVABLE = ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7")

# Trained networks that come with the course (data/README.md says how each was made): file and SHA-256.
WEIGHTS_FOLDER = Path(__file__).resolve().parent.parent / "data" / "weights"
STORED_WEIGHTS = {
    "cifar10": ("alexnet_cifar10_modern.npz", "b36e9bd41151300ceceb7553764db8b7ea4575c33dd151882253ab1960f79fd3"),
}


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
        channels = input_shape[-1]
        if channels % self.towers:
            raise ValueError(f"towers={self.towers}: allowed is a divisor of the {channels} channels")
        # One matrix product adds up the neighbours of every channel: on a CPU nine times faster than
        # adding shifted copies of the maps.
        number, tower = np.arange(channels), np.arange(channels) * self.towers // channels
        near = np.abs(number[:, None] - number) <= self.size // 2
        self.neighbours = near & (tower[:, None] == tower)

    def call(self, x):
        # In float16 the square of 256 is already too large. (Keras' result_type would make float32 of float64, too.)
        given = keras.backend.standardize_dtype(x.dtype)
        precision = "float32" if given in ("float16", "bfloat16") else given
        wide = keras.ops.cast(x, precision)
        total = keras.ops.matmul(keras.ops.square(wide), keras.ops.cast(self.alpha * self.neighbours, precision))
        return keras.ops.cast(wide * keras.ops.exp(-self.beta * keras.ops.log(self.k + total)), x.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        names = ("size", "k", "alpha", "beta", "towers")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable(package="alexnet_helpers")
class GroupedConv2D(layers.Conv2D):
    """`keras.layers.Conv2D` with `groups`, each group computed as a convolution of its own.

    The same weights, outputs and gradients; on a CPU TensorFlow's gradient of a grouped convolution
    takes about ten times as long as those of its parts.
    """

    def convolution_op(self, inputs, kernel):
        parts = zip(keras.ops.split(inputs, self.groups, axis=-1), keras.ops.split(kernel, self.groups, axis=-1))
        return keras.ops.concatenate([super(GroupedConv2D, self).convolution_op(*part) for part in parts], axis=-1)


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
    variant="tutorial",
    width=None,
    num_classes=10,
    kernel_initializer="glorot_uniform",
    centred_input=None,
    batch_norm=None,
    weights=None,
    **ingredients,
):
    """Build an AlexNet for 32 x 32 x 3 images, untrained or with stored weights.

    "tutorial" is the network that many tutorials build: AlexNet's eight layers, every convolution
    and pooling layer padded with "same", so that the maps shrink 32-8-4-4-2-2-2-2-1. With the
    default arguments it has 21,622,154 parameters.

    "paper" fits the paper's ideas (section 3) to small images: conv1 looks at 5 x 5 pixels and does
    not stride, so that the maps shrink 32-32-16-16-8-8-8-8-4; local response normalization after
    conv1 and conv2, overlapping pooling, two hidden dense layers of 512 units with dropout, weight
    decay of 0.0005 by the paper's rule (section 5: an L2 penalty of 0.00025 on the kernels).

    "modern" is "paper" with batch normalization (arXiv:1502.03167) after every convolution and
    hidden dense layer in place of local response normalization, and no penalty.

    Parameters
    ----------
    variant : "tutorial", "paper" or "modern".
    width : factor on the number of filters and of units in fc6 and fc7; 1.0 is 96-256-384-384-256
        filters, 0.5 is one of the paper's towers. None is 1.0, or what the stored weights need.
    num_classes : number of outputs.
    kernel_initializer : how the weights start; Keras' default, which the tutorials keep, is
        "glorot_uniform".
    centred_input : False divides the pixels by 255, as the tutorials do; True subtracts the mean
        and divides by the standard deviation of CIFAR-10's channels. None is False, or what the
        stored weights need.
    batch_norm : whether each convolution and hidden dense layer is followed by batch normalization
        (in place of local response normalization). None is what the variant has.
    weights : None; "cifar10" for the trained network that comes with the course (variant "modern";
        made as data/README.md says); or the path of a file that `training.save_weights` wrote.
    ingredients : what is changed in the variant, to find out what it gives: `activation` (Keras' name),
        `pool` (side of the windows, which move by 2), `dropout` (rate), `towers` (1, or 2 as on the
        paper's two GPUs), `stem` ((kernel, stride) of conv1), `local_response_norm` (True or False),
        `without` (names of layers that are left out: conv2 to conv5, fc6, fc7) and `ones_in_biases`
        (True starts the biases of conv2, conv4, conv5, fc6 and fc7 at 1; paper, section 5).

    Returns
    -------
    A `keras.Sequential` from (batch, 32, 32, 3) images with values 0-255 to (batch, num_classes)
    probabilities.

    Raises
    ------
    ValueError : for an unknown variant or ingredient, a width that leaves a layer without filters, a
        number of classes that is no positive integer, or a file of weights that is missing, damaged,
        or of another network than the arguments ask for.
    """
    if variant not in CIFAR10_VARIANTS:
        raise ValueError(f"variant={variant!r}: allowed are {', '.join(CIFAR10_VARIANTS)}")
    _check_positive_integer("num_classes", num_classes)
    asked = {"variant": variant, "width": width, "centred_input": centred_input, "batch_norm": batch_norm}
    network = {"width": 1.0, "centred_input": False, "batch_norm": variant == "modern"}
    if weights is not None:
        about, arrays = _read_weights(weights)
        network = about["network"]
        asked["num_classes"] = num_classes
        if wrong := [name for name, value in asked.items() if value not in (None, network[name])]:
            needed = ", ".join(f"{name}={network[name]!r}" for name in wrong)
            given = ", ".join(f"{name}={asked[name]!r}" for name in wrong)
            raise ValueError(f"{given}: allowed with weights={str(weights)!r} is {needed}")
    width, centred_input, batch_norm = (
        network[name] if asked[name] is None else asked[name] for name in ("width", "centred_input", "batch_norm")
    )
    if not isinstance(width, (int, float)) or not 0.02 <= width <= 4:
        raise ValueError(f"width={width!r}: allowed is a number from 0.02 to 4 (1.0 is the paper's)")
    changed = INGREDIENTS | ingredients
    for name, value in ingredients.items():
        if name not in INGREDIENTS:
            raise ValueError(f"{name}={value!r}: allowed ingredients are {', '.join(INGREDIENTS)}")
        if weights is not None:
            raise ValueError(f"{name}={value!r}: allowed with weights={str(weights)!r} is the variant unchanged")
    if isinstance(changed["without"], str) or not set(changed["without"]) <= set(REMOVABLE):
        raise ValueError(f"without={changed['without']!r}: allowed is a list of {', '.join(REMOVABLE)}")
    if changed["local_response_norm"] and batch_norm:
        raise ValueError("local_response_norm=True: allowed with batch_norm=True is None or False")
    first_kernel, first_stride, units = CIFAR10_VARIANTS[variant]
    first_kernel, first_stride = changed["stem"] or (first_kernel, first_stride)
    towers, lrn = changed["towers"], changed["local_response_norm"]
    lrn = (variant == "paper" and not batch_norm) if lrn is None else lrn
    start = {"kernel_initializer": kernel_initializer}
    full_precision = keras.config.dtype_policy().variable_dtype
    if variant == "paper":
        start["kernel_regularizer"] = keras.regularizers.L2(0.00025)

    def learned(layer, name, size, *arguments, **named):
        """Return a layer with its activation, and its normalization where the variant has one."""
        if name in changed["without"]:
            return []
        size, norm = max(1, round(size * width)), f"norm{name[-1]}"
        if batch_norm:
            return [
                layer(size, *arguments, use_bias=False, name=name, **start, **named),
                layers.BatchNormalization(name=norm),
                layers.Activation(changed["activation"], name=f"relu{name[-1]}"),
            ]
        if changed["ones_in_biases"] and name not in ("conv1", "conv3"):
            named["bias_initializer"] = "ones"
        built = [layer(size, *arguments, activation=changed["activation"], name=name, **start, **named)]
        return built + [LocalResponseNorm(towers=towers, name=norm)] * (lrn and name in ("conv1", "conv2"))

    def conv(number, filters, kernel, strides=1):
        options = {"strides": strides, "padding": "same"}
        if towers == 1 or number not in (2, 4, 5):
            return learned(layers.Conv2D, f"conv{number}", filters, kernel, **options)
        return learned(GroupedConv2D, f"conv{number}", filters, kernel, groups=towers, **options)

    def pool(number):
        return layers.MaxPooling2D(changed["pool"], strides=2, padding="same", name=f"pool{number}")

    def hidden(number):
        dense = learned(layers.Dense, f"fc{number}", units)
        return [*dense, layers.Dropout(changed["dropout"], name=f"dropout{number}")] if dense else []

    model = keras.Sequential(
        [
            keras.Input((32, 32, 3), name="image"),
            _rescaling(centred_input),
            *conv(1, 96, first_kernel, first_stride),
            pool(1),
            *conv(2, 256, 5),
            pool(2),
            *conv(3, 384, 3),
            *conv(4, 384, 3),
            *conv(5, 256, 3),
            pool(3),
            layers.Flatten(name="flatten"),
            *hidden(6),
            *hidden(7),
            # also where a policy of mixed precision computes the rest in 16 bits
            layers.Dense(num_classes, activation="softmax", name="fc8", dtype=full_precision, **start),
        ],
        name=f"alexnet_cifar10_{variant}",
    )
    if weights is not None:
        _assign(model, arrays, weights)
    return model


def _read_weights(weights):
    """Return what a file of weights says about its network, and its arrays by name."""
    file = Path(weights)
    if weights in STORED_WEIGHTS:
        name, sha256 = STORED_WEIGHTS[weights]
        file = WEIGHTS_FOLDER / name
    if not file.is_file():
        names = ", ".join(map(repr, STORED_WEIGHTS))
        raise ValueError(f"weights={str(weights)!r}: there is no file {file}; allowed are {names} and a file's path")
    content = file.read_bytes()
    remedy = "make it again, or take it again from the course's repository"
    if weights in STORED_WEIGHTS and hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"weights={weights!r}: {file} is damaged or not the course's file; {remedy}")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        about = json.loads(str(arrays.pop("about")))
        if not {"variant", "width", "centred_input", "batch_norm", "num_classes"} <= set(about["network"]):
            raise ValueError("it does not say of which network")
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        problem = f"{file} is damaged or holds no weights ({error}); {remedy}"
        raise ValueError(f"weights={str(weights)!r}: {problem}") from error
    return about, arrays


def _assign(model, arrays, weights):
    """Give a network the arrays of a file: one for each of its variables, of the same shape."""
    variables = named_weights(model)
    shapes = {name: tuple(array.shape) for name, array in arrays.items()}
    if shapes != {name: tuple(variable.shape) for name, variable in variables.items()}:
        raise ValueError(f"weights={str(weights)!r}: the file holds the weights of another network than {model.name}")
    for name, variable in variables.items():
        variable.assign(arrays[name].astype("float32"))


def named_weights(model):
    """Return a network's weights by name, "conv1/kernel" for example, with the state of normalization layers."""
    return {f"{layer.name}/{variable.name}": variable for layer in model.layers for variable in layer.weights}


def multiply_adds(model):
    """Return how many multiplications, each followed by an addition, a network does for one image.

    Convolutions and dense layers are counted: each weight is used once at every place of the
    layer's output map. (Normalization and pooling are left out, as in `geometry.layer_table`.)
    """
    counted = [layer for layer in model.layers if isinstance(layer, (layers.Conv2D, layers.Dense))]
    return sum(math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1]) for layer in counted)


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
