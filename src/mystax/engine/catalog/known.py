"""Recordings as the catalogue knows them: to plan without opening a video, and to open them for work."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from mystax.core.clock import Clock
from mystax.core.geometry import Box
from mystax.core.quality import Flag
from mystax.core.recording import Camera, FrameChunk, Recording
from mystax.core.typing import Float64
from mystax.engine.catalog.looking import ClockWish
from mystax.engine.catalog.tables import camera, recording, root, side_file, video
from mystax.engine.roots import Roots
from mystax.errors import CatalogError, RecipeError

__all__ = ["KnownFrames", "KnownRecording", "known_recordings"]

NOT_READ = "the catalogue knows of these frames, it has not opened them"


class KnownFrames:
    """What the catalogue knows of the frames of a camera: enough for plans and keys, no pixel.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns [px].
    n_frames, bits : int
        Number and depth of the frames.
    identity : tuple of str
        Quick ids of the files, in order.
    clock_id : str
        Fingerprint of the times, as `mystax.core.clock.clock_id` gives it.
    """

    def __init__(
        self, shape: tuple[int, int], n_frames: int, bits: int, identity: tuple[str, ...], clock_id: str
    ) -> None:
        self.shape, self.n_frames, self.bits = shape, n_frames, bits
        self.identity, self.clock_id = identity, clock_id
        self.flags: tuple[Flag, ...] = ()

    @property
    def clock(self) -> Clock:
        """No times: the catalogue keeps their fingerprint only."""
        return Clock(np.empty(0, np.int64), Fraction(1), source="catalogue")

    @property
    def times(self) -> Float64[np.ndarray, " time"]:
        """No times: the catalogue keeps their fingerprint only."""
        return np.empty(0, np.float64)

    def chunks(
        self,
        start: int = 0,
        stop: int | None = None,
        step: int = 1,
        *,
        box: Box | None = None,
        size: int | None = None,
    ) -> Iterator[FrameChunk]:
        """Refused: the frames are not in the catalogue."""
        raise TypeError(f"{NOT_READ}: {start} to {stop} by {step} ({box}, {size})")

    def frame_at(self, index: int) -> FrameChunk:
        """Refused: the frames are not in the catalogue."""
        raise TypeError(f"{NOT_READ}: {index}")

    def sample(self, n: int) -> FrameChunk:
        """Refused: the frames are not in the catalogue."""
        raise TypeError(f"{NOT_READ}: a sample of {n}")

    def copy(self) -> "KnownFrames":
        """Return the same knowledge."""
        return self

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class KnownRecording:
    """A recording of the catalogue.

    Attributes
    ----------
    id : int
        Its row.
    folder : str
        Folder of its outcomes below that of the catalogue.
    quality : str
        ``unchecked``, ``good``, ``warned`` or ``bad``.
    cameras : tuple of mapping
        Name, clock and files of each camera, as in the tables.
    side_files : tuple of mapping
        Role, root and path of clock, neural and calibration files.
    roots : Roots
        Where roots are on this host.
    """

    id: int
    folder: str
    quality: str
    cameras: tuple[Mapping[str, Any], ...]
    side_files: tuple[Mapping[str, Any], ...]
    roots: Roots

    @property
    def label(self) -> str:
        """Short name: ``r12``."""
        return f"r{self.id}"

    @property
    def n_frames(self) -> int:
        """Frames of all cameras."""
        return sum(int(one["clock"].get("n_frames") or 0) for one in self.cameras)

    @property
    def pixels(self) -> int:
        """Pixels of all frames of all cameras."""
        return sum(
            int(one["clock"].get("n_frames") or 0) * int(file["width"] or 0) * int(file["height"] or 0)
            for one in self.cameras
            for file in one["videos"][:1]
        )

    def recording(self) -> Recording:
        """Return the recording for plans: it has the keys of the opened one, but no frames.

        Raises
        ------
        RecipeError
            P403, if the catalogue could not look at all of its videos.
        """
        cameras: dict[str, Camera] = {}
        for one in self.cameras:
            files, mark = one["videos"], str(one["clock"].get("id") or "")
            first = files[0] if files else {}
            if not mark or not first.get("width"):
                raise RecipeError(
                    "P403",
                    f"{self.label}, camera {one['name']!r}",
                    "the catalogue could not read its videos or its clock",
                    hint=f"mystax catalog show {self.label}",
                )
            frames = KnownFrames(
                (int(first["height"]), int(first["width"])),
                int(one["clock"].get("n_frames") or 0),
                int(first["bits"] or 8),
                tuple(str(file["quick_id"]) for file in files),
                mark,
            )
            cameras[one["name"]] = Camera(one["name"], frames)
        return Recording(self.folder, cameras)

    def paths(self) -> dict[str, list[Path]]:
        """Return camera to files on this host.

        Raises
        ------
        CatalogError
            Q606, if a root is not there.
        """
        return {
            one["name"]: [self.roots.resolve(file["root"], file["path"]) for file in one["videos"]]
            for one in self.cameras
        }

    def files(self, role: str) -> list[Path]:
        """Return the side files of a role on this host.

        Raises
        ------
        CatalogError
            Q606, if a root is not there.
        """
        return [
            self.roots.resolve(file["root"], file["path"]) for file in self.side_files if file["role"] == role
        ]

    def spec(self) -> dict[str, Any]:
        """Return what `recording_from_spec` opens on whichever host it is called, as plain values."""
        wishes = {one["name"]: ClockWish.from_dict(one["clock"]) for one in self.cameras}
        return {
            "places": {
                one["name"]: [[file["root"], file["path"]] for file in one["videos"]] for one in self.cameras
            },
            "quick_ids": {one["name"]: [file["quick_id"] for file in one["videos"]] for one in self.cameras},
            "roots": self.roots.rows_of(file["root"] for one in self.cameras for file in one["videos"]),
            "clocks": {name: wish.spec for name, wish in wishes.items() if wish.spec} or None,
            "clock_policy": {name: wish.policy for name, wish in wishes.items() if wish.policy} or None,
            "offsets": {name: wish.offset for name, wish in wishes.items() if wish.offset} or None,
            "name": self.folder,
            "reference": self.cameras[0]["name"] if self.cameras else None,
        }

    def is_reachable(self) -> str:
        """Return why its videos cannot be reached on this host; "" if they can (Q606)."""
        try:
            for name in {file["root"] for one in self.cameras for file in one["videos"]}:
                self.roots.folder(name)
        except CatalogError as error:
            return str(error)
        return ""


def known_recordings(
    connection: Connection, ids: Sequence[int] | None = None, *, host: str | None = None
) -> list[KnownRecording]:
    """Read recordings of the catalogue.

    Parameters
    ----------
    connection : Connection
        A transaction.
    ids : sequence of int, optional
        Their rows; by default all.
    host : str, optional
        Name of the host for the roots; by default this one.

    Returns
    -------
    list of KnownRecording
        In order of their rows.
    """
    roots = Roots.of_rows([tuple(row) for row in connection.execute(select(root))], host)
    wanted = None if ids is None else set(ids)
    query = select(recording.c.id, recording.c.folder, recording.c.quality).order_by(recording.c.id)
    if wanted is not None and len(wanted) <= FEW:
        query = query.where(recording.c.id.in_(sorted(wanted)))
    heads = [row for row in connection.execute(query) if wanted is None or row.id in wanted]
    cameras = _children(connection, camera, "recording_id", wanted)
    numbers = {one["id"] for group in cameras.values() for one in group}
    videos = _children(connection, video, "camera_id", None if wanted is None else numbers, "position")
    files = _children(connection, side_file, "recording_id", wanted)
    return [
        KnownRecording(
            head.id,
            head.folder,
            head.quality,
            tuple({**one, "videos": videos.get(one["id"], [])} for one in cameras.get(head.id, [])),
            tuple(files.get(head.id, [])),
            roots,
        )
        for head in heads
    ]


FEW = 500
"""Rows that are asked for by number; more are read all together."""
WIDE = ("probe", "clock_report")
"""Columns that no plan needs."""


def _children(
    connection: Connection, table: Any, parent: str, wanted: set[int] | None, order: str = "id"
) -> dict[int, list[dict[str, Any]]]:
    """Read the rows of a table by the row that they belong to."""
    columns = [column for column in table.c if column.name not in WIDE]
    query = select(*columns).order_by(table.c[order], table.c.id)
    if wanted is not None and len(wanted) <= FEW:
        query = query.where(table.c[parent].in_(sorted(wanted)))
    found: dict[int, list[dict[str, Any]]] = {}
    for row in connection.execute(query).mappings():
        if wanted is None or row[parent] in wanted:
            found.setdefault(row[parent], []).append(dict(row))
    return found
