"""From a Moodle ZIP and a class list to one sound notebook for each student, and a remark where there is none."""

import csv
import io
import json
import re
import unicodedata
import zipfile
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import nbformat

from alexnet_helpers.exercises.words import one_line
from tools.grading import judge

FOLDER = re.compile(r"^(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<rest>.*)$", re.DOTALL)
COLUMNS = {
    "id": ("id", "student_id", "student id", "id number", "idnumber", "identifier", "username"),
    "first_name": ("first_name", "first name", "firstname", "given name"),
    "last_name": ("last_name", "last name", "lastname", "surname", "family name"),
    "full_name": ("full name", "full_name", "name"),
    "email": ("email", "email address", "e-mail"),
}
LARGEST = 100 * 2**20  # bytes of one hand-in, unpacked
MOST = 300  # files in it
DEEPEST = 3  # ZIPs in ZIPs


class Student(NamedTuple):
    """A line of the class list."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    full_name: str = ""


class File(NamedTuple):
    """A file that somebody handed in."""

    name: str
    date: datetime | None
    data: bytes


# --- the class list ---


def read_text(data):
    """Decode a text in one of the encodings that programs write."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    for encoding in ("utf-8-sig", "utf-16" if b"\0" in data[:200] else "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def class_list(path):
    """Read a class list: any CSV with a column for the ID or the name, such as Moodle's grading worksheet."""
    text = read_text(Path(path).read_bytes())
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=first.count))
    named = {}
    for field, names in COLUMNS.items():
        for column in rows.fieldnames or []:
            if column.strip().lower() in names:
                named.setdefault(field, column)
    if "id" not in named:
        raise ValueError(
            f"the class list must have a column called id (or ID number, Identifier), got {first.strip()!r}"
        )
    students = [_student({field: (row[column] or "").strip() for field, column in named.items()}) for row in rows]
    students = [student for student in students if student.id]
    if len({student.id for student in students}) < len(students):
        twice = next(one.id for one in students if sum(one.id == other.id for other in students) > 1)
        raise ValueError(f"the class list must have each ID once, got {twice!r} twice")
    return students


def _student(row):
    full = row.pop("full_name", "")
    row["id"] = safe_id(re.sub(r"^Participant ", "", row["id"]))
    if full and not row.get("last_name"):
        row["first_name"], _, row["last_name"] = full.rpartition(" ")
    both = f"{row.get('first_name', '')} {row.get('last_name', '')}".strip()
    return Student(**row, full_name=full or both)


def safe_id(text):
    """Return an ID that can be the name of a folder, and that nbgrader takes."""
    return re.sub(r"[^\w.@-]", "_", unicodedata.normalize("NFC", writable(text))).strip(".")[:80]


def writable(text):
    """Return a text that every file and terminal can show: names out of a foreign archive may hold anything."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in str(text))


def no_formula(text):
    """Return a text that a spreadsheet shows as it is: it would compute one like =HYPERLINK(...) when it is opened."""
    return f"'{text}" if text.lstrip().startswith(tuple("=+-@＝＋－＠")) else text


def _folded(name):
    return sorted(re.findall(r"\w+", unicodedata.normalize("NFKC", name).casefold()))


def owner(name, number, students):
    """Return whose hand-in it is, and a remark if the class list does not say."""
    found = [one for one in students if number and one.id == number]
    found = found or [one for one in students if one.id == safe_id(name)]
    found = found or [one for one in students if _folded(one.full_name) == _folded(name)]
    if len(found) == 1:
        return found[0], ""
    why = "several of this name are on the class list" if found else "not on the class list"
    return Student(safe_id(f"{name}_{number}" if number else name), full_name=name), why if students else ""


# --- what was handed in ---


def read_archive(path):
    """Return for each (name, number) of a Moodle ZIP, or of a folder, its files, and what went wrong with them."""
    files, problems = {}, {}
    for parts, file in _members(Path(path)):
        name, number, rest = _whose(parts)
        try:
            unpacked = _unpacked(file._replace(name=rest))
        except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, NotImplementedError, EOFError) as error:
            unpacked = []
            problems.setdefault((name, number), []).append(
                f"{writable(rest)} cannot be opened ({one_line(str(error))[:80]})"
            )
        files.setdefault((name, number), []).extend(unpacked)
    return files, problems


def _members(path):
    if path.is_dir():
        for one in sorted(path.rglob("*")):
            if one.is_file() and not one.is_symlink() and one.stat().st_size <= LARGEST:
                yield (
                    one.relative_to(path).parts,
                    File("", datetime.fromtimestamp(one.stat().st_mtime), one.read_bytes()),
                )
        return
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                data = archive.read(member) if member.file_size <= LARGEST else b""
                yield PurePosixPath(_name(member)).parts, File("", _date(member), data)


def _name(member):
    """Return the name of a file in a ZIP; older programs wrote UTF-8 without saying so."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def _date(member):
    try:
        return datetime(*member.date_time)
    except ValueError:
        return None


