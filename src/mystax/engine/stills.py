"""Keypoints in single pictures: a folder of images, a list of them, or an array."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mystax.core.safe_names import is_there
from mystax.core.typing import Shaped
from mystax.errors import FormatError, ParameterError, RecipeError
from mystax.io.names import videos_in
from mystax.io.stills import is_still, read_still

__all__ = ["Still", "check_pixels", "is_stills", "still_files", "stills_folder", "stills_of"]


@dataclass(frozen=True, slots=True)
class Still:
    """One picture.

    Attributes
    ----------
    name : str
        File name, or its number in an array.
    pixels : array (y, x)
        Grey levels; none of a picture that cannot be read.
    failure : FormatError, optional
        Why it cannot be read.
    """

    name: str
    pixels: Shaped[np.ndarray, "y x"]
    failure: FormatError | None = None


def is_stills(source: object) -> bool:
    """Tell whether a source is a folder of images, an image, or a list of them."""
    if isinstance(source, list | tuple):
        return bool(source) and all(isinstance(item, str | Path) and is_still(item) for item in source)
    if not isinstance(source, str | Path):
        return False
    path = Path(source)
    if not path.is_dir():
        return is_still(path)
    return bool(_images(path)) and not videos_in(path)


def _images(folder: Path) -> list[Path]:
    return sorted(item for item in folder.iterdir() if item.is_file() and is_still(item))


def still_files(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """List the files of pictures.

    Parameters
    ----------
    source : path or sequence of paths
        A folder of images, an image, or images.

    Returns
    -------
    list of Path
        Those of a folder by name, those of a list in its order.

    Raises
    ------
    RecipeError
        P403, if a file is not there.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        files = _images(path) if path.is_dir() else [path]
    else:
        files = [Path(item) for item in source]
    for file in files:
        if not is_there(file):
            raise RecipeError("P403", str(file), "there is no such picture")
    return files


def stills_folder(source: str | Path, out: str | Path | None) -> Path:
    """Return the folder of the outcome of pictures.

    Parameters
    ----------
    source : path
        A picture, or a folder of them.
    out : path, optional
        Folder above the outcome.

    Returns
    -------
    Path
        ``<out>/<source>``, or ``<source>.mystax`` beside the source.
    """
    if out is not None:
        return Path(out) / Path(source).absolute().name  # the name that was given, wherever a link leads
    place = Path(source).resolve()
    return place.with_name(f"{place.name}.mystax")


def stills_of(source: str | Path | Sequence[str | Path]) -> Iterator[Still]:
    """Read pictures one after the other.

    Parameters
    ----------
    source : path or sequence of paths
        A folder of images, an image, or images.

    Yields
    ------
    Still
        Picture by picture, by name; one that cannot be read says why and hinders no other.

    Raises
    ------
    RecipeError
        P403, if a file is not there; before the first picture.
    """
    for file in still_files(source):
        try:
            yield Still(file.name, read_still(file))
        except FormatError as error:
            yield Still(file.name, np.zeros((0, 0), np.uint8), error)


def check_pixels(pixels: Shaped[np.ndarray, "..."]) -> None:
    """Refuse pictures that are not (n, y, x) of numbers.

    Raises
    ------
    ParameterError
        P401, with the shape.
    """
    if pixels.ndim != 3 or pixels.dtype.kind not in "uif":
        raise ParameterError(
            "P401",
            "pictures",
            expected="an array (n, y, x) of grey levels",
            got=f"{pixels.dtype} {pixels.shape}",
        )
