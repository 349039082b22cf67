"""AlexNet in Keras: the network of the paper, and versions of it for small images.

Only `keras` is used, so every model runs on its TensorFlow, JAX and PyTorch backends.
Layers are named conv1 ... fc8 as in the paper, and each network ends in a softmax.
"Paper" is Krizhevsky, Sutskever and Hinton, NIPS 2012.
"""

import math
from collections.abc import Mapping

import numpy as np

from alexnet_helpers import (
    bvlc_alexnet,
    checks,
    geometry,
    imagenet,
    load_keras,
    numpy_layers,
)
from alexnet_helpers.keras_layers import (
    GroupedConv2D,
    LocalResponseNorm,
    WhitenedConv2D,
    check_model,
)
from alexnet_helpers.variants import (
    MOST_CLASSES,
    TOWERED,
    check_initializer,
    check_network,
)
from alexnet_helpers.weights import assign_weights, open_weights

keras = load_keras()
layers = keras.layers

# Mean and standard deviation of the red, green and blue values of CIFAR-10's training
# images, on the scale 0-255 (notebook 11 computes them; the JPEG copy differs by up to
# half a grey level). They are constants, so a model carries no state of a data set.
CIFAR10_MEAN = (125.3, 123.0, 113.9)
CIFAR10_STD = (63.0, 62.1, 66.7)


# --- The network of the paper ---


def alexnet(
    input_shape=(227, 227, 3),
    num_classes=1000,
    towers=None,
    local_response_norm=None,
    kernel_initializer="he_normal",
    weights=None,
):
    """Build the AlexNet of the paper (sections 3.1-3.5), untrained or trained.

    Parameters
    ----------
    input_shape : tuple of int
        (height, width, channels) of an image; the paper's network sees 227 x 227 x 3.
    num_classes : int
        1000 for ImageNet.
    towers : int, optional
        1 for the single network of most reimplementations (62,378,344 parameters at 227
        and 1000 classes), 2 for the paper's two GPUs, where conv2, conv4 and conv5 see
        only the maps of their own half (60,965,224). None is 1, or 2 with `weights`.
    local_response_norm : bool or dict, optional
        Whether to normalize after the ReLUs of conv1 and conv2 (section 3.3). True
        takes the paper's constants, or those with which the weights were trained; a
        dict has others, by the names of `LocalResponseNorm`'s arguments. None is False,
        or True with `weights`.
    kernel_initializer : str, dict or keras.initializers.Initializer
        The biases start at 0. (The paper draws the weights from N(0, 0.01**2) and
        starts some biases at 1.)
    weights : str or dict, optional
        "imagenet" for those that Berkeley trained on ImageNet (244 MB are downloaded if
        they are not at hand), or what `imagenet.load_weights` returned. The network
        then takes `imagenet.preprocess(photo)`, 227 x 227 or 224 x 224 pixels, and has
        1,000 classes.

    Returns
    -------
    keras.Sequential
        From (batch, height, width, channels) to (batch, num_classes) probabilities.

    Examples
    --------
    >>> network = alexnet((67, 67, 3), num_classes=10, kernel_initializer="zeros")
    >>> network.get_layer("pool3").output.shape
    (None, 1, 1, 256)
    """
    input_shape = _check_image_shape(input_shape, smallest=67)
    num_classes = checks.integer("num_classes", num_classes, 1, MOST_CLASSES)
    trained, arrays = weights is not None, {}
    paper, normalization = _check_paper(towers, local_response_norm, trained)
    initializer = check_initializer(kernel_initializer)
    if trained:
        sizes = [(side, side, 3) for side in imagenet.INPUT_SIZES]
        checks.choice("input_shape", input_shape, sizes)
        checks.choice("num_classes", num_classes, (1000,))
        checks.choice("kernel_initializer", initializer, ("he_normal",))
        initializer, arrays = "zeros", _check_arrays(weights)
    paper = (*paper[:-1], paper[-1]._replace(units=num_classes))
    parts = [keras.Input(input_shape, name="image")]
    for name, kind, layer in numpy_layers.step_kinds(paper, normalization is not None):
        if kind == "conv":
            parts += _paper_conv(layer, initializer)
        elif kind == "norm":
            parts.append(LocalResponseNorm(name=name, **normalization))
        elif kind == "pool":
            parts.append(_paper_pool(layer, input_shape))
        elif kind == "flatten":
            parts.append(layers.Flatten(name=name))
        elif kind == "dense":
            parts += _paper_dense(layer, initializer, is_last=layer == paper[-1])
        elif kind not in ("relu", "softmax"):  # activations of the layers before them
            checks.refuse(f"{name}: kind", "one that this function can build", kind)
    model = keras.Sequential(parts, name="alexnet")
    for name, (kernel, bias) in arrays.items():
        model.get_layer(name).set_weights([kernel, bias])
    return model


