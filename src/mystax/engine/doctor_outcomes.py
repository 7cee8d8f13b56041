"""What `mystax doctor` says about folders of outcomes: strays and damaged files."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mystax.core.quality import flags_from_json
from mystax.errors import CODES, MystaxError

__all__ = ["Check", "check_outcomes", "check_strays", "outcome_folders"]

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's report.

    Attributes
    ----------
    name : str
        Name of the check.
    status : {"ok", "warn", "fail"}
        ``fail``: something is lost or damaged.
    code : str
        One of `mystax.errors.CODES`, or "".
    where : str
        File or folder.
    got : str
        What was found.
    hint : str
        What the user can do.
    """

    name: str
    status: Status
    code: str = ""
    where: str = ""
    got: str = ""
    hint: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the JSON object of the line."""
        return asdict(self)


def outcome_folders(path: Path) -> Iterator[Path]:
    """Give the folders of outcomes at and below a path, in order of their names.

    Parameters
    ----------
    path : Path
        A folder of outcomes, an outcome, or a folder above them.

    Yields
    ------
    Path
        Each folder that the store has written to.
    """
    start = path.parent if path.is_file() else path
    for hidden in sorted(start.rglob(".mystax")):
        if hidden.is_dir() and ((hidden / "sums").is_dir() or (hidden / "work").is_dir()):
            yield hidden.parent


def check_strays(folder: Path, *, fix: bool = False) -> list[Check]:
    """Look for part files, locks and spools that dead executions left behind.

    Parameters
    ----------
    folder : Path
        Folder of outcomes.
    fix : bool, optional
        Remove them.

    Returns
    -------
    list of Check
        One line per stray; one that says "ok" if there are none.
    """
    from mystax.io.store_fs import LocalFs, refusals
    from mystax.io.strays import strays

    fs = LocalFs()
    found = strays(folder, fs)
    if not found:
        return [Check("strays", "ok", where=str(folder))]
    if not fix:
        return [
            Check("strays", "warn", where=str(path), got="left by a dead process", hint="mystax doctor --fix")
            for path in found
        ]
    with refusals(folder):
        for path in found:
            fs.remove(path)
        for work in folder.glob(".mystax/work/*"):
            fs.remove_folder(work)
    return [Check("strays", "ok", where=str(path), got="removed") for path in found]


def check_outcomes(folder: Path, *, verify: bool = False, fix: bool = False) -> list[Check]:
    """Check the outcomes of a folder.

    Parameters
    ----------
    folder : Path
        Folder of outcomes.
    verify : bool, optional
        Read every byte: sums and digests.  Otherwise attributes, small variables and form only.
    fix : bool, optional
        Write sums that are missing or older than a whole outcome.  An outcome is never removed.

    Returns
    -------
    list of Check
        One line per outcome.
    """
    from mystax.io.outcomes import outcome_paths

    return [_check_outcome(path, verify=verify, fix=fix) for path in outcome_paths(folder)]


def _check_outcome(path: Path, *, verify: bool, fix: bool) -> Check:
    """Check one outcome; the first thing that is wrong makes the line."""
    from mystax.io.outcomes import Outcomes, load, verify_outcome

    try:
        if verify:
            result = verify_outcome(path)
            if result.status == "damaged":
                return _refused(path, "S502", "; ".join(result.problems[:3]))
            if result.status == "no_sum":
                return _mend_sum(path, fix=fix)
        found = load(path)
        cameras = list(found.values()) if isinstance(found, Outcomes) else [found]
    except MystaxError as error:
        return _refused(path, error.code, error.got or error.what)
    remarks = [_remark(camera.attrs) for camera in cameras]
    code = next((code for code, _ in remarks if code), "")
    text = "; ".join(dict.fromkeys(text for _, text in remarks if text))
    return Check("outcomes", "warn" if text else "ok", code, str(path), text)


def _refused(path: Path, code: str, got: str) -> Check:
    hint = {
        "S502": "move the file away and run again, or take it from a copy",
        "S505": "pip install --upgrade mystax",
    }.get(code, "")
    return Check("outcomes", "fail", code, str(path), f"{CODES[code].meaning}: {got}", hint)


def _mend_sum(path: Path, *, fix: bool) -> Check:
    """Tell of a whole outcome without its sum, or write the sum."""
    from mystax.io.store import Store

    if not fix:
        return Check("outcomes", "warn", "", str(path), "its sum is missing or older", "mystax doctor --fix")
    Store(path.parent).adopt(path.stem)
    return Check("outcomes", "ok", "", str(path), "its sum was written again")


def _remark(attributes: Mapping[Any, Any]) -> tuple[str, str]:
    """Return the first code and a text about coverage and flags; empty for a perfect outcome."""
    flags = flags_from_json(str(attributes.get("quality", "[]")))
    codes = list(dict.fromkeys(flag.code for flag in flags))
    coverage = float(attributes.get("coverage", 1.0))
    words = ([f"coverage {coverage:.4f}"] if coverage < 1 else []) + codes
    return codes[0] if codes else "", ", ".join(words)
