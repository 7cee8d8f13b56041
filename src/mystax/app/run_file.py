"""Which servers of this user run: a second `mystax app` on the same folders opens the first one again.

``app-<port>.json`` in the user's cache folder, for the user alone.  When a server has ended its file stays
without the token: the port of a folder is taken again when it is free, so that the edits that a browser has
kept for that address find their server.
"""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from mystax.app.server import Settings

__all__ = ["RunFile", "find_running", "key_of", "last_port", "noted", "place_of_runs"]

MOST_BYTES = 64 << 10
CLOSE = 1.0
"""Two starts of one process number that are this near are the same process [s]."""


@dataclass(frozen=True, slots=True)
class RunFile:
    """A server, as its file tells.

    Attributes
    ----------
    key : str
        What it serves, from `key_of`.
    port : int
        Where it listens.
    base : str
        Path under which its page lies.
    token : str
        By which its page is opened; empty when it has ended.
    pid : int
        Its process.
    begun : float
        When that process began [s since 1970].
    """

    key: str
    port: int
    base: str
    token: str
    pid: int
    begun: float

    def is_alive(self) -> bool:
        """Tell whether that very process is there."""
        import psutil

        try:
            return bool(self.token) and abs(psutil.Process(self.pid).create_time() - self.begun) < CLOSE
        except psutil.Error:
            return False


def place_of_runs() -> Path:
    """Return the folder of the files."""
    return platformdirs.user_cache_path("mystax") / "app"


def key_of(settings: Settings, catalogue: str = "") -> str:
    """Name what a server serves: starts of the same key can stand for each other.

    Parameters
    ----------
    settings : Settings
        How it is started; the port counts not.
    catalogue : str, optional
        Address of its catalogue.
    """
    folders = [str(folder) for folder in settings.folders]
    names = sorted(settings.allowed_hosts)
    return json.dumps([folders, catalogue, settings.base, settings.read_only, names])


def _files(place: Path) -> list[RunFile]:
    """Read all files, the newest first; what cannot be read is none."""
    found = []
    for path in place.glob("app-*.json"):
        with contextlib.suppress(OSError, ValueError, TypeError):
            if path.stat().st_size <= MOST_BYTES:
                one = RunFile(**json.loads(path.read_text("utf-8")))
                if path.name == f"app-{one.port}.json":
                    found.append((path.stat().st_mtime, one))
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])]


def find_running(key: str, place: Path | None = None) -> RunFile | None:
    """Return the server that serves the same and is alive.

    Parameters
    ----------
    key : str
        Of `key_of`.
    place : Path, optional
        The folder of the files.
    """
    mine = (one for one in _files(place or place_of_runs()) if one.key == key)
    return next((one for one in mine if one.is_alive()), None)


def last_port(key: str, place: Path | None = None) -> int | None:
    """Return the port at which the same was served last; None if it never was.

    Parameters
    ----------
    key : str
        Of `key_of`.
    place : Path, optional
        The folder of the files.
    """
    return next((one.port for one in _files(place or place_of_runs()) if one.key == key), None)


@contextlib.contextmanager
def noted(key: str, port: int, base: str, token: str, place: Path | None = None) -> Iterator[None]:
    """Keep the file of a server while it runs, and take the token out at its end.

    A folder that cannot be written is no reason not to serve.

    Parameters
    ----------
    key : str
        Of `key_of`.
    port : int
        Where it listens.
    base : str
        Path under which its page lies.
    token : str
        By which its page is opened.
    place : Path, optional
        The folder of the files.
    """
    place = place or place_of_runs()
    mine = RunFile(key, port, base, token, os.getpid(), _begun())
    with contextlib.suppress(OSError):
        _write(place, mine)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            _write(place, RunFile(key, port, base, "", mine.pid, mine.begun))


def _begun() -> float:
    import psutil

    try:
        return float(psutil.Process().create_time())
    except psutil.Error:
        return time.time()


def _write(place: Path, one: RunFile) -> None:
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.chmod(0o700)
    handle, name = tempfile.mkstemp(dir=place)  # for the user alone from its beginning
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(one), file)
    Path(name).replace(place / f"app-{one.port}.json")
