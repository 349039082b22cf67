"""Helpers of the course "AlexNet, layer by layer": what several notebooks need.

Importing this package imports neither TensorFlow nor Keras; `load_keras` does. The
modules, in an order in which they can be read:

| modules | hold |
| --- | --- |
| `geometry` | a network as data: its layers, their sizes, weights and work |
| `numpy_layers` | every layer of AlexNet in NumPy, with its gradient |
| `walk` | the photo's way through an untrained AlexNet |
| `models`, `variants`, `keras_layers` | the Keras networks |
| `imagenet`, `bvlc_alexnet`, `onnx_weights` | the AlexNet trained on ImageNet |
| `data` | CIFAR-10, the photos, downloads |
| `recipes`, `studies` | what is trained, as data |
| `augmentation`, `batches` | what a network sees in training |
| `compilation`, `optimizers`, `schedules` | from a recipe to a compiled model |
| `training`, `checkpoints`, `results` | a long run, and what it keeps |
| `views`, `weights` | predictions from several views; stored weights |
| `scale` | several devices, several processes, a folder of images |
| `plotting`, `explorer` | figures; the interactive page |
| `exercises` | the exercises, and `check` |
| `checks` | checks of arguments, with one form of error message |
| `__main__` | the command `python -m alexnet_helpers` |
"""

import contextlib
import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__version__ = "1.0.0"

# Errors only: once TensorFlow is loaded, its C++ code logs notes on every compilation.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# Started by `_quietly`, killed when all went well: it waits until the program is gone.
WATCH = """\
import os, sys
sys.stdin.buffer.read()
os.lseek(1, 0, os.SEEK_SET)
words = os.read(1, 10**6) or b"(nothing)\\n"
begin = b"The program ended while it was loading Keras. The last that it wrote:\\n"
os.write(2, begin + words)
"""


@contextlib.contextmanager
def _quietly():
    """Hold back what C++ code writes to stderr inside the `with` block.

    TensorFlow writes its start-up lines straight to file descriptor 2, where Python's
    own redirection does not reach them; JupyterLab would show them in a red box. No
    explanation is lost: what was held back is written out if the block raises, and also
    if the whole process dies in it (in a notebook: to the terminal that runs
    JupyterLab).

    Examples
    --------
    >>> with _quietly():
    ...     _ = os.write(2, b"a line that nobody sees")
    """
    with contextlib.ExitStack() as stack:
        try:
            sys.stderr.flush()
            saved = os.dup(2)
            stack.callback(os.close, saved)
            held_back = stack.enter_context(tempfile.TemporaryFile())
        except (AttributeError, OSError, ValueError):
            yield  # there is no stderr, or no room for a file
            return
        watcher = _watch(held_back, saved)
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            held_back.seek(0)
            with os.fdopen(os.dup(saved), "wb") as stderr:
                shutil.copyfileobj(held_back, stderr)
            raise
        finally:
            os.dup2(saved, 2)
            if watcher:
                watcher.kill()
                watcher.communicate()


def _watch(held_back, saved):
    """Start a process that writes out what was held back if this one dies, or None."""
    try:
        stderr = sys.stderr.fileno()  # in a notebook's kernel, the terminal
        stderr = saved if stderr == 2 else stderr
    except (OSError, ValueError):
        stderr = saved
    # Out of reach of Ctrl+C, and without a window on Windows.
    apart = {"start_new_session": True}
    if os.name == "nt":
        apart = {"creationflags": subprocess.CREATE_NO_WINDOW}
    command = [sys.executable, "-I", "-S", "-c", WATCH]
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=held_back, stderr=stderr, **apart
        )  # fmt: skip
    except (OSError, TypeError, ValueError):
        return None


@functools.cache
def load_keras():
    """Import Keras and wake its backend, quietly.

    Keras' own settings file, ~/.keras/keras.json, has no say: the backend is TensorFlow
    unless the environment variable KERAS_BACKEND names another one, images are
    N x H x W x C, numbers float32.

    A process to which the environment gives a number in a job of several
    (KERAS_DISTRIBUTION_JOB_ADDRESSES, KERAS_DISTRIBUTION_NUM_PROCESSES,
    KERAS_DISTRIBUTION_PROCESS_ID) joins that job, which has to be done first.

    Returns
    -------
    module
        `keras`.

    Raises
    ------
    ValueError
        If KERAS_BACKEND names a backend that Keras does not have or that is not
        installed.

    Examples
    --------
    >>> load_keras().config.image_data_format()
    'channels_last'
    """
    _choose_backend()
    with _quietly():
        keras = _import_keras()
        on_jax = keras.backend.backend() == "jax"
        if on_jax and "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ:
            keras.distribution.initialize()
        _wake(keras)
    return keras


def _choose_backend():
    """Name the backend in the environment, which Keras prefers to its settings file."""
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    os.environ["KERAS_BACKEND"] = backend
    known = backend in ("tensorflow", "jax", "torch", "numpy", "openvino")
    if not known or importlib.util.find_spec(backend) is None:
        needed = "a backend of Keras that is installed, such as tensorflow (or not set)"
        name = "the environment variable KERAS_BACKEND"
        raise ValueError(f"{name} must be {needed}, got {backend}")


def _import_keras():
    """Import Keras, with the course's settings and not with those of the account."""
    with contextlib.ExitStack() as stack:
        # Limits for a quick look at a script: they would silently cut training short.
        for name in ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"):
            os.environ.pop(name, None)
        usual = os.environ.get("KERAS_HOME")
        if not _keras_can_read(Path(usual or "~/.keras", "keras.json")):
            elsewhere = stack.enter_context(tempfile.TemporaryDirectory())
            os.environ["KERAS_HOME"] = elsewhere
            stack.callback(_set, "KERAS_HOME", usual)
        import keras
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    return keras


def _set(name, value):
    """Set a variable of the environment; None takes it out."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _keras_can_read(file):
    """Tell whether Keras can be imported with this settings file (or without one)."""
    try:
        file = file.expanduser()
        if not file.exists():
            return True
        settings = json.loads(file.read_bytes()) if file.is_file() else None
        layout = settings.get("image_data_format", "channels_last")
        return (
            settings.get("floatx", "float32") in ("float16", "float32", "float64")
            and isinstance(settings.get("epsilon", 1e-7), float)
            and layout in ("channels_first", "channels_last")
            and not settings.get("nnx_enabled")
        )
    except Exception:  # whatever is wrong with it
        return False


def _wake(keras):
    """Have the backend look for a GPU and compile: each logs the first time."""
    first = keras.ops.zeros((1, 1, 1, 1))
    # On other backends too Keras imports TensorFlow, if there, when it first trains.
    with contextlib.suppress(ModuleNotFoundError):
        import tensorflow
    if keras.backend.backend() == "tensorflow":
        # The first compilation logs as well, in TensorFlow 2.20 at every log level.
        tensorflow.function(keras.ops.conv, jit_compile=True)(first, first)
