"""The structure of the notebooks: what a reader relies on in every one of them. Nothing here runs a cell."""

import functools
import itertools
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import jupytext
import keras
import nbformat
import pandas as pd
import pytest
import yaml

from alexnet_helpers import __version__
from alexnet_helpers.exercises import EXERCISES
from tools import notebooks
from tools.links import links

ROOT = Path(__file__).resolve().parent.parent
CONTENTS = notebooks.NOTEBOOKS / notebooks.CONTENTS
LESSONS = notebooks.numbered()
SOLUTIONS = sorted((notebooks.NOTEBOOKS / "solutions").glob("*.ipynb"))

OPENING = ["What you'll do", "What you'll learn", "What you'll need"]
CLOSING = ["In practice", "Exercises", "Further reading"]
MAX_CODE_LINES = 25
MAX_BYTES = 2_000_000
# Notebooks from 11 on depend on the data set at hand and on training: there cells assert instead of being compared.
MAX_IGNORED = {"before 11": 0.15, "from 11": 0.6}
CHECK = re.compile(r"\bcheck\(\s*[\"'](\d\d\.\d+)[\"']")
# Put together here, so that this file does not name what it looks for.
PLACES = ["home", "root", "Users", "work", "mnt", "opt", "private", "var", "tmp", "content"]
MACHINE = re.compile(rf"(?<![\w.:/)])/(?:{'|'.join(PLACES)})/|[A-Z]:\\Users|\bat 0x[0-9a-f]{{6,}}|pypi\.or" + "g")

