"""A figure that is drawn again when a slider moves."""

import contextlib
import inspect
import numbers

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

from alexnet_helpers import checks
from alexnet_helpers.plotting.style import png

FARTHEST = 10**9  # from 0, that a slider reaches


def explore(draw, **sliders):
    """Show sliders above a figure that is drawn again when one of them moves.

    (`ipywidgets.interactive` makes the controls. It would show the figure without an
    alt text and as wide as the page, so the picture is ours.)

    Parameters
    ----------
    draw : callable
        Takes the sliders' values by name and returns a Matplotlib figure. The text of a
        ValueError that it raises is shown in place of the figure.
    **sliders : tuple or list
        For each argument of `draw`, (lowest, highest, step, start) of a slider, or a
        list of choices.

    Examples
    --------
    >>> def draw(size):
    ...     return plt.figure(figsize=(size, size))
    >>> explore(draw, size=(1, 9, 1, 3))  # doctest: +SKIP
    """
    import ipywidgets

    if not sliders:
        checks.refuse("sliders", "one or more, such as size=(1, 9, 1, 3)", sliders)
    if not _takes(draw, sliders):
        checks.refuse("draw", f"a function of {', '.join(sliders)}", draw)
    settings = {name: _check_slider(name, given) for name, given in sliders.items()}
    controls = {name: _control(name, setting) for name, setting in settings.items()}
    # In its own size, as `show` has it: stretched to the page it would be blurred.
    own_size = {"align_self": "flex-start", "max_width": "100%"}
    picture = ipywidgets.Image(format="png", layout=own_size)

    def redraw(_=None):
        values = {name: control.value for name, control in controls.items()}
        picture.value = _drawn(draw, values)

    for control in controls.values():
        control.observe(redraw, names="value")
    redraw()
    box = ipywidgets.VBox([*controls.values(), picture])
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    instead = f"Sliders for {', '.join(sliders)}: run this cell to move them."
    shown = {"application/vnd.jupyter.widget-view+json": view, "text/plain": instead}
    display(shown, raw=True)


def _drawn(draw, values):
    """Return what a function draws, or the text of its ValueError, as a PNG file."""
    with _closing_figures():
        try:
            figure = draw(**values)
        except ValueError as error:
            figure, axes = plt.subplots(figsize=(8, 1))
            axes.axis("off")
            axes.text(0, 0.5, str(error), wrap=True, parse_math=False)
        if not isinstance(figure, Figure):
            checks.refuse("what draw returns", "a Matplotlib figure", figure)
        picture = png(figure)
        plt.close(figure)  # also one that was there before
        return picture


@contextlib.contextmanager
def _closing_figures():
    """Close the figures that are made inside, also one that an error left behind."""
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
    except ValueError:  # of some functions, and classes, Python knows no arguments
        return not isinstance(function, type)
    return True


def _check_slider(name, given):
    """Return a slider's (lowest, highest, step, start) or its list of choices.

    >>> _check_slider("stride", (1, 4, 1, np.int64(2)))
    (1, 4, 1, 2)
    """
    if isinstance(given, list) and given and all(map(_is_choice, given)):
        return given
    form = "(lowest, highest, step, start)"
    if not isinstance(given, tuple) or len(given) != 4:
        needed = f"{form} or a list of texts or numbers to choose from"
        checks.refuse(name, needed, given)
    whole = all(isinstance(value, (int, np.integer)) for value in given)
    check = checks.integer if whole else checks.number
    parts = ("lowest value", "highest value", "step", "start")
    low, high, step, start = (
        check(f"the {part} of {name}", value, lowest=-FARTHEST, highest=FARTHEST)
        for part, value in zip(parts, given)
    )
    if not (low <= start <= high and 0 < step <= high - low):
        needed = f"{form} with the start between the two and a step that fits"
        checks.refuse(name, needed, given)
    return low, high, step, start


def _is_choice(value):
    """Say whether a value is a text, a number, or a pair of a text and its value."""
    if isinstance(value, tuple):
        return len(value) == 2 and isinstance(value[0], str)
    is_number = isinstance(value, numbers.Real) and value == value  # NaN is not itself
    return is_number or isinstance(value, str)


def _control(name, setting):
    """Return a slider, which waits until it is let go, or a menu of choices."""
    from ipywidgets import interactive

    if isinstance(setting, list):
        control = interactive.widget_from_abbrev(setting)
    else:
        *limits, start = setting
        control = interactive.widget_from_abbrev(tuple(limits), default=start)
        control.continuous_update = False
    control.description = name.replace("_", " ")
    return control
