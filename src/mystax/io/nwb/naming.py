"""Names of objects in an NWB file: readable, allowed there, and never twice."""

import re

__all__ = ["Names", "clean"]

ALLOWED = re.compile(r"[^A-Za-z0-9_.-]+")


def clean(text: str) -> str:
    """Return a text as part of a name: characters outside ``A-Za-z0-9_.-`` become ``-``.

    Examples
    --------
    >>> clean("left eye/rim")
    'left-eye-rim'
    """
    return ALLOWED.sub("-", text) or "-"


class Names:
    """Gives names that were not given yet."""

    def __init__(self) -> None:
        self._given = set[str]()

    def fresh(self, *words: str) -> str:
        """Join words by ``_``, leave out empty ones, and number the name where it was given before."""
        name = "_".join(clean(word) for word in words if word)
        wanted, number = name, 2
        while wanted in self._given:
            wanted, number = f"{name}-{number}", number + 1
        self._given.add(wanted)
        return wanted

    def once(self, *words: str) -> str:
        """Return the same joined name at every call; containers are shared."""
        name = "_".join(clean(word) for word in words if word)
        self._given.add(name)
        return name
