"""`exercise` enters an exercise into the table, and `check` compares an answer with it."""

from typing import Any, NamedTuple

from alexnet_helpers import checks
from alexnet_helpers.exercises.functions import hint_for_a_function
from alexnet_helpers.exercises.values import as_texts, hint_for_a_value, is_finite
from alexnet_helpers.exercises.words import NotAnswered, Refused, one_line, type_name


class Exercise(NamedTuple):
    """What `check` knows of one exercise; see `exercise` for the fields."""

    right: Any
    hints: tuple
    tolerance: float | None
    remark: str
    cases: Any
    wrong: tuple


EXERCISES = {}  # the name of each exercise, and its Exercise


def exercise(name, right, hints=(), tolerance=None, remark="", cases=(), wrong=()):
    """Enter an exercise into the table.

    Parameters
    ----------
    name : such as "01.2".
    right : the expected number, True or False, text, sequence or array. When the answer is a
        function, a function that does the same, to be compared in each of the `cases`; where it
        returns a NumPy integer or an array of float32 or of integers, that type is asked for as
        well. Without cases, a function that takes the learner's, and returns None when it is right
        and else a hint.
    hints : pairs (wrong answer, hint). An integer stands for itself, a fraction for what rounds to it.
    tolerance : the largest difference that counts as equal, over the largest expected number; None
        for 1e-6 (1e-5 for what a function returns), and for next to nothing where integers are
        expected.
    remark : a sentence printed after "right.".
    cases : tuples of arguments, or a function that makes them when they are needed. All of
        them have to come out right.
    wrong : pairs (wrong function, its hint): the usual slips. A learner's function that is wrong
        and does in one of the cases as such a function does gets its hint.
    """
    checks.text("name", name)
    if tolerance is not None:
        checks.number("tolerance", tolerance, above=0)
    if not isinstance(remark, str):
        checks.refuse("remark", "a text", remark)
    if not callable(right) and not is_finite(right) and as_texts(right) is None:
        checks.refuse("right", "finite numbers, a text or texts, or a function", right)
    hints = _tuple("hints", hints, "pairs (wrong answer, hint)", _is_pair)
    wrong = _tuple(
        "wrong",
        wrong,
        "pairs (function, hint)",
        lambda pair: _is_pair(pair) and callable(pair[0]),
    )
    if not callable(cases):
        cases = _tuple(
            "cases", cases, "tuples of arguments", lambda case: isinstance(case, tuple)
        )
    if callable(right) and hints:
        checks.refuse(
            "hints", "left out where the answer is a function (see `wrong`)", hints
        )
    if not callable(right) and (cases or wrong):
        checks.refuse(
            "cases and wrong",
            "left out where the answer is a value (see `hints`)",
            cases or wrong,
        )
    EXERCISES[name] = Exercise(right, hints, tolerance, remark, cases, wrong)


def _tuple(name, value, needed, fits):
    if not isinstance(value, (list, tuple)) or not all(map(fits, value)):
        checks.refuse(name, f"a list of {needed}", value)
    return tuple(value)


def _is_pair(pair):
    return (
        isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[1], str)
    )


def check(name, answer):
    """Print whether an answer is right, and a hint when it is not.

    Parameters
    ----------
    name : the number of the exercise, such as "01.2".
    answer : a number, text, sequence, array or function; None or ... (alone, or in each place of a
        sequence) while there is none. It is never changed, and whatever it is, nothing is raised.

    Raises
    ------
    ValueError : for an exercise that does not exist.
    """
    if not isinstance(name, str) or name not in EXERCISES:
        first, last = min(EXERCISES, default="?"), max(EXERCISES, default="?")
        checks.refuse("name", f"the number of an exercise, {first!r} to {last!r}", name)
    verdict = _verdict(EXERCISES[name], answer)
    remark = EXERCISES[name].remark if verdict == "right." else ""
    print(f"Exercise {name}: {verdict} {remark}".rstrip())


def _verdict(entry, answer):
    try:
        hint = (
            hint_for_a_function(entry, answer)
            if callable(entry.right)
            else hint_for_a_value(entry, answer)
        )
    except NotAnswered as unanswered:
        return f"no answer yet. {unanswered}".strip()
    except Refused as refused:
        hint = str(refused)
    except (Exception, SystemExit):  # an object may raise anything when it is looked at
        what = (
            "What your function returned"
            if callable(answer)
            else f"This {type_name(answer)}"
        )
        hint = f"{what} cannot be read."
    return "right." if hint is None else f"not yet. {one_line(hint)}"
