"""Pictures that a file names: by as much of their path as is there, and never one for another."""

from pathlib import Path

from mystax.engine.labels.pictures import find_pictures, names_in_table
from mystax.io.label_files import Source
from tests.fixtures.label_folders import write_picture


def test_longest_part_of_a_name_counts(tmp_path: Path) -> None:
    here = write_picture(tmp_path / "one" / "img.png")
    there = write_picture(tmp_path / "two" / "img.png", 1)
    found = find_pictures(["one/img.png", "two/img.png", "img.png", "no.png", ""], tmp_path / "one")
    assert found == {"one/img.png": here, "two/img.png": there, "img.png": here, "no.png": None, "": None}


def test_names_that_cannot_mean_one_picture_find_none(tmp_path: Path) -> None:
    write_picture(tmp_path / "img.png")
    assert find_pictures(["one/img.png", "two/img.png"], tmp_path) == {
        "one/img.png": None,
        "two/img.png": None,
    }


def test_names_of_one_picture_in_two_lengths_find_it(tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "data" / "one" / "img.png")
    names = ["one/img.png", "data\\one\\img.png"]
    assert find_pictures(names, tmp_path / "data" / "one") == dict.fromkeys(names, picture)


def test_no_two_videos_have_one_name_in_a_table() -> None:
    paths = {
        "k1": "/d/s1/face.mp4",
        "k2": "/d/s2/face.mp4",
        "k3": "/d/s2/body.mp4",
        "k4": "C:\\e\\s1\\face.mp4",
    }
    found = names_in_table({key: Source("video", path, "face", 8, 8) for key, path in paths.items()})
    assert found == {"k1": "d/s1/face.mp4", "k2": "s2/face.mp4", "k3": "body.mp4", "k4": "e/s1/face.mp4"}


def test_video_that_was_replaced_under_its_name_is_told_by_its_fingerprint() -> None:
    source = Source("video", "/d/face.mp4", "face", 8, 8)
    assert names_in_table({"0123456789": source, "abcdefghij": source}) == {
        "0123456789": "01234567/face.mp4",
        "abcdefghij": "abcdefgh/face.mp4",
    }


def test_pictures_of_one_camera_keep_their_folders_apart() -> None:
    paths = {"k1": "/d/one/img0.png", "k2": "/d/two/img0.png", "k3": "/d/one/img1.png"}
    found = names_in_table({key: Source("picture", path, "face", 8, 8) for key, path in paths.items()})
    assert found == {
        "k1": "labeled-data/one/img0.png",
        "k2": "labeled-data/two/img0.png",
        "k3": "labeled-data/face/img1.png",
    }


def test_picture_without_a_path_is_named_by_its_fingerprint() -> None:
    assert names_in_table({"k1": Source("picture", "", "", 8, 8)}) == {"k1": "labeled-data/pictures/k1.png"}
