"""What nbgrader is told to use: for collecting, for running a submission, and for the table of grades."""

import base64
import csv
import hashlib
import json
import re
from pathlib import Path

import nbformat
from nbgrader.api import MissingEntry
from nbgrader.plugins import ExportPlugin, ExtractorPlugin, FileNameCollectorPlugin
from nbgrader.preprocessors import NbGraderPreprocessor

from tools.grading import handins, judge
from tools.grading.fence import LIMITS, choose

SHOWN = {"text/plain", "image/png", "image/jpeg"}


def sources_of(course, assignment):
    """Return the source versions of an assignment's notebooks, by name."""
    paths = sorted(Path(course, "source", assignment).glob("*.ipynb"))
    return {path.stem: nbformat.read(path, as_version=4) for path in paths}


def settings_of(course, assignment):
    """Return what `grade` has written down for the steps that nbgrader takes: class list, limits, fence."""
    path = Path(course, "downloaded", assignment, "settings.json")
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


class Extractor(ExtractorPlugin):
    """Unpacks what Moodle hands out, whatever is in it, and puts back what belongs to the assignment."""

    def extract(self, archive_path, extracted_path):
        """Write one sound notebook for each student and notebook, and the remarks."""
        course, assignment = self.parent.coursedir.root, self.parent.coursedir.assignment_id
        students = [handins.Student(*row) for row in settings_of(course, assignment).get("students", [])]
        sources, remarks = sources_of(course, assignment), {}
        for archive in sorted(Path(archive_path).iterdir()):
            for name, found in handins.sort_out(archive, students, sources).items():
                remarks[name] = {
                    "remarks": found["remarks"],
                    "date": str(found["date"] or ""),
                    "student": found["student"],
                }
                for stem, (notebook, original) in found["notebooks"].items():
                    for folder, data in ((extracted_path, None), (Path(archive_path).parent / "original", original)):
                        Path(folder, name).mkdir(parents=True, exist_ok=True)
                        file = Path(folder, name, f"{stem}.ipynb")
                        file.write_bytes(data or nbformat.writes(notebook).encode())
        Path(archive_path).parent.joinpath("remarks.json").write_text(json.dumps(remarks), "utf-8")


class Collector(FileNameCollectorPlugin):
    """Says whose an extracted notebook is."""

    def collect(self, submitted_file):
        """Return the student, the notebook and the date."""
        path = Path(submitted_file)
        remarks = json.loads(path.parents[2].joinpath("remarks.json").read_text("utf-8"))
        return {
            "student_id": path.parent.name,
            "file_id": path.stem,
            "timestamp": remarks[path.parent.name]["date"] or None,
        }


