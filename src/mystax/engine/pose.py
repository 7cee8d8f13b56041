"""`mystax.pose`: keypoints of a video, or of single pictures, as one call."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.events import Report, silent
from mystax.core.params import check_params
from mystax.engine.stills import is_stills, stills_of

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
        Also keep the outcome in this folder.
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
        P401, if a parameter is unknown or out of its range, or there are no such weights.
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
        return _of_stills(source, parameters, out, progress)
    if out is not None:
        from mystax.engine.run import run

        outcomes = run(
            source,
            analyses=[ANALYSIS],
            parameters={ANALYSIS: parameters},
            out=out,
            cores=cores,
            progress=progress,
        )
        named = f"{ANALYSIS}/{camera}" if camera else ANALYSIS
        return outcomes[named] if named in outcomes else outcomes[next(iter(outcomes))]
    from mystax.engine.calls import analysis_function

    found: Dataset = analysis_function(ANALYSIS)(source, camera=camera, cores=cores, **parameters)
    return found


def _of_stills(
    source: Any, parameters: dict[str, object], out: str | Path | None, progress: Report
) -> Dataset:
    from mystax.analyses.pose_params import PoseParams

    if out is not None and not isinstance(source, np.ndarray):
        from mystax.engine.track_stills import track_folder

        kept: Dataset = track_folder(source, parameters, out=out, progress=progress)[ANALYSIS]
        return kept
    from mystax.core.quality import flags_to_json
    from mystax.engine.track_stills import track_stills

    params = check_params(PoseParams, parameters, ANALYSIS)
    pictures = source if isinstance(source, np.ndarray) else stills_of(source)
    dataset, _, flags = track_stills(pictures, params, progress=progress)
    dataset.attrs["quality"] = flags_to_json(flags)
    return dataset
