"""Graded assignments: what students get, and twelve hand-ins, most of them nasty, from a Moodle ZIP to a table."""

import copy
import csv
import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest

pytest.importorskip("nbgrader", reason="`make extras` installs nbgrader")
from tools.grading import assignment, fence, grade, handins, judge, plugins, variants
from tools.grading.inside import codec

sys.modules.setdefault("codec", codec)  # as the bridge finds it behind the fence
from tools.grading.inside import bridge  # noqa: E402

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


# --- the class list, and what was handed in ---


def test_class_lists_of_several_programs_are_read(tmp_path):
    path = tmp_path / "class.csv"
    path.write_text("Identifier,Full name,Email address\nParticipant 7,Ada Mary Lovelace,a@b.org\n", "utf-8-sig")
    (one,) = handins.class_list(path)
    assert one == ("7", "Ada Mary", "Lovelace", "a@b.org", "Ada Mary Lovelace")
    path.write_bytes("Surname;First name;ID number\nMüller;Änne;m/1\n;;\n".encode("cp1252"))
    (one,) = handins.class_list(path)
    assert one == ("m_1", "Änne", "Müller", "", "Änne Müller")
    path.write_text("id\n1\n1\n")
    with pytest.raises(ValueError, match="the class list must have each ID once, got '1' twice"):
        handins.class_list(path)
    path.write_text("Surname\nMüller\n")
    with pytest.raises(ValueError, match=r"the class list must have a column called id .*, got 'Surname'"):
        handins.class_list(path)


def test_an_owner_is_found_by_number_and_else_by_name():
    students = [handins.Student("1", full_name="Ada Lovelace"), handins.Student("2", full_name="Lovelace Ada")]
    students.append(handins.Student("3", full_name="Émile Zola"))
    assert handins.owner("Émile Zola", "1", students) == (students[0], "")
    assert handins.owner("zola  E\u0301mile", "99", students) == (students[2], "")
    assert handins.owner("Ada Lovelace", "99", students)[1] == "several of this name are on the class list"
    unknown, remark = handins.owner("../../etc =1", "5", students)
    assert remark == "not on the class list" and "/" not in unknown.id and not unknown.id.startswith(".")
    assert handins.owner("Anybody", "5", [])[1] == ""


def test_odd_archives_are_remarks_and_stop_nothing(tmp_path, source, release):
    good = nbformat.writes(release)
    with zipfile.ZipFile(tmp_path / "deep.zip", "w") as archive:
        archive.writestr("a", "a")
    for _ in range(5):
        data = (tmp_path / "deep.zip").read_bytes()
        with zipfile.ZipFile(tmp_path / "deep.zip", "w") as archive:
            archive.writestr("inner.zip", data)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(handins.LARGEST + 1))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("A B_1_assignsubmission_file_/deep.zip", (tmp_path / "deep.zip").read_bytes())
        archive.writestr("C D_2_assignsubmission_file_/bomb.zip", (tmp_path / "bomb.zip").read_bytes())
        archive.writestr("E F_3_assignsubmission_file_/broken.zip", b"PK\x03\x04 no more")
        archive.writestr("G H_4_assignsubmission_file_04_max_pooling.ipynb", good)  # as an older Moodle names it
        archive.writestr("I J_5_assignsubmission_file_/../../up.ipynb", good)
        archive.writestr("K L_6_assignsubmission_file_/04.ipynb", json.dumps({"cells": [1, {"source": 5}, {}]}))
        archive.writestr("M N_7_assignsubmission_file_/first.ipynb", good)
        archive.writestr("M N_7_assignsubmission_file_/second.ipynb", good)
    found = handins.sort_out(tmp_path / "all.zip", [], {LESSON.stem: source})
    said = {name[-1]: (bool(one["notebooks"]), "; ".join(one["remarks"])) for name, one in found.items()}
    assert not said["1"][0] and "too many ZIPs in one another" in said["1"][1]
    assert not said["2"][0] and "too much is in it" in said["2"][1]
    assert not said["3"][0] and "cannot be opened" in said["3"][1]
    assert said["4"] == said["5"] == said["6"] == (True, "")
    assert said["7"] == (True, "2 notebooks, graded: second.ipynb")


