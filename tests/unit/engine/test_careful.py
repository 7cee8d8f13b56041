"""Reading in pieces near a death: the same frames, known borders."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from mystax.core.recording import ArraySource
from mystax.engine.careful import WINDOW, CarefulSource, segment_at
from tests.fixtures.engine_toys import frames_of


class Keyed(ArraySource):
    """Frames with key frames, and a note of what was asked for."""

    def __init__(self, n: int, keys: list[int]) -> None:
        super().__init__(np.zeros((n, 2, 2), np.uint8), Fraction(10))
        self.key_frames = np.array(keys)


def test_without_key_frames_pieces_have_sixteen_frames() -> None:
    source = ArraySource(frames_of(0, 40, (4, 4)))
    assert [segment_at(source, frame) for frame in (0, 15, 16, 39)] == [(0, 16), (0, 16), (16, 32), (32, 40)]


def test_pieces_go_from_key_frame_to_key_frame() -> None:
    source = Keyed(100, [0, 30, 60, 90])
    assert [segment_at(source, frame) for frame in (0, 29, 30, 99)] == [(0, 30), (0, 30), (30, 60), (90, 100)]


def test_short_groups_are_joined_to_sixteen_frames() -> None:
    source = Keyed(60, list(range(60)))
    assert segment_at(source, 17) == (16, 32)


def test_pieces_cover_all_frames_once() -> None:
    source = Keyed(300, [0, 5, 40, 41, 90, 250])
    borders, at = [], 0
    while at < 300:
        start, at = segment_at(source, at)
        borders.append((start, at))
    assert borders[0][0] == 0
    assert all(one[1] == other[0] for one, other in pairwise(borders))


@pytest.mark.parametrize("size", [1, 7, 500])
@pytest.mark.parametrize("start", [0, 50, 130])
def test_frames_are_the_same(size: int, start: int) -> None:
    frames = frames_of(2, 200, (4, 5))
    plain = ArraySource(frames, Fraction(10))
    careful = CarefulSource(plain, 60)
    got = list(careful.chunks(start, size=size))
    np.testing.assert_array_equal(np.concatenate([chunk.codes for chunk in got]), frames[start:])
    adjacent = np.concatenate([chunk.adjacent for chunk in got])
    want = np.concatenate([chunk.adjacent for chunk in plain.chunks(start)])
    np.testing.assert_array_equal(adjacent, want)


def test_no_chunk_crosses_a_border_of_the_careful_part() -> None:
    careful = CarefulSource(ArraySource(frames_of(2, 200, (4, 5))), 60)
    starts = [int(chunk.index[0]) for chunk in careful.chunks(size=500)]
    assert starts[:4] == [0, 60, 64, 80]


def test_the_place_is_known_in_the_careful_part_only() -> None:
    careful = CarefulSource(ArraySource(np.zeros((3000, 2, 2), np.uint8)), 60)
    assert careful.piece(59) is None
    assert careful.piece(60) == (48, 64)
    assert careful.piece(60 + WINDOW) is None


def test_steps_go_to_the_source() -> None:
    careful = CarefulSource(ArraySource(frames_of(2, 50, (4, 5))), 0)
    assert np.concatenate([chunk.index for chunk in careful.chunks(step=7)]).tolist() == list(range(0, 50, 7))
