"""Encodings as the work of a child: where neural data are, and what is put together."""

from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import mystax
from mystax.core.events import Event
from mystax.engine.encoding import queued
from mystax.engine.jobs import Job
from mystax.errors import CatalogError
from mystax.io.outcomes import Outcomes
from tests.unit.analyses.test_encoding_summary import several


def job_of(folder: Path, root: str) -> Job:
    asked = {
        "inputs": [str(folder)],
        "names": ["a"],
        "neural": [[["nas", "*", root]], "nas", "a/activity.npy"],
        "reading": {"clock": "rate:10"},
        "parameters": {"model": "linear", "cores": 1},
    }
    return Job({}, {}, str(folder), token="a" * 16, cores=3, arguments=asked)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def read_neural(path: str, **reading: Any) -> str:
        found.update(path=path, reading=reading)
        return "activity"

    def prepare_encoding(behaviour: str, neural: str, parameters: Any) -> str:
        found.update(behaviour=behaviour, neural=neural, parameters=parameters)
        return "prepared"

    def keep_encoding(store: Any, prepared: str, progress: Any) -> None:
        found.update(store=store, prepared=prepared)
        progress(Event("progress", "encoding", 1, 5))

    monkeypatch.setattr("mystax.io.neural.reading.read_neural", read_neural)
    # first what loads the module that takes the other's name: it must not keep ours
    monkeypatch.setattr("mystax.engine.encoding.encoding.keep_encoding", keep_encoding)
    monkeypatch.setattr("mystax.engine.encoding.prepared.prepare_encoding", prepare_encoding)
    monkeypatch.setattr("mystax.engine.report.make_report", lambda store: found.update(reported=store.folder))
    return found


def test_neural_data_are_found_where_this_host_has_them(tmp_path: Path, calls: dict[str, Any]) -> None:
    events: list[Event] = []
    folder = tmp_path / "out"
    queued.encode_folder(job_of(folder, str(tmp_path)), events.append, None)
    assert calls["path"] == str(tmp_path / "a" / "activity.npy")
    assert calls["reading"] == {"clock": "rate:10"}
    assert calls["parameters"] == {"model": "linear", "cores": 3}
    assert (calls["behaviour"], calls["neural"], calls["prepared"]) == (str(folder), "activity", "prepared")
    assert calls["store"].token == "a" * 16
    assert calls["reported"] == folder
    assert all(event.data["stall"] == queued.FOLD for event in events)


def test_a_root_that_is_away_is_told(tmp_path: Path, calls: dict[str, Any]) -> None:
    with pytest.raises(CatalogError, match="Q606"):
        queued.encode_folder(job_of(tmp_path, str(tmp_path / "away")), lambda _: None, None)
    assert calls == {}


def test_encodings_of_recordings_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = several(3)
    monkeypatch.setattr(Outcomes, "of_folder", lambda folder: {"encoding": made[folder.name]})
    asked = {"inputs": list(made), "names": list(made), "parameters": {}}
    job = Job({}, {}, str(tmp_path / "all"), arguments=asked)
    events: list[Event] = []
    gates: list[str] = []
    queued.summarise_folders(job, events.append, gates.append)
    found = mystax.load(tmp_path / "all" / "encoding_summary.nc")
    assert isinstance(found, xr.Dataset)
    assert found["recording"].values.tolist() == list(made)
    assert gates == ["encoding_summary"]
    assert events[-1].kind == "outcome"
