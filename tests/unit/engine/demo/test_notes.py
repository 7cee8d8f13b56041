"""What the demonstration finds in a folder: a report that tells of the outcomes beside it."""

import os
from pathlib import Path

import pytest

from mystax.engine import report as module
from mystax.engine.demo.notes import update_report

HOUR = 3_600_000_000_000


@pytest.mark.parametrize(
    ("outcomes", "current"),
    [
        ({}, True),
        ({"states.nc": 0}, True),
        ({"states.nc": -1, "pose/left.nc": 1}, False),
        ({"a.nc": 1}, False),
    ],
)
def test_a_report_is_written_again_where_an_outcome_is_newer(
    outcomes: dict[str, int], current: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    monkeypatch.setattr(module, "make_report", lambda store: written.append(store.folder))
    report = tmp_path / "report.html"
    report.write_text("page", "utf-8")
    made = report.stat().st_mtime_ns
    for name, hours in outcomes.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(made, made + hours * HOUR))
    update_report(tmp_path)
    assert written == ([] if current else [tmp_path])


def test_a_report_that_is_not_there_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    monkeypatch.setattr(module, "make_report", lambda store: written.append(store.folder))
    update_report(tmp_path)
    assert written == [tmp_path]
