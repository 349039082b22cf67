"""Held-back variants of the exercises: for each a question with other numbers, or other cases for a function.

A module for each notebook holds a generator for each exercise, next to the wrong answers that it knows. Which variant
it makes is up to the seed that the lecturer chooses and keeps.
"""

import hashlib
import importlib
import pkgutil
from typing import Any, NamedTuple

import numpy as np

from alexnet_helpers.exercises import EXERCISES, Exercise
from alexnet_helpers.exercises.values import _same, as_texts


class Variant(NamedTuple):
    """What takes the place of a published exercise."""

    changes: tuple  # pairs of texts: what stands in the notebook, once, and what takes its place
    entry: Exercise  # what an answer is compared with
    solution: str  # Python for the right value; "" for a function, whose solution is the published one


GENERATORS = {}  # the name of each exercise, and its generator


def value(name):
    """Enter a generator for an exercise whose answer is a value.

    It takes a random generator and returns the changes to the text, the right value, and pairs (wrong value, hint).
    """

    def enter(make):
        def varied(rng):
            for _ in range(200):
                changes, right, hints, *rest = make(rng)
                remark = rest[0] if rest else ""
                entry = EXERCISES[name]._replace(right=right, hints=tuple(hints), remark=remark)
                if _is_new(entry, EXERCISES[name]):
                    return Variant(tuple(changes), entry, _as_source(right))
            raise ValueError(f"variants of {name} must differ from what is published, got none that does")

        GENERATORS[name] = varied
        return make

    return enter


def function(name):
    """Enter a generator for an exercise whose answer is a function: it returns other cases, or another judge."""

    def enter(make):
        def varied(rng):
            made = make(rng)
            changes, made = made if isinstance(made, tuple) else ((), made)
            fields = {"right": made} if callable(made) else {"cases": tuple(made)}
            return Variant(tuple(changes), EXERCISES[name]._replace(**fields), "")

        GENERATORS[name] = varied
        return make

    return enter


def _is_new(entry, published):
    """Tell whether the right value is neither the published one nor one of the wrong ones."""
    others = [published.right, *(wrong for wrong, _ in entry.hints)]
    return not any(_same(other, entry.right, entry.tolerance) for other in others if other is not None)


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
    """Return what an answer is compared with; without a seed, or without a generator, the published entry."""
    return variant(name, seed).entry if seed and name in GENERATORS else EXERCISES[name]


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


def is_text(right: Any):
    """Tell whether an answer is a text or texts."""
    return as_texts(right) is not None


load()
