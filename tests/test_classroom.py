"""What a teacher uses: copies for students, and the collection of results."""

import json
import os
import shutil
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from tools import classroom, links, notebooks

ROOT = Path(__file__).resolve().parent.parent
LESSON = "01_output_size_formula.ipynb"
SETUP = "from alexnet_helpers.exercises import check"


def notebook_of(*sources):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def text_notebook(path, *sources):
    cells = [nbformat.v4.new_markdown_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


# --- copies for students ---


def test_students_copies_hold_every_notebook_without_outputs_and_no_solution(tmp_path):
    written = classroom.blank(tmp_path / "students")
    originals = [notebooks.NOTEBOOKS / notebooks.CONTENTS, *notebooks.numbered()]
    assert [path.name for path in written] == [path.name for path in originals]
    for path, original in zip(written, originals):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        for cell, before in zip(notebook.cells, nbformat.read(original, as_version=4).cells, strict=True):
            about_solutions = "](solutions/" in before.source or "`solutions`" in before.source
            assert (cell.source == before.source) != about_solutions
            assert "solutions/" not in cell.source and "`solutions`" not in cell.source
            assert not cell.get("outputs") and not cell.get("execution_count")


def test_a_notebook_that_is_no_lesson_is_not_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(classroom, "NOTEBOOKS", tmp_path)
    for name in ("00_contents.ipynb", LESSON, "Untitled.ipynb"):
        text_notebook(tmp_path / name, "# Title")
    assert [path.name for path in classroom.blank(tmp_path / "blank")] == ["00_contents.ipynb", LESSON]


def test_only_the_clause_about_solutions_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(classroom, "NOTEBOOKS", tmp_path)
    text = "Run it. [The solutions](solutions/01_a.ipynb) are elsewhere. Go on; the folder `solutions` has all.\n\nEnd."
    text_notebook(tmp_path / LESSON, text)
    (copy,) = classroom.blank(tmp_path / "blank")
    assert nbformat.read(copy, as_version=4).cells[0].source == "Run it. Go on.\n\nEnd."


def test_no_link_is_dead_where_the_copies_are_used(tmp_path):
    """That is the folder notebooks/ of a clone, here one without solutions."""
    left_out = shutil.ignore_patterns(".*", "build", "notebooks", "checkpoints", "cifar-10*")
    shutil.copytree(ROOT, tmp_path / "clone", ignore=left_out)
    written = classroom.blank(tmp_path / "clone" / "notebooks")
    pages = links.texts(tmp_path / "clone")
    assert set(written) < set(pages)
    assert [line for line in links.dead(pages) if line.startswith(str(tmp_path / "clone" / "notebooks"))] == []


@pytest.mark.parametrize("write", [classroom.blank, classroom.empty_folder])
def test_a_folder_with_something_in_it_is_not_written_to(tmp_path, write):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(
        ValueError, match=r"output must be a new folder, got .*, which is not empty: remove it, or name"
    ):
        write(tmp_path)
    with pytest.raises(ValueError, match=r"output must be a new folder, got .*mine\.txt', which is a file: remove it"):
        write(tmp_path / "mine.txt")
    for no_path in (None, 3, "", ["a"]):
        with pytest.raises(ValueError, match="output must be the path of a file or folder, got "):
            write(no_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


# --- results ---


def test_results_of_a_class_become_a_table(tmp_path, capsys):
    folder = tmp_path / "submissions"
    (folder / "ada").mkdir(parents=True)
    nbformat.write(notebook_of(SETUP, 'check("14.1", 49)', 'check("14.2", 0.5)'), folder / "ada" / "=13.ipynb")
    meant = nbformat.v4.new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]})
    raising = notebook_of(SETUP, "import nowhere", 'check("14.1", None)', 'if False:\n    check("14.2", 0.4)')
    raising.cells[3].outputs = [nbformat.v4.new_output("stream", name="stdout", text="Exercise 14.2: right.\n")]
    raising.cells[:0] = [nbformat.v4.new_markdown_cell("Text is not counted."), meant]
    nbformat.write(raising, folder / "=SUM(A1).ipynb")
    nbformat.write(notebook_of("import os\nos._exit(1)", 'check("14.1", 49)'), folder / "killed.ipynb")
    table = classroom.collect(folder, tmp_path / "table.csv").set_index("file")
    assert table.index.tolist() == ["'=SUM(A1).ipynb", "ada/=13.ipynb", "killed.ipynb"]
    assert table.loc["ada/=13.ipynb", ["problem", "14.1", "14.2"]].tolist() == ["", "right", "not yet"]
    # An output of an earlier run does not count.
    assert table.loc["'=SUM(A1).ipynb", ["14.1", "14.2"]].tolist() == ["no answer", "missing"]
    assert table.loc["'=SUM(A1).ipynb", "problem"] == "cell 3: ModuleNotFoundError: No module named 'nowhere'"
    assert table.loc["killed.ipynb", "problem"].startswith("stopped: DeadKernelError")
    assert table.loc["killed.ipynb", "14.1"] == "missing"
    assert len(pd.read_csv(tmp_path / "table.csv")) == 3
    counts = [line.partition(": ")[2][:12] for line in capsys.readouterr().out.splitlines()]
    assert counts == ["0 of 2 right", "1 of 2 right", "0 of 1 right"]


