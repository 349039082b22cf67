"""Make copies of the notebooks for a class, and collect what a class has done.

    python tools/classroom.py blank OUTPUT      the notebooks without outputs, and without the solutions
    python tools/classroom.py collect FOLDER TABLE           run all notebooks in FOLDER, store what `check` said as CSV

`collect` runs the programs of others: do that in a container.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path

import nbformat
import pandas as pd
from nbclient import NotebookClient

from alexnet_helpers import checks
from alexnet_helpers.data import FOLDER as CIFAR_10

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
LESSONS = "[0-9][0-9]_*.ipynb"  # the contents page and the path, but no Untitled.ipynb
CHECKED = re.compile(r"check\(\s*[\"'](\d\d\.\d)[\"']")
SAID = re.compile(r"^Exercise (\d\d\.\d): (right|not yet|no answer)", re.MULTILINE)
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
    for picture in NOTEBOOKS.glob("*.png"):
        shutil.copy(picture, output)
    return sorted(output.glob("*.ipynb"))


def collect(folder, table):
    """Run every notebook below a folder, each in a fresh kernel, and store what `check` said of each exercise."""
    paths, table = submissions(folder), new_file(table)
    folder, rows = checks.path("folder", folder), []
    for path in paths:
        asked, said, problem = verdicts(path)
        row = {name: said.get(name, "missing") for name in sorted(asked)}
        right = sum(value == "right" for value in row.values())
        rows.append({"file": no_formula(writable(path.relative_to(folder))), "problem": problem, **row})
        print(f"{rows[-1]['file']}: {right} of {len(row)} right {problem}", flush=True)
        found = store(rows, table)
    return found


def submissions(folder):
    """Return the notebooks below a folder."""
    needed = "a folder with notebooks (make collect FROM=folder)"
    if not str(folder):  # what Make passes on without FROM would be the working folder
        checks.refuse("folder", needed, folder)
    found = checks.path("folder", folder).rglob("*.ipynb")
    paths = sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)
    if not paths:
        raise ValueError(f"folder must be {needed}, got {str(folder)!r}, where there is none")
    return paths


def new_file(table):
    """Return the path of the table; refuse one that exists, or that cannot be written."""
    if not str(table):
        checks.refuse("table", "the name of a new CSV file (make collect TO=table.csv)", table)
    path = checks.path("table", table)
    if os.path.lexists(path):
        raise ValueError(f"table must be a new file, got {str(table)!r}, which exists: remove it, or name another")
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        needed = "a new file in a folder that exists and can be written to"
        raise ValueError(f"table must be {needed}, got {str(table)!r} ({error.strerror})") from error
    return path


def store(rows, table):
    """Write the table under a temporary name first, so that a crash leaves the one before it whole."""
    found = pd.DataFrame(rows)
    found = found[["file", "problem", *sorted(set(found) - {"file", "problem"})]]
    unfinished = table.with_name(f"{table.name}.part")
    found.to_csv(unfinished, index=False)
    os.replace(unfinished, table)
    return found


def verdicts(path, timeout=600):
    """Run a notebook; return the exercises that it checks, what was said of each, and what went wrong."""
    if path.is_symlink() or not path.is_file():  # a link shows what lies elsewhere, a pipe never ends
        return set(), {}, f"no notebook: {'a link' if path.is_symlink() else 'not a file'}"
    try:
        notebook = nbformat.read(path, as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        asked = {name for cell in code for name in CHECKED.findall(cell.source)}
        for cell in code:
            cell.outputs = []  # only what this run prints counts
    except Exception as error:  # whatever a submitted file holds, the others count
        return set(), {}, f"no notebook: {one_line(type(error).__name__, error)}"
    stopped = ""
    try:
        run(notebook, timeout)
    except Exception as error:  # what was printed before counts
        stopped = f"stopped: {one_line(type(error).__name__, error)}"
    printed = "".join(
        output.get("text", "") for cell in code for output in cell.outputs if output.get("name") == "stdout"
    )
    return asked, dict(SAID.findall(printed)), stopped or first_error(code)


def run(notebook, timeout):
    """Run a notebook in a copy of the course that only it sees, so that nothing of the teacher's is written to."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as course:
        left_out = shutil.ignore_patterns("checkpoints", "cifar-10*")
        for name in ("alexnet_helpers", "data"):
            shutil.copytree(ROOT / name, Path(course, name), ignore=left_out)
        working_folder = Path(course, "notebooks")
        working_folder.mkdir()
        # With PYTHONPATH an import finds the copy before the installed course, even without the setup cell.
        settings = os.environ | {"ALEXNET_OFFLINE": "1", "PYTHONPATH": course}
        if not settings.get("ALEXNET_DATA") and (ROOT / "data" / CIFAR_10).is_dir():
            settings["ALEXNET_DATA"] = str(ROOT / "data")  # which is only read
        client = NotebookClient(
            notebook,
            timeout=timeout,
            startup_timeout=180,  # on a busy machine a kernel takes its time
            kernel_name="python3",
            resources={"metadata": {"path": str(working_folder)}},
            allow_errors=True,
        )
        client.execute(env=settings)


def first_error(code):
    """Return what the first cell raised that was not meant to, with its number among the code cells, or ""."""
    for number, cell in enumerate(code, 1):
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                return f"cell {number}: {one_line(output.ename, output.evalue)}"
    return ""


def one_line(name, message):
    """Return an error as one line for the table."""
    return writable(textwrap.shorten(f"{name}: {message}", 200).removesuffix(":"))


def writable(text):
    """Return a text that every file and terminal can show: names out of a foreign archive may hold anything."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in str(text))


def no_formula(text):
    """Return a text that a spreadsheet shows as it is: it would compute one like =HYPERLINK(...) when it is opened."""
    return f"'{text}" if text.lstrip().startswith(tuple("=+-@＝＋－＠")) else text


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
    collect_parser = commands.add_parser("collect", help="run submissions and tabulate what check says")
    collect_parser.add_argument("folder")
    collect_parser.add_argument("table")
    options = parser.parse_args(arguments)
    try:
        if options.command == "blank":
            print(f"{len(blank(options.output))} notebooks in {options.output}")
        else:
            print(collect(options.folder, options.table).to_string(index=False))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
