"""Outcomes of recordings in any format that leaves mystax: the one place that knows which writer is whose."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystax.core.events import Report, silent
from mystax.errors import ParameterError, nearest

if TYPE_CHECKING:
    from mystax.io.alf import AlfOptions
    from mystax.io.nwb.options import NwbOptions
    from mystax.io.recorded import Recorded
else:
    AlfOptions = NwbOptions = Recorded = Any

__all__ = ["WRITERS", "check_writer", "write_recorded"]

TABLES, POINTS = ("csv", "parquet"), ("anipose", "dlc-3d")
WRITERS = ("nwb", "alf", *TABLES, *POINTS)
"""Formats in which any recordings may leave."""


def check_writer(form: str) -> None:
    """Refuse a format that is unknown, or needs what is not installed, before anything is read.

    Parameters
    ----------
    form : str
        One of `WRITERS`.

    Raises
    ------
    ParameterError
        P401, for an unknown format.
    ExtraMissing
        X001, if what it needs is not installed.
    """
    if form not in WRITERS:
        raise ParameterError("P401", "format", f"there is no {form!r}{nearest(form, WRITERS)}")
    if form in TABLES:
        from mystax.io.tables import check_tables

        check_tables(form)
    elif form == "nwb":
        from mystax.io.nwb import library

        library.pynwb()


def write_recorded(
    form: str,
    place: Path,
    recordings: Sequence[Recorded],
    *,
    nwb: NwbOptions | None = None,
    alf: AlfOptions | None = None,
    overwrite: bool = False,
    report: Report = silent,
) -> list[Path]:
    """Write recordings in a format.

    Parameters
    ----------
    form : str
        One of `WRITERS`.
    place : Path
        The file (``nwb``), the session (``alf``), or the folder.
    recordings : sequence of Recorded
        The outcomes.
    nwb, alf : NwbOptions, AlfOptions, optional
        How files of these formats are written.
    overwrite : bool, optional
        Replace files of the same names; also if the options of the format say so.
    report : callable, optional
        Takes events.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ParameterError, ExtraMissing
        As `check_writer`.
    MystaxError
        As `mystax.io.nwb.writer.write_nwb`, `mystax.io.alf.write_alf`, `mystax.io.tables.write_tables` and
        `mystax.io.points_files.write_points`.
    """
    check_writer(form)
    if form == "nwb":
        from mystax.io.nwb.options import NwbOptions as OfNwb
        from mystax.io.nwb.writer import write_nwb

        of_nwb = nwb or OfNwb()
        return [
            write_nwb(place, recordings, replace(of_nwb, overwrite=overwrite or of_nwb.overwrite), report)
        ]
    if form == "alf":
        from mystax.io.alf import AlfOptions as OfAlf
        from mystax.io.alf import write_alf

        of_alf = alf or OfAlf()
        return write_alf(place, recordings, replace(of_alf, overwrite=overwrite or of_alf.overwrite))
    if form in POINTS:
        from mystax.io.points_files import write_points

        return write_points(place, recordings, form, overwrite=overwrite)
    from mystax.io.tables import write_tables

    return write_tables(place, recordings, form, overwrite=overwrite)
