"""Swaps of bouts: what is there stays, and equal states never come together more often."""

import numpy as np
import pytest

from mystax.compute.kernels.chains import swap_bouts


def meetings(label: np.ndarray, is_joined: np.ndarray) -> int:
    """Count equal states side by side in plain NumPy."""
    return int(((label[1:] == label[:-1]) & is_joined[1:]).sum())


@pytest.mark.parametrize("seed", range(5))
def test_swaps_keep_the_bouts_and_part_equal_states(seed: int) -> None:
    generator = np.random.default_rng(seed)
    label = generator.integers(3, size=60)
    is_joined = generator.random(60) < 0.9
    before, left = label.copy(), meetings(label, is_joined)
    for _ in range(20):
        found = swap_bouts(label, is_joined, generator.integers(60, size=(100, 2)))
        assert found == meetings(label, is_joined) <= left
        left = found
    assert sorted(label) == sorted(before)
    assert left == 0
    assert (label != before).any()


def test_swaps_are_those_of_a_plain_loop() -> None:
    generator = np.random.default_rng(9)
    label, is_joined = generator.integers(4, size=30), np.arange(30) % 7 > 0
    plain, pairs = label.copy(), generator.integers(30, size=(200, 2))
    for i, j in pairs:
        other = plain.copy()
        other[[i, j]] = other[[j, i]]
        if meetings(other, is_joined) <= meetings(plain, is_joined):
            plain = other
    swap_bouts(label, is_joined, pairs)
    np.testing.assert_array_equal(label, plain)
