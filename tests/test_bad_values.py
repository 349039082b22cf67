"""Every argument of every public function answers a bad value with one clear sentence.

`bad_values.py` makes the calls, in processes of their own: one that dies or hangs is named,
and another goes on after it. `calls_to_try.py` says which values are right.
"""

import collections
import contextlib
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import alexnet_helpers

PROGRAM = Path(__file__).with_name("bad_values.py")
WITHOUT_KERAS = (
    *("bvlc_alexnet", "checks", "data", "exercises", "explorer", "geometry", "imagenet", "numpy_layers"),
    *("onnx_weights", "plotting", "walk"),
)
MODULES = ["alexnet_helpers"] + [one.name for one in pkgutil.iter_modules(alexnet_helpers.__path__, "alexnet_helpers.")]
FAULTS = ("refused badly", "silently wrong", "wrongly refused", "killed", "hung")
COLUMNS = ("refused well", "another form", "right", *FAULTS, "left behind")


def start(file, modules):
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}
    errors = open(file.with_suffix(".err"), "a+", encoding="utf-8", errors="replace")  # noqa: SIM115
    command = [sys.executable, str(PROGRAM), str(file), *modules]
    return subprocess.Popen(command, env=environment, stdout=errors, stderr=errors), errors


def finish(file, modules, process, errors):
    """Wait for a process; note the call that it died in, and have another go on after it."""
    while True:
        process.wait(timeout=1500)
        errors.seek(0)
        said = errors.read()
        errors.close()
        records = read(file)
        if process.returncode == 0 and "end" in records[-1]:
            return records
        if "call" not in records[-1]:
            pytest.fail(f"bad_values.py itself failed:\n{said[-3000:]}")
        verdict = "hung" if "Timeout (" in said else "killed"
        record = {"verdict": verdict, "remark": said[-300:], "left": []}
        with open(file, "a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")
        file.with_suffix(".err").unlink()
        process, errors = start(file, modules)


def read(file):
    """Return the lines of JSON; the last one may be cut by a death."""
    found = [{}]
    for line in file.read_text("utf-8").splitlines() if file.exists() else []:
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found


def asked(items):
    """Return the modules that the tests of this file that are run are about."""
    mine = [item for item in items if item.path == Path(__file__)]
    if any(item.name == "test_many_values_are_tried" for item in mine):
        return MODULES
    return [name for name in MODULES if any(name in item.callspec.params.values() for item in mine)]


@pytest.fixture(scope="module")
def answers(request, tmp_path_factory):
    """Return {module: (what the table lacks, [(call, record)])} for all modules that are asked for."""
    folder, modules = tmp_path_factory.mktemp("bad_values"), asked(request.session.items)
    light = [name for name in modules if name.rpartition(".")[2] in WITHOUT_KERAS]
    groups = {"light": light, "heavy": [name for name in modules if name not in light]}
    groups = {name: some for name, some in groups.items() if some}
    running = {name: start(folder / name, some) for name, some in groups.items()}
    found = {}
    for name, some in groups.items():
        module = call = None
        for record in finish(folder / name, some, *running[name]):
            if "module" in record:
                module = record["module"]
                found.setdefault(module, ({}, []))[0].update(record["missing"])
            call = record.get("call", call)
            if "verdict" in record:
                found[module][1].append((call, record))
    return found


def table(answers):
    """Return how many calls of each module had which answer, as a text."""
    rows = [f"{'module':14}{'tried':>7}" + "".join(f"{name:>16}" for name in COLUMNS)]
    for module, (_, calls) in answers.items():
        counts = collections.Counter(record["verdict"] for _, record in calls)
        counts["left behind"] = sum(bool(record["left"]) for _, record in calls)
        name = module.removeprefix("alexnet_helpers.")
        row = f"{name:14.14}{len(calls):7}" + "".join(f"{counts[one]:16}" for one in COLUMNS)
        rows.append(row)
    return "\n".join(rows)


def faults(calls):
    """Return what is wrong as lines: function, argument, value, answer."""
    found = []
    for (function, argument, value), record in calls:
        what = [record["verdict"]] * (record["verdict"] in FAULTS) + record["left"]
        if what:
            said = f"{function}({argument}=<{value}>): {', '.join(what)}: {record['remark']}"
            found.append(said[:250])
    return found


def test_many_values_are_tried(answers):
    print(table(answers))
    assert set(answers) == set(MODULES)
    assert sum(len(calls) for _, calls in answers.values()) > 8000


@pytest.mark.parametrize("module", MODULES)
def test_every_public_argument_is_in_the_table(answers, module):
    missing, _ = answers[module]
    assert not missing, f"tests/calls_to_try.py has no valid call of these: {missing}"


@pytest.mark.parametrize("module", MODULES)
def test_bad_values_are_refused_and_right_ones_are_not(answers, module):
    found = faults(answers[module][1])
    assert not found, "\n".join([f"{len(found)} answers are wrong:", *found])


@pytest.mark.parametrize("module", MODULES)
def test_messages_have_one_form(answers, module):
    other = [record["remark"] for _, record in answers[module][1] if record["verdict"] == "another form"]
    other = [remark for remark in other if "usage: python -m" not in remark]  # argparse has a form of its own
    refused = sum(record["verdict"] == "refused well" for _, record in answers[module][1])
    assert len(other) <= 0.05 * (len(other) + refused), "\n".join(sorted(set(other))[:40])
