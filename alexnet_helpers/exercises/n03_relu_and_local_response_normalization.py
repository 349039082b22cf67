"""The exercises of notebook 03_relu_and_local_response_normalization."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise


def _leaky_relu(z, slope):
    return np.where(z > 0, 1.0, slope) * z


def _leaky_relu_in_z_own_type(z, slope):
    result = z.copy()
    result[z < 0] = (slope * z[z < 0]).astype(z.dtype)
    return result


def _count_dead(x):
    return sum(not any((value > 0).any() for value in x[..., channel]) for channel in range(x.shape[-1]))


def _pre_activations():
    """Return values in which each usual slip counts another number of channels; three are dead."""
    x = np.full((2, 3, 3, 8), -1.0)
    x[..., [0, 5, 6, 7]] = 1  # on everywhere
    x[1, 2, 2, 1] = 0.5  # on at a single place of the second image
    x[..., 3] = 0  # a ReLU of exactly 0 is 0
    return x


_Z = np.array([[-4.0, -0.5, 0.0], [0.25, 3.0, -100.0]])

exercise(
    "03.1",
    0.25**10,
    hints=[
        (0.25, "That is one layer; there are ten, and slopes multiply."),
        (2.5, "Slopes multiply, they do not add."),
        (0.5**10, "0.5 is the sigmoid's value at 0; its slope there is smaller."),
        (1, "A sigmoid's slope is at most 0.25."),
        (0.25**8, "That is eight layers; here there are ten."),
        (1e-6, "Nearly: give two digits more, or the product itself."),
    ],
    tolerance=0.005,
)
exercise(
    "03.2",
    50 / 3.25**0.75,
    hints=[
        (
            50 / 4.25**0.75,
            "The first 100 is three channels away: n = 5 reaches two to each side.",
        ),
        (
            50 / 2.25**0.75,
            "The sum holds the squares of 0, 0, 50 and 100; the paper's α multiplies it as it is, not divided by n.",
        ),
        (50 / 3.0**0.75, "The value's own square belongs to the sum."),
        (50 / 3.25, "The bracket is raised to the power 0.75."),
        (50 / 1.25**0.75, "k = 2 is added before the power is taken."),
        (50 / 2.015**0.75, "The sum is over squares: 50 ** 2 + 100 ** 2."),
    ],
    tolerance=2.5e-4,  # two decimals
)
exercise(
    "03.3",
    5e-4,
    hints=[
        (1e-4, "PyTorch divides what you give by the size."),
        (
            2e-5,
            "That is the wrong way round: PyTorch divides by the size, so you have to make up for it.",
        ),
        (2e-4, "PyTorch divides by the size, 5, and not by its half."),
        (2.5e-3, "One factor of 5 is enough: the window is five channels, not 5 × 5."),
        (5e-3, "The factor is right; α is 10⁻⁴."),
        (5e-5, "The factor is right; α is 10⁻⁴."),
    ],
)
exercise(
    "03.4",
    _leaky_relu,
    cases=[
        (_Z, 0.01),
        (_Z, 0.5),
        (np.array([-3, 2, 0, -8, 5]), 0.25),
        (np.linspace(-2, 3, 24).reshape(2, 3, 4), 0.2),
    ],
    wrong=[
        (
            lambda z, slope: np.maximum(z, 0),
            "That is the plain ReLU: negative values become slope * z, not 0.",
        ),
        (
            lambda z, slope: np.where(z > 0, slope * z, z),
            "The two sides are exchanged: positive values stay.",
        ),
        (lambda z, slope: slope * z, "Positive values stay as they are."),
        (
            lambda z, slope: np.where(z > 0, z, slope),
            "Negative values become slope times z, not the slope.",
        ),
        (
            lambda z, slope: np.where(z > 0, z, -slope * z),
            "Negative values stay negative: slope * z.",
        ),
        (
            lambda z, slope: np.where(z > 0, z, 0.01 * z),
            "Negative values become slope times z: use the slope that is given.",
        ),
        (
            _leaky_relu_in_z_own_type,
            "For integers z your result holds integers as well, which lose the fractions: make an array of floats.",
        ),
    ],
)
exercise(
    "03.5",
    _count_dead,
    cases=[
        (_pre_activations(),),
        (np.minimum(np.random.default_rng(0).normal(size=(3, 2, 4, 6)), [0, 9, 0, 9, 9, 0]),),
        (np.array([[[[-3, 0, 2, -1]]], [[[-1, 0, 5, 4]]]]),),
    ],
    wrong=[
        (
            lambda x: int((x <= 0).all(axis=(1, 2)).sum()),
            "That counts each image by itself: a channel is dead when it is 0 in all of them.",
        ),
        (
            lambda x: int((x[0] <= 0).all(axis=(0, 1)).sum()),
            "A channel with a single positive value in one of the images is not dead.",
        ),
        (
            lambda x: int((x < 0).all(axis=(0, 1, 2)).sum()),
            "A pre-activation of exactly 0 gives 0 as well.",
        ),
        (
            lambda x: int((x == 0).all(axis=(0, 1, 2)).sum()),
            "x holds pre-activations: apply the ReLU first, then count the channels that are 0 everywhere.",
        ),
        (lambda x: int((x <= 0).sum()), "Count channels, not values."),
        (
            lambda x: int((x > 0).any(axis=(0, 1, 2)).sum()),
            "Those are the channels that are not dead.",
        ),
        (
            lambda x: (x <= 0).all(axis=(0, 1, 2)).astype(int),
            "One number is asked for: count the channels.",
        ),
    ],
)
