"""A network drawn to scale, in the manner of the paper's figure 2."""

import dataclasses
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch, Polygon
from matplotlib.transforms import Affine2D

from alexnet_helpers import checks
from alexnet_helpers.geometry import ALEXNET, check_layers, layer_table
from alexnet_helpers.plotting import arguments
from alexnet_helpers.plotting.style import COLORS

MOST_LAYERS = 40  # of more than about 25 the labels overlap
MOST_PIXELS = 10**6  # along a side of an image, and channels, and units
# What each kind of block is called, and its colour.
KINDS = {
    "image": ("image", "grey"),
    "conv": ("convolution + ReLU", "blue"),
    "pool": ("max-pooling", "orange"),
    "dense": ("fully connected", "green"),
}
SLANT = 0.36  # a map's width goes this far to the right and up: we look from the left
WIDTH = 800  # of the figure, in points of its axes
LABEL_WIDTH = 36


@dataclasses.dataclass
class _Block:
    """The output of a layer as it is drawn; lengths are in points.

    `side` is the height and width of its maps, or the height of a bar; `slant` is how
    far the right face goes to the right and up, `depth` is the width of the front, for
    the channels. `x` is its left edge.
    """

    name: str
    kind: str
    label: str
    side: float
    channels: int = 0
    in_towers: bool = False  # half of it is in each tower
    sees_both_towers: bool = False
    window: float = 0.0  # side of the kernel, on the block before
    slant: float = 0.0
    depth: float = 0.0
    x: float = 0.0

    @property
    def height(self):
        return self.side + self.slant

    @property
    def width(self):
        return self.depth + self.slant

    def corner(self, row):
        """Return the lower left corner of the front in a tower at this height."""
        return np.array([self.x, row - self.height / 2])

    def color(self, lighter=0.0):
        """Return the block's colour, mixed with white, or with black if negative."""
        _, name = KINDS[self.kind]
        return np.array(to_rgb(COLORS[name])) * (1 - abs(lighter)) + max(lighter, 0)


def plot_architecture(layers=ALEXNET, input_size=227, channels=3, faces=None):
    r"""Draw a network to scale, one block for the output of each layer.

    A block's height and width are those of the maps, its length is the number of
    channels; all blocks share one scale, except the image, drawn smaller by conv1's
    stride. A bar's height is the number of units of a fully connected layer. Layers
    with two groups make two towers, each with half of the maps; red lines cross from
    one to the other (paper, figure 2).

    Parameters
    ----------
    layers : sequence of geometry.Layer
        `geometry.alexnet_layers(towers=2)` gives the two towers.
    input_size, channels : int
        Side of the square input in pixels, and its number of channels.
    faces : dict, optional
        What to draw on the blocks' right faces: from "image" or a layer's name to a
        photo, shape (height, width, 3) with values 0-255, or to one feature map, shape
        (height, width).

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.

    Raises
    ------
    ValueError
        If the layers do not fit the input or each other (see `layer_table`), are more
        than 40, or have more than two groups.

    Examples
    --------
    >>> figure = plot_architecture()
    >>> [text.get_text() for text in figure.axes[0].texts][:4]
    ['image', '227×227\n×3\n(1/4 scale)', 'conv1', '55×55\n×96']
    """
    blocks, towers = _lay_out(layers, input_size, channels)
    faces = _check_faces({} if faces is None else faces, blocks)
    half = max(block.height for block in blocks) / 2
    rows = (0,) if towers == 1 else (half + 8, -half - 8)
    ceiling, floor = rows[0] + half + 6, rows[-1] - half - 12

    figure = plt.figure(figsize=(WIDTH / 100, (ceiling - floor + 50) / 100))
    limits = {"xlim": (0, WIDTH), "ylim": (floor - 50, ceiling), "aspect": "equal"}
    axes = figure.add_axes((0, 0, 1, 1), **limits)
    axes.axis("off")
    for before, block in zip([None, *blocks[:-1]], blocks, strict=True):
        for row in _rows_of(block, rows):
            if before is not None:
                _connect(axes, before, block, row, rows)
            _draw_block(axes, block, row, faces.get(block.name))
        _write_label(axes, block, floor)
    _draw_legend(axes, blocks)
    return figure


