#!/usr/bin/env python3
"""scripts/mutants.py [PART...]: changes one thing at a time in the source, and sees whether a check fails.

cargo-mutants says what may be changed. Each change is built and judged here, in a copy below target/mutants, because
a part of the build is enough, and because the first check that fails is. What became of each change, and
what noticed it, is printed and stays in target/mutants/PART.tsv. What survives and why it may, stands in
.cargo/mutants.toml.
"""
import argparse
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "mutants"
TOOL = ROOT / "target" / "tools" / "bin" / "cargo-mutants"
VERSION = "27.1.0"
PARTS = {
    "state": ["src/state/*.rs"],
    "handle": ["src/handle/*.rs"],
    "completion": [*(f"src/execution/{name}.rs" for name in
                     ("run", "server", "client", "cancel", "tell", "notify", "nest", "attachment")),
                   "src/call/*.rs"],
}
# Programs of the C suite that are through in a moment, those first that notice most; the last ones take seconds.
PROGRAMS = """
    call finish direct late custom cancel fate object wait context method release reserve error cancel_thread
    apartment synchronous mended_queues descriptor reuse owned disconnect sweep_handles sweep_pointers
    sweep_codes twice distance_server wait_many call_fd queue callback monitor callback_ends queue_ends queue_close
    close distances single grace region nested listener group nesting serial forgotten thread_hooks memory owner dump
    shutdown deadline family distance_cancel exit_busy hooks cancel_late uncooperative notice
    fork_busy mended_callbacks mended_deadlines""".split()
# Seconds after which a check that says nothing more hangs, which is noticing.
SILENCE = 150


