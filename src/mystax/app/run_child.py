"""The child of the web app that measures a recording of a folder: `mystax.run`, told in JSON lines.

``python -m mystax.app.run_child``.  The wish is one JSON line on stdin; each event is a line on stdout.
"""

from mystax.app.child_lines import read_wish, report, tell
from mystax.errors import MystaxError

__all__ = ["main"]


def main() -> int:
    """Run what is asked for; 0 if all of it is there at the end."""
    from mystax.engine.recordings import open_recording
    from mystax.engine.run import run

    wish = read_wish()
    try:
        run(
            open_recording(**wish["request"]),
            wish["recipe"],
            wish["analyses"],
            wish["rois"],
            parameters=wish["parameters"],
            force=bool(wish["force"]),
            progress=report,
        )
    except MystaxError as error:
        tell({"error": error.record().as_dict()})
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
