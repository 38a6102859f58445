"""The rules of the model, as docs/rules.tsv has them."""
import pathlib
import re
import sys
from collections import namedtuple

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCOPES = {"c", "rust", "com", "face", "later"}
ID = re.compile(r"\b[A-Z]{2}-\d+\b")

Rule = namedtuple("Rule", "id says scope needs", defaults=[""])


def well_formed(row):
    """Only a rule that is not there yet says what it needs."""
    return len(row) in (3, 4) and all(row) and ID.fullmatch(row[0]) and row[2] in SCOPES and (row[2] == "later") == (
        len(row) == 4)


def rules():
    """Each rule by its id, in their order: a family is numbered from 1, and none is left out."""
    rows = [line.split("\t") for line in (ROOT / "docs" / "rules.tsv").read_text().splitlines()
            if not line.startswith("#")]
    found, last = {}, {}
    for row in rows:
        if not well_formed(row):
            sys.exit(f"docs/rules.tsv: malformed: {row}")
        family, number = row[0].split("-")
        if int(number) != last.get(family, 0) + 1:
            sys.exit(f"docs/rules.tsv: {row[0]} is doubled or out of order, or one before it is missing")
        last[family] = int(number)
        found[row[0]] = Rule(*row)
    return found
