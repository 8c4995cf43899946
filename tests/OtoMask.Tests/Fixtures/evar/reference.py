#!/usr/bin/python3
"""The field's linear evaluation, our mode `evar`, written a second time: NumPy and PyTorch, double precision.

Makes the folders beside this file, by which LinearProbeReferenceTests judges the probe. Run by hand, without arguments, wherever
Python has PyTorch (1.13 or later); what it writes is committed. Each folder is a case: task.csv and embeddings.npy [clips, D] are given;
fits.json, weights.npy [fits, C, D + 1], bias last, and logits.npy [test clips of all fits, C] are what must come of them. Random
numbers are drawn as src/OtoMask/Randomness draws them, once more and from the papers: so the probe is given no split, initial weight
or order of a batch, but finds them by itself.
"""

import json
import pathlib

import numpy as np
import torch

SEEDS = [42, 43]
RATE, DECAY, EPOCHS, PATIENCE, LARGEST_BATCH, MOST_DRAWS = 3e-5, 1e-8, 200, 20, 200, 100
CLEARANCE = 1e-5  # no score may hang on logits nearer than this: float32 could order them either way


class RandomStream:
    """Philox 4x32-10 (Salmon et al. 2011), keyed by the seed, counting from (purpose, epoch, index)."""

    PROBE = 7

    def __init__(self, seed, index, epoch=0):
        self.key = seed & 0xFFFFFFFF, seed >> 32
        self.block, self.item = 0, (self.PROBE << 24 | epoch, index & 0xFFFFFFFF, index >> 32)
        self.words = []

    def word(self):
        if not self.words:
            (c0, c1, c2, c3), (k0, k1) = (self.block, *self.item), self.key
            for _ in range(10):
                p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
                c0, c1, c2, c3 = p1 >> 32 ^ c1 ^ k0, p1 & 0xFFFFFFFF, p0 >> 32 ^ c3 ^ k1, p0 & 0xFFFFFFFF
                k0, k1 = k0 + 0x9E3779B9 & 0xFFFFFFFF, k1 + 0xBB67AE85 & 0xFFFFFFFF
            self.block, self.words = self.block + 1, [c3, c2, c1, c0]
        return self.words.pop()

    def uniform(self):
        return ((self.word() << 32 | self.word()) >> 11) * 2.0**-53

    def below(self, bound):
        """Lemire 2019."""
        while (product := self.word() * bound) & 0xFFFFFFFF < (1 << 32) % bound:
            pass
        return product >> 32

    def shuffle(self, items):
        """Fisher and Yates, from the front."""
        for i in range(len(items) - 1):
            j = i + self.below(len(items) - i)
            items[i], items[j] = items[j], items[i]


def split_validation(train, targets, random):
    """A tenth of the training clips, rounded up, redrawn until every class is in it; failing that, the last draw."""
    clips, present = list(train), targets[train].any(0)
    for draw in range(1, MOST_DRAWS + 1):
        random.shuffle(clips)
        taken = min(-(-len(clips) // 10), len(clips) - 1)
        valid, rest = sorted(clips[:taken]), sorted(clips[taken:])
        missing = int(present.sum() - targets[valid].any(0).sum())
        if missing == 0:
            break
    return rest, valid, missing, draw


def average_precision(scores, positive):
    """Sum over thresholds of (gain in recall) x precision."""
    thresholds = np.unique(scores)[::-1]
    hits = np.array([positive[scores >= threshold].sum() for threshold in thresholds])
    above = np.array([(scores >= threshold).sum() for threshold in thresholds])
    return float((np.diff(hits, prepend=0) / positive.sum() * hits / above).sum())


def score(logits, targets, multi_label):
    """Accuracy, or macro average precision over the classes that occur; and by how much the nearest decision was taken."""
    if not multi_label:
        first, second = np.sort(logits, axis=1)[:, :-3:-1].T
        return float((logits.argmax(1) == targets.argmax(1)).mean()), float((first - second).min())
    columns = [(logits[:, c], targets[:, c]) for c in range(targets.shape[1]) if targets[:, c].any()]
    nearest = min(np.abs(s[p][:, None] - s[~p][None, :]).min() for s, p in columns if not p.all())
    return float(np.mean([average_precision(s, p) for s, p in columns])), float(nearest)


def loss_of(logits, targets, multi_label):
    if multi_label:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
    return (-targets * torch.log_softmax(logits, 1)).mean()  # over all N x C entries: cross-entropy / C


def fit(embeddings, targets, multi_label, split, seed, fold):
    train, valid, test = split
    missing = draws = 0
    scaled = embeddings[train]
    batch_size = min(LARGEST_BATCH, len(train))
    if not valid:
        train, valid, missing, draws = split_validation(train, targets, RandomStream(seed, 3 * fold))
    deviation = scaled.std(0)  # ddof 0
    x = (embeddings - scaled.mean(0)) / np.where(deviation == 0, 1, deviation)

    (_, dims), classes = x.shape, targets.shape[1]
    initial = RandomStream(seed, 3 * fold + 1)
    weights = np.array([np.float32((2 * initial.uniform() - 1) / dims**0.5) for _ in range(classes * (dims + 1))], float).reshape(classes, -1)
    layer = torch.nn.Linear(dims, classes).double()
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights[:, :-1]))
        layer.bias.copy_(torch.from_numpy(weights[:, -1]))
    adam = torch.optim.Adam(layer.parameters(), lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=DECAY)

    features, wanted = torch.from_numpy(x), torch.from_numpy(targets.astype(float))
    best, scores, margins, steps = None, [], [], 0
    for epoch in range(EPOCHS):
        order = list(range(len(train)))
        RandomStream(seed, 3 * fold + 2, epoch).shuffle(order)
        for start in range(0, len(order), batch_size):
            rows = [train[i] for i in order[start : start + batch_size]]
            adam.zero_grad()
            loss_of(layer(features[rows]), wanted[rows], multi_label).backward()
            adam.step()
        with torch.no_grad():
            value, margin = score(layer(features[valid]).numpy(), targets[valid], multi_label)
        scores.append(value)
        margins.append(margin)
        if best is None or value >= best[0]:
            best = value, epoch + 1, torch.cat([layer.weight, layer.bias[:, None]], 1).detach().numpy().copy()
        if epoch + 1 - best[1] >= PATIENCE:
            break

    logits = x[test] @ best[2][:, :-1].T + best[2][:, -1]
    tested, margin = score(logits, targets[test], multi_label)
    margins.append(margin)
    print(f"  seed {seed} fold {fold}: {len(train)}/{len(valid)}/{len(test)} clips, {missing} classes missing after {draws} draws, best of {len(scores)} epochs"
          f" {best[1]}, {len(set(scores))} validation scores up to {best[0]:.3f}, test {tested:.3f}, clear by {min(margins):.1e}")
    assert min(margins) > CLEARANCE, "a score hangs on logits too near each other: draw other embeddings"
    facts = {"seed": seed, "fold": fold, "train": train, "valid": valid, "missing_classes": missing, "validation_scores": scores, "epoch": best[1], "test_score": tested}
    return facts, best[2], logits


