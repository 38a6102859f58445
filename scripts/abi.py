"""The binary interface: what call.h and a C compiler say that it is, and what abi/record.tsv keeps of it.

A row of the record is a kind, a name, the version of the library that first had it so, and what it is.
"""
import os
import pathlib
import re
import shlex
import subprocess
import tempfile

import header

ROOT = header.ROOT
NUMBER = ROOT / "abi" / "number"
RECORD = ROOT / "abi" / "record.tsv"
HEAD = """# The binary interface of libcall, as `make abi` wrote it; `make test` compares it with the header and the library.
# kind, name, the version that first had it so, and what it is: a function's types, a struct's size and alignment,
# a field's offset, size and type, a constant's value; glibc: the oldest with which the library works.
"""


def number():
    return NUMBER.read_text().strip()


def version():
    return re.search(r'^version = "(\d+\.\d+\.\d+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]


def file_number():
    """What stands behind libcall.so. in the name of the file: the ABI number, then minor and patch of the version."""
    return ".".join([number(), *version().split(".")[1:]])


def signature(result, parameters):
    return f"{result} ({', '.join(parameter.type for parameter in parameters) or 'void'})"


def typedef(declaration):
    """Without names: those of parameters are nobody's business but the reader's."""
    function = re.fullmatch(r"typedef (.*?)\(\*\w+\)\((.*)\);", declaration)
    if not function:
        return re.fullmatch(r"typedef (.*?)\s*\w+;", declaration)[1]
    return signature(function[1].strip(), [header.parameter(part) for part in function[2].split(",")])


def asked():
    """What only a compiler knows: kind, name, expressions of C, and what is said besides."""
    for struct in header.structs():
        aligned = f"offsetof(struct {{ char before; {struct.name} it; }}, it)"
        yield "struct", struct.name, [f"sizeof({struct.name})", aligned], ""
        for field in struct.fields:
            of = f"(({struct.name} *)0)->{field.name}"
            yield ("field", f"{struct.name}.{field.name}", [f"offsetof({struct.name}, {field.name})", f"sizeof({of})"],
                   " " + re.sub(rf"\s*\b{field.name}\b", "", field.declaration))
    for constant in header.constants():
        if not re.match("CALL_VERSION|CALL_ABI$", constant.name):
            yield "constant", constant.name, [constant.name], ""


def answered():
    rows = list(asked())
    prints = "".join(f'    printf("{"%lld " * len(what)}\\n", {", ".join(f"(long long)({one})" for one in what)});\n'
                     for _, _, what, _ in rows)
    with tempfile.TemporaryDirectory() as folder:
        source, program = pathlib.Path(folder, "abi.c"), pathlib.Path(folder, "abi")
        source.write_text(f"#include <call.h>\n#include <stdio.h>\nint main(void)\n{{\n{prints}    return 0;\n}}\n")
        subprocess.run([*shlex.split(os.environ.get("CC", "cc")), f"-I{header.HEADER.parent}", source, "-o", program],
                       check=True)
        answers = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return {(kind, name): answer.strip() + besides for (kind, name, _, besides), answer in zip(rows, answers, strict=True)}


def oldest_glibc(*libraries):
    """The newest version of a symbol of glibc that any of these asks for."""
    text = subprocess.run(["objdump", "-T", *map(str, libraries)], stdout=subprocess.PIPE, text=True, check=True).stdout
    return max(re.findall(r"GLIBC_([\d.]+)", text), key=lambda found: [int(part) for part in found.split(".")])


def current():
    rows = {("function", f.name): signature(f.result, f.parameters) for f in header.functions()}
    rows |= {("type", t.name): typedef(t.declaration) for t in header.typedefs()}
    return rows | answered()


def record():
    """The recorded number, glibc, and rows: kind and name, to version and what it is."""
    lines = [line.split("\t") for line in RECORD.read_text().splitlines() if line and not line.startswith("#")]
    rows = {(kind, name): (since, what) for kind, name, since, what in lines}
    if len(rows) != len(lines):
        raise SystemExit("abi/record.tsv: a row is there twice")
    return rows.pop(("abi", "number"))[1], rows.pop(("glibc", "oldest"))[1], rows


def write(glibc, rows):
    head = [("abi", "number", version(), number()), ("glibc", "oldest", version(), glibc)]
    body = [(kind, name, since, what) for (kind, name), (since, what) in rows.items()]
    RECORD.write_text(HEAD + "".join("\t".join(row) + "\n" for row in head + body))


if __name__ == "__main__":
    print(file_number())
