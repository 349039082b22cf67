"""Training a recipe: from the last checkpoint on, and one look at the test images."""

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
from alexnet_helpers.compilation import compile_model, prepare_training, whiten_stem
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
    """Return a data set whose parts fit each other and the network.

    Without one (None), it is CIFAR-10.
    """
    dataset = data.load_cifar10() if dataset is None else dataset
    _check_kind(dataset)
    names = _check_class_names(dataset.class_names)
    arrays = {}
    for part in ("train", "test"):
        x, y = getattr(dataset, f"x_{part}"), getattr(dataset, f"y_{part}")
        x = checks.pixels(f"x_{part}", x, shape=(32, 32, 3))
        y = checks.integers(f"y_{part}", y, 0, len(names) - 1, length=x.shape[0])
        arrays |= {f"x_{part}": x, f"y_{part}": y.astype(np.int64)}
    source = _check_line("source", dataset.source)
    return data.ImageData(**arrays, class_names=names, source=source)


def _check_kind(dataset):
    needed = "data.ImageData, such as data.load_cifar10() returns"
    if isinstance(dataset, (list, tuple)) and not hasattr(dataset, "_fields"):
        raise ValueError(
            f"dataset must be {needed}, got a {type(dataset).__name__} of"
            f" {len(dataset)}. Of (x_train, y_train), (x_test, y_test), as"
            " keras.datasets loads them, make data.ImageData(x_train, y_train.ravel(),"
            " x_test, y_test.ravel(), class_names, source), with a name for each class"
            " and a text that says which images these are"
        )
    for name in data.ImageData._fields:
        if not hasattr(dataset, name):
            got = f"{checks.describe(dataset)}, which has no {name}"
            raise ValueError(f"dataset must be {needed}, got {got}")


def _check_class_names(names):
    if isinstance(names, str) or not isinstance(names, (list, tuple)) or not len(names):
        checks.refuse("class_names", "a list of names, one for each class", names)
    names = tuple(_check_line("class_names", name) for name in names)
    unique, counts = np.unique(names, return_counts=True)
    if repeated := unique[counts > 1].tolist():
        checks.refuse("class_names", "names that differ", repeated[0])
    return names


def _check_line(argument, text):
    """Return a text that can be written into a table and is read back as it is."""
    text = str(checks.text(argument, text))
    has_half_character = any(0xD800 <= ord(letter) <= 0xDFFF for letter in text)
    if has_half_character or set(text) & set("\r\n\0"):
        checks.refuse(argument, "a text of one line that UTF-8 can hold", text)
    return text


