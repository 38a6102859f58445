#!/usr/bin/env python3
"""Prints the linker's version script: a node for each version that brought functions, and nothing else exported."""
import itertools

import abi


def main():
    rows = abi.record()[2]
    functions = sorted(([int(part) for part in since.split(".")], since, name)
                       for (kind, name), (since, _) in rows.items() if kind == "function")
    before = ""
    for since, group in itertools.groupby(functions, key=lambda row: row[1]):
        names = "".join(f"    {name};\n" for _, _, name in group)
        hidden = "" if before else "local:\n    *;\n"
        print(f"LIBCALL_{since} {{\nglobal:\n{names}{hidden}}}{before};\n")
        before = f" LIBCALL_{since}"


main()
