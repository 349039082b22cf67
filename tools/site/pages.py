"""Turn the notebooks, as they are stored, into the sources of the site's pages.

Nothing is run. Each page is the notebook itself, edited: figures become files that keep their alt text, links to
other notebooks lead to their pages, solutions are put below their exercises, behind a click.
"""

import base64
import hashlib
import html
import io
import json
import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urldefrag

import nbformat
from PIL import Image

from tools import notebooks
from tools.site.path import network, titles

# Pages that are made from the repository's Markdown files.
GLOSSARY = "notebooks/glossary.md"
TEXTS = {"README.md": "index", GLOSSARY: "glossary", "TEACHING.md": "teaching"}
SETUP = "# Setup, the same in every notebook"
PATH = "The path"
# All pages in reading order. The numbers in front are those of the notebooks.
CONTENTS = """
```{toctree}
:hidden:
:caption: Begin

About the course <self>
00_contents
```

```{toctree}
:hidden:
:caption: One layer at a time

LAYERS
```

```{toctree}
:hidden:
:caption: The whole network

WHOLE
```

```{toctree}
:hidden:
:caption: The course

run
TEXTS
```
"""
INLINE_LINK = re.compile(r"(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)")
REFERENCE = re.compile(r"^\[(?P<name>[^\]]+)\]: (?P<target>\S+)$", re.MULTILINE)
PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<target>[^()\s]+)\)")
FENCE = re.compile(r"(^```.*?^```[ \t]*$)", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) +(.+?) *$", re.MULTILINE)


def page_names():
    """Return {path in the repository: name of its page}."""
    names = {path.relative_to(notebooks.NOTEBOOKS.parent).as_posix(): "" for path in notebooks.everything()}
    names = {name: name.removeprefix("notebooks/").removesuffix(".ipynb") for name in names}
    return names | {name: page for name, page in TEXTS.items() if (notebooks.NOTEBOOKS.parent / name).is_file()}


