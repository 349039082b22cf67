"""The figures of notebook 09: what comes back through a graph, a pool, a convolution.

They are drawn here so that the lesson can show its algebra without them. Each takes
what the lesson has computed, and does not check it.
"""

import matplotlib.pyplot as plt
import numpy as np

from alexnet_helpers.plotting.style import COLORS

WINDOW_COLORS = ("blue", "vermillion", "green", "purple")


CHAIN = {
    **{"x": (0, 1), "w₁": (0, 0), "×": (1, 0.5), "ReLU": (2.1, 0.5), "w₂": (2.2, -0.2)},
    **{"×'": (3.2, 0.5), "(y−5)²": (4.2, 0.5), "L": (5.1, 0.5)},
}
CHAIN_ARROWS = [
    *(("x", "×", "x = 4"), ("w₁", "×", "w₁ = 0.5"), ("×", "ReLU", "z = 2")),
    *(("ReLU", "×'", "h = 2"), ("w₂", "×'", "w₂ = 3")),
    *(("×'", "(y−5)²", "y = 6"), ("(y−5)²", "L", "L = 1")),
]
BRANCH = {
    **{"x": (-0.1, 0.5), "copy": (0.9, 0.5), "× 5": (2.3, 1), "× −1": (1.95, 0)},
    **{"× 2": (2.9, 0), "+": (3.55, 0.5), "(y−2)²": (4.35, 0.5), "L": (5.2, 0.5)},
}
BRANCH_ARROWS = [
    *(("x", "copy", "x = 1"), ("copy", "× 5", "1"), ("copy", "× −1", "1")),
    *(("× 5", "+", "z₁ = 5"), ("× −1", "× 2", "z₂ = −1"), ("× 2", "+", "−2")),
    *(("+", "(y−2)²", "y = 3"), ("(y−2)²", "L", "L = 1")),
]


def draw_chain(*derivatives):
    """Draw L = (w2 relu(w1 x) - 5)^2 as a graph, a derivative at each arrow.

    Parameters
    ----------
    *derivatives : seven numbers or texts
        Of x, w1, z, h, w2, y and L, drawn in the frames below the arrows.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.
    """
    return _draw_graph(CHAIN, CHAIN_ARROWS, derivatives)


def draw_branch(*derivatives):
    """Draw L = (5 x - 2 x - 2)^2 as a graph in which x is copied.

    Parameters
    ----------
    *derivatives : eight numbers or texts
        Of x, its upper and lower copy, z1, z2, 2 z2, y and L.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.
    """
    return _draw_graph(BRANCH, BRANCH_ARROWS, derivatives)


def _draw_graph(nodes, arrows, derivatives):
    """Draw circles, and arrows with a text above and a derivative below."""
    figure, axes = _blank(2.8, xlim=(-0.3, 5.3), ylim=(-0.35, 1.15))
    frame = {"facecolor": "white", "edgecolor": COLORS["vermillion"]}
    for (start, end, number), derivative in zip(arrows, derivatives, strict=True):
        (x0, y0), (x1, y1) = nodes[start], nodes[end]
        style = {"arrowstyle": "->", "color": COLORS["grey"], "shrinkA": 14}
        style["shrinkB"] = 12 + 3 * len(end.strip("'"))
        axes.annotate("", (x1, y1), (x0, y0), arrowprops=style)
        sides = {0: ("center", "center"), 1: ("right", "left"), -1: ("left", "right")}
        above, below = sides[np.sign(y1 - y0)]
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        axes.text(x, y + 0.04, number, ha=above)
        text = _written(derivative)
        axes.text(x, y - 0.07, text, ha=below, va="top", bbox=frame)
    circle = {"boxstyle": "circle", "facecolor": "white"}
    for name, (x, y) in nodes.items():  # a trailing ' keeps two nodes of one name apart
        axes.text(x, y, name.strip("'"), ha="center", va="center", bbox=circle)
    return figure


def _written(value):
    """Return a number as a text, with a minus sign; a text as it is."""
    return value if isinstance(value, str) else f"{value:.6g}".replace("-", "−")


