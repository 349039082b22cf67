"""The table behind `bad_values.py`: a valid call of every public function, quick to make.

Beside each argument stands what it accepts: `whole(3)` is an integer from 1 on with 3 as its
valid value, for example. A record that is checked only by the function that takes it (a
`Layer`, a `Share`) is tried through that function. What would download, train or start
processes is stopped where its arguments have been checked, by `Reached`.
"""

import contextlib
import dataclasses
import io
import math
import numbers
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import numpy as np
from bad_values import (
    Argument,
    Fresh,
    Reached,
    a_file,
    a_folder,
    a_function,
    array,
    choice,
    draws,
    flag,
    is_flag,
    labels,
    layouts,
    pixels,
    real,
    some_names,
    whole,
    words,
)

RNG = np.random.default_rng(2012)
PROGRAMMER = ("name", "lowest", "highest", "above", "below", "allowed", "needed", "axes", "shape", "length")


@dataclasses.dataclass
class Entry:
    name: str
    call: object
    arguments: dict
    exempt: tuple


def of(module):
    """Return {name: Entry} for the public names of a module; extra entries have other names."""
    found = {}

    def add(name, call, /, exempt=(), **arguments):
        where = module.removeprefix("alexnet_helpers").lstrip(".")
        found[name] = Entry(f"{where}.{name}".lstrip("."), call, arguments, exempt)

    table = TABLES.get(module)
    if table is not None:
        table(add)
    return found


def stop(*arguments, **named):
    raise Reached


def is_huge(value):
    return type(value) is int and value == 10**30


def anything(value):
    return None


def images(n=4, side=8):
    return RNG.integers(0, 256, (n, side, side, 3)).astype(np.uint8)


def eighths(*shape):
    """Return numbers that float16 holds exactly."""
    return RNG.integers(-16, 16, shape).astype(np.float32) / 8


# The modules without Keras


def of_package(add):
    import alexnet_helpers

    add("load_keras", lambda: alexnet_helpers.load_keras().__name__)


def of_checks(add):
    from alexnet_helpers import checks

    def about(function, *arguments, **named):
        return lambda value: function("value", value, *arguments, **named)

    two = np.array([[0.5, 1], [2, 4]], np.float32)
    add("integer", about(checks.integer), PROGRAMMER, value=whole(3))
    add("number", about(checks.number), PROGRAMMER, value=real(0.5))
    add("flag", about(checks.flag), PROGRAMMER, value=flag(True))
    add("choice", about(checks.choice, ["a", "b"]), PROGRAMMER, value=choice("a", "a"))
    add("names", about(checks.names, ["a", "b"]), PROGRAMMER, value=some_names(["a"]))
    add("text", about(checks.text), PROGRAMMER, value=words("a"))
    path = a_folder("data").but(right=lambda value: accepts_path(value))
    add("path", about(checks.path), PROGRAMMER, value=path)
    add("generator", about(checks.generator), PROGRAMMER, value=draws())
    add("function", about(checks.function), PROGRAMMER, value=a_function(len))
    add("array", about(checks.array, "NC"), PROGRAMMER, value=matrix(two))
    some = labels([0, 1, 2], 3)
    add("integers", about(checks.integers, 0, 2, 3), PROGRAMMER, value=some)
    add("pixels", about(checks.pixels, (8, 8, 3)), PROGRAMMER, value=pixels(images()))
    add("texts", about(checks.texts), PROGRAMMER, value=a_few_texts())
    name = words("modern").but(right=is_file_name)
    name.wrong |= {"a way out": "../../up", "absolute": "/abs", "on Windows": "a\\b", "a device": "CON"}
    add("file_name", about(checks.file_name), PROGRAMMER, value=name)
    add("as_array", about(checks.as_array, "an array"), PROGRAMMER, value=Argument(two, becomes_an_array))
    add("message_of", lambda: checks.message_of(KeyError()), ("error",))
    add("describe", checks.describe, value=Argument(1, lambda value: True))
    add("refuse", lambda: 1, ("name", "needed", "value"))


def becomes_an_array(value):
    if isinstance(value, np.ma.MaskedArray):
        return False
    try:
        np.asarray(value)
    except Exception:  # of a ragged list or a hostile object
        return False
    return True


def matrix(two):
    argument = array(two).but(shown={}, right=is_frame)
    del argument.wrong["with two more channels"]
    return argument


def a_few_texts():
    empty = lambda value: None if isinstance(value, (list, tuple)) and not value else False  # noqa: E731
    same = {"as a tuple": ("a", "b"), "as a list": ["a", "b"]}
    return Argument(["a", "b"], empty, same, {"a text alone": "a", "with a number": ["a", 1]})


def is_file_name(value):
    return isinstance(value, str) and value in ("3", "no such name")


def is_frame(value):
    return type(value).__name__ == "DataFrame"


def accepts_path(value):
    return isinstance(value, (str, Path)) and str(value) != "" and "\0" not in str(value)


def of_geometry(add):
    from alexnet_helpers import geometry

    padding = whole(1, 0).but(wrong={"text": "full", "-2": -2, "a pair": (1, 1)})
    sizes = {"size": whole(30), "kernel": whole(5), "stride": whole(2)}
    rounding = choice("ceil")
    add("output_size", geometry.output_size, **sizes, padding=padding, rounding=rounding)
    add(
        "alexnet_layers",
        lambda **named: geometry.layer_table(geometry.alexnet_layers(**named), 224),
        towers=whole(2, 1, 2),
        padding=padding.but(valid=2, same={"np.int64": np.int64(2)}),
        rounding=choice("floor"),
    )
    layer = geometry.Layer("conv", "conv", 8, 3)
    layers = of_layers(geometry, layer)
    add("layer_table", geometry.layer_table, **layers)
    checked = of_layers(geometry, layer)["layers"]
    for later in ("too large a kernel", "conv after dense"):  # seen when it is measured
        del checked.wrong[later]
    add("check_layers", geometry.check_layers, layers=checked)
    add("kernel_shapes", geometry.kernel_shapes, **layers)
    add(
        "Layer",
        lambda **named: geometry.layer_table([geometry.Layer(**named)], 9, 4),
        name=words("conv"),
        kind=choice("conv"),
        units=whole(8),
        kernel=whole(3),
        stride=whole(2),
        padding=padding,
        groups=whole(2, 1, 4),
        rounding=choice("floor"),
    )


def of_layers(geometry, layer):
    same = {"as a list": [layer]}
    wrong = {
        "a layer alone": layer,
        "two of one name": (layer, layer),
        "names": ["conv1"],
        "plain tuples": [tuple(layer)],
        "no kernel": [layer._replace(kernel=None)],
        "kernel of nan": [layer._replace(kernel=float("nan"))],
        "stride of True": [layer._replace(stride=True)],
        "too large a kernel": [layer._replace(kernel=99)],
        "conv after dense": [geometry.Layer("fc", "dense", 2), layer],
    }
    given = Argument((layer,), is_empty, same, wrong, names=("kernel", "stride", "kind"))
    return {"layers": given, "input_size": whole(9), "channels": whole(3)}


