"""Labels that look wrong: outside the frame, twice in one place, left and right swapped, unlike a face."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mystax.compute.shapes import ShapeModel, fit_shapes, shape_residuals
from mystax.core.label_operations import FrameKey
from mystax.core.typing import Float64
from mystax.engine.labels.folder import LabelFolder
from mystax.errors import FormatError, MystaxError, NumbersError, RecipeError

__all__ = ["Problem", "check_labels"]

WILD = 6.0
"""Distance from where the other points of a frame put a point, from which it is told [SD]."""
MEDIAN = float(np.sqrt(2.0 * np.log(2.0)))
"""Median distance in a normal distribution of two dimensions [SD]."""
N_FOLDS = 4
SAME = 0.5
"""Two points nearer than this are one place [px]."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a label that somebody should look at.

    Attributes
    ----------
    kind : str
        ``outside``, ``duplicate``, ``swapped``, ``wild``, ``no_copy``, ``damaged_copy`` or ``other_pixels``.
    key : tuple of str and int
        The frame.
    frame, camera : int, str
        The frame for people.
    keypoints : tuple of str
        The points concerned.
    text : str
        One sentence.
    """

    kind: str
    key: FrameKey
    frame: int
    camera: str
    keypoints: tuple[str, ...]
    text: str


def check_labels(labels: LabelFolder, *, videos: bool = True) -> list[Problem]:
    """Look for labels that are probably wrong.

    Parameters
    ----------
    labels : LabelFolder
        The folder.
    videos : bool, optional
        Compare the copies of frames with the videos and pictures, where these are found.

    Returns
    -------
    list of Problem
        In the order of the frames; nothing is changed.
    """
    dataset = labels.to_dataset()
    ids = [str(name) for name in dataset.keypoint.values]
    keys = [(str(v), int(p)) for v, p in zip(dataset.video.values, dataset.pts.values, strict=True)]
    about = list(zip(dataset.frame.values.tolist(), map(str, dataset.camera.values), strict=True))
    found: list[Problem] = []
    for animal in range(dataset.sizes["individual"]):
        one = dataset.isel(individual=animal)
        place = one.position.transpose("image", "keypoint", "space").values
        seen = np.where((one.state.values == 2)[..., None], place, np.nan)
        shapes, residual = _residuals(seen)
        for i, key in enumerate(keys):
            frame, camera = about[i]
            problems = [
                *_outside(labels, key, place[i], ids),
                *_duplicates(seen[i], ids),
                *_shape(labels, shapes, seen[i], residual[i], ids),
            ]
            found += [Problem(kind, key, frame, camera, names, text) for kind, names, text in problems]
    for i, key in enumerate(keys):
        frame, camera = about[i]
        for kind, text in _copy(labels, key, videos=videos):
            found.append(Problem(kind, key, frame, camera, (), text))
    order = {key: k for k, key in enumerate(keys)}
    return sorted(found, key=lambda problem: order[problem.key])


@dataclass(frozen=True, slots=True)
class _Shapes:
    """A model of good shapes, and by how much its distances are to be divided for each point."""

    model: ShapeModel
    scale: Float64[np.ndarray, " keypoint"]

    def distances(self, place: Float64[np.ndarray, "keypoint space"]) -> Float64[np.ndarray, " keypoint"]:
        """Return how far each point of one frame lies from where the others put it [SD]."""
        return np.asarray(shape_residuals(self.model, place[None])[0] / self.scale)


def _residuals(
    seen: Float64[np.ndarray, "image keypoint space"],
) -> tuple[_Shapes | None, Float64[np.ndarray, "image keypoint"]]:
    """Judge each frame by a model that did not see it, nor other wild frames: none excuses itself."""
    nothing = np.full(seen.shape[:2], np.nan)
    good = np.ones(len(seen), np.bool_)
    fold = np.arange(len(seen)) % (N_FOLDS if len(seen) >= 10 * N_FOLDS else 2)
    residual, scale = nothing, np.ones(seen.shape[1])
    try:
        for _ in range(2):
            residual = nothing.copy()
            for number in np.unique(fold):
                model = fit_shapes(seen[good & (fold != number)])
                residual[fold == number] = shape_residuals(model, seen[fold == number])
            scale = _scale(residual)
            residual = residual / scale
            good = np.nan_to_num(residual).max(1) <= WILD
        return _Shapes(fit_shapes(seen[good]), scale), residual
    except NumbersError:
        return None, nothing


def _scale(residual: Float64[np.ndarray, "image keypoint"]) -> Float64[np.ndarray, " keypoint"]:
    """Return the median distance of each point, as a share of what it is in a normal distribution."""
    scale = np.ones(residual.shape[1])
    for k, column in enumerate(residual.T):
        known = column[np.isfinite(column)]
        if len(known):
            scale[k] = max(float(np.median(known)) / MEDIAN, 0.1)
    return scale


Found = tuple[str, tuple[str, ...], str]


def _outside(labels: LabelFolder, key: FrameKey, place: np.ndarray, ids: list[str]) -> list[Found]:
    source = labels.store.files.read_sources().get(key[0]) if np.isfinite(place).any() else None
    if source is None:
        return []
    x, y = place[:, 0], place[:, 1]
    wild = (x < -0.5) | (y < -0.5) | (x > source.width - 0.5) | (y > source.height - 0.5)
    size = f"{source.width} x {source.height}"
    return [
        ("outside", (ids[k],), f"{ids[k]} at ({x[k]:.1f}, {y[k]:.1f}) is outside the picture of {size} px")
        for k in np.flatnonzero(wild)
    ]


def _duplicates(place: np.ndarray, ids: list[str]) -> list[Found]:
    away = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    pairs = np.argwhere(np.triu(away < SAME, 1))
    return [("duplicate", (ids[a], ids[b]), f"{ids[a]} and {ids[b]} are at the same place") for a, b in pairs]


def _shape(
    labels: LabelFolder, shapes: _Shapes | None, place: np.ndarray, residual: np.ndarray, ids: list[str]
) -> list[Found]:
    """Find swapped points, and points that are far from where the others put them."""
    wild = {ids[k] for k in np.flatnonzero(np.nan_to_num(residual) > WILD)}
    if shapes is None or not wild:
        return []
    found: list[Found] = []
    before = float(np.nansum(np.minimum(residual, 20.0) ** 2))
    pairs = [pair for pair in labels.keypoints.pairs if set(pair) <= set(ids)]
    suspects = sorted(wild)
    pairs += [(a, b) for n, a in enumerate(suspects) for b in suspects[n + 1 :]]
    for left, right in dict.fromkeys(pairs):
        if not {left, right} & wild or not {left, right} <= set(ids):
            continue
        a, b = ids.index(left), ids.index(right)
        swapped = place.copy()
        swapped[[a, b]] = swapped[[b, a]]
        after = shapes.distances(swapped)
        good = np.nan_to_num(after[[a, b]]).max() < WILD
        if good and float(np.nansum(np.minimum(after, 20.0) ** 2)) < 0.5 * before:
            found.append(("swapped", (left, right), f"{left} and {right} look swapped"))
            place, residual = swapped, after
            wild = {ids[k] for k in np.flatnonzero(np.nan_to_num(residual) > WILD)}
            before = float(np.nansum(np.minimum(residual, 20.0) ** 2))
    worst = max(wild, key=lambda name: residual[ids.index(name)], default=None)
    if worst is not None:  # one wild point makes its neighbours look odd: the worst is told
        distance = residual[ids.index(worst)]
        found.append(
            ("wild", (worst,), f"{worst} is far from where the other points put it ({distance:.0f} SD)")
        )
    return found


def _copy(labels: LabelFolder, key: FrameKey, *, videos: bool) -> list[tuple[str, str]]:
    """Check the copy of a frame, and that the video still shows the same."""
    try:
        kept = labels.picture(key)
    except RecipeError:
        return [("no_copy", "the folder has no copy of the frame")]
    except FormatError as error:
        return [("damaged_copy", f"the copy of the frame is damaged ({error.what})")]
    source = labels.store.files.read_sources().get(key[0])
    if not videos or source is None or not source.path or not Path(source.path).is_file():
        return []
    try:
        footage = labels.footage(source.path)
        if footage.fingerprint != key[0]:
            return [("other_pixels", f"{source.path} is another file now")]
        frame = footage.frame_of(key[1])
        if frame < 0:
            return [("other_pixels", f"{source.path} has no frame with the stamp {key[1]}")]
        same = np.array_equal(footage.pixels(frame), kept)
    except MystaxError as error:
        return [("other_pixels", f"{source.path} cannot be read ({error.code})")]
    return [] if same else [("other_pixels", "the copy differs from the frame of the video")]
