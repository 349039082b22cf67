"""What the tests, and the kernels of the notebooks under test, find in their environment."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

os.environ["ALEXNET_OFFLINE"] = "1"  # no download is started
os.environ["ALEXNET_FAST"] = "1"  # training is a small, fixed run
# Kernels that run side by side must not wait for one history file, nor read the learner's own IPython settings.
IPYTHON_FOLDER = os.environ["IPYTHONDIR"] = tempfile.mkdtemp(prefix="ipython-")
STARTUP = Path(IPYTHON_FOLDER, "profile_default", "startup")
STARTUP.mkdir(parents=True)
# In a namespace of its own: a notebook may use the same names.
CHECKS = Path(__file__).resolve().parent / "tests" / "readable_figures.py"
(STARTUP / "checks.py").write_text(
    f"""__import__('runpy').run_path({str(CHECKS)!r})['install']()
try:  # the course promises to run in 4 GB of memory (Linux and macOS can hold a process to it)
    __import__('resource').setrlimit(__import__('resource').RLIMIT_DATA, ({4 * 2**30}, {4 * 2**30}))
except (ImportError, ValueError):
    pass
""",
    "utf-8",
)


def pytest_configure(config):
    """Give each of the workers that share the cores one thread for NumPy: more would only wait for each other."""
    if config.getoption("numprocesses", default=None):  # with -n 0, where run times are measured, NumPy has all cores
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_collection_modifyitems(items):
    """Let warnings fail the tests in tests/, and none of the notebooks: how nbval starts a kernel is not theirs."""
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.filterwarnings("ignore"))


def pytest_unconfigure():
    """Leave nothing behind."""
    shutil.rmtree(IPYTHON_FOLDER, ignore_errors=True)
