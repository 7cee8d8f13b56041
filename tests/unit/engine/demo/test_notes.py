"""What the demonstration finds in a folder: whether a report tells of the outcomes beside it."""

import os
from pathlib import Path

import pytest

from mystax.engine.demo.notes import is_current

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
def test_a_report_is_current_unless_an_outcome_is_newer(
    outcomes: dict[str, int], current: bool, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    report.write_text("page", "utf-8")
    made = report.stat().st_mtime_ns
    for name, hours in outcomes.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(made, made + hours * HOUR))
    assert is_current(report) == current


def test_without_a_report_nothing_is_current(tmp_path: Path) -> None:
    assert not is_current(tmp_path / "report.html")
