"""The videos behind outcomes: found beside them, and what an NWB file says of each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mystax.core.safe_names import is_there
from mystax.core.typing import Float64
from mystax.errors import MystaxError
from mystax.io.fingerprint import quick_id
from mystax.io.outcome_parts import OutcomeParts
from mystax.io.provenance import files_of_cameras, frames_inputs

__all__ = ["CameraVideo", "camera_videos", "creation_time"]


@dataclass(frozen=True, eq=False, slots=True)
class CameraVideo:
    """The files of one camera.

    Attributes
    ----------
    camera : str
        Its name.
    files : tuple of Path
        In order.
    starting_frames : tuple of int
        First frame of each file.
    width, height, n_frames : int
        Of the pictures, and of all files [px].
    times : array (time,)
        Of all frames, session clock [s].
    created : datetime, optional
        When the first file was begun, as the container says.
    """

    camera: str
    files: tuple[Path, ...]
    starting_frames: tuple[int, ...]
    width: int
    height: int
    n_frames: int
    times: np.ndarray
    created: datetime | None


def creation_time(text: str) -> datetime | None:
    """Read the creation time of a container; None where it is none.

    Examples
    --------
    >>> creation_time("2024-03-01T10:00:00.000000Z").isoformat()
    '2024-03-01T10:00:00+00:00'
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if found.year <= 1970:  # containers that do not know it say 1904 or 1970
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def camera_videos(
    outcomes: Mapping[str, OutcomeParts], folder: Path
) -> tuple[dict[str, CameraVideo], list[str]]:
    """Find the videos that outcomes were made from.

    Parameters
    ----------
    outcomes : mapping of str to OutcomeParts
        Of one recording.
    folder : Path
        Where they lie; videos are looked for under their noted path, then beside the folder.

    Returns
    -------
    (dict of str to CameraVideo, list of str)
        By camera; and a sentence for each camera whose files are not found or not read.
    """
    found: dict[str, CameraVideo] = {}
    notes: list[str] = []
    for parts in outcomes.values():
        for camera, files in files_of_cameras(parts.attributes).items():
            if camera in found or not files:
                continue
            marks = [mark for mark in frames_inputs(parts.attributes).get(camera, ()) if "=" not in mark]
            marks = marks if len(marks) == len(files) else [""] * len(files)
            places = [_place(file, folder, mark) for file, mark in zip(files, marks, strict=True)]
            if any(place is None for place in places):
                note = (
                    f"the video of camera {camera!r} is not found ({files[0]}); the file names no video of it"
                )
            else:
                try:
                    known = _facts(camera, tuple(p for p in places if p is not None))
                except MystaxError as error:
                    note = f"the video of camera {camera!r} is not read: {error}"
                else:
                    times, is_told = _session_times(outcomes, camera, known.n_frames)
                    found[camera] = known if times is None else replace(known, times=times)
                    if times is not None or not is_told:
                        continue
                    note = (
                        f"the video of camera {camera!r} has the stamps of its file as times: no outcome that"
                        " is exported tells when each of its frames was taken"
                    )
            if note not in notes:
                notes.append(note)
    return found, notes


def _session_times(
    outcomes: Mapping[str, OutcomeParts], camera: str, n_frames: int
) -> tuple[Float64[np.ndarray, " time"] | None, bool]:
    """Return when all frames of a camera were taken, as an outcome of all of them has it.

    Returns
    -------
    (array (time,) or None, bool)
        Session clock [s], None where no outcome has all frames; and whether any outcome has times at all.
    """
    is_told = False
    for parts in outcomes.values():
        cameras = files_of_cameras(parts.attributes)
        dataset = parts.cameras.get(camera, parts.cameras.get("") if list(cameras) == [camera] else None)
        if dataset is None or "time" not in dataset.variables:
            continue
        is_told = True
        frame = np.asarray(dataset.variables["frame"].values) if "frame" in dataset.variables else None
        if frame is not None and np.array_equal(frame, np.arange(n_frames)):
            return np.asarray(dataset.variables["time"].values, np.float64), True
    return None, is_told


def _place(file: str, folder: Path, mark: str) -> Path | None:
    """Find a video under its noted path, or by its name beside the outcomes; another of its name is none."""
    noted = Path(file)
    around = (noted, folder / noted.name, folder.parent / noted.name)
    there = (place.absolute() for place in around if is_there(place))
    return next((place for place in there if not mark or quick_id(place) == mark), None)


def _facts(camera: str, files: tuple[Path, ...]) -> CameraVideo:
    from mystax.io.video import Video

    video = Video(list(files))
    try:
        rows, columns = video.shape
        counts = [probe.n_frames for probe in video.probes]
        created = creation_time(str(video.probes[0].metadata.get("creation_time", "")))
        starts = tuple(sum(counts[:k]) for k in range(len(counts)))
        return CameraVideo(
            camera, files, starts, columns, rows, video.n_frames, np.asarray(video.times), created
        )
    finally:
        video.close()
