"""The figures of notebook 14: dots, probes, distances, classes of units, and maps."""

import matplotlib.pyplot as plt
import numpy as np

from alexnet_helpers.plotting.style import COLORS, show

_SHADES = {
    "airplane": "sky",
    "automobile": "black",
    "bird": "blue",
    "cat": "vermillion",
    "deer": "grey",
    "dog": "orange",
    "frog": "green",
    "horse": "purple",
    "ship": "vermillion",
    "truck": "purple",
}
_VEHICLES = ("airplane", "automobile", "ship", "truck")
_LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7")
_NETWORKS = {"trained": ("blue", "o"), "untrained": ("vermillion", "s")}
_CHANGES = {
    "moved by a pixel": ("moved", "-"),
    "noise of the same length": ("noise", ":"),
    "another photo of its class": ("same class", "--"),
}


def show_dots(dots, alt):
    """Show each image as a dot, with one panel for each space.

    Parameters
    ----------
    dots : pandas.DataFrame
        Columns `space`, `class`, `x`, `y` and `share` of the variation in x and y.
    alt : str
        What the figure shows, for readers who do not see it.
    """
    spaces = list(dots.groupby("space", sort=False))
    figure, panels = plt.subplots(1, len(spaces), figsize=(8, 3.4), squeeze=False)
    figure.set_layout_engine("constrained")
    for axes, (space, points) in zip(panels[0], spaces, strict=True):
        for name, shade in _SHADES.items():
            x, y = points.loc[points["class"] == name, ["x", "y"]].T.to_numpy()
            color, is_open = COLORS[shade], name in _VEHICLES
            marker, size = ("^", 20) if is_open else ("o", 12)
            face = "none" if is_open else color
            style = {"facecolors": face, "edgecolors": color, "marker": marker}
            axes.scatter(x, y, s=size, label=name, **style)
        share = points["share"].iloc[0]
        axes.set(title=space, xlabel=f"{share:.0%} of the variation (both axes)")
        axes.set(xticks=[], yticks=[])
    handles = axes.get_legend_handles_labels()
    place = {"loc": "outside lower center", "ncols": 5, "fontsize": 9}
    figure.legend(*handles, markerscale=1.5, **place)
    show(figure, alt)


def show_probes(stored):
    """Show how often the probe of each layer is right, trained and untrained.

    Parameters
    ----------
    stored : pandas.DataFrame
        The measurements of `tools/look_inside.py`; those of "probe" are drawn.
    """
    probes = stored[stored["measure"] == "probe"]
    figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
    said = []
    for name, (color, marker) in _NETWORKS.items():
        lines = 100 * _by_layer(probes[probes["network"] == name])
        labels = [name] + [None] * (lines.shape[1] - 1)
        style = {"marker": marker, "markersize": 4, "color": COLORS[color]}
        axes.plot(_LAYERS, lines, label=labels, **style)
        offset = 7 if name == "trained" else -14
        means = [f"{mean:.0f}" for mean in lines.mean(axis=1)]
        for place, text in enumerate(means):
            at = (place, lines.iloc[place].mean())
            away = {"xytext": (0, offset), "textcoords": "offset points"}
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            axes.annotate(text, at, ha="center", fontsize=9, bbox=box, **away)
        said.append(f"{name}, conv1 to fc7: {', '.join(means)}")
    pixels = 100 * probes.loc[probes["network"] == "pixels", "value"].mean()
    style = {"color": COLORS["grey"], "linestyle": "--"}
    axes.axhline(pixels, label=f"pixels ({pixels:.0f})", **style)
    axes.set(ylabel="accuracy of the probe (%)", ylim=(0, 100))
    axes.legend(loc="upper left")
    said.append(f"pixels: {pixels:.0f}")
    show(figure, f"Accuracy of the probe in %. {'; '.join(said)}.")


def _by_layer(rows):
    """Return the values with a row for each layer and a column for each seed."""
    return rows.pivot(index="of", columns="seed", values="value").loc[list(_LAYERS)]


def show_distances(stored):
    """Show how far a change of the photo moves each layer, trained and untrained.

    Parameters
    ----------
    stored : pandas.DataFrame
        The measurements of `tools/look_inside.py`.
    """
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    said = []
    for network, (color, marker) in _NETWORKS.items():
        for change, (short, dashes) in _CHANGES.items():
            if network == "untrained" and short == "same class":
                continue
            chosen = stored[stored["measure"] == change]
            lines = _by_layer(chosen[chosen["network"] == network])
            name = f"{network}, {short}"
            labels = [name] + [None] * (lines.shape[1] - 1)
            style = {"marker": marker, "linestyle": dashes, "markersize": 4}
            axes.plot(_LAYERS, lines, label=labels, color=COLORS[color], **style)
            values = ", ".join(f"{value:.2f}" for value in lines.mean(axis=1))
            said.append(f"{name}: {values}")
    axes.set(ylim=(0, 1.05), ylabel="distance (1 = another photo)")
    handles = axes.get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3, fontsize=9)
    show(figure, f"Distances from conv1 to fc7. {'; '.join(said)}.")


def show_classes(counts):
    """Show how many of the images that excite a unit most are of each class, as bars.

    Parameters
    ----------
    counts : dict
        {unit: {class: number of images}}, a panel for each unit.
    """
    size = {"figsize": (8, 2.4), "layout": "constrained", "sharey": True}
    figure, panels = plt.subplots(1, len(counts), squeeze=False, **size)
    said = []
    for axes, (unit, numbers) in zip(panels[0], counts.items(), strict=True):
        bars = axes.bar(list(numbers), list(numbers.values()), color=COLORS["blue"])
        axes.bar_label(bars, [n or "" for n in numbers.values()], fontsize=9)
        axes.tick_params(axis="x", labelrotation=60, labelsize=9)
        axes.set_title(unit)
        some = [f"{n} {name}" for name, n in numbers.items() if n]
        said.append(f"{unit}: {', '.join(some)}")
    highest = max(max(numbers.values()) for numbers in counts.values())
    panels[0, 0].set(ylabel="images", ylim=(0, 1.15 * highest))
    show(figure, f"Bars for the classes of the best images. {'; '.join(said)}.")


def show_maps(rows, alt):
    """Show photos, each with its maps: orange raises the score, purple lowers it.

    Parameters
    ----------
    rows : dict
        {name: (photo, {title: map})}. In each map the strongest 1 % of the pixels get
        the full colour.
    alt : str
        What the figure shows, for readers who do not see it.
    """
    columns = 1 + max(len(maps) for _, maps in rows.values())
    blank = {"xticks": [], "yticks": []}
    size = {"figsize": (8, 0.3 + 8 / columns * len(rows)), "squeeze": False}
    size |= {"layout": "constrained", "subplot_kw": blank}
    figure, panels = plt.subplots(len(rows), columns, **size)
    for row, (name, (photo, maps)) in zip(panels, rows.items(), strict=True):
        row[0].imshow(photo)
        row[0].set_ylabel(name)
        for axes, (title, values) in zip(row[1:], maps.items(), strict=True):
            full = np.quantile(np.abs(values), 0.99) or 1
            axes.imshow(values / full, cmap="PuOr_r", vmin=-1, vmax=1)
            axes.set_title(title, fontsize=10)
    show(figure, alt)
