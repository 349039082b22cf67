"""What the tests, and the kernels of the notebooks under test, find in their environment.

None of what the account is set to, and some settings that the course has to correct.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import filelock
import pytest

os.environ["ALEXNET_OFFLINE"] = "1"  # no download is started
os.environ["ALEXNET_FAST"] = "1"  # training is a small, fixed run
os.environ["ALEXNET_SHOW_IMAGES"] = "0"  # no figure has an image of CIFAR-10, as in the stored notebooks

# Settings of the account that would reach into the kernels and the processes that tests start.
ACCOUNT = ("FORCE_COLOR", "IPYTHON", "JUPYTER", "KERAS", "MPL", "PYTHON", "TF_CPP", "TF_USE_LEGACY_KERAS")
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

# What one process has compiled with JAX, the others read: two processes of a job, two starts of it, three workers.
# With a limit to its size, which nothing here comes near, JAX locks this cache, and no entry is read half written.
if "PYTEST_XDIST_WORKER" not in os.environ:  # the workers inherit it
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(FOLDER / "jax")
    os.environ["JAX_COMPILATION_CACHE_MAX_SIZE"] = str(2**30)
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    # To compile a quick program takes longer than to run a slow one.
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    os.environ["ALEXNET_KERNELS"] = str(FOLDER / "kernels")

STARTUP = FOLDER / "ipython" / "profile_default" / "startup"
STARTUP.mkdir(parents=True)
# In a namespace of its own: a notebook may use the same names.
CHECKS = Path(__file__).resolve().parent / "tests" / "readable_figures.py"
(STARTUP / "checks.py").write_text(
    f"""__import__('runpy').run_path({str(CHECKS)!r})['install']()
# Nothing that a cell computes from the few images that come with the course ends in NumPy's warning and a NaN.
__import__('warnings').filterwarnings('error', category=RuntimeWarning)
try:  # the course promises to run in 4 GB of memory (Linux and macOS can hold a process to it)
    __import__('resource').setrlimit(__import__('resource').RLIMIT_DATA, ({4 * 2**30}, {4 * 2**30}))
except (ImportError, ValueError):
    pass
""",
    "utf-8",
)


# Forked from a process with TensorFlow in it, a kernel starts in a second (tests/forked_kernels.py). All workers share
# this process. It ends when nobody can write any more into the pipe that it reads: when the tests end, however they do.
FORKED = [sys.executable, str(CHECKS.with_name("forked_kernels.py"))]
SOCKET = Path(os.environ["ALEXNET_KERNELS"])
PIPE = SOCKET.with_name("pipe")
HELD_OPEN = []
if "PYTEST_XDIST_WORKER" not in os.environ and sys.platform.startswith("linux"):
    os.mkfifo(PIPE)
    HELD_OPEN.append(os.open(PIPE, os.O_RDWR))
KERNELS = {
    "plain": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "alone": [*FORKED, "alone", "-f", "{connection_file}"],
    "forked": [*FORKED, "kernel", str(SOCKET), "-f", "{connection_file}"],
}
for name, command in KERNELS.items():
    folder = Path(os.environ["JUPYTER_DATA_DIR"], "kernels", name)
    folder.mkdir(parents=True)
    specification = {"argv": command, "display_name": name, "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(specification), "utf-8")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Choose the kernel of a notebook before nbval starts it."""
    if item.path.suffix != ".ipynb":
        return
    item.parent.nb.metadata["kernelspec"]["name"] = quickest_kernel(item.path.name)


def quickest_kernel(name):
    """Return which kernel starts quickest for the notebook of this name."""
    # Notebook 17 chooses another backend before it imports Keras.
    return "forked" if not name.startswith("17") and kernels_can_fork() else "plain"


def kernels_can_fork():
    """Tell whether a process is there that kernels can be forked from; start it if need be."""
    if not PIPE.exists() or len(os.fsencode(SOCKET)) > 90:  # a socket's name has at most 107
        return False
    if not SOCKET.exists():
        with filelock.FileLock(SOCKET.with_name("lock")), open(PIPE, "rb") as pipe:
            if not SOCKET.exists():  # nor has another worker started it meanwhile
                parent = subprocess.Popen([*FORKED, "parent", str(SOCKET)], stdin=pipe, cwd=SOCKET.parent)
                while not SOCKET.exists() and parent.poll() is None:
                    time.sleep(0.05)
                if not SOCKET.exists():
                    PIPE.unlink()  # nobody needs to try again
    return SOCKET.exists()


@pytest.fixture
def quick_kernel(name):
    """Return the kernel that starts quickest for the notebook that the test is about."""
    return quickest_kernel(name)


def pytest_configure(config):
    """Give each of the workers that share the cores one thread for NumPy: more would only wait for each other."""
    if config.getoption("numprocesses", default=None):  # with -n 0, where run times are measured, NumPy has all cores
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


# What takes longest is begun first: else one of the workers would be left with it at the end.
LONGEST = (
    *("test_training", "test_scale", "test_backends", "12_", "17_", "13_", "14_", "test_elsewhere", "test_bad"),
    *(
        "test_grading",
        "test_house",
        "test_variants",
        "test_classroom",
        "test_data",
        "test_models",
        "16_",
        "03_",
        "07_",
        "15_",
        "09_",
        "test_plotting",
    ),
    *("11_", "10_", "test_numpy", "02_"),
)

# Long, and no fixture of their file would be made twice: any worker takes them.
ALONE = (
    *("test_elsewhere.py", "test_refining_erases", "test_in_mixed_precision", "test_the_long_recipes_run"),
    *("test_keras_settings_have_no_say", "test_a_kernel_of_a_home_full", "test_make_installs_into"),
)


def pytest_collection_modifyitems(items):
    """Order the tests; let warnings fail those in tests/, and no notebooks: how nbval starts a kernel is not theirs."""

    def place(item):
        return next((n for n, name in enumerate(LONGEST) if item.path.name.startswith(name)), len(LONGEST))

    items.sort(key=place)
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.filterwarnings("ignore"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the tests of a file together, in the order above, but for those that are long and share nothing."""
    if config.getoption("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return nodeid if any(name in nodeid for name in ALONE) else super()._split_scope(nodeid)

    config.option.loadscopereorder = False  # by number of tests
    return Scheduling(config, log)


def pytest_unconfigure():
    """Leave nothing behind."""
    for pipe in HELD_OPEN:
        os.close(pipe)
    shutil.rmtree(FOLDER, ignore_errors=True)
