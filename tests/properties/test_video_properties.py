"""What must hold for every video: chunks, threads, poison, places and ways to read change nothing."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.geometry import Box
from mystax.io.video import Video
from mystax.synth import Truth
from tests.fixtures.reading import Seen, make, see


class Source(NamedTuple):
    """A video, read once from end to end."""

    truth: Truth
    seen: Seen


KINDS = [
    ("clean", "mp4", "h264"),
    ("b_frames", "mkv", "h264"),
    ("order_route", "avi", "h264"),
    ("open_gop", "mp4", "h264"),
    ("flipped_few", "mp4", "h264"),
    ("zeroed", "mkv", "mpeg4"),
    ("zeroed", "avi", "mjpeg"),
    ("flipped_few", "mkv", "ffv1"),
    ("vfr", "mkv", "mpeg4"),
    ("gray12", "mkv", "ffv1"),
]


@pytest.fixture(scope="module", params=KINDS, ids=["-".join(kind) for kind in KINDS])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    kind, container, codec = request.param
    truth = make(tmp_path_factory.mktemp("video"), kind, container, codec, n_frames=60)
    return Source(truth, see(truth))


def assert_equal(one: Seen, other: Seen) -> None:
    """Compare two readings; pixels on valid rows only."""
    for name in ("index", "valid", "reason", "adjacent"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.time, other.time)
    np.testing.assert_array_equal(one.data[one.valid], other.data[one.valid])


@pytest.mark.parametrize("size", [1, 7, 32, 500])
def test_chunk_size_changes_nothing(size: int, source: Source) -> None:
    """Acceptance 13."""
    assert_equal(see(source.truth, size=size), source.seen)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_thread_count_changes_nothing(threads: int, source: Source) -> None:
    assert_equal(see(source.truth, threads=threads), source.seen)


@pytest.mark.parametrize("poison", [1, 255])
def test_poison_changes_no_valid_row(poison: int, source: Source) -> None:
    poisoned = see(source.truth, poison=poison)
    assert_equal(poisoned, source.seen)
    codes = np.concatenate([chunk.codes for chunk in poisoned.video.chunks()])
    assert (codes[~poisoned.valid] == poison).all()


def test_reading_again_changes_nothing(source: Source) -> None:
    assert_equal(see(source.seen.video), source.seen)
    assert_equal(see(source.seen.video.copy()), source.seen)


@settings(deadline=None, max_examples=6)
@given(data=st.data())
def test_a_part_is_the_same_as_in_the_whole(data: st.DataObject, source: Source) -> None:
    n = len(source.seen.index)
    start = data.draw(st.integers(0, n - 1))
    stop = data.draw(st.integers(start + 1, n))
    step = data.draw(st.sampled_from([1, 2, 7]))
    size = data.draw(st.sampled_from([None, 5]))
    chunks = list(source.seen.video.chunks(start, stop, step, size=size))
    frames = np.arange(start, stop, step)
    np.testing.assert_array_equal(np.concatenate([chunk.index for chunk in chunks]), frames)
    valid = np.concatenate([chunk.valid for chunk in chunks])
    np.testing.assert_array_equal(valid, source.seen.valid[frames])
    pixels = np.concatenate([chunk.data for chunk in chunks])
    np.testing.assert_array_equal(pixels[valid], source.seen.data[frames][valid])


@settings(deadline=None, max_examples=6)
@given(data=st.data())
def test_a_box_is_the_same_as_in_the_whole_picture(data: st.DataObject, source: Source) -> None:
    height, width = source.seen.video.shape
    x0, y0 = data.draw(st.integers(0, width - 2)), data.draw(st.integers(0, height - 2))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    chunk = next(iter(source.seen.video.chunks(0, 20, box=Box(x0, y0, x1, y1))))
    assert chunk.origin == (x0, y0)
    whole = source.seen.data[:20, y0:y1, x0:x1]
    np.testing.assert_array_equal(chunk.data[chunk.valid], whole[chunk.valid])


@settings(deadline=None, max_examples=10)
@given(data=st.data())
def test_any_frame_is_its_sequential_twin_in_any_order_of_asking(data: st.DataObject, source: Source) -> None:
    last = len(source.seen.index) - 1
    for frame in data.draw(st.lists(st.integers(0, last), min_size=1, max_size=4)):
        single = source.seen.video.frame_at(frame)
        assert single.index.tolist() == [frame]
        assert single.valid[0] == source.seen.valid[frame]
        assert single.time[0] == source.seen.time[frame]
        if single.valid[0]:
            np.testing.assert_array_equal(single.data[0], source.seen.data[frame])


def test_rows_are_valid_exactly_where_the_reason_is_good(source: Source) -> None:
    np.testing.assert_array_equal(source.seen.valid, source.seen.reason == 0)
    np.testing.assert_array_equal(source.seen.index, np.arange(len(source.seen.index)))
    assert (np.diff(source.seen.time) > 0).all()


def test_pixels_cannot_be_changed_by_a_caller(source: Source) -> None:
    chunk = next(iter(source.seen.video.chunks()))
    with pytest.raises(ValueError, match="read-only"):
        chunk.codes[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        chunk.data[0, 0, 0] = 1


def test_stopping_early_leaves_a_reader_that_works(source: Source) -> None:
    chunks = source.seen.video.chunks(size=8)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]  # it is a generator
    assert_equal(see(source.seen.video), source.seen)


def test_sample_places_do_not_depend_on_what_was_read_before(source: Source) -> None:
    fresh = Video(source.truth.path).sample(4)
    used = source.seen.video.sample(4)
    np.testing.assert_array_equal(fresh.index, used.index)
    np.testing.assert_array_equal(fresh.data, used.data)
    assert fresh.valid.all()
