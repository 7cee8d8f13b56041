"""The face box, found with a network that knows where the face is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from mystax.core.typing import Float32, Shaped
from mystax.nets.crop import CropBox
from mystax.nets.face_box import EYE_NOSE, FOUND, BoxPoints, Placer, box_about, find_face_box

POINTS = BoxPoints(np.array([0, 1]), np.array([2, 3]), np.array([0, 1, 2, 3]))
FRAMES = [np.zeros((1024, 1280), np.uint8)] * 24


@dataclass
class Face:
    """A network that sees one face where it is upright in the box and neither too small nor too large."""

    eye: tuple[float, float]
    nose: tuple[float, float]
    turns: int = 0
    least: float = 0.12
    most: float = 0.7

    def points(self) -> Float32[np.ndarray, "keypoint space"]:
        eye, nose = np.array(self.eye), np.array(self.nose)
        across = np.array([-(nose - eye)[1], (nose - eye)[0]]) * 0.12
        return np.array([eye - across, eye + across, nose - across / 2, nose + across / 2], np.float32)

    def __call__(
        self, frames: Sequence[Shaped[np.ndarray, "y x"]], box: CropBox
    ) -> tuple[Float32[np.ndarray, "n keypoint space"], Float32[np.ndarray, "n keypoint"]]:
        points = self.points()
        apart = np.linalg.norm(np.subtract(self.eye, self.nose)) / box.side
        inside = (points >= [box.x - 0.5, box.y - 0.5]) & (
            points <= [box.x + box.side - 0.5, box.y + box.side - 0.5]
        )
        good = inside.all(axis=1) & (box.quarter_turns == self.turns) & (self.least < apart < self.most)
        # A face of the middle size is the surest.
        sure = np.where(good, 0.95 - abs(apart - EYE_NOSE), 0.02).astype(np.float32)
        n = len(frames)
        return np.tile(points, (n, 1, 1)), np.tile(sure, (n, 1))


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("eye", "nose"),
    [((900.0, 300.0), (700.0, 380.0)), ((500.0, 500.0), (620.0, 520.0)), ((200, 850), (90, 900))],
)
def test_the_box_is_about_the_face_and_has_its_size(
    eye: tuple[float, float], nose: tuple[float, float], turns: int
) -> None:
    found = find_face_box(FRAMES, Face(eye, nose, turns), POINTS)
    assert found.is_found
    assert found.box.quarter_turns == turns
    apart = np.linalg.norm(np.subtract(eye, nose)) / found.box.side
    assert 0.3 < apart <= EYE_NOSE + 1e-6
    middle = np.array([found.box.x, found.box.y]) + found.box.side / 2 - 0.5
    assert np.linalg.norm(middle - np.mean([eye, nose], axis=0)) < 0.1 * found.box.side


def test_a_box_may_hang_over_the_edge_of_the_frame() -> None:
    found = find_face_box(FRAMES, Face((60.0, 60.0), (180.0, 20.0)), POINTS)
    assert found.is_found
    assert found.box.y < 0


def test_no_face_gives_the_whole_frame_and_its_score() -> None:
    def nothing(
        frames: Sequence[Shaped[np.ndarray, "y x"]], box: CropBox
    ) -> tuple[Float32[np.ndarray, "n keypoint space"], Float32[np.ndarray, "n keypoint"]]:
        middle = np.full((len(frames), 4, 2), box.x + box.side / 2, np.float32)
        return middle, np.full((len(frames), 4), 0.1, np.float32)

    found = find_face_box(FRAMES, nothing, POINTS)
    assert not found.is_found
    assert found.score == pytest.approx(0.1)
    assert found.score < FOUND
    assert found.box == CropBox(0.0, -128.0, 1280.0)


def test_frames_without_anything_to_see_count_as_no_face() -> None:
    def blind(
        frames: Sequence[Shaped[np.ndarray, "y x"]], box: CropBox
    ) -> tuple[Float32[np.ndarray, "n keypoint space"], Float32[np.ndarray, "n keypoint"]]:
        assert box.side > 0
        nan = np.full((len(frames), 4), np.nan, np.float32)
        return np.full((len(frames), 4, 2), np.nan, np.float32), nan

    found = find_face_box(FRAMES, blind, POINTS)
    assert found.score == 0
    assert not found.is_found


def test_one_frame_is_enough_and_none_is_refused() -> None:
    face = Face((900.0, 300.0), (700.0, 380.0))
    one, many = (find_face_box(frames, face, POINTS).box for frames in (FRAMES[:1], FRAMES))
    assert one.side == pytest.approx(many.side, rel=0.01)
    assert (one.x, one.y) == pytest.approx((many.x, many.y), abs=0.01 * many.side)
    with pytest.raises(ValueError, match="at least one frame"):
        find_face_box([], face, POINTS)


def test_a_face_that_is_small_in_the_frame_is_found_in_small_tiles() -> None:
    face = Face((900.0, 300.0), (845.0, 320.0), least=0.14)  # a tenth of the usual tiles' side
    found = find_face_box(FRAMES, face, POINTS)
    assert found.is_found
    assert np.hypot(55, 20) / found.box.side == pytest.approx(EYE_NOSE, rel=0.3)


@dataclass
class Blurred(Face):
    """A face out of focus: sure only where it is small in the square."""

    sharp: float = 0.3

    def __call__(
        self, frames: Sequence[Shaped[np.ndarray, "y x"]], box: CropBox
    ) -> tuple[Float32[np.ndarray, "n keypoint space"], Float32[np.ndarray, "n keypoint"]]:
        places, sure = super().__call__(frames, box)
        apart = np.linalg.norm(np.subtract(self.eye, self.nose)) / box.side
        return places, np.where(apart > self.sharp, np.minimum(sure, 0.1), sure).astype(np.float32)


def test_a_face_out_of_focus_is_found_by_its_surest_look_and_has_its_size() -> None:
    found = find_face_box(FRAMES, Blurred((640.0, 470.0), (500.0, 520.0), 1), POINTS)
    assert found.is_found
    assert found.score > 0.6
    assert np.hypot(140, 50) / found.box.side == pytest.approx(EYE_NOSE, rel=0.05)
    assert found.box.quarter_turns == 1


def test_a_face_across_the_border_of_two_tiles_is_found() -> None:
    # Too large for small tiles, too small for the whole frame, and cut by the five tiles of the first look.
    face = Face((420.0, 480.0), (300.0, 540.0), least=0.17, most=0.3)
    found = find_face_box(FRAMES, face, POINTS)
    assert found.is_found
    middle = np.array([found.box.x, found.box.y]) + found.box.side / 2 - 0.5
    assert np.linalg.norm(middle - [360, 510]) < 0.1 * found.box.side


def test_a_few_points_of_many_frames_do_not_make_a_box() -> None:
    class OneSure(Face):
        """Sure of a single point, in all frames; the others are right as well."""

        def __call__(
            self, frames: Sequence[Shaped[np.ndarray, "y x"]], box: CropBox
        ) -> tuple[Float32[np.ndarray, "n keypoint space"], Float32[np.ndarray, "n keypoint"]]:
            places, sure = super().__call__(frames, box)
            weak = np.where(np.arange(4) == 0, sure, np.minimum(sure, 0.45))
            return places, weak.astype(np.float32)

    found = find_face_box(FRAMES, OneSure((640.0, 470.0), (500.0, 520.0)), POINTS)
    assert np.hypot(140, 50) / found.box.side == pytest.approx(EYE_NOSE, rel=0.3)


def test_the_square_is_about_the_held_points_alone_where_there_are_enough() -> None:
    xy = np.array([[[10, 10], [30, 10], [10, 40], [30, 40], [200, 300]]], np.float32)
    eye, nose = np.array([0, 1]), np.array([2, 3])
    every = box_about(xy, BoxPoints(eye, nose, eye))
    some = box_about(xy, BoxPoints(eye, nose, eye, np.arange(4)))
    assert some.side == pytest.approx(30 / EYE_NOSE)
    assert (some.x + some.side / 2 - 0.5, some.y + some.side / 2 - 0.5) == pytest.approx((20, 25))
    assert every.side > 2 * some.side
    few = xy.copy()
    few[:, 1:3] = np.nan
    assert box_about(few, BoxPoints(eye, nose, eye, np.arange(4))) == box_about(
        few, BoxPoints(eye, nose, eye)
    )


def test_places_can_be_scored_many_at_a_time() -> None:
    face = Face((500.0, 500.0), (620.0, 520.0), 2)
    looks: list[int] = []

    def score(
        given: Sequence[tuple[Shaped[np.ndarray, "y x"], CropBox]],
    ) -> Float32[np.ndarray, "n keypoint"]:
        looks.append(len(given))
        return np.concatenate([face([frame], box)[1] for frame, box in given])

    assert find_face_box(FRAMES, face, POINTS, score) == find_face_box(FRAMES, face, POINTS)
    assert looks == [24 * 2, 6 * 4]  # two frames tell the turn


class Watched:
    """A network that notes where it looks: number of the frame (its first pixel), side of the box, turn."""

    def __init__(self, face: Placer, *, hidden: Sequence[int] = ()) -> None:
        self.face, self.hidden = face, hidden
        self.judged: list[tuple[int, float, int]] = []
        self.placed: list[int] = []

    def place(
        self, frames: Sequence[Shaped[np.ndarray, "y x"]], box: CropBox
    ) -> tuple[Float32[np.ndarray, "n keypoint space"], Float32[np.ndarray, "n keypoint"]]:
        self.placed.append(len(frames))
        xy, sure = self.face(frames, box)
        sure[[k for k, frame in enumerate(frames) if frame[0, 0] in self.hidden]] = 0.02
        return xy, sure

    def score(
        self, looks: Sequence[tuple[Shaped[np.ndarray, "y x"], CropBox]]
    ) -> Float32[np.ndarray, "n keypoint"]:
        self.judged += [(int(frame[0, 0]), box.side, box.quarter_turns) for frame, box in looks]
        sure = np.concatenate([self.face([frame], box)[1] for frame, box in looks])
        sure[[k for k, (frame, _) in enumerate(looks) if frame[0, 0] in self.hidden]] = 0.02
        return sure


def _numbered(n: int, shape: tuple[int, int] = (1024, 1280)) -> list[Shaped[np.ndarray, "y x"]]:
    return [np.full(shape, k, np.uint8) for k in range(n)]


def nothing(
    frames: Sequence[Shaped[np.ndarray, "y x"]], box: CropBox
) -> tuple[Float32[np.ndarray, "n keypoint space"], Float32[np.ndarray, "n keypoint"]]:
    n = len(frames)
    return np.full((n, 4, 2), box.x + box.side / 2, np.float32), np.full((n, 4), 0.02, np.float32)


def test_a_face_is_looked_for_in_its_turn_only_once_it_is_seen() -> None:
    watched = Watched(Face((500.0, 500.0), (620.0, 520.0), 2))
    assert find_face_box(_numbered(6), watched.place, POINTS, watched.score).is_found
    later = [turn for frame, _, turn in watched.judged if frame not in (1, 4)]
    assert set(later) == {2}
    assert len(later) == 6 * 4


def test_a_face_that_the_first_looks_do_not_show_is_found() -> None:
    face = Face((900.0, 300.0), (700.0, 380.0), 1)
    watched = Watched(face, hidden=(1, 4))
    found = find_face_box(_numbered(6), watched.place, POINTS, watched.score)
    assert found.is_found
    assert found.box.quarter_turns == 1


def test_where_no_face_is_seen_a_few_frames_are_enough() -> None:
    watched = Watched(nothing)
    assert not find_face_box(_numbered(24), watched.place, POINTS, watched.score).is_found
    assert max(watched.placed) <= 6
    # 24 squares in six frames, then 4 turns of 3 x 4 overlapping ones of the larger tile in two.
    assert len([side for _, side, _ in watched.judged if side > 0.5 * 1024]) == 24 * 6 + 48 * 2


@pytest.mark.parametrize(("shape", "looks"), [((182, 300), False), ((183, 300), True)])
def test_tiles_too_small_for_a_face_are_not_looked_at(shape: tuple[int, int], looks: bool) -> None:
    watched = Watched(nothing)
    find_face_box(_numbered(3, shape), watched.place, POINTS, watched.score)
    assert (min(side for _, side, _ in watched.judged) < 0.5 * shape[0]) == looks


def test_a_start_that_only_a_better_square_makes_sure_is_followed() -> None:
    whole = Face((600.0, 500.0), (720.0, 520.0), least=0.05)

    def hardly(
        frames: Sequence[Shaped[np.ndarray, "y x"]], box: CropBox
    ) -> tuple[Float32[np.ndarray, "n keypoint space"], Float32[np.ndarray, "n keypoint"]]:
        xy, sure = whole(frames, box)
        return xy, sure if box.side < 400 else np.minimum(sure, np.float32(0.2))

    watched = Watched(hardly)
    found = find_face_box(_numbered(24), watched.place, POINTS, watched.score)
    assert found.score > 0.8
    assert max(watched.placed) == 24
