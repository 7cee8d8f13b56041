"""What commands and pages show."""

from pathlib import Path

import pytest

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.views import recording_number, time_text
from mystax.errors import RecipeError
from tests.fixtures.sessions import clip, neuroblueprint


def test_times_are_written_as_people_do() -> None:
    assert time_text(1772323200.0) == "2026-03-01T00:00:00Z"
    assert time_text(None) is None


@pytest.mark.parametrize("text", ["r", "r-1", "x1", "", "r1.0", "r\u0661", "1" * 10])
def test_what_is_no_number_of_a_recording_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="P403"):
        recording_number(text)


def test_label_and_number_mean_the_same() -> None:
    assert recording_number("r12") == recording_number("12") == 12


def test_row_sums_frames_and_gathers_codes(any_catalog: Catalog, tmp_path: Path) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk", cameras=("left",))
    clip(file.with_name("sub-001_ses-01_cam-right.mp4"), kind="interlaced")
    any_catalog.ingest(tmp_path / "whisk")
    (row,) = any_catalog.recordings()
    assert (row["label"], row["cameras"], row["n_frames"]) == ("r1", ["left", "right"], 40)
    assert "V112" in row["codes"]
    assert row["analyses"] == []
    assert row["start"] == "2026-01-02T00:00:00Z"


def test_all_about_one_recording_names_the_file_of_a_remark(catalog: Catalog, tmp_path: Path) -> None:
    clip(tmp_path / "w" / "face.mp4", kind="no_index")
    catalog.ingest(tmp_path / "w", pattern="files")
    found = catalog.show("r1")
    (remark,) = [one for one in found["flags"] if one["code"] == "V102"]
    assert (remark["camera"], remark["file"], remark["severity"]) == ("face", "face.mp4", "error")
    assert remark["hint"]
    assert found["cameras"][0]["videos"][0]["n_frames"] is None
