#!/usr/bin/env python3
"""Runs the recipes for event loops, the window, and what ends waits: each as it is, and under valgrind where the
libraries that it uses allow that. What is not built because a library is not installed is skipped. Prints TAP.

Usage: check_loops.py OUT
"""

import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

GUARD = 240  # seconds: only a program that hangs takes so long
VALGRIND = ["valgrind", "-q", "--fair-sched=try", "--leak-check=full", "--errors-for-leak-kinds=definite",
            "--show-leak-kinds=definite", "--error-exitcode=9"]
SINGLE = ": the single call: S_OK"
LOOPS = {"loop_poll": ("poll", SINGLE, None), "loop_epoll": ("epoll", SINGLE, None),
         "loop_glib": ("GLib", None, "libglib2.0-dev"), "loop_uv": ("libuv", None, "libuv1-dev")}
SEEN = []


def check(name, good, seen=""):
    SEEN.append(bool(good))
    print(f"{'ok' if good else 'not ok'} {len(SEEN)} - {name}", flush=True)
    if not good:
        print("\n".join(f"#   {line}" for line in str(seen).splitlines()))


def skip(name, why):
    check(f"{name} # SKIP {why}", True)


def run(*command, **more):
    here = {**os.environ, "G_SLICE": "always-malloc", **more}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=GUARD, env=here)
    return done.returncode, done.stdout, done.stderr


def ways():
    """As it is, and under valgrind."""
    return (("", []), (" under valgrind", VALGRIND if shutil.which("valgrind") else None))


def check_loop(out_dir, program, loop, more, package):
    if not Path(f"{out_dir}/{program}").exists():
        skip(program, f"{loop} is not installed (on Debian: {package})")
        return
    for how, prefix in ways():
        if prefix is None:
            skip(f"{program}{how}", "valgrind is not installed")
            continue
        code, out, err = run(*prefix, f"{out_dir}/{program}")
        said = [f"{loop}: 6 completed, 5 stopped, 1 past its deadline, 0 left",
                f"{loop}: 1 tag from another thread, 1 from a signal handler", *([loop + more] if more else [])]
        alive = re.search(r": (\d+) ticks, longest gap ([\d.]+) ms; (\d+) wakes, (\d+) of them for nothing$", out, re.M)
        check(f"{program}{how}: every job has its fate, the tags came, the loop ended in order",
              code == 0 and all(line in out.splitlines() for line in said), (code, out, err))
        check(f"{program}{how}: the loop ticked on, and did not spin", alive and int(alive[1]) > 1
              and int(alive[4]) <= int(alive[3]), (code, out, err))
        if prefix:
            check(f"{program}{how}: no error, nothing lost", err == "", err)
        if alive:
            print(f"# {program}{how}: {alive[0][2:]}")


def picture(path):
    """Width, height and the number of different bytes of a PNG's lines."""
    data, at, pixels, size = path.read_bytes(), 8, b"", (0, 0)
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        size = struct.unpack(">II", body[:8]) if kind == b"IHDR" else size
        pixels += body if kind == b"IDAT" else b""
        at += length + 12
    return *size, len(set(zlib.decompress(pixels)))


def check_window(program, shot):
    names = ("the bar moved and the loop went on", "its cancel ended with fate STOPPED", "the picture is one")
    why = ("GTK 3 is not installed (on Debian: libgtk-3-dev)" if not Path(program).exists() else
           "xvfb-run is not installed (on Debian: xvfb, xauth)" if shutil.which("xvfb-run") is None else "")
    if why:
        for name in names:
            skip(f"window: {name}", why)
        return
    code, out, err = run("xvfb-run", "-a", program, "--shot", str(shot), NO_AT_BRIDGE="1", GTK_THEME="Adwaita")
    moved = re.search(r"^the bar moved (\d+) times, longest gap of the loop ([\d.]+) ms$", out, re.M)
    check(f"window: {names[0]}", moved and int(moved[1]) > 1, (code, out, err))
    check(f"window: {names[1]}", code == 0 and re.search(r"^RPC_E_CALL_CANCELED: [1-9]\d* primes, fate STOPPED$", out, re.M),
          (code, out, err))
    seen = picture(shot) if shot.exists() else (0, 0, 0)
    check(f"window: {names[2]}", 300 <= seen[0] <= 1200 and 80 <= seen[1] <= 600 and seen[2] > 30, seen)
    if moved:
        print(f"# window: {moved[0]}; the picture is {seen[0]} x {seen[1]}")


