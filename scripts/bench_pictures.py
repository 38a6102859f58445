#!/usr/bin/env python3
"""Draws what the last `make bench` measured, or that part of it which ran: docs/pictures/bench-*.svg. Every picture is
an opaque card, to be read on a light page and on a dark one."""
import json
import math
import pathlib
import statistics
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
OURS, PEER, LIMIT = "#0072b2", "#555555", "#d55e00"
WIDTH, NAMES, ROW, FOOT = 880, 200, 24, 46
FONT = "'DejaVu Sans', Verdana, Helvetica, sans-serif"

# Panels of a picture: title, setting, figure, and the limit with its name.
DOTS = {
    "round-trip": ("One call at a time", "ns", [
        ("all on one CPU", "one", "round_trip_p50", "futex_one_p50", "two futexes"),
        ("two CPUs, call after call", "two", "round_trip_p50", "spin_p50", "two that spin"),
        ("two CPUs, both asleep", "apart", "apart_p50", "futex_apart_p50", "two futexes")]),
    "throughput": ("A call with many on the way", "ns", [
        ("64 on the way", "flow", "flow_64", "ring_64", "a ring"),
        ("1024 on the way", "flow", "flow_1024", "ring_1024", "a ring"),
        ("1024, a busy loop on every CPU", "crowded", "flow_1024", None, None)]),
    "cancel": ("Cancel", "ns", [
        ("a call that waits", "queued", "cancel", "cas", "an atomic"),
        ("a running one, until it is seen", "running", "seen_p50", "spin_p50", "there and back"),
        ("one look of the body", "running", "look", None, None)]),
    "memory": ("What a pending call takes", "B", [
        ("bytes, of which 64 are its input", "memory", "pending", "malloc_128", "malloc(128)")]),
    "burnt": ("Processor time of a call, 1,000 calls a second", "ns", [
        ("all threads together", "paced", "burnt", "sleep_burnt", "the sleep between")]),
}
# The same of calls to another process.
ACROSS = {
    "isolated": ("One call at a time, to another process", "ns", [
        ("both on one CPU", "one", "round_trip_p50", "shm_futex_one_p50", "two futexes"),
        ("two CPUs, call after call", "two", "round_trip_p50", "shm_spin_p50", "two that spin"),
        ("two CPUs, both asleep", "apart", "apart_p50", "shm_futex_apart_p50", "two futexes")]),
    "isolated-load": ("Many calls, large ones and cancel, to another process", "ns", [
        ("64 on the way, a call", "flow", "flow_64", "many_two_batched", "a socket"),
        ("1 MiB there and back", "bulk", "bulk_p50", "bulk_two_p50", "copies"),
        ("cancel, the body asleep", "asleep", "seen_p50", "wake_p50", "a wake-up")]),
}


def quantity(value, unit):
    if unit == "B":
        return f"{value:,.0f} B"
    for size, name in ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")):
        if value >= size or size == 1:
            digits = 0 if value / size >= 100 else 1 if value / size >= 10 else 2
            return f"{value / size:.{digits}f} {name}"


def mark_of(value, unit):
    """A power of ten, without digits that say nothing."""
    words, name = quantity(value, unit).split(" ")
    return f"{words.rstrip('0').rstrip('.') if '.' in words else words} {name}"


class Drawing:
    def __init__(self, title, height):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            f'aria-labelledby="title" '
            f'font-family="{FONT}" font-size="12" fill="#222">',
            f'<title id="title">{escape(title)}</title>',
            f'<rect x="1" y="1" width="{WIDTH - 2}" height="{height - 2}" rx="12" fill="#fff" stroke="#999"/>']
        self.text(20, 30, title, size=16, weight="bold")

    def text(self, x, y, words, anchor="start", color="#222", size=12, weight="normal"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}" font-size="{size}" '
                          f'font-weight="{weight}">{escape(words)}</text>')

    def line(self, points, color, width=1.0, dash=""):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        more = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}"{more}/>')

    def dot(self, x, y, color, radius=4.5):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{color}"/>')

    def save(self, name):
        (FOLDER / f"bench-{name}.svg").write_text("\n".join([*self.parts, "</svg>", ""]))


def scale(values, low, high):
    """From a quantity to a place, by powers of ten; with those powers."""
    least, most = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    most = max(most, least + 1)
    step = max(1, math.ceil((most - least) / 3))
    marks = [10.0 ** power for power in range(least, most + 1, step)]
    return lambda value: low + (math.log10(value) - least) / (most - least) * (high - low), marks


