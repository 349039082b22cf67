"""Figures of the course: each function takes arrays, draws with Matplotlib and returns the figure."""

import contextlib
import inspect
import io
import itertools
import numbers
from collections.abc import Iterable, Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.cm import ScalarMappable
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon
from matplotlib.transforms import Affine2D

from alexnet_helpers import checks
from alexnet_helpers.geometry import ALEXNET, check_layers, layer_table

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
MOST_PICTURES = 400  # in a figure: they take 10 s
MOST_LAYERS = 40  # in a diagram; of more than about 25 the labels overlap
MOST_PIXELS = 10**6  # along a side of an image in a diagram, and channels, and units
MOST_CLASSES = 50  # 2,500 numbers to write
MOST_PANELS = 6
MOST_LINES = 100  # a figure of more names is too tall for Matplotlib


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
    ValueError : if `figure` is not a figure, or `alt` not a text that says something; a figure is
        closed in any case.
    """
    if not isinstance(figure, Figure):
        checks.refuse("figure", "a Matplotlib figure", figure)
    try:
        checks.text("alt", alt, "a text that says what the figure shows")
        picture = _png(figure)
    finally:
        plt.close(figure)
    display(
        {"image/png": picture, "text/plain": alt},
        metadata={"image/png": {"alt": alt}},
        raw=True,
    )


def _png(figure):
    """Return a figure as the bytes of a PNG file."""
    picture = io.BytesIO()
    figure.savefig(
        picture, format="png", dpi=DPI, bbox_inches="tight", facecolor="white"
    )
    return picture.getvalue()


def explore(draw, **sliders):
    """Show sliders above a figure that is drawn again when one of them moves.

    Parameters
    ----------
    draw : function of the sliders' values, by name, that returns a Matplotlib figure. The text of a
        ValueError that it raises is shown in place of the figure.
    sliders : for each argument of `draw`, (lowest, highest, step, start) of a slider, or a list of
        choices.

    Raises
    ------
    ValueError : if `draw` is not a function of these arguments or does not return a figure, or a
        slider is neither a list of choices nor four numbers that fit each other.
    """
    import ipywidgets

    if not sliders:
        checks.refuse("sliders", "one or more, such as size=(1, 9, 1, 3)", sliders)
    if not _takes(draw, sliders):
        checks.refuse("draw", f"a function of {', '.join(sliders)}", draw)
    settings = {name: _check_slider(name, values) for name, values in sliders.items()}
    controls = {name: _control(name, values) for name, values in settings.items()}
    # In its own size, as `show` has it: stretched to the width of the page it would be blurred.
    picture = ipywidgets.Image(
        format="png", layout={"align_self": "flex-start", "max_width": "100%"}
    )

    def redraw(_=None):
        with _closing_figures():
            try:
                figure = draw(
                    **{name: control.value for name, control in controls.items()}
                )
            except ValueError as error:
                figure, axes = plt.subplots(figsize=(8, 1))
                axes.axis("off")
                axes.text(0, 0.5, str(error), wrap=True, parse_math=False)
            if not isinstance(figure, Figure):
                checks.refuse("what draw returns", "a Matplotlib figure", figure)
            picture.value = _png(figure)
            plt.close(figure)  # also one that was there before

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
            "text/plain": (
                f"Sliders for {', '.join(sliders)}: run this cell to move them."
            ),
        },
        raw=True,
    )


@contextlib.contextmanager
def _closing_figures():
    """Close the figures that are made inside, also one that an error kept from being handed over."""
    before = set(plt.get_fignums())
    try:
        yield
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


def _takes(function, names):
    """Say whether a function takes arguments of these names."""
    checks.function("draw", function)
    try:
        inspect.signature(function).bind(**dict.fromkeys(names))
    except TypeError:
        return False
    except (
        ValueError
    ):  # of some functions, and classes, Python does not know the arguments
        return not isinstance(function, type)
    return True


def _check_slider(name, values):
    """Return a slider's (lowest, highest, step, start) or its list of choices."""
    if isinstance(values, list) and values and all(map(_is_choice, values)):
        return values
    if not isinstance(values, tuple) or len(values) != 4:
        needed = (
            "(lowest, highest, step, start) or a list of texts or numbers to choose"
            " from"
        )
        checks.refuse(name, needed, values)
    whole = all(isinstance(value, (int, np.integer)) for value in values)
    limits = {"lowest": -(10**9), "highest": 10**9}
    low, high, step, start = (
        (checks.integer if whole else checks.number)(
            f"the {part} of {name}", value, **limits
        )
        for part, value in zip(
            ("lowest value", "highest value", "step", "start"), values
        )
    )
    if not (low <= start <= high and 0 < step <= high - low):
        needed = (
            "(lowest, highest, step, start) with the start between the two and a step"
            " that fits"
        )
        checks.refuse(name, needed, values)
    return low, high, step, start


