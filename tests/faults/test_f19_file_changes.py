"""F19: a file that grows or is overwritten while it is read is V130, not a mixture."""

import os
import shutil
from pathlib import Path

import pytest

from mystax.errors import VideoError
from mystax.io.video import Video
from tests.fixtures.reading import make, see, wrong_numbers

pytestmark = pytest.mark.fault(19)

CONTAINERS = ("mp4", "avi", "mkv")


def later(path: Path) -> None:
    """Give a file a newer time of change (file systems may count in coarse steps)."""
    stamp = path.stat().st_mtime_ns + 2_000_000_000
    os.utime(path, ns=(stamp, stamp))


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_growing_file_is_v130(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "growing", container)
    video = Video(truth.path)
    chunks = video.chunks(size=16)
    next(chunks)
    assert truth.grow is not None
    truth.grow()
    later(truth.path)
    with pytest.raises(VideoError) as caught:
        list(chunks)
    assert caught.value.code == "V130"
    assert caught.value.retry == "transient"


@pytest.mark.parametrize("container", CONTAINERS)
def test_an_overwritten_file_is_v130(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "clean", container)
    (tmp_path / "other").mkdir()
    other = make(tmp_path / "other", "clean", container, seed=5)
    video = Video(truth.path)
    chunks = video.chunks(size=16)
    next(chunks)
    shutil.copyfile(other.path, truth.path)
    later(truth.path)
    with pytest.raises(VideoError) as caught:
        list(chunks)
    assert caught.value.code == "V130"


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_file_that_grows_later_is_read_as_it_was_then_as_it_is(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "growing", container)
    before = see(truth)
    known = before.video.identity
    assert wrong_numbers(before, truth) == []
    assert "V101" in before.codes
    assert truth.grow is not None
    truth.grow()
    after = see(truth.path)
    assert after.barcodes == list(range(120))
    assert "V101" not in after.codes
    assert after.video.identity != known


@pytest.mark.parametrize("container", CONTAINERS)
def test_texts_that_are_not_utf8_do_no_harm(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "bad_metadata", container)
    seen = see(truth)
    assert wrong_numbers(seen, truth) == []
    assert seen.valid.all()
    assert all(isinstance(text, str) for text in seen.video.probe().metadata.values())
    assert sum(len(text) for text in seen.video.probe().metadata.values()) <= 4096
