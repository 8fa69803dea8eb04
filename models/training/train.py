"""Trains the built-in network from random weights, on a CPU, within a given time.

    python train.py --data DATA --work WORK --minutes 100

WORK receives the picture cache, `checkpoint.pt` (everything needed to go on with --resume) and `log.csv`. The
learning rate follows the share of the time that has passed, so that a run ends on time whatever else the
machine does.

Each of --processes processes runs on one thread and sees its own pictures; they average their gradients once
a step. Two threads of one process would wait for each other in every layer: on a busy two-core machine one
small convolution's backward pass then took up to 160 ms, and 5 to 12 ms on one thread.
"""

from __future__ import annotations

import argparse
import copy
import csv
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.utils.data import DataLoader

from losses import coarse_loss, matting_loss
from metrics import f_curve, iou_at_half, mean_absolute_error
from network import SubjectNet, normalise
from pictures import PAIR_SETS, Library, open_library
from samples import Batches, held_out

SIZES: tuple[tuple[float, int], ...] = ((0.30, 192), (0.85, 256), (1.01, 320))
"""Up to which share of the run the pictures have which side, in pixels."""
COARSE_SHARE = 0.3


@dataclass(frozen=True)
class Plan:
    """How to train.

    `minutes` is wall-clock time from the start, or from the resumption, to the end; `batch` counts the
    pictures that each of the `processes` takes per step.
    """

    data: Path
    work: Path
    minutes: float
    batch: int = 12
    processes: int = 2
    peak_rate: float = 2e-3
    weight_decay: float = 0.02
    warm_up_steps: int = 200
    ema_decay: float = 0.9985
    seed: int = 1
    save_every_s: float = 60.0
    validate_every_s: float = 600.0
    resume: bool = False

    def __post_init__(self) -> None:
        if self.minutes <= 0 or self.batch < 2 or self.processes < 1:
            raise ValueError("Training needs some minutes, a process and batches of at least 2 pictures.")


def learning_rate(plan: Plan, *, step: int, progress: float) -> float:
    """Linear warm-up in steps, then a half cosine over the share of the time that has passed."""
    decay = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return plan.peak_rate * min(1.0, (step + 1) / plan.warm_up_steps) * max(decay, 1e-3)


def side_px(progress: float) -> int:
    """The side of the training pictures at this share of the run."""
    return next(side for until, side in SIZES if min(progress, 1.0) < until)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, *, decay: float) -> None:
    """Moves every weight and running statistic of `average` towards `network`."""
    for kept, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1.0 - decay)
        else:
            kept.copy_(new)


@torch.no_grad()
def validate(network: nn.Module, library: Library, side: int) -> dict[str, dict[str, float]]:
    """MAE, IoU at 0.5 and max-F on the held-out pictures of each set, at the training size."""
    network.eval()
    results = {}
    for name in PAIR_SETS:
        images, truths = held_out(library.pairs[name], side)
        alphas = torch.cat([torch.sigmoid(network(normalise(part))) for part in images.split(8)])[
            :, 0
        ].numpy()
        pairs = list(zip(alphas, truths[:, 0].numpy().astype(np.float32) / 255, strict=True))
        results[name] = {
            "mae": float(np.mean([mean_absolute_error(a, t) for a, t in pairs])),
            "iou": float(np.mean([iou_at_half(a, t) for a, t in pairs])),
            "max_f": float(np.mean([f_curve(a, t) for a, t in pairs], 0).max()),
        }
    return results


