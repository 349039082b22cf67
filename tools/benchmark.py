"""Measure how fast the course trains, each figure as a ratio between two things that run in turn.

    python tools/benchmark.py

Writes data/results/benchmark.csv and prints it. Run times on a shared machine vary, so every
measurement is a process of its own, the two sides of a ratio run one after the other in each of
two rounds, in the other order in the second, and the ratio is that of their fastest rounds.
PyTorch is compared where it is installed. Takes a quarter of an hour or so on two CPU cores.
"""

import functools
import importlib.util
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
ROUNDS = 2
BATCH = 128
GOALS = 0.70, 0.85  # validation accuracies, for "time to"
CLIMB = "repaired", "paper_half_reflected", "today"  # the recipes of notebook 13


def seconds_per_step(step, steps, warm_up=3):
    """Call a function a few times, then measure how long a call takes."""
    for _ in range(warm_up):
        step()
    begin = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - begin) / steps


# --- the measurements: each returns one number, in a process of its own ---


def common_code():
    """Images per second of the common recipe as tutorials write it: the generator, Adam, batches of 64."""
    from alexnet_helpers import data, models

    keras = models.keras
    from tensorflow.keras.preprocessing.image import ImageDataGenerator

    images = data.load_cifar10()
    layers = models.alexnet_cifar10("tutorial").layers[1:]  # they divide the pixels by 255 beforehand
    model = keras.Sequential([keras.Input((32, 32, 3)), *layers])
    model.compile(optimizer=keras.optimizers.Adam(), loss="categorical_crossentropy", metrics=["accuracy"])
    turned = ImageDataGenerator(rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, horizontal_flip=True)
    x_train = images.x_train.astype("float32") / 255
    flow = turned.flow(x_train, np.eye(10)[images.y_train], batch_size=64)
    return images_per_second(model, flow, 64, steps=120)


