"""Anipose's table of points in space: read back into the frame of the cameras, and written.

Reading undoes turn, shear and mirror of the stored frame.

Facts about the layout are those of Anipose's files (Karashchuk 2021, doi:10.1016/j.celrep.2021.109730).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mystax.core.typing import Float, Float64, Num
from mystax.errors import FormatError
from mystax.io.formats.texts import numbers_of, read_cells, short_number, text_of_cells

__all__ = ["AniposePoints", "anipose_points_text", "is_anipose_points", "read_anipose_points"]

PARTS = ("x", "y", "z")
MATRIX = tuple(f"M_{i}{j}" for i in range(3) for j in range(3))
CENTRE = tuple(f"center_{i}" for i in range(3))


@dataclass(frozen=True, eq=False)
class AniposePoints:
    """Points in space of all frames.

    Attributes
    ----------
    names : tuple of str
        Names in the file.
    position : array (time, keypoint, space)
        Places in the frame of the cameras [mm].
    residual : array (time, keypoint)
        Mean reprojection error [px].
    confidence : array (time, keypoint)
        0..1.
    n_cameras : array (time, keypoint)
        Cameras that saw the point.
    frame : array (time,)
        Number of the frame.
    determinant, distortion : float
        Of the file's transformation: below 0 it mirrors; the distortion is how far it is from a rotation.
    """

    names: tuple[str, ...]
    position: Float[np.ndarray, "time keypoint space"]
    residual: Float[np.ndarray, "time keypoint"]
    confidence: Float[np.ndarray, "time keypoint"]
    n_cameras: Num[np.ndarray, "time keypoint"]
    frame: Num[np.ndarray, " time"]
    determinant: float
    distortion: float


def is_anipose_points(head: str) -> bool:
    """Tell whether the first line of a table is that of Anipose's points in space."""
    cells = [cell.strip() for cell in head.split(",")]
    return {"M_00", "center_0"} <= set(cells) and any(cell.endswith("_ncams") for cell in cells)


def read_anipose_points(path: Path | str, *, keep_frame: bool = False) -> AniposePoints:
    """Read Anipose's table of points in space.

    Parameters
    ----------
    path : path
        The csv file.
    keep_frame : bool, optional
        Leave coordinates as they are stored.

    Returns
    -------
    AniposePoints
        Places in the frame of the cameras.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F804, if it is no such table, or its transformation cannot be undone.
    """
    where = Path(path).name
    cells = read_cells(path)
    head = [cell.strip() for cell in cells[0]] if cells else []
    if not is_anipose_points(",".join(head)):
        raise FormatError(
            "F804", where, expected="columns NAME_x .. NAME_score, M_00 .., center_0 ..", got=str(head[:4])
        )
    values = numbers_of(cells[1:], len(head), where)
    at = {name: k for k, name in enumerate(head)}
    names = tuple(name.removesuffix("_ncams") for name in head if name.endswith("_ncams"))
    missing = [
        f"{name}_{part}"
        for name in names
        for part in (*PARTS, "error", "score")
        if f"{name}_{part}" not in at
    ]
    missing += [name for name in (*MATRIX, *CENTRE) if name not in at]
    if missing or not len(values):
        raise FormatError(
            "F804", where, "columns are missing" if missing else "there are no frames", got=str(missing[:3])
        )

    def columns(part: str) -> np.ndarray:
        return values[:, [at[f"{name}_{part}"] for name in names]]

    position = np.stack([columns(part) for part in PARTS], -1)
    matrices = values[:, [at[name] for name in MATRIX]].reshape(-1, 3, 3)
    centres = values[:, [at[name] for name in CENTRE]]
    determinant = np.linalg.det(matrices)
    gram = matrices @ np.swapaxes(matrices, 1, 2)
    if not keep_frame:
        if not np.isfinite(determinant).all() or np.abs(determinant).min() < 1e-6:
            raise FormatError(
                "F804",
                where,
                "the transformation cannot be undone",
                got=f"determinant {determinant.min():.3g}",
            )
        back = np.swapaxes(np.linalg.inv(matrices), 1, 2)
        position = np.einsum("tki,tij->tkj", position + centres[:, None], back)
    frame = values[:, at["fnum"]] if "fnum" in at else np.arange(len(values), dtype=float)
    return AniposePoints(
        names,
        position,
        columns("error"),
        columns("score"),
        columns("ncams"),
        frame,
        float(np.median(determinant)),
        float(np.abs(gram - np.eye(3)).max()),
    )


def anipose_points_text(
    points: AniposePoints,
    rotation: Float64[np.ndarray, "3 3"],
    origin: Float64[np.ndarray, " space"],
) -> str:
    """Return the text of Anipose's table of points in space.

    Parameters
    ----------
    points : AniposePoints
        Points whose places are given in the axes ``X' = R (X - origin)``; they are stored as they are.
    rotation : array (3, 3)
        R of the axes, from the frame of the cameras; the table's M.
    origin : array (3,)
        Origin of the axes in the frame of the cameras [mm]; the table's center is R times it.

    Returns
    -------
    str
        Columns x, y, z, error, ncams, score per point, then M, center and fnum; a missing number is empty.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> points = AniposePoints(("nose",), one[..., None] * [1, 2, 3], one, one, one, one[0] * 7, 1.0, 0.0)
    >>> anipose_points_text(points, np.eye(3), np.zeros(3)).splitlines()[1][:29]
    '1.0,2.0,3.0,1.0,1.0,1.0,1.0,0'
    """
    head = [f"{name}_{part}" for name in points.names for part in (*PARTS, "error", "ncams", "score")]
    head += [*MATRIX, *CENTRE, "fnum"]
    frame = [short_number(value) for value in (*rotation.ravel(), *(rotation @ origin))]
    blocks = [
        points.position,
        points.residual[..., None],
        points.n_cameras[..., None],
        points.confidence[..., None],
    ]
    texts = [
        np.array([short_number(v) for v in block.ravel()], object).reshape(block.shape) for block in blocks
    ]
    cells = np.concatenate(texts, axis=2).reshape(len(points.frame), -1)
    rows = [[*row, *frame, str(int(k))] for row, k in zip(cells.tolist(), points.frame, strict=True)]
    return text_of_cells([head, *rows])
