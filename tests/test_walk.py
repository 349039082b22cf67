"""The photo's walk through AlexNet agrees with Keras at every layer."""

import numpy as np
import pytest

from alexnet_helpers import walk


def difference(found, expected):
    """Largest difference over the largest expected value."""
    return np.abs(found - expected).max() / np.abs(expected).max()


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


def test_spot_and_its_surround():
    plain, against = walk.spot(2), walk.spot(2, surround=True)
    assert plain.min() > 0 and plain.argmax() == plain.size // 2
    assert against[0, 0] < 0 < against[5, 5] and abs(against.sum()) < 1e-12


@pytest.mark.parametrize(
    "wrong, named",
    [
        (lambda: walk.tensor_after("conv9"), "conv9"),
        (lambda: walk.tensor_after(None), "relu1"),
        (lambda: walk.layer_weights("pool1"), "fc8"),
        (lambda: walk.gabor(0, 0, 0), "wavelength=0"),
        (lambda: walk.gabor(0, 4, 0, size=4), "size=4"),
        (lambda: walk.spot(-1), "width=-1"),
        (lambda: walk.spot(1, size=1), "size=1"),
    ],
)
def test_bad_input_is_named(wrong, named):
    with pytest.raises(ValueError, match=named):
        wrong()


@pytest.mark.parametrize("name", ["conv1", "conv2", "conv5", "fc8"])
def test_layer_weights_are_the_same_in_every_call_and_he_normal(name):
    kernel, bias = walk.layer_weights(name)
    again, _ = walk.layer_weights(name)
    np.testing.assert_array_equal(kernel, again)
    assert kernel.dtype == bias.dtype == np.float32 and kernel.shape == walk.WEIGHT_SHAPES[name]
    assert bias.shape == kernel.shape[-1:] and not bias.any()
    if name != "conv1":
        assert abs(kernel.std() / np.sqrt(2 / np.prod(kernel.shape[:-1])) - 1) < 0.01
        assert abs(kernel.mean()) < 0.01 * kernel.std()


def test_every_tensor_agrees_with_keras():
    from alexnet_helpers import load_keras, models

    keras = load_keras()
    model = models.alexnet()
    for name in walk.WEIGHT_SHAPES:
        model.get_layer(name).set_weights(walk.layer_weights(name))
    # A Keras layer applies its ReLU itself: its output is what the walk calls relu1 ... relu7.
    steps = [step for step in walk.STEPS if step not in walk.WEIGHT_SHAPES]
    names = {"softmax": "fc8"} | {f"relu{n}": f"conv{n}" for n in range(1, 6)} | {"relu6": "fc6", "relu7": "fc7"}
    probe = keras.Model(model.inputs, [model.get_layer(names.get(step, step)).output for step in steps])
    expected = dict(zip(steps, probe.predict(walk.photo_tensor(), verbose=0)))

    x = walk.photo_tensor()
    for step in walk.STEPS:  # as tensor_after does, but each step once
        x = walk._apply(step, x)
        assert x.dtype == np.float32
        if step in expected:
            assert x.shape == expected[step].shape
            assert difference(x, expected[step]) < 1e-4, step
        if step in ("relu1", "conv2", "flatten"):
            np.testing.assert_array_equal(walk.tensor_after(step), x)
    assert abs(x.sum() - 1) < 1e-5
