"""Measure what notebook 05 prints: how sparse maps are, how rare strong responses, and what the best photos share.

    python tools/selectivity.py

Writes data/results/selectivity.csv. The network is "modern_half"; the photos are 1,000 of
its validation images, which it has never seen. Only inner places count, those whose window sees no padding. Most rows
change one layer of the network, "random throughout" changes all of them.
Needs CIFAR-10, or measures the digits. Takes a few minutes on two CPU cores.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from alexnet_helpers import data, load_keras, models, results  # noqa: E402
from alexnet_helpers.batches import split_validation  # noqa: E402

keras = load_keras()
SEEDS = range(3)
IMAGES, BATCH, TOP = 1000, 250, 10


def main():
    """Measure conv2 to conv5, one layer at a time with other filters, and write the table."""
    dataset = data.load_cifar10()
    (train, _), (photos, labels) = split_validation(dataset.x_train, dataset.y_train)
    images, labels = (np.float32(train[:IMAGES]), np.float32(photos[:IMAGES])), labels[:IMAGES]
    network, rows = models.alexnet_cifar10(weights="modern_half"), []
    for seed, name, maps in without_trained_filters(network, images):
        rows.append((name, "random throughout", seed, *measures(maps, labels)))
        print(*rows[-1], flush=True)
    for layer in network.layers:
        if layer.name.startswith("conv"):
            convolution, below = layer, images
        if layer.name in ("norm2", "norm3", "norm4", "norm5"):
            for kind, seed, kernel in filters(convolution.kernel):
                maps = inner(
                    normalized_maps(*below, kernel, layer.gamma, keras.ops.convert_to_numpy(layer.beta)), kernel
                )
                rows.append((convolution.name, kind, seed, *measures(maps, labels)))
                print(*rows[-1], flush=True)
        if layer.name == "pool3":
            break
        images = [in_batches(layer, several) for several in images]
    columns = ["layer", "kind", "seed", "bright places", "strong photos", "same class"]
    table = pd.DataFrame(rows, columns=columns).sort_values("layer", kind="stable")
    table = table.assign(images=len(labels), source=dataset.source).round(4)
    results.write_table(ROOT / "data" / "results" / "selectivity.csv", table)


def filters(kernel):
    """Yield the kind, seed and kernel of the trained filters and of what is put in their place."""
    kernel = keras.ops.convert_to_numpy(kernel)
    yield "trained", 0, kernel
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        yield "random", seed, rng.standard_normal(kernel.shape, np.float32)
        weights = kernel.reshape(-1, kernel.shape[-1])  # a column for each filter
        yield "shuffled", seed, rng.permuted(weights, axis=0).reshape(kernel.shape)


def without_trained_filters(network, images):
    """Yield the seed, layer and maps of conv2 to conv5 in networks whose filters are random in *all* layers.

    They keep the learned scales and shifts; mean and variance are measured anew.
    """
    for seed in SEEDS:
        rng, below = np.random.default_rng(seed), images
        for layer in network.layers:
            if layer.name.startswith("conv"):
                name, kernel = layer.name, rng.standard_normal(layer.kernel.shape, np.float32)
            elif layer.name.startswith("norm"):
                scale, shift = layer.get_weights()[:2]
                below = [normalized_maps(below[0], several, kernel, scale, shift) for several in below]
                if name != "conv1":
                    yield seed, name, inner(below[1], kernel)
                if name == "conv5":
                    break
            else:
                below = [in_batches(layer, several) for several in below]  # a ReLU once more changes nothing


def normalized_maps(of_training, of_photos, kernel, scale, shift):
    """Return a layer's maps of the photos: convolution, batch normalization measured on training images, ReLU."""
    scale = keras.ops.convert_to_numpy(scale)

    def convolve(images):
        return keras.ops.conv(images, kernel, padding="same")

    z = in_batches(convolve, of_training)
    mean, spread = z.mean(axis=(0, 1, 2)), z.std(axis=(0, 1, 2))
    return np.maximum(scale * (in_batches(convolve, of_photos) - mean) / spread + shift, 0)


def in_batches(function, images):
    """Return a layer's output for many images."""
    starts = range(0, len(images), BATCH)
    return np.concatenate([keras.ops.convert_to_numpy(function(images[i : i + BATCH])) for i in starts])


def inner(maps, kernel):
    """Return the places of the maps whose window lies inside the layer's input, without the padding of "same"."""
    rows, columns = (side // 2 for side in kernel.shape[:2])
    return maps[:, rows : maps.shape[1] - rows, columns : maps.shape[2] - columns]


def measures(maps, labels):
    """Return three shares, each a mean over the filters.

    Of the places of a photo's map that are above half of *its* largest value, of the photos in which a map gets above
    half of its largest value in *all* photos, and of the most common class among the photos with the highest peaks.
    """
    peaks = maps.max(axis=(1, 2))
    bright = (maps > peaks[:, np.newaxis, np.newaxis] / 2).mean()
    strong = (peaks > peaks.max(axis=0) / 2).mean()
    best = labels[np.argsort(-peaks, axis=0, kind="stable")[:TOP]]
    same = np.mean([np.bincount(of_filter).max() / len(of_filter) for of_filter in best.T])
    return bright, strong, same


if __name__ == "__main__":
    main()
