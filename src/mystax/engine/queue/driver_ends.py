"""The ends of jobs: published, given back, cancelled or lost, as the rules of the queue say."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mystax.core.events import Event, Report
from mystax.engine.queue.driver_state import Dispatch, Mine, Tally
from mystax.engine.queue.rules import Verdict, after_death, after_error, after_yield
from mystax.errors import CatalogError, ErrorRecord, LeaseLost, MystaxError, VideoError

if TYPE_CHECKING:
    from mystax.engine.catalog.claims import Claim, Facts
    from mystax.engine.catalog.queue import Queue
else:
    Claim = Facts = Queue = Any

__all__ = ["Ends", "record_of"]


class Ends:
    """Settles what jobs of a driver have come to.

    Parameters
    ----------
    queue : Queue
        The queue of the catalogue.
    dispatch : Dispatch
        Writes the rows of outcomes.
    report : callable
        Takes events.
    tally : Tally
        Counts the ends.
    """

    def __init__(self, queue: Queue, dispatch: Dispatch, report: Report, tally: Tally) -> None:
        self._queue, self._dispatch, self._report, self._tally = queue, dispatch, report, tally

    def settle(self, mine: Mine) -> None:
        """Write the end of a job into the database, and what follows from it.

        Raises
        ------
        CatalogError
            Q603, while the database is away.
        """
        end = mine.end or {}
        ending, claim = end.get("ending"), mine.claim
        if mine.wish == "lost":
            self._lost(mine)
        elif ending == "done" and mine.n_started <= 1:
            self._publish(mine)
        elif ending == "stopped" and mine.wish.startswith("cancel"):
            self._cancel(mine, mine.wish)
        elif ending == "failed":
            error = ErrorRecord(**_fields_of(end["error"]))
            self.give_back(mine, after_error(error, claim.strikes, claim.retries))
        elif ending == "lost" or mine.n_started > 1:
            cause = str(end.get("cause") or "the scheduler started the job twice")
            verdict = after_death(
                cause, claim.name, claim.strikes, claim.retries, has_advanced=mine.has_advanced
            )
            self.give_back(mine, verdict, cause)
        else:
            why = str(mine.wish or end.get("why", ""))
            reason = {"no_time": "its worker was about to end", "deadline": "its worker was about to end"}
            self.give_back(
                mine, after_yield(reason.get(why, f"stopped: {why}"), claim.strikes, claim.retries)
            )

    def _publish(self, mine: Mine) -> None:
        """Let a job be done; outcomes that cannot be read make it fail."""
        claim = mine.claim
        try:
            is_adopted = mine.n_made == 0
            held = self._dispatch.publish(claim, self._facts(mine), is_adopted=is_adopted)
        except CatalogError:
            raise
        except (MystaxError, OSError) as error:
            record = record_of(error, claim)
            self.give_back(mine, after_error(record, claim.strikes, claim.retries))
            return
        self._count(mine, held, "adopted" if is_adopted else "done")

    def give_back(self, mine: Mine, verdict: Verdict, why: str = "") -> None:
        """Queue a job again, or let it fail, as the rules say.

        Raises
        ------
        CatalogError
            Q603, while the database is away.
        """
        if verdict.state == "queued":
            # who wants a job to be cancelled does not want it to be tried again, whatever it ended of
            how = mine.wish if mine.wish.startswith("cancel") else self._wish_of(mine)
            if how:
                self._cancel(mine, how)
                return
        error = verdict.error.as_dict() if verdict.error is not None else {}
        held = self._queue.give_back(mine.claim, verdict, self._facts(mine, error, why))
        what = verdict.ending if verdict.state == "queued" and verdict.ending != "failed" else ""
        self._count(mine, held, what or ("again" if verdict.state == "queued" else "failed"))
        if verdict.state == "failed" and held and verdict.error is not None:
            self._tally.errors.append(verdict.error)

    def _wish_of(self, mine: Mine) -> str:
        """Return how somebody wants a job to be cancelled that its driver has not heard of; empty for not."""
        token = mine.claim.token
        return self._queue.cancel_requests([token]).get(token, "")

    def _cancel(self, mine: Mine, how: str) -> None:
        """Let a job be cancelled, without its checkpoints if that is wanted."""
        if how != "cancel":
            self._dispatch.discard(mine.claim)
        held = self._queue.cancelled(mine.claim, self._facts(mine))
        self._count(mine, held, "cancelled")

    def _count(self, mine: Mine, held: bool, what: str) -> None:
        if not held:
            self._lost(mine)
            return
        setattr(self._tally, what, getattr(self._tally, what) + 1)
        if what == "lost":
            text = f"{mine.claim.name}: its worker was lost; the job is queued again"
        else:
            text = f"{mine.claim.name}: {what if what != 'again' else 'to be tried again'}"
        self._report(Event("job", what, text=text, data={"job": mine.claim.name, "id": mine.claim.id}))

    def _lost(self, mine: Mine) -> None:
        """Note that another driver has the job: nothing of ours counts any more."""
        error = LeaseLost(
            "Q601",
            mine.claim.name,
            "the lease of the job is lost",
            got="another driver has it, or somebody changed its state",
            hint="nothing is to be done: what this driver made of it is discarded",
        )
        self._tally.lost += 1
        self._report(
            Event("warning", "lease", text=str(error), data={"code": "Q601", "job": mine.claim.name})
        )

    def _facts(self, mine: Mine, error: Mapping[str, str] | None = None, why: str = "") -> Facts:
        from mystax.engine.catalog.claims import Facts as Found

        peak = (mine.end or {}).get("peak")
        return Found(
            mine.worker,
            mine.host,
            why,
            int(peak) if peak else None,
            mine.frame_from,
            mine.frame_to,
            mine.log,
            error or {},
            mine.result,
        )


def record_of(error: MystaxError | OSError, claim: Claim) -> ErrorRecord:
    """Return the fields of an error; a disk that fails is one that may pass."""
    if isinstance(error, MystaxError):
        return error.record()
    where = str(error.filename or claim.name)
    got = error.strerror or str(error)
    return VideoError("V131", where, "the disk cannot be read", got=got, hint="see the disk").record()


def _fields_of(error: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of an error record from its JSON object."""
    names = ("code", "where", "what", "expected", "got", "hint", "retry")
    return {"kind": str(error.get("class", "")), **{name: str(error.get(name, "")) for name in names}}
