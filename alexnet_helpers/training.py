"""Training with recipes: checkpoints after every epoch, resume after a kill, curves in data/results.

    python -m alexnet_helpers.training RECIPE [--seed 0] [--epochs N]
    python -m alexnet_helpers.training STUDY

The first makes one long run and writes `data/results/RECIPE.csv`. Run again after a kill, it goes on
from the last finished epoch; run again after the end, it trains nothing and keeps the result. The
second runs one or several recipes over their first steps, and writes `data/results/STUDY.csv`.
"""

import argparse
import dataclasses
import importlib.metadata
import json
import math
import os
import platform
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

import filelock
import numpy as np
import pandas as pd

from alexnet_helpers import data, load_keras, models

keras = load_keras()

CHECKPOINT_FOLDER = data.DATA_FOLDER / "checkpoints"
RESULTS_FOLDER = data.DATA_FOLDER / "results"
VALIDATION_IMAGES = 5_000


def _check_choice(name, value, allowed):
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: allowed are {', '.join(allowed)}")


def _check_integer(name, value, smallest):
    if not isinstance(value, int) or isinstance(value, bool) or value < smallest:
        raise ValueError(f"{name}={value!r}: allowed is an integer, {smallest} or more")


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


AUGMENTATIONS = {function.__name__: function for function in (shift, flip, erase)}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides how a network trains, as data.

    `learning_rate` is the largest of the schedule: "constant" keeps it, "cosine" climbs to it over
    `warmup_epochs` and falls to 0 along half a cosine. `weight_decay` is AdamW's (decoupled, times
    the learning rate, kernels only). `augmentation` names functions of `AUGMENTATIONS`, applied in
    this order. The other arguments of the network are those of `models.alexnet_cifar10`.

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
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup_epochs: int = 0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    augmentation: tuple = ()
    batch_size: int = 64
    epochs: int = 50

    def __post_init__(self):
        _check_choice("optimizer", self.optimizer, ("adam", "adamw"))
        _check_choice("schedule", self.schedule, ("constant", "cosine"))
        for augmentation in self.augmentation:
            _check_choice("augmentation", augmentation, AUGMENTATIONS)
        for name, smallest in {"batch_size": 1, "epochs": 1, "warmup_epochs": 0}.items():
            _check_integer(name, getattr(self, name), smallest)
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate={self.learning_rate!r}: allowed is a positive number")


COMMON = Recipe("tutorial", "as many tutorials write it, without their rotation", augmentation=("shift", "flip"))
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
RECIPES = {recipe.name: recipe for recipe in (COMMON, REPAIRED)}

REPAIRS = {
    "He initial weights": {"kernel_initializer": "he_normal"},
    "a tenth of the step size": {"learning_rate": 1e-4},
    "centred inputs": {"centred_input": True},
}


class Study(NamedTuple):
    """Recipes to be run over their first `steps` batches (a multiple of 10), each with every seed."""

    recipes: tuple
    seeds: tuple
    steps: int


_common, *_repaired = (
    dataclasses.replace(COMMON, name=name, **changes) for name, changes in {"common recipe": {}, **REPAIRS}.items()
)
STUDIES = {
    "repair_study": Study((_common, *_repaired), seeds=(0, 1, 2, 3, 4, 5), steps=100),
    "plateau_study": Study((_common,), seeds=(0, 1, 2), steps=700),
}


