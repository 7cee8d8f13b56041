"""Scripts of behaviour: functions of time, with the rates and sizes they promise."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.synth.head_parts import Expression
from mystax.synth.head_script import ACTS, HeadScript, express, pose_at

TIMES = np.arange(6000) / 200


def test_a_script_does_not_depend_on_rate_or_part_of_the_time() -> None:
    whole, part = HeadScript(3).traces(TIMES), HeadScript(3).traces(TIMES[2000:4000:3])
    for name in ("whisk", "sniff", "jaw", "tongue", "lids", "pupil", "gaze", "paw", "turn", "shift"):
        np.testing.assert_allclose(
            getattr(part, name), getattr(whole, name)[2000:4000:3], atol=1e-9, err_msg=name
        )


def test_seeds_give_other_behaviour() -> None:
    assert np.abs(HeadScript(3).traces(TIMES).whisk - HeadScript(4).traces(TIMES).whisk).max() > 0.2


def test_a_motionless_animal_does_not_move() -> None:
    traces = HeadScript.motionless(3).traces(TIMES)
    for name in ("whisk", "sniff", "jaw", "tongue", "gaze", "turn", "shift"):
        assert not getattr(traces, name).any(), name
    assert (traces.lids == 1).all()
    assert np.ptp(traces.pupil) == 0
    assert np.isnan(traces.paw).all()


@pytest.mark.parametrize("act", ACTS)
def test_each_act_moves_its_own_traces_only(act: str) -> None:
    moved = {
        "whisk": {"whisk"},
        "sniff": {"sniff"},
        "lick": {"tongue", "jaw"},
        "blink": {"lids"},
        "gaze": {"gaze"},
        "pupil": {"pupil"},
        "chew": {"jaw"},
        "groom": {"paw"},
        "posture": {"turn", "shift"},
    }
    still, traces = HeadScript.motionless(5).traces(TIMES), HeadScript(5, acts=(act,)).traces(TIMES)
    found = {
        name
        for name in ("whisk", "sniff", "jaw", "tongue", "lids", "pupil", "gaze", "paw", "turn", "shift")
        if not np.array_equal(getattr(traces, name), getattr(still, name), equal_nan=True)
    }
    assert found == moved[act]


def test_whisking_has_the_asked_rate() -> None:
    script = HeadScript(2, acts=("whisk",), whisk_rate=(20.0, 20.0), whisk_bouts=(3.0, 3.0))
    trace = script.traces(TIMES).whisk
    spectrum = np.abs(np.fft.rfft(trace - trace.mean()))
    frequency = np.fft.rfftfreq(len(TIMES), 1 / 200)
    fast = frequency > 2
    assert frequency[fast][spectrum[fast].argmax()] == pytest.approx(20, abs=0.6)


def test_blinks_last_as_long_as_they_should() -> None:
    script = HeadScript(1, blink_gap=(3.0, 4.0))
    start, length = script.blinks(60.0)
    assert 14 < len(start) < 22
    assert (length >= 0.1).all()
    assert (length <= 0.3).all()
    middle = script.traces(start + length / 2).lids
    np.testing.assert_allclose(middle, 0, atol=1e-9)
    np.testing.assert_allclose(script.traces(start + length + 0.01).lids, 1)


def test_the_tongue_is_out_for_fifty_to_eighty_milliseconds() -> None:
    times = np.arange(60_000) / 1000
    out = HeadScript(4, acts=("lick",)).traces(times).tongue > 0
    edges = np.diff(np.concatenate([[0], out.astype(int), [0]]))
    lengths = (np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)) / 1000
    assert len(lengths) > 10
    assert lengths.min() > 0.045
    assert lengths.max() < 0.085


def test_the_mouth_opens_for_the_tongue() -> None:
    traces = HeadScript(4, acts=("lick",)).traces(TIMES)
    out = traces.tongue > 0.15
    assert out.any()
    assert (traces.jaw[out] > 0.2).all()


def test_pupils_change_slowly() -> None:
    trace = HeadScript(6, acts=("pupil",)).traces(np.arange(6000) / 20).pupil
    spectrum = np.abs(np.fft.rfft(trace - trace.mean())) ** 2
    frequency = np.fft.rfftfreq(len(trace), 1 / 20)
    assert spectrum[frequency < 0.3].sum() > 0.99 * spectrum.sum()


def test_eyes_jump_and_rest() -> None:
    gaze = HeadScript(7, acts=("gaze",)).traces(np.arange(20_000) / 1000).gaze
    speed = np.linalg.norm(np.diff(gaze, axis=0), axis=1) * 1000
    assert np.median(speed) < 0.01
    assert speed.max() > 2


def test_expressions_are_the_rest_plus_the_script() -> None:
    rest = Expression(whisk=0.1, jaw=0.02, nose_shift=(0.01, 0.0, 0.02))
    traces = HeadScript(3).traces(TIMES[:400])
    moved = express(rest, traces, 123, 1)
    assert moved.whisk == pytest.approx(0.1 + traces.whisk[123])
    assert moved.jaw == pytest.approx(0.02 + traces.jaw[123])
    assert moved.nose_shift[2] == pytest.approx(0.02 + traces.sniff[123])


def test_paws_are_mirrored_for_a_camera_on_the_right() -> None:
    script = HeadScript(3, acts=("groom",))
    traces = script.traces(np.arange(8000) / 100)
    k = int(np.flatnonzero(np.isfinite(traces.paw[:, 0]))[0])
    left, right = express(Expression(), traces, k, 1).paw, express(Expression(), traces, k, -1).paw
    assert left is not None
    assert right is not None
    assert (left[0], -left[1], left[2]) == right


def test_poses_are_rotations_about_a_place_behind_the_head() -> None:
    traces = HeadScript(3, acts=("posture",), posture_shift=0.0).traces(TIMES)
    pose = pose_at(traces, 777, 12.0)
    np.testing.assert_allclose(pose.rotation @ pose.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(pose.rotation) == pytest.approx(1)
    pivot = np.array([1.6, 0.0, -0.2]) * 12
    np.testing.assert_allclose(pose.rotation @ pivot + pose.translation, pivot, atol=1e-9)


def test_times_are_kept_with_one_frame() -> None:
    one = HeadScript(3).traces(TIMES).at(50)
    assert one.times.tolist() == [0.25]
    np.testing.assert_allclose(one.whisk, HeadScript(3).traces(TIMES).whisk[50:51])
    assert replace(HeadScript(3), acts=()).traces(TIMES[:1]).whisk.tolist() == [0.0]
