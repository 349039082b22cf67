"""What the tests, and the kernels of the notebooks under test, find in their environment.

None of what the account is set to, and some settings that the course has to correct.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

os.environ["ALEXNET_OFFLINE"] = "1"  # no download is started
os.environ["ALEXNET_FAST"] = "1"  # training is a small, fixed run

# Settings of the account that would reach into the kernels and the processes that tests start.
ACCOUNT = ("IPYTHON", "JUPYTER", "KERAS", "MPL", "PYTHON", "TF_CPP", "TF_USE_LEGACY_KERAS")
KEPT = ("KERAS_BACKEND", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONPYCACHEPREFIX")
for name in [name for name in os.environ if name.startswith(ACCOUNT) and name not in KEPT]:
    del os.environ[name]

# Kernels that run side by side must not wait for one history file either.
FOLDER = Path(tempfile.mkdtemp(prefix="alexnet-settings-"))
os.environ["IPYTHONDIR"] = str(FOLDER / "ipython")
for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
    os.environ[f"JUPYTER_{name}"] = str(FOLDER / "jupyter" / name.lower())
os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # the kernel of this environment, not one of its name
os.environ["MATPLOTLIBRC"] = str(FOLDER / "matplotlibrc")
(FOLDER / "matplotlibrc").touch()

# What was written into ~/.keras years ago and stays there: everything under test has to do with it.
os.environ["KERAS_HOME"] = str(FOLDER / "keras")
(FOLDER / "keras").mkdir()
(FOLDER / "keras" / "keras.json").write_text(
    """{"image_data_format": "channels_first", "floatx": "float16", "epsilon": 0.1, "backend": "tensorflow"}""",
    "utf-8",
)

STARTUP = FOLDER / "ipython" / "profile_default" / "startup"
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
    shutil.rmtree(FOLDER, ignore_errors=True)
