"""Tests of the tool that takes form or texture out of photos, whose table notebook 15 prints."""

import numpy as np
import pytest

from alexnet_helpers import load_keras
from tools import tiles

keras = load_keras()
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)


@pytest.mark.parametrize("side", tiles.SIDES)
def test_tiles_joined_are_the_images_again(side):
    parts = tiles.cut(IMAGES, side)
    assert parts.shape == (3, (32 // side) ** 2, side, side, 3)
    np.testing.assert_array_equal(parts[1, 1], IMAGES[1, :side, side : 2 * side])  # the second one of the first row
    np.testing.assert_array_equal(tiles.joined(parts), IMAGES)


@pytest.mark.parametrize("side", tiles.SIDES)
def test_shuffled_tiles_are_the_same_tiles_in_another_order(side):
    def in_order(images):
        return [sorted(tile.tobytes() for tile in several) for several in tiles.cut(images, side)]

    shuffled = tiles.changed_images(IMAGES, "shuffled", side, 0)
    assert in_order(shuffled) == in_order(IMAGES)
    assert all((one != other).any() for one, other in zip(shuffled, IMAGES))


@pytest.mark.parametrize("side", tiles.SIDES)
def test_averaged_tiles_have_their_mean_colour_only(side):
    averaged = tiles.cut(tiles.changed_images(IMAGES, "averaged", side, 0), side)
    assert np.ptp(averaged, axis=(2, 3)).max() == 0
    means = tiles.cut(IMAGES, side).mean(axis=(2, 3))
    np.testing.assert_allclose(averaged[:, :, 0, 0], means, atol=1)


@pytest.mark.parametrize("side", tiles.SIDES)
def test_mirrored_tiles_stay_in_their_place(side):
    mirrored = tiles.changed_images(IMAGES, "mirrored", side, 0)
    for part, other in zip(tiles.cut(mirrored, side)[0], tiles.cut(IMAGES, side)[0]):
        np.testing.assert_array_equal(part, other[:, ::-1])
    np.testing.assert_array_equal(tiles.changed_images(IMAGES, "mirrored", 32, 0), IMAGES[:, :, ::-1])


def test_mistakes_of_preparation_are_what_the_network_sees_behind_its_mean():
    mean, images = np.float32(tiles.CIFAR10_MEAN), np.float32(IMAGES)
    for mistake, expected in {
        "red and blue exchanged": images[..., ::-1] - mean,
        "mean not subtracted": images,
        "divided by 255": (images - mean) / 255,
    }.items():
        found = tiles.changed_images(IMAGES, mistake, 32, 0) - mean  # as the network's first layer does
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_jump_compares_steps_across_borders_with_those_of_the_intact_images():
    ramp = np.broadcast_to(np.arange(32)[:, None, None] + np.arange(32)[:, None], (1, 32, 32, 3))
    assert tiles.jump(ramp, ramp, 8) == 1
    # mirrored, a border between columns jumps from 0 to 15 in place of 7 to 8; those between rows stay as they are
    assert tiles.jump(tiles.changed_images(ramp, "mirrored", 8, 0), ramp, 8) == (15 + 1) / 2
    assert np.isnan(tiles.jump(ramp, ramp, 32))


def test_moved_tiles_come_from_at_most_two_pixels_beside():
    place = np.arange(32)
    ramp = np.stack(np.broadcast_arrays(place[:, None], place, 0), axis=-1).astype(np.uint8)[None]
    off = tiles.changed_images(ramp, "moved", 8, 0)[0].astype(int) - ramp[0]
    inner = off[8:24, 8:24]
    assert 0 < abs(inner).max() <= tiles.MOST_OFF
    for tile in tiles.cut(off[None], 8)[0, [5, 6, 9, 10]]:  # those that touch no border
        assert np.ptp(tile, axis=(0, 1)).max() == 0


def test_statistics_measured_anew_are_those_of_the_images_without_dropout():
    layers = [
        keras.layers.BatchNormalization(epsilon=1e-5),
        keras.layers.Dropout(0.5),
        keras.layers.BatchNormalization(),
    ]
    network = keras.Sequential([keras.Input((32, 32, 3)), *layers])
    tiles.measure(network, IMAGES)
    first, _, last = layers
    np.testing.assert_allclose(first.moving_mean, IMAGES.mean(axis=(0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(first.moving_variance, IMAGES.var(axis=(0, 1, 2)), rtol=1e-3)
    np.testing.assert_allclose(last.moving_mean, [0, 0, 0], atol=1e-3)
    np.testing.assert_allclose(last.moving_variance, [1, 1, 1], rtol=1e-2)  # twice as much with dropout
