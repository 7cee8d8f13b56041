"""Parts of the demonstration that a process of its own does while other work is done."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from mystax.core.events import Event, Report, silent

__all__ = ["Part", "meanwhile"]

CODE = """
import sys
from importlib import import_module
from pathlib import Path
module, name, folder, seed = sys.argv[1:]
getattr(import_module(module), name)(Path(folder), seed=int(seed))
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the demonstration: it finds what is there, and does what is missing.

    Attributes
    ----------
    module, name : str
        Its function, of a folder, a `seed` and `progress`.
    made : str
        File in its folder that is there when nothing is left to be told.
    stage, text : str
        What it does, for the note at its begin.
    """

    module: str
    name: str
    made: str
    stage: str
    text: str

    def work(self, folder: Path, seed: int, progress: Report) -> Any:
        """Do it here."""
        return getattr(import_module(self.module), self.name)(folder, seed=seed, progress=progress)


@contextmanager
def meanwhile(part: Part, folder: Path, *, seed: int = 0, progress: Report = silent) -> Iterator[None]:
    """Do a part in a process of its own while other work is done; both have ended at the end of the block.

    Whatever that process could not do is done, or refused with its reason, when the other work is over.

    Parameters
    ----------
    part : Part
        What is done.
    folder : Path
        Its folder.
    seed : int, optional
        Start of its random numbers.
    progress : callable, optional
        Takes events.
    """
    if not (folder / part.made).exists():
        progress(Event("note", part.stage, text=f"meanwhile {part.text}"))
    with _process(part, folder, seed):
        yield
    part.work(folder, seed, progress)


@contextmanager
def _process(part: Part, folder: Path, seed: int) -> Iterator[None]:
    """Run a part beside the block; how its process ends is not told."""
    from mystax.engine.supervisor import child_environment

    words = [part.module, part.name, str(folder.absolute()), str(seed)]
    process = subprocess.Popen(  # noqa: S603 - this interpreter, with words of its own
        [sys.executable, "-P", "-c", CODE, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
    )
    try:
        yield
    except BaseException:
        process.terminate()
        raise
    finally:
        process.wait()
