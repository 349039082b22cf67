"""The AlexNet that was trained on ImageNet: its weights, its input, its answers.

    python -m alexnet_helpers.imagenet

downloads the weights (244 MB), keeps them under `data/` (122 MB) and prints five
guesses for the course's photo. Without them `load_weights` gives a stand-in of the same
shapes, and says so. `bvlc_alexnet` has the network, `onnx_weights` reads the file.
"""

import argparse
import functools
import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alexnet_helpers import bvlc_alexnet, checks, data, geometry, onnx_weights
from alexnet_helpers.bvlc_alexnet import LAYERS, NORMALIZATION, Weights, stand_in
from alexnet_helpers.data import decoding, downloads, folders
from alexnet_helpers.onnx_weights import ONNX_FILE, read_onnx

__all__ = (
    "LAYERS",
    "NORMALIZATION",
    "Guess",
    "class_names",
    "decode",
    "find_weights",
    "load_weights",
    "main",
    "preprocess",
    "stand_in",
)

ONNX_BYTES = 243_863_787
MIRRORS = (
    "https://huggingface.co/onnxmodelzoo/legacy_models/resolve/main/"
    f"validated/vision/classification/alexnet/model/{ONNX_FILE}",
)
FILE = "alexnet_imagenet.npz"
_MOST_BYTES = 130_000_000  # of that file

INPUT_SIZES = (227, 224)
_RESIZED = 256  # the shorter side of a photo before its middle is cut out
MEAN_BGR = (104.00698793, 116.66876762, 122.67891434)  # blue, green, red, in ImageNet
_STAND_IN_NOTE = (
    "The weights trained on ImageNet are not here. `download=True` (in notebook 15:"
    " DOWNLOAD = True)\nor `python -m alexnet_helpers.imagenet` fetches them (244 MB)."
    " Random weights of the same shapes stand in."
)
# Here, since keras.applications' decode_predictions would download the names.
CLASSES_FILE = data.DATA_FOLDER / "imagenet_classes.txt"


# --- What the network is shown, and what it says ---


class Guess(NamedTuple):
    """A class that `decode` names, with its probability and its number, 0-999."""

    name: str
    probability: float
    number: int


def preprocess(photo, size=227):
    """Turn photos into the network's input.

    The shorter side is resized to 256 pixels and the middle cut out; then red, green
    and blue become blue, green and red, and the mean of each colour over ImageNet's
    training images is subtracted. (Berkeley trained with a mean photo instead, and its
    guide resizes photos to 256 x 256 pixels without keeping their proportions.)

    Parameters
    ----------
    photo : ndarray of uint8, shape (H, W, 3), or (N, H, W, 3) for several
        Channels red, green, blue. Photos of `size` x `size` pixels, views of your own,
        are not resized and cut.
    size : int
        Height and width of the result in pixels, up to 256; the network takes 227 and
        224.

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
    size = checks.integer("size", size, 1, _RESIZED)
    if isinstance(photo, np.ndarray) and photo.ndim == 3:
        photo = photo[np.newaxis]
    photos = np.asarray(checks.pixels("photo", photo))
    if photos.shape[1:3] != (size, size):
        photos = np.stack([_middle(photo, size) for photo in photos])
    return photos[..., ::-1].astype(np.float32) - np.float32(MEAN_BGR)


def _middle(photo, size):
    """Resize a photo and cut out its middle, `size` x `size` pixels."""
    from PIL import Image

    resized = decoding.middle_square(Image.fromarray(photo), _RESIZED)
    margin = (_RESIZED - size) // 2
    return resized[margin : margin + size, margin : margin + size]


@functools.cache
def class_names():
    """Return the names of ImageNet's 1,000 classes, in the order of the outputs.

    Each name lists the synonyms of WordNet. Two classes are called "crane", the bird
    (134) and the machine (517).

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> class_names()[0]
    'tench, Tinca tinca'
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
    list of list of Guess
        For each image `top` of them, the most probable first.

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
        needed = f"rows of {len(names)}, one for each class"
        checks.refuse("probabilities", needed, probabilities)
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
    download : bool
        Whether to download them (244 MB) if they are not at hand; ALEXNET_OFFLINE=1
        forbids it. An interrupted download leaves nothing behind that counts as
        weights; the next call starts over.
    mirrors : sequence of str
        Addresses of `bvlcalexnet-12.onnx`, tried in this order.
    slowest, patience : float
        As for `data.load_cifar10`.

    Returns
    -------
    Weights
        For `numpy_layers.steps(x, weights, LAYERS, NORMALIZATION)` and
        `models.alexnet(weights=weights)`. `is_real` says which of the two they are.

    Raises
    ------
    ValueError
        If the file under `data/` is damaged; the message says what to do.
    """
    weights = find_weights(download, mirrors, slowest, patience)
    if weights is None:
        print(_STAND_IN_NOTE)
        weights = stand_in()
    return weights


def find_weights(download=False, mirrors=MIRRORS, slowest=200_000, patience=10.0):
    """Load the trained weights as `load_weights` does, or else return None."""
    download = checks.flag("download", download)
    mirrors = checks.texts("mirrors", mirrors, "a list of addresses")
    slowest, patience = downloads.check_limits(slowest, patience)
    roots = folders.data_folders()
    file = next((root / FILE for root in roots if os.path.lexists(root / FILE)), None)
    if file is None and download:
        limits = {"slowest": slowest, "patience": patience, "most": ONNX_BYTES}
        limits |= {"what": ONNX_FILE, "caller": "imagenet.load_weights"}
        fetch = downloads.Downloader(**limits)
        file = _keep(roots, functools.partial(_download, fetch, mirrors))
    return None if file is None else _read(file)


def _read(file):
    """Read the file that `_write` wrote."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            if sum(member.file_size for member in archive.zip.infolist()) > _MOST_BYTES:
                raise ValueError("it is too large")
            sha256 = json.loads(str(archive["about"]))["sha256"]
            if sha256 != onnx_weights.ONNX_SHA256:
                raise ValueError("it was made of another file")
            weights = {}
            for name, shape in geometry.kernel_shapes(bvlc_alexnet.LAYERS).items():
                kernel, bias = archive[f"{name}/kernel"], archive[f"{name}/bias"]
                if (kernel.shape, bias.shape) != (shape, shape[-1:]):
                    raise ValueError(f"{name} has another shape")
                weights[name] = kernel.astype(np.float32), bias.astype(np.float32)
    except Exception as error:  # zipfile, NumPy and json raise errors of any kind
        reason = checks.message_of(error)
        remedy = "delete it and load again"
        raise ValueError(f"{file} is damaged ({reason}): {remedy}") from error
    return Weights(weights, True, bvlc_alexnet.SOURCE)


