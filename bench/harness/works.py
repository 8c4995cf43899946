"""The work that the targets are about: how each is measured, and what is asked of it."""

import json
import pathlib
import statistics
import tempfile
from dataclasses import dataclass

import sounds
from measure import check_same, in_turn, our_json, ours, peer, peer_ways, say
from report import number, ratio, spread
from settings import best_settings

PRECISIONS = ("fp32", "bf16")
# What saves memory and costs something else: measured beside the default.
SPARING = (("--moments", "bf16", "--gradients", "bf16"), ("--moments", "bf16", "--gradients", "bf16", "--checkpoint-activations", "true"))
SPARING_STEPS = 2


@dataclass
class Row:
    """One line of the table. Targets are ratios to the peer where there is one to beat, else numbers in `unit`."""

    work: str
    ours: list
    unit: str
    least: float
    aim: float | None = None
    peer: list | None = None
    note: str = ""
    relative: bool = False
    less_is_better: bool = False

    def cells(self):
        reached = statistics.median(self.ours) / (statistics.median(self.peer) if self.relative else 1)
        good = (lambda target: reached <= target) if self.less_is_better else (lambda target: reached >= target)
        met = "**no**" if not good(self.least) else "yes" if self.aim is None or not good(self.aim) else "yes, and the aim"
        sign = "x" if self.relative else self.unit
        peer_cell = f"{spread(self.peer, self.unit)}; {self.note}" if self.peer else self.note or "-"
        return [
            self.work, spread(self.ours, self.unit), peer_cell, ratio(self.ours, self.peer) if self.peer else "-",
            f"{number(self.least)}{sign}", f"{number(self.aim)}{sign}" if self.aim is not None else "-", met]


class Step:
    """A training step of M2D in both precisions, and its memory."""

    def __init__(self, size, batch, least, aim, steps, tries, sparing=False):
        self.name, self.size, self.batch, self.least, self.aim, self.steps, self.tries = size, size, batch, least, aim, steps, tries
        self.what = f"M2D {size} 80x608 batch {batch}"
        self.ours, self.peer, self.installed = ({precision: [] for precision in PRECISIONS} for _ in range(3))
        self.sparing = {(precision, options): [] for precision in PRECISIONS for options in SPARING} if sparing else {}
        self.settings = {}

    def prepare(self, folder):
        for precision in PRECISIONS:
            best = self.settings[precision] = best_settings(
                f"{self.what} {precision}, peer, clips/s",
                lambda setting, limit, precision=precision: peer(
                    setting, "peer.py", "--warm-up", 1, *self.arguments(precision, self.tries), limit=limit)["clips_per_second"],
                peer_ways())
            if best.installed == best.fastest:
                self.installed[precision] = self.peer[precision]  # measured once, told twice

    def measure(self, turn):
        for precision in PRECISIONS:
            arguments, best = self.arguments(precision, self.steps), self.settings[precision]
            measures = [
                lambda: self.ours[precision].append(our_json("train", *arguments)),
                lambda: self.peer[precision].append(peer(best.fastest, "peer.py", *arguments))]
            if best.installed != best.fastest:
                measures.append(lambda: self.installed[precision].append(peer(best.installed, "peer.py", *arguments)))
            in_turn(turn, *measures)
            our, their, installed = self.ours[precision][-1], self.peer[precision][-1], self.installed[precision][-1]
            check_same(our, their)
            check_same(our, installed)
            say(
                f"{self.what} {precision}: {our['clips_per_second']} clips/s, peer {their['clips_per_second']}, "
                f"as installed {installed['clips_per_second']}")
        for (precision, options), runs in self.sparing.items():
            runs.append(our_json("train", *self.arguments(precision, SPARING_STEPS), *options))

    def arguments(self, precision, steps):
        return ("--size", self.size, "--batch", self.batch, "--input", "80x608", "--precision", precision, "--steps", steps)

    def rows(self):
        for precision, against, ours, theirs in self.speeds_beside(self.peer):
            yield Row(
                f"{self.what}, {precision}, clips/s", ours, "", self.least[precision], self.aim[precision], theirs,
                f"{against}, {self.settings[against].fastest.name}", relative=True)

    def installed_rows(self):
        """The same beside PyTorch as Debian sets it up: cells of a table without targets."""
        for precision, against, ours, theirs in self.speeds_beside(self.installed):
            peer_cell = f"{spread(theirs)}; {against}, {self.settings[against].installed.name}"
            yield [f"{self.what}, {precision}, clips/s", spread(ours), peer_cell, ratio(ours, theirs)]

    def speeds_beside(self, peer):
        """Clips/s of each precision and of a peer: fp32 beside its fp32, bf16 beside the better of its two."""
        ours, theirs = ({precision: [run["clips_per_second"] for run in runs] for precision, runs in side.items()} for side in (self.ours, peer))
        better = max(PRECISIONS, key=lambda precision: statistics.median(theirs[precision]))
        for precision, against in (("fp32", "fp32"), ("bf16", better)):
            yield precision, against, ours[precision], theirs[against]

    def memory_rows(self):
        def peaks(runs):
            return [run["peak_rss_mb"] / 1024 for run in runs]

        for precision in PRECISIONS:
            ours = {(): self.ours[precision]} | {options: runs for (same, options), runs in self.sparing.items() if same == precision}
            for options, runs in ours.items():
                yield Row(
                    f"peak memory, {self.what}, {precision}" + (f", `{' '.join(options)}`" if options else ""), peaks(runs), " GiB", 0.6, 0.4,
                    peaks(self.peer[precision]), precision, relative=True, less_is_better=True)


