"""Checks that a trace of flowhn-bench is what Perfetto draws, and prints its tracks.

usage: check_trace.py TRACE.json REPORT.json
"""
import collections
import json
import sys


def read(path):
    with open(path) as file:
        return json.load(file)


def main(trace, report):
    events = read(trace)["traceEvents"]
    launches = [event for event in events if event["ph"] == "X"]
    named = {event["tid"] for event in events if event["name"] == "thread_name"}
    assert named == {launch["tid"] for launch in launches}
    # Overlapping events on one track are not drawn.
    tracks = collections.defaultdict(list)
    for launch in launches:
        assert launch["ts"] >= 0 and launch["dur"] >= 0, launch
        tracks[launch["tid"]].append(launch)
    for track in tracks.values():
        for before, after in zip(track, track[1:]):
            assert before["ts"] + before["dur"] <= after["ts"] + 1e-6, (before, after)
    # The same launches as in the table of kernels.
    kernels = read(report)["kernels"]
    calls = collections.Counter(launch["name"] for launch in launches)
    assert calls == {kernel["kernel"]: kernel["calls"] for kernel in kernels}
    for key in ["flops", "bytes"]:
        total = sum(kernel[key] for kernel in kernels)
        assert abs(sum(launch["args"][key] for launch in launches) / total - 1) <= 1e-9
    places = {(launch["tid"], launch["args"].get("branch", "-")) for launch in launches}
    blocks = {launch["args"]["block"] for launch in launches if "block" in launch["args"]}
    for stream, branch in sorted(places):
        print("stream", stream, branch)
    print("blocks", *sorted(blocks))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
