"""Runs OtoMask and its PyTorch peers, each in the environment in which it is fastest or which its users have."""

import json
import os
import pathlib
import re
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


class Failed(SystemExit):
    """A program failed. Where nobody catches it, it ends the benchmark with one line."""

    def __init__(self, command, code, reason):
        super().__init__(f"bench: {' '.join(command)} ended with {code}: {reason}")
        self.reason = reason


def clean_environment():
    """Neither tuned nor with a BLAS of its own: bench/'s scripts find the OpenMP build of OpenBLAS in LD_LIBRARY_PATH, which
    tools/setup.sh sets for OtoMask. The launcher sets it again; for the peer it is a setting."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(TUNING)}
    if "LD_LIBRARY_PATH" in environment:
        folders = environment["LD_LIBRARY_PATH"].split(":")
        environment["LD_LIBRARY_PATH"] = ":".join(folder for folder in folders if not pathlib.Path(folder).name.startswith("openblas-"))
    return environment


def run(command, environment, limit=None):
    """Runs a program. Raises Failed if it fails, and TooSlow when it takes longer than `limit` seconds."""
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
            raise Failed(command, process.returncode, reason(errors.read()))
        return Finished(output.read(), seconds, usage.ru_maxrss / 1024)


def reason(errors):
    """The line that says why a program failed: the last one, or where Python's traceback goes on with advice, its exception."""
    lines = errors.strip().splitlines() or ["it said nothing"]
    exceptions = [line for line in lines if re.match(r"[A-Za-z_][\w.]*(Error|Exception|Failed)\b", line)]
    return exceptions[-1] if exceptions and "Traceback (most recent call last):" in lines else lines[-1]


def ours(*arguments, limit=None):
    """OtoMask as its users start it: the launcher sets waiting threads and BLAS."""
    return run([ROOT / "otomask", *arguments], clean_environment(), limit)


def our_json(*arguments, limit=None):
    return json.loads(ours("bench", *arguments, "--json", limit=limit).output)


def peer(setting, script, *arguments, limit=None):
    return json.loads(run(peer_command(setting, script, *arguments), setting.environment, limit).output)


def peer_command(setting, script, *arguments):
    """How a peer is started: by the Python that runs the benchmark."""
    return [sys.executable, ROOT / "bench/pytorch" / script, "--threads", setting.threads, *(f"--{way}" for way in setting.ways), *arguments]


def peer_ways(device="cpu"):
    """What of later PyTorches this one has for a device, for the training step (peer.py)."""
    return tuple(json.loads(run([sys.executable, ROOT / "bench/pytorch/peer.py", "--ways", "--device", device], clean_environment()).output))


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
