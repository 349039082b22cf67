"""The exercises of notebook 05_stacked_convolutions."""

import numpy as np

from alexnet_helpers import geometry
from alexnet_helpers.exercises.engine import exercise

exercise(
    "05.1",
    [6.165, 3.792, 1.907, 3.855],
    tolerance=0.01,
    remark="Does your sentence survive?",
    hints=[
        (
            [1.907, 3.855, 6.165, 3.792],
            "Bright and dark are exchanged: the bright squares, 230 on 20, come first.",
        ),
        (
            [6.165, 1.907, 3.792, 3.855],
            "The order is another: both bright squares first, then both dark ones.",
        ),
        (
            [3.792, 6.165, 3.855, 1.907],
            "The sides are exchanged: 3 comes first, then 7.",
        ),
        (
            [0.0, 0.0, 0.0, 0.0],
            "Take filter 43, `largest(picture, 43)`, and values from 0 to 255, not"
            " from 0 to 1.",
        ),
        (
            [6.165, 4.223, 5.675, 4.003],
            "The largest output of filter 43, not of all filters:"
            " `largest(picture, 43)`.",
        ),
        (
            [5.716, 3.132, 2.583, 2.784],
            "The sides are one pixel too short: rows 48 to 50 are three, `48:51`.",
        ),
        (
            [4.845, 3.576, 2.105, 2.911],
            "The sides are one pixel too long: rows 48 to 50 are three, `48:51`.",
        ),
        (
            [5.372, 3.623, 1.955, 2.991],
            "The squares begin in another place: their upper left pixel is (48, 48).",
        ),
        (
            [2.505, 1.824, 0.992, 1.015],
            "Draw the squares in all three channels.",
        ),
        (
            [3.090, 1.876, 0.718, 1.773],
            "The ground is 20 for the bright squares and 230 for the dark ones, not"
            " grey.",
        ),
        (
            [6.165, 3.792, 6.165, 3.792],
            "For the dark squares, exchange the values of square and ground.",
        ),
        (
            [3.329, 1.351, 0.0, 0.0],
            "That is one place: take the largest output of the whole picture.",
        ),
    ],
)


def _rectangles(
    longer=0, needed=4, corners=range(4), swap=False, rectify=True, exchanged=False
):
    """Return a function that finds rectangles, right or with one of the usual slips."""

    def rectangles(corner_maps, height, width):
        rows, columns = corner_maps.shape[:2]
        down, right = height - 1 + longer, width - 1 + longer
        if swap:
            down, right = right, down
        places = [(0, 0), (0, right), (down, 0), (down, right)]
        if exchanged:
            places[1], places[2] = places[2], places[1]
        padded = np.pad(corner_maps, ((0, max(down, 0)), (0, max(right, 0)), (0, 0)))
        found = np.full((rows, columns), 1.0 - needed)
        for channel in corners:
            row, column = places[channel]
            found += padded[row : row + rows, column : column + columns, channel]
        return np.maximum(found, 0) if rectify else found

    return rectangles


_right_rectangles = _rectangles()


def _moved(shift):
    """Return a function that marks a pixel `shift(side)` further down and right."""

    def rectangles(corner_maps, height, width):
        found = _right_rectangles(corner_maps, height, width)
        return np.roll(found, (shift(height), shift(width)), axis=(0, 1))

    return rectangles


def _nothing(corner_maps, height, width):
    """Return a map of zeros, as with a bias of -4 in place of -3."""
    return np.zeros(corner_maps.shape[:2])


def _marked(rectangles):
    """Return a function that marks with a 1 what is above 0 in another one's map."""
    return lambda *case: 1.0 * (rectangles(*case) > 0)


def _too_large(corner_maps, height, width):
    """Forget that a corner that was found counts once."""
    found = _right_rectangles(corner_maps, height, width)
    return found + 3 * (found > 0)


def _stops_early(corner_maps, height, width):
    """Stop one row and one column too early."""
    found = _right_rectangles(corner_maps, height, width)
    found[len(found) - height :], found[:, found.shape[1] - width :] = 0, 0
    return found


def _first_only(corner_maps, height, width):
    """Stop at the first rectangle."""
    found = _right_rectangles(corner_maps, height, width)
    first = np.zeros_like(found)
    first.flat[found.argmax()] = found.max()
    return first


