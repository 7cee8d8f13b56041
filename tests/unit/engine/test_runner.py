"""The run of a plan: regions first, one pass, publication; dying decoders and files that change."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.core.events import Event
from mystax.core.geometry import Rectangle, Roi
from mystax.core.quality import flags_from_json
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.engine.places import MemoryPlace
from mystax.engine.plan import Request
from mystax.engine.recipe import Recipe, Step
from mystax.engine.runner import RunOptions, run_plan
from mystax.errors import FormatError, RoiError, VideoError
from mystax.io.outcomes import Outcomes, load
from mystax.synth.scene import Scene
from tests.fixtures.engine_runs import StopAt, digest_of, run_folder, toy_recipe, without_pose
from tests.fixtures.engine_toys import frames_of, make_recording, toy_spec

N = 96
SMALL: dict[str, dict[str, object]] = {"svd": {"n_components": 3, "bin": 8}}


def run_in_memory(recording: Recording, recipe: Recipe, **more: Any) -> tuple[dict[str, Any], list[Event]]:
    place, events = MemoryPlace(), list[Event]()
    request = Request(recipe, more.pop("rois", None))
    run_plan(recording, request, place, RunOptions(**more), events.append)
    return place.outcomes, events


def grey_of(outcome: Any) -> np.ndarray:
    return np.asarray(outcome["grey"].values[:, 0])


def test_frames_at_which_the_decoder_dies_are_left_out_and_told() -> None:
    outcomes, _ = run_in_memory(
        make_recording(toy_spec(N)), toy_recipe(), skip={"face": ((10, 20), (40, 41))}
    )
    outcome = outcomes["toy"]
    missing = np.flatnonzero(outcome["missing"].values)
    assert missing.tolist() == [*range(10, 20), 40]
    assert np.isnan(grey_of(outcome)[missing]).all()
    good = np.setdiff1d(np.arange(N), missing)
    np.testing.assert_allclose(grey_of(outcome)[good], frames_of(0, N)[good].mean((1, 2)), rtol=1e-6)
    assert outcome.attrs["coverage"] == pytest.approx(1 - 11 / N)
    flags = flags_from_json(outcome.attrs["quality"])
    assert [(flag.code, flag.n_frames) for flag in flags] == [("V107", 10), ("V107", 1)]


@pytest.mark.parametrize("first", [0, 17, 90])
def test_careful_reading_changes_nothing(first: int) -> None:
    whole, _ = run_in_memory(make_recording(toy_spec(N)), toy_recipe())
    careful, events = run_in_memory(
        make_recording(toy_spec(N)), toy_recipe(), careful={"face": first}, size=50
    )
    np.testing.assert_array_equal(grey_of(careful["toy"]), grey_of(whole["toy"]))
    assert careful["toy"].attrs["key"] == whole["toy"].attrs["key"]
    pieces: list[Any] = [event.data["piece"] for event in events if "piece" in event.data]
    assert {start % 16 for start, _ in pieces} == {0}


def test_what_is_left_out_in_one_camera_leaves_the_other_alone() -> None:
    spec = toy_spec(N, cameras=["left", "right"])
    outcomes, _ = run_in_memory(make_recording(spec), toy_recipe(), skip={"left": ((0, 32),)})
    assert np.isnan(grey_of(outcomes["toy/left"])[:32]).all()
    assert np.isfinite(grey_of(outcomes["toy/right"])).all()
    assert outcomes["toy/right"].attrs["coverage"] == pytest.approx(1 - 32 / (2 * N))


def scene_recording() -> Recording:
    scene = Scene(seed=2, n_frames=80, cameras=("left",))
    frames = np.concatenate([chunk.codes for chunk in scene.source("left").chunks()])
    return Recording("mouse", {"face": Camera("face", ArraySource(frames, Fraction(30)))})


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which regions were proposed and measured."""
    folder = tmp_path_factory.mktemp("proposed")
    run_folder(folder, scene_recording(), without_pose(SMALL))
    return folder


def test_regions_are_proposed_first_and_measured_then(proposed: Path) -> None:
    outcomes = Outcomes.of_folder(proposed)
    assert outcomes["rois"]["roi"].values.tolist() == ["face", "eye", "lid"]
    assert outcomes["motion"]["roi"].values.tolist() == ["frame", "face"]
    assert outcomes["pupil"]["roi"].values.tolist() == ["eye"]
    assert outcomes["blink"]["roi"].values.tolist() == ["lid"]
    assert "running" not in outcomes


