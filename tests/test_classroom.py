"""What a teacher uses: copies for students, slides, and the collection of results."""

from pathlib import Path

import nbformat
import pandas as pd
import pytest

from tools import classroom

ROOT = Path(__file__).resolve().parent.parent
SETUP = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom alexnet_helpers.exercises import check"


def notebook_of(*sources):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])


def test_students_copies_hold_every_notebook_without_outputs_and_no_solution(tmp_path):
    written = classroom.blank(tmp_path / "students")
    assert [path.name for path in written] == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert not (tmp_path / "students" / "solutions").exists()
    for path in written:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        original = nbformat.read(ROOT / "notebooks" / path.name, as_version=4)
        assert [cell.source for cell in notebook.cells] == [cell.source for cell in original.cells]
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


def test_a_folder_with_something_in_it_is_not_written_to(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="the folder is not empty"):
        classroom.blank(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_slides_begin_at_headings_and_leave_out_setup_and_exercises(tmp_path):
    name = ROOT / "notebooks" / "01_output_size_formula.ipynb"
    (page,) = classroom.slides(tmp_path / "slides", [name])
    text = page.read_text(encoding="utf-8")
    headings = [
        line
        for cell in nbformat.read(name, as_version=4).cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()[:1]
        if line.startswith(("# ", "## "))
    ]
    assert text.count("<section>") >= len(headings)
    assert "Count windows by hand" in text and "image/png" in text
    assert "Setup, the same in every notebook" not in text and "check(" not in text


def test_results_of_a_class_become_a_table(tmp_path):
    folder = tmp_path / "submissions"
    (folder / "ada").mkdir(parents=True)
    nbformat.write(notebook_of(SETUP, 'check("13.1", 49)', 'check("13.2", 0.5)'), folder / "ada" / "13.ipynb")
    raising = notebook_of(SETUP, "1 / 0", 'check("13.1", None)', 'if False:\n    check("13.2", 0.4)')
    raising.cells[3].outputs = [nbformat.v4.new_output("stream", name="stdout", text="Exercise 13.2: right.\n")]
    nbformat.write(raising, folder / "ben.ipynb")
    (folder / "cy.ipynb").write_text("not a notebook")
    table = classroom.collect(folder, tmp_path / "table.csv").set_index("file")
    assert table.loc["ada/13.ipynb", ["13.1", "13.2"]].tolist() == ["right", "not yet"]
    assert table.loc["ben.ipynb", ["13.1", "13.2"]].tolist() == ["no answer", "missing"]  # an old output does not count
    assert table.loc["cy.ipynb", "problem"].startswith("no notebook")
    assert len(pd.read_csv(tmp_path / "table.csv")) == 3


def test_a_notebook_that_never_ends_is_stopped(tmp_path):
    path = tmp_path / "endless.ipynb"
    nbformat.write(notebook_of(SETUP, 'check("13.1", 49)', "while True:\n    pass"), path)
    asked, said, problem = classroom.verdicts(path, timeout=5)
    assert (asked, said, problem) == ({"13.1"}, {"13.1": "right"}, "stopped: CellTimeoutError")


def test_a_folder_without_notebooks_is_named(tmp_path):
    with pytest.raises(ValueError, match="there is no notebook"):
        classroom.collect(tmp_path, tmp_path / "table.csv")
