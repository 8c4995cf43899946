"""A plain PyTorch training step of M2D, MSM-MAE or EAT: the peer that `otomask bench train` is compared with.

Written as the published code is (timm-like blocks, shuffle and gather masking, torch.optim.AdamW, per-parameter EMA), for
PyTorch 1.13 and later. What later PyTorches brought is asked for by name, and `--ways` tells which of it this one has: `--sdpa`
(attention in one operator), `--fused` (AdamW in one), `--foreach` (the moving average in one), `--compile` (torch.compile, inductor).
On a GPU (`--device cuda:0`) every phase ends when the device has done it, as in `otomask bench train`. Prints one JSON object. `bench/compare` runs it beside ours with the same thread set-up.
"""

import argparse
import ctypes
import json
import os
import pathlib
import resource
import statistics
import time

import torch
from torch import nn

ENCODERS = {"tiny": (192, 12, 3), "small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16)}
PREDICTORS = {"tiny": (192, 4, 3), "small": (256, 8, 8), "base": (512, 8, 16), "large": (512, 8, 16)}
DECODERS = {"tiny": (96, 2, 3), "small": (192, 4, 3), "base": (384, 4, 6), "large": (384, 4, 6)}
CONVOLUTIONS = {"tiny": (192, 6, 16), "small": (384, 6, 16), "base": (768, 6, 16), "large": (1024, 6, 16)}  # width, layers, groups


def has_fused(device):
    try:
        torch.optim.AdamW([nn.Parameter(torch.zeros(1, device=device))], fused=True)
        return True
    except (TypeError, RuntimeError):  # 1.13 does not know the word, others not on the CPU
        return False


# What this PyTorch has for a device, in the order in which it is worth trying.
WAYS = {
    "sdpa": lambda device: hasattr(nn.functional, "scaled_dot_product_attention"),
    "fused": has_fused,
    "foreach": lambda device: hasattr(torch, "_foreach_lerp_"),
    "compile": lambda device: hasattr(torch, "compile"),
}


class Attention(nn.Module):
    sdpa = False

    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        B, N, C = x.shape
        q, k, v = self.qkv(x).reshape(B, N, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if self.sdpa:
            return self.proj(nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(B, N, C))
        attention = ((q @ k.transpose(-2, -1)) * self.scale).softmax(dim=-1)
        return self.proj((attention @ v).transpose(1, 2).reshape(B, N, C))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def stack(dim, depth, heads):
    return nn.ModuleList([Block(dim, heads) for _ in range(depth)]), nn.LayerNorm(dim, eps=1e-6)


def run(blocks, norm, x):
    for block in blocks:
        x = block(x)
    return norm(x)


def standardise(x):
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + 1e-6).sqrt()


class MaskedModel(nn.Module):
    """Online encoder and decoder; with `m2d`, a target network too."""

    def __init__(self, m2d, encoder, decoder, bands, frames, patch, ratio):
        super().__init__()
        (dim, depth, heads), (decoder_dim, decoder_depth, decoder_heads) = encoder, decoder
        self.m2d, self.patch, self.ratio = m2d, patch, ratio
        patches, patch_size = (bands // patch[0]) * (frames // patch[1]), patch[0] * patch[1]
        self.embed = nn.Conv2d(1, dim, patch, patch)
        self.cls = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        # The values of the fixed position tables do not change the cost.
        self.register_buffer("positions", torch.randn(1, 1 + patches, dim) * 0.02)
        self.blocks, self.norm = stack(dim, depth, heads)
        if m2d:
            self.target_blocks, self.target_norm = stack(dim, depth, heads)
            for parameter in self.target_parameters():
                parameter.requires_grad = False
        self.decoder_embed = nn.Linear(dim, decoder_dim)
        self.mask_token = nn.Parameter(torch.randn(1, 1, decoder_dim) * 0.02)
        self.register_buffer("decoder_positions", torch.randn(1, 1 + patches, decoder_dim) * 0.02)
        self.decoder_blocks, self.decoder_norm = stack(decoder_dim, decoder_depth, decoder_heads)
        self.head = nn.Linear(decoder_dim, dim if m2d else patch_size)

    def target_parameters(self):
        return [*self.target_blocks.parameters(), *self.target_norm.parameters()]

    def online_parameters(self):
        return [*self.blocks.parameters(), *self.norm.parameters()]

    def mask(self, B):
        """Ids of visible and of masked patches, and where each goes back to: apart from the forward pass, which may be compiled."""
        L = self.positions.shape[1] - 1
        shuffle = torch.rand(B, L, device=self.positions.device).argsort(dim=1)
        keep = int(L * (1 - self.ratio))
        return shuffle[:, :keep], shuffle[:, keep:], shuffle.argsort(dim=1)

    def patchify(self, x):
        (ph, pw), (B, _, F, T) = self.patch, x.shape
        return x.reshape(B, F // ph, ph, T // pw, pw).permute(0, 1, 3, 2, 4).reshape(B, -1, ph * pw)

    def forward(self, x, visible_ids, masked_ids, restore):
        take = lambda tokens, ids: torch.gather(tokens, 1, ids.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))
        tokens = self.embed(x).flatten(2).transpose(1, 2) + self.positions[:, 1:]
        B = len(tokens)
        cls = (self.cls + self.positions[:, :1]).expand(B, -1, -1)
        latent = run(self.blocks, self.norm, torch.cat([cls, take(tokens, visible_ids)], 1))

        y = self.decoder_embed(latent)
        hidden = self.mask_token.expand(B, masked_ids.shape[1], -1).to(y.dtype)
        y = torch.cat([y[:, :1], take(torch.cat([y[:, 1:], hidden], 1), restore)], 1) + self.decoder_positions
        predicted = take(self.head(run(self.decoder_blocks, self.decoder_norm, y))[:, 1:], masked_ids).float()

        if not self.m2d:
            return ((predicted - take(standardise(self.patchify(x)), masked_ids)) ** 2).mean()
        with torch.no_grad():
            target = run(self.target_blocks, self.target_norm, torch.cat([cls, take(tokens, masked_ids)], 1))
            target = nn.functional.normalize(standardise(target[:, 1:].float()), dim=-1)
        return (2 - 2 * (nn.functional.normalize(predicted, dim=-1) * target).sum(-1)).mean()

    @torch.no_grad()
    def follow(self, ema_decay, foreach):
        if foreach:
            torch._foreach_lerp_(self.target_parameters(), self.online_parameters(), 1 - ema_decay)
            return
        for target, online in zip(self.target_parameters(), self.online_parameters()):
            target.mul_(ema_decay).add_(online, alpha=1 - ema_decay)


class ConvolutionLayer(nn.Module):
    """As data2vec 2.0 has it: convolution, layer norm over the channels, GELU, and the input where it fits."""

    def __init__(self, inputs, outputs, groups):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, groups=groups)
        self.outputs, self.residual = outputs, inputs == outputs

    def forward(self, x):
        y = nn.functional.layer_norm(self.conv(x).permute(0, 2, 3, 1), (self.outputs,))
        y = nn.functional.gelu(y.permute(0, 3, 1, 2))
        return x + y if self.residual else y


class Eat(nn.Module):
    """Student, teacher and convolutional decoder; each clip is seen by several clones."""

    def __init__(self, encoder, decoder, bands, frames, patch, ratio, clones):
        super().__init__()
        (dim, depth, heads), (decoder_dim, decoder_depth, groups) = encoder, decoder
        self.ratio, self.clones, self.grid = ratio, clones, (bands // patch[0], frames // patch[1])
        self.embed = nn.Conv2d(1, dim, patch, patch)
        self.cls = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        self.register_buffer("positions", torch.randn(1, 1 + self.grid[0] * self.grid[1], dim) * 0.02)
        self.blocks, self.norm = stack(dim, depth, heads)
        self.teacher = nn.ModuleDict({"embed": nn.Conv2d(1, dim, patch, patch)})
        self.teacher["blocks"], self.teacher["norm"] = stack(dim, depth, heads)
        self.teacher_cls = nn.Parameter(self.cls.detach().clone())
        self.decoder = nn.Sequential(*(ConvolutionLayer(decoder_dim if i else dim, decoder_dim, groups) for i in range(decoder_depth)))
        self.head = nn.Linear(decoder_dim, dim)
        for parameter in self.target_parameters():
            parameter.requires_grad = False

    def target_parameters(self):
        return [self.teacher_cls, *self.teacher["embed"].parameters(), *self.teacher["blocks"].parameters(), *self.teacher["norm"].parameters()]

    def online_parameters(self):
        return [self.cls, *self.embed.parameters(), *self.blocks.parameters(), *self.norm.parameters()]

    def mask(self, B):
        L = self.positions.shape[1] - 1
        shuffle = torch.rand(B * self.clones, L, device=self.positions.device).argsort(dim=1)
        keep = int(L * (1 - self.ratio))
        return shuffle[:, :keep], shuffle[:, keep:], shuffle.argsort(dim=1)

    @torch.no_grad()
    def targets(self, x):
        tokens = self.teacher["embed"](x).flatten(2).transpose(1, 2) + self.positions[:, 1:]
        x = torch.cat([self.teacher_cls.expand(len(x), -1, -1), tokens], 1)
        layers = []
        for block in self.teacher["blocks"]:
            x = x + block.attn(block.norm1(x))
            said = block.mlp(block.norm2(x))
            x = x + said
            layers.append(nn.functional.instance_norm(said[:, 1:].transpose(1, 2).float()).transpose(1, 2))
        return nn.functional.layer_norm(sum(layers) / len(layers), layers[0].shape[-1:])

    def forward(self, x, visible_ids, masked_ids, restore):
        take = lambda tokens, ids: torch.gather(tokens, 1, ids.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))
        targets = self.targets(x)
        tokens = (self.embed(x).flatten(2).transpose(1, 2) + self.positions[:, 1:]).repeat_interleave(self.clones, 0)
        rows, dim = len(tokens), tokens.shape[-1]
        encoded = run(self.blocks, self.norm, torch.cat([self.cls.expand(rows, -1, -1), take(tokens, visible_ids)], 1))
        noise = torch.randn(rows, masked_ids.shape[1], dim, device=x.device) * 0.01
        cells = take(torch.cat([encoded[:, 1:].float(), noise], 1), restore)
        said = self.decoder(cells.transpose(1, 2).reshape(rows, dim, *self.grid)).flatten(2).transpose(1, 2)
        predicted = take(self.head(said), masked_ids).float()
        frame = ((predicted - take(targets.repeat_interleave(self.clones, 0), masked_ids)) ** 2).mean() * dim**0.5
        utterance = ((encoded[:, 0].float() - targets.mean(1).repeat_interleave(self.clones, 0)) ** 2).mean() * dim**0.5
        return frame + 192 * utterance

    follow = MaskedModel.follow


def share_sleef():
    """Debian's PyTorch takes its vector mathematics from a library of the system, SLEEF, and inductor links what it compiles with PyTorch
    alone: its try of AVX2 and AVX-512, in a process of its own, then finds no exponential, and it computes number by number. So that
    library is shared with whatever is loaded later, here and in processes that start here. Others have SLEEF within PyTorch."""
    maps = pathlib.Path("/proc/self/maps").read_text().split()
    for library in {word for word in maps if pathlib.Path(word).name.startswith("libsleef.so")}:
        ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
        os.environ["LD_PRELOAD"] = " ".join(filter(None, (library, os.environ.get("LD_PRELOAD"))))


def vectors():
    """What inductor compiles for, for example "avx512 avx512_vnni"; None where it finds no vectors that it can compile (on Debian without
    libsleef-dev, for one)."""
    from torch._inductor import cpu_vec_isa

    return str(cpu_vec_isa.pick_vec_isa()) if cpu_vec_isa.valid_vec_isa_list() else None


def pair(text):
    return tuple(int(number) for number in text.split("x"))


def shape(text):
    return tuple(int(number) for number in text.split("/"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--framework", choices=["m2d", "msm-mae", "eat"], default="m2d")
    parser.add_argument("--size", choices=list(ENCODERS), default="tiny")
    parser.add_argument("--encoder", type=shape, help="width/depth/heads instead of --size")
    parser.add_argument("--decoder", type=shape, help="width/depth/heads instead of --size")
    parser.add_argument("--input", type=pair, default=(80, 608), help="bands x frames")
    parser.add_argument("--patch", type=pair, default=(16, 16), help="bands x frames")
    parser.add_argument("--clones", type=int, default=16, help="masks of a clip, of eat")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--device", type=torch.device, default="cpu")
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="fp32")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--ways", action="store_true", help="print the names of the following that this PyTorch has, and end")
    for way in WAYS:
        parser.add_argument(f"--{way}", action="store_true")
    arguments = parser.parse_args()
    if arguments.ways:
        print(json.dumps([way for way, is_there in WAYS.items() if is_there(arguments.device)]))
        return

    device, is_gpu = arguments.device, arguments.device.type == "cuda"
    wait = (lambda: torch.cuda.synchronize(device)) if is_gpu else (lambda: None)
    if is_gpu:
        torch.cuda.set_device(device)
    if arguments.precision == "tf32":
        torch.set_float32_matmul_precision("high")
    torch.manual_seed(42)
    Attention.sdpa = arguments.sdpa
    torch.set_num_threads(arguments.threads)
    m2d, eat = arguments.framework == "m2d", arguments.framework == "eat"
    encoder = arguments.encoder or ENCODERS[arguments.size]
    decoder = arguments.decoder or (CONVOLUTIONS if eat else PREDICTORS if m2d else DECODERS)[arguments.size]
    if eat:
        model = Eat(encoder, decoder, *arguments.input, arguments.patch, 0.8, arguments.clones).to(device)
    else:
        model = MaskedModel(m2d, encoder, decoder, *arguments.input, arguments.patch, 0.7 if m2d else 0.75).to(device)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": 0.05},
        {"params": [parameter for parameter in trained if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.95), **({"fused": True} if arguments.fused else {}))
    if arguments.compile and not is_gpu:
        share_sleef()
    step = torch.compile(model) if arguments.compile else model
    batch = torch.randn(arguments.batch, 1, *arguments.input)
    batch = batch.pin_memory() if is_gpu else batch

    phases = {"mask": [], "forward": [], "backward": [], "update": []}
    steps, loss = [], 0.0
    for number in range(arguments.warm_up + arguments.steps):
        begin = time.perf_counter()
        ids = model.mask(arguments.batch)
        wait()
        masked = time.perf_counter()
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=arguments.precision == "bf16"):
            value = step(batch.to(device, non_blocking=True), *ids)
        loss = value.item()  # waits for the device
        forward = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        wait()
        backward = time.perf_counter()
        nn.utils.clip_grad_norm_(trained, 3.0)
        optimizer.step()
        if m2d or eat:
            model.follow(0.99995, arguments.foreach)
        wait()
        end = time.perf_counter()
        if number < arguments.warm_up:
            continue
        steps.append(end - begin)
        phases["mask"].append(masked - begin)
        phases["forward"].append(forward - masked)
        phases["backward"].append(backward - forward)
        phases["update"].append(end - backward)

    print(json.dumps({
        "engine": f"pytorch {torch.__version__}",
        "framework": arguments.framework, "encoder": "/".join(map(str, encoder)), "decoder": "/".join(map(str, decoder)),
        "input": "x".join(map(str, arguments.input)), "patch": "x".join(map(str, arguments.patch)),
        "device": str(device), "batch": arguments.batch, "precision": arguments.precision, "threads": torch.get_num_threads(), "steps": arguments.steps,
        "clips_per_second": round(arguments.batch / statistics.median(steps), 2),
        "step_ms": round(1000 * statistics.median(steps), 2),
        "phase_ms": {name: round(1000 * statistics.median(seconds), 2) for name, seconds in phases.items()},
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "loss": loss,
        **({"vectors": vectors()} if arguments.compile and not is_gpu else {}),
    }))


if __name__ == "__main__":
    main()
