"""`mystax.pose`: keypoints of a video, or of single pictures, as one call."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.events import Report, silent
from mystax.core.params import check_params
from mystax.engine.stills import is_stills, stills_of
from mystax.errors import ParameterError, RecipeError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["pose"]

ANALYSIS = "pose"


def pose(
    source: Any,
    *,
    camera: str = "",
    cores: int = 1,
    out: str | Path | None = None,
    progress: Report = silent,
    **parameters: object,
) -> Dataset:
    """Find the keypoints of a face in every frame.

    Parameters
    ----------
    source : path, Recording, FrameSource, folder of images, list of images, or array (n, y, x)
        A video, or single pictures: these have the dimension `image` instead of `time`.
    camera : str, optional
        Which camera of a recording; by default its reference.
    cores : int, optional
        Threads of the network; the result does not depend on it.
    out : path, optional
        Also keep the outcome in this folder; not of arrays of pictures.
    progress : callable, optional
        Takes events.
    **parameters
        ``weights="mouse-face"``, ``keypoints="auto"``, ``box="auto"``, ``smooth="adaptive"``, ...: those of
        the analysis `pose`.

    Returns
    -------
    Dataset
        position, position_raw, covariance, measurement_covariance, confidence, visibility and flag over
        time (or image), keypoint and individual [px of the source].

    Raises
    ------
    ParameterError
        P401, if a parameter is unknown or out of its range, there are no such weights, or `out` is given
        with an array of pictures.
    RoiError
        P402, if the pictures are too small or the box lies outside of them.
    RecipeError
        P403, if a point or camera is unknown.

    Examples
    --------
    >>> dataset = pose("face.mp4", box="80,40,320")  # doctest: +SKIP
    >>> dataset["position"].sel(keypoint="nose_tip")  # doctest: +SKIP
    """
    if isinstance(source, np.ndarray) or is_stills(source):
        return _of_stills(source, parameters, out, cores, progress)
    if out is not None:
        return _kept(source, camera, parameters, out, cores, progress)
    from mystax.engine.calls import analysis_function

    found: Dataset = analysis_function(ANALYSIS)(source, camera=camera, cores=cores, **parameters)
    return found


def _kept(
    source: Any,
    camera: str,
    parameters: dict[str, object],
    out: str | Path,
    cores: int,
    progress: Report,
) -> Dataset:
    """Track all cameras into a folder and return the one that is asked for."""
    from mystax.engine.run import run
    from mystax.engine.sources import recording_from

    recording = recording_from(source)
    try:
        recording.video(camera)  # refuses an unknown one before the work
        outcomes = run(
            recording,
            analyses=[ANALYSIS],
            parameters={ANALYSIS: parameters},
            out=out,
            cores=cores,
            progress=progress,
        )
    finally:
        if recording is not source:
            recording.close()
    several = len(recording.cameras) > 1
    name = f"{ANALYSIS}/{camera or recording.reference}" if several else ANALYSIS
    if name not in outcomes:
        raise RecipeError("P403", recording.name, f"there is no pose of camera {camera!r}")
    return outcomes[name]


def _of_stills(
    source: Any, parameters: dict[str, object], out: str | Path | None, cores: int, progress: Report
) -> Dataset:
    from mystax.analyses.pose_params import PoseParams

    if out is not None and isinstance(source, np.ndarray):
        raise ParameterError(
            "P401",
            "parameter 'out' of 'pose'",
            "pictures of an array have no names to be kept by",
            expected="none with an array",
            got=repr(str(out)),
            hint="write the pictures into a folder and give that, or write the result: pose.to_netcdf(FILE)",
        )
    if out is not None:
        from mystax.engine.track_stills import track_folder

        kept: Dataset = track_folder(source, parameters, out=out, cores=cores, progress=progress)[ANALYSIS]
        return kept
    from mystax.core.quality import flags_to_json
    from mystax.engine.track_stills import track_stills

    params = check_params(PoseParams, parameters, ANALYSIS)
    pictures = source if isinstance(source, np.ndarray) else stills_of(source)
    dataset, _, flags = track_stills(pictures, params, cores=cores, progress=progress)
    dataset.attrs["quality"] = flags_to_json(flags)
    return dataset
