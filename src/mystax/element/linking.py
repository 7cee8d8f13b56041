"""The lab's own module: its tables, and the folders in which its data lie."""

import inspect
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from mystax.core.safe_names import is_there
from mystax.errors import RecipeError

__all__ = ["Link"]

ROOTS = "get_facemap_root_data_dir"
PROCESSED = "get_facemap_processed_data_dir"
LONGEST = 255
"""Characters of a path in a table."""


class Link:
    """What the lab's module gives; asked anew at each use, and never changed."""

    def __init__(self) -> None:
        self._module: ModuleType | None = None

    @property
    def module(self) -> ModuleType:
        """The lab's module.

        Raises
        ------
        RecipeError
            P403, if no schema has been activated.
        """
        if self._module is None:
            raise RecipeError(
                "P403", "DataJoint element", "no schema is activated", hint="call activate(...) first"
            )
        return self._module

    def take(self, module: ModuleType | str | None, names: Sequence[str]) -> None:
        """Take the lab's module.

        Parameters
        ----------
        module : module or str or None
            The module or its name.
        names : sequence of str
            Tables and functions that it must have.

        Raises
        ------
        RecipeError
            P403, if it is no module, or lacks names: all of them are listed.
        """
        found = import_module(module) if isinstance(module, str) else module
        if not inspect.ismodule(found):
            raise RecipeError(
                "P403", "linking_module", expected="a module or its name", got=type(module).__name__
            )
        missing = [name for name in names if not hasattr(found, name)]
        if missing:
            raise RecipeError(
                "P403",
                f"linking_module {found.__name__!r}",
                f"it lacks {', '.join(missing)}",
                expected=", ".join(names),
                got=", ".join(name for name in names if name not in missing) or "none of them",
                hint="define the missing names in the linking module, or import them there",
            )
        self._module = found

    def tables(self, *names: str) -> dict[str, Any]:
        """Return tables of the lab's module by name."""
        return {name: getattr(self.module, name) for name in names}

    def roots(self) -> list[Path]:
        """Return the folders in which videos lie, and last the folder of outcomes."""
        given = getattr(self.module, ROOTS)()
        roots = [Path(given)] if isinstance(given, str | Path) else [Path(root) for root in given]
        if hasattr(self.module, PROCESSED):
            roots.append(self.processed())
        return roots

    def processed(self) -> Path:
        """Return the folder of outcomes: the lab's own, else the first root."""
        if hasattr(self.module, PROCESSED):
            return Path(getattr(self.module, PROCESSED)())
        return self.roots()[0]

    def find(self, path: str) -> Path:
        """Return the place of a path that is relative to a root.

        Parameters
        ----------
        path : str
            As it stands in a table.

        Returns
        -------
        Path
            Where it is: under the first root that has it.

        Raises
        ------
        RecipeError
            P403, if no root has it, or it leaves its root.
        """
        plain = PurePosixPath(path)
        if ".." in plain.parts:
            raise RecipeError("P403", path, "a path in a table may not leave its root")
        for root in self.roots():
            place = root / path
            if (is_there(place) or is_there(place, folder=True)) and self._is_under(place):
                return place
        raise RecipeError(
            "P403",
            path,
            "no root has this path",
            expected="a path relative to one of " + ", ".join(map(str, self.roots())),
            hint=f"see {ROOTS}() of the linking module",
        )

    def _is_under(self, place: Path) -> bool:
        return any(place.absolute().is_relative_to(root.absolute()) for root in self.roots())

    def relative(self, place: Path) -> str:
        """Return a place as it stands in a table: relative to the root that has it.

        Raises
        ------
        RecipeError
            P403, if it lies under no root, or the path is too long for the table.
        """
        for root in self.roots():
            if place.absolute().is_relative_to(root.absolute()):
                text = place.absolute().relative_to(root.absolute()).as_posix()
                if len(text) > LONGEST:
                    raise RecipeError(
                        "P403", text, expected=f"at most {LONGEST} characters", got=str(len(text))
                    )
                return text
        raise RecipeError(
            "P403",
            str(place),
            "it lies under no root",
            expected="a path under one of " + ", ".join(map(str, self.roots())),
            hint=f"see {ROOTS}() of the linking module",
        )
