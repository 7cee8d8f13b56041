"""Rigs and points in space of published recordings, with numbers that others have found for them."""

import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.core.quality import flags_from_json
from mystax.engine.importing import ImportWishes, import_file
from mystax.errors import NumbersError
from mystax.io.corners import corners_to_bytes, read_corners
from tests.fixtures.commands import call

pytestmark = [pytest.mark.slow, pytest.mark.needs_data]

STEREO = {"left": (533.00, 533.15, 341.59, 234.26), "right": (536.98, 536.57, 326.47, 249.33)}


@pytest.mark.extra("calib")
@pytest.mark.parametrize("board", ["checkerboard:10x7:1", "checkerboard:9x6:1"])
def test_checkerboard_pairs_by_the_command(
    real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], board: str
) -> None:
    """Bouguet's result of 14 pairs; squares or inner corners, twice the same."""
    pictures = sorted((real_data / "stereo" / "dlc_stereo_example").glob("*.jpg"))
    texts = []
    for name in ("a", "b"):
        out = tmp_path / f"{name}.toml"
        run = call(capsys, "calibrate", *pictures, "--board", board, "--out", out, "--json")
        assert run.status == 0, run.err
        texts.append(re.sub(r"(?m)^(created|date|time).*$", "", out.read_text("utf-8")))
        for camera, (fx, fy, cx, cy) in STEREO.items():
            found = run.json["rig"]["cameras"][camera]
            assert found["n_views"] == 14
            assert (found["fx"], found["fy"]) == (pytest.approx(fx, rel=0.002), pytest.approx(fy, rel=0.002))
            assert (found["cx"], found["cy"]) == (pytest.approx(cx, abs=1), pytest.approx(cy, abs=1))
            assert found["rms"] <= 0.2
        said = " ".join(run.json["rig"]["remarks"])
        assert ("inner corners 9x6 = 10x7 squares" in said) == (board == "checkerboard:9x6:1")
    assert texts[0] == texts[1]
    begin = time.process_time()
    mystax.Rig.calibrate(tmp_path / "a.corners.nc", board="")
    assert time.process_time() - begin <= 5


@pytest.mark.extra("calib")
def test_four_cameras_and_a_charuco_board(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "stereo" / "sleap_anipose_minimal"
    names = ("back", "mid", "side", "top")
    rig = mystax.Rig.calibrate(
        {name: folder / name / "calibration_images" for name in names},
        board="charuco:8x11:24:18.75:4x4_1000",
        out=tmp_path / "calibration.toml",
    )
    corners = read_corners(tmp_path / "calibration.corners.nc")
    seen = np.isfinite(corners["corners"].values[..., 0])
    assert seen.any(axis=2).sum() == 84
    assert seen.sum() >= 5800
    focal = sorted(float(camera.matrix[0, 0]) for camera in rig.model.cameras)
    for value, (low, high) in zip(focal, ((750, 770), (755, 770), (755, 770), (940, 965)), strict=True):
        assert low <= value <= high
    assert max(camera.rms for camera in rig.model.cameras) <= 0.3
    assert np.isfinite(rig.quality["heldout"].values).all()
    # one camera's views are all taken when no other camera saw the board
    lonely = corners.copy(deep=True)
    half = corners.sizes["view"] // 2
    lonely["corners"].values[3, :half] = np.nan
    lonely["corners"].values[:3, half:] = np.nan
    (tmp_path / "lonely.nc").write_bytes(corners_to_bytes(lonely))
    with pytest.raises(NumbersError, match="top") as refused:
        mystax.Rig.calibrate(tmp_path / "lonely.nc", board="")
    assert refused.value.code == "N311"


def test_points_of_a_fly_by_the_rig_of_its_authors(real_data: Path) -> None:
    folder = real_data / "eks" / "fly"
    tracks = {f"Cam-{c}": next(iter(sorted(folder.glob(f"*Cam-{c}*rng=0.csv")))) for c in "ABC"}
    found, plain = (
        mystax.pose3d(
            tracks,
            rig=folder / "calibration.toml",
            rate=300,
            smooth="none",
            min_confidence=0.0,
            robust=robust,
        )
        for robust in (True, False)
    )
    assert found.sizes["time"] * found.sizes["keypoint"] == 500 * 12
    n_seen = (found["used"].values >= 0).sum(axis=1)
    assert np.isfinite(found["position_raw"].values[:, 0][n_seen >= 2]).all()
    flags = flags_from_json(found.attrs["quality"])
    doubts = [flag.text for flag in flags if flag.code == "N312"]
    assert [any(name in text for text in doubts) for name in tracks] == [True, True, True]
    assert all("focal length" in text and "k1" in text for text in doubts)
    facts: Any = json.loads(found.attrs["facts"])["cameras"]
    assert all(np.isfinite(facts[name]["left_out"]) for name in tracks)
    robust, linear = (float(np.nanmedian(item["residual"].values)) for item in (found, plain))
    assert robust <= 1.05 * linear


@pytest.mark.parametrize("keep_frame", [False, True])
def test_points_of_the_guide_are_flat_mirrored_and_of_the_right_size(
    real_data: Path, tmp_path: Path, keep_frame: bool
) -> None:
    path = real_data / "uqoab" / "pose-3d.csv"
    wishes = ImportWishes(rate=30.0, keep_frame=keep_frame, out=tmp_path / "x.mystax")
    pose = import_file(path, wishes)["pose-3d"]["pose3d"]
    flags = {flag.code: flag.text for flag in flags_from_json(pose.attrs["quality"])}
    assert "-1" in flags["N314"]
    flatness = float(re.search(r"0\.\d+", flags["N313"]).group())  # type: ignore[union-attr] # told in the text
    assert flatness == pytest.approx(0.024, abs=0.002)
    names = [str(name) for name in pose["keypoint"].values]
    place = pose["position"].isel(individual=0).transpose("time", "keypoint", "space").values
    ears = [k for k, name in enumerate(names) if name in ("lear", "rear", "left_ear", "right_ear")]
    distance = np.linalg.norm(place[:, ears[0]] - place[:, ears[1]], axis=1)
    assert distance.mean() == pytest.approx(147.3, abs=0.1)
