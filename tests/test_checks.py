"""checks: what fits comes back in its usual form, what does not is refused in one form of words."""

import math

import numpy as np
import pytest

from alexnet_helpers import checks


@pytest.mark.parametrize("value", [1, np.int64(1), np.uint8(1)])
def test_integers_come_back_as_int(value):
    found = checks.integer("n", value)
    assert (found, type(found)) == (1, int)


@pytest.mark.parametrize("value", [0, -1, 1.0, "1", True, np.True_, None, math.nan, [1], np.array([1]), 1j])
def test_what_is_no_positive_integer_is_refused(value):
    with pytest.raises(ValueError, match=r"^n must be a positive integer, got "):
        checks.integer("n", value)


@pytest.mark.parametrize(
    ("limits", "needed"),
    [
        ({"lowest": 0}, "an integer, 0 or more"),
        ({"lowest": 2}, "an integer, 2 or more"),
        ({"lowest": 0, "highest": 9}, "an integer from 0 to 9"),
    ],
)
def test_the_limits_of_an_integer_are_named(limits, needed):
    for value in (-1, *([10] if "highest" in limits else [])):
        with pytest.raises(ValueError, match=rf"^n must be {needed}, got {value}$"):
            checks.integer("n", value, **limits)
    assert checks.integer("n", limits["lowest"], **limits) == limits["lowest"]


@pytest.mark.parametrize(
    ("limits", "inside", "outside", "needed"),
    [
        ({"above": 0}, 1e-9, 0, "a positive number"),
        ({"lowest": 0}, 0, -1e-9, "a number, 0 or more"),
        ({"lowest": 0, "below": 1}, 0, 1, "a number from 0 to less than 1"),
        ({"lowest": 0.02, "highest": 4}, 4, 4.1, "a number from 0.02 to 4"),
        ({"above": 0, "highest": 1}, 1, 0, "a number above 0 to 1"),
        ({"highest": 1}, -5, 2, "a number up to 1"),
        ({"below": 1}, -5, 1, "a number below 1"),
        ({"above": 2}, 3, 2, "a number above 2"),
        ({}, -1e300, math.inf, "a finite number"),
    ],
)
def test_numbers_keep_within_their_limits(limits, inside, outside, needed):
    found = checks.number("x", np.float64(inside), **limits)
    assert (found, type(found)) == (inside, float)
    for value in (outside, math.nan, -math.inf, "1", True, None, [1.0], 1j, 10**400):
        with pytest.raises(ValueError, match=rf"^x must be {needed}, got "):
            checks.number("x", value, **limits)


def test_a_flag_is_true_or_false():
    assert checks.flag("mixed", np.True_) is True
    for value in (0, 1, "False", None, [], np.array([True])):
        with pytest.raises(ValueError, match=r"^mixed must be True or False, got "):
            checks.flag("mixed", value)


def test_a_choice_is_one_of_the_values_allowed_and_of_their_kind():
    assert checks.choice("towers", np.int64(2), (1, 2)) == 2
    for value in (3, True, "1", 1.0, None, [1], {}):
        with pytest.raises(ValueError, match=r"^towers must be 1 or 2, got "):
            checks.choice("towers", value, (1, 2))


def test_one_name_where_several_are_meant_is_refused():
    assert checks.names("without", ["fc6"], ("fc6", "fc7")) == ("fc6",)
    for value in ("fc6", ["fc9"], [6], None, {"fc6": 1}):
        with pytest.raises(ValueError, match=r"^without must be a list of names out of fc6, fc7, got "):
            checks.names("without", value, ("fc6", "fc7"))


