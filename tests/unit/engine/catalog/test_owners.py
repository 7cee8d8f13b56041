"""Tests of `mystax.engine.catalog.owners`: files keep their recording, whatever a person calls it."""

from pathlib import Path

import pytest

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.ingest_report import IngestReport
from tests.fixtures.sessions import OLD, new_clip

PATTERN = "{subject}/{session}/{camera}.{video}"


def _ingest(catalog: Catalog, folder: Path) -> IngestReport:
    return catalog.ingest(folder, pattern=PATTERN)


def _counts(found: IngestReport) -> tuple[int, int, int, int]:
    return found.added, found.changed, found.moved, found.unchanged


def _names(catalog: Catalog) -> list[tuple[str, str]]:
    return [(row["subject"], row["session"]) for row in catalog.recordings()]


def _paths(catalog: Catalog, number: int = 1) -> list[str]:
    return [file["path"] for camera in catalog.show(number)["cameras"] for file in camera["videos"]]


@pytest.mark.parametrize("word", ["subject=m9", "session=base", "project=p", "run=2"])
def test_recording_with_a_name_of_a_person_is_unchanged(catalog: Catalog, tmp_path: Path, word: str) -> None:
    name, value = word.split("=")
    new_clip(tmp_path / "w" / "m1" / "1" / "face.mp4")
    _ingest(catalog, tmp_path / "w")
    catalog.set(1, **{name: value})
    found = _ingest(catalog, tmp_path / "w")
    assert (found.conflicts, _counts(found)) == ([], (0, 0, 0, 1))
    assert catalog.recordings()[0][name] == value


def test_replaced_video_and_second_camera_are_taken_in_under_a_name_of_a_person(
    catalog: Catalog, tmp_path: Path
) -> None:
    file = new_clip(tmp_path / "w" / "m1" / "1" / "face.mp4")
    _ingest(catalog, tmp_path / "w")
    catalog.set(1, subject="m9", note="calm")
    new_clip(file, n_frames=30, when=OLD + 100)
    assert _counts(_ingest(catalog, tmp_path / "w")) == (0, 1, 0, 0)
    assert "V130" in catalog.recordings()[0]["codes"]
    new_clip(file.with_name("side.mp4"), n_frames=30)
    assert _counts(_ingest(catalog, tmp_path / "w")) == (0, 1, 0, 0)
    (row,) = catalog.recordings()
    assert (row["subject"], row["session"], row["note"]) == ("m9", "1", "calm")
    assert row["cameras"] == ["face", "side"]


def test_subject_of_a_person_is_no_missing_subject(catalog: Catalog, tmp_path: Path) -> None:
    file = new_clip(tmp_path / "w" / "a.mp4")
    catalog.ingest(tmp_path / "w", pattern="files")
    catalog.set(1, subject="m9")
    new_clip(file, n_frames=30, when=OLD + 100)
    catalog.ingest(tmp_path / "w", pattern="files")
    assert catalog.recordings()[0]["subject"] == "m9"
    assert "no_subject" not in {remark["code"] for remark in catalog.show(1)["flags"]}


@pytest.mark.parametrize("dry_run", [False, True])
def test_files_that_bear_the_name_a_person_gave_to_others_take_nothing_from_them(
    catalog: Catalog, tmp_path: Path, dry_run: bool
) -> None:
    new_clip(tmp_path / "w" / "m1" / "1" / "face.mp4")
    _ingest(catalog, tmp_path / "w")
    catalog.set(1, subject="m2")
    new_clip(tmp_path / "w" / "m2" / "1" / "face.mp4", n_frames=30)
    found = catalog.ingest(tmp_path / "w", pattern=PATTERN, dry_run=dry_run)
    assert [error.code for error in found.conflicts] == ["P403"]
    assert str(tmp_path / "w" / "m1" / "1" / "face.mp4") in found.conflicts[0].got
    assert _paths(catalog) == ["m1/1/face.mp4"]
    catalog.set(1, session="corrected")
    assert _counts(_ingest(catalog, tmp_path / "w")) == (1, 0, 0, 1)
    assert _names(catalog) == [("m2", "corrected"), ("m2", "1")]


def test_moved_files_change_only_what_no_person_set(catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    new_clip(folder / "m1" / "1" / "face.mp4")
    _ingest(catalog, folder)
    catalog.set(1, subject="m9")
    (folder / "m1" / "1").rename(folder / "m1" / "5")
    assert _counts(_ingest(catalog, folder)) == (0, 0, 1, 0)
    assert _names(catalog) == [("m9", "5")]
    folder.rename(tmp_path / "renamed")
    assert _counts(_ingest(catalog, tmp_path / "renamed")) == (0, 0, 1, 0)
    (row,) = catalog.recordings()
    assert (row["project"], row["subject"], row["session"]) == ("renamed", "m9", "5")
    assert _counts(_ingest(catalog, tmp_path / "renamed")) == (0, 0, 0, 1)


def test_moved_files_keep_the_old_names_where_the_new_ones_are_taken(
    catalog: Catalog, tmp_path: Path
) -> None:
    folder = tmp_path / "w"
    new_clip(folder / "m1" / "1" / "face.mp4")
    new_clip(folder / "m9" / "5" / "face.mp4", n_frames=30)
    _ingest(catalog, folder)
    catalog.set(1, subject="m9")
    (folder / "m1" / "1").rename(folder / "m1" / "5")
    found = _ingest(catalog, folder)
    assert (found.conflicts, _counts(found)) == ([], (0, 0, 1, 1))
    assert _names(catalog) == [("m9", "1"), ("m9", "5")]
    assert _paths(catalog) == ["m1/5/face.mp4"]
