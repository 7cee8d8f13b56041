"""The tracker at work on frames as they come, for closed loops."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mystax.compute.track_filter import CausalFilter
from mystax.core.params import joined_text
from mystax.core.recording import FrameSource
from mystax.core.typing import Float32, Shaped
from mystax.errors import ParameterError
from mystax.nets.box_text import parse_box
from mystax.nets.crop import CropBox
from mystax.nets.face_box import find_face_box
from mystax.nets.predictor import open_predictor, points_for_box

__all__ = ["LivePose", "Tracker"]


@dataclass(frozen=True, slots=True, eq=False)
class LivePose:
    """Keypoints of one frame.

    Attributes
    ----------
    position : array (keypoint, space)
        Places [source px]: filtered if times are given, else as measured; NaN where nothing is seen.
    position_raw : array (keypoint, space)
        As measured in this frame alone.
    covariance : array (keypoint, cov)
        xx, xy, yy of `position` [px^2].
    confidence, visibility : array (keypoint,)
        0..1, as in the outcome `pose`.
    time : float
        Time of the frame [s]; NaN if none was given.
    frame : int
        Number of the frame in a stream; -1 for single frames.
    n_dropped : int
        Frames of the stream that were missing just before this one.
    """

    position: Float32[np.ndarray, "keypoint space"]
    position_raw: Float32[np.ndarray, "keypoint space"]
    covariance: Float32[np.ndarray, "keypoint cov"]
    confidence: Float32[np.ndarray, " keypoint"]
    visibility: Float32[np.ndarray, " keypoint"]
    time: float
    frame: int = -1
    n_dropped: int = 0


class Tracker:
    """Tracks a face frame by frame, without any file.

    Parameters
    ----------
    weights : str or Path, optional
        Installed weights by name, or the path of an .onnx file.
    box : str or tuple, optional
        ``auto`` (found in the first frames, and again after `reset`), ``frame``, or (x, y, side[, quarter
        turns]) [px].
    keypoints : str or sequence of str, optional
        ``auto``, ``all``, a set, or names (as a list, or with commas).
    cutoff : float, optional
        Cut-off of the causal filter [Hz].
    device, cores : optional
        Where the network runs.

    Raises
    ------
    ParameterError
        P401, if weights or device are unknown, or an argument has an impossible value.
    RecipeError
        P403, if a point is unknown.
    RoiError
        P402, at the first frame, if the box cannot be used.

    Examples
    --------
    >>> tracker = Tracker(box=(80, 40, 320))  # doctest: +SKIP
    >>> tracker(frame, time=0.01).position  # doctest: +SKIP
    """

    def __init__(
        self,
        weights: str | Path = "mouse-face",
        *,
        box: str | Sequence[float] = "auto",
        keypoints: str | Sequence[str] = "auto",
        cutoff: float = 20.0,
        device: str = "auto",
        cores: int = 2,
    ) -> None:
        self._asked = _text_of("box", box, "auto, frame or (x, y, side)")
        names = _text_of("keypoints", keypoints, "auto, all, a set, or names")
        self._cutoff = _finite("cutoff", cutoff)
        if not self._cutoff > 0:
            raise ParameterError("P401", "cutoff", expected="more than 0 Hz", got=str(cutoff))
        self._predictor = open_predictor(weights, keypoints=names, device=device, batch=1, cores=cores)
        self._box: CropBox | None = None
        self._shape: tuple[int, int] | None = None
        self._filter = CausalFilter(self._predictor.n_points, cutoff=self._cutoff)

    @property
    def keypoints(self) -> tuple[str, ...]:
        """Names of the points, in the order of the arrays."""
        return self._predictor.keypoints.ids

    @property
    def box(self) -> CropBox | None:
        """The face box; None before the first frame."""
        return self._box

    def reset(self) -> None:
        """Forget the face box and the path of the points: the next frame is the first."""
        self._box = None
        self._filter = CausalFilter(self._predictor.n_points, cutoff=self._cutoff)

    def __call__(self, frame: Shaped[np.ndarray, "..."], time: float | None = None) -> LivePose:
        """Find the points of one frame.

        Parameters
        ----------
        frame : array (y, x)
            Grey frame.
        time : float, optional
            Its time [s]; frames with times are filtered along their path.

        Returns
        -------
        LivePose
            The points.

        Raises
        ------
        ParameterError
            P401, if the frame is no grey picture or has another size than the first one, or the times are no
            numbers that rise.
        """
        _check_grey(frame)
        return self._track(frame, None if time is None else _finite("time", time), -1, 0)

    def _track(
        self, frame: Shaped[np.ndarray, "y x"], time: float | None, number: int, n_dropped: int
    ) -> LivePose:
        if self._box is not None and frame.shape != self._shape:
            raise ParameterError(
                "P401",
                "frame",
                "the face box is that of frames of another size",
                expected=str(self._shape),
                got=str(frame.shape),
                hint="call reset() before another video",
            )
        box = self._box if self._box is not None else self._find(frame)
        crop = self._predictor.crop(frame, box)
        size = self._predictor.network.size
        is_flat = np.array([crop is None])
        crops = np.zeros((1, size, size), np.float32) if crop is None else crop[None]
        found = self._predictor.predict(crops, box, frame.shape, is_flat)
        position, covariance = found.xy[0], found.covariance[0]
        if time is not None:
            try:
                filtered = self._filter.step(position, covariance, found.confidence[0], time)
            except ValueError as error:
                raise ParameterError(
                    "P401", "time", str(error), hint="call reset() before another video"
                ) from error
            position, covariance = (array.astype(np.float32) for array in filtered)
        return LivePose(
            position,
            found.xy[0],
            covariance,
            found.confidence[0],
            found.visibility[0],
            np.nan if time is None else time,
            number,
            n_dropped,
        )

    def _find(self, frame: Shaped[np.ndarray, "y x"]) -> CropBox:
        """Settle the face box with the first frame."""
        self._shape = frame.shape
        if self._asked != "auto" or self._predictor.network.info.box == "frame":
            self._box = parse_box("frame" if self._asked == "auto" else self._asked, frame.shape)
            return self._box
        face = find_face_box(
            [frame], self._predictor.place, points_for_box(self._predictor.every), self._predictor.score
        )
        # A face that is not there yet may come with a later frame.
        self._box = face.box if face.is_found else None
        return face.box

    def stream(self, source: FrameSource) -> Iterator[LivePose]:
        """Track the frames of a source in order; missing frames are counted, never repeated.

        Parameters
        ----------
        source : FrameSource
            Such as ``mystax.open("face.mp4").video("face")``.

        Yields
        ------
        LivePose
            One per frame that can be read.
        """
        n_dropped = 0
        for chunk in source.chunks():
            for number, time, frame, good in zip(
                chunk.index, chunk.time, chunk.data, chunk.valid, strict=True
            ):
                if not good or not np.isfinite(time):
                    n_dropped += 1
                    continue
                yield self._track(frame, float(time), int(number), n_dropped)
                n_dropped = 0


def _text_of(name: str, value: object, expected: str) -> str:
    """Return a text, or a list of its parts joined."""
    text = value if isinstance(value, str) else joined_text(value)
    if text is None:
        raise ParameterError("P401", name, expected=expected, got=repr(value)[:80])
    return text


def _finite(name: str, value: object) -> float:
    """Return a finite number."""
    try:
        number = float(value)  # type: ignore[arg-type] # what is no number is refused here
    except (TypeError, ValueError, OverflowError) as error:
        raise ParameterError("P401", name, expected="a finite number", got=repr(value)[:80]) from error
    if not math.isfinite(number):
        raise ParameterError("P401", name, expected="a finite number", got=str(number))
    return number


def _check_grey(frame: object) -> None:
    """Refuse what is no grey picture."""
    if isinstance(frame, np.ndarray) and frame.ndim == 2 and frame.dtype.kind in "uif":
        return
    got = f"{frame.dtype} {frame.shape}" if isinstance(frame, np.ndarray) else type(frame).__name__
    raise ParameterError("P401", "frame", expected="a grey picture: array (y, x)", got=got)
