"""Training: recipes, batches and augmentation, and that no epoch is lost, whatever happens on the way."""

import contextlib
import copy
import dataclasses
import errno
import json
import math
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import numpy as np
import pandas as pd
import pytest

from alexnet_helpers import __main__ as command
from alexnet_helpers import (
    checkpoints,
    compilation,
    data,
    load_keras,
    models,
    recipes,
    schedules,
    studies,
    training,
    weights,
)
from alexnet_helpers.augmentation import AUGMENTATIONS, erase, erase_wide, flip, rotate_and_shift, shift
from alexnet_helpers.batches import Batches, split_validation
from alexnet_helpers.recipes import (
    MODERN,
    MODERN_HALF,
    PAPER,
    PAPER_HALF,
    RECIPES,
    TODAY,
    TUTORIAL,
    TUTORIAL_REPAIRED,
    Recipe,
)
from alexnet_helpers.results import RESULTS_FOLDER, merge_rows, read_table, rows_of_run
from alexnet_helpers.studies import Study
from alexnet_helpers.views import predict_ten_views, predict_two_views

keras = load_keras()

# Keras itself causes it when it saves a model.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

ROOT = Path(__file__).resolve().parent.parent
# Few layers: they compile sooner, and lose and keep what all do.
SHORT = {"without": ["conv2", "conv3", "conv4", "conv5", "fc7"], "stem": [11, 4]}
# Of the 1,233 handwritten digits that are trained on this is a ninth: Keras traces each shape of a batch anew.
NINTH = 137
# Small enough for a second an epoch, and with everything that a long run has.
TINY = dataclasses.replace(
    TUTORIAL_REPAIRED,
    name="tiny",
    width=0.03,
    ingredients=SHORT,
    epochs=6,
    batch_size=NINTH,
    learning_rate=1e-3,
    warmup_epochs=1,
    weight_decay=0.5,
)
TIMES = ["seconds", "images_per_second"]
COLUMNS = ["recipe", "seed", "source", "machine", "backend", "keras", "numpy", "precision", "epoch", "accuracy", "loss"]
COLUMNS += ["val_accuracy", "val_loss", "learning_rate", *TIMES, "multiply_adds", "petaflop"]
COLUMNS += ["test_accuracy", "test_accuracy_two_views", "test_accuracy_ten_views"]


@pytest.fixture(scope="module")
def digits():
    """Return the data set of a machine without CIFAR-10 and without a network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALEXNET_DATA", os.devnull)
        return data.load_cifar10()


@dataclasses.dataclass
class Run:
    folder: Path
    model: keras.Model
    curves: pd.DataFrame
    seen: list

    @property
    def checkpoints(self):
        return self.folder / "checkpoints"

    def copy(self, to):
        """Return keyword arguments for `train` that find a copy of this run's files."""
        shutil.copytree(self.folder, to / "copy")
        return folders(to / "copy")


def folders(folder):
    return {"checkpoint_folder": folder / "checkpoints", "results_folder": folder / "results", "verbose": 0}


@pytest.fixture(scope="module")
def unbroken(digits, tmp_path_factory):
    """Train TINY with seed 3 from beginning to end, and note which batches it saw."""
    folder, seen, original = tmp_path_factory.mktemp("unbroken"), [], Batches.__getitem__

    def noting(self, index):
        seen.append((self.epoch, index))
        return original(self, index)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Batches, "__getitem__", noting)
        model, curves = training.train(TINY, digits, seed=3, **folders(folder))
    return Run(folder, model, curves, seen)


def assert_same_weights(found, expected):
    """Compare two networks; runs on one machine may differ in what rounding makes of another order of additions.

    Dropout that is not the same after a stop makes a difference of 0.2.
    """
    for one, other in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4 * max(np.abs(other).max(), 1e-3))


def assert_same_curves(found, expected):
    numbers = ["accuracy", "loss", "val_accuracy", "val_loss", "learning_rate"]
    others = [name for name in expected if name not in (*numbers, *TIMES) and not name.startswith("test_")]
    pd.testing.assert_frame_equal(found[others], expected[others])
    np.testing.assert_allclose(found[numbers], expected[numbers], rtol=1e-4, atol=2e-5)


def first_images(dataset, n, test=30):
    """Return a data set with its first images only."""
    parts = {"x_train": n, "y_train": n, "x_test": test, "y_test": test}
    return dataset._replace(**{name: getattr(dataset, name)[:count] for name, count in parts.items()})


def small_dataset(images=60, classes=3):
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (images, 32, 32, 3), np.uint8), np.arange(images) % classes
    names = tuple(f"class {number}" for number in range(classes))
    return data.ImageData(pixels, labels, pixels[:30], labels[:30], names, "noise")


# --- a run ---


def test_curves_have_one_row_an_epoch_and_the_documented_columns(unbroken):
    assert list(unbroken.curves.columns) == COLUMNS
    assert unbroken.curves["epoch"].tolist() == list(range(1, TINY.epochs + 1))
    assert unbroken.curves["loss"].iloc[-1] < unbroken.curves["loss"].iloc[0]
    for column in COLUMNS[-3:]:
        assert unbroken.curves[column].notna().tolist() == [False] * (TINY.epochs - 1) + [True]


def test_results_are_stored_as_returned(unbroken, digits):
    results = unbroken.folder / "results"
    assert sorted(path.name for path in results.glob("*.csv")) == ["tiny-confusion.csv", "tiny.csv"]
    pd.testing.assert_frame_equal(pd.read_csv(results / "tiny.csv"), unbroken.curves)
    table = pd.read_csv(results / "tiny-confusion.csv", dtype={"truth": str, "predicted": str})
    assert list(table.columns) == ["recipe", "seed", "source", "truth", "predicted", "images"]
    table = table.pivot(index="truth", columns="predicted", values="images")
    predicted = unbroken.model.predict(digits.x_test, verbose=0).argmax(axis=1)
    expected = np.zeros((10, 10), int)
    for truth, answer in zip(digits.y_test, predicted, strict=True):
        expected[truth, answer] += 1
    np.testing.assert_array_equal(table, expected)
    assert unbroken.curves["test_accuracy"].iloc[-1] == round(np.trace(expected) / expected.sum(), 5)


def test_ten_views_are_moved_and_mirrored_and_averaged(unbroken, digits):
    images, expected = digits.x_test[:3], 0
    for down, right in ((0, 0), (2, 2), (2, -2), (-2, 2), (-2, -2)):
        view = np.zeros_like(images)
        rows, columns = np.arange(32) - down, np.arange(32) - right
        for row, column in zip(
            *np.nonzero((rows[:, None] % 32 == rows[:, None]) & (columns % 32 == columns)), strict=True
        ):
            view[:, row, column] = images[:, rows[row], columns[column]]
        for turned in (view, view[:, :, ::-1]):
            expected = expected + unbroken.model.predict(turned, verbose=0) / 10
    np.testing.assert_allclose(predict_ten_views(unbroken.model, images), expected, rtol=1e-4, atol=1e-6)


def test_every_epoch_sees_all_of_its_own_batches(unbroken):
    steps = math.ceil((1541 - 308) / TINY.batch_size)
    expected = {(epoch, index) for epoch in range(TINY.epochs) for index in range(steps)}
    assert set(unbroken.seen) == expected
    for epoch in range(TINY.epochs):  # in their order: Keras does not shuffle them again
        first_seen = dict.fromkeys(index for seen_in, index in unbroken.seen if seen_in == epoch)
        assert list(first_seen) == list(range(steps))
    assert len(unbroken.seen) <= len(expected) + steps  # Keras may look at a batch beforehand


def test_learning_rate_climbs_and_falls_along_half_a_cosine(unbroken):
    after_warmup = np.arange(TINY.epochs) / (TINY.epochs - 1)
    expected = TINY.learning_rate * (1 + np.cos(np.pi * after_warmup)) / 2
    np.testing.assert_allclose(unbroken.curves["learning_rate"], expected, rtol=1e-3, atol=1e-9)


def test_refining_erases_nothing_and_with_averaged_weights_survives_stops(digits, tmp_path, monkeypatch):
    erased = []
    erase = erase_wide
    monkeypatch.setitem(
        AUGMENTATIONS, "erase_wide", lambda images, rng: erased.append(len(images)) or erase(images, rng)
    )
    changes = {"name": "refined", "width": 0.03, "epochs": 4, "warmup_epochs": 1, "refine_epochs": 2, "averaging": 0.9}
    changes |= {"ingredients": SHORT, "learning_rate": 0.1, "refine_rate": 0.01, "batch_size": 160}
    recipe = dataclasses.replace(MODERN_HALF, **changes)
    small = first_images(digits, 600)
    whole, curves = training.train(recipe, small, **folders(tmp_path / "whole"))
    # when each epoch has ended: after the warm-up, at the end of the half cosine, where the refining begins, and so on
    np.testing.assert_allclose(curves["learning_rate"], [0.1, 0.01, 0.005, 0], atol=1e-9, rtol=1e-3)
    assert 2 * 480 <= sum(erased) < 3 * 480  # Keras may look at a batch or two beforehand

    for epochs in (1, 1, None):  # stopped before the refining, and where it begins
        resumed, resumed_curves = training.train(recipe, small, epochs=epochs, **folders(tmp_path / "parts"))
    assert_same_curves(resumed_curves, curves)
    again, _ = training.train(recipe, small, **folders(tmp_path / "whole"))
    assert_same_weights(resumed, whole)
    assert_same_weights(again, whole)

    _, (images, labels) = split_validation(small.x_train, small.y_train)
    with monkeypatch.context() as during_training:  # when the normalization is not measured anew
        during_training.setattr(training, "_measure_normalization", lambda *_: None)
        validated, _ = training.train(recipe, small, **folders(tmp_path / "whole"))
    loss, accuracy = validated.evaluate(images, np.eye(10)[labels], batch_size=500, verbose=0)
    assert curves["val_loss"].iloc[-1] == pytest.approx(loss, rel=1e-3)
    assert curves["val_accuracy"].iloc[-1] == pytest.approx(accuracy, abs=1e-4)
    last = compilation.compile_model(recipe, 10)
    checkpoints.load_checkpoint(tmp_path / "whole" / "checkpoints" / "refined-seed0", last)
    assert not np.array_equal(last.get_weights()[0], whole.get_weights()[0])


def test_only_the_last_checkpoint_is_kept(unbroken):
    files = {path.name for path in (unbroken.checkpoints / "tiny-seed3").iterdir()}
    assert files - {"lock"} == {"epoch-006.keras", "epoch-006.csv", "recipe.json"}


