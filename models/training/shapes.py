"""Drawn outlines with exact alpha: blobs, polygons, rings, lattices, wheels with spokes, handles, tufts of
hair.

The photographed sets hold people, cats and clothes; these shapes bring the holes, thin parts and odd
silhouettes of everything else. NumPy and OpenCV only; every function draws all its chance from the generator
it is given.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Alpha = NDArray[np.float32]
"""float32 (H, W) in [0, 1]."""

_OVERSAMPLE = 2


def _smooth_outline(rng: Generator, *, points: int, roughness: float) -> NDArray[np.float64]:
    """A closed outline around (0, 0), (points, 2), radius about 1: a few low harmonics of random strength."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    radius = np.ones(points)
    for harmonic in range(1, 8):
        radius += roughness * rng.normal() / harmonic * np.cos(harmonic * angle + rng.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.25, 2.0)
    radius /= radius.max()
    return np.stack((radius * np.cos(angle), radius * np.sin(angle)), 1)


def _turned(points: NDArray[np.float64], rng: Generator, side: int) -> NDArray[np.int32]:
    turn = rng.uniform(0, 2 * np.pi)
    stretch = np.array([1.0, rng.uniform(0.35, 1.0)])
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.round((points * stretch) @ spin.T * side * 0.47 + side / 2).astype(np.int32)


def blob(rng: Generator, side: int) -> Alpha:
    """A soft-cornered lump."""
    canvas = np.zeros((side, side), np.float32)
    outline = _smooth_outline(rng, points=96, roughness=rng.uniform(0.05, 0.5))
    cv2.fillPoly(canvas, [_turned(outline, rng, side)], 1.0)
    return canvas


def polygon(rng: Generator, side: int) -> Alpha:
    """A convex or starry polygon of 3 to 9 corners: boxes, blades, gems, stars."""
    corners = int(rng.integers(3, 10))
    angle = (
        np.sort(rng.uniform(0, 2 * np.pi, corners))
        if rng.random() < 0.5
        else np.arange(corners) * 2 * np.pi / corners
    )
    radius = np.ones(corners) if rng.random() < 0.6 else rng.uniform(0.3, 1.0, corners)
    points = np.stack((radius * np.cos(angle), radius * np.sin(angle)), 1)
    canvas = np.zeros((side, side), np.float32)
    cv2.fillPoly(canvas, [_turned(points, rng, side)], 1.0)
    return canvas


def ring(rng: Generator, side: int) -> Alpha:
    """A lump with one to three holes through which the background shows."""
    canvas = blob(rng, side)
    for _ in range(int(rng.integers(1, 4))):
        hole = cv2.resize(blob(rng, side), None, fx=(f := rng.uniform(0.2, 0.6)), fy=f)
        x, y = rng.integers(0, side - hole.shape[1] + 1), rng.integers(0, side - hole.shape[0] + 1)
        view = canvas[y : y + hole.shape[0], x : x + hole.shape[1]]
        view *= 1.0 - hole
    return canvas


def lattice(rng: Generator, side: int) -> Alpha:
    """A fence, rack or basket: crossing bars, perhaps within an outline."""
    canvas = np.zeros((side, side), np.float32)
    thick = max(1, int(side * rng.uniform(0.012, 0.05)))
    lo, hi = int(side * 0.06), int(side * 0.94)
    for at in np.linspace(lo, hi, int(rng.integers(2, 8))).astype(int):
        cv2.line(canvas, (int(at), lo), (int(at), hi), 1.0, thick)
    for at in np.linspace(lo, hi, int(rng.integers(2, 6))).astype(int):
        cv2.line(canvas, (lo, int(at)), (hi, int(at)), 1.0, thick)
    if rng.random() < 0.4:
        canvas *= blob(rng, side)
    return _warped(canvas, rng)


