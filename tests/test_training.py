"""Training: recipes, batches and augmentation, and that no epoch is lost, whatever happens on the way."""

import dataclasses
import math
import os
import random
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import numpy as np
import pandas as pd
import pytest

from alexnet_helpers import data, load_keras, models, training
from alexnet_helpers.training import AUGMENTATIONS, Batches, Recipe, split_validation

keras = load_keras()

# Keras itself causes it when it saves a model.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

ROOT = Path(__file__).resolve().parent.parent
# Small enough for a second an epoch, and with everything that a long run has.
TINY = dataclasses.replace(
    training.REPAIRED,
    name="tiny",
    width=0.03,
    epochs=6,
    batch_size=128,
    learning_rate=1e-3,
    warmup_epochs=1,
    weight_decay=0.5,
)
TIMES = ["seconds", "images_per_second"]
COLUMNS = ["recipe", "seed", "source", "machine", "backend", "keras", "numpy", "precision", "epoch", "accuracy", "loss"]
COLUMNS += ["val_accuracy", "val_loss", "learning_rate", *TIMES, "multiply_adds"]
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
    np.testing.assert_allclose(training.predict_ten_views(unbroken.model, images), expected, rtol=1e-4, atol=1e-6)


def test_every_epoch_sees_all_of_its_own_batches(unbroken):
    steps = math.ceil((1541 - 308) / TINY.batch_size)
    expected = {(epoch, index) for epoch in range(TINY.epochs) for index in range(steps)}
    assert set(unbroken.seen) == expected
    assert len(unbroken.seen) <= len(expected) + steps  # Keras may look at a batch beforehand


def test_learning_rate_climbs_and_falls_along_half_a_cosine(unbroken):
    after_warmup = np.arange(TINY.epochs) / (TINY.epochs - 1)
    expected = TINY.learning_rate * (1 + np.cos(np.pi * after_warmup)) / 2
    np.testing.assert_allclose(unbroken.curves["learning_rate"], expected, rtol=1e-3, atol=1e-9)


def test_refining_begins_anew_erases_nothing_and_survives_a_stop(digits, tmp_path, monkeypatch):
    erased = []
    erase = training.erase_wide
    monkeypatch.setitem(
        AUGMENTATIONS, "erase_wide", lambda images, rng: erased.append(len(images)) or erase(images, rng)
    )
    changes = {"name": "refined", "width": 0.03, "epochs": 5, "warmup_epochs": 1, "refine_epochs": 2, "averaging": 0.9}
    recipe = dataclasses.replace(training.MODERN_HALF, learning_rate=0.1, refine_rate=0.01, **changes)
    small = digits._replace(x_train=digits.x_train[:600], y_train=digits.y_train[:600])
    whole, curves = training.train(recipe, small, **folders(tmp_path / "whole"))
    rates = [0.1, 0.05, 0.01, 0.005, 0]  # when each epoch has ended
    np.testing.assert_allclose(curves["learning_rate"], rates, atol=1e-9, rtol=1e-3)
    assert 3 * 480 <= sum(erased) < 4 * 480  # Keras may look at a batch or two beforehand
    erased.clear()
    for epochs in (3, None):
        resumed, _ = training.train(recipe, small, epochs=epochs, **folders(tmp_path / "parts"))
    for found, expected in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_only_the_last_checkpoint_is_kept(unbroken):
    files = {path.name for path in (unbroken.checkpoints / "tiny-seed3").iterdir()}
    assert files - {"lock"} == {"epoch-006.keras", "epoch-006.csv", "recipe.json"}


