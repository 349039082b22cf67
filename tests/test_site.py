"""The site (`make site`) in a browser, without a network: every page, light and dark, wide and narrow.

Needs what `make extras` installs, and Chromium; without them these tests are skipped and say so. ALEXNET_SITE names a
site that has been built already. The pictures lie in the folder that ALEXNET_SCREENSHOTS names, if it does.
"""

import http.server
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import nbformat
import pytest

from tools import notebooks
from tools.site import pages as make

ROOT = Path(__file__).resolve().parent.parent
SECOND = 1000  # Playwright counts milliseconds
MOST_BYTES = 1_500_000  # a page with its pictures
LESSONS = [path.stem for path in (notebooks.NOTEBOOKS / notebooks.CONTENTS, *notebooks.numbered())]
SOLUTIONS = [f"solutions/{name}" for name in LESSONS]
PAGES = ["index", *LESSONS, *SOLUTIONS, "run", "glossary", "teaching", "search"]
NEEDED = ("sphinx", "myst_nb", "pydata_sphinx_theme", "sphinxcontrib.katex", "py_mini_racer", "ziamath")


def missing(name):
    try:
        return importlib.util.find_spec(name) is None
    except ModuleNotFoundError:
        return True


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Give the folder of the site; where it cannot be built, skip and say so (in CI, fail)."""
    if folder := os.environ.get("ALEXNET_SITE"):
        return Path(folder)
    if absent := [name for name in NEEDED if missing(name)]:
        stop = pytest.fail if os.environ.get("ALEXNET_BROWSER") == "needed" else pytest.skip
        stop(f"{', '.join(absent)}: `make extras` installs it")
    folder = tmp_path_factory.mktemp("site") / "site"
    subprocess.run([sys.executable, "-m", "tools.site.build", folder], cwd=ROOT, check=True, timeout=1800)
    return folder


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, and the text in all."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag, name=""):
        """Return the attributes of all tags of a kind; with a class, of those that have it."""
        return [a for t, a in self.tags if t == tag and (not name or name in (a.get("class") or "").split())]


@pytest.fixture(scope="module")
def pages(site):
    return {name: Page(site / f"{name}.html") for name in PAGES}


def pictures(path):
    """Return the alt texts of the figures of a notebook."""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})]
    return [output.metadata["image/png"]["alt"] for output in outputs]


# --- how a page is made of a notebook ---


@pytest.mark.parametrize(
    ("text", "published", "unpublished"),
    [
        ("[a](06_fully_connected.ipynb)", "[a](06_fully_connected.ipynb)", "[a](06_fully_connected.ipynb)"),
        ("[a](../README.md)", "[a](index.md)", "[a](index.md)"),
        ("[a](../TEACHING.md#Plans)", "[a](teaching.md#plans)", "[a](teaching.md#plans)"),
        ("[a](../LICENSE) b", "[a](https://github.com/some/course/blob/v{}/LICENSE) b", "a b"),
        ("[a](../data) b", "[a](https://github.com/some/course/tree/v{}/data) b", "a b"),
        (
            "[a](https://example.org) [b](#here)",
            "[a](https://example.org) [b](#here)",
            "[a](https://example.org) [b](#here)",
        ),
        ("[c]: 07_dropout.ipynb", "[c]: 07_dropout.ipynb", "[c]: 07_dropout.ipynb"),
        ("```\n[a](../LICENSE)\n```", "```\n[a](../LICENSE)\n```", "```\n[a](../LICENSE)\n```"),
    ],
)
def test_links_lead_to_pages_and_none_is_dead(tmp_path, text, published, unpublished):
    source = "notebooks/01_output_size_formula.ipynb"
    assert make.Pages(tmp_path, "some/course").markdown(text, source) == published.format(notebooks.__version__)
    assert make.Pages(tmp_path, "").markdown(text, source) == unpublished


def test_a_published_course_has_its_links_on_every_page(tmp_path, monkeypatch):
    shutil.copytree(notebooks.NOTEBOOKS, tmp_path / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name in ("README.md", "CITATION.cff", "TEACHING.md"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path / "notebooks")
    assert notebooks.publish("some/course") is None
    pages = make.Pages(tmp_path / "pages", "some/course", explorer=True)
    for path in notebooks.everything():
        pages.notebook(path)
    pages.texts()
    for name in LESSONS:
        text = (tmp_path / "pages" / f"{name}.ipynb").read_text("utf-8")
        assert notebooks.colab_url(Path(f"{name}.ipynb"), "some/course") in text
        assert f'<a href=\\"notebooks/{name}.ipynb\\" download>' in text
    first = (tmp_path / "pages" / "index.md").read_text("utf-8")
    assert "Read the course on the web" not in first  # this is where it leads
    assert first.index('href="explorer.html"') < first.index('href="00_contents.html"')
    assert "git clone https://github.com/some/course alexnet" in (tmp_path / "pages" / "run.md").read_text("utf-8")


def test_a_folder_that_is_no_site_is_left_alone(tmp_path):
    from tools.site import build

    (tmp_path / "thesis.txt").touch()
    with pytest.raises(SystemExit, match="output must be a new folder"):
        build.empty(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.skipif(any(map(missing, NEEDED)), reason="`make extras` installs what the site needs")
def test_a_wrong_formula_is_an_error():
    from tools.site.extension import FORMULAS

    assert FORMULAS.mathml(r"\frac{a}{b}", display=True).count("<mfrac>") == 1
    with pytest.raises(Exception, match="KaTeX parse error"):
        FORMULAS.mathml(r"\frac{a}", display=False)


# --- what the pages hold ---


def test_the_site_has_a_page_for_each_notebook_and_no_other(site, pages):
    found = {path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts}
    assert found - {"explorer.html"} == {f"{name}.html" for name in pages}


def test_sphinx_has_nothing_to_warn_of(site):
    assert site.with_name(f"{site.name}-work").joinpath("warnings.txt").read_text("utf-8") == ""


@pytest.mark.parametrize("path", notebooks.everything(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_alt_text_is_lost(pages, path):
    wanted = pictures(path)
    name = path.relative_to(notebooks.NOTEBOOKS).with_suffix("").as_posix()
    found = [image["alt"] for image in pages[name].all("img", "figure")]
    if path.parent == notebooks.NOTEBOOKS and (solution := path.parent / "solutions" / path.name).exists():
        wanted_here = [alt for alt in found if alt in set(wanted)]
        assert wanted_here == wanted
        assert set(found) - set(wanted) <= set(pictures(solution))
    else:
        assert found == wanted
    assert all(image.get("alt") for image in pages[name].all("img"))


def test_every_exercise_has_its_solution_behind_a_click(pages):
    for path in notebooks.numbered():
        cells = nbformat.read(path, as_version=4).cells
        asked = [
            n for cell in cells for n in re.findall(r'check\("(\d\d\.\d)"', cell.source) if cell.cell_type == "code"
        ]
        page = pages[path.stem]
        said = [word for word in page.words if word.startswith("Solution to exercise ")]
        assert said == [f"Solution to exercise {name}" for name in asked], path.name
        folded = page.all("details", "solution")
        assert len(folded) == len(asked)
        assert not any("open" in attributes for attributes in folded)


def test_code_can_be_folded_and_the_setup_cell_is(pages):
    for path in notebooks.numbered():
        folds = pages[path.stem].all("details", "fold")
        code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        assert len(folds) >= len(code)
        setup = [attributes for attributes in folds if "setup" in attributes["class"].split()]
        assert len(setup) == 1 and "open" not in setup[0]
        assert all("open" in attributes for attributes in folds if attributes not in setup)


def test_formulas_are_made_when_the_site_is_built(pages):
    formula = re.compile(r"\$\$.+?\$\$|(?<![\\$])\$[^$\n]+?\$", re.DOTALL)
    for path in notebooks.everything():
        cells = nbformat.read(path, as_version=4).cells
        texts = [
            re.sub(r"```.*?```|`[^`\n]*`", "", c.source, flags=re.DOTALL) for c in cells if c.cell_type == "markdown"
        ]
        name = path.relative_to(notebooks.NOTEBOOKS).with_suffix("").as_posix()
        assert len(pages[name].all("math")) >= sum(len(formula.findall(text)) for text in texts), path.name
    assert len(pages["09_backpropagation"].all("math")) > 100


def test_pages_lead_back_on_and_to_the_contents(pages):
    for before, name, after in zip(["index", *LESSONS], LESSONS, [*LESSONS[1:], "run"]):
        links = [a.get("href", "").partition("#")[0] for a in pages[name].all("a")]
        assert {f"{before}.html", f"{after}.html"} <= set(links), name
        assert name == LESSONS[0] or "00_contents.html" in links
        assert f"notebooks/{name}.ipynb" in links, "no download"
        assert {a.get("rel") for a in pages[name].all("link")} >= {"next", "prev"}


def test_the_network_leads_to_every_lesson(pages):
    page = pages["index"]
    start = next(n for n, (tag, a) in enumerate(page.tags) if "network" in (a.get("class") or "").split())
    links = {a.get("href") for tag, a in page.tags[start:] if tag == "a"}
    assert {f"{name}.html" for name in LESSONS[1:]} <= links


def test_words_of_the_glossary_are_linked_once_a_page(pages):
    anchors = {a["id"] for a in pages["glossary"].all("span") if a.get("id", "").startswith("term-")}
    assert len(anchors) > 30
    for name in [*LESSONS, *SOLUTIONS]:
        links = [a["href"] for a in pages[name].all("a", "term")]
        assert len(links) == len(set(links)), name
        assert {link.partition("#")[2] for link in links} <= anchors
    links = {a["href"] for a in pages["02_convolution"].all("a", "term")}
    assert {f"glossary.html#term-{word}" for word in ("convolution", "filter", "stride", "padding")} <= links


def test_no_link_within_the_site_is_dead(site, pages):
    ids = {name: {a["id"] for _, a in page.tags if a.get("id")} for name, page in pages.items()}
    for name, page in pages.items():
        for tag, attributes in page.tags:
            for kind in ("href", "src"):
                target = attributes.get(kind) or ""
                if re.match(r"[a-z]+:", target) or tag == "use" or not target:
                    continue
                file, anchor = urldefrag(urljoin(f"{name}.html", target.partition("?")[0]))
                assert (site / unquote(file)).exists(), f"{name}: {target}"
                goal = file.removesuffix(".html")
                if anchor and goal in ids:
                    assert unquote(anchor) in ids[goal], f"{name}: {target}"


def test_nothing_is_fetched_from_another_host(site, pages):
    for name, page in pages.items():
        fetched = [
            attributes.get("src") or attributes.get("href") or attributes.get("data") or ""
            for tag, attributes in page.tags
            if tag in ("script", "img", "iframe", "source", "object", "embed", "audio", "video")
            or (tag == "link" and attributes.get("rel") != "canonical")
        ]
        assert [target for target in fetched if re.match(r"(https?:)?//", target)] == [], name
    for path in site.rglob("*.css"):
        assert re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//[^)]*", path.read_text("utf-8")) == [], path.name


def test_a_page_is_small(site, pages):
    sizes = {}
    for name, page in pages.items():
        file = site / f"{name}.html"
        images = {file.parent / a["src"] for a in page.all("img")}
        sizes[name] = sum(path.stat().st_size for path in {file, *images})
    print("largest pages:", sorted(((size, name) for name, size in sizes.items()), reverse=True)[:3])
    assert {name: size for name, size in sizes.items() if size > MOST_BYTES} == {}


# --- what a browser shows ---


@pytest.fixture(scope="module")
def address(site):
    """Serve the site below a folder, as GitHub does."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site.parent)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{site.name}"
        server.shutdown()


