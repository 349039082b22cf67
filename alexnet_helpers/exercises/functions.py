"""Answers that are functions: each is called in several cases, with copies."""

import copy
import dis
import inspect
import warnings

import numpy as np

from alexnet_helpers import checks
from alexnet_helpers.exercises.values import as_numbers, which_differ
from alexnet_helpers.exercises.words import (
    NotAnswered,
    Refused,
    type_name,
    with_article,
)


def call(function, *arguments, **named):
    """Call a learner's function with copies of lists and arrays.

    Returns
    -------
    object
        What the function returns.

    Raises
    ------
    NotAnswered
        If it returns None or `...`.
    Refused
        If it raises an exception, or changes its arguments.

    Examples
    --------
    >>> call(sorted, [3, 1, 2])
    [1, 2, 3]
    >>> call(list.sort, [3, 1, 2])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    alexnet_helpers.exercises.words.Refused: Your function changes the argument ...
    """
    checks.function("function", function)
    given, given_by_name = _copies(arguments), dict(zip(named, _copies(named.values())))
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of an overflow, say: the result tells
            value = function(*given, **given_by_name)
    except (Exception, SystemExit) as error:
        raise Refused(_raised(error, [*arguments, *named.values()])) from None
    passed, originals = [*given, *given_by_name.values()], [*arguments, *named.values()]
    if not all(map(_unchanged, passed, originals)):
        raise Refused(
            "Your function changes the argument that is passed: work on a copy of it."
        )
    if value is None or value is ...:
        raise NotAnswered("Your function gives None: is `return` missing?")
    return value


def _copies(arguments):
    """Copy arrays, lists and dicts; models and random generators stay themselves."""
    containers = (np.ndarray, list, tuple, dict, set)
    return [
        copy.deepcopy(value) if isinstance(value, containers) else value
        for value in arguments
    ]


def _unchanged(passed, original):
    if type(passed) is not type(original):
        return False
    if isinstance(passed, np.ndarray):
        return passed.dtype == original.dtype and np.array_equal(
            passed, original, equal_nan=passed.dtype.kind == "f"
        )
    if isinstance(passed, dict):
        return passed.keys() == original.keys() and all(
            _unchanged(passed[name], original[name]) for name in original
        )
    if isinstance(passed, (list, tuple)):
        return len(passed) == len(original) and all(map(_unchanged, passed, original))
    return passed is original or passed == original


def _raised(error, arguments):
    try:
        first_line = str(error).strip().partition("\n")[0][:200]
    except Exception:  # an exception of the learner's own
        first_line = ""
    passed = ", ".join(map(_described, arguments)) or "no argument"
    return (
        f"Your function raised {type_name(error)}{first_line and ': ' + first_line}"
        f" (called with {passed})."
    )


def hint_for_a_function(entry, answer):
    """Return None for a right function and else a hint."""
    if answer is None or answer is ... or _has_no_body(answer):
        raise NotAnswered
    if isinstance(answer, type):
        return "The answer is a function, yours a class."
    if not callable(answer):
        return "The answer is a function: pass its name, without calling it."
    if not entry.cases:
        judge = entry.right
        return judge(answer)
    for case in entry.cases() if callable(entry.cases) else entry.cases:
        expected = entry.right(*_copies(case))
        found = _outcome(answer, case, expected)
        if not _agree(found, _results(expected, expected), entry.tolerance):
            return _hint_for_a_case(entry, case, found, expected)
        if wrong_type := _wrong_type(found, expected):
            return wrong_type
    return None


def _has_no_body(function):
    """Tell whether a function holds nothing but `...`, `pass` or a docstring."""
    code = getattr(function, "__code__", None)
    if not inspect.iscode(code):
        return False
    idle = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    if not {step.opname for step in dis.get_instructions(code)} <= idle:
        return False
    docstring = getattr(function, "__doc__", None)
    return all(
        constant is None or constant is ... or constant == docstring
        for constant in code.co_consts
    )


def _outcome(function, case, expected):
    """Return a function's results in one case, or the Refused that says what is off."""
    try:
        return _results(call(function, *case), expected)
    except Refused as refused:
        return refused


def _results(value, expected):
    """Return a result, or the several results in a tuple, as a list of arrays."""
    if not isinstance(expected, tuple):
        is_number = np.ndim(expected) == 0
        needed = "a number" if is_number else "an array of numbers"
        return [as_result(value, needed, np.asarray(expected).dtype == bool)]
    if not _may_hold(value, expected):
        raise Refused(
            f"Your function returned {_kind_of(value)}; {len(expected)} results are"
            " asked for."
        )
    return [as_result(part, "numbers") for part in value]


def _may_hold(value, expected):
    """Tell whether a value has as many parts as results are expected.

    One array holds several only if its parts have the axes of each expected one.
    """
    if isinstance(value, np.ndarray) and value.ndim > 0:
        axes = {np.ndim(part) for part in expected}
        return len(value) == len(expected) and axes == {value.ndim - 1}
    return isinstance(value, (list, tuple)) and len(value) == len(expected)