def _wraps_around(corner_maps, height, width):
    """Look for what lies beyond the right or lower border at the opposite one."""
    shifts = [(0, 0), (0, 1 - width), (1 - height, 0), (1 - height, 1 - width)]
    maps = [
        np.roll(corner_maps[:, :, channel], shift, axis=(0, 1))
        for channel, shift in enumerate(shifts)
    ]
    return np.maximum(sum(maps) - 3, 0)


def _repeats_the_border(corner_maps, height, width):
    """Look for what lies beyond the right or lower border in its last row or column."""
    rows, columns = corner_maps.shape[:2]
    down, right = height - 1, width - 1
    padded = np.pad(corner_maps, ((0, down), (0, right), (0, 0)), mode="edge")
    return _right_rectangles(padded, height, width)[:rows, :columns]


def corner_maps(rows, columns, rectangles, corners=()):
    """Draw corners into four maps.

    Parameters
    ----------
    rows, columns : int
        The size of the maps.
    rectangles : list of tuple
        Row, column, height and width: all four corners of each are drawn.
    corners : list of tuple
        Row, column and channel: single corners.
    """
    maps = np.zeros((rows, columns, 4))
    for row, column, height, width in rectangles:
        bottom, right = row + height - 1, column + width - 1
        maps[[row, row, bottom, bottom], [column, right, column, right], range(4)] = 1
    for row, column, channel in corners:
        maps[row, column, channel] = 1
    return maps


def _of_any_kind(corner_maps, height, width):
    """Take a corner of any kind for the one that is needed."""
    any_kind = corner_maps.max(axis=-1, keepdims=True)
    return _right_rectangles(np.repeat(any_kind, 4, axis=-1), height, width)


def _all_kinds_together(corner_maps, height, width):
    """Sum over the four channels at each of the four places."""
    together = corner_maps.sum(axis=-1, keepdims=True)
    return _right_rectangles(np.repeat(together, 4, axis=-1), height, width)


def _no_fifth(corner_maps, height, width):
    """Ask for a window that holds no corner besides the four."""
    found = _right_rectangles(corner_maps, height, width)
    for row, column in np.argwhere(found > 0):
        window = corner_maps[row : row + height, column : column + width]
        found[row, column] *= window.sum() == 4
    return found


# Rectangles of several sizes, two that lack a corner, two opposite corners, a
# rectangle whose top right and bottom left corners are exchanged, and a place with
# two kinds.
_MANY = corner_maps(
    16, 20,
    [(1, 1, 3, 5), (1, 8, 5, 3), (1, 12, 4, 6),
     (13, 15, 3, 5), (6, 16, 3, 4), (7, 12, 3, 3), (5, 3, 2, 4), (9, 17, 4, 2)],
    [(7, 1, 0), (7, 5, 1), (9, 1, 2), (8, 9, 0),
     (10, 13, 3), (11, 2, 1), (11, 0, 0), (15, 2, 3),
     (12, 5, 0), (12, 9, 2), (14, 5, 1), (14, 9, 3), (9, 1, 3)],
)  # fmt: skip

_FEW = corner_maps(
    8, 11,
    [(0, 0, 2, 5), (3, 1, 3, 3), (5, 8, 3, 3)],
    [(2, 6, 0), (2, 10, 1), (3, 6, 2)],
)  # fmt: skip

# One rectangle, and two that would be there if opposite borders were joined.
_BROKEN = corner_maps(
    7, 9,
    [(2, 3, 3, 4)],
    [(1, 7, 0), (1, 1, 1), (3, 7, 2), (3, 1, 3),
     (5, 2, 0), (5, 5, 1), (0, 2, 2), (0, 5, 3)],
)  # fmt: skip

# Two rectangles, one with a corner inside; then corners in the places of a rectangle:
# all top left, each of a wrong kind, and three places of which one has two kinds.
_KINDS = corner_maps(
    9, 18,
    [(5, 8, 3, 4), (5, 1, 3, 4)],
    [(6, 9, 2),
     (0, 0, 0), (0, 3, 0), (2, 0, 0), (2, 3, 0),
     (0, 7, 1), (0, 10, 3), (2, 7, 0), (2, 10, 2),
     (0, 14, 0), (0, 14, 3), (0, 17, 1), (2, 14, 2)],
)  # fmt: skip


def _filled(corner_maps, height, width):
    """Mark all pixels of each rectangle."""
    found = _right_rectangles(corner_maps, height, width)
    marked = np.zeros_like(found)
    for row, column in np.argwhere(found > 0):
        marked[row : row + height, column : column + width] = 1
    return marked


