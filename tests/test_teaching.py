"""The page for teachers: plans that add up, questions whose answers are right, a frame for the project that runs."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import nbformat
import numpy as np
import pytest

from alexnet_helpers import numpy_layers
from alexnet_helpers.geometry import ALEXNET, layer_table, output_size
from tools import notebooks

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "TEACHING.md").read_text("utf-8")
MATERIAL = ROOT / "tools" / "teaching"
QUESTIONS = (MATERIAL / "clicker_questions.md").read_text("utf-8")
LESSONS = {path.name[:2]: path for path in sorted(notebooks.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))}


def cells_of(number):
    return nbformat.read(LESSONS[number], as_version=4).cells


def minutes_of(number):
    text = "\n".join(cell.source for cell in cells_of(number)[:3])
    return int(re.search(r"about (\d+) minutes", text)[1])


# --- plans ---


def plans():
    """Return the rows of each plan, by its heading: [lesson, notebook, minutes, minutes, minutes, minutes, words]."""
    found = {}
    for part in PAGE.split("\n### ")[1:]:
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()]
        rows = [row for row in rows if len(row) == 7 and row[0].isdigit()]
        if rows:
            numbers = [(*row[:1], re.match(r"\[(\d\d)\]", row[1])[1], *row[2:6]) for row in rows]
            found[part.partition("\n")[0]] = [
                (int(lesson), name, *map(int, minutes), row[6]) for (lesson, name, *minutes), row in zip(numbers, rows)
            ]
    return found


PLANS = plans()


def test_there_are_four_plans_with_as_many_lessons_as_they_promise():
    expected = {"Two lessons": 2, "Four lessons": 4, "Eight lessons": 8, "Thirteen weeks": 13}
    counts = {name.partition(":")[0]: sorted({row[0] for row in rows}) for name, rows in PLANS.items()}
    assert counts == {name: list(range(1, count + 1)) for name, count in expected.items()}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_shares_out_the_minutes_of_its_notebooks(name):
    for _, number, minutes, *shares, _ in PLANS[name]:
        assert minutes == minutes_of(number), (
            f"notebook {number} says {minutes_of(number)} minutes, TEACHING.md {minutes}"
        )
        assert sum(shares) == minutes, f"{name}, notebook {number}: {shares} of {minutes} minutes"


@pytest.mark.parametrize("name", PLANS)
def test_a_lesson_of_a_plan_takes_ninety_minutes(name):
    for lesson in {row[0] for row in PLANS[name]}:
        in_class, lab = (sum(row[column] for row in PLANS[name] if row[0] == lesson) for column in (3, 4))
        if name.startswith("Thirteen"):
            assert in_class <= 80 and lab <= 80, f"{name}, week {lesson}"
        else:
            assert in_class == 80, f"{name}, lesson {lesson}: {in_class} minutes, and ten for questions"


def test_the_plan_for_thirteen_weeks_leaves_nothing_out():
    (rows,) = (rows for name, rows in PLANS.items() if name.startswith("Thirteen"))
    assert [row[1] for row in rows] == sorted(LESSONS)


def headings_of(number):
    lines = [line for cell in cells_of(number) if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    return {line.lstrip("# ") for line in lines if line.startswith("#")}


@pytest.mark.parametrize("name", PLANS)
def test_the_parts_that_a_plan_names_exist(name):
    for _, number, *_, words in PLANS[name]:
        assert set(re.findall(r'"([^"]+)"', words)) <= headings_of(number), f"{name}, notebook {number}"


def lesson_notes():
    part = PAGE[PAGE.index("\n## Lesson by lesson") : PAGE.index("\n## Misunderstandings")]
    notes = re.findall(r"^### (\d\d) .+?\n(.*?)(?=^### |\Z)", part, re.MULTILINE | re.DOTALL)
    return {number: " ".join(text.split()) for number, text in notes}


@pytest.mark.parametrize("number", LESSONS)
def test_each_lesson_has_its_notes(number):
    notes = lesson_notes()[number]
    for what in ("**At the end students can**", "**Before:**", "**Cut", "**Expect:**"):
        assert what in notes, what
    cut = notes[notes.index("**Cut") : notes.index("**Expect")]
    assert set(re.findall(r'"([^"]+)"', cut)) <= headings_of(number)


def numbers_in(text):
    text = re.sub(r"(?<=\d)(?:,|\{,\})(?=\d{3})", "", text).replace("\u2212", "-")
    return {number for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w]|\.\d)", text) if len(number) > 1}


def page(name):
    """Return a page of the material as one line, wherever its lines break."""
    return " ".join((MATERIAL / f"{name}.md").read_text("utf-8").split())


def everything_in(number):
    said = []
    for cell in cells_of(number):
        said.append(cell.source)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            said += [output.get("text", ""), data.get("text/plain", "")]
    return "\n".join(said)


@pytest.mark.parametrize("number", LESSONS)
def test_the_right_answers_to_expect_are_in_the_lesson(number):
    expect = lesson_notes()[number].partition("**Expect:**")[2]
    right = " ".join(re.findall(r"\(([^()]*)\)", expect))
    assert numbers_in(right) - {"8×8", "57×57"} <= numbers_in(everything_in(number)) | set(LESSONS)


# --- questions to vote on ---

FORM = re.compile(
    r"### (\d\d-\d) [^\n]+\n\n(.+?)\n\n((?:- [A-D]\) [^\n]+\n){4})\n<details><summary>Answer</summary>\n\n"
    r"\*\*([A-D])\.\*\* ([^\n]+)\n\n((?:- [A-D]: [^\n]+\n){3})\n</details>",
    re.DOTALL,
)
ASKED = {
    name: (
        text,
        dict(re.findall(r"- ([A-D])\) (.+)", options)),
        right,
        why,
        dict(re.findall(r"- ([A-D]): (.+)", wrong)),
    )
    for name, text, options, right, why, wrong in FORM.findall(QUESTIONS)
}


def test_there_are_about_fifty_questions_and_all_have_the_form():
    assert len(ASKED) == QUESTIONS.count("\n### ") >= 50
    assert {name[:2] for name in ASKED} == set(LESSONS)


@pytest.mark.parametrize("name", ASKED)
def test_a_question_says_why_each_wrong_option_tempts(name):
    _, options, right, why, wrong = ASKED[name]
    assert list(options) == list("ABCD") and len(set(options.values())) == 4
    assert set(wrong) == set("ABCD") - {right} and why.strip()


def parameters(layers=ALEXNET, kind=""):
    table = layer_table(layers)
    return int(table.loc[table.index.str.startswith(kind), "parameters"].sum())


def gradient_of(scores, truth):
    return numpy_layers.softmax_cross_entropy_gradient(numpy_layers.softmax(np.array([scores])), [truth])[0]


def without_dropout(units):
    return 9216 * units + units + units * units + units + units * 1000 + 1000


LOST = 512 * (8 / 17822 - 1 / 2987)  # of the P100s in lesson 17
COMPUTED = {
    "00-2": lambda: f"{1 - 0.05 * -23.1:.3f}",
    "01-1": lambda: output_size(8, 3, 2),
    "01-2": lambda: output_size(224, 7, 2, 3),
    "01-3": lambda: output_size(224, 11, 4),
    "01-4": lambda: output_size(227, 11, 4, "same"),
    "02-2": lambda: f"{96 * 11 * 11 * 3 + 96:,}",
    "03-1": lambda: "$6x + 1$" if (3 * (2 * 5 + 1) - 2, 3 * 1 - 2) == (31, 1) else "",
    "03-2": lambda: f"about {0.25**8 * 1e6:.0f} millionths",
    "05-1": lambda: f"{3 + (3 - 1) * 1}×{3 + (3 - 1) * 1}",
    "05-2": lambda: 3 + (3 - 1) * 2,
    "05-3": lambda: " ".join(map(str, np.convolve([1, 1, 1], [1, 1, 1]))),
    "05-4": lambda: f"5×5×{96 // 2}×256",
    "06-1": lambda: 64 * 10 + 10,
    "06-2": lambda: f"{parameters(kind='fc') / parameters():.0%}".replace("%", " %"),
    "06-3": lambda: f"{without_dropout(2048) / without_dropout(4096):.0%}".replace("%", " %"),
    "07-1": lambda: int(np.mean([0, 2, 4, 6])),
    "07-2": lambda: f"0 and {1 / (1 - 0.75):.0f}",
    "08-2": lambda: f"{np.log(10):.3f}",
    "08-3": lambda: ", ".join(f"{g:.2f}" for g in gradient_of([2.0, 1.0, 0.1], 1)).replace("-", "\u2212"),
    "09-1": lambda: 6 - 4,
    "09-2": lambda: 1 + 2 + 4,
    "09-4": lambda: f"{3 - 1.1 * 2 * (3 - 1):.1f}".replace("-", "\u2212"),
    "10-3": lambda: f"about {2.36 / 0.25:.0f}",
    "11-2": lambda: (100 - 125) % 256,
    "12-2": lambda: "0.001",
    "13-3": lambda: f"Nothing yet: the images alone make about {100 * np.sqrt(2 * 0.9 * 0.1 / 10_000):.1f} points",
    "17-2": lambda: f"about {(512 / 2987) / (512 / 2987 / 8 + LOST):.0f}",
}


@pytest.mark.parametrize("name", COMPUTED)
def test_the_right_option_is_what_comes_out(name):
    _, options, right, _, _ = ASKED[name]
    assert options[right] == str(COMPUTED[name]())


QUOTED = tuple("00-1 03-2 04-1 04-2 07-3 11-1 12-1 13-1 14-1 14-2 14-3 14-4 16-1 17-2".split())


@pytest.mark.parametrize("name", QUOTED)
def test_the_numbers_of_an_answer_are_in_the_lesson(name):
    _, options, right, why, _ = ASKED[name]
    lesson = numbers_in(everything_in(name[:2])) | numbers_in(f"{0.25**8:.6f} 15")
    assert numbers_in(why + " " + options[right].partition("(")[0]) <= lesson


# --- entry test and exam ---


@pytest.mark.parametrize(("asked", "solved"), [("entry_test", "entry_test_solutions"), ("exam", "exam_solutions")])
def test_each_question_has_a_solution_in_another_file(asked, solved):
    form = r"^\*\*(E?\d+)\."
    questions, solutions = (
        re.findall(form, (MATERIAL / f"{name}.md").read_text("utf-8"), re.MULTILINE) for name in (asked, solved)
    )
    assert questions == solutions and len(questions) >= 6


def test_the_points_of_the_exam_are_those_of_its_solutions():
    exam, solutions = ((MATERIAL / f"{name}.md").read_text("utf-8") for name in ("exam", "exam_solutions"))
    points = {
        name: int(number) for name, number in re.findall(r"^\*\*(E\d+)\. .+? \((\d+)\)\.\*\*", exam, re.MULTILINE)
    }
    assert len(points) == 20
    for name, text in re.findall(r"^\*\*(E\d+)\.\*\*(.+?)(?=^\*\*E|\Z)", solutions, re.MULTILINE | re.DOTALL):
        given = sum(int(n) for n in re.findall(r"\((?:[^()]*, )?(\d+)(?:, [^()]*)?\)", re.sub(r"\$[^$]*\$", "", text)))
        assert given == points[name], f"{name}: {given} of {points[name]} points"


def test_what_can_be_computed_in_the_exam_is_right():
    solutions = page("exam_solutions")
    p = numpy_layers.softmax(np.array([[1.0, 0, 0]]))[0]
    step = np.array([1.0, 0, 0]) - gradient_of([1.0, 0, 0], 1)
    window, filters = np.array([[1, 0, 2], [3, 1, 0], [0, 2, 1]]), np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    x, k, dy = np.array([1, 2, 0, 3]), np.array([2, -1]), np.array([1, 0, 2])
    dk = [(dy * x[i : i + 3]).sum() for i in (0, 1)]
    dx = np.convolve(dy, k)
    expected = [
        f"{output_size(128, 5, 3, 1)}×{output_size(96, 5, 3, 1)}×32", f"{5 * 5 * 3 * 32 + 32:,}".replace(",", "{,}"),
        f"with the bias {(window * filters).sum() + 1}", f"{196 * 288 * 64:,}".replace(",", "{,}"), "2,102,794",
        ", ".join(f"{v:.2f}" for v in p), f"{-np.log(p[1]):.2f}", ", ".join(f"{v:.2f}" for v in step).replace("-", "−"),
        f"= {dk[0]}$", f"= {dk[1]}$", f"dx = ({', '.join(map(str, dx))})", f"{np.log(20):.3f}",
    ]  # fmt: skip
    assert [text for text in expected if text not in solutions] == []
    assert output_size(128, 5, 3, 1) == output_size(127, 5, 3, 1) != output_size(129, 5, 3, 1)
    assert output_size(96, 5, 3, 1) == output_size(98, 5, 3, 1) != output_size(99, 5, 3, 1)
    assert 4096 * 512 + 512 + 512 * 10 + 10 == 2_102_794
    a, b = np.array([80.1, 80.5, 80.3]), np.array([81.0, 80.6, 81.1])
    assert f"{np.sqrt(a.var(ddof=1) / 3 + b.var(ddof=1) / 3):.2f}" in solutions
    from_images = np.sqrt((a.mean() * (100 - a.mean()) + b.mean() * (100 - b.mean())) / 10_000)
    assert f"so {from_images:.2f} points" in solutions and f"gain {b.mean() - a.mean():.1f} points" in solutions


# --- the project ---


def test_the_frame_of_the_project_runs_and_each_door_leads_in():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    short = code.replace("IMAGES, EPOCHS = 12_800, 16", "IMAGES, EPOCHS = 128, 1")
    assert short != code
    found = {}
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(short, "TEACHING.md", "exec"), found)
    accuracies = [float(number) for number in re.findall(r"\d\.\d+", printed.getvalue())]
    assert len(accuracies) == 4 and all(0 <= accuracy <= 1 for accuracy in accuracies)

    keras = found["keras"]
    network = found["models"].alexnet_cifar10("paper", width=0.25)
    other = keras.models.clone_model(network, clone_function=found["average_pooling"])
    kinds = [type(layer).__name__ for layer in other.layers]
    assert kinds.count("AveragePooling2D") == 3 and "MaxPooling2D" not in kinds
    assert network.get_layer("conv1").get_config()["activation"] == "relu"
    images, labels = found["x_train"][:64], found["y_train"][:64]
    plain, darker = found["Batches"](images, labels, 64)[0], found["Darker"](images, labels, 64)[0]
    assert darker[0].dtype == np.uint8 and (darker[0] <= plain[0]).all() and (darker[0] < plain[0]).any()
    np.testing.assert_array_equal(plain[1], darker[1])
    assert isinstance(found["another_optimizer"](), keras.optimizers.Optimizer)
