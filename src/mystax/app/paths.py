"""Paths that a page names: below a registered folder, or refused."""

from pathlib import Path

__all__ = ["inside", "readable"]


def inside(folder: Path, path: str) -> Path | None:
    """Return what a path below a folder names.

    Parameters
    ----------
    folder : Path
        The folder that nothing may leave.
    path : str
        Names with ``/`` between them; empty for the folder itself.

    Returns
    -------
    Path or None
        It exists; None for everything else, links that lead out of the folder and hidden names among it.
    """
    names = path.split("/") if path else []
    if "\0" in path or "\\" in path or any(name == "" or name.startswith(".") for name in names):
        return None
    try:
        found = (folder / path).resolve(strict=True)
        root = folder.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    return found if found.is_relative_to(root) else None


def readable(name: str) -> str:
    """Return a name of a file as text: bytes that are no UTF-8 become question marks."""
    return name.encode("utf-8", "replace").decode("utf-8")
