"""One timeline for several cameras."""

import re

import numpy as np
import pytest

from mystax.core.recording import ArraySource, Camera, Recording
from mystax.engine.timeline import check_common_time, motion_of, propose_offset, timeline_of
from mystax.errors import ClockError


def _source(times: np.ndarray, seed: int = 0) -> ArraySource:
    """Return frames whose brightness follows one event, with a texture of the camera's own."""
    steps = np.random.default_rng(9).integers(0, 90, 2000)
    texture = np.random.default_rng(seed).integers(0, 60, (8, 8))
    moments = np.rint(times * 30).astype(int)
    return ArraySource((texture[None] + steps[moments][:, None, None]).astype(np.uint8), times=times)


def _camera(name: str, times: np.ndarray, start: float = 0.0, seed: int = 0) -> Camera:
    """Return a camera whose clock is `start` behind the event's."""
    source = _source(times, seed)
    moved = ArraySource(source.chunks().__next__().data, times=times - start)
    return Camera(name, moved if start else source)


def _recording(**cameras: Camera) -> Recording:
    return Recording("day", cameras)


def test_every_frame_finds_its_twin() -> None:
    left, right = np.arange(100) / 30, np.arange(7, 100) / 30
    table = timeline_of(_recording(left=_camera("left", left), right=_camera("right", right)))
    assert table["left"].tolist() == list(range(100))
    assert table["right"].tolist() == [-1] * 7 + list(range(93))


def test_frame_farther_than_half_an_interval_is_no_twin() -> None:
    times = np.arange(50) / 30
    near, far = times + 0.4 / 30, times.copy()
    far[20] += 0.6 / 30
    table = timeline_of(_recording(a=_camera("a", times), b=_camera("b", near), c=_camera("c", far)))
    assert table["b"].tolist() == list(range(50))
    assert table["c"][20] == -1
    assert np.delete(table["c"], 20).tolist() == np.delete(np.arange(50), 20).tolist()


def test_slower_camera_has_a_frame_at_every_second_row() -> None:
    table = timeline_of(_recording(a=_camera("a", np.arange(60) / 30), b=_camera("b", np.arange(30) / 15)))
    assert np.flatnonzero(table["b"] >= 0).tolist() == list(range(0, 60, 2))


def test_faster_camera_gives_its_nearest_frames() -> None:
    table = timeline_of(_recording(a=_camera("a", np.arange(30) / 30), b=_camera("b", np.arange(60) / 60)))
    assert table["b"].tolist() == list(range(0, 60, 2))


def test_reference_may_be_another_camera() -> None:
    cameras = {"a": _camera("a", np.arange(60) / 30), "b": _camera("b", np.arange(30) / 15)}
    table = timeline_of(Recording("day", cameras, "b"))
    assert len(table["a"]) == len(table["b"]) == 30


def _check(first: Camera, second: Camera, settled: list[str], shifted: list[str]) -> None:
    check_common_time({"a": first, "b": second}, "a", settled, shifted)


def test_cameras_of_equal_count_and_rate_start_together() -> None:
    times = np.arange(300) / 30
    _check(_camera("a", times), _camera("b", times[:-1]), [], [])


def test_different_counts_are_refused_with_counts_and_the_offset_found() -> None:
    times = np.arange(300) / 30
    late = _camera("b", times[7:], start=7 / 30, seed=1)
    with pytest.raises(ClockError, match="C201") as caught:
        _check(_camera("a", times), late, [], [])
    assert "300 frames" in caught.value.got
    assert "293 frames" in caught.value.got
    offset = re.search(r"--offset b=(-?[\d.]+)", caught.value.hint)
    assert offset is not None
    assert float(offset.group(1)) == pytest.approx(7 / 30, abs=1 / 30)


def test_different_rates_are_refused() -> None:
    times = np.arange(300) / 30
    with pytest.raises(ClockError, match="C201"):
        _check(_camera("a", times), _camera("b", times * 1.001), [], [])


def test_cameras_that_do_not_move_are_refused_without_an_offset() -> None:
    still = [ArraySource(np.full((n, 4, 4), 9, np.uint8)) for n in (300, 200)]
    with pytest.raises(ClockError, match="C201") as caught:
        _check(Camera("a", still[0]), Camera("b", still[1]), [], [])
    assert "fits best" not in caught.value.hint


def test_clock_or_offset_settles_different_counts() -> None:
    times = np.arange(300) / 30
    pair = _camera("a", times), _camera("b", times[:200])
    _check(*pair, ["a", "b"], [])
    _check(*pair, [], ["b"])
    _check(*pair, [], ["a"])


def test_clock_for_one_camera_only_is_refused() -> None:
    times = np.arange(300) / 30
    with pytest.raises(ClockError, match="'a' has a clock and camera 'b' has none"):
        _check(_camera("a", times), _camera("b", times), ["a"], [])
    with pytest.raises(ClockError, match="'b' has a clock and camera 'a' has none"):
        _check(_camera("a", times), _camera("b", times), ["b"], [])


@pytest.mark.parametrize(
    ("settled", "shifted"),
    [(["a"], ["b"]), (["b"], ["a"]), (["a", "b"], ["a"]), ([], ["a", "b"]), (["a"], ["a", "b"])],
)
def test_a_clock_and_an_offset_go_together_whichever_camera_is_the_reference(
    settled: list[str], shifted: list[str]
) -> None:
    times = np.arange(300) / 30
    _check(_camera("a", times), _camera("b", times[:200]), settled, shifted)


@pytest.mark.parametrize("camera", ["a", "b"])
def test_an_offset_on_top_of_a_clock_does_not_settle_the_other_camera(camera: str) -> None:
    times = np.arange(300) / 30
    with pytest.raises(ClockError, match="C201") as caught:
        _check(_camera("a", times), _camera("b", times), [camera], [camera])
    bare = "b" if camera == "a" else "a"
    assert f"--offset {bare}=SECONDS" in caught.value.hint


def test_clocks_without_common_time_are_refused() -> None:
    times = np.arange(30) / 30
    far = Camera("b", ArraySource(np.zeros((30, 4, 4), np.uint8), times=times + 50))
    with pytest.raises(ClockError, match="nothing in common"):
        _check(_camera("a", times), far, ["a", "b"], [])


def test_offset_is_found_to_the_frame() -> None:
    times = np.arange(400) / 30
    lag = propose_offset(_camera("a", times).video, _camera("b", times[50:], 50 / 30, 1).video)
    assert lag is not None
    assert lag.seconds == pytest.approx(50 / 30, abs=1 / 30)


def test_motion_does_not_depend_on_chunks_and_is_unknown_at_holes() -> None:
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 255, (600, 130, 3), dtype=np.uint8)
    reason = np.zeros(600, np.uint8)
    reason[300] = 1
    motion = motion_of(ArraySource(frames, reason=reason), 1000)
    assert np.flatnonzero(np.isnan(motion)).tolist() == [0, 300, 301]
    thin = frames[:, ::2].astype(float)
    assert motion[512] == pytest.approx(np.abs(thin[512] - thin[511]).mean())
