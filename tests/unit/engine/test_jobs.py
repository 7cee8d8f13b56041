"""Jobs: everything survives the way to a child and back."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.clock import Clock
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.recording import Camera, Recording
from mystax.engine.jobs import Job, open_job
from mystax.engine.plan import Request
from mystax.engine.recipe import recipe_from
from mystax.engine.recording_specs import spec_of_recording
from mystax.io.video import Video
from mystax.io.video_files import clock_from_values, clock_values, thread_count
from mystax.synth import faulty_video
from tests.fixtures.engine_runs import toy_job
from tests.fixtures.engine_toys import make_recording, toy_spec

ROIS = (
    Roi("eye", "pupil", Ellipse(10.5, 9.0, 4.25, 3.0, 0.0), "face", scale=(0.01, 0.01)),
    Roi("pad", "motion", Rectangle(0, 0, 20, 20), "face"),
)


def test_job_survives_json() -> None:
    recipe = recipe_from("standard", parameters={"motion": {"bin": 8}})
    request = Request(recipe, ROIS, propose=True, force=True)
    skip = {"face": ((3, 9), (40, 41))}
    job = Job.of_request(request, {"name": "r"}, Path("a b"), cores=3, skip=skip, careful={"face": 7}, size=5)
    again = Job.from_json(job.to_json())
    assert again.request == request
    assert again.options == job.options
    assert again.folder == "a b"


def test_no_regions_given_is_not_the_same_as_no_regions() -> None:
    for rois in (None, ()):
        job = Job.of_request(Request(recipe_from("quick"), rois), {}, Path("x"))
        assert Job.from_json(job.to_json()).request.rois == rois


def test_job_is_one_line() -> None:
    job = toy_job(Path("with\nbreak"), toy_spec())
    assert "\n" not in job.to_json()


def test_every_further_attempt_is_counted() -> None:
    job = toy_job(Path("x"), toy_spec())
    assert [job.attempt, job.again().attempt, job.again(size=3).again().attempt] == [1, 2, 3]


def test_recording_is_opened_by_the_named_function() -> None:
    recording = open_job(toy_job(Path("x"), toy_spec(12, cameras=["left", "right"])))
    assert [camera.video.n_frames for camera in recording.cameras.values()] == [12, 12]


@pytest.mark.parametrize("cores", [1, 3])
def test_videos_are_decoded_with_no_more_threads_than_the_job_has_cores(cores: int, tmp_path: Path) -> None:
    path = tmp_path / "face.mp4"
    faulty_video(path, "clean", n_frames=5, size=(64, 48))
    spec = {"paths": {"face": [str(path)]}, "name": "r", "reference": "face"}
    recording = open_job(Job(spec, {}, str(tmp_path), cores=cores))
    source = recording.video("face")
    assert isinstance(source, Video)
    assert source.spec()["threads"] == min(cores, thread_count("auto"))
    recording.close()


def test_frames_in_memory_cannot_be_sent() -> None:
    assert spec_of_recording(make_recording(toy_spec())) is None


def test_cameras_exchanged_after_opening_cannot_be_sent() -> None:
    video = make_recording(toy_spec()).video()
    request = {"paths": {"face": ["a.mp4"]}, "damage": "mark"}
    kept = Recording("r", {"face": Camera("face", video, ("a.mp4",))}, request=request)
    other = Recording("r", {"face": Camera("face", video, ("b.mp4",))}, request=request)
    assert spec_of_recording(kept) == {**request, "name": "r", "reference": "face"}
    assert spec_of_recording(other) is None


@settings(max_examples=30)
@given(
    steps=st.lists(st.integers(1, 10**6), min_size=1, max_size=20),
    tick=st.fractions(Fraction(1, 10**9), Fraction(1)),
    start=st.fractions(-1000, 1000),
    constant=st.booleans(),
)
def test_clock_survives_exactly(steps: list[int], tick: Fraction, start: Fraction, constant: bool) -> None:
    if tick == 0:
        return
    clock = Clock(np.cumsum(np.array(steps, np.int64)), tick, start, "csv", tick if constant else None)
    again = clock_from_values(clock_values(clock))
    np.testing.assert_array_equal(again.ticks, clock.ticks)
    assert (again.tick, again.start, again.source, again.period) == (tick, start, "csv", clock.period)


def test_unknown_opener_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError):
        open_job(Job({}, {"analysis": []}, "x", opener="no_such_module:f"))
