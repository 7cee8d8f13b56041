"""Movies of example bouts: a grid per state, aligned at onset, of the faces alone or cut out of the video."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.events import Event, Report, silent
from mystax.core.outcome_faces import chosen_bouts, face_views, frame_face
from mystax.core.typing import Float64, Int64, Shaped, UInt8
from mystax.engine.overlay import draw_points
from mystax.errors import RecipeError

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.engine.states.run import StatesRun
else:
    Dataset = StatesRun = Any

__all__ = ["write_clips"]

BEFORE, AFTER = 0.5, 1.5
TILE = 160
INSIDE, OUTSIDE = (230, 160, 0), (150, 150, 150)
"""Colours of the points from the onset on, and before it."""
MARGIN = 0.15
Colour = tuple[int, int, int]
Tile = Callable[[int, Colour], UInt8[np.ndarray, "y x rgb"]]
"""Draws the tile of a frame of the states."""


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

    dataset = done.datasets[0]
    if "grand_mean" not in dataset:
        raise RecipeError("P403", "--clips", "there are no keypoints to draw")
    if video is not None and dataset.sizes["space"] != 2:
        raise RecipeError(
            "P403", "--video", "the points are in space; clips show the faces alone", hint="leave --video out"
        )
    if video is not None and done.fit.features.rules.groups:
        raise RecipeError(
            "P403", "--video", "the points are those of several cameras", hint="choose one with --camera NAME"
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
    """Gives the tiles of a bout: the face cut out of the video, or drawn from the components."""

    def __init__(self, done: StatesRun, video: str | Path | None) -> None:
        self._prepared = done.fit.decoded[0].prepared
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
        """Return the pictures of a movie: black where a bout has no frame at that time."""
        step = 1 / float(dataset.attrs["state_rate"])
        offsets = np.arange(-round(BEFORE / step), round(AFTER / step)) * step
        high = -(-len(chosen) // wide) * TILE
        sheets = np.zeros((len(offsets), high, wide * TILE, 3), np.uint8)
        starts = np.asarray(dataset["bout_start"].values, np.float64)
        for place, bout in enumerate(chosen.tolist()):
            frames = frames_near(np.asarray(dataset["time"].values), starts[bout] + offsets, step)
            y, x = place // wide * TILE, place % wide * TILE
            draw = self._drawn(dataset) if self._video is None else self._cut(frames)
            for sheet, frame, offset in zip(sheets, frames.tolist(), offsets.tolist(), strict=True):
                if frame >= 0:
                    colour = INSIDE if offset > -step / 2 else OUTSIDE
                    sheet[y : y + TILE, x : x + TILE] = draw(frame, colour)
        return list(sheets)

    def _drawn(self, dataset: Dataset) -> Tile:
        """Draw faces alone, all in the place of the mean face."""
        x, y, down = face_views(dataset)[0][1]
        base = np.asarray(dataset["grand_mean"].values, np.float64)[:, [x, y]]
        low, high = np.nanmin(base, axis=0), np.nanmax(base, axis=0)
        side = float((high - low).max()) * (1 + 2 * MARGIN)

        def draw(frame: int, colour: Colour) -> UInt8[np.ndarray, "y x rgb"]:
            place = (frame_face(dataset, frame)[:, [x, y]] - (low + high) / 2) / side * TILE
            place[:, 1] *= 1 if down else -1
            tile = np.zeros((TILE, TILE, 3), np.uint8)
            _draw(tile, place + TILE / 2, colour)
            return tile

        return draw

    def _cut(self, frames: Int64[np.ndarray, " moment"]) -> Tile:
        """Cut the face of a bout out of the video, read once from its first frame to its last."""
        points, times = self._prepared.points, self._prepared.clock.times
        own = frames[frames >= 0]
        every = points[own] if np.isfinite(points[own]).any() else points
        with np.errstate(invalid="ignore"):
            known = every.reshape(-1, 2)
            low, high = np.nanpercentile(known, 1, axis=0), np.nanpercentile(known, 99, axis=0)
        side = max(float((high - low).max()) * (1 + 2 * MARGIN), 8.0)
        corner = (low + high) / 2 - side / 2
        seen = np.asarray(self._video.times, np.float64)
        numbers = {int(k): _nearest(seen, float(times[k])) for k in own}
        index = np.round((np.arange(TILE) + 0.5) * side / TILE - 0.5)
        rows, columns = (corner[1] + index).astype(int), (corner[0] + index).astype(int)
        tiles: dict[int, np.ndarray] = {}
        wanted = set(numbers.values())
        for chunk in self._video.chunks(min(wanted), max(wanted) + 1):
            for number, grey in zip(chunk.index.tolist(), chunk.data, strict=True):
                if number in wanted:
                    tiles[number] = _tile_of(grey, rows, columns, self._video.bits)

        def draw(frame: int, colour: Colour) -> UInt8[np.ndarray, "y x rgb"]:
            picture = np.repeat(tiles[numbers[frame]][..., None], 3, axis=2)
            _draw(picture, (points[frame] - corner) / side * TILE, colour)
            return picture

        return draw


def frames_near(
    times: Float64[np.ndarray, " time"], wanted: Float64[np.ndarray, " moment"], step: float
) -> Int64[np.ndarray, " moment"]:
    """Return the frame nearest to each moment; -1 where none is within half a step."""
    after = np.clip(np.searchsorted(times, wanted), 1, max(1, len(times) - 1))
    before = after - 1
    after = np.minimum(after, len(times) - 1)
    nearest = np.where(wanted - times[before] <= times[after] - wanted, before, after)
    return np.where(np.abs(times[nearest] - wanted) <= step / 2 * (1 + 1e-6), nearest, -1)


def _nearest(times: Float64[np.ndarray, " time"], moment: float) -> int:
    return int(np.abs(times - moment).argmin())


def _tile_of(
    grey: Shaped[np.ndarray, "y x"],
    rows: Int64[np.ndarray, " row"],
    columns: Int64[np.ndarray, " column"],
    bits: int,
) -> UInt8[np.ndarray, "row column"]:
    """Take rows and columns out of a picture as eight bits; black outside of it."""
    tile = np.zeros((len(rows), len(columns)), np.uint8)
    high, wide = (
        np.flatnonzero((rows >= 0) & (rows < grey.shape[0])),
        np.flatnonzero((columns >= 0) & (columns < grey.shape[1])),
    )
    part = grey[np.ix_(rows[high], columns[wide])]
    tile[np.ix_(high, wide)] = part if part.dtype == np.uint8 else (part >> (bits - 8)).astype(np.uint8)
    return tile


def _draw(
    tile: UInt8[np.ndarray, "y x rgb"],
    place: Float64[np.ndarray, "keypoint space"],
    colour: tuple[int, int, int],
) -> None:
    n = len(place)
    draw_points(tile, place.astype(np.float32), np.ones(n, np.float32), [colour] * n, 2.0)
