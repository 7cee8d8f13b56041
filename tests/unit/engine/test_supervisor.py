"""Pieces of the parent of a run; the whole of it stands in the integration tests."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mystax.core.events import Event
from mystax.engine.deaths import DeathRecord
from mystax.engine.signals import Stop
from mystax.engine.supervisor import (
    NOT_INHERITED,
    ONE_THREAD,
    Limits,
    _cause,
    _Child,
    _end,
    _kill,
    _patience,
    _resident,
    _take,
    _wait,
    _watch,
    _with_log,
    child_environment,
)
from mystax.errors import Cancelled, InternalError, VideoError
from tests.fixtures.engine_runs import toy_job
from tests.fixtures.engine_toys import toy_spec


def start(program: str) -> _Child:
    """Start a Python program as if it were the child of a run."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return _Child(process)


def finish(child: _Child) -> None:
    _end(child.process, 5)


def lines(*events: Event) -> str:
    """Return a program that sends events."""
    return "".join(f"print({json.dumps(json.dumps(event.as_dict()))}, flush=True);" for event in events)


def test_only_lines_of_json_are_events() -> None:
    child = start('print(\'{"kind": "note"}\'); print(\'{"kind": "cut\'); print(\'Warning: something\')')
    child.listen()
    child.process.wait()
    found = [child.events.get_nowait() for _ in range(child.events.qsize())]
    finish(child)
    assert found == [{"kind": "note"}, None]


def test_telling_a_child_that_is_gone_is_no_error() -> None:
    child = start("pass")
    child.process.wait()
    for _ in range(3):
        child.tell("cancel")
    finish(child)


@pytest.mark.parametrize(
    ("told", "status", "cause"),
    [
        ("memory", -9, "memory"),
        ("", -9, "signal SIGKILL"),
        ("", -11, "signal SIGSEGV"),
        ("", -250, "signal 250"),
        ("", 3, "exit status 3"),
    ],
)
def test_the_cause_of_an_end_is_said_in_words(told: str, status: int, cause: str) -> None:
    child = start("pass")
    child.cause = told
    assert _cause(child, status) == cause
    finish(child)


def test_memory_of_a_process_that_is_gone_is_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    assert _resident(process.pid) == 0


def test_memory_counts_the_children_of_a_child() -> None:
    program = (
        "import subprocess, sys; x = bytearray(60 << 20);"
        "subprocess.run([sys.executable, '-c',"
        " \"y = bytearray(80 << 20); print('there', flush=True); input()\"])"
    )
    child = start(program)
    assert child.process.stdout is not None
    assert child.process.stdout.readline() == "there\n"
    assert _resident(child.process.pid) > 140 << 20
    child.tell("end")
    child.process.wait(10)
    finish(child)


def test_every_library_gets_one_thread_and_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("https_proxy", "http://proxy")
    monkeypatch.setenv("KEPT", "yes")
    found = child_environment({"MORE": "1"})
    assert {found[name] for name in ONE_THREAD} == {"1"}
    assert not {name.upper() for name in found} & set(NOT_INHERITED)
    assert (found["KEPT"], found["MORE"]) == ("yes", "1")


def test_waiting_ends_when_the_user_wants_to_stop() -> None:
    stop, slept = Stop(), list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 5:
            stop.signal = signal.SIGINT

    with pytest.raises(Cancelled):
        _wait(60, stop, sleep)
    assert len(slept) == 5


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.5, 2.0, 3.3])
def test_waiting_takes_as_long_as_it_should(seconds: float) -> None:
    slept: list[float] = []
    _wait(seconds, Stop(), slept.append)
    assert sum(slept) == pytest.approx(seconds)


def test_the_log_of_a_bug_is_named_and_that_of_a_refusal_removed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    bug = _with_log(InternalError("B999", "run", "bug"), log)
    assert str(log) in bug.hint
    assert log.exists()
    _with_log(VideoError("V104", "a"), log)
    assert not log.exists()


