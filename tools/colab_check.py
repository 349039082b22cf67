"""Run notebooks as Google Colab would, without Colab: `python tools/colab_check.py [NOTEBOOK ...]` (default: all).

What Colab is, is imitated: an environment with its versions of the packages (build/colab, from
requirements-colab.lock), the module google.colab, a working folder with nothing in it but the opened notebook, and a
repository "on GitHub", here a bare one on this disk, stamped with `make publish` and tagged with its version. Not
imitated are its Python (the packages are installed for the one at hand), its GPU and its look.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from alexnet_helpers import __version__

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / "build" / "colab" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOCK = ROOT / "requirements-colab.lock"
NAME = "someone/course"
SETUP_SECONDS = 20  # what a learner can be asked to wait for; held to with ALEXNET_MEASURE=1, on a quiet machine
# Colab's kernel has this module before the first cell runs; JAX, when it finds it, wants its `output` too.
STAND_IN = """\
import sys, types
google_colab = sys.modules["google.colab"] = types.ModuleType("google.colab")
google_colab.output = sys.modules["google.colab.output"] = types.ModuleType("google.colab.output")
del sys, types, google_colab
"""


def environment():
    """Make the environment with Colab's versions, once for each content of the lock file."""
    stamp = PYTHON.parents[1] / "ready"
    if not stamp.exists() or stamp.read_text("utf-8") != LOCK.read_text("utf-8"):
        subprocess.run([sys.executable, "-m", "venv", "--clear", PYTHON.parents[1]], check=True)
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "--requirement", LOCK], check=True)
        shutil.copy(LOCK, stamp)


def installed():
    """Return the names and versions of all that is installed in that environment."""
    list_them = (
        "from importlib import metadata; print(sorted(f'{d.name}=={d.version}' for d in metadata.distributions()))"
    )
    return subprocess.run([PYTHON, "-c", list_them], capture_output=True, text=True, check=True).stdout


def describe_kernel(folder):
    """Tell Jupyter of the kernel "colab": that environment's Python."""
    (folder / "kernels" / "colab").mkdir(parents=True)
    command = [str(PYTHON), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    specification = {"argv": command, "display_name": "Colab, imitated", "language": "python"}
    (folder / "kernels" / "colab" / "kernel.json").write_text(json.dumps(specification), "utf-8")
    os.environ["JUPYTER_PATH"] = str(folder)


def publish(folder):
    """Put the checkout, stamped and tagged, into a bare repository, and return it."""
    copy, bare = folder / "copy", folder / "github.git"
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    stamp = [sys.executable, "tools/notebooks.py", "publish", NAME]
    subprocess.run(stamp, cwd=copy, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(copy)})
    git = ["git", "-C", copy, "-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "course"], ["tag", f"v{__version__}"]):
        subprocess.run([*git, *arguments], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", copy, bare], check=True)
    return copy, bare


def run(name, copy, bare, folder):
    """Open one notebook in an empty folder and run all its cells; return the seconds of the setup cell and of all."""
    content = folder / f"content-{Path(name).stem}"
    content.mkdir()
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True, exist_ok=True)
    (startup / "colab.py").write_text(STAND_IN, "utf-8")
    settings = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    settings |= {
        "IPYTHONDIR": str(folder / "ipython"),
        "HOME": str(folder),
        "ALEXNET_OFFLINE": "1",
        "ALEXNET_FAST": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger's warning fills the log
        # Git goes to the repository on this disk where the notebook names GitHub.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{bare.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://github.com/{NAME}",
    }
    notebook = nbformat.read(copy / "notebooks" / name, as_version=4)
    client = NotebookClient(
        notebook, kernel_name="colab", timeout=1800, startup_timeout=900, resources={"metadata": {"path": str(content)}}
    )
    begin, seconds = time.perf_counter(), {}
    client.on_cell_executed = lambda cell, **_: seconds.update({cell.source: time.perf_counter() - begin})
    client.execute(env=settings)
    setup = next(source for source in seconds if "REPOSITORY, VERSION" in source)
    errors = [
        output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"
    ]
    if errors:
        raise RuntimeError(f"{name} wrote to stderr: {errors[0]}")
    if sorted(path.name for path in content.iterdir()) != [f"course-v{__version__}"]:
        raise RuntimeError(f"{name} left files beside the course: {list(content.iterdir())}")
    return seconds[setup], max(seconds.values())


def main():
    """Do what the command line asks (see the module's docstring)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", help="names of files in notebooks/")
    chosen = parser.parse_args().notebooks or [path.name for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))]
    environment()
    before = installed()
    with tempfile.TemporaryDirectory() as folder:
        describe_kernel(Path(folder))
        copy, bare = publish(Path(folder))
        for name in chosen:
            setup, whole = run(Path(name).name, copy, bare, Path(folder))
            print(f"{name}: ran as in Colab in {whole:.0f} s, its setup cell in {setup:.1f} s", flush=True)
            if os.environ.get("ALEXNET_MEASURE") and setup > SETUP_SECONDS:
                return f"{name}: the setup cell took more than {SETUP_SECONDS} s"
    if installed() != before:
        return "a notebook changed what is installed"
    return None


if __name__ == "__main__":
    sys.exit(main())
