"""Images and filters."""

import matplotlib.pyplot as plt
import numpy as np

from alexnet_helpers import checks
from alexnet_helpers.plotting import arguments

WIDTH = 8  # of a figure, in inches


def plot_filters(weights, filters=None, columns=16, titles=None, title=None, channel=0):
    """Draw the filters of a convolution, in colour if they see red, green and blue.

    Middle grey is the weight 0; each filter has a contrast of its own, and its weight
    of largest magnitude is drawn as far from grey as can be, brighter if it is positive
    and darker if it is negative. (Paper, figure 3.)

    Parameters
    ----------
    weights : ndarray, shape (height, width, channels, filters)
        As in Keras.
    filters : int or sequence of int, optional
        The filters to draw, by number; or how many, spread evenly over all.
    columns : int
        Filters in a row, 1 to 16.
    titles : sequence of str, optional
        A text above each filter.
    title : str, optional
        A text above the figure.
    channel : int
        Which input channel to draw, in grey, if there are not three of them.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.

    Examples
    --------
    >>> kernels = np.random.default_rng(0).normal(size=(11, 11, 3, 96))
    >>> len(plot_filters(kernels, filters=[0, 5]).axes)
    2
    """
    axes = ("height", "width", "channels", "filters")
    weights = checks.array("weights", weights, axes=axes)
    weights = arguments.finite("weights", weights)
    channels, available = weights.shape[2:]
    filters = available if filters is None else filters
    filters = arguments.chosen("filters", filters, available)
    if channels != 3:
        weights = weights[:, :, checks.integer("channel", channel, 0, channels - 1)]
    elif checks.integer("channel", channel, 0) != 0:
        needed = "0 for filters of three channels, which are drawn in colour"
        checks.refuse("channel", needed, channel)
    all_but_filters = tuple(range(weights.ndim - 1))
    smallest = np.finfo(np.float32).tiny  # where all weights are 0
    largest = np.abs(weights).max(axis=all_but_filters, initial=smallest)
    pictures = 0.5 + weights / largest / 2
    return _grid([pictures[..., i] for i in filters], columns, titles, title)


def plot_images(images, titles=None, columns=10, title=None):
    """Draw colour images in rows.

    Parameters
    ----------
    images : ndarray, shape (N, height, width, 3)
        At most 400, either uint8 with values 0-255 or floating-point with values 0-1.
    titles : sequence of str, optional
        A text above each image.
    columns : int
        Images in a row, 1 to 16.
    title : str, optional
        A text above the figure.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.

    Examples
    --------
    >>> black = np.zeros((2, 32, 32, 3), np.uint8)
    >>> [axes.get_title() for axes in plot_images(black, ["one", "two"]).axes]
    ['one', 'two']
    """
    most = arguments.MOST_PICTURES
    if _count(images) > most:
        checks.refuse("images", f"at most {most} images, such as images[:100]", images)
    pictures = checks.array("images", images, axes=("N", "height", "width", "3"))
    if pictures.shape[3] != 3:
        checks.refuse("images", "an array N x height x width x 3", images)
    in_bytes = np.asarray(images).dtype == np.uint8
    pictures = arguments.colours("images", pictures, in_bytes)
    return _grid(list(pictures), columns, titles, title)


def _count(images):
    """Return how many images there are, without reading those that lie in files."""
    shape = getattr(images, "shape", None)
    if isinstance(shape, tuple) and shape:
        return shape[0]
    return len(images) if isinstance(images, (list, tuple)) else 1


def _grid(pictures, columns, titles, title):
    """Draw pictures with values from 0 to 1 in rows, each on its own axes."""
    columns = min(checks.integer("columns", columns, 1, 16), len(pictures))
    titles = arguments.titles(titles, len(pictures))
    title = arguments.optional_text("title", title)
    rows = -(-len(pictures) // columns)
    picture_width = min(WIDTH / columns, 2.2)
    caption = 0.2 if any(titles) else 0
    picture_height, width = pictures[0].shape[:2]
    row_height = picture_width * picture_height / width + caption
    height = rows * row_height + (0.35 if title else 0)
    margin = (WIDTH - columns * picture_width) / (2 * WIDTH)
    places = {"left": margin, "right": 1 - margin, "wspace": 0.06}
    places |= {"bottom": 0, "top": rows * row_height / height}
    places["hspace"] = 0.06 + caption / row_height
    figure, grid = plt.subplots(
        rows, columns, figsize=(WIDTH, height), squeeze=False, gridspec_kw=places
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
