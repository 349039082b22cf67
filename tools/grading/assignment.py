"""Make a course folder for nbgrader out of notebooks of the course, with held-back variants of their exercises."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import numpy as np

from alexnet_helpers import checks
from alexnet_helpers.exercises import EXERCISES
from alexnet_helpers.exercises.values import as_texts
from tools.grading import judge, variants

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = ROOT / "notebooks"
CHECK = re.compile(r"^check\(\"(\d\d\.\d)\", (\w+)\)[ ]*(?:#.*)?$")
OPEN = re.compile(
    r"^(?:### (?:Find out|Open question|A question to pursue)|An open one, without a check)", re.MULTILINE
)
DETAILS = re.compile(r"<details>.*?</details>\s*", re.DOTALL)
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)([^)#]*)(?:#[^)]*)?\)")
CLAUSE = r"(?:[^.;\n]|\.(?=\w))*"  # the full stop in a file's name does not end it
ABOUT_SOLUTIONS = re.compile(rf"(?:(?<=[.;:])|^) ?{CLAUSE}(?:`solutions`|\]\(solutions/){CLAUSE}[.;]?", re.MULTILINE)
POINTS = {"value": 1, "function": 2, "open": 2}
LEFT_OUT = shutil.ignore_patterns("__pycache__", "checkpoints", "cifar-10*", "*.lock", "*.part", "alexnet_imagenet.npz")
CONFIGURATION = """\
# Written by `make assignment`: nbgrader's settings for this course folder.
import sys
from pathlib import Path

sys.path.insert(0, {root!r})
c = get_config()
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.course_id = "alexnet"
c.ClearSolutions.code_stub = {{"python": "# your answer"}}
c.ClearSolutions.text_stub = "Your answer:"
c.OverwriteCells.add_missing_cells = True
# The students' code runs behind a fence, and is judged outside of it.
c.Autograde.autograde_preprocessors = [
    "tools.grading.plugins.RunApart",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.ClearHiddenTests",  # the seed is in them
    "nbgrader.preprocessors.GetGrades",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
c.ZipCollectApp.extractor_plugin = "tools.grading.plugins.Extractor"
c.ZipCollectApp.collector_plugin = "tools.grading.plugins.Collector"
c.ExportApp.plugin_class = "tools.grading.plugins.Grades"
c.HTMLExporter.sanitize_html = True  # what a student writes is shown, and does nothing
"""
README = """\
# {name}

An assignment from the course "AlexNet, layer by layer". You need Python 3.11 to 3.13; in this folder:

    python -m venv .venv
    .venv/bin/python -m pip install --require-hashes -r requirements.lock
    .venv/bin/python -m jupyterlab

(On Windows: `.venv\\Scripts\\python`.) Work through {notebooks}, and put your answers into the cells that say so.
`check` tells you whether an answer has the right form; whether it is right you learn when it has been graded. You may
add cells. Before you hand in: *Kernel › Restart Kernel and Run All Cells*, look whether it runs through, save, and
upload the notebook under the name that it has. Nothing else is needed.
"""


def exercises_of(path):
    """Return the number of the first cell of a notebook's exercises."""
    cells = nbformat.read(path, as_version=4).cells
    return next(n for n, cell in enumerate(cells) if re.search(r"^## Exercises", cell.source, re.MULTILINE))


def source_notebook(path, seed, points):
    """Return the source version of a notebook: its exercises varied, marked for nbgrader, and solved."""
    notebook = nbformat.read(path, as_version=4)
    first = next(n for n, cell in enumerate(notebook.cells) if re.search(r"^## Exercises", cell.source, re.MULTILINE))
    result, waiting = [_lesson_cell(cell) for cell in notebook.cells[:first]], []
    for cell in notebook.cells[first:]:
        if cell.cell_type == "code" and any(map(CHECK.match, cell.source.splitlines())):
            result += _exercises(waiting, cell, seed, points, _solutions(path))
            waiting = []
        else:
            waiting.append(cell)
    exercises = (result + waiting)[first:]
    count = iter("abcdefgh")
    asked = [_with_open_question(cell, path.stem[:2], count, points) for cell in exercises]
    notebook.cells = [*result[:first], *(cell for cells in asked for cell in cells)]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = without_dead_links(ABOUT_SOLUTIONS.sub("", cell.source))
        else:
            cell.outputs, cell.execution_count = [], None
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def _lesson_cell(cell):
    if cell.cell_type == "code" and cell.source.startswith("# Setup, the same"):
        return _marked(cell, "setup", locked=True)
    return cell


def _marked(cell, grade_id, **marks):
    """Give a cell nbgrader's metadata."""
    marks = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3} | marks
    cell.metadata["nbgrader"] = marks | {"grade_id": grade_id}
    return cell


