"""The network and the recipe of today: whitened conv1, flips that alternate, a rate that falls in a line."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from alexnet_helpers import augmentation, compilation, data, models, recipes, studies, training, variants
from alexnet_helpers.batches import Batches
from alexnet_helpers.views import predict_ten_views

keras = models.keras
# Keras' variables on TensorFlow do not know NumPy 2's `copy` yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


@pytest.fixture(scope="module")
def images():
    """Smooth random images: like photos, their neighbouring pixels are alike."""
    noise = np.random.default_rng(0).standard_normal((400, 32, 32, 3))
    smooth = ndimage.gaussian_filter(noise, (0, 1, 1, 0))
    return np.clip(128 + 60 * smooth / smooth.std(), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def network(images):
    model = models.alexnet_cifar10("today", width=0.1)
    models.whiten(model, images)
    return model


def test_the_shapes_and_counts_of_the_full_network():
    model = models.alexnet_cifar10("today")
    shapes = {layer.name: layer.output.shape[1:] for layer in model.layers}
    assert [shapes[name] for name in ("conv1", "pool2", "pool3", "conv4", "pool5", "fc6", "fc8")] == [
        (32, 32, 54),
        (16, 16, 96),
        (8, 8, 192),
        (8, 8, 256),
        (4, 4, 256),
        (256,),
        (10,),
    ]
    work = [32**2 * 27 * 54, 32**2 * 9 * 54 * 96, 16**2 * 9 * 96 * 192, 8**2 * 9 * 192 * 256, 8**2 * 9 * 256 * 256]
    work += [4096 * 256, 256 * 256, 256 * 10]
    assert models.multiply_adds(model) == sum(work)
    layers = {layer.name: layer for layer in model.layers}
    assert layers["pool2"].pool_size == (3, 3) and layers["pool2"].strides == (2, 2)
    assert {layer.activation for name, layer in layers.items() if name.startswith("relu")} == {keras.activations.gelu}
    other = models.alexnet_cifar10("today", width=0.1, pool=2, activation="relu")
    assert other.get_layer("pool3").pool_size == (2, 2)
    assert other.get_layer("conv1").activation == other.get_layer("relu4").activation == keras.activations.relu


def test_whitened_responses_are_uncorrelated_and_alike_in_size(network, images):
    scaled = network.get_layer("rescaling")(images.astype("float32"))
    kernel = network.get_layer("conv1").kernel
    responses = np.asarray(keras.ops.conv(scaled, kernel, padding="valid")).reshape(-1, 54)
    np.testing.assert_allclose(responses[:, :27], -responses[:, 27:], atol=1e-4)
    covariance = np.cov(responses[:, :27], rowvar=False)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=0.02)
    assert 0.5 < np.diag(covariance).min() <= np.diag(covariance).max() < 1.02


def test_other_networks_are_not_whitened(images):
    model = models.alexnet_cifar10("paper", width=0.1)
    before = model.get_layer("conv1").kernel.numpy()
    models.whiten(model, images)
    np.testing.assert_array_equal(model.get_layer("conv1").kernel.numpy(), before)


def test_conv1_keeps_its_kernel_and_learns_its_bias(images):
    model = compilation.compile_model(dataclasses.replace(recipes.TODAY, width=0.1), 10)
    models.whiten(model, images)
    layer = model.get_layer("conv1")
    kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
    first = model.train_on_batch(images[:50], np.eye(10)[np.arange(50) % 10])
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)
    assert np.abs(layer.bias.numpy() - bias).max() > 0
    assert np.ravel(first)[0] == pytest.approx(np.log(10), abs=0.05)


def test_it_is_compiled_as_the_recipe_says():
    model = compilation.compile_model(dataclasses.replace(recipes.TODAY, width=0.1), steps_per_epoch=10)
    rate = model.optimizer._learning_rate
    steps = 10 * recipes.TODAY.epochs
    assert [float(rate(step)) for step in (0, steps / 2, steps)] == pytest.approx([0.1, 0.05, 0.0])
    assert model.loss.label_smoothing == 0.2
    assert model.optimizer.orthogonal == tuple(f"{name}/kernel" for name in "conv2 conv3 conv4 conv5 fc6 fc7".split())


def test_each_image_is_flipped_in_every_second_epoch(images):
    batches = Batches(images, np.zeros(len(images), int), 100, ("alternate_flip",))
    forms = []
    for epoch in range(3):
        batches.start_epoch(epoch)
        seen = np.concatenate([batches[i][0] for i in range(len(batches))])[np.argsort(batches.order)]
        as_it_is = (seen == images).all(axis=(1, 2, 3))
        assert (as_it_is | (seen == images[:, :, ::-1]).all(axis=(1, 2, 3))).all()
        forms.append(as_it_is)
    np.testing.assert_array_equal(forms[0], ~forms[1])
    np.testing.assert_array_equal(forms[0], forms[2])
    assert 0.4 < forms[0].mean() < 0.6


@pytest.mark.parametrize(
    ("function", "pixels"), [(augmentation.shift_reflected, 2), (augmentation.shift_reflected_wide, 4)]
)
def test_reflected_shifts_show_pixels_of_the_image_alone(function, pixels, images):
    shifted, side = function(images, np.random.default_rng(0)), 2 * pixels + 1
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="reflect")
    places = set()
    for number, image in enumerate(shifted):
        found = [
            (top, left)
            for top in range(side)
            for left in range(side)
            if np.array_equal(padded[number, top : top + 32, left : left + 32], image)
        ]
        assert len(found) == 1
        places |= set(found)
    assert len(places) >= 0.98 * side**2


def test_a_whitened_stem_can_be_tried_in_another_network(images):
    whitened = {"stem": (3, 1, 54), "whitened": True}
    recipe = dataclasses.replace(studies.BASE, name="whitened", width=0.05, ingredients=whitened)
    model = compilation.compile_model(recipe, 10)
    assert model.get_layer("conv1").kernel.shape == (3, 3, 3, 54)
    assert not any(variable.path.endswith("conv1/kernel") for variable in model.trainable_variables)
    compilation.whiten_stem(model, images)
    alone = models.alexnet_cifar10("today", width=0.05)
    models.whiten(alone, images)
    expected = np.asarray(alone.get_layer("conv1").kernel)
    np.testing.assert_allclose(np.asarray(model.get_layer("conv1").kernel), expected, rtol=1e-5, atol=1e-5)
    learned = dataclasses.replace(recipe, ingredients={"stem": (3, 1, 54)})
    assert "conv1/kernel" in {
        "/".join(variable.path.split("/")[-2:])
        for variable in compilation.compile_model(learned, 10).trainable_variables
    }


def test_a_stem_has_the_filters_that_it_names_at_every_width():
    for width, stem, filters in ((0.5, None, 48), (0.5, (7, 2), 48), (0.5, (7, 2, 20), 20), (1, (7, 2, 20), 20)):
        conv1 = models.alexnet_cifar10("paper", width=width, stem=stem).get_layer("conv1")
        assert conv1.filters == filters and conv1.kernel_size == ((7, 7) if stem else (5, 5))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"whitened": True}, r"whitened must be False without stem=\(3, 1, 54\), got True"),
        ({"whitened": True, "stem": (3, 1)}, r"whitened must be False without stem=\(3, 1, 54\), got True"),
        ({"whitened": True, "stem": (3, 1, 54), "batch_norm": True}, "whitened must be False with batch_norm=True"),
        ({"whitened": True, "variant": "today"}, "whitened must be left out with variant"),
        ({"stem": (3, 1, 0)}, "stem must be an integer from 1 to 1024, got 0"),
        ({"stem": (3, 1, 54, 2)}, r"stem must be \(kernel, stride\) of conv1"),
    ],
)
def test_a_stem_that_contradicts_the_network_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        variants.check_network(**{"variant": "paper"} | arguments)


def test_nesterov_momentum_arrives_and_is_refused_where_it_would_be_dropped():
    recipe = dataclasses.replace(studies.BASE, name="nesterov", width=0.05, nesterov=True)
    assert compilation.compile_model(recipe, 10).optimizer.nesterov
    assert not compilation.compile_model(dataclasses.replace(recipe, nesterov=False), 10).optimizer.nesterov
    with pytest.raises(ValueError, match='nesterov must be False without optimizer="sgd", got True'):
        dataclasses.replace(recipes.TODAY, nesterov=True)


def test_ten_views_with_a_reflected_border_show_no_black(images):
    model = models.alexnet_cifar10("paper", width=0.05)
    few, padded = images[:3], np.pad(images[:3], ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    views = [padded[:, top : top + 32, left : left + 32] for top, left in ((2, 2), (0, 0), (0, 4), (4, 0), (4, 4))]
    views = np.concatenate([view[:, :, ::step] for view in views for step in (1, -1)])
    expected = model.predict(views, verbose=0).reshape(10, 3, 10).mean(axis=0)
    found = predict_ten_views(model, few, reflected=True)
    assert np.abs(found - expected).max() <= 1e-5 * expected.max()
    assert np.abs(predict_ten_views(model, few) - expected).max() > 1e-4 * expected.max()


def test_after_averaging_the_normalization_is_measured_anew(images):
    model = models.alexnet_cifar10("today", width=0.1)
    models.whiten(model, images)
    batches = Batches(images, np.zeros(len(images), int), 100)
    training._measure_normalization(model, batches, most=3)
    inner = keras.Model(model.inputs[0], model.get_layer("pool2").output)
    maps = [np.asarray(inner(batches[number][0])) for number in range(3)]
    norm = model.get_layer("norm2")
    expected = np.mean([part.mean(axis=(0, 1, 2)) for part in maps], axis=0)
    assert np.abs(np.asarray(norm.moving_mean) - expected).max() <= 1e-4 * np.abs(expected).max()
    expected = np.mean([part.var(axis=(0, 1, 2)) for part in maps], axis=0)
    assert np.abs(np.asarray(norm.moving_variance) - expected).max() <= 1e-3 * expected.max()
    assert norm.momentum == 0.9


def test_rotation_and_shift_are_those_of_scipy(images):
    angle, down, right = np.deg2rad(np.random.default_rng(0).uniform(-15, 15, (400, 1, 1)))[5, 0, 0], 0, 0
    turned = augmentation.rotate_and_shift(images, np.random.default_rng(0), degrees=15, fraction=0)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([15.5, 15.5])
    offset = middle - matrix @ (middle - [down, right])
    for channel in range(3):
        plane = images[5, ..., channel].astype(float)
        expected = ndimage.affine_transform(plane, matrix, offset, order=1, mode="nearest")
        np.testing.assert_allclose(turned[5, ..., channel], expected, atol=0.51)
    np.testing.assert_array_equal(augmentation.rotate_and_shift(images, np.random.default_rng(0), 0, 0), images)


def test_a_run_on_all_images_has_no_validation(tmp_path):
    recipe = dataclasses.replace(recipes.TODAY_ALL, name="tiny", width=0.05, epochs=1, batch_size=100)
    digits = data.cifar10._load_digits()
    few = digits._replace(x_train=digits.x_train[:300], y_train=digits.y_train[:300])
    digits = few._replace(x_test=digits.x_test[:50], y_test=digits.y_test[:50])
    _, curves = training.train(recipe, digits, checkpoint_folder=tmp_path, results_folder=tmp_path, verbose=0)
    assert "val_accuracy" not in curves
    assert curves["multiply_adds"].iloc[-1] == 3 * len(digits.x_train) * models.multiply_adds(
        models.alexnet_cifar10("today", width=0.05)
    )
    assert 0 <= curves["test_accuracy"].iloc[-1] <= 1
