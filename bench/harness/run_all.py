"""Measures everything that has a target, ours and the peer in turn, and prints it as Markdown. `bench/run-all` starts it."""

import argparse
import pathlib
import statistics
import tempfile

import machine
from measure import say
from report import number, table, update
from works import PRECISIONS, Embed, Files, Help, LogMel, Masks, Processes, Step


# Clips/s of a training step over those of the fastest setting of PyTorch.
LEAST, AIM = ({precision: target for precision in PRECISIONS} for target in (1.3, 1.6))


def works(quick):
    return [
        Step("tiny", 16, LEAST, AIM, steps=3 if quick else 10, tries=2 if quick else 4),
        Step("base", 8, LEAST, AIM, steps=1 if quick else 3, tries=1 if quick else 2, sparing=True),
        Processes("tiny", 32, 1, least=0.95, steps=2 if quick else 8),
        Processes("base", 8, 4, least=0.9, steps=1 if quick else 2),
        Masks(),
        Files(count=60 if quick else 300, steps=10 if quick else 40),
        Embed(count=60 if quick else 300),
        LogMel(seconds=0.3 if quick else 2),
        Help(times=2 if quick else 10),
    ]


def target_table(done):
    rows = [row for work in done for row in work.rows()]
    rows += [row for work in done if work.name == "base" for row in work.memory_rows()]
    return table(["work", "ours", "peer and its setting", "ratio", "at least", "aim", "met?"], [row.cells() for row in rows])


def installed_table(steps):
    """Training steps beside PyTorch as Debian sets it up: information, the targets ask for more."""
    return table(["work", "ours", "PyTorch as Debian sets it up", "ratio"], [row for work in steps for row in work.installed_rows()])


def step_table(steps, ceiling):
    """Where the time of a step goes, and how far both sides are from what the processor can do."""
    lines = []
    for work in steps:
        for precision in PRECISIONS:
            operations = work.ours[precision][0]["gflop_per_step"]
            for who, runs in (("ours", work.ours[precision]), ("peer", work.peer[precision])):
                def median(value, runs=runs):
                    return statistics.median(value(run) for run in runs)
                speed = operations / median(lambda run: run["step_ms"]) * 1000
                share = f"{speed / ceiling[precision]:.0%}" if precision in ceiling else "-"
                phases = [number(median(lambda run, phase=phase: run["phase_ms"][phase])) for phase in ("forward", "backward", "update")]
                lines.append([f"{work.what} {precision}", who, number(median(lambda run: run["step_ms"])), *phases, number(speed), share])
    products = {precision: statistics.median(run["gemm_gflops"] for work in steps for run in work.ours[precision]) for precision in PRECISIONS}
    told = ", ".join(f"{number(speed)} GFLOP/s {name}" for name, speed in ceiling.items()) or "not known on this processor"
    return (
        table(["step", "", "ms", "forward", "backward", "update", "GFLOP/s", "of the ceiling"], lines)
        + f"\n\nCeiling, multiply-adds in registers on all cores (`bench/ceiling.cpp`): {told}. "
        + f"libtorch's product of two 1024 x 1024 matrices: {', '.join(f'{number(speed)} GFLOP/s {name}' for name, speed in products.items())}.")


def main():
    names = [work.name for work in works(False)]
    parser = argparse.ArgumentParser(prog="bench/run-all", description=__doc__.split(". ")[0] + ".")
    parser.add_argument("--quick", action="store_true", help="one short round: to see that everything runs, not to quote")
    parser.add_argument("--rounds", type=int, help="rounds of ours and peer in turn (default 5)")
    parser.add_argument("--only", choices=names, action="append", help="only this work; may be repeated")
    parser.add_argument("--out", type=pathlib.Path, help="write the Markdown to this file, too")
    parser.add_argument("--update", type=pathlib.Path, help="rewrite the generated parts of this page")
    arguments = parser.parse_args()
    if arguments.only and arguments.update:
        parser.error("--update needs the whole table; leave out --only")
    rounds = (1 if arguments.quick else 5) if arguments.rounds is None else arguments.rounds
    if rounds < 1:
        parser.error("--rounds needs a number of 1 or more")

    header = machine.describe()
    ceiling = machine.ceiling()
    chosen = [work for work in works(arguments.quick) if not arguments.only or work.name in arguments.only]
    with tempfile.TemporaryDirectory(prefix="otomask-bench-") as folder:
        for work in chosen:
            work.prepare(pathlib.Path(folder))
        for turn in range(1, rounds + 1):
            for work in chosen:
                say(f"round {turn} of {rounds}: {work.name}")
                work.measure(turn)

    blocks = {"targets": f"{header} {rounds} rounds; medians (min-max).\n\n{target_table(chosen)}"}
    if steps := [work for work in chosen if isinstance(work, Step)]:
        blocks["installed"] = installed_table(steps)
        blocks["step"] = step_table(steps, ceiling)
    text = "\n\n".join(blocks.values())
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")
    if arguments.update:
        update(arguments.update, blocks)


if __name__ == "__main__":
    main()
