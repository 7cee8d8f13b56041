"""Files of other tools in: told by their content, published as outcomes that `mystax.load` reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.events import Event, Report, silent
from mystax.core.quality import Flag
from mystax.core.safe_names import check_folder, safe_name
from mystax.core.typing import Int64
from mystax.errors import FormatError, ParameterError, RecipeError

if TYPE_CHECKING:
    from mystax.core.keypoint_table import KeypointTable
    from mystax.io.outcome_parts import OutcomeParts
    from mystax.io.outcomes import Outcomes
else:
    KeypointTable = OutcomeParts = Outcomes = Any

__all__ = ["ImportWishes", "import_file"]

SHEARED = 0.02
"""Distance of a transformation from a rotation that is worth a remark."""


@dataclass(frozen=True, slots=True)
class ImportWishes:
    """How a file is imported.

    Attributes
    ----------
    form : str, optional
        Its format; by default what the content says.
    out : Path, optional
        Folder of the outcomes.
    repair : bool
        Mend what Facemap is known to store wrongly, where that can be done exactly.
    rate : float, optional
        Frames per second, for files that hold frame numbers only [Hz].
    keep_frame : bool
        Leave coordinates in space as they are stored.
    unit : float, optional
        Length of the file's unit, for points in space that come without one [mm].
    follow_links : bool
        Follow links of an NWB file to files in its folder or below.
    """

    form: str | None = None
    out: Path | None = None
    repair: bool = False
    rate: float | None = None
    keep_frame: bool = False
    unit: float | None = None
    follow_links: bool = False


def import_file(
    path: Path, wishes: ImportWishes | None = None, *, report: Report = silent
) -> dict[str, Outcomes]:
    """Read a file of another tool, or a session folder, as outcomes.

    Parameters
    ----------
    path : Path
        NWB file, ALF session, table, Facemap file, points in space of Anipose or DeepLabCut, keypoints.
    wishes : ImportWishes, optional
        How.
    report : callable, optional
        Takes events.

    Returns
    -------
    dict of str to Outcomes
        Recording to its outcomes.

    Raises
    ------
    RecipeError
        P403, if there is no such file, or the folder cannot be made.
    ParameterError
        P401, for an unknown format, or where the rate or the unit is needed.
    FormatError
        F801-F804, if the file is refused.
    DamagedError
        S502, if something that mystax exported was changed.
    """
    from mystax.io.detect import detect_import

    asked = wishes or ImportWishes()
    form = detect_import(path, asked.form)
    if form == "facemap":
        from mystax.engine.exchange import import_facemap

        return {path.stem: import_facemap(path, asked.out, repair=asked.repair, report=report)}
    if asked.repair:
        raise RecipeError("P403", "--repair", f"it belongs to Facemap's files; this is {form}")
    if asked.follow_links and form != "nwb":
        raise RecipeError("P403", "--follow-links", f"it belongs to NWB files; this is {form}")
    found = _read(form, path, asked, report)
    names = list(dict.fromkeys(name for name, _ in found))
    return {
        name: _publish(
            [parts for one, parts in found if one == name], _place(path, name, names, asked), path, report
        )
        for name in names
    }


def _read(form: str, path: Path, asked: ImportWishes, report: Report) -> list[tuple[str, OutcomeParts]]:
    """Read a file of a known format: recording and outcome."""
    if form == "nwb":
        return _read_nwb(path, asked, report)
    if form == "alf":
        from mystax.io.alf_session import read_alf_session

        return read_alf_session(path)
    if form in ("csv", "parquet"):
        from mystax.io.table_reader import read_tables

        return read_tables(path)
    if form == "anipose":
        return [(path.stem, _anipose(path, asked))]
    if form == "dlc-3d":
        return [(path.stem, _dlc_points(path, asked))]
    return _keypoints(path, asked)


def _read_nwb(path: Path, asked: ImportWishes, report: Report) -> list[tuple[str, OutcomeParts]]:
    from mystax.io.nwb.foreign import is_own, read_behaviour
    from mystax.io.nwb.reader import read_outcomes

    if is_own(path, follow_links=asked.follow_links):
        return [(one.recording, one.parts) for one in read_outcomes(path)]
    parts, notes = read_behaviour(path, follow_links=asked.follow_links)
    for note in notes:
        report(Event("note", "import", text=f"{path.name}: {note}"))
    return [(path.stem, one) for one in parts]


def _place(path: Path, name: str, names: Sequence[str], asked: ImportWishes) -> Path:
    """Return the folder of a recording's outcomes."""
    stem = path.resolve().stem
    if len(names) == 1:
        return asked.out if asked.out is not None else path.resolve().with_name(f"{stem}_import.mystax")
    above = asked.out if asked.out is not None else path.resolve().with_name(f"{stem}_import")
    return above / f"{safe_name(name)}.mystax"


