"""Tests of `mystax.io.video_chunks`: chunks of any size, missing rows, policies."""

import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mystax.core.geometry import Box
from mystax.core.recording import Reason
from mystax.errors import ParameterError, VideoError
from mystax.io.video import Video, VideoWriter
from mystax.synth import faulty_video, read_barcode

RATE = Fraction(30)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clean") / "clean.mp4"
    faulty_video(path, "clean", n_frames=90, key_interval=20, b_frames=2, size=(64, 48))
    return path


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("damaged") / "damaged.mp4"
    faulty_video(path, "zeroed", n_frames=90, key_interval=20, size=(64, 48))
    return path


def rows(video: Video, size: int | None = None, **how: object) -> dict[str, np.ndarray]:
    chunks = list(video.chunks(size=size, **how))  # type: ignore[arg-type]  # options of one call
    names = ("index", "time", "codes", "valid", "reason", "adjacent")
    return {name: np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in names}


def equal(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("size", [1, 7, 64, 500])
@pytest.mark.parametrize("threads", [1, 2])
def test_chunk_size_and_threads_change_nothing(size: int, threads: int, clean: Path, damaged: Path) -> None:
    for path in (clean, damaged):
        assert equal(rows(Video(path, threads=threads), size), rows(Video(path, threads=1), 33))


@pytest.mark.parametrize(("limit", "reads_ahead"), [(1, False), (2, True)])
def test_with_one_thread_nothing_is_read_ahead(limit: int, reads_ahead: bool, clean: Path) -> None:
    video = Video(clean, threads=4)
    video.limit_threads(limit)
    chunks = video.chunks(size=10)
    next(chunks)
    readers = [thread.name for thread in threading.enumerate() if thread.name == "mystax-reader"]
    chunks.close()  # type: ignore[attr-defined]  # it is a generator
    assert bool(readers) is reads_ahead
    assert equal(rows(video, 10), rows(Video(clean), 10))


def test_a_limit_never_adds_threads(clean: Path) -> None:
    video = Video(clean, threads=1)
    video.limit_threads(8)
    assert video.spec()["threads"] == 1
    with pytest.raises(ParameterError) as caught:
        video.limit_threads(0)
    assert caught.value.code == "P401"


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, 95), length=st.integers(0, 60), step=st.integers(1, 9), size=st.integers(1, 40))
def test_any_part_equals_the_part_of_the_whole(
    start: int, length: int, step: int, size: int, damaged: Path
) -> None:
    video = Video(damaged, threads=1)
    whole = rows(video)
    wanted = list(range(start, min(start + length, 90), step))
    chunks = list(video.chunks(start, start + length, step, size=size))
    assert [int(frame) for chunk in chunks for frame in chunk.index] == wanted
    for chunk in chunks:
        np.testing.assert_array_equal(chunk.codes, whole["codes"][chunk.index])
        np.testing.assert_array_equal(chunk.reason, whole["reason"][chunk.index])
        np.testing.assert_array_equal(chunk.time, whole["time"][chunk.index])


def test_box_crops_and_says_where(clean: Path) -> None:
    video = Video(clean)
    whole = next(iter(video.chunks(size=5)))
    part = next(iter(video.chunks(size=5, box=Box(10, 4, 30, 24))))
    np.testing.assert_array_equal(part.codes, whole.codes[:, 4:24, 10:30])
    assert part.origin == (10, 4)


def test_box_beyond_the_picture_is_clipped(clean: Path) -> None:
    chunk = next(iter(Video(clean).chunks(size=5, box=Box(-5, 40, 1000, 1000))))
    assert chunk.codes.shape == (5, 8, 64)
    assert chunk.origin == (0, 40)


def test_chunks_are_read_only(clean: Path) -> None:
    chunk = next(iter(Video(clean).chunks(size=5)))
    assert not chunk.codes.flags.writeable
    assert not chunk.data.flags.writeable


def test_kept_chunks_are_not_written_over(clean: Path) -> None:
    video = Video(clean)
    kept = list(video.chunks(size=10))
    again = rows(video)
    np.testing.assert_array_equal(np.concatenate([chunk.codes for chunk in kept]), again["codes"])


def test_barcode_of_every_frame_is_its_number(clean: Path) -> None:
    for chunk in Video(clean).chunks(size=13):
        assert [read_barcode(picture) for picture in chunk.data] == chunk.index.tolist()


def test_poison_fills_missing_rows_and_changes_nothing_else(damaged: Path) -> None:
    zero, poisoned = rows(Video(damaged)), rows(Video(damaged, poison=171))
    bad = ~zero["valid"]
    assert bad.any()
    assert not zero["codes"][bad].any()
    assert (poisoned["codes"][bad] == 171).all()
    np.testing.assert_array_equal(zero["codes"][~bad], poisoned["codes"][~bad])
    np.testing.assert_array_equal(zero["reason"], poisoned["reason"])


def test_marked_damage_is_missing_and_kept_damage_is_valid(damaged: Path) -> None:
    marked, kept = rows(Video(damaged)), rows(Video(damaged, damage="keep"))
    np.testing.assert_array_equal(marked["reason"], kept["reason"])
    np.testing.assert_array_equal(marked["valid"], marked["reason"] == 0)
    np.testing.assert_array_equal(kept["valid"], np.isin(kept["reason"], (0, 2, 3)))
    assert kept["valid"].sum() > marked["valid"].sum()
    doubtful = kept["reason"] == Reason.DOUBTFUL
    assert kept["codes"][doubtful].any(axis=(1, 2)).all()


