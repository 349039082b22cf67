"""Measure the helper package: `python tools/house.py`.

The table has the code lines of each module (not blank, no comment, no docstring) and its longest function. Below it
stands what breaks a rule that tests/test_house.py holds the package to.
"""

import ast
import io
import json
import re
import tokenize
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "alexnet_helpers"
WIDTH, LONGEST_FUNCTION, LONGEST_MODULE = 88, 40, 300
NO_CODE = (
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE),
    *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
)


def modules():
    """Return the files of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path):
    """Return the name under which a file of the package is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


# --- size ---


def code_lines(source):
    """Return the numbers of the lines that hold code."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    spans = [(token.start[0], token.end[0]) for token in tokens if token.type not in NO_CODE]
    lines = {line for first, last in spans for line in range(first, last + 1)}
    for node in ast.walk(ast.parse(source)):
        may_have_docstring = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if may_have_docstring and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            lines -= set(range(docstring.lineno, docstring.end_lineno + 1))
    return lines


class Function(NamedTuple):
    """A function or method, with its number of code lines."""

    name: str
    lines: int


def functions(source):
    """Return all functions and methods of a source text, those inside of functions too."""
    lines = code_lines(source)
    return [
        Function(node.name, sum(node.lineno <= line <= node.end_lineno for line in lines))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    ]


def table():
    """Return a row for each module: its name, its code lines, and its longest function."""
    rows = []
    for path in modules():
        source = path.read_text("utf-8")
        longest = max(functions(source), key=lambda function: function.lines, default=Function("", 0))
        rows.append((dotted(path), len(code_lines(source)), longest))
    return rows


def long_modules():
    """Return the modules with more code lines than LONGEST_MODULE: (name, lines).

    The right and wrong answers of an exercise are a table, not code: its call of `exercise` does not count.
    """
    found = []
    for path in modules():
        source = path.read_text("utf-8")
        tables = {line for call in _exercises(source) for line in range(call.lineno, call.end_lineno + 1)}
        if (lines := len(set(code_lines(source)) - tables)) > LONGEST_MODULE:
            found.append((dotted(path), lines))
    return found


def _exercises(source):
    """Return the statements of a module that call `exercise(...)`."""
    body = [node for node in ast.parse(source).body if isinstance(node, ast.Expr)]
    return [node for node in body if isinstance(node.value, ast.Call) and _names(node.value.func) == ["exercise"]]


def long_functions():
    """Return the functions with more code lines than LONGEST_FUNCTION: (name, lines)."""
    return [
        (f"{dotted(path)}.{name}", lines)
        for path in modules()
        for name, lines in functions(path.read_text("utf-8"))
        if lines > LONGEST_FUNCTION
    ]


def wide_lines():
    """Return the lines that are wider than WIDTH: (file, number of the line)."""
    return [
        (path.relative_to(ROOT).as_posix(), number)
        for path in modules()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) > WIDTH
    ]


# --- public names that nothing uses ---


def public_names(path):
    """Return the functions and classes of a module without an underscore; a constant may stand for itself.

    A class that one of its functions returns, as the docstring says, is used by whoever calls that.
    """
    body = ast.parse(path.read_text("utf-8")).body
    public = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    public = [node for node in public if not node.name.startswith("_")]
    returned = " ".join((ast.get_docstring(node) or "").partition("Returns\n")[2] for node in public)
    classes = {node.name for node in public if isinstance(node, ast.ClassDef)}
    return {node.name for node in public} - (classes & set(re.findall(r"\w+", returned)))


def uses(source):
    """Return what a source text uses of the package, each name as "alexnet_helpers.data.load_digits"."""
    nodes = list(ast.walk(ast.parse(source)))
    meaning = {"alexnet_helpers": "alexnet_helpers"}  # of a name in this text
    for node in nodes:
        if isinstance(node, ast.Import):
            meaning |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            meaning |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    found = set(meaning.values())
    for node in nodes:
        if isinstance(node, ast.Attribute) and (names := _names(node)):
            found.add(".".join([meaning.get(names[0], names[0]), *names[1:]]))
    return found


def _names(node):
    """Return the names in an expression such as `a.b.c`, or None for another expression."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute) and (before := _names(node.value)):
        return [*before, node.attr]
    return None


def texts(source):
    """Return the texts in a source: a recipe names its augmentations so."""
    return {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}


def sources():
    """Return {path: source} of the package, the tools and all notebooks; that a test uses a name does not count."""
    paths = [path for folder in ("alexnet_helpers", "tools") for path in (ROOT / folder).rglob("*.py")]
    found = {path: path.read_text("utf-8") for path in paths}
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        if ".ipynb_checkpoints" in path.parts:
            continue
        cells = json.loads(path.read_text("utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        found[path] = re.sub(r"^(\s*)[%!].*", r"\1pass", code, flags=re.MULTILINE)  # what IPython alone can read
    return found


def unused_names():
    """Return the public names that nothing outside their module uses, without `main`, which `python -m` calls."""
    all_sources = sources()
    used = {path: uses(source) for path, source in all_sources.items()}
    named = {path: texts(source) for path, source in all_sources.items() if PACKAGE in path.parents}
    found = []
    for path in modules():
        elsewhere = {name for user, names in used.items() if user != path for name in names}
        elsewhere |= {".".join(name.split(".")[:-1]) for name in elsewhere}  # of a class, its attributes
        in_texts = {text for user, all_texts in named.items() if user != path for text in all_texts}
        for name in sorted(public_names(path) - {"main"} - in_texts):
            if f"{dotted(path)}.{name}" not in elsewhere:
                found.append(f"{dotted(path)}.{name}")
    return found


def main():
    """Print the table, and what breaks a rule."""
    rows = table()
    for name, lines, longest in rows:
        print(f"{name:68}{lines:6}   {longest.name} {longest.lines or ''}".rstrip())
    print(f"{'all':68}{sum(lines for _, lines, _ in rows):6}")
    for name, lines in long_modules() + long_functions():
        print(f"{name} has {lines} code lines")
    for name in unused_names():
        print(f"{name} is used nowhere else")
    for file, number in wide_lines():
        print(f"{file}:{number} is wider than {WIDTH}")


if __name__ == "__main__":
    main()
