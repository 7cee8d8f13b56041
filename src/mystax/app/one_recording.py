"""The one recording that a notebook shows: its cameras on their own clocks, its outcomes and its labels."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mystax.app.collection import FRESH, LABELS, SUFFIX, Item, cameras_of, changed, short_id

__all__ = ["OneRecording"]


class OneRecording:
    """A collection of one: for a server that belongs to a notebook.

    Parameters
    ----------
    name : str
        Name of the recording.
    specs : mapping of str to mapping
        From what each camera is opened (`VideoReader.spec`), with absolute paths.
    request : mapping, optional
        Arguments of `mystax.open` that open the same recording again.
    monotonic : callable, optional
        The clock by which the list of outcomes becomes old [s].
    """

    def __init__(
        self,
        name: str,
        specs: Mapping[str, Mapping[str, Any]],
        request: Mapping[str, Any] | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._specs, self._request = name, specs, dict(request or {})
        self._cameras = {
            camera: tuple(Path(path) for path in spec["paths"]) for camera, spec in specs.items()
        }
        self._monotonic = monotonic
        self._made = -FRESH
        self._items: tuple[Item, ...] = ()

    def items(self) -> Sequence[Item]:
        """Give the recording, with the outcomes and labels that lie beside its videos."""
        now = self._monotonic()
        if now - self._made >= FRESH:
            self._items = (self._look(),)
            self._made = now
        return self._items

    def label_place(self, item: Item) -> Path:
        """Return the folder in which new label sets go: beside the videos."""
        return next(iter(item.cameras.values()))[0].parent

    def roi_place(self, item: Item) -> Path:
        """Return the folder in which the regions lie: that of the outcomes."""
        return item.folders[0] if item.folders else self._own_folder()

    def roots(self) -> Sequence[Path]:
        """Return no folder: there is nothing to add."""
        return ()

    def catalogue(self) -> str | None:
        """There is none."""
        return None

    def forget(self) -> None:
        """Look again when next asked."""
        self._made = -FRESH

    def _own_folder(self) -> Path:
        """Return the folder in which a run would write."""
        return next(iter(self._cameras.values()))[0].parent / f"{self._name}{SUFFIX}"

    def _look(self) -> Item:
        files = {path for paths in self._cameras.values() for path in paths}
        real = {path.resolve() for path in files}
        beside = sorted({path.parent for path in files})
        folders = [
            folder
            for place in beside
            for folder in sorted(place.glob(f"*{SUFFIX}"))
            if folder == self._own_folder() or self._is_mine(folder, real)
        ]
        labels = tuple(folder for place in beside for folder in sorted(place.glob(f"*{LABELS}")))
        return Item(
            short_id("f", *sorted(files)),
            self._name,
            self._cameras,
            tuple(sorted(folders, key=changed, reverse=True)),
            labels,
            specs=self._specs,
            request=self._request,
        )

    def _is_mine(self, folder: Path, files: set[Path]) -> bool:
        """Tell whether outcomes were made from files of this recording and no others."""
        found = {path for paths in cameras_of(folder).values() for path in paths}
        return bool(found) and found <= files
