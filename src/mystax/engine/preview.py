"""The preview of one frame: the same reducer as in a run, fed with that frame and the one before it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.analysis import get_analysis
from mystax.core.clock import Clock
from mystax.core.geometry import Roi
from mystax.core.params import check_params
from mystax.core.recording import Camera, FrameChunk, FrameSource, Recording
from mystax.core.typing import Float64
from mystax.engine.passes import CameraPass, assemble_outcome
from mystax.engine.roi_rules import RoisLike, check_rois, place_rois, rois_for, rois_from
from mystax.errors import RecipeError, RoiError
from mystax.io.names import DEFAULT_CAMERA

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["preview"]


class _Window(CameraPass):
    """What a reducer is lent for a few frames; what is decided from samples is that of all frames."""

    def __init__(
        self, source: FrameSource, camera: str, rois: Sequence[Roi], times: Float64[np.ndarray, " time"]
    ) -> None:
        super().__init__(source, camera, rois)
        self._times = times

    @property
    def n_frames(self) -> int:
        """Number of frames of the window."""
        return len(self._times)

    @property
    def times(self) -> Float64[np.ndarray, " time"]:
        """Times of the frames of the window [s]."""
        return self._times

    @property
    def clock(self) -> Clock:
        """Times of all frames: the interval between frames is that of the recording."""
        return self._source.clock


def preview(
    name: str,
    source: FrameSource,
    rois: RoisLike | None = None,
    parameters: Mapping[str, object] | None = None,
    frame: int = 0,
    *,
    camera: str = DEFAULT_CAMERA,
) -> Dataset:
    """Measure one frame as a run would.

    Parameters
    ----------
    name : str
        Name of the analysis.
    source : FrameSource
        The frames of one camera.
    rois : Roi, sequence of Roi, or path of a rois.toml, optional
        The regions, as for a run.
    parameters : mapping, optional
        Parameters of the analysis that differ from their defaults.
    frame : int, optional
        Which frame.
    camera : str, optional
        Name of the camera, for its regions.

    Returns
    -------
    Dataset
        One frame of the variables that follow from it and the frame before it alone, equal bit for bit
        to those of the outcome.  What needs the whole recording (smoothing, normalisation) is left out.

    Raises
    ------
    ParameterError
        P401, if a parameter is unknown or out of its range.
    RoiError
        P402, if a region is missing or cannot be used.
    RecipeError
        P403, if there is no such analysis or frame, or the analysis has nothing to preview.
    """
    analysis = get_analysis(name)
    raw = [key for key, variable in analysis.outputs.variables.items() if variable.raw]
    if not raw:
        raise RecipeError("P403", f"preview of {name!r}", "all its values need the whole recording")
    params = check_params(analysis.params, parameters or {}, name)
    if not 0 <= frame < source.n_frames:
        raise RecipeError(
            "P403", f"preview of {name!r}", expected=f"a frame of 0..{source.n_frames - 1}", got=str(frame)
        )
    wanted = _regions(name, source, rois, camera)
    first = max(0, frame - 1)
    lent = _Window(source, camera, wanted, np.asarray(source.times)[first : frame + 1])
    reducer = analysis.make(params)
    reducer.start(lent)
    reason = np.zeros(lent.n_frames, np.uint8)
    for chunk in _chunks(source, first, frame + 1):
        reason[chunk.index] = chunk.reason
        reducer.update(chunk)
    reducer.end_pass()
    while reducer.work() is not None:
        pass
    dataset = assemble_outcome(reducer.finish(), analysis, lent, reason)
    there = [key for key in raw if key in dataset]
    frames = np.arange(first, first + lent.n_frames, dtype=np.int64)
    return dataset[[*there, "missing"]].assign_coords(frame=("time", frames)).isel(time=slice(-1, None))


def _regions(name: str, source: FrameSource, rois: RoisLike | None, camera: str) -> tuple[Roi, ...]:
    """Return the regions that the analysis works on; refuse those that a run would refuse."""
    analysis = get_analysis(name)
    recording = Recording(camera, {camera: Camera(camera, source)}, camera)
    given = place_rois(rois_from(rois) or (), recording)
    check_rois(given, recording)
    found = rois_for(analysis, given, camera, source.shape)
    if analysis.roi_input is not None and not found:
        raise RoiError(
            "P402", f"preview of {name!r}", f"there is no region of kind {analysis.roi_input.kind!r}"
        )
    return found


def _chunks(source: FrameSource, first: int, stop: int) -> list[FrameChunk]:
    """Return frames first..stop, counted from 0."""
    return [replace(chunk, index=chunk.index - first) for chunk in source.chunks(first, stop)]
