"""Variants of the exercises of notebook 00_contents."""

import numpy as np

from tools.grading.variants import function, value


@value("00.1")
def _(rng):
    w, b = (int(number) for number in rng.choice(range(1, 8), 2, replace=False))
    up, down = int(rng.integers(2, 9)), -int(rng.integers(2, 9))
    slopes = [up, down] if rng.random() < 0.5 else [down, up]
    rate = float(rng.choice([0.05, 0.1, 0.2]))
    right = [round(w - rate * slopes[0], 6), round(b - rate * slopes[1], 6)]
    changes = [
        ("with $w = 2$ and $b = 1$", f"with $w = {w}$ and $b = {b}$"),
        ("The gradient of its loss is $(5, -2)$", f"The gradient of its loss is $({slopes[0]}, {slopes[1]})$"),
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


@value("00.2")
def _(rng):
    filters, maps = (int(number) for number in rng.choice([20, 24, 32, 48, 60, 64, 80, 128], 2, replace=False))
    one = 9 * maps
    changes = [
        (
            "A layer has 192 filters, each of which looks at windows of 3×3 pixels in 96 maps.",
            f"A layer has {filters} filters, each of which looks at windows of 3×3 pixels in {maps} maps.",
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


def _filter(plus, minus, size=3, along=0):
    """Return a square filter that subtracts one of its rows (or columns) from another."""
    weights = np.zeros((size, size), int)
    weights[plus], weights[minus] = 1, -1
    return (weights if along == 0 else weights.T).tolist()


@value("00.3")
def _(rng):
    along, turned, middle = int(rng.integers(2)), bool(rng.integers(2)), int(rng.integers(3))
    names = (("upper", "middle", "lower"), ("left", "middle", "right"))[along]
    plus, minus = [(0, 2), (0, 1), (1, 2)][middle]
    if turned:
        plus, minus = minus, plus
    other = ({0, 1, 2} - {plus, minus}).pop()
    what = ("row", "column")[along]
    changes = [
        (
            "subtracts the lower row of a window from the upper row",
            f"subtracts the {names[minus]} {what} of a window from the {names[plus]} {what}",
        )
    ]
    right = _filter(plus, minus, along=along)
    hints = [
        (_filter(minus, plus, along=along), "That subtracts the other way round."),
        (_filter(plus, minus, along=1 - along), "That takes columns for rows, or rows for columns."),
        (_filter(plus, other, along=along), f"That subtracts another {what}."),
        (_filter(other, minus, along=along), f"That begins with another {what}."),
        (_filter(minus, plus, along=1 - along), "That takes columns for rows, and the other way round."),
    ]
    return changes, right, hints


@function("00.4")
def _(rng):
    cases = []
    for classes in (3, 5):
        labels = np.concatenate([np.arange(classes), rng.integers(classes, size=4 * classes)])
        answers = np.where(rng.random(len(labels)) < 0.6, labels, rng.integers(classes, size=len(labels)))
        cases.append((answers, labels, classes))
    last = classes - 1  # which no answer of the third case names
    cases.append((np.where((labels == last) | (answers == last), 0, answers), labels, classes))
    return cases
