"""Make copies of the notebooks for a class, and collect what a class has done.

    python tools/classroom.py blank OUTPUT      the notebooks without outputs, and without the solutions
    python tools/classroom.py slides OUTPUT [NOTEBOOK ...]   as slides: one HTML file for each notebook
    python tools/classroom.py collect FOLDER TABLE           run all notebooks in FOLDER, store what `check` said as CSV

`collect` runs the programs of others: do that in a container.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pandas as pd
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
CHECKED = re.compile(r"check\(\s*[\"'](\d\d\.\d)[\"']")
SAID = re.compile(r"^Exercise (\d\d\.\d): (right|not yet|no answer)", re.MULTILINE)


def blank(output):
    """Write every notebook of the path without outputs; the solutions are left out."""
    from nbconvert.preprocessors import ClearOutputPreprocessor

    output = empty_folder(output)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook, _ = ClearOutputPreprocessor().preprocess(nbformat.read(path, as_version=4), {})
        nbformat.write(notebook, output / path.name)
    for picture in NOTEBOOKS.glob("*.png"):
        shutil.copy(picture, output)
    return sorted(output.glob("*.ipynb"))


def slides(output, names=()):
    """Write notebooks as slides, from their stored outputs; nothing is run.

    A slide type that was chosen for a cell in JupyterLab is kept.
    """
    from nbconvert import SlidesExporter

    output = empty_folder(output)
    exporter = SlidesExporter(reveal_scroll=True, exclude_input_prompt=True)
    for path in [Path(name) for name in names] or sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            cell.metadata.setdefault("slideshow", {"slide_type": slide_type(cell)})
        page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": path.stem}})
        (output / f"{path.stem}.slides.html").write_text(page, encoding="utf-8")
    return sorted(output.glob("*.html"))


def slide_type(cell):
    """Return what a cell is on slides: headings begin one, the setup cell and the exercises are left out."""
    first = cell.source.lstrip().splitlines()[0] if cell.source.strip() else ""
    if cell.cell_type == "code":
        return "skip" if first.startswith("# Setup, the same") or CHECKED.search(cell.source) else "-"
    if first.startswith(("# ", "## ")):
        return "slide"
    return "subslide" if first.startswith("### ") else "-"


def collect(folder, table):
    """Run every notebook below a folder, each in a fresh kernel, and store what `check` said of each exercise."""
    folder = Path(folder)
    paths = sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    if not paths:
        raise ValueError(f"folder={str(folder)!r}: there is no notebook; allowed is a folder with some")
    rows = []
    for path in paths:
        asked, said, problem = verdicts(path)
        row = {name: said.get(name, "missing") for name in sorted(asked)}
        rows.append({"file": str(path.relative_to(folder)), "problem": problem, **row})
        right = sum(value == "right" for value in row.values())
        print(f"{path.name}: {right} of {len(row)} right {problem}", flush=True)
    found = pd.DataFrame(rows)
    found = found[["file", "problem", *sorted(set(found) - {"file", "problem"})]]
    found.to_csv(table, index=False)
    return found


def verdicts(path, timeout=600):
    """Run a notebook; return the exercises that it checks, what was said of each, and what went wrong."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # whatever a submitted file holds
        return set(), {}, f"no notebook: {type(error).__name__}"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    asked = {name for cell in code for name in CHECKED.findall(cell.source)}
    for cell in code:
        cell.outputs = []  # only what this run prints counts
    client = NotebookClient(
        notebook, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": NOTEBOOKS}}, allow_errors=True
    )
    problem = ""
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError, RuntimeError) as error:
        problem = f"stopped: {type(error).__name__}"
    printed = "".join(
        output.get("text", "") for cell in code for output in cell.outputs if output.get("name") == "stdout"
    )
    return asked, dict(SAID.findall(printed)), problem


def empty_folder(path):
    """Make a folder; refuse one that holds anything."""
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    if any(path.iterdir()):
        raise ValueError(f"output={str(path)!r}: the folder is not empty; allowed is a new or an empty one")
    return path


def main(arguments=None):
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("blank", help="copies without outputs and solutions").add_argument("output")
    slides_parser = commands.add_parser("slides", help="slides, one HTML file for each notebook")
    slides_parser.add_argument("output")
    slides_parser.add_argument("notebooks", nargs="*")
    collect_parser = commands.add_parser("collect", help="run submissions and tabulate what check says")
    collect_parser.add_argument("folder")
    collect_parser.add_argument("table")
    options = parser.parse_args(arguments)
    try:
        if options.command == "blank":
            print(f"{len(blank(options.output))} notebooks in {options.output}")
        elif options.command == "slides":
            print(f"{len(slides(options.output, options.notebooks))} files in {options.output}")
        else:
            print(collect(options.folder, options.table).to_string(index=False))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
