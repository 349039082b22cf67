"""Studies: several recipes over their first steps, with several seeds.

To add one, enter it in `STUDIES`; `python -m alexnet_helpers NAME` runs it.
"""

import dataclasses
import itertools
import json
import time
import zlib
from typing import NamedTuple

import numpy as np
import pandas as pd

from alexnet_helpers import checks, geometry, load_keras
from alexnet_helpers.batches import LARGEST_SEED, Batches, split_validation
from alexnet_helpers.compilation import compile_model, prepare_training, whiten_stem
from alexnet_helpers.recipes import PAPER, TUTORIAL, Recipe
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
_LAYERS = tuple(geometry.kernel_shapes())  # "conv1" ... "fc8"


class Study(NamedTuple):
    """Recipes to be run over their first steps, each with every seed.

    Parameters
    ----------
    recipes : tuple of Recipe
        Of different names.
    seeds : tuple of int
    steps : int
        For how many batches each run trains: a multiple of `every`.
    every : int
        How many steps a row of results has the means of.
    images : int, optional
        How many training images are used, if there are as many; None for all.
    validation_images : int
        How many validation images are used, if there are as many.
    name : str, optional
        It names the file of results of a study that `STUDIES` does not hold.
    fixed : dict, optional
        {recipe's name: names of layers} whose weights keep their initial values.
    watched_images : int
        How many validation images are watched: see `study`. 0 watches none.
    other_batches : dict, optional
        {recipe's name: a number}, added to the seed that draws its batches, not to the
        seed of its initial weights and of dropout.

    Examples
    --------
    >>> Study(recipes=(TUTORIAL,), seeds=(0, 1), steps=100).every
    10
    """

    recipes: tuple
    seeds: tuple
    steps: int
    every: int = 10
    images: int | None = None
    validation_images: int = 1000
    name: str | None = None
    fixed: dict | None = None
    watched_images: int = 0
    other_batches: dict | None = None


_common, *_repaired = (
    dataclasses.replace(TUTORIAL, name=name, **changes)
    for name, changes in {"common recipe": {}, **REPAIRS}.items()
)
# conv4 as a comparison: nothing points to it.
_FIXED = {f"{name} fixed": (name,) for name in ("conv1", "conv2", "conv4")}
# Another draw, with nothing changed: what an intervention has to beat.
_OTHER = {"other batches": 10, "other batches again": 20}
_names = ("nothing fixed", *_FIXED, *_OTHER)
_same = tuple(dataclasses.replace(TUTORIAL, name=name) for name in _names)

# What each ingredient is worth: a quarter of the width, on 12,800 images.
BASE = dataclasses.replace(
    PAPER,
    name="base",
    width=0.25,
    kernel_initializer="he_normal",
    learning_rate=0.02,
    batch_size=64,
    epochs=16,
)
# The paper's initial weights (section 5).
SMALL_NORMAL = {"class_name": "RandomNormal", "config": {"stddev": 0.01}}
CHANGES = {
    "base": {},
    "tanh instead of ReLU": {"ingredients": {"activation": "tanh"}},
    "pools do not overlap": {"ingredients": {"pool": 2}},
    "no local response normalization": {"ingredients": {"local_response_norm": False}},
    "batch normalization instead": {"batch_norm": True},
    "no dropout": {"ingredients": {"dropout": 0.0}},
    "no augmentation": {"augmentation": ()},
    "without conv2": {"ingredients": {"without": ["conv2"]}},
    # Without conv4, a single tower is the same network.
    "without conv3 or conv4": {"ingredients": {"without": ["conv3"]}},
    "without conv5": {"ingredients": {"without": ["conv5"]}},
    # fc6 and fc7 are of equal size, so again the network is the same.
    "without fc6 or fc7": {"ingredients": {"without": ["fc7"]}},
    "two towers": {"ingredients": {"towers": 2}},
    "Glorot initial weights": {"kernel_initializer": "glorot_uniform"},
    "weights from N(0, 0.01²)": {"kernel_initializer": SMALL_NORMAL},
    "biases of 1": {"ingredients": {"ones_in_biases": True}},
    "constant learning rate": {"schedule": "constant", "warmup_epochs": 0},
    "stem 11x11, stride 4": {"ingredients": {"stem": [11, 4]}},
    # What the recipe of today has, one thing at a time.
    # What the next one is compared with.
    "stem 3x3 of 54 filters": {"ingredients": {"stem": [3, 1, 54]}},
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
    # What local response normalization does to small values: divide by 2 ** 0.75.
    "divided by 1.68 instead": {"ingredients": {"local_response_norm": {"alpha": 0.0}}},
}
_changed = {
    name: dataclasses.replace(BASE, **{"name": name} | changes)
    for name, changes in CHANGES.items()
}

