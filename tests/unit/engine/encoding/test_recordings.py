"""Whose recordings they are, and the summary that is kept."""

import csv
from pathlib import Path

import pytest

import mystax
from mystax.engine.encoding.recordings import keep_summary, read_individuals
from mystax.errors import RecipeError
from tests.unit.analyses.test_encoding_summary import several


def test_individuals_are_read_for_every_recording(tmp_path: Path) -> None:
    table = tmp_path / "individuals.csv"
    table.write_text("recording,individual,note\nday0,m1,x\nday1,m2,\nday9,m3,\n", "utf-8")
    assert read_individuals(table, ["day1", "day0"]) == {"day1": "m2", "day0": "m1"}
    with pytest.raises(RecipeError, match=r"P403.*'day2' has no individual"):
        read_individuals(table, ["day2"])


def test_a_table_without_its_columns_or_no_table_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "individuals.csv"
    table.write_text("name,individual\nday0,m1\n", "utf-8")
    with pytest.raises(RecipeError, match=r"P403.*columns recording, individual"):
        read_individuals(table, ["day0"])
    with pytest.raises(RecipeError, match=r"P403.*cannot be read"):
        read_individuals(tmp_path / "none.csv", ["day0"])


def test_the_summary_is_kept_with_a_table_to_read(tmp_path: Path) -> None:
    made, path = keep_summary(several(3), tmp_path / "all")
    found = mystax.load(path)
    assert bool((found["gain"] == made["gain"]).all())
    with (tmp_path / "all" / "encoding_summary.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 3
    assert float(rows[2]["gain"]) == pytest.approx(0.1, abs=1e-6)
    figures = tmp_path / "all" / "figures"
    assert sorted(file.name for file in figures.iterdir()) == ["encoding_summary.png", "encoding_summary.svg"]
