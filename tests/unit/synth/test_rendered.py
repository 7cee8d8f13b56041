"""Frames made on demand."""

from fractions import Fraction

import numpy as np
import pytest

from mystax.core.geometry import Box
from mystax.core.recording import FrameSource
from mystax.synth.rendered import RenderedSource


def picture(frame: int) -> np.ndarray:
    y, x = np.mgrid[0:20, 0:30]
    return np.asarray((7 * frame + x + 3 * y) % 256, np.uint8)


def ramp(n: int = 50, name: str = "ramp") -> RenderedSource:
    return RenderedSource(picture, (20, 30), n, Fraction(25), name)


def test_it_is_a_frame_source() -> None:
    assert isinstance(ramp(), FrameSource)
    assert (ramp().shape, ramp().bits, ramp().n_frames, ramp().flags) == ((20, 30), 8, 50, ())


def test_chunks_hold_the_frames_in_order() -> None:
    chunks = list(ramp().chunks(size=16))
    assert [len(chunk) for chunk in chunks] == [16, 16, 16, 2]
    assert np.concatenate([chunk.index for chunk in chunks]).tolist() == list(range(50))
    for chunk in chunks:
        for place, frame in enumerate(chunk.index):
            np.testing.assert_array_equal(chunk.data[place], picture(int(frame)))


def test_times_are_those_of_the_rate() -> None:
    np.testing.assert_allclose(ramp().times, np.arange(50) / 25)
    assert ramp().clock.is_constant


def test_all_frames_but_the_first_have_a_predecessor() -> None:
    (chunk,) = ramp().chunks()
    assert chunk.adjacent.tolist() == [False] + [True] * 49
    assert chunk.valid.all()


def test_frames_that_are_left_out_break_pairs() -> None:
    (chunk,) = ramp().chunks(3, 20, 4)
    assert chunk.index.tolist() == [3, 7, 11, 15, 19]
    assert not chunk.adjacent.any()


def test_a_box_is_a_part_of_the_frame() -> None:
    (chunk,) = ramp().chunks(0, 2, box=Box(4, 5, 10, 9))
    assert chunk.origin == (4, 5)
    np.testing.assert_array_equal(chunk.data[1], picture(1)[5:9, 4:10])


def test_frames_are_read_only() -> None:
    (chunk,) = ramp(2).chunks()
    with pytest.raises(ValueError, match="read-only"):
        chunk.codes[0, 0, 0] = 1


def test_one_frame_equals_the_frame_in_order() -> None:
    np.testing.assert_array_equal(ramp().frame_at(33).data[0], picture(33))
    with pytest.raises(IndexError, match="frame 50"):
        ramp().frame_at(50)


def test_samples_lie_evenly_between_the_ends() -> None:
    index = ramp().sample(8).index
    assert len(index) == 8
    assert (index[0], index[-1]) == (1, 48)
    assert set(np.diff(index).tolist()) <= {6, 7}


def test_short_sources_give_all_their_frames_as_samples() -> None:
    assert ramp(3).sample(8).index.tolist() == [0, 1, 2]
    assert len(ramp(0).sample(8)) == 0


def test_identity_is_that_of_the_frames() -> None:
    assert ramp().identity == ramp().identity
    assert ramp().identity != ramp(49).identity
    assert ramp().identity != ramp(name="other").identity


def test_copies_give_the_same_frames() -> None:
    source = ramp()
    copy = source.copy()
    source.close()
    np.testing.assert_array_equal(copy.frame_at(5).data, source.frame_at(5).data)
