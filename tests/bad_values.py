"""Hand every argument of every public function about 40 values, and judge the answers.

    python tests/bad_values.py FILE MODULE [MODULE ...]

appends a line of JSON to FILE before and after each call. When a call kills this process,
the last line names it, and a second run with the same FILE goes on after it.

The table of valid calls is in `calls_to_try.py`; `test_bad_values.py` starts this program
and asserts what must hold.
"""

import dataclasses
import faulthandler
import importlib
import inspect
import io
import json
import math
import numbers
import os
import pkgutil
import re
import sys
import tempfile
import time
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

SECONDS = 180  # for a call, which takes milliseconds: on a busy machine only what hangs needs more
PAUSE = 30  # seconds after which the alarm is set anew: setting it starts a thread, too dear for each call
MEMORY = 4 * 2**30


class Reached(Exception):
    """Raised in place of the work that starts when all arguments have been checked."""


class Hostile:
    """Say nothing about itself: what is asked of it raises."""

    def __repr__(self):
        raise RuntimeError("no repr")

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no array")


def values():
    """Return what a learner, or a slip, may hand over: {label: value}, made anew."""
    import pandas as pd

    return {
        "None": None,
        "True": True,
        "...": ...,
        "text 3": "3",
        "empty text": "",
        "another name": "no such name",
        "text with NUL": "a\0b",
        "bytes": b"x",
        "1.5": 1.5,
        "0": 0,
        "-1": -1,
        "nan": math.nan,
        "inf": math.inf,
        "-inf": -math.inf,
        "10**30": 10**30,
        "complex number": 1 + 1j,
        "empty list": [],
        "empty tuple": (),
        "empty dict": {},
        "set": {1},
        "ragged list": [[1, 2], [3]],
        "list of None": [None],
        "object": object(),
        "hostile object": Hostile(),
        "function": lambda *arguments, **named: None,
        "class": dict,
        "generator": (number for number in (1, 2)),
        "array without entries": np.zeros(0),
        "array of five axes": np.zeros((1, 1, 1, 1, 1)),
        "array with NaN": np.array([math.nan, 1]),
        "negative array": np.array([-1, -2]),
        "array of texts": np.array(["a", "b"]),
        "array of objects": np.array([None, 1], object),
        "masked array": np.ma.masked_equal([1, 2], 2),
        "complex array": np.array([1j, 2]),
        "structured array": np.zeros(2, [("a", int), ("b", float)]),
        "array of times": np.array(["2012-09-30"], "datetime64[D]"),
        "DataFrame": pd.DataFrame({"a": [1, 2], "b": [3, 4]}),
        "NumPy -1": np.int64(-1),
        "NumPy nan": np.float32(math.nan),
        "NumPy True": np.bool_(True),
        "path below a file": Path("a file", "below").absolute(),
        **tensors(),
    }


def tensors():
    """Return tensors, where Keras has been imported anyway."""
    if "keras" not in sys.modules:
        return {}
    keras = sys.modules["keras"]
    return {"tensor": keras.ops.ones((2, 2)), "tensor of one text": texts_of(keras)}


def texts_of(keras):
    import tensorflow

    return tensorflow.constant(["a"])


# What an argument accepts. `right` says it of a value: True (accepted), False (refused), or
# None (either, as long as it is not wrong in silence).


@dataclasses.dataclass
class Argument:
    """A valid value of an argument, and what else is right and wrong.

    `same` are other values that must give the result of `valid`; `wrong` are further
    values that must be refused; `shown` may be refused, or give a result in which the NaN
    or inf is seen; `verify(value, result)` judges an accepted value; the error may name the
    argument by one of `names` and be one of `errors`. `only` replaces the usual values.
    """

    valid: object
    right: object = None
    same: dict = dataclasses.field(default_factory=dict)
    wrong: dict = dataclasses.field(default_factory=dict)
    shown: dict = dataclasses.field(default_factory=dict)
    verify: object = None
    names: tuple = ()
    errors: tuple = (ValueError, TypeError)
    only: dict | None = None

    def but(self, **changes):
        return dataclasses.replace(self, **changes)

    def or_none(self):
        """Return the same for an argument that may be None as well."""
        right = self.right or nothing
        return self.but(right=lambda value: True if value is None else right(value))


