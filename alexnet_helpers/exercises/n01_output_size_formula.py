"""The exercises of notebook 01_output_size_formula."""

import math

import numpy as np

from alexnet_helpers import geometry
from alexnet_helpers.exercises.engine import exercise

_ALEXNET = [(layer.kernel, layer.stride, layer.padding) for layer in geometry.ALEXNET if layer.kernel]


def _final_size(size, layers, sides=2, first=1, rounding=np.floor):
    """Return the size after the last layer, or, with other settings, what a usual slip makes of it."""
    for kernel, stride, padding in layers:
        size = rounding((size + sides * padding - kernel) / stride) + first
    return size if rounding is np.positive else int(size)


exercise(
    "01.1",
    112,
    hints=[
        (109, "That forgets the padding: 3 zeros on the left and 3 on the right."),
        (110, "That forgets the padding, and rounds up."),
        (113, "That rounds up: half a step fits no window."),
        (
            111,
            "One short: count the window at the start, and the padding on both sides.",
        ),
        (111.5, "That forgets the + 1 and the rounding."),
        (112.5, "A number of windows is whole: round down."),
        (224, "That would be the size with a stride of 1: the windows step by 2."),
    ],
    remark="One layer halves the side of the image.",
)
exercise(
    "01.2",
    4,
    hints=[
        (3.8, "76 / 20 forgets the + 1: one of the 20 windows takes no step."),
        (
            4.2,
            "84 / 20 is the ratio of the sizes: the windows share out what the first one leaves.",
        ),
        (2, "A stride of 2 gives 39 windows."),
        (3, "A stride of 3 gives 26 windows."),
        (5, "A stride of 5 gives 16 windows."),
    ],
)
exercise(
    "01.3",
    259,
    hints=[
        (228, "On 228 pixels conv1 leaves one pixel over."),
        (231, "conv1 fits there and gives 56, but on 56 pool1 leaves one over."),
        (235, "conv1 and pool1 fit there and give 57 and 28, but on 28 pool2 leaves one over."),
        (239, "conv1 fits there and gives 58, but on 58 pool1 leaves one over."),
        (243, "All layers up to conv5 fit there, but they end with 14, and on 14 pool3 leaves one over."),
        (291, "Nothing is left over there, but a smaller size above 227 does it too."),
        (195, "Nothing is left over there, but the size should be larger than 227."),
        (227, "That is AlexNet's own size: the next larger one is asked for."),
    ],
    remark="Now explain the distance from 227.",
)
exercise(
    "01.4",
    _final_size,
    # In the first case each usual slip with the formula gives another number.
    cases=[(31, [(4, 2, 5)]), (227, _ALEXNET), (224, [(7, 2, 3), (3, 2, 1)]), (9, [])],
    wrong=[
        (
            lambda size, layers: size // math.prod(stride for _, stride, _ in layers),
            "That divides by the stride: count the windows that fit.",
        ),
        (
            lambda size, layers: _final_size(size, layers, sides=0),
            "Your formula forgets the padding.",
        ),
        (
            lambda size, layers: _final_size(size, layers, sides=1),
            "Your formula adds the padding on one side only.",
        ),
        (
            lambda size, layers: _final_size(size, layers, first=0),
            "Your formula forgets the + 1.",
        ),
        (
            lambda size, layers: _final_size(size, layers, rounding=np.ceil),
            "Your formula rounds up.",
        ),
        (
            lambda size, layers: _final_size(size, layers, rounding=np.positive),
            "A number of windows is whole: round down with // in each layer.",
        ),
        (
            lambda size, layers: _final_size(size, layers[:1]),
            "That is the size after the first layer.",
        ),
        (
            lambda size, layers: _final_size(size, layers[-1:]),
            "Each layer's input is the output of the layer before it.",
        ),
        (
            lambda size, layers: [_final_size(size, layers[:n]) for n in range(1, len(layers) + 1)],
            "The size after the last layer is asked for: one number.",
        ),
        (
            lambda size, layers: [_final_size(size, layers[:n]) for n in range(1, len(layers) + 1)][-1],
            "Without any layer the size stays what it is.",
        ),
    ],
)
