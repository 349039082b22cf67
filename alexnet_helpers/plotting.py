"""Figures of the course: each function takes arrays, draws with Matplotlib and returns the figure."""

import io

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.cm import ScalarMappable
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch, Polygon
from matplotlib.transforms import Affine2D

from alexnet_helpers.geometry import ALEXNET, layer_table

# Okabe and Ito's palette: distinguishable with every common form of colour blindness.
COLORS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "black": "#000000",
    "grey": "#767676",
}
DPI = 100


def set_style():
    """Give Matplotlib the course's style: white background, readable at 800 pixels, safe colours."""
    plt.rcdefaults()
    plt.rcParams.update(
        {
            "figure.figsize": (8, 4),
            "figure.facecolor": "white",
            "axes.facecolor": "white",
            "savefig.facecolor": "white",
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": plt.cycler(color=list(COLORS.values())),
            "image.cmap": "gray",
            "image.interpolation": "nearest",
        }
    )


def show(figure, alt):
    """Show a figure with a text that says what it shows, and close it.

    The text is stored as the picture's alt text, for readers who hear the page, and as its plain
    text, for terminals. The picture has a white background whatever the theme.

    Raises
    ------
    ValueError : when `alt` is empty.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt={alt!r}: allowed is a text that says what the figure shows")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DPI, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    display({"image/png": picture.getvalue(), "text/plain": alt}, metadata={"image/png": {"alt": alt}}, raw=True)


def explore(draw, **sliders):
    """Show sliders above a figure that is drawn anew when one of them moves.

    Parameters
    ----------
    draw : function of the sliders' values, by name, that returns a Matplotlib figure.
    sliders : for each argument of `draw`, (lowest, highest, step, start) of a slider, or a list of
        choices.
    """
    import ipywidgets

    controls = {name: _control(name, values) for name, values in sliders.items()}
    # In its own size, as `show` has it: stretched to the width of the page it would be blurred.
    picture = ipywidgets.Image(format="png", layout={"align_self": "flex-start", "max_width": "100%"})

    def redraw(_=None):
        try:
            figure = draw(**{name: control.value for name, control in controls.items()})
        except ValueError as error:
            figure, axes = plt.subplots(figsize=(8, 1))
            axes.axis("off")
            axes.text(0, 0.5, str(error), wrap=True)
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=DPI, bbox_inches="tight", facecolor="white")
        plt.close(figure)
        picture.value = content.getvalue()

    for control in controls.values():
        control.observe(redraw, names="value")
    redraw()
    box = ipywidgets.VBox([*controls.values(), picture])
    display(
        {
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": box.model_id,
            },
            "text/plain": f"Sliders for {', '.join(sliders)}: run this cell to move them.",
        },
        raw=True,
    )


def _control(name, values):
    import ipywidgets

    label = name.replace("_", " ")
    if isinstance(values, list):
        return ipywidgets.Dropdown(options=values, description=label)
    low, high, step, start = values
    slider = ipywidgets.IntSlider if all(isinstance(v, int) for v in values) else ipywidgets.FloatSlider
    return slider(min=low, max=high, step=step, value=start, description=label, continuous_update=False)


# What each kind of block is called and its colour.
BLOCKS = {
    "image": ("grey", "image"),
    "conv": ("blue", "convolution + ReLU"),
    "pool": ("orange", "max-pooling"),
    "dense": ("green", "fully connected"),
}
SLANT = 0.36  # a map's width goes this far to the right and as far up: blocks are seen at an angle
WIDTH = 800  # of the figure, in points of its axes


def plot_architecture(layers=ALEXNET, input_size=227, channels=3, faces=None):
    """Draw a network to scale, one block for the output of each layer.

    A block's height and width are those of the maps, its length is the number of channels; all
    blocks share one scale, except the image, drawn smaller by conv1's stride. A bar's height is the
    number of units of a fully connected layer. Layers with two groups make two towers, each with
    half of the maps; red lines cross from one to the other (paper, figure 2).

    Parameters
    ----------
    layers : the layers, each a `geometry.Layer`; `alexnet_layers(towers=2)` gives the two towers.
    input_size, channels : side of the square input in pixels, and its number of channels.
    faces : what to draw on the blocks' right faces, or None: a dict from "image" or a layer's name
        to a photo (height, width, 3) with values 0-255, or to one feature map (height, width).

    Returns
    -------
    The figure, 8 inches wide.

    Raises
    ------
    ValueError : when the layers do not fit the input or each other (see `layer_table`), are none or
        have more than two groups, or a face belongs to no block or has another shape.
    """
    stages, towers = _stages(layers, input_size, channels)
    faces = _check_faces(faces or {}, stages)
    half = max(stage["side"] + stage["slant"] for stage in stages) / 2
    rows = (0,) if towers == 1 else (half + 8, -half - 8)
    ceiling, floor = rows[0] + half + 6, rows[-1] - half - 12

    figure = plt.figure(figsize=(8, (ceiling - floor + 50) / 100))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(floor - 50, ceiling), aspect="equal")
    axes.axis("off")
    for before, stage in zip([None, *stages[:-1]], stages, strict=True):
        for row in rows if stage["split"] else (np.mean(rows),):
            if before is not None:
                _connect(axes, before, stage, row, rows)
            _block(axes, stage, row, faces.get(stage["name"]))
        x = stage["x"] + (stage["depth"] + stage["slant"]) / 2
        style = {"ha": "center", "va": "top", "fontsize": 9}
        axes.text(x, floor, stage["name"], weight="bold", color=_shade(stage, -0.35), **style)
        axes.text(x, floor - 15, stage["label"], linespacing=1.15, **style)
    shown = [kind for kind in BLOCKS if kind != "image" and any(stage["kind"] == kind for stage in stages)]
    handles = [Patch(color=COLORS[BLOCKS[kind][0]], label=BLOCKS[kind][1]) for kind in shown]
    style = {"frameon": False, "fontsize": 9, "handlelength": 1, "columnspacing": 1.2, "borderpad": 0.1}
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.54, 1), ncols=len(shown), **style)
    return figure


def _stages(layers, input_size, channels):
    """Lay out the blocks from left to right: return one dict for each, and the number of towers."""
    layers = tuple(layers)
    table = layer_table(layers, input_size, channels)
    towers = max((layer.groups for layer in layers), default=0)
    if towers not in (1, 2):
        raise ValueError(f"layers: {len(layers)} with at most {towers} groups; allowed are layers with 1 or 2 groups")
    tallest = 170 if towers == 1 else 130
    scale = tallest / max((shape[0] for shape in table["output"] if len(shape) == 3), default=input_size)
    bars = tallest * (1 + SLANT) / max((shape[0] for shape in table["output"] if len(shape) == 1), default=1)
    shrink = 1 if layers[0].kind == "dense" else layers[0].stride

    note = f"\n(1/{shrink} scale)" if shrink > 1 else ""
    stages = [{"name": "image", "kind": "image", "split": False, "side": input_size * scale / shrink}]
    stages[0] |= {"channels": channels, "label": f"{input_size}×{input_size}\n×{channels}{note}"}
    for layer, shape in zip(layers, table["output"], strict=True):
        split = towers == 2 and layer is not layers[-1]  # the classes are one layer again
        units = shape[-1] // (2 if split else 1)
        stage = {"name": layer.name, "kind": layer.kind, "split": split}
        stage["sees_both"] = layer.kind == "dense" or (layer.kind == "conv" and layer.groups == 1)
        if layer.kind == "dense":
            stage |= {"side": units * bars, "channels": 0, "label": f"2×{units:,}" if split else f"{units:,}"}
        else:
            label = f"{shape[0]}×{shape[1]}\n{'2' if split else ''}×{units}"
            stage |= {"side": shape[0] * scale, "channels": units, "label": label}
            stage["window"] = layer.kernel * scale / (shrink if len(stages) == 1 else 1)
        stages.append(stage)
    _place(stages)
    return stages, towers


def _place(stages, label=36, gap=26):
    """Choose the scale of the channels so that blocks, labels and gaps fill the width; set every x."""
    for stage in stages:
        stage["slant"] = 3 if stage["kind"] == "dense" else SLANT * stage["side"]
    free = WIDTH - gap * len(stages) - sum(stage["slant"] for stage in stages)
    per_channel = min(0.2, max(free, 0) / sum(stage["channels"] for stage in stages))
    for stage in stages:
        stage["depth"] = 8 if stage["kind"] == "dense" else max(2, per_channel * stage["channels"])
    widths = [stage["depth"] + stage["slant"] for stage in stages]
    gap = (WIDTH - sum(max(width, label) for width in widths)) / len(stages)
    x = gap / 2
    for stage, width in zip(stages, widths, strict=True):
        stage["x"] = x + max(label - width, 0) / 2
        x += max(width, label) + gap


def _check_faces(faces, stages):
    """Return the faces as arrays."""
    names = [stage["name"] for stage in stages if stage["kind"] != "dense"]
    faces = {name: np.asarray(face) for name, face in faces.items()}
    for name, face in faces.items():
        if name not in names:
            raise ValueError(f"faces: {name!r} is no block, allowed are {', '.join(names)}")
        if face.ndim != 2 and face.shape[2:] != (3,):
            raise ValueError(f"faces: {name!r}: shape {face.shape}, allowed are (height, width) and (height, width, 3)")
    return faces


def _shade(stage, amount):
    """Return a stage's colour, mixed with white or, for a negative amount, with black."""
    return np.array(to_rgb(COLORS[BLOCKS[stage["kind"]][0]])) * (1 - abs(amount)) + max(amount, 0)


