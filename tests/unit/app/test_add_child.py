"""The child that takes videos in: what it says is what it writes after, and it writes nothing before."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mystax.app import add_child
from mystax.app.add_child import in_catalogue, in_folder
from mystax.app.collection import FolderCollection
from mystax.core.events import silent
from mystax.engine.catalog.catalog import Catalog
from mystax.errors import RecipeError
from mystax.io.cameras_file import FILE, read_cameras
from tests.fixtures.catalogues import write_film
from tests.fixtures.exchange_outcomes import publish_known


def wish(folder: Path, **more: Any) -> dict[str, Any]:
    plain = {"catalog": None, "within": str(folder), "pattern": "folders", "clock": "", "dry_run": True}
    return {**plain, "folder": str(folder), **more}


def state_of(folder: Path) -> Mapping[str, int]:
    """Return every file below a folder with its time of change."""
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def day(tmp_path: Path) -> Path:
    for number, name in enumerate(("m1_left.avi", "m1_right_part1.avi", "m1_right_part2.avi")):
        write_film(tmp_path / "day" / name, number, 4)
    return tmp_path / "day"


def test_words_of_the_names_make_the_cameras_of_one_recording(day: Path) -> None:
    before = state_of(day)
    found = in_folder(wish(day), silent)
    (one,) = found["recordings"]
    assert (one["name"], one["state"]) == ("day", "new")
    assert {camera["name"]: camera["files"] for camera in one["cameras"]} == {
        "left": ["m1_left.avi"],
        "right": ["m1_right_part1.avi", "m1_right_part2.avi"],
    }
    assert (found["n_videos"], found["added"], found["changed"], found["unchanged"]) == (3, 1, 0, 0)
    assert state_of(day) == before


def test_what_was_told_is_written_and_shown_as_one_recording(day: Path) -> None:
    assert [item.name for item in FolderCollection([day]).items()] == [
        "m1_left",
        "m1_right_part1",
        "m1_right_part2",
    ]
    in_folder(wish(day, dry_run=False), silent)
    (item,) = FolderCollection([day]).items()
    assert (item.name, list(item.cameras)) == ("day", ["left", "right"])
    assert [path.name for path in item.cameras["right"]] == ["m1_right_part1.avi", "m1_right_part2.avi"]
    assert FolderCollection([day]).roi_place(item) == day / "day.mystax"
    assert in_folder(wish(day), silent)["recordings"][0]["state"] == "unchanged"


def test_another_video_changes_the_recording(day: Path) -> None:
    in_folder(wish(day, dry_run=False), silent)
    write_film(day / "m1_body.avi", 9, 4)
    assert in_folder(wish(day), silent)["changed"] == 1
    in_folder(wish(day, dry_run=False), silent)
    assert sorted(read_cameras(day / "day.mystax")) == ["body", "left", "right"]


def test_a_second_addition_writes_nothing(day: Path) -> None:
    in_folder(wish(day, dry_run=False), silent)
    before = state_of(day)
    assert in_folder(wish(day, dry_run=False), silent)["unchanged"] == 1
    assert state_of(day) == before


def test_cameras_that_were_measured_together_are_a_recording_already(day: Path) -> None:
    files = {"left": ["m1_left.avi"], "right": ["m1_right_part1.avi", "m1_right_part2.avi"]}
    absolute = {name: [str(day / file) for file in names] for name, names in files.items()}
    publish_known(day / "session.mystax", "motion", cameras=("left", "right"), files=absolute)
    found = in_folder(wish(day, dry_run=False), silent)
    assert (found["unchanged"], found["recordings"][0]["state"]) == (1, "unchanged")
    assert not list(day.rglob(FILE))


def test_a_noted_video_that_is_gone_takes_the_note_with_it(day: Path) -> None:
    in_folder(wish(day, dry_run=False), silent)
    (day / "m1_right_part2.avi").unlink()
    names = [item.name for item in FolderCollection([day]).items()]
    assert names == ["m1_left", "m1_right_part1"]


@pytest.mark.parametrize("names", [(), ("face.avi",)])
def test_less_than_two_videos_are_no_new_recording(names: tuple[str, ...], tmp_path: Path) -> None:
    for name in names:
        write_film(tmp_path / name, 1, 4)
    with pytest.raises(RecipeError, match=r"P403.*(no video|face.avi, which is a recording by itself)"):
        in_folder(wish(tmp_path), silent)


def test_names_that_do_not_say_it_are_refused(tmp_path: Path) -> None:
    for name in ("a1.avi", "a2.avi"):
        write_film(tmp_path / name, 1, 4)
    with pytest.raises(RecipeError, match="P403"):
        in_folder(wish(tmp_path, dry_run=False), silent)
    assert not list(tmp_path.rglob(FILE))


def test_a_damaged_video_is_a_remark(day: Path) -> None:
    (day / "m1_left.avi").write_bytes(b"no video")
    assert "V104" in in_folder(wish(day), silent)["recordings"][0]["codes"]


def test_a_link_out_of_the_root_is_no_camera(day: Path, tmp_path: Path) -> None:
    secret = write_film(tmp_path / "beside" / "body.avi", 7, 4)
    (day / "m1_body.avi").symlink_to(secret)
    cameras = [camera["name"] for camera in in_folder(wish(day), silent)["recordings"][0]["cameras"]]
    assert cameras == ["left", "right"]


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    Catalog.create(tmp_path / "lab").close()
    for number, name in enumerate(("rec1/left.avi", "rec1/right.avi", "rec2/face.avi")):
        write_film(tmp_path / "films" / name, number, 4)
    return tmp_path / "lab"


def test_a_catalogue_says_what_it_would_take_and_takes_that(lab: Path) -> None:
    films = lab.parent / "films"
    asked = wish(films, catalog=str(lab))
    found = in_catalogue(asked, silent)
    with Catalog.open(lab) as catalog:
        assert catalog.recordings() == []
    assert (found["n_videos"], found["added"], found["changed"], found["unchanged"]) == (3, 2, 0, 0)
    assert [[camera["name"] for camera in one["cameras"]] for one in found["recordings"]] == [
        ["left", "right"],
        ["face"],
    ]
    assert {camera["clock"] for one in found["recordings"] for camera in one["cameras"]} == {"pts"}
    written = in_catalogue({**asked, "dry_run": False}, silent)
    assert (written["added"], written["recordings"]) == (2, [])
    with Catalog.open(lab) as catalog:
        assert len(catalog.recordings()) == 2
    again = in_catalogue(asked, silent)
    assert (again["added"], again["unchanged"]) == (0, 2)


def test_a_catalogue_takes_no_video_behind_a_link_out_of_the_root(lab: Path) -> None:
    films, away = lab.parent / "films", lab.parent / "away"
    write_film(away / "rec9" / "face.avi", 9, 4)
    (films / "rec9").symlink_to(away / "rec9")
    found = in_catalogue(wish(films, catalog=str(lab)), silent)
    assert "rec9" not in json.dumps(found)


def test_files_that_the_pattern_does_not_match_are_named(lab: Path) -> None:
    films = lab.parent / "films"
    found = in_catalogue(wish(films, catalog=str(lab), pattern="{subject}/{camera}ft.{video}"), silent)
    assert found["n_videos"] == 1
    assert len(found["left_out"]) == 2


@pytest.mark.parametrize(("dry_run", "n_shown"), [(True, 3), (False, 0)])
def test_a_huge_answer_is_cut_but_its_counts_are_not(
    dry_run: bool,
    n_shown: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    many = {"recordings": [{}] * 50, "left_out": ["x"] * 50, "refused": ["y"] * 50, "added": 50}
    monkeypatch.setattr(add_child, "MOST_SHOWN", 3)
    monkeypatch.setattr(add_child, "in_folder", lambda *_: many)
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"catalog": None, "dry_run": dry_run}) + "\n"))
    assert add_child.main() == 0
    found = json.loads(capsys.readouterr().out)["result"]
    assert (len(found["recordings"]), len(found["left_out"]), found["added"]) == (n_shown, n_shown, 50)
    assert len(found["refused"]) == (3 if dry_run else 20)


def test_a_refusal_is_told_with_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(wish(tmp_path)) + "\n"))
    assert add_child.main() == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "P403"
