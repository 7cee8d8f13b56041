"""The child of the web app that takes videos in: it looks at them, and adds them if it is asked to.

``python -m mystax.app.add_child``.  The wish is one JSON line on stdin; each event is a line on stdout, the
last one is what was found.  With a catalogue it is `mystax catalog ingest`; without one, the videos of a
folder become the cameras of one recording, as their names say.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mystax.app.child_lines import read_wish, report, tell
from mystax.core.events import Event, Report
from mystax.errors import MystaxError, RecipeError

__all__ = ["in_catalogue", "in_folder", "main"]

MOST_SHOWN = 500
"""Most recordings, and most files that were left out, that are told by name."""
WORDS = {"added": "new", "changed": "changed"}
"""Count to the state of a recording that it counts, when nothing is written."""


def in_catalogue(wish: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Bring the videos below a folder into a catalogue, or say what would be brought.

    Parameters
    ----------
    wish : mapping
        ``catalog``, ``folder``, ``within`` (no file outside of it is taken), ``pattern``, ``clock`` and
        ``dry_run``.
    report : callable
        Takes events.

    Returns
    -------
    dict
        Recordings with cameras, files, clocks and remarks; what was left out and why; counts.

    Raises
    ------
    MystaxError
        What `mystax catalog ingest` refuses.
    """
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.open(wish["catalog"]) as catalog:
        found = catalog.ingest(
            wish["folder"],
            pattern=wish["pattern"],
            clocks=wish["clock"] or None,
            within=wish["within"],
            dry_run=bool(wish["dry_run"]),
            report=report,
        )
    recordings = [
        {
            "name": one["recording"],
            "state": one["state"],
            "cameras": [{"name": name, **camera} for name, camera in one["cameras"].items()],
            "codes": one["flags"],
        }
        for one in found.planned
    ]
    left_out = [miss.text for miss in found.unmatched]
    left_out += [f"{Path(path).name}: {reason}" for path, reason in found.skipped]
    counts = {"added": found.added, "changed": found.changed, "unchanged": found.unchanged}
    if wish["dry_run"]:
        counts |= {word: sum(one["state"] == state for one in recordings) for word, state in WORDS.items()}
    return {
        "recordings": recordings,
        "n_videos": found.videos,
        **counts,
        "left_out": left_out,
        "refused": [str(error) for error in found.conflicts],
    }


def in_folder(wish: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Make the videos of a folder the cameras of one recording, or say how they would be.

    Parameters
    ----------
    wish : mapping
        ``folder``, ``within`` and ``dry_run``.
    report : callable
        Takes events.

    Returns
    -------
    dict
        As `in_catalogue`.

    Raises
    ------
    RecipeError
        P403, if there is no video, or only one, which is a recording without any word.
    """
    from mystax.app.collection import SUFFIX
    from mystax.engine.catalog.looking import look_at_recording
    from mystax.io.cameras_file import read_cameras, write_cameras
    from mystax.io.names import group_files, videos_in

    folder, root = Path(wish["folder"]), os.path.realpath(wish["within"])
    videos = [one for one in videos_in(folder) if Path(os.path.realpath(one)).is_relative_to(root)]
    if len(videos) < 2:
        got = "no video" if not videos else f"{videos[0].name}, which is a recording by itself"
        raise RecipeError("P403", folder.name, expected="the videos of several cameras, or parts", got=got)
    cameras = group_files(videos)
    report(Event("progress", "add", 0, 1, folder.name))
    facts, remarks = look_at_recording(cameras, {}, folder.name)
    codes = sorted({one.code for one in [*remarks, *(one for each in facts for one in each.remarks)]})
    place = folder / f"{folder.name}{SUFFIX}"
    known = read_cameras(place)
    state = "new" if not known else "changed"
    if known == dict(cameras) or _is_measured(folder, cameras):
        state = "unchanged"
    if not wish["dry_run"] and state != "unchanged":
        write_cameras(place, cameras)
    shown = [
        {"name": name, "files": [file.name for file in files], "clock": "pts"}
        for name, files in cameras.items()
    ]
    return {
        "recordings": [{"name": folder.name, "state": state, "cameras": shown, "codes": codes}],
        "n_videos": len(videos),
        "added": int(state == "new"),
        "changed": int(state == "changed"),
        "unchanged": int(state == "unchanged"),
        "left_out": [],
        "refused": [],
    }


def _is_measured(folder: Path, cameras: Mapping[str, tuple[Path, ...]]) -> bool:
    """Tell whether outcomes beside the videos are of these cameras: then they are a recording already."""
    from mystax.app.collection import SUFFIX, cameras_of

    wanted = {name: tuple(path.resolve() for path in paths) for name, paths in cameras.items()}
    return any(cameras_of(place) == wanted for place in folder.glob(f"*{SUFFIX}"))


def _shown(found: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
    """Tell only so much by name; the answer of an adding is its counts."""
    most = MOST_SHOWN if dry_run else 0
    named = {key: found[key][:most] for key in ("recordings", "left_out")}
    return {**found, **named, "refused": found["refused"][: most or 20]}


def main() -> int:
    """Look or add, as asked for; 0 if nothing was in the way."""
    wish = read_wish()
    try:
        found = (in_catalogue if wish["catalog"] else in_folder)(wish, report)
    except MystaxError as error:
        tell({"error": error.record().as_dict()})
        return 1
    tell({"result": _shown(found, dry_run=bool(wish["dry_run"]))})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
