"""One training on several devices and processes, or on a folder of images.

What needs several devices runs in processes of its own, on the JAX backend: it is chosen, and the devices are made,
before Python starts.
"""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexnet_helpers import __main__ as command
from alexnet_helpers import data, recipes, scale, training
from alexnet_helpers.batches import Batches
from alexnet_helpers.scale import Share

# Keras itself causes it when it turns a variable into an array.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
on_tensorflow = pytest.mark.skipif(
    scale.devices.keras.backend.backend() != "tensorflow", reason="is about that backend"
)


# --- who gets what ---


@given(st.integers(1, 8), st.integers(0, 100))
def test_the_parts_of_all_processes_are_the_whole(processes, n):
    parts = [np.arange(n)[Share(processes, processes, number).part(n)] for number in range(processes)]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(n))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def made_up(n):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, n)


def test_the_processes_together_see_the_batches_of_one():
    images, labels = made_up(41)
    options = {"batch_size": 16, "augmentation": ("shift", "flip"), "seed": 3}
    alone = Batches(images, labels, **options)
    shared = [Batches(images, labels, **options, share=Share(8, 2, process)) for process in (0, 1)]
    for batches in (alone, *shared):
        batches.start_epoch(1)
    assert [len(batches) for batches in (alone, *shared)] == [3, 3, 3]
    for index, expected in ((0, 16), (1, 16), (2, 8)):  # 41 = 16 + 16 + 9, and 8 devices cannot divide 9
        (x, y), *parts = [batches[index] for batches in (alone, *shared)]
        assert [len(part[0]) for part in parts] == [expected // 2] * 2
        if expected == 16:
            np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), x)
        np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), y[:expected])


def test_a_process_reads_its_own_images_only():
    class Counting:
        shape, dtype = (32, 4, 4, 3), np.dtype(np.uint8)

        def __len__(self):
            return 32

        def __getitem__(self, chosen):
            read.extend(chosen)
            return np.zeros((len(chosen), 4, 4, 3), np.uint8)

    read = []
    batches = Batches(Counting(), np.zeros(32, int), 16, share=Share(2, 2, 1))
    batches[0], batches[1]
    assert len(read) == len(set(read)) == 16


@pytest.mark.parametrize(("batch_size", "images"), [(10, 40), (16, 3)])
def test_devices_that_cannot_divide_a_batch_are_refused(batch_size, images):
    with pytest.raises(
        ValueError, match=f"batch_size must be a multiple of the 4 devices, .*, got {batch_size} for {images} images"
    ):
        Batches(*made_up(images), batch_size, share=Share(4))


# --- what this backend can do ---


@on_tensorflow
def test_only_jax_shares():
    assert scale.find_share(1) == scale.find_share("all") == scale.ALONE
    with pytest.raises(
        ValueError, match=r"devices must be 1 on the tensorflow backend \(KERAS_BACKEND=jax has more\), got 2"
    ):
        training.train(recipes.PAPER, devices=2)
    with pytest.raises(
        ValueError, match=r"processes must be 1 on the tensorflow backend \(KERAS_BACKEND=jax has.*, got 2"
    ):
        command.main(["paper", "--processes", "2"])


@on_tensorflow
def test_a_process_of_a_job_does_not_train_alone(monkeypatch):
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "4")
    with pytest.raises(ValueError, match=r"NUM_PROCESSES must be 1 on the tensorflow backend .*, got '4'"):
        scale.find_share("all")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["ideas", "--epochs", "3"],
            "--epochs must be left out with the study ideas, which takes --results only",
        ),
        (["paper", "--processes", "2", "--devices", "4"], "--devices must be all with --processes, got 4"),
    ],
)
def test_options_that_would_be_dropped_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit):
        command.main(arguments)
    assert message in capsys.readouterr().err


