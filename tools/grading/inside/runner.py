"""Runs a notebook inside the fence, cell by cell, and answers questions about its variables at the graded cells.

Reads one line of JSON with the notebook and the limits, then lines with orders; writes a line for each cell that has
run, and for each question. It shares the fence with the student's code, so nobody outside trusts what it writes.
"""

import ast
import json
import os
import queue
import resource
import sys
import time

from jupyter_client.manager import KernelManager
from nbformat.v4 import output_from_msg

HERE = os.path.dirname(os.path.abspath(__file__))
SHOWN = {"stream", "display_data", "execute_result", "error"}


class Stopped(Exception):
    """Raised when the kernel is gone."""


class Runner:
    """A kernel with limits, and the two ways to use it: run a cell, ask for a value."""

    def __init__(self, limits):
        self.limits = limits
        for kind in ("RLIMIT_DATA", "RLIMIT_CORE", "RLIMIT_FSIZE"):
            size = {"RLIMIT_DATA": limits["memory"], "RLIMIT_CORE": 0, "RLIMIT_FSIZE": limits["file"]}[kind]
            resource.setrlimit(getattr(resource, kind), (size, size))
        self.kernel = KernelManager(kernel_name="python3")
        self.kernel.start_kernel(
            extra_arguments=["--HistoryManager.enabled=False"], stdout=sys.stderr, stderr=sys.stderr
        )
        self.client = self.kernel.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=limits["start"])
        self.left, self.interrupted = limits["output of a notebook"], 0

    def run(self, source):
        """Run a cell and return its outputs, at most as many bytes of them as allowed, and why it was stopped."""
        message = self.client.execute(source, allow_stdin=False, stop_on_error=False)
        deadline, outputs, stopped, room = time.monotonic() + self.limits["cell"], [], "", self.limits["output"]
        room = min(room, self.left)
        while (said := self._next(message, deadline)) is not None:
            if said == "too late":
                stopped = stopped or f"stopped after {self.limits['cell']} s"
                deadline = self._interrupt()
            elif said["msg_type"] == "clear_output":
                outputs = []
            elif said["msg_type"] in SHOWN and room >= 0:
                size = len(json.dumps(said["content"]))
                room, self.left = room - size, self.left - size
                if room < 0:
                    stopped = stopped or "stopped, since it puts out too much"
                    deadline = self._interrupt()
                else:
                    outputs.append(output_from_msg(said))
        return _joined(outputs), stopped

    def _next(self, message, deadline):
        """Return the next message about a cell, "too late", or None when the cell has ended."""
        while True:
            try:
                said = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                said = None
            if said and said["parent_header"].get("msg_id") == message:
                if said["msg_type"] == "status" and said["content"]["execution_state"] == "idle":
                    return None
                return "too late" if time.monotonic() > deadline else said
            if not self.kernel.is_alive():
                raise Stopped("the kernel died")
            if time.monotonic() > deadline:
                return "too late"

    def _interrupt(self):
        """Interrupt the cell; the next time that this is not enough, the kernel goes."""
        if self.interrupted >= 3:
            self.kernel.shutdown_kernel(now=True)
            raise Stopped("the kernel did not stop when it was told to")
        self.interrupted += 1
        self.kernel.interrupt_kernel()
        return time.monotonic() + self.limits["grace"]

    def ask(self, expression):
        """Evaluate an expression that gives a text, beside the notebook's own, and return the text."""
        code = f"import sys; sys.path[:0] = [] if {HERE!r} in sys.path else [{HERE!r}]"
        message = self.client.execute(
            code, silent=True, store_history=False, user_expressions={"it": expression}, allow_stdin=False
        )
        deadline = time.monotonic() + self.limits["cell"]
        while True:
            try:
                reply = self.client.get_shell_msg(timeout=0.5)
            except queue.Empty:
                if not self.kernel.is_alive():
                    raise Stopped("the kernel died") from None
                if time.monotonic() > deadline:
                    self._interrupt()
                    return json.dumps({"raised": "TimeoutError", "said": f"no result after {self.limits['cell']} s"})
                continue
            if reply["parent_header"].get("msg_id") == message:
                found = reply["content"].get("user_expressions", {}).get("it", {})
                if found.get("status") != "ok":
                    return json.dumps({"raised": str(found.get("ename")), "said": str(found.get("evalue"))[:400]})
                return ast.literal_eval(found["data"]["text/plain"])


def _joined(outputs):
    """Put neighbouring pieces of one stream together."""
    result = []
    for output in outputs:
        same = result and output["output_type"] == "stream" == result[-1]["output_type"]
        if same and output["name"] == result[-1]["name"]:
            result[-1]["text"] += output["text"]
        else:
            result.append(output)
    return result


def tell(**event):
    """Write one line outwards."""
    OUTWARDS.write(json.dumps(event) + "\n")
    OUTWARDS.flush()


def main():
    """Run the notebook that comes in."""
    job = json.loads(sys.stdin.readline())
    runner = Runner(job["limits"])
    tell(event="started")
    try:
        for index, cell in enumerate(job["cells"]):
            if cell["source"] is not None:
                outputs, stopped = runner.run(cell["source"])
                tell(event="cell", index=index, outputs=outputs, stopped=stopped)
            if cell["asks"]:
                tell(event="graded", index=index)
                while "next" not in (order := json.loads(sys.stdin.readline())):
                    tell(event="reply", reply=runner.ask(_expression(order)))
        tell(event="ended")
    except Stopped as why:
        tell(event="stopped", why=str(why))
    finally:
        runner.kernel.shutdown_kernel(now=True)


def _expression(order):
    bridge = "__import__('bridge')"
    if "call" in order:
        return f"{bridge}.called({order['name']!r}, globals(), {order['call']!r}, {order['named']!r})"
    return f"{bridge}.answer({order['name']!r}, globals())"


if __name__ == "__main__":
    # The student's processes inherit no way to write here: they get stderr for stdout.
    OUTWARDS = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    main()
