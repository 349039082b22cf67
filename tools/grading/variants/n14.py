"""Variants of the exercises of notebook 14_look_inside."""

import numpy as np

from tools.grading.variants import function, minus, value


@value("14.1")
def _(rng):
    score, grey, outside = (round(float(rng.uniform(*limits)), 1) for limits in ((5, 12), (-4, -0.5), (0.6, 4)))
    right = round(score - grey - outside, 1)
    changes = [
        (
            'For a photo the score of "cat" is 7.2, for the grey image −1.5. The integrated gradients of all pixels '
            "outside the cat's face add up to 2.4.",
            f'For a photo the score of "cat" is {score}, for the grey image {minus(grey)}. The integrated gradients '
            f"of all pixels outside the cat's face add up to {outside}.",
        )
    ]
    hints = [
        (score + grey - outside, "The score of the grey image is negative."),
        (score - outside, "The score of the grey image is not 0."),
        (score - grey, "That is the sum of all parts."),
        (score - grey + outside, "Take away the parts outside the face."),
        (-right, "The photo has the higher score."),
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
