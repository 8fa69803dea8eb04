"""Trains the built-in network from random weights, within a given time or number of steps.

    python train.py --data DATA --work WORK --minutes 100
    python train.py --data DATA --work WORK --steps 20000

WORK receives the picture cache, `checkpoint.pt` (everything needed to go on with --resume) and `log.csv`.
The learning rate follows the share of the run that has passed: with --minutes a run ends on time whatever
else the machine does, with --steps two runs with one seed see the same pictures.

On a GPU one process trains and several draw pictures. On a CPU each of --processes processes runs on one
thread and sees its own pictures; they average their gradients once a step. Two threads of one process would
wait for each other in every layer: on a busy two-core machine one small convolution's backward pass then took
up to 160 ms, and 5 to 12 ms on one thread. Compiling the network did not pay on the CPU (46 pictures a second
and core against 52), bfloat16 does (52 against 37).
"""

from __future__ import annotations

import argparse
import copy
import csv
import math
import os
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.utils.data import DataLoader

from designs import DESIGNS
from losses import coarse_loss, matting_loss, presence_loss
from metrics import f_curve, iou_at_half, mean_absolute_error
from network import Context, normalise
from pictures import OWN, Library, open_library
from samples import Batches, held_out

SIZES: tuple[tuple[float, int], ...] = ((0.45, 192), (0.88, 256), (1.01, 320))
"""Up to which share of the run the pictures have which side, in pixels."""
COARSE_SHARE = 0.3
PRESENCE_SHARE = 0.2


@dataclass(frozen=True)
class Plan:
    """How to train.

    The run ends after `minutes` of wall-clock time from its start, or from its resumption, or after `steps`
    in all; one of them is None. `batch` counts the pictures that each of the `processes` takes per step.
    `side` fixes the side of the pictures, in pixels, instead of raising it by `SIZES`. `without` names kinds
    of samples to leave out, to see what they bring.
    """

    data: Path
    work: Path
    minutes: float | None = None
    steps: int | None = None
    batch: int = 12
    processes: int = 2
    device: str = "cpu"
    design: str = "subject"
    side: int | None = None
    without: tuple[str, ...] = ()
    peak_rate: float = 2e-3
    weight_decay: float = 0.02
    warm_up_steps: int = 200
    ema_decay: float = 0.9985
    seed: int = 1
    save_every_s: float = 60.0
    validate_every_s: float = 600.0
    resume: bool = False
    start: Path | None = None

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise ValueError("Say either --minutes or --steps.")
        if (self.minutes or self.steps or 0) <= 0 or self.batch < 2 or self.processes < 1:
            raise ValueError("Training needs some time, a process and batches of at least 2 pictures.")
        if self.device != "cpu" and self.processes > 1:
            raise ValueError("On a GPU one process trains: say --processes 1.")


def learning_rate(plan: Plan, *, step: int, progress: float) -> float:
    """Linear warm-up in steps, then a half cosine over the share of the run that has passed."""
    decay = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return plan.peak_rate * min(1.0, (step + 1) / plan.warm_up_steps) * max(decay, 1e-3)


def side_px(plan: Plan, progress: float) -> int:
    """The side of the training pictures at this share of the run."""
    if plan.side is not None:
        return plan.side
    return next(side for until, side in SIZES if min(progress, 1.0) < until)


