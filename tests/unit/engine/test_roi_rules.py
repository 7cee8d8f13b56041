"""Rules for regions: P402 before any work, and which region belongs to which analysis."""

import inspect
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.analysis import get_analysis
from mystax.core.geometry import Ellipse, Polygon, Rectangle, Roi, RoiKind, Shape
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.engine.roi_rules import check_bins, check_rois, place_rois, rois_for, rois_from
from mystax.errors import ParameterError, RoiError
from mystax.io.rois import rois_to_toml

SHAPE = (60, 80)


def _recording(*names: str) -> Recording:
    source = ArraySource(np.zeros((2, *SHAPE), np.uint8))
    return Recording("r", {name: Camera(name, source) for name in names or ("face",)})


def _roi(shape: Shape, kind: RoiKind = "motion", name: str = "pad", camera: str = "face") -> Roi:
    return Roi(name, kind, shape, camera)


def test_none_stays_none() -> None:
    assert rois_from(None) is None


def test_regions_come_as_objects_texts_and_files(tmp_path: Path) -> None:
    roi = _roi(Rectangle(1, 2, 30, 40))
    path = tmp_path / "rois.toml"
    path.write_text(rois_to_toml([roi]), "utf-8")
    assert rois_from(roi) == rois_from([roi]) == rois_from(path) == rois_from(str(path)) == (roi,)
    assert rois_from("motion:rectangle:1,2,30,40@face=pad") == (roi,)
    assert rois_from(["motion:rectangle:1,2,30,40@face=pad", roi]) == (roi, roi)


@pytest.mark.parametrize("rois", [3, [3], [_roi(Rectangle(0, 0, 9, 9)), None], 2.5])
def test_what_is_no_region_is_refused(rois: object) -> None:
    with pytest.raises(ParameterError, match=r"P401 parameter 'rois': expected .*rois\.toml, got"):
        inspect.unwrap(rois_from)(rois)


def test_region_without_camera_goes_to_the_only_one() -> None:
    placed = place_rois([_roi(Rectangle(0, 0, 20, 20), camera="")], _recording("left"))
    assert placed[0].camera == "left"


def test_region_without_camera_is_refused_where_there_are_two() -> None:
    with pytest.raises(RoiError, match="xpected one of left, right"):
        place_rois([_roi(Rectangle(0, 0, 20, 20), camera="")], _recording("left", "right"))


def test_unknown_camera_names_the_nearest() -> None:
    with pytest.raises(RoiError, match="did you mean 'left'"):
        place_rois([_roi(Rectangle(0, 0, 20, 20), camera="lfet")], _recording("left", "right"))


@pytest.mark.parametrize(
    ("roi", "message"),
    [
        (_roi(Rectangle(200, 200, 20, 20)), "outside the picture"),
        (_roi(Rectangle(-15, 0, 20, 20)), "outside the picture"),
        (_roi(Rectangle(0, 0, 7, 9)), "at least 64 px, got 63 px"),
        (_roi(Ellipse(10, 10, 0.2, 0.2)), "too small"),
        (_roi(Ellipse(40.5, 40.5, 0.1, 0.1)), "outside the picture"),
        (_roi(Polygon(((0, 0), (10**6, 0), (0, 10**6)))), "outside the picture"),
        (_roi(Rectangle(0, 0, 31, 40), "running"), "at least 32 x 32 px, got 31 x 40 px"),
        (Roi("pad", "motion", Rectangle(0, 0, 20, 20), "face", frame_size=(640, 480)), "another size"),
    ],
)
def test_unusable_region_is_refused_by_name(roi: Roi, message: str) -> None:
    with pytest.raises(RoiError, match=message) as error:
        check_rois([roi], _recording())
    assert error.value.code == "P402"
    assert "'pad'" in str(error.value)


def test_two_regions_of_one_name_are_refused() -> None:
    roi = _roi(Rectangle(0, 0, 20, 20))
    with pytest.raises(RoiError, match="two regions have this name"):
        check_rois([roi, roi], _recording())


def test_region_half_inside_is_clipped_with_a_note() -> None:
    notes = check_rois([_roi(Rectangle(-10, 0, 20, 20))], _recording())
    assert notes == ["roi 'pad' is clipped at the edge of the picture (200 of 400 px)"]


def test_good_regions_pass_without_a_note() -> None:
    rois = [_roi(Rectangle(0, 0, 8, 8)), _roi(Ellipse(40, 30, 10, 9), "pupil", "eye")]
    assert check_rois(rois, _recording()) == []


def test_too_few_bins_are_refused_with_a_hint() -> None:
    roi = _roi(Rectangle(0, 0, 20, 12))
    check_bins([roi], SHAPE, 3)
    with pytest.raises(RoiError, match=r"got 15 bins of 4 x 4 px.*smaller bin"):
        check_bins([roi], SHAPE, 4)


def test_without_motion_region_the_whole_frame_is_measured() -> None:
    eye = _roi(Ellipse(40, 30, 10, 9), "pupil", "eye")
    found = rois_for(get_analysis("motion"), [eye], "face", SHAPE)
    assert [(roi.name, roi.shape) for roi in found] == [("frame", Rectangle(0, 0, 80, 60))]


def test_motion_regions_replace_the_whole_frame() -> None:
    pad = _roi(Rectangle(0, 0, 20, 20))
    assert rois_for(get_analysis("motion"), [pad], "face", SHAPE) == (pad,)


def test_a_camera_without_motion_region_is_left_out_where_another_has_one() -> None:
    pad = _roi(Rectangle(0, 0, 20, 20), camera="left")
    assert rois_for(get_analysis("motion"), [pad], "right", SHAPE) == ()


def test_motion_is_measured_in_the_face_too_and_svd_is_not() -> None:
    face = _roi(Rectangle(0, 0, 20, 20), "face", "face")
    assert [roi.name for roi in rois_for(get_analysis("motion"), [face], "face", SHAPE)] == ["frame", "face"]
    assert [roi.name for roi in rois_for(get_analysis("svd"), [face], "face", SHAPE)] == ["frame"]


def test_pupil_without_region_is_not_applicable() -> None:
    assert rois_for(get_analysis("pupil"), [], "face", SHAPE) == ()


def test_face_region_called_frame_is_refused() -> None:
    with pytest.raises(RoiError, match="stands for the whole frame"):
        rois_for(get_analysis("motion"), [_roi(Rectangle(0, 0, 9, 9), "face", "frame")], "face", SHAPE)


@settings(max_examples=60)
@given(
    x=st.integers(-40, 100),
    y=st.integers(-40, 90),
    width=st.integers(1, 120),
    height=st.integers(1, 120),
    kind=st.sampled_from(["pupil", "motion", "blink", "running", "face"]),
)
def test_a_region_is_either_refused_or_has_pixels_enough(
    x: int, y: int, width: int, height: int, kind: RoiKind
) -> None:
    roi = _roi(Rectangle(x, y, width, height), kind)
    n_pixels = int(roi.mask(SHAPE).sum())
    too_small = n_pixels < 64 or (kind == "running" and min(_sides(roi)) < 32)
    if too_small or 2 * n_pixels < width * height:
        with pytest.raises(RoiError, match="P402"):
            check_rois([roi], _recording())
    else:
        check_rois([roi], _recording())


def _sides(roi: Roi) -> tuple[int, int]:
    box = roi.box(SHAPE)
    return box.width, box.height