def as_result(value, needed="an array of numbers", may_be_mask=False):
    """Return a result as an array of numbers, or raise a hint."""
    array = as_numbers(value)
    if array is None or (array.dtype == bool and not may_be_mask):
        verb = "are" if needed == "numbers" else "is"
        raise Refused(
            f"Your function returned {_kind_of(value)}; {needed} {verb} asked for."
        )
    return array


def _kind_of(value):
    """Say what a function returned: a type, and that of the first entry."""
    if isinstance(value, np.ndarray):
        return f"an array of dtype {value.dtype}"
    kind = with_article(type_name(value))
    if isinstance(value, (list, tuple)) and value:
        return f"{kind} that begins with {with_article(type_name(value[0]))}"
    return kind


def _agree(found, expected, tolerance=None):
    """Tell whether two outcomes are the same: all results, or what was refused."""
    if isinstance(found, Refused) or isinstance(expected, Refused):
        return str(found) == str(expected)
    return len(found) == len(expected) and all(
        nearly_equal(*pair, tolerance) for pair in zip(found, expected)
    )


def nearly_equal(found, expected, tolerance=None):
    """Tell whether two arrays have the same shape and nearly the same numbers.

    NaN equals NaN here.
    """
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return False
    if tolerance is None:
        tolerance = 1e-12 if expected.dtype.kind in "iu" else 1e-5
    found, expected = found.astype(float), expected.astype(float)
    finite = np.isfinite(expected)
    if not np.array_equal(found[~finite], expected[~finite], equal_nan=True):
        return False
    largest = np.max(np.abs(expected[finite]), initial=1e-6)
    return bool((np.abs(found[finite] - expected[finite]) <= tolerance * largest).all())


def _wrong_type(found, expected):
    """Return a hint if the numbers are right, but their type is not."""
    if isinstance(expected, tuple):
        hints = (_wrong_type([part], right) for part, right in zip(found, expected))
        return next(filter(None, hints), None)
    dtype = found[0].dtype
    if isinstance(expected, np.integer) and dtype.kind not in "iu":
        return f"The value is right, but it has to be an integer, and yours is {dtype}."
    if not isinstance(expected, np.ndarray) or dtype == expected.dtype:
        return None
    hint = f"The values are right, but the result is {dtype}"
    if expected.dtype == np.float32:
        return f"{hint}; float32 takes less memory."
    if expected.dtype.kind in "iu":
        return f"{hint} instead of {expected.dtype}."
    return None


def _hint_for_a_case(entry, case, found, expected):
    """Say what is off in one case: the hint of a usual slip, or else a general one."""
    for wrong, hint in entry.wrong:
        if _agree(found, _outcome(wrong, case, expected), entry.tolerance):
            refused = isinstance(found, Refused) and hint not in str(found)
            return f"{hint} ({found})" if refused else hint
    if isinstance(found, Refused):
        return str(found)
    names = inspect.signature(entry.right).parameters
    values = [f"{name} = {_described(value)}" for name, value in zip(names, case)]
    where = f"For {', '.join(values)}"
    for number, (got, right) in enumerate(zip(found, _results(expected, expected)), 1):
        if not nearly_equal(got, right, entry.tolerance):
            which = f"result {number}" if len(found) > 1 else "the result"
            return f"{where}: {which} {_difference(got, right, entry.tolerance)}"
    return f"{where}: the result is off."


def _difference(found, expected, tolerance):
    if found.shape != expected.shape and not expected.shape:
        return f"is one number, yours has the shape {found.shape}."
    if found.shape != expected.shape:
        return f"has the shape {expected.shape}, yours {found.shape}."
    if not np.isfinite(found).all() and np.isfinite(expected).all():
        has_nan = np.isnan(found).any()
        return "holds a NaN (not a number)." if has_nan else "is infinite."
    if not expected.shape:
        return f"{found:.6g} is too {'large' if found > expected else 'small'}."
    differs = which_differ(found, expected, tolerance or 1e-5)
    count = max(differs.sum(), 1)
    verb = "is" if count == 1 else "are"
    return f"has the right shape; {count} of its {differs.size} values {verb} off."


def _described(value):
    """Return an argument as a hint shows it: short arrays in full."""
    if isinstance(value, np.ndarray) and value.size <= 12:
        return str(np.round(value, 3).tolist())
    if hasattr(value, "count_params"):
        return f"a model of {value.count_params()} parameters"
    return checks.describe(value)


def finite_array(value, shape):
    """Return a result as an array of this shape without NaN, or raise a hint."""
    array = as_result(value)
    if array.shape != shape:
        raise Refused(f"The result has the shape {shape}, yours {array.shape}.")
    if not np.isfinite(array).all():
        raise Refused("Your result holds a NaN (not a number), or is infinite.")
    return array
