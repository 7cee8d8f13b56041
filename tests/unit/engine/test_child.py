"""The child process of a run, from inside: its events, its wish to stop, its statuses."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from mystax.core.events import Event
from mystax.core.recording import Recording
from mystax.engine.child import CANCELLED, FAILED, ORPHANED, _Channel, serve
from mystax.errors import Cancelled, RoiError
from tests.fixtures.engine_runs import ENVIRONMENT, digest_of, run_folder, toy_job, toy_recipe
from tests.fixtures.engine_toys import make_recording, toy_spec


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[TextIO]:
    """A file that takes the events of a child in this process."""
    with (tmp_path / "events").open("w", encoding="utf-8") as file:
        yield file


def lines_of(stream: TextIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(stream.name).read_text("utf-8").splitlines()]


def test_a_job_is_done_and_every_event_is_a_line(tmp_path: Path, stream: TextIO) -> None:
    serve(toy_job(tmp_path / "child", toy_spec(40)), _Channel(stream))
    events = lines_of(stream)
    assert (events[0]["kind"], events[0]["stage"]) == ("progress", "open")
    assert events[0]["data"]["stall"] >= 60  # opening large files takes long
    assert "outcome" in {event["kind"] for event in events}
    run_folder(tmp_path / "here", make_recording(toy_spec(40)))
    assert digest_of(tmp_path / "child") == digest_of(tmp_path / "here")


def test_the_recording_is_closed_however_the_job_ends(
    tmp_path: Path, stream: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(Recording, "close", lambda recording: closed.append(recording.name))
    with pytest.raises(RoiError):
        serve(toy_job(tmp_path, toy_spec(20), toy_recipe("toyeye")), _Channel(stream))
    assert closed == ["toy"]


def test_a_line_is_written_before_the_wish_to_stop_is_heard(stream: TextIO) -> None:
    channel = _Channel(stream)
    channel.report(Event("note", text="one"))
    channel.stopping.set()
    with pytest.raises(Cancelled):
        channel.report(Event("note", text="two"))
    assert [line["text"] for line in lines_of(stream)] == ["one", "two"]


def child(job: str, *, cancel: bool = False, close: bool = False) -> "subprocess.CompletedProcess[str]":
    """Run a child with a job; say `cancel` to it at once, or close its stdin."""
    command = [sys.executable, "-P", "-m", "mystax.engine.child"]
    process = subprocess.Popen(
        command,
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(job + "\n" + ("cancel\n" if cancel else ""))
    process.stdin.flush()
    if close:
        process.stdin.close()
        process.stdin = None
        process.wait(60)
    assert process.stdout is not None
    out = process.stdout.read()
    status = process.wait(60)
    if process.stdin is not None:
        process.stdin.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    return subprocess.CompletedProcess(command, status, out, err)


def test_a_refusal_is_the_last_line_and_the_status_says_so(tmp_path: Path) -> None:
    found = child(toy_job(tmp_path, toy_spec(20), toy_recipe("toyeye")).to_json())
    assert found.returncode == FAILED
    last = json.loads(found.stdout.splitlines()[-1])
    assert last["kind"] == "error"
    assert (last["data"]["code"], last["data"]["class"]) == ("P402", "RoiError")
    assert "Traceback" not in found.stderr


def test_a_bug_is_told_with_its_traceback_in_the_log(tmp_path: Path) -> None:
    found = child(toy_job(tmp_path, {"n": "many", "seed": 0, "cameras": ["face"]}).to_json())
    assert found.returncode == FAILED
    assert json.loads(found.stdout.splitlines()[-1])["data"]["code"] == "B999"
    assert "Traceback" in found.stderr


def test_a_cancelled_child_has_a_status_of_its_own(tmp_path: Path) -> None:
    found = child(toy_job(tmp_path, toy_spec(3000, delay=0.02), size=16).to_json(), cancel=True)
    assert found.returncode == CANCELLED
    assert not list(tmp_path.glob("*.nc"))


def test_a_child_without_its_parent_leaves_at_once(tmp_path: Path) -> None:
    found = child(toy_job(tmp_path, toy_spec(3000, delay=0.05), size=16).to_json(), close=True)
    assert found.returncode == ORPHANED
    assert not list(tmp_path.glob("*.nc"))


def test_the_gate_opens_when_the_parent_says_so(stream: TextIO) -> None:
    channel = _Channel(stream)
    opened = threading.Thread(target=channel.gate, args=("motion",))
    opened.start()
    while not lines_of(stream):
        opened.join(0.01)
    assert opened.is_alive()
    channel.hear("renew\n")
    opened.join(0.05)
    assert opened.is_alive()
    channel.hear("publish\n")
    opened.join(10)
    assert not opened.is_alive()
    assert lines_of(stream)[0] == Event("ready", "motion", text="motion").as_dict()


def test_a_wish_to_stop_at_the_gate_is_heard(stream: TextIO) -> None:
    channel = _Channel(stream)
    channel.hear("cancel\n")
    with pytest.raises(Cancelled):
        channel.gate("motion")


def test_a_child_on_a_leash_leaves_when_it_hears_nothing(tmp_path: Path) -> None:
    job = toy_job(tmp_path, toy_spec(5000, delay=0.2), leash=1.0)
    code = "from mystax.engine.child import main; import os; os._exit(main())"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **ENVIRONMENT},
        text=True,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(job.to_json() + "\n")
        process.stdin.flush()
        assert process.wait(100) == ORPHANED


def test_a_child_loads_neither_dask_nor_pyarrow_and_leaves_them_to_those_who_want_them() -> None:
    pytest.importorskip("dask", reason='pip install "mystax[cluster]"')
    pytest.importorskip("pyarrow", reason='pip install "mystax[interop]"')
    lines = (
        "import sys",
        "from mystax.engine.child import load_xarray_alone",
        "load_xarray_alone()",
        "import numpy as np, xarray as xr",
        "grey = xr.Dataset({'grey': ('time', np.arange(3.0))}).mean()",
        "assert float(grey['grey']) == 1.0",
        "assert not {'dask', 'pyarrow'} & {name.partition('.')[0] for name in sys.modules}",
        "import dask, pyarrow",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True, env={**os.environ, **ENVIRONMENT})
