"""The generated declarations: they are the header's, and the library is found where it should be."""
from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import program

from libcall import abi

HERE = Path(__file__).resolve().parent
HEADER = (HERE.parent.parent.parent / "include" / "call.h").read_text()


def test_declarations_are_what_the_header_says() -> None:
    done = subprocess.run([sys.executable, HERE.parent / "generate.py"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_structures_are_laid_out_as_the_header_asserts() -> None:
    compared = 0
    for name, size in re.findall(r"CALL_ASSERT_LAYOUT\(sizeof\((\w+)\) == (\d+)\)", HEADER):
        kind = getattr(abi, name, ctypes.c_uint64)  # a handle is declared as its number
        assert (name, ctypes.sizeof(kind)) == (name, int(size))
        compared += 1
    for name, field, offset in re.findall(r"CALL_ASSERT_LAYOUT\(offsetof\((\w+), (\w+)\) == (\d+)\)", HEADER):
        if hasattr(abi, name):
            assert (name, field, getattr(getattr(abi, name), field).offset) == (name, field, int(offset))
            compared += 1
    assert compared > 50


def test_codes_are_named_as_the_library_names_them() -> None:
    codes = re.findall(r"^#define (\w+)\s+\(?-?\d+\)?\s+/\* 0x([0-9A-F]{8}) \*/", HEADER, re.M)
    assert len(codes) > 20
    for name, number in codes:
        value = getattr(abi, name)
        assert (name, value & 0xFFFFFFFF) == (name, int(number, 16))
        assert abi.call_hresult_name(value).decode() == name


def test_enumerations_have_every_number() -> None:
    for prefix, group in (("FATE", abi.Fate), ("CAUSE", abi.Cause), ("APARTMENT", abi.Kind)):
        listed = {name: int(value) for name, value in re.findall(rf"^#define CALL_{prefix}_(\w+) (\d+)", HEADER, re.M)}
        assert listed == {one.name: one.value for one in group} and listed


@pytest.mark.parametrize("library, says", [
    ("/nonexistent/libcall.so", "cannot open shared object file"),
    ("libc.so.6", "is another version, without call_version"),
    ("", "does not name a library"),
])
def test_library_that_is_not_there_is_an_import_error(library: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "libcall").mkdir()
    for source in (HERE.parent / "libcall").glob("*.py"):
        (tmp_path / "libcall" / source.name).write_text(source.read_text())
    process = program("import libcall", LIBCALL_LIBRARY=library, PYTHONPATH=str(tmp_path))
    _, said = process.communicate()
    assert process.returncode == 1 and "ImportError: libcall" in said and says in said


def test_library_of_another_version_is_an_import_error(tmp_path: Path) -> None:
    source = tmp_path / "other.c"
    names = set(re.findall(r"\b(call_\w+)\s*\((?!\*)", re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S)))
    source.write_text("".join(f"unsigned {name}(void) {{ return 0x00ff0000; }}\n" for name in sorted(names)))
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", source, "-o", tmp_path / "other.so"], check=True)
    process = program("import libcall", LIBCALL_LIBRARY=str(tmp_path / "other.so"))
    _, said = process.communicate()
    assert process.returncode == 1 and "is version 0xff0000, these declarations are of" in said
