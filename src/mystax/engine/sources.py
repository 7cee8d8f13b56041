"""What a caller may give as a video: paths, a recording, frames or an array."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.recording import ArraySource, Camera, FrameSource, Recording
from mystax.errors import RecipeError

__all__ = ["VideoLike", "recording_from"]

VideoLike = Recording | FrameSource | np.ndarray | str | Path | Sequence[Any] | Mapping[str, Any]
"""A recording, a frame source, an array (time, y, x), or whatever `mystax.open` takes."""

CAMERA = "face"
IN_MEMORY = "frames"


def recording_from(video: object, **options: Any) -> Recording:
    """Return a recording of whatever a caller gave.

    Parameters
    ----------
    video : Recording, FrameSource, array, path, or list or mapping of paths
        The frames; arrays have the dimensions (time, y, x) and 30 frames per second.
    **options
        As for `mystax.open`; only for paths.  Those that are None are left out.

    Returns
    -------
    Recording
        The cameras.

    Raises
    ------
    RecipeError
        P403, if options of opening are given with something that is open already.
    MystaxError
        As `mystax.open`, for paths.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if isinstance(video, str | Path | Mapping | list | tuple):
        from mystax.engine.recordings import open_recording

        return open_recording(video, **given)
    if given:
        raise RecipeError(
            "P403",
            ", ".join(given),
            "the video is open already",
            hint="give these options to mystax.open, or give the path instead",
        )
    if isinstance(video, Recording):
        return video
    source: object = ArraySource(video) if isinstance(video, np.ndarray) else video
    if not isinstance(source, FrameSource):
        raise RecipeError(
            "P403",
            "video",
            expected="a path, a Recording, a FrameSource or an array",
            got=type(video).__name__,
        )
    return Recording(IN_MEMORY, {CAMERA: Camera(CAMERA, source)})
