"""The exercises of notebook 06_fully_connected."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise
from alexnet_helpers.exercises.functions import as_result, call, nearly_equal
from alexnet_helpers.exercises.words import Refused

exercise(
    "06.1",
    [11, 6, 36, 160],
    hints=[
        (
            [11, 5, 25, 128],
            "11 - 6 = 5 steps, and there is one place before the first step.",
        ),
        (
            [11, 6, 36, 192],
            "The last crop begins one step earlier: the first begins at row 0.",
        ),
        (
            [7, 2, 4, 32],
            "conv2 pads by 2, conv3 to conv5 by 1. Or: 387 is 227 + 160.",
        ),
        (
            [11, 6, 36, 96],
            "There the field of the last answer begins; its crop begins 64 rows below.",
        ),
        (
            [11, 6, 36, -64],
            "There the field of the first answer begins: the question is where the last"
            " crop does.",
        ),
        (
            [11, 6, 36, 155],
            "The crops begin 4·2·2·2 = 32 rows apart, the first at row 0.",
        ),
        (
            [11, 6, 36, 187],
            "The crops begin 4·2·2·2 = 32 rows apart, the first at row 0.",
        ),
        ([11, 6, 12, 160], "6 places down and 6 across: each place has an answer."),
        ([11, 6, 30, 160], "6 places down and 6 across: how many is that?"),
        ([11, 6, 36, 161], "Count the photo's rows from 0."),
        ([11, 6, 36, 159], "The first crop begins at row 0, the second at row 32."),
        ([11, 6, 36, 5], "Five steps, of how many pixels each?"),
        ([11, 6, 36, 10], "Five steps, but of how many pixels? The strides multiply."),
        ([11, 6, 25, 160], "6 places down and 6 across: how many is that?"),
        (
            [11, 6, 36, 40],
            "8 is 2·2·2, the strides of the pools: conv1's 4 is a factor, too.",
        ),
        (
            [11, 6, 36, 20],
            "4 is the stride of conv1: the strides of the pools are factors, too.",
        ),
        (
            [12, 6, 36, 160],
            "A pool is not padded: from n rows it makes (n - 3) / 2 + 1, not n / 2.",
        ),
        ([11, 6, 36, 32], "There the second crop begins, one step down."),
        ([11, 6, 36, 64], "There the third crop begins, two steps down."),
        (
            [11, 6, 36, 128],
            "That is four steps of 32; from the first crop to the sixth there are 5.",
        ),
        (
            [11, 6, 36, 227],
            "227 is the size of a crop: where does the last one begin?",
        ),
        (
            [11, 6, 1000, 160],
            "1,000 is the number of classes: each place gets one answer.",
        ),
        (
            [11, 6, 36, 352],
            "That is eleven steps, one for each row after pool3; but a window of fc6"
            " has six of them: from the first crop to the sixth there are 5 steps.",
        ),
        (
            [11, 6, 36, 256],
            "That is eight steps of 32; from the first crop to the sixth there are 5.",
        ),
        ([11, 6, 36, 273], "That is the middle of the last crop."),
        ([11, 6, 36, 0], "The last crop: it ends where the photo ends."),
        ([11, 6, 6, 160], "The answers fill a square: rows times columns."),
        ([11, 6, 1, 160], "One for each place of fc6's output: rows times columns."),
        (
            [11, 6, 36, 386],
            "That is the photo's last row: where does its last crop begin?",
        ),
        ([11, 6, 36, 80], "The strides multiply: 4·2·2·2 pixels from place to place."),
        (
            [11, 5, 25, 160],
            "11 - 6 = 5 steps, and there is one place before the first.",
        ),
        ([11, 11, 121, 320], "fc6 is a convolution with 6×6 kernels, not padded."),
        (
            [11, 11, 121, 160],
            "fc6 is a convolution with 6×6 kernels, not padded: a window of 6 rows fits"
            " on 11 rows 6 times.",
        ),
        (
            [11, 6, 36, 320],
            "Five steps of 4·2·2·2 pixels each: the last crop is sixth.",
        ),
        ([11, 1, 1, 0], "fc6 as a convolution has an output for each place."),
        ([6, 1, 1, 0], "Those are the sizes for a photo of 227×227."),
        (
            [12, 7, 49, 160],
            "A pool is not padded: 387 pixels are 160 more than 227, so five rows more"
            " than 6.",
        ),
        (
            [13, 8, 64, 224],
            "160 more pixels than 227 are five steps of 32, so 6 + 5 rows after pool3.",
        ),
        ([12, 7, 49, 192], "387 / 32 is not it: begin with 6 rows for 227."),
        ([10, 5, 25, 128], "160 more pixels than 227 are five steps of 32."),
        ([121, 6, 36, 160], "Rows after pool3: that is rows times columns."),
        ([11, 36, 36, 160], "Rows after fc6: that is rows times columns."),
        ([11, 6, 36000, 160], "A place gets one answer, of 1,000 numbers."),
    ],
)


def _z(function, image):
    z = as_result(call(function, image), "a number")
    if z.shape or not np.isfinite(z):
        found = f"an array of the shape {z.shape}" if z.shape else z
        raise Refused(
            f"One finite number is asked for; your function returned {found}."
        )
    return float(z)


_NO_WEIGHTS = (
    "Your z is the same for all images: multiply the pixels by weights other than 0."
)
_ONE_WEIGHT = (
    "With one weight for all pixels it can only count ink: make the weights differ from"
    " place to place, and multiply with *, not with @."
)


_ALIKE = (
    "All your rows or all your columns have the same weights. Did you multiply with @?"
    " * multiplies pixel by pixel. If you used *, leave out the rows or columns at the"
    " edge."
)


def _right_at_best(sums, wanted):
    """Return for how many images sums are right with the best bias."""
    return max(((sums > value) == wanted).sum() for value in sums)


def _hint_for_weights(weights):
    """Return a hint unless at most eight weights are not 0, all of one size."""
    sizes = np.abs([weight for weight in weights if not np.isclose(weight, 0)])
    if len(sizes) > 8:
        return f"You give weights to {len(sizes)} pixels; use at most eight."
    if not np.allclose(sizes, sizes[0]):
        return "Your weights differ in size: use one size, such as 1 and -1."
    return ""


def _hint_for_no_sum(z):
    """Return a hint if z are not weighted sums of the pixels plus a constant."""
    if z.min() == 0 and len(np.unique(z)) > 2:
        return "No z is below 0: return z itself, before the ReLU."
    if len(np.unique(z)) == 2:
        return "Your unit returns only two numbers: return z itself, not its sign."
    return (
        "A unit is a weighted sum of the pixels plus a constant; yours is something"
        " else. Return z itself, without a function around it."
    )


def _pixel_left_out(images, wanted, picture, least):
    """Name the pixel without a weight where the means of both digits differ most."""
    difference = abs(images[wanted].mean(axis=0) - images[~wanted].mean(axis=0))
    difference = np.where(picture == 0, difference, 0)
    if difference.max() < least:
        return ""
    row, column = np.unravel_index(difference.argmax(), difference.shape)
    return (
        " Of the pixels to which you give no weight, threes and eights differ most in"
        f" row {row}, column {column}."
    )


def judge_three_unit(function, ink=1, turned_around=False):
    """Return None if a unit tells threes from eights, or else a hint.

    The images go from 0 to `ink`. Turned around, it has to tell eights from threes.
    """
    from sklearn.datasets import load_digits  # only here: it takes a second

    images, labels = load_digits(return_X_y=True)
    chosen, name = np.isin(labels, (3, 8)), "an 8" if turned_around else "a 3"
    images = images[chosen].reshape(-1, 8, 8) / 16 * ink
    wanted = labels[chosen] == (8 if turned_around else 3)
    bias = _z(function, np.zeros((8, 8)))
    weights = [_z(function, pixel.reshape(8, 8)) - bias for pixel in np.eye(64)]
    sums = images.reshape(-1, 64) @ weights
    z = np.array([_z(function, image) for image in images])
    if not nearly_equal(z, sums + bias):
        return _hint_for_no_sum(z)
    right = ((z > 0) == wanted).sum()
    if right >= 335:
        hint = _hint_for_weights(weights)
        return f"That tells them apart. {hint}" if hint else None
    if np.allclose(weights, weights[0]):
        return _NO_WEIGHTS if np.allclose(weights, 0) else _ONE_WEIGHT
    picture = np.reshape(weights, (8, 8))
    if np.ptp(picture, axis=0).max() == 0 or np.ptp(picture, axis=1).max() == 0:
        return _ALIKE
    if hint := _hint_for_weights(weights):
        return hint
    if right <= 22:
        return "Nearly always wrong is nearly right: turn the signs around."
    result = f"it is right for {right} of 357 images"
    if len(set(z > 0)) == 1:
        images_called = "every image" if z[0] > 0 else "no image"
        result = f"your unit calls {images_called} {name}"
    if _right_at_best(sums, wanted) >= 335:
        return f"You have the place; now choose the bias: {result}."
    if _right_at_best(-sums, wanted) >= 335:
        return f"The places are right, but turn the weights around: {result}."
    used = (~np.isclose(weights, 0)).sum()
    advice = "or more of them" if used < 8 else "but at most eight"
    return (
        f"{result.capitalize()}, and no bias would help enough: choose other places,"
        f" {advice}.{_pixel_left_out(images, wanted, picture, 0.2 * ink)}"
    )


def _unit(places, bias):
    def unit(image):
        picture = np.zeros((8, 8))
        for rows, columns, weight in places:
            picture[rows, columns] = weight
        return (image * picture).sum() + bias

    return unit


_LEFT = [(slice(2, 6), slice(2, 4), -1)]


def _left_picture():
    picture = np.zeros((8, 8))
    picture[2:6, 2:4] = -1
    return picture


# There are 183 threes and 174 eights. Any unit that is right for 335 of them will do.
exercise(
    "06.2",
    judge=judge_three_unit,
    wrong=[
        (
            _unit(_LEFT, 0),
            "You have the place; now choose the bias: your unit calls no image a 3.",
        ),
        (
            _unit(_LEFT, 9),
            "You have the place; now choose the bias: your unit calls every image a 3.",
        ),
        (
            _unit(_LEFT, 2.5),
            "You have the place; now choose the bias:"
            " it is right for 315 of 357 images.",
        ),
        (_unit([(slice(2, 6), slice(2, 4), 1)], -3.5), "turn the signs around"),
        (
            _unit([(slice(2, 6), slice(2, 4), 1)], 0),
            "The places are right, but turn the weights around",
        ),
        (_unit([(slice(0, 8), slice(0, 8), -1)], 20), "it can only count ink"),
        (_unit([(5, 2, -1)], 0.5), "choose other places, or more of them"),
        (
            _unit([(slice(0, 2), slice(2, 6), -1)], 3),
            "other places, but at most eight",
        ),
        *(
            (_unit([(slice(2, 6), slice(2, 5), -1)], bias), "weights to 12 pixels")
            for bias in (0, 4, 9)  # too many weights, whether the bias fits or not
        ),
        (
            _unit([(slice(2, 5), slice(1, 4), -1)], 0),
            "You give weights to 9 pixels; use at most eight.",
        ),
        (_unit([(slice(2, 6), 2, 2), (slice(2, 6), 3, -1)], 0), "differ in size"),
        (_unit([(slice(2, 6), 2, -1), (slice(2, 6), 3, -2)], 5.5), "differ in size"),
        (_unit([(5, 2, -1)], 0.5), "threes and eights differ most in row 4, column 3."),
        (
            _unit([(slice(4, 6), slice(2, 4), -1)], 1.5),
            "It is right for 330 of 357 images, and no bias would help enough",
        ),
        (_unit([(slice(2, 6), slice(2, 4), -1), (0, 0, 1)], 3.5), "at most eight"),
        (_unit([], 0), "Your z is the same for all images"),
        (lambda image: 1.0, "Your z is the same for all images"),
        (
            lambda image: (image @ _left_picture()).sum() + 3,
            "Did you multiply with @? * multiplies pixel by pixel.",
        ),
        (lambda image: (image * image).sum(), "yours is something else"),
        (
            lambda image: 1 / (1 + np.exp(-_unit(_LEFT, 3.5)(image))),
            "Return z itself, without a function around it.",
        ),
        (
            lambda image: 1 if _unit(_LEFT, 3.5)(image) > 0 else -1,
            "return z itself, not its sign.",
        ),
        (
            lambda image: max(0, _unit(_LEFT, 3.5)(image)),
            "return z itself, before the ReLU.",
        ),
        (lambda image: image, "One finite number is asked for"),
    ],
)


def _keras_kernel(rows, height, width, channels):
    maps = rows.reshape(-1, channels, height, width)  # one stack of maps for each unit
    return maps.transpose(2, 3, 1, 0).reshape(-1, len(rows))


def _reordered(axes, *shape):
    """Return a wrong `keras_kernel` that reshapes its rows and changes the axes so."""

    def kernel(rows, height, width, channels):
        sizes = {"n": len(rows), "h": height, "w": width, "c": channels}
        array = rows.reshape([sizes[name] for name in shape])
        array = array.transpose([shape.index(name) for name in axes])
        return array.reshape(-1, len(rows))

    return kernel


_RNG = np.random.default_rng(0)

exercise(
    "06.3",
    _keras_kernel,
    cases=[
        (np.arange(48.0).reshape(2, 24), 2, 3, 4),
        (_RNG.normal(size=(3, 24)), 4, 2, 3),
        (_RNG.normal(size=(5, 18)), 3, 3, 2),
    ],
    wrong=[
        (
            lambda rows, height, width, channels: rows,
            "Those are the rows as they came: reorder them, and make each a column.",
        ),
        (
            lambda rows, height, width, channels: rows.T,
            "Each unit has its column, but its weights are still in PyTorch's order,"
            " channel by channel.",
        ),
        (
            lambda rows, height, width, channels: rows.reshape(-1, len(rows)),
            "A reshape alone leaves all values in one order: axes have to change"
            " places, too.",
        ),
        (
            lambda rows, height, width, channels: (
                _keras_kernel(rows, height, width, channels).T
            ),
            "The order is right, but Keras has a column for each unit: transpose it.",
        ),
        (
            _reordered("whcn", "n", "c", "h", "w"),
            "That goes column by column: the row of the map comes first, then the"
            " column, then the channel.",
        ),
        (
            _reordered("hwcn", "n", "c", "w", "h"),
            "In PyTorch's order, height comes before width: channels, height, width.",
        ),
        (
            _reordered("hwcn", "c", "h", "w", "n"),
            "The first axis of rows counts units: reshape to units, channels, height,"
            " width.",
        ),
        (
            _reordered("chwn", "n", "h", "w", "c"),
            "rows begins in PyTorch's order, so reshape it to units, channels, height,"
            " width; the channels go last afterwards.",
        ),
        (
            lambda rows, height, width, channels: rows.reshape(
                -1, channels, height, width
            ).transpose(2, 3, 1, 0),
            "That is the kernel of a convolution: flatten its first three axes.",
        ),
        (
            lambda rows, height, width, channels: (
                rows.reshape(-1, channels, height, width)
                .transpose(2, 3, 1, 0)
                .reshape(len(rows), -1)
                .T
            ),
            "After that transpose the units are the last axis: reshape to (-1, units).",
        ),
        (
            lambda rows, height, width, channels: rows.reshape(
                -1, channels, height, width
            ).transpose(0, 2, 3, 1),
            "Height, width, channels is the right order; now make each unit's weights"
            " one column.",
        ),
        (
            lambda rows, height, width, channels: (
                rows.reshape(-1, channels, height, width)
                .transpose(0, 2, 3, 1)
                .reshape(-1, len(rows))
            ),
            "The order within a unit is right, but the units are mixed: move their axis"
            " to the end before you flatten.",
        ),
        *(
            (
                lambda rows, height, width, channels, first=first: rows.reshape(
                    first or len(rows), 256, 6, 6
                ),
                "Use height, width and channels, not AlexNet's numbers.",
            )
            for first in (-1, 0)
        ),
    ],
)
