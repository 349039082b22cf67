"""Variants of the exercises of notebook 14_look_inside."""

import numpy as np

from tools.grading.variants import function, value


@value("14.1")
def _(rng):
    limits = ((32, 40), (20, 25), (5, 13), (42, 50))
    like, own, others, photo = (int(rng.integers(*one)) / 100 for one in limits)
    right = round(like - others, 2)
    changes = [
        (
            "The likeness is 0.30. With untrained networks in place of B, it is 0.28 if they have A's layers and 0.12 "
            "if they have B's; with the photo's difference from grey it is 0.33.",
            f"The likeness is {like:.2f}. With untrained networks in place of B, it is {own:.2f} if they have A's "
            f"layers and {others:.2f} if they have B's; with the photo's difference from grey it is {photo:.2f}.",
        )
    ]
    hints = [
        (like - own, "These untrained networks have A's layers."),
        (like - photo, "The photo's difference from grey uses no network."),
        (own - others, "That is the difference of two controls."),
        (like, "A part of this likeness is there without any learning."),
        (-right, "The trained network comes first."),
    ]
    return changes, right, hints


@function("14.2")
def _(rng):
    cases = []
    for height, width, channels in ((4, 5, 6), (7, 3, 2), (5, 5, 3)):
        maps, gradient = rng.random((height, width, channels)), rng.normal(size=(height, width, channels))
        if channels == 3:
            maps, gradient = rng.integers(0, 9, maps.shape), rng.integers(-9, 10, maps.shape)
        cases.append((maps, gradient))
    return cases


@function("14.3")
def _(rng):
    cases = []
    for images, classes in ((4, 3), (6, 10), (9, 5)):
        cases.append((rng.normal(0, 3, (images, classes)), rng.integers(0, classes, images)))
    tied = np.sort(rng.normal(0, 3, (1, 4)), axis=1)
    tied[0, 2] = tied[0, 3]  # another class has the score of the right one
    return [*cases, (tied, np.array([3]))]