def test_the_command_line_starts_a_job_and_says_how_far_it_came(tmp_path, monkeypatch, capsys):
    started = []

    def run_job(command, processes, folder, first_appears):
        started.append((command[1:], processes, first_appears))
        (folder / "epoch-003.keras").touch()
        if processes == 3:
            raise RuntimeError("process 1 of 3 was stopped by SIGKILL")

    monkeypatch.setattr(scale, "run_job", run_job)
    monkeypatch.setattr(scale.devices.keras.backend, "backend", lambda: "jax")
    folders = [f"--checkpoints={tmp_path / 'a'}", f"--results={tmp_path / 'b'}"]
    command.main(["paper", "--seed=4", "--epochs=3", "--processes=2", "--mixed", *folders])
    same = ["-m", "alexnet_helpers", "paper", "--devices=all", "--seed=4", "--epochs=3", *folders, "--mixed"]
    assert started == [(same, 2, True)]
    place = tmp_path / "a" / "paper-seed4"
    assert capsys.readouterr().out == f"{place} holds a checkpoint of epoch 3\n3 of 80 epochs are done\n"
    with pytest.raises(RuntimeError, match="process 1 of 3"):
        command.main(["paper", "--seed=4", "--processes=3", *folders])
    assert capsys.readouterr().out == f"{place} holds a checkpoint of epoch 3\n"


@pytest.mark.parametrize("devices", [0, -1, True, 1.0, "two", None])
def test_a_number_of_devices_that_is_none(devices):
    with pytest.raises(ValueError, match=f'devices must be a positive integer or "all", got {devices!r}'):
        scale.find_share(devices)


# --- a job of processes, with programs that need no Keras ---

jobs_only = pytest.mark.skipif(os.name == "nt", reason="there are no jobs on Windows")


@pytest.mark.parametrize("processes", [0, -1, 1.5, True, "2", 65, 10**30])
def test_a_number_of_processes_that_is_none(processes, tmp_path):
    with pytest.raises(ValueError, match=f"processes must be an integer from 1 to 64, got {processes!r}"):
        scale.run_job(["no such program"], processes, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"command": "python program.py"}, "command must be a list of texts: a program and its arguments, got 'python"),
        ({"command": []}, r"command must be a list of texts: .*, got \[\]"),
        ({"command": [sys.executable, 3]}, "command must be a list of texts: .*, got"),
        ({"log_folder": "no/such/folder"}, "log_folder must be a folder that there is, got 'no/such/folder'"),
        ({"log_folder": None}, "log_folder must be the path of a file or folder, got None"),
        ({"first_appears": "no"}, "first_appears must be True or False, got 'no'"),
    ],
)
def test_a_job_that_cannot_be_started_is_explained(changes, message, tmp_path):
    usual = {"command": ["no such program"], "processes": 2, "log_folder": tmp_path}
    with pytest.raises(ValueError, match=message):
        scale.run_job(**usual | changes)


@pytest.mark.parametrize(
    ("share", "message"),
    [
        (None, "share must be a Share.*, got None"),
        ((2, 2, 0), r"share must be a Share.*, got \(2, 2, 0\)"),
        (Share(0), "devices must be a positive integer, got 0"),
        (Share(4, 2.0), "processes must be a positive integer, got 2.0"),
        (Share(4, 2, 2), "process must be an integer from 0 to 1, got 2"),
        (Share(3, 2), "devices must be a multiple of the 2 processes, got 3"),
    ],
)
def test_a_share_that_cannot_be_is_refused(share, message):
    with pytest.raises(ValueError, match=message), scale.distribution(share):
        pass
    with pytest.raises(ValueError, match=message):
        scale.check_agreement(share, seed=1)
    with pytest.raises(ValueError, match=message):
        Batches(*made_up(8), 4, share=share)
    with pytest.raises(ValueError, match="n must be an integer, 0 or more, got -1"):
        Share().part(-1)


def run_job(tmp_path, program, processes=2, log=False):
    file = tmp_path / "program.py"
    file.write_text(
        "import os, sys, time, signal\nnumber = int(os.environ['KERAS_DISTRIBUTION_PROCESS_ID'])\n"
        + textwrap.dedent(program)
    )
    scale.run_job([sys.executable, str(file)], processes, tmp_path, first_appears=not log)