def is_empty(value):
    """No layers, or no files: whether that is a network is up to the function."""
    if isinstance(value, (list, tuple, dict, np.ndarray)) and len(value) == 0:
        return None
    return False


def of_walk(add):
    from alexnet_helpers import walk

    side = whole(11, 3, 4096, odd=True)
    side.wrong |= {"even": 10, "1": 1}
    wave = {"angle": real(0.5), "wavelength": real(4.0, above=0), "phase": real(1.5)}
    add("gabor", walk.gabor, **wave, size=side)
    add("photo_tensor", walk.photo_tensor)
    add("filter_bank", walk.filter_bank)
    add("layer_weights", walk.layer_weights, name=choice("conv1"))
    add("tensor_after", walk.tensor_after, name=choice("conv1"))


def of_numpy_layers(add):
    from alexnet_helpers import numpy_layers as nl

    x, weights, bias = eighths(2, 6, 5, 4), eighths(3, 3, 2, 4), eighths(4)
    padding = whole(1, 0).but(right=lambda value: None if type(value) is int and value == 0 else False)
    steps = {"stride": whole(2), "padding": padding, "groups": whole(2, 1, 4)}
    partners = {"names": ("weights", "bias", "dy")}  # whose shape no longer fits
    steps["stride"].names = ("dy",)
    steps["padding"].names = ("dy",)
    convolution = {"x": array(x).but(**partners), "weights": array(weights).but(**partners), **steps}
    dy = array(eighths(2, 3, 3, 4))
    add("conv2d", nl.conv2d, **convolution, bias=array(bias).or_none())
    add("conv2d_gradients", nl.conv2d_gradients, dy=dy, **convolution)
    maps = array(x)
    del maps.wrong["with two more channels"]
    pool = {"x": maps, "size": whole(3), "stride": whole(2).but(names=("dy",))}
    add("max_pool2d", nl.max_pool2d, **pool)
    pooled = array(nl.max_pool2d(x))
    # A NaN is the largest of its window; the gradient goes to it.
    gradient = nl.max_pool2d_gradient
    add("max_pool2d_gradient", gradient, dy=pooled, **pool | {"x": maps.but(shown={})})
    anywhere = array(eighths(3, 4), free=True)
    add("relu", nl.relu, x=anywhere.but(verify=is_relu))
    seen = array(eighths(3, 4))
    one = {"x": hidden_nan(array(eighths(3, 4))).but(names=("dy",)), "dy": seen}
    add("relu_gradient", nl.relu_gradient, **one)
    size = whole(3, odd=True)
    size.wrong |= {"even": 4}
    constants = {"k": real(2.0, above=0), "alpha": real(0.5, 0), "beta": real(0.75)}
    norm = {"x": maps, "size": size, **constants}
    add("local_response_norm", nl.local_response_norm, **norm)
    gradient = nl.local_response_norm_gradient
    add("local_response_norm_gradient", gradient, dy=array(x / 2), **norm)
    of_dense_layers(add, nl)
    of_losses(add, nl)
    of_network(add, nl)


def hidden_nan(argument):
    """A gradient may leave no trace of an infinite input: relu'(inf) is 1."""
    return argument.but(shown={})


def is_relu(value, result):
    return np.allclose(result, np.maximum(np.asarray(value, float), 0), equal_nan=True)


def of_dense_layers(add, nl):
    x, weights = eighths(3, 4), eighths(4, 3)
    partners = {"names": ("weights", "bias", "dy")}
    dense = {"x": array(x).but(**partners), "weights": array(weights).but(**partners)}
    add("dense", nl.dense, **dense, bias=array(eighths(3)).or_none())
    add("dense_gradients", nl.dense_gradients, dy=array(eighths(3, 3)), **dense)
    rate = real(0.5, 0, below=1)
    anywhere = array(np.abs(eighths(3, 4)) + 1, free=True)
    add("dropout", nl.dropout, x=hidden_nan(anywhere), rate=rate, rng=draws())
    mask = np.array([[True, False, True], [True, True, False]])
    same = {"as a list": mask.tolist(), "columns first": np.asfortranarray(mask)}
    wrong = {
        "halves": mask / 2,
        "texts": mask.astype(str),
        "another shape": mask[0],
        "masked": np.ma.masked_array(mask, mask),
        "values": mask * 7,
    }
    drawn = Argument(mask, lambda value: False, same, wrong, names=("dy",))
    add("dropout_gradient", nl.dropout_gradient, dy=array(eighths(2, 3)), mask=drawn, rate=rate)


def of_losses(add, nl):
    scores = eighths(3, 4)
    add("softmax", nl.softmax, z=array(scores, free=True).but(verify=is_softmax))
    share = nl.softmax(scores)
    chances = array(share).but(shown={})
    chances.wrong |= {
        "scores": scores,
        "percent": share * 100,
        "rows of 0.5": share / 2,
        "negative": share * [1, 1, 1, -1],
        "a NaN": np.where(share == share[0, 0], np.nan, share),
        "an inf": np.where(share == share[0, 0], np.inf, share),
    }
    truth = labels([0, 3, 1], 4)
    add("cross_entropy", nl.cross_entropy, probabilities=chances, labels=truth)
    gradient = nl.softmax_cross_entropy_gradient
    add("softmax_cross_entropy_gradient", gradient, probabilities=chances, labels=truth)


def is_softmax(value, result):
    sums = np.asarray(result).sum(axis=-1)
    return np.allclose(sums[np.isfinite(sums)], 1)


def of_network(add, nl):
    """A network of few filters on the smallest image."""
    from alexnet_helpers import geometry

    shapes = {
        "conv1": (11, 11, 3, 2),
        "conv2": (5, 5, 2, 2),
        "conv3": (3, 3, 2, 2),
        "conv4": (3, 3, 2, 2),
        "conv5": (3, 3, 2, 2),
        "fc6": (2, 3),
        "fc7": (3, 3),
        "fc8": (3, 4),
    }
    weights = {name: (eighths(*shape) / 4, eighths(shape[-1])) for name, shape in shapes.items()}
    kernel, bias = weights["conv1"]
    wrong = {
        "without conv2": {name: value for name, value in weights.items() if name != "conv2"},
        "kernels alone": {name: value[0] for name, value in weights.items()},
        "pairs reversed": {name: value[::-1] for name, value in weights.items()},
        "kernels of None": {name: (None, value[1]) for name, value in weights.items()},
        "one masked": weights | {"conv1": (np.ma.masked_array(kernel, kernel > 0), bias)},
    }
    given = Argument(weights, lambda value: False, {}, wrong)
    x = array(eighths(1, 67, 67, 3)).but(names=("weights",))
    del x.same["as a list"]
    layers = Argument(geometry.ALEXNET, lambda value: False, {"as a list": [*geometry.ALEXNET]})
    network = {"layers": layers, "local_response_norm": a_normalization(False)}
    add("steps", lambda **named: dict(nl.steps(**named)), x=x, weights=given, **network)
    add("step_kinds", nl.step_kinds, **network)
    add("check_normalization", nl.check_normalization, local_response_norm=network["local_response_norm"])


