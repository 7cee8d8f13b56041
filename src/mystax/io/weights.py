"""Weights of networks on disk: two files, where they lie, and how they are found.

``<name>.onnx`` is all that prediction reads; ``<name>.safetensors`` holds the same weights for training.
"""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import platformdirs

from mystax.core.extras import require
from mystax.core.safe_names import as_path
from mystax.errors import ParameterError, WeightsError, nearest
from mystax.io.digests import file_digest
from mystax.io.weights_notes import WeightsInfo
from mystax.io.whole_files import refuse_existing, write_whole

__all__ = [
    "check_digest",
    "check_weights_name",
    "copy_onnx",
    "digest_for_plans",
    "find_weights",
    "installed_weights",
    "own_folder",
    "read_tensors",
    "shipped_folder",
    "write_weights",
]

MOST_BYTES = 512 << 20
MOST_NAME = 100


def shipped_folder() -> Path:
    """Return the folder of the weights that come with mystax."""
    return Path(str(files("mystax") / "data" / "weights"))


def own_folder() -> Path:
    """Return the folder of the user's own weights; it need not exist yet."""
    return platformdirs.user_data_path("mystax") / "weights"


def installed_weights(folders: tuple[Path, ...] | None = None) -> dict[str, Path]:
    """List weights by name.

    Parameters
    ----------
    folders : tuple of Path, optional
        Where to look; by default the user's own weights, then those that come with mystax.

    Returns
    -------
    dict of str to Path
        Name to ``.onnx`` file; the user's own hide shipped ones of the same name.
    """
    found: dict[str, Path] = {}
    for folder in folders if folders is not None else (own_folder(), shipped_folder()):
        for path in sorted(folder.glob("*.onnx")) if folder.is_dir() else ():
            found.setdefault(path.stem, path)
    return found


def find_weights(weights: str | Path, folders: tuple[Path, ...] | None = None) -> Path:
    """Find weights by name or path.

    Parameters
    ----------
    weights : str or Path
        A name, as `installed_weights` lists them, or the path of either file.
    folders : tuple of Path, optional
        Where names are looked up.

    Returns
    -------
    Path
        The ``.onnx`` file.

    Raises
    ------
    ParameterError
        P401, if there are no such weights (with the nearest name), or it is neither a name nor a path.
    """
    installed = installed_weights(folders)
    text = str(weights)
    if text in installed:
        return installed[text]
    path = as_path(weights, "weights")
    if path.suffix.lower() in (".onnx", ".safetensors"):
        onnx = path.with_suffix(".onnx")
        if onnx.is_file():
            return onnx
        raise ParameterError("P401", "weights", expected="a file", got=f"{onnx} does not exist")
    raise ParameterError(
        "P401",
        "weights",
        f"there are no weights {text!r}{nearest(text, installed)}",
        hint="name installed weights, or give the path of an .onnx file",
    )


def check_weights_name(name: str) -> str:
    """Refuse a name of weights that is no plain file name.

    Parameters
    ----------
    name : str
        As a person gave it.

    Returns
    -------
    str
        The name.

    Raises
    ------
    ParameterError
        P401, if it is empty, too long, or holds signs other than letters, digits, blanks and ``._-``.
    """
    is_plain = all(sign.isalnum() or sign in "._- " for sign in name) and name[:1] not in ("", ".", "-", " ")
    if not is_plain or len(name) > MOST_NAME:
        raise ParameterError(
            "P401",
            "name of the weights",
            expected="letters, digits, '.', '_' and '-', not beginning with '.' or '-'",
            got=repr(name[:60]),
        )
    return name


