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
        (3.2, "The batch grows from 256 to 8 times 256, so it is 8 times as large."),
        (204.8, "Multiply by how many times the batch has grown, not by its size."),
        (25.6, "Multiply by how many times the batch has grown, not by its old size."),
    ],
)

exercise(
    "17.2",
    150,
    hints=[
        (200, "Nearly: it is 2 (N - 1) / N times the size."),
        (175, "There are four devices, not eight."),
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
        (150e6, "The answer is in MB."),
    ],
)

_RNG = np.random.default_rng(15)


def _ring(gradients):
    return _variant(gradients)


def _variant(
    gradients,
    rounds=(-1, -1),  # more than there are devices, in each half
    way=1,  # to the neighbour above, or below
    order=-1,  # which piece comes next
    second=1,  # the piece with which device 0 begins the second half
    adds=False,  # in the second half, too
):
    held, count, halves = np.array(gradients, float), len(gradients), []
    for half, more in enumerate(rounds):
        for r in range(count + more):
            before = held.copy()
            for d in range(count):
                place = (d + way) % count, (d + second * half + order * r) % count
                kept = held[place] if adds or not half else 0
                held[place] = kept + before[d, place[1]]
        halves.append(held.copy())
    return tuple(halves)


exercise(
    "17.3",
    _ring,
    cases=[
        (np.outer([1.0, 10, 100], np.ones(3)),),  # the table of the lesson, readable
        (_RNG.normal(size=(3, 3)),),
        (_RNG.normal(size=(4, 4, 2)),),
        (_RNG.normal(size=(2, 2, 3, 2)),),
        (_RNG.normal(size=(5, 5, 1)),),
    ],
    wrong=[
        (
            lambda gradients: (_ring(gradients)[1],) * 2,
            "The first result holds the complete sums already. After N - 1 rounds each"
            " device has one complete piece; if yours did, copy the array there, since"
            " later rounds change it.",
        ),
        (
            lambda gradients: (_ring(gradients)[0],) * 2,
            "The second half is missing: in N - 1 more rounds the complete pieces go"
            " round.",
        ),
        (
            lambda gradients: (
                _ring(gradients)[0],
                _ring(gradients)[1] / len(gradients),
            ),
            "The second result is the mean: sums are asked for, as in the table.",
        ),
        (
            lambda gradients: tuple(part / len(gradients) for part in _ring(gradients)),
            "That divides by N: sums are asked for, as in the table.",
        ),
        (
            lambda gradients: _variant(gradients, adds=True),
            "The first half is right. In the second half a complete piece replaces the"
            " neighbour's: nothing is added.",
        ),
        (
            lambda gradients: _variant(gradients, second=0),
            "The first half is right. Then device d has piece d + 1 complete, and"
            " begins the second half with it (in place of d + 1 = N take 0).",
        ),
        (
            lambda gradients: _variant(gradients, second=-1),
            "The first half is right. Then device d has piece d + 1 complete, and"
            " begins the second half with it (in place of d + 1 = N take 0).",
        ),
        (
            lambda gradients: _variant(gradients, rounds=(0, -1)),
            "One round too many in the first half: each half takes N - 1.",
        ),
        (
            lambda gradients: _variant(gradients, rounds=(-1, -2)),
            "One round too few in the second half: it takes N - 1, too.",
        ),
        (
            lambda gradients: _variant(gradients, rounds=(-2, -2)),
            "One round too few in each half: it takes N - 1.",
        ),
        (
            lambda gradients: _variant(gradients, way=-1, order=1, second=-1),
            "Your ring turns the other way: device d passes its piece to device d + 1.",
        ),
        (
            lambda gradients: _variant(gradients, order=1),
            "In the second round device d passes on the piece that it has just"
            " received, piece d - 1, and not piece d + 1.",
        ),
        (
            lambda gradients: _variant(gradients, order=0),
            "Each round has another piece: device d passes on the one that it has just"
            " received.",
        ),
    ],
)