def _whose(parts):
    """Return name, number and the rest of a path in the archive; what is not Moodle's is named by its first folder."""
    for place, part in enumerate(parts):
        if match := FOLDER.match(part):
            return match["name"], match["number"], "/".join([match["rest"], *parts[place + 1 :]]).strip("/")
    return parts[0] if len(parts) > 1 else Path(parts[0]).stem, "", "/".join(parts[1:]) or parts[0]


def _unpacked(file, depth=0):
    """Return a file, or what is in it if it is a ZIP."""
    if not (file.data[:4] == b"PK\x03\x04" or file.name.lower().endswith(".zip")):
        return [file]
    if depth == DEEPEST:
        raise ValueError("too many ZIPs in one another")
    found = []
    with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) > MOST or sum(member.file_size for member in members) > LARGEST:
            raise ValueError("too much is in it")
        for member in members:
            data = archive.open(member).read(LARGEST)
            found += _unpacked(File(f"{file.name}/{_name(member)}", _date(member) or file.date, data), depth + 1)
    if sum(len(one.data) for one in found) > LARGEST or len(found) > MOST:
        raise ValueError("too much is in it")
    return found


def cells_of(file):
    """Return the cells of a notebook file, each with its type, source and metadata; None if it is no notebook."""
    try:
        notebook = json.loads(read_text(file.data))
        if "worksheets" in notebook:  # format 3
            notebook = nbformat.convert(nbformat.from_dict(notebook), 4)
        return [_cell(cell) for cell in notebook["cells"] if isinstance(cell, dict)]
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        return None


def _cell(cell):
    source, metadata = cell.get("source", ""), cell.get("metadata")
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    source = source.encode("utf-8", "replace").decode("utf-8")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = marks.get("grade_id") if isinstance(marks, dict) else cell.get("id")
    kind = cell.get("cell_type") if cell.get("cell_type") in ("code", "markdown", "raw") else "code"
    return {"kind": kind, "source": source, "id": str(grade_id or "")}


# --- repair ---


