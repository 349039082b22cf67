"""Training with recipes: checkpoints after every epoch, resume after a kill, curves in data/results.

    python -m alexnet_helpers.training RECIPE [--seed 0] [--epochs N] [--devices N] [--processes N] [--images FOLDER]
    python -m alexnet_helpers.training STUDY

The first makes one long run and writes `data/results/RECIPE.csv`. Run again after a kill, it goes on
from the last finished epoch; run again after the end, it trains nothing and keeps the result. On the
JAX backend it can share each batch among devices and processes (notebook 15). The second runs one or
several recipes over their first steps, and writes `data/results/STUDY.csv`.
"""

import argparse
import dataclasses
import itertools
import json
import math
import os
import platform
import secrets
import struct
import sys
import time
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import filelock
import numpy as np
import pandas as pd

from alexnet_helpers import checks, data, distributed, load_keras, models, optimizers

keras = load_keras()

CHECKPOINT_FOLDER = data.DATA_FOLDER / "checkpoints"
RESULTS_FOLDER = data.DATA_FOLDER / "results"
VALIDATION_IMAGES = 5_000
LARGEST_SEED = 2**32 - 1  # of NumPy's global generator, which Keras sets as well


# Augmentation: each takes uint8 images (N, height, width, channels) and a NumPy generator and
# returns new images of the same shape. NumPy, so that it is the same on every Keras backend.


def shift(images, rng, pixels=4):
    """Move each image by up to `pixels` in each direction; black moves in (paper, section 4.1: crops)."""
    _, height, width, _ = checks.pixels("images", images).shape
    pixels, rng = checks.integer("pixels", pixels, 0, max(height, width)), checks.generator("rng", rng)
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    return _cut_out(padded, rng, pixels)


def _cut_out(padded, rng, pixels):
    """Cut each image out of its padded form, `pixels` wider on each side, at a random place."""
    n, height, width = len(padded), padded.shape[1] - 2 * pixels, padded.shape[2] - 2 * pixels
    top, left = rng.integers(0, 2 * pixels + 1, (2, n, 1))
    rows, columns = top + np.arange(height), left + np.arange(width)
    return padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def flip(images, rng):
    """Mirror half of the images left to right (paper, section 4.1)."""
    images = checks.pixels("images", images)
    mirrored = checks.generator("rng", rng).random(len(images)) < 0.5
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)


def erase(images, rng, side=7):
    """Cover a square of each image with mid-grey ("cutout", DeVries and Taylor, arXiv:1708.04552).

    The square has `side` x `side` pixels. Its middle is any pixel of the image; where the square
    leaves the image, less is covered.
    """
    n, height, width, _ = checks.pixels("images", images).shape
    side, rng = checks.integer("side", side, 0, max(height, width)), checks.generator("rng", rng)
    row, column = rng.integers(0, height, (n, 1)), rng.integers(0, width, (n, 1))
    from_top, from_left = np.arange(height) - row + side // 2, np.arange(width) - column + side // 2
    in_rows, in_columns = (from_top >= 0) & (from_top < side), (from_left >= 0) & (from_left < side)
    covered = in_rows[:, :, None, None] & in_columns[:, None, :, None]
    return np.where(covered, np.uint8(128), images)


def erase_wide(images, rng):
    """Cover a square of 11 x 11 pixels, as `erase` does: for networks that memorize their images."""
    if min(checks.pixels("images", images).shape[1:3]) < 11:
        checks.refuse("images", "11 x 11 pixels at least", images)
    return erase(images, rng, side=11)


def rotate_and_shift(images, rng, degrees=15, fraction=0.1):
    """Turn and move each image at random, as `ImageDataGenerator(rotation_range=15, ...)` does.

    Each image turns by up to `degrees` around its middle and moves by up to `fraction` of its side,
    both ways. Values between pixels are interpolated linearly; border pixels repeat outside.
    """
    n, height, width, _ = checks.pixels("images", images).shape
    degrees = checks.number("degrees", degrees, lowest=0, highest=180)
    fraction, rng = checks.number("fraction", fraction, lowest=0, highest=1), checks.generator("rng", rng)
    angle = np.deg2rad(rng.uniform(-degrees, degrees, (n, 1, 1)))
    down = rng.uniform(-fraction, fraction, (n, 1, 1)) * height
    right = rng.uniform(-fraction, fraction, (n, 1, 1)) * width
    middle_row, middle_column = (height - 1) / 2, (width - 1) / 2
    row, column = np.mgrid[:height, :width]
    row, column = row - middle_row + down, column - middle_column + right
    from_row = np.clip(np.cos(angle) * row - np.sin(angle) * column + middle_row, 0, height - 1)
    from_column = np.clip(np.sin(angle) * row + np.cos(angle) * column + middle_column, 0, width - 1)
    top, left = (
        np.minimum(place.astype(int), last - 1) for place, last in ((from_row, height - 1), (from_column, width - 1))
    )
    below, beside = (from_row - top)[..., None], (from_column - left)[..., None]
    image = np.arange(n)[:, None, None]
    upper = images[image, top, left] * (1 - beside) + images[image, top, left + 1] * beside
    lower = images[image, top + 1, left] * (1 - beside) + images[image, top + 1, left + 1] * beside
    return np.rint(upper * (1 - below) + lower * below).astype(images.dtype)


def shift_reflected(images, rng, pixels=2):
    """Move each image by up to `pixels` in each direction; at the border its own mirror image moves in."""
    _, height, width, _ = checks.pixels("images", images).shape
    pixels = checks.integer("pixels", pixels, 0, min(height, width) - 1)
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="reflect")
    return _cut_out(padded, checks.generator("rng", rng), pixels)


def shift_reflected_wide(images, rng):
    """Move each image by up to 4 pixels in each direction, as `shift` does, with the border of `shift_reflected`."""
    if min(checks.pixels("images", images).shape[1:3]) < 5:
        checks.refuse("images", "5 x 5 pixels at least", images)
    return shift_reflected(images, rng, pixels=4)


def alternate_flip(images, mirrored):
    """Mirror the chosen images; `Batches` chooses each image in every second epoch.

    So every two epochs show each image once in each form. Left to chance, half of the images would show the
    same form in both (K. Jordan, arXiv:2404.00498).
    """
    images = checks.pixels("images", images)
    if not isinstance(mirrored, np.ndarray) or mirrored.shape != images.shape[:1] or mirrored.dtype != bool:
        checks.refuse("mirrored", "an array of True or False for each image", mirrored)
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)


AUGMENTATIONS = {
    function.__name__: function
    for function in (shift, flip, erase, erase_wide, rotate_and_shift, shift_reflected, shift_reflected_wide)
}
# What a recipe may name. Which images `alternate_flip` mirrors depends on the epoch and not on chance.
AUGMENTATION_NAMES = (*AUGMENTATIONS, alternate_flip.__name__)


class _Frozen(dict):
    """A dict that does not change any more, and so can be shared by recipes and be the key of another."""

    def __hash__(self):
        return hash(frozenset(self.items()))

    def __reduce__(self):  # copies and pickles are made from a plain dict
        return _Frozen, (dict(self),)

    def _refuse(self, *_, **__):
        raise TypeError("a recipe does not change: make another with dataclasses.replace(recipe, ingredients={...})")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse


