#!/usr/bin/env python3
"""Is the binary interface what abi/record.tsv keeps of it, does the header assert its layout, and does the library work
with the glibc that the record says?

--write records what is new. What breaks programs that were built before (a function, type or constant gone or
changed) it records only with another number in abi/number, and so another soname. A record that was removed first it
makes anew: for a version that nobody has yet.
"""
import re
import sys

import abi
import header

LIBRARIES = [abi.ROOT / "target" / "release" / "libcall.so",
             *(abi.ROOT / "target" / "package").glob(f"libcall.so.{abi.file_number()}")]
CARGO_C = re.compile(r"^\[package\.metadata\.capi\.library\]\n[^[]*", re.M)
HOST = abi.ROOT / "src" / "bin" / "call-host.rs"
PAGE = abi.ROOT / "docs" / "packages.md"


def grown(key, before, now, rows):
    """A struct that begins with its size may grow at its end; its other fields are rows of their own."""
    first = next((name for kind, name in rows if kind == "field" and name.startswith(key[1] + ".")), "")
    return key[0] == "struct" and first == f"{key[1]}.size" and int(before.split()[0]) < int(now.split()[0]) \
        and before.split()[1] == now.split()[1]


def compare(before, now):
    breaks = [f"{' '.join(key)}: gone" for key in before if key not in now]
    breaks += [f"{' '.join(key)}: was {before[key][1]}, is {now[key]}" for key in now
               if key in before and before[key][1] != now[key] and not grown(key, before[key][1], now[key], now)]
    new = [f"{' '.join(key)}: new, or larger" for key in now
           if key not in before or before[key][1] != now[key] and grown(key, before[key][1], now[key], now)]
    return breaks, new


def not_asserted(now):
    """Sizes and offsets that the header does not hold the compiler of a program to."""
    said = set(re.findall(r"CALL_ASSERT_LAYOUT\((.*)\);", header.text()))
    for (kind, name), what in now.items():
        wanted = {"struct": f"sizeof({name})", "field": f"offsetof({name.replace('.', ', ')})"}.get(kind)
        if wanted and f"{wanted} == {what.split()[0]}" not in said:
            yield f"call.h does not assert {wanted} == {what.split()[0]}: src/ffi/layout.rs"


def newer(one, other):
    return [int(part) for part in one.split(".")] > [int(part) for part in other.split(".")]


def record_anew(now, glibc):
    number, _, before = abi.record() if abi.RECORD.exists() else ("", "", {})
    breaks, _ = compare(before, now)
    if breaks and number == abi.number():
        sys.exit("\n".join([*breaks, f"abi: this breaks programs built with ABI {number}: put another number into abi/number"]))
    since = {key: before[key][0] for key in before if number == abi.number() and before[key][1] == now[key]}
    abi.write(glibc, {key: (since.get(key, abi.version()), what) for key, what in now.items()})


def main():
    if not LIBRARIES[0].exists():
        sys.exit("abi: there is no target/release/libcall.so; run `make lib`")
    now, glibc = abi.current(), abi.oldest_glibc(*LIBRARIES)
    if "--write" in sys.argv[1:]:
        record_anew(now, glibc)
    number, oldest, before = abi.record()
    breaks, new = compare(before, now)
    faults = [f"{row}: breaks programs built before" for row in breaks]
    faults += [f"{row}; `make abi` records it" for row in new]
    faults += not_asserted(now)
    if number != abi.number():
        faults.append(f"abi/number is {abi.number()}, the record's {number}")
    if f'version = "{abi.file_number()}"' not in CARGO_C.search((abi.ROOT / "Cargo.toml").read_text())[0]:
        faults.append(f"Cargo.toml: to cargo-c the library is not {abi.file_number()}")
    if set(re.findall(r'libcall\.so\.(\d+)"', HOST.read_text())) != {abi.number()}:
        faults.append(f"src/bin/call-host.rs: it does not load libcall.so.{abi.number()}")
    if newer(glibc, oldest):
        faults.append(f"the library needs glibc {glibc}, and is said to work with {oldest}")
    if f"glibc {oldest}" not in re.sub(r"\s+", " ", PAGE.read_text()):
        faults.append(f"docs/packages.md does not say glibc {oldest}")
    print("\n".join(faults) or f"abi: number {number}, {len(before)} facts as recorded, glibc {oldest}")
    sys.exit(bool(faults) or not before)


main()
