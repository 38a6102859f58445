#!/usr/bin/env python3
"""Does libcall.so export exactly the functions that call.h declares, under its soname, never to be unloaded?"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "target" / "release" / "libcall.so"
SONAME = f"libcall.so.{(ROOT / 'abi' / 'number').read_text().strip()}"


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def declared():
    """Names before a parameter list, outside comments, preprocessor lines and function pointers."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "include" / "call.h").read_text(), flags=re.S)
    text = re.sub(r"^[ \t]*#(?:.*\\\n)*.*", "", text, flags=re.M)
    return set(re.findall(r"\b(call_\w+)\s*\((?!\*)", text))


def main():
    if not LIBRARY.exists():
        sys.exit("exports: there is no target/release/libcall.so; run `make lib`")
    exported = {line.split()[-1] for line in output("nm", "-D", "--defined-only", str(LIBRARY)).splitlines()}
    header = declared()
    dynamic = output("readelf", "-dW", str(LIBRARY))
    faults = [f"{name}: declared, but not exported" for name in sorted(header - exported)]
    faults += [f"{name}: exported, but not declared" for name in sorted(exported - header)]
    if f"soname: [{SONAME}]" not in dynamic:
        faults.append(f"the soname is not {SONAME}")
    if not re.search(r"FLAGS_1\).*\bNODELETE\b", dynamic):
        faults.append("the library does not refuse to be unloaded (NODELETE)")
    print("\n".join(faults) or f"exports: {len(exported)} functions, as declared")
    sys.exit(bool(faults) or not exported)


main()
