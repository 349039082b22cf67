"""The breaks in `tools/break_things.py` fit the course as it is: they are run by hand."""

import ast
import collections
import shlex

import pytest

from tools import break_things

FILES = sorted((break_things.ROOT / "alexnet_helpers").rglob("*.py"))
# Beside each exercise stand its own wrong answers, which test_exercises.py tries, and a few lines have little to break.
EXEMPT = [path for path in FILES if path.match("exercises/n[0-9]*.py") or len(path.read_text("utf-8")) < 2000]


def test_there_are_enough_breaks_in_every_module():
    counts = collections.Counter(one.file for one in break_things.BREAKS)
    assert len(break_things.BREAKS) >= 60
    names = {path.relative_to(break_things.ROOT).as_posix() for path in FILES if path not in EXEMPT}
    assert names <= set(counts), f"no break in {names - set(counts)}"
    assert all(counts[name] >= 3 for name in names)


def test_no_two_breaks_have_one_name():
    twice = [name for name, n in collections.Counter(one.name for one in break_things.BREAKS).items() if n > 1]
    assert not twice


@pytest.mark.parametrize("one", break_things.BREAKS, ids=lambda one: one.name)
def test_a_break_fits(one):
    assert break_things.found(one) == 1, f"{one.file} has {one.old!r} {break_things.found(one)} times"
    text = (break_things.ROOT / one.file).read_text("utf-8")
    broken = text.replace(one.old, one.new)
    assert broken != text
    ast.parse(broken)  # what cannot be imported would be noticed by any test
    assert (break_things.ROOT / shlex.split(one.tests)[0].partition("::")[0]).is_file()


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(1, "noticed"), (2, "noticed"), (None, "noticed"), (0, "NOT NOTICED"), (5, "ERROR: no such")],
)
def test_a_break_is_applied_for_its_tests_alone(tmp_path, monkeypatch, status, verdict):
    file = tmp_path / "module.py"
    file.write_text("a = 1\n")
    during = []

    def run(tests, folder):
        during.append((tests, file.read_text()))
        return status, "said"

    monkeypatch.setattr(break_things, "run", run)
    one = break_things.Break("a", "module.py", "a = 1", "a = 2", "no such tests")
    assert break_things.try_break(one, tmp_path).startswith(verdict.partition(":")[0])
    assert during == [("no such tests", "a = 2\n")]
    assert file.read_text() == "a = 1\n"


def test_what_is_out_of_date_or_fails_unbroken_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(break_things, "run", lambda tests, folder: (1 if "bad" in tests else 0, "said"))
    one = break_things.BREAKS[0]
    breaks = [one, one._replace(old="no such text"), one._replace(tests="bad")]
    faults = break_things.faults_before(breaks, tmp_path)
    assert len(faults) == 2
    assert "0 times" in faults[0] and "does not pass unbroken" in faults[1]
