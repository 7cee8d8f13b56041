"""Running does not depend on chunks, threads, content of missing frames, or interruption."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.analysis import get_analysis
from mystax.core.geometry import Rectangle, Roi
from tests.fixtures.measure import Shelf, lend, measure
from tests.fixtures.surfaces import surface_source

ROIS = (Roi("wheel", "running", Rectangle(0, 0, 80, 64)), Roi("part", "running", Rectangle(7, 9, 40, 33)))
N = 24
NAMES = ("shift", "peak", "velocity", "speed")


@settings(deadline=None, max_examples=8)
@given(size=st.sampled_from([1, 2, 7, 64, 500]), cores=st.sampled_from([1, 2]), second=st.booleans())
def test_chunks_threads_and_other_regions_change_no_bit(size: int, cores: int, second: bool) -> None:
    source, _ = surface_source(N)
    wanted = measure("running", source, ROIS[:1])
    found = measure("running", source, ROIS[::-1] if second else ROIS[:1], size=size, cores=cores)
    for name in NAMES:
        np.testing.assert_array_equal(found[name].sel(roi="wheel"), wanted[name].sel(roi="wheel"))
    assert found.attrs["anisotropy"][-1] == wanted.attrs["anisotropy"][0]


@settings(deadline=None, max_examples=8)
@given(holes=st.sets(st.integers(0, N - 1), max_size=8), poison=st.integers(0, 255), size=st.integers(1, 9))
def test_rows_outside_of_holes_do_not_change(holes: set[int], poison: int, size: int) -> None:
    reason = np.zeros(N, np.uint8)
    reason[sorted(holes)] = 1
    whole = measure("running", surface_source(N)[0], ROIS[:1])
    holed = measure("running", surface_source(N, reason=reason, poison=poison)[0], ROIS[:1], size=size)
    lost = {0} | holes | {hole + 1 for hole in holes}
    kept = sorted(set(range(N)) - lost)
    for name in NAMES:
        np.testing.assert_array_equal(holed[name].values[kept], whole[name].values[kept])
        assert np.isnan(holed[name].values[sorted(lost & set(range(N)))]).all()


@settings(deadline=None, max_examples=8)
@given(cut=st.integers(1, N - 1), size=st.sampled_from([1, 5, 8]))
def test_an_interrupted_run_goes_on_bit_for_bit(cut: int, size: int) -> None:
    source, _ = surface_source(N)
    declared = get_analysis("running")
    shelf = Shelf()
    reducer = declared.make(declared.params())
    reducer.start(lend(source, ROIS, spools=shelf))
    for chunk in source.chunks(0, cut, size=size):
        reducer.update(chunk)
    state = {name: np.array(value) for name, value in reducer.state().items()}
    again = declared.make(declared.params())
    again.start(lend(source, ROIS, spools=shelf.cut(shelf.sizes())))
    again.restore(state)
    for chunk in source.chunks(cut, size=size):
        again.update(chunk)
    again.end_pass()
    found, wanted = again.finish(), measure("running", source, ROIS)
    for name in NAMES:
        np.testing.assert_array_equal(found[name].values, wanted[name].values)
    assert found.attrs["anisotropy"].tolist() == wanted.attrs["anisotropy"].tolist()
