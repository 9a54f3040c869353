"""Trains one network for a given time: `python -m training.train matte|costume --data DIR --minutes N --out DIR`.

Run from layers/model. The learning rate follows a cosine over the time (of each thread's CPU, or of the GPU), the last
part at the full size, so any budget ends annealed. `--resume` goes on from DIR/state.pt; `--start FILE` begins from
some earlier run's weights.
"""

from __future__ import annotations

import copy
import json
import math
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training.batches import augmented_batch
from training.losses import costume_loss, matte_loss
from training.manifest import Row, data_folders, read_manifests, split_rows
from training.network import ARCHITECTURES, SegmentationNet, load_imagenet, load_weights, normalise
from training.pictures import Batch, CutOuts, Pool
from training.plan import CONTEXT_BLOCKS, OUTPUTS, Plan, parse_arguments, training_rows, validation_rows
from training.scores import quick_score

IMAGE_DIMS = 4
SAVE_SECONDS = 240
MEASURED_STEPS = 5


def new_net(job: str, encoder: str = "lite0") -> SegmentationNet:
    """The network of `job` with random weights; `encoder` is of ARCHITECTURES."""
    return SegmentationNet(OUTPUTS[job], CONTEXT_BLOCKS[job], ARCHITECTURES[encoder])


def channels_last(net: SegmentationNet) -> SegmentationNet:
    """`net` with its convolution weights laid out for NHWC, twice as fast on a CPU."""
    for parameter in net.parameters():
        if parameter.dim() == IMAGE_DIMS:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return net


class Average:
    """Exponential moving average of a network's weights and batch statistics."""

    def __init__(self, net: SegmentationNet, decay: float = 0.998) -> None:
        self.net = copy.deepcopy(net).eval()
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        live = net.state_dict()
        for name, value in self.net.state_dict().items():
            if value.is_floating_point():
                value.lerp_(live[name], 1 - decay)
            else:
                value.copy_(live[name])


@dataclass(frozen=True)
class Worker:
    """One thread's network and its stream of pictures."""

    net: SegmentationNet
    rng: np.random.Generator


