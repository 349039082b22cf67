"""Runs a submission behind a fence, and judges its answers outside of it, with the course's own checks."""

import json
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np

from alexnet_helpers.exercises import engine
from alexnet_helpers.exercises.words import one_line
from tools.grading import variants
from tools.grading.fence import Fenced
from tools.grading.inside import codec

# What the source version of a graded cell holds between nbgrader's two lines; the students' version lacks it.
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)\n### END HIDDEN TESTS", re.DOTALL)
GRADE = re.compile(r"grade\(\"(\d\d\.\d)\", (\w+), seed=\"([^\"\n]*)\"\)")


def hidden_line(name, variable, seed):
    """Return what stands in the place of hidden tests."""
    seed = re.sub(r"[^\w .,:-]", "", str(seed))
    return f'grade("{name}", {variable}, seed="{seed}")'


def hidden_test(source):
    """Return exercise, variable and seed of a graded cell of the source version, or None."""
    region = HIDDEN.search(source)
    found = region and GRADE.search(region[1])
    return found and found.groups()


class Gone(Exception):
    """Raised when the process behind the fence does not answer any more."""


class Remote:
    """A function in the student's process, for the checks to call as if it were here."""

    def __init__(self, name, ask):
        self.name, self.ask = name, ask

    def __call__(self, *arguments, **named):
        """Have it called there: with its result come the arguments, as it has left them."""
        packed = [json.dumps([codec.pack(one) for one in arguments]), json.dumps(codec.pack(named))]
        reply = self.ask({"call": packed[0], "named": packed[1], "name": self.name})
        for given, now in zip(arguments, reply.get("now") or []):
            _put_back(given, codec.unpack(now))
        if "raised" in reply:
            kind = re.sub(r"\W", "", str(reply["raised"]))[:60] or "Exception"
            raise type(kind, (Exception,), {})(str(reply.get("said", ""))[:400])
        return codec.unpack(reply["value"])


def _put_back(given, now):
    """Do to an argument here what the function did to it there, so that the checks see it."""
    if isinstance(given, np.ndarray) and isinstance(now, np.ndarray) and given.shape == now.shape:
        given[...] = now
    elif isinstance(given, list) and isinstance(now, list):
        given[:] = now
    elif isinstance(given, dict) and isinstance(now, dict):
        given.clear()
        given.update(now)


def verdict(entry, described, ask, name):
    """Return what `check` would say of an answer that lies behind the fence."""
    if described.get("missing"):
        return "no answer yet."
    if "value" not in described:
        return f"not yet. The answer cannot be read: {one_line(str(described.get('said', '')))[:200]}"
    packed = described["value"]
    if packed[0] != "function":
        return engine._verdict(entry, codec.unpack(packed))
    function = codec.unpack(packed)
    if not callable(entry.right):
        return "not yet. The answer is a value, yours a function: call it."
    if function.is_class:
        return "not yet. The answer is a function, yours a class."
    if function.blank:
        return "no answer yet."
    return engine._verdict(entry, Remote(name, ask))


class Run:
    """One notebook of one student: run once, with a verdict for each graded cell."""

    def __init__(self, notebook, release, limits, fence, image):
        self.notebook, self.limits = notebook, limits
        self.folder = Path(tempfile.mkdtemp(prefix="student-"))
        try:
            shutil.copytree(release, self.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.ipynb"))
            self.folder.chmod(0o777)  # in a container it is another user's
            self.process = Fenced(fence, self.folder, limits, image)
            self.outputs, self.verdicts, self.problems = {}, {}, []
            self._follow()
        finally:
            if hasattr(self, "process"):
                self.process.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _follow(self):
        """Send the notebook in and judge at each graded cell."""
        cells = [self._cell(cell) for cell in self.notebook.cells]
        self.process.write(json.dumps({"cells": cells, "limits": self.limits}))
        try:
            while True:
                event = self._event()
                if event["event"] == "cell":
                    self._store(event)
                elif event["event"] == "graded":
                    self._judge(int(event["index"]))
                elif event["event"] == "ended":
                    return
        except Gone as why:
            self.problems.append(str(why))

    @staticmethod
    def _cell(cell):
        """Return of a cell what is run there: of a graded one nothing, it is judged here."""
        graded = cell.cell_type == "code" and hidden_test(cell.source)
        source = cell.source if cell.cell_type == "code" and cell.source.strip() and not graded else None
        return {"source": source, "asks": bool(graded)}

    def _event(self):
        line = self.process.read()
        try:
            event = json.loads(line)
            if event["event"] == "stopped":
                self.process.end(f"stopped: {one_line(str(event.get('why')))[:200]}")
            elif isinstance(event["event"], str):
                return event
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        raise Gone(self.process.ended or "stopped: the process ended before the notebook did")

    def _store(self, event):
        index, outputs = event.get("index"), event.get("outputs")
        if isinstance(index, int) and isinstance(outputs, list):
            self.outputs[index] = outputs
            errors = [one for one in outputs if isinstance(one, dict) and one.get("output_type") == "error"]
            said = f"{errors[0].get('ename')}: {errors[0].get('evalue')}" if errors else ""
            if problem := event.get("stopped") or said:
                number = sum(cell.cell_type == "code" for cell in self.notebook.cells[: index + 1])
                self.problems.append(f"code cell {number}: {one_line(str(problem))[:200]}")

    def _judge(self, index):
        name, variable, seed = hidden_test(self.notebook.cells[index].source)

        def ask(order):
            self.process.write(json.dumps(order))
            try:
                return dict(json.loads(str(self._event()["reply"])))
            except (ValueError, KeyError, TypeError, RecursionError):
                raise Gone(self.process.ended or "stopped: an answer could not be read") from None

        try:
            described = ask({"name": variable})
            said = verdict(variants.entry(name, seed), described, ask, variable)
        except (ValueError, RecursionError):
            said = "not yet. The answer cannot be read."
        self.verdicts[index] = said
        if self.process.ended:
            raise Gone(self.process.ended)
        self.process.write(json.dumps({"next": True}))
