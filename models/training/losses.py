"""How wrong an alpha is: per pixel, per region and per edge. PyTorch only; no state."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def soft_iou_loss(alpha: Tensor, truth: Tensor) -> Tensor:
    """One minus the soft intersection over union, per picture: (N, 1, H, W) twice, in [0, 1], to (N,).

    A picture whose truth is empty costs the share of it that was taken for subject, since it has no union to
    speak of.
    """
    both = (alpha * truth).sum((1, 2, 3))
    either = (alpha + truth - alpha * truth).sum((1, 2, 3))
    ratio = 1.0 - (both + 1.0) / (either + 1.0)
    return torch.where(truth.amax((1, 2, 3)) > 0.5, ratio, alpha.mean((1, 2, 3)) * 2.0)


def edge_loss(alpha: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference of the horizontal and vertical slopes, at full and at half size."""
    total = alpha.new_zeros(())
    for _ in range(2):
        for dim in (2, 3):
            total = total + (alpha.diff(dim=dim) - truth.diff(dim=dim)).abs().mean()
        alpha, truth = functional.avg_pool2d(alpha, 2), functional.avg_pool2d(truth, 2)
    return total


def structure_loss(alpha: Tensor, truth: Tensor, window_px: int = 7) -> Tensor:
    """One minus the mean SSIM (Wang et al. 2004) with a box window, both (N, 1, H, W) in [0, 1]."""
    maps = torch.cat((alpha, truth, alpha * alpha, truth * truth, alpha * truth), 1)
    ma, mt, maa, mtt, mat = functional.avg_pool2d(maps, window_px, 2).unbind(1)
    va, vt, cov = maa - ma * ma, mtt - mt * mt, mat - ma * mt
    c1, c2 = 0.01**2, 0.03**2
    ssim = (2 * ma * mt + c1) * (2 * cov + c2) / ((ma * ma + mt * mt + c1) * (va + vt + c2))
    return (1.0 - ssim).mean()


def matting_loss(logits: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """What one output costs: BCE + absolute error + soft IoU + edges + structure.

    The absolute error wants a decision where BCE is content with a haze.

    logits, truth: (N, 1, H, W), truth in [0, 1]; weight: (N,), how far each picture's truth is trusted.
    """
    alpha = torch.sigmoid(logits)
    bce = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean((1, 2, 3))
    error = (alpha - truth).abs().mean((1, 2, 3))
    regions = ((0.7 * bce + error + soft_iou_loss(alpha, truth)) * weight).sum() / weight.sum()
    return regions + 2.0 * edge_loss(alpha, truth) + 0.4 * structure_loss(alpha, truth)


def coarse_loss(logits: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """What a small auxiliary output costs against the truth averaged down to its size."""
    small = functional.interpolate(truth, size=logits.shape[-2:], mode="area")
    bce = functional.binary_cross_entropy_with_logits(logits, small, reduction="none").mean((1, 2, 3))
    return ((bce + soft_iou_loss(torch.sigmoid(logits), small)) * weight).sum() / weight.sum()


def presence_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """What it costs to be wrong about there being a subject: logits (N, 1, 1, 1), truth (N, 1, H, W)."""
    there = (truth.amax((1, 2, 3), keepdim=True) > 0.5).float()
    return functional.binary_cross_entropy_with_logits(logits, there)
