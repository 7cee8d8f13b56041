"""F24: a region outside the picture, empty, of one pixel, or vanishing when pixels are binned.

It is refused at plan time (P402) with its name; no frame is read and nothing is written.
"""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mystax
from mystax.core.geometry import Ellipse, Polygon, Rectangle, Roi, RoiKind, Shape
from mystax.engine.calls import analysis_function
from mystax.errors import RoiError
from mystax.synth import faulty_video
from tests.fixtures.engine_toys import frames_of
from tests.fixtures.unread import Unread

pytestmark = pytest.mark.fault(24)
KINDS: list[RoiKind] = ["pupil", "motion", "blink", "running", "face"]
OF_KIND = {"pupil": "pupil", "motion": "motion", "blink": "blink", "running": "running", "face": "motion"}


SHAPES = st.one_of(
    st.builds(
        Rectangle, st.integers(100, 300), st.integers(-50, 300), st.integers(1, 60), st.integers(1, 60)
    ),
    st.builds(Rectangle, st.integers(0, 40), st.integers(0, 40), st.integers(1, 7), st.integers(1, 9)),
    st.builds(Ellipse, st.floats(0, 60), st.floats(0, 50), st.floats(0.1, 4), st.floats(0.1, 4)),
    st.builds(
        lambda x, y: Polygon(((x, y), (x + 5, y), (x, y + 5))), st.integers(-40, 80), st.integers(-40, 80)
    ),
)


@settings(max_examples=40)
@given(shape=SHAPES, kind=st.sampled_from(KINDS))
def test_unusable_regions_of_all_kinds_are_refused_by_name(shape: Shape, kind: RoiKind) -> None:
    source = Unread(frames_of(0, 5, (60, 80)))
    with pytest.raises(RoiError, match="'spot'") as error:
        analysis_function(OF_KIND[kind])(source, rois=Roi("spot", kind, shape))
    assert error.value.code == "P402"


def test_a_region_that_vanishes_in_bins_is_refused_with_the_way_out() -> None:
    source = Unread(frames_of(0, 5, (60, 80)))
    with pytest.raises(RoiError, match="smaller bin"):
        mystax.motion(source, rois=Roi("spot", "motion", Rectangle(0, 0, 20, 20)), bin=8)


def test_a_run_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = tmp_path / "face.mp4"
    faulty_video(path, "clean", n_frames=10)
    with pytest.raises(RoiError, match="'spot'"):
        mystax.run(path, rois=[Roi("spot", "pupil", Rectangle(0, 0, 1, 1))])
    assert [item.name for item in tmp_path.iterdir()] == ["face.mp4"]