def _paper_conv(layer, initializer):
    """Return a convolution, and before it the zeros that Keras' "same" does not add."""
    zeros = checks.integer(f"{layer.name}: padding", layer.padding, lowest=0)
    checks.choice(f"{layer.name}: rounding", layer.rounding, ["floor"])
    # So it is in the paper's conv2 to conv5, whose maps keep their size.
    is_same = layer.stride == 1 and layer.kernel == 2 * zeros + 1
    convolution = layers.Conv2D(
        layer.units,
        layer.kernel,
        layer.stride,
        padding="same" if is_same else "valid",
        groups=layer.groups,
        activation="relu",
        kernel_initializer=initializer,
        name=layer.name,
    )
    if is_same or not zeros:
        return [convolution]
    return [layers.ZeroPadding2D(zeros, name=f"zeros_{layer.name}"), convolution]


def _paper_pool(layer, input_shape):
    checks.choice(f"{layer.name}: padding", layer.padding, [0])
    # An even side with windows of 3 that move by 2: "same" adds what rounding up adds.
    rounds_up = layer.rounding == "ceil" and input_shape[0] == 224
    padding = "same" if rounds_up else "valid"
    return layers.MaxPooling2D(layer.kernel, layer.stride, padding, name=layer.name)


def _paper_dense(layer, initializer, is_last):
    name, options = layer.name, {"kernel_initializer": initializer}
    if is_last:
        return [layers.Dense(layer.units, "softmax", name=name, **options)]
    dense = layers.Dense(layer.units, "relu", name=name, **options)
    return [dense, layers.Dropout(0.5, name=f"dropout{name[-1]}")]


def _check_paper(towers, local_response_norm, trained):
    """Return the paper's layers, and its normalization's constants (None: without)."""
    towers = int(trained) + 1 if towers is None else towers
    towers = checks.choice("towers", towers, (2,) if trained else (1, 2))
    norm = trained if local_response_norm is None else local_response_norm
    constants = numpy_layers.check_normalization(norm)
    if trained and not constants:
        constants = bvlc_alexnet.NORMALIZATION
    paper = bvlc_alexnet.LAYERS if trained else geometry.alexnet_layers(towers)
    return paper, {"towers": towers} | constants if norm else None


def _check_arrays(weights):
    """Return the weights that were trained on ImageNet: {layer: (kernel, bias)}."""
    if isinstance(weights, str) and weights == "imagenet":
        weights = imagenet.find_weights(download=True)
        if weights is None:
            got = "'imagenet', which is neither here nor could be downloaded"
            raise ValueError(f"weights must be at hand, got {got}")
    shapes = geometry.kernel_shapes(bvlc_alexnet.LAYERS)
    fits = isinstance(weights, Mapping) and set(weights) == set(shapes)
    if not fits or not all(
        list(map(np.shape, weights[name])) == [shape, shape[-1:]]
        for name, shape in shapes.items()
    ):
        needed = "'imagenet', or what imagenet.load_weights returned"
        checks.refuse("weights", needed, weights)
    return weights


def _check_image_shape(input_shape, smallest, largest=1000):
    needed = (
        f"(height, width, channels) in integers, height and width from {smallest}"
        f" (smaller maps vanish before pool3) to {largest}"
    )
    if not isinstance(input_shape, (tuple, list)) or len(input_shape) != 3:
        checks.refuse("input_shape", needed, input_shape)
    try:
        shape = [checks.integer("side", side, 1, largest) for side in input_shape]
    except ValueError:
        checks.refuse("input_shape", needed, input_shape)
    if min(shape[:2]) < smallest:
        checks.refuse("input_shape", needed, input_shape)
    return tuple(shape)


