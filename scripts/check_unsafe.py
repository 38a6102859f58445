#!/usr/bin/env python3
"""Does every unsafe block and impl of src/ say its promise, and every unsafe fn and trait what it asks for?

A promise is a `// SAFETY:` comment directly above, of four lines at most. What is asked for is a `# Safety`
section. docs/UNSAFE.md lists exactly the files that have any of these, each with the check that holds it, which must be
there. Files of tests (*_test.rs) are left to clippy.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROMISE = re.compile(r"\bunsafe\s*(\{|impl\b)")
DEMAND = re.compile(r"\bunsafe\s+(?:extern\s+\"[^\"]*\"\s+)?(?:fn\s+\w|trait\b)")
LONGEST = 4


def above(lines, at):
    """The comment directly above a line, attributes passed over, the first line first."""
    found = []
    for line in reversed([line.strip() for line in lines[:at]]):
        if line.startswith("//"):
            found.insert(0, line)
        elif not re.match(r"#!?\[", line):
            break
    return found


def fault(lines, at, code):
    comment = above(lines, at)
    if DEMAND.search(code) and "/// # Safety" not in comment:
        return "no `# Safety` section"
    if PROMISE.search(code):
        starts = [n for n, line in enumerate(comment) if re.match(r"// SAFETY: [`\w]", line)]
        if not starts:
            return "no `// SAFETY:` comment directly above"
        if len(comment) - starts[-1] > LONGEST:
            return f"a promise of more than {LONGEST} lines: simplify the design"
    return None


def held():
    """Rows of the page's table: the file, and the checks that hold its promise."""
    table = (ROOT / "docs" / "UNSAFE.md").read_text().split("\n| file |", 1)[1].split("\n\n")[0]
    for row in table.splitlines()[2:]:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        yield cells[0].strip("`"), re.findall(r"`([^`]+)`|(?:nothing|its tests)", cells[3]) if len(cells) == 4 else []


def main():
    faults, users = [], set()
    for file in sorted(file for file in (ROOT / "src").rglob("*.rs") if not file.name.endswith("_test.rs")):
        lines = file.read_text().splitlines()
        name = f"src/{file.relative_to(ROOT / 'src')}"
        for at, line in enumerate(lines):
            code = line.split("//")[0]
            if PROMISE.search(code) or DEMAND.search(code):
                users.add(name)
                wrong = fault(lines, at, code)
                faults += [f"{name}:{at + 1}: {wrong}"] if wrong else []
    listed = dict(held())
    faults += [f"docs/UNSAFE.md: {name}: no check that is there holds it" for name, checks in listed.items()
               if not checks or not all((ROOT / check).is_file() for check in checks if "/" in check)]
    faults += [f"{name}: in the table of docs/UNSAFE.md or unsafe, but not both" for name in sorted(users ^ set(listed))]
    print("\n".join(faults) or f"unsafe: every promise is there, in {len(users)} files")
    sys.exit(bool(faults) or not users)


main()