def _is_choice(value):
    """Say whether a value is a text, a number other than NaN, or a pair of a text and its value."""
    named = isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)
    return (
        named
        or isinstance(value, str)
        or (isinstance(value, numbers.Real) and value == value)
    )


def _control(name, values):
    import ipywidgets

    label = name.replace("_", " ")
    if isinstance(values, list):
        return ipywidgets.Dropdown(options=values, description=label)
    low, high, step, start = values
    slider = ipywidgets.IntSlider if isinstance(start, int) else ipywidgets.FloatSlider
    return slider(
        min=low,
        max=high,
        step=step,
        value=start,
        description=label,
        continuous_update=False,
    )


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
    ValueError : if the layers do not fit the input or each other (see `layer_table`), are none or
        more than 40, or have more than two groups, or a face belongs to no block or has another
        shape.
    """
    stages, towers = _stages(layers, input_size, channels)
    faces = _check_faces({} if faces is None else faces, stages)
    half = max(stage["side"] + stage["slant"] for stage in stages) / 2
    rows = (0,) if towers == 1 else (half + 8, -half - 8)
    ceiling, floor = rows[0] + half + 6, rows[-1] - half - 12

    figure = plt.figure(figsize=(8, (ceiling - floor + 50) / 100))
    axes = figure.add_axes(
        (0, 0, 1, 1), xlim=(0, WIDTH), ylim=(floor - 50, ceiling), aspect="equal"
    )
    axes.axis("off")
    for before, stage in zip([None, *stages[:-1]], stages, strict=True):
        for row in rows if stage["split"] else (np.mean(rows),):
            if before is not None:
                _connect(axes, before, stage, row, rows)
            _block(axes, stage, row, faces.get(stage["name"]))
        x = stage["x"] + (stage["depth"] + stage["slant"]) / 2
        style = {"ha": "center", "va": "top", "fontsize": 9}
        axes.text(
            x, floor, stage["name"], weight="bold", color=_shade(stage, -0.35), **style
        )
        axes.text(x, floor - 15, stage["label"], linespacing=1.15, **style)
    shown = [
        kind
        for kind in BLOCKS
        if kind != "image" and any(stage["kind"] == kind for stage in stages)
    ]
    handles = [
        Patch(color=COLORS[BLOCKS[kind][0]], label=BLOCKS[kind][1]) for kind in shown
    ]
    style = {
        "frameon": False,
        "fontsize": 9,
        "handlelength": 1,
        "columnspacing": 1.2,
        "borderpad": 0.1,
    }
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.54, 1),
        ncols=len(shown),
        **style,
    )
    return figure


def _stages(layers, input_size, channels):
    """Lay out the blocks from left to right: return one dict for each, and the number of towers."""
    layers = check_layers(layers)
    if not 1 <= len(layers) <= MOST_LAYERS:
        raise ValueError(f"layers must be 1 to {MOST_LAYERS} layers, got {len(layers)}")
    if "image" in (layer.name for layer in layers):
        raise ValueError("layers must have other names than 'image', got 'image'")
    for layer in layers:
        for field, number in layer._asdict().items():
            if isinstance(number, int):
                checks.integer(f"{field} of {layer.name}", number, 0, MOST_PIXELS)
    input_size = checks.integer("input_size", input_size, highest=MOST_PIXELS)
    channels = checks.integer("channels", channels, highest=MOST_PIXELS)
    table = layer_table(layers, input_size, channels)
    towers = max(layer.groups for layer in layers)
    if towers > 2:
        raise ValueError(f"layers must have 1 or 2 groups, got {towers}")
    tallest = 170 if towers == 1 else 130
    scale = tallest / max(
        (shape[0] for shape in table["output"] if len(shape) == 3), default=input_size
    )
    bars = (
        tallest
        * (1 + SLANT)
        / max((shape[0] for shape in table["output"] if len(shape) == 1), default=1)
    )
    shrink = 1 if layers[0].kind == "dense" else layers[0].stride

    note = f"\n(1/{shrink} scale)" if shrink > 1 else ""
    stages = [
        {
            "name": "image",
            "kind": "image",
            "split": False,
            "side": input_size * scale / shrink,
        }
    ]
    stages[0] |= {
        "channels": channels,
        "label": f"{input_size}×{input_size}\n×{channels}{note}",
    }
    for layer, shape in zip(layers, table["output"], strict=True):
        split = (
            towers == 2 and layer is not layers[-1]
        )  # the classes are one layer again
        units = shape[-1] // (2 if split else 1)
        stage = {"name": layer.name, "kind": layer.kind, "split": split}
        stage["sees_both"] = layer.kind == "dense" or (
            layer.kind == "conv" and layer.groups == 1
        )
        if layer.kind == "dense":
            stage |= {
                "side": units * bars,
                "channels": 0,
                "label": f"2×{units:,}" if split else f"{units:,}",
            }
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
        stage["depth"] = (
            8 if stage["kind"] == "dense" else max(2, per_channel * stage["channels"])
        )
    widths = [stage["depth"] + stage["slant"] for stage in stages]
    gap = (WIDTH - sum(max(width, label) for width in widths)) / len(stages)
    x = gap / 2
    for stage, width in zip(stages, widths, strict=True):
        stage["x"] = x + max(label - width, 0) / 2
        x += max(width, label) + gap


def _check_faces(faces, stages):
    """Return the faces as arrays with values for `imshow`."""
    if not isinstance(faces, Mapping):
        checks.refuse(
            "faces", "a dict from the name of a block to a photo or a map", faces
        )
    names = [stage["name"] for stage in stages if stage["kind"] != "dense"]
    return {
        checks.choice("the name of a face", name, names): _face(name, faces[name])
        for name in faces
    }


def _face(name, face):
    """Return a photo with values from 0 to 1, or a map."""
    name = f"faces[{name!r}]"
    values = checks.array(name, face)
    if values.ndim == 2:
        return _check_finite(name, values)
    if values.shape[2:] != (3,):
        checks.refuse(name, "a photo (height, width, 3) or a map (height, width)", face)
    return _check_colours(name, values, np.asarray(face).dtype.kind in "iu")


def _shade(stage, amount):
    """Return a stage's colour, mixed with white or, for a negative amount, with black."""
    return np.array(to_rgb(COLORS[BLOCKS[stage["kind"]][0]])) * (1 - abs(amount)) + max(
        amount, 0
    )