def test_run_again_after_the_end_trains_nothing_and_leaves_the_test_set_alone(unbroken, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_finish", None)
    monkeypatch.setattr(keras.Model, "fit", None)
    model, curves = training.train(TINY, digits, seed=3, **unbroken.copy(tmp_path))
    pd.testing.assert_frame_equal(curves, unbroken.curves)
    for found, expected in zip(model.get_weights(), unbroken.model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_killed_before_its_results_were_stored_a_run_only_needs_its_checkpoint(unbroken, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", None)
    arguments = unbroken.copy(tmp_path)
    shutil.rmtree(arguments["results_folder"])
    _, curves = training.train(TINY, digits, seed=3, **arguments)
    pd.testing.assert_frame_equal(curves, unbroken.curves)
    assert (arguments["results_folder"] / "tiny-confusion.csv").exists()


def test_multiply_adds_are_three_forward_passes_over_the_training_images(unbroken):
    # conv1 sees 32 x 32 x 3 with stride 4, and so on; width 0.03 leaves 3-8-12-12-8 filters and 123 units.
    forward = 64 * 363 * 3 + 16 * 75 * 8 + 4 * (72 * 12 + 108 * 12 + 108 * 8) + 8 * 123 + 123 * 123 + 123 * 10
    assert unbroken.curves["multiply_adds"].tolist() == [3 * forward * (1541 - 308)] * TINY.epochs


def test_averaged_weights_are_validated_returned_and_survive_a_stop(digits, tmp_path):
    changes = {"name": "averaged", "width": 0.03, "epochs": 3, "warmup_epochs": 1, "refine_epochs": 1, "averaging": 0.9}
    recipe = dataclasses.replace(training.MODERN_HALF, **changes)
    whole, curves = training.train(recipe, digits, **folders(tmp_path / "whole"))
    training.train(recipe, digits, epochs=1, **folders(tmp_path / "parts"))
    resumed, resumed_curves = training.train(recipe, digits, **folders(tmp_path / "parts"))
    pd.testing.assert_frame_equal(resumed_curves.drop(columns=TIMES), curves.drop(columns=TIMES))
    again, _ = training.train(recipe, digits, **folders(tmp_path / "whole"))
    for other in (resumed, again):
        for found, expected in zip(other.get_weights(), whole.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)

    _, (images, labels) = split_validation(digits.x_train, digits.y_train)
    loss, accuracy = whole.evaluate(images, np.eye(10)[labels], batch_size=500, verbose=0)
    assert curves["val_loss"].iloc[-1] == pytest.approx(loss, rel=1e-3)
    assert curves["val_accuracy"].iloc[-1] == pytest.approx(accuracy, abs=1e-4)
    last = training.compile_model(recipe, 10)
    training._load_checkpoint(tmp_path / "whole" / "checkpoints" / "averaged-seed0", last)
    assert not np.array_equal(last.get_weights()[0], whole.get_weights()[0])


def test_in_mixed_precision_a_run_is_stopped_and_continued_alike(tmp_path):
    changes = {"name": "mixed", "width": 0.03, "epochs": 2, "warmup_epochs": 0, "refine_epochs": 1, "batch_size": 32}
    recipe = dataclasses.replace(training.MODERN, **changes)
    whole, curves = training.train(recipe, small_dataset(100), mixed=True, **folders(tmp_path / "whole"))
    training.train(recipe, small_dataset(100), epochs=1, mixed=True, **folders(tmp_path / "parts"))
    with pytest.raises(ValueError, match=r"precision='mixed_float16' \(now 'float32'\)"):
        training.train(recipe, small_dataset(100), **folders(tmp_path / "parts"))
    resumed, _ = training.train(recipe, small_dataset(100), mixed=True, **folders(tmp_path / "parts"))
    assert keras.config.dtype_policy().name == "float32"
    assert isinstance(whole.optimizer, keras.optimizers.LossScaleOptimizer)
    assert curves["precision"].tolist() == ["mixed_float16"] * 2
    for found, expected in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


OTHER_BACKEND = """
import dataclasses, sys
import numpy as np
from alexnet_helpers import data, training
images = data.load_cifar10()
small = images._replace(x_train=images.x_train[:300], y_train=images.y_train[:300])
changes = {"name": "tiny", "width": 0.03, "epochs": 3, "warmup_epochs": 1, "refine_epochs": 1, "averaging": 0.9}
recipe = dataclasses.replace(training.MODERN_HALF, **changes)
runs = []
for folder, parts in (("whole", (None,)), ("parts", (1, None))):
    places = {"checkpoint_folder": f"{sys.argv[1]}/{folder}", "results_folder": f"{sys.argv[1]}/{folder}-results"}
    for epochs in parts:
        model, curves = training.train(recipe, small, epochs=epochs, verbose=0, **places)
    runs.append((model.get_weights(), curves))
(whole, curves), (resumed, _) = runs
equal = all(np.array_equal(one, other) for one, other in zip(whole, resumed, strict=True))
print(curves["backend"].iloc[0].split()[0], equal, *curves["loss"])
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_train_alike_and_go_on_after_a_stop(backend, tmp_path):
    pytest.importorskip(backend)
    environment = os.environ | {"KERAS_BACKEND": backend, "ALEXNET_DATA": os.devnull, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-c", OTHER_BACKEND, str(tmp_path)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=500)
    name, equal, *losses = done.stdout.splitlines()[-1].split()
    assert (name, equal) == (backend, "True")
    assert float(losses[-1]) < float(losses[0])


@pytest.mark.parametrize("recipe", [training.PAPER, training.MODERN], ids=lambda recipe: recipe.name)
def test_the_long_recipes_run_end_to_end_at_a_small_size(digits, tmp_path, monkeypatch, capsys, recipe):
    short = {"epochs": 2, "warmup_epochs": 0, "refine_epochs": min(1, recipe.refine_epochs)}
    small = dataclasses.replace(recipe, width=0.05, learning_rate=0.01, **short)
    monkeypatch.setitem(training.RECIPES, recipe.name, small)
    monkeypatch.setenv("ALEXNET_DATA", os.devnull)
    places = ["--checkpoints", str(tmp_path), "--results", str(tmp_path), "--weights", str(tmp_path / "weights.npz")]
    training.main([recipe.name, *places, "--epochs=1"])
    assert "weights.npz is not written yet: 1 of 2 epochs" in capsys.readouterr().out
    assert not (tmp_path / "weights.npz").exists()
    training.main([recipe.name, *places])
    curves = pd.read_csv(tmp_path / f"{recipe.name}.csv")
    assert str(curves["test_accuracy"].iloc[-1]) in capsys.readouterr().out
    model = models.alexnet_cifar10(recipe.variant, weights=tmp_path / "weights.npz")
    right = model.predict(digits.x_test, verbose=0).argmax(axis=1) == digits.y_test
    assert right.mean() == pytest.approx(curves["test_accuracy"].iloc[-1], abs=0.02)  # rounded to float16


def test_the_half_width_runs_differ_in_width_and_length_alone():
    for whole, half in ((training.PAPER, training.PAPER_HALF), (training.MODERN, training.MODERN_HALF)):
        assert dataclasses.replace(half, name=whole.name, width=1.0, epochs=whole.epochs) == whole
        assert half.width == 0.5


def test_a_data_set_with_three_classes(tmp_path):
    recipe = dataclasses.replace(TINY, epochs=1, warmup_epochs=0, optimizer="adam", schedule="constant")
    model, curves = training.train(recipe, small_dataset(), **folders(tmp_path))
    assert model.output_shape == (None, 3)
    assert len(pd.read_csv(tmp_path / "results" / "tiny-confusion.csv")) == 9
    assert curves["learning_rate"].tolist() == [recipe.learning_rate]


# --- what can happen on the way ---

COMMAND = """
import dataclasses, sys
from alexnet_helpers import training
training.RECIPES["tiny"] = dataclasses.replace(training.REPAIRED, name="tiny", **{changes!r})
training.main(sys.argv[1:])
"""


def test_killed_five_times_the_command_goes_on_and_ends_as_an_unbroken_run(unbroken, tmp_path):
    tiny, repaired = dataclasses.asdict(TINY), dataclasses.asdict(training.REPAIRED)
    changes = {name: value for name, value in tiny.items() if value != repaired[name] and name != "name"}
    names = {"--checkpoints": "checkpoints", "--results": "results"}
    options = [text for option, name in names.items() for text in (option, str(tmp_path / name))]
    command = [sys.executable, "-c", COMMAND.format(changes=changes), "tiny", "--seed", "3", *options]
    environment = os.environ | {"ALEXNET_DATA": os.devnull, "PYTHONPATH": str(ROOT)}
    folder = tmp_path / "checkpoints" / "tiny-seed3"
    killed_with, seen, starting = [], set(), 0.0
    for attempt in range(5):
        killed = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started = time.monotonic()
        if attempt % 2:  # at any moment of its start
            time.sleep(random.uniform(0, starting))
        else:  # soon after an epoch
            while not set(folder.glob("epoch-*.keras")) - seen and killed.poll() is None:
                time.sleep(0.01)
            starting = time.monotonic() - started
            time.sleep(random.uniform(0, 0.3))
        killed.kill()
        killed.wait()
        saved = [path.name for path in folder.glob("epoch-*.keras")]
        assert max(saved, default="") >= max(killed_with, default="epoch-001"), "an epoch was lost"
        killed_with.append(max(saved))
        seen = set(folder.glob("epoch-*.keras"))

    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=500)
    curves = pd.read_csv(tmp_path / "results" / "tiny.csv")
    pd.testing.assert_frame_equal(curves.drop(columns=TIMES), unbroken.curves.drop(columns=TIMES))
    compiled = training.compile_model(TINY, 10)
    training._load_checkpoint(folder, compiled)
    for found, expected in zip(compiled.get_weights(), unbroken.model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected, err_msg=f"killed with {killed_with}")
    assert "scikit-learn's handwritten digits" in again.stdout.splitlines()[-1]
    assert str(curves["test_accuracy"].iloc[-1]) in again.stdout


def test_a_full_disk_leaves_the_older_checkpoint_whole(unbroken, tmp_path):
    resource = pytest.importorskip("resource")  # POSIX only
    folder = unbroken.copy(tmp_path)["checkpoint_folder"] / "tiny-seed3"
    rows, limits = unbroken.curves.to_dict("records"), resource.getrlimit(resource.RLIMIT_FSIZE)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # no file may grow beyond 100 kB
    try:
        with pytest.raises(OSError, match=r"epoch 7 could not be saved .*Epoch 6 is whole: make room and run again"):
            training._save_checkpoint(folder, 7, unbroken.model, [*rows, rows[-1]])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    model = training.compile_model(TINY, 10)
    assert len(training._load_checkpoint(folder, model)) == 6
    training._save_checkpoint(folder, 7, unbroken.model, [*rows, rows[-1]])
    assert len(training._load_checkpoint(folder, model)) == 7


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
    model = training.compile_model(TINY, 10)
    with pytest.raises(ValueError, match=r"checkpoint .*epoch-006.* is damaged .*: remove .*tiny-seed3 to begin anew"):
        training._load_checkpoint(folder, model)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    recipe = dataclasses.replace(TINY, optimizer="adam", schedule="constant", learning_rate=1e30)
    with pytest.raises(FloatingPointError, match=r"epoch \d.*smaller learning_rate.*0 epochs are safe"):
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
    with pytest.raises(ValueError, match="was begun with name=None"):
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
        training._merge_rows(file, rows)
    stored = pd.read_csv(file)
    assert stored[["source", "seed", "loss"]].to_numpy().tolist() == [
        ["here", 1, 1.0],
        ["here", 2, 0.5],
        ["there", 1, 1.0],
    ]


def test_runs_that_end_at_the_same_time_lose_no_results(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: training._merge_rows(tmp_path / "tiny.csv", row(seed)), range(16)))
    assert pd.read_csv(tmp_path / "tiny.csv")["seed"].tolist() == list(range(16))


# --- the study ---


def test_a_study_compares_its_recipes_and_repeats_nothing(tmp_path, monkeypatch):
    recipes = tuple(dataclasses.replace(training.COMMON, name=name, width=0.03, batch_size=8) for name in ("a", "b"))
    monkeypatch.setitem(training.STUDIES, "two", training.Study(recipes, seeds=(0,), steps=20))
    arguments = {"dataset": small_dataset(), "results_folder": tmp_path}
    table = training.study("two", **arguments)
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
    monkeypatch.setattr(training, "compile_model", None)
    pd.testing.assert_frame_equal(training.study("two", **arguments), table)


def test_a_study_shuffles_and_augments_anew_in_every_epoch(tmp_path, monkeypatch):
    seen = []

    class Watched(training.Batches):
        def __getitem__(self, index):
            images, labels = super().__getitem__(index)
            seen.append(np.asarray(images))
            return images, labels

    monkeypatch.setattr(training, "Batches", Watched)
    recipe = dataclasses.replace(training.PAPER, name="a", width=0.03, batch_size=8)
    dataset = small_dataset()
    monkeypatch.setitem(training.STUDIES, "long", training.Study((recipe,), seeds=(0,), steps=20))
    training.study("long", dataset=dataset, results_folder=tmp_path)
    per_epoch = -(-len(training.split_validation(dataset.x_train, dataset.y_train)[0][0]) // 8)
    assert per_epoch < 20  # more than one epoch
    assert len(seen) == 20
    assert not np.array_equal(seen[0], seen[per_epoch])
    # The images differ, not their order alone.
    assert len({image.tobytes() for batch in seen[: 2 * per_epoch] for image in batch}) > 1.5 * 8 * (per_epoch - 1)


def test_a_study_uses_as_many_images_and_writes_as_many_rows_as_it_says(tmp_path, monkeypatch):
    recipe = dataclasses.replace(training.COMMON, name="a", width=0.03, batch_size=8)
    options = {"every": 3, "images": 24, "validation_images": 5}
    monkeypatch.setitem(training.STUDIES, "small", training.Study((recipe,), seeds=(0,), steps=6, **options))
    seen = []

    class Recorded(Batches):
        def __getitem__(self, index):
            seen.append((index, len(self.images)))
            return super().__getitem__(index)

    monkeypatch.setattr(training, "Batches", Recorded)
    table = training.study("small", dataset=small_dataset(), results_folder=tmp_path)
    assert table["step"].tolist() == [3, 6]
    assert seen == [(0, 24), (1, 24), (2, 24)] * 2
    assert table["val_accuracy"].iloc[-1] in [round(n / 5, 5) for n in range(6)]


def test_the_steps_of_a_study_are_counted_in_tens(monkeypatch):
    monkeypatch.setitem(training.STUDIES, "odd", training.Study((training.COMMON,), seeds=(0,), steps=15))
    with pytest.raises(ValueError, match=r"steps=15: allowed is a multiple of 10"):
        training.study("odd")


def changed_fields(recipe, base):
    """Return the fields in which a recipe differs, and of the ingredients each by its own name."""
    one, other = (vars(part) | {"ingredients": 0} | part.ingredients for part in (recipe, base))
    return [name for name in one | other if one.get(name) != other.get(name) and name != "name"]


def test_each_repair_changes_one_thing():
    common, *repairs = training.STUDIES["repair_study"].recipes
    assert [len(changed_fields(repair, common)) for repair in repairs] == [1] * 4


def test_each_ingredient_is_changed_alone():
    base, *changed = training.STUDIES["what_mattered"].recipes
    assert [len(changed_fields(recipe, base)) for recipe in changed] == [1] * 16


def test_a_network_with_other_ingredients_is_not_stored_as_a_variant(tmp_path):
    recipe = training.STUDIES["what_mattered"].recipes[2]
    with pytest.raises(ValueError, match=r"recipe: 'pools do not overlap' changes pool; allowed is none that does"):
        training.save_weights(tmp_path / "a.npz", None, recipe, None)


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
    np.testing.assert_array_equal(training.shift(images, np.random.default_rng(7)), expected)


def test_shift_goes_up_to_four_pixels_each_way_and_no_further():
    images = np.zeros((2000, 32, 32, 3), np.uint8)
    images[:, 16, 16] = 255
    _, rows, columns, _ = np.nonzero(training.shift(images, np.random.default_rng(0)))
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {
        (r, c) for r in range(12, 21) for c in range(12, 21)
    }


def test_flip_mirrors_half_of_the_images_left_to_right():
    images = images_of(400)
    flipped = training.flip(images, np.random.default_rng(0))
    mirrored = np.array([np.array_equal(after, before[:, ::-1]) for before, after in zip(images, flipped, strict=True)])
    kept = np.array([np.array_equal(after, before) for before, after in zip(images, flipped, strict=True)])
    assert (mirrored ^ kept).all()
    assert 150 < mirrored.sum() < 250


@pytest.mark.parametrize(("erase", "half"), [(training.erase, 3), (training.erase_wide, 5)])
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


# --- bad input ---


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: training.train("tutorail"), r"recipe='tutorail': allowed are tutorial, tutorial_repaired"),
        (lambda: training.train(TINY, seed=-1), r"seed=-1: allowed is an integer, 0 or more"),
        (lambda: training.train(TINY, seed=0.5), r"seed=0.5: allowed is an integer"),
        (lambda: training.train(TINY, epochs=0), r"epochs=0: allowed is an integer, 1 or more"),
        (lambda: training.study("repairs"), r"name='repairs': allowed are repair_study"),
        (lambda: Recipe("a", "b", optimizer="sdg"), r"optimizer='sdg': allowed are adam, adamw, sgd"),
        (lambda: Recipe("a", "b", averaging=1), r"averaging=1: allowed is a number from 0 to less than 1"),
        (lambda: Recipe("a", "b", averaging=-0.1), r"averaging=-0.1: allowed is a number from 0"),
        (lambda: Recipe("a", "b", label_smoothing=1), r"label_smoothing=1: allowed is a number from 0 to less"),
        (lambda: Recipe("a", "b", weight_decay=-1.0), r"weight_decay=-1.0: allowed is a number, 0 or more"),
        (lambda: Recipe("a", "b", warmup_epochs=5, epochs=5), r"refine_epochs=0: allowed are fewer than epochs=5"),
        (lambda: Recipe("a", "b", refine_epochs=5, epochs=5), r"refine_epochs=5: allowed are fewer than epochs=5"),
        (
            lambda: Recipe("a", "b", refine_epochs=2),
            r"refine_rate=0.0: allowed is a positive number with refine_epochs",
        ),
        (
            lambda: Recipe("a", "b", refine_rate=0.1),
            r"refine_rate=0.1: allowed is a positive number with refine_epochs",
        ),
        (lambda: Recipe("a", "b", schedule="step"), r"schedule='step': allowed are constant, cosine"),
        (
            lambda: Recipe("a", "b", augmentation=("turn",)),
            r"augmentation='turn': allowed are shift, flip, erase, erase_wide",
        ),
        (lambda: Recipe("a", "b", batch_size=0), r"batch_size=0: allowed is an integer, 1 or more"),
        (lambda: Recipe("a", "b", epochs=True), r"epochs=True: allowed is an integer"),
        (lambda: Recipe("a", "b", warmup_epochs=-1), r"warmup_epochs=-1: allowed is an integer, 0 or more"),
        (lambda: Recipe("a", "b", learning_rate=0), r"learning_rate=0: allowed is a positive number"),
        (lambda: Recipe("a", "b", learning_rate=math.nan), r"learning_rate=nan: allowed is a positive number"),
        (lambda: Batches(images_of(3), np.array([0, 1, 10]), 2), r"labels: 0 to 10; allowed are 0 to 9"),
        (lambda: Batches(images_of(3), np.array([0, -1, 1]), 2), r"labels: -1 to 1; allowed are 0 to 9"),
        (lambda: Batches(images_of(3), np.array([0, 1]), 2), r"labels: 2 for 3 images"),
        (lambda: Batches(images_of(0), np.array([], int), 2), r"labels: 0 for 0 images"),
    ],
)
def test_bad_input_is_named(function, message):
    with pytest.raises(ValueError, match=message):
        function()


def test_images_of_another_size_are_refused(tmp_path):
    dataset = small_dataset()._replace(x_train=np.zeros((60, 28, 28, 1), np.uint8))
    with pytest.raises(ValueError, match=r"dataset: images of \(28, 28, 1\); allowed are \(32, 32, 3\)"):
        training.train(TINY, dataset, **folders(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "message"), [(["tutorail"], "invalid choice: 'tutorail'"), (["--help"], "resume")]
)
def test_command_line_says_what_it_takes(capsys, arguments, message):
    with pytest.raises(SystemExit):
        training.main(arguments)
    assert message in "".join(capsys.readouterr())


# --- the results that the notebook draws ---


LONG_RUNS = ("tutorial_repaired", "paper_half", "modern_half")


@pytest.mark.parametrize(
    ("name", "column", "floor"),
    [
        ("tutorial_repaired", "test_accuracy", 0.73),
        ("paper_half", "test_accuracy_ten_views", 0.84),
        ("modern_half", "test_accuracy_ten_views", 0.88),
    ],
)
def test_a_stored_long_run_is_whole_and_reaches_what_is_promised(name, column, floor):
    curves = pd.read_csv(training.RESULTS_FOLDER / f"{name}.csv").query("source.str.contains('JPEG copy')")
    assert len(curves)
    for _, run in curves.groupby("seed"):
        assert run["epoch"].tolist() == list(range(1, training.RECIPES[name].epochs + 1))
        assert run["test_accuracy"].notna().sum() == 1
        assert run[column].iloc[-1] >= floor
        assert run.drop(columns=[column for column in run if column.startswith("test_")]).notna().all(axis=None)


@pytest.mark.parametrize("name", LONG_RUNS)
def test_the_stored_confusion_matrix_belongs_to_the_long_run(name):
    keys = ["seed", "source"]
    curves = pd.read_csv(training.RESULTS_FOLDER / f"{name}.csv").dropna(subset="test_accuracy")
    table = pd.read_csv(training.RESULTS_FOLDER / f"{name}-confusion.csv")
    assert set(map(tuple, table[keys].to_numpy())) == set(map(tuple, curves[keys].to_numpy()))
    accuracies = curves.set_index(keys)["test_accuracy"]
    for key, run in table.groupby(keys):
        right = run.loc[run["truth"] == run["predicted"], "images"].sum()
        assert right / run["images"].sum() == pytest.approx(accuracies[key], abs=1e-5)
        assert run.groupby("truth")["images"].sum().tolist() == [1000] * 10


@pytest.mark.parametrize("name", training.STUDIES)
def test_a_stored_study_is_whole(name):
    recipes, seeds, steps, every, *_ = training.STUDIES[name]
    runs = pd.read_csv(training.RESULTS_FOLDER / f"{name}.csv").groupby(["recipe", "seed"])["step"].apply(list)
    assert set(runs.index) == {(recipe.name, seed) for recipe in recipes for seed in seeds}
    assert all(run == list(range(every, steps + 1, every)) for run in runs)


def test_in_the_stored_study_only_the_common_recipe_is_stuck():
    end = pd.read_csv(training.RESULTS_FOLDER / "repair_study.csv").dropna(subset="val_accuracy")
    stuck = (end["accuracy"] < 0.125).groupby(end["recipe"]).sum()
    assert stuck["common recipe"] == 5 and stuck.sum() == 5
