"""Check the links of the course: `python tools/links.py`, or with `--follow` those to other sites as well.

A link to a file must lead to one, with `#heading` to a heading in it. Without `--follow` the links to other sites
are counted only, so that the check needs no network; with it each is asked for once, and listed with its answer.
"""

import argparse
import concurrent.futures
import re
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag

import nbformat
import requests
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
# Some sites refuse programs that do not call themselves a browser.
BROWSER = {"User-Agent": "Mozilla/5.0 (link check)"}


def texts(root=ROOT):
    """Return the Markdown of every page: {path: text}. Of a notebook it is that of its text cells."""
    folders = (root, root / "data", root / "notebooks")
    pages = {path: path.read_text("utf-8") for folder in folders for path in folder.glob("*.md")}
    for path in root.glob("notebooks/**/*.ipynb"):
        if ".ipynb_checkpoints" in path.parts:  # JupyterLab's copies, from where no relative link leads anywhere
            continue
        cells = nbformat.read(path, as_version=4).cells
        pages[path] = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return pages


def links(text):
    """Return the targets of all links and pictures in a text, those of HTML tags in it too."""
    blocks = MarkdownIt().enable("table").parse(text)
    tokens = [part for block in blocks for part in (block, *(block.children or ()))]
    found = [target for token in tokens for name in ("href", "src") if (target := token.attrs.get(name))]
    tags = "".join(token.content for token in tokens if token.type.startswith("html_"))
    return found + re.findall(r"<(?:img|a)\b[^>]*\b(?:src|href)=[\"']([^\"']+)", tags)


def anchors(text):
    """Return the names under which GitHub and JupyterLab find the headings of a text."""
    headings = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.replace("`", "")) for heading in headings]
    return {form for heading in plain for form in (heading.lower().replace(" ", "-"), heading.replace(" ", "-"))}


def dead(pages):
    """Return a line for each link within the course that leads nowhere."""
    found = []
    for path, text in pages.items():
        for target in links(text):
            if re.match(r"[a-z]+:", target):
                continue
            file, anchor = urldefrag(target)
            goal = (path.parent / unquote(file)).resolve() if file else path
            if not goal.exists() or (anchor and unquote(anchor) not in anchors(pages.get(goal, ""))):
                found.append(f"{path}: {target} leads nowhere")
    return found


def answer(address):
    """Return what a site answers: a number, or the name of what went wrong."""
    try:
        with requests.get(address, timeout=30, stream=True, headers=BROWSER) as response:
            return response.status_code
    except requests.RequestException as error:
        return type(error).__name__


def main():
    """Check the links; return how many lead nowhere."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--follow", action="store_true", help="ask the other sites, too")
    options = parser.parse_args()
    pages = texts()
    broken = dead(pages)
    other = sorted({urldefrag(link)[0] for text in pages.values() for link in links(text) if link.startswith("http")})
    if options.follow:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for address, status in zip(other, pool.map(answer, other)):
                print(status, address)
                broken += [f"{address}: {status}"] * (status != 200)
    print(*broken, sep="\n", end="\n" * bool(broken))
    print(f"{len(pages)} pages, {len(other)} addresses of other sites, {len(broken)} dead links")
    return len(broken)


if __name__ == "__main__":
    sys.exit(bool(main()))
