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


# GPUs, sending two pieces over computing one share of the batch, and milliseconds that make the numbers round
_SHARES = [
    (3, 1 / 4, 40),
    (3, 1 / 2, 20),
    (5, 1 / 4, 16),
    (5, 1 / 16, 32),
    (8, 1 / 7, 14),
    (8, 3 / 7, 14),
    (10, 1 / 9, 18),
]


@value("17.2")
def _(rng):
    devices, ratio, unit = _SHARES[rng.integers(len(_SHARES))]
    share = unit * int(rng.integers(1, 4))
    one, images = devices * share, 16 * devices
    size = round(10 * devices * share * ratio)  # MB: 2 / devices of it take share * ratio milliseconds at 20 GB/s
    computing, piece = one / devices, size / 20 / devices
    sending = 2 * (devices - 1) * piece
    words = {3: "Three", 5: "Five", 8: "Eight", 10: "Ten"}
    part = {3: "a third", 5: "a fifth", 8: "an eighth", 10: "a tenth"}[devices]
    changes = [
        (
            "One GPU takes 120 ms for a step with 64 images. Four share these images, a quarter of the computing each,"
            " and average 400 MB of gradients by a ring.",
            f"One GPU takes {one} ms for a step with {images} images. {words[devices]} share these images, {part} of"
            f" the computing each, and average {size} MB of gradients by a ring.",
        )
    ]
    right = round(one / (computing + sending), 8)
    hints = [
        (float(devices), "That would be so without sending: add its time to the step."),
        (devices * one / (one + sending), "That is weak scaling: here all GPUs together have the batch of one."),
        (one / (computing + sending / 2), "The ring has two halves: sums are added up, then handed out."),
        (one / (computing + 2 * devices * piece), "Each GPU sends 2 (N - 1) / N times its gradients, not twice."),
        (right / devices, "That is the efficiency: the speedup is asked for."),
        (computing + sending, "That is the step in milliseconds: compare it with that of one GPU."),
    ]
    return changes, right, [(round(wrong, 8), hint) for wrong, hint in hints if round(wrong, 8) != right]


@function("17.3")
def _(rng):
    return [(rng.normal(size=shape),) for shape in ((4, 4, 3), (3, 3, 1, 2), (6, 6), (2, 2, 4))]