def _frozen(value):
    """Return dicts and lists, at any depth, in a form that does not change."""
    if isinstance(value, dict):
        return _Frozen((key, _frozen(part)) for key, part in value.items())
    return tuple(_frozen(part) for part in value) if isinstance(value, (list, tuple)) else value


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides how a network trains, as data.

    `learning_rate` is the largest of the schedule: "constant" keeps it, "cosine" climbs to it over
    `warmup_epochs` and falls to 0 along half a cosine, "linear" falls to 0 in a straight line. With
    `all_images` the network learns from the validation images as well, and is not validated.
    `weight_decay` is decoupled: a step takes away learning rate times `weight_decay` times the
    weight (kernels only). `augmentation` names some of `AUGMENTATION_NAMES`, applied in this order.
    The other arguments of the network, its `ingredients` among them, are those of
    `models.alexnet_cifar10`.

    "sgd" is stochastic gradient descent with the paper's momentum of 0.9 (section 5); with `nesterov`
    the gradient counts where the momentum leads (Sutskever et al., 2013). "muon" is the optimizer of
    `optimizers.Muon`, for the variant "today". With `averaging` above 0, the network that is validated
    and returned has for each weight a running average, of which a step changes the part 1 -
    `averaging` (Polyak and Juditsky, 1992). The last `refine_epochs` of the epochs begin anew at
    `refine_rate`, fall to 0 along half a cosine and erase nothing, so that the network gets used to
    images as they are (Touvron et al., arXiv:1906.06423).

    Raises
    ------
    ValueError : for a field out of range, or one that would have no effect beside the others.
    """

    name: str
    summary: str
    variant: str = "tutorial"
    width: float = 1.0
    kernel_initializer: str = "glorot_uniform"
    centred_input: bool = False
    batch_norm: bool | None = None
    optimizer: str = "adam"
    nesterov: bool = False
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup_epochs: int = 0
    weight_decay: float = 0.0
    averaging: float = 0.0
    ingredients: dict = dataclasses.field(default_factory=dict)
    label_smoothing: float = 0.0
    augmentation: tuple = ()
    batch_size: int = 64
    epochs: int = 50
    refine_epochs: int = 0
    refine_rate: float = 0.0
    all_images: bool = False

    def __post_init__(self):
        for name, value in _check_fields(self).items():
            object.__setattr__(self, name, value)
        _check_combination(self)


def _check_fields(recipe):
    """Return the fields of a recipe, each checked by itself and in the form in which it is kept."""
    if not isinstance(recipe.summary, str):
        checks.refuse("summary", "a text", recipe.summary)
    if not isinstance(recipe.augmentation, (list, tuple)):  # a set has no order
        checks.refuse("augmentation", f"a list of names out of {', '.join(AUGMENTATION_NAMES)}", recipe.augmentation)
    fields = {
        "name": checks.file_name("name", recipe.name),
        "optimizer": checks.choice("optimizer", recipe.optimizer, ("adam", "adamw", "sgd", "muon")),
        "learning_rate": checks.number("learning_rate", recipe.learning_rate, above=0),
        "schedule": checks.choice("schedule", recipe.schedule, ("constant", "cosine", "linear")),
        "weight_decay": checks.number("weight_decay", recipe.weight_decay, lowest=0),
        "averaging": checks.number("averaging", recipe.averaging, lowest=0, below=1),
        "label_smoothing": checks.number("label_smoothing", recipe.label_smoothing, lowest=0, below=1),
        "augmentation": checks.names("augmentation", recipe.augmentation, AUGMENTATION_NAMES),
        "refine_rate": checks.number("refine_rate", recipe.refine_rate, lowest=0),
        "all_images": checks.flag("all_images", recipe.all_images),
        "nesterov": checks.flag("nesterov", recipe.nesterov),
    }
    for name, lowest in {"batch_size": 1, "epochs": 1, "warmup_epochs": 0, "refine_epochs": 0}.items():
        fields[name] = checks.integer(name, getattr(recipe, name), lowest)
    return fields | _check_network_fields(recipe)


def _check_network_fields(recipe):
    """Return the fields that make the network, checked as `models.alexnet_cifar10` does."""
    if not isinstance(recipe.ingredients, dict):
        checks.refuse("ingredients", "a dict of arguments of models.alexnet_cifar10", recipe.ingredients)
    names = ("width", "kernel_initializer", "centred_input", "batch_norm")
    for name in ("variant", *names):
        if getattr(recipe, name) is None and name != "batch_norm":
            checks.refuse(name, "given", None)
    given = {name: getattr(recipe, name) for name in names}
    network = models.check_network(recipe.variant, **given, **recipe.ingredients)
    for name in ("kernel_initializer", "ingredients"):
        try:
            json.dumps(getattr(recipe, name), allow_nan=False)
        except (TypeError, ValueError, RecursionError):  # a recipe is kept in a file beside its checkpoints
            checks.refuse(name, "made of texts, numbers, lists and dicts", getattr(recipe, name))
    fields = {name: network[name] for name in ("variant", "width", "centred_input")}
    fields["batch_norm"] = None if recipe.batch_norm is None else network["batch_norm"]
    return fields | {name: _frozen(getattr(recipe, name)) for name in ("kernel_initializer", "ingredients")}


def _check_combination(recipe):
    """Refuse fields that another one would leave without effect."""
    if recipe.weight_decay and recipe.optimizer == "adam":
        checks.refuse("weight_decay", '0 with optimizer="adam" (only "adamw" and "sgd" decay)', recipe.weight_decay)
    if recipe.weight_decay and recipe.optimizer == "muon":  # which scales each kernel to one size instead
        checks.refuse("weight_decay", '0 with optimizer="muon"', recipe.weight_decay)
    if recipe.nesterov and recipe.optimizer != "sgd":
        checks.refuse("nesterov", 'False without optimizer="sgd"', True)
    if recipe.optimizer == "muon" and recipe.variant != "today":
        checks.refuse("optimizer", "muon with the variant today only", recipe.optimizer)
    if recipe.warmup_epochs and recipe.schedule != "cosine":
        checks.refuse("warmup_epochs", f'0 with schedule="{recipe.schedule}"', recipe.warmup_epochs)
    if recipe.warmup_epochs + recipe.refine_epochs >= recipe.epochs:
        given = f"{recipe.warmup_epochs} and {recipe.refine_epochs}"
        raise ValueError(
            f"warmup_epochs and refine_epochs must be fewer than epochs={recipe.epochs} together, got {given}"
        )
    if (recipe.refine_rate > 0) != (recipe.refine_epochs > 0):
        checks.refuse("refine_rate", "a positive number with refine_epochs, else 0", recipe.refine_rate)


COMMON = Recipe("tutorial", "as many tutorials write it, without their rotation", augmentation=("shift", "flip"))
AS_WRITTEN = dataclasses.replace(
    COMMON,
    name="as_written",
    summary="as many tutorials write it: rotation, shifts and flip, Adam at 0.001, 50 epochs",
    augmentation=("rotate_and_shift", "flip"),
)
REPAIRED = Recipe(
    "tutorial_repaired",
    "the tutorials' layers with initial weights, optimizer, schedule and augmentation repaired",
    kernel_initializer="he_normal",
    centred_input=True,
    optimizer="adamw",
    learning_rate=5e-4,
    schedule="cosine",
    warmup_epochs=2,
    weight_decay=0.5,
    label_smoothing=0.1,
    augmentation=("shift", "flip", "erase"),
    batch_size=128,
    epochs=40,
)
PAPER = Recipe(
    "paper",
    "the paper's ideas fitted to 32 x 32: normalization of responses, overlapping pools, dropout, momentum",
    variant="paper",
    centred_input=True,
    optimizer="sgd",
    learning_rate=0.04,
    schedule="cosine",
    warmup_epochs=1,
    augmentation=("shift", "flip"),
    batch_size=128,
    epochs=80,
)
MODERN = dataclasses.replace(
    PAPER,
    name="modern",
    summary="the same with batch normalization, He weights, label smoothing, erased squares, averaging and refining",
    variant="modern",
    kernel_initializer="he_normal",
    learning_rate=0.1,
    warmup_epochs=2,
    weight_decay=0.005,
    averaging=0.995,
    label_smoothing=0.1,
    augmentation=("shift", "flip", "erase_wide"),
    epochs=100,
    refine_epochs=4,
    refine_rate=0.01,
)
# One of the paper's towers, in as many epochs as two CPU cores train in an hour or a little more.
PAPER_HALF = dataclasses.replace(PAPER, name="paper_half", width=0.5, epochs=24)
MODERN_HALF = dataclasses.replace(MODERN, name="modern_half", width=0.5, epochs=44)
# The same two, as far as they go: three seeds each.
AGAIN = dataclasses.replace(
    REPAIRED,
    name="repaired",
    summary="the tutorials' layers with initial weights, optimizer, schedule, augmentation and averaging repaired",
    averaging=0.999,
    augmentation=("shift_reflected_wide", "flip", "erase"),
    epochs=50,
)
# The paper cuts its patches out of a larger image: no black border, as `shift` would have it.
PAPER_AGAIN = dataclasses.replace(
    PAPER_HALF, name="paper_half_reflected", epochs=40, augmentation=("shift_reflected_wide", "flip")
)
# Chosen on validation images among the four; the last run learns from all 50,000 training images.
TODAY = Recipe(
    "today",
    "five convolutions, three pools, three dense layers, and everything else as one would do it today",
    variant="today",
    centred_input=True,
    optimizer="muon",
    learning_rate=0.1,
    schedule="linear",
    label_smoothing=0.2,
    augmentation=("shift_reflected", "alternate_flip", "erase"),
    batch_size=500,
    epochs=24,
)
TODAY_ALL = dataclasses.replace(TODAY, name="today_all", summary="the same on all training images", all_images=True)
_nothing_erased = {"augmentation": ("shift_reflected", "alternate_flip")}
TODAY_CHOICES = tuple(
    dataclasses.replace(TODAY, name=f"today_{name}", **_nothing_erased, **changes)
    for name, changes in {
        "nothing_erased": {"summary": "the recipe of today without erased squares"},
        "pools_2x2": {
            "summary": "without erased squares, and with pools that do not overlap",
            "ingredients": {"pool": 2},
        },
        "half_rate": {"summary": "without erased squares, at half the rate", "learning_rate": 0.05},
    }.items()
)
TODAY_SHORT = dataclasses.replace(
    TODAY,
    name="today_short",
    summary="a first trial in six epochs: pools that do not overlap, ReLU, twice the rate, nothing erased",
    ingredients={"pool": 2, "activation": "relu"},
    learning_rate=0.2,
    epochs=6,
    **_nothing_erased,
)
_recipes = (COMMON, AS_WRITTEN, REPAIRED, PAPER, MODERN, PAPER_HALF, MODERN_HALF)
_recipes += (AGAIN, PAPER_AGAIN, TODAY, TODAY_ALL, *TODAY_CHOICES, TODAY_SHORT)
RECIPES = {recipe.name: recipe for recipe in _recipes}

REPAIRS = {
    "He initial weights": {"kernel_initializer": "he_normal"},
    "a tenth of the step size": {"learning_rate": 1e-4},
    "centred inputs": {"centred_input": True},
    "batch normalization": {"batch_norm": True},
}


class Study(NamedTuple):
    """Recipes to be run over their first `steps` batches, each with every seed.

    One row of results is written per `every` steps; `every` must divide `steps`. The first `images`
    training images (None: all) and the first `validation_images` validation images are used, or
    those that there are. `name` names the file of results of a study that `STUDIES` does not hold.
    """

    recipes: tuple
    seeds: tuple
    steps: int
    every: int = 10
    images: int | None = None
    validation_images: int = 1000
    name: str | None = None


_common, *_repaired = (
    dataclasses.replace(COMMON, name=name, **changes) for name, changes in {"common recipe": {}, **REPAIRS}.items()
)

# What each ingredient is worth: the quarter-width "paper" network with one thing changed at a time, on 12,800 images.
BASE = dataclasses.replace(
    PAPER, name="base", width=0.25, kernel_initializer="he_normal", learning_rate=0.02, batch_size=64, epochs=16
)
SMALL_NORMAL = {"class_name": "RandomNormal", "config": {"stddev": 0.01}}  # as the paper has it
CHANGES = {
    "base": {},
    "tanh instead of ReLU": {"ingredients": {"activation": "tanh"}},
    "pools do not overlap": {"ingredients": {"pool": 2}},
    "no local response normalization": {"ingredients": {"local_response_norm": False}},
    "batch normalization instead": {"batch_norm": True},
    "no dropout": {"ingredients": {"dropout": 0.0}},
    "no augmentation": {"augmentation": ()},
    "without conv2": {"ingredients": {"without": ["conv2"]}},
    "without conv3 or conv4": {"ingredients": {"without": ["conv3"]}},  # in one tower the same network
    "without conv5": {"ingredients": {"without": ["conv5"]}},
    "without fc6 or fc7": {"ingredients": {"without": ["fc7"]}},  # of equal size, so again the same
    "two towers": {"ingredients": {"towers": 2}},
    "Glorot initial weights": {"kernel_initializer": "glorot_uniform"},
    "weights from N(0, 0.01²)": {"kernel_initializer": SMALL_NORMAL},
    "biases of 1": {"ingredients": {"ones_in_biases": True}},
    "constant learning rate": {"schedule": "constant", "warmup_epochs": 0},
    "stem 11x11, stride 4": {"ingredients": {"stem": [11, 4]}},
}
# What the recipe of today has, one thing at a time.
MORE_CHANGES = {
    "stem 3x3 of 54 filters": {"ingredients": {"stem": [3, 1, 54]}},  # what the next one is compared with
    "the same stem, whitened and fixed": {"ingredients": {"stem": [3, 1, 54], "whitened": True}},
    "reflected border": {"augmentation": ("shift_reflected_wide", "flip")},
    "alternating flip": {"augmentation": ("shift", "alternate_flip")},
    "erased squares": {"augmentation": ("shift", "flip", "erase")},
    "label smoothing of 0.1": {"label_smoothing": 0.1},
    "averaged weights": {"averaging": 0.995},
    "Nesterov momentum": {"nesterov": True},
    "rate falling in a line": {"schedule": "linear", "warmup_epochs": 0},
}
CHANGES |= MORE_CHANGES
_changed = tuple(dataclasses.replace(BASE, **{"name": name} | changes) for name, changes in CHANGES.items())
_first_changed = tuple(recipe for recipe in _changed if recipe.name not in MORE_CHANGES)

STUDIES = {
    "repair_study": Study((_common, *_repaired), seeds=(0, 1, 2, 3, 4, 5), steps=100),
    "plateau_study": Study((_common,), seeds=(0, 1, 2, 3, 4), steps=700),
    "what_mattered": Study(_first_changed, (0, 1), steps=16 * 200, every=200, images=12_800, validation_images=5000),
    "ideas": Study(_changed, (0, 1, 2, 3, 4), steps=16 * 200, every=200, images=12_800, validation_images=5000),
}


class Batches(keras.utils.PyDataset):
    """Shuffled, augmented batches, the same for the same seed and epoch on every machine.

    Nothing random is kept from one batch to the next: batch i of epoch e draws from a generator
    seeded with (seed, e, i). So a run that is resumed sees what an unbroken run would have seen.
    From epoch `refine_from` (counted from 0) on, nothing is erased. With a `share`, this process
    gets its part of each batch; the last batch of an epoch is shortened to what its devices can
    divide evenly.

    Raises
    ------
    ValueError : if the images are not N x height x width x 3 uint8, the labels are not one integer
        from 0 to `num_classes` - 1 for each, or the devices cannot divide a batch evenly.
    IndexError : for a batch that the epoch does not have.
    """

    def __init__(
        self,
        images,
        labels,
        batch_size,
        augmentation=(),
        seed=0,
        num_classes=10,
        refine_from=math.inf,
        share=distributed.ALONE,
    ):
        super().__init__()
        num_classes = checks.integer("num_classes", num_classes, 1, models.MOST_CLASSES)
        self.images = checks.pixels("images", images)
        n = self.images.shape[0]
        self.labels = checks.integers("labels", labels, 0, num_classes - 1, length=n).astype(np.int64)
        self.batch_size = checks.integer("batch_size", batch_size)
        if not isinstance(augmentation, (list, tuple)):
            checks.refuse("augmentation", f"a list of names out of {', '.join(AUGMENTATION_NAMES)}", augmentation)
        self.augmentation = checks.names("augmentation", augmentation, AUGMENTATION_NAMES)
        self.seed = checks.integer("seed", seed, 0, LARGEST_SEED)
        never = isinstance(refine_from, float) and refine_from == math.inf
        self.refine_from = refine_from if never else checks.integer("refine_from", refine_from, 0)
        self.share = distributed.check_share(share)
        if self.batch_size % share.devices or n < share.devices:
            raise ValueError(
                f"batch_size must be a multiple of the {share.devices} devices, and there must be an image for each, "
                f"got {self.batch_size} for {n} images"
            )
        self.one_hot = np.eye(num_classes, dtype=np.float32)
        self.mirrored_first = np.random.default_rng(self.seed).random(n) < 0.5
        self.start_epoch(0)

    def start_epoch(self, epoch):
        self.epoch = checks.integer("epoch", epoch, 0)
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.images))
        self.order = order[: len(order) - len(order) % self.share.devices]

    def __len__(self):
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index):
        if isinstance(index, (int, np.integer)) and not 0 <= index < len(self):
            raise IndexError(f"index must be an integer from 0 to {len(self) - 1}, got {index}")
        index = checks.integer("index", index, 0)
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        mine = self.share.part(len(chosen))
        # The other processes' images stay black here: random numbers are drawn for them, but they are not read.
        images = np.zeros((len(chosen), *self.images.shape[1:]), np.uint8)
        images[mine] = self.images[chosen[mine]]
        rng = np.random.default_rng([self.seed, self.epoch, index])
        for name in self.augmentation:
            if name == "alternate_flip":
                images = alternate_flip(images, self.mirrored_first[chosen] ^ (self.epoch % 2 == 1))
            elif not (name.startswith("erase") and self.epoch >= self.refine_from):
                images = AUGMENTATIONS[name](images, rng)
        return images[mine], self.one_hot[self.labels[chosen[mine]]]


def split_validation(images, labels, validation_images=VALIDATION_IMAGES, seed=0):
    """Split training data in two: (x_train, y_train), (x_validation, y_validation).

    The validation images are drawn at random, the same ones for the same seed, never from the test
    set. `validation_images` is at most a fifth of the images (small data sets keep enough to learn).
    """
    wanted = "one for each image, along the first axis"
    if not hasattr(images, "shape"):  # images in files have one, and are not read here
        images = checks.as_array("images", images, wanted)
    labels = checks.as_array("labels", labels, wanted)
    for name, part in {"images": images, "labels": labels}.items():
        if not len(part.shape) or part.shape[0] != images.shape[0]:
            checks.refuse(name, wanted, part)
    validation_images = checks.integer("validation_images", validation_images, 0)
    seed = checks.integer("seed", seed, 0, LARGEST_SEED)
    n = min(validation_images, len(images) // 5)
    order = np.random.default_rng(seed).permutation(len(images))
    held_out, rest = np.sort(order[:n]), np.sort(order[n:])
    return (images[rest], labels[rest]), (images[held_out], labels[held_out])


def predict_two_views(model, images):
    """Return probabilities averaged over each image and its mirror image.

    The images are N x height x width x 3 uint8, of the size that the model takes.
    """
    images = _check_views(model, images)
    views = (images, images[:, :, ::-1])
    return sum(model.predict(view, batch_size=500, verbose=0) for view in views) / 2


def predict_ten_views(model, images, pixels=2, reflected=False):
    """Return probabilities averaged over ten views of each image: the paper's way to test (section 4.1).

    The paper cuts five patches, the corners and the middle, out of a larger image, and takes their
    mirror images too. Here the image stays, or moves by `pixels` towards each corner; black moves in, or
    with `reflected` its own mirror image, as in `shift_reflected`.
    """
    images = _check_views(model, images)
    height, width = images.shape[1:3]
    pixels = checks.integer("pixels", pixels, 0, min(height, width) - 1)
    mode = "reflect" if checks.flag("reflected", reflected) else "constant"
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode=mode)
    total = 0.0
    for top, left in ((pixels, pixels), (0, 0), (0, 2 * pixels), (2 * pixels, 0), (2 * pixels, 2 * pixels)):
        total += predict_two_views(model, padded[:, top : top + height, left : left + width])
    return total / 5


def _check_views(model, images):
    """Return the images as an array, if the model takes such: TensorFlow may kill the process that hands it others."""
    needed = getattr(models.check_model(model), "input_shape", ())
    if not isinstance(needed, tuple) or len(needed) != 4 or None in needed[1:]:
        checks.refuse("model", "a network for images of one size", model)
    return np.asarray(checks.pixels("images", images, shape=needed[1:]))


@keras.saving.register_keras_serializable(package="alexnet_helpers")
class Refined(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule (or a constant rate) for some steps, then half a cosine from another rate to 0."""

    def __init__(self, main, main_steps, refine_rate, refine_steps):
        """Take the main schedule with its number of steps, and the rate and steps of the cosine after it."""
        main = keras.optimizers.schedules.deserialize(main) if isinstance(main, dict) and main else main
        if not isinstance(main, keras.optimizers.schedules.LearningRateSchedule):
            main = checks.number("main", main, above=0)
        self.main, self.main_steps = main, checks.integer("main_steps", main_steps)
        self.refine_rate = checks.number("refine_rate", refine_rate, above=0)
        self.refine_steps = checks.integer("refine_steps", refine_steps)

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        done = keras.ops.clip((step - self.main_steps) / self.refine_steps, 0, 1)
        refined = self.refine_rate * (1 + keras.ops.cos(math.pi * done)) / 2
        return keras.ops.where(step < self.main_steps, self.main(step) if callable(self.main) else self.main, refined)

    def get_config(self):
        main = keras.optimizers.schedules.serialize(self.main) if callable(self.main) else self.main
        names = ("main_steps", "refine_rate", "refine_steps")
        return {"main": main} | {name: getattr(self, name) for name in names}


