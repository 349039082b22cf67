"""The exercises of notebook 03_relu_and_local_response_normalization."""

import itertools

import numpy as np

from alexnet_helpers.exercises.engine import exercise

_ALL_INPUTS = "A unit adds up 5 × 5 × 48 = 1,200 products: n is all of them."

exercise(
    "03.1",
    (2 / 1200) ** 0.5,
    hints=[
        (
            (1 / 1200) ** 0.5,
            "That keeps the mean square of the sums: ReLU then halves it.",
        ),
        (
            (1 / 2400) ** 0.5,
            "The wrong way round: ReLU halves the mean square, so the weights must be"
            " larger than without it.",
        ),
        (
            2 / 1200**0.5,
            "That is a factor of 2 in the spread, and so of 4 in the mean square.",
        ),
        (2 / 1200, "That is the square of the spread: take the root."),
        (1 / 1200, "The spread is a square root, and ReLU halves the mean square."),
        (2**0.5 / 1200, "n stands under the root, too."),
        (
            4 / 1200**0.5,
            "That would make up for the slope of a sigmoid: here it is a ReLU.",
        ),
        ((2 / 48) ** 0.5, _ALL_INPUTS),
        ((1 / 48) ** 0.5, _ALL_INPUTS),
        ((2 / 25) ** 0.5, _ALL_INPUTS),
        ((1 / 25) ** 0.5, _ALL_INPUTS),
        ((2 / 240) ** 0.5, _ALL_INPUTS),
        ((2 / 64) ** 0.5, "That is the spread for the 64 inputs of the lesson."),
        (
            (2 / 256) ** 0.5,
            "n counts what a unit sees, not the 256 filters of the layer.",
        ),
        (
            (2 / 128) ** 0.5,
            "n counts what a unit sees, not the 128 filters of a half.",
        ),
        (0.01, "That is the paper's spread: it makes the numbers smaller."),
        (600**0.5, "Upside down: more inputs need smaller weights."),
        (1200**0.5, "Upside down: more inputs need smaller weights."),
        (0.04, "Close: give three decimals."),
    ],
    tolerance=0.006,  # three decimals
    remark="With the paper's spread of 0.01, a quarter of the rms is left.",
)

_OWN_ALPHA = (
    "The paper's α multiplies the sum as it is: it is not divided by the number of"
    " channels."
)

_TOO_FAR = "The first channel is three away: the sum reaches two to each side."

_SQUARES = "Square each value first, and then add."

_NO_K = "k is missing: 2 is added before the power is taken."

exercise(
    "03.2",
    60 / 3.13**0.75,
    hints=[
        (26, "Close: give two decimals."),
        (60 / 3.94**0.75, _TOO_FAR),
        (60 / 5.61**0.75, _SQUARES),
        (60 / 9.84**0.75, _SQUARES + " And t" + _TOO_FAR[1:]),
        (60 / 2.019**0.75, "The sum is over squares, such as 60 ** 2."),
        (60 / 2.028**0.75, "The sum is over squares, such as 60 ** 2."),
        *(
            (60 / (2 + total / n) ** 0.75, _OWN_ALPHA)
            for total in (1.13, 1.94, 0.77)
            for n in (4, 5)
        ),
        (60 / 2.77**0.75, "The value's own square belongs to the sum."),
        (
            60 / 3.04**0.75,
            "The sum reaches two channels to each side, where they exist, not one.",
        ),
        (60 / 2.36**0.75, "The neighbours belong to the sum, too, not the 60 alone."),
        (60 / 2**0.75, "That divides by k alone: the sum of squares is missing."),
        (
            60 / 2.40**0.75,
            "The sum reaches two channels to each side, where they exist.",
        ),
        (60 / 2.49**0.75, "The channel after it is a neighbour, too."),
        (60 / 3.00**0.75, "The two channels before it are neighbours, too."),
        (
            60 / 3.30**0.75,
            "Those are the first four channels: the 90 is three away, and the 80, after"
            " the 60, belongs to the sum.",
        ),
        (60 / 13.3**0.75, "α is 10⁻⁴ (1e-4), not 10⁻³."),
        (60 / 11_302**0.75, "α is missing: the sum of squares is multiplied by 1e-4."),
        (
            60 / (2 + 1e-4 * 11_300**0.5) ** 0.75,
            "The sum of squares is used as it is, without a square root.",
        ),
        (60 / 2.13**0.75, "k is 2 in the paper."),
        (60 / 1.13**0.75, _NO_K),
        (60 / 1.94**0.75, _NO_K + " And t" + _TOO_FAR[1:]),
        (60 / 1.13, _NO_K + " And the bracket is raised to the power 0.75."),
        (60 / (2 + 1.13**0.75), "The power is taken of the whole bracket, k included."),
        (60 / 3.13, "The bracket is raised to the power 0.75."),
        (60 / (0.75 * 3.13), "0.75 is a power of the bracket, not a factor."),
        (60 / 3.13**0.5, "The power is 0.75, not a square root."),
        (60 / 3.13**0.25, "The power is 0.75, not 0.25."),
        (3.13**0.75, "That is the divisor: what is the 60 divided by it?"),
        (20 / 3.94**0.75, "That is the value of the 20: the 60 is asked for."),
        (25.49, "Close: round to two decimals, do not cut off."),
    ],
    tolerance=2.5e-4,  # two decimals
)


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