@dataclasses.dataclass
class Fresh:
    """A valid value that is made anew for each call."""

    make: object


def nothing(value):
    return False


def is_flag(value):
    return isinstance(value, (bool, np.bool_))


def whole(valid, lowest=1, highest=math.inf, odd=False):
    """Describe an integer."""

    def right(value):
        if not isinstance(value, numbers.Integral) or is_flag(value):
            return False
        if value > 10**6 and highest == math.inf:
            return None  # some functions can compute with it
        return lowest <= value <= highest and (not odd or value % 2 == 1)

    kinds = (np.int64, np.int32, np.uint8) if valid < 256 else (np.int64, np.int32)
    return Argument(
        valid,
        right,
        same={f"np.{kind.__name__}": kind(valid) for kind in kinds},
        wrong={
            "as a float": float(valid),
            "as a text": str(valid),
            "in a list": [valid],
            "in an array": np.array([valid]),
            "lowest - 1": lowest - 1,
            "and a half": valid + 0.5,
        },
    )


def real(valid, lowest=-math.inf, highest=math.inf, above=-math.inf, below=math.inf):
    """Describe a number, whose valid value float32 must hold exactly."""

    def right(value):
        if not isinstance(value, numbers.Real) or is_flag(value):
            return False
        if not math.isfinite(value):
            return False
        within = lowest <= value <= highest and above < value < below
        return None if within and value > 10**6 else within

    same = {"np.float32": np.float32(valid), "np.float64": np.float64(valid)}
    if valid == int(valid):
        same["as an int"] = int(valid)
    outside = {"as a text": str(valid), "in a list": [valid], "in an array": np.array([valid])}
    for label, limit, step in (("lowest", lowest, -1), ("highest", highest, 1)):
        if math.isfinite(limit):
            outside[f"beyond the {label}"] = limit + step
    for label, limit in (("above", above), ("below", below)):
        if math.isfinite(limit):
            outside[f"the limit {label}"] = limit
    return Argument(valid, right, same, outside)


def flag(valid):
    """Describe True or False."""
    return Argument(
        valid,
        is_flag,
        same={"np.bool_": np.bool_(valid)},
        wrong={"text False": "False", "1": 1, "text no": "no", "0.0": 0.0},
    )


def choice(valid, *others):
    """Describe one of several names, or other choices."""
    same, wrong = {}, {"in a list": [valid], "in a tuple": (valid,)}
    if isinstance(valid, str):
        same["np.str_"] = np.str_(valid)
        wrong |= {"in capitals": valid.upper() + "X", "as bytes": valid.encode()}
    return Argument(valid, lambda value: any(value is one for one in others), same, wrong)


def some_names(valid, empty=True):
    """Describe a list of names."""
    return Argument(
        valid,
        lambda value: empty if isinstance(value, (list, tuple)) and not value else False,
        same={"as a tuple": tuple(valid), "as a list": list(valid)},
        wrong={"a name alone": valid[0], "with an unknown one": [*valid, "unknown"]},
    )


def words(valid, empty=False):
    """Describe a text for people."""

    def right(value):
        if not isinstance(value, str):
            return False
        return None if "\0" in value else bool(value.strip()) or empty

    return Argument(valid, right, wrong={"in a list": [valid], "as bytes": valid.encode()})


def a_function(valid):
    return Argument(valid, lambda value: None if callable(value) else False)


def draws():
    """Describe a NumPy generator."""
    wrong = {"RandomState": np.random.RandomState(0), "module": np.random}
    return Argument(Fresh(lambda: np.random.default_rng(0)), nothing, wrong=wrong)


