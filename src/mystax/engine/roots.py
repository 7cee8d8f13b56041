"""Named folders with one path per host, so that hosts share one catalogue and its files."""

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from mystax.core.safe_names import is_there
from mystax.errors import CatalogError

__all__ = ["Roots"]


@dataclass(frozen=True, slots=True)
class Roots:
    """Named folders with one path per host, so that hosts share one catalogue.

    Attributes
    ----------
    rows : tuple
        Name, pattern of hosts and path, as in the table `root`.
    host : str
        Name of this host.
    """

    rows: tuple[tuple[str, str, str], ...]
    host: str = field(default_factory=platform.node)

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[str]], host: str | None = None) -> "Roots":
        """Make the roots of this host."""
        return cls(tuple((str(a), str(b), str(c)) for a, b, c in rows), host or platform.node())

    @property
    def names(self) -> tuple[str, ...]:
        """The names, each once."""
        return tuple(dict.fromkeys(name for name, _, _ in self.rows))

    def rows_of(self, names: Iterable[str]) -> list[list[str]]:
        """Return the rows of some roots as plain values, for `of_rows` on another host."""
        wanted = set(names)
        return [list(row) for row in self.rows if row[0] in wanted]

    def files(self, places: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, list[str]]:
        """Return camera to files on this host.

        Parameters
        ----------
        places : mapping
            Camera to pairs of root and path below it.

        Raises
        ------
        CatalogError
            Q606, if a root is not there.
        """
        return {
            name: [str(self.resolve(root, below)) for root, below in pairs] for name, pairs in places.items()
        }

    def path_of(self, name: str) -> Path | None:
        """Return the folder of a root on this host; None if no pattern is for this host."""
        found = [
            (_exactness(pattern), path)
            for root, pattern, path in self.rows
            if root == name and fnmatchcase(self.host.lower(), pattern.lower())
        ]
        return Path(max(found)[1]) if found else None

    def resolve(self, name: str, relative: str) -> Path:
        """Return the path of a file on this host.

        Parameters
        ----------
        name : str
            The root.
        relative : str
            Path below it, with ``/``.

        Raises
        ------
        CatalogError
            Q606, if the root is not there on this host.
        """
        return self.folder(name) / PurePosixPath(relative)

    def folder(self, name: str) -> Path:
        """Return the folder of a root that is there.

        Raises
        ------
        CatalogError
            Q606, if it is not.
        """
        path = self.path_of(name)
        if path is None or not is_there(path, folder=True):
            raise CatalogError(
                "Q606",
                f"root {name!r}",
                f"it is not there on {self.host!r}",
                expected="a folder",
                got="no path for this host" if path is None else str(path),
                hint=f"mount it, or name its place here: mystax catalog roots {name}=PATH --host {self.host}",
            )
        return path

    def locate(self, file: Path) -> tuple[str, str] | None:
        """Return the root that holds a file on this host, and the path below it; the deepest root wins."""
        best: tuple[int, str, str] | None = None
        for name in self.names:
            path = self.path_of(name)
            if path is not None and file.is_relative_to(path):
                below = file.relative_to(path).as_posix()
                if best is None or len(path.parts) > best[0]:
                    best = (len(path.parts), name, below)
        return None if best is None else best[1:]


def _exactness(pattern: str) -> tuple[bool, int]:
    """Rank a pattern of hosts: a plain name before one with signs, a longer one before a shorter."""
    plain = pattern.replace("*", "").replace("?", "")
    return plain == pattern, len(plain)
