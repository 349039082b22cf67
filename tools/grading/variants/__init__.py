"""Held-back variants of the exercises: for each a question with other numbers, or other cases for a function.

A module for each notebook holds a generator for each exercise, next to the wrong answers that it knows. Which variant
it makes is up to the seed that the lecturer chooses and keeps.
"""

import hashlib
import importlib
import pkgutil
from typing import NamedTuple

import numpy as np

from alexnet_helpers.exercises import EXERCISES, Exercise, NotAnswered, Refused
from alexnet_helpers.exercises.functions import hint_for_a_function
from alexnet_helpers.exercises.values import same_value


class Variant(NamedTuple):
    """What takes the place of a published exercise."""

    changes: tuple  # pairs of texts: what stands in the notebook, once, and what takes its place
    entry: Exercise  # what an answer is compared with
    solution: str  # Python for the right answer; "" where the published one, a function, is right


GENERATORS = {}  # the name of each exercise, and its generator


def value(name):
    """Enter a generator for an exercise whose answer is a value.

    It takes a random generator and returns the changes to the text, the right value, and pairs (wrong value, hint);
    where an answer may be rounded, also by how much it may be off.
    """

    def enter(make):
        def varied(rng):
            for _ in range(200):
                changes, right, hints, *off = make(rng)
                entry = EXERCISES[name]._replace(right=right, hints=tuple(hints), remark="")
                if off:
                    entry = entry._replace(tolerance=float(off[0] / np.max(np.abs(right))))
                if _is_new(entry, EXERCISES[name]):
                    return Variant(tuple(changes), entry, _as_source(right))
            raise ValueError(f"variants of {name} must differ from what is published, got none that does")

        GENERATORS[name] = varied
        return make

    return enter


def function(name):
    """Enter a generator for an exercise whose answer is a function: it returns other cases, or another judge.

    Where the question changes as well: the changes, cases or judge, and the solution.
    """

    def enter(make):
        def varied(rng):
            made = make(rng)
            changes, made, solution = made if isinstance(made, tuple) else ((), made, "")
            entry = EXERCISES[name]
            fields = {"right": made} if callable(made) else {"cases": _telling(entry, made, lambda: make(rng))}
            return Variant(tuple(changes), entry._replace(**fields), solution)

        GENERATORS[name] = varied
        return make

    return enter


def _telling(entry, cases, draw):
    """Return cases in which each of the usual slips shows, some more than those given if need be."""
    cases = list(cases)
    for _ in range(300):
        left = [wrong for wrong, _ in entry.wrong if _passes(entry, cases, wrong)]
        if not left:
            return tuple(cases)
        cases += [case for case in draw() if not all(_passes(entry, [case], wrong) for wrong in left)]
    raise ValueError("cases must tell the usual slips apart, got none that do")


def _passes(entry, cases, wrong):
    try:
        return hint_for_a_function(entry._replace(cases=tuple(cases)), wrong) is None
    except (NotAnswered, Refused):
        return False


def _is_new(entry, published):
    """Tell whether the right value is neither the published one nor one of the wrong ones."""
    others = [published.right, *(wrong for wrong, _ in entry.hints)]
    return not any(same_value(other, entry.right, entry.tolerance) for other in others if other is not None)


def _as_source(right):
    if isinstance(right, np.ndarray):
        right = right.tolist()
    if isinstance(right, np.generic):
        right = right.item()
    return repr(right)


def variant(name, seed):
    """Return the variant of an exercise for a seed, a text or a number."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return GENERATORS[name](np.random.default_rng(list(digest)))


def entry(name, seed):
    """Return what an answer is compared with: the published entry, if there is no generator."""
    return variant(name, seed).entry if name in GENERATORS else EXERCISES[name]


def numbered(texts):
    """Return a sequence of numbers or words as a sentence has it: 1, 2 and 3."""
    texts = [str(text) for text in texts]
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else texts[0]


def minus(number):
    """Return a number with the sign that the course's texts have."""
    return (
        f"{number:g}".replace("-", "−") if not isinstance(number, (int, np.integer)) else str(number).replace("-", "−")
    )


def load():
    """Have every module enter its generators."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


load()
