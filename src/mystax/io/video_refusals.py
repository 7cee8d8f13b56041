"""Why a file cannot be opened as a video, in our words."""

import os
from collections.abc import Sequence
from pathlib import Path

from mystax.core.safe_names import is_there
from mystax.errors import MystaxError, RecipeError, VideoError
from mystax.io.video_library import is_readable, read_failure

__all__ = ["refusal"]

BOXES = (b"ftyp", b"mdat", b"free", b"wide", b"skip", b"moov", b"uuid", b"pnot")
MATROSKA = b"\x1a\x45\xdf\xa3"


def refusal(path: Path, error: Exception, lines: Sequence[str]) -> MystaxError:
    """Say in our words why a file cannot be opened."""
    where = str(path)
    disk = read_failure(error, where)
    if disk is not None and not is_readable(path):
        return disk
    if not is_there(path):
        return RecipeError("P403", where, "there is no such file")
    if isinstance(error, PermissionError):
        return RecipeError("P403", where, "the file may not be read", hint="check its permissions")
    with path.open("rb") as file:
        head = file.read(64)
        size = file.seek(0, os.SEEK_END)
    if size == 0:
        return VideoError("V103", where, "the file is empty")
    if head[4:8] in BOXES and any("moov atom not found" in line for line in lines):
        if size > 4096:
            hint = "the recording was never closed; try untrunc, with a good file of the same camera"
            return VideoError("V102", where, "the index (moov) is missing", hint=hint)
        return VideoError("V103", where, "the file holds a header and no frame")
    is_avi = head.startswith(b"RIFF") and head[8:11] == b"AVI"  # sound has the same first letters
    if is_avi or head.startswith(MATROSKA):
        return VideoError("V103", where, "the file holds a header and no frame", got=str(error))
    return VideoError("V104", where, "not a video that can be opened", got=_reason(error, lines))


def _reason(error: Exception, lines: Sequence[str]) -> str:
    text = lines[-1].strip() if lines else getattr(error, "strerror", None) or str(error)
    return str(text).rstrip(".")
