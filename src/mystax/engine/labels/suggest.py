"""Which frames to label next, each with its reason: different ones, and those a model is unsure of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.compute.frame_choice import (
    choose_different,
    choose_unsure,
    frame_features,
    rank_share,
    thumbnail,
)
from mystax.compute.shapes import ShapeModel, fit_shapes, shape_residuals
from mystax.core.label_operations import FrameKey
from mystax.core.point_flags import FLAG_MASKS
from mystax.core.typing import Bool, Float64, Int64
from mystax.engine.labels.folder import LabelFolder, Video
from mystax.engine.labels.footage import Footage, fingerprint_of
from mystax.errors import FormatError, NumbersError, RecipeError
from mystax.io.provenance import frames_inputs

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["Suggestion", "suggest_frames"]

MAX_CANDIDATES = 400
COLD_SHARE = 0.2
GAP = 0.5
UNSURE = 0.5
N_WORDS = 3
MIN_SURE = 4
Box = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A frame that is worth labelling.

    Attributes
    ----------
    path : str
        The video.
    key : tuple of str and int
        Fingerprint and stamp.
    frame : int
        Number of the frame.
    reason : str
        Why, in words.
    suspicion : float
        How likely a model is wrong there; 0 for a frame that is only different.
    """

    path: str
    key: FrameKey
    frame: int
    reason: str
    suspicion: float = 0.0


def suggest_frames(
    labels: LabelFolder,
    n: int,
    videos: Sequence[Video] | None = None,
    *,
    poses: Mapping[int, Dataset] | None = None,
    boxes: Mapping[int, Box] | None = None,
    seed: int = 0,
) -> list[Suggestion]:
    """Suggest frames to label, the worst first; videos get equal shares.

    Parameters
    ----------
    labels : LabelFolder
        The folder; its labelled and skipped frames are not suggested again.
    n : int
        How many.
    videos : sequence of path or FrameSource, optional
        Where to look; by default the videos that have labels already.
    poses : mapping of int to Dataset, optional
        Place in `videos` to the predicted keypoints of that video (variables of the outcome `pose`); without
        them frames are chosen to be different from each other.
    boxes : mapping of int to (x, y, side), optional
        Place in `videos` to its face box [px]; by default the whole frame.
    seed : int, optional
        Of the choice.

    Returns
    -------
    list of Suggestion
        At least half a second apart; with predictions a fifth is chosen for being different all the same.

    Raises
    ------
    RecipeError
        P403, if there is no video to look at, or a pose is of pictures or of another video.
    FormatError
        F804, if a dataset is no pose.
    VideoError
        V1xx, if a video cannot be read.
    """
    footages = _footages(labels, videos)
    model = _shape_model(labels)
    found: list[Suggestion] = []
    for place, footage in enumerate(footages):
        share = n // len(footages) + (place < n % len(footages))
        box = (boxes or {}).get(place)
        pose = (poses or {}).get(place)
        if pose is not None:
            _check_pose(pose, footage)
        if share:
            found += _of_video(labels, footage, share, pose, model, box, seed)
    return sorted(found, key=lambda item: -item.suspicion)


def _footages(labels: LabelFolder, videos: Sequence[Video] | None) -> list[Footage]:
    if videos is None:
        known = labels.store.files.read_sources().values()
        videos = [source.path for source in known if source.kind == "video" and Path(source.path).is_file()]
    if not videos:
        raise RecipeError(
            "P403",
            str(labels.folder),
            "there is no video to look at",
            hint="name the videos: mystax labels suggest FOLDER VIDEO...",
        )
    return [labels.footage(video) for video in videos]


def _shape_model(labels: LabelFolder) -> ShapeModel | None:
    """Fit the shapes of the labelled frames; None if there are too few."""
    dataset = labels.to_dataset()
    if dataset.sizes["image"] == 0:
        return None
    placed = (
        dataset.position.where(dataset.state == 2).isel(individual=0).transpose("image", "keypoint", "space")
    )
    try:
        return fit_shapes(placed.values)
    except NumbersError:
        return None


def _done(labels: LabelFolder, footage: Footage) -> Bool[np.ndarray, " time"]:
    """Mark the frames of a video that are labelled or skipped."""
    done = np.zeros(footage.n_frames, np.bool_)
    for (video, pts), frame in labels.store.state.frames.items():
        if video == footage.fingerprint and (frame.marks() or frame.skipped):
            number = footage.frame_of(pts)
            if number >= 0:
                done[number] = True
    return done


