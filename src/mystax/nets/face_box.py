"""Find the square that holds the face: a few frames, several places and turns, then two refinements."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mystax.core.typing import Float32, Float64, Int64, Shaped
from mystax.nets.crop import CropBox, frame_box

__all__ = ["EYE_NOSE", "FOUND", "BoxPoints", "FaceBox", "Placer", "box_about", "find_face_box"]

EYE_NOSE = 0.42
"""Distance of eye and nose that the box aims at, as a share of its side."""
FOUND = 0.45
"""Least mean confidence of eye and nose points of a face."""
SURE = 0.5
N_LOOKS, N_REFINED = 6, 24
TILE, SMALL_TILE = 0.6, 0.35
"""Sides of tiles as shares of the frame's short edge: of the first look, and of that for small faces."""
LEAST_TILE = 64
"""Smallest side of a tile for small faces [px]: less shows no face that could be tracked."""
N_SMALL_LOOKS = 2
N_TURNS = 4
PLAIN = 0.5
"""Turns below this share of the best one's score cannot be the face's, where a face is seen."""
HOPE = FOUND / 2
"""Least score on few frames with which a placement that showed no face at first is tried on more."""
N_CANDIDATES, N_ROUNDS = 3, 3
LEAST_POINTS = 4
"""Different points that a square is about, if there are as many."""
WIDEST = 0.8
"""The points take at most this share of the side."""

Frame = Shaped[np.ndarray, "y x"]
Placer = Callable[
    [Sequence[Frame], CropBox],
    tuple[Float32[np.ndarray, "n keypoint space"], Float32[np.ndarray, "n keypoint"]],
]
"""Frames and a box -> places in source pixels and confidences; NaN places where nothing can be seen."""


Scorer = Callable[[Sequence[tuple[Frame, CropBox]]], Float32[np.ndarray, "n keypoint"]]
"""Frames, each with a box of its own -> confidences: many places are looked at in full batches."""


