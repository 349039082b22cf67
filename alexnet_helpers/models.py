"""AlexNet in Keras: the network of the paper, and versions of it for the small images of CIFAR-10.

Only `keras` is used, so every model runs on its TensorFlow, JAX and PyTorch backends. Layers are
named conv1 ... fc8 as in the paper, and each network ends in a softmax.
"""

import contextlib
import hashlib
import json
import math
import os
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from alexnet_helpers import checks, geometry, imagenet, load_keras, numpy_layers

keras = load_keras()
layers = keras.layers

# Mean and standard deviation of the red, green and blue values of CIFAR-10's training images, on the
# scale 0-255 (notebook 11 computes them; the JPEG copy differs by up to half a grey level); constants,
# so that a model carries no state of a data set.
CIFAR10_MEAN = (125.3, 123.0, 113.9)
CIFAR10_STD = (63.0, 62.1, 66.7)
# variant: kernel and stride of conv1, units in fc6 and fc7
CIFAR10_VARIANTS = {
    "tutorial": (11, 4, 4096),
    "paper": (5, 1, 512),
    "modern": (5, 1, 512),
    "today": (3, 1, 256),
}
# What may be changed in a variant, and what it is if nothing is said (None: as the variant has it).
INGREDIENTS = {
    "activation": "relu",
    "pool": 3,
    "dropout": 0.5,
    "towers": 1,
    "stem": None,
    "whitened": False,
    "local_response_norm": None,
    "without": (),
    "ones_in_biases": False,
}
REMOVABLE = ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7")
FILTERS = {"conv1": 96, "conv2": 256, "conv3": 384, "conv4": 384, "conv5": 256}
TODAY_FILTERS = {
    "conv2": 96,
    "conv3": 192,
    "conv4": 256,
    "conv5": 256,
}  # of the variant "today"
MOST_CLASSES = 100_000  # more than any data set has; the check is for a number that was never meant as one