def compile_model(recipe, steps_per_epoch, num_classes=10, mixed=False):
    """Return the recipe's network, untrained and compiled for `recipe.epochs` epochs.

    With `mixed` it computes in float16 what a GPU multiplies faster so, and keeps its weights in float32.
    """
    recipe, steps_per_epoch = _find_recipe(recipe), checks.integer("steps_per_epoch", steps_per_epoch)
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if checks.flag("mixed", mixed) else usual)
    try:
        return _compile_model(recipe, steps_per_epoch, num_classes)
    finally:
        keras.config.set_dtype_policy(usual)


def _compile_model(recipe, steps_per_epoch, num_classes):
    names = ("width", "kernel_initializer", "centred_input", "batch_norm")
    network = {name: getattr(recipe, name) for name in names}
    model = models.alexnet_cifar10(recipe.variant, num_classes=num_classes, **network, **recipe.ingredients)
    rate, main_epochs = recipe.learning_rate, recipe.epochs - recipe.refine_epochs
    if recipe.schedule == "cosine":
        warmup = recipe.warmup_epochs * steps_per_epoch
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else rate,
            max(1, main_epochs * steps_per_epoch - warmup),
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    elif recipe.schedule == "linear":
        rate = keras.optimizers.schedules.PolynomialDecay(rate, main_epochs * steps_per_epoch, 0.0, power=1.0)
    if recipe.refine_epochs:
        rate = Refined(rate, main_epochs * steps_per_epoch, recipe.refine_rate, recipe.refine_epochs * steps_per_epoch)
    average = {"use_ema": recipe.averaging > 0, "ema_momentum": recipe.averaging}
    if recipe.optimizer == "sgd":
        options = {"momentum": 0.9, "nesterov": recipe.nesterov, "weight_decay": recipe.weight_decay or None}
        optimizer = keras.optimizers.SGD(rate, **options, **average)
    elif recipe.optimizer == "muon":
        # Only kernels with batch normalization behind them: their scale has no effect.
        kernels = [f"{name}/kernel" for name in ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7")]
        optimizer = optimizers.Muon(rate, orthogonal=kernels, **average)
    elif recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, **average)
    else:
        optimizer = keras.optimizers.Adam(rate, **average)
    if optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    # jit_compile=False: on a CPU, TensorFlow's plain graph was measured 2-8 times faster.
    model.compile(
        optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        jit_compile="auto" if keras.backend.backend() != "tensorflow" else False,
    )
    return model


