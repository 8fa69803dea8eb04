"""The endless stream of training samples: which kind comes how often, how far its truth is trusted, and the
batches.

It joins `pictures`, `composites` and `augment` and hands PyTorch uint8 batches; it knows nothing of the
network.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from multiprocessing.sharedctypes import Synchronized

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

from augment import cropped, mirrored, photographed, widened
from composites import as_bytes, composite, empty, trained_row
from pictures import Library, Pairs, is_held_out, squash

KINDS: dict[str, float] = {
    "outlined": 0.30,
    "ccp": 0.06,
    "clothing": 0.05,
    "cats": 0.09,
    "voc": 0.08,
    "doubtful": 0.01,
    "human": 0.07,
    "own": 0.02,
    "cut-outs": 0.18,
    "drawn": 0.04,
    "empty": 0.11,
}
"""How often each kind of sample comes, relative to the others. People, cats and clothes are kept from
swamping the rest."""
MADE = ("cut-outs", "drawn", "empty")
"""Kinds that are made up rather than read."""
TRUST: dict[str, float] = {"clothing": 0.7, "doubtful": 0.4, "own": 0.6}
"""Weight of a kind's truth in the loss where it is below 1: machine-made masks, masks of more than the
subject, and the network's own labels."""


def shares_of(library: Library, *, without: Collection[str] = ()) -> dict[str, float]:
    """The shares of the kinds that a library can make, less those to do without, summing to 1."""
    possible = {k: v for k, v in KINDS.items() if (k in library.pairs or k in MADE) and k not in without}
    return {kind: share / sum(possible.values()) for kind, share in possible.items()}


def sample(
    library: Library, rng: Generator, side: int, *, shares: dict[str, float]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], float]:
    """One training sample: image uint8 (side, side, 3), alpha uint8 (side, side), and the trust in the
    alpha."""
    kind = str(rng.choice(list(shares), p=list(shares.values())))
    if kind == "empty":
        picture, alpha = as_bytes(*empty(library, rng, side))
    elif kind in ("cut-outs", "drawn"):
        picture, alpha = as_bytes(*composite(library, rng, side, drawn=kind == "drawn"))
    else:
        pairs = library.pairs[kind]
        row = trained_row(pairs, rng)
        whole = pairs.images[row], pairs.masks[row]
        if rng.random() < 0.2:
            whole = widened(*whole, rng)
        picture, alpha = cropped(*whole, rng, side)
    picture, alpha = mirrored(picture, alpha, rng)
    return photographed(picture, rng), alpha, TRUST.get(kind, 1.0)


class Batches(IterableDataset):  # type: ignore[type-arg]
    """Batches without end: (images uint8 (N, 3, S, S), alphas uint8 (N, 1, S, S), trust float32 (N,)).

    `side_px` is shared with the training process, which raises it as training goes on.
    """

    def __init__(
        self,
        library: Library,
        *,
        batch: int,
        side_px: Synchronized[int],
        seed: int,
        without: Collection[str] = (),
    ) -> None:
        self.library = library
        self.shares = shares_of(library, without=without)
        self.batch = batch
        self.side_px = side_px
        self.seed = seed

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        cv2.setNumThreads(0)
        torch.set_num_threads(1)
        worker = get_worker_info()
        rng = np.random.default_rng(self.seed + (worker.id if worker else 0))
        while True:
            side = self.side_px.value
            drawn = [sample(self.library, rng, side, shares=self.shares) for _ in range(self.batch)]
            images = torch.from_numpy(np.stack([image for image, _, _ in drawn]).transpose(0, 3, 1, 2))
            alphas = torch.from_numpy(np.stack([alpha for _, alpha, _ in drawn])[:, None])
            yield images, alphas, torch.tensor([trust for _, _, trust in drawn], dtype=torch.float32)


def held_out(pairs: Pairs, side: int) -> tuple[torch.Tensor, torch.Tensor] | None:
    """The set's validation pictures: images uint8 (N, 3, side, side) and alphas uint8 (N, 1, side, side).

    None where the set has none.
    """
    rows = [row for row, name in enumerate(pairs.names) if is_held_out(name)]
    if not rows:
        return None
    images = np.stack([squash(pairs.images[row], side) for row in rows]).transpose(0, 3, 1, 2)
    masks = np.stack([squash(pairs.masks[row], side) for row in rows])[:, None]
    return torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(masks)
