"""Which weights are taken where none are named: the shipped ones, or a copy of others under their name."""

import contextlib
import tomllib
from pathlib import Path

from mystax.errors import RecipeError
from mystax.io.digests import file_digest
from mystax.io.weights import check_digest, installed_weights, own_folder, shipped_folder
from mystax.io.whole_files import write_whole

__all__ = ["REJECTED", "SUFFIXES", "copied_from", "default_name", "make_default"]

SUFFIXES = (".safetensors", ".onnx")
"""Files of weights, in the order in which they are copied: the last one is what prediction reads."""
REJECTED = ".rejected"


def default_name() -> str:
    """Return the name under which weights are looked up where none are named."""
    from mystax.core.analysis import get_analysis
    from mystax.core.params import parameters_of

    return str(parameters_of(get_analysis("pose").params)["weights"].default)


def copied_from(folder: Path | None = None) -> str:
    """Return which weights were made the default.

    Parameters
    ----------
    folder : Path, optional
        Folder of the user's own weights.

    Returns
    -------
    str
        Their name; empty where the default is the shipped one, or weights that were trained under its name.
    """
    place = (folder or own_folder()) / f"{default_name()}.onnx"
    try:
        card = tomllib.loads(place.with_suffix(".toml").read_text("utf-8"))
        is_copy = card.get("copied_sha256") == file_digest(place)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ""
    return str(card.get("copy_of", "")) if is_copy else ""


def make_default(weights: Path, folder: Path | None = None) -> Path:
    """Take some weights wherever none are named.

    They are copied under the default's name to the user's own folder, where they hide the shipped ones; to
    make the shipped ones the default again takes the copy away.

    Parameters
    ----------
    weights : Path
        The ``.onnx`` file of installed weights.
    folder : Path, optional
        Folder of the user's own weights.

    Returns
    -------
    Path
        The ``.onnx`` file that is the default now.

    Raises
    ------
    RecipeError
        P403, if a training has rejected them, or weights that were trained under the default's name would be
        lost.
    WeightsError
        M701, if they are damaged.
    """
    own, name = folder or own_folder(), default_name()
    target = own / f"{name}.onnx"
    if weights == target:
        return target
    if weights.stem.endswith(REJECTED):
        raise RecipeError(
            "P403",
            f"weights {weights.stem!r}",
            "they are no better than those before on frames that neither has seen",
            hint="label more frames and train again, or 'mystax train --force'",
        )
    if target.is_file() and not copied_from(own):
        raise RecipeError(
            "P403",
            f"weights {name!r}",
            "your own weights of that name would be lost",
            expected="another name for them",
            got=str(target),
        )
    digest = check_digest(weights)
    if weights.parent == shipped_folder() and weights.stem == name:
        _take_away(target, *reversed(SUFFIXES), ".toml")
        return installed_weights((own, weights.parent))[name]
    card = f'copy_of = "{weights.stem}"\ncopied_sha256 = "{digest}"\n'
    write_whole(target.with_suffix(".toml"), card.encode())
    for suffix in SUFFIXES:
        if weights.with_suffix(suffix).is_file():
            write_whole(target.with_suffix(suffix), weights.with_suffix(suffix).read_bytes())
        else:  # weights of others may have one file only
            _take_away(target, suffix)
    return target


def _take_away(target: Path, *suffixes: str) -> None:
    for suffix in suffixes:
        with contextlib.suppress(FileNotFoundError):
            target.with_suffix(suffix).unlink()
