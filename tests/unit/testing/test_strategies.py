"""The shipped strategies give what they promise."""

from hypothesis import given

from mystax.core.geometry import Roi
from mystax.core.recording import ArraySource
from mystax.testing import strategies


@given(strategies.rois("motion", (96, 72)))
def test_regions_lie_inside_the_picture(roi: Roi) -> None:
    box = roi.shape.box()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= 96
    assert box.y1 <= 72


@given(strategies.sources((24, 20), 12))
def test_sources_are_short_and_say_which_frames_are_missing(source: ArraySource) -> None:
    assert 1 <= source.n_frames <= 12
    assert source.shape == (20, 24)
    for chunk in source.chunks():
        assert ((chunk.reason == 0) == chunk.valid).all()
