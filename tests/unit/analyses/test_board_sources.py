"""Which pictures of a board belong together: by the numbers of their names, else by their order."""

from pathlib import Path

import pytest

from mystax.analyses.board_sources import looks_of, match_looks
from mystax.errors import RecipeError


def camera(folder: Path, name: str, files: list[str]) -> Path:
    """Make a folder of pictures that are empty: only their names count here."""
    place = folder / name
    place.mkdir()
    for file in files:
        (place / file).touch()
    return place


def test_equal_numbers_belong_together_and_some_may_be_missing(tmp_path: Path) -> None:
    looks = [
        looks_of("left", camera(tmp_path, "left", ["l1.png", "l2.png", "l10.png"])),
        looks_of("right", camera(tmp_path, "right", ["r02.png", "r10.png", "r11.png"])),
    ]
    assert match_looks(looks) == [1, 2, 10, 11]
    assert looks[0].pictures[10].name == "l10.png"
    assert looks[1].pictures[10].name == "r10.png"


def test_places_in_a_folder_are_no_numbers_of_views(tmp_path: Path) -> None:
    """Names of one camera end in letters; the other counts from 1: second would belong to first."""
    looks = [
        looks_of("left", camera(tmp_path, "left", ["a1x.png", "a2x.png", "a3x.png"])),
        looks_of("right", camera(tmp_path, "right", ["r1.png", "r2.png", "r3.png"])),
    ]
    assert match_looks(looks) == []  # by order


def test_pictures_without_numbers_and_of_unlike_counts_are_refused(tmp_path: Path) -> None:
    looks = [
        looks_of("left", camera(tmp_path, "left", ["a.png", "b.png", "c.png"])),
        looks_of("right", camera(tmp_path, "right", ["a.png", "c.png"])),
    ]
    with pytest.raises(RecipeError, match=r"P403.*left: 3.*right: 2"):
        match_looks(looks)


def test_pictures_of_a_folder_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    looks = looks_of("left", camera(tmp_path, "left", [f"{k}_left.png" for k in range(12)]))
    assert [path.name for path in looks.pictures.values()] == [f"{k}_left.png" for k in range(12)]
