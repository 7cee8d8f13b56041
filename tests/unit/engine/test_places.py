"""Folders and memory as places of outcomes: checkpoints in time, locks, cleaning up."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mystax.core.quality import flags_from_json
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.engine.places import FolderKeeper, FolderPlace, MemoryPlace
from mystax.engine.plan import Request, make_plan
from mystax.engine.runner import RunOptions, run_plan
from mystax.engine.scratch import Scratch
from mystax.errors import Cancelled, StoreError
from mystax.io.store import Store
from tests.fixtures.engine_runs import StopAt, digest_of, run_folder, toy_recipe
from tests.fixtures.engine_toys import frames_of, make_recording, toy_spec


class Clock:
    """A clock that moves when it is told to, or by a step at each look."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@contextmanager
def _keeper(folder: Path, clock: Clock) -> Iterator[FolderKeeper]:
    with Store(folder).work(["0" * 64]) as work:
        yield FolderKeeper(work, Scratch(None, "k"), clock)


def test_a_checkpoint_is_due_after_a_minute(tmp_path: Path) -> None:
    clock = Clock()
    with _keeper(tmp_path, clock) as keeper:
        assert not keeper.due()
        clock.now = 60.0
        assert keeper.due()
        keeper.save({"toy/x": np.zeros(3)}, 5)
        assert not keeper.due()


def test_light_states_are_kept_every_minute_however_long_it_takes(tmp_path: Path) -> None:
    clock = Clock(step=10.0)
    with _keeper(tmp_path, clock) as keeper:
        keeper.save({"toy/x": np.zeros(3)}, 5)
        clock.step, clock.now = 0.0, clock.now + 60
        assert keeper.due()


def test_heavy_states_cost_at_most_two_percent(tmp_path: Path) -> None:
    class Heavy(np.ndarray):
        """An array that says it is heavy."""

        nbytes = 300 << 20

    clock = Clock(step=2.0)
    with _keeper(tmp_path, clock) as keeper:
        keeper.save({"toy/x": np.zeros(3).view(Heavy)}, 5)
        clock.step, clock.now = 0.0, clock.now + 99
        assert not keeper.due()
        clock.now += 2
        assert keeper.due()


def test_checkpoints_are_made_in_time(tmp_path: Path) -> None:
    events = StopAt(10**6)
    run_folder(tmp_path, make_recording(toy_spec()), report=events, now=Clock(step=20.0), size=10)
    frames = [event.done for event in events.events if event.kind == "checkpoint"]
    assert len(frames) >= 3
    assert frames == sorted(set(frames))


def test_two_runs_on_one_folder_do_not_meet(tmp_path: Path) -> None:
    recording, request = make_recording(toy_spec()), Request(toy_recipe())
    plan = make_plan(recording, request)
    place = FolderPlace(Store(tmp_path), scratch="none")
    with place.room(plan, plan.wanted), pytest.raises(StoreError, match="S504"):
        run_plan(recording, request, FolderPlace(Store(tmp_path), scratch="none"))


def test_cleaning_up_leaves_another_process_alone(tmp_path: Path) -> None:
    recording, request = make_recording(toy_spec()), Request(toy_recipe())
    plan = make_plan(recording, request)
    place = FolderPlace(Store(tmp_path), scratch="none")
    with place.room(plan, plan.wanted):
        FolderPlace(Store(tmp_path), scratch="none").clear_finished(plan)
        assert list((tmp_path / ".mystax" / "work").glob("*/lock"))