def draw_pooling(x, dy, dx, winners):
    """Draw how max pooling of size 3 and stride 2 hands each dy to its winner.

    Parameters
    ----------
    x, dy, dx : ndarray
        A map of 5 x 5, the gradients of its four windows, and the gradient of the map.
    winners : sequence of (row, column)
        The largest pixel of each window, in reading order.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.
    """
    figure, axes = _blank(2.92, xlim=(-0.1, 15.6), ylim=(-0.1, 5.7))
    windows = dict(zip(np.ndindex(2, 2), WINDOW_COLORS, strict=True))
    won = dict.fromkeys(winners, "grey")
    _draw_boxes(axes, x, 0, 5, "x", won)
    _draw_boxes(axes, dy, 6.8, 3.5, "dy", windows)
    _draw_boxes(axes, dx, 10.5, 5, "dx", won)
    heights = (0.4, 0.15, -0.15, -0.4)  # so that no two arrows meet
    for (i, j), (row, column), height in zip(windows, winners, heights, strict=True):
        color, inset = COLORS[windows[i, j]], 0.1 * (i + j)
        corner = (2 * j + 0.08 + inset, 2.08 - 1.9 * i + 0.1 * j)
        side = 2.84 - 2 * inset
        frame = {"fill": False, "edgecolor": color, "linewidth": 2.5}
        axes.add_patch(plt.Rectangle(corner, side, side, **frame))
        arrow = {"arrowstyle": "->", "color": color, "linewidth": 1.5}
        start = (7.65 + j, 3 - i + height)  # in the window's own box of dy
        end = (10.55 + column, 4.5 - row + height)
        axes.annotate("", end, start, arrowprops=arrow)
    return figure


