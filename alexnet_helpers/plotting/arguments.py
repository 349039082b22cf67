"""What the figures accept: each check returns the value as it is to be drawn."""

import itertools
import numbers
from collections.abc import Iterable

import numpy as np
import pandas as pd

from alexnet_helpers import checks

MOST_PICTURES = 400  # in a figure: they take 10 s
MOST_LINES = 100  # a figure of more names is too tall for Matplotlib


def listed(name, values, most, needed):
    """Return what a list or array holds as a list of at most `most`, but no text."""
    other = (str, bytes, bytearray, set, frozenset, pd.DataFrame)
    several = isinstance(values, Iterable) and not isinstance(values, other)
    if not several or getattr(values, "ndim", 1) == 0:
        checks.refuse(name, needed, values)
    found = list(itertools.islice(values, most + 1))
    if len(found) > most:
        checks.refuse(name, needed, values)
    return found


def titles(given, count):
    """Return titles as a list of texts, one for each of the pictures.

    >>> titles([7, "dog"], 2), titles(None, 2)
    (['7', 'dog'], ['', ''])
    """
    if given is None:
        return [""] * count
    needed = f"{count} texts, one for each picture"
    found = listed("titles", given, count, needed)
    usable = all(isinstance(one, (str, numbers.Real)) for one in found)
    if len(found) != count or not usable:
        checks.refuse("titles", needed, given)
    return [str(one) for one in found]


def optional_text(name, text):
    """Return a text, which may be empty, or None."""
    if text is not None and not isinstance(text, str):
        checks.refuse(name, "a text or None", text)
    return text


def chosen(name, choice, available):
    """Return the numbers of what is to be drawn of so many.

    >>> chosen("filters", 3, available=96), chosen("filters", [5, 2], available=96)
    ([0, 48, 95], [5, 2])
    """
    numbered = f"numbers from 0 to {available - 1}"
    needed = f"{numbered}, or how many to draw, {MOST_PICTURES} at most"
    if _is_integer(choice):
        count = min(checks.integer(name, choice), available)
        if count > MOST_PICTURES:
            raise ValueError(f"{name} must be {needed}, got {count}")
        return np.linspace(0, available - 1, count).round().astype(int).tolist()
    found = listed(name, choice, MOST_PICTURES, needed)
    if not found or not all(map(_is_integer, found)):
        checks.refuse(name, needed, choice)
    return [checks.integer(name, number, 0, available - 1) for number in found]


def _is_integer(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def finite(name, values):
    """Return an array without NaN and infinity."""
    if not np.isfinite(values).all():
        needed = f"{name} must be finite numbers"
        raise ValueError(f"{needed}, got NaN or infinity among them")
    return values


def colours(name, values, in_bytes):
    """Return colours with values from 0 to 1, given so or as bytes (0 to 255)."""
    low, high, highest = values.min(), values.max(), 255 if in_bytes else 1
    if not (low >= 0 and high <= highest):  # `not >=` holds for NaN as well
        needed = f"{name} must be colours from 0 to 255 as uint8, or from 0 to 1"
        raise ValueError(f"{needed}, got values from {low:g} to {high:g}")
    return values / highest


def table(name, given, needed):
    """Return the names of the columns of a table that has rows and those needed."""
    if not isinstance(given, pd.DataFrame):
        checks.refuse(name, "a pandas.DataFrame", given)
    columns = [column for column in given.columns if isinstance(column, str)]
    if not len(given):
        raise ValueError(f"{name} must have a row or more, got 0 rows")
    if missing := [column for column in needed if column not in columns]:
        demand = f"{name} must have the columns {', '.join(needed)}"
        raise ValueError(f"{demand}, got none named {', '.join(missing)}")
    if not given.columns.is_unique:
        demand = f"{name} must have columns of different names"
        raise ValueError(f"{demand}, got {checks.describe(columns)}")
    return columns


def column(name, given, table_name, columns):
    """Return the name of one of the columns of a table."""
    if not isinstance(given, str) or given not in columns:
        needed = f"a column of {table_name} ({', '.join(columns)})"
        checks.refuse(name, needed, given)
    return given


def numeric_column(name, given, column, with_gaps=False):
    """Check that a column of a table holds numbers: no texts, and no gaps."""
    if not pd.api.types.is_any_real_numeric_dtype(given[column]):
        needed = f"{name} must have numbers in the column {column!r}"
        raise ValueError(f"{needed}, got {given[column].dtype}")
    values = given[column].to_numpy(float, na_value=np.nan)
    if not with_gaps and not np.isfinite(values).all():
        needed = f"{name} must have finite numbers in the column {column!r}"
        raise ValueError(f"{needed}, got NaN or infinity")


def names_in(name, given, column):
    """Return the different names in a column of a table, in their order."""
    usable = all(isinstance(one, (str, numbers.Real)) for one in given[column])
    if given[column].isna().any() or not usable:
        needed = f"{name} must have a text or number in each row of {column!r}"
        raise ValueError(f"{needed}, got others")
    names = given[column].unique().tolist()
    if len(names) > MOST_LINES:
        needed = f"{name} must have at most {MOST_LINES} names in {column!r}"
        raise ValueError(f"{needed}, got {len(names)}")
    return names
