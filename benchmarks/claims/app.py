"""app.*: what a hand at the page waits for, 95th percentile, in a browser that draws with the processor."""

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "check", "drag", "preview", "seek", "zoom"]

SHARE = 20
"""The 95th percentile is the last of so many parts."""


def _claim(name: str, title: str, side: str, goal: float, **arguments: Any) -> Claim:
    return Claim(
        name=f"app.{name}",
        title=title,
        module=__name__,
        sets=("full",),
        sides={"mystax": side},
        goals=(Goal("wall", "self", goal),),
        prepare="",
        basis="work",
        arguments=arguments,
    )


CLAIMS = (
    _claim("seek_near", "exact seek, key frames 30 apart", "seek", 0.06, interval=30),
    _claim("seek_far", "exact seek, key frames 250 apart", "seek", 0.3, interval=250),
    _claim("drag", "a region is dragged, event to drawn", "drag", 0.025),
    _claim("preview", "a pupil measured live, random frames and regions", "preview", 0.1),
    _claim("zoom", "a trace of 1e6 samples is zoomed", "zoom", 0.06, n_samples=1_000_000),
    _claim("zoom_long", "a trace of 1e7 samples is zoomed", "zoom", 0.1, n_samples=10_000_000),
)


def _timed(
    job: dict[str, Any], make: Callable[[Path], None], measure: Callable[[Any, Any], list[float]]
) -> dict[str, Any]:
    """Serve what `make` makes, and give the 95th percentile of what is measured at the page."""
    from tests.fixtures.browser import browser
    from tests.fixtures.web_server import web_server

    folder = Path(job["folder"])
    make(folder)
    with browser() as running, web_server(folder) as server:
        took = measure(running, server)
    watch = Stopwatch()
    watch.wall_s = statistics.quantiles(took, n=SHARE)[-1] / 1000
    return {**watch.values(1, "gesture"), "n_gestures": len(took)}


def seek(job: dict[str, Any]) -> dict[str, Any]:
    """Seek to 100 random frames."""
    from tests.fixtures.page_times import film, seek_times

    interval = int(job["interval"])
    return _timed(
        job,
        lambda folder: film(folder, interval),
        lambda running, server: seek_times(running, server, 100, interval),
    )


def drag(job: dict[str, Any]) -> dict[str, Any]:
    """Drag a region by 100 events."""
    from tests.fixtures.page_times import drag_times, film

    return _timed(
        job, lambda folder: film(folder, 30, 30), lambda running, server: drag_times(running, server, 100)
    )


def preview(job: dict[str, Any]) -> dict[str, Any]:
    """Measure a pupil in 100 random frames and places."""
    from tests.fixtures.page_times import film, preview_times

    return _timed(
        job, lambda folder: film(folder, 30, scene="face"), lambda _, server: preview_times(server, 100, 7)
    )


def zoom(job: dict[str, Any]) -> dict[str, Any]:
    """Zoom into a long trace, and out of it, 60 times."""
    from tests.fixtures.page_times import long_trace, zoom_times

    n_samples = int(job["n_samples"])
    return _timed(
        job,
        lambda folder: long_trace(folder, n_samples),
        lambda running, server: zoom_times(running, server, 60, 11),
    )


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Every gesture has had its answer."""
    n = int(job["last"]["mystax"]["n_gestures"])
    return {"ok": n >= 50, "n_gestures": n}
