"""Answers that are values: numbers, truth values, texts, and sequences of these."""

import numbers
from decimal import Decimal

import numpy as np

from alexnet_helpers.exercises.words import NotAnswered


def hint_for_a_value(entry, answer):
    """Return None for the right value and else a hint."""
    parts = _parts(answer)
    blank = sum(part is None or part is ... for part in parts)
    if blank and blank == len(parts):
        raise NotAnswered
    if blank:
        verb = "has" if blank == 1 else "have"
        return f"{blank} of the {len(parts)} parts of the answer {verb} no value yet."
    if callable(answer):
        return "The answer is a value, yours a function: call it."
    if same_value(answer, entry.right, entry.tolerance):
        return None
    for wrong, hint in entry.hints:
        if same_value(answer, wrong, None) or _rounded(answer, wrong):
            return hint
    for wrong, hint in entry.hints:
        if _near(answer, wrong, entry.tolerance):
            return hint
    return _general_hint(answer, entry.right, entry.tolerance)


def _parts(answer):
    """Return what nested lists and tuples hold, one after the other."""
    if not isinstance(answer, (list, tuple)):
        return [answer]
    return [part for inner in answer for part in _parts(inner)]


def same_value(answer, expected, tolerance):
    """Tell whether two values are the same, up to the tolerance (see `exercise`)."""
    if (texts := as_texts(expected)) is not None:
        return as_texts(answer) == texts
    found, expected = as_numbers(answer), as_numbers(expected)
    # A Boolean is no number here: True must not pass for 1.
    if found is None or (found.dtype == bool) != (expected.dtype == bool):
        return False
    differs = which_differ(found, expected, tolerance)
    return differs is not None and not differs.any()


def _near(answer, wrong, tolerance):
    """Tell whether an answer is a wrong fraction, as exactly as the right one is asked.

    Where luck has a part, as in a simulation, two slips of one kind differ a little.
    """
    number = as_numbers(wrong)
    is_fraction = number is not None and number.dtype.kind == "f"
    return is_fraction and same_value(answer, wrong, tolerance)


def _rounded(answer, wrong):
    """Tell whether an answer is a wrong fraction, rounded to two digits or more."""
    wrong = as_numbers(wrong)
    if wrong is None or wrong.dtype.kind != "f":
        return False
    found = as_numbers(answer)
    if found is None or found.dtype == bool:
        return False
    found, wrong = np.squeeze(found).astype(float), np.squeeze(wrong)
    return found.shape == wrong.shape and all(map(_is_rounding, found.flat, wrong.flat))


def _is_rounding(short, long):
    if short == long or not np.isfinite(short):
        return short == long
    digits, _, exponent = f"{abs(short):.12e}".replace(".", "").partition("e")
    decimals = max(len(digits.rstrip("0")) - 1 - int(exponent), 0)
    return decimals + int(exponent) >= 1 and short == round(long, decimals)


def as_texts(value):
    """Return a text or a sequence of texts as a list in lower case, or else None."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        value = value.tolist()
    texts = value if isinstance(value, (list, tuple)) else [value]
    are_texts = len(texts) > 0 and all(isinstance(text, str) for text in texts)
    return [text.strip().lower() for text in texts] if are_texts else None


def as_numbers(value):
    """Return real numbers or Booleans as an array, and None for everything else.

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
    """Return fractions, decimals and huge integers as floats, or None."""
    for value in array.flat:
        is_number = isinstance(value, (numbers.Real, Decimal))
        if not is_number or isinstance(value, (bool, np.bool_)):
            return None
    return np.array([_as_float(number) for number in array.flat]).reshape(array.shape)


def _as_float(number):
    try:
        return float(number)
    except OverflowError:
        return np.inf if number > 0 else -np.inf


def is_finite(value):
    """Tell whether a value is numbers, all of them finite."""
    found = as_numbers(value)
    return found is not None and found.size > 0 and bool(np.isfinite(found).all())


def _is_boolean(value):
    return as_numbers(value).dtype == bool


def which_differ(answer, expected, tolerance):
    """Return which numbers differ too much, or None for another shape.

    Sides of 1 do not count: [[55, 55, 96]] has the shape of (55, 55, 96).
    """
    if tolerance is None:
        tolerance = 1e-12 if np.asarray(expected).dtype.kind in "iub" else 1e-6
    found = np.squeeze(as_numbers(answer)).astype(float)
    expected = np.squeeze(as_numbers(expected)).astype(float)
    if found.shape != expected.shape:
        return None
    largest = np.max(np.abs(expected), initial=1e-6)
    with np.errstate(invalid="ignore"):
        # `not <=` holds for NaN as well
        return ~(np.abs(found - expected) <= tolerance * largest)


def _general_hint(answer, right, tolerance):
    is_text = as_texts(answer) is not None
    if as_texts(right) is not None:
        if is_text:
            return "Another word is meant."
        return "The answer is a text, in quotes."
    found, expected = as_numbers(answer), np.squeeze(as_numbers(right))
    if _is_boolean(right) and expected.ndim == 0:
        return "The answer is True or False."
    if found is None or _is_boolean(answer) != _is_boolean(right):
        needed = "a number" if expected.ndim == 0 else f"{expected.size} numbers"
        return f"The answer is {needed}{', without quotes' if is_text else ''}."
    found, differs = np.squeeze(found), which_differ(answer, right, tolerance)
    if differs is None:
        return _hint_for_a_shape(found, expected)
    if np.isnan(found).any():
        return "Your answer holds a NaN (not a number)."
    if expected.ndim > 0:
        return _hint_for_places(differs)
    near = abs(found - expected) < 0.005 * abs(expected)
    if expected != np.round(expected) and near:
        return "Close: give more digits, or look at the last ones."
    return f"Your number is too {'large' if found > expected else 'small'}."


def _hint_for_a_shape(found, expected):
    if expected.ndim == 0:
        return f"The answer is one number, yours {found.size}."
    if found.ndim == 0:
        return f"The answer is {expected.size} numbers, yours one."
    return f"The answer has the shape {expected.shape}, yours {found.shape}."


def _hint_for_places(differs):
    count = differs.sum()
    verb = "is" if count == 1 else "are"
    text = f"{count} of the {differs.size} numbers {verb} off"
    if differs.ndim == 1 and count < differs.size:
        places = [f"number {place + 1}" for place in np.flatnonzero(differs)[:3]]
        return f"{text}: {', '.join(places)} in the row."
    return f"{text}."
