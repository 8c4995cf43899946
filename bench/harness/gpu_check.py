"""Checks OtoMask on a GPU and times it beside PyTorch there. The script `gpu-check` of the archive that tools/gpu-check makes starts it."""

import argparse
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import time

import gpu_works
from gpu_machine import look, refuse
from gpu_works import COMPILED, Clock
from measure import ROOT, clean_environment, peer_command, peer_ways, say


def main():
    parser = argparse.ArgumentParser(
        prog="gpu-check", description="Builds the bridge against this Python's PyTorch, runs the fixtures on a GPU, and times training beside PyTorch there.",
        epilog="For the PyTorch of another Python: PYTHON=/path/to/python ./gpu-check")
    parser.add_argument("--device", default="cuda:0", help="cuda:0, cuda:1, cpu; or privateuseone:0 of OTOMASK_BACKEND, while the peer computes on cpu (default cuda:0)")
    parser.add_argument("--minutes", type=float, default=8, help="what it may take in all (default 8)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("gpu-check.md"), help="file for the tables; all that was measured goes beside it as .json (default gpu-check.md)")
    parser.add_argument("--quick", action="store_true", help="one small model, to see that every step works")
    arguments = parser.parse_args()

    clock = Clock(60 * arguments.minutes)
    machine = look(arguments.device)
    keep_caches_here(machine)
    works = gpu_works.quick() if arguments.quick else gpu_works.plan(machine)
    with compiling_ahead(works, machine, clock) as compiled:
        build_bridge(machine)
        fixtures = run_fixtures(machine, clock)
        compiled()
    try:
        gpu_works.measure(works, machine, clock, rounds=2 if arguments.quick else 5)
    finally:
        gpu_works.write(arguments.out, works, machine, fixtures)
    return 0 if fixtures["code"] == 0 and all(work.ours for work in works) else 1


def keep_caches_here(machine):
    """Of the bridge and of torch.compile: what this leaves behind is this folder."""
    os.environ |= {
        "LIBTORCH": machine.libtorch, "XDG_CACHE_HOME": str(ROOT / "cache"), "TORCHINDUCTOR_CACHE_DIR": str(ROOT / "cache/inductor"),
        "TORCHINDUCTOR_FX_GRAPH_CACHE": "1", "TORCHINDUCTOR_AUTOGRAD_CACHE": "1"}


@contextlib.contextmanager
def compiling_ahead(works, machine, clock):
    """Lets torch.compile fill its cache for all works at once, while the bridge is built. Gives what waits for it, but not for ever."""
    end = clock.part(gpu_works.COMPILING)
    programs = []
    if set(COMPILED) <= set(peer_ways(machine.peer)):
        say("torch.compile begins, in the background")
        for work in works:
            command = peer_command(gpu_works.setting(COMPILED), "peer.py", "--device", machine.peer, *work.arguments, "--warm-up", 0, "--steps", 1)
            programs.append(subprocess.Popen(
                [str(part) for part in command], env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True))

    def wait():
        for program in programs:
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(max(0, end.left))

    try:
        yield wait
    finally:
        for program in programs:
            gpu_works.end_group(program)


def build_bridge(machine):
    """By the first start of OtoMask, as for its users."""
    say("\nThe bridge to libtorch ...")
    begin = time.perf_counter()
    told = subprocess.run([ROOT / "otomask", "doctor"], env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if told.returncode != 0:
        sys.stderr.write(told.stderr)
        sys.exit(told.returncode)
    say(f"{told.stdout.rstrip()}\nbuilt and started in {time.perf_counter() - begin:.0f} s")
    devices = re.search(r"^devices +(.*)$", told.stdout, re.MULTILINE)[1].split(", ")
    if machine.ours not in devices:
        refuse([f"OtoMask sees no {machine.ours}, only {', '.join(devices)}"])


def run_fixtures(machine, clock):
    """The tests against the reference implementation that compute on a device."""
    say(f"\nFixtures on {machine.ours} ...")
    try:
        told = subprocess.run(
            [ROOT / "fixtures", machine.ours], env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=max(60, clock.left))
        code, text = told.returncode, (told.stdout + told.stderr).strip()
    except subprocess.TimeoutExpired as problem:
        code, text = 1, f"not done after {problem.timeout:.0f} s"
    say(text)
    return {"code": code, "told": text}


if __name__ == "__main__":
    sys.exit(main())
