"""Pictures of rendered faces: repeatable, with exact truth, and varied."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.errors import ParameterError
from mystax.synth.head import KEYPOINTS, Sample, SampleBatch, render_batch, render_image
from mystax.synth.head_parts import Expression
from mystax.synth.head_view import HeadCamera

SIZE = 96


@pytest.fixture(scope="module")
def batch() -> SampleBatch:
    return render_batch(5, 0, 24, size=SIZE)


@pytest.fixture(scope="module")
def sample() -> Sample:
    return render_image(5, 3, size=SIZE)


def by_hand(camera: HeadCamera, points: np.ndarray) -> np.ndarray:
    """Project as the definition says it."""
    there = points @ camera.rotation.T + camera.translation
    x, y = there[:, 0] / there[:, 2], there[:, 1] / there[:, 2]
    square = x**2 + y**2
    bend = 1 + camera.distortion[0] * square + camera.distortion[1] * square**2
    return np.stack(
        [camera.focal * x * bend + camera.centre[0], camera.focal * y * bend + camera.centre[1]], axis=1
    )


def test_two_workers_give_the_same_bytes_as_one() -> None:
    one, two = render_batch(9, 4, 4, size=SIZE), render_batch(9, 4, 4, size=SIZE, workers=2)
    for name in SampleBatch.__dataclass_fields__:
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes(), name


def test_a_picture_does_not_depend_on_its_batch(batch: SampleBatch, sample: Sample) -> None:
    np.testing.assert_array_equal(batch.image[3], sample.image)
    np.testing.assert_array_equal(batch.xy[3], sample.xy)
    np.testing.assert_array_equal(batch.state[3], sample.state)


def test_seeds_and_numbers_give_other_pictures(batch: SampleBatch, sample: Sample) -> None:
    assert (render_image(6, 3, size=SIZE).image != sample.image).mean() > 0.5
    assert (batch.image[0] != batch.image[1]).mean() > 0.5


def test_batches_have_the_promised_arrays(batch: SampleBatch) -> None:
    assert len(batch) == 24
    assert batch.image.shape == (24, SIZE, SIZE)
    assert batch.xy.shape == (24, 22, 2)
    assert batch.state.shape == (24, 22)
    assert [str(a.dtype) for a in (batch.image, batch.xy, batch.state)] == ["uint8", "float32", "uint8"]
    assert len(KEYPOINTS) == len(set(KEYPOINTS)) == 22
    assert set(np.unique(batch.state)) <= {0, 1, 2}


def test_truth_in_space_projects_onto_truth_in_the_picture(batch: SampleBatch) -> None:
    for k in range(len(batch)):
        camera = HeadCamera(
            batch.rotation[k],
            batch.translation[k],
            float(batch.focal[k]),
            (float(batch.centre[k, 0]), float(batch.centre[k, 1])),
            (SIZE, SIZE),
            (float(batch.distortion[k, 0]), float(batch.distortion[k, 1])),
        )
        seen = batch.state[k] > 0
        np.testing.assert_allclose(by_hand(camera, batch.xyz[k][seen]), batch.xy[k][seen], atol=1e-3)


def test_points_that_are_not_absent_lie_in_the_picture(batch: SampleBatch) -> None:
    seen = batch.xy[batch.state > 0]
    assert seen.min() >= -0.5
    assert seen.max() < SIZE - 0.5


def test_parts_that_are_not_there_are_absent(batch: SampleBatch) -> None:
    missing = np.isnan(batch.xy[..., 0])
    assert missing.any()
    assert (batch.state[missing] == 0).all()


def test_at_most_three_main_points_leave_the_picture(batch: SampleBatch) -> None:
    main = batch.xy[:, :13]
    outside = ((main < 0) | (main > SIZE - 1)).any(axis=2)
    assert outside.sum(axis=1).max() <= 3


def test_eye_and_nose_are_as_far_apart_as_the_ranges_say(batch: SampleBatch) -> None:
    eye, nose = batch.xy[:, :4].mean(axis=1), batch.xy[:, KEYPOINTS.index("nose_tip")]
    share = np.hypot(*(eye - nose).T) / SIZE
    assert share.max() < 0.85
    assert np.median(share) == pytest.approx(0.42, abs=0.1)
    assert np.ptp(share) > 0.2


def test_boxes_hold_the_face(batch: SampleBatch) -> None:
    corner, side = batch.box[:, None, :2], batch.box[:, None, 2:]
    inside = (batch.xy[:, :13] >= corner) & (batch.xy[:, :13] <= corner + side)
    assert inside.all()


def test_pupils_lie_between_the_lids(batch: SampleBatch) -> None:
    lids, pupil = batch.lids, batch.pupil
    assert (pupil[:, 2] >= pupil[:, 3]).all()
    away = np.hypot(*(lids[:, :2] - pupil[:, :2]).T)
    assert (away < lids[:, 2] * 1.1).all()


def test_pictures_are_as_varied_as_recordings(batch: SampleBatch) -> None:
    level = batch.image.reshape(24, -1).mean(axis=1)
    contrast = batch.image.reshape(24, -1).std(axis=1)
    assert level.min() < 40
    assert level.max() > 100
    assert contrast.min() > 2
    assert np.ptp(contrast) > 30


def test_shifted_ranges_give_other_pictures(sample: Sample) -> None:
    assert (render_image(5, 3, size=SIZE, ranges="shifted").image != sample.image).mean() > 0.5


def test_unknown_ranges_are_refused() -> None:
    with pytest.raises(ParameterError):
        render_image(1, 1, size=SIZE, ranges="all")


def test_an_expression_may_be_given(sample: Sample) -> None:
    calm = render_image(5, 3, size=SIZE, expression=replace(sample.scene.expression, tongue=0.0, jaw=0.0))
    licking = render_image(5, 3, size=SIZE, expression=Expression(tongue=0.4, jaw=0.35))
    tongue = KEYPOINTS.index("tongue_tip")
    assert np.isnan(calm.xy[tongue, 0])
    assert np.isfinite(licking.xy[tongue]).all()


def test_a_camera_may_be_given(sample: Sample) -> None:
    moved = replace(sample.camera, centre=(sample.camera.centre[0] + 5, sample.camera.centre[1]))
    np.testing.assert_allclose(
        render_image(5, 3, size=SIZE, camera=moved).xy[0], sample.xy[0] + [5, 0], atol=1e-3
    )


def test_the_eye_is_seen_where_the_truth_says(sample: Sample) -> None:
    bright = replace(
        sample.scene.optics, blur=0.0, vignette=(0.0, 0.5, 0.5), read=0.002, shot=0.002, target=0.8
    )
    iris = sample.scene.iris.copy()
    iris[3:5], iris[6:8] = 0.0, 0.0
    made = render_image(5, 3, size=SIZE, optics=bright, iris=iris, distractors=())
    x, y, a, b, angle = made.lids
    v, u = np.mgrid[:SIZE, :SIZE]
    along = (u - x) * np.cos(angle) + (v - y) * np.sin(angle)
    across = -(u - x) * np.sin(angle) + (v - y) * np.cos(angle)
    distance = np.hypot(along / a, across / b)
    inside, around = made.image[distance < 0.6], made.image[(distance > 1.5) & (distance < 2.2)]
    assert inside.mean() < 0.5 * around.mean()


def test_deep_pictures_round_to_the_usual_ones() -> None:
    usual, deep = render_image(3, 1, size=64), render_image(3, 1, size=64, bits=16)
    assert deep.image.dtype == np.uint16
    assert np.abs(deep.image / 257.0 - usual.image).max() <= 0.5 + 1e-3
    np.testing.assert_array_equal(deep.xy, usual.xy)
