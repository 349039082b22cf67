"""Trained weights in files: written after a run, and read into a network.

A file is a .npz without pickle. It has an array for each weight, "conv1/kernel" for
example, and `about`, a JSON text that says of which network they are and how it was
trained. (Keras' own `save_weights` would need twice the space, and could not say it.)
"""

import contextlib
import hashlib
import json
import math
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from alexnet_helpers import checks, load_keras
from alexnet_helpers.keras_layers import check_model
from alexnet_helpers.recipes import find_recipe
from alexnet_helpers.results import write_whole
from alexnet_helpers.variants import check_network

keras = load_keras()

__all__ = ("named_weights", "save_weights")  # the others are for `models`

# The trained networks that come with the course, each with its file and the file's
# SHA-256 (data/README.md says how they were made).
WEIGHTS_FOLDER = Path(__file__).resolve().parent.parent / "data" / "weights"
STORED_WEIGHTS = {
    "cifar10": (
        "alexnet_cifar10_today.npz",
        "9ec34c4876af0b75ef4b2683d6f7ef9e3e6d08f15dd9e310347f33f8f3749404",
    ),
    "modern_half": (
        "alexnet_cifar10_modern.npz",
        "b36e9bd41151300ceceb7553764db8b7ea4575c33dd151882253ab1960f79fd3",
    ),
}
# What a file says about its network, and how long it may be about it.
DESCRIBED = ("variant", "width", "centred_input", "batch_norm", "num_classes")
MOST_BYTES_ABOUT = 2**20


def named_weights(model):
    """Return a network's weights by name, with the state of its normalization layers.

    Parameters
    ----------
    model : keras.Model

    Returns
    -------
    dict from str to keras.Variable

    Examples
    --------
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="fc8")])
    >>> list(named_weights(model))
    ['fc8/kernel', 'fc8/bias']
    """
    return {
        f"{layer.name}/{variable.name}": variable
        for layer in check_model(model).layers
        for variable in layer.weights
    }


# --- Writing ---


def save_weights(file, model, recipe, curves):
    """Write a trained network to a file, for `models.alexnet_cifar10(weights=file)`.

    Kernels are rounded to float16, the short vectors (biases, normalization) are kept
    in float32. With them goes what the last row of the run's curves says.

    Parameters
    ----------
    file : str or Path
        An older file of that name is replaced when the new one is complete.
    model : keras.Model
        What `train` returned.
    recipe : Recipe
        What `train` was given, without `ingredients`.
    curves : pandas.DataFrame
        What `train` returned.

    Raises
    ------
    ValueError
        Also for a weight that is not a finite number in its format.
    """
    from alexnet_helpers.checkpoints import check_clock  # here: it imports `models`

    file = _regular_file("file", file)
    recipe, weights = find_recipe(recipe), named_weights(model)
    if recipe.ingredients:
        got = f"{recipe.name!r}, which changes {', '.join(recipe.ingredients)}"
        raise ValueError(f"recipe must be one without ingredients, got {got}")
    if model.name != f"alexnet_cifar10_{recipe.variant}":
        checks.refuse("model", f"a network of the recipe {recipe.name!r}", model.name)
    if not isinstance(curves, pd.DataFrame) or not len(curves):
        checks.refuse("curves", "the DataFrame that train returned", curves)
    check_clock()
    arrays = {name: _rounded(name, variable) for name, variable in weights.items()}
    description = {"network": _describe(model, recipe), **curves.iloc[-1].to_dict()}
    arrays["about"] = np.array(json.dumps(description, default=str))

    def write(path):
        with open(path, "wb") as unfinished:
            np.savez_compressed(unfinished, **arrays)

    write_whole(file, write)


def _regular_file(argument, file):
    """Return the path of a file that may be written, or that a link leads to."""
    path = Path(os.path.realpath(checks.path(argument, file)))
    if not path.parent.is_dir() or (path.exists() and not path.is_file()):
        needed = "the path of a file, in a folder that there is"
        checks.refuse(argument, needed, str(file))
    return path


def _rounded(name, variable):
    """Return a weight as it is stored: kernels in float16, vectors in float32."""
    array = keras.ops.convert_to_numpy(variable)
    with np.errstate(over="ignore"):
        array = array.astype("float16" if array.ndim > 1 else "float32")
    if not np.isfinite(array).all():
        needed = f"weights that are finite numbers in {array.dtype}"
        raise ValueError(f"model must have {needed}, got others in {name}")
    return array


def _describe(model, recipe):
    """Return what a file says about its network."""
    normalizations = keras.layers.BatchNormalization
    return {
        "variant": recipe.variant,
        "width": recipe.width,
        "centred_input": recipe.centred_input,
        "batch_norm": any(isinstance(layer, normalizations) for layer in model.layers),
        "num_classes": model.output_shape[-1],
    }


