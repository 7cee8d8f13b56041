"""Parts of the demonstration that a process of its own does while other work is done."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO

from mystax.core.events import Event, Report, silent
from mystax.engine.demo.notes import update_report

__all__ = ["Part", "meanwhile"]

CODE = """
import os, sys
from importlib import import_module
from pathlib import Path
from mystax.errors import Cancelled
tell = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever else is printed tells nothing
seed, *words = sys.argv[1:]
for module, name, folder in zip(*[iter(words)] * 3):
    how = "left"
    try:
        getattr(import_module(module), name)(Path(folder), seed=int(seed))
        how = "done"
    except Cancelled:
        sys.exit(1)  # nobody waits any more
    except Exception:
        pass  # it is done, or refused with its reason, where somebody waits for it
    print(how, module, file=tell, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the demonstration: a function of a folder, a `seed` and `progress` that does what is missing.

    Attributes
    ----------
    module, name : str
        The function.
    outcomes : str
        Folder of outcomes in its folder, of which a report is written.
    made : str
        Outcome that is there when nothing is left to be told.
    stage, text : str
        What it does, for the note at its begin.
    """

    module: str
    name: str
    outcomes: str
    made: str
    stage: str
    text: str


@contextmanager
def meanwhile(
    parts: Sequence[tuple[Part, Path]], *, seed: int = 0, progress: Report = silent
) -> Iterator[Callable[[Part], None]]:
    """Do parts one after another in a process of its own while other work is done.

    Parameters
    ----------
    parts : sequence of (Part, Path)
        What is done, and its folders.
    seed : int, optional
        Start of the random numbers.
    progress : callable, optional
        Takes events.

    Yields
    ------
    callable
        Finishes a part, of those in their order: waits until the process has been through it, does here what
        that could not do, or refused with a reason, and writes the report.
    """
    for part, folder in parts:
        if not (folder / part.outcomes / part.made).exists():
            progress(Event("note", part.stage, text=f"meanwhile {part.text}"))
    folders = dict(parts)
    with _process(parts, seed) as told:

        def finish(part: Part) -> None:
            how = next((how for how, module in map(str.split, told) if module == part.module), "left")
            if how != "done":
                work = getattr(import_module(part.module), part.name)
                work(folders[part], seed=seed, progress=progress)
            update_report(folders[part] / part.outcomes)

        yield finish


@contextmanager
def _process(parts: Sequence[tuple[Part, Path]], seed: int) -> Iterator[IO[str]]:
    """Begin parts beside the block; yields what tells how it went with each, in turn."""
    from mystax.engine.supervisor import child_environment

    words = [word for part, folder in parts for word in (part.module, part.name, str(folder.absolute()))]
    process = subprocess.Popen(  # noqa: S603 - this interpreter, with words of its own
        [sys.executable, "-P", "-c", CODE, str(seed), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
        text=True,
    )
    told = process.stdout
    assert told is not None  # noqa: S101 - it was asked for
    try:
        yield told
    except BaseException:
        process.terminate()
        raise
    finally:
        process.wait()
        told.close()
