"""Videos of a session into `VideoRecording`: found by folder, grouped by the words of their names."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mystax.core.safe_names import is_there
from mystax.element.linking import Link
from mystax.errors import RecipeError, nearest
from mystax.io.names import group_files, videos_in

__all__ = ["ingest_videos", "session_folder"]

BEHAVIOUR = "behav"
"""NeuroBlueprint's folder of videos."""
ANIMALS, SESSION = ("subject", "animal", "mouse", "participant"), "session"
"""What attributes of a key are called that name a subject, or a session."""


def session_folder(link: Link, session_key: Mapping[str, Any], pattern: str) -> Path:
    """Find the folder of a session.

    Parameters
    ----------
    link : Link
        Where the lab's data lie.
    session_key : mapping
        Primary key of the session.
    pattern : str
        ``"neuroblueprint"`` (``sub-<subject>*/ses-<session>*/behav``, also below ``rawdata``), ``"flat"``
        (a root itself), or a folder with attributes in braces.

    Raises
    ------
    RecipeError
        P403, if there is no such folder, or several.
    """
    if pattern == "neuroblueprint":
        return _neuroblueprint(link, session_key)
    if pattern == "flat":
        return link.roots()[0]
    try:
        text = pattern.format(**session_key)
    except (KeyError, IndexError, ValueError) as error:
        raise RecipeError(
            "P403",
            f"pattern {pattern!r}",
            "it names what the session key does not have",
            expected="neuroblueprint, flat, or a folder with "
            + ", ".join(f"{{{name}}}" for name in session_key),
            got=str(error),
        ) from error
    return link.find(text)


def _neuroblueprint(link: Link, session_key: Mapping[str, Any]) -> Path:
    """Find ``sub-<label>*/ses-<label>*/behav``: labels are the values of the key."""
    found = []
    for root in link.roots():
        for above in (root / "rawdata", root):
            for animal, session in _roles(list(session_key)):
                for subject in _matching(above, "sub", _words_of(session_key[animal])):
                    sessions = _matching(subject, "ses", _words_of(session_key[session]))
                    found += [place / BEHAVIOUR for place in sessions]
    there = sorted({place for place in found if place.is_dir()})
    if len(there) != 1:
        raise RecipeError(
            "P403",
            f"session {dict(session_key)}",
            "there is no folder of this session" if not there else "several folders could be this session",
            expected=f"one sub-<label>/ses-<label>/{BEHAVIOUR} below a root",
            got=", ".join(map(str, there[:8])) or "none",
            hint="say folder= or pattern=",
        )
    return there[0]


def _roles(names: Sequence[str]) -> list[tuple[str, str]]:
    """List which attributes of a key may be subject and session: by their names, else by their order."""
    if len(names) == 1:
        return [(names[0], names[0])]
    of_animal = {name for name in names if any(word in name.lower() for word in ANIMALS)}
    of_session = {name for name in names if SESSION in name.lower()}
    return [
        (animal, session)
        for k, animal in enumerate(names)
        for j, session in enumerate(names)
        if animal not in of_session
        and session not in of_animal
        and (k < j or (k > j and (animal in of_animal or session in of_session)))
    ]


def _words_of(value: Any) -> list[str]:
    """Return how a value of a key may stand in a folder's name; times also without marks."""
    text = str(value)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return [text]
    return [text, time.strftime("%Y%m%d"), time.strftime("%Y%m%dT%H%M%S")]


def _matching(above: Path, prefix: str, labels: list[str]) -> list[Path]:
    """List folders ``<prefix>-<label>...`` whose label is one of these; numbers match without zeros."""
    if not is_there(above, folder=True):
        return []
    wanted = set(labels) | {str(int(label)) for label in labels if label.isdecimal()}
    found = []
    for place in sorted(above.iterdir()):
        head, _, label = place.name.split("_")[0].partition("-")
        plain = str(int(label)) if label.isdecimal() else label
        if head == prefix and place.is_dir() and (label in wanted or plain in wanted):
            found.append(place)
    return found


def ingest_videos(
    link: Link,
    table: Any,
    session_key: Mapping[str, Any],
    pattern: str,
    device: Mapping[str, Any] | str | None,
    *,
    folder: Path | None,
    join: bool,
) -> list[dict[str, Any]]:
    """Enter the videos of a session; see `facial_behavior_estimation.ingest_recordings`."""
    place = session_folder(link, session_key, pattern) if folder is None else folder
    cameras = group_files(videos_in(place), join=join)
    devices = {camera: _device_key(link, camera, list(cameras), device) for camera in cameras}
    files = {camera: [link.relative(path) for path in paths] for camera, paths in cameras.items()}
    own = {name: session_key[name] for name in link.module.Session.primary_key}
    entered: dict[int, list[str]] = {}
    for row in (table.File & own).to_dicts(order_by="file_id"):
        entered.setdefault(int(row["recording_id"]), []).append(str(row["file_path"]))
    known = {path: number for number, paths in entered.items() for path in paths}
    for camera, paths in files.items():
        _check_entered(camera, paths, {known[path]: entered[known[path]] for path in paths if path in known})
    free = int(max((table & own).to_arrays("recording_id"), default=-1)) + 1
    keys = []
    for camera, paths in files.items():
        if paths[0] in known:
            keys.append({**own, "recording_id": known[paths[0]]})
            continue
        key = {**own, "recording_id": free}
        free += 1
        with table.connection.transaction:
            table.insert1({**key, **devices[camera]})
            table.File.insert({**key, "file_id": k, "file_path": path} for k, path in enumerate(paths))
        keys.append(key)
    return keys


def _check_entered(camera: str, paths: Sequence[str], entered: Mapping[int, Sequence[str]]) -> None:
    """Refuse a camera that has more, fewer or other files now than those that are entered."""
    for number, before in entered.items():
        if list(before) != list(paths):
            raise RecipeError(
                "P403",
                f"camera {camera!r}",
                f"recording {number} of the session was entered with other files",
                expected=", ".join(before),
                got=", ".join(paths),
                hint="delete its row of VideoRecording with all that was computed of it, and enter it again",
            )


def _device_key(
    link: Link, camera: str, cameras: list[str], device: Mapping[str, Any] | str | None
) -> dict[str, Any]:
    """Return the primary key of the device of a camera."""
    names = list(link.module.Device.primary_key)
    if isinstance(device, Mapping):
        if camera not in device:
            raise RecipeError(
                "P403",
                f"camera {camera!r}",
                f"no device is named for it{nearest(camera, device)}",
                expected=f"device={{{', '.join(f'{name!r}: ...' for name in cameras)}}}",
                got=", ".join(device) or "none",
            )
        value: Any = device[camera]
    else:
        value = camera if device is None else device
    key = dict(value) if isinstance(value, Mapping) else {names[0]: value}
    if not link.module.Device & key:
        raise RecipeError(
            "P403",
            f"camera {camera!r}",
            "there is no such device",
            expected="a row of Device",
            got=str(key),
            hint="insert it, or say device={camera: name}",
        )
    return key