def _rows_of(block, rows):
    """Return the heights at which a block is drawn: in each tower, or in the middle."""
    return rows if block.in_towers else (np.mean(rows),)


def _lay_out(layers, input_size, channels):
    """Return the blocks from left to right, and the number of towers."""
    layers, towers = _check_network(layers)
    input_size = checks.integer("input_size", input_size, highest=MOST_PIXELS)
    channels = checks.integer("channels", channels, highest=MOST_PIXELS)
    outputs = layer_table(layers, input_size, channels)["output"]
    sides = [output[0] for output in outputs if len(output) == 3]
    units = [output[0] for output in outputs if len(output) == 1]
    tallest = 170 if towers == 1 else 130
    per_pixel = tallest / max(sides, default=input_size)
    per_unit = tallest * (1 + SLANT) / max(units, default=1)
    shrink = 1 if layers[0].kind == "dense" else layers[0].stride

    note = f"\n(1/{shrink} scale)" if shrink > 1 else ""
    label = f"{input_size}×{input_size}\n×{channels}{note}"
    side = input_size * per_pixel / shrink
    blocks = [_Block("image", "image", label, side, channels)]
    for layer, output in zip(layers, outputs, strict=True):
        in_towers = towers == 2 and layer is not layers[-1]  # the classes are one layer
        if layer.kind == "dense":
            block = _bar(layer, output, in_towers, per_unit)
        else:
            window = layer.kernel * per_pixel / (shrink if len(blocks) == 1 else 1)
            block = _maps(layer, output, in_towers, per_pixel, window)
        blocks.append(block)
    _place(blocks)
    return blocks, towers


def _check_network(layers):
    """Return the layers, if they can be drawn, and their number of towers."""
    layers = check_layers(layers)
    if not 1 <= len(layers) <= MOST_LAYERS:
        raise ValueError(f"layers must be 1 to {MOST_LAYERS} layers, got {len(layers)}")
    if "image" in (layer.name for layer in layers):
        raise ValueError("layers must have other names than 'image', got 'image'")
    for layer in layers:
        for field, value in layer._asdict().items():
            if isinstance(value, int):
                checks.integer(f"{field} of {layer.name}", value, 0, MOST_PIXELS)
    towers = max(layer.groups for layer in layers)
    if towers > 2:
        raise ValueError(f"layers must have 1 or 2 groups, got {towers}")
    return layers, towers


def _bar(layer, output, in_towers, per_unit):
    """Return the block of a fully connected layer: half of its units in a tower."""
    units = output[0] // 2 if in_towers else output[0]
    label = f"2×{units:,}" if in_towers else f"{units:,}"
    side = units * per_unit
    return _Block(layer.name, "dense", label, side, 0, in_towers, sees_both_towers=True)


def _maps(layer, output, in_towers, per_pixel, window):
    """Return the block of a layer of maps: half of its channels in a tower."""
    height, width, channels = output
    channels = channels // 2 if in_towers else channels
    label = f"{height}×{width}\n{'2' if in_towers else ''}×{channels}"
    sees_both = layer.kind == "conv" and layer.groups == 1
    place = in_towers, sees_both, window
    return _Block(layer.name, layer.kind, label, height * per_pixel, channels, *place)


def _place(blocks, gap=26):
    """Choose the scale of the channels so that all fill the width, and set every x."""
    for block in blocks:
        block.slant = 3 if block.kind == "dense" else SLANT * block.side
    free = WIDTH - gap * len(blocks) - sum(block.slant for block in blocks)
    channels = sum(block.channels for block in blocks)
    per_channel = min(0.2, max(free, 0) / channels)
    for block in blocks:
        is_bar = block.kind == "dense"
        block.depth = 8 if is_bar else max(2, per_channel * block.channels)
    taken = [max(block.width, LABEL_WIDTH) for block in blocks]
    gap = (WIDTH - sum(taken)) / len(blocks)
    x = gap / 2
    for block, width in zip(blocks, taken, strict=True):
        block.x = x + max(LABEL_WIDTH - block.width, 0) / 2
        x += width + gap


