"""The files of a folder of labels beside its journal: the set, the copies of frames, the sources, the cache.

::

    <name>.labels/keypoints.toml                 the keypoint set
    <name>.labels/journal.jsonl                  the truth (`mystax.io.journal`)
    <name>.labels/sources.json                   where videos and pictures lay, for people and for `check`
    <name>.labels/labels.nc                      all labels as arrays; a cache that can be deleted
    <name>.labels/frames/<fingerprint>/<pts>.png copies of labelled frames
"""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.dataset import check_outcome
from mystax.core.keypoints import KeypointSet
from mystax.core.label_dataset import LABELS
from mystax.core.label_operations import FrameKey
from mystax.core.safe_names import safe_name
from mystax.core.typing import Shaped
from mystax.errors import DamagedError, FormatError, RecipeError, StoreError
from mystax.io.outcome_files import FORMAT
from mystax.io.outcome_writer import write_outcome
from mystax.io.outcomes import Outcomes, load
from mystax.io.stills import png_of, read_still
from mystax.io.store_fs import FileSystem, LocalFs, refusals

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["LabelFiles", "Source"]

KEYPOINTS, SOURCES, CACHE, FRAMES, LOCK = "keypoints.toml", "sources.json", "labels.nc", "frames", "lock"


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a video or picture that has labels.

    Attributes
    ----------
    kind : str
        ``video`` or ``picture``.
    path : str
        Where it lay when it was labelled.
    camera : str
        Camera, or the folder of a set of pictures.
    height, width : int
        Size of the frames [px].
    tick : float
        Length of one tick of the stamps [s]; 0 for pictures.
    """

    kind: str
    path: str
    camera: str
    height: int
    width: int
    tick: float = 0.0


class LabelFiles:
    """The files of one folder.

    Parameters
    ----------
    folder : Path
        ``<name>.labels``.
    fs : FileSystem, optional
        Whatever changes the disk.
    """

    def __init__(self, folder: Path, fs: FileSystem | None = None) -> None:
        self.folder = folder
        self._fs = fs or LocalFs()
        self._token = secrets.token_hex(8)

    def write(self, path: Path, data: bytes) -> None:
        """Write a file in one step; a reader sees the old or the new one.

        Raises
        ------
        SpaceError, StoreError
            S501, S503, as the disk refuses.
        """
        part = path.with_name(f".{path.name}.{self._token}.part")
        with refusals(path):
            self._fs.make_folder(path.parent)
            try:
                self._fs.remove(part)
                with self._fs.create(part) as file:
                    file.write(data)
                    self._fs.sync(file)
                self._fs.replace(part, path)
                self._fs.sync_folder(path.parent)
            except BaseException:
                self._fs.remove(part)
                raise

    # the set ---------------------------------------------------------------------------------------

    def has_keypoints(self) -> bool:
        """Tell whether the folder has a keypoint set, and so is one of labels."""
        return (self.folder / KEYPOINTS).is_file()

    def read_keypoints(self) -> KeypointSet:
        """Read the set of the folder.

        Raises
        ------
        RecipeError
            P403, if there is none or it is not understood.
        """
        if not self.has_keypoints():
            raise RecipeError(
                "P403",
                str(self.folder),
                "this is no folder of labels",
                expected=f"the file {KEYPOINTS}",
                hint="mystax labels import FILE makes one",
            )
        return KeypointSet.load(self.folder / KEYPOINTS)

    def write_keypoints(self, keypoints: KeypointSet) -> None:
        """Write the set of the folder."""
        self.write(self.folder / KEYPOINTS, keypoints.to_toml().encode("utf-8"))

    # sources ---------------------------------------------------------------------------------------

    def read_sources(self) -> dict[str, Source]:
        """Return what is known of the videos, by fingerprint; empty if nothing is."""
        try:
            found = json.loads((self.folder / SOURCES).read_text("utf-8"))
            return {key: Source(**entry) for key, entry in found.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # for people only: labels are found by fingerprint

    def write_sources(self, sources: dict[str, Source]) -> None:
        """Write what is known of the videos."""
        plain = {key: asdict(source) for key, source in sources.items()}
        text = json.dumps(plain, ensure_ascii=False, indent=1)
        self.write(self.folder / SOURCES, text.encode("utf-8", "surrogatepass"))

    # frames ----------------------------------------------------------------------------------------

    def frame_path(self, key: FrameKey) -> Path:
        """Return the place of the copy of a frame."""
        return self.folder / FRAMES / safe_name(key[0]) / f"{key[1]}.png"

    def keep_frame(self, key: FrameKey, pixels: Shaped[np.ndarray, "y x"]) -> None:
        """Keep a copy of a frame; one that is there already stays."""
        if not self.frame_path(key).is_file():
            self.keep_png(key, png_of(pixels))

    def keep_png(self, key: FrameKey, png: bytes) -> None:
        """Keep a copy of a frame that is a PNG already; one that is there stays."""
        path = self.frame_path(key)
        if not path.is_file():
            self.write(path, png)

    def read_frame(self, key: FrameKey) -> Shaped[np.ndarray, "y x"]:
        """Read the copy of a frame [grey levels].

        Raises
        ------
        RecipeError
            P403, if there is none.
        FormatError
            F804, if it is damaged.
        """
        return read_still(self.frame_path(key))

    # the cache -------------------------------------------------------------------------------------

    def write_cache(self, dataset: Dataset, state: str) -> None:
        """Keep all labels as arrays; `state` names the journal that they came from."""
        path = self.folder / CACHE
        part = path.with_name(f".{CACHE}.{self._token}.part")
        attributes = {
            "mystax_format": FORMAT,
            "analysis": "labels",
            "analysis_version": 1,
            "key": state,
        }
        with refusals(path):
            try:
                self._fs.remove(part)
                with self._fs.create(part) as file:
                    write_outcome(file, {"": dataset}, attributes)
                    self._fs.sync(file)
                self._fs.replace(part, path)
            except BaseException:
                self._fs.remove(part)
                raise

    def read_cache(self, state: str) -> Dataset | None:
        """Return the arrays of that state of the journal; None if there are none, or damaged ones."""
        path = self.folder / CACHE
        if not path.is_file():
            return None
        try:
            found = load(path)
            if isinstance(found, Outcomes) or found.attrs.get("key") != state:
                return None
            check_outcome(found, LABELS, str(path))
        except (DamagedError, FormatError, StoreError, RecipeError):
            return None
        for name in ("mystax_format", "analysis", "analysis_version", "key", "variable_dims"):
            found.attrs.pop(name, None)
        for name in ("variable_sha256", "content_sha256"):
            found.attrs.pop(name, None)
        return found
