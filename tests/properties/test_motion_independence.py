"""Motion does not depend on chunks, threads, other regions, or interruptions."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.compute.motion import MotionReducer
from mystax.core.recording import ArraySource
from tests.fixtures.measure import Shelf, lend, measure, moving_movie, rectangle

FRAMES = moving_movie(90, (24, 32))
REGIONS = [rectangle("a", 0, 0, 16, 24), rectangle("b", 8, 4, 20, 16), rectangle("c", 20, 0, 12, 12)]
TRACES = ("energy", "energy_norm", "brightness", "saturated", "light_step", "noise_floor")


def source_with(missing: list[int], poison: int = 0) -> ArraySource:
    reason = np.zeros(len(FRAMES), np.uint8)
    reason[missing] = 1
    return ArraySource(FRAMES.copy(), 50, reason=reason, poison=poison)


MISSING = st.lists(st.integers(0, 89), max_size=6)


@given(size=st.sampled_from([1, 7, 64, 500]), missing=MISSING, poison=st.integers(0, 255))
def test_chunks_and_poison_change_no_bit(size: int, missing: list[int], poison: int) -> None:
    whole = measure("motion", source_with(missing), REGIONS, bin=2)
    assert whole.identical(measure("motion", source_with(missing, poison), REGIONS, bin=2, size=size))


@given(order=st.permutations(range(3)), n=st.integers(1, 3))
def test_other_regions_and_their_order_change_no_trace(order: list[int], n: int) -> None:
    several = measure("motion", source_with([]), [REGIONS[number] for number in order[:n]], bin=2)
    alone = measure("motion", source_with([]), [REGIONS[order[0]]], bin=2)
    for name in TRACES:
        np.testing.assert_array_equal(several[name].sel(roi=alone.roi[0]), alone[name][..., 0])


@given(missing=MISSING)
def test_rows_outside_holes_are_unchanged(missing: list[int]) -> None:
    clean, holes = (measure("motion", source_with(gone), bin=2) for gone in ([], missing))
    touched = sorted({row for frame in missing for row in (frame, frame + 1) if row < len(FRAMES)})
    for name in ("energy", "brightness", "saturated"):
        rows = missing if name != "energy" else touched
        wanted = clean[name].values.copy()
        wanted[sorted(set(rows))] = np.nan
        np.testing.assert_array_equal(holes[name].values, wanted)


@settings(max_examples=15)
@given(frame=st.integers(1, 89), size=st.sampled_from([1, 7, 64]), missing=MISSING)
def test_an_interruption_at_any_frame_changes_no_bit(frame: int, size: int, missing: list[int]) -> None:
    source = source_with(missing)
    whole = measure("motion", source, REGIONS, bin=2)
    shelf = Shelf()
    first = MotionReducer(size=2)
    first.start(lend(source, REGIONS, spools=shelf))
    for chunk in source.chunks(0, frame, size=size):
        first.update(chunk)
    state, sizes = first.state(), shelf.sizes()
    for chunk in source.chunks(frame, size=size):
        first.update(chunk)
    again = MotionReducer(size=2)
    again.start(lend(source, REGIONS, spools=shelf.cut(sizes)))
    again.restore(state)
    for chunk in source.chunks(frame):
        again.update(chunk)
    found = again.finish()
    for name in found.data_vars:
        np.testing.assert_array_equal(found[name], whole[name])
