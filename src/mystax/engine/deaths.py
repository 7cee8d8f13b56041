"""Where and how often the child of a run died, and what the next attempt does about it.

What is known lies beside the checkpoints of the pass, as `deaths.json`: whoever takes the job up, on
whichever host, counts on from there.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mystax.engine.careful import WINDOW
from mystax.engine.jobs import Job
from mystax.errors import PoisonJob, SpaceError, StoreError, VideoError
from mystax.io.store import Store

__all__ = ["FILE", "DeathRecord", "Deaths"]

FILE = "deaths.json"
MAX_BYTES = 1 << 20

STRIKES = 3
"""Deaths at one place until it is left out, and elsewhere until the job is given up."""

MAX_SKIPS = 50
FIRST_SIZE = 256
MIN_SIZE = 16

HEEDED = ("skip", "careful", "size")
"""What an attempt does about the deaths before it."""


@dataclass
class Deaths:
    """What is known of a job's deaths.

    Parameters
    ----------
    refuse_damage : bool
        Refuse a place where the decoder dies (V107) instead of leaving it out.
    """

    refuse_damage: bool = False
    text: str = ""
    _at_piece: dict[tuple[str, int], int] = field(default_factory=dict)
    _rough: list[tuple[str, int]] = field(default_factory=list)
    _elsewhere: int = 0
    _skips: int = 0

    def next_job(
        self, job: Job, stage: str, place: Mapping[str, Any], cause: str, checkpointed: bool, peak: int
    ) -> Job:
        """Return the job of the next attempt after a death.

        Parameters
        ----------
        job : Job
            The job that died.
        stage, place
            Stage and data of the last progress event: camera, frame, and the piece in careful reading.
        cause : str
            How it died, in words.
        checkpointed : bool
            Whether it got to a newer checkpoint than it started from.
        peak : int
            Largest resident memory seen [byte].

        Returns
        -------
        Job
            The next attempt: half the chunk after a memory kill, careful reading, or with a range left out.

        Raises
        ------
        PoisonJob
            Q602, after three deaths without getting further.
        VideoError
            V107, if a place would have to be left out and that is refused.
        """
        reading = stage.startswith("reading") and "frame" in place
        camera, frame = str(place.get("camera", "")), int(place.get("frame", 0))
        where = f"frame {frame} of camera {camera!r}" if reading else f"stage {stage!r}"
        self.text = f"the worker ended ({cause}) at {where}; it starts again from the last checkpoint"
        if cause == "memory" or not reading:
            self._count_elsewhere(cause, where, checkpointed, peak)
            if cause == "memory":
                return job.again(size=max(MIN_SIZE, (job.size or FIRST_SIZE) // 2))
            return job.again()
        piece = place.get("piece")
        if piece is None:
            self._rough.append((camera, frame))
            self._count_elsewhere(cause, where, checkpointed, peak)
            return job.again(careful={**job.careful, camera: frame})
        return self._exact(job, camera, (int(piece[0]), int(piece[1])))

    def as_dict(self, job: Job) -> dict[str, Any]:
        """Return what is known, with what the next attempt does about it, as plain values."""
        return {
            "pieces": [[camera, start, n] for (camera, start), n in self._at_piece.items()],
            "rough": [list(item) for item in self._rough],
            "elsewhere": self._elsewhere,
            "skips": self._skips,
            **{name: getattr(job, name) for name in HEEDED},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], refuse_damage: bool = False) -> "Deaths":
        """Make the knowledge of plain values."""
        found = cls(refuse_damage)
        found._at_piece = {(str(name), int(start)): int(n) for name, start, n in values["pieces"]}
        found._rough = [(str(name), int(frame)) for name, frame in values["rough"]]
        found._elsewhere, found._skips = int(values["elsewhere"]), int(values["skips"])
        return found

    def _count_elsewhere(self, cause: str, where: str, checkpointed: bool, peak: int) -> None:
        """Count a death that cannot be put down to one place."""
        self._elsewhere = 1 if checkpointed else self._elsewhere + 1
        if self._elsewhere >= STRIKES:
            self._elsewhere = 0  # whoever tries it again, after looking at it, begins anew
            raise PoisonJob(
                "Q602",
                where,
                f"the worker ended {STRIKES} times without getting further",
                got=f"{cause}; largest memory {peak >> 20} MiB",
                hint="look at this place of the video; --memory and --cores change what the worker may take",
            )

    def _exact(self, job: Job, camera: str, piece: tuple[int, int]) -> Job:
        """Count a death in a known piece; leave the piece out after the third."""
        near = [item for item in self._rough if item[0] == camera and item[1] <= piece[1] <= item[1] + WINDOW]
        first = (camera, piece[0]) not in self._at_piece
        self._at_piece[camera, piece[0]] = (
            self._at_piece.get((camera, piece[0]), 1 if near and first else 0) + 1
        )
        if near and first:
            self._rough.remove(near[0])
        if self._at_piece[camera, piece[0]] < STRIKES:
            return job.again()
        self._skips += 1
        self._elsewhere = 0
        self.text = f"frames {piece[0]} to {piece[1] - 1} of camera {camera!r} are left out"
        if self.refuse_damage or self._skips > MAX_SKIPS:
            raise VideoError(
                "V107",
                f"camera {camera!r}",
                f"the decoder died {STRIKES} times at frames {piece[0]} to {piece[1] - 1}",
                hint='damage="mark" leaves these frames out',
            )
        skip = (*job.skip.get(camera, ()), piece)
        # Careful reading goes on behind the range: damage seldom comes alone.
        return job.again(skip={**job.skip, camera: skip}, careful={**job.careful, camera: piece[1]})


class DeathRecord:
    """The deaths of a job under one supervisor, and their file in the work folder of the pass.

    Parameters
    ----------
    job : Job
        The job.
    refuse_damage : bool
        Refuse a place where the decoder dies (V107) instead of leaving it out.
    """

    def __init__(self, job: Job, refuse_damage: bool = False) -> None:
        self.job = job
        self._refuse = refuse_damage
        self._deaths = Deaths(refuse_damage)
        self._folder: Path | None = None

    @property
    def text(self) -> str:
        """What follows the last death, in words."""
        return self._deaths.text

    def enter(self, folder: str) -> bool:
        """Note that a pass has begun; take over what earlier supervisors knew of it.

        Parameters
        ----------
        folder : str
            Its work folder.

        Returns
        -------
        bool
            Whether the child has to start again, because it does not heed what is known.
        """
        path = Path(folder)
        if path == self._folder:
            return False
        self._folder = path
        found = _read(path / FILE)
        if found is None:
            return False
        try:
            deaths, job = Deaths.from_dict(found, self._refuse), replace(self.job, **_heeded(found))
        except (KeyError, TypeError, ValueError, AttributeError):
            return False  # not a file of ours: a count that begins anew harms nothing
        is_other = job != self.job
        self.job, self._deaths = job, deaths
        return is_other

    def next_job(
        self, stage: str, place: Mapping[str, Any], cause: str, checkpointed: bool, peak: int
    ) -> Job:
        """Return the job of the next attempt; parameters and errors are those of `Deaths.next_job`."""
        try:
            self.job = self._deaths.next_job(self.job, stage, place, cause, checkpointed, peak)
        finally:
            self._write()
        return self.job

    def _write(self) -> None:
        """Keep what is known; without a pass, or where it has ended, there is nothing to keep it for."""
        if self._folder is None or not self._folder.is_dir():
            return
        text = json.dumps(self._deaths.as_dict(self.job))
        with contextlib.suppress(SpaceError, StoreError):  # a count that begins anew harms nothing
            Store(self._folder, token=self.job.token or None).write_text(FILE, text)


def _read(path: Path) -> Mapping[str, Any] | None:
    """Read a file of deaths; None if there is none that can be understood."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _heeded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a job that heed deaths."""
    size = values["size"]
    return {
        "skip": {str(name): _ranges(items) for name, items in values["skip"].items()},
        "careful": {str(name): int(frame) for name, frame in values["careful"].items()},
        "size": None if size is None else max(1, int(size)),
    }


def _ranges(items: Sequence[Sequence[Any]]) -> tuple[tuple[int, int], ...]:
    return tuple((int(start), int(stop)) for start, stop in items)
