"""The figures of notebook 14: each draws the rows that it is said to draw, and says them in words."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from alexnet_helpers.plotting import inside
from alexnet_helpers.plotting.style import COLORS

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7")


@pytest.fixture
def shown(monkeypatch):
    figures = []
    monkeypatch.setattr(inside, "show", lambda figure, alt: figures.append((figure, alt)))
    yield figures
    plt.close("all")


def stored(measure, network, seeds, first):
    """Return measurements that rise by 0.1 from layer to layer, and by 0.02 from seed to seed."""
    rows = [(measure, network, seed, layer, first + 0.1 * i + 0.02 * seed)
            for seed in range(seeds) for i, layer in enumerate(LAYERS)]  # fmt: skip
    return pd.DataFrame(rows, columns=["measure", "network", "seed", "of", "value"])


def test_each_space_has_its_dots_and_vehicles_are_open(shown):
    rows = [(space, name, x, 2.0 * x, share) for space, share in (("pixels", 0.4), ("fc7", 0.25))
            for x, name in enumerate(inside._SHADES)]  # fmt: skip
    inside.show_dots(pd.DataFrame(rows, columns=["space", "class", "x", "y", "share"]), "words")
    ((figure, alt),) = shown
    assert alt == "words"
    assert [axes.get_title() for axes in figure.axes] == ["pixels", "fc7"]
    assert figure.axes[1].get_xlabel() == "25% of the variation (both axes)"
    for axes in figure.axes:
        np.testing.assert_array_equal(
            [dots.get_offsets()[0] for dots in axes.collections], [(x, 2 * x) for x in range(10)]
        )
        is_open = [dots.get_label() for dots in axes.collections if not len(dots.get_facecolors())]
        assert is_open == ["airplane", "automobile", "ship", "truck"]


def test_each_seed_has_a_line_of_probes_and_the_figures_are_means(shown):
    pixels = pd.DataFrame([("probe", "pixels", 0, "pixels", 0.3), ("probe", "pixels", 1, "pixels", 0.4)],
                          columns=["measure", "network", "seed", "of", "value"])  # fmt: skip
    other = stored("moved by a pixel", "trained", 3, 0.0)
    table = pd.concat([stored("probe", "trained", 3, 0.2), stored("probe", "untrained", 2, 0.1), pixels, other])
    inside.show_probes(table.sample(frac=1, random_state=0))
    ((figure, alt),) = shown
    (axes,) = figure.axes
    *lines, level = axes.lines
    assert [line.get_color() for line in lines] == [COLORS["blue"]] * 3 + [COLORS["vermillion"]] * 2
    np.testing.assert_allclose(lines[1].get_ydata(), 22 + 10 * np.arange(7))
    np.testing.assert_allclose(level.get_ydata(), 35)
    assert [text.get_text() for text in axes.texts[:7]] == ["22", "32", "42", "52", "62", "72", "82"]
    assert axes.texts[3].xy == (3, pytest.approx(52))
    assert alt.endswith("untrained, conv1 to fc7: 11, 21, 31, 41, 51, 61, 71; pixels: 35.")


def test_each_change_has_its_lines_and_the_same_class_is_of_the_trained_network_alone(shown):
    kinds = [(change, network) for network in ("untrained", "trained") for change in inside._CHANGES]
    inside.show_distances(pd.concat([stored(*kind, 3, 0.01 * i) for i, kind in enumerate(kinds)]))
    ((figure, alt),) = shown
    (axes,) = figure.axes
    assert len(axes.lines) == 15
    first = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
    assert list(first) == [
        "trained, moved",
        "trained, noise",
        "trained, same class",
        "untrained, moved",
        "untrained, noise",
    ]
    assert [line.get_linestyle() for line in first.values()] == ["-", ":", "--", "-", ":"]
    np.testing.assert_allclose(first["trained, noise"].get_ydata(), 0.04 + 0.1 * np.arange(7))
    assert "untrained, noise: 0.03, 0.13, 0.23, 0.33, 0.43, 0.53, 0.63." in alt


def test_each_unit_has_a_bar_for_each_class(shown):
    inside.show_classes({"unit 0": {"cat": 12, "dog": 0, "frog": 8}, "unit 5": {"cat": 0, "dog": 20, "frog": 0}})
    ((figure, alt),) = shown
    assert [[bar.get_height() for bar in axes.patches] for axes in figure.axes] == [[12, 0, 8], [0, 20, 0]]
    assert [text.get_text() for text in figure.axes[0].texts] == ["12", "", "8"]
    assert figure.axes[0].get_ylim() == (0, 23)
    assert alt == "Bars for the classes of the best images. unit 0: 12 cat, 8 frog; unit 5: 20 dog."


def test_each_photo_stands_before_its_maps_in_full_colour(shown):
    photo, ramp = np.zeros((10, 10, 3), np.uint8), np.linspace(0.0, 2.0, 100).reshape(10, 10)
    inside.show_maps(
        {"one": (photo, {"a": ramp, "b": np.zeros((10, 10))}), "two": (photo, {"a": -ramp, "b": ramp})}, "words"
    )
    ((figure, alt),) = shown
    assert alt == "words"
    assert [axes.get_ylabel() for axes in figure.axes] == ["one", "", "", "two", "", ""]
    assert [axes.get_title() for axes in figure.axes] == ["", "a", "b"] * 2
    drawn = [axes.images[0] for axes in figure.axes]
    assert [drawn[1].get_clim(), drawn[1].get_cmap().name] == [(-1, 1), "PuOr_r"]
    assert (drawn[1].get_array() > 1).sum() == 1  # the strongest 1 %
    np.testing.assert_array_equal(drawn[2].get_array(), 0)
    np.testing.assert_allclose(drawn[4].get_array(), -drawn[1].get_array())
