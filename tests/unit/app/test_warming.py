"""What the live preview needs is compiled in a child, and nobody waits longer than for that."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from mystax.app.routes import rois
from mystax.app.warming import WARMED, Warming, mark_of
from mystax.engine import warm
from mystax.synth import faulty_video
from tests.fixtures.app_client import AppClient

STEADY = """
import json, sys
print(json.dumps({"ready": "motion"}), flush=True)
print("no line of ours", flush=True)
sys.stdin.readline()
print(json.dumps({"ready": "pupil"}), flush=True)
sys.stdin.read()
"""


def unmarked(analysis: str) -> Path:
    """Say that nothing is compiled yet."""
    return Path(f"/nonexistent/{analysis}")


def with_warming(job: Callable[[Warming], Awaitable[Any]], code: str = STEADY, delay: float = 0.0) -> Any:
    """Run a job with a child that ends with it."""

    async def run() -> Any:
        warming = Warming((sys.executable, "-c", code), delay, mark=unmarked)
        try:
            return await job(warming)
        finally:
            await warming.close()

    return asyncio.run(run())


def test_what_is_ready_is_told_one_by_one() -> None:
    async def job(warming: Warming) -> list[bool]:
        found = [await warming.wait("motion", 20.0), await warming.wait("pupil", 0.05)]
        assert warming._process is not None
        assert warming._process.stdin is not None
        warming._process.stdin.write(b"go on\n")
        return [*found, await warming.wait("pupil", 20.0), await warming.wait("blink", 0.05)]

    assert with_warming(job) == [True, False, True, False]


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "import os; os.abort()"])
def test_a_child_that_fails_makes_nobody_wait(code: str) -> None:
    async def job(warming: Warming) -> list[bool]:
        return [await warming.wait(name, 20.0) for name in WARMED]

    assert with_warming(job, code) == [True] * len(WARMED)


def test_an_analysis_without_loops_starts_no_child() -> None:
    async def job(warming: Warming) -> tuple[bool, Any, float]:
        return await warming.wait("pose", 0.0), warming._process, warming.seconds

    assert with_warming(job) == (True, None, 0.0)


def test_it_begins_after_a_moment_and_at_once_where_somebody_waits() -> None:
    async def job(warming: Warming) -> tuple[Any, bool]:
        warming.begin()
        await asyncio.sleep(0.05)
        early = warming._process
        return early, await warming.wait("motion", 20.0)

    begun = time.monotonic()
    assert with_warming(job, delay=3600.0) == (None, True)
    assert time.monotonic() - begun < 60


def test_closing_leaves_no_child() -> None:
    async def job(warming: Warming) -> int:
        await warming.wait("motion", 20.0)
        assert warming._process is not None
        return warming._process.pid

    assert not psutil.pid_exists(with_warming(job))


def test_what_was_compiled_before_needs_no_child(tmp_path: Path) -> None:
    async def job() -> tuple[bool, bool, Any]:
        warming = Warming((sys.executable, "-c", "raise SystemExit"), 0.0, mark=lambda name: tmp_path / name)
        for name in WARMED[1:]:
            (tmp_path / name).touch()
        found = await warming.wait("pupil", 0.0)
        assert warming._task is None
        (tmp_path / WARMED[0]).touch()
        warming.begin()
        task = warming._task
        await warming.close()
        return found, await warming.wait(WARMED[0], 0.0), task

    assert asyncio.run(job()) == (True, True, None)


def test_a_mark_belongs_to_what_it_was_compiled_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    one = mark_of("pupil")
    assert one == mark_of("pupil")
    assert one.parent == tmp_path
    assert mark_of("motion") != one
    monkeypatch.setattr("mystax.app.warming.version", lambda _: "0.1")
    assert mark_of("pupil") != one


def test_the_analyses_are_those_of_the_engine() -> None:
    assert tuple(warm.WARMED) == WARMED


def test_the_page_is_told_that_a_preview_is_being_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rois, "PATIENCE", 0.05)
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=12, size=(64, 48))
    with AppClient(tmp_path) as client:
        code = "import sys; sys.stdin.readline()"
        client.state.warming = warming = Warming((sys.executable, "-c", code), 0.0, mark=unmarked)
        (row,) = client.get("/api/recordings")
        camera = client.get(f"/api/recordings/{row['id']}")["cameras"][0]["id"]
        wish = {"camera": camera, "frame": 3, "analysis": "motion", "rois": []}
        first = client.ask("/api/preview", "POST", wish)
        assert first.status == 202
        assert first.json()["analysis"] == "motion"
        picture = client.ask(f"/api/cameras/{camera}/frame?i=3")
        assert picture.status == 200, "pictures come meanwhile"
        assert warming._process is not None
        assert warming._process.stdin is not None
        warming._process.stdin.write(b"\n")
        monkeypatch.setattr(rois, "PATIENCE", 20.0)
        assert client.ask("/api/preview", "POST", wish).status == 200
