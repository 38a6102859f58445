#!/usr/bin/env python3
"""Is include/call.h what the build makes of the comments in src/ffi? With --write, makes it so."""
import difflib
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHECKED_IN = ROOT / "include" / "call.h"
BUILD = "build --quiet --release --locked --target-dir target --message-format=json-render-diagnostics".split()


def generated():
    """The header in the folder that cargo itself names as that of this crate's build script."""
    cargo = [os.environ.get("CARGO", "cargo"), *BUILD]
    built = subprocess.run(cargo, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode != 0:
        sys.exit("check_header: the library does not build")
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    package = {m["package_id"] for m in messages if m.get("target", {}).get("name") == "call"}
    folders = [m["out_dir"] for m in messages
               if m["reason"] == "build-script-executed" and m["package_id"] in package]
    if len(folders) != 1:
        sys.exit(f"check_header: cargo names {len(folders)} output folders of the crate's build script, not 1")
    return (pathlib.Path(folders[0]) / "call.h").read_text()


def main():
    new = generated()
    old = CHECKED_IN.read_text() if CHECKED_IN.exists() else ""
    if new == old:
        return
    if sys.argv[1:] == ["--write"]:
        CHECKED_IN.parent.mkdir(exist_ok=True)
        CHECKED_IN.write_text(new)
        return
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), "include/call.h", "generated", n=1)
    sys.stderr.writelines(list(lines)[:40])
    sys.exit("check_header: include/call.h is not what src/ffi says; run `make header` and read the difference")


main()