def test_what_is_not_the_students_comes_back(source, release):
    notebook = answered(source, release, setup="import os", question_04_1_0="no question")
    for cell in notebook.cells:
        if cell.id.startswith("test-"):
            cell.source = "assert True"
    moved = next(cell for cell in notebook.cells if cell.id == "test-04-1")
    notebook.cells.remove(moved)
    own = nbformat.v4.new_code_cell("helper = 1")
    rest = [cell for cell in notebook.cells if cell.id != "answer-04-2"]
    notebook.cells = [moved, own, *rest, copy.deepcopy(moved)]
    data = json.dumps(notebook).encode()  # with an ID twice, as from a program that does not look
    found = handins.repaired(handins.cells_of(handins.File("", None, data)), source)
    nbformat.validate(found)
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id", cell.source) for cell in found.cells]
    assert ids.count("test-04-1") == 1 and ids.index("test-04-1") == ids.index("answer-04-1") + 1
    assert ids.index("answer-04-2") < ids.index("test-04-2") and "helper = 1" in ids
    ours = {cell.metadata["nbgrader"]["grade_id"]: cell.source for cell in source.cells if "nbgrader" in cell.metadata}
    for name, cell in zip(ids, found.cells):
        if name in ours and not name.startswith("answer"):
            assert cell.source == ours[name]
    assert "SOLUTION" not in "".join(cell.source for cell in found.cells)
    blank = next(cell for cell, name in zip(found.cells, ids) if name == "answer-04-2")
    assert blank.source == "answer = None\n# your answer"


# --- the fence ---


def test_without_a_fence_nothing_is_run(monkeypatch):
    monkeypatch.setattr(fence, "bubblewrap_works", lambda: False)
    with pytest.raises(
        ValueError, match="submissions are programs, and nothing here fences them in: install bubblewrap"
    ):
        fence.choose()
    assert [fence.choose(name) for name in ("docker", "none")] == ["docker", "none"]
    with pytest.raises(ValueError, match="fence must be one of bwrap, docker, podman, none, got 'wall'"):
        fence.choose("wall")


def test_containers_get_the_limits_and_no_network(tmp_path):
    limits = fence.LIMITS | {"memory": 2000 * fence.MB}
    for program in ("docker", "podman"):
        command, _ = fence.command(program, tmp_path, limits, "an-image")
        assert command[:2] == [program, "run"] and command[-3:] == ["an-image", "python", "/grader/runner.py"]
        assert {"--network=none", "--cap-drop=ALL", "--read-only", f"--memory={3000 * fence.MB}"} <= set(command)
        assert f"--volume={tmp_path}:{fence.HOME}" in command and not [one for one in command if str(ROOT) == one]


def test_the_image_is_made_of_files_that_exist():
    lines = (ROOT / "tools" / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
    steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    assert {step for step, _ in steps} == {"FROM", "RUN", "COPY", "USER", "WORKDIR", "ENV", "CMD"}
    copied = [arguments.split() for step, arguments in steps if step == "COPY"]
    assert [source for source, _ in copied] == ["requirements-extras.lock"]  # and nothing of the course
    assert all((ROOT / source).is_file() for source, _ in copied)
    installed = [arguments for step, arguments in steps if step == "RUN" and "pip install" in arguments]
    assert all("--require-hashes" in one and copied[0][1] in one for one in installed)
    assert json.loads(next(arguments for step, arguments in steps if step == "CMD"))[0] == "jupyterhub-singleuser"


# --- what leaves the fence ---


def test_values_leave_the_fence_as_they_are_and_nothing_else_does():
    values = [1, -(10**40), 0.1, float("inf"), True, None, ..., "ü\n", [1, (2.5, [None])], {"a": np.eye(2)}]
    values += [np.float32(0.5), np.int64(3), np.arange(6).reshape(2, 3), np.zeros((0, 3), "f4"), np.bool_(True)]
    for value in values:
        found = codec.unpack(json.loads(json.dumps(codec.pack(value))))
        assert type(found) is type(value) and repr(found) == repr(value)
    generator = codec.unpack(codec.pack(np.random.default_rng(5)))
    assert generator.random() == np.random.default_rng(5).random()
    for odd in (object(), 1j, np.array(["a"]), {1: 2}, len, np.complex64(1)):
        assert isinstance(codec.unpack(codec.pack(odd)), codec.Unknown)
    endless = []
    endless.append(endless)
    json.dumps(codec.pack(endless))
    arrays = [["array", "O", [1], ""], ["array", "<f8", [-1], ""], ["array", "<f8", [9**9], ""], ["array"]]
    others = [["int", "x"], ["list", 5], ["generator", "{}"], ["plain", {}], ["float", []], ["what"], [], None]
    for forged in arrays + others:
        with pytest.raises(ValueError, match="a packed value is expected"):
            codec.unpack(forged)


def test_a_function_behind_the_fence_is_judged_as_one_here():
    def there(function):
        def ask(order):
            return json.loads(bridge.called("f", {"f": function}, order["call"], order["named"]))

        return judge.verdict(variants.entry("04.3", SEED), json.loads(bridge.answer("f", {"f": function})), ask, "f")

    right = variants.entry("04.3", SEED).right
    assert there(right) == "right."
    assert "moves the window by its size" in there(lambda x, size, stride: right(x, size, size))
    assert "changes the argument" in there(lambda x, size, stride: (right(x, size, stride), x.fill(0))[0])
    assert "raised ZeroDivisionError: division by zero" in there(lambda x, size, stride: 1 / 0)
    assert there(lambda x, size, stride: object()).startswith("not yet. Your function returned")
    assert there(lambda x, size, stride: None).startswith("no answer yet.")
    assert there(int) == "not yet. The answer is a function, yours a class."
    assert there(5) == "not yet. The answer is a function: pass its name, without calling it."
    assert judge.verdict(variants.entry("04.3", SEED), {"missing": True}, None, "f") == "no answer yet."
    assert "yours a function" in judge.verdict(variants.entry("04.1", SEED), {"value": ["function", 0, 0]}, None, "f")


def test_only_text_and_pictures_are_shown():
    png = "iVBORw0KGgo="
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "hello"},
        {"output_type": "display_data", "data": {"text/html": "<script>", "image/png": png, "text/plain": "x"}},
        {"output_type": "display_data", "data": {"image/png": '"><script>'}},
        {"output_type": "execute_result", "data": {"application/javascript": "alert(1)"}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": 5},
        5,
        {},
    ]
    kept = json.dumps(plugins.shown(outputs))
    assert "script" not in kept and "alert" not in kept and png in kept and "hello" in kept


