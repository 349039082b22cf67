"""Build the site: `python -m tools.site.build [FOLDER]` (default: build/site), from the notebooks as they are stored.

Nothing is run. The pages need no other host: formulas are MathML, made here, and fonts and scripts lie beside them.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools import notebooks
from tools.site import pages

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MARK = ".nojekyll"
EXPLORER = ROOT / "tools" / "explorer" / "build.py"
# What formulas may hold: letters, Greek ones, arrows, operators, and letters in bold, italic and sans-serif form.
MATH = "U+20-17F,U+302-308,U+391-3F6,U+2010-2063,U+210E,U+2190-2199,U+21D0-21D4,U+2200-2269,U+2308-230B,U+23DE-23DF,"
MATH += "U+27E8-27E9,U+1D400-1D467,U+1D5A0-1D5D3,U+1D6A8-1D71B,U+1D7CE-1D7D7"


def math_font(path):
    """Write the part of STIX Two Math that formulas need; it comes with the package ziamath."""
    from fontTools import subset

    package = importlib.util.find_spec("ziamath").submodule_search_locations[0]
    font = Path(package, "fonts", "STIXTwoMath-Regular.ttf")
    path.parent.mkdir(parents=True, exist_ok=True)
    features = "--layout-features=ccmp,kern,mark,mkmk,ssty,dtls,flac"
    subset.main([str(font), f"--unicodes={MATH}", "--flavor=woff", features, f"--output-file={path}"])


def stage(folder, repository, explorer=False):
    """Write the sources of all pages into a folder, anew."""
    shutil.rmtree(folder, ignore_errors=True)
    sources = pages.Pages(folder, repository, explorer)
    for path in notebooks.everything():
        sources.notebook(path)
    sources.texts()


def build(output, work):
    """Build the site into `output`; what is needed on the way lies in `work`. Return Sphinx's warnings."""
    from sphinx.cmd.build import main as sphinx

    repository = notebooks.repository()
    empty(output)
    stage(work / "source", repository, EXPLORER.is_file())
    font = work / "font" / "fonts" / "STIXTwoMath.woff"
    if not font.is_file():
        math_font(font)
    explorer = start_explorer(output)
    warnings = work / "warnings.txt"
    options = ["-b", "html", "-c", HERE, "-E", "-d", work / "doctrees", "-w", warnings, "-q"]
    settings = {"repository": repository, "explorer": int(explorer is not None), "work": work}
    settings["html_baseurl"] = notebooks.site_url(repository) if repository else ""
    options += [f"-D{name}={value}" for name, value in settings.items()]
    if sphinx([*map(str, options), str(work / "source"), str(output)]):
        sys.exit("Sphinx could not build the site")
    copy_notebooks(output)
    if explorer and explorer.wait():
        sys.exit(f"{EXPLORER.relative_to(ROOT)} could not build the explorer")
    return warnings.read_text("utf-8")


def empty(folder):
    """Remove an earlier site; a folder that holds something else stays, and nothing is built."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file():
        sys.exit(f"output must be a new folder or one with an earlier site, got {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # For GitHub as well, which else would leave out folders whose name begins with an underscore.
    (folder / MARK).touch()


def start_explorer(output):
    """Begin to build the explorer beside the pages, where this copy has one: it takes as long."""
    if not EXPLORER.is_file():
        return None
    return subprocess.Popen([sys.executable, EXPLORER, output / "explorer.html"], cwd=ROOT)


def copy_notebooks(output):
    """Put the notebooks beside the pages, to be downloaded."""
    for path in notebooks.everything():
        goal = output / path.relative_to(ROOT)
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, goal)


def main():
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", nargs="?", type=Path, default=ROOT / "build" / "site")
    output = parser.parse_args().output.resolve()
    begin = time.perf_counter()
    build(output, output.with_name(f"{output.name}-work"))
    print(f"the site lies in {output} ({time.perf_counter() - begin:.0f} s); open {output / 'index.html'}")


if __name__ == "__main__":
    main()
