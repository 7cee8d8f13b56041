"""Labels from other tools' files: names told, frames found, nothing guessed in silence."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mystax.core.keypoint_names import NameMapping, map_names, set_for_names, set_of_names
from mystax.core.keypoint_table import KeypointTable, TableCounts
from mystax.core.keypoints import KeypointSet
from mystax.core.label_operations import FrameKey, Mark, Operation, check_operation
from mystax.engine.labels.folder import LabelFolder, Video
from mystax.engine.labels.footage import Footage
from mystax.engine.labels.pictures import footages_of
from mystax.errors import FormatError, RecipeError
from mystax.io.formats.keypoint_files import detect_format, read_keypoints
from mystax.io.formats.texts import read_cells

__all__ = ["ImportReport", "import_labels", "new_set_for", "read_name_table"]

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
    n_replaced, n_by_hand : int
        Points, of those that were written, in place of another label, and how many of those were set by hand.
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
    n_replaced: int = 0
    n_by_hand: int = 0
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
        F801-F804, if the file is refused, holds no frame that can be used, or labels a frame twice and
        differently.
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
    keys = [_key(table, i, footage) for i, footage in enumerate(rows)]
    _check_once(table, keys, report, place.name)
    operations = _operations(labels, table, rows, keys, report, f"import:{digest}", who)
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
        written = {(operation.video, operation.pts) for operation in operations}
        for i, (key, footage) in enumerate(zip(keys, rows, strict=True)):
            if key in written and footage is not None:
                labels.keep_frame(key, footage, max(0, int(table.frame[i])))
        labels.note_sources([item for item in {id(row): row for row in rows}.values() if item is not None])
        labels.store.append(operations)
        report.batch = operations[0].batch
    return report


def _key(table: KeypointTable, row: int, footage: Footage | None) -> FrameKey | None:
    """Return the frame that a row labels; None if it is not found or nothing is labelled there."""
    if footage is None or not (table.state[row, 0] >= 0).any():
        return None
    return footage.fingerprint, footage.stamp(max(0, int(table.frame[row])))


def _columns(table: KeypointTable, report: ImportReport) -> list[tuple[int, str]]:
    """Return the columns that are taken, and our names of their points."""
    ours = report.names.matched
    return [(k, ours[name]) for k, name in enumerate(table.names) if name in ours]


def _check_once(
    table: KeypointTable, keys: Sequence[FrameKey | None], report: ImportReport, where: str
) -> None:
    """Refuse rows that label one frame differently: none of them is the right one by its place."""
    of_frame: dict[FrameKey, list[int]] = {}
    for i, key in enumerate(keys):
        if key is not None:
            of_frame.setdefault(key, []).append(i)
    for same in of_frame.values():
        for k, ours in _columns(table, report) if len(same) > 1 else ():
            marks = {mark: i for i in same if (mark := _mark(table, i, k)) is not None}
            if len(marks) > 1:
                texts = [_text(table, i, mark) for mark, i in marks.items()]
                raise FormatError(
                    "F804",
                    where,
                    f"{ours} of one frame (or of pictures with the same content) is labelled differently",
                    got=" and ".join(texts[:3]),
                    hint="keep one of these rows",
                )


def _text(table: KeypointTable, row: int, mark: Mark) -> str:
    """Say where and what a row labels."""
    frame = [f"frame {table.frame[row]}"] if table.frame[row] >= 0 else []
    place = mark.state if mark.x is None else f"({mark.x:g}, {mark.y:g})"
    return f"{place} in {' '.join([*filter(None, [table.files[row]]), *frame])}"


def _operations(
    labels: LabelFolder,
    table: KeypointTable,
    rows: Sequence[Footage | None],
    keys: Sequence[FrameKey | None],
    report: ImportReport,
    origin: str,
    who: str,
) -> list[Operation]:
    """Make the operations of all rows, and count them."""
    batch, found = secrets.token_hex(16), list[Operation]()
    state, columns = labels.store.state, _columns(table, report)
    done: set[tuple[FrameKey, str]] = set()
    for i, (footage, key) in enumerate(zip(rows, keys, strict=True)):
        if footage is None or key is None:
            continue
        number = max(0, int(table.frame[i])) if footage.frames is not None else footage.number
        for k, ours in columns:
            mark = _mark(table, i, k)
            if mark is None or (key, ours) in done:
                continue
            done.add((key, ours))
            report.n_outside += _is_outside(mark, footage)
            old = state.label(key, ours)
            if old is not None and old.mark == mark:
                report.n_unchanged += 1
                continue
            if old is not None and old.mark is not None:
                report.n_replaced += 1
                report.n_by_hand += old.origin == "hand"
            found.append(
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
    report.n_points = len(found)
    report.n_frames = len({(operation.video, operation.pts) for operation in found})
    return found


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
