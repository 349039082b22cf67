"""Variants of the exercises of notebook 14_look_inside."""

from tools.grading.variants import function, minus, value


@value("14.1")
def _(rng):
    size, side, step = [
        (32, 8, 3),
        (32, 8, 6),
        (48, 8, 4),
        (48, 12, 6),
        (64, 16, 8),
        (40, 10, 5),
        (32, 4, 7),
        (64, 8, 4),
    ][rng.integers(8)]
    places = (size - side) // step + 1
    right = places**2
    changes = [
        (
            "A square of 8×8 pixels covers a part of a 32×32 image. It moves by 4 pixels",
            f"A square of {side}×{side} pixels covers a part of a {size}×{size} image. It moves by {step} pixels",
        )
    ]
    hints = [
        ((places - 1) ** 2, "Count the start as well."),
        ((places + 1) ** 2, "The square stays inside the image."),
        ((size // step + 1) ** 2, "The square stays inside the image."),
        (right - 1, "The uncovered image is not among the squares: take nothing away for it."),
        (places, "The square moves down as well."),
        ((size // side) ** 2, "The squares move by another distance than their side."),
        ((size // step) ** 2, "The square stays inside the image."),
        ((size - side + 1) ** 2, "That is with steps of 1."),
        (right + 1, "The uncovered image is not counted."),
    ]
    return changes, right, [(wrong, hint) for wrong, hint in hints if wrong != right]


@function("14.2")
def _(rng):
    cases = []
    for height, width, channels in ((4, 5, 6), (7, 3, 2), (5, 5, 3)):
        maps, gradient = rng.random((height, width, channels)), rng.normal(size=(height, width, channels))
        if channels == 3:
            maps, gradient = rng.integers(0, 9, maps.shape), rng.integers(-9, 10, maps.shape)
        cases.append((maps, gradient))
    return cases


@value("14.3")
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