def draw_sliding(padded, kernel, dx, places=(2, 3)):
    """Draw a kernel at two places below a padded dy, and the dx that it gives there.

    Parameters
    ----------
    padded : sequence of float
        The gradients dy with one 0 between any two (stride 2), and the padding, which
        is drawn in grey: at each end one 0 fewer than the kernel has entries.
    kernel, dx : sequence of float
    places : sequence of two int
        The values of dx for which the kernel is drawn, with their products.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.
    """
    figure, axes = _blank(2.8, xlim=(-5.4, 13), ylim=(-0.1, 5.7))
    colors = dict(zip(places, ("blue", "orange"), strict=True))
    width, edge = len(kernel), len(kernel) - 1
    for j, value in enumerate(padded):
        inside = edge <= j < len(padded) - edge
        _draw_boxes(axes, [[value]], j, 5.1, tints={} if inside else {(0, 0): "grey"})
    for x, note in ((edge / 2, "padding"), (edge + 1.5, "stride")):
        axes.text(x, 5.25, note, ha="center")
    _draw_boxes(axes, [dx], width // 2, 1, tints={(0, j): colors[j] for j in colors})
    for top, (place, color) in zip((3.8, 2.6), colors.items(), strict=True):
        tints = {(0, u): color for u in range(width)}
        _draw_boxes(axes, [kernel], place, top, tints=tints)
        axes.text(place + width // 2 + 0.5, 1.15, f"dx$_{place}$", ha="center")
        products = _products(kernel, padded[place : place + width])
        axes.text(7.3, top - 0.5, f"{products} = {_written(dx[place])}", va="center")
    labels = ("dy with its zeros", "flipped kernel", "the same, one further", "dx")
    for label, y in zip(labels, (4.6, 3.3, 2.1, 0.5), strict=True):
        axes.text(-5.3, y, label, va="center")
    return figure


def _products(left, right):
    """Return a sum of products as a text."""
    pairs = zip(left, right, strict=True)
    return " + ".join(f"{_written(a)} · {_written(b)}" for a, b in pairs)


def draw_descent(paths, valley):
    """Draw steps down the curve L = (w - 1)^2, and down the valley (a^2 + 100 b^2) / 2.

    Parameters
    ----------
    paths : dict of str to ndarray
        The values of w of each run.
    valley : dict of str to ndarray, shape (steps, 2)
        The values of a and b of each run, drawn over lines of equal loss.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.
    """
    figure, (curve, plane) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    w = np.linspace(-4.2, 5.8, 100)
    curve.plot(w, (w - 1) ** 2, color=COLORS["grey"])
    style = {"marker": "o", "markersize": 3, "linewidth": 1}
    for color, (name, path) in zip(("blue", "green", "vermillion"), paths.items()):
        curve.plot(path, (path - 1) ** 2, color=COLORS[color], label=name, **style)
    a, b = np.meshgrid(np.linspace(-8, 11, 100), np.linspace(-1.5, 2.2, 100))
    levels, lines = (0.5, 5, 20, 50, 100), {"colors": COLORS["grey"], "linewidths": 0.6}
    plane.contour(a, b, (a**2 + 100 * b**2) / 2, levels, **lines)
    for color, (name, path) in zip(("blue", "vermillion"), valley.items()):
        plane.plot(*path.T, color=COLORS[color], label=name, **style)
    curve.set(xlabel="w", ylabel="L", ylim=(-1, 33))
    plane.set(xlabel="a", ylabel="b")
    for axes in (curve, plane):
        axes.legend(framealpha=1, loc="upper center", ncols=3, fontsize=9)
    return figure


def draw_norms(names, full, halved):
    """Draw how large the gradients of a network are, layer by layer, for two scales.

    Parameters
    ----------
    names : sequence of str
        The layers.
    full, halved : ndarray, shape (layers, 2)
        The norms of the gradients of each kernel and bias, with the weights as they
        are and with halved ones. Their quotient stands above the two.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.
    """
    size = {"figsize": (8, 3.2), "layout": "constrained", "sharey": True}
    figure, panels = plt.subplots(1, 2, **size)
    for part, (axes, title) in enumerate(zip(panels, ("kernels", "biases"))):
        for norms, color, label in (
            (full, "blue", "weights as they are"),
            (halved, "vermillion", "weights halved"),
        ):
            axes.semilogy(norms[:, part], "o-", color=COLORS[color], label=label)
        for layer, (top, bottom) in enumerate(zip(full[:, part], halved[:, part])):
            axes.text(layer, 1.7 * top, f"{top / bottom:.0f}", ha="center")
        axes.set_xticks(range(len(names)), names, fontsize=9)
        axes.set(title=f"{title} (above: blue / orange)", ylim=(4e-4, 20))
    panels[0].set_ylabel("norm of the gradient")
    panels[0].legend(loc="upper left", ncols=2, fontsize=9)
    return figure


def draw_accuracy(runs, level, label):
    """Draw the test accuracy of runs after each epoch, and a level to compare with.

    Parameters
    ----------
    runs : dict of str to sequence of float
        The accuracies of each run, the first of them after one epoch.
    level : float
        An accuracy, drawn as a dashed line.
    label : str
        What reaches the level.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.
    """
    figure, axes = plt.subplots(figsize=(8, 2.8), layout="constrained")
    for color, (name, values) in zip(("blue", "vermillion"), runs.items()):
        epochs = np.arange(1, len(values) + 1)
        axes.plot(epochs, values, "o-", color=COLORS[color], label=name)
    axes.axhline(level, color=COLORS["grey"], linestyle="--", label=label)
    axes.set(xlabel="epoch", ylabel="test accuracy", ylim=(0, 1.02))
    axes.set_xticks(range(0, len(epochs) + 1, 3))
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.legend(loc="center right", framealpha=1)
    return figure


def _blank(height, **limits):
    """Return a figure 8 inches wide and its axes, without frame and ticks."""
    figure = plt.figure(figsize=(8, height), layout="constrained")
    return figure, figure.add_subplot(frame_on=False, xticks=[], yticks=[], **limits)


def _draw_boxes(axes, values, left, top, title="", tints=None):
    """Draw a matrix as boxes, some of them tinted: {(row, column): colour}."""
    axes.text(left, top + 0.15, title)
    for (i, j), value in np.ndenumerate(np.asarray(values)):
        tint = (tints or {}).get((i, j))
        face = COLORS[tint] + "66" if tint else "white"
        corner = (left + j, top - i - 1)
        style = {"facecolor": face, "edgecolor": COLORS["grey"]}
        axes.add_patch(plt.Rectangle(corner, 1, 1, **style))
        x, y = left + j + 0.5, top - i - 0.5
        axes.text(x, y, _written(value), ha="center", va="center")
