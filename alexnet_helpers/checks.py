"""What a function accepts: one check for each kind of argument, used by all modules.

Each check takes the argument's name and value. It returns the value in the form in
which the caller should go on to use it (an int, a float, an array), and raises
ValueError in one form if the value does not fit:

    stride must be a positive integer, got 0
"""

import contextlib
import math
import numbers
import operator
import os
import reprlib
from pathlib import Path

import numpy as np

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60
_short.maxlist = _short.maxdict = 4


def refuse(name, needed, value):
    """Raise the ValueError that all checks raise: NAME must be NEEDED, got VALUE."""
    raise ValueError(f"{name} must be {needed}, got {describe(value)}")


def describe(value):
    """Return a value as an error message shows it: short, on one line, no addresses.

    >>> describe(np.zeros((2, 3))), describe(len), describe("text")
    ('an array of shape (2, 3) and dtype float64', 'the function len', "'text'")
    """
    if isinstance(value, type):  # first: the class np.ndarray has all that an array has
        return f"the class {value.__name__}"
    if isinstance(value, np.ndarray) or hasattr(value, "__array__"):
        return _describe_array(value)
    if callable(value):
        return f"the function {getattr(value, '__name__', '?')}"
    try:
        text = _short.repr(value)
    except Exception:  # whatever a foreign __repr__ raises, the message has to come
        text = ""
    if not text or " at 0x" in text:
        text = f"a {type(value).__name__}"
    return " ".join(text.split())


def _describe_array(value):
    is_ndarray = isinstance(value, np.ndarray)
    if isinstance(value, np.generic) or (is_ndarray and value.ndim == 0):
        item = value.item()
        return describe(item) if value.dtype.kind == "O" else f"{item!r:.60}"
    kind = "a masked array" if isinstance(value, np.ma.MaskedArray) else "an array"
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if not dtype:
        return kind
    return f"{kind} of shape {tuple(shape or ())} and dtype {dtype}"


def integer(name, value, lowest=1, highest=None):
    """Return a Python or NumPy integer from `lowest` to `highest` as an int.

    >>> integer("stride", np.int64(4))
    4
    >>> integer("stride", 0)
    Traceback (most recent call last):
    ...
    ValueError: stride must be a positive integer, got 0
    """
    number = None
    is_bool = isinstance(value, (bool, np.bool_))
    if not is_bool and not (_is_array(value) and np.ndim(value)):
        with contextlib.suppress(TypeError):
            number = operator.index(value)
    if number is None or number < lowest or (highest is not None and number > highest):
        needed = {1: "a positive integer", 0: "an integer, 0 or more"}
        needed = needed.get(lowest, f"an integer, {lowest} or more")
        if highest is not None:
            needed = f"an integer from {lowest} to {highest}"
        refuse(name, needed, value)
    return number


def number(name, value, lowest=None, highest=None, above=None, below=None):
    """Return a finite Python or NumPy number within its limits as a float.

    `lowest` and `highest` belong to the range, `above` and `below` lie just outside it.

    >>> number("rate", 0.5, lowest=0, below=1)
    0.5
    >>> number("rate", 1, lowest=0, below=1)
    Traceback (most recent call last):
    ...
    ValueError: rate must be a number from 0 to less than 1, got 1
    """
    result, is_bool = math.nan, isinstance(value, (bool, np.bool_))
    if isinstance(value, numbers.Real) and not is_bool:
        with contextlib.suppress(OverflowError, ValueError, TypeError):
            result = float(value)
    within = (
        math.isfinite(result)
        and (lowest is None or result >= lowest)
        and (highest is None or result <= highest)
        and (above is None or result > above)
        and (below is None or result < below)
    )
    if not within:
        refuse(name, _range(lowest, highest, above, below), value)
    return result