def test_run_again_after_the_end_trains_nothing_and_leaves_the_test_set_alone(unbroken, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_finish", None)
    monkeypatch.setattr(keras.Model, "fit", None)
    model, curves = training.train(TINY, digits, seed=3, **unbroken.copy(tmp_path))
    pd.testing.assert_frame_equal(curves, unbroken.curves)
    assert_same_weights(model, unbroken.model)


def test_killed_before_its_results_were_stored_a_run_only_needs_its_checkpoint(unbroken, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", None)
    arguments = unbroken.copy(tmp_path)
    shutil.rmtree(arguments["results_folder"])
    _, curves = training.train(TINY, digits, seed=3, **arguments)
    pd.testing.assert_frame_equal(curves, unbroken.curves)
    assert (arguments["results_folder"] / "tiny-confusion.csv").exists()


def test_multiply_adds_are_three_forward_passes_over_the_training_images(unbroken):
    # conv1 sees 32 x 32 x 3 with stride 4, and three pools leave 1 x 1; width 0.03 means 3 filters and 123 units.
    forward = 64 * 363 * 3 + 3 * 123 + 123 * 10
    assert unbroken.curves["multiply_adds"].tolist() == [3 * forward * (1541 - 308)] * TINY.epochs


def test_in_mixed_precision_a_run_is_stopped_and_continued_alike(tmp_path):
    changes = {"name": "mixed", "width": 0.03, "epochs": 2, "warmup_epochs": 0, "refine_epochs": 1, "batch_size": 40}
    recipe = dataclasses.replace(MODERN, ingredients=SHORT, **changes)
    whole, curves = training.train(recipe, small_dataset(100), mixed=True, **folders(tmp_path / "whole"))
    training.train(recipe, small_dataset(100), epochs=1, mixed=True, **folders(tmp_path / "parts"))
    with pytest.raises(ValueError, match=r"precision='mixed_float16' \(now 'float32'\)"):
        training.train(recipe, small_dataset(100), **folders(tmp_path / "parts"))
    resumed, _ = training.train(recipe, small_dataset(100), mixed=True, **folders(tmp_path / "parts"))
    assert keras.config.dtype_policy().name == "float32"
    assert isinstance(whole.optimizer, keras.optimizers.LossScaleOptimizer)
    assert curves["precision"].tolist() == ["mixed_float16"] * 2
    assert_same_weights(resumed, whole)


@pytest.mark.parametrize("recipe", [PAPER, MODERN], ids=lambda recipe: recipe.name)
def test_the_long_recipes_run_end_to_end_at_a_small_size(digits, tmp_path, monkeypatch, capsys, recipe):
    short = {"epochs": 2, "warmup_epochs": 0, "refine_epochs": min(1, recipe.refine_epochs), "batch_size": NINTH}
    small = dataclasses.replace(recipe, width=0.05, learning_rate=0.01, **short)
    monkeypatch.setitem(RECIPES, recipe.name, small)
    monkeypatch.setenv("ALEXNET_DATA", os.devnull)
    places = ["--checkpoints", str(tmp_path), "--results", str(tmp_path), "--weights", str(tmp_path / "weights.npz")]
    command.main([recipe.name, *places, "--epochs=1"])
    assert "weights.npz is not written yet: 1 of 2 epochs" in capsys.readouterr().out
    assert not (tmp_path / "weights.npz").exists()
    command.main([recipe.name, *places])
    curves = pd.read_csv(tmp_path / f"{recipe.name}.csv")
    assert str(curves["test_accuracy"].iloc[-1]) in capsys.readouterr().out
    model = models.alexnet_cifar10(recipe.variant, weights=tmp_path / "weights.npz")
    right = model.predict(digits.x_test, verbose=0).argmax(axis=1) == digits.y_test
    assert right.mean() == pytest.approx(curves["test_accuracy"].iloc[-1], abs=0.02)  # rounded to float16


def test_the_half_width_runs_differ_in_width_and_length_alone():
    for whole, half in ((PAPER, PAPER_HALF), (MODERN, MODERN_HALF)):
        assert dataclasses.replace(half, name=whole.name, width=1.0, epochs=whole.epochs) == whole
        assert half.width == 0.5


def test_a_data_set_with_three_classes(tmp_path):
    recipe = dataclasses.replace(TINY, epochs=1, warmup_epochs=0, optimizer="adam", schedule="constant", weight_decay=0)
    model, curves = training.train(recipe, small_dataset(), **folders(tmp_path))
    assert model.output_shape == (None, 3)
    assert len(pd.read_csv(tmp_path / "results" / "tiny-confusion.csv")) == 9
    assert curves["learning_rate"].tolist() == [recipe.learning_rate]


# --- what can happen on the way ---

# Keras is imported once; what is to die is forked off before TensorFlow computes, since its threads are not forked.
COMMAND = """
import dataclasses, os, signal, sys
import alexnet_helpers

if sys.platform == "linux":
    alexnet_helpers._choose_backend()
    with alexnet_helpers._quietly():
        alexnet_helpers._import_keras()
    for line in sys.stdin:  # the moment to be killed at
        child = os.fork()
        if child == 0:
            os.environ["KILL_AT"] = line.strip()
            break
        print("ended with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    else:
        sys.exit()
from alexnet_helpers import __main__ as command, results
from alexnet_helpers.batches import Batches
from alexnet_helpers.recipes import RECIPES, TUTORIAL_REPAIRED

def killed(function, moment):
    def called(*arguments):
        if os.environ.get("KILL_AT") == moment(*arguments):
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        return function(*arguments)
    return called

results.os.replace = killed(os.replace, lambda unfinished, path: os.path.basename(path))
moment = lambda batches, index: f"batch {{batches.epoch + 1}}" if index == 5 else ""
Batches.__getitem__ = killed(Batches.__getitem__, moment)
RECIPES["tiny"] = dataclasses.replace(TUTORIAL_REPAIRED, name="tiny", **{changes!r})
command.main(sys.argv[1:])
"""


@contextlib.contextmanager
def starts_of(command, environment, folder):
    """Yield a function that starts a command above, kills it at a moment and returns its exit status and last words."""
    if sys.platform != "linux":  # elsewhere a fork is too delicate

        def start(moment):
            options = {"env": environment | {"KILL_AT": moment}, "capture_output": True, "text": True}
            done = subprocess.run(command, **options, timeout=3000)
            return done.returncode, done.stdout

        yield start
        return
    with open(folder / "errors", "w") as errors:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors, "text": True}
        process = subprocess.Popen(command, env=environment, **pipes)

        def start(moment):
            process.stdin.write(f"{moment}\n")
            process.stdin.flush()
            said = []
            for line in process.stdout:
                if line.startswith("ended with "):
                    return int(line.split()[-1]), "".join(said)
                said.append(line)
            raise RuntimeError((folder / "errors").read_text())

        try:
            yield start
        finally:
            process.communicate(timeout=3000)
        assert process.returncode == 0


def test_killed_at_bad_moments_the_command_goes_on_and_ends_as_an_unbroken_run(unbroken, tmp_path):
    tiny, repaired = dataclasses.asdict(TINY), dataclasses.asdict(TUTORIAL_REPAIRED)
    changes = {name: value for name, value in tiny.items() if value != repaired[name] and name != "name"}
    names = {"--checkpoints": "checkpoints", "--results": "results"}
    options = [text for option, name in names.items() for text in (option, str(tmp_path / name))]
    command = [sys.executable, "-c", COMMAND.format(changes=changes), "tiny", "--seed", "3", *options]
    environment = os.environ | {"ALEXNET_DATA": os.devnull, "PYTHONPATH": str(ROOT)}
    folder = tmp_path / "checkpoints" / "tiny-seed3"
    # While the second checkpoint is written beside the first, and amid the fifth epoch.
    moments = (("epoch-002.keras", 1, 1), ("batch 5", 0, 4))
    with starts_of(command, environment, tmp_path) as start:
        for moment, left, whole in moments:
            code, _ = start(moment)
            assert code == -signal.SIGKILL if os.name != "nt" else code
            assert [path.name for path in folder.glob("epoch-*.keras")] == [f"epoch-{whole:03d}.keras"]
            assert len(list(folder.glob("unfinished-*"))) == left
        code, said = start("never")
    assert code == 0
    curves = pd.read_csv(tmp_path / "results" / "tiny.csv")
    assert_same_curves(curves, unbroken.curves)
    compiled = compilation.compile_model(TINY, 10)
    checkpoints.load_checkpoint(folder, compiled)
    assert_same_weights(compiled, unbroken.model)
    assert "scikit-learn's handwritten digits" in said.splitlines()[-1]
    assert str(curves["test_accuracy"].iloc[-1]) in said
    assert list(folder.glob("unfinished-*")) == []


def test_a_full_disk_leaves_the_older_checkpoint_whole(unbroken, tmp_path):
    resource = pytest.importorskip("resource")  # POSIX only
    folder = unbroken.copy(tmp_path)["checkpoint_folder"] / "tiny-seed3"
    rows, limits = unbroken.curves.to_dict("records"), resource.getrlimit(resource.RLIMIT_FSIZE)
    rows.append(rows[-1] | {"epoch": 7})
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before["epoch-006.keras"]) // 2, limits[1]))  # of any file
    try:
        with pytest.raises(
            OSError, match=r"epoch 7 could not be saved .*checkpoint of epoch 6 is whole. Make room and run"
        ):
            checkpoints._save_checkpoint(folder, 7, unbroken.model, rows)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    model = compilation.compile_model(TINY, 10)
    assert len(checkpoints.load_checkpoint(folder, model)) == 6
    checkpoints._save_checkpoint(folder, 7, unbroken.model, rows)
    assert len(checkpoints.load_checkpoint(folder, model)) == 7


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("file", "damage"),
    [(".keras", truncate), (".keras", flip_a_bit), (".csv", truncate), (".csv", Path.unlink)],
)
def test_a_damaged_checkpoint_is_named(unbroken, tmp_path, file, damage):
    folder = unbroken.copy(tmp_path)["checkpoint_folder"] / "tiny-seed3"
    damage(folder / f"epoch-006{file}")
    model = compilation.compile_model(TINY, 10)
    with pytest.raises(ValueError, match=r"checkpoint .*epoch-006.* is damaged .*: remove .*tiny-seed3 to begin anew"):
        checkpoints.load_checkpoint(folder, model)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    recipe = dataclasses.replace(
        TINY, optimizer="adam", schedule="constant", warmup_epochs=0, weight_decay=0, learning_rate=1e30
    )
    with pytest.raises(FloatingPointError, match=r"epoch \d.*smaller learning_rate.*No epoch has been saved"):
        training.train(recipe, small_dataset(200), **folders(tmp_path))
    assert list((tmp_path / "checkpoints" / "tiny-seed0").glob("epoch-*")) == []


def test_the_same_run_cannot_be_made_twice_at_once(tmp_path):
    folder = tmp_path / "checkpoints" / "tiny-seed0"
    folder.mkdir(parents=True)
    with (
        filelock.FileLock(folder / "lock"),
        pytest.raises(RuntimeError, match=r"'tiny', seed 0: another process is training it"),
    ):
        training.train(TINY, small_dataset(), **folders(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": 0.5}, r"learning_rate=0.001 \(now 0.5\)"),
        ({"augmentation": ("flip",)}, r"augmentation=\['shift', 'flip', 'erase'\] \(now \['flip'\]\)"),
        ({"epochs": 7}, r"epochs=6 \(now 7\)"),
    ],
)
def test_a_run_is_not_continued_with_another_definition_of_its_recipe(unbroken, digits, tmp_path, change, message):
    with pytest.raises(ValueError, match=rf"recipe='tiny': .*tiny-seed3 was begun with {message}\. .* begin anew"):
        training.train(dataclasses.replace(TINY, **change), digits, seed=3, **unbroken.copy(tmp_path))


