#!/usr/bin/env python3
"""Runs the long runs at the lengths asked for and prints one table of what they said of themselves.

A figure of the table is a program's own or its exit status. The whole output of each stays in target/soak/.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "target" / "soak"
FUZZ = ROOT / "scripts" / "fuzz.sh"
# The programs know themselves when they hang; this ends one that does not know.
LIMIT = "LIMIT=86400"
PLAIN = f"make -C ctests test MATRIX= {LIMIT} TESTS="
Part = collections.namedtuple("Part", "name what command variables length outcomes")


def of_storm(text):
    """Answers by code, all functions together."""
    answers, functions = collections.Counter(), re.findall(r"^# call_\w+:((?: \d+ [A-Z_]+)+)$", text, re.M)
    for number, code in re.findall(r"(\d+) (\w+)", " ".join(functions)):
        answers[code] += int(number)
    return [(code, number) for code, number in answers.most_common()]


def of_races(text):
    return [(what, int(number)) for number, what in re.findall(r"^(?:not )?ok \d+ - +(\d+) (.+)$", text, re.M)]


def of_million(text):
    return [(what, int(number)) for what, number in re.findall(r"^# ([a-z_]+) +(\d+)(?:  TOO RARE)?$", text, re.M)]


def of_kills(text):
    return [(what, int(number)) for what, number in re.findall(r"^# ([A-Z_]+): (\d+)$", text, re.M)]


def parts(asked):
    """What runs, how, and what it prints of its length; the fuzzers say all in their last line."""
    storm = {"CALL_STORM_SECONDS": asked.storm}
    seconds = r"^# (\d+ s, \d+ threads, CALL_SEED=\w+)$"
    races, calls = (rf"^# (\d+ {unit}(?:, CALL_SEED=\w+| in \d+ ms| took [\d.]+ s))$" for unit in ("races", "calls"))
    yield Part("storm", "random calls", f"{PLAIN}storm", storm, seconds, of_storm)
    yield Part("storm-asan", "random calls, AddressSanitizer", f"env {LIMIT} scripts/asan.sh storm", storm, seconds,
               of_storm)
    yield Part("race", "races around one call object", f"{PLAIN}race", {"CALL_RACES": asked.races}, races, of_races)
    yield Part("million", "calls at random distances", f"{PLAIN}million", {"CALL_MILLION": asked.million}, calls,
               of_million)
    yield Part("kills", "calls to children that are killed", f"{PLAIN}isolated_storm", {"CALL_KILLS": asked.kills},
               r"^# (\d+ calls, \d+ canceled)$", of_kills)
    if FUZZ.exists() and asked.fuzz > 0:
        yield Part("fuzz", "fuzzing", f"scripts/fuzz.sh {asked.fuzz} sequential concurrent", {}, None, None)
    for who in ("child", "parent"):
        if FUZZ.exists() and asked.hostile > 0:
            yield Part(f"fuzz-{who}", f"fuzzing, a hostile {who}", f"scripts/fuzz.sh {asked.hostile} hostile_{who}", {},
                       None, None)


def run(part, running):
    log = LOGS / f"{part.name}.log"
    variables = {name: str(value) for name, value in part.variables.items()}
    start = time.monotonic()
    running.add(part.name)
    print(f"soak: {part.name} begins", flush=True)
    with log.open("w") as output:
        done = subprocess.run(shlex.split(part.command), cwd=ROOT, env={**os.environ, "PROVE": "prove -v", **variables},
                              stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False)
    running.discard(part.name)
    text = log.read_text(errors="replace")
    took = time.monotonic() - start
    print(f"soak: {part.name} ended with status {done.returncode} after {took:.0f} s", flush=True)
    return row(part, text, took, done.returncode)


def row(part, text, took, status):
    """Cells of the table. What says nothing of itself has not passed."""
    remarks = re.findall(r"^\w+: (SKIPPED.*|.* instead)$", text, re.M)
    if part.length is None:
        length, said = "", text.strip().splitlines()[-1:]
    else:
        length = "; ".join(re.findall(part.length, text, re.M)).replace("CALL_SEED=", "seed ")
        said = [f"{number:,} {what}" for what, number in part.outcomes(text)]
    log = f"target/soak/{part.name}.log"
    if status != 0:
        result = f"FAILED with status {status}: {log}"
    elif remarks and remarks[-1].startswith("SKIPPED"):
        result = remarks[-1]
    elif said and (length or part.length is None):
        result = "passed"
    else:
        result = f"FAILED, it said nothing: {log}"
    what = "; ".join([part.what, *(remark for remark in remarks if remark.endswith("instead"))])
    return result, [what, length, "; ".join(said), f"{took:.0f}", result]


def tell(running, over):
    """A line now and then, so that one sees that it goes on."""
    start = time.monotonic()
    while not over.wait(60):
        print(f"soak: {(time.monotonic() - start) / 60:.0f} min; running: {', '.join(sorted(running))}", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    for name in ("storm", "races", "million", "kills", "fuzz", "hostile", "jobs"):
        options.add_argument(f"--{name}", type=int, required=True)
    asked = options.parse_args()
    LOGS.mkdir(parents=True, exist_ok=True)
    # Built before, so that no two parts build the same at once.
    subprocess.run(shlex.split("make -s -C ctests build TESTS='storm race million isolated_storm'"), cwd=ROOT, check=True)
    running, over = set(), threading.Event()
    threading.Thread(target=tell, args=(running, over), daemon=True).start()
    with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        rows = list(pool.map(lambda part: run(part, running), parts(asked)))
    over.set()
    table = [["what", "length", "outcomes", "seconds", "result"], ["---"] * 5, *(cells for _, cells in rows)]
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in table)
    (LOGS / "table.md").write_text(text + "\n")
    print(text)
    sys.exit(any(result.startswith("FAILED") for result, _ in rows))


main()