def check_digest(path: Path) -> str:
    """Compare a weights file with its card, and return its sum.

    Parameters
    ----------
    path : Path
        Either file.  A card ``<name>.toml`` beside it may hold ``[sha256]`` with the files' suffixes.

    Returns
    -------
    str
        sha256 of the file.

    Raises
    ------
    WeightsError
        M701, if the file is not what the card names, is larger than 512 MiB, or cannot be read.
    """
    import tomllib

    try:
        if path.stat().st_size > MOST_BYTES:
            raise WeightsError("M701", path.name, expected="at most 512 MiB", got="a larger file")
        digest = file_digest(path)
        card = path.with_suffix(".toml")
        expected = ""
        if card.is_file():
            sums = tomllib.loads(card.read_text("utf-8")).get("sha256", {})
            expected = str(sums.get(path.suffix.lstrip("."), "")) if isinstance(sums, dict) else ""
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WeightsError("M701", path.name, f"the file or its card cannot be read ({error})") from error
    if expected and expected != digest:
        raise WeightsError(
            "M701",
            path.name,
            "the file has changed since its card was written",
            expected=f"sha256 {expected[:12]}...",
            got=f"{digest[:12]}...",
            hint="install mystax or the weights again",
        )
    return digest


def copy_onnx(weights: str | Path, target: Path, *, overwrite: bool = False) -> Path:
    """Copy the network of weights for other programs: the file that prediction reads is ONNX itself.

    Parameters
    ----------
    weights : str or Path
        A name, or the path of either file (`find_weights`).
    target : Path
        The new file.
    overwrite : bool, optional
        Replace a file of that name.

    Returns
    -------
    Path
        The new file.

    Raises
    ------
    ParameterError
        P401, if there are no such weights.
    WeightsError
        M701, if they are damaged.
    RecipeError
        P403, if the file exists.
    StoreError
        S501, if it cannot be written.
    """
    onnx = find_weights(weights)
    check_digest(onnx)
    refuse_existing([target], overwrite)
    return write_whole(target, onnx.read_bytes())


def digest_for_plans(path: Path) -> str:
    """Return the sum of a weights file as `check_digest` does, read again only when the file looks different.

    Plans of hundreds of recordings ask for it hundreds of times; whoever loads weights reads them.

    Parameters
    ----------
    path : Path
        As for `check_digest`.

    Returns
    -------
    str
        sha256 of the file.

    Raises
    ------
    WeightsError
        M701, as `check_digest`.
    """
    return _digest_of(path, _look_of(path), _look_of(path.with_suffix(".toml")))


def _look_of(path: Path) -> tuple[int, ...]:
    """Return what changes with a file; nothing where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@lru_cache(maxsize=64)
def _digest_of(path: Path, *_: tuple[int, ...]) -> str:
    return check_digest(path)


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], WeightsInfo]:
    """Read weights for training.

    Parameters
    ----------
    path : Path
        Either file; the ``.safetensors`` is read.

    Returns
    -------
    tensors : dict of str to array
        The network's tensors.
    info : WeightsInfo
        The notes.

    Raises
    ------
    ExtraMissing
        X001, if the extra ``train`` is not installed.
    WeightsError
        M701, if the file is missing, damaged, too large or of another kind.
    """
    safetensors = require("safetensors", "train")
    path = path.with_suffix(".safetensors")
    check_digest(path)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError) as error:
        raise WeightsError("M701", path.name, f"the file is damaged ({error})") from error
    return tensors, WeightsInfo.from_metadata(metadata, path.name)


def write_weights(
    folder: Path, name: str, onnx: bytes, tensors: Mapping[str, np.ndarray], info: WeightsInfo
) -> Path:
    """Write both files of weights; a reader sees whole files only.

    Parameters
    ----------
    folder : Path
        Where to; made if needed.
    name : str
        Name of the weights.
    onnx : bytes
        The graph, with the same notes.
    tensors : mapping of str to array
        The network's tensors for training.
    info : WeightsInfo
        The notes.

    Returns
    -------
    Path
        The ``.onnx`` file.

    Raises
    ------
    ExtraMissing
        X001, if the extra ``train`` is not installed.
    SpaceError, StoreError
        S501, S503, as the disk refuses.
    """
    numpy_files = require("safetensors.numpy", "train")
    kept = {key: np.asarray(value, order="C") for key, value in tensors.items()}
    write_whole(folder / f"{name}.safetensors", numpy_files.save(kept, info.to_metadata()))
    return write_whole(folder / f"{name}.onnx", onnx)
