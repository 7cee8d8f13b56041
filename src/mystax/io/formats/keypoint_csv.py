"""Wide tables of keypoints: ``file``, ``frame`` or both, then ``<point>_x, <point>_y`` and others."""

from pathlib import Path

import numpy as np

from mystax.core.keypoint_table import KeypointTable, make_table
from mystax.errors import FormatError
from mystax.io.formats.texts import number, numbers_of, read_cells, text_of_cells
from mystax.io.stills import is_still

__all__ = ["STATES", "read_keypoint_csv", "write_keypoint_csv"]

MAX_DIGITS = 15
STATES = {"placed": 2, "invisible": 1, "absent": 0, "": -1}
FRAME = "frame"
INDEX = ("file", FRAME, "image")
"""Columns that tell the picture: the first of them; beside a file a frame tells the one in it."""


def read_keypoint_csv(path: Path | str) -> KeypointTable:
    """Read a wide table.

    Parameters
    ----------
    path : path
        A column ``file`` (or ``image``), ``frame``, or both (a video and a number in it); columns
        ``<point>_x`` and ``<point>_y``; where given, ``<point>_state`` (placed, invisible, absent) and
        ``<point>_confidence``; all others are kept.

    Returns
    -------
    KeypointTable
        The table.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F804, if it is no such table.
    """
    where = Path(path).name
    cells = read_cells(path)
    head = [cell.strip() for cell in cells[0]] if cells else []
    names = [name[:-2] for name in head if name.endswith("_x") and f"{name[:-2]}_y" in head]
    index = [name for name in INDEX if name in head]
    index = index if index[:1] == ["file"] else index[:1]
    if not names or not index or len(set(head)) != len(head) or len(cells) < 2:
        raise FormatError(
            "F804", where, expected="columns file or frame, <point>_x, <point>_y", got=",".join(head)[:80]
        )
    rows = [_cut(row, len(head), where, f"row {k}") for k, row in enumerate(cells[1:], 1)]
    at = {name: k for k, name in enumerate(head)}
    endings = ("_x", "_y", "_state", "_confidence")
    used = {f"{name}{ending}" for name in names for ending in endings}
    columns = [f"{name}{axis}" for name in names for axis in ("_x", "_y")]
    values = numbers_of([[row[at[name]] for name in columns] for row in rows], len(columns), where)
    position = values.reshape(len(rows), 1, len(names), 2)
    state = np.where(np.isfinite(position).all(-1), 2, -1).astype(np.int8)
    trust = np.full(state.shape, np.nan)
    for k, name in enumerate(names):
        if f"{name}_state" in at:
            words = [row[at[f"{name}_state"]].strip() for row in rows]
            if not set(words) <= set(STATES):
                raise FormatError(
                    "F804", where, expected="placed, invisible or absent", got=str(set(words))[:80]
                )
            state[:, 0, k] = [STATES[word] for word in words]
        if f"{name}_confidence" in at:
            trust[:, 0, k] = numbers_of([[row[at[f"{name}_confidence"]]] for row in rows], 1, where)[:, 0]
    files = [row[at[index[0]]].strip() if index[0] != FRAME else "" for row in rows]
    frames = [-1] * len(rows)
    if FRAME in index:
        frames = [_frame(row[at[FRAME]].strip(), name, where) for row, name in zip(rows, files, strict=True)]
    used |= {index[0], *([FRAME] if max(frames) >= 0 else [])}
    extra = {name: [row[at[name]] for row in rows] for name in head if name not in used}
    return make_table(
        names,
        position,
        where=where,
        confidence=trust,
        state=state,
        frame=np.array(frames, np.int64),
        files=files,
        kind="predictions" if np.isfinite(trust).any() else "labels",
        extra=extra,
    )


def _cut(row: list[str], width: int, where: str, what: str) -> list[str]:
    """Return a row of that many cells; one with more that are not empty is refused."""
    if any(cell.strip() for cell in row[width:]):
        raise FormatError(
            "F804",
            where,
            f"{what} below the head has more cells than the head",
            expected=f"{width} cells",
            got=f"{len(row)}: {','.join(row)[:80]}",
            hint="decimal commas? write 1.5, not 1,5",
        )
    return row[:width] + [""] * (width - len(row))


def _frame(text: str, file: str, where: str) -> int:
    """Return the number of a frame; -1 for a picture, which is found by its name."""
    if is_still(file) or (file and not text):
        return -1
    if not text.isdecimal() or len(text) > MAX_DIGITS:
        raise FormatError("F804", where, expected="whole numbers in the column frame", got=text[:80])
    return int(text)


def write_keypoint_csv(path: Path | str, table: KeypointTable) -> None:
    """Write a wide table of the first individual; states are written where one is not placed.

    Parameters
    ----------
    path : path
        The file.
    table : KeypointTable
        The table.
    """
    words = {code: word for word, code in STATES.items()}
    first = table.individual(table.individuals[0])
    with_states = bool(np.isin(first.state, (0, 1)).any())
    with_confidence = bool(np.isfinite(first.confidence).any())
    is_video = bool((first.frame >= 0).all())
    endings = [
        "_x",
        "_y",
        *(["_state"] if with_states else []),
        *(["_confidence"] if with_confidence else []),
    ]
    extra = [name for name in first.extra if name not in INDEX]
    rows = [
        [
            "frame" if is_video else "file",
            *extra,
            *(f"{name}{end}" for name in first.names for end in endings),
        ]
    ]
    for i in range(len(first)):
        row = [str(first.frame[i]) if is_video else first.files[i], *(first.extra[name][i] for name in extra)]
        for k in range(len(first.names)):
            row += [number(first.position[i, 0, k, 0]), number(first.position[i, 0, k, 1])]
            row += [words[int(first.state[i, 0, k])]] if with_states else []
            row += [number(first.confidence[i, 0, k])] if with_confidence else []
        rows.append(row)
    Path(path).write_text(text_of_cells(rows), "utf-8")
