"""Variants of the exercises of notebook 07_dropout."""

from alexnet_helpers.exercises.n07_dropout import judge_noise_factor, judge_paper_dropout
from tools.grading.variants import function, value


@value("07.1")
def _(rng):
    rate = float(rng.choice([0.1, 0.2, 0.3, 0.4, 0.6, 0.75, 0.8]))
    total, bias = int(rng.integers(3, 13)), int(rng.integers(1, 5)) * int(rng.choice([-1, 1]))
    right = round((1 - rate) * total + bias, 6)
    changes = [
        ("with $w \\cdot a = 6$ and $b = 1$", f"with $w \\cdot a = {total}$ and $b = {bias}$"),
        ("the paper's dropout at rate 0.25", f"the paper's dropout at rate {rate:g}"),
    ]
    hints = [
        (total + bias, "That is the result when nothing is dropped, or at test time in Keras' way."),
        (round((1 - rate) * (total + bias), 6), "You scaled the bias as well: the mask is for the inputs only."),
        (round((1 - rate) * total, 6), "That is the expected sum of the inputs: the bias is missing."),
        (round(rate * total + bias, 6), "You kept the part that is dropped: the rate is the part that goes."),
        (round(total / (1 - rate) + bias, 6), "Dividing while training is Keras' way."),
    ]
    return changes, right, hints


@function("07.2")
def _(rng):
    low, high = rng.choice([0.15, 0.25, 0.35]), rng.choice([0.65, 0.75, 0.85], 2, replace=False)
    rates = rng.permutation([low, *high])  # at low rates alone, some slips are right
    shapes = (int(rng.integers(90, 120)), 64), (int(rng.integers(30, 45)), 20, 12), (int(rng.integers(6000, 9000)),)
    trials = [(shape, float(rate)) for shape, rate in zip(shapes, rates)]
    trials += [((3000,), 0.5), ((3000,), 0.8)]  # where one of two values may be exactly 0
    return lambda function: judge_noise_factor(function, trials)


@function("07.3")
def _(rng):
    rates = [float(rate) for rate in rng.choice([0.3, 0.35, 0.4, 0.6, 0.65, 0.7], 3, replace=False)]
    sides = int(rng.integers(55, 75)), int(rng.integers(45, 60)), int(rng.integers(9, 14))
    return lambda function: judge_paper_dropout(function, rates, sides)
