"""Trained weights in files: written after a run, and read into a network."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd

from alexnet_helpers import checks, load_keras, models
from alexnet_helpers.checkpoints import check_clock
from alexnet_helpers.recipes import find_recipe
from alexnet_helpers.results import write_whole

keras = load_keras()


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
    recipe, weights = find_recipe(recipe), models.named_weights(model)
    if recipe.ingredients:
        changed = f"{recipe.name!r}, which changes {', '.join(recipe.ingredients)}"
        raise ValueError(f"recipe must be one without ingredients, got {changed}")
    if model.name != f"alexnet_cifar10_{recipe.variant}":
        checks.refuse("model", f"a network of the recipe {recipe.name!r}", model.name)
    if not isinstance(curves, pd.DataFrame) or not len(curves):
        checks.refuse("curves", "the DataFrame that train returned", curves)
    check_clock()
    arrays = {}
    for name, variable in weights.items():
        array = keras.ops.convert_to_numpy(variable)
        with np.errstate(over="ignore"):
            arrays[name] = array.astype("float16" if array.ndim > 1 else "float32")
        if not np.isfinite(arrays[name]).all():
            kind = arrays[name].dtype
            raise ValueError(
                f"model must have weights that are finite numbers in {kind}, got others"
                f" in {name}"
            )
    network = {
        name: getattr(recipe, name) for name in ("variant", "width", "centred_input")
    }
    network["batch_norm"] = any(
        isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers
    )
    network["num_classes"] = model.output_shape[-1]
    about = {"network": network, **curves.iloc[-1].to_dict()}
    text = json.dumps(about, default=str)

    def write(path):
        with open(path, "wb") as unfinished:
            np.savez_compressed(unfinished, about=np.array(text), **arrays)

    write_whole(file, write)


def _regular_file(argument, file):
    """Return the path of a file that may be written or replaced; of a link, that of the file that it leads to."""
    path = Path(os.path.realpath(checks.path(argument, file)))
    if not path.parent.is_dir() or (path.exists() and not path.is_file()):
        checks.refuse(
            argument, "the path of a file, in a folder that there is", str(file)
        )
    return path