def test_work_of_published_outcomes_is_removed(tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    recipe = toy_recipe(scratch=True)
    with pytest.raises(Cancelled):
        run_folder(tmp_path, make_recording(toy_spec()), recipe, report=StopAt(5), size=20, scratch=str(rows))
    assert list(rows.glob("*.spool"))
    plan = make_plan(make_recording(toy_spec()), Request(recipe))
    FolderPlace(Store(tmp_path), scratch=str(rows)).clear_finished(plan)
    assert not list(rows.glob("*.spool"))
    assert not list((tmp_path / ".mystax" / "work").glob("*"))


def test_folders_are_found_among_any_number_of_outcomes(tmp_path: Path) -> None:
    recording, request = make_recording(toy_spec()), Request(toy_recipe())
    with pytest.raises(Cancelled):
        run_folder(tmp_path, recording, request.recipe, report=StopAt(5), size=20)
    plan = make_plan(recording, request)
    (one,) = plan.outcomes
    more = (replace(one, key=f"{number:064x}") for number in range(60))
    many = replace(plan, outcomes=(one, *more))
    place = FolderPlace(Store(tmp_path), scratch="none")
    with place.room(many, many.outcomes[1:2]) as room:  # the pass that was left makes another outcome
        assert room.outcomes == list(many.outcomes[1:2])
    place.clear_finished(many)
    assert not list((tmp_path / ".mystax" / "work").glob("*"))


def test_pass_that_makes_more_is_taken_up(tmp_path: Path) -> None:
    recording = make_recording(toy_spec())
    both = Request(toy_recipe("toy", "toyjoint"))
    with pytest.raises(Cancelled):
        run_folder(tmp_path, recording, both.recipe, report=StopAt(8), size=20)
    plan = make_plan(recording, both)
    place = FolderPlace(Store(tmp_path), scratch="none")
    with place.room(plan, plan.outcomes[:1]) as room:
        assert room.outcomes == list(plan.outcomes)


def test_equal_passes_into_two_folders_have_their_own_scratch_files(tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    for name in ("one", "two"):
        with pytest.raises(Cancelled):
            run_folder(
                tmp_path / name,
                make_recording(toy_spec()),
                toy_recipe(scratch=True),
                report=StopAt(5),
                size=20,
                scratch=str(rows),
            )
    assert len(list(rows.glob("*.spool"))) == 2


def test_scratch_that_was_lost_starts_the_pass_again(tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    recipe = toy_recipe(scratch=True)
    with pytest.raises(Cancelled):
        run_folder(tmp_path, make_recording(toy_spec()), recipe, report=StopAt(5), size=20, scratch=str(rows))
    for path in rows.glob("*.spool"):
        path.unlink()
    events = StopAt(10**6)
    run_folder(tmp_path, make_recording(toy_spec()), recipe, report=events, scratch=str(rows))
    assert not [event for event in events.events if event.stage == "resume"]
    run_folder(tmp_path / "truth", make_recording(toy_spec()), recipe)
    assert digest_of(tmp_path) == digest_of(tmp_path / "truth")


def test_memory_keeps_one_dataset_per_camera() -> None:
    place = MemoryPlace()
    run_plan(make_recording(toy_spec(20, cameras=["left", "right"])), Request(toy_recipe("toyjoint")), place)
    assert set(place.outcomes) == {"toyjoint/left", "toyjoint/right", "toyjoint/all_cameras"}
    expected = frames_of(0, 20).mean((1, 2)) + frames_of(1, 20).mean((1, 2))
    np.testing.assert_allclose(place.outcomes["toyjoint/all_cameras"]["sum"][:, 0], expected, rtol=1e-6)


def test_remarks_name_their_camera_where_there_are_two() -> None:
    reason = np.zeros(20, np.uint8)
    reason[4] = 1
    sources = {"left": ArraySource(frames_of(0, 20)), "right": ArraySource(frames_of(1, 20), reason=reason)}
    recording = Recording("r", {name: Camera(name, source) for name, source in sources.items()})
    place = MemoryPlace()
    run_plan(recording, Request(toy_recipe()), place, RunOptions())
    attributes = place.outcomes["toy/left"].attrs
    texts = [flag.text for flag in flags_from_json(attributes["quality"])]
    assert texts == ["camera right: 1 frames are missing"]
    assert attributes["coverage"] == pytest.approx(39 / 40)
