"""Exercises that check themselves: `check(name, answer)` says right, or what is off, never the solution."""

import copy
import dis
import inspect
import numbers
import warnings
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from alexnet_helpers import checks


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
    if not callable(right) and not _is_finite(right) and _texts(right) is None:
        checks.refuse("right", "finite numbers, a text or texts, or a function", right)
    hints = _tuple("hints", hints, "pairs (wrong answer, hint)", _is_pair)
    wrong = _tuple("wrong", wrong, "pairs (function, hint)", lambda pair: _is_pair(pair) and callable(pair[0]))
    if not callable(cases):
        cases = _tuple("cases", cases, "tuples of arguments", lambda case: isinstance(case, tuple))
    if callable(right) and hints:
        checks.refuse("hints", "left out where the answer is a function (see `wrong`)", hints)
    if not callable(right) and (cases or wrong):
        checks.refuse("cases and wrong", "left out where the answer is a value (see `hints`)", cases or wrong)
    EXERCISES[name] = Exercise(right, hints, tolerance, remark, cases, wrong)


def _tuple(name, value, needed, fits):
    if not isinstance(value, (list, tuple)) or not all(map(fits, value)):
        checks.refuse(name, f"a list of {needed}", value)
    return tuple(value)


def _is_pair(pair):
    return isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[1], str)


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
        hint = _hint_for_a_function(entry, answer) if callable(entry.right) else _hint_for_a_value(entry, answer)
    except NotAnswered as unanswered:
        return f"no answer yet. {unanswered}".strip()
    except Refused as refused:
        hint = str(refused)
    except (Exception, SystemExit):  # an object may raise anything when it is looked at
        what = "What your function returned" if callable(answer) else f"This {_type_name(answer)}"
        hint = f"{what} cannot be read."
    return "right." if hint is None else f"not yet. {_one_line(hint)}"


class NotAnswered(Exception):
    """Raised when there is no answer yet, or when the learner's function still returns nothing."""


class Refused(Exception):
    """Raised with the hint when an answer cannot be right, whatever else is in it."""


def _one_line(text):
    """Return a text on one line; no file or window takes half of a surrogate pair."""
    return " ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split())


def _type_name(value):
    return type(value).__name__


def _a(noun):
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


# What is handed in: values


def _hint_for_a_value(entry, answer):
    """Return None for the right value and else a hint."""
    parts = _parts(answer)
    blank = sum(part is None or part is ... for part in parts)
    if blank and blank == len(parts):
        raise NotAnswered
    if blank:
        return f"{blank} of the {len(parts)} parts of the answer {'has' if blank == 1 else 'have'} no value yet."
    if callable(answer):
        return "The answer is a value, yours a function: call it."
    if _same(answer, entry.right, entry.tolerance):
        return None
    for wrong, hint in entry.hints:
        if _same(answer, wrong, None) or _rounded(answer, wrong):
            return hint
    return _general_hint(answer, entry.right, entry.tolerance)


def _parts(answer):
    """Return what nested lists and tuples hold, one after the other."""
    if not isinstance(answer, (list, tuple)):
        return [answer]
    return [part for inner in answer for part in _parts(inner)]


def _same(answer, expected, tolerance):
    if _texts(expected) is not None:
        return _texts(answer) == _texts(expected)
    # A Boolean is no number here: True must not pass for 1.
    if _numbers(answer) is None or _is_boolean(answer) != _is_boolean(expected):
        return False
    off = _off(answer, expected, tolerance)
    return off is not None and not off.any()


def _rounded(answer, wrong):
    """Tell whether an answer is a wrong one, which is a fraction, with fewer digits: two at least."""
    found, wrong = _numbers(answer), _numbers(wrong)
    if found is None or found.dtype == bool or wrong is None or wrong.dtype.kind != "f":
        return False
    found, wrong = np.squeeze(found).astype(float), np.squeeze(wrong)
    return found.shape == wrong.shape and all(map(_is_rounding, found.flat, wrong.flat))


def _is_rounding(short, long):
    if short == long or not np.isfinite(short):
        return short == long
    digits, _, exponent = f"{abs(short):.12e}".replace(".", "").partition("e")
    decimals = max(len(digits.rstrip("0")) - 1 - int(exponent), 0)
    return decimals + int(exponent) >= 1 and short == round(long, decimals)


def _texts(value):
    """Return a text or a sequence of texts as a list in lower case, or None if it is neither."""
    texts = value if isinstance(value, (list, tuple)) else [value]
    are_texts = len(texts) > 0 and all(isinstance(text, str) for text in texts)
    return [text.strip().lower() for text in texts] if are_texts else None


def _numbers(value):
    """Return real numbers as an array (of Booleans if all are), or None for everything else.

    NumPy alone would take the text "55", a date, or True among numbers for a number.
    """
    if len({isinstance(part, (bool, np.bool_)) for part in _parts(value)}) > 1:
        return None
    try:
        array = np.asarray(value)
    except Exception:  # ragged lists, and objects with an __array__ of their own
        return None
    if array.dtype.kind == "O":
        return _from_objects(array)
    if isinstance(value, np.ma.MaskedArray) and array.dtype.kind in "iuf":
        return value.astype(float).filled(np.nan)
    return array if array.dtype.kind in "biuf" else None


def _from_objects(array):
    """Return fractions, decimals, and integers too long for NumPy, as floats; None if there is anything else."""
    number = (numbers.Real, Decimal)
    if not all(isinstance(one, number) and not isinstance(one, (bool, np.bool_)) for one in array.flat):
        return None
    return np.array([_as_float(one) for one in array.flat]).reshape(array.shape)


def _as_float(number):
    try:
        return float(number)
    except OverflowError:
        return np.inf if number > 0 else -np.inf


def _is_finite(value):
    found = _numbers(value)
    return found is not None and found.size > 0 and bool(np.isfinite(found).all())


def _is_boolean(value):
    return _numbers(value).dtype == bool


def _off(answer, expected, tolerance):
    """Return which numbers differ too much, or None for another shape; sides of 1 do not count."""
    if tolerance is None:
        tolerance = 1e-12 if np.asarray(expected).dtype.kind in "iub" else 1e-6
    found, expected = (np.squeeze(_numbers(one)).astype(float) for one in (answer, expected))
    if found.shape != expected.shape:
        return None
    largest = np.max(np.abs(expected), initial=1e-6)
    with np.errstate(invalid="ignore"):
        return ~(np.abs(found - expected) <= tolerance * largest)  # `not <=` holds for NaN as well


def _general_hint(answer, right, tolerance):
    if _texts(right) is not None:
        return "Another word is meant." if _texts(answer) is not None else "The answer is a text, in quotes."
    found, expected = _numbers(answer), np.squeeze(_numbers(right))
    if _is_boolean(right) and expected.ndim == 0:
        return "The answer is True or False."
    if found is None or _is_boolean(answer) != _is_boolean(right):
        quotes = ", without quotes" if _texts(answer) is not None else ""
        return f"The answer is {'a number' if expected.ndim == 0 else f'{expected.size} numbers'}{quotes}."
    found, off = np.squeeze(found), _off(answer, right, tolerance)
    if off is None and expected.ndim == 0:
        return f"The answer is one number, yours {found.size}."
    if off is None:
        return f"The answer has the shape {expected.shape}, yours {found.shape}."
    if np.isnan(found).any():
        return "Your answer holds a NaN (not a number)."
    if expected.ndim > 0:
        return _which_are_off(off)
    if expected != np.round(expected) and abs(found - expected) < 0.01 * abs(expected):
        return "Close: give more digits, or look at the last ones."
    return "Your number is too large." if found > expected else "Your number is too small."


def _which_are_off(off):
    text = f"{off.sum()} of the {off.size} numbers {'is' if off.sum() == 1 else 'are'} off"
    if off.ndim == 1 and off.sum() < off.size:
        return f"{text}: {', '.join(f'number {place + 1}' for place in np.flatnonzero(off)[:3])} in the row."
    return f"{text}."


# What is handed in: functions


def call(function, *arguments, **named):
    """Call a learner's function with copies of lists and arrays, and return what it returns.

    Raises
    ------
    NotAnswered : if it returns None or `...`.
    Refused : if it raises an exception, or changes its arguments.
    """
    checks.function("function", function)
    given, given_by_name = _copies(arguments), dict(zip(named, _copies(named.values())))
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of an overflow, say: the result tells
            value = function(*given, **given_by_name)
    except (Exception, SystemExit) as error:
        raise Refused(_raised(error, [*arguments, *named.values()])) from None
    if not all(map(_unchanged, [*given, *given_by_name.values()], [*arguments, *named.values()])):
        raise Refused("Your function changes the argument that is passed: work on a copy of it.")
    if value is None or value is ...:
        raise NotAnswered("Your function gives None: is `return` missing?")
    return value


def _copies(arguments):
    """Copy arrays, and lists and dicts with what they hold; models and random generators stay themselves."""
    containers = (np.ndarray, list, tuple, dict, set)
    return [copy.deepcopy(one) if isinstance(one, containers) else one for one in arguments]


def _unchanged(now, before):
    if type(now) is not type(before):
        return False
    if isinstance(now, np.ndarray):
        return now.dtype == before.dtype and np.array_equal(now, before)
    if isinstance(now, dict):
        return now.keys() == before.keys() and all(_unchanged(now[name], before[name]) for name in before)
    if isinstance(now, (list, tuple)):
        return len(now) == len(before) and all(map(_unchanged, now, before))
    return now is before or now == before


def _raised(error, arguments):
    try:
        first_line = str(error).strip().partition("\n")[0][:200]
    except Exception:  # an exception of the learner's own
        first_line = ""
    passed = ", ".join(map(_described, arguments)) or "no argument"
    return f"Your function raised {_type_name(error)}{first_line and ': ' + first_line} (called with {passed})."


def _hint_for_a_function(entry, answer):
    """Return None for a right function and else a hint."""
    if answer is None or answer is ... or _has_no_body(answer):
        raise NotAnswered
    if isinstance(answer, type):
        return "The answer is a function, yours a class."
    if not callable(answer):
        return "The answer is a function: pass its name, without calling it."
    if not entry.cases:
        return entry.right(answer)
    for case in entry.cases() if callable(entry.cases) else entry.cases:
        expected = entry.right(*_copies(case))
        found = _outcome(answer, case, expected)
        if not _agree(found, _results(expected), entry.tolerance):
            return _hint_for_a_case(entry, case, found, expected)
        if wrong_type := _wrong_type(found, expected):
            return wrong_type
    return None


def _has_no_body(function):
    """Tell whether a Python function holds nothing but `...`, `pass`, a docstring, or the return of such."""
    code = getattr(function, "__code__", None)
    if not inspect.iscode(code):
        return False
    nothing = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    blank = (None, ..., getattr(function, "__doc__", None))
    return {step.opname for step in dis.get_instructions(code)} <= nothing and all(
        any(type(constant) is type(one) and constant == one for one in blank) for constant in code.co_consts
    )


def _outcome(function, case, expected):
    """Return the results of a function in one case as arrays, or the Refused that tells why there are none."""
    try:
        return _results(call(function, *case), expected)
    except Refused as refused:
        return refused


def _results(value, expected=None):
    """Return a result, or the several results in a tuple, as a list of arrays of numbers."""
    if not isinstance(value if expected is None else expected, tuple):
        return [_result(value, "a number" if np.ndim(expected) == 0 else "an array of numbers")]
    if expected is not None and not _has_length(value, len(expected)):
        raise Refused(f"Your function returned {_kind(value)}; {len(expected)} results are asked for.")
    return [_result(part, "numbers") for part in value]


