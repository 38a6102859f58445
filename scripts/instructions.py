#!/usr/bin/env python3
"""How many instructions is a call, step by step, and is that no more than recorded? Counted by callgrind in
benches/instructions.c: what the library and the C library execute, not the program. --record writes the counts down."""
import collections
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target" / "benches" / "instructions"
LIBRARY = ROOT / "target" / "release" / "libcall.so"
RECORD = ROOT / "benches" / "instructions.tsv"
CALLS, ALLOWED, SHOWN = 1000, 1.05, 6
STEPS = ["single begin", "single run", "single write", "single complete", "single finish",
         "multi begin", "multi serve", "multi finish"]
HEAD = """# Instructions of one call, step by step; `make instructions` fails 5 % beyond, `make instructions-record` writes it.
# single: a call at a time, served by its own thread. multi: 1000 calls behind a worker; serve is from the end of one
# method to the start of the next, method and write not counted.
"""


def counted(step, *planted):
    """Instructions per call of each function that ran in a step, the program's own left out."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        tool = ["valgrind", "-q", "--tool=callgrind", "--collect-atstart=no", "--compress-strings=no",
                "--compress-pos=no", f"--callgrind-out-file={out}"]
        paths = {"LD_LIBRARY_PATH": str(ROOT / "target" / "release"), "LD_BIND_NOW": "1"}
        ran = subprocess.run([*tool, str(PROGRAM), *step.split(), str(CALLS), *planted], env={**os.environ, **paths},
                             stdout=subprocess.PIPE, text=True, check=False, timeout=300)
        if ran.returncode != 0:
            sys.exit(f"instructions: {step} ended with {ran.returncode}")
        times, lines = int(ran.stdout), out.read_text().splitlines()
    functions, thing, function, is_callee = collections.Counter(), "", "", False
    for line in lines:
        name, _, value = line.partition("=")
        if name == "ob":
            thing = value
        elif name == "fn":
            function = value
        elif re.match(r"\d+ \d+$", line):
            # The line after `calls=` is what the callee took, and stands at the callee too.
            if not is_callee and thing != str(PROGRAM):
                functions[function] += int(line.split()[1]) / times
            is_callee = False
        is_callee = is_callee or name == "calls"
    if not functions:
        sys.exit(f"instructions: nothing was counted in {step}")
    return functions


def asks_to_write():
    """Whether memory that is to be written is asked for as such: a hint to read brings it twice, and no count shows it."""
    listing = subprocess.run(["objdump", "--disassemble", "--no-show-raw-insn", str(LIBRARY)], stdout=subprocess.PIPE,
                             text=True, check=True).stdout
    return "prefetchw" in listing


def show(step, functions, recorded):
    total = sum(functions.values())
    budget = f"{recorded[step]:.0f}" if step in recorded else "not recorded"
    print(f"{step:18}{total:8.0f}   recorded: {budget}")
    for name, count in functions.most_common(SHOWN):
        print(f"  {count:8.1f}  {name}")


def main():
    is_record = sys.argv[1:] == ["--record"]
    why = "there is no valgrind, or no callgrind.h" if not shutil.which("valgrind") or not PROGRAM.exists() else ""
    why = why if platform.machine() == "x86_64" else "the counts recorded are those of x86-64"
    if why:
        sys.exit(f"instructions: cannot be recorded, {why}" if is_record else print(f"instructions: SKIPPED, {why}"))
    recorded = {}
    if RECORD.exists() and not is_record:
        rows = [line.split("\t") for line in RECORD.read_text().splitlines() if line[0] != "#"]
        recorded = {step: float(count) for step, count in rows}
    totals = {}
    for step in STEPS:
        functions = counted(step)
        totals[step] = sum(functions.values())
        show(step, functions, recorded)
    if is_record:
        RECORD.write_text(HEAD + "".join(f"{step}\t{total:.0f}\n" for step, total in totals.items()))
        return
    faults = [f"{step}: {total:.0f} instructions a call, {recorded.get(step, 0):.0f} are recorded"
              for step, total in totals.items() if total > recorded.get(step, 0) * ALLOWED]
    if not asks_to_write():
        faults.append("the library never asks for memory to write it")
    # Would it be seen? The same with a few calls of another function in each step.
    for step in ("single begin", "multi serve"):
        if sum(counted(step, "planted").values()) <= totals[step] * ALLOWED:
            faults.append(f"{step}: what was added on purpose is not seen")
    saved = [step for step, total in totals.items() if total * ALLOWED < recorded.get(step, 0)]
    if saved and not faults:
        print(f"instructions: fewer than recorded in {', '.join(saved)}; `make instructions-record` keeps it so")
    print("\n".join(faults) or "instructions: as recorded, with hints to write, and what was added on purpose is seen")
    sys.exit(bool(faults))


main()
