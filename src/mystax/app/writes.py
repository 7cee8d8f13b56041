"""Whether the page may write: not where it only looks, and only on top of what it has seen."""

import hashlib
import threading
from pathlib import Path

from fastapi import Request

from mystax.app.security import refused

__all__ = ["check_revision", "check_writable", "revision_of", "turn_in"]

_TURNS: dict[Path, threading.Lock] = {}
"""Folder to the lock by which writes there follow each other."""


def turn_in(folder: Path) -> threading.Lock:
    """Return the lock of a folder: a look at the present revision and the write on top of it are one step.

    Parameters
    ----------
    folder : Path
        Where would be written.

    Returns
    -------
    Lock
        The same one for all requests; use it as a context.
    """
    return _TURNS.setdefault(folder.resolve(), threading.Lock())


def check_writable(request: Request, where: str) -> None:
    """Refuse a write where the page may only look.

    Parameters
    ----------
    request : Request
        The write.
    where : str
        What would be written, for the refusal.

    Raises
    ------
    AppError
        W902 (403), if the app was started with --read-only.
    """
    if request.app.state.mystax.settings.read_only:
        raise refused(403, "W902", where, "this page was started with --read-only")


def revision_of(text: str) -> str:
    """Return the revision of a file by its text."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def check_revision(seen: str, present: str, where: str) -> None:
    """Refuse to write over what the page has not seen.

    Parameters
    ----------
    seen : str
        The revision that the page has seen.
    present : str
        The one that is there.
    where : str
        What would be written, for the refusal.

    Raises
    ------
    AppError
        W904 (409), if they differ.
    """
    if seen != present:
        raise refused(409, "W904", where, "somebody else changed them meanwhile", hint="load them again")
