"""Two figures of notebook 13: the maps of networks, and what changes brought."""

import matplotlib.pyplot as plt

from alexnet_helpers.plotting.style import COLORS, show

_STEP = 38  # between the maps of two layers, in pixels of the maps


def show_layouts(networks):
    """Show the maps of some networks for CIFAR-10 as squares, all at one scale.

    Parameters
    ----------
    networks : dict
        {name: keras.Model}; their convolutions and pools, of equal number, are drawn.
    """
    figure, panels = plt.subplots(
        len(networks), 1, figsize=(8, 1.65 * len(networks)), layout="constrained"
    )
    said = []
    for axes, (name, network) in zip(panels, networks.items(), strict=True):
        kinds = ("conv", "pool")
        maps = [layer for layer in network.layers if layer.name.startswith(kinds)]
        labels = [_draw_map(axes, place, layer) for place, layer in enumerate(maps)]
        axes.set_xticks([_STEP * n for n in range(len(maps))], labels, fontsize=9)
        axes.set(ylabel=name, yticks=[], ylim=(0, 42), aspect="equal")
        axes.set_xlim(-20, _STEP * (len(maps) - 1) + 20)
        sides = ", ".join(str(layer.output.shape[1]) for layer in maps)
        stem = f"{maps[0].kernel_size[0]} by {maps[0].kernel_size[0]}"
        said.append(f"{name}, conv1 {stem} with stride {maps[0].strides[0]}: {sides}")
    alt = (
        "Squares, convolutions blue and pools orange, all at one scale: the map behind"
        " each layer for an image of 32 by 32; below each square the layer's window and"
        f" stride. The maps' sides: {'; '.join(said)}."
    )
    show(figure, alt)


def _draw_map(axes, place, layer):
    """Draw the map behind a layer, and return the label of the layer."""
    side, is_conv = layer.output.shape[1], layer.name.startswith("conv")
    color = COLORS["blue" if is_conv else "orange"]
    corner = (_STEP * place - side / 2, 0)
    axes.add_patch(plt.Rectangle(corner, side, side, color=color))
    axes.text(_STEP * place, side + 1, f"{side}×{side}", ha="center", fontsize=9)
    window = layer.kernel_size if is_conv else layer.pool_size
    return f"{layer.name}\n{window[0]}×{window[1]} by {layer.strides[0]}"


def show_changes(found, left_out):
    """Show what each of some changes brought, with its errors.

    Parameters
    ----------
    found : dict
        {change: (mean, seeds, both, others)} in points: the mean difference, how far
        its bars reach to either side of it, for the seeds alone and for the images as
        well, and the same difference in other runs, a sequence.
    left_out : tuple of str
        The changes that leave a layer out, drawn in grey.
    """
    figure, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
    axes.axvline(0, color="black", linewidth=1)
    ranked = sorted(found.items(), key=lambda item: -item[1][0])
    said = []
    diamond = {"markerfacecolor": "white", "markeredgecolor": "black"}
    for row, (change, (mean, seeds, both, others)) in enumerate(ranked):
        color = COLORS["grey" if change in left_out else "blue"]
        axes.errorbar(mean, row, xerr=both, fmt="o", color=color, capsize=4, lw=1)
        axes.errorbar(mean, row, xerr=seeds, color=color, linewidth=4)
        axes.plot(others, [row] * len(others), "D", markersize=6, **diamond)
        ends = f"{mean:+.1f} ({mean - both:+.1f} to {mean + both:+.1f})"
        axes.text(15.9, row, ends.replace("-", "−"), va="center", fontsize=9)
        again = " and ".join(f"{other:+.1f}" for other in others)
        said.append(f"{change} {ends}, elsewhere {again}")
    keys = (
        plt.Line2D([], [], color=COLORS["blue"], linewidth=4, label="seeds alone"),
        plt.Line2D([], [], color=COLORS["blue"], linewidth=1, label="images as well"),
        plt.Line2D([], [], marker="D", linestyle="", label="runs elsewhere", **diamond),
        plt.Line2D([], [], color=COLORS["grey"], linewidth=4, label="a layer less"),
    )
    axes.legend(handles=keys, loc="lower right", bbox_to_anchor=(0.69, 0), fontsize=9)
    axes.set_yticks(range(len(ranked)), [change for change, _ in ranked])
    axes.set(xlim=(-7, 26), xticks=range(-6, 15, 2), ylim=(len(ranked) - 0.5, -0.5))
    axes.set_xlabel("difference in points of validation accuracy")
    alt = (
        "What some changes brought in the small study: a dot for each mean, a thick bar"
        " for the error from the seeds, a thin one for the images as well,"
        " diamonds for the runs elsewhere. In points, with the ends of the thin bars:"
        f" {'; '.join(said)}."
    )
    show(figure, alt)
