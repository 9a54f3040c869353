"""Tunes `matte` on accepted cut-outs, for `cutline learn`: `python -m training.tune FOLDER --start FILE --minutes 20`.

FOLDER has pictures.npy, (N, S, S, 3) uint8, and alphas.npy, (M, S, S) uint8, the accepted alphas of the first M. The
decoder and the heads learn the alphas; the encoder and the norms' statistics stay. A share of each batch is distilled
(Hinton et al. 2015, https://arxiv.org/abs/1503.02531): the other pictures, and drawn ones, whose targets are the
starting network's own answers. The weights are pulled towards those at the start (L2-SP, Li et al. 2018,
https://arxiv.org/abs/1802.01483).

Written are sheet.npz, drawn pictures with their alphas by which a network can be judged, the same every time, and for
each of --shares, in percent, the weights that far from the start to the end, tuned-SHARE.onnx (Wortsman et al. 2022,
https://arxiv.org/abs/2109.01903). Lines "progress 0.25" go to stdout.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training.augment import PhotometricChange, Warp, warp
from training.drawn import cells, draw_picture
from training.dressed import draw_dressed
from training.export import export
from training.losses import matte_loss
from training.network import SegmentationNet, encoder_of, load_weights, normalise, read_state
from training.soup import averaged
from training.targets import BAG
from training.train import channels_last, new_net

SIZE = 384
# Steps at the first size take little more than half of the time of those at the network's own.
EARLY_SIZE, EARLY_SHARE = 288, 0.6
# Of a batch, accepted cut-outs; of the rest, drawn pictures.
ACCEPTED_SHARE, DRAWN_SHARE = 0.5, 0.5
MIN_PART = 2
SHEET = 96
FIGURES = 3  # one drawn picture in three is a dressed figure
SHEET_SEED = 20261124
BACKDROPS = 24
ZOOM, DEGREES = (0.7, 1.0), 8.0


@dataclass(frozen=True)
class TunePlan:
    """One run's numbers; pull: the share of a weight's distance from its start that a step at full rate takes back."""

    minutes: float
    threads: int = 2
    rate: float = 3e-4
    batch: int = 8
    pull: float = 0.002
    drawn: int = 192
    seed: int = 7

    @property
    def part(self) -> int:
        """The pictures of a thread's part of a batch: of many threads each has an accepted cut-out and another."""
        return max(MIN_PART, self.batch // self.threads)

    def rate_at(self, progress: float) -> float:
        """Return the learning rate after a share of the time: a short rise, then half a cosine."""
        rise = min(1.0, progress / 0.05 + 0.1)
        return self.rate * rise * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def draw_pictures(rng: np.random.Generator, photographs: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Draw `count` pictures, shapes and figures: uint8 (N, 3, S, S), and (N, 2, S, S) foreground and person.

    photographs: (R, 3, S, S) uint8, for surfaces and backgrounds.
    """
    size = photographs.shape[-1]
    pictures = torch.empty(count, 3, size, size, dtype=torch.uint8)
    alphas = torch.zeros(count, 2, size, size, dtype=torch.uint8)
    for number in range(count):
        if number % FIGURES:
            rgb, alpha = draw_picture(rng, photographs, size)
        else:
            rgb, alpha, classes = draw_dressed(rng, photographs, size)
            alphas[number, 1:] = (alpha * (classes != BAG) * 255).round()
        pictures[number], alphas[number, :1] = (rgb * 255).round(), (alpha * 255).round()
    return pictures, alphas


def draw_sheet(size: int) -> tuple[Tensor, Tensor]:
    """Draw the pictures by which every network is judged, as `draw_pictures` returns them; no photograph is in them."""
    rng = np.random.default_rng(SHEET_SEED)
    patches = torch.stack([(cells(rng, size) * 255).byte() for _ in range(BACKDROPS)])
    # Backgrounds as full of things as photographs are.
    return draw_pictures(rng, draw_pictures(rng, patches, BACKDROPS)[0], SHEET)


class Tuning:
    """A network, the one that it started from, and the pictures."""

    def __init__(self, plan: TunePlan, start: Path, pictures: Tensor, alphas: Tensor) -> None:
        self.plan = plan
        torch.manual_seed(plan.seed)
        self.net = channels_last(new_net("matte", encoder_of(read_state(start))))
        load_weights(self.net, start)
        # In evaluation mode the norms keep their statistics: those of all pictures that the network has ever learned.
        self.net.eval().requires_grad_(False)
        self.teacher = copy.deepcopy(self.net)
        self.parts = [module for name, module in self.net.named_children() if name not in ("enc", "aux")]
        self.parameters = [one.requires_grad_() for part in self.parts for one in part.parameters()]
        self.beginning = [one.detach().clone() for one in self.parameters]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=plan.rate, weight_decay=0.0)
        rng = np.random.default_rng(plan.seed)
        self.accepted, self.alphas = pictures[: len(alphas)], alphas
        self.others = pictures[len(alphas) :]
        self.drawn = draw_pictures(rng, pictures, plan.drawn)[0]
        self.rngs = [np.random.default_rng((plan.seed, index)) for index in range(plan.threads)]

    def run(self) -> None:
        """Step until the time is used up: the threads' own, so that other programs do not shorten the run."""
        begun, steps, losses = time.process_time(), 0, []
        # Each with one thread of its own and one meeting a step, as in `training.train`.
        with ThreadPoolExecutor(self.plan.threads, initializer=torch.set_num_threads, initargs=(1,)) as threads:
            while (passed := (time.process_time() - begun) / self.plan.threads / 60 / self.plan.minutes) < 1:
                for group in self.optimiser.param_groups:
                    group["lr"] = self.plan.rate_at(passed)
                losses.append(self._step(threads, EARLY_SIZE if passed < EARLY_SHARE else SIZE))
                steps += 1
                if steps % 25 == 0:
                    print(f"progress {passed:.3f} step {steps} loss {np.mean(losses[-25:]):.4f}", flush=True)

    def _step(self, threads: ThreadPoolExecutor, size: int) -> float:
        found = list(threads.map(lambda rng: self._gradients(rng, size), self.rngs))
        for number, parameter in enumerate(self.parameters):
            parameter.grad = torch.stack([gradients[number] for gradients, _ in found]).mean(0)
        nn.utils.clip_grad_norm_(self.parameters, 2.0)
        self.optimiser.step()
        pulled = self.plan.pull * self.optimiser.param_groups[0]["lr"] / self.plan.rate
        with torch.no_grad():
            for parameter, start in zip(self.parameters, self.beginning, strict=True):
                parameter.lerp_(start, pulled)
        return float(np.mean([loss for _, loss in found]))

    def _gradients(self, rng: np.random.Generator, size: int) -> tuple[tuple[Tensor, ...], float]:
        """The gradients of one thread's share of a batch, and its loss; the network itself does not change."""
        rgb, alphas = self._batch(rng, self.plan.part, size)
        x = normalise(rgb).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            taps = self.net.enc(x)
            targets = self.teacher.decode(taps, x)[0].sigmoid()
            targets[: len(alphas), :1] = alphas
            # Of what was accepted, what the network takes for a person stays one.
            targets[: len(alphas), 1:] = torch.minimum(targets[: len(alphas), 1:], alphas)
        loss = matte_loss(self.net.decode(taps, x)[0], None, targets, targets.new_ones(len(rgb), 2))
        return torch.autograd.grad(loss, self.parameters), float(loss.detach())

    def _batch(self, rng: np.random.Generator, count: int, size: int) -> tuple[Tensor, Tensor]:
        """Augmented pictures (count, 3, size, size), and the alphas of the first, which were accepted."""
        accepted = max(1, round(count * ACCEPTED_SHARE))
        drawn = int(rng.binomial(count - accepted, DRAWN_SHARE)) if len(self.others) else count - accepted
        counts = (accepted, drawn, count - accepted - drawn)
        pools = (self.accepted, self.drawn, self.others)
        chosen = [
            torch.from_numpy(rng.integers(max(len(pool), 1), size=n)) for pool, n in zip(pools, counts, strict=True)
        ]
        rgb = torch.cat([pool[index] for pool, index in zip(pools, chosen, strict=True)]).float() / 255
        plan = Warp.random(rng, count, ZOOM, DEGREES)
        shown = PhotometricChange(rng).apply(warp(rgb, plan, size))
        alphas = self.alphas[chosen[0]].float()[:, None] / 255
        return shown, warp(alphas, Warp(plan.theta[:accepted]), size)


def write_networks(net: SegmentationNet, start: Path, folder: Path, shares: list[int]) -> None:
    """Write a network for each of these percents of the way from `start` to `net`."""
    first = read_state(start)
    tuned = {name: value for name, value in net.state_dict().items() if name in first}
    for share in shares:
        mixed = averaged(first, tuned, share / 100)
        torch.save(mixed, folder / "mixed.pt")
        export("matte", folder / "mixed.pt", folder / f"tuned-{share}.onnx", SIZE, half=True)


def tune(folder: Path, start: Path, plan: TunePlan, shares: list[int]) -> None:
    """Tune, and write the sheet and the networks into the folder."""
    pictures, alphas = (torch.from_numpy(np.load(folder / f"{name}.npy")) for name in ("pictures", "alphas"))
    sheet = draw_sheet(SIZE)
    np.savez(folder / "sheet.npz", pictures=sheet[0].permute(0, 2, 3, 1).numpy(), alphas=sheet[1].numpy())
    tuning = Tuning(plan, start, pictures.permute(0, 3, 1, 2).contiguous(), alphas)
    tuning.run()
    write_networks(tuning.net, start, folder, shares)


def main() -> None:
    """Tune as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--threads", type=int, default=TunePlan.threads)
    parser.add_argument("--shares", type=int, nargs="+", default=[100], help="of the way to the tuned weights, percent")
    parser.add_argument("--rate", type=float, default=TunePlan.rate)
    parser.add_argument("--pull", type=float, default=TunePlan.pull)
    given = parser.parse_args()
    torch.set_num_threads(1)
    plan = TunePlan(given.minutes, given.threads, given.rate, pull=given.pull)
    tune(given.folder, given.start, plan, given.shares)


if __name__ == "__main__":
    main()
