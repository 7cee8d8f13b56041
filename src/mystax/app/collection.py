"""What the page lists: recordings with their cameras and outcomes, from a catalogue or from folders."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from mystax.app.openings import Opening, opening_of
from mystax.app.security import refused
from mystax.app.shelf import outcomes_in
from mystax.errors import MystaxError
from mystax.io.cameras_file import read_cameras
from mystax.io.names import DEFAULT_CAMERA, VIDEO_SUFFIXES
from mystax.io.outcomes import outcome_paths
from mystax.io.provenance import files_of_cameras

__all__ = [
    "LABELS",
    "SUFFIX",
    "CatalogCollection",
    "Collection",
    "FolderCollection",
    "Item",
    "OutcomeItem",
    "address_of",
    "cameras_of",
    "changed",
    "find",
    "short_id",
]

SUFFIX = ".mystax"
LABELS = ".labels"
MOST_FILES = 20_000
"""Most files that are looked at below the folders of a person without a catalogue."""
FRESH, KEPT = 2.0, 10.0
"""How long a list of files, and one of a catalogue, is not made again [s]."""


def short_id(kind: str, *words: object) -> str:
    """Make an id that is the same for the same words and says nothing about them."""
    text = "\0".join(map(str, words))
    return kind + hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=10).hexdigest()


@dataclass(frozen=True, slots=True)
class OutcomeItem:
    """One outcome of one camera (or of all of them: `camera` is empty)."""

    id: str
    folder: Path
    name: str

    @property
    def analysis(self) -> str:
        """Name of the analysis."""
        return self.name.partition("/")[0]

    @property
    def camera(self) -> str:
        """Name of the camera, where the analysis has several."""
        return self.name.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Item:
    """One recording.

    Attributes
    ----------
    id : str
        By which the page asks for it.
    name : str
        For people.
    cameras : mapping of str to tuple of Path
        Files of each camera, in order.
    folders : tuple of Path
        Folders of its outcomes, the newest first.
    labels : tuple of Path
        Label sets.
    head : mapping
        What a catalogue knows: project, subject, session, quality, codes.
    specs : mapping of str to mapping
        From what a frame worker opens a camera, where that is more than its files (clocks).
    request : mapping
        Arguments of `mystax.open` that open the recording again, where that is more than its files.
    is_lost : bool
        Whether its times came from elsewhere and it cannot be opened with them again.
    """

    id: str
    name: str
    cameras: Mapping[str, tuple[Path, ...]]
    folders: tuple[Path, ...] = ()
    labels: tuple[Path, ...] = ()
    head: Mapping[str, Any] = field(default_factory=dict)
    specs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)
    is_lost: bool = False

    @classmethod
    def opened(
        cls, opening: Opening, key: str, name: str, cameras: Mapping[str, tuple[Path, ...]], **more: Any
    ) -> "Item":
        """Return a recording whose cameras are opened as they were when it was measured."""
        cameras = opening.ordered(cameras)
        specs = {camera: spec for camera, files in cameras.items() if (spec := opening.spec(camera, files))}
        request = opening.request(name, cameras)
        return cls(key, name, cameras, **more, specs=specs, request=request, is_lost=opening.is_lost)

    def camera_ids(self) -> dict[str, str]:
        """Return the id of each camera: by its name, which stays when others are found or come first."""
        return {name: f"{self.id}c{short_id('', name)[:8]}" for name in self.cameras}

    def outcomes(self) -> list[OutcomeItem]:
        """List the outcomes of all folders; a damaged one is left to `mystax doctor`."""
        found = []
        for folder in self.folders:
            try:
                names = list(outcomes_in(folder))
            except MystaxError:
                continue
            found += [OutcomeItem(self._outcome_id(folder, name), folder, name) for name in names]
        return found

    def _outcome_id(self, folder: Path, name: str) -> str:
        """Name an outcome so that its recording is found without a look at the others."""
        return f"{self.id}o{short_id('', folder, name)[:16]}"


@runtime_checkable
class Collection(Protocol):
    """Where recordings come from."""

    def items(self) -> Sequence[Item]:
        """List all recordings."""
        ...

    def label_place(self, item: Item) -> Path:
        """Return the folder in which new label sets of a recording go."""
        ...

    def roi_place(self, item: Item) -> Path:
        """Return the folder in which the regions of a recording lie."""
        ...

    def roots(self) -> Sequence[Path]:
        """Return folders that may be looked into for more videos."""
        ...

    def catalogue(self) -> str | None:
        """Return how another process opens the catalogue; None if there is none."""
        ...

    def forget(self) -> None:
        """Look again when next asked: something was made."""
        ...


class FolderCollection:
    """Videos and outcomes below some folders: for people without a catalogue.

    A folder of outcomes says itself which videos it was made from; each other video is a recording.

    Parameters
    ----------
    folders : sequence of Path
        Where to look.
    monotonic : callable, optional
        The clock by which a list becomes old [s].
    """

    def __init__(self, folders: Sequence[Path], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._folders, self._monotonic = tuple(folders), monotonic
        self._made = -FRESH
        self._items: tuple[Item, ...] = ()

    def items(self) -> Sequence[Item]:
        """List all recordings."""
        now = self._monotonic()
        if now - self._made >= FRESH:
            self._items = tuple(self._look())
            self._made = now
        return self._items

    def label_place(self, item: Item) -> Path:
        """Return the folder in which new label sets of a recording go: beside its videos.

        Videos may lie outside of the folders that are shown, or be gone; then it is beside the outcomes.
        """
        if not item.cameras:
            return item.folders[0].parent
        beside = next(iter(item.cameras.values()))[0].parent
        served = [folder.resolve() for folder in self._folders]
        if item.folders and not any(beside.is_relative_to(folder) for folder in served):
            return item.folders[0].parent
        return beside

    def roi_place(self, item: Item) -> Path:
        """Return the folder in which the regions of a recording lie: that of its outcomes."""
        if item.folders:
            return item.folders[0]
        first = next(iter(item.cameras.values()))[0]
        return first.parent / f"{first.stem}{SUFFIX}"

    def roots(self) -> Sequence[Path]:
        """Return the folders themselves."""
        return self._folders

    def catalogue(self) -> str | None:
        """There is none."""
        return None

    def forget(self) -> None:
        """Look again when next asked."""
        self._made = -FRESH

    def _look(self) -> list[Item]:
        results, videos, labels = [], [], []
        for path in self._walk():
            if path.suffix == SUFFIX:
                results.append(path)
            elif path.suffix == LABELS:
                labels.append(path)
            elif path.suffix.lower() in VIDEO_SUFFIXES:
                videos.append(path)
        found: dict[tuple[Path, ...], list[Path]] = {}
        cameras: dict[tuple[Path, ...], dict[str, tuple[Path, ...]]] = {}
        fresh = {path.resolve().with_suffix(SUFFIX): (path.resolve(),) for path in videos}
        for folder in results:
            known = cameras_of(folder) or _noted_cameras(folder)
            if not known and folder.resolve() in fresh:  # regions, but no outcome yet
                known = {DEFAULT_CAMERA: fresh[folder.resolve()]}
            if not known and not outcome_paths(folder):
                continue
            files = tuple(sorted(path for paths in known.values() for path in paths))
            found.setdefault(files or (folder,), []).append(folder)
            cameras.setdefault(files or (folder,), {}).update(known)
        taken = {path for files in found for path in files}
        for path in videos:
            if path.resolve() not in taken:
                found[(path.resolve(),)] = []
                cameras[(path.resolve(),)] = {DEFAULT_CAMERA: (path.resolve(),)}
        items = []
        for files, folders in found.items():
            ordered = sorted(folders, key=changed, reverse=True)
            name = ordered[0].stem if ordered else files[0].stem
            place = ordered[0].parent if ordered else files[0].parent
            mine = tuple(one for one in labels if one.parent in {place, *(file.parent for file in files)})
            told = (opening_of(folder, list(cameras[files])) for folder in ordered)
            opening = next((one for one in told if one is not None), Opening())
            key = short_id("f", *files)
            items.append(Item.opened(opening, key, name, cameras[files], folders=tuple(ordered), labels=mine))
        return sorted(items, key=lambda item: item.name)

    def _walk(self) -> list[Path]:
        """List files and folders of outcomes and labels, none of whose insides are looked at."""
        found: list[Path] = []
        waiting = list(self._folders)
        while waiting and len(found) < MOST_FILES:
            folder = waiting.pop(0)
            if folder.suffix in {SUFFIX, LABELS}:
                found.append(folder)
                continue
            try:
                entries = sorted(folder.iterdir())
            except OSError:
                continue
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    waiting.append(entry)
                elif entry.is_file():
                    found.append(entry)
        return found


def changed(folder: Path) -> float:
    """Return when a folder was last changed [s]; 0 if it cannot be told."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def cameras_of(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the videos that a folder of outcomes was made from, where they are still there."""
    found: dict[str, tuple[Path, ...]] = {}
    try:
        if not outcome_paths(folder):
            return found
        outcomes = outcomes_in(folder)
        for name in outcomes:
            for camera, files in files_of_cameras(outcomes.attributes(name)).items():
                paths = tuple(_near(folder, Path(file)) for file in files)
                if paths and all(path.is_file() for path in paths):
                    found.setdefault(camera or DEFAULT_CAMERA, tuple(path.resolve() for path in paths))
    except MystaxError:
        return found
    return found