def _range(lowest, highest, above, below):
    """Say in words which numbers are allowed."""
    start = end = ""
    if above is not None:
        start = f" above {above:g}"
    if lowest is not None:
        is_open = highest is None and below is None
        start = f", {lowest:g} or more" if is_open else f" from {lowest:g}"
    if below is not None:
        end = f" to less than {below:g}" if start else f" below {below:g}"
    if highest is not None:
        end = f" to {highest:g}" if start else f" up to {highest:g}"
    words = f"a number{start}{end}"
    in_short = {"a number": "a finite number", "a number above 0": "a positive number"}
    return in_short.get(words, words)


def flag(name, value):
    """Return True or False; refuse everything else, also 0, 1 and texts."""
    if not isinstance(value, (bool, np.bool_)):
        refuse(name, "True or False", value)
    return bool(value)


def choice(name, value, allowed):
    """Return the allowed value that `value` equals and has the type of (1 is not True).

    >>> choice("rounding", "round", ("floor", "ceil"))
    Traceback (most recent call last):
    ...
    ValueError: rounding must be 'floor' or 'ceil', got 'round'
    """
    allowed = list(allowed)
    if isinstance(value, np.generic):
        value = value.item()
    for option in allowed:
        if type(option) is type(value) and option == value:
            return option
    *first, last = map(repr, allowed)
    return refuse(name, f"{', '.join(first)} or {last}" if first else last, value)


def names(name, value, allowed):
    """Return several of the `allowed` names as a tuple; a single text is refused.

    >>> names("without", ["fc7"], allowed=("fc6", "fc7"))
    ('fc7',)
    """
    needed = f"a list of names out of {', '.join(allowed)}"
    several = isinstance(value, (list, tuple, set, frozenset))
    if not several or not all(isinstance(one, str) and one in allowed for one in value):
        refuse(name, needed, value)
    return tuple(value)


def text(name, value, needed="a text"):
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        refuse(name, needed, value)
    return value


def texts(name, value, needed="a list of texts"):
    """Return a list, tuple or set of texts as a tuple; a single text is refused."""
    several = isinstance(value, (list, tuple, set, frozenset))
    if not several or not all(isinstance(one, str) and one.strip() for one in value):
        refuse(name, needed, value)
    return tuple(value)


def path(name, value):
    """Return a text or path as a `pathlib.Path`, with ~ for the home folder."""
    needed = "the path of a file or folder"
    text = str(value) if isinstance(value, (str, os.PathLike)) else ""
    if not text or "\0" in text:
        refuse(name, needed, value)
    try:
        return Path(value).expanduser()
    except (RuntimeError, TypeError, ValueError) as error:
        got = f"{describe(value)} ({error})"
        raise ValueError(f"{name} must be {needed}, got {got}") from None


def generator(name, value):
    """Return a `numpy.random.Generator`."""
    if not isinstance(value, np.random.Generator):
        needed = "a numpy.random.Generator, such as numpy.random.default_rng(0)"
        refuse(name, needed, value)
    return value


def function(name, value):
    """Return something that can be called."""
    if not callable(value):
        refuse(name, "a function", value)
    return value


def array(name, value, axes=None, shape=None, needed="numbers"):
    """Return numbers as an array of float32 or float64, which integers become, too.

    Parameters
    ----------
    name : str
    value : array_like
    axes : sequence of str, optional
        Names of the axes, such as "NHWC"; each has at least one entry.
    shape : tuple of int, optional
        The exact shape that is needed, in place of `axes`.
    needed : str
        What the array must consist of, in the words of the message.

    Raises
    ------
    ValueError
        Also for lists of different lengths, texts, complex numbers, and masked arrays,
        whose masks the layers would ignore.

    Examples
    --------
    >>> array("x", [[1, 2]], axes=("N", "inputs"))
    array([[1., 2.]])
    """
    needed = f"an array of {needed}"
    if shape is not None:
        needed += f" of shape {tuple(shape)}"
    elif axes:
        needed += f" with the axes {' x '.join(axes)}"
    result = as_array(name, value, needed)
    fits = axes is None or result.ndim == len(axes)
    if shape is not None:
        fits = result.shape == tuple(shape)
    if not fits or result.size == 0 or result.dtype.kind not in "fiub":
        got = describe(value)
        if not _is_array(value) and result.dtype.kind != "O":
            got += f", shape {result.shape}"
        raise ValueError(f"{name} must be {needed}, got {got}")
    return result.astype(np.result_type(result, np.float32), copy=False)