@pytest.mark.parametrize("listens", [True, False])
def test_a_child_is_asked_politely_before_it_is_killed(listens: bool) -> None:
    handler = "sys.exit(7)" if listens else "None"
    program = (
        f"import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: {handler});"
        "print('ready', flush=True); time.sleep(30)"
    )
    child = start(program)
    assert child.process.stdout is not None
    child.process.stdout.readline()
    assert _kill(child, "too long", 5.0 if listens else 0.3) == (7 if listens else -signal.SIGKILL)
    assert child.cause == "too long"
    finish(child)


def watch(
    program: str, limits: Limits | None = None, stop: Stop | None = None
) -> tuple[int, _Child, list[Event]]:
    """Listen to a program until it ends."""
    import threading

    child, events = start(program), list[Event]()
    thread = threading.Thread(target=child.listen)
    thread.start()
    deaths = DeathRecord(toy_job(Path("out"), toy_spec()))
    status = _watch(child, limits or Limits(), events.append, stop or Stop(), deaths)
    thread.join(5)
    finish(child)
    return status, child, events


def test_events_are_handed_on_and_places_remembered() -> None:
    told = [
        Event("progress", "reading 1", 5, 10, data={"camera": "face", "frame": 5}),
        Event("checkpoint", "checkpoint", 5, 10),
        Event("note", text="hello"),
    ]
    status, child, events = watch(lines(*told))
    assert status == 0
    assert events == told
    assert (child.stage, child.place["frame"], child.checkpointed) == ("reading 1", 5, True)


def test_an_error_is_kept_and_not_handed_on() -> None:
    record = VideoError("V131", "a.mp4", "the disk").record().as_dict()
    program = f"print({json.dumps(json.dumps({'kind': 'error', 'data': record}))}); import sys; sys.exit(1)"
    status, child, events = watch(program)
    assert (status, events) == (1, [])
    assert child.error is not None
    assert (child.error.code, child.error.retry) == ("V131", "transient")


def test_silence_ends_a_child_and_an_announced_piece_of_work_does_not() -> None:
    started = time.monotonic()
    status, child, _ = watch("import time; time.sleep(60)", Limits(stall=0.6, grace=0.2))
    assert status == -signal.SIGTERM
    assert child.cause == "no sign of life for 0.6 s"
    assert time.monotonic() - started < 20
    program = lines(Event("progress", "svd", data={"stall": 60.0})) + "import time; time.sleep(1.5)"
    assert watch(program, Limits(stall=0.6, grace=0.2))[0] == 0


def test_the_wish_to_stop_is_told_to_the_child() -> None:
    stop = Stop(signal.SIGINT)
    status, _, _ = watch("import sys; sys.exit(75 if sys.stdin.readline() == 'cancel\\n' else 1)", stop=stop)
    assert status == 75


def test_a_child_that_has_done_little_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mystax.engine.supervisor.LEAST_GRACE", 0.5)
    started = time.monotonic()
    program = "import time; time.sleep(60)"
    status, child, _ = watch(program, Limits(grace=50), stop=Stop(signal.SIGINT))
    assert (status, child.cause) == (-signal.SIGKILL, "stopped")
    assert 0.5 <= time.monotonic() - started < 20


@pytest.mark.parametrize(("unsaved", "wanted"), [(0, 2), (16, 2), (32, 3.2), (59, 5), (600, 5)])
def test_patience_is_a_tenth_of_what_would_be_lost(unsaved: float, wanted: float) -> None:
    assert _patience(Limits(), unsaved) == pytest.approx(wanted)
    assert _patience(Limits(grace=0.3), unsaved) == 0.3


def test_a_checkpoint_makes_little_of_what_would_be_lost() -> None:
    child = start("pass")
    child.saved -= 100
    _take(child, Event("checkpoint", "checkpoint", 5, 10).as_dict(), lambda _: None, Stop())
    assert time.monotonic() - child.saved < 50
    finish(child)


def test_a_callback_that_wants_to_stop_is_a_wish() -> None:
    stop = Stop()
    child = start("pass")

    def report(_: Event) -> None:
        raise Cancelled("run", signal.SIGTERM)

    _take(child, Event("note").as_dict(), report, stop)
    assert stop.signal == signal.SIGTERM
    finish(child)
