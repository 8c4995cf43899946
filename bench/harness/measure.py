"""Runs OtoMask and its PyTorch peers, each in the environment in which it is fastest or which its users have."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass

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


def clean_environment():
    """Neither tuned nor with a BLAS of its own: bench/'s scripts find the OpenMP build of OpenBLAS in LD_LIBRARY_PATH, which
    tools/setup.sh sets for OtoMask. The launcher sets it again; for the peer it is a setting."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(TUNING)}
    if "LD_LIBRARY_PATH" in environment:
        folders = environment["LD_LIBRARY_PATH"].split(":")
        environment["LD_LIBRARY_PATH"] = ":".join(folder for folder in folders if not pathlib.Path(folder).name.startswith("openblas-"))
    return environment


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
    command = ["/usr/bin/python3", ROOT / "bench/pytorch" / script, "--threads", setting.threads, *(f"--{way}" for way in setting.ways), *arguments]
    return json.loads(run(command, setting.environment, limit).output)


def peer_ways():
    """What of later PyTorches this one has, for the training step (peer.py)."""
    return tuple(json.loads(run(["/usr/bin/python3", ROOT / "bench/pytorch/peer.py", "--ways"], clean_environment()).output))


def in_turn(turn, *measures):
    """Measures all; who goes first changes from turn to turn."""
    for measure in measures if turn % 2 else reversed(measures):
        measure()


def check_same(ours, theirs):
    """Ends the benchmark if two runs of a training step did not do the same work."""
    for same in ("framework", "encoder", "decoder", "input", "patch", "batch", "precision"):
        if ours[same] != theirs[same]:
            sys.exit(f"bench: the two are not comparable: {same} is {ours[same]} here and {theirs[same]} there")


def say(text):
    print(text, file=sys.stderr, flush=True)
