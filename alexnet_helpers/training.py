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
import json
import math
import os
import platform
import sys
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

import filelock
import numpy as np
import pandas as pd

from alexnet_helpers import data, distributed, load_keras, models

keras = load_keras()

CHECKPOINT_FOLDER = data.DATA_FOLDER / "checkpoints"
RESULTS_FOLDER = data.DATA_FOLDER / "results"
VALIDATION_IMAGES = 5_000


def _check_choice(name, value, allowed):
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: allowed are {', '.join(allowed)}")


# Augmentation: each takes uint8 images (N, height, width, channels) and a NumPy generator and
# returns new images of the same shape. NumPy, so that it is the same on every Keras backend.


def shift(images, rng, pixels=4):
    """Move each image by up to `pixels` in each direction; black moves in (paper, section 4.1: crops)."""
    n, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    top, left = rng.integers(0, 2 * pixels + 1, (2, n, 1))
    rows, columns = top + np.arange(height), left + np.arange(width)
    return padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def flip(images, rng):
    """Mirror half of the images left to right (paper, section 4.1)."""
    mirrored = rng.random(len(images)) < 0.5
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)


def erase(images, rng, pixels=8):
    """Cover a square of each image with mid-grey ("cutout", DeVries and Taylor, arXiv:1708.04552).

    Its middle is any pixel; its side is `pixels` - 1 (7 for 8), and less where it leaves the image.
    """
    n, height, width, _ = images.shape
    row, column = rng.integers(0, height, (n, 1)), rng.integers(0, width, (n, 1))
    in_rows = np.abs(np.arange(height) - row) < pixels // 2
    in_columns = np.abs(np.arange(width) - column) < pixels // 2
    covered = in_rows[:, :, None, None] & in_columns[:, None, :, None]
    return np.where(covered, np.uint8(128), images)


def erase_wide(images, rng):
    """Cover a square of 11 x 11 pixels, as `erase` does: for networks that learn the images by heart."""
    return erase(images, rng, pixels=12)


def rotate_and_shift(images, rng, degrees=15, fraction=0.1):
    """Turn and move each image at random, as `ImageDataGenerator(rotation_range=15, ...)` does.

    Each image turns by up to `degrees` around its middle and moves by up to `fraction` of its side,
    both ways. Values between pixels are interpolated linearly; border pixels repeat outside.
    """
    n, height, width, _ = images.shape
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


