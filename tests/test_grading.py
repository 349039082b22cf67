"""Graded assignments: what students get, and twelve hand-ins, most of them nasty, from a Moodle ZIP to a table."""

import copy
import csv
import json
import os
import shutil
import zipfile
from pathlib import Path

import nbformat
import pytest

from tools.grading import assignment, variants

pytest.importorskip("nbgrader", reason="`make extras` installs nbgrader")
fence = pytest.importorskip("tools.grading.fence")
from tools.grading import grade  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
LESSON = ROOT / "notebooks" / "04_max_pooling.ipynb"
SEED = "a secret of 2026"
LIGHT = """\
# Setup, the same in every notebook: here without Keras and figures, so that a kernel is there at once.
import sys
sys.path.insert(0, ".")
import numpy as np
from alexnet_helpers.exercises import check
"""


def without_lesson(path, folder):
    """Write a notebook of the course that consists of a setup and its exercises."""
    notebook = nbformat.read(path, as_version=4)
    first = assignment.exercises_of(path)
    notebook.cells = [nbformat.v4.new_code_cell(LIGHT), *notebook.cells[first:]]
    (folder / "solutions").mkdir(parents=True)
    shutil.copy(path.parent / "solutions" / path.name, folder / "solutions")
    nbformat.write(notebook, folder / path.name)
    return folder / path.name


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Make a course folder with an assignment of three exercises, two of one point and one of two."""
    folder = tmp_path_factory.mktemp("course")
    small = without_lesson(LESSON, folder / "lessons")
    assignment.make(folder / "nbgrader", "pooling", [small], SEED, "open=0")
    return folder / "nbgrader"


@pytest.fixture(scope="module")
def source(course):
    return nbformat.read(course / "source" / "pooling" / LESSON.name, as_version=4)


@pytest.fixture(scope="module")
def release(course):
    return nbformat.read(course / "release" / "pooling" / LESSON.name, as_version=4)


def answered(source, release, count=3, **replaced):
    """Return a student's notebook with so many right answers, and other cells in the place of some."""
    solutions = {cell.id: cell.source for cell in source.cells}
    notebook = copy.deepcopy(release)
    answers = [cell for cell in notebook.cells if cell.id.startswith("answer-")]
    for cell in answers[:count]:
        cell.source = solutions[cell.id].replace("### BEGIN SOLUTION\n", "").replace("### END SOLUTION", "")
    for cell in notebook.cells:
        cell.source = replaced.get(cell.id.replace("-", "_"), cell.source)
    return notebook


# --- what students get ---


def test_the_release_has_the_questions_and_no_answer(course, source, release):
    folder = course / "release" / "pooling"
    texts = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for secret in (SEED, "HIDDEN TESTS", "BEGIN SOLUTION", "solutions/"):
        assert not [path for path, data in texts.items() if secret.encode() in data and path.suffix != ".lock"], secret
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [LESSON.name, "LICENSE", "README.md", "alexnet_helpers", "architecture.png", "data", "requirements.lock"]
    )
    assert sorted(path.name for path in (folder / "alexnet_helpers" / "exercises").iterdir()) == [
        "__init__.py",
        "forms.json",
    ]
    forms = json.loads((folder / "alexnet_helpers" / "exercises" / "forms.json").read_text())
    assert forms == {
        "04.1": {"kind": "numbers", "shape": [2, 2]},
        "04.2": {"kind": "numbers", "shape": []},
        "04.3": {"kind": "function"},
    }
    graded = {cell.metadata["nbgrader"]["grade_id"]: cell for cell in release.cells if "nbgrader" in cell.metadata}
    for number, points in (("04-1", 1), ("04-2", 1), ("04-3", 2)):
        answer, test = graded[f"answer-{number}"], graded[f"test-{number}"]
        assert answer.metadata["nbgrader"]["solution"] and not answer.metadata["nbgrader"]["locked"]
        assert test.metadata["nbgrader"]["points"] == points and test.metadata["nbgrader"]["locked"]
        assert not test.metadata["editable"] and not test.metadata["deletable"] and not answer.metadata["deletable"]
        assert test.source.startswith("check(") and "grade(" not in test.source
    for name in ("04.1", "04.2"):
        for old, new in variants.variant(name, SEED).changes:
            text = "\n".join(cell.source for cell in release.cells)
            assert new in text and (old == new or old not in text)
    with zipfile.ZipFile(course / "pooling.zip") as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"pooling"}
        assert len(archive.namelist()) == len(texts)


