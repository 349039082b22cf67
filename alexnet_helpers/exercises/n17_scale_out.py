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
    2,
    hints=[
        (4, "That would be so without sending: add its time to the step."),
        (
            3.2,
            "That is weak scaling, with 64 images on each: here each GPU has 16, and"
            " computes for a quarter of the time.",
        ),
        (
            2.4,
            "In a ring each GPU sends 2 (N - 1) / N times its gradients, not once.",
        ),
        (120 / 45, "The ring has two halves: sums are added up, then handed out."),
        (12 / 7, "Each GPU sends 2 (N - 1) / N times its gradients, not twice."),
        (0.5, "That is the efficiency: the speedup is asked for."),
        (60, "That is the step in milliseconds: compare it with the 120 of one GPU."),
        (
            0.8,
            "Each GPU computes for a quarter of the time; it sends 2 (N - 1) pieces,"
            " each a quarter of its gradients.",
        ),
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
    adds=(True, False),  # in each half; where not, the piece replaces the neighbour's
):
    """Return what the devices hold after the first half, a round later, and then."""
    held, count, states = np.array(gradients, float), len(gradients), []
    for half, more in enumerate(rounds):
        for r in range(count + more):
            before = held.copy()
            for d in range(count):
                place = (d + way) % count, (d + second * half + order * r) % count
                kept = held[place] if adds[half] else 0
                held[place] = kept + before[d, place[1]]
            if half and not r:
                states.append(held.copy())
        if not half:
            states.append(held.copy())
    return (*states, *[held] * (3 - len(states)))


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
            lambda gradients: (_ring(gradients)[2],) * 3,
            "The first result holds the complete sums already. After N - 1 rounds each"
            " device has one complete piece; if yours did, copy the array there, since"
            " later rounds change it.",
        ),
        (
            lambda gradients: (_ring(gradients)[0],) * 3,
            "The second half is missing: in N - 1 more rounds the complete pieces go"
            " round.",
        ),
        (
            lambda gradients: (_ring(gradients)[0], *[_ring(gradients)[2]] * 2),
            "The second result holds all the sums already. In round N each device"
            " receives one complete piece; if yours did, copy the array there.",
        ),
        (
            lambda gradients: (*[_ring(gradients)[0]] * 2, _ring(gradients)[2]),
            "The second result is the first: let one round pass in between.",
        ),
        (
            lambda gradients: (
                *_ring(gradients)[:2],
                _ring(gradients)[2] / len(gradients),
            ),
            "The last result is the mean: sums are asked for, as in the table.",
        ),
        (
            lambda gradients: tuple(part / len(gradients) for part in _ring(gradients)),
            "That divides by N: sums are asked for, as in the table.",
        ),
        (
            lambda gradients: _variant(gradients, adds=(True, True)),
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
            lambda gradients: _variant(gradients, rounds=(2 - len(gradients),) * 2),
            "Each half takes N - 1 rounds, with N = len(gradients): two are right for"
            " three devices only.",
        ),
        (
            lambda gradients: _variant(gradients, rounds=(-2, -2)),
            "One round too few in each half: it takes N - 1.",
        ),
        (
            lambda gradients: _ring(gradients)[::-1],
            "The order: after N - 1 rounds, after N, and the end.",
        ),
        (
            lambda gradients: _variant(gradients, adds=(False, False)),
            "In the first half the piece that arrives is added to the neighbour's, and"
            " does not replace it.",
        ),
        (
            lambda gradients: _variant(gradients, order=0, second=0),
            "Only in the first round does device d pass on piece d: after that, it"
            " passes on the piece that it has just received.",
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
