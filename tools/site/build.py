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
    """Write the sources of all pages into a folder."""
    sources = pages.Pages(folder, repository, explorer)
    for path in notebooks.everything():
        sources.notebook(path)
    sources.texts()
    sources.remove_others()
    return sources


def build(output, work):
    """Build the site into `output`; what is needed on the way lies in `work`. Return Sphinx's warnings."""
    from sphinx.cmd.build import main as sphinx

    repository = notebooks.repository()
    explorer = EXPLORER.is_file()
    stage(work / "source", repository, explorer)
    font = work / "font" / "fonts" / "STIXTwoMath.woff"
    if not font.is_file():
        math_font(font)
    warnings = work / "warnings.txt"
    options = ["-b", "html", "-c", HERE, "-d", work / "doctrees", "-w", warnings, "-q"]
    settings = [f"-Drepository={repository}", f"-Dexplorer={int(explorer)}", f"-Dwork={work}"]
    if sphinx([*map(str, options), *settings, str(work / "source"), str(output)]):
        sys.exit("Sphinx could not build the site")
    copy_notebooks(output)
    if explorer:
        subprocess.run([sys.executable, EXPLORER, output / "explorer.html"], check=True, cwd=ROOT)
    return warnings.read_text("utf-8")


def copy_notebooks(output):
    """Put the notebooks beside the pages, to be downloaded."""
    for path in notebooks.everything():
        goal = output / path.relative_to(ROOT)
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, goal)
    (output / ".nojekyll").touch()  # else GitHub leaves out folders that begin with an underscore


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
