"""F17: recordings of many hours, millions of frames.

Memory stays where it was after the first minutes, numbers of frames are whole numbers of 64 bits, and the
outcome of a long recording is that of its parts.
"""

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.core.clock import Clock
from mystax.core.geometry import Rectangle, Roi
from mystax.core.recording import ArraySource
from mystax.io.outcomes import load
from mystax.io.video import VideoWriter
from mystax.synth.barcode import draw_barcode
from mystax.synth.rendered import RenderedSource
from tests.fixtures.commands import ROOT
from tests.fixtures.engine_runs import ENVIRONMENT

pytestmark = pytest.mark.fault(17)

ENV = {**os.environ, **ENVIRONMENT}

PERIOD = 64
"""Frames after which the source repeats itself."""


def endless(n_frames: int, shape: tuple[int, int]) -> RenderedSource:
    """Return a few random frames, over and over: as long as is asked for, without memory of its own."""
    generator = np.random.default_rng(3)
    base = generator.integers(60, 200, (1, *shape))
    frames = (base + generator.integers(-20, 20, (PERIOD, *shape))).astype(np.uint8)
    return RenderedSource(lambda frame: frames[frame % PERIOD], shape, n_frames, Fraction(100), "endless")


CHILD = """
import json, sys
from pathlib import Path
import psutil
from mystax.core.geometry import Rectangle, Roi
from mystax.core.recording import Camera, Recording
from mystax.engine.recipe import recipe_from
from tests.faults.test_f17_long_recordings import endless
from tests.fixtures.engine_runs import run_folder

folder, n, shape, side, names, parameters = json.loads(sys.argv[1])
source = endless(n, tuple(shape))
seen = []
process = psutil.Process()

def watch(event):
    if event.stage == "reading 1" and event.kind == "progress":
        seen.append([int(event.data["frame"]), process.memory_info().rss])

rois = [Roi(kind, kind, Rectangle(0, 0, side, side)) for kind in ("motion", "pupil", "blink", "running")]
recipe = recipe_from(analyses=names, parameters=parameters)
recording = Recording("long", {"face": Camera("face", source)})
chosen = [roi.at("face") for roi in rois if roi.kind in names]
run_folder(Path(folder), recording, recipe, rois=chosen, report=watch)
print(json.dumps(seen))
"""


def memory_of_run(
    folder: Path,
    n: int,
    shape: tuple[int, int],
    side: int,
    names: list[str],
    **parameters: dict[str, object],
) -> list[tuple[int, int]]:
    """Run analyses on squares of an endless source in another process; return (frame, resident bytes)."""
    job = json.dumps([str(folder), n, shape, side, names, parameters])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, job], capture_output=True, text=True, cwd=ROOT, env=ENV
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [(frame, size) for frame, size in json.loads(done.stdout.splitlines()[-1])]


def growth(seen: list[tuple[int, int]], n: int) -> float:
    """Return the resident memory at the end over that after a tenth."""
    early = next(size for frame, size in seen if frame >= n // 10)
    return seen[-1][1] / early


def test_motion_of_hundred_thousand_frames_needs_no_more_memory_than_of_ten_thousand(tmp_path: Path) -> None:
    n = 100_000
    seen = memory_of_run(tmp_path, n, (32, 32), 16, ["motion"], motion={"bin": 4})
    assert growth(seen, n) <= 1.05
    outcome: Any = load(tmp_path / "motion.nc")
    energy = outcome["energy"].values[:, 0]
    assert len(energy) == n
    # What repeats itself has values that repeat themselves, to the last bit and the last frame.
    assert np.array_equal(energy[PERIOD : 2 * PERIOD], energy[-PERIOD - n % PERIOD : n - n % PERIOD])
    assert outcome["frame"].dtype == np.int64
    assert int(outcome["frame"][-1]) == n - 1


READER = """
import json, sys
import psutil
from mystax.io.video import Video
from mystax.synth import read_barcode

process, seen = psutil.Process(), []
video = Video(sys.argv[1])
for chunk in video.chunks(size=500):
    frame = int(chunk.index[-1])
    wrong = [frame] if not chunk.valid.all() or read_barcode(chunk.codes[-1]) != frame % 2**20 else []
    seen.append([frame, process.memory_info().rss, wrong])
print(json.dumps([video.n_frames, seen]))
"""


@pytest.mark.parametrize("n", [8_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_reading_a_file_of_a_million_frames_needs_flat_memory(n: int, tmp_path: Path) -> None:
    """Acceptance 14 of the reader: within 5 % between a tenth of the frames and the end."""
    path = tmp_path / "long.mkv"
    with VideoWriter(path, size=(48, 32), rate=Fraction(100), codec="mpeg4", options={"g": "50"}) as out:
        picture = np.full((32, 48), 90, np.uint8)
        for frame in range(n):
            picture[:24, :36] = draw_barcode(frame)
            out.write(picture)
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)], capture_output=True, text=True, cwd=ROOT, env=ENV
    )
    assert done.returncode == 0, done.stderr[-3000:]
    n_frames, seen = json.loads(done.stdout)
    assert n_frames == n
    assert seen[-1][0] == n - 1
    assert [bad for _, _, wrong in seen for bad in wrong] == []
    assert growth([(frame, size) for frame, size, _ in seen], n) <= 1.05


@pytest.mark.slow
def test_motion_of_ten_million_frames_is_flat(tmp_path: Path) -> None:
    n = 10_000_000
    seen = memory_of_run(tmp_path, n, (16, 16), 8, ["motion"], motion={"bin": 2})
    # Ten million frames of the final table take some bytes each: times, reasons, the trace.
    early = next(size for frame, size in seen if frame >= n // 10)
    assert seen[-1][1] - early <= 0.05 * early + 4 * n


@pytest.mark.slow
@pytest.mark.parametrize(("n", "shape", "side"), [(40_000, (256, 256), 128), (500_000, (480, 640), 96)])
def test_all_analyses_together_are_flat(n: int, shape: tuple[int, int], side: int, tmp_path: Path) -> None:
    """With the bins in a scratch file; the second is the acceptance of `roi.md`, some 15 min long."""
    seen = memory_of_run(
        tmp_path,
        n,
        shape,
        side,
        ["motion", "svd", "pupil", "blink", "running"],
        motion={"bin": 4},
        svd={"bin": 4, "n_components": 20},
    )
    assert growth(seen, n) <= 1.05


def test_times_of_a_day_at_a_rational_rate_do_not_drift() -> None:
    rate = Fraction(30_000, 1001)
    clock = Clock.from_rate(rate, 24 * 3600 * 30)
    for frame in (0, 1, 1_000_000, clock.n - 1):
        assert clock.seconds[frame] == float(Fraction(frame) / rate)


@pytest.mark.parametrize("n", [2**31 - 1, 2**31, 2**33])
def test_numbers_of_frames_beyond_32_bits_are_whole(n: int) -> None:
    clock = Clock(np.array([0, n - 1, n], np.int64), Fraction(1, 100))
    assert int(clock.ticks[-1]) == n
    assert clock.seconds[-1] - clock.seconds[-2] == pytest.approx(0.01, rel=1e-5)


def test_a_region_of_an_endless_source_is_that_of_an_array() -> None:
    import mystax

    roi = Roi("pad", "motion", Rectangle(0, 0, 24, 24))
    long = endless(3 * PERIOD, (32, 32))
    frames = np.concatenate([chunk.codes for chunk in long.chunks()])
    one, other = (mystax.motion(source, rois=roi) for source in (long, ArraySource(frames, 100)))
    np.testing.assert_array_equal(one["energy"].values, other["energy"].values)
