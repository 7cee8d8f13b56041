"""Movies of example bouts: a grid per state, aligned at onset, of the faces alone or cut out of the video."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.events import Event, Report, silent
from mystax.core.typing import Float64, Int64, UInt8
from mystax.engine.overlay import draw_points
from mystax.errors import RecipeError

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.engine.states_run import StatesRun
else:
    Dataset = StatesRun = Any

__all__ = ["write_clips"]

BEFORE, AFTER = 0.5, 1.5
TILE = 160
MARGIN = 0.15


def write_clips(
    done: StatesRun, folder: Path, most: int, *, video: str | Path | None = None, progress: Report = silent
) -> list[Path]:
    """Write one movie per state: example bouts side by side, from half a second before their onset.

    Parameters
    ----------
    done : StatesRun
        The fit; the first recording is shown.
    folder : Path
        The movies go to ``<folder>/clips``.
    most : int
        Bouts per state.
    video : path, optional
        The video of the recording, for points in the plane; without it the faces alone are drawn.
    progress : callable, optional
        Takes events.

    Returns
    -------
    list of Path
        ``state_1.mp4``..; a state without bouts has none.

    Raises
    ------
    RecipeError
        P403, if there are no points, or a video is given for points in space.
    VideoError
        V1xx, if the video cannot be read.
    """
    from mystax.io.video import VideoWriter
    from mystax.plot.states_faces import chosen_bouts

    dataset = done.datasets[0]
    if "grand_mean" not in dataset:
        raise RecipeError("P403", "--clips", "there are no keypoints to draw")
    if video is not None and dataset.sizes["space"] != 2:
        raise RecipeError(
            "P403", "--video", "the points are in space; clips show the faces alone", hint="leave --video out"
        )
    source = _Source(done, video)
    target = folder / "clips"
    target.mkdir(parents=True, exist_ok=True)
    rate = Fraction(float(dataset.attrs["state_rate"])).limit_denominator(1000)
    made = []
    for state in range(1, dataset.sizes["state"] + 1):
        chosen = chosen_bouts(dataset, state, most)
        if not len(chosen):
            continue
        path = target / f"state_{state}.mp4"
        part = target / f".state_{state}.part.mp4"
        wide = int(np.ceil(np.sqrt(len(chosen))))
        size = (wide * TILE, -(-len(chosen) // wide) * TILE)
        try:
            with VideoWriter(part, size=size, rate=rate, options={"crf": "20", "preset": "veryfast"}) as out:
                for picture in source.grid(dataset, chosen, wide):
                    out.write(picture)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        made.append(path)
        progress(Event("progress", "clips", state, dataset.sizes["state"], path.name))
    source.close()
    return made


class _Source:
    """Gives the tile of a frame: the face cut out of the video, or drawn from the components."""

    def __init__(self, done: StatesRun, video: str | Path | None) -> None:
        self._decoded = done.fit.decoded[0]
        self._video: Any = None
        if video is not None:
            from mystax.io.video import Video

            self._video = Video([Path(video)])

    def close(self) -> None:
        """Close the video."""
        if self._video is not None:
            self._video.close()

    def grid(
        self, dataset: Dataset, chosen: Int64[np.ndarray, " bout"], wide: int
    ) -> Sequence[UInt8[np.ndarray, "y x rgb"]]:
        """Return the pictures of a movie."""
        times, starts = np.asarray(dataset["time"].values), np.asarray(dataset["bout_start"].values)
        step = 1 / float(dataset.attrs["state_rate"])
        pictures = []
        for offset in np.arange(-BEFORE, AFTER, step):
            sheet = np.zeros((-(-len(chosen) // wide) * TILE, wide * TILE, 3), np.uint8)
            for place, bout in enumerate(chosen.tolist()):
                at = float(starts[bout]) + float(offset)
                frame = int(np.clip(np.searchsorted(times, at - 1e-9), 0, len(times) - 1))
                if abs(times[frame] - at) <= step:
                    y, x = place // wide * TILE, place % wide * TILE
                    sheet[y : y + TILE, x : x + TILE] = self._tile(dataset, frame, bool(offset >= 0))
            pictures.append(sheet)
        return pictures

    def _tile(self, dataset: Dataset, frame: int, is_inside: bool) -> UInt8[np.ndarray, "y x rgb"]:
        colour = (230, 160, 0) if is_inside else (150, 150, 150)
        if self._video is None:
            from mystax.plot.states_draw import face_views, frame_face

            x, y, down = face_views(dataset)[0][1]
            base = np.asarray(dataset["grand_mean"].values, np.float64)[:, [x, y]]
            face = frame_face(dataset, frame)[:, [x, y]]
            low, high = np.nanmin(base, axis=0), np.nanmax(base, axis=0)
            side = float((high - low).max()) * (1 + 2 * MARGIN)
            place = (face - (low + high) / 2) / side * TILE
            place[:, 1] *= 1 if down else -1
            tile = np.zeros((TILE, TILE, 3), np.uint8)
            _draw(tile, place + TILE / 2, colour)
            return tile
        return self._cut(frame, colour)

    def _cut(self, frame: int, colour: tuple[int, int, int]) -> UInt8[np.ndarray, "y x rgb"]:
        """Cut the face out of the video, with its points."""
        prepared = self._decoded.prepared
        times = np.asarray(self._video.times)
        number = int(np.clip(np.searchsorted(times, prepared.clock.times[frame]), 0, len(times) - 1))
        chunk = self._video.frame_at(number)
        grey = chunk.data[0]
        if grey.dtype != np.uint8:
            grey = (grey >> (self._video.bits - 8)).astype(np.uint8)
        known = np.nanmedian(prepared.points, axis=0)
        low, high = np.nanmin(known, axis=0), np.nanmax(known, axis=0)
        side = float((high - low).max()) * (1 + 2 * MARGIN)
        corner = (low + high) / 2 - side / 2
        index = (np.arange(TILE) + 0.5) * side / TILE
        rows, columns = np.round(corner[1] + index).astype(int), np.round(corner[0] + index).astype(int)
        tile = np.zeros((TILE, TILE), np.uint8)
        inside = np.ix_((rows >= 0) & (rows < grey.shape[0]), (columns >= 0) & (columns < grey.shape[1]))
        good_rows, good_columns = (
            rows[(rows >= 0) & (rows < grey.shape[0])],
            columns[(columns >= 0) & (columns < grey.shape[1])],
        )
        tile[inside] = grey[np.ix_(good_rows, good_columns)]
        picture = np.repeat(tile[..., None], 3, axis=2)
        _draw(picture, (prepared.points[frame] - corner) / side * TILE, colour)
        return picture


def _draw(
    tile: UInt8[np.ndarray, "y x rgb"],
    place: Float64[np.ndarray, "keypoint space"],
    colour: tuple[int, int, int],
) -> None:
    n = len(place)
    draw_points(tile, place.astype(np.float32), np.ones(n, np.float32), [colour] * n, 2.0)
