"""Outcomes out: which recordings a request means, and the writer of each format."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystax.core.events import Report, silent
from mystax.errors import RecipeError

if TYPE_CHECKING:
    from mystax.io.alf import AlfOptions
    from mystax.io.nwb.writer import NwbOptions
else:
    AlfOptions = NwbOptions = Any

__all__ = ["export_alf", "export_nwb", "export_points", "export_tables", "nwb_place"]


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


def export_nwb(
    targets: Sequence[Path],
    path: Path | None,
    options: NwbOptions,
    *,
    analyses: Collection[str] = (),
    report: Report = silent,
) -> Path:
    """Write outcomes as an NWB file.

    Parameters
    ----------
    targets : sequence of Path
        Outcome files or folders.
    path : Path or None
        The file; by default beside the target.
    options : NwbOptions
        How.
    analyses : collection of str, optional
        Only these.
    report : callable, optional
        Takes events.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ExtraMissing
        X001, if pynwb is not installed; before anything is read.
    MystaxError
        As `mystax.io.nwb.writer.write_nwb` and `mystax.load`.
    """
    from mystax.io.nwb import library

    library.pynwb()
    from mystax.io.nwb.writer import write_nwb
    from mystax.io.recorded import find_recorded

    place = nwb_place(targets, path)
    return write_nwb(place, find_recorded(targets, analyses), options, report)


def export_alf(
    targets: Sequence[Path],
    folder: Path,
    options: AlfOptions,
    *,
    analyses: Collection[str] = (),
) -> list[Path]:
    """Write outcomes as files of the International Brain Laboratory.

    Parameters
    ----------
    targets : sequence of Path
        Outcome files or folders.
    folder : Path
        The session folder; files go into its ``alf``.
    options : AlfOptions
        How.
    analyses : collection of str, optional
        Only these.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    MystaxError
        As `mystax.io.alf.write_alf` and `mystax.load`.
    """
    from mystax.io.alf import write_alf
    from mystax.io.recorded import find_recorded

    return write_alf(folder, find_recorded(targets, analyses), options)


def export_tables(
    targets: Sequence[Path],
    folder: Path,
    form: str,
    *,
    analyses: Collection[str] = (),
    overwrite: bool = False,
) -> list[Path]:
    """Write outcomes as tables.

    Parameters
    ----------
    targets : sequence of Path
        Outcome files or folders.
    folder : Path
        Where the tables go.
    form : {"csv", "parquet"}
        Format.
    analyses : collection of str, optional
        Only these.
    overwrite : bool, optional
        Replace tables of the same names.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    MystaxError
        As `mystax.io.tables.write_tables` and `mystax.load`.
    """
    from mystax.io.recorded import find_recorded
    from mystax.io.tables import check_tables, write_tables

    check_tables(form)
    return write_tables(folder, find_recorded(targets, analyses), form, overwrite=overwrite)


def export_points(
    targets: Sequence[Path],
    folder: Path,
    form: str,
    *,
    analyses: Collection[str] = (),
    overwrite: bool = False,
) -> list[Path]:
    """Write points in space as tables of another tool.

    Parameters
    ----------
    targets : sequence of Path
        Outcome files or folders.
    folder : Path
        Where the tables go.
    form : {"anipose", "dlc-3d"}
        Format.
    analyses : collection of str, optional
        Only these.
    overwrite : bool, optional
        Replace tables of the same names.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    MystaxError
        As `mystax.io.points_files.write_points` and `mystax.load`.
    """
    from mystax.io.points_files import write_points
    from mystax.io.recorded import find_recorded

    return write_points(folder, find_recorded(targets, analyses), form, overwrite=overwrite)
