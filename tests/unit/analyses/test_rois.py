"""The analysis `rois`: what is proposed, from which frames, and how it becomes regions."""

import math

import numpy as np
import pytest
from xarray import Dataset

from mystax.compute.proposals import RoisReducer, proposed_rois
from mystax.core.analysis import get_analysis
from mystax.core.geometry import Ellipse, Rectangle
from mystax.core.recording import ArraySource
from mystax.engine.passes import CameraPass, assemble_outcome, drive
from mystax.synth.scene import Scene
from mystax.testing import measure


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(seed=2, n_frames=80)


@pytest.fixture(scope="module")
def proposals(scene: Scene) -> dict[str, Dataset]:
    """Return the outcome of each camera."""
    declared = get_analysis("rois")
    found = {}
    for camera in scene.cameras:
        source = scene.source(camera)
        reducer, lent = declared.make(declared.params()), CameraPass(source, camera, ())
        reason = drive(source, {"rois": (reducer, lent)})
        found[camera] = assemble_outcome(reducer.finish(), declared, lent, reason)
    return found


def _untracked(source: ArraySource) -> Dataset:
    """Return what is proposed where no tracker looks for the face: the pictures do not depend on it."""
    declared = get_analysis("rois")
    reducer, lent = RoisReducer(lambda _, __: None), CameraPass(source, "face", ())
    reason = drive(source, {"rois": (reducer, lent)})
    return assemble_outcome(reducer.finish(), declared, lent, reason)


def test_face_eye_and_lids_are_proposed(proposals: dict[str, Dataset]) -> None:
    outcome = proposals["left"]
    assert outcome["roi"].values.tolist() == ["face", "eye", "lid"]
    assert outcome["roi_kind"].values.tolist() == ["face", "pupil", "blink"]
    assert outcome["roi_camera"].values.tolist() == ["left"] * 3


@pytest.mark.parametrize("camera", ["left", "right"])
def test_the_eye_is_in_its_place_and_sure_enough_to_be_measured(
    scene: Scene, proposals: dict[str, Dataset], camera: str
) -> None:
    regions = {roi.name: roi for roi in proposed_rois(proposals[camera])}
    eye, lid = regions["eye"], regions["lid"]
    assert isinstance(eye.shape, Ellipse)
    assert isinstance(lid.shape, Ellipse)
    x, y, rx, ry = scene.view(camera).face.eye.opening
    assert math.hypot(eye.shape.cx - x, eye.shape.cy - y) <= 0.06 * 2 * rx
    assert eye.shape.rx == pytest.approx(rx, rel=0.12)
    assert eye.shape.ry == pytest.approx(ry, rel=0.12)
    assert lid.shape.rx == pytest.approx(1.15 * eye.shape.rx)
    assert eye.confidence is not None
    assert eye.confidence >= 0.5


@pytest.mark.parametrize("camera", ["left", "right"])
def test_the_face_holds_eye_and_whisker_pad_and_not_the_wheel(
    scene: Scene, proposals: dict[str, Dataset], camera: str
) -> None:
    face = proposed_rois(proposals[camera])[0]
    assert isinstance(face.shape, Rectangle)
    mask = face.mask(scene.shape)
    pad = next(roi for roi in scene.rois(camera) if roi.kind == "motion")
    wheel = next(roi for roi in scene.rois(camera) if roi.kind == "running")
    assert mask[pad.mask(scene.shape)].mean() > 0.8
    assert mask[wheel.mask(scene.shape)].mean() < 0.15


def test_proposed_regions_say_where_they_come_from(proposals: dict[str, Dataset]) -> None:
    for roi in proposed_rois(proposals["left"]):
        assert roi.source == "proposed"
        assert roi.frame_size == (320, 240)
        assert roi.confidence is not None
        assert 0 <= roi.confidence <= 1


def test_regions_of_several_cameras_have_names_of_their_own(proposals: dict[str, Dataset]) -> None:
    regions = proposed_rois(*proposals.values())
    assert [roi.name for roi in regions] == [
        f"{camera}_{name}" for camera in ("left", "right") for name in ("face", "eye", "lid")
    ]
    assert {roi.camera for roi in regions} == {"left", "right"}


def test_no_frame_is_decoded_in_a_pass() -> None:
    declared = get_analysis("rois")
    assert declared.make(declared.params()).n_passes == 0


def test_pictures_are_the_means_of_the_samples() -> None:
    frames = np.zeros((10, 80, 120), np.uint8)
    frames[::2] = 40
    outcome = _untracked(ArraySource(frames))
    assert outcome["mean_frame"].shape == (40, 60)
    np.testing.assert_allclose(outcome["mean_frame"], 20.0)
    np.testing.assert_allclose(outcome["mean_motion"], 40.0)
    assert outcome.attrs["bin"] == 2


