"""The endless stream of training samples: which kind comes how often, how far its truth is trusted, and the
batches.

It joins `pictures`, `composites` and `augment` and hands PyTorch uint8 batches; it knows nothing of the
network.
"""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing.sharedctypes import Synchronized

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch.utils.data import IterableDataset

from augment import cropped, mirrored, photographed
from composites import as_bytes, composite, empty
from pictures import Library, Pairs, is_held_out, squash

KINDS: dict[str, float] = {
    "ccp": 0.09,
    "clothing": 0.09,
    "cats": 0.10,
    "voc": 0.10,
    "human": 0.08,
    "own": 0.08,
    "cut-outs": 0.21,
    "drawn": 0.18,
    "empty": 0.07,
}
"""The share of each kind of sample; the shares sum to 1. People, cats and clothes are kept from swamping the
rest."""

TRUST: dict[str, float] = {"clothing": 0.6, "voc": 0.7, "own": 0.6}
"""Weight of a kind's truth in the loss where it is below 1: machine-made masks, masks of more than the
subject, and the network's own labels."""


def sample(library: Library, rng: Generator, side: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], float]:
    """One training sample: image uint8 (side, side, 3), alpha uint8 (side, side), and the trust in the
    alpha."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    if kind == "own" and kind not in library.pairs:
        kind = "drawn"
    if kind == "empty":
        picture, alpha = as_bytes(*empty(library, rng, side))
    elif kind in ("cut-outs", "drawn"):
        picture, alpha = as_bytes(*composite(library, rng, side, drawn=kind == "drawn"))
    else:
        pairs = library.pairs[kind]
        row = int(rng.integers(len(pairs.names)))
        while is_held_out(pairs.names[row]):
            row = int(rng.integers(len(pairs.names)))
        picture, alpha = cropped(pairs.images[row], pairs.masks[row], rng, side)
    picture, alpha = mirrored(picture, alpha, rng)
    return photographed(picture, rng), alpha, TRUST.get(kind, 1.0)


class Batches(IterableDataset):  # type: ignore[type-arg]
    """Batches without end: (images uint8 (N, 3, S, S), alphas uint8 (N, 1, S, S), trust float32 (N,)).

    `side_px` is shared with the training process, which raises it as training goes on.
    """

    def __init__(self, library: Library, *, batch: int, side_px: Synchronized[int], seed: int) -> None:
        self.library = library
        self.batch = batch
        self.side_px = side_px
        self.seed = seed

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        cv2.setNumThreads(0)
        torch.set_num_threads(1)
        rng = np.random.default_rng(self.seed)
        while True:
            side = self.side_px.value
            drawn = [sample(self.library, rng, side) for _ in range(self.batch)]
            images = torch.from_numpy(np.stack([image for image, _, _ in drawn]).transpose(0, 3, 1, 2))
            alphas = torch.from_numpy(np.stack([alpha for _, alpha, _ in drawn])[:, None])
            yield images, alphas, torch.tensor([trust for _, _, trust in drawn], dtype=torch.float32)


def held_out(pairs: Pairs, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The set's validation pictures: images uint8 (N, 3, side, side) and alphas uint8 (N, 1, side, side)."""
    rows = [row for row, name in enumerate(pairs.names) if is_held_out(name)]
    images = np.stack([squash(pairs.images[row], side) for row in rows]).transpose(0, 3, 1, 2)
    masks = np.stack([squash(pairs.masks[row], side) for row in rows])[:, None]
    return torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(masks)
