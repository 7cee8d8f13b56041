"""Folders into rows: new, again, moved, changed, refused, skipped."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from mystax.core.events import Event
from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.ingest import ingest_folders
from mystax.engine.catalog.ingest_report import IngestReport, IngestWish
from mystax.engine.catalog.looking import ClockWish
from mystax.engine.catalog.tables import camera, flag, recording, video
from mystax.errors import CatalogError, ParameterError, RecipeError, VideoError
from mystax.io.fingerprint import quick_id
from tests.fixtures.sessions import OLD, clip, neuroblueprint, new_clip


def _codes(catalog: Catalog, number: int = 1) -> list[str]:
    with catalog.database.read() as connection:
        return sorted(connection.scalars(select(flag.c.code).where(flag.c.recording_id == number)))


def _counts(found: IngestReport) -> tuple[int, int, int, int]:
    return found.added, found.changed, found.moved, found.unchanged


def test_tree_becomes_rows_with_what_the_probe_says(any_catalog: Catalog, tmp_path: Path) -> None:
    files = neuroblueprint(tmp_path / "whisk", 2, 2, ("left", "right"))
    found = any_catalog.ingest(tmp_path / "whisk")
    assert (found.recordings, found.cameras, found.videos, *_counts(found)) == (4, 8, 8, 4, 0, 0, 0)
    with any_catalog.database.read() as connection:
        rows = connection.execute(select(video).order_by(video.c.path)).mappings().all()
        clocks = connection.scalars(select(camera.c.clock)).all()
    assert [row["quick_id"] for row in rows] == [quick_id(file) for file in sorted(files)]
    assert {(row["width"], row["height"], row["n_frames"], row["codec"], row["rate"]) for row in rows} == {
        (64, 48, 20, "h264", "30/1")
    }
    assert rows[0]["interval_median"] == pytest.approx(1 / 30)
    assert {clock["n_frames"] for clock in clocks} == {20}


def test_second_ingestion_reads_nothing(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    neuroblueprint(tmp_path / "whisk", 1, 2)
    catalog.ingest(tmp_path / "whisk")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was read")

    monkeypatch.setattr("mystax.engine.catalog.moves.quick_id", refuse)
    monkeypatch.setattr("mystax.engine.catalog.ingest.look_at_recording", refuse)
    assert _counts(catalog.ingest(tmp_path / "whisk")) == (0, 0, 0, 2)


def test_changed_file_is_told_with_v130_and_looked_at_again(catalog: Catalog, tmp_path: Path) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    new_clip(file, n_frames=30, when=OLD + 100)
    assert _counts(catalog.ingest(tmp_path / "whisk")) == (0, 1, 0, 0)
    assert "V130" in _codes(catalog)
    (row,) = catalog.recordings()
    assert (row["n_frames"], row["quality"]) == (30, "warned")


def test_touched_file_is_the_same_file(catalog: Catalog, tmp_path: Path) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    os.utime(file, (OLD + 500, OLD + 500))
    catalog.ingest(tmp_path / "whisk")
    assert "V130" not in _codes(catalog)
    assert _counts(catalog.ingest(tmp_path / "whisk")) == (0, 0, 0, 1)


def test_new_part_of_a_camera_joins_it(catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "whisk"
    pattern = "{subject}/{session}_part{part:int}.{video}"
    new_clip(folder / "m1" / "1_part1.mp4")
    catalog.ingest(folder, pattern=pattern)
    new_clip(folder / "m1" / "1_part2.mp4")
    assert _counts(catalog.ingest(folder, pattern=pattern)) == (0, 1, 0, 0)
    assert catalog.recordings()[0]["n_frames"] == 40


def test_file_that_went_away_is_told_and_its_camera_stays(catalog: Catalog, tmp_path: Path) -> None:
    _, right = neuroblueprint(tmp_path / "whisk", cameras=("left", "right"))
    catalog.ingest(tmp_path / "whisk")
    right.unlink()
    found = catalog.ingest(tmp_path / "whisk")
    assert _counts(found) == (0, 0, 0, 1)
    assert [Path(path).name for path in found.missing] == [right.name]
    assert catalog.recordings()[0]["cameras"] == ["left", "right"]


def test_same_content_in_two_recordings_is_a_note(catalog: Catalog, tmp_path: Path) -> None:
    file = new_clip(tmp_path / "whisk" / "m1" / "1.mp4")
    (tmp_path / "whisk" / "m2").mkdir()
    shutil.copy2(file, tmp_path / "whisk" / "m2" / "1.mp4")
    found = catalog.ingest(tmp_path / "whisk", pattern="{subject}/{session}.{video}")
    assert found.added == 2
    assert "duplicate" in _codes(catalog, 2)
    assert {row["quality"] for row in catalog.recordings()} == {"good"}


def test_one_content_in_two_cameras_of_a_recording_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    file = new_clip(tmp_path / "whisk" / "m1" / "left.mp4")
    shutil.copy2(file, file.with_name("right.mp4"))
    new_clip(tmp_path / "whisk" / "m2" / "left.mp4")
    found = catalog.ingest(tmp_path / "whisk", pattern="{subject}/{camera}.{video}")
    assert [error.code for error in found.conflicts] == ["P403"]
    assert "reading 2" in found.conflicts[0].got
    assert [row["subject"] for row in catalog.recordings()] == ["m2"]


def test_file_of_another_recording_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    for name in ("left", "right"):
        new_clip(tmp_path / "whisk" / "m1" / f"{name}.mp4")
    catalog.ingest(tmp_path / "whisk", pattern="{subject}/{camera}.{video}")
    found = catalog.ingest(tmp_path / "whisk", pattern="files")
    assert [error.code for error in found.conflicts] == ["P403", "P403"]
    assert len(catalog.recordings()) == 1


def test_files_of_two_recordings_are_not_made_one(catalog: Catalog, tmp_path: Path) -> None:
    for name in ("1", "2"):
        new_clip(tmp_path / "whisk" / "m1" / f"{name}.mp4")
    catalog.ingest(tmp_path / "whisk", pattern="{subject}/{session}.{video}")
    found = catalog.ingest(tmp_path / "whisk", pattern="folders")
    assert [error.code for error in found.conflicts] == ["P403"]
    assert len(catalog.recordings()) == 2


@pytest.mark.parametrize("dry_run", [False, True])
def test_session_of_the_same_name_at_another_place_is_refused_and_the_first_stays(
    catalog: Catalog, tmp_path: Path, dry_run: bool
) -> None:
    for disk in ("a", "b"):
        new_clip(tmp_path / disk / "whisk" / "m1" / "1.mp4")
    new_clip(tmp_path / "b" / "whisk" / "m2" / "1.mp4")
    pattern = "{subject}/{session}.{video}"
    catalog.ingest(tmp_path / "a" / "whisk", pattern=pattern)
    before = catalog.show(1)["cameras"]
    found = catalog.ingest(tmp_path / "b" / "whisk", pattern=pattern, dry_run=dry_run)
    assert [error.code for error in found.conflicts] == ["P403"]
    assert str(tmp_path / "a" / "whisk" / "m1" / "1.mp4") in found.conflicts[0].got
    assert str(tmp_path / "b" / "whisk" / "m1" / "1.mp4") in found.conflicts[0].got
    assert [row["subject"] for row in catalog.recordings()] == (["m1"] if dry_run else ["m1", "m2"])
    assert len(found.planned) == dry_run
    assert catalog.show(1)["cameras"] == before


def test_camera_that_moved_alone_takes_nothing_from_the_others(catalog: Catalog, tmp_path: Path) -> None:
    left, right = (new_clip(tmp_path / "a" / "w" / "m1" / f"{name}.mp4") for name in ("left", "right"))
    catalog.ingest(tmp_path / "a" / "w", pattern="{subject}/{camera}.{video}")
    (tmp_path / "b" / "w" / "m1").mkdir(parents=True)
    left.rename(tmp_path / "b" / "w" / "m1" / "left.mp4")
    found = catalog.ingest(tmp_path / "b" / "w", pattern="{subject}/{camera}.{video}")
    assert [error.code for error in found.conflicts] == ["P403"]
    assert str(right) in found.conflicts[0].got
    assert catalog.recordings()[0]["cameras"] == ["left", "right"]


def test_dry_run_writes_nothing_and_shows_flags_clocks_and_near_misses(
    catalog: Catalog, tmp_path: Path
) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    clip(file.with_name("sub-001_ses-01_cam-eye.mp4"), kind="gap", n_frames=60)
    new_clip(tmp_path / "whisk" / "rawdata" / "sub-001" / "ses-02" / "behv" / "a.mp4")
    found = catalog.ingest(tmp_path / "whisk", dry_run=True, clocks={"face": "rate:30"})
    (planned,) = found.planned
    assert planned["cameras"]["face"]["clock"] == "rate:30"
    assert planned["flags"] == ["C201", "V113"]
    assert [miss.failed for miss in found.unmatched] == ["behv"]
    assert not catalog.recordings()
    assert not catalog.roots().rows
    assert not catalog.out.exists()


def test_zero_matches_name_the_three_nearest_files(catalog: Catalog, tmp_path: Path) -> None:
    for number in range(4):
        new_clip(tmp_path / "whisk" / "rawdata" / f"m{number}" / "a.mp4")
    with pytest.raises(RecipeError, match="P403") as refused:
        catalog.ingest(tmp_path / "whisk")
    assert refused.value.got.count("is not 'sub-{subject}*'") == 3


def test_folder_that_is_not_there_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such folder"):
        catalog.ingest(tmp_path / "nothing")


def test_hidden_files_outcomes_and_other_suffixes_are_left_out(catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "whisk"
    new_clip(folder / "a.mp4")
    new_clip(folder / ".b.mp4")
    new_clip(folder / "a.mystax" / "overlay.mp4")
    (folder / "notes.txt").write_text("x")
    found = catalog.ingest(folder, pattern="files")
    assert (found.videos, found.unmatched) == (1, [])


def test_linked_folders_are_followed_once(catalog: Catalog, tmp_path: Path) -> None:
    new_clip(tmp_path / "whisk" / "m1" / "1.mp4")
    (tmp_path / "whisk" / "m1" / "again").symlink_to(tmp_path / "whisk", target_is_directory=True)
    assert catalog.ingest(tmp_path / "whisk", pattern="files").videos == 1


def test_nothing_is_written_below_the_folder(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    before = sorted(tmp_path.glob("whisk/**/*"))
    catalog.ingest(tmp_path / "whisk")
    assert sorted(tmp_path.glob("whisk/**/*")) == before


def test_name_that_is_no_text_is_refused_and_the_rest_goes_on(catalog: Catalog, tmp_path: Path) -> None:
    file = new_clip(tmp_path / "whisk" / "m1.mp4")
    shutil.copy2(file, os.fsdecode(os.fsencode(file.parent) + b"/m\xff.mp4"))
    found = catalog.ingest(tmp_path / "whisk", pattern="files")
    assert [error.code for error in found.conflicts] == ["P404"]
    assert found.added == 1


HOSTILE = (
    "a b.mp4",
    "$(touch X).mp4",
    "-i.mp4",
    'x";touch X;".mp4',
    "ünï\n.mp4",
    "'; DROP TABLE video; --.mp4",
)


def test_hostile_names_are_kept_as_they_are(any_catalog: Catalog, tmp_path: Path) -> None:
    for name in HOSTILE:
        new_clip(tmp_path / "whisk" / name)
    assert any_catalog.ingest(tmp_path / "whisk", pattern="files").added == len(HOSTILE)
    with any_catalog.database.read() as connection:
        assert set(connection.scalars(select(video.c.path))) == set(HOSTILE)


# ---------------------------------------------------------------- what could not be read once


def test_disk_that_could_not_be_read_once_is_read_again(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def refuse_video(*_: object, **__: object) -> None:
        raise VideoError("V131", "face.mp4", got="Input/output error")

    neuroblueprint(tmp_path / "whisk")
    with monkeypatch.context() as patch:
        patch.setattr("mystax.io.video.Video", refuse_video)
        patch.setattr("mystax.io.fingerprint.quick_id", refuse)
        catalog.ingest(tmp_path / "whisk")
    assert catalog.recordings()[0]["quality"] == "bad"
    assert _counts(catalog.ingest(tmp_path / "whisk")) == (0, 1, 0, 0)
    (row,) = catalog.recordings()
    assert (row["quality"], row["n_frames"]) == ("good", 20)
    assert _counts(catalog.ingest(tmp_path / "whisk")) == (0, 0, 0, 1)


def test_video_that_is_none_is_not_read_again(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "whisk" / "m1.mp4"
    file.parent.mkdir()
    file.write_bytes(b"no video" * 100)
    os.utime(file, (OLD, OLD))
    catalog.ingest(tmp_path / "whisk", pattern="files")
    assert catalog.recordings()[0]["quality"] == "bad"
    assert _counts(catalog.ingest(tmp_path / "whisk", pattern="files")) == (0, 0, 0, 1)


def test_clock_whose_file_came_late_is_read(catalog: Catalog, tmp_path: Path) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk", clocks="npy:times.npy")
    assert catalog.recordings()[0]["quality"] == "bad"
    _times(file.with_name("times.npy"), 20)
    assert _counts(catalog.ingest(tmp_path / "whisk")) == (0, 1, 0, 0)
    assert catalog.recordings()[0]["quality"] == "good"
    assert _counts(catalog.ingest(tmp_path / "whisk")) == (0, 0, 0, 1)


# ---------------------------------------------------------------- files that are being written


class _Hands:
    """A clock that stands, and a wait that does something."""

    def __init__(self, now: float, during: Path | None = None) -> None:
        self.time, self.during, self.slept = now, during, 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.time += seconds
        if self.during is not None:
            with self.during.open("ab") as file:
                file.write(b"more")


def _ingest(catalog: Catalog, folder: Path, hands: _Hands, *, wait: bool = True) -> IngestReport:
    wish = IngestWish("files", wait=wait)
    return ingest_folders(catalog.database, catalog.out, [folder], wish, now=hands.now, sleep=hands.sleep)


def test_file_written_a_moment_ago_is_waited_for(catalog: Catalog, tmp_path: Path) -> None:
    new_clip(tmp_path / "w" / "old.mp4")
    new_clip(tmp_path / "w" / "new.mp4", when=OLD + 996)
    hands = _Hands(OLD + 1000)
    assert _ingest(catalog, tmp_path / "w", hands).added == 2
    assert hands.slept == pytest.approx(6)


def test_file_that_grows_while_it_is_waited_for_is_skipped_and_named(
    catalog: Catalog, tmp_path: Path
) -> None:
    new_clip(tmp_path / "w" / "old.mp4")
    file = new_clip(tmp_path / "w" / "new.mp4", when=OLD + 996)
    found = _ingest(catalog, tmp_path / "w", _Hands(OLD + 1000, during=file))
    assert (found.added, [path for path, _ in found.skipped]) == (1, [str(file)])


def test_young_file_is_skipped_where_nobody_waits(catalog: Catalog, tmp_path: Path) -> None:
    new_clip(tmp_path / "w" / "new.mp4", when=OLD + 996)
    hands = _Hands(OLD + 1000)
    found = _ingest(catalog, tmp_path / "w", hands, wait=False)
    assert (found.added, len(found.skipped), hands.slept) == (0, 1, 0.0)


# ---------------------------------------------------------------- clocks and side files


def _times(path: Path, n: int) -> Path:
    np.save(path, np.arange(n) / 30.0)
    return path


def test_clock_is_kept_when_nobody_names_it_again_and_followed_when_its_file_changes(
    catalog: Catalog, tmp_path: Path
) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    times = _times(file.with_name("times.npy"), 20)
    catalog.ingest(tmp_path / "whisk", clocks="npy:times.npy")
    assert _counts(catalog.ingest(tmp_path / "whisk")) == (0, 0, 0, 1)
    before = catalog.show(1)["cameras"][0]["clock"]
    np.save(times, np.arange(20) / 30.0 + 1.0)
    assert _counts(catalog.ingest(tmp_path / "whisk")) == (0, 1, 0, 0)
    after = catalog.show(1)["cameras"][0]["clock"]
    assert after["spec"] == before["spec"]
    assert after["id"] != before["id"]


def test_counts_that_differ_are_c202_until_a_policy_is_named(catalog: Catalog, tmp_path: Path) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk")
    _times(file.with_name("times.npy"), 22)
    catalog.ingest(tmp_path / "whisk", clocks="npy:times.npy")
    assert catalog.recordings()[0]["quality"] == "bad"
    assert "C202" in _codes(catalog)
    catalog.ingest(tmp_path / "whisk", clocks="npy:times.npy", clock_policy="drop_tail")
    (row,) = catalog.recordings()
    assert (row["quality"], row["codes"].count("C202")) == ("warned", 1)


def test_clock_that_is_not_understood_is_refused_before_any_work(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    with pytest.raises(ParameterError, match="P401"):
        catalog.ingest(tmp_path / "whisk", clocks="sundial:noon")


def test_cameras_that_did_not_start_together_are_c201(catalog: Catalog, tmp_path: Path) -> None:
    (file,) = neuroblueprint(tmp_path / "whisk", cameras=("left",))
    new_clip(file.with_name("sub-001_ses-01_cam-right.mp4"), n_frames=40)
    catalog.ingest(tmp_path / "whisk")
    assert "C201" in _codes(catalog)
    assert catalog.recordings()[0]["quality"] == "bad"


# ---------------------------------------------------------------- roots, notes, the rest


def test_missing_subject_and_start_are_notes(catalog: Catalog, tmp_path: Path) -> None:
    new_clip(tmp_path / "w" / "face.mp4")
    catalog.ingest(tmp_path / "w", pattern="files")
    assert _codes(catalog) == ["no_start_time", "no_subject"]
    assert catalog.recordings()[0]["quality"] == "good"


def test_two_recordings_of_one_slug_get_folders_of_their_own(catalog: Catalog, tmp_path: Path) -> None:
    for project in ("a", "b"):
        new_clip(tmp_path / project / "m1" / "1.mp4")
        catalog.ingest(tmp_path / project, pattern="{subject}/{session}.{video}")
    assert [row["folder"] for row in catalog.recordings()] == ["m1/1", "m1/1-2"]


def test_progress_is_told_per_recording(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk", 1, 2)
    events: list[Event] = []
    catalog.ingest(tmp_path / "whisk", report=events.append)
    assert [(event.done, event.total) for event in events if event.kind == "progress"] == [(1, 2), (2, 2)]


def test_somebody_else_who_takes_in_the_same_is_told_with_q603(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk", 1, 2)
    nested: list[int] = []

    def report(event: Event) -> None:
        if event.kind == "progress" and not nested:
            nested.append(1)
            with Catalog.open(catalog.place.folder) as other:
                nested.append(other.ingest(tmp_path / "whisk").added)

    with pytest.raises(CatalogError, match="Q603") as refused:
        catalog.ingest(tmp_path / "whisk", report=report)
    assert refused.value.retry == "transient"
    assert nested == [1, 2]
    assert _counts(catalog.ingest(tmp_path / "whisk")) == (0, 0, 0, 2)


def test_wish_for_one_camera_goes_before_a_glob() -> None:
    wish = IngestWish(clocks={"left": ClockWish("rate:30"), "*": ClockWish("rate:25")})
    assert wish.clock_of("left", {}).spec == "rate:30"
    assert wish.clock_of("right", {"spec": "rate:20"}).spec == "rate:25"


def test_recording_rows_count(catalog: Catalog, tmp_path: Path) -> None:
    neuroblueprint(tmp_path / "whisk")
    catalog.ingest(tmp_path / "whisk")
    with catalog.database.read() as connection:
        (added,) = connection.scalars(select(recording.c.added)).all()
    assert added > OLD
