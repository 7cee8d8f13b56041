"""How the children of the web app are told what to do, and tell what they do: JSON, a line for each thing."""

import json
import sys
from typing import Any

from mystax.core.events import Event

__all__ = ["read_wish", "report", "tell"]


def read_wish() -> dict[str, Any]:
    """Read what is to be done: the first line on stdin."""
    return dict(json.loads(sys.stdin.readline()))


def tell(record: Any) -> None:
    """Tell the parent something, at once.

    Parameters
    ----------
    record : object
        Plain values.
    """
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def report(event: Event) -> None:
    """Tell the parent of an event."""
    tell(event.as_dict())