class Processes:
    """A training step of M2D by two processes of half the threads, beside one of all."""

    def __init__(self, size, batch, accumulate, least, steps):
        self.name = f"{size}-processes"
        self.what = f"M2D {size} 80x608 batch {batch}" + (f", accumulate {accumulate}" if accumulate > 1 else "")
        self.least = least
        self.arguments = ("--size", size, "--batch", batch, "--accumulate", accumulate, "--input", "80x608", "--steps", steps)
        self.two, self.one = ({precision: [] for precision in PRECISIONS} for _ in range(2))

    def prepare(self, folder):
        pass

    def measure(self, turn):
        for precision in PRECISIONS:
            def run(processes, precision=precision):
                return our_json("train", *self.arguments, "--precision", precision, "--processes", processes)["clips_per_second"]
            in_turn(turn, lambda: self.two[precision].append(run(2)), lambda: self.one[precision].append(run(1)))

    def rows(self):
        for precision in PRECISIONS:
            yield Row(
                f"{self.what}, {precision}, 2 processes, clips/s", self.two[precision], "", self.least, peer=self.one[precision], note="1 process of all threads",
                relative=True)


class Masks:
    name = "masks"

    def __init__(self):
        self.milliseconds = []

    def prepare(self, folder):
        pass

    def measure(self, turn):
        self.milliseconds.append(our_json("masks", "--mask", "dwm", "--batch", 64, "--input", "80x608")["masks"][0]["draw_ms"])

    def rows(self):
        yield Row("DWM masks, batch of 64, one core", self.milliseconds, " ms", 1.0, 0.3, note="published code: 15 ms", less_is_better=True)


class LogMel:
    name = "logmel"

    def __init__(self, seconds):
        self.seconds, self.ours, self.peer = seconds, [], []

    def prepare(self, folder):
        self.setting = best_settings(
            "log-mel, peer, x real time",
            lambda setting, limit: peer(setting, "logmel.py", "--seconds", 0.2, limit=limit)["real_time"]).fastest

    def measure(self, turn):
        in_turn(
            turn,
            lambda: self.ours.append(our_json("logmel", "--seconds", self.seconds)["real_time"]),
            lambda: self.peer.append(peer(self.setting, "logmel.py", "--seconds", self.seconds)["real_time"]))

    def rows(self):
        yield Row("log-mel from a 16 kHz waveform, all cores, x real time", self.ours, "", 8000, 20000, self.peer, f"torchaudio, {self.setting.name}")


class Files:
    """From 44.1 kHz recordings to a cache of log-mels, and what training waits for it."""

    name = "files"

    def __init__(self, count, steps):
        self.count, self.steps = count, steps
        self.speeds, self.waits = {1: [], 2: []}, []

    def prepare(self, folder):
        self.folder = folder
        for channels in self.speeds:
            sounds.ogg(folder / f"ogg-{channels}", self.count, channels)

    def measure(self, turn):
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            made = pathlib.Path(name)
            for channels, speeds in self.speeds.items():
                seconds = ours("prepare", self.folder / f"ogg-{channels}", "--out", made / f"cache-{channels}").seconds
                speeds.append(self.count * 10 / seconds)
            ours(
                "pretrain", "--data", made / "cache-1", "--out", made / "run", "--size", "tiny", "--batch", 16, "--precision", "bf16", "--mask", "dwm",
                "--hint-constant", 0, "--steps", self.steps, "--min-clips", 0, "--evaluate-every", 0)
            self.waits.append(100 * wait_share(made / "run"))

    def rows(self):
        yield Row("wait for data with DWM masks, M2D tiny bf16, share of the step", self.waits, " %", 1, note="a real `pretrain`", less_is_better=True)
        for channels, speeds in self.speeds.items():
            yield Row(
                f"44.1 kHz {'mono' if channels == 1 else 'stereo'} ogg to log-mel cache, all cores, x real time", speeds, "", 600,
                note="a real `prepare`, its start included")


class Embed:
    """From 44.1 kHz recordings to embeddings."""

    name = "embed"

    def __init__(self, count):
        self.count, self.speeds = count, []

    def prepare(self, folder):
        self.recordings, self.model = sounds.ogg(folder / "ogg-embed", self.count), folder / "model"
        # An untrained model costs what a trained one does.
        ours(
            "pretrain", "--data", self.recordings, "--out", self.model, "--framework", "msm-mae", "--size", "tiny", "--input", "80x608", "--mask", "random",
            "--batch", 1, "--steps", 1, "--min-clips", 0, "--evaluate-every", 0)

    def measure(self, turn):
        finished = ours("embed", self.model, self.recordings, "--out", self.model / "embeddings.npy")
        self.speeds.append(self.count * 10 / finished.seconds)

    def rows(self):
        yield Row(
            "44.1 kHz mono ogg to embeddings, tiny 80x608 fp32, all cores, x real time", self.speeds, "", 200, note="a real `embed`, its start included")


def wait_share(run):
    """Share of the time of a run's steps that went by waiting for data, without the first step: nothing is ahead of it."""
    steps = [row for row in map(json.loads, (pathlib.Path(run) / "log.jsonl").read_text().splitlines()) if row["kind"] == "step"][1:]
    times = [1 / step["clips_per_second"] for step in steps]
    return sum(step["data_wait"] * time for step, time in zip(steps, times, strict=True)) / sum(times)


class Help:
    name = "help"

    def __init__(self, times):
        self.times, self.seconds = times, []

    def prepare(self, folder):
        self.first = ours("--help").seconds

    def measure(self, turn):
        self.seconds += [ours("--help").seconds for _ in range(self.times)]

    def rows(self):
        yield Row("start of `otomask --help`", self.seconds, " s", 0.25, note=f"the first one {self.first:.2f} s", less_is_better=True)
