"""Regions for other recordings of the rig: by camera name and size of pictures, and nothing else is lost."""

import pytest

from mystax.app.rig_rois import cameras_of_rois, fitted, merged
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.errors import RoiError

SIZES = {"left": (240, 320), "right": (480, 640)}
PUPIL = Roi("pupil", "pupil", Ellipse(100, 120, 20, 16), "left", frame_size=(320, 240))
PAD = Roi("pad", "motion", Rectangle(300, 200, 60, 40), "right")


def test_regions_of_the_same_cameras_go_over_as_they_are() -> None:
    assert fitted([PUPIL, PAD], SIZES, {"right": (480, 640), "left": (240, 320), "top": (1, 1)}) == (
        PUPIL,
        PAD,
    )


def test_a_region_without_camera_is_one_of_the_only_camera() -> None:
    bare = PUPIL.at("")
    assert cameras_of_rois([bare, bare], ["left"]) == ["left"]
    assert fitted([bare], {"left": (240, 320)}, {"left": (240, 320)}) == (PUPIL,)


def test_a_camera_of_another_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(RoiError, match=r"P402 roi 'pupil': there is no camera 'left'.*did you mean 'lefty'"):
        fitted([PUPIL], SIZES, {"lefty": (240, 320)})


def test_regions_of_a_recording_whose_videos_are_gone_are_refused_by_name() -> None:
    assert cameras_of_rois([PUPIL, PAD.at("")], []) == ["left", ""]
    for roi in (PUPIL, PUPIL.at("")):
        with pytest.raises(RoiError, match=r"P402 roi 'pupil': there is no camera"):
            fitted([roi], {}, SIZES)


def test_pictures_of_another_size_are_refused_by_name() -> None:
    with pytest.raises(RoiError, match=r"P402 roi 'pad'.*640 x 480 px \(camera 'right'\), got 641 x 480"):
        fitted([PUPIL, PAD], SIZES, {"left": (240, 320), "right": (480, 641)})


def test_a_region_outside_of_the_picture_is_refused_by_name() -> None:
    outside = Roi("far", "motion", Rectangle(620, 470, 60, 40), "right")
    with pytest.raises(RoiError, match=r"P402 roi 'far': the region lies outside the picture"):
        fitted([PAD, outside], SIZES, SIZES)


def test_what_is_there_stays_but_for_regions_of_the_same_name() -> None:
    old = Roi("pupil", "pupil", Ellipse(1, 2, 3, 4), "left")
    own = Roi("ear", "motion", Rectangle(0, 0, 40, 40), "left")
    assert merged([old, own], [PUPIL, PAD]) == (PUPIL, own, PAD)
    assert merged([], [PUPIL]) == (PUPIL,)
    assert merged([own], []) == (own,)