def _mask_of_rectangles(corner_maps, height, width):
    """Return the right answer as True and False; 1 and 0 say the same."""
    return _right_rectangles(corner_maps, height, width) > 0


def _without_padding(corner_maps, height, width):
    """Leave out the last rows and columns, as a convolution without padding does."""
    rows, columns = corner_maps.shape[:2]
    found = _right_rectangles(corner_maps, height, width)
    return found[: rows - height + 1, : columns - width + 1]


def _padded_all_around(corner_maps, height, width):
    """Pad all four sides by half of the height, as a square filter would be."""
    side = height // 2
    padded = np.pad(corner_maps, ((side, side), (side, side), (0, 0)))
    return _without_padding(padded, height, width)


def _with_last_axis(function):
    """Keep the axis of the single filter."""
    return lambda *case: function(*case)[:, :, np.newaxis]


_PAD = (
    "The map has to be as large as the corner maps: pad these below by height - 1 rows"
    " and on the right by width - 1 columns of zeros."
)

_DROP = "Drop the axes of the batch and of the filter: `[0, :, :, 0]`."

_THREE = "Three corners are not enough: all four are needed."

_ONE_MISSING = (
    "One rectangle is missing: go on after the first, and look at places that touch"
    " the last row or column as well."
)

_OTHERS = [(_FEW, 2, 5), (_FEW, 3, 3), (_BROKEN, 3, 4), (_KINDS, 3, 4)]

