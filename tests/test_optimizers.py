"""Muon against singular values, and against its formula in NumPy."""

import numpy as np
import pytest

from alexnet_helpers import optimizers

keras = optimizers.keras
# Keras' variables on TensorFlow do not know NumPy 2's `copy` yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


@pytest.mark.parametrize("shape", [(5, 9), (3, 3, 4, 5), (3, 3, 64, 96), (7, 7)])
def test_a_step_keeps_the_singular_vectors_and_brings_the_values_near_1(shape):
    rng = np.random.default_rng(0)
    kernel = keras.Variable(rng.standard_normal(shape).astype("float32"), name="kernel")
    gradient, before = rng.standard_normal(shape).astype("float32"), kernel.numpy()
    optimizers.Muon(0.5, orthogonal=["kernel"]).apply([keras.ops.convert_to_tensor(gradient)], [kernel])
    columns = shape[-1]
    direction = (before * np.sqrt(columns) / np.linalg.norm(before) - kernel.numpy()) / 0.5
    u, _, v = np.linalg.svd(gradient.reshape(-1, columns), full_matrices=False)
    core = u.T @ direction.reshape(-1, columns) @ v.T  # diagonal, if the singular vectors are the same
    values = np.diag(core)
    np.testing.assert_allclose(core, np.diag(values), atol=1e-3)
    assert 0.3 < values.min() <= values.max() < 1.3
    assert np.median(np.abs(values - 1)) < 0.35


def one_network():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            keras.layers.Conv2D(4, 3, use_bias=False, name="conv2"),
            keras.layers.BatchNormalization(name="norm2"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, name="fc8"),
        ]
    )


def test_two_steps_are_those_of_the_formula():
    model = one_network()
    settings = {"momentum": 0.6, "plain_momentum": 0.85, "plain_rate": 0.5}
    optimizer = optimizers.Muon(0.1, orthogonal=["conv2/kernel"], **settings)
    variables = model.trainable_variables
    rng = np.random.default_rng(1)
    expected = [variable.numpy() for variable in variables]
    velocities = [np.zeros_like(value) for value in expected]
    for _ in range(2):
        gradients = [rng.standard_normal(value.shape).astype("float32") for value in expected]
        optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients], variables)
        for number, (variable, gradient) in enumerate(zip(variables, gradients)):
            kernel = variable.path.endswith("conv2/kernel")
            momentum = 0.6 if kernel else 0.85
            velocities[number] = momentum * velocities[number] + gradient
            step = gradient + momentum * velocities[number]
            if not kernel:
                expected[number] = expected[number] - 0.1 * 0.5 * step
                continue
            x = step.reshape(-1, 4).T / np.linalg.norm(step)
            for _ in range(5):
                square = x @ x.T
                x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
            scaled = expected[number] * 2 / np.linalg.norm(expected[number])
            expected[number] = scaled - 0.1 * x.T.reshape(step.shape)
    assert sum(variable.path.endswith("conv2/kernel") for variable in variables) == 1
    for variable, value in zip(variables, expected):
        found = variable.numpy()
        np.testing.assert_allclose(found, value, rtol=0, atol=1e-4 * np.abs(value).max())


def test_its_settings_survive_being_saved():
    settings = {"momentum": 0.5, "plain_momentum": 0.7, "plain_rate": 0.1, "orthogonal": ("fc6/kernel",)}
    optimizer = optimizers.Muon(0.3, **settings)
    again = optimizers.Muon.from_config(optimizer.get_config())
    assert {name: getattr(again, name) for name in settings} == settings
    assert float(again.learning_rate) == pytest.approx(0.3)
