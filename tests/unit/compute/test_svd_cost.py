"""Cost of decompositions, by the rules that choose the route."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.compute import svd_routes
from mystax.compute.decompose import Decomposer
from mystax.compute.svd_cost import svd_cost
from mystax.compute.svd_routes import SvdSettings
from mystax.compute.svd_rows import Matrix
from mystax.compute.tiles import TilePool
from mystax.engine.passes import MemorySpool

MIB = 1 << 20
SIZES = st.tuples(st.integers(2, 10**6), st.integers(2, 10**5), st.integers(1, 600))


@pytest.mark.parametrize(
    ("n_frames", "n_bins", "route", "decodes"),
    [
        (10**6, 2500, "gram_bins", 1),
        (4000, 19_200, "gram_frames", 1),
        (6000, 19_200, "subspace", 1),
        (10**6, 19_200, "subspace_streamed", 2),
    ],
)
def test_routes_are_those_of_the_decomposition(n_frames: int, n_bins: int, route: str, decodes: int) -> None:
    cost = svd_cost(n_frames, n_bins, 500)
    assert (cost.route, cost.decodes) == (route, decodes)


def test_memory_of_the_usual_video_stays_in_its_budget() -> None:
    # 640 x 480, bin 4, k = 500: 0.23 GB for the decomposition (performance budget).
    assert svd_cost(6000, 19_200, 500).memory <= 320 * MIB


def test_memory_does_not_grow_with_length() -> None:
    assert svd_cost(24_000, 19_200, 500).memory == svd_cost(96_000, 19_200, 500).memory


def test_spool_of_an_hour_is_as_large_as_the_bins() -> None:
    assert svd_cost(360_000, 19_200, 500).scratch == 360_000 * 19_200 * 2


def test_no_spool_means_two_decodes() -> None:
    cost = svd_cost(6000, 19_200, 500, max_spool=0)
    assert (cost.decodes, cost.scratch) == (2, 0)


def _rows_of_outcomes(_: str, width: int, dtype: str, is_scratch: bool) -> MemorySpool | None:
    return None if is_scratch else MemorySpool(width, dtype)


@pytest.mark.parametrize(("n_frames", "n_bins"), [(60, 7), (7, 60), (60, 40), (120, 40), (60, 60)])
def test_without_room_for_scratch_as_many_decodes_are_told_as_are_planned(
    n_frames: int, n_bins: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(svd_routes, "GRAM", 8)  # all routes with few bins
    cost = svd_cost(n_frames, n_bins, 5, room=0)
    decomposer = Decomposer(
        [Matrix("motion", is_motion=True, columns=None, n_bins=n_bins)],
        n_frames,
        n_bins,
        np.dtype(np.uint16),
        SvdSettings(5),
        TilePool(1),
        _rows_of_outcomes,
    )
    assert cost.decodes == decomposer.n_passes
    assert (cost.decodes == 1) == (cost.scratch > 0) == (cost.route == "gram_frames")
    assert cost.lacking == (0 if cost.route == "gram_frames" else n_frames * n_bins * 2)


@pytest.mark.parametrize(("short", "decodes"), [(0, 1), (1, 6)])
def test_an_hour_without_room_is_decoded_for_every_reading(short: int, decodes: int) -> None:
    spool = 360_000 * 19_200 * 2
    cost = svd_cost(360_000, 19_200, 500, room=spool - short)
    assert (cost.readings, cost.decodes) == (6, decodes)
    assert (cost.scratch, cost.lacking) == ((0, spool) if short else (spool, 0))


@given(SIZES, st.sampled_from([0.0, 0.01, 1.0, 16.0]), st.sampled_from([1, 2, 4]))
def test_costs_are_positive_and_two_kinds_cost_no_less(
    size: tuple[int, int, int], max_spool: float, itemsize: int
) -> None:
    one = svd_cost(*size, max_spool=max_spool, itemsize=itemsize)
    two = svd_cost(*size, max_spool=max_spool, itemsize=itemsize, kinds=2)
    assert min(one.memory, one.disk, one.seconds) > 0
    assert one.readings >= 2
    assert (two.route, two.readings, two.decodes, two.scratch) == (
        *(one.route, one.readings, one.decodes, one.scratch),
    )
    assert two.memory == 2 * one.memory
    assert two.disk == 2 * one.disk


@given(SIZES, st.sampled_from([0.0, 0.01, 1.0, 16.0]))
def test_scratch_never_exceeds_what_is_allowed(size: tuple[int, int, int], max_spool: float) -> None:
    cost = svd_cost(*size, max_spool=max_spool)
    assert cost.scratch <= max_spool * 2**30
    assert (cost.decodes == 1) == (cost.scratch > 0 or cost.route == "subspace")


@given(st.integers(2, 10**5), st.integers(1, 500), st.integers(1, 500))
def test_more_components_never_need_less_memory(n_bins: int, one: int, other: int) -> None:
    few, many = sorted((one, other))
    assert svd_cost(6000, n_bins, few).memory <= svd_cost(6000, n_bins, many).memory