def _has_length(value, length):
    return isinstance(value, (list, tuple, np.ndarray)) and getattr(value, "ndim", 1) > 0 and len(value) == length


def _result(value, needed="an array of numbers"):
    """Return a result as an array of numbers, or raise what it is instead."""
    array = _numbers(value)
    if array is None or array.dtype == bool:
        verb = "are" if needed == "numbers" else "is"
        raise Refused(f"Your function returned {_kind(value)}; {needed} {verb} asked for.")
    return array


def _kind(value):
    if isinstance(value, np.ndarray):
        return f"an array of dtype {value.dtype}"
    if isinstance(value, (list, tuple)) and value:
        return f"{_a(_type_name(value))} that begins with {_a(_type_name(value[0]))}"
    return _a(_type_name(value))


def _agree(found, expected, tolerance=None):
    """Tell whether two outcomes are the same: all results, or what was refused."""
    if isinstance(found, Refused) or isinstance(expected, Refused):
        return str(found) == str(expected)
    return len(found) == len(expected) and all(_close(*pair, tolerance) for pair in zip(found, expected))


def _close(found, expected, tolerance=None):
    """Tell whether two arrays have the same shape and, up to rounding, the same numbers, NaN and infinite ones too."""
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
    """Return a hint if the numbers are right, but not their type, where that matters."""
    if isinstance(expected, tuple):
        return next(filter(None, (_wrong_type([one], part) for one, part in zip(found, expected))), None)
    got = found[0].dtype
    if isinstance(expected, np.integer) and got.kind not in "iu":
        return f"The value is right, but it has to be an integer, and yours is {got}."
    if isinstance(expected, np.ndarray) and expected.dtype == np.float32 and got != np.float32:
        return f"The values are right, but the result is {got}; float32 takes less memory."
    if isinstance(expected, np.ndarray) and expected.dtype.kind in "iu" and got != expected.dtype:
        return f"The values are right, but the result is {got} instead of {expected.dtype}."
    return None


def _hint_for_a_case(entry, case, found, expected):
    """Say what is off in one case: as one of the usual wrong functions is, or else in general."""
    for wrong, hint in entry.wrong:
        if _agree(found, _outcome(wrong, case, expected), entry.tolerance):
            refused = isinstance(found, Refused) and hint not in str(found)
            return f"{found} {hint}" if refused else hint
    if isinstance(found, Refused):
        return str(found)
    with_names = zip(inspect.signature(entry.right).parameters, case)
    where = "For " + ", ".join(f"{name} = {_described(value)}" for name, value in with_names)
    for number, (got, right) in enumerate(zip(found, _results(expected)), 1):
        if not _close(got, right, entry.tolerance):
            which = f"result {number}" if len(found) > 1 else "the result"
            return f"{where}: {which} {_difference(got, right, entry.tolerance)}"
    return f"{where}: the result is off."


def _difference(found, expected, tolerance):
    if found.shape != expected.shape and not expected.shape:
        return f"is one number, yours has the shape {found.shape}."
    if found.shape != expected.shape:
        return f"has the shape {expected.shape}, yours {found.shape}."
    if not np.isfinite(found).all() and np.isfinite(expected).all():
        return "holds a NaN (not a number)." if np.isnan(found).any() else "is infinite."
    if not expected.shape:
        return f"{found:.6g} is too {'large' if found > expected else 'small'}."
    off = _off(found, expected, tolerance or 1e-5)
    return f"has the right shape; {max(off.sum(), 1)} of its {off.size} values are off."


def _described(value):
    """Return an argument as a hint shows it: short arrays in full."""
    if isinstance(value, np.ndarray) and value.size <= 12:
        return str(np.round(value, 3).tolist())
    if hasattr(value, "count_params"):
        return f"a model of {value.count_params()} parameters"
    return checks.describe(value)


def _one_number(value):
    """Return the number that a learner's function returned, or raise what it is instead."""
    array = _result(value, "a number")
    if array.shape:
        raise Refused(f"Your function returned {array.size} values; one number is asked for.")
    if not np.isfinite(array):
        raise Refused(f"Your function returned {array}; a number is asked for.")
    return float(array)


def _an_array(value, shape):
    """Return the array that a learner's function returned, or raise what is wrong with it."""
    array = _result(value)
    if array.shape != shape:
        raise Refused(f"The result has the shape {shape}, yours {array.shape}.")
    if not np.isfinite(array).all():
        raise Refused("Your result holds a NaN (not a number), or is infinite.")
    return array


# 00 contents

exercise(
    "00.1",
    2012,
    hints=[
        (2009, "That is when ImageNet was published; the contest began in 2010."),
        (2010, "That was the first contest."),
        (2011, "That was the year before."),
        (2013, "That was the year after: by then every good entry was a convolutional network."),
        (2014, "That was two years later."),
        (2015, "That was the year of ResNet."),
        (12, "Write the year with four digits."),
    ],
)


# 01 output_size_formula

_ALEXNET = [(11, 4, 0), (3, 2, 0), (5, 1, 2), (3, 2, 0), (3, 1, 1), (3, 1, 1), (3, 1, 1), (3, 2, 0)]


def _final_size(size, layers, sides=2, first=1, rounding=np.floor):
    """Return the size after the last layer, or, with other settings, what a usual slip makes of it."""
    for kernel, stride, padding in layers:
        size = rounding((size + sides * padding - kernel) / stride) + first
    return size if rounding is np.positive else int(size)


exercise(
    "01.1",
    112,
    hints=[
        (109, "That forgets the padding: 3 zeros on the left and 3 on the right."),
        (110, "That forgets the padding, and rounds up."),
        (113, "That rounds up: half a step fits no window."),
        (111, "One short: count the window at the start, and the padding on both sides."),
        (111.5, "That forgets the + 1 and the rounding."),
        (112.5, "A number of windows is whole: round down."),
        (224, "That would be the size with a stride of 1: the windows step by 2."),
    ],
    remark="One layer halves the side of the image.",
)
exercise(
    "01.2",
    6,
    hints=[
        (12, "That is how much a row grows in all: the padding is counted for each side."),
        (6.5, "Half of the kernel would be padding for its middle pixel as well, which stays on the image."),
        (7, "One too many: the middle pixel of the first window lies on the image's first pixel."),
        (0, "Without padding the size shrinks by 12."),
        (13, "That would make the output larger than the input."),
        (5, "One too few: the output would be 2 smaller than the input."),
    ],
    remark="(kernel - 1) / 2, for each odd kernel at stride 1.",
)
exercise(
    "01.3",
    4,
    hints=[
        (3.8, "76 / 20 forgets the + 1: one of the 20 windows takes no step."),
        (4.2, "84 / 20 is the ratio of the sizes: the windows share out what the first one leaves."),
        (2, "A stride of 2 gives 39 windows."),
        (3, "A stride of 3 gives 26 windows."),
        (5, "A stride of 5 gives 16 windows."),
    ],
)
exercise(
    "01.4",
    _final_size,
    # In the first case each usual slip with the formula gives another number.
    cases=[(30, [(7, 2, 4)]), (227, _ALEXNET), (224, [(7, 2, 3), (3, 2, 1)]), (9, [])],
    wrong=[
        (lambda size, layers: _final_size(size, layers, sides=0), "Your formula forgets the padding."),
        (lambda size, layers: _final_size(size, layers, sides=1), "Your formula adds the padding on one side only."),
        (lambda size, layers: _final_size(size, layers, first=0), "Your formula forgets the + 1."),
        (lambda size, layers: _final_size(size, layers, rounding=np.ceil), "Your formula rounds up."),
        (
            lambda size, layers: _final_size(size, layers, rounding=np.positive),
            "A number of windows is whole: round down with // in each layer.",
        ),
        (lambda size, layers: _final_size(size, layers[:1]), "That is the size after the first layer."),
        (
            lambda size, layers: _final_size(size, layers[-1:]),
            "Each layer's input is the output of the layer before it.",
        ),
        (
            lambda size, layers: [_final_size(size, layers[:n]) for n in range(1, len(layers) + 1)],
            "The size after the last layer is asked for: one number.",
        ),
        (
            lambda size, layers: [_final_size(size, layers[:n]) for n in range(1, len(layers) + 1)][-1],
            "Without any layer the size stays what it is.",
        ),
    ],
)
exercise(
    "01.5",
    67,
    hints=[
        (195, "That forgets the padding of conv2 to conv5: their windows may lie partly on zeros."),
        (66, "With 66 pixels pool3 is left without a window."),
        (68, "68 pixels are enough, but not the fewest."),
        (227, "227 is AlexNet's own input: a smaller image does."),
        (32, "That is the product of the strides: the windows have a size as well."),
        (15, "That is what pool1 needs: conv1 comes before it."),
    ],
    remark="On the 32 pixels of a CIFAR-10 image this network has no output at all.",
)


# 02 convolution

_SHIFT = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]])


def _windows_1d(signal, size):
    return np.lib.stride_tricks.sliding_window_view(signal, size)


def _correlate_1d(signal, kernel, stride):
    starts = range(0, len(signal) - len(kernel) + 1, stride)
    return np.array([float(np.sum(signal[start : start + len(kernel)] * kernel)) for start in starts])


_SIGNAL = np.array([1.0, 3.0, 0.0, 2.0, 5.0, 4.0, 1.0])

exercise(
    "02.1",
    2,
    hints=[
        (6, "You left out the pixel in the middle, which counts -4 times."),
        (-2, "The four neighbours count +1 each, the pixel in the middle -4 times."),
        (10, "The pixel in the middle is subtracted, 4 times."),
        (5, "Only the neighbours above, left, right and below count, and the middle -4 times."),
        (-10, "That is the window one column further to the right."),
        (-1, "That is the window one row further down."),
    ],
)
exercise(
    "02.2",
    614_656,
    hints=[
        (614_400, "Those are the weights; each filter has a bias too."),
        (6_656, "Each filter has a 5 x 5 slice for every one of the 96 channels."),
        (6_400, "Each filter has a 5 x 5 slice for every one of the 96 channels, and a bias."),
        (614_496, "There is one bias for each filter, not one for each input channel."),
        (307_456, "That is the paper's version with two towers; here every filter sees all 96 channels."),
        (2_401, "That is one filter with its bias; there are 256."),
    ],
)
exercise(
    "02.3",
    447_897_600,
    hints=[
        (4_665_600, "Each output sums over all 96 channels: 5 * 5 * 96 products."),
        (614_400, "Those are the weights: each one is used at 27 * 27 places."),
        (1_749_600, "That is one filter; there are 256."),
        (223_948_800, "That is the paper's version with two towers; here every filter sees all 96 channels."),
        (895_795_200, "A multiplication with its addition counts once here."),
        (186_624, "Those are the outputs: each is a sum of many products."),
    ],
)
exercise(
    "02.4",
    _SHIFT,
    hints=[
        (_SHIFT[:, ::-1], "That moves the image to the left: each output takes the pixel on its right."),
        (_SHIFT.T, "That moves the image down."),
        (_SHIFT.T[::-1], "That moves the image up."),
        (np.diag([0, 1, 0]), "That leaves the image where it is."),
        (np.eye(3, dtype=int), "That adds up three pixels on a diagonal: one of them is wanted."),
        (_SHIFT - _SHIFT[:, ::-1], "That subtracts the pixel on the right, too."),
        (np.array([[1, 0, 0]] * 3), "That adds up the three pixels on the left: one of them is wanted."),
    ],
)
exercise(
    "02.5",
    _correlate_1d,
    cases=[
        (_SIGNAL, np.array([2.0, 0.0, -1.0]), 1),
        (_SIGNAL, np.array([2.0, 0.0, -1.0]), 2),
        (_SIGNAL, np.array([2.0, 0.0, -1.0]), 3),
        (np.array([3, 1, 4, 1, 5, 9, 2, 6, 5]), np.array([1, -2, 0, 3]), 2),
        (np.array([2, 7, 1, 8, 2]), np.array([1, 2, 3, 4, 5]), 1),
    ],
    wrong=[
        (
            lambda signal, kernel, stride: np.convolve(signal, kernel, mode="valid")[::stride],
            "That is a convolution: the kernel is turned round. Leave it as it is.",
        ),
        (
            lambda signal, kernel, stride: np.correlate(signal, kernel, mode="valid"),
            "With a stride of 2, only every second window counts: take every `stride`-th.",
        ),
        (
            lambda signal, kernel, stride: np.correlate(signal, kernel, mode="same")[::stride],
            "That pads the signal with zeros: take the windows that lie in it.",
        ),
        (
            lambda signal, kernel, stride: _windows_1d(signal, 3)[::stride] @ kernel,
            "A window is as long as the kernel, which need not be 3.",
        ),
        (
            lambda signal, kernel, stride: _windows_1d(signal[::stride], len(kernel)) @ kernel,
            "The windows move by the stride; within a window no value is left out.",
        ),
    ],
)