def _corner(stage, row):
    """Return the lower left corner of a block's front."""
    return np.array([stage["x"], row - (stage["side"] + stage["slant"]) / 2])


def _block(axes, stage, row, face):
    """Draw one block: front, top and right face."""
    corner, up, away = (
        _corner(stage, row),
        np.array([0, stage["side"]]),
        np.full(2, stage["slant"]),
    )
    right = np.array([stage["depth"], 0])
    sides = (
        (corner, right, up, 0),
        (corner + up, right, away, 0.3),
        (corner + right, away, up, 0.55),
    )
    for start, one, other, lighter in sides:
        points = [start, start + one, start + one + other, start + other]
        axes.add_patch(
            Polygon(
                points,
                facecolor=_shade(stage, lighter),
                edgecolor="black",
                linewidth=0.6,
            )
        )
    if face is not None:
        # The unit square goes to the right face: its corner, its lower and its left edge.
        place = Affine2D(np.array([[*away, 0], [*up, 0], [*(corner + right), 1]]).T)
        picture = axes.imshow(
            face, extent=(0, 1, 0, 1), interpolation="bilinear", zorder=1
        )
        picture.set_transform(place + axes.transData)


def _connect(axes, before, stage, row, rows):
    """Draw what one value of a block sees of the block before, in every tower that it sees."""
    for source in rows if before["split"] else (np.mean(rows),):
        crosses = before["split"] and source != row
        if crosses and not stage["sees_both"]:
            continue
        style = {"color": COLORS["vermillion" if crosses else "grey"], "linewidth": 0.7}
        start, end = (
            np.add(_corner(before, source), (before["depth"], 0)),
            _corner(stage, row),
        )
        far = np.add(start, (before["slant"], before["slant"] + before["side"]))
        if stage["kind"] == "dense":
            axes.plot(*np.transpose([far, np.add(end, (0, stage["side"]))]), **style)
            axes.plot(*np.transpose([start, end]), **style)
            continue
        away, up = (
            np.full(2, SLANT * stage["window"] / 2),
            np.array([0, stage["window"] / 2]),
        )
        window = [
            (start + far) / 2 + one * away + other * up
            for one, other in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
        for point in window:
            axes.plot(
                *np.transpose([point, np.add(end, (0, stage["side"] / 2))]), **style
            )
        axes.add_patch(
            Polygon(
                window, facecolor="white", alpha=0.6, edgecolor="black", linewidth=0.8
            )
        )


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
    ValueError : if `maps` has another number of axes, is empty or holds values that are not
        finite, a channel does not exist, columns is out of range or titles are too few or too many.
    """
    given, maps = maps, checks.array("maps", maps)
    if maps.ndim not in (3, 4):
        checks.refuse("maps", "an array height x width x channels, or N of them", given)
    maps = _check_finite("maps", maps[0] if maps.ndim == 4 else maps)
    chosen = _chosen("channels", channels, maps.shape[2])
    titles = chosen if titles is None else titles
    return _grid([_contrast(maps[:, :, i]) for i in chosen], columns, titles, title)


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
    channel : which input channel to draw, in grey, if there are not three of them.

    Returns
    -------
    The figure, 8 inches wide.

    Raises
    ------
    ValueError : if `weights` does not have four axes, is empty or holds values that are not finite,
        a filter or the channel does not exist, columns is out of range or titles are too few or
        too many.
    """
    weights = checks.array(
        "weights", weights, axes=("height", "width", "channels", "filters")
    )
    weights = _check_finite("weights", weights)
    chosen = _chosen(
        "filters", weights.shape[3] if filters is None else filters, weights.shape[3]
    )
    if weights.shape[2] != 3:
        weights = weights[
            :, :, checks.integer("channel", channel, 0, weights.shape[2] - 1)
        ]
    elif checks.integer("channel", channel, 0) != 0:
        checks.refuse(
            "channel",
            "0 for filters of three channels, which are drawn in colour",
            channel,
        )
    largest = np.abs(weights).max(
        axis=tuple(range(weights.ndim - 1)), initial=np.finfo(np.float32).tiny
    )
    pictures = 0.5 + weights / largest / 2
    return _grid([pictures[..., i] for i in chosen], columns, titles, title)


def plot_images(images, titles=None, columns=10, title=None):
    """Draw colour images in rows.

    Parameters
    ----------
    images : N x height x width x 3, at most 400, either uint8 with values 0-255 or floating-point
        with values 0-1.
    titles : a text above each image; None for none.
    columns : images in a row, 1 to 16.
    title : a text above the figure, or None.

    Returns
    -------
    The figure, 8 inches wide.

    Raises
    ------
    ValueError : if `images` has another shape, is empty or too many, a value is out of range,
        columns is out of range or titles are too few or too many.
    """
    if _count(images) > MOST_PICTURES:
        checks.refuse(
            "images", f"at most {MOST_PICTURES} images, such as images[:100]", images
        )
    pictures = checks.array("images", images, axes=("N", "height", "width", "3"))
    if pictures.shape[3] != 3:
        checks.refuse("images", "an array N x height x width x 3", images)
    pictures = _check_colours("images", pictures, np.asarray(images).dtype == np.uint8)
    return _grid(list(pictures), columns, titles, title)


def _count(images):
    """Return how many images an array or list holds, without reading those that lie in files."""
    shape = getattr(images, "shape", None)
    if isinstance(shape, tuple) and shape:
        return shape[0]
    return len(images) if isinstance(images, (list, tuple)) else 1


def _check_colours(name, pictures, bytes_):
    """Return colours with values from 0 to 1, given as bytes (0 to 255) or as such."""
    low, high, highest = pictures.min(), pictures.max(), 255 if bytes_ else 1
    if not (low >= 0 and high <= highest):  # `not >=` holds for NaN as well
        needed = "colours from 0 to 255 as uint8, or from 0 to 1"
        raise ValueError(
            f"{name} must be {needed}, got values from {low:g} to {high:g}"
        )
    return pictures / highest


def _check_finite(name, values):
    """Return an array without NaN and infinity."""
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name} must be finite numbers, got NaN or infinity among them"
        )
    return values


