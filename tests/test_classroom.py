"""What a teacher uses: copies for students."""

import shutil
from pathlib import Path

import nbformat
import pytest

from tools import classroom, links, notebooks

ROOT = Path(__file__).resolve().parent.parent
LESSON = "01_output_size_formula.ipynb"


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
