"""The files beside a journal: set, sources, copies of frames, cache; each written in one step."""

import errno
from pathlib import Path

import numpy as np
import pytest
from xarray import Dataset

from mystax.core.keypoints import KeypointSet
from mystax.core.label_dataset import labels_to_dataset
from mystax.core.labels import LabelState
from mystax.errors import MystaxError, RecipeError, SpaceError
from mystax.io.label_files import CACHE, LabelFiles, Source
from tests.fixtures.faulty_fs import FaultyFs
from tests.fixtures.label_folders import make_operation

KEY = ("123-0123456789abcdef0123456789abcdef", 512)


def dataset() -> Dataset:
    state = LabelState(KeypointSet.load("mouse-face-13"))
    state.apply(make_operation(rev=1))
    return labels_to_dataset(state)


def test_set_is_read_as_it_was_written(tmp_path: Path) -> None:
    files = LabelFiles(tmp_path / "a.labels")
    assert not files.has_keypoints()
    with pytest.raises(RecipeError, match="no folder of labels"):
        files.read_keypoints()
    files.write_keypoints(KeypointSet.load("mouse-face-22"))
    assert files.read_keypoints() == KeypointSet.load("mouse-face-22")


def test_sources_are_kept_and_damage_to_them_is_no_loss(tmp_path: Path) -> None:
    files = LabelFiles(tmp_path)
    assert files.read_sources() == {}
    sources = {KEY[0]: Source("video", "/data/Ärmel.mp4", "left", 480, 640, 1 / 15360)}
    files.write_sources(sources)
    assert files.read_sources() == sources
    (tmp_path / "sources.json").write_text('{"a": {"kind": 3')
    assert files.read_sources() == {}


def test_copy_of_a_frame_is_kept_once_and_without_loss(tmp_path: Path) -> None:
    files = LabelFiles(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
    files.keep_frame(KEY, pixels)
    assert files.frame_path(KEY) == tmp_path / "frames" / KEY[0] / "512.png"
    files.keep_frame(KEY, pixels + 1)
    np.testing.assert_array_equal(files.read_frame(KEY), pixels)


def test_fingerprint_from_outside_stays_in_the_folder(tmp_path: Path) -> None:
    files = LabelFiles(tmp_path)
    for evil in ("../../evil", "/etc/passwd", "con", "a" * 400):
        assert (tmp_path / "frames") in files.frame_path((evil, 1)).parents
        assert ".." not in files.frame_path((evil, 1)).parts


def test_cache_is_read_for_its_state_only(tmp_path: Path) -> None:
    files = LabelFiles(tmp_path)
    assert files.read_cache("1-a") is None
    labels = dataset()
    files.write_cache(labels, "1-a")
    found = files.read_cache("1-a")
    assert found is not None
    assert found.identical(labels)
    assert files.read_cache("2-b") is None


def test_cache_whose_bytes_changed_is_not_believed(tmp_path: Path) -> None:
    files = LabelFiles(tmp_path)
    files.write_cache(dataset(), "1-a")
    whole = (tmp_path / CACHE).read_bytes()
    wrong = 0
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        changed = bytearray(whole)
        changed[at] ^= 0x10
        (tmp_path / CACHE).write_bytes(bytes(changed))
        found = files.read_cache("1-a")
        wrong += found is not None and not found.identical(dataset())
    assert wrong == 0


@pytest.mark.parametrize("step", range(1, 6))
def test_write_that_fails_leaves_the_old_file_and_no_part(tmp_path: Path, step: int) -> None:
    fs = FaultyFs()
    files = LabelFiles(tmp_path, fs)
    files.write(tmp_path / "a.txt", b"old")
    fs.at, fs.error, fs.lasting = fs.n_steps + step, errno.ENOSPC, False
    try:
        files.write(tmp_path / "a.txt", b"new")
    except SpaceError:
        pass
    except MystaxError as error:
        pytest.fail(f"another error: {error}")
    assert (tmp_path / "a.txt").read_bytes() in (b"old", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
