"""Quality flags: what an outcome says about itself, in codes of `mystax.errors.CODES`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import SupportsInt

__all__ = ["Flag", "flags_from_json", "flags_to_json", "merge_flags"]


@dataclass(frozen=True, slots=True)
class Flag:
    """One remark on a video or an outcome.

    Attributes
    ----------
    code : str
        One of `mystax.errors.CODES`.
    text : str
        One sentence for a person: what was seen and what to do.
    frames : tuple of int
        Frames concerned: all of them up to 100, else the first 100.
    n_frames : int
        How many frames are concerned in all; 0 when the remark is not about frames.
    """

    code: str
    text: str
    frames: tuple[int, ...] = ()
    n_frames: int = 0

    @classmethod
    def about(cls, code: str, text: str, frames: Iterable[SupportsInt] = ()) -> "Flag":
        """Make a flag about a set of frames."""
        every = sorted(int(frame) for frame in frames)
        return cls(code, text, tuple(every[:100]), len(every))

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the flag."""
        return {"code": self.code, "text": self.text, "frames": list(self.frames), "n_frames": self.n_frames}


def flags_to_json(flags: Iterable[Flag]) -> str:
    """Write flags as the JSON text of the `quality` attribute."""
    return json.dumps([flag.as_dict() for flag in flags], ensure_ascii=False)


def flags_from_json(text: str) -> list[Flag]:
    """Read the JSON text of the `quality` attribute."""
    return [
        Flag(item["code"], item["text"], tuple(item.get("frames", ())), int(item.get("n_frames", 0)))
        for item in json.loads(text)
    ]


def merge_flags(*groups: Iterable[Flag]) -> list[Flag]:
    """Join flags, each code and text once, in the order in which they came."""
    found: dict[tuple[str, str], Flag] = {}
    for group in groups:
        for flag in group:
            found.setdefault((flag.code, flag.text), flag)
    return list(found.values())
