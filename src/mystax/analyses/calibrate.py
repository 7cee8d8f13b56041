"""From pictures of a board to a rig: which pictures belong together, corners, calibration, quality."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.board_sources import Looks, looks_of, match_looks
from mystax.analyses.rig_quality import judge
from mystax.compute.calibration import MODELS, calibrate
from mystax.core.board import Board, board_from_text
from mystax.core.clock import GAP
from mystax.core.events import Event, Report, silent
from mystax.core.quality import Flag
from mystax.core.rig_model import RigModel
from mystax.core.typing import Float64
from mystax.errors import NumbersError, ParameterError, RecipeError
from mystax.io.corner_memo import CornerMemo

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.compute.cameras import BoardFinder
else:
    Dataset = BoardFinder = Any

__all__ = ["calibrate_sources", "find_corners"]

RATE = 2.0
"""Looks per second of a video."""
FINE_RATE = 10.0
"""Looks per second around those that saw the board, in short films."""
MAX_TRIES = 400
MAX_VIEWS = 150
MAX_APART = 1e-4
"""Frames that are further from the wanted time are interpolated with their neighbour [s]."""
N_SETTLE = 20


def find_corners(
    sources: Mapping[str, Any],
    board: Board,
    *,
    clocks: Mapping[str, Any] | None = None,
    keep: Path | None = None,
    progress: Report = silent,
) -> tuple[Dataset, list[str]]:
    """Find the corners of a board in the pictures of all cameras.

    Parameters
    ----------
    sources : mapping
        Camera to a video, a folder, or pictures.
    board : Board
        The board.
    clocks : mapping, optional
        Camera to the times of the frames of its video [s]; by default those of the videos.
    keep : Path, optional
        File of what was found so far: written on the way, and used where the pictures are the same.
    progress : callable, optional
        Takes events.

    Returns
    -------
    dataset : Dataset
        `corners` over camera, view and corner [px], `size`, `time` and `source`.
    remarks : list of str
        What was unusual about the board.

    Raises
    ------
    NumbersError
        N311, if a camera never sees the board.
    RecipeError
        P403, if pictures cannot be matched between cameras, or a clock belongs to none of them.
    ClockError
        C202, C206, if the times are not one rising time for each frame.
    ExtraMissing
        X001, if OpenCV is not installed.
    """
    from mystax.compute.cameras import BoardFinder as Finder

    finder = Finder(board)
    clocks = clocks or {}
    for name in clocks:
        if name not in sources:
            raise RecipeError("P403", f"clock of camera {name!r}", "there is no such camera")
    looks = [looks_of(name, source, clocks.get(name)) for name, source in sources.items()]
    kinds = {item.video is not None for item in looks}
    if len(kinds) > 1:
        raise RecipeError("P403", "sources", "videos and pictures cannot be mixed")
    search = _Search(finder, CornerMemo(keep))
    if search.memo.n_known:
        text = f"going on with {search.memo.n_known} pictures that were looked at before"
        progress(Event("note", "calibrate", text=text))
    look = _of_videos if kinds == {True} else _of_pictures
    try:
        dataset, remark = look(looks, search, progress)
    finally:
        search.memo.write()
    for c, name in enumerate(dataset["camera"].values):
        seen = np.isfinite(dataset["corners"].values[c, ..., 0]).any(axis=1)
        if not seen.any():
            raise NumbersError(
                "N311",
                f"camera {name}",
                "the board was never found",
                expected=f"a {finder.board.kind} of {finder.board.columns}x{finder.board.rows} squares",
                got=f"{len(seen)} pictures without it"
                + (" (both ChArUco patterns tried)" if board.kind == "charuco" else ""),
                hint="count squares, not inner corners; the whole board must be seen, sharp and flat",
            )
    return dataset, [remark] if remark else []


@dataclass(frozen=True, slots=True)
class _Search:
    """Finds the corners of a board, each picture once."""

    finder: BoardFinder
    memo: CornerMemo

    def find(self, file: Path | None, index: int, picture: Callable[[], Any]) -> np.ndarray:
        """Return the corners of a picture, which is only read if it was not looked at before."""
        if file is None:
            return np.asarray(self.finder.find(picture()))
        sought = f"{self.finder.board.text()}|{'legacy' if self.finder.legacy else ''}"
        key = self.memo.key(file, index, sought)
        found = self.memo.get(key)
        if found is None:
            found = self.finder.find(picture())
            self.memo.put(key, found)
        return np.asarray(found)


def _of_pictures(looks: Sequence[Looks], search: _Search, progress: Report) -> tuple[Dataset, str]:
    from mystax.compute.cameras import grey8
    from mystax.io.stills import read_still

    finder = search.finder
    numbers = match_looks(looks)
    if numbers:
        table = [[item.pictures.get(number) for number in numbers] for item in looks]
    else:
        table = [[item.pictures[number] for number in sorted(item.pictures)] for item in looks]
    first = [
        grey8(read_still(path)) for path in [p for row in table for p in row if p is not None][:N_SETTLE]
    ]
    remark = finder.settle(first)
    n_corners = finder.board.inner[0] * finder.board.inner[1]
    corners = np.full((len(looks), len(table[0]), n_corners, 2), np.nan)
    sizes = np.zeros((len(looks), 2), np.int64)
    n_all, done = sum(path is not None for row in table for path in row), 0
    for c, row in enumerate(table):
        for v, path in enumerate(row):
            if path is None:
                continue
            picture = grey8(read_still(path))
            size = (picture.shape[1], picture.shape[0])
            if sizes[c].any() and tuple(sizes[c]) != size:
                raise RecipeError(
                    "P403",
                    path.name,
                    "pictures of one camera differ in size",
                    expected=f"{sizes[c, 0]} x {sizes[c, 1]} px",
                    got=f"{size[0]} x {size[1]} px",
                )
            sizes[c] = size
            corners[c, v] = search.find(path, 0, partial(np.asarray, picture))
            done += 1
            progress(Event("progress", "calibrate", done, n_all, f"corners of {looks[c].name}"))
    names = [[path.name if path is not None else "" for path in row] for row in table]
    return _dataset(looks, corners, sizes, np.full(corners.shape[1], np.nan), names, finder), remark


def _of_videos(looks: Sequence[Looks], search: _Search, progress: Report) -> tuple[Dataset, str]:
    """Look into all videos at the same times of the session clock."""
    finder = search.finder
    times = [item.times for item in looks if item.times is not None]
    start, stop = max(float(t[0]) for t in times), min(float(t[-1]) for t in times)
    if stop <= start:
        raise RecipeError("P403", "videos of the board", "they have no time in common")
    n = min(MAX_TRIES, max(int((stop - start) * RATE), 1) + 1)
    # the middle of a frame of the first camera, so that synchronous cameras need no interpolation
    wanted = times[0][np.searchsorted(times[0], np.linspace(start, stop, n)).clip(0, len(times[0]) - 1)]
    wanted = np.unique(wanted)
    settled = [_frame(item, float(t)) for item in looks for t in wanted[:: max(1, len(wanted) // 5)]][
        :N_SETTLE
    ]
    remark = finder.settle(settled)
    sizes = np.array([(item.video.shape[1], item.video.shape[0]) for item in looks], np.int64)
    corners = _look(looks, wanted, search, progress)
    more = _around_hits(times[0], wanted, corners)
    if len(more):
        corners = np.concatenate([corners, _look(looks, more, search, progress)], axis=1)
        order = np.argsort(np.concatenate([wanted, more]), kind="stable")
        wanted, corners = np.concatenate([wanted, more])[order], corners[:, order]
    keep = _choose(corners, sizes)
    names = [[f"{time:.3f} s" for time in wanted[keep]] for _ in looks]
    return _dataset(looks, corners[:, keep], sizes, wanted[keep], names, finder), remark


def _look(
    looks: Sequence[Looks], wanted: Float64[np.ndarray, " view"], search: _Search, progress: Report
) -> Float64[np.ndarray, "camera view corner 2"]:
    """Find the corners in all videos at some times."""
    n_corners = search.finder.board.inner[0] * search.finder.board.inner[1]
    corners = np.full((len(looks), len(wanted), n_corners, 2), np.nan)
    for v, time in enumerate(wanted):
        for c, item in enumerate(looks):
            corners[c, v] = _corners_at(item, float(time), search)
        progress(Event("progress", "calibrate", v + 1, len(wanted), "corners"))
    return corners


def _around_hits(
    times: Float64[np.ndarray, " time"],
    wanted: Float64[np.ndarray, " view"],
    corners: Float64[np.ndarray, "camera view corner 2"],
) -> Float64[np.ndarray, " more"]:
    """Return times close to those at which a board was seen; none where there are views enough."""
    hits = wanted[np.isfinite(corners[..., 0]).any(axis=(0, 2))]
    if not len(hits) or len(hits) >= MAX_VIEWS:
        return np.empty(0)
    finer = np.arange(hits[0] - 1 / RATE, hits[-1] + 1 / RATE, 1 / FINE_RATE)
    at = np.unique(times[np.searchsorted(times, finer).clip(0, len(times) - 1)])
    near = np.abs(at[:, None] - hits).min(axis=1) < 1 / RATE
    inside = (at >= wanted[0]) & (at <= wanted[-1])
    fresh = np.abs(at[:, None] - wanted).min(axis=1) > 0.5 / FINE_RATE
    found = at[near & inside & fresh]
    return np.asarray(
        found[np.unique(np.linspace(0, len(found) - 1, min(len(found), MAX_TRIES)).astype(np.int64))]
    )


def _frame(item: Looks, time: float) -> Any:
    from mystax.compute.cameras import grey8

    times = np.asarray(item.times)
    return grey8(item.video.frame_at(int(np.argmin(np.abs(times - time)))).data[0])


def _corners_in(item: Looks, index: int, search: _Search) -> Float64[np.ndarray, "corner 2"]:
    """Corners in a frame."""
    from mystax.compute.cameras import grey8

    return search.find(item.file, index, lambda: grey8(item.video.frame_at(index).data[0]))


def _corners_at(item: Looks, time: float, search: _Search) -> Float64[np.ndarray, "corner 2"]:
    """Corners at a time: of the frame there, or between the two frames around it."""
    times = np.asarray(item.times)
    nearest = int(np.argmin(np.abs(times - time)))
    if abs(times[nearest] - time) <= MAX_APART:
        return _corners_in(item, nearest, search)
    before = int(np.searchsorted(times, time)) - 1
    if before < 0 or before + 1 >= len(times) or not _are_neighbours(times, before):
        return np.full((search.finder.board.inner[0] * search.finder.board.inner[1], 2), np.nan)
    a, b = (_corners_in(item, k, search) for k in (before, before + 1))
    weight = (time - times[before]) / (times[before + 1] - times[before])
    return np.asarray((1 - weight) * a + weight * b)


def _are_neighbours(times: Float64[np.ndarray, " time"], before: int) -> bool:
    """Tell whether no frame is lost between a frame and the next: the board may have moved anywhere there."""
    return bool(times[before + 1] - times[before] <= GAP * np.median(np.diff(times)))


def _choose(corners: Float64[np.ndarray, "camera view corner 2"], sizes: np.ndarray) -> np.ndarray:
    """Choose up to 150 views: those that many cameras see, spread over the picture."""
    seen = np.isfinite(corners[..., 0]).sum(axis=2) >= 8
    usable = np.flatnonzero(seen.any(axis=0))
    if len(usable) <= MAX_VIEWS:
        return usable
    middle = np.nanmean(np.where(seen[..., None, None], corners, np.nan), axis=2)
    cell = np.nan_to_num(middle / sizes[:, None] * np.array([8, 6]), nan=-1).astype(np.int64)
    counts: dict[tuple[int, int, int], int] = {}
    left: list[int] = [int(v) for v in usable]
    chosen: list[int] = []
    while left and len(chosen) < MAX_VIEWS:
        scores = []
        for v in left:
            gain = 0.0
            for c in np.flatnonzero(seen[:, v]):
                gain += 1 / (1 + counts.get((int(c), int(cell[c, v, 0]), int(cell[c, v, 1])), 0))
            scores.append(gain)
        best = left.pop(int(np.argmax(scores)))
        chosen.append(best)
        for c in np.flatnonzero(seen[:, best]):
            key = (int(c), int(cell[c, best, 0]), int(cell[c, best, 1]))
            counts[key] = counts.get(key, 0) + 1
    return np.sort(np.array(chosen))


def _dataset(
    looks: Sequence[Looks],
    corners: Float64[np.ndarray, "camera view corner 2"],
    sizes: np.ndarray,
    times: Float64[np.ndarray, " view"],
    names: Sequence[Sequence[str]],
    finder: BoardFinder,
) -> Dataset:
    import xarray as xr

    return xr.Dataset(
        {
            "corners": (("camera", "view", "corner", "space"), corners),
            "size": (("camera", "side"), sizes),
            "time": (("view",), times),
            "source": (("camera", "view"), np.array(names, object)),
        },
        coords={"camera": np.array([item.name for item in looks], object)},
        attrs={"board": finder.board.text()},
    )


def calibrate_sources(
    sources: Mapping[str, Any] | str | Path,
    board: str = "",
    *,
    model: str = "auto",
    k3: bool = False,
    board_error: float = 0.0,
    clocks: Mapping[str, Any] | None = None,
    keep: Path | None = None,
    progress: Report = silent,
) -> tuple[RigModel, Dataset, dict[str, Any]]:
    """Calibrate from pictures or from a file of corners.

    Parameters
    ----------
    sources : mapping, or path of a file of corners
        Camera to what it offers.
    board : str, optional
        The board; that of the corners by default.
    model : str, optional
        Which numbers of the lens are free.
    k3 : bool, optional
        Whether the third radial number is free too; of a fisheye lens the third and the fourth.
    board_error : float, optional
        SD of the corners about their places on the board [mm].
    clocks : mapping, optional
        Camera to the times of its frames [s].
    keep : Path, optional
        File of what was found so far, as that of `find_corners`.
    progress : callable, optional
        Takes events.

    Returns
    -------
    rig : RigModel
        The cameras, with what is known about them.
    corners : Dataset
        The corners.
    details : dict
        What `judge` says, with the flags.

    Raises
    ------
    ParameterError
        P401, if the board, the model or the error of the board cannot be.
    RecipeError, ClockError
        P403, C202, C206, as `find_corners`.
    NumbersError
        N311, if the rig cannot be solved.
    ExtraMissing
        X001, if pictures are given and OpenCV is not installed.
    """
    if model not in MODELS:
        raise ParameterError(
            "P401", "parameter 'model' of 'calibrate'", expected=", ".join(MODELS), got=model
        )
    if k3 and model == "pinhole-k1":
        raise ParameterError("P401", "parameter 'k3' of 'calibrate'", f"{model} has one radial number")
    remarks: list[str] = []
    if isinstance(sources, str | Path):
        from mystax.io.corners import read_corners

        corners = read_corners(sources)
        spec = board_from_text(board or str(corners.attrs["board"]))
    else:
        spec = board_from_text(board)
        corners, remarks = find_corners(sources, spec, clocks=clocks, keep=keep, progress=progress)
        spec = board_from_text(str(corners.attrs["board"]))
    uv = corners["corners"].values
    if uv.shape[2] != len(spec.corners):
        raise ParameterError(
            "P401", "--board", expected=f"a board of {uv.shape[2]} inner corners", got=spec.text()
        )
    if not 0 <= board_error <= spec.square / 4:
        raise ParameterError(
            "P401",
            "parameter 'board_error' of 'calibrate'",
            expected=f"0 to {spec.square / 4:g} mm, a quarter of a square",
            got=str(board_error),
        )
    names = [str(name) for name in corners["camera"].values]
    sizes = [(int(w), int(h)) for w, h in corners["size"].values]
    found = calibrate(
        names,
        sizes,
        uv,
        spec.corners,
        model=model,
        turnable=spec.is_turnable,
        k3=k3,
        board_error=board_error,
    )
    details = judge(found, uv, spec.corners, spec.inner[0])
    details["remarks"] = remarks
    if spec.doubt:
        details["flags"].append(Flag("N312", spec.doubt))
    metadata = {
        "format": "mystax-rig-1",
        "unit": "mm",
        "board": spec.text(),
        "board_error": board_error or None,
        "error": float(np.sqrt(np.mean(np.square(found.rms)))),
        "heldout": _mean(details["heldout"]),
        "adjusted": False,
        "fixed": list(found.fixed),
        "software": f"mystax {_version()}",
    }
    rig = RigModel(found.rig.cameras, {key: value for key, value in metadata.items() if value is not None})
    return rig, corners, details


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else None


def _version() -> str:
    from importlib.metadata import version

    return version("mystax")
