"""Tests of `mystax.engine.catalog.side_files`: clocks, neural data and calibrations beside the videos."""

from pathlib import Path

import numpy as np
from sqlalchemy import select

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.tables import camera, side_file
from tests.fixtures.sessions import neuroblueprint


def test_clock_file_gives_the_times_and_is_registered(catalog: Catalog, tmp_path: Path) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    np.save(file.with_name("face_times.npy"), np.arange(20) / 30)
    catalog.ingest(tmp_path / "whisk", clocks={"fa*": "npy:*_times.npy"})
    with catalog.database.read() as connection:
        (row,) = connection.execute(select(camera)).mappings().all()
        (side,) = connection.execute(select(side_file)).mappings().all()
    assert row["clock"]["spec"] == "npy:*_times.npy"
    assert row["clock_report"]["n_frames"] == 20
    assert (side["role"], side["camera_id"], Path(side["path"]).name) == (
        "clock",
        row["id"],
        "face_times.npy",
    )


def test_neural_and_calibration_files_are_found_above_the_videos(catalog: Catalog, tmp_path: Path) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    (file.parents[1] / "ephys").mkdir()
    (file.parents[1] / "ephys" / "spikes.npz").write_bytes(b"x")
    (tmp_path / "whisk" / "calibration.toml").write_text("")
    catalog.ingest(tmp_path / "whisk", neural="ephys/*.npz", calibration="calibration.toml")
    with catalog.database.read() as connection:
        rows = {row.role: row.path for row in connection.execute(select(side_file.c.role, side_file.c.path))}
    assert rows == {
        "neural": "rawdata/sub-001/ses-01_date-20260102/ephys/spikes.npz",
        "calibration": "calibration.toml",
    }