# 03 relu_and_local_response_normalization


def _leaky_relu(z, slope):
    return np.where(z > 0, 1.0, slope) * z


def _leaky_relu_in_z_own_type(z, slope):
    result = z.copy()
    result[z < 0] = (slope * z[z < 0]).astype(z.dtype)
    return result


def _count_dead(x):
    return sum(not any((value > 0).any() for value in x[..., channel]) for channel in range(x.shape[-1]))


def _pre_activations():
    """Return values in which each usual slip counts another number of channels; three are dead."""
    x = np.full((2, 3, 3, 8), -1.0)
    x[..., [0, 5, 6, 7]] = 1  # on everywhere
    x[1, 2, 2, 1] = 0.5  # on at a single place of the second image
    x[..., 3] = 0  # a ReLU of exactly 0 is 0
    return x


_Z = np.array([[-4.0, -0.5, 0.0], [0.25, 3.0, -100.0]])

exercise(
    "03.1",
    0.25**10,
    hints=[
        (0.25, "That is one layer; there are ten, and slopes multiply."),
        (2.5, "Slopes multiply, they do not add."),
        (0.5**10, "0.5 is the sigmoid's value at 0; its slope there is smaller."),
        (1, "A sigmoid's slope is at most 0.25."),
        (0.25**8, "That is eight layers; here there are ten."),
        (1e-6, "Nearly: give two digits more, or the product itself."),
    ],
    tolerance=0.005,
)
exercise(
    "03.2",
    50 / 3.25**0.75,
    hints=[
        (50 / 4.25**0.75, "The first 100 is three channels away: n = 5 reaches two to each side."),
        (
            50 / 2.25**0.75,
            "The sum holds the squares of 0, 0, 50 and 100; the paper's α multiplies it as it is, not divided by n.",
        ),
        (50 / 3.0**0.75, "The value's own square belongs to the sum."),
        (50 / 3.25, "The bracket is raised to the power 0.75."),
        (50 / 1.25**0.75, "k = 2 is added before the power is taken."),
        (50 / 2.015**0.75, "The sum is over squares: 50 ** 2 + 100 ** 2."),
    ],
    tolerance=2.5e-4,  # two decimals
)
exercise(
    "03.3",
    5e-4,
    hints=[
        (1e-4, "PyTorch divides what you give by the size."),
        (2e-5, "That is the wrong way round: PyTorch divides by the size, so you have to make up for it."),
        (2e-4, "PyTorch divides by the size, 5, and not by its half."),
        (2.5e-3, "One factor of 5 is enough: the window is five channels, not 5 × 5."),
        (5e-3, "The factor is right; α is 10⁻⁴."),
        (5e-5, "The factor is right; α is 10⁻⁴."),
    ],
)
exercise(
    "03.4",
    _leaky_relu,
    cases=[
        (_Z, 0.01),
        (_Z, 0.5),
        (np.array([-3, 2, 0, -8, 5]), 0.25),
        (np.linspace(-2, 3, 24).reshape(2, 3, 4), 0.2),
    ],
    wrong=[
        (
            lambda z, slope: np.maximum(z, 0),
            "That is the plain ReLU: negative values become slope * z, not 0.",
        ),
        (lambda z, slope: np.where(z > 0, slope * z, z), "The two sides are exchanged: positive values stay."),
        (lambda z, slope: slope * z, "Positive values stay as they are."),
        (lambda z, slope: np.where(z > 0, z, slope), "Negative values become slope times z, not the slope."),
        (lambda z, slope: np.where(z > 0, z, -slope * z), "Negative values stay negative: slope * z."),
        (
            lambda z, slope: np.where(z > 0, z, 0.01 * z),
            "Negative values become slope times z: use the slope that is given.",
        ),
        (
            _leaky_relu_in_z_own_type,
            "For integers z your result holds integers as well, which lose the fractions: make an array of floats.",
        ),
    ],
)
exercise(
    "03.5",
    _count_dead,
    cases=[
        (_pre_activations(),),
        (np.minimum(np.random.default_rng(0).normal(size=(3, 2, 4, 6)), [0, 9, 0, 9, 9, 0]),),
        (np.array([[[[-3, 0, 2, -1]]], [[[-1, 0, 5, 4]]]]),),
    ],
    wrong=[
        (
            lambda x: int((x <= 0).all(axis=(1, 2)).sum()),
            "That counts each image by itself: a channel is dead when it is 0 in all of them.",
        ),
        (
            lambda x: int((x[0] <= 0).all(axis=(0, 1)).sum()),
            "A channel with a single positive value in one of the images is not dead.",
        ),
        (lambda x: int((x < 0).all(axis=(0, 1, 2)).sum()), "A pre-activation of exactly 0 gives 0 as well."),
        (
            lambda x: int((x == 0).all(axis=(0, 1, 2)).sum()),
            "x holds pre-activations: apply the ReLU first, then count the channels that are 0 everywhere.",
        ),
        (lambda x: int((x <= 0).sum()), "Count channels, not values."),
        (lambda x: int((x > 0).any(axis=(0, 1, 2)).sum()), "Those are the channels that are not dead."),
        (lambda x: (x <= 0).all(axis=(0, 1, 2)).astype(int), "One number is asked for: count the channels."),
    ],
)


# 04 max_pooling


def _pooling(summary=np.mean, in_type_of_x=False):
    def pool(x, size, stride):
        views = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
        result = summary(views[:, ::stride, ::stride], axis=(-2, -1))
        return result.astype(x.dtype) if in_type_of_x else result

    return pool


_average_pool = _pooling()