class Pages:
    """Writes the sources of the pages into a folder, and the figures into its folder _static/figures."""

    def __init__(self, folder, repository, explorer=False):
        self.folder = Path(folder)
        self.repository = repository
        self.explorer = explorer
        self.names = page_names()

    # --- files ---

    def write(self, name, content):
        """Write a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)

    def figure(self, picture, alt, page):
        """Store a PNG file; return the tag that shows it on a page."""
        name = f"{hashlib.sha256(picture).hexdigest()[:16]}.png"
        self.write(f"_static/figures/{name}", picture)
        width, height = Image.open(io.BytesIO(picture)).size
        source = f"{'../' * page.count('/')}_static/figures/{name}"
        return (
            f'<img class="figure" src="{source}" width="{width}" height="{height}" loading="lazy" '
            f'alt="{html.escape(alt)}">'
        )

    # --- links ---

    def link(self, target, source):
        """Return where a link of the file `source` (in the repository) leads on the site; None if nowhere."""
        if re.match(r"[a-z]+:|#", target):
            return target
        file, anchor = urldefrag(target)
        goal = os.path.normpath(PurePosixPath(source).parent / unquote(file))
        anchor = f"#{unquote(anchor).lower()}" if anchor else ""
        if goal in self.names:
            suffix = ".md" if goal in TEXTS else ".ipynb"
            here = PurePosixPath(self.names[source]).parent
            return os.path.relpath(self.names[goal] + suffix, here) + anchor
        if not self.repository:
            return None
        kind = "tree" if (notebooks.NOTEBOOKS.parent / goal).is_dir() else "blob"
        return f"https://github.com/{self.repository}/{kind}/v{notebooks.__version__}/{quote(goal)}{anchor}"

    def markdown(self, text, source):
        """Return a Markdown text of the file `source` with links that lead to pages; a dead one becomes plain text."""

        def inline(found):
            target = self.link(found["target"], source)
            return f"[{found['text']}]({target})" if target else found["text"]

        def reference(found):
            target = self.link(found["target"], source)
            return f"[{found['name']}]: {target}" if target else ""

        def picture(found):
            path = notebooks.NOTEBOOKS.parent / PurePosixPath(source).parent / found["target"]
            return self.figure(path.read_bytes(), found["alt"], self.names[source])

        def outside_code(part):
            return REFERENCE.sub(reference, INLINE_LINK.sub(inline, PICTURE.sub(picture, part)))

        return "".join(part if part.startswith("```") else outside_code(part) for part in FENCE.split(text))

    # --- Markdown files ---

    def texts(self):
        """Write the first page and those about the course, from the repository's Markdown files."""
        readme = (notebooks.NOTEBOOKS.parent / "README.md").read_text("utf-8")
        readme = notebooks.SITE_LINE.sub("", readme)  # which leads here
        opening, *sections = re.split(r"^(?=## )", readme, flags=re.MULTILINE)
        path = next((section for section in sections if section.startswith(f"## {PATH}")), "")
        rest = [section for section in sections if section is not path]
        title, introduction, others = opening.split("\n\n", 2)
        opening = "\n\n".join([title, introduction, self.start(), others])
        first = self.markdown(opening + path, "README.md")
        self.write("index.md", first.replace(f"## {PATH}\n", f"## {PATH}\n\n{network()}\n", 1) + self.contents())
        self.write("run.md", "# Run the course\n\n" + self.markdown("".join(rest), "README.md"))
        for name, page in TEXTS.items():
            if name != "README.md" and name in self.names:
                text = (notebooks.NOTEBOOKS.parent / name).read_text("utf-8")
                text = self.glossary(text) if name == GLOSSARY else text
                self.write(f"{page}.md", self.markdown(text, name))

    def start(self):
        """Return the links that a reader begins with."""
        links = ['<a href="00_contents.html">Start the course</a>']
        if self.explorer:
            links.insert(0, '<a href="explorer.html">Touch the network</a>')
        return f'<p class="start-links">{" ".join(links)}</p>'

    def contents(self):
        """Return the list of all pages, by which the site is navigated."""
        entries = [f"{number} {title} <{page}>" for number, (page, title) in sorted(titles().items())]
        parts = {
            "LAYERS": [entry for entry in entries if entry < "10"],
            "WHOLE": [entry for entry in entries if entry >= "10"],
            "TEXTS": [page for name, page in TEXTS.items() if name in self.names and page != "index"],
        }
        return re.sub("|".join(parts), lambda name: "\n".join(parts[name[0]]), CONTENTS)

    # --- notebooks ---

    def notebook(self, path):
        """Write the page of one notebook."""
        source = path.relative_to(notebooks.NOTEBOOKS.parent).as_posix()
        page = self.names[source]
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = [self.cell(cell, source) for cell in notebook.cells]
        notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
        if path.parent == notebooks.NOTEBOOKS:
            notebook.cells = self.with_solutions(notebook.cells, path, page)
        self.add_tools(notebook, path, page)
        notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
        notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
        if path.parent != notebooks.NOTEBOOKS:
            notebook.metadata["orphan"] = True  # in no list of pages: the exercises lead there
        self.write(f"{page}.ipynb", nbformat.writes(notebook))

    def cell(self, cell, source):
        """Return a cell as its page shows it."""
        if cell.cell_type == "markdown":
            cell.source = self.markdown(cell.source, source)
            return cell
        cell.metadata["tags"] = [tag for tag in cell.metadata.get("tags", ()) if not tag.startswith("nbval")]
        if cell.source.startswith(SETUP):
            cell.metadata["tags"].append("setup")
        for output in cell.outputs:
            self.output(output, self.names[source])
        return cell

    def output(self, output, page):
        """Make of a figure the tag that shows it; give a table a frame in which it scrolls."""
        data = output.get("data", {})
        if "image/png" in data:
            alt = output.metadata.get("image/png", {}).get("alt", "")
            tag = self.figure(base64.b64decode(data["image/png"]), alt, page)
            output.data = {"text/html": tag}
        elif "text/html" in data:
            output.data = {"text/html": table(data["text/html"])}

    def with_solutions(self, cells, path, page):
        """Return the cells of a lesson, with the solution of each exercise below it, folded."""
        solved = self.solutions(notebooks.NOTEBOOKS / "solutions" / path.name, page)
        result = []
        for cell in cells:
            result.append(cell)
            if cell.cell_type != "code":
                continue
            for name in re.findall(r"\bcheck\(\s*[\"'](\d\d\.\d)[\"']", cell.source):
                if name in solved:
                    whole = nbformat.v4.new_markdown_cell(f"[All solutions of this notebook](solutions/{path.name})")
                    result += folded(f"Solution to exercise {name}", [*solved[name], whole])
        return result

    def solutions(self, path, page):
        """Return {exercise: cells of its solution}, as the page of the lesson shows them."""
        if not path.is_file():
            return {}
        source = path.relative_to(notebooks.NOTEBOOKS.parent).as_posix()
        found, current = {}, None
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                if heading := re.search(r"^## (?:Exercises? (\d\d\.\d))?.*$", cell.source, re.MULTILINE):
                    current = heading[1]
                    cell.source = cell.source[: heading.start()] + cell.source[heading.end() :]
                # Their links are those of the lesson's page, one folder up.
                cell.source = re.sub(r"\]\(\.\./(?=\d\d_)", "](", cell.source)
                cell.source = HEADING.sub(r"**\2**", self.markdown(cell.source, f"notebooks/{path.name}"))
            else:
                cell = self.cell(cell, source)
                for output in cell.outputs:
                    if "text/html" in output.get("data", {}):
                        output.data["text/html"] = output.data["text/html"].replace('src="../_static', 'src="_static')
            if current and cell.source.strip():
                cell["id"] = f"solution-{cell['id']}"
                found.setdefault(current, []).append(cell)
        return found

    def add_tools(self, notebook, path, page):
        """Put "download" beside the links below the title, and take the line of links at the end away.

        There the page has its own.
        """
        up = "../" * page.count("/")
        name = path.relative_to(notebooks.NOTEBOOKS.parent).as_posix()
        download = f'<a href="{up}{name}" download>download the notebook</a>'
        first = notebook.cells[0]
        line = re.compile(r"^(\*\*Notebook \d+\*\* · .*|\[Open in Colab\]\(.*\))$", re.MULTILINE)
        if line.search(first.source):
            first.source = line.sub(rf"\1 · {download}", first.source, count=1)
        else:
            first.source = re.sub(r"^(# .+)$", rf"\1\n\n{download}", first.source, count=1, flags=re.MULTILINE)
        last = notebook.cells[-1]
        if last.cell_type == "markdown":
            last.source = re.sub(r"\n\n(?:\[← .*|\[contents\].*)\s*$", "\n", last.source)

    def glossary(self, text):
        """Give each word of the glossary an anchor, and store where the words stand, for the links to them."""
        words = {}

        def entry(found):
            anchor = "term-" + re.sub(r"\W+", "-", found[1].lower()).strip("-")
            for word in found[1].split(", "):
                words[word] = {"anchor": anchor, "meaning": re.sub(r"[`*]", "", found[2])}
            return f'- <span id="{anchor}"></span>**{found[1]}**: {found[2]} ('

        text = re.sub(r"^- \*\*(.+?)\*\*: (.+) \((?=[^()]*\)$)", entry, text, flags=re.MULTILINE)
        self.write("glossary.json", json.dumps(words, ensure_ascii=False, indent=1))
        return text


def folded(summary, cells):
    """Return cells behind a line to click on."""
    opening = nbformat.v4.new_markdown_cell(f'<details class="solution"><summary>{summary}</summary>')
    return [opening, *cells, nbformat.v4.new_markdown_cell("</details>")]


def table(text):
    """Return a table of pandas without its own style, in a frame that scrolls and that a keyboard can reach."""
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = text.replace("<th></th>", "<td></td>").replace(' border="1"', "")
    return f'<div class="table-frame" tabindex="0" role="group" aria-label="Table">{text}</div>'
