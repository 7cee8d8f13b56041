"""Neural bins on the grid of behaviour."""

import numpy as np

from mystax.compute.grid_bins import Bins, bins_of
from tests.fixtures.grids import grid, part, wander


def test_bins_hold_the_frames_inside_them() -> None:
    made = grid(part(wander(3000, 4)))
    bins = bins_of(made, np.arange(300) / 5 + 0.1, 0.2)
    assert (bins.stop - bins.first == 10).all()
    assert bins.first[3] == 30


def test_bins_without_a_frame_take_the_nearest() -> None:
    made = grid(part(wander(3000, 4)))
    found = bins_of(made, np.array([0.0101, 0.031]), 0.001)
    assert (found.stop - found.first).tolist() == [1, 1]
    assert found.first.tolist() == [1, 2]


def test_means_and_samples_of_bins() -> None:
    bins = Bins(np.array([0, 4]), np.array([4, 6]))
    assert bins.mean(np.arange(6.0)).tolist() == [1.5, 4.5]
    assert bins.samples(np.array([False, True]), 8).tolist() == [False] * 4 + [True] * 2 + [False] * 2
