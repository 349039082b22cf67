"""From a Moodle ZIP to a table of grades: nbgrader collects, repairs, stores and reports; the fence is ours."""

import json
import os
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import datetime
from pathlib import Path

import nbformat

from tools.grading import handins
from tools.grading.assignment import nbgrader
from tools.grading.fence import LIMITS, MB, choose

STEPS = ("submitted", "autograded", "feedback")


def limits_from(text):
    """Return limits that were given as "cell=60 notebook=600 memory=2000"."""
    limits = {}
    for part in text.split():
        name, _, value = part.partition("=")
        if name not in ("cell", "notebook", "memory") or not value.isdigit() or not int(value):
            raise ValueError(f"limits must be like cell=60 notebook=600 (seconds) memory=2000 (MB), got {part!r}")
        limits[name] = int(value) * (MB if name == "memory" else 1)
    return limits


def grade(course, name, archive, table, roster="", jobs=0, limits="", fence="", image="alexnet-course", due=""):
    """Grade all hand-ins of an assignment and write the table; return its path and the folder with the feedback."""
    course, table = Path(course).resolve(), Path(table).resolve()
    if not (course / "source" / name).is_dir():
        raise ValueError(f"ASSIGNMENT must be one that `make assignment` has written to {course}, got {name!r}")
    if not Path(archive).exists():
        raise ValueError(f"FROM must be a ZIP from Moodle or a folder, got {str(archive)!r}, which is not there")
    if not table.parent.is_dir():
        raise ValueError(f"TO must be a CSV file in a folder that exists, got {str(table)!r}")
    students = handins.class_list(roster) if roster else []
    settings = {"students": students, "limits": limits_from(limits), "fence": choose(fence), "image": image}
    _prepare(course, name, archive, settings)
    nbgrader(course, "zip_collect", name, "--force")
    _enter_students(course, name, students, due)
    _run_all(course, name, settings, jobs or max(1, (os.cpu_count() or 2) // 2))
    if any((course / "submitted").glob(f"*/{name}/*.ipynb")):
        nbgrader(course, "autograde", name, "--force")
        nbgrader(course, "generate_feedback", name, "--force")
    nbgrader(course, "export", f"--assignment=[{name!r}]", "--to", str(table))
    return table, course / "feedback"


def _prepare(course, name, archive, settings):
    """Take away what an earlier run has left, and put the archive where nbgrader looks for it."""
    folder = course / "downloaded" / name
    for old in [folder, course / "apart" / name, *(one for step in STEPS for one in (course / step).glob(f"*/{name}"))]:
        shutil.rmtree(old, ignore_errors=True)
    (folder / "archive").mkdir(parents=True)
    if Path(archive).is_dir():
        shutil.copytree(archive, folder / "archive" / "folder", symlinks=True)
    else:
        shutil.copy(archive, folder / "archive" / "moodle.zip")
    (folder / "settings.json").write_text(json.dumps(settings), "utf-8")


def _enter_students(course, name, students, due):
    """Enter the class list into the gradebook, and those who handed in without being on it."""
    from nbgrader.api import Gradebook

    remarks = json.loads((course / "downloaded" / name / "remarks.json").read_text("utf-8"))
    known = {student.id for student in students}
    others = [handins.Student(*one["student"]) for number, one in remarks.items() if number not in known]
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        for one in [*students, *others]:
            last = one.last_name or one.full_name
            gradebook.update_or_create_student(one.id, first_name=one.first_name, last_name=last, email=one.email)
        if due:
            gradebook.update_or_create_assignment(name, duedate=datetime.fromisoformat(due))


def _run_all(course, name, settings, jobs):
    """Run every submission behind the fence, several at once; the gradebook is not touched here."""
    paths = sorted((course / "submitted").glob(f"*/{name}/*.ipynb"))
    with ProcessPoolExecutor(jobs) as pool:
        started = {pool.submit(_run_one, course, name, path, settings): path for path in paths}
        for number, done in enumerate(as_completed(started), 1):
            student = started[done].parent.parent.name
            print(f"{number} of {len(paths)}: {student}, {done.result()}", flush=True)


def _run_one(course, name, path, settings):
    from tools.grading.plugins import digest, run_apart

    start, notebook = time.monotonic(), nbformat.read(path, as_version=4)
    try:
        found = run_apart(notebook, course, name, settings)
    except Exception as error:  # whatever one submission does, the others are graded
        problem = f"not run: {type(error).__name__}: {error}"
        found = {"digest": digest(notebook), "outputs": {}, "verdicts": {}, "problems": [problem]}
        print(f"{path}: {error}", file=sys.stderr)
    file = course / "apart" / name / path.parent.parent.name / f"{path.stem}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found), "utf-8")
    right = sum(said.startswith("right.") for said in found["verdicts"].values())
    return f"{right} of {len(found['verdicts'])} right, {time.monotonic() - start:.0f} s"


__all__ = ["LIMITS", "grade", "limits_from"]
