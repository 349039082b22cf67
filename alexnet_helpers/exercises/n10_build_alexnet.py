"""The exercises of notebook 10_build_alexnet."""

import numpy as np

from alexnet_helpers.exercises.engine import exercise

# What "Count the memory" counts for the undivided network, in bytes: what does not depend on the batch (without and
# with the parts of the kernels' gradients), and what each image of it takes.
_CARD = 3_220_897_792
_PARAMETERS = 3 * 4 * 62_378_344
_FIXED = _PARAMETERS + 4 * 210_637_728
_IMAGE = 4 * (2 * (781_736 + 477_024) + 477_024 + 154_587)


def _first_difference(found, expected):
    for number, (name, right) in enumerate(expected.items()):
        if found[name].shape != right.shape or abs(found[name] - right).max() > 1e-4 * abs(right).max():
            return number
    return len(expected)


def _passes():
    """Return pairs of passes: shapes of several kinds, and differences that a careless test lets through."""
    rng = np.random.default_rng(10)
    first = {"a": rng.normal(size=(1, 4, 4, 2)), "b": 30 * rng.normal(size=(1, 3, 3))}
    first |= {"c": rng.normal(size=(1, 5)), "d": rng.normal(size=(1, 5)), "e": rng.normal(size=(1, 2))}
    second = {"x": rng.normal(size=(2, 6)), "y": 1e-3 * rng.normal(size=(2, 4)), "z": rng.normal(size=(2, 3))}
    second["z"][0, 0] = 1e-9  # of a difference that is small beside the others, but not beside this value
    third = {"p": -1 - rng.random((3, 2)), "q": np.full((1, 3), 2.0)}

    def changed(passes, **changes):
        return passes | {name: passes[name] + change for name, change in changes.items()}

    return [
        (changed(first, b=1.0, c=1.0, e=1.0), first),
        (dict(second), second),
        ({name: values * (1 + 1e-6) for name, values in second.items()}, second),
        (changed(second, z=1e-6), second),
        (changed(second, y=1e-5), second),  # small, but not beside the values of this layer
        (changed(first, b=1e-3), first),  # the other way round
        (changed(third, p=-0.5), third),  # below the right values, all of which are negative
        (third | {"q": np.full((4, 3), 2.0)}, third),  # another shape that NumPy stretches
        (changed(first, a=1e-3 * (first["a"] == first["a"].max())), first),  # one place of many
    ]


def _careless(differs, shapes=True, last=False):
    """Return a (wrong) function of two passes that asks `differs` about each pair of arrays."""

    def first_difference(found, expected):
        numbers = [
            number
            for number, name in enumerate(expected)
            if (shapes and found[name].shape != expected[name].shape) or differs(found[name], expected[name])
        ]
        return (numbers[-1] if last else numbers[0]) if numbers else len(expected)

    return first_difference


def _off(found, expected):
    """Tell whether the arrays of a layer differ, as the exercise asks."""
    return found.shape != expected.shape or abs(found - expected).max() > 1e-4 * abs(expected).max()


exercise(
    "10.1",
    int((_CARD - _FIXED) // _IMAGE),
    hints=[
        ((_CARD - _FIXED) / _IMAGE, "A number of images is whole: round down."),
        (int((_CARD - _FIXED) // _IMAGE) + 1, "One image of these does not fit any more: round down."),
        (int((_CARD - _PARAMETERS) // _IMAGE), "The parts of the kernels' gradients take memory as well."),
        (int(_CARD // _IMAGE), "The parameters and the parts of the gradients are in the card's memory, too."),
        (int((_CARD - _FIXED + _PARAMETERS) // _IMAGE), "The parameters are in the card's memory, too."),
        (int((_CARD - _FIXED) // (_IMAGE // 4)), "A number takes 4 bytes."),
        (int((3e9 - _FIXED) // _IMAGE), "The card has 3,220,897,792 bytes, which is more than 3·10⁹."),
        (1, "That is how many batches of 128 images fit: the number of images is asked for."),
        (
            int((_CARD - _FIXED) // (_IMAGE - 4 * 154_587)),
            "The images themselves are in the card's memory, too.",
        ),
    ],
    remark="That leaves next to nothing for everything that was not counted.",
)
exercise(
    "10.2",
    [2, 3, 4, 5, 6, 8, 9],
    hints=[
        ([1, 7, 10], "These are lines that you take to be right? The ones with a mistake are asked for."),
        (
            [1, 2, 3, 4, 5, 6, 8, 9],
            "One of these lines follows a convention of notebook 01 that differs from the course's, and is right.",
        ),
        ([1, 3, 4, 5, 6, 8, 9], "Compute with the size and the padding that each line itself states."),
        ([2, 3, 4, 5, 6, 8, 9, 10], "One of these lines agrees with notebook 06: compare the shapes there."),
        ([2, 3, 4, 5, 6, 7, 8, 9], "One of these lines is right: follow the channels from layer to layer."),
        ([3, 4, 5, 6, 8, 9], "A line that you let pass computes with another number than it states."),
        ([2, 4, 5, 6, 8, 9], "A line that you let pass speaks of something that its layer does not have."),
        ([2, 3, 5, 6, 8, 9], "A result can be right although a step on the way is not: do each subtraction."),
        ([2, 3, 4, 6, 8, 9], "A line that you let pass does not begin where the layer before it ends."),
        ([2, 3, 4, 5, 8, 9], "A line that you let pass does not get the channels that the layer before it puts out."),
        ([2, 3, 4, 5, 6, 9], "A line that you let pass gives a layer far too few weights."),
        ([2, 3, 4, 5, 6, 8], "A line that you let pass changes a number that the ReLU does not change."),
    ],
)
exercise(
    "10.3",
    _first_difference,
    cases=_passes,
    wrong=[
        (
            _careless(lambda found, expected: (found - expected).max() > 1e-4 * abs(expected).max()),
            "A value that is too small is a difference as well: take magnitudes.",
        ),
        (
            _careless(lambda found, expected: found.shape != expected.shape or abs(found - expected).max() > 1e-4),
            "That compares with 1/10,000 itself: compare with 1/10,000 of the layer's largest magnitude.",
        ),
        (
            _careless(
                lambda found, expected: found.shape != expected.shape or not np.allclose(found, expected, 1e-4, 0)
            ),
            "That compares each value with itself: compare with the layer's largest magnitude.",
        ),
        (
            _careless(lambda found, expected: (found != expected).any()),
            "The last digits of right implementations differ: allow for a small difference.",
        ),
        (
            _careless(lambda found, expected: abs(found - expected).max() > 1e-4 * expected.max()),
            "The largest magnitude is not the largest value: values can be negative.",
        ),
        (
            _careless(lambda found, expected: abs(found - expected).mean() > 1e-4 * abs(expected).max()),
            "That is the mean difference: one wrong place among many right ones counts, too.",
        ),
        (
            _careless(lambda found, expected: abs(found - expected).max() > 1e-4 * abs(expected).max(), shapes=False),
            "NumPy stretches arrays of different shapes before it subtracts: compare the shapes first.",
        ),
        (_careless(_off, last=True), "That is the last layer that differs: the mistake is in the first."),
        (
            lambda found, expected: _first_difference(found, expected) + 1,
            "That counts from 1: the first layer has the number 0.",
        ),
        (
            lambda found, expected: min(_first_difference(found, expected), len(expected) - 1),
            "If no layer differs, the answer is the number of layers.",
        ),
        (
            lambda found, expected: sum(_off(found[name], expected[name]) for name in expected),
            "That is how many layers differ: the number of the first one is asked for.",
        ),
    ],
)
