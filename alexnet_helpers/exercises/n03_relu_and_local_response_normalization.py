"""The exercises of notebook 03_relu_and_local_response_normalization."""

import itertools

import numpy as np

from alexnet_helpers.exercises.engine import exercise


def _collapse(weights, biases):
    all_weights, all_biases = weights[0], biases[0]
    for w, b in zip(weights[1:], biases[1:]):
        all_weights, all_biases = all_weights @ w, all_biases @ w + b
    return all_weights, all_biases


def _product(weights):
    product = weights[0]
    for w in weights[1:]:
        product = product @ w
    return product


def _layers(*sizes):
    rng = np.random.default_rng(len(sizes))
    pairs = list(itertools.pairwise(sizes))
    return [rng.integers(-3, 4, pair) + 0.5 for pair in pairs], [rng.integers(1, 5, n) + 0.25 for _, n in pairs]


exercise(
    "03.1",
    (1, -2, 1),
    hints=[
        ((1, -1, 0), "Those are the slopes between the points: a weight is the change of slope at its bend."),
        ((1, -2, 0), "That comes down to 0 at 2, but goes on below 0 to the right of it."),
        ((0, 1, 0), "Those are the heights at 0, 1 and 2: a weight is the change of slope at its bend."),
        ((1, -1, -1), "That stays at 1 from 1 to 2 and comes down only then."),
        ((1, -1, 1), "That stays at 1 from 1 to 2 and rises again to the right of it."),
        ((1, -2, 2), "That is right up to 2, but rises again to the right of it."),
        ((1, 1, 1), "With weights that are all positive, the sum can only rise."),
        ((1, 2, 1), "With weights that are all positive, the sum can only rise."),
    ],
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
    _collapse,
    cases=[
        _layers(2, 2, 2),
        _layers(3, 4, 1, 2),
        _layers(4, 3),
        _layers(2, 5, 3, 3, 4),
    ],
    wrong=[
        (
            lambda weights, biases: (_product(weights[::-1]), _collapse(weights, biases)[1]),
            "The order of the product is reversed: x meets the first layer first, so its weights stand on the left.",
        ),
        (
            lambda weights, biases: tuple(np.transpose(part) for part in _collapse(weights, biases)),
            "The weights are transposed: x is a row and stands on the left of W.",
        ),
        (
            lambda weights, biases: (_product(weights), sum(biases)),
            "The weights are right, but the biases of a layer pass through the weights of all later layers.",
        ),
        (
            lambda weights, biases: (_product(weights), biases[-1]),
            "The weights are right, but the biases of the earlier layers are lost.",
        ),
        (
            lambda weights, biases: (_product(weights), biases[0]),
            "The weights are right, but the biases of the later layers are lost.",
        ),
        (
            lambda weights, biases: (_product(weights), _collapse(weights, biases)[1] - biases[-1]),
            "The weights are right, but the biases of the last layer are missing.",
        ),
        (
            lambda weights, biases: _collapse(weights[:2], biases[:2]),
            "That collapses the first two layers only: there may be more, or one.",
        ),
        (
            lambda weights, biases: (np.prod(weights, axis=0), _collapse(weights, biases)[1]),
            "The weights are multiplied element by element: use the matrix product, @.",
        ),
    ],
)
