"""The door to viewers: who shows a recording says so by an entry point, and is never named here.

The web app of mystax registers itself in the group ``mystax.viewers``; so may any other package.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Protocol, runtime_checkable

from mystax.errors import ExtraMissing

__all__ = ["GROUP", "Shown", "Viewer", "view_recording"]

GROUP, VIEWER = "mystax.viewers", "page"
REPAIR = "pip install --force-reinstall --no-deps mystax; in a source folder: pip install -e ."


@runtime_checkable
class Shown(Protocol):
    """What a notebook shows of a recording."""

    def _repr_html_(self) -> str:
        """Return the part of a page that a notebook shows."""
        ...

    def close(self) -> None:
        """End what serves it."""
        ...


Viewer = Callable[..., Shown]
"""What an entry point names: called with a recording, and `height`, `screen` and `t` by name."""


def view_recording(
    recording: object, *, height: int = 640, screen: str = "view", t: float | None = None
) -> Shown:
    """Show a recording in the notebook: the page of `mystax app`, in a frame.

    A private server starts in a process of its own, on this machine only, and ends with the kernel.  No step
    of a measurement needs the view.

    Parameters
    ----------
    recording : Recording
        With files; frames from memory have none that another process could open.
    height : int, optional
        Height of the frame [px].
    screen : str, optional
        Which screen: ``view``, ``rois``, ``label``, ``space``, ``states``, ``neural``, ``queue``, ``models``,
        ``reports`` or ``recordings``.
    t : float, optional
        Time that is shown first [s], session clock; by default the first frame.

    Returns
    -------
    Shown
        A notebook shows it as the last value of a cell; `close` ends its server.

    Raises
    ------
    ExtraMissing
        X001, if the web app or a library that it needs is not installed.
    ParameterError
        P401, if the height, the screen or the time cannot be.
    RecipeError
        P403, if the frames of the recording come from memory.

    Examples
    --------
    >>> import mystax
    >>> mystax.open("face.mp4").view(t=12.5)  # doctest: +SKIP
    """
    return _viewer()(recording, height=height, screen=screen, t=t)


def _viewer() -> Viewer:
    """Load the viewer that is registered: that of mystax, or else the first of another package."""
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name != VIEWER)
    if not points:
        raise ExtraMissing(
            "X001",
            "the viewer",
            "not installed",
            expected=f"an entry point in the group {GROUP}",
            got="nothing",
            hint=REPAIR,
        )
    try:
        found: Viewer = points[0].load()
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            "X001",
            f"viewer {points[0].name!r}",
            "not installed as a whole",
            expected=error.name or "its modules",
            got="nothing",
            hint="pip install mystax",
        ) from error
    return found
