"""Why a file cannot be opened as a video, in our words."""

import os
from collections.abc import Sequence
from pathlib import Path

from mystax.core.safe_names import is_there
from mystax.errors import MystaxError, RecipeError, VideoError
from mystax.io.video_library import is_readable, read_failure

__all__ = ["absence", "refusal"]

BOXES = (b"ftyp", b"mdat", b"free", b"wide", b"skip", b"moov", b"uuid", b"pnot")
MATROSKA = b"\x1a\x45\xdf\xa3"

UNREAD_FORMAT = "not on whitelist"
READABLE = "mp4, mov, mkv, webm, avi, wmv, mpg, ts, ivf, y4m"
CONVERT = "if it plays as a video, convert it without loss: ffmpeg -i FILE -c:v ffv1 FILE.mkv"


def absence(path: Path) -> RecipeError:
    """Say what is wrong with a path at which there is no file."""
    if is_there(path, folder=True):
        hint = "give a file in it; `mystax run` takes a whole folder"
        return RecipeError("P403", str(path), expected="a video file", got="a folder", hint=hint)
    return RecipeError("P403", str(path), "there is no such file")


def refusal(path: Path, error: Exception, lines: Sequence[str]) -> MystaxError:
    """Say in our words why a file cannot be opened."""
    where = str(path)
    disk = read_failure(error, where)
    if disk is not None and not is_readable(path):
        return disk
    if not is_there(path):
        return absence(path)
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
    got = _reason(error, lines)
    if UNREAD_FORMAT in got:
        return VideoError(
            "V104", where, expected=f"a video in {READABLE}", got="another format", hint=CONVERT
        )
    return VideoError("V104", where, "not a video that can be opened", got=got, hint=CONVERT)


def _reason(error: Exception, lines: Sequence[str]) -> str:
    text = lines[-1].strip() if lines else getattr(error, "strerror", None) or str(error)
    return str(text).rstrip(".")