def _solutions(path):
    """Return the code that answers each exercise, from the notebook with the solutions."""
    file = path.parent / "solutions" / path.name
    found = {}
    for cell in nbformat.read(file, as_version=4).cells if file.exists() else []:
        for line in cell.source.splitlines() if cell.cell_type == "code" else []:
            if match := re.match(r"check\(\"(\d\d\.\d)\"", line):
                lines = [one for one in cell.source.splitlines() if not one.startswith(("check(", "print("))]
                found[match[1]] = "\n".join(lines).strip()
    return found


def _exercises(questions, code, seed, points, solutions):
    """Return the cells of the exercises in one code cell: question, answer, graded cell, and what follows."""
    names = [match[1] for match in map(CHECK.match, code.source.splitlines()) if match]
    made = {name: variants.variant(name, seed) for name in names if name in variants.GENERATORS}
    changed = _change([*questions, code], [change for one in made.values() for change in one.changes])
    for question in questions:
        question.source = DETAILS.sub("", question.source)
        if names and re.search(rf"Exercises? {names[0]}|^### ", question.source, re.MULTILINE):
            _marked(question, f"question-{names[0].replace('.', '-')}-{questions.index(question)}", locked=True)
    result, lines = list(questions), []
    for line in changed[-1].source.splitlines():
        if not (match := CHECK.match(line)):
            lines.append(line)
            continue
        name, variable = match.groups()
        solution = solutions.get(name, "")
        if name in made and made[name].solution:
            value = not callable(EXERCISES[name].right)
            solution = f"{variable} = {made[name].solution}" if value else made[name].solution
        result += _answer_and_test(name, variable, "\n".join(lines).strip(), solution, seed, points)
        lines = []
    if "\n".join(lines).strip():
        result.append(nbformat.v4.new_code_cell("\n".join(lines).strip()))
    return result


def _change(cells, changes):
    """Make each change once; a text that has become another one is an error, not a question with the old numbers."""
    for old, new in changes:
        holding = [cell for cell in cells if old in cell.source]
        if len(holding) != 1 or holding[0].source.count(old) != 1:
            raise ValueError(f"a text to vary must stand in its exercise once, got {old!r}, {len(holding)} times")
        holding[0].source = holding[0].source.replace(old, "\0".join(new))  # so that no later change finds it
    for cell in cells:
        cell.source = cell.source.replace("\0", "")
    return cells


def _answer_and_test(name, variable, stub, solution, seed, points):
    kind = "function" if callable(EXERCISES[name].right) else "value"
    ending = name.replace(".", "-")
    answer = nbformat.v4.new_code_cell(
        f"{stub}\n### BEGIN SOLUTION\n{solution}\n### END SOLUTION", id=f"answer-{ending}"
    )
    hidden = judge.hidden_line(name, variable, seed)
    test = f'check("{name}", {variable})\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS'
    test = nbformat.v4.new_code_cell(test, id=f"test-{ending}")
    worth = points.get(name, points[kind])
    return [
        _marked(answer, f"answer-{ending}", solution=True),
        _marked(test, f"test-{ending}", grade=True, locked=True, points=worth),
    ]


def _with_open_question(cell, number, count, points):
    """Put a cell for an answer in words behind an open question, to be graded by hand."""
    if cell.cell_type != "markdown" or not points["open"] or not OPEN.search(cell.source):
        return [cell]
    question, *after = re.split(r"^(?=## )", DETAILS.sub("", cell.source), maxsplit=1, flags=re.MULTILINE)
    cell.source, number = question, number + next(count)
    answer = nbformat.v4.new_markdown_cell("Your answer:", id=f"open-{number}")
    _marked(answer, f"open-{number}", grade=True, solution=True, points=points["open"])
    return [_marked(cell, f"question-open-{number}", locked=True), answer, *map(nbformat.v4.new_markdown_cell, after)]


