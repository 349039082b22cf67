"""The variants of AlexNet for CIFAR-10, and what may be changed in them."""

import random
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from alexnet_helpers import checks, load_keras
from alexnet_helpers.numpy_layers import check_normalization

keras = load_keras()

MOST_CLASSES = 100_000  # more than any data set has: a larger number is a slip


class _Variant(NamedTuple):
    """The sizes of a network for CIFAR-10 at width 1."""

    kernel: int  # of conv1
    stride: int  # of conv1
    units: int  # in fc6 and in fc7
    filters: dict  # in each convolution that learns


_PAPER_FILTERS = {"conv1": 96, "conv2": 256, "conv3": 384, "conv4": 384, "conv5": 256}
_TODAY_FILTERS = {"conv2": 96, "conv3": 192, "conv4": 256, "conv5": 256}
CIFAR10_VARIANTS = {
    "tutorial": _Variant(11, 4, 4096, _PAPER_FILTERS),
    "paper": _Variant(5, 1, 512, _PAPER_FILTERS),
    "modern": _Variant(5, 1, 512, _PAPER_FILTERS),
    "today": _Variant(3, 1, 256, _TODAY_FILTERS),
}
# What else may be changed in a variant, and what it is if it is not given
# (None: what the variant has). `models.alexnet_cifar10` says what each means.
_INGREDIENTS = {
    "activation": "relu",
    "pool": 3,
    "dropout": 0.5,
    "towers": 1,
    "stem": None,
    "whitened": False,
    "local_response_norm": None,
    "without": (),
    "ones_in_biases": False,
}
_REMOVABLE = ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7")
TOWERED = ("conv2", "conv4", "conv5")  # see the channels of their own tower only


def check_network(
    variant=None,
    width=None,
    num_classes=None,
    kernel_initializer=None,
    centred_input=None,
    batch_norm=None,
    **ingredients,
):
    """Return all settings of a network, with the variant's own where none is given.

    Parameters
    ----------
    variant, width, num_classes, kernel_initializer, centred_input, batch_norm
        As for `models.alexnet_cifar10`.
    **ingredients
        Likewise.

    Returns
    -------
    dict
        The settings by the names of the arguments, all ingredients among them, and what
        follows from them: "stem", (kernel, stride) of conv1, "filters" of each
        convolution, and "units" of fc6 and fc7.

    Raises
    ------
    ValueError
        Also for a setting that would have no effect beside the others.

    Examples
    --------
    >>> network = check_network("paper", width=0.5)
    >>> network["num_classes"], network["local_response_norm"], network["units"]
    (10, True, 256)
    """
    variant = _default(variant, "tutorial")
    variant = checks.choice("variant", variant, CIFAR10_VARIANTS)
    centred_input = _default(centred_input, variant == "today")
    batch_norm = _default(batch_norm, variant in ("modern", "today"))
    if variant == "today":
        _check_today(centred_input, batch_norm, ingredients)
        ingredients = {"activation": "gelu"} | ingredients
    if unknown := [name for name in ingredients if name not in _INGREDIENTS]:
        allowed = ", ".join(_INGREDIENTS)
        raise ValueError(f"ingredients must be out of {allowed}, got {unknown[0]}")
    num_classes = _default(num_classes, 10)
    initializer = _default(kernel_initializer, "glorot_uniform")
    network = {
        "variant": variant,
        "width": checks.number("width", _default(width, 1.0), 0.02, 4),
        "num_classes": checks.integer("num_classes", num_classes, 1, MOST_CLASSES),
        "kernel_initializer": check_initializer(initializer),
        "centred_input": checks.flag("centred_input", centred_input),
        "batch_norm": checks.flag("batch_norm", batch_norm),
        **_check_ingredients(**_INGREDIENTS | ingredients),
    }
    _check_contradictions(network, ingredients)
    if network["local_response_norm"] is None:
        network["local_response_norm"] = variant == "paper" and not batch_norm
    return network | _sizes(network)


def _default(value, default):
    """Return the default in place of None."""
    return default if value is None else value


def _sizes(network):
    """Return what the variant, the width and the stem say about the layers' sizes."""
    variant, width = CIFAR10_VARIANTS[network["variant"]], network["width"]
    kernel, stride, *of_conv1 = network["stem"] or (variant.kernel, variant.stride)
    filters = {name: _scaled(n, width) for name, n in variant.filters.items()}
    if of_conv1:
        filters["conv1"] = of_conv1[0]
    units = _scaled(variant.units, width)
    return {"stem": (kernel, stride), "filters": filters, "units": units}


def _scaled(size, width):
    return max(1, round(size * width))


def _check_today(centred_input, batch_norm, ingredients):
    """Refuse what the variant "today" cannot do without, or does not have."""
    needed = {"centred_input": centred_input, "batch_norm": batch_norm}
    for name, value in needed.items():
        if not checks.flag(name, value):
            checks.refuse(name, 'True or None with variant="today"', value)
    for name in set(ingredients) & set(_INGREDIENTS) - {"activation", "pool"}:
        checks.refuse(name, 'left out with variant="today"', ingredients[name])


