#!/usr/bin/env python3
"""Is libcall/abi.py what include/call.h makes of it? With --write, makes it so."""
import difflib
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
HEADER = HERE.parent.parent / "include" / "call.h"
CHECKED_IN = HERE / "libcall" / "abi.py"

# A C type and what ctypes knows it as. Handles are declared as their number, which passes alike.
NUMBERS = {"int32_t": "c_int32", "uint32_t": "c_uint32", "uint64_t": "c_uint64", "size_t": "c_size_t",
           "int": "c_int", "call_hresult_t": "c_int32", "call_fate_t": "c_int32"}
# The numbers that are one thing under several names become an enumeration.
GROUPS = {"CALL_FATE_": "Fate", "CALL_CAUSE_": "Cause", "CALL_APARTMENT_": "Kind", "CALL_STATE_": "State",
          "CALL_TRACE_": "Step"}

TOP = '''"""The declarations of call.h, for ctypes: functions, structures, codes. Made by generate.py; do not edit.

Handles are plain integers here. A function that the header says never blocks keeps the interpreter's
lock, since giving it up costs more than the call; every other one lets go of it.
"""
import enum
import os
import pathlib
from collections.abc import Callable, Sequence
from ctypes import (CDLL, CFUNCTYPE, PyDLL, Structure, c_char, c_char_p, c_int, c_int32, c_size_t, c_uint32,
                    c_uint64, c_void_p)
from typing import Any, Final, cast


def _find() -> str:
    """The library that LIBCALL_LIBRARY names, or else the one inside the package."""
    named = os.environ.get("LIBCALL_LIBRARY")
    inside = pathlib.Path(__file__).with_name("libcall.so")
    if not named and not inside.exists():
        raise ImportError(f"libcall: there is no {inside}, and LIBCALL_LIBRARY does not name a library")
    return named or str(inside)


LIBRARY: Final = _find()
try:
    _RELEASING, _KEEPING = CDLL(LIBRARY), PyDLL(LIBRARY)
except OSError as error:
    raise ImportError(f"libcall: {error}") from error


def _function(library: CDLL, name: str, result: Any, parameters: Sequence[Any]) -> Callable[..., Any]:
    try:
        function = library[name]
    except AttributeError as error:
        raise ImportError(f"libcall: {LIBRARY} is another version, without {name}") from error
    function.restype, function.argtypes = result, parameters
    return cast("Callable[..., Any]", function)


def keeping(function: Any) -> Callable[..., Any]:
    """The same function without letting go of the interpreter's lock, where the caller knows that it will not block."""
    return _function(_KEEPING, function.__name__, function.restype, function.argtypes)

'''


BOTTOM = '''
if call_version() >> 8 != CALL_VERSION >> 8:
    raise ImportError(f"libcall: {LIBRARY} is version {call_version():#x}, these declarations are of {CALL_VERSION:#x}")
'''


def without_comments(text):
    return re.sub(r"//[^\n]*", "", re.sub(r"/\*.*?\*/", "", text, flags=re.S))


def structures(code):
    """Each `typedef struct` as its name and its fields, as pairs of C type and name."""
    for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\} \1;", code, re.S):
        yield name, [tuple(re.fullmatch(r"(.+?)\s*\b(\w+(?:\[\d+\])?)", " ".join(field.split())).groups())
                     for field in body.split(";") if field.strip()]


def parameters(text):
    """The C types of a list of parameters."""
    text = " ".join(text.split())
    if text == "void":
        return []
    return [re.sub(r"\s*\w+$", "", one.strip()) for one in text.split(",")]


