"""The Keras networks: counts, shapes, towers, normalization, and the whole forward pass against NumPy."""

import gc

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from alexnet_helpers import geometry, models, numpy_layers, walk
from alexnet_helpers.models import LocalResponseNorm, alexnet, alexnet_cifar10

COUNTS = {
    "conv1": 34_944,
    "conv2": 614_656,
    "conv3": 885_120,
    "conv4": 1_327_488,
    "conv5": 884_992,
    "fc6": 37_752_832,
    "fc7": 16_781_312,
    "fc8": 4_097_000,
}


HALVED = {"conv2": 307_456, "conv4": 663_936, "conv5": 442_624}  # one half of each filter's inputs is gone


@pytest.fixture(scope="module", params=[1, 2])
def network(request):
    """Build (towers, AlexNet), each once for all tests and never both at a time: 250 MB of weights.

    One tower: the photo's walk. Two towers: half of the walk's kernels, biases drawn at random, and
    local response normalization, as in the paper.
    """
    towers = request.param
    model = alexnet(towers=towers, local_response_norm=towers == 2, kernel_initializer="zeros")
    rng = np.random.default_rng(0)
    for name in COUNTS:
        layer = model.get_layer(name)
        kernel, bias = walk.layer_weights(name)
        if towers == 2:
            bias = rng.normal(0, 0.1, bias.shape)
        if kernel.ndim == 4:
            kernel = kernel[:, :, : layer.kernel.shape[2]]
        layer.set_weights([kernel, bias])
    yield towers, model
    del model, layer
    keras.backend.clear_session()
    gc.collect()


only_one = pytest.mark.parametrize("network", [1], indirect=True)
only_two = pytest.mark.parametrize("network", [2], indirect=True)


def close(found, expected, tolerance):
    """Compare norm-wise: the largest difference over the largest value."""
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


def test_parameters(network):
    towers, model = network
    counts = COUNTS | HALVED if towers == 2 else COUNTS
    assert {name: model.get_layer(name).count_params() for name in COUNTS} == counts
    assert model.count_params() == sum(counts.values()) == {1: 62_378_344, 2: 60_965_224}[towers]


def test_every_layer_has_the_shape_and_count_of_geometry(network):
    towers, model = network
    table = geometry.layer_table(geometry.alexnet_layers(towers))
    for name, row in table.iterrows():
        assert model.get_layer(name).output.shape[1:] == row["output"]
        assert model.get_layer(name).count_params() == row["parameters"]
    assert model.input_shape == (None, 227, 227, 3)
    assert model.output_shape == (None, 1000)


def test_layers_come_in_the_paper_s_order(network):
    towers, model = network
    order = "conv1 pool1 conv2 pool2 conv3 conv4 conv5 pool3 flatten fc6 dropout6 fc7 dropout7 fc8".split()
    with_norm = "conv1 norm1 pool1 conv2 norm2 pool2".split() + order[4:]
    assert [layer.name for layer in model.layers] == (with_norm if towers == 2 else order)
    for name in order:
        layer = model.get_layer(name)
        if name.startswith(("conv", "fc")):
            assert layer.activation.__name__ == ("softmax" if name == "fc8" else "relu")
        if name.startswith("dropout"):
            assert layer.rate == 0.5
    if towers == 2:
        constants = {"size": 5, "k": 2, "alpha": 1e-4, "beta": 0.75, "towers": 2}
        for name in ("norm1", "norm2"):
            assert constants.items() <= model.get_layer(name).get_config().items()


# What numpy_layers calls the tensor after a Keras layer, which includes its activation.
TWINS = {f"conv{i}": f"relu{i}" for i in range(1, 6)} | {
    "fc6": "relu6", "dropout6": "relu6", "fc7": "relu7", "dropout7": "relu7", "fc8": "softmax",
}  # fmt: skip


def test_the_whole_network_in_numpy_equals_keras_at_every_layer(network):
    towers, model = network
    features = keras.Model(model.inputs, [layer.output for layer in model.layers])
    # Pixels of -100 to 100, as in the paper: with smaller ones the normalization is nearly a constant.
    photo = walk.photo_tensor() * (100 if towers == 2 else 1)
    expected = features.predict(photo, verbose=0)
    weights = {name: model.get_layer(name).get_weights() for name in COUNTS}
    found = numpy_layers.alexnet_forward(photo, weights, towers, local_response_norm=towers == 2)
    for layer, tensor in zip(model.layers, expected, strict=True):
        close(found[TWINS.get(layer.name, layer.name)], tensor, 1e-4)
    assert ({"norm1", "norm2"} <= set(found)) == (towers == 2)
    assert expected[-1].min() >= 0
    assert expected[-1].sum() == pytest.approx(1, rel=1e-5)


@only_one
def test_the_walk_is_the_network_of_one_tower(network):
    _, model = network
    features = keras.Model(model.inputs, [model.get_layer(name).output for name in ("conv5", "fc8")])
    conv5, probabilities = features.predict(walk.photo_tensor(), verbose=0)
    close(walk.tensor_after("relu5"), conv5, 1e-4)
    close(walk.tensor_after("softmax"), probabilities, 1e-4)


