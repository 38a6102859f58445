#!/usr/bin/env python3
"""Do the modules of src/ import only from their own or a lower layer of docs/ARCHITECTURE.md?"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
NAME = re.compile(r"`(\w+)`")


def table(first_cell):
    """The cells of the rows below the head whose first cell is that one."""
    body = PAGE.split(f"\n| {first_cell} |", 1)[1].split("\n\n")[0].splitlines()[2:]
    return [row.split("|")[1:-1] for row in body]


def imported(text, above):
    """The crate's modules that a file names: after crate::, and after as many super:: as lead there."""
    text = re.sub(r"//[^\n]*", "", text)
    for path in re.finditer(rf"\b(?:crate|{above})::(\w+|\{{)", text):
        if path[1] != "{":
            yield path[1]
            continue
        depth, part = 1, ""
        for letter in text[path.end():]:
            depth += (letter == "{") - (letter == "}")
            if depth == 0:
                break
            part += letter if depth == 1 else " "
        yield from (piece.split("::")[0].strip() for piece in part.split(",") if piece.strip())


def main():
    layer = {module: int(row[0].split()[0]) for row in table("layer") for module in NAME.findall(row[1])}
    reserved = {NAME.search(row[0])[1]: NAME.findall(row[1]) for row in table("module")}
    declared = set(re.findall(r"^(?:pub )?mod (\w+);", (ROOT / "src" / "lib.rs").read_text(), re.M))
    faults = [f"{module}: in src/lib.rs or in the table, but not in both" for module in declared ^ set(layer)]
    seen = 0
    for file in sorted((ROOT / "src").rglob("*.rs")):
        inside = file.relative_to(ROOT / "src")
        module = inside.parts[0].removesuffix(".rs")
        if module not in layer:
            continue
        depth = len(inside.parts) - (inside.name == "mod.rs")
        for other in imported(file.read_text(), "::".join(["super"] * depth)):
            if other not in layer or other == module:
                continue
            seen += 1
            if layer[other] > layer[module]:
                faults.append(f"src/{inside}: layer {layer[module]} imports {other} of layer {layer[other]}")
            elif other in reserved and module not in reserved[other]:
                faults.append(f"src/{inside}: {other} is imported by {reserved[other] or 'nobody'} alone")
    print("\n".join(faults) or f"layers: {len(layer)} modules, {seen} imports, all towards layer 0")
    sys.exit(bool(faults) or seen == 0)


main()