def test_a_run_is_not_continued_on_other_data(unbroken, digits, tmp_path):
    arguments = unbroken.copy(tmp_path)
    with pytest.raises(ValueError, match=r"source=.*digits.*now 'noise'.*images=1541.*classes=10"):
        training.train(TINY, small_dataset(), seed=3, **arguments)
    (arguments["checkpoint_folder"] / "tiny-seed3" / "recipe.json").unlink()
    with pytest.raises(ValueError, match=r"recipe.json is missing or damaged .* Remove .*tiny-seed3 to begin anew"):
        training.train(TINY, digits, seed=3, **arguments)


def test_a_new_wording_of_the_summary_is_no_other_recipe(unbroken, digits, tmp_path):
    recipe = dataclasses.replace(TINY, summary="said better")
    _, curves = training.train(recipe, digits, seed=3, **unbroken.copy(tmp_path))
    assert len(curves) == TINY.epochs


@pytest.mark.parametrize("argument", ["checkpoint_folder", "results_folder"])
def test_a_folder_that_cannot_be_written_to_is_named_before_anything_is_trained(tmp_path, argument):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match=rf"{argument}='.*file.*' cannot be written to: name another folder"):
        training.train(TINY, **folders(tmp_path) | {argument: tmp_path / "file"})


def row(seed, source="here", **values):
    return pd.DataFrame([{"recipe": "tiny", "seed": seed, "source": source, "epoch": 1, "loss": 1.0} | values])


def test_results_of_several_seeds_and_data_sets_lie_side_by_side(tmp_path):
    file = tmp_path / "tiny.csv"
    for rows in (row(2), row(1), row(1, "there"), row(2, loss=0.5)):
        merge_rows(file, rows)
    stored = pd.read_csv(file)
    assert stored[["source", "seed", "loss"]].to_numpy().tolist() == [
        ["here", 1, 1.0],
        ["here", 2, 0.5],
        ["there", 1, 1.0],
    ]


def test_runs_that_end_at_the_same_time_lose_no_results(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: merge_rows(tmp_path / "tiny.csv", row(seed)), range(16)))
    assert pd.read_csv(tmp_path / "tiny.csv")["seed"].tolist() == list(range(16))


# --- the study ---


def test_a_study_compares_its_recipes_and_repeats_nothing(tmp_path, monkeypatch):
    first = dataclasses.replace(TUTORIAL, name="a", width=0.03, ingredients=SHORT, batch_size=8)
    recipes = (first, dataclasses.replace(first, name="b"))
    monkeypatch.setitem(studies.STUDIES, "two", Study(recipes, seeds=(0,), steps=20))
    arguments = {"dataset": small_dataset(), "results_folder": tmp_path}
    table = studies.study("two", **arguments)
    assert table[["recipe", "seed", "step"]].to_numpy().tolist() == [
        ["a", 0, 10],
        ["a", 0, 20],
        ["b", 0, 10],
        ["b", 0, 20],
    ]
    assert table["val_accuracy"].notna().tolist() == [False, True] * 2
    same = table[table["recipe"] == "a"].reset_index(drop=True), table[table["recipe"] == "b"].reset_index(drop=True)
    other = ["recipe", "seconds"]
    pd.testing.assert_frame_equal(same[0].drop(columns=other), same[1].drop(columns=other))
    monkeypatch.setattr(studies, "compile_model", None)
    pd.testing.assert_frame_equal(studies.study("two", **arguments), table)


def test_a_study_shuffles_and_augments_anew_in_every_epoch(tmp_path, monkeypatch):
    seen = []

    class Watched(Batches):
        def __getitem__(self, index):
            images, labels = super().__getitem__(index)
            seen.append(np.asarray(images))
            return images, labels

    monkeypatch.setattr(studies, "Batches", Watched)
    recipe = dataclasses.replace(PAPER, name="a", width=0.03, ingredients=SHORT, batch_size=8)
    dataset = small_dataset()
    monkeypatch.setitem(studies.STUDIES, "long", Study((recipe,), seeds=(0,), steps=20))
    studies.study("long", dataset=dataset, results_folder=tmp_path)
    per_epoch = -(-len(split_validation(dataset.x_train, dataset.y_train)[0][0]) // 8)
    assert per_epoch < 20  # more than one epoch
    assert len(seen) == 20
    assert not np.array_equal(seen[0], seen[per_epoch])
    # The images differ, not their order alone.
    assert len({image.tobytes() for batch in seen[: 2 * per_epoch] for image in batch}) > 1.5 * 8 * (per_epoch - 1)


def test_a_study_uses_as_many_images_and_writes_as_many_rows_as_it_says(tmp_path, monkeypatch):
    recipe = dataclasses.replace(TUTORIAL, name="a", width=0.03, ingredients=SHORT, batch_size=8)
    options = {"every": 3, "images": 24, "validation_images": 5}
    monkeypatch.setitem(studies.STUDIES, "small", Study((recipe,), seeds=(0,), steps=6, **options))
    seen = []

    class Recorded(Batches):
        def __getitem__(self, index):
            seen.append((index, len(self.images)))
            return super().__getitem__(index)

    monkeypatch.setattr(studies, "Batches", Recorded)
    table = studies.study("small", dataset=small_dataset(), results_folder=tmp_path)
    assert table["step"].tolist() == [3, 6]
    assert seen == [(0, 24), (1, 24), (2, 24)] * 2
    assert table["val_accuracy"].iloc[-1] in [round(n / 5, 5) for n in range(6)]


def test_a_study_keeps_layers_fixed_and_watches_the_answers(tmp_path, monkeypatch):
    kernels = []

    def steps(model, *arguments):
        get = lambda: [np.array(model.get_layer(name).get_weights()[0]) for name in ("conv1", "conv2")]  # noqa: E731
        before = get()
        measured = train_steps(model, *arguments)
        kernels.append([np.array_equal(*pair) for pair in zip(before, get(), strict=True)])
        return measured

    train_steps = studies._train_steps
    monkeypatch.setattr(studies, "_train_steps", steps)
    first = dataclasses.replace(TUTORIAL, name="a", width=0.03, batch_size=8)
    found = (first, dataclasses.replace(first, name="b"))
    options = {"every": 2, "fixed": {"b": ["conv1"]}, "watched_images": 6, "name": "fixed"}
    table = studies.study(Study(found, (0,), steps=4, **options), small_dataset(), tmp_path)
    assert kernels == [[False, False], [True, False]]
    assert (table["deviation"] > 0).all() and (table["deviation"] < 0.5).all()
    assert table[["silent_conv1", "silent_conv2"]].stack().between(0, 1).all()
    assert table["definition"].nunique() == 2


def test_a_study_draws_other_batches_for_the_same_initial_weights(tmp_path, monkeypatch):
    seen = []

    def steps(model, batches, *arguments):
        seen.append((model.get_layer("conv1").get_weights()[0], batches.seed))
        return train_steps(model, batches, *arguments)

    train_steps = studies._train_steps
    monkeypatch.setattr(studies, "_train_steps", steps)
    first = dataclasses.replace(TUTORIAL, name="a", width=0.03, batch_size=8)
    found = (first, dataclasses.replace(first, name="b"))
    options = {"every": 2, "other_batches": {"b": 10}, "name": "others"}
    table = studies.study(Study(found, (3,), steps=2, **options), small_dataset(), tmp_path)
    (kernel, seed), (kernel_of_other, other) = seen
    assert (seed, other) == (3, 13)
    assert np.array_equal(kernel, kernel_of_other)
    assert table["definition"].nunique() == 2


def test_what_is_watched_are_the_deviation_over_images_and_the_silent_filters():
    model = models.alexnet_cifar10(width=0.03)
    kernel, bias = model.get_layer("conv1").get_weights()
    bias[:] = [-1000, 1000, 1000][: len(bias)]
    model.get_layer("conv1").set_weights([kernel, bias])
    images = images_of(4)
    measured = studies._watcher(model, images)()
    answers = np.asarray(model(images.astype("float32")), float)
    assert measured["deviation"] == pytest.approx(answers.std(axis=0).mean(), rel=0.01)
    assert measured["silent_conv1"] == pytest.approx(1 / len(bias), abs=1e-5)
    same = studies._watcher(model, np.repeat(images[:1], 4, axis=0))()
    assert same["deviation"] < 1e-6


def test_the_steps_of_a_study_are_counted_in_tens(monkeypatch):
    monkeypatch.setitem(studies.STUDIES, "odd", Study((TUTORIAL,), seeds=(0,), steps=15))
    with pytest.raises(ValueError, match=r"steps must be a multiple of every=10, got 15"):
        studies.study("odd")


def changed_fields(recipe, base):
    """Return the fields in which a recipe differs, and of the ingredients each by its own name."""
    one, other = (vars(part) | {"ingredients": 0} | part.ingredients for part in (recipe, base))
    without_effect = {"name"} | ({"warmup_epochs"} if recipe.schedule == "constant" else set())
    return [name for name in one | other if one.get(name) != other.get(name) and name not in without_effect]


def test_each_repair_changes_one_thing():
    common, *repairs = studies.STUDIES["repair_study"].recipes
    assert [len(changed_fields(repair, common)) for repair in repairs] == [1] * 4


def test_each_ingredient_is_changed_alone():
    base, *changed = studies.STUDIES["ideas"].recipes
    found = {recipe.name: changed_fields(recipe, base) for recipe in changed}
    more = {name: sorted(fields) for name, fields in found.items() if len(fields) != 1}
    assert more == {
        "the same stem, whitened and fixed": ["stem", "whitened"],
        "rate falling in a line": ["schedule", "warmup_epochs"],
    }
    (neither,) = studies.STUDIES["dropout_and_augmentation"].recipes
    assert sorted(changed_fields(neither, base)) == ["augmentation", "dropout"]


def test_the_study_of_augmentation_changes_nothing_else():
    base, *changed = studies.STUDIES["augmentation"].recipes
    assert [changed_fields(recipe, base) for recipe in changed] == [["augmentation"]] * 3


def test_a_network_with_other_ingredients_is_not_stored_as_a_variant(tmp_path):
    recipe = studies.STUDIES["ideas"].recipes[2]
    with pytest.raises(ValueError, match=r"recipe must be one without ingredients, got 'pools do not .* changes pool"):
        weights.save_weights(tmp_path / "a.npz", models.alexnet_cifar10(width=0.02), recipe, None)


# --- batches ---


def images_of(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 32, 32, 3), np.uint8)


def shift_one(image, top, left):
    """Move an image by 4 - top rows and 4 - left columns, with loops."""
    moved = np.zeros_like(image)
    for row in range(32):
        for column in range(32):
            from_row, from_column = row + top - 4, column + left - 4
            if 0 <= from_row < 32 and 0 <= from_column < 32:
                moved[row, column] = image[from_row, from_column]
    return moved


def test_shift_moves_every_image_by_its_own_way():
    images = images_of(20)
    top, left = np.random.default_rng(7).integers(0, 9, (2, 20, 1))
    expected = [shift_one(image, *offsets) for image, *offsets in zip(images, top[:, 0], left[:, 0], strict=True)]
    np.testing.assert_array_equal(shift(images, np.random.default_rng(7)), expected)


def test_shift_goes_up_to_four_pixels_each_way_and_no_further():
    images = np.zeros((2000, 32, 32, 3), np.uint8)
    images[:, 16, 16] = 255
    _, rows, columns, _ = np.nonzero(shift(images, np.random.default_rng(0)))
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {
        (r, c) for r in range(12, 21) for c in range(12, 21)
    }