def _check_ingredients(
    activation,
    pool,
    dropout,
    towers,
    stem,
    whitened,
    local_response_norm,
    without,
    ones_in_biases,
):
    """Return the ingredients as a dict, each within its range."""
    if isinstance(local_response_norm, Mapping):
        local_response_norm = check_normalization(local_response_norm)
    elif local_response_norm is not None:
        local_response_norm = checks.flag("local_response_norm", local_response_norm)
    return {
        "activation": _check_activation(activation),
        "pool": checks.integer("pool", pool, 1, 32),
        "dropout": checks.number("dropout", dropout, lowest=0, below=1),
        "towers": checks.choice("towers", towers, (1, 2)),
        "stem": None if stem is None else _check_stem(stem),
        "whitened": checks.flag("whitened", whitened),
        "local_response_norm": local_response_norm,
        "without": checks.names("without", without, _REMOVABLE),
        "ones_in_biases": checks.flag("ones_in_biases", ones_in_biases),
    }


def _check_stem(stem):
    """Return (kernel, stride) of conv1, or (kernel, stride, filters)."""
    if not isinstance(stem, (list, tuple)) or len(stem) not in (2, 3):
        needed = "(kernel, stride) of conv1, two integers from 1 to 32"
        checks.refuse("stem", f"{needed}, or with its filters", stem)
    limits = (32, 32, 1024)
    return tuple(checks.integer("stem", n, 1, most) for n, most in zip(stem, limits))


def _check_contradictions(network, given):
    """Refuse settings that would have no effect, or that cannot be together."""
    without = set(network["without"])
    beside_batch_norm = {
        "local_response_norm": "None or False with batch_norm=True",
        "whitened": "False with batch_norm=True",  # its conv1 keeps its bias
        "ones_in_biases": "False with batch normalization, which replaces the biases",
    }
    for name, needed in beside_batch_norm.items():
        if network["batch_norm"] and network[name]:
            checks.refuse(name, needed, network[name])
    if network["whitened"] and network["stem"] != (3, 1, 54):
        checks.refuse("whitened", "False without stem=(3, 1, 54)", True)
    if network["ones_in_biases"] and without >= {*TOWERED, "fc6", "fc7"}:
        needed = "False without conv2, conv4, conv5, fc6 and fc7"
        checks.refuse("ones_in_biases", needed, True)
    dropout = network["dropout"]
    if "dropout" in given and dropout and without >= {"fc6", "fc7"}:
        checks.refuse("dropout", "0, or not given, without fc6 and fc7", dropout)
    if network["towers"] == 2:
        _check_towers(network["width"], without)


def _check_towers(width, without):
    """Refuse two towers if no layer has them, or if a layer cannot be divided."""
    if without >= set(TOWERED):
        checks.refuse("towers", "1 without conv2, conv4 and conv5", 2)
    for name, filters in _PAPER_FILTERS.items():
        if _scaled(filters, width) % 2 and name not in without:
            needed = f"such that {name} can be divided into two towers"
            checks.refuse("width", needed, width)


def check_initializer(value):
    """Return an initializer, or what Keras makes one of; refuse what draws no kernels.

    >>> check_initializer("he_normal")
    'he_normal'
    """
    if isinstance(value, keras.initializers.Initializer):
        return value
    # A new initializer draws its seed from Python's generator, whose state is set back:
    # a look at a recipe does not change how the next network starts.
    state = random.getstate()
    try:
        initializer = keras.initializers.get(_plain(value))
        kernel = keras.ops.convert_to_numpy(initializer((3, 3, 2, 2)))
        usable = kernel.shape == (3, 3, 2, 2) and np.isfinite(kernel).all()
    except Exception:  # of any kind: Keras' own, or those of the caller's function
        usable = False
    finally:
        random.setstate(state)
    if not usable:
        needed = "by its name or its class_name and config"
        needed = f"an initializer of Keras for any layer, {needed}"
        checks.refuse("kernel_initializer", needed, value)
    return _plain(value)


def _check_activation(value):
    """Return the name of a Keras activation that works on each value, or a function."""
    if isinstance(value, str) and value == _INGREDIENTS["activation"]:
        return value
    try:
        activation = keras.activations.get(_plain(value))
        usable = activation(keras.ops.zeros((2, 3))).shape == (2, 3)
    except Exception:  # as above
        usable = False
    if value is None or not usable:
        needed = "the name of an activation of Keras, such as 'relu' or 'tanh'"
        checks.refuse("activation", needed, value)
    return value


def _plain(value):
    """Return dicts of any kind as plain ones, which Keras may change."""
    if not isinstance(value, dict):
        return value
    return {key: _plain(part) for key, part in value.items()}
