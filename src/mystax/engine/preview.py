"""The preview of some frames: the same reducer as in a run, fed with them and the frame before them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.analysis import Reducer, Sighted, get_analysis
from mystax.core.clock import Clock
from mystax.core.geometry import Roi
from mystax.core.params import check_params
from mystax.core.recording import Camera, FrameChunk, FrameSource, Recording
from mystax.core.typing import Float64
from mystax.engine.passes import CameraPass, assemble_outcome
from mystax.engine.roi_rules import RoisLike, check_rois, place_rois, rois_for, rois_from
from mystax.engine.wrapped import WrappedSource
from mystax.errors import RecipeError, RoiError
from mystax.io.names import DEFAULT_CAMERA

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["preview"]


class _Stretch(WrappedSource):
    """Some frames that follow each other as if there were no others; samples are those of the whole source.

    Parameters
    ----------
    source : FrameSource
        The frames of one camera.
    first, stop : int
        The frames first..stop - 1.
    """

    def __init__(self, source: FrameSource, first: int, stop: int) -> None:
        super().__init__(source)
        self._first, self._stop = first, stop

    @property
    def n_frames(self) -> int:
        """Number of frames of the stretch."""
        return self._stop - self._first

    @property
    def clock(self) -> Clock:
        """Times of these frames."""
        clock = self._source.clock
        return replace(clock, ticks=clock.ticks[self._first : self._stop])

    @property
    def times(self) -> Float64[np.ndarray, " time"]:
        """Times of these frames [s]."""
        return self._source.times[self._first : self._stop]

    def frame_at(self, index: int) -> FrameChunk:
        """Give one frame, counted from the first of the stretch."""
        return self._counted(self._source.frame_at(self._first + index))

    def given(self, *, singly: bool) -> Iterator[FrameChunk]:
        """Give all frames: one by one, or as they come."""
        if singly:  # mostly decoded already: the frame that is shown, and the one before it
            yield from map(self.frame_at, range(self.n_frames))
        else:
            yield from map(self._counted, self._source.chunks(self._first, self._stop))

    def _counted(self, chunk: FrameChunk) -> FrameChunk:
        return replace(chunk, index=chunk.index - self._first, base=self._first)


def preview(
    name: str,
    source: FrameSource,
    rois: RoisLike | None = None,
    parameters: Mapping[str, object] | None = None,
    frame: int = 0,
    *,
    n_frames: int = 1,
    camera: str = DEFAULT_CAMERA,
    sight: bool = False,
) -> Dataset:
    """Measure one frame, or some that follow each other, as a run would.

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
        Which frame; the first one of several.
    n_frames : int, optional
        How many frames; fewer come at the end of the recording.
    camera : str, optional
        Name of the camera, for its regions.
    sight : bool, optional
        Show what leads to the numbers of the (first) frame as well, where the analysis can: its first region
        as the fit sees it, with grey levels and threshold.

    Returns
    -------
    Dataset
        The frames of the variables that follow from a frame and the one before it alone, equal bit for bit
        to those of the outcome.  What needs the whole recording (smoothing, normalisation) is left out.
        With `sight` the variables of `mystax.compute.sight.sight_dataset`.

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
    first, stop = max(0, frame - 1), min(frame + max(1, n_frames), source.n_frames)
    stretch = _Stretch(source, first, stop)
    lent = CameraPass(stretch, camera, wanted)
    reducer = analysis.make(params)
    reducer.start(lent)
    reason = np.zeros(stretch.n_frames, np.uint8)
    for chunk in stretch.given(singly=n_frames == 1):
        reason[chunk.index] = chunk.reason
        reducer.update(chunk)
    reducer.end_pass()
    while reducer.work() is not None:
        pass
    dataset = assemble_outcome(reducer.finish(), analysis, lent, reason)
    dataset["frame"] = dataset["frame"].copy(data=dataset["frame"].values + first)
    there = [key for key in raw if key in dataset]
    found = dataset[[*there, "missing"]].isel(time=slice(frame - first, None))
    return found.merge(_sight(reducer, source, frame)) if sight else found


def _sight(reducer: Reducer, source: FrameSource, frame: int) -> Dataset:
    """Return what a reducer sees in a frame; nothing where it cannot show it."""
    import xarray as xr

    return reducer.sight(source.frame_at(frame)) if isinstance(reducer, Sighted) else xr.Dataset()


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