def _average_pool_as_if_square(x, size, stride):
    places = [stride * step for step in range((x.shape[1] - size) // stride + 1)]
    rows = [[x[:, i : i + size, j : j + size].mean(axis=(1, 2)) for j in places] for i in places]
    return np.moveaxis(np.array(rows), 2, 0)


exercise(
    "04.1",
    [[5, 8], [6, 3]],
    hints=[
        ([[5, 8, 8], [4, 8, 8], [6, 3, 3]], "That is stride 1: the window moves by 2."),
        ([[3.25, 2.75], [2.0, 1.75]], "Those are the means: max pooling keeps the largest value of each window."),
        ([[13, 11], [8, 7]], "Those are the sums: max pooling keeps the largest value of each window."),
        ([[1, 0], [0, 1]], "Those are the smallest values."),
        ([[1, 2], [0, 1]], "Those are the upper left corners of the windows: take the largest value of each."),
        ([[5, 6], [8, 3]], "Rows and columns are exchanged."),
        ([5, 8, 6, 3], "The numbers are right: write them as two rows of two."),
        ([[5, 8], [2, 6]], "Those are the largest values of the rows."),
        (8, "That is the largest value of the whole map: there are four windows."),
    ],
)
exercise(
    "04.2",
    56,
    hints=[
        (55, "That forgets the padding, one row on each side, or the + 1."),
        (57, "The last position would overhang: round down."),
        (55.5, "That forgets the padding or the + 1, and the size is rounded down."),
        (56.5, "Rounded down, since there is no half window."),
        (112, "That is the size with a stride of 1."),
        (110, "That is a stride of 1 without padding."),
        (28, "That is halved once too often."),
    ],
)
exercise(
    "04.3",
    0,
    hints=[
        (3 * 3 * 256, "Those would be the weights of one 3×3 filter on 256 channels; pooling has no filter."),
        (3 * 3 * 256 * 256, "Those would be the weights of a convolutional layer; pooling only compares values."),
        (3 * 3 * 256 * 256 + 256, "Those would be the weights of a convolutional layer; pooling only compares values."),
        (9, "The window is 3×3, but it only compares values."),
        (256, "There are 256 channels, but nothing is learned for them."),
        (1, "Nothing in a pooling layer is learned."),
    ],
)
exercise(
    "04.4",
    _average_pool,
    cases=[
        (np.random.default_rng(0).normal(size=(2, 8, 7, 3)), 3, 2),
        (np.random.default_rng(1).integers(0, 9, (1, 9, 12, 2)), 2, 3),
        (np.random.default_rng(2).normal(size=(3, 5, 5, 1)), 5, 1),
        (np.random.default_rng(3).normal(size=(1, 13, 6, 4)), 3, 1),
    ],
    wrong=[
        (_pooling(np.max), "That is the maximum of each window."),
        (_pooling(np.sum), "That is the sum of each window: divide by the number of its values."),
        (lambda x, size, stride: _average_pool(x, size, 1), "That is a stride of 1: move the window by `stride`."),
        (lambda x, size, stride: _average_pool(x, 3, 2), "Use the size and the stride that are passed, not 3 and 2."),
        (lambda x, size, stride: _average_pool(x, size, size), "That moves the window by its size, not by `stride`."),
        (
            lambda x, size, stride: _average_pool(x, size, stride).mean(axis=-1, keepdims=True),
            "Each channel has a mean of its own: average over the window only.",
        ),
        (_average_pool_as_if_square, "The height and the width can differ: count the windows along each of them."),
        (_pooling(in_type_of_x=True), "For integers x your result holds integers, which lose the fractions of means."),
    ],
)


# 05 stacked_convolutions


def _receptive_field(layers):
    pixels = {0}  # which pixels of a row one unit sees, from the last layer back to the image
    for kernel, stride in reversed(layers):
        pixels = {pixel * stride + step for pixel in pixels for step in range(kernel)}
    return max(pixels) - min(pixels) + 1


def _field_by(step, field=1):
    """Return a function that goes through the layers by a (wrong) step from (field, jump) to the next."""

    def receptive_field(layers):
        result, jump = field, 1
        for kernel, stride in layers:
            result, jump = step(result, jump, kernel, stride)
        return result

    return receptive_field


exercise(
    "05.1",
    3,
    hints=[
        (6, "That many rows in all: the padding is counted on each side."),
        (7, "That is the kernel itself."),
        (3.5, "Half of the kernel would be padding for its middle pixel as well."),
        (4, "One too many: the output would be 2 larger than the input."),
        (2, "That is the padding for a 5×5 kernel."),
        (1, "That is the padding for a 3×3 kernel."),
        (0, "Without padding the size shrinks by 6."),
    ],
)
exercise(
    "05.2",
    5 * 5 * 24 * 256 + 256,
    hints=[
        (5 * 5 * 96 * 256 + 256, "That is without groups; with four, a filter sees a quarter of the channels."),
        (5 * 5 * 48 * 256 + 256, "That is with two groups."),
        (5 * 5 * 24 * 256, "The biases are missing."),
        (5 * 5 * 24 * 64 + 64, "That is one of the four groups: count all."),
        (5 * 5 * 24 * 256 + 64, "All 256 filters have a bias."),
        (5 * 5 * 24 * 256 + 96, "There is one bias for each filter, not for each input channel."),
        (4 * (5 * 5 * 24 * 256 + 256), "There are 256 filters in all, 64 in each group."),
    ],
)
exercise(
    "05.3",
    7,
    hints=[
        (9, "The windows overlap: each layer adds less than its kernel."),
        (5, "That is the field after two layers."),
        (3, "That is the field after one layer."),
        (6, "The one pixel from which the field grows counts, too."),
        (27, "With stride 1 each layer adds to the field, it does not multiply it."),
        (49, "That is the area in pixels: the side is asked for."),
    ],
)
exercise(
    "05.4",
    _receptive_field,
    # In the first case each usual slip gives another number.
    cases=[
        ([(11, 4), (3, 2)],),
        ([(3, 1)],),
        ([(3, 1), (3, 1)],),
        ([layer[:2] for layer in _ALEXNET],),
        ([(5, 3), (2, 2), (4, 1)],),
    ],
    wrong=[
        (
            _field_by(lambda field, jump, kernel, stride: (field + kernel - 1, jump)),
            "That leaves out the strides: after a stride, neighbouring units lie further apart than one pixel.",
        ),
        (
            _field_by(lambda field, jump, kernel, stride: (field + (kernel - 1) * jump * stride, jump * stride)),
            "A layer's own stride does not move the pixels of its window apart: update the jump after the field.",
        ),
        (
            _field_by(lambda field, jump, kernel, stride: (field + (kernel - 1) * stride, jump)),
            "A layer's step counts in units of its input: multiply the strides of all layers before it.",
        ),
        (
            _field_by(lambda field, jump, kernel, stride: (field + kernel * jump, jump * stride)),
            "A window of k units is k - 1 steps wide: the first unit is in the field already.",
        ),
        (
            _field_by(lambda field, jump, kernel, stride: (field + (kernel - 1) * jump, jump * stride), field=0),
            "One pixel is missing: start from a field of 1.",
        ),
        (
            _field_by(lambda field, jump, kernel, stride: ((field - 1) * stride + kernel, jump)),
            "That formula leads from the last layer back to the image: go through the layers in reverse.",
        ),
        (
            _field_by(lambda field, jump, kernel, stride: (field * stride + kernel, jump)),
            "n windows overlap: they cover (n - 1) * stride + kernel pixels, from the last layer back to the image.",
        ),
    ],
)


# 06 fully_connected


def _dense_relu(X, W, b):
    return np.maximum(np.einsum("ni,ui->nu", X, W) + b, 0.0)


_RNG = np.random.default_rng(0)

exercise(
    "06.1",
    [2.5, 0.0],
    hints=[
        ([2.5, -4.0], "Those are the pre-activations: now the ReLU."),
        ([2.0, 0.0], "You left out the biases."),
        ([2.0, -3.0], "You left out the biases and the ReLU."),
        ([0.0, 2.5], "Those are the right numbers in the other order."),
        ([2.5, 4.0], "The ReLU makes negative numbers 0, not positive."),
        ([1.5, 0.0], "The biases are added."),
        ([2.5, -1.0], "Add the bias before the ReLU."),
    ],
)
exercise(
    "06.2",
    7 * 7 * 512 * 4096 + 4096,
    hints=[
        (7 * 7 * 512 * 4096, "Those are the weights: the biases are missing."),
        (7 * 7 * 512 * 4096 + 7 * 7 * 512, "There is one bias for each unit, not for each input."),
        (7 * 7 * 512, "That is the length of the flattened vector."),
        (4096 * 4096 + 4096, "That is a layer with 4,096 inputs, such as the next one."),
        (512 * 4096 + 4096, "Each of the 7×7 positions has weights of its own."),
        (7 * 7 * 512 + 4096, "Every unit is connected to every input: multiply."),
        (6 * 6 * 256 * 4096 + 4096, "That is AlexNet's fc6."),
    ],
)
exercise(
    "06.3",
    (5 * 6) * 256 + 255,
    hints=[
        (
            255 * 36 + 30,
            "That is the order with the channels first; in Keras all channels of a position stand together.",
        ),
        ((5 * 6) * 256 + 256, "Counted from 0, not from 1."),
        (5 * 256 + 255, "Before row 5 come five rows of six positions each."),
        (5 * 6 + 255, "Each position holds 256 values."),
        (4 * 6 * 256 + 255, "Row 5 is the sixth, counted from 0: five rows come before it."),
        (6 * 6 * 256 - 1, "That is the last place of all."),
        (5 * 6 * 256, "That is channel 0 of this position."),
    ],
)
exercise(
    "06.4",
    _dense_relu,
    cases=[
        (_RNG.normal(size=(4, 3)), _RNG.normal(size=(3, 3)), np.array([0.5, -0.5, 1.0])),
        (_RNG.integers(-3, 4, (2, 3)), _RNG.integers(-3, 4, (5, 3)), np.array([1, -2, 0, 4, -1])),
        (_RNG.normal(size=(1, 6)), _RNG.normal(size=(2, 6)), _RNG.normal(size=2)),
    ],
    wrong=[
        (
            lambda X, W, b: np.maximum(X @ W + b, 0),
            "You used X @ W: here W has one row for each unit, so it must be transposed.",
        ),
        (lambda X, W, b: X @ W.T + b, "Those are the pre-activations: the ReLU is missing."),
        (lambda X, W, b: np.maximum(X @ W.T, 0), "The bias is missing."),
        (lambda X, W, b: np.maximum(X @ W.T, 0) + b, "Add the bias before the ReLU."),
        (lambda X, W, b: np.abs(X @ W.T + b), "The ReLU makes negative numbers 0, not positive."),
        (lambda X, W, b: np.maximum(W @ X.T + b[:, None], 0), "Units by images: one row for each image is asked for."),
    ],
)


# 07 dropout


def _mask_of(function, x, rate, rng):
    """Return which values a paper_dropout keeps while training, or raise what is wrong with them."""
    trained = _an_array(call(function, x, rate, True, rng), x.shape)
    kept = trained != 0
    if _close(trained[kept], x[kept] / (1 - rate)) and not kept.all():
        raise Refused("Dividing while training is Keras' way; in the paper's, kept values stay as they are.")
    if not _close(trained[kept], x[kept]):
        raise Refused("While training, each value is either kept as it is or 0.")
    if kept.all():
        raise Refused(f"At rate {rate} nothing is dropped while training.")
    if x.ndim > 1 and any((kept == kept.take([0], axis=axis)).all() for axis in range(x.ndim)):
        raise Refused("All images of the batch, or all their units, share one draw: draw for each value of x.")
    if abs(kept.mean() - (1 - rate)) > 0.05:
        if abs(kept.mean() - rate) < 0.05:
            raise Refused(f"At rate {rate} the part {rate} is dropped; yours keeps that part.")
        raise Refused(f"At rate {rate} the part {rate} of the values is dropped; yours drops {1 - kept.mean():.2f}.")
    return kept


def _paper_dropout(function):
    images = np.linspace(0.5, 4, 3000).reshape(100, 30)
    for x, rate in ((images, 0.25), (images.reshape(10, 5, 60), 0.6), (np.arange(1, 2001), 0.25)):
        masks = [_mask_of(function, x, rate, np.random.default_rng(seed)) for seed in (0, 1, 0)]
        if np.array_equal(masks[0], masks[1]):
            return "The mask is the same each time: draw a new one in every call, from `rng`."
        if not np.array_equal(masks[0], masks[2]):
            return "Draw from `rng`: generators with the same seed must give the same mask."
        tested = _an_array(call(function, x, rate, False, np.random.default_rng(0)), x.shape)
        if _close(tested, x):
            return "At test time nothing is rescaled yet: the next layer would get more than it is used to."
        if _close(tested, rate * x):
            return "At test time the values are multiplied by the part that is kept, not by the rate."
        if not _close(tested, (1 - rate) * x):
            return "At test time every value is multiplied by the same number: which?"
    return None


def _dropout(mask=lambda x, rate, rng: rng.random(x.shape) >= rate, scale=lambda rate: 1 - rate):
    return lambda x, rate, training, rng: x * mask(x, rate, rng) if training else x * scale(rate)


exercise(
    "07.1",
    700,
    hints=[
        (300, "That many are dropped: the rate is the part that goes."),
        (0.7, "That is the part that is kept: how many units are that?"),
        (0.3, "That is the rate: how many units take part?"),
        (1000, "All of them take part at test time only."),
        (500, "That would be the paper's rate, 0.5."),
        (1000 / 0.7, "Keras divides the values of the kept units; their number is not divided."),
    ],
)
exercise(
    "07.2",
    2.0,
    hints=[
        (1.28, "That is the paper's way at test time; Keras divides while training."),
        (1.6, "Keras rescales what is kept while training."),
        (8.0, "You divided by the rate: divide by the probability that a unit is kept."),
        (0.32, "You multiplied by the rate: divide by the probability that a unit is kept."),
        (1.92, "Divide by 0.8: multiplying by 1.2 is not the same."),
        (3.2, "That would be rate 0.5."),
        (0.0, "That is what the next layer gets from a unit that is dropped."),
    ],
)
exercise(
    "07.3",
    1024,
    hints=[
        (20, "Each unit doubles the number, it does not add two."),
        (100, "Each unit has two states, on and off."),
        (1023, "The network without any hidden unit counts as well."),
        (10, "Those are the networks in which one unit is off; several can be off at once."),
        (11, "More than one unit can be off at once."),
        (512, "That is nine units."),
        (3_628_800, "The order of the units does not matter, only which are on."),
    ],
)
exercise(
    "07.4",
    _paper_dropout,
    wrong=[
        (_dropout(scale=lambda rate: 1), "nothing is rescaled yet"),
        (_dropout(scale=lambda rate: rate), "by the part that is kept, not by the rate"),
        (_dropout(lambda x, rate, rng: (rng.random(x.shape) >= rate) / (1 - rate), lambda rate: 1), "Keras' way"),
        (_dropout(lambda x, rate, rng: rng.random(x.shape) < rate, lambda rate: rate), "yours keeps that part"),
        (_dropout(lambda x, rate, rng: rng.random(x.shape) >= 0.25, lambda rate: 0.75), "At rate 0.6"),
        (_dropout(lambda x, rate, rng: np.arange(x.size).reshape(x.shape) % 20 >= 20 * rate), "the same each time"),
        (
            _dropout(lambda x, rate, rng: np.random.default_rng(0).random(x.shape) >= rate),
            "The mask is the same each time",
        ),
        (
            _dropout(lambda x, rate, rng: np.random.default_rng().random(x.shape) >= rate),
            "generators with the same seed must give the same mask",
        ),
        (_dropout(lambda x, rate, rng: rng.random(x.shape[-1:]) >= rate), "share one draw"),
        (_dropout(lambda x, rate, rng: rng.random((len(x),) + (1,) * (x.ndim - 1)) >= rate), "share one draw"),
        (_dropout(scale=lambda rate: 0.5), "multiplied by the same number"),
    ],
)


# 08 softmax_and_loss


def _loss_from_scores(z, labels):
    return float(np.mean(np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), labels]))


