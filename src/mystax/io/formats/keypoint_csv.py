"""Wide tables of keypoints: ``file`` or ``frame``, then ``<point>_x, <point>_y`` and what else there is."""

from pathlib import Path

import numpy as np

from mystax.core.keypoint_table import KeypointTable, make_table
from mystax.errors import FormatError
from mystax.io.formats.texts import number, numbers_of, read_cells, text_of_cells

__all__ = ["STATES", "read_keypoint_csv", "write_keypoint_csv"]

STATES = {"placed": 2, "invisible": 1, "absent": 0, "": -1}
INDEX = ("file", "frame", "image")


def read_keypoint_csv(path: Path | str) -> KeypointTable:
    """Read a wide table.

    Parameters
    ----------
    path : path
        A column ``file`` (or ``image``) or ``frame``; columns ``<point>_x`` and ``<point>_y``; where given,
        ``<point>_state`` (placed, invisible, absent) and ``<point>_confidence``; all others are kept.

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
    index = next((name for name in INDEX if name in head), None)
    if not names or index is None or len(set(head)) != len(head) or len(cells) < 2:
        raise FormatError(
            "F804", where, expected="columns file or frame, <point>_x, <point>_y", got=",".join(head)[:80]
        )
    rows = [row + [""] * (len(head) - len(row)) for row in cells[1:]]
    at = {name: k for k, name in enumerate(head)}
    endings = ("_x", "_y", "_state", "_confidence")
    used = {f"{name}{ending}" for name in names for ending in endings} | {index}
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
    entries = [row[at[index]].strip() for row in rows]
    is_video = index == "frame"
    if is_video and not all(entry.isdecimal() for entry in entries):
        raise FormatError("F804", where, expected="whole numbers in the column frame", got="others")
    extra = {name: [row[at[name]] for row in rows] for name in head if name not in used}
    return make_table(
        names,
        position,
        where=where,
        confidence=trust,
        state=state,
        frame=np.array([int(entry) for entry in entries], np.int64) if is_video else None,
        files=None if is_video else entries,
        kind="predictions" if np.isfinite(trust).any() else "labels",
        extra=extra,
    )


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
