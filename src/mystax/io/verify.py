"""Full checks of outcomes: the sums of their bytes and the digests of all their values."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from mystax.errors import DamagedError, FormatError, MystaxError, RecipeError
from mystax.io.digests import Attribute, file_digest
from mystax.io.outcome_files import check_head, open_outcome, read_head, variable_digest

__all__ = ["OutcomeSum", "Verification", "digest_problems", "read_sum", "sum_of", "verify_outcome"]


@dataclass(frozen=True, slots=True)
class OutcomeSum:
    """What a sum file says: the key of the outcome, and the sha256 of its bytes."""

    key: str
    digest: str


def sum_of(path: Path) -> Path:
    """Return the place of the sum of an outcome."""
    return path.parent / ".mystax" / "sums" / f"{path.name}.sha256"


def read_sum(path: Path) -> OutcomeSum | None:
    """Read a sum file; None if there is none or it is not understood."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    match = re.fullmatch(r"# key (\S*)\n([0-9a-f]{64})  [^\n]+\n", text)
    return OutcomeSum(match[1], match[2]) if match else None


def digest_problems(path: Path) -> list[str]:
    """Read a whole outcome and compare all its digests.

    Returns
    -------
    list of str
        What does not agree; empty for a good file.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    StoreError
        S505, if a newer mystax made it.
    """
    try:
        with open_outcome(path) as outcome:
            head = check_head(outcome, path)
            return [
                f"values of {name!r} differ from their digest"
                for name, digest in head.digests.items()
                if not name.endswith("/") and variable_digest(outcome[name], name, head.dims[name]) != digest
            ]
    except (DamagedError, FormatError) as error:
        return [error.got or error.what]


@dataclass(frozen=True, slots=True)
class Verification:
    """Result of a full check of one outcome.

    Attributes
    ----------
    path : Path
        The outcome.
    status : {"ok", "no_sum", "damaged"}
        ``no_sum``: all digests hold, and its sum is missing or belongs to an older outcome.
    problems : tuple of str
        What does not agree.
    key : str
        Key of the outcome, where it can be read.
    attributes : dict
        Its global attributes, where they can be read.
    """

    path: Path
    status: str
    problems: tuple[str, ...] = ()
    key: str = ""
    attributes: dict[str, Attribute] = field(default_factory=dict)


def verify_outcome(path: str | Path) -> Verification:
    """Check every byte of an outcome: its sum, and the digests of all its values.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Verification
        What was found.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    """
    place = Path(path)
    try:
        head = read_head(place)
        problems = digest_problems(place)
    except RecipeError:
        raise
    except MystaxError as error:
        return Verification(place, "damaged", (error.got or error.what,))
    noted = read_sum(sum_of(place))
    if noted is not None and noted.key == head.key and noted.digest != file_digest(place):
        problems.append("bytes that differ from the sum")
    if problems:
        return Verification(place, "damaged", tuple(problems), head.key, head.attributes)
    status = "ok" if noted is not None and noted.key == head.key else "no_sum"
    return Verification(place, status, (), head.key, head.attributes)
