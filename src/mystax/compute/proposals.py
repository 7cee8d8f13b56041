"""Proposals of regions from a few sample frames: face (by its look, or where things move) and eye."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from mystax.compute.bins import BinScale, auto_bin, bins_of, box_of_bins
from mystax.compute.blink import otsu_level
from mystax.compute.find_eye import find_eye, propose_eye
from mystax.core.analysis import Pass
from mystax.core.geometry import Box, Ellipse, Rectangle, Roi, RoiKind
from mystax.core.proposed import PROPOSED, rois_of_variables
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk
from mystax.core.typing import Bool, Float, Shaped

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = [
    "FaceFinder",
    "RoisReducer",
    "otsu",
    "propose_face",
    "proposed_rois",
]

N_SAMPLES = 64
"""Samples whose next frames show what moves."""
N_EYE_SAMPLES = 16
"""Samples in which an eye is looked for."""
LID = 1.15
CLOSING = 2
MARGIN = 0.1
MIN_MOTION = 1e-6
NEAR = 1.5
"""A moving part belongs to the face if it reaches this many semi-axes of the eye."""
MIN_PART = 0.1
SURE = 0.5
"""Eyes proposed with this confidence are measured; smaller ones say nothing about the face."""


FaceFinder = Callable[[FrameChunk, Pass], tuple[Rectangle, float] | None]
"""Samples of a camera -> where its face is and how sure that is; None where it sees none."""


def otsu(values: Shaped[np.ndarray, "..."], n_levels: int = 256) -> float:
    """Threshold that splits values into two groups with the largest variance between them.

    Parameters
    ----------
    values : array
        Finite values.
    n_levels : int, optional
        Number of levels between the smallest and the largest value.

    Returns
    -------
    float
        The threshold; the value itself if all are equal.

    Examples
    --------
    >>> 1.0 < otsu(np.array([0.0, 0.5, 1.0, 9.0, 10.0])) < 9.0
    True
    """
    low, high = float(values.min()), float(values.max())
    if not high > low:
        return low
    counts, _ = np.histogram(values, n_levels, (low, high))
    return low + (otsu_level(counts) + 0.5) * (high - low) / n_levels


def _moving_parts(moving: Float[np.ndarray, "y x"]) -> list[Bool[np.ndarray, "y x"]]:
    """Return the connected parts that move clearly, the largest first."""
    padded = np.pad(moving > otsu(moving), CLOSING)
    closed = ndimage.binary_closing(padded, structure=np.ones((3, 3)), iterations=CLOSING)
    labels, n = ndimage.label(closed[CLOSING:-CLOSING, CLOSING:-CLOSING], structure=np.ones((3, 3)))
    counts = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    return [labels == 1 + number for number in np.argsort(-counts, kind="stable").tolist()]


def propose_face(
    motion: Float[np.ndarray, "y x"], size: int, shape: tuple[int, int], eye: Ellipse | None = None
) -> tuple[Rectangle, float] | None:
    """Propose the face as the part of the picture that moves.

    Parameters
    ----------
    motion : array (y, x)
        Mean absolute difference between neighbouring frames, per bin [grey level].
    size : int
        Side of a bin [px].
    shape : tuple of int
        Rows and columns of the picture [px].
    eye : Ellipse, optional
        An eye that is sure: the face holds it, and the largest moving part is set aside if it does not
        come near it and the rest makes a better face (a wheel, a belt).

    Returns
    -------
    (Rectangle, float) or None
        The box and its confidence: its share of the motion (without what was set aside) minus its share
        of the area; None where nothing moves.

    Examples
    --------
    >>> motion = np.zeros((30, 40))
    >>> motion[5:15, 10:20] = 8.0
    >>> propose_face(motion, 4, (120, 160))[0]
    Rectangle(x=36, y=16, width=48, height=48)
    """
    # Sensor noise alone differs by 1.128 sd on average: the quietest tenth of the picture shows it.
    moving = np.maximum(motion - np.percentile(motion, 10), 0.0)
    if not float(moving.max(initial=0.0)) > MIN_MOTION:
        return None
    parts = _moving_parts(moving)
    if eye is None:
        return _face(box_of_bins(parts[0], size), moving, size, shape)
    near = Roi("eye", "pupil", Ellipse(eye.cx, eye.cy, NEAR * eye.rx, NEAR * eye.ry, eye.angle))
    around_eye = near.bins(shape, size)
    whole = _face(box_of_bins(_join(parts, around_eye), size), moving, size, shape)
    if (parts[0] & around_eye).any():
        return whole
    rest = np.where(ndimage.binary_dilation(parts[0], iterations=CLOSING), 0.0, moving)
    if not float(rest.max(initial=0.0)) > MIN_MOTION:
        return whole
    without = _face(box_of_bins(_join(_moving_parts(rest), around_eye), size), rest, size, shape)
    # A snout makes the rest look like noise, a wheel makes the whole as large as the picture.
    return max(whole, without, key=lambda face: face[1])


def _join(
    parts: Sequence[Bool[np.ndarray, "y x"]], around_eye: Bool[np.ndarray, "y x"]
) -> Bool[np.ndarray, "y x"]:
    """Return the eye's surround and all parts but the small ones."""
    n_least = MIN_PART * parts[0].sum()
    large = [part for part in parts if part.sum() >= n_least]
    return np.asarray(np.logical_or.reduce([around_eye, *large]))


