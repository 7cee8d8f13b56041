"""What the page lists: recordings of folders and of catalogues, under ids that stay."""

import shutil
from pathlib import Path

import pytest

import mystax
from mystax.app.collection import CatalogCollection, FolderCollection, Item, find, short_id
from mystax.core.geometry import roi_from_text
from mystax.engine.catalog.catalog import Catalog
from mystax.engine.labels.labels import Labels
from mystax.errors import AppError
from mystax.io.rois import rois_to_toml
from tests.fixtures.catalogues import make_lab, write_film
from tests.fixtures.videos import Shelf


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a/face.avi", "a/body.avi", "b/face.avi", ".hidden/no.avi"):
        write_film(tmp_path / name, 1, 4)
    (tmp_path / "a" / "notes.txt").write_text("x")
    return tmp_path


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Measure a film once."""
    folder = tmp_path_factory.mktemp("measured")
    mystax.run(write_film(folder / "face.avi", 1, 4), analyses=["motion"], report=False, isolated=False)
    return folder


def names(collection: FolderCollection | CatalogCollection) -> list[str]:
    return [item.name for item in collection.items()]


def test_each_video_is_a_recording(folder: Path) -> None:
    items = FolderCollection([folder]).items()
    assert [item.name for item in items] == ["body", "face", "face"]
    assert len({item.id for item in items}) == 3
    assert all(item.id.isalnum() and item.id.islower() and len(item.id) <= 40 for item in items)


def test_an_id_says_nothing_about_the_path_and_is_the_same_next_time(folder: Path) -> None:
    first, second = FolderCollection([folder]).items(), FolderCollection([folder]).items()
    assert [item.id for item in first] == [item.id for item in second]
    assert "face" not in first[1].id


def test_a_recording_keeps_its_id_when_it_is_measured(folder: Path, measured: Path) -> None:
    video = folder / "b" / "face.avi"
    before = FolderCollection([folder]).items()
    made = shutil.copytree(measured / "face.mystax", video.with_suffix(".mystax"))
    (measured / "face.avi").rename(measured / "moved.avi")
    try:
        after = FolderCollection([folder]).items()
    finally:
        (measured / "moved.avi").rename(measured / "face.avi")
    assert {item.id for item in after} == {item.id for item in before}
    found = next(item for item in after if item.folders)
    assert found.folders == (made,)
    assert list(found.cameras.values()) == [(video.resolve(),)]
    (outcome,) = found.outcomes()
    assert (outcome.analysis, outcome.camera) == ("motion", "")
    assert outcome.id.startswith(found.id + "o")
    assert len(outcome.id) <= 40


def test_regions_without_outcomes_make_no_second_recording(folder: Path) -> None:
    collection = FolderCollection([folder])
    item = next(item for item in collection.items() if item.name == "body")
    place = collection.roi_place(item)
    assert place == (folder / "a" / "body.mystax").resolve()
    place.mkdir()
    roi = roi_from_text("motion:rectangle:1,1,5,5")
    (place / "rois.toml").write_text(rois_to_toml([roi]))
    again = FolderCollection([folder])
    assert names(again) == names(collection)
    assert find(again.items(), item.id).folders == (place,)


def test_a_folder_of_outcomes_without_anything_is_left_out(folder: Path) -> None:
    (folder / "empty.mystax").mkdir()
    assert "empty" not in names(FolderCollection([folder]))


def test_label_sets_belong_to_the_recordings_beside_them(folder: Path) -> None:
    with Labels(folder / "a" / "points.labels", write=True):
        pass
    items = FolderCollection([folder]).items()
    assert [len(item.labels) for item in items] == [1, 1, 0]
    assert FolderCollection([folder]).label_place(items[0]) == (folder / "a").resolve()


def test_a_list_is_made_again_when_it_is_old_or_something_was_made(folder: Path) -> None:
    clock = Clock()
    collection = FolderCollection([folder], monotonic=clock)
    assert len(collection.items()) == 3
    write_film(folder / "c" / "new.avi", 2, 4)
    assert len(collection.items()) == 3
    clock.now = 3.0
    assert len(collection.items()) == 4
    write_film(folder / "c" / "newer.avi", 3, 4)
    collection.forget()
    assert len(collection.items()) == 5


def test_links_to_folders_are_not_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write_film(elsewhere / "secret.avi", 3, 4)
    (folder / "link").symlink_to(elsewhere)
    (folder / "round").symlink_to(folder)
    assert "secret" not in names(FolderCollection([folder]))


def test_an_unknown_id_is_refused(folder: Path) -> None:
    with pytest.raises(AppError, match="W903"):
        find(FolderCollection([folder]).items(), "f0")


def test_ids_differ_by_kind_and_words() -> None:
    assert len({short_id("a", "b", "c"), short_id("a", "bc"), short_id("x", "b", "c")}) == 3


def test_a_catalogue_gives_its_recordings_with_what_it_knows(tmp_path: Path) -> None:
    lab = make_lab(tmp_path, 2, n_frames=4, cameras=("face", "body"))
    clock = Clock()
    with Catalog.open(tmp_path) as catalog:
        collection = CatalogCollection(catalog, monotonic=clock)
        first, second = collection.items()
        assert (first.id, second.id) == ("r1", "r2")
        assert sorted(first.cameras) == ["body", "face"]
        assert all(path.is_file() for paths in first.cameras.values() for path in paths)
        assert first.head["quality"]
        assert (
            collection.roi_place(first)
            == collection.label_place(first)
            == lab.out / str(first.head["folder"])
        )
        assert first.outcomes() == []
        assert len(set(first.camera_ids().values()) | set(second.camera_ids().values())) == 4


def test_a_catalogue_shows_outcomes_and_labels_of_its_folders(tmp_path: Path, measured: Path) -> None:
    lab = make_lab(tmp_path, 1, n_frames=4)
    clock = Clock()
    with Catalog.open(tmp_path) as catalog:
        collection = CatalogCollection(catalog, monotonic=clock)
        item = collection.items()[0]
        place = lab.out / str(item.head["folder"])
        shutil.copytree(measured / "face.mystax", place / "quick")
        with Labels(place / "points.labels", write=True):
            pass
        assert collection.items()[0].folders == ()
        collection.forget()
        item = collection.items()[0]
        assert item.folders == (place / "quick",)
        assert [path.stem for path in item.labels] == ["points"]
        assert [outcome.analysis for outcome in item.outcomes()] == ["motion"]


def test_the_shelf_is_listed_without_being_read(shelf: Shelf) -> None:
    """A damaged video is a line of the list: it is opened only when it is shown."""
    path = shelf.take("clean")
    broken = path.with_name("broken.mp4")
    broken.write_bytes(path.read_bytes()[:100])
    assert "broken" in names(FolderCollection([path.parent]))
    broken.unlink()


def test_label_sets_of_videos_elsewhere_stay_within_the_folders_that_are_shown(tmp_path: Path) -> None:
    away, shown = tmp_path / "away", tmp_path / "shown"
    for place in (away, shown / "face.mystax"):
        place.mkdir(parents=True)
    item = Item("r1", "face", {"face": (away / "face.mp4",)}, (shown / "face.mystax",))
    assert FolderCollection([shown]).label_place(item) == shown
    assert FolderCollection([tmp_path]).label_place(item) == away


def test_a_root_that_is_away_takes_no_other_recordings_with_it(tmp_path: Path) -> None:
    make_lab(tmp_path, 1, n_frames=4)
    write_film(tmp_path / "disk" / "rec007" / "face.avi", 7, 4)
    clock = Clock()
    with Catalog.open(tmp_path) as catalog:
        assert catalog.ingest(tmp_path / "disk", pattern="folders").added == 1
        collection = CatalogCollection(catalog, monotonic=clock)
        before = collection.items()
        (tmp_path / "disk").rename(tmp_path / "unplugged")
        clock.now = 11.0
        here, away = collection.items()
        assert (here, away.id, away.name) == (before[0], before[1].id, before[1].name)
        assert (dict(away.cameras), list(away.head["codes"])) == ({}, [*before[1].head["codes"], "Q606"])
        (tmp_path / "unplugged").rename(tmp_path / "disk")
        clock.now = 22.0
        assert collection.items() == before
