"""Log-mels by torchaudio: the peer of `otomask bench logmel`. Prints one JSON object.

The same front end (16 kHz, 400 samples, hop 160, 80 Slaney bands of 50-8000 Hz, natural log) on 10 s clips of noise in memory, as
batches of several sizes; the fastest counts.
"""

import argparse
import json
import os
import statistics
import time

import torch
import torchaudio

CLIP_SECONDS, SAMPLE_RATE, BATCHES = 10, 16000, (1, 4, 16, 64)


def speed(front_end, batch, seconds):
    waveforms = torch.rand(batch, CLIP_SECONDS * SAMPLE_RATE) - 0.5
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 4:
        begin = time.perf_counter()
        (front_end(waveforms) + torch.finfo(torch.float32).eps).log()
        times.append(time.perf_counter() - begin)
    return batch * CLIP_SECONDS / statistics.median(times[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1, help="how long to measure each batch size")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()

    torch.manual_seed(42)
    torch.set_num_threads(arguments.threads)
    front_end = torchaudio.transforms.MelSpectrogram(
        SAMPLE_RATE, n_fft=400, hop_length=160, f_min=50, f_max=8000, n_mels=80, power=2, norm="slaney", mel_scale="slaney")
    with torch.inference_mode():
        speeds = {batch: speed(front_end, batch, arguments.seconds) for batch in BATCHES}
    best = max(speeds, key=speeds.get)
    print(json.dumps({
        "engine": f"torchaudio {torchaudio.__version__}", "threads": torch.get_num_threads(), "batch": best, "real_time": round(speeds[best], 1),
    }))


if __name__ == "__main__":
    main()
