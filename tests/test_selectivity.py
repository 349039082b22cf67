"""Tests of the tool that measures filters across many photos, whose table notebook 05 prints."""

import numpy as np
import pandas as pd
import pytest

from alexnet_helpers.results import RESULTS_FOLDER
from tools import selectivity

KERNEL = np.random.default_rng(0).normal(-1, 1, (3, 3, 4, 5)).astype("float32")
SHIFT = np.arange(5, dtype="float32") - 9


@pytest.fixture(scope="module")
def filters():
    return {(kind, seed): (kernel, shift) for kind, seed, kernel, shift in selectivity.filters(KERNEL, SHIFT)}


def test_each_seed_gives_other_filters_and_the_trained_shift(filters):
    first, second = (filters["random", seed][0] for seed in (0, 1))
    assert (first != second).mean() > 0.9 and (first != KERNEL).mean() > 0.9
    np.testing.assert_array_equal(filters["random", 0][1], SHIFT)


def test_only_the_shift_is_taken_away(filters):
    kernel, shift = filters["trained, no shift", 0]
    np.testing.assert_array_equal(kernel, KERNEL)
    assert not shift.any()


def test_no_filter_is_a_trained_one_where_all_layers_change():
    network = selectivity.models.alexnet_cifar10(weights="modern_half")
    images = 2 * (np.random.default_rng(3).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32),)
    found = {row[:3]: row[3] for row in selectivity.without_trained_filters(network, images)}
    layers = [f"conv{number}" for number in range(2, 6)]
    assert list(found) == [
        (kind, seed, layer)
        for kind in ("untrained", "random throughout")
        for seed in selectivity.SEEDS
        for layer in layers
    ]
    untrained, again, learned = (
        found[key] for key in (("untrained", 0, "conv5"), ("untrained", 1, "conv5"), ("random throughout", 0, "conv5"))
    )
    assert untrained.shape == (4, 8, 8, 128) and abs(untrained - again).max() > 1
    assert 0.3 < (untrained > 0).mean() < 0.7  # normalized, without a shift: about half of the places
    assert (learned > 0).mean() < 0.3  # all shifts of conv5 are negative
    weight = network.get_layer("conv5").kernel
    network.get_layer("conv5").kernel.assign(0 * weight)  # the trained filters do not count
    alone = {row[:3]: row[3] for row in selectivity.without_trained_filters(network, images)}
    np.testing.assert_allclose(alone["untrained", 0, "conv5"], untrained, rtol=1e-4, atol=1e-4)


def test_maps_are_normalized_by_the_training_images():
    rng = np.random.default_rng(1)
    below, photos = rng.random((2, 3, 6, 6, 4), np.float32)
    scale = np.full(5, 2, np.float32)
    maps = selectivity.normalized_maps(below, below, KERNEL, scale, 0 * SHIFT + 100)  # so that the ReLU cuts nothing
    np.testing.assert_allclose(maps.mean(axis=(0, 1, 2)), 100, rtol=1e-4)
    np.testing.assert_allclose(maps.std(axis=(0, 1, 2)), 2, rtol=1e-3)
    other = selectivity.normalized_maps(below, photos + 1, KERNEL, scale, 0 * SHIFT + 100)
    assert other.mean() < 95  # brighter photos, by their own mean, would give 100 again
    assert selectivity.normalized_maps(below, photos, KERNEL, scale, 0 * SHIFT - 100).max() == 0


def test_measures_of_two_filters_by_hand():
    maps = np.zeros((20, 2, 2, 2))  # photo, row, column, filter
    maps[:, 0, 0, 0] = 1  # the first responds at one place of each photo,
    maps[:10, 0, :, 1] = [4, 3]  # the second at two places in half of the photos, and weakly at one in the others
    maps[10:, 1, 1, 1] = 1
    labels = np.array(10 * [3] + 10 * [5])
    within, across, median, same = selectivity.measures(maps, labels)
    assert within == (20 / 80 + (20 + 10) / 80) / 2
    assert across == median == (1 + 0.5) / 2
    assert same == 1  # with equal peaks, the first photos count
    assert selectivity.measures(maps, np.arange(20) % 10)[3] == 0.1


def test_the_stored_table_is_whole_and_say_what_the_notebook_says():
    table = pd.read_csv(RESULTS_FOLDER / "selectivity.csv")
    assert table.groupby("layer").size().to_dict() == dict.fromkeys(("conv2", "conv3", "conv4", "conv5"), 11)
    assert (table["images"] == selectivity.IMAGES).all() and table["source"].str.contains("JPEG copy").all()
    measured = ["median filter", "same class"]
    conv5 = table[table["layer"] == "conv5"].groupby("kind")[measured].agg(["min", "max"])
    median, same = conv5["median filter"], conv5["same class"]
    assert median.loc["trained", "max"] < median.loc["random", "min"] < median.loc["random", "max"] < 0.11
    assert same.loc["trained", "min"] > 0.7 and same.loc["random", "max"] < 0.5