def a_normalization(valid):
    """Describe whether there is local response normalization, or a dict with its constants."""
    wrong = {"no constants": {}, "unknown": {"gamma": 1.0}, "k of 0": {"k": 0}, "an even size": {"size": 4}}
    wrong |= {"towers of a half": {"towers": 0.5}, "a list": ["k"]}
    argument = flag(valid)
    return argument.but(wrong=argument.wrong | wrong, names=("k", "size", "towers"))


def of_imagenet(add):
    from alexnet_helpers import imagenet

    photos = pixels(images(2, side=12), free=True)
    del photos.wrong["one image"]
    add("preprocess", imagenet.preprocess, photo=photos.but(names=("photo",)), size=whole(8, 1, 256))
    probabilities = array(RNG.permutation(2000).reshape(2, 1000) / 4096)
    add("decode", imagenet.decode, probabilities=probabilities, top=whole(3, 1, 1000))
    add("class_names", imagenet.class_names)
    add("stand_in", lambda: imagenet.stand_in()["conv1"])
    add("Guess", lambda: 1, imagenet.Guess._fields)  # a record
    mirrors = Argument(("http://127.0.0.1/a",), is_empty, {"as a list": ["http://127.0.0.1/a"]})
    mirrors.wrong |= {"an address alone": "http://127.0.0.1/a", "numbers": [1, 2]}
    limits = {"slowest": real(200_000.0, 0), "patience": real(10.0, above=0)}
    arguments = {"download": flag(False), "mirrors": mirrors, **limits}
    add("find_weights", imagenet.find_weights, **arguments)

    def load(**named):
        with mock.patch.object(imagenet, "stand_in", lambda: "the stand-in"):
            return imagenet.load_weights(**named)

    add("load_weights", load, **arguments)

    def main(arguments):
        said = io.StringIO()
        try:
            stops, nothing = mock.patch.object(imagenet, "find_weights", stop), mock.patch.object(sys, "argv", ["it"])
            with stops, nothing, redirect_stderr(said):
                imagenet.main(arguments)
        except SystemExit as end:
            if end.code:
                raise ValueError(said.getvalue().strip()) from None

    wrong = {"an option that there is not": ["--seed", "1"], "no photo": ["nowhere.png"], "two": ["a", "b"]}
    add("main", main, arguments=Argument([], is_no_word, wrong=wrong, names=("file", "usage")))


def of_bvlc_alexnet(add):
    from alexnet_helpers import bvlc_alexnet

    add("stand_in", lambda: bvlc_alexnet.stand_in()["conv1"])
    add("Weights", lambda: 1, ("arrays", "is_real", "source"))  # a dict


def of_onnx_weights(add):
    from alexnet_helpers import onnx_weights

    def read(**named):
        with mock.patch.object(onnx_weights, "need_onnx", stop):
            onnx_weights.read_onnx(**named)

    Path("network.onnx").write_bytes(b"no network")
    sha256 = words("0" * 64).but(right=lambda value: value is None)
    sha256.wrong |= {"63 digits": "0" * 63, "no digits": "x" * 64}
    add("read_onnx", read, file=a_file(Path("network.onnx").absolute()), sha256=sha256)


def is_no_word(value):
    """None and no words at all are no arguments."""
    return value is None or (isinstance(value, (list, tuple, set)) and not value) or False


def of_explorer(add):
    from alexnet_helpers import explorer

    def show_explorer(height):
        with mock.patch.object(explorer, "display"), mock.patch.object(explorer, "_escaped_page", lambda: ""):
            return explorer.show_explorer(height)

    add("show_explorer", show_explorer, height=whole(900, lowest=200, highest=5000))


def of_plotting(add):
    import matplotlib.pyplot as plt

    from alexnet_helpers import plotting

    add("set_style", plotting.set_style)

    def show(figure, alt):
        with mock.patch.object(plotting.style, "display"):
            return plotting.show(figure, alt)

    figure = Argument(Fresh(lambda: plt.figure(figsize=(1, 1))), lambda value: False)
    add("show", show, figure=figure, alt=words("what it shows"))

    def explore(draw, **sliders):
        with mock.patch.object(plotting.sliders, "display"):
            return plotting.explore(draw, **sliders)

    add("explore", explore, **of_sliders(plt))
    of_architecture(add, plotting)
    of_grids(add, plotting)
    of_curves(add, plotting)


def of_sliders(plt):
    def draw(kernel, rounding):
        return plt.figure(figsize=(1, 1))

    def odd(kernel, rounding):
        plt.figure(figsize=(1, 1))
        raise TypeError("an error of the learner's own in draw")

    def choices(value):
        return None if isinstance(value, (list, tuple)) and value == [None] else False

    wrong = {
        "three numbers": (1, 9, 2),
        "texts": ("1", "9", "2", "3"),
        "start outside": (1, 9, 2, 11),
        "limits reversed": (9, 1, 2, 3),
        "step of 0": (1, 9, 0, 3),
        "negative step": (1, 9, -2, 3),
        "NaN": (0.0, float("nan"), 0.1, 0.5),
        "None": (0, 1, None, 0),
        "no choices": [],
    }
    slider = Argument((1, 9, 2, 3), choices, {"np.int64": tuple(np.int64([1, 9, 2, 3]))}, wrong)
    draws_figure = Argument(draw, lambda value: False, wrong={"no figure": lambda **named: 3})
    draws_figure.wrong |= {"raises": odd, "other arguments": lambda size: draw(1, 2)}
    return {
        "draw": draws_figure,
        "kernel": slider,
        "rounding": slider.but(valid=["floor", "ceil"], same={}),
    }


def of_architecture(add, plotting):
    from alexnet_helpers import geometry

    layer = geometry.Layer("conv", "conv", 8, 3)
    face = np.zeros((4, 4))
    wrong = {
        "an unknown block": {"conv9": face},
        "a text as face": {"conv": "photo.png"},
        "four axes": {"conv": np.zeros((1, 4, 4, 3))},
        "NaN": {"conv": np.full((4, 4), np.nan)},
        "complex": {"conv": face + 1j},
        "masked": {"conv": np.ma.masked_equal(face, 0)},
        "no pixels": {"conv": np.zeros((0, 4))},
        "None as face": {"conv": None},
        "faces alone": [face],
        "photo above 255": {"image": np.full((4, 4, 3), 300)},
    }
    same = {"as a list": {"conv": face.tolist()}}
    faces = Argument({"conv": face}, is_empty_dict, same, wrong, names=("face",))
    layers = of_layers(geometry, layer)
    layers["layers"] = layers["layers"].but(right=lambda value: False)
    layers["layers"].wrong |= {"three groups": [layer._replace(units=9, groups=3)]}
    add("plot_architecture", plotting.plot_architecture, **layers, faces=faces.or_none())


