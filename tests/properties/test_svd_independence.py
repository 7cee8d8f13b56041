"""Components do not depend on chunks, threads, scratch, or interruptions, wherever they happen."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xarray import Dataset

from mystax.compute import decompose
from mystax.compute.svd import SvdReducer
from mystax.compute.svd_routes import Route, SvdSettings
from mystax.core.analysis import Spool
from mystax.core.recording import ArraySource
from mystax.engine.passes import MemorySpool
from tests.fixtures.measure import Shelf, lend, moving_movie, no_scratch, outcome, rectangle

N = 600
FRAMES = moving_movie(N, (16, 20))
REGIONS = [rectangle("a", 0, 0, 20, 16), rectangle("b", 2, 2, 10, 12)]
ROUTES: tuple[Route, ...] = ("gram_bins", "gram_frames", "subspace", "subspace_streamed")
ROUTE = st.sampled_from(ROUTES)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every call of `work` do one step, so that a state can be taken anywhere."""
    monkeypatch.setattr(decompose, "SLICE", 0.0)


def make(route: Route) -> SvdReducer:
    chosen = SvdSettings(n_components=6, route=route, tolerance=0.001)
    return SvdReducer(settings=chosen, size=2, with_movie=True)


def source_with(missing: list[int], poison: int = 0) -> ArraySource:
    reason = np.zeros(N, np.uint8)
    reason[missing] = 1
    return ArraySource(FRAMES.copy(), 50, reason=reason, poison=poison)


def run(
    source: ArraySource, route: Route, *, size: int = 200, cores: int = 1, scratch: bool = True
) -> Dataset:
    lent = lend(source, REGIONS, cores=cores, spools=None if scratch else no_scratch)
    try:
        return outcome("svd", make(route), source, lent, size=size)
    finally:
        lent.tiles.close()  # type: ignore[attr-defined] # the pool of the fixture


@cache
def undisturbed(route: Route, missing: tuple[int, ...]) -> Dataset:
    """Return what a run without disturbance gives."""
    return run(source_with(list(missing)), route)


MISSING = st.sampled_from([[], [0], [255, 256], [599], [3, 4, 5, 300]])


@settings(max_examples=12)
@given(
    route=ROUTE,
    size=st.sampled_from([7, 64, 500]),
    cores=st.sampled_from([1, 2, 4]),
    scratch=st.booleans(),
    missing=MISSING,
    poison=st.integers(0, 255),
)
def test_chunks_cores_scratch_and_poison_change_no_bit(
    route: Route, size: int, cores: int, scratch: bool, missing: list[int], poison: int
) -> None:
    whole = undisturbed(route, tuple(missing))
    again = run(source_with(missing, poison), route, size=size, cores=cores, scratch=scratch)
    assert whole.identical(again)


class Shifted(MemorySpool):
    """Rows that are given back in memory that begins a few bytes off the processor's liking."""

    def __init__(self, width: int, dtype: str, shift: int) -> None:
        super().__init__(width, dtype)
        self._shift = shift

    def read(self, start: int, stop: int) -> np.ndarray:
        rows = super().read(start, stop)
        return aside(rows, self._shift)


