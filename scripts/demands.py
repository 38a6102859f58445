#!/usr/bin/env python3
"""Is every demand of docs/demands.tsv shown by the tests that it names? Runs them, where what they said is older
than the library, and writes docs/demands.md."""
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIBRARY, PROGRAMS, EXAMPLES = (ROOT / "target" / name for name in ("release/libcall.so", "ctests", "examples"))
TABLE, PAGE, KEPT = ROOT / "docs" / "demands.tsv", ROOT / "docs" / "demands.md", PROGRAMS / "tap"
LIMIT = 900  # seconds: only a test that hangs takes so long
HEAD = """# Demands

What users of asynchronous calls and of cancellation ask for, and the tests that show it here. `make demands` runs
them and writes this page from `docs/demands.tsv`.

| | demand | proof | shown by | result |
| --- | --- | --- | --- | --- |
"""


def command(test):
    """What runs a test, and the files that it is made of; None: there is no such test."""
    if test == "rust":
        cargo = [*shlex.split(os.environ.get("CARGO", "cargo")), "test", "--locked", "--target-dir", str(ROOT / "target")]
        return cargo, list((ROOT / "src").glob("**/*.rs"))
    if "/" in test:
        runner = [sys.executable] if test.endswith(".py") else ["sh"]
        more = [str(EXAMPLES)] if test.startswith("examples/") else []
        files = [ROOT / test, *(ROOT / "examples").glob("*.c")]
        return ([*runner, str(ROOT / test), *more], files) if (ROOT / test).exists() else None
    program = PROGRAMS / test
    source = ROOT / "ctests" / f"{test}.c"
    return ([str(program)], [program]) if source.exists() and program.exists() else None


def said(test, seen={}):
    """The exit code and the lines of a test: those of the last `make test`, unless the library or the test is newer."""
    if test not in seen:
        found = command(test)
        if found is None:
            return None, []
        kept = KEPT / (pathlib.Path(test).stem + ".tap")
        newest = max(path.stat().st_mtime for path in [LIBRARY, *found[1]])
        if not kept.exists() or kept.stat().st_mtime <= newest:
            print(f"demands: runs {test}", flush=True)
            paths = {"LD_LIBRARY_PATH": LIBRARY.parent, "LIBDIR": LIBRARY.parent, "INCDIR": ROOT / "include", "OUT": PROGRAMS}
            try:
                done = subprocess.run(found[0], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                      timeout=LIMIT, env={**os.environ, **{name: str(path) for name, path in paths.items()}})
                text = f"{done.stdout}# ended with {done.returncode}\n"
            except subprocess.TimeoutExpired:
                text = f"not ok 1 - did not end within {LIMIT} s\n# ended with 124\n"
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(text)
        *lines, last = kept.read_text().splitlines() or [""]
        ended = re.match(r"# ended with (\d+)$", last)
        seen[test] = int(ended[1]) if ended else 255, lines
    return seen[test]


def fault(name):
    """Why a named test shows nothing, or None."""
    test, _, part = name.partition(":")
    code, lines = said(test)
    if code is None:
        return f"there is no test {test}"
    verdict = r"^test (?P<name>.*) \.\.\. (?P<good>ok|FAILED|ignored)" if test == "rust" else r"^(?P<good>ok|not ok) \d+ - (?P<name>.*)"
    checks = [match for match in map(re.compile(verdict).match, lines) if match and part in match["name"]]
    ran = [match for match in checks if match["good"] != "ignored" and "# SKIP" not in match["name"]]
    if any(match["good"] in ("not ok", "FAILED") for match in ran):
        return f"{name} failed"
    if part and not ran:
        return f"{name} was skipped" if checks else f"{name} did not run"
    if not part and (code != 0 or (checks and not ran)):
        return f"{test} failed: exit code {code}" if code else f"{test} was skipped"
    return None


def main():
    rows = [line.split("\t") for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    if [row[0] for row in rows] != [str(number + 1) for number in range(len(rows))] or any(len(row) != 6 for row in rows):
        sys.exit("demands: docs/demands.tsv is malformed")
    page, faults = HEAD, []
    for number, title, demand, proof, tests, later in rows:
        names = [name for name in tests.split(" ; ") if name]
        wrong = [f"demand {number}: {why}" for why in map(fault, names) if why]
        faults += wrong
        result = "**fails**" if wrong else "shown" if names else "not yet"
        result += f"; not yet: {later}" if later and names else f": {later}" if later else ""
        shown = "<br>".join(f"`{name}`".replace("|", "\\|") for name in names)
        page += f"| {number} | **{title}.** {demand} | {proof} | {shown} | {result} |\n"
    PAGE.write_text(page)
    print("\n".join(faults) or f"demands: {len(rows)}, {sum(bool(row[4]) for row in rows)} of them shown")
    sys.exit(bool(faults))


main()
