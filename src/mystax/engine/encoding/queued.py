"""Encodings as jobs of the queue: outcomes and a neural file in, what they explain out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mystax.core.events import Event, Report
from mystax.engine.folders import store_of_job
from mystax.engine.jobs import Job
from mystax.engine.roots import Roots

__all__ = ["encode_folder", "summarise_folders"]

FOLD = 1800.0
"""Longest silence of a fit [s]."""


def encode_folder(job: Job, report: Report, gate: Callable[[str], None] | None) -> None:
    """Fit and judge the encoding of one recording, and publish it beside what it was made from.

    Parameters
    ----------
    job : Job
        Its arguments are ``inputs`` (the folder of outcomes), ``neural`` (roots, root and path below it),
        ``reading`` (of `mystax.read_neural`) and ``parameters``.
    report : callable
        Takes events; `Cancelled` raised by it stops the work, which goes on from its last fold.
    gate : callable, optional
        Called before each outcome takes its place.

    Raises
    ------
    MystaxError
        As `mystax.read_neural` and `mystax.encoding`.
    CatalogError
        Q606, if the root of the neural file is not there on this host.
    """
    from mystax.engine.encoding.encoding import keep_encoding
    from mystax.engine.encoding.prepared import prepare_encoding
    from mystax.engine.report import make_report
    from mystax.io.neural.reading import read_neural

    heard = _patient(report)
    heard(Event("progress", "encoding", text="reading outcomes and neural data"))
    asked = job.arguments
    rows, root, below = asked["neural"]
    activity = read_neural(str(Roots.of_rows(rows).resolve(root, below)), **asked["reading"])
    parameters: dict[str, Any] = {**asked["parameters"], "cores": job.cores}
    prepared = prepare_encoding(asked["inputs"][0], activity, parameters)
    store = store_of_job(job, Path(job.folder), gate)
    store.sweep()
    keep_encoding(store, prepared, heard)
    make_report(store)


def summarise_folders(job: Job, report: Report, gate: Callable[[str], None] | None) -> None:
    """Put the encodings of several recordings together.

    Parameters
    ----------
    job : Job
        Its arguments are ``inputs`` (folders of outcomes) and ``names`` (of the recordings).
    report : callable
        Takes events.
    gate : callable, optional
        Called before the outcome takes its place.

    Raises
    ------
    MystaxError
        As `keep_summary`.
    """
    from mystax.engine.encoding.recordings import SUMMARY, keep_summary
    from mystax.io.outcomes import Outcomes

    heard = _patient(report)
    asked = job.arguments
    store = store_of_job(job, Path(job.folder), gate)
    store.sweep()
    found = {
        name: Outcomes.of_folder(Path(folder))["encoding"]
        for name, folder in zip(asked["names"], asked["inputs"], strict=True)
    }
    keep_summary(found, job.folder, store=store)
    heard(Event("outcome", SUMMARY, text=SUMMARY, data={"analysis": SUMMARY}))


def _patient(report: Report) -> Report:
    """Let work be silent for as long as a fit may take."""

    def heard(event: Event) -> None:
        report(replace(event, data={"stall": FOLD, **event.data}))

    return heard
