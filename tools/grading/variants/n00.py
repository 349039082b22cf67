"""Variants of the exercises of notebook 00_contents."""

from tools.grading.variants import minus, value


@value("00.1")
def _(rng):
    weight, slope = int(rng.integers(2, 8)), int(rng.integers(2, 9)) * int(rng.choice([-1, 1]))
    rate = float(rng.choice([0.01, 0.05, 0.1, 0.2]))
    right = round(weight - rate * slope, 6)
    changes = [
        ("stands at 3", f"stands at {weight}"),
        ("the loss is 4", f"the loss is {minus(slope)}"),
        ("With a learning rate of 0.1, where is the weight", f"With a learning rate of {rate:g}, where is the weight"),
    ]
    hints = [
        (round(weight + rate * slope, 6), "That goes up the slope: the loss would grow."),
        (weight - slope, "That takes the whole slope: multiply it by the learning rate first."),
        (round(rate * slope, 6), "That is the length of the step: where does it lead?"),
        (round(-rate * slope, 6), "That is the step itself: where does it lead?"),
        (round(weight - rate, 6), "That takes the learning rate alone: multiply it by the slope."),
        (round(weight - rate * slope * weight, 6), "Multiply the learning rate by the slope only."),
    ]
    return changes, right, hints


@value("00.2")
def _(rng):
    w, b = (int(number) for number in rng.choice(range(1, 8), 2, replace=False))
    up, down = int(rng.integers(2, 9)), -int(rng.integers(2, 9))
    slopes = [up, down] if rng.random() < 0.5 else [down, up]
    rate = float(rng.choice([0.05, 0.1, 0.2]))
    right = [round(w - rate * slopes[0], 6), round(b - rate * slopes[1], 6)]
    changes = [
        ("with $w = 2$ and $b = 1$", f"with $w = {w}$ and $b = {b}$"),
        ("Its gradient is $(5, -2)$", f"Its gradient is $({slopes[0]}, {slopes[1]})$"),
        ("after one step with a learning rate of 0.1", f"after one step with a learning rate of {rate:g}"),
    ]
    hints = [
        ([round(w + rate * slopes[0], 6), round(b + rate * slopes[1], 6)], "That goes up both slopes."),
        ([right[0], round(b + rate * slopes[1], 6)], "The second parameter goes up its slope."),
        ([round(w + rate * slopes[0], 6), right[1]], "The first parameter goes up its slope."),
        ([w - slopes[0], b - slopes[1]], "That takes the whole gradient: multiply it by the learning rate first."),
        ([right[0], b], "A step changes both parameters at once."),
        (right[::-1], "Those are the right numbers in the other order."),
    ]
    return changes, right, hints


@value("00.3")
def _(rng):
    filters, maps = (int(number) for number in rng.choice([20, 24, 32, 48, 60, 64, 80, 128], 2, replace=False))
    one = 9 * maps
    changes = [
        (
            "A layer has 192 filters, each of which looks at windows of 3×3 points in 96 maps.",
            f"A layer has {filters} filters, each of which looks at windows of 3×3 points in {maps} maps.",
        )
    ]
    hints = [
        ([9, 9 * filters], "That is for one map: a filter has a window of weights for each map."),
        ([9, one * filters], "The layer is right; a filter has a window of weights for each map."),
        ([one, 9 * filters], "The filter is right: the layer has many of them."),
        ([one, one], "The filter is right: the layer has many of them."),
        ([one + 1, (one + 1) * filters], "Count the weights only, without biases."),
        ([9 * filters, one * filters], "Each filter looks at all maps: their number counts, not that of the filters."),
        ([one * filters, one], "Those are the right numbers in the other order."),
    ]
    return changes, [one, one * filters], hints


@value("00.4")
def _(rng):
    left, middle, right = sorted((int(number) for number in rng.choice(range(1, 10), 3, replace=False)), reverse=True)
    total = 3 * (left - right)
    changes = [
        (
            "a window whose three rows are all `7 5 2`, and what of its mirror image, with rows `2 5 7`?",
            f"a window whose three rows are all `{left} {middle} {right}`, and what of its mirror image, with rows "
            f"`{right} {middle} {left}`?",
        )
    ]
    hints = [
        ([total, -total], "A ReLU sets a negative sum to 0."),
        ([total, total], "A ReLU sets a negative sum to 0: it does not drop the sign."),
        ([left - right, 0], "That is one row: the filter adds up all three."),
        ([0, total], "This filter subtracts what is on the right."),
        ([total + 3 * middle, 0], "The weights in the middle are 0."),
        ([3 * (left + right), 3 * (left + right)], "The weights on the right are -1."),
    ]
    return changes, [total, 0], hints