def recipe(name):
    """Images per second of a recipe, batches included."""
    from alexnet_helpers import compilation, data, recipes
    from alexnet_helpers.batches import Batches

    images, chosen = data.load_cifar10(), recipes.RECIPES[name]
    model = compilation.compile_model(chosen, 352)
    batches = Batches(images.x_train, images.y_train, chosen.batch_size, chosen.augmentation)
    return images_per_second(model, batches, chosen.batch_size, steps=max(8, 6_000 // chosen.batch_size))


def images_per_second(model, batches, batch_size, steps):
    """Train some steps with `fit`, the preparation of the batches included."""
    model.fit(batches, epochs=1, steps_per_epoch=5, verbose=0, shuffle=False)
    begin = time.perf_counter()
    model.fit(batches, epochs=1, steps_per_epoch=steps, verbose=0, shuffle=False)
    return batch_size * steps / (time.perf_counter() - begin)


def keras_step(name="modern_half", steps=40):
    """Billion floating-point operations per second of a training step of a recipe's network."""
    from alexnet_helpers import compilation, models, recipes

    model = compilation.compile_model(recipes.RECIPES[name], 352)
    images, labels = random_batch()
    seconds = seconds_per_step(lambda: model.train_on_batch(images, labels), steps)
    return 2 * 3 * models.multiply_adds(model) * BATCH / seconds / 1e9


def keras_step_today():
    """Return the same for the network and the optimizer of today."""
    return keras_step("today", 10)


def torch_step():
    """Return the same for the same network in PyTorch, as it is usually written."""
    import torch

    return torch_flops(torch.contiguous_format)


def torch_step_channels_last():
    """Return the same with the images in the order that Keras has them in, which PyTorch must be asked for."""
    import torch

    return torch_flops(torch.channels_last)


def torch_flops(layout):
    """Return billion floating-point operations per second of a training step in PyTorch."""
    import torch
    from torch import nn

    def hidden(layer, units, normalization):
        return [layer, normalization(units, eps=1e-3, momentum=0.01), nn.ReLU()]

    def conv(before, filters, kernel):
        return hidden(nn.Conv2d(before, filters, kernel, padding="same", bias=False), filters, nn.BatchNorm2d)

    def dense(before, units):
        return [*hidden(nn.Linear(before, units, bias=False), units, nn.BatchNorm1d), nn.Dropout(0.5)]

    def pool():
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    images, labels = random_batch()
    x = torch.tensor(images).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    convolutions = [*conv(3, 48, 5), pool(), *conv(48, 128, 5), pool(), *conv(128, 192, 3), *conv(192, 192, 3)]
    convolutions += [*conv(192, 128, 3), pool(), nn.Flatten()]
    model = nn.Sequential(*convolutions, *dense(2048, 256), *dense(256, 256), nn.Linear(256, 10))
    model = model.to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    update = functools.partial(torch_update, model, optimizer, loss, x, torch.tensor(labels))
    seconds = seconds_per_step(update, 40)

    from alexnet_helpers import models  # here, since loading TensorFlow first can stop PyTorch

    return 2 * 3 * models.multiply_adds(models.alexnet_cifar10("modern", 0.5)) * BATCH / seconds / 1e9


def torch_update(model, optimizer, loss, x, targets):
    """Make one step of training in PyTorch."""
    optimizer.zero_grad(set_to_none=True)
    loss(model(x), targets).backward()
    optimizer.step()


def random_batch():
    """Return a batch of noise, with labels one-hot."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((BATCH, 32, 32, 3), dtype=np.float32)
    return images, np.eye(10, dtype=np.float32)[rng.integers(0, 10, BATCH)]


def matrix_product(size=4096):
    """Billion floating-point operations per second of a float32 matrix product in TensorFlow."""
    import tensorflow as tf

    a = tf.random.normal((size, size))
    return 2 * size**3 / seconds_per_step(lambda: tf.matmul(a, a).numpy(), 4, warm_up=1) / 1e9


# --- the comparison ---


def measured_apart(name):
    """Run one measurement in a fresh interpreter."""
    command = [sys.executable, __file__, name]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def fastest_of(*names):
    """Measure each in turn, several times; return the largest figure of each."""
    rounds = []
    for number in range(ROUNDS):
        order = names[:: -1 if number % 2 else 1]
        found = dict(zip(order, [measured_apart(name) for name in order]))
        rounds.append([found[name] for name in names])
    return np.max(rounds, axis=0)


def epochs_to(goal, recipe):
    """Return after how many epochs the stored run (seed 0) was at the goal on the validation images."""
    curves = pd.read_csv(ROOT / "data" / "results" / f"{recipe}.csv").query("seed == 0")
    return curves.loc[curves["val_accuracy"] >= goal, "epoch"].min()  # NaN where it never was


def main():
    """Make all comparisons and store them."""
    from alexnet_helpers import data, results

    rows = []

    def add(what, unit, ours, other, other_name):
        row = {"what": what, "unit": unit, "ours": round(ours, 1), "other": round(other, 1), "other is": other_name}
        rows.append(row | {"ratio": round(ours / other, 2)})
        print(rows[-1], flush=True)

    ours, other = fastest_of("tutorial_repaired", "common_code")
    add("training the tutorials' network, batches included", "images/s", ours, other, "the tutorials' code")
    speeds = fastest_of(*CLIMB)
    for goal in GOALS:
        repaired, *others = [epochs_to(goal, name) * 45_000 / speed / 60 for name, speed in zip(CLIMB, speeds)]
        for name, minutes in zip(CLIMB[1:], others):
            add(f"time to {goal:.0%} validation accuracy, {name}", "minutes", minutes, repaired, CLIMB[0])
    step, today, product = fastest_of("keras_step", "keras_step_today", "matrix_product")
    add("a training step of modern_half", "10^9 FLOP/s", step, product, "a 4096 x 4096 matrix product")
    add("a training step of today, batch of 128", "10^9 FLOP/s", today, product, "a 4096 x 4096 matrix product")
    if importlib.util.find_spec("torch"):
        step, *others = fastest_of("keras_step", "torch_step", "torch_step_channels_last")
        for other, name in zip(others, ("the same network in PyTorch", "the same, with PyTorch's channels_last")):
            add("a training step of modern_half", "10^9 FLOP/s", step, other, name)
    table = pd.DataFrame(rows)
    facts = results.machine_facts()
    table["source"], table["machine"], table["backend"] = data.load_cifar10().source, facts["machine"], facts["backend"]
    results.write_table(ROOT / "data" / "results" / "benchmark.csv", table)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        warnings.simplefilter("ignore")
        name = sys.argv[1]
        print(json.dumps(globals()[name]() if name in globals() else recipe(name)))
    else:
        main()
