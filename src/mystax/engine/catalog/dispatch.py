"""Jobs of the catalogue as work for an executor, and what they made as rows of outcomes."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath

from sqlalchemy import select, update

from mystax.core.geometry import roi_from_dict
from mystax.engine.catalog.claims import Claim, Facts
from mystax.engine.catalog.database import Database
from mystax.engine.catalog.known import KnownRecording, known_recordings
from mystax.engine.catalog.outcomes import outcome_facts, record_outcome
from mystax.engine.catalog.queue import Queue
from mystax.engine.catalog.tables import job, recipe
from mystax.engine.jobs import DEFAULT_OPENER, Job
from mystax.engine.orders import LEASE
from mystax.engine.plan import Request
from mystax.engine.queue.executor import JobSpec
from mystax.engine.queue.rules import Ending
from mystax.engine.recipe import Recipe, recipe_from_values
from mystax.engine.recording_specs import changed
from mystax.errors import RecipeError, VideoError
from mystax.io.fingerprint import quick_id
from mystax.io.store import Store

__all__ = ["CatalogDispatch"]

MIB = 1 << 20


class CatalogDispatch:
    """What a driver asks of the catalogue beside its queue.

    Parameters
    ----------
    database : Database
        The catalogue.
    out : Path
        The folder of outcomes.
    memory : int
        Limit of a job whose recipe names none, for each of its cores [byte]; 0 for what the worker's host
        allows.
    lease : float, optional
        Time without a word from the driver after which a job stops by itself [s].
    environment : mapping, optional
        More variables for children.
    opener : str, optional
        What opens recordings in the child (tests have their own).
    report : bool, optional
        Whether jobs make reports.
    elsewhere : bool, optional
        Whether jobs run on hosts that may have the videos at other places: what this host does not reach is
        left to them.
    """

    def __init__(
        self,
        database: Database,
        out: Path,
        *,
        memory: int = 0,
        lease: float = LEASE,
        environment: Mapping[str, str] | None = None,
        opener: str = DEFAULT_OPENER,
        report: bool = True,
        elsewhere: bool = False,
    ) -> None:
        self._database, self._out, self._queue = database, out, Queue(database)
        self._memory, self._lease, self._environment = memory, lease, environment
        self._opener, self._report, self._elsewhere = opener, report, elsewhere

    def spec_of(self, claim: Claim, fenced: Sequence[str]) -> JobSpec:
        """Return a job as an executor takes it, after a look at its files and at the space.

        Raises
        ------
        CatalogError
            Q603, Q606.
        VideoError
            V130, V131, if a file changed or cannot be read.
        SpaceError
            S501, if there is not enough space.
        RecipeError
            P403, if the recording or the recipe is gone.
        """
        with self._database.read() as connection:
            wanted_ids = [] if claim.recording_id is None else [claim.recording_id]
            found = known_recordings(connection, wanted_ids)
            text = connection.scalar(select(recipe.c.text).where(recipe.c.id == claim.recipe_id))
        if not found or text is None:
            raise RecipeError("P403", claim.name, "its recording or recipe is not in the catalogue any more")
        if not (self._elsewhere and found[0].is_reachable()):
            check_unchanged(found[0])
        folder = self._folder(claim)
        Store(folder).need(int(claim.targets.get("disk", 0)))
        wanted = _recipe_of(str(text))
        rois = claim.targets.get("rois")
        request = Request(
            wanted,
            None if rois is None else tuple(roi_from_dict(entry, claim.name) for entry in rois),
            # What an attempt that was lost or has yielded made anew stays.
            force=bool(claim.targets.get("force")) and self._queue.is_first(claim),
        )
        child = Job.of_request(
            request,
            found[0].spec(),
            folder,
            cores=int(claim.resources.get("cores", 1)),
            attempt=claim.attempt,
            token=claim.token,
            fenced=tuple(fenced),
            gated=True,
            leash=self._lease,
            opener=self._opener,
            report=self._report,
        )
        limit = claim.resources.get("limit")
        return JobSpec(
            claim.token,
            claim.name,
            asdict(child),
            str(folder / ".mystax" / "log" / f"{claim.name}-{claim.attempt}.log"),
            cores=int(claim.resources.get("cores", 1)),
            gpus=int(claim.resources.get("gpus", 0)),
            memory=int(limit) * MIB if limit else self._memory * int(claim.resources.get("cores", 1)),
            priority=claim.priority,
            lease=self._lease,
            environment=self._environment,
        )

    def publish(self, claim: Claim, facts: Facts, *, is_adopted: bool) -> bool:
        """Write the rows of the outcomes of a job and let it be done, in one transaction.

        Returns
        -------
        bool
            False if the lease is lost.

        Raises
        ------
        CatalogError
            Q603, if the database is away.
        StoreError
            S502, if an outcome that should be there is damaged.
        """
        folder = self._folder(claim)
        rows = [outcome_facts(self._out, path) for path in _published(folder)]
        ending: Ending = "adopted" if is_adopted else "done"
        with self._queue.finishing(claim, ending, facts) as connection:
            if connection is not None:
                keys = []
                for facts_of in rows:
                    record_outcome(
                        connection,
                        facts_of,
                        recording_id=claim.recording_id,
                        recipe_id=claim.recipe_id,
                        job_id=claim.id,
                    )
                    names = ("analysis", "version", "key")
                    keys.append({**{name: facts_of.values[name] for name in names}, "path": facts_of.path})
                connection.execute(
                    update(job).where(job.c.id == claim.id).values(wanted=keys, done=claim.total)
                )
                return True
        return self._queue.has_ended(claim, ending)

    def discard(self, claim: Claim) -> None:
        """Remove the checkpoints of the outcomes of a job."""
        store = Store(self._folder(claim), token=claim.token)
        for keys in store.unfinished():
            with store.work(keys) as work:
                work.remove()

    def _folder(self, claim: Claim) -> Path:
        return self._out / PurePosixPath(str(claim.targets["folder"]))


def check_unchanged(known: KnownRecording) -> None:
    """Refuse a recording whose files are not those that the catalogue knows.

    Raises
    ------
    CatalogError
        Q606, if a root is not there on this host.
    VideoError
        V130, if a file has changed since it was ingested; V131, if it cannot be read.
    """
    paths = known.paths()
    for one in known.cameras:
        for file, path in zip(one["videos"], paths[one["name"]], strict=True):
            found = _quick_id_of(path)
            if found != file["quick_id"]:
                raise changed(str(path), one["name"], str(file["quick_id"]), found)


def _quick_id_of(path: Path) -> str:
    try:
        return quick_id(path)
    except OSError as error:
        raise VideoError(
            "V131", str(path), "the file cannot be read", got=error.strerror or str(error)
        ) from error


def _published(folder: Path) -> list[Path]:
    from mystax.io.outcomes import outcome_paths

    return outcome_paths(folder)


def _recipe_of(text: str) -> Recipe:
    return recipe_from_values(tomllib.loads(text), "recipe of the job")
