"""The one recording of a notebook: its own clocks, its own outcomes, and nobody else's."""

from pathlib import Path
from typing import Any

import pytest

from mystax.app.collection import Collection, FolderCollection, find
from mystax.app.one_recording import OneRecording
from mystax.app.routes.recordings import spec_of
from mystax.errors import AppError
from tests.fixtures.exchange_outcomes import publish_known


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("left.avi", "right.avi", "other.avi"):
        (tmp_path / name).write_bytes(b"never opened here")
    return tmp_path


def one(folder: Path, *names: str, **more: Any) -> OneRecording:
    specs = {name: {"paths": [str(folder / f"{name}.avi")], "clock": {"of": name}} for name in names}
    return OneRecording("session", specs, {"name": "session", "clocks": "csv:t.csv"}, **more)


def outcome(folder: Path, place: str, **cameras: str) -> Path:
    files = {camera: [str(folder / name)] for camera, name in cameras.items()}
    return publish_known(folder / place, "motion", cameras=tuple(cameras), files=files)


def test_it_is_a_collection_of_one(folder: Path) -> None:
    collection = one(folder, "left", "right")
    assert isinstance(collection, Collection)
    (item,) = collection.items()
    assert (item.name, list(item.cameras)) == ("session", ["left", "right"])
    assert find(collection.items(), item.id) is item
    with pytest.raises(AppError, match="W903"):
        find(collection.items(), "f0")


def test_cameras_are_opened_on_the_clocks_that_they_were_given(folder: Path) -> None:
    (item,) = one(folder, "left").items()
    assert spec_of(item, "left") == {"paths": [str(folder / "left.avi")], "clock": {"of": "left"}}
    (plain,) = (each for each in FolderCollection([folder]).items() if each.name == "left")
    assert spec_of(plain, "face")["clock"] is None


def test_a_run_gets_the_request_that_opens_the_same_recording(folder: Path) -> None:
    (item,) = one(folder, "left").items()
    assert item.request == {"name": "session", "clocks": "csv:t.csv"}


def test_outcomes_of_its_files_are_shown_and_those_of_others_are_not(folder: Path) -> None:
    mine = outcome(folder, "mine.mystax", left="left.avi", right="right.avi")
    outcome(folder, "both.mystax", left="left.avi", other="other.avi")
    outcome(folder, "others.mystax", other="other.avi")
    collection = one(folder, "left", "right")
    (item,) = collection.items()
    assert item.folders == (mine,)
    assert {each.name for each in item.outcomes()} == {"motion/left", "motion/right"}
    assert collection.roi_place(item) == mine


def test_regions_and_labels_go_beside_the_videos(folder: Path) -> None:
    collection = one(folder, "left")
    (item,) = collection.items()
    assert collection.roi_place(item) == folder / "session.mystax"
    assert collection.label_place(item) == folder
    (folder / "session.mystax").mkdir()
    (folder / "points.labels").mkdir()
    collection.forget()
    (item,) = collection.items()
    assert item.folders == (folder / "session.mystax",)
    assert item.labels == (folder / "points.labels",)


def test_new_outcomes_are_seen_after_a_moment(folder: Path) -> None:
    clock = Clock()
    collection = one(folder, "left", monotonic=clock)
    assert collection.items()[0].folders == ()
    made = outcome(folder, "session.mystax", left="left.avi")
    assert collection.items()[0].folders == ()
    clock.now = 3.0
    assert collection.items()[0].folders == (made,)