def _whiten(model, recipe, images):
    """Set conv1 from the images, where the recipe has it so."""
    if recipe.variant == "today" or recipe.ingredients.get("whitened"):
        models.whiten(model, np.asarray(images[:5000]))


class _Checkpoints(keras.callbacks.Callback):
    """After every epoch: write down the curves, then the checkpoint; forget the older checkpoint."""

    def __init__(self, folder, batches, curves, facts):
        super().__init__()
        self.folder, self.batches, self.curves, self.facts = folder, batches, curves, facts

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.start_epoch(epoch)
        _seed_dropout(self.model, self.batches.seed, epoch)
        self.epoch, self.started = epoch, time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            raise FloatingPointError(
                f"the loss is {float(logs['loss'])} after batch {batch + 1} of epoch {self.epoch + 1}: "
                f"try a smaller learning_rate or a longer warm-up (in a recipe of another name). {_saved(self.epoch)}"
            )

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.perf_counter() - self.started
        if broken := _not_finite(self.model):  # else it would be saved, and each later start would end here
            raise FloatingPointError(
                f"{broken} has values that are not finite numbers after epoch {epoch + 1}: "
                f"try a smaller learning_rate (in a recipe of another name). {_saved(epoch)}"
            )
        row = {"epoch": epoch + 1, **{name: round(float(value), 5) for name, value in logs.items()}}
        row["learning_rate"] = float(f"{float(self.model.optimizer.learning_rate):.4g}")
        row["seconds"] = round(seconds, 1)
        row["images_per_second"] = round(len(self.batches.order) / seconds)
        # forward once; backward twice as much: the gradients for the inputs and for the weights
        row["multiply_adds"] = 3 * models.multiply_adds(self.model) * len(self.batches.images)
        row["petaflop"] = round((epoch + 1) * row["multiply_adds"] * 2 / 1e15, 5)  # since the first epoch
        self.curves.append(self.facts | row)
        if self.batches.share.process == 0:  # the others hold the same weights
            with distributed.undistributed():  # Keras makes a variable when it saves
                _save_checkpoint(self.folder, epoch + 1, self.model, self.curves)