class Types:
    """What the header's types are to ctypes."""

    def __init__(self, code):
        found = re.findall(r"typedef (\w+) \(\*(\w+)\)\(([^;]*?)\);", code, re.S)
        self.callbacks = {name: [result, *parameters(listed)] for result, name, listed in found}
        self.structures = dict(structures(code))
        self.handles = {name for name, fields in self.structures.items() if fields == [("uint64_t", "id")]}

    def of(self, c):
        c = c.removeprefix("const ").removeprefix("struct ").strip()
        if c == "void":
            return "None"
        if c in NUMBERS:
            return NUMBERS[c]
        if c in self.handles:
            return "c_uint64"
        if c == "char *":
            return "c_char_p"
        if c.endswith("*"):
            return "c_void_p"
        if c in self.callbacks or c in self.structures:
            return c
        sys.exit(f"generate: no type of ctypes is known for '{c}'")


def constants(text):
    """The macros that are numbers, and the enumerations made of their groups."""
    numbers = {}
    for name, value in re.findall(r"^#define (\w+)[ \t]+(\(?-?\w+\)?)", text, re.M):
        value = value.strip("()")
        plain = re.fullmatch(r"(-?(?:0x[0-9A-Fa-f]+|\d+))[uU]?", value)
        if plain:
            numbers[name] = plain[1]
        elif value in numbers:
            numbers[name] = value
    plain = [name for name in numbers if not any(name.startswith(prefix) for prefix in GROUPS)]
    yield from (f"{name}: Final = {numbers[name]}" for name in plain)
    for prefix, group in GROUPS.items():
        yield f"\n\nclass {group}(enum.IntEnum):"
        yield f'    """The {prefix}* of the header."""\n'
        yield from (f"    {name.removeprefix(prefix)} = {number}" for name, number in numbers.items()
                    if name.startswith(prefix))


def declared_structures(types):
    for name, fields in types.structures.items():
        if name in types.handles:
            continue
        yield f"\n\nclass {name}(Structure):"
        yield "    _fields_ = ("
        for c, field in fields:
            length = re.fullmatch(r"(\w+)\[(\d+)\]", field)
            kind = f"{types.of(c)}" if not length else f"c_char * {length[2]}"
            yield f'        ("{length[1] if length else field}", {kind}),'
        yield "    )"


def declared_functions(text, types):
    pattern = r"/\*\*(?P<comment>(?:(?!\*/).)*)\*/\s*(?:CALL_MUST_USE\s+)?(?P<result>[\w ]+?[ *]+?)(?P<name>call_\w+)\((?P<list>[^()]*)\);"
    for found in re.finditer(pattern, text, re.S):
        blocks = re.search(r"Blocks: ([^.;]*)", " ".join(found["comment"].replace("*", " ").split()))
        if not blocks:
            sys.exit(f"generate: the comment of {found['name']} does not say whether it blocks")
        library = "_KEEPING" if blocks[1] == "no" else "_RELEASING"
        types_in = ", ".join(types.of(c) for c in parameters(found["list"]))
        yield f'{found["name"]} = _function({library}, "{found["name"]}", {types.of(found["result"].strip())}, [{types_in}])'


def generated():
    text = HEADER.read_text()
    code = without_comments(re.sub(r"^[ \t]*#(?:.*\\\n)*.*", "", text, flags=re.M))
    types = Types(code)
    functions = list(declared_functions(text, types))
    every = set(re.findall(r"\b(call_\w+)\s*\((?!\*)", code))
    if len(functions) != len(every):
        sys.exit(f"generate: {len(every)} functions are declared, {len(functions)} were understood")
    callbacks = [f"{name} = CFUNCTYPE({', '.join(types.of(c) for c in listed)})" for name, listed in types.callbacks.items()]
    parts = [TOP, *constants(text), "", "", *callbacks, *declared_structures(types), "", "", *functions, BOTTOM]
    return "\n".join(parts)


def main():
    new = generated()
    old = CHECKED_IN.read_text() if CHECKED_IN.exists() else ""
    if sys.argv[1:] == ["--write"]:
        CHECKED_IN.write_text(new)
    elif new != old:
        sys.stderr.writelines(list(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "abi.py", "call.h"))[:40])
        sys.exit("generate: abi.py is not what call.h makes of it; run `make -C bindings/python abi`")


main()
