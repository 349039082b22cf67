"""The photo's walk through AlexNet agrees with Keras at every layer."""

import functools

import numpy as np
import pytest

from alexnet_helpers import load_keras, numpy_layers, walk


def assert_close(found, expected, tolerance):
    """Compare norm-wise: largest difference against largest expected value."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


def test_photo_tensor_is_the_photo_from_minus_one_to_one():
    x = walk.photo_tensor()
    assert x.shape == (1, 227, 227, 3) and x.dtype == np.float32
    assert -1 <= x.min() < -0.8 and 0.6 < x.max() <= 1
    pixels = (x[0] + 1) * 127.5
    np.testing.assert_allclose(pixels, np.round(pixels), atol=1e-3)  # whole numbers from 0 to 255


def test_filter_bank_has_unit_filters_blind_to_even_grey():
    bank = walk.filter_bank()
    assert bank.shape == (11, 11, 3, 96) and bank.dtype == np.float32
    np.testing.assert_allclose((bank**2).sum(axis=(0, 1, 2)), 1, atol=1e-5)
    np.testing.assert_allclose(bank.sum(axis=(0, 1, 2)), 0, atol=1e-5)
    assert len(np.unique(bank.reshape(-1, 96).round(4), axis=1).T) == 96


def test_filter_bank_is_grey_in_its_first_half_and_coloured_in_its_second():
    bank = walk.filter_bank()
    spread = np.ptp(bank, axis=2).max(axis=(0, 1))
    assert np.all(spread[:48] < 1e-6) and np.all(spread[48:] > 0.05)


def test_filter_bank_holds_edges_bars_and_spots_where_it_says():
    """Turned half around, an edge changes its sign; a bar and a spot stay as they are."""
    bank = walk.filter_bank()
    turned = bank[::-1, ::-1]
    coloured = 8 * ["edge"] + 4 * ["spot"]
    for number, kind in enumerate(3 * (8 * ["edge"] + 8 * ["bar"]) + 4 * coloured):
        sign = -1 if kind == "edge" else 1
        assert_close(turned[..., number], sign * bank[..., number], 1e-5)
    for first in range(48, 96, 12):  # of the four spots every second is the negative of the one before
        for spot in (first + 8, first + 10):
            assert_close(bank[..., spot + 1], -bank[..., spot], 1e-5)
            corner, middle = bank[0, 0, :, spot], bank[5, 5, :, spot]
            assert (corner @ middle < 0) == (spot == first + 8)  # against its surround
            assert np.linalg.norm(bank[..., spot], axis=2).argmax() == 60  # the middle


@pytest.mark.parametrize("angle", [0, np.pi / 8, np.pi / 2, 2.5])
def test_gabor_answers_most_to_an_edge_of_its_own_angle(angle):
    y, x = np.mgrid[-5:6, -5:6]
    edge = np.where(x * np.cos(angle) + y * np.sin(angle) < 0, 1.0, -1.0)
    angles = angle + np.arange(8) * np.pi / 8
    answers = [abs((walk.gabor(a, 10, np.pi / 2) * edge).sum()) for a in angles]
    assert np.argmax(answers) == 0


def test_gabor_on_paper():
    """Size 3, wavelength 4, edge: cos(2 pi x / 4 + pi/2) is 1, 0, -1 across, whatever the bell."""
    falls_off = np.exp(-1 / (2 * 1.8**2))
    column = np.array([falls_off, 1, falls_off])
    expected = column[:, None] * [1, 0, -1] * falls_off
    np.testing.assert_allclose(walk.gabor(0, 4, np.pi / 2, size=3), expected / np.sqrt((expected**2).sum()), atol=1e-12)


@pytest.mark.parametrize(
    "wrong, named",
    [
        (lambda: walk.tensor_after("conv9"), "name must be 'conv1', 'relu1', .* or 'softmax', got 'conv9'"),
        (lambda: walk.tensor_after(None), "name must be 'conv1', 'relu1', .* got None"),
        (lambda: walk.tensor_after(["conv1"]), r"name must be 'conv1', 'relu1', .* got \['conv1'\]"),
        (lambda: walk.layer_weights("pool1"), "name must be 'conv1', .* or 'fc8', got 'pool1'"),
        (lambda: walk.gabor(0, 0, 0), "wavelength must be a number from 1 to 10000, got 0"),
        (lambda: walk.gabor(0, np.inf, 0), "wavelength must be a number from 1 to 10000, got inf"),
        (lambda: walk.gabor(0, 2, np.pi / 2), "wavelength must be such that the pixels differ at this phase, got 2"),
        (lambda: walk.gabor(np.nan, 4, 0), "angle must be a finite number, got nan"),
        (lambda: walk.gabor("0", 4, 0), "angle must be a finite number, got '0'"),
        (lambda: walk.gabor(0, 4, np.inf), "phase must be a finite number, got inf"),
        (lambda: walk.gabor(0, 4, 0, size=4), "size must be odd, .* got 4"),
        (lambda: walk.gabor(0, 4, 0, size=True), "size must be an integer from 3 to 999, got True"),
        (lambda: walk.gabor(0, 4, 0, size=1), "size must be an integer from 3 to 999, got 1"),
        (lambda: walk.gabor(0, 4, 0, size=10**30 + 1), "size must be an integer from 3 to 999, got 1000"),
    ],
)
def test_bad_input_is_named(wrong, named):
    with pytest.raises(ValueError, match=f"^{named}"):
        wrong()


@pytest.mark.parametrize("wavelength", [1, 10_000])
def test_the_bounds_of_what_pixels_show(wavelength):
    assert (walk.gabor(0.3, wavelength, 0.5) ** 2).sum() == pytest.approx(1)


SHAPES = {"conv1": (11, 11, 3, 96), "conv2": (5, 5, 96, 256), "conv5": (3, 3, 384, 256), "fc6": (9216, 4096)}
SHAPES["fc8"] = (4096, 1000)


@pytest.mark.parametrize("name", SHAPES)
def test_layer_weights_are_the_same_in_every_call_and_he_normal(name):
    kernel, bias = walk.layer_weights(name)
    again, _ = walk.layer_weights(name)
    assert_close(again, kernel, 1e-6)
    assert kernel.dtype == bias.dtype == np.float32 and kernel.shape == SHAPES[name]
    assert bias.shape == kernel.shape[-1:] and not bias.any()
    if name != "conv1":
        assert abs(kernel.std() / np.sqrt(2 / np.prod(kernel.shape[:-1])) - 1) < 0.01
        assert abs(kernel.mean()) < 0.01 * kernel.std()


def keras_step(step, x, weights):
    """Compute one step by Keras, in the paper's geometry."""
    ops = load_keras().ops
    kernel, bias = weights(step) if step in walk.LEARNED else (None, None)
    if step == "conv1":
        return ops.conv(x, kernel, 4, padding="valid") + bias
    if step.startswith("conv"):
        return ops.conv(x, kernel, 1, padding="same") + bias
    if step.startswith("pool"):
        return ops.max_pool(x, 3, 2, padding="valid")
    if step.startswith("fc"):
        return ops.matmul(x, kernel) + bias
    if step == "flatten":
        return ops.reshape(x, (1, -1))
    return ops.softmax(x) if step == "softmax" else ops.relu(x)


def test_every_tensor_agrees_with_keras():
    """Step by step, which takes no model of 62 million weights; test_models.py compares the whole."""
    order = "conv1 relu1 pool1 conv2 relu2 pool2 conv3 relu3 conv4 relu4 conv5 relu5 pool3"
    steps = [step for step, _, _ in numpy_layers.step_kinds()]
    assert steps == f"{order} flatten fc6 relu6 fc7 relu7 fc8 softmax".split()
    weights = functools.cache(walk.layer_weights)
    expected = walk.photo_tensor()
    for step, x in numpy_layers.steps(walk.photo_tensor(), weights):
        expected = keras_step(step, expected, weights)
        assert x.dtype == np.float32
        assert_close(x, expected, 1e-4)
        if step in ("relu1", "conv2", "flatten"):
            assert_close(walk.tensor_after(step), x, 1e-5)
    assert step == "softmax" and abs(x.sum() - 1) < 1e-5


def test_each_layer_draws_numbers_of_its_own():
    drawn = [walk.layer_weights(f"conv{number}")[0].ravel()[:50] for number in (2, 3, 4, 5)]
    assert np.abs(np.corrcoef(drawn) - np.eye(4)).max() < 0.6
