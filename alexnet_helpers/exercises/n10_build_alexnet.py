"""The exercises of notebook 10_build_alexnet."""

import itertools

import numpy as np

from alexnet_helpers.exercises.engine import exercise

# The lines that hold a mistake, and the hint for whoever takes one for another kind.
MISTAKES = (2, 3, 4, 5, 6, 8, 9)
LINES = {
    1: (
        "A line that you take for a mistake follows a convention of notebook 01 that"
        " differs from the course's."
    ),
    2: "A line that you let pass computes with another number than it states.",
    3: "A line that you let pass speaks of something that its layer does not have.",
    4: "A result can be right although a step on the way is not: do each subtraction.",
    5: "A line that you let pass does not begin where the layer before it ends.",
    6: (
        "A line that you let pass does not get the channels that the layer before it"
        " puts out."
    ),
    7: (
        "A line that you take for a mistake is right: follow the channels from layer to"
        " layer."
    ),
    8: "A line that you let pass gives a layer far too few weights.",
    9: "A line that you let pass changes a number that the ReLU does not change.",
    10: (
        "A line that you take for a mistake agrees with notebook 06: compare the shapes"
        " there."
    ),
}


def _marks(lines):
    """Return ten numbers in two rows: 1 for each of these lines, 0 for the others.

    Of numbers in one row, `check` would name the places of some that are off.
    """
    marks = [int(line in lines) for line in LINES]
    return [marks[:5], marks[5:]]


def _wrong_marks():
    """Yield the marks with one or two lines misjudged, and the hint for the first."""
    for number in (1, 2):
        for lines in itertools.combinations(LINES, number):
            yield _marks(set(MISTAKES) ^ set(lines)), LINES[lines[0]]


def _first_difference(found, expected):
    for number, (name, right) in enumerate(expected.items()):
        if _differ(found[name], right):
            return number
    return len(expected)


def _passes():
    """Return five passes: dicts of arrays of several shapes and sizes."""
    rng = np.random.default_rng(10)
    first = {"a": rng.normal(size=(1, 4, 4, 2)), "b": 30 * rng.normal(size=(1, 3, 3))}
    first |= {"c": rng.normal(size=(1, 5)), "d": rng.normal(size=(1, 5))}
    first |= {"e": rng.normal(size=(1, 2))}
    second = {"x": rng.normal(size=(2, 6)), "y": 1e-3 * rng.normal(size=(2, 4))}
    second |= {"z": rng.normal(size=(2, 3))}
    # A difference that is small beside the others is large beside this value.
    second["z"][0, 0] = 1e-9
    third = {"p": -1 - rng.random((3, 2)), "q": np.full((1, 3), 2.0)}
    # values that are far from 0 and near each other, and many of one size
    fourth = {"s": np.array([100.0, 101.0]), "u": np.array([0.0, 1.0])}
    fourth |= {"v": np.ones((20, 20))}
    fifth = {"r": np.ones(3), "t": np.zeros((2, 3))}  # a layer lets nothing through
    return first, second, third, fourth, fifth


def _changed(right, **changes):
    return right | {name: right[name] + change for name, change in changes.items()}


def _pairs_of_passes():
    """Return pairs of passes whose difference a careless test lets through, or not."""
    first, second, third, fourth, fifth = _passes()
    last_digits = {name: values * (1 + 1e-6) for name, values in second.items()}
    largest_a, largest_b = (first[name] == first[name].max() for name in "ab")
    one_of_400 = np.pad([[1e-3]], ((0, 19), (0, 19)))
    return [
        # the same values in other places
        (first | {"c": first["c"][:, ::-1]}, first),
        (_changed(first, b=1.0, c=1.0, e=1.0), first),
        (dict(second), second),
        # a few times the limit, everywhere
        (_changed(third, p=8e-4), third),
        # small beside the largest value of layer b
        (_changed(first, c=4e-3), first),
        (last_digits, second),
        (_changed(second, z=1e-6), second),
        # small, but not beside the values of this layer; and the other way round
        (_changed(second, y=1e-5), second),
        (_changed(first, b=1e-3), first),
        # below the right values, all of which are negative
        (_changed(third, p=-0.5), third),
        # another shape that NumPy stretches
        (third | {"q": np.full((4, 3), 2.0)}, third),
        # one place of many
        (_changed(first, a=1e-3 * largest_a), first),
        # the same values in another shape
        (third | {"p": third["p"].reshape(2, 3)}, third),
        (_changed(first, b=np.where(largest_b, np.inf, 0)), first),
        (_changed(first, b=np.where(largest_b, np.nan, 0)), first),
        # the same magnitudes
        (first | {"d": -first["d"]}, first),
        # a third of the limit, more than the mean allows, just the limit
        (_changed(fourth, u=[3e-5, 0.0]), fourth),
        (_changed(fourth, u=[8e-5, 0.0]), fourth),
        (_changed(fourth, s=1e-3), fourth),
        (_changed(fourth, u=[1e-4, 0.0]), fourth),
        (_changed(fourth, v=one_of_400), fourth),
        (dict(fifth), fifth),
    ]


