"""The natural shadow at a subject's foot, estimated as a soft layer of its own.

What is darker than the ground around it, of the ground's hue, and joined to the subject's lower half. That
needs an even ground, light enough to be darkened: on grass, patterns or black nothing is found, and nothing
is made up. May import imaging; knows no file format.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from matted.compose.blend import Plane, Rows, unit
from matted.imaging.colour import srgb_proxy
from matted.imaging.picture import Picture

SIDE_PX = 640  # the shadow is soft: it is looked for at this size
DARK = 0.06  # ground values (of 1) below which darker ones say nothing
LEAST_NOISE = 0.012  # of a logarithm; what JPEG and sensor leave on the evenest ground
MAX_NOISE = 0.12  # an unevener ground hides any shadow
MAX_ELSEWHERE = 0.06  # share of the ground away from the subject that may be dark for other reasons
REACH = 0.6  # how far from the subject, in its own larger side, a contact shadow may go
LEAST_AREA = 0.002  # of the subject's; a smaller find is none, and a larger one than MAX_AREA no shadow
MAX_AREA = 0.8
LEAST_DEPTH = 0.05
MAX_GRAIN = 0.03  # of a logarithm; a shadow is smooth, other dark things have detail


def contact_shadow(picture: Picture, mask: Rows) -> Plane | None:
    """How strongly the subject's own shadow darkens the ground: (h, w) float32 in [0, 1], in sRGB's values.

    At most 640 px on the longer side, of the picture's shape. It goes on below the subject's soft edge.
    `mask`: (H, W) uint8 or uint16. None where no shadow stands out.
    """
    scale = min(1.0, SIDE_PX / max(picture.width, picture.height))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    alpha = unit(cv2.resize(mask, size, interpolation=cv2.INTER_AREA))
    subject = alpha > 0.5
    if not subject.any():
        return None
    light = np.log(np.maximum(srgb_proxy(picture, *size).astype(np.float32) / 255, DARK / 2))
    around = cv2.dilate((alpha > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    ground = ~around
    if picture.has_alpha:
        own = picture.pixels[..., -1]
        own = own.astype(np.float32) if own.dtype == np.float16 else own  # OpenCV does not average halves
        ground &= unit(cv2.resize(own, size, interpolation=cv2.INTER_AREA)) > 0.99
    x, y, width, height = cv2.boundingRect(subject.astype(np.uint8))
    larger = max(width, height)
    rows = np.arange(size[1], dtype=np.float32)[:, None]
    lower = _step(rows, y + 0.35 * height, y + 0.6 * height).astype(np.float32)
    ground[:, : max(0, x - larger)] = False
    ground[:, x + width + larger :] = False
    ground &= lower > 0
    distance = cv2.distanceTransform((~subject).astype(np.uint8), cv2.DIST_L2, 3)
    depth = _darkness(light, ground, distance > 0.3 * larger)
    if depth is None:
        return None
    depth *= lower
    depth *= 1 - _step(distance, 0.6 * REACH * larger, REACH * larger)
    joined = _joined(depth > LEAST_DEPTH / 2, around)
    depth *= cv2.GaussianBlur(joined.astype(np.float32), (0, 0), 1.0)
    found = depth[joined & ground]
    share = found.size / subject.sum()
    if not LEAST_AREA < share < MAX_AREA or np.percentile(found, 90) < LEAST_DEPTH:
        return None
    if np.median(_grain(light.mean(axis=2), ground)[joined & ground]) > MAX_GRAIN:
        return None
    return _under(depth * ground, ground, around)


def _darkness(light: Plane, ground: npt.NDArray[np.bool_], far: npt.NDArray[np.bool_]) -> Plane | None:
    """How much darker than the fitted ground each pixel is, 0 within the ground's own unevenness."""
    rows, columns = light.shape[:2]
    ys, xs = np.nonzero(ground)
    if len(ys) < 64:
        return None
    terms = _terms(xs / columns, ys / rows)
    seen = light[ys, xs]
    lit = _lit_plane(terms, seen)
    rest = (seen - terms @ lit).mean(axis=1)
    apart = far[ys, xs]
    noise = _noise(rest[apart]) if apart.sum() > 256 else _noise(rest[rest > 0])
    if noise > MAX_NOISE:
        return None
    noise = max(noise, LEAST_NOISE)
    grid_y, grid_x = np.mgrid[0:rows, 0:columns]
    expected = (_terms(grid_x.ravel() / columns, grid_y.ravel() / rows) @ lit).reshape(light.shape)
    change = (light - expected).astype(np.float32)
    mean = change.mean(axis=2)
    hue = np.abs(change - mean[..., None]).max(axis=2)
    sure = _step(-mean, 1.5 * noise, 3.5 * noise)
    sure *= 1 - _step(hue, 0.5 * np.abs(mean) + 2 * noise, np.abs(mean) + 4 * noise)
    sure *= expected.mean(axis=2) > np.log(DARK)
    depth: Plane = (1 - np.exp(np.minimum(mean, 0))).astype(np.float32) * sure * ground
    away = depth[far & ground]
    if away.size and (away > LEAST_DEPTH / 2).mean() > MAX_ELSEWHERE:
        return None
    return depth


