"""Run the course's notebooks and store what they print.

    python tools/notebooks.py run [NOTEBOOK ...]          run each from a fresh kernel, store the outputs
    python tools/notebooks.py from-script SCRIPT NOTEBOOK  make a notebook from a jupytext percent script, then run it
    python tools/notebooks.py links                        write anew setup cells and links, without running
    python tools/notebooks.py publish [OWNER/NAME]         the same, with every address that a published copy has:
                                                           its repository on GitHub (default: where the Git remote
                                                           "origin" is), from which Google Colab fetches the course,
                                                           and its web site; "none" takes the addresses away

Each way, the navigation line, the setup cell, cell ids and metadata are brought to the course's form, so
that two runs of an unchanged notebook differ in nothing but what a cell measures.
"""

import argparse
import collections
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from alexnet_helpers import __version__

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
CONTENTS = "00_contents.ipynb"
SETUP = f"""\
# Setup, the same in every notebook: find the course, load Keras quietly, set the style of the figures.
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY, VERSION = "", "v{__version__}"  # for Colab, filled in by `make publish`
course = next((p for p in (Path.cwd(), *Path.cwd().parents) if (p / "alexnet_helpers").is_dir()), None)
if course is None and REPOSITORY and "google.colab" in sys.modules:
    fetch = f"git -c advice.detachedHead=0 clone -q --depth=1 -b {{VERSION}} {{REPOSITORY}} course-{{VERSION}}"
    subprocess.check_call(f"test -d course-{{VERSION}} || {{fetch}}", shell=True)
    os.chdir(f"course-{{VERSION}}/notebooks")
    course = Path.cwd().parent
if course is None:
    raise ModuleNotFoundError("Clone the course and open this notebook in it. In Colab: !git clone it, %cd into it")
sys.path.insert(0, str(course))

import matplotlib.pyplot as plt
import numpy as np
from alexnet_helpers import load_keras
from alexnet_helpers.exercises import check
from alexnet_helpers.plotting import set_style, show

keras = load_keras()
set_style()"""
# For these Colab is asked for a GPU; 17 has a CPU pose as several devices.
ON_GPU = ("10", "11", "12", "13", "14", "15", "16")
STAMP = re.compile(r'^REPOSITORY, VERSION = "(?:https://github\.com/(.*?))?", ', re.MULTILINE)
COLAB_LINE = re.compile(r"\n\n\[Open in Colab\]\(.*\)$", re.MULTILINE)
# The line below the title of the README, where the course is published and where it is not.
SITE_LINE = re.compile(r"\n\n(?:\*\*\[Read the course on the web\]|\*This copy is not published).*$", re.MULTILINE)
NOT_PUBLISHED = "*This copy is not published: `make publish REPO=owner/name` fills in all addresses.*"
NO_ADDRESS = "ADDRESS_OF_THIS_REPOSITORY"
CLONE = re.compile(
    rf"(?<=git clone )((?:--\S+ )*)(?:{NO_ADDRESS}|https://github\.com/\S+)(?= (?:alexnet|course)$)", re.MULTILINE
)
CITED = re.compile(r"^(?:repository-code|url): .*\n", re.MULTILINE)
REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?/(?!\.{1,2}$)[\w.-]{1,100}", re.ASCII)
NAVIGATION = re.compile(r"^(?:NAVIGATION.*|\*\*Notebook \d+\*\* · .*|(?:\[← |\[contents\]\().*)$", re.MULTILINE)
MINUTES = re.compile(r"(\d+) minutes")


