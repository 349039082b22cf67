"""What a run keeps after every epoch, so that it goes on after a kill where it was.

Nothing here is for lessons; `training` calls it with what it has checked.
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
    """After every epoch: write down the curves, then the checkpoint; forget the older checkpoint."""

    def __init__(self, folder, batches, curves, facts):
        super().__init__()
        self.folder, self.batches, self.curves, self.facts = (
            folder,
            batches,
            curves,
            facts,
        )

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.start_epoch(epoch)
        seed_dropout(self.model, self.batches.seed, epoch)
        self.epoch, self.started = epoch, time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            raise FloatingPointError(
                f"the loss is {float(logs['loss'])} after batch {batch + 1} of epoch"
                f" {self.epoch + 1}: try a smaller learning_rate or a longer warm-up"
                f" (in a recipe of another name). {_saved(self.epoch)}"
            )

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.perf_counter() - self.started
        if broken := _not_finite(
            self.model
        ):  # else it would be saved, and each later start would end here
            raise FloatingPointError(
                f"{broken} has values that are not finite numbers after epoch"
                f" {epoch + 1}: try a smaller learning_rate (in a recipe of another"
                f" name). {_saved(epoch)}"
            )
        row = {
            "epoch": epoch + 1,
            **{name: round(float(value), 5) for name, value in logs.items()},
        }
        row["learning_rate"] = float(f"{float(self.model.optimizer.learning_rate):.4g}")
        row["seconds"] = round(seconds, 1)
        row["images_per_second"] = round(len(self.batches.order) / seconds)
        # forward once; backward twice as much: the gradients for the inputs and for the weights
        row["multiply_adds"] = (
            3 * models.multiply_adds(self.model) * len(self.batches.images)
        )
        row["petaflop"] = round(
            (epoch + 1) * row["multiply_adds"] * 2 / 1e15, 5
        )  # since the first epoch
        self.curves.append(self.facts | row)
        if self.batches.share.process == 0:  # the others hold the same weights
            with scale.undistributed():  # Keras makes a variable when it saves
                save_checkpoint(self.folder, epoch + 1, self.model, self.curves)


def _not_finite(model):
    """Return the name of the first weight, or number of the optimizer, that is NaN or infinite, or None."""
    for variable in [*model.variables, *model.optimizer.variables]:
        values = keras.ops.convert_to_numpy(variable)
        if np.issubdtype(values.dtype, np.inexact) and not np.isfinite(values).all():
            return getattr(variable, "path", variable.name)
    return None


def _saved(epochs):
    """Say what a run that ends now has kept."""
    return (
        f"The checkpoint of epoch {epochs} is whole."
        if epochs
        else "No epoch has been saved."
    )


def seed_dropout(model, seed, epoch):
    """Give every dropout layer a state that depends on the seed and the epoch alone."""
    # On PyTorch they draw from its global generator instead.
    keras.utils.set_random_seed(
        int(np.random.default_rng([seed, epoch]).integers(2**31))
    )
    for number, layer in enumerate(model.layers):
        if (
            isinstance(layer, keras.layers.Dropout) and layer.rate > 0
        ):  # without a rate Keras gives it no state
            state = np.random.default_rng([seed, epoch, number]).integers(0, 2**31, 2)
            layer.seed_generator.state.assign(state.astype(np.uint32))


def check_clock():
    """Say before a training begins that its checkpoints, which are zip files, could not be written at the end."""
    if not 1980 <= (year := time.localtime().tm_year) <= 2107:
        raise RuntimeError(
            f"this machine's clock says {year}, which no zip file can hold: set it"
            " right, and run again"
        )


def lock_run(folder, recipe, seed, share):
    """Hold the folder of a run, so that no other process trains it; in a job each process has a lock of its own."""
    file = folder / f"lock{share.process or ''}"
    try:
        return filelock.FileLock(file).acquire(timeout=0)
    except filelock.Timeout:
        raise RuntimeError(
            f"recipe {recipe.name!r}, seed {seed}: another process is training it (if"
            f" none is, remove {file})"
        ) from None


def check_definition(folder, recipe, dataset, precision, checksum):
    """Write down beside the checkpoints what is trained on what; refuse to go on with anything else."""
    file = folder / "recipe.json"
    trained_on = {
        "source": dataset.source,
        "images": len(dataset.x_train),
        "classes": len(dataset.class_names),
    }
    trained_on |= {"precision": precision, "checksum": checksum}
    text = json.dumps(
        dataclasses.asdict(recipe) | trained_on | {"summary": ""}, indent=1
    )
    now = json.loads(text)
    if list(folder.glob("epoch-*.keras")):
        begun = _read_definition(file, recipe)
        # Those that were begun before checksums were kept go on, and get one.
        begun.setdefault("checksum", checksum)
        changed = [name for name in now if begun.get(name) != now[name]]
        said = [
            f"{name}={begun.get(name)!r} (now {now[name]!r})"
            for name in changed
            if name != "checksum"
        ]
        said += (
            ["other images, labels or class names"] if changed == ["checksum"] else []
        )
        if changed:
            raise ValueError(
                f"recipe={recipe.name!r}: {folder} was begun with {', '.join(said)}."
                " Give the changed recipe another name, or remove that folder to begin"
                " anew"
            )
    if not file.is_file() or file.read_text("utf-8") != text:
        write_whole(file, lambda path: path.write_text(text, "utf-8"))


def _read_definition(file, recipe):
    """Return what was written down when a run began; a field that the recipes did not have then, as it is usually."""
    usual = {field.name: field.default for field in dataclasses.fields(recipe)} | {
        "ingredients": {}
    }
    try:
        begun = json.loads(file.read_text("utf-8"))
        if not isinstance(begun, dict) or not {
            "name",
            "source",
            "images",
            "learning_rate",
        } <= set(begun):
            raise ValueError("it does not say what was trained")
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{file} is missing or damaged ({error}): without it, it is unknown what"
            f" the checkpoints there belong to. Remove {file.parent} to begin anew"
        ) from error
    known = {
        name: value for name, value in usual.items() if value is not dataclasses.MISSING
    }
    return json.loads(json.dumps(known)) | begun


def save_checkpoint(folder, epoch, model, curves):
    """Write curves, then model, each whole or not at all; only then remove the older ones."""
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
    # What a killed process was writing goes, too: only this process writes in this folder.
    for old in [*folder.glob("epoch-*"), *folder.glob("unfinished-*")]:
        if old.stem != name:
            old.unlink()


def load_checkpoint(folder, model):
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
        if not int(
            model.optimizer.iterations
        ):  # Keras only warns when an optimizer's state does not fit
            raise ValueError("the optimizer's state is missing")
        if broken := _not_finite(model):
            raise ValueError(f"{broken} has values that are not finite numbers")
    except (*ERRORS_OF_A_FILE, RuntimeError) as error:
        raise ValueError(
            f"checkpoint {saved} is damaged ({error}): remove {folder} to begin anew"
        ) from error
    return curves


def _read_curves(file):
    """Return the rows of a checkpoint's curves, which must be whole."""
    if not file.read_bytes().endswith(b"\n"):
        raise ValueError("its curves are cut off")
    needed = ["recipe", "seed", "source", "epoch", "loss"]
    table = read_table(file, needed)
    if table[needed].isna().any(axis=None) or table["epoch"].tolist() != list(
        range(1, len(table) + 1)
    ):
        raise ValueError("its curves have gaps")
    return table.to_dict("records")