def test_flip_mirrors_half_of_the_images_left_to_right():
    images = images_of(400)
    flipped = flip(images, np.random.default_rng(0))
    mirrored = np.array([np.array_equal(after, before[:, ::-1]) for before, after in zip(images, flipped, strict=True)])
    kept = np.array([np.array_equal(after, before) for before, after in zip(images, flipped, strict=True)])
    assert (mirrored ^ kept).all()
    assert 150 < mirrored.sum() < 250


@pytest.mark.parametrize(("erase", "half"), [(erase, 3), (erase_wide, 5)])
def test_erase_covers_one_square_and_nothing_else(erase, half):
    images = images_of(40) // 2  # no pixel is mid-grey by itself
    rng = np.random.default_rng(7)
    middles = zip(rng.integers(0, 32, 40), rng.integers(0, 32, 40), strict=True)
    expected = images.copy()
    for image, (row, column) in zip(expected, middles, strict=True):
        image[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1] = 128
    np.testing.assert_array_equal(erase(images, np.random.default_rng(7)), expected)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentation_keeps_shape_and_type_and_leaves_its_input_alone(name):
    images = images_of(5)
    before = images.copy()
    changed = AUGMENTATIONS[name](images, np.random.default_rng(0))
    assert (changed.shape, changed.dtype) == (images.shape, np.uint8)
    np.testing.assert_array_equal(images, before)


def batches_of(seed=0, epoch=0, augmentation=tuple(AUGMENTATIONS), n=50):
    batches = Batches(images_of(n), np.arange(n) % 10, 16, augmentation, seed)
    batches.start_epoch(epoch)
    return [batches[index] for index in range(len(batches))]


def test_batches_depend_on_seed_and_epoch_alone():
    reference = batches_of(1, 2)
    for found, expected in zip(batches_of(1, 2), reference, strict=True):
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])
    for other in (batches_of(1, 3), batches_of(2, 2), batches_of(2, 1)):
        assert not np.array_equal(other[0][0], reference[0][0])
        assert not np.array_equal(other[0][1], reference[0][1])


def test_from_the_refining_on_nothing_is_erased():
    for epoch, equal in ((2, False), (3, True), (4, True)):
        found = Batches(images_of(50), np.arange(50) % 10, 16, ("shift", "flip", "erase_wide"), refine_from=3)
        found.start_epoch(epoch)
        assert np.array_equal(found[0][0], batches_of(epoch=epoch, augmentation=("shift", "flip"))[0][0]) == equal


def test_a_batch_does_not_depend_on_the_ones_before():
    batches = Batches(images_of(50), np.arange(50) % 10, 16, tuple(AUGMENTATIONS))
    np.testing.assert_array_equal(batches[2][0], batches_of()[2][0])


def test_an_epoch_holds_every_image_once_with_its_label():
    images, labels = images_of(50), np.arange(50) % 10
    found = batches_of(augmentation=())
    assert [len(x) for x, _ in found] == [16, 16, 16, 2]
    numbers = {image.tobytes(): number for number, image in enumerate(images)}
    order = [numbers[image.tobytes()] for x, _ in found for image in x]
    assert sorted(order) == list(range(50)) != order
    one_hot = np.concatenate([y for _, y in found])
    np.testing.assert_array_equal(one_hot.argmax(axis=1), labels[order])
    np.testing.assert_array_equal(one_hot.sum(axis=1), 1)


@pytest.mark.parametrize(("n", "held_out"), [(100, 20), (1541, 308), (50_000, 5_000)])
def test_validation_images_are_held_out_and_always_the_same(n, held_out):
    numbers = np.arange(n)
    (x, y), (x_validation, y_validation) = split_validation(numbers, numbers % 10)
    assert len(x_validation) == held_out
    assert sorted([*x, *x_validation]) == numbers.tolist()
    np.testing.assert_array_equal(y, x % 10)
    np.testing.assert_array_equal(y_validation, x_validation % 10)
    np.testing.assert_array_equal(split_validation(numbers, numbers)[1][0], x_validation)
    assert not np.array_equal(split_validation(numbers, numbers, seed=1)[1][0], x_validation)


# --- the settings of a recipe arrive ---

# Those of the variant "today", whose network and optimizer are of another kind, are looked at in test_today.py.
_recipes = [recipe for recipe in RECIPES.values() if recipe.variant != "today"]
EVERY_RECIPE = pytest.mark.parametrize("recipe", _recipes, ids=lambda recipe: recipe.name)
STEPS = 10  # of an epoch


def compiled(recipe, width=0.03):
    return compilation.compile_model(dataclasses.replace(recipe, width=width), STEPS)


def rate_at(recipe, step):
    """Return the learning rate of a step by the definitions in `Recipe`."""
    main, warmup = (recipe.epochs - recipe.refine_epochs) * STEPS, recipe.warmup_epochs * STEPS
    if step >= main and recipe.refine_epochs:
        return recipe.refine_rate * (1 + math.cos(math.pi * (step - main) / (recipe.refine_epochs * STEPS))) / 2
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if step < warmup:
        return recipe.learning_rate * step / warmup
    return recipe.learning_rate * (1 + math.cos(math.pi * (step - warmup) / (main - warmup))) / 2


@EVERY_RECIPE
def test_the_optimizer_of_a_recipe_takes_its_steps(recipe):
    optimizer = compiled(recipe).optimizer
    assert type(optimizer).__name__.lower() == recipe.optimizer
    settings = optimizer.get_config()
    usual = {"momentum": 0.9, "nesterov": False} if recipe.optimizer == "sgd" else {"beta_1": 0.9, "beta_2": 0.999}
    usual |= {"clipnorm": None, "clipvalue": None, "global_clipnorm": None, "gradient_accumulation_steps": None}
    assert usual.items() <= settings.items()
    epochs = (0, 0.5, 1, recipe.warmup_epochs, recipe.epochs / 2, recipe.epochs - 4, recipe.epochs - 2, recipe.epochs)
    for step in sorted({round(epoch * STEPS) for epoch in epochs}):
        optimizer.iterations.assign(step)
        expected = rate_at(recipe, step)
        assert float(optimizer.learning_rate) == pytest.approx(expected, rel=1e-4, abs=1e-7 * recipe.learning_rate)


@pytest.mark.parametrize("name", ["tutorial_repaired", "paper_half", "modern_half"])
def test_the_rates_are_those_of_the_stored_run(name):
    curves = pd.read_csv(RESULTS_FOLDER / f"{name}.csv").query("seed == 0").drop_duplicates("epoch")
    optimizer = compiled(RECIPES[name]).optimizer
    for epoch, rate in zip(curves["epoch"], curves["learning_rate"], strict=True):
        optimizer.iterations.assign(epoch * STEPS)
        assert float(optimizer.learning_rate) == pytest.approx(rate, rel=1e-3, abs=1e-9)


@EVERY_RECIPE
def test_only_kernels_decay_by_rate_and_decay(recipe):
    model = compiled(recipe)
    for variable in model.trainable_variables:  # biases start at 0, from which nothing can be taken away
        variable.assign(variable + 1)
    optimizer, step = model.optimizer, 3 * STEPS
    optimizer.build(model.trainable_variables)
    optimizer.iterations.assign(step)
    before = [keras.ops.convert_to_numpy(variable).copy() for variable in model.trainable_variables]
    optimizer.apply([keras.ops.zeros_like(variable) for variable in model.trainable_variables])
    for variable, old in zip(model.trainable_variables, before, strict=True):
        decay = rate_at(recipe, step) * recipe.weight_decay if variable.path.endswith("/kernel") else 0
        found = keras.ops.convert_to_numpy(variable)
        np.testing.assert_allclose(found - old, -decay * old, rtol=1e-2, atol=3e-7, err_msg=variable.path)
    assert sum(variable.path.endswith("/kernel") for variable in model.trainable_variables) == 8


@EVERY_RECIPE
def test_the_average_of_a_weight_takes_up_what_the_recipe_says(recipe):
    model = compiled(recipe)
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    assert optimizer.use_ema == (recipe.averaging > 0)
    if not recipe.averaging:
        return
    assert optimizer.ema_overwrite_frequency is None
    weight, expected = model.trainable_variables[-1], 0
    rng = np.random.default_rng(0)
    optimizer._model_variables_moving_average[-1].assign(keras.ops.zeros_like(weight))
    for step in range(1, 4):
        optimizer.iterations.assign(step)
        optimizer.apply(
            [keras.ops.convert_to_tensor(rng.normal(size=v.shape), "float32") for v in model.trainable_variables]
        )
        expected = recipe.averaging * expected + (1 - recipe.averaging) * keras.ops.convert_to_numpy(weight)
    found = keras.ops.convert_to_numpy(optimizer._model_variables_moving_average[-1])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


@EVERY_RECIPE
def test_the_loss_of_a_recipe_is_the_cross_entropy_with_smoothed_labels(recipe):
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(10), 5).astype("float32")
    labels = np.eye(10, dtype="float32")[[3, 1, 4, 1, 5]]
    wanted = labels * (1 - recipe.label_smoothing) + recipe.label_smoothing / 10
    expected = -(wanted * np.log(p)).sum(axis=1).mean()
    assert float(compiled(recipe).loss(labels, p)) == pytest.approx(expected, rel=1e-5)


@EVERY_RECIPE
def test_the_network_of_a_recipe_is_built_as_it_says(recipe):
    model = compiled(recipe, width=0.25)
    layers = {layer.name: layer for layer in model.layers}
    kinds = {layer.name: type(layer).__name__ for layer in model.layers}
    assert model.name == f"alexnet_cifar10_{recipe.variant}"
    assert kinds["rescaling"] == ("Normalization" if recipe.centred_input else "Rescaling")
    assert [layers[f"conv{i}"].filters for i in range(1, 6)] == [24, 64, 96, 96, 64]
    assert [layers[f"fc{i}"].units for i in (6, 7)] == [{"tutorial": 1024}.get(recipe.variant, 128)] * 2
    assert [layers[f"dropout{i}"].rate for i in (6, 7)] == [0.5, 0.5]
    norms = {name: kind for name, kind in kinds.items() if name.startswith("norm")}
    expected = {"tutorial": {}, "paper": dict.fromkeys(("norm1", "norm2"), "LocalResponseNorm")}
    assert norms == expected.get(recipe.variant, {f"norm{i}": "BatchNormalization" for i in range(1, 8)})
    for name, kind in norms.items():
        settings = {"momentum": 0.99, "epsilon": 1e-3, "center": True, "scale": True}
        if kind == "LocalResponseNorm":
            settings = {"size": 5, "k": 2.0, "alpha": 1e-4, "beta": 0.75, "towers": 1}
        assert settings.items() <= layers[name].get_config().items()
    for name in [f"conv{i}" for i in range(1, 6)] + ["fc6", "fc7", "fc8"]:
        kernel = layers[name].get_weights()[0]
        *window, fan_in, fan_out = kernel.shape
        fan_in, fan_out = fan_in * math.prod(window), fan_out * math.prod(window)
        variance = {"he_normal": 2 / fan_in, "glorot_uniform": 2 / (fan_in + fan_out)}[recipe.kernel_initializer]
        assert kernel.std() == pytest.approx(variance**0.5, rel=4 / kernel.size**0.5), name
        assert layers[name].bias is None or not layers[name].get_weights()[1].any()


