"""States as the work of a child: what is told, and that half a fit is never published."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mystax.core.events import Event
from mystax.core.safe_names import safe_name
from mystax.engine.jobs import Job
from mystax.engine.states import queued
from mystax.errors import Cancelled, NumbersError


def job_of(folder: Path, **more: str) -> Job:
    asked = {
        "inputs": ["a/many", "b/many"],
        "names": ["a", "b 1"],
        "parameters": {"n_states": 2, "cores": 1},
        **more,
    }
    return Job({}, {}, str(folder), token="a" * 16, cores=3, arguments=asked)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found: dict[str, Any] = {"complete": True}

    def run_states(inputs: Any, parameters: Any, *, names: Any, model: Any, progress: Any) -> Any:
        found.update(inputs=inputs, parameters=parameters, names=names, model=model)
        progress(Event("progress", "states", 1, 2))
        failed = [NumbersError("N303", "b 1", "nothing is left")]
        return SimpleNamespace(failed=failed, fit=SimpleNamespace(is_complete=found["complete"]))

    def keep_states(done: Any, out: Path, **more: Any) -> None:
        found.update(out=out, **more)

    monkeypatch.setattr(queued, "run_states", run_states)
    monkeypatch.setattr(queued, "keep_states", keep_states)
    return found


def test_folders_are_fitted_together_with_the_cores_of_the_job(tmp_path: Path, calls: dict[str, Any]) -> None:
    events: list[Event] = []
    queued.fit_folders(job_of(tmp_path), events.append, None)
    assert calls["inputs"] == [Path("a/many"), Path("b/many")]
    assert calls["names"] == ["a", "b 1"]
    assert calls["parameters"] == {"n_states": 2, "cores": 3}
    assert calls["model"] is None
    assert calls["out"] == calls["together"] == tmp_path
    assert all(event.data["stall"] == queued.SOLVER for event in events)
    assert [event.data["code"] for event in events if event.kind == "warning"] == ["N303"]


def test_a_model_that_is_there_is_applied(tmp_path: Path, calls: dict[str, Any]) -> None:
    queued.fit_folders(job_of(tmp_path, model="out/all/many/a/states.nc"), lambda _: None, None)
    assert calls["model"] == "out/all/many/a/states.nc"


def test_outcomes_take_their_places_through_the_gate_with_the_token_of_the_job(
    tmp_path: Path, calls: dict[str, Any]
) -> None:
    asked: list[str] = []
    queued.fit_folders(job_of(tmp_path), lambda _: None, asked.append)
    store = calls["store_of"](tmp_path / "a")
    assert (store.folder, store.token) == (tmp_path / "a", "a" * 16)
    store._gate("states")
    assert asked == ["states"]


def test_parts_of_earlier_attempts_are_cleared_away(tmp_path: Path, calls: dict[str, Any]) -> None:
    part = tmp_path / safe_name("b 1") / ".states.fedcba9876543210.nc.part"
    part.parent.mkdir()
    part.touch()
    queued.fit_folders(job_of(tmp_path), lambda _: None, None)
    assert calls["out"] == tmp_path
    assert not part.exists()


def test_a_fit_that_was_stopped_is_not_kept(tmp_path: Path, calls: dict[str, Any]) -> None:
    calls["complete"] = False
    with pytest.raises(Cancelled):
        queued.fit_folders(job_of(tmp_path), lambda _: None, None)
    assert "out" not in calls
