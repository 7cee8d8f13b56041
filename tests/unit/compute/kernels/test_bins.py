"""The compiled loops over pixels against NumPy."""

import numpy as np
import pytest

from mystax.compute.kernels.bins import block_sums, count_levels
from tests.fixtures.measure import bins_by_numpy, random_movie


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 16])
def test_block_sums_equal_numpy(size: int) -> None:
    frames = random_movie(3, (37, 50), size)
    out = np.empty((3, 37 // size, 50 // size), np.uint32)
    block_sums(frames, size, out)
    np.testing.assert_array_equal(out, bins_by_numpy(frames, size))


def test_block_sums_of_a_part_of_the_picture_equal_numpy() -> None:
    frames = random_movie(2, (32, 40))
    part = frames[:, 8:24, 4:36]
    out = np.empty((2, 4, 8), np.uint16)
    block_sums(part, 4, out)
    np.testing.assert_array_equal(out, bins_by_numpy(part, 4))


def test_levels_are_counted_in_runs() -> None:
    frames = random_movie(4, (6, 9))
    frames[:, 2, 3:7] = [0, 255, 1, 254]
    runs = (np.array([2, 2, 5]), np.array([3, 0, 1]), np.array([7, 9, 4]), np.array([0, 1, 1]))
    counts = np.zeros((4, 2), np.int64)
    count_levels(frames, *runs, np.uint8(0), np.uint8(255), counts)
    extreme = (frames == 0) | (frames == 255)
    np.testing.assert_array_equal(counts[:, 0], 2)
    np.testing.assert_array_equal(counts[:, 1], extreme[:, 2].sum(1) + extreme[:, 5, 1:4].sum(1))
