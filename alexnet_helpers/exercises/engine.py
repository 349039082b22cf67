"""`exercise` enters an exercise into the table; `check` compares an answer with it."""

from typing import Any, NamedTuple

from alexnet_helpers import checks
from alexnet_helpers.exercises.functions import hint_for_a_function
from alexnet_helpers.exercises.values import as_texts, hint_for_a_value, is_finite
from alexnet_helpers.exercises.words import NotAnswered, Refused, one_line, type_name


class Exercise(NamedTuple):
    """What `check` knows of one exercise; see `exercise` for the fields."""

    right: Any  # the judge, in an exercise that has one
    hints: tuple
    tolerance: float | None
    remark: str
    cases: Any  # empty with a value, and with a judge
    wrong: tuple


EXERCISES = {}  # the name of each exercise, and its Exercise


def exercise(
    name,
    right=None,
    hints=(),
    tolerance=None,
    remark="",
    cases=(),
    wrong=(),
    judge=None,
):
    """Enter an exercise into the table.

    Parameters
    ----------
    name : str
        Such as "01.2"; one that is in the table is refused.
    right : number, bool, str, sequence, ndarray or function, optional
        The right answer. A learner's function is compared with this one in each of the
        `cases`; where this one returns a NumPy integer, or an array of float32 or of
        integers, the type counts as well; where it returns True and False, 1 and 0 will
        do. Learners see the names of its parameters in hints.
    hints : list of tuple
        Pairs (wrong answer, hint). An integer stands for itself, a fraction also for
        its own roundings, to two digits or more, and for what is within `tolerance`.
    tolerance : float, optional
        The largest difference that counts as equal, over the largest expected number.
        Without it, integers have to be equal; of other numbers, 1e-6 is allowed (1e-5
        for what a function returns).
    remark : str
        A sentence to be printed after "right.".
    cases : list of tuple, or function
        The arguments of each call, or a function that returns them.
    wrong : list of tuple
        Pairs (wrong function, hint): the usual slips. A learner's function gets the
        hint if, in a case that it gets wrong, it does what the wrong function does.
    judge : function, optional
        In place of `right` and `cases`: it takes the learner's function, and returns
        None if that is right and else a hint. (It gives the hints of `wrong` itself;
        the course's tests hand it those functions.)

    Examples
    --------
    >>> exercise("99.1", 55, hints=[(54, "Count the first window, too.")])
    >>> check("99.1", 54)
    Exercise 99.1: not yet. Count the first window, too.
    >>> del EXERCISES["99.1"]
    """
    checks.text("name", name)
    if name in EXERCISES:
        checks.refuse("name", "one that no other exercise has", name)
    if judge is not None:
        _check_judge(judge, {"right": right, "tolerance": tolerance, "cases": cases})
        right = judge
    if tolerance is not None:
        checks.number("tolerance", tolerance, above=0)
    if not isinstance(remark, str):
        checks.refuse("remark", "a text", remark)
    if not callable(right) and not is_finite(right) and as_texts(right) is None:
        checks.refuse("right", "finite numbers, a text or texts, or a function", right)
    hints = _tuple("hints", hints, "pairs (wrong answer, hint)", _is_pair)
    wrong = _tuple("wrong", wrong, "pairs (function, hint)", _is_pair_with_function)
    if not callable(cases):
        cases = _tuple("cases", cases, "tuples of arguments", _is_tuple)
    if callable(right) and hints:
        needed = "left out where the answer is a function (see `wrong`)"
        checks.refuse("hints", needed, hints)
    if not callable(right) and (cases or wrong):
        needed = "left out where the answer is a value (see `hints`)"
        checks.refuse("cases and wrong", needed, cases or wrong)
    if callable(right) and judge is None and not cases:
        needed = "given where the answer is a function (or `judge`, in place of both)"
        checks.refuse("cases", needed, cases)
    EXERCISES[name] = Exercise(right, hints, tolerance, remark, cases, wrong)


def _check_judge(judge, others):
    checks.function("judge", judge)
    for name, value in others.items():
        if value is not None and value != ():
            checks.refuse(name, "left out with `judge`", value)


def _tuple(name, value, needed, fits):
    if not isinstance(value, (list, tuple)) or not all(map(fits, value)):
        checks.refuse(name, f"a list of {needed}", value)
    return tuple(value)


def _is_tuple(value):
    return isinstance(value, tuple)


def _is_pair(pair):
    is_sequence = isinstance(pair, (list, tuple))
    return is_sequence and len(pair) == 2 and isinstance(pair[1], str)


def _is_pair_with_function(pair):
    return _is_pair(pair) and callable(pair[0])


def check(name, answer):
    """Print whether an answer is right, and a hint if it is not.

    Parameters
    ----------
    name : str
        The number of the exercise, such as "01.2".
    answer : number, str, sequence, ndarray, function or None
        It is never changed, and whatever it is, nothing is raised. While there is no
        answer, pass None or `...`, alone or in each place of a sequence.

    Examples
    --------
    >>> check("01.1", ...)
    Exercise 01.1: no answer yet.
    >>> check("01.1", 113)
    Exercise 01.1: not yet. That rounds up: half a step fits no window.
    """
    if not isinstance(name, str) or name not in EXERCISES:
        first, last = min(EXERCISES, default="?"), max(EXERCISES, default="?")
        checks.refuse("name", f"the number of an exercise, {first!r} to {last!r}", name)
    verdict = _verdict(EXERCISES[name], answer)
    remark = EXERCISES[name].remark if verdict == "right." else ""
    print(f"Exercise {name}: {verdict} {remark}".rstrip())


def _verdict(entry, answer):
    try:
        compare = hint_for_a_function if callable(entry.right) else hint_for_a_value
        hint = compare(entry, answer)
    except NotAnswered as unanswered:
        return f"no answer yet. {unanswered}".strip()
    except Refused as refused:
        hint = str(refused)
    except (Exception, SystemExit):  # an object may raise anything when it is looked at
        what = f"This {type_name(answer)}"
        if callable(answer):
            what = "What your function returned"
        hint = f"{what} cannot be read."
    return "right." if hint is None else f"not yet. {one_line(hint)}"
