#!/usr/bin/env python3
"""Was every rule of the model shown by the tests that just ran, and does docs/conformance.md say so?

The page is made of what the tests printed. `--write` writes it.
"""
import re
import sys

from results import rust, suite
from rules import ROOT, rules

PAGE = ROOT / "docs" / "conformance.md"
HEAD = """# Conformance

Every rule of the model, and the tests that showed it. This page is written by `make conformance` from what the tests
printed as they ran, and `make test` compares it with its own run; what a rule says, and who has to show it, stands in
[rules.tsv](rules.tsv).

A column is a distance between client and object, and the last one the COM-shaped face ([com.md](com.md)): a mark says
that a check of the rule ran there and passed. A program that says no distance shows a rule, but marks nothing.
"""
EXCEPTIONS = """What the suite shows at one of its distances it shows at each, but for these:
"""


def shown(rule, checks):
    """The last cell of a rule's row."""
    if rule.scope == "face":
        return "no counterpart here"
    if rule.scope == "later":
        return f"not yet: needs {rule.needs}"
    return ", ".join(f"`{test}`" for test in sorted({check.test for check in checks}))


def table(head, rows):
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]) + "\n"


def page(known, carried, places, without):
    at = {rule: {check.place for check in checks} for rule, checks in carried.items()}
    scopes = [("shown by the C suite", "c"), ("shown by a Rust test", "rust"),
              ("shown by the COM face", "com"), ("without a counterpart here", "face"), ("not yet", "later")]
    counts = [[what, str(sum(rule.scope == scope for rule in known.values()))] for what, scope in scopes]
    counts += [[f"shown at distance *{place}*", str(sum(place in found for found in at.values()))] for place in places]
    rows = [[rule.id, rule.says, *("x" if place in at[rule.id] else "" for place in places),
             shown(rule, carried[rule.id])] for rule in known.values()]
    return "\n".join([HEAD, table(["of all rules", str(len(known))], counts),
                      table(["rule", "what it says", *places, "shown by"], rows), EXCEPTIONS,
                      table(["what", "not at", "because"], exceptions(known, places, without))])


def exceptions(known, places, without):
    """A row for each rule and reason, in the order of the page."""
    rows = [(rule, why) for rule in known for why in sorted({why for (of, _), why in without.items() if of == rule})]
    return [[rule, ", ".join(place for place in places if without.get((rule, place)) == why), why] for rule, why in rows]


def gaps(checks, places, without):
    """A rule that the suite shows at one of its distances is shown at each, or cannot be."""
    at = {place: {rule for check in checks if check.place == place for rule in check.rules} for place in places}
    somewhere = set().union(*at.values())
    return [f"{rule}: not shown at distance '{place}', and no test says that it cannot be" for place in places
            for rule in sorted(somewhere - at[place]) if (rule, place) not in without] + [
            f"{rule}: is shown at distance '{place}', and said to be impossible" for rule, place in sorted(without)
            if rule in at.get(place, ())]


def marks(text):
    """What a page says was shown: a rule at a distance, or by a test."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    head = next((row for row in rows if row[0] == "rule"), [])
    return {(row[0], what) for row in rows if len(row) == len(head) and row != head
            for what in [*(place for place, cell in zip(head, row) if cell == "x"), *re.findall("`([^`]+)`", row[-1])]}


def main():
    faults, known = [], rules()
    in_c, places, without = suite("ctests", faults)
    in_com, columns, _ = suite("bindings/com", faults)
    in_rust = rust(faults)
    carried = {rule: [check for check in in_c + in_com + in_rust if rule in check.rules] for rule in known}
    faults += sorted({f"{check.test}: there is no rule {rule}"
                      for check in in_c + in_com + in_rust for rule in check.rules if rule not in known})
    seen = {scope: {rule for check in checks for rule in check.rules}
            for scope, checks in (("c", in_c), ("com", in_com), ("rust", in_rust))}
    who = {"c": "check of the C suite", "com": "check of the COM face", "rust": "Rust test"}
    faults += [f"{rule.id}: no {who[rule.scope]} showed it"
               for rule in known.values() if rule.id not in seen.get(rule.scope, {rule.id})]
    faults += [f"{rule.id}: {carried[rule.id][0].test} shows it, but docs/rules.tsv says {rule.scope}"
               for rule in known.values() if rule.scope in ("face", "later") and carried[rule.id]]
    faults += gaps(in_c, places, without)
    places += columns
    text = page(known, carried, places, without)
    before = PAGE.read_text() if PAGE.exists() else ""
    faults += [f"{rule}: {what} shows it no longer; if that is meant, remove docs/conformance.md first"
               for rule, what in sorted(marks(before) - marks(text))]
    if not faults and "--write" in sys.argv[1:]:
        PAGE.write_text(text)
    elif not faults and before != text:
        faults = ["docs/conformance.md is not what this run showed; `make conformance` writes it"]
    print("\n".join(faults) or f"conformance: {len(known)} rules, in {len(places)} columns")
    sys.exit(bool(faults) or not in_c or not in_com)


main()
