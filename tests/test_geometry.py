"""Sizes, weights, work and receptive fields against Keras and against windows counted one by one."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alexnet_helpers import geometry, models
from alexnet_helpers.geometry import ALEXNET, Layer, alexnet_layers, layer_table, output_size

layers = models.keras.layers
many = settings(deadline=None, max_examples=200)
sizes, kernels, strides, zeros = st.integers(1, 60), st.integers(1, 12), st.integers(1, 8), st.integers(0, 6)
SHAPES = [(55, 55, 96), (27, 27, 96), (27, 27, 256), (13, 13, 256), (13, 13, 384), (13, 13, 384), (13, 13, 256)]
SHAPES += [(6, 6, 256), (4096,), (4096,), (1000,)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((227, 11, 4), 55),
        ((224, 11, 4, 2), 55),
        ((224, 11, 4, 0, "ceil"), 55),
        ((224, 11, 4), 54),
        ((224, 11, 4, "same"), 56),
        ((227, 11, 4, "same"), 57),
        ((55, 3, 2), 27),
        ((27, 5, 1, 2), 27),
        ((27, 3, 2), 13),
        ((13, 3, 1, 1), 13),
        ((13, 3, 2), 6),
        ((6, 6, 1, "valid"), 1),
    ],
)
def test_worked_examples(arguments, expected):
    assert output_size(*arguments) == expected


@many
@given(sizes, kernels, strides, zeros)
def test_floor_equals_keras_and_windows_of_numpy(size, kernel, stride, padding):
    assume(kernel <= size + 2 * padding)
    found = output_size(size, kernel, stride, padding)
    padded = layers.ZeroPadding2D(padding).compute_output_shape((None, size, size, 1))
    for layer in (layers.Conv2D(1, kernel, stride), layers.MaxPooling2D(kernel, stride)):
        assert layer.compute_output_shape(padded)[1:3] == (found, found)
    row = np.zeros(size + 2 * padding)
    assert found == len(np.lib.stride_tricks.sliding_window_view(row, kernel)[::stride])


@many
@given(sizes, kernels, strides, st.sampled_from(["same", "valid"]), st.sampled_from(["floor", "ceil"]))
def test_same_and_valid_equal_keras(size, kernel, stride, padding, rounding):
    assume(padding == "same" or kernel <= size)
    assume(padding == "same" or rounding == "floor")
    found = output_size(size, kernel, stride, padding, rounding)
    for layer in (layers.Conv2D(1, kernel, stride, padding), layers.MaxPooling2D(kernel, stride, padding)):
        assert layer.compute_output_shape((None, size, size, 1))[1:3] == (found, found)


@many
@given(sizes, kernels, strides, zeros)
def test_ceil_counts_the_windows_it_takes_to_reach_the_end(size, kernel, stride, padding):
    assume(kernel <= size + 2 * padding)
    count, end = 1, kernel
    while end < size + 2 * padding:
        count, end = count + 1, end + stride
    assert output_size(size, kernel, stride, padding, "ceil") == count


def test_ceil_keeps_a_window_beyond_the_input():
    # As in the code of 2012; PyTorch's ceil_mode would give 3 and 2.
    assert output_size(6, 1, 2, rounding="ceil") == 4
    assert output_size(5, 2, 4, rounding="ceil") == 2
    assert output_size(5, 2, 5, 1, rounding="ceil") == 2


def test_numpy_integers_count_as_integers():
    found = output_size(np.int64(227), np.uint8(11), np.int8(4), np.int32(0))
    assert found == 55
    assert type(found) is int
    small = layer_table([Layer("conv", "conv", np.int8(100), np.int8(5), np.int8(2))], np.uint8(200), np.int8(3))
    assert small.loc["conv", "multiply_adds"] == 98 * 98 * 25 * 3 * 100


@pytest.mark.parametrize("wrong", [0, -3, 2.0, 2.5, True, np.True_, "3", None, [3], np.nan])
@pytest.mark.parametrize("name", ["size", "kernel", "stride"])
def test_sizes_are_positive_integers(name, wrong):
    with pytest.raises(ValueError, match=rf"^{name} must be a positive integer, got "):
        output_size(**{"size": 20, "kernel": 3, "stride": 2, name: wrong})


@pytest.mark.parametrize("wrong", [-1, 0.5, 2.0, True, "SAME", "full", None, (1, 1), np.ones(2)])
def test_unknown_padding(wrong):
    for call in (lambda: output_size(20, 3, 2, wrong), lambda: alexnet_layers(padding=wrong)):
        with pytest.raises(ValueError, match=r"^padding must be 'same', 'valid', 0 or a positive integer, got "):
            call()


@pytest.mark.parametrize("wrong", ["round", "up", None, True, 0, np.ones(2)])
def test_unknown_rounding(wrong):
    for call in (lambda: output_size(20, 3, 2, 0, wrong), lambda: alexnet_layers(rounding=wrong)):
        with pytest.raises(ValueError, match=r"^rounding must be 'floor' or 'ceil', got "):
            call()


@pytest.mark.parametrize("padding", [0, "valid"])
def test_kernel_larger_than_the_padded_input(padding):
    with pytest.raises(ValueError, match=r"^kernel must be at most the padded input's size, .* = 10, got 11$"):
        output_size(10, 11, 4, padding)
    assert output_size(10, 11, 4, 1) == 1
    assert output_size(10, 11, 4, "same") == 3


def test_table_of_one_tower():
    table = layer_table()
    assert list(table.output) == SHAPES
    assert table.input.iloc[0] == (227, 227, 3)
    assert list(table.input.iloc[1:8]) == SHAPES[:7]
    assert list(table.input.loc["fc6":]) == [(9216,), (4096,), (4096,)]
    assert dict(table.parameters[table.parameters > 0]) == {
        "conv1": 34_944,
        "conv2": 614_656,
        "conv3": 885_120,
        "conv4": 1_327_488,
        "conv5": 884_992,
        "fc6": 37_752_832,
        "fc7": 16_781_312,
        "fc8": 4_097_000,
    }
    assert table.parameters.sum() == 62_378_344
    assert table.multiply_adds.filter(like="conv").sum() == 1_076_634_144
    assert table.multiply_adds.filter(like="fc").sum() == 58_621_952
    assert table.multiply_adds.sum() == 1_135_256_096
    assert list(table.receptive_field) == [11, 19, 51, 67, 99, 131, 163, 195, 227, 227, 227]
    assert list(table.kernel) == [11, 3, 5, 3, 3, 3, 3, 3, "–", "–", "–"]


def test_table_of_two_towers():
    table = layer_table(alexnet_layers(towers=2))
    assert list(table.output) == SHAPES
    assert table.parameters.sum() == 60_965_224
    assert table.multiply_adds.sum() == 724_406_816


@pytest.mark.parametrize(("padding", "rounding"), [(2, "floor"), (0, "ceil")])
def test_the_other_conventions_change_the_image_alone(padding, rounding):
    table = layer_table(alexnet_layers(padding=padding, rounding=rounding), input_size=224)
    columns = ["kernel", "stride", "output", "parameters", "multiply_adds"]
    assert table[columns].equals(layer_table()[columns])
    assert table.input.iloc[0] == (224, 224, 3)


def assert_equal_to_keras(table, model):
    for name, row in table.iterrows():
        layer = model.get_layer(name)
        assert layer.output.shape[1:] == row.output
        assert layer.count_params() == row.parameters
        weights = layer.get_weights()
        # Each weight works once at every position of the output.
        work = np.prod(row.output[:2]) if len(row.output) == 3 else 1
        assert row.multiply_adds == (weights[0].size * work if weights else 0)
    assert table.parameters.sum() == model.count_params()


@pytest.mark.parametrize("towers", [1, 2])
def test_table_equals_the_keras_model(towers):
    """Of the smallest image and few classes: test_models.py compares those of the paper."""
    model = models.alexnet((67, 67, 3), num_classes=10, towers=towers, kernel_initializer="zeros")
    layers = alexnet_layers(towers)
    assert_equal_to_keras(layer_table([*layers[:-1], layers[-1]._replace(units=10)], 67), model)


def test_table_equals_the_keras_model_for_small_images():
    model = models.alexnet_cifar10(width=0.1, kernel_initializer="zeros")
    same = [layer if layer.kind == "dense" else layer._replace(padding="same") for layer in ALEXNET]
    narrow = [layer._replace(units=layer.units and model.get_layer(layer.name).output.shape[-1]) for layer in same]
    assert_equal_to_keras(layer_table(narrow, input_size=32), model)
    same[-1] = same[-1]._replace(units=10)
    assert layer_table(same, input_size=32).parameters.sum() == 21_622_154


@many
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(0, 2)), max_size=5))
def test_receptive_field_equals_the_pixels_found_by_walking_back(chain):
    table = layer_table([Layer(f"l{i}", "pool", None, k, s, p) for i, (k, s, p) in enumerate(chain)], 3000, 1)
    for length in range(1, len(chain) + 1):
        # Far from the border, so that no padding is in sight.
        first = last = table.output.iloc[length - 1][0] // 2
        for kernel, stride, padding in reversed(chain[:length]):
            first, last = first * stride - padding, last * stride - padding + kernel - 1
        assert table.receptive_field.iloc[length - 1] == last - first + 1


def test_receptive_field_is_at_most_the_image():
    chain = [Layer("a", "conv", 1, 9, 1, "same"), Layer("b", "conv", 1, 9, 1, "same")]
    assert list(layer_table(chain, input_size=10).receptive_field) == [9, 10]


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ([Layer("conv9", "conv", 8, 9)], "conv9: kernel must be at most the padded input's size, .* got 9"),
        ([Layer("pool9", "pool", None, 3, 0)], "pool9: stride must be a positive integer, got 0"),
        ([Layer("conv9", "conv", 8, 3, 1, "full")], "conv9: padding must be 'same', 'valid', .* got 'full'"),
        ([Layer("conv9", "conv", 8, 3, rounding="up")], "conv9: rounding must be 'floor' or 'ceil', got 'up'"),
        ([Layer("conv9", "conv", None, 3)], "conv9: units must be a positive integer, got None"),
        ([Layer("conv9", "conv", 8)], "conv9: kernel must be a positive integer, got None"),
        ([Layer("fc9", "dense", 0)], "fc9: units must be a positive integer, got 0"),
        ([Layer("conv9", "conv", 8, 3, groups=2)], "conv9: groups must be a divisor of its 3 channels and 8 .* got 2"),
        ([Layer("conv9", "conv", 8, 3, groups=3)], "conv9: groups must be a divisor .* got 3"),
        ([Layer("conv9", "conv", 8, 3, groups=0)], "conv9: groups must be a positive integer, got 0"),
        ([Layer("conv9", "conv", 8, 3, groups=True)], "conv9: groups must be a positive integer, got True"),
        ([Layer("fc9", "dense", 8), Layer("conv9", "conv", 8, 1)], "conv9: kind must be 'dense' after a dense layer"),
        ([Layer("flat", "flatten")], "flat: kind must be 'conv', 'pool' or 'dense', got 'flatten'"),
        # What a layer of this kind would drop without a word.
        ([Layer("pool9", "pool", 8, 3)], "pool9: units of a 'pool' layer must be None, got 8"),
        ([Layer("pool9", "pool", None, 3, groups=2)], "pool9: groups of a 'pool' layer must be 1, got 2"),
        ([Layer("fc9", "dense", 8, kernel=3)], "fc9: kernel of a 'dense' layer must be None, got 3"),
        ([Layer("fc9", "dense", 8, stride=2)], "fc9: stride of a 'dense' layer must be 1, got 2"),
        ([Layer("fc9", "dense", 8, padding=2)], "fc9: padding of a 'dense' layer must be 0, got 2"),
        ([Layer("fc9", "dense", 8, padding="same")], "fc9: padding of a 'dense' layer must be 0, got 'same'"),
        ([Layer("fc9", "dense", 8, rounding="ceil")], "fc9: rounding of a 'dense' layer must be 'floor', got 'ceil'"),
        ([Layer(9, "dense", 8)], "the name of a layer must be a text, got 9"),
        ([Layer("", "dense", 8)], "the name of a layer must be a text, got ''"),
        ([Layer("fc9", "dense", 8)] * 2, "layers must have different names, got 'fc9' twice"),
        (["conv1"], "layers must be a list of geometry.Layer, got 'conv1' as one of them"),
        ("conv1", "layers must be a list of geometry.Layer, got 'conv1'"),
        (Layer("fc9", "dense", 8), r"layers must be a list of geometry.Layer, got Layer\("),
        (None, "layers must be a list of geometry.Layer, got None"),
    ],
)
def test_bad_layers_are_named(chain, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        layer_table(chain, input_size=8)


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True, None])
def test_bad_arguments_of_the_tables(wrong):
    with pytest.raises(ValueError, match=r"^input_size must be a positive integer, got "):
        layer_table(input_size=wrong)
    with pytest.raises(ValueError, match=r"^channels must be a positive integer, got "):
        layer_table(channels=wrong)
    with pytest.raises(ValueError, match=r"^towers must be 1 or 2, got "):
        alexnet_layers(towers=wrong)


def test_a_kind_that_nothing_measures_is_not_taken_for_a_convolution(monkeypatch):
    monkeypatch.setitem(geometry._USED, "average", ("kernel", "stride"))
    with pytest.raises(ValueError, match=r"^avg: kind must be 'conv', 'pool' or 'dense', got 'average'"):
        layer_table([Layer("avg", "average", kernel=3, stride=2)], input_size=8)
