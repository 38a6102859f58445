#!/usr/bin/env python3
"""Is every rule id that the project cites in docs/rules.tsv? Whether the tests show each is check_conformance.py's."""
import re
import sys

from rules import ROOT, rules

CITING = ["src/**/*.rs", "include/*.h", "ctests/*.[ch]", "ctests/*.cpp", "examples/*.c", "docs/*.md", "*.md",
          "bindings/com/**/*.[ch]pp", "bindings/com/**/*.h"]


def main():
    known = rules()
    cited = re.compile(r"\b(?:" + "|".join(sorted({rule.split("-")[0] for rule in known})) + r")-\d+\b")
    faults, seen = [], 0
    for pattern in CITING:
        for file in sorted(ROOT.glob(pattern)):
            for number, line in enumerate(file.read_text().splitlines(), 1):
                found = cited.findall(line)
                seen += len(found)
                faults += [f"{file.relative_to(ROOT)}:{number}: there is no rule {rule}"
                           for rule in found if rule not in known]
    print("\n".join(faults) or f"rule_ids: {seen} citations of {len(known)} rules")
    sys.exit(bool(faults) or not seen)


main()
