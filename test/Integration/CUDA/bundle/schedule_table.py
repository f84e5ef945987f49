"""Prints what models take with their branches in each schedule, what the compiler decided on
beside them, and how far that is from the best of the others: a table in Markdown.

usage: schedule_table.py REPORT.json...    of flowhn-bench --compare, over MODEL-SCHEDULE.fhn
"""
import json
import pathlib
import sys

SCHEDULES = ["serial", "streams", "grouped", "auto"]
SIZES = ["135M", "350M", "1B"]
ROW = "| {:<22} | {:>7} | {:>7} | {:>7} | {:>7} | {:>7} | {:<15} | {:>7} |"


def excess(times):
    """Per cent that the decision takes more than the best of the choices."""
    return 100 * (times["auto"] / min(time for name, time in times.items() if name != "auto") - 1)


def row_of(model, report):
    """The line of a model, and its excess."""
    artifacts = {one["artifact"].rpartition("-")[2]: one for one in report["artifacts"]}
    times = {name: one["median_seconds"] * 1e3 for name, one in artifacts.items()}
    cells = [f"{times[name]:.3f}" if name in times else "-" for name in SCHEDULES]
    # Blocks may differ: "grouped, serial".
    taken = ", ".join(sorted(set(artifacts["auto"]["schedules"]))) or "-"
    call = f"{report['batch']}x{report['tokens']}"
    return ROW.format(model, call, *cells, taken, f"{excess(times):+.1f} %"), excess(times)


def main(paths):
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        sys.exit(f"error: no report {', '.join(missing)}: nothing was measured")
    print(ROW.format("model, ms", "prefill", *SCHEDULES, "auto is", "to best"))
    print("|---" * ROW.count("{") + "|")
    largest = ("", -100.0)
    for path in sorted(paths, key=lambda path: (SIZES.index(path.stem.split("-")[0]), path.stem)):
        row, percent = row_of(path.stem, json.loads(path.read_text()))
        print(row)
        largest = max(largest, (path.stem, percent), key=lambda pair: pair[1])
    print(f"auto is at most {largest[1]:+.1f} % from the best: {largest[0]}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main([pathlib.Path(path) for path in sys.argv[1:]])
