"""What labels are put on: videos by stamps, pictures, frames in memory."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.core.clock import Clock
from mystax.core.recording import ArraySource
from mystax.engine.labels.footage import fingerprint_of, footage_of_pixels, open_footage
from mystax.errors import MystaxError, ParameterError, RecipeError, VideoError
from mystax.io.fingerprint import quick_id
from mystax.io.video import Video, VideoWriter
from tests.fixtures.label_folders import write_picture

FRAMES = np.random.default_rng(0).integers(0, 256, (6, 24, 32), dtype=np.uint8)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "face.mp4"
    with VideoWriter(path, size=(32, 24), rate=Fraction(25)) as writer:
        for frame in FRAMES:
            writer.write(frame)
    return path


def test_video_gives_stamps_and_frames_for_each_other(film: Path) -> None:
    footage = open_footage(film)
    stamps = [footage.stamp(k) for k in range(footage.n_frames)]
    assert stamps == sorted(set(stamps))
    assert [footage.frame_of(stamp) for stamp in stamps] == list(range(6))
    assert footage.frame_of(stamps[-1] + 1) == footage.frame_of(stamps[0] - 1) == -1
    assert footage.source.tick * (stamps[1] - stamps[0]) == pytest.approx(1 / 25)
    np.testing.assert_array_equal(footage.pixels(3), Video([film]).frame_at(3).data[0])
    footage.close()


def test_stamps_are_those_of_the_file_whatever_clock_is_given(film: Path) -> None:
    plain = open_footage(film)
    other = Video([film]).with_clock(Clock(np.arange(6) * 7, Fraction(1, 100)))
    footage = open_footage(other)
    assert [footage.stamp(k) for k in range(6)] == [plain.stamp(k) for k in range(6)]
    assert footage.fingerprint == plain.fingerprint == quick_id(film)
    for one in (plain, footage, other):
        one.close()


def test_consecutive_files_have_an_identity_of_their_own(film: Path, tmp_path: Path) -> None:
    second = tmp_path / "face2.mp4"
    with VideoWriter(second, size=(32, 24), rate=Fraction(25)) as writer:
        for frame in FRAMES[::-1]:
            writer.write(frame)
    both = open_footage(Video([film, second]))
    assert both.n_frames == 12
    assert both.fingerprint.startswith("joined-")
    assert both.fingerprint == fingerprint_of([quick_id(film), quick_id(second)])
    assert both.fingerprint != open_footage(Video([second, film])).fingerprint


@pytest.mark.parametrize("frame", [-1, 6])
def test_frame_that_is_not_there_is_refused(film: Path, frame: int) -> None:
    with pytest.raises(ParameterError, match="0 to 5"):
        open_footage(film).stamp(frame)


def test_frame_that_cannot_be_read_is_refused() -> None:
    reason = np.array([0, 1, 0, 0, 0, 0], np.uint8)
    with pytest.raises(VideoError, match="V105"):
        open_footage(ArraySource(FRAMES, 25, reason=reason)).pixels(1)


def test_source_that_was_open_stays_open(film: Path) -> None:
    class Watched(ArraySource):
        closed = False

        def close(self) -> None:
            self.closed = True

    source = Watched(FRAMES, 25)
    open_footage(source).close()
    assert not source.closed


def test_picture_is_one_frame_with_a_number_from_its_name(tmp_path: Path) -> None:
    footage = open_footage(write_picture(tmp_path / "mouse3" / "img_20_0041.png"))
    assert (footage.n_frames, footage.stamp(0), footage.frame_of(0), footage.frame_of(5)) == (1, 0, 0, -1)
    assert (footage.number, footage.source.camera, footage.source.kind) == (41, "mouse3", "picture")
    assert open_footage(write_picture(tmp_path / "a" / "face.png")).number == 0


def test_pixels_in_memory_are_named_by_content() -> None:
    one, same, other = (
        footage_of_pixels(FRAMES[0], "a"),
        footage_of_pixels(FRAMES[0].copy(), "b"),
        footage_of_pixels(FRAMES[1], "a"),
    )
    assert one.fingerprint == same.fingerprint != other.fingerprint
    np.testing.assert_array_equal(one.pixels(0), FRAMES[0])


def test_missing_file_and_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such video or picture"):
        open_footage(tmp_path / "nothing.mp4")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(MystaxError, match="V104"):
        open_footage(tmp_path / "notes.txt")
