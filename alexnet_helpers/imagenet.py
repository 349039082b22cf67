"""The AlexNet that Berkeley trained on ImageNet: its weights, what it is shown and what it says.

    python -m alexnet_helpers.imagenet

downloads the weights (244 MB), keeps them under `data/` (122 MB) and prints five guesses for the
course's photo. Without them `load_weights` gives a stand-in of the same shapes, and says so.

The network is BVLC AlexNet (Caffe, 2014), the paper's up to two things: its biases started at 0 or
0.1, and its local response normalization has other constants and sees both towers. The file is
of the format ONNX, which describes a network as data; reading it executes nothing.
"""

import argparse
import functools
import hashlib
import json
import math
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alexnet_helpers import checks, data, geometry, numpy_layers

ONNX_FILE = "bvlcalexnet-12.onnx"
ONNX_BYTES = 243_863_787
ONNX_SHA256 = "6b0da9510f27f234ee96a85dc3809dd210150fdefad87f6850f9788513216945"
MIRRORS = (
    "https://huggingface.co/onnxmodelzoo/legacy_models/resolve/main/validated/vision/classification/alexnet/model/"
    + ONNX_FILE,
)
FILE = "alexnet_imagenet.npz"
MOST_BYTES = 130_000_000  # of that file
SOURCE = "BVLC AlexNet (Caffe, 2014), trained on ImageNet"

# The course's layers in the order and with the numbers of the file. Its last pool has a row and a column
# of padding behind the image, which an input of 224 needs (12 -> 6) and one of 227 does not (13 -> 6).
LAYERS = tuple(
    layer._replace(rounding="ceil") if layer.name == "pool3" else layer
    for layer in geometry.alexnet_layers(towers=2)
)
LEARNED = tuple(layer.name for layer in LAYERS if layer.kind != "pool")
# Caffe's normalization: alpha is 1e-4 divided by the size, and the towers see each other.
NORMALIZATION = {"size": 5, "k": 1.0, "alpha": 2e-5, "beta": 0.75, "towers": 1}
INPUT_SIZES = (227, 224)
MEAN_BGR = (
    104.00698793,
    116.66876762,
    122.67891434,
)  # of ImageNet's training images: blue, green, red
RESIZED = 256  # the shorter side of a photo before its middle is cut out

CLASSES_FILE = data.DATA_FOLDER / "imagenet_classes.txt"
STAND_IN_SEED = 2014
# What an attribute of an operation is in ONNX if the file does not give it.
ATTRIBUTES = {
    "Conv": {
        "group": 1,
        "dilations": [1, 1],
        "pads": [0] * 4,
        "strides": [1, 1],
        "auto_pad": b"NOTSET",
    },
    "Relu": {},
    "LRN": {"alpha": 1e-4, "beta": 0.75, "bias": 1.0},
    "MaxPool": {
        **{
            "dilations": [1, 1],
            "pads": [0] * 4,
            "strides": [1, 1],
            "auto_pad": b"NOTSET",
        },
        **{"ceil_mode": 0, "storage_order": 0},
    },
    "Reshape": {"allowzero": 0},
    "Gemm": {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0},
    "Softmax": {"axis": 1},
}


class Guess(NamedTuple):
    """What `decode` returns: a class with its probability and its number, 0-999."""

    name: str
    probability: float
    number: int


class Weights(dict):
    """{"conv1": (kernel, bias), ..., "fc8": (kernel, bias)}, float32, in the layout of `numpy_layers`.

    `is_real` is True if they were trained on ImageNet, and `source` says in words what they are.
    """

    def __init__(self, arrays, is_real=False, source="a stand-in with random weights"):
        super().__init__(arrays)
        self.is_real, self.source = is_real, source


# --- What the network is shown, and what it says ---


