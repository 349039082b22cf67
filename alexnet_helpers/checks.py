"""What a function accepts: one check for each kind of argument, used by all modules.

Each check returns the value in the form in which the caller should go on to use it (an int, a
float, an array), and raises ValueError in one form if the value does not fit:

    stride must be a positive integer, got 0
"""

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
    """Return a value as an error message shows it: short, on one line, without memory addresses."""
    if isinstance(
        value, type
    ):  # before arrays: the class np.ndarray has all that an array has
        return f"the class {value.__name__}"
    if isinstance(value, np.ndarray) or hasattr(value, "__array__"):
        if (
            isinstance(value, np.ndarray)
            and value.dtype.kind == "O"
            and value.ndim == 0
        ):
            return describe(value.item())
        if isinstance(value, np.generic) or (
            isinstance(value, np.ndarray) and value.ndim == 0
        ):
            return f"{value.item()!r:.60}"
        shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
        kind = "a masked array" if isinstance(value, np.ma.MaskedArray) else "an array"
        return (
            f"{kind} of shape {tuple(shape or ())} and dtype {dtype}" if dtype else kind
        )
    if callable(value):
        return f"the function {getattr(value, '__name__', '?')}"
    try:
        text = _short.repr(value)
    except Exception:  # whatever a foreign __repr__ raises, the message has to come
        text = ""
    if not text or " at 0x" in text:
        text = f"a {type(value).__name__}"
    return " ".join(text.split())


def integer(name, value, lowest=1, highest=None):
    """Return a Python or NumPy integer from `lowest` to `highest` as an int (None: no upper limit).

    >>> integer("stride", np.int64(4))
    4
    >>> integer("stride", 0)
    Traceback (most recent call last):
    ...
    ValueError: stride must be a positive integer, got 0
    """
    number = None
    if not isinstance(value, (bool, np.bool_)) and (
        np.ndim(value) == 0 if _is_array(value) else True
    ):
        try:
            number = operator.index(value)
        except TypeError:
            number = None
    if number is None or number < lowest or (highest is not None and number > highest):
        if highest is not None:
            needed = f"an integer from {lowest} to {highest}"
        else:
            needed = {1: "a positive integer", 0: "an integer, 0 or more"}.get(
                lowest, f"an integer, {lowest} or more"
            )
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
    try:
        usable = isinstance(value, numbers.Real) and not isinstance(
            value, (bool, np.bool_)
        )
        result = float(value) if usable else math.nan
    except (OverflowError, ValueError, TypeError):
        result = math.nan
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
    if above == 0 and highest is None and below is None:
        return "a positive number"
    start = (
        f"from {lowest:g}"
        if lowest is not None
        else f"above {above:g}"
        if above is not None
        else ""
    )
    end = (
        f"to {highest:g}"
        if highest is not None
        else f"to less than {below:g}"
        if below is not None
        else ""
    )
    if start and not end:
        return (
            f"a number, {lowest:g} or more"
            if lowest is not None
            else f"a number {start}"
        )
    if end and not start:
        return (
            f"a number up to {highest:g}"
            if highest is not None
            else f"a number below {below:g}"
        )
    return f"a number {start} {end}".rstrip() if start else "a finite number"


def flag(name, value):
    """Return True or False; refuse everything else, also 0, 1 and texts."""
    if not isinstance(value, (bool, np.bool_)):
        refuse(name, "True or False", value)
    return bool(value)


def choice(name, value, allowed):
    """Return the one of the `allowed` values that is equal to `value` and of its kind (1 is not True).

    >>> choice("rounding", "round", ("floor", "ceil"))
    Traceback (most recent call last):
    ...
    ValueError: rounding must be 'floor' or 'ceil', got 'round'
    """
    allowed = list(allowed)
    if isinstance(value, np.generic):
        value = value.item()
    for one in allowed:
        if type(one) is type(value) and one == value:
            return one
    return refuse(name, _listed(allowed), value)


def names(name, value, allowed):
    """Return a list or tuple of the `allowed` names as a tuple; a single name, which is a text, is refused."""
    allowed = list(allowed)
    needed = f"a list of names out of {', '.join(allowed)}"
    if isinstance(value, str) or not isinstance(value, (list, tuple, set, frozenset)):
        refuse(name, needed, value)
    for one in value:
        if not isinstance(one, str) or one not in allowed:
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
    if (
        not isinstance(value, (str, os.PathLike))
        or not str(value)
        or "\0" in str(value)
    ):
        refuse(name, "the path of a file or folder", value)
    try:
        return Path(value).expanduser()
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be the path of a file or folder, got {describe(value)}"
            f" ({error})"
        ) from None


def generator(name, value):
    """Return a `numpy.random.Generator`."""
    if not isinstance(value, np.random.Generator):
        refuse(
            name, "a numpy.random.Generator, such as numpy.random.default_rng(0)", value
        )
    return value


def function(name, value):
    """Return something that can be called."""
    if not callable(value):
        refuse(name, "a function", value)
    return value


