"""Variants of the exercises of notebook 17_scale_out."""

from tools.grading.variants import function, value


@value("17.1")
def _(rng):
    devices, size = int(rng.choice([3, 5, 6, 8, 10])), 30 * int(rng.integers(2, 20))
    words = {3: "Three", 5: "Five", 6: "Six", 8: "Eight", 10: "Ten"}
    right = 2 * (devices - 1) * size / devices
    changes = [
        (
            "Four devices average gradients of 100 MB by a ring.",
            f"{words[devices]} devices average gradients of {size} MB by a ring.",
        )
    ]
    hints = [
        (2.0 * size, "Nearly: it is 2 (N - 1) / N times the size."),
        (right / 2, "Twice: once to add up, once to hand out the sum."),
        (float(size), "Each device sends pieces, in 2 (N - 1) rounds."),
        (size / devices, "That is one piece: how often does a device send one?"),
        (right * devices, "That is what all send together."),
        ((devices - 1.0) * size, "A ring sends a piece in each round."),
    ]
    return changes, right, [(wrong, hint) for wrong, hint in hints if wrong != right]


@function("17.2")
def _(rng):
    return [(rng.normal(size=shape),) for shape in ((4, 4, 3), (3, 3, 1, 2), (6, 6), (2, 2, 4))]