def numbered():
    """Return the notebooks of the path in reading order, without the contents page."""
    return sorted(path for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb") if path.name != CONTENTS)


def everything():
    """Return all notebooks: the contents page, the path, the solutions."""
    contents = [path for path in [NOTEBOOKS / CONTENTS] if path.exists()]
    return [*contents, *numbered(), *sorted((NOTEBOOKS / "solutions").glob("[0-9][0-9]_*.ipynb"))]


def setup(repository=""):
    """Return the setup cell; with the "owner/name" of a repository, Colab fetches this version from it."""
    return SETUP.replace('VERSION = ""', f'VERSION = "https://github.com/{repository}"') if repository else SETUP


def stamped(notebook):
    """Return the "owner/name" in a notebook's setup cell, "" when none is filled in, None without a setup cell."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and (found := STAMP.search(cell.source)):
            return found[1] or ""
    return None


def repository():
    """Return the "owner/name" that the course's notebooks carry: that of the first one, or ""."""
    return next((stamped(nbformat.read(path, as_version=4)) or "" for path in numbered()), "")


def colab_url(path, repository):
    """Return the address under which Colab opens this version of a notebook of a GitHub repository."""
    return f"https://colab.research.google.com/github/{repository}/blob/v{__version__}/notebooks/{path.name}"


def links(path):
    """Return 'previous · contents · next' for a notebook of the path."""
    names = [p.name for p in sorted({*numbered(), path})]
    position = names.index(path.name)
    parts = [f"[contents]({CONTENTS})"]
    if position > 0:
        parts.insert(0, f"[← {_short(names[position - 1])}]({names[position - 1]})")
    if position + 1 < len(names):
        parts.append(f"[{_short(names[position + 1])} →]({names[position + 1]})")
    return " · ".join(parts)


def _short(name):
    number, *words = Path(name).stem.split("_")
    return f"{number} {' '.join(words)}"


def navigate(notebook, path, repository):
    """Fill in the navigation below the title (with the minutes, and Colab's link) and at the end."""
    if path.parent != NOTEBOOKS:
        return
    if path.name == CONTENTS:
        first = notebook.cells[0]
        first.source = with_colab_line(first.source, path, repository)
        return
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue

        def line(found):
            minutes = MINUTES.search(found[0])
            if not minutes:
                return links(path)
            colab = f" · [open in Colab]({colab_url(path, repository)})" if repository else ""
            return f"**Notebook {path.name[:2]}** · about {minutes[1]} minutes · {links(path)}{colab}"

        cell.source = NAVIGATION.sub(line, cell.source)


def with_colab_line(page, path, repository):
    """Return a Markdown page whose title is followed by a link that opens `path` in Colab, or by none."""
    page = COLAB_LINE.sub("", page)
    if not repository:
        return page
    line = f"\n\n[Open in Colab]({colab_url(path, repository)})"
    return re.sub(r"^# .+$", lambda title: title[0] + line, page, count=1, flags=re.MULTILINE)


def name_cells(cells, prefix, older=()):
    """Keep the id of each cell for life; a new cell gets the next free number.

    A script has no ids: its cells take over those of the `older` cells with the same text.
    """
    texts = collections.defaultdict(list)  # of equal cells, in order, such as a line for a prediction
    for cell in older:
        texts[cell.cell_type, cell.source].append(cell["id"])
    form, taken = re.compile(rf"{prefix}-(\d+)"), set()
    numbers = [int(found[1]) for cell in (*cells, *older) if (found := form.fullmatch(cell.get("id", "")))]
    free = itertools.count(max(numbers, default=-1) + 1)
    for cell in cells:
        equal = texts[cell.cell_type, cell.source]
        name = equal.pop(0) if equal else cell.get("id", "")
        if not form.fullmatch(name) or name in taken:
            name = f"{prefix}-{next(free):03d}"
        cell["id"] = name
        taken.add(name)


def normalize(notebook, path, repository, older=()):
    """Bring setup cell, ids and metadata to the course's form."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        if cell.source.strip() == "# SETUP" or cell.source.startswith("# Setup, the same in every notebook"):
            cell.source = setup(repository)
    name_cells(notebook.cells, path.stem[:2], older)
    for cell in notebook.cells:
        kept = {name: cell.metadata[name] for name in ("slideshow", "tags") if cell.metadata.get(name)}
        cell.metadata.clear()
        cell.metadata.update(kept)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata.clear()
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python"}
    if path.stem[:2] in ON_GPU and path.parent == NOTEBOOKS:
        notebook.metadata["accelerator"] = "GPU"
        notebook.metadata["colab"] = {"gpuType": "T4"}


def run(notebook, path):
    """Run all cells in a fresh kernel; raise when a cell raises or writes to stderr.

    No image of CIFAR-10 is drawn: `data.showable` puts other photos in their place.
    """
    os.environ["ALEXNET_SHOW_IMAGES"] = "0"  # which the kernel inherits
    client = NotebookClient(
        notebook,
        timeout=1800,
        startup_timeout=900,  # on a busy machine a kernel takes its time
        kernel_name="python3",
        resources={"metadata": {"path": path.parent}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,  # however the kernel cut up what a cell prints
    )
    client.coalesce_streams = True  # else a print may be stored in two pieces, by chance
    client.execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise RuntimeError(f"{path.name}: a cell wrote to stderr:\n{output['text']}")
            # Without its kernel a widget shows as an error; its text/plain says what to do instead.
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)


def store(notebook, path):
    """Write a notebook under a temporary name first, so that a crash leaves the old one whole."""
    nbformat.validate(notebook)
    unfinished = path.with_suffix(".part")
    try:
        nbformat.write(notebook, unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def build(path, notebook=None):
    """Normalize, navigate, run and store one notebook."""
    older = nbformat.read(path, as_version=4).cells if path.is_file() else ()
    notebook = notebook or nbformat.read(path, as_version=4)
    normalize(notebook, path, repository(), older)
    navigate(notebook, path, repository())
    run(notebook, path)
    normalize(notebook, path, repository())
    store(notebook, path)
    print(f"ran {path.name}", flush=True)


def rewrite(repository):
    """Write anew the setup cell and the links of every notebook, and the addresses of other files; run nothing."""
    for path in everything():
        notebook = nbformat.read(path, as_version=4)
        normalize(notebook, path, repository)
        navigate(notebook, path, repository)
        store(notebook, path)
    for name, edit in {"README.md": readme_with_addresses, "CITATION.cff": citation_with_addresses}.items():
        path = NOTEBOOKS.parent / name
        path.write_text(edit(path.read_text("utf-8"), repository), "utf-8")


def site_url(repository):
    """Return the address of the site that GitHub Pages serves for a repository."""
    owner, name = repository.split("/")
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def readme_with_addresses(text, repository):
    """Return the README with the addresses of its site, of Colab and of the repository, or with none."""
    line = NOT_PUBLISHED
    if repository:
        colab = colab_url(NOTEBOOKS / CONTENTS, repository)
        line = f"**[Read the course on the web]({site_url(repository)})** or [open it in Colab]({colab})."
    text = re.sub(
        r"^# .+$", lambda title: f"{title[0]}\n\n{line}", SITE_LINE.sub("", text), count=1, flags=re.MULTILINE
    )
    address = f"https://github.com/{repository}" if repository else NO_ADDRESS
    return CLONE.sub(lambda found: f"{found[1]}{address}", text)


def citation_with_addresses(text, repository):
    """Return CITATION.cff with the addresses of the repository and of the site, or with none."""
    text = CITED.sub("", text)
    if not repository:
        return text
    return f"{text}repository-code: https://github.com/{repository}\nurl: {site_url(repository)}\n"


def origin():
    """Return the "owner/name" of the GitHub repository that the Git remote "origin" names, or ""."""
    git = ["git", "-C", str(NOTEBOOKS.parent), "remote", "get-url", "origin"]
    address = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    found = re.fullmatch(r".*\bgithub\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?", address)
    return found[1] if found else ""


def publish(name):
    """Fill in the addresses of the repository "owner/name" everywhere; return a message when that is none."""
    if name == "none":
        return rewrite("")
    if not (name or origin()):
        return "say which repository on GitHub: make publish REPO=owner/name (REPO=none takes the addresses away)"
    name = name or origin()
    if not REPOSITORY.fullmatch(name):
        return f"REPO must be the owner and the name of a repository on GitHub, as in REPO=owner/name, got {name!r}"
    rewrite(name)
    print(
        f"all addresses are now those of github.com/{name}. Commit this, tag it v{__version__}, push both, and choose "
        f"GitHub Actions under Settings > Pages there; then the site appears at {site_url(name)}"
    )
    return None


def main():
    """Do what the command line asks (see the module's docstring)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run").add_argument("notebooks", nargs="*", type=Path)
    script = commands.add_parser("from-script")
    script.add_argument("script", type=Path)
    script.add_argument("notebook", type=Path)
    commands.add_parser("links")
    commands.add_parser("publish").add_argument("repository", nargs="?", default="")
    options = parser.parse_args()

    if options.command == "run":
        for path in options.notebooks or everything():
            build(path.resolve())
    elif options.command == "from-script":
        build(options.notebook.resolve(), jupytext.read(options.script))
    elif options.command == "links":
        rewrite(repository())
    else:
        return publish(options.repository)
    return None


if __name__ == "__main__":
    sys.exit(main())
