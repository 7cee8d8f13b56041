"""Pictures that a file names: by as much of their path as is there, and never one for another."""

from pathlib import Path

from mystax.engine.labels.pictures import find_pictures
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