def array(name, value, axes=None, shape=None, needed="numbers"):
    """Return numbers as a floating-point array: float32 and float64 stay, integers become floating-point.

    Parameters
    ----------
    axes : names of the axes, such as "NHWC"; each has at least one entry.
    shape : the exact shape that is needed, in place of `axes`.

    Raises
    ------
    ValueError : also for lists of different lengths, texts, complex numbers, and masked arrays,
        whose masks the layers would ignore.
    """
    form = (
        f" of shape {tuple(shape)}"
        if shape is not None
        else f" with the axes {' x '.join(axes)}"
        if axes
        else ""
    )
    wanted = f"an array of {needed}{form}"
    result = as_array(name, value, wanted)
    fits = (
        result.shape == tuple(shape)
        if shape is not None
        else axes is None or result.ndim == len(axes)
    )
    if not fits or result.size == 0 or result.dtype.kind not in "fiub":
        got = (
            describe(value)
            if _is_array(value)
            else f"{describe(value)}, shape {result.shape}"
        )
        if result.dtype.kind == "O":
            got = describe(value)
        raise ValueError(f"{name} must be {wanted}, got {got}")
    return result.astype(np.result_type(result, np.float32), copy=False)


def integers(name, value, lowest, highest, length=None):
    """Return a one-dimensional array of integers, such as labels; say what is wrong with N x 1 and one-hot ones."""
    count = f"{length} " if length is not None else ""
    wanted = f"{count}integers from {lowest} to {highest} along one axis"
    result = as_array(name, value, wanted)
    n = result.shape[0] if result.ndim else 0
    fits = (
        result.ndim == 1
        and result.dtype.kind in "iu"
        and (length is None or n == length)
    )
    if not fits or (n and (result.min() < lowest or result.max() > highest)):
        remedy = ""
        if result.ndim == 2 and result.shape[1] == 1:
            remedy = f". Use {name}.ravel()"
        elif result.ndim == 2:
            remedy = f". If they are one-hot, use {name}.argmax(axis=1)"
        got = describe(result)
        if (
            result.ndim == 1
            and n
            and result.dtype.kind in "iuf"
            and (length is None or n == length)
        ):
            got = f"{result.dtype} from {result.min():g} to {result.max():g}"
        raise ValueError(f"{name} must be {wanted}, got {got}{remedy}")
    return result


def pixels(name, value, shape=None):
    """Return images as a uint8 array N x height x width x 3; the network itself scales the values 0-255.

    Anything with a shape and a dtype passes unread (images in files are read when they are needed).
    """
    wanted = "uint8 images N x height x width x 3 with values 0 to 255"
    if shape is not None:
        wanted = f"uint8 images N x {' x '.join(map(str, shape))} with values 0 to 255"
    result = (
        value
        if _is_array(value) and not isinstance(value, np.ma.MaskedArray)
        else as_array(name, value, wanted)
    )
    got_shape, dtype = (
        tuple(result.shape),
        str(getattr(result.dtype, "name", result.dtype)),
    )
    fits = len(got_shape) == 4 and got_shape[3] == 3 and min(got_shape) > 0
    if shape is not None:
        fits = fits and got_shape[1:] == tuple(shape)
    if not fits or dtype != "uint8":
        remedy = ""
        if "float" in dtype and fits:
            remedy = (
                ". The network scales the pixels itself: hand it the images as they"
                " were loaded"
            )
        raise ValueError(f"{name} must be {wanted}, got {describe(result)}{remedy}")
    return result


def as_array(name, value, needed):
    """Return a value as a NumPy array, or say that it cannot be one."""
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(
            f"{name} must be {needed}, got {describe(value)}: use its filled() or"
            " compressed() form"
        )
    try:
        return np.asarray(value)
    except (
        Exception
    ) as error:  # ragged lists, foreign types with an __array__ of their own
        raise ValueError(f"{name} must be {needed}, got {describe(value)}") from error


def _is_array(value):
    return (
        not isinstance(value, type)
        and hasattr(value, "shape")
        and hasattr(value, "dtype")
    )


def _listed(allowed):
    """Write 'a', 'b' or 'c'."""
    words = [repr(one) for one in allowed]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


# Names that Windows keeps for devices, with whatever extension.
_DEVICES = {
    "CON",
    "PRN",
    "AUX",
    "NUL",
    *(f"{device}{digit}" for device in ("COM", "LPT") for digit in range(1, 10)),
}


def file_name(name, value):
    """Return a text that can name a file in any system, and does not lead out of its folder.

    >>> file_name("name", "../up")
    Traceback (most recent call last):
    ...
    ValueError: name must be a plain file name, without separators, got '../up'
    """
    usable = (
        isinstance(value, str) and 0 < len(value) <= 100 and value == value.strip(" .")
    )
    if usable:
        usable = not any(
            letter in '<>:"/\\|?*' or not letter.isprintable() for letter in value
        )
        usable = usable and value.split(".")[0].rstrip().upper() not in _DEVICES
    if not usable:
        refuse(name, "a plain file name, without separators", value)
    return str(value)


def message_of(error):
    """Return an error's message as one line of at most 200 letters, or else its kind.

    >>> message_of(ValueError("no such file")), message_of(ValueError())
    ('no such file', 'ValueError')
    """
    return " ".join(str(error).split())[:200] or type(error).__name__
