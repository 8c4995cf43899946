"""A machine with a GPU: what is there, what is missing, and how much of the GPU's memory a program takes."""

import dataclasses
import datetime
import os
import shutil
import subprocess
import sys
import threading

from measure import say

TOOLS = {"cmake": "pip install cmake, or apt-get install cmake", "make": "apt-get install make", "c++": "apt-get install g++"}
GIB = 2**30


@dataclasses.dataclass(frozen=True)
class Machine:
    """Where ours computes, where the peer does, and what was found. The two are the same device, unless PyTorch alone does not know it."""

    ours: str
    peer: str
    libtorch: str  # the folder of PyTorch
    found: dict
    memory: float | None = None  # of the GPU, GiB

    @property
    def is_gpu(self):
        return self.memory is not None


def look(device):
    """Says what is there. Ends with a line for each thing that is missing."""
    kind, _, index = device.partition(":")
    index = index or "0"
    device = kind if kind == "cpu" else f"{kind}:{index}"
    if kind not in ("cpu", "cuda", "privateuseone"):
        refuse([f"--device {device}: name cuda:0, cpu, or privateuseone:0 with OTOMASK_BACKEND"])
    missing = [f"{tool} is missing: {way_out}" for tool, way_out in TOOLS.items() if not shutil.which(tool)]
    try:
        import torch
    except (ImportError, OSError) as problem:
        refuse([*missing, f"{sys.executable} has no PyTorch ({problem}): activate its environment, or PYTHON=/path/to/python ./gpu-check"])
    if not os.path.isdir(os.path.join(torch.__path__[0], "include")):
        missing.append(f"PyTorch in {torch.__path__[0]} has no headers (include): take the one of pip")
    gpu = None
    if kind == "cuda":
        if torch.version.cuda is None:
            missing.append(f"PyTorch {torch.__version__} was built without CUDA: install one with it, or name another --device")
        elif not torch.cuda.is_available():
            missing.append(f"PyTorch {torch.__version__} sees no GPU: see whether nvidia-smi does, or name another --device")
        elif not index.isdigit() or int(index) >= torch.cuda.device_count():
            missing.append(f"there is no {device}: PyTorch sees {torch.cuda.device_count()} of cuda")
        else:
            gpu = torch.cuda.get_device_properties(int(index))
    if kind == "privateuseone" and not os.environ.get("OTOMASK_BACKEND"):
        missing.append(f"{device} is of a library that OTOMASK_BACKEND names: set it")
    if missing:
        refuse(missing)
    found = {
        "device": device,
        "GPU": gpu and f"{gpu.name}, {gpu.total_memory / GIB:.0f} GiB, compute capability {gpu.major}.{gpu.minor}",
        "driver": gpu and first_line("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader", "-i", index),
        "PyTorch": f"{torch.__version__}, CUDA {torch.version.cuda or 'none'}, {torch.__path__[0]}",
        "Python": sys.version.split()[0],
        "compiler": first_line("c++", "--version"),
        "cmake": first_line("cmake", "--version"),
        "cores": len(os.sched_getaffinity(0)),
        "date": str(datetime.date.today()),
    }
    for name, value in found.items():
        say(f"{name:10} {value or '-'}")
    return Machine(device, device if kind in ("cuda", "cpu") else "cpu", torch.__path__[0], found, gpu and gpu.total_memory / GIB)


def refuse(reasons):
    """Ends as OtoMask does where the user can mend it."""
    for reason in reasons:
        say(f"gpu-check: {reason}")
    sys.exit(2)


def first_line(*command):
    """What a program says first; None where it is not there."""
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.partition("\n")[0] or None
    except OSError:
        return None


class DeviceMemory:
    """The most that is taken of a GPU while something runs there, in GiB, less what was taken before. That of whole programs, with what
    CUDA and an allocator keep for themselves, so it means the same for both sides. Elsewhere `most` is None."""

    def __init__(self, machine):
        self.machine, self.most = machine, None

    def __enter__(self):
        if self.machine.is_gpu:
            self.before, self.most, self.done = self.taken(), 0.0, threading.Event()
            self.watch = threading.Thread(target=self.look)
            self.watch.start()
        return self

    def __exit__(self, *_):
        if self.machine.is_gpu:
            self.done.set()
            self.watch.join()

    def look(self):
        while not self.done.wait(0.02):
            self.most = max(self.most, self.taken() - self.before)

    def taken(self):
        import torch
        free, total = torch.cuda.mem_get_info(self.machine.ours)
        return (total - free) / GIB
