"""File names into cameras and their order."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.errors import RecipeError
from mystax.io.names import group_files, videos_in
from tests.fixtures.refusals import attempt

CLEAR: list[tuple[list[str], dict[str, list[str]]]] = [
    (["mouse.mp4"], {"face": ["mouse.mp4"]}),
    (["cam1.mp4", "cam2.mp4"], {"camera1": ["cam1.mp4"], "camera2": ["cam2.mp4"]}),
    (["m_left.avi", "m_right.avi"], {"left": ["m_left.avi"], "right": ["m_right.avi"]}),
    (
        ["_iblrig_bodyCamera.raw.mp4", "_iblrig_leftCamera.raw.mp4", "_iblrig_rightCamera.raw.mp4"],
        {
            "body": ["_iblrig_bodyCamera.raw.mp4"],
            "left": ["_iblrig_leftCamera.raw.mp4"],
            "right": ["_iblrig_rightCamera.raw.mp4"],
        },
    ),
    (
        ["a_part10.mp4", "a_part8.mp4", "a_part9.mp4"],
        {"face": ["a_part8.mp4", "a_part9.mp4", "a_part10.mp4"]},
    ),
    (["GX010123.MP4", "GX020123.MP4"], {"face": ["GX010123.MP4", "GX020123.MP4"]}),
    (["view-A.mkv", "view-B.mkv"], {"viewA": ["view-A.mkv"], "viewB": ["view-B.mkv"]}),
    (
        ["cam02_chunk0001.mp4", "cam02_chunk0000.mp4", "cam01_chunk0000.mp4"],
        {"camera1": ["cam01_chunk0000.mp4"], "camera2": ["cam02_chunk0000.mp4", "cam02_chunk0001.mp4"]},
    ),
    (["Camera 2.avi", "Camera 10.avi"], {"camera2": ["Camera 2.avi"], "camera10": ["Camera 10.avi"]}),
    (["s1_left_eye.mp4", "s1_right_eye.mp4"], {"left": ["s1_left_eye.mp4"], "right": ["s1_right_eye.mp4"]}),
]
AMBIGUOUS = [
    ["video1.mp4", "video2.mp4"],
    ["a_1.mp4", "a_2.mp4"],
    ["0001.avi", "0002.avi", "0003.avi"],
    ["left.mp4", "left2.mp4"],
    ["GX010123.MP4", "GX010124.MP4"],
    ["cam1_2024.mp4", "cam2_2025.mp4"],
    ["cam1.mp4", "cam1.avi"],
    ["leftover1.mp4", "leftover2.mp4"],
    ["mouse-2024-01-01.mp4", "mouse-2024-01-02.mp4"],
    ["face_part1.mp4", "face.mp4"],
]


@pytest.mark.parametrize(("files", "cameras"), CLEAR)
def test_clear_names_give_the_right_recording(files: list[str], cameras: dict[str, list[str]]) -> None:
    found = group_files([Path(file) for file in files])
    assert {camera: [path.name for path in paths] for camera, paths in found.items()} == cameras
    assert list(found) == list(cameras)


@pytest.mark.parametrize("files", AMBIGUOUS)
def test_ambiguous_names_are_refused_with_both_readings(files: list[str]) -> None:
    with pytest.raises(RecipeError, match="P403") as caught:
        group_files([Path(file) for file in files])
    text = str(caught.value)
    assert "reading 1" in text
    assert "reading 2" in text
    assert "--camera" in text
    assert "--join" in text


def test_first_letters_mean_nothing() -> None:
    with pytest.raises(RecipeError, match="one recording"):
        group_files([Path("cam_mouse.mp4"), Path("cam_rat.mp4")])


def test_words_inside_words_mean_nothing() -> None:
    assert list(group_files([Path("leftover.mp4")])) == ["face"]
    assert list(group_files([Path("cameraman.mp4")])) == ["face"]


def test_bare_numbers_are_the_order_when_files_are_joined() -> None:
    found = group_files([Path(f"a_{k}.mp4") for k in (10, 9, 8)], join=True)
    assert [path.name for path in found["face"]] == ["a_8.mp4", "a_9.mp4", "a_10.mp4"]


def test_joining_keeps_cameras_apart() -> None:
    names = ["left_1.mp4", "left_2.mp4", "right_1.mp4", "right_2.mp4"]
    found = group_files([Path(name) for name in names], join=True)
    assert {camera: len(files) for camera, files in found.items()} == {"left": 2, "right": 2}


def test_joining_does_not_help_where_two_numbers_differ() -> None:
    with pytest.raises(RecipeError, match="P403"):
        group_files([Path("a_1_2.mp4"), Path("a_2_3.mp4")], join=True)


def test_missing_part_is_refused() -> None:
    with pytest.raises(RecipeError, match="part 2"):
        group_files([Path("a_part1.mp4"), Path("a_part3.mp4")])


def test_camera_in_some_names_only_is_refused() -> None:
    with pytest.raises(RecipeError, match="names a camera"):
        group_files([Path("a_left.mp4"), Path("a.mp4")])


def test_no_file_is_refused() -> None:
    with pytest.raises(RecipeError, match="P403"):
        group_files([])


def test_only_videos_of_the_folder_are_listed(tmp_path: Path) -> None:
    for name in ("b.MP4", "a.avi", ".hidden.mp4", "notes.txt", "times.csv"):
        (tmp_path / name).touch()
    (tmp_path / "deep.mp4").mkdir()
    assert [path.name for path in videos_in(tmp_path)] == ["a.avi", "b.MP4"]


@given(st.lists(st.text(st.characters(blacklist_characters="/\0"), min_size=1), min_size=1, max_size=4))
def test_any_names_give_every_file_once_or_a_refusal(names: list[str]) -> None:
    paths = [Path(f"{name}.mp4") for name in dict.fromkeys(names)]
    try:
        found = group_files(paths)
    except RecipeError:
        return
    assert sorted(path for files in found.values() for path in files) == sorted(paths)


@given(st.permutations(["m_left_part1.mp4", "m_left_part2.mp4", "m_right_part1.mp4", "m_right_part2.mp4"]))
def test_order_of_the_listing_does_not_matter(names: list[str]) -> None:
    found = group_files([Path(name) for name in names])
    assert [path.name for path in found["left"]] == ["m_left_part1.mp4", "m_left_part2.mp4"]
    assert list(found) == ["left", "right"]


@pytest.mark.parametrize(
    "names", [["cam².mp4"], ["part².mp4"], ["a²_1.mp4", "a²_2.mp4"], ["①.mp4", "②.mp4"], ["view①.avi"]]
)
def test_signs_that_look_like_numbers_are_no_numbers(names: list[str]) -> None:
    found, refusal = attempt(lambda: group_files([Path(name) for name in names]))
    if refusal is not None:
        assert refusal.code == "P403"
    else:
        assert found is not None
        assert sorted(path.name for paths in found.values() for path in paths) == sorted(names)
