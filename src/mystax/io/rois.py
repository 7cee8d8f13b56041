"""Regions of interest as a file: `rois.toml`, written for people to edit."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from mystax.core.geometry import Roi, roi_from_dict
from mystax.errors import RoiError, nearest
from mystax.io.toml_values import toml_value

__all__ = ["FORMAT", "read_rois", "rois_from_toml", "rois_to_toml"]

FORMAT = 1
MAX_BYTES = 64 << 20


def read_rois(path: str | Path) -> tuple[Roi, ...]:
    """Read the regions of a `rois.toml`.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    tuple of Roi
        In the order of the file.

    Raises
    ------
    RoiError
        P402, if the file cannot be read, is no TOML, is of another format number, or holds a region
        that is not understood.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise RoiError("P402", str(path), expected="at most 64 MiB of text", got=f"{size} bytes")
        text = file.read_text("utf-8")
    except OSError as error:
        raise RoiError("P402", str(path), f"the file cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise RoiError("P402", str(path), expected="text in UTF-8", got="other bytes") from error
    return rois_from_toml(text, str(path))


def rois_from_toml(text: str, where: str = "rois.toml") -> tuple[Roi, ...]:
    r"""Read regions from the text of a `rois.toml`.

    Parameters
    ----------
    text : str
        TOML with ``format = 1`` and one ``[[roi]]`` table per region.
    where : str, optional
        Name of the file for messages.

    Returns
    -------
    tuple of Roi
        In the order of the text.

    Raises
    ------
    RoiError
        P402, as `read_rois`.

    Examples
    --------
    >>> text = 'format = 1\n[[roi]]\nname = "pad"\nkind = "motion"\nrectangle = [8, 8, 96, 96]'
    >>> rois_from_toml(text)[0].name
    'pad'
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RoiError("P402", where, f"the file is not valid TOML ({error})") from error
    if document.get("format") != FORMAT:
        raise RoiError("P402", where, expected=f"format = {FORMAT}", got=repr(document.get("format")))
    for key in document:
        if key not in ("format", "roi"):
            raise RoiError("P402", where, f"unknown entry {key!r}{nearest(key, ['format', 'roi'])}")
    entries = document.get("roi", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RoiError("P402", where, expected="[[roi]] tables", got=type(entries).__name__)
    return tuple(roi_from_dict(entry, where) for entry in entries)


def rois_to_toml(rois: Iterable[Roi]) -> str:
    """Write regions as the text of a `rois.toml`.

    Parameters
    ----------
    rois : iterable of Roi
        The regions.

    Returns
    -------
    str
        TOML that `rois_from_toml` reads back as equal regions.
    """
    lines = [f"format = {FORMAT}"]
    for roi in rois:
        lines += ["", "[[roi]]"]
        lines += [f"{key} = {toml_value(value)}" for key, value in roi.as_dict().items()]
    return "\n".join(lines) + "\n"
