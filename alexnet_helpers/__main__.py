"""Train a recipe, or resume it after a kill; or make a study.

    python -m alexnet_helpers RECIPE [--seed 0] [--epochs N] [--devices N]
                                     [--processes N] [--images FOLDER]
    python -m alexnet_helpers STUDY

The first makes one long run and writes `data/results/RECIPE.csv`. Run again after a
kill, it goes on from the last finished epoch; run again after the end, it trains
nothing and keeps the result. On the JAX backend it can share each batch among devices
and processes (notebook 17). The second runs one or several recipes over their first
steps, and writes `data/results/STUDY.csv`.
"""

import argparse
import sys
from pathlib import Path

from alexnet_helpers import checks, load_keras, scale
from alexnet_helpers.checkpoints import CHECKPOINT_FOLDER
from alexnet_helpers.recipes import RECIPES
from alexnet_helpers.results import RESULTS_FOLDER, writable_folder
from alexnet_helpers.studies import STUDIES, study
from alexnet_helpers.training import train
from alexnet_helpers.weights import save_weights

keras = load_keras()


def _names():
    """Return what the command line can name: each recipe and each study."""
    for name in RECIPES:
        if name in STUDIES:  # its results would go into the study's file
            checks.refuse("the name of a recipe", "different from every study's", name)
    return [*RECIPES, *STUDIES]


def _parser():
    summaries = [f"{recipe.name}: {recipe.summary}" for recipe in RECIPES.values()]
    parser = argparse.ArgumentParser(
        prog="python -m alexnet_helpers", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("name", choices=_names(), help="; ".join(summaries))
    add("--seed", type=int, default=0, help="of a recipe; a study has its own")
    until = "stop after this many epochs; the next call goes on from there"
    add("--epochs", type=int, help=until)
    folder = "folder for checkpoints (%(default)s)"
    add("--checkpoints", default=CHECKPOINT_FOLDER, help=folder)
    folder = "folder for curves (%(default)s)"
    add("--results", default=RESULTS_FOLDER, help=folder)
    faster = "compute in float16 where a GPU is faster so"
    add("--mixed", action="store_true", help=faster)
    images = "learn FOLDER/train/CLASS/*, test on FOLDER/val/CLASS/*"
    add("--images", metavar="FOLDER", help=images)
    number = "share each batch: a number, or all (JAX)"
    add("--devices", default="1", metavar="N", help=number)
    number = "start so many here, on the CPU (JAX)"
    add("--processes", type=int, default=1, metavar="N", help=number)
    file = "write the trained network to this file, too, at the end"
    add("--weights", metavar="FILE", help=file)
    return parser


def _parse(arguments):
    """Return the options of the command line, or exit with an error message."""
    parser = _parser()
    options = parser.parse_args(arguments)
    given = {
        name
        for name, value in vars(options).items()
        if value != parser.get_default(name)
    }
    if options.name in STUDIES and (others := given - {"name", "results"}):
        parser.error(
            f"--{min(others)} must be left out with the study {options.name}, which"
            " takes --results only"
        )
    if options.processes != 1 and options.devices not in ("1", "all"):
        parser.error(f"--devices must be all with --processes, got {options.devices}")
    return options


def main(arguments=None):
    """Train the recipe, or make the study, that the command line names.

    Parameters
    ----------
    arguments : list of str, optional
        In place of those that Python was started with.
    """
    if arguments is not None:
        arguments = checks.texts("arguments", arguments)
    options = _parse(arguments)
    if options.name in STUDIES:
        curves = study(options.name, results_folder=options.results)
        _print(curves.dropna(subset="val_accuracy"))
        return
    recipe, epochs, devices = RECIPES[options.name], options.epochs, options.devices
    if options.processes != 1:
        done = _train_in_processes(options)
        if done < recipe.epochs:
            print(f"{done} of {recipe.epochs} epochs are done")
            return
        epochs, devices = None, "1"  # what is left to do: a look at the test images
    model, curves = train(
        recipe,
        scale.load_image_folder(options.images) if options.images else None,
        seed=options.seed,
        epochs=epochs,
        checkpoint_folder=options.checkpoints,
        results_folder=options.results,
        verbose=2,
        mixed=options.mixed,
        devices=int(devices) if devices.isdecimal() else devices,
    )
    if scale.find_share("all").processes > 1:
        return  # whoever started this job says how it went
    if options.weights and len(curves) < recipe.epochs:
        print(
            f"{options.weights} is not written yet: {len(curves)} of {recipe.epochs}"
            " epochs are done"
        )
    elif options.weights:
        save_weights(options.weights, model, recipe, curves)
    _print(curves.tail(3))


def _train_in_processes(options):
    """Train with several processes; return of which epoch the checkpoint is."""
    if (backend := keras.backend.backend()) != "jax":
        needed = f"1 on the {backend} backend (KERAS_BACKEND=jax has more)"
        checks.refuse("processes", needed, options.processes)
    command = [sys.executable, "-m", "alexnet_helpers", options.name, "--devices=all"]
    for name in ("seed", "epochs", "checkpoints", "results", "images"):
        if (value := getattr(options, name)) is not None:
            command.append(f"--{name}={value}")
    if options.mixed:
        command.append("--mixed")
    folder = Path(options.checkpoints) / f"{options.name}-seed{options.seed}"
    folder = writable_folder("checkpoints", folder)
    try:
        scale.run_job(command, options.processes, folder, first_appears=True)
    finally:
        epochs = [int(file.stem[-3:]) for file in folder.glob("epoch-*.keras")]
        done = max(epochs, default=0)
        kept = f"a checkpoint of epoch {done}" if done else "no checkpoint yet"
        print(f"{folder} holds {kept}")
    return done


def _print(curves):
    hidden = ["source", "machine", "backend", "keras", "numpy", "definition"]
    print(curves.drop(columns=hidden, errors="ignore").to_string(index=False))
    print(f"on {curves['source'].iloc[-1]}")


if __name__ == "__main__":
    main()