def wheel(rng: Generator, side: int) -> Alpha:
    """A rim with thin spokes and a hub."""
    canvas = np.zeros((side, side), np.float32)
    centre, radius = (side // 2, side // 2), int(side * 0.44)
    cv2.circle(canvas, centre, radius, 1.0, max(2, int(side * rng.uniform(0.02, 0.09))))
    cv2.circle(canvas, centre, int(side * rng.uniform(0.03, 0.12)), 1.0, -1)
    start, spokes = rng.uniform(0, np.pi), int(rng.integers(3, 22))
    thick = max(1, int(side * rng.uniform(0.004, 0.03)))
    for angle in start + np.arange(spokes) * 2 * np.pi / spokes:
        tip = (int(centre[0] + radius * np.cos(angle)), int(centre[1] + radius * np.sin(angle)))
        cv2.line(canvas, centre, tip, 1.0, thick)
    return _warped(canvas, rng)


def handled(rng: Generator, side: int) -> Alpha:
    """A body with a thin curved handle: mugs, bags, kettles, tools."""
    canvas = np.zeros((side, side), np.float32)
    x0, x1 = int(side * rng.uniform(0.1, 0.3)), int(side * rng.uniform(0.6, 0.9))
    y0, y1 = int(side * rng.uniform(0.35, 0.5)), int(side * rng.uniform(0.8, 0.95))
    taper = int(side * rng.uniform(-0.08, 0.08))
    body = np.array([[x0, y0], [x1, y0], [x1 - taper, y1], [x0 + taper, y1]], np.int32)
    cv2.fillPoly(canvas, [body], 1.0)
    axes = (int((x1 - x0) * rng.uniform(0.15, 0.5)), int(side * rng.uniform(0.12, 0.33)))
    thick = max(2, int(side * rng.uniform(0.012, 0.06)))
    cv2.ellipse(canvas, (int(rng.uniform(x0 + axes[0], x1 - axes[0] + 1)), y0), axes, 0, 180, 360, 1.0, thick)
    quarter_turns = int(rng.integers(0, 4)) if rng.random() < 0.4 else 0
    return _warped(np.ascontiguousarray(np.rot90(canvas, quarter_turns)), rng)


def tuft(rng: Generator, side: int) -> Alpha:
    """A lump that strands of hair or grass grow out of; the strands are thin, curved and half-transparent."""
    inner = cv2.resize(blob(rng, side), None, fx=0.7, fy=0.7)
    canvas = np.zeros((side, side), np.float32)
    off = (side - inner.shape[0]) // 2
    canvas[off : off + inner.shape[0], off : off + inner.shape[1]] = inner
    edges, _ = cv2.findContours((canvas > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not edges:
        return canvas
    edge = max(edges, key=len)[:, 0, :]
    length, bend = side * rng.uniform(0.05, 0.2), rng.uniform(0, 0.9)
    lean, strength = rng.uniform(-0.8, 0.8), rng.uniform(0.5, 1.0)
    strands = np.zeros_like(canvas)
    for root in edge[rng.integers(0, len(edge), int(rng.integers(40, 220)))]:
        away = np.arctan2(root[1] - side / 2, root[0] - side / 2) + lean + rng.normal() * 0.3
        steps = np.linspace(0, 1, 6)
        heading = away + bend * rng.normal() * steps
        reach = length * rng.uniform(0.3, 1.0)
        path = root + np.cumsum(np.stack((np.cos(heading), np.sin(heading)), 1) * reach / 6, 0)
        cv2.polylines(strands, [np.round(path * 8).astype(np.int32)], False, strength, 1, cv2.LINE_AA, 3)
    return np.maximum(canvas, strands)


def glass(rng: Generator, side: int) -> Alpha:
    """A lump whose inside lets part of the background through, with a firmer rim."""
    full = blob(rng, side) if rng.random() < 0.5 else polygon(rng, side)
    reach = max(3, int(side * rng.uniform(0.02, 0.1)))
    inside = cv2.GaussianBlur(cv2.erode(full, np.ones((reach, reach), np.uint8)), (0, 0), reach / 3)
    return full * (1.0 - inside * rng.uniform(0.15, 0.5))


def compound(rng: Generator, side: int) -> Alpha:
    """Two to four simple shapes stuck together, as most things are."""
    canvas = np.zeros((side, side), np.float32)
    for _ in range(int(rng.integers(2, 5))):
        part = cv2.resize(
            (blob, polygon)[int(rng.integers(2))](rng, side), None, fx=(f := rng.uniform(0.3, 0.8)), fy=f
        )
        spare = side - part.shape[0]
        x, y = (int(np.clip(rng.normal(0.5, 0.2), 0, 1) * spare) for _ in range(2))
        view = canvas[y : y + part.shape[0], x : x + part.shape[1]]
        np.maximum(view, part, out=view)
    return canvas


def _warped(canvas: Alpha, rng: Generator) -> Alpha:
    """A random affine view of a shape, kept within the canvas."""
    side = canvas.shape[0]
    turn, squeeze, shear = rng.normal(0, 20), rng.uniform(0.5, 1.0), rng.normal(0, 0.15)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), turn, 0.85)
    matrix[0] = matrix[0] * squeeze + shear * matrix[1]
    matrix[:, 2] += side / 2 - matrix @ np.array([side / 2, side / 2, 1.0])
    return cv2.warpAffine(canvas, matrix, (side, side), flags=cv2.INTER_LINEAR)


SHAPES: tuple[tuple[Callable[[Generator, int], Alpha], float], ...] = (
    (blob, 0.16),
    (polygon, 0.14),
    (ring, 0.10),
    (lattice, 0.07),
    (wheel, 0.08),
    (handled, 0.12),
    (tuft, 0.12),
    (glass, 0.04),
    (compound, 0.17),
)
"""Each shape with how often it is drawn; the shares sum to 1."""


def shape(rng: Generator, side: int) -> Alpha:
    """One random shape, antialiased, on a (side, side) canvas."""
    draw = SHAPES[int(rng.choice(len(SHAPES), p=[share for _, share in SHAPES]))][0]
    return np.clip(
        cv2.resize(draw(rng, side * _OVERSAMPLE), (side, side), interpolation=cv2.INTER_AREA), 0, 1
    )
