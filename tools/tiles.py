"""Measure what notebook 15 prints: what a trained network names when a photo is prepared wrongly or loses its form.

    python tools/tiles.py

Writes data/results/tiles.csv. The network is "modern_half"; all images are its 5,000 validation images, which it has
never seen, seen once each. Needs CIFAR-10, or measures the digits. Takes a few minutes on two CPU cores.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from alexnet_helpers import data, load_keras, models, results  # noqa: E402
from alexnet_helpers.batches import split_validation  # noqa: E402
from alexnet_helpers.models import CIFAR10_MEAN  # noqa: E402

keras = load_keras()
SIDES = (16, 8, 4)
MOST_OFF = 2  # pixels, of the control's tiles
BATCH = 250
MISTAKES = {
    "red and blue exchanged": lambda x, mean: (x + mean)[..., ::-1] - mean,
    "mean not subtracted": lambda x, mean: x + mean,
    "divided by 255": lambda x, mean: x / np.float32(255),
}


def main():
    """Measure every change of the images, with both kinds of statistics, and write the table."""
    dataset = data.load_cifar10()
    (train, _), (images, labels) = split_validation(dataset.x_train, dataset.y_train)
    train = train[:5000]
    whole, rows = answers(models.alexnet_cifar10(weights="modern_half"), images), []
    changes = [("intact", 32), ("mirrored", 32), ("one colour", 32)]
    changes += [(mistake, 32) for mistake in MISTAKES]
    changes += [(change, side) for change in ("moved", "mirrored", "shuffled", "averaged") for side in SIDES]
    for change, side in changes:
        changed, learned_from = changed_images(images, change, side, 0), changed_images(train, change, side, 1)
        for statistics in ("of training",) if change in MISTAKES else ("of training", "measured anew"):
            network = models.alexnet_cifar10(weights="modern_half")
            if statistics == "measured anew":
                measure(network, learned_from)
            found = answers(network, changed)
            right, same = (found == labels).mean(), (found == whole).mean()
            rows.append((change, side, statistics, jump(changed, images, side), right, same, len(labels)))
            print(*rows[-1], flush=True)
    columns = ["change", "side", "statistics", "jump", "accuracy", "same answer as intact", "images"]
    table = pd.DataFrame(rows, columns=columns).assign(source=dataset.source).round(4)
    results.write_table(ROOT / "data" / "results" / "tiles.csv", table)


def changed_images(images, change, side, seed):
    """Return images of 32×32 pixels, prepared wrongly, or with tiles moved a little, mirrored, shuffled or averaged.

    The network subtracts the mean itself, so it is added again here. Colours are exchanged before it is subtracted.
    """
    rng = np.random.default_rng(seed)
    if change in MISTAKES:
        mean = np.float32(CIFAR10_MEAN)
        return MISTAKES[change](images - mean, mean) + mean
    if change == "moved":
        return np.stack([moved(image, side, rng) for image in images])
    tiles = cut(images, side)
    if change == "mirrored":  # each in its place; with a side of 32 the whole photo
        tiles = tiles[:, :, :, ::-1]
    if change == "shuffled":
        tiles = np.stack([rng.permutation(several) for several in tiles])
    if change in ("averaged", "one colour"):
        tiles = np.broadcast_to(tiles.mean(axis=(2, 3), keepdims=True), tiles.shape)
    return joined(tiles)


def cut(images, side):
    """Return the square tiles of 32×32 images: image × tile × height × width × colour."""
    n = 32 // side
    return images.reshape(-1, n, side, n, side, 3).swapaxes(2, 3).reshape(-1, n * n, side, side, 3)


def joined(tiles):
    """Put tiles together to images again."""
    n, side = round(tiles.shape[1] ** 0.5), tiles.shape[2]
    return tiles.reshape(-1, n, n, side, side, 3).swapaxes(2, 3).reshape(-1, 32, 32, 3)


def moved(image, side, rng):
    """Leave every tile in its place, but cut it out up to two pixels beside it: the borders, without a shuffle."""
    padded, result = np.pad(image, [(MOST_OFF, MOST_OFF)] * 2 + [(0, 0)], "reflect"), np.empty_like(image)
    for top in range(0, 32, side):
        for left in range(0, 32, side):
            down, right = rng.integers(0, 2 * MOST_OFF + 1, 2)
            result[top : top + side, left : left + side] = padded[top + down :, left + right :][:side, :side]
    return result


def jump(changed, images, side):
    """Return how many times as far values jump across the borders of tiles as they do there in the intact images."""

    def mean_step(several):
        several = several.astype(float)
        down, aside = np.diff(several, axis=1)[:, side - 1 :: side], np.diff(several, axis=2)[:, :, side - 1 :: side]
        return (np.abs(down).mean() + np.abs(aside).mean()) / 2

    return mean_step(changed) / mean_step(images) if side < 32 else np.nan


def answers(network, images):
    """Return the number of the most probable class of each image."""
    return network.predict(np.float32(images), batch_size=BATCH, verbose=0).argmax(axis=1)


def measure(network, images):
    """Give batch normalization the means and variances that these images have, layer after layer.

    One call with `training=True` would do so with units dropped.
    """
    values = np.float32(images)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            places = tuple(range(values.ndim - 1))
            layer.moving_mean.assign(values.mean(axis=places))
            layer.moving_variance.assign(values.var(axis=places))
        starts = range(0, len(values), BATCH)
        values = np.concatenate([keras.ops.convert_to_numpy(layer(values[i : i + BATCH])) for i in starts])


if __name__ == "__main__":
    main()
