"""Labels that look wrong: outside the frame, twice in one place, left and right swapped, unlike a face."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mystax.compute.shapes import ShapeModel, fit_shapes, shape_residuals
from mystax.core.label_operations import FrameKey
from mystax.core.typing import Float64
from mystax.engine.labels import Labels
from mystax.errors import FormatError, MystaxError, NumbersError, RecipeError

__all__ = ["Problem", "check_labels"]

WILD = 5.0
"""Mahalanobis distance from where the other points of a frame put a point, from which it is told."""
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


def check_labels(labels: Labels, *, videos: bool = True) -> list[Problem]:
    """Look for labels that are probably wrong.

    Parameters
    ----------
    labels : Labels
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
        model, residual = _residuals(seen)
        for i, key in enumerate(keys):
            frame, camera = about[i]
            problems = [
                *_outside(labels, key, place[i], ids),
                *_duplicates(seen[i], ids),
                *_shape(labels, model, seen[i], residual[i], ids),
            ]
            found += [Problem(kind, key, frame, camera, names, text) for kind, names, text in problems]
    for i, key in enumerate(keys):
        frame, camera = about[i]
        for kind, text in _copy(labels, key, videos=videos):
            found.append(Problem(kind, key, frame, camera, (), text))
    order = {key: k for k, key in enumerate(keys)}
    return sorted(found, key=lambda problem: order[problem.key])


def _residuals(
    seen: Float64[np.ndarray, "image keypoint space"],
) -> tuple[ShapeModel | None, Float64[np.ndarray, "image keypoint"]]:
    """Fit the shapes without the worst frames, so that a wrong label does not excuse itself."""
    nothing = np.full(seen.shape[:2], np.nan)
    try:
        model = fit_shapes(seen)
        worst = np.nan_to_num(shape_residuals(model, seen)).max(1)
        good = worst <= np.percentile(worst, 90)
        model = fit_shapes(seen[good]) if good.sum() >= 10 else model
    except NumbersError:
        return None, nothing
    return model, shape_residuals(model, seen)


Found = tuple[str, tuple[str, ...], str]


def _outside(labels: Labels, key: FrameKey, place: np.ndarray, ids: list[str]) -> list[Found]:
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
    labels: Labels, model: ShapeModel | None, place: np.ndarray, residual: np.ndarray, ids: list[str]
) -> list[Found]:
    """Find swapped points, and points that are far from where the others put them."""
    wild = {ids[k] for k in np.flatnonzero(np.nan_to_num(residual) > WILD)}
    if model is None or not wild:
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
        after = shape_residuals(model, swapped[None])[0]
        good = np.nan_to_num(after[[a, b]]).max() < WILD
        if good and float(np.nansum(np.minimum(after, 20.0) ** 2)) < 0.5 * before:
            found.append(("swapped", (left, right), f"{left} and {right} look swapped"))
            wild -= {left, right}
    worst = max(wild, key=lambda name: residual[ids.index(name)], default=None)
    if worst is not None:  # one wild point makes its neighbours look odd: the worst is told
        distance = residual[ids.index(worst)]
        found.append(
            ("wild", (worst,), f"{worst} is far from where the other points put it ({distance:.0f} SD)")
        )
    return found


def _copy(labels: Labels, key: FrameKey, *, videos: bool) -> list[tuple[str, str]]:
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
