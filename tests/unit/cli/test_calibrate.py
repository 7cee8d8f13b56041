"""`mystax calibrate` from corners: its options reach the calibration, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from mystax.io.corners import corners_to_bytes
from mystax.io.rig import read_rig
from tests.fixtures.commands import call
from tests.fixtures.rigs import SIZE, board_views, corners_dataset


def write_corners(folder: Path, bend: float = 0.0) -> Path:
    """Write corners of two cameras that saw a board bent by `bend` mm."""
    x, y = np.meshgrid(np.arange(1, 10), np.arange(1, 7))
    off = np.stack([0 * x.ravel(), 0 * y.ravel(), bend * ((x.ravel() - 5) / 4) ** 2], axis=1)
    truth, _, uv = board_views(2, 12, off=off)
    path = folder / "board.corners.nc"
    path.write_bytes(corners_to_bytes(corners_dataset(truth.names, [SIZE] * 2, uv, "checkerboard:10x7:6")))
    return path


def test_error_of_the_board_is_found_told_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corners, out = write_corners(tmp_path, bend=0.8), tmp_path / "rig.toml"
    run = call(capsys, "calibrate", corners, "--board-error", "0.3", "--out", out, "--json")
    assert run.status == 0, run.err
    assert 0.05 < run.json["rig"]["board_off"] < 0.4
    assert max(camera["rms"] for camera in run.json["rig"]["cameras"].values()) < 0.33
    assert read_rig(out).metadata["board_error"] == 0.3
    plain = call(capsys, "calibrate", corners, "--out", out, "--json")
    assert plain.json["rig"]["board_off"] == 0
    assert max(camera["rms"] for camera in plain.json["rig"]["cameras"].values()) > 0.4
    assert "board_error" not in read_rig(out).metadata


def test_third_radial_number_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corners, out = write_corners(tmp_path), tmp_path / "rig.toml"
    run = call(capsys, "calibrate", corners, "--k3", "--model", "pinhole", "--out", out, "--json")
    assert run.status == 0, run.err
    assert all("k3" in camera["sd"] for camera in run.json["rig"]["cameras"].values())
    assert all(camera.distortion[4] != 0 for camera in read_rig(out).cameras)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--board-error", "-1"), "board_error"),
        (("--board-error", "nan"), "board_error"),
        (("--board-error", "2"), "a quarter of a square"),
        (("--k3", "--model", "pinhole-k1"), "one radial number"),
        (("--model", "fish"), "fisheye"),
    ],
)
def test_options_that_cannot_be_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    out = tmp_path / "rig.toml"
    run = call(capsys, "calibrate", write_corners(tmp_path), *words, "--out", out, "--json")
    assert (run.status, run.codes) == (2, ["P401"])
    assert said in run.err
    assert not out.exists()


def test_a_drawn_board_replaces_no_file_unless_it_may(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "board.mp4"
    words = ("calibrate", "--draw", "checkerboard:10x7:6", "--out", place)
    place.write_bytes(b"a film")
    refused = call(capsys, *words, "--json")
    assert (refused.status, refused.codes) == (2, ["P403"])
    assert place.read_bytes() == b"a film"
    assert call(capsys, *words, "--overwrite").status == 0
    assert place.read_bytes().startswith(b"%PDF")
