"""The NumPy layers against Keras, SciPy, loops and cases computed by hand; their gradients checked twice."""

import itertools

import numpy as np
import pytest
import scipy.signal
import scipy.special
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alexnet_helpers import data, geometry, load_keras, models
from alexnet_helpers import numpy_layers as nl

keras = load_keras()
tf = pytest.importorskip("tensorflow")


def assert_close(found, expected, tolerance=1e-5):
    """Compare norm-wise: largest difference against largest expected value."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


def positive(shape, seed=0, dtype=np.float32):
    """Draw numbers from 0.5 to 1.5: no sum of products cancels, so a relative tolerance holds for any draw."""
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape).astype(dtype)


def normal(shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


LAYOUTS = {
    "contiguous": lambda x: x,
    "channels first": lambda x: np.ascontiguousarray(x.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1),
    "every second": lambda x: np.repeat(x, 2, axis=2)[:, :, ::2],
    "backwards": lambda x: x[:, ::-1, ::-1].copy()[:, ::-1, ::-1],
    "read-only": lambda x: np.broadcast_to(x[..., :1], x.shape),
}


@st.composite
def convolutions(draw, most_images=3, largest=13):
    """Draw (x, weights, bias, stride, padding, groups) that fit each other."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    channels, filters = groups * draw(st.integers(1, 4)), groups * draw(st.integers(1, 5))
    kernel, padding = draw(st.integers(1, 5)), draw(st.integers(0, 3))
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    assume(kernel <= min(height, width) + 2 * padding)
    x = positive((draw(st.integers(1, most_images)), height, width, channels), draw(st.integers(0, 99)))
    x = LAYOUTS[draw(st.sampled_from(list(LAYOUTS)))](x)
    weights = positive((kernel, kernel, channels // groups, filters), 100)
    return x, weights, positive(filters, 101), draw(st.integers(1, 4)), padding, groups


def keras_conv2d(x, weights, bias, stride, padding, groups):
    """Convolve with Keras group by group: on a CPU, TensorFlow has no gradient of grouped convolutions outside XLA."""
    x = keras.ops.pad(x, [(0, 0), (padding, padding), (padding, padding), (0, 0)])
    pairs = zip(keras.ops.split(x, groups, axis=-1), keras.ops.split(weights, groups, axis=-1), strict=True)
    return keras.ops.concatenate([keras.ops.conv(a, b, stride, padding="valid") for a, b in pairs], axis=-1) + bias


def scipy_conv2d(x, weights, bias, stride, padding, groups):
    """Correlate every image with every filter, one pair at a time."""
    x = np.pad(x.astype(np.float64), ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    channels, filters = weights.shape[2], weights.shape[3]
    maps = []
    for f in range(filters):
        first = f // (filters // groups) * channels
        own = x[..., first : first + channels]
        maps.append([scipy.signal.correlate(image, weights[..., f], "valid", "direct")[..., 0] for image in own])
    return np.moveaxis(np.array(maps), 0, -1)[:, ::stride, ::stride] + bias


# Forward


@settings(deadline=None, max_examples=60)
@given(convolutions())
def test_conv2d_equals_keras(case):
    y = nl.conv2d(*case)
    assert y.dtype == np.float32
    assert_close(y, keras_conv2d(*case))


@settings(deadline=None, max_examples=40)
@given(convolutions())
def test_conv2d_equals_scipy(case):
    assert_close(nl.conv2d(*case), scipy_conv2d(*case))


@pytest.mark.parametrize("groups", [2, 4])
def test_groups_mean_what_they_mean_in_keras(groups):
    x, weights = normal((2, 7, 6, 8), 1, np.float32), normal((3, 3, 8 // groups, 12), 2, np.float32)
    dy = normal((2, 7, 6, 12), 3, np.float32)
    with tf.GradientTape() as tape:
        x_, weights_ = tf.Variable(x), tf.Variable(weights)
        y = keras.ops.conv(x_, weights_, 1, padding="same")
    assert_close(nl.conv2d(x, weights, padding=1, groups=groups), y)
    dx, dweights = tape.gradient(y, [x_, weights_], dy)
    found = nl.conv2d_gradients(dy, x, weights, padding=1, groups=groups)
    assert_close(found[0], dx)
    assert_close(found[1], dweights)


def test_conv2d_by_hand():
    x = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]).reshape(1, 3, 3, 1)
    kernel = np.array([[1.0, 0], [0, -1]]).reshape(2, 2, 1, 1)  # 1 - 5 = 2 - 6 = 4 - 8 = 5 - 9 = -4
    np.testing.assert_array_equal(nl.conv2d(x, kernel)[0, ..., 0], [[-4, -4], [-4, -4]])
    np.testing.assert_array_equal(nl.conv2d(x, kernel, bias=[10.0])[0, ..., 0], [[6, 6], [6, 6]])
    padded = nl.conv2d(x, kernel, stride=2, padding=1)[0, ..., 0]  # corners 0 - 1, 0 - 3, 0 - 7, 5 - 9
    np.testing.assert_array_equal(padded, [[-1, -3], [-7, -4]])


def test_conv2d_takes_kernels_that_are_not_square():
    x, weights = positive((2, 6, 9, 3)), positive((2, 5, 3, 4), 1)
    assert_close(nl.conv2d(x, weights, stride=2), keras.ops.conv(x, weights, 2, padding="valid"))


def test_a_batch_gives_what_its_images_give_one_by_one():
    x, weights, dy = normal((5, 8, 8, 4)), normal((3, 3, 2, 6), 1), normal((5, 6, 6, 6), 2)
    one_by_one = [nl.conv2d(x[i : i + 1], weights, groups=2) for i in range(5)]
    assert_close(nl.conv2d(x, weights, groups=2), np.concatenate(one_by_one), 1e-12)
    dx, dweights, dbias = nl.conv2d_gradients(dy, x, weights, groups=2)
    parts = [nl.conv2d_gradients(dy[i : i + 1], x[i : i + 1], weights, groups=2) for i in range(5)]
    assert_close(dx, np.concatenate([part[0] for part in parts]), 1e-12)
    assert_close(dweights, sum(part[1] for part in parts), 1e-12)
    assert_close(dbias, sum(part[2] for part in parts), 1e-12)


@pytest.mark.parametrize("of", [np.uint8, np.int8, np.int64])
def test_sizes_may_be_numpy_integers(of):
    x, weights, dy = normal((1, 6, 6, 2)), normal((3, 3, 1, 4), 1), normal((1, 3, 3, 4), 2)
    expected = nl.conv2d_gradients(dy, x, weights, 2, 1, 2)
    for found, wanted in zip(nl.conv2d_gradients(dy, x, weights, of(2), of(1), of(2)), expected, strict=True):
        assert_close(found, wanted, 1e-12)
    wide = normal((1, 5, 300, 2))  # 2 * 149 does not fit a byte
    assert_close(nl.max_pool2d(wide, of(3), of(2)), nl.max_pool2d(wide), 1e-12)
    assert_close(nl.local_response_norm(x, of(3)), nl.local_response_norm(x, 3), 1e-12)


@pytest.mark.parametrize(
    "shape, kernel, stride, padding",
    [((1, 227, 227, 3), (11, 11, 3, 96), 4, "valid"), ((1, 27, 27, 96), (5, 5, 96, 256), 1, "same")],
    ids=["conv1", "conv2"],
)
def test_conv2d_equals_keras_at_full_size(shape, kernel, stride, padding):
    x, weights = normal(shape, 0, np.float32), normal(kernel, 1, np.float32)
    expected = keras.ops.conv(x, weights, stride, padding=padding)
    assert_close(nl.conv2d(x, weights, stride=stride, padding=2 if padding == "same" else 0), expected)


@st.composite
def poolings(draw, values=positive):
    size, stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    height, width = draw(st.integers(size, 12)), draw(st.integers(size, 12))
    x = values((draw(st.integers(1, 3)), height, width, draw(st.integers(1, 5))), draw(st.integers(0, 99)))
    return LAYOUTS[draw(st.sampled_from(list(LAYOUTS)))](x), size, stride


def loop_max_pool2d(x, size, stride):
    n, height, width, channels = x.shape
    y = np.empty((n, (height - size) // stride + 1, (width - size) // stride + 1, channels), x.dtype)
    for a, i, j, c in np.ndindex(y.shape):
        y[a, i, j, c] = max(x[a, i * stride + u, j * stride + v, c] for u in range(size) for v in range(size))
    return y


@settings(deadline=None, max_examples=40)
@given(poolings(lambda shape, seed: normal(shape, seed, np.float32)))
def test_max_pool2d_equals_keras_and_a_loop(case):
    x, size, stride = case
    y = nl.max_pool2d(x, size, stride)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, keras.ops.max_pool(x, size, stride, padding="valid"))
    np.testing.assert_array_equal(y, loop_max_pool2d(x, size, stride))


def test_max_pool2d_by_hand():
    x = np.arange(25).reshape(1, 5, 5, 1)
    np.testing.assert_array_equal(nl.max_pool2d(x)[0, ..., 0], [[12, 14], [22, 24]])
    np.testing.assert_array_equal(nl.max_pool2d(-x, 2, 3)[0, ..., 0], [[0, -3], [-15, -18]])


def test_a_normalization_over_more_channels_than_there_are_takes_no_longer():
    x = normal((1, 2, 2, 5))
    expected = x / (2 + 1e-4 * (x**2).sum(axis=-1, keepdims=True)) ** 0.75
    for size in (9, 10**7 + 1, 10**30 + 1):
        assert_close(nl.local_response_norm(x, size), expected, 1e-12)
        assert_close(nl.local_response_norm_gradient(x, x, size), nl.local_response_norm_gradient(x, x, 9), 1e-12)


def test_relu_by_hand():
    np.testing.assert_array_equal(nl.relu([-2.0, -0.0, 0.5, 3]), [0, 0, 0.5, 3])


def loop_local_response_norm(x, n, k, alpha, beta):
    """Follow the paper's formula letter by letter."""
    y, last = np.empty_like(x), x.shape[-1] - 1
    for i in range(x.shape[-1]):
        neighbours = x[..., max(0, i - n // 2) : min(last, i + n // 2) + 1]
        y[..., i] = x[..., i] / (k + alpha * (neighbours**2).sum(axis=-1)) ** beta
    return y


@settings(deadline=None, max_examples=30)
@given(
    channels=st.integers(1, 9),
    size=st.sampled_from([1, 3, 5, 7]),
    constants=st.sampled_from([(2.0, 1e-4, 0.75), (1.0, 0.5, 0.5), (0.5, 2.0, 1.3)]),
    layout=st.sampled_from(list(LAYOUTS)),
    seed=st.integers(0, 99),
)
def test_local_response_norm_equals_tensorflow_and_the_formula(channels, size, constants, layout, seed):
    k, alpha, beta = constants
    x = LAYOUTS[layout](normal((2, 3, 4, channels), seed, np.float32) * 5)
    y = nl.local_response_norm(x, size, k, alpha, beta)
    assert y.dtype == np.float32
    # TensorFlow's depth_radius counts the channels on one side.
    assert_close(y, tf.nn.local_response_normalization(x, size // 2, k, alpha, beta))
    assert_close(y, loop_local_response_norm(x.astype(np.float64), size, k, alpha, beta))


def test_local_response_norm_by_hand_with_the_papers_constants():
    x = np.array([100.0, 0, 200, 0, 0, 0, 300]).reshape(1, 1, 1, 7)
    # The squares, times 1e-4, are 1, 0, 4, 0, 0, 0, 9; channel 0 sees channels 0-2, channel 2 sees 0-4.
    expected = np.array([100 / 7**0.75, 0, 200 / 7**0.75, 0, 0, 0, 300 / 11**0.75])
    np.testing.assert_allclose(nl.local_response_norm(x).ravel(), expected, rtol=1e-12)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 5), st.integers(1, 40), st.integers(1, 20), st.booleans())
def test_dense_equals_keras(n, inputs, outputs, transposed):
    x, weights, bias = positive((n, inputs)), positive((inputs, outputs), 1), positive(outputs, 2)
    if transposed:
        weights = np.ascontiguousarray(weights.T).T
    y = nl.dense(x, weights, bias)
    assert y.dtype == np.float32
    assert_close(y, keras.ops.matmul(x, weights) + bias)
    assert_close(y, np.einsum("ni,io->no", x.astype(np.float64), weights) + bias)


def test_dense_by_hand():
    np.testing.assert_array_equal(nl.dense([[1, 2]], [[1, 0, 3], [0, 1, -1]], [10, 20, 30]), [[11, 22, 31]])


def test_dropout_scales_as_keras_and_keeps_the_expected_value():
    x = np.ones((200, 500), np.float32)
    for rate in (0.2, 0.5):
        y, mask = nl.dropout(x, rate, np.random.default_rng(0))
        in_keras = keras.layers.Dropout(rate, seed=0)(x, training=True)
        np.testing.assert_allclose(np.unique(y), np.unique(in_keras), rtol=1e-6)
        np.testing.assert_array_equal(mask, y > 0)
        # The share of 100,000 kept values has the standard deviation sqrt(rate * (1 - rate) / 100,000) <= 0.0016.
        assert abs(mask.mean() - (1 - rate)) < 0.008
        assert abs(y.mean() - 1) < 0.016


def test_dropout_follows_its_generator_and_rate_0_keeps_everything():
    x = normal((4, 5))
    first, again = (nl.dropout(x, 0.5, np.random.default_rng(3))[1] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    y, mask = nl.dropout(x, 0, np.random.default_rng(3))
    np.testing.assert_array_equal(y, x)
    assert mask.all()


def test_softmax_equals_scipy_and_survives_large_logits():
    z = normal((6, 10), 0) * 20
    assert_close(nl.softmax(z), scipy.special.softmax(z, axis=1), 1e-12)
    assert_close(nl.softmax(z.astype(np.float32)), keras.ops.softmax(z.astype(np.float32)))
    np.testing.assert_allclose(nl.softmax([[1e4, 1e4, -1e4]]), [[0.5, 0.5, 0]])
    np.testing.assert_allclose(nl.softmax([0, np.log(3)]), [0.25, 0.75])


def test_cross_entropy_equals_keras_and_the_logarithm():
    z, labels = normal((6, 10), 0, np.float32) * 3, np.array([0, 9, 3, 3, 7, 1])
    loss = nl.cross_entropy(nl.softmax(z), labels)
    in_keras = keras.losses.sparse_categorical_crossentropy(labels, z, from_logits=True)
    assert_close(loss, np.mean(in_keras))
    assert_close(loss, np.mean(scipy.special.logsumexp(z, axis=1) - z[np.arange(6), labels]))
    np.testing.assert_allclose(nl.cross_entropy([[0.5, 0.5], [0.75, 0.25]], [0, 1]), (np.log(2) + np.log(4)) / 2)
    np.testing.assert_allclose(nl.cross_entropy(np.full((3, 10), 0.1), [1, 2, 3]), np.log(10))


def test_cross_entropy_of_a_hopeless_guess_is_finite_and_equals_keras():
    probabilities, labels = np.array([[1.0, 0.0]], np.float32), np.array([1])
    expected = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
    assert_close([nl.cross_entropy(probabilities, labels)], expected)


# Gradients: by finite differences in float64, and in float32 against TensorFlow's tape


def finite_differences(function, x, dy, step=1e-5):
    """Gradient of sum(function(x) * dy) for every element of x, by central differences in float64."""
    x = np.array(x, np.float64)
    gradient = np.empty_like(x)
    for place in np.ndindex(x.shape):
        middle = x[place]
        x[place] = middle + step
        above = np.sum(function(x) * dy)
        x[place] = middle - step
        gradient[place] = (above - np.sum(function(x) * dy)) / (2 * step)
        x[place] = middle
    return gradient


def tape_gradients(function, arrays, dy):
    variables = [tf.Variable(array) for array in arrays]
    with tf.GradientTape() as tape:
        y = function(*variables)
    return [np.asarray(gradient) for gradient in tape.gradient(y, variables, np.asarray(dy, y.dtype.name))]


@settings(deadline=None, max_examples=15)
@given(convolutions(most_images=2, largest=6))
def test_conv2d_gradients_equal_finite_differences(case):
    x, weights, bias, *rest = [np.asarray(value, np.float64) if np.ndim(value) else value for value in case]
    dy = positive(nl.conv2d(x, weights, bias, *rest).shape, 5, np.float64)
    dx, dweights, dbias = nl.conv2d_gradients(dy, x, weights, *rest)
    assert_close(dx, finite_differences(lambda v: nl.conv2d(v, weights, bias, *rest), x, dy), 1e-6)
    assert_close(dweights, finite_differences(lambda v: nl.conv2d(x, v, bias, *rest), weights, dy), 1e-6)
    assert_close(dbias, finite_differences(lambda v: nl.conv2d(x, weights, v, *rest), bias, dy), 1e-6)


@settings(deadline=None, max_examples=40)
@given(convolutions())
def test_conv2d_gradients_equal_tensorflow(case):
    x, weights, bias, *rest = case
    dy = positive(nl.conv2d(*case).shape, 5)
    # In float64: the float32 gradient of a 1x1 kernel with a stride above 1 writes beyond its memory in TensorFlow 2.21
    # (oneDNN's Conv2DBackpropFilter) and now and then ends the process.
    arrays = [array.astype(np.float64) for array in (x, weights, bias)]
    expected = tape_gradients(lambda *arrays: keras_conv2d(*arrays, *rest), arrays, dy)
    for found, wanted in zip(nl.conv2d_gradients(dy, x, weights, *rest), expected, strict=True):
        assert found.dtype == np.float32
        assert_close(found, wanted)


def all_different(shape, seed=0):
    return np.random.default_rng(seed).permutation(np.prod(shape)).reshape(shape).astype(np.float32)


@settings(deadline=None, max_examples=20)
@given(poolings(all_different))
def test_max_pool2d_gradient_equals_finite_differences_and_tensorflow(case):
    x, size, stride = case
    assume(x.strides[-1] != 0 and x.size <= 400)
    dy = positive(nl.max_pool2d(x, size, stride).shape, 5)
    dx = nl.max_pool2d_gradient(dy, x, size, stride)
    assert dx.dtype == np.float32
    # The values are whole numbers, so a quarter changes no order, and the differences are exact.
    differences = finite_differences(lambda v: nl.max_pool2d(v, size, stride), x, dy, step=0.25)
    assert_close(nl.max_pool2d_gradient(dy.astype(np.float64), x, size, stride), differences, 1e-6)
    assert_close(dx, tape_gradients(lambda v: tf.nn.max_pool2d(v, size, stride, "VALID"), [x], dy)[0])


@settings(deadline=None, max_examples=30)
@given(poolings(lambda shape, seed: np.random.default_rng(seed).integers(0, 3, shape).astype(np.float32)))
def test_max_pool2d_gradient_at_ties_equals_tensorflow(case):
    x, size, stride = case
    dy = positive(nl.max_pool2d(x, size, stride).shape, 5)
    expected = tape_gradients(lambda v: tf.nn.max_pool2d(v, size, stride, "VALID"), [x], dy)[0]
    assert_close(nl.max_pool2d_gradient(dy, x, size, stride), expected)


def test_max_pool2d_gradient_by_hand():
    x = np.zeros((1, 5, 5, 1))
    dy = np.array([[1.0, 2], [3, 4]]).reshape(1, 2, 2, 1)
    first = np.zeros((5, 5))
    first[:3:2, :3:2] = [[1, 2], [3, 4]]  # all values tie: the first of each window gets the gradient
    np.testing.assert_array_equal(nl.max_pool2d_gradient(dy, x)[0, ..., 0], first)
    x[0, 2, 2, 0] = 1  # the largest value of all four overlapping windows gets 1 + 2 + 3 + 4
    middle = np.zeros((5, 5))
    middle[2, 2] = 10
    np.testing.assert_array_equal(nl.max_pool2d_gradient(dy, x)[0, ..., 0], middle)


def test_a_nan_keeps_its_gradient():
    x = np.arange(25.0).reshape(1, 5, 5, 1)
    x[0, 1, 1, 0] = x[0, 1, 2, 0] = np.nan
    dy = np.array([[1.0, 2], [3, 4]]).reshape(1, 2, 2, 1)
    assert np.isnan(nl.max_pool2d(x)[0, 0]).all()  # both upper windows hold a NaN
    expected = np.zeros((5, 5))
    expected[1, 1], expected[1, 2] = 1, 2  # the first in reading order is the NaN of its window
    expected[4, 2], expected[4, 4] = 3, 4
    np.testing.assert_array_equal(nl.max_pool2d_gradient(dy, x)[0, ..., 0], expected)
    np.testing.assert_array_equal(nl.relu_gradient([5.0, 5, 5], [np.nan, -1, 1]), [np.nan, 0, 5])


def test_relu_gradient_equals_finite_differences_and_tensorflow():
    x = normal((3, 4, 2))
    x += np.sign(x) * 0.01  # away from the kink
    dy = normal(x.shape, 1)
    assert_close(nl.relu_gradient(dy, x), finite_differences(nl.relu, x, dy), 1e-6)
    x.flat[:5] = 0  # at the kink TensorFlow's gradient is 0, too
    x, dy = x.astype(np.float32), dy.astype(np.float32)
    assert_close(nl.relu_gradient(dy, x), tape_gradients(tf.nn.relu, [x], dy)[0])


@pytest.mark.parametrize("size, k, alpha, beta", [(5, 2.0, 1e-4, 0.75), (3, 1.0, 0.5, 0.75), (7, 0.5, 2.0, 1.3)])
def test_local_response_norm_gradient_equals_finite_differences_and_tensorflow(size, k, alpha, beta):
    constants = (size, k, alpha, beta)
    x, dy = normal((2, 2, 3, 6)) * 3, normal((2, 2, 3, 6), 1)
    differences = finite_differences(lambda v: nl.local_response_norm(v, *constants), x, dy)
    assert_close(nl.local_response_norm_gradient(dy, x, *constants), differences, 1e-6)
    x, dy = x.astype(np.float32), dy.astype(np.float32)
    found = nl.local_response_norm_gradient(dy, x, *constants)
    assert_close(found, tape_gradients(lambda v: tf.nn.lrn(v, size // 2, k, alpha, beta), [x], dy)[0])


def test_dense_gradients_equal_finite_differences_and_tensorflow():
    x, weights, bias, dy = normal((3, 7)), normal((7, 5), 1), normal(5, 2), normal((3, 5), 3)
    dx, dweights, dbias = nl.dense_gradients(dy, x, weights)
    assert_close(dx, finite_differences(lambda v: nl.dense(v, weights, bias), x, dy), 1e-6)
    assert_close(dweights, finite_differences(lambda v: nl.dense(x, v, bias), weights, dy), 1e-6)
    assert_close(dbias, finite_differences(lambda v: nl.dense(x, weights, v), bias, dy), 1e-6)
    x, weights, bias, dy = (array.astype(np.float32) for array in (x, weights, bias, dy))
    expected = tape_gradients(lambda x, w, b: keras.ops.matmul(x, w) + b, (x, weights, bias), dy)
    for found, wanted in zip(nl.dense_gradients(dy, x, weights), expected, strict=True):
        assert_close(found, wanted)


def test_dropout_gradient_equals_finite_differences_and_tensorflow():
    x, dy = normal((4, 6)), normal((4, 6), 1)
    _, mask = nl.dropout(x, 0.3, np.random.default_rng(2))
    gradient = nl.dropout_gradient(dy, mask, 0.3)
    assert_close(gradient, finite_differences(lambda v: nl.dropout(v, 0.3, np.random.default_rng(2))[0], x, dy), 1e-6)

    def dropout(v):  # Keras' own mask, with the seed of the layer
        return keras.layers.Dropout(0.3, seed=4)(v, training=True)

    x, dy = np.ones((4, 6), np.float32), dy.astype(np.float32)
    expected = tape_gradients(dropout, [x], dy)[0]
    assert_close(nl.dropout_gradient(dy, np.asarray(dropout(x)) > 0, 0.3), expected)


@pytest.mark.parametrize("of", [bool, int, np.float64])
def test_a_mask_may_be_of_true_and_false_or_of_1_and_0(of):
    mask = np.array([[1, 0, 1]]).astype(of)
    gradient = nl.dropout_gradient(np.ones((1, 3), np.float32), mask, 0.75)
    np.testing.assert_array_equal(gradient, [[4, 0, 4]])
    assert gradient.dtype == np.float32


def test_softmax_cross_entropy_gradient_equals_finite_differences_and_tensorflow():
    z, labels = normal((5, 4)) * 2, np.array([3, 0, 2, 2, 1])
    gradient = nl.softmax_cross_entropy_gradient(nl.softmax(z), labels)
    assert_close(gradient, finite_differences(lambda v: nl.cross_entropy(nl.softmax(v), labels), z, 1.0), 1e-6)
    z = z.astype(np.float32)

    def loss(v):
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, v))

    assert_close(nl.softmax_cross_entropy_gradient(nl.softmax(z), labels), tape_gradients(loss, [z], 1.0)[0])


# Types and arguments


def every_function(dtype):
    """Call each function with arrays of one type; yield its name, its arguments and its results."""
    x, weights, bias = normal((2, 6, 6, 4), 0, dtype), normal((3, 3, 2, 6), 1, dtype), normal(6, 2, dtype)
    flat, matrix, mask = normal((2, 5), 3, dtype), normal((5, 6), 4, dtype), np.eye(6) > 0
    probabilities, labels = nl.softmax(flat), np.array([0, 4])
    half, rng = np.float64(0.5), np.random.default_rng(0)  # a NumPy scalar must not make float32 wider
    for name, *arguments in [
        ("conv2d", x, weights, bias, 2, 1, 2),
        ("conv2d_gradients", normal((2, 3, 3, 6), 5, dtype), x, weights, 2, 1, 2),
        ("max_pool2d", x),
        ("max_pool2d_gradient", normal((2, 2, 2, 4), 5, dtype), x),
        ("relu", x),
        ("relu_gradient", x, x),
        ("local_response_norm", x, 5, half, half, half),
        ("local_response_norm_gradient", x, x, 5, half, half, half),
        ("dense", flat, matrix, bias),
        ("dense_gradients", normal((2, 6), 5, dtype), flat, matrix),
        ("dropout", flat, half, rng),
        ("dropout_gradient", matrix.T @ matrix, mask, half),
        ("softmax", flat),
        ("cross_entropy", probabilities, labels),
        ("softmax_cross_entropy_gradient", probabilities, labels),
    ]:
        before = [argument.copy() if isinstance(argument, np.ndarray) else argument for argument in arguments]
        results = getattr(nl, name)(*arguments)
        results = results[:1] if name == "dropout" else results  # its mask is Boolean
        yield name, zip(before, arguments, strict=True), results if isinstance(results, tuple) else (results,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_stay_and_arguments_are_left_alone(dtype):
    names = set()
    for name, arguments, results in every_function(dtype):
        names.add(name)
        assert [result.dtype for result in results] == [dtype] * len(results), name
        for before, after in arguments:
            if isinstance(after, np.ndarray):
                np.testing.assert_array_equal(before, after, err_msg=name)
    public = {name for name, value in vars(nl).items() if callable(value) and value.__module__ == nl.__name__}
    assert names == {name for name in public if not name.startswith("_")} - {
        "steps",
        "step_kinds",
        "check_normalization",
    }


def test_integers_are_computed_as_floating_point_numbers():
    x = np.full((1, 4, 4, 1), 200, np.uint8)  # 200 * 200 does not fit a byte
    assert nl.conv2d(x, np.full((2, 2, 1, 1), 200, np.uint8))[0, 0, 0, 0] == 160_000
    assert nl.local_response_norm(x, k=1, alpha=1, beta=1)[0, 0, 0, 0] == pytest.approx(200 / 40_001)
    assert nl.dense([[1, 2]], [[3], [4]]).dtype == np.float64


def run(*arguments, **options):
    """Return the tensors after all steps of a network."""
    return dict(nl.steps(*arguments, **options))


X, W = np.ones((1, 6, 6, 4)), np.ones((3, 3, 4, 6))
P = np.full((2, 3), 1 / 3)
NETWORK = {layer.name: (np.ones((1, 1)), None) for layer in geometry.ALEXNET if layer.kind != "pool"}
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nl.conv2d(X[0], W), "x must be an array of numbers with the axes N x H x W x C, got an array of"),
        (lambda: nl.conv2d(np.empty((0, 6, 6, 4)), W), "x must be an array of .*, got an array of shape .0, 6, 6, 4"),
        (lambda: nl.conv2d(np.full((1, 6, 6, 4), "a"), W), "x must be an array of numbers .* dtype <U1"),
        (lambda: nl.conv2d(X * 1j, W), "x must be an array of numbers .* dtype complex128"),
        (lambda: nl.conv2d([[1], [1, 2]], W), r"x must be an array of numbers .*, got \[\[1\], \[1, 2\]\]"),
        (lambda: nl.conv2d(np.ma.masked_less(X, 0), W), "x must be an array of numbers .*, got a masked array"),
        (lambda: nl.conv2d(None, W), "x must be an array of numbers .*, got None"),
        (lambda: nl.conv2d(X, W[0]), "weights must be .* axes k x k x C/groups x F, got an array of shape .3, 4, 6"),
        (lambda: nl.conv2d(X, W[:, :, :3]), "weights must be k x k x 4 x F, as x has 4 channels and groups is 1, got"),
        (lambda: nl.conv2d(X, W, groups=2), "weights must be k x k x 2 x F, as x has 4 channels and groups is 2, got"),
        (lambda: nl.conv2d(X, W, groups=3), "groups must be a divisor of x's 4 channels and of the 6 filters, got 3"),
        (lambda: nl.conv2d(X, W[..., :5], groups=2), "groups must be a divisor of .* the 5 filters, got 2"),
        (lambda: nl.conv2d(X, W, groups=0), "groups must be a positive integer, got 0"),
        (lambda: nl.conv2d(X, W, groups=10**30), "groups must be a divisor of x's 4 channels"),
        (lambda: nl.conv2d(X, W, np.ones(5)), r"bias must be an array of numbers of shape \(6,\), got an array of"),
        (lambda: nl.conv2d(X, W, "none"), r"bias must be an array of numbers of shape \(6,\), got 'none'"),
        (lambda: nl.conv2d(X, W, stride=0), "stride must be a positive integer, got 0"),
        (lambda: nl.conv2d(X, W, stride=1.5), "stride must be a positive integer, got 1.5"),
        (lambda: nl.conv2d(X, W, stride=(2, 2)), r"stride must be a positive integer, got \(2, 2\)"),
        (lambda: nl.conv2d(X, W, stride=True), "stride must be a positive integer, got True"),
        (lambda: nl.conv2d(X, W, padding=-1), "padding must be an integer from 0 to 256, got -1"),
        (lambda: nl.conv2d(X, W, padding=10**30), "padding must be an integer from 0 to 256, got 1000"),
        (lambda: nl.conv2d(X, W, padding="same"), "padding must be an integer from 0 to 256, got 'same'"),
        (lambda: nl.conv2d(X[:, :2], W), r"the kernel of weights must be at most \(2, 6\), .*, got \(3, 3\)"),
        (
            lambda: nl.conv2d_gradients(np.ones((1, 4, 4, 5)), X, W),
            r"dy must be .* \(1, 4, 4, 6\), .* the layer's output$",
        ),
        (lambda: nl.max_pool2d(X[..., 0]), r"x must be .* N x H x W x C, got an array of shape \(1, 6, 6\)"),
        (lambda: nl.max_pool2d(X, 7), "size must be an integer from 1 to 6, got 7"),
        (lambda: nl.max_pool2d(X[:, :5], 6), "size must be an integer from 1 to 5, got 6"),
        (lambda: nl.max_pool2d(X, 0), "size must be an integer from 1 to 6, got 0"),
        (lambda: nl.max_pool2d(X, 3, 0.5), "stride must be a positive integer, got 0.5"),
        (lambda: nl.max_pool2d_gradient(X, X), r"dy must be .* \(1, 2, 2, 4\), got .* shape of the layer's output$"),
        (lambda: nl.relu("a"), "x must be an array of numbers, got 'a'"),
        (lambda: nl.relu(None), "x must be an array of numbers, got None"),
        (lambda: nl.relu_gradient(X, X[0]), r"dy must be .* of shape \(6, 6, 4\), got .* the layer's output$"),
        (lambda: nl.local_response_norm(X, size=4), "size must be odd, .*, got 4"),
        (lambda: nl.local_response_norm(X, size=-1), "size must be a positive integer, got -1"),
        (lambda: nl.local_response_norm(X, k=0), "k must be a positive number, got 0"),
        (lambda: nl.local_response_norm(X, k=np.nan), "k must be a positive number, got nan"),
        (lambda: nl.local_response_norm(X, alpha=-1), "alpha must be a number, 0 or more, got -1"),
        (lambda: nl.local_response_norm(X, alpha=np.inf), "alpha must be a number, 0 or more, got inf"),
        (lambda: nl.local_response_norm(X, beta="0.75"), "beta must be a finite number, got '0.75'"),
        (lambda: nl.local_response_norm_gradient(X, X, beta=None), "beta must be a finite number, got None"),
        (lambda: nl.local_response_norm(X[0]), r"x must be .* N x H x W x C, got an array of shape \(6, 6, 4\)"),
        (lambda: nl.local_response_norm_gradient(X[0], X), r"dy must be .* of shape \(1, 6, 6, 4\), got an array"),
        (lambda: nl.dense(np.ones(3), np.ones((3, 2))), r"x must be .* N x inputs, got an array of shape \(3,\)"),
        (lambda: nl.dense(P, np.ones((2, 3))), r"weights must be .* 3 rows, .*, got an array of shape \(2, 3\)"),
        (lambda: nl.dense(P, np.ones((3, 2)), 1.0), r"bias must be an array of numbers of shape \(2,\), got 1.0"),
        (lambda: nl.dense_gradients(P, P, np.ones((3, 2))), r"dy must be .* of shape \(2, 2\), got an array"),
        (lambda: nl.dropout(X, 1, RNG), "rate must be a number from 0 to less than 1, got 1"),
        (lambda: nl.dropout(X, -0.1, RNG), "rate must be a number from 0 to less than 1, got -0.1"),
        (lambda: nl.dropout(X, np.nan, RNG), "rate must be a number from 0 to less than 1, got nan"),
        (lambda: nl.dropout(X, "half", RNG), "rate must be a number from 0 to less than 1, got 'half'"),
        (lambda: nl.dropout(X, False, RNG), "rate must be a number from 0 to less than 1, got False"),
        (lambda: nl.dropout(X, 0.5, 7), "rng must be a numpy.random.Generator, .*, got 7"),
        (
            lambda: nl.dropout_gradient(X, X[0] > 0, 0.5),
            r"dy must be .* \(6, 6, 4\), got .* shape of the layer's output$",
        ),
        (lambda: nl.dropout_gradient(X, X > 0, 1.5), "rate must be a number from 0 to less than 1, got 1.5"),
        (lambda: nl.dropout_gradient(X, 2 * X, 0.5), "mask must be an array of True and False, or of 1 and 0, got"),
        (lambda: nl.dropout_gradient(X, X * np.nan, 0.5), "mask must be an array of True and False"),
        (lambda: nl.dropout_gradient(X, None, 0.5), "mask must be an array of True and False, got None"),
        (lambda: nl.softmax(3.0), "z must be an array whose last axis is the classes, got 3.0"),
        (lambda: nl.cross_entropy(P * 2, [0, 1]), "probabilities must be rows .* sums from 2 to 2"),
        (lambda: nl.cross_entropy(P * 1.002, [0, 1]), "probabilities must be rows .* sums from 1.002 to 1.002"),
        (lambda: nl.cross_entropy(P * 0.998, [0, 1]), "probabilities must be rows .* sums from 0.998 to 0.998"),
        (lambda: nl.cross_entropy([[-1, 2.0]], [0]), "probabilities must be .* got a smallest value of -1 and"),
        (lambda: nl.cross_entropy([[np.nan, 1.0]], [0]), "probabilities must be .* got a smallest value of nan"),
        (lambda: nl.cross_entropy(P[0], [0]), r"probabilities must be .* N x classes, got an array of shape \(3,\)"),
        (lambda: nl.cross_entropy(P, [0, 3]), "labels must be 2 integers from 0 to 2 along one axis, got int64 from 0"),
        (lambda: nl.cross_entropy(P, [0, -1]), "labels must be 2 integers from 0 to 2 .*, got int64 from -1 to 0"),
        (lambda: nl.cross_entropy(P, [0]), r"labels must be 2 integers .*, got an array of shape \(1,\)"),
        (lambda: nl.cross_entropy(P, [0.0, 1.0]), "labels must be 2 integers .*, got float64 from 0 to 1"),
        (lambda: nl.cross_entropy(P, [[0], [1]]), r"labels must be 2 integers .*labels.ravel\(\)"),
        (lambda: nl.softmax_cross_entropy_gradient(P, np.eye(3)[:2]), r"labels must be .*one-hot.*argmax"),
        (lambda: run(X, NETWORK, [1]), "layers must be a list of geometry.Layer, got 1 as one of them"),
        (lambda: run(X, NETWORK, local_response_norm="no"), "local_response_norm must be True or False, got 'no'"),
        (lambda: run(X[0], NETWORK), "x must be an array of numbers with the axes N x H x W x C"),
        (lambda: run(X, [W, W]), "weights must be a function, or a dict from conv1, .* fc8 to .kernel, bias., got"),
        (lambda: run(X, {"conv1": (W, None)}), r"weights must be a function, or a dict .*, got \['conv1'\]"),
        (lambda: run(X, NETWORK | {"conv6": (W, None)}), "weights must be a function, .* and no others"),
        (lambda: run(X, NETWORK | {"fc8": W}), r"weights\['fc8'\] must be \(kernel, bias\), got an"),
        (lambda: run(X, NETWORK), r"conv1: weights must be .* k x k x C/groups x F, got an array"),
        (lambda: run(X, lambda name: W), r"conv1: weights\('conv1'\) must be \(kernel, bias\), got an"),
    ],
)
def test_bad_input_is_named_with_its_value_and_what_is_needed(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


@pytest.mark.parametrize("off", [-5e-4, 5e-4])
def test_probabilities_may_sum_to_nearly_1(off):
    assert_close(nl.cross_entropy(P * (1 + off), [0, 1]), np.log(3), 1e-3)


# The whole network: here narrow, on a part of the photo that is not square; in test_models.py on the photo


def narrow_weights(towers):
    """Return small weights for images of 99 x 83, which leave pool3 as 2 x 1."""
    shapes = {
        "conv1": (11, 11, 3, 8),
        "conv2": (5, 5, 8 // towers, 12),
        "conv3": (3, 3, 12, 16),
        "conv4": (3, 3, 16 // towers, 16),
        "conv5": (3, 3, 16 // towers, 12),
        "fc6": (2 * 1 * 12, 24),
        "fc7": (24, 20),
        "fc8": (20, 10),
    }
    weights = {}
    for name, shape in shapes.items():
        kernel = normal(shape, len(weights)) * np.sqrt(2 / np.prod(shape[:-1]))  # He's, so that no layer fades
        weights[name] = kernel.astype(np.float32), normal(shape[-1], 9, np.float32) / 10
    return weights


def keras_alexnet(x, weights, towers, normalized):
    """Yield the name and the tensor after each step, each computed by Keras or TensorFlow."""
    for number, stride, padding in ((1, 4, 0), (2, 1, 2), (3, 1, 1), (4, 1, 1), (5, 1, 1)):
        x = keras_conv2d(x, *weights[f"conv{number}"], stride, padding, towers if number in (2, 4, 5) else 1)
        yield f"conv{number}", x
        x = keras.ops.relu(x)
        yield f"relu{number}", x
        if normalized and number in (1, 2):
            parts = tf.split(x, towers, axis=-1)
            x = tf.concat([tf.nn.local_response_normalization(part, 2, 2, 1e-4, 0.75) for part in parts], axis=-1)
            yield f"norm{number}", x
        if number in (1, 2, 5):
            x = keras.ops.max_pool(x, 3, 2, padding="valid")
            yield f"pool{min(number, 3)}", x
    x = keras.ops.reshape(x, (len(x), -1))
    yield "flatten", x
    for number in (6, 7):
        x = keras.ops.matmul(x, weights[f"fc{number}"][0]) + weights[f"fc{number}"][1]
        yield f"fc{number}", x
        x = keras.ops.relu(x)
        yield f"relu{number}", x
    x = keras.ops.matmul(x, weights["fc8"][0]) + weights["fc8"][1]
    yield "fc8", x
    yield "softmax", keras.ops.softmax(x)


@pytest.mark.parametrize(("towers", "normalized"), [(1, False), (2, True)], ids=["one tower", "two towers normalized"])
def test_every_step_of_the_network_equals_keras(towers, normalized):
    weights = narrow_weights(towers)
    # The paper's range of pixels, so that the sums of squares matter beside the normalization's k = 2.
    x = data.sample_photo(227)[np.newaxis, 64:163, 72:155].astype(np.float32) - 118
    tensors = run(x, weights, geometry.alexnet_layers(towers), normalized)
    expected = dict(keras_alexnet(x, weights, towers, normalized))
    assert list(tensors) == list(expected)
    for name, tensor in expected.items():
        assert tensors[name].dtype == np.float32
        assert_close(tensors[name], tensor, 1e-4)


def test_the_normalization_takes_other_constants_and_other_towers():
    weights, layers = narrow_weights(2), geometry.alexnet_layers(2)
    x = data.sample_photo(227)[np.newaxis, 64:163, 72:155].astype(np.float32) - 118
    maps = run(x, weights, layers, True)["relu1"]

    def norm1(given):
        return next(tensor for name, tensor in nl.steps(x, weights, layers, given) if name == "norm1")

    caffes = {"size": 5, "k": 1.0, "alpha": 2e-5, "beta": 0.75, "towers": 1}
    assert_close(norm1(caffes), tf.nn.local_response_normalization(maps, 2, 1.0, 2e-5, 0.75), 1e-5)
    # What the dict leaves out is the paper's, in the network's own towers.
    parts = [tf.nn.local_response_normalization(part, 2, 4.0, 1e-4, 0.75) for part in tf.split(maps, 2, axis=-1)]
    assert_close(norm1({"k": 4.0}), tf.concat(parts, axis=-1), 1e-5)
    assert nl.step_kinds(layers, {"k": 4.0}) == nl.step_kinds(layers, True)


@pytest.mark.parametrize("side", [12, 13, 14, 15])
def test_a_layer_that_rounds_up_has_a_last_window_that_overhangs(side):
    x, kernel = normal((2, side, side + 1, 3)) - 5, normal((5, 5, 3, 4), 1)  # a zero would be the largest of a window
    layers = [
        geometry.Layer("conv1", "conv", 4, kernel=5, stride=4, padding=1, rounding="ceil"),
        geometry.Layer("pool1", "pool", kernel=3, stride=2, rounding="ceil"),
        geometry.Layer("fc2", "dense", 2),
    ]
    for name in ("conv1", "pool1"):
        (layer,) = (one for one in layers if one.name == name)
        alone = [layer, layers[-1]]
        rows, columns = (geometry.layer_table([layer], size, 3).loc[name, "output"][0] for size in x.shape[1:3])
        steps = nl.steps(x, lambda name: (kernel, None), alone)
        found = next(steps)[1]
        assert found.shape[1:3] == (rows, columns)
        beyond = np.pad(x, [(0, 0), (layer.padding, 9), (layer.padding, 9), (0, 0)])
        if name == "pool1":
            beyond[:, side:] = beyond[:, :, side + 1 :] = -np.inf
        for i, j in np.ndindex(rows, columns):
            window = beyond[:, layer.stride * i :, layer.stride * j :][:, : layer.kernel, : layer.kernel]
            expected = window.max(axis=(1, 2)) if name == "pool1" else np.einsum("nijc,ijcf->nf", window, kernel)
            assert_close(found[:, i, j], expected, 1e-9)


@pytest.mark.parametrize("rounding", ["floor", "ceil"])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 2, 1), (3, 1, 2), (2, 2, 1)])
def test_the_padding_of_a_pool_is_that_of_the_table(kernel, stride, padding, rounding):
    pool = geometry.Layer("pool1", "pool", None, kernel, stride, padding, rounding=rounding)
    x = -positive((2, 8, 8, 3))  # a zero would be the largest of a window
    found = dict(nl.steps(x, {}, [pool]))["pool1"]
    assert found.shape[1:] == geometry.layer_table([pool], 8, 3).loc["pool1", "output"]
    if rounding == "floor":
        padded = np.pad(x, [(0, 0), (padding, padding), (padding, padding), (0, 0)], constant_values=-np.inf)
        np.testing.assert_array_equal(found, nl.max_pool2d(padded, kernel, stride))
    assert np.isfinite(found).all()
    assert found.dtype == np.float32


@pytest.mark.parametrize("padding", [3, 300, "same", "valid"])
def test_a_pool_whose_windows_would_see_padding_alone_is_refused(padding):
    pool = geometry.Layer("pool1", "pool", None, 3, 2, padding)
    for rounding in ("floor", "ceil"):
        with pytest.raises(ValueError, match=f"^pool1: padding must be an integer from 0 to 2, got {padding!r}"):
            run(np.ones((1, 8, 8, 3)), {}, [pool._replace(rounding=rounding)])


@pytest.mark.parametrize("rounding", ["floor", "ceil"])
def test_words_for_padding_are_for_the_table_only(rounding):
    conv = geometry.Layer("conv1", "conv", 6, 3, padding="same", rounding=rounding)
    with pytest.raises(ValueError, match=r"^conv1: padding must be an integer from 0 to 256, got 'same'"):
        run(X, {"conv1": (W, None)}, [conv])


@pytest.mark.parametrize(
    ("names", "twice"), [(("conv6", "fc6"), "relu6"), (("relu7", "fc7"), "relu7"), (("softmax", "fc8"), "softmax")]
)
def test_two_steps_of_one_name_are_refused(names, twice):
    conv = geometry.Layer(names[0], "conv", 4, kernel=3)
    layers = [conv, geometry.Layer(names[1], "dense", 4), geometry.Layer("fc9", "dense", 2)]
    layers = layers if twice != "softmax" else layers[:2]
    with pytest.raises(ValueError, match=f"^layers must be named so that .* different names, got '{twice}' twice"):
        nl.step_kinds(layers)


def test_the_step_in_which_something_does_not_fit_is_named():
    x, weights = normal((1, 99, 83, 3)), narrow_weights(2)
    odd = {"conv1": (weights["conv1"][0][..., :7], None), "conv2": weights["conv2"]}
    for changed, normalized, message in (
        ({"conv4": weights["conv3"]}, False, "conv4: weights must be k x k x 8 x F"),
        ({"fc7": (weights["fc7"][0][1:], None)}, False, "fc7: weights must be an array of 24 rows"),
        ({"fc6": (weights["fc6"][0], np.ones(3))}, False, "fc6: bias must be an array .* of shape .24"),
        (odd, True, "norm1: towers must be a divisor of its 7 channels, got 2"),
    ):
        with pytest.raises(ValueError, match=f"^{message}"):
            run(x, weights | changed, geometry.alexnet_layers(2), normalized)


def test_a_kind_without_a_step_is_not_taken_for_another(monkeypatch):
    """As it is when a kind is entered in `geometry` alone."""
    monkeypatch.setitem(geometry._USED, "average", ("kernel", "stride"))
    layers = [geometry.Layer("avg1", "average", kernel=3, stride=2), geometry.Layer("fc2", "dense", 2)]
    for chain in (layers, layers[:1]):
        with pytest.raises(ValueError, match=r"^avg1: kind must be 'conv', 'pool' or 'dense', got 'average'"):
            nl.step_kinds(chain)
    monkeypatch.setattr(nl, "step_kinds", lambda *_: [("avg1", "average", layers[0])])
    with pytest.raises(ValueError, match=r"^avg1: kind must be one that `step_kinds` lists, got 'average'"):
        run(np.ones((1, 9, 9, 1)), lambda name: None)


def test_no_step_is_computed_before_it_is_asked_for():
    def weights(name):
        assert name == "conv1", f"{name} is not needed yet"
        return normal((11, 11, 3, 2)), None

    found = [name for name, _ in itertools.islice(nl.steps(normal((1, 67, 67, 3)), weights), 3)]
    assert found == ["conv1", "relu1", "pool1"]


# Training: every kind of layer, at a size where three steps take no time

RATE, MOMENTUM, DECAY, STEPS = 0.05, 0.9, 0.0005, 3
NORM = {"size": 3, "k": 1.0, "alpha": 0.1, "beta": 0.75}
SHAPES = {"conv1": (3, 3, 2, 4), "conv2": (3, 3, 2, 6), "fc1": (6, 8), "fc2": (8, 3)}


def small_weights(dtype):
    return {
        name: (normal(shape, i, dtype) * np.sqrt(2 / np.prod(shape[:-1])).astype(dtype), positive(shape[-1], i, dtype))
        for i, (name, shape) in enumerate(SHAPES.items())
    }


def small_batches(dtype):
    """Three batches: images, the dropout's mask (already scaled), labels."""
    for step in range(STEPS):
        kept, _ = nl.dropout(np.ones((4, 8), dtype), 0.5, np.random.default_rng(step))
        yield normal((4, 15, 15, 2), 50 + step, dtype), kept, np.random.default_rng(step).integers(0, 3, 4)


def numpy_gradients(weights, x, kept, labels):
    """Forward and backward through the small network; return {name: (dkernel, dbias)}."""
    conv1 = nl.conv2d(x, *weights["conv1"], stride=2)
    relu1 = nl.relu(conv1)
    norm1 = nl.local_response_norm(relu1, **NORM)
    pool1 = nl.max_pool2d(norm1)
    conv2 = nl.conv2d(pool1, *weights["conv2"], padding=1, groups=2)
    relu2 = nl.relu(conv2)
    pool2 = nl.max_pool2d(relu2)
    flat = pool2.reshape(len(x), -1)
    fc1 = nl.dense(flat, *weights["fc1"])
    dropped = nl.relu(fc1) * kept
    probabilities = nl.softmax(nl.dense(dropped, *weights["fc2"]))

    gradients = {}
    d = nl.softmax_cross_entropy_gradient(probabilities, labels)
    d, *gradients["fc2"] = nl.dense_gradients(d, dropped, weights["fc2"][0])
    d = nl.relu_gradient(nl.dropout_gradient(d, kept > 0, 0.5), fc1)
    d, *gradients["fc1"] = nl.dense_gradients(d, flat, weights["fc1"][0])
    d = nl.relu_gradient(nl.max_pool2d_gradient(d.reshape(pool2.shape), relu2), conv2)
    d, *gradients["conv2"] = nl.conv2d_gradients(d, pool1, weights["conv2"][0], padding=1, groups=2)
    d = nl.local_response_norm_gradient(nl.max_pool2d_gradient(d, norm1), relu1, **NORM)
    _, *gradients["conv1"] = nl.conv2d_gradients(nl.relu_gradient(d, conv1), x, weights["conv1"][0], stride=2)
    return gradients


def numpy_training(dtype):
    """Train by the paper's rule (section 5), kernels with weight decay; yield the weights after each step."""
    weights = {name: [array.copy() for array in pair] for name, pair in small_weights(dtype).items()}
    velocities = {name: [np.zeros_like(array) for array in pair] for name, pair in weights.items()}
    for batch in small_batches(dtype):
        gradients = numpy_gradients(weights, *batch)
        for name, place in itertools.product(SHAPES, (0, 1)):
            w, v, decay = weights[name][place], velocities[name][place], (DECAY, 0)[place]
            v[:] = MOMENTUM * v - decay * RATE * w - RATE * gradients[name][place]
            w += v
        yield {name: [array.copy() for array in pair] for name, pair in weights.items()}


def keras_training(dtype, optimizer, l2=None):
    """Train the same network in Keras; yield the weights after each step."""
    layers, options = keras.layers, {"kernel_regularizer": keras.regularizers.L2(l2) if l2 else None}
    image, kept = keras.Input((15, 15, 2)), keras.Input((8,))
    x = layers.Conv2D(4, 3, strides=2, activation="relu", name="conv1", **options)(image)
    x = layers.MaxPooling2D(3, 2)(models.LocalResponseNorm(**NORM)(x))
    x = layers.Conv2D(6, 3, padding="same", groups=2, activation="relu", name="conv2", **options)(x)
    x = layers.Flatten()(layers.MaxPooling2D(3, 2)(x))
    x = layers.Dense(8, activation="relu", name="fc1", **options)(x)
    x = layers.Multiply()([x, kept])  # dropout, with the mask that NumPy drew
    model = keras.Model([image, kept], layers.Dense(3, activation="softmax", name="fc2", **options)(x))
    for name, pair in small_weights(dtype).items():
        model.get_layer(name).set_weights(pair)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", jit_compile=False)
    for x, kept_values, labels in small_batches(dtype):
        model.train_on_batch([x, kept_values], labels)
        yield {name: model.get_layer(name).get_weights() for name in SHAPES}


@pytest.fixture(params=[np.float64, np.float32], ids=["float64", "float32"])
def dtype(request):
    """Let Keras compute in this type during the test."""
    usual = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(request.param.__name__)  # losses
    keras.config.set_dtype_policy(request.param.__name__)  # layers
    yield request.param
    keras.config.set_floatx(usual[0])
    keras.config.set_dtype_policy(usual[1])


def changes(dtype, history):
    """Stack the steps' changes from the start: {(name, 0 kernel or 1 bias): steps x shape}."""
    start, history = small_weights(dtype), list(history)
    return {
        (name, place): np.array([weights[name][place] - start[name][place] for weights in history])
        for name in SHAPES
        for place in (0, 1)
    }


def test_three_steps_of_sgd_change_every_weight_as_in_keras(dtype):
    ours = changes(dtype, numpy_training(dtype))
    optimizer = keras.optimizers.SGD(RATE, momentum=MOMENTUM)
    theirs = changes(dtype, keras_training(dtype, optimizer, l2=DECAY / 2))
    for key, expected in theirs.items():
        assert ours[key].dtype == dtype
        for step in range(STEPS):
            assert np.abs(expected[step]).max() > 1e-3, "a layer that does not learn compares nothing"
            assert_close(ours[key][step], expected[step])


@pytest.mark.parametrize("dtype", [np.float64], indirect=True)
def test_keras_decoupled_weight_decay_departs_at_the_second_step(dtype):
    ours = changes(dtype, numpy_training(dtype))
    optimizer = keras.optimizers.SGD(RATE, momentum=MOMENTUM, weight_decay=DECAY)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    theirs = changes(dtype, keras_training(dtype, optimizer))
    for name in SHAPES:
        first, second = (theirs[name, 0][step] for step in (0, 1))
        assert_close(ours[name, 0][0], first)
        # The paper's velocity still carries 0.9 of the first step's decay; Keras' carries none of it.
        carried = -MOMENTUM * DECAY * RATE * small_weights(dtype)[name][0]
        apart = ours[name, 0][1] - second
        assert np.abs(apart).max() > 1e-5 * np.abs(second).max()
        assert_close(apart, carried, 1e-3)