@EVERY_RECIPE
def test_the_batches_of_a_recipe_are_changed_as_it_says(recipe, monkeypatch, tmp_path):
    made = []

    class Stopped(Exception):
        pass

    class Watched(Batches):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            made.append(self)

    def stop(*arguments):
        raise Stopped

    for module in (training, studies):
        monkeypatch.setattr(module, "Batches", Watched)
        monkeypatch.setattr(module, "compile_model", stop)
    dataset = small_dataset()
    with pytest.raises(Stopped):
        training.train(recipe, dataset, seed=5, **folders(tmp_path))
    with pytest.raises(Stopped):
        studies.study(Study((recipe,), (5,), steps=4, every=2, name="a"), dataset, tmp_path)
    (images, labels), _ = split_validation(dataset.x_train, dataset.y_train)
    for batches in made:
        for epoch in (0, recipe.epochs - 1):
            batches.start_epoch(epoch)
            order = np.random.default_rng([5, epoch]).permutation(len(images))[: recipe.batch_size]
            expected, rng = images[order], np.random.default_rng([5, epoch, 0])
            refining = batches is made[0] and epoch >= recipe.epochs - recipe.refine_epochs
            for name in recipe.augmentation:
                if not (refining and name.startswith("erase")):
                    expected = AUGMENTATIONS[name](expected, rng)
            found, one_hot = batches[0]
            np.testing.assert_array_equal(found, expected)
            np.testing.assert_array_equal(one_hot, np.eye(3)[labels[order]])
    assert len(made) == 2


# --- each column of a table holds what its name says ---


def scores(model, images, labels, smoothing=0.0):
    """Return loss and accuracy, computed with NumPy from a network's answers."""
    p = model.predict(images, batch_size=500, verbose=0).astype(float)
    wanted = np.eye(p.shape[1])[labels] * (1 - smoothing) + smoothing / p.shape[1]
    penalty = sum(float(loss) for loss in model.losses)
    return -(wanted * np.log(p)).sum(axis=1).mean() + penalty, (p.argmax(axis=1) == labels).mean()


# One batch an epoch and nothing random, so that the loss of an epoch is that of the network before it.
PLAIN = Recipe(
    "plain", "", variant="paper", width=0.1, optimizer="sgd", learning_rate=0.1, label_smoothing=0.2, batch_size=64,
    epochs=2, ingredients=SHORT | {"dropout": 0.0},
)  # fmt: skip


def test_the_columns_of_a_run(tmp_path, monkeypatch):
    dataset, now = small_dataset(), iter(range(0, 10_000, 4))
    monkeypatch.setattr(
        checkpoints, "time", types.SimpleNamespace(perf_counter=lambda: next(now), localtime=time.localtime)
    )
    (x, y), (x_val, y_val) = split_validation(dataset.x_train, dataset.y_train)
    keras.utils.set_random_seed(7)
    model, rows = compilation.compile_model(PLAIN, 1, 3), []
    for epochs in (1, 2):
        loss, accuracy = scores(model, x, y, 0.2)
        model, curves = training.train(PLAIN, dataset, seed=7, epochs=1, **folders(tmp_path))
        val_loss, val_accuracy = scores(model, x_val, y_val, 0.2)
        rows.append([loss, accuracy, val_loss, val_accuracy, 0.1])
        stored = pd.read_csv(tmp_path / "results" / "plain.csv")
        assert len(curves) == len(stored) == epochs
        assert ("test_accuracy" in stored) == (epochs == 2)  # stopped early, it does not look at the test images
    np.testing.assert_allclose(
        curves[["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]], rows, rtol=1e-4, atol=1e-5
    )
    assert curves["loss"].nunique() == 2, "nothing was learned"
    assert curves["seconds"].tolist() == [4.0] * 2 and curves["images_per_second"].tolist() == [round(len(x) / 4)] * 2
    kernels = [layer for layer in model.layers if layer.name.startswith(("conv", "fc"))]
    places = {"conv1": 8 * 8, "conv2": 4 * 4}  # of each weight: stride 4, then a pool
    forward = sum(layer.get_weights()[0].size * places.get(layer.name, 1) for layer in kernels)
    assert curves["multiply_adds"].tolist() == [3 * forward * len(x)] * 2
    facts = {"recipe": "plain", "seed": 7, "source": "noise", "keras": keras.__version__, "numpy": np.__version__}
    facts |= {"precision": "float32"}
    assert (curves[list(facts)] == pd.Series(facts)).all(axis=None)

    def view(down, right):
        moved = np.roll(dataset.x_test, (down, right), axis=(1, 2))
        for axis, by in ((1, down), (2, right)):
            edge = [slice(None)] * 4
            edge[axis] = slice(0, by) if by > 0 else slice(by, None) if by else slice(0, 0)
            moved[tuple(edge)] = 0
        return moved

    ways = ((0, 0), (-2, -2), (-2, 2), (2, -2), (2, 2))
    views = [image for way in ways for image in (view(*way), view(*way)[:, :, ::-1])]
    answers = np.array([model.predict(image, verbose=0) for image in views])
    for column, count in {"test_accuracy": 1, "test_accuracy_two_views": 2, "test_accuracy_ten_views": 10}.items():
        right = answers[:count].mean(axis=0).argmax(axis=1) == dataset.y_test
        assert curves[column].iloc[-1] == pytest.approx(right.mean(), abs=1e-5)
    assert curves.iloc[-1, -3:].nunique() == 3, "columns that are equal could change places"
    table = pd.read_csv(tmp_path / "results" / "plain-confusion.csv")
    pairs = zip(table["truth"], table["predicted"], strict=True)
    names, predicted = dataset.class_names, answers[0].argmax(axis=1)
    expected = [
        sum(names[t] == truth and names[p] == said for t, p in zip(dataset.y_test, predicted, strict=True))
        for truth, said in pairs
    ]
    assert table["images"].tolist() == expected


def test_the_columns_of_a_study(tmp_path, monkeypatch):
    networks, compile_model = [], compilation.compile_model

    def watched(*arguments):
        networks.append(compile_model(*arguments))
        return networks[-1]

    dataset = small_dataset()
    (x, y), (x_val, y_val) = split_validation(dataset.x_train, dataset.y_train)
    recipe = dataclasses.replace(PLAIN, label_smoothing=0.0, learning_rate=1e-9, batch_size=16)
    keras.utils.set_random_seed(7)
    start = compile_model(recipe, 3, 3)
    monkeypatch.setattr(studies, "compile_model", watched)
    study = Study((recipe,), (7,), steps=4, every=2, validation_images=10, name="columns")
    table = studies.study(study, dataset, tmp_path)
    orders = [np.random.default_rng([7, epoch]).permutation(len(x)) for epoch in (0, 1)]
    parts = [orders[0][:16], orders[0][16:32], orders[0][32:], orders[1][:16]]
    each = np.array([scores(start, x[part], y[part]) for part in parts])
    np.testing.assert_allclose(table[["loss", "accuracy"]], each.reshape(2, 2, 2).mean(axis=1), rtol=1e-4, atol=1e-5)
    assert table["step"].tolist() == [2, 4]
    last = table.iloc[-1]
    assert last["train_accuracy"] == pytest.approx(scores(networks[0], x[:10], y[:10])[1], abs=1e-5)
    assert last["val_accuracy"] == pytest.approx(scores(networks[0], x_val[:10], y_val[:10])[1], abs=1e-5)
    assert table["val_accuracy"].isna().tolist() == [True, False]
    assert table["recipe"].tolist() == ["plain"] * 2 and table["seed"].tolist() == [7, 7]


# --- damaged files are named before anything is trained ---


@pytest.fixture
def no_training(monkeypatch):
    def fit(*_, **__):
        raise AssertionError("it trains")

    monkeypatch.setattr(keras.Model, "fit", fit)
    monkeypatch.setattr(keras.Model, "train_on_batch", fit)


DAMAGES = {
    "empty": b"",
    "blank": b"\n\n",
    "another table": b"a,b\n1,2\n",
    "semicolons": b"recipe;seed;source;epoch\ntiny;3;noise;1\n",
    "binary": b"\x89PNG\r\n\x1a\n\0\xff\xfe",
    "ragged": b"recipe,seed,source\na,1,b\na,1,b,c,d,e\n",
    "no number": b"recipe,seed,source\na,one,b\n",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["tiny.csv", "tiny-confusion.csv", "small.csv"])
def test_a_damaged_table_is_named_before_the_training(name, damage, tmp_path, no_training):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / name).write_bytes(DAMAGES[damage])
    with pytest.raises(ValueError, match=rf"{name} is damaged \(.*\): repair it, or move it away to begin anew"):
        if name == "small.csv":
            study_of(small_dataset(), tmp_path / "results")
        else:
            training.train(TINY, small_dataset(), **folders(tmp_path))
    assert (tmp_path / "results" / name).read_bytes() == DAMAGES[damage]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"name": "tiny"}', b"[" * 100_000])
def test_a_damaged_definition_is_named(unbroken, digits, tmp_path, text, no_training):
    arguments = unbroken.copy(tmp_path)
    (arguments["checkpoint_folder"] / "tiny-seed3" / "recipe.json").write_bytes(text)
    with pytest.raises(ValueError, match=r"recipe.json is missing or damaged \(.* Remove .*tiny-seed3 to begin anew"):
        training.train(TINY, digits, seed=3, **arguments)


def test_a_run_that_was_begun_before_checksums_were_kept_goes_on(unbroken, digits, tmp_path, no_training):
    arguments = unbroken.copy(tmp_path)
    file = arguments["checkpoint_folder"] / "tiny-seed3" / "recipe.json"
    written = file.read_text()
    without = {name: value for name, value in json.loads(written).items() if name not in ("checksum", "refine_rate")}
    file.write_text(json.dumps(without))
    _, curves = training.train(TINY, digits, seed=3, **arguments)
    assert len(curves) == TINY.epochs
    assert file.read_text() == written


def change_a_pixel(images):
    changed = images.copy()
    changed[7, 3, 2, 1] ^= 1
    return changed


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d._replace(x_train=change_a_pixel(d.x_train)),
        lambda d: d._replace(y_train=np.roll(d.y_train, 1)),
        lambda d: d._replace(class_names=d.class_names[::-1]),
    ],
    ids=["a pixel", "labels", "names"],
)
def test_a_run_is_not_continued_with_other_images_labels_or_names(unbroken, digits, tmp_path, change, no_training):
    with pytest.raises(ValueError, match=r"was begun with other images, labels or class names. Give"):
        training.train(TINY, change(digits), seed=3, **unbroken.copy(tmp_path))


def test_the_same_images_in_another_form_are_the_same(digits):
    small = training.check_dataset(first_images(digits, 40))
    other = small._replace(
        x_train=np.asfortranarray(small.x_train), y_train=small.y_train.astype(np.uint8), class_names=list("0123456789")
    )
    assert training.checksum_of(training.check_dataset(other)) == training.checksum_of(small)


