"""The house: the same packages everywhere, quiet imports, a small package, one clear line when Python does not suit."""

import ast
import doctest
import hashlib
import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import alexnet_helpers
from tools import house

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
RUNTIME = [Requirement(line) for line in PYPROJECT["project"]["dependencies"]]
OPTIONAL = {
    name: [Requirement(line) for line in lines] for name, lines in PYPROJECT["project"]["optional-dependencies"].items()
}
EXTRAS = OPTIONAL["lab"] + OPTIONAL["test"] + OPTIONAL["scale"]  # the others are for single tests: `make extras`
LOCKS = {
    "requirements.lock": RUNTIME + EXTRAS,
    "requirements-extras.lock": RUNTIME + [line for lines in OPTIONAL.values() for line in lines],
    "requirements-colab.lock": RUNTIME,
    "requirements-oldest.lock": RUNTIME + EXTRAS,
}
COLAB_PYTHON = "3.13"
COLAB = dict(re.findall(r"^([\w-]+)==(.+)$", (ROOT / "tools" / "colab-versions.txt").read_text("utf-8"), re.MULTILINE))


WITH_EXAMPLES = [
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    for path in sorted((ROOT / "alexnet_helpers").rglob("*.py"))
    if ">>>" in path.read_text("utf-8")
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_in_the_docstrings_are_true(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


# --- a package that can be read: `python tools/house.py` shows its measures ---


def test_no_line_of_the_package_is_too_wide():
    assert house.wide_lines() == []


def test_no_module_and_no_function_is_too_long():
    assert house.long_modules() == []
    assert house.long_functions() == []


def test_every_public_name_is_used_outside_its_module():
    assert house.unused_names() == []


def test_contributing_says_what_every_module_holds():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.partition("| module | holds |")[2].partition("\n\n")[0]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`([\w/]+)`", row.split("|")[1])}
    entries = (ROOT / "alexnet_helpers").iterdir()
    there_are = {f"{path.name}/" for path in entries if (path / "__init__.py").exists()}
    there_are |= {path.stem for path in (ROOT / "alexnet_helpers").glob("*.py") if path.stem != "__init__"}
    assert named == there_are


def test_what_counts_as_a_line_of_code():
    source = (
        '"""A module\nwith a docstring."""\n\nimport os  # used\n\n# A comment.\ntext = """of\n\ntwo lines"""\n\n\n'
        'def add(a, b):\n    """Add."""\n    # Both.\n    return (\n        a\n        + b\n    )\n\n\n'
        "class Empty:\n    def method(self):\n        def inner():\n            pass\n"
    )
    assert [line for line, text in enumerate(source.splitlines(), 1) if line in house.code_lines(source)] == [
        *(4, 7, 8, 9, 12, 15, 16, 17, 18, 21, 22, 23, 24)
    ]
    assert set(house.functions(source)) == {("add", 5), ("method", 3), ("inner", 2)}


def test_what_counts_as_a_use():
    source = (
        "import alexnet_helpers.walk\nfrom alexnet_helpers import data, models as networks\n"
        "from alexnet_helpers.geometry import Layer as L\n"
        "data.sample_photo(); networks.alexnet().summary(); alexnet_helpers.walk.gabor; other.plotting.show\n"
    )
    of_package = {name for name in house.uses(source) if name.startswith("alexnet_helpers.")}
    names = ("data", "models", "geometry.Layer", "data.sample_photo", "models.alexnet", "walk", "walk.gabor")
    assert of_package == {f"alexnet_helpers.{name}" for name in names}


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_cell_ids_are_those_of_the_lesson_and_unique(path):
    # That a cell keeps its id when its lesson is stored again is tested in test_notebooks.py.
    if ".ipynb_checkpoints" in path.parts:
        return
    ids = [cell["id"] for cell in nbformat.read(path, as_version=4).cells]
    assert [name for name in ids if not re.fullmatch(rf"{path.stem[:2]}-\d{{3}}", name)] == []
    assert len(set(ids)) == len(ids)


def python(code, **kwargs):
    """Run code in a fresh interpreter, from the root, and return what it wrote."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=1800, **kwargs)


# --- the same packages everywhere ---


def locked_versions(lock="requirements.lock"):
    """Return {name: (version, hashes)} of a lock file."""
    text = (ROOT / lock).read_text("utf-8")
    entry = r"^([\w.-]+)==([^\s;]+)[^\\\n]*((?:\\\n +--hash=sha256:[0-9a-f]{64} ?)*)"
    entries = re.findall(entry, text, re.MULTILINE)
    names = re.findall(r"^[^\s#].*", text, re.MULTILINE)
    assert len(entries) == len(names), f"lines that are no 'name==version': {names}"
    return {canonicalize_name(name): (Version(version), hashes.count("--hash")) for name, version, hashes in entries}


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_holds_every_direct_dependency_within_its_range(lock):
    locked = locked_versions(lock)
    for requirement in LOCKS[lock]:
        version, _ = locked[canonicalize_name(requirement.name)]
        assert version in requirement.specifier, f"{requirement} is locked to {version}: run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_holds_hashes_and_no_address(lock):
    assert [name for name, (_, hashes) in locked_versions(lock).items() if not hashes] == []
    text = (ROOT / lock).read_text("utf-8")
    assert re.findall(r"^-.*|.*(?:://|@ |file:|--index|--find-links).*", text, re.MULTILINE) == []


@pytest.mark.parametrize("requirement", LOCKS["requirements-oldest.lock"], ids=lambda requirement: requirement.name)
def test_the_oldest_versions_are_the_oldest_allowed(requirement):
    version, _ = locked_versions("requirements-oldest.lock")[canonicalize_name(requirement.name)]
    (lowest,) = (Version(bound.version) for bound in requirement.specifier if bound.operator == ">=")
    # The last number apart: it may have been withdrawn, or have no build for this Python.
    assert (version.major, version.minor) == (lowest.major, lowest.minor), "run `make lock`"


def test_the_extras_change_no_version_of_the_course():
    extras = locked_versions("requirements-extras.lock")
    assert {name: extras[name][0] for name in locked_versions()} == {
        name: version for name, (version, _) in locked_versions().items()
    }


def test_the_lock_can_build_this_package_without_a_download():
    for line in PYPROJECT["build-system"]["requires"]:
        requirement = Requirement(line)
        assert locked_versions()[canonicalize_name(requirement.name)][0] in requirement.specifier


def test_colab_needs_no_reinstallation():
    wanted = {canonicalize_name(requirement.name): requirement.specifier for requirement in RUNTIME}
    assert {"tensorflow", "keras", "numpy", "ipython", "ipywidgets"} <= set(COLAB) & set(wanted)
    assert [name for name, version in COLAB.items() if name in wanted and Version(version) not in wanted[name]] == []
    assert COLAB_PYTHON in SpecifierSet(PYPROJECT["project"]["requires-python"])


def test_the_imitation_of_colab_has_its_versions():
    locked = locked_versions("requirements-colab.lock")
    assert {name: str(locked[canonicalize_name(name)][0]) for name in COLAB} == COLAB


def test_environment_yml_describes_the_same_environment():
    text = (ROOT / "environment.yml").read_text("utf-8")
    python_line, pip, pip_lines = yaml.safe_load(text)["dependencies"]
    assert pip == "pip"
    assert python_line.removeprefix("python=") in SpecifierSet(PYPROJECT["project"]["requires-python"])
    editable, *lines = pip_lines["pip"]
    assert editable == "-e ."
    assert sorted(map(str, map(Requirement, lines))) == sorted(map(str, RUNTIME + EXTRAS))
    for line in [python_line, pip, *pip_lines["pip"]]:
        assert re.search(rf"^ +- {re.escape(line)} # \w.*\w", text, re.MULTILINE), f"{line}: what is it for?"


def test_every_imported_package_is_declared():
    distributions = metadata.packages_distributions()
    declared = {canonicalize_name(requirement.name) for requirement in RUNTIME}
    declared_for_tests = {canonicalize_name(requirement.name) for requirement in LOCKS["requirements-extras.lock"]}
    ours = {"alexnet_helpers", "bad_values", "calls_to_try", "conftest", "readable_figures", "tests", "tools"}
    compared_with = {"torch"}  # by tools/benchmark.py, where it is installed
    brought_along = {"ipykernel"}  # by nbval, which cannot do without it
    for folder in ("alexnet_helpers", "tools", "tests"):
        for path in (ROOT / folder).rglob("*.py") if folder == "alexnet_helpers" else (ROOT / folder).glob("*.py"):
            known = ours | (compared_with if path.name == "benchmark.py" else set())
            known |= brought_along if path.name == "forked_kernels.py" else set()
            for name in imported_modules(path) - set(sys.stdlib_module_names) - known:
                names = {canonicalize_name(distribution) for distribution in distributions.get(name, [name])}
                allowed = declared_for_tests
                if folder == "alexnet_helpers":
                    allowed = declared | {"devices.py": {"jax"}, "onnx_weights.py": {"onnx"}}.get(path.name, set())
                assert names & allowed, f"{path.name} imports {name}, which pyproject.toml does not name"


def imported_modules(path):
    """Return the top-level names of the modules that a Python file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert str(citation["version"]) == alexnet_helpers.__version__
    assert {"cff-version", "message", "title", "authors", "license"} <= set(citation)


def test_no_file_names_a_place_on_one_machine():
    # Put together here, so that this file does not name what it looks for.
    places = ["home", "root", "Users", "work", "mnt", "opt", "private", "tmp"]
    pattern = re.compile(rf"(?<![\w.:/)}}\"'*])/(?:{'|'.join(places)})/|pypi\.or" + r"g|pythonhosted\.or" + "g")
    suffixes = {".py", ".sh", ".md", ".toml", ".yml", ".lock", ".cff", ".csv", ".json", ""}
    skipped = {".git", ".venv", ".ruff_cache", ".pytest_cache", ".hypothesis", "build", "checkpoints"}
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if skipped & set(parts) or path.suffix not in suffixes or not path.is_file() or "cifar-10-batches-bin" in parts:
            continue
        found = pattern.search(path.read_text("utf-8", errors="replace"))
        assert not found, f"{path.relative_to(ROOT)} contains {found[0]!r}"


# --- quiet imports ---


def test_importing_the_package_imports_neither_tensorflow_nor_keras():
    done = python("import sys, alexnet_helpers; print({'tensorflow', 'keras', 'jax', 'torch'} & set(sys.modules))")
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_quietly_holds_back_what_is_written_to_file_descriptor_2():
    done = python(
        "import os, sys, alexnet_helpers\n"
        "with alexnet_helpers._quietly():\n"
        "    os.write(2, b'held back'); print('also this', file=sys.stderr)\n"
        "os.write(2, b'afterwards')"
    )
    assert (done.returncode, done.stderr) == (0, "afterwards")


def test_quietly_writes_out_what_it_held_back_when_the_block_raises():
    done = python(
        "import os, alexnet_helpers\nwith alexnet_helpers._quietly():\n    os.write(2, b'the reason. ')\n    1 / 0"
    )
    assert done.returncode == 1
    assert done.stderr.startswith("the reason. Traceback")
    assert done.stderr.rstrip().endswith("ZeroDivisionError: division by zero")


def test_the_last_words_of_a_process_that_dies_while_keras_loads_reach_the_reader(tmp_path):
    # The abort stands for TensorFlow's on a processor without AVX, and for an unknown option in XLA_FLAGS.
    code = (
        "import os\nfrom alexnet_helpers import _quietly\n"
        "with _quietly():\n    os.write(2, b'compiled to use AVX instructions\\n'); os.abort()"
    )
    done = python(code)
    assert done.returncode not in (0, 1)
    assert "compiled to use AVX instructions" in done.stderr
    # In a notebook they go where JupyterLab's own messages go, to the terminal.
    script = tmp_path / "script.py"
    script.write_text(
        "import nbformat; from nbclient import NotebookClient\n"
        f"cell = nbformat.v4.new_code_cell({code!r})\n"
        "NotebookClient(nbformat.v4.new_notebook(cells=[cell]), startup_timeout=1800).execute()\n"
    )
    done = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=1800)
    assert "DeadKernelError" in done.stderr
    assert "compiled to use AVX instructions" in done.stderr


def test_quietly_leaves_no_process_and_no_file_behind(tmp_path):
    (tmp_path / "empty").mkdir()
    done = python(
        "import os, sys, subprocess, alexnet_helpers\n"
        "for _ in range(3):\n    with alexnet_helpers._quietly(): os.write(2, b'held back')\n"
        "sys.stderr.flush()\n"
        "try: os.waitpid(-1, os.WNOHANG); print('a child is left')\n"
        "except (ChildProcessError, AttributeError): print('none')\n",
        env=os.environ | {"TMPDIR": str(tmp_path / "empty")},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "none\n", "")
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell's way to close a stream")
@pytest.mark.parametrize("without", [{"preexec_fn": lambda: os.close(2)}, {}], ids=["stderr", "a temporary folder"])
def test_quietly_works_without(without):
    code = "import alexnet_helpers as h\nimport tempfile, os\n" + (
        "def none(): raise FileNotFoundError\ntempfile.TemporaryFile = none\n" if not without else ""
    )
    done = subprocess.run(
        [sys.executable, "-c", code + "with h._quietly(): print('goes on')"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=1800, **without,
    )  # fmt: skip
    assert done.stdout == "goes on\n"


# --- what the account is set to has no say ---

HOSTILE = b'{"image_data_format": "channels_first", "backend": "theano", "floatx": "float16", "epsilon": 0.1}'
KERAS_FILES = {
    "valid": HOSTILE,
    "damaged": HOSTILE[:40],
    "no-object": b"[1, 2]",
    "odd-values": b'{"floatx": ["float32"], "epsilon": 1, "image_data_format": null}',
    "not-text": b"\xff\x00",
    "folder": None,
}


def write_keras_file(folder, kind):
    """Write a keras.json into a folder as Keras' own."""
    folder.mkdir(parents=True)
    content = KERAS_FILES[kind]
    if content is None:
        (folder / "keras.json").mkdir()
    else:
        (folder / "keras.json").write_bytes(content)


@pytest.mark.parametrize("kind", KERAS_FILES)
def test_a_settings_file_that_would_stop_keras_is_known(kind, tmp_path):
    write_keras_file(tmp_path / "keras", kind)
    assert alexnet_helpers._keras_can_read(tmp_path / "keras" / "keras.json") == (kind == "valid")
    assert alexnet_helpers._keras_can_read(tmp_path / "keras.json")  # there is none


@pytest.mark.parametrize("kind", ["valid", "odd-values"])
def test_keras_settings_have_no_say_and_importing_the_models_writes_nothing(kind, tmp_path):
    write_keras_file(tmp_path / ".keras", kind)
    # The parent reads file descriptor 2, which TensorFlow's C++ code writes to past Python's sys.stderr.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KERAS")}
    environment |= {"HOME": str(tmp_path), "KERAS_MAX_EPOCHS": "one", "KERAS_MAX_STEPS_PER_EPOCH": "1"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "0", "TF_USE_LEGACY_KERAS": "1"}
    done = python(
        "import os\nfrom alexnet_helpers import models\nimport keras\nc = keras.config\n"
        "print(c.backend(), c.image_data_format(), c.floatx(), c.epsilon(), os.environ.get('KERAS_HOME'))\n"
        "print(models.alexnet_cifar10('modern', width=0.05, num_classes=3).output_shape)",
        env=environment,
    )
    assert (done.stdout, done.stderr) == ("tensorflow channels_last float32 1e-07 None\n(None, 3)\n", "")


@pytest.mark.parametrize("backend", ["theano", "no such", "os"])
def test_a_backend_that_keras_does_not_have_is_named(backend):
    done = python("from alexnet_helpers import load_keras; load_keras()", env=os.environ | {"KERAS_BACKEND": backend})
    last = done.stderr.rstrip().splitlines()[-1]
    assert last.startswith("ValueError: the environment variable KERAS_BACKEND must be a backend of Keras")
    assert last.endswith(f"got {backend}")


def test_a_kernel_of_a_home_full_of_settings_does_what_the_lesson_says(tmp_path):
    """One lesson is run by pytest as a reader runs it, in an account with every setting that we know of."""
    home = tmp_path / "home"
    for name, content in {
        ".keras/keras.json": HOSTILE.decode(),
        ".config/matplotlib/matplotlibrc": "figure.facecolor: black\nbackend: nonsense\n",
        ".ipython/profile_default/startup/boom.py": "from math import *\nraise SystemExit('read the startup files')",
        ".ipython/profile_default/ipython_config.py": "raise SystemExit('read the configuration')",
        ".jupyter/jupyter_config.json": "{damaged",
        ".local/share/jupyter/kernels/python3/kernel.json": '{"argv": ["false"], "display_name": "x", "language": "x"}',
        "sitecustomize.py": "raise SystemExit('a sitecustomize of the home')",
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content, "utf-8")
    settings = {"PYTHONSTARTUP": str(home / "sitecustomize.py"), "PYTHONWARNINGS": "error", "PYTHONHASHSEED": "7"}
    settings |= {"MPLBACKEND": "nonsense", "JUPYTER_PATH": str(home / ".local/share/jupyter"), "LC_ALL": "POSIX"}
    settings |= {"KERAS_MAX_EPOCHS": "1", "JUPYTER_PREFER_ENV_PATH": "0", "TF_USE_LEGACY_KERAS": "1"}
    unset = ("KERAS", "IPYTHON", "JUPYTER", "MATPLOTLIBRC", "PYTEST")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    command = [sys.executable, "-W", "default", "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "--nbval"]
    done = subprocess.run(
        [*command, "notebooks/04_max_pooling.ipynb"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
        env=environment | settings | {"HOME": str(home)},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


# --- one clear line when Python does not suit (tools/find_python.sh) ---

shell_only = pytest.mark.skipif(shutil.which("sh") is None or os.name == "nt", reason="needs a POSIX shell")


def find_python(tmp_path, asked="", pretend="", cpuinfo="", **versions):
    """Run find_python.sh where PATH has only stand-ins for Python: {name: (version, has venv)}.

    `pretend` is run in each of them first, `cpuinfo` stands for /proc/cpuinfo.
    """
    for name, (version, has_venv) in versions.items():
        hide = "" if has_venv else "sys.modules['ensurepip'] = None; "
        script = tmp_path / name
        script.write_text(
            "#!/bin/sh\nexec '" + sys.executable + f"' -c \"import sys; sys.version_info = {version}; {hide}{pretend}"
            'exec(sys.argv[1])" "$3"\n'  # after -E and -c
        )
        script.chmod(0o755)
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    command = [shutil.which("sh"), str(ROOT / "tools" / "find_python.sh"), *([asked] if asked else [])]
    environment = {"PATH": str(tmp_path), "PYTHONPATH": "nowhere", "PYTHONHOME": "nowhere", "PYTHONOPTIMIZE": "2"}
    environment["CPUINFO"] = str(tmp_path / "cpuinfo")
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    return done.stdout.strip()


@shell_only
@pytest.mark.parametrize(
    ("pretend", "said"),
    [
        ("import platform; platform.python_implementation = lambda: 'PyPy'; ", "of another kind (PyPy)"),
        ("import sysconfig; sysconfig.get_config_var = lambda name: name == 'Py_GIL_DISABLED'; ", "(free-threaded)"),
        ("import sysconfig; sysconfig.get_config_var = {'HOST_GNU_TYPE': 'x86_64-linux-musl'}.get; ", "for musl"),
        ("sys.maxsize = 2**31 - 1; ", "in 32 bits"),
        ("import platform; platform.system = lambda: 'Darwin'; platform.machine = lambda: 'x86_64'; ", "Intel Macs"),
    ],
)
def test_a_python_that_tensorflow_has_no_build_for_is_named(tmp_path, pretend, said):
    line = find_python(tmp_path, pretend=pretend, python3=((3, 13), True))
    assert line.startswith("no Python 3.11, 3.12 or 3.13 with venv here (python3 is Python 3.13 ")
    assert said in line
    asked = find_python(tmp_path, "python3", pretend=pretend, python3=((3, 13), True))
    assert asked.startswith("PYTHON=python3 is Python 3.13 ")
    assert said in asked


@shell_only
def test_a_processor_that_tensorflow_has_no_build_for_is_named(tmp_path):
    have = {"python3": ((3, 12), True)}
    old, new = ("processor: 0\nflags\t\t: fpu sse4_2 avx2like\n", "processor: 0\nflags\t\t: fpu avx avx2\n")
    assert find_python(tmp_path, cpuinfo=old, **have).startswith("this processor (or virtual machine) has no AVX")
    for known in (new, "Features\t: fp asimd\n", ""):
        assert Path(find_python(tmp_path, cpuinfo=known, **have)).is_absolute()


@shell_only
@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ({}, "there is no python3 at all"),
        ({"python3": ((3, 10), True)}, "python3 is Python 3.10, which is too old"),
        ({"python3": ((3, 14), True)}, "python3 is Python 3.14, for which there is no TensorFlow yet"),
        (
            {"python3": ((3, 11), False)},
            "Python 3.11 without venv (on Debian and Ubuntu: apt install python3.11-venv)",
        ),
        ({"python3": ((3, 8), True), "python3.12": ((3, 12), False)}, "python3.12 is Python 3.12 without venv"),
    ],
)
def test_without_a_suitable_python_one_line_says_why(tmp_path, versions, said):
    line = find_python(tmp_path, **versions)
    assert line.startswith("no Python 3.11, 3.12 or 3.13 with venv here")
    assert said in line


@shell_only
def test_a_suitable_python_is_found(tmp_path):
    suitable = find_python(tmp_path, python3=((3, 11), True))
    assert Path(suitable).is_absolute()
    assert Path(suitable).resolve() == Path(sys.executable).resolve()
    assert find_python(tmp_path, **{"python3": ((3, 14), True), "python3.13": ((3, 13), True)}) == suitable


@shell_only
def test_the_python_that_was_asked_for_is_taken_or_refused(tmp_path):
    have = {"python3": ((3, 8), True), "python3.12": ((3, 12), True)}
    assert Path(find_python(tmp_path, "python3.12", **have)).is_absolute()
    assert find_python(tmp_path, "python3", **have).startswith("PYTHON=python3 is Python 3.8, which is too old")
    assert find_python(tmp_path, "python9", **have).startswith("PYTHON=python9 cannot be run")


@shell_only
@pytest.mark.skipif(shutil.which("make") is None, reason="needs Make")
def test_make_says_it_in_one_line_and_fails(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "find_python.sh", tmp_path / "tools")
    for needed in ("requirements.lock", "pyproject.toml"):
        (tmp_path / needed).touch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "test", "PYTHON=python9"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "PYTHON=python9 cannot be run" in done.stderr


def tiny_wheel(folder):
    """Write a package of one empty module, and a lock file that asks for it."""
    files = {"tiny.py": "", "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"}
    files["tiny-1.0.dist-info/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files["tiny-1.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in files)
    wheel = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "requirements.lock").write_text(f"tiny==1.0 --hash=sha256:{digest}\n")


@shell_only
@pytest.mark.skipif(shutil.which("make") is None, reason="needs Make")
def test_make_installs_into_its_own_environment_or_says_why_not(tmp_path):
    course = tmp_path / "it's a course"
    (course / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", course)
    shutil.copy(ROOT / "tools" / "find_python.sh", course / "tools")
    tiny_wheel(course)
    base = Path(sys._base_executable)
    for name in ("python3", "it's python"):
        (tmp_path / name).symlink_to(base)
    unset = ("MAKE", "MFLAGS", "PIP", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ".", "PIP_CONFIG_FILE": os.devnull}
    elsewhere = tmp_path / "elsewhere"
    hostile = {f"PIP_{name}": str(elsewhere) for name in ("TARGET", "PREFIX", "ROOT", "CONSTRAINT", "REQUIREMENT")}
    hostile |= {"PIP_DRY_RUN": "1", "PIP_USER": "1", "PYTHONOPTIMIZE": "2", "PYTHONPATH": str(elsewhere), "CDPATH": "/"}

    def make(python, *options, **settings):
        command = ["make", ".venv/installed", "complete=import tiny", f"PYTHON={python}", *options]
        return subprocess.run(
            command, cwd=course, capture_output=True, text=True, check=False, timeout=1800, env=environment | settings
        )

    done = make(tmp_path / "it's python", **hostile)
    assert done.returncode == 0, done.stderr
    assert len(list((course / ".venv").glob("lib/python*/site-packages/tiny.py"))) == 1
    assert (course / ".venv" / "installed").exists()
    assert not elsewhere.exists()
    for same in (tmp_path / "python3", base, ""):
        assert "up to date" in make(same).stdout, same
    for file in (course / ".venv").glob("lib/python*/site-packages/tiny.py"):  # as `uv sync` takes packages away
        file.unlink()
    assert "-m venv --clear .venv" in make("", "--dry-run").stdout
    (tmp_path / "pip.conf").write_text(f"[install]\nprefix = {elsewhere}\n")
    done = make(base, PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    assert done.returncode != 0
    assert "pip does not install into .venv" in done.stderr
    assert not (course / ".venv" / "installed").exists()
    assert not elsewhere.exists()


# --- the page for teachers ---


def test_the_places_that_the_page_for_teachers_names_exist():
    rows = [line.strip("|").split("|") for line in (ROOT / "TEACHING.md").read_text("utf-8").splitlines()]
    named = [(row[0].strip(), row[2]) for row in rows if len(row) == 3 and row[0].strip().isdigit() and '"' in row[2]]
    assert len(named) >= 20
    for number, cure in named:
        (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
        cells = nbformat.read(path, as_version=4).cells
        lines = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
        headings = {line.lstrip("# ") for line in lines if line.startswith("#")}
        assert set(re.findall(r'"([^"]+)"', cure)) <= headings, f"notebook {number}"
