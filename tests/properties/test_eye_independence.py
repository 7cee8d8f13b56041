"""Pupil and blink depend on nothing but the frames: chunks, threads, other regions, poison, interruptions."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xarray import Dataset

from mystax.core.analysis import Spool, get_analysis
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.recording import ArraySource, FrameSource
from mystax.engine.passes import CameraPass, MemorySpool, drive
from mystax.synth.eye import Eye, eye_movie

N = 70
MOVIE = eye_movie(N, seed=8, eye=Eye(reflections=((58.0, 44.0, 2.5),)), blinks=[(0.6, 0.75), (1.6, 1.9)])
FRAMES = next(MOVIE.source.chunks(size=N)).codes
OTHERS = (
    Roi("wide", "pupil", Rectangle(0, 0, 110, 100), reflections=(Ellipse(30, 30, 6, 6),)),
    Roi("narrow", "pupil", Ellipse(54.0, 50.0, 30.0, 25.0)),
)


class Threads:
    """Tiles worked by several threads."""

    def __init__(self, cores: int) -> None:
        self._pool, self._cores = ThreadPoolExecutor(cores), cores

    @property
    def cores(self) -> int:
        return self._cores

    def map(self, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        return list(self._pool.map(work, items))


def own_region(name: str) -> Roi:
    return MOVIE.pupil if name == "pupil" else MOVIE.blink


def run(
    name: str,
    source: FrameSource = MOVIE.source,
    *,
    rois: Sequence[Roi] = (),
    size: int | None = None,
    tiles: Threads | None = None,
) -> Dataset:
    reducer = get_analysis(name).make(get_analysis(name).params())
    lent = CameraPass(source, "face", rois or [own_region(name)], tiles=tiles)
    drive(source, {name: (reducer, lent)}, size=size)
    return reducer.finish()


@cache
def undisturbed(name: str) -> Dataset:
    """Return what a run without disturbance gives."""
    return run(name)


def same(one: Dataset, other: Dataset) -> bool:
    return bool(one.identical(other))


BOTH = pytest.mark.parametrize("name", ["pupil", "blink"])


@BOTH
@pytest.mark.parametrize("size", [1, 7, 33, 64])
def test_chunks_change_no_bit(name: str, size: int) -> None:
    assert same(run(name, size=size), undisturbed(name))


@BOTH
@pytest.mark.parametrize("cores", [2, 4])
def test_threads_change_no_bit(name: str, cores: int) -> None:
    assert same(run(name, tiles=Threads(cores)), undisturbed(name))


@BOTH
def test_other_regions_and_their_order_change_no_bit(name: str) -> None:
    own = own_region(name)
    alone = undisturbed(name).sel(roi=0)
    for rois in ((*OTHERS, own), (OTHERS[1], own, OTHERS[0]), (own, *OTHERS)):
        place = [roi.name for roi in rois].index(own.name)
        among = run(name, rois=rois).sel(roi=place)
        for variable in alone.data_vars:
            if "event" not in alone[variable].dims:
                np.testing.assert_array_equal(among[variable], alone[variable])


@BOTH
def test_two_runs_are_equal(name: str) -> None:
    assert same(run(name), undisturbed(name))


@BOTH
@settings(deadline=None, max_examples=6)
@given(holes=st.sets(st.integers(0, N - 1), max_size=6), poison=st.integers(1, 255))
def test_what_stands_in_missing_frames_changes_no_bit(name: str, holes: set[int], poison: int) -> None:
    reason = np.zeros(N, np.uint8)
    reason[list(holes)] = 2
    clean, dirty = (run(name, ArraySource(FRAMES, reason=reason, poison=byte)) for byte in (0, poison))
    assert same(clean, dirty)
    trace = "area" if name == "pupil" else "openness"
    assert np.isnan(dirty[trace].values[reason > 0]).all()


@BOTH
@settings(deadline=None, max_examples=6)
@given(cut=st.integers(0, N), size=st.integers(1, 40))
def test_interrupted_run_goes_on_to_the_same_bits(name: str, cut: int, size: int) -> None:
    spools: dict[str, MemorySpool] = {}

    def spool(key: str, width: int, dtype: str, _scratch: bool) -> Spool:
        return spools.setdefault(key, MemorySpool(width, dtype))

    declared = get_analysis(name)
    lent = CameraPass(MOVIE.source, "face", [own_region(name)], spools=spool)
    first = declared.make(declared.params())
    first.start(lent)
    for chunk in MOVIE.source.chunks(0, cut, size=size):
        first.update(chunk)
    state = {key: value.copy() for key, value in first.state().items()}
    second = declared.make(declared.params())
    second.start(lent)
    second.restore(state)
    for chunk in MOVIE.source.chunks(cut, size=size):
        second.update(chunk)
    second.end_pass()
    assert same(second.finish(), undisturbed(name))


@BOTH
def test_frames_are_not_written_to(name: str) -> None:
    before = FRAMES.copy()
    run(name)
    np.testing.assert_array_equal(FRAMES, before)