def integers(name, value, lowest, highest, length=None):
    """Return a one-dimensional array of integers, such as labels.

    The message says what to do with labels of shape N x 1 and with one-hot ones.

    >>> integers("labels", [0, 9], 0, 9)
    array([0, 9])
    """
    count = "" if length is None else f"{length} "
    needed = f"{count}integers from {lowest} to {highest} along one axis"
    result = as_array(name, value, needed)
    is_list = result.ndim == 1 and length in (None, result.size)
    if is_list and result.dtype.kind in "iu":
        ends = (result.min(), result.max()) if result.size else ()
        if all(lowest <= end <= highest for end in ends):
            return result
    got = describe(result)
    if is_list and result.size and result.dtype.kind in "iuf":
        got = f"{result.dtype} from {result.min():g} to {result.max():g}"
    if result.ndim == 2 and result.shape[1] == 1:
        got += f". Use {name}.ravel()"
    elif result.ndim == 2:
        got += f". If they are one-hot, use {name}.argmax(axis=1)"
    raise ValueError(f"{name} must be {needed}, got {got}")


def pixels(name, value, shape=None):
    """Return images as an array of uint8, shape (N, height, width, 3).

    Anything with a shape and a dtype passes unread: images in files are read when they
    are needed. (The network itself scales the values 0-255.)
    """
    form = "height x width x 3" if shape is None else " x ".join(map(str, shape))
    needed = f"uint8 images N x {form} with values 0 to 255"
    if not _is_array(value) or isinstance(value, np.ma.MaskedArray):
        value = as_array(name, value, needed)
    found = tuple(value.shape)
    dtype = str(getattr(value.dtype, "name", value.dtype))
    fits = len(found) == 4 and found[3] == 3 and min(found) > 0
    fits = fits and (shape is None or found[1:] == tuple(shape))
    if not fits or dtype != "uint8":
        got = describe(value)
        if "float" in dtype and fits:
            got += ". The network scales the pixels itself"
            got += ": hand it the images as they were loaded"
        raise ValueError(f"{name} must be {needed}, got {got}")
    return value


def as_array(name, value, needed):
    """Return a value as a NumPy array, or say that it cannot be one."""
    if isinstance(value, np.ma.MaskedArray):
        got = f"{describe(value)}: use its filled() or compressed() form"
        raise ValueError(f"{name} must be {needed}, got {got}")
    try:
        return np.asarray(value)
    except Exception as error:  # ragged lists, foreign types with their own __array__
        raise ValueError(f"{name} must be {needed}, got {describe(value)}") from error


def _is_array(value):
    is_class = isinstance(value, type)
    return not is_class and hasattr(value, "shape") and hasattr(value, "dtype")


# Names that Windows keeps for devices, with whatever extension.
_PORTS = {f"{port}{digit}" for port in ("COM", "LPT") for digit in range(1, 10)}
_DEVICES = {"CON", "PRN", "AUX", "NUL", *_PORTS}


def file_name(name, value):
    """Return a text that can name a file in any system, and stays in its folder.

    >>> file_name("name", "../up")
    Traceback (most recent call last):
    ...
    ValueError: name must be a plain file name, without separators, got '../up'
    """
    usable = (
        isinstance(value, str)
        and 0 < len(value) <= 100
        and value == value.strip(" .")
        and value.isprintable()
        and not set(value) & set('<>:"/\\|?*')
        and value.split(".")[0].rstrip().upper() not in _DEVICES
    )
    if not usable:
        refuse(name, "a plain file name, without separators", value)
    return str(value)


def message_of(error):
    """Return an error's message as one line of at most 200 letters, or else its kind.

    >>> message_of(ValueError("no such file")), message_of(ValueError())
    ('no such file', 'ValueError')
    """
    return " ".join(str(error).split())[:200] or type(error).__name__
