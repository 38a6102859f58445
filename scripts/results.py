"""What the tests of the last run printed: each program of the C suite and of the COM face, and cargo's tests.

A log ends with the line `# ended with STATUS`, and must be newer than the library and its program: else it tells of
another one.
"""
import os
import re
import subprocess
from collections import namedtuple

from rules import ID, ROOT

TARGET = ROOT / "target"
# Where the programs of a folder with tests are; what each printed is below that, in tap.
BUILT = {"ctests": TARGET / "ctests", "bindings/com": TARGET / "com" / "own"}
CHECK = re.compile(r"(not )?ok (\d+) - (.*?)(?: # (SKIP|TODO)\b.*)?")
PLACE = re.compile(r"\[([^],]+)(?:, [^]]*)?\] ")
COUNT = re.compile(r"# (.+): (\d+) checks")
CANNOT = re.compile(r"# (.+): cannot be: ([^:]+): (.+)")
RUST = re.compile(r"test (\S+)(?: - should panic)? \.\.\. (\w+).*")
RUST_IDS = re.compile(r"(?:[a-z]{2}_\d+_)+")

# A check that passed: the program, the rules that it carries, and the distance that it says, if any.
Passed = namedtuple("Passed", "test rules place")


def lines_of(log, program, faults):
    """The lines of a log that can be believed."""
    if not log.exists():
        faults.append(f"{log.stem}: has no result; run all tests first")
        return []
    built = max(file.stat().st_mtime for file in (program, TARGET / "release" / "libcall.so") if file.exists())
    if log.stat().st_mtime < built:
        faults.append(f"{log.stem}: its result is older than what was built")
    lines = log.read_text(errors="replace").splitlines()
    if not lines or lines.pop() != "# ended with 0":
        faults.append(f"{log.stem}: did not end well")
    return lines


def tap(built, name, faults):
    """The checks of one program, how often it says that it checked at each distance, and what cannot be at one."""
    lines = lines_of(built / "tap" / f"{name}.tap", built / name, faults)
    checks = [found for found in map(CHECK.fullmatch, lines) if found]
    plans = [line for line in lines if re.fullmatch(r"1\.\.\d+", line)]
    if [int(check[2]) for check in checks] != list(range(1, len(checks) + 1)) or plans != [f"1..{len(checks)}"]:
        faults.append(f"{name}: made {len(checks)} checks, planned {' and '.join(plans) or 'none'}")
    faults += [f"{name}: failed: {check[3]}" for check in checks if check[1]]
    faults += [f"{name}: did not run: {check[3]}" for check in checks if check[4] and ID.search(check[3])]
    passed = []
    for check in checks:
        if not check[1] and not check[4]:
            place = PLACE.match(check[3])
            passed.append(Passed(name, ID.findall(check[3]), place and place[1]))
    return passed, {found[1]: int(found[2]) for found in map(COUNT.fullmatch, lines) if found}, {
        (rule, found[1]): found[3] for found in map(CANNOT.fullmatch, lines) if found for rule in ID.findall(found[2])}


def suite(folder, faults):
    """All checks of a folder's programs that passed, the distances, in their order, and what cannot be at one, and why."""
    listed = subprocess.run([os.environ.get("MAKE", "make"), "-s", "--no-print-directory", "-C", folder, "list"],
                            cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    passed, places, without = [], {}, {}
    for name in (os.path.basename(program).removesuffix(".sh") for program in listed):
        found, counted, cannot = tap(BUILT[folder], name, faults)
        for place, count in counted.items():
            printed = sum(check.place == place for check in found)
            if printed != count:
                faults.append(f"{name}: says {count} checks at distance '{place}', {printed} passed")
        passed += found
        places |= counted
        without |= cannot
    faults += [f"{name}: there is no distance '{place}'" for name, place in
               sorted({(check.test, check.place) for check in passed if check.place not in places | {None: 0}})]
    return passed, list(places), without


def rust(faults):
    """The Rust tests that carry rules in their names, and passed."""
    passed = []
    for found in filter(None, map(RUST.fullmatch, lines_of(TARGET / "rust.log", TARGET / "rust.log", faults))):
        carried = RUST_IDS.match(found[1].split("::")[-1])
        if carried:
            ids = [f"{family.upper()}-{number}" for family, number in re.findall(r"([a-z]{2})_(\d+)_", carried[0])]
            passed.append(Passed(found[1], ids, None))
            faults += [] if found[2] == "ok" else [f"{found[1]}: did not run, or failed"]
    return passed