def len_of(value):
    """Count the titles; those that are numbers, or columns' names, may be written as texts."""
    if type(value).__name__ in ("generator", "DataFrame"):
        return 2
    return len(value) if isinstance(value, (list, np.ndarray)) and len(value) < 9 else None


def is_empty_dict(value):
    return isinstance(value, dict) and not value


def titles(valid):
    wrong = {
        "too few": valid[:-1],
        "too many": [*valid, "x"],
        "a text alone": "ab",
        "numbers of the wrong count": [1],
    }
    same = {"as an array": np.array(valid), "as a tuple": tuple(valid)}
    return Argument(
        valid,
        lambda value: True if value is None else None if len_of(value) == 2 else False,
        same,
        wrong,
    )


def caption():
    return words("a title").but(right=optional_text).or_none()


def optional_text(value):
    """An empty text may be refused as well."""
    return None if isinstance(value, str) and "\0" not in value and not value else usual_text(value)


def usual_text(value):
    return words("a").right(value)


def of_grids(add, plotting):
    counts = {"two of them": [0, 1], "as a tuple": (0, 1), "as an array": np.array([0, 1])}
    beyond = {
        "beyond the last": [2],
        "-1": [-1],
        "Booleans": [True, False],
        "floats": [0.0, 1.0],
        "a text": "01",
        "none": [],
        "texts": ["0", "1"],
    }
    many = Argument(2, several, counts, beyond, names=("titles",))
    row = whole(2, 1, 16)
    kernels = array(eighths(3, 3, 2, 2))
    del kernels.wrong["with two more channels"]  # more filters
    add(
        "plot_filters",
        plotting.plot_filters,
        weights=kernels,
        filters=many.or_none(),
        columns=row,
        titles=titles(["a", "b"]),
        title=caption(),
        channel=whole(1, 0, 1),
    )
    pictures = array(np.abs(eighths(2, 4, 4, 3)) / 2).but(shown={})
    pictures.wrong |= {
        "from -1": eighths(2, 4, 4, 3) / 2 - 0.5,
        "up to 255 as floats": np.full((2, 4, 4, 3), 255.0),
        "int16": np.full((2, 4, 4, 3), 200, np.int16),
        "a NaN": np.full((2, 4, 4, 3), np.nan),
    }
    add(
        "plot_images",
        plotting.plot_images,
        images=pictures,
        titles=titles(["a", "b"]),
        columns=row,
        title=caption(),
    )


def several(value):
    """A number of maps, or the numbers of the maps: of the usual values, these."""
    if isinstance(value, (int, np.integer)) and not is_flag(value):
        return None if value > 2 else value > 0
    return None if isinstance(value, set) and value == {1} else False


def of_curves(add, plotting):
    import pandas as pd

    run = {"recipe": "a", "seed": 0, "epoch": [1, 2], "loss": [2.0, 1.0], "accuracy": [0.1, 0.2]}
    curves = pd.DataFrame(run)
    wrong = {
        "no rows": curves[:0],
        "without seed": curves.drop(columns="seed"),
        "as a dict": run,
        "the file's name": "modern_half",
        "texts as losses": curves.assign(loss="low"),
    }
    given = Argument(curves, lambda value: False, {}, wrong)
    columns = some_names(["loss", "accuracy"], empty=False)
    add(
        "plot_training",
        plotting.plot_training,
        curves=given,
        metrics=columns.but(names=("curves",)),
        x=choice("epoch").but(names=("curves",)),
    )
    table = pd.DataFrame({"recipe": ["a", "a", "b"], "result": [0.5, 0.25, 0.75]})
    bad = {
        "no rows": table[:0],
        "NaN": table.assign(result=np.nan),
        "texts": table.assign(result="high"),
        "as a dict": table.to_dict(),
        "without the name": table.drop(columns="recipe"),
    }
    add(
        "plot_spread",
        plotting.plot_spread,
        table=Argument(table, lambda value: False, {}, bad, names=("value", "name")),
        value=choice("result").but(names=("table",)),
        name=choice("recipe").but(names=("table",)),
        reference=choice("a", "a").or_none(),
        label=words("accuracy").but(right=optional_text).or_none(),
    )


def make_photos():
    """Make a folder of photos of two classes, and return the path of one."""
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(images(1, 16)[0]).save(written, "PNG")
    for part in ("train", "val"):
        for name in ("cat", "dog"):
            Path("photos", part, name).mkdir(parents=True, exist_ok=True)
            for number in range(1, 8):
                Path("photos", part, name, f"{number}.png").write_bytes(written.getvalue())
    return Path("photos/train/cat/1.png").absolute()


def of_data(add):
    from alexnet_helpers import data

    photo = make_photos()
    content = photo.read_bytes()
    size = whole(8, 1, 4096)
    add("sample_photo", data.sample_photo, size=size)
    add("showable", data.showable, images=pixels(images(2), free=True), titles=a_few_texts())
    file = a_file(photo)
    file.same |= {"content": content, "bytearray": bytearray(content), "view": memoryview(content)}
    file.wrong |= {"cut": content[:40], "in a list": [photo], "no bytes": b""}
    add("read_photo", data.read_photo, file=file, size=size)
    add("ImageData", lambda: 1, data.ImageData._fields)  # a record: "a dataset in train" tries it
    mirrors = Argument(
        ("http://127.0.0.1/a", "http://127.0.0.1/b"),
        lambda value: None if isinstance(value, (list, tuple)) and not value else False,
        {"as a list": ["http://127.0.0.1/a"]},
        {"an address alone": "http://127.0.0.1/a", "numbers": [1, 2]},
    )
    sha256 = words("0" * 64).but(right=lambda value: False)
    sha256.wrong |= {"63 digits": "0" * 63, "no digits": "x" * 64}
    add(
        "load_cifar10",
        lambda **named: data.load_cifar10(**named).source,
        mirrors=mirrors,
        sha256=sha256,
        slowest=real(200_000.0, 0),
        patience=real(10.0, above=0),
    )


