#!/usr/bin/env python3
"""Writes the figures of the last `make bench`, or of that part of it which ran, and the recorded instructions, into
docs/PERFORMANCE.md."""
import json
import pathlib
import re
import statistics

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCHES = ROOT / "target" / "benches"
PAGE = ROOT / "docs" / "PERFORMANCE.md"
STEPS = {"begin": "call_begin", "run": "call_apartment_pump until the method is entered", "write": "call_context_write",
         "complete": "from the end of the method to the end of the pump", "finish": "call_finish",
         "serve": "from the end of one method to the start of the next"}
# Columns of the table of those who call another process: title, setting, figure.
ACROSS = [("one CPU", "one", "round_trip_p50"), ("two CPUs", "two", "round_trip_p50"),
          ("both asleep", "apart", "apart_p50"), ("64 on the way", "flow", "flow_64"),
          ("1 MiB, one CPU", "bulk_one", "bulk_p50"), ("1 MiB, two CPUs", "bulk", "bulk_p50"),
          ("cancel, polling", "polling", "seen_p50"), ("cancel, asleep", "asleep", "seen_p50")]


def number(value):
    return f"{value:,.{0 if value == 0 or value >= 99.95 else 1 if value >= 9.995 else 2}f}"


def times(ratio):
    return f"{ratio:.{3 if ratio < 9.9995 else 1 if ratio < 99.95 else 0}f}x"


def cell(values):
    least, most, middle = number(min(values)), number(max(values)), number(statistics.median(values))
    return middle if least == most else f"{middle} ({least}-{most})"


def line(row):
    bound = f"{row['target'][0]:.10g}"
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
    head += " **A busy machine, not to be judged by.**" if now["load"][0] > now["cpus"] else ""
    missing = [c["title"] for c in bench["contenders"] if not c["version"]]
    promised = [row for row in bench["rows"] if row["is_met"] is not None]
    return [head + (f" Missing: {', '.join(missing)}." if missing else ""), "",
            f"{sum(row['is_met'] for row in promised)} of {len(promised)} targets are met. A cell is the median of the "
            "rounds (least-most); a ratio is taken within its round.", "",
            "| measurement | libcall | limit | ratio | target | |", "| --- | --- | --- | --- | --- | --- |",
            *map(line, bench["rows"])]


def contenders(bench):
    """A line for each contender."""
    lines = [f"| | {' | '.join(title for title, _, _ in ACROSS)} |", "| --- |" + " --- |" * len(ACROSS)]
    for contender in bench["contenders"]:
        found = [bench["figures"].get(f"{contender['name']}/{setting}", {}).get(figure)
                 for _, setting, figure in ACROSS]
        if any(found):
            version = contender["version"].replace("this", "")
            name = contender["title"] + (f" ({version})" if version else "")
            lines.append(f"| {name} | {' | '.join(cell(values) if values else '-' for values in found)} |")
    return lines


def isolated(bench):
    return [*figures(bench), "", "Beside others, in nanoseconds: p50, and the time of a call where 64 are on the way.",
            "", *contenders(bench)]


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
    page = put(PAGE.read_text(), "instructions", instructions())
    parts = {"figures": (BENCHES, figures), "isolated figures": (BENCHES / "isolated", isolated)}
    there = [name for name, (folder, _) in parts.items() if (folder / "bench.json").exists()]
    assert there, "there are no figures: make bench writes them"
    for name in there:
        folder, lines_of = parts[name]
        page = put(page, name, lines_of(json.loads((folder / "bench.json").read_text())))
    PAGE.write_text(page)
    print(f"bench-page: docs/PERFORMANCE.md has the {' and the '.join(there)} of the last make bench")


main()