def a_folder(valid):
    """Describe a folder to write to."""

    def right(value):
        if isinstance(value, Path):
            return False  # the one below a file
        return None if isinstance(value, str) and value and "\0" not in value else False

    same = {"as a text": str(valid)}
    return Argument(valid, right, same, errors=(ValueError, TypeError, OSError))


def a_file(valid, content=True):
    """Describe a file to read."""
    same = {"as a text": str(valid)}
    wrong = {"a folder": Path(".").absolute(), "a path that is no path": "a/\0/b"}
    return Argument(valid, nothing, same, wrong)


def like_numbers(value):
    """Tell whether a value is an array of numbers of some shape: None where it may be."""
    if isinstance(value, np.ma.MaskedArray) or value is None:
        return False
    try:
        found = np.asarray(value)
    except Exception:
        return False
    if found.dtype.kind not in "fiub" or found.size == 0:
        return False
    return None if found.dtype.kind == "b" or not np.isfinite(found).all() else True


def array(valid, free=False, scalar=True, lists=True):
    """Describe an array of numbers; `free`: of any shape."""
    valid = np.asarray(valid)
    spoilt = {}
    for label, number in (("with a NaN", math.nan), ("with inf", math.inf)):
        spoilt[label] = valid.astype(float)
        spoilt[label].flat[0] = number

    def right(value):
        found = like_numbers(value) if free else False
        return None if found and free != "equal" else found

    return Argument(
        valid,
        right,
        same=layouts(valid) | ({"as a list": valid.tolist()} if lists else {}),
        wrong=unusable(valid) | ({} if free else other_shapes(valid)),
        shown=spoilt,
    )


def layouts(valid):
    """Return the same numbers as they may lie in memory."""
    fixed = valid.copy()
    fixed.flags.writeable = False
    wide = np.zeros((*valid.shape[:-1], 2 * valid.shape[-1]), valid.dtype)
    wide[..., ::2] = valid
    return {
        "columns first": np.asfortranarray(valid),
        "read-only": fixed,
        "strided": wide[..., ::2],
        "big-endian": valid.astype(valid.dtype.newbyteorder(">")),
    }


def unusable(valid):
    """Return arrays of the same shape that do not hold plain numbers."""
    return {
        "masked": np.ma.masked_array(valid, np.arange(valid.size).reshape(valid.shape) == 0),
        "as complex numbers": valid + 1j,
        "as texts": valid.astype(str),
        "as objects": np.full(valid.shape, None, object),
        "as structures": np.zeros(valid.shape, [("a", float)]),
        "as times": valid.astype(int).astype("datetime64[s]"),
    }


def other_shapes(valid):
    """Return arrays of the same type and another shape."""
    return {
        "with one more axis": valid[np.newaxis],
        "without its first axis": valid[0],
        "without entries": valid[:0],
        "without channels": valid[..., :0],
        "with two more channels": np.concatenate([valid] * 3, axis=-1),
    }


def pixels(valid, free=False):
    """Describe uint8 images; `free`: of any height and width."""
    wrong = unusable(valid) | {
        "divided by 255": (valid / 255).astype(np.float32),
        "from -1 to 1": valid / 127.5 - 1,
        "as int16": valid.astype(np.int16),
        "as float64": valid.astype(float),
        "as Booleans": valid > 99,
        "one image": valid[0],
        "none": valid[:0],
        "without channels": valid[..., :0],
        "grey": valid[..., :1],
        "grey without an axis": valid[..., 0],
        "channels first": valid.transpose(0, 3, 1, 2),
    }
    if not free:
        wrong |= {"28 pixels": np.zeros((len(valid), 28, 28, 3), np.uint8)}
    layout = layouts(valid)
    del layout["big-endian"]  # one byte has no ends
    return Argument(valid, nothing, layout, wrong)


