"""Tables of results: one file for each recipe or study, into which every run adds its rows.

Nothing here is for lessons; `training` and `studies` call it with what they have checked.
"""

import os
import platform
import secrets
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import filelock
import numpy as np
import pandas as pd

from alexnet_helpers import checks, data, load_keras, scale

keras = load_keras()

__all__ = ()

RESULTS_FOLDER = data.DATA_FOLDER / "results"
# Columns whose values are texts, whatever they look like: a recipe may be called "NA", a class "1".
TEXTS = (
    "recipe",
    "source",
    "machine",
    "backend",
    "keras",
    "numpy",
    "precision",
    "definition",
    "truth",
    "predicted",
)
# What zipfile, h5py, json and pandas raise for a file that is damaged in one way or another.
ERRORS_OF_A_FILE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
    NotImplementedError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def confusion_file(file):
    """Return where the confusion matrices of the runs in a table of results lie."""
    return file.with_name(f"{file.stem}-confusion.csv")


def read_table(file, needed=("recipe", "seed", "source")):
    """Return a table as it was written (the file may be missing); name the file if it is damaged."""
    if not file.exists():
        return pd.DataFrame(columns=list(needed))
    try:
        columns = pd.read_csv(file, nrows=0).columns
        if missing := [name for name in needed if name not in columns]:
            raise ValueError(f"it has no column {missing[0]}")
        empty = {name: [""] for name in columns if name not in TEXTS}
        table = pd.read_csv(
            file,
            dtype=dict.fromkeys(TEXTS, str),
            keep_default_na=False,
            na_values=empty,
        )
        if table["seed"].dtype.kind not in "iu" and len(table):
            raise ValueError("a seed in it is no integer")
    except ERRORS_OF_A_FILE as error:
        raise ValueError(
            f"{file} is damaged ({' '.join(str(error).split())}): repair it, or move it"
            " away to begin anew"
        ) from error
    return table


def rows_of_run(file, recipe, seed, source):
    """Return the rows of one run and all other rows of a table of several runs (the file may be missing)."""
    table = read_table(file)
    same = (
        (table["recipe"] == recipe)
        & (table["seed"] == seed)
        & (table["source"] == source)
    )
    return table[same].reset_index(drop=True), table[~same]


def merge_rows(file, rows):
    """Put the rows of one run into the table of several; two processes that end together lose nothing."""
    with filelock.FileLock(file.with_name(file.name + ".lock")):
        _, others = rows_of_run(file, *rows[["recipe", "seed", "source"]].iloc[0])
        merged = pd.concat([others, rows]) if len(others) else rows
        # A stable sort: the rows of a run keep their order.
        write_table(
            file, merged.sort_values(["source", "seed", "recipe"], kind="stable")
        )


def write_table(path, table):
    write_whole(path, lambda unfinished: table.to_csv(unfinished, index=False))


def write_whole(path, write):
    """Have `write` make a file under another name, then rename it: `path` is never half written."""
    # Each writer has a name of its own: two that write the same file do not write into each other's.
    unfinished = path.with_name(f"unfinished-{secrets.token_hex(4)}-{path.name}")
    try:
        write(unfinished)
        with open(unfinished, "r+b") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def writable_folder(argument, folder):
    """Return a folder, made if need be, in which files can be made; else say which argument names another."""
    folder = checks.path(argument, folder)
    if not data.folders.is_writable(folder):
        raise OSError(
            f"{argument}={str(folder)!r} cannot be written to: name another folder"
        )
    return folder


def machine_facts(precision=None, share=scale.ALONE):
    """Name the machine kind, the versions and the precision (None: Keras' present one) that a result depends on."""
    shared = (
        f", {share.devices} devices in {share.processes} processes"
        if share.devices > 1
        else ""
    )
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":")[1].strip()
            for line in cpuinfo.read_text().splitlines()
            if "model name" in line
        ]
        processor = names[0] if names else processor
    return {
        "machine": f"{processor}, {os.cpu_count()} cores{shared}",
        "backend": (
            f"{keras.backend.backend()}"
            f" {sys.modules[keras.backend.backend()].__version__}"
        ),
        "keras": keras.__version__,
        "numpy": np.__version__,
        "precision": precision or keras.config.dtype_policy().name,
    }