# What augmentation is worth to a small network that can memorize 1,000 images.
_UNCHANGED = dataclasses.replace(
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
_AUGMENTATIONS = {
    "nothing": (),
    "shift, flip": ("shift_reflected_wide", "flip"),
    "shift, flip, erase": ("shift_reflected_wide", "flip", "erase"),
    "rotate, shift, flip": ("rotate_and_shift", "flip"),
}
_augmented = tuple(
    dataclasses.replace(_UNCHANGED, name=name, augmentation=augmentation)
    for name, augmentation in _AUGMENTATIONS.items()
)

# Does augmentation help once dropout no longer holds the network back?
_neither = dataclasses.replace(
    _changed["no dropout"], name="neither dropout nor augmentation", augmentation=()
)
_ideas = Study(
    recipes=tuple(_changed.values()),
    seeds=(0, 1, 2, 3, 4),
    steps=16 * 200,
    every=200,
    images=12_800,
    validation_images=5000,
)
STUDIES = {
    "repair_study": Study((_common, *_repaired), seeds=(0, 1, 2, 3, 4, 5), steps=100),
    # Four of the seeds with which the common recipe is stuck: which layer's steps keep
    # it at chance, and what another draw does.
    "fixed_layers": Study(
        _same, (1, 2, 3, 4), 100, fixed=_FIXED, watched_images=64, other_batches=_OTHER
    ),
    "plateau_study": Study((_common,), seeds=(0, 1, 2, 3, 4), steps=700),
    "augmentation": Study(
        recipes=_augmented,
        seeds=(0, 1, 2, 3, 4),
        steps=20 * 20,
        every=20,
        images=1_000,
        validation_images=5000,
    ),
    "ideas": _ideas,
    "dropout_and_augmentation": _ideas._replace(recipes=(_neither,)),
}


def study(name, dataset=None, results_folder=RESULTS_FOLDER):
    """Run the recipes of a study over their first steps, and write a table.

    A run that the table `results_folder/NAME.csv` already holds is not repeated, so a
    study that was killed goes on with the run that it was at.

    Parameters
    ----------
    name : str or Study
        One of `STUDIES`, or a study with a name of its own.
    dataset : data.ImageData, optional
        What `data.load_cifar10()` returns, which is the default.
    results_folder : str or Path

    Returns
    -------
    pandas.DataFrame
        A row for every ten steps of each run (or as many as the study's `every` says).
        `loss` and `accuracy` are means over those training batches. The last row of a
        run has the accuracy on validation images and on as many training images, both
        without augmentation and dropout, and the seconds that the run took.
        `definition` is a checksum of the recipe, the study's numbers and the images. If
        the study watches validation images, `deviation` is the standard deviation of
        the answers over them, averaged over the classes, and `silent_conv1` and
        `silent_conv2` are the shares of filters that give 0 for all of them.

    Raises
    ------
    ValueError
        Also for a table that is damaged, or holds a run of another definition or with
        other images.
    """
    name, chosen = _find_study(name)
    dataset = None if dataset is None else check_dataset(dataset)
    file = writable_folder("results_folder", results_folder) / f"{name}.csv"
    read_table(file)  # a damaged one is named now, not after the first run
    dataset = check_dataset(None) if dataset is None else dataset
    checksum = checksum_of(dataset)
    runs = []
    for seed, recipe in itertools.product(chosen.seeds, chosen.recipes):
        definition = _definition(chosen, recipe, checksum)
        rows, _ = rows_of_run(file, recipe.name, seed, dataset.source)
        if "definition" in rows and not set(rows["definition"]) <= {"", definition}:
            raise ValueError(
                f"recipe {recipe.name!r}, seed {seed}: its rows in {file} were made"
                " with another definition of the recipe or the study, or with other"
                " images. Give it another name, or remove that file to begin anew"
            )
        runs.append((recipe, seed, definition))
    for recipe, seed, definition in runs:
        rows, _ = rows_of_run(file, recipe.name, seed, dataset.source)
        if len(rows) != chosen.steps // chosen.every:
            merge_rows(file, _train_once(chosen, recipe, seed, dataset, definition))
    return read_table(file)


def _find_study(name):
    """Return the name of a study and the study, with its fields checked."""
    if isinstance(name, Study):
        found = name
        known = [title for title, study in STUDIES.items() if study is found]
        name = found.name if found.name is not None or not known else known[0]
        if name is None:
            needed = "a Study with a name: Study(..., name='my_study')"
            checks.refuse("name", needed, None)
    elif isinstance(name, str) and name in STUDIES:
        found = STUDIES[name]
    else:
        checks.refuse("name", f"a Study, or one of {', '.join(STUDIES)}", name)
    return checks.file_name("name", name), _check_study(found)


def _check_study(study):
    recipes, seeds = study.recipes, study.seeds
    is_list = isinstance(recipes, (list, tuple)) and recipes
    if not is_list or not all(isinstance(recipe, Recipe) for recipe in recipes):
        checks.refuse("recipes", "a list of one Recipe or more", recipes)
    names = [recipe.name for recipe in recipes]
    if len(set(names)) < len(names):
        checks.refuse("recipes", "of different names", names)
    if not isinstance(seeds, (list, tuple, range)) or not len(seeds):
        checks.refuse("seeds", "a list of one integer or more", seeds)
    every = checks.integer("every", study.every)
    steps = checks.integer("steps", study.steps)
    if steps % every:
        checks.refuse("steps", f"a multiple of every={every}", steps)
    images = study.images
    return Study(
        recipes=tuple(recipes),
        seeds=tuple(checks.integer("seeds", seed, 0, LARGEST_SEED) for seed in seeds),
        steps=steps,
        every=every,
        images=None if images is None else checks.integer("images", images),
        validation_images=checks.integer("validation_images", study.validation_images),
        name=study.name,
        fixed=_check_fixed(study.fixed, names),
        watched_images=checks.integer("watched_images", study.watched_images, 0),
        other_batches=_check_other_batches(study.other_batches, names),
    )


def _check_fixed(fixed, recipes):
    """Return {recipe's name: names of layers}, of some of the recipes."""
    if fixed is None:
        return {}
    if not isinstance(fixed, dict) or not fixed or not fixed.keys() <= set(recipes):
        checks.refuse("fixed", "{a recipe's name: a list of names of layers}", fixed)
    return {name: checks.names("fixed", fixed[name], _LAYERS) for name in fixed}


def _check_other_batches(other, recipes):
    """Return {recipe's name: a number}, of some of the recipes."""
    if other is None:
        return {}
    if not isinstance(other, dict) or not other or not other.keys() <= set(recipes):
        checks.refuse("other_batches", "{a recipe's name: a number}", other)
    return {name: checks.integer("other_batches", other[name]) for name in other}


def _definition(study, recipe, checksum):
    """Return a short text that changes with the recipe, the study and the images."""
    defaults = {field.name: field.default for field in dataclasses.fields(recipe)}
    definition = {
        name: value
        for name, value in dataclasses.asdict(recipe).items()
        if value != defaults[name]
    }
    for name in ("steps", "every", "images", "validation_images"):
        definition[name] = getattr(study, name)
    definition |= {"name": "", "summary": "", "data": checksum}
    of_recipe = ("fixed", "other_batches")
    more = {name: getattr(study, name).get(recipe.name) for name in of_recipe}
    more["watched_images"] = study.watched_images
    definition |= {name: value for name, value in more.items() if value}
    definition["precision"] = keras.config.dtype_policy().name
    return f"{zlib.crc32(json.dumps(definition, sort_keys=True).encode()):08x}"


def _train_once(study, recipe, seed, dataset, definition):
    """Train one recipe with one seed, and return its rows."""
    training, validation = split_validation(dataset.x_train, dataset.y_train)
    training = tuple(part[: study.images] for part in training)
    classes = len(dataset.class_names)
    keras.utils.clear_session()  # else each network stays in memory
    keras.utils.set_random_seed(seed)
    order = (seed + study.other_batches.get(recipe.name, 0)) % (LARGEST_SEED + 1)
    batches = Batches(*training, recipe.batch_size, recipe.augmentation, order, classes)
    model = compile_model(recipe, len(batches), classes)
    whiten_stem(model, batches.images)
    for layer in study.fixed.get(recipe.name, ()):
        model.get_layer(layer).trainable = False
    started = time.perf_counter()
    watched = validation[0][: study.watched_images]
    measured = _train_steps(model, batches, study.steps, study.every, watched)
    if recipe.averaging:
        model.optimizer.finalize_variable_values(model.trainable_variables)
    group = np.arange(study.steps) // study.every
    means = pd.DataFrame(measured, dtype=float).groupby(group).mean()
    facts = {"recipe": recipe.name, "seed": seed, "source": dataset.source}
    columns = {
        "definition": definition,
        "step": study.every * means.index + study.every,
        "loss": means["loss"].round(5),
        "accuracy": means["accuracy"].round(5),
    }
    # What was watched has one value in each group, and a mean skips what is missing.
    columns |= {name: means[name] for name in means if name not in columns}
    rows = pd.DataFrame(facts | machine_facts() | columns)
    last = rows.index[-1]
    count = study.validation_images
    rows.loc[last, "train_accuracy"] = _accuracy(model, *training, count)
    rows.loc[last, "val_accuracy"] = _accuracy(model, *validation, count)
    rows.loc[last, "seconds"] = round(time.perf_counter() - started)
    return rows


def _train_steps(model, batches, steps, every, watched):
    """Train for some steps, and return what each measured."""
    measured = []
    prepare_training(model)
    watch = _watcher(model, watched) if len(watched) else dict
    for step in range(steps):
        epoch, index = divmod(step, len(batches))
        if index == 0:
            batches.start_epoch(epoch)
        model.reset_metrics()
        measured.append(model.train_on_batch(*batches[index], return_dict=True))
        if (step + 1) % every == 0:
            measured[-1] |= watch()
    return measured


def _watcher(model, images):
    """Return a function that says how the network responds to fixed images now."""
    images = np.asarray(images, "float32")
    outputs = [model.get_layer(name).output for name in ("conv1", "conv2", "fc8")]
    listener = keras.Model(model.inputs[0], outputs)

    def watch():
        *maps, answers = map(keras.ops.convert_to_numpy, listener(images))
        # In float64, equal answers have the deviation 0.
        deviation = answers.astype(float).std(axis=0).mean()
        silent = [(one.max(axis=(0, 1, 2)) <= 0).mean().round(5) for one in maps]
        names = ("deviation", "silent_conv1", "silent_conv2")
        return dict(zip(names, (float(f"{deviation:.3g}"), *silent), strict=True))

    return watch


def _accuracy(model, images, labels, count):
    """Return the accuracy on the first `count` images.

    Not by `predict`, which compiles a graph for each network, and warns of many.
    """
    images, labels = np.asarray(images[:count]), labels[:count]
    parts = np.split(images, range(500, len(images), 500))
    answers = [keras.ops.convert_to_numpy(model(part)).argmax(axis=1) for part in parts]
    return (np.concatenate(answers) == labels).mean().round(5)
