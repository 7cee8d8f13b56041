"""Which frames a subspace iteration reads, and how often."""

import numpy as np
import pytest

from mystax.compute.svd_rows import Matrix, Moments
from mystax.compute.svd_subspace import Subspace
from mystax.compute.tiles import TilePool
from mystax.engine.passes import MemorySpool

POOL = TilePool(1)


def subspace(n_bins: int, n_frames: int, *, streamed: bool = False, n_components: int = 500) -> Subspace:
    matrix = Matrix("m", True, None, n_bins)
    return Subspace(
        matrix,
        Moments(matrix),
        n_components=n_components,
        n_frames=n_frames,
        compat=False,
        tiles=POOL,
        open_spool=lambda _, width, dtype: MemorySpool(width, dtype),
        streamed=streamed,
        tolerance=0.02,
        seed=0,
    )


@pytest.mark.parametrize(("streamed", "n_readings"), [(False, 5), (True, 2)])
def test_spooled_bins_are_read_five_times_and_streamed_ones_twice(streamed: bool, n_readings: int) -> None:
    assert subspace(6000, 5000, streamed=streamed).n_readings_at_least == n_readings


def test_all_blocks_make_the_basis_up_to_65536_rows() -> None:
    made = subspace(100, 65_536)
    made.n_readings = 1
    assert all(made.wants(block) for block in range(256))


def test_beyond_65536_rows_evenly_spaced_blocks_make_the_basis() -> None:
    made = subspace(100, 500_000)
    assert made.wants(3)
    made.n_readings = 1
    chosen = [block for block in range(-(-500_000 // 256)) if made.wants(block)]
    assert len(chosen) == 256
    assert chosen[0] == 0
    assert set(np.diff(chosen)) <= {7, 8}


def test_a_basis_of_a_part_of_the_rows_needs_one_more_reading_for_all_of_them() -> None:
    assert subspace(6000, 65_536).n_readings_at_least == 5
    assert subspace(6000, 65_537).n_readings_at_least == 6
    assert subspace(6000, 65_537, streamed=True).n_readings_at_least == 2


def test_no_basis_is_wider_than_the_matrix() -> None:
    made = subspace(30, 400)
    made.begin_reading()
    assert made.state()["sketch/sums"].shape == (30, 30)
