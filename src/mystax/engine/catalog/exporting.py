"""Outcomes of many recordings of a catalogue out: each recording is finished, or its error says why not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import select

from mystax.core.events import Event, Report, silent
from mystax.engine.catalog.database import Database
from mystax.engine.catalog.query import ids_where, select_outcomes, select_recordings
from mystax.engine.catalog.tables import outcome, recording, subject
from mystax.engine.export import FORMS, ExportWish, export_targets
from mystax.errors import Cancelled, InternalError, MystaxError, RecipeError
from mystax.io.nwb.options import NwbOptions, SubjectFacts
from mystax.io.store_fs import refusals

__all__ = ["Exported", "export_selected"]


@dataclass
class Exported:
    """What became of one recording.

    Attributes
    ----------
    label : str
        Such as ``r12``.
    folder : str
        Its folder below that of all outcomes; its files have the same place in the folder of the export.
    files : list of Path
        What was written.
    errors : dict of str to MystaxError
        Format to what hindered it; a bug (B999) has the exception itself as its cause.
    """

    label: str
    folder: str
    files: list[Path] = field(default_factory=list)
    errors: dict[str, MystaxError] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the recording."""
        failed = {form: error.record().as_dict() for form, error in self.errors.items()}
        return {
            "recording": self.label,
            "folder": self.folder,
            "files": list(map(str, self.files)),
            "failed": failed,
        }


@dataclass(frozen=True)
class _Chosen:
    """One recording with the outcomes that are meant, and what NWB wants to know of it."""

    label: str
    folder: str
    paths: Sequence[Path]
    start: datetime | None
    subject: SubjectFacts


def export_selected(
    database: Database,
    out: Path,
    where: str | Sequence[str],
    wish: ExportWish,
    *,
    report: Report = silent,
) -> Iterator[Exported]:
    """Write the current outcomes of recordings in other formats, one recording after the other.

    Parameters
    ----------
    database : Database
        The catalogue.
    out : Path
        The folder of outcomes.
    where : str or sequence of str
        Condition on recordings and outcomes, such as ``subject=m1* analysis=pupil``; empty for all.
    wish : ExportWish
        What is written, and the folders that take the files of all recordings.
    report : callable, optional
        Takes events.

    Yields
    ------
    Exported
        One per recording for which the condition holds, also where nothing could be written: then it says
        why, and the next recording is tried.

    Raises
    ------
    RecipeError
        P403, if the condition is not understood, no recording is meant, or a format is unknown.
    CatalogError
        Q603.
    """
    unknown = sorted(set(wish.forms) - set(FORMS))
    if unknown:
        raise RecipeError("P403", f"format {unknown[0]!r}", expected=", ".join(FORMS))
    chosen = _chosen(database, out, where)
    if not chosen:
        raise RecipeError(
            "P403",
            f"condition {_text(where)!r}",
            "no recording is meant",
            hint="mystax catalog list shows all",
        )
    for number, one in enumerate(chosen):
        report(Event("progress", "export", done=number, total=len(chosen), text=one.folder))
        yield _export_one(one, wish, report)


def _text(where: str | Sequence[str]) -> str:
    return where if isinstance(where, str) else " ".join(where)


def _export_one(one: _Chosen, wish: ExportWish, report: Report) -> Exported:
    """Write one recording in all formats; what hinders a format does not hinder the next."""
    told = Exported(one.label, one.folder)
    if not one.paths:
        name, hint = f"{one.label} {one.folder}", "mystax queue add, mystax queue work"
        told.errors = dict.fromkeys(
            wish.forms, RecipeError("P403", name, "it has no such outcome yet", hint=hint)
        )
        return told
    for form, folder in wish.forms.items():
        try:
            told.files += _write(one, form, folder / one.folder, wish, report)
        except Cancelled:
            raise
        except MystaxError as error:
            told.errors[form] = error
        except Exception as error:  # noqa: BLE001 - whatever one recording brings out, the next is tried
            told.errors[form] = _bug(one, form, error)
    return told


def _bug(one: _Chosen, form: str, error: Exception) -> InternalError:
    """Return the error that stands for a failure that nobody foresaw, with that as its cause."""
    bug = InternalError("B999", f"{one.label} {one.folder}", f"{form}: {type(error).__name__}: {error}")
    bug.__cause__ = error
    return bug


def _write(one: _Chosen, form: str, place: Path, wish: ExportWish, report: Report) -> list[Path]:
    """Write one recording in one format.

    Raises
    ------
    MystaxError
        As `export_targets`; S501, S503, as the disk refuses.
    """
    with refusals(place):
        if form != "nwb":
            return export_targets(one.paths, form, place, wish, report=report)
        place.parent.mkdir(parents=True, exist_ok=True)
        file = place.with_name(f"{place.name}.nwb")
        told = wish.nwb or NwbOptions()
        known = replace(told, start=one.start or told.start, subject=_known_first(one.subject, told.subject))
        return export_targets(one.paths, form, file, replace(wish, nwb=known), report=report)


def _known_first(known: SubjectFacts, told: SubjectFacts) -> SubjectFacts:
    """Put together what the catalogue knows of a subject, and what was told for those of whom it does not."""
    return SubjectFacts(
        known.subject_id or told.subject_id,
        known.species or told.species,
        known.sex or told.sex,
        known.age or told.age,
    )


def _chosen(database: Database, out: Path, where: str | Sequence[str]) -> list[_Chosen]:
    """Read the recordings that are meant, in order of their rows."""
    columns = (recording.c.id, recording.c.folder, recording.c.start)
    heads = select(*columns, subject.c.name, subject.c.species, subject.c.sex, subject.c.birth)
    with database.read() as connection:
        wanted = ids_where(connection, select_recordings(where))
        rows = {row.id: row for row in connection.execute(heads.join(subject, isouter=True))}
        meant = set(ids_where(connection, select_outcomes(where)))
        query = select(outcome.c.id, outcome.c.recording_id, outcome.c.path).order_by(outcome.c.path)
        paths: dict[int | None, list[Path]] = {}
        for one, belongs, path in connection.execute(query):
            if one in meant:
                paths.setdefault(belongs, []).append(out / path)
    found = []
    for number in wanted:
        row = rows[number]
        start = None if row.start is None else datetime.fromtimestamp(row.start, UTC)
        facts = SubjectFacts(row.name or "", row.species or "", _sex(row.sex), _age(row.birth or "", start))
        found.append(_Chosen(f"r{number}", row.folder, paths.get(number, []), start, facts))
    return found


def _sex(text: str | None) -> str:
    """Return the letter that NWB has for a sex; empty if the word tells none."""
    letter = (text or "").strip()[:1].upper()
    return letter if letter in ("F", "M", "U", "O") else ""


def _age(birth: str, start: datetime | None) -> str:
    """Return the age at the start as NWB writes it (``P90D``); empty if one of both is not known."""
    try:
        born = date.fromisoformat(birth.strip()[:10])
    except ValueError:
        return ""
    days = -1 if start is None else (start.date() - born).days
    return f"P{days}D" if days >= 0 else ""