def test_the_students_check_knows_forms_and_nothing_else(course, tmp_path, capsys):
    namespace = {"__file__": str(course / "release/pooling/alexnet_helpers/exercises/__init__.py"), "__name__": "taken"}
    exec(Path(namespace["__file__"]).read_text("utf-8"), namespace)
    right = variants.variant("04.1", SEED).entry.right
    for answer in (right, [[0, 0], [0, 0]]):
        namespace["check"]("04.1", answer)
    first, second = capsys.readouterr().out.splitlines()
    assert first == second == "Exercise 04.1: taken. It is compared when it is graded."
    for name, answer, said in (
        ("04.1", None, "no answer yet."),
        ("04.1", 3, "not the right form: the answer is numbers of the shape (2, 2)."),
        ("04.1", "a", "not the right form: the answer is made of numbers, and each part needs one."),
        ("04.2", len, "not the right form: the answer is a value, yours a function: call it."),
        ("04.3", 4, "not the right form: the answer is a function, passed by its name."),
        ("04.3", len, "taken. It is called with other arguments when it is graded."),
    ):
        namespace["check"](name, answer)
        assert capsys.readouterr().out == f"Exercise {name}: {said}\n"
    with pytest.raises(ValueError, match="name must be the number of an exercise"):
        namespace["check"]("09.9", 1)


# --- twelve hand-ins ---

CHEAT = """\
def check(*args):
    print('right.')

import numpy as np
np.array_equal = np.allclose = np.testing.assert_allclose = lambda *args, **named: True
"""
LOOK = """\
import glob, os
seen = [os.path.exists(place) for place in ({course!r}, {root!r})] + [bool(os.environ.get('SECRET'))]
try:
    open('/grader/runner.py', 'a').write('#')
except OSError:
    seen.append(False)
assert not any(seen), seen
answer = [[0, 0], [0, 0]]
"""


def hand_ins(course, source, release):
    """Return hand-ins by name and number, each with its file's name, its bytes, and the points that it is worth."""

    def bytes_of(notebook):
        return nbformat.writes(notebook).encode()

    def with_(count=3, **replaced):
        return bytes_of(answered(source, release, count, **replaced))

    ticks = "print('Exercise 04.1: right.')  # check('04.1', answer)\nanswer = [[1, 1], [1, 1]]"
    deleted = answered(source, release)
    deleted.cells = [cell for cell in deleted.cells if cell.id not in ("test-04-1", "answer-04-2", "test-04-2")]
    inner, outer = course / "inner.zip", course / "outer.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("my work/04.ipynb", with_())
    with zipfile.ZipFile(outer, "w") as archive:
        archive.write(inner, "again.zip")
    file = LESSON.name
    return {
        ("Ada Right", 101): (file, with_(), 4),
        ("Ben Half", 102): ("Copy of 04 (1).ipynb", with_(2), 2),
        ("Cem Crash", 103): (file, with_(answer_04_2="answer = 1 / 0"), 3),
        ("Dia Loop", 104): (file, with_(answer_04_2="while True:\n    pass"), 3),
        ("Eva Prints", 105): (file, with_(answer_04_2="while True:\n    print('x' * 10_000)"), 3),
        ("Fay Memory", 106): (file, with_(answer_04_2="answer = np.ones(12 * 2**27)"), 3),
        ("Gus Check", 107): (file, with_(0, setup=CHEAT, answer_04_1=CHEAT + "answer = 1"), 0),
        ("Hal Ticks", 108): (file, with_(0, answer_04_1=ticks, answer_04_2=ticks, answer_04_3=ticks), 0),
        ("Ida Deletes", 109): (file, bytes_of(deleted), 3),
        ("Jo Exit", 110): (file, with_(3, answer_04_2="import os\nos._exit(0)"), 1),
        ("Kim Zip", 111): ("all.zip", outer.read_bytes(), 4),
        ("Léa Encoding", 112): (file, nbformat.writes(answered(source, release)).encode("utf-16"), 4),
        ("Max Looks", 113): (
            file,
            with_(1, answer_04_1=LOOK.format(course=str(course), root=str(ROOT / "notebooks"))),
            0,
        ),
        ("Nil PDF", 114): ("work.pdf", b"%PDF-1.4", None),
    }