class Batches(keras.utils.PyDataset):
    """Shuffled, augmented batches, the same for the same seed and epoch on every machine.

    Nothing random is kept from one batch to the next: batch i of epoch e draws from a generator
    seeded with (seed, e, i). So a run that is resumed sees what an unbroken run would have seen.

    Raises
    ------
    ValueError : when images and labels do not match, or a label is no class.
    """

    def __init__(self, images, labels, batch_size, augmentation=(), seed=0, num_classes=10):
        super().__init__()
        if len(images) != len(labels) or not len(images):
            raise ValueError(f"labels: {len(labels)} for {len(images)} images; allowed is one for each of 1 or more")
        if labels.min() < 0 or labels.max() >= num_classes:
            raise ValueError(f"labels: {labels.min()} to {labels.max()}; allowed are 0 to {num_classes - 1}")
        self.images, self.labels = images, labels
        self.one_hot = np.eye(num_classes, dtype=np.float32)
        self.batch_size, self.seed = batch_size, seed
        self.augmentations = [AUGMENTATIONS[name] for name in augmentation]
        self.start_epoch(0)

    def start_epoch(self, epoch):
        self.epoch = epoch
        self.order = np.random.default_rng([self.seed, epoch]).permutation(len(self.images))

    def __len__(self):
        return -(-len(self.images) // self.batch_size)

    def __getitem__(self, index):
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        images = self.images[chosen]
        rng = np.random.default_rng([self.seed, self.epoch, index])
        for augment in self.augmentations:
            images = augment(images, rng)
        return images, self.one_hot[self.labels[chosen]]


def split_validation(images, labels, validation_images=VALIDATION_IMAGES, seed=0):
    """Split training data in two: (x_train, y_train), (x_validation, y_validation).

    The validation images are drawn at random, the same ones for the same seed, never from the test
    set. `validation_images` is at most a fifth of the images (small data sets keep enough to learn).
    """
    n = min(validation_images, len(images) // 5)
    order = np.random.default_rng(seed).permutation(len(images))
    held_out, rest = np.sort(order[:n]), np.sort(order[n:])
    return (images[rest], labels[rest]), (images[held_out], labels[held_out])


def predict_ten_views(model, images, pixels=2):
    """Return probabilities averaged over ten views of each image: the paper's way to test (section 4.1).

    The paper cuts five patches, the corners and the middle, out of a larger image, and takes their
    mirror images too. Here the image stays, or moves by `pixels` towards each corner; black moves in.
    """
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    total = 0.0
    for top, left in ((pixels, pixels), (0, 0), (0, 2 * pixels), (2 * pixels, 0), (2 * pixels, 2 * pixels)):
        view = padded[:, top : top + height, left : left + width]
        for images in (view, view[:, :, ::-1]):
            total += model.predict(images, batch_size=500, verbose=0)
    return total / 10


def compile_model(recipe, steps_per_epoch, num_classes=10):
    """Return the recipe's network, untrained and compiled for `recipe.epochs` epochs."""
    start = {"kernel_initializer": recipe.kernel_initializer, "centred_input": recipe.centred_input}
    model = models.alexnet_cifar10(recipe.variant, width=recipe.width, num_classes=num_classes, **start)
    rate = recipe.learning_rate
    if recipe.schedule == "cosine":
        warmup = recipe.warmup_epochs * steps_per_epoch
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else rate,
            max(1, recipe.epochs * steps_per_epoch - warmup),
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    else:
        optimizer = keras.optimizers.Adam(rate)
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
                "try a smaller learning_rate, a longer warm-up, or look for pixels that are no numbers. "
                f"The checkpoint of epoch {self.epoch} is untouched."
            )

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.perf_counter() - self.started
        row = {"epoch": epoch + 1, **{name: round(float(value), 5) for name, value in logs.items()}}
        row["learning_rate"] = float(f"{float(self.model.optimizer.learning_rate):.4g}")
        row["seconds"] = round(seconds, 1)
        row["images_per_second"] = round(len(self.batches.images) / seconds)
        self.curves.append(self.facts | row)
        _save_checkpoint(self.folder, epoch + 1, self.model, self.curves)


def train(
    recipe,
    dataset=None,
    seed=0,
    epochs=None,
    checkpoint_folder=CHECKPOINT_FOLDER,
    results_folder=RESULTS_FOLDER,
    verbose="auto",
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

    Returns
    -------
    (model, curves) : the trained `keras.Model`, and a DataFrame with one row an epoch. At the end
    of the recipe the last row holds the accuracy on the test images as they are and with
    `predict_ten_views`; `results_folder/RECIPE.csv` holds the curves of every seed and data set,
    `RECIPE-confusion.csv` beside it how many test images of each class were taken for which.

    Raises
    ------
    ValueError : for an unknown recipe, a negative seed, fewer than one epoch, images of another
        shape, a checkpoint that is damaged or was begun with another definition of the recipe.
    RuntimeError : when another process is training the same recipe and seed.
    OSError : when a folder cannot be written to, or the disk is full; the last checkpoint stays whole.
    FloatingPointError : when the loss is no longer a finite number.
    """
    if isinstance(recipe, str):
        _check_choice("recipe", recipe, RECIPES)
        recipe = RECIPES[recipe]
    _check_integer("seed", seed, 0)
    if epochs is not None:
        _check_integer("epochs", epochs, 1)
    folder = _writable_folder("checkpoint_folder", Path(checkpoint_folder) / f"{recipe.name}-seed{seed}")
    results = _writable_folder("results_folder", results_folder) / f"{recipe.name}.csv"
    try:
        lock = filelock.FileLock(folder / "lock").acquire(timeout=0)
    except filelock.Timeout:
        raise RuntimeError(f"recipe {recipe.name!r}, seed {seed}: another process is training it") from None
    with lock:
        dataset = dataset or data.load_cifar10()
        if dataset.x_train.shape[1:] != (32, 32, 3):
            raise ValueError(f"dataset: images of {dataset.x_train.shape[1:]}; allowed are (32, 32, 3)")
        training, validation = split_validation(dataset.x_train, dataset.y_train)
        batches = Batches(*training, recipe.batch_size, recipe.augmentation, seed, len(dataset.class_names))
        _check_definition(folder, recipe, dataset)
        keras.utils.set_random_seed(seed)
        model = compile_model(recipe, len(batches), len(dataset.class_names))
        curves = _load_checkpoint(folder, model)
        first = len(curves)
        last = recipe.epochs if epochs is None else min(recipe.epochs, first + epochs)
        if first < last:
            facts = {"recipe": recipe.name, "seed": seed, "source": dataset.source, **_machine_facts()}
            model.fit(
                batches,
                validation_data=(validation[0], batches.one_hot[validation[1]]),
                validation_batch_size=500,
                initial_epoch=first,
                epochs=last,
                callbacks=[_Checkpoints(folder, batches, curves, facts)],
                verbose=verbose,
                shuffle=False,
            )
        if last == recipe.epochs:
            stored, _ = _rows_of_run(results, recipe.name, seed, dataset.source)
            if first == last and len(stored):
                return model, stored  # the test set has been looked at, and once is enough
            return model, _finish(model, dataset, pd.DataFrame(curves), results)
    return model, pd.DataFrame(curves)


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
    DataFrame with one row for every ten steps of each run: `loss` and `accuracy` are means over
    those ten training batches; the last row of a run holds the accuracy on 1,000 validation images.
    """
    _check_choice("name", name, STUDIES)
    recipes, seeds, steps = STUDIES[name]
    if not isinstance(steps, int) or steps < 10 or steps % 10:
        raise ValueError(f"steps={steps!r}: allowed is a multiple of 10")
    file = _writable_folder("results_folder", results_folder) / f"{name}.csv"
    dataset = dataset or data.load_cifar10()
    training, validation = split_validation(dataset.x_train, dataset.y_train)
    for seed, recipe in ((seed, recipe) for seed in seeds for recipe in recipes):
        facts = {"recipe": recipe.name, "seed": seed, "source": dataset.source, **_machine_facts()}
        if len(_rows_of_run(file, recipe.name, seed, dataset.source)[0]) == steps // 10:
            continue
        keras.utils.clear_session()  # else each network stays in memory
        keras.utils.set_random_seed(seed)
        batches = Batches(*training, recipe.batch_size, recipe.augmentation, seed, len(dataset.class_names))
        model = compile_model(recipe, len(batches), len(dataset.class_names))
        measured = []
        for step in range(steps):
            model.reset_metrics()
            measured.append(model.train_on_batch(*batches[step % len(batches)], return_dict=True))
        means = pd.DataFrame(measured, dtype=float).groupby(np.arange(steps) // 10).mean().round(5)
        rows = pd.DataFrame(
            facts | {"step": 10 * means.index + 10, "loss": means["loss"], "accuracy": means["accuracy"]}
        )
        # Not `predict`, which compiles a graph for each network and warns that there are many.
        answers = [keras.ops.convert_to_numpy(model(part)).argmax(axis=1) for part in np.split(validation[0][:1000], 2)]
        rows.loc[rows.index[-1], "val_accuracy"] = (np.concatenate(answers) == validation[1][:1000]).mean().round(5)
        _merge_rows(file, rows)
    return pd.read_csv(file)


def _seed_dropout(model, seed, epoch):
    """Give every dropout layer a state that depends on the seed and the epoch alone."""
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout):
            state = np.random.default_rng([seed, epoch, number]).integers(0, 2**31, 2)
            layer.seed_generator.state.assign(state.astype(np.uint32))


def _check_definition(folder, recipe, dataset):
    """Write down beside the checkpoints what is trained on what; refuse to go on with anything else."""
    file = folder / "recipe.json"
    trained_on = {"source": dataset.source, "images": len(dataset.x_train), "classes": len(dataset.class_names)}
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
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"checkpoint {saved} is damaged ({error}): remove {folder} to begin anew") from error
    return curves


def _finish(model, dataset, curves, file):
    """Look at the test set, once; store curves and confusion matrix beside those of other runs."""
    predicted = model.predict(dataset.x_test, batch_size=500, verbose=0).argmax(axis=1)
    averaged = predict_ten_views(model, dataset.x_test).argmax(axis=1)
    for column, answers in (("test_accuracy", predicted), ("test_accuracy_ten_views", averaged)):
        curves[column] = np.nan
        curves.loc[curves.index[-1], column] = round(float((answers == dataset.y_test).mean()), 5)
    names, n = list(dataset.class_names), len(dataset.class_names)
    counts = np.bincount(dataset.y_test * n + predicted, minlength=n * n)
    run = {name: curves[name].iloc[0] for name in ("recipe", "seed", "source")}
    table = pd.DataFrame(run | {"truth": np.repeat(names, n), "predicted": np.tile(names, n), "images": counts})
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


def _machine_facts():
    """Name the machine kind and the versions that a result depends on."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    return {
        "machine": f"{processor}, {os.cpu_count()} cores",
        "backend": f"{keras.backend.backend()} {importlib.metadata.version(keras.backend.backend())}",
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def main(arguments=None):
    """Train the recipe, or make the study, that the command line names (see the module's docstring)."""
    summaries = [f"{recipe.name}: {recipe.summary}" for recipe in RECIPES.values()]
    parser = argparse.ArgumentParser(prog="python -m alexnet_helpers.training", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=[*RECIPES, *STUDIES], help="; ".join(summaries))
    parser.add_argument("--seed", type=int, default=0, help="of a recipe; a study has its own")
    parser.add_argument("--epochs", type=int, help="stop after this many epochs; the next call goes on from there")
    parser.add_argument("--checkpoints", default=CHECKPOINT_FOLDER, help="folder for checkpoints (%(default)s)")
    parser.add_argument("--results", default=RESULTS_FOLDER, help="folder for curves (%(default)s)")
    options = parser.parse_args(arguments)
    if options.name in STUDIES:
        curves = study(options.name, results_folder=options.results).dropna(subset="val_accuracy")
    else:
        folders = {"checkpoint_folder": options.checkpoints, "results_folder": options.results}
        _, curves = train(options.name, seed=options.seed, epochs=options.epochs, verbose=2, **folders)
        curves = curves.tail(3)
    print(curves.drop(columns=["source", "machine", "backend", "keras", "numpy"]).to_string(index=False))
    print(f"on {curves['source'].iloc[-1]}")


if __name__ == "__main__":
    main()
