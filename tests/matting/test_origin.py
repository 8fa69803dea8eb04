"""When a mask is taken for another one with paint on it, and when it is not."""

import cv2
import numpy as np
import pytest

from matted.matting.origin import origin_of


def made() -> np.ndarray:
    """(300, 400) uint8: a disc with a soft edge, and a bar."""
    mask = np.zeros((300, 400), np.uint8)
    cv2.circle(mask, (170, 150), 90, 255, -1)
    cv2.rectangle(mask, (300, 60), (350, 240), 255, -1)
    return cv2.GaussianBlur(mask, (0, 0), 2)


def mixed(mask: np.ndarray, cover: np.ndarray, value: int) -> np.ndarray:
    return (mask + cover * (value - mask.astype(np.float32)) + 0.5).astype(np.uint8)


def strokes(mask: np.ndarray) -> np.ndarray:
    left = mask.copy()
    cv2.line(left, (60, 60), (250, 40), 255, 24)
    cv2.line(left, (170, 150), (330, 150), 0, 30)
    return left


def soft_stroke(mask: np.ndarray) -> np.ndarray:
    cover = cv2.line(np.zeros(mask.shape, np.float32), (60, 150), (280, 150), 1.0, 60)
    return mixed(mask, cv2.GaussianBlur(cover, (0, 0), 12), 255)


def gray_along_the_edge(mask: np.ndarray) -> np.ndarray:
    edge = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((15, 15), np.uint8))
    return np.where(edge > 0, np.uint8(128), mask)


def half_anew(mask: np.ndarray) -> np.ndarray:
    cover = np.zeros(mask.shape, np.float32)
    cover[:, :200] = 1
    return mixed(mask, cv2.GaussianBlur(cover, (0, 0), 8), 255)


def veiled(mask: np.ndarray) -> np.ndarray:
    return mixed(mask, np.full(mask.shape, 0.4, np.float32), 255)


@pytest.mark.parametrize("paint", [strokes, soft_stroke, gray_along_the_edge, half_anew, veiled])
def test_what_a_brush_leaves_is_painted(paint):
    assert origin_of(made(), paint(made())) == "painted"


def test_nothing_painted_is_painted():
    assert origin_of(made(), made()) == "painted"


def grown(mask: np.ndarray) -> np.ndarray:
    return cv2.dilate(mask, np.ones((3, 3), np.uint8))


def feathered(mask: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(mask, (0, 0), 3)


def through_a_gamma(mask: np.ndarray) -> np.ndarray:
    return (255 * (mask / np.float32(255)) ** (1 / 2.2) + 0.5).astype(np.uint8)


def moved(mask: np.ndarray) -> np.ndarray:
    return np.roll(mask, 1, axis=(0, 1))


@pytest.mark.parametrize("change", [grown, feathered, through_a_gamma, moved])
@pytest.mark.parametrize("deep", [False, True])
def test_another_matte_of_the_picture_is_other_with_strokes_on_it_too(change, deep):
    mask = made().astype(np.uint16) * 257 if deep else made()
    assert origin_of(mask, strokes(change(made()))) == "other"


@pytest.mark.parametrize("value", [0, 255])
def test_painting_over_everything_is_told(value):
    assert origin_of(made(), np.full_like(made(), value)) == "anew"


def test_a_mask_without_soft_edges_says_nothing():
    hard = np.where(made() > 127, np.uint8(255), np.uint8(0))
    assert origin_of(hard, grown(hard)) == "painted"
