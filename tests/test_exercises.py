"""The engine of the exercises, with an exercise of each sort; and what every exercise of the course takes or not."""

import contextlib
import copy
import decimal
import fractions
import functools
import io
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from alexnet_helpers import exercises, load_keras
from alexnet_helpers.exercises import EXERCISES, NotAnswered, Refused, call, check, exercise

SOLUTIONS = Path(__file__).resolve().parent.parent / "notebooks" / "solutions"
FUNCTIONS = sorted(name for name, entry in EXERCISES.items() if callable(entry.right))


def verdict(name, answer):
    """Return what `check` says; that it prints one line, and nothing else, is asserted each time."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        check(name, answer)
    assert err.getvalue() == ""
    line, end, rest = out.getvalue().partition("\n")
    assert (end, rest) == ("\n", "") and line.isprintable()
    start = f"Exercise {name}: "
    assert line.startswith(start)
    return line.removeprefix(start)


# The engine


def _doubled(values, times=2):
    return float(times) * values


@pytest.fixture
def table(monkeypatch):
    """Put an exercise of each sort in the place of the course's."""
    monkeypatch.setattr(exercises.engine, "EXERCISES", {})
    exercise("number", 112, [(113, "You rounded up."), (111.6789, "Half a window?")], remark="Well counted.")
    exercise("large", 1_135_256_096)
    exercise("fraction", 0.123456789, [(0.98765, "Upside down."), (7, "Seven?")])
    exercise("near", 100.0, tolerance=0.05)
    exercise("text", "Same")
    exercise("texts", ("valid", "same"))
    exercise("shape", (55, 55, 96), [((55, 55, 3), "How many filters?")])
    exercise("array", np.eye(3))
    exercise("yes", True, [(False, "Think again.")])
    exercise(
        "function",
        _doubled,
        cases=[(np.array([0.5, 1.0, 2.0]),), (np.arange(20).reshape(4, 5), 3)],
        wrong=[(lambda values, times=2: values, "Twice as much, please.")],
    )
    exercise("examined", judge=lambda function: None if call(function, [1]) == [2] else "Add one.")
    exercise("pair", lambda x: (x, np.int64(3)), cases=[(1.5,)])