@pytest.mark.parametrize(
    ("limits", "points"), [("cell=0", "04.1"), ("cell", "04.9=1"), ("disk=5", "open=x"), ("cell=1.5", "=1")]
)
def test_limits_and_points_are_checked(limits, points):
    with pytest.raises(ValueError, match="limits must be like"):
        grade.limits_from(limits)
    with pytest.raises(ValueError, match="points must be like"):
        assignment.parse_points(points)


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
def needs_bubblewrap():
    """Skip what needs bubblewrap where it is missing; with ALEXNET_FENCE=needed, as in CI, fail."""
    if not fence.bubblewrap_works():
        stop = pytest.fail if os.environ.get("ALEXNET_FENCE") == "needed" else pytest.skip
        stop("bubblewrap is missing, or not allowed here: apt-get install bubblewrap")


@pytest.fixture(scope="module")
def graded(needs_bubblewrap, course, source, release, tmp_path_factory):
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
            jobs=2,
            limits="cell=40 notebook=900 memory=1500",  # also enough on a busy machine
        )
    finally:
        del os.environ["SECRET"]
    with open(folder / "grades.csv", encoding="utf-8-sig", newline="") as file:
        rows = {int(row["student_id"]): row for row in csv.DictReader(file)}
    return rows, {number: points for (_, number), (_, _, points) in handed_in.items()}, course


def test_every_student_has_a_row_and_the_points_that_are_due(graded):
    rows, due, _ = graded
    assert sorted(rows) == list(range(101, 116))
    found = {number: float(row["score"]) for number, row in rows.items()}
    assert found == {number: points or 0 for number, points in due.items()} | {115: 0}
    assert {row["max_score"] for row in rows.values()} == {"4.0"}


def test_a_remark_says_what_went_wrong(graded):
    rows, _, _ = graded
    for number, said in {
        103: "ZeroDivisionError: division by zero",
        104: "stopped after 40 s",
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


def test_feedback_shows_the_verdict_and_not_the_seed(graded):
    _, _, course = graded
    pages = {path.parts[-3]: path.read_text("utf-8") for path in (course / "feedback").rglob("*.html")}
    assert sorted(pages) == [str(number) for number in range(101, 114)]
    for page in pages.values():
        assert SEED not in page and "HIDDEN" not in page
    assert "Exercise 04.3: right." in pages["101"] and "no answer yet." in pages["102"]


# --- every exercise, behind the fence ---

# Two notebooks each time; all of them with ALEXNET_EVERYWHERE=1, in some minutes.
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
TRIED = NOTEBOOKS if os.environ.get("ALEXNET_EVERYWHERE") else [NOTEBOOKS[number] for number in (7, 13)]


@pytest.mark.parametrize("path", TRIED, ids=lambda path: path.stem[:2])
def test_the_solutions_of_a_notebook_pass_behind_the_fence(needs_bubblewrap, course, tmp_path, path):
    notebook = assignment.source_notebook(without_lesson(path, tmp_path / "lessons"), SEED, dict(assignment.POINTS))
    run = judge.Run(notebook, course / "release" / "pooling", fence.LIMITS, "bwrap", "")
    names = [test[0] for test in (judge.hidden_test(cell.source) for cell in notebook.cells) if test]
    assert run.problems == [] and len(names) == len(run.verdicts) > 0
    assert dict(zip(names, run.verdicts.values())) == dict.fromkeys(names, "right.")
