"""The figures of notebook 00: the guesses are the network's, each layer has its block and its notebooks."""

import types

import matplotlib.pyplot as plt
import numpy as np
import pytest

from alexnet_helpers.data import CLASS_NAMES
from alexnet_helpers.plotting import contents
from tools import notebooks

PHOTO = np.zeros((32, 32, 3), np.uint8)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text()]


def test_the_five_largest_probabilities_are_named(monkeypatch):
    shown = []
    monkeypatch.setattr(contents, "show", lambda figure, alt: shown.append((figure, alt)))
    probabilities = np.array([0.01, 0.02, 0.3, 0.25, 0.03, 0.04, 0.2, 0.1, 0.03, 0.02])

    def predict(batch, verbose):
        assert batch.shape == (1, 32, 32, 3) and batch.dtype == np.float32
        return probabilities[np.newaxis]

    contents.show_guesses(types.SimpleNamespace(predict=predict), PHOTO.tolist(), "A black square")
    ((figure, alt),) = shown
    names = [CLASS_NAMES[k] for k in (2, 3, 6, 7, 5)]
    assert alt == "A black square. Guesses: " + ", ".join(
        f"{name} {percent} %" for name, percent in zip(names, (30, 25, 20, 10, 4))
    )
    _, bars = figure.axes
    assert [label.get_text() for label in bars.get_yticklabels()] == names
    assert [patch.get_width() for patch in bars.patches] == pytest.approx([30, 25, 20, 10, 4])
    assert bars.yaxis_inverted()  # the best guess is above


def test_each_layer_of_the_network_is_a_block():
    def layer(name, **numbers):
        return types.SimpleNamespace(name=name, **numbers)

    layers = [
        layer("rescaling"),
        *(layer("conv1", filters=54), layer("bn1"), layer("conv2", filters=96), layer("pool2")),
        *(layer("flatten"), layer("fc6", units=256), layer("fc8", units=10)),
    ]
    network = types.SimpleNamespace(layers=layers, input_shape=(None, 32, 32, 3))
    figure = contents.draw_network(network, PHOTO)
    assert texts(figure) == [
        *("image", "32×32\n×3", "conv1", "32×32\n×54", "conv2", "32×32\n×96", "pool", "16×16\n×96"),
        *("fc6", "256", "fc8", "10"),
    ]
    legend = figure.axes[0].get_legend().get_texts()
    assert [text.get_text() for text in legend] == ["convolution", "max-pooling", "fully connected"]


def test_the_notebooks_stand_below_their_layer():
    axes = contents.draw_path(PHOTO).axes[0]
    names = [text for text in axes.texts if text.get_text() in contents.ABOUT]
    assert [name.get_text() for name in names] == list(contents.ABOUT)
    numbers = {path.name[:2] for path in notebooks.numbered()}
    for name in names:
        (below,) = [
            text
            for text in axes.texts
            if text.get_text() == contents.ABOUT[name.get_text()] and text.get_position()[0] == name.get_position()[0]
        ]
        assert below.get_position()[1] < name.get_position()[1]
        assert set(below.get_text().split(", ")) <= numbers
    assert set(contents.BELOW) <= {text.get_text() for text in axes.texts}


def test_the_weights_of_each_digit_share_one_scale(monkeypatch):
    shown = []
    monkeypatch.setattr(contents, "show", lambda figure, alt: shown.append((figure, alt)))
    weights = np.zeros((8, 8, 10))
    weights[2, 3, 1] = -2.0
    contents.show_weights(weights)
    ((figure, alt),) = shown
    assert alt == contents.WEIGHTS
    pictures = [axes.images[0] for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in figure.axes[:10]] == list("0123456789")
    assert {picture.get_clim() for picture in pictures} == {(-2.0, 2.0)}
    assert pictures[1].get_array()[2, 3] == -2


def test_the_curves_and_the_last_point_are_those_given(monkeypatch):
    shown = []
    monkeypatch.setattr(contents, "show", lambda figure, alt: shown.append((figure, alt)))
    contents.show_accuracy([60.0, 80.0, 99.25], [70.0, 75.0, 90.0], 91.0)
    ((figure, alt),) = shown
    learned, held_back, test = figure.axes[0].lines
    assert learned.get_ydata().tolist() == [60.0, 80.0, 99.25]
    assert held_back.get_ydata().tolist() == [70.0, 75.0, 90.0]
    assert (*test.get_xdata(), *test.get_ydata()) == (3, 91.0)
    assert all(said in alt for said in ("the 3 epochs", "60.0 % to 99.2 %", "70.0 % to 90.0 %", "shows 91.0 %"))


def test_the_background_is_what_each_network_answers(monkeypatch):
    shown = []
    monkeypatch.setattr(contents, "show", lambda figure, alt: shown.append(figure))

    def network(weights, points, relu):
        ring = np.hypot(*points.T) > 1.5 if relu else points[:, 0] > weights
        return np.stack([~ring, ring], axis=1) * 1.0

    points, part = np.array([[0, 0], [2.5, 0], [0, -2.5]]), np.array([0, 1, 1])
    contents.show_regions(network, 1.0, 0.0, points, part)
    (figure,) = shown
    for axes, title in zip(figure.axes, ("without ReLU", "with ReLU")):
        disc, ring = axes.lines
        assert axes.get_title() == title
        assert (disc.get_xydata().tolist(), ring.get_xydata().tolist()) == ([[0, 0]], [[2.5, 0], [0, -2.5]])
        answers = [paths.contains_point for paths in axes.collections[0].get_paths()]
        right = [answers[1]((x, y)) for x, y in ((2.5, 0), (0, -2.5))]
        assert answers[0]((0, 0)) and right == [True, title == "with ReLU"]