def of_exercises(add):
    from alexnet_helpers import exercises

    def check(name, answer):
        with redirect_stdout(io.StringIO()) as said:
            exercises.check(name, answer)
        return said.getvalue()

    never = lambda value, result: ": right." not in result  # noqa: E731
    answer = Argument(6, lambda value: None, {"np.int64": np.int64(6), "6.0": 6.0}, verify=never)
    answer.same |= {"float32": np.float32(6), "array": np.array([6])}
    add("check", judged(check), name=choice("01.2"), answer=answer)
    for name, (right, *_) in exercises.EXERCISES.items():
        add(f"check {name}", judged(check, name), **of_answer(right, never))

    def exercise(**named):
        with mock.patch.dict(exercises.EXERCISES):
            return exercises.exercise(**named)

    add(
        "exercise",
        exercise,
        name=words("99.1"),
        right=Argument(3, anything, names=("hints", "cases")),
        hints=Argument([(2, "Too small.")], anything),
        cases=Argument((), anything),
        wrong=Argument((), anything),
        judge=Argument(None, anything, names=("right",)),
        tolerance=real(0.5, above=0).or_none(),
        remark=words("Well done.", empty=True),
    )
    add("Exercise", lambda: 1, exercises.Exercise._fields)  # a record that only `exercise` makes

    def call(function):
        with contextlib.suppress(exercises.NotAnswered, exercises.Refused):
            exercises.call(function, 3)

    add("call", call, function=a_function(abs))


def of_answer(right, never):
    """An answer that raises nothing and is not taken for right."""
    if not callable(right) and np.ndim(right) == 0 and not isinstance(right, str):
        usual = lambda value, result: ": right." not in result or same_number(value, right)  # noqa: E731
        return {"answer": Argument(right, lambda value: None, verify=usual)}
    return {"answer": Argument(..., lambda value: None, verify=never)}


def same_number(value, right):
    try:
        return bool(value == right) and isinstance(value, (bool, np.bool_)) == isinstance(right, bool)
    except Exception:
        return False


def judged(check, name=None):
    """Call `check` so that an answer that makes it raise shows as an error of `check`."""
    if name is None:
        return check
    return lambda answer: check(name, answer)


# The modules with Keras


def tiny_model(side=8, classes=2, quick=False):
    from alexnet_helpers import load_keras

    keras = load_keras()
    keras.utils.set_random_seed(0)
    shape = (side, side, 3)
    parts = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(classes, "softmax")]

    class Quick(keras.Sequential):
        """Predicts without a graph, which takes longer to make than all calls here."""

        def predict(self, x, **named):
            return np.asarray(x, float).mean(axis=(1, 2))

    return (Quick if quick else keras.Sequential)(parts)


def a_model(valid):
    return Argument(valid, lambda value: False, wrong={"a layer": valid.layers[-1]})


def of_models(add):
    from alexnet_helpers import models

    keras = models.keras
    start = an_initializer("he_normal")
    sides = {
        "as a list": [67, 67, 3],
        "np.int64": tuple(np.int64([67, 67, 3])),
    }
    wrong = {
        "66 pixels": (66, 67, 3),
        "two numbers": (67, 67),
        "four numbers": (None, 67, 67, 3),
        "floats": (67.0, 67.0, 3.0),
        "Booleans": (67, 67, True),
        "no channels": (67, 67, 0),
        "a number": 67,
        "texts": ("67", "67", "3"),
    }
    add(
        "alexnet",
        unbuilt(models, keras),
        input_shape=Argument((67, 67, 3), lambda value: False, sides, wrong),
        num_classes=whole(7),
        towers=whole(2, 1, 2).or_none(),
        local_response_norm=a_normalization(True).or_none(),
        kernel_initializer=start,
        weights=Argument(None, lambda value: value is None, wrong={"kernels alone": {"conv1": [1]}}, names=ELSEWHERE),
    )
    of_cifar10_network(add, models)
    model = tiny_model()
    add("multiply_adds", models.multiply_adds, model=a_model(model))
    photos = pixels(images(4, side=32), free=True)
    add("whiten", models.whiten, model=a_model(model), images=photos)


ELSEWHERE = ("input_shape",)  # which weights need at its full size


def unbuilt(models, keras):
    """Build the large network's layers, without the weights."""

    def call(**named):
        with mock.patch.object(keras, "Sequential", lambda layers, name: layers[1:]):
            return [layer.get_config() for layer in models.alexnet(**named)]

    return call


def unbuilt_small(models):
    """Return the configurations of the layers, without the time to build them."""

    def call(**named):
        with mock.patch.object(models.keras, "Sequential", lambda layers, name: layers[1:]):
            return [layer.get_config() for layer in models.alexnet_cifar10(**named)]

    return call


def of_keras_layers(add):
    from alexnet_helpers import keras_layers

    x = eighths(1, 2, 2, 4)

    def normalize(**named):
        return keras_layers.ops.convert_to_numpy(keras_layers.LocalResponseNorm(**named)(x))

    size = whole(3, odd=True)
    size.wrong |= {"even": 4}
    constants = {"k": real(2.0, above=0), "alpha": real(0.5, 0), "beta": real(0.75)}
    add("LocalResponseNorm", normalize, size=size, **constants, towers=whole(2, 1, 4))
    # The arguments of these are those of Keras' own layer.
    add("GroupedConv2D", lambda: keras_layers.GroupedConv2D(4, 3, groups=2).filters)
    add("WhitenedConv2D", lambda: keras_layers.WhitenedConv2D(4, 3).filters)
    add("check_model", lambda model: keras_layers.check_model(model).name, model=a_model(tiny_model()))


def of_variants(add):
    from alexnet_helpers import variants

    add("check_network", variants.check_network, **a_cifar10_network())
    start = an_initializer("he_normal").but(names=("kernel_initializer",))
    add("check_initializer", variants.check_initializer, value=start)


def a_cifar10_network():
    return {
        "variant": choice("paper").or_none(),
        "width": real(0.03125, 0.02, 4).or_none().but(right=of_width),
        "num_classes": whole(3).or_none(),
        "kernel_initializer": an_initializer("he_normal").or_none(),
        "centred_input": flag(True).or_none(),
        "batch_norm": flag(False).or_none(),
        **ingredients(),
    }


def of_cifar10_network(add, models):
    weights = Argument(None, lambda value: value is None, wrong={"in a list": ["cifar10"]})
    add("alexnet_cifar10", unbuilt_small(models), **a_cifar10_network(), weights=weights)
    stored = {"variant": "modern", "weights": "modern_half"}
    weights = choice("modern_half").but(right=lambda value: value is None)
    weights.wrong["a folder"] = "."
    add(
        "alexnet_cifar10 with stored weights",
        lambda **named: models.alexnet_cifar10(**stored | named).count_params(),
        weights=weights.but(valid="modern_half"),
        num_classes=whole(10).but(right=lambda value: value is None, same={}),
        width=real(0.25, 0.02, 4).but(valid=None, same={}, right=lambda value: None if value is None else False),
    )


def an_initializer(valid):
    """What Keras looks up by name; it takes functions as well."""
    right = lambda value: None if callable(value) else False  # noqa: E731
    return choice(valid).but(same={}, right=right)