class Judge:
    """A copy of the source, and what is built and run of it."""

    def __init__(self, part, number, like=None):
        place = WORK / f"{part}-{number}"
        self.part, self.tree, self.built = part, place / "tree", place / "build"
        shutil.rmtree(self.tree, ignore_errors=True)
        if like:
            shutil.rmtree(self.built, ignore_errors=True)
            shutil.copytree(like, self.built, symlinks=True)
        shutil.copytree(ROOT, self.tree, symlinks=True, ignore=shutil.ignore_patterns("target", ".git"))
        # What was built last may have been built of a change.
        (self.tree / "src" / "lib.rs").touch()
        # Without optimization little is built anew for a change.
        self.env = dict(os.environ, CARGO_TARGET_DIR=str(self.built), CARGO_PROFILE_DEV_DEBUG="0",
                        CARGO_PROFILE_DEV_OPT_LEVEL="0", RUSTFLAGS="--cap-lints=allow")

    def judge(self):
        """Whether it builds, and what noticed the change, if anything did."""
        return self.by_c_suite() if self.part == "completion" else self.by_rust_tests()

    def cargo(self, *arguments, **variables):
        command = ["cargo", *arguments]
        done = subprocess.run(command, cwd=self.tree, env=dict(self.env, **variables), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode == 0, done.stdout

    def by_rust_tests(self):
        # The walk is long, and only asked what the others let pass; for it optimizing pays.
        walk = [(["state::walk"], "1")] if self.part == "state" else []
        for asked, level in [([f"{self.part}::", "--skip", "::walk"], "0"), *walk]:
            builds, said = self.cargo("test", "--locked", "--lib", "--no-run", CARGO_PROFILE_DEV_OPT_LEVEL=level)
            if not builds:
                return False, said
            noticed = self.run(re.search(r"\((\S+)\)\s*$", said)[1], asked, re.compile(r"test (\S+) \.\.\. FAILED"))
            if noticed:
                return True, noticed
        return True, None

    def by_c_suite(self):
        builds, said = self.cargo("rustc", "--locked", "--lib", "--crate-type", "cdylib")
        if not builds:
            return False, said
        library, out = self.built / "debug", self.built / "c_suite"
        # Once: a program that was linked to another build of the library finds this one by its name, and the children
        # of isolated objects are found beside it.
        if not (library / "libcall.so.0").exists():
            builds, said = self.cargo("build", "--locked", "--bin", "call-host")
            if not builds:
                return False, said
            (library / "libcall.so.0").symlink_to("libcall.so")
        subprocess.run(["make", "-s", "-C", self.tree / "ctests", "-o", library / "libcall.so", "build",
                        f"LIBDIR={library}", f"OUT={out}", f"TESTS={' '.join(PROGRAMS)}"], check=True)
        for program in PROGRAMS:
            noticed = self.run(out / program, [], re.compile(r"((?:not ok|Bail out!).*)"))
            if noticed:
                return True, f"{program}: {noticed}"
        return True, None

    def run(self, program, arguments, failure):
        """The first failure that it prints, or how it ended, if not well."""
        env = dict(self.env, LD_LIBRARY_PATH=str(self.built / "debug"), LIBDIR=str(self.built / "debug"),
                   INCDIR=str(self.tree / "include"), CALL_HANG_SECONDS="20")
        running = subprocess.Popen([program, *arguments], env=env, cwd=self.tree, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True, errors="replace", start_new_session=True)
        noticed = []

        def end():
            noticed.append(f"hangs for {SILENCE} s")
            os.killpg(running.pid, signal.SIGKILL)

        def guarded(step):
            guard = threading.Timer(SILENCE, end)
            guard.start()
            answer = step()
            guard.cancel()
            return answer

        while line := guarded(running.stdout.readline):
            if failed := failure.match(line):
                noticed.append(failed[1])
                break
        if noticed:
            os.killpg(running.pid, signal.SIGKILL)
        status = guarded(running.wait)
        running.stdout.close()
        return noticed[0] if noticed else f"ended with {status}" if status else None

    def change(self, mutant):
        """Makes the change; gives what takes it back."""
        path = self.tree / mutant["file"]
        text = path.read_text()
        lines = text.splitlines(keepends=True)
        start, end = (sum(map(len, lines[:at["line"] - 1])) + at["column"] - 1
                      for at in (mutant["span"]["start"], mutant["span"]["end"]))
        path.write_text(f"{text[:start]}{mutant['replacement']}{text[end:]}")
        return lambda: path.write_text(text)


def mutants_of(part, shard):
    """What may be changed, in the order of the part's files."""
    files = [argument for file in PARTS[part] for argument in ("--file", file)]
    flags = ["--shard", shard] if shard else []
    listed = subprocess.run([TOOL, "mutants", "--list", "--json", *files, *flags], cwd=ROOT, stdout=subprocess.PIPE,
                            check=True)
    place = lambda mutant: [fnmatch.fnmatch(mutant["file"], file) for file in PARTS[part]].index(True)
    return sorted(json.loads(listed.stdout), key=place)


def try_part(part, asked):
    """Tries all changes; gives how many survived."""
    mutants = [mutant for mutant in mutants_of(part, asked.shard) if re.search(asked.match, mutant["name"])]
    judges, counts = queue.SimpleQueue(), dict.fromkeys(["noticed", "survived", "does not build"], 0)

    first = Judge(part, 0)
    builds, noticed = first.judge()
    if not builds or noticed:
        sys.exit(f"mutants: without any change, {part} fails: {noticed}")
    judges.put(first)
    for number in range(1, asked.jobs):
        judges.put(Judge(part, number, first.built))

    def try_one(mutant):
        judge = judges.get()
        take_back = judge.change(mutant)
        builds, noticed = judge.judge()
        take_back()
        judges.put(judge)
        return "does not build" if not builds else "noticed" if noticed else "survived", noticed if builds else None

    with (concurrent.futures.ThreadPoolExecutor(asked.jobs) as jobs,
          open(WORK / f"{part}.tsv", "w", encoding="utf-8") as results):
        for mutant, (outcome, noticed) in zip(mutants, jobs.map(try_one, mutants)):
            counts[outcome] += 1
            print(outcome, mutant["name"], noticed or "", sep="\t", file=results, flush=True)
            if outcome == "survived":
                print(f"  survived: {mutant['name']}", flush=True)
    print(f"{part}: {len(mutants)} changes: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return counts["survived"]


def install():
    there = TOOL.exists() and subprocess.run([TOOL, "mutants", "--version"], stdout=subprocess.PIPE, text=True,
                                             check=True).stdout.split()[-1] == VERSION
    if not there:
        subprocess.run(["cargo", "install", "cargo-mutants", "--version", VERSION, "--locked", "--root",
                        ROOT / "target" / "tools", "--target-dir", ROOT / "target" / "tools" / "build"], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all if none is named")
    parser.add_argument("--shard", help="k/n: a part of each part's changes")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at a time")
    parser.add_argument("--match", default="", help="only changes in whose names this is found, a regular expression")
    asked = parser.parse_args()
    install()
    survived = [part for part in asked.parts or PARTS if try_part(part, asked)]
    if survived:
        sys.exit(f"mutants: some survived in: {' '.join(survived)}")


if __name__ == "__main__":
    main()