def _publish(outcomes: Sequence[OutcomeParts], folder: Path, path: Path, report: Report) -> Outcomes:
    from mystax.io.outcome_parts import publish_parts
    from mystax.io.outcomes import Outcomes as Found
    from mystax.io.store import Store

    check_folder(folder, str(folder))
    store = Store(folder)
    for parts in outcomes:
        publish_parts(store, parts, {"file": path.name})
        report(Event("outcome", parts.analysis, text=parts.analysis, data={"analysis": parts.analysis}))
    return Found.of_folder(folder)


def _rows(path: Path, frame: np.ndarray) -> tuple[Int64[np.ndarray, " row"], list[Flag]]:
    """Return the rows in the order of their frames, the first of each; and the remark that some are left."""
    if not np.isfinite(frame).all():
        raise FormatError(
            "F804", path.name, f"row {int(np.argmin(np.isfinite(frame)))}", expected="the number of a frame"
        )
    order = np.argsort(frame, kind="stable")
    rows = order[np.concatenate([[True], np.diff(frame[order]) > 0])] if len(order) else order
    n_left = len(order) - len(rows)
    text = f"{path.name}: {n_left} rows repeat the number of a frame; of each frame the first row is kept"
    return rows, [Flag("N304", text)] if n_left else []


def _times(path: Path, frame: np.ndarray, rate: float | None) -> np.ndarray:
    if rate is None:
        raise ParameterError(
            "P401",
            "--rate",
            f"{path.name} holds frame numbers, not times",
            expected="the frames per second",
            got="none",
            hint="mystax import FILE --rate 30",
        )
    if not (np.isfinite(rate) and rate > 0):
        raise ParameterError("P401", "--rate", expected="a number above 0", got=str(rate))
    return np.asarray(frame, np.float64) / rate


def _anipose(path: Path, asked: ImportWishes) -> OutcomeParts:
    """Make `pose3d` of Anipose's points in space, with error, camera count and score kept."""
    from mystax.io.blank import imported_parts, pose_dataset
    from mystax.io.formats.anipose_points import read_anipose_points

    found = read_anipose_points(path, keep_frame=asked.keep_frame)
    rows, flags = _rows(path, found.frame)
    counts = np.where(np.isfinite(found.n_cameras), found.n_cameras, -1)
    more: Mapping[str, np.ndarray] = {
        "residual": found.residual[rows, None, :, None],
        "n_cameras": counts[rows, :, None],
    }
    dataset = pose_dataset(
        _times(path, found.frame[rows], asked.rate),
        found.names,
        found.position[rows],
        found.confidence[rows],
        frame=found.frame[rows],
        cameras=("mean",),
        more=more,
    )
    if found.determinant < 0 or found.distortion > SHEARED:
        what = "mirrored" if found.determinant < 0 else "sheared"
        done = "this was kept" if asked.keep_frame else "this was undone"
        flags.append(
            Flag(
                "N314",
                f"{path.name}: coordinates are stored {what} (determinant {found.determinant:.3g}, "
                f"distortion {found.distortion:.2g}); {done}",
            )
        )
    flags += _flat(path, dataset)
    return imported_parts("pose3d", {"": dataset}, path, "anipose", flags)


