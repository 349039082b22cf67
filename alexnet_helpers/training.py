"""Training a recipe: from the last checkpoint to the last epoch, and one look at the test images."""

import dataclasses
import json
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from alexnet_helpers import checks, data, load_keras, scale
from alexnet_helpers.batches import LARGEST_SEED, Batches, split_validation
from alexnet_helpers.checkpoints import (
    CHECKPOINT_FOLDER,
    Checkpoints,
    check_clock,
    check_definition,
    load_checkpoint,
    lock_run,
    seed_dropout,
)
from alexnet_helpers.compilation import compile_model, whiten_stem
from alexnet_helpers.recipes import find_recipe
from alexnet_helpers.results import (
    RESULTS_FOLDER,
    confusion_file,
    machine_facts,
    merge_rows,
    read_table,
    rows_of_run,
    writable_folder,
)
from alexnet_helpers.views import predict_ten_views, predict_two_views

keras = load_keras()

__all__ = ("train",)


def check_dataset(dataset):
    """Return a data set (None: CIFAR-10) whose images, labels and names fit each other and the network."""
    dataset = data.load_cifar10() if dataset is None else dataset
    wanted = "data.ImageData, such as data.load_cifar10() returns"
    if isinstance(dataset, (list, tuple)) and not hasattr(dataset, "_fields"):
        remedy = (
            ". Of (x_train, y_train), (x_test, y_test), as keras.datasets loads them,"
            " make data.ImageData(x_train, y_train.ravel(), x_test, y_test.ravel(),"
            " class_names, source), with a name for each class and a text that says"
            " which images these are"
        )
        raise ValueError(
            f"dataset must be {wanted}, got a {type(dataset).__name__} of"
            f" {len(dataset)}{remedy}"
        )
    if missing := [
        name for name in data.ImageData._fields if not hasattr(dataset, name)
    ]:
        raise ValueError(
            f"dataset must be {wanted}, got {checks.describe(dataset)}, which has no"
            f" {missing[0]}"
        )
    names = dataset.class_names
    if isinstance(names, str) or not isinstance(names, (list, tuple)) or not len(names):
        checks.refuse("class_names", "a list of names, one for each class", names)
    names = tuple(_check_name("class_names", name) for name in names)
    if twice := [
        name for name, count in zip(*np.unique(names, return_counts=True)) if count > 1
    ]:
        checks.refuse("class_names", "names that differ", str(twice[0]))
    arrays = {}
    for part in ("train", "test"):
        x = checks.pixels(f"x_{part}", getattr(dataset, f"x_{part}"), shape=(32, 32, 3))
        y = checks.integers(
            f"y_{part}",
            getattr(dataset, f"y_{part}"),
            0,
            len(names) - 1,
            length=x.shape[0],
        )
        arrays |= {f"x_{part}": x, f"y_{part}": y.astype(np.int64)}
    return data.ImageData(
        **arrays, class_names=names, source=_check_name("source", dataset.source)
    )


def _check_name(argument, name):
    """Return a text that can be written into a table and is read back as it is."""
    name = str(checks.text(argument, name))
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in name) or set(name) & set(
        "\r\n\0"
    ):
        checks.refuse(argument, "a text of one line that UTF-8 can hold", name)
    return name


