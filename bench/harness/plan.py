"""What pre-training M2D on AudioSet would take elsewhere: arithmetic, not measurement."""

from cost import ENCODERS, Model
from report import number, table

CLIPS, EPOCHS, FRAMES = 2e6, 300, 608
CROP_BYTES = 80 * FRAMES * 4

# Dense bfloat16 peak in FLOP/s and memory bandwidth in byte/s, of the makers' data sheets.
GPUS = {"A100": (312e12, 2.0e12), "H100": (989e12, 3.35e12), "H200": (989e12, 4.8e12)}
# A block does 72 D^2 operations a token, and moves about 108 D bfloat16 values: forward 36 D (each layer reads and writes), backward
# twice that. So D/3 operations a byte. Products and passes over memory follow one another; of the speed that leaves, 70 % is hoped for.
OPERATIONS_PER_BYTE, HOPED = 1 / 3, 0.7

NETWORKS = {"10 Gbit/s": 1.25e9, "100 Gbit/s": 12.5e9}
MACHINES, LOCAL_BATCH, GPU_BATCH = 64, 32, 256


def share(gpu, width):
    """The part of a GPU's peak that training of this width is assumed to reach."""
    peak, bandwidth = GPUS[gpu]
    return HOPED / (1 + peak / bandwidth / (OPERATIONS_PER_BYTE * width))


def costs():
    rows = []
    for size in ENCODERS:
        models = [Model(m2d, size, frames) for m2d in (True, False) for frames in (608, 208)]
        total = models[0].gflop_per_clip() * 1e9 * CLIPS * EPOCHS
        rows.append([
            size, *(number(model.gflop_per_clip()) for model in models), *(number(model.trained() / 1e6) for model in models[::2]), f"{total / 1e18:.3g}"])
    return table(
        ["GFLOP a clip", "M2D 80x608", "M2D 80x208", "MSM-MAE 80x608", "MSM-MAE 80x208", "parameters, M: M2D", "MSM-MAE", "AudioSet x 300, M2D 80x608, EFLOP"], rows)


def days(clips_per_second):
    """One GPU or eight; `clips_per_second` are this machine's measured speeds by size."""
    rows = []
    for size, here in clips_per_second.items():
        width, clip = ENCODERS[size][0], Model(True, size, FRAMES).gflop_per_clip() * 1e9
        speeds = {gpu: share(gpu, width) * GPUS[gpu][0] / clip for gpu in GPUS}
        rows.append([
            size, f"{number(CLIPS * EPOCHS / here / 86400)} days",
            *(f"{number(CLIPS * EPOCHS / speed / 3600)} h ({share(gpu, width):.0%})" for gpu, speed in speeds.items()),
            f"{number(CLIPS * EPOCHS / speeds['H100'] / 3600 / 8)} h", f"{number(1000 * GPU_BATCH / speeds['H100'])} ms",
            number(speeds["H100"]), f"{speeds['H100'] * CROP_BYTES / 1e9:.2g} GB/s"])
    return table(
        ["M2D, 80x608", "this machine, bf16", *(f"one {gpu} (share of peak)" for gpu in GPUS), "8 H100", f"H100: step of {GPU_BATCH}", "clips/s", "their crops"], rows)


def machines(clips_per_second):
    """Many machines like this one, exchanging gradients by a ring."""
    rows = []
    for size, speed in clips_per_second.items():
        gradient = 4 * Model(True, size, FRAMES).trained()
        step = LOCAL_BATCH / speed
        exchange = {name: 2 * (MACHINES - 1) / MACHINES * gradient / bandwidth for name, bandwidth in NETWORKS.items()}
        slow = exchange["10 Gbit/s"]
        alone = CLIPS * EPOCHS / speed / 86400 / MACHINES
        rows.append([
            size, f"{number(gradient / 1e6)} MB", f"{number(step)} s", *(f"{number(seconds)} s" for seconds in exchange.values()),
            f"{step / (step + slow):.0%}", f"{number(alone)}-{number(alone * (step + slow) / step)} days"])
    return table(
        [f"M2D, {MACHINES} machines, {LOCAL_BATCH} clips each", "gradients", "step", *(f"exchange, {name}" for name in NETWORKS),
         "efficiency, 10 Gbit/s, no overlap", "AudioSet x 300, all - nothing overlapped"], rows)
