"""Measure what is often said about speed and memory: ``nox -s figures``, here and now.

Each claim of ``circulating.py`` is measured on the best device that there is, or those that
are named: ``nox -s figures -- onnx int8``. Both ways take turns, so that whatever else the
machine does meets both. The page ``docs/figures.md`` shows what ``docs/figures/record.json``
keeps; ``-- --draw`` draws that again and measures nothing. On a machine that is busy,
``-- --bytes`` measures memory alone, which does not depend on the load.
"""

import argparse
import gc
import json
import math
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from recorded import sha256, table

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "figures"
RECORD = FOLDER / "record.json"
SOURCE = Path(__file__).with_name("circulating.py")
DEVICES = {"cpu": "CPU", "cuda": "CUDA"}
ROUNDS, LONG = 9, 0.5  # how often both take turns, and for how many seconds
DIGITS = 3  # that a record keeps


# --- measure ------------------------------------------------------------------


def seconds(call, times):
    """Mean seconds of ``times`` calls, until the device is done with them."""
    import torch

    start = time.perf_counter()
    for _ in range(times):
        call()
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
    return (time.perf_counter() - start) / times


def speed(without, with_it):
    """How many times as fast the second is: quartiles over rounds in which both take turns."""
    times = []
    for call in (without, with_it):
        seconds(call, 2)  # what is done once: compiled, allocated, started
        times.append(max(1, round(LONG / seconds(call, 1))))
    ratios = []
    for number in range(ROUNDS):
        turn = [0, 1] if number % 2 else [1, 0]
        took = {which: seconds((without, with_it)[which], times[which]) for which in turn}
        ratios.append(took[0] / took[1])
    low, median, high = statistics.quantiles(ratios, n=4)
    return [low, median, high]


def peak(make, which, device):
    """Bytes at the peak of two calls, with the weights and all else that ``make`` allocates."""
    import torch

    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        call = make(device)[which]
        call(), call()
        return torch.cuda.max_memory_allocated() - before
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        call = make(device)[which]
        call(), call()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profile.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    changes = [(one["ts"], one["args"]["Bytes"]) for one in events if one["name"] == "[memory]"]
    held = highest = 0
    for _, size in sorted(changes):
        held += size
        highest = max(highest, held)
    return highest


def measure(name, device, timed=True):
    """``{"speed": [low, median, high], "memory": [ratio]}`` of a claim, or None."""
    import torch

    import circulating

    make = getattr(circulating, name)
    torch.manual_seed(0)
    made = make(device)
    if made is None:
        return None
    found = {"speed": speed(*made[:2])} if timed else {}
    if "memory" in circulating.CLAIMED[name]:
        sizes = made[2:] or [[peak(make, which, device) for which in (0, 1)]]
        found["memory"] = [sizes[0][1] / sizes[0][0]]
    return {what: [float(f"{x:.{DIGITS}g}") for x in values] for what, values in found.items()}


def machine(device):
    """What a record says of the machine and of the packages."""
    import torch

    from torchproof import process, record

    run = record.this_run(device.type, process.machine(), torch.get_num_threads())
    kept = {name: run[name] for name in ("torch", "python", "name", "isa", "threads", "date")}
    load = round(os.getloadavg()[0], 1)  # of the minute before
    return kept | {"onnxruntime": record.version("onnxruntime"), "load": load}


# --- draw ---------------------------------------------------------------------

LEFT, RIGHT, OCTAVE = 34, 290, 42.0  # where the scale begins and ends; a factor of two
FIRST, LAST = 1 / 8, 8  # what the scale shows
NARROW, ROW = 440, 22
UNITS = {"speed": "1/s", "memory": "B"}
TICKS = {1 / 8: "⅛", 1 / 4: "¼", 1 / 2: "½", 1: "1", 2: "2", 4: "4", 8: "8"}
COLOURS = {"cpu": "#0085CA", "cuda": "#E07B00"}


def place(ratio):
    """Where a ratio stands on the logarithmic scale."""
    shown = min(max(ratio, FIRST), LAST)
    return LEFT + OCTAVE * math.log2(shown / FIRST)


def holds(claimed, median):
    """Whether what was measured lies in the range that is claimed."""
    low, high = claimed
    return low <= median <= (high or math.inf)


def text(x, y, content, more=""):
    return f'<text x="{x:g}" y="{y:g}"{more}>{content}</text>'


def number(ratio):
    return f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"


