"""Exact sums over dark pixels."""

import numpy as np
import pytest

from mystax.compute.kernels.blink import dark_sums


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("level", [0.0, 60.0, 60.5, 254.7, 300.0])
def test_sums_equal_numpy_exactly(kind: type, level: float) -> None:
    generator = np.random.default_rng(1)
    frames: np.ndarray = generator.integers(0, 256, (5, 13, 17)).astype(kind)
    mask = (generator.random((13, 17)) < 0.7).astype(np.uint8)
    counts, sums = np.empty(5, np.int64), np.empty(5, np.int64)
    dark_sums(frames, mask, level, counts, sums)
    dark = (frames < level) & (mask == 1)
    np.testing.assert_array_equal(counts, dark.sum(axis=(1, 2)))
    np.testing.assert_array_equal(sums, (frames.astype(np.int64) * dark).sum(axis=(1, 2)))


def test_largest_deep_codes_do_not_overflow() -> None:
    frames = np.full((1, 400, 400), 65_534, np.uint16)
    counts, sums = np.empty(1, np.int64), np.empty(1, np.int64)
    dark_sums(frames, np.ones((400, 400), np.uint8), 65_535.0, counts, sums)
    assert sums[0] == 400 * 400 * 65_534
