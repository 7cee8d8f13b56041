"""One camera's shared pass: what a reducer is lent, and the loop that feeds all reducers."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.analysis import Analysis, Reducer, Spool, Tiles
from mystax.core.clock import Clock
from mystax.core.dataset import complete_outcome
from mystax.core.geometry import Rectangle, Roi
from mystax.core.recording import FrameChunk, FrameSource
from mystax.core.typing import Float64, Shaped, UInt8

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["CameraPass", "MemorySpool", "OneThread", "assemble_outcome", "drive", "whole_frame"]


class MemorySpool:
    """Rows kept in memory: for calls in a notebook and for tests."""

    def __init__(self, width: int, dtype: str) -> None:
        self._blocks: list[np.ndarray] = []
        self._width, self._dtype = width, np.dtype(dtype)
        self._n_rows = 0

    @property
    def n_rows(self) -> int:
        """Number of rows written."""
        return self._n_rows

    @property
    def width(self) -> int:
        """Values per row."""
        return self._width

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a value."""
        return self._dtype

    def append(self, rows: Shaped[np.ndarray, "n width"]) -> None:
        """Add rows at the end."""
        if rows.shape[1] != self._width:
            raise ValueError(f"spool rows have {self._width} values, got {rows.shape[1]}")
        self._blocks.append(np.array(rows, self._dtype))
        self._n_rows += len(rows)

    def read(self, start: int, stop: int) -> Shaped[np.ndarray, "n width"]:
        """Return rows start..stop."""
        if len(self._blocks) > 1:
            self._blocks = [np.concatenate(self._blocks)]
        if not self._blocks:
            return np.empty((0, self._width), self._dtype)
        return self._blocks[0][start:stop]


class OneThread:
    """Tiles worked one after the other."""

    @property
    def cores(self) -> int:
        """Number of threads."""
        return 1

    def map(self, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """Return work(item) for all items, in order."""
        return [work(item) for item in items]


def whole_frame(shape: tuple[int, int], camera: str) -> Roi:
    """Return the region that covers a whole picture of `shape` (rows, columns)."""
    return Roi("frame", "motion", Rectangle(0, 0, shape[1], shape[0]), camera)


class CameraPass:
    """What a reducer is lent for one camera (implements `mystax.core.analysis.Pass`)."""

    def __init__(
        self,
        source: FrameSource,
        camera: str,
        rois: Sequence[Roi],
        *,
        tiles: Tiles | None = None,
        spools: Callable[[str, int, str, bool], Spool | None] | None = None,
    ) -> None:
        self._source, self._camera, self._rois = source, camera, tuple(rois)
        self._tiles = tiles or OneThread()
        self._spools = spools

    @property
    def camera(self) -> str:
        """Name of the camera."""
        return self._camera

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame [px]."""
        return self._source.shape

    @property
    def bits(self) -> int:
        """Depth of the frames."""
        return self._source.bits

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self._source.n_frames

    @property
    def clock(self) -> Clock:
        """Times of all frames."""
        return self._source.clock

    @property
    def times(self) -> Float64[np.ndarray, " time"]:
        """Times of all frames [s]."""
        return self._source.times

    @property
    def rois(self) -> tuple[Roi, ...]:
        """The regions that the analysis works on."""
        return self._rois

    @property
    def tiles(self) -> Tiles:
        """Threads for independent pieces of work."""
        return self._tiles

    def sample(self, n: int) -> FrameChunk:
        """Give up to n valid frames at fixed places."""
        return self._source.sample(n)

    def frame_at(self, index: int) -> FrameChunk:
        """Give one frame at random."""
        return self._source.frame_at(index)

    def spool(self, name: str, width: int, dtype: str, *, scratch: bool = False) -> Spool | None:
        """Give an append-only row file; None where there is no room for a scratch file."""
        if self._spools is not None:
            return self._spools(name, width, dtype, scratch)
        return MemorySpool(width, dtype)


def drive(
    source: FrameSource, reducers: Mapping[str, tuple[Reducer, CameraPass]], *, size: int | None = None
) -> UInt8[np.ndarray, " time"]:
    """Run reducers over all frames of one camera in memory.

    Parameters
    ----------
    source : FrameSource
        The frames.
    reducers : mapping
        Name to (reducer, what it is lent).
    size : int, optional
        Frames per chunk.

    Returns
    -------
    array (time,)
        `Reason` of each frame.
    """
    reason = np.zeros(source.n_frames, np.uint8)
    for reducer, lent in reducers.values():
        reducer.start(lent)
    done = 0
    while any(reducer.n_passes > done for reducer, _ in reducers.values()):
        active = [reducer for reducer, _ in reducers.values() if reducer.n_passes > done]
        for chunk in source.chunks(size=size):
            reason[chunk.index] = chunk.reason
            for reducer in active:
                reducer.update(chunk)
        for reducer in active:
            reducer.end_pass()
        done += 1
    for reducer, _ in reducers.values():
        while reducer.work() is not None:
            pass
    return reason


def assemble_outcome(
    dataset: Dataset, analysis: Analysis, lent: CameraPass, reason: UInt8[np.ndarray, " time"]
) -> Dataset:
    """Give the dataset of a reducer the common coordinates, units and help texts.

    Returns
    -------
    Dataset
        The outcome with the size of the picture [px], without provenance attributes.
    """
    schema = analysis.outputs
    if schema.per_frame:
        dataset = dataset.assign_coords(
            time=("time", lent.times), frame=("time", np.arange(lent.n_frames, dtype=np.int64))
        )
        dataset["missing"] = ("time", reason)
    if schema.per_roi and "roi" not in dataset.coords:
        dataset = dataset.assign_coords(
            roi=("roi", [roi.name for roi in lent.rois]),
            roi_kind=("roi", [roi.kind for roi in lent.rois]),
            roi_camera=("roi", [roi.camera or lent.camera for roi in lent.rois]),
            roi_shape=("roi", [roi.shape_json() for roi in lent.rois]),
        )
    rows, columns = lent.shape
    dataset.attrs.update(frame_width=columns, frame_height=rows)
    return complete_outcome(dataset, schema)
