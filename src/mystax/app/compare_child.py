"""The child of the web app that compares two models or outcomes on labelled frames, told in JSON lines.

``python -m mystax.app.compare_child``.  The wish is one JSON line on stdin: ``labels``, a folder, and
``sides``, two objects of ``name``, ``weights`` (a path or null) and ``poses`` (fingerprint of a video to the
folder and the name of its outcome).  The last line on stdout is the result, or a refusal.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mystax.app.child_lines import read_wish, tell
from mystax.errors import MystaxError

__all__ = ["main"]


def _compared(wish: Mapping[str, Any]) -> dict[str, Any]:
    from mystax.engine.labels.frames import labelled_frames
    from mystax.engine.training.compare import Side, compare
    from mystax.io.outcomes import Outcomes

    first, second = (
        Side(
            one["name"],
            None if one["weights"] is None else Path(one["weights"]),
            {video: Outcomes.of_folder(Path(folder))[name] for video, (folder, name) in one["poses"].items()},
        )
        for one in wish["sides"]
    )
    return compare(labelled_frames(wish["labels"]), first, second)


def main() -> int:
    """Compare as asked for."""
    wish = read_wish()
    try:
        tell({"result": _compared(wish)})
    except MystaxError as error:
        tell({"error": error.record().as_dict()})
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