def preprocess(photo, size=227):
    """Turn photos into the network's input, as it saw the images that it was trained on.

    The shorter side is resized to 256 pixels and the middle cut out; then red, green and blue become
    blue, green and red, and the mean of each colour over ImageNet's training images is subtracted.

    Parameters
    ----------
    photo : uint8 of shape (H, W, 3), or (N, H, W, 3) for several, values 0-255, channels red, green,
        blue. Photos that have `size` x `size` pixels are not resized and cut: views of your own.
    size : height and width of the result in pixels, up to 256; the network takes 227 and 224.

    Returns
    -------
    ndarray of float32, shape (N, size, size, 3), channels blue, green, red
        N is 1 for a single photo.

    Examples
    --------
    >>> white = np.full((300, 400, 3), 255, np.uint8)
    >>> preprocess(white)[0, 0, 0].round(2)
    array([150.99, 138.33, 132.32], dtype=float32)
    """
    size = checks.integer("size", size, 1, RESIZED)
    one = isinstance(photo, np.ndarray) and photo.ndim == 3
    photos = np.asarray(checks.pixels("photo", photo[np.newaxis] if one else photo))
    if photos.shape[1:3] != (size, size):
        photos = np.stack([_middle(photo, size) for photo in photos])
    return photos[..., ::-1].astype(np.float32) - np.float32(MEAN_BGR)


def _middle(photo, size):
    """Resize a photo and cut out its middle, `size` x `size` pixels."""
    from PIL import Image

    resized = data._middle_square(Image.fromarray(photo), RESIZED)
    start = (RESIZED - size) // 2
    return resized[start : start + size, start : start + size]


@functools.cache
def class_names():
    """Return the names of ImageNet's 1,000 classes, in the order of the network's outputs, as a tuple.

    Each name lists the synonyms of WordNet: "tench, Tinca tinca". Two classes are called "crane", the
    bird (134) and the machine (517).
    """
    lines = CLASSES_FILE.read_text("utf-8").splitlines()
    return tuple(line.partition(" ")[2] for line in lines)


def decode(probabilities, top=5):
    """Name the most probable classes.

    Parameters
    ----------
    probabilities : ndarray, shape (N, 1000)
        What the network returned for N images.
    top : int
        How many classes are named, 1 to 1000.

    Returns
    -------
    list of N lists of `top` `Guess`, the most probable first

    Examples
    --------
    >>> p = np.zeros((1, 1000))
    >>> p[0, 281] = 0.75
    >>> decode(p, top=1)
    [[Guess(name='tabby, tabby cat', probability=0.75, number=281)]]
    """
    probabilities = checks.array("probabilities", probabilities, axes=("N", "classes"))
    names, top = class_names(), checks.integer("top", top, 1, 1000)
    if probabilities.shape[1] != len(names):
        checks.refuse(
            "probabilities", f"rows of {len(names)}, one for each class", probabilities
        )
    if not probabilities.min() >= 0:
        checks.refuse("probabilities", "without negative values and NaN", probabilities)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return [
        [Guess(names[number], float(row[number]), int(number)) for number in numbers]
        for row, numbers in zip(probabilities, order)
    ]


# --- The weights ---


def load_weights(download=False, mirrors=MIRRORS, slowest=200_000, patience=10.0):
    """Load the trained weights if they are at hand, else a stand-in, and say so.

    Parameters
    ----------
    download : True to download them (244 MB) if they are not at hand; ALEXNET_OFFLINE=1 forbids it. An
        interrupted download leaves nothing behind that counts as weights; the next call starts anew.
    mirrors : addresses of `bvlcalexnet-12.onnx`, tried in this order.
    slowest, patience : as of `data.load_cifar10`, which a mirror has to keep up with.

    Returns
    -------
    Weights : for `numpy_layers.steps(x, weights, LAYERS, NORMALIZATION)` and
        `models.alexnet(weights=weights)`. `is_real` says which of the two they are.

    Raises
    ------
    ValueError : if the file under `data/` is damaged (the message says what to do).
    """
    weights = find_weights(download, mirrors, slowest, patience)
    if weights is None:
        print(
            "The weights trained on ImageNet are not here: a stand-in of the same"
            " shapes, with random weights,"
        )
        print(
            "takes their place. `python -m alexnet_helpers.imagenet` fetches the real"
            " ones (244 MB)."
        )
        weights = stand_in()
    return weights


def find_weights(download=False, mirrors=MIRRORS, slowest=200_000, patience=10.0):
    """Load the trained weights; the same as `load_weights`, but None where that gives a stand-in."""
    download, mirrors = (
        checks.flag("download", download),
        checks.texts("mirrors", mirrors, "a list of addresses"),
    )
    slowest, patience = data._check_limits(slowest, patience)
    roots = data._roots()
    file = next((root / FILE for root in roots if os.path.lexists(root / FILE)), None)
    if file is None and download:
        limits = {"slowest": slowest, "patience": patience, "most": ONNX_BYTES}
        fetch = functools.partial(
            data._fetch, **limits, what=ONNX_FILE, caller="imagenet.load_weights"
        )
        file = _keep(roots, functools.partial(_download, fetch, mirrors))
    return None if file is None else _read(file)


