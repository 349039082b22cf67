"""The slides: what their texts say is in the lessons, and in a browser each fits its stage and fetches nothing."""

import os
import re
from pathlib import Path

import nbformat
import pytest

from tools import make_slides

ROOT = Path(__file__).resolve().parent.parent
LESSONS = make_slides.lessons()
LESSON = "01_output_size_formula.ipynb"
PICTURES = os.environ.get("ALEXNET_SCREENSHOTS", "")
every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4).cells


def words(text):
    """Return a text with its numbers written in one way."""
    text = re.sub(r"(?<=\d)(?:,|\{,\})(?=\d{3})", "", text)
    return text.replace("\u2212", "-").replace("$", "").replace("\\%", "%")


def everything_in(cells):
    """Return all that a lesson says: its cells and what they print and show."""
    said = [cell.source for cell in cells]
    for cell in cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            said += [output.get("text", ""), data.get("text/plain", ""), data.get("text/html", "")]
    return words("\n".join(said))


# --- the texts, and the cells that they belong to ---


@every_lesson
def test_each_text_has_its_cell_and_the_cell_its_mark(path):
    cells, texts = {cell["id"]: cell for cell in read(path)}, make_slides.texts(path.stem)
    names = make_slides.KEY.findall((make_slides.TEXTS / f"{path.name[:2]}.md").read_text("utf-8"))
    assert len(names) == len(texts), "two texts for one cell"
    for name, (how, text) in texts.items():
        title = text.partition("\n")[0]
        assert name in cells, f"{path.name} has no cell {name} any more, whose slide says {title!r}"
        marked = make_slides.slide_type(cells[name]) != "skip"
        assert marked, f"{path.name}: cell {name} has no slide type any more, whose slide says {title!r}"
        assert not how or cells[name].cell_type == "code", f"{name} is a text cell: {how!r} says nothing of it"


@every_lesson
def test_a_line_like_a_key_is_one(path):
    text = (make_slides.TEXTS / f"{path.name[:2]}.md").read_text("utf-8")
    assert re.findall(r"^<!--.*", text, re.MULTILINE) == [found[0] for found in make_slides.KEY.finditer(text)]


@every_lesson
def test_a_text_cell_on_a_slide_is_short_or_has_a_text_of_its_own(path):
    texts = make_slides.texts(path.stem)
    for cell in read(path)[1:]:
        if make_slides.slide_type(cell) not in ("skip", "notes") and cell.cell_type == "markdown":
            assert cell["id"] in texts, f"{path.name}: cell {cell['id']} is on a slide as it is, prose and all"


@every_lesson
def test_every_number_on_a_slide_is_in_the_lesson(path):
    lesson = everything_in(read(path))
    for name, (_, text) in make_slides.texts(path.stem).items():
        text = re.sub(r"lesson \d\d", "", text)
        for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w]|\.\d)", words(text)):
            if len(number) > 1:
                known = re.search(rf"(?<![\d.]){re.escape(number)}(?!\d|\.\d)", lesson)
                assert known, f"{path.name}: the slide of cell {name} says {number}, the lesson does not"


@every_lesson
def test_code_quoted_on_a_slide_is_in_the_lesson(path):
    lines = {line.strip() for cell in read(path) for line in cell.source.splitlines()}
    for name, (_, text) in make_slides.texts(path.stem).items():
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            for line in block.splitlines():
                assert line.strip() in lines, f"{path.name}: the slide of cell {name} quotes {line!r}"


# --- what a cell becomes ---


def marked(cell, kind):
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def lesson_of(*cells):
    for number, cell in enumerate(cells):
        cell["id"] = f"99-{number:03d}"
    return list(cells)


def test_only_cells_with_a_slide_type_are_on_slides():
    text = nbformat.v4.new_markdown_cell
    cells = lesson_of(marked(text("# Title"), "slide"), text("prose"), marked(text("left out"), "skip"))
    assert [cell.source for cell in make_slides.lay_out(cells, {})] == ["# Title"]