class Run:
    """The state of a training run: network, its average, optimiser, and how far it has come."""

    def __init__(self, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        self.plan = plan
        self.network = SubjectNet().to(memory_format=torch.channels_last)
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        rest = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": plan.weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=plan.peak_rate)
        self.average = copy.deepcopy(self.network).eval()
        self.step = 0
        self.seen = 0
        self.progress = 0.0
        self.trained_s = 0.0
        self.progress_before = 0.0
        if plan.resume:
            state = torch.load(plan.work / "checkpoint.pt", weights_only=True)
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.seen = state["step"], state["seen"]
            self.trained_s, self.progress_before = state["trained_s"], state["progress"]
            self.progress = self.progress_before
        self.started = time.time()

    def _own_progress(self) -> float:
        """The share of the whole run that has passed by this process's clock, in [0, 1+]."""
        share = (time.time() - self.started) / (self.plan.minutes * 60)
        return self.progress_before + (1 - self.progress_before) * share

    def save(self) -> None:
        """Writes the checkpoint so that a reader never meets half of one."""
        part = self.plan.work / "checkpoint.part"
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seen": self.seen,
            "trained_s": self.trained_s + time.time() - self.started,
            "progress": self.progress,
        }
        torch.save(state, part)
        part.replace(self.plan.work / "checkpoint.pt")

    def _agree(self) -> None:
        """Averages the gradients, and the progress that the learning rate depends on, over all processes."""
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        together = torch.cat([*(g.reshape(-1) for g in gradients), torch.tensor([self._own_progress()])])
        dist.all_reduce(together)
        together /= self.plan.processes
        self.progress = float(together[-1])
        parts = together[:-1].split([g.numel() for g in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def learn(self, images: Tensor, alphas: Tensor, trust: Tensor) -> float:
        """One optimiser step on one batch; returns the loss of the full-size output."""
        rate = learning_rate(self.plan, step=self.step, progress=self.progress)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.network.train()
        truth = alphas.float() / 255
        picture = normalise(images).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            fine, *coarse = self.network(picture)
        main = matting_loss(fine.float(), truth, trust)
        loss = main + COARSE_SHARE * torch.stack([coarse_loss(c.float(), truth, trust) for c in coarse]).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._agree()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        self.seen += len(images) * self.plan.processes
        decay = min(self.plan.ema_decay, (1 + self.step) / (10 + self.step))
        update_average(self.average, self.network, decay=decay)
        return float(main.detach())


def train(plan: Plan, rank: int) -> None:
    """Trains until the time is up; the first process also logs, validates and saves."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=plan.processes)
    library = open_library(plan.data, plan.work / "cache")
    run = Run(plan)
    side = mp.get_context("fork").Value("i", side_px(run.progress))
    batches = Batches(library, batch=plan.batch, side_px=side, seed=(plan.seed * 1000 + run.step) * 16 + rank)
    loader = iter(
        DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=4, multiprocessing_context="fork")
    )
    journal = Journal(plan, library) if rank == 0 else None
    while run.progress < 1.0:
        loss = run.learn(*next(loader))
        side.value = side_px(run.progress)
        if journal:
            journal.note(run, loss)
    dist.destroy_process_group()


class Journal:
    """Writes the log and the checkpoints of a run: losses by steps, the rest by the clock."""

    def __init__(self, plan: Plan, library: Library) -> None:
        self.plan = plan
        self.library = library
        self.losses: list[float] = []
        self.saved = self.validated = time.time()

    def note(self, run: Run, loss: float) -> None:
        """Takes notice of one step and does what has become due."""
        self.losses.append(loss)
        now, ended = time.time(), run.progress >= 1.0
        if run.step % 100 == 0:
            mean = f"{np.mean(self.losses):.4f}"
            self._write("loss", run.step, run.seen, f"{run.progress:.4f}", side_px(run.progress), mean)
            self.losses.clear()
        if ended or now - self.saved > self.plan.save_every_s:
            run.save()
            self.saved = now
        if ended or now - self.validated > self.plan.validate_every_s:
            for name, figures in validate(run.average, self.library, side_px(run.progress)).items():
                self._write(
                    "validation", run.step, name, *(f"{figures[key]:.4f}" for key in ("mae", "iou", "max_f"))
                )
            self.validated = now

    def _write(self, *row: object) -> None:
        with (self.plan.work / "log.csv").open("a", newline="") as file:
            csv.writer(file).writerow(row)
        print(time.strftime("%H:%M:%S"), *row, flush=True)


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train/, rgba/, backgrounds/, unlabeled/"
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for cache, checkpoint and log")
    parser.add_argument(
        "--minutes", type=float, required=True, help="wall-clock time until the end of training"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in WORK")
    parser.add_argument("--processes", type=int, default=2, help="as many as there are cores to use")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    plan = Plan(**vars(args))
    plan.work.mkdir(parents=True, exist_ok=True)
    open_library(plan.data, plan.work / "cache")
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29511")
    for rank in range(1, plan.processes):
        mp.get_context("spawn").Process(target=train, args=(plan, rank)).start()
    train(plan, 0)


if __name__ == "__main__":
    main()
