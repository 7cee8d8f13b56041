"""A digest of the code that decides a result, so that a kept result is never read as one of other code."""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["ENCODER", "LIBRARIES", "digest_of", "sources_of"]

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "mystax"
LIBRARIES = ("numpy", "scipy", "torch")
"""Libraries whose version is part of a digest."""
ROWS = ("analyses", "compute", "synth")
"""Folders below which imports are followed: rows that decide numbers, each module for one thing."""
ENCODER = (
    "analyses/behaviour*.py", "analyses/encod*.py", "analyses/neural_rows.py", "core/behaviour.py",
    "core/neural*.py", "engine/encoding/*.py", "io/npy_files.py", "nets/*encoder*.py", "nets/fitting.py",
    *(f"io/neural/{name}.py" for name in ("array", "axes", "chosen", "reading", "slabs", "source", "times")),
    "synth/brain*.py",
)  # fmt: skip
"""Where the code of the encoder, of its simulated brains and of the files that hold them begins."""


def sources_of(patterns: Sequence[str], source: Path = SOURCE) -> list[Path]:
    """Return the files that patterns name, and those of the package that they import.

    Parameters
    ----------
    patterns : sequence of str
        Patterns below the folder of the package.
    source : Path, optional
        Folder of the package.

    Returns
    -------
    list of Path
        In the order of their names; imports are followed below `ROWS`.
    """
    left = sorted({path for pattern in patterns for path in source.glob(pattern)})
    found = set(left)
    while left:
        new = set(_imported(left.pop(), source)) - found
        found |= new
        left += sorted(new)
    return sorted(found)


def _imported(path: Path, source: Path) -> Iterator[Path]:
    """Yield the modules of some rows that a file imports, at its top or in its functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(f"{source.name}."):
            continue
        words = str(node.module).split(".")[1:]
        if words[0] in ROWS:
            base = source.joinpath(*words)
            places = [base.with_suffix(".py"), base / "__init__.py"]
            places += [base / f"{name.name}.py" for name in node.names]
            yield from (place for place in places if place.is_file())


def digest_of(
    patterns: Sequence[str],
    source: Path = SOURCE,
    libraries: Sequence[str] = LIBRARIES,
    texts: Sequence[str] = (),
) -> str:
    """Return a digest of source files, of what they import, of versions of libraries, and of texts.

    Parameters
    ----------
    patterns : sequence of str
        As for `sources_of`.
    source : Path, optional
        Folder of the package.
    libraries : sequence of str, optional
        Names of libraries; one that is not installed counts as such.
    texts : sequence of str, optional
        Whatever else decides a result.

    Returns
    -------
    str
        Twelve characters.
    """
    digest = hashlib.sha256()
    for path in sources_of(patterns, source):
        digest.update(path.relative_to(source).as_posix().encode() + b"\0" + path.read_bytes())
    for name in libraries:
        digest.update(f"\0{name} {_version(name)}".encode())
    for text in texts:
        digest.update(b"\0" + text.encode())
    return digest.hexdigest()[:12]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