@dataclass(frozen=True, slots=True)
class BoxPoints:
    """Which points tell where the face is.

    Attributes
    ----------
    eye, nose : array (eye,), (nose,)
        Points of the eye and of the nose; both empty for sets without such parts.
    scored : array (scored,)
        Points whose confidence counts.
    held : array (held,), optional
        Points that the square is about; by default all.
    """

    eye: Int64[np.ndarray, " eye"]
    nose: Int64[np.ndarray, " nose"]
    scored: Int64[np.ndarray, " scored"]
    held: Int64[np.ndarray, " held"] | None = None


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A face box and how sure it is.

    Attributes
    ----------
    box : CropBox
        The square; the whole frame if no face was found.
    score : float
        Mean confidence of the scored points, 0..1.
    """

    box: CropBox
    score: float

    @property
    def is_found(self) -> bool:
        """Whether there is a face."""
        return self.score >= FOUND


def find_face_box(
    frames: Sequence[Frame], place: Placer, points: BoxPoints, judge: Scorer | None = None
) -> FaceBox:
    """Find the face in frames of one camera.

    Six frames are looked at in the whole frame and in five overlapping tiles, each in four quarter turns;
    two of them tell which turns are left once a face is seen.  The best placements are refined three times
    on up to 24 frames (those that show no face at first only if that helps on the six): the new square is
    about the 5 to 95 % extent of the sure points, so large that eye and nose are 0.42 of its side apart.
    Where that finds no sure face, two frames are looked at in tiles of 0.6 and of 0.35 of the frame's short
    edge that overlap by half, for faces that are small in it or out of focus.

    Parameters
    ----------
    frames : sequence of array (y, x)
        Frames spread over the recording, of one size.
    place : callable
        The network: frames and a box -> places and confidences.
    points : BoxPoints
        Which points count.
    judge : callable, optional
        The network again, for many boxes at once; by default `place`, box by box.

    Returns
    -------
    FaceBox
        The square and its score.
    """
    if not frames:
        raise ValueError("a face is looked for in at least one frame")
    height, width = frames[0].shape
    whole = frame_box(height, width)
    few = [frames[i] for i in _spread(len(frames), N_LOOKS)]
    more = [frames[i] for i in _spread(len(frames), N_REFINED)]
    judge = judge or _one_by_one(place)
    found = _best_of(few, more, _placements(height, width), place, points, judge)
    if found.score < SURE and SMALL_TILE * min(height, width) >= LEAST_TILE:
        two = [frames[i] for i in _spread(len(frames), N_SMALL_LOOKS)]
        small = _best_of(two, more, _small_placements(height, width), place, points, judge)
        found = max(found, small, key=lambda face: face.score)
    return found if found.is_found else replace(found, box=whole)


def _one_by_one(place: Placer) -> Scorer:
    """Return a scorer that asks for one box after the other."""

    def score(looks: Sequence[tuple[Frame, CropBox]]) -> Float32[np.ndarray, "n keypoint"]:
        return np.concatenate([place([frame], box)[1] for frame, box in looks])

    return score


def _best_of(
    few: Sequence[Frame],
    more: Sequence[Frame],
    placements: list[CropBox],
    place: Placer,
    points: BoxPoints,
    judge: Scorer,
) -> FaceBox:
    """Look at few frames in all placements, and refine the best of the best turn on more."""
    scores = _looked_at(few, placements, points, judge)
    turn = _best_turn(scores)
    upright = sorted(
        (box for box in scores if box.quarter_turns == turn), key=scores.__getitem__, reverse=True
    )
    found = FaceBox(upright[0], 0.0)
    for start in upright[:N_CANDIDATES]:
        shows = scores[start] >= FOUND or len(few) == len(more)
        reached = _refined(start, more if shows else few, place, points)
        if not shows and reached.score >= HOPE:
            reached = _refined(start, more, place, points)
        if reached.score > found.score:
            found = reached
        if found.score >= SURE:
            break
    return found


def _looked_at(
    frames: Sequence[Frame], placements: list[CropBox], points: BoxPoints, judge: Scorer
) -> dict[CropBox, float]:
    """Score placements in frames; turns that cannot be the face's are looked at in a third of the frames."""
    first = frames[1::3] or frames[:1]
    seen = _judged(first, placements, points, judge)
    scores = {box: float(sure.mean()) for box, sure in seen.items()}
    if len(first) == len(frames):
        return scores
    if max(scores.values()) >= FOUND:
        sums = _turn_scores(scores)
        placements = [box for box in placements if sums[box.quarter_turns] >= PLAIN * max(sums)]
    rest = [frame for k, frame in enumerate(frames) if k % 3 != 1]
    more = _judged(rest, placements, points, judge)
    return {box: float(np.append(seen[box], more[box]).mean()) for box in placements}


def _judged(
    frames: Sequence[Frame], placements: list[CropBox], points: BoxPoints, judge: Scorer
) -> dict[CropBox, Float64[np.ndarray, " frame"]]:
    """Return the mean confidence of the scored points in each frame, for every placement."""
    sure = judge([(frame, box) for box in placements for frame in frames])
    means = np.nan_to_num(sure[:, points.scored]).mean(axis=1, dtype=np.float64)
    return dict(zip(placements, means.reshape(len(placements), len(frames)), strict=True))


def _refined(start: CropBox, frames: Sequence[Frame], place: Placer, points: BoxPoints) -> FaceBox:
    """Move a square towards the face; return it with the score of the surest look on the way.

    A face out of focus is surer where it is small in the square: the square is the last one that a sure look
    gave, or else that of the surest.
    """
    found = FaceBox(start, 0.0)
    box = start
    for _ in range(N_ROUNDS):
        xy, sure = place(frames, box)
        box = _fitted(xy, sure, points, box)
        score = _score(sure, points)
        if score >= min(SURE, found.score):
            found = FaceBox(box, max(score, found.score))
    return found


def _spread(n: int, wanted: int) -> list[int]:
    """Return up to `wanted` evenly spread places of n."""
    places = np.unique(np.linspace(0, n - 1, min(n, wanted)).round().astype(np.int64))
    return [int(place) for place in places]