# --- Reading ---


@contextlib.contextmanager
def open_weights(weights):
    """Open a file of weights; give its network's settings, and the archive of arrays.

    Parameters
    ----------
    weights : str or Path
        A name out of `STORED_WEIGHTS`, or the path of a file.
    """
    file, sha256 = _find(weights)
    remedy = "make it again, or take it again from the course's repository"
    with open(file, "rb") as content:
        if sha256 and hashlib.file_digest(content, "sha256").hexdigest() != sha256:
            problem = f"{file} is damaged or not the course's file"
            raise ValueError(f"weights={weights!r}: {problem}; {remedy}")
        try:
            archive = zipfile.ZipFile(content)
            network = _read_description(archive)
        except Exception as error:  # zipfile, NumPy and json raise errors of any kind
            reason = checks.message_of(error)
            problem = f"{file} is damaged or holds no weights ({reason})"
            raise ValueError(
                f"weights={str(weights)!r}: {problem}; {remedy}"
            ) from error
        yield network, archive


def _find(weights):
    """Return a file of weights, and the SHA-256 that it needs to have, or None."""
    names = ", ".join(map(repr, STORED_WEIGHTS))
    if not isinstance(weights, (str, os.PathLike)):
        needed = f"{names} or the path of a file that weights.save_weights wrote"
        checks.refuse("weights", needed, weights)
    file, sha256 = checks.path("weights", weights), None
    if isinstance(weights, str) and weights in STORED_WEIGHTS:
        stored, sha256 = STORED_WEIGHTS[weights]
        file = WEIGHTS_FOLDER / stored
    if not os.path.isfile(file):  # False for a name that is too long, unlike Path's
        got = f"{str(weights)!r}: there is no file {file}"
        raise ValueError(f"weights must be {names} or a file's path, got {got}")
    return file, sha256


def _read_description(archive):
    """Return the settings of the network that a file has the weights of."""
    text = str(_read_member(archive, "about.npy", "U", (), MOST_BYTES_ABOUT))
    described = json.loads(text)["network"]
    network = {name: described[name] for name in DESCRIBED}
    if None in network.values():
        raise ValueError("it does not say of which network")
    filters = check_network(**network)["filters"]["conv2"]
    if _header(archive, "conv2/kernel.npy")[0][-1] != filters:
        raise ValueError("its conv2 is not of the width that it says")
    return network


def assign_weights(model, archive, weights):
    """Give a network the arrays of a file, one of the same shape for each variable.

    Parameters
    ----------
    model : keras.Model
    archive : zipfile.ZipFile
        What `open_weights` gave.
    weights : str or Path
        How an error message names the file.
    """
    problem = f"weights={str(weights)!r}: the file"
    try:
        shapes = {name: tuple(v.shape) for name, v in named_weights(model).items()}
        members = {name[:-4]: name for name in archive.namelist()}  # without ".npy"
        del members["about"]
        if shapes != {name: _header(archive, members[name])[0] for name in members}:
            another = f"holds the weights of another network than {model.name}"
            raise ValueError(f"{problem} {another}")
        for name, variable in named_weights(model).items():
            most = 1000 + 8 * math.prod(shapes[name])
            array = _read_member(archive, members[name], "f", shapes[name], most)
            array = array.astype("float32")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} has values that are not finite numbers")
            variable.assign(array)
    except Exception as error:  # as above
        if str(error).startswith(problem):
            raise
        reason = checks.message_of(error)
        raise ValueError(f"{problem} is damaged ({reason}); make it again") from error


# np.load would take memory for whatever size a file claims to have, so what follows
# looks at each array's header first.


def _header(archive, member):
    """Return an array's shape and type, and how many bytes lie before its numbers."""
    with archive.open(member) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            problem = "is an array of another version than NumPy writes"
            raise ValueError(f"{member} {problem}")
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
        if fortran_order and len(shape) > 1:
            raise ValueError(f"{member} lies in another order than the course writes")
        return shape, dtype, file.tell()


def _read_member(archive, member, kinds, shape, most_bytes):
    """Return an array of this shape, kind of type, and at most so many bytes."""
    found, dtype, offset = _header(archive, member)
    size = archive.getinfo(member).file_size
    if found != shape or dtype.kind not in kinds:
        raise ValueError(f"{member} is {found} of {dtype}")
    if size != offset + math.prod(shape) * dtype.itemsize or size > most_bytes:
        raise ValueError(f"{member} has {size} bytes")
    with archive.open(member) as file:
        return np.frombuffer(file.read(), dtype, offset=offset).reshape(shape)[()]
