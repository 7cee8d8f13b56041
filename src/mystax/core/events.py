"""What long work tells its caller: plain events through one callback, which may raise `Cancelled`."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field

__all__ = ["Event", "Report", "silent"]


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
