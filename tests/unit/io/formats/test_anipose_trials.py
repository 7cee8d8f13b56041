"""Recordings of a project of Anipose: which tracks, videos and rigs belong together."""

from pathlib import Path

import pytest

from mystax.errors import RecipeError
from mystax.io.formats.anipose_project import read_anipose_project
from mystax.io.formats.anipose_trials import anipose_trials
from tests.fixtures.anipose_project import CONFIG, write_config


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_tracks_of_one_name_are_one_recording(tmp_path: Path) -> None:
    project = read_anipose_project(write_config(tmp_path))
    put(tmp_path, *(f"day1/pose-2d/t{k}_cam{c}.h5" for k in (2, 10) for c in "AB"), "day1/pose-2d/notes.h5")
    put(tmp_path, "day1/videos-raw/t2_camA.avi", "day1/calibration/calibration.toml")
    first, second = anipose_trials(project)
    assert (first.name, second.name) == ("t2", "t10")
    assert list(first.tracks) == ["A", "B"]
    assert list(first.videos) == ["A"]
    assert first.rig == tmp_path / "day1/calibration/calibration.toml"


def test_nearest_calibration_above_a_session_counts(tmp_path: Path) -> None:
    project = read_anipose_project(write_config(tmp_path))
    put(tmp_path, "calibration/calibration.toml", "day1/pose-2d/t_camA.h5", "day2/pose-2d/t_camA.h5")
    put(tmp_path, "day2/calibration/board_camA.avi")
    one, two = anipose_trials(project)
    assert one.rig == tmp_path / "calibration/calibration.toml"
    assert two.rig is None
    assert two.place == tmp_path / "day2/calibration/calibration.toml"
    assert list(two.board_videos) == ["A"]


def test_filtered_tracks_are_used_where_the_project_filters(tmp_path: Path) -> None:
    project = read_anipose_project(write_config(tmp_path, CONFIG + "\n[filter]\nenabled = true\n"))
    put(tmp_path, "day1/pose-2d/t_camA.h5", "day1/pose-2d-filtered/t_camA.h5", "day2/pose-2d/t_camA.h5")
    one, two = anipose_trials(project)
    assert one.tracks["A"].parent.name == "pose-2d-filtered"
    assert two.tracks["A"].parent.name == "pose-2d"


@pytest.mark.parametrize(
    ("nesting", "place"), [("0", "."), ("1", "a"), ("2", "a/b"), ("-1", "a/b/c"), (None, "a/b")]
)
def test_sessions_lie_as_deep_as_the_project_says(tmp_path: Path, nesting: str | None, place: str) -> None:
    line = "" if nesting is None else f"nesting = {nesting}"
    project = read_anipose_project(write_config(tmp_path, CONFIG.replace("nesting = 1", line)))
    put(tmp_path, f"{place}/pose-2d/t_camA.h5", "x/y/z/w/other.txt")
    assert [trial.session for trial in anipose_trials(project)] == [tmp_path / place]


def test_project_without_tracks_says_what_was_looked_for(tmp_path: Path) -> None:
    project = read_anipose_project(write_config(tmp_path))
    put(tmp_path, "day1/videos-raw/t_camA.avi")
    with pytest.raises(RecipeError, match=r"pose-2d/\*\.h5.*1 folders without"):
        anipose_trials(project)


def test_camera_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    text = CONFIG.replace("'_cam([A-Z])$'", "'_cam([A-Z])[0-9]*'")
    project = read_anipose_project(write_config(tmp_path, text))
    put(tmp_path, "day1/pose-2d/t_camA1.h5", "day1/pose-2d/t_camA2.h5")
    with pytest.raises(RecipeError, match="are both camera 'A'"):
        anipose_trials(project)