@pytest.fixture(scope="module")
def graded(course, source, release, tmp_path_factory):
    """Grade all hand-ins; return the rows of the table by student, what each was worth, and the course folder."""
    folder = tmp_path_factory.mktemp("moodle")
    handed_in = hand_ins(course, source, release)
    with zipfile.ZipFile(folder / "moodle.zip", "w") as archive:
        for (name, number), (file, data, _) in handed_in.items():
            archive.writestr(f"{name}_{number}_assignsubmission_file_/{file}", data)
    lines = [f"Participant {number},{name},{name.split()[0].lower()}@example.org" for name, number in handed_in]
    lines = ["Identifier,Full name,Email address", *lines, "Participant 115,Ola Absent,ola@example.org"]
    (folder / "class.csv").write_text("\n".join(lines), "utf-8")
    os.environ["SECRET"] = "of the lecturer"
    try:
        grade.grade(
            course,
            "pooling",
            folder / "moodle.zip",
            folder / "grades.csv",
            roster=folder / "class.csv",
            limits="cell=8 notebook=240 memory=1500",
        )
    finally:
        del os.environ["SECRET"]
    with open(folder / "grades.csv", encoding="utf-8-sig", newline="") as file:
        rows = {int(row["student_id"]): row for row in csv.DictReader(file)}
    return rows, {number: points for (_, number), (_, _, points) in handed_in.items()}, course


needs_bubblewrap = pytest.mark.skipif(not fence.bubblewrap_works(), reason="bubblewrap is missing, or not allowed here")


@needs_bubblewrap
def test_every_student_has_a_row_and_the_points_that_are_due(graded):
    rows, due, _ = graded
    assert sorted(rows) == list(range(101, 116))
    found = {number: float(row["score"]) for number, row in rows.items()}
    assert found == {number: points or 0 for number, points in due.items()} | {115: 0}
    assert {row["max_score"] for row in rows.values()} == {"4.0"}


@needs_bubblewrap
def test_a_remark_says_what_went_wrong(graded):
    rows, _, _ = graded
    for number, said in {
        103: "ZeroDivisionError: division by zero",
        104: "stopped after 8 s",
        105: "stopped, since it puts out too much",
        106: "MemoryError",
        110: "stopped: the kernel died",
        114: "no 04_max_pooling.ipynb that can be read (work.pdf)",
        115: "nothing handed in",
    }.items():
        assert said in rows[number]["remarks"], number
    assert rows[101]["remarks"] == rows[111]["remarks"] == rows[112]["remarks"] == ""
    assert rows[113]["remarks"] == ""  # it would say what the student's code could see
    assert rows[112]["first_name"] == "Léa" and rows[101]["email"] == "ada@example.org"


@needs_bubblewrap
def test_feedback_shows_the_verdict_and_not_the_seed(graded):
    _, _, course = graded
    pages = {path.parts[-3]: path.read_text("utf-8") for path in (course / "feedback").rglob("*.html")}
    assert sorted(pages) == [str(number) for number in range(101, 114)]
    for page in pages.values():
        assert SEED not in page and "HIDDEN" not in page
    assert "Exercise 04.3: right." in pages["101"] and "no answer yet." in pages["102"]
