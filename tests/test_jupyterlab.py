"""The real JupyterLab in a real browser: what a learner sees in the first ten minutes, and in every notebook.

Needs Playwright (`make extras`) and Debian's Chromium; without them these tests are skipped and say so. The pictures
that are taken on the way lie in the folder that ALEXNET_SCREENSHOTS names, if it does.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from tools import notebooks

ROOT = Path(__file__).resolve().parent.parent
SECOND = 1000  # Playwright counts milliseconds
TOKEN = "only-for-this-test"
IN_FRONT = ".jp-NotebookPanel:not(.lm-mod-hidden)"
# What no cell of the course may show: red boxes, JavaScript that failed, widgets without their model.
WRONG = (
    "[data-mime-type='application/vnd.jupyter.stderr'], [data-mime-type='application/vnd.jupyter.error'], "
    ".jp-RenderedText.jp-mod-error, .jupyter-widgets-error-widget, .jp-RenderedLatex .MathJax_Error, mjx-merror"
)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Give a copy of the course, so that nothing that JupyterLab saves changes the original."""
    copy = tmp_path_factory.mktemp("course")
    for name in ("notebooks", "alexnet_helpers", "data", "tools"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
    return copy


@pytest.fixture(scope="module")
def address(browser, course, tmp_path_factory):
    """Start JupyterLab as `make lab` does, in a home of its own, and give its address."""
    home = tmp_path_factory.mktemp("home")
    options = f"--no-browser --port=0 --IdentityProvider.token={TOKEN}"
    dry = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "lab", f"LAB_ARGS={options}"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    command = shlex.split(dry.stdout.replace("\\\n", " ").splitlines()[-1])
    assert command[:3] == [".venv/bin/python", "-m", "jupyterlab"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY"))}
    # In the contents page's own words: opened in the browser, with nothing set but that no download is started.
    environment |= {"HOME": str(home), "ALEXNET_OFFLINE": "1", "ALEXNET_FAST": "1"}
    with open(home / "log", "w") as log:
        server = subprocess.Popen([sys.executable, *command[1:]], cwd=course, env=environment, stdout=log, stderr=log)
    try:
        yield _wait_for_address(server, home / "log")
    finally:
        server.terminate()
        server.wait(600)


def _wait_for_address(server, log):
    for _ in range(1800):
        if found := re.search(r"(http://127\.0\.0\.1:\d+)/\S*token=", log.read_text()):
            with contextlib.suppress(urllib.error.URLError):  # it names its address before it listens there
                urllib.request.urlopen(f"{found[1]}/api", timeout=600).close()
                return found[1]
        assert server.poll() is None, log.read_text()
        time.sleep(0.5)
    raise AssertionError(f"JupyterLab does not start:\n{log.read_text()}")


@pytest.fixture
def page(browser, address):
    """Give an empty page that knows the server's token, and fail if a script failed in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, reduced_motion="reduce")
    context.set_default_timeout(600 * SECOND)
    new = context.new_page()
    failures = []
    new.on("pageerror", lambda error: failures.append(str(error)))
    yield new
    context.close()
    for kernel in json.loads(ask(address, "api/kernels")):
        ask(address, f"api/kernels/{kernel['id']}", "DELETE")
    assert failures == []


def ask(address, path, method="GET"):
    request = urllib.request.Request(f"{address}/{path}", method=method, headers={"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=600) as reply:
        return reply.read()


def picture(page, name):
    if folder := os.environ.get("ALEXNET_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def open_lab(page, address, notebook=None):
    place = f"lab/tree/notebooks/{notebook}" if notebook else ""  # else what `make lab` opens
    page.goto(f"{address}/{place}?token={TOKEN}" + ("&reset" if notebook else ""))
    page.wait_for_selector(".jp-Notebook:visible .jp-MarkdownOutput h1:visible")
    page.wait_for_function("document.querySelector('#main, .jp-LabShell') && !document.querySelector('.jp-Splash')")


def current_notebook(page):
    """Return the name of the notebook in front."""
    return page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab.lm-mod-current .lm-TabBar-tabLabel").inner_text()


def nothing_in_the_way(page):
    """Check that no dialog and no notification asks for anything."""
    assert page.locator(".jp-Dialog:visible, .Toastify__toast:visible").all_inner_texts() == []


def menu(page, *names):
    """Choose an entry of a menu, as a learner does."""
    page.locator(".lm-MenuBar-itemLabel", has_text=re.compile(f"^{names[0]}$")).click()
    for name in names[1:]:
        page.locator(".lm-Menu-itemLabel:visible", has_text=re.compile(f"^{name}$")).click()


def wait_until_idle(page, seconds):
    """Wait until no cell waits or runs, and the kernel is idle."""
    page.wait_for_function(
        """panel => {
            const status = document.querySelector(panel + ' .jp-Notebook-ExecutionIndicator');
            const prompts = [...document.querySelectorAll(panel + ' .jp-InputPrompt')];
            const waiting = prompts.some(prompt => prompt.textContent.includes('[*]'));
            return status && status.dataset.status === 'idle' && !waiting;
        }""",
        arg=IN_FRONT,
        timeout=seconds * SECOND,
        polling=500,
    )


SCROLL = """panel => {
    const before = panel.scrollTop;
    panel.scrollTop += 0.8 * panel.clientHeight;
    return panel.scrollTop === before;  // at the end
}"""


# Is the picture there, and what colour has its corner?
LOOK = """async image => {
    await image.decode().catch(() => null);
    if (!image.complete || image.naturalWidth <= 10) return [image.src, null];
    const canvas = document.createElement('canvas').getContext('2d');
    canvas.drawImage(image, 0, 0);
    return [image.src, [...canvas.getImageData(0, 0, 1, 1).data]];
}"""


def read_through(page, name, stored=frozenset()):
    """Return the figures and what is wrong in a notebook, as seen from the first cell to the last.

    On a busy machine a cell may not be drawn yet when it comes into sight: until all that is `stored` was seen, go
    through it again.
    """
    figures, wrong = set(), set()
    for _ in range(10):
        seen, faults = read_once(page, name)
        figures |= seen
        wrong |= faults
        if stored <= figures:
            break
    return figures, wrong


def read_once(page, name):
    usual = page.viewport_size
    page.set_viewport_size(usual | {"height": 4 * usual["height"]})  # fewer steps
    window = page.locator(f"{IN_FRONT} .jp-WindowedPanel-outer")
    window.evaluate("panel => { panel.scrollTop = 0; }")
    figures, wrong = set(), set()
    for step in range(400):
        page.wait_for_timeout(100)
        for image in window.locator(".jp-RenderedImage img").all():
            source, corner = image.evaluate(LOOK)
            figures.add(source)
            # The text of a figure is dark: it needs a background of its own, not the page's.
            if corner != [255, 255, 255, 255]:
                wrong.add(f"{'not white' if corner else 'not drawn'}: {source[:200]}")
        wrong.update(text[:300] for text in window.locator(WRONG).all_inner_texts())
        picture(page, f"{name}-{step:02}")
        if window.evaluate(SCROLL):
            page.set_viewport_size(usual)
            return figures, wrong
    raise AssertionError("the notebook has no end")


def choose_theme(page, name):
    menu(page, "Settings", "Theme", f"JupyterLab {name}")
    page.wait_for_selector(f"body[data-jp-theme-light='{str(name == 'Light').lower()}']", state="attached")


def stored_pictures(path):
    """Return the figures stored in a notebook."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs if "image/png" in output.get("data", {})]
    return {f"data:image/png;base64,{output.data['image/png'].strip()}" for output in outputs}


def replace_cell(page, old, new):
    """Type into the cell that holds `old`, and run it."""
    editor = page.locator(".jp-CodeCell .cm-content:visible", has_text=old).last
    editor.scroll_into_view_if_needed()
    editor.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(new)
    page.keyboard.press("Control+Enter")


def test_the_first_ten_minutes(page, address, course):
    open_lab(page, address)
    assert current_notebook(page) == "00_contents.ipynb"  # what `make lab` opens
    nothing_in_the_way(page)
    picture(page, "00-contents")

    page.locator(".jp-MarkdownOutput a[href*='01_output_size_formula']").first.click()
    page.wait_for_selector(".jp-MarkdownOutput h1:has-text('Compute the size of every layer'):visible")
    assert current_notebook(page) == "01_output_size_formula.ipynb"

    menu(page, "Run", "Run All Cells")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='busy']:visible")
    wait_until_idle(page, 1200)
    figures, wrong = read_through(page, "01-all-cells-run")
    assert wrong == set()
    assert len(figures) >= len(stored_pictures(course / "notebooks" / "01_output_size_formula.ipynb"))

    # The slider: its figure follows.
    handle = page.locator(".widget-slider:visible .noUi-handle, .widget-slider:visible .ui-slider-handle").first
    shown = page.locator(".widget-image:visible").first
    handle.scroll_into_view_if_needed()
    before = shown.get_attribute("src")
    picture(page, "01-slider")
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("([image, before]) => image.src !== before", arg=[shown.element_handle(), before])

    # An exercise, first wrong, then right.
    first = 'check("01.1", answer)'
    replace_cell(page, first, f"answer = 109\n{first}")
    page.wait_for_selector("text=That forgets the padding: 3 zeros on the left and 3 on the right.")
    replace_cell(page, first, f"answer = 112\n{first}")
    page.wait_for_selector("text=Exercise 01.1: right.")
    picture(page, "01-exercise")

    page.locator(".jp-MarkdownOutput a[href*='02_convolution']:visible").last.click()
    page.wait_for_function("document.querySelector('.lm-mod-current .lm-TabBar-tabLabel, .jp-mod-current') !== null")
    page.wait_for_selector(".lm-TabBar-tab.lm-mod-current:has-text('02_convolution.ipynb')")
    nothing_in_the_way(page)


def run_cell(page, text):
    """Run the cell that holds a text, and wait for its end."""
    cell = page.locator(f"{IN_FRONT} .jp-CodeCell", has_text=text).first
    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    wait_until_idle(page, 1200)
    return cell


def test_the_explorer_opens_in_a_notebook_and_is_not_stored(page, address, course):
    notebook = course / "notebooks" / "00_contents.ipynb"
    before = notebook.stat().st_size
    open_lab(page, address, notebook.name)
    run_cell(page, "# Setup, the same in every notebook")
    cell = run_cell(page, "show_explorer()")
    frame = cell.frame_locator("iframe[title='Explorer']")
    frame.locator("body[data-runs]").wait_for(state="attached")
    assert frame.locator(".bar[data-value]").count() == 10
    assert "cat, 56" in frame.locator("#answer").inner_text()
    # What a reader does: a bar, what speaks for it, one of its units.
    frame.locator(".bar").nth(3).click()
    frame.locator("#explanation .follow").first.click()
    assert frame.locator("#unit-title").inner_text().startswith("fc7: unit ")
    # The page cannot reach the notebook.
    assert (
        frame.locator("body").evaluate("() => { try { return !!parent.document; } catch { return false; } }") is False
    )
    picture(page, "00-explorer")
    page.keyboard.press("Escape")
    menu(page, "File", "Save Notebook")
    page.wait_for_selector(".lm-TabBar-tab.lm-mod-current:not(.jp-mod-dirty)")
    assert notebook.stat().st_size < before + 100_000


READ = [notebooks.NOTEBOOKS / notebooks.CONTENTS, *notebooks.numbered()]


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_every_notebook_opens_and_starts(page, address, path):
    open_lab(page, address, path.name)
    nothing_in_the_way(page)
    assert current_notebook(page) == path.name
    for theme in ("Dark", "Light"):
        choose_theme(page, theme)
        figures, wrong = read_through(page, f"{path.stem}-{theme.lower()}", stored_pictures(path))
        assert wrong == set()
        assert figures == stored_pictures(path)
    if path.name == notebooks.CONTENTS:
        return
    # The setup cell loads TensorFlow, whose start-up lines must not show.
    page.locator(".jp-WindowedPanel-outer:visible").evaluate("panel => { panel.scrollTop = 0; }")
    code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    position = code.index(notebooks.setup(notebooks.repository()))  # notebook 17 chooses its backend before
    for cell in page.locator(f"{IN_FRONT} .jp-CodeCell").all()[: position + 1]:
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
    setup = page.locator(f"{IN_FRONT} .jp-CodeCell", has_text="# Setup, the same in every notebook")
    wait_until_idle(page, 1200)
    assert setup.locator(".jp-InputPrompt").inner_text() == f"[{position + 1}]:"
    page.wait_for_timeout(SECOND)
    assert setup.locator(".jp-OutputArea-output").all_inner_texts() == []
    nothing_in_the_way(page)
