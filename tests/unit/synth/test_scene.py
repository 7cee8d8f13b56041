"""The synthetic face: frames on demand, exact truth, regions in the right places."""

from fractions import Fraction

import numpy as np
import pytest

from mystax.core.geometry import Ellipse, Rectangle
from mystax.core.recording import FrameSource
from mystax.errors import ParameterError, RecipeError
from mystax.synth.scene import Scene
from mystax.testing import measure


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(seed=4, n_frames=90)


def test_sources_are_frame_sources_of_the_asked_size() -> None:
    scene = Scene(n_frames=7, size=(200, 160), rate=Fraction(50))
    source = scene.source("right")
    assert isinstance(source, FrameSource)
    assert (source.shape, source.n_frames, source.clock.period) == ((160, 200), 7, Fraction(1, 50))


def test_a_frame_does_not_depend_on_the_frames_before(scene: Scene) -> None:
    first, again = scene.source("left"), Scene(seed=4, n_frames=90).source("left")
    for _ in first.chunks(0, 12):
        pass
    np.testing.assert_array_equal(first.frame_at(12).data, again.frame_at(12).data)


def test_a_frame_does_not_depend_on_the_length_of_the_scene(scene: Scene) -> None:
    longer = Scene(seed=4, n_frames=120)
    np.testing.assert_array_equal(
        longer.source("left").frame_at(60).data, scene.source("left").frame_at(60).data
    )


def test_seeds_and_cameras_differ(scene: Scene) -> None:
    left, right = scene.source("left").frame_at(3).data, scene.source("right").frame_at(3).data
    other = Scene(seed=5, n_frames=90).source("left").frame_at(3).data
    assert (left != right).mean() > 0.5
    assert (left != other).mean() > 0.5
    assert scene.source("left").identity != scene.source("right").identity


def test_the_pupil_is_dark_in_its_true_place(scene: Scene) -> None:
    for camera in scene.cameras:
        truth = scene.truth.cameras[camera]
        for frame in (0, 30, 75):
            if truth.openness[frame] < 1:
                continue
            picture = scene.source(camera).frame_at(frame).data[0].astype(float)
            y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]]
            cx, cy = truth.pupil_centre[frame]
            away = np.hypot(x - cx, y - cy)
            radius = truth.pupil_radius[frame]
            inside = picture[away < radius - 2]
            ring = picture[(away > radius + 2) & (away < radius + 4)]
            assert np.median(inside) == pytest.approx(6, abs=4)
            assert np.median(ring) == pytest.approx(29, abs=4)


def test_both_pupils_are_equally_wide_for_their_camera(scene: Scene) -> None:
    left, right = (scene.truth.cameras[camera] for camera in scene.cameras)
    np.testing.assert_allclose(left.pupil_radius / right.pupil_radius, 1 / 0.97)
    np.testing.assert_allclose(left.pupil_area, np.pi * left.pupil_radius**2)
    np.testing.assert_allclose(left.pupil_diameter, 2 * left.pupil_radius)


def test_the_pupil_stays_within_its_region(scene: Scene) -> None:
    for camera in scene.cameras:
        truth, shape = scene.truth.cameras[camera], scene.rois(camera)[0].shape
        x, y = truth.pupil_centre.T
        assert shape.contains(x, y).all()


def test_shut_lids_hide_the_pupil() -> None:
    scene = Scene(seed=0, n_frames=600, rate=Fraction(60))
    openness = scene.truth.cameras["left"].openness
    shut = int(np.argmin(openness))
    assert openness[shut] == 0.0
    x, y = (round(value) for value in scene.truth.cameras["left"].pupil_centre[shut])
    assert scene.source("left").frame_at(shut).data[0, y, x] > 60


def test_blinks_are_where_the_lids_are_shut() -> None:
    scene = Scene(seed=0, n_frames=600)
    truth = scene.truth
    half = truth.cameras["left"].openness < 0.5
    inside = ((truth.times[:, None] > truth.blink_start) & (truth.times[:, None] < truth.blink_stop)).any(1)
    assert len(truth.blink_start) >= 2
    np.testing.assert_array_equal(half, inside)


def test_running_recovers_the_wheel(scene: Scene) -> None:
    for camera in scene.cameras:
        wheel = [roi for roi in scene.rois(camera) if roi.kind == "running"]
        found = measure("running", scene.source(camera), wheel)["shift"].values[:, 0]
        error = np.abs(found - scene.truth.cameras[camera].wheel_shift)[1:]
        assert np.median(error) <= 0.05
        assert error.max() <= 0.25


def test_the_wheel_moves_away_from_the_nose_on_both_sides(scene: Scene) -> None:
    left, right = (np.nansum(scene.truth.cameras[camera].wheel_shift[:, 0]) for camera in scene.cameras)
    assert left > 0
    assert right < 0
    assert np.isnan(scene.truth.cameras["left"].wheel_shift[0]).all()


def test_the_whisker_pad_moves_more_than_the_back_of_the_head(scene: Scene) -> None:
    chunk = next(scene.source("left").chunks(0, 20))
    motion = np.abs(np.diff(chunk.data.astype(float), axis=0)).mean(axis=0)
    pad = next(roi for roi in scene.rois("left") if roi.kind == "motion")
    assert motion[pad.mask((240, 320))].mean() > 1.3 * motion[90:150, 240:310].mean()


def test_regions_have_the_right_kinds_and_names_of_their_own(scene: Scene) -> None:
    rois = scene.rois()
    assert len({roi.name for roi in rois}) == len(rois) == 10
    assert [roi.kind for roi in scene.rois("right")] == ["pupil", "blink", "motion", "running", "face"]
    assert {roi.camera for roi in rois} == {"left", "right"}


@pytest.mark.parametrize(
    "size", [(320, 240), pytest.param((640, 480), marks=pytest.mark.slow), (200, 150), (400, 240)]
)
def test_regions_lie_in_the_picture(size: tuple[int, int]) -> None:
    for roi in Scene(n_frames=1, size=size).rois():
        assert isinstance(roi.shape, Ellipse | Rectangle)
        outline = roi.shape.box()
        assert outline == outline.clip((size[1], size[0]))
        if roi.kind == "running" and size[1] >= 240:
            assert min(outline.width, outline.height) >= 32


def test_a_recording_holds_all_cameras(scene: Scene) -> None:
    recording = scene.recording("demo")
    assert recording.name == "demo"
    assert list(recording.cameras) == ["left", "right"]
    assert recording.video("right").n_frames == 90


def test_an_unknown_camera_is_refused(scene: Scene) -> None:
    with pytest.raises(RecipeError, match="P403 scene: no camera 'lef'; did you mean 'left'"):
        scene.source("lef")


def test_a_picture_that_is_too_small_is_refused() -> None:
    with pytest.raises(ParameterError, match="P401 parameter 'size' of 'Scene'"):
        Scene(size=(320, 80))


def test_a_scene_without_frames_has_an_empty_truth() -> None:
    truth = Scene(n_frames=0).truth
    assert truth.cameras["left"].wheel_shift.shape == (0, 2)
    assert len(truth.blink_start) == 0


def test_one_camera_is_enough() -> None:
    scene = Scene(n_frames=2, cameras=("face",))
    assert scene.rois()[0].name == "face_pupil"
    assert len(next(scene.source("face").chunks())) == 2
