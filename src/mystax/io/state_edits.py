"""`states.edits.toml`: names, merges and hidden states that a person adds beside an outcome."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path

import tomli_w

from mystax.errors import FormatError, MystaxError, nearest
from mystax.io.outcome_files import read_head

__all__ = [
    "StateEdits",
    "edits_from_toml",
    "edits_path",
    "edits_to_toml",
    "read_state_edits",
    "set_edits_aside",
]

FORMAT = 1
KEYS = ("name", "merged_into", "hidden")
MAX_BYTES = 1 << 20
LONGEST = 100
"""Characters of a name at most."""


@dataclass(frozen=True, slots=True)
class StateEdits:
    """What a person says about states; the outcome itself keeps its numbers.

    Attributes
    ----------
    names : mapping of int to str
        State to its name.
    merged_into : mapping of int to int
        State to the one that it is counted with.
    hidden : frozenset of int
        States that are not shown.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    merged_into: Mapping[int, int] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()

    def attributes(self, n_states: int) -> dict[str, list[str] | list[int]]:
        """Return the attributes of a loaded outcome, one entry per state from 1.

        Parameters
        ----------
        n_states : int
            Number of states.

        Returns
        -------
        dict
            `state_name` (empty: none), `state_merged_into` (its own number: not merged; chains are
            followed to their end) and `state_hidden` (0 or 1).
        """
        every = range(1, n_states + 1)
        return {
            "state_name": [self.names.get(state, "") for state in every],
            "state_merged_into": [self._end_of(state) for state in every],
            "state_hidden": [int(state in self.hidden) for state in every],
        }

    def _end_of(self, state: int) -> int:
        while state in self.merged_into:
            state = self.merged_into[state]
        return state


def edits_path(outcome: Path) -> Path:
    """Return the place of the edits of an outcome: ``states.nc`` has ``states.edits.toml``."""
    return outcome.with_name(f"{outcome.stem}.edits.toml")


def read_state_edits(path: Path, n_states: int) -> StateEdits | None:
    """Read the edits of an outcome.

    Parameters
    ----------
    path : Path
        ``states.edits.toml``.
    n_states : int
        Number of states of the outcome.

    Returns
    -------
    StateEdits or None
        None if there is no such file.

    Raises
    ------
    FormatError
        F804, if it is damaged, or names a state that there is not.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FormatError("F804", str(path), expected="at most 1 MiB of text")
        text = path.read_text("utf-8-sig")  # some editors begin with a mark of the byte order
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError("F804", str(path), f"the edits cannot be read ({error})") from error
    return edits_from_toml(text, n_states, str(path))


def set_edits_aside(outcome: Path, key: str) -> Path | None:
    """Move edits aside if the outcome that they are about is replaced by another one.

    Parameters
    ----------
    outcome : Path
        ``states.nc``, before it is replaced.
    key : str
        Key of the outcome that will lie there.

    Returns
    -------
    Path or None
        Where the edits are now (``states.edits.old.toml``, or ``..old-2.toml``); None if
        they stay, or there are none.
    """
    edits = edits_path(outcome)
    if not edits.is_file():
        return None
    try:
        if str(read_head(outcome).attributes.get("key", "")) == key:
            return None
    except MystaxError:
        pass  # none that can be read: the names belonged to something else
    names = (f"{outcome.stem}.edits.old{number}.toml" for number in chain([""], (f"-{n}" for n in count(2))))
    aside = next(place for name in names if not (place := edits.with_name(name)).exists())
    edits.replace(aside)
    return aside


def edits_from_toml(text: str, n_states: int, where: str = "states.edits.toml") -> StateEdits:
    r"""Read edits from their text.

    Parameters
    ----------
    text : str
        TOML with ``format = 1`` and a table per state: ``[state.3]``, with name, merged_into or hidden.
    n_states : int
        Number of states of the outcome.
    where : str, optional
        Name of the file for messages.

    Returns
    -------
    StateEdits
        The edits.

    Raises
    ------
    FormatError
        F804, if an entry is unknown or of the wrong kind, a state does not exist, or merges go in a circle.

    Examples
    --------
    >>> edits_from_toml('format = 1\n[state.2]\nname = "mouth open"', 3).names
    {2: 'mouth open'}
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FormatError("F804", where, f"the file is not valid TOML ({error})") from error
    if document.get("format") != FORMAT:
        raise FormatError("F804", where, expected=f"format = {FORMAT}", got=repr(document.get("format")))
    _known(document, ("format", "state"), where)
    tables = document.get("state", {})
    if not isinstance(tables, dict) or not all(isinstance(item, dict) for item in tables.values()):
        raise FormatError("F804", where, expected="tables [state.1], [state.2], ..")
    names: dict[int, str] = {}
    merged: dict[int, int] = {}
    hidden: set[int] = set()
    for key, entry in tables.items():
        state = _state(key, n_states, where)
        _known(entry, KEYS, where)
        name, into, is_hidden = entry.get("name", ""), entry.get("merged_into"), entry.get("hidden", False)
        if not isinstance(name, str) or len(name) > LONGEST or not name.isprintable():
            raise FormatError(
                "F804", where, f"name of state {state}", expected=f"a line of at most {LONGEST} characters"
            )
        if not isinstance(is_hidden, bool):
            raise FormatError("F804", where, f"hidden of state {state}", expected="true or false")
        if name:
            names[state] = name
        if into is not None:
            merged[state] = _state(into, n_states, where)
        if is_hidden:
            hidden.add(state)
    _refuse_circles(merged, where)
    return StateEdits(names, merged, frozenset(hidden))


def _known(table: Mapping[str, object], keys: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in keys:
            raise FormatError("F804", where, f"unknown entry {key!r}{nearest(key, keys)}")


def _state(value: object, n_states: int, where: str) -> int:
    text = str(value)
    is_number = text.isdecimal() and not isinstance(value, bool)
    if not is_number or str(int(text)) != text or not 1 <= int(text) <= n_states:
        raise FormatError("F804", where, expected=f"a state from 1 to {n_states}", got=text[:40])
    return int(text)


def _refuse_circles(merged: Mapping[int, int], where: str) -> None:
    for first in merged:
        state, seen = first, {first}
        while state in merged:
            state = merged[state]
            if state in seen:
                raise FormatError("F804", where, f"state {first} is merged into itself")
            seen.add(state)


def edits_to_toml(edits: StateEdits) -> str:
    """Write edits as text that `edits_from_toml` reads back as equal.

    Parameters
    ----------
    edits : StateEdits
        The edits.

    Returns
    -------
    str
        TOML.
    """
    tables: dict[str, dict[str, object]] = {}
    for state in sorted({*edits.names, *edits.merged_into, *edits.hidden}):
        entry: dict[str, object] = {}
        if state in edits.names:
            entry["name"] = edits.names[state]
        if state in edits.merged_into:
            entry["merged_into"] = edits.merged_into[state]
        if state in edits.hidden:
            entry["hidden"] = True
        tables[str(state)] = entry
    return tomli_w.dumps({"format": FORMAT, "state": tables})
