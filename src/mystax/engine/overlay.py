"""A video with its keypoints drawn on it, for looking; the data are in the outcome."""

import colorsys
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.events import Event, Report, silent
from mystax.core.keypoints import KeypointSet
from mystax.core.safe_names import check_folder, is_there
from mystax.core.typing import Float32, Shaped, UInt8
from mystax.errors import RecipeError
from mystax.io.whole_files import refuse_existing

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["check_overlay", "draw_points", "write_overlay"]

POSE = "pose"
LOW = 0.5
WIDEST = 1280
"""Columns of the overlay at most: it is for looking."""

FILMS = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".m2t", ".3gp", ".3g2"}
    | {".asf", ".wmv", ".flv", ".f4v", ".mxf", ".vob"}
)
"""Suffixes of containers that hold what is written here."""

Colour = tuple[int, int, int]


def colours_of(keypoints: KeypointSet) -> list[Colour]:
    """Return a colour per point: one hue per part of the face."""
    parts = list(keypoints.parts)
    found = []
    for name in keypoints.ids:
        part = keypoints.part_of(name)
        hue = parts.index(part) / max(1, len(parts)) if part else 0.9
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.75, 1.0)
        found.append((round(255 * red), round(255 * green), round(255 * blue)))
    return found


def draw_points(
    picture: UInt8[np.ndarray, "y x rgb"],
    position: Float32[np.ndarray, "keypoint space"],
    confidence: Float32[np.ndarray, " keypoint"],
    colours: list[Colour],
    radius: float,
) -> None:
    """Draw points on a picture, in place: discs where they are sure, rings where they are not.

    Parameters
    ----------
    picture : array (y, x, rgb)
        Changed.
    position : array (keypoint, space)
        Places [px of the picture]; NaN is not drawn.
    confidence : array (keypoint,)
        0..1.
    colours : list
        Red, green and blue of each point.
    radius : float
        Of a disc [px].
    """
    reach = int(np.ceil(radius)) + 1
    rows, columns = picture.shape[:2]
    for (x, y), sure, colour in zip(position.tolist(), confidence.tolist(), colours, strict=True):
        if not (np.isfinite(x) and np.isfinite(y)):
            continue
        top, left = max(0, int(y) - reach), max(0, int(x) - reach)
        bottom, right = min(rows, int(y) + reach + 2), min(columns, int(x) + reach + 2)
        if top >= bottom or left >= right:
            continue
        v, u = np.mgrid[top:bottom, left:right]
        away = np.hypot(u - x, v - y)
        cover = np.clip(radius + 0.5 - away, 0, 1)
        if not sure >= LOW:
            cover = np.minimum(cover, np.clip(away - radius + 1.5, 0, 1))
        area = picture[top:bottom, left:right]
        area[:] = np.round(area * (1 - cover[..., None]) + np.array(colour) * cover[..., None])


def check_overlay(target: Path, videos: Iterable[str | Path], *, overwrite: bool = False) -> None:
    """Refuse a place where no overlay may go, before any work is done.

    Parameters
    ----------
    target : Path
        Where the overlay is to go.
    videos : iterable of paths
        Videos of the recording: they are never replaced, whatever `overwrite` says.
    overwrite : bool, optional
        Whether another file of this name may be replaced.

    Raises
    ------
    RecipeError
        P403, if it is a video of the recording, another file that exists, or the name is no film's.
    """
    if target.suffix.lower() not in FILMS:
        raise RecipeError(
            "P403", str(target), expected="the name of a film, such as points.mp4", got=target.name
        )
    check_folder(target.parent, str(target.parent))
    if is_there(target, folder=True):
        raise RecipeError("P403", str(target), "is a folder", hint="name a file in it")
    if not is_there(target):
        return
    if any(is_there(Path(video)) and target.samefile(video) for video in videos):
        raise RecipeError(
            "P403", str(target), "is a video of the recording: it is never replaced", hint="name another file"
        )
    refuse_existing([target], overwrite)


def write_overlay(
    outcomes: Mapping[str, Dataset],
    path: str | Path,
    *,
    overwrite: bool = False,
    progress: Report = silent,
) -> Path:
    """Write the video of a pose with its smoothed points.

    Parameters
    ----------
    outcomes : Outcomes
        With `pose`; of several cameras the first is drawn.
    path : path
        Where to; ``.mp4`` plays everywhere.
    overwrite : bool, optional
        Replace another file of this name, never a video of the recording.
    progress : callable, optional
        Takes events.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    RecipeError
        P403, if there is no pose, or its video went away; and as `check_overlay`.
    """
    from mystax.io.provenance import files_of_cameras
    from mystax.io.video import VideoWriter
    from mystax.plot.pictures import open_source

    target = Path(path)
    name = next((key for key in outcomes if key.partition("/")[0] == POSE), None)
    if name is None:
        raise RecipeError("P403", "overlay", "there is no pose", hint="mystax track VIDEO makes one")
    dataset = outcomes[name]
    files = files_of_cameras(dataset.attrs).values()
    check_overlay(target, (file for camera in files for file in camera), overwrite=overwrite)
    source = open_source(dataset.attrs, name.partition("/")[2], dataset.sizes["time"])
    if source is None:
        raise RecipeError("P403", "overlay", "the video of the pose is not there any more")
    step = -(-source.shape[1] // WIDEST)
    height, width = (side // step // 2 * 2 for side in source.shape)
    keypoints = KeypointSet.from_toml(str(dataset.attrs["keypoint_set"]))
    colours = colours_of(keypoints)
    position = dataset["position"].isel(individual=0).transpose("time", "keypoint", "space")
    sure = dataset["confidence"].isel(individual=0).values
    rate = 1 / source.clock.period if source.clock.period else Fraction(30)
    radius = max(2.0, width / 220)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        with VideoWriter(
            part, size=(width, height), rate=rate, options={"crf": "20", "preset": "veryfast"}
        ) as out:
            for chunk in source.chunks():
                places = position[chunk.index[0] : chunk.index[-1] + 1].values / step
                for k, (frame, good) in enumerate(zip(chunk.data, chunk.valid, strict=True)):
                    picture = _rgb(frame[::step, ::step][:height, :width], source.bits)
                    if good:
                        draw_points(picture, places[k], sure[chunk.index[k]], colours, radius)
                    else:
                        picture[:] = 0
                    out.write(picture)
                progress(Event("progress", "overlay", int(chunk.index[-1]) + 1, source.n_frames))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
        source.close()
    return target


def _rgb(frame: Shaped[np.ndarray, "y x"], bits: int) -> UInt8[np.ndarray, "y x rgb"]:
    """Return a grey frame of any depth as a picture of 8 bits and three equal channels."""
    grey = frame if frame.dtype == np.uint8 else np.asarray(frame >> (bits - 8), np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
