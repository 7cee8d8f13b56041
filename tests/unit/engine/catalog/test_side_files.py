"""Tests of `mystax.engine.catalog.side_files`: clocks, neural data and calibrations beside the videos."""

import os
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.tables import camera, side_file
from mystax.engine.recipe import recipe_from_values
from tests.fixtures.sessions import OLD, neuroblueprint, new_clip


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


def _neural(catalog: Catalog) -> list[tuple[str, int]]:
    with catalog.database.read() as connection:
        query = select(side_file.c.path, side_file.c.size).where(side_file.c.role == "neural")
        return [(str(path), int(size)) for path, size in connection.execute(query)]


def test_neural_data_stay_known_when_nobody_asks_for_them_again(catalog: Catalog, tmp_path: Path) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    file.with_name("spikes.npz").write_bytes(b"x")
    catalog.ingest(tmp_path / "whisk", neural="*.npz")
    before = _neural(catalog)
    new_clip(file, n_frames=30, when=OLD + 100)
    assert catalog.ingest(tmp_path / "whisk").changed == 1
    assert _neural(catalog) == before
    assert len(before) == 1


@pytest.mark.parametrize("is_folder", [False, True])
def test_neural_data_that_changed_are_noticed_and_planned_anew(
    catalog: Catalog, tmp_path: Path, is_folder: bool
) -> None:
    (video,) = neuroblueprint(tmp_path / "whisk")
    place = video.with_name("suite2p")
    file = place / "plane0" / "F.npy" if is_folder else place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"first")
    catalog.ingest(tmp_path / "whisk", neural="suite2p")
    step = {"name": "encoding", "fit": "recording", "neural": {"clock": "rate:10"}}
    recipe = {"name": "many", "analysis": [{"name": "motion"}, step]}
    wanted = recipe_from_values(recipe, "test", with_fits=True)
    key = [fit.values["plan_key"] for fit in catalog.plan(wanted).fits]
    assert catalog.ingest(tmp_path / "whisk").unchanged == 1
    assert [fit.values["plan_key"] for fit in catalog.plan(wanted).fits] == key
    with file.open("r+b") as stream:  # as a program does that sorts again: the folder says nothing
        stream.write(b"other")
    os.utime(file, (OLD + 7, OLD + 7))
    assert catalog.ingest(tmp_path / "whisk").changed == 1
    assert [fit.values["plan_key"] for fit in catalog.plan(wanted).fits] != key
    assert catalog.ingest(tmp_path / "whisk").unchanged == 1


def test_other_neural_data_that_are_asked_for_take_the_place_of_the_first(
    catalog: Catalog, tmp_path: Path
) -> None:
    (video,) = neuroblueprint(tmp_path / "whisk")
    for name in ("first.npz", "second.npz"):
        video.with_name(name).write_bytes(name.encode())
    catalog.ingest(tmp_path / "whisk", neural="first.npz")
    assert catalog.ingest(tmp_path / "whisk", neural="second.npz").changed == 1
    assert [Path(path).name for path, _ in _neural(catalog)] == ["second.npz"]
    assert catalog.ingest(tmp_path / "whisk", neural="second.npz").unchanged == 1


def test_links_that_lead_nowhere_do_not_hinder(catalog: Catalog, tmp_path: Path) -> None:
    (video,) = neuroblueprint(tmp_path / "whisk")
    place = video.with_name("suite2p")
    place.mkdir()
    (place / "F.npy").write_bytes(b"four")
    (place / "gone.npy").symlink_to(tmp_path / "nowhere")
    catalog.ingest(tmp_path / "whisk", neural="suite2p")
    assert [size for _, size in _neural(catalog)] == [4]


def test_neural_data_move_with_their_videos(catalog: Catalog, tmp_path: Path) -> None:
    (video,) = neuroblueprint(tmp_path / "whisk")
    (video.parents[1] / "ephys").mkdir()
    (video.parents[1] / "ephys" / "spikes.npz").write_bytes(b"x")
    catalog.ingest(tmp_path / "whisk", neural="ephys/*.npz")
    subject = tmp_path / "whisk" / "rawdata" / "sub-001"
    (subject / "ses-01_date-20260102").rename(subject / "ses-09_date-20260102")
    assert catalog.ingest(tmp_path / "whisk").moved == 1
    assert _neural(catalog) == [("rawdata/sub-001/ses-09_date-20260102/ephys/spikes.npz", 1)]