@only_two
@pytest.mark.parametrize(
    ("name", "size", "channels"),
    [("norm1", 6, 96), ("conv2", 7, 96), ("norm2", 6, 256), ("conv3", 5, 256), ("conv4", 5, 384), ("conv5", 5, 384)],
)
def test_the_towers_see_only_their_own_half_except_in_conv3(network, name, size, channels):
    x = np.random.default_rng(1).normal(size=(1, size, size, channels)).astype(np.float32)
    other = x.copy()
    other[..., channels // 2 :] += 1
    layer = keras.Sequential([keras.Input(x.shape[1:]), network[1].get_layer(name)])
    before, after = layer.predict(np.concatenate([x, other]), verbose=0)
    half = before.shape[-1] // 2
    assert (before[..., :half] == after[..., :half]).all() == (name != "conv3")
    assert (before[..., half:] != after[..., half:]).any()


@pytest.mark.parametrize("size", [67, 70, 131])
def test_images_of_other_sizes(size):
    model = alexnet((size, size + 3, 1), num_classes=7, kernel_initializer="zeros")
    assert model.output_shape == (None, 7)
    height = geometry.layer_table(input_size=size, channels=1).loc["pool3", "output"][0]
    assert model.get_layer("pool3").output.shape[1] == height


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"input_shape": (66, 227, 3)}, r"input_shape=\(66, 227, 3\): allowed .* at least 67"),
        ({"input_shape": (227, 66, 3)}, "at least 67"),
        ({"input_shape": (227, 227)}, r"input_shape=\(227, 227\): allowed"),
        ({"input_shape": (227, 227, 0)}, r"input_shape=\(227, 227, 0\): allowed"),
        ({"input_shape": (227.0, 227, 3)}, r"input_shape=\(227.0, 227, 3\): allowed"),
        ({"input_shape": 227}, "input_shape=227: allowed"),
        ({"num_classes": 0}, "num_classes=0: allowed is a positive integer"),
        ({"num_classes": 10.0}, "num_classes=10.0: allowed"),
        ({"num_classes": True}, "num_classes=True: allowed"),
        ({"towers": 3}, "towers=3: allowed are 1"),
        ({"towers": 0}, "towers=0: allowed are 1"),
    ],
)
def test_alexnet_says_what_is_wrong(named, message):
    with pytest.raises(ValueError, match=message):
        alexnet(**named)


def test_local_response_norm_by_hand():
    # Channels 1, 2, 3, 4 at one place, three neighbours each: 1+4, 1+4+9, 4+9+16, 9+16.
    x = np.array([1, 2, 3, 4], np.float32).reshape(1, 1, 1, 4)
    by_hand = [1 / (2 + 5) ** 0.5, 2 / (2 + 14) ** 0.5, 3 / (2 + 29) ** 0.5, 4 / (2 + 25) ** 0.5]
    found = LocalResponseNorm(size=3, k=2.0, alpha=1.0, beta=0.5)(x)
    np.testing.assert_allclose(np.ravel(found), by_hand, rtol=1e-6)
    in_two = [1 / (2 + 5) ** 0.5, 2 / (2 + 5) ** 0.5, 3 / (2 + 25) ** 0.5, 4 / (2 + 25) ** 0.5]
    found = LocalResponseNorm(size=3, k=2.0, alpha=1.0, beta=0.5, towers=2)(x)
    np.testing.assert_allclose(np.ravel(found), in_two, rtol=1e-6)


@settings(deadline=None, max_examples=25)
@given(
    channels=st.integers(1, 12),
    radius=st.integers(0, 4),
    k=st.floats(0.5, 4),
    alpha=st.floats(1e-4, 1),
    beta=st.floats(0.2, 1.5),
    seed=st.integers(0, 99),
)
def test_local_response_norm_equals_tensorflow(channels, radius, k, alpha, beta, seed):
    """TensorFlow counts the neighbours on one side, calls k the bias, and does not divide alpha either."""
    x = np.random.default_rng(seed).normal(0, 5, (2, 3, 2, channels)).astype(np.float32)
    found = LocalResponseNorm(size=2 * radius + 1, k=k, alpha=alpha, beta=beta)(x)
    expected = tf.nn.local_response_normalization(x, depth_radius=radius, bias=k, alpha=alpha, beta=beta)
    close(np.asarray(found), np.asarray(expected), 1e-5)


def test_local_response_norm_has_the_paper_s_constants_by_default():
    x = np.random.default_rng(0).normal(0, 100, (1, 2, 2, 96)).astype(np.float32)
    expected = tf.nn.local_response_normalization(x, depth_radius=2, bias=2.0, alpha=1e-4, beta=0.75)
    close(np.asarray(LocalResponseNorm()(x)), np.asarray(expected), 1e-5)


