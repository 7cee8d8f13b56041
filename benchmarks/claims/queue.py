"""queue.*: what planning many recordings costs, and a job beyond its work."""

import os
import shutil
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = [
    "CLAIMS",
    "add",
    "check_add",
    "check_first",
    "check_overhead",
    "first_frame",
    "overhead",
    "prepare",
]

N_FRAMES = 30
CLAIMS = (
    Claim(
        name="queue.add",
        title="mystax queue add standard, 400 recordings of three cameras",
        module=__name__,
        sets=("full",),
        sides={"mystax": "add"},
        goals=(Goal("wall", "self", 5.0),),
        check="check_add",
        basis="work",
        arguments={"n_recordings": 400, "n_cameras": 3},
    ),
    Claim(
        name="queue.overhead",
        title="a job of the queue beyond its work, median of 8 (report included in the work)",
        module=__name__,
        sets=("quick",),
        sides={"mystax": "overhead"},
        goals=(Goal("wall", "self", 1.0),),
        check="check_overhead",
        basis="work",
        arguments={"n_recordings": 8, "n_cameras": 1},
    ),
    Claim(
        name="queue.first_frame",
        title="mystax queue work, process to the end of the first job's frames, local engine",
        module=__name__,
        sets=("quick",),
        sides={"mystax": "first_frame"},
        goals=(Goal("wall", "self", 4.0),),
        check="check_first",
        basis="work",
        arguments={"n_recordings": 8, "n_cameras": 1},
    ),
)


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Make a catalogue of small recordings; the files of all have other bytes and the same frames."""
    from mystax.engine.catalog.catalog import Catalog

    folder = Path(job["data"]) / f"catalogue-{job['n_recordings']}x{job['n_cameras']}"
    if not folder.is_dir():
        place = folder.with_name(f"{folder.name}.making")
        shutil.rmtree(place, ignore_errors=True)
        films = folder.with_name(f"{folder.name}-films")
        _make_films(films, job["n_recordings"], job["n_cameras"])
        with Catalog.create(place) as catalog:
            catalog.ingest(films, pattern="folders")
        place.rename(folder)
    return {"catalogue": str(folder)}


def _make_films(folder: Path, n_recordings: int, n_cameras: int) -> None:
    import numpy as np

    from mystax.io.video import VideoWriter

    first = folder / "first.mp4"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    with VideoWriter(first, size=(64, 48), rate=Fraction(30), codec="h264", pixel_format="yuv420p") as out:
        for _ in range(N_FRAMES):
            out.write(rng.integers(0, 256, (48, 64), dtype=np.uint8))
    data = first.read_bytes()
    first.unlink()
    long_ago = time.time() - 3600
    for number in range(n_recordings * n_cameras):
        path = folder / f"rec{number // n_cameras:03d}" / f"cam{number % n_cameras}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data + struct.pack(">I4sQ", 16, b"free", number))
        os.utime(path, (long_ago, long_ago))


@contextmanager
def _copied(job: dict[str, Any]) -> Iterator[Path]:
    """Give a copy of the catalogue, without outcomes."""
    folder = Path(job["folder"]) / "lab"
    shutil.copytree(job["catalogue"], folder)
    yield folder


def _command(folder: Path, *words: str) -> Stopwatch:
    """Run `mystax` as a user does; its CPU time counts its children."""
    code = f"from mystax.cli import main; main({[*words, '--catalog', str(folder)]!r})"
    watch, before, start = Stopwatch(), os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    watch.wall_s = time.perf_counter() - start
    watch.cpu_s = sum(after[2:4]) - sum(before[2:4])
    return watch


def _jobs(folder: Path) -> list[str]:
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.open(folder) as catalog:
        return [str(item["state"]) for item in catalog.jobs()]


def add(job: dict[str, Any]) -> dict[str, Any]:
    """Plan and queue a recipe for all recordings."""
    with _copied(job) as folder:
        watch = _command(folder, "queue", "add", "standard")
        return {**watch.values(1, "start"), "states": _jobs(folder)}


def check_add(job: dict[str, Any]) -> dict[str, Any]:
    """Each recording has one job, and a second time adds none."""
    folder = Path(job["last"]["mystax"]["folder"]) / "lab"
    again = _command(folder, "queue", "add", "standard")
    states = job["last"]["mystax"]["states"]
    ok = states == ["queued"] * job["n_recordings"] == _jobs(folder)
    return {"ok": ok, "jobs": len(states), "cpu_again_s": again.cpu_s}


def overhead(job: dict[str, Any]) -> dict[str, Any]:
    """Time jobs from their claim to their end, less the same work in a process that has done it before."""
    from sqlalchemy import select

    from mystax.engine.catalog.catalog import Catalog
    from mystax.engine.catalog.tables import attempt

    with _copied(job) as folder:
        _command(folder, "queue", "add", "quick")
        watch = _command(folder, "queue", "work", "--cores", "1")
        with Catalog.open(folder) as catalog, catalog.database.read() as connection:
            rows = connection.execute(select(attempt.c.started, attempt.c.ended)).all()
        idle = _command(folder, "queue", "work", "--cores", "1")  # nothing is left: what a driver costs alone
        walls = [row.ended - row.started for row in rows]
        wall, cpu = (statistics.median(times) for times in zip(*_bare_work(job, folder), strict=True))
        watch.wall_s = statistics.median(walls) - wall
        watch.cpu_s = (watch.cpu_s - idle.cpu_s) / len(walls) - cpu
        return {**watch.values(1, "start"), "work_s": wall, "work_cpu_of_a_job_s": cpu}


def _bare_work(job: dict[str, Any], folder: Path) -> Sequence[tuple[float, float]]:
    """Do the work of the jobs in this process, and time all but the first, which loads what is needed."""
    from mystax.engine.folders import run_in_folder
    from mystax.engine.jobs import Job, open_job
    from mystax.engine.plan import Request
    from mystax.engine.recipe import recipe_from

    found = []
    films = Path(f"{job['catalogue']}-films")
    for path in sorted(films.glob("*/cam0.mp4")):
        start, cpu = time.perf_counter(), time.process_time()
        spec = {"paths": {"cam0": [str(path)]}, "name": path.parent.name}
        one = Job.of_request(Request(recipe_from("quick")), spec, folder / "bare" / path.parent.name)
        recording = open_job(one)
        run_in_folder(recording, one, lambda _: None)
        recording.close()
        found.append((time.perf_counter() - start, time.process_time() - cpu))
    return found[1:]


def check_overhead(job: dict[str, Any]) -> dict[str, Any]:
    """All jobs are done."""
    last = job["last"]["mystax"]
    states = _jobs(Path(last["folder"]) / "lab")
    ok = states == ["done"] * job["n_recordings"]
    return {"ok": ok, "work_s": last["work_s"], "work_cpu_of_a_job_s": last["work_cpu_of_a_job_s"]}


def first_frame(job: dict[str, Any]) -> dict[str, Any]:
    """Time a process that works on the queue, until the frames of its first job are through."""
    with _copied(job) as folder:
        _command(folder, "queue", "add", "quick")
        code = (
            "import time, mystax\n"
            "def hear(event):\n"
            "    if event.kind == 'ready' or (event.stage.startswith('reading') and event.done):\n"
            "        print(time.time(), flush=True)\n"
            f"with mystax.Catalog.open({str(folder)!r}) as catalog:\n"
            "    catalog.work(engine='local', once=1, on_event=hear)\n"
        )
        before, start = os.times(), time.time()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        after = os.times()
        watch = Stopwatch()
        watch.wall_s = float(done.stdout.split()[0]) - start
        watch.cpu_s = sum(after[2:4]) - sum(before[2:4])
        return {**watch.values(1, "start"), "states": _jobs(folder)}


def check_first(job: dict[str, Any]) -> dict[str, Any]:
    """One job is done, the others are untouched."""
    states = job["last"]["mystax"]["states"]
    return {"ok": sorted(states) == ["done"] + ["queued"] * (job["n_recordings"] - 1)}