def test_texts_paths_generators_and_functions(tmp_path):
    assert checks.text("alt", "a cat") == "a cat"
    assert checks.path("file", str(tmp_path)) == tmp_path
    rng = np.random.default_rng(0)
    assert checks.generator("rng", rng) is rng
    assert checks.function("draw", len) is len
    for check, value in (
        (checks.text, " "),
        (checks.text, 3),
        (checks.path, 3),
        (checks.path, ""),
        (checks.path, "a\0b"),
        (checks.path, "~no-such-account/x"),
        (checks.generator, 0),
        (checks.generator, np.random.RandomState(0)),
        (checks.function, 3),
    ):
        with pytest.raises(ValueError, match=r"^it must be .*, got "):
            check("it", value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_keep_their_floating_point_type(dtype):
    x = np.ones((2, 3), dtype)
    assert checks.array("x", x) is x
    assert checks.array("x", [[1, 2]], axes=("N", "inputs")).dtype.kind == "f"


@pytest.mark.parametrize(
    "value",
    [[[1], [1, 2]], "text", None, [], 1j, np.ma.masked_array([[1.0]], [[True]]), np.ones(3), object(), ["a"], {"a": 1}],
)
def test_what_is_no_array_of_that_form_is_refused(value):
    with pytest.raises(ValueError, match=r"^x must be an array of numbers with the axes N x inputs, got "):
        checks.array("x", value, axes=("N", "inputs"))


@pytest.mark.parametrize(
    ("labels", "got"),
    [
        (np.zeros((3, 1), int), r"shape \(3, 1\) and dtype int64. Use y.ravel\(\)"),
        (np.eye(3), r"argmax\(axis=1\)"),
        ([0, 1, 10], "int64 from 0 to 10"),
        ([0, 1, 2.0], "float64 from 0 to 2"),
        ([0, 1], r"shape \(2,\)"),
        (3, "3"),
        ([True, False, True], "dtype bool"),
    ],
)
def test_labels_are_integers_along_one_axis(labels, got):
    np.testing.assert_array_equal(checks.integers("y", [0, 9, 1], 0, 9, length=3), [0, 9, 1])
    with pytest.raises(ValueError, match=rf"^y must be 3 integers from 0 to 9 along one axis, got .*{got}"):
        checks.integers("y", labels, 0, 9, length=3)


@pytest.mark.parametrize(
    ("images", "got"),
    [
        (np.zeros((2, 8, 8, 3), np.float32), "float32. The network scales the pixels itself"),
        (np.zeros((2, 8, 8, 3), np.int16), "int16"),
        (np.zeros((2, 8, 8), np.uint8), r"\(2, 8, 8\)"),
        (np.zeros((2, 3, 8, 8), np.uint8), r"\(2, 3, 8, 8\)"),
        (np.zeros((0, 8, 8, 3), np.uint8), r"\(0, 8, 8, 3\)"),
        ("images", "'images'"),
        (None, "None"),
    ],
)
def test_images_are_uint8(images, got):
    x = np.zeros((2, 8, 8, 3), np.uint8)
    assert checks.pixels("x", x) is x
    with pytest.raises(ValueError, match=rf"^x must be uint8 images N x height x width x 3 .*, got .*{got}"):
        checks.pixels("x", images)
    with pytest.raises(ValueError, match=r"^x must be uint8 images N x 32 x 32 x 3 "):
        checks.pixels("x", x, shape=(32, 32, 3))


def test_values_are_described_in_one_short_line_without_an_address():
    for value in (object(), np.ones((50, 50)), "x" * 1000, list(range(1000)), "two\nlines", lambda: None, int, {1: 2}):
        text = checks.describe(value)
        assert "0x" not in text
        assert "\n" not in text
        assert 0 < len(text) < 120
    assert checks.describe(np.int64(3)) == "3"


def test_a_value_that_cannot_be_shown_is_described_by_its_type():
    class Odd:
        def __repr__(self):
            raise RuntimeError("no")

    assert checks.describe(Odd()) == "a Odd"


def test_several_texts_are_not_one():
    assert checks.texts("mirrors", ["a", "b"]) == checks.texts("mirrors", ("a", "b")) == ("a", "b")
    assert checks.texts("mirrors", ()) == ()
    for value in ("http://a", b"a", None, 5, iter("ab"), [None], ["a", " "], [["a"]]):
        with pytest.raises(ValueError, match=r"^mirrors must be a list of texts, got "):
            checks.texts("mirrors", value)
    with pytest.raises(ValueError, match=r"^mirrors must be a list of addresses, got 'http://a'$"):
        checks.texts("mirrors", "http://a", "a list of addresses")


def test_the_class_of_arrays_is_not_an_array():
    for check in (checks.integer, checks.number, checks.array, checks.flag):
        with pytest.raises(ValueError, match=r"^x must be .*, got the class ndarray"):
            check("x", np.ndarray)


def test_an_object_is_shown_without_its_address_also_as_an_array():
    assert checks.describe(np.array(object())) == "a object"
    assert checks.describe(np.array(None)) == "None"


@pytest.mark.parametrize(
    "name", ["tiny", "without conv3 or conv4", "weights from N(0, 0.01²)", "NA", "a.b", "console", "x" * 100]
)
def test_a_plain_file_name_comes_back(name):
    assert checks.file_name("name", name) == name


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "../up", "/abs", "a/b", "a\\b", "a\0b", "a\nb", "a:b", "a?", "a.", " a"]
)
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(ValueError, match=r"^name must be a plain file name, without separators, got "):
        checks.file_name("name", name)


@pytest.mark.parametrize("name", ["NUL", "nul.txt", "com1", "x" * 101, 3, None, ["a"]])
def test_a_name_that_windows_keeps_or_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match=r"^name must be a plain file name, without separators, got "):
        checks.file_name("name", name)
