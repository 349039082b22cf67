"""The engine of the exercises, with an exercise of each sort, and rules for the whole table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alexnet_helpers import exercises
from alexnet_helpers.exercises import EXERCISES, call, check, exercise


@pytest.fixture(autouse=True)
def _own_table(monkeypatch):
    monkeypatch.setattr(exercises, "EXERCISES", {})
    exercise("number", 112, [(113, "You rounded up."), (111.5, "Half a window?")], remark="Well counted.")
    exercise("large", 1_135_256_096)
    exercise("fraction", 0.123456789)
    exercise("near", 100.0, tolerance=0.05)
    exercise("text", "Same")
    exercise("texts", ("valid", "same"))
    exercise("shape", (55, 55, 96), [((55, 55, 3), "How many filters?")])
    exercise("array", np.eye(3))
    exercise("yes", True)
    exercise("function", _doubles)


def _doubles(function):
    numbers = np.arange(3.0)
    if not np.array_equal(call(function, numbers), 2 * numbers):
        return "Twice as much, please."
    return None


def verdict(capsys, name, answer):
    check(name, answer)
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert err == ""
    start = f"Exercise {name}: "
    assert out.startswith(start)
    return out.removeprefix(start).rstrip("\n")


RIGHT = [
    ("large", 1_135_256_096),
    ("large", np.float64(1_135_256_096)),
    ("fraction", 0.12345679),
    ("near", 96),
    ("text", " same "),
    ("texts", ["Valid", "same"]),
    ("shape", (55, 55, 96)),
    ("shape", np.array([[55, 55, 96]])),
    ("array", [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    ("array", np.eye(3) + 1e-9),
    ("yes", True),
    ("yes", np.True_),
    ("function", lambda x: x + x),
]


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_right(capsys, name, answer):
    assert verdict(capsys, name, answer) == "right."


@pytest.mark.parametrize("answer", [112, 112.0, np.int64(112), np.float32(112), [112], np.array(112)])
def test_right_with_a_remark(capsys, answer):
    assert verdict(capsys, "number", answer) == "right. Well counted."


WRONG = [
    ("number", 113, "You rounded up."),
    ("number", 111.5, "Half a window?"),
    ("number", 110, "Your number is too small."),
    ("number", 1e9, "Your number is too large."),
    ("number", "112", "The answer is a number, without quotes."),
    ("number", {1, 2}, "The answer is a number."),
    ("number", 10**400, "The answer is a number."),
    ("number", 1j, "The answer is a number."),
    ("number", [1, 2], "The answer is one number, yours 2."),
    ("number", len, "The answer is a value, yours a function: call it."),
    ("number", float("nan"), "Your answer holds a NaN (not a number)."),
    ("number", (112, None), "1 of the 2 parts of the answer have no value yet."),
    ("large", 1_135_256_097, "Your number is too large."),
    ("fraction", 0.123, "Close: give more digits."),
    ("fraction", True, "The answer is a number."),
    ("text", "valid", "Another word is meant."),
    ("text", 3, "The answer is a text, in quotes."),
    ("texts", ("same", "valid"), "Another word is meant."),
    ("shape", (55, 55, 3), "How many filters?"),
    ("shape", (1, 2, 96), "2 of the 3 numbers are off."),
    ("shape", (55, 55), "The answer has the shape (3,), yours (2,)."),
    ("shape", "55", "The answer is 3 numbers, without quotes."),
    ("array", np.zeros((3, 3)), "3 of the 9 numbers are off."),
    ("yes", 1, "The answer is True or False."),
    ("yes", False, "The answer is True or False."),
    ("function", 3, "The answer is a function: pass its name, without calling it."),
    ("function", lambda x: x, "Twice as much, please."),
    ("function", lambda: 3, "Your function raised TypeError"),
    ("function", lambda x: 1 / 0, "Your function raised ZeroDivisionError: division by zero"),
    ("function", lambda x: [].pop(), "Your function raised IndexError: pop from empty list"),
]


@pytest.mark.parametrize(("name", "answer", "hint"), WRONG)
def test_wrong(capsys, name, answer, hint):
    assert verdict(capsys, name, answer).startswith(f"not yet. {hint}")


def test_true_is_not_the_number_one(capsys):
    exercise("one", 1)
    assert verdict(capsys, "one", True) == "not yet. The answer is a number."


@pytest.mark.parametrize("name", ["number", "text", "array", "shape", "function"])
@pytest.mark.parametrize("answer", [None, ..., (None, None), [..., ...]])
def test_no_answer(capsys, name, answer):
    assert verdict(capsys, name, answer) == "no answer yet."


@pytest.mark.parametrize("answer", [lambda x: ..., lambda x: None])
def test_unfinished_function(capsys, answer):
    assert verdict(capsys, "function", answer) == "no answer yet."


def test_a_function_that_forgets_to_return(capsys):
    def only_a_docstring(x):
        """Double it."""

    def forgets(x):
        2 * x[0]

    assert verdict(capsys, "function", only_a_docstring) == "no answer yet."
    assert verdict(capsys, "function", forgets) == "no answer yet. Your function gives None: is `return` missing?"


def test_long_messages_of_a_function_are_cut_to_one_line(capsys):
    def answer(x):
        raise RuntimeError("first\nsecond")

    assert verdict(capsys, "function", answer) == "not yet. Your function raised RuntimeError: first"


def test_a_function_that_changes_its_argument_cannot_change_the_expected_value(capsys):
    def answer(x):
        x *= 0  # twice this would be 0 as well
        return x

    assert verdict(capsys, "function", answer) == "not yet. Twice as much, please."


def test_unknown_exercise():
    with pytest.raises(ValueError, match=r"name='99.1': allowed are array, fraction"):
        check("99.1", 1)


@settings(deadline=None, max_examples=100)
@given(st.recursive(st.none() | st.floats() | st.text() | st.booleans() | st.binary() | st.complex_numbers(), st.lists))
def test_nothing_that_is_passed_raises(answer):
    for name, (right, hints, tolerance, _) in exercises.EXERCISES.items():
        found = exercises._verdict(right, hints, tolerance, answer)
        assert found.startswith(("right.", "not yet.", "no answer yet.")), name


@pytest.mark.parametrize("name", sorted(EXERCISES))
def test_exercises_of_the_course_are_well_made(name):
    right, hints, tolerance, _ = EXERCISES[name]
    assert exercises._verdict(right, hints, tolerance, None) == "no answer yet."
    if callable(right):
        assert exercises._verdict(right, hints, tolerance, lambda *a, **k: ...) == "no answer yet."
        return
    assert exercises._verdict(right, hints, tolerance, right) == "right."
    for wrong, hint in hints:
        # An earlier hint, or the right answer itself, would hide this one.
        assert exercises._verdict(right, hints, tolerance, wrong) == f"not yet. {hint}"
