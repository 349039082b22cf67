"""Variants of the exercises of notebook 10_build_alexnet."""

import re

import numpy as np

from alexnet_helpers.exercises.n10_build_alexnet import LINES, MISTAKES
from tools.grading.variants import function, value

# What each line of the table says; two of the right ones can be made wrong, and two of the wrong ones right.
_ROWS = {
    1: "| 1 | table, conv1 | input 224×224×3, 96 filters of 11×11, stride 4, padding 2, output 55×55×96 |",
    2: '| 2 | example, conv1 | "Image size = 224x224x3", filter 11×11, stride 4, output (227 − 11)/4 + 1 = 55 |',
    3: '| 3 | text, pool1 | "performs max-pooling with 96, 3x3 filters"; output 27×27×96 |',
    4: "| 4 | example, pool2 | (27 − 3)/2 + 1 = 12/2 + 1 = 13 |",
    5: "| 5 | table, conv3 | input 27×27×256, 384 filters of 3×3, stride 1, padding 1, output 13×13×384 |",
    6: "| 6 | example, conv4 | input 13×13×256, filter 3×3, stride 1, padding 1, output 13×13×384 |",
    7: "| 7 | table, conv5 | input 13×13×384, 256 filters of 3×3, stride 1, padding 1, output 13×13×256 |",
    8: '| 8 | text, fc6 | "Weights (W₁) and biases (b₁) are two vectors of length 9216" |',
    9: "| 9 | text, fc6 | z₁ = [1.2, −0.5, …, 2.3], and after the ReLU a₁ = [1.2, 0, …, 3.3] |",
    10: '| 10 | text, fc8 | "the weight matrix will have dimensions 1000x4096 and the bias vector will have 1000 '
    'elements" |',
}
_OTHERWISE = {
    4: ("= 12/2 + 1 = 13", "= 24/2 + 1 = 13"),
    6: ("input 13×13×256, filter", "input 13×13×384, filter"),
    7: ("input 13×13×384, 256 filters", "input 13×13×256, 256 filters"),
    9: ("a₁ = [1.2, 0, …, 3.3]", "a₁ = [1.2, 0, …, 2.3]"),
    10: ("1000x4096", "4096x4096"),
}


def _in_two_rows(marks):
    marks = [int(mark) for mark in marks]
    return [marks[:5], marks[5:]]


@value("10.1")
def _(rng):
    order = [int(line) for line in rng.permutation(list(_ROWS))]
    turned = {line for line in _OTHERWISE if rng.random() < 0.5}
    mistakes = set(MISTAKES) ^ turned
    changes = []
    for place, line in enumerate(order, 1):
        text = _ROWS[line]
        if line in turned:
            text = text.replace(*_OTHERWISE[line])
        changes.append((_ROWS[place], re.sub(r"^\| \d+", f"| {place}", text)))
    right = _in_two_rows(line in mistakes for line in order)
    hints = [
        (
            [[1 - one for one in row] for row in right],
            "These are the lines that are right: put 1 where a line holds a mistake.",
        ),
        (_in_two_rows([1] * 10), "Not every line holds a mistake: redo the sums of each."),
        (_in_two_rows([0] * 10), "Some lines do hold a mistake: redo the sums of each."),
    ]
    for place in range(10):
        wrong = _in_two_rows((line in mistakes) != (number == place) for number, line in enumerate(order))
        hints.append((wrong, "Nine of ten lines are judged rightly."))
    assert LINES.keys() == _ROWS.keys()
    return changes, right, hints


@function("10.2")
def _(rng):
    first = {"a": rng.normal(size=(1, 5, 4, 2)), "b": 50 * rng.normal(size=(1, 4, 3)), "c": rng.normal(size=(1, 6))}
    first |= {"d": rng.normal(size=(1, 7))}
    second = {"x": rng.normal(size=(3, 5)), "y": 1e-3 * rng.normal(size=(2, 6)), "z": rng.normal(size=(2, 4))}
    second["z"][1, 1] = 1e-9
    third = {"p": -1 - rng.random((4, 2)), "q": np.full((1, 2), 3.0)}

    fourth = {"s": np.array([200.0, 201.0, 202.0]), "t": np.zeros((3, 2))}
    fifth = {"u": np.array([[1.0], [0.0]]), "v": np.ones((30, 20))}
    one_of_600 = np.pad([[1e-3]], ((29, 0), (19, 0)))

    def changed(passes, **changes):
        return passes | {name: passes[name] + change for name, change in changes.items()}

    largest = first["b"] == first["b"].max()
    cases = [
        (first | {"c": first["c"][:, ::-1]}, first),
        (changed(first, b=1.0, d=1.0), first),
        (dict(second), second),
        ({name: values * (1 + 1e-6) for name, values in second.items()}, second),
        (changed(second, z=2e-6), second),
        (changed(second, y=2e-5), second),
        (changed(first, b=2e-3), first),
        (changed(third, p=-0.4), third),
        (third | {"q": np.full((5, 2), 3.0)}, third),
        (changed(first, a=1e-3 * (first["a"] == first["a"].max())), first),
        (third | {"p": third["p"].reshape(2, 4)}, third),
        (changed(first, b=np.where(largest, np.inf, 0)), first),
        (changed(first, b=np.where(largest, np.nan, 0)), first),
        (changed(first, c=4e-3), first),
        (changed(third, p=9e-4), third),
        (changed(fourth, s=5e-3), fourth),
        (first | {"d": -first["d"]}, first),
        (changed(fifth, u=[[3e-5], [0.0]]), fifth),
        (changed(fifth, u=[[0.0], [8e-5]]), fifth),
        (dict(fourth), fourth),
        (changed(fifth, u=[[0.0], [1e-4]]), fifth),
        (changed(fifth, v=one_of_600), fifth),
    ]
    return [cases[place] for place in rng.permutation(len(cases))]


_KERNELS = {"conv2": 5 * 5 * 96 * 256, "conv4": 3 * 3 * 384 * 384, "conv5": 3 * 3 * 384 * 256}
_WORDS = {4: "four", 8: "eight", 16: "sixteen", 32: "thirty-two"}


@value("10.3")
def _(rng):
    layers = [("conv2", "conv4"), ("conv2", "conv5"), ("conv4", "conv5"), ("conv2", "conv4", "conv5")][rng.integers(4)]
    parts = int(rng.choice([8, 16, 32] if len(layers) == 3 else [4, 8, 16, 32]))
    one_tower, divided = 62_378_344, sum(_KERNELS[layer] for layer in layers)
    biases = sum({"conv2": 256, "conv4": 384, "conv5": 256}[layer] for layer in layers)
    right = one_tower - divided + divided // parts
    named = f"{', '.join(layers[:-1])} and {layers[-1]}"
    changes = [
        (
            "Suppose that somebody has four cards, and divides the same three layers into four.",
            f"Suppose that somebody has {_WORDS[parts]} cards, and divides {named} into {_WORDS[parts]}, and no other "
            "layer.",
        )
    ]
    hints = [
        (one_tower, "That is one tower, in which every filter reaches through all channels."),
        (one_tower - sum(_KERNELS.values()) // 2, "That is the paper's network, with two towers."),
        (one_tower - divided // parts, "The kernels shrink to this part, not by it."),
        (divided // parts, "Those are the kernels of the divided layers: add all the other parameters."),
        (one_tower - (divided + biases) + (divided + biases) // parts, "Each filter keeps its bias."),
        (one_tower - divided + divided // parts**2, "There are as many filters as before."),
    ]
    return changes, right, hints