def stand_in():
    """Return random weights of the same names and shapes, the same in every call.

    The kernels are He-normal, N(0, 2 / inputs of one unit), so that the activations keep their size from
    layer to layer; those of fc8 are a hundredth of it, so that no class is certain. The biases are 0.
    """
    arrays = {}
    for number, (name, shape) in enumerate(kernel_shapes().items()):
        kernel = np.random.default_rng([STAND_IN_SEED, number]).standard_normal(
            shape, dtype=np.float32
        )
        kernel *= np.float32(
            math.sqrt(2 / math.prod(shape[:-1])) * (0.01 if name == "fc8" else 1)
        )
        arrays[name] = kernel, np.zeros(shape[-1], np.float32)
    return Weights(arrays)


def kernel_shapes():
    """Return {"conv1": (11, 11, 3, 96), ..., "fc8": (4096, 1000)}, in the layout of `numpy_layers`."""
    inputs, shapes = geometry.layer_table(LAYERS)["input"], {}
    for layer in LAYERS:
        if layer.kind == "conv":
            shapes[layer.name] = (
                layer.kernel,
                layer.kernel,
                inputs[layer.name][2] // layer.groups,
                layer.units,
            )
        elif layer.kind == "dense":
            shapes[layer.name] = math.prod(inputs[layer.name]), layer.units
    return shapes


def _read(file):
    """Read the file that `_write` wrote."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            if sum(member.file_size for member in archive.zip.infolist()) > MOST_BYTES:
                raise ValueError("it is too large")
            if json.loads(str(archive["about"]))["sha256"] != ONNX_SHA256:
                raise ValueError("it was made of another file")
            arrays = {
                name: (archive[f"{name}/kernel"], archive[f"{name}/bias"])
                for name in LEARNED
            }
    except Exception as error:  # a damaged archive makes zipfile, NumPy and json raise errors of any kind
        raise ValueError(
            f"{file} is damaged ({checks.message_of(error)}): delete it and load again"
        ) from error
    for name, shape in kernel_shapes().items():
        if [array.shape for array in arrays[name]] != [shape, shape[-1:]]:
            raise ValueError(
                f"{file} is damaged ({name} has another shape): delete it and load"
                " again"
            )
    wide = {
        name: tuple(array.astype(np.float32) for array in pair)
        for name, pair in arrays.items()
    }
    return Weights(wide, True, SOURCE)


def _write(weights, file):
    """Write the weights: kernels rounded to float16, biases in float32, in NumPy's .npz without pickle."""
    arrays = {}
    for name, (kernel, bias) in weights.items():
        arrays |= {f"{name}/kernel": kernel.astype(np.float16), f"{name}/bias": bias}
    about = {"source": SOURCE, "file": ONNX_FILE, "sha256": ONNX_SHA256}
    with open(file, "wb") as out:
        np.savez(out, about=np.array(json.dumps(about)), **arrays)
        out.flush()
        os.fsync(out.fileno())


def _keep(roots, get):
    """Have `get` return the ONNX file, and put its weights into a folder; return where, or None after saying why.

    `get` is given a folder of its own. What is unfinished never has the final name.
    """
    root = next(filter(data._writable, roots), None)
    if root is None:
        print(
            f"{roots[0]} cannot be written to: set ALEXNET_DATA to a folder that can."
        )
        return None
    part = root / f"{Path(FILE).stem}.part"
    try:
        with data._one_at_a_time(root, "alexnet_imagenet.lock", ONNX_FILE):
            if not os.path.lexists(root / FILE):  # else another process was first
                try:
                    data._clear(part)
                    part.mkdir()
                    _write(read_onnx(get(part), ONNX_SHA256), part / FILE)
                    os.replace(part / FILE, root / FILE)
                finally:
                    if not part.is_symlink():
                        shutil.rmtree(part, ignore_errors=True)
        return root / FILE
    except (OSError, ValueError, ImportError) as error:
        why = (
            "the disk is full; 370 MB must be free"
            if data._disk_is_full(error)
            else error
        )
        print(f"The weights could not be put into {root}: {why}.")
        return None


