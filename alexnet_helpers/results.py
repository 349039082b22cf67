"""Tables of results: one file for a recipe or study, to which each run adds its rows.

The notebooks do not use this module: `training` and `studies` call it with what they
have checked.
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
# Columns of texts, whatever they look like: a recipe may be called "NA", a class "1".
_TEXTS = (
    *("recipe", "source", "machine", "backend", "keras", "numpy", "precision"),
    *("definition", "truth", "predicted"),
)
# What zipfile, h5py, json and pandas raise for a damaged file.
ERRORS_OF_A_FILE = (
    *(OSError, ValueError, TypeError, LookupError, AttributeError, EOFError),
    *(NotImplementedError, struct.error, zipfile.BadZipFile, zlib.error),
)


def confusion_file(file):
    """Return where the confusion matrices of the runs in a table of results lie."""
    return file.with_name(f"{file.stem}-confusion.csv")


def read_table(file, needed=("recipe", "seed", "source")):
    """Return a table as it was written, or an empty one if the file is missing.

    Raises
    ------
    ValueError
        If the file is damaged, or lacks a column that is `needed`.
    """
    if not file.exists():
        return pd.DataFrame(columns=list(needed))
    try:
        columns = pd.read_csv(file, nrows=0).columns
        if missing := [name for name in needed if name not in columns]:
            raise ValueError(f"it has no column {missing[0]}")
        table = pd.read_csv(
            file,
            dtype=dict.fromkeys(_TEXTS, str),
            keep_default_na=False,
            na_values={name: [""] for name in columns if name not in _TEXTS},
        )
        if table["seed"].dtype.kind not in "iu" and len(table):
            raise ValueError("a seed in it is no integer")
    except ERRORS_OF_A_FILE as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{file} is damaged ({reason}): repair it, or move it away to begin anew"
        ) from error
    return table


def rows_of_run(file, recipe, seed, source):
    """Return the rows of one run, and all others, of a table that may be missing."""
    table = read_table(file)
    of_run = table["recipe"] == recipe
    of_run &= (table["seed"] == seed) & (table["source"] == source)
    return table[of_run].reset_index(drop=True), table[~of_run]


def merge_rows(file, rows):
    """Put the rows of one run into a table, in place of those that it has of this run.

    Two processes that end at the same time lose nothing.
    """
    with filelock.FileLock(file.with_name(file.name + ".lock")):
        _, others = rows_of_run(file, *rows[["recipe", "seed", "source"]].iloc[0])
        table = pd.concat([others, rows]) if len(others) else rows
        # A stable sort keeps the order of a run's rows.
        table = table.sort_values(["source", "seed", "recipe"], kind="stable")
        write_table(file, table)


def write_table(path, table):
    """Write a table as CSV, whole or not at all."""
    write_whole(path, lambda unfinished: table.to_csv(unfinished, index=False))


def write_whole(path, write):
    """Have `write` make a file under another name, then rename it to `path`.

    So `path` is never half written.
    """
    # A name for each writer: two that write the same file do not mix.
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
    """Return a folder in which files can be made, and make it if need be.

    Raises
    ------
    OSError
        If it cannot be written to; the message names the argument.
    """
    folder = checks.path(argument, folder)
    if not data.folders.is_writable(folder):
        raise OSError(
            f"{argument}={str(folder)!r} cannot be written to: name another folder"
        )
    return folder


def machine_facts(precision=None, share=scale.ALONE):
    """Name what a result depends on: the machine, the versions and the precision.

    Without a `precision`, it is the one that Keras is set to.
    """
    machine = f"{_processor()}, {os.cpu_count()} cores"
    if share.devices > 1:
        machine += f", {share.devices} devices in {share.processes} processes"
    backend = keras.backend.backend()
    return {
        "machine": machine,
        "backend": f"{backend} {sys.modules[backend].__version__}",
        "keras": keras.__version__,
        "numpy": np.__version__,
        "precision": precision or keras.config.dtype_policy().name,
    }


def _processor():
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()
