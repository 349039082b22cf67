"""The exercises of notebook 01_output_size_formula."""

import itertools

from alexnet_helpers import geometry
from alexnet_helpers.exercises.engine import exercise

exercise(
    "01.1",
    112,
    hints=[
        (55, "That takes a stride of 4 and forgets the padding."),
        (
            56,
            "That would need a stride of 4."
            " (In ResNet it is the size after the next layer.)",
        ),
        (
            108,
            "That forgets the padding, 3 zeros on the left and 3 on the right,"
            " and the + 1.",
        ),
        (109, "That forgets the padding: 3 zeros on the left and 3 on the right."),
        (110, "That forgets the padding, and rounds up."),
        (113, "That rounds up: half a step fits no window."),
        (
            111,
            "One short: count the window at the start, and the padding on both sides.",
        ),
        (111.5, "That forgets the + 1 and the rounding."),
        (112.5, "A number of windows is whole: round down."),
        (
            114,
            "Too large: before any step,"
            " the first window takes 7 of the places of the padded row.",
        ),
        (
            114.5,
            "Too large: before any step,"
            " the first window takes 7 of the places of the padded row.",
        ),
        (
            115,
            "That divides the padded size by the stride: count the windows that fit.",
        ),
        (118, "That swaps the window and the padding."),
        (118.5, "That swaps the window and the padding."),
        (12544, "That is how many numbers a whole map has: one side is asked for."),
        (218, "That forgets the padding and the stride."),
        (
            223,
            "That is what the first window leaves of the padded row:"
            " count the steps in it.",
        ),
        (230, "That is the padded row: count the windows on it."),
        (224, "That would be the size with a stride of 1: the windows step by 2."),
    ],
    remark="One layer halves the side of the image.",
)

# What each part of the answer may be, and the hint if it is wrong.
_STRIDES = {
    4: "",
    76 / 20: (
        "The stride: 76 / 20 forgets the + 1, since one of the 20 windows takes no"
        " step."
    ),
    84 / 20: (
        "The stride: 84 / 20 is the ratio of the sizes, but the steps share what the"
        " first window leaves."
    ),
    **{
        stride: f"The stride: {stride} gives {76 // stride + 1} windows."
        for stride in (1, 2, 3, 5, 6, 7, 8)
    },
    20: "The stride: 20 is a side of the maps. How far does the window move?",
    32: "The stride: 32 is the number of maps. How far does the window move?",
}

_FILTERS = {
    32: "",
    4: "The filters: 4 is the number of channels that come in. How many go out?",
    20: "The filters: 20 is a side of the maps. How many maps are there?",
    8: "The filters: 8 is a side of the window. How many maps are there?",
    256: "The filters: 256 is not the number of maps that come out.",
    128: "The filters: each one reaches through all channels and makes one map.",
    400: (
        "The filters: 400 is the number of stops. Each filter gives a number at every"
        " stop."
    ),
}

_WEIGHTS = {
    8 * 8 * 4: "",
    8 * 8: "The weights: 64 are those for one channel.",
    8 * 4: "The weights: the window has two sides.",
    8 * 8 * 3: (
        "The weights: 192 would do for three channels. How many does this input have?"
    ),
    8 * 8 * 4 + 1: "The weights: 257 counts the bias, which is not a weight.",
    8 * 8 * 32: (
        "The weights: one filter has a weight for each value that comes in under its"
        " window."
    ),
    8 * 8 * 4 * 32: "The weights: those are the weights of all filters together.",
}


def _slips(*parts):
    """List the wrong answers to an exercise of several parts, each with its hint."""
    slips = []
    for choice in itertools.product(*(part.items() for part in parts)):
        answer, hints = zip(*choice)
        if any(hints):
            slips.append((answer, " ".join(filter(None, hints))))
    return slips


exercise("01.2", (4, 32, 256), hints=_slips(_STRIDES, _FILTERS, _WEIGHTS))


def _left_over(size):
    """Name the first layer that leaves pixels over, or None if no layer does."""
    sides = [f"{size} pixels"]
    for layer in geometry.ALEXNET:
        if not layer.kernel:
            continue
        room = size + 2 * layer.padding - layer.kernel
        if rest := room % layer.stride:
            pixels = "one pixel" if rest == 1 else f"{rest} pixels"
            return f"With {', '.join(sides)}, {layer.name} leaves {pixels} over."
        size = room // layer.stride + 1
        sides.append(f"{size} after {layer.name}")
    return None


exercise(
    "01.3",
    259,
    hints=[
        (227, "That is AlexNet's own size: the next larger one is asked for."),
        *((size, _left_over(size)) for size in range(228, 581) if _left_over(size)),
        *(
            (
                size,
                "Nothing is left over there, but a smaller size above 227 does it too.",
            )
            for size in range(291, 581, 32)
        ),
        *(
            (
                size,
                "Nothing is left over there, but the size should be larger than 227.",
            )
            for size in (67, 99, 131, 163, 195)
        ),
    ],
    remark="Now explain the distance from 227.",
)

_VALID = {
    10: "",
    28: "valid: that is with stride 1. How many steps of 3 fit?",
    9: "valid: that forgets the + 1.",
    11: "valid: that rounds up, or divides; only windows that fit completely count.",
    32 / 3: "valid: that divides; count the windows that fit.",
}

_SAME = {
    11: "",
    10: "same: 32/3 is rounded up.",
    32 / 3: "same: 32/3 is rounded up.",
    28: "same: that is valid with stride 1. Divide 32 by the stride, and round up.",
    32: "same: that keeps the size, as with stride 1.",
    12: "same: that is one too many: 32/3, rounded up.",
}

_IN_FRONT = {
    1: "",
    0: "In front: three places are added, and half of them, rounded down, go in front.",
    2: (
        "In front: with stride 3, the number of added places is odd, and half of it is"
        " rounded down."
    ),
    3: "In front: 3 is how many are added in all.",
    4: "In front: 4 is how many are added in all with stride 1.",
    1.5: "In front: a number of places is whole.",
}

exercise("01.4", (10, 11, 1), hints=_slips(_VALID, _SAME, _IN_FRONT))
