"""Labels from other tools' files and into them: names told, frames found, nothing guessed in silence."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mystax.core.keypoint_names import NameMapping, map_names, set_for_names, set_of_names
from mystax.core.keypoint_table import KeypointTable, TableCounts, make_table
from mystax.core.keypoints import KeypointSet
from mystax.core.label_operations import FrameKey, Mark, Operation, check_operation
from mystax.engine.labels.folder import LabelFolder, Video
from mystax.engine.labels.footage import Footage
from mystax.engine.labels.pictures import footages_of, names_in_table
from mystax.errors import FormatError, RecipeError
from mystax.io.formats.keypoint_files import FORMATS, detect_format, read_keypoints, write_keypoints
from mystax.io.formats.texts import read_cells

__all__ = [
    "ImportReport",
    "export_labels",
    "import_labels",
    "labels_to_table",
    "new_set_for",
    "read_name_table",
]

STATE_WORDS = {2: "placed", 1: "invisible", 0: "absent"}


@dataclass(slots=True)
class ImportReport:
    """What an import did.

    Attributes
    ----------
    form : str
        Format of the file.
    names : NameMapping
        How their names were found.
    counts : TableCounts
        What the file holds.
    individual : str
        Which individual was taken; empty if the file names none.
    individuals : tuple of str
        All individuals of the file.
    missing : list of str
        Pictures that were not found, and what is no frame of the video that was named.
    n_frames, n_points, n_unchanged, n_outside : int
        Frames and points that were written; points that were there already; places outside their picture.
    batch : str
        For `Labels.undo`; empty if nothing was written.
    """

    form: str
    names: NameMapping
    counts: TableCounts
    individual: str = ""
    individuals: tuple[str, ...] = ()
    missing: list[str] = field(default_factory=list)
    n_frames: int = 0
    n_points: int = 0
    n_unchanged: int = 0
    n_outside: int = 0
    batch: str = ""


def read_name_table(path: Path | str) -> dict[str, str]:
    """Read a table of names: columns ``theirs, ours``, with or without a header.

    Raises
    ------
    RecipeError
        P403, if there is no such file or a row has not two cells.
    """
    rows = [[cell.strip() for cell in row] for row in read_cells(path)]
    if any(len(row) != 2 or not row[0] for row in rows):
        raise RecipeError("P403", str(path), expected="two columns: theirs, ours")
    return {theirs: ours for theirs, ours in rows if (theirs, ours) != ("theirs", "ours")}


def import_labels(
    labels: LabelFolder,
    path: Path | str,
    *,
    form: str | None = None,
    names: Mapping[str, str] | None = None,
    individual: str | None = None,
    video: Video | None = None,
    who: str = "",
) -> ImportReport:
    """Take the keypoints of another tool's file into a folder of labels, as one batch.

    Parameters
    ----------
    labels : LabelFolder
        The folder.
    path : path
        The file.
    form : str, optional
        Its format; by default what its content says.
    names : mapping of str to str, optional
        Their names to ours, where id and alias do not tell.
    individual : str, optional
        Which individual; by default the first.
    video : path or FrameSource, optional
        The video of a file that holds frame numbers.
    who : str, optional
        Who imports.

    Returns
    -------
    ImportReport
        Names, counts, what was not found, and the batch for `Labels.undo`.

    Raises
    ------
    FormatError
        F801-F804, if the file is refused or holds no frame that can be used.
    RecipeError
        P403, if names are ambiguous, no name is known, or there is no such individual.
    """
    place = Path(path)
    kind = form or detect_format(place)
    whole = read_keypoints(place, kind)
    table = whole.individual(individual)
    report = ImportReport(
        kind,
        map_names(table.names, labels.keypoints, names),
        whole.counts(),
        table.individuals[0],
        whole.individuals,
    )
    if not report.names.matched:
        raise RecipeError(
            "P403",
            place.name,
            f"no name of the file is a point of the set {labels.keypoints.name!r}",
            got=", ".join(table.names[:8]),
            hint="say which are which with --map FILE.csv (theirs, ours), or choose a set with --keypoints",
        )
    digest = hashlib.sha256(place.read_bytes()).hexdigest()
    rows, report.missing = footages_of(labels, table, place.absolute().parent, video)
    operations, frames = _operations(labels, table, rows, report, f"import:{digest}", who)
    if report.n_points + report.n_unchanged == 0:
        raise FormatError(
            "F804",
            place.name,
            "not one frame of the file can be used",
            expected="pictures beside the file, or its video",
            got=f"{len(report.missing)} not found, such as {', '.join(report.missing[:3])}"
            if report.missing
            else f"{len(table)} rows without points",
            hint="keep the pictures with the file, or name the video with --video",
        )
    for operation in operations:
        check_operation(operation, labels.keypoints)  # a refused import leaves nothing behind
    if operations:
        labels.store.lock()
        for key, footage, frame in frames:
            labels.keep_frame(key, footage, frame)
        labels.note_sources([item for item in {id(row): row for row in rows}.values() if item is not None])
        labels.store.append(operations)
        report.batch = operations[0].batch
    return report


def _operations(
    labels: LabelFolder,
    table: KeypointTable,
    rows: Sequence[Footage | None],
    report: ImportReport,
    origin: str,
    who: str,
) -> tuple[list[Operation], list[tuple[FrameKey, Footage, int]]]:
    """Make the operations of all rows; return the frames that they are about, too."""
    columns = [
        (k, report.names.matched[name]) for k, name in enumerate(table.names) if name in report.names.matched
    ]
    batch, found = secrets.token_hex(16), list[Operation]()
    frames: list[tuple[FrameKey, Footage, int]] = []
    state = labels.store.state
    for i, footage in enumerate(rows):
        if footage is None or not (table.state[i, 0] >= 0).any():
            continue
        frame = max(0, int(table.frame[i])) if footage.frames is not None else 0
        key: FrameKey = (footage.fingerprint, footage.stamp(frame))
        number = frame if footage.frames is not None else footage.number
        made = []
        for k, ours in columns:
            mark = _mark(table, i, k)
            if mark is None:
                continue
            report.n_outside += _is_outside(mark, footage)
            if state.mark(key, ours) == mark:
                report.n_unchanged += 1
                continue
            made.append(
                labels.store.operation(
                    key,
                    number,
                    footage.source.camera,
                    keypoint=ours,
                    after=mark,
                    batch=batch,
                    who=who,
                    origin=origin,
                )
            )
        if made:
            frames.append((key, footage, frame))
            report.n_frames += 1
            report.n_points += len(made)
            found += made
    return found, frames


def _is_outside(mark: Mark, footage: Footage) -> bool:
    if mark.x is None or mark.y is None:
        return False
    height, width = footage.source.height, footage.source.width
    return not (-0.5 <= mark.x <= width - 0.5 and -0.5 <= mark.y <= height - 0.5)


def _mark(table: KeypointTable, row: int, column: int) -> Mark | None:
    code = int(table.state[row, 0, column])
    if code < 0:
        return None
    if code == 0:
        return Mark("absent")
    x, y = map(float, table.position[row, 0, column])
    confidence = float(table.confidence[row, 0, column])
    return Mark(STATE_WORDS[code], x, y, confidence if np.isfinite(confidence) else None)


def new_set_for(
    path: Path | str,
    form: str | None = None,
    *,
    only_own: bool = False,
    names: Mapping[str, str] | None = None,
) -> KeypointSet:
    """Return the set that fits a file: a shipped one that has all its names, else one made of them.

    Parameters
    ----------
    path : path
        The file.
    form : str, optional
        Its format.
    only_own : bool, optional
        Always make one of the names.
    names : mapping of str to str, optional
        Their names to ours, by which the set is chosen; a name to "" is left out.

    Returns
    -------
    KeypointSet
        The set.
    """
    table = read_keypoints(path, form)
    ours = {name: name for name in table.names} | dict(names or {})
    points = [ours[name] for name in table.names if ours[name]]
    edges = [(ours[a], ours[b]) for a, b in table.edges if ours[a] and ours[b]]
    return (set_of_names if only_own else set_for_names)(points, edges=edges)


# out -------------------------------------------------------------------------------------------------


def labels_to_table(
    labels: LabelFolder, *, individual: str | None = None, pictures: bool = False
) -> KeypointTable:
    """Return all labels as a table for export.

    Parameters
    ----------
    labels : LabelFolder
        The folder.
    individual : str, optional
        Only this one.
    pictures : bool, optional
        Bring the folder's copies of the frames.

    Returns
    -------
    KeypointTable
        Pictures as ``labeled-data/<camera>/<name>``, frames of videos by number; no two have one name.

    Raises
    ------
    FormatError
        F804, if there are no labels.
    """
    dataset = labels.to_dataset()
    sources = labels.store.files.read_sources()
    keys = [
        (str(video), int(pts)) for video, pts in zip(dataset.video.values, dataset.pts.values, strict=True)
    ]
    named = names_in_table({video: sources[video] for video, _ in keys if video in sources})
    files, frames, shapes = [], [], []
    for i, (video, _) in enumerate(keys):
        source = sources.get(video)
        camera = str(dataset.camera.values[i])
        is_video = source is not None and source.kind == "video"
        files.append(named.get(video, f"labeled-data/{camera or 'pictures'}/{video}.png"))
        frames.append(int(dataset.frame.values[i]) if is_video else -1)
        shapes.append([source.height, source.width] if source is not None else [0, 0])
    table = make_table(
        labels.keypoints.ids,
        dataset.position.values.transpose(0, 3, 2, 1),
        where=str(labels.folder),
        state=dataset.state.values.transpose(0, 2, 1),
        frame=np.array(frames, np.int64),
        files=files,
        individuals=[str(name) for name in dataset.individual.values],
        scorer="mystax",
        shapes=np.array(shapes, np.int64).reshape(-1, 2),
        edges=labels.keypoints.edges,
        pictures=[labels.picture(key) for key in keys] if pictures else None,
    )
    if individual is not None:
        return table.individual(individual)
    return table if len(table.individuals) > 1 else _unnamed(table)


def _unnamed(table: KeypointTable) -> KeypointTable:
    """Leave out the name of a single individual: most formats know none."""
    from dataclasses import replace

    return replace(table, individuals=("",))


def export_labels(
    labels: LabelFolder,
    path: Path | str,
    form: str,
    *,
    individual: str | None = None,
    overwrite: bool = False,
) -> KeypointTable:
    """Write labels as another tool's file.

    Parameters
    ----------
    labels : LabelFolder
        The folder.
    path : path
        The file.
    form : str
        One of `mystax.io.formats.keypoint_files.FORMATS`.
    individual : str, optional
        Only this one.
    overwrite : bool, optional
        Replace a file of the same name.

    Returns
    -------
    KeypointTable
        What was written.

    Raises
    ------
    RecipeError
        P403, if the file exists, or labels of several videos or individuals are to go into a format of one.
    ParameterError
        P401, if there is no such format, or it is only read.
    FormatError
        F804, if there are no labels.
    """
    place = Path(path)
    if place.exists() and not overwrite:
        raise RecipeError("P403", str(place), "the file exists", hint="name another file, or say --overwrite")
    table = labels_to_table(labels, individual=individual, pictures=form == "facemap-refined")
    if form in ("csv", "facemap-h5", "facemap-refined") and len(table.individuals) > 1:
        raise RecipeError(
            "P403",
            form,
            "the format holds one individual, and these are labels of several",
            expected="--individual NAME",
            got=", ".join(table.individuals),
        )
    of_videos = table.frame >= 0
    if form in ("sleap-analysis", "facemap-h5") and not of_videos.all():
        raise RecipeError(
            "P403",
            form,
            "the format holds frames of a video by their numbers, and these are labels of pictures",
            hint="export as coco, sleap or dlc",
        )
    one_video = form in ("dlc", "dlc-h5", "lightning-pose", "csv", "sleap-analysis", "facemap-h5")
    if one_video and of_videos.any() and (len(set(table.files)) > 1 or not of_videos.all()):
        raise RecipeError(
            "P403",
            form,
            "the format holds the frames of one video, and these are labels of several",
            hint="export as coco, sleap or facemap-refined",
        )
    part = place.with_name(f".{place.name}.part{FORMATS[form].suffix if form in FORMATS else ''}")
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_keypoints(part, table, form)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
    return table