def _check_faces(faces, blocks):
    """Return the faces as arrays with values for `imshow`."""
    if not isinstance(faces, Mapping):
        needed = "a dict from the name of a block to a photo or a map"
        checks.refuse("faces", needed, faces)
    names = [block.name for block in blocks if block.kind != "dense"]
    return {
        checks.choice("the name of a face", name, names): _face(name, face)
        for name, face in faces.items()
    }


def _face(name, face):
    """Return a photo with values from 0 to 1, or a map."""
    name = f"faces[{name!r}]"
    values = checks.array(name, face)
    if values.ndim == 2:
        return arguments.finite(name, values)
    if values.shape[2:] != (3,):
        checks.refuse(name, "a photo (height, width, 3) or a map (height, width)", face)
    in_bytes = np.asarray(face).dtype.kind in "iu"
    return arguments.colours(name, values, in_bytes)


def _draw_block(axes, block, row, face):
    """Draw one block: front, top and right face."""
    corner = block.corner(row)
    up = np.array([0, block.side])
    right = np.array([block.depth, 0])
    backwards = np.full(2, block.slant)
    for origin, edge, other_edge, lighter in (
        (corner, right, up, 0),
        (corner + up, right, backwards, 0.3),
        (corner + right, backwards, up, 0.55),
    ):
        sides = [origin, origin + edge, origin + edge + other_edge, origin + other_edge]
        style = {"facecolor": block.color(lighter), "edgecolor": "black"}
        axes.add_patch(Polygon(sides, linewidth=0.6, **style))
    if face is not None:
        # The unit square goes to the right face: its lower and left edge, its corner.
        to_face = Affine2D(
            np.array([[*backwards, 0], [*up, 0], [*(corner + right), 1]]).T
        )
        unit_square = {"extent": (0, 1, 0, 1), "interpolation": "bilinear"}
        picture = axes.imshow(face, zorder=1, **unit_square)
        picture.set_transform(to_face + axes.transData)


def _connect(axes, before, block, row, rows):
    """Draw what one value of a block sees of the block before, in every tower."""
    for source in _rows_of(before, rows):
        crosses = before.in_towers and source != row
        if crosses and not block.sees_both_towers:
            continue
        style = {"color": COLORS["vermillion" if crosses else "grey"], "linewidth": 0.7}
        # The lower left and upper right corner of the right face before, and our own.
        near = before.corner(source) + np.array([before.depth, 0])
        far = near + np.array([before.slant, before.height])
        corner, up = block.corner(row), np.array([0, block.side])
        if block.kind == "dense":
            axes.plot(*np.transpose([far, corner + up]), **style)
            axes.plot(*np.transpose([near, corner]), **style)
            continue
        center = (near + far) / 2
        half = block.window / 2
        across, upwards = np.full(2, SLANT * half), np.array([0, half])
        signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        window = [center + a * across + b * upwards for a, b in signs]
        for point in window:
            axes.plot(*np.transpose([point, corner + up / 2]), **style)
        glass = {"facecolor": "white", "alpha": 0.6, "edgecolor": "black"}
        axes.add_patch(Polygon(window, linewidth=0.8, **glass))


def _write_label(axes, block, floor):
    """Write the name and the shape below a block."""
    x = block.x + block.width / 2
    style = {"ha": "center", "va": "top", "fontsize": 9}
    axes.text(x, floor, block.name, weight="bold", color=block.color(-0.35), **style)
    axes.text(x, floor - 15, block.label, linespacing=1.15, **style)


def _draw_legend(axes, blocks):
    """Name the colours of the kinds of layers that are there."""
    drawn = {block.kind for block in blocks} - {"image"}
    named = [KINDS[kind] for kind in KINDS if kind in drawn]
    handles = [Patch(color=COLORS[color], label=label) for label, color in named]
    place = {"loc": "upper center", "bbox_to_anchor": (0.54, 1), "ncols": len(named)}
    style = {"frameon": False, "fontsize": 9, "handlelength": 1}
    spacing = {"columnspacing": 1.2, "borderpad": 0.1}
    axes.legend(handles=handles, **place, **style, **spacing)