AUGMENTATIONS = {function.__name__: function for function in (shift, flip, erase, erase_wide, rotate_and_shift)}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides how a network trains, as data.

    `learning_rate` is the largest of the schedule: "constant" keeps it, "cosine" climbs to it over
    `warmup_epochs` and falls to 0 along half a cosine. `weight_decay` is decoupled: a step takes
    away learning rate times `weight_decay` times the weight (kernels only). `augmentation` names
    functions of `AUGMENTATIONS`, applied in this order. The other arguments of the network, its
    `ingredients` among them, are those of `models.alexnet_cifar10`.

    "sgd" is stochastic gradient descent with the paper's momentum of 0.9 (section 5). With
    `averaging` above 0, the network that is validated and returned has for each weight a running
    average, of which a step changes the part 1 - `averaging` (Polyak and Juditsky, 1992). The last
    `refine_epochs` of the epochs begin anew at `refine_rate`, fall to 0 along half a cosine and erase
    nothing, so that the network gets used to images as they are (Touvron et al., arXiv:1906.06423).

    Raises
    ------
    ValueError : for a field out of range (the network's own are checked when it is built).
    """

    name: str
    summary: str
    variant: str = "tutorial"
    width: float = 1.0
    kernel_initializer: str = "glorot_uniform"
    centred_input: bool = False
    batch_norm: bool | None = None
    optimizer: str = "adam"
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

    def __post_init__(self):
        _check_choice("optimizer", self.optimizer, ("adam", "adamw", "sgd"))
        _check_choice("schedule", self.schedule, ("constant", "cosine"))
        for augmentation in self.augmentation:
            _check_choice("augmentation", augmentation, AUGMENTATIONS)
        for name, smallest in {"batch_size": 1, "epochs": 1, "warmup_epochs": 0, "refine_epochs": 0}.items():
            distributed._check_integer(name, getattr(self, name), smallest)
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate={self.learning_rate!r}: allowed is a positive number")
        for name in ("averaging", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)!r}: allowed is a number from 0 to less than 1")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay={self.weight_decay!r}: allowed is a number, 0 or more")
        if self.warmup_epochs + self.refine_epochs >= self.epochs:
            parts = f"warmup_epochs={self.warmup_epochs!r}, refine_epochs={self.refine_epochs!r}"
            raise ValueError(f"{parts}: allowed are fewer than epochs={self.epochs} together")
        if not 0 <= self.refine_rate < math.inf or (self.refine_rate > 0) != (self.refine_epochs > 0):
            raise ValueError(
                f"refine_rate={self.refine_rate!r}: allowed is a positive number with refine_epochs, else 0"
            )


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
RECIPES = {recipe.name: recipe for recipe in (COMMON, AS_WRITTEN, REPAIRED, PAPER, MODERN, PAPER_HALF, MODERN_HALF)}

REPAIRS = {
    "He initial weights": {"kernel_initializer": "he_normal"},
    "a tenth of the step size": {"learning_rate": 1e-4},
    "centred inputs": {"centred_input": True},
    "batch normalization": {"batch_norm": True},
}


class Study(NamedTuple):
    """Recipes to be run over their first `steps` batches, each with every seed.

    One row of results is written for `every` so many steps, which divides `steps`. `images` of the
    training images are used, and as many validation images as `validation_images` says.
    """

    recipes: tuple
    seeds: tuple
    steps: int
    every: int = 10
    images: int | None = None
    validation_images: int = 1000


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
    "constant learning rate": {"schedule": "constant"},
    "stem 11x11, stride 4": {"ingredients": {"stem": [11, 4]}},
}
_changed = tuple(dataclasses.replace(BASE, **{"name": name} | changes) for name, changes in CHANGES.items())

STUDIES = {
    "repair_study": Study((_common, *_repaired), seeds=(0, 1, 2, 3, 4, 5), steps=100),
    "plateau_study": Study((_common,), seeds=(0, 1, 2, 3, 4), steps=700),
    "what_mattered": Study(_changed, (0, 1), steps=16 * 200, every=200, images=12_800, validation_images=5000),
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
    ValueError : when images and labels do not match, a label is no class, or the devices cannot
        divide a batch evenly.
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
        if len(images) != len(labels) or not len(images):
            raise ValueError(f"labels: {len(labels)} for {len(images)} images; allowed is one for each of 1 or more")
        if labels.min() < 0 or labels.max() >= num_classes:
            raise ValueError(f"labels: {labels.min()} to {labels.max()}; allowed are 0 to {num_classes - 1}")
        if batch_size % share.devices or len(images) < share.devices:
            raise ValueError(
                f"batch_size={batch_size} for {len(images)} images: allowed with {share.devices} devices is a multiple "
                "of their number, and an image for each"
            )
        self.images, self.labels, self.share = images, labels, share
        self.one_hot = np.eye(num_classes, dtype=np.float32)
        self.batch_size, self.seed = batch_size, seed
        self.augmentation, self.refine_from = augmentation, refine_from
        self.start_epoch(0)

    def start_epoch(self, epoch):
        self.epoch = epoch
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.images))
        self.order = order[: len(order) - len(order) % self.share.devices]

    def __len__(self):
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index):
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        mine = self.share.part(len(chosen))
        # The other processes' images stay black here: random numbers are drawn for them, but they are not read.
        images = np.zeros((len(chosen), *self.images.shape[1:]), np.uint8)
        images[mine] = self.images[chosen[mine]]
        rng = np.random.default_rng([self.seed, self.epoch, index])
        for name in self.augmentation:
            if not (name.startswith("erase") and self.epoch >= self.refine_from):
                images = AUGMENTATIONS[name](images, rng)
        return images[mine], self.one_hot[self.labels[chosen[mine]]]


def split_validation(images, labels, validation_images=VALIDATION_IMAGES, seed=0):
    """Split training data in two: (x_train, y_train), (x_validation, y_validation).

    The validation images are drawn at random, the same ones for the same seed, never from the test
    set. `validation_images` is at most a fifth of the images (small data sets keep enough to learn).
    """
    n = min(validation_images, len(images) // 5)
    order = np.random.default_rng(seed).permutation(len(images))
    held_out, rest = np.sort(order[:n]), np.sort(order[n:])
    return (images[rest], labels[rest]), (images[held_out], labels[held_out])


def predict_two_views(model, images):
    """Return probabilities averaged over each image and its mirror image."""
    views = (images, images[:, :, ::-1])
    return sum(model.predict(view, batch_size=500, verbose=0) for view in views) / 2


def predict_ten_views(model, images, pixels=2):
    """Return probabilities averaged over ten views of each image: the paper's way to test (section 4.1).

    The paper cuts five patches, the corners and the middle, out of a larger image, and takes their
    mirror images too. Here the image stays, or moves by `pixels` towards each corner; black moves in.
    """
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    total = 0.0
    for top, left in ((pixels, pixels), (0, 0), (0, 2 * pixels), (2 * pixels, 0), (2 * pixels, 2 * pixels)):
        total += predict_two_views(model, padded[:, top : top + height, left : left + width])
    return total / 5


@keras.saving.register_keras_serializable(package="alexnet_helpers")
class Refined(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule (or a constant rate) for some steps, then half a cosine from another rate to 0."""

    def __init__(self, main, main_steps, refine_rate, refine_steps):
        """Take the main schedule with its number of steps, and the rate and steps of the cosine after it."""
        self.main = keras.optimizers.schedules.deserialize(main) if isinstance(main, dict) else main
        self.main_steps, self.refine_rate, self.refine_steps = main_steps, refine_rate, refine_steps

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
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if mixed else usual)
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
    if recipe.refine_epochs:
        rate = Refined(rate, main_epochs * steps_per_epoch, recipe.refine_rate, recipe.refine_epochs * steps_per_epoch)
    average = {"use_ema": recipe.averaging > 0, "ema_momentum": recipe.averaging}
    if recipe.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(rate, momentum=0.9, weight_decay=recipe.weight_decay or None, **average)
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
                "try a smaller learning_rate or a longer warm-up (in a recipe of another name), or look for "
                f"pixels that are no numbers. {self.epoch} epochs are safe in the last checkpoint."
            )

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.perf_counter() - self.started
        row = {"epoch": epoch + 1, **{name: round(float(value), 5) for name, value in logs.items()}}
        row["learning_rate"] = float(f"{float(self.model.optimizer.learning_rate):.4g}")
        row["seconds"] = round(seconds, 1)
        row["images_per_second"] = round(len(self.batches.order) / seconds)
        # forward once; backward twice as much: the gradients for the inputs and for the weights
        row["multiply_adds"] = 3 * models.multiply_adds(self.model) * len(self.batches.images)
        self.curves.append(self.facts | row)
        if self.batches.share.process == 0:  # the others hold the same weights
            with distributed.undistributed():  # Keras makes a variable when it saves
                _save_checkpoint(self.folder, epoch + 1, self.model, self.curves)


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

    A run that is killed and run again gives the weights and curves of an unbroken one, to the last
    bit on one machine (a GPU may add up in another order each time).

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
        there or do not divide the batch, processes of a job that do not agree, images of another
        shape, a checkpoint that is damaged or was begun with another definition of the recipe,
        another precision or other images.
    RuntimeError : when another process is training the same recipe and seed.
    OSError : when a folder cannot be written to, or the disk is full; the last checkpoint stays whole.
    FloatingPointError : when the loss is no longer a finite number.
    """
    if isinstance(recipe, str):
        _check_choice("recipe", recipe, RECIPES)
        recipe = RECIPES[recipe]
    distributed._check_integer("seed", seed, 0)
    if epochs is not None:
        distributed._check_integer("epochs", epochs, 1)
    share = distributed.find_share(devices)
    folder = _writable_folder("checkpoint_folder", Path(checkpoint_folder) / f"{recipe.name}-seed{seed}")
    results = _writable_folder("results_folder", results_folder) / f"{recipe.name}.csv"
    lock_file = folder / f"lock{share.process or ''}"  # in a job each process has a lock of its own
    try:
        lock = filelock.FileLock(lock_file).acquire(timeout=0)
    except filelock.Timeout:
        raise RuntimeError(
            f"recipe {recipe.name!r}, seed {seed}: another process is training it (if none is, remove {lock_file})"
        ) from None
    with lock:
        dataset = dataset or data.load_cifar10()
        if dataset.x_train.shape[1:] != (32, 32, 3):
            raise ValueError(f"dataset: images of {dataset.x_train.shape[1:]}; allowed are (32, 32, 3)")
        training, validation = split_validation(dataset.x_train, dataset.y_train)
        classes, refine_from = len(dataset.class_names), recipe.epochs - recipe.refine_epochs
        batches = Batches(*training, recipe.batch_size, recipe.augmentation, seed, classes, refine_from, share)

        if len(validation[0]) < share.devices:
            raise ValueError(f"dataset: {len(validation[0])} validation images; allowed are {share.devices} or more")

        def from_checkpoint():
            keras.utils.set_random_seed(seed)
            model = compile_model(recipe, len(batches), classes, mixed)
            if share.process == 0:
                _check_definition(folder, recipe, dataset, model.dtype_policy.name)
            return model, _load_checkpoint(folder, model)

        with distributed.distribution(share):
            model, curves = from_checkpoint()
            first = len(curves)
            last = recipe.epochs if epochs is None else min(recipe.epochs, first + epochs)
            definition = {"recipe": dataclasses.asdict(recipe), "source": dataset.source, "seed": seed}
            distributed.check_agreement(share, **definition, images=len(batches.images), epochs=(first, last))
            if first < last:
                facts = {"recipe": recipe.name, "seed": seed, "source": dataset.source}
                facts |= _machine_facts(model.dtype_policy.name, share)
                # The averages are in the model's place while it is validated, and not when it is saved.
                averaging = [keras.callbacks.SwapEMAWeights()] if recipe.averaging else []
                mine = share.part(len(validation[0]) - len(validation[0]) % share.devices)
                model.fit(
                    batches,
                    validation_data=(np.asarray(validation[0][mine]), batches.one_hot[validation[1][mine]]),
                    validation_batch_size=max(500 // share.devices, 1) * share.devices // share.processes,
                    initial_epoch=first,
                    epochs=last,
                    callbacks=[*averaging, _Checkpoints(folder, batches, curves, facts)],
                    verbose=verbose,
                    shuffle=False,
                )
        if share.processes > 1:
            return model, pd.DataFrame(curves)
        if share.devices > 1:
            model, curves = from_checkpoint()  # on one device again
        if recipe.averaging:
            model.optimizer.finalize_variable_values(model.trainable_variables)
        if last == recipe.epochs:
            stored, _ = _rows_of_run(results, recipe.name, seed, dataset.source)
            if first == last and len(stored):
                return model, stored  # the test set has been looked at, and once is enough
            return model, _finish(model, dataset, pd.DataFrame(curves), results)
    return model, pd.DataFrame(curves)


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
    if recipe.ingredients:
        raise ValueError(f"recipe: {recipe.name!r} changes {', '.join(recipe.ingredients)}; allowed is none that does")
    arrays = {}
    for name, variable in models.named_weights(model).items():
        array = keras.ops.convert_to_numpy(variable)
        with np.errstate(over="ignore"):
            arrays[name] = array.astype("float16" if array.ndim > 1 else "float32")
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"model: {name} has values that are no finite numbers in {arrays[name].dtype}")
    network = {name: getattr(recipe, name) for name in ("variant", "width", "centred_input")}
    network["batch_norm"] = any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)
    network["num_classes"] = model.output_shape[-1]
    about = {"network": network, **curves.iloc[-1].to_dict()}
    text = json.dumps(about, default=str)

    def write(path):
        with open(path, "wb") as unfinished:
            np.savez_compressed(unfinished, about=np.array(text), **arrays)

    _write_whole(Path(file), write)


def study(name, dataset=None, results_folder=RESULTS_FOLDER):
    """Run the recipes of a study over their first steps; write the losses to results_folder/NAME.csv.

    A run that the file already holds is not repeated, so a study that was killed goes on with the run
    it was at.

    Parameters
    ----------
    name : one of `STUDIES`.
    dataset : what `data.load_cifar10()` returns (the default).

    Returns
    -------
    DataFrame with one row for every ten steps of each run (or as many as the study's `every` says):
    `loss` and `accuracy` are means over those training batches; the last row of a run holds the
    accuracy on validation images and on as many training images (both as they are, without dropout),
    and the seconds that the run took.
    """
    _check_choice("name", name, STUDIES)
    recipes, seeds, steps, every, images, validation_images = STUDIES[name]
    if not isinstance(steps, int) or steps < every or steps % every:
        raise ValueError(f"steps={steps!r}: allowed is a multiple of {every}")
    file = _writable_folder("results_folder", results_folder) / f"{name}.csv"
    dataset = dataset or data.load_cifar10()
    training, validation = split_validation(dataset.x_train, dataset.y_train)
    training = tuple(part[:images] for part in training)
    validation = tuple(part[:validation_images] for part in validation)
    for seed, recipe in ((seed, recipe) for seed in seeds for recipe in recipes):
        facts = {"recipe": recipe.name, "seed": seed, "source": dataset.source, **_machine_facts()}
        if len(_rows_of_run(file, recipe.name, seed, dataset.source)[0]) == steps // every:
            continue
        keras.utils.clear_session()  # else each network stays in memory
        keras.utils.set_random_seed(seed)
        batches = Batches(*training, recipe.batch_size, recipe.augmentation, seed, len(dataset.class_names))
        model = compile_model(recipe, len(batches), len(dataset.class_names))
        measured, started = [], time.perf_counter()
        for step in range(steps):
            epoch, index = divmod(step, len(batches))
            if index == 0:
                batches.start_epoch(epoch)
            model.reset_metrics()
            measured.append(model.train_on_batch(*batches[index], return_dict=True))
        means = pd.DataFrame(measured, dtype=float).groupby(np.arange(steps) // every).mean().round(5)
        step = every * means.index + every
        rows = pd.DataFrame(facts | {"step": step, "loss": means["loss"], "accuracy": means["accuracy"]})
        # Not `predict`, which compiles a graph for each network and warns that there are many.
        known = tuple(part[:validation_images] for part in training)
        for column, (x, y) in {"train_accuracy": known, "val_accuracy": validation}.items():
            parts = np.split(x, range(500, len(x), 500))
            answers = [keras.ops.convert_to_numpy(model(part)).argmax(axis=1) for part in parts]
            rows.loc[rows.index[-1], column] = (np.concatenate(answers) == y).mean().round(5)
        rows.loc[rows.index[-1], "seconds"] = round(time.perf_counter() - started)
        _merge_rows(file, rows)
    return pd.read_csv(file)


def _seed_dropout(model, seed, epoch):
    """Give every dropout layer a state that depends on the seed and the epoch alone."""
    # On PyTorch they draw from its global generator instead.
    keras.utils.set_random_seed(int(np.random.default_rng([seed, epoch]).integers(2**31)))
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:  # without a rate Keras gives it no state
            state = np.random.default_rng([seed, epoch, number]).integers(0, 2**31, 2)
            layer.seed_generator.state.assign(state.astype(np.uint32))


def _check_definition(folder, recipe, dataset, precision):
    """Write down beside the checkpoints what is trained on what; refuse to go on with anything else."""
    file = folder / "recipe.json"
    trained_on = {"source": dataset.source, "images": len(dataset.x_train), "classes": len(dataset.class_names)}
    trained_on["precision"] = precision
    text = json.dumps(dataclasses.asdict(recipe) | trained_on | {"summary": ""}, indent=1)
    if not list(folder.glob("epoch-*.keras")):
        _write_whole(file, lambda path: path.write_text(text))
    begun, now = json.loads(file.read_text()) if file.exists() else {}, json.loads(text)
    changed = [f"{name}={begun.get(name)!r} (now {now[name]!r})" for name in now if begun.get(name) != now[name]]
    if changed:
        raise ValueError(
            f"recipe={recipe.name!r}: {folder} was begun with {', '.join(changed)}. "
            "Give the changed recipe another name, or remove that folder to begin anew"
        )


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
            f"epoch {epoch} could not be saved in {folder} ({error.strerror or error}). Epoch {epoch - 1} is "
            "whole: make room and run again, and the training goes on from there",
        ) from error
    for old in folder.glob("epoch-*"):
        if not old.name.startswith(name):
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
        with zipfile.ZipFile(saved) as archive:
            if archive.testzip() is not None:
                raise ValueError("its checksum is wrong")
        model.load_weights(saved)
        curves = pd.read_csv(saved.with_suffix(".csv")).to_dict("records")
        if saved.stem != f"epoch-{len(curves):03d}":
            raise ValueError(f"its curves have {len(curves)} epochs")
        if not int(model.optimizer.iterations):  # Keras only warns when an optimizer's state does not fit
            raise ValueError("the optimizer's state is missing")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"checkpoint {saved} is damaged ({error}): remove {folder} to begin anew") from error
    return curves


def _finish(model, dataset, curves, file):
    """Look at the test set, once; store curves and confusion matrix beside those of other runs."""
    x_test = np.asarray(dataset.x_test)
    predicted = model.predict(x_test, batch_size=500, verbose=0).argmax(axis=1)
    two_views = predict_two_views(model, x_test).argmax(axis=1)
    ten_views = predict_ten_views(model, x_test).argmax(axis=1)
    views = {"": predicted, "_two_views": two_views, "_ten_views": ten_views}
    for column, answers in ((f"test_accuracy{name}", answers) for name, answers in views.items()):
        curves[column] = np.nan
        curves.loc[curves.index[-1], column] = round(float((answers == dataset.y_test).mean()), 5)
    names, n = list(dataset.class_names), len(dataset.class_names)
    counts = np.bincount(dataset.y_test * n + predicted, minlength=n * n)
    run = {name: curves[name].iloc[0] for name in ("recipe", "seed", "source")}
    table = pd.DataFrame(run | {"truth": np.repeat(names, n), "predicted": np.tile(names, n), "images": counts})
    if n <= 100:  # a table of ImageNet's classes would have a million rows
        _merge_rows(file.with_name(f"{file.stem}-confusion.csv"), table)
    _merge_rows(file, curves)
    return curves


def _rows_of_run(file, recipe, seed, source):
    """Return the rows of one run and all other rows of a table of several runs (the file may be missing)."""
    if not file.exists():
        return pd.DataFrame(), pd.DataFrame()
    table = pd.read_csv(file)
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
    unfinished = path.with_name(f"unfinished-{path.name}")
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
    if not data._writable(Path(folder)):
        raise OSError(f"{argument}={str(folder)!r} cannot be written to: name another folder")
    return Path(folder)


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
        raise ValueError(
            f"processes={options.processes}: allowed on the {backend} backend is 1; KERAS_BACKEND=jax has more"
        )
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
    options = parser.parse_args(arguments)
    given = [name for name, value in vars(options).items() if value != parser.get_default(name)]
    if options.name in STUDIES and (others := set(given) - {"name", "results"}):
        parser.error(f"--{min(others)}: allowed with the study {options.name} is --results")
    if options.processes != 1 and options.devices not in ("1", "all"):
        parser.error(f"--devices {options.devices}: allowed with --processes is all")
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
    print(curves.drop(columns=["source", "machine", "backend", "keras", "numpy"]).to_string(index=False))
    print(f"on {curves['source'].iloc[-1]}")


if __name__ == "__main__":
    main()
