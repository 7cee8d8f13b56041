"""start.*: what has to be waited for before anything happens."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "check_first", "check_modules", "first_frame", "prepare_clip"]

HEAVY = ("numpy", "scipy", "numba", "av", "xarray", "pandas", "h5py", "matplotlib", "torch", "sklearn")
STARTS = 5


def _quick(name: str, title: str, code: str, bound: float, allowed: tuple[str, ...] = ()) -> Claim:
    return Claim(
        name=f"start.{name}",
        title=title,
        module=__name__,
        sets=("quick",),
        sides={"mystax": "start", "floor": "start_bare"},
        goals=(Goal("wall", "self", bound),),
        prepare="",
        check="check_modules",
        basis="work",
        arguments={"code": code, "allowed": allowed},
    )


CLAIMS = (
    _quick("import", "import mystax over a bare interpreter", "import mystax", 0.03),
    _quick("help", "mystax --help", "from mystax.cli import main; main(['--help'])", 0.15),
    _quick(
        "run_help",
        "mystax run --help",
        "from mystax.cli import main; main(['run', '--help'])",
        0.4,
        ("numpy",),
    ),
    Claim(
        name="start.first_frame",
        title="process to first frame measured (motion)",
        module=__name__,
        sets=("quick",),
        sides={"mystax": "first_frame"},
        goals=(Goal("wall", "self", 0.8),),
        prepare="prepare_clip",
        check="check_first",
        basis="work",
    ),
)


def _median_start(code: str) -> Stopwatch:
    """Start an interpreter a few times and keep the median; CPU time is that of all starts."""
    import resource
    import statistics
    import time

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    walls = []
    for _ in range(STARTS):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - begin)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    watch = Stopwatch()
    watch.wall_s = statistics.median(walls)
    watch.cpu_s = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / STARTS
    return watch


def start(job: dict[str, Any]) -> dict[str, Any]:
    """Time the start; the time of a bare interpreter counts only where it is part of the command."""
    watch = _median_start(job["code"])
    if job["code"] == "import mystax":
        watch.wall_s = max(0.0, watch.wall_s - _median_start("pass").wall_s)
    return watch.values(1, "start")


def start_bare(_: dict[str, Any]) -> dict[str, Any]:
    """Time the start of an interpreter that does nothing."""
    return _median_start("pass").values(1, "start")


def check_modules(job: dict[str, Any]) -> dict[str, Any]:
    """Look at which heavy modules the start has loaded."""
    ending = f"\nfinally:\n import sys; print('\\n' + ' '.join(m for m in {HEAVY!r} if m in sys.modules))"
    code = "try:\n " + job["code"] + ending
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    heavy = sorted(set(done.stdout.rsplit("\n", 2)[-2].split()) - set(job["allowed"]))
    return {"ok": not heavy, "heavy_modules": heavy}


def prepare_clip(job: dict[str, Any]) -> dict[str, Any]:
    """Make a short video."""
    from benchmarks.data import make_video

    return {"video": str(make_video(Path(job["data"]), "easy"))}


def first_frame(job: dict[str, Any]) -> dict[str, Any]:
    """Time a process that measures the first chunk of a video."""
    code = (
        "import gc\nfrom mystax.engine.child import GARBAGE\ngc.set_threshold(*GARBAGE)\n"
        "from mystax.core.analysis import get_analysis\n"
        "from mystax.core.params import check_params\n"
        "from mystax.engine.passes import CameraPass, whole_frame\n"
        "from mystax.io.video import Video\n"
        f"video = Video({job['video']!r})\n"
        "motion = get_analysis('motion')\n"
        "reducer = motion.make(check_params(motion.params, {}, 'motion'))\n"
        "reducer.start(CameraPass(video, 'face', [whole_frame(video.shape, 'face')]))\n"
        "reducer.update(next(video.chunks(size=16)))\n"
        # As the child of a run leaves: taking an interpreter apart comes behind the first frame.
        "import os\nos._exit(0)\n"
    )
    return _median_start(code).values(1, "start")


def check_first(_: dict[str, Any]) -> dict[str, Any]:
    """Nothing but success can be checked of a process that ends well."""
    return {"ok": True}