exercise(
    "05.2",
    _mask_of_rectangles,
    cases=[(_MANY, 3, 5), (_MANY, 5, 3), *_OTHERS],
    wrong=[
        (
            _rectangles(longer=-1),
            "Your rectangle is one pixel too small: a side of n pixels begins and ends"
            " n - 1 pixels apart.",
        ),
        (
            _nothing,
            "Your map is 0 everywhere. Four corners give a sum of 4: what has to be"
            " left of it?",
        ),
        (_without_padding, _PAD),
        (_with_last_axis(_without_padding), _PAD),
        (_padded_all_around, _PAD),
        (_with_last_axis(_padded_all_around), _PAD),
        (_with_last_axis(_right_rectangles), _DROP),
        (lambda *case: _right_rectangles(*case)[np.newaxis, :, :, np.newaxis], _DROP),
        (
            _rectangles(longer=1),
            "A side of n pixels begins and ends n - 1 pixels apart.",
        ),
        (
            _rectangles(swap=True),
            "Height and width are exchanged: the height counts rows.",
        ),
        (_rectangles(needed=3), _THREE),
        (_marked(_rectangles(needed=3)), _THREE),
        (
            _rectangles(needed=1),
            "Fewer than four corners must give 0: the bias is missing.",
        ),
        (
            _rectangles(needed=2, corners=(0, 3)),
            "Two opposite corners are not enough: the other two may belong to nothing.",
        ),
        (
            _too_large,
            "The places are right; the value is 4 where 1 is asked for: subtract 3, as"
            " the bias of the square does.",
        ),
        (
            _moved(lambda side: side - 1),
            "The 1 belongs to the top left corner, not to the bottom right one.",
        ),
        (
            _stops_early,
            _ONE_MISSING,
        ),
        (
            _wraps_around,
            "Nothing lies beyond the border: `np.roll` brings in what leaves the maps"
            " on the other side.",
        ),
        (
            _repeats_the_border,
            "Nothing lies beyond the border: pad with zeros, not with copies of the"
            " last row or column.",
        ),
        (_rectangles(rectify=False), "Below 0 there should be 0: the ReLU is missing."),
        (
            _rectangles(exchanged=True),
            "Top right and bottom left are exchanged:"
            " channel 1 is the top right corner.",
        ),
        (
            lambda corner_maps, height, width: _right_rectangles(corner_maps, 3, 4),
            "That looks for 3×4 only: use `height` and `width`.",
        ),
        (
            lambda corner_maps, height, width: _right_rectangles(corner_maps, 3, 3),
            "That looks for 3×3 only: use `height` and `width`.",
        ),
        (
            _moved(lambda side: side // 2),
            "The 1 belongs to the top left corner, not to the middle.",
        ),
        (_filled, "Mark the top left corner only, not the whole rectangle."),
        (_of_any_kind, "Look in each place for the kind that belongs there."),
        (_all_kinds_together, "A sum over the channels forgets the kinds."),
        (_no_fifth, "A further corner inside does no harm: four places count."),
        (_first_only, _ONE_MISSING),
        (
            _marked(_rectangles(needed=1)),
            "One corner is not enough:"
            " the other three have to be in their places, too.",
        ),
    ],
)


def _sizes(layers, size, sides=2, rounded_up=0):
    """Return the side of every layer's input, from the image on, or with a slip."""
    sizes = [size]
    for kernel, stride, padding in layers[:-1]:
        # not `output_size`: a slip may lead to a size below 1, which that refuses
        steps = sizes[-1] + sides * padding - kernel + rounded_up * (stride - 1)
        sizes.append(steps // stride + 1)
    return sizes


def _seen(
    stride_of_padding=False,
    padded=True,
    reach=0,
    clip="in each layer",
    strides=True,
    forward=False,
    **slip_of_sizes,
):
    """Return a function that counts the pixels seen, right or with a usual slip."""

    def pixels_seen(layers, unit, size):
        sizes = _sizes(layers, size, **slip_of_sizes)
        if clip == "at the output":
            sizes = _sizes([*layers, (1, 1, 0)], size)[1:]
        seen = {unit}
        plan = list(zip(layers, sizes))
        for (kernel, stride, padding), side in plan if forward else reversed(plan):
            stride, padding = stride if strides else 1, padding if padded else 0
            zeros = padding * stride if stride_of_padding else padding
            starts = {place * stride - zeros for place in seen}
            seen = {start + step for start in starts for step in range(kernel + reach)}
            if clip in ("in each layer", "at the output", "left"):
                seen = {place for place in seen if place >= 0}
            if clip in ("in each layer", "at the output", "right"):
                seen = {place for place in seen if place < side}
        return len(seen & set(range(size)) if clip == "at the end" else seen)

    return pixels_seen


def _unpadded(function):
    """Return a function that ignores the padding, in the sizes as well."""

    def pixels_seen(layers, unit, size):
        unpadded = [(kernel, stride, 0) for kernel, stride, _ in layers]
        return function(unpadded, unit, size)

    return pixels_seen


def _ends(clip="at the end", add=1, forward=False, stride_of_padding=False):
    """Return a function that follows the first and last unit, with a usual slip."""

    def pixels_seen(layers, unit, size):
        first = last = unit
        plan = list(zip(layers, _sizes(layers, size)))
        for (kernel, stride, padding), side in plan if forward else reversed(plan):
            zeros = padding * stride if stride_of_padding else padding
            first, last = first * stride - zeros, last * stride - zeros + kernel - 1
            if clip in ("in each layer", "left"):
                first = max(first, 0)
            if clip in ("in each layer", "right"):
                last = min(last, side - 1)
        if clip == "at the end":
            first, last = max(first, 0), min(last, size - 1)
        return last - first + add

    return pixels_seen


def _list_of_pixels(layers, unit, size):
    """Count a pixel once for each path to it, through the padding as well."""
    seen = [unit]
    for kernel, stride, padding in reversed(layers):
        starts = [place * stride - padding for place in seen]
        seen = [start + step for start in starts for step in range(kernel)]
    return sum(0 <= place < size for place in seen)


def _whole_image(layers, unit, size):
    """Return all pixels of the image."""
    return size


def _adds_up_paths(layers, unit, size):
    """Count the paths from the unit to all pixels, not the pixels."""
    paths = np.ones(size, dtype=int)
    for kernel, stride, padding in layers:
        padded = np.pad(paths, padding)
        starts = range(0, len(padded) - kernel + 1, stride)
        paths = np.array([padded[start : start + kernel].sum() for start in starts])
    return int(paths[unit])


_ALEXNET = [
    (layer.kernel, layer.stride, layer.padding)
    for layer in geometry.ALEXNET
    if layer.kernel
]

_WHOLE_FIELD = (
    "That is the whole field: drop the places at which there is no unit or pixel."
)

_IN_EVERY_LAYER = (
    "Drop what is no unit in every layer, on both sides, not at the image alone. With"
    " [(3, 2, 0), (3, 1, 1)] and size 10, layer 1 has the units 0 to 3, which leave"
    " pixel 9 over: unit 3 sees 4 to 8. A layer has floor((n + 2p - k) / s) + 1 units."
)

_LEFT_ONLY = (
    "You drop what lies before the first unit or pixel: do so after the last one, too."
)

_RIGHT_ONLY = (
    "Drop on both sides, in every layer, what is no unit or pixel: n of them have the"
    " numbers 0 to n - 1."
)

_PADDING = (
    "Padding moves the first window to the left, by its number of zeros, in units of"
    " that layer's input."
)

_UNITS_OF_PADDING = (
    "A window begins at the unit times the stride, less the padding once: the zeros are"
    " units of the layer's input and not multiplied."
)

_LAST_FIRST = "Start from the last layer and go back."

_ONCE = "You count the paths: count each pixel once, however many paths lead to it."

_SIZES = "The padding counts in a layer's size, twice: floor((n + 2p - k) / s) + 1."

exercise(
    "05.3",
    _seen(),
    # The first case tells the whole image and the paths from the pixels that are seen;
    # in the second every other slip gives another number.
    cases=[
        ([(3, 1, 0), (3, 1, 0)], 2, 12),
        ([(3, 4, 0), (6, 3, 1), (7, 2, 2)], 1, 77),
        ([(3, 4, 0), (3, 4, 1), (2, 2, 0), (6, 2, 2)], 0, 78),
        ([(2, 4, 0), (4, 4, 2), (4, 1, 2)], 1, 21),
        ([(3, 3, 1), (5, 2, 2)], 1, 10),
        ([(3, 2, 0), (3, 1, 1)], 3, 10),
        ([(1, 2, 0), (3, 1, 0)], 1, 10),
        (_ALEXNET, 1, 227),
        (_ALEXNET, 2, 227),
        (_ALEXNET, 4, 224),
        ([(5, 2, 2), (3, 1, 1)], 0, 9),
        ([(3, 1, 1), (3, 1, 1), (3, 1, 1)], 2, 5),
        ([(2, 3, 0), (3, 2, 1)], 1, 17),
        ([(7, 3, 0)], 1, 10),
    ],
    wrong=[
        (
            _ends(clip="in each layer"),
            "If the stride is larger than the window, nobody sees the pixels between"
            " two windows: do not count them.",
        ),
        (_seen(sides=0), _SIZES),
        (_seen(sides=1), _SIZES),
        (_seen(rounded_up=1), _IN_EVERY_LAYER),
        (_ends(clip="never"), _WHOLE_FIELD),
        (_seen(clip="never"), _WHOLE_FIELD),
        (_seen(clip="at the end"), _IN_EVERY_LAYER),
        (
            _seen(clip="at the output"),
            "What a unit sees lies in the input of its layer: compare with the size of"
            " that, not of the output.",
        ),
        (
            _ends(),
            "That is the part of the field that lies on the image. It also counts"
            " pixels between two windows, and pixels to which only padding leads, or"
            " units that a layer does not have. Follow the units layer by layer.",
        ),
        (_seen(clip="left"), _LEFT_ONLY),
        (_ends(clip="left"), _LEFT_ONLY),
        (_seen(clip="right"), _RIGHT_ONLY),
        (_ends(clip="right"), _RIGHT_ONLY),
        (_seen(padded=False), _PADDING),
        (_seen(padded=False, clip="at the end"), _PADDING),
        (_unpadded(_seen()), _PADDING),
        (_unpadded(_ends(clip="in each layer")), _PADDING),
        (_seen(stride_of_padding=True), _UNITS_OF_PADDING),
        (_ends(stride_of_padding=True), _UNITS_OF_PADDING),
        (_ends(clip="in each layer", stride_of_padding=True), _UNITS_OF_PADDING),
        (
            _ends(clip="in each layer", add=0),
            "From pixel a to pixel b there are b - a + 1 pixels.",
        ),
        (_ends(forward=True), _LAST_FIRST),
        (_seen(forward=True), _LAST_FIRST),
        (_seen(forward=True, clip="at the end"), _LAST_FIRST),
        (_adds_up_paths, _ONCE),
        (_list_of_pixels, _ONCE),
        (
            _whole_image,
            "That is the whole image: count only the pixels that this unit sees.",
        ),
        (_seen(reach=1), "The last of k units lies k - 1 after the first."),
        (_seen(reach=-1), "A window has k units: `range(start, start + k)`."),
        (
            _seen(strides=False),
            "Unit number u begins at u times the stride (less the padding) in the layer"
            " below.",
        ),
    ],
)
