"""Parts of the demonstration that a process of its own does while other work is done."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from mystax.core.events import Event, Report, silent

__all__ = ["Beside", "Part", "meanwhile"]

CODE = """
import os, sys
from importlib import import_module
from pathlib import Path
from mystax.errors import Cancelled
tell = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever else is printed tells nothing
seed, *words = sys.argv[1:]
for module, name, loads, folder in zip(*[iter(words)] * 4):
    how = "left"
    try:
        work = getattr(import_module(module), name)
        for needed in loads.split():
            import_module(needed)
        if not sys.stdin.readline():  # it may begin; nothing comes when nobody waits any more
            sys.exit(1)
        work(Path(folder), seed=int(seed))
        how = "done"
    except Cancelled:
        sys.exit(1)  # nobody waits any more
    except Exception:
        pass  # it is done, or refused with its reason, where somebody waits for it
    print(how, module, file=tell, flush=True)
"""


GRACE = 1.0
"""How long the process may take to keep what it has, when nobody waits for it any more [s]."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the demonstration: a function of a folder, a `seed` and `progress` that does what is missing.

    Attributes
    ----------
    module, name : str
        The function.
    loads : str
        Modules that it needs, apart by blanks: they are loaded while it waits.
    made : str
        Outcome in its folder that is there when nothing is left to be told.
    stage, text : str
        What it does, for the note at its begin.
    """

    module: str
    name: str
    loads: str
    made: str
    stage: str
    text: str


class Beside:
    """Parts that a process of its own does one after another, each when it may begin.

    Parameters
    ----------
    parts : sequence of (Part, Path)
        What is done, in this order, and its folders.
    process : Popen
        What does it; its pipes are texts.
    seed : int
        Start of the random numbers.
    progress : callable
        Takes events.
    """

    def __init__(
        self,
        parts: Sequence[tuple[Part, Path]],
        process: Any,
        seed: int,
        progress: Report,
    ) -> None:
        self._folders, self._process = dict(parts), process
        self._seed, self._progress = seed, progress

    def begin(self, part: Part) -> None:
        """Let the next part begin: what it needs is there."""
        if not (self._folders[part] / part.made).exists():
            self._progress(Event("note", part.stage, text=f"meanwhile {part.text}"))
        with suppress(OSError):  # who has ended does nothing; then it is done where it is finished
            self._process.stdin.write("begin\n")
            self._process.stdin.flush()

    def finish(self, part: Part) -> None:
        """Wait until the process has been through a part that has begun.

        What the process could not do, or refused with a reason, is done here.
        """
        told = self._process.stdout
        how = next((how for how, module in map(str.split, told) if module == part.module), "left")
        if how != "done":
            work = getattr(import_module(part.module), part.name)
            work(self._folders[part], seed=self._seed, progress=self._progress)


@contextmanager
def meanwhile(
    parts: Sequence[tuple[Part, Path]], *, seed: int = 0, progress: Report = silent
) -> Iterator[Beside]:
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
    Beside
        Lets parts begin, and finishes them, in their order.
    """
    from mystax.engine.supervisor import child_environment

    words = [
        word
        for part, folder in parts
        for word in (part.module, part.name, part.loads, str(folder.absolute()))
    ]
    process: Any = subprocess.Popen(  # noqa: S603 - this interpreter, with words of its own
        [sys.executable, "-P", "-c", CODE, str(seed), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
        text=True,
    )
    try:
        yield Beside(parts, process, seed, progress)
    except BaseException:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):  # a run keeps a checkpoint unless it compiles
            process.wait(GRACE)
        process.kill()
        raise
    finally:
        with suppress(OSError):
            process.stdin.close()
        process.wait()
        process.stdout.close()