def _times(footage: Footage) -> Float64[np.ndarray, " time"]:
    """Return the times of the frames; without a clock their numbers count as seconds."""
    source = footage.frames
    if source is None:
        return np.zeros(1)
    times = np.asarray(source.times, np.float64)
    return times if np.isfinite(times).all() else np.arange(len(times), dtype=np.float64)


def _of_video(
    labels: LabelFolder,
    footage: Footage,
    n: int,
    pose: Dataset | None,
    model: ShapeModel | None,
    box: Box | None,
    seed: int,
) -> list[Suggestion]:
    times, done = _times(footage), _done(labels, footage)
    n_cold = n if pose is None else max(1, round(COLD_SHARE * n))
    suspicion, reasons = (np.zeros(len(times)), {}) if pose is None else _suspicion(pose, len(times), model)
    frames = _candidates(times, done, suspicion, n)
    if len(frames) == 0:
        return []
    features = frame_features(np.stack([thumbnail(_cut(footage.pixels(int(i)), box)) for i in frames]))
    allowed = ~done[frames]
    cold = choose_different(features, times[frames], n_cold, gap=GAP, allowed=allowed, seed=seed)
    warm = choose_unsure(
        features, suspicion[frames], times[frames], n - len(cold), gap=GAP, allowed=allowed, taken=cold
    )
    nearest = ((features[:, None] - features[cold][None]) ** 2).sum(2).argmin(1)
    alike = np.bincount(nearest, minlength=len(cold))
    found = []
    for k, i in enumerate(cold):
        text = f"stands for {alike[k] / len(frames):.0%} of the looked-at frames"
        found.append(_suggestion(footage, int(frames[i]), text, 0.0))
    for i in warm if pose is not None else ():
        frame = int(frames[i])
        found.append(_suggestion(footage, frame, reasons.get(frame, "unlike the others"), suspicion[frame]))
    return found


def _suggestion(footage: Footage, frame: int, reason: str, suspicion: float) -> Suggestion:
    key = (footage.fingerprint, footage.stamp(frame))
    return Suggestion(footage.source.path, key, frame, reason, float(suspicion))