def test_an_odd_submission_is_a_row_and_the_others_count(tmp_path, monkeypatch):
    def notebook(*cells):
        return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})

    folder, code = tmp_path / "folder", {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    folder.mkdir()
    odd = {
        "a": "not a notebook",
        "b": "[]",
        "c": notebook(code),  # without source
        "d": notebook({**code, "source": 1}),
        "e": notebook({"cell_type": "code", "source": "1"}),
    }
    for name, text in odd.items():
        (folder / f"{name}.ipynb").write_text(text)
    (folder / "f.ipynb").mkdir()
    nbformat.write(notebook_of(SETUP, 'check("14.1", 49)'), folder / "g.ipynb")
    monkeypatch.setattr(classroom, "run", lambda notebook, timeout: None)
    table = classroom.collect(folder, tmp_path / "table.csv").set_index("file")
    assert table["14.1"].dropna().to_dict() == {"g.ipynb": "missing"}
    expected = ["no notebook: NotJSONError", "no notebook: ", "no notebook: AttributeError", "no notebook: TypeError"]
    expected += ["no notebook: ValidationError", "no notebook: not a file", ""]
    for (file, problem), what in zip(table["problem"].items(), expected, strict=True):
        assert problem.startswith(what) and bool(problem) == bool(what), file
        assert len(problem) < 250 and "\n" not in problem


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among its files, and links need a right")
def test_links_and_pipes_are_not_read(tmp_path):
    nbformat.write(notebook_of('check("14.1", 49)'), tmp_path / "real.ipynb")
    for name, target in {"link": "real.ipynb", "dead": "nowhere.ipynb"}.items():
        (tmp_path / f"{name}.ipynb").symlink_to(tmp_path / target)
        assert classroom.verdicts(tmp_path / f"{name}.ipynb") == (set(), {}, "no notebook: a link")
    os.mkfifo(tmp_path / "pipe.ipynb")
    assert classroom.verdicts(tmp_path / "pipe.ipynb") == (set(), {}, "no notebook: not a file")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", ' =HYPERLINK("http://a.b";"c")', "＝1"])
def test_a_spreadsheet_computes_no_file_name(name):
    assert classroom.no_formula(name) == f"'{name}"
    assert classroom.no_formula(f"a{name}") == f"a{name}"


def test_a_name_that_no_file_can_hold_is_spelled_out():
    assert classroom.writable("M\udcfcller.ipynb") == "M\\udcfcller.ipynb"
    assert classroom.writable("Müller 1.ipynb") == "Müller 1.ipynb"
    assert classroom.writable("a\n\x1b[31m\tb") == "a\\n\\x1b[31m\\tb"  # nor give a terminal an order


def test_a_notebook_that_never_ends_is_stopped(tmp_path):
    path = tmp_path / "endless.ipynb"
    # Without an import, which may take its time: the limit is one for each cell.
    said_before = "print('Exercise 14.1: right.')  # check('14.1', 49)"
    nbformat.write(notebook_of(said_before, "while True:\n    pass"), path)
    asked, said, problem = classroom.verdicts(path, timeout=5)
    assert (asked, said) == ({"14.1"}, {"14.1": "right"})
    assert problem.startswith("stopped: CellTimeoutError: A cell timed out")


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Make a teacher's checkout with CIFAR-10 and a checkpoint."""
    root = tmp_path / "course"
    shutil.copytree(ROOT / "alexnet_helpers", root / "alexnet_helpers")
    for name in ("results/curve.csv", "checkpoints/long.npz", "cifar-10-batches-bin/data_batch_1.bin"):
        (root / "data" / name).parent.mkdir(parents=True)
        (root / "data" / name).write_text("the teacher's")
    (root / "notebooks").mkdir()
    monkeypatch.setattr(classroom, "ROOT", root)
    monkeypatch.setattr(classroom, "NOTEBOOKS", root / "notebooks")
    monkeypatch.delenv("ALEXNET_OFFLINE", raising=False)  # tests have it
    monkeypatch.delenv("ALEXNET_DATA", raising=False)
    return root


def test_a_submission_sees_and_writes_nothing_of_the_teachers_or_of_another(course, monkeypatch, tmp_path):
    files = sorted(path for path in course.rglob("*") if path.suffix != ".pyc")
    notebook = notebook_of(
        "import os\nfrom alexnet_helpers import data\n"
        "print(os.environ['ALEXNET_OFFLINE'], os.listdir(), sorted(os.listdir(data.DATA_FOLDER)))\n"
        "print(data._find(data._roots()), os.environ['ALEXNET_DATA'])",
        # Not by way of data.DATA_FOLDER: should this test fail, that is the checkout's.
        "open('drawing.png', 'w').close()\nos.mkdir('../data/checkpoints')\n"
        "open('../data/checkpoints/mine.npz', 'w').close()\nos.remove('../data/results/curve.csv')",
    )
    for elsewhere in (None, tmp_path / "elsewhere"):  # data that a teacher keeps in another place stay there
        if elsewhere:
            shutil.copytree(course / "data", elsewhere)
            monkeypatch.setenv("ALEXNET_DATA", str(elsewhere))
        classroom.run(notebook, timeout=600)
        assert [output.output_type for cell in notebook.cells for output in cell.outputs] == ["stream"]
        place = elsewhere or course / "data"
        seen = f"1 [] ['results']\n{place / 'cifar-10-batches-bin'} {place}\n"
        assert notebook.cells[0].outputs[0].text == seen
        assert sorted(path for path in course.rglob("*") if path.suffix != ".pyc") == files


def test_after_a_crash_the_table_has_what_was_done(tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        nbformat.write(notebook_of("1"), tmp_path / f"{name}.ipynb")

    def crash_at_c(path):
        if path.stem == "c":
            raise KeyboardInterrupt
        return {"14.1"}, {"14.1": "right"}, ""

    monkeypatch.setattr(classroom, "verdicts", crash_at_c)
    with pytest.raises(KeyboardInterrupt):
        classroom.collect(tmp_path, tmp_path / "table.csv")
    assert pd.read_csv(tmp_path / "table.csv")["file"].tolist() == ["a.ipynb", "b.ipynb"]
    assert not list(tmp_path.glob("*.part"))


def test_a_crash_while_the_table_is_written_leaves_the_one_before(tmp_path, monkeypatch):
    table = tmp_path / "table.csv"
    classroom.store([{"file": "a", "problem": ""}], table)

    def crash(self, file, **_):
        Path(file).write_text("half a ta")
        raise OSError("the disk is full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", crash)
    with pytest.raises(OSError, match="full"):
        classroom.store([{"file": "a", "problem": ""}, {"file": "b", "problem": ""}], table)
    assert pd.read_csv(table)["file"].tolist() == ["a"]


@pytest.mark.parametrize(
    ("folder", "table", "said"),
    [
        ("", "new.csv", "folder must be a folder with notebooks .make collect FROM=folder., got ''"),
        ("empty", "new.csv", "folder must be a folder with notebooks .*, got 'empty', where there is none"),
        ("nowhere", "new.csv", "folder must be a folder with notebooks .*, got 'nowhere', where there is none"),
        ("full", "", "table must be the name of a new CSV file .make collect TO=table.csv., got ''"),
        ("full", "old.csv", "table must be a new file, got 'old.csv', which exists: remove it, or name another"),
        ("full", "empty", "table must be a new file, got 'empty', which exists"),
        ("full", "nowhere/new.csv", "table must be a new file in .*, got 'nowhere/new.csv' .No such file or directory"),
        ("full", "old.csv/new.csv", "table must be a new file in .*, got 'old.csv/new.csv' .Not a directory"),
    ],
)
def test_what_to_collect_and_where_to_is_checked_before_anything_runs(tmp_path, monkeypatch, folder, table, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(classroom, "verdicts", lambda path: pytest.fail("it ran"))
    Path("empty").mkdir()
    Path("full").mkdir()
    nbformat.write(notebook_of("1"), "full/a.ipynb")
    Path("old.csv").write_text("old")
    with pytest.raises(SystemExit, match=said):
        classroom.main(["collect", folder, table])
    assert Path("old.csv").read_text() == "old"
