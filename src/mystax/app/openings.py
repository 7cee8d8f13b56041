"""How the cameras of a recording are opened: with the clocks and ranges that it was measured with.

Traces lie on the clock of the session.  A camera that is shown beside them has the same times, or the picture
is not that of the cursor.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.app.shelf import outcomes_in
from mystax.core.clock import Clock
from mystax.errors import ClockError, MystaxError, RecipeError

if TYPE_CHECKING:
    from mystax.io.video_reader import VideoReader

__all__ = ["Opening", "open_camera", "opening_of", "stamp_of"]

Files = tuple[Path, ...]
OF_CAMERA = ("clocks", "clock_policy", "offsets")
OF_ALL = ("damage", "grey_range")
MEASURED = "run_camera_files"
"""What the outcomes of a run of frames have, and those that were made from them have not."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a recording was opened.

    Attributes
    ----------
    arguments : mapping
        Of `mystax.open`, besides its files: what differs from the defaults.
    times : mapping of str to tuple of str
        Camera whose times are not those of its files, to the folder and the name of an outcome that has them.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    times: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def is_lost(self) -> bool:
        """Whether times came from elsewhere and nothing says from where: they can be shown only."""
        return bool(self.times) and not any(name in self.arguments for name in OF_CAMERA)

    def ordered(self, cameras: Mapping[str, Files]) -> dict[str, Files]:
        """Return cameras with the reference first: it is the one that is stepped unless another is chosen."""
        first = str(self.arguments.get("reference", ""))
        return dict(sorted(cameras.items(), key=lambda pair: pair[0] != first))

    def spec(self, camera: str, files: Sequence[Path]) -> dict[str, Any] | None:
        """Return from what `open_camera` opens a camera; None where its files say all."""
        own = {
            name: {camera: self.arguments[name][camera]}
            for name in OF_CAMERA
            if camera in self.arguments.get(name, {})
        }
        own |= {name: self.arguments[name] for name in OF_ALL if name in self.arguments}
        if not own and camera not in self.times:
            return None
        paths = {camera: [str(path) for path in files]}
        return {"opening": {"paths": paths, **own}, "times": self.times.get(camera)}

    def request(self, name: str, cameras: Mapping[str, Sequence[Path]]) -> dict[str, Any]:
        """Return arguments of `mystax.open` that open the recording again; none where its files say all."""
        if not self.arguments:
            return {}
        paths = {camera: [str(path) for path in files] for camera, files in cameras.items()}
        return {"paths": paths, "name": name, **self.arguments}


def opening_of(folder: Path, cameras: Sequence[str]) -> Opening | None:
    """Return how the recording was opened whose outcomes lie in a folder, as the newest of them says.

    Parameters
    ----------
    folder : Path
        The folder of outcomes.
    cameras : sequence of str
        Names of the cameras.

    Returns
    -------
    Opening or None
        None where nothing was measured.
    """
    try:
        outcomes = outcomes_in(folder)
        told = {name: outcomes.attributes(name) for name in outcomes}
    except MystaxError:
        return None
    measured = {name: one for name, one in told.items() if MEASURED in one}
    if not measured or not cameras:
        return None
    ends = {name: str(one.get("run_finished", "")) for name, one in measured.items()}
    newest = max(ends.values())
    times = {
        name.partition("/")[2] or cameras[0]: (str(folder), name)
        for name, one in measured.items()
        if ends[name] == newest and "clock" in one
    }
    (first, *_) = (one for name, one in measured.items() if ends[name] == newest)
    known = set(cameras)
    return Opening(_arguments(first), {camera: one for camera, one in times.items() if camera in known})


def _arguments(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Read what an outcome says of how its recording was opened; nothing where it is not understood."""
    try:
        found = json.loads(str(attributes.get("run_opening", "{}")))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    told = {name: found[name] for name in OF_CAMERA if isinstance(found.get(name), dict)}
    return told | {name: found[name] for name in (*OF_ALL, "reference") if isinstance(found.get(name), str)}


def open_camera(spec: Mapping[str, Any]) -> "VideoReader":
    """Open a camera as it was measured.

    Parameters
    ----------
    spec : mapping
        Of `Opening.spec`, or of `VideoReader.spec`.

    Returns
    -------
    VideoReader
        Its frames, on the clock of the session.  A clock file that is gone is no hindrance where an outcome
        has the times that were read from it.

    Raises
    ------
    MystaxError
        As `mystax.open`.
    """
    from mystax.io.video import Video

    if "opening" not in spec:
        return Video.from_spec(spec)
    opening, times = dict(spec["opening"]), spec.get("times")
    is_clocked = any(name in opening for name in OF_CAMERA)
    if is_clocked:
        try:
            return _opened(opening)
        except (ClockError, RecipeError):
            if times is None:
                raise
    plain = _opened({name: value for name, value in opening.items() if name not in OF_CAMERA})
    return plain if times is None else _timed(plain, Path(times[0]), times[1])


def stamp_of(spec: Mapping[str, Any]) -> tuple[object, ...]:
    """Return how a camera is opened, and what tells that one of its files was written anew.

    Parameters
    ----------
    spec : mapping
        As for `open_camera`.

    Returns
    -------
    tuple
        The specification, and size and time of change of each file that is there.
    """
    paths = spec.get("paths") or [path for files in spec["opening"]["paths"].values() for path in files]
    states = [Path(path).stat() for path in paths if Path(path).is_file()]
    return (spec, *((one.st_size, one.st_mtime_ns) for one in states))


def _opened(opening: Mapping[str, Any]) -> "VideoReader":
    from mystax.engine.recordings import open_recording
    from mystax.io.video_reader import VideoReader

    (camera,) = open_recording(**opening).cameras.values()
    assert isinstance(camera.video, VideoReader)  # noqa: S101 - files give nothing else
    return camera.video


def _timed(video: "VideoReader", folder: Path, name: str) -> "VideoReader":
    """Give frames the times of an outcome; those of another film are none of its own."""
    times = np.asarray(outcomes_in(folder)[name]["time"].values, np.float64)
    if len(times) != video.n_frames:
        raise ClockError(
            "C202",
            f"camera of {name!r}",
            "the film is not the one that was measured",
            expected=f"{len(times)} frames",
            got=str(video.n_frames),
            hint="measure it again",
        )
    no_time = ~np.isfinite(times)
    clock = Clock.from_seconds(times[~no_time], "outcome")
    return video.with_clock(clock, no_time if no_time.any() else None)