def test_a_study_does_not_mix_rows_of_a_changed_recipe(tmp_path, monkeypatch):
    table = study_of(small_dataset(), tmp_path)
    monkeypatch.setattr(keras.Model, "train_on_batch", None)  # nothing is trained again
    assert study_of(small_dataset(), tmp_path, summary="said better")["loss"].tolist() == table["loss"].tolist()
    other = small_dataset()._replace(x_train=change_a_pixel(small_dataset().x_train))
    for dataset, changes in ((small_dataset(), {"learning_rate": 1e-4}), (other, {})):
        with pytest.raises(ValueError, match=r"recipe 'a', seed 0: its rows in .*small.csv were made with another def"):
            study_of(dataset, tmp_path, **changes)
    # What was stored before definitions were, counts as done.
    table.drop(columns="definition").to_csv(tmp_path / "small.csv", index=False)
    assert study_of(small_dataset(), tmp_path, learning_rate=1e-4)["loss"].tolist() == table["loss"].tolist()


def test_a_study_may_bring_its_own_name(tmp_path):
    study_of(small_dataset(), tmp_path)
    assert [path.name for path in tmp_path.glob("*.csv")] == ["small.csv"]


@pytest.mark.parametrize(("recipe", "source"), [("NA", "null"), ("1", "NA"), ("nan", "1e3"), ("None", "#N/A")])
def test_names_that_look_like_nothing_or_like_numbers_are_read_back_as_written(recipe, source, tmp_path):
    file = tmp_path / "tiny.csv"
    rows = row(1, source).assign(recipe=recipe)
    for _ in range(2):
        merge_rows(file, rows)
    found, others = rows_of_run(file, recipe, 1, source)
    assert (len(found), len(others)) == (1, 0)
    assert found.loc[0, ["recipe", "source"]].tolist() == [recipe, source]


def test_a_run_with_such_names_looks_at_the_test_images_once(tmp_path, monkeypatch):
    recipe = dataclasses.replace(PLAIN, name="NA", epochs=1)
    dataset = small_dataset()._replace(source="NA", class_names=("NA", "1", "null"))
    _, curves = training.train(recipe, dataset, **folders(tmp_path))
    monkeypatch.setattr(training, "_finish", None)
    _, again = training.train(recipe, dataset, **folders(tmp_path))
    pd.testing.assert_frame_equal(again, curves)
    table = read_table(tmp_path / "results" / "NA-confusion.csv")
    assert table["truth"].unique().tolist() == ["NA", "1", "null"] and table["images"].sum() == 30


def test_a_checkpoint_with_weights_that_are_no_numbers_is_named(unbroken, digits, tmp_path, no_training):
    arguments = unbroken.copy(tmp_path)
    model = compilation.compile_model(TINY, 10)
    folder = arguments["checkpoint_folder"] / "tiny-seed3"
    checkpoints.load_checkpoint(folder, model)
    model.get_layer("fc6").bias.assign(model.get_layer("fc6").bias * np.nan)
    model.save(folder / "epoch-006.keras")
    with pytest.raises(
        ValueError, match=r"checkpoint .*epoch-006.keras is damaged \(.*fc6/bias has values that are not"
    ):
        training.train(TINY, digits, seed=3, **arguments)


def test_weights_that_became_no_numbers_are_not_saved(tmp_path, monkeypatch):
    ended = checkpoints.Checkpoints.on_epoch_end

    def spoil(self, epoch, logs=None):
        if epoch == 1:
            self.model.get_layer("fc6").kernel.assign(self.model.get_layer("fc6").kernel * np.inf)
        ended(self, epoch, logs)

    monkeypatch.setattr(checkpoints.Checkpoints, "on_epoch_end", spoil)
    with pytest.raises(FloatingPointError, match=r"fc6/kernel .* after epoch 2: .* The checkpoint of epoch 1 is whole"):
        training.train(PLAIN, small_dataset(), **folders(tmp_path))
    saved = list((tmp_path / "checkpoints" / "plain-seed0").glob("epoch-*.keras"))
    assert [path.name for path in saved] == ["epoch-001.keras"]


@pytest.mark.parametrize("year", [1970, 2110])
def test_a_clock_that_no_checkpoint_can_hold_is_named_before_the_training(year, tmp_path, monkeypatch, no_training):
    monkeypatch.setattr(checkpoints.time, "localtime", lambda *_: time.struct_time((year, 1, 1, 0, 0, 0, 0, 1, 0)))
    with pytest.raises(RuntimeError, match=rf"this machine's clock says {year}, .*: set it right, and run again"):
        training.train(TINY, small_dataset(), **folders(tmp_path))


def test_a_full_disk_in_the_first_epoch_promises_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(checkpoints, "write_table", full)
    with pytest.raises(OSError, match=r"epoch 1 could not be saved in .* No epoch has been saved. Make room"):
        checkpoints._save_checkpoint(tmp_path, 1, None, [{"epoch": 1}])


# --- stored weights ---


def test_several_writers_of_one_file_never_leave_a_damaged_one(tmp_path):
    file, curves = tmp_path / "weights.npz", pd.DataFrame([{"seed": 0}])
    recipe = Recipe("a", "", width=0.02)
    networks = [compilation.compile_model(recipe, 1) for _ in range(2)]
    for number, network in enumerate(networks):
        for weight in network.weights:
            weight.assign(keras.ops.full(weight.shape, number + 1.0))
    weights.save_weights(file, networks[0], recipe, curves)
    with ThreadPoolExecutor(3) as pool:
        writers = [
            pool.submit(lambda one: [weights.save_weights(file, one, recipe, curves) for _ in range(20)], network)
            for network in networks
        ]
        looks = 0
        while looks < 5 or not all(writer.done() for writer in writers):
            with np.load(file) as archive:  # raises if it is damaged
                values = {
                    float(value) for name in archive.files if name != "about" for value in np.unique(archive[name])
                }
            assert values in ({1.0}, {2.0})
            looks += 1
        for writer in writers:
            writer.result()
    assert [path.name for path in tmp_path.iterdir()] == ["weights.npz"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"file": 3}, r"file must be the path of a file or folder, got 3"),
        ({"file": "no/such/folder/a.npz"}, r"file must be the path of a file, in a folder that there is, got 'no/such"),
        ({"file": os.devnull}, rf"file must be the path of a file, in a folder that there is, got '{os.devnull}'"),
        ({"model": None}, r"model must be a built keras.Model, .*, got None"),
        ({"recipe": "tutorail"}, r"recipe must be a Recipe, or one of tutorial, .*, got 'tutorail'"),
        (
            {"recipe": MODERN},
            r"model must be a network of the recipe 'modern', got 'alexnet_cifar10_tutorial'",
        ),
        ({"curves": None}, r"curves must be the DataFrame that train returned, got None"),
        ({"curves": pd.DataFrame()}, r"curves must be the DataFrame that train returned, got"),
    ],
)
def test_what_cannot_be_saved_is_named(changes, message, tmp_path):
    recipe = Recipe("a", "", width=0.02)
    usual = {"file": tmp_path / "a.npz", "model": models.alexnet_cifar10(width=0.02), "recipe": recipe}
    with pytest.raises(ValueError, match=message):
        weights.save_weights(**usual | {"curves": pd.DataFrame([{"seed": 0}])} | changes)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="links are for administrators there")
def test_weights_are_saved_where_a_link_leads(tmp_path):
    (tmp_path / "to").mkdir()
    (tmp_path / "link.npz").symlink_to(tmp_path / "to" / "a.npz")
    recipe = Recipe("a", "", width=0.02)
    weights.save_weights(
        tmp_path / "link.npz", compilation.compile_model(recipe, 1), recipe, pd.DataFrame([{"seed": 0}])
    )
    assert (tmp_path / "link.npz").is_symlink() and (tmp_path / "to" / "a.npz").is_file()


