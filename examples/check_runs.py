#!/usr/bin/env python3
"""Runs the examples in OUT and compares exit codes, HRESULT names, fates and totals. Prints TAP.

Usage: check_runs.py OUT
"""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GUARD = 60  # seconds: only a program that hangs takes so long
NEEDLE = "needle"
SEEN = []


def check(name, good, seen):
    SEEN.append(good)
    print(f"{'ok' if good else 'not ok'} {len(SEEN)} - {name}")
    if not good:
        print("\n".join(f"#   {line}" for line in str(seen).splitlines()))


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=GUARD)
    return done.returncode, done.stdout, done.stderr


def in_order(text, lines):
    """Each of `lines` is a whole line of `text`, in this order."""
    left = iter(text.splitlines())
    return all(any(line == wanted for line in left) for wanted in lines)


def make_tree(root):
    """Text with the needle at the start, in the middle, at the end and across blocks, and what is to be skipped."""
    texts = {
        "first.txt": f"{NEEDLE} at the start\nnothing\nat the end {NEEDLE}",
        "below/long.txt": "".join(f"line {i} {NEEDLE if i % 7 == 0 else 'hay'} {'x' * (i % 97)}\n" for i in range(40000)),
        "below/one_line.txt": "hay " * 150000 + NEEDLE,
        "below/empty.txt": "",
        "below/deep/last.txt": f"{NEEDLE} {NEEDLE}\n\n{NEEDLE}\n" * 500,
    }
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "binary").write_bytes(b"\0" + NEEDLE.encode())
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "fifo")
    lines = sum(NEEDLE in line for text in texts.values() for line in text.split("\n"))
    size = sum(len(text) for text in texts.values()) / 1e6
    return f"{lines} matching lines in {len(texts)} files, {size:.1f} MB; 1 skipped", texts


def check_search(search, tree, totals, texts):
    code, out, err = run(search, NEEDLE, str(tree))
    check("a search that finds gives 0 and its totals",
          code == 0 and in_order(out, [totals, "result S_OK, fate COMPLETED"]), (code, out, err))
    shown = re.findall(rf"^{re.escape(str(tree))}/([^:]*):(\d+): (.*)$", out, re.M)
    true = [texts[name].split("\n")[int(number) - 1].startswith(text.removesuffix("...")) for name, number, text in shown]
    check("each line shown is that line of its file", len(true) == 20 and all(true), out)
    code, out, err = run(search, "no such text", str(tree))
    check("a search that finds nothing gives 1", code == 1 and in_order(out, ["result S_OK, fate COMPLETED"]), (code, out))
    missing = str(tree / "missing")
    code, out, err = run(search, NEEDLE, str(tree), missing)
    check("a directory that is not there gives 2, E_FAIL and the reason with the call", code == 2
          and in_order(out, [f"error: {missing}: No such file or directory", "result E_FAIL, fate COMPLETED"]), (code, out))
    for words in (["alone"], ["", str(tree)], [NEEDLE, str(tree), "--grace"], [NEEDLE, str(tree), "--grace", "-1"],
                  [NEEDLE, str(tree), "--pause-at", "101"], [NEEDLE, str(tree), "--unknown", "1"]):
        code, out, err = run(search, *words)
        check(f"usage for {words[:1] + words[2:]}", code == 2 and err.startswith("usage:") and out == "", (code, out, err))


