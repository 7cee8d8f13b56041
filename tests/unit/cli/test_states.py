"""`mystax states` on the command line: what it refuses, and how."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mystax.cli import main
from tests.fixtures.face_tracks import SET, write_face


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    with pytest.raises(SystemExit) as left:
        main(["states", *words, "--json"])
    return int(left.value.code or 0), json.loads(capsys.readouterr().out)


def test_file_without_time_exits_2_and_says_what_to_give(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_face(tmp_path / "a.csv", 1, 60)
    status, said = run(capsys, str(tmp_path / "a.csv"), "--keypoints", SET)
    assert status == 2
    assert "a.csv has no time: give --rate, e.g. --rate 30" in str(said["errors"])


def test_too_many_states_exit_2_with_the_largest_sensible_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_face(tmp_path / "a.csv", 1, 60)
    status, said = run(capsys, str(tmp_path / "a.csv"), "--keypoints", SET, "--rate", "30", "--k", "40")
    assert status == 2
    assert "<= 12" in str(said["errors"])


def test_unknown_set_and_file_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = run(capsys, str(tmp_path / "no.csv"))
    assert status == 2
    assert "no such file" in str(said["errors"])
    write_face(tmp_path / "a.csv", 1, 60)
    status, said = run(capsys, str(tmp_path / "a.csv"), "--rate", "30", "--keypoints", "human-face-12")
    assert status == 2
    assert "human-face-21" in str(said["errors"])


@pytest.mark.slow
def test_whole_command_writes_outcome_tables_figures_and_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_face(tmp_path / "a.csv", 1, 240)
    words = [str(tmp_path / "a.csv"), "--rate", "30", "--keypoints", SET, "--k", "3", "--clips", "2"]
    status, said = run(capsys, *words)
    assert status == 0
    assert said["n_states"] == 3
    assert np.isclose(sum(said["occupancy"]), 1)  # type: ignore[call-overload] # a list of numbers
    folder = tmp_path / "a.mystax"
    assert (folder / "states.nc").is_file()
    assert (folder / "report.html").is_file()
    assert len(list((folder / "figures").glob("*.svg"))) == 10
    assert len(list((folder / "tables").glob("*.csv"))) == 9
    assert (folder / "clips" / "state_1.mp4").stat().st_size > 1000


@pytest.mark.slow
@pytest.mark.needs_data
def test_the_guides_analysis_in_one_command(
    real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Acceptance 5 of the design of states: the author's own recording."""
    words = ["--k", "9", "--rate", "30", "--keypoints", SET, "--out", str(tmp_path / "face.mystax")]
    begin = time.process_time()
    status, said = run(capsys, str(real_data / "uqoab" / "pose-3d.csv"), *words)
    assert time.process_time() - begin <= 60  # 30 s of two cores
    assert status == 0
    assert said["n_states"] == 9
    assert sum(said["occupancy"]) == pytest.approx(1, abs=1e-9)  # type: ignore[call-overload] # a list of numbers
    for kind, n in (("figures/*.svg", 10), ("figures/*.csv", 10), ("tables/*.csv", 9), ("report.html", 1)):
        assert len(list((tmp_path / "face.mystax").glob(kind))) == n
    assert {"N313", "N314", "N321"} <= set(said["flags"])  # type: ignore[call-overload] # a list of texts
    held = said["held_out"]
    assert isinstance(held, dict)
    assert held["9"] < held["1"]
    from mystax.io.outcomes import load

    dataset = load(tmp_path / "face.mystax" / "states.nc")
    assert isinstance(dataset, xr.Dataset)
    measures = dict(zip(dataset["measure"].values, dataset["measure_value"].values.T, strict=True))
    wanted = {
        "ear_distance": 147.3,
        "outer_eye_distance": 90.1,
        "mouth_width": 51.9,
        "mouth_height": 13.9,
        "jaw": 120.6,
    }
    for name, value in wanted.items():
        assert measures[name].mean() == pytest.approx(value, abs=0.1)
    speed = dataset["kinematics"].sel(kinematic="nose_bridge_speed").median() / 30
    assert float(speed) == pytest.approx(0.19, abs=0.005)
