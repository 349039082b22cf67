"""Variants of the exercises of notebook 09_backpropagation."""

import numpy as np

from tools.grading.variants import function, value


def _numbers(values):
    return f"({', '.join(str(int(one)) for one in values)})"


def _spread(dy, stride):
    spread = np.zeros((len(dy) - 1) * stride + 1, int)
    spread[::stride] = dy
    return spread


@value("09.1")
def _(rng):
    x, k, dy = (rng.choice([-3, -2, -1, 1, 2, 3, 4, 5], size) for size in (7, 3, 3))
    dk, dx = np.correlate(x, _spread(dy, 2), "valid"), np.convolve(_spread(dy, 2), k)
    which, place = int(rng.choice([0, 2])), int(rng.choice([2, 4]))
    if (which, place) == (0, 4):
        place = 2
    right = [int(dk[which]), int(dx[place])]
    given = "$x = (2, 1, 4, 3, -1, 5, 2)$, $k = (3, 1, -2)$ and $dy = (1, -2, 4)$. Find $dk_0$ and $dx_4$."
    changes = [
        (
            given,
            f"$x = {_numbers(x)}$, $k = {_numbers(k)}$ and $dy = {_numbers(dy)}$. Find $dk_{which}$ and $dx_{place}$.",
        ),
        ("# two numbers in brackets: dk_0, dx_4", f"# two numbers in brackets: dk_{which}, dx_{place}"),
    ]
    turned = np.convolve(_spread(dy, 2), k[::-1])
    hints = [
        (right[::-1], "Those are the right numbers in the other order."),
        ([-right[0], -right[1]], "The sign is the other way round."),
        ([right[0], int(turned[place])], "For dx each dy is paired with the wrong end of the kernel."),
        ([right[0], int(np.convolve(dy, k)[place])], "For dx the outputs are two pixels apart, not one."),
        ([int(np.correlate(x, dy, "valid")[which]), right[1]], "For dk the windows start two pixels apart, not one."),
        ([int(dk[2 - which]), right[1]], "For dk the other end of the kernel was taken."),
    ]
    return changes, right, hints


@function("09.2")
def _(rng):
    cases = []
    for images, inputs, units in ((4, 3, 3), (5, 4, 3), (3, 2, 4)):
        shapes = (images, units), (images, inputs), (units, inputs), units
        dy, x, W, b = (rng.normal(scale=2, size=shape).round(1) for shape in shapes)
        x[0], b[0] = 0, 0  # so that one input of the ReLU is exactly 0
        cases.append((dy, x, W, b))
    return cases


@function("09.3")
def _(rng):
    cases = []
    for images, channels, size, stride in ((2, 2, 3, 2), (1, 1, 2, 2), (1, 3, 3, 1), (2, 1, 2, 3), (1, 2, 4, 2)):
        steps = rng.integers(2, 4, 2)
        # Some rows, and always the columns that the stride leaves, lie behind the last window.
        spare = rng.integers(0, stride), stride - 1
        height, width = (int(size + stride * step + more) for step, more in zip(steps, spare))
        outputs = (images, (height - size) // stride + 1, (width - size) // stride + 1, channels)
        dy = rng.integers(1, 6, outputs) * rng.choice([-1.0, 1.0], outputs)
        cases.append((dy, rng.normal(size=(images, height, width, channels)).round(1), size, stride))
    return cases
