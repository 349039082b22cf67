"""The exercises of notebook 10_build_alexnet."""

import numpy as np

from alexnet_helpers import geometry
from alexnet_helpers.exercises.engine import exercise
from alexnet_helpers.exercises.functions import call, kind_of

# What "Count the memory" counts: parameters of the network of one tower, outputs for each image.
_PARAMETERS, _OUTPUTS = 62_378_344, 781_736


def _share_of_dense(model):
    from alexnet_helpers import load_keras

    dense = [layer for layer in model.layers if isinstance(layer, load_keras().layers.Dense)]
    return sum(layer.count_params() for layer in dense) / model.count_params()


def _small_models():
    """Return models whose dense layers neither stand at the end nor have the usual names."""
    from alexnet_helpers import load_keras

    keras = load_keras()
    layers = keras.layers
    start = [
        keras.Input((6, 6, 2)),
        layers.Conv2D(4, 3, name="map"),
        layers.Flatten(),
        layers.Dropout(0.5),
    ]
    first = keras.Sequential([*start, layers.Dense(5, name="fc6"), layers.Dense(3, name="fc8")])
    start = [
        keras.Input((5, 4, 3)),
        layers.Dense(7, name="each_pixel"),
        layers.Conv2D(2, 3),
        layers.Flatten(),
    ]
    second = keras.Sequential(
        [
            *start,
            layers.Dense(6, use_bias=False, name="fc"),
            layers.BatchNormalization(),
        ]
    )
    third = keras.Sequential([keras.Input((5, 5, 1)), layers.Conv2D(2, 3)])
    return [(first,), (second,), (third,)]


def _of_layers(number, of_dense_only=True):
    """Return a (wrong) function of a model: a share that counts something else than all parameters."""

    def share(model):
        chosen = [layer for layer in model.layers if "Dense" in type(layer).__name__ or not of_dense_only]
        return number(chosen, model)

    return share


