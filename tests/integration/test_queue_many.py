"""Many sessions, some damaged, while drivers and children are killed: everything ends done or explained."""

import os
import random
import shutil
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from mystax.engine.catalog.status import job_errors
from mystax.engine.catalog.tables import attempt, outcome
from tests.fixtures.catalogues import Lab, make_lab
from tests.integration.test_queue import finish, start_driver, wait_for


def damage(lab: Lab, seed: int) -> tuple[list[str], list[str]]:
    """Flip bytes in 5 % of the films (they are measured with flags); name 5 % that kill their analysis."""
    rng = random.Random(seed)  # noqa: S311 - places, no secrets
    folders = sorted((lab.folder / "films").iterdir())
    n = max(1, len(folders) // 20)
    flipped = folders[1 : 1 + n]
    for folder in flipped:
        path = folder / "face.avi"
        state, data = path.stat(), bytearray(path.read_bytes())
        for _ in range(40):
            data[rng.randrange(len(data) // 3, 2 * len(data) // 3)] ^= 0xFF
        path.write_bytes(data)
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    return [path.name for path in flipped], [path.name for path in folders[-n:]]


def many(tmp_path: Path, n: int, n_kills: int, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - moments, no secrets
    calm = make_lab(tmp_path / "calm", n, damaged=damage)
    _, deadly = calm.damaged
    calm.add("quick")
    calm.do_all()
    shutil.copytree(calm.folder / "films", tmp_path / "wild" / "films")
    lab = make_lab(tmp_path / "wild", n, films=False)
    assert len(lab.add("quick")) == n
    environment = {"TOY_DELAY": "0.02", "TOY_POISON": ",".join(deadly), "TOY_HOW": "raise"}
    for _ in range(n_kills):
        process = start_driver(lab, "local", environment)
        wait_for(lab, "running", process)
        time.sleep(rng.uniform(0, 4))  # the moment of the kill is what is tested
        driver = psutil.Process(process.pid)
        children = driver.children(recursive=True)
        victims = [driver] if rng.random() < 0.5 or not children else [rng.choice(children)]
        for one in victims:
            one.kill()
        if victims == [driver]:
            finish(process)
        else:
            time.sleep(rng.uniform(0, 2))  # it goes on, until it is killed
            driver.kill()
            finish(process)
    assert "tally" in finish(start_driver(lab, "local", environment))
    states = Counter(lab.states())
    assert states == {"done": n - len(deadly), "failed": len(deadly)}
    assert all(group[name] for group in job_errors(lab.database) for name in ("code", "where", "got", "hint"))
    ends = Counter(
        row.job_id
        for row in lab.rows(attempt.c.job_id, attempt.c.ending)
        if row.ending in ("done", "adopted")
    )
    assert set(ends.values()) == {1}
    assert not list(lab.out.rglob("*.part"))
    sums = {row.path: row.content_sha256 for row in lab.rows(outcome.c.path, outcome.c.content_sha256)}
    undisturbed = {
        row.path: row.content_sha256
        for row in calm.rows(outcome.c.path, outcome.c.content_sha256)
        if row.path.partition("/")[0] not in deadly
    }
    assert sums == undisturbed
    codes = {flag["code"] for row in lab.rows(outcome.c.quality) for flag in row.quality}
    assert "V105" in codes or "V106" in codes or not calm.damaged[0]


@pytest.mark.slow
def test_ten_sessions_end_done_or_explained(tmp_path: Path) -> None:
    many(tmp_path, 10, 3, 7)


@pytest.mark.slow
def test_two_hundred_sessions_end_done_or_explained(tmp_path: Path) -> None:
    many(tmp_path, 200, 40, 8)
