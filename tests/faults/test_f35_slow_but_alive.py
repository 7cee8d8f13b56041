"""F35 and F33: a run that was taken for dead wakes up beside its successor: one outcome, the same numbers.

The queue's own leases have tests of their own; this is the lock of a folder, which every run holds.
"""

import contextlib
import signal
import subprocess
import time
from pathlib import Path

import pytest

import mystax
from mystax.core.events import Event
from mystax.engine.places import FolderPlace
from mystax.engine.plan import Request
from mystax.engine.runner import RunOptions, run_plan
from mystax.errors import StoreError
from mystax.io.store import Store
from mystax.synth import faulty_video
from tests.fixtures.commands import finish, start_command, wait_for_work
from tests.fixtures.engine_runs import digest_of, run_folder, toy_recipe
from tests.fixtures.engine_toys import make_recording, toy_spec
from tests.fixtures.faulty_fs import nobody_lives

pytestmark = [pytest.mark.fault(33), pytest.mark.fault(35)]

RECIPE = toy_recipe(n_readings=2, n_works=2)
SIZE = 20


def _late(folder: Path, *, at: int) -> tuple[int, bool]:
    """Run; at event number `at` let a successor do all the work; return events, and whether S504 came."""
    n_events, refused = 0, False

    def report(event: Event) -> None:
        nonlocal n_events
        n_events += 1
        if n_events == at:
            successor = FolderPlace(Store(folder, alive=nobody_lives), scratch="none")
            run_plan(make_recording(toy_spec()), Request(RECIPE), successor, RunOptions(size=SIZE))

    try:
        run_folder(folder, make_recording(toy_spec()), RECIPE, report=report, scratch="none", size=SIZE)
    except StoreError as error:
        refused = error.code == "S504"
        if not refused:
            raise
    return n_events, refused


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.slow)])
def test_a_run_that_wakes_up_beside_its_successor_changes_nothing(step: int, tmp_path: Path) -> None:
    run_folder(tmp_path / "truth", make_recording(toy_spec()), RECIPE)
    n_events, _ = _late(tmp_path / "alone", at=10**6)
    n_refused = 0
    places = range(1, n_events + 1, step)
    for at in places:
        folder = tmp_path / str(at)
        n_refused += _late(folder, at=at)[1]
        assert digest_of(folder) == digest_of(tmp_path / "truth")
        assert not list(folder.rglob("*.part"))
        assert not list(folder.glob(".mystax/work/*/lock"))
        assert [path.name for path in folder.glob("*.nc")] == ["toy.nc"]
    assert n_refused >= len(places) - 4
    assert n_refused > 0


@pytest.mark.slow
def test_commands_on_one_video_at_the_same_time_make_one_outcome(tmp_path: Path) -> None:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=300, size=(160, 120))
    words = ("run", "face.mp4", "--analyses", "motion", "--no-report", "--json")
    runs = [start_command(*words, cwd=tmp_path) for _ in range(4)]
    ended = [finish(run) for run in runs]
    assert 0 in {run.status for run in ended}
    for run in ended:
        assert run.status == 0 or run.codes == ["S504"], run.err
    truth = mystax.run(tmp_path / "face.mp4", analyses=["motion"], out=tmp_path / "truth", report=False)
    found = mystax.run(tmp_path / "face.mp4", analyses=["motion"], report=False)
    assert found["motion"].attrs["content_sha256"] == truth["motion"].attrs["content_sha256"]
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.slow
def test_a_stopped_process_keeps_its_work(tmp_path: Path) -> None:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=8000, size=(160, 120))
    words = ("run", "face.mp4", "--analyses", "motion", "--no-report", "--json")
    first = start_command(*words, cwd=tmp_path)
    wait_for_work(tmp_path / "face.mystax", first)
    with contextlib.ExitStack() as last:
        last.callback(first.send_signal, signal.SIGCONT)
        first.send_signal(signal.SIGSTOP)
        second = finish(start_command(*words, cwd=tmp_path))
        assert second.codes == ["S504"]  # the process is there: nobody may take its work
        time.sleep(2)  # the other side of a stopped process is time itself
    ended = finish(first)
    assert isinstance(first, subprocess.Popen)
    assert ended.status == 0, ended.err
    assert [path.name for path in (tmp_path / "face.mystax").glob("*.nc")] == ["motion.nc"]
