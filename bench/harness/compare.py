"""Times one training step of OtoMask and of the PyTorch peer in turn. `bench/compare` starts it."""

import argparse
import statistics

from measure import check_same, in_turn, our_json, peer, peer_ways, say
from report import ratio, spread, table
from settings import best_settings


def main():
    parser = argparse.ArgumentParser(
        prog="bench/compare", description="Times one training step of OtoMask and of the PyTorch peer in turn.",
        epilog="All else goes to both: --framework --size --encoder --decoder --input --patch --batch --precision --steps.")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of ours and peer in turn (default 3)")
    arguments, both = parser.parse_known_args()
    if arguments.rounds < 1:
        parser.error("--rounds needs a number of 1 or more")

    setting = best_settings(
        "peer, clips/s",
        lambda setting, limit: peer(setting, "peer.py", *both, "--warm-up", 1, "--steps", 3, limit=limit)["clips_per_second"],
        peer_ways()).fastest
    ours, theirs = [], []
    for turn in range(1, arguments.rounds + 1):
        say(f"round {turn} of {arguments.rounds} ...")
        in_turn(turn, lambda: ours.append(our_json("train", *both)), lambda: theirs.append(peer(setting, "peer.py", *both)))

    first = ours[0]
    check_same(first, theirs[0])
    print(
        f"{first['framework']} {first['encoder']} + {first['decoder']}, input {first['input']}, patch {first['patch']}, batch {first['batch']}, "
        f"{first['precision']}; {arguments.rounds} rounds of {first['steps']} steps, median (min-max); peer: {setting.name}\n")
    values = {"clips/s": lambda run: run["clips_per_second"], "step, ms": lambda run: run["step_ms"]}
    values |= {f"{phase}, ms": lambda run, phase=phase: run["phase_ms"][phase] for phase in ("forward", "backward", "update", "mask")}
    values["peak memory, GiB"] = lambda run: run["peak_rss_mb"] / 1024
    rows = []
    for name, value in values.items():
        a, b = [value(run) for run in ours], [value(run) for run in theirs]
        rows.append([name, spread(a), spread(b), ratio(a, b)])
    print(table(["", first["engine"], theirs[0]["engine"], "ratio"], rows))


if __name__ == "__main__":
    main()