# --- bad input ---


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: training.train("tutorail"), r"recipe must be a Recipe, or one of tutorial, .*, got 'tutorail'"),
        (lambda: training.train(None), r"recipe must be a Recipe, or one of tutorial, .*, got None"),
        (lambda: training.train(TINY, seed=-1), r"seed must be an integer from 0 to 4294967295, got -1"),
        (lambda: training.train(TINY, seed=0.5), r"seed must be an integer .*, got 0.5"),
        (lambda: training.train(TINY, seed=2**32), r"seed must be an integer .*, got 4294967296"),
        (lambda: training.train(TINY, epochs=0), r"epochs must be a positive integer, got 0"),
        (lambda: training.train(TINY, verbose=3), r"verbose must be 'auto', 0, 1 or 2, got 3"),
        (lambda: training.train(TINY, mixed="no"), r"mixed must be True or False, got 'no'"),
        (lambda: training.train(TINY, checkpoint_folder=3), r"checkpoint_folder must be the path of .*, got 3"),
        (lambda: training.train(TINY, devices="many"), r"devices must be a positive integer or \"all\", got 'many'"),
        (lambda: studies.study("repairs"), r"name must be a Study, or one of repair_study, .*, got 'repairs'"),
        (lambda: studies.study(Study((TINY,), (0,), 10)), r"name must be a Study with a name: .*, got None"),
        (lambda: studies.study(Study((), (0,), 10, name="a")), r"recipes must be a list of one Recipe or more, got"),
        (lambda: studies.study(Study((TINY, TINY), (0,), 10, name="a")), r"recipes must be of different names, got"),
        (lambda: studies.study(Study((TINY,), 0, 10, name="a")), r"seeds must be a list .*, got 0"),
        (lambda: studies.study(Study((TINY,), (0.5,), 10, name="a")), r"seeds must be an integer .*, got 0.5"),
        (lambda: studies.study(Study((TINY,), (0,), 10, images=0, name="a")), r"images must be a positive .*, got 0"),
        (lambda: studies.study(Study((TINY,), (0,), 10, name="a", fixed=["conv1"])), r"fixed must be \{a recipe.*\['c"),
        (
            lambda: studies.study(Study((TINY,), (0,), 10, name="a", fixed={"b": ["conv1"]})),
            r"fixed must be \{a recipe's name: .*, got",
        ),
        (
            lambda: studies.study(Study((TINY,), (0,), 10, name="a", fixed={"tiny": ["conv9"]})),
            r"fixed must be .*conv1, conv2.*, got \['conv9'\]",
        ),
        (
            lambda: studies.study(Study((TINY,), (0,), 10, name="a", other_batches={"b": 10})),
            r"other_batches must be \{a recipe's name: a number\}, got",
        ),
        (
            lambda: studies.study(Study((TINY,), (0,), 10, name="a", other_batches={"tiny": 0.5})),
            r"other_batches must be a positive integer.*, got 0.5",
        ),
        (
            lambda: studies.study(Study((TINY,), (0,), 10, name="a", watched_images=-1)),
            r"watched_images must be .*, got -1",
        ),
        (
            lambda: studies.study(Study((TINY,), (0,), 10, name="../a")),
            r"name must be a plain file name, .*, got '../",
        ),
        (lambda: compilation.compile_model(TINY, 0), r"steps_per_epoch must be a positive integer, got 0"),
        (lambda: compilation.compile_model(TINY, 1, mixed=1), r"mixed must be True or False, got 1"),
        (lambda: compilation.compile_model(TINY, 1, num_classes="2"), r"num_classes must be an integer .*, got '2'"),
        (lambda: split_validation(*xy(), -1), r"validation_images must be an integer, 0 or more, got -1"),
        (lambda: split_validation(*xy(), 2, seed=1.5), r"seed must be an integer .*, got 1.5"),
        (lambda: split_validation(np.arange(10), np.arange(11)), r"labels must be one for each image, .*11"),
        (lambda: shift(images_of(2), 0), r"rng must be a numpy.random.Generator, .*, got 0"),
        (lambda: shift(images_of(2), rng(), -1), r"pixels must be an integer from 0 to 32, got -1"),
        (lambda: shift(images_of(2) / 255, rng()), r"images must be uint8 images .*, got .*float64"),
        (lambda: flip(images_of(2)[0], rng()), r"images must be uint8 images .*, got .*\(32, 32, 3\)"),
        (lambda: flip(images_of(2), None), r"rng must be a numpy.random.Generator, .*, got None"),
        (lambda: erase(images_of(2), rng(), side=1.5), r"side must be an integer from 0 to 32, got 1.5"),
        (lambda: rotate_and_shift(images_of(2), rng(), "15"), r"degrees must be a number .*, got '15'"),
        (lambda: rotate_and_shift(images_of(2), rng(), 15, -1), r"fraction must be a number .*, got -1"),
        (lambda: schedules.Refined(0.1, 0, 0.1, 5), r"main_steps must be a positive integer, got 0"),
        (lambda: schedules.Refined("0.1", 5, 0.1, 5), r"main must be a positive number, got '0.1'"),
        (lambda: Recipe("a", None), r"summary must be a text, got None"),
        (
            lambda: Recipe("a", "b", variant="old"),
            r"variant must be 'tutorial', 'paper', 'modern' or 'today', got 'old'",
        ),
        (lambda: Recipe("a", "b", width=0), r"width must be a number from 0.02 to 4, got 0"),
        (lambda: Recipe("a", "b", kernel_initializer="he"), r"kernel_initializer must be an initializer .*, got 'he'"),
        (lambda: Recipe("a", "b", kernel_initializer=None), r"kernel_initializer must be given, got None"),
        (
            lambda: Recipe("a", "b", kernel_initializer=keras.initializers.HeNormal()),
            r"kernel_initializer must be made of texts, numbers, lists and dicts",
        ),
        (lambda: Recipe("a", "b", centred_input="False"), r"centred_input must be True or False, got 'False'"),
        (lambda: Recipe("a", "b", batch_norm=0), r"batch_norm must be True or False, got 0"),
        (lambda: Recipe("a", "b", ingredients=["pool"]), r"ingredients must be a dict of arguments of .*, got"),
        (lambda: Recipe("a", "b", ingredients={"pol": 2}), r"ingredients must be out of activation, pool, .*, got pol"),
        (lambda: Recipe("a", "b", ingredients={"pool": 0}), r"pool must be an integer from 1 to 32, got 0"),
        (
            lambda: Recipe("a", "b", ingredients={"activation": keras.activations.tanh}),
            r"ingredients must be made of texts, numbers, lists and dicts",
        ),
        (lambda: Recipe("a", "b", optimizer="sdg"), r"optimizer must be 'adam', 'adamw', 'sgd' or 'muon', got 'sdg'"),
        (lambda: Recipe("a", "b", optimizer=["sgd"]), r"optimizer must be 'adam', 'adamw', 'sgd' or 'muon', got"),
        (lambda: Recipe("a", "b", averaging=1), r"averaging must be a number from 0 to less than 1, got 1"),
        (lambda: Recipe("a", "b", averaging=-0.1), r"averaging must be a number from 0 to less than 1, got -0.1"),
        (lambda: Recipe("a", "b", label_smoothing=1), r"label_smoothing must be a number from 0 to less .*, got 1"),
        (lambda: Recipe("a", "b", weight_decay=-1.0), r"weight_decay must be a number, 0 or more, got -1.0"),
        (lambda: Recipe("a", "b", schedule="step"), r"schedule must be 'constant', 'cosine' or 'linear', got 'step'"),
        (
            lambda: Recipe("a", "b", augmentation=("turn",)),
            r"augmentation must be a list of names out of shift, .* got",
        ),
        (lambda: Recipe("a", "b", augmentation="flip"), r"augmentation must be a list of names .*, got 'flip'"),
        (lambda: Recipe("a", "b", augmentation={"flip"}), r"augmentation must be a list of names .*, got"),
        (lambda: Recipe("a", "b", batch_size=0), r"batch_size must be a positive integer, got 0"),
        (lambda: Recipe("a", "b", epochs=True), r"epochs must be a positive integer, got True"),
        (lambda: Recipe("a", "b", warmup_epochs=-1), r"warmup_epochs must be an integer, 0 or more, got -1"),
        (lambda: Recipe("a", "b", learning_rate=0), r"learning_rate must be a positive number, got 0"),
        (lambda: Recipe("a", "b", learning_rate="0.1"), r"learning_rate must be a positive number, got '0.1'"),
        (lambda: Recipe("a", "b", learning_rate=math.nan), r"learning_rate must be a positive number, got nan"),
        # what another setting would leave without effect
        (lambda: Recipe("a", "b", weight_decay=0.5), r'weight_decay must be 0 with optimizer="adam" .*, got 0.5'),
        (lambda: Recipe("a", "b", warmup_epochs=2), r'warmup_epochs must be 0 with schedule="constant", got 2'),
        (
            lambda: Recipe("a", "b", variant="modern", ingredients={"ones_in_biases": True}),
            r"ones_in_biases must be False with batch normalization",
        ),
        (
            lambda: Recipe("a", "b", ingredients={"dropout": 0.2, "without": ["fc6", "fc7"]}),
            r"dropout must be 0, or not given, without fc6 and fc7, got 0.2",
        ),
        (
            lambda: Recipe("a", "b", schedule="cosine", warmup_epochs=5, epochs=5),
            r"warmup_epochs and refine_epochs must be fewer than epochs=5 together, got 5 and 0",
        ),
        (lambda: Recipe("a", "b", refine_epochs=5, epochs=5), r"fewer than epochs=5 together, got 0 and 5"),
        (
            lambda: Recipe("a", "b", refine_epochs=2),
            r"refine_rate must be a positive number with refine_epochs.*got 0.0",
        ),
        (
            lambda: Recipe("a", "b", refine_rate=0.1),
            r"refine_rate must be a positive number with refine_epochs.*got 0.1",
        ),
        (lambda: Batches(images_of(3), np.array([0, 1, 10]), 2), r"labels must be 3 integers from 0 to 9 .* 0 to 10"),
        (lambda: Batches(images_of(3), np.array([0, -1, 1]), 2), r"labels must be 3 integers from 0 to 9 .* -1 to 1"),
        (lambda: Batches(images_of(3), np.array([0, 1]), 2), r"labels must be 3 integers from 0 to 9 .*\(2,\)"),
        (lambda: Batches(images_of(0), np.array([], int), 2), r"images must be uint8 images .*\(0, 32, 32, 3\)"),
        (lambda: Batches(*xy(), 0), r"batch_size must be a positive integer, got 0"),
        (lambda: Batches(*xy(), 4, "flip"), r"augmentation must be a list of names out of shift, .*, got 'flip'"),
        (lambda: Batches(*xy(), 4, ("turn",)), r"augmentation must be a list of names out of shift, .*, got \('turn"),
        (lambda: Batches(*xy(), 4, seed=-1), r"seed must be an integer from 0 .*, got -1"),
        (lambda: Batches(*xy(), 4, num_classes=0), r"num_classes must be an integer from 1 .*, got 0"),
        (lambda: Batches(*xy(), 4, refine_from=0.5), r"refine_from must be an integer, 0 or more, got 0.5"),
        (lambda: Batches(*xy(), 4, share=(1, 1, 0)), r"share must be a Share.*, got \(1, 1, 0\)"),
        (lambda: Batches(*xy(), 4).start_epoch(-1), r"epoch must be an integer, 0 or more, got -1"),
        (lambda: Batches(*xy(), 4)["0"], r"index must be an integer, 0 or more, got '0'"),
    ],
)
def test_bad_input_is_named(function, message):
    with pytest.raises(ValueError, match=message):
        function()


NAMES = (
    "",
    " ",
    ".",
    "..",
    "../up",
    "/abs",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "NUL",
    "com1.csv",
    "a:b",
    "a.",
    " a",
    "x" * 101,
    3,
    None,
)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_has_a_plain_file_name(name):
    with pytest.raises(ValueError, match=r"name must be a plain file name, without separators, got"):
        Recipe(name, "")


def xy(n=10):
    return images_of(n), np.arange(n) % 10


def rng():
    return np.random.default_rng(0)


PIXELS = {
    "floats from 0 to 1": (lambda x: x / 255, r"float64. The network scales the pixels itself: hand it the images as"),
    "int16": (lambda x: x.astype("int16"), r"dtype int16"),
    "one image": (lambda x: x[0], r"shape \(32, 32, 3\)"),
    "grey": (lambda x: x[..., 0], r"shape \(\d+, 32, 32\)"),
    "channels first": (lambda x: x.transpose(0, 3, 1, 2), r"shape \(\d+, 3, 32, 32\)"),
    "masked": (np.ma.masked_array, r"a masked array"),
    "a text": (lambda x: "images", r"'images'"),
    "none": (lambda x: x[:0], r"shape \(0, 32, 32, 3\)"),
}
LABELS = {
    "as keras.datasets has them": (
        lambda y: y[:, None],
        r"shape \(\d+, 1\) and dtype int64. Use (y_\w+|labels).ravel\(\)",
    ),
    "one-hot": (
        lambda y: np.eye(10)[y],
        r"shape \(\d+, 10\) .*If they are one-hot, use (y_\w+|labels).argmax\(axis=1\)",
    ),
    "floats": (lambda y: y.astype(float), r"float64 from 0 to \d"),
    "too large": (lambda y: y + 10, r"int64 from 10 to"),
    "negative": (lambda y: y - 1, r"int64 from -1 to"),
    "too many": (lambda y: np.append(y, 0), r"shape \(\d+,\)"),
    "names": (lambda y: y.astype(str), r"dtype <U"),
    "none": (lambda y: None, r"None"),
}


@pytest.mark.parametrize("problem", PIXELS)
def test_images_of_another_kind_are_refused_wherever_they_are_given(problem, tmp_path):
    change, message = PIXELS[problem]
    dataset, wanted = small_dataset(), "must be uint8 images N x"
    with pytest.raises(ValueError, match=rf"images {wanted} height x width x 3 .*, got .*{message}"):
        Batches(change(dataset.x_train), dataset.y_train, 8)
    for name in ("x_train", "x_test"):
        changed = dataset._replace(**{name: change(getattr(dataset, name))})
        for run in (
            lambda data: training.train(TINY, data, **folders(tmp_path)),
            lambda data: study_of(data, tmp_path),
        ):
            with pytest.raises(ValueError, match=rf"{name} {wanted} 32 x 32 x 3 .*, got .*{message}"):
                run(changed)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("problem", LABELS)
def test_labels_of_another_kind_are_refused_wherever_they_are_given(problem, tmp_path):
    change, message = LABELS[problem]
    dataset = small_dataset()
    with pytest.raises(ValueError, match=rf"labels must be 60 integers from 0 to 2 along one axis, got .*{message}"):
        Batches(dataset.x_train, change(dataset.y_train), 8, num_classes=3)
    for name, n in {"y_train": 60, "y_test": 30}.items():
        changed = dataset._replace(**{name: change(getattr(dataset, name))})
        for run in (
            lambda data: training.train(TINY, data, **folders(tmp_path)),
            lambda data: study_of(data, tmp_path),
        ):
            with pytest.raises(ValueError, match=rf"{name} must be {n} integers from 0 to 2 along .*, got .*{message}"):
                run(changed)
    assert not list(tmp_path.iterdir())


