"""Training steps on a GPU: which, how long they may take, in turn with the peer's, and the tables of them."""

import contextlib
import dataclasses
import json
import os
import signal
import statistics
import time

from gpu_machine import DeviceMemory
from measure import Failed, TooSlow, check_same, in_turn, our_json, peer, peer_ways, say
from report import number, ratio, spread, table
from settings import Setting, default_blas

# The ways of peer.py that are tried, one upon the other: PyTorch as it was, attention in one operator, optimiser and moving average in one
# each, compiled.
COMPILED = ("sdpa", "fused", "foreach", "compile")
TRIES = ((), ("sdpa",), ("sdpa", "fused", "foreach"), COMPILED)
# Seconds that torch.compile may take.
COMPILING = 150
PHASES = ("data", "mask", "forward", "backward", "update")


class Clock:
    """What is left of a time."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    @property
    def left(self):
        return self.end - time.monotonic()

    def part(self, seconds):
        """A clock of its own that ends no later than this one."""
        return Clock(min(seconds, self.left))

    def limit(self):
        """Seconds for a program. Raises TooSlow where none are left."""
        if self.left < 1:
            raise TooSlow
        return self.left


@dataclasses.dataclass
class Work:
    """A training step of M2D. Of ours and of each of the peer's ways: its runs by their round, or why there are none."""

    name: str
    arguments: tuple
    ours: dict = dataclasses.field(default_factory=dict)
    peer: dict = dataclasses.field(default_factory=dict)
    trouble: dict = dataclasses.field(default_factory=dict)

    @property
    def fastest(self):
        """The way that was in the first round; None where none ran."""
        return max(self.peer, key=lambda ways: self.peer[ways][1]["clips_per_second"], default=None)

    @property
    def pairs(self):
        """The runs of ours and of the fastest way, of the rounds that have both."""
        theirs = self.peer.get(self.fastest, {})
        return [(run, theirs[turn]) for turn, run in self.ours.items() if turn in theirs]


def plan(machine):
    """The most telling first. On a GPU the batch is what its memory allows while all are being compiled."""
    base = next(batch for batch, memory in ((256, 100), (128, 60), (64, 30), (32, 0)) if machine.memory > memory) if machine.is_gpu else 4
    steps, single = (20, "tf32") if machine.is_gpu else (2, "fp32")  # the processor has no TensorFloat-32
    return [
        Work(f"{size}, batch {batch}, {precision}", ("--size", size, "--batch", batch, "--input", "80x608", "--precision", precision, "--steps", steps))
        for size, batch in (("base", base), ("tiny", 2 * base)) for precision in ("bf16", single)]


def quick():
    return [Work("16/1/2, batch 4, fp32", ("--encoder", "16/1/2", "--decoder", "16/1/2", "--batch", 4, "--input", "80x48", "--precision", "fp32", "--steps", 2))]


def setting(ways):
    """PyTorch as it comes, with some of its ways."""
    return Setting(len(os.sched_getaffinity(0)), sleep=True, blas=default_blas(), ways=ways)


def measure(works, machine, clock, rounds):
    """In the first round every work has its share of the time, and the peer tries its ways; in those that the time allows besides, ours
    and the fastest of these run in turn."""
    has = set(peer_ways(machine.peer))
    tries = [ways for ways in TRIES if set(ways) <= has]
    for work in works:
        work.trouble |= {ways: f"this PyTorch has no {' '.join(way for way in ways if way not in has)}" for ways in TRIES if ways not in tries}
    for place, work in enumerate(works):
        share = clock.part(clock.left / (len(works) - place))
        in_turn(1, lambda: measure_ours(work, machine, 1, share), *(lambda ways=ways: measure_peer(work, ways, machine, 1, share) for ways in tries))
    for turn in range(2, rounds + 1):
        for work in works:
            if work.pairs and clock.left > 1.3 * sum(run["seconds"] for run in work.pairs[-1]):
                in_turn(turn, lambda: measure_ours(work, machine, turn, clock), lambda: measure_peer(work, work.fastest, machine, turn, clock))


def measure_ours(work, machine, turn, clock):
    attempt(work, "OtoMask", work.ours, machine, turn, lambda: our_json("train", "--device", machine.ours, *work.arguments, limit=clock.limit()))


