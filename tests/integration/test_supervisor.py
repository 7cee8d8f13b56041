"""The parent of a run: one thread per library, errors, log, memory, stop, retries."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mystax.core.events import Event
from mystax.engine.nursery import close_nursery, nursery_here
from mystax.engine.signals import Stop
from mystax.engine.supervisor import ONE_THREAD, Limits, child_environment, supervise
from mystax.errors import Cancelled, InternalError, PoisonJob, RoiError, VideoError
from tests.fixtures.engine_runs import ENVIRONMENT, digest_of, run_folder, toy_job, toy_recipe
from tests.fixtures.engine_toys import make_recording, toy_spec


def _events(kind: str, events: list[Event]) -> list[Event]:
    return [event for event in events if event.kind == kind]


def _deadly(folder: Path, how: str, times: int, **more: Any) -> dict[str, Any]:
    return toy_spec(at=40, how=how, times=times, marks=str(folder), **more)


BOTH = pytest.mark.parametrize("has_nursery", [False, True], ids=["alone", "nursery"])
"""Whether children are forked where everything is loaded already."""
SAME = {**ENVIRONMENT, "PYTEST_CURRENT_TEST": "", "DISPLAY": ""}
"""Of all children of the one nursery, which has none with other variables."""
FORKED: dict[str, Any] = {"environment": SAME, "has_nursery": True}


@pytest.fixture(scope="module", autouse=True)
def _nursery() -> Iterator[None]:
    """One nursery for all tests here."""
    close_nursery()
    yield
    is_of_use = nursery_here(child_environment(SAME)) is not None
    close_nursery()
    assert is_of_use, "children were started one by one"


@BOTH
def test_a_child_gives_the_same_bits_as_this_process(tmp_path: Path, has_nursery: bool) -> None:
    supervise(toy_job(tmp_path / "child", toy_spec()), environment=SAME, has_nursery=has_nursery)
    run_folder(tmp_path / "here", make_recording(toy_spec()))
    assert digest_of(tmp_path / "child") == digest_of(tmp_path / "here")


@BOTH
def test_every_library_has_one_thread(tmp_path: Path, has_nursery: bool) -> None:
    opener = "tests.fixtures.engine_toys:open_environment"
    job = toy_job(tmp_path / "out", {"file": str(tmp_path / "seen")}).again(opener=opener)
    supervise(job, environment=SAME, has_nursery=has_nursery)
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().splitlines())
    assert {name: seen.get(name) for name in ONE_THREAD} == dict.fromkeys(ONE_THREAD, "1")
    assert seen["PYTHONFAULTHANDLER"] == "1"


def test_what_a_child_prints_does_not_disturb_the_events(tmp_path: Path) -> None:
    job = toy_job(tmp_path / "out", toy_spec(text="{not json}\n" * 3))
    supervise(job, **FORKED)
    assert digest_of(tmp_path / "out")


def test_refusals_come_back_as_themselves(tmp_path: Path) -> None:
    job = toy_job(tmp_path / "out", toy_spec(), toy_recipe("toyeye"))
    with pytest.raises(RoiError, match="no region of kind 'pupil'") as error:
        supervise(job, **FORKED)
    assert error.value.code == "P402"
    assert "draw one" in error.value.hint


def test_a_bug_names_its_log(tmp_path: Path) -> None:
    job = toy_job(tmp_path / "out", {"n": "no number", "seed": 0, "cameras": ["face"]})
    with pytest.raises(InternalError, match="B999") as error:
        supervise(job, **FORKED)
    log = Path(error.value.hint.rsplit(" ", 1)[1])
    assert "Traceback" in log.read_text()
    log.unlink()


def test_errors_that_may_pass_are_tried_again(tmp_path: Path) -> None:
    events: list[Event] = []
    waited: list[float] = []
    job = toy_job(tmp_path / "out", _deadly(tmp_path, "error:V131", 2))
    supervise(job, report=events.append, sleep=waited.append, **FORKED)
    assert len(_events("note", events)) >= 2
    assert sum(waited) == pytest.approx(6.0)
    run_folder(tmp_path / "here", make_recording(toy_spec()))
    assert digest_of(tmp_path / "out") == digest_of(tmp_path / "here")


@pytest.mark.slow
def test_after_five_retries_the_error_stands(tmp_path: Path) -> None:
    waited: list[float] = []
    job = toy_job(tmp_path / "out", _deadly(tmp_path, "error:V131", 99))
    with pytest.raises(VideoError, match="V131"):
        supervise(job, environment=ENVIRONMENT, sleep=waited.append)
    assert sum(waited) == pytest.approx(62.0)


def test_errors_that_stay_are_not_tried_again(tmp_path: Path) -> None:
    job = toy_job(tmp_path / "out", _deadly(tmp_path, "error:V104", 99))
    with pytest.raises(VideoError, match="V104"):
        supervise(job, sleep=_never, **FORKED)
    assert len(list(tmp_path.glob("death-*"))) == 1


def _never(seconds: float) -> None:
    raise AssertionError(f"waited {seconds} s")


@BOTH
def test_too_much_memory_is_stopped_and_counted(tmp_path: Path, has_nursery: bool) -> None:
    job = toy_job(tmp_path / "out", _deadly(tmp_path, "memory", 99))
    with pytest.raises(PoisonJob, match=r"Q602.*memory"):
        supervise(job, environment=SAME, limits=Limits(memory=350 << 20), has_nursery=has_nursery)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_callback_may_stop_the_work(tmp_path: Path, number: signal.Signals) -> None:
    def report(event: Event) -> None:
        if event.stage == "reading 1":
            raise Cancelled("run", number)

    job = toy_job(tmp_path / "out", toy_spec(2000, delay=0.02), size=16)
    with pytest.raises(Cancelled) as error:
        supervise(job, report=report, environment=ENVIRONMENT)
    assert error.value.signal == number
    assert list((tmp_path / "out" / ".mystax" / "work").glob("*/checkpoint-*.npz"))


def test_a_child_that_does_not_listen_is_killed_after_the_grace(tmp_path: Path) -> None:
    stop = Stop()

    def report(event: Event) -> None:
        if event.stage == "reading 1":
            stop.signal = signal.SIGINT

    job = toy_job(tmp_path / "out", _deadly(tmp_path, "SIGSTOP", 99))
    with pytest.raises(Cancelled):
        supervise(job, report=report, environment=ENVIRONMENT, limits=Limits(grace=0.3), stop=stop)


def test_no_child_is_left_behind_when_the_callback_fails(tmp_path: Path) -> None:
    def report(event: Event) -> None:
        if event.stage == "reading 1":
            raise ZeroDivisionError

    job = toy_job(tmp_path / "out", toy_spec(5000, delay=0.05), size=16)
    with pytest.raises(ZeroDivisionError):
        supervise(job, report=report, environment=ENVIRONMENT)
    assert not [pid for pid in _children() if _is_child_of_a_run(pid)]


def _children() -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(os.getpid()).children()]


def _is_child_of_a_run(pid: int) -> bool:
    import psutil

    try:
        return "mystax.engine.child" in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


@pytest.mark.slow
def test_deaths_are_counted_across_supervisors(tmp_path: Path) -> None:
    restarts: list[Event] = []

    def lose_the_worker(event: Event) -> None:
        if event.kind == "warning" and event.stage == "restart":
            restarts.append(event)
            if len(restarts) == 2:
                raise ZeroDivisionError

    job = toy_job(tmp_path / "out", _deadly(tmp_path, "SIGKILL", 99))
    with pytest.raises(ZeroDivisionError):
        supervise(job, report=lose_the_worker, environment=ENVIRONMENT)
    (kept,) = (tmp_path / "out").rglob("deaths.json")
    events: list[Event] = []
    supervise(job, report=events.append, environment=ENVIRONMENT)
    assert [event.text for event in _events("warning", events)] == [
        "frames 32 to 47 of camera 'face' are left out"
    ]
    # The second supervisor's first child does not know of the deaths yet: it may die once more on its own.
    assert len(list(tmp_path.glob("death-*"))) in {3, 4}
    assert not kept.exists()
