"""Any history of files that come, go, move and change: rows are those of the disk, nothing is read twice."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.ingest_report import IngestReport
from mystax.engine.catalog.tables import video
from mystax.io.fingerprint import quick_id
from tests.fixtures.quick_tables import quick_tables
from tests.fixtures.sessions import OLD, new_clip

PATTERN = "{subject}/{session}/{camera}.{video}"
PLACES = [
    f"m{subject}/{session}/{camera}.mp4" for subject in (1, 2) for session in (1, 2) for camera in ("a", "b")
]
STEPS = st.tuples(
    st.sampled_from(["new", "move", "change", "delete"]), st.sampled_from(PLACES), st.sampled_from(PLACES)
)


def _ingest(catalog: Catalog, folder: Path) -> IngestReport:
    return catalog.ingest(folder, pattern=PATTERN, wait=False)


def _do(folder: Path, step: tuple[str, str, str], when: int) -> None:
    """Do something to the files, if it can be done."""
    kind, name, other = step
    file, target = folder / name, folder / other
    if kind == "new" and not file.exists():
        new_clip(file, when=OLD + when)
    elif file.exists() and kind == "change":
        new_clip(file, n_frames=21, when=OLD + when)
    elif file.exists() and kind == "delete":
        file.unlink()
    elif file.exists() and kind == "move" and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        file.rename(target)


@given(st.lists(STEPS, min_size=1, max_size=6))
def test_rows_are_those_of_the_disk(steps: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory(prefix="mystax-ingest-") as place:
        folder = Path(place, "data")
        new_clip(folder / PLACES[0])
        new_clip(folder / PLACES[-1])
        with quick_tables():
            made = Catalog.create(Path(place, "lab"))
        with made as catalog:
            _ingest(catalog, folder)
            for number, step in enumerate(steps, 1):
                _do(folder, step, number)
                files = {
                    file.relative_to(folder).as_posix(): quick_id(file) for file in folder.rglob("*.mp4")
                }
                if not files:
                    return
                found = _ingest(catalog, folder)
                assert found.conflicts == []
                with catalog.database.read() as connection:
                    query = select(video.c.path, video.c.quick_id)
                    rows = {
                        path: mark for path, mark in connection.execute(query) if (folder / path).exists()
                    }
                assert rows == files
                again = _ingest(catalog, folder)
                assert (again.added, again.changed, again.moved) == (0, 0, 0), step