class Training:
    """A network, its average, its optimiser and the clock."""

    def __init__(self, plan: Plan, homes: list[Path], start: Path | None, tiers: set[str]) -> None:
        self.plan = plan
        self.device = torch.device(plan.device)
        random.seed(plan.seed)
        torch.manual_seed(plan.seed)
        train, validation = split_rows([row for row in read_manifests(homes) if row.tier in tiers])
        self.pool, self.cut_outs = self._load(train)
        checked = validation_rows(plan.job, validation) if plan.check_minutes else []
        self.validation = Pool(checked, plan.final_size, plan.job == "costume", self.device)
        self.net = channels_last(new_net(plan.job, plan.encoder).to(self.device))
        if start is None:
            load_imagenet(self.net)
        else:
            print(f"start={start} untouched={load_weights(self.net, start)}", flush=True)
        self.net.enc.freeze(plan.frozen)
        self.average = Average(self.net)
        self.optimiser = self._optimiser()
        # Each with one thread of its own and one meeting a step: on cores that other work takes away at any moment,
        # threads that meet in every convolution wait for each other most of the time.
        self.threads = ThreadPoolExecutor(plan.threads, initializer=torch.set_num_threads, initargs=(1,))
        self.workers = self._workers(0)
        self.elapsed_s = 0.0
        self.step_number = 0
        self.best = -math.inf
        self.stopped = False
        self.half = self._trains_faster_in_bf16()

    def _trains_faster_in_bf16(self) -> bool:
        """Measures some steps of each: without the processor's bf16 instructions autocast costs more than it saves."""
        if self.device.type != "cpu":
            return True
        seconds = {}
        for self.half in (False, True):
            self._gradients(self.workers[0], *self.plan.stage(0.0))
            begun = time.process_time()
            for _ in range(MEASURED_STEPS):
                self._gradients(self.workers[0], *self.plan.stage(0.0))
            seconds[self.half] = (time.process_time() - begun) / MEASURED_STEPS
        print(f"cpu_s a step: fp32={seconds[False]:.2f} bf16={seconds[True]:.2f}", flush=True)
        return seconds[True] < seconds[False]

    def _load(self, rows: list[Row]) -> tuple[Pool, CutOuts]:
        wanted = training_rows(self.plan.job, rows, self.plan.only_masks)
        folder = self.plan.out if self.device.type == "cpu" else None
        pool = Pool(wanted, self.plan.stored, self.plan.job == "costume", self.device, folder)
        print(f"pictures={len(wanted)}", flush=True)
        # `costume` needs only the backgrounds.
        kept = [row for row in rows if self.plan.job == "matte" or row.folder != "rgba"]
        return pool, CutOuts(kept, self.plan.stored, self.device)

    def _workers(self, step: int) -> list[Worker]:
        """One worker for each thread, with another stream of pictures than the one seen before `step`."""
        nets = [self.net] + [copy.deepcopy(self.net) for _ in range(self.plan.threads - 1)]
        return [Worker(net, np.random.default_rng((self.plan.seed, step, index))) for index, net in enumerate(nets)]

    def _optimiser(self) -> torch.optim.AdamW:
        encoder = list(self.net.enc.parameters())
        known = {id(parameter) for parameter in encoder}
        rest = [parameter for parameter in self.net.parameters() if id(parameter) not in known]
        groups = [
            {"params": encoder, "share": self.plan.encoder_rate_share},
            {"params": rest, "share": 1.0},
        ]
        return torch.optim.AdamW(groups, lr=self.plan.rate, weight_decay=0.01)

    def run(self) -> None:
        """Steps until the time is used up; the state is kept every few minutes, for `--resume`."""
        signal.signal(signal.SIGTERM, self._stop)
        total_s = self.plan.minutes * 60
        next_save_s = self.elapsed_s + SAVE_SECONDS
        next_check_s = self.elapsed_s + (self.plan.check_minutes or math.inf) * 60
        clock = self._clock_s()
        while self.elapsed_s < total_s and not self.stopped:
            loss = self._step(self.elapsed_s / total_s)
            if self.step_number % 25 == 0:
                print(f"step={self.step_number} elapsed_s={self.elapsed_s:.0f} loss={loss:.4f}", flush=True)
            if next_check_s < self.elapsed_s < total_s - 120:
                self._check({"average": self.average.net})
                next_check_s = self.elapsed_s + self.plan.check_minutes * 60
            if next_save_s < self.elapsed_s:
                self._save_state()
                next_save_s = self.elapsed_s + SAVE_SECONDS
            # Checks count towards the time.
            now = self._clock_s()
            self.elapsed_s, clock = self.elapsed_s + now - clock, now
        self._save_state()
        if not self.stopped:
            save_weights(self.average.net, self.plan.out / "last.pt", {"step": self.step_number})
            if self.plan.check_minutes:
                self._check({"average": self.average.net, "raw": self.net})

    def _clock_s(self) -> float:
        """Seconds of work: on a CPU each thread's own time, so that other programs do not shorten the run."""
        return time.monotonic() if self.device.type != "cpu" else time.process_time() / self.plan.threads

    def _stop(self, *_: object) -> None:
        """End the step on SIGTERM and save the state, for `--resume`."""
        self.stopped = True

    def _step(self, progress: float) -> float:
        size, zoom = self.plan.stage(progress)
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate * group["share"] * self.plan.rate_at(progress)
        losses = list(self.threads.map(lambda worker: self._gradients(worker, size, zoom), self.workers))
        self._gather()
        nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.optimiser.step()
        self._spread()
        self.average.update(self.net)
        self.step_number += 1
        return float(np.mean(losses))

    def _gradients(self, worker: Worker, size: int, zoom: tuple[float, float]) -> float:
        """The loss of one worker's share of a batch, its gradients left in the worker's network."""
        count = self.plan.batch // len(self.workers)
        batch = augmented_batch(worker.rng, self.pool, self.cut_outs, count, size, zoom)
        worker.net.train()
        worker.net.zero_grad(set_to_none=True)
        loss = self._loss(worker.net, batch)
        torch.autograd.backward(loss)
        return float(loss.detach())

    @torch.no_grad()
    def _gather(self) -> None:
        """Put the mean of all workers' gradients into the network that is optimised, which is the first worker's."""
        for worker in self.workers[1:]:
            for mine, other in zip(self.net.parameters(), worker.net.parameters(), strict=True):
                if mine.grad is not None and other.grad is not None:
                    mine.grad += other.grad
        for mine in self.net.parameters():
            if mine.grad is not None:
                mine.grad /= len(self.workers)

    @torch.no_grad()
    def _spread(self) -> None:
        """Copy the optimised weights to the other workers."""
        for worker in self.workers[1:]:
            for mine, other in zip(self.net.parameters(), worker.net.parameters(), strict=True):
                other.copy_(mine)

    def _loss(self, net: nn.Module, batch: Batch) -> Tensor:
        rgb = normalise(batch.rgb).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.half):
            logits, coarse = net(rgb)
        if self.plan.job == "costume":
            return costume_loss(logits.float(), coarse.float(), batch.targets)
        return matte_loss(logits.float(), coarse.float(), batch.targets, batch.known)

    def _check(self, contenders: dict[str, SegmentationNet]) -> None:
        """Scores the given weights and keeps the best."""
        for name, net in contenders.items():
            score, detail = quick_score(net, self.validation)
            print(f"check step={self.step_number} weights={name} score={score:.4f} {detail}", flush=True)
            if score > self.best:
                self.best = score
                save_weights(net, self.plan.out / "best.pt", {"score": score, "step": self.step_number})

    def _save_state(self) -> None:
        state = {
            "net": self.net.state_dict(),
            "average": self.average.net.state_dict(),
            "average_steps": self.average.steps,
            "optimiser": self.optimiser.state_dict(),
            "elapsed_s": self.elapsed_s,
            "step": self.step_number,
            "best": self.best,
        }
        partial = self.plan.out / "state.partial"
        torch.save(state, partial)
        partial.replace(self.plan.out / "state.pt")

    def resume(self) -> None:
        """Goes on from `state.pt`. Raises FileNotFoundError where there is none."""
        state = torch.load(self.plan.out / "state.pt", map_location=self.device, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.net.load_state_dict(state["average"])
        self.average.steps = state["average_steps"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.elapsed_s, self.step_number, self.best = state["elapsed_s"], state["step"], state["best"]
        self.workers = self._workers(self.step_number)


def save_weights(net: nn.Module, path: Path, facts: dict[str, float]) -> None:
    """Writes the weights as fp16 (6 MB); batch counters stay integers."""
    halves = {k: v.half() if v.is_floating_point() else v for k, v in net.state_dict().items()}
    torch.save({"weights": halves, "facts": facts}, path)


def main() -> None:
    """Trains as the command line says."""
    given = parse_arguments()
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        given.job,
        given.minutes,
        given.out,
        seed=given.seed,
        batch=given.batch,
        rate=given.rate,
        final_share=given.final_share,
        # A GPU is kept busy by one.
        threads=given.threads if given.device == "cpu" else 1,
        check_minutes=given.check_minutes,
        frozen=given.frozen,
        device=given.device,
        early_size=given.early_size,
        middle_size=given.middle_size,
        encoder=given.encoder,
        only_masks=given.only_masks,
    )
    tiers = set(given.tier or ("permissive", "claimed-PD", "unclear"))
    training = Training(plan, data_folders(given.data), given.start, tiers)
    if given.resume:
        training.resume()
    (given.out / "plan.json").write_text(json.dumps(plan.__dict__, default=str, indent=1))
    training.run()


if __name__ == "__main__":
    main()
