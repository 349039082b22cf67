"""Run a command as an older processor computes: `python tools/older_processor.py haswell COMMAND ...`.

The libraries choose their code by what the processor can do, and round otherwise on another one. Each of them lets
itself be told to make do with less; which of them listen to that here is printed first.
"""

import argparse
import os
import re
import subprocess
import sys

# The instruction sets that are left: for oneDNN (TensorFlow's convolutions), OpenBLAS (NumPy's and SciPy's matrix
# products), XLA (what TensorFlow and JAX compile), and which of NumPy's own are taken away.
PROCESSORS = {
    "haswell": ("AVX2", "Haswell", "AVX2", r"512|V4"),  # Intel from 2013, and near AMD's Zen
    "nehalem": ("SSE41", "Nehalem", "SSE4_2", r"."),  # of 2008, the least that NumPy itself asks for
}
LOOK = """
import numpy, scipy.linalg, threadpoolctl
from alexnet_helpers import load_keras
from numpy._core import _multiarray_umath as umath
print("OpenBLAS:", *sorted({str(l.get("architecture")) for l in threadpoolctl.threadpool_info()} - {"None"}))
print("NumPy:", *[name for name in umath.__cpu_dispatch__ if umath.__cpu_features__[name]] or ["its least"])
print("oneDNN:", flush=True)
load_keras().ops.conv(numpy.ones((1, 9, 9, 8), "float32"), numpy.ones((3, 3, 8, 8), "float32"))
"""


def settings(name):
    """Return what the environment has to say for a processor of PROCESSORS."""
    from numpy._core import _multiarray_umath as umath

    onednn, openblas, xla, removed = PROCESSORS[name]
    here = [feature for feature in umath.__cpu_dispatch__ if umath.__cpu_features__[feature]]
    return {
        "ONEDNN_MAX_CPU_ISA": onednn,
        "OPENBLAS_CORETYPE": openblas,
        "NPY_DISABLE_CPU_FEATURES": " ".join(feature for feature in here if re.search(removed, feature)),
        "XLA_FLAGS": f"--xla_cpu_max_isa={xla}",
    }


def main():
    """Do what the command line asks (see the module's docstring)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("processor", choices=PROCESSORS)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    environment = os.environ | settings(options.processor)
    look = [sys.executable, "-c", LOOK]
    told = environment | {"KERAS_BACKEND": "tensorflow", "ONEDNN_VERBOSE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    seen = subprocess.run(look, capture_output=True, text=True, check=True, env=told).stdout
    lines = re.findall(r"^(?:OpenBLAS|NumPy): .*$", seen, re.MULTILINE)
    lines += [f"oneDNN: {isa}" for isa in re.findall(r"cpu,isa:(.*)", seen)] or ["oneDNN: does not say"]
    print(f"What the libraries use as {options.processor}:", *lines, sep="\n  ", flush=True)
    return subprocess.run(options.command, check=False, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
