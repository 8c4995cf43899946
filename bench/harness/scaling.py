"""How OtoMask's cost grows with batch, input length, width and number of files. `bench/scaling` starts it."""

import argparse
import pathlib
import sys
import tempfile

import machine
import plan
import sounds
from cost import Model
from measure import our_json, ours, say
from report import number, table, update
from works import PRECISIONS


def step(size, frames, batch, precision, steps):
    """One measured training step of M2D; also checks that the program counts operations as the plan does."""
    say(f"M2D {size} 80x{frames} batch {batch} {precision} ...")
    run = our_json("train", "--size", size, "--input", f"80x{frames}", "--batch", batch, "--precision", precision, "--steps", steps)
    expected = batch * Model(True, size, frames).gflop_per_clip()
    if abs(run["gflop_per_step"] / expected - 1) > 1e-4:
        sys.exit(f"bench: {size} 80x{frames}: `otomask bench train` counts {run['gflop_per_step']} GFLOP a step, harness/cost.py {expected:.3f}")
    return run


def growth(what, cases):
    """A line per case: label, then size, frames, batch and steps of the run in each precision."""
    rows, speeds = [], {}
    for label, size, frames, batch, steps in cases:
        runs = {precision: step(size, frames, batch, precision, steps) for precision in PRECISIONS}
        speeds[label] = runs["bf16"]["clips_per_second"]
        rows.append([
            label, number(runs["bf16"]["gflop_per_step"] / batch), *(number(runs[name]["clips_per_second"]) for name in PRECISIONS),
            *(number(runs[name]["gflops"]) for name in PRECISIONS), *(number(runs[name]["peak_rss_mb"] / 1024) for name in PRECISIONS)])
    header = [what, "GFLOP a clip"]
    header += [f"{column} {precision}" for column in ("clips/s", "GFLOP/s", "peak GiB") for precision in PRECISIONS]
    return table(header, rows), speeds


def batch_growth(quick):
    return growth("batch (tiny, 80x608)", [(batch, "tiny", 608, batch, 2 if quick else 6) for batch in (4, 8, 16, 32, 64)])[0]


def length_growth(quick):
    return growth("frames (tiny, batch 16)", [(frames, "tiny", frames, 16, 2 if quick else 6) for frames in (208, 400, 608, 1008, 2000)])[0]


def width_growth(quick):
    sizes = {"tiny": 10, "small": 5, "base": 3, "large": 2}
    return growth("size (80x608, batch 8)", [(size, size, 608, 8, 1 if quick else steps) for size, steps in sizes.items()])


def file_growth(quick):
    """Recordings of 2 s: the cache, a second look at it, and the start of a run with and without it."""
    rows = []
    for count in (100, 1000) if quick else (100, 1000, 10000):
        say(f"{count} files ...")
        with tempfile.TemporaryDirectory(prefix="otomask-bench-") as name:
            folder = pathlib.Path(name)
            files, cache = sounds.flac(folder / "flac", count), folder / "cache"
            prepared, again = ours("prepare", files, "--out", cache), ours("prepare", files, "--out", cache)
            size = sum(path.stat().st_size for path in cache.iterdir())
            starts = [one_step(data, folder / f"run-{number}") for number, data in enumerate((files, cache))]
            rows.append([
                f"{count:,}", f"{number(prepared.seconds)} s", f"{number(1000 * prepared.seconds / count)} ms", f"{number(prepared.peak_mb)} MB",
                f"{number(size / 1e6)} MB", f"{number(again.seconds)} s",
                *(f"{number(start.seconds)} s, {number(start.peak_mb)} MB" for start in starts)])
    return table(
        ["files of 2 s", "`prepare`", "a file", "its memory", "cache", "`prepare` again", "one-step run on the files", "on the cache"], rows)


def one_step(data, run):
    return ours(
        "pretrain", "--data", data, "--out", run, "--size", "tiny", "--input", "80x208", "--batch", 16, "--steps", 1, "--min-clips", 0, "--evaluate-every", 0)


def main():
    parser = argparse.ArgumentParser(prog="bench/scaling", description=__doc__.split(" `")[0])
    parser.add_argument("--quick", action="store_true", help="fewer steps and files: to see that everything runs, not to quote")
    parser.add_argument("--only", choices=["batch", "length", "width", "files"], action="append", help="only this; may be repeated")
    parser.add_argument("--out", type=pathlib.Path, help="write the Markdown to this file, too")
    parser.add_argument("--update", type=pathlib.Path, help="rewrite the generated parts of this page that were measured")
    arguments = parser.parse_args()
    asked = arguments.only or ["batch", "length", "width", "files"]

    whole, told = len(set(asked)) == 4, []

    def tell(**blocks):
        """Gives tables away as soon as they are there: the whole takes minutes."""
        for name, content in blocks.items():
            print(content, end="\n\n", flush=True)
            told.append(content)
            if arguments.update:
                update(arguments.update, {name.replace("_", "-"): content})

    header = machine.describe()
    if whole or not arguments.update:  # on the page it would speak for tables of other runs
        tell(growth=header)
    tell(plan_cost=plan.costs())
    if "batch" in asked:
        tell(growth_batch=batch_growth(arguments.quick))
    if "length" in asked:
        tell(growth_length=length_growth(arguments.quick))
    if "width" in asked:
        lines, speeds = width_growth(arguments.quick)
        tell(growth_width=lines, plan_days=plan.days(speeds), plan_machines=plan.machines(speeds))
    if "files" in asked:
        tell(growth_files=file_growth(arguments.quick))
    if arguments.out:
        arguments.out.write_text("\n\n".join(told) + "\n")


if __name__ == "__main__":
    main()
