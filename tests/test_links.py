"""The check of links (tools/links.py) finds what is dead; `make lint` and CI run it on the course itself."""

import http.server
import shutil
import threading

import nbformat
import pytest

from tools import links


@pytest.fixture
def course(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "other file.md").write_text("# A heading, with `code`\n\n## Follow the path\n")
    cell = nbformat.v4.new_markdown_cell("[up](../README.md) and [gone](02_gone.ipynb)")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "notebooks" / "01_here.ipynb")
    shutil.copytree(tmp_path / "notebooks", tmp_path / "notebooks" / ".ipynb_checkpoints")  # as JupyterLab does
    return tmp_path


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("[a](notebooks/01_here.ipynb)", []),
        ("[a](other%20file.md#follow-the-path) [b](other%20file.md#a-heading-with-code)", []),
        ("[a](other%20file.md#Follow-the-path)", []),  # as JupyterLab writes it
        ("[a](other%20file.md#follow)", ["other%20file.md#follow"]),
        ("[a](#here)\n\n# Here", []),
        ("[a](#there)\n\n# Here", ["#there"]),
        ("| a | b |\n| --- | --- |\n| [a](nope.md) | ![](no.png) |", ["nope.md", "no.png"]),
        ("[a][1]\n\n[1]: nope.md", ["nope.md"]),
        ("a <a href='nope.md'>b</a>\n\n<img alt='c' src=\"no.png\">", ["nope.md", "no.png"]),
        ("`[a](nope.md)` <https://example.org/nope> [b](mailto:a@b.c)", []),
    ],
)
def test_dead_links_are_found_and_no_others(course, text, dead):
    (course / "README.md").write_text(text)
    expected = [f"{course / 'README.md'}: {target} leads nowhere" for target in dead]
    found = links.dead(links.texts(course))
    assert found == [*expected, f"{course / 'notebooks' / '01_here.ipynb'}: 02_gone.ipynb leads nowhere"]


def test_the_course_has_no_dead_links():
    pages = links.texts()
    assert len(pages) > 30
    assert links.dead(pages) == []


def test_what_other_sites_answer():
    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/there" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("localhost", 0), Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        address = f"http://localhost:{site.server_port}"
        assert links.answer(f"{address}/there") == 200
        assert links.answer(f"{address}/gone") == 404
        site.shutdown()
    assert links.answer(address) == "ConnectionError"