@jobs_only
def test_each_process_of_a_job_knows_its_place(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    run_job(
        tmp_path,
        """
        names = ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")
        print(*(os.environ[f"KERAS_DISTRIBUTION_{name}"] for name in names), os.environ["JAX_PLATFORMS"])
        print("to stderr", number, file=sys.stderr)
        """,
        processes=3,
    )
    shown = capfd.readouterr()
    said = [shown.out, *((tmp_path / f"process-{number}.log").read_text() for number in range(3))]
    address = shown.out.split()[0]
    assert address.startswith("localhost:")
    assert said[0] == f"{address} 3 0 cpu\n"  # they would fight for the memory of a GPU
    assert said[1] == "to stderr 0\n"
    assert sorted(said[2].splitlines()) == [f"{address} 3 1 cpu", "to stderr 1"]
    assert shown.err == ""


@jobs_only
@pytest.mark.parametrize(
    ("end", "message"),
    [("sys.exit(3)", "failed with exit status 3"), ("os.kill(os.getpid(), 9)", "was stopped by SIGKILL")],
)
def test_when_one_process_fails_the_others_are_stopped(tmp_path, end, message):
    program = f"""
        if number == 1:
            {end}
        print("waiting", flush=True)
        time.sleep(300)
        print("still there")
        """
    with pytest.raises(RuntimeError, match=f"process 1 of 2 {message}; its last words are in .*process-1.log"):
        run_job(tmp_path, program, log=True)
    assert "still there" not in (tmp_path / "process-0.log").read_text()


@jobs_only
def test_of_two_that_fail_the_one_that_was_killed_is_named(tmp_path, monkeypatch):
    started = []

    class Noted(subprocess.Popen):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            started.append(self)

    monkeypatch.setattr(scale.processes.subprocess, "Popen", Noted)
    # Whichever ends first, both have ended when run_job looks.
    monkeypatch.setattr(scale.processes.time, "sleep", lambda _: [process.wait() for process in started])
    with pytest.raises(RuntimeError, match="process 1 of 2 was stopped by SIGKILL"):
        run_job(tmp_path, "os.kill(os.getpid(), 9) if number else sys.exit(1)")


# --- the training itself, on JAX ---

WORKER = """
import dataclasses, sys
import numpy as np
from alexnet_helpers import data, models, numpy_layers, recipes, training

x = np.random.default_rng(0).normal(0, 30, (2, 3, 3, 8))
off = np.asarray(models.LocalResponseNorm(dtype="float64")(x)) / numpy_layers.local_response_norm(x) - 1
print("normalization keeps float64:", abs(off).max() < 1e-13)
# In float32 the rounding, which is another on several devices, grows from step to step.
models.keras.config.set_dtype_policy("float64")
recipe = dataclasses.replace(
    recipes.PAPER, name="tiny", width=0.03, kernel_initializer="he_normal", learning_rate=1e-3, epochs=3,
    augmentation=("shift", "flip"), averaging=0.9,
    ingredients={"without": ["conv2", "conv3", "conv4", "conv5", "fc7"], "stem": [11, 4]},
)
digits = data.cifar10._load_digits()
digits = digits._replace(x_train=digits.x_train[:640], y_train=digits.y_train[:640], x_test=digits.x_test[:50],
                         y_test=digits.y_test[:50])
folder, *devices = sys.argv[1:]
for number in devices:
    number = int(number) if number.isdecimal() else number
    compile_model, used = training.compile_model, []

    def watched(*arguments):
        model = compile_model(*arguments)
        used.append(len(model.get_layer("conv1").kernel.value.sharding.device_set))
        return model

    training.compile_model = watched
    try:
        training.train(recipe, digits, devices=number, checkpoint_folder=f"{folder}/{number}",
                       results_folder=f"{folder}/{number}", verbose=0)
    except ValueError as error:
        print(error)
    training.compile_model = compile_model
    print("devices used:", used)
"""


# What the processes of a job say to each other, before they train.
DISAGREE = """
from alexnet_helpers import scale
from jax.errors import JaxRuntimeError
share = scale.find_share("all")
scale.check_agreement(share, seed=1, epochs=(0, 4))
try:
    scale.check_agreement(share, seed=1, epochs=(share.process, 4))
except ValueError as error:
    print(error)
seen = [
    JaxRuntimeError("UNKNOWN: Gloo all-reduce failed"),
    ValueError("UNKNOWN: Gloo AllGather failed"),  # as JAX 0.10 raised it when a process was killed
    JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory"),
    ValueError("batch_size=0"),
]
for error in seen:
    try:
        with scale.distribution(share):
            raise error
    except Exception as shown:
        print("said:", shown)
"""


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory):
    """Return a folder for programs on the JAX backend, which the environment asks for."""
    pytest.importorskip("jax")
    with pytest.MonkeyPatch.context() as patch:
        settings = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1"}
        for name, value in (settings | {"PYTHONPATH": os.pathsep.join(sys.path)}).items():
            patch.setenv(name, value)
        yield tmp_path_factory.mktemp("jax")


