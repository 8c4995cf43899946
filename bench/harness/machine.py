"""Where and with what something was measured."""

import datetime
import os
import pathlib
import platform
import re
import subprocess
import tempfile
import time

from measure import ROOT, clean_environment, ours


def describe():
    """One paragraph of Markdown. Call it first: it tells what else the machine was doing."""
    others = busy_share()
    busy = " (**a busy machine: numbers to see the form of, not to quote**)" if others > 0.05 else ""
    doctor = dict(re.findall(r"^(\S[^\n]*?)  +(.+)$", ours("doctor").output, re.MULTILINE))
    cpu = dict(line.split(":", 1) for line in pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0].replace("\t", "").splitlines())
    flags = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in cpu.get("flags", "").split()]
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / 2**20
    blas = doctor.get("BLAS", "?").split(",")[0].rsplit("/", 1)[-1]
    return (
        f"Machine: {cpu.get('model name', platform.machine()).strip()}, family {cpu.get('cpu family', '?').strip()} model {cpu.get('model', '?').strip()}, "
        f"{len(os.sched_getaffinity(0))} cores, {' '.join(flags)}, {memory:.0f} GiB. "
        f"{datetime.date.today()}, commit {git('describe', '--always', '--dirty')}, libtorch {doctor.get('libtorch', '?')}, "
        f"PyTorch {torch_version()}, {blas}. CPUs busy with other work when it began: {others:.0%}{busy}.")


def busy_share(seconds=3):
    """Share of the processor time that is taken, by whomever: other programs here, or other guests of the host."""
    def read():
        user, nice, system, idle, waiting, *others = map(int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
        return idle + waiting, user + nice + system + idle + waiting + sum(others)

    idle, total = read()
    time.sleep(seconds)
    idle_now, total_now = read()
    return 1 - (idle_now - idle) / (total_now - total)


def ceiling():
    """GFLOP/s that all cores reach on values in registers, by type: no matrix product can be faster."""
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "ceiling"
        subprocess.run(["g++", "-O2", "-pthread", "-o", program, ROOT / "bench/ceiling.cpp"], check=True)
        output = subprocess.run([program], check=True, capture_output=True, text=True, env=clean_environment()).stdout
    speeds = {name: float(speed) for name, speed in (line.split() for line in output.splitlines())}
    # Where the instruction for pairs of bfloat16 is the slower way (Intel), the kernels multiply them as float32.
    return {name: max(speed, speeds["fp32"]) for name, speed in speeds.items()}


def git(*arguments):
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True).stdout.strip() or "?"


def torch_version():
    return subprocess.run(["/usr/bin/python3", "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True, check=True).stdout.strip()
