"""Assignments with held-back variants, and their grading, around nbgrader.

    python -m tools.grading assignment NAME NOTEBOOK...     a course folder for nbgrader, and a ZIP for the students
    python -m tools.grading grade NAME MOODLE_ZIP GRADES    from a Moodle ZIP to a table of grades, and feedback

`inside` is what runs beside a student's code, fenced in; everything else runs outside and trusts nothing of it but
values.
"""