@pytest.mark.parametrize(
    ("how", "shown"),
    [
        ("", [("markdown", "fragment", "Say", []), ("code", "-", "", ["said", "png"])]),
        ("code", [("markdown", "fragment", "Say", []), ("code", "-", "code", []), ("code", "-", "", ["said", "png"])]),
        ("figure", [("markdown", "fragment", "Say", []), ("code", "-", "", ["png"])]),
        ("later", [("markdown", "fragment", "Say", []), ("code", "fragment", "", ["said", "png"])]),
        ("words", [("markdown", "fragment", "Say", [])]),
    ],
)
def test_the_code_of_a_cell_is_shown_as_its_key_says(how, shown):
    outputs = [nbformat.v4.new_output("stream", text="said")]
    outputs.append(nbformat.v4.new_output("display_data", data={"image/png": "png"}))
    (cell,) = lesson_of(marked(nbformat.v4.new_code_cell("code", outputs=outputs), "fragment"))
    result = make_slides.lay_out([cell], {"99-000": (how, "Say")})
    found = []
    for one in result:
        said = [output.get("text") or output.data["image/png"] for output in one.get("outputs", [])]
        found.append((one.cell_type, one.metadata.slideshow.slide_type, one.source, said))
    assert found == shown


def test_links_lead_to_slides_that_are_there_or_nowhere():
    lessons = {"02_convolution": None}
    assert make_slides.link("on", "02_convolution.ipynb#a", lessons) == "[on](02_convolution.html)"
    assert make_slides.link("web", "https://example.org/a", lessons) == "[web](https://example.org/a)"
    for dead in ("03_relu.ipynb", "solutions/02_convolution.ipynb", "../data/README.md"):
        assert make_slides.link("word", dead, lessons) == "word"


def test_marks_are_carried_to_a_rewritten_lesson(tmp_path):
    text = nbformat.v4.new_markdown_cell
    old = lesson_of(marked(text("same text"), "slide"), marked(text("old words"), "fragment"), text("plain"))
    new = lesson_of(text("new words"), text("new words"), text("plain"), text("same text"))
    for name, cells in (("old", old), ("new", new)):
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    assert make_slides.carry(tmp_path / "old.ipynb", tmp_path / "new.ipynb") == 3
    types = [make_slides.slide_type(cell) for cell in read(tmp_path / "new.ipynb")]
    assert types == ["slide", "fragment", "skip", "slide"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([LESSON, "02_nowhere.ipynb"], r"notebooks must be .*, got '02_nowhere.ipynb' \(FileNotFoundError\)"),
        ([str(ROOT / "README.md")], r"notebooks must be notebooks, by path or, .*, got .*README.md' \(NotJSONError\)"),
        ([LESSON, LESSON], "notebooks must be files with different names, got a second 01_output_size"),
        ([f"solutions/{LESSON}"], "notebooks must have cells with a slide type, got 'solutions/01_output_size"),
        ([3], "notebooks must be the path of a file or folder, got 3"),
        (LESSON, f"notebooks must be a list of paths or names, got '{LESSON}'"),
    ],
)
def test_names_are_checked_before_slides_are_made(tmp_path, monkeypatch, names, said):
    monkeypatch.setattr(make_slides, "library_files", dict)
    with pytest.raises(ValueError, match=said):
        make_slides.slides(tmp_path / "slides", names)
    assert not (tmp_path / "slides").exists()


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(make_slides, "LIBRARIES", {"no-such-package": ["a.js"]})
    with pytest.raises(ValueError, match=r"slides need the package no-such-package, .*: make extras"):
        make_slides.library_files()


# --- in a browser ---

MEASURE = """() => {
  const slide = Reveal.getCurrentSlide(), scale = Reveal.getScale();
  const stage = document.querySelector(".slides").getBoundingClientRect();
  const parts = [...slide.querySelectorAll("*")].filter((part) => !part.closest("mjx-assistive-mml, aside"));
  const boxes = parts.map((part) => part.getBoundingClientRect()).filter((box) => box.width && box.height);
  const blocks = parts.filter((part) => part.matches("pre, table, p, li, div"));
  const scrolls = blocks.filter((part) => part.scrollWidth > part.clientWidth + 2);
  return {
    title: slide.querySelector("h1, h2")?.innerText,
    right: Math.max(...boxes.map((box) => box.right - stage.left)) / scale,
    bottom: Math.max(...boxes.map((box) => box.bottom - stage.top)) / scale,
    scrolls: scrolls.map((part) => part.innerText.slice(0, 60)),
    figures: [...slide.querySelectorAll("img")].map((figure) => ({
      alt: figure.alt, complete: figure.naturalWidth > 0,
      area: figure.getBoundingClientRect().height * figure.getBoundingClientRect().width / scale ** 2,
      whole: figure.naturalHeight * figure.naturalWidth,
    })),
    sizes: [...slide.querySelectorAll("pre")].map((part) => parseFloat(getComputedStyle(part).fontSize)),
    formulas: [...slide.querySelectorAll("mjx-container")].map((part) => part.getBoundingClientRect().width),
    errors: slide.querySelectorAll("[data-mjx-error], mjx-merror, .MathJax_Error").length,
    raw: [...slide.querySelectorAll("p, li, td, h2")].filter((part) => /\\$.*\\$/.test(part.innerText)).length,
  };
}"""