def checksum_of(dataset):
    """Return a number that changes with the training images, their labels or the names of the classes."""
    images, crc = (
        dataset.x_train,
        zlib.crc32(json.dumps([dataset.class_names, dataset.x_train.shape]).encode()),
    )
    crc = zlib.crc32(dataset.y_train.astype("<i8").tobytes(), crc)
    if (
        files := getattr(images, "files", None)
    ) is not None:  # they are too many to be read: names and sizes must do
        for file in map(Path, files):
            crc = zlib.crc32(
                f"{file.parent.name}/{file.name} {file.stat().st_size}".encode(), crc
            )
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
    """Train a recipe from the last checkpoint on, and write its curves.

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
    of every seed and data set (of a run that was stopped early without any look at the test
    images), `RECIPE-confusion.csv` beside it how many test images of each class were taken for which
    (for up to 100 classes).

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
    recipe, share = find_recipe(recipe), scale.find_share(devices)
    seed = checks.integer("seed", seed, 0, LARGEST_SEED)
    epochs = recipe.epochs if epochs is None else checks.integer("epochs", epochs)
    verbose, mixed = (
        checks.choice("verbose", verbose, ("auto", 0, 1, 2)),
        checks.flag("mixed", mixed),
    )
    dataset = None if dataset is None else check_dataset(dataset)
    check_clock()
    checkpoint_folder = checks.path("checkpoint_folder", checkpoint_folder)
    folder = writable_folder(
        "checkpoint_folder", checkpoint_folder / f"{recipe.name}-seed{seed}"
    )
    results = writable_folder("results_folder", results_folder) / f"{recipe.name}.csv"
    with lock_run(folder, recipe, seed, share):
        dataset = check_dataset(None) if dataset is None else dataset
        for table in (results, confusion_file(results)):
            read_table(table)  # damaged ones are named now, not after the last epoch
        run = _Run(recipe, dataset, seed, epochs, folder, mixed, share, verbose)
        model, curves, first, last = run.train()
        if share.processes > 1:
            return model, pd.DataFrame(curves)
        if last < recipe.epochs:
            merge_rows(results, pd.DataFrame(curves))
            return model, pd.DataFrame(curves)
        stored, _ = rows_of_run(results, recipe.name, seed, dataset.source)
        if (
            first == last
            and "test_accuracy" in stored
            and stored["test_accuracy"].notna().any()
        ):
            return model, stored  # the test set has been looked at, and once is enough
        reflected = any("reflected" in name for name in recipe.augmentation)
        return model, _finish(model, dataset, pd.DataFrame(curves), results, reflected)


class _Run:
    """One call of `train`: from the last checkpoint on, for some epochs."""

    def __init__(self, recipe, dataset, seed, epochs, folder, mixed, share, verbose):
        self.recipe, self.dataset, self.seed, self.epochs = (
            recipe,
            dataset,
            seed,
            epochs,
        )
        self.folder, self.mixed, self.share, self.verbose = (
            folder,
            mixed,
            share,
            verbose,
        )
        self.checksum, self.classes = checksum_of(dataset), len(dataset.class_names)
        training, self.validation = split_validation(dataset.x_train, dataset.y_train)
        if recipe.all_images:
            training = dataset.x_train, dataset.y_train
        if (n := len(self.validation[0])) < share.devices:
            raise ValueError(
                f"x_train must have images enough for {share.devices} validation"
                f" images, a fifth of them, got {n}"
            )
        refine_from = recipe.epochs - recipe.refine_epochs
        self.batches = Batches(
            *training,
            recipe.batch_size,
            recipe.augmentation,
            seed,
            self.classes,
            refine_from,
            share,
        )

    def from_checkpoint(self):
        """Return the network and the curves of the epochs that it has behind it."""
        keras.utils.set_random_seed(self.seed)
        model = compile_model(self.recipe, len(self.batches), self.classes, self.mixed)
        if self.share.process == 0:
            check_definition(
                self.folder,
                self.recipe,
                self.dataset,
                model.dtype_policy.name,
                self.checksum,
            )
        whiten_stem(model, self.batches.images)
        return model, load_checkpoint(self.folder, model)

    def train(self):
        """Return the network on one device, the curves, and from which to which epoch it was trained."""
        recipe, share = self.recipe, self.share
        with scale.distribution(share):
            model, curves = self.from_checkpoint()
            first = len(curves)
            last = min(recipe.epochs, first + self.epochs)
            definition = {
                "recipe": dataclasses.asdict(recipe),
                "source": self.dataset.source,
                "seed": self.seed,
            }
            definition |= {
                "images": len(self.batches.images),
                "data": self.checksum,
                "epochs": (first, last),
            }
            scale.check_agreement(share, **definition)
            if first < last:
                self.fit(model, curves, last)
        if share.processes == 1:
            if share.devices > 1:
                model, curves = self.from_checkpoint()  # on one device again
            if recipe.averaging:
                model.optimizer.finalize_variable_values(model.trainable_variables)
                self.batches.start_epoch(
                    last
                )  # the same batches and masks whichever epoch was trained in this call
                seed_dropout(model, self.seed, last)
                _measure_normalization(model, self.batches)
        return model, curves, first, last

    def fit(self, model, curves, last):
        """Train up to the epoch `last`, and add a row for each epoch to the curves."""
        share, (images, labels) = self.share, self.validation
        facts = {
            "recipe": self.recipe.name,
            "seed": self.seed,
            "source": self.dataset.source,
        }
        facts |= machine_facts(model.dtype_policy.name, share)
        # The averages are in the model's place while it is validated, and not when it is saved.
        averaging = [keras.callbacks.SwapEMAWeights()] if self.recipe.averaging else []
        mine = share.part(len(images) - len(images) % share.devices)
        validation = (np.asarray(images[mine]), self.batches.one_hot[labels[mine]])
        validation = None if self.recipe.all_images else validation
        model.fit(
            self.batches,
            validation_data=validation,
            validation_batch_size=max(500 // share.devices, 1)
            * share.devices
            // share.processes,
            initial_epoch=len(curves),
            epochs=last,
            callbacks=[
                *averaging,
                Checkpoints(self.folder, self.batches, curves, facts),
            ],
            verbose=self.verbose,
            shuffle=False,
        )


def _measure_normalization(model, batches, most=20):
    """Give normalization layers means and variances over some batches of a network whose weights were averaged.

    Those that it has are of the weights before the averaging.
    """
    norms = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    usual = [layer.momentum for layer in norms]
    for number in range(min(most, len(batches)) if norms else 0):
        for layer in norms:
            layer.momentum = number / (number + 1)  # so that all batches count the same
        model(batches[number][0], training=True)
    for layer, momentum in zip(norms, usual):
        layer.momentum = momentum


def _finish(model, dataset, curves, file, reflected):
    """Look at the test set, once; store curves and confusion matrix beside those of other runs.

    Ten views have the border that the network has learned with.
    """
    x_test = np.asarray(dataset.x_test)
    predicted = model.predict(x_test, batch_size=500, verbose=0).argmax(axis=1)
    two_views = predict_two_views(model, x_test).argmax(axis=1)
    ten_views = predict_ten_views(model, x_test, reflected=reflected).argmax(axis=1)
    views = {"": predicted, "_two_views": two_views, "_ten_views": ten_views}
    for column, answers in (
        (f"test_accuracy{name}", answers) for name, answers in views.items()
    ):
        curves[column] = np.nan
        curves.loc[curves.index[-1], column] = round(
            float((answers == dataset.y_test).mean()), 5
        )
    names, n = list(dataset.class_names), len(dataset.class_names)
    counts = np.bincount(dataset.y_test * n + predicted, minlength=n * n)
    run = {name: curves[name].iloc[0] for name in ("recipe", "seed", "source")}
    table = pd.DataFrame(
        run
        | {
            "truth": np.repeat(names, n),
            "predicted": np.tile(names, n),
            "images": counts,
        }
    )
    if n <= 100:  # a table of ImageNet's classes would have a million rows
        merge_rows(confusion_file(file), table)
    merge_rows(file, curves)
    return curves