def _not_finite(model):
    """Return the name of the first weight, or number of the optimizer, that is NaN or infinite, or None."""
    for variable in [*model.variables, *model.optimizer.variables]:
        values = keras.ops.convert_to_numpy(variable)
        if np.issubdtype(values.dtype, np.inexact) and not np.isfinite(values).all():
            return getattr(variable, "path", variable.name)
    return None


def _saved(epochs):
    """Say what a run that ends now has kept."""
    return f"The checkpoint of epoch {epochs} is whole." if epochs else "No epoch has been saved."


def _find_recipe(recipe):
    """Return a recipe by its name, or the one that was given."""
    if isinstance(recipe, Recipe):
        return recipe
    if not isinstance(recipe, str) or recipe not in RECIPES:
        checks.refuse("recipe", f"a Recipe, or one of {', '.join(RECIPES)}", recipe)
    return RECIPES[recipe]


def _check_dataset(dataset):
    """Return a data set (None: CIFAR-10) whose images, labels and names fit each other and the network."""
    dataset = data.load_cifar10() if dataset is None else dataset
    wanted = "data.ImageData, such as data.load_cifar10() returns"
    if isinstance(dataset, (list, tuple)) and not hasattr(dataset, "_fields"):
        remedy = (
            ". Of (x_train, y_train), (x_test, y_test), as keras.datasets loads them, make data.ImageData("
            "x_train, y_train.ravel(), x_test, y_test.ravel(), class_names, source), with a name for each class and "
            "a text that says which images these are"
        )
        raise ValueError(f"dataset must be {wanted}, got a {type(dataset).__name__} of {len(dataset)}{remedy}")
    if missing := [name for name in data.ImageData._fields if not hasattr(dataset, name)]:
        raise ValueError(f"dataset must be {wanted}, got {checks.describe(dataset)}, which has no {missing[0]}")
    names = dataset.class_names
    if isinstance(names, str) or not isinstance(names, (list, tuple)) or not len(names):
        checks.refuse("class_names", "a list of names, one for each class", names)
    names = tuple(_check_name("class_names", name) for name in names)
    if twice := [name for name, count in zip(*np.unique(names, return_counts=True)) if count > 1]:
        checks.refuse("class_names", "names that differ", str(twice[0]))
    arrays = {}
    for part in ("train", "test"):
        x = checks.pixels(f"x_{part}", getattr(dataset, f"x_{part}"), shape=(32, 32, 3))
        y = checks.integers(f"y_{part}", getattr(dataset, f"y_{part}"), 0, len(names) - 1, length=x.shape[0])
        arrays |= {f"x_{part}": x, f"y_{part}": y.astype(np.int64)}
    return data.ImageData(**arrays, class_names=names, source=_check_name("source", dataset.source))


def _check_name(argument, name):
    """Return a text that can be written into a table and is read back as it is."""
    name = str(checks.text(argument, name))
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in name) or set(name) & set("\r\n\0"):
        checks.refuse(argument, "a text of one line that UTF-8 can hold", name)
    return name


def _checksum(dataset):
    """Return a number that changes with the training images, their labels or the names of the classes."""
    images, crc = dataset.x_train, zlib.crc32(json.dumps([dataset.class_names, dataset.x_train.shape]).encode())
    crc = zlib.crc32(dataset.y_train.astype("<i8").tobytes(), crc)
    if (files := getattr(images, "files", None)) is not None:  # they are too many to be read: names and sizes must do
        for file in map(Path, files):
            crc = zlib.crc32(f"{file.parent.name}/{file.name} {file.stat().st_size}".encode(), crc)
        return crc
    for start in range(0, len(images), 1000):
        crc = zlib.crc32(np.ascontiguousarray(images[start : start + 1000]), crc)
    return crc


def train(
    recipe,
    dataset=None,
    seed=0,
    epochs=None,
    checkpoint_folder=CHECKPOINT_FOLDER,
    results_folder=RESULTS_FOLDER,
    verbose="auto",
    mixed=False,
    devices=1,
):
    """Train a recipe from the last checkpoint on, and write its curves when it ends.

    A run that is killed and run again gives the weights and curves of an unbroken one, but for what
    rounding adds where a machine adds up in another order each time.

    Parameters
    ----------
    recipe : a `Recipe`, or the name of one in `RECIPES`.
    dataset : what `data.load_cifar10()` returns (the default).
    seed : decides the initial weights, the order of the images, the augmentation and dropout.
    epochs : how many epochs to train in this call; None trains to the end of the recipe. A run that
        stops early keeps its checkpoint and is continued by the next call.
    checkpoint_folder, results_folder : where checkpoints (260 MB for 21.6 million weights with
        Adam's averages) and curves go.
    verbose : as in `keras.Model.fit`.
    mixed : whether to compute in mixed precision (float16, weights in float32), for a GPU.
    devices : how many devices share each batch, on the JAX backend: a number, or "all". Where the
        environment names a job of several processes (`load_keras`), all of them call this function
        with "all"; the first writes the checkpoints, into a folder that all can read, and after the
        last epoch no one looks at the test images: a call outside the job does. Of the last batch of
        an epoch, and of the validation images, as many are left out as the devices cannot share.

    Returns
    -------
    (model, curves) : the trained `keras.Model`, and a DataFrame with one row an epoch. At the end
    of the recipe the last row holds the accuracy on the test images as they are, with
    `predict_two_views` and with `predict_ten_views`; `results_folder/RECIPE.csv` holds the curves
    of every seed and data set, `RECIPE-confusion.csv` beside it how many test images of each class
    were taken for which (for up to 100 classes).

    Raises
    ------
    ValueError : for an unknown recipe, a negative seed, fewer than one epoch, devices that are not
        there or do not divide the batch, processes of a job that do not agree, images or labels of
        another shape or type, a damaged table of results, a checkpoint that is damaged or was begun
        with another definition of the recipe, another precision, other images, labels or classes.
    RuntimeError : when another process is training the same recipe and seed.
    OSError : when a folder cannot be written to, or the disk is full; the last checkpoint stays whole.
    FloatingPointError : when the loss or a weight is no longer a finite number.
    """
    recipe, share = _find_recipe(recipe), distributed.find_share(devices)
    seed = checks.integer("seed", seed, 0, LARGEST_SEED)
    epochs = recipe.epochs if epochs is None else checks.integer("epochs", epochs)
    verbose, mixed = checks.choice("verbose", verbose, ("auto", 0, 1, 2)), checks.flag("mixed", mixed)
    dataset = None if dataset is None else _check_dataset(dataset)
    _check_clock()
    checkpoint_folder = checks.path("checkpoint_folder", checkpoint_folder)
    folder = _writable_folder("checkpoint_folder", checkpoint_folder / f"{recipe.name}-seed{seed}")
    results = _writable_folder("results_folder", results_folder) / f"{recipe.name}.csv"
    with _lock(folder, recipe, seed, share):
        dataset = _check_dataset(None) if dataset is None else dataset
        for table in (results, _confusion(results)):
            _read_table(table)  # damaged ones are named now, not after the last epoch
        run = _Run(recipe, dataset, seed, epochs, folder, mixed, share, verbose)
        model, curves, first, last = run.train()
        if share.processes > 1:
            return model, pd.DataFrame(curves)
        if last < recipe.epochs:
            return model, pd.DataFrame(curves)
        stored, _ = _rows_of_run(results, recipe.name, seed, dataset.source)
        if first == last and len(stored):
            return model, stored  # the test set has been looked at, and once is enough
        reflected = any("reflected" in name for name in recipe.augmentation)
        return model, _finish(model, dataset, pd.DataFrame(curves), results, reflected)


def _lock(folder, recipe, seed, share):
    """Hold the folder of a run, so that no other process trains it; in a job each process has a lock of its own."""
    file = folder / f"lock{share.process or ''}"
    try:
        return filelock.FileLock(file).acquire(timeout=0)
    except filelock.Timeout:
        raise RuntimeError(
            f"recipe {recipe.name!r}, seed {seed}: another process is training it (if none is, remove {file})"
        ) from None


