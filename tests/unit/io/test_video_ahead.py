"""Tests of `mystax.io.video_ahead`: order, errors, and a thread that ends."""

import gc
import threading
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from mystax.core.recording import FrameChunk, GreyMap
from mystax.errors import VideoError
from mystax.io.video import Video
from mystax.io.video_ahead import read_ahead
from mystax.synth import faulty_video


def chunk(number: int) -> FrameChunk:
    one = np.array([number])
    return FrameChunk(
        one,
        one.astype(float),
        np.zeros((1, 2, 2), np.uint8),
        GreyMap(),
        one >= 0,
        np.zeros(1, np.uint8),
        one < 0,
    )


def n_readers() -> int:
    return sum(thread.name == "mystax-reader" for thread in threading.enumerate())


def test_reading_ahead_keeps_the_order() -> None:
    assert [int(item.index[0]) for item in read_ahead(chunk(k) for k in range(50))] == list(range(50))


def test_reading_ahead_is_at_most_two_chunks_ahead() -> None:
    made: list[int] = []

    def slow() -> Generator[FrameChunk, None, None]:
        for k in range(50):
            made.append(k)
            yield chunk(k)

    ahead = read_ahead(slow())
    next(ahead)
    ahead.close()
    assert len(made) <= 4


def test_error_of_the_reader_is_raised_behind_the_chunks_before_it() -> None:
    def broken() -> Generator[FrameChunk, None, None]:
        yield chunk(0)
        yield chunk(1)
        raise VideoError("V131", "a.mp4")

    ahead = read_ahead(broken())
    assert [int(next(ahead).index[0]) for _ in range(2)] == [0, 1]
    with pytest.raises(VideoError, match="V131"):
        next(ahead)
    assert n_readers() == 0


def test_reader_that_is_left_ends_and_closes_its_source(tmp_path: Path) -> None:
    clean = tmp_path / "clean.mp4"
    faulty_video(clean, "clean", n_frames=30, size=(64, 48))
    closed = threading.Event()

    def watched() -> Generator[FrameChunk, None, None]:
        try:
            yield from (chunk(k) for k in range(1000))
        finally:
            closed.set()

    ahead = read_ahead(watched())
    next(ahead)
    ahead.close()
    assert closed.is_set()
    assert n_readers() == 0
    for _ in Video(clean).chunks(size=5):
        break
    gc.collect()
    assert n_readers() == 0