def _grain(light: Plane, ground: npt.NDArray[np.bool_]) -> Plane:
    """How much each pixel of the ground differs from the mean of its near surroundings."""
    known = ground.astype(np.float32)
    near = cv2.GaussianBlur(light * known, (0, 0), 2.0) / np.maximum(
        cv2.GaussianBlur(known, (0, 0), 2.0), 1e-3
    )
    return np.abs(light - near)


def _terms(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """A quadratic surface's terms at each place."""
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def _lit_plane(terms: npt.NDArray[np.float64], seen: Plane) -> npt.NDArray[np.float64]:
    """The surface (6, C) through the lit ground: darker places lose their say (reweighted least squares)."""
    weight: npt.NDArray[Any] = np.ones(len(terms))
    found: npt.NDArray[Any] = np.zeros((6, seen.shape[1]))
    ridge = 1e-6 * np.eye(6) * len(terms)
    for _ in range(8):
        weighted = terms * weight[:, None]
        found = np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ seen)
        rest = (seen - terms @ found).mean(axis=1)
        brighter = rest[rest > 0]
        noise = max(_noise(brighter), LEAST_NOISE) if len(brighter) else LEAST_NOISE
        darker = np.exp(-((rest / (1.5 * noise)) ** 2))
        weight = np.where(rest < 0, darker, 1 / (1 + (rest / (3 * noise)) ** 2)) + 1e-4
    return found


def _noise(rest: npt.NDArray[Any]) -> float:
    return float(1.4826 * np.median(np.abs(rest))) if len(rest) else 0.0


def _step(values: Any, low: Any, high: Any) -> npt.NDArray[Any]:
    """0 up to `low`, 1 from `high`, smooth between."""
    t = np.clip((values - low) / np.maximum(high - low, 1e-6), 0, 1)
    smooth: npt.NDArray[Any] = t * t * (3 - 2 * t)
    return smooth


def _joined(dark: npt.NDArray[np.bool_], around: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The dark pieces that touch the subject's surroundings."""
    whole = (dark | around).astype(np.uint8)
    _, labels = cv2.connectedComponents(whole, connectivity=8)
    return dark & np.isin(labels, np.unique(labels[around]))


def _under(depth: Plane, ground: npt.NDArray[np.bool_], around: npt.NDArray[np.bool_]) -> Plane:
    """The shadow carried on below the subject's edge, so that no bright seam is left between the two."""
    known = ground.astype(np.float32)
    spread = max(2.0, 0.012 * max(depth.shape))
    near = cv2.GaussianBlur(depth, (0, 0), spread) / np.maximum(cv2.GaussianBlur(known, (0, 0), spread), 1e-3)
    whole = np.where(around, near, depth)
    whole = cv2.GaussianBlur(whole, (0, 0), 0.8)
    return np.clip(whole, 0, 1).astype(np.float32)