def _one_tower(function):
    from alexnet_helpers import geometry, load_keras

    keras, model = load_keras(), call(function)
    if not isinstance(model, keras.Model):
        return f"Your function returned {kind_of(model)}; a Keras model is asked for."
    learning = [layer for layer in model.layers if layer.built and layer.count_params()]
    if not model.built or model.input_shape != (None, 227, 227, 3) or len(learning) != 8:
        return "The model takes images of 227 x 227 x 3 and has five convolutions and three dense layers."
    halves = [
        layer._replace(units=layer.units // 2) if layer.units and layer.name != "fc8" else layer
        for layer in geometry.ALEXNET
    ]
    table = geometry.layer_table(halves)
    table = table[table["parameters"] > 0]
    for layer, (name, row) in zip(learning, table.iterrows()):
        arrives, shape, count = (
            layer.input.shape[1:],
            layer.output.shape[1:],
            layer.count_params(),
        )
        if arrives != row["input"]:
            return f"{name} gets {arrives} from the layers before it: look at their pools, strides and units."
        if shape != row["output"]:
            return f"{name} gives {shape}. Half of AlexNet's has as many channels or units, and maps of the same size."
        if count != row["parameters"]:
            return f"{name} has the right shape, but {count:,} parameters: look at kernel, input and groups."
    if any(isinstance(layer, keras.layers.AveragePooling2D) for layer in model.layers):
        return "AlexNet's pools keep the maximum, not the average."
    return _missing_relu(keras, model, dict(zip(table.index, learning)))


def _missing_relu(keras, model, learning):
    """Run noise through a model; a ReLU leaves zeros and nothing below them: say behind which layer it is missing."""
    rng = np.random.default_rng(0)
    for layer in learning.values():
        kernel, *bias = layer.get_weights()
        scale = (kernel.size / kernel.shape[-1]) ** -0.5
        noise = rng.standard_normal(kernel.shape, np.float32)
        layer.set_weights([noise * np.float32(scale), *map(np.zeros_like, bias)])
    image = rng.standard_normal((1, 227, 227, 3), np.float32)
    arriving = keras.Model(model.inputs[0], [layer.input for layer in list(learning.values())[1:]])(image)
    for name, values in zip(learning, arriving):
        if np.asarray(values).min() != 0:
            return f"{name} has no ReLU: what arrives at the next layer would be 0 in part, and nowhere negative."
    return None


def _tower(
    filters=(48, 128, 192, 192, 128),
    units=2048,
    classes=1000,
    activation="relu",
    pool="MaxPooling2D",
):
    """Return a function that builds a tower with one thing changed."""

    def one_tower():
        from alexnet_helpers import load_keras

        keras = load_keras()
        # zeros, since random numbers take seconds
        settings = {"activation": activation, "kernel_initializer": "zeros"}
        model, counts = keras.Sequential([keras.Input((227, 227, 3))]), iter(filters)
        for layer in geometry.ALEXNET:
            if layer.kind == "conv":
                window = (
                    layer.kernel,
                    layer.stride,
                    "same" if layer.padding else "valid",
                )
                model.add(keras.layers.Conv2D(next(counts), *window, **settings))
            elif layer.kind == "pool":
                model.add(getattr(keras.layers, pool)(layer.kernel, layer.stride))
        model.add(keras.layers.Flatten())
        for count in (units, units):
            model.add(keras.layers.Dense(count, **settings))
        model.add(keras.layers.Dense(classes, kernel_initializer="zeros"))
        return model

    return one_tower


exercise(
    "10.1",
    58_322_314,
    hints=[
        (58_322_304, "The ten units have a bias each."),
        (
            58_281_344,
            "That is the network without fc8; with 10 classes there still is one.",
        ),
        (56_909_194, "That is the network with two towers."),
        (62_378_344, "That is the network for 1,000 classes."),
        (58_323_304, "The 990 biases that are no longer needed go, too."),
        (40_970, "That is fc8 alone: the whole network is asked for."),
    ],
)
exercise(
    "10.2",
    60_522_856,
    hints=[
        (60_522_664, "The biases are not halved: the number of filters stays."),
        (61_935_976, "Start from the network with two towers."),
        (60_080_488, "Each filter of conv3 loses half of its inputs, not all of them."),
        (60_080_104, "Each filter of conv3 loses half of its inputs, not all of them."),
        (60_522_472, "The 384 biases stay: only weights are saved."),
        (61_407_592, "conv3 has fewer weights then, not more: subtract."),
        (442_752, "That is conv3 alone: the whole network is asked for."),
        (
            442_368,
            "That is what is saved: subtract it from the network with two towers.",
        ),
    ],
)
exercise(
    "10.3",
    720,
    hints=[
        (
            879,
            "While it learns, the network keeps the gradient and the velocity of each weight as well.",
        ),
        (959, "The parameters are in the card's memory too."),
        (853, "The pooling layers have outputs as well."),
        (790, "3 GB are 3·10⁹ bytes here."),
        (240, "The outputs are kept once each."),
        (
            (3e9 - 12 * _PARAMETERS) / (4 * _OUTPUTS),
            "A number of images is whole: round down.",
        ),
        (721, "The 721st image does not fit any more: round down."),
        (2880, "An output takes 4 bytes."),
    ],
)
exercise(
    "10.4",
    _share_of_dense,
    cases=_small_models,
    wrong=[
        (
            lambda model: 100 * _share_of_dense(model),
            "That is in per cent; a number from 0 to 1 is meant.",
        ),
        (
            lambda model: 1 - _share_of_dense(model),
            "That is the share of the other layers.",
        ),
        (
            _of_layers(lambda dense, model: sum(layer.count_params() for layer in dense)),
            "That is the number of parameters: divide it by that of the whole model.",
        ),
        (
            _of_layers(
                lambda dense, model: sum(layer.kernel.shape.num_elements() for layer in dense) / model.count_params()
            ),
            "The biases are parameters as well.",
        ),
        (
            _of_layers(lambda dense, model: dense[-1].count_params() / model.count_params()),
            "That is the last dense layer only: add up all of them.",
        ),
        (
            _of_layers(lambda dense, model: len(dense) / len(model.layers)),
            "That is the share of the layers: count their parameters.",
        ),
        (
            _of_layers(
                lambda layers, model: (
                    sum(layer.count_params() for layer in layers if layer.name.startswith("dense"))
                    / model.count_params()
                ),
                of_dense_only=False,
            ),
            "A layer can have any name: ask for its class with isinstance.",
        ),
    ],
)
exercise(
    "10.5",
    _one_tower,
    wrong=[
        (_tower(classes=500), "fc8 gives (500,)."),
        (_tower(units=4096), "fc6 gives (4096,)."),
        (_tower(filters=(48, 128, 384, 192, 128)), "conv3 gives (13, 13, 384)."),
        (_tower(activation=None), "conv1 has no ReLU"),
        (_tower(activation="sigmoid"), "conv1 has no ReLU"),
        (_tower(pool="AveragePooling2D"), "keep the maximum, not the average"),
        (
            lambda: "model.summary()",
            "Your function returned a str; a Keras model is asked for.",
        ),
    ],
)
