"""The NWB libraries, imported when they are first used: pynwb, hdmf, ndx-pose and the inspector."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from mystax.core.extras import require

__all__ = ["inspector", "ndx_pose", "pynwb", "quiet"]

EXTRA = "nwb"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep remarks of the libraries to themselves: what matters is checked afterwards and told by us."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def pynwb() -> ModuleType:
    """Return pynwb.

    Raises
    ------
    ExtraMissing
        X001, if it is not installed.
    """
    with quiet():
        return require("pynwb", EXTRA)


def ndx_pose() -> ModuleType:
    """Return the extension for poses.

    Raises
    ------
    ExtraMissing
        X001, if it is not installed.
    """
    with quiet():
        return require("ndx_pose", EXTRA)


def inspector() -> ModuleType:
    """Return the inspector of NWB files.

    Raises
    ------
    ExtraMissing
        X001, if it is not installed.
    """
    with quiet():
        return require("nwbinspector", "dev")