def check_interrupt(search, tree):
    process = subprocess.Popen([search, NEEDLE, str(tree), "--pause-at", "50", "--grace", "30"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watchdog(process)
    said = next((line for line in process.stderr if int(re.match(r" *(\d+) %", line)[1]) >= 50), "")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    signal.alarm(0)
    check("SIGINT half-way gives 130, what was found so far, and STOPPED", said != "" and process.returncode == 130
          and "\nso far: " in out and in_order(out, ["result RPC_E_CALL_CANCELED, fate STOPPED"]), (process.returncode, out, err))


def check_terminal(search, tree):
    """On a terminal of its own: a bar, and the real Ctrl-C."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(search, [search, NEEDLE, str(tree), "--pause-at", "50", "--grace", "30"])
    out, end, pressed = "", time.monotonic() + GUARD, False
    while select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
        try:
            out += os.read(terminal, 4096).decode()
        except OSError:  # what Linux says when the other side is closed
            break
        if not pressed and "[####################" in out:
            os.write(terminal, b"\x03")
            pressed = True
    else:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    check("Ctrl-C on a terminal with a bar gives 130 and STOPPED", pressed and code == 130
          and "result RPC_E_CALL_CANCELED, fate STOPPED\r\n" in out, (code, out))


def watchdog(process):
    """The process dies after the guard's time, whatever it waits for."""
    signal.signal(signal.SIGALRM, lambda *_: process.kill())
    signal.alarm(GUARD)


def check_timed_cancel(search, tree):
    for after, grace, fates in (("1", "30", ["STOPPED", "NEVER_STARTED"]),
                                ("0", "0", ["STOPPED", "NEVER_STARTED", "RUNNING"])):
        code, out, err = run(search, NEEDLE, str(tree), "--pause-at", "50", "--cancel-after", after, "--grace", grace)
        ends = [f"result RPC_E_CALL_CANCELED, fate {fate}" for fate in fates]
        check(f"--cancel-after {after} --grace {grace} gives 130 and a fate that can be", code == 130
              and any(in_order(out, [end]) for end in ends), (code, out, err))


def check_demo(search, tree):
    code, out, err = run(search, "--demo", str(tree))
    check("the demonstration ends as it should", code == 0 and in_order(out, [
        "result S_OK, fate COMPLETED",
        "result RPC_E_CALL_CANCELED, fate STOPPED",
        "Ctrl-C, with a grace period: call_wait(0)      RPC_S_CALLPENDING",
        "Ctrl-C again, without: call_wait(0)            S_OK",
        "call_finish                                    RPC_E_CALL_CANCELED",
        "the method is still in its read: fate          RUNNING",
        "a byte for it to read; call_apartment_close    S_OK",
        "it has ended by itself: fate                   COMPLETED",
        "result S_OK, fate COMPLETED",
        "an endless loop; call_cancel, 1 s of grace     S_OK",
        "its process is gone: fate                      KILLED",
        "the next call_begin, for another process       S_OK",
        "Every call ended as it should."]), (code, out, err))


def check_small(out_dir):
    code, out, err = run(f"{out_dir}/apartments")
    check("apartments counts in each kind on one thread", code == 0 and in_order(out, [
        "serial: 1000 of 1000 counted, on 1 thread, the library's",
        "single: 1000 of 1000 counted, on 1 thread, the owner's"]), (code, out, err))
    code, out, err = run(f"{out_dir}/three_steps")
    check("three_steps shows each step's code", code == 0 and in_order(out, [
        "1. call_query_cancel                     S_OK",
        "2. call_cancel, 10 seconds of grace      RPC_E_CALL_COMPLETE",
        "   call_test_cancel                      RPC_E_CALL_COMPLETE",
        "   call_begin, before step 3             RPC_S_CALLPENDING",
        "3. call_finish                           RPC_E_CALL_CANCELED",
        "   call_get_fate                         S_OK",
        "counted something, fate STOPPED"]), (code, out, err))
    code, out, err = run(f"{out_dir}/primes", "100000", "3600000")
    check("primes counts them", (code, out) == (0, "S_OK: 9592 primes, fate COMPLETED\n"), (code, out, err))
    code, out, err = run(f"{out_dir}/primes", "1000000000000", "0")
    check("primes that may not take any time is canceled", code == 1 and re.fullmatch(
        r"RPC_E_CALL_CANCELED: \d+ primes, fate (STOPPED|NEVER_STARTED)\n", out), (code, out, err))


def main():
    out_dir = sys.argv[1]
    search = f"{out_dir}/search"
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch)
        totals, texts = make_tree(tree)
        check_search(search, tree, totals, texts)
        check_interrupt(search, tree)
        check_terminal(search, tree)
        check_timed_cancel(search, tree)
        check_demo(search, tree)
    check_small(out_dir)
    print(f"1..{len(SEEN)}")
    return 0 if all(SEEN) else 1


sys.exit(main())
