"""Variants of the exercises of notebook 06_fully_connected."""

from alexnet_helpers.exercises.n06_fully_connected import judge_three_unit
from tools.grading.variants import function, value


@value("06.1")
def _(rng):
    steps = int(rng.integers(2, 12))
    side = 227 + 32 * steps
    maps, out = 6 + steps, 1 + steps
    last = 32 * steps
    changes = [("387×387", f"{side}×{side}")]
    hints = [
        (
            [maps, steps, steps**2, last - 32],
            f"{maps} - 6 = {steps} steps, and there is one place before the first step.",
        ),
        ([maps, out, out**2, last + 32], "The last crop begins one step earlier: the first begins at row 0."),
        ([maps, out, out**2, last - 64], "There the field of the last answer begins; its crop begins 64 rows below."),
        ([maps, out, out, last], "The answers fill a square: rows times columns."),
        ([maps, maps, maps**2, 32 * (maps - 1)], "fc6 is a convolution with 6×6 kernels, not padded."),
        ([maps, 1, 1, 0], "fc6 as a convolution has an output for each place."),
        ([6, 1, 1, 0], "Those are the sizes for a photo of 227×227."),
    ]
    return changes, [maps, out, out**2, last], hints


@function("06.2")
def _(rng):
    ink, other = int(rng.choice([2, 4, 8, 16])), bool(rng.random() < 0.5)
    wanted, unwanted = ("an 8", "a 3") if other else ("a 3", "an 8")
    changes = [
        (
            "above 0 for a handwritten 3 and not for an 8.",
            f"above 0 for a handwritten {wanted.split()[1]} and not for {unwanted}; here the image has numbers from 0 "
            f"(paper) to {ink} (ink).",
        ),
        ("image: 8×8 numbers from 0 (paper) to 1 (ink)", f"image: 8×8 numbers from 0 (paper) to {ink} (ink)"),
        ("says correctly whether it is a 3", f"says correctly whether it is {wanted}"),
        ("zip(images[chosen]", f"zip({ink} * images[chosen]"),
        ("(label == 3)", f"(label == {wanted.split()[1]})"),
    ]
    sign = -1 if other else 1
    solution = (
        "def three_unit(image):\n"
        f"    picture, bias = np.zeros((8, 8)), {sign * 3.5 * ink}\n"
        f"    picture[2:6, 2:4] = {-sign}\n"
        "    return (image * picture).sum() + bias"
    )
    return changes, lambda function: judge_three_unit(function, ink, other), solution


@function("06.3")
def _(rng):
    cases = []
    for units, height, width, channels in ((4, 3, 2, 5), (2, 1, 4, 3), (3, 5, 5, 2), (1, 2, 3, 3)):
        rows = rng.normal(size=(units, height * width * channels))
        cases.append((rows, height, width, channels))
    whole = rng.integers(-9, 10, (6, 30)).astype(float)
    return [*cases, (whole, 2, 5, 3), (whole, 3, 2, 5)]
