"""Lets the half-trained network label the pictures that nobody outlined, and keeps what can be believed.

    python self_training.py --data DATA --work WORK

A label is kept where the network says the same of mirrored and resized views, is sure of most pixels, and
where GrabCut (Rother et al. 2004), which looks only at this picture's own colours, draws nearly the same
outline. The kept ones become the set "own" in WORK's cache, which `train.py --resume` then uses. No other
network takes part.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from designs import averaged
from metrics import iou_at_half
from network import normalise
from pictures import CACHE_PX, OWN_IMAGES, OWN_MASKS, open_library, squash

_VIEWS_PX = (224, 288)
_GRABCUT_PX = 160
_SHARPEN = 1.6
"""Contrast put on a label around one half, so that the network does not learn its own vagueness."""


@dataclass(frozen=True)
class Belief:
    """What a label must fulfil to be kept. Shares are of the whole picture unless said otherwise."""

    least_agreement: float = 0.84
    least_grabcut_agreement: float = 0.72
    smallest: float = 0.03
    largest: float = 0.75
    most_unsure_of_subject: float = 0.3


@torch.no_grad()
def views(network: nn.Module, image: NDArray[np.uint8], side_px: int) -> list[NDArray[np.float32]]:
    """The alphas of a picture, uint8 (S, S, 3), at `side_px` plain and mirrored, each float32 (S, S)."""
    plain = np.ascontiguousarray(squash(image, side_px).transpose(2, 0, 1))
    pair = torch.from_numpy(np.stack((plain, plain[:, :, ::-1])))
    seen = torch.sigmoid(network(normalise(pair)))[:, 0].numpy()
    return [cv2.resize(np.ascontiguousarray(a), image.shape[1::-1]) for a in (seen[0], seen[1, :, ::-1])]


def grabcut(image: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """The subject by colour alone, started from an alpha: float32 (S, S), 0 or 1, at the alpha's size."""
    small, guess = squash(image, _GRABCUT_PX), squash(alpha, _GRABCUT_PX)
    labels = np.where(guess > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[guess > 0.97] = cv2.GC_FGD
    labels[guess < 0.01] = cv2.GC_BGD
    if not (np.isin(labels, (0, 2)).any() and np.isin(labels, (1, 3)).any()):
        return (alpha > 0.5).astype(np.float32)
    cv2.grabCut(small, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
    return cv2.resize(np.isin(labels, (1, 3)).astype(np.float32), alpha.shape[::-1])


def believed(network: nn.Module, image: NDArray[np.uint8], belief: Belief) -> NDArray[np.uint8] | None:
    """The label of a picture, uint8 (S, S), 255 = subject; None where it is not to be believed."""
    alphas = views(network, image, _VIEWS_PX[0])
    if iou_at_half(*alphas) < belief.least_agreement:
        return None
    alphas += views(network, image, _VIEWS_PX[1])
    mean = np.mean(alphas, 0, dtype=np.float32)
    area = float((mean > 0.5).mean())
    if not belief.smallest <= area <= belief.largest:
        return None
    unsure = float(((mean > 0.1) & (mean < 0.9)).mean()) / area
    agreement = np.mean([iou_at_half(a, b) for a, b in combinations(alphas, 2)])
    if unsure > belief.most_unsure_of_subject or agreement < belief.least_agreement:
        return None
    if iou_at_half(mean, grabcut(image, mean)) < belief.least_grabcut_agreement:
        return None
    return np.round(np.clip((mean - 0.5) * _SHARPEN + 0.5, 0, 1) * 255).astype(np.uint8)


def main() -> None:
    """Reads the command line, labels, and writes the set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder with checkpoint.pt and the cache")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setRNGSeed(0)
    network = averaged(args.work / "checkpoint.pt")
    library = open_library(args.data, args.work / "cache")
    images, masks = [], []
    for row in library.unlabelled:
        image = np.asarray(library.scenes[row])
        mask = believed(network, image, Belief())
        if mask is not None:
            images.append(image)
            masks.append(mask)
    shape = (len(masks), CACHE_PX, CACHE_PX)
    np.save(args.work / "cache" / OWN_IMAGES, np.reshape(images, (*shape, 3)).astype(np.uint8))
    np.save(args.work / "cache" / OWN_MASKS, np.reshape(masks, shape).astype(np.uint8))
    print(f"{len(masks)} of {len(library.unlabelled)} pictures kept")


if __name__ == "__main__":
    main()
