"""Variants of the exercises of notebook 17_scale_out."""

from tools.grading.variants import function, value


@value("17.1")
def _(rng):
    batch, devices = int(rng.choice([64, 128, 256])), int(rng.choice([2, 4, 16, 32]))
    rate, each = float(rng.choice([0.01, 0.02, 0.05, 0.1])), int(rng.choice([64, 128, 256, 512]))
    factor = devices * each / batch
    right = round(rate * factor, 8)
    changes = [
        (
            "A training takes batches of 256 with a learning rate of 0.1. It moves to 8 GPUs with 256 images each.",
            f"A training takes batches of {batch} with a learning rate of {rate:g}. It moves to {devices} GPUs with "
            f"{each} images each.",
        )
    ]
    hints = [
        (rate, "The batch is larger now."),
        (round(rate / factor, 8), "Times, not divided."),
        (round(rate * factor**0.5, 8), "The rate grows as the batch does, not as its root."),
        (round(rate * devices, 8), "Compare the whole batch before and after."),
        (factor, "The rate is multiplied by that."),
    ]
    return changes, right, [(wrong, hint) for wrong, hint in hints if wrong != right]


@value("17.2")
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


@function("17.3")
def _(rng):
    return [(rng.normal(size=shape),) for shape in ((4, 4, 3), (3, 3, 1, 2), (6, 6), (2, 2, 4))]
