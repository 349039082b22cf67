"""Make slides of lessons: one HTML file each, with everything that it needs, and if asked for, a PDF beside it.

    python tools/make_slides.py [--pdf] OUTPUT [NOTEBOOK ...]
    python tools/make_slides.py carry OLD NEW      marks of the cells of notebook OLD go to those of NEW

A cell is on a slide if it has a slide type (JupyterLab's property inspector: slide begins one, fragment comes with the
next key press, - goes on, notes are for the speaker). What `tools/slides/NN.md` has under `<!-- NN-000 -->` is shown in
place of a text cell, or above the output of a code cell, whose code is hidden. Words behind the id change that: `code`
shows the code, too, `figure` of the output only the figures, `words` nothing but the text. With `later` the output
comes with the next key press: `<!-- NN-000 code later -->`.
"""

import argparse
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from alexnet_helpers import checks  # noqa: E402
from tools import notebooks  # noqa: E402
from tools.classroom import LESSONS, empty_folder  # noqa: E402

TEXTS = ROOT / "tools" / "slides"
TEMPLATE = TEXTS / "template"
KEY = re.compile(r"^<!-- (\d\d-\d+)(?: (code|code later|figure|figure later|later|words))? -->$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
LIBRARIES = {
    "sphinx-revealjs": [
        f"sphinx_revealjs/_static/revealjs/{name}"
        for name in ("dist/reset.css", "dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js")
    ],
    "sphinx-mathjax-offline": ["sphinx-mathjax-offline/static/mathjax/tex-svg-full.js"],
}


def lessons():
    """Return the paths of the lessons that have slides."""
    found = sorted(notebooks.NOTEBOOKS.glob(LESSONS))
    return [path for path in found if (TEXTS / f"{path.name[:2]}.md").exists()]


def slides(output, names=(), pdf=False):
    """Write lessons as slides, from their stored outputs; nothing is run. Return the paths of the HTML files."""
    if not isinstance(names, (list, tuple)):
        checks.refuse("notebooks", "a list of paths or names", names)
    libraries, chosen = library_files(), {}
    for name in names or lessons():
        stem, notebook = read_named(name)
        if stem in chosen:
            raise ValueError(f"notebooks must be files with different names, got a second {stem}: {str(name)!r}")
        notebook.cells = lay_out(notebook.cells, texts(stem))
        if not notebook.cells:
            raise ValueError(f"notebooks must have cells with a slide type, got {str(name)!r}, where none has one")
        chosen[stem] = notebook
    browser = chromium() if pdf else None
    output = empty_folder(output)
    for stem, notebook in chosen.items():
        (output / f"{stem}.html").write_text(page(stem, notebook, chosen, libraries), encoding="utf-8")
    written = sorted(output.glob("*.html"))
    if pdf:
        print_pages(written, browser)
    return written


def read_named(name):
    """Return file name and content of a notebook, named by its path or, as for colab-check, by its name alone."""
    path = checks.path("notebooks", name)
    path = path if path.exists() else notebooks.NOTEBOOKS / path
    try:
        return path.stem, nbformat.read(path, as_version=4)
    except Exception as error:  # no such file, or no notebook
        needed = "notebooks, by path or, in notebooks/, by file name"
        raise ValueError(f"notebooks must be {needed}, got {str(name)!r} ({type(error).__name__})") from error


def texts(stem):
    """Return {id of a cell: (how its code is shown, the text of its slide)} of a lesson."""
    path = TEXTS / f"{stem[:2]}.md"
    if not path.exists():
        return {}
    _, *pieces = KEY.split(path.read_text("utf-8"))
    return {name: (how or "", text.strip()) for name, how, text in zip(pieces[::3], pieces[1::3], pieces[2::3])}


def slide_type(cell):
    """Return the slide type that was chosen for a cell in JupyterLab, or "skip"."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "skip")


def lay_out(cells, texts):
    """Return the cells of the slides: those with a slide type, with the texts that are meant for the slides."""
    result = []
    for cell in cells:
        if slide_type(cell) == "skip":
            continue
        how, text = texts.get(cell["id"], ("", ""))
        shown = [nbformat.v4.new_markdown_cell(text or as_it_is(cell.source))]
        if cell.cell_type == "code":
            shown = [nbformat.v4.new_markdown_cell(text)] if text else []
            if how.startswith("code"):
                shown.append(nbformat.v4.new_code_cell(cell.source))
            outputs = [output for output in cell.outputs if "figure" not in how or is_figure(output)]
            if how != "words" and outputs:
                shown.append(nbformat.v4.new_code_cell(outputs=outputs))
        kinds = [slide_type(cell), *["-"] * (len(shown) - 1)]
        if how.endswith("later"):
            kinds[-1] = "fragment"
        result += [piece(part, kind) for part, kind in zip(shown, kinds)]
    return result


def is_figure(output):
    """Tell whether an output is a picture."""
    return any(kind.startswith("image/") for kind in output.get("data", {}))


def piece(cell, kind):
    """Give a cell its slide type; one without code shows no empty box of code."""
    cell.metadata["slideshow"] = {"slide_type": kind}
    if not cell.source:
        cell.metadata["transient"] = {"remove_source": True}
    return cell


def as_it_is(text):
    """Return a text cell's own text; of one with the lesson's title, the title and which lesson it is."""
    title = re.search(r"^# .+", text, re.MULTILINE)
    number = re.search(r"\*\*Notebook (\d+)\*\*", text)
    return f"{title[0]}\n\nAlexNet, layer by layer · lesson {number[1]}" if title and number else text


def page(stem, notebook, lessons, libraries):
    """Return the slides of a lesson as HTML."""
    from nbconvert import SlidesExporter

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(lambda found: link(found[1], found[2], lessons), cell.source)
    title = re.search(r"^# (.+)$", notebook.cells[0].source, re.MULTILINE)
    resources = {
        "title": f"{stem[:2]} {title[1] if title else stem}",
        "styles": [text for name, text in libraries.items() if name.endswith(".css")],
        "scripts": [text for name, text in libraries.items() if name.endswith(".js")],
        "own_style": (TEMPLATE / "slides.css").read_text("utf-8"),
        "start": (TEMPLATE / "start.js").read_text("utf-8"),
    }
    exporter = SlidesExporter(
        template_name=TEMPLATE.name, extra_template_basedirs=[str(TEXTS)], exclude_input_prompt=True,
        exclude_output_prompt=True, exclude_anchor_links=True,
    )  # fmt: skip
    return exporter.from_notebook_node(notebook, resources)[0]


def link(text, target, lessons):
    """Return a link as it is on slides: to another lesson's slides if they are there, else its words alone."""
    if re.match(r"https?://", target):
        return f"[{text}]({target})"
    stem = Path(target.partition("#")[0]).stem
    return f"[{text}]({stem}.html)" if stem in lessons and "/" not in target else text


def library_files():
    """Return {path: text} of what the packages of the extra "slides" bring along."""
    found = {}
    for package, names in LIBRARIES.items():
        try:
            distribution = metadata.distribution(package)
        except metadata.PackageNotFoundError as missing:
            raise ValueError(f"slides need the package {package}, which is not installed: make extras") from missing
        for name in names:
            found[name] = Path(distribution.locate_file(name)).read_text("utf-8")
    return found


def chromium():
    """Return where Chromium is, and refuse to go on without it or its driver."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        import playwright  # noqa: F401
    except ModuleNotFoundError as missing:
        raise ValueError("a PDF needs the package playwright, which is not installed: make extras") from missing
    if not path:
        raise ValueError("a PDF needs Chromium, which is not there: apt-get install chromium")
    return path


def print_pages(paths, browser):
    """Print slides as PDF beside their HTML: a page a slide, with all that key presses would bring."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-dev-shm-usage"])
        print_with(running, paths)
        running.close()


