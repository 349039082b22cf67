"""Variants of the exercises of notebook 01_output_size_formula."""

from alexnet_helpers import geometry
from tools.grading.variants import value


@value("01.1")
def _(rng):
    kernel, stride, padding = [(7, 2, 3), (5, 2, 2), (9, 4, 4), (7, 3, 3), (11, 4, 2), (5, 3, 1), (9, 2, 3)][
        rng.integers(7)
    ]
    size = 4 * int(rng.integers(32, 81)) + int(rng.integers(0, 4))
    room = size + 2 * padding - kernel
    changes = [
        (
            "ResNet won the ImageNet contest in 2015. Its first layer has windows of 7×7, stride 2 and padding 3, on "
            "an image of 224×224, and rounds down.",
            f"The first layer of a network has windows of {kernel}×{kernel}, stride {stride} and padding {padding}, on "
            f"an image of {size}×{size}, and rounds down.",
        )
    ]
    hints = [
        (room // stride, "One short: count the window at the start."),
        ((size - kernel) // stride + 1, "That forgets the padding."),
        ((size + padding - kernel) // stride + 1, "The padding is on both sides."),
        (-(-room // stride) + 1 + (room % stride == 0), "That rounds up: half a step fits no window."),
        (size // stride, "That is the size divided by the stride: count the windows that fit."),
        ((size + 2 * padding) // stride, "That divides the padded size by the stride: count the windows that fit."),
        ((room // stride + 1) ** 2, "That is how many numbers a whole map has: one side is asked for."),
        (room + 1, "That would be the size with a stride of 1."),
    ]
    right = room // stride + 1
    return changes, right, [(wrong, hint) for wrong, hint in hints if wrong != right]


@value("01.2")
def _(rng):
    stride, kernel = [(2, 4), (3, 6), (4, 8), (2, 6), (3, 5), (5, 10), (2, 8)][rng.integers(7)]
    channels, filters = int(rng.choice([1, 2, 3, 5, 6, 8])), int(rng.choice([16, 24, 48, 64]))
    out = int(rng.integers(3, 8)) * 4 + 1
    size = (out - 1) * stride + kernel
    changes = [
        (
            "A network that learned to play Atari games (Mnih et al. 2015) gets four greyscale frames at once, as the "
            "four channels of an 84×84×4 input. Its first layer has windows of 8×8, no padding, and puts out 20×20×32.",
            f"The first layer of a network gets an input of {size}×{size}×{channels}. It has windows of "
            f"{kernel}×{kernel}, no padding, and puts out {out}×{out}×{filters}; no pixel is left over.",
        )
    ]
    weights = kernel * kernel * channels
    hints = [
        (((size - kernel) / out, filters, weights), "The stride forgets the + 1: one of the windows takes no step."),
        ((size / out, filters, weights), "The stride is the ratio of the sizes."),
        ((stride, channels, weights), "The filters: that is the number of channels that come in."),
        ((stride, filters, kernel * kernel), "The weights are those for one channel."),
        ((stride, filters, weights + 1), "The weights: that counts the bias, which is not a weight."),
        ((stride, filters, weights * filters), "The weights are those of all filters together."),
        ((stride, filters, kernel * kernel * filters), "The weights: one filter reaches through all channels."),
    ]
    right = (stride, filters, weights)
    return changes, right, [(wrong, hint) for wrong, hint in hints if wrong != right]


def _leaves_nothing(size, windows):
    for layer in windows:
        room = size + 2 * layer.padding - layer.kernel
        if room < 0 or room % layer.stride:
            return False
        size = room // layer.stride + 1
    return True


@value("01.3")
def _(rng):
    windows = [layer for layer in geometry.ALEXNET if layer.kernel]
    fitting = [size for size in range(67, 1200) if _leaves_nothing(size, windows)]
    start = int(rng.integers(8, len(fitting) - 2))
    above = fitting[start] + int(rng.integers(1, 12))
    right = next(size for size in fitting if size > above)
    changes = [
        (
            "Find the next larger image size for which this is true, on paper or with a few lines of code.",
            f"Find the smallest image size above {above} for which this is true, on paper or with a few lines of code.",
        )
    ]
    hints = [
        (227, "That is AlexNet's own size."),
        (fitting[start], "Nothing is left over there, but the size should be larger."),
        (next(size for size in fitting if size > right), "Nothing is left over there, but a smaller size does it too."),
        (above + 1, "Follow that size through all layers: one of them leaves something over."),
        (227 + 4 * (-(-(above - 227) // 4)), "That is right for conv1, but a later layer leaves something over."),
    ]
    return changes, right, [(wrong, hint) for wrong, hint in hints if wrong != right]


@value("01.4")
def _(rng):
    kernel, stride = [(5, 3), (7, 3), (5, 4), (7, 4), (9, 4), (5, 2), (11, 5)][rng.integers(7)]
    size = int(rng.integers(26, 70))
    valid, same = (size - kernel) // stride + 1, -(-size // stride)
    added = max((same - 1) * stride + kernel - size, 0)
    right = (valid, same, added // 2)
    changes = [
        (
            "A layer has windows of 5×5 and stride 3, on maps of 32×32.",
            f"A layer has windows of {kernel}×{kernel} and stride {stride}, on maps of {size}×{size}.",
        )
    ]
    hints = [
        ((valid - 1, same, added // 2), "valid: that forgets the + 1."),
        ((valid + 1, same, added // 2), "valid: only windows that fit completely count."),
        ((valid, size, added // 2), "same: that keeps the size, as with stride 1."),
        ((valid, size // stride, added // 2), "same: that is rounded up."),
        ((valid, same, added), "In front: that is how many are added in all."),
        ((valid, same, -(-added // 2)), "In front: half of an odd number is rounded down."),
    ]
    return changes, right, [(wrong, hint) for wrong, hint in hints if wrong != right]