def check_interrupts(program):
    for mode, said in (("invoke", "call_invoke RPC_E_CALL_CANCELED\nfate STOPPED\n"),
                       ("wait", "call_wait S_OK\ncall_finish RPC_E_CALL_CANCELED\nfate STOPPED\n")):
        process = subprocess.Popen([program, mode], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        signal.signal(signal.SIGALRM, lambda *_: process.kill())
        signal.alarm(GUARD)
        working = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        signal.alarm(0)
        check(f"interrupt_wait: SIGINT ends a blocked call_{mode} with 130 and STOPPED", working
              and process.returncode == 130 and out == said, (process.returncode, out, err))


def check_said(out_dir, program, *patterns):
    for how, prefix in ways():
        if prefix is None:
            skip(f"{program}{how}", "valgrind is not installed")
            continue
        code, out, err = run(*prefix, f"{out_dir}/{program}")
        good = code == 0 and all(re.search(f"^{pattern}$", out, re.M) for pattern in patterns)
        check(f"{program}{how} says what it should", good, (code, out, err))
        if prefix and program != "seeing":  # that one writes there itself
            check(f"{program}{how}: no error, nothing lost", err == "", err)


def check_chain(program):
    """The list of a chain that hangs names both calls, each from the other's side; so does the one asked for by a signal."""
    code, out, err = run(program)
    chain = re.search(r"^call (0x\w+), method get_page \(0\), apartment front: running, .*waits for call (0x\w+)$", out, re.M)
    other = chain and re.search(rf"^call {chain[2]}, method read_row \(0\), apartment store: running, .*begun by call "
                                rf"{chain[1]}$", out, re.M)
    check("seeing: one list explains the chain that hangs", code == 0 and other, (code, out, err))
    check("seeing: the log names the method that does not hear", chain and f"log: call {chain[2]}, method read_row" in out, out)
    check("seeing: a signal has the list written", re.match(r"libcall: \d+ calls\n", err), err)


def main():
    out_dir = sys.argv[1]
    for program, (loop, more, package) in LOOPS.items():
        check_loop(out_dir, program, loop, more, package)
    with tempfile.TemporaryDirectory() as scratch:
        check_window(f"{out_dir}/window", Path(scratch) / "window.png")
    check_interrupts(f"{out_dir}/interrupt_wait")
    check_said(out_dir, "watchdog", "watchdog: call_invoke RPC_E_CALL_CANCELED, fate STOPPED; call_cancel RPC_E_CALL_COMPLETE",
               "deadline: call_invoke RPC_E_TIMEOUT", "deadline: call_finish RPC_E_TIMEOUT, fate STOPPED")
    check_said(out_dir, "deadlines", "chain: outer RPC_E_TIMEOUT by TIMEOUT, inner by PARENT_TIMEOUT",
               "detached: S_OK, fate COMPLETED", "group: 3 calls canceled as one: yes")
    check_said(out_dir, "seeing", "begun 2, abandoned 2, of them still running 1, uncooperative 1",
               "call_shutdown, at once: 1 still runs", "call_shutdown, when the store answers again: 0 still runs")
    check_chain(f"{out_dir}/seeing")
    print(f"1..{len(SEEN)}")
    return 0 if all(SEEN) else 1


sys.exit(main())
