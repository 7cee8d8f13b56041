"""Where and how often the child of a run died, and what the next attempt does about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mystax.engine.careful import WINDOW
from mystax.engine.jobs import Job
from mystax.errors import PoisonJob, VideoError

__all__ = ["Deaths"]

STRIKES = 3
"""Deaths at one place until it is left out, and elsewhere until the job is given up."""

MAX_SKIPS = 50
FIRST_SIZE = 256
MIN_SIZE = 16


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

    def _count_elsewhere(self, cause: str, where: str, checkpointed: bool, peak: int) -> None:
        """Count a death that cannot be put down to one place."""
        self._elsewhere = 1 if checkpointed else self._elsewhere + 1
        if self._elsewhere >= STRIKES:
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