def of_width(value):
    return value is None or (isinstance(value, float) and value == 1.5)


def ingredients():
    stem = Argument(
        (5, 2),
        lambda value: value is None,
        {"as a list": [5, 2], "np.int64": tuple(np.int64([5, 2]))},
        {
            "a number": 11,
            "one number": (11,),
            "four": (5, 2, 9, 9),
            "floats": (5.0, 2.0),
            "0": (0, 1),
            "True": (5, True),
        },
    )
    return {
        "activation": an_initializer("tanh"),
        "pool": whole(2),
        "dropout": real(0.25, 0, below=1),
        "towers": whole(1, 1, 2),
        "stem": stem,
        "whitened": flag(False).but(right=false_or_refused),
        "local_response_norm": a_normalization(False).or_none(),
        "without": some_names(["conv3"]),
        "ones_in_biases": flag(False),
    }


def of_scale(add):
    from alexnet_helpers import scale

    of_folders(add, scale)
    alone = a_share(scale)
    devices = choice(1, 1).but(same={"all": "all", "np.int64": np.int64(1)})
    add("find_share", scale.find_share, devices=devices)

    def distribution(share):
        with scale.distribution(share):
            return 1

    def undistributed():
        with scale.undistributed():
            return 1

    add("distribution", distribution, share=alone)
    add("check_share", scale.check_share, share=alone)
    add("undistributed", undistributed)
    add("check_agreement", lambda share: scale.check_agreement(share, a=1), share=alone)
    add("Share", shared(scale), **of_share())
    part = lambda n: scale.Share(2, 2, 1).part(n)  # noqa: E731
    add("Share.part", part, n=whole(8, 0))

    def run_job(**named):
        with mock.patch.object(scale.processes.subprocess, "Popen", stop):
            return scale.run_job(**named)

    command = Argument(
        [sys.executable, "-c", "0"],
        lambda value: None if isinstance(value, (list, tuple)) else False,
        {"as a tuple": (sys.executable, "-c", "0")},
        {"a text": "python -c 0", "numbers": [1, 2], "none": []},
    )
    folder = a_folder(Path("logs").absolute())
    Path("logs").mkdir()
    add(
        "run_job",
        run_job,
        command=command,
        processes=whole(2).but(right=lambda value: None if is_huge(value) else False),
        log_folder=folder,
        first_appears=flag(True),
    )


def of_folders(add, scale):
    photo, size = make_photos(), whole(8, 1, 4096)
    folder = a_file(Path("photos").absolute())
    folder.wrong = {"a file": photo, "its name in a list": ["photos"], "empty": Path("empty")}
    Path("empty").mkdir()
    read = lambda **named: np.asarray(scale.load_image_folder(**named).x_train)  # noqa: E731
    add("load_image_folder", read, folder=folder, size=size)
    files = Argument(
        [photo, photo],
        is_empty,
        {"as texts": [str(photo)] * 2, "as a tuple": (photo, photo)},
        {"a path alone": str(photo), "numbers": [1], "no file": ["nowhere.png"]},
        names=("file",),
    )
    add("ImageFiles", lambda **named: np.asarray(scale.ImageFiles(**named)), files=files, size=size)


def of_optimizers(add):
    from alexnet_helpers import optimizers

    def settings(**named):
        return optimizers.Muon(**named).get_config()

    add(
        "Muon",
        settings,
        ("name",),
        learning_rate=real(0.125, above=0),
        momentum=real(0.5, 0, below=1),
        plain_momentum=real(0.75, 0, below=1),
        plain_rate=real(0.25, above=0),
        orthogonal=Argument(("fc6/kernel",), lambda value: None, wrong={"a name": "fc6/kernel", "a number": 3}),
    )


def a_share(scale):
    wrong = {"a number": 2, "a plain tuple": (1, 1, 0), "devices of 0": scale.Share(0)}
    wrong |= {"process 2 of 1": scale.Share(1, 1, 2)}
    return Argument(scale.ALONE, lambda value: False, wrong=wrong, names=("devices", "process"))


def shared(scale):
    """Take the share of a batch, which is where a `Share` is used."""
    from alexnet_helpers.batches import Batches

    def call(**named):
        batches = Batches(images(8), np.arange(8) % 2, 4, num_classes=2, share=scale.Share(**named))
        return batches[0][1]

    return call


def of_share():
    return {
        "devices": whole(2).but(names=("share",)),
        "processes": whole(2).but(names=("share",)),
        "process": whole(1, 0, 1).but(names=("share",)),
    }


def of_augmentation(add):
    from alexnet_helpers import augmentation

    given = {"images": pixels(images(side=16), free=True), "rng": draws()}
    add("shift", augmentation.shift, **given, pixels=whole(2, 0))
    add("flip", augmentation.flip, **given)
    add("erase", augmentation.erase, **given, side=whole(3, 0))
    add("erase_wide", augmentation.erase_wide, **given)
    turn = {"degrees": real(15.0, 0, 360), "fraction": real(0.125, 0, 1)}
    turn = {name: one.but(right=either_number) for name, one in turn.items()}
    add("rotate_and_shift", augmentation.rotate_and_shift, **given, **turn)
    add("shift_reflected", augmentation.shift_reflected, **given, pixels=whole(2, 0, 15))
    add("shift_reflected_wide", augmentation.shift_reflected_wide, **given)
    mirrored = Argument(np.array([True, False, True, False]), lambda value: False, wrong={"numbers": [1, 0, 1, 0]})
    add("check_augmentation", augmentation.check_augmentation, names=some_names(["shift", "flip"]))
    add("alternate_flip", augmentation.alternate_flip, images=given["images"], mirrored=mirrored)


def either_number(value):
    number = isinstance(value, numbers.Real) and not is_flag(value)
    return None if number and math.isfinite(value) else False


def tiny_recipe(**changes):
    from alexnet_helpers.recipes import Recipe

    return Recipe("tiny", "a small one", width=0.03125, batch_size=4, epochs=3, **changes)