@pytest.mark.slow
def test_memory_and_folder_propose_and_measure_the_same(proposed: Path) -> None:
    outcomes, events = run_in_memory(scene_recording(), without_pose(SMALL))
    there = Outcomes.of_folder(proposed)
    assert set(outcomes) == set(there)
    for name in ("energy", "brightness"):
        np.testing.assert_array_equal(outcomes["motion"][name].values, there["motion"][name].values)
    np.testing.assert_array_equal(outcomes["pupil"]["area"].values, there["pupil"]["area"].values)
    made = [event.stage for event in events if event.kind == "outcome"]
    assert made[0] == "rois"


def test_proposals_that_are_there_are_not_made_again(proposed: Path) -> None:
    events = StopAt(10**6)
    recipe = without_pose({**SMALL, "motion": {"floor": 10.0}})
    run_folder(proposed, scene_recording(), recipe, report=events)
    made = [event.stage for event in events.events if event.kind == "outcome"]
    assert made == ["motion"]


def test_a_region_that_is_clipped_is_a_remark() -> None:
    roi = Roi("pad", "motion", Rectangle(-8, 0, 24, 24))
    _, events = run_in_memory(make_recording(toy_spec(N)), toy_recipe(), rois=(roi,))
    notes = [event.text for event in events if event.kind == "note"]
    assert len(notes) == 1
    assert "pad" in notes[0]


def test_what_is_asked_for_and_cannot_be_had_is_refused_before_a_frame_is_read() -> None:
    class Unread(ArraySource):
        """Frames that nobody may look at."""

        def chunks(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("frames were read")

    recording = Recording("r", {"face": Camera("face", Unread(frames_of(0, 5)))})
    with pytest.raises(RoiError, match="'toyeye'"):
        run_in_memory(recording, Recipe(analysis=(Step(name="toyeye", required=True),)))


def test_a_file_that_changes_while_it_is_read_is_refused_and_nothing_is_published(tmp_path: Path) -> None:
    file = tmp_path / "face.bin"
    file.write_bytes(b"one")

    class Growing(ArraySource):
        """Frames whose file grows as they are read."""

        identity = ("3-before",)

        def chunks(self, *args: Any, **more: Any) -> Any:
            file.write_bytes(b"another")
            return super().chunks(*args, **more)

    camera = Camera("face", Growing(frames_of(0, 20)), (str(file),))
    with pytest.raises(VideoError, match="changed while it was read") as caught:
        run_folder(tmp_path / "out", Recording("r", {"face": camera}))
    assert (caught.value.code, caught.value.retry) == ("V130", "transient")
    assert caught.value.expected == "3-before"
    assert not list((tmp_path / "out").glob("*.nc"))


def test_a_file_that_went_away_is_refused_too(tmp_path: Path) -> None:
    camera = Camera("face", ArraySource(frames_of(0, 20)), (str(tmp_path / "gone.mp4"),))
    with pytest.raises(VideoError, match="V130") as caught:
        run_folder(tmp_path / "out", Recording("r", {"face": camera}))
    assert caught.value.got == "no file"


def test_facts_of_the_run_stand_in_the_outcome_and_change_no_digest(tmp_path: Path) -> None:
    for k, attempt in enumerate((1, 3)):
        run_folder(tmp_path / str(k), make_recording(toy_spec(N)), attempt=attempt, cores=1 + k)
    first, second = (load(tmp_path / str(k) / "toy.nc").attrs for k in range(2))  # type: ignore[union-attr] # one camera
    assert digest_of(tmp_path / "0") == digest_of(tmp_path / "1")
    assert (first["run_attempt"], second["run_attempt"]) == (1, 3)
    assert first["run_recording"] == "toy"
    assert first["run_n_decoded"] == N
    assert first["run_resumed_at"] == 0
    assert float(first["run_duration"]) > 0


def test_an_analysis_that_does_not_keep_to_its_schema_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fixtures.engine_toys import ToyReducer

    plain = ToyReducer.finish
    monkeypatch.setattr(ToyReducer, "finish", lambda self: plain(self).rename(grey="gray"))
    with pytest.raises(FormatError, match="variable 'grey' is missing"):
        run_in_memory(make_recording(toy_spec(20)), toy_recipe())


def test_every_outcome_is_announced_with_its_coverage_and_flags() -> None:
    _, events = run_in_memory(make_recording(toy_spec(N)), toy_recipe(), skip={"face": ((0, 48),)})
    (made,) = [event for event in events if event.kind == "outcome"]
    assert made.data["analysis"] == "toy"
    assert made.data["coverage"] == pytest.approx(0.5)
    flags: Any = made.data["flags"]
    assert [flag["code"] for flag in flags] == ["V107"]
