"""The exercises of notebook 17_scale_out."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise

exercise(
    "17.1",
    0.8,
    hints=[
        (0.1, "The batch is eight times as large now."),
        (0.0125, "Times eight, not divided by it."),
        (
            0.1 * 8**0.5,
            "The linear rule: the rate grows as the batch does, not as its root.",
        ),
        (0.2, "There are 8 GPUs: the batch doubles three times."),
        (8, "Times eight: 0.1 is the rate that is multiplied."),
        (204.8, "Multiply by how many times the batch has grown, not by its size."),
    ],
)

exercise(
    "17.2",
    150,
    hints=[
        (200, "Nearly: it is 2 (N - 1) / N times the size."),
        (75, "Twice: once to add up, once to hand out the sum."),
        (100, "Each device sends pieces of 25 MB, in 2 (N - 1) rounds."),
        (25, "That is one piece: how often does a device send one?"),
        (50, "Count the rounds: N - 1 to add up, and as many to hand out the sums."),
        (
            300,
            "That would be the whole gradient for each of the three others: a ring"
            " sends a piece in each round.",
        ),
        (37.5, "That divides by 4 twice: a piece has 25 MB."),
        (600, "That is what all four send together."),
    ],
)

_RNG = np.random.default_rng(15)


def _all_reduce(gradients, examples):
    total = sum(count * gradient for count, gradient in zip(examples, gradients))
    return 1.0 * total / sum(examples)


exercise(
    "17.3",
    _all_reduce,
    cases=[
        (_RNG.normal(size=(2, 2, 2)), np.array([5, 3])),  # slips broadcast here, too
        (_RNG.normal(size=(3, 3, 2)), np.array([1, 2, 3])),
        (_RNG.normal(size=(3, 4)), np.array([4, 4, 8])),
        (_RNG.normal(size=(2, 2, 3, 2)), np.array([4, 4])),
    ],
    wrong=[
        (
            lambda gradients, examples: gradients.mean(axis=0),
            "That is the plain mean: each gradient counts by its number of examples.",
        ),
        (
            lambda gradients, examples: np.tensordot(examples, gradients, axes=1),
            "Divide by the number of all examples.",
        ),
        (
            lambda gradients, examples: gradients.sum(axis=0),
            "That is the plain sum: an average is asked for.",
        ),
        (
            lambda gradients, examples: gradients.sum(axis=0) / examples.sum(),
            "Each gradient is the mean of its own examples: multiply it by their number"
            " before you add up.",
        ),
        (
            lambda gradients, examples: (
                np.tensordot(examples, gradients, axes=1) / len(examples)
            ),
            "Divide by the number of all examples, not of the devices.",
        ),
        (
            lambda gradients, examples: (
                (gradients * examples).sum(axis=0) / examples.sum()
            ),
            "NumPy lines up the last axes, and the devices are the first: np.average"
            " takes weights along an axis.",
        ),
        (
            lambda gradients, examples: (
                (gradients * examples[:, None]).sum(axis=0) / examples.sum()
            ),
            "One new axis serves gradients with one axis, and they can have any"
            " number: np.average takes weights along the first.",
        ),
        (
            lambda gradients, examples: (
                (gradients * examples[:, None, None]).sum(axis=0) / examples.sum()
            ),
            "Gradients can have any number of axes:"
            " np.average takes weights along the first.",
        ),
    ],
)
