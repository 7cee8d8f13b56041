"""Videos of the rendered head: frames on demand that follow their truth."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.core.recording import FrameSource
from mystax.errors import ParameterError
from mystax.synth.head_mesh import KEYPOINTS
from mystax.synth.head_script import HeadScript
from mystax.synth.head_video import HeadVideo, face_camera, render_video

SMALL = face_camera((96, 72))


@pytest.fixture(scope="module")
def video() -> HeadVideo:
    return render_video(HeadScript(2), SMALL, fps=50, seconds=0.4, quick=True)


def test_frames_do_not_depend_on_order_or_workers(video: HeadVideo) -> None:
    again = render_video(HeadScript(2), SMALL, fps=50, seconds=0.4, quick=True, workers=2)
    np.testing.assert_array_equal(again.frames(4, 8), [video.frame(k) for k in (7, 6, 5, 4)][::-1])


def test_frames_have_the_size_of_the_camera_and_follow_the_rate(video: HeadVideo) -> None:
    assert len(video) == 20
    assert video.frame(0).shape == (72, 96)
    np.testing.assert_allclose(np.diff(video.times), 0.02)


def test_the_source_is_a_frame_source_of_the_same_frames(video: HeadVideo) -> None:
    source = video.source
    assert isinstance(source, FrameSource)
    np.testing.assert_array_equal(source.frame_at(3).data[0], video.frame(3))


def test_truth_in_space_projects_onto_truth_in_the_picture(video: HeadVideo) -> None:
    truth = video.truth
    np.testing.assert_allclose(SMALL.project(truth.xyz)[..., :2], truth.xy, atol=1e-6)
    assert np.isfinite(truth.xy[:, KEYPOINTS.index("nose_tip")]).all()


def test_a_motionless_animal_gives_equal_frames_but_for_noise() -> None:
    still = render_video(HeadScript.motionless(), SMALL, fps=50, seconds=0.1, quick=True)
    quiet = replace(still.scene.optics, read=0.0, shot=0.0)
    still.scene = replace(still.scene, optics=quiet)
    np.testing.assert_array_equal(still.frame(0), still.frame(4))
    assert np.ptp(still.truth.xy, axis=0)[:13].max() == 0


def test_noise_differs_between_frames() -> None:
    still = render_video(HeadScript.motionless(), SMALL, fps=50, seconds=0.1, quick=True)
    still.scene = replace(still.scene, optics=replace(still.scene.optics, read=0.03))
    assert (still.frame(0) != still.frame(1)).mean() > 0.3


def test_hairs_move_with_the_skin() -> None:
    script = HeadScript(1, acts=("posture",), posture_turn=0.0, posture_shift=0.4)
    video = render_video(script, face_camera((160, 120)), fps=2, seconds=4)
    video.scene = replace(video.scene, optics=replace(video.scene.optics, read=0.0, shot=0.0))
    cheek = video.truth.xy[:, [0, KEYPOINTS.index("whisker_I")]].mean(axis=1)
    travel = np.hypot(*(cheek - cheek[0]).T)
    k = int(np.argmax((travel > 1.5) * (travel < 12)))
    first, then = video.frame(0).astype(float), video.frame(k).astype(float)

    def patch(picture: np.ndarray, shift: np.ndarray) -> np.ndarray:
        x, y = np.round(cheek[0] + shift).astype(int)
        return picture[y - 9 : y + 10, x - 6 : x + 7]

    def likeness(shift: np.ndarray) -> float:
        return float(np.corrcoef(patch(first, np.zeros(2)).ravel(), patch(then, shift).ravel())[0, 1])

    assert likeness(cheek[k] - cheek[0]) > 0.55
    assert likeness(cheek[k] - cheek[0]) > likeness(np.zeros(2)) + 0.3


def test_a_blink_hides_the_pupil() -> None:
    script = HeadScript(1, acts=("blink",), blink_gap=(0.5, 0.5), blink_time=(0.2, 0.2))
    video = render_video(script, SMALL, fps=50, seconds=2, quick=True)
    lids, pupil = video.truth.traces.lids, KEYPOINTS.index("pupil")
    shut, wide = int(np.argmin(lids)), int(np.argmax(lids))
    assert video.states(shut)[pupil] == 1
    assert video.states(wide)[pupil] == 2


def test_whisking_moves_the_follicles_forward() -> None:
    video = render_video(HeadScript(2, acts=("whisk",)), SMALL, fps=50, seconds=2, quick=True)
    place = video.truth.xyz[:, KEYPOINTS.index("whisker_I"), 0]
    assert np.corrcoef(video.truth.traces.whisk, place)[0, 1] < -0.95


def test_animals_differ() -> None:
    one, other = (render_video(HeadScript(2), SMALL, individual=k, seconds=0.02, quick=True) for k in (1, 2))
    assert (one.frame(0) != other.frame(0)).mean() > 0.5


def test_cameras_may_look_from_the_right() -> None:
    camera = face_camera((96, 72), side=-1)
    truth = render_video(HeadScript(2), camera, seconds=0.02, quick=True).truth
    nose, eye = truth.xy[0, KEYPOINTS.index("nose_tip")], truth.xy[0, 0]
    assert nose[0] < eye[0]
    with pytest.raises(ParameterError):
        face_camera(side=0)


def test_deep_frames_show_the_same_with_finer_greys(video: HeadVideo) -> None:
    deep = render_video(HeadScript(2), SMALL, fps=50, seconds=0.4, quick=True, bits=16)
    fine, coarse = deep.frame(3), video.frame(3)
    assert fine.dtype == np.uint16
    assert np.abs(fine / 257.0 - coarse).max() <= 0.5 + 1e-3
    assert len(np.unique(fine)) > 2 * len(np.unique(coarse))


def test_the_source_of_deep_frames_tells_their_depth(video: HeadVideo) -> None:
    deep = render_video(HeadScript(2), SMALL, fps=50, seconds=0.4, quick=True, bits=12).source
    chunk = deep.frame_at(0)
    assert deep.bits == 12
    assert chunk.data.dtype == np.uint16
    assert chunk.data.max() <= 4095
    assert deep.identity != video.source.identity
