"""The figures of notebook 13: each map has its side, each change its mean, its bars and its other runs."""

import types

import matplotlib.pyplot as plt
import numpy as np
import pytest

from alexnet_helpers.plotting import comparisons


@pytest.fixture
def shown(monkeypatch):
    figures = []
    monkeypatch.setattr(comparisons, "show", lambda figure, alt: figures.append((figure, alt)))
    yield figures
    plt.close("all")


def layer(name, side, window, stride):
    sizes = {"kernel_size" if name.startswith("conv") else "pool_size": (window, window), "strides": (stride, stride)}
    return types.SimpleNamespace(name=name, output=types.SimpleNamespace(shape=(None, side, side, 8)), **sizes)


def test_each_map_is_a_square_of_its_side_with_its_window_and_stride(shown):
    first = [layer("conv1", 8, 11, 4), layer("norm1", 8, 0, 0), layer("pool1", 4, 3, 2)]
    second = [layer("conv1", 32, 5, 1), layer("pool1", 16, 3, 2)]
    networks = {"old": types.SimpleNamespace(layers=first), "new": types.SimpleNamespace(layers=second)}
    comparisons.show_layouts(networks)
    ((figure, alt),) = shown
    for axes, name, sides in zip(figure.axes, networks, ((8, 4), (32, 16)), strict=True):
        assert axes.get_ylabel() == name
        assert [(square.get_width(), square.get_height()) for square in axes.patches] == [
            (side, side) for side in sides
        ]
        assert [text.get_text() for text in axes.texts] == [f"{side}×{side}" for side in sides]
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert labels == ["conv1\n11×11 by 4", "pool1\n3×3 by 2"]
    assert "old, conv1 11 by 11 with stride 4: 8, 4; new, conv1 5 by 5 with stride 1: 32, 16." in alt


def test_changes_are_ranked_with_their_bars_and_the_runs_elsewhere(shown):
    found = {"small": (1.0, 0.5, 2.0, [0.4]), "large": (3.0, 1.0, 1.5, [2.0, 4.0]), "harm": (-2.0, 0.25, 0.5, [-1.0])}
    comparisons.show_changes(found, ("small",))
    ((figure, alt),) = shown
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["large", "small", "harm"]
    assert axes.get_ylim() == (2.5, -0.5)  # the first row on top
    bars = [bar.lines[2][0].get_segments()[0][:, 0] for bar in axes.containers]
    ranked = sorted(found.values(), reverse=True)
    expected = [(mean - reach, mean + reach) for mean, seeds, both, _ in ranked for reach in (both, seeds)]
    np.testing.assert_allclose(bars, expected)
    colors = [bar.lines[2][0].get_color()[0] for bar in axes.containers]
    assert np.ptp(colors[2][:3]) < 0.2 < np.ptp(colors[0][:3])  # the one without a layer alone is grey
    diamonds = [list(line.get_xdata()) for line in axes.lines if line.get_marker() == "D"]
    assert diamonds == [others for *_, others in ranked]
    assert [text.get_text() for text in axes.texts][::2] == ["+3.0 (+1.5 to +4.5)", "−2.0 (−2.5 to −1.5)"]
    assert "large +3.0 (+1.5 to +4.5), elsewhere +2.0 and +4.0; small +1.0 (-1.0 to +3.0), elsewhere +0.4" in alt
