"""The exercises of notebook 06_fully_connected."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise


def _dense_relu(X, W, b):
    return np.maximum(np.einsum("ni,ui->nu", X, W) + b, 0.0)


_RNG = np.random.default_rng(0)

exercise(
    "06.1",
    [2.5, 0.0],
    hints=[
        ([2.5, -4.0], "Those are the pre-activations: now the ReLU."),
        ([2.0, 0.0], "You left out the biases."),
        ([2.0, -3.0], "You left out the biases and the ReLU."),
        ([0.0, 2.5], "Those are the right numbers in the other order."),
        ([2.5, 4.0], "The ReLU makes negative numbers 0, not positive."),
        ([1.5, 0.0], "The biases are added."),
        ([2.5, -1.0], "Add the bias before the ReLU."),
    ],
)
exercise(
    "06.2",
    7 * 7 * 512 * 4096 + 4096,
    hints=[
        (7 * 7 * 512 * 4096, "Those are the weights: the biases are missing."),
        (
            7 * 7 * 512 * 4096 + 7 * 7 * 512,
            "There is one bias for each unit, not for each input.",
        ),
        (7 * 7 * 512, "That is the length of the flattened vector."),
        (
            4096 * 4096 + 4096,
            "That is a layer with 4,096 inputs, such as the next one.",
        ),
        (512 * 4096 + 4096, "Each of the 7×7 positions has weights of its own."),
        (7 * 7 * 512 + 4096, "Every unit is connected to every input: multiply."),
        (6 * 6 * 256 * 4096 + 4096, "That is AlexNet's fc6."),
    ],
)
# There are 178 zeros and 182 ones. Any unit that is right for 350 of them or more will do.
exercise(
    "06.3",
    355,
    tolerance=5 / 355,
    remark="Compare your picture with the rows for 0 and 1 of the lesson.",
    hints=[
        (182, "Your unit calls every image a 1: its z is never above 0."),
        (178, "Your unit calls every image a 0: its z is always above 0."),
        (200, "With one weight for all pixels it counts ink: make the weights differ from place to place."),
        (304, "You have the place; now choose the bias: for how much ink there should z be 0?"),
        (9, "Nearly always wrong is nearly right: turn the signs around."),
        (0, "Count the images for which your unit is right."),
        (1797, "Count zeros and ones only."),
    ],
)
exercise(
    "06.4",
    _dense_relu,
    cases=[
        (
            _RNG.normal(size=(4, 3)),
            _RNG.normal(size=(3, 3)),
            np.array([0.5, -0.5, 1.0]),
        ),
        (
            _RNG.integers(-3, 4, (2, 3)),
            _RNG.integers(-3, 4, (5, 3)),
            np.array([1, -2, 0, 4, -1]),
        ),
        (_RNG.normal(size=(1, 6)), _RNG.normal(size=(2, 6)), _RNG.normal(size=2)),
    ],
    wrong=[
        (
            lambda X, W, b: np.maximum(X @ W + b, 0),
            "You used X @ W: here W has one row for each unit, so it must be transposed.",
        ),
        (
            lambda X, W, b: X @ W.T + b,
            "Those are the pre-activations: the ReLU is missing.",
        ),
        (lambda X, W, b: np.maximum(X @ W.T, 0), "The bias is missing."),
        (lambda X, W, b: np.maximum(X @ W.T, 0) + b, "Add the bias before the ReLU."),
        (
            lambda X, W, b: np.abs(X @ W.T + b),
            "The ReLU makes negative numbers 0, not positive.",
        ),
        (
            lambda X, W, b: np.maximum(W @ X.T + b[:, None], 0),
            "Units by images: one row for each image is asked for.",
        ),
    ],
)