def print_with(browser, paths):
    """Print slides with a browser that runs."""
    for path in paths:
        tab = browser.new_page()
        tab.goto(f"{path.resolve().as_uri()}?print-pdf")
        tab.wait_for_selector("html[data-slides=ready]", timeout=300_000)
        tab.wait_for_selector(".pdf-page", state="attached", timeout=300_000)
        tab.pdf(path=path.with_suffix(".pdf"), prefer_css_page_size=True, print_background=True)
        tab.close()


def carry(old, new):
    """Give the cells of a notebook the slide types that those of the same id, or else the same text, have in another.

    Return how many cells got one.
    """
    marks = {}
    for cell in nbformat.read(old, as_version=4).cells:
        if "slideshow" in cell.metadata:
            marks[cell["id"]] = marks[cell.source] = cell.metadata["slideshow"]
    notebook = nbformat.read(new, as_version=4)
    found = 0
    for cell in notebook.cells:
        mark = marks.get(cell["id"]) or marks.get(cell.source)
        if mark and "slideshow" not in cell.metadata:
            cell.metadata["slideshow"], found = mark, found + 1
    notebooks.store(notebook, Path(new))
    return found


def main(arguments=None):
    """Do what the command line says."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["carry"]:
        old, new = arguments[1:]
        print(f"{carry(old, new)} cells of {new} marked")
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pdf", action="store_true", help="print each as a PDF, too (with Chromium)")
    parser.add_argument("output")
    parser.add_argument("notebooks", nargs="*", help="paths, or names of files in notebooks/")
    options = parser.parse_args(arguments)
    try:
        print(f"{len(slides(options.output, options.notebooks, options.pdf))} lessons in {options.output}")
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
