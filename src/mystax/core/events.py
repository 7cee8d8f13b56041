"""What long work tells its caller: plain events through one callback, which may raise `Cancelled`."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field

__all__ = ["Event", "Report", "duration_text", "silent"]


@dataclass(frozen=True, slots=True)
class Event:
    """One message from work to whoever watches it.

    Attributes
    ----------
    kind : str
        ``progress``, ``note``, ``warning``, ``work`` (the folder of a pass that begins), ``checkpoint``,
        ``outcome``, ``result`` (plain values that are no outcome) or ``done``.
    stage : str
        What is being done, in a word (``pass 1``, ``svd``, ``report``).
    done, total : int
        Units finished and in all (frames, where frames are read); 0 when unknown.
    text : str
        One sentence for a person.
    data : dict
        Further plain values (JSON).
    """

    kind: str
    stage: str = ""
    done: int = 0
    total: int = 0
    text: str = ""
    data: dict[str, object] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the event."""
        return asdict(self)


Report = Callable[[Event], None]
"""Callback for events.  It may raise `mystax.errors.Cancelled`; work stops at the next safe place."""


def silent(event: Event) -> None:
    """Take an event and do nothing with it."""


def duration_text(seconds: float) -> str:
    """Write how long work takes, as exactly as one knows that before it is done.

    Examples
    --------
    >>> duration_text(0.2), duration_text(100.0), duration_text(1234.0), duration_text(7000.0)
    ('1 s', '1.7 min', '21 min', '1.9 h')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{seconds / 60:.1f} min" if seconds < 600 else f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
