"""Runs OtoMask and its PyTorch peers, each in the environment in which it is fastest or which its users have."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Variables that tune threads, BLAS and memory, and that whoever starts a benchmark may have set for something else. The worst is
# OPENBLAS_CORETYPE: it makes OpenBLAS use the kernels of an older processor, so that PyTorch runs without AVX-512 (half the
# speed) while our own kernels do not notice. Both sides start without any of these.
TUNING = ("OPENBLAS_", "GOTO_", "OMP_", "GOMP_", "KMP_", "MKL_", "DNNL_", "ONEDNN_", "MALLOC_", "GLIBC_TUNABLES")


@dataclass(frozen=True)
class Finished:
    """A program that ran to its end."""

    output: str
    seconds: float
    peak_mb: float


class TooSlow(Exception):
    """A program took longer than it was given."""


@dataclass(frozen=True)
class Setting:
    """A way to run the peer: what it waits with, what malloc does with freed memory, how many threads."""

    name: str
    threads: int
    environment: dict = field(hash=False, default_factory=dict)


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(TUNING)}


def run(command, environment, limit=None):
    """Runs a program; ends the benchmark with one line if it fails.

    Raises TooSlow when it takes longer than `limit` seconds."""
    command = [str(part) for part in command]
    begin = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        timer = threading.Timer(limit or threading.TIMEOUT_MAX, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)  # unlike wait(), it tells the memory of this child alone
        seconds = time.perf_counter() - begin
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if limit and seconds > limit:
            raise TooSlow
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            lines = errors.read().strip().splitlines() or ["it said nothing"]
            sys.exit(f"bench: {' '.join(command)} ended with {process.returncode}: {lines[-1]}")
        return Finished(output.read(), seconds, usage.ru_maxrss / 1024)


def ours(*arguments):
    """OtoMask as its users start it: the launcher sets waiting threads and BLAS."""
    return run([ROOT / "otomask", *arguments], clean_environment())


def our_json(*arguments):
    return json.loads(ours("bench", *arguments, "--json").output)


def peer(setting, script, *arguments, limit=None):
    environment = clean_environment() | setting.environment
    # Debian's default BLAS is OpenBLAS-pthread, whose threads fight PyTorch's OpenMP threads; the peer gets the OpenMP build, too.
    openmp = [str(path) for path in sorted(pathlib.Path("/usr/lib").glob("*-linux-gnu/openblas-openmp"))]
    environment["LD_LIBRARY_PATH"] = ":".join([*openmp, environment.get("LD_LIBRARY_PATH", "")]).rstrip(":")
    return json.loads(run(["/usr/bin/python3", ROOT / "bench/pytorch" / script, "--threads", setting.threads, *arguments], environment, limit).output)


def settings():
    """The plausible settings: OpenMP threads that spin (PyTorch's own default) or sleep while they wait; malloc as it is or keeping
    freed blocks, as OtoMask has it; a thread for each CPU given to us or, with simultaneous multithreading, for each core."""
    cpus = os.sched_getaffinity(0)
    lines = subprocess.run(["lscpu", "--parse=CPU,CORE,SOCKET"], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split(",") for line in lines if not line.startswith("#")]
    cores = {(core, socket) for cpu, core, socket in rows if int(cpu) in cpus}
    waiting = {"sleep": {"OMP_WAIT_POLICY": "PASSIVE"}, "spin": {}}
    keep = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_TOP_PAD_": str(64 << 20)}
    return [
        Setting(f"{threads} threads, {wait}{', keep' if memory else ''}", threads, environment | memory)
        for threads in sorted({len(cpus), len(cores)}, reverse=True)
        for wait, environment in waiting.items()
        for memory in ({}, keep)
    ]


def best_setting(what, measure):
    """The setting with the highest speed; tells all of them. `measure` takes a setting and a limit in seconds: spinning threads can
    take a hundred times as long as sleeping ones where something else runs, and nobody waits for that."""
    speeds, limit = {}, None
    for setting in settings():
        begin = time.perf_counter()
        try:
            speeds[setting] = measure(setting, limit)
        except TooSlow:
            say(f"{what}: {setting.name} is too slow")
            continue
        say(f"{what}: {setting.name} {speeds[setting]:.4g}")
        limit = min(2 * (time.perf_counter() - begin), limit or float("inf"))
    return max(speeds, key=speeds.get)


def in_turn(turn, ours, theirs):
    """Measures both; who goes first changes from turn to turn."""
    for measure in (ours, theirs) if turn % 2 else (theirs, ours):
        measure()


def check_same(ours, theirs):
    """Ends the benchmark if two runs of a training step did not do the same work."""
    for same in ("framework", "encoder", "decoder", "input", "patch", "batch", "precision"):
        if ours[same] != theirs[same]:
            sys.exit(f"bench: the two are not comparable: {same} is {ours[same]} here and {theirs[same]} there")


def say(text):
    print(text, file=sys.stderr, flush=True)
