"""The child of the web app that compiles the loops of the live preview, once on each machine.

``python -P -m mystax.app.warm_child``.  Each analysis that is ready is a JSON line on stdout; films of more
than 8 bits come after all others.  It gives way to all other work, and the end of stdin means that the server
is gone.
"""

import contextlib
import os
import sys
import threading

from mystax.app.child_lines import tell
from mystax.app.warming import mark_of

__all__ = ["main"]

NICE = 5


def _note(name: str) -> None:
    """Leave a mark beside what was compiled: the next start of the app need not look."""
    with contextlib.suppress(OSError):
        mark = mark_of(name)
        if any(mark.parent.rglob("*.nbi")):  # else nothing was kept
            mark.touch()


def _leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """Compile what is not compiled yet."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICE)
    from mystax.engine.warm import WARMED, warm_preview

    for name in WARMED:
        warm_preview(name)
        _note(name)
        tell({"ready": name})
    for name in WARMED:
        warm_preview(name, 16)


if __name__ == "__main__":
    main()