# --- The networks for CIFAR-10 ---


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

    "tutorial" is the network that many tutorials build: AlexNet's eight layers, every
    convolution and pooling layer padded with "same", so that the maps shrink
    32-8-4-4-2-2-2-2-1. With the default arguments it has 21,622,154 parameters.

    "paper" fits the paper's ideas (section 3) to small images: conv1 looks at 5 x 5
    pixels and does not stride, so that the maps shrink 32-32-16-16-8-8-8-8-4; local
    response normalization after conv1 and conv2, overlapping pooling, two hidden dense
    layers of 512 units with dropout, weight decay of 0.0005 by the paper's rule
    (section 5: an L2 penalty of 0.00025 on the kernels).

    "modern" is "paper" with batch normalization (arXiv:1502.03167) after every
    convolution and hidden dense layer in place of local response normalization, and no
    penalty.

    "today" has the same number of layers, and everything else as one would do it today:
    conv1 holds 54 whitening filters (`whiten`) and does not learn; all kernels are
    3 x 3; the pools come after conv2, conv3 and conv5, so that the maps go 32-16-8-8-4,
    and before batch normalization and activation; 96-192-256-256 filters, 256 units in
    fc6 and fc7, no dropout; fc8 starts so small that the first loss is ln(num_classes).
    It takes `activation` ("gelu") and `pool` of the ingredients.

    Parameters
    ----------
    variant : str, optional
        "tutorial", "paper", "modern" or "today". None is "tutorial", or what the stored
        weights need, here and below.
    width : float, optional
        Factor on the number of filters and of units in fc6 and fc7: 1.0 is
        96-256-384-384-256 filters, 0.5 is one of the paper's towers. None is 1.0.
    num_classes : int, optional
        None is 10.
    kernel_initializer : str, dict or keras.initializers.Initializer, optional
        None is Keras' default, which the tutorials keep: "glorot_uniform".
    centred_input : bool, optional
        False divides the pixels by 255, as the tutorials do; True subtracts the mean
        and divides by the standard deviation of CIFAR-10's channels. None is False, or
        True with "today".
    batch_norm : bool, optional
        Whether each convolution and hidden dense layer is followed by batch
        normalization (in place of local response normalization). None is what the
        variant has.
    weights : str or Path, optional
        "cifar10" for the trained network that comes with the course (variant "today"),
        "modern_half" for an older one (variant "modern", whose conv1 has learned), both
        made as data/README.md says; or the path of a file that `weights.save_weights`
        wrote.
    **ingredients
        What is changed in the variant, to find out what it gives:

        - `activation` : str, Keras' name.
        - `pool` : int, side of the windows, which move by 2.
        - `dropout` : float, rate.
        - `towers` : int, 1, or 2 as on the paper's two GPUs.
        - `stem` : (kernel, stride) of conv1, or (kernel, stride, filters).
        - `whitened` : bool, True if conv1 is set from images by `whiten` and does not
          learn; it needs the stem (3, 1, 54).
        - `local_response_norm` : bool, or a dict with some of the constants that
          `LocalResponseNorm` takes: {"alpha": 0} leaves only the factor k ** -beta.
        - `without` : list of the layers left out, among conv2 to conv5, fc6 and fc7.
        - `ones_in_biases` : bool, True to start the biases of conv2, conv4, conv5, fc6
          and fc7 at 1 (paper, section 5).

    Returns
    -------
    keras.Sequential
        From (batch, 32, 32, 3) images with values 0-255 to (batch, num_classes)
        probabilities.

    Raises
    ------
    ValueError
        Also for ingredients that contradict each other, a width that leaves a layer
        without filters, or weights of another network than the arguments ask for.

    Examples
    --------
    >>> network = alexnet_cifar10("paper", width=0.1, without=["conv3", "conv4"])
    >>> [layer.name for layer in network.layers if "conv" in layer.name]
    ['conv1', 'conv2', 'conv5']
    """
    settings = {
        "variant": variant,
        "width": width,
        "num_classes": num_classes,
        "kernel_initializer": kernel_initializer,
        "centred_input": centred_input,
        "batch_norm": batch_norm,
    }
    network = check_network(**settings, **ingredients)
    if weights is None:
        return _build(network)
    with open_weights(weights) as (stored, archive):
        given = {name: network[name] for name in settings if settings[name] is not None}
        for name, value in (given | ingredients).items():
            if value is not None and value != stored.get(name):
                needed = "left as the variant has it"
                if name in stored:
                    needed = f"{stored[name]!r}, or not given,"
                got = settings.get(name, value)
                checks.refuse(name, f"{needed} with weights={str(weights)!r}", got)
        model = _build(check_network(**stored))
        assign_weights(model, archive, weights)
    return model


def _build(network):
    """Build the network that `check_network` described."""
    if network["variant"] == "today":
        return _build_today(network)
    return keras.Sequential(
        [
            keras.Input((32, 32, 3), name="image"),
            _rescaling(network["centred_input"]),
            *_conv(network, 1, *network["stem"]),
            _pool(network, 1),
            *_conv(network, 2, kernel=5),
            _pool(network, 2),
            *_conv(network, 3),
            *_conv(network, 4),
            *_conv(network, 5),
            _pool(network, 3),
            layers.Flatten(name="flatten"),
            *_hidden(network, 6),
            *_hidden(network, 7),
            _last_layer(network, **_kernel_options(network)),
        ],
        name=f"alexnet_cifar10_{network['variant']}",
    )


def _conv(network, number, kernel=3, stride=1):
    name, layer = f"conv{number}", layers.Conv2D
    options = {"strides": stride, "padding": "same", **_kernel_options(network)}
    if network["whitened"] and number == 1:
        layer = WhitenedConv2D
    if network["towers"] == 2 and name in TOWERED:
        layer, options["groups"] = GroupedConv2D, 2
    filters = network["filters"][name]
    return _learned(network, name, layer, filters, kernel, **options)


def _hidden(network, number):
    name, options = f"fc{number}", _kernel_options(network)
    dense = _learned(network, name, layers.Dense, network["units"], **options)
    if dense:
        dense.append(layers.Dropout(network["dropout"], name=f"dropout{number}"))
    return dense


def _learned(network, name, layer, *arguments, **options):
    """Return a layer with activation and normalization; nothing if it is left out."""
    if name in network["without"]:
        return []
    norm, activation = f"norm{name[-1]}", network["activation"]
    if network["batch_norm"]:
        return [
            layer(*arguments, use_bias=False, name=name, **options),
            layers.BatchNormalization(name=norm),
            layers.Activation(activation, name=f"relu{name[-1]}"),
        ]
    if network["ones_in_biases"] and name not in ("conv1", "conv3"):
        options["bias_initializer"] = "ones"
    found = [layer(*arguments, activation=activation, name=name, **options)]
    if network["local_response_norm"] and name in numpy_layers.NORMALIZED:
        constants = numpy_layers.check_normalization(network["local_response_norm"])
        constants = {"towers": network["towers"]} | constants
        found.append(LocalResponseNorm(name=norm, **constants))
    return found


def _pool(network, number):
    side, name = network["pool"], f"pool{number}"
    return layers.MaxPooling2D(side, strides=2, padding="same", name=name)


def _kernel_options(network):
    """Return how a layer's kernel is initialized, and the paper's penalty on it."""
    options = {"kernel_initializer": network["kernel_initializer"]}
    if network["variant"] == "paper":
        options["kernel_regularizer"] = keras.regularizers.L2(0.00025)
    return options


def _last_layer(network, **options):
    """Return the last layer, which computes in 32 bits under mixed precision, too."""
    dtype = keras.config.dtype_policy().variable_dtype
    options = {"activation": "softmax", "dtype": dtype, **options}
    return layers.Dense(network["num_classes"], name="fc8", **options)


def _rescaling(centred):
    """Return the layer that brings pixels of 0-255 to the network's range."""
    if not centred:
        return layers.Rescaling(1 / 255, name="rescaling")
    variance = [std**2 for std in CIFAR10_STD]
    return layers.Normalization(mean=CIFAR10_MEAN, variance=variance, name="rescaling")