def checksum_of(dataset):
    """Return a number that changes with the training images, labels and class names."""
    images = dataset.x_train
    classes = json.dumps([dataset.class_names, images.shape])
    crc = zlib.crc32(classes.encode())
    crc = zlib.crc32(dataset.y_train.astype("<i8").tobytes(), crc)
    files = getattr(images, "files", None)
    if files is not None:  # too many to be read: names and sizes must do
        for file in map(Path, files):
            name_and_size = f"{file.parent.name}/{file.name} {file.stat().st_size}"
            crc = zlib.crc32(name_and_size.encode(), crc)
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

    A run that is killed and run again gives the weights and curves of an unbroken one,
    up to rounding on machines that add in another order each time.

    Parameters
    ----------
    recipe : recipes.Recipe or str
        A recipe, or the name of one in `RECIPES`.
    dataset : data.ImageData, optional
        What `data.load_cifar10()` returns, which is the default.
    seed : int
        It decides the initial weights, the order of the images, the augmentation and
        dropout.
    epochs : int, optional
        How many epochs to train in this call; None trains to the end of the recipe. A
        run that stops early is continued by the next call.
    checkpoint_folder : str or Path
        A checkpoint takes 260 MB for 21.6 million weights with Adam's averages.
    results_folder : str or Path
        `RECIPE.csv` in it gets the curves, beside those of other seeds and data sets;
        at the end, `RECIPE-confusion.csv` gets the confusion matrix: how many test
        images of each class were predicted as which class (for up to 100 classes).
    verbose : "auto", 0, 1 or 2
        As in `keras.Model.fit`.
    mixed : bool
        Whether to compute in mixed precision (float16, weights in float32), for a GPU.
    devices : int or "all"
        How many devices share each batch, on the JAX backend. In a job of several
        processes, all call this function with "all"; the first writes the checkpoints,
        into a folder that all can read. A call outside the job then looks at the test
        images. Images that the devices cannot divide evenly are left out: of the last
        batch of an epoch, and of the validation images.

    Returns
    -------
    model : keras.Model
    curves : pandas.DataFrame
        One row an epoch. At the end of the recipe, the last one has the accuracy on the
        test images as they are, with `predict_two_views` and with `predict_ten_views`.

    Raises
    ------
    ValueError
        Also for processes of a job that do not agree, and for files that are damaged or
        belong to another definition of the recipe, precision or data set.
    RuntimeError
        If another process is training the same recipe and seed.
    OSError
        If the disk is full or read-only; the last checkpoint stays whole.
    FloatingPointError
        If the loss or a weight is no longer a finite number.
    """
    recipe, share = find_recipe(recipe), scale.find_share(devices)
    seed = checks.integer("seed", seed, 0, LARGEST_SEED)
    epochs = recipe.epochs if epochs is None else checks.integer("epochs", epochs)
    verbose = checks.choice("verbose", verbose, ("auto", 0, 1, 2))
    mixed = checks.flag("mixed", mixed)
    dataset = None if dataset is None else check_dataset(dataset)
    check_clock()
    folder = checks.path("checkpoint_folder", checkpoint_folder)
    folder = folder / f"{recipe.name}-seed{seed}"
    folder = writable_folder("checkpoint_folder", folder)
    file = writable_folder("results_folder", results_folder) / f"{recipe.name}.csv"
    with lock_run(folder, recipe, seed, share):
        dataset = check_dataset(None) if dataset is None else dataset
        for table in (file, confusion_file(file)):
            read_table(table)  # a damaged one is named now, not after the last epoch
        run = _Run(recipe, dataset, seed, epochs, folder, mixed, share, verbose)
        model, curves, was_trained = run.train()
        if share.processes > 1:
            return model, curves
        if len(curves) < recipe.epochs:
            merge_rows(file, curves)
            return model, curves
        stored, _ = rows_of_run(file, recipe.name, seed, dataset.source)
        is_tested = "test_accuracy" in stored and stored["test_accuracy"].notna().any()
        if is_tested and not was_trained:
            return model, stored  # one look at the test images is enough
        return model, _finish(model, dataset, curves, recipe, file)


class _Run:
    """One call of `train`: from the last checkpoint on, for some epochs."""

    def __init__(self, recipe, dataset, seed, epochs, folder, mixed, share, verbose):
        self.recipe, self.dataset, self.seed = recipe, dataset, seed
        self.epochs, self.folder, self.mixed = epochs, folder, mixed
        self.share, self.verbose = share, verbose
        self.checksum, self.classes = checksum_of(dataset), len(dataset.class_names)
        training, self.validation = split_validation(dataset.x_train, dataset.y_train)
        if recipe.all_images:
            training = dataset.x_train, dataset.y_train
        if (n := len(self.validation[0])) < share.devices:
            raise ValueError(
                f"x_train must have images enough for {share.devices} validation"
                f" images, a fifth of them, got {n}"
            )
        self.batches = Batches(
            *training,
            recipe.batch_size,
            recipe.augmentation,
            seed,
            self.classes,
            refine_from=recipe.epochs - recipe.refine_epochs,
            share=share,
        )

    def train(self):
        """Return the network on one device, its curves, and whether it was trained."""
        recipe, share = self.recipe, self.share
        with scale.distribution(share):
            model, curves = self._from_checkpoint()
            first = len(curves)
            last = min(recipe.epochs, first + self.epochs)
            scale.check_agreement(
                share,
                recipe=dataclasses.asdict(recipe),
                source=self.dataset.source,
                seed=self.seed,
                images=len(self.batches.images),
                data=self.checksum,
                epochs=(first, last),
            )
            if first < last:
                self._fit(model, curves, last)
        if share.processes == 1:
            if share.devices > 1:
                model, curves = self._from_checkpoint()  # on one device again
            if recipe.averaging:
                model.optimizer.finalize_variable_values(model.trainable_variables)
                # The same batches and masks, whichever epochs this call trained.
                self.batches.start_epoch(last)
                seed_dropout(model, self.seed, last)
                _measure_normalization(model, self.batches)
        return model, pd.DataFrame(curves), first < last

    def _from_checkpoint(self):
        """Return the network, and the curves of the epochs that are done."""
        keras.utils.set_random_seed(self.seed)
        model = compile_model(self.recipe, len(self.batches), self.classes, self.mixed)
        if self.share.process == 0:
            precision = model.dtype_policy.name
            check_definition(
                self.folder, self.recipe, self.dataset, precision, self.checksum
            )
        whiten_stem(model, self.batches.images)
        return model, load_checkpoint(self.folder, model)

    def _fit(self, model, curves, last):
        """Train up to the epoch `last`, and add a row for each epoch to the curves."""
        share = self.share
        facts = {"recipe": self.recipe.name, "seed": self.seed}
        facts |= {"source": self.dataset.source}
        facts |= machine_facts(model.dtype_policy.name, share)
        callbacks = [Checkpoints(self.folder, self.batches, curves, facts)]
        if self.recipe.averaging:
            # The averages replace the weights during validation, and not in a file.
            callbacks.insert(0, keras.callbacks.SwapEMAWeights())
        prepare_training(model)
        per_device = max(500 // share.devices, 1)
        model.fit(
            self.batches,
            validation_data=None if self.recipe.all_images else self._own_validation(),
            validation_batch_size=per_device * share.devices // share.processes,
            initial_epoch=len(curves),
            epochs=last,
            callbacks=callbacks,
            verbose=self.verbose,
            shuffle=False,
        )

    def _own_validation(self):
        """Return the validation images and one-hot labels of this process."""
        images, labels = self.validation
        own = self.share.part(len(images) - len(images) % self.share.devices)
        return np.asarray(images[own]), self.batches.one_hot[labels[own]]


def _measure_normalization(model, batches, most=20):
    """Measure the means and variances of batch normalization again, over some batches.

    Those that the layers have belong to the weights before they were averaged.
    """
    norms = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    momenta = [layer.momentum for layer in norms]
    for number in range(min(most, len(batches)) if norms else 0):
        for layer in norms:
            layer.momentum = number / (number + 1)  # so that all batches count the same
        model(batches[number][0], training=True)
    for layer, momentum in zip(norms, momenta):
        layer.momentum = momentum


def _finish(model, dataset, curves, recipe, file):
    """Look at the test images, once, and store the curves and the confusion matrix."""
    curves, confusion = _test(model, dataset, curves, recipe)
    if len(dataset.class_names) <= 100:  # ImageNet's would have a million rows
        merge_rows(confusion_file(file), confusion)
    merge_rows(file, curves)
    return curves


def _test(model, dataset, curves, recipe):
    """Return the curves with the test accuracies, and the confusion matrix."""
    x_test = np.asarray(dataset.x_test)
    # Ten views have the border that the network has learned with.
    reflected = any("reflected" in name for name in recipe.augmentation)
    one_view = model.predict(x_test, batch_size=500, verbose=0)
    probabilities = {
        "test_accuracy": one_view,
        "test_accuracy_two_views": predict_two_views(model, x_test),
        "test_accuracy_ten_views": predict_ten_views(
            model, x_test, reflected=reflected
        ),
    }
    for column, values in probabilities.items():
        accuracy = (values.argmax(axis=1) == dataset.y_test).mean()
        curves[column] = np.nan
        curves.loc[curves.index[-1], column] = round(float(accuracy), 5)
    names, n = list(dataset.class_names), len(dataset.class_names)
    pairs = dataset.y_test * n + one_view.argmax(axis=1)
    run = {name: curves[name].iloc[0] for name in ("recipe", "seed", "source")}
    columns = {
        "truth": np.repeat(names, n),
        "predicted": np.tile(names, n),
        "images": np.bincount(pairs, minlength=n * n),
    }
    return curves, pd.DataFrame(run | columns)