def _true(z, labels):
    return z[np.arange(len(z)), labels]


def _softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _log_sum(z):
    return np.log(np.exp(z).sum(axis=1))


_SCORES, _LABELS = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]), np.array([0, 2])

exercise(
    "08.1",
    [0.2, 0.3, 0.5],
    hints=[
        (
            np.log([2, 3, 5]) / np.log(30),
            "Those are the scores divided by their sum: first take the exponential of each.",
        ),
        ([2, 3, 5], "Those are the powers: they still have to be divided by their sum."),
        (np.log([2, 3, 5]), "Those are the scores: take the exponential of each, and divide by the sum."),
        (np.log([0.2, 0.3, 0.5]), "Those are the logarithms of the probabilities."),
        ([20, 30, 50], "Those are percentages: probabilities lie between 0 and 1."),
        ([0.4, 0.6, 1.0], "Divide by the sum of the powers, not by the largest: probabilities add up to 1."),
        (np.exp([2, 3, 5]) / np.exp([2, 3, 5]).sum(), "The scores are ln 2, ln 3 and ln 5, not 2, 3 and 5."),
        ([1 / 3, 1 / 3, 1 / 3], "The larger the score, the larger the probability."),
        ([0.5, 0.3, 0.2], "The largest score, ln 5, comes last."),
    ],
)
exercise(
    "08.2",
    np.log(200),
    hints=[
        (np.log10(200), "That is the logarithm to base 10: the loss uses the natural logarithm."),
        (np.log2(200), "That is the logarithm to base 2: the loss uses the natural logarithm."),
        (0.005, "That is the probability of each class: the loss is minus its logarithm."),
        (-np.log(200), "A loss is positive."),
        (np.log(1000), "That is the loss for 1,000 classes."),
        (np.log(10), "That is the loss for ten classes."),
        (200, "That is the number of classes: the loss is its logarithm."),
    ],
    tolerance=9.5e-5,  # three decimals
)
exercise(
    "08.3",
    [0.7, 0.1, -0.85, 0.05],
    hints=[
        (
            [-0.7, -0.1, 0.85, -0.05],
            "The sign is the other way round: that is the step downhill, the gradient points uphill.",
        ),
        ([0.7, -0.9, 0.15, 0.05], "Class number 2 is the third one, since we count from 0."),
        ([0, 0, -1 / 0.15, 0], "That is the derivative by the probabilities: those by the scores are asked for."),
        ([0.0, 0.0, -0.85, 0.0], "The other scores count as well: they are in the sum of the softmax."),
        ([0.7, 0.1, 0.15, 0.05], "Those are the probabilities: at the true class something is subtracted."),
        ([0.7, 0.1, 1.15, 0.05], "At the true class the 1 is subtracted."),
        ([0.0, 0.0, -np.log(0.15), 0.0], "That is the loss: its derivative by each score is asked for."),
    ],
)
exercise(
    "08.4",
    _loss_from_scores,
    cases=[
        (_SCORES, _LABELS),
        (1000 + _SCORES, _LABELS),
        (np.array([[1000, 1001, 998, 1002], [-1000, -1003, -1001, -999], [5, 3, 1, 2]]), np.array([3, 1, 0])),
        (1000 * _SCORES, _LABELS),
    ],
    wrong=[
        (lambda z, t: np.logaddexp.reduce(z, axis=1) - _true(z, t), "One loss for each row: their mean is asked for."),
        (lambda z, t: (np.logaddexp.reduce(z, axis=1) - _true(z, t)).sum(), "That is the sum over the rows."),
        (lambda z, t: -_loss_from_scores(z, t), "The sign is the other way round: a loss is positive."),
        (
            lambda z, t: (_log_sum(z - z.max(axis=1, keepdims=True)) - _true(z, t)).mean(),
            "What is subtracted in the sum must be subtracted from the true score as well.",
        ),
        (lambda z, t: np.logaddexp.reduce(z, axis=1).mean(), "The score of the true class is not subtracted."),
        (
            lambda z, t: -np.log(_true(_softmax(z), t)).mean(),
            "A tiny probability rounds to 0, and its logarithm is infinite: subtract scores, without probabilities.",
        ),
        (
            lambda z, t: (_log_sum(z) - _true(z, t)).mean(),
            "Scores in the thousands overflow: subtract each row's largest score first.",
        ),
        (
            lambda z, t: -np.log(_true(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), t)).mean(),
            "Scores in the thousands overflow: subtract each row's largest score first.",
        ),
        (
            lambda z, t: (_log_sum(z - z.max()) - _true(z - z.max(), t)).mean(),
            "Subtract from each row its own largest score: here one row lies far below the other.",
        ),
    ],
)


# 09 backpropagation


def _tanh_gradient(dy, x):
    return 4 * dy / (np.exp(x) + np.exp(-x)) ** 2


exercise(
    "09.1",
    [88, 132],
    hints=[
        ([132, 88], "Those are the right numbers in the other order."),
        ([44, 66], "The derivative of the square is 2 (y - t)."),
        ([4, 24], "Those belong to w1 = 0.5: compute h and y anew."),
        ([88, 66], "dL/dw2 is right; in dL/dw1 the factor x is missing."),
        ([88, 44], "dL/dw2 is right; in dL/dw1 the factor w2 is missing."),
        ([96, 144], "The target t is missing: the error is y - t."),
        ([-88, -132], "The sign is the other way round: y lies above the target."),
        ([66, 132], "dL/dw1 is right; dL/dw2 is dL/dy times h, not times w2."),
    ],
)
exercise(
    "09.2",
    [0, 5, 0, 7, 0],
    hints=[
        ([5, 5, 5, 7, 7], "Only the winner of a window gets its error."),
        ([5, 5, 12, 7, 7], "Only the winner of a window gets its error."),
        ([5 / 3, 5 / 3, 4, 7 / 3, 7 / 3], "That shares each error out, as average pooling does."),
        ([0, 0, 0, 12, 0], "The 9.5 is not in the first window: that one holds 2, 9 and 4."),
        ([0, 7, 0, 5, 0], "The errors are exchanged: the first window gets the 5."),
        ([0, 9.0, 0, 9.5, 0], "Those are the winners: which errors do they receive?"),
        ([0, 45, 0, 66.5, 0], "The errors arrive as they are, not multiplied by the inputs."),
    ],
)
exercise(
    "09.3",
    0.91,
    hints=[
        (1.0, "That is without momentum: 0.9 of the first step is carried on."),
        (0.71, "In the second step the gradient is -1."),
        (0.9, "That is after the first step."),
        (0.01, "That is v after two steps."),
        (0.81, "The second gradient is missing: v is 0.9 of the first step, and the new gradient."),
        (1.09, "The weight moves against the gradient."),
        (0.991, "Here v is a sum of steps, not an average: the gradient counts in full."),
    ],
)
exercise(
    "09.4",
    _tanh_gradient,
    cases=[
        (np.linspace(1, 3, 9), np.linspace(-2, 2, 9)),
        (np.array([[3, -1], [0, 2], [1, 1]]), np.array([[1, 0], [2, -1], [-2, 3]])),
        (np.linspace(-1, 2, 24).reshape(2, 3, 4), np.linspace(3, -3, 24).reshape(2, 3, 4)),
    ],
    wrong=[
        (
            lambda dy, x: 1 - np.tanh(x) ** 2,
            "That is the derivative of tanh: by the chain rule it is multiplied by dy.",
        ),
        (lambda dy, x: dy * (1 - x**2), "That takes x for the output of tanh; here x is its input."),
        (lambda dy, x: dy * (1 - np.tanh(x)), "The tanh is squared."),
        (lambda dy, x: dy * np.tanh(x), "That multiplies by tanh itself: its derivative is asked for."),
        (lambda dy, x: x * (1 - np.tanh(dy) ** 2), "The arguments are exchanged: dy comes first, then x."),
        (lambda dy, x: dy * (1 - np.tanh(x**2)), "The tanh is squared, not its argument."),
        (lambda dy, x: dy * np.tanh(x) ** 2, "The square is subtracted from 1."),
    ],
)


# 10 build_alexnet

# What "Count the memory" counts: parameters of the network of one tower, outputs for each image.
_PARAMETERS, _OUTPUTS = 62_378_344, 781_736


def _share_of_dense(model):
    from alexnet_helpers import load_keras

    dense = [layer for layer in model.layers if isinstance(layer, load_keras().layers.Dense)]
    return sum(layer.count_params() for layer in dense) / model.count_params()


def _small_models():
    """Return models whose dense layers neither stand at the end nor have the usual names."""
    from alexnet_helpers import load_keras

    keras = load_keras()
    layers = keras.layers
    start = [keras.Input((6, 6, 2)), layers.Conv2D(4, 3, name="map"), layers.Flatten(), layers.Dropout(0.5)]
    first = keras.Sequential([*start, layers.Dense(5, name="fc6"), layers.Dense(3, name="fc8")])
    start = [keras.Input((5, 4, 3)), layers.Dense(7, name="each_pixel"), layers.Conv2D(2, 3), layers.Flatten()]
    second = keras.Sequential([*start, layers.Dense(6, use_bias=False, name="fc"), layers.BatchNormalization()])
    third = keras.Sequential([keras.Input((5, 5, 1)), layers.Conv2D(2, 3)])
    return [(first,), (second,), (third,)]


def _of_layers(number, of_dense_only=True):
    """Return a (wrong) function of a model: a share that counts something else than all parameters."""

    def share(model):
        chosen = [layer for layer in model.layers if "Dense" in type(layer).__name__ or not of_dense_only]
        return number(chosen, model)

    return share


