"""The compiled loops of the phase correlation against plain NumPy."""

import numpy as np
import pytest

from mystax.compute.kernels.running import find_peak, whiten


def spectra(seed: int, shape: tuple[int, int] = (12, 9)) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    pair = generator.standard_normal((2, *shape)) + 1j * generator.standard_normal((2, *shape))
    now, before = (100 * pair).astype(np.complex64)
    return now, before


@pytest.mark.parametrize("seed", range(3))
def test_whitening_equals_numpy(seed: int) -> None:
    now, before = spectra(seed)
    weight = np.random.default_rng(seed).uniform(0, 1, now.shape).astype(np.float32)
    out = np.empty_like(now)
    assert whiten(now, before, weight, out)
    cross = now.astype(np.complex128) * before.conj().astype(np.complex128)
    wanted = weight * cross / (np.abs(cross) + 1e-9 * np.abs(cross).max())
    np.testing.assert_allclose(out, wanted, rtol=1e-6, atol=1e-7)


def test_whitening_of_nothing_says_so() -> None:
    now, before = spectra(0)
    assert not whiten(now * 0, before, np.ones(now.shape, np.float32), np.empty_like(now))


def test_whitening_survives_sixteen_bits_of_a_large_picture() -> None:
    now, before = spectra(1)
    out = np.empty_like(now)
    huge = np.float32(1e9)
    assert whiten(now * huge, before * huge, np.ones(now.shape, np.float32), out)
    np.testing.assert_allclose(np.abs(out), 1.0, rtol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_peak_equals_numpy(seed: int) -> None:
    correlation = np.random.default_rng(seed).standard_normal((20, 25)).astype(np.float32)
    patch = np.empty((7, 7))
    y, x, height = find_peak(correlation, 6, 8, patch)
    centred = np.roll(correlation, (10, 12), (0, 1)).astype(np.float64)
    window = centred[10 - 6 : 10 + 7, 12 - 8 : 12 + 9]
    row, column = np.unravel_index(np.argmax(window), window.shape)
    assert (y, x) == (row - 6, column - 8)
    assert height == pytest.approx(
        (window.max() - correlation.mean(dtype=float)) / correlation.std(dtype=float)
    )
    np.testing.assert_array_equal(patch, np.roll(correlation, (3 - y, 3 - x), (0, 1))[:7, :7])


def test_peak_beyond_the_reach_is_not_looked_at() -> None:
    correlation = np.zeros((20, 20), np.float32)
    correlation[9, 0] = 5.0
    correlation[2, 18] = 1.0
    y, x, _ = find_peak(correlation, 4, 4, np.empty((7, 7)))
    assert (y, x) == (2, -2)


def test_flat_correlation_has_no_height() -> None:
    assert find_peak(np.ones((10, 10), np.float32), 3, 3, np.empty((7, 7)))[2] == 0.0
