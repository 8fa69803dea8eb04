"""The matting Laplacian without its matrix is the published one; the iterations on it find its solution."""

import numpy as np
import pytest

from matted.matting.laplacian import MattingLaplacian, settle, solve

NOISE = 1e-4


def picture(channels: int, height: int = 9, width: int = 11, *, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((channels, height, width)).astype(np.float32)


def published(colour: np.ndarray) -> np.ndarray:
    """Levin, Lischinski, Weiss 2008, equation 12, over the windows that lie inside: a dense (n, n) matrix."""
    channels, height, width = colour.shape
    number = np.arange(height * width).reshape(height, width)
    matrix = np.zeros((height * width, height * width))
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            window = (slice(y - 1, y + 2), slice(x - 1, x + 2))
            colours = colour[:, *window].reshape(channels, 9).T.astype(np.float64)
            centred = colours - colours.mean(0)
            covariance = centred.T @ centred / 9 + NOISE * np.eye(channels)
            part = np.eye(9) - (1 + centred @ np.linalg.solve(covariance, centred.T)) / 9
            places = number[window].ravel()
            matrix[np.ix_(places, places)] += part
    return matrix / 9


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_the_published_matrix_away_from_the_border(channels: int) -> None:
    colour = picture(channels)
    plane = picture(1, seed=2)[0]
    wanted = (published(colour) @ plane.ravel()).reshape(plane.shape)
    made = MattingLaplacian(colour, noise=NOISE).apply(plane)
    assert np.abs(made - wanted)[2:-2, 2:-2].max() < 1e-5


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_symmetric_and_its_eigenvalues_lie_from_zero_to_one(channels: int) -> None:
    laplacian = MattingLaplacian(picture(channels, 6, 7), noise=NOISE)
    matrix = np.array([laplacian.apply(unit.reshape(6, 7)).ravel() for unit in np.eye(42, dtype=np.float32)])
    assert np.abs(matrix - matrix.T).max() < 1e-5
    values = np.linalg.eigvalsh(matrix)
    assert values.min() > -1e-5
    assert values.max() < 1 + 1e-5


def test_a_hard_gray_edge_does_not_upset_it() -> None:
    colour = np.full((3, 40, 40), 0.1, np.float32)
    colour[:, :, 20:] = 1
    laplacian = MattingLaplacian(colour, noise=1e-6)
    plane = picture(1, 40, 40)[0]
    for _ in range(20):
        plane = laplacian.apply(plane)
        plane /= np.abs(plane).max()
    assert np.vdot(plane, laplacian.apply(plane)) <= 1.001 * np.vdot(plane, plane)


def test_a_linear_function_of_colour_is_found_again() -> None:
    colour = picture(3, 30, 30)
    plane = (0.2 * colour[0] - 0.5 * colour[1] + 0.9 * colour[2] + 0.1).astype(np.float32)
    laplacian = MattingLaplacian(colour, noise=1e-7)
    factors, constant = laplacian.fit(plane)
    assert np.abs((factors * colour).sum(0) + constant - plane).max() < 1e-3
    assert np.abs(laplacian.apply(plane)).max() < 1e-4


def test_one_iteration_finds_the_solution_the_other_nears_it_and_both_leave_what_is_known() -> None:
    colour = picture(3, 20, 20)
    laplacian = MattingLaplacian(colour, noise=NOISE)
    free = np.zeros((20, 20), np.float32)
    free[5:15, 5:15] = 1
    start, wish = picture(1, 20, 20, seed=3)[0], picture(1, 20, 20, seed=4)[0]

    def matrix(plane: np.ndarray) -> np.ndarray:
        return laplacian.apply(plane) + np.float32(0.1) * plane

    right = np.float32(0.1) * wish
    exact = solve(matrix, right, start, free, steps=200, tolerance=1e-6)
    settled = settle(matrix, right, start, free, steps=40, highest=1.1)
    assert np.abs((matrix(exact) - right) * free).max() < 1e-5
    assert np.linalg.norm(settled - exact) < 0.2 * np.linalg.norm(start - exact)
    for made in (exact, settled):
        assert np.array_equal(made[free == 0], start[free == 0])
