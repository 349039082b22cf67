#!/bin/sh
# Print the path of the Python that .venv is made with: the one given as $1, else the first suitable one on PATH.
# When there is none, print one line that says why.
unset PYTHONHOME PYTHONPATH

# The kernel's list of what the processor can do (Linux on x86; read without other programs: PATH may be odd).
cpuinfo=${CPUINFO:-/proc/cpuinfo}
if [ -r "$cpuinfo" ]; then
    while read -r name rest; do
        [ "$name" = flags ] || continue
        case " $rest " in
            *" avx "*) ;;
            *) echo "this processor (or virtual machine) has no AVX, which TensorFlow needs: take another one, or Colab"; exit ;;
        esac
        break
    done < "$cpuinfo"
fi

examine() { # prints "ok PATH", "novenv ..." or "no ..."; nothing when $1 is no Python. Runs on any Python, so: no f-strings
    "$1" -E -c '
import os, platform, sys, sysconfig
version = sys.version_info[:2]
this = "Python %d.%d" % version
if version < (3, 11):
    print("no " + this + ", which is too old")
elif version > (3, 13):
    print("no " + this + ", for which there is no TensorFlow yet")
elif platform.python_implementation() != "CPython":
    print("no " + this + " of another kind (" + platform.python_implementation() + "), for which there is no TensorFlow")
elif sysconfig.get_config_var("Py_GIL_DISABLED"):
    print("no " + this + " without the global lock (free-threaded), for which there is no TensorFlow")
elif sys.maxsize < 2**32:
    print("no " + this + " in 32 bits, for which there is no TensorFlow")
elif (platform.system(), platform.machine()) == ("Darwin", "x86_64"):
    print("no " + this + " for Intel Macs, for which there is no TensorFlow any more")
elif "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or ""):
    print("no " + this + " for musl (Alpine Linux), for which there is no TensorFlow")
else:
    try:
        import ensurepip, venv
        # Inside another environment, its base: it outlives that environment, even when that is our own .venv.
        base = getattr(sys, "_base_executable", None) or sys.executable
        print("ok " + (base if os.path.exists(base) else sys.executable))
    except ImportError:
        print("novenv " + this + " without venv (on Debian and Ubuntu: apt install python%d.%d-venv)" % version)
' 2>/dev/null
}

if [ -n "$1" ]; then
    found=$(examine "$1")
    case $found in
        "ok "*) echo "${found#ok }" ;;
        "") echo "PYTHON=$1 cannot be run: give the name or the path of a Python 3.11, 3.12 or 3.13" ;;
        *) echo "PYTHON=$1 is ${found#* }: this course needs Python 3.11, 3.12 or 3.13 with venv" ;;
    esac
    exit
fi

why=
for candidate in python3 python3.13 python3.12 python3.11 python; do
    found=$(examine "$candidate")
    case $found in
        "ok "*) echo "${found#ok }"; exit ;;
        "novenv "*) why="$candidate is ${found#novenv }" ;; # the nearest miss
        "no "*) why=${why:-"$candidate is ${found#no }"} ;;
    esac
done
echo "no Python 3.11, 3.12 or 3.13 with venv here (${why:-"there is no python3 at all"});" \
    "install one, or say where it is: make lab PYTHON=/path/to/python3.12"