def measure_peer(work, ways, machine, turn, clock):
    clock = clock.part(COMPILING) if "compile" in ways else clock
    runs = work.peer.get(ways, {})
    attempt(work, ways, runs, machine, turn, lambda: peer(setting(ways), "peer.py", "--device", machine.peer, *work.arguments, limit=clock.limit()))
    if runs:
        work.peer[ways] = runs
        if turn in work.ours:
            check_same(work.ours[turn], runs[turn])


def attempt(work, who, runs, machine, turn, program):
    """Runs a program and keeps what it measured, or why it did not."""
    name = who if isinstance(who, str) else f"peer, {way_name(who)}"
    begin = time.monotonic()
    try:
        with DeviceMemory(machine) as memory:
            runs[turn] = program() | {"device_gib": memory.most}
        runs[turn]["seconds"] = time.monotonic() - begin
        say(f"{work.name}: {name}, {number(runs[turn]['clips_per_second'])} clips/s")
    except (TooSlow, Failed) as problem:
        seconds = time.monotonic() - begin
        work.trouble[who] = problem.reason if isinstance(problem, Failed) else f"not done after {seconds:.0f} s" if seconds > 1 else "no time was left"
        say(f"{work.name}: {name}, {work.trouble[who]}")


def end_group(program):
    """Ends a program that leads a group, and those that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()


def way_name(ways):
    return " + ".join(ways) or "eager"


def write(path, works, machine, fixtures):
    """The tables into a file and onto the screen, everything measured beside it."""
    text = document(works, machine, fixtures)
    path.write_text(text)
    path.with_suffix(".json").write_text(json.dumps({
        "machine": machine.found, "fixtures": fixtures,
        "works": [
            {
                "work": work.name, "otomask": list(work.ours.values()), "peer": {way_name(ways): list(runs.values()) for ways, runs in work.peer.items()},
                "fastest": work.fastest and way_name(work.fastest),
                "trouble": {who if isinstance(who, str) else way_name(who): why for who, why in work.trouble.items()},
            } for work in works],
    }, indent=1) + "\n")
    print(f"\n{text}")
    say(f"{path}, {path.with_suffix('.json')}")


def document(works, machine, fixtures):
    """One page of Markdown."""
    found = ", ".join(f"{name} {value}" for name, value in machine.found.items() if value)
    return "\n\n".join([
        f"{found}.",
        f"Fixtures on {machine.ours}: {fixtures['told'].splitlines()[-1] if fixtures['told'] else 'nothing was said'}.",
        f"M2D 80x608, OtoMask on {machine.ours}, PyTorch on {machine.peer}, clips/s; rounds in turn, median (min-max).",
        table(["work", "OtoMask", "PyTorch at its fastest", "ratio", "device memory, GiB", "PyTorch's", "TFLOP/s"], [compared(work) for work in works]),
        "What the peer was tried with, clips/s in the first round:",
        table(["work", *map(way_name, TRIES)], [[work.name, *(tried(work, ways) for ways in TRIES)] for work in works]),
        "Milliseconds of a step; every phase ends when the device has done it.",
        table(["work", "", "step", *PHASES], [row for work in works for row in phases(work)]),
    ]) + "\n"


def compared(work):
    if not work.pairs:
        both = [spread(speeds(work.ours.values())) if work.ours else work.trouble.get("OtoMask", "-")]
        return [work.name, *both, *5 * ["-"]]
    ours, theirs = zip(*work.pairs)
    return [
        work.name, spread(speeds(ours)), f"{spread(speeds(theirs))}; {way_name(work.fastest)}", ratio(speeds(ours), speeds(theirs)),
        memory(ours), memory(theirs), number(statistics.median(run["gflops"] for run in ours) / 1000)]


def tried(work, ways):
    return number(work.peer[ways][1]["clips_per_second"]) if ways in work.peer else work.trouble.get(ways, "-")


def phases(work):
    for name, runs in (("OtoMask", work.ours), ("PyTorch", work.peer.get(work.fastest, {}))):
        if runs:
            cells = [number(statistics.median(run["phase_ms"][phase] for run in runs.values())) if phase in run_phases(runs) else "-" for phase in PHASES]
            yield [work.name, name, number(statistics.median(run["step_ms"] for run in runs.values())), *cells]


def run_phases(runs):
    return next(iter(runs.values()))["phase_ms"]


def speeds(runs):
    return [run["clips_per_second"] for run in runs]


def memory(runs):
    taken = [run["device_gib"] for run in runs if run["device_gib"] is not None]
    return spread(taken) if taken else "-"
