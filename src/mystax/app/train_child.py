"""The child of the web app that trains: `mystax.train`, told in JSON lines.

``python -m mystax.app.train_child``.  The wish is one JSON line on stdin: the arguments of
`mystax.engine.training.train.train`; each event is a line on stdout, the last one is the report.
"""

from mystax.app.child_lines import read_wish, report, tell
from mystax.errors import Cancelled, MystaxError

__all__ = ["main"]


def main() -> int:
    """Train as asked for; 0 if there are weights at the end, accepted or not."""
    from mystax.engine.machine import available_cores
    from mystax.engine.signals import stop_wishes
    from mystax.engine.training.train import train

    wish = read_wish()
    try:
        with stop_wishes() as stop:
            found = train(**wish, cores=available_cores(), progress=stop.watching(report))
    except Cancelled:
        return 143
    except MystaxError as error:
        tell({"error": error.record().as_dict()})
        return 1
    tell({"result": found.as_dict()})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