RIGHT = [
    ("large", 1_135_256_096),
    ("large", np.float64(1_135_256_096)),
    ("fraction", 0.1234569),
    ("fraction", np.float32(0.123456789)),
    ("fraction", decimal.Decimal("0.123456789")),
    ("fraction", fractions.Fraction(123456789, 10**9)),
    ("near", 96),
    ("text", " same "),
    ("texts", ["Valid", "same"]),
    ("shape", (55, 55, 96)),
    ("shape", np.array([[55, 55, 96]])),
    ("array", [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    ("array", np.eye(3) + 1e-9),
    ("yes", True),
    ("yes", np.True_),
    ("function", lambda x, times=2: x * times),
    ("function", lambda x, times=2: (times * x).tolist()),
    ("function", lambda x, times=2: np.float32(times * x)),
    ("examined", lambda values: [values[0] + 1]),
    ("pair", lambda x: [x, np.uint8(3)]),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_right(table, name, answer):
    assert verdict(name, answer) == "right."


@pytest.mark.parametrize("answer", [112, 112.0, np.int64(112), np.float32(112), [112], np.array(112)])
def test_right_with_a_remark(table, answer):
    assert verdict("number", answer) == "right. Well counted."


WRONG = [
    ("number", 113, "You rounded up."),
    ("number", 111.6789, "Half a window?"),
    ("number", 111.68, "Half a window?"),  # the same, rounded
    ("number", 111.69, "Your number is too small."),
    ("number", 110, "Your number is too small."),
    ("number", 1e9, "Your number is too large."),
    ("number", np.inf, "Your number is too large."),
    ("number", 10**400, "Your number is too large."),
    ("number", "112", "The answer is a number, without quotes."),
    ("number", b"112", "The answer is a number."),
    ("number", np.array(["112"], object), "The answer is a number."),
    ("number", np.timedelta64(112), "The answer is a number."),
    ("number", {1, 2}, "The answer is a number."),
    ("number", 112 + 0j, "The answer is a number."),
    ("number", [1, 2], "The answer is one number, yours 2."),
    ("number", [], "The answer is one number, yours 0."),
    ("number", len, "The answer is a value, yours a function: call it."),
    ("number", float("nan"), "Your answer holds a NaN (not a number)."),
    ("number", np.ma.masked_array([112], mask=[True]), "Your answer holds a NaN (not a number)."),
    ("number", (112, None), "1 of the 2 parts of the answer has no value yet."),
    ("large", 1_135_256_097, "Your number is too large."),
    ("fraction", 0.12345, "Close: give more digits"),  # 5e-5 off
    ("fraction", 0.1234575, "Close: give more digits"),  # 6e-6 off
    ("fraction", 0.988, "Upside down."),
    ("fraction", True, "The answer is a number."),
    ("near", 94, "Your number is too small."),
    ("text", "valid", "Another word is meant."),
    ("text", 3, "The answer is a text, in quotes."),
    ("texts", ("same", "valid"), "Another word is meant."),
    ("shape", (55, 55, 3), "How many filters?"),
    ("shape", (1, 2, 96), "2 of the 3 numbers are off: number 1, number 2 in the row."),
    ("shape", (55, 55, 97), "1 of the 3 numbers is off: number 3 in the row."),
    ("shape", (55, 55), "The answer has the shape (3,), yours (2,)."),
    ("shape", (55, 55, True), "The answer is 3 numbers."),
    ("shape", "55", "The answer is 3 numbers, without quotes."),
    ("array", np.zeros((3, 3)), "3 of the 9 numbers are off."),
    ("array", [[1, 0, 0], [0, 1, None], [..., 0, 1]], "2 of the 9 parts of the answer have no value yet."),
    ("yes", 1, "The answer is True or False."),
    ("yes", False, "Think again."),
    ("function", 3, "The answer is a function: pass its name, without calling it."),
    ("function", int, "The answer is a function, yours a class."),
    ("function", lambda x, times=2: x, "Twice as much, please."),
    (
        "function",
        lambda x, times=2: 2 * x,
        "For values = an array of shape (4, 5) and dtype int64, times = 3: the result",
    ),
    (
        "function",
        lambda x, times=2: 2 * x.ravel(),
        "For values = an array of shape (4, 5) and dtype int64, times = 3: the",
    ),
    ("function", lambda x, times=2: x.sum(), "For values = [0.5, 1.0, 2.0]: the result has the shape (3,), yours ()."),
    ("function", lambda x, times=2: x * np.nan, "For values = [0.5, 1.0, 2.0]: the result holds a NaN (not a number)."),
    ("function", lambda x, times=2: "two", "Your function returned a str; an array of numbers is asked for."),
    ("function", lambda x, times=2: {}, "Your function returned a dict; an array of numbers is asked for."),
    ("function", lambda x, times=2: x > 1, "Your function returned an array of dtype bool; an array of numbers is"),
    ("function", lambda x, times=2: 2 * x + 0j, "Your function returned an array of dtype complex128; an array of num"),
    ("function", lambda x, times=2: ["a"], "Your function returned a list that begins with a str; an array of numbers"),
    ("function", lambda: 3, "Your function raised TypeError"),
    (
        "function",
        lambda x: 1 / 0,
        "Your function raised ZeroDivisionError: division by zero (called with [0.5, 1.0, 2.0])",
    ),
    ("function", lambda x: [].pop(), "Your function raised IndexError: pop from empty list"),
    ("function", lambda x: exit(), "Your function raised SystemExit"),
    ("examined", lambda values: [3], "Add one."),
    ("pair", lambda x: x, "Your function returned a float; 2 results are asked for."),
    ("pair", lambda x: (x, 3.0), "The value is right, but it has to be an integer, and yours is float64."),
    ("pair", lambda x: (x, 4), "For x = 1.5: result 2 4 is too large."),
]


@pytest.mark.parametrize(("name", "answer", "hint"), WRONG)
def test_wrong(table, name, answer, hint):
    assert verdict(name, answer).startswith(f"not yet. {hint}")


def test_true_is_not_the_number_one(table):
    exercise("one", 1)
    assert verdict("one", True) == "not yet. The answer is a number."


@pytest.mark.parametrize("name", ["number", "text", "array", "shape"])
@pytest.mark.parametrize("answer", [None, ..., (None, None), [..., ...], [[None], (...,)]])
def test_no_answer(table, name, answer):
    assert verdict(name, answer) == "no answer yet."


@pytest.mark.parametrize("answer", [None, ..., lambda x: ..., lambda x: None])
def test_unfinished_function(table, answer):
    assert verdict("function", answer) == "no answer yet."


def test_a_function_that_forgets_to_return(table):
    def only_a_docstring(x, times=2):
        """Double it."""

    def forgets(x, times=2):
        2 * x[0]

    def text(x, times=2):
        return "text"

    assert verdict("function", only_a_docstring) == "no answer yet."
    assert verdict("function", forgets) == "no answer yet. Your function gives None: is `return` missing?"
    assert verdict("function", text).startswith("not yet. Your function returned a str")


def test_long_messages_of_a_function_are_cut_to_one_line(table):
    def answer(x):
        raise RuntimeError("first\nsecond")

    assert verdict("function", answer).startswith("not yet. Your function raised RuntimeError: first (called with")


def test_a_function_that_changes_its_argument_is_told_so(table):
    def answer(x, times=2):
        x *= 0  # twice this would be 0 as well
        return x

    def add_one(values):
        values[0] += 1
        return values

    changed = "not yet. Your function changes the argument that is passed: work on a copy of it."
    assert verdict("function", answer) == verdict("examined", add_one) == changed


def test_call_passes_copies_and_tells_what_went_wrong():
    given = [np.zeros(2), {"a": [1]}]
    assert call(lambda x, key: [x, key], given[0], key=given[1])[0] is not given[0]
    with pytest.raises(NotAnswered):
        call(lambda: None)
    for change in (lambda x, key: key["a"].append(1), lambda x, key: x.fill(1), lambda x, key: key.pop("a")):
        with pytest.raises(Refused, match="changes the argument"):
            call(change, given[0], key=given[1])
    assert given[1] == {"a": [1]} and not given[0].any()
    with pytest.raises(ValueError, match="function must be a function, got 3"):
        call(3)


@pytest.mark.parametrize("name", ["99.1", "", 1.2, None, ["number"], b"number"])
def test_unknown_exercise(table, name):
    with pytest.raises(ValueError, match=r"name must be the number of an exercise, 'array' to 'yes', got "):
        check(name, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": ""}, "name must be a text, got ''"),
        ({"right": np.nan}, "right must be finite numbers, a text or texts, or a function, got nan"),
        ({"right": []}, "right must be finite numbers, a text or texts, or a function, got []"),
        ({"right": 1j}, "right must be finite numbers, a text or texts, or a function, got 1j"),
        ({"tolerance": 0}, "tolerance must be a positive number, got 0"),
        ({"remark": None}, "remark must be a text, got None"),
        ({"hints": [(1, 2)]}, "hints must be a list of pairs (wrong answer, hint), got [(1, 2)]"),
        ({"hints": "no"}, "hints must be a list of pairs (wrong answer, hint), got 'no'"),
        ({"cases": [(1,)]}, "cases and wrong must be left out where the answer is a value"),
        ({"right": len, "hints": [(1, "One?")]}, "hints must be left out where the answer is a function"),
        ({"right": len, "wrong": [(1, "One?")]}, "wrong must be a list of pairs (function, hint)"),
        ({"right": len, "cases": [1]}, "cases must be a list of tuples of arguments, got [1]"),
        ({"right": None}, "right must be finite numbers, a text or texts, or a function, got None"),
        ({"right": len}, "cases must be given where the answer is a function (or `judge`, in place of both), got ()"),
        ({"right": len, "wrong": [(abs, "One?")]}, "cases must be given where the answer is a function"),
        ({"judge": len}, "right must be left out with `judge`, got 1"),
        ({"right": None, "judge": 3}, "judge must be a function, got 3"),
        ({"right": None, "judge": len, "cases": [(1,)]}, "cases must be left out with `judge`, got [(1,)]"),
        ({"right": None, "judge": len, "tolerance": 0.1}, "tolerance must be left out with `judge`, got 0.1"),
        (
            {"right": None, "judge": len, "hints": [(1, "One?")]},
            "hints must be left out where the answer is a function",
        ),
    ],
)
def test_an_exercise_is_checked_when_it_is_entered(table, arguments, message):
    with pytest.raises(ValueError) as error:
        exercise(**{"name": "a", "right": 1} | arguments)
    assert str(error.value).startswith(message)
    assert "a" not in exercises.engine.EXERCISES


def test_an_exercise_is_not_entered_twice(table):
    before = exercises.engine.EXERCISES["large"]
    with pytest.raises(ValueError, match=r"^name must be one that no other exercise has, got 'large'"):
        exercise("large", 7)
    assert exercises.engine.EXERCISES["large"] is before


@settings(deadline=None, max_examples=50)
@given(st.recursive(st.none() | st.floats() | st.text() | st.booleans() | st.binary() | st.complex_numbers(), st.lists))
def test_nothing_that_is_passed_raises(answer):
    for name in ("01.1", "05.3", "02.3", "11.3"):
        assert verdict(name, answer).startswith(("not yet.", "no answer yet."))


# The exercises of the course


@pytest.fixture(scope="module")
def solutions():
    """Run the notebooks of solutions, and return what they pass to `check`."""
    answers = {}
    for path in sorted(SOLUTIONS.glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        names = {"np": np, "plt": plt, "keras": load_keras(), "check": answers.__setitem__}
        last = max(number for number, source in enumerate(code) if "check(" in source)
        with contextlib.redirect_stdout(io.StringIO()):
            for source in code[1 : last + 1]:  # the first is the setup cell
                exec(source, names)
    return answers


def test_every_solution_is_right(solutions):
    assert sorted(solutions) == sorted(EXERCISES)
    for name, answer in solutions.items():
        assert verdict(name, answer).startswith("right."), name


@pytest.mark.parametrize("name", sorted(EXERCISES))
def test_each_usual_slip_gets_its_own_hint(name):
    entry = EXERCISES[name]
    assert verdict(name, None) == "no answer yet."
    assert name not in FUNCTIONS or verdict(name, lambda *arguments: ...) == "no answer yet."
    slips = entry.wrong if callable(entry.right) else entry.hints
    assert len(slips) >= (1 if entry.right is True else 3 if callable(entry.right) else 5)
    for answer, hint in slips:
        found = verdict(name, answer)  # an earlier hint, or the right answer itself, would hide this one
        assert found.startswith("not yet. ") and hint in found
        assert callable(answer) or found == f"not yet. {hint}"
        assert callable(answer) or verdict(name, np.asarray(answer)) == found


def fail(*arguments, **named):
    raise RuntimeError("not for you")


def odd_object(*names):
    """Return an object that raises when one of these methods is called."""
    return type("Odd", (), dict.fromkeys(names, fail))()


class OddList(list):
    def __iter__(self):
        raise RuntimeError("not for you")


class OddText(str):
    def strip(self):
        raise SystemExit


def endless():
    while True:
        yield 1


itself = []
itself.append(itself)

ODD = [
    np.nan, np.inf, -np.inf, 1j, 112 + 0j, "55", "", "\udcff\n\r\0", b"55", [True, False], [], {}, (), set(), [[]],
    [1, [2, 3]], [np.nan] * 3, object(), int, endless(), range(3), np.float64("nan"), np.zeros(0), np.zeros((2, 0)),
    np.full((2, 2), np.nan), np.zeros((3, 3, 3)), np.array("55"), np.array(object()), np.array([None, 1]),
    np.ma.masked_all(3), np.datetime64("2012-09-30"), np.timedelta64(5), np.float16(np.inf), 10**400, -(10**400),
    decimal.Decimal("sNaN"), [True, 1], ["1", 1], [None, 1], itself, OddList([1]), OddText("a"), ValueError,
    odd_object("__array__"), odd_object("__eq__"), odd_object("__repr__"), odd_object("__len__", "__iter__"),
    odd_object("__getattribute__"), odd_object("__float__", "__index__"), odd_object("__bool__", "__hash__"),
]  # fmt: skip


def returning(answer):
    return lambda *arguments, **named: answer


def raising(error):
    def fails(*arguments, **named):
        raise error

    return fails


@pytest.mark.parametrize("name", sorted(EXERCISES))
def test_odd_answers_are_told_apart_from_right_ones(name):
    for answer in ODD:
        assert verdict(name, answer).startswith("not yet. "), repr(type(answer))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_function_returns_is_not_what_it_raises(name):
    for answer in ODD:
        found = verdict(name, returning(answer))
        assert found.startswith("not yet. ") and "raised" not in found, repr(type(answer))
    for error in (ValueError("\udcff\n"), SystemExit(), type("E", (Exception,), {"__str__": fail})()):
        assert verdict(name, raising(error)).startswith("not yet. Your function raised ")


def parts(result):
    return list(result) if isinstance(result, tuple) else [result]


def equal(one, other):
    try:
        pairs = list(zip(map(np.asarray, parts(one)), map(np.asarray, parts(other)), strict=True))
        return all(a.shape == b.shape and a.dtype == b.dtype and (a == b).all() for a, b in pairs)
    except ValueError:
        return False


def in_each_part(change):
    def changed(result):
        new = [change(np.array(part)) for part in parts(result)]
        return tuple(new) if isinstance(result, tuple) else new[0]

    return changed


def with_nan(part):
    part = part.astype(float)
    part.flat[part.size // 2] = np.nan
    return part


def whole(part):
    return part.astype(int) if part.dtype.kind == "f" and (part != np.floor(part)).any() else part


CORRUPTIONS = {
    "plus one": in_each_part(lambda part: part + 1),
    "a bit more": in_each_part(lambda part: part * 1.001 + 0.001),
    "a very little more": in_each_part(lambda part: part * 1.0005),
    "twice": in_each_part(lambda part: part * 2),
    "negative": in_each_part(lambda part: -part.astype(float)),
    "transposed": in_each_part(np.transpose),
    "reversed": in_each_part(lambda part: part[::-1] if part.ndim else part),
    "one axis more": in_each_part(lambda part: part[None]),
    "as text": in_each_part(lambda part: part.astype(str)),
    "as bytes": in_each_part(lambda part: part.astype("S")),
    "as complex numbers": in_each_part(lambda part: part.astype(complex)),
    "as Booleans": in_each_part(lambda part: part.astype(bool)),
    "as objects that hold texts": in_each_part(lambda part: part.astype(str).astype(object)),
    "in whole numbers": in_each_part(whole),
    "NaN in one place": in_each_part(with_nan),
    "infinite": in_each_part(lambda part: part * np.inf),
    "the first number": in_each_part(lambda part: part.flat[0] if part.ndim else part),
    "all but the last": in_each_part(lambda part: part[:-1] if part.ndim else part),
    "the first part": lambda result: parts(result)[0],
    "the parts exchanged": lambda result: result[::-1] if isinstance(result, tuple) else result,
    "the whole result again": lambda result: (result, result),
    "in a dict": lambda result: {"result": result},
}


# Another scale does as well; random numbers in another order, or a thousandth off, are random numbers as good.
STILL_RIGHT = {
    *(("06.2", what) for what in ("twice", "a bit more", "a very little more")),
    *(("07.2", what) for what in ("a bit more", "a very little more", "reversed")),
    ("05.2", "as Booleans"),
    ("11.1", "reversed"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_solution_with_another_result_is_refused(solutions, name):
    for what, change in CORRUPTIONS.items():
        differs = []

        def corrupted(*arguments, change=change, differs=differs):
            result = solutions[name](*arguments)
            new = change(result)
            differs.append(not equal(result, new))
            return new

        found = verdict(name, corrupted)
        still_right = not any(differs) or (name, what) in STILL_RIGHT
        assert found.startswith("right." if still_right else "not yet. "), what


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_solution_that_does_not_look_at_an_argument_is_refused(solutions, name):
    """Each argument in turn is that of the first call ever after; and so is the result."""
    first = []

    def remembers(*arguments):
        first.append([copy.copy(arguments), solutions[name](*arguments)])
        return first[0][1]

    assert verdict(name, remembers).startswith("not yet. ")
    for place in range(len(first[0][0]) if first else 0):
        differs = []

        def forgets(*arguments, place=place, differs=differs):
            differs.append(not equal(arguments[place], first[0][0][place]))
            return solutions[name](*arguments[:place], first[0][0][place], *arguments[place + 1 :])

        assert verdict(name, forgets).startswith("not yet. ") and any(differs), place


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_solution_that_changes_an_argument_is_refused(solutions, name):
    def changes(*arguments):
        result = copy.copy(solutions[name](*arguments))
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                argument[...] = 0
            elif isinstance(argument, list):
                argument.append((1, 1, 1))
        changes.possible = any(isinstance(argument, (np.ndarray, list)) for argument in arguments)
        return result

    found = verdict(name, changes)
    assert ("changes the argument" in found) == changes.possible


@pytest.mark.parametrize("number", [1_600, 8_000, 10_000, 16_000, 32_000, 40_000, 80_000])
def test_each_usual_number_of_images_gets_a_hint_of_its_own(number):
    assert not verdict("11.3", number).startswith(("right", "not yet. Your number is"))


def test_positions_classes_and_pixels_have_to_be_integers(solutions):
    for name in ("11.1", "13.2"):
        as_floats = in_each_part(lambda part: part.astype(float))
        assert verdict(name, lambda *a, name=name: as_floats(solutions[name](*a))).startswith("not yet. ")  # noqa: B023


@pytest.mark.parametrize("name", ["05.3"])
def test_a_whole_number_may_be_a_float(solutions, name):
    assert verdict(name, lambda *arguments: float(solutions[name](*arguments))) == "right."


ALSO_RIGHT = {
    "02.3": lambda x, weights, bias, stride, padding: np.stack(
        [
            [
                np.tensordot(one[at : at + len(weights)], weights, 2) + bias
                for at in range(0, len(one) - len(weights) + 1, stride)
            ]
            for one in np.pad(x, [(0, 0), (padding, padding), (0, 0)])
        ]
    ),
    "03.3": lambda weights, biases: (
        np.linalg.multi_dot([*weights, np.eye(weights[-1].shape[1])]),
        functools.reduce(lambda row, layer: row @ layer[0] + layer[1], zip(weights, biases), np.zeros(len(weights[0]))),
    ),
    "07.2": lambda shape, rng, rate=0.5: 1 + np.sqrt(3 * rate / (1 - rate)) * rng.uniform(-1, 1, shape),
    "07.3": lambda x, rate, training, rng: x * rng.binomial(1, 1 - rate, x.shape) if training else (1 - rate) * x,
    "08.4": lambda z, labels: np.mean([np.logaddexp.reduce(row) - row[k] for row, k in zip(z, labels)]),
    "09.3": lambda dy, x, size, stride: sum(
        np.pad(
            np.kron(dy[:, i : i + 1, j : j + 1], np.full((1, size, size, 1), size**-2.0)),
            [(0, 0), *[(at * stride, side - at * stride - size) for at, side in zip((i, j), x.shape[1:3])], (0, 0)],
        )
        for i, j in np.ndindex(dy.shape[1:3])
    ),
    "11.2": lambda scores, others: (
        (found := stats.ttest_rel(scores, others).confidence_interval(0.95)).low / 2 + found.high / 2,
        (found.high - found.low) / 2,
    ),
    "12.2": lambda first, second: float(
        np.mean(sum(np.abs(outputs).reshape(-1, outputs.shape[-1]).sum(axis=0) for outputs in (first, second)) == 0)
    ),
    "13.3": lambda first, second: (
        sum(second) / len(second) - sum(first) / len(first),
        float(np.hypot(*(np.std(runs, ddof=1) / len(runs) ** 0.5 for runs in (first, second)))),
    ),
    "14.2": lambda maps, gradient: [
        [max(0, float(place @ slope)) for place, slope in zip(*rows)] for rows in zip(maps, gradient)
    ],
    "14.3": lambda scores, labels: [row[k] - max(np.delete(row, k)) for row, k in zip(scores, labels)],
    "16.2": lambda change, base, comparisons: (
        (stats.ttest_ind(change, base, equal_var=False).pvalue < 0.05 / comparisons)
        * np.sign(np.mean(list(change)) - np.mean(list(base)))
    ),
    "17.3": lambda gradients: (
        *(
            [
                [
                    sum(
                        gradients[(p + j) % len(gradients), p]
                        for j in range(len(gradients) if a_round_later and p == d else (d - p) % len(gradients) + 1)
                    )
                    for p in range(len(gradients))
                ]
                for d in range(len(gradients))
            ]
            for a_round_later in (False, True)
        ),
        [gradients.sum(axis=0)] * len(gradients),
    ),
}


def test_two_results_are_asked_for(solutions):
    for part in (0, 1):
        one = lambda weights, biases, part=part: solutions["03.3"](weights, biases)[part]  # noqa: E731
        assert "Return two things" in verdict("03.3", one)
    assert "has the shape" in verdict("03.3", lambda w, b: (solutions["03.3"](w, b)[0], np.zeros((2, 2))))


@pytest.mark.parametrize("name", sorted(ALSO_RIGHT))
def test_other_ways_to_write_a_function_are_right_too(name):
    assert verdict(name, ALSO_RIGHT[name]).startswith("right.")


OTHER_NOISE = {
    "two values": lambda shape, rng: ((rng.random(shape) < 0.1) - 0.1) / 0.3,
    "three values": lambda shape, rng: np.sqrt(1.5) * rng.integers(-1, 2, shape) + 1e-3,
    "two values, one of them rare": lambda shape, rng: ((rng.random(shape) < 0.02) - 0.02) / 0.14,
    "a long tail": lambda shape, rng: rng.exponential(1, shape) - 1,
}


@pytest.mark.parametrize("kind", OTHER_NOISE)
def test_noise_of_any_distribution_is_right_if_mean_and_variance_are(kind):
    def noise(shape, rng, rate=0.5):
        return 1 + np.sqrt(rate / (1 - rate)) * OTHER_NOISE[kind](shape, rng)

    def shared(shape, rng, rate=0.5):
        return np.broadcast_to(noise((shape[0], *[1] * (len(shape) - 1)), rng, rate), shape)

    assert verdict("07.2", noise).startswith("right.")
    assert "used more than once" in verdict("07.2", shared)


def test_noise_with_rare_large_values_is_judged_on_many_numbers():
    def lognormal(shape, rng, rate=0.5):
        spread = np.log(1 + rate / (1 - rate))
        return rng.lognormal(-spread / 2, np.sqrt(spread), shape)

    assert verdict("07.2", lognormal).startswith("right.")
    assert "do not show the variance" in verdict("07.2", lambda shape, rng, rate=0.5: rng.standard_cauchy(shape))


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("08.2", 1.630, "right."),
        ("08.2", 1.629, "not yet. Close"),
        ("03.2", 25.5, "right."),
        ("03.2", 25.4, "not yet. Close"),
        ("03.2", 25.56, "not yet. 0.75 is a power"),
        ("03.2", 25.6, "not yet. 0.75 is a power"),
        ("03.2", 0.0547, "not yet. α is missing"),
        ("03.2", 35.53, "not yet. The sum of squares is used as it is"),
        ("03.2", 45.11, "not yet. The power is 0.75, not 0.25"),
        # what simulations give in place of the slips: they differ from run to run
        ("16.1", 4.29, "not yet. That is in deviations"),
        ("16.1", 1.065, "not yet. With a known deviation"),
        ("16.1", 0.891, "not yet. That takes the spread of all four runs"),
        ("16.1", 1.24, "not yet. Either you multiplied by the variance"),
        ("16.1", 1.96, "not yet. Divide the difference of each world"),
        ("16.3", " nesterov Momentum", "right."),
        ("16.3", "Nesterov", "not yet. Give the whole name"),
        ("16.3", "batch normalization instead", "not yet. It trains better, but it changes the network"),
        ("16.3", "Glorot initial weights", "not yet. By the rule it does not train better"),
        ("17.2", 151, "not yet. "),
    ],
)
def test_answers_are_as_exact_as_the_exercise_asks(name, answer, hint):
    assert verdict(name, answer).startswith(hint)