class _Run:
    """One call of `train`: from the last checkpoint on, for some epochs."""

    def __init__(self, recipe, dataset, seed, epochs, folder, mixed, share, verbose):
        self.recipe, self.dataset, self.seed, self.epochs = recipe, dataset, seed, epochs
        self.folder, self.mixed, self.share, self.verbose = folder, mixed, share, verbose
        self.checksum, self.classes = _checksum(dataset), len(dataset.class_names)
        training, self.validation = split_validation(dataset.x_train, dataset.y_train)
        if recipe.all_images:
            training = dataset.x_train, dataset.y_train
        if (n := len(self.validation[0])) < share.devices:
            raise ValueError(
                f"x_train must have images enough for {share.devices} validation images, a fifth of them, got {n}"
            )
        refine_from = recipe.epochs - recipe.refine_epochs
        self.batches = Batches(
            *training, recipe.batch_size, recipe.augmentation, seed, self.classes, refine_from, share
        )

    def from_checkpoint(self):
        """Return the network and the curves of the epochs that it has behind it."""
        keras.utils.set_random_seed(self.seed)
        model = compile_model(self.recipe, len(self.batches), self.classes, self.mixed)
        if self.share.process == 0:
            _check_definition(self.folder, self.recipe, self.dataset, model.dtype_policy.name, self.checksum)
        _whiten(model, self.recipe, self.batches.images)
        return model, _load_checkpoint(self.folder, model)

    def train(self):
        """Return the network on one device, the curves, and from which to which epoch it was trained."""
        recipe, share = self.recipe, self.share
        with distributed.distribution(share):
            model, curves = self.from_checkpoint()
            first = len(curves)
            last = min(recipe.epochs, first + self.epochs)
            definition = {"recipe": dataclasses.asdict(recipe), "source": self.dataset.source, "seed": self.seed}
            definition |= {"images": len(self.batches.images), "data": self.checksum, "epochs": (first, last)}
            distributed.check_agreement(share, **definition)
            if first < last:
                self.fit(model, curves, last)
        if share.processes == 1:
            if share.devices > 1:
                model, curves = self.from_checkpoint()  # on one device again
            if recipe.averaging:
                model.optimizer.finalize_variable_values(model.trainable_variables)
                self.batches.start_epoch(last)  # the same batches and masks whichever epoch was trained in this call
                _seed_dropout(model, self.seed, last)
                _measure_normalization(model, self.batches)
        return model, curves, first, last

    def fit(self, model, curves, last):
        """Train up to the epoch `last`, and add a row for each epoch to the curves."""
        share, (images, labels) = self.share, self.validation
        facts = {"recipe": self.recipe.name, "seed": self.seed, "source": self.dataset.source}
        facts |= _machine_facts(model.dtype_policy.name, share)
        # The averages are in the model's place while it is validated, and not when it is saved.
        averaging = [keras.callbacks.SwapEMAWeights()] if self.recipe.averaging else []
        mine = share.part(len(images) - len(images) % share.devices)
        validation = (np.asarray(images[mine]), self.batches.one_hot[labels[mine]])
        validation = None if self.recipe.all_images else validation
        model.fit(
            self.batches,
            validation_data=validation,
            validation_batch_size=max(500 // share.devices, 1) * share.devices // share.processes,
            initial_epoch=len(curves),
            epochs=last,
            callbacks=[*averaging, _Checkpoints(self.folder, self.batches, curves, facts)],
            verbose=self.verbose,
            shuffle=False,
        )


def _measure_normalization(model, batches, most=20):
    """Give normalization layers means and variances over some batches of a network whose weights were averaged.

    Those that it has are of the weights before the averaging.
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    usual = [layer.momentum for layer in norms]
    for number in range(min(most, len(batches)) if norms else 0):
        for layer in norms:
            layer.momentum = number / (number + 1)  # so that all batches count the same
        model(batches[number][0], training=True)
    for layer, momentum in zip(norms, usual):
        layer.momentum = momentum


def save_weights(file, model, recipe, curves):
    """Write a trained network to a file that `models.alexnet_cifar10(weights=file)` reads.

    Kernels are rounded to float16, the short vectors (biases, normalization) kept in float32; the
    file is a .npz without pickle. With them goes what the run's last row of curves says.

    Parameters
    ----------
    file : where to; an older file of that name is replaced when the new one is complete.
    model, curves : what `train` returned; recipe : what it was given (a `Recipe`).

    Raises
    ------
    ValueError : for a weight that is no finite number in its format, or a recipe with `ingredients`.
    """
    file = _regular_file("file", file)
    recipe, weights = _find_recipe(recipe), models.named_weights(model)
    if recipe.ingredients:
        changed = f"{recipe.name!r}, which changes {', '.join(recipe.ingredients)}"
        raise ValueError(f"recipe must be one without ingredients, got {changed}")
    if model.name != f"alexnet_cifar10_{recipe.variant}":
        checks.refuse("model", f"a network of the recipe {recipe.name!r}", model.name)
    if not isinstance(curves, pd.DataFrame) or not len(curves):
        checks.refuse("curves", "the DataFrame that train returned", curves)
    _check_clock()
    arrays = {}
    for name, variable in weights.items():
        array = keras.ops.convert_to_numpy(variable)
        with np.errstate(over="ignore"):
            arrays[name] = array.astype("float16" if array.ndim > 1 else "float32")
        if not np.isfinite(arrays[name]).all():
            kind = arrays[name].dtype
            raise ValueError(f"model must have weights that are finite numbers in {kind}, got others in {name}")
    network = {name: getattr(recipe, name) for name in ("variant", "width", "centred_input")}
    network["batch_norm"] = any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)
    network["num_classes"] = model.output_shape[-1]
    about = {"network": network, **curves.iloc[-1].to_dict()}
    text = json.dumps(about, default=str)

    def write(path):
        with open(path, "wb") as unfinished:
            np.savez_compressed(unfinished, about=np.array(text), **arrays)

    _write_whole(file, write)


def _regular_file(argument, file):
    """Return the path of a file that may be written or replaced; of a link, that of the file that it leads to."""
    path = Path(os.path.realpath(checks.path(argument, file)))
    if not path.parent.is_dir() or (path.exists() and not path.is_file()):
        checks.refuse(argument, "the path of a file, in a folder that there is", str(file))
    return path


def study(name, dataset=None, results_folder=RESULTS_FOLDER):
    """Run the recipes of a study over their first steps; write the losses to results_folder/NAME.csv.

    A run that the file already holds is not repeated, so a study that was killed goes on with the run
    it was at.

    Parameters
    ----------
    name : one of `STUDIES`, or a `Study` with a name.
    dataset : what `data.load_cifar10()` returns (the default).

    Returns
    -------
    DataFrame with one row for every ten steps of each run (or as many as the study's `every` says):
    `loss` and `accuracy` are means over those training batches; the last row of a run holds the
    accuracy on validation images and on as many training images (both as they are, without dropout),
    and the seconds that the run took. `definition` is a checksum of the recipe, the study's numbers
    and the images.

    Raises
    ------
    ValueError : for an unknown study, one with fields that do not fit, a damaged table of results, or
        one that holds a run of another definition or with other images.
    """
    name, asked = _find_study(name)
    dataset = None if dataset is None else _check_dataset(dataset)
    file = _writable_folder("results_folder", results_folder) / f"{name}.csv"
    _read_table(file)
    dataset = _check_dataset(None) if dataset is None else dataset
    checksum, runs = _checksum(dataset), list(itertools.product(asked.seeds, asked.recipes))
    definitions = {recipe: _definition_of_row(asked, recipe, checksum) for recipe in asked.recipes}
    for seed, recipe in runs:
        rows, _ = _rows_of_run(file, recipe.name, seed, dataset.source)
        if "definition" in rows and not set(rows["definition"]) <= {"", definitions[recipe]}:
            raise ValueError(
                f"recipe {recipe.name!r}, seed {seed}: its rows in {file} were made with another definition of the "
                "recipe or the study, or with other images. Give it another name, or remove that file to begin anew"
            )
    for seed, recipe in runs:
        rows, _ = _rows_of_run(file, recipe.name, seed, dataset.source)
        if len(rows) != asked.steps // asked.every:
            _merge_rows(file, _run_of_study(asked, recipe, seed, dataset, definitions[recipe]))
    return _read_table(file)


def _find_study(name):
    """Return the name of a study and the study, with its fields checked."""
    if isinstance(name, Study):
        found, known = name, [title for title, one in STUDIES.items() if one is name]
        name = found.name if found.name is not None or not known else known[0]
        if name is None:
            checks.refuse("name", "a Study with a name: Study(..., name='my_study')", None)
    elif isinstance(name, str) and name in STUDIES:
        found = STUDIES[name]
    else:
        checks.refuse("name", f"a Study, or one of {', '.join(STUDIES)}", name)
    recipes, seeds = found.recipes, found.seeds
    if not isinstance(recipes, (list, tuple)) or not recipes or not all(isinstance(one, Recipe) for one in recipes):
        checks.refuse("recipes", "a list of one Recipe or more", recipes)
    if len({recipe.name for recipe in recipes}) < len(recipes):
        checks.refuse("recipes", "of different names", [recipe.name for recipe in recipes])
    if not isinstance(seeds, (list, tuple, range)) or not len(seeds):
        checks.refuse("seeds", "a list of one integer or more", seeds)
    every, steps = checks.integer("every", found.every), checks.integer("steps", found.steps)
    if steps % every:
        checks.refuse("steps", f"a multiple of every={every}", steps)
    return checks.file_name("name", name), found._replace(
        recipes=tuple(recipes),
        seeds=tuple(checks.integer("seeds", seed, 0, LARGEST_SEED) for seed in seeds),
        steps=steps,
        every=every,
        images=None if found.images is None else checks.integer("images", found.images),
        validation_images=checks.integer("validation_images", found.validation_images),
    )


def _definition_of_row(asked, recipe, checksum):
    """Return a short text that another definition of the recipe or the study, or other images, would change."""
    usual = {field.name: field.default for field in dataclasses.fields(recipe)}
    own = {name: value for name, value in dataclasses.asdict(recipe).items() if value != usual[name]}
    own |= {name: getattr(asked, name) for name in ("steps", "every", "images", "validation_images")}
    own |= {"name": "", "summary": "", "data": checksum, "precision": keras.config.dtype_policy().name}
    return f"{zlib.crc32(json.dumps(own, sort_keys=True).encode()):08x}"


def _run_of_study(asked, recipe, seed, dataset, definition):
    """Train one recipe with one seed, and return its rows."""
    facts = {"recipe": recipe.name, "seed": seed, "source": dataset.source, **_machine_facts()}
    training, validation = split_validation(dataset.x_train, dataset.y_train)
    training = tuple(part[: asked.images] for part in training)
    keras.utils.clear_session()  # else each network stays in memory
    keras.utils.set_random_seed(seed)
    batches = Batches(*training, recipe.batch_size, recipe.augmentation, seed, len(dataset.class_names))
    model = compile_model(recipe, len(batches), len(dataset.class_names))
    _whiten(model, recipe, batches.images)
    measured, started = [], time.perf_counter()
    for step in range(asked.steps):
        epoch, index = divmod(step, len(batches))
        if index == 0:
            batches.start_epoch(epoch)
        model.reset_metrics()
        measured.append(model.train_on_batch(*batches[index], return_dict=True))
    if recipe.averaging:
        model.optimizer.finalize_variable_values(model.trainable_variables)
    means = pd.DataFrame(measured, dtype=float).groupby(np.arange(asked.steps) // asked.every).mean().round(5)
    step = asked.every * means.index + asked.every
    columns = {"definition": definition, "step": step, "loss": means["loss"], "accuracy": means["accuracy"]}
    rows = pd.DataFrame(facts | columns)
    # Not `predict`, which compiles a graph for each network and warns that there are many.
    for column, (x, y) in {"train_accuracy": training, "val_accuracy": validation}.items():
        x, y = np.asarray(x[: asked.validation_images]), y[: asked.validation_images]
        parts = np.split(x, range(500, len(x), 500))
        answers = [keras.ops.convert_to_numpy(model(part)).argmax(axis=1) for part in parts]
        rows.loc[rows.index[-1], column] = (np.concatenate(answers) == y).mean().round(5)
    rows.loc[rows.index[-1], "seconds"] = round(time.perf_counter() - started)
    return rows


def _seed_dropout(model, seed, epoch):
    """Give every dropout layer a state that depends on the seed and the epoch alone."""
    # On PyTorch they draw from its global generator instead.
    keras.utils.set_random_seed(int(np.random.default_rng([seed, epoch]).integers(2**31)))
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:  # without a rate Keras gives it no state
            state = np.random.default_rng([seed, epoch, number]).integers(0, 2**31, 2)
            layer.seed_generator.state.assign(state.astype(np.uint32))


def _check_definition(folder, recipe, dataset, precision, checksum):
    """Write down beside the checkpoints what is trained on what; refuse to go on with anything else."""
    file = folder / "recipe.json"
    trained_on = {"source": dataset.source, "images": len(dataset.x_train), "classes": len(dataset.class_names)}
    trained_on |= {"precision": precision, "checksum": checksum}
    text = json.dumps(dataclasses.asdict(recipe) | trained_on | {"summary": ""}, indent=1)
    now = json.loads(text)
    if list(folder.glob("epoch-*.keras")):
        begun = _read_definition(file, recipe)
        # Those that were begun before checksums were kept go on, and get one.
        begun.setdefault("checksum", checksum)
        changed = [name for name in now if begun.get(name) != now[name]]
        said = [f"{name}={begun.get(name)!r} (now {now[name]!r})" for name in changed if name != "checksum"]
        said += ["other images, labels or class names"] if changed == ["checksum"] else []
        if changed:
            raise ValueError(
                f"recipe={recipe.name!r}: {folder} was begun with {', '.join(said)}. "
                "Give the changed recipe another name, or remove that folder to begin anew"
            )
    if not file.is_file() or file.read_text("utf-8") != text:
        _write_whole(file, lambda path: path.write_text(text, "utf-8"))


def _read_definition(file, recipe):
    """Return what was written down when a run began; a field that the recipes did not have then, as it is usually."""
    usual = {field.name: field.default for field in dataclasses.fields(recipe)} | {"ingredients": {}}
    try:
        begun = json.loads(file.read_text("utf-8"))
        if not isinstance(begun, dict) or not {"name", "source", "images", "learning_rate"} <= set(begun):
            raise ValueError("it does not say what was trained")
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{file} is missing or damaged ({error}): without it, it is unknown what the checkpoints there belong to. "
            f"Remove {file.parent} to begin anew"
        ) from error
    known = {name: value for name, value in usual.items() if value is not dataclasses.MISSING}
    return json.loads(json.dumps(known)) | begun


def _save_checkpoint(folder, epoch, model, curves):
    """Write curves, then model, each whole or not at all; only then remove the older ones."""
    name = f"epoch-{epoch:03d}"
    try:
        _write_table(folder / f"{name}.csv", pd.DataFrame(curves))
        _write_whole(folder / f"{name}.keras", model.save)
    except OSError as error:
        (folder / f"{name}.csv").unlink(missing_ok=True)
        raise OSError(
            error.errno,
            f"epoch {epoch} could not be saved in {folder} ({error.strerror or error}). {_saved(epoch - 1)} "
            "Make room and run again, and the training goes on from there",
        ) from error
    # What a killed process was writing goes, too: only this process writes in this folder.
    for old in [*folder.glob("epoch-*"), *folder.glob("unfinished-*")]:
        if old.stem != name:
            old.unlink()


def _load_checkpoint(folder, model):
    """Give a compiled model the weights and optimizer state of the last epoch; return its curves as rows.

    Not `keras.saving.load_model`: a saved optimizer forgets which weights its decay leaves out.
    """
    saved = max(folder.glob("epoch-*.keras"), default=None)
    if saved is None:
        return []
    model.optimizer.build(model.trainable_variables)
    try:
        curves = _read_curves(saved.with_suffix(".csv"))
        if saved.stem != f"epoch-{len(curves):03d}":
            raise ValueError(f"its curves have {len(curves)} epochs")
        model.load_weights(saved)
        if not int(model.optimizer.iterations):  # Keras only warns when an optimizer's state does not fit
            raise ValueError("the optimizer's state is missing")
        if broken := _not_finite(model):
            raise ValueError(f"{broken} has values that are not finite numbers")
    except (*_ERRORS_OF_A_FILE, RuntimeError) as error:
        raise ValueError(f"checkpoint {saved} is damaged ({error}): remove {folder} to begin anew") from error
    return curves


# What zipfile, h5py, json and pandas raise for a file that is damaged in one way or another.
_ERRORS_OF_A_FILE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
    NotImplementedError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def _read_curves(file):
    """Return the rows of a checkpoint's curves, which must be whole."""
    if not file.read_bytes().endswith(b"\n"):
        raise ValueError("its curves are cut off")
    needed = ["recipe", "seed", "source", "epoch", "loss"]
    table = _read_table(file, needed)
    if table[needed].isna().any(axis=None) or table["epoch"].tolist() != list(range(1, len(table) + 1)):
        raise ValueError("its curves have gaps")
    return table.to_dict("records")


def _finish(model, dataset, curves, file, reflected):
    """Look at the test set, once; store curves and confusion matrix beside those of other runs.

    Ten views have the border that the network has learned with.
    """
    x_test = np.asarray(dataset.x_test)
    predicted = model.predict(x_test, batch_size=500, verbose=0).argmax(axis=1)
    two_views = predict_two_views(model, x_test).argmax(axis=1)
    ten_views = predict_ten_views(model, x_test, reflected=reflected).argmax(axis=1)
    views = {"": predicted, "_two_views": two_views, "_ten_views": ten_views}
    for column, answers in ((f"test_accuracy{name}", answers) for name, answers in views.items()):
        curves[column] = np.nan
        curves.loc[curves.index[-1], column] = round(float((answers == dataset.y_test).mean()), 5)
    names, n = list(dataset.class_names), len(dataset.class_names)
    counts = np.bincount(dataset.y_test * n + predicted, minlength=n * n)
    run = {name: curves[name].iloc[0] for name in ("recipe", "seed", "source")}
    table = pd.DataFrame(run | {"truth": np.repeat(names, n), "predicted": np.tile(names, n), "images": counts})
    if n <= 100:  # a table of ImageNet's classes would have a million rows
        _merge_rows(_confusion(file), table)
    _merge_rows(file, curves)
    return curves


def _confusion(file):
    """Return where the confusion matrices of the runs in a table of results lie."""
    return file.with_name(f"{file.stem}-confusion.csv")


# Columns whose values are texts, whatever they look like: a recipe may be called "NA", a class "1".
TEXTS = ("recipe", "source", "machine", "backend", "keras", "numpy", "precision", "definition", "truth", "predicted")


def _read_table(file, needed=("recipe", "seed", "source")):
    """Return a table as it was written (the file may be missing); name the file if it is damaged."""
    if not file.exists():
        return pd.DataFrame(columns=list(needed))
    try:
        columns = pd.read_csv(file, nrows=0).columns
        if missing := [name for name in needed if name not in columns]:
            raise ValueError(f"it has no column {missing[0]}")
        empty = {name: [""] for name in columns if name not in TEXTS}
        table = pd.read_csv(file, dtype=dict.fromkeys(TEXTS, str), keep_default_na=False, na_values=empty)
        if table["seed"].dtype.kind not in "iu" and len(table):
            raise ValueError("a seed in it is no integer")
    except _ERRORS_OF_A_FILE as error:
        raise ValueError(
            f"{file} is damaged ({' '.join(str(error).split())}): repair it, or move it away to begin anew"
        ) from error
    return table


def _rows_of_run(file, recipe, seed, source):
    """Return the rows of one run and all other rows of a table of several runs (the file may be missing)."""
    table = _read_table(file)
    same = (table["recipe"] == recipe) & (table["seed"] == seed) & (table["source"] == source)
    return table[same].reset_index(drop=True), table[~same]


def _merge_rows(file, rows):
    """Put the rows of one run into the table of several; two processes that end together lose nothing."""
    with filelock.FileLock(file.with_name(file.name + ".lock")):
        _, others = _rows_of_run(file, *rows[["recipe", "seed", "source"]].iloc[0])
        merged = pd.concat([others, rows]) if len(others) else rows
        # A stable sort: the rows of a run keep their order.
        _write_table(file, merged.sort_values(["source", "seed", "recipe"], kind="stable"))


def _write_table(path, table):
    _write_whole(path, lambda unfinished: table.to_csv(unfinished, index=False))


def _write_whole(path, write):
    """Have `write` make a file under another name, then rename it: `path` is never half written."""
    # Each writer has a name of its own: two that write the same file do not write into each other's.
    unfinished = path.with_name(f"unfinished-{secrets.token_hex(4)}-{path.name}")
    try:
        write(unfinished)
        with open(unfinished, "r+b") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _writable_folder(argument, folder):
    """Return a folder, made if need be, in which files can be made; else say which argument names another."""
    folder = checks.path(argument, folder)
    if not data._writable(folder):
        raise OSError(f"{argument}={str(folder)!r} cannot be written to: name another folder")
    return folder


def _check_clock():
    """Say before a training begins that its checkpoints, which are zip files, could not be written at the end."""
    if not 1980 <= (year := time.localtime().tm_year) <= 2107:
        raise RuntimeError(f"this machine's clock says {year}, which no zip file can hold: set it right, and run again")


def _machine_facts(precision=None, share=distributed.ALONE):
    """Name the machine kind, the versions and the precision (None: Keras' present one) that a result depends on."""
    shared = f", {share.devices} devices in {share.processes} processes" if share.devices > 1 else ""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    return {
        "machine": f"{processor}, {os.cpu_count()} cores{shared}",
        "backend": f"{keras.backend.backend()} {sys.modules[keras.backend.backend()].__version__}",
        "keras": keras.__version__,
        "numpy": np.__version__,
        "precision": precision or keras.config.dtype_policy().name,
    }


def _train_in_processes(options):
    """Do with several processes what the command line asks for; return how many epochs are in the checkpoint."""
    if (backend := keras.backend.backend()) != "jax":
        checks.refuse("processes", f"1 on the {backend} backend (KERAS_BACKEND=jax has more)", options.processes)
    passed_on = {name: getattr(options, name) for name in ("seed", "epochs", "checkpoints", "results", "images")}
    command = [sys.executable, "-m", "alexnet_helpers.training", options.name, "--devices=all"]
    command += [f"--{name}={value}" for name, value in passed_on.items() if value is not None]
    folder = _writable_folder("checkpoints", Path(options.checkpoints) / f"{options.name}-seed{options.seed}")
    try:
        distributed.run_job(command + ["--mixed"] * options.mixed, options.processes, folder, first_appears=True)
    finally:
        done = max((int(file.stem[-3:]) for file in folder.glob("epoch-*.keras")), default=0)
        print(f"{folder} holds a checkpoint of epoch {done}" if done else f"{folder} holds no checkpoint yet")
    return done


def main(arguments=None):
    """Train the recipe, or make the study, that the command line names (see the module's docstring)."""
    summaries = [f"{recipe.name}: {recipe.summary}" for recipe in RECIPES.values()]
    parser = argparse.ArgumentParser(prog="python -m alexnet_helpers.training", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=[*RECIPES, *STUDIES], help="; ".join(summaries))
    parser.add_argument("--seed", type=int, default=0, help="of a recipe; a study has its own")
    parser.add_argument("--epochs", type=int, help="stop after this many epochs; the next call goes on from there")
    parser.add_argument("--checkpoints", default=CHECKPOINT_FOLDER, help="folder for checkpoints (%(default)s)")
    parser.add_argument("--results", default=RESULTS_FOLDER, help="folder for curves (%(default)s)")
    parser.add_argument("--mixed", action="store_true", help="compute in float16 where a GPU is faster so")
    parser.add_argument("--images", metavar="FOLDER", help="learn FOLDER/train/CLASS/*, test on FOLDER/val/CLASS/*")
    parser.add_argument("--devices", default="1", metavar="N", help="share each batch: a number, or all (JAX)")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="start so many here, on the CPU (JAX)")
    parser.add_argument("--weights", metavar="FILE", help="write the trained network to this file, too, at the end")
    if arguments is not None:
        arguments = checks.texts("arguments", arguments)
    options = parser.parse_args(arguments)
    given = [name for name, value in vars(options).items() if value != parser.get_default(name)]
    if options.name in STUDIES and (others := set(given) - {"name", "results"}):
        parser.error(f"--{min(others)} must be left out with the study {options.name}, which takes --results only")
    if options.processes != 1 and options.devices not in ("1", "all"):
        parser.error(f"--devices must be all with --processes, got {options.devices}")
    if options.name in STUDIES:
        curves = study(options.name, results_folder=options.results).dropna(subset="val_accuracy")
    else:
        folders = {"checkpoint_folder": options.checkpoints, "results_folder": options.results}
        how = {"seed": options.seed, "epochs": options.epochs, "mixed": options.mixed, "verbose": 2}
        how["devices"] = int(options.devices) if options.devices.isdecimal() else options.devices
        recipe = RECIPES[options.name]
        if options.processes != 1:
            done = _train_in_processes(options)
            if done < recipe.epochs:
                print(f"{done} of {recipe.epochs} epochs are done")
                return
            how |= {"epochs": None, "devices": 1}  # what is left to do: a look at the test images
        dataset = data.load_image_folder(options.images) if options.images else None
        model, curves = train(recipe, dataset, **how, **folders)
        if distributed.find_share("all").processes > 1:
            return  # whoever started this job says how it went
        if options.weights and len(curves) < recipe.epochs:
            print(f"{options.weights} is not written yet: {len(curves)} of {recipe.epochs} epochs are done")
        elif options.weights:
            save_weights(options.weights, model, recipe, curves)
        curves = curves.tail(3)
    hidden = ["source", "machine", "backend", "keras", "numpy", "definition"]
    print(curves.drop(columns=hidden, errors="ignore").to_string(index=False))
    print(f"on {curves['source'].iloc[-1]}")


if __name__ == "__main__":
    main()
