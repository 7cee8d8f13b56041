"""Jobs of the catalogue as work for an executor, and what they made as rows of outcomes."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import select, update

from mystax.core.geometry import roi_from_dict
from mystax.engine.catalog.claims import Claim, Facts
from mystax.engine.catalog.database import Database
from mystax.engine.catalog.hashing import FullReport, note_sums
from mystax.engine.catalog.known import KnownRecording, known_recordings
from mystax.engine.catalog.models import record_fit, record_weights
from mystax.engine.catalog.outcomes import OutcomeFacts, outcome_facts, record_outcome
from mystax.engine.catalog.planning_fits import owner_of
from mystax.engine.catalog.queue import Queue
from mystax.engine.catalog.tables import job, recipe
from mystax.engine.encoding.recordings import SUMMARY
from mystax.engine.file_sums import FileSum
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
FITS = {
    "states": "mystax.engine.states.queued:fit_folders",
    "encoding": "mystax.engine.encoding.queued:encode_folder",
    SUMMARY: "mystax.engine.encoding.queued:summarise_folders",
}
"""Analyses of outcomes, and what does their work in a child."""


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
    cores : int
        Cores of a worker; 0 where nobody knows.
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
        cores: int = 0,
        lease: float = LEASE,
        environment: Mapping[str, str] | None = None,
        opener: str = DEFAULT_OPENER,
        report: bool = True,
        elsewhere: bool = False,
    ) -> None:
        self._database, self._out, self._queue = database, out, Queue(database)
        self._memory, self._cores, self._lease, self._environment = memory, cores, lease, environment
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
        if claim.kind != "pass":
            return self._job_spec(claim, self._task_of(claim, fenced))
        known = self._known(claim)
        with self._database.read() as connection:
            text = connection.scalar(select(recipe.c.text).where(recipe.c.id == claim.recipe_id))
        if text is None:
            raise RecipeError("P403", claim.name, "its recipe is not in the catalogue any more")
        if not (self._elsewhere and known.is_reachable()):
            check_unchanged(known)
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
            known.spec(),
            folder,
            opener=self._opener,
            report=self._report,
            **self._shared(claim, fenced),
        )
        return self._job_spec(claim, child)

    def _task_of(self, claim: Claim, fenced: Sequence[str]) -> Job:
        """Return the job of a child that is no pass over frames."""
        targets = claim.targets
        if claim.kind == "outcome":
            folders = [PurePosixPath(str(name), str(targets["recipe"])) for _, name in targets["members"]]
            task = FITS[str(targets["analysis"])]
            arguments: dict[str, Any] = {
                "inputs": [str(self._out / folder) for folder in folders],
                "names": [name for _, name in targets["members"]],
                "parameters": dict(targets["parameters"]),
            }
            if "model" in targets:
                arguments["model"] = str(self._out / PurePosixPath(targets["model"]))
            if "neural" in targets:
                root, below, _ = targets["neural"]
                arguments["neural"] = [self._known(claim).roots.rows_of([root]), root, below]
                arguments["reading"] = dict(targets["reading"])
        elif claim.kind == "hash":
            task = "mystax.engine.file_sums:sum_files"
            arguments = {
                "roots": self._known(claim).roots.rows_of(root for _, root, _ in targets["videos"]),
                "videos": targets["videos"],
                "outcomes": [
                    [row, str(self._out / PurePosixPath(path))] for row, path in targets["outcomes"]
                ],
            }
        else:
            task, arguments = "mystax.engine.training.queued:train_labels", dict(targets["asked"])
        folder = str(self._folder(claim))
        return Job({}, {}, folder, task=task, arguments=arguments, **self._shared(claim, fenced))

    def _known(self, claim: Claim) -> KnownRecording:
        """Return the recording of a job.

        Raises
        ------
        RecipeError
            P403, if it is gone.
        """
        with self._database.read() as connection:
            wanted_ids = [] if claim.recording_id is None else [claim.recording_id]
            found = known_recordings(connection, wanted_ids)
        if not found:
            raise RecipeError("P403", claim.name, "its recording is not in the catalogue any more")
        return found[0]

    def _shared(self, claim: Claim, fenced: Sequence[str]) -> dict[str, Any]:
        """Return what every job of a queue has."""
        return {
            "cores": self._cores_of(claim),
            "attempt": claim.attempt,
            "token": claim.token,
            "fenced": tuple(fenced),
            "gated": True,
            "leash": self._lease,
        }

    def _cores_of(self, claim: Claim) -> int:
        """Return what a job has of a worker: what it wants, or all there is."""
        wanted = int(claim.resources.get("cores", 1))
        return min(wanted, self._cores) if self._cores else wanted

    def _job_spec(self, claim: Claim, child: Job) -> JobSpec:
        """Return the attempt of a claim as an executor takes it."""
        limit = claim.resources.get("limit")
        log = self._folder(claim) / ".mystax" / "log" / f"{claim.name}-{claim.attempt}.log"
        return JobSpec(
            claim.token,
            claim.name,
            asdict(child),
            str(log),
            cores=self._cores_of(claim),
            gpus=int(claim.resources.get("gpus", 0)),
            memory=int(limit) * MIB if limit else self._memory * self._cores_of(claim),
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
        if claim.kind in ("hash", "train"):
            return self._finish_task(claim, facts)
        rows = self._rows_of(claim)
        ending: Ending = "adopted" if is_adopted else "done"
        with self._queue.finishing(claim, ending, facts) as connection:
            if connection is not None:
                keys = []
                for facts_of, recording_id in rows:
                    record_outcome(
                        connection,
                        facts_of,
                        recording_id=recording_id,
                        recipe_id=claim.recipe_id,
                        job_id=claim.id,
                    )
                    names = ("analysis", "version", "key")
                    keys.append({**{name: facts_of.values[name] for name in names}, "path": facts_of.path})
                if claim.targets.get("analysis") == "states" and "model" not in claim.targets and rows:
                    first = min(facts_of.path for facts_of, _ in rows)
                    record_fit(connection, self._out, str(claim.targets["folder"]), first)
                connection.execute(
                    update(job).where(job.c.id == claim.id).values(wanted=keys, done=claim.total)
                )
                return True
        return self._queue.has_ended(claim, ending)

    def _finish_task(self, claim: Claim, facts: Facts) -> bool:
        """Let a job be done that has made no outcome; what reading files gave is written down."""
        known = self._known(claim) if claim.kind == "hash" else None
        with self._queue.finishing(claim, "done", facts) as connection:
            if connection is not None:
                values: dict[str, Any] = {"done": claim.total}
                if "model" in facts.result:
                    record_weights(connection, self._out, facts.result["model"])
                if known is not None:
                    found = FullReport()
                    sums = {
                        kind: {int(row): FileSum(**one) for row, one in facts.result.get(kind, {}).items()}
                        for kind in ("videos", "outcomes")
                    }
                    videos = {
                        row: one for row, one in sums["videos"].items() if row in _as_planned(claim, known)
                    }
                    note_sums(connection, known, videos, sums["outcomes"], found)
                    values["reason"] = found.words
                connection.execute(update(job).where(job.c.id == claim.id).values(**values))
                return True
        return self._queue.has_ended(claim, "done")

    def _rows_of(self, claim: Claim) -> list[tuple[OutcomeFacts, int | None]]:
        """Read what a job has published, and say which recordings the outcomes belong to."""
        folder = self._folder(claim)
        if claim.kind != "outcome":
            return [(outcome_facts(self._out, path), claim.recording_id) for path in _published(folder)]
        analysis = str(claim.targets["analysis"])
        name = f"{analysis}.nc"
        if claim.recording_id is not None or analysis == SUMMARY:
            names = ("encoding.encoder.nc", name) if analysis == "encoding" else (name,)
            return [(outcome_facts(self._out, folder / one), claim.recording_id) for one in names]
        found = [outcome_facts(self._out, path) for path in (*folder.glob(name), *folder.glob(f"*/{name}"))]
        members = {str(one): int(number) for number, one in claim.targets["members"]}
        rows = [(facts, owner_of(str(facts.attributes.get("recording", "")), members)) for facts in found]
        return [row for row in rows if row[1] is not None]  # what has left the group stays as it was

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


def _as_planned(claim: Claim, known: KnownRecording) -> set[int]:
    """Return the videos that no ingestion has renewed since the job was planned."""
    now = {file["id"]: file["quick_id"] for one in known.cameras for file in one["videos"]}
    planned = zip(claim.targets["videos"], claim.targets["quick_ids"], strict=True)
    return {int(row) for (row, _, _), mark in planned if now.get(row) == mark}


def _published(folder: Path) -> list[Path]:
    from mystax.io.outcomes import outcome_paths

    return outcome_paths(folder)


def _recipe_of(text: str) -> Recipe:
    return recipe_from_values(tomllib.loads(text), "recipe of the job", with_fits=True).frames()