def labels(valid, classes):
    """Describe integers below `classes`, one for each image."""
    valid = np.asarray(valid)
    too_large = valid.copy()
    too_large[-1] = classes
    same = {kind: valid.astype(kind) for kind in ("int32", "uint8", ">i4")}
    return Argument(
        valid,
        nothing,
        same,
        wrong={
            "N x 1": valid[:, np.newaxis],
            "one-hot": np.eye(classes)[valid],
            "one-hot integers": np.eye(classes, dtype=int)[valid],
            "floats": valid.astype(float),
            "texts": valid.astype(str),
            "Booleans": valid > 0,
            "one less": valid[1:],
            "one more": np.append(valid, 0),
            "-1": np.where(valid == valid[0], -1, valid),
            "beyond the classes": too_large,
            "masked": np.ma.masked_array(valid, valid == valid[0]),
            "number": 1,
        },
    )


# The judge


def public(module):
    """Return the public functions, classes and methods of a module by name.

    A package says in `__all__` what of its modules is public, and a module what of its own names.
    """
    found, listed = {}, getattr(module, "__all__", ())
    for name, value in vars(module).items():
        own = name in listed if hasattr(module, "__all__") else getattr(value, "__module__", None) == module.__name__
        own = own and callable(value)
        error = inspect.isclass(value) and issubclass(value, BaseException)
        if name.startswith("_") or not own or error or isinstance(value, tuple):
            continue
        found[name] = value
        if inspect.isclass(value):
            found |= methods(name, value)
    return found


def methods(name, owner):
    """Return the methods that a class adds to those of its base classes."""
    inherited = {one for base in owner.__mro__[1:] for one in vars(base)}
    return {
        f"{name}.{one}": value
        for one, value in vars(owner).items()
        if inspect.isfunction(value) and not one.startswith("_") and one not in inherited
    }


def parameters(function):
    """Return the names of the arguments that the package itself defines."""
    if inspect.isclass(function) and not dataclasses.is_dataclass(function):
        fields = getattr(function, "_fields", None)  # of a NamedTuple
        if fields is not None:
            return list(fields)
        if "__init__" not in vars(function):
            return []
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    found = inspect.signature(function).parameters.values()
    return [one.name for one in found if one.kind not in kinds and one.name != "self"]


def modules():
    """Return the names of all modules of the package."""
    package = importlib.import_module("alexnet_helpers")
    found = pkgutil.walk_packages(package.__path__, "alexnet_helpers.")
    return ["alexnet_helpers", *(one.name for one in found)]


def made(value):
    return value.make() if isinstance(value, Fresh) else value


