"""What a run keeps after every epoch, so that it goes on where it was killed.

Nothing here is for lessons; `training` calls it with what it has checked. Keras'
`BackupAndRestore` and `CSVLogger` stay out: they keep weights and curves apart, so that
a kill between the two repeats an epoch, and they do not see a changed recipe.
"""

import dataclasses
import json
import math
import time

import filelock
import numpy as np
import pandas as pd

from alexnet_helpers import data, load_keras, models, scale
from alexnet_helpers.results import (
    ERRORS_OF_A_FILE,
    read_table,
    write_table,
    write_whole,
)

keras = load_keras()

__all__ = ()

CHECKPOINT_FOLDER = data.DATA_FOLDER / "checkpoints"


class Checkpoints(keras.callbacks.Callback):
    """After every epoch, write curves and checkpoint, then remove the older ones."""

    def __init__(self, folder, batches, curves, facts):
        super().__init__()
        self.folder, self.batches = folder, batches
        self.curves, self.facts = curves, facts

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.start_epoch(epoch)
        seed_dropout(self.model, self.batches.seed, epoch)
        self.epoch, self.started = epoch, time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        # Keras' `TerminateOnNaN` would stop without a word on what to do.
        if not math.isfinite(logs["loss"]):
            raise FloatingPointError(
                f"the loss is {float(logs['loss'])} after batch {batch + 1} of epoch"
                f" {self.epoch + 1}: try a smaller learning_rate or a longer warm-up"
                f" (in a recipe of another name). {_saved(self.epoch)}"
            )

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.perf_counter() - self.started
        # A checkpoint that is not finite would end each later run as well.
        if broken := _not_finite(self.model):
            raise FloatingPointError(
                f"{broken} has values that are not finite numbers after epoch"
                f" {epoch + 1}: try a smaller learning_rate (in a recipe of another"
                f" name). {_saved(epoch)}"
            )
        self.curves.append(self.facts | self._row(epoch + 1, seconds, logs))
        if self.batches.share.process == 0:  # the others hold the same weights
            with scale.undistributed():  # Keras makes a variable when it saves
                _save_checkpoint(self.folder, epoch + 1, self.model, self.curves)

    def _row(self, epochs, seconds, logs):
        """Return what was measured in an epoch; `epochs` are done with it."""
        # Forward once, backward twice: the gradients of the inputs and of the weights.
        per_image = 3 * models.multiply_adds(self.model)
        multiply_adds = per_image * len(self.batches.images)
        rate = float(self.model.optimizer.learning_rate)
        return {
            "epoch": epochs,
            **{name: round(float(value), 5) for name, value in logs.items()},
            "learning_rate": float(f"{rate:.4g}"),
            "seconds": round(seconds, 1),
            "images_per_second": round(len(self.batches.order) / seconds),
            "multiply_adds": multiply_adds,
            "petaflop": round(epochs * multiply_adds * 2 / 1e15, 5),  # since the start
        }


def _not_finite(model):
    """Return the name of the first variable that holds a NaN or infinity, or None."""
    for variable in [*model.variables, *model.optimizer.variables]:
        values = keras.ops.convert_to_numpy(variable)
        if np.issubdtype(values.dtype, np.inexact) and not np.isfinite(values).all():
            return getattr(variable, "path", variable.name)
    return None


def _saved(epochs):
    """Say what a run that ends now has kept."""
    if not epochs:
        return "No epoch has been saved."
    return f"The checkpoint of epoch {epochs} is whole."


def seed_dropout(model, seed, epoch):
    """Give every dropout layer a state that depends on the seed and epoch alone."""
    # On PyTorch they draw from its global generator instead.
    global_seed = np.random.default_rng([seed, epoch]).integers(2**31)
    keras.utils.set_random_seed(int(global_seed))
    for number, layer in enumerate(model.layers):
        # Without a rate, Keras gives it no state.
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
            state = np.random.default_rng([seed, epoch, number]).integers(0, 2**31, 2)
            layer.seed_generator.state.assign(state.astype(np.uint32))


def check_clock():
    """Refuse a clock that no checkpoint, which is a zip file, could hold."""
    if not 1980 <= (year := time.localtime().tm_year) <= 2107:
        raise RuntimeError(
            f"this machine's clock says {year}, which no zip file can hold: set it"
            " right, and run again"
        )


def lock_run(folder, recipe, seed, share):
    """Hold the folder of a run, so that no other process trains it.

    In a job of several processes, each has a lock of its own.
    """
    file = folder / f"lock{share.process or ''}"
    try:
        return filelock.FileLock(file).acquire(timeout=0)
    except filelock.Timeout:
        raise RuntimeError(
            f"recipe {recipe.name!r}, seed {seed}: another process is training it (if"
            f" none is, remove {file})"
        ) from None