def _noted_cameras(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the videos that a person has said to be the cameras of one recording, where all are there."""
    try:
        noted = read_cameras(folder)
    except MystaxError:
        return {}
    found = {camera: tuple(path.resolve() for path in paths) for camera, paths in noted.items()}
    return found if all(path.is_file() for paths in found.values() for path in paths) else {}


def _near(folder: Path, file: Path) -> Path:
    """Return the file, or the one of its name beside the folder: both may have been moved together."""
    return file if file.is_file() else folder.parent / file.name


class CatalogCollection:
    """The recordings of a catalogue.

    Parameters
    ----------
    catalog : Catalog
        The open catalogue.
    monotonic : callable, optional
        The clock by which a list becomes old [s].
    """

    def __init__(self, catalog: Any, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._catalog, self._monotonic = catalog, monotonic
        self._made = -KEPT
        self._items: tuple[Item, ...] = ()

    def label_place(self, item: Item) -> Path:
        """Return the folder in which new label sets of a recording go: with its outcomes."""
        return Path(self._catalog.out) / str(item.head["folder"])

    def roi_place(self, item: Item) -> Path:
        """Return the folder in which the regions of a recording lie: above those of its recipes."""
        return self.label_place(item)

    def roots(self) -> Sequence[Path]:
        """Return the roots of the catalogue that are folders of this computer."""
        known = self._catalog.roots()
        paths = [known.path_of(name) for name in known.names]
        return [path for path in paths if path is not None and path.is_dir()]

    def catalogue(self) -> str | None:
        """Return its folder or address."""
        return address_of(self._catalog)

    def forget(self) -> None:
        """Look again when next asked."""
        self._made = -KEPT

    def items(self) -> Sequence[Item]:
        """List all recordings."""
        now = self._monotonic()
        if now - self._made >= KEPT:
            self._items = tuple(self._look())
            self._made = now
        return self._items

    def _look(self) -> list[Item]:
        roots = self._catalog.roots()
        items = []
        for row in self._catalog.recordings():
            known = self._catalog.show(row["id"])
            cameras, codes = _cameras_there(roots, known["cameras"])
            folder = self._catalog.out / str(known["folder"])
            folders = [path for path in sorted(folder.glob("*")) if path.is_dir() and outcome_paths(path)]
            ordered = tuple(sorted(folders, key=changed, reverse=True))
            labels = tuple(sorted(folder.glob(f"*{LABELS}")))
            wishes = {str(one["name"]): dict(one["clock"] or {}) for one in known["cameras"]}
            told = {
                word: {name: wish[key] for name, wish in wishes.items() if wish.get(key)}
                for word, key in (("clocks", "spec"), ("clock_policy", "policy"), ("offsets", "offset"))
            }
            opening = Opening({word: values for word, values in told.items() if values})
            more = {"folders": ordered, "labels": labels, "head": _remarked(row, codes)}
            items.append(Item.opened(opening, f"r{row['id']}", _name(row), cameras, **more))
        return items


def _cameras_there(
    roots: Any, known: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, tuple[Path, ...]], list[str]]:
    """Return the cameras whose roots are there on this host, and the codes of what is said of the others."""
    found, codes = {}, []
    for one in known:
        try:
            files = tuple(roots.resolve(video["root"], video["path"]) for video in one["videos"])
        except MystaxError as error:
            codes.append(error.code)
        else:
            found[str(one["name"])] = files
    return found, codes


def _remarked(row: Mapping[str, Any], codes: Sequence[str]) -> Mapping[str, Any]:
    """Return what a catalogue knows of a recording, with more remarks."""
    return {**row, "codes": list(dict.fromkeys([*row["codes"], *codes]))} if codes else row


def address_of(opened: Any) -> str:
    """Return how another process opens a catalogue: its folder if a file of it lies there, else its URL."""
    from mystax.engine.catalog.places import FILE

    place = opened.place
    return str(place.folder) if (place.folder / FILE).is_file() else str(place.url)


def _name(row: Mapping[str, Any]) -> str:
    """Name a recording by subject and session, else by its folder."""
    words = [str(row[key]) for key in ("subject", "session", "run") if row.get(key)]
    return " ".join(words) or str(row.get("folder", row["id"]))


def find(items: Sequence[Item], key: str) -> Item:
    """Return the recording of an id.

    Raises
    ------
    AppError
        W903, if there is none.
    """
    for item in items:
        if item.id == key:
            return item
    raise refused(404, "W903", f"recording {key[:60]!r}", "there is nothing of that name here")