def _one_tower(function):
    from alexnet_helpers import geometry, load_keras

    keras, model = load_keras(), call(function)
    if not isinstance(model, keras.Model):
        return f"Your function returned {_kind(model)}; a Keras model is asked for."
    learning = [layer for layer in model.layers if layer.built and layer.count_params()]
    if not model.built or model.input_shape != (None, 227, 227, 3) or len(learning) != 8:
        return "The model takes images of 227 x 227 x 3 and has five convolutions and three dense layers."
    halves = [
        layer._replace(units=layer.units // 2) if layer.units and layer.name != "fc8" else layer
        for layer in geometry.ALEXNET
    ]
    table = geometry.layer_table(halves)
    table = table[table["parameters"] > 0]
    for layer, (name, row) in zip(learning, table.iterrows()):
        arrives, shape, count = layer.input.shape[1:], layer.output.shape[1:], layer.count_params()
        if arrives != row["input"]:
            return f"{name} gets {arrives} from the layers before it: look at their pools, strides and units."
        if shape != row["output"]:
            return f"{name} gives {shape}. Half of AlexNet's has as many channels or units, and maps of the same size."
        if count != row["parameters"]:
            return f"{name} has the right shape, but {count:,} parameters: look at kernel, input and groups."
    if any(isinstance(layer, keras.layers.AveragePooling2D) for layer in model.layers):
        return "AlexNet's pools keep the maximum, not the average."
    return _missing_relu(keras, model, dict(zip(table.index, learning)))


def _missing_relu(keras, model, learning):
    """Run noise through a model; a ReLU leaves zeros and nothing below them: say behind which layer it is missing."""
    rng = np.random.default_rng(0)
    for layer in learning.values():
        kernel, *bias = layer.get_weights()
        scale = (kernel.size / kernel.shape[-1]) ** -0.5
        noise = rng.standard_normal(kernel.shape, np.float32)
        layer.set_weights([noise * np.float32(scale), *map(np.zeros_like, bias)])
    image = rng.standard_normal((1, 227, 227, 3), np.float32)
    arriving = keras.Model(model.inputs[0], [layer.input for layer in list(learning.values())[1:]])(image)
    for name, values in zip(learning, arriving):
        if np.asarray(values).min() != 0:
            return f"{name} has no ReLU: what arrives at the next layer would be 0 in part, and nowhere negative."
    return None


def _tower(filters=(48, 128, 192, 192, 128), units=2048, classes=1000, activation="relu", pool="MaxPooling2D"):
    """Return a function that builds a tower with one thing changed."""

    def one_tower():
        from alexnet_helpers import load_keras

        keras = load_keras()
        settings = {"activation": activation, "kernel_initializer": "zeros"}  # random ones take seconds
        model = keras.Sequential([keras.Input((227, 227, 3))])
        for count, (kernel, stride, _), pooled in zip(filters, _ALEXNET[::2][:2] + _ALEXNET[4:7], (1, 1, 0, 0, 1)):
            padding = "valid" if kernel == 11 else "same"
            model.add(keras.layers.Conv2D(count, kernel, stride, padding, **settings))
            if pooled:
                model.add(getattr(keras.layers, pool)(3, 2))
        model.add(keras.layers.Flatten())
        for count in (units, units):
            model.add(keras.layers.Dense(count, **settings))
        model.add(keras.layers.Dense(classes, kernel_initializer="zeros"))
        return model

    return one_tower


exercise(
    "10.1",
    58_322_314,
    hints=[
        (58_322_304, "The ten units have a bias each."),
        (58_281_344, "That is the network without fc8; with 10 classes there still is one."),
        (56_909_194, "That is the network with two towers."),
        (62_378_344, "That is the network for 1,000 classes."),
        (58_323_304, "The 990 biases that are no longer needed go, too."),
        (40_970, "That is fc8 alone: the whole network is asked for."),
    ],
)
exercise(
    "10.2",
    60_522_856,
    hints=[
        (60_522_664, "The biases are not halved: the number of filters stays."),
        (61_935_976, "Start from the network with two towers."),
        (60_080_488, "Each filter of conv3 loses half of its inputs, not all of them."),
        (60_080_104, "Each filter of conv3 loses half of its inputs, not all of them."),
        (60_522_472, "The 384 biases stay: only weights are saved."),
        (61_407_592, "conv3 has fewer weights then, not more: subtract."),
        (442_752, "That is conv3 alone: the whole network is asked for."),
        (442_368, "That is what is saved: subtract it from the network with two towers."),
    ],
)
exercise(
    "10.3",
    720,
    hints=[
        (879, "While it learns, the network keeps the gradient and the velocity of each weight as well."),
        (959, "The parameters are in the card's memory too."),
        (853, "The pooling layers have outputs as well."),
        (790, "3 GB are 3·10⁹ bytes here."),
        (240, "The outputs are kept once each."),
        ((3e9 - 12 * _PARAMETERS) / (4 * _OUTPUTS), "A number of images is whole: round down."),
        (721, "The 721st image does not fit any more: round down."),
        (2880, "An output takes 4 bytes."),
    ],
)
exercise(
    "10.4",
    _share_of_dense,
    cases=_small_models,
    wrong=[
        (lambda model: 100 * _share_of_dense(model), "That is in per cent; a number from 0 to 1 is meant."),
        (lambda model: 1 - _share_of_dense(model), "That is the share of the other layers."),
        (
            _of_layers(lambda dense, model: sum(layer.count_params() for layer in dense)),
            "That is the number of parameters: divide it by that of the whole model.",
        ),
        (
            _of_layers(
                lambda dense, model: sum(layer.kernel.shape.num_elements() for layer in dense) / model.count_params()
            ),
            "The biases are parameters as well.",
        ),
        (
            _of_layers(lambda dense, model: dense[-1].count_params() / model.count_params()),
            "That is the last dense layer only: add up all of them.",
        ),
        (
            _of_layers(lambda dense, model: len(dense) / len(model.layers)),
            "That is the share of the layers: count their parameters.",
        ),
        (
            _of_layers(
                lambda layers, model: (
                    sum(layer.count_params() for layer in layers if layer.name.startswith("dense"))
                    / model.count_params()
                ),
                of_dense_only=False,
            ),
            "A layer can have any name: ask for its class with isinstance.",
        ),
    ],
)
exercise(
    "10.5",
    _one_tower,
    wrong=[
        (_tower(classes=500), "fc8 gives (500,)."),
        (_tower(units=4096), "fc6 gives (4096,)."),
        (_tower(filters=(48, 128, 384, 192, 128)), "conv3 gives (13, 13, 384)."),
        (_tower(activation=None), "conv1 has no ReLU"),
        (_tower(activation="sigmoid"), "conv1 has no ReLU"),
        (_tower(pool="AveragePooling2D"), "keep the maximum, not the average"),
        (lambda: "model.summary()", "Your function returned a str; a Keras model is asked for."),
    ],
)


# 11 cifar10


def _normalize_images(images, mean, std):
    return ((images - mean) / std).astype(np.float32)


def _float32(function):
    return lambda images, mean, std: np.asarray(function(images, mean, std)).astype(np.float32)


def _split_at_random(split):
    for images, count in ((100, 20), (45, 30)):
        parts = call(split, images, count, 0)
        if not isinstance(parts, (tuple, list)) or len(parts) != 2:
            return "Return two arrays: the numbers to train on, and the numbers held out."
        kept, held_out = map(_result, parts)
        if kept.ndim != 1 or held_out.ndim != 1 or kept.dtype.kind not in "iu" or held_out.dtype.kind not in "iu":
            return "Return one-dimensional arrays of integers: they are to index the images."
        if (len(kept), len(held_out)) == (count, images - count):
            return "The numbers to train on come first, those held out second."
        if (len(kept), len(held_out)) != (images - count, count):
            return f"Of {images} images with {count} held out you train on {len(kept)} and hold out {len(held_out)}."
        if np.intersect1d(kept, held_out).size:
            return "A number is in both parts: the network would be tested on what it was trained on."
        if not np.array_equal(np.sort(np.concatenate([kept, held_out])), np.arange(images)):
            return f"The two parts together must hold each number from 0 to {images - 1} once."
        again, other = (np.sort(_result(call(split, images, count, seed)[1])) for seed in (0, 1))
        if not np.array_equal(np.sort(held_out), again):
            return "The same seed must give the same split each time."
        if np.array_equal(again, other):
            return "Another seed should give another split: let chance decide."
        if (np.diff(again) == 1).sum() >= count - 2:
            return "Neighbouring numbers are held out together: let chance decide for each number."
    return None


def _split_by(order):
    """Return a function that holds out the first of the numbers that `order` returns."""

    def split(images, held_out, seed):
        numbers_in_order = order(images, np.random.default_rng(seed))
        return numbers_in_order[held_out:], numbers_in_order[:held_out]

    return split


def _from_noise(seed, shape):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


exercise(
    "11.1",
    737.28,
    hints=[
        (184.32, "That is one byte a value, uint8."),
        (1474.56, "That is eight bytes a value, float64."),
        (614.4, "Those are the training images alone."),
        (703.125, "Those are mebibytes of 2**20 bytes; divide by 10**6."),
        (737_280_000, "That is the number of bytes; a megabyte is 10**6 of them."),
        (245.76, "That is one colour; there are three."),
    ],
)
exercise(
    "11.2",
    (0.91, 0.01),
    hints=[
        ((0.9, 0.01), "The row sums to 0.99: the right class gets its share of the 0.1 as well."),
        ((0.9, 0.1 / 9), "The 0.1 is spread over all ten classes, the right one included."),
        ((0.9, 0.1), "The 0.1 is spread over the classes; the row has to sum to 1."),
        ((0.01, 0.91), "The right class comes first in the pair."),
        ((0.91, 0.09), "The 0.09 belongs to the nine other classes together."),
        ((1.0, 0.1), "The row has to sum to 1: the right class gives something away."),
        ((1.0, 0.01), "The row has to sum to 1: the right class gives something away."),
        ((0.95, 0.005), "That is smoothing with 0.05, and the right class without its share."),
    ],
)
exercise(
    "11.3",
    (1, 0, 0, 0, -1, 31),
    hints=[
        ((1, 0, 0, 0, -1, 32), "Row 0 would come from row 32, and the last row has the number 31."),
        ((1, 0, 0, 0, -1, 0), "Row 1 would come from row -1: where does row 0 of the output come from?"),
        ((-1, 0, 31, 0, 1, 0), "That mirrors left and right."),
        ((-1, 0, 31, 0, -1, 31), "That turns the image by 180 degrees; the columns are to stay."),
        ((1, 0, 0, 0, 1, 31), "That moves the image: row 1 would come from row 32."),
        ((0, 1, 0, 1, 0, 0), "That exchanges rows and columns."),
        ((1, 0, 31, 0, -1, 0), "The 31 belongs to the rows, b2."),
        ((0, -1, 31, 1, 0, 0), "b0, b1 and b2 say from which row a pixel comes: b1 multiplies the row."),
    ],
)
exercise(
    "11.4",
    _normalize_images,
    cases=[
        (_from_noise(0, (3, 32, 32, 3)), np.array([125.0, 120.0, 110.0]), np.array([60.0, 50.0, 70.0])),
        (_from_noise(1, (2, 32, 32, 3)), np.array([90.5, 140.25, 33.0]), np.array([31.5, 80.0, 44.0])),
    ],
    wrong=[
        (
            _float32(lambda x, mean, std: (x - mean.astype(np.uint8)) / std),
            "Below the mean uint8 begins again at 255: convert the images first.",
        ),
        (
            lambda x, mean, std: ((x - mean) / std).astype(int),
            "The result needs fractions and negative numbers: float32.",
        ),
        (
            _float32(lambda x, mean, std: (x - x.mean(axis=(0, 1, 2))) / x.std(axis=(0, 1, 2))),
            "Use the mean and standard deviation that are given: those of these images may be other ones.",
        ),
        (_float32(lambda x, mean, std: (x - mean) / std**2), "You divided by the variance."),
        (_float32(lambda x, mean, std: x - mean), "The standard deviation is missing: divide by it."),
        (_float32(lambda x, mean, std: x - mean / std), "Subtract first: (images - mean) needs brackets."),
        (
            _float32(lambda x, mean, std: (x / 255 - mean) / std),
            "The mean is one of values 0-255, so it is not for images divided by 255.",
        ),
        (
            _float32(lambda x, mean, std: (x - mean.mean()) / std.mean()),
            "Each channel has a mean and a standard deviation of its own.",
        ),
        (lambda x, mean, std: (x - mean) / std, "The values are right, but the result is float64"),
    ],
)
exercise(
    "11.5",
    _split_at_random,
    wrong=[
        (_split_by(lambda n, rng: np.arange(n)), "Another seed should give another split"),
        (_split_by(lambda n, rng: rng.integers(0, n, n)), "A number is in both parts"),
        (_split_by(lambda n, rng: np.random.default_rng().permutation(n)), "The same seed must give the same split"),
        (_split_by(lambda n, rng: np.roll(np.arange(n), rng.integers(n))), "Neighbouring numbers are held out"),
        (_split_by(lambda n, rng: rng.permutation(n) + 1), "each number from 0 to 99 once"),
        (_split_by(lambda n, rng: rng.permutation(n).astype(float)), "arrays of integers"),
        (lambda n, count, seed: _split_by(lambda n, rng: rng.permutation(n))(n, count, seed)[::-1], "come first"),
        (lambda n, count, seed: _split_by(lambda n, rng: rng.permutation(n))(n, 20, seed), "Of 45 images with 30"),
        (lambda n, count, seed: np.random.default_rng(seed).permutation(n), "Return two arrays"),
    ],
)


# 12 train_on_cifar10


def _rmsprop_step(w, g, v, lr, rho):
    v = rho * v + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(v) + 1e-8), 1.0 * v


