"""Trials of restaining on a GPU: ten networks a trial at once, five folds of patients and two seeds.

python benchmarks/trials_gpu.py --data DIR --split-file CSV --fields external/tcga_fields [TRIAL ...]

Needs PyTorch and a CUDA GPU, which CancerNet itself does not: some minutes a trial there stand for hours on two CPU
cores. The network is that of `networks/compact.py`; mixing and restaining are done on the GPU, from patients brought to
one template (the mean L*a*b* mean and spread of all). Patients of the test side are not read; of each other at most 330
patches are. Each network learns its whole schedule, no epoch is chosen, and its fold's patients are predicted by the
moving average of its weights, twice: as they are, and brought to the template. Prints a JSON line a trial.
"""

from __future__ import annotations

import argparse
import json
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import nn
from torch.nn import functional as F  # noqa: N812 - as PyTorch's users call it

from cancernet.data.folds import grouped_folds
from cancernet.data.pack import default_cache_dir, pack
from cancernet.evaluation.corruptions import corrupt
from cancernet.training.restain import MEAN, MEAN_SD, MIN_SPREAD, SPREAD, SPREAD_SD
from fields import middle

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
MOST, STATISTICS, SHRINK = 330, 64, 1500  # patches a patient; patches for its colours; pixels that all others count
GLASS = 0.12  # mean optical density under which a pixel is glass
MEDIUM = ((5.0, 4.0, 4.0), (1.6, 1.3, 1.1))  # standard deviations about the template of its mean and spread
CORRUPTED = ("stain", "brightness", "saturation")
DRAWN = 32  # numbers a patch and step
BASE: dict[str, Any] = {
    "strong": None,
    "light": 0.0,
    "epochs": 14,
    "mixup": 0.3,
    "net": (16, 32, 64, 128),
    "scanner": 0,
}
TRIALS: dict[str, dict[str, Any]] = {
    "light": {"light": 0.02},  # patches as they are, the jitter of before
    "strong": {"strong": 1.0},
    "half": {"strong": 0.5},  # the other half near the template
    "medium": {"strong": 0.0},
    "half_30": {"strong": 0.5, "epochs": 30},
    "half_30_scanner": {"strong": 0.5, "epochs": 30, "scanner": 1},
    "half_30_wide": {"strong": 0.5, "epochs": 30, "net": (32, 64, 128, 256)},
}
XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
XYZ /= np.array([[0.950456], [1.0], [1.088754]])
HED = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])

Template = tuple[np.ndarray, np.ndarray]  # mean (3,) and variance (3,) of L*, a*, b*


def lab(images: np.ndarray) -> np.ndarray:
    """Return L*a*b* of uint8 RGB pixels: float32 (pixels, 3)."""
    flat = np.ascontiguousarray(images).reshape(-1, 1, 3).astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(flat, cv2.COLOR_RGB2LAB))[:, 0]


def statistics(images: np.ndarray) -> tuple[int, np.ndarray, np.ndarray] | None:
    """Return how many pixels of tissue there are, and their mean and variance."""
    density = -np.log((images.reshape(-1, 3).astype(np.float32) + 1) / 256).mean(axis=1)
    pixels = lab(images)[density > GLASS]
    return (len(pixels), pixels.mean(axis=0), pixels.var(axis=0)) if len(pixels) >= 50 else None


def statistics_by(images: np.ndarray, group: np.ndarray) -> dict[Any, tuple[int, np.ndarray, np.ndarray] | None]:
    """Return the statistics of each group, from some of its patches."""
    rng = np.random.default_rng(0)
    found = {}
    for name in np.unique(group):
        rows = np.flatnonzero(group == name)
        found[name] = statistics(images[np.sort(rng.choice(rows, min(len(rows), STATISTICS), replace=False))])
    return found


def to_template(images: np.ndarray, group: np.ndarray, template: Template) -> np.ndarray:
    """Bring each group's patches to the template."""
    made = images.copy()
    for name, found in statistics_by(images, group).items():
        if found is None:
            continue
        share = found[0] / (found[0] + SHRINK)
        mean, variance = (share * own + (1 - share) * all_ for own, all_ in zip(found[1:], template, strict=True))
        rows = group == name
        pixels = (lab(images[rows]) - mean) * np.sqrt(template[1] / np.maximum(variance, 1e-6)) + template[0]
        rgb = np.asarray(cv2.cvtColor(pixels[:, None].astype(np.float32), cv2.COLOR_LAB2RGB)) * 255
        made[rows] = np.clip(np.rint(rgb), 0, 255).astype(np.uint8).reshape(images[rows].shape)
    return made