def _face(
    box: Box, moving: Float[np.ndarray, "y x"], size: int, shape: tuple[int, int]
) -> tuple[Rectangle, float]:
    """Return the box with a margin, and its share of motion minus its share of area."""
    more_x, more_y = round(MARGIN * box.width), round(MARGIN * box.height)
    box = Box(box.x0 - more_x, box.y0 - more_y, box.x1 + more_x, box.y1 + more_y).clip(shape)
    face = Rectangle(box.x0, box.y0, box.width, box.height)
    inside = Roi("face", "face", face).bins(shape, size)
    share = float(moving[inside].sum()) / float(moving.sum())
    return face, min(1.0, max(0.0, share - float(inside.mean())))


class RoisReducer:
    """Proposals of one camera, from samples (implements `mystax.core.analysis.Reducer`; no decode pass).

    Parameters
    ----------
    find_face : callable, optional
        Knows faces by their look; where it sees none, or without it, the face is where things move.
    """

    n_passes = 0

    def __init__(self, find_face: FaceFinder | None = None) -> None:
        self._find_face = find_face
        self._face_by = "none"

    def start(self, source: Pass) -> None:
        """Note the camera; the samples are taken in `work`."""
        self._source = source
        self._done = False
        self._rois: list[tuple[Roi, float]] = []
        self._bin = auto_bin(source.shape)
        shape = source.shape[0] // self._bin, source.shape[1] // self._bin
        self._mean_frame, self._mean_motion = np.full(shape, np.nan), np.full(shape, np.nan)

    def update(self, chunk: FrameChunk) -> None:
        """Take no frames."""

    def end_pass(self) -> None:
        """Take no frames."""

    def work(self) -> float | None:
        """Look at the samples."""
        if self._done:
            return None
        samples = self._source.sample(N_SAMPLES)
        if len(samples):
            self._look(samples)
        self._done = True
        return 1.0

    def _look(self, samples: FrameChunk) -> None:
        size = self._bin
        shape = self._source.shape
        scale = BinScale(size, samples.grey_map.offset, samples.grey_map.gain)
        box = Box(0, 0, shape[1] // size * size, shape[0] // size * size)
        bins = bins_of(samples, size, box)
        self._mean_frame = scale.grey(bins.mean(axis=0, dtype=np.float64))
        differences, n_pairs = np.zeros(bins.shape[1:]), 0
        for place, frame in enumerate(samples.index.tolist()):
            if frame + 1 >= self._source.n_frames:
                continue
            after = self._source.frame_at(frame + 1)
            if after.valid[0] and after.adjacent[0]:
                step = bins_of(after, size, box)[0].astype(np.float64) - bins[place]
                differences += np.abs(step)
                n_pairs += 1
        places = np.linspace(0, len(samples) - 1, min(N_EYE_SAMPLES, len(samples))).round().astype(np.int64)
        chosen = np.unique(places)
        grey_map = samples.grey_map
        pictures = (samples.codes[chosen] - np.float32(grey_map.offset)) * np.float32(grey_map.gain)
        eye = propose_eye(self._source.tiles.map(find_eye, list(pictures)))
        face = None if self._find_face is None else self._find_face(samples, self._source)
        self._face_by = "none" if face is None else "tracker"
        if n_pairs:
            self._mean_motion = differences / n_pairs * scale.factor
            if face is None:
                sure = eye[0] if eye is not None and eye[1] >= SURE else None
                face = propose_face(self._mean_motion, size, shape, sure)
                self._face_by = "none" if face is None else "motion"
        if face is not None:
            self._add("face", "face", face[0], face[1], math.nan)
        if eye is not None:
            ellipse, confidence, agreement = eye
            lid = Ellipse(ellipse.cx, ellipse.cy, LID * ellipse.rx, LID * ellipse.ry, ellipse.angle)
            self._add("eye", "pupil", ellipse, confidence, agreement)
            self._add("lid", "blink", lid, confidence, agreement)

    def _add(
        self, name: str, kind: RoiKind, shape: Rectangle | Ellipse, confidence: float, agreement: float
    ) -> None:
        rows, columns = self._source.shape
        roi = Roi(
            name,
            kind,
            shape,
            self._source.camera,
            source="proposed",
            frame_size=(columns, rows),
            confidence=round(confidence, 4),
        )
        self._rois.append((roi, agreement))

    def state(self) -> Mapping[str, np.ndarray]:
        """Return nothing: the samples are taken again."""
        return {}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Start again: the samples are few."""

    def finish(self) -> Dataset:
        """Return the proposed regions, and the mean picture and mean motion of the samples."""
        import xarray as xr

        rois = [roi for roi, _ in self._rois]

        def texts(words: Sequence[str]) -> tuple[str, np.ndarray]:
            return "roi", np.array(words, str)

        return xr.Dataset(
            {
                "confidence": ("roi", np.array([roi.confidence for roi in rois], np.float32)),
                "agreement": ("roi", np.array([agreement for _, agreement in self._rois], np.float32)),
                "mean_frame": (("y", "x"), self._mean_frame.astype(np.float32)),
                "mean_motion": (("y", "x"), self._mean_motion.astype(np.float32)),
            },
            {
                "roi": texts([roi.name for roi in rois]),
                "roi_kind": texts([roi.kind for roi in rois]),
                "roi_camera": texts([roi.camera for roi in rois]),
                "roi_shape": texts([roi.shape_json() for roi in rois]),
            },
            {"bin": self._bin, "face_by": self._face_by},
        )

    def flags(self) -> Sequence[Flag]:
        """Return what was not found."""
        kinds = {roi.kind for roi, _ in self._rois}
        flags = []
        if "face" not in kinds:
            text = f"camera {self._source.camera!r}: no face is seen and nothing moves, none is proposed"
            flags.append(Flag("N302", text))
        if "pupil" not in kinds:
            flags.append(Flag("N302", f"camera {self._source.camera!r}: no eye was found, none is proposed"))
        return flags


def proposed_rois(*outcomes: Dataset) -> tuple[Roi, ...]:
    """Turn outcomes of `rois` into regions that other analyses can work on.

    Parameters
    ----------
    *outcomes : Dataset
        The outcome of each camera.

    Returns
    -------
    tuple of Roi
        Regions with ``source="proposed"`` and their confidence; with several cameras the name of the
        camera stands before the name of the region (``left_eye``).

    Raises
    ------
    RoiError
        P402, if a shape is not understood.
    """
    return rois_of_variables(
        [
            ({name: outcome[name].values for name in PROPOSED if name in outcome.variables}, outcome.attrs)
            for outcome in outcomes
        ]
    )