def dots(name, title, unit, panels, bench):
    shown = {(c["name"], number): bench["figures"].get(f"{c['name']}/{panel[1]}", {}).get(panel[2])
             for c in bench["contenders"] for number, panel in enumerate(panels)}
    lines = [c for c in bench["contenders"] if any(shown[c["name"], number] for number in range(len(panels)))]
    lines.sort(key=lambda c: [statistics.median(shown[c["name"], n] or [math.inf]) for n in range(len(panels))])
    bottom = 78 + ROW * len(lines)
    drawing, room = Drawing(title, bottom + FOOT), (WIDTH - NAMES - 20) / len(panels)
    for row, contender in enumerate(lines):
        is_ours = contender["name"] == "libcall"
        drawing.text(NAMES - 8, 78 + ROW * row + 4, contender["title"].strip("*"), "end", OURS if is_ours else "#222",
                     weight="bold" if is_ours else "normal")
    for number, (head, _, _, limit, limit_name) in enumerate(panels):
        left, right = NAMES + room * number + 8, NAMES + room * (number + 1) - 74
        pooled = [value for job in bench["limits"].values() for value in job.get(limit, [])] if limit else []
        all_values = [value for c in lines for value in shown[c["name"], number] or [] if value > 0]
        place, marks = scale(all_values + pooled, left, right)
        drawing.text(left, 54, head, weight="bold")
        for mark in marks:
            drawing.line([(place(mark), 64), (place(mark), bottom - 8)], "#ddd")
            drawing.text(place(mark), bottom + 6, mark_of(mark, unit), "middle", "#666", 10)
        if pooled:
            at = place(statistics.median(pooled))
            drawing.line([(at, 64), (at, bottom - 8)], LIMIT, 1.5, "4 3")
            words = f"- - {limit_name}: {quantity(statistics.median(pooled), unit)}"
            drawing.text(left, bottom + 24, words, color=LIMIT, size=11)
        for row, contender in enumerate(lines):
            values, y = shown[contender["name"], number], 78 + ROW * row
            color = OURS if contender["name"] == "libcall" else PEER
            if not values:
                drawing.text(left, y + 4, "-", color="#999")
                continue
            middle = statistics.median(values)
            drawing.line([(place(max(min(values), marks[0])), y), (place(max(values)), y)], color, 2)
            drawing.dot(place(max(middle, marks[0])), y, color)
            drawing.text(place(max(values)) + 8, y + 4, quantity(middle, unit), color=color, size=11)
    drawing.save(name)


def lines(name, title, unit, across, places, series, remark):
    """Lines over a few places, each named at its end."""
    high, low, left, right = 70, 330, 80, WIDTH - 250
    drawing = Drawing(title, 400)
    place, marks = scale([value for _, values, _ in series for value in values.values()], low, high)
    for mark in marks:
        drawing.line([(left, place(mark)), (right, place(mark))], "#ddd")
        drawing.text(left - 8, place(mark) + 4, mark_of(mark, unit), "end", "#666", 10)
    at = {number: left + 20 + (right - left - 40) * i / max(1, len(places) - 1) for i, number in enumerate(places)}
    for number in places:
        drawing.text(at[number], low + 20, f"{number:,}", "middle", "#666", 11)
    drawing.text((left + right) / 2, low + 40, across, "middle", "#222", 12)
    drawing.text(20, 54, remark, color="#444", size=11)
    floor = high
    for label, values, is_ours in sorted(series, key=lambda each: place(list(each[1].values())[-1])):
        color, points = OURS if is_ours else PEER, [(at[number], place(value)) for number, value in values.items()]
        drawing.line(points, color, 2.5 if is_ours else 1.2)
        for point in points:
            drawing.dot(*point, color, 4 if is_ours else 2.5)
        floor = max(floor, points[-1][1])
        words = f"{label}: {quantity(list(values.values())[-1], unit)}"
        drawing.text(right + 10, floor + 4, words, color=color, size=11, weight="bold" if is_ours else "normal")
        drawing.line([points[-1], (right + 6, floor)], "#bbb", 0.6)
        floor += 15
    drawing.save(name)


def producers(bench, setting, title):
    series = []
    for contender in bench["contenders"]:
        figures = bench["figures"].get(f"{contender['name']}/{setting}", {})
        found = {int(name[5:]): statistics.median(values)
                 for name, values in figures.items() if name.startswith("each_")}
        if found:
            series.append((contender["title"].strip("*"), dict(sorted(found.items())), contender["name"] == "libcall"))
    lines(f"producers-{setting}", title, "ns", "producers", list(series[0][1]), series,
          "A call of all producers together, each with 64 on the way")


def depths(bench):
    found = {depth["pending"]: bench["figures"][depth["job"]] for depth in bench["depths"]
             if "begin" in bench["figures"].get(depth["job"], {})}
    names = (("begin", "begin"), ("run, by the worker", "serve"), ("finish", "finish"), ("cancel", "cancel"))
    series = [(label, {number: statistics.median(figures[name]) for number, figures in found.items()}, True)
              for label, name in names]
    lines("depths", "The cost of a call, whatever is pending", "ns", "calls pending", list(found), series,
          "libcall: all are begun behind a worker at a gate, then served, then finished")


def figures_of(*names):
    file = ROOT.joinpath("target", "benches", *names)
    return json.loads(file.read_text()) if file.exists() else None


def main():
    drawn = 0
    if bench := figures_of("bench.json"):
        for name, (title, unit, panels) in DOTS.items():
            dots(name, title, unit, panels, bench)
        producers(bench, "few", "Many producers, two workers")
        producers(bench, "many", "Many producers, sixteen workers")
        depths(bench)
        drawn += len(DOTS) + 3
    if bench := figures_of("isolated", "bench.json"):
        for name, (title, unit, panels) in ACROSS.items():
            dots(name, title, unit, panels, bench)
        drawn += len(ACROSS)
    print(f"bench-pictures: {drawn} pictures in docs/pictures")


main()
