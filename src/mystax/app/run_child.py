"""The child of the web app that measures a recording of a folder: `mystax.run`, told in JSON lines.

``python -m mystax.app.run_child``.  The wish is one JSON line on stdin; each event is a line on stdout.
"""

import json
import sys
from typing import Any

from mystax.core.events import Event
from mystax.errors import MystaxError

__all__ = ["main"]


def _tell(record: Any) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def _report(event: Event) -> None:
    _tell(event.as_dict())


def main() -> int:
    """Run what is asked for; 0 if all of it is there at the end."""
    from mystax.engine.recordings import open_recording
    from mystax.engine.run import run

    wish = json.loads(sys.stdin.readline())
    try:
        run(
            open_recording(**wish["request"]),
            wish["recipe"],
            wish["analyses"],
            wish["rois"],
            parameters=wish["parameters"],
            force=bool(wish["force"]),
            progress=_report,
        )
    except MystaxError as error:
        _tell({"error": error.record().as_dict()})
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
