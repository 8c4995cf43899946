"""Prints the results that bench/compare collected as a Markdown table: medians over the rounds, and the range."""

import json
import pathlib
import statistics
import sys


def read(folder, who):
    return [json.loads(path.read_text()) for path in sorted(pathlib.Path(folder).glob(f"{who}-*.json"))]


def cell(values):
    return f"{statistics.median(values):.4g} ({min(values):.4g} - {max(values):.4g})"


def main():
    ours, peer = read(sys.argv[1], "ours"), read(sys.argv[1], "peer")
    for same in ("framework", "encoder", "decoder", "input", "patch", "batch", "precision", "threads"):
        if ours[0][same] != peer[0][same]:
            sys.exit(f"the two are not comparable: {same} is {ours[0][same]} here and {peer[0][same]} there")
    first = ours[0]
    print(f"{first['framework']} {first['encoder']} + {first['decoder']}, input {first['input']}, patch {first['patch']}, batch {first['batch']}, "
          f"{first['precision']}, {first['threads']} threads; {len(ours)} rounds of {first['steps']} steps, median (min - max)\n")
    print(f"| | {first['engine']} | {peer[0]['engine']} | ratio of medians |\n|---|---|---|---|")
    rows = [("clips/s", lambda run: run["clips_per_second"]), ("step, ms", lambda run: run["step_ms"])]
    rows += [(f"{phase}, ms", lambda run, phase=phase: run["phase_ms"][phase]) for phase in ("forward", "backward", "update")]
    rows += [("mask, ms", lambda run: run["phase_ms"]["mask"]), ("peak memory, MB", lambda run: run["peak_rss_mb"])]
    for name, value in rows:
        a, b = [value(run) for run in ours], [value(run) for run in peer]
        print(f"| {name} | {cell(a)} | {cell(b)} | {statistics.median(a) / statistics.median(b):.2f} |")


if __name__ == "__main__":
    main()
