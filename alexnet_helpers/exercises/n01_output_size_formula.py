"""The exercises of notebook 01_output_size_formula."""

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
    6,
    hints=[
        (
            12,
            "That is how much a row grows in all: the padding is counted for each side.",
        ),
        (
            6.5,
            "Half of the kernel would be padding for its middle pixel as well, which stays on the image.",
        ),
        (
            7,
            "One too many: the middle pixel of the first window lies on the image's first pixel.",
        ),
        (0, "Without padding the size shrinks by 12."),
        (13, "That would make the output larger than the input."),
        (5, "One too few: the output would be 2 smaller than the input."),
    ],
    remark="(kernel - 1) / 2, for each odd kernel at stride 1.",
)
exercise(
    "01.3",
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
    "01.4",
    _final_size,
    # In the first case each usual slip with the formula gives another number.
    cases=[(30, [(7, 2, 4)]), (227, _ALEXNET), (224, [(7, 2, 3), (3, 2, 1)]), (9, [])],
    wrong=[
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
exercise(
    "01.5",
    67,
    hints=[
        (
            195,
            "That forgets the padding of conv2 to conv5: their windows may lie partly on zeros.",
        ),
        (66, "With 66 pixels pool3 is left without a window."),
        (68, "68 pixels are enough, but not the fewest."),
        (227, "227 is AlexNet's own input: a smaller image does."),
        (32, "That is the product of the strides: the windows have a size as well."),
        (15, "That is what pool1 needs: conv1 comes before it."),
    ],
    remark="On the 32 pixels of a CIFAR-10 image this network has no output at all.",
)
