"""The queue as methods of a catalogue: plan, add, work, look, change."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, and_, true

from mystax.core.events import Report, silent
from mystax.engine.catalog.claims import NewJob
from mystax.engine.catalog.database import Database
from mystax.engine.catalog.hashing import hash_jobs
from mystax.engine.catalog.places import Place
from mystax.engine.catalog.planning import Planned, add_jobs, plan_jobs
from mystax.engine.catalog.query import ids_where, select_jobs, select_recordings
from mystax.engine.catalog.queue import Queue
from mystax.engine.catalog.status import job_errors, job_list, job_log, queue_status
from mystax.engine.catalog.tables import job
from mystax.engine.catalog.work import work
from mystax.engine.queue.driver_state import Bounds, Tally
from mystax.engine.recipe import Recipe, recipe_from
from mystax.errors import RecipeError

__all__ = ["WithQueue", "job_number"]


def job_number(label: str | int) -> int:
    """Return the number of a job: ``j7`` or ``7``.

    Raises
    ------
    RecipeError
        P403, if it is none.
    """
    text = str(label).removeprefix("j")
    if not text.isdecimal():
        raise RecipeError("P403", f"job {label!r}", expected="a label such as j7", got=repr(label))
    return int(text)


def _condition(where: str | Sequence[str], *, needed: bool = False) -> ColumnElement[bool]:
    """Return a condition on `job`.

    Raises
    ------
    RecipeError
        P403, if it is not understood, or one is needed and none is given.
    """
    if needed and not where:
        raise RecipeError(
            "P403",
            "condition",
            "say which jobs are meant",
            hint="j7, or words such as state=failed error=V131",
        )
    return job.c.id.in_(select_jobs(where)) if where else true()


class WithQueue:
    """What a catalogue can do with jobs."""

    place: Place
    database: Database

    @property
    def queue(self) -> Queue:
        """The queue of the catalogue."""
        return Queue(self.database)

    def plan(
        self,
        recipe: str | Path | Recipe = "standard",
        where: str | Sequence[str] = "",
        *,
        include_bad: bool = False,
        force: bool = False,
    ) -> Planned:
        """Say what a recipe means for recordings; nothing is written.

        Parameters
        ----------
        recipe : str, Path or Recipe, optional
            A shipped name, a file, or a recipe.
        where : str or sequence of str, optional
            Condition on recordings; by default all.
        include_bad : bool, optional
            Plan recordings of quality `bad`, too.
        force : bool, optional
            Make outcomes again that are current.

        Returns
        -------
        Planned
            The jobs, and which recordings need none.

        Raises
        ------
        PlanError
            P401, P403, if recipe or condition cannot be used.
        CatalogError
            Q603.
        """
        wanted = recipe_from(recipe, with_fits=True)
        return plan_jobs(
            self.database, self.place.outcomes, wanted, where=where, include_bad=include_bad, force=force
        )

    def add(
        self,
        recipe: str | Path | Recipe = "standard",
        where: str | Sequence[str] = "",
        *,
        priority: int = 0,
        include_bad: bool = False,
        force: bool = False,
        planned: Planned | None = None,
    ) -> list[int]:
        """Queue a recipe for recordings; what is there or queued already adds nothing.

        Parameters
        ----------
        recipe, where, include_bad, force : optional
            As for `plan`.
        priority : int, optional
            Higher goes first.
        planned : Planned, optional
            What `plan` gave for the same request.

        Returns
        -------
        list of int
            Jobs that are new or queued again.

        Raises
        ------
        PlanError
            P401, P403, if recipe or condition cannot be used.
        CatalogError
            Q603, Q605.
        """
        wanted = recipe_from(recipe, with_fits=True)
        if planned is None:
            planned = self.plan(wanted, where, include_bad=include_bad, force=force)
        return add_jobs(self.queue, wanted, planned, priority=priority)

    def add_full_check(self, where: str | Sequence[str] = "", *, priority: int = 0) -> list[int]:
        """Queue the reading of every byte of videos and outcomes, a job for each recording.

        Parameters
        ----------
        where : str or sequence of str, optional
            Condition on recordings; by default all.
        priority : int, optional
            Higher goes first.

        Returns
        -------
        list of int
            Jobs that are new or queued again.  What they find stands in the catalogue: a video whose bytes
            changed has V130, an outcome that is damaged is no longer current.

        Raises
        ------
        RecipeError
            P403, if the condition is not understood.
        CatalogError
            Q603, Q605.
        """
        with self.database.read() as connection:
            rows = ids_where(connection, select_recordings(where))
        return self._put(hash_jobs(self.database, rows), priority)

    def add_training(
        self, labels: str | Path, options: Mapping[str, Any] | None = None, *, priority: int = 0
    ) -> list[int]:
        """Queue a training on labels.

        Parameters
        ----------
        labels : path
            As for `mystax.train`.
        options : mapping, optional
            Further arguments of `mystax.train`; by default the weights go to ``_models/<name>`` below the
            folder of outcomes.
        priority : int, optional
            Higher goes first.

        Returns
        -------
        list of int
            The job, if it is new or queued again.

        Raises
        ------
        RecipeError
            P403, if there are no such labels.
        ParameterError
            P401, if a value is outside its range.
        CatalogError
            Q603, Q605.
        """
        from mystax.engine.catalog.planning_training import training_job

        return self._put([training_job(self.place.outcomes, Path(labels), options or {})], priority)

    def _put(self, jobs: Sequence[NewJob], priority: int) -> list[int]:
        """Queue jobs that somebody asks for; what was done before is done again."""
        rows = [NewJob({**one.values, "priority": priority}) for one in jobs]
        added = self.queue.add(rows)
        for one in rows:
            same = and_(job.c.plan_key == one.values["plan_key"], job.c.id.not_in(added))
            again = {name: one.values[name] for name in ("targets", "resources", "total", "priority")}
            added += self.queue.redo(same, "asked for again", again) + self.queue.retry(same, again)
        return sorted(added)

    def work(
        self,
        engine: str = "local",
        where: str | Sequence[str] = "",
        *,
        options: Mapping[str, Any] | None = None,
        once: int | None = None,
        max_hours: float | None = None,
        stay: bool = False,
        make_reports: bool = True,
        on_event: Report = silent,
    ) -> Tally:
        """Run queued jobs until nothing is left; the parameters are those of `mystax queue work`.

        Parameters
        ----------
        engine : str, optional
            ``local``, the address of a Dask scheduler, ``slurm``, ``pbs``, ``sge``, ``lsf``, or a table
            ``[engine.NAME]`` of `mystax-catalog.toml`.
        where : str or sequence of str, optional
            Condition on jobs.
        options : mapping, optional
            Of the engine: ``cores``, ``memory`` [MiB], ``walltime`` [s], ``max_workers``, ...
        once : int, optional
            Jobs at most.
        max_hours : float, optional
            Time after which no further job is begun [h].
        stay : bool, optional
            Wait for more when nothing is left.
        make_reports : bool, optional
            Whether jobs make figures and `report.html`.
        on_event : callable, optional
            Takes events.

        Returns
        -------
        Tally
            What was done.

        Raises
        ------
        EngineError
            Q607, if the engine cannot be used.
        Cancelled
            If it was stopped; its jobs have yielded and are queued again.
        """
        condition = _condition(where) if where else None
        bounds = Bounds(condition, once, None if max_hours is None else 3600.0 * max_hours, stay)
        return work(
            self.place,
            self.queue,
            bounds,
            engine=engine,
            options=options,
            make_reports=make_reports,
            report=on_event,
        )

    def status(self, where: str | Sequence[str] = "") -> dict[str, Any]:
        """Return counts of jobs by state, what runs, and when it will be done."""
        return queue_status(self.database, _condition(where))

    def errors(self, where: str | Sequence[str] = "") -> list[dict[str, Any]]:
        """Return the errors of jobs, grouped by code, each with an example and a hint."""
        return job_errors(self.database, _condition(where))

    def jobs(self, where: str | Sequence[str] = "") -> list[dict[str, Any]]:
        """Return jobs for which a condition holds."""
        return job_list(self.database, _condition(where))

    def log(self, label: str | int, *, lines: int = 40) -> dict[str, Any]:
        """Return the attempts of a job (``j7``), and the end of its log."""
        return job_log(self.database, job_number(label), lines=lines)

    def retry(self, where: str | Sequence[str]) -> list[int]:
        """Queue failed and cancelled jobs again; they go on from their checkpoints."""
        return self.queue.retry(_condition(where, needed=True))

    def cancel(self, where: str | Sequence[str], *, discard: bool = False) -> tuple[list[int], list[int]]:
        """Cancel jobs.

        Parameters
        ----------
        where : str or sequence of str
            Which jobs.
        discard : bool, optional
            Remove their checkpoints, too.

        Returns
        -------
        tuple
            Jobs that are cancelled, and running jobs whose driver will stop them within 15 s.
        """
        return self.queue.cancel(_condition(where, needed=True), discard=discard)

    def set_priority(self, where: str | Sequence[str], priority: int) -> list[int]:
        """Change the priority of jobs that are not through."""
        return self.queue.set_priority(_condition(where, needed=True), priority)
