#!/usr/bin/env python3
"""Writes the figures of the last `make bench`, and the recorded instructions, into docs/PERFORMANCE.md."""
import json
import pathlib
import re
import statistics

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "PERFORMANCE.md"
STEPS = {"begin": "call_begin", "run": "call_apartment_pump until the method is entered", "write": "call_context_write",
         "complete": "from the end of the method to the end of the pump", "finish": "call_finish",
         "serve": "from the end of one method to the start of the next"}


def number(value):
    return f"{value:,.{0 if value == 0 or value >= 99.95 else 1 if value >= 9.995 else 2}f}"


def times(ratio):
    return f"{ratio:.{3 if ratio < 9.9995 else 1 if ratio < 99.95 else 0}f}x"


def cell(values):
    least, most, middle = number(min(values)), number(max(values)), number(statistics.median(values))
    return middle if least == most else f"{middle} ({least}-{most})"


def line(row):
    bound = f"{row['target'][0]:g}"
    target = {"none": "-", "ratio": f"<= {bound}x", "figure": f"<= {bound} {row['unit']}"}[row["bound"]]
    target = "none" if target.startswith("<= 0 ") else target
    limit = row["limit"] if row["limit"] != row["figure"] else "packaged_task"
    if row["limits"]:
        limit += f"{' / 2' if row['share'][0] == 0.5 else ''}: {cell(row['limits'])}"
    ratio = times(statistics.median(row["ratios"])) if row["ratios"] else "-"
    verdict = {None: "", True: "met", False: "**not met**"}[row["is_met"]]
    figure = f"{cell(row['figures'])} {row['unit']}"
    return f"| {row['title']} | {figure} | {limit or '-'} | {ratio} | {target} | {verdict} |"


def figures(bench):
    now = bench["conditions"]
    head = (f"{now['kernel']}, {now['processor']}, {now['cpus']} CPUs; {now['rounds']} rounds in "
            f"{now['seconds']:.0f} s; load before {now['load'][0]}, after {now['load'][1]}.")
    head += " **A quick run, not to be judged by.**" if now["quick"] else ""
    missing = [c["title"] for c in bench["contenders"] if not c["version"]]
    promised = [row for row in bench["rows"] if row["is_met"] is not None]
    return [head + (f" Missing: {', '.join(missing)}." if missing else ""), "",
            f"{sum(row['is_met'] for row in promised)} of {len(promised)} targets are met. A cell is the median of the "
            "rounds (least-most); a ratio is taken within its round.", "",
            "| measurement | libcall | limit | ratio | target | |", "| --- | --- | --- | --- | --- | --- |",
            *map(line, bench["rows"])]


def instructions():
    text = (ROOT / "benches" / "instructions.tsv").read_text()
    rows = [row.split("\t") for row in text.splitlines() if row[0] != "#"]
    head = ["| step | what | instructions |", "| --- | --- | --- |"]
    places = {"single": "one at a time", "multi": "behind a busy worker"}
    return head + [f"| {step} | {STEPS[step]}, {places[kind]} | {count} |"
                   for (kind, step), count in ((name.split(), count) for name, count in rows)]


def put(page, name, lines):
    """The lines between two marks of the page."""
    new, found = re.subn(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end of {name} -->)",
                         lambda marks: marks[1] + "\n" + "\n".join(lines) + "\n\n" + marks[2], page, flags=re.S)
    assert found == 1, f"docs/PERFORMANCE.md has no place for {name}"
    return new


def main():
    bench = json.loads((ROOT / "target" / "benches" / "bench.json").read_text())
    PAGE.write_text(put(put(PAGE.read_text(), "figures", figures(bench)), "instructions", instructions()))
    print("bench-page: docs/PERFORMANCE.md has the figures of the last make bench")


main()
