"""Studies: several recipes over their first steps, with several seeds."""

import dataclasses
import itertools
import json
import time
import zlib
from typing import NamedTuple

import numpy as np
import pandas as pd

from alexnet_helpers import checks, load_keras
from alexnet_helpers.batches import LARGEST_SEED, Batches, split_validation
from alexnet_helpers.compilation import compile_model, whiten_stem
from alexnet_helpers.recipes import COMMON, PAPER, Recipe
from alexnet_helpers.results import (
    RESULTS_FOLDER,
    machine_facts,
    merge_rows,
    read_table,
    rows_of_run,
    writable_folder,
)
from alexnet_helpers.training import check_dataset, checksum_of

keras = load_keras()

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
    dataclasses.replace(COMMON, name=name, **changes)
    for name, changes in {"common recipe": {}, **REPAIRS}.items()
)
# What each ingredient is worth: the quarter-width "paper" network with one thing changed at a time, on 12,800 images.
BASE = dataclasses.replace(
    PAPER,
    name="base",
    width=0.25,
    kernel_initializer="he_normal",
    learning_rate=0.02,
    batch_size=64,
    epochs=16,
)
SMALL_NORMAL = {
    "class_name": "RandomNormal",
    "config": {"stddev": 0.01},
}  # as the paper has it
CHANGES = {
    "base": {},
    "tanh instead of ReLU": {"ingredients": {"activation": "tanh"}},
    "pools do not overlap": {"ingredients": {"pool": 2}},
    "no local response normalization": {"ingredients": {"local_response_norm": False}},
    "batch normalization instead": {"batch_norm": True},
    "no dropout": {"ingredients": {"dropout": 0.0}},
    "no augmentation": {"augmentation": ()},
    "without conv2": {"ingredients": {"without": ["conv2"]}},
    "without conv3 or conv4": {
        "ingredients": {"without": ["conv3"]}
    },  # in one tower the same network
    "without conv5": {"ingredients": {"without": ["conv5"]}},
    "without fc6 or fc7": {
        "ingredients": {"without": ["fc7"]}
    },  # of equal size, so again the same
    "two towers": {"ingredients": {"towers": 2}},
    "Glorot initial weights": {"kernel_initializer": "glorot_uniform"},
    "weights from N(0, 0.01²)": {"kernel_initializer": SMALL_NORMAL},
    "biases of 1": {"ingredients": {"ones_in_biases": True}},
    "constant learning rate": {"schedule": "constant", "warmup_epochs": 0},
    "stem 11x11, stride 4": {"ingredients": {"stem": [11, 4]}},
}
# What the recipe of today has, one thing at a time.
MORE_CHANGES = {
    "stem 3x3 of 54 filters": {
        "ingredients": {"stem": [3, 1, 54]}
    },  # what the next one is compared with
    "the same stem, whitened and fixed": {
        "ingredients": {"stem": [3, 1, 54], "whitened": True}
    },
    "reflected border": {"augmentation": ("shift_reflected_wide", "flip")},
    "alternating flip": {"augmentation": ("shift", "alternate_flip")},
    "erased squares": {"augmentation": ("shift", "flip", "erase")},
    "label smoothing of 0.1": {"label_smoothing": 0.1},
    "averaged weights": {"averaging": 0.995},
    "Nesterov momentum": {"nesterov": True},
    "rate falling in a line": {"schedule": "linear", "warmup_epochs": 0},
}
CHANGES |= MORE_CHANGES
_changed = tuple(
    dataclasses.replace(BASE, **{"name": name} | changes)
    for name, changes in CHANGES.items()
)
_first_changed = tuple(recipe for recipe in _changed if recipe.name not in MORE_CHANGES)
# What changes to the images are worth to a small network that can memorize 1,000 of them.
UNCHANGED = dataclasses.replace(
    PAPER,
    name="nothing",
    width=0.125,
    kernel_initializer="he_normal",
    batch_norm=True,
    nesterov=True,
    learning_rate=0.05,
    ingredients={"dropout": 0.0, "stem": [5, 2]},
    augmentation=(),
    batch_size=50,
    epochs=20,
)
CHANGES_TO_IMAGES = {
    "shift, flip": ("shift_reflected_wide", "flip"),
    "shift, flip, erase": ("shift_reflected_wide", "flip", "erase"),
    "rotate, shift, flip": ("rotate_and_shift", "flip"),
}
_augmented = (
    dataclasses.replace(UNCHANGED, name=n, augmentation=a)
    for n, a in CHANGES_TO_IMAGES.items()
)
STUDIES = {
    "repair_study": Study((_common, *_repaired), seeds=(0, 1, 2, 3, 4, 5), steps=100),
    "plateau_study": Study((_common,), seeds=(0, 1, 2, 3, 4), steps=700),
    "what_mattered": Study(
        _first_changed,
        (0, 1),
        steps=16 * 200,
        every=200,
        images=12_800,
        validation_images=5000,
    ),
    "augmentation": Study(
        (UNCHANGED, *_augmented),
        (0, 1, 2, 3, 4),
        20 * 20,
        every=20,
        images=1_000,
        validation_images=5000,
    ),
    "ideas": Study(
        _changed,
        (0, 1, 2, 3, 4),
        steps=16 * 200,
        every=200,
        images=12_800,
        validation_images=5000,
    ),
}


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
    dataset = None if dataset is None else check_dataset(dataset)
    file = writable_folder("results_folder", results_folder) / f"{name}.csv"
    read_table(file)
    dataset = check_dataset(None) if dataset is None else dataset
    checksum, runs = (
        checksum_of(dataset),
        list(itertools.product(asked.seeds, asked.recipes)),
    )
    definitions = {
        recipe: _definition_of_row(asked, recipe, checksum) for recipe in asked.recipes
    }
    for seed, recipe in runs:
        rows, _ = rows_of_run(file, recipe.name, seed, dataset.source)
        if "definition" in rows and not set(rows["definition"]) <= {
            "",
            definitions[recipe],
        }:
            raise ValueError(
                f"recipe {recipe.name!r}, seed {seed}: its rows in {file} were made"
                " with another definition of the recipe or the study, or with other"
                " images. Give it another name, or remove that file to begin anew"
            )
    for seed, recipe in runs:
        rows, _ = rows_of_run(file, recipe.name, seed, dataset.source)
        if len(rows) != asked.steps // asked.every:
            merge_rows(
                file, _run_of_study(asked, recipe, seed, dataset, definitions[recipe])
            )
    return read_table(file)


