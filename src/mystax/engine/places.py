"""Where a run keeps what it makes: in memory, or in a folder of outcomes."""

import hashlib
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from mystax.core.analysis import Spool
from mystax.core.canonical import canonical_json, key12, roi_geometry
from mystax.core.geometry import Roi
from mystax.core.proposed import PROPOSED, rois_of_variables
from mystax.engine.finish import Finished
from mystax.engine.machine import scratch_folder
from mystax.engine.passes import MemorySpool
from mystax.engine.plan import Plan, PlannedOutcome, Proposals
from mystax.engine.scratch import Scratch
from mystax.engine.shared_pass import Keeper
from mystax.errors import StoreError

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.io.store import Store
    from mystax.io.work import Work
else:
    Dataset = Store = Work = Any

__all__ = ["FolderPlace", "MemoryPlace", "Place", "Room", "attributes_of"]

INTERVAL = 60.0
"""Time between two checkpoints [s]."""

HEAVY = 256 << 20
"""State [byte] above which checkpoints may be rarer, so that they cost at most 2 %."""

COST = 0.02

HEARTBEAT = 10.0
"""Time between two heartbeats of the lock [s]."""


@runtime_checkable
class Room(Protocol):
    """What one pass is lent: its outcomes, row files and a keeper of checkpoints."""

    @property
    def outcomes(self) -> Sequence[PlannedOutcome]:
        """The outcomes that the pass makes: the wanted ones, and those that its checkpoint holds besides."""
        ...

    @property
    def keeper(self) -> Keeper | None:
        """Keeps checkpoints, if they are kept."""
        ...

    @property
    def folder(self) -> str:
        """Where it is; "" in memory."""
        ...

    def spool(self, name: str, width: int, dtype: str, *, scratch: bool, n_rows: int) -> Spool | None:
        """Give a row file; None where there is no room for a scratch file."""
        ...

    def remove(self) -> None:
        """Let go of everything: the outcomes are published."""
        ...


@runtime_checkable
class Place(Protocol):
    """Where outcomes go."""

    def current_key(self, analysis: str) -> str:
        """Return the key of the outcome that is there, "" if there is none."""
        ...

    def proposals(self) -> Proposals:
        """Return the regions of the outcome `rois` that is there."""
        ...

    def room(self, plan: Plan, outcomes: Sequence[PlannedOutcome]) -> Any:
        """Give a context with the `Room` of a pass."""
        ...

    def publish(self, finished: Finished, run: Mapping[str, object]) -> None:
        """Take a finished outcome."""
        ...


def _provenance(finished: Finished, run: Mapping[str, object]) -> Any:
    from mystax.io.provenance import Provenance

    outcome = finished.outcome
    return Provenance(
        outcome.name,
        outcome.analysis.version,
        outcome.key,
        outcome.parameters,
        outcome.inputs,
        finished.coverage,
        finished.flags,
        run=run,
    )


def attributes_of(finished: Finished, run: Mapping[str, object]) -> dict[str, object]:
    """Return the global attributes of an outcome, as they stand in its file."""
    attributes: dict[str, object] = _provenance(finished, run).attributes()
    return attributes


class MemoryRoom:
    """Room of a pass in memory."""

    keeper: Keeper | None = None
    folder = ""

    def __init__(self, outcomes: Sequence[PlannedOutcome]) -> None:
        self.outcomes = outcomes

    def spool(self, name: str, width: int, dtype: str, *, scratch: bool, n_rows: int) -> Spool | None:  # noqa: ARG002 - memory needs neither name nor length
        """Give rows in memory."""
        return MemorySpool(width, dtype)

    def remove(self) -> None:
        """Nothing to let go of."""


