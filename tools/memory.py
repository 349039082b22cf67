"""Measure what each notebook needs: the largest memory of its kernel, as a plain process, and the time.

    python tools/memory.py [NOTEBOOK ...]      writes data/results/memory.csv; some of them replace their rows

Linux only: the peak is VmHWM in /proc, of the kernel and of every process that it starts, added up.
"""

import csv
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
TABLE = ROOT / "data" / "results" / "memory.csv"
COLUMNS = ("notebook", "peak_mb", "seconds", "processes", "python")


def peak(process):
    """Return the largest memory that a process has had, in bytes."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


class Watch(threading.Thread):
    """Follows a kernel and what it starts."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.kernel, self.peaks, self.ended = psutil.Process(pid), {}, threading.Event()

    def run(self):
        """Look again and again, until the kernel has gone."""
        while not self.ended.wait(0.1):
            try:
                for one in [self.kernel, *self.kernel.children(recursive=True)]:
                    self.peaks[one.pid] = max(peak(one), self.peaks.get(one.pid, 0))
            except (psutil.Error, OSError):  # it ended meanwhile
                continue


def measure(path):
    """Run a notebook as it is, with short training and without a download, and return its row."""
    notebook = nbformat.read(path, as_version=4)
    settings = os.environ | {"ALEXNET_OFFLINE": "1", "ALEXNET_FAST": "1", "JUPYTER_PREFER_ENV_PATH": "1"}
    with tempfile.TemporaryDirectory() as folder:
        settings["IPYTHONDIR"] = folder
        resources = {"metadata": {"path": str(NOTEBOOKS)}}
        client = NotebookClient(notebook, timeout=3600, startup_timeout=600, kernel_name="python3", resources=resources)
        start = time.monotonic()
        with client.setup_kernel(env=settings):
            watch = Watch(client.km.provisioner.pid)
            watch.start()
            for number, cell in enumerate(notebook.cells):
                client.execute_cell(cell, number)
            watch.ended.set()
            watch.join()
    megabytes = sum(watch.peaks.values()) / 2**20
    python = ".".join(map(str, sys.version_info[:2]))
    values = path.name, round(megabytes), round(time.monotonic() - start), len(watch.peaks), python
    return dict(zip(COLUMNS, values))


def main(names):
    """Measure the notebooks and write the table after each, so that an interrupted run keeps what it has."""
    rows = {}
    if TABLE.exists():
        with open(TABLE, newline="", encoding="utf-8") as file:
            rows = {row["notebook"]: row for row in csv.DictReader(file)}
    for path in [NOTEBOOKS / name for name in names] or sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        rows[path.name] = measure(path)
        print(*rows[path.name].values(), flush=True)
        with open(TABLE, "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            table.writeheader()
            table.writerows(rows[name] for name in sorted(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
