"""Videos that are taken in: what a child finds in a folder, before anything is added."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from mystax.app.child_runs import end_process
from mystax.app.security import refused
from mystax.errors import InternalError, error_from_record

__all__ = ["ADDING", "LONGEST", "look"]

ADDING = (sys.executable, "-P", "-m", "mystax.app.add_child")
LONGEST = 60.0
"""Longest look at a folder [s]."""


async def look(
    wish: Mapping[str, Any], *, command: Sequence[str] = ADDING, longest: float = LONGEST
) -> dict[str, Any]:
    """Say what a folder holds.

    Parameters
    ----------
    wish : mapping
        What `mystax.app.add_child` is told.
    command : sequence of str, optional
        The child (a test hook).
    longest : float, optional
        How long it may take [s].

    Returns
    -------
    dict
        What was found.

    Raises
    ------
    AppError
        W906 (413), if it takes too long.
    MystaxError
        What the child refuses.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        told, _ = await asyncio.wait_for(process.communicate(json.dumps(wish).encode() + b"\n"), longest)
    except TimeoutError:
        hint = "choose a folder further down, or use `mystax catalog ingest` in a terminal"
        raise refused(
            413, "W906", "folder", f"there is more than can be looked at in {longest:.0f} s", hint=hint
        ) from None
    finally:
        await end_process(process)
    for line in reversed(told.splitlines()):
        event = json.loads(line)
        if "error" in event:
            raise error_from_record(event["error"])
        if "result" in event:
            return dict(event["result"])
    raise InternalError("B999", "folder", f"the process that looks ended with {process.returncode}")
