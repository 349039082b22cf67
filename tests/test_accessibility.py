"""Each notebook as the page that nbconvert makes of it, judged by axe in a browser: can everybody read it?

That the text inside the figures has contrast is checked where they are drawn (readable_figures.py). Skipped without
`make extras` and Chromium.
"""

import pytest
from nbconvert import HTMLExporter

from tools import notebooks

# What nbconvert's page looks like, and how pandas writes a table, is not the course's to change.
OF_THE_TEMPLATE = {
    "color-contrast": (".jp-InputPrompt", ".jp-OutputPrompt", ".highlight"),  # cell numbers, colours of code
    "link-in-text-block": ("",),  # links without an underline
    "empty-table-header": ("table.dataframe",),  # the corner above the row names
}


@pytest.fixture(scope="module")
def page(browser):
    new = browser.new_page()
    new.route("http*://**", lambda route: route.abort())  # the page would fetch MathJax
    return new


def violations(page, text, folder):
    """Return what axe finds in a page and the template is not to blame for: {rule: pieces of HTML}."""
    (folder / "page.html").write_text(text, encoding="utf-8")
    page.goto((folder / "page.html").as_uri())
    from axe_playwright_python.sync_playwright import Axe  # installed together with what drives the browser

    found = {}
    for rule in Axe().run(page).response["violations"]:
        for node in rule["nodes"]:
            inside = "(element, selectors) => selectors.some(s => !s || element.closest(s))"
            excused = OF_THE_TEMPLATE.get(rule["id"], ())
            if not page.locator(node["target"][0]).first.evaluate(f"element => ({inside})(element, {list(excused)})"):
                found.setdefault(rule["id"], []).append(node["html"][:200])
    return found


@pytest.mark.parametrize("path", notebooks.everything(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_axe_finds_nothing(page, path, tmp_path):
    text, _ = HTMLExporter().from_filename(path)
    assert violations(page, text, tmp_path) == {}


@pytest.mark.parametrize(
    "rule, text",
    [
        ("image-alt", "<img src='data:image/png;base64,iVBORw0KGgo='>"),
        ("heading-order", "<h1>One</h1><h3>Three</h3>"),
        ("color-contrast", "<p style='color: #aaa; background: #fff'>pale</p>"),
    ],
)
def test_axe_finds_what_it_is_asked_for(page, rule, text, tmp_path):
    whole = f"<html lang='en'><title>a page</title><main>{text}</main></html>"
    assert rule in violations(page, whole, tmp_path)