# Trained networks that come with the course (data/README.md says how each was made): file and SHA-256.
WEIGHTS_FOLDER = Path(__file__).resolve().parent.parent / "data" / "weights"
STORED_WEIGHTS = {
    "cifar10": (
        "alexnet_cifar10_today.npz",
        "9ec34c4876af0b75ef4b2683d6f7ef9e3e6d08f15dd9e310347f33f8f3749404",
    ),
    "modern_half": (
        "alexnet_cifar10_modern.npz",
        "b36e9bd41151300ceceb7553764db8b7ea4575c33dd151882253ab1960f79fd3",
    ),
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
        self.size, self.towers = (
            checks.integer("size", size),
            checks.integer("towers", towers),
        )
        if self.size % 2 == 0:
            checks.refuse(
                "size",
                "an odd positive integer (as many neighbours before as after)",
                size,
            )
        self.k = checks.number("k", k, above=0)
        self.alpha = checks.number("alpha", alpha, lowest=0)
        self.beta = checks.number("beta", beta)

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.towers:
            checks.refuse(
                "towers", f"a divisor of the {channels} channels", self.towers
            )
        # One matrix product adds up the neighbours of every channel: on a CPU nine times faster than
        # adding shifted copies of the maps.
        number, tower = (
            np.arange(channels),
            np.arange(channels) * self.towers // channels,
        )
        near = np.abs(number[:, None] - number) <= self.size // 2
        self.neighbours = near & (tower[:, None] == tower)

    def call(self, x):
        # In float16 the square of 256 is already too large. (Keras' result_type would make float32 of float64, too.)
        given = keras.backend.standardize_dtype(x.dtype)
        precision = "float32" if given in ("float16", "bfloat16") else given
        wide = keras.ops.cast(x, precision)
        total = keras.ops.matmul(
            keras.ops.square(wide),
            keras.ops.cast(self.alpha * self.neighbours, precision),
        )
        return keras.ops.cast(
            wide * keras.ops.exp(-self.beta * keras.ops.log(self.k + total)), x.dtype
        )

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
        parts = zip(
            keras.ops.split(inputs, self.groups, axis=-1),
            keras.ops.split(kernel, self.groups, axis=-1),
        )
        return keras.ops.concatenate(
            [super(GroupedConv2D, self).convolution_op(*part) for part in parts],
            axis=-1,
        )


def alexnet(
    input_shape=(227, 227, 3),
    num_classes=1000,
    towers=None,
    local_response_norm=None,
    kernel_initializer="he_normal",
    weights=None,
):
    """Build the AlexNet of the paper (sections 3.1-3.5), untrained or as it was trained on ImageNet.

    Parameters
    ----------
    input_shape : (height, width, channels) of one image; the paper's network sees 227 x 227 x 3.
    num_classes : number of outputs, 1000 for ImageNet.
    towers : 1 for the single network of most reimplementations (62,378,344 parameters at 227 and
        1000 classes), 2 for the paper's two GPUs, where conv2, conv4 and conv5 see only the maps
        of their own half (60,965,224). None is 1, or what the weights need: 2.
    local_response_norm : whether to normalize after the ReLU of conv1 and conv2 (section 3.3). True
        takes the paper's constants, or those with which the weights were trained; a dict has others,
        by the names of `LocalResponseNorm`'s arguments. None is False, or what the weights need: True.
    kernel_initializer : how the weights start; the biases start at 0. (The paper draws the weights
        from N(0, 0.01**2) and starts some biases at 1.)
    weights : None; "imagenet" for those that Berkeley trained on ImageNet (they are downloaded, 244 MB,
        if they are not at hand); or what `imagenet.load_weights` returned. The network then takes
        `imagenet.preprocess(photo)`, of 227 x 227 or 224 x 224 pixels, and has 1,000 classes.

    Returns
    -------
    A `keras.Sequential` from (batch, height, width, channels) to (batch, num_classes)
    probabilities.

    Raises
    ------
    ValueError : when an argument is out of range, the image is too small for eight layers, or the weights
        need other arguments or are not to be had.
    """
    input_shape = _check_image_shape(input_shape, smallest=67)
    num_classes = checks.integer("num_classes", num_classes, 1, MOST_CLASSES)
    paper, normalization = _check_paper(
        towers, local_response_norm, trained=weights is not None
    )
    initializer, arrays = check_initializer(kernel_initializer), None
    if weights is not None:
        checks.choice(
            "input_shape",
            input_shape,
            [(side, side, 3) for side in imagenet.INPUT_SIZES],
        )
        checks.choice("num_classes", num_classes, (1000,))
        checks.choice("kernel_initializer", initializer, ("he_normal",))
        initializer, arrays = "zeros", _check_arrays(weights)
    parts = [keras.Input(input_shape, name="image")]
    for name, kind, layer in numpy_layers.step_kinds(paper, normalization is not None):
        if kind == "conv":
            # With a stride of 1 the paper's zeros leave the size as it is.
            options = {
                "padding": "same" if layer.padding else "valid",
                "groups": layer.groups,
            }
            options |= {"strides": layer.stride, "activation": "relu"}
            parts.append(
                layers.Conv2D(
                    layer.units,
                    layer.kernel,
                    name=name,
                    kernel_initializer=initializer,
                    **options,
                )
            )
        elif kind == "norm":
            parts.append(LocalResponseNorm(name=name, **normalization))
        elif kind == "pool":
            # An even side with windows of 3 that move by 2: "same" adds what rounding up adds.
            padding = (
                "same"
                if layer.rounding == "ceil" and input_shape[0] == 224
                else "valid"
            )
            parts.append(
                layers.MaxPooling2D(
                    layer.kernel, strides=layer.stride, padding=padding, name=name
                )
            )
        elif kind == "flatten":
            parts.append(layers.Flatten(name=name))
        elif kind == "dense":
            last = layer == paper[-1]
            units, activation = (
                (num_classes, "softmax") if last else (layer.units, "relu")
            )
            start = {"kernel_initializer": initializer}
            parts.append(layers.Dense(units, activation, name=name, **start))
            if not last:
                parts.append(layers.Dropout(0.5, name=f"dropout{name[-1]}"))
    model = keras.Sequential(parts, name="alexnet")
    for name, pair in (arrays or {}).items():
        model.get_layer(name).set_weights(pair)
    return model


def _check_paper(towers, local_response_norm, trained):
    """Return the layers of the paper's network, and the constants of its normalization, None without it."""
    towers = int(trained) + 1 if towers is None else towers
    towers = checks.choice("towers", towers, (2,) if trained else (1, 2))
    norm = trained if local_response_norm is None else local_response_norm
    constants = numpy_layers.check_normalization(norm)
    if trained and not constants:
        constants = imagenet.NORMALIZATION
    paper = imagenet.LAYERS if trained else geometry.alexnet_layers(towers)
    return paper, {"towers": towers} | constants if norm else None


def _check_arrays(weights):
    """Return the weights of the network that was trained on ImageNet: {layer: (kernel, bias)}."""
    if isinstance(weights, str) and weights == "imagenet":
        weights = imagenet.find_weights(download=True)
        if weights is None:
            raise ValueError(
                "weights must be at hand, got 'imagenet', which is neither here nor"
                " could be downloaded"
            )
    shapes = imagenet.kernel_shapes()
    fits = isinstance(weights, Mapping) and set(weights) == set(shapes)
    if not fits or any(
        list(map(np.shape, weights[name])) != [one, one[-1:]]
        for name, one in shapes.items()
    ):
        checks.refuse(
            "weights", "'imagenet', or what imagenet.load_weights returned", weights
        )
    return weights


def alexnet_cifar10(
    variant=None,
    width=None,
    num_classes=None,
    kernel_initializer=None,
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

    "today" has the same number of layers, and everything else as one would do it today: conv1 holds 54
    whitening filters (`whiten`) and does not learn; all kernels are 3 x 3; the pools come after
    conv2, conv3 and conv5, so that the maps go 32-16-8-8-4, and before batch normalization and
    activation; 96-192-256-256 filters, 256 units in fc6 and fc7, no dropout; fc8 starts so small
    that the first loss is ln(num_classes). It takes `activation` ("gelu") and `pool` of the ingredients.

    Parameters
    ----------
    variant : "tutorial", "paper", "modern" or "today". None is "tutorial", or what the stored weights need.
    width : factor on the number of filters and of units in fc6 and fc7; 1.0 is 96-256-384-384-256
        filters, 0.5 is one of the paper's towers. None is 1.0, or what the stored weights need.
    num_classes : number of outputs. None is 10, or what the stored weights need.
    kernel_initializer : how the weights start. None is Keras' default, which the tutorials keep:
        "glorot_uniform".
    centred_input : False divides the pixels by 255, as the tutorials do; True subtracts the mean
        and divides by the standard deviation of CIFAR-10's channels. None is False, or what the
        stored weights need.
    batch_norm : whether each convolution and hidden dense layer is followed by batch normalization
        (in place of local response normalization). None is what the variant has.
    weights : None; "cifar10" for the trained network that comes with the course (variant "today"),
        "modern_half" for an older one (variant "modern", whose conv1 has learned), both made as
        data/README.md says; or the path of a file that `weights.save_weights` wrote.
    ingredients : what is changed in the variant, to find out what it gives: `activation` (Keras' name),
        `pool` (side of the windows, which move by 2), `dropout` (rate), `towers` (1, or 2 as on the
        paper's two GPUs), `stem` ((kernel, stride) of conv1, or (kernel, stride, filters)), `whitened`
        (True: conv1 is set from images by `whiten` and does not learn; needs the stem (3, 1, 54)),
        `local_response_norm` (True or False),
        `without` (names of layers that are left out: conv2 to conv5, fc6, fc7) and `ones_in_biases`
        (True starts the biases of conv2, conv4, conv5, fc6 and fc7 at 1; paper, section 5).

    Returns
    -------
    A `keras.Sequential` from (batch, 32, 32, 3) images with values 0-255 to (batch, num_classes)
    probabilities.

    Raises
    ------
    ValueError : for an unknown variant or ingredient, ingredients that contradict each other, a width
        that leaves a layer without filters, or a file of weights that is missing, damaged, or of
        another network than the arguments ask for.
    """
    asked = {
        "variant": variant,
        "width": width,
        "num_classes": num_classes,
        "kernel_initializer": kernel_initializer,
        "centred_input": centred_input,
        "batch_norm": batch_norm,
    }
    network = check_network(**asked, **ingredients)
    if weights is None:
        return _build(network)
    with _open_weights(weights) as (needed, archive):
        for name, value in (asked | ingredients).items():
            allowed = needed.get(name)  # None: what the weights leave no choice about
            if value is not None and (name in ingredients or network[name] != allowed):
                wanted = (
                    f"{allowed!r}, or not given,"
                    if allowed is not None
                    else "left as the variant has it"
                )
                checks.refuse(name, f"{wanted} with weights={str(weights)!r}", value)
        model = _build(check_network(**needed))
        _assign(model, archive, weights)
    return model


def check_network(
    variant=None,
    width=None,
    num_classes=None,
    kernel_initializer=None,
    centred_input=None,
    batch_norm=None,
    **ingredients,
):
    """Return all settings of a network as a dict, those that are None or not given as the variant has them.

    The arguments are those of `alexnet_cifar10`, without weights.

    Raises
    ------
    ValueError : for a setting that is out of range, or would have no effect beside the others.
    """
    variant = checks.choice(
        "variant", "tutorial" if variant is None else variant, CIFAR10_VARIANTS
    )
    start = "glorot_uniform" if kernel_initializer is None else kernel_initializer
    batch_norm = variant in ("modern", "today") if batch_norm is None else batch_norm
    centred_input = variant == "today" if centred_input is None else centred_input
    if variant == "today":
        _check_today(centred_input, batch_norm, ingredients)
        ingredients = {"activation": "gelu"} | ingredients
    network = {
        "variant": variant,
        "width": checks.number("width", 1.0 if width is None else width, 0.02, 4),
        "num_classes": checks.integer(
            "num_classes", 10 if num_classes is None else num_classes, 1, MOST_CLASSES
        ),
        "kernel_initializer": check_initializer(start),
        "centred_input": checks.flag("centred_input", centred_input),
        "batch_norm": checks.flag("batch_norm", batch_norm),
    }
    network |= _check_ingredients(**ingredients)
    _check_contradictions(network, ingredients)
    norm, default = (
        network["local_response_norm"],
        variant == "paper" and not batch_norm,
    )
    return network | {"local_response_norm": default if norm is None else norm}


def _check_today(centred_input, batch_norm, ingredients):
    """Refuse what the variant "today" cannot do without, or does not have."""
    for name, value in {
        "centred_input": centred_input,
        "batch_norm": batch_norm,
    }.items():
        if not checks.flag(name, value):
            checks.refuse(name, 'True or None with variant="today"', value)
    for name in set(ingredients) & set(INGREDIENTS) - {"activation", "pool"}:
        checks.refuse(name, 'left out with variant="today"', ingredients[name])


def _check_ingredients(**ingredients):
    """Return all ingredients, those that are not given with their defaults."""
    if unknown := [name for name in ingredients if name not in INGREDIENTS]:
        raise ValueError(
            f"ingredients must be out of {', '.join(INGREDIENTS)}, got {unknown[0]}"
        )
    changed = INGREDIENTS | ingredients
    norm, stem = changed["local_response_norm"], changed["stem"]
    if stem is not None:
        if not isinstance(stem, (list, tuple)) or len(stem) not in (2, 3):
            checks.refuse(
                "stem",
                "(kernel, stride) of conv1, two integers from 1 to 32, or with its"
                " filters",
                stem,
            )
        stem = tuple(
            checks.integer("stem", size, 1, most)
            for size, most in zip(stem, (32, 32, 1024))
        )
    return {
        "activation": _check_activation(changed["activation"]),
        "pool": checks.integer("pool", changed["pool"], 1, 32),
        "dropout": checks.number("dropout", changed["dropout"], lowest=0, below=1),
        "towers": checks.choice("towers", changed["towers"], (1, 2)),
        "stem": stem,
        "whitened": checks.flag("whitened", changed["whitened"]),
        "local_response_norm": (
            norm if norm is None else checks.flag("local_response_norm", norm)
        ),
        "without": checks.names("without", changed["without"], REMOVABLE),
        "ones_in_biases": checks.flag("ones_in_biases", changed["ones_in_biases"]),
    }


def _check_contradictions(network, given):
    """Refuse settings that would be dropped without a word, and towers that a layer cannot be divided into."""
    without, dense = set(network["without"]), {"fc6", "fc7"}
    if network["batch_norm"]:
        if network["local_response_norm"]:
            checks.refuse(
                "local_response_norm", "None or False with batch_norm=True", True
            )
        if network["whitened"]:  # conv1 keeps its bias
            checks.refuse("whitened", "False with batch_norm=True", True)
        if network["ones_in_biases"]:
            checks.refuse(
                "ones_in_biases",
                "False with batch normalization, which replaces the biases",
                True,
            )
    if network["whitened"] and network["stem"] != (3, 1, 54):
        checks.refuse("whitened", "False without stem=(3, 1, 54)", True)
    if network["ones_in_biases"] and without >= {"conv2", "conv4", "conv5"} | dense:
        checks.refuse(
            "ones_in_biases", "False without conv2, conv4, conv5, fc6 and fc7", True
        )
    if "dropout" in given and network["dropout"] and without >= dense:
        checks.refuse(
            "dropout", "0, or not given, without fc6 and fc7", network["dropout"]
        )
    if network["towers"] == 2:
        if without >= {"conv2", "conv4", "conv5"}:
            checks.refuse("towers", "1 without conv2, conv4 and conv5", 2)
        odd = [
            name
            for name, filters in FILTERS.items()
            if _scaled(filters, network["width"]) % 2
        ]
        if odd := [name for name in odd if name not in without]:
            checks.refuse(
                "width",
                f"such that {odd[0]} can be divided into two towers",
                network["width"],
            )


def check_initializer(value, name="kernel_initializer"):
    """Return an initializer, or what Keras makes one of; refuse everything else, and what draws no kernels."""
    if isinstance(value, keras.initializers.Initializer):
        return value
    # A new initializer draws its seed from Python's generator. Without what is set back at the end,
    # looking at a recipe would change the weights that the next network starts with.
    state = random.getstate()
    try:
        kernel = keras.ops.convert_to_numpy(
            keras.initializers.get(_plain(value))((3, 3, 2, 2))
        )
        usable = kernel.shape == (3, 3, 2, 2) and np.isfinite(kernel).all()
    except (
        Exception
    ):  # Keras raises errors of many kinds, and a function of the caller's any
        usable = False
    finally:
        random.setstate(state)
    if not usable:
        checks.refuse(
            name,
            "an initializer of Keras for any layer, by its name or its class_name and"
            " config",
            value,
        )
    return _plain(value)


def _check_activation(value):
    """Return the name of an activation of Keras that works on each value, or such a function."""
    if isinstance(value, str) and value == INGREDIENTS["activation"]:
        return value
    try:
        usable = value is not None and keras.activations.get(_plain(value))(
            keras.ops.zeros((2, 3))
        ).shape == (2, 3)
    except Exception:  # as above
        usable = False
    if not usable:
        checks.refuse(
            "activation",
            "the name of an activation of Keras, such as 'relu' or 'tanh'",
            value,
        )
    return value


def _plain(value):
    """Return dicts of any kind as plain ones, which Keras may change."""
    return (
        {key: _plain(part) for key, part in value.items()}
        if isinstance(value, dict)
        else value
    )


def _scaled(size, width):
    return max(1, round(size * width))


def _build(network):
    """Build the network that `check_network` described."""
    if network["variant"] == "today":
        return _build_today(network)
    first_kernel, first_stride, units = CIFAR10_VARIANTS[network["variant"]]
    first_kernel, first_stride, *first_filters = network["stem"] or (
        first_kernel,
        first_stride,
    )
    towers, start = (
        network["towers"],
        {"kernel_initializer": network["kernel_initializer"]},
    )
    full_precision = keras.config.dtype_policy().variable_dtype
    if network["variant"] == "paper":
        start["kernel_regularizer"] = keras.regularizers.L2(0.00025)

    def conv(number, kernel, strides=1):
        name, options = (
            f"conv{number}",
            {"strides": strides, "padding": "same", **start},
        )
        filters = _scaled(FILTERS[name], network["width"])
        if number == 1:
            layer = WhitenedConv2D if network["whitened"] else layers.Conv2D
            return _learned(
                network, layer, name, *first_filters or [filters], kernel, **options
            )
        if towers == 1 or number not in (2, 4, 5):
            return _learned(network, layers.Conv2D, name, filters, kernel, **options)
        return _learned(
            network, GroupedConv2D, name, filters, kernel, groups=towers, **options
        )

    def pool(number):
        return layers.MaxPooling2D(
            network["pool"], strides=2, padding="same", name=f"pool{number}"
        )

    def hidden(number):
        dense = _learned(
            network,
            layers.Dense,
            f"fc{number}",
            _scaled(units, network["width"]),
            **start,
        )
        return (
            [*dense, layers.Dropout(network["dropout"], name=f"dropout{number}")]
            if dense
            else []
        )

    return keras.Sequential(
        [
            keras.Input((32, 32, 3), name="image"),
            _rescaling(network["centred_input"]),
            *conv(1, first_kernel, first_stride),
            pool(1),
            *conv(2, 5),
            pool(2),
            *conv(3, 3),
            *conv(4, 3),
            *conv(5, 3),
            pool(3),
            layers.Flatten(name="flatten"),
            *hidden(6),
            *hidden(7),
            # also where a policy of mixed precision computes the rest in 16 bits
            layers.Dense(
                network["num_classes"],
                activation="softmax",
                name="fc8",
                dtype=full_precision,
                **start,
            ),
        ],
        name=f"alexnet_cifar10_{network['variant']}",
    )


@keras.saving.register_keras_serializable(package="alexnet_helpers")
class WhitenedConv2D(layers.Conv2D):
    """`keras.layers.Conv2D` whose kernel is set from images by `whiten` and then stays; only its bias learns."""

    def build(self, input_shape):
        super().build(input_shape)
        self.kernel.trainable = False


def _build_today(network):
    """Build the variant "today": pooling comes before batch normalization and activation."""
    activation, width = network["activation"], network["width"]
    start = {"kernel_initializer": network["kernel_initializer"]}
    # so that the first loss is ln(num_classes)
    small = keras.initializers.RandomNormal(stddev=0.01)
    full_precision = keras.config.dtype_policy().variable_dtype

    def normalized(layer, number, pooled=False):
        pool = layers.MaxPooling2D(
            network["pool"], strides=2, padding="same", name=f"pool{number}"
        )
        norm = layers.BatchNormalization(
            scale=False, momentum=0.9, name=f"norm{number}"
        )
        return [
            layer,
            *([pool] if pooled else []),
            norm,
            layers.Activation(activation, name=f"relu{number}"),
        ]

    def conv(number, pooled=False):
        name = f"conv{number}"
        filters, options = (
            _scaled(TODAY_FILTERS[name], width),
            {"padding": "same", "use_bias": False},
        )
        return normalized(
            layers.Conv2D(filters, 3, name=name, **options, **start), number, pooled
        )

    def dense(number):
        units = _scaled(CIFAR10_VARIANTS["today"][2], width)
        return normalized(
            layers.Dense(units, use_bias=False, name=f"fc{number}", **start), number
        )

    scores = {
        "activation": "softmax",
        "kernel_initializer": small,
        "dtype": full_precision,
    }
    return keras.Sequential(
        [
            keras.Input((32, 32, 3), name="image"),
            _rescaling(True),
            WhitenedConv2D(54, 3, padding="same", activation=activation, name="conv1"),
            *conv(2, pooled=True),
            *conv(3, pooled=True),
            *conv(4),
            *conv(5, pooled=True),
            layers.Flatten(name="flatten"),
            *dense(6),
            *dense(7),
            layers.Dense(network["num_classes"], name="fc8", **scores),
        ],
        name="alexnet_cifar10_today",
    )


def whiten(model, images):
    """Set conv1's kernel from the statistics of the images' patches, if it is a `WhitenedConv2D`.

    The filters are the eigenvectors of the covariance of all 3 x 3 x 3 patches, each divided by the
    root of its eigenvalue plus a small constant: no two responses are correlated, and each has a
    variance of about 1, less in directions in which the patches hardly vary. The second half are
    the first with the other sign, so that a ReLU or GELU after them loses nothing. Other networks
    stay as they are.

    Parameters
    ----------
    model : a network of `alexnet_cifar10`.
    images : N x 32 x 32 x 3 uint8, of which the first 5,000 are used.
    """
    images = checks.pixels("images", images, shape=(32, 32, 3))
    names = {layer.name: layer for layer in check_model(model).layers}
    layer = names.get("conv1")
    if not isinstance(layer, WhitenedConv2D):
        return
    scaled = names["rescaling"](np.asarray(images[:5000]).astype("float32"))
    patches = np.lib.stride_tricks.sliding_window_view(
        keras.ops.convert_to_numpy(scaled), (3, 3), axis=(1, 2)
    )
    patches = patches.transpose(0, 1, 2, 4, 5, 3).reshape(
        -1, 27
    )  # N * 30 * 30, row * column * colour
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    filters = vectors / np.sqrt(
        np.maximum(values, 0) + 5e-4
    )  # JPEG leaves some directions nearly empty
    layer.kernel.assign(
        np.concatenate([filters, -filters], axis=1)
        .reshape(3, 3, 3, 54)
        .astype("float32")
    )


def _learned(network, layer, name, size, *arguments, **named):
    """Return a layer with its activation and, where the network has one, its normalization."""
    if name in network["without"]:
        return []
    norm, activation = f"norm{name[-1]}", network["activation"]
    if network["batch_norm"]:
        return [
            layer(size, *arguments, use_bias=False, name=name, **named),
            layers.BatchNormalization(name=norm),
            layers.Activation(activation, name=f"relu{name[-1]}"),
        ]
    if network["ones_in_biases"] and name not in ("conv1", "conv3"):
        named["bias_initializer"] = "ones"
    built = [layer(size, *arguments, activation=activation, name=name, **named)]
    if network["local_response_norm"] and name in ("conv1", "conv2"):
        built.append(LocalResponseNorm(towers=network["towers"], name=norm))
    return built


@contextlib.contextmanager
def _open_weights(weights):
    """Open a file of weights; give what it says about its network, and the archive with the weights."""
    if not isinstance(weights, (str, os.PathLike)):
        names = ", ".join(map(repr, STORED_WEIGHTS))
        checks.refuse(
            "weights",
            f"{names} or the path of a file that weights.save_weights wrote",
            weights,
        )
    file = checks.path("weights", weights)
    stored, sha256 = (
        STORED_WEIGHTS.get(weights, (None, None))
        if isinstance(weights, str)
        else (None, None)
    )
    file = WEIGHTS_FOLDER / stored if stored else file
    if not os.path.isfile(
        file
    ):  # unlike Path.is_file, it also answers for a name that is too long
        names = ", ".join(map(repr, STORED_WEIGHTS))
        raise ValueError(
            f"weights must be {names} or a file's path, got {str(weights)!r}: there is"
            f" no file {file}"
        )
    remedy = "make it again, or take it again from the course's repository"
    with open(file, "rb") as content:
        if stored and hashlib.file_digest(content, "sha256").hexdigest() != sha256:
            raise ValueError(
                f"weights={weights!r}: {file} is damaged or not the course's file;"
                f" {remedy}"
            )
        try:
            archive = zipfile.ZipFile(content)
            about = json.loads(
                str(_read_member(archive, "about.npy", "U", (), MOST_BYTES_ABOUT))
            )
            network = {name: about["network"][name] for name in DESCRIBED}
            if None in network.values():
                raise ValueError("it does not say of which network")
            width = check_network(**network)["width"]
            # conv1 of the variant "today" has 54 filters at every width.
            name, filters = (
                ("conv2", TODAY_FILTERS)
                if network["variant"] == "today"
                else ("conv1", FILTERS)
            )
            if _header(archive, f"{name}/kernel.npy")[0][-1] != _scaled(
                filters[name], width
            ):
                raise ValueError(f"its {name} is not of the width that it says")
        except Exception as error:  # a damaged archive or text makes zipfile, NumPy and json raise errors of any kind
            problem = (
                f"{file} is damaged or holds no weights ({checks._said(error)});"
                f" {remedy}"
            )
            raise ValueError(f"weights={str(weights)!r}: {problem}") from error
        yield network, archive


# What a file of weights says about its network, and how much it may say.
DESCRIBED = ("variant", "width", "centred_input", "batch_norm", "num_classes")
MOST_BYTES_ABOUT = 2**20


def _header(archive, member):
    """Return shape and type of an array in a .npz file, and how many bytes lie before its numbers."""
    with archive.open(member) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(
                f"{member} is an array of another version than NumPy writes"
            )
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
        if fortran_order and len(shape) > 1:
            raise ValueError(f"{member} lies in another order than the course writes")
        return shape, dtype, file.tell()


def _read_member(archive, member, kinds, shape, most_bytes):
    """Return one array of a .npz file; look at what it claims to be before any memory is taken for it."""
    found, dtype, start = _header(archive, member)
    size = archive.getinfo(member).file_size
    if found != shape or dtype.kind not in kinds:
        raise ValueError(f"{member} is {found} of {dtype}")
    if size != start + math.prod(shape) * dtype.itemsize or size > most_bytes:
        raise ValueError(f"{member} has {size} bytes")
    with archive.open(member) as file:
        return np.frombuffer(file.read(), dtype, offset=start).reshape(shape)[()]


def _assign(model, archive, weights):
    """Give a network the arrays of a file: one for each of its variables, of the same shape."""
    variables = named_weights(model)
    problem = f"weights={str(weights)!r}: the file"
    try:
        shapes = {
            name[:-4]: _header(archive, name)[0]
            for name in archive.namelist()
            if name != "about.npy"
        }
        if shapes != {
            name: tuple(variable.shape) for name, variable in variables.items()
        }:
            raise ValueError(
                f"{problem} holds the weights of another network than {model.name}"
            )
        for name, variable in variables.items():
            most = 1000 + 8 * math.prod(variable.shape)
            array = _read_member(
                archive, f"{name}.npy", "f", tuple(variable.shape), most
            ).astype("float32")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} has values that are not finite numbers")
            variable.assign(array)
    except Exception as error:  # as above
        if str(error).startswith(problem):
            raise
        raise ValueError(
            f"{problem} is damaged ({checks._said(error)}); make it again"
        ) from error


def named_weights(model):
    """Return a network's weights by name, "conv1/kernel" for example, with the state of normalization layers."""
    model = check_model(model)
    return {
        f"{layer.name}/{variable.name}": variable
        for layer in model.layers
        for variable in layer.weights
    }


def multiply_adds(model):
    """Return how many multiplications, each followed by an addition, a network does for one image.

    Convolutions and dense layers are counted: each weight is used once at every place of the
    layer's output map. (Normalization and pooling are left out, as in `geometry.layer_table`.)
    """
    counted = [
        layer
        for layer in check_model(model).layers
        if isinstance(layer, (layers.Conv2D, layers.Dense))
    ]
    return sum(
        math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
        for layer in counted
    )


def _rescaling(centred):
    """Return the layer that brings pixels of 0-255 to the network's range by constants."""
    if centred:
        variance = [std**2 for std in CIFAR10_STD]
        return layers.Normalization(
            mean=CIFAR10_MEAN, variance=variance, name="rescaling"
        )
    return layers.Rescaling(1 / 255, name="rescaling")


def check_model(model):
    """Return a `keras.Model` whose layers have their weights."""
    if not isinstance(model, keras.Model) or not model.built:
        checks.refuse(
            "model",
            "a built keras.Model, such as models.alexnet_cifar10() returns",
            model,
        )
    return model


def _check_image_shape(input_shape, smallest, largest=1000):
    wanted = (
        f"(height, width, channels) in integers, height and width from {smallest}"
        f" (smaller maps vanish before pool3) to {largest}"
    )
    if not isinstance(input_shape, (tuple, list)) or len(input_shape) != 3:
        checks.refuse("input_shape", wanted, input_shape)
    try:
        height, width, channels = (
            checks.integer("input_shape", size, 1, largest) for size in input_shape
        )
    except ValueError:
        checks.refuse("input_shape", wanted, input_shape)
    if min(height, width) < smallest:
        checks.refuse("input_shape", wanted, input_shape)
    return height, width, channels