def draw(claimed, runs):
    """A claim as an inline SVG, which takes its colours from the page that it stands on.

    A band for what is claimed; for each device a dot at the median and a line over the middle
    half of the rounds.

    Args:
        claimed: ``{"speed": (low, high), ...}``.
        runs: for each device what was measured, or None.
    """
    parts, y = [], 4.0
    for what, (low, high) in claimed.items():
        start, end = place(low), place(high or LAST)
        height = ROW * len(DEVICES)
        parts.append(f'<rect x="{start:g}" y="{y:g}" width="{end - start:g}" height="{height}" '
                     'fill="currentColor" opacity="0.15"/>')  # fmt: skip
        parts.append(text(0, y + height / 2 + 4, UNITS[what], ' font-weight="bold"'))
        for device, label in DEVICES.items():
            y += ROW
            values = (runs.get(device) or {}).get(what)
            if not values:
                parts.append(text(RIGHT + 16, y - 7, f"{label} —"))
                continue
            median = values[len(values) // 2]
            mark = "✓" if holds((low, high), median) else "✗"
            at, middle, colour = place(median), y - ROW / 2, COLOURS[device]
            parts.append(f'<path d="M{place(values[0]):.1f} {middle:g}H{place(values[-1]):.1f}" '
                         f'stroke="{colour}" stroke-width="3"/>')  # fmt: skip
            parts.append(f'<circle cx="{at:.1f}" cy="{middle:g}" r="5" fill="{colour}"/>')
            parts.append(text(RIGHT + 16, y - 7, f"{label} {number(median)} × {mark}"))
        y += 10
    for ratio, label in TICKS.items():
        x = place(ratio)
        dash = "" if ratio == 1 else ' stroke-dasharray="2 4"'
        parts.insert(0, f'<path d="M{x:g} 0V{y:g}" stroke="currentColor" opacity="0.4"{dash}/>')
        parts.append(text(x, y + 14, label, ' text-anchor="middle"'))
    return (
        f'<svg viewBox="0 0 {NARROW} {y + 20:g}" width="{NARROW}" height="{y + 20:g}" role="img" '
        f'aria-label="{described(claimed, runs)}" font-size="13" fill="currentColor" '
        f'style="max-width: 100%; height: auto">{"".join(parts)}</svg>\n'
    )


def described(claimed, runs):
    """The numbers of a drawing in a line, for who does not see it."""
    found = []
    for what, (low, high) in claimed.items():
        limits = f"{low:g}–{high:g}" if high else f"&gt; {low:g}"
        found.append(f"{UNITS[what]}: {limits} ×")
        for device, label in DEVICES.items():
            values = (runs.get(device) or {}).get(what)
            shown = f"{number(values[len(values) // 2])} ×" if values else "—"
            found.append(f"{label} {shown}")
    return ", ".join(found)


def machines(runs):
    """The machines, a row each."""
    heads, rows = ("", "PyTorch", "ONNX Runtime", "Python", "", "getloadavg()", ""), []
    for device, label in DEVICES.items():
        run = runs.get(device)
        row = [label, *["—"] * 6]
        if run:
            where = f"{run['name']}, {run['isa']}, {run['threads']} ×"
            row = [label, run["torch"], run["onnxruntime"], run["python"]]
            row += [where, run["load"], run["date"]]
        rows.append(row)
    return table(heads, rows)


def pictures(known):
    """What the page includes: ``{file name: HTML}``."""
    found = {"machines.html": machines({device: one["run"] for device, one in known.items()})}
    names = {name: one for run in known.values() for name, one in run["claimed"].items()}
    for name, claimed in names.items():
        runs = {device: one["claims"].get(name) for device, one in known.items()}
        found[f"{name}.html"] = draw(claimed, runs)
    return found


# --- keep ---------------------------------------------------------------------


def load():
    """What is recorded: for each device its run, what was claimed and what came out."""
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}


def same(old, new):
    """Whether an older run measured the same on the same machine, perhaps on another day."""
    today = {what: new["run"][what] for what in ("date", "load")}
    return bool(old) and old["sha256"] == new["sha256"] and old["run"] | today == new["run"]


def save(known):
    """Write the record and what the page shows of it."""
    FOLDER.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    for name, html in pictures(known).items():
        (FOLDER / name).write_text(html, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("claims", nargs="*", help="names of claims; by default all")
    parser.add_argument("--bytes", action="store_true", help="measure memory alone")
    parser.add_argument("--draw", action="store_true", help="draw the record again")
    options = parser.parse_args()
    known = load()
    os.environ.setdefault("KINETO_LOG_LEVEL", "9")
    if not options.draw:
        import torch

        import circulating

        found = torch.accelerator.current_accelerator(check_available=True)
        device = found if found and found.type in DEVICES else torch.device("cpu")
        head = {"sha256": sha256(SOURCE), "run": machine(device), "claimed": circulating.CLAIMED}
        claims = dict(known[device.type]["claims"]) if same(known.get(device.type), head) else {}
        if head["run"]["load"] > 1 and not options.bytes:
            print(f"other programs run: the load is {head['run']['load']}", flush=True)
        for name in options.claims or circulating.CLAIMED:
            start = time.perf_counter()
            claims[name] = measure(name, device, timed=not options.bytes)
            print(f"{name:<16} {time.perf_counter() - start:5.0f} s  {claims[name]}", flush=True)
        kept = {name: claims.get(name) for name in circulating.CLAIMED}
        known[device.type] = json.loads(json.dumps(head | {"claims": kept}))
    save(known)


if __name__ == "__main__":
    sys.exit(main())
