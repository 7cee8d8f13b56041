"""F29: the outcome of a region depends on other regions, chunks, batches or threads.

It never does: a region measured alone, among others and in another order, with other chunks and threads, has
the same bits.
"""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mystax
from mystax.core.analysis import get_analysis
from mystax.core.geometry import Ellipse, Rectangle, Roi, RoiKind
from mystax.core.recording import ArraySource
from mystax.engine.passes import CameraPass, drive
from tests.fixtures.engine_toys import frames_of

pytestmark = pytest.mark.fault(29)
N = 40
KINDS: tuple[RoiKind, ...] = ("motion", "pupil", "blink", "running")


def _source() -> ArraySource:
    return ArraySource(frames_of(2, N, (96, 112)), Fraction(30))


def _roi(kind: RoiKind) -> Roi:
    shape = Ellipse(56, 48, 24, 20, 0.0) if kind == "pupil" else Rectangle(24, 20, 64, 56)
    return Roi(f"the {kind}", kind, shape)


@st.composite
def _others(draw: st.DrawFn) -> list[Roi]:
    """Give up to five more regions, some of which overlap."""
    found = []
    for number in range(draw(st.integers(1, 5))):
        x, y = draw(st.integers(0, 50)), draw(st.integers(0, 40))
        found.append(Roi(f"other {number}", draw(st.sampled_from(KINDS)), Rectangle(x, y, 48, 44)))
    return found


@pytest.mark.parametrize("kind", KINDS)
@given(others=_others(), place=st.integers(0, 5))
@settings(deadline=None, max_examples=4)
def test_other_regions_change_no_bit(kind: RoiKind, others: list[Roi], place: int) -> None:
    function = getattr(mystax, kind)
    alone = function(_source(), rois=_roi(kind))
    among = function(_source(), rois=[*others[:place], _roi(kind), *others[place:]]).sel(roi=f"the {kind}")
    for name, variable in alone.data_vars.items():
        if "roi" in variable.dims:
            one = variable.isel(roi=0).values
            assert one.tobytes() == np.ascontiguousarray(among[name].values).tobytes(), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 7, 64])
def test_chunks_change_no_bit(kind: RoiKind, size: int) -> None:
    analysis = get_analysis(kind)
    found = []
    for chunk in (None, size):
        source = _source()
        reducer = analysis.make(analysis.params())
        drive(source, {kind: (reducer, CameraPass(source, "face", [_roi(kind).at("face")]))}, size=chunk)
        found.append(reducer.finish())
    for name, variable in found[0].data_vars.items():
        assert variable.values.tobytes() == found[1][name].values.tobytes(), name


@pytest.mark.parametrize("kind", KINDS)
def test_threads_change_no_bit(kind: RoiKind) -> None:
    one, three = (getattr(mystax, kind)(_source(), rois=_roi(kind), cores=cores) for cores in (1, 3))
    for name, variable in one.data_vars.items():
        assert variable.values.tobytes() == three[name].values.tobytes(), name