def begin_from(network: nn.Module, checkpoint: Path) -> None:
    """Takes over the averaged weights of an earlier run where names and shapes agree; the rest stays random.

    A look-around that is new starts by adding nothing, so that the network begins as good as it was.
    """
    old = torch.load(checkpoint, weights_only=True)["average"]
    own = network.state_dict()
    taken = {name: value for name, value in old.items() if name in own and own[name].shape == value.shape}
    network.load_state_dict(taken, strict=False)
    for name, module in network.named_modules():
        if isinstance(module, Context) and f"{name}.out_norm.weight" not in taken:
            nn.init.zeros_(module.out_norm.weight)


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
    device = next(network.parameters()).device
    results = {}
    for name, pictures in library.pairs.items():
        kept_away = None if name == OWN else held_out(pictures, side)
        if kept_away is None:
            continue
        images, truths = kept_away
        parts = [torch.sigmoid(network(normalise(part.to(device)))) for part in images.split(8)]
        alphas = torch.cat(parts)[:, 0].cpu().numpy()
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
        self.network = DESIGNS[plan.design]().to(plan.device, memory_format=torch.channels_last)
        if plan.start:
            begin_from(self.network, plan.start)
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
            state = torch.load(plan.work / "checkpoint.pt", weights_only=True, map_location=plan.device)
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.seen = state["step"], state["seen"]
            self.trained_s, self.progress_before = state["trained_s"], state["progress"]
            self.progress = self.progress_before
        self.started = time.time()

    def _own_progress(self) -> float:
        """The share of the whole run that has passed, by its steps or this process's clock, in [0, 1+]."""
        if self.plan.minutes is None:
            return (self.step + 1) / self.plan.steps
        share = (time.time() - self.started) / (self.plan.minutes * 60)
        return self.progress_before + (1 - self.progress_before) * share

    def save(self) -> None:
        """Writes the checkpoint so that a reader never meets half of one."""
        part = self.plan.work / "checkpoint.part"
        state = {
            "design": self.plan.design,
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
        if self.plan.processes == 1:
            self.progress = self._own_progress()
            return
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
        device = self.plan.device
        truth, trust = alphas.to(device).float() / 255, trust.to(device)
        picture = normalise(images.to(device)).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.split(":")[0], torch.bfloat16):
            fine, *coarse, presence = self.network(picture)
        main = matting_loss(fine.float(), truth, trust)
        loss = main + COARSE_SHARE * torch.stack([coarse_loss(c.float(), truth, trust) for c in coarse]).sum()
        loss = loss + PRESENCE_SHARE * presence_loss(presence.float(), truth)
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
    if plan.processes > 1:
        dist.init_process_group("gloo", rank=rank, world_size=plan.processes)
    library = open_library(plan.data, plan.work / "cache")
    left = {name: pictures for name, pictures in library.pairs.items() if name not in plan.without}
    library = replace(library, pairs=left)
    run = Run(plan)
    side = mp.get_context("fork").Value("i", side_px(plan, run.progress))
    seed = (plan.seed * 1000 + run.step) * 64 + rank * 32
    batches = Batches(library, batch=plan.batch, side_px=side, seed=seed, without=plan.without)
    workers = 1 if plan.device == "cpu" else max(1, (os.cpu_count() or 2) - 1)
    loader = iter(
        DataLoader(
            batches,
            batch_size=None,
            num_workers=workers,
            prefetch_factor=4,
            multiprocessing_context="fork",  # shares the pictures instead of copying them
        )
    )
    journal = Journal(plan, library) if rank == 0 else None
    while run.progress < 1.0:
        loss = run.learn(*next(loader))
        side.value = side_px(plan, run.progress)
        if journal:
            journal.note(run, loss)
    if plan.processes > 1:
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
            self._write(
                "loss", run.step, run.seen, f"{run.progress:.4f}", side_px(self.plan, run.progress), mean
            )
            self.losses.clear()
        if ended or now - self.saved > self.plan.save_every_s:
            run.save()
            self.saved = now
        if ended or now - self.validated > self.plan.validate_every_s:
            for name, figures in validate(
                run.average, self.library, side_px(self.plan, run.progress)
            ).items():
                self._write(
                    "validation", run.step, name, *(f"{figures[key]:.4f}" for key in ("mae", "iou", "max_f"))
                )
            self.validated = now

    def _write(self, *row: object) -> None:
        with (self.plan.work / "log.csv").open("a", newline="") as file:
            csv.writer(file).writerow(row)
        print(time.strftime("%H:%M:%S"), *row, flush=True)


def _free_port() -> int:
    """A port on loopback where the processes of one run can meet, so that two runs do not."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with train/, rgba/, backgrounds/, unlabeled/"
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for cache, checkpoint and log")
    parser.add_argument("--minutes", type=float, help="wall-clock time until the end of training")
    parser.add_argument("--steps", type=int, help="optimiser steps until the end, instead of --minutes")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in WORK")
    parser.add_argument("--start", type=Path, help="begin with the averaged weights of this checkpoint")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--processes", type=int, help="CPU: as many as there are cores to use (2); GPU: 1")
    parser.add_argument("--batch", type=int, default=12, help="pictures that each process takes per step")
    parser.add_argument("--design", choices=DESIGNS, default="subject", help="which network to teach")
    parser.add_argument("--side", type=int, help="fix the side of the pictures, in pixels")
    parser.add_argument(
        "--without", nargs="*", default=(), metavar="KIND", help="kinds of samples to leave out"
    )
    parser.add_argument("--peak-rate", type=float, default=Plan.peak_rate, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.processes is None:
        args.processes = 2 if args.device == "cpu" else 1
    plan = Plan(**(vars(args) | {"without": tuple(args.without)}))
    plan.work.mkdir(parents=True, exist_ok=True)
    open_library(plan.data, plan.work / "cache")
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", str(_free_port()))
    for rank in range(1, plan.processes):
        mp.get_context("spawn").Process(target=train, args=(plan, rank)).start()
    train(plan, 0)


if __name__ == "__main__":
    main()