def _dlc_points(path: Path, asked: ImportWishes) -> OutcomeParts:
    """Make `pose3d` of DeepLabCut's points in space, which are told in the unit of the board."""
    from mystax.io.blank import imported_parts, pose_dataset
    from mystax.io.formats.dlc_points import read_dlc_points
    from mystax.io.guarded import is_hdf5

    found = read_dlc_points(path, hdf5=is_hdf5(path))
    if asked.unit is None or not 0 < asked.unit < 1e6:
        raise ParameterError(
            "P401",
            "--unit",
            f"{path.name} does not say its unit, which is that of the board's squares",
            expected="its length in mm, above 0",
            got="none" if asked.unit is None else str(asked.unit),
            hint="mystax import FILE --unit 20 where a square of 20 mm was called 1",
        )
    rows, flags = _rows(path, found.frame)
    position = found.position[rows] * asked.unit
    times = _times(path, found.frame[rows], asked.rate)
    datasets = [
        pose_dataset(
            times,
            found.names,
            position[:, k],
            np.full(position.shape[:1] + position.shape[2:3], np.nan),
            individual=individual,
            frame=found.frame[rows],
        )
        for k, individual in enumerate(found.individuals)
    ]
    flags += _flat(path, datasets[0])
    return imported_parts("pose3d", {"": _joined(datasets)}, path, "dlc-3d", flags)


def _flat(path: Path, dataset: Any) -> list[Flag]:
    """Say that the points of the first individual lie almost in a plane: N313."""
    from mystax.compute.shape3d import MIN_FLATNESS, flatness, mean_shape

    place = dataset["position"].transpose("time", "space", "keypoint", ...).values
    flat = flatness(mean_shape(place.reshape(*place.shape[:3], -1)[..., 0].astype(np.float64)))
    if not flat < MIN_FLATNESS:
        return []
    return [Flag("N313", f"{path.name}: the mean shape is flat: third over first extent {flat:.3f}")]


def _joined(datasets: Sequence[Any]) -> Any:
    """Join the datasets of individuals."""
    import xarray as xr

    if len(datasets) == 1:
        return datasets[0]
    joined = xr.concat(datasets, "individual", data_vars="minimal", coords="minimal", compat="override")
    order = ("time", "space", "cov", "camera", "keypoint", "individual", ...)
    return joined.transpose(*order, missing_dims="ignore")


def _keypoints(path: Path, asked: ImportWishes) -> list[tuple[str, OutcomeParts]]:
    """Make `pose` of a tracker's file, one for each video that it names."""
    from mystax.io.formats.keypoint_files import detect_format, read_keypoints

    form = detect_format(path)
    table = read_keypoints(path, form)
    if table.kind == "labels" and not (table.frame >= 0).all():
        raise RecipeError(
            "P403",
            path.name,
            "it holds labels of pictures, not the track of a video",
            hint="mystax labels import FILE --out LABELS",
        )
    videos = list(dict.fromkeys(table.files)) if (table.frame >= 0).all() else []
    if len(videos) < 2:
        return [(path.stem, _pose_of_video(path, table, form, asked))]
    names = _video_names(videos, path.stem)
    of_rows = np.array(table.files)
    return [
        (name, _pose_of_video(path, table.rows(of_rows == video), form, asked))
        for video, name in zip(videos, names, strict=True)
    ]


def _video_names(videos: Sequence[str], otherwise: str) -> list[str]:
    """Name the recordings of videos: by their names, with their folders where these are needed."""
    stems = [Path(video).stem or otherwise for video in videos]
    return stems if len(set(stems)) == len(stems) else [video or otherwise for video in videos]


def _pose_of_video(path: Path, table: KeypointTable, form: str, asked: ImportWishes) -> OutcomeParts:
    """Make `pose` of the rows of one video."""
    from mystax.io.blank import imported_parts, pose_dataset

    frame = table.frame if (table.frame >= 0).all() else np.arange(len(table), dtype=np.int64)
    rows, flags = _rows(path, frame)
    times = _times(path, frame[rows], asked.rate)
    datasets = [
        pose_dataset(
            times,
            table.names,
            table.position[rows, k],
            table.confidence[rows, k],
            individual=individual,
            frame=frame[rows],
        )
        for k, individual in enumerate(table.individuals)
    ]
    joined = _joined(datasets)
    joined.attrs["scorer"] = table.scorer
    return imported_parts("pose", {"": joined}, path, form, flags)
