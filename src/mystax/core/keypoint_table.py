"""Keypoints as another tool's file holds them: one table for every format, before names are mapped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mystax.core.typing import Bool, Float64, Int8, Int64, Shaped
from mystax.errors import FormatError, RecipeError, nearest

__all__ = ["KeypointTable", "TableCounts", "make_table"]

PLACED, INVISIBLE, ABSENT, UNLABELLED = 2, 1, 0, -1


@dataclass(frozen=True, slots=True)
class TableCounts:
    """What a table holds: rows with a point, individuals in rows, points, and those that look wrong."""

    frames: int
    individuals: int
    points: int
    missing: int
    out_of_frame: int


@dataclass(frozen=True, eq=False)
class KeypointTable:
    """Keypoints of some frames or pictures.

    Attributes
    ----------
    names : tuple of str
        Names of the points as in the file.
    position : array (row, individual, keypoint, space)
        Places [px], centres of pixels at whole numbers; NaN where there is none.
    state : array (row, individual, keypoint)
        2 placed, 1 invisible, 0 absent, -1 not labelled.
    confidence : array (row, individual, keypoint)
        0..1; NaN where the file has none.
    frame : array (row,)
        Number of the frame; -1 for a picture.
    files : tuple of str
        Picture or video of each row; empty where the file does not say.
    individuals : tuple of str
        Names of the individuals; one of an empty name where there are no names.
    kind : str
        ``labels`` or ``predictions``.
    scorer : str
        Who made them.
    shapes : array (row, 2)
        Rows and columns of the pictures [px]; 0 where unknown.
    edges : tuple of pairs of str
        Lines to draw.
    extra : mapping of str to tuple of str
        Further columns, one text per row.
    pictures : tuple of array, optional
        Pixels of each row, where the file brings them; `position` is on them.
    """

    names: tuple[str, ...]
    position: Float64[np.ndarray, "row individual keypoint space"]
    state: Int8[np.ndarray, "row individual keypoint"]
    confidence: Float64[np.ndarray, "row individual keypoint"]
    frame: Int64[np.ndarray, " row"]
    files: tuple[str, ...]
    individuals: tuple[str, ...] = ("",)
    kind: str = "labels"
    scorer: str = ""
    shapes: Int64[np.ndarray, "row two"] | None = None
    edges: tuple[tuple[str, str], ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pictures: tuple[Shaped[np.ndarray, "y x"], ...] | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def counts(self) -> TableCounts:
        """Return what the table holds."""
        marked = self.state >= ABSENT
        placed = self.state >= INVISIBLE
        outside = 0
        if self.shapes is not None:
            known = np.asarray((self.shapes > 0).all(1))[:, None, None]
            x, y = self.position[..., 0], self.position[..., 1]
            height, width = (self.shapes[:, axis][:, None, None] for axis in (0, 1))
            wild = (x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5)
            outside = int((wild & placed & known).sum())
        return TableCounts(
            int(marked.any((1, 2)).sum()),
            int(marked.any(2).sum()),
            int(placed.sum()),
            int((self.state == UNLABELLED)[marked.any(2)].sum()),
            outside,
        )

    def individual(self, name: str | None = None) -> "KeypointTable":
        """Return the table of one individual, by default the first.

        Raises
        ------
        RecipeError
            P403, if there is none of that name (with the nearest).
        """
        if name is not None and name not in self.individuals:
            raise RecipeError(
                "P403", f"individual {name!r}", f"the file has none{nearest(name, self.individuals)}"
            )
        at = 0 if name is None else self.individuals.index(name)
        only = slice(at, at + 1)
        return replace(
            self,
            position=self.position[:, only],
            state=self.state[:, only],
            confidence=self.confidence[:, only],
            individuals=self.individuals[only],
        )

    def rows(self, keep: Bool[np.ndarray, " row"]) -> "KeypointTable":
        """Return the table of some rows."""
        at = np.flatnonzero(keep)
        return replace(
            self,
            position=self.position[at],
            state=self.state[at],
            confidence=self.confidence[at],
            frame=self.frame[at],
            files=tuple(self.files[i] for i in at),
            shapes=None if self.shapes is None else self.shapes[at],
            extra={name: tuple(column[i] for i in at) for name, column in self.extra.items()},
            pictures=None if self.pictures is None else tuple(self.pictures[i] for i in at),
        )


def make_table(
    names: Sequence[str],
    position: Shaped[np.ndarray, "row individual keypoint two"],
    *,
    where: str,
    confidence: Shaped[np.ndarray, "row individual keypoint"] | None = None,
    state: Shaped[np.ndarray, "row individual keypoint"] | None = None,
    frame: Shaped[np.ndarray, " row"] | None = None,
    files: Sequence[str] | None = None,
    individuals: Sequence[str] = ("",),
    kind: str = "labels",
    scorer: str = "",
    shapes: Shaped[np.ndarray, "row two"] | None = None,
    edges: Sequence[tuple[str, str]] = (),
    extra: Mapping[str, Sequence[str]] | None = None,
    pictures: Sequence[Shaped[np.ndarray, "y x"]] | None = None,
) -> KeypointTable:
    """Make a table of what a reader found, checked.

    Parameters
    ----------
    names, position, confidence, state, frame, files, individuals, kind, scorer : optional
        As the attributes of `KeypointTable`; the state of a point with a place is by default 2, else -1.
    where : str
        Name of the file, for messages.
    shapes, edges, extra, pictures : optional
        As the attributes of `KeypointTable`.

    Returns
    -------
    KeypointTable
        The table.

    Raises
    ------
    FormatError
        F804, if there are no points, names repeat, or nothing in the file is a place.
    """
    names, individuals = tuple(names), tuple(individuals)
    if not names or len(set(names)) != len(names) or len(set(individuals)) != len(individuals):
        raise FormatError("F804", where, expected="points of different names", got=str(names)[:80])
    place = np.array(position, np.float64)
    n = len(place)
    place[~np.isfinite(place).all(-1)] = np.nan
    seen = np.isfinite(place[..., 0])
    codes = np.where(seen, PLACED, UNLABELLED) if state is None else np.array(state)
    codes = np.where(~seen & (codes > ABSENT), UNLABELLED, codes).astype(np.int8)
    place[codes < INVISIBLE] = np.nan
    trust = np.full(codes.shape, np.nan) if confidence is None else np.array(confidence, np.float64)
    if n == 0 or not (codes > UNLABELLED).any():
        raise FormatError("F804", where, "no keypoint was found in the file", got=f"{n} frames")
    return KeypointTable(
        names,
        place,
        codes,
        trust,
        np.full(n, -1, np.int64) if frame is None else np.array(frame, np.int64),
        ("",) * n if files is None else tuple(files),
        individuals,
        kind,
        scorer,
        None if shapes is None else np.array(shapes, np.int64),
        tuple(edges),
        {name: tuple(column) for name, column in (extra or {}).items()},
        None if pictures is None else tuple(pictures),
    )