def _placements(height: int, width: int) -> list[CropBox]:
    """List the squares that are looked at: whole frame and tiles, in four turns."""
    side = TILE * min(height, width)
    right, bottom = width - side, height - side
    corners = [(0.0, 0.0), (right, 0.0), (0.0, bottom), (right, bottom), (right / 2, bottom / 2)]
    squares = [frame_box(height, width), *(CropBox(x, y, side) for x, y in corners)]
    return [replace(box, quarter_turns=turn) for turn in range(N_TURNS) for box in squares]


def _small_placements(height: int, width: int) -> list[CropBox]:
    """List tiles of both sizes that overlap by half, in four turns."""
    found = []
    for share in (TILE, SMALL_TILE):
        side = share * min(height, width)
        rows, columns = (
            np.linspace(0.0, length - side, max(2, math.ceil((length - side) / (side / 2)) + 1)).tolist()
            for length in (height, width)
        )
        found += [CropBox(x, y, side, turn) for turn in range(N_TURNS) for y in rows for x in columns]
    return found


def _score(confidence: Float32[np.ndarray, "n keypoint"], points: BoxPoints) -> float:
    """Return the mean confidence of the scored points; frames without anything to see count as 0."""
    return float(np.nan_to_num(confidence[:, points.scored]).mean())


def _turn_scores(scores: dict[CropBox, float]) -> list[float]:
    """Return the sum of the best placements' scores of each turn."""
    return [
        sum(
            sorted((s for box, s in scores.items() if box.quarter_turns == turn), reverse=True)[:N_CANDIDATES]
        )
        for turn in range(N_TURNS)
    ]


def _best_turn(scores: dict[CropBox, float]) -> int:
    """Return the turn whose best placements score highest in sum."""
    return int(np.argmax(_turn_scores(scores)))


def _fitted(
    xy: Float32[np.ndarray, "n keypoint space"],
    sure: Float32[np.ndarray, "n keypoint"],
    points: BoxPoints,
    box: CropBox,
) -> CropBox:
    """Return the square about the sure points; the old one where there are too few of them."""
    good = (sure >= SURE) & np.isfinite(xy).all(axis=-1)
    if int(good.any(axis=0).sum()) < LEAST_POINTS:
        # Unsure everywhere: the better half of the points still tells the way.
        finite = np.isfinite(xy).all(axis=-1)
        if not finite.any():
            return box
        good = finite & (sure >= np.median(sure[finite]))
    return box_about(np.where(good[..., None], xy, np.nan), points, box.quarter_turns)


def box_about(
    xy: Float32[np.ndarray, "n keypoint space"], points: BoxPoints, quarter_turns: int = 0
) -> CropBox:
    """Return the square about the points of some frames.

    Parameters
    ----------
    xy : array (n, keypoint, space)
        Places [source px]; NaN for points that do not count.
    points : BoxPoints
        Which of them are eye and nose.
    quarter_turns : int, optional
        Of the square.

    Returns
    -------
    CropBox
        About the 5 to 95 % extent; eye and nose are 0.42 of its side apart.
    """
    good = np.isfinite(xy).all(axis=-1)
    held = good
    if points.held is not None and good[:, points.held].any(axis=0).sum() >= LEAST_POINTS:
        held = np.zeros_like(good)
        held[:, points.held] = good[:, points.held]
    low, high = np.percentile(xy[held], [5, 95], axis=0)
    extent = float((high - low).max())
    eye, nose = _centre(xy, good, points.eye), _centre(xy, good, points.nose)
    apart = float(np.linalg.norm(eye - nose)) if np.isfinite(eye).all() and np.isfinite(nose).all() else 0.0
    side = max(apart / EYE_NOSE, extent / WIDEST, 16.0)
    middle = (low + high) / 2
    return CropBox(float(middle[0] - side / 2 + 0.5), float(middle[1] - side / 2 + 0.5), side, quarter_turns)


def _centre(xy: np.ndarray, good: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the median place of some points; NaN where none is sure."""
    found = xy[:, chosen][good[:, chosen]]
    return np.median(found, axis=0) if len(found) else np.full(2, np.nan)