def _write(weights, file):
    """Write a .npz without pickle: kernels rounded to float16, biases in float32."""
    arrays = {}
    for name, (kernel, bias) in weights.items():
        arrays |= {f"{name}/kernel": kernel.astype(np.float16), f"{name}/bias": bias}
    description = {"source": bvlc_alexnet.SOURCE, "file": ONNX_FILE}
    description["sha256"] = onnx_weights.ONNX_SHA256
    arrays["about"] = np.array(json.dumps(description))
    with open(file, "wb") as out:
        np.savez(out, **arrays)
        out.flush()
        os.fsync(out.fileno())


def _keep(roots, get):
    """Put the weights of the ONNX file that `get(folder)` returns into a folder.

    Return the path of the new file, or None after saying why there is none. What is
    unfinished never has the final name.
    """
    root = folders.first_writable(roots, "the file of weights")
    if root is None:
        return None
    part = root / f"{Path(FILE).stem}.part"
    try:
        with folders.one_process_at_a_time(root, "alexnet_imagenet.lock", ONNX_FILE):
            if not os.path.lexists(root / FILE):  # else another process was first
                with folders.unfinished_folder(part):
                    weights = read_onnx(get(part), onnx_weights.ONNX_SHA256)
                    _write(weights, part / FILE)
                    os.replace(part / FILE, root / FILE)
        return root / FILE
    except (OSError, ValueError, ImportError) as error:
        if folders.is_disk_full(error):
            error = "the disk is full; 370 MB must be free"
        print(f"The weights could not be put into {root}: {error}.")
        return None


def _download(fetch, mirrors, folder):
    """Return the path of the checked ONNX file, from the first mirror that has it."""
    onnx_weights.need_onnx()  # before the download
    if downloads.is_offline():
        raise ConnectionError("ALEXNET_OFFLINE forbids the download")
    sha256, what = onnx_weights.ONNX_SHA256, f"{ONNX_FILE} (244 MB)"
    return downloads.retrieve(folder, fetch, mirrors, sha256, ONNX_FILE, what)


def main(arguments=None):
    """Fetch the weights, and print five guesses for a photo (see above)."""
    parser = argparse.ArgumentParser(
        prog="python -m alexnet_helpers.imagenet", description=__doc__.splitlines()[0]
    )
    photo = "the path of a photo; the course's cat if none is given"
    parser.add_argument("photo", nargs="?", help=photo)
    onnx = f"{ONNX_FILE}, if it is on this machine already"
    parser.add_argument("--onnx", metavar="FILE", help=onnx)
    if arguments is not None:
        arguments = checks.texts("arguments", arguments)
    options = parser.parse_args(arguments)
    photo = data.sample_photo(_RESIZED)
    if options.photo:
        photo = data.read_photo(options.photo, _RESIZED)
    if options.onnx and find_weights() is None:
        _keep(folders.data_folders(), lambda folder: options.onnx)
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