@pytest.fixture
def tab(browser, address):
    """Return a function that opens an empty tab; at the end nothing may have failed or been asked of another host."""
    contexts, wrong = [], []

    def choose(route):
        if route.request.url.startswith(address):
            return route.continue_()
        wrong.append(f"asked for {route.request.url}")
        return route.abort()

    def hear(message):
        if message.type in ("error", "warning"):
            wrong.append(f"console: {message.text}")

    def open_tab(width=1280, theme="light"):
        height = 1000 if width > 600 else 780
        size = {"width": width, "height": height}
        contexts.append(browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce"))
        contexts[-1].set_default_timeout(600 * SECOND)
        contexts[-1].route("**/*", choose)
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", hear)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert wrong == []


def picture(page, name, **options):
    if folder := os.environ.get("ALEXNET_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"site-{name.replace('/', '-')}.png", **options)


def barriers(page, **options):
    """Return what axe finds: {rule: pieces of HTML}."""
    from axe_playwright_python.sync_playwright import Axe  # installed together with what drives the browser

    # With "preload" axe would ask for style sheets itself, at wrong places.
    found = Axe().run(page, options={"preload": False, **options}).response["violations"]
    return {rule["id"]: [node["html"][:200] for node in rule["nodes"]] for rule in found}


def open_all(page):
    """Open all that is folded, so that axe sees it; of words in code that look alike it sees one.

    Axe takes minutes for thousands of coloured words, and which colour one has depends on its class.
    """
    page.evaluate(
        """() => {
            for (const part of document.querySelectorAll("details")) part.open = true;
            const seen = new Set();
            for (const word of document.querySelectorAll(".highlight pre span")) {
                const look = `${word.parentElement.className} ${word.className}`;
                if (seen.has(look) && !word.children.length) word.replaceWith(word.textContent);
                seen.add(look);
            }
        }"""
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_read_by_everybody(tab, address, name):
    page = tab()
    page.goto(f"{address}/{name}.html")
    picture(page, f"{name}-light")
    open_all(page)
    assert barriers(page) == {}
    dark = tab(theme="dark")
    dark.goto(f"{address}/{name}.html")
    assert dark.locator("html").get_attribute("data-theme") == "dark"
    picture(dark, f"{name}-dark")
    open_all(dark)
    assert barriers(dark, runOnly=["color-contrast", "link-in-text-block"]) == {}


# What reaches out of the page, or is cut off at its edge, and does not scroll in a box of its own.
TOO_WIDE = """() => [...document.querySelectorAll("main *, header *")].filter(element => {
    if (element.getBoundingClientRect().right <= innerWidth + 1 || !element.checkVisibility()) return false;
    for (let box = element; box && !box.matches("article, body"); box = box.parentElement) {
        const style = getComputedStyle(box);
        if (["auto", "scroll"].includes(style.overflowX) && box.getBoundingClientRect().right <= innerWidth + 1
            || style.position === "fixed" || box.classList.contains("heard")) return false;
    }
    return true;
}).map(element => element.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone(tab, address, name):
    page = tab(width=360)
    page.goto(f"{address}/{name}.html")
    picture(page, f"{name}-phone")
    open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate(TOO_WIDE) == []
    # What is too wide scrolls in its own box, and a keyboard gets there.
    assert barriers(page, runOnly=["scrollable-region-focusable", "target-size"]) == {}


def test_search_finds_the_receptive_field(tab, address):
    page = tab()
    page.goto(f"{address}/index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("receptive field")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results a[href*='05_stacked_convolutions']")
    picture(page, "search-receptive-field")
    page.locator("#search-results a[href*='05_stacked_convolutions']").first.click()
    page.wait_for_selector("h1:has-text('Stack convolutions')")


def test_the_theme_can_be_chosen_and_stays(tab, address):
    page = tab()
    page.goto(f"{address}/index.html")
    page.locator(".theme-switch-button:visible").click()
    page.locator(".theme-change-button[data-mode=dark]:visible").click()
    page.wait_for_selector("html[data-theme=dark]")
    page.goto(f"{address}/02_convolution.html")
    page.wait_for_selector("html[data-theme=dark]")


def test_on_paper_there_is_the_lesson_and_no_bar(tab, address):
    page = tab()
    page.goto(f"{address}/02_convolution.html")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for hidden in (".bd-header", ".bd-sidebar-primary", "details.setup", "details.solution"):
        assert not page.locator(hidden).first.is_visible(), hidden
    for shown in ("h1", "img.figure", "summary:has-text('Compare') + p", ".cell_input pre >> nth=1"):
        assert page.locator(shown).first.is_visible(), shown
    if folder := os.environ.get("ALEXNET_SCREENSHOTS"):
        page.pdf(path=Path(folder) / "site-02_convolution.pdf", format="A4")


def test_axe_would_notice(tab, address):
    page = tab()
    page.goto(f"{address}/index.html")
    page.locator("article").evaluate(
        'a => { a.innerHTML += \'<img src="favicon.ico"><p style="color:#aaa">pale</p>\' }'
    )
    assert {"image-alt", "color-contrast"} <= set(barriers(page))
