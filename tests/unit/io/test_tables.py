"""Outcomes as CSV and Parquet tables."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from mystax.errors import ParameterError, RecipeError
from mystax.io.recorded import find_recorded
from mystax.io.tables import check_tables, write_tables
from tests.fixtures.exchange_outcomes import KINDS, known_outcome, publish_known

pytestmark = pytest.mark.usefixtures("readers_here")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of outcome, of one camera."""
    return publish_known(tmp_path_factory.mktemp("tables") / "face.mystax", *KINDS)


def rows_of(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8", newline="") as stream:
        head, *rows = csv.reader(stream)
    return head, rows


def test_table_has_one_header_line_and_a_row_per_frame(folder: Path, tmp_path: Path) -> None:
    write_tables(tmp_path, find_recorded([folder]), "csv")
    head, rows = rows_of(tmp_path / "motion.csv")
    assert head[:2] == ["time", "frame"]
    assert {"energy.nose", "energy.left eye"} <= set(head)
    outcome = known_outcome("motion")
    assert len(rows) == 24
    column = [row[head.index("energy.left eye")] for row in rows]
    wanted = outcome["energy"].values[:, 1]
    assert [np.float32(text or "nan") for text in column] == pytest.approx(wanted, nan_ok=True, abs=0)


def test_pandas_reads_every_table_with_one_header_line(folder: Path, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    files = [path for path in write_tables(tmp_path, find_recorded([folder]), "csv") if path.suffix == ".csv"]
    assert {path.name.partition(".")[0] for path in files} == set(KINDS)
    for path in files:
        head, rows = rows_of(path)
        table = pandas.read_csv(path)
        assert (list(table.columns), len(table)) == (head, len(rows)), path.name
        texts = [
            name for name in head if not any(part in str(table[name].dtype) for part in ("int", "float"))
        ]
        for name in set(head) - set(texts):
            numbers = [float(row[head.index(name)] or "nan") for row in rows]
            np.testing.assert_array_equal(table[name].to_numpy(float), numbers)


def test_names_of_columns_are_those_of_the_coordinates(folder: Path, tmp_path: Path) -> None:
    write_tables(tmp_path, find_recorded([folder], ["pose", "svd"]), "csv")
    assert "position.eye_front.x" in rows_of(tmp_path / "pose.csv")[0]
    assert "motion_svd.nose.004" in rows_of(tmp_path / "svd.csv")[0]
    assert (tmp_path / "svd.motion_mask.npy").is_file()


def test_blinks_are_a_table_of_intervals(folder: Path, tmp_path: Path) -> None:
    write_tables(tmp_path, find_recorded([folder], ["blink"]), "csv")
    head, rows = rows_of(tmp_path / "blink.event.csv")
    assert head[:2] == ["start", "stop"]
    assert [float(row[0]) for row in rows] == known_outcome("blink")["event_start"].values.tolist()


def test_missing_numbers_are_empty_cells(folder: Path, tmp_path: Path) -> None:
    write_tables(tmp_path, find_recorded([folder], ["running"]), "csv")
    head, rows = rows_of(tmp_path / "running.csv")
    speed = np.isnan(known_outcome("running")["speed"].values[:, 1])
    assert [not row[head.index("speed.left eye")] for row in rows] == speed.tolist()


def test_text_that_a_spreadsheet_would_run_is_quoted(tmp_path: Path) -> None:
    folder = publish_known(tmp_path / "face.mystax", "blink", roi=["=1+1", "b"])
    write_tables(tmp_path, find_recorded([folder]), "csv")
    head, rows = rows_of(tmp_path / "blink.roi.csv")
    assert [row[head.index("roi")] for row in rows] == ["'=1+1", "b"]


def test_json_beside_the_table_tells_units_and_columns(folder: Path, tmp_path: Path) -> None:
    write_tables(tmp_path, find_recorded([folder], ["pupil"]), "csv")
    about = json.loads((tmp_path / "pupil.json").read_text("utf-8"))["outcomes"][0]
    assert about["cameras"][""]["variables"]["area"]["attributes"]["units"] == "px2"
    assert about["tables"]["pupil.csv"] == rows_of(tmp_path / "pupil.csv")[0]


def test_tables_are_replaced_only_when_asked(folder: Path, tmp_path: Path) -> None:
    recorded = find_recorded([folder], ["running"])
    files = write_tables(tmp_path, recorded, "csv")
    with pytest.raises(RecipeError, match="P403"):
        write_tables(tmp_path, recorded, "csv")
    assert write_tables(tmp_path, recorded, "csv", overwrite=True) == files


def test_unknown_form_is_refused_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match="csv"):
        check_tables("cvs")
