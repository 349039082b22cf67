"""The command line: see `python -m tools.grading --help`."""

import argparse
import importlib.util
import sys
from pathlib import Path

from tools.grading import assignment, grade

COURSE = assignment.ROOT / "build" / "assignment"


def main(arguments=None):
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Make graded assignments, and grade them, with nbgrader.")
    parser.add_argument("--course", default=COURSE, type=Path, help="nbgrader's course folder (%(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("assignment", help="write the source and the release of an assignment")
    new.add_argument("notebooks", nargs="+", help="paths, or names of files in notebooks/")
    new.add_argument("--name", default="", help="its name; else that of its first notebook")
    new.add_argument("--seed", default="", help="chooses the variants; keep it to yourself (else one is drawn)")
    new.add_argument("--points", default="", help="such as '04.1=1 04.3=3 open=0'")
    graded = commands.add_parser("grade", help="from a Moodle ZIP to a table of grades, and feedback")
    graded.add_argument("name", help="the assignment")
    graded.add_argument("archive", help="the ZIP from Moodle, or a folder with a folder for each student")
    graded.add_argument("table", help="the CSV file to write")
    graded.add_argument("--roster", default="", help="the class list, a CSV file: each of its students gets a row")
    graded.add_argument("--jobs", default=0, type=int, help="how many submissions run at once (half of the processors)")
    graded.add_argument("--limits", default="", help="such as 'cell=60 notebook=600 memory=2000' (seconds, MB)")
    graded.add_argument("--fence", default="", help="bwrap, docker, podman, or none (bwrap, where it works)")
    graded.add_argument("--image", default="alexnet-course", help="the image for docker or podman (%(default)s)")
    graded.add_argument("--due", default="", help="such as '2026-12-01 23:59': from then on hand-ins are marked late")
    options = parser.parse_args(arguments)
    if not importlib.util.find_spec("nbgrader"):
        sys.exit("nbgrader is missing: `make extras` installs it")
    try:
        if options.command == "assignment":
            name = options.name or Path(options.notebooks[0]).stem
            made = assignment.make(options.course, name, options.notebooks, options.seed, options.points)
            print("\n".join(map(str, made)))
        else:
            chosen = {name: value for name, value in vars(options).items() if name != "command"}
            print("\n".join(map(str, grade.grade(**chosen))))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
