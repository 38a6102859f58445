#!/usr/bin/env python3
"""Installs the wheel into an empty environment and runs the examples there; is its tag true? Prints TAP.

Usage: check_wheel.py FOLDER ENVIRONMENT LIBRARY
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

GUARD = 120  # seconds: only a program that hangs takes so long
EXAMPLES = Path(__file__).resolve().parent / "examples"
SEEN = []
# The libraries that any manylinux system has (PEP 600).
EVERYWHERE = {"libc.so.6", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1",
              "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}

# What a shell starts in the background has Ctrl-C ignored, and so would have the examples.
signal.signal(signal.SIGINT, signal.default_int_handler)

EXPECTED = {
    ("primes.py", "1000", "3600"): r"S_OK: 168 primes, fate COMPLETED\n",
    ("primes.py", "1000000000", "0"): r"RPC_E_CALL_CANCELED: (\d+ primes, fate STOPPED| primes, fate NEVER_STARTED)\n",
    ("ways_out.py",): r"""S_OK COMPLETED b'hello, Ada'
E_ACCESSDENIED COMPLETED not on the list b''
RPC_E_SERVERFAULT COMPLETED ValueError: over the doorstep b''
answered in time: True
RPC_E_CALL_CANCELED STOPPED The call was canceled\. b'left the queue'
RPC_E_CALL_CANCELED RUNNING The call was canceled\. b''
RPC_E_TIMEOUT STOPPED The deadline passed\. b'left the queue'
""",
    ("main_thread.py",): r"\['line 0', 'line 1', 'line 2'\]\n",
    ("interrupt.py",): r"interrupted, cause CANCEL\n",
}


def check(name, good, seen=""):
    SEEN.append(good)
    print(f"{'ok' if good else 'not ok'} {len(SEEN)} - {name}")
    if not good:
        print("\n".join(f"#   {line}" for line in str(seen).splitlines()))


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def check_contents(wheel, library):
    packed = zipfile.ZipFile(wheel)
    names = packed.namelist()
    check("it carries the library that was built", packed.read("libcall/libcall.so") == library.read_bytes())
    host = packed.getinfo("libcall/call-host") if "libcall/call-host" in names else None
    check("it carries the program of child processes, to be run", host and host.external_attr >> 16 & 0o111 == 0o111
          and packed.read(host) == library.with_name("call-host").read_bytes(), names)
    check("it carries types and licenses", "libcall/py.typed" in names and
          {"LICENSE-MIT", "LICENSE-APACHE"} <= {Path(name).name for name in names}, names)
    newest = max(int(minor) for minor in re.findall(r"GLIBC_2\.(\d+)", output("objdump", "-T", library)))
    tag = re.search(r"-py3-none-manylinux_2_(\d+)_\w+\.whl$", wheel.name)
    check(f"its tag names the glibc that the library asks for, 2.{newest}", tag and int(tag[1]) == newest, wheel.name)
    needed = set(re.findall(r"NEEDED +(\S+)", output("objdump", "-p", library)))
    check("the library needs no other that may be missing", needed and needed <= EVERYWHERE, needed)


def run(python, scratch, *words):
    """In isolated mode: neither the environment nor a folder can lend it a package."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LIBCALL_", "PYTHON"))}
    return subprocess.run([python, "-I", *words], cwd=scratch, env=clean, capture_output=True, text=True, timeout=GUARD)


def main():
    wheels = list(Path(sys.argv[1]).glob("*.whl"))
    check("there is one wheel", len(wheels) == 1, wheels)
    wheel, python = wheels[0], Path(sys.argv[2]).resolve() / "bin" / "python"
    check_contents(wheel, Path(sys.argv[3]))
    venv.create(sys.argv[2], clear=True, symlinks=True)
    with tempfile.TemporaryDirectory() as scratch:
        before = run(python, scratch, "-c", "import libcall")
        check("the empty environment has no such package", "ModuleNotFoundError" in before.stderr, before.stderr)
        installed = subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index",
                                    "--disable-pip-version-check", wheel], capture_output=True, text=True)
        check("pip installs it there", installed.returncode == 0, installed.stderr)
        for (name, *words), said in EXPECTED.items():
            ran = run(python, scratch, str(EXAMPLES / name), *words)
            check(" ".join(["example", name, *words]), ran.returncode == 0 and re.fullmatch(said, ran.stdout)
                  and not ran.stderr, (ran.returncode, ran.stdout, ran.stderr))
    here = {path.name for path in EXAMPLES.glob("*.py")}
    check("every example was run", here == {name for name, *_ in EXPECTED}, here)
    print(f"1..{len(SEEN)}")
    return 0 if all(SEEN) else 1


sys.exit(main())
