"""States: example bouts, and what a person says of them."""

from pydantic import Field

from mystax.app.schemas.base import Exchanged

__all__ = [
    "Bout",
    "StateEdit",
    "StateEditSet",
]


class StateEdit(Exchanged):
    """What a person says of a state: its name, the state that it is counted with, whether it is shown."""

    state: int
    name: str = ""
    merged_into: int | None = None
    hidden: bool = False


class Bout(Exchanged):
    """An example bout of a state: first and last time [s], and whether its ends are those of the state."""

    start: float
    stop: float
    is_whole: bool


class StateEditSet(Exchanged):
    """The states of an outcome that anything is said of; `rev` is what `If-Match` names."""

    rev: str
    states: list[StateEdit] = Field(max_length=1000)
