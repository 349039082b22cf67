"""Train a recipe, with a checkpoint after every epoch, or resume it after a kill; or make a study.

    python -m alexnet_helpers RECIPE [--seed 0] [--epochs N] [--devices N] [--processes N] [--images FOLDER]
    python -m alexnet_helpers STUDY

The first makes one long run and writes `data/results/RECIPE.csv`. Run again after a kill, it goes on
from the last finished epoch; run again after the end, it trains nothing and keeps the result. On the
JAX backend it can share each batch among devices and processes (notebook 17). The second runs one or
several recipes over their first steps, and writes `data/results/STUDY.csv`.
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


def _train_in_processes(options):
    """Do with several processes what the command line asks for; return how many epochs are in the checkpoint."""
    if (backend := keras.backend.backend()) != "jax":
        checks.refuse(
            "processes",
            f"1 on the {backend} backend (KERAS_BACKEND=jax has more)",
            options.processes,
        )
    passed_on = {
        name: getattr(options, name)
        for name in ("seed", "epochs", "checkpoints", "results", "images")
    }
    command = [sys.executable, "-m", "alexnet_helpers", options.name, "--devices=all"]
    command += [
        f"--{name}={value}" for name, value in passed_on.items() if value is not None
    ]
    folder = writable_folder(
        "checkpoints", Path(options.checkpoints) / f"{options.name}-seed{options.seed}"
    )
    try:
        scale.run_job(
            command + ["--mixed"] * options.mixed,
            options.processes,
            folder,
            first_appears=True,
        )
    finally:
        done = max(
            (int(file.stem[-3:]) for file in folder.glob("epoch-*.keras")), default=0
        )
        print(
            f"{folder} holds a checkpoint of epoch {done}"
            if done
            else f"{folder} holds no checkpoint yet"
        )
    return done


def main(arguments=None):
    """Train the recipe, or make the study, that the command line names (see the module's docstring)."""
    summaries = [f"{recipe.name}: {recipe.summary}" for recipe in RECIPES.values()]
    parser = argparse.ArgumentParser(
        prog="python -m alexnet_helpers", description=__doc__.splitlines()[0]
    )
    parser.add_argument("name", choices=[*RECIPES, *STUDIES], help="; ".join(summaries))
    parser.add_argument(
        "--seed", type=int, default=0, help="of a recipe; a study has its own"
    )
    parser.add_argument(
        "--epochs",
        type=int,
        help="stop after this many epochs; the next call goes on from there",
    )
    parser.add_argument(
        "--checkpoints",
        default=CHECKPOINT_FOLDER,
        help="folder for checkpoints (%(default)s)",
    )
    parser.add_argument(
        "--results", default=RESULTS_FOLDER, help="folder for curves (%(default)s)"
    )
    parser.add_argument(
        "--mixed",
        action="store_true",
        help="compute in float16 where a GPU is faster so",
    )
    parser.add_argument(
        "--images",
        metavar="FOLDER",
        help="learn FOLDER/train/CLASS/*, test on FOLDER/val/CLASS/*",
    )
    parser.add_argument(
        "--devices",
        default="1",
        metavar="N",
        help="share each batch: a number, or all (JAX)",
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        metavar="N",
        help="start so many here, on the CPU (JAX)",
    )
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="write the trained network to this file, too, at the end",
    )
    if arguments is not None:
        arguments = checks.texts("arguments", arguments)
    options = parser.parse_args(arguments)
    given = [
        name
        for name, value in vars(options).items()
        if value != parser.get_default(name)
    ]
    if options.name in STUDIES and (others := set(given) - {"name", "results"}):
        parser.error(
            f"--{min(others)} must be left out with the study {options.name}, which"
            " takes --results only"
        )
    if options.processes != 1 and options.devices not in ("1", "all"):
        parser.error(f"--devices must be all with --processes, got {options.devices}")
    if options.name in STUDIES:
        curves = study(options.name, results_folder=options.results).dropna(
            subset="val_accuracy"
        )
    else:
        folders = {
            "checkpoint_folder": options.checkpoints,
            "results_folder": options.results,
        }
        how = {
            "seed": options.seed,
            "epochs": options.epochs,
            "mixed": options.mixed,
            "verbose": 2,
        }
        how["devices"] = (
            int(options.devices) if options.devices.isdecimal() else options.devices
        )
        recipe = RECIPES[options.name]
        if options.processes != 1:
            done = _train_in_processes(options)
            if done < recipe.epochs:
                print(f"{done} of {recipe.epochs} epochs are done")
                return
            how |= {
                "epochs": None,
                "devices": 1,
            }  # what is left to do: a look at the test images
        dataset = scale.load_image_folder(options.images) if options.images else None
        model, curves = train(recipe, dataset, **how, **folders)
        if scale.find_share("all").processes > 1:
            return  # whoever started this job says how it went
        if options.weights and len(curves) < recipe.epochs:
            print(
                f"{options.weights} is not written yet: {len(curves)} of"
                f" {recipe.epochs} epochs are done"
            )
        elif options.weights:
            save_weights(options.weights, model, recipe, curves)
        curves = curves.tail(3)
    hidden = ["source", "machine", "backend", "keras", "numpy", "definition"]
    print(curves.drop(columns=hidden, errors="ignore").to_string(index=False))
    print(f"on {curves['source'].iloc[-1]}")


if __name__ == "__main__":
    main()
