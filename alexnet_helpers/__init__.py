"""Helpers of the course "AlexNet, layer by layer".

Each module is built in the open by one notebook and imported by the later ones. Importing this
package imports neither TensorFlow nor Keras.
"""

import contextlib
import functools
import os
import sys
import tempfile

__version__ = "1.0.0"

# Errors only: once TensorFlow is loaded, its C++ code logs notes on every compilation.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@contextlib.contextmanager
def quietly():
    """Hold back what C++ code writes to stderr inside the `with` block.

    TensorFlow writes its start-up lines straight to file descriptor 2, where Python's own
    redirection does not reach them; JupyterLab would show them in a red box. If the block raises,
    what was held back is written out, so that no explanation is lost.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            held_back.seek(0)
            os.write(2, held_back.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


@functools.cache
def load_keras():
    """Import Keras and wake its backend without the lines that TensorFlow's C++ code writes; return `keras`.

    A process to which the environment gives a number in a job of several (KERAS_DISTRIBUTION_JOB_ADDRESSES,
    KERAS_DISTRIBUTION_NUM_PROCESSES, KERAS_DISTRIBUTION_PROCESS_ID) joins that job, which has to be done first.
    """
    with quietly():
        import keras

        if "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ and keras.backend.backend() == "jax":
            keras.distribution.initialize()
        first = keras.ops.zeros((1, 1, 1, 1))  # makes the backend look for a GPU, and log what it finds
        # On other backends too Keras imports TensorFlow, if it is there, when it first trains.
        with contextlib.suppress(ModuleNotFoundError):
            import tensorflow
        if keras.backend.backend() == "tensorflow":
            # The first compilation logs as well, in TensorFlow 2.20 at every log level.
            tensorflow.function(keras.ops.conv, jit_compile=True)(first, first)
    return keras