def _careless(differs, shapes=True, last=False):
    """Return a wrong function of two passes: `differs` compares two arrays."""

    def first_difference(found, expected):
        numbers = [
            number
            for number, name in enumerate(expected)
            if (shapes and found[name].shape != expected[name].shape)
            or differs(found[name], expected[name])
        ]
        return (numbers[-1] if last else numbers[0]) if numbers else len(expected)

    return first_difference


def _with_one_limit(found, expected):
    """Return the first layer that is off, measured by the largest of all layers."""
    limit = 1e-4 * max(abs(right).max() for right in expected.values())
    for number, (name, right) in enumerate(expected.items()):
        if found[name].shape != right.shape or not (
            abs(found[name] - right).max() <= limit
        ):
            return number
    return len(expected)


def _differ(found, expected):
    """Tell whether the arrays of a layer differ, as the exercise asks."""
    return (
        found.shape != expected.shape
        or not abs(found - expected).max() <= 1e-4 * abs(expected).max()
    )


exercise(
    "10.1",
    _marks(MISTAKES),
    hints=[
        (
            _marks({1, 7, 10}),
            "These are the lines that are right: put 1 where a line holds a mistake.",
        ),
        (_marks(LINES), "Not every line holds a mistake: redo the sums of each."),
        (
            list(MISTAKES),
            (
                "Not the numbers of the lines are asked for, but a 1 or a 0 for each of"
                " the ten."
            ),
        ),
        (
            [[bool(mark) for mark in row] for row in _marks(MISTAKES)],
            "So it is: write 1 for True and 0 for False.",
        ),
        (_marks(()), "Some lines do hold a mistake: redo the sums of each."),
        *_wrong_marks(),
    ],
)
exercise(
    "10.2",
    _first_difference,
    cases=_pairs_of_passes,
    wrong=[
        # The first seven pass all cases but the last ones: they hide no other slip.
        (
            _careless(
                lambda found, expected: (
                    not abs(found - expected).max() / abs(expected).max() <= 1e-4
                )
            ),
            (
                "In a layer of zeros that divides 0 by 0: compare the difference with"
                " the limit instead."
            ),
        ),
        (
            _careless(
                lambda found, expected: (
                    not abs(found - expected).max() < 1e-4 * abs(expected).max()
                )
            ),
            "A difference of just the limit still agrees: “at most” is `<=`.",
        ),
        (
            _careless(
                lambda found, expected: (
                    not abs(found - expected).max() <= 1e-4 * np.ptp(expected)
                )
            ),
            (
                "That compares with the range of the values: the largest magnitude is"
                " asked for."
            ),
        ),
        (
            _careless(
                lambda found, expected: (
                    not np.linalg.norm(found - expected)
                    <= 1e-4 * np.linalg.norm(expected)
                )
            ),
            (
                "That compares the lengths of vectors: among many right places, a wrong"
                " one hardly shows in them."
            ),
        ),
        (
            _careless(
                lambda found, expected: (
                    not abs(found - expected).max() <= 1e-4 * abs(expected).mean()
                )
            ),
            (
                "The limit is 1/10,000 of the layer's largest magnitude, not of a"
                " typical one."
            ),
        ),
        (
            _careless(
                lambda found, expected: (
                    not abs(found - expected).max() <= 1e-5 * abs(expected).max()
                )
            ),
            (
                "That does not let all differences pass that are at most 1/10,000 of"
                " the largest magnitude."
            ),
        ),
        (
            _careless(
                lambda found, expected: (
                    not abs(abs(found) - abs(expected)).max()
                    <= 1e-4 * abs(expected).max()
                )
            ),
            (
                "Two values of opposite sign have equal magnitudes, and differ:"
                " subtract first."
            ),
        ),
        (
            _careless(
                lambda found, expected: (
                    abs(found - expected).max() > 1e-4 * abs(expected).max()
                )
            ),
            (
                "A NaN is not more than anything: ask whether the difference is at most"
                " the limit."
            ),
        ),
        (
            _careless(
                lambda found, expected: (
                    (found - expected).max() > 1e-4 * abs(expected).max()
                )
            ),
            "A value that is too small differs as well: a difference can be negative.",
        ),
        (
            _careless(
                lambda found, expected: (
                    found.shape != expected.shape or abs(found - expected).max() > 1e-4
                )
            ),
            (
                "That compares with 1/10,000 itself: compare with 1/10,000 of the"
                " layer's largest magnitude."
            ),
        ),
        (
            _careless(
                lambda found, expected: (
                    found.shape != expected.shape
                    or not np.allclose(found, expected, 1e-4, 0)
                )
            ),
            (
                "That compares each value with itself: compare with the layer's largest"
                " magnitude."
            ),
        ),
        (
            _careless(lambda found, expected: (found != expected).any()),
            (
                "The last digits of right implementations differ: allow for a small"
                " difference."
            ),
        ),
        (
            _careless(
                lambda found, expected: (
                    abs(found - expected).max() > 1e-4 * expected.max()
                )
            ),
            "The largest magnitude is not the largest value: values can be negative.",
        ),
        (
            _careless(
                lambda found, expected: (
                    abs(found - expected).mean() > 1e-4 * abs(expected).max()
                )
            ),
            (
                "That is the mean difference: one wrong place among many right ones"
                " counts, too."
            ),
        ),
        (
            _careless(
                lambda found, expected: (
                    abs(abs(found).max() - abs(expected).max())
                    > 1e-4 * abs(expected).max()
                )
            ),
            (
                "Equal values in other places are another output: compare place by"
                " place."
            ),
        ),
        (
            _careless(
                lambda found, expected: (
                    abs(found - expected).max() > 1e-4 * abs(expected).max()
                ),
                shapes=False,
            ),
            (
                "NumPy stretches arrays of different shapes before it subtracts:"
                " compare the shapes first."
            ),
        ),
        (
            _careless(
                lambda found, expected: (
                    found.size != expected.size
                    or abs(found.ravel() - expected.ravel()).max()
                    > 1e-4 * abs(expected).max()
                ),
                shapes=False,
            ),
            "As many values in another shape are another output: compare the shapes.",
        ),
        (
            _careless(
                lambda found, expected: (
                    abs(found - expected).max() > 1e-4 * abs(found).max()
                )
            ),
            (
                "That allows more the larger the wrong values are: compare with the"
                " largest magnitude in `expected`."
            ),
        ),
        (
            _careless(
                lambda found, expected: (
                    not abs(found - expected).max() <= 1e-3 * abs(expected).max()
                )
            ),
            "That lets larger differences pass than 1/10,000 of the largest magnitude.",
        ),
        (
            _with_one_limit,
            (
                "That takes the largest magnitude of all layers: each layer has a limit"
                " of its own."
            ),
        ),
        (
            _careless(_differ, last=True),
            "That is the last layer that differs: the mistake is in the first.",
        ),
        (
            lambda found, expected: _first_difference(found, expected) + 1,
            "That counts from 1: the first layer has the number 0.",
        ),
        (
            lambda found, expected: min(
                _first_difference(found, expected), len(expected) - 1
            ),
            "If no layer differs, the answer is the number of layers.",
        ),
        (
            lambda found, expected: (
                -1
                if (first := _first_difference(found, expected)) == len(expected)
                else first
            ),
            "If no layer differs, return the number of layers instead of −1.",
        ),
        (
            lambda found, expected: sum(
                _differ(found[name], expected[name]) for name in expected
            ),
            "That is how many layers differ: the number of the first one is asked for.",
        ),
    ],
)
# The kernels of conv2, conv4 and conv5 in one tower, and all of its parameters.
_DIVIDED, _ONE_TOWER = (
    5 * 5 * 96 * 256 + 3 * 3 * 384 * 384 + 3 * 3 * 384 * 256,
    62_378_344,
)
exercise(
    "10.3",
    _ONE_TOWER - _DIVIDED * 3 // 4,
    hints=[
        (
            _ONE_TOWER,
            "That is one tower, in which every filter reaches through all channels.",
        ),
        (_ONE_TOWER - _DIVIDED // 2, "That is the paper's network, with two towers."),
        (
            _ONE_TOWER - _DIVIDED // 4,
            "A quarter of these kernels stays, and three quarters go.",
        ),
        (
            _DIVIDED * 3 // 4,
            "So many weights go: subtract them from the number for one tower.",
        ),
        (
            _ONE_TOWER - _DIVIDED // 2 - _DIVIDED * 3 // 4,
            "Two towers have lost half of these kernels already: start from one tower.",
        ),
        (
            _ONE_TOWER - _DIVIDED * 7 // 8,
            "A quarter of the whole depth stays, not a quarter of the half.",
        ),
        (
            _DIVIDED // 4,
            "Those are the kernels of the three layers: add all the other parameters.",
        ),
        (
            _DIVIDED // 4 + 896,
            (
                "Those are the parameters of the three layers: add those of all the"
                " others."
            ),
        ),
        (
            _ONE_TOWER - (_DIVIDED + 256 + 384 + 256) * 3 // 4,
            "Each filter keeps its bias: only the kernels become smaller.",
        ),
        (
            _ONE_TOWER - (_DIVIDED + 3 * 3 * 256 * 384) * 3 // 4,
            "conv3 is not divided: its filters reach through all channels.",
        ),
        (
            _ONE_TOWER - _DIVIDED * 15 // 16,
            (
                "Each filter reaches through a quarter of the channels, but there are"
                " as many filters as before."
            ),
        ),
    ],
)
