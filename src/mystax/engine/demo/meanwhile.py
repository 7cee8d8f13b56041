"""Work of the demonstration that a process of its own does while other work is done."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["meanwhile"]

CODE = """
import os, sys
from importlib import import_module
from pathlib import Path
module, name, folder, seed, niceness = sys.argv[1:]
if hasattr(os, "nice"):
    os.nice(int(niceness))
getattr(import_module(module), name)(Path(folder), seed=int(seed))
"""


@contextmanager
def meanwhile(function: str, folder: Path, seed: int, *, niceness: int = 0) -> Iterator[None]:
    """Call a function of a folder and a seed in a child process; it has ended at the end of the block.

    How the child ends is not told: the caller does the work again, which finds what is there, does what is
    missing and says what is wrong.

    Parameters
    ----------
    function : str
        The function, as ``module:name``.
    folder : Path
        Its folder.
    seed : int
        Start of its random numbers.
    niceness : int, optional
        How far it gives way to the others where processors are few (POSIX); the longest work should not.
    """
    from mystax.engine.supervisor import child_environment

    module, _, name = function.partition(":")
    process = subprocess.Popen(  # noqa: S603 - this interpreter, with words of its own
        [sys.executable, "-P", "-c", CODE, module, name, str(folder.absolute()), str(seed), str(niceness)],
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
