"""The picture behind regions: a real frame where the video is still there, else the mean picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from mystax.core.recording import FrameSource
from mystax.core.safe_names import is_there
from mystax.core.typing import Shaped
from mystax.errors import MystaxError
from mystax.io.provenance import files_of_cameras, frames_inputs
from mystax.plot.style import WIDTH, figure

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["Picture", "View", "frame_picture", "mean_picture", "open_source", "picture_axes", "show_picture"]

WIDEST = 640
"""Columns of a picture in a figure: more cannot be seen at its size."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of a camera with its place.

    Attributes
    ----------
    values : array (y, x)
        Grey levels; NaN where nothing is known.
    extent : tuple of four floats
        Left, right, bottom and top edge in source pixels.
    words : str
        What it is, such as ``frame 120``.
    """

    values: Shaped[np.ndarray, "y x"]
    extent: tuple[float, float, float, float]
    words: str

    @property
    def aspect(self) -> float:
        """Height over width."""
        left, right, bottom, top = self.extent
        return (bottom - top) / (right - left)


@dataclass(frozen=True, eq=False)
class View:
    """One camera's outcome of an analysis, as its figures need it.

    Attributes
    ----------
    camera : str
        Camera; ``""`` for the only one.
    dataset : Dataset
        The outcome.
    picture : Picture, optional
        What the camera saw.
    """

    camera: str
    dataset: Dataset
    picture: Picture | None = None

    @property
    def rois(self) -> list[str]:
        """Names of the regions."""
        return [str(name) for name in self.dataset["roi"].values]

    def title(self, roi: str) -> str:
        """Return the name of a region for a title, with its camera where there are several."""
        return f"{self.camera}: {roi}" if self.camera else roi


def frame_extent(rows: int, columns: int, size: int = 1) -> tuple[float, float, float, float]:
    """Return the edges of a picture of bins in source pixels; (0, 0) is the centre of the first pixel."""
    return (-0.5, columns * size - 0.5, rows * size - 0.5, -0.5)


def frame_picture(source: FrameSource) -> Picture | None:
    """Return the valid frame nearest to the middle of a video, or None if none can be read there."""
    middle = source.n_frames // 2
    # A few places are enough: a video that is damaged at all of them is shown by its mean.
    for number in dict.fromkeys((middle, middle // 2, middle + middle // 2, 0)):
        try:
            chunk = source.frame_at(number)
        except (MystaxError, IndexError):
            continue
        if not chunk.valid[0]:
            continue
        frame = chunk.data[0]
        step = max(1, -(-frame.shape[1] // WIDEST))
        return Picture(frame[::step, ::step], frame_extent(*frame.shape), f"frame {number}")
    return None


def mean_picture(dataset: Dataset) -> Picture | None:
    """Return the mean picture of an outcome, or None where it has none."""
    if "mean_frame" not in dataset:
        return None
    values = np.asarray(dataset["mean_frame"].values)
    if values.ndim != 2 or not np.isfinite(values).any():
        return None
    rows, columns = values.shape
    return Picture(values, frame_extent(rows, columns, bin_size(dataset, columns)), "mean picture")


def bin_size(dataset: Dataset, columns: int) -> int:
    """Return the side of a bin [px]: as noted, else from the widths of frame and picture."""
    noted = dataset.attrs.get("bin")
    if noted is not None and np.ndim(noted) == 0:
        return int(noted)
    return max(1, round(int(dataset.attrs.get("frame_width", columns)) / max(1, columns)))


def open_source(attributes: Mapping[str, Any], camera: str, n_frames: int) -> FrameSource | None:
    """Open the video of a camera if it is still the one that was measured.

    Parameters
    ----------
    attributes : mapping
        Of the outcome: `run_camera_files` names the files, `inputs` their fingerprints.
    camera : str
        Camera; ``""`` for the only one.
    n_frames : int
        Number of frames that it had.

    Returns
    -------
    FrameSource or None
        None where the video went away or changed.
    """
    from mystax.io.video import Video

    files, identity = _files_of(attributes, camera)
    if not files or not all(is_there(Path(name)) for name in files):
        return None
    options: Any = dict(entry.split("=", 1) for entry in identity if "=" in entry)
    known = {name: options[name] for name in ("grey_range", "damage") if name in options}
    if "stream" in options and options["stream"].isdecimal():
        known["stream"] = int(options["stream"])
    try:
        source = Video(files, **known)
    except MystaxError:
        return None
    prints = {entry for entry in identity if "=" not in entry}
    if source.n_frames != n_frames or (prints and not prints <= set(source.identity)):
        source.close()
        return None
    return source


def _files_of(attributes: Mapping[str, Any], camera: str) -> tuple[list[str], list[str]]:
    """Return the files of a camera and the identity of its frames."""
    files, taken = files_of_cameras(attributes), frames_inputs(attributes)
    if not camera and len(files) == 1:
        return next(iter(files.values())), next(iter(taken.values()), [])
    return files.get(camera, []), taken.get(camera, [])


def picture_axes(n: int, aspect: float, *, beside: float = 0.0) -> tuple[Any, list[Axes]]:
    """Make a figure with a place for each of n pictures, and some room [mm] beside each."""
    columns = min(n, 2)
    rows = -(-n // columns)
    width = 130.0 if columns == 1 else WIDTH
    height = min(120.0, (width / columns - 14 - beside) * aspect + 14)
    made = figure(height * rows, width)
    found = made.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes in found[n:]:
        axes.set_axis_off()
    return made, found[:n]


def show_picture(axes: Axes, picture: Picture) -> None:
    """Draw a picture at its place, with axes in source pixels."""
    left, right, bottom, top = picture.extent
    axes.imshow(picture.values, cmap="gray", extent=picture.extent, aspect="equal")
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_xlabel("x [px]")
    axes.set_ylabel("y [px]")
