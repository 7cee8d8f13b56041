"""Many sessions, some damaged, while drivers and children are killed: everything ends done or explained."""

import hashlib
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import xarray as xr

import mystax
from mystax.engine.catalog.tables import attempt, job, outcome, recording
from tests.fixtures.catalogues import Lab
from tests.fixtures.commands import run_command
from tests.fixtures.sessions_under_kills import Drivers, Night, disturb, make_night

SHORT, LONG = (20, 4), (200, 40)
"""Sessions, and how often something is killed or stopped meanwhile."""

SEED = 20260730


def check_ends(night: Night) -> None:
    """Every job is done, once, or has failed with a code and a hint; what has no job is bad with a code."""
    lab = night.wild
    folders = dict(lab.rows(recording.c.id, recording.c.folder))
    ends = {folders[row.recording_id]: row.state for row in lab.rows(job.c.recording_id, job.c.state)}
    assert ends == {name: "failed" if name in night.failing else "done" for name in ends}
    assert len(ends) == night.n_jobs
    published = Counter(
        row.job_id
        for row in lab.rows(attempt.c.job_id, attempt.c.ending)
        if row.ending in ("done", "adopted")
    )
    assert set(published.values()) == {1}
    assert len(published) == night.n_jobs - len(night.failing)
    groups = run_command("queue", "errors", "--json", cwd=lab.folder).json["groups"]
    assert sum(group["count"] for group in groups) == len(night.failing)
    assert [group["code"] for group in groups] == ["V130"] * len(groups)
    assert all(group[name] for group in groups for name in ("code", "where", "got", "hint"))
    bad = run_command("catalog", "list", "quality=bad", "--json", cwd=lab.folder).json["recordings"]
    assert {item["folder"] for item in bad} == set(night.hurt["no video"])
    assert all("V104" in item["codes"] for item in bad)


def check_files(lab: Lab) -> None:
    """No part is left, nothing was published twice, every file is whole and is the one of its row."""
    assert not list(lab.out.rglob("*.part"))
    assert not list(lab.out.rglob(".mystax/old/*"))
    assert not list(lab.out.rglob(".mystax/work/*"))
    rows = lab.rows(outcome.c.path, outcome.c.sha256, outcome.c.content_sha256, outcome.c.state)
    assert {row.path for row in rows} == {
        path.relative_to(lab.out).as_posix() for path in lab.out.rglob("*.nc")
    }
    for row in rows:
        path = lab.out / row.path
        assert row.state == "current"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256
        found = mystax.load(path)
        assert isinstance(found, xr.Dataset)
        assert found.load().attrs["content_sha256"] == row.content_sha256


def sums(lab: Lab, without: list[str]) -> dict[str, str]:
    """Return what the outcomes of the sessions hold, as sums."""
    rows = lab.rows(outcome.c.path, outcome.c.content_sha256)
    return {row.path: row.content_sha256 for row in rows if row.path.partition("/")[0] not in without}


@pytest.mark.slow
@pytest.mark.parametrize(("n_sessions", "n_kills"), [SHORT, LONG])
def test_sessions_under_kills_end_done_or_explained(tmp_path: Path, n_sessions: int, n_kills: int) -> None:
    night = make_night(tmp_path, n_sessions, SEED)
    start = time.monotonic()
    drivers = Drivers(night.wild, *(["--no-report"] if (n_sessions, n_kills) == LONG else []))
    done = disturb(night.wild, drivers, n_kills, SEED)
    assert set(drivers.finish()) <= {0, 3}
    last = run_command("queue", "work", "--cores", "2", "--json", cwd=night.wild.folder)
    assert last.json["tally"]["done"] == 0
    sys.stdout.write(f"{n_sessions} sessions, {dict(done)} in {time.monotonic() - start:.0f} s\n")
    check_ends(night)
    check_files(night.wild)
    assert sums(night.wild, night.failing) == sums(night.calm, night.failing)
    flags = Counter(flag["code"] for row in night.wild.rows(outcome.c.quality) for flag in row.quality)
    assert {"V101", "V105"} <= set(flags) | ({"V105"} if "V106" in flags else set())
