"""Exercises of a graded assignment: `check` says whether an answer has the form that is asked for, not if it is right.

The answers are compared after you have handed in; they are not in this copy of the course.
"""

import json
from pathlib import Path

import numpy as np

FORMS = json.loads(Path(__file__).with_name("forms.json").read_text("utf-8"))


def check(name, answer):
    """Print whether there is an answer, and whether it has the right form."""
    if name not in FORMS:
        raise ValueError(f"name must be the number of an exercise, {min(FORMS)!r} to {max(FORMS)!r}, got {name!r}")
    print(f"Exercise {name}: {_said(FORMS[name], answer)}")


def _said(form, answer):
    parts = answer if isinstance(answer, (list, tuple)) else [answer]
    if len(parts) > 0 and all(part is None or part is ... for part in parts):
        return "no answer yet."
    if form["kind"] == "function":
        return (
            "taken. It is called with other arguments when it is graded."
            if callable(answer)
            else ("not the right form: the answer is a function, passed by its name.")
        )
    if callable(answer):
        return "not the right form: the answer is a value, yours a function: call it."
    if form["kind"] == "text":
        taken = isinstance(answer, str) or all(isinstance(part, str) for part in parts)
        return "taken." if taken else "not the right form: the answer is a text, in quotes."
    return _said_of_numbers(form, answer)


def _said_of_numbers(form, answer):
    try:
        array = np.squeeze(np.asarray(answer, dtype=float))
    except (TypeError, ValueError):
        return "not the right form: the answer is made of numbers, and each part needs one."
    if form["kind"] == "truth":
        return "taken." if isinstance(answer, (bool, np.bool_)) else "not the right form: it is True or False."
    if list(array.shape) != form["shape"]:
        needed = "one number" if not form["shape"] else f"numbers of the shape {tuple(form['shape'])}"
        return f"not the right form: the answer is {needed}."
    return "taken. It is compared when it is graded."
