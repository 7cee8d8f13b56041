"""Outcomes out: which recordings a request means, where their files go, and how they are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystax.core.events import Report, silent
from mystax.core.safe_names import is_there
from mystax.errors import ParameterError, RecipeError, nearest

if TYPE_CHECKING:
    from mystax.io.alf import AlfOptions
    from mystax.io.formats.facemap_export import Flavour
    from mystax.io.nwb.options import NwbOptions
else:
    AlfOptions = NwbOptions = Any
    Flavour = str

__all__ = ["FORMS", "ExportWish", "export_targets", "nwb_place"]

FORMS = ("nwb", "alf", "csv", "parquet", "anipose", "dlc_3d", "facemap")
"""Formats in which outcomes leave."""


@dataclass(frozen=True)
class ExportWish:
    """What is written of outcomes.

    Attributes
    ----------
    forms : mapping of str to Path
        Format (one of `FORMS`) to where it goes: the file (``nwb``), or the folder; for many recordings the
        folder that takes the files of all.
    analyses : sequence of str
        Only these; by default all that there are.
    nwb : NwbOptions, optional
        How NWB files are written; what a catalogue knows of start and subject goes before it.
    alf : AlfOptions, optional
        How ALF files are written.
    flavour : {"facemap", "element"}
        Of Facemap's files.
    matlab : bool
        ``_proc.mat`` instead of ``_proc.npy``.
    overwrite : bool
        Replace files of the same names.
    """

    forms: Mapping[str, Path]
    analyses: Sequence[str] = ()
    nwb: NwbOptions | None = None
    alf: AlfOptions | None = None
    flavour: Flavour = "facemap"
    matlab: bool = False
    overwrite: bool = False


def nwb_place(targets: Sequence[Path], given: Path | None) -> Path:
    """Return where an NWB file goes: as given, else beside the only target, with its name.

    Parameters
    ----------
    targets : sequence of Path
        What is exported.
    given : Path or None
        The file.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RecipeError
        P403, if several targets need a name for their file.
    """
    if given is not None:
        return given
    if len(targets) > 1:
        raise RecipeError(
            "P403", "--nwb", "several targets go into one file: name it", hint="--nwb session.nwb"
        )
    target = targets[0].resolve()
    return target.with_name(f"{target.stem}.nwb")


def export_targets(
    targets: Sequence[Path], form: str, place: Path, wish: ExportWish, *, report: Report = silent
) -> list[Path]:
    """Write outcomes in one format.

    Parameters
    ----------
    targets : sequence of Path
        Outcome files or folders.
    form : str
        One of `FORMS`.
    place : Path
        The file (``nwb``), the session (``alf``), or the folder; Facemap's files of several folders of
        outcomes go into a folder each.
    wish : ExportWish
        How; where it goes is told by `place` alone.
    report : callable, optional
        Takes events.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ParameterError
        P401, for an unknown format; before anything is read.
    ExtraMissing
        X001, if what it needs is not installed; before anything is read.
    MystaxError
        As `mystax.io.exports.write_recorded`, `mystax.engine.exchange.export_facemap` and `mystax.load`.
    """
    if form not in FORMS:
        raise ParameterError("P401", "format", f"there is no {form!r}{nearest(form, FORMS)}")
    if form == "facemap":
        return _export_facemap(targets, place, wish)
    from mystax.io.exports import check_writer, write_recorded
    from mystax.io.recorded import find_recorded

    writer = form.replace("_", "-")
    check_writer(writer)
    found = find_recorded(targets, wish.analyses)
    return write_recorded(
        writer, place, found, nwb=wish.nwb, alf=wish.alf, overwrite=wish.overwrite, report=report
    )


def _export_facemap(targets: Sequence[Path], place: Path, wish: ExportWish) -> list[Path]:
    """Write Facemap's file of each folder of outcomes."""
    from mystax.engine.exchange import export_facemap

    homes = list(dict.fromkeys(path.parent if is_there(path) else path for path in targets))
    return [
        export_facemap(
            home,
            place / home.name if len(homes) > 1 else place,
            flavour=wish.flavour,
            matlab=wish.matlab,
            overwrite=wish.overwrite,
        )
        for home in homes
    ]
