#!/usr/bin/env python3
"""Does each thing of the outer world come in by its door alone, as docs/ARCHITECTURE.md says?"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "ARCHITECTURE.md").read_text()


def doors():
    """Rows of the table: what is looked for, and the paths below src/ where it may stand."""
    body = PAGE.split("\n| behind the door |", 1)[1].split("\n\n")[0].splitlines()[2:]
    for row in body:
        what, where = row.split("|")[1:3]
        yield re.findall(r"`([^`]+)`", what), re.findall(r"`([^`]+)`", where)


def shipped():
    """Each file without its comments and without its tests, the lines in their places."""
    texts = {file.relative_to(ROOT / "src"): file.read_text() for file in sorted((ROOT / "src").rglob("*.rs"))}
    for_tests = {path.parent / f"{module}.rs" for path, text in texts.items()
                 for module in re.findall(r"^#\[cfg\(test\)\]\nmod (\w+);", text, re.M)}
    for path, text in texts.items():
        if path not in for_tests:
            text = re.split(r"^#\[cfg\(test\)\]\nmod \w+ \{", text, maxsplit=1, flags=re.M)[0]
            yield str(path), [re.sub(r"//.*", "", line) for line in text.splitlines()]


def main():
    files = dict(shipped())
    faults, seen = [], 0
    for words, places in doors():
        for word in words:
            found = [(path, number) for path, lines in files.items()
                     for number, line in enumerate(lines, 1) if re.search(rf"\b{re.escape(word)}", line)]
            seen += len(found)
            outside = [hit for hit in found if not any(hit[0].startswith(place) for place in places)]
            owner = ", ".join(places) or "nothing"
            faults += [f"src/{path}:{number}: {word} belongs to {owner}" for path, number in outside]
            faults += [f"{word}: src/{place} does not use it; the table does not say what is"
                       for place in places if not any(path.startswith(place) for path, _ in found)]
    print("\n".join(faults) or f"doors: {seen} uses, each behind its door")
    sys.exit(bool(faults) or seen == 0)


main()