@pytest.fixture(scope="module")
def one_process(on_jax):
    """Return the folder with what the worker trained on one and on four devices of one process, and its output."""
    command = [sys.executable, "-c", WORKER, str(on_jax), "1", "4", "5"]
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(command, env=environment, timeout=3000, **streams)
    assert done.returncode == 0, done.stdout
    return on_jax, done.stdout


@pytest.fixture(scope="module")
def two_processes(on_jax):
    """Return the folder with what a job of two processes trained and said."""
    command = [sys.executable, "-c", DISAGREE + WORKER, str(on_jax), "all"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=1")
        scale.run_job(command, 2, on_jax)
    return on_jax


def curves_of(folder):
    file = next(folder.glob("tiny.csv"), None) or max(folder.glob("tiny-seed0/epoch-*.csv"))
    return pd.read_csv(file)


def assert_same_training(one, other):
    columns = ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
    # They are stored in five decimals, and neighbours may be rounded apart.
    np.testing.assert_allclose(one[columns], other[columns], rtol=0, atol=1.01e-5)


def test_four_devices_train_as_one_does(one_process):
    folder, output = one_process
    assert "devices must be an integer from 1 to the 4 that JAX finds here, got 5. XLA_FLAGS=--xla_force_host" in output
    assert "normalization keeps float64: True" in output  # Keras' own rule for types differs between backends
    assert "devices used: [1]" in output
    assert "devices used: [4, 1]" in output  # the last one for the test images
    one, four = (curves_of(folder / name) for name in "14")
    assert len(one) == 3
    assert one["val_loss"].is_unique  # it learns something
    assert_same_training(four, one)
    assert one["test_accuracy"].iloc[-1] == pytest.approx(four["test_accuracy"].iloc[-1], abs=0.021)  # one image of 50
    assert four["machine"].iloc[0] == one["machine"].iloc[0] + ", 4 devices in 1 processes"


@jobs_only
def test_two_processes_train_as_one_does(one_process, two_processes):
    # Notebook 17 kills one of the two processes, and resumes.
    one, two = (curves_of(two_processes / name) for name in ("1", "all"))
    assert_same_training(two, one)
    assert two["machine"].iloc[-1] == one["machine"].iloc[0] + ", 2 devices in 2 processes"
    assert json.loads((two_processes / "all" / "tiny-seed0" / "recipe.json").read_text())["name"] == "tiny"


@jobs_only
def test_processes_that_do_not_agree_or_lose_each_other_say_so(two_processes):
    for number in (0, 1):
        said = (two_processes / f"process-{number}.log").read_text()
        assert f"epochs must be the same in all 2 processes, got ({number}, 4) in process {number}" in said
        lost = f"said: process {number} of 2 has lost the others: one has ended, or cannot be reached. The last ch"
        assert [line.startswith(lost) for line in said.splitlines() if "said:" in line] == [True, True, False, False]
        assert "goes on from there (UNKNOWN: Gloo all-reduce failed)\n" in said
        assert "goes on from there (UNKNOWN: Gloo AllGather failed)\n" in said
        assert "said: RESOURCE_EXHAUSTED: Out of memory\nsaid: batch_size=0\n" in said


# --- a folder of images ---


def test_a_folder_of_images_loads_as_cifar10_does(tmp_path, image_folder):
    dataset = scale.load_image_folder(image_folder(tmp_path / "mine", count=3))
    assert dataset.class_names == ("a", "b")
    assert dataset.y_train.tolist() == dataset.y_test.tolist() == [0, 0, 0, 1, 1, 1]
    assert dataset.y_train.dtype == np.int64
    assert dataset.x_train.shape == (6, 32, 32, 3) and dataset.x_train.dtype == np.uint8
    assert dataset.source == "mine: 6 and 6 images of 2 classes"
    pixels = np.asarray(dataset.x_train)
    assert pixels.shape == (6, 32, 32, 3) and pixels.dtype == np.uint8
    colours = [[10 * number, 0, ord(name)] for name in "ab" for number in range(3)]
    np.testing.assert_array_equal(pixels, np.broadcast_to(np.array(colours)[:, None, None], pixels.shape))
    assert np.asarray(dataset.x_test)[5, 0, 0].tolist() == [20, 100, ord("b")]


def test_what_is_hidden_or_no_image_is_passed_over(tmp_path, image_folder, capsys):
    for part in ("train", "val"):
        image_folder(tmp_path, **{"train": (), "val": (), part: (".ipynb_checkpoints", "a")})
    for name in (".DS_Store", "._0.png", "Thumbs.db", "list.txt"):
        (tmp_path / "train" / "a" / name).write_bytes(b"no image")
    (tmp_path / "train" / "list.txt").write_text("no class")
    dataset = scale.load_image_folder(tmp_path)
    assert dataset.class_names == ("a",)
    assert len(dataset.x_train) == len(dataset.y_train) == 2
    assert (
        f"Passed over in {tmp_path.name}/train: 1 .db, 1 .txt, 1 outside the class folders." in capsys.readouterr().out
    )


def test_how_many_files_were_passed_over_is_said(tmp_path, image_folder, capsys):
    image_folder(tmp_path, train=("a",), val=("a",), suffix="JPEG")
    assert capsys.readouterr().out == ""
    scale.load_image_folder(tmp_path)
    assert capsys.readouterr().out == ""  # nothing was
    folder = tmp_path / "train" / "a"
    for number in range(10):
        (folder / f"{number}.HEIC").touch()
    for name in ("a.pdf", "b.mpg", "c.h5", "d.eps", "e.PDF", "f.grib", "README"):
        (folder / name).touch()
    (folder / "Cat.jpg").mkdir()
    (folder / "lost.png").symlink_to(tmp_path / "nowhere")
    dataset = scale.load_image_folder(tmp_path)
    assert [Path(file).name for file in dataset.x_train.files] == ["0.JPEG", "1.JPEG"]
    assert np.asarray(dataset.x_train).shape == (2, 32, 32, 3)
    printed = capsys.readouterr().out
    assert printed.startswith(f"Passed over in {tmp_path.name}/train: 10 .heic, 2 .pdf, 1 ")
    assert printed.count("\n") == 2 and "export others as JPEG" in printed


@pytest.mark.parametrize("suffix", ["mpo", "jp2", "tif", "webp", "bmp", "gif", "ppm"])
def test_other_kinds_of_images_are_found(tmp_path, image_folder, suffix):
    assert len(scale.load_image_folder(image_folder(tmp_path, suffix=suffix)).x_train) == 4


def test_images_in_files_are_indexed_like_an_array_and_read_late(tmp_path, monkeypatch, image_folder):
    images = scale.load_image_folder(image_folder(tmp_path, count=3), size=8).x_train
    whole = np.asarray(images)
    read, read_photo = [], data.read_photo
    monkeypatch.setattr(data, "read_photo", lambda file, size: read.append(file) or read_photo(file, size))
    chosen = [images[1:4], images[np.array([5, 0, 0])], images[:2][::-1], images[np.arange(6) % 2 == 0]]
    assert not read  # so far
    for part, expected in zip(chosen, (whole[1:4], whole[[5, 0, 0]], whole[:2][::-1], whole[::2])):
        assert part.shape == expected.shape and len(part) == len(expected)
        np.testing.assert_array_equal(part, expected)
    assert len(read) == 3 + 3 + 2 + 3
    assert np.asarray(images, dtype=np.float32).dtype == np.float32


def test_an_integer_as_index_gives_one_image(tmp_path, image_folder):
    images = scale.load_image_folder(image_folder(tmp_path, count=3), size=8).x_train
    whole = np.asarray(images)
    for index in (0, 5, -1, np.int64(2)):
        assert images[index].shape == (8, 8, 3) and images[index].dtype == np.uint8
        np.testing.assert_array_equal(images[index], whole[index])
    np.testing.assert_array_equal(np.stack(list(images)), whole)  # by iteration
    for wrong in (6, -7, (0, 1), None, np.zeros((2, 2), int), np.ones(5, bool), 1.0, "0"):
        with pytest.raises(IndexError):
            images[wrong]
    with pytest.raises(ValueError, match="copy must be"):
        images.__array__(copy=False)
    assert np.asarray(images[:0]).shape == (0, 8, 8, 3)


@pytest.mark.parametrize(
    ("files", "size", "message"),
    [
        ("a.png", 8, "files must be a list of paths, got 'a.png'"),
        (5, 8, "files must be a list of paths, got 5"),
        ([["a.png"], ["b.png", "c.png"]], 8, "files must be a list of paths, got "),
        ([b"content"], 8, "files must be a list of paths, got "),
        (["a.png"], 0, "size must be an integer from 1 to 4096, got 0"),
    ],
)
def test_bad_arguments_of_image_files_are_named(files, size, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        scale.ImageFiles(files, size)


def test_reading_many_files_at_once_leaves_the_filters_of_warnings(tmp_path, image_folder):
    images = scale.load_image_folder(image_folder(tmp_path, count=30), size=8).x_train
    before = list(warnings.filters)
    for _ in range(6):
        np.asarray(images)
    assert warnings.filters == before


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (None, "there is no such folder"),
        ({"train": (), "val": ()}, "it has no train, but no folder at all"),
        ({"train": ("a",), "val": ()}, "it has no val, but train"),
        ({"train": ("a", "b"), "val": ("a",)}, "only in train: b"),
        ({"train": ("a", "b"), "val": ("a", "b", "c")}, "only in val: c"),
        ({"count": 0}, "class a has no images in train"),
    ],
)
def test_a_folder_of_another_layout_is_refused(tmp_path, image_folder, made, message):
    folder = image_folder(tmp_path, **made) if made is not None else tmp_path / "nowhere"
    needed = "a folder with train/CLASS/* and val/CLASS/*, the same classes in both"
    with pytest.raises(ValueError) as error:
        scale.load_image_folder(folder)
    assert str(error.value) == f"folder must be {needed}, got '{folder}' ({message})"
    with pytest.raises(ValueError, match=r"^size must be an integer from 1 to 4096, got 0$"):
        scale.load_image_folder(folder, size=0)