every_notebook = pytest.mark.parametrize(
    "path", notebooks.everything(), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


@functools.cache
def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def prose(path):
    """Return a notebook's Markdown without its code."""
    text = "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE))


def headings(path):
    """Return (level, text) of every heading."""
    return [(len(marks), text.strip()) for marks, text in re.findall(r"^(#{1,6}) (.+)$", prose(path), re.MULTILINE)]


def printed(cell):
    """Return all text that a cell's outputs show."""
    texts = ["".join(output.get("text", "") for output in cell.outputs)]
    for output in cell.outputs:
        texts += [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(texts)


# --- the path as a whole ---


def test_the_path_has_no_gap_and_every_notebook_has_its_solutions():
    assert CONTENTS.exists()
    assert [path.name[:3] for path in LESSONS] == [f"{number:02d}_" for number in range(1, len(LESSONS) + 1)]
    assert [path.name for path in SOLUTIONS] == [path.name for path in (CONTENTS, *LESSONS)]


def test_no_other_notebook_lies_about():
    found = {path for path in notebooks.NOTEBOOKS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts}
    assert found == set(notebooks.everything())


def test_the_contents_page_leads_to_every_lesson():
    found = links(prose(CONTENTS))
    assert [path.name for path in LESSONS if path.name not in found] == []


def test_all_notebooks_fetch_the_course_from_the_same_place():
    stamps = {str(path.relative_to(ROOT)): notebooks.stamped(read(path)) for path in LESSONS + SOLUTIONS}
    assert len(set(stamps.values())) == 1, f"run `make publish` once for all of them: {stamps}"
    everywhere = [prose(path) for path in LESSONS] + [prose(CONTENTS), (ROOT / "README.md").read_text("utf-8")]
    linked = {"colab.research.google.com" in text for text in everywhere}
    assert linked == {any(stamps.values())}, "a Colab link without `make publish`, or one that it left out"
    if repository := notebooks.repository():
        assert notebooks.colab_url(CONTENTS, repository) in everywhere[-1], "the README names another version"


# --- every notebook ---


@every_notebook
def test_the_stored_run_is_one_clean_run(path):
    assert [cell.execution_count for cell in code_cells(path)] == list(range(1, len(code_cells(path)) + 1))
    for cell in code_cells(path):
        assert [output for output in cell.outputs if output.output_type == "error"] == [], cell.source
        assert [output.text for output in cell.outputs if output.get("name") == "stderr"] == [], cell.source


@every_notebook
def test_no_text_has_slipped_into_a_code_cell(path):
    lines = [line for cell in code_cells(path) for line in cell.source.splitlines()]
    assert [line for line in lines if re.match(r"# ?(#+ |%%)|#$", line)] == []


@every_notebook
def test_nothing_points_to_one_machine(path):
    for cell in read(path).cells:
        shown = printed(cell) if cell.cell_type == "code" else ""
        found = MACHINE.search(cell.source) or MACHINE.search(shown)
        assert not found, f"{found[0]!r} in {cell.source[:200]!r}"


@every_notebook
def test_cells_are_short(path):
    long = [cell.source for cell in code_cells(path) if cell.source.count("\n") + 1 > MAX_CODE_LINES]
    assert long == []


@every_notebook
def test_figures_say_in_words_what_they_show(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            for kind in output.get("data", {}):
                if kind.startswith("image/"):
                    assert output.metadata.get(kind, {}).get("alt", "").strip(), f"no alt text: {cell.source}"
    markdown = prose(path)
    assert all(alt.strip() for alt in re.findall(r"!\[([^\]]*)\]\(", markdown))
    assert all(re.search(r"\balt=[\"'][^\"']", tag) for tag in re.findall(r"<img\b[^>]*>", markdown))


# Cells that draw pictures where CIFAR-10 is at hand, and none of its photos: averages, filters, maps, or Chelsea.
DRAW_NO_PHOTO_OF_CIFAR10 = {"11-145", "11-151", "12-131", "13-197", "13-206", "14-387", "14-345"}


@every_notebook
def test_no_image_of_cifar10_is_stored(path):
    loads = any("load_cifar10()" in cell.source for cell in code_cells(path))
    for cell in code_cells(path):
        if "showable(" in cell.source:
            assert "Photos that scikit-image ships stand in here" in printed(cell), "run it by tools/notebooks.py"
        elif "ALEXNET_SHOW_IMAGES" in cell.source:  # a chart, and photos behind it only where images may be shown
            assert sum("image/png" in output.get("data", {}) for output in cell.outputs) == 1, (
                "run it by tools/notebooks.py"
            )
        elif loads and re.search(r"\b(?:plot_images|imshow|matshow)\(", cell.source):
            assert cell.id in DRAW_NO_PHOTO_OF_CIFAR10, f"draw photos of CIFAR-10 through `showable`: {cell.source}"


@every_notebook
def test_headings_form_an_outline(path):
    levels = [level for level, _ in headings(path)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), headings(path)


@every_notebook
def test_every_column_of_a_table_has_a_name(path):
    # A screen reader reads a cell's column first; axe, in the browser's tests, asks for the same.
    headers = re.findall(r"^\|(.*)\|\n\|[-:| ]+\|$", prose(path), re.MULTILINE)
    assert [header for header in headers if "" in map(str.strip, header.split("|"))] == []


@every_notebook
def test_the_outputs_are_compared(path):
    tags = [set(cell.metadata.get("tags", [])) for cell in code_cells(path)]
    for cell, cell_tags in zip(code_cells(path), tags):
        assert "nbval-skip" not in cell_tags
        assert not re.search(r"#\s*(?:NBVAL|PYTEST_VALIDATE)_", cell.source), "say it by a tag"
    limit = MAX_IGNORED["before 11" if path.name < "11" else "from 11"]
    ignored = sum("nbval-ignore-output" in cell_tags for cell_tags in tags)
    assert ignored <= limit * len(tags), f"{ignored} of {len(tags)} code cells are not compared"


@every_notebook
def test_the_file_is_small_and_tidy(path):
    assert path.stat().st_size < MAX_BYTES
    notebook = read(path)
    assert notebook.metadata.kernelspec.name == "python3"
    # The tool leaves an already tidy notebook as it is.
    tidy = nbformat.read(path, as_version=4)
    notebooks.normalize(tidy, path, notebooks.repository())
    notebooks.navigate(tidy, path, notebooks.repository())
    assert tidy == notebook, "run `make notebooks`"


def test_slide_types_chosen_in_jupyterlab_are_kept_and_other_traces_are_not():
    path = ROOT / "notebooks" / "01_output_size_formula.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].metadata.update({"slideshow": {"slide_type": "skip"}, "editable": True})
    notebooks.normalize(notebook, path, "")
    assert notebook.cells[0].metadata == {"slideshow": {"slide_type": "skip"}}


def test_a_cell_keeps_its_id_for_life():
    path = ROOT / "notebooks" / "01_output_size_formula.ipynb"
    notebook, cell = nbformat.read(path, as_version=4), nbformat.v4.new_markdown_cell
    before = [one["id"] for one in notebook.cells]
    dropped = notebook.cells.pop(5)["id"]
    notebook.cells[2:2] = [cell("a new one"), cell("a copy", id=before[0])]
    notebooks.normalize(notebook, path, "")
    names = [one["id"] for one in notebook.cells]
    new = [names.pop(2), names.pop(2)]
    assert names == [name for name in before if name != dropped]
    assert not set(new) & set(before) and len(set(new)) == 2


def test_the_cells_of_a_script_take_over_the_ids_of_equal_cells():
    path = ROOT / "notebooks" / "01_output_size_formula.ipynb"
    notebook = nbformat.read(path, as_version=4)
    code = nbformat.v4.new_code_cell
    notebook.cells += [
        code("prediction = None", id="01-900"),
        code("print(1)", id="01-901"),
        code("prediction = None", id="01-902"),
    ]
    older = notebook.cells
    script = jupytext.reads(jupytext.writes(notebook, "py:percent"), "py:percent")
    assert not {one["id"] for one in script.cells} & {one["id"] for one in older}
    del script.cells[3]
    script.cells[4].source += " and more"
    notebooks.normalize(script, path, "", older)
    names, before = [one["id"] for one in script.cells], [one["id"] for one in older]
    changed = names.pop(4)
    assert changed not in before
    assert names == [name for name in before if name not in (before[3], before[5])]


@every_notebook
def test_colab_is_asked_for_a_gpu_where_one_pays(path):
    wanted = "GPU" if path.parent.name == "notebooks" and 10 <= int(path.stem[:2]) <= 16 else None
    assert read(path).metadata.get("accelerator") == wanted
    stored_anew = nbformat.from_dict({"cells": [], "metadata": {}})
    notebooks.normalize(stored_anew, path, "")
    assert stored_anew.metadata.get("accelerator") == wanted


# --- every lesson ---


@every_lesson
def test_the_anatomy(path):
    sections = [text for level, text in headings(path) if level == 2]
    assert [text.replace("\u2019", "'") for text in sections[:3]] == OPENING
    assert sections[-3:] == CLOSING
    assert len(sections) > len(OPENING + CLOSING), "there is no lesson between opening and closing"
    assert not set(sections[3:-3]) & {*OPENING, *CLOSING}


@every_lesson
def test_the_lesson_opens_and_closes_with_its_neighbours(path):
    position = LESSONS.index(path)
    expected = [p.name for p in (*LESSONS[max(position - 1, 0) : position], CONTENTS, *LESSONS[position + 1 :][:1])]
    lines = prose(path).strip().splitlines()
    opening = next(line for line in lines[1:] if line.strip())
    assert re.match(rf"\*\*Notebook {path.name[:2]}\*\* · about \d+ minutes · ", opening)
    for line in (opening, lines[-1], notebooks.links(path)):
        assert [target for target in links(line) if "colab" not in target] == expected


def only_sets_the_environment(cell):
    """Tell whether a cell chooses a backend and the like, which has to be done before Keras is imported."""
    lines = [line for line in cell.source.splitlines() if line]
    return lines[0] == "import os" and all(re.match(r"os\.environ\[.+\] = ", line) for line in lines[1:])


@pytest.mark.parametrize("path", LESSONS + SOLUTIONS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_setup_cell_comes_first_and_is_the_common_one(path):
    setups = [cell.source for cell in code_cells(path) if "sys.path" in cell.source or "load_keras" in cell.source]
    assert setups == [notebooks.setup(notebooks.stamped(read(path)))]
    first = next(cell for cell in code_cells(path) if not only_sets_the_environment(cell))
    assert first.source == setups[0]
    cells = read(path).cells
    before = "\n".join(cell.source for cell in cells[: cells.index(first)] if cell.cell_type == "markdown")
    if path in LESSONS:
        assert [text.replace("\u2019", "'") for text in re.findall(r"^## (.+)$", before, re.MULTILINE)] == OPENING


@every_lesson
def test_the_exercises_wait_for_an_answer_and_check_it(path):
    number = path.name[:2]
    asked = [cell for cell in code_cells(path) if CHECK.search(cell.source)]
    names = [name for cell in asked for name in CHECK.findall(cell.source)]
    assert 3 <= len(names) <= 5
    assert names == [f"{number}.{k}" for k in range(1, len(names) + 1)]
    assert names == sorted(name for name in EXERCISES if name.startswith(f"{number}."))
    assert [text for level, text in headings(path) if level == 3 and text.startswith("Exercise")] == [
        f"Exercise {name}" for name in names
    ]
    for name, cell in zip(names, asked):
        assert printed(cell) == f"Exercise {name}: no answer yet.\n"


@every_lesson
def test_the_solutions_solve_every_exercise(path):
    solutions = path.parent / "solutions" / path.name
    assert f"../{path.name}" in links(prose(solutions))
    assert headings(solutions)[0][1] == f"Solutions: {headings(path)[0][1]}"
    verdicts = re.findall(r"^Exercise (\S+): (.+)$", "\n".join(map(printed, code_cells(solutions))), re.MULTILINE)
    assert [name for name, _ in verdicts] == sorted(name for name in EXERCISES if name.startswith(f"{path.name[:2]}."))
    assert [verdict for _, verdict in verdicts if not verdict.startswith("right.")] == []


def test_every_exercise_is_asked():
    asked = {name for path in [CONTENTS, *LESSONS] for cell in code_cells(path) for name in CHECK.findall(cell.source)}
    assert set(EXERCISES) == asked


# --- Colab ---


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """Return a folder with a copy of the notebooks and the README, on which tools/notebooks.py works."""
    shutil.copytree(notebooks.NOTEBOOKS, tmp_path / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name in ("README.md", "CITATION.cff"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path / "notebooks")
    return tmp_path


def contents_of(folder):
    return {
        path: path.read_text("utf-8")
        for path in [folder / "README.md", folder / "CITATION.cff", *sorted(folder.rglob("*.ipynb"))]
    }


def test_make_publish_fills_in_every_address_and_takes_it_back(copy):
    assert notebooks.publish("none") is None
    plain = contents_of(copy)
    assert not any("colab.research" in text or "some-course" in text for text in plain.values())
    assert plain[copy / "README.md"].count("make publish REPO=owner/name") == 1
    assert plain[copy / "README.md"].count(f"git clone {notebooks.NO_ADDRESS} alexnet") == 1

    assert notebooks.publish("someone/some-course") is None
    stamped = contents_of(copy)
    for path, text in stamped.items():
        if "solutions" in path.parts or path.suffix == ".cff":
            continue
        name = notebooks.CONTENTS if path.name == "README.md" else path.name
        url = f"https://colab.research.google.com/github/someone/some-course/blob/v{__version__}/notebooks/{name}"
        assert text.count(url) == 1, path
    assert notebooks.repository() == "someone/some-course"
    for path in [*notebooks.numbered(), *(copy / "notebooks" / "solutions").glob("*.ipynb")]:
        assert notebooks.stamped(nbformat.read(path, as_version=4)) == "someone/some-course"
    longest = max(len(line) for line in notebooks.setup("someone/some-course").splitlines())
    assert longest <= 120
    title, opening, *_ = stamped[copy / "README.md"].split("\n\n")
    assert title.startswith("# ")
    assert opening.startswith("**[Read the course on the web](https://someone.github.io/some-course/)**")
    readme = stamped[copy / "README.md"]
    assert "\ngit clone https://github.com/someone/some-course alexnet\n" in readme
    assert "\n!git clone --depth=1 https://github.com/someone/some-course course\n" in readme
    assert notebooks.NO_ADDRESS not in readme and "make publish" not in readme
    citation = yaml.safe_load(stamped[copy / "CITATION.cff"])
    assert citation["repository-code"] == "https://github.com/someone/some-course"
    assert citation["url"] == "https://someone.github.io/some-course/"

    assert notebooks.publish("someone/some-course") is None
    assert contents_of(copy) == stamped
    assert notebooks.publish("else/other") is None
    assert not any("some-course" in text for text in contents_of(copy).values())
    assert notebooks.publish("none") is None
    assert contents_of(copy) == plain


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("git@github.com:someone/some.course.git", "someone/some.course"),
        ("https://github.com/someone/course", "someone/course"),
        ("https://example.org/someone/course.git", ""),
    ],
)
def test_make_publish_takes_the_repository_from_git(copy, address, name):
    subprocess.run(["git", "init", "--quiet", copy], check=True)
    subprocess.run(["git", "-C", copy, "remote", "add", "origin", address], check=True)
    assert notebooks.origin() == name
    refusal = notebooks.publish("")
    assert (refusal is None) == bool(name)
    assert refusal is None or "make publish REPO=owner/name" in refusal


@pytest.mark.parametrize(
    "name",
    ["course", "a/b/c", "/course", "owner/", "owner/..", "https://github.com/a/b", "-a/b", "a b/c", "ä/b", "a/b\n"],
)
def test_make_publish_refuses_what_is_no_repository(copy, name):
    before = contents_of(copy)
    assert notebooks.publish(name) == (
        f"REPO must be the owner and the name of a repository on GitHub, as in REPO=owner/name, got {name!r}"
    )
    assert contents_of(copy) == before


def test_the_site_of_an_owner_has_no_folder():
    assert notebooks.site_url("Someone/someone.github.io") == "https://someone.github.io/"


def run_setup(folder, source, colab):
    """Run the setup cell's search for the course in a fresh interpreter; return what the process wrote."""
    search = source[: source.index("import matplotlib")]
    begin = "import sys; sys.modules['google.colab'] = sys\n" if colab else ""
    command = [sys.executable, "-c", begin + search + "\nprint(course, Path.cwd())"]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=clean)


def test_the_setup_cell_finds_the_course_in_a_folder_above(tmp_path):
    inside = tmp_path / "notebooks" / "solutions"
    inside.mkdir(parents=True)
    (tmp_path / "alexnet_helpers").mkdir()
    assert run_setup(inside, notebooks.setup(), colab=False).stdout == f"{tmp_path} {inside}\n"


@pytest.mark.parametrize("colab", [False, True])
def test_the_setup_cell_says_what_to_do_without_the_course(tmp_path, colab):
    done = run_setup(tmp_path, notebooks.setup(), colab)
    assert done.stderr.rstrip().splitlines()[-1].startswith("ModuleNotFoundError: Clone the course")


def test_a_long_run_in_colab_keeps_its_files_on_google_drive(tmp_path, monkeypatch):
    (source,) = [
        cell.source
        for cell in code_cells(notebooks.NOTEBOOKS / "13_train_on_cifar10.ipynb")
        if "KEEP_ON_DRIVE = False" in cell.source
    ]
    google = types.ModuleType("google.colab")
    google.drive = types.SimpleNamespace(mount=lambda place: Path(place, "MyDrive").mkdir(parents=True))
    monkeypatch.setitem(sys.modules, "google.colab", google)
    asked = {}

    def train(recipe, data, **options):
        asked.update(options, recipe=recipe)
        return None, pd.DataFrame({"epoch": [1]})

    names = {"keras": keras, "training": types.SimpleNamespace(train=train), "data": None, "LONG_RUN": True}
    course = tmp_path / "course"
    exec(source.replace("KEEP_ON_DRIVE = False", "KEEP_ON_DRIVE = True"), names | {"course": course})
    assert asked["checkpoint_folder"] == asked["results_folder"] == tmp_path / "drive" / "MyDrive" / "alexnet"
    asked.clear()
    exec(source, names | {"course": course})
    has_gpu = bool(keras.distribution.list_devices("gpu"))
    kept = course / "data" / "checkpoints"  # the stored curves are not overwritten
    assert asked == {"recipe": "today_all", "mixed": has_gpu, "results_folder": kept}

    asked.clear()
    exec(source, names | {"LONG_RUN": False, "course": course})
    assert asked == {}


def test_the_setup_cell_fetches_the_course_once_in_colab(tmp_path):
    course, elsewhere = tmp_path / "course", tmp_path / "content"
    for name in ("alexnet_helpers", "notebooks"):
        (course / name).mkdir(parents=True)
        (course / name / "file").touch()
    elsewhere.mkdir()
    git = ["git", "-C", str(course), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    commit = ["commit", "--quiet", "--message=x"]
    for arguments in (["init", "--quiet"], ["add", "--all"], commit, ["tag", f"v{__version__}"]):
        subprocess.run([*git, *arguments], check=True)
    (course / "alexnet_helpers" / "newer").touch()  # comes after this version
    for arguments in (["add", "--all"], commit):
        subprocess.run([*git, *arguments], check=True)
    source = notebooks.setup("someone/course").replace("https://github.com/someone/course", course.as_uri())

    (elsewhere / "course-v0.9").mkdir()  # of a notebook that is older
    fetched = elsewhere / f"course-v{__version__}"
    found = f"{fetched} {fetched / 'notebooks'}\n"
    assert run_setup(elsewhere, source, colab=True).stdout == found
    assert [path.name for path in (fetched / "alexnet_helpers").iterdir()] == ["file"]
    shutil.rmtree(course)
    assert run_setup(elsewhere, source, colab=True).stdout == found
    assert "ModuleNotFoundError" in run_setup(tmp_path, source, colab=False).stderr
