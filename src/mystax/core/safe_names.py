"""Names of recordings, cameras and recipes as names of files that every system can hold."""

import hashlib
import os
import re
import unicodedata
from pathlib import Path

from mystax.errors import ParameterError, RecipeError

__all__ = ["as_path", "check_folder", "is_there", "safe_name"]

RESERVED = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{name}{i}" for name in ("com", "lpt") for i in range(10)}
    | {f"{name}{i}" for name in ("com", "lpt") for i in "¹²³"}
)
LONGEST_NAME = 255
"""Bytes of a name on every file system in use."""
LONGEST = 120
"""Bytes of a readable name; leaves room for suffixes and part names within the 255 of file systems."""


def safe_name(name: str) -> str:
    """Return a file name for a name: itself where that is safe, else a slug and 8 digits of its hash.

    Two different names never share a result, also where upper and lower case or composed and decomposed
    accents are the same (Windows, macOS).

    Parameters
    ----------
    name : str
        Any text.

    Returns
    -------
    str
        At most 129 bytes without separators, blanks, control characters, shell signs or leading dashes.

    Raises
    ------
    RecipeError
        P404, if the name is empty or holds a NUL character.

    Examples
    --------
    >>> safe_name("mouse_01-day2")
    'mouse_01-day2'
    >>> safe_name("Mouse 1")
    'Mouse_1-c64d89f8'
    """
    if not name or "\0" in name:
        raise RecipeError(
            "P404",
            f"name {name!r}",
            "cannot be written",
            expected="a text without NUL characters",
            got=repr(name),
        )
    slug = unicodedata.normalize("NFC", name)
    slug = "".join(sign if sign.isalnum() or sign in "._-" else "_" for sign in slug)
    slug = slug.encode("utf-8", "replace")[:LONGEST].decode("utf-8", "ignore")
    slug = re.sub(r"^[.-]", "_", re.sub(r"[.-]$", "_", slug))
    if slug.partition(".")[0].casefold() in RESERVED:
        slug = f"_{slug}"[:LONGEST]
    folded = unicodedata.normalize("NFC", slug.casefold())
    looks_hashed = re.search(r"-[0-9a-f]{8}$", slug) is not None
    if slug == name == folded and not looks_hashed:
        return slug
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{slug}-{digest[:8]}"


def as_path(value: object, what: str) -> Path:
    """Return a path that was given as a text or a path.

    Parameters
    ----------
    value : object
        What was given.
    what : str
        Name of the parameter, for the message.

    Returns
    -------
    Path
        The path; it need not exist.

    Raises
    ------
    ParameterError
        P401, if it is neither.
    """
    if isinstance(value, str | os.PathLike):
        return Path(value)
    raise ParameterError("P401", f"parameter {what!r}", expected="a path", got=repr(value)[:80])


def is_there(path: Path, *, folder: bool = False) -> bool:
    """Tell whether there is such a file (or folder); a name that no file can have names none.

    Parameters
    ----------
    path : Path
        A path from outside: it may be too long, or hold signs that the system refuses.
    folder : bool, optional
        Ask for a folder instead of a file.

    Returns
    -------
    bool
        Never an error, as `Path.is_file` has for names that are too long.
    """
    return os.path.isdir(path) if folder else os.path.isfile(path)  # noqa: PTH112, PTH113 - they never raise


def check_folder(folder: Path, where: str) -> None:
    """Refuse a folder that cannot be made, before any work is done.

    Parameters
    ----------
    folder : Path
        A folder that is there, or will be made with those above it.
    where : str
        What named it, for the message.

    Raises
    ------
    RecipeError
        P403, if it or something above it is no folder, or a name is too long for a file system.
    """
    long = next((part for part in folder.parts if len(os.fsencode(part)) > LONGEST_NAME), None)
    if long is not None or "\0" in str(folder):
        raise RecipeError(
            "P403",
            where,
            expected=f"names of at most {LONGEST_NAME} bytes",
            got=f"{(long or str(folder))[:20]!r}...",
        )
    above = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), None)
    if above is not None and not is_there(above, folder=True):
        raise RecipeError("P403", where, f"{above} is no folder", expected="a folder, or none yet")