def _build_today(network):
    """Build the variant "today"."""
    small = keras.initializers.RandomNormal(stddev=0.01)
    conv1 = {"padding": "same", "activation": network["activation"], "name": "conv1"}
    return keras.Sequential(
        [
            keras.Input((32, 32, 3), name="image"),
            _rescaling(centred=True),
            WhitenedConv2D(54, 3, **conv1),
            *_conv_today(network, 2, _pool(network, 2)),
            *_conv_today(network, 3, _pool(network, 3)),
            *_conv_today(network, 4),
            *_conv_today(network, 5, _pool(network, 5)),
            layers.Flatten(name="flatten"),
            *_dense_today(network, 6),
            *_dense_today(network, 7),
            # The first loss is then ln(num_classes).
            _last_layer(network, kernel_initializer=small),
        ],
        name="alexnet_cifar10_today",
    )


def _conv_today(network, number, *pool):
    name, options = f"conv{number}", {"padding": "same", "use_bias": False}
    options |= _kernel_options(network)
    conv = layers.Conv2D(network["filters"][name], 3, name=name, **options)
    return [conv, *pool, *_normalized(network, number)]


def _dense_today(network, number):
    name, options = f"fc{number}", {"use_bias": False, **_kernel_options(network)}
    dense = layers.Dense(network["units"], name=name, **options)
    return [dense, *_normalized(network, number)]