def test_capital_letters_and_other_near_misses_are_explained(tmp_path, image_folder):
    image_folder(tmp_path)
    for name in ("train", "val"):
        (tmp_path / name).rename(tmp_path / f"{name}-")
        (tmp_path / f"{name}-").rename(tmp_path / name.title())
    if (tmp_path / "train").is_dir():
        pytest.skip("to this disk, Train is train")
    with pytest.raises(ValueError, match=r"\(it has no train, but Train, Val: rename Train to train\)$"):
        scale.load_image_folder(tmp_path)
    (tmp_path / "train").mkdir()
    (tmp_path / "Val").rename(tmp_path / "val")
    with pytest.raises(ValueError, match=r"\(only in val: a, b\)$"):
        scale.load_image_folder(tmp_path)
    shutil.rmtree(tmp_path / "val" / "a")
    shutil.rmtree(tmp_path / "val" / "b")
    with pytest.raises(ValueError, match=r"\(train has no class folders\)$"):
        scale.load_image_folder(tmp_path)
    for wrong in (None, 5, ["a"]):
        with pytest.raises(ValueError, match=r"^folder must be the path of a file or folder, got "):
            scale.load_image_folder(wrong)


def test_a_damaged_image_is_named_when_it_is_read(tmp_path, image_folder):
    images = scale.load_image_folder(image_folder(tmp_path)).x_train
    Path(images.files[2]).write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"^file must be .*, got '.*b.0.png' \(no format that Pillow knows\)$"):
        np.asarray(images)


# --- a folder of images, read by the same training ---


def test_a_folder_of_images_is_trained_on(tmp_path, image_folder):
    dataset = scale.load_image_folder(image_folder(tmp_path / "images", count=15, suffix="JPEG"))
    recipe = dataclasses.replace(
        recipes.MODERN,
        name="a",
        width=0.03,
        batch_size=8,
        epochs=2,
        warmup_epochs=0,
        refine_epochs=1,
        ingredients={"without": ["conv3", "conv4", "conv5", "fc7"]},
    )
    options = {"checkpoint_folder": tmp_path, "results_folder": tmp_path, "verbose": 0}
    _, curves = training.train(recipe, dataset, **options)
    assert curves["source"].unique().tolist() == ["images: 30 and 30 images of 2 classes"]
    assert 0 <= curves["test_accuracy"].iloc[-1] <= 1
    assert len(pd.read_csv(tmp_path / "a-confusion.csv")) == 4