def of_recipes(add):
    from alexnet_helpers.recipes import Recipe

    def recipe(**named):
        return list(vars(Recipe(**named)).values())

    schedule = {"schedule": "cosine", "optimizer": "adamw", "weight_decay": 0.5}

    def scheduled(**named):
        return Recipe("tiny", "a small one", **schedule | named)

    name = words("tiny")
    name.wrong |= {"a way out": "../../up", "absolute": "/abs"}
    width = real(0.03125, 0.02, 4).but(right=lambda value: value is not None and of_width(value))
    fields = {"variant": choice("tutorial"), "width": width}
    fields["width"].same.clear()
    add(
        "Recipe",
        recipe,
        name=name,
        summary=words("a small one", empty=True),
        **fields,
        kernel_initializer=an_initializer("glorot_uniform"),
        centred_input=flag(False),
        batch_norm=flag(False).but(valid=None, same={}).or_none(),
        optimizer=choice("adam"),
        learning_rate=real(0.0078125, above=0),
        schedule=choice("constant"),
        warmup_epochs=whole(0, 0).but(same={"np.int64": np.int64(0)}),
        weight_decay=real(0.0, 0).but(right=zero, wrong={"with adam": 0.5}),
        averaging=real(0.5, 0, below=1),
        nesterov=flag(False).but(right=false_or_refused),
        ingredients=Argument(Fresh(dict), is_empty_dict),
        label_smoothing=real(0.5, 0, below=1),
        augmentation=some_names(["shift", "flip"]),
        batch_size=whole(4),
        epochs=whole(3),
        refine_epochs=whole(0, 0).but(same={"np.int64": np.int64(0)}),
        refine_rate=real(0.0, 0).but(right=zero, wrong={"without refine_epochs": 0.5}),
        all_images=flag(True),
    )
    add(
        "Recipe with a schedule",
        scheduled,
        epochs=whole(50),
        warmup_epochs=whole(2, 0, 40),
        refine_epochs=whole(4, 1, 40),
        refine_rate=real(0.125, above=0),
        weight_decay=real(0.5, 0),
    )
    known = Argument("paper", lambda value: False, wrong={"a name": "no such", "the class": Recipe})
    add("find_recipe", lambda recipe: recipes_name(recipe), recipe=known)


def recipes_name(recipe):
    from alexnet_helpers.recipes import find_recipe

    return find_recipe(recipe).name


def false_or_refused(value):
    """For a flag that something else has to go with."""
    return None if is_flag(value) and value else is_flag(value)


def zero(value):
    return isinstance(value, (int, float, np.number)) and not is_flag(value) and value == 0


def of_schedules(add):
    from alexnet_helpers import schedules

    add(
        "Refined",
        lambda **named: float(schedules.Refined(**named)(np.float32(4.0))),
        main=real(0.5, above=0).but(right=anything, shown={}),
        main_steps=whole(3, 0).but(right=either_number),
        refine_rate=real(0.25, above=0).but(right=either_number),
        refine_steps=whole(5).but(right=either_number),
    )


def of_compilation(add):
    from alexnet_helpers import compilation
    from alexnet_helpers.recipes import Recipe

    recipe = tiny_recipe()
    wrong = {"a name": "no such", "a dict": dataclasses.asdict(recipe), "the class": Recipe}
    add(
        "compile_model",
        lambda **named: compilation.compile_model(**named),
        recipe=Argument(recipe, lambda value: False, wrong=wrong),
        steps_per_epoch=whole(5),
        num_classes=whole(4).but(right=lambda value: None if value is None or is_huge(value) else False),
        mixed=flag(False),
    )


def of_studies(add):
    from alexnet_helpers import studies

    dataset = a_dataset()

    def study(**named):
        """Run a study up to where its first network would be compiled; Keras' clean-up takes half a second."""
        with (
            mock.patch.object(studies, "compile_model", stop),
            mock.patch.object(studies.keras.utils, "clear_session"),
        ):
            return studies.study(**named)

    def call(**named):
        return study(name=studies.Study(**named), dataset=dataset, results_folder="studies")

    add("Study", call, **of_study())
    add(
        "study",
        study,
        name=choice("repair_study"),
        dataset=of_a_dataset(dataset),
        results_folder=a_folder(Path("runs").absolute()),
    )


def of_study():
    recipe = tiny_recipe()
    wrong = {"names": ["tutorial"], "a recipe alone": recipe}
    several = {"floats": (0.5,), "texts": ("0",), "negative": (-1,), "a number": 3, "True": (True,)}
    return {
        "name": words("a study").but(right=is_file_name),
        "recipes": Argument((recipe,), lambda value: False, {"as a list": [recipe]}, wrong),
        "seeds": Argument((0,), lambda value: False, {"as a list": [0], "np.int64": (np.int64(0),)}, several),
        "steps": whole(20).but(right=lambda value: None if is_huge(value) else False),
        "every": whole(10).but(right=lambda value: False, wrong={"7": 7, "40": 40}),
        "images": whole(10).or_none(),
        "validation_images": whole(2),
        "fixed": Argument({"tiny": ("conv1",)}, lambda value: value is None, wrong={"a layer alone": "conv1"}),
        "watched_images": whole(2, lowest=0),
        "other_batches": Argument({"tiny": 10}, lambda value: value is None, wrong={"a number alone": 10}),
    }


def a_dataset(n=40):
    from alexnet_helpers.data import ImageData

    names = tuple("ab")
    halves = [images(n, 32), np.arange(n) % 2, images(8, 32), np.arange(8) % 2]
    return ImageData(*halves, names, "made for a test")


def of_a_dataset(dataset):
    pairs = ((dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test))
    bad = {"as Keras gives it": pairs, "four arrays": tuple(dataset)[:4], "a folder": "photos"}
    given = Argument(dataset, lambda value: None if value is None else False, wrong=bad)
    return given.but(names=("x_train", "y_train", "x_test", "y_test"))


def of_batches(add):
    from alexnet_helpers import batches, scale

    def first(**named):
        return batches.Batches(**named)[0]

    names = {"num_classes": whole(3).but(names=("labels",))}
    add(
        "Batches",
        first,
        images=pixels(images(), free=True),
        labels=labels([0, 2, 1, 2], 3),
        batch_size=whole(2),
        augmentation=some_names(["shift", "flip"]),
        seed=whole(0, 0).but(same={"np.int64": np.int64(0)}),
        **names,
        refine_from=whole(3, 0).but(right=is_epoch),
        share=a_share(scale),
    )
    fixed = batches.Batches(images(), np.array([0, 1, 0, 1]), 2, num_classes=2)

    def start_epoch(epoch):
        fixed.start_epoch(epoch)
        return fixed[0][1]

    add("Batches.start_epoch", start_epoch, epoch=whole(1, 0))
    # It divides arrays of whatever numbers, as long as there is a label for each image.
    arrays = {"images": images(10), "labels": np.arange(10) % 3}
    per_image = {
        name: Argument(value, few, layouts(value) if value.ndim > 1 else {}, lengths(value), names=("labels", "images"))
        for name, value in arrays.items()
    }
    add(
        "split_validation",
        batches.split_validation,
        **per_image,
        validation_images=whole(2, 0).but(wrong={"-1": -1, "2.0": 2.0, "text": "2"}),
        seed=whole(3, 0),
    )


def few(value):
    return False


def lengths(value):
    return {"one less": value[1:], "twice": np.concatenate([value] * 2), "none": value[:0]}


def is_epoch(value):
    return True if type(value) is float and value == math.inf else whole(3, 0).right(value)