def _biases(weights, biases, one_layer):
    """Combine the biases layer by layer as `one_layer` does; the weights are right."""
    row, product = biases[0], weights[0]
    for w, b in zip(weights[1:], biases[1:]):
        product = product @ w
        row = one_layer(row, w, b, product)
    return product, row


def _each(weights, biases, of_weights, of_biases):
    """Go through the layers as `_collapse` does, with other products."""
    all_weights, row = weights[0], biases[0]
    for w, b in zip(weights[1:], biases[1:]):
        all_weights, row = of_weights(all_weights, w), of_biases(row, w, b)
    return all_weights, row


def _last_biases(weights, biases):
    """Let the first biases pass through all weights, and add only the last ones."""
    row = biases[0]
    for w in weights[1:]:
        row = row @ w
    return _product(weights), row + biases[-1]


def _earlier_product(weights, biases):
    """Let the biases so far pass through the weights so far, before the next ones."""
    product, row = weights[0], biases[0]
    for w, b in zip(weights[1:], biases[1:]):
        product, row = product @ w, row @ product + b
    return product, row


def _each_then_product(weights, biases):
    """Multiply weights element by element, and let the biases pass through them."""
    product, row = weights[0], biases[0]
    for w, b in zip(weights[1:], biases[1:]):
        product = product * w
        row = row @ product + b
    return product, row


