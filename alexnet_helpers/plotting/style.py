"""The look of all figures, and the way in which a notebook shows them."""

import io

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure

from alexnet_helpers import checks

# Okabe and Ito's palette: it can be told apart with every common colour blindness.
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
    """Give Matplotlib the course's style: white, readable at 800 pixels, safe colours.

    Examples
    --------
    >>> set_style()
    >>> plt.rcParams["figure.figsize"]
    [8.0, 4.0]
    """
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

    The text is stored as the picture's alt text, for readers who hear the page, and as
    its plain text, for terminals. The picture is white whatever the theme.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        It is closed even if an error is raised.
    alt : str

    Examples
    --------
    >>> show(plt.figure(), "an empty figure")  # doctest: +SKIP
    """
    if not isinstance(figure, Figure):
        checks.refuse("figure", "a Matplotlib figure", figure)
    try:
        checks.text("alt", alt, "a text that says what the figure shows")
        picture = {"image/png": png(figure), "text/plain": alt}
    finally:
        plt.close(figure)
    display(picture, metadata={"image/png": {"alt": alt}}, raw=True)


def png(figure):
    """Return a figure as the bytes of a PNG file."""
    file = io.BytesIO()
    tight = {"bbox_inches": "tight", "facecolor": "white"}
    figure.savefig(file, format="png", dpi=DPI, **tight)
    return file.getvalue()
