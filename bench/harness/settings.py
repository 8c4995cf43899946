"""The ways to run the peer, and which of them are the fastest."""

import dataclasses
import os
import pathlib
import subprocess
import sysconfig
import time
from typing import NamedTuple

from measure import TooSlow, clean_environment, say

# Where Debian has its libraries; each build of a BLAS has a folder there, and a link names the one that programs get.
LIBRARIES = pathlib.Path("/usr/lib", sysconfig.get_config_var("MULTIARCH") or "")
OPENMP = LIBRARIES / "openblas-openmp"
# Seconds that a compiled peer may take, most of them in the compiler.
COMPILING = 900
# What OtoMask's bridge asks of malloc.
KEEP = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_TOP_PAD_": str(64 << 20)}


@dataclasses.dataclass(frozen=True)
class Setting:
    """A way to run the peer: how many threads, whether they sleep or spin (PyTorch's own default) while they wait, the folder of the
    BLAS, whether malloc keeps freed blocks, and what of later PyTorches its code uses (the ways of peer.py)."""

    threads: int
    sleep: bool
    blas: pathlib.Path
    keep: bool = False
    ways: tuple = ()

    @property
    def name(self):
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads, {'sleep' if self.sleep else 'spin'}"
        return f"{threads}{', keep' if self.keep else ''}, {self.blas.name}{', ' + ' '.join(self.ways) if self.ways else ''}"

    @property
    def environment(self):
        """All variables that the peer starts with."""
        environment = clean_environment() | ({"OMP_WAIT_POLICY": "PASSIVE"} if self.sleep else {}) | (KEEP if self.keep else {})
        if self.blas != default_blas():
            environment["LD_LIBRARY_PATH"] = ":".join(filter(None, (str(self.blas), environment.get("LD_LIBRARY_PATH"))))
        return environment

    @property
    def installed(self):
        """Whether this is PyTorch as Debian sets it up, but for its threads."""
        return self.blas == default_blas() and not self.keep and not self.ways


class Best(NamedTuple):
    """The fastest setting of all, and the fastest of PyTorch as Debian sets it up; they may be the same."""

    fastest: Setting
    installed: Setting


def best_settings(what, measure, ways=()):
    """Tries the settings and tells their speeds. `measure` takes a setting and a limit in seconds: spinning threads can take a hundred
    times as long as sleeping ones where something else runs, and nobody waits for that. Each BLAS has its own limit, so that even of a
    much slower one the best is known. `ways` are tried one upon the other, each with what is fastest so far."""
    speeds, limits = {}, {}

    def attempt(setting):
        begin = time.perf_counter()
        limit = COMPILING if "compile" in setting.ways else limits.get(setting.blas)
        try:
            speeds[setting] = measure(setting, limit)
        except TooSlow:
            say(f"{what}: {setting.name} is too slow")
            return
        say(f"{what}: {setting.name} {speeds[setting]:.4g}")
        limits[setting.blas] = min(2 * (time.perf_counter() - begin), limit or float("inf"))

    def by_speed(candidates):
        return sorted(candidates, key=speeds.get, reverse=True)

    for setting in settings():
        attempt(setting)
    # Keeping freed blocks spares page faults, whatever the threads and the BLAS. So it is tried with the two fastest alone: with all of
    # them it would double the tries, of which one of base takes up to half a minute.
    for setting in by_speed(speeds)[:2]:
        attempt(dataclasses.replace(setting, keep=True))
    for way in ways:
        fastest = by_speed(speeds)[0]
        attempt(dataclasses.replace(fastest, ways=(*fastest.ways, way)))
    return Best(by_speed(speeds)[0], by_speed(setting for setting in speeds if setting.installed)[0])


def settings():
    """The plausible settings with malloc as it is: OpenMP's build of OpenBLAS, which shares PyTorch's threads, and Debian's default.
    Where that has threads of its own (OpenBLAS-pthread), they fight PyTorch's for the cores, unless PyTorch has only one."""
    counts = thread_counts()
    for blas in dict.fromkeys(folder for folder in (OPENMP, default_blas()) if folder.exists()):
        for threads in counts if blas == OPENMP else sorted({*counts, 1}, reverse=True):
            # Sleeping first: it sets the limit. One thread waits for no other.
            for sleep in (True, False) if threads > 1 else (False,):
                yield Setting(threads, sleep, blas)


def thread_counts():
    """A thread for each CPU given to us or, with simultaneous multithreading, for each core."""
    cpus = os.sched_getaffinity(0)
    lines = subprocess.run(["lscpu", "--parse=CPU,CORE,SOCKET"], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split(",") for line in lines if not line.startswith("#")]
    cores = {(core, socket) for cpu, core, socket in rows if int(cpu) in cpus}
    return sorted({len(cpus), len(cores)}, reverse=True)


def default_blas():
    """The folder of the BLAS that a program gets: of those installed the one that Debian prefers, or that the administrator chose."""
    return (LIBRARIES / "libblas.so.3").resolve().parent
