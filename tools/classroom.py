"""Make copies of the notebooks for a class.

python tools/classroom.py blank OUTPUT      the notebooks without outputs, and without the solutions
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import nbformat

from alexnet_helpers import checks

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
LESSONS = "[0-9][0-9]_*.ipynb"  # the contents page and the path, but no Untitled.ipynb
CLAUSE = r"(?:[^.;\n]|\.(?=\w))*"  # the full stop in a file's name does not end it
ABOUT_SOLUTIONS = re.compile(rf"[.;] {CLAUSE}(?:`solutions`|\]\(solutions/){CLAUSE}")


def blank(output):
    """Write every notebook of the path without outputs; the solutions, and what is said of them, are left out."""
    from nbconvert.preprocessors import ClearOutputPreprocessor

    output = empty_folder(output)
    for path in sorted(NOTEBOOKS.glob(LESSONS)):
        notebook, _ = ClearOutputPreprocessor().preprocess(nbformat.read(path, as_version=4), {})
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = ABOUT_SOLUTIONS.sub("", cell.source)
        nbformat.write(notebook, output / path.name)
    for file in (*NOTEBOOKS.glob("*.png"), *NOTEBOOKS.glob("*.md")):
        shutil.copy(file, output)
    return sorted(output.glob("*.ipynb"))


def empty_folder(path):
    """Make a folder; refuse one that holds anything."""
    path = checks.path("output", path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        what = "which is not empty" if path.is_dir() else "which is a file"
        raise ValueError(f"output must be a new folder, got {str(path)!r}, {what}: remove it, or name another")
    path.mkdir(parents=True, exist_ok=True)
    return path


def main(arguments=None):
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("blank", help="copies without outputs and solutions").add_argument("output")
    options = parser.parse_args(arguments)
    try:
        print(f"{len(blank(options.output))} notebooks in {options.output}")
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
