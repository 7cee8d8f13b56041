"""Every byte of files, here and as the work of a child."""

import hashlib
from pathlib import Path

import pytest

from mystax.core.events import Event
from mystax.engine.file_sums import FileSum, sum_files, sum_of_file
from mystax.engine.jobs import Job
from mystax.errors import Cancelled, CatalogError
from tests.fixtures.engine_runs import StopAt


def file_of(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(name.encode())
    return path


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def job_of(folder: Path) -> Job:
    for name in ("a.mp4", "b.mp4", "motion.nc"):
        file_of(folder, name)
    arguments = {
        "roots": [["nas", "*", str(folder)]],
        "videos": [[3, "nas", "a.mp4"], [4, "nas", "b.mp4"], [5, "nas", "gone.mp4"]],
        "outcomes": [[7, str(folder / "motion.nc")]],
    }
    return Job({}, {}, str(folder), task="mystax.engine.file_sums:sum_files", arguments=arguments)


def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = file_of(tmp_path, "a.mp4")
    assert sum_of_file(path) == FileSum(str(path), digest("a.mp4"))
    assert sum_of_file(tmp_path / "gone.mp4") == FileSum(str(tmp_path / "gone.mp4"), is_missing=True)


def test_a_disk_that_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("mystax.engine.file_sums.file_digest", refuse)
    found = sum_of_file(file_of(tmp_path, "a.mp4"))
    assert (found.digest, found.error, found.is_missing) == ("", "Input/output error", False)


def test_all_sums_come_as_one_result(tmp_path: Path) -> None:
    events: list[Event] = []
    sum_files(job_of(tmp_path), events.append, None)
    result = events[-1]
    assert result.kind == "result"
    found = {
        row: FileSum(**one)
        for kind in ("videos", "outcomes")
        for row, one in result.data[kind].items()  # type: ignore[attr-defined] # plain values
    }
    assert [found[row].digest for row in ("3", "4", "7")] == [
        digest(name) for name in ("a.mp4", "b.mp4", "motion.nc")
    ]
    assert found["5"].is_missing


def test_it_stops_between_two_files(tmp_path: Path) -> None:
    stop = StopAt(1)
    with pytest.raises(Cancelled):
        sum_files(job_of(tmp_path), stop, None)
    assert [event.kind for event in stop.events] == ["progress", "progress"]


def test_a_root_that_is_away_on_this_host_is_told(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    away = Job({}, {}, str(tmp_path), arguments={**job.arguments, "roots": [["nas", "no-such-host", "/"]]})
    with pytest.raises(CatalogError, match="Q606"):
        sum_files(away, lambda _: None, None)