@cache
def _constant(values: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(values, device=DEVICE, dtype=torch.float32)


def constant(values: Any) -> torch.Tensor:
    """Return an array on the device; made once, since a captured step may copy nothing there."""
    array = np.asarray(values, np.float32)
    return _constant(tuple(array.ravel().tolist())).reshape(array.shape)


def lab_of(x: torch.Tensor) -> torch.Tensor:
    """Return L*a*b* (N, 3, H, W) of RGB from 0 to 255."""
    x = x / 255
    x = torch.where(x > 0.04045, ((x + 0.055) / 1.055).clamp_min(1e-6) ** 2.4, x / 12.92)
    xyz = torch.einsum("ij,bjhw->bihw", constant(XYZ), x)
    f = torch.where(xyz > 0.008856, xyz.clamp_min(1e-6) ** (1 / 3), 7.787 * xyz + 16 / 116)
    return torch.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


def rgb_of(x: torch.Tensor) -> torch.Tensor:
    """Return RGB from 0 to 255 of L*a*b*."""
    y = (x[:, 0] + 16) / 116
    f = torch.stack([y + x[:, 1] / 500, y, y - x[:, 2] / 200], 1)
    xyz = torch.where(f > 0.206893, f**3, (f - 16 / 116) / 7.787)
    x = torch.einsum("ij,bjhw->bihw", constant(np.linalg.inv(XYZ)), xyz).clamp(0, 1)
    return 255 * torch.where(x > 0.0031308, 1.055 * x.clamp_min(1e-8) ** (1 / 2.4) - 0.055, 12.92 * x)


def uniform(normal: torch.Tensor) -> torch.Tensor:
    """Return numbers from 0 to 1 for normal ones."""
    return 0.5 * (1 + torch.erf(normal / 2**0.5))


def augment(x: torch.Tensor, drawn: torch.Tensor, trial: dict[str, Any], template: Template) -> torch.Tensor:
    """Restain, jitter, blur and turn patches float32 (N, 3, H, W), by normal numbers (N, DRAWN)."""
    if trial["strong"] is not None:
        mean, spread = constant(template[0]), constant(np.sqrt(template[1]))
        strong = uniform(drawn[:, 6:7]) < trial["strong"]
        wide = constant(MEAN) + constant(MEAN_SD) * drawn[:, :3]
        near = mean + constant(MEDIUM[0]) * drawn[:, :3]
        wide_spread = (constant(SPREAD) + constant(SPREAD_SD) * drawn[:, 3:6]).clamp_min(MIN_SPREAD)
        near_spread = (spread + constant(MEDIUM[1]) * drawn[:, 3:6]).clamp_min(MIN_SPREAD)
        target = torch.where(strong, wide, near)[..., None, None]
        scale = (torch.where(strong, wide_spread, near_spread) / spread)[..., None, None]
        x = rgb_of((lab_of(x) - mean[:, None, None]) * scale + target).clamp(0, 255)
    if trial["light"]:
        gain, shift = (trial["light"] * (2 * uniform(drawn[:, k : k + 3]) - 1)[..., None, None] for k in (17, 20))
        stains = torch.einsum("ji,bjhw->bihw", constant(np.linalg.inv(HED)), -torch.log((x + 1) / 256))
        density = torch.einsum("ji,bjhw->bihw", constant(HED), stains * (1 + gain) + shift)
        x = (256 * torch.exp(-density) - 1).clamp(0, 255)
    if trial["scanner"]:
        weight = ((drawn[:, 23] > 0) * (0.11 + 0.11 * drawn[:, 24]).clamp(-0.1, 0.25))[:, None, None, None]
        for pad in ((1, 1, 0, 0), (0, 0, 1, 1)):
            wide = F.pad(x, pad, mode="replicate")
            sides = wide[..., :-2] + wide[..., 2:] if pad[0] else wide[..., :-2, :] + wide[..., 2:, :]
            x = (1 - 2 * weight) * x + weight * sides
        x = (x * (1 + 0.06 * drawn[:, 25])[:, None, None, None]).clamp(0, 255)
    coins = (drawn[:, 28:31] > 0)[:, :, None, None, None]
    for coin, turn in zip(coins.unbind(1), (lambda t: t.flip(2), lambda t: t.flip(3), lambda t: t.mT), strict=True):
        x = torch.where(coin, turn(x), x)
    return torch.round(x)


def normalised(i: int, o: int, side: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution and its batch normalisation."""
    made = nn.Conv2d(i, o, side, stride, side // 2, bias=False)
    nn.init.xavier_uniform_(made.weight)
    return nn.Sequential(made, nn.BatchNorm2d(o, momentum=0.05, eps=1e-3))


class Block(nn.Module):
    """A residual block; each but the first halves the map."""

    def __init__(self, i: int, o: int, *, first: bool) -> None:
        super().__init__()
        self.one, self.two = normalised(i, o, 3, 1 if first else 2), normalised(o, o, 3)
        self.shortcut = None if first else normalised(i, o, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the map after the block."""
        past = x
        if self.shortcut is not None:
            past = self.shortcut(F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False))
        return F.relu(self.two(F.relu(self.one(x))) + past)


class Compact(nn.Module):
    """The compact network, as `networks/compact.py` builds it but for the phase of its strides."""

    def __init__(self, widths: tuple[int, ...], seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        stem, *stages = widths
        self.stem, self.down = normalised(3, stem, 3), normalised(stem, stages[0], 3, 2)
        pairs = zip([stages[0], *stages], stages, strict=False)
        self.blocks = nn.Sequential(*(Block(i, o, first=k == 0) for k, (i, o) in enumerate(pairs)))
        self.logit = nn.Linear(stages[-1], 1)
        nn.init.xavier_uniform_(self.logit.weight)
        nn.init.zeros_(self.logit.bias)
        self.to(DEVICE, memory_format=torch.channels_last)

    def forward(self, x: torch.Tensor, kept: torch.Tensor | None = None) -> torch.Tensor:
        """Return logits (N,)."""
        x = self.blocks(F.relu(self.down(F.relu(self.stem(x / 127.5 - 1))))).mean((2, 3))
        return self.logit(x if kept is None else x * kept)[:, 0]


class Learner:
    """One network in training: its step is captured once as a CUDA graph and replayed on a stream of its own."""

    batch, rate, cap, ema, dropout = 64, 2e-3, 150, 0.998, 0.3

    def __init__(
        self,
        trial: dict[str, Any],
        images: torch.Tensor,
        label: np.ndarray,
        rows: np.ndarray,
        patient: np.ndarray,
        seed: int,
        template: Template,
    ) -> None:
        self.trial, self.images, self.rows, self.patient, self.seed = trial, images, rows, patient, seed
        self.steps = int(np.minimum(np.bincount(patient[rows]), self.cap).sum()) // self.batch
        self.net, self.average = Compact(trial["net"], seed), Compact(trial["net"], seed).eval()
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(),
            lr=torch.tensor(1e-3, device=DEVICE),
            weight_decay=0.02,
            eps=1e-7,
            capturable=DEVICE == "cuda",
        )
        self.label = torch.as_tensor(label, device=DEVICE, dtype=torch.float32)
        self.augment = partial(augment, trial=trial, template=template)
        self.now = {
            "one": torch.zeros(self.batch, dtype=torch.long, device=DEVICE),
            "two": torch.zeros(self.batch, dtype=torch.long, device=DEVICE),
            "share": torch.ones(self.batch, device=DEVICE),
            "drawn": torch.zeros(self.batch, DRAWN, device=DEVICE),
            "kept": torch.ones(self.batch, trial["net"][-1], device=DEVICE),
        }
        self.epoch: dict[str, torch.Tensor] = {}
        self.rng = np.random.default_rng(1000 + seed)
        self.graph = None
        if DEVICE == "cuda":
            self.stream = torch.cuda.Stream()
            self.capture()

    def step(self) -> None:
        """Take one training step on what `now` holds."""
        now = self.now
        share = now["share"][:, None, None, None]
        x = torch.round(share * self.images[now["one"]] + (1 - share) * self.images[now["two"]])
        label = now["share"] * self.label[now["one"]] + (1 - now["share"]) * self.label[now["two"]]
        x = self.augment(x.permute(0, 3, 1, 2), now["drawn"]).contiguous(memory_format=torch.channels_last)
        loss = F.binary_cross_entropy_with_logits(self.net(x, now["kept"]), label)
        self.optimiser.zero_grad(set_to_none=False)
        loss.backward()
        self.optimiser.step()
        pairs = zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True)
        averages, weights = zip(*((a, w) for a, w in pairs if a.dtype.is_floating_point), strict=True)
        torch._foreach_lerp_(averages, weights, 1 - self.ema)

    def capture(self) -> None:
        """Capture a step, and put the weights back as they were."""
        before = {name: value.clone() for name, value in self.net.state_dict().items()}
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            for _ in range(3):
                self.step()
        torch.cuda.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=self.stream):
            self.step()
        torch.cuda.synchronize()
        self.net.load_state_dict(before)
        self.average.load_state_dict(before)
        for state in self.optimiser.state.values():
            for value in state.values():
                value.zero_()

    def begin(self, epoch: int) -> None:
        """Draw what an epoch needs."""
        order = self.rng.permutation(self.rows)
        place = pd.Series(order).groupby(self.patient[order]).cumcount().to_numpy()
        one = np.resize(order[place < self.cap], self.steps * self.batch).reshape(self.steps, self.batch)
        mixup = self.trial["mixup"]
        share = self.rng.beta(mixup, mixup, one.shape) if mixup else np.ones(one.shape)
        generator = torch.Generator(device=DEVICE).manual_seed(self.seed * 1000 + epoch)
        width = self.trial["net"][-1]
        kept = torch.rand(*one.shape, width, device=DEVICE, generator=generator) > self.dropout
        total, at = self.steps * self.trial["epochs"], np.arange(epoch * self.steps, (epoch + 1) * self.steps)
        warm = max(1, total // 10)
        down = 0.5 * (1 + np.cos(np.pi * np.clip((at - warm) / max(1, total - warm), 0, 1)))
        rate = self.rate * np.where(at < warm, 0.04 + 0.96 * at / warm, down)
        self.epoch = {
            "one": torch.as_tensor(one, device=DEVICE),
            "two": torch.as_tensor(np.stack([self.rng.permutation(row) for row in one]), device=DEVICE),
            "share": torch.as_tensor(share, device=DEVICE, dtype=torch.float32),
            "drawn": torch.randn(*one.shape, DRAWN, device=DEVICE, generator=generator),
            "kept": kept / (1 - self.dropout),
            "rate": torch.as_tensor(rate, device=DEVICE, dtype=torch.float32),
        }

    def go(self, step: int) -> None:
        """Take a step of the epoch."""
        for name, value in self.now.items():
            value.copy_(self.epoch[name][step])
        self.optimiser.param_groups[0]["lr"].copy_(self.epoch["rate"][step])
        self.graph.replay() if self.graph else self.step()


def learn(learners: list[Learner], epochs: int) -> None:
    """Train all, side by side."""
    for epoch in range(epochs):
        for each in learners:
            each.begin(epoch)
        for step in range(max(each.steps for each in learners)):
            for each in learners:
                if step < each.steps:
                    with torch.cuda.stream(each.stream) if DEVICE == "cuda" else torch.enable_grad():
                        each.go(step)
            if epoch == 0 and step == min(72, each.steps - 1):  # the average forgets the random start
                synchronise()
                for each in learners:
                    each.average.load_state_dict(each.net.state_dict())
        synchronise()


def synchronise() -> None:
    """Wait for the GPU."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()


@torch.no_grad()
def logits(net: Compact, images: np.ndarray) -> np.ndarray:
    """Return logits (N,)."""
    parts = np.array_split(images, max(1, len(images) // 2048))
    found = [net(torch.as_tensor(part, device=DEVICE).float().permute(0, 3, 1, 2)).cpu().numpy() for part in parts]
    return np.concatenate(found)


def numbers(label: np.ndarray, logit: np.ndarray) -> dict[str, float]:
    """Return AUC, average precision, and the specificity at a recall of 0.95."""
    spared = np.mean(logit[label == 0] < np.quantile(logit[label == 1], 0.05))
    return {
        "auc": round(roc_auc_score(label, logit), 4),
        "ap": round(average_precision_score(label, logit), 4),
        "specificity": round(float(spared), 3),
    }


def main() -> None:
    """Run trials and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("trials", nargs="*", default=list(TRIALS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split-file", type=Path, required=True)
    parser.add_argument("--fields", type=Path, required=True)
    options = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    packed = pack(options.data, cache_dir=default_cache_dir())
    side = pd.read_csv(options.split_file, dtype=str).set_index("patient")["split"]
    developing = packed.table[packed.table["patient"].map(side) != "test"]
    rng = np.random.default_rng(5)
    rows = [rng.choice(each.index, min(len(each), MOST), replace=False) for _, each in developing.groupby("patient")]
    chosen = np.sort(np.concatenate(rows))
    table, raw = packed.table.loc[chosen], np.asarray(packed.images[chosen])
    label, patient = table["label"].to_numpy(int), np.unique(table["patient"], return_inverse=True)[1]
    folds = {seed: table["patient"].map(grouped_folds(developing, 5, seed)).to_numpy() for seed in (1, 2)}
    fields = pd.read_csv(options.fields / "fields.csv")
    fields = fields[fields["label"].notna() & (fields[["width_px", "height_px"]].min(axis=1) >= 400)]
    away = np.stack([middle(options.fields / name) for name in fields["file"]])
    malignant = (fields["label"] == "malignant").to_numpy().astype(int)
    some = np.sort(np.concatenate([rng.permutation(np.flatnonzero(patient == p))[:15] for p in np.unique(patient)]))
    known = [each for each in statistics_by(raw, patient).values() if each is not None]
    template = (np.mean([each[1] for each in known], axis=0), np.mean([each[2] for each in known], axis=0))
    home = to_template(raw, patient, template)
    spoilt = {name: corrupt(raw[some], name, 3, slide=patient[some].astype(str)) for name in CORRUPTED}
    states = {
        "as they are": (raw, away, spoilt),
        "template": (
            home,
            to_template(away, np.arange(len(away)), template),
            {name: to_template(images, patient[some], template) for name, images in spoilt.items()},
        ),
    }
    for name in options.trials:
        trial = BASE | TRIALS[name]
        images = torch.as_tensor(raw if trial["strong"] is None else home, device=DEVICE)
        parts = [(seed, fold) for seed in folds for fold in range(5)]
        learners = [
            Learner(trial, images, label, np.flatnonzero(folds[s] != k), patient, 10 * s + k, template)
            for s, k in parts
        ]
        learn(learners, trial["epochs"])
        print(json.dumps({"trial": name, **{state: judged(learners, parts, folds, label, malignant, some, *given)
              for state, given in states.items()}}), flush=True)  # fmt: skip


def judged(
    learners: list[Learner],
    parts: list[tuple[int, int]],
    folds: dict[int, np.ndarray],
    label: np.ndarray,
    malignant: np.ndarray,
    some: np.ndarray,
    home: np.ndarray,
    away: np.ndarray,
    spoilt: dict[str, np.ndarray],
) -> dict[str, Any]:
    """Return what the networks make of patients they have not seen, of the fields, and of corrupted patches."""
    found = {seed: np.empty(len(label), np.float32) for seed in folds}
    worse = {name: np.empty(len(some), np.float32) for name in spoilt}
    abroad = []
    for each, (seed, fold) in zip(learners, parts, strict=True):
        held = folds[seed] == fold
        found[seed][held] = logits(each.average, home[held])
        abroad.append(roc_auc_score(malignant, logits(each.average, away)))
        if seed == 1:
            for name, images in spoilt.items():
                worse[name][held[some]] = logits(each.average, images[held[some]])
    threshold = np.quantile(found[1][label == 1], 0.05)
    tumour = label[some] == 1
    before = np.mean(found[1][some][tumour] >= threshold)
    lost = {name: round(float(before - np.mean(each[tumour] >= threshold)), 3) for name, each in worse.items()}
    home_numbers = [numbers(label, each) for each in found.values()]
    return {"home": home_numbers, "fields_auc": round(float(np.mean(abroad)), 3), "recall_lost": lost}


if __name__ == "__main__":
    main()
