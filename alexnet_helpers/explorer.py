"""The explorer in a notebook: a page on which every number can be followed back.

It shows the trained network. Its parts, and the program that puts them together, lie
under `tools/explorer`.
"""

import functools
import html
import importlib.util
import sys
from pathlib import Path

from IPython.display import display

from alexnet_helpers import checks

BUILD = Path(__file__).resolve().parents[1] / "tools" / "explorer" / "build.py"
INSTEAD = "The explorer: run this cell to open the network that you can touch."


def show_explorer(height=900):
    """Open the explorer below the cell.

    The page runs in a frame that reaches neither the notebook nor the network
    connection. It goes to the browser as a widget, so a notebook that is saved holds
    one line in its place and not the 6.5 MB of the page. (Colab keeps a widget's
    content as well, so there it is a plain output.) If the course's folder `tools` is
    missing, a printed line says so.

    Parameters
    ----------
    height : int
        Of the frame in CSS pixels, 200 to 5000.
    """
    height = checks.integer("height", height, 200, 5000)
    if not BUILD.is_file():  # in a copy of some of the course, as a student hands it in
        needed = "the folder tools of the course's repository"
        print(f"The explorer is not here: it needs {needed}.")
        return
    frame = _frame(height)
    if "google.colab" in sys.modules:
        display({"text/html": frame}, raw=True)
        return
    import ipywidgets

    widget = ipywidgets.HTML(frame, layout={"width": "100%"})
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    shown = {"application/vnd.jupyter.widget-view+json": view, "text/plain": INSTEAD}
    display(shown, raw=True)


def _frame(height):
    """Return the frame that holds the page, as HTML."""
    # Scripts run, but as if they came from another site; the camera has to be allowed.
    rights = 'sandbox="allow-scripts" allow="camera *; clipboard-read *"'
    style = f'style="width: 100%; height: {height}px; border: 0"'
    page = f'srcdoc="{_escaped_page()}"'
    return f'<iframe title="Explorer" {rights} {style} {page}></iframe>'


@functools.cache
def _escaped_page():
    """Return the page as the value of an attribute in HTML."""
    # By its path: other packages are called "tools" as well.
    specification = importlib.util.spec_from_file_location("explorer_build", BUILD)
    build = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(build)
    return html.escape(build.page())
