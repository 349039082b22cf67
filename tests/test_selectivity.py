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
    return {(kind, seed): kernel for kind, seed, kernel in selectivity.filters(KERNEL)}


def test_each_seed_gives_other_filters(filters):
    np.testing.assert_array_equal(filters["trained", 0], KERNEL)
    for kind in ("random", "shuffled"):
        first, second = (filters[kind, seed] for seed in (0, 1))
        assert first.shape == KERNEL.shape
        assert (first != second).mean() > 0.9 and (first != KERNEL).mean() > 0.9


def test_a_shuffled_filter_keeps_its_own_weights(filters):
    shuffled = filters["shuffled", 0]
    for own, other in zip(KERNEL.reshape(-1, 5).T, shuffled.reshape(-1, 5).T):
        np.testing.assert_array_equal(np.sort(own), np.sort(other))
    places = [np.argsort(np.argsort(weights)) for weights in shuffled.reshape(-1, 5).T]
    was = [np.argsort(np.argsort(weights)) for weights in KERNEL.reshape(-1, 5).T]
    moves = [[int(np.flatnonzero(before == rank)[0]) for rank in after] for before, after in zip(was, places)]
    assert len({tuple(move) for move in moves}) == 5  # each filter in an order of its own


def test_no_filter_is_a_trained_one_where_all_layers_change():
    network = selectivity.models.alexnet_cifar10(weights="modern_half")
    images = 2 * (np.random.default_rng(3).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32),)
    found = {row[:2]: row[2] for row in selectivity.without_trained_filters(network, images)}
    layers = [f"conv{number}" for number in range(2, 6)]
    assert list(found) == [(seed, layer) for seed in selectivity.SEEDS for layer in layers]
    assert found[0, "conv2"].shape == (4, 12, 12, 128)  # 16×16, less two places on each side
    maps, again = found[0, "conv5"], found[1, "conv5"]
    assert maps.shape == (4, 6, 6, 128) and abs(maps - again).max() > 1
    assert (maps > 0).mean() < 0.3  # all shifts of conv5 are negative
    weight = network.get_layer("conv5").kernel
    network.get_layer("conv5").kernel.assign(0 * weight)  # the trained filters do not count
    alone = {row[:2]: row[2] for row in selectivity.without_trained_filters(network, images)}
    np.testing.assert_allclose(alone[0, "conv5"], maps, rtol=1e-4, atol=1e-4)


def test_inner_places_are_those_that_no_padding_reaches():
    for side in (3, 5):
        kernel = np.ones((side, side, 1, 2), np.float32)
        ones = np.ones((1, 9, 8, 1), np.float32)
        maps = selectivity.keras.ops.convert_to_numpy(selectivity.keras.ops.conv(ones, kernel, padding="same"))
        inner = selectivity.inner(maps, kernel)
        assert (inner == side**2).all()
        assert inner.size == (maps == side**2).sum()


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
    bright, strong, same = selectivity.measures(maps, labels)
    assert bright == (20 / 80 + (20 + 10) / 80) / 2
    assert strong == (1 + 0.5) / 2
    assert same == 1  # with equal peaks, the first photos count
    assert selectivity.measures(maps, np.arange(20) % 10)[2] == 0.1


def test_the_stored_table_is_whole_and_says_what_the_notebook_says():
    table = pd.read_csv(RESULTS_FOLDER / "selectivity.csv")
    assert table.groupby("layer").size().to_dict() == dict.fromkeys(("conv2", "conv3", "conv4", "conv5"), 10)
    assert (table["images"] == selectivity.IMAGES).all() and table["source"].str.contains("JPEG copy").all()
    measured = ["bright places", "strong photos", "same class"]
    conv5 = table[table["layer"] == "conv5"].groupby("kind")[measured].agg(["min", "max"])
    bright, strong, same = (conv5[column] for column in measured)
    assert abs(bright.loc["trained"] - bright.loc["shuffled"]).max() < 0.005
    assert strong.loc["random throughout", "max"] < strong.loc["trained", "min"]
    assert strong.loc["trained", "max"] < 0.06 and strong.loc[["random", "shuffled"], "min"].min() > 0.09
    assert same.loc["trained", "min"] > 0.75 and same["max"].drop("trained").max() < 0.5
    trained = table[table["kind"] == "trained"].set_index("layer")["same class"]
    assert trained.is_monotonic_increasing