def _learning_rate(step, largest, warmup, total):
    if step < warmup:
        return largest * step / warmup
    return largest * float(np.cos(np.pi / 2 * (step - warmup) / (total - warmup))) ** 2


def _after_warm_up(rate):
    """Return a schedule that is right until the warm-up is over, and then `rate(step, largest, warmup, total)`."""
    return lambda step, *rest: _learning_rate(step, *rest) if step < rest[1] else float(rate(step, *rest))


def _most_confused(counts):
    both = np.triu(counts + counts.T, k=1)
    return np.unravel_index(both.argmax(), both.shape)


def _pair_of(table):
    return tuple(int(number) for number in np.unravel_index(table.argmax(), table.shape))


# In one direction 0 -> 3 is largest, in both directions together 1 and 2 are.
_COUNTS = np.array([[90, 1, 0, 9], [2, 80, 8, 0], [0, 7, 70, 3], [1, 2, 1, 96]])
_WEIGHTS, _GRADIENTS = np.array([0.1, -0.2, 0.05]), np.array([0.3, -4.0, 0.02])

exercise(
    "12.1",
    0.0005,
    hints=[
        (-0.0005, "The weight moves against the gradient."),
        (0.00015, "That is a step of SGD."),
        (-0.00015, "That is SGD, and along the gradient."),
        (0.0005 / 10**0.5 * 10, "That is without the bias correction of both averages."),
        (0.00005, "The average of the gradient is corrected as well: it is divided by 1 - 0.9."),
        (0.3, "Adam divides by the gradient's size: the learning rate alone is left."),
        (0.0005 / 0.3, "Adam divides the gradient by its own size: the learning rate alone is left."),
    ],
    tolerance=2e-5,  # as large as the share of the tiny number that Adam adds
)
exercise(
    "12.2",
    391,
    hints=[
        (780, "The second epoch does not begin anew: count the batches that are left."),
        (782, "steps_per_epoch is rounded down, and the second epoch gets what the first has left."),
        (781, "The second epoch does not begin anew: count the batches that are left."),
        (390, "That is the first epoch alone: count what is left for the second."),
        (390.625, "The last batch is a smaller one, and counts as a step."),
        (781.25, "The second epoch does not begin anew, and steps are whole."),
        (1, "That is the second epoch alone."),
    ],
)
exercise(
    "12.3",
    _rmsprop_step,
    cases=[
        (_WEIGHTS, _GRADIENTS, np.array([0.0, 1.0, 0.04]), 0.1, 0.9),
        (np.array([[0.5, 1.0]]), np.array([[3, -2]]), np.array([[4, 1]]), 0.2, 0.6),
        (0.3, 2.0, 0.5, 0.01, 0.99),
        (0.5, 0.0, 0.0, 0.1, 0.9),
    ],
    wrong=[
        (
            lambda w, g, v, lr, rho: (2 * w - _rmsprop_step(w, g, v, lr, rho)[0], _rmsprop_step(w, g, v, lr, rho)[1]),
            "The weight must move against the gradient.",
        ),
        (
            lambda w, g, v, lr, rho: (w - lr * g / (np.sqrt(v) + 1e-8), rho * v + (1 - rho) * g**2),
            "Divide by the root of the new v, not of the old one.",
        ),
        (
            lambda w, g, v, lr, rho: _rmsprop_step(w, g, v, lr, 1 - rho),
            "rho belongs to the old v, 1 - rho to the new square.",
        ),
        (
            lambda w, g, v, lr, rho: _rmsprop_step(w, g, v, lr, rho)[::-1],
            "Return the new weight first, then the new v.",
        ),
        (lambda w, g, v, lr, rho: _rmsprop_step(w, g, v, lr, rho)[0], "2 results are asked for"),
        (
            lambda w, g, v, lr, rho: (w - lr * g / (rho * v + (1 - rho) * g**2 + 1e-8), rho * v + (1 - rho) * g**2),
            "Divide by the root of v.",
        ),
        (
            lambda w, g, v, lr, rho: (w - lr * np.sign(g), rho * v + (1 - rho) * g**2),
            "Divide by the root of the average v, not by the size of this gradient.",
        ),
        (
            lambda w, g, v, lr, rho: (
                w - lr * np.divide(g, np.sqrt(rho * v + (1 - rho) * g**2)),
                rho * v + (1 - rho) * g**2,
            ),
            "Where g and v are 0 that divides 0 by 0: add a tiny number.",
        ),
    ],
    tolerance=1e-4,  # the tiny number is not prescribed
)
exercise(
    "12.4",
    _learning_rate,
    # In the first two cases each usual slip gives another rate.
    cases=[
        *((step, 0.002, 100, 1000) for step in (25, 325, 0, 50, 100, 550, 775, 1000)),
        *((step, 1.5, 8, 20) for step in (0, 3, 8, 11, 14, 20)),
    ],
    wrong=[
        (
            _after_warm_up(lambda step, largest, warmup, total: largest * (1 + np.cos(np.pi * step / total)) / 2),
            "The cosine begins at step `warmup`, not at step 0.",
        ),
        (
            lambda step, largest, warmup, total: largest * (1 + np.cos(np.pi * step / total)) / 2,
            "The warm-up is missing: until step `warmup` the rate climbs in a straight line.",
        ),
        (
            lambda step, *rest: _learning_rate(step + 1, *rest),
            "Steps are counted from 0: at step 0 the rate is 0, at step `warmup` it is `largest`.",
        ),
        (
            _after_warm_up(lambda step, largest, warmup, total: largest * (total - step) / (total - warmup)),
            "That falls in a straight line: half a cosine is asked for.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: largest * np.cos(np.pi * (step - warmup) / (total - warmup))
            ),
            "A cosine falls to -1: add 1 and halve.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: largest * np.cos(np.pi / 2 * (step - warmup) / (total - warmup))
            ),
            "That is a quarter of a cosine: half of one goes from 1 to -1.",
        ),
        (
            _after_warm_up(
                lambda step, largest, warmup, total: largest * (1 + np.cos(np.pi * (step - warmup) / total)) / 2
            ),
            "From `warmup` on there are total - warmup steps.",
        ),
        (
            lambda step, largest, warmup, total: _learning_rate(step, 1, warmup, total),
            "That is the share of the largest rate: multiply by `largest`.",
        ),
        (
            lambda step, largest, warmup, total: _learning_rate(step, 0.002, 100, 1000),
            "Use `largest`, `warmup` and `total` as they are passed.",
        ),
    ],
)
exercise(
    "12.5",
    _most_confused,
    cases=[
        (_COUNTS,),
        (_COUNTS[::-1, ::-1].copy(),),
        (np.roll(_COUNTS, 1, (0, 1)),),
        (np.array([[9, 0, 4], [1, 7, 2], [3, 0, 5]]),),
        (np.array([[50, 9, 2], [0, 40, 3], [3, 4, 30]]),),
        (np.random.default_rng(4).permutation(36).reshape(6, 6),),
    ],
    wrong=[
        (lambda counts: _pair_of(counts), "The diagonal holds the right answers: leave it out."),
        (lambda counts: _pair_of(counts + counts.T), "The diagonal holds the right answers: leave it out."),
        (
            lambda counts: tuple(sorted(_pair_of(counts * (1 - np.eye(len(counts), dtype=int))))),
            "That is the largest count in one direction: add both directions.",
        ),
        (
            lambda counts: _pair_of(np.triu(counts * counts.T, k=1)),
            "Counted in both directions: add the two counts, do not multiply them.",
        ),
        (lambda counts: _most_confused(counts)[::-1], "The smaller class number comes first."),
        (
            lambda counts: np.triu(counts + counts.T, k=1).max(),
            "2 results are asked for",
        ),
        (
            lambda counts: (np.fill_diagonal(counts, 0), _most_confused(counts))[1],
            "Your function changes the argument that is passed: work on a copy of it.",
        ),
    ],
)


# 13 look_inside