def _download(fetch, mirrors, folder):
    """Return the path of the ONNX file, checked, from the first mirror that delivers it."""
    _need_onnx()  # before the download
    if data._offline():
        raise ConnectionError("ALEXNET_OFFLINE forbids the download")
    return data._fetch_archive(
        folder, fetch, mirrors, ONNX_SHA256, ONNX_FILE, f"{ONNX_FILE} (244 MB)"
    )


def _need_onnx():
    try:
        import onnx
    except ModuleNotFoundError as missing:
        raise ImportError(
            "the package onnx, which reads the file, is missing: pip install onnx"
        ) from missing
    return onnx


# --- The ONNX file ---


def read_onnx(file, sha256=ONNX_SHA256):
    """Read the network's weights out of an ONNX file.

    The file has to describe this network: its operations are compared with `LAYERS` and `NORMALIZATION`,
    attribute by attribute. Weights that it keeps in other files are refused.

    Parameters
    ----------
    file : the path of `bvlcalexnet-12.onnx`, or of another file of this network.
    sha256 : checksum of the file in hexadecimal digits; with None no checksum is looked at, and the weights
        do not count as real.

    Returns
    -------
    Weights

    Raises
    ------
    ValueError : if the file is damaged or of another network; the message says what differs.
    ImportError : if the package `onnx` is missing.
    """
    file = checks.path("file", file)
    if not os.path.isfile(file):
        checks.refuse("file", "the path of an ONNX file", str(file))
    if sha256 is not None and not (
        isinstance(sha256, str) and re.fullmatch("[0-9a-fA-F]{64}", sha256)
    ):
        checks.refuse("sha256", "64 hexadecimal digits, or None", sha256)
    onnx = _need_onnx()
    try:
        with open(file, "rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if sha256 and found != sha256.lower():
            raise ValueError(
                f"{file.stat().st_size:,} bytes with the SHA-256 {found[:8]}..., not"
                f" {sha256[:8]}..."
            )
        graph = onnx.load(file, load_external_data=False).graph
        arrays = dict(_follow(graph, onnx))
    except (
        Exception
    ) as error:  # what protobuf and onnx raise for a damaged file is of any kind
        needed = f"an ONNX file of the BVLC AlexNet, whole, such as {ONNX_FILE}"
        raise ValueError(
            f"file must be {needed}, got {file.name} ({checks.message_of(error)})"
        ) from error
    is_real = bool(sha256) and found == ONNX_SHA256
    return Weights(
        arrays, is_real, SOURCE if is_real else f"{file.name}, not known to be trained"
    )


def _follow(graph, onnx):
    """Yield the name of each layer that has learned, and its weights, along the graph's operations."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    operations = []
    for node in graph.node:
        if node.op_type == "Constant":
            tensors |= [
                (node.output[0], one.t) for one in node.attribute if one.name == "value"
            ]
        else:
            operations.append(node)
    (at,) = (one.name for one in graph.input if one.name not in tensors)
    expected, shapes = list(_expected()), kernel_shapes()
    for node in operations:
        if node.input[0] != at:
            raise ValueError(
                f"{node.op_type} reads {node.input[0]!r}, where {at!r} should go on"
            )
        at = node.output[0]
        if node.op_type == "Dropout":  # which does nothing after training
            continue
        name, kind, attributes = (
            expected.pop(0) if expected else ("", "no more operations", {})
        )
        if node.op_type != kind:
            raise ValueError(f"{node.op_type} where {name or 'the end'} needs {kind}")
        _compare(name, node, attributes, onnx)
        if name in shapes:
            yield (
                name,
                _learned(
                    name, [tensors[one] for one in node.input[1:]], shapes[name], onnx
                ),
            )
    if expected:
        raise ValueError(f"no {expected[0][1]} for {expected[0][0]}")


def _expected():
    """Yield the name, the operation and the attributes of each step of the network."""
    for name, kind, layer in numpy_layers.step_kinds(LAYERS, NORMALIZATION):
        window = {"kernel_shape": [layer.kernel] * 2, "strides": [layer.stride] * 2}
        if kind == "conv":
            yield (
                name,
                "Conv",
                window | {"pads": [layer.padding] * 4, "group": layer.groups},
            )
        elif kind == "pool":
            behind = int(layer.rounding == "ceil")
            yield name, "MaxPool", window | {"pads": [0, 0, behind, behind]}
        elif kind == "norm":
            norm = NORMALIZATION  # ONNX divides alpha by the size
            constants = {
                "alpha": norm["alpha"] * norm["size"],
                "beta": norm["beta"],
                "bias": norm["k"],
            }
            yield name, "LRN", {"size": norm["size"], **constants}
        elif kind == "dense":
            yield name, "Gemm", {"transB": 1}
        else:
            yield (
                name,
                {"relu": "Relu", "flatten": "Reshape", "softmax": "Softmax"}[kind],
                {},
            )


def _compare(name, node, attributes, onnx):
    """Refuse an operation whose attributes are not those of the layer."""
    expected = ATTRIBUTES[node.op_type] | attributes
    found = ATTRIBUTES[node.op_type] | {
        one.name: onnx.helper.get_attribute_value(one) for one in node.attribute
    }
    for attribute, value in found.items():
        needed = expected.get(attribute, "not to be there")
        numbers = isinstance(value, float) and isinstance(needed, float)
        if value != needed and not (
            numbers and math.isclose(value, needed, rel_tol=1e-6)
        ):
            raise ValueError(
                f"{attribute} of {name} is {value}, and has to be {needed}"
            )
    if missing := set(expected) - set(found):
        raise ValueError(f"{name} has no {min(missing)}")


def _learned(name, tensors, shape, onnx):
    """Return (kernel, bias) in the layout of `numpy_layers`."""
    stored = shape[::-1] if len(shape) == 2 else (shape[3], shape[2], *shape[:2])
    needed, arrays = (stored, shape[-1:]), []
    for tensor, dims in zip(tensors, needed, strict=True):
        if tensor.external_data or tensor.data_location != onnx.TensorProto.DEFAULT:
            raise ValueError(f"the weights of {name} lie in another file")
        if tuple(tensor.dims) != dims or tensor.data_type != onnx.TensorProto.FLOAT:
            raise ValueError(
                f"the weights of {name} are {tuple(tensor.dims)}, and have to be {dims}"
                " in float32"
            )
        arrays.append(onnx.numpy_helper.to_array(tensor))
        tensor.ClearField("raw_data")  # half of the memory
        if not np.isfinite(arrays[-1]).all():
            raise ValueError(f"{name} has weights that are not finite numbers")
    kernel, bias = arrays
    if (
        name == "fc6"
    ):  # reads the maps channel by channel, the course's layers pixel by pixel
        side = math.isqrt(shape[0] // 256)
        kernel = (
            kernel.reshape(-1, 256, side, side).transpose(2, 3, 1, 0).reshape(shape)
        )
    kernel = kernel.T if name in ("fc7", "fc8") else kernel
    kernel = kernel.transpose(2, 3, 1, 0) if kernel.ndim == 4 else kernel
    return np.array(kernel, np.float32, order="C"), np.array(bias, np.float32)


def main(arguments=None):
    """Fetch the weights, and print five guesses for a photo (see the module's docstring)."""
    parser = argparse.ArgumentParser(
        prog="python -m alexnet_helpers.imagenet", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "photo",
        nargs="?",
        help="the path of a photo; the course's cat if none is given",
    )
    parser.add_argument(
        "--onnx", metavar="FILE", help=f"{ONNX_FILE}, if it is on this machine already"
    )
    if arguments is not None:
        arguments = checks.texts("arguments", arguments)
    options = parser.parse_args(arguments)
    photo = (
        data.read_photo(options.photo, RESIZED)
        if options.photo
        else data.sample_photo(RESIZED)
    )
    if options.onnx and find_weights() is None:
        _keep(data._roots(), lambda folder: options.onnx)
    weights = find_weights(download=not options.onnx)
    if weights is None:
        parser.exit(1, "The weights trained on ImageNet are not here.\n")
    from alexnet_helpers import models  # here and not above: it imports Keras

    print(f"{weights.source}. The photo shows:")
    network = models.alexnet(weights=weights)
    for guess in decode(network.predict(preprocess(photo), verbose=0))[0]:
        print(f"{guess.probability:7.1%}  {guess.name}")


if __name__ == "__main__":
    main()