def digest(notebook):
    """Return what changes when any cell does."""
    cells = [(cell.cell_type, cell.source) for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def run_apart(notebook, course, assignment, settings):
    """Run one notebook behind the fence; return what came of it, as JSON takes it."""
    limits = LIMITS | settings.get("limits", {})
    fence = choose(settings.get("fence", ""))
    run = judge.Run(notebook, Path(course, "release", assignment), limits, fence, settings.get("image", ""))
    outputs = {index: shown(outputs) for index, outputs in run.outputs.items()}
    return {"digest": digest(notebook), "outputs": outputs, "verdicts": run.verdicts, "problems": run.problems}


def shown(outputs):
    """Return of a student's outputs what is safe to show: text and pictures, no HTML and no scripts."""
    result = []
    for one in outputs:
        try:
            result.append(_shown(one))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return result


def _shown(output):
    kind = output["output_type"]
    if kind == "stream":
        name = "stderr" if output["name"] == "stderr" else "stdout"
        return nbformat.v4.new_output("stream", name=name, text=str(output["text"]))
    if kind == "error":
        lines = [str(line) for line in output["traceback"]]
        return nbformat.v4.new_output(
            "error", ename=str(output["ename"]), evalue=str(output["evalue"]), traceback=lines
        )
    data = {name: "".join(value) for name, value in output["data"].items() if name in SHOWN}
    for name in data.keys() - {"text/plain"}:
        data[name] = base64.b64encode(base64.b64decode(data[name])).decode()
    return nbformat.v4.new_output("display_data", data=data)


class RunApart(NbGraderPreprocessor):
    """Takes the place of nbgrader's `Execute`: what graded cells say is written here, not by the student's kernel."""

    def preprocess(self, nb, resources):
        """Put the outputs into a notebook; run it first, unless it has just been run."""
        grader = self.parent.parent if self.parent else None
        course = Path(grader.coursedir.root)
        names = resources["nbgrader"]
        file = course / "apart" / names["assignment"] / names["student"] / f"{names['notebook']}.json"
        found = json.loads(file.read_text("utf-8")) if file.exists() else {}
        if found.get("digest") != digest(nb):
            found = run_apart(nb, course, names["assignment"], settings_of(course, names["assignment"]))
        outputs = {int(index): value for index, value in found["outputs"].items()}
        verdicts = {int(index): value for index, value in found["verdicts"].items()}
        for index, cell in enumerate(nb.cells):
            if cell.cell_type != "code":
                continue
            cell.outputs = [nbformat.from_dict(one) for one in outputs.get(index, [])]
            if test := judge.hidden_test(cell.source):
                cell.outputs = [graded(test[0], verdicts.get(index, "not reached: the notebook stopped before it."))]
        return nb, resources


def graded(name, said):
    """Return a verdict as the output by which nbgrader gives the points: all of them, or with an error none."""
    if said.startswith("right."):
        return nbformat.v4.new_output("stream", name="stdout", text=f"Exercise {name}: {said}\n")
    return nbformat.v4.new_output(
        "error", ename=f"Exercise {name}", evalue=said, traceback=[f"Exercise {name}: {said}"]
    )


class Grades(ExportPlugin):
    """Writes a row for each student of the class list, with a column for each exercise."""

    def export(self, gradebook):
        """Write the table."""
        course = Path(self.parent.coursedir.root)
        names = [str(name) for name in self.assignment] or [one.name for one in gradebook.assignments]
        rows = [row for name in names for row in self._rows(gradebook, course, name)]
        fixed = [
            "assignment",
            "student_id",
            "last_name",
            "first_name",
            "email",
            "score",
            "max_score",
            "to grade by hand",
        ]
        fixed += ["handed in", "hours late"]
        columns = [*fixed, *sorted({key for row in rows for key in row} - {*fixed, "remarks"}), "remarks"]
        with open(self.to or "grades.csv", "w", newline="", encoding="utf-8-sig") as file:
            table = csv.DictWriter(file, columns)
            table.writeheader()
            for row in rows:
                table.writerow(
                    {key: handins.no_formula(value) if isinstance(value, str) else value for key, value in row.items()}
                )

    def _rows(self, gradebook, course, name):
        assignment, folder = gradebook.find_assignment(name), course / "downloaded" / name
        remarks = folder / "remarks.json"
        remarks = json.loads(remarks.read_text("utf-8")) if remarks.exists() else {}
        for student in sorted(gradebook.students, key=lambda one: (one.last_name or "", one.id)):
            row = {"assignment": name, "student_id": student.id, "max_score": assignment.max_score, "score": 0.0}
            row |= {field: getattr(student, field) or "" for field in ("last_name", "first_name", "email")}
            said = list(remarks.get(student.id, {}).get("remarks", []))
            try:
                row |= _scores(gradebook.find_submission(name, student.id))
                for file in sorted((course / "apart" / name / student.id).glob("*.json")):
                    said += json.loads(file.read_text("utf-8"))["problems"]
            except MissingEntry:
                said = said or ["nothing handed in"]
            yield row | {"remarks": handins.writable("; ".join(said))[:1000]}


def _scores(submission):
    penalty = submission.late_submission_penalty or 0
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    open_points = sum(one.max_score for one in grades if one.needs_manual_grade and one.manual_score is None)
    row = {"score": max(0.0, submission.score - penalty), "to grade by hand": open_points}
    row["handed in"] = str(submission.timestamp or "")
    row["hours late"] = round(submission.total_seconds_late / 3600, 1) or ""
    for grade in grades:
        row[re.sub(r"^test-(\d\d)-(\d)$", r"\1.\2", grade.name)] = grade.score
    return row
