"""Held-back variants: for any seed the right answer passes, the likely wrong ones do not, and the question fits."""

import functools
from pathlib import Path

import nbformat
import numpy as np
import pytest

from alexnet_helpers import load_keras
from alexnet_helpers.exercises import EXERCISES, engine
from tools.grading import assignment, variants
from tools.grading.variants import n05

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SEEDS = ("1", "2", "winter 2026")
VALUES = sorted(name for name in variants.GENERATORS if not callable(EXERCISES[name].right))
FUNCTIONS = sorted(name for name in variants.GENERATORS if callable(EXERCISES[name].right))
# Graded as published; see the table in TEACHING.md. An exercise that is new is entered here, or gets a generator.
AS_PUBLISHED = set()


made_once = functools.cache(variants.entry)  # it takes longer than all answers that are held against it


def verdict(name, seed, answer):
    return engine._verdict(made_once(name, seed), answer)


def solved(name):
    """Return the published solution of an exercise."""
    path = next(path for path in NOTEBOOKS if path.name.startswith(name[:2]))
    return assignment._solutions(path)[name]


def test_every_exercise_has_a_variant():
    assert set(EXERCISES) - set(variants.GENERATORS) == AS_PUBLISHED
    assert set(variants.GENERATORS) <= set(EXERCISES)


def test_the_outputs_of_the_other_filters_are_those_of_the_network():
    solutions = nbformat.read(NOTEBOOKS[5].parent / "solutions" / NOTEBOOKS[5].name, as_version=4).cells
    (measured,) = [cell.source for cell in solutions if cell.cell_type == "code" and "def largest" in cell.source]
    found = {"keras": load_keras(), "np": np}
    exec(measured, found)
    for number, right in n05._OUTPUTS.items():
        outputs = []
        for ground, value in ((20, 230), (230, 20)):
            for side in (3, 7):
                picture = np.full((96, 96, 3), ground, float)
                picture[48 : 48 + side, 48 : 48 + side] = value
                outputs.append(found["largest"](picture, number))
        assert outputs == pytest.approx(right, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("name", VALUES)
def test_a_varied_value_is_right_and_the_likely_wrong_ones_are_not(name):
    for seed in SEEDS:
        made = variants.variant(name, seed)
        assert verdict(name, seed, eval(made.solution)).startswith("right.")
        assert not verdict(name, seed, EXERCISES[name].right).startswith("right.")
        assert len(made.entry.hints) >= 3
        for wrong, hint in made.entry.hints:
            said = verdict(name, seed, wrong)
            assert said.startswith("not yet. ") and (hint in said or any(one in said for _, one in made.entry.hints))
        for empty in (None, ..., 0, "", [], len, np.nan):
            if not np.array_equal(empty, made.entry.right):
                assert not verdict(name, seed, empty).startswith("right.")


@pytest.mark.parametrize(("name", "decimals"), [("03.2", 2), ("08.2", 3)])
def test_an_answer_may_be_rounded_where_the_question_or_its_numbers_ask_for_it(name, decimals):
    for seed in range(30):
        right = variants.entry(name, seed).right
        assert verdict(name, seed, round(right, decimals)).startswith("right.")
        assert not verdict(name, seed, right + 1.5 * 10**-decimals).startswith("right.")


@pytest.mark.parametrize("name", VALUES)
def test_seeds_give_different_questions(name):
    made = [variants.variant(name, seed) for seed in range(12)]
    assert len({one.changes for one in made}) >= 3
    assert len({one.solution for one in made}) >= 3
    assert variants.variant(name, 5).changes == variants.variant(name, "5").changes


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_right_in_the_held_back_cases_and_the_usual_slips_are_not(name):
    for seed in SEEDS:
        namespace = {"np": np}
        exec(variants.variant(name, seed).solution or solved(name), namespace)
        function = namespace[answer_of(name)]
        said = verdict(name, seed, function)
        assert said.startswith("right."), (seed, said)
        for number, (wrong, hint) in enumerate(EXERCISES[name].wrong):
            assert verdict(name, seed, wrong).startswith("not yet. "), (seed, number, hint)
        assert verdict(name, seed, lambda *args, **named: None).startswith("no answer yet.")


def answer_of(name):
    """Return what the answer of an exercise is called."""
    path = next(path for path in NOTEBOOKS if path.name.startswith(name[:2]))
    lines = [line for cell in nbformat.read(path, as_version=4).cells for line in cell.source.splitlines()]
    return next(match[2] for match in map(assignment.CHECK.match, lines) if match and match[1] == name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_seeds_give_different_cases(name):
    entries = [variants.entry(name, seed) for seed in range(4)]
    if all(one.cases for one in entries):
        assert len({repr([one.cases for one in [entry]]) for entry in entries}) >= 3
        assert all(repr(one.cases) != repr(EXERCISES[name].cases) for one in entries)
    else:
        assert len({repr([cell.cell_contents for cell in one.right.__closure__]) for one in entries}) >= 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem[:2])
def test_the_source_version_asks_the_varied_question_and_holds_its_answer(path):
    for seed in SEEDS[:2]:
        notebook = assignment.source_notebook(path, seed, dict(assignment.POINTS))
        nbformat.validate(notebook)
        text = "\n".join(cell.source for cell in notebook.cells)
        names = [name for name in EXERCISES if name.startswith(path.stem[:2])]
        for name in names:
            for _, new in variants.variant(name, seed).changes if name in variants.GENERATORS else ():
                assert text.count(new) >= 1, (name, new)
        tests = [assignment.judge.hidden_test(cell.source) for cell in notebook.cells]
        assert [test[0] for test in tests if test] == names
        marked = [cell.metadata["nbgrader"]["grade_id"] for cell in notebook.cells if "nbgrader" in cell.metadata]
        assert len(marked) == len(set(marked))
        first = next(n for n, cell in enumerate(notebook.cells) if "## Exercises" in cell.source)
        assert not [
            cell for cell in notebook.cells[first:] if "solutions/" in cell.source or "<details>" in cell.source
        ]