class MemoryPlace:
    """Outcomes in memory, for notebooks."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Dataset] = {}
        self._rois: dict[str, Dataset] = {}

    def current_key(self, analysis: str) -> str:  # noqa: ARG002 - nothing is ever there
        """Return "": nothing is there."""
        return ""

    def proposals(self) -> Proposals:
        """Return the regions that were just proposed."""
        rois = _proposed(self._rois)
        text = canonical_json([roi_geometry(roi) for roi in rois])
        return Proposals(rois, hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest())

    @contextmanager
    def room(self, plan: Plan, outcomes: Sequence[PlannedOutcome]) -> Iterator[Room]:  # noqa: ARG002 - as in a folder
        """Give room in memory."""
        yield MemoryRoom(outcomes)

    def publish(self, finished: Finished, run: Mapping[str, object]) -> None:
        """Keep an outcome, its provenance in its attributes."""
        attributes = attributes_of(finished, run)
        name = finished.outcome.name
        if name == "rois":
            self._rois = dict(finished.datasets)
        for camera, dataset in finished.datasets.items():
            more = {"camera": camera} if camera else {}
            part = camera or ("all_cameras" if len(finished.datasets) > 1 else "")
            self.outcomes[f"{name}/{part}" if part else name] = dataset.assign_attrs(
                {**dataset.attrs, **attributes, **more}
            )


def _proposed(datasets: Mapping[str, Dataset]) -> tuple[Roi, ...]:
    from mystax.compute.proposals import proposed_rois

    return proposed_rois(*datasets.values())


class FolderRoom:
    """Room of a pass in the work folder of a store."""

    def __init__(
        self, work: Work, outcomes: Sequence[PlannedOutcome], scratch: Scratch, now: Callable[[], float]
    ) -> None:
        self.outcomes, self.folder = outcomes, str(work.folder)
        self._work, self._scratch = work, scratch
        self.keeper: Keeper | None = FolderKeeper(work, scratch, now)

    def spool(self, name: str, width: int, dtype: str, *, scratch: bool, n_rows: int) -> Spool | None:
        """Give a row file of the work folder, or a scratch file."""
        if scratch:
            return self._scratch.spool(name, width, dtype, n_rows)
        spool: Spool = self._work.spool(name, width, dtype)
        return spool

    def remove(self) -> None:
        """Remove spools and checkpoints."""
        self._scratch.remove_all()
        self._work.remove()


class FolderKeeper:
    """Keeps checkpoints in the work folder, every 60 s; rarer if a heavy state would cost more than 2 %."""

    def __init__(self, work: Work, scratch: Scratch, now: Callable[[], float]) -> None:
        self._work, self._scratch, self._now = work, scratch, now
        self._last, self._interval = now(), INTERVAL

    def load(self) -> Mapping[str, np.ndarray] | None:
        """Return the arrays of the last checkpoint whose spools are all there."""
        checkpoint = self._work.restore()
        if checkpoint is None:
            return None
        if not self._scratch.restore(checkpoint.arrays):
            for path in self._work.folder.glob("checkpoint-*.npz"):
                path.unlink(missing_ok=True)
            self._work.restore()
            return None
        arrays: Mapping[str, np.ndarray] = checkpoint.arrays
        return arrays

    def due(self) -> bool:
        """Tell whether it is time for another checkpoint."""
        return self._now() - self._last >= self._interval

    def save(self, arrays: Mapping[str, np.ndarray], frame: int) -> None:
        """Write a checkpoint."""
        start = self._now()
        self._work.save({**arrays, **self._scratch.state()}, frame)
        self._last = self._now()
        size = sum(array.nbytes for array in arrays.values())
        self._interval = max(INTERVAL, (self._last - start) / COST) if size > HEAVY else INTERVAL


class FolderPlace:
    """Outcomes in a folder.

    Parameters
    ----------
    store : Store
        The folder.
    scratch : str, optional
        ``"auto"``, ``"none"`` or a folder: where large row files go.
    now : callable, optional
        Monotonic time [s].
    """

    def __init__(
        self, store: Store, *, scratch: str = "auto", now: Callable[[], float] = time.monotonic
    ) -> None:
        self.store = store
        self._scratch, self._now = scratch, now

    def current_key(self, analysis: str) -> str:
        """Return the key of the outcome that is there, "" if there is none."""
        return self.store.current_key(analysis) or ""

    def proposals(self) -> Proposals:
        """Return the regions of the published outcome `rois`, and its content."""
        from mystax.io.outcome_reading import read_values

        content, cameras = read_values(self.store.path("rois"), PROPOSED)
        return Proposals(rois_of_variables(cameras), content)

    @contextmanager
    def room(self, plan: Plan, outcomes: Sequence[PlannedOutcome]) -> Iterator[Room]:
        """Give a work folder: that of an unfinished pass that makes these and more, if there is one."""
        chosen = self._unfinished(plan, outcomes) or list(outcomes)
        keys = [item.key for item in chosen]
        with self.store.work(keys, heartbeat=HEARTBEAT) as work:
            scratch = self._scratch_of(work.folder)
            try:
                yield FolderRoom(work, chosen, scratch, self._now)
            except StoreError:
                work.lease.check()  # files are missing because another process took the work over: say so
                raise
            finally:
                scratch.close()

    def _unfinished(self, plan: Plan, outcomes: Sequence[PlannedOutcome]) -> list[PlannedOutcome] | None:
        """Find an unfinished pass whose outcomes hold the wanted ones and more: the one that makes most.

        A run that was killed while it published has some outcomes already; its checkpoint holds all.
        """
        wanted = {item.key for item in outcomes}
        usable = wanted | {item.key for item in plan.applicable if item.name != "rois"}
        held = max(
            (keys for keys in self.store.unfinished() if wanted < keys <= usable), key=len, default=None
        )
        return None if held is None else [item for item in plan.applicable if item.key in held]

    def clear_finished(self, plan: Plan) -> None:
        """Remove what passes left behind that were stopped or killed, where all their outcomes are there."""
        for work in self.store.finished(item.key for item in plan.applicable):
            self._scratch_of(work.folder).remove_all()
            work.remove()

    def _scratch_of(self, work: Path) -> Scratch:
        return Scratch(scratch_folder(self._scratch, work), _scratch_mark(work))

    def publish(self, finished: Finished, run: Mapping[str, object]) -> None:
        """Publish an outcome."""
        self.store.publish(finished.datasets, _provenance(finished, run))


def _scratch_mark(work: Path) -> str:
    """Return the start of the names of the scratch files of a pass: that of its folder, and where it lies.

    Equal passes into two folders share their key and the disk for scratch files, but no file.
    """
    place = f"{platform.node()}\0{work.resolve()}".encode("utf-8", "surrogateescape")
    return f"{work.name}-{key12(hashlib.sha256(place).hexdigest())}"
