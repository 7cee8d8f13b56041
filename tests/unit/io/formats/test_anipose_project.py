"""Projects of Anipose: what the config says, and what is refused."""

from pathlib import Path

import pytest

from mystax.errors import FormatError, RecipeError
from mystax.io.formats.anipose_project import find_anipose_project, read_anipose_project
from tests.fixtures.anipose_project import CONFIG, write_config


def test_config_tells_board_score_axes_limbs_lines_and_crops(tmp_path: Path) -> None:
    found = read_anipose_project(write_config(tmp_path))
    assert found.board == "charuco:10x7:5:3.75:4x4_50"
    assert found.min_score == 0.5
    assert found.axes == {"x": ("nose tip", "p1"), "z": ("nose tip", "p2")}
    assert found.origin == "nose tip"
    assert found.limbs == (("nose tip", "p1"), ("p1", "p2"))
    assert found.edges == (("nose tip", "p1"), ("p1", "p2"), ("p3", "p4"))
    assert found.crops == {"A": (20.0, 10.0)}
    assert found.nesting == 1


def test_angles_of_three_points_are_taken_over_and_the_others_told(tmp_path: Path) -> None:
    found = read_anipose_project(write_config(tmp_path))
    assert found.angles == {"jaw": ("nose tip", "p1", "p2"), "turn": ("p3", "p4", "p5")}
    assert found.left_out == ("angle 'roll' (axis): only angles of three points are taken over",)


def test_inner_corners_of_a_checkerboard_become_squares(tmp_path: Path) -> None:
    text = CONFIG.replace('"charuco"', '"checkerboard"').replace("[10, 7]", "[9, 6]")
    assert read_anipose_project(write_config(tmp_path, text)).board == "checkerboard:10x7:5"


def test_board_that_is_not_known_is_told(tmp_path: Path) -> None:
    found = read_anipose_project(write_config(tmp_path, CONFIG.replace('"charuco"', '"aruco"')))
    assert found.board == ""
    assert any("aruco" in text for text in found.left_out)


def test_folder_means_its_config(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    assert find_anipose_project(tmp_path) == path
    assert find_anipose_project(path) == path
    assert find_anipose_project(tmp_path / "elsewhere") is None
    with pytest.raises(RecipeError, match="no project of Anipose"):
        read_anipose_project(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("cam_regex = '_cam([A-Z])$'", "", "which camera"),
        ("'_cam([A-Z])$'", "'_cam[A-Z]$'", "camera in parentheses"),
        ("'_cam([A-Z])$'", "'_cam([A-Z'", "no pattern"),
        ("'_cam([A-Z])$'", "'(([a-z]+)+)$'", "plain pattern"),
        ('["x", "nose tip", "p1"]', '["w", "nose tip", "p1"]', "each axis once"),
        ('[["nose tip", "p1"], ["p1", "p2"]]', '[["nose tip"]]', "lists of 2 names"),
        ("score_threshold = 0.5", 'score_threshold = "high"', "a number"),
        ("nesting = 1", "nesting = 40", "whole number"),
        ("offset = [20, 10, 640, 480]", "offset = [20]", "x and y"),
        ("[labeling]", "[pipeline]\npose_2d = '../elsewhere'\n[labeling]", "below that of a session"),
        ("animal_calibration = false", "animal_calibration = False", "not valid TOML"),
    ],
)
def test_entry_that_is_not_understood_is_refused_by_name(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert old in CONFIG
    with pytest.raises(FormatError, match=says):
        read_anipose_project(write_config(tmp_path, CONFIG.replace(old, new)))
