"""The figures of notebook 09: each number stands where it belongs."""

import numpy as np
import pytest

from alexnet_helpers.plotting import gradients


def texts(figure):
    """Return the texts of a figure's first axes with their places."""
    return [(text.get_text(), text.get_position()) for text in figure.axes[0].texts if text.get_text()]


@pytest.mark.parametrize(
    ("draw", "values", "first", "last"),
    [
        (gradients.draw_chain, [f"d{n}" for n in range(7)], "x = 4", "L = 1"),
        (gradients.draw_branch, [f"d{n}" for n in range(8)], "x = 1", "L = 1"),
    ],
)
def test_each_derivative_stands_below_the_value_of_its_arrow(draw, values, first, last):
    places = dict(texts(draw(*values)))
    for value, derivative in ((first, values[0]), (last, values[-1])):
        (x, y), (below_x, below_y) = places[value], places[derivative]
        assert below_x == x
        assert below_y < y
    with pytest.raises(ValueError, match="zip"):
        draw(*values[:-1])


def test_each_window_hands_its_gradient_to_its_winner():
    winners = [(0, 1), (1, 4), (4, 2), (3, 3)]
    dy, dx = np.arange(1, 5).reshape(2, 2), np.zeros((5, 5))
    figure = gradients.draw_pooling(np.zeros((5, 5)), dy, dx, winners)
    arrows = [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 4
    for window, (arrow, (row, column)) in enumerate(zip(arrows, winners, strict=True)):
        x, y = arrow.xy  # dx begins at 10.5, and its first row lies between 4 and 5
        assert (int(x - 10.5), int(5 - y)) == (column, row)
        x, y = arrow.get_position()  # dy begins at 6.8, and its first row lies between 2.5 and 3.5
        assert (int(x - 6.8), int(3.5 - y)) == (window % 2, window // 2)


def test_the_kernel_lies_where_it_gives_the_marked_values():
    kernel = [7.0, 8.0, 9.0]
    figure = gradients.draw_sliding([0, 0, 1, 2, 3, 0, 0], kernel, [10, 11, 12, 13, 14], places=(1, 3))
    assert [int(x) for text, (x, _) in texts(figure) if text == "7"] == [1, 3]
    ((dx, _),) = (place for text, place in texts(figure) if text == "10")
    assert int(dx) == 1  # below the middle of the kernel at place 0


def test_the_products_at_a_place_are_written_out_and_the_padding_is_grey():
    figure = gradients.draw_sliding([0, 0, 1, 0, -3, 0, 0], [7.0, 8.0, 9.0], [9, 8, -20, 4, 5])
    assert {"7 · 1 + 8 · 0 + 9 · −3 = −20", "7 · 0 + 8 · −3 + 9 · 0 = 4"} <= {text for text, _ in texts(figure)}
    faces = [box.get_facecolor()[:3] for box in figure.axes[0].patches[:7]]
    assert [face != (1, 1, 1) for face in faces] == [True, True, False, False, False, True, True]


def test_the_steps_lie_on_their_curve_and_a_minus_is_a_minus():
    path, down = np.array([-4.0, 0.0, 1.5]), np.array([[10.0, 1.0], [9.0, -0.5]])
    curve, plane = gradients.draw_descent({"a run": path}, {"a run down": down}).axes
    line, steps = curve.lines
    assert line.get_xdata()[line.get_ydata().argmin()] == pytest.approx(1, abs=0.06)
    np.testing.assert_array_equal(steps.get_ydata(), (path - 1) ** 2)
    np.testing.assert_array_equal(plane.lines[0].get_xydata(), down)
    assert "−3" in dict(texts(gradients.draw_chain(-3.0, *range(6))))


def test_above_two_norms_stands_their_quotient():
    full, halved = np.array([[0.4, 0.2], [1.0, 0.3]]), np.array([[0.1, 0.1], [0.2, 0.3]])
    kernels, biases = gradients.draw_norms(["conv1", "fc8"], full, halved).axes
    assert [text.get_text() for text in kernels.texts] == ["4", "5"]
    assert [text.get_text() for text in biases.texts] == ["2", "1"]
    np.testing.assert_array_equal(biases.lines[1].get_ydata(), halved[:, 1])


def test_accuracies_begin_after_the_first_epoch():
    (axes,) = gradients.draw_accuracy({"a run": [0.5, 0.75]}, 0.25, "a level").axes
    run, level = axes.lines
    np.testing.assert_array_equal(run.get_xydata(), [[1, 0.5], [2, 0.75]])
    assert list(level.get_ydata()) == [0.25, 0.25]