def check_definition(folder, recipe, dataset, precision, checksum):
    """Write down beside the checkpoints what is trained on what.

    Raises
    ------
    ValueError
        If the checkpoints that are there belong to anything else.
    """
    file = folder / "recipe.json"
    trained_on = {
        "source": dataset.source,
        "images": len(dataset.x_train),
        "classes": len(dataset.class_names),
    }
    trained_on |= {"precision": precision, "checksum": checksum}
    definition = dataclasses.asdict(recipe) | trained_on | {"summary": ""}
    text = json.dumps(definition, indent=1)
    if list(folder.glob("epoch-*.keras")):
        stored = _read_definition(file, recipe)
        if difference := _difference(stored, json.loads(text)):
            raise ValueError(
                f"recipe={recipe.name!r}: {folder} was begun with {difference}."
                " Give the changed recipe another name, or remove that folder to begin"
                " anew"
            )
    if not file.is_file() or file.read_text("utf-8") != text:
        write_whole(file, lambda path: path.write_text(text, "utf-8"))


def _difference(stored, definition):
    """Say in which fields a stored definition differs, or return an empty text."""
    # Runs that began before checksums were kept go on, and get one.
    stored.setdefault("checksum", definition["checksum"])
    fields = [name for name in definition if stored.get(name) != definition[name]]
    if fields == ["checksum"]:
        return "other images, labels or class names"
    return ", ".join(
        f"{name}={stored.get(name)!r} (now {definition[name]!r})"
        for name in fields
        if name != "checksum"
    )


def _read_definition(file, recipe):
    """Return what was written down when a run began.

    A field that recipes did not have then has its default.
    """
    defaults = {
        field.name: field.default
        for field in dataclasses.fields(recipe)
        if field.default is not dataclasses.MISSING
    }
    defaults |= {"ingredients": {}}
    try:
        stored = json.loads(file.read_text("utf-8"))
        needed = {"name", "source", "images", "learning_rate"}
        if not isinstance(stored, dict) or not needed <= set(stored):
            raise ValueError("it does not say what was trained")
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{file} is missing or damaged ({error}): without it, it is unknown what"
            f" the checkpoints there belong to. Remove {file.parent} to begin anew"
        ) from error
    return json.loads(json.dumps(defaults)) | stored


def _save_checkpoint(folder, epoch, model, curves):
    """Write curves and model, each whole or not at all; then remove the older ones."""
    name = f"epoch-{epoch:03d}"
    try:
        write_table(folder / f"{name}.csv", pd.DataFrame(curves))
        write_whole(folder / f"{name}.keras", model.save)
    except OSError as error:
        (folder / f"{name}.csv").unlink(missing_ok=True)
        raise OSError(
            error.errno,
            f"epoch {epoch} could not be saved in {folder} ({error.strerror or error})."
            f" {_saved(epoch - 1)} Make room and run again, and the training goes on"
            " from there",
        ) from error
    # What a killed process was writing goes, too: only this process writes here.
    for old in [*folder.glob("epoch-*"), *folder.glob("unfinished-*")]:
        if old.stem != name:
            old.unlink()


def load_checkpoint(folder, model):
    """Give a compiled model what the last epoch left; return its curves as rows.

    Not `keras.saving.load_model`: a saved optimizer forgets which weights its decay
    leaves out.
    """
    file = max(folder.glob("epoch-*.keras"), default=None)
    if file is None:
        return []
    model.optimizer.build(model.trainable_variables)
    try:
        curves = _read_curves(file.with_suffix(".csv"))
        if file.stem != f"epoch-{len(curves):03d}":
            raise ValueError(f"its curves have {len(curves)} epochs")
        model.load_weights(file)
        # Keras only warns if an optimizer's state does not fit.
        if not int(model.optimizer.iterations):
            raise ValueError("the optimizer's state is missing")
        if broken := _not_finite(model):
            raise ValueError(f"{broken} has values that are not finite numbers")
    except (*ERRORS_OF_A_FILE, RuntimeError) as error:
        raise ValueError(
            f"checkpoint {file} is damaged ({error}): remove {folder} to begin anew"
        ) from error
    return curves


def _read_curves(file):
    """Return the rows of a checkpoint's curves, which must be whole."""
    if not file.read_bytes().endswith(b"\n"):
        raise ValueError("its curves are cut off")
    needed = ["recipe", "seed", "source", "epoch", "loss"]
    table = read_table(file, needed)
    epochs = list(range(1, len(table) + 1))
    if table[needed].isna().any(axis=None) or table["epoch"].tolist() != epochs:
        raise ValueError("its curves have gaps")
    return table.to_dict("records")