@pytest.fixture
def tab(browser):
    """Open a tab as large as the stage, and note what a page fetches and complains of."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(300_000)
    page.fetched, page.wrong = [], []
    page.on("request", lambda request: page.fetched.append(request.url))
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: page.wrong.append(said.text) if said.type in ("error", "warning") else None)
    yield page
    page.close()


def need_the_libraries():
    try:
        make_slides.library_files()
    except ValueError as missing:
        (pytest.fail if os.environ.get("ALEXNET_BROWSER") == "needed" else pytest.skip)(str(missing))


def written(path, folder):
    need_the_libraries()
    (page,) = make_slides.slides(folder / "slides", [str(path)])
    return page


def open_slides(tab, page, query=""):
    tab.goto(page.as_uri() + query)
    tab.wait_for_selector("html[data-slides=ready]")


@every_lesson
def test_every_slide_fits_its_stage(tab, tmp_path, path):
    page = written(path, tmp_path)
    open_slides(tab, page)
    count = tab.evaluate("Reveal.getTotalSlides()")
    assert 12 <= count <= 20
    assert [url for url in tab.fetched if not url.startswith(("data:", page.as_uri()))] == []
    tab.evaluate("Reveal.configure({ fragments: false, controls: false })")  # all that key presses would bring
    texts = "\n".join(text for _, text in make_slides.texts(path.stem).values())
    formulas = 0
    for number in range(count):
        tab.evaluate("number => Reveal.slide(number)", number)
        found = tab.evaluate(MEASURE)
        where = f"{path.stem}, slide {number + 1}, {found['title']!r}"
        assert found["title"], where
        assert found["right"] <= 1281 and found["bottom"] <= 720, f"{where} is larger than its stage: {found}"
        assert not found["scrolls"], f"{where} scrolls: {found['scrolls']}"
        for figure in found["figures"]:
            assert figure["alt"].strip() and figure["complete"], f"{where}: a figure has no alt text"
            assert figure["area"] >= min(60_000, figure["whole"]), (
                f"{where}: a figure is too small to be seen, since the text is too long"
            )
        assert min(found["sizes"], default=20) >= 15, f"{where}: printed lines are too long to be read"
        assert found["errors"] == 0 and found["raw"] == 0, f"{where}: a formula is not set"
        assert min(found["formulas"], default=1) > 0, where
        formulas += len(found["formulas"])
        if PICTURES:
            tab.screenshot(path=Path(PICTURES) / f"slide-{path.stem[:2]}-{number + 1:02d}.png")
    assert formulas or "$" not in texts
    assert tab.wrong == []


def test_the_answer_comes_after_the_question(tab, tmp_path):
    open_slides(tab, written(LESSON, tmp_path))
    tab.evaluate("Reveal.slide(3)")
    shown = "[...Reveal.getCurrentSlide().querySelectorAll('.fragment')].map(part => getComputedStyle(part).visibility)"
    assert tab.evaluate(shown) == ["hidden", "hidden"]
    for expected in ("visible,hidden", "visible,visible"):
        tab.keyboard.press("ArrowRight")
        tab.wait_for_function(f"{shown}.join() === '{expected}'")


def test_a_pdf_has_a_page_for_each_slide(browser, tmp_path):
    page = written(LESSON, tmp_path)
    make_slides.print_with(browser, [page])
    pages = re.findall(rb"/Type\s*/Page\b(?!s)", page.with_suffix(".pdf").read_bytes())
    assert len(pages) == page.read_text("utf-8").count("<section>")