def without_dead_links(text):
    """Turn links to other files of the course into text: the students do not have them."""
    return LINK.sub(lambda link: link[0] if link[2].endswith(".png") else link[1], text)


def form_of(right):
    """Return what `check` may say of an answer before it is graded."""
    if callable(right):
        return {"kind": "function"}
    if as_texts(right) is not None:
        return {"kind": "text"}
    array = np.squeeze(np.asarray(right))
    return {"kind": "truth" if array.dtype == bool else "numbers", "shape": list(array.shape)}


def parse_points(text):
    """Return the points of exercises, such as "04.1=1 04.3=3 open=0"."""
    points = dict(POINTS)
    for part in text.split():
        name, _, worth = part.partition("=")
        if name not in {*POINTS, *EXERCISES} or not re.fullmatch(r"\d+(\.\d+)?", worth):
            raise ValueError(f"points must be like 04.1=2, or value=1, function=2, open=0, got {part!r}")
        points[name] = float(worth)
    return points


def make(course, name, paths, seed="", points=""):
    """Write source and release of an assignment into a course folder, and the release as a ZIP."""
    course, worth = Path(course).resolve(), parse_points(points)
    if not re.fullmatch(r"\w[\w-]*", name):
        raise ValueError(f"name must be made of letters, digits, _ and -, got {name!r}")
    paths = [_notebook(path) for path in paths]
    source, release = course / "source" / name, course / "release" / name
    if source.exists() or release.exists():
        raise ValueError(
            f"name must be a new assignment, got {name!r}, which is in {course}: remove it, or name another"
        )
    seed = str(seed) or str(secrets.randbelow(10**9))
    versions = {path.stem: source_notebook(path, seed, worth) for path in paths}
    source.mkdir(parents=True)
    for stem, notebook in versions.items():
        nbformat.write(notebook, source / f"{stem}.ipynb")
    for picture in NOTEBOOKS.glob("*.png"):
        shutil.copy(picture, source)
    (course / "nbgrader_config.py").write_text(CONFIGURATION.format(root=str(ROOT)), "utf-8")
    (source / "SEED.txt").write_text(f"{seed}\n", "utf-8")
    nbgrader(course, "generate_assignment", name, "--force")
    (release / "SEED.txt").unlink()
    complete(release, name, versions)
    return source, release, pack(release, course / f"{name}.zip")


def _notebook(path):
    path = checks.path("notebooks", path)
    path = path if path.exists() else NOTEBOOKS / path
    if not path.is_file() or path.suffix != ".ipynb":
        raise ValueError(f"notebooks must be files of the course, such as 04_max_pooling.ipynb, got {str(path.name)!r}")
    return path


def nbgrader(course, *arguments):
    """Run a command of nbgrader in a course folder, with its settings and none of the account's."""
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # alembic is one
    own = {"PATH": programs, "JUPYTER_CONFIG_DIR": str(course / ".jupyter"), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=course, env=os.environ | own, capture_output=True, text=True)
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise ValueError(f"nbgrader {arguments[0]} must end well, got:\n{last}")
    return done


def complete(release, name, versions):
    """Add to a release what its notebooks need: the helpers without any answer, and the data."""
    shutil.copytree(ROOT / "alexnet_helpers", release / "alexnet_helpers", ignore=LEFT_OUT)
    shutil.rmtree(release / "alexnet_helpers" / "exercises")
    exercises = release / "alexnet_helpers" / "exercises"
    exercises.mkdir()
    shutil.copy(Path(__file__).with_name("taken.py"), exercises / "__init__.py")
    asked = [judge.hidden_test(cell.source) for notebook in versions.values() for cell in notebook.cells]
    forms = {test[0]: form_of(variants.entry(test[0], test[2]).right) for test in asked if test}
    (exercises / "forms.json").write_text(json.dumps(forms, indent=1), "utf-8")
    shutil.copytree(ROOT / "data", release / "data", ignore=LEFT_OUT)
    shutil.copy(ROOT / "requirements.lock", release)
    shutil.copy(ROOT / "LICENSE", release)
    names = variants.numbered(f"`{stem}.ipynb`" for stem in versions)
    (release / "README.md").write_text(README.format(name=name, notebooks=names), "utf-8")


def pack(folder, file):
    """Write a folder as a ZIP, with its own name in front."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent))
    return file