def test_local_response_norm_survives_saving(tmp_path):
    layer = LocalResponseNorm(size=3, k=1.5, alpha=0.1, beta=0.5, towers=2, name="norm1")
    model = keras.Sequential([keras.Input((3, 3, 8)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].get_config() == layer.get_config()
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 8)).astype(np.float32)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"size": 4}, "size=4: allowed is an odd positive integer"),
        ({"size": 0}, "size=0: allowed"),
        ({"size": 2.5}, "size=2.5: allowed"),
        ({"towers": 0}, "towers=0: allowed is a positive integer"),
        ({"towers": 5}, "towers=5: allowed is a divisor of the 8 channels"),
    ],
)
def test_local_response_norm_says_what_is_wrong(named, message):
    with pytest.raises(ValueError, match=message):
        LocalResponseNorm(**named)(np.zeros((1, 2, 2, 8), np.float32))


def common_recipe():
    """Write out the network of many tutorials (it takes pixels already divided by 255)."""
    from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

    model = keras.Sequential()
    model.add(keras.Input((32, 32, 3)))
    model.add(Conv2D(filters=96, kernel_size=(11, 11), strides=(4, 4), padding="same", activation="relu"))
    model.add(MaxPooling2D(pool_size=(3, 3), strides=(2, 2), padding="same"))
    model.add(Conv2D(filters=256, kernel_size=(5, 5), strides=(1, 1), padding="same", activation="relu"))
    model.add(MaxPooling2D(pool_size=(3, 3), strides=(2, 2), padding="same"))
    model.add(Conv2D(filters=384, kernel_size=(3, 3), strides=(1, 1), padding="same", activation="relu"))
    model.add(Conv2D(filters=384, kernel_size=(3, 3), strides=(1, 1), padding="same", activation="relu"))
    model.add(Conv2D(filters=256, kernel_size=(3, 3), strides=(1, 1), padding="same", activation="relu"))
    model.add(MaxPooling2D(pool_size=(3, 3), strides=(2, 2), padding="same"))
    model.add(Flatten())
    model.add(Dense(4096, activation="relu"))
    model.add(Dropout(0.5))
    model.add(Dense(4096, activation="relu"))
    model.add(Dropout(0.5))
    model.add(Dense(10, activation="softmax"))
    return model


def test_alexnet_cifar10_is_the_common_recipe_layer_for_layer():
    written, ours = common_recipe(), alexnet_cifar10()
    assert written.count_params() == ours.count_params() == 21_622_154
    assert ours.layers[0].name == "rescaling"
    for theirs, layer in zip(written.layers, ours.layers[1:], strict=True):
        assert type(layer) is type(theirs)
        assert layer.output.shape == theirs.output.shape
        assert layer.get_config() | {"name": ""} == theirs.get_config() | {"name": ""}
        assert [weight.shape for weight in layer.weights] == [weight.shape for weight in theirs.weights]
    sides = [layer.output.shape[1] for layer in ours.layers if layer.name[:4] in ("conv", "pool")]
    assert sides == [8, 4, 4, 2, 2, 2, 2, 1]
    assert ours.get_layer("flatten").output.shape == (None, 256)

    # With the same weights, ours on pixels of 0-255 gives what theirs gives on pixels divided by 255.
    for theirs, layer in zip(written.layers, ours.layers[1:], strict=True):
        layer.set_weights(theirs.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    expected = written.predict(images.astype("float32") / 255, verbose=0)
    close(ours.predict(images, verbose=0), expected, 1e-5)


def test_cifar10_pixels_are_rescaled_by_constants():
    x = np.arange(32 * 32 * 3, dtype=np.float32).reshape(1, 32, 32, 3) % 256
    small = {"width": 0.02}
    plain, centred = alexnet_cifar10(**small).layers[0], alexnet_cifar10(**small, centred_input=True).layers[0]
    np.testing.assert_allclose(plain(x), x / 255, rtol=1e-6)
    expected = (x - np.array(models.CIFAR10_MEAN)) / np.array(models.CIFAR10_STD)
    np.testing.assert_allclose(centred(x), expected, rtol=1e-4, atol=1e-5)
    assert not plain.weights
    assert not centred.trainable_weights


def test_width_scales_filters_and_units():
    half = alexnet_cifar10(width=0.5, num_classes=3)
    assert [half.get_layer(f"conv{i}").filters for i in range(1, 6)] == [48, 128, 192, 192, 128]
    assert [half.get_layer(f"fc{i}").units for i in (6, 7, 8)] == [2048, 2048, 3]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"variant": "paper2"}, "variant='paper2': allowed"),
        ({"width": 0.01}, "width=0.01: allowed"),
        ({"width": 5}, "width=5: allowed"),
        ({"width": "1"}, "width='1': allowed"),
        ({"width": float("nan")}, "width=nan: allowed"),
        ({"num_classes": -1}, "num_classes=-1: allowed is a positive integer"),
    ],
)
def test_alexnet_cifar10_says_what_is_wrong(named, message):
    with pytest.raises(ValueError, match=message):
        alexnet_cifar10(**named)
