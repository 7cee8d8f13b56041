"""Overlap of behaviour and neurons: enough, short, none, other units."""

import numpy as np
import pytest

from mystax.core.neural_overlap import find_overlap
from mystax.errors import ClockError

CAMERA = np.arange(0, 1200, 0.02)
FRAMES = np.arange(0, 1200, 1 / 6)


def test_overlap_runs_from_the_later_start_to_the_earlier_stop() -> None:
    found = find_overlap(CAMERA, FRAMES - 20)
    assert found.start == 0.0
    assert found.stop == pytest.approx(1200 - 1 / 6 - 20)
    assert found.flags == ()
    assert "19.7 min" in str(found)
    assert "neurons -20.0" in str(found)


def test_less_than_ten_minutes_are_flagged() -> None:
    found = find_overlap(CAMERA, FRAMES[FRAMES < 300])
    assert [flag.code for flag in found.flags] == ["N310"]
    assert "short: 5.0 min" in found.flags[0].text


@pytest.mark.parametrize("neural", [FRAMES[FRAMES < 120], FRAMES + 5000, FRAMES[:0]])
def test_less_than_three_minutes_are_refused(neural: np.ndarray) -> None:
    with pytest.raises(ClockError, match="C204"):
        find_overlap(CAMERA, neural)


def test_refusal_shows_both_ends() -> None:
    with pytest.raises(ClockError) as refused:
        find_overlap(CAMERA, FRAMES + 5000)
    assert "no time in common" in str(refused.value)
    assert "5000 to 6199" in refused.value.got


@pytest.mark.parametrize(
    ("factor", "unit"),
    [(1e3, "ms"), (1e6, "us"), (1e9, "ns"), (1 / 60, "min"), (1 / 3600, "hours"), (1 / 86400, "days")],
)
@pytest.mark.parametrize("start", [0.0, 2e5])
def test_neurons_in_another_unit_are_found_by_the_ratio_of_spans(
    factor: float, unit: str, start: float
) -> None:
    with pytest.raises(ClockError, match="C206") as refused:
        find_overlap(CAMERA, start + FRAMES * factor)
    assert f"are the times in {unit}?" in refused.value.hint


def test_camera_in_milliseconds_is_found() -> None:
    with pytest.raises(ClockError, match="C206") as refused:
        find_overlap(CAMERA * 1e3, FRAMES)
    assert "times of the behaviour look like ms" in str(refused.value)


def test_an_hour_of_neurons_with_four_minutes_of_video_is_no_slip() -> None:
    long = np.arange(0, 4 * 3600, 0.2)
    assert find_overlap(np.arange(0, 240, 0.02), long).seconds == pytest.approx(240, abs=0.1)


def test_spans_that_differ_by_no_unit_are_no_slip() -> None:
    with pytest.raises(ClockError, match="C204"):
        find_overlap(CAMERA, FRAMES / 300)


@pytest.mark.parametrize(("minutes", "flags"), [(3, 1), (10, 0)])
def test_a_recording_of_just_so_many_minutes_counts_as_that(minutes: int, flags: int) -> None:
    camera = np.arange(minutes * 60 * 50) / 50
    assert len(find_overlap(camera, np.arange(minutes * 60 * 6) / 6).flags) == flags
