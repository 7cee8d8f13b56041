"""The tracker at work on one camera: face box first, then every frame through the network, then smoothing."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.pose_checks import given_box, is_too_small
from mystax.analyses.pose_finish import Tracked, finish_pose
from mystax.analyses.pose_params import PoseParams
from mystax.analyses.pose_rows import PER_POINT, SMOOTHED, Columns, columns_of
from mystax.compute.frame_rows import check_state, open_rows
from mystax.core.analysis import Pass, Spool
from mystax.core.geometry import Roi
from mystax.core.lazy import lazy_rows
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk
from mystax.core.typing import Float32, Shaped
from mystax.nets.crop import CropBox, frame_box
from mystax.nets.face_box import FaceBox, find_face_box
from mystax.nets.predictor import Predictor, open_predictor, points_for_box

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["PoseReducer"]

N_SAMPLES = 24


@dataclass
class _Batch:
    """Frames on their way through the network: their crops, and which rows these belong to."""

    n_rows: int = 0
    crops: list[Float32[np.ndarray, "size size"]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    flat: list[int] = field(default_factory=list)


class PoseReducer:
    """Tracks the keypoints of one camera.

    Parameters
    ----------
    params : PoseParams
        Parameters.
    """

    def __init__(self, params: PoseParams) -> None:
        self._params = params
        self._source: Pass
        self._rows: Spool
        self._predictor: Predictor
        self._face = FaceBox(CropBox(0.0, 0.0, 1.0), 1.0)
        self._batch = _Batch()
        self._worker: ThreadPoolExecutor | None = None
        self._running: Future[Float32[np.ndarray, "n width"]] | None = None
        self._flags: list[Flag] = []

    def start(self, source: Pass) -> None:
        """Load the network and find the face.

        Raises
        ------
        RoiError
            P402, if the pictures are too small and are not to be skipped, or the box cannot be used.
        WeightsError
            M701, M702, if the weights cannot be used.
        """
        is_small = is_too_small(self._params, source.camera, source.shape)
        self._source = source
        self._predictor = open_predictor(
            self._params.weights,
            keypoints=self._params.keypoints,
            device=self._params.device,
            batch=self._params.batch,
            cores=source.tiles.cores,
            bits=source.bits,
        )
        self._face = FaceBox(frame_box(*source.shape), 0.0) if is_small else self._choose_box(source)
        self._rows = open_rows(source, "pose", len(PER_POINT) * self._predictor.n_points)

    def _choose_box(self, source: Pass) -> FaceBox:
        """Take the box that is given, or find one in samples."""
        given = [roi for roi in source.rois if roi.kind == "face" and roi.confidence is None]
        text = self._params.box
        if text == "auto" and self._predictor.network.info.box == "frame":
            text = "frame"
        if text == "auto" and given:
            return FaceBox(_square(given[0]), 1.0)
        if text == "auto":
            sample = source.sample(N_SAMPLES)
            frames = [frame for frame, good in zip(sample.data, sample.valid, strict=True) if good]
            if not frames:
                return FaceBox(frame_box(*source.shape), 0.0)
            network = self._predictor
            return find_face_box(frames, network.place, points_for_box(network.every), network.score)
        return FaceBox(given_box(text, source.shape), 1.0)

    @property
    def n_passes(self) -> int:
        """One decode pass; none where there is no face and the camera is to be skipped."""
        return 0 if self._is_skipped else 1

    @property
    def _is_skipped(self) -> bool:
        return self._params.no_face == "skip" and not self._face.is_found

    @property
    def box(self) -> CropBox:
        """The square that the network sees."""
        return self._face.box

    def update(self, chunk: FrameChunk) -> None:
        """Crop the next frames and send full batches through the network."""
        for frame, good in zip(chunk.data, chunk.valid, strict=True):
            place = self._batch.n_rows
            self._batch.n_rows += 1
            if not good:
                continue
            crop = self._predictor.crop(frame, self._face.box)
            if crop is None:
                self._batch.flat.append(place)
                continue
            self._batch.crops.append(crop)
            self._batch.places.append(place)
            # A device short of memory makes the batch smaller, perhaps at this very moment.
            if len(self._batch.crops) >= self._predictor.network.batch:
                self._send()
        # Only what fills no batch stays behind: a chunk of missing frames must not grow the batch.
        if not self._batch.crops and self._batch.n_rows:
            self._send()

    def _send(self) -> None:
        """Let the network work on the batch at hand while the next one is made."""
        self._collect()
        batch, self._batch = self._batch, _Batch()
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, "network")
        self._running = self._worker.submit(self._measure, batch)

    def _collect(self) -> None:
        """Write the rows of the batch that is on its way."""
        if self._running is not None:
            running, self._running = self._running, None
            self._rows.append(running.result())

    def _measure(self, batch: _Batch) -> Float32[np.ndarray, "n width"]:
        """Return the rows of a batch: NaN for missing frames, confidence 0 for flat ones."""
        n_points = self._predictor.n_points
        rows = np.full((batch.n_rows, len(PER_POINT), n_points), np.nan, np.float32)
        rows[batch.flat, PER_POINT.index("confidence") : PER_POINT.index("visibility") + 1] = 0
        if batch.crops:
            found = self._predictor.predict(np.stack(batch.crops), self._face.box, self._source.shape)
            values = (
                *(found.xy[..., k] for k in range(2)),
                *(found.covariance[..., k] for k in range(3)),
                found.confidence,
                found.visibility,
                found.shape,
                found.is_clipped.astype(np.float32),
                found.spread,
            )
            rows[batch.places] = np.stack(values, axis=1)
        return rows.reshape(batch.n_rows, -1)

    def _drain(self) -> None:
        if self._batch.n_rows:
            self._send()
        self._collect()

    def end_pass(self) -> None:
        """Measure what is left and let the network go."""
        self._drain()
        if self._worker is not None:
            self._worker.shutdown()
            self._worker = None

    def work(self) -> float | None:
        """Nothing is left to do after the frames."""
        return None

    def state(self) -> Mapping[str, Shaped[np.ndarray, "..."]]:
        """Return the box; all else is in the spooled rows."""
        self._drain()
        box = self._face.box
        return {"pose_box": np.array([box.x, box.y, box.side, box.quarter_turns, self._face.score])}

    def restore(self, state: Mapping[str, Shaped[np.ndarray, "..."]]) -> None:
        """Go back to a state.

        Raises
        ------
        DamagedError
            S502, if it is not a state of this analysis.
        """
        check_state("pose", state, self.state())
        x, y, side, turns, score = (float(value) for value in state["pose_box"])
        self._face = FaceBox(CropBox(x, y, side, int(turns)), score)

    def finish(self) -> Dataset:
        """Return places, raw and smoothed, with covariances, confidence and flags."""
        n, k = self._source.n_frames, self._predictor.n_points
        smoothed = [open_rows(self._source, f"pose_smooth{point}", len(SMOOTHED)) for point in range(k)]
        dataset, self._flags = finish_pose(
            Tracked(
                self._rows,
                n,
                self._source.times,
                self._face,
                self._predictor,
                smoothed,
                self._is_skipped,
                self._source.shape,
            ),
            self._params,
        )
        point, place = ("time", "keypoint", "individual"), ("time", "space", "keypoint", "individual")
        cov = ("time", "cov", "keypoint", "individual")
        for name, dims, columns, shape in (
            ("position_raw", place, ("x", "y"), (n, 2, k, 1)),
            ("measurement_covariance", cov, ("xx", "xy", "yy"), (n, 3, k, 1)),
            ("confidence", point, ("confidence",), (n, k, 1)),
            ("visibility", point, ("visibility",), (n, k, 1)),
        ):
            dataset[name] = lazy_rows(Columns(self._rows, columns_of(k, *columns)), dims, shape, "float32")
        return dataset

    def flags(self) -> Sequence[Flag]:
        """Return the remarks on the outcome (after `finish`)."""
        return tuple(self._flags)


def _square(roi: Roi) -> CropBox:
    """Return the square about a face region."""
    box = roi.shape.box()
    side = float(max(box.width, box.height))
    return CropBox(box.x0 + (box.width - side) / 2, box.y0 + (box.height - side) / 2, side)
