"""Acceptance of the catalogue: many recordings, damaged videos, and what a single run must not load."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mystax.engine.catalog.catalog import Catalog
from mystax.io.outcome_files import read_head
from mystax.synth import faulty_video
from tests.fixtures.catalogues import Lab
from tests.fixtures.commands import call
from tests.fixtures.sessions import OLD, neuroblueprint, new_clip

CAMERAS = ("left", "right", "face")
KINDS = {
    "cut_50": {"V101"},
    "no_index": {"V102"},
    "empty": {"V103"},
    "text": {"V104"},
    "count_lies": {"V106"},
    "vfr": {"V110"},
    "pts_backward": {"V111"},
    "interlaced": {"V112"},
    "gap": {"V113"},
    "aspect": {"V114"},
}
"""Ten kinds of damage that the packets of an mp4 file show, and their codes."""


def _move(files: list[Path], n: int) -> None:
    for file in files[:n]:
        (file.parent / "moved").mkdir(exist_ok=True)
        file.rename(file.parent / "moved" / file.name)


def test_many_recordings_again_and_after_a_move(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = neuroblueprint(tmp_path / "whisk", 3, 2, CAMERAS)
    assert call(capsys, "catalog", "create", tmp_path / "lab").status == 0
    words = ("catalog", "ingest", tmp_path / "whisk", "--catalog", tmp_path / "lab", "--json")

    def ingest() -> list[object]:
        found = call(capsys, *words).json
        return [found[name] for name in ("recordings", "videos", "added", "changed", "moved", "errors")]

    assert ingest() == [6, 18, 6, 0, 0, []]
    assert ingest() == [6, 18, 0, 0, 0, []]
    _move(files, 4)
    assert ingest() == [6, 18, 0, 0, 4, []]


@pytest.mark.parametrize("n_seeds", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_damaged_clips_show_exactly_their_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], n_seeds: int
) -> None:
    wanted: dict[str, set[str]] = {}
    for kind, codes in KINDS.items():
        for seed in range(n_seeds):
            subject = f"{kind.replace('_', '')}{seed}"
            wanted[subject] = codes
            place = tmp_path / "whisk" / "rawdata" / f"sub-{subject}" / "ses-1_date-20260102" / "behav"
            place.mkdir(parents=True)
            truth = faulty_video(place / "face.mp4", kind, n_frames=60, size=(64, 48), seed=seed)
            assert truth.codes <= codes, kind
            os.utime(place / "face.mp4", (OLD, OLD))
    neuroblueprint(tmp_path / "whisk")
    assert call(capsys, "catalog", "create", tmp_path / "lab").status == 0
    assert call(capsys, "catalog", "ingest", tmp_path / "whisk", "--catalog", tmp_path / "lab").status == 0
    listed = call(
        capsys, "catalog", "list", "quality=bad,warned", "--catalog", tmp_path / "lab", "--json"
    ).json
    found = {
        row["subject"]: {code for code in row["codes"] if code[0] == "V"} for row in listed["recordings"]
    }
    assert found == wanted


@pytest.mark.parametrize("kind", ["cut_50", "cut_60"])
def test_cut_avi_has_its_true_number_of_frames(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "whisk" / "m1"
    place.mkdir(parents=True)
    truth = faulty_video(place / "face.avi", kind, container="avi", n_frames=120, size=(64, 48))
    os.utime(place / "face.avi", (OLD, OLD))
    with Catalog.create(tmp_path / "lab") as catalog:
        catalog.ingest(tmp_path / "whisk", pattern="folders")
        (row,) = catalog.recordings()
    assert row["n_frames"] == truth.n_frames < 120
    assert "V101" in row["codes"]


def test_single_run_loads_neither_database_nor_cluster_and_makes_no_database(tmp_path: Path) -> None:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=20, size=(64, 48))
    code = (
        "import sys\nfrom mystax.cli import main\n"
        "try: main(['run', 'face.mp4', '--analyses', 'motion'])\n"
        "except SystemExit as left: assert not left.code, left.code\n"
        "print('MODULES', *{name.split('.')[0] for name in sys.modules})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split("MODULES")[-1].split())
    assert not loaded & {"sqlalchemy", "alembic", "psycopg", "dask", "distributed"}
    assert (tmp_path / "face.mystax" / "motion.nc").is_file()
    assert not list(tmp_path.rglob("*.db"))


def test_lost_database_comes_back_with_equal_keys_and_the_queue_has_nothing_to_do(tmp_path: Path) -> None:
    new_clip(tmp_path / "videos" / "face.mp4")
    with Catalog.create(tmp_path / "lab") as catalog:
        catalog.ingest(tmp_path / "videos", pattern="files")
        assert len(catalog.add("quick")) == 1
        assert Lab(tmp_path / "lab", catalog.database, catalog.out).do_all() == ["done"]
        before = {path: read_head(path).key for _, path in catalog.outcomes()}
    for file in (tmp_path / "lab").glob("mystax.db*"):
        file.unlink()
    with Catalog.at(tmp_path / "lab") as catalog:
        assert catalog.rebuild().outcomes == len(before) == 1
        assert {path: read_head(path).key for _, path in catalog.outcomes()} == before
        assert catalog.add("quick") == []


@pytest.mark.slow
def test_400_recordings_of_3_videos_within_the_goals(tmp_path: Path) -> None:
    files = neuroblueprint(tmp_path / "whisk", 100, 4, CAMERAS)
    with Catalog.create(tmp_path / "lab") as catalog:
        start = time.process_time()
        found = catalog.ingest(tmp_path / "whisk")
        first, start = time.process_time() - start, time.process_time()
        again = catalog.ingest(tmp_path / "whisk")
        second = time.process_time() - start
        _move(files, 10)
        moved = catalog.ingest(tmp_path / "whisk")
    assert (found.recordings, found.videos, found.added, found.conflicts) == (400, 1200, 400, [])
    assert (again.added, again.unchanged) == (0, 400)
    assert (moved.moved, moved.changed) == (10, 0)
    assert first <= 60  # seconds of CPU: the goal is wall time on an idle machine
    assert second <= 5