def _candidates(
    times: Float64[np.ndarray, " time"],
    done: Bool[np.ndarray, " time"],
    suspicion: Float64[np.ndarray, " time"],
    n: int,
) -> Int64[np.ndarray, " candidate"]:
    """Choose the frames that are looked at: spread over time, and the most suspicious ones."""
    free = np.flatnonzero(~done)
    spread = free[
        np.unique(np.linspace(0, len(free) - 1, min(len(free), MAX_CANDIDATES)).round().astype(int))
    ]
    if not suspicion.any():
        return np.asarray(spread, np.int64)
    worst: list[int] = []
    for i in free[np.argsort(-suspicion[free], kind="stable")]:
        if len(worst) >= max(MAX_CANDIDATES // 2, 4 * n):
            break
        if not worst or np.abs(times[worst] - times[i]).min() >= GAP:
            worst.append(int(i))
    return np.unique(np.concatenate([spread[:: max(1, len(spread) * 2 // MAX_CANDIDATES)], worst])).astype(
        np.int64
    )


def _cut(pixels: np.ndarray, box: Box | None) -> np.ndarray:
    """Cut the face box out of a frame, as far as it lies inside."""
    plain = np.asarray(pixels, np.float64)
    if box is None:
        return plain
    x, y, side = (round(value) for value in box)
    part = plain[max(0, y) : max(0, y + side), max(0, x) : max(0, x + side)]
    return part if part.size else plain


# what makes a frame suspicious -----------------------------------------------------------------------


def _check_pose(pose: Dataset, footage: Footage) -> None:
    """Refuse a dataset that is no pose, or one of another video."""
    name = Path(footage.source.path).name or "the video"
    if "image" in pose.dims:
        raise RecipeError("P403", f"pose for {name}", "it is of pictures, not of a video")
    point = ("time", "keypoint", "individual")
    raw = "position_raw" if "position_raw" in pose else "position"
    needed = {"confidence": point, raw: (*point, "space"), "keypoint": ("keypoint",)}
    needed |= {"flag": point} if "flag" in pose else {}
    for variable, dims in needed.items():
        got = pose[variable].dims if variable in pose.variables else ()
        if set(got) != set(dims):
            raise FormatError(
                "F804",
                f"pose for {name}",
                f"{variable} is not that of a pose",
                expected=f"dimensions {', '.join(dims)}",
                got=", ".join(map(str, got)) or "none",
            )
    marks = [[mark for mark in ids if "=" not in mark] for ids in frames_inputs(pose.attrs).values()]
    known = {fingerprint_of(ids) for ids in marks if ids}
    n, got_n = footage.n_frames, pose.sizes["time"]
    if footage.fingerprint not in known if known else got_n != n:
        raise RecipeError(
            "P403",
            f"pose for {name}",
            "it is of another video",
            expected=f"{n} frames of {footage.fingerprint}",
            got=f"{got_n} frames of {', '.join(sorted(known)) or 'an unknown video'}",
            hint="give the poses in the order of the videos",
        )


def _suspicion(
    pose: Dataset, n_frames: int, model: ShapeModel | None
) -> tuple[Float64[np.ndarray, " time"], dict[int, str]]:
    """Return how suspicious each frame is, and why."""
    names = [str(name) for name in pose.keypoint.values]
    frames = np.asarray(
        pose.frame.values if "frame" in pose.coords else np.arange(pose.sizes["time"]), np.int64
    )
    confidence = pose.confidence.transpose("time", "keypoint", "individual").values[..., 0].astype(np.float64)
    doubt = 1.0 - np.nan_to_num(confidence)
    reasons = {"is not sure of": doubt * (doubt > 1.0 - UNSURE)}
    surprise = _surprise(doubt.sum(1))
    raw = "position_raw" if "position_raw" in pose else "position"
    place = pose[raw].transpose("time", "keypoint", "space", "individual").values[..., 0]
    try:
        shapes = model if model is not None and len(model.mean) == len(names) else fit_shapes(place)
        sure = confidence > UNSURE
        sure |= (sure.sum(1) < MIN_SURE)[:, None]  # where hardly a point is sure, all may speak
        residual = np.nan_to_num(shape_residuals(shapes, place, sure))
        surprise += _surprise(residual.max(1))
        reasons["puts in an odd place"] = residual * (residual > np.percentile(residual, 99))
    except NumbersError:
        pass
    if "flag" in pose:
        flags = pose.flag.transpose("time", "keypoint", "individual").values[..., 0]
        for name, words in (
            ("jump", "jumps at"),
            ("ensemble_disagrees", "disagrees with itself on"),
            ("views_disagree", "disagrees with the other cameras on"),
        ):
            bits = (flags & FLAG_MASKS[name]) > 0
            surprise += _surprise(bits.sum(1).astype(np.float64))
            reasons[words] = bits.astype(np.float64)
    whole = np.zeros(n_frames)
    inside = (frames >= 0) & (frames < n_frames)
    whole[frames[inside]] = surprise[inside]
    return whole, {int(frames[row]): _words(reasons, int(row), names) for row in np.flatnonzero(inside)}


def _surprise(values: Float64[np.ndarray, " row"]) -> Float64[np.ndarray, " row"]:
    """Return minus the logarithm of the share of frames that are at least as bad; sums weigh all signs alike.

    References
    ----------
    .. [1] Fisher (1925), Statistical Methods for Research Workers, section 21.1
    """
    if not values.any():
        return np.zeros(len(values))
    return np.asarray(-np.log(1.0 - rank_share(values) * (1.0 - 1.0 / (len(values) + 1))))


def _words(reasons: Mapping[str, np.ndarray], row: int, names: Sequence[str]) -> str:
    """Say in words why a frame is suspicious."""
    parts = []
    for words, values in reasons.items():
        order = np.argsort(-values[row], kind="stable")
        worst = [names[k] for k in order if values[row, k] > 0]
        if worst:
            more = f" and {len(worst) - N_WORDS} more" if len(worst) > N_WORDS else ""
            parts.append(f"{words} {', '.join(worst[:N_WORDS])}{more}")
    return f"the model {'; '.join(parts)}" if parts else "the model is less sure than elsewhere"
