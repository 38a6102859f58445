#!/usr/bin/env python3
"""Is every rule id that the project cites in docs/rules.tsv, and every rule for the C suite shown there?"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RULES = ROOT / "docs" / "rules.tsv"
CITING = ["src/**/*.rs", "include/*.h", "ctests/*.[ch]", "ctests/*.cpp", "examples/*.c", "docs/*.md", "*.md"]
SCOPES = {"c", "rust", "face", "later"}


def rules():
    rows = [line.split("\t") for line in RULES.read_text().splitlines() if not line.startswith("#")]
    scope = {row[0]: row[2] for row in rows if len(row) == 3 and row[1] and row[2] in SCOPES}
    if len(scope) != len(rows):
        sys.exit(f"rule_ids: {len(rows) - len(scope)} rows of docs/rules.tsv are doubled or malformed")
    return scope


def shown(text):
    """What stands in the strings of a C test: the names of its checks."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return " ".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', text))


def main():
    scope = rules()
    cited = re.compile(r"\b(?:" + "|".join(sorted({rule.split("-")[0] for rule in scope})) + r")-\d+\b")
    faults = []
    for pattern in CITING:
        for file in sorted(ROOT.glob(pattern)):
            for number, line in enumerate(file.read_text().splitlines(), 1):
                faults += [f"{file.relative_to(ROOT)}:{number}: there is no rule {rule}"
                           for rule in cited.findall(line) if rule not in scope]
    in_tests = {rule for file in (ROOT / "ctests").glob("*.c") for rule in cited.findall(shown(file.read_text()))}
    wanted = {rule for rule, who in scope.items() if who == "c"}
    in_source = " ".join(file.read_text() for file in (ROOT / "src").glob("**/*_test.rs"))
    faults += [f"{rule}: no Rust test carries its id" for rule, who in scope.items()
               if who == "rust" and rule.lower().replace("-", "_") not in in_source]
    faults += [f"{rule}: the C suite shows it now; write c in docs/rules.tsv"
               for rule in sorted(in_tests) if scope.get(rule) == "later"]
    faults += [f"{rule}: no check of the C suite carries its id" for rule in sorted(wanted - in_tests)]
    print("\n".join(faults) or f"rule_ids: {len(scope)} rules, {len(wanted)} of them shown by the C suite")
    sys.exit(bool(faults) or not wanted)


main()
