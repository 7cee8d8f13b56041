"""The preview of some frames: the same reducer as in a run, fed with them and the frame before them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.analysis import Reducer, Sighted, Spool, get_analysis
from mystax.core.geometry import Roi
from mystax.core.params import check_params
from mystax.core.recording import Camera, FrameSource, Recording
from mystax.core.typing import Shaped
from mystax.engine.passes import CameraPass, assemble_outcome
from mystax.engine.roi_rules import RoisLike, check_rois, place_rois, rois_for, rois_from
from mystax.errors import RecipeError, RoiError
from mystax.io.names import DEFAULT_CAMERA

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["preview"]


class _Stretch:
    """Rows of all frames of which only a few come: the others are NaN, or 0 for whole numbers."""

    def __init__(self, width: int, dtype: str, first: int, n_frames: int) -> None:
        self._dtype = np.dtype(dtype)
        fill = np.nan if self._dtype.kind == "f" else 0
        self._rows = np.full((n_frames, width), fill, self._dtype)
        self._next = first

    @property
    def n_rows(self) -> int:
        """Number of rows, those that never come included."""
        return len(self._rows)

    @property
    def width(self) -> int:
        """Values per row."""
        return int(self._rows.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a value."""
        return self._dtype

    def append(self, rows: Shaped[np.ndarray, "n width"]) -> None:
        """Put rows in the place of the next frames."""
        self._rows[self._next : self._next + len(rows)] = rows
        self._next += len(rows)

    def read(self, start: int, stop: int) -> Shaped[np.ndarray, "n width"]:
        """Return rows start..stop."""
        return self._rows[start:stop]


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

    def rows(_: str, width: int, dtype: str, __: bool) -> Spool:
        return _Stretch(width, dtype, first, source.n_frames)

    lent = CameraPass(source, camera, wanted, spools=rows)
    reducer = analysis.make(params)
    reducer.start(lent)
    reason = np.zeros(source.n_frames, np.uint8)
    # Single frames are mostly there already: the one that is shown, and the one before it.
    single = (source.frame_at(index) for index in range(first, stop))
    for chunk in single if n_frames == 1 else source.chunks(first, stop):
        reason[chunk.index] = chunk.reason
        reducer.update(chunk)
    reducer.end_pass()
    while reducer.work() is not None:
        pass
    dataset = assemble_outcome(reducer.finish(), analysis, lent, reason)
    there = [key for key in raw if key in dataset]
    found = dataset[[*there, "missing"]].isel(time=slice(frame, stop))
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
