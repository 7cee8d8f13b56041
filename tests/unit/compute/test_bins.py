"""Block sums: exact, typed by depth, shared within a chunk, placed on one grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.compute.bins import BinGrid, BinScale, auto_bin, bin_dtype, bins_of, block_runs, regions_of
from mystax.core.geometry import Box, Ellipse, Roi
from mystax.core.recording import ArraySource, FrameChunk
from mystax.errors import RoiError
from tests.fixtures.measure import bins_by_numpy, random_movie, rectangle


def chunk_of(frames: np.ndarray, bits: int | None = None) -> FrameChunk:
    return next(ArraySource(frames, 30, bits=bits).chunks())


@pytest.mark.parametrize(
    ("shape", "size"),
    [((480, 640), 4), ((120, 160), 2), ((1024, 1280), 9), ((96, 96), 2), ((3000, 4000), 25)],
)
def test_automatic_bins_make_about_twenty_thousand(shape: tuple[int, int], size: int) -> None:
    assert auto_bin(shape) == size


@pytest.mark.parametrize(
    ("bits", "size", "dtype"),
    [
        (8, 1, "uint8"),
        (8, 16, "uint16"),
        (8, 17, "uint32"),
        (10, 8, "uint16"),
        (10, 9, "uint32"),
        (16, 1, "uint16"),
    ],
)
def test_type_of_bins_is_the_smallest_that_holds_every_sum(bits: int, size: int, dtype: str) -> None:
    assert bin_dtype(bits, size) == np.dtype(dtype)


@pytest.mark.parametrize(
    ("bits", "size", "total", "dtype"),
    [(8, 16, 65_280, "uint16"), (8, 20, 102_000, "uint32"), (10, 8, 65_472, "uint16")],
)
def test_sums_of_a_white_picture_are_exact(bits: int, size: int, total: int, dtype: str) -> None:
    white = np.full((3, 64, 80), 2**bits - 1, np.uint8 if bits == 8 else np.uint16)
    bins = bins_of(chunk_of(white, bits), size, Box(0, 0, 80 // size * size, 64 // size * size))
    assert bins.dtype == np.dtype(dtype)
    assert (bins == total).all()


@given(
    size=st.integers(1, 12),
    rows=st.integers(12, 40),
    columns=st.integers(12, 40),
    seed=st.integers(0, 99),
    is_deep=st.booleans(),
)
def test_sums_equal_numpy(size: int, rows: int, columns: int, seed: int, is_deep: bool) -> None:
    dtype, top = (np.uint16, 1 << 12) if is_deep else (np.uint8, 1 << 8)
    frames = np.random.default_rng(seed).integers(0, top, (2, rows, columns)).astype(dtype)
    box = Box(0, 0, columns // size * size, rows // size * size)
    bins = bins_of(chunk_of(frames, 12 if is_deep else 8), size, box)
    np.testing.assert_array_equal(bins, bins_by_numpy(frames, size))


def test_a_second_caller_gets_the_same_sums() -> None:
    chunk = chunk_of(random_movie(3, (24, 24)))
    first = bins_of(chunk, 4, Box(0, 0, 24, 24))
    assert bins_of(chunk, 4, Box(0, 0, 24, 24)).base is first
    assert np.shares_memory(bins_of(chunk, 4, Box(8, 4, 20, 16)), first)


def test_a_smaller_box_gets_its_part_of_the_sums() -> None:
    frames = random_movie(3, (24, 24))
    chunk = chunk_of(frames)
    bins_of(chunk, 4, Box(0, 0, 24, 24))
    np.testing.assert_array_equal(bins_of(chunk, 4, Box(8, 4, 20, 16)), bins_by_numpy(frames, 4)[:, 1:4, 2:5])


def test_sums_of_another_size_are_not_mixed_up() -> None:
    frames = random_movie(3, (24, 24))
    chunk = chunk_of(frames)
    bins_of(chunk, 4, Box(0, 0, 24, 24))
    np.testing.assert_array_equal(bins_of(chunk, 2, Box(0, 0, 24, 24)), bins_by_numpy(frames, 2))


def test_sums_are_read_only() -> None:
    bins = bins_of(chunk_of(random_movie(1, (8, 8))), 2, Box(0, 0, 8, 8))
    with pytest.raises(ValueError, match="read-only"):
        bins[0, 0, 0] = 1


def test_a_cropped_chunk_has_the_same_bins() -> None:
    frames = random_movie(4, (32, 40))
    crop = next(ArraySource(frames, 30).chunks(box=Box(6, 5, 34, 31)))
    bins = bins_of(crop, 4, Box(8, 8, 32, 28))
    np.testing.assert_array_equal(bins, bins_by_numpy(frames, 4)[:, 2:7, 2:8])


@pytest.mark.parametrize("box", [Box(1, 0, 9, 8), Box(0, 0, 40, 8)])
def test_a_box_off_the_grid_or_outside_is_refused(box: Box) -> None:
    with pytest.raises(ValueError, match=r"grid|outside"):
        bins_of(chunk_of(random_movie(1, (16, 16))), 4, box)


def test_sums_become_grey_levels() -> None:
    scale = BinScale(2, 16.0, 255 / 219)
    np.testing.assert_allclose(scale.grey(np.array([4 * 16, 4 * 235])), [0, 255])


def test_the_grid_is_the_smallest_box_of_bins_around_all_regions() -> None:
    grid, regions = regions_of([rectangle("a", 8, 8, 8, 8), rectangle("b", 20, 12, 8, 12)], (40, 40), 4)
    assert grid.box == Box(8, 8, 28, 24)
    assert (grid.rows, grid.columns, grid.n_bins, grid.shape) == (4, 5, 20, (10, 10))
    assert [region.origin for region in regions] == [(8, 8), (20, 12)]
    assert regions[1].index.tolist() == [8, 9, 13, 14, 18, 19]


def test_a_region_of_96_pixels_has_24_bins_of_4() -> None:
    _, (region,) = regions_of([rectangle("a", 8, 8, 96, 96)], (120, 160), 4)
    assert region.mask.shape == (24, 24)
    assert region.mask.all()


def test_bins_of_an_ellipse_are_those_with_their_centre_inside() -> None:
    roi = Roi("e", "motion", Ellipse(19.5, 19.5, 12, 8))
    grid, (region,) = regions_of([roi], (40, 40), 4)
    y, x = np.mgrid[0:10, 0:10] * 4 + 1.5
    inside = ((x - 19.5) / 12) ** 2 + ((y - 19.5) / 8) ** 2 <= 1
    assert len(region.index) == inside.sum()
    np.testing.assert_array_equal(region.mask.sum(0), inside.sum(0)[inside.any(0)])
    assert grid.n_bins == region.mask.size


def test_a_region_without_a_bin_is_refused() -> None:
    with pytest.raises(RoiError, match=r"P402.*'dot'.*smaller bin"):
        regions_of([rectangle("dot", 10, 10, 2, 2)], (40, 40), 16)


def test_values_of_the_box_are_placed_in_the_whole_picture() -> None:
    grid = BinGrid(4, Box(4, 8, 12, 12), (4, 5))
    whole = grid.place(np.array([1.0, 2.0]))
    assert whole.shape == (4, 5)
    assert whole[2, 1:3].tolist() == [1.0, 2.0]
    assert np.isnan(whole).sum() == 18


@pytest.mark.parametrize("axis", ["bins", "pixels"])
def test_runs_cover_every_region_exactly(axis: str) -> None:
    rois = [Roi("e", "motion", Ellipse(25, 20, 14, 9, 0.4)), rectangle("r", 16, 16, 12, 8)]
    grid, regions = regions_of(rois, (48, 64), 4)
    step = 4 if axis == "pixels" else 1
    counts = np.zeros((2, grid.rows * step, grid.columns * step), int)
    for row, start, stop, number in zip(*block_runs(regions, grid, axis), strict=True):  # type: ignore[arg-type] # a parametrised literal
        counts[number, row, start:stop] += 1
    for number, region in enumerate(regions):
        wanted = np.zeros(grid.n_bins, int)
        wanted[region.index] = 1
        np.testing.assert_array_equal(
            counts[number], np.kron(wanted.reshape(grid.rows, grid.columns), np.ones((step, step), int))
        )
