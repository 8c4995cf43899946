"""Recordings made up for timing: pink noise with gliding tones, as costly to decode and to resample as real sound."""

import os
import subprocess


def make(folder, count, distinct, seconds, extension, encoder, rate, channels=1):
    """Fills a folder with `count` recordings. Only `distinct` of them differ; the others are further names of these, since decoding
    costs the same and the disk stays free."""
    folder.mkdir(parents=True)
    length = distinct * seconds - 0.05  # a whole number of pieces would leave an empty one behind
    noise = f"anoisesrc=r={rate}:color=pink:a=0.25:seed=1:d={length}"
    tones = f"aevalsrc='0.2*sin(2*PI*(330+110*sin(0.9*t))*t)*(0.5+0.5*sin(2.3*t))':s={rate}:d={length}"
    # Two channels that are alike but not the same, as recordings have them.
    channels = {1: "[mix]anull", 2: "[mix]asplit[a][b];[b]adelay=9[late];[a][late]join=inputs=2:channel_layout=stereo"}[channels]
    subprocess.run([
        "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", noise, "-f", "lavfi", "-i", tones,
        "-filter_complex", f"[0][1]amix=inputs=2:normalize=0[mix];{channels}",
        *encoder, "-f", "segment", "-segment_time", str(seconds), folder / f"%05d.{extension}"], check=True)
    made = sorted(folder.iterdir())
    for number in range(len(made), count):
        os.link(made[number % len(made)], folder / f"{number:05d}.{extension}")
    return folder


def ogg(folder, count, channels=1):
    """10 s of Vorbis at 44.1 kHz, 80 kbit/s mono, 90 stereo."""
    return make(folder, count, min(count, 60), 10, "ogg", ("-c:a", "libvorbis", "-q:a", "4"), 44100, channels)


def flac(folder, count):
    """2 s of FLAC at 16 kHz."""
    return make(folder, count, min(count, 100), 2, "flac", ("-c:a", "flac", "-sample_fmt", "s16"), 16000)
