"""The first run of a new user: the demonstration's clip, no regions, no options."""

import shutil
from pathlib import Path

import pytest
import xarray as xr

from mystax.engine.demo.demo import make_recording
from tests.fixtures.commands import run_command


@pytest.mark.slow
def test_a_clip_without_regions_is_measured_once_and_explains_itself(tmp_path: Path) -> None:
    make_recording(tmp_path / "demo")
    shutil.copy(tmp_path / "demo" / "left.mp4", tmp_path / "face.mp4")
    folder = tmp_path / "face.mystax"
    found = run_command("run", "face.mp4", cwd=tmp_path)
    assert found.status == 0, found.err
    made = {path.name for path in folder.iterdir()}
    assert {"motion.nc", "svd.nc", "rois.nc", "rois.toml", "report.html"} <= made
    stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = run_command("run", "face.mp4", "--json", cwd=tmp_path)
    assert again.status == 0, again.err
    assert {outcome["state"] for outcome in again.json["outcomes"]} == {"current"}
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == stamps
    for path in folder.glob("*.nc"):
        with xr.open_dataset(path, engine="h5netcdf") as dataset:
            for name, variable in dataset.variables.items():
                has_unit = variable.attrs.get("units") or "units" in variable.encoding
                assert variable.dtype.kind not in "iufm" or has_unit, f"{path.name}: {name}"
