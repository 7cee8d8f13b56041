"""The run of a plan: regions first, then one shared pass, then publication."""

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mystax.core.analysis import Reducer, Spool, Tiles
from mystax.core.events import Event, Report, silent
from mystax.core.geometry import Roi
from mystax.core.recording import FrameSource, Recording
from mystax.engine.careful import CarefulSource
from mystax.engine.finish import finish_outcome
from mystax.engine.joint import JointLine
from mystax.engine.passes import CameraPass
from mystax.engine.places import Place, Room
from mystax.engine.plan import PROPOSER, Plan, PlannedOutcome, Request, make_plan
from mystax.engine.recording_specs import opening_of
from mystax.engine.shared_pass import SLOW, Line, SharedPass
from mystax.engine.skipping import SkippingSource
from mystax.errors import VideoError

__all__ = ["RunOptions", "run_plan"]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is done; nothing here changes a result.

    Attributes
    ----------
    cores : int
        Threads of the tile pool.
    size : int, optional
        Frames per chunk.
    skip : mapping of str to tuple of ranges
        Frames per camera at which the decoder dies: they are left out.
    careful : mapping of str to int
        Camera to the frame from which reading goes in small pieces.
    attempt : int
        Number of this attempt, counted from 1.
    """

    cores: int = 1
    size: int | None = None
    skip: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    careful: Mapping[str, int] = field(default_factory=dict)
    attempt: int = 1


def run_plan(
    recording: Recording,
    request: Request,
    place: Place,
    options: RunOptions | None = None,
    report: Report = silent,
) -> Plan:
    """Make all wanted outcomes of a request.

    Parameters
    ----------
    recording : Recording
        The cameras.
    request : Request
        Recipe and regions.
    place : Place
        Where outcomes go.
    options : RunOptions, optional
        Threads, chunks.
    report : callable, optional
        Takes events; `Cancelled` raised by it stops the run at the next safe place.

    Returns
    -------
    Plan
        What was planned; its wanted outcomes exist now.

    Raises
    ------
    PlanError
        P4xx, if the request must change; nothing has been read then.
    Cancelled
        If `report` raised it.
    MystaxError
        Whatever a reader, a reducer or the store refuses.
    """
    from mystax.compute.tiles import TilePool

    options = options or RunOptions()
    with TilePool(options.cores) as tiles:
        run = _Run(recording, request, place, options, report, tiles)
        return run.run()


class _Run:
    """One run of one request."""

    def __init__(
        self,
        recording: Recording,
        request: Request,
        place: Place,
        options: RunOptions,
        report: Report,
        tiles: Tiles,
    ) -> None:
        self._recording, self._request, self._place = recording, request, place
        self._options, self._report, self._tiles = options, report, tiles
        self._start = time.monotonic()
        self._sources = {name: self._source(name, camera.video) for name, camera in recording.cameras.items()}

    def _source(self, name: str, source: FrameSource) -> FrameSource:
        """Put what is known of a dying decoder around a source."""
        if name in self._options.careful:
            source = CarefulSource(source, self._options.careful[name])
        if self._options.skip.get(name):
            source = SkippingSource(source, self._options.skip[name])
        return source

    def run(self) -> Plan:
        plan = make_plan(self._recording, self._request, current=self._place.current_key)
        made: tuple[PlannedOutcome, ...] = ()
        if plan.awaits_proposals:
            proposer = plan.outcome(PROPOSER)
            if proposer.state == "wanted":
                self._make(plan, [proposer])
                made = (proposer,)
            plan = make_plan(
                self._recording,
                self._request,
                current=self._place.current_key,
                proposals=self._place.proposals(),
            )
        wanted = [item for item in plan.wanted if item.key not in {done.key for done in made}]
        for note in plan.notes:
            self._report(Event("note", "plan", text=note))
        if wanted:
            self._make(plan, wanted)
        return plan

    def _make(self, plan: Plan, outcomes: Sequence[PlannedOutcome]) -> None:
        """Do one pass and publish what it made."""
        with self._place.room(plan, outcomes) as room:
            if room.folder:
                self._report(Event("work", "room", text=room.folder, data={"folder": room.folder}))
            lines = [line for item in room.outcomes for line in self._lines(item, room)]
            joint = self._joint(room.outcomes, room)
            used = {line.camera for line in lines} | (set(self._sources) if joint is not None else set())
            shared = SharedPass(
                {name: source for name, source in self._sources.items() if name in used},
                lines,
                joint,
                self._report,
                room.keeper,
                self._options.size,
            )
            shared.run()
            self._check_unchanged()
            shared.before_publication()
            for item in room.outcomes:
                finished = finish_outcome(item, shared, self._recording)
                self._place.publish(finished, self._run_facts(shared))
                made = Event(
                    "outcome",
                    item.name,
                    text=item.name,
                    data={
                        "analysis": item.name,
                        "coverage": finished.coverage,
                        "flags": [flag.as_dict() for flag in finished.flags],
                        "stall": SLOW,
                    },
                )
                # What is finished is published, whoever wants to stop now: it is a matter of seconds.
                shared.report_quietly(made)
            room.remove()

    def _lines(self, item: PlannedOutcome, room: Room) -> list[Line]:
        """Make the reducers of one outcome, one per camera."""
        lines = []
        for part in item.parts:
            reducer: Reducer = item.analysis.make(part.params)
            lent = self._lend(item.name, part.camera, part.rois, room)
            lines.append(Line(item.analysis, part.camera, reducer, lent))
        return lines

    def _lend(self, analysis: str, camera: str, rois: Sequence[Roi], room: Room) -> CameraPass:
        source = self._sources[camera]

        def spools(name: str, width: int, dtype: str, scratch: bool) -> Spool | None:
            full = f"{analysis}.{name}.{camera}" if len(self._sources) > 1 else f"{analysis}.{name}"
            return room.spool(full, width, dtype, scratch=scratch, n_rows=source.n_frames)

        return CameraPass(source, camera, rois, tiles=self._tiles, spools=spools)

    def _joint(self, outcomes: Sequence[PlannedOutcome], room: Room) -> JointLine | None:
        """Make the reducer over all cameras, if one is asked for."""
        if len(self._sources) < 2:
            return None
        for item in outcomes:
            make_joint = item.analysis.make_joint
            part = next((part for part in item.parts if getattr(part.params, "all_cameras", False)), None)
            if part is None or make_joint is None:
                continue
            from mystax.engine.timeline import timeline_of

            passes = {name: self._lend(f"{item.name}_joint", name, (), room) for name in self._sources}
            reference = self._recording.reference
            table = timeline_of(self._recording)
            return JointLine(item.analysis, make_joint(part.params, reference), passes, table, reference)
        return None

    def _check_unchanged(self) -> None:
        """Refuse the outcome of a file that changed while it was read."""
        from mystax.io.fingerprint import quick_id

        for name, camera in self._recording.cameras.items():
            before = camera.video.identity
            for number, file in enumerate(camera.files):
                after = quick_id(file) if Path(file).is_file() else "no file"
                if number < len(before) and after != before[number]:
                    raise VideoError(
                        "V130",
                        file,
                        f"the file of camera {name!r} changed while it was read",
                        expected=before[number],
                        got=after,
                        hint="run again when the recording is complete",
                    )

    def _run_facts(self, shared: SharedPass) -> dict[str, object]:
        """Return what differs between two equal runs."""
        return {
            "recording": self._recording.name,
            "host": platform.node(),
            "pid": os.getpid(),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "duration": time.monotonic() - self._start,
            "attempt": self._options.attempt,
            "resumed_at": shared.resumed_at,
            "n_decoded": shared.n_decoded,
            "files": [file for camera in self._recording.cameras.values() for file in camera.files],
            "camera_files": {name: list(camera.files) for name, camera in self._recording.cameras.items()},
            **({"opening": opening} if (opening := opening_of(self._recording)) else {}),
        }
