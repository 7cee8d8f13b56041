"""States as a job of the queue: folders of outcomes in, outcomes of states out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mystax.core.events import Event, Report
from mystax.core.safe_names import safe_name
from mystax.engine.folders import store_of_job
from mystax.engine.jobs import Job
from mystax.engine.states.run import run_states
from mystax.engine.states.store import keep_states
from mystax.errors import Cancelled

__all__ = ["fit_folders"]

SOLVER = 1800.0
"""Longest silence of a fit [s]."""


def fit_folders(job: Job, report: Report, gate: Callable[[str], None] | None) -> None:
    """Fit the states of recordings together, or put them under a model, and publish them in the folder.

    Parameters
    ----------
    job : Job
        Its arguments are ``inputs`` (folders of outcomes), ``names`` (of the recordings), ``parameters``,
        and perhaps ``model`` (an outcome whose model is applied).
    report : callable
        Takes events; `Cancelled` raised by it stops the fit.
    gate : callable, optional
        Called before each outcome takes its place.

    Raises
    ------
    MystaxError
        As `run_states` and `keep_states`; a recording without enough data among others is left out, and a
        warning says so.
    """

    def heard(event: Event) -> None:
        report(replace(event, data={"stall": SOLVER, **event.data}))

    asked = job.arguments
    folder = Path(job.folder)
    heard(Event("progress", "states", 0, 0, "reading outcomes"))
    for place in (folder, *(folder / safe_name(str(name)) for name in asked["names"])):
        if place.is_dir():
            store_of_job(job, place, gate).sweep()
    done = run_states(
        [Path(one) for one in asked["inputs"]],
        {**asked["parameters"], "cores": job.cores},
        names=asked["names"],
        model=asked.get("model"),
        progress=heard,
    )
    for error in done.failed:
        heard(Event("warning", "states", text=f"left out: {error}", data={"code": error.code}))
    if not done.fit.is_complete:
        raise Cancelled("states")  # a fit that was stopped is for people who wait, not for a queue
    keep_states(
        done,
        folder,
        progress=heard,
        store_of=lambda place: store_of_job(job, place, gate),
        together=folder,
    )