def embed(labels, splits, dims, distance, seed):
    """Noise around class means in 256 levels, and a dimension that is constant until the test, where it is a level higher."""
    random = np.random.default_rng(seed)
    means = {label: random.normal(size=dims) * distance for label in sorted({label for some in labels for label in some.split(";")})}
    x = random.normal(size=(len(labels), dims)) + np.array([sum(means[label] for label in some.split(";")) for some in labels])
    levels = np.clip(np.round(128 + 24 * x), 0, 255)
    levels[:, 0] = [129 if split == "test" else 128 for split in splits]
    return levels.astype(np.uint8)


def write_case(name, labels, splits, dims, distance, data_seed, folds=None, like=None):
    """`like`: the labels that the embeddings speak for, where these are others."""
    print(name)
    classes = sorted({label for some in labels for label in some.split(";")})
    x = embed(like or labels, splits, dims, distance, data_seed)
    targets = np.array([[c in some.split(";") for c in classes] for some in labels])
    multi_label = bool((targets.sum(1) > 1).any())
    if folds:
        parts = [([i for i, f in enumerate(folds) if f != fold], [], [i for i, f in enumerate(folds) if f == fold]) for fold in sorted(set(folds))]
    else:
        parts = [[[i for i, s in enumerate(splits) if s == split] for split in ("train", "valid", "test")]]
    fits, weights, logits = zip(*(fit(x.astype(float), targets, multi_label, part, seed, fold) for seed in SEEDS for fold, part in enumerate(parts)))

    folder = pathlib.Path(__file__).with_name(name)
    folder.mkdir(exist_ok=True)
    np.save(folder / "embeddings.npy", x)
    np.save(folder / "weights.npy", np.stack(weights).astype(np.float32))
    np.save(folder / "logits.npy", np.concatenate(logits).astype(np.float32))
    with open(folder / "task.csv", "w", encoding="utf-8") as file:
        file.write("file_name,label,split,fold\n")
        file.writelines(f"{i}.wav,{label},{split},{fold}\n" for i, (label, split, fold) in enumerate(zip(labels, splits, folds or [""] * len(labels))))
    with open(folder / "fits.json", "w", encoding="utf-8") as file:
        json.dump(fits, file)
        file.write("\n")


def in_turn(labels, count):
    return [labels[i % len(labels)] for i in range(count)]


def main():
    # 230 clips to train on: batches of 200, the last of 7 after 23 went to validation.
    write_case("ten-classes", in_turn([f"class{c}" for c in range(10)], 280), ["train"] * 230 + ["test"] * 50, dims=256, distance=0.8, data_seed=1)
    write_case("two-classes", in_turn(["no", "yes"], 140), ["train"] * 70 + ["valid"] * 30 + ["test"] * 40, dims=192, distance=0.5, data_seed=2)
    # What is learnt makes the validation clips worse, for they bear other clips' labels: it ends early.
    a, b = in_turn(["no", "yes"], 140), in_turn(["yes", "no"], 140)
    write_case("early-stop", a, ["train"] * 70 + ["valid"] * 30 + ["test"] * 40, dims=192, distance=0.5, data_seed=3, like=a[:70] + b[70:100] + a[100:])
    # One clip of `once` to train on, none of `unseen`.
    rare = ["once", *in_turn(["a", "b", "c"], 120), "once", "unseen", *in_turn(["a", "b", "c"], 38)]
    write_case("rare-classes", rare, ["train"] * 121 + ["test"] * 40, dims=128, distance=0.8, data_seed=4)
    # Six validation clips cannot hold twelve classes: the hundredth draw stands.
    write_case("many-classes", in_turn([f"class{c:02}" for c in range(12)], 108), ["train"] * 60 + ["test"] * 48, dims=128, distance=0.8, data_seed=5)
    several = ["a", "b;c", "c", "a;d", "b", "d;e", "a;c;e"]
    write_case("multi-label", in_turn(several, 200), ["train"] * 150 + ["test"] * 50, dims=128, distance=0.8, data_seed=8)
    write_case("folds", in_turn(["a", "b", "c", "d"], 120), ["train"] * 120, dims=128, distance=0.8, data_seed=7, folds=[1 + i // 4 % 3 for i in range(120)])


if __name__ == "__main__":
    main()
