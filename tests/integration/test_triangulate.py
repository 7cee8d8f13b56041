"""From tracks to places in space through the command line, and what is refused on the way."""

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.core.quality import flags_from_json
from mystax.errors import FormatError, NumbersError, ParameterError, RecipeError
from mystax.io.corners import corners_to_bytes
from mystax.io.rig import rig_to_toml
from mystax.io.video import VideoWriter
from tests.fixtures.commands import call
from tests.fixtures.rigs import SIZE, board_views, corners_dataset, moving_points, write_track

N = 150


def write_tracks(folder: Path, n_cameras: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rig, _, truth, uv = moving_points(n_cameras, 100, N)
    uv[:, 20, 5] = np.nan  # one point that no camera sees
    (folder / "calibration.toml").write_text(rig_to_toml(rig))
    for c in range(n_cameras):
        write_track(folder / f"cam{c}.csv", uv[c])
    return truth, uv


def tracks(folder: Path, n_cameras: int = 3) -> dict[str, Path]:
    return {f"cam{c}": folder / f"cam{c}.csv" for c in range(n_cameras)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    folder = tmp_path_factory.mktemp("rig")
    truth, _ = write_tracks(folder)
    return folder, truth


@pytest.fixture(scope="module")
def plain(made: tuple[Path, np.ndarray]) -> Any:
    """Return the points in space of all cameras as they are seen: neither smoothed nor turned."""
    folder, _ = made
    return mystax.pose3d(tracks(folder), rig=folder / "calibration.toml", rate=100, smooth="none")


def camera_words(folder: Path, n_cameras: int = 3) -> list[str]:
    return [
        word for name, path in tracks(folder, n_cameras).items() for word in ("--camera", f"{name}={path}")
    ]


def test_command_makes_outcome_and_report(
    made: tuple[Path, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, truth = made
    run = call(
        capsys,
        "triangulate",
        "--rig",
        folder / "calibration.toml",
        *camera_words(folder),
        "--rate",
        "100",
        "--out",
        folder / "out",
        "--json",
    )
    assert run.status == 0, run.err
    answer = run.json
    assert Path(answer["report"]).is_file()
    found: Any = mystax.load(folder / "out" / "pose3d.nc")
    error = np.linalg.norm(found["position"].values[..., 0].transpose(0, 2, 1) - truth, axis=2)
    assert np.median(error[np.isfinite(error)]) < 0.3
    assert np.isfinite(error).mean() > 0.99


def test_frames_without_points_are_missing_and_counted(plain: Any) -> None:
    seen = (plain["used"].values >= 0).sum(axis=1)
    finite = np.isfinite(plain["position_raw"].values[:, 0])
    assert (finite == (seen >= 2)).mean() > 0.999
    assert ((plain["flag"].values & 2) > 0).sum() == (seen == 1).sum() > 0
    assert ((plain["flag"].values & 4) > 0).sum() == (seen == 0).sum() > 0


def test_axes_keep_distances(made: tuple[Path, np.ndarray], plain: Any) -> None:
    folder, _ = made
    rig = mystax.Rig.load(folder / "calibration.toml")
    turned = mystax.pose3d(
        tracks(folder), rig=rig, rate=100, smooth="none", axes="x=p0:p1 z=p0:p2", origin="p0"
    )
    before, after = (item["position_raw"].values[..., 0].astype(np.float64) for item in (plain, turned))
    lengths = [np.linalg.norm(item[:, :, 3] - item[:, :, 4], axis=1) for item in (before, after)]
    np.testing.assert_allclose(lengths[1], lengths[0], rtol=1e-4)  # float32
    rotation = turned["rotation"].values
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_camera_that_cannot_be_read_is_a_column_that_sees_nothing(
    made: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    folder, _ = made
    (tmp_path / "broken.csv").write_text("nothing, known")
    poses = {**tracks(folder), "cam2": tmp_path / "broken.csv"}
    found = mystax.pose3d(poses, rig=folder / "calibration.toml", rate=100)
    assert (found["used"].values[:, 2] == -1).all()
    assert any(
        flag.code == "N315" and "cam2" in flag.text for flag in flags_from_json(found.attrs["quality"])
    )


def test_late_camera_is_told_and_not_shifted(made: tuple[Path, np.ndarray]) -> None:
    folder, _ = made
    rig = folder / "calibration.toml"
    found = mystax.pose3d(tracks(folder), rig=rig, rate=100, offsets={"cam1": 0.02}, smooth="none")
    flags = [flag.text for flag in flags_from_json(found.attrs["quality"]) if flag.code == "N315"]
    late = json.loads(found.attrs["facts"])["offsets"]["cam1"]["seconds"]
    assert late == pytest.approx(0.02, abs=0.004)
    assert any("cam1" in text and "--offset cam1=-0.0" in text for text in flags)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"smooth": "much"}, "P401"),
        ({"axes": "x=p0:p1"}, "P401"),
        ({"axes": "x=p0:nose y=p0:p1"}, "P401"),
        ({"limbs": "p0"}, "P401"),
        ({"reference": "cam9"}, "P403"),
        ({"rate": None}, "P401"),
    ],
)
def test_requests_that_cannot_be_are_refused(
    made: tuple[Path, np.ndarray], change: dict[str, object], code: str
) -> None:
    folder, _ = made
    request: dict[str, object] = {"rate": 100, **change}
    with pytest.raises((ParameterError, RecipeError)) as refused:
        mystax.pose3d(tracks(folder), rig=folder / "calibration.toml", **request)  # type: ignore[arg-type] # wrong on purpose
    assert refused.value.code == code


def test_other_cameras_than_those_of_the_rig_are_refused(made: tuple[Path, np.ndarray]) -> None:
    folder, _ = made
    poses = {"top": folder / "cam0.csv", "cam1": folder / "cam1.csv"}
    with pytest.raises(RecipeError, match="cam0, cam1, cam2"):
        mystax.pose3d(poses, rig=folder / "calibration.toml", rate=100)


def test_one_camera_is_not_enough(made: tuple[Path, np.ndarray]) -> None:
    folder, _ = made
    with pytest.raises(ParameterError, match="two or more cameras"):
        mystax.pose3d({"cam0": folder / "cam0.csv"}, rig=folder / "calibration.toml", rate=100)


def test_cameras_without_common_times_are_refused(made: tuple[Path, np.ndarray]) -> None:
    folder, _ = made
    poses = {name: path for name, path in tracks(folder).items() if name != "cam2"}
    with pytest.raises(NumbersError) as refused:
        mystax.pose3d(poses, rig=folder / "calibration.toml", rate=100, offsets={"cam1": 1000.0})
    assert refused.value.code == "N303"


def test_nothing_readable_is_refused(made: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    folder, _ = made
    with pytest.raises(FormatError):
        mystax.pose3d({"cam0": tmp_path / "none.csv"}, rig=folder / "calibration.toml", rate=100)


@pytest.mark.needs_data
def test_checkerboard_pairs_give_the_reference_calibration(real_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("cv2", reason='pip install "mystax[calib]"')
    rig = mystax.Rig.calibrate(
        {
            side: sorted((real_data / "stereo" / "dlc_stereo_example").glob(f"{side}*.jpg"))
            for side in ("left", "right")
        },
        board="checkerboard:10x7:1",
        out=tmp_path / "calibration.toml",
    )
    expected = {"left": (533.00, 533.15, 341.59, 234.26), "right": (536.98, 536.57, 326.47, 249.33)}
    for camera in rig.model.cameras:
        fx, fy, cx, cy = expected[camera.name]
        assert camera.n_views == 14
        assert camera.matrix[0, 0] == pytest.approx(fx, rel=0.002)
        assert camera.matrix[1, 1] == pytest.approx(fy, rel=0.002)
        assert camera.matrix[0, 2] == pytest.approx(cx, abs=1)
        assert camera.matrix[1, 2] == pytest.approx(cy, abs=1)
        assert camera.rms <= 0.2
    again = mystax.Rig.calibrate(tmp_path / "calibration.corners.nc", board="")
    assert again.model.fingerprint == rig.model.fingerprint


def test_only_pictures_of_boards_need_opencv(
    made: tuple[Path, np.ndarray],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Help, points in space and corners that were found before do without; a film of a board says X001."""
    folder, _ = made
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert "triangulate" in call(capsys, "--help").out
    words = camera_words(folder, 2)
    rig = ("--rig", folder / "calibration.toml", "--rate", "100")
    run = call(capsys, "triangulate", *rig, *words, "--out", tmp_path / "x", "--no-report", "--json")
    assert run.status == 0, run.err
    _, _, uv = board_views(2, 12)
    corners = corners_dataset(["cam0", "cam1"], [SIZE] * 2, uv, "charuco:10x7:6:4")
    (tmp_path / "a.corners.nc").write_bytes(corners_to_bytes(corners))
    run = call(capsys, "calibrate", tmp_path / "a.corners.nc", "--out", tmp_path / "a.toml", "--json")
    assert run.status == 0, run.err
    with VideoWriter(
        tmp_path / "board.mkv", size=(64, 48), rate=Fraction(10), codec="ffv1", pixel_format="gray"
    ) as film:
        film.write(np.zeros((48, 64), np.uint8))
    board = ("--board", "charuco:10x7:6:4", "--out", tmp_path / "b.toml")
    run = call(capsys, "calibrate", tmp_path / "board.mkv", *board, "--json")
    assert (run.status, run.codes) == (1, ["X001"])
    assert 'pip install "mystax[calib]"' in str(run.json["errors"])


def test_axes_of_a_left_hand_end_with_2(
    made: tuple[Path, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two directions that are each other's opposite one makes a left hand with the same x and y."""
    folder, _ = made
    words = camera_words(folder, 2)
    status = []
    for z in ("p0:p3", "p3:p0"):
        rig = ("--rig", folder / "calibration.toml", "--rate", "100", "--axes", f"x=p0:p1 y=p0:p2 z={z}")
        run = call(capsys, "triangulate", *rig, *words, "--out", tmp_path / z[:2], "--no-report", "--json")
        status.append((run.status, run.codes))
    assert sorted(status) == [(0, []), (2, ["P401"])]
