"""Run time and memory of the NumPy convolution beside Keras', and the time to load AlexNet's weights.

A run time means something only while nothing else runs, so it is left out unless it is asked for:

    ALEXNET_MEASURE=1 python -m pytest -n 0 -s tests/test_speed.py
"""

import os
import time
import tracemalloc

import numpy as np
import pytest

from alexnet_helpers import imagenet, load_keras
from alexnet_helpers.numpy_layers import conv2d

keras = load_keras()

MEASURE = os.environ.get("ALEXNET_MEASURE") == "1"
FULL_SIZE = pytest.mark.parametrize(
    "shape, kernel, stride, padding",
    [((1, 227, 227, 3), (11, 11, 3, 96), 4, 0), ((1, 27, 27, 96), (5, 5, 96, 256), 1, 2)],
    ids=["conv1", "conv2"],
)


def inputs(shape, kernel):
    rng = np.random.default_rng(0)
    return rng.standard_normal(shape, dtype=np.float32), rng.standard_normal(kernel, dtype=np.float32)


@pytest.mark.skipif(not MEASURE, reason="measures run times: ALEXNET_MEASURE=1 pytest -n 0 tests/test_speed.py")
@FULL_SIZE
def test_conv2d_takes_at_most_twice_keras_time(shape, kernel, stride, padding):
    x, weights = inputs(shape, kernel)
    x_, weights_ = keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(weights)

    def in_numpy():
        return conv2d(x, weights, stride=stride, padding=padding)

    def in_keras():
        return np.asarray(keras.ops.conv(x_, weights_, stride, padding="same" if padding else "valid"))

    seconds = {in_numpy: [], in_keras: []}
    for _ in range(60):  # interleaved, so that both meet the same moods of the machine
        for function, measured in seconds.items():
            start = time.perf_counter()
            function()
            measured.append(time.perf_counter() - start)
    fastest = {function.__name__: min(measured) for function, measured in seconds.items()}
    ratio = fastest["in_numpy"] / fastest["in_keras"]
    print(", ".join(f"{name} {1000 * value:.2f} ms" for name, value in fastest.items()), f"ratio {ratio:.2f}")
    assert ratio <= 2, fastest


@FULL_SIZE
def test_conv2d_needs_at_most_60_megabytes_beyond_input_and_output(shape, kernel, stride, padding):
    x, weights = inputs(shape, kernel)
    tracemalloc.start()
    y = conv2d(x, weights, stride=stride, padding=padding)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    beyond = (peak - y.nbytes) / 1e6
    print(f"{beyond:.1f} MB beyond input and output")
    assert beyond <= 60


@pytest.mark.skipif(not MEASURE, reason="measures run times: ALEXNET_MEASURE=1 pytest -n 0 tests/test_speed.py")
def test_the_weights_trained_on_imagenet_are_loaded_in_3_seconds(tmp_path, monkeypatch):
    monkeypatch.setenv("ALEXNET_DATA", str(tmp_path))
    imagenet._write(imagenet.stand_in(), tmp_path / imagenet.FILE)  # random weights of the same size
    assert (tmp_path / imagenet.FILE).stat().st_size < 123_000_000
    start = time.perf_counter()
    weights = imagenet.load_weights()
    seconds = time.perf_counter() - start
    print(f"{seconds:.2f} s")
    assert weights.is_real and seconds < 3
