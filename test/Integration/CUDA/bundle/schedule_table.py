"""Prints the device times of models whose branches have each schedule, beside those of the
schedule that the compiler decided on.

usage: schedule_table.py REPORT.json...    REPORT: MODEL-SCHEDULE, or MODEL of what was decided
"""
import json
import pathlib
import sys

SCHEDULES = ["serial", "streams", "grouped"]
ROW = "{:<24} {:>9} {:>9} {:>9} {:>9} {:>9}  {:<20} {:>8}"


def milliseconds(path):
    """The device's median where there is one, nothing without a report."""
    if not path.exists():
        return None
    report = json.loads(path.read_text())
    seconds = report.get("device", {}).get("median_latency_seconds") or report["median_latency_seconds"]
    return seconds * 1e3


def decided(report):
    """What the compiler decided on, block by block: `streams`, or `grouped, serial`."""
    names = {block["predicted"]["schedule"] for block in report.get("blocks", []) if "predicted" in block}
    return ", ".join(sorted(names)) or "-"


def row_of(path):
    report = json.loads(path.read_text())
    auto = milliseconds(path)
    times = [milliseconds(path.with_stem(f"{path.stem}-{schedule}")) for schedule in SCHEDULES]
    known = [time for time in times if time is not None]
    cells = ["-" if time is None else f"{time:.3f}" for time in times + [auto]]
    behind = f"{100 * (auto / min(known) - 1):+.1f} %" if known else "-"
    return ROW.format(path.stem, f"{report['batch']}x{report['tokens']}", *cells, decided(report), behind)


def main(paths):
    print(ROW.format("model, ms", "prefill", *SCHEDULES, "auto", "auto is", "to best"))
    for path in sorted(paths):
        if not path.stem.endswith(tuple(f"-{schedule}" for schedule in SCHEDULES)):
            print(row_of(path))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main([pathlib.Path(path) for path in sys.argv[1:]])