def arrays_in(value):
    """Yield the NumPy arrays in a value, also those in its sequences and dicts."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from arrays_in(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from arrays_in(part)


def flattened(result):
    """Return what a call gave as a list of numbers, arrays and texts to compare."""
    if hasattr(result, "axes") and hasattr(result, "savefig"):
        return flattened([drawn(axes) for axes in result.axes])
    if hasattr(result, "to_dict"):
        return flattened([list(map(str, result.columns)), result.to_numpy().tolist()])
    if hasattr(result, "get_config") and hasattr(result, "layers"):
        return [layer.get_config() | {"name": ""} for layer in result.layers]
    if dataclasses.is_dataclass(result):
        return flattened(list(dataclasses.asdict(result).values()))
    if isinstance(result, dict):
        return [part for one in result.items() for part in flattened(list(one))]
    if isinstance(result, (list, tuple)):
        return [part for one in result for part in flattened(one)]
    if hasattr(result, "__array__") and not isinstance(result, np.generic):
        return [np.asarray(result)]
    return [result]


def drawn(axes):
    lines = [line.get_xydata() for line in axes.lines]
    pictures = [np.ma.getdata(picture.get_array()) for picture in axes.images]
    return [axes.get_title(), *lines, *pictures]


def equal(one, other):
    """Tell whether two results are the same up to rounding."""
    one, other = flattened(one), flattened(other)
    return len(one) == len(other) and all(map(equal_parts, one, other))


def equal_parts(one, other):
    number = (numbers.Number, np.ndarray)
    if isinstance(one, number) and isinstance(other, number):
        if np.shape(one) != np.shape(other):
            return False
        if np.asarray(one).dtype.kind in "OUSV":
            return np.array_equal(one, other)
        return bool(np.allclose(one, other, rtol=1e-4, atol=1e-6, equal_nan=True))
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    return type(one) is type(other)


def shows_nan(result):
    """Tell whether NaN or inf is seen in a result."""
    for part in flattened(result):
        if isinstance(part, (numbers.Real, np.ndarray)):
            found = np.asarray(part)
            if found.dtype.kind == "f" and not np.isfinite(found).all():
                return True
    return False


def named(message, names):
    """Tell whether a message names the argument (x and the like: as what is spoken of)."""
    for name in names:
        after = r"(?= must |=|: |'s |\[)" if len(name) == 1 else r"(?!\w)"
        if re.search(rf"(?<![\w]){re.escape(name)}{after}", message):
            return True
    return False


def in_form(message):
    return bool(re.search(r" must (be|have|not) .*got ", message, re.DOTALL))


def judge(argument, name, expected, value, plain, outcome):
    """Return (verdict, remark) on one call."""
    kind, result = outcome
    if kind == "raised":
        message = f"{type(result).__name__}: {result}"
        if expected is True or expected == "same":
            return "wrongly refused", message
        allowed = isinstance(result, argument.errors)
        if not allowed or not named(str(result), (name, *argument.names)):
            return "refused badly", message
        return ("refused well" if in_form(str(result)) else "another form"), message
    if expected == "same":
        right = equal(result, plain)
    elif expected == "shown":
        right = shows_nan(result)
    elif expected is False:
        right = False
    else:
        right = argument.verify is None or argument.verify(value, result)
    return ("right", "") if right else ("silently wrong", f"gave {words_for(result)}")


def words_for(result):
    try:
        if isinstance(result, Reached):
            return "the start of the work"
        return f"{flattened(result)!r:.80}"
    except Exception:  # it holds the hostile object
        return f"a {type(result).__name__}"


def perform(call, arguments):
    """Return ("returned", result) or ("raised", error) of a call."""
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            return "returned", call(**arguments)
    except Reached as reached:
        return "returned", reached
    except BaseException as error:  # SystemExit and the like are answers too
        return "raised", error


def trials(argument):
    """Yield (label, value, what is expected) for an argument."""
    usual = values() if argument.only is None else argument.only
    right = argument.right or nothing
    for label, value in usual.items():
        yield label, value, right(value)
    for label, value in argument.same.items():
        yield f"valid, {label}", value, "same"
    for label, value in argument.wrong.items():
        yield f"wrong, {label}", value, False
    for label, value in argument.shown.items():
        yield f"valid, {label}", value, "shown"


class Watch:
    """Notice files that are written outside the working folder."""

    WRITES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink")

    def __init__(self):
        self.root, self.seen, self.on = os.path.realpath("."), [], False
        sys.addaudithook(self.notice)

    def notice(self, event, arguments):
        if not self.on:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
            if not writes and not (isinstance(mode, str) and set(mode) & set("wax+")):
                return
        elif event in self.WRITES:
            path = arguments[0]
        else:
            return
        if isinstance(path, (str, bytes, os.PathLike)):
            path = os.path.realpath(os.fsdecode(path))
            if not path.startswith((self.root, "/dev/", "/proc/")):
                self.seen.append(path)


def left_behind(watch, before, outcome):
    """Return what a call left behind that it should not, as a list of words."""
    found = [f"wrote {path}" for path in watch.seen]
    watch.seen.clear()
    for one, content in before:
        if one.tobytes() != content:
            found.append("changed an array")
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is not None:
        returned = outcome[0] == "returned" and hasattr(outcome[1], "savefig")
        if len(plt.get_fignums()) > returned:
            found.append("left a figure open")
        plt.close("all")
    return found


def try_one(entry, name, argument, trial, plain, watch):
    """Make one call and return its record."""
    _, value, expected = trial
    others = {one: other for one, other in entry.arguments.items() if one != name}
    arguments = {one: made(other.valid) for one, other in others.items()} | {name: value}
    held = [*arrays_in(list(arguments.values()))]
    before = [(one, one.tobytes()) for one in held if one.dtype.kind not in "O"]
    watch.on, started = True, time.perf_counter()
    outcome = perform(entry.call, arguments)
    watch.on, seconds = False, round(time.perf_counter() - started, 3)
    left = left_behind(watch, before, outcome)
    verdict, remark = judge(argument, name, expected, value, plain, outcome)
    remark = " ".join(remark.split())[:300]
    return {"verdict": verdict, "remark": remark, "left": left, "seconds": seconds}


class Alarm:
    """End the process, with a word about where it was, if a call takes SECONDS (or PAUSE less)."""

    def __init__(self):
        self.set = -math.inf

    def expect(self):
        """Give the next call its time."""
        if time.monotonic() - self.set > PAUSE:
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            self.set = time.monotonic()


def try_all(entries, record, done, watch):
    """Try every argument of every entry; `record(what)` writes a line."""
    alarm = Alarm()
    for entry in entries:
        key = (entry.name, "", "")
        arguments = {one: made(other.valid) for one, other in entry.arguments.items()}
        if key not in done:
            record({"call": key})
        alarm.expect()
        kind, plain = perform(entry.call, arguments)
        left_behind(watch, [], ("returned", None))
        said = f"{type(plain).__name__}: {plain}" if kind == "raised" else ""
        if key not in done:
            verdict = "wrongly refused" if said else "right"
            record({"verdict": verdict, "remark": said, "left": []})
        if said:
            continue
        for name, argument in entry.arguments.items():
            for trial in trials(argument):
                key = (entry.name, name, trial[0])
                if key in done:
                    continue
                record({"call": key})
                alarm.expect()
                record(try_one(entry, name, argument, trial, plain, watch))
    faulthandler.cancel_dump_traceback_later()


def main(file, *names):
    """Try all entries of the modules named."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    file = Path(file)
    done = set()
    if file.exists():
        lines = map(json.loads, file.read_text("utf-8").splitlines())
        done = {tuple(line["call"]) for line in lines if "call" in line}
    with tempfile.TemporaryDirectory() as folder, open(file, "a", encoding="utf-8") as out:
        os.chdir(folder)
        os.environ |= {"TMPDIR": folder, "ALEXNET_DATA": folder, "ALEXNET_OFFLINE": "1"}
        tempfile.tempdir = folder
        Path("a file").write_text("")

        def record(what):
            out.write(json.dumps(what) + "\n")
            out.flush()

        import calls_to_try
        import matplotlib.pyplot  # noqa: F401 (makes its folder in the home when it is first imported)

        limit_memory()
        for name in names:
            found = public(importlib.import_module(name))
            entries = calls_to_try.of(name)
            missing = {one: lacking(found[one], entries.get(one)) for one in found}
            record({"module": name, "missing": {k: v for k, v in missing.items() if v}})
            try_all(entries.values(), record, done, Watch())
        record({"end": True})
        os.chdir("/")


def lacking(function, entry):
    """Return which arguments of a function have no place in the table."""
    if entry is None:
        return ["the function itself"]
    known = set(entry.arguments) | set(entry.exempt)
    return [one for one in parameters(function) if one not in known]


def limit_memory():
    """Hold this process to 4 GB, where the system can (Linux)."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    except (ImportError, ValueError):
        pass


if __name__ == "__main__":
    # The table imports this module by name, and must find the same classes.
    sys.modules["bad_values"] = sys.modules["__main__"]
    main(*sys.argv[1:])