def _find_study(name):
    """Return the name of a study and the study, with its fields checked."""
    if isinstance(name, Study):
        found, known = name, [title for title, one in STUDIES.items() if one is name]
        name = found.name if found.name is not None or not known else known[0]
        if name is None:
            checks.refuse(
                "name", "a Study with a name: Study(..., name='my_study')", None
            )
    elif isinstance(name, str) and name in STUDIES:
        found = STUDIES[name]
    else:
        checks.refuse("name", f"a Study, or one of {', '.join(STUDIES)}", name)
    recipes, seeds = found.recipes, found.seeds
    if (
        not isinstance(recipes, (list, tuple))
        or not recipes
        or not all(isinstance(one, Recipe) for one in recipes)
    ):
        checks.refuse("recipes", "a list of one Recipe or more", recipes)
    if len({recipe.name for recipe in recipes}) < len(recipes):
        checks.refuse(
            "recipes", "of different names", [recipe.name for recipe in recipes]
        )
    if not isinstance(seeds, (list, tuple, range)) or not len(seeds):
        checks.refuse("seeds", "a list of one integer or more", seeds)
    every, steps = (
        checks.integer("every", found.every),
        checks.integer("steps", found.steps),
    )
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
    own = {
        name: value
        for name, value in dataclasses.asdict(recipe).items()
        if value != usual[name]
    }
    own |= {
        name: getattr(asked, name)
        for name in ("steps", "every", "images", "validation_images")
    }
    own |= {
        "name": "",
        "summary": "",
        "data": checksum,
        "precision": keras.config.dtype_policy().name,
    }
    return f"{zlib.crc32(json.dumps(own, sort_keys=True).encode()):08x}"


def _run_of_study(asked, recipe, seed, dataset, definition):
    """Train one recipe with one seed, and return its rows."""
    facts = {
        "recipe": recipe.name,
        "seed": seed,
        "source": dataset.source,
        **machine_facts(),
    }
    training, validation = split_validation(dataset.x_train, dataset.y_train)
    training = tuple(part[: asked.images] for part in training)
    keras.utils.clear_session()  # else each network stays in memory
    keras.utils.set_random_seed(seed)
    batches = Batches(
        *training,
        recipe.batch_size,
        recipe.augmentation,
        seed,
        len(dataset.class_names),
    )
    model = compile_model(recipe, len(batches), len(dataset.class_names))
    whiten_stem(model, batches.images)
    measured, started = [], time.perf_counter()
    for step in range(asked.steps):
        epoch, index = divmod(step, len(batches))
        if index == 0:
            batches.start_epoch(epoch)
        model.reset_metrics()
        measured.append(model.train_on_batch(*batches[index], return_dict=True))
    if recipe.averaging:
        model.optimizer.finalize_variable_values(model.trainable_variables)
    means = (
        pd.DataFrame(measured, dtype=float)
        .groupby(np.arange(asked.steps) // asked.every)
        .mean()
        .round(5)
    )
    step = asked.every * means.index + asked.every
    columns = {
        "definition": definition,
        "step": step,
        "loss": means["loss"],
        "accuracy": means["accuracy"],
    }
    rows = pd.DataFrame(facts | columns)
    # Not `predict`, which compiles a graph for each network and warns that there are many.
    for column, (x, y) in {
        "train_accuracy": training,
        "val_accuracy": validation,
    }.items():
        x, y = np.asarray(x[: asked.validation_images]), y[: asked.validation_images]
        parts = np.split(x, range(500, len(x), 500))
        answers = [
            keras.ops.convert_to_numpy(model(part)).argmax(axis=1) for part in parts
        ]
        rows.loc[rows.index[-1], column] = (
            (np.concatenate(answers) == y).mean().round(5)
        )
    rows.loc[rows.index[-1], "seconds"] = round(time.perf_counter() - started)
    return rows
