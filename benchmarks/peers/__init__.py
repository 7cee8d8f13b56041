"""Other packages, each in an interpreter of its own: none is imported, and no line of theirs is here."""

import hashlib
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

__all__ = ["NAMES", "find_peers", "runner_of"]

HERE = Path(__file__).resolve().parent
NAMES = tuple(sorted(path.stem for path in HERE.glob("*.txt")))
"""Peers with pinned requirements."""

INSTALL_SECONDS = 1200


def runner_of(name: str) -> Path:
    """Return the script that runs a peer's public functions in its interpreter."""
    return HERE / f"{name}_runner.py"


def find_peers(wanted: Sequence[str], folder: Path) -> dict[str, Path]:
    """Find or install the interpreters of peers.

    Parameters
    ----------
    wanted : sequence of str
        ``"none"``, ``"auto"`` (an environment of its own for each peer, installed from the package index),
        or ``NAME=PYTHON``.
    folder : Path
        Where environments are made.

    Returns
    -------
    dict
        Name of the peer -> its interpreter.  A peer that cannot be installed is left out.

    Raises
    ------
    ValueError
        For a peer that is not known, or an interpreter that does not exist.
    """
    found: dict[str, Path] = {}
    for word in wanted:
        if word == "none":
            continue
        if word == "auto":
            made = {name: _environment(name, folder) for name in NAMES if name not in found}
            found |= {name: python for name, python in made.items() if python is not None}
            continue
        name, _, python = word.partition("=")
        if name not in NAMES or not python:
            raise ValueError(
                f"--peers takes auto, none or NAME=PYTHON with NAME in {', '.join(NAMES)}: {word!r}"
            )
        if not Path(python).is_file():
            raise ValueError(f"there is no interpreter {python}")
        found[name] = Path(python).absolute()
    return found


def _environment(name: str, folder: Path) -> Path | None:
    """Make the environment of a peer once; None if it cannot be installed here."""
    requirements = HERE / f"{name}.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    place = folder / f"env-{name}-{digest}"
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    ready = place / "ready"
    if ready.exists():
        return python
    print(f"installing {name} into {place.name}", flush=True)
    venv.EnvBuilder(with_pip=True, clear=True).create(place)
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        str(requirements),
    ]
    try:
        subprocess.run(command, check=True, timeout=INSTALL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{name} cannot be installed here: {error}", flush=True)
        return None
    ready.touch()
    return python
