"""Variants of the exercises of notebook 09_backpropagation."""

from tools.grading.variants import function


@function("09.1")
def _(rng):
    cases = []
    for images, inputs, units in ((5, 4, 3), (3, 2, 4), (4, 3, 3)):
        shapes = (images, units), (images, inputs), (units, inputs), units
        cases.append(tuple(rng.normal(scale=2, size=shape).round(1) for shape in shapes))
    return cases


@function("09.2")
def _(rng):
    cases = []
    for images, channels, size, stride in ((2, 2, 3, 2), (1, 1, 2, 2), (1, 3, 3, 1), (2, 1, 2, 3), (1, 2, 4, 2)):
        steps = rng.integers(2, 4, 2)
        height, width = (int(size + stride * step + rng.integers(0, stride)) for step in steps)
        outputs = (images, (height - size) // stride + 1, (width - size) // stride + 1, channels)
        dy = rng.integers(1, 6, outputs) * rng.choice([-1.0, 1.0], outputs)
        cases.append((dy, rng.normal(size=(images, height, width, channels)).round(1), size, stride))
    return cases