def test_refused_damage_names_the_first_frame(damaged: Path) -> None:
    first = int(np.flatnonzero(rows(Video(damaged))["reason"])[0])
    with pytest.raises(VideoError, match=rf"V105.*frame {first} is damaged"):
        rows(Video(damaged, damage="refuse"))


def test_undamaged_file_passes_where_damage_is_refused(clean: Path) -> None:
    assert rows(Video(clean, damage="refuse"))["valid"].all()


def test_step_makes_no_neighbours(clean: Path) -> None:
    assert not rows(Video(clean), step=2)["adjacent"].any()
    assert rows(Video(clean))["adjacent"].sum() == 89


def test_damage_that_was_found_stands_in_the_flags(damaged: Path) -> None:
    video = Video(damaged)
    assert "V105" not in {flag.code for flag in video.flags}
    missing = np.flatnonzero(rows(video)["reason"])
    flag = next(flag for flag in video.flags if flag.code == "V105")
    assert flag.frames == tuple(missing[:100].tolist())
    assert video.coverage == pytest.approx((90 - len(missing)) / 90)
    assert video.copy().coverage == video.coverage


def test_pictures_of_another_size_are_missing_up_to_one_percent(tmp_path: Path) -> None:
    few = faulty_video(tmp_path / "few.mp4", "two_sizes", n_frames=120, size=(64, 48))
    video = Video(few.path)
    reason = rows(video)["reason"]
    assert np.flatnonzero(reason == Reason.OTHER_SIZE).tolist() == list(few.special)
    assert "V120" in {flag.code for flag in video.flags}
    many = faulty_video(tmp_path / "many.mp4", "two_sizes_half", n_frames=120, size=(64, 48))
    with pytest.raises(VideoError, match="V120"):
        rows(Video(many.path))


def _ranges(folder: Path, *parts: tuple[str | None, int]) -> Path:
    """Write a bare H.264 stream whose range tag changes: one part behind the other."""
    path = folder / "ranges.264"
    content = b""
    for k, (tag, n) in enumerate(parts):
        piece = folder / f"{k}.264"
        # x264 writes the tag of a limited range only beside primaries
        more = {} if tag is None else {"x264-params": "colorprim=bt709"}
        options = {"g": "10", "bf": "0", "qp": "10"} | more
        with VideoWriter(
            piece, size=(64, 48), rate=RATE, container="h264", color_range=tag, options=options
        ) as out:
            for _ in range(n):
                out.write(np.tile(np.linspace(40, 200, 64).astype(np.uint8), (48, 1)))
        content += piece.read_bytes()
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("first", ["tv", "pc", None])
def test_pictures_of_another_range_are_missing_up_to_one_percent(first: str | None, tmp_path: Path) -> None:
    other = "tv" if first == "pc" else "pc"
    video = Video(_ranges(tmp_path, (first, 119), (other, 1)), rate=RATE)
    reason = rows(video)["reason"]
    assert np.flatnonzero(reason == Reason.OTHER_SIZE).tolist() == [119]
    assert [int(video.frame_at(frame).reason[0]) for frame in (119, 118)] == [Reason.OTHER_SIZE, Reason.GOOD]
    flag = next(flag for flag in video.flags if flag.code == "V120")
    assert (flag.frames, "range" in flag.text) == ((119,), True)


def test_range_that_changes_for_good_is_refused_unless_the_user_says_one(tmp_path: Path) -> None:
    path = _ranges(tmp_path, (None, 40), ("pc", 40))
    with pytest.raises(VideoError, match=r"V120.*limited range"):
        rows(Video(path, rate=RATE))
    assert rows(Video(path, rate=RATE, grey_range="full"))["valid"].all()


@pytest.mark.parametrize("parts", [("tv", None), (None, "tv"), ("pc", None)])
def test_range_that_is_not_named_again_is_the_one_before(
    parts: tuple[str | None, ...], tmp_path: Path
) -> None:
    video = Video(_ranges(tmp_path, *((part, 40) for part in parts)), rate=RATE)
    assert rows(video)["valid"].all()
    assert video.frame_at(70).valid.all()


def test_file_that_changes_while_it_is_read_is_v130(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    faulty_video(path, "clean", container="mkv", n_frames=60, size=(64, 48))
    video = Video(path)
    chunks = video.chunks(size=10)
    next(iter(chunks))
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(VideoError, match="V130"):
        list(chunks)


def test_file_that_is_only_touched_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    faulty_video(path, "clean", container="mkv", n_frames=60, size=(64, 48))
    video = Video(path)
    assert video.identity
    path.touch()
    assert len(rows(video)["index"]) == 60


def test_two_readers_of_one_camera_do_not_disturb_each_other(clean: Path) -> None:
    video = Video(clean)
    pairs = zip(video.chunks(size=10), video.copy().chunks(size=10), strict=True)
    assert all(np.array_equal(one.codes, two.codes) for one, two in pairs)


def test_request_for_nothing_gives_nothing(clean: Path) -> None:
    assert list(Video(clean).chunks(50, 50)) == []
    assert list(Video(clean).chunks(1000)) == []


@pytest.mark.parametrize("wrong", [{"start": -1}, {"step": 0}, {"size": 0}])
def test_impossible_request_is_refused(wrong: dict[str, int], clean: Path) -> None:
    with pytest.raises(ParameterError, match="P401"):
        list(Video(clean).chunks(**wrong))  # type: ignore[arg-type]  # on purpose