def study_of(dataset, folder, **changes):
    small = {"name": "a", "width": 0.03, "ingredients": SHORT, "batch_size": 8}
    recipe = dataclasses.replace(TUTORIAL, **small | changes)
    return studies.study(Study((recipe,), (0,), steps=4, every=2, name="small"), dataset, results_folder=folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: ((d.x_train, d.y_train), (d.x_test, d.y_test)), r"got a tuple of 2. Of .* make data.ImageData\("),
        (lambda d: [], r"dataset must be data.ImageData, .*, got a list of 0"),
        (lambda d: "cifar10", r"dataset must be data.ImageData, .*, got 'cifar10', which has no x_train"),
        (lambda d: d.x_train, r"dataset must be data.ImageData, .*, got an array .*, which has no x_train"),
        (lambda d: d._replace(class_names="abc"), r"class_names must be a list of names, .*, got 'abc'"),
        (lambda d: d._replace(class_names=()), r"class_names must be a list of names, .*, got \(\)"),
        (lambda d: d._replace(class_names=("a", "a", "b")), r"class_names must be names that differ, got 'a'"),
        (lambda d: d._replace(class_names=("a", "b", 3)), r"class_names must be a text, got 3"),
        (lambda d: d._replace(class_names=("a", "b", "\udcff")), r"class_names must be a text of one line that UTF-8"),
        (lambda d: d._replace(source=""), r"source must be a text, got ''"),
        (lambda d: d._replace(source=None), r"source must be a text, got None"),
    ],
)
def test_a_data_set_of_another_kind_is_explained(change, message, tmp_path):
    for run in (lambda data: training.train(TINY, data, **folders(tmp_path)), lambda data: study_of(data, tmp_path)):
        with pytest.raises(ValueError, match=message):
            run(change(small_dataset()))


@pytest.mark.parametrize("predict", [predict_two_views, predict_ten_views])
@pytest.mark.parametrize(
    "shape", [(4, 32, 32, 0), (0, 32, 32, 3), (4, 28, 28, 3), (4, 32, 32, 1), (32, 32, 3), (4, 64, 64, 3)]
)
def test_views_of_another_shape_are_refused(predict, shape):
    model = models.alexnet_cifar10(width=0.02)
    with pytest.raises(ValueError, match=r"images must be uint8 images N x 32 x 32 x 3 .*, got .*shape"):
        predict(model, np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match=r"images must be uint8 images N x 32 x 32 x 3 .*, got .*float64"):
        predict(model, np.zeros((4, 32, 32, 3)))
    with pytest.raises(ValueError, match=r"model must be a built keras.Model, .*, got None"):
        predict(None, np.zeros((4, 32, 32, 3), np.uint8))


def test_the_ten_views_do_not_move_out_of_the_image():
    images = np.zeros((1, 32, 32, 3), np.uint8)
    for pixels in (-1, 32, 1.0, True):
        with pytest.raises(ValueError, match=rf"pixels must be an integer from 0 to 31, got {pixels}"):
            predict_ten_views(models.alexnet_cifar10(width=0.02), images, pixels)


def test_a_batch_that_is_not_there_is_an_index_error():
    batches = Batches(*xy(), 4)
    assert len([batches[number] for number in range(3)]) == 3
    for index in (3, 100, -1, np.int64(3)):
        with pytest.raises(IndexError, match=rf"index must be an integer from 0 to 2, got {index}"):
            batches[index]


def test_numbers_of_numpy_are_numbers():
    recipe = Recipe("a", "b", epochs=np.int64(50), learning_rate=np.float32(0.5), centred_input=np.bool_(True))
    assert (recipe.epochs, recipe.learning_rate, recipe.centred_input) == (50, 0.5, True)
    assert {type(recipe.epochs), type(recipe.learning_rate), type(recipe.centred_input)} == {int, float, bool}
    batches = Batches(
        images_of(6), np.arange(6, dtype=np.uint8), np.int64(4), seed=np.arange(3)[0], num_classes=np.int8(7)
    )
    assert batches[np.int64(1)][1].shape == (2, 7)


def test_recipes_do_not_share_anything_that_can_be_changed():
    recipe = Recipe("a", "b", ingredients={"pool": 2, "without": ["fc7"]}, kernel_initializer=studies.SMALL_NORMAL)
    other = dataclasses.replace(recipe, name="c")
    assert len({recipe, other, dataclasses.replace(other, name="a")}) == 2
    for change in (
        lambda: recipe.ingredients.update(pool=3),
        lambda: recipe.ingredients.__setitem__("pool", 3),
        lambda: MODERN_HALF.ingredients.setdefault("pool", 3),
        lambda: recipe.kernel_initializer["config"].clear(),
        lambda: recipe.ingredients.pop("pool"),
    ):
        with pytest.raises(TypeError, match="a recipe does not change: make another"):
            change()
    with pytest.raises(AttributeError):
        recipe.ingredients["without"].append("conv2")
    given = {"pool": 2}
    kept = Recipe("a", "b", ingredients=given)
    given["pool"] = 3
    assert (
        kept.ingredients
        == {"pool": 2}
        == copy.deepcopy(kept).ingredients
        == pickle.loads(pickle.dumps(kept)).ingredients
    )
    assert dataclasses.asdict(recipe)["ingredients"] == {"pool": 2, "without": ("fc7",)}


def test_images_of_another_size_are_refused(tmp_path):
    dataset = small_dataset()._replace(x_train=np.zeros((60, 28, 28, 1), np.uint8))
    with pytest.raises(ValueError, match=r"x_train must be uint8 images N x 32 x 32 x 3 .* shape \(60, 28, 28, 1\)"):
        training.train(TINY, dataset, **folders(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "message"), [(["tutorail"], "invalid choice: 'tutorail'"), (["--help"], "resume")]
)
def test_command_line_says_what_it_takes(capsys, arguments, message):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert message in "".join(capsys.readouterr())


# --- the results that the notebook draws ---


LONG_RUNS = ("tutorial_repaired", "paper_half", "modern_half", "repaired", "paper_half_reflected", "today_all")


@pytest.mark.parametrize(
    ("name", "column", "floor"),
    [
        ("tutorial_repaired", "test_accuracy", 0.73),
        ("paper_half", "test_accuracy_ten_views", 0.84),
        ("modern_half", "test_accuracy_ten_views", 0.88),
        ("repaired", "test_accuracy", 0.75),
        ("paper_half_reflected", "test_accuracy", 0.85),
        ("today_all", "test_accuracy", 0.90),
    ],
)
def test_a_stored_long_run_is_whole_and_reaches_what_is_promised(name, column, floor):
    curves = pd.read_csv(RESULTS_FOLDER / f"{name}.csv").query("source.str.contains('JPEG copy')")
    assert len(curves)
    for _, run in curves.groupby("seed"):
        assert run["epoch"].tolist() == list(range(1, RECIPES[name].epochs + 1))
        assert run["test_accuracy"].notna().sum() == 1
        assert run[column].iloc[-1] >= floor
        assert run.drop(columns=[column for column in run if column.startswith("test_")]).notna().all(axis=None)


def test_the_recipe_of_today_reaches_what_is_promised_within_its_budget():
    curves = pd.read_csv(RESULTS_FOLDER / "today_all.csv")
    ends = curves.dropna(subset="test_accuracy")
    assert sorted(ends["seed"]) == [0, 1, 2]
    assert ends["test_accuracy"].mean() >= 0.905 and ends["petaflop"].max() <= 1.2
    for _, run in curves.groupby("seed"):
        np.testing.assert_allclose(run["petaflop"], 2e-15 * run["multiply_adds"].cumsum(), atol=1e-5)


TODAY_CHOICES = [RECIPES[f"today_{name}"] for name in ("nothing_erased", "pools_2x2", "half_rate")]


@pytest.mark.parametrize("recipe", [TODAY, *TODAY_CHOICES], ids=lambda recipe: recipe.name)
def test_the_runs_that_the_recipe_of_today_was_chosen_by_never_saw_the_test_set(recipe):
    curves = pd.read_csv(RESULTS_FOLDER / f"{recipe.name}.csv")
    assert curves["epoch"].tolist() == list(range(1, recipe.epochs + 1))
    assert curves["val_accuracy"].notna().all() and not [name for name in curves if name.startswith("test_")]


def test_the_chosen_recipe_of_today_is_the_best_on_validation_images():
    names = [recipe.name for recipe in (TODAY, *TODAY_CHOICES)]
    ends = {name: pd.read_csv(RESULTS_FOLDER / f"{name}.csv")["val_accuracy"].iloc[-1] for name in names}
    assert max(ends, key=ends.get) == "today"


@pytest.mark.parametrize("name", LONG_RUNS)
def test_the_stored_confusion_matrix_belongs_to_the_long_run(name):
    keys = ["seed", "source"]
    curves = pd.read_csv(RESULTS_FOLDER / f"{name}.csv").dropna(subset="test_accuracy")
    table = pd.read_csv(RESULTS_FOLDER / f"{name}-confusion.csv")
    assert set(map(tuple, table[keys].to_numpy())) == set(map(tuple, curves[keys].to_numpy()))
    accuracies = curves.set_index(keys)["test_accuracy"]
    for key, run in table.groupby(keys):
        right = run.loc[run["truth"] == run["predicted"], "images"].sum()
        assert right / run["images"].sum() == pytest.approx(accuracies[key], abs=1e-5)
        assert run.groupby("truth")["images"].sum().tolist() == [1000] * 10


@pytest.mark.parametrize("name", studies.STUDIES)
def test_a_stored_study_is_whole(name):
    recipes, seeds, steps, every, *_ = studies.STUDIES[name]
    runs = pd.read_csv(RESULTS_FOLDER / f"{name}.csv").groupby(["recipe", "seed"])["step"].apply(list)
    wanted = {(recipe.name, seed) for recipe in recipes for seed in seeds}
    assert set(runs.index) == wanted
    assert all(run == list(range(every, steps + 1, every)) for run in runs)


def test_in_the_stored_study_only_the_common_recipe_is_stuck():
    end = pd.read_csv(RESULTS_FOLDER / "repair_study.csv").dropna(subset="val_accuracy")
    stuck = (end["accuracy"] < 0.125).groupby(end["recipe"]).sum()
    assert stuck["common recipe"] == 5 and stuck.sum() == 5


def test_two_recipes_of_one_name_are_refused():
    """As `dataclasses.replace` makes them where `name` is forgotten."""
    again = dataclasses.replace(recipes.TODAY, learning_rate=0.05)
    with pytest.raises(ValueError, match=r"^the name of a recipe must be different from that .*, got 'today'"):
        recipes._by_name([recipes.TUTORIAL, recipes.TODAY, again])


def test_a_recipe_with_the_name_of_a_study_is_refused(monkeypatch):
    named = dataclasses.replace(recipes.TODAY, name="repair_study")
    monkeypatch.setitem(recipes.RECIPES, "repair_study", named)
    with pytest.raises(ValueError, match=r"^the name of a recipe must be different from every study's, got 'repair"):
        command._parse(["today"])