def _corner(stage, row):
    """Return the lower left corner of a block's front."""
    return np.array([stage["x"], row - (stage["side"] + stage["slant"]) / 2])


def _block(axes, stage, row, face):
    """Draw one block: front, top and right face."""
    corner, up, away = _corner(stage, row), np.array([0, stage["side"]]), np.full(2, stage["slant"])
    right = np.array([stage["depth"], 0])
    sides = ((corner, right, up, 0), (corner + up, right, away, 0.3), (corner + right, away, up, 0.55))
    for start, one, other, lighter in sides:
        points = [start, start + one, start + one + other, start + other]
        axes.add_patch(Polygon(points, facecolor=_shade(stage, lighter), edgecolor="black", linewidth=0.6))
    if face is not None:
        # The unit square goes to the right face: its corner, its lower and its left edge.
        place = Affine2D(np.array([[*away, 0], [*up, 0], [*(corner + right), 1]]).T)
        picture = axes.imshow(face, extent=(0, 1, 0, 1), interpolation="bilinear", zorder=1)
        picture.set_transform(place + axes.transData)


def _connect(axes, before, stage, row, rows):
    """Draw what one value of a block sees of the block before, in every tower that it sees."""
    for source in rows if before["split"] else (np.mean(rows),):
        crosses = before["split"] and source != row
        if crosses and not stage["sees_both"]:
            continue
        style = {"color": COLORS["vermillion" if crosses else "grey"], "linewidth": 0.7}
        start, end = np.add(_corner(before, source), (before["depth"], 0)), _corner(stage, row)
        far = np.add(start, (before["slant"], before["slant"] + before["side"]))
        if stage["kind"] == "dense":
            axes.plot(*np.transpose([far, np.add(end, (0, stage["side"]))]), **style)
            axes.plot(*np.transpose([start, end]), **style)
            continue
        away, up = np.full(2, SLANT * stage["window"] / 2), np.array([0, stage["window"] / 2])
        window = [(start + far) / 2 + one * away + other * up for one, other in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        for point in window:
            axes.plot(*np.transpose([point, np.add(end, (0, stage["side"] / 2))]), **style)
        axes.add_patch(Polygon(window, facecolor="white", alpha=0.6, edgecolor="black", linewidth=0.8))


def plot_feature_maps(maps, channels=16, columns=8, titles=None, title=None):
    """Draw the feature maps of one image, each in grey with a contrast of its own.

    In each map black is the smallest value and white the largest hundredth of the values; a map
    whose values are all equal is drawn in middle grey. So brightness compares places within a map,
    and not one map with another.

    Parameters
    ----------
    maps : height x width x channels, or N x height x width x channels, of which the first is drawn.
    channels : the channels to draw, as a sequence of their numbers; or how many, spread evenly over
        all (all, when there are fewer).
    columns : maps in a row, 1 to 16.
    titles : a text above each map; None for the channels' numbers.
    title : a text above the figure, or None.

    Returns
    -------
    The figure, 8 inches wide.

    Raises
    ------
    ValueError : when `maps` has another number of axes, is empty or holds values that are not
        finite, a channel does not exist, columns is out of range or titles are too few or too many.
    """
    maps = np.asarray(maps)
    if maps.ndim not in (3, 4) or maps.size == 0:
        raise ValueError(f"maps: shape {maps.shape}, allowed are (height, width, channels), and N in front of it")
    maps = maps[0] if maps.ndim == 4 else maps
    if not np.isfinite(maps).all():
        raise ValueError("maps: a value is not finite (inf or NaN), allowed are finite numbers")
    chosen = _chosen("channels", channels, maps.shape[2])
    return _grid([_contrast(maps[:, :, i]) for i in chosen], columns, titles or [str(i) for i in chosen], title)


def plot_filters(weights, filters=None, columns=16, titles=None, title=None, channel=0):
    """Draw the filters of a convolution, in colour when they see red, green and blue.

    Middle grey is the weight 0; each filter has a contrast of its own, and its weight of largest
    magnitude is drawn as far from grey as can be, brighter when positive and darker when negative.

    Parameters
    ----------
    weights : kernel height x kernel width x channels x filters, as in Keras.
    filters : the filters to draw, as a sequence of their numbers; or how many, spread evenly over
        all; None for all.
    columns : filters in a row, 1 to 16.
    titles : a text above each filter; None for none.
    title : a text above the figure, or None.
    channel : which input channel to draw, in grey, when there are not three of them.

    Returns
    -------
    The figure, 8 inches wide.

    Raises
    ------
    ValueError : when `weights` has not four axes, is empty or holds values that are not finite, a
        filter or the channel does not exist, columns is out of range or titles are too few or many.
    """
    weights = np.asarray(weights)
    if weights.ndim != 4 or weights.size == 0:
        raise ValueError(f"weights: shape {weights.shape}, allowed is (height, width, channels, filters)")
    if not np.isfinite(weights).all():
        raise ValueError("weights: a value is not finite (inf or NaN), allowed are finite numbers")
    chosen = _chosen("filters", weights.shape[3] if filters is None else filters, weights.shape[3])
    if weights.shape[2] != 3:
        weights = weights[:, :, _chosen("channel", [channel], weights.shape[2])[0]]
    largest = np.abs(weights).max(axis=tuple(range(weights.ndim - 1)), initial=np.finfo(np.float32).tiny)
    pictures = 0.5 + weights / largest / 2
    return _grid([pictures[..., i] for i in chosen], columns, titles or [""] * len(chosen), title)


def plot_images(images, titles=None, columns=10, title=None):
    """Draw colour images in rows.

    Parameters
    ----------
    images : N x height x width x 3, either uint8 with values 0-255 or floating-point with values 0-1.
    titles : a text above each image; None for none.
    columns : images in a row, 1 to 16.
    title : a text above the figure, or None.

    Returns
    -------
    The figure, 8 inches wide.

    Raises
    ------
    ValueError : when `images` has another shape or is empty, a value is out of range, columns is out
        of range or titles are too few or too many.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] != 3 or images.size == 0:
        raise ValueError(f"images: shape {images.shape}, allowed is (N, height, width, 3)")
    pictures = images / 255 if images.dtype == np.uint8 else images.astype(float)
    if not (pictures.min() >= 0 and pictures.max() <= 1):  # `not >=` holds for NaN as well
        raise ValueError(
            f"images: values from {pictures.min():g} to {pictures.max():g}, allowed are 0 to 255 as uint8, else 0 to 1"
        )
    return _grid(list(pictures), columns, titles or [""] * len(pictures), title)


def _chosen(name, choice, available):
    """Return the numbers of what is to be drawn."""
    if isinstance(choice, (int, np.integer)) and not isinstance(choice, bool) and choice > 0:
        return np.linspace(0, available - 1, min(choice, available)).round().astype(int).tolist()
    numbers = [] if isinstance(choice, (int, np.integer, str, type(None))) else list(choice)
    whole = all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in numbers)
    if not numbers or not whole or not all(0 <= i < available for i in numbers):
        raise ValueError(f"{name}={choice!r}: allowed are numbers from 0 to {available - 1}")
    return [int(i) for i in numbers]


def _contrast(values):
    """Spread values from 0 to 1, the largest hundredth at 1; return 0.5 everywhere when they do not differ."""
    low, high, highest = values.min(), np.percentile(values, 99), values.max()
    if highest == low:
        return np.full(values.shape, 0.5)
    return np.clip((values - low) / ((high if high > low else highest) - low), 0, 1)


def _grid(pictures, columns, titles, title):
    """Draw pictures with values from 0 to 1 in rows, each on its own axes."""
    if not isinstance(columns, (int, np.integer)) or not 1 <= columns <= 16:
        raise ValueError(f"columns={columns!r}: allowed is an integer from 1 to 16")
    if len(titles) != len(pictures):
        raise ValueError(f"titles: {len(titles)} of them, allowed is one for each of the {len(pictures)} pictures")
    columns = min(columns, len(pictures))
    rows, side = -(-len(pictures) // columns), min(8 / columns, 2.2)
    caption = 0.2 * any(titles)
    cell = side * pictures[0].shape[0] / pictures[0].shape[1] + caption
    height = rows * cell + 0.35 * bool(title)
    figure, grid = plt.subplots(rows, columns, figsize=(8, height), squeeze=False)
    margin = (8 - columns * side) / 16
    figure.subplots_adjust(margin, 0, 1 - margin, rows * cell / height, wspace=0.06, hspace=0.06 + caption / cell)
    for axes in grid.flat[len(pictures) :]:
        axes.remove()
    for axes, picture, text in zip(grid.flat, pictures, titles, strict=False):
        axes.imshow(picture, vmin=0, vmax=1, cmap="gray")
        axes.set_title(text, fontsize=9, pad=2)
        axes.axis("off")
    if title:
        figure.suptitle(title, y=1, va="top", fontsize=12)
    return figure


def plot_training(curves, metrics=("loss", "accuracy"), x="epoch"):
    """Draw the curves of one or several training runs, one panel for each metric.

    One recipe has a colour for its training and one for its validation curve; several recipes have
    a colour each, with a solid training and a dashed validation curve. Each seed is a line.

    Parameters
    ----------
    curves : DataFrame as `training.train` and `training.study` return it, with the columns "recipe",
        "seed", `x` and the metrics; columns "val_" + metric are drawn where they are there.
    metrics : names of columns, one panel for each.
    x : the column that is the horizontal axis.

    Returns
    -------
    The figure, 8 inches wide.

    Raises
    ------
    ValueError : when there are no rows, or a column is missing.
    """
    missing = [name for name in ("recipe", "seed", x, *metrics) if name not in curves]
    if missing or not len(curves):
        raise ValueError(f"curves: {len(curves)} rows without {missing}; allowed are 1 or more, with these columns")
    recipes, palette = list(curves["recipe"].unique()), list(COLORS.values())
    figure, grid = plt.subplots(1, len(metrics), figsize=(8, 3.4), squeeze=False, layout="constrained")
    for axes, metric in zip(grid[0], metrics, strict=True):
        labels = set()
        for (recipe, _), run in curves.groupby(["recipe", "seed"], sort=False):
            for number, (column, part) in enumerate({metric: "training", f"val_{metric}": "validation"}.items()):
                if column not in run or run[column].count() < min(2, len(run)):
                    continue
                color = palette[number if len(recipes) == 1 else recipes.index(recipe) % len(palette)]
                label = part if len(recipes) == 1 else recipe
                marker = "o" if len(run) == 1 else None
                style = {"color": color, "linestyle": "--" if number else "-", "linewidth": 1.5, "marker": marker}
                axes.plot(run[x], run[column], label=None if label in labels else label, **style)
                labels.add(label)
        axes.set(xlabel=x, ylabel=metric)
        axes.grid(alpha=0.3)
    grid[0][0].legend(fontsize=9)
    return figure


def plot_confusion_matrix(table):
    """Draw how many images of each class (rows) were taken for which (columns).

    Parameters
    ----------
    table : square DataFrame of counts with the classes as index and columns, or a square array.

    Returns
    -------
    The figure, 7 inches wide.

    Raises
    ------
    ValueError : when the table is not square, or a count is negative or no whole number.
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    counts = np.asarray(table)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not len(counts):
        raise ValueError(f"table: shape {counts.shape}, allowed is (classes, classes)")
    if counts.dtype.kind not in "iu" or counts.min() < 0:
        raise ValueError(f"table: {counts.dtype} from {counts.min()}; allowed are integers, 0 or more")
    figure, axes = plt.subplots(figsize=(7, 6), layout="constrained")
    names = getattr(table, "index", None)
    picture = ConfusionMatrixDisplay(counts, display_labels=names)
    picture.plot(ax=axes, cmap="Blues", colorbar=False, xticks_rotation=45, text_kw={"fontsize": 9})
    axes.set(xlabel="taken for", ylabel="true class")
    return figure


def plot_attribution(photo, maps, titles=None, label="share"):
    """Draw a photo, and beside it what its places did for an answer: one panel for each map.

    A map is stretched over the photo. Orange places spoke for the answer (values above 0), purple ones
    against it; the further from 0, the less the photo shines through. All maps share one scale.

    Parameters
    ----------
    photo : height x width x 3, uint8 with values 0-255.
    maps : sequence of 1 to 4 arrays (rows, columns); rows and columns need not be those of the photo.
    titles : a text above each map, or None.
    label : what the values are, for the scale beside the last panel.

    Returns
    -------
    The figure, 8 inches wide.

    Raises
    ------
    ValueError : when the photo or a map has another shape, a value is not finite, or the maps or
        titles are too few or too many.
    """
    photo, maps = np.asarray(photo), [np.asarray(values, float) for values in maps]
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8:
        raise ValueError(f"photo: {photo.dtype} of shape {photo.shape}, allowed is uint8 (height, width, 3)")
    titles = [""] * len(maps) if titles is None else titles
    if not 1 <= len(maps) <= 4 or len(titles) != len(maps):
        raise ValueError(f"maps: {len(maps)} of them with {len(titles)} titles; allowed are 1 to 4, a title for each")
    for values in maps:
        if values.ndim != 2 or not values.size or not np.isfinite(values).all():
            raise ValueError(f"maps: one of shape {values.shape}; allowed is (rows, columns) of finite numbers")
    largest = max(np.abs(values).max() for values in maps) or 1.0
    figure, panels = plt.subplots(1, len(maps) + 1, figsize=(8, 8 / (len(maps) + 1)), layout="constrained")
    area = (0, photo.shape[1], photo.shape[0], 0)
    for axes, title in zip(panels, ["photo", *titles], strict=True):
        axes.imshow(photo, extent=area)
        axes.set_title(title, fontsize=10)
        axes.axis("off")
    for axes, values in zip(panels[1:], maps, strict=True):
        style = {"cmap": "PuOr_r", "vmin": -largest, "vmax": largest, "interpolation": "nearest"}
        drawn = axes.imshow(values, extent=area, alpha=0.85 * np.sqrt(np.abs(values) / largest), **style)
    scale = figure.colorbar(ScalarMappable(drawn.norm, drawn.cmap), ax=panels[-1], shrink=0.8)
    scale.set_label(label, fontsize=9)
    return figure


def plot_spread(table, value, name="recipe", reference=None, label=None):
    """Draw the results of several runs of each recipe: a dot for a run, a bar from the least to the largest.

    Parameters
    ----------
    table : DataFrame with one row for each run.
    value, name : columns with the result and with the name of what was run; each name has a line, the
        first one on top.
    reference : one of the names, whose range is drawn as a band through all lines; None for none.
    label : what stands below the axis; None for `value`.

    Returns
    -------
    The figure, 8 inches wide.

    Raises
    ------
    ValueError : when there are no rows, a column is missing, a value is not finite, or the reference is
        none of the names.
    """
    missing = [column for column in (value, name) if column not in table]
    if missing or not len(table) or not np.isfinite(table[value]).all():
        wanted = f"allowed are 1 or more, with these columns, {value!r} in finite numbers"
        raise ValueError(f"table: {len(table)} rows without {missing}; {wanted}")
    names = list(table[name].unique())
    if reference is not None and reference not in names:
        raise ValueError(f"reference={reference!r}: allowed are {', '.join(map(str, names))}")
    figure, axes = plt.subplots(figsize=(8, 0.8 + 0.32 * len(names)), layout="constrained")
    for line, one in enumerate(names):
        values = table.loc[table[name] == one, value]
        color = COLORS["vermillion" if one == reference else "blue"]
        axes.plot([values.min(), values.max()], [line, line], color=color, linewidth=4, alpha=0.3)
        axes.plot(values, [line] * len(values), "o", color=color, markersize=5)
        if one == reference:
            axes.axvspan(values.min(), values.max(), color=color, alpha=0.12, linewidth=0)
    axes.set(yticks=range(len(names)), yticklabels=names, xlabel=label or value, ylim=(len(names) - 0.5, -0.5))
    axes.grid(axis="x", alpha=0.3)
    return figure
