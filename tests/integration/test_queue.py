"""The queue from films to outcomes; children and drivers are real, and are killed, stopped, asked to end."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import psutil
import pytest
import xarray as xr

import mystax
from mystax.engine.catalog.catalog import Catalog
from mystax.engine.catalog.status import job_errors
from mystax.engine.catalog.tables import attempt, job, outcome, video
from mystax.engine.recipe import Recipe, recipe_from, recipe_from_values
from tests.fixtures.catalogues import Lab, make_lab
from tests.fixtures.commands import ROOT, digests
from tests.fixtures.job_processes import job_processes

QUICK = recipe_from("quick")


def start_driver(
    lab: Lab, engine: str = "alone", env: Mapping[str, str] | None = None, cores: int = 2
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fixtures.working", str(lab.folder), engine, str(cores)],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: "subprocess.Popen[str]") -> str:
    out, _ = process.communicate(timeout=1500)  # a busy machine takes its time
    return out


def wait_for(lab: Lab, state: str, process: "subprocess.Popen[str]", n: int = 1) -> None:
    """Wait until so many jobs are in a state, or the driver has ended."""
    end = time.monotonic() + 200
    while process.poll() is None and lab.states().count(state) < n:
        assert time.monotonic() < end
        time.sleep(0.05)  # another process: there is nothing else to wait for


def wait_for_child(process: "subprocess.Popen[str]") -> psutil.Process:
    """Wait until the driver has a child that works."""
    end = time.monotonic() + 200
    while process.poll() is None:
        found = job_processes(psutil.Process(process.pid))
        if found:
            return found[0]
        assert time.monotonic() < end
        time.sleep(0.05)  # another process
    raise AssertionError(finish(process))


def undisturbed(lab: Lab, wanted: Recipe, folder: Path) -> dict[str, dict[str, str]]:
    """Return the digests of runs without a queue."""
    found = {}
    for path in sorted((lab.folder / "films").glob("*/face.avi")):
        run = mystax.run({"face": path}, wanted, out=folder / path.parent.name, report=False, isolated=False)
        assert run.folder is not None
        found[path.parent.name] = digests(run.folder)
    return found


def made(lab: Lab, wanted: Recipe) -> dict[str, dict[str, str]]:
    """Return the digests of what the queue made."""
    folders = sorted(path.parent.name for path in (lab.folder / "films").glob("*/face.avi"))
    return {name: digests(lab.out / name / wanted.name) for name in folders}


def check_done(lab: Lab, n: int) -> None:
    """Every job is done, once; rows are files; nothing is torn."""
    assert Counter(lab.states()) == {"done": n}
    ends = Counter(
        row.job_id
        for row in lab.rows(attempt.c.job_id, attempt.c.ending)
        if row.ending in ("done", "adopted")
    )
    assert ends == dict.fromkeys(ends, 1)
    assert len(ends) == n
    assert list(lab.out.rglob("*.nc.part")) == []
    for row in lab.rows(outcome.c.path, outcome.c.content_sha256, outcome.c.state):
        path = lab.out / row.path
        assert row.state == "current"
        assert set(digests(path.parent).values()) >= {row.content_sha256}


@pytest.mark.parametrize("engine", [pytest.param("alone", marks=pytest.mark.slow), "local"])
def test_a_queue_makes_what_a_run_makes(tmp_path: Path, engine: str) -> None:
    """One job after the other, or on Dask two side by side and a third one after them."""
    lab = make_lab(tmp_path / "lab", 3)
    assert len(lab.add(QUICK)) == 3
    assert "'done': 3" in finish(start_driver(lab, engine))
    check_done(lab, 3)
    assert made(lab, QUICK) == undisturbed(lab, QUICK, tmp_path / "alone")
    assert lab.add(QUICK) == []


def killed_drivers(
    tmp_path: Path,
    n_recordings: int,
    n_kills: int,
    engine: str,
    seed: int,
    delay: str = "0.05",
    *,
    with_children: bool = True,
) -> None:
    lab = make_lab(tmp_path / "lab", n_recordings)
    lab.add(QUICK)
    rng = random.Random(seed)  # noqa: S311 - moments, no secrets
    life = 0.0
    for _ in range(n_kills):
        process = start_driver(lab, engine, {"TOY_DELAY": delay})
        wait_for(lab, "running", process)
        if not life:  # how long a job takes on this machine
            start = time.monotonic()
            wait_for(lab, "done", process)
            life = time.monotonic() - start
        time.sleep(rng.uniform(0, 2 * life))  # the moment of the kill is what is tested
        tree = []
        with contextlib.suppress(psutil.NoSuchProcess):  # it has done everything
            driver = psutil.Process(process.pid)
            tree = [driver, *driver.children(recursive=True)]
        for one in tree if with_children else tree[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended by itself
                one.kill()
        finish(process)
    assert "tally" in finish(start_driver(lab, engine))
    check_done(lab, n_recordings)
    assert made(lab, QUICK) == undisturbed(lab, QUICK, tmp_path / "alone")


@pytest.mark.slow
@pytest.mark.parametrize("with_children", [False, True])
def test_drivers_that_are_killed_lose_and_double_nothing(tmp_path: Path, with_children: bool) -> None:
    killed_drivers(tmp_path, 3, 2, "alone", 1, with_children=with_children)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["alone", "local"])
def test_twenty_kills_lose_and_double_nothing(tmp_path: Path, engine: str) -> None:
    killed_drivers(tmp_path, 20, 20, engine, 2, delay="0.5")


@pytest.mark.slow
def test_a_killed_child_is_restarted_by_its_supervisor(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 1)
    lab.add(QUICK)
    process = start_driver(lab, env={"TOY_DELAY": "0.2"})
    wait_for_child(process).kill()
    assert "starts again" in finish(process)
    check_done(lab, 1)
    assert made(lab, QUICK) == undisturbed(lab, QUICK, tmp_path / "alone")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "code", "n", "frame"),
    [("SIGSEGV", "Q602", 20, 100), ("exit", "Q602", 3, 20), ("raise", "B999", 3, 20)],
)
def test_a_job_that_kills_its_process_harms_no_other(
    tmp_path: Path, how: str, code: str, n: int, frame: int
) -> None:
    lab = make_lab(tmp_path / "lab", n, n_frames=frame + 20)
    lab.add(QUICK)
    environment = {"TOY_POISON": "rec001", "TOY_HOW": how, "TOY_AT": str(frame)}
    process = start_driver(lab, "local", environment)
    out = finish(process)
    assert process.returncode in (0, 3), out
    states = lab.states()
    groups = job_errors(lab.database)
    if how == "raise":
        assert states == ["done", "failed", "done"]
        assert [group["code"] for group in groups] == [code]
    else:
        # the decoder died at one place: it is left out (V107), or the job is given up
        assert [state for state in states if state != "done"] in ([], ["failed"])
        assert states[1] == "done" or {group["code"] for group in groups} == {code}
    for group in groups:
        assert all(group[name] for name in ("code", "where", "got", "hint"))


@pytest.mark.slow
def test_ctrl_c_lets_jobs_yield_and_the_next_driver_goes_on(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 1, n_frames=100)
    lab.add(QUICK)
    process = start_driver(lab, env={"TOY_DELAY": "0.3"})
    child = wait_for_child(process)
    end = time.monotonic() + 100
    while not list(lab.out.rglob("lock")) and time.monotonic() < end:
        time.sleep(0.05)  # until frames are read
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    finish(process)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    (row,) = lab.rows(job.c.state, job.c.strikes, job.c.retries)
    assert tuple(row) == ("queued", 0, 0)
    assert [one.ending for one in lab.rows(attempt.c.ending)] == ["yielded"]
    assert "goes on from frame" in finish(start_driver(lab))
    check_done(lab, 1)


@pytest.mark.slow
def test_a_running_job_can_be_cancelled_and_taken_up_again(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 1, n_frames=200)
    lab.add(QUICK)
    process = start_driver(lab, env={"TOY_DELAY": "0.3"})
    child = wait_for_child(process)
    end = time.monotonic() + 100
    while not list(lab.out.rglob("lock")) and time.monotonic() < end:
        time.sleep(0.05)  # until frames are read
    time.sleep(1.0)
    asked = time.monotonic()
    assert lab.queue.cancel(job.c.id == 1) == ([], [1])
    wait_for(lab, "cancelled", process)
    assert time.monotonic() - asked <= 15
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    finish(process)
    assert lab.queue.retry(job.c.id == 1) == [1]
    out = finish(start_driver(lab))
    assert "goes on from frame" in out
    check_done(lab, 1)


@pytest.mark.slow
def test_two_drivers_share_a_queue(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 4)
    lab.add(QUICK)
    both = [start_driver(lab, env={"TOY_DELAY": "0.05"}) for _ in range(2)]
    for process in both:
        finish(process)
    check_done(lab, 4)
    assert len({row.driver_id for row in lab.rows(attempt.c.driver_id)}) == 2


@pytest.mark.slow
def test_a_group_is_fitted_when_its_recordings_are_measured(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 2, n_frames=120)
    values = {"n_states": 2, "features": "motion.energy"}
    steps = [{"name": "motion"}, {"name": "states", "fit": "group", "parameters": values}]
    lab.add(recipe_from_values({"name": "many", "analysis": steps}, "test", with_fits=True))
    out = finish(start_driver(lab))
    assert "'done': 3" in out, out
    rows = lab.rows(outcome.c.path, outcome.c.recording_id, where=outcome.c.analysis == "states")
    assert sorted(map(tuple, rows)) == [(f"_groups/all/many/rec{k:03d}/states.nc", k + 1) for k in range(2)]
    made = [mystax.load(lab.out / path) for path, _ in sorted(map(tuple, rows))]
    assert [np.array_equal(one["model_means"], made[0]["model_means"]) for one in made] == [True, True], (
        "one model"
    )
    folders = [lab.out / f"rec{k:03d}" / "many" for k in range(2)]
    fitted = mystax.states(folders, n_states=2, features="motion.energy")
    assert isinstance(fitted, list)
    assert all(np.array_equal(one["label"], own["label"]) for one, own in zip(made, fitted, strict=True))
    assert (lab.out / "_groups" / "all" / "many" / "tables" / "occupancy.csv").is_file()


@pytest.mark.slow
def test_a_full_check_is_done_by_children(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 2)
    with Catalog.open(lab.folder) as catalog:
        catalog.add_full_check()
    assert "'done': 2" in finish(start_driver(lab, "local"))
    assert all(row.full_hash for row in lab.rows(video.c.full_hash))


@pytest.mark.slow
def test_recordings_are_encoded_and_put_together(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 2, n_frames=6000)
    rng = np.random.default_rng(1)
    for k in range(2):
        np.save(lab.folder / "films" / f"rec{k:03d}" / "activity.npy", rng.normal(size=(2000, 3)))
    with Catalog.open(lab.folder) as catalog:
        catalog.ingest(lab.folder / "films", pattern="folders", neural="activity.npy")
    step = {
        "name": "encoding",
        "fit": "group",
        "neural": {"clock": "rate:10", "axes": "time,neuron", "signal": "deconvolved"},
        "parameters": {"model": "linear", "folds": 2, "null": "none", "parts": False, "lags": False},
    }
    values = {"name": "many", "analysis": [{"name": "svd"}, step]}
    lab.add(recipe_from_values(values, "test", with_fits=True))
    out = finish(start_driver(lab))
    assert "'done': 5" in out, [group["text"] for group in job_errors(lab.database)]
    rows = lab.rows(outcome.c.path, outcome.c.recording_id, where=outcome.c.analysis != "svd")
    assert sorted(map(tuple, rows)) == [
        ("_groups/all/many/encoding_summary.nc", None),
        *(
            (f"rec{k:03d}/many/{name}.nc", k + 1)
            for k in range(2)
            for name in ("encoding.encoder", "encoding")
        ),
    ]
    summary = mystax.load(lab.out / "_groups" / "all" / "many" / "encoding_summary.nc")
    assert isinstance(summary, xr.Dataset)
    assert summary["recording"].values.tolist() == ["rec000", "rec001"]
    assert lab.add(recipe_from_values(values, "test", with_fits=True)) == []
