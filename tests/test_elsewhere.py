"""The course where it is not at home: in a path with blanks and umlauts, without write access, with Windows' line ends.

More cases hold for every notebook: conftest.py starts no download, and gives each kernel 4 GB of memory. Two downloads
at once are in test_data.py, two runs of a training in test_training.py; `.ci/run` cuts off the network. A few notebooks
stand for all; with ALEXNET_EVERYWHERE=1 each goes to each place (`make elsewhere`).
"""

import concurrent.futures
import os
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tools import notebooks

ROOT = Path(__file__).resolve().parent.parent
FIRST, CIFAR = "01_output_size_formula.ipynb", "11_cifar10.ipynb"
ODD = "Übung 3 – 卷积 (neu)"
RESULTS = "16_what_mattered.ipynb"  # reads what is stored in data/results


def notebooks_or_all(*names):
    everywhere = os.environ.get("ALEXNET_EVERYWHERE")
    return pytest.mark.parametrize("name", [path.name for path in notebooks.numbered()] if everywhere else names)


def copy_of_the_course(folder):
    for name in ("alexnet_helpers", "data", "notebooks", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    return folder


def run(path, kernel, writable=True, **environment):
    """Run a notebook where it lies, with the helpers beside it; return it with its new outputs."""
    notebook = nbformat.read(path, as_version=4)
    code = "import os, alexnet_helpers as h\nprint(h.__file__)\nprint(os.access(h.__file__, os.W_OK))"
    notebook.cells.append(nbformat.v4.new_code_cell(code))
    options = {"timeout": 1800, "startup_timeout": 900, "resources": {"metadata": {"path": path.parent}}}
    # Not the checkout's helpers, if they are installed: those beside the notebook.
    environment = os.environ | {"PYTHONPATH": ""} | environment
    NotebookClient(notebook, kernel_name=kernel, **options).execute(env=environment)
    # What is printed may arrive in several pieces.
    printed = "".join(output.text for output in notebook.cells.pop().outputs)
    helpers, can_write = printed.splitlines()
    assert helpers == str(path.parent.parent / "alexnet_helpers" / "__init__.py")
    assert writable or can_write == "False"
    return notebook


def figures(notebook):
    return sum("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))


@notebooks_or_all(FIRST)
def test_a_path_with_blanks_and_letters_of_other_languages(name, tmp_path, quick_kernel):
    path = copy_of_the_course(tmp_path / ODD) / "notebooks" / name
    assert figures(run(path, quick_kernel)) == figures(nbformat.read(path, as_version=4))


@notebooks_or_all(CIFAR)
def test_a_notebook_that_is_started_twice_at_once(name, tmp_path, quick_kernel):
    path = copy_of_the_course(tmp_path / ODD) / "notebooks" / name
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first, second = pool.map(run, [path, path], [quick_kernel] * 2)
    assert figures(first) == figures(second) == figures(nbformat.read(path, as_version=4))


@notebooks_or_all(FIRST)
def test_a_backend_of_matplotlib_that_shows_nothing(name):
    path = notebooks.NOTEBOOKS / name
    # From nothing: Matplotlib looks for its backend when it is imported.
    assert figures(run(path, "plain", MPLBACKEND="Agg")) == figures(nbformat.read(path, as_version=4))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has other rights")
@notebooks_or_all(CIFAR)
def test_a_checkout_that_nobody_can_write_to(name, tmp_path, quick_kernel):
    course = copy_of_the_course(tmp_path / "course")
    path = course / "notebooks" / name
    if os.geteuid() == 0:  # whom no file's rights keep out: the kernel mounts the folder without write access
        if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
            pytest.skip("root can write everywhere, and may not mount the folder read-only here")
        kernel = "forked" if quick_kernel == "forked" else "alone"
        done = run(path, kernel, writable=False, READ_ONLY=str(course))
    else:
        for one in [course, *course.rglob("*")]:
            one.chmod(one.stat().st_mode & ~0o222)
        try:
            done = run(path, quick_kernel, writable=False)
        finally:
            for one in [course, *course.rglob("*")]:
                one.chmod(one.stat().st_mode | 0o200)
    assert figures(done) == figures(nbformat.read(path, as_version=4))


@notebooks_or_all(RESULTS)
def test_line_ends_of_windows(name, tmp_path, quick_kernel):
    course = copy_of_the_course(tmp_path / "course")
    for path in course.rglob("*"):
        if path.suffix in (".py", ".ipynb", ".csv", ".md"):
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    path = course / "notebooks" / name
    assert figures(run(path, quick_kernel)) == figures(nbformat.read(notebooks.NOTEBOOKS / path.name, as_version=4))
