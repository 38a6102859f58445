#!/usr/bin/env python3
"""Does scripts/quick_start.sh cancel a call in each language? With --clone, in a fresh clone of what is committed."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUARD = 3600  # seconds: a clone builds everything, which only a hang makes so long


def folder():
    """Where it is to run."""
    if sys.argv[1:] != ["--clone"]:
        return ROOT
    clone = ROOT / "target" / "quick_start"
    shutil.rmtree(clone, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    return clone


def main():
    # What a make around this hands down, a shell would not have.
    clean = {name: value for name, value in os.environ.items() if not re.match("MAKE|MFLAGS|PYTHONPATH|LIBCALL_", name)}
    ran = subprocess.run([folder() / "scripts" / "quick_start.sh"], env=clean, capture_output=True, text=True,
                         timeout=GUARD, check=False)
    said = re.findall(r"^(\S+): RPC_E_CALL_CANCELED, fate (STOPPED|NEVER_STARTED)$", ran.stdout, re.M)
    if ran.returncode != 0 or [language for language, _ in said] != ["C", "C++", "Python"]:
        sys.exit(f"quick_start: it ended with {ran.returncode}, and said\n{ran.stdout}{ran.stderr}")
    print(f"quick_start: {', '.join(f'{language} {fate}' for language, fate in said)}")


main()