def _chosen(name, choice, available):
    """Return the numbers of what is to be drawn."""
    needed = (
        f"numbers from 0 to {available - 1}, or how many to draw, {MOST_PICTURES} at"
        " most"
    )
    if isinstance(choice, (int, np.integer)) and not isinstance(choice, bool):
        count = min(checks.integer(name, choice), available)
        chosen = (
            np.linspace(0, available - 1, min(count, MOST_PICTURES + 1))
            .round()
            .astype(int)
            .tolist()
        )
    else:
        chosen = _listed(name, choice, MOST_PICTURES, needed)
    if len(chosen) > MOST_PICTURES:
        raise ValueError(f"{name} must be {needed}, got {count}")
    if not chosen or not all(
        isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in chosen
    ):
        checks.refuse(name, needed, choice)
    return [checks.integer(name, i, 0, available - 1) for i in chosen]


def _listed(name, values, most, needed):
    """Return what a list or array holds as a list of at most so many; a text is not meant."""
    other = (str, bytes, bytearray, set, frozenset, pd.DataFrame)
    if (
        isinstance(values, other)
        or not isinstance(values, Iterable)
        or getattr(values, "ndim", 1) == 0
    ):
        checks.refuse(name, needed, values)
    listed = list(itertools.islice(values, most + 1))
    if len(listed) > most:
        checks.refuse(name, needed, values)
    return listed