def _normalized(network, number):
    """Return batch normalization and the activation, which come after the pooling."""
    norm = {"scale": False, "momentum": 0.9, "name": f"norm{number}"}
    activation = layers.Activation(network["activation"], name=f"relu{number}")
    return [layers.BatchNormalization(**norm), activation]


def whiten(model, images):
    """Set conv1's kernel from the statistics of the images' patches.

    The filters are the eigenvectors of the covariance of all 3 x 3 x 3 patches, each
    divided by the root of its eigenvalue plus a small constant: no two responses are
    correlated, and each has a variance of about 1, less in directions in which the
    patches hardly vary. The second half are the first with the other sign, so that a
    ReLU or GELU after them loses nothing. A network without a `WhitenedConv2D` stays as
    it is.

    Parameters
    ----------
    model : keras.Model
        A network of `alexnet_cifar10`.
    images : ndarray of uint8, shape (N, 32, 32, 3)
        The first 5,000 are used.

    Examples
    --------
    >>> network = alexnet_cifar10("today", width=0.1)
    >>> noise = np.random.default_rng(0).integers(0, 256, (99, 32, 32, 3), np.uint8)
    >>> whiten(network, noise)
    >>> kernel = network.get_layer("conv1").kernel
    >>> bool(keras.ops.all(kernel[..., 27:] == -kernel[..., :27]))
    True
    """
    images = checks.pixels("images", images, shape=(32, 32, 3))
    parts = {layer.name: layer for layer in check_model(model).layers}
    conv1 = parts.get("conv1")
    if not isinstance(conv1, WhitenedConv2D):
        return
    scaled_images = parts["rescaling"](np.asarray(images[:5000]).astype("float32"))
    x = keras.ops.convert_to_numpy(scaled_images)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    patches = np.moveaxis(windows, 3, 5).reshape(-1, 27)  # N * 30 * 30, 3 * 3 * colours
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    # JPEG leaves some directions nearly empty.
    filters = vectors / np.sqrt(np.maximum(values, 0) + 5e-4)
    kernel = np.concatenate([filters, -filters], axis=1).reshape(3, 3, 3, 54)
    conv1.kernel.assign(kernel.astype("float32"))


def multiply_adds(model):
    """Count the multiplications, each followed by an addition, that one image takes.

    Convolutions and dense layers are counted: each weight is used once at every place
    of the layer's output map. (Normalization and pooling are left out, as in
    `geometry.layer_table`.)

    Parameters
    ----------
    model : keras.Model

    Returns
    -------
    int

    Examples
    --------
    >>> conv = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(5, 3)])
    >>> multiply_adds(conv)  # 5 filters of 3 x 3 weights, each at 2 x 2 places
    180
    """
    return sum(
        math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
        for layer in check_model(model).layers
        if isinstance(layer, (layers.Conv2D, layers.Dense))
    )