def of_views(add):
    from alexnet_helpers import views

    model, some = tiny_model(quick=True), pixels(images())
    some.wrong["no channels, as many"] = np.zeros((4, 8, 8, 0))
    some.wrong["channels first"] = images().transpose(0, 3, 1, 2)
    given = {"model": a_model(model), "images": some}
    add("predict_two_views", views.predict_two_views, **given)
    add("predict_ten_views", views.predict_ten_views, **given, pixels=whole(2, 0, 8), reflected=flag(True))


def of_training(add):
    from alexnet_helpers import training
    from alexnet_helpers.recipes import Recipe

    recipe = tiny_recipe()

    def train(**named):
        with mock.patch.object(training, "compile_model", stop):
            return training.train(verbose=0, **named)

    wrong = {"a dict": dataclasses.asdict(recipe), "the class": Recipe}
    dataset = a_dataset()
    numbers = Argument(recipe, lambda value: False, {"by name": "tutorial"}, wrong)
    folder = a_folder(Path("runs").absolute())
    devices = choice(1, 1).but(same={"all": "all", "np.int64": np.int64(1)})
    add(
        "train",
        train,
        exempt=("verbose",),  # Keras' own
        recipe=numbers,
        dataset=of_a_dataset(dataset),
        seed=whole(3, 0),
        epochs=whole(2).or_none(),
        checkpoint_folder=folder,
        results_folder=folder,
        mixed=flag(False),
        devices=devices,
    )
    fields = of_dataset(dataset)
    into = {"checkpoint_folder": "runs", "results_folder": "runs"}

    def with_dataset(**named):
        return train(recipe=recipe, dataset=training.data.ImageData(**named), **into)

    add("a dataset in train", with_dataset, **fields)


def of_dataset(dataset):
    names = Argument(
        ("a", "b"),
        lambda value: False,
        {"as a list": ["a", "b"]},
        {"one too few": ("a",), "a text": "ab", "numbers": (0, 1), "twice the same": ("a", "a")},
        names=("y_train", "y_test"),
    )
    return {
        "x_train": pixels(dataset.x_train),
        "y_train": labels(dataset.y_train, 2),
        "x_test": pixels(dataset.x_test),
        "y_test": labels(dataset.y_test, 2),
        "class_names": names,
        "source": words("made for a test"),
    }


def of_weights(add):
    import pandas as pd

    from alexnet_helpers import models, weights
    from alexnet_helpers.recipes import Recipe

    recipe = Recipe("tiny", "a small one", width=0.03125, epochs=2)
    model = models.alexnet_cifar10(width=0.03125)
    curves = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0]})
    add("named_weights", weights.named_weights, model=a_model(model))
    file = a_folder(Path("network.npz").absolute())
    file.wrong |= {"a folder": Path("runs")}
    Path("runs").mkdir(exist_ok=True)
    rows = {"no rows": curves[:0], "a dict": {"epoch": [1]}, "a text": "curves.csv"}
    add(
        "save_weights",
        weights.save_weights,
        file=file,
        model=a_model(model),
        recipe=Argument(recipe, lambda value: False, wrong={"a name": "modern"}),
        curves=Argument(curves, lambda value: None if isinstance(value, pd.DataFrame) else False, wrong=rows),
    )


TEXTS = {"nothing": "", "-1": "-1", "0": "0", "1.5": "1.5", "nan": "nan", "name": "no such"}
TEXTS |= {"True": "True", "blank": " ", "with NUL": "a\0b", "huge": "1" * 30, "hex": "0x1"}


def of_command_line(add):
    from alexnet_helpers import __main__ as command
    from alexnet_helpers import training

    def main(arguments):
        said = io.StringIO()
        stops = mock.patch.object(training, "compile_model", stop)
        here = mock.patch.multiple(command, CHECKPOINT_FOLDER=Path("runs"), RESULTS_FOLDER=Path("runs"))
        try:
            with stops, here, redirect_stderr(said), mock.patch.object(sys, "argv", ["alexnet_helpers"]):
                command.main(arguments)
        except SystemExit as end:
            if end.code:
                raise ValueError(said.getvalue().strip()) from None

    words_of_it = Argument(
        ["modern"],
        lambda value: False,
        {"as a tuple": ("modern",)},
        {"a text": "modern", "numbers": ["modern", 3], "an unknown option": ["modern", "--sed=1"]},
        names=("required: name", "invalid choice", "unrecognized"),
    )
    add("main", main, arguments=words_of_it)
    folder = make_photos().absolute().parents[2]
    for option, good, accepted in (
        ("seed", "1", ("0",)),
        ("epochs", "2", ()),
        ("devices", "1", ()),
        ("processes", "1", ()),
    ):
        values = Argument(
            good,
            lambda value, accepted=accepted: value in accepted or (None if value == "1" * 30 else False),
            only=TEXTS,
        )
        named = lambda option=option, **given: main(["modern", f"--{option}={given[option]}"])  # noqa: E731
        add(f"main --{option}", named, **{option: values})
    images_of = Argument(folder, anything, names=("folder",), only=TEXTS | {"there": folder})
    add("main --images", lambda images: main(["modern", f"--images={images}"]), images=images_of)


def of_nothing(add):
    """For a module whose `__all__` is empty."""


TABLES = {
    "alexnet_helpers": of_package,
    "alexnet_helpers.__main__": of_command_line,
    "alexnet_helpers.augmentation": of_augmentation,
    "alexnet_helpers.batches": of_batches,
    "alexnet_helpers.bvlc_alexnet": of_bvlc_alexnet,
    "alexnet_helpers.checks": of_checks,
    "alexnet_helpers.checkpoints": of_nothing,
    "alexnet_helpers.compilation": of_compilation,
    "alexnet_helpers.data": of_data,
    "alexnet_helpers.exercises": of_exercises,
    "alexnet_helpers.geometry": of_geometry,
    "alexnet_helpers.imagenet": of_imagenet,
    "alexnet_helpers.keras_layers": of_keras_layers,
    "alexnet_helpers.models": of_models,
    "alexnet_helpers.numpy_layers": of_numpy_layers,
    "alexnet_helpers.onnx_weights": of_onnx_weights,
    "alexnet_helpers.optimizers": of_optimizers,
    "alexnet_helpers.explorer": of_explorer,
    "alexnet_helpers.plotting": of_plotting,
    "alexnet_helpers.recipes": of_recipes,
    "alexnet_helpers.results": of_nothing,
    "alexnet_helpers.scale": of_scale,
    "alexnet_helpers.schedules": of_schedules,
    "alexnet_helpers.studies": of_studies,
    "alexnet_helpers.training": of_training,
    "alexnet_helpers.variants": of_variants,
    "alexnet_helpers.views": of_views,
    "alexnet_helpers.walk": of_walk,
    "alexnet_helpers.weights": of_weights,
}