def _check_titles(titles, count):
    """Return titles as texts, one for each of the pictures."""
    if titles is None:
        return [""] * count
    needed = f"{count} texts, one for each picture"
    listed = _listed("titles", titles, count, needed)
    if len(listed) != count or not all(
        isinstance(one, (str, numbers.Real)) for one in listed
    ):
        checks.refuse("titles", needed, titles)
    return [str(one) for one in listed]


def _check_title(name, title):
    """Return a text, which may be empty, or None."""
    if title is not None and not isinstance(title, str):
        checks.refuse(name, "a text or None", title)
    return title


def _contrast(values):
    """Spread values from 0 to 1, the largest hundredth at 1; return 0.5 everywhere if they do not differ."""
    values = (
        values.astype(float) / 2
    )  # half of the range of any two numbers is a number, too
    low, high, highest = values.min(), np.percentile(values, 99), values.max()
    if highest == low:
        return np.full(values.shape, 0.5)
    return np.clip((values - low) / ((high if high > low else highest) - low), 0, 1)


def _grid(pictures, columns, titles, title):
    """Draw pictures with values from 0 to 1 in rows, each on its own axes."""
    columns = min(checks.integer("columns", columns, 1, 16), len(pictures))
    titles, title = _check_titles(titles, len(pictures)), _check_title("title", title)
    rows, side = -(-len(pictures) // columns), min(8 / columns, 2.2)
    caption = 0.2 * any(titles)
    cell = side * pictures[0].shape[0] / pictures[0].shape[1] + caption
    height = rows * cell + 0.35 * bool(title)
    figure, grid = plt.subplots(rows, columns, figsize=(8, height), squeeze=False)
    margin = (8 - columns * side) / 16
    figure.subplots_adjust(
        margin,
        0,
        1 - margin,
        rows * cell / height,
        wspace=0.06,
        hspace=0.06 + caption / cell,
    )
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
    curves : DataFrame as `training.train` and `studies.study` return it, with the columns "recipe",
        "seed", `x` and the metrics; columns "val_" + metric are drawn where they are there.
    metrics : names of columns, one panel for each.
    x : the column that is the horizontal axis.

    Returns
    -------
    The figure, 8 inches wide.

    Raises
    ------
    ValueError : if there are no rows, or a column is missing or not of numbers.
    """
    columns = _check_table("curves", curves, ("recipe", "seed"))
    x, needed = (
        _check_column("x", x, "curves", columns),
        f"a list of 1 to {MOST_PANELS} columns of curves",
    )
    listed = _listed("metrics", metrics, MOST_PANELS, needed) or checks.refuse(
        "metrics", needed, metrics
    )
    metrics = [_check_column("metrics", metric, "curves", columns) for metric in listed]
    for column in {x, *metrics, *(f"val_{metric}" for metric in metrics)} & set(
        columns
    ):
        _check_numbers("curves", curves, column, finite=column == x)
    _names_in("curves", curves, "seed")
    recipes, palette = _names_in("curves", curves, "recipe"), list(COLORS.values())
    figure, grid = plt.subplots(
        1, len(metrics), figsize=(8, 3.4), squeeze=False, layout="constrained"
    )
    for axes, metric in zip(grid[0], metrics, strict=True):
        labels = set()
        for (recipe, _), run in curves.groupby(["recipe", "seed"], sort=False):
            for number, (column, part) in enumerate(
                {metric: "training", f"val_{metric}": "validation"}.items()
            ):
                if column not in run or run[column].count() < min(2, len(run)):
                    continue
                color = palette[
                    (
                        number
                        if len(recipes) == 1
                        else recipes.index(recipe) % len(palette)
                    )
                ]
                label = part if len(recipes) == 1 else recipe
                marker = "o" if len(run) == 1 else None
                style = {
                    "color": color,
                    "linestyle": "--" if number else "-",
                    "linewidth": 1.5,
                    "marker": marker,
                }
                axes.plot(
                    run[x],
                    run[column],
                    label=None if label in labels else label,
                    **style,
                )
                labels.add(label)
        axes.set(xlabel=x, ylabel=metric)
        axes.grid(alpha=0.3)
    if grid[0][0].lines:
        grid[0][0].legend(fontsize=9)
    return figure


def _check_table(name, table, needed):
    """Return the names of the columns of a DataFrame that has a row or more, and the columns that are needed."""
    if not isinstance(table, pd.DataFrame):
        checks.refuse(name, "a pandas.DataFrame", table)
    columns = [column for column in table.columns if isinstance(column, str)]
    if not len(table):
        raise ValueError(f"{name} must have a row or more, got 0 rows")
    if missing := [column for column in needed if column not in columns]:
        raise ValueError(
            f"{name} must have the columns {', '.join(needed)}, got none named"
            f" {', '.join(missing)}"
        )
    if not table.columns.is_unique:
        raise ValueError(
            f"{name} must have columns of different names, got"
            f" {checks.describe(columns)}"
        )
    return columns


def _check_column(name, column, table, columns):
    """Return the name of one of the columns of a table."""
    if not isinstance(column, str) or column not in columns:
        checks.refuse(name, f"a column of {table} ({', '.join(columns)})", column)
    return column


def _check_numbers(name, table, column, finite):
    """Check that a column holds numbers: no texts, and if need be no gaps."""
    if not pd.api.types.is_any_real_numeric_dtype(table[column]):
        raise ValueError(
            f"{name} must have numbers in the column {column!r}, got"
            f" {table[column].dtype}"
        )
    if finite and not np.isfinite(table[column].to_numpy(float, na_value=np.nan)).all():
        raise ValueError(
            f"{name} must have finite numbers in the column {column!r}, got NaN or"
            " infinity"
        )


def _names_in(name, table, column):
    """Return the different names in a column in their order."""
    if table[column].isna().any() or not all(
        isinstance(one, (str, numbers.Real)) for one in table[column]
    ):
        raise ValueError(
            f"{name} must have a text or number in each row of {column!r}, got others"
        )
    names = table[column].unique().tolist()
    if len(names) > MOST_LINES:
        raise ValueError(
            f"{name} must have at most {MOST_LINES} names in {column!r}, got"
            f" {len(names)}"
        )
    return names


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
    ValueError : if the table is not square, has more than 50 classes, or other classes as index
        than as columns, or a count is negative or not a whole number.
    """
    counts = checks.array("table", table, axes=("classes", "classes"))
    if counts.shape[0] != counts.shape[1] or len(counts) > MOST_CLASSES:
        raise ValueError(
            f"table must be square with at most {MOST_CLASSES} classes, got shape"
            f" {counts.shape}"
        )
    counts = np.asarray(table)
    if counts.dtype.kind not in "iu" or counts.min() < 0:
        raise ValueError(
            f"table must be integers, 0 or more, got {counts.dtype} from {counts.min()}"
        )
    names = list(range(len(counts)))
    if isinstance(table, pd.DataFrame):
        names = list(table.index)
    if isinstance(table, pd.DataFrame) and names != list(table.columns):
        raise ValueError(
            "table must have the same classes, in the same order, as index and as"
            " columns, got others"
        )
    figure, axes = plt.subplots(figsize=(7, 6), layout="constrained")
    picture = axes.imshow(counts, cmap="Blues")
    light, dark = picture.cmap(0.0), picture.cmap(1.0)
    for (row, column), share in np.ndenumerate(picture.norm(counts)):
        style = {
            "ha": "center",
            "va": "center",
            "fontsize": 9,
            "color": light if share >= 0.5 else dark,
        }
        axes.text(column, row, str(counts[row, column]), **style)
    places = range(len(counts))
    axes.set(
        xticks=places,
        yticks=places,
        yticklabels=names,
        xlabel="taken for",
        ylabel="true class",
    )
    axes.set_xticks(places, names, rotation=45)
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
    ValueError : if the photo or a map has another shape, a value is not finite, or the maps or
        titles are too few or too many.
    """
    given = photo
    checks.array("photo", given, axes=("height", "width", "3"))
    photo = np.asarray(given)
    if photo.shape[2] != 3 or photo.dtype != np.uint8:
        checks.refuse(
            "photo", "uint8 of height x width x 3 with values 0 to 255", given
        )
    needed = "1 to 4 arrays of rows x columns"
    maps = _listed("maps", maps, 4, needed)
    if not maps:
        checks.refuse("maps", needed, maps)
    maps = [
        checks.array(f"maps[{i}]", values, axes=("rows", "columns"))
        for i, values in enumerate(maps)
    ]
    maps = [_check_finite(f"maps[{i}]", values) for i, values in enumerate(maps)]
    titles, label = _check_titles(titles, len(maps)), checks.text("label", label)
    largest = max(np.abs(values).max() for values in maps) or 1.0
    figure, panels = plt.subplots(
        1, len(maps) + 1, figsize=(8, 8 / (len(maps) + 1)), layout="constrained"
    )
    area = (0, photo.shape[1], photo.shape[0], 0)
    for axes, title in zip(panels, ["photo", *titles], strict=True):
        axes.imshow(photo, extent=area)
        axes.set_title(title, fontsize=10)
        axes.axis("off")
    for axes, values in zip(panels[1:], maps, strict=True):
        style = {
            "cmap": "PuOr_r",
            "vmin": -largest,
            "vmax": largest,
            "interpolation": "nearest",
        }
        drawn = axes.imshow(
            values, extent=area, alpha=0.85 * np.sqrt(np.abs(values) / largest), **style
        )
    scale = figure.colorbar(
        ScalarMappable(drawn.norm, drawn.cmap), ax=panels[-1], shrink=0.8
    )
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
    ValueError : if there are no rows, a column is missing, a value is not finite, or the reference
        is not one of the names.
    """
    columns = _check_table("table", table, ())
    value = _check_column("value", value, "table", columns)
    name = _check_column("name", name, "table", columns)
    _check_numbers("table", table, value, finite=True)
    names = _names_in("table", table, name)
    if reference is not None:
        reference = checks.choice("reference", reference, names)
    label = _check_title("label", label)
    figure, axes = plt.subplots(
        figsize=(8, 0.8 + 0.32 * len(names)), layout="constrained"
    )
    for line, one in enumerate(names):
        values = table.loc[table[name] == one, value]
        color = COLORS["vermillion" if one == reference else "blue"]
        axes.plot(
            [values.min(), values.max()],
            [line, line],
            color=color,
            linewidth=4,
            alpha=0.3,
        )
        axes.plot(values, [line] * len(values), "o", color=color, markersize=5)
        if one == reference:
            axes.axvspan(
                values.min(), values.max(), color=color, alpha=0.12, linewidth=0
            )
    axes.set(
        yticks=range(len(names)),
        yticklabels=names,
        xlabel=label or value,
        ylim=(len(names) - 0.5, -0.5),
    )
    axes.grid(axis="x", alpha=0.3)
    return figure
