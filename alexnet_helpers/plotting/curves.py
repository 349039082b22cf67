"""Training curves, and the spread of several runs."""

import matplotlib.pyplot as plt

from alexnet_helpers import checks
from alexnet_helpers.plotting import arguments
from alexnet_helpers.plotting.style import COLORS

MOST_PANELS = 6


def plot_training(curves, metrics=("loss", "accuracy"), x="epoch"):
    """Draw the curves of one or several training runs, a panel for each metric.

    One recipe has a colour for its training and one for its validation curve; several
    recipes have a colour each. Validation curves are dashed. Each seed is a line.

    Parameters
    ----------
    curves : DataFrame
        As `training.train` and `studies.study` return it, with the columns "recipe",
        "seed", `x` and the metrics; columns "val_" + metric are drawn if they exist.
    metrics : sequence of str
        Names of columns, a panel for each.
    x : str
        The column that is the horizontal axis.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.

    Examples
    --------
    >>> import pandas as pd
    >>> curves = pd.DataFrame({"epoch": [1, 2], "loss": [2.3, 1.9]})
    >>> curves = curves.assign(recipe="paper", seed=0)
    >>> figure = plot_training(curves, metrics=["loss"])
    >>> figure.axes[0].lines[0].get_label()
    'training'
    """
    x, metrics, recipes = _check_curves(curves, metrics, x)
    figure, panels = plt.subplots(
        1, len(metrics), figsize=(8, 3.4), squeeze=False, layout="constrained"
    )
    for axes, metric in zip(panels[0], metrics, strict=True):
        _plot_metric(axes, curves, metric, x, recipes)
        axes.set(xlabel=x, ylabel=metric)
        axes.grid(alpha=0.3)
    first = panels[0][0]
    if first.lines:
        first.legend(fontsize=9)
    return figure


def _check_curves(curves, metrics, x):
    """Return the names of the horizontal axis, of the metrics, and of the recipes."""
    columns = arguments.table("curves", curves, ("recipe", "seed"))
    x = arguments.column("x", x, "curves", columns)
    needed = f"a list of 1 to {MOST_PANELS} columns of curves"
    given = arguments.listed("metrics", metrics, MOST_PANELS, needed)
    if not given:
        checks.refuse("metrics", needed, metrics)
    metrics = [arguments.column("metrics", one, "curves", columns) for one in given]
    drawn = {x, *metrics, *(f"val_{metric}" for metric in metrics)}
    for column in drawn & set(columns):
        arguments.numeric_column("curves", curves, column, with_gaps=column != x)
    arguments.names_in("curves", curves, "seed")
    return x, metrics, arguments.names_in("curves", curves, "recipe")


def _plot_metric(axes, curves, metric, x, recipes):
    """Draw the training and the validation curve of each run."""
    colors, labels = list(COLORS.values()), set()
    kinds = {"training": (metric, "-"), "validation": (f"val_{metric}", "--")}
    for (recipe, _), run in curves.groupby(["recipe", "seed"], sort=False):
        for number, (kind, (column, linestyle)) in enumerate(kinds.items()):
            if column not in run or run[column].count() < min(2, len(run)):
                continue  # never measured, or only at the end
            label, color = kind, colors[number]
            if len(recipes) > 1:
                label, color = recipe, colors[recipes.index(recipe) % len(colors)]
            style = {"color": color, "linestyle": linestyle, "linewidth": 1.5}
            style["marker"] = "o" if len(run) == 1 else None
            (line,) = axes.plot(run[x], run[column], **style)
            if label not in labels:  # each stands once in the legend
                line.set_label(label)
                labels.add(label)


def plot_spread(table, value, name="recipe", reference=None, label=None):
    """Draw the results of several runs of each recipe.

    A dot is a run, a bar goes from the least to the largest.

    Parameters
    ----------
    table : DataFrame
        A row for each run.
    value, name : str
        Columns with the result and with the name of what was run; each name has a line,
        the first one on top.
    reference : str, optional
        One of the names, whose range is drawn as a band through all lines.
    label : str, optional
        What stands below the axis, if not `value`.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide.

    Examples
    --------
    >>> import pandas as pd
    >>> runs = pd.DataFrame({"recipe": ["a", "a", "b"], "accuracy": [0.5, 0.6, 0.7]})
    >>> figure = plot_spread(runs, "accuracy", reference="a")
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['a', 'b']
    """
    columns = arguments.table("table", table, ())
    value = arguments.column("value", value, "table", columns)
    name = arguments.column("name", name, "table", columns)
    arguments.numeric_column("table", table, value)
    names = arguments.names_in("table", table, name)
    if reference is not None:
        reference = checks.choice("reference", reference, names)
    label = arguments.optional_text("label", label)
    size = (8, 0.8 + 0.32 * len(names))
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    for row, one in enumerate(names):
        results = table.loc[table[name] == one, value]
        least, largest = results.min(), results.max()
        color = COLORS["vermillion" if one == reference else "blue"]
        axes.plot([least, largest], [row, row], color=color, linewidth=4, alpha=0.3)
        axes.plot(results, [row] * len(results), "o", color=color, markersize=5)
        if one == reference:
            axes.axvspan(least, largest, color=color, alpha=0.12, linewidth=0)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel=label or value, ylim=(len(names) - 0.5, -0.5))
    axes.grid(axis="x", alpha=0.3)
    return figure