def _grade_id(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def repaired(cells, source):
    """Return the notebook that is run: the student's cells, with all that is not theirs as it was handed out.

    Cells that were deleted come back; a graded cell stands behind the cell with its answer.
    """
    ours = {_grade_id(cell): cell for cell in source.cells if _grade_id(cell)}
    answers = {name for name, cell in ours.items() if cell.metadata["nbgrader"]["solution"]}
    given = _given_answers(cells, answers, ours)
    result, done = [], set()
    for cell in cells:
        name = cell["id"] if cell["id"] in ours else ""
        if name in done:
            name = ""  # a copy of ours: run as a cell of the student's own
            if cell["id"] not in answers:
                continue
        done |= {name} - {""}
        if not name:
            result.append(_own(cell))
        elif name in answers:
            result.append(_answer(ours[name], given[name]))
        else:
            result.append(nbformat.from_dict(ours[name]))
    _put_back(result, source, done, answers)
    _tests_behind_answers(result)
    notebook = nbformat.v4.new_notebook(cells=result, metadata={"kernelspec": dict(source.metadata["kernelspec"])})
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def _given_answers(cells, answers, ours):
    """Return the source of each answer: the first copy of its cell that says anything."""
    given = {}
    for cell in cells:
        if cell["id"] in answers:
            blank = _stub(ours[cell["id"]].source)
            if given.get(cell["id"], "").strip() in ("", blank):
                given[cell["id"]] = cell["source"]
    return given


def _stub(source):
    """Return what students find in an answer cell: the source version without the solution."""
    return re.sub(r"### BEGIN SOLUTION\n.*?### END SOLUTION", "# your answer", source, flags=re.DOTALL).strip()


def _answer(ours, text):
    cell = nbformat.from_dict(ours)
    cell.source = text
    return cell


def _own(cell):
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    return make.get(cell["kind"], nbformat.v4.new_raw_cell)(cell["source"])


def _put_back(result, source, done, answers):
    """Insert our cells that are missing, each behind the one that stood before it."""
    before = ""
    for cell in source.cells:
        name = _grade_id(cell)
        if not name:
            continue
        if name not in done:
            places = [n for n, one in enumerate(result) if _grade_id(one) == before]
            one = _answer(cell, _stub(cell.source)) if name in answers else nbformat.from_dict(cell)
            result.insert(places[-1] + 1 if places else 0, one)
        before = name


def _tests_behind_answers(result):
    for test in [cell for cell in result if cell.cell_type == "code" and judge.hidden_test(cell.source)]:
        answer = next(
            n for n, cell in enumerate(result) if _grade_id(cell) == _grade_id(test).replace("test", "answer")
        )
        place = next(n for n, cell in enumerate(result) if cell is test)
        if place < answer:
            result.insert(answer + 1, test)
            del result[place]


def sort_out(archive, students, sources):
    """Return for each student who handed in: the notebooks (by name) that are run, when, and remarks.

    `sources` are the source versions of the assignment's notebooks, by name.
    """
    files, problems = read_archive(archive)
    found = {}
    for (name, number), handed_in in files.items():
        student, remark = owner(name, number, students)
        one = found.setdefault(student.id, {"student": student, "notebooks": {}, "date": None, "remarks": []})
        one["remarks"] += [text for text in [remark, *problems.get((name, number), [])] if text]
        for stem, (file, cells, remark) in _best(handed_in, sources).items():
            one["notebooks"][stem] = (repaired(cells, sources[stem]), file.data)
            one["remarks"] += [remark] if remark else []
            one["date"] = max(filter(None, [one["date"], file.date]), default=None)
        for stem in sources.keys() - one["notebooks"].keys():
            names = ", ".join(writable(file.name) for file in handed_in[:5]) or "nothing"
            one["remarks"].append(f"no {stem}.ipynb that can be read ({names})")
    return found


def _best(files, sources):
    """Choose for each notebook of the assignment the file to grade: the latest of those that have its cells."""
    chosen = {}
    for file in files:
        cells = cells_of(file)
        if cells is None or "checkpoint" in file.name:
            continue
        held = {
            stem: len({cell["id"] for cell in cells} & set(map(_grade_id, source.cells)))
            for stem, source in sources.items()
        }
        stem = max(held, key=lambda name: (held[name], name in file.name))
        if held[stem] or stem in file.name or len(sources) == 1:
            chosen.setdefault(stem, []).append((held[stem] > 0, file.date or datetime.min, file, cells))
    best = {}
    for stem, candidates in chosen.items():
        *others, (_, _, file, cells) = sorted(candidates, key=lambda one: one[:2])
        remark = f"{len(others) + 1} notebooks, graded: {writable(file.name)}" if others else ""
        best[stem] = (file, cells, remark)
    return best
