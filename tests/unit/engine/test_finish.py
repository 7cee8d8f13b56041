"""From reducers to outcomes: coverage, clock reports, remarks, and a reducer that breaks its promise."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mystax.core.quality import Flag
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.engine.finish import claimed_frames
from mystax.engine.places import MemoryPlace
from mystax.engine.plan import Request
from mystax.engine.runner import run_plan
from mystax.errors import FormatError
from tests.fixtures.engine_runs import toy_recipe
from tests.fixtures.engine_toys import ToyReducer, frames_of, make_recording, toy_spec


class Claiming(ArraySource):
    """Frames of which more were promised."""

    n_claimed = 25


def _run(recording: Recording) -> MemoryPlace:
    place = MemoryPlace()
    run_plan(recording, Request(toy_recipe()), place)
    return place


def test_frames_that_were_promised_count_against_the_coverage() -> None:
    source = Claiming(frames_of(0, 20))
    assert claimed_frames(source) == 25
    place = _run(Recording("r", {"face": Camera("face", source)}))
    assert place.outcomes["toy"].attrs["coverage"] == pytest.approx(0.8)


def test_a_header_that_promises_less_does_not_raise_the_coverage() -> None:
    source = Claiming(frames_of(0, 30))
    assert claimed_frames(source) == 30


def test_the_report_of_a_clock_reaches_the_outcome() -> None:
    recording = make_recording(toy_spec(20))
    camera = replace(recording.cameras["face"], clock_report={"policy": "drop_tail", "n_dropped": 2})
    place = _run(Recording("r", {"face": camera}))
    report = json.loads(place.outcomes["toy"].attrs["clock"])
    assert report == {"policy": "drop_tail", "n_dropped": 2}


def test_remarks_on_the_recording_reach_the_outcome() -> None:
    recording = replace(make_recording(toy_spec(20)), flags=(Flag("C208", "the clock is extrapolated"),))
    assert "C208" in _run(recording).outcomes["toy"].attrs["quality"]


def test_a_reducer_that_breaks_its_schema_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    finish = ToyReducer.finish

    def without_grey(self: ToyReducer) -> Any:
        return finish(self).drop_vars("grey")

    monkeypatch.setattr(ToyReducer, "finish", without_grey)
    with pytest.raises(FormatError, match="'grey' is missing"):
        _run(make_recording(toy_spec(20)))


def test_missing_is_the_reason_of_every_frame() -> None:
    reason = np.zeros(20, np.uint8)
    reason[[2, 9]] = 1, 4
    source = ArraySource(frames_of(0, 20), reason=reason)
    dataset = _run(Recording("r", {"face": Camera("face", source)})).outcomes["toy"]
    np.testing.assert_array_equal(dataset["missing"].values, reason)