def test_sixteen_bits_give_grey_levels_of_eight() -> None:
    frames = np.full((6, 80, 120), 100 * 256, np.uint16)
    np.testing.assert_allclose(_untracked(ArraySource(frames))["mean_frame"], 100.0)


def test_pairs_with_missing_frames_do_not_count() -> None:
    frames = np.full((10, 80, 120), 50, np.uint8)
    frames[5] = 250
    reason = np.zeros(10, np.uint8)
    reason[5] = 1
    outcome = _untracked(ArraySource(frames, reason=reason, poison=77))
    np.testing.assert_allclose(outcome["mean_motion"], 0.0)
    np.testing.assert_allclose(outcome["mean_frame"], 50.0)


def test_pairs_across_a_gap_do_not_count() -> None:
    frames = np.full((10, 80, 120), 50, np.uint8)
    frames[5:] = 90
    times = np.arange(10) / 30
    times[5:] += 2.0
    np.testing.assert_allclose(_untracked(ArraySource(frames, times=times))["mean_motion"], 0.0)


def test_nothing_to_see_is_an_outcome_without_regions_that_says_so() -> None:
    source = ArraySource(np.full((12, 80, 120), 50, np.uint8))
    declared = get_analysis("rois")
    reducer, lent = declared.make(declared.params()), CameraPass(source, "face", ())
    drive(source, {"rois": (reducer, lent)})
    outcome = reducer.finish()
    assert outcome.sizes["roi"] == 0
    assert proposed_rois(outcome) == ()
    assert [flag.code for flag in reducer.flags()] == ["N302", "N302"]


def test_a_recording_without_a_good_frame_proposes_nothing() -> None:
    source = ArraySource(np.full((4, 80, 120), 50, np.uint8), reason=np.ones(4, np.uint8))
    outcome = measure("rois", source)
    assert outcome.sizes["roi"] == 0
    assert np.isnan(outcome["mean_frame"].values).all()


def test_the_same_frames_give_the_same_proposals() -> None:
    source = Scene(seed=3, n_frames=4, size=(200, 150)).source("left")
    one, two = (measure("rois", source) for _ in range(2))
    assert one.identical(two)


@pytest.mark.parametrize("seen", [(Rectangle(10, 20, 30, 40), 0.7), None])
def test_the_face_is_the_trackers_where_it_sees_one(seen: tuple[Rectangle, float] | None) -> None:
    frames = np.full((12, 80, 120), 50, np.uint8)
    frames[:, 8:24, 80:96] = np.random.default_rng(0).integers(0, 255, (12, 16, 16))
    reducer, lent = RoisReducer(lambda _, __: seen), CameraPass(ArraySource(frames), "face", ())
    drive(ArraySource(frames), {"rois": (reducer, lent)})
    outcome = reducer.finish()
    assert outcome.attrs["face_by"] == ("motion" if seen is None else "tracker")
    face = proposed_rois(outcome)[0]
    assert isinstance(face.shape, Rectangle)
    if seen is None:
        assert face.shape.x > 60
    else:
        assert (face.shape, face.confidence) == seen


def test_the_trackers_face_is_in_the_picture_and_holds_the_eye(
    scene: Scene, proposals: dict[str, Dataset]
) -> None:
    for camera, outcome in proposals.items():
        face = proposed_rois(outcome)[0].shape
        assert isinstance(face, Rectangle)
        assert min(face.x, face.y) >= 0
        assert face.x + face.width <= scene.shape[1]
        assert face.y + face.height <= scene.shape[0]
        x, y, *_ = scene.view(camera).face.eye.opening
        assert face.x < x < face.x + face.width
        assert face.y < y < face.y + face.height
        assert outcome.attrs["face_by"] == "tracker"


def test_where_the_tracker_sees_no_face_motion_tells() -> None:
    frames = np.full((30, 120, 160), 60, np.uint8)
    for k in range(30):  # stripes that run to the left; in a patch of noise the network may see a face
        frames[k, 40:80, 60:110] = (np.arange(50) + 3 * k) // 5 % 2 * 40 + 60
    outcome = measure("rois", ArraySource(frames))
    assert outcome.attrs["face_by"] == "motion"
    face = proposed_rois(outcome)[0].shape
    assert isinstance(face, Rectangle)
    assert (face.x + face.width / 2, face.y + face.height / 2) == pytest.approx((85, 60), abs=8)


def test_other_weights_are_another_outcome() -> None:
    declared = get_analysis("rois")
    assert declared.more_inputs is not None
    assert [item["role"] for item in declared.more_inputs(declared.params())] == ["weights"]