def _layers(*sizes):
    rng = np.random.default_rng(len(sizes))
    pairs = list(itertools.pairwise(sizes))
    return [rng.integers(-3, 4, pair) + 0.5 for pair in pairs], [
        rng.integers(1, 5, n) + 0.25 for _, n in pairs
    ]


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
            lambda weights, biases: (
                _product(weights[::-1]),
                _collapse(weights, biases)[1],
            ),
            "The order of the product is reversed: x meets the first layer first, so"
            " its weights stand on the left.",
        ),
        (
            lambda weights, biases: tuple(
                np.transpose(part) for part in _collapse(weights, biases)
            ),
            "The weights are transposed: x is a row and stands on the left of W.",
        ),
        (
            lambda weights, biases: (_product(weights), sum(biases)),
            "The weights are right, but the biases of a layer pass through the weights"
            " of all later layers.",
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
            lambda weights, biases: (
                _product(weights),
                _collapse(weights, biases)[1] - biases[-1],
            ),
            "The weights are right, but the biases of the last layer are missing.",
        ),
        (
            lambda weights, biases: _biases(
                weights, biases, lambda row, w, b, product: (row + b) @ w
            ),
            "The weights are right, but a layer's own biases are added after its"
            " weights, not before.",
        ),
        (
            lambda weights, biases: _biases(
                weights, biases, lambda row, w, b, product: row @ product + b
            ),
            "The weights are right, but the biases so far pass through the next layer,"
            " not through all weights so far.",
        ),
        (
            _earlier_product,
            "The weights are right, but the biases so far pass through the next layer's"
            " weights, not through the product of those before it.",
        ),
        (
            lambda weights, biases: _biases(
                weights, biases, lambda row, w, b, product: row + b @ w
            ),
            "The weights are right, but it is the biases so far that pass through a"
            " layer's weights, not its own.",
        ),
        (
            _last_biases,
            "The weights are right, but the biases of the middle layers are lost.",
        ),
        (
            lambda weights, biases: _biases(
                weights, biases, lambda row, w, b, product: row @ w + row
            ),
            "The weights are right,"
            " but each layer adds its own biases to what comes from below.",
        ),
        (
            lambda weights, biases: _collapse(weights[:2], biases[:2]),
            "That collapses the first two layers only: there may be more, or one.",
        ),
        (
            lambda weights, biases: _collapse(weights[:1], biases[:1]),
            "That is the first layer only: the others have to be part of it.",
        ),
        (
            lambda weights, biases: _collapse(weights[-1:], biases[-1:]),
            "That is the last layer only: the others have to be part of it.",
        ),
        (
            lambda weights, biases: (_product(weights), 0 * biases[-1]),
            "The weights are right, but the biases are lost: all of yours are 0.",
        ),
        (
            lambda weights, biases: (
                _product(weights),
                np.maximum(_collapse(weights, biases)[1], 0),
            ),
            "The weights are right, but b may be negative: there is no ReLU here.",
        ),
        (
            lambda weights, biases: (
                np.prod(weights, axis=0),
                _collapse(weights, biases)[1],
            ),
            "The weights are multiplied element by element: use the matrix product, @.",
        ),
        (
            lambda weights, biases: _each(
                weights, biases, lambda a, w: a * w, lambda row, w, b: row * w + b
            ),
            "Weights and biases are multiplied element by element:"
            " use the matrix product, @.",
        ),
        (
            _each_then_product,
            "The weights are multiplied element by element: use the matrix product, @."
            " And the biases so far pass through the next layer's weights alone.",
        ),
        (
            lambda weights, biases: _each(
                weights, biases, np.matmul, lambda row, w, b: row * w + b
            ),
            "The weights are right, but the biases are multiplied element by element:"
            " use the matrix product, @.",
        ),
        (
            lambda weights, biases: _each(
                weights, biases, np.matmul, lambda row, w, b: w @ row + b
            ),
            "The weights are right, but the biases so far are a row, which stands on"
            " the left of the next weights.",
        ),
        (
            lambda weights, biases: _each(
                weights, biases, lambda a, w: w @ a, lambda row, w, b: w @ row + b
            ),
            "Both products are in the wrong order: x and the biases are rows, and stand"
            " on the left of the weights.",
        ),
        (
            lambda weights, biases: _collapse(weights[::-1], biases[::-1]),
            "That goes through the layers from the last to the first:"
            " the first layer comes first.",
        ),
        (
            lambda weights, biases: (sum(weights), sum(biases)),
            "Weights that act one after the other are multiplied, not added.",
        ),
        (
            lambda weights, biases: (
                _product(weights),
                _collapse(weights, biases)[1][np.newaxis],
            ),
            "Both parts are right, but b has one axis, as each of the biases: b[0].",
        ),
        (
            lambda weights, biases: _product(weights),
            "Return two things, the weights and the biases: `return W, b`.",
        ),
        (
            lambda weights, biases: _collapse(weights, biases)[1],
            "Return two things, the weights and the biases: `return W, b`.",
        ),
        (
            lambda weights, biases: _collapse(weights, biases)[::-1],
            "Both parts are right, but swapped: return the weights first,"
            " and then the biases.",
        ),
    ],
)
