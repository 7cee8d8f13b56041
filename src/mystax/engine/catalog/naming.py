"""From matched names to recordings: who was filmed when, by which cameras, in which files.  Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from mystax.core.safe_names import safe_name
from mystax.engine.catalog.pattern import Pattern, compile_pattern
from mystax.errors import RecipeError, nearest
from mystax.io.names import DEFAULT_CAMERA, group_files, order_in_name

__all__ = ["NAMED", "Conflict", "FoundRecording", "Identity", "Matched", "Naming", "group_names", "naming_of"]

NAMED: Mapping[str, str] = {
    "neuroblueprint": "rawdata/sub-{subject}*/ses-{session}*/behav/**/*.{video}",
    "alf": "(**/)?{subject:any}/{date}/{session:int}/raw_video_data/_iblrig_{camera}Camera.raw*.{video}",
    "folders": "**/*.{video}",
    "files": "**/*.{video}",
}
PAIR = re.compile(r"([A-Za-z][A-Za-z0-9]*)-(.*)", re.DOTALL)
CAMERA_KEYS = ("cam", "camera", "view", "monitor")
IDENTITY_KEYS = ("sub", "ses", "run")
ORDER_KEYS = ("part", "chunk")


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one recording from another."""

    project: str = ""
    subject: str = ""
    session: str = ""
    run: str = ""

    @property
    def text(self) -> str:
        """The identity in words."""
        words = [self.project, self.subject, self.session, self.run and f"run {self.run}"]
        return " / ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class Matched:
    """One file whose name a pattern understands.

    Attributes
    ----------
    path : str
        Below the folder, with ``/``.
    identity : Identity
        Its recording.
    folder : str
        Folder of the recording below that of the outcomes.
    camera : str
        Its camera.
    part : str
        Its place among consecutive files, as its name says; "" if it says none.
    start : float or None
        Start of the recording [s since 1970, UTC].
    meta : mapping
        Further words of the names.
    """

    path: str
    identity: Identity
    folder: str
    camera: str
    part: str = ""
    start: float | None = None
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Files that cannot be one recording, and why (P403); nothing of them is written."""

    identity: Identity
    paths: tuple[str, ...]
    error: RecipeError


@dataclass(frozen=True, slots=True)
class FoundRecording:
    """One recording as its files say it is.

    Attributes
    ----------
    identity : Identity
        Who and when.
    folder : str
        Folder below that of the outcomes.
    cameras : mapping of str to tuple of str
        Camera to files in order, below the folder that was searched.
    start : float or None
        Start [s since 1970, UTC].
    meta : mapping
        Further words of the names.
    """

    identity: Identity
    folder: str
    cameras: Mapping[str, tuple[str, ...]]
    start: float | None = None
    meta: Mapping[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[str, ...]:
        """All files."""
        return tuple(path for paths in self.cameras.values() for path in paths)


@dataclass(frozen=True, slots=True)
class Naming:
    """A pattern and how its fields are read.

    Attributes
    ----------
    name : str
        Name of a shipped pattern; "" for one of the user.
    pattern : Pattern
        The pattern.
    """

    name: str
    pattern: Pattern

    def match(self, path: str, project: str) -> Matched | None:
        """Read the name of one file; None if the pattern does not match."""
        fields = self.pattern.match(path)
        if fields is None:
            return None
        if self.name == "neuroblueprint":
            return _neuroblueprint(path, fields, project)
        if self.name in ("folders", "files"):
            return _by_place(path, project, is_file=self.name == "files")
        return _by_fields(path, fields, project)


def naming_of(text: str) -> Naming:
    """Return a naming by its name, or compile a pattern of the user.

    Raises
    ------
    RecipeError
        P403, if there is no such name, or the pattern cannot be used.
    """
    if text in NAMED:
        return Naming(text, compile_pattern(NAMED[text]))
    if not any(sign in text for sign in "{}*/"):
        raise RecipeError("P403", f"pattern {text!r}", f"there is none of this name{nearest(text, NAMED)}")
    pattern = compile_pattern(text)
    if not {"subject", "session", "date", "run"} & set(pattern.names):
        raise RecipeError(
            "P403",
            f"pattern {text!r}",
            "nothing in it tells one recording from another",
            expected="at least one of {subject}, {session}, {date}, {run}",
            hint="the patterns 'folders' and 'files' take each folder, or each file, as a recording",
        )
    return Naming("", pattern)


def _pairs(name: str) -> list[tuple[str, str]]:
    """Split a name into its key-value pairs; words without a key have the key ""."""
    found = []
    for word in name.split("_"):
        pair = PAIR.fullmatch(word)
        found.append((pair[1], pair[2]) if pair else ("", word))
    return found


def _neuroblueprint(path: str, fields: Mapping[str, str], project: str) -> Matched:
    """Read camera and run from the pairs of a file name, and more words from those of its folders."""
    parts = PurePosixPath(path).parts
    stem = _pairs(PurePosixPath(path).stem)
    camera = "_".join(value for key, value in stem if key in CAMERA_KEYS and value)
    run = next((value for key, value in stem if key == "run"), "")
    part = next((value for key, value in stem if key in ORDER_KEYS), "")
    if not camera:
        known = (*IDENTITY_KEYS, *ORDER_KEYS, "date", "time", "datetime")
        rest = [f"{key}-{value}" if key else value for key, value in stem if key not in known]
        camera = "_".join(word for word in rest if word) or DEFAULT_CAMERA
    meta = {
        key: value
        for folder in parts[1:3]
        for key, value in _pairs(folder)
        if key and key not in IDENTITY_KEYS
    }
    identity = Identity(project, fields["subject"], fields["session"], run)
    folder = [f"sub-{identity.subject}", f"ses-{identity.session}", *([f"run-{run}"] if run else [])]
    start = _start(_date_in(meta), _time_in(meta))
    return Matched(path, identity, _folder(folder), camera, part, start, meta)


def _by_place(path: str, project: str, *, is_file: bool) -> Matched:
    """Take each folder, or each file, as a recording of its own."""
    place = PurePosixPath(path)
    name = place.with_suffix("") if is_file else place.parent
    words = [word for word in name.parts if word != "."] or [project or "recording"]
    identity = Identity(project, "", "/".join(words))
    return Matched(path, identity, _folder(words), DEFAULT_CAMERA if is_file else "")


def _by_fields(path: str, fields: Mapping[str, str], project: str) -> Matched:
    """Read a recording from the fields of a pattern."""
    day, clock = fields.get("date", ""), fields.get("time", "")
    own = fields.get("session", "")
    session = "_".join(word for word in (day, own or clock.replace(":", "-")) if word)
    identity = Identity(
        fields.get("project", project), fields.get("subject", ""), session, fields.get("run", "")
    )
    words = [identity.subject, identity.session, identity.run and f"run-{identity.run}"]
    meta = {name.removeprefix("meta."): value for name, value in fields.items() if name.startswith("meta.")}
    part = fields.get("part", "")
    camera = fields.get("camera", DEFAULT_CAMERA)
    folder = _folder([word for word in words if word])
    return Matched(path, identity, folder, camera, part, _start(day, clock), meta)


def _folder(words: Iterable[str]) -> str:
    return "/".join(safe_name(word) for word in words)


def _start(day: str, clock: str) -> float | None:
    """Return the start that date and time say; without a zone they are taken as UTC."""
    if not day:
        return None
    return datetime.fromisoformat(f"{day}T{clock or '00:00:00'}").replace(tzinfo=UTC).timestamp()


def _date_in(meta: Mapping[str, str]) -> str:
    found = _matched("{date}", meta.get("date", meta.get("datetime", "")[:8]))
    return found.get("date", "")


def _time_in(meta: Mapping[str, str]) -> str:
    found = _matched("{time}", meta.get("time", meta.get("datetime", "")[9:15]))
    return found.get("time", "")


def _matched(pattern: str, text: str) -> Mapping[str, str]:
    return (compile_pattern(pattern).match(text) if text else None) or {}


def group_names(matched: Sequence[Matched]) -> tuple[list[FoundRecording], list[Conflict]]:
    """Put files together into recordings, and the files of each camera in order.

    Parameters
    ----------
    matched : sequence of Matched
        The files.

    Returns
    -------
    tuple
        The recordings, and what cannot be one (P403, naming files and both readings).
    """
    groups: dict[Identity, list[Matched]] = {}
    for one in matched:
        groups.setdefault(one.identity, []).append(one)
    found: list[FoundRecording] = []
    conflicts: list[Conflict] = []
    taken: dict[str, FoundRecording] = {}
    for identity, group in groups.items():
        try:
            recording = _recording(identity, group)
            other = taken.setdefault(recording.folder, recording)
            if other is not recording:
                raise _two_recordings(other, recording)
            found.append(recording)
        except RecipeError as error:
            conflicts.append(Conflict(identity, tuple(one.path for one in group), error))
    return found, conflicts


def _two_recordings(other: FoundRecording, recording: FoundRecording) -> RecipeError:
    return RecipeError(
        "P403",
        recording.identity.text,
        "two recordings would have one folder of outcomes",
        expected="names that differ",
        got=f"reading 1: {other.paths[0]} is {other.identity.text};"
        f" reading 2: {recording.paths[0]} is {recording.identity.text}",
        hint="name subject, session or run in the pattern",
    )


def _recording(identity: Identity, group: Sequence[Matched]) -> FoundRecording:
    """Make one recording of its files."""
    if all(not one.camera for one in group):
        cameras = _cameras_of_folder(identity, [one.path for one in group])
    else:
        by_camera: dict[str, list[Matched]] = {}
        for one in sorted(group, key=lambda one: one.path):
            by_camera.setdefault(one.camera or DEFAULT_CAMERA, []).append(one)
        cameras = {camera: _in_order(identity, camera, files) for camera, files in by_camera.items()}
    for camera in cameras:
        if any(sign in camera for sign in "/\\\0=:\n") or camera != camera.strip():
            raise RecipeError(
                "P404", f"camera {camera!r}", expected="a name without / \\ : = and line breaks"
            )
    meta: dict[str, str] = {}
    for one in group:
        meta |= one.meta
    starts = [one.start for one in group if one.start is not None]
    return FoundRecording(identity, group[0].folder, cameras, min(starts, default=None), meta)


def _cameras_of_folder(identity: Identity, paths: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Take each file of a folder as a camera; words of order make consecutive files of them."""
    files = sorted(PurePosixPath(path) for path in paths)
    bare = {re.sub(r"[0-9]+", "#", file.stem) for file in files}
    words = any(order_in_name(Path(file)) is not None for file in files)
    if len(files) > 1 and not words and len(bare) == len(files):
        return {file.stem: (str(file),) for file in files}
    try:
        grouped = group_files([Path(file) for file in files])
    except RecipeError as error:
        error.where = identity.text
        raise
    return {camera: tuple(path.as_posix() for path in found) for camera, found in grouped.items()}


def _in_order(identity: Identity, camera: str, files: Sequence[Matched]) -> tuple[str, ...]:
    """Put the files of one camera in order: by the field `part`, else by words of their names."""
    if len(files) == 1:
        return (files[0].path,)
    by_order: dict[tuple[int, str], str] = {}
    for one in files:
        order = _order(one)
        other = by_order.get(order) if order is not None else next(f.path for f in files if f is not one)
        if order is None or other is not None:
            raise RecipeError(
                "P403",
                identity.text,
                f"camera {camera!r} is given twice without an order",
                expected="a part in every name (part-1, part-2), or names of cameras",
                got="reading 1: {} and {} are two cameras; reading 2: they are consecutive".format(
                    *sorted([str(other), one.path])
                ),
                hint="rename them, or give a pattern with {camera} or {part}",
            )
        by_order[order] = one.path
    return tuple(by_order[order] for order in sorted(by_order))


def _order(one: Matched) -> tuple[int, str] | None:
    """Return the place of a file among those of its camera; None if its name says none."""
    if one.part:
        return (int(one.part), "") if one.part.isdecimal() else (0, one.part)
    number = order_in_name(Path(PurePosixPath(one.path).name))
    return None if number is None else (number, "")