def aside(array: np.ndarray, shift: int) -> np.ndarray:
    """Return a copy whose first value lies `shift` values behind a multiple of 64 bytes."""
    size = array.dtype.itemsize
    room = np.zeros((array.size + shift + 64 // size) * size, np.uint8)
    first = -room.ctypes.data % 64 + shift * size
    copy = room[first : first + array.size * size].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("shift", [0, 1, 2, 5])
def test_the_place_of_rows_in_memory_changes_no_bit(route: Route, shift: int) -> None:
    whole = undisturbed(route, ())
    source = source_with([])
    shelf: dict[str, Shifted] = {}

    def spools(name: str, width: int, dtype: str, scratch: bool) -> Spool:
        return shelf.setdefault(name, Shifted(width, dtype, shift))

    reducer = make(route)
    reducer.start(lend(source, REGIONS, spools=spools))
    place = advance(reducer, source, (0, 0), Stop(20))
    while place is not None:
        again = make(route)
        again.start(lend(source, REGIONS, spools=spools))
        again.restore({name: aside(array, shift) for name, array in reducer.state().items()})
        reducer, place = again, advance(again, source, place, Stop(20))
    found = reducer.finish()
    for name in found.data_vars:
        np.testing.assert_array_equal(found[name], whole[name])


class Stop:
    """Counts calls and says when to stop."""

    def __init__(self, at: int) -> None:
        self._left = at

    def now(self) -> bool:
        """Tell whether this is the call to stop after."""
        self._left -= 1
        return self._left == 0


def advance(
    reducer: SvdReducer, source: ArraySource, at: tuple[int, int], stop: Stop | None
) -> tuple[int, int] | None:
    """Drive a reducer from (pass, frame) on; return where it was stopped, or None at the end."""
    done, frame = at
    while reducer.n_passes > done:
        for chunk in source.chunks(frame, size=37):
            reducer.update(chunk)
            frame += len(chunk)
            if stop is not None and stop.now():
                return done, frame
        reducer.end_pass()
        done, frame = done + 1, 0
        if stop is not None and stop.now():
            return done, frame
    while reducer.work() is not None:
        if stop is not None and stop.now():
            return done, 0
    return None


@settings(max_examples=20)
@given(route=ROUTE, calls=st.integers(1, 45), scratch=st.booleans())
def test_an_interruption_anywhere_changes_no_bit(route: Route, calls: int, scratch: bool) -> None:
    source = source_with([5, 300])
    whole = undisturbed(route, (5, 300))
    shelf = Shelf()

    def spools(name: str, width: int, dtype: str, is_scratch: bool) -> object:
        return (
            None
            if is_scratch and not scratch and route != "gram_frames"
            else shelf(name, width, dtype, is_scratch)
        )

    first = make(route)
    first.start(lend(source, REGIONS, spools=spools))  # type: ignore[arg-type] # rows or None
    place = advance(first, source, (0, 0), Stop(calls))
    state, sizes = {name: array.copy() for name, array in first.state().items()}, shelf.sizes()
    if place is not None:
        advance(first, source, place, None)
    shelf = shelf.cut(sizes)
    again = make(route)
    again.start(lend(source, REGIONS, spools=spools))  # type: ignore[arg-type] # rows or None
    again.restore(state)
    if place is not None:
        advance(again, source, place, None)
    found = again.finish()
    for name in found.data_vars:
        np.testing.assert_array_equal(found[name], whole[name])


@settings(max_examples=8)
@given(route=ROUTE, calls=st.integers(1, 30))
def test_a_state_is_left_alone_by_what_comes_after_it(route: Route, calls: int) -> None:
    source = source_with([])
    reducer = make(route)
    reducer.start(lend(source, REGIONS))
    place = advance(reducer, source, (0, 0), Stop(calls))
    state = reducer.state()
    copies = {name: array.copy() for name, array in state.items()}
    if place is not None:
        advance(reducer, source, place, None)
    for name, array in copies.items():
        np.testing.assert_array_equal(state[name], array)


@settings(max_examples=8)
@given(missing=st.lists(st.integers(0, N - 1), min_size=1, max_size=30))
def test_missing_frames_leave_the_decomposition_of_the_other_rows(missing: list[int]) -> None:
    found = run(source_with(missing), "gram_bins")
    good = np.ones(N, bool)
    good[missing] = False
    grey = FRAMES.reshape(N, 8, 2, 10, 2).astype(np.float64).mean((2, 4)).reshape(N, -1)
    rows = np.abs(np.diff(grey, axis=0))[good[1:] & good[:-1]]
    exact = np.linalg.svd(rows - rows.mean(0), compute_uv=False)
    np.testing.assert_allclose(found.motion_singular_value[0], exact[:6], rtol=1e-9)