def _cover(image, row, column, side):
    covered = image.copy()
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            if 0 <= i - (row - side // 2) < side and 0 <= j - (column - side // 2) < side:
                covered[i, j] = 128
    return covered


def _cover_slice(image, top, left, height, width):
    covered = image.copy()
    covered[top : top + height, left : left + width] = 128
    return covered


def _cover_in_place(image, row, column, side):
    image[max(row - side // 2, 0) : row - side // 2 + side, max(column - side // 2, 0) : column - side // 2 + side] = (
        128
    )
    return image


def _cosines(query, gallery):
    return gallery @ query / np.sqrt((gallery**2).sum(axis=1)) / np.sqrt((query**2).sum())


def _nearest(query, gallery):
    return _cosines(query, gallery).argmax()


def _grad_cam(maps, gradient):
    weights = gradient.sum(axis=(0, 1)) / gradient[..., 0].size
    return np.maximum(np.einsum("hwc,c->hw", maps, weights), 0.0)


_IMAGE = np.arange(6 * 7 * 3, dtype=np.uint8).reshape(6, 7, 3)
# For the first query each usual slip finds another row.
_GALLERY = np.array([[9.0, 9.0, 0.0], [0.1, 0.0, 0.1], [-3.0, 0.5, -4.0], [0.0, 2.0, 0.0], [1.0, 1.5, 3.0]])
_MAPS, _MAP_GRADIENT = _RNG.random((3, 4, 5)), _RNG.normal(size=(3, 4, 5))

exercise(
    "13.1",
    49,
    hints=[
        (36, "Count the start as well: from 0 to 24 in steps of 4."),
        (64, "The square stays inside the image: its corner cannot go further than 24."),
        (169, "That is with steps of 2."),
        (7, "The square moves down as well."),
        (16, "The squares overlap: they move by 4, not by 8."),
        (625, "That is with steps of 1."),
        (50, "The uncovered image is not counted."),
    ],
)
exercise(
    "13.2",
    0.4,
    hints=[
        (0.6, "That is the share of grey."),
        (0.18, "That is the sum of squares without the mean: divide it by the whole."),
        (0.2, "Divide by the sum of the squares, 0.45."),
        (0.45, "That is the sum of the squares: which part of it is left without the mean?"),
        (0.4**0.5, "The share is one of squares: do not take the root."),
        (2 / 3, "Squares are compared: 0.3, 0 and -0.3 against 0.6, 0.3 and 0."),
        (0.06, "That is the mean of the squares: divide the sum, 0.18, by the sum of the squares of the weights."),
        (0.3, "That is the mean of the weights: subtract it from each."),
    ],
)
exercise(
    "13.3",
    _cover,
    cases=[
        (_IMAGE, 2, 4, 3),
        (_IMAGE, 3, 3, 2),
        (_IMAGE, 0, 6, 4),
        (_IMAGE, 5, 0, 4),
        (_from_noise(2, (9, 5, 3)), 1, 1, 5),
    ],
    wrong=[
        (
            lambda image, row, column, side: _cover_slice(image, row, column, side, side),
            "Row and column are the middle of the square, not its corner.",
        ),
        (lambda image, row, column, side: _cover(image, column, row, side), "Row and column are exchanged."),
        (
            lambda image, row, column, side: np.where(_cover(image, row, column, side) != image, 0, image),
            "The square is not black: its value is 128.",
        ),
        (
            lambda image, row, column, side: _cover(image, row, column, 2 * (side // 2) + 1),
            "A square with an even side is one pixel too large: from the corner on, it has `side` pixels.",
        ),
        (
            lambda image, row, column, side: _cover_slice(image, row - side // 2, column - side // 2, side, side),
            "Where the square leaves the image, a start below 0 counts from the end.",
        ),
        (
            lambda image, row, column, side: _cover_slice(
                image, max(row - side // 2, 0), max(column - side // 2, 0), side, side
            ),
            "At the edge the square moves into the image: only its start may be cut off, not its end moved.",
        ),
        (_cover_in_place, "Your function changes the argument that is passed: work on a copy of it."),
        (
            lambda image, row, column, side: _cover(image, row, column, side).astype(float),
            "The values are right, but the result is float64 instead of uint8.",
        ),
    ],
)
exercise(
    "13.4",
    _nearest,
    cases=[
        (np.array([2.0, 0.3, 2.0]), _GALLERY),
        (np.array([3, -1]), np.array([[-6, 2], [1, 0], [10, 8], [2, -1]])),
        (np.array([-1.0, 0.0, -1.0]), _GALLERY),
        (np.array([0.0, 0.2, 0.0]), _GALLERY),
        (_RNG.normal(size=7), _RNG.normal(size=(20, 7))),
    ],
    wrong=[
        (
            lambda query, gallery: (gallery @ query).argmax(),
            "That is the largest inner product: divide it by the lengths.",
        ),
        (
            lambda query, gallery: ((gallery - query) ** 2).sum(axis=1).argmin(),
            "That is the smallest distance: the angle between the vectors is asked for.",
        ),
        (
            lambda query, gallery: np.abs(_cosines(query, gallery)).argmax(),
            "The sign counts: a vector in the opposite direction is the farthest.",
        ),
        (lambda query, gallery: _cosines(query, gallery).argmin(), "That is the smallest cosine."),
        (
            lambda query, gallery: _cosines(query, gallery).max(),
            "That is the cosine itself: its position is asked for.",
        ),
        (
            lambda query, gallery: gallery[_nearest(query, gallery)],
            "That is the row itself: its position is asked for.",
        ),
        (
            lambda query, gallery: (gallery @ query / (gallery**2).sum(axis=1)).argmax(),
            "That divides by the square of the length: take its root.",
        ),
        (
            lambda query, gallery: float(_nearest(query, gallery)),
            "it has to be an integer",
        ),
    ],
)
exercise(
    "13.5",
    _grad_cam,
    cases=[
        (_MAPS, _MAP_GRADIENT),
        (_RNG.random((6, 2, 3)), _RNG.normal(size=(6, 2, 3))),
        (_RNG.integers(0, 9, (4, 4, 2)), _RNG.integers(-9, 9, (4, 4, 2))),
    ],
    wrong=[
        (
            lambda maps, gradient: (maps * gradient.mean(axis=(0, 1))).sum(axis=-1),
            "The last step is missing: what is negative becomes 0.",
        ),
        (
            lambda maps, gradient: np.maximum((maps * gradient).sum(axis=-1), 0),
            "That multiplies place by place: average the gradient over the places first.",
        ),
        (
            lambda maps, gradient: np.maximum(maps * gradient.mean(axis=(0, 1)), 0).sum(axis=-1),
            "Add up first, then set what is negative to 0.",
        ),
        (
            lambda maps, gradient: np.maximum((maps * gradient.sum(axis=(0, 1))).sum(axis=-1), 0),
            "Average the gradient over the places: that is its sum.",
        ),
        (
            lambda maps, gradient: np.maximum((maps * gradient.mean(axis=(0, 1))).mean(axis=-1), 0),
            "Add the weighted maps up: that is their mean.",
        ),
        (
            lambda maps, gradient: np.maximum(maps * gradient.mean(axis=(0, 1)), 0),
            "The maps are not added up yet: sum over the channels.",
        ),
        (
            lambda maps, gradient: np.abs((maps * gradient.mean(axis=(0, 1))).sum(axis=-1)),
            "What is negative becomes 0, not positive.",
        ),
    ],
)


# 14 what_mattered


def _between_seeds(results):
    squares = [((row - row.mean()) ** 2).sum() / (len(row) - 1) for row in results]
    return float(np.sqrt(np.mean(squares)))


_FOUR_RUNS = np.array([[64.0, 65.0], [66.2, 66.6]])

exercise(
    "14.1",
    np.sqrt(0.29),
    hints=[
        (0.29, "That is the variance: take its root."),
        (np.sqrt(0.145), "Two runs: divide the sum of the squared distances from the mean by 2 - 1, not by 2."),
        ((np.sqrt(0.5) + np.sqrt(0.08)) / 2, "Average the variances, and take the root at the end."),
        (
            _FOUR_RUNS.std(ddof=1),
            "That is the spread of all four runs: the recipes differ as well. Stay within each pair.",
        ),
        (_FOUR_RUNS.std(), "That is the spread of all four runs: the recipes differ as well. Stay within each pair."),
        (np.sqrt(0.58), "The mean of the two variances is asked for, not their sum."),
        (0.7, "That is the mean difference within the pairs: take variances, their mean, and the root."),
        (_FOUR_RUNS.mean(axis=1).std(ddof=1), "That is the spread between the recipes: it is asked for between seeds."),
    ],
    tolerance=5e-3,
)
exercise(
    "14.2",
    True,
    hints=[
        (
            False,
            "By the rule it does: the means lie 1.9 points apart, and twice the deviation is 1.1. If you distrust the "
            "rule, since two pairs hardly tell a deviation, you have a point; the question is what the rule says.",
        )
    ],
    remark="That is what the rule says. With only two pairs it is weak evidence: "
    "chance alone passes it in 18 of 100 cases.",
)
exercise(
    "14.3",
    18_432,
    hints=[
        (36_864, "That is with one group: each filter sees all 64 channels."),
        (9_216, "Each group has 32 channels in and 32 filters; there are two groups."),
        (18_496, "Without the biases."),
        (2_048, "Each weight of a 1×1 filter becomes 3×3 of them."),
        (288, "That is one filter; there are 64."),
        (576, "That is one filter without groups."),
        (73_728, "Groups divide the weights, they do not multiply them."),
    ],
)
exercise(
    "14.4",
    _between_seeds,
    cases=[
        (_FOUR_RUNS,),
        (np.random.default_rng(0).normal(size=(5, 2)),),
        (np.random.default_rng(1).normal(size=(4, 3)),),
        (np.array([[60, 62, 61, 67, 65]]),),
    ],
    wrong=[
        (lambda results: np.sqrt(results.var(axis=1).mean()), "Divide by the number of seeds minus 1 (ddof=1)."),
        (
            lambda results: results.std(axis=1, ddof=1).mean(),
            "Average the variances and take the root at the end; yours is the mean of the roots.",
        ),
        (
            lambda results: results.std(ddof=1),
            "That is the spread of all results: the recipes differ as well. Take the variance within each row.",
        ),
        (
            lambda results: results.std(),
            "That is the spread of all results: the recipes differ as well. Take the variance within each row.",
        ),
        (lambda results: results.var(axis=1, ddof=1).mean(), "That is the variance: take its root."),
        (
            lambda results: np.sqrt(results.var(axis=0, ddof=1).mean()),
            "That is the variance down the columns: take it within each row.",
        ),
        (lambda results: results.std(axis=1, ddof=1), "Yours are the deviations of the rows: one number is asked for."),
        (
            lambda results: np.sqrt(((results[:, 0] - results[:, 1]) ** 2 / 2).mean()),
            "That looks at the first two seeds only: there can be more.",
        ),
    ],
)


# 15 scale_out


def _all_reduce(gradients, examples):
    total = sum(count * gradient for count, gradient in zip(examples, gradients))
    return 1.0 * total / sum(examples)


exercise(
    "15.1",
    0.8,
    hints=[
        (0.1, "The batch is eight times as large now."),
        (0.0125, "Times eight, not divided by it."),
        (0.1 * 8**0.5, "The linear rule: the rate grows as the batch does, not as its root."),
        (0.2, "There are 8 GPUs: the batch doubles three times."),
        (8, "Times eight: 0.1 is the rate that is multiplied."),
        (204.8, "Multiply by how many times the batch has grown, not by its size."),
    ],
)
exercise(
    "15.2",
    150,
    hints=[
        (200, "Nearly: it is 2 (N - 1) / N times the size."),
        (75, "Twice: once to add up, once to hand out the sum."),
        (100, "Each device sends pieces of 25 MB, in 2 (N - 1) rounds."),
        (25, "That is one piece: how often does a device send one?"),
        (300, "That would be the whole gradient for each of the three others: a ring sends a piece in each round."),
        (37.5, "That divides by 4 twice: a piece has 25 MB."),
        (600, "That is what all four send together."),
    ],
)
exercise(
    "15.3",
    12,
    hints=[
        (16, "That would be without sending."),
        (
            0.3 / (0.3 / 16 + 0.1),
            "Each of the 16 does as much in a step as the one does: 0.3 s of computing is not divided by 16.",
        ),
        (16 / 3, "0.1 s is the part spent on sending. What part of the 0.4 s is spent on computing?"),
        (4, "0.1 s is the part spent on sending. What part of the 0.4 s is spent on computing?"),
        (0.75, "That is the part of the time that each device computes: there are 16 of them."),
        (16 * 4 / 3, "That is upside down: sending makes a step longer, so they are slower than 16."),
        (48, "Compare the images in a second: 16 in 0.4 s with one in 0.3 s."),
    ],
)
exercise(
    "15.4",
    _all_reduce,
    cases=[
        (_RNG.normal(size=(2, 3, 2)), np.array([5, 3])),
        (_RNG.normal(size=(3, 3, 2)), np.array([1, 2, 3])),
        (_RNG.integers(-9, 9, (3, 4)), np.array([4, 4, 8])),
        (_RNG.normal(size=(2, 2, 3, 2)), np.array([4, 4])),
    ],
    wrong=[
        (
            lambda gradients, examples: gradients.mean(axis=0),
            "That is the plain mean: each gradient counts by its number of examples.",
        ),
        (
            lambda gradients, examples: np.tensordot(examples, gradients, axes=1),
            "Divide by the number of all examples.",
        ),
        (lambda gradients, examples: gradients.sum(axis=0), "That is the plain sum: an average is asked for."),
        (
            lambda gradients, examples: gradients.sum(axis=0) / examples.sum(),
            "Each gradient is the mean of its own examples: multiply it by their number before you add up.",
        ),
        (
            lambda gradients, examples: np.tensordot(examples, gradients, axes=1) / len(examples),
            "Divide by the number of all examples, not of the devices.",
        ),
        (
            lambda gradients, examples: (gradients * examples).sum(axis=0) / examples.sum(),
            "NumPy lines up the last axes, and the devices are the first: np.average takes weights along an axis.",
        ),
        (
            lambda gradients, examples: (gradients * examples[:, None, None]).sum(axis=0) / examples.sum(),
            "Gradients can have any number of axes: np.average takes weights along the first.",
        ),
    ],
)
