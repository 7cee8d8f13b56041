"""F18: the decoder crashes or hangs.

A pass runs in a child process.  When the child dies or is silent, it is started again from the last
checkpoint; after three deaths at one place that range is left out (V107), and everything else is measured.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.core.events import Event
from mystax.core.quality import flags_from_json
from mystax.engine.supervisor import Limits, supervise
from mystax.errors import PoisonJob, VideoError
from mystax.io.outcomes import Outcomes
from tests.fixtures.engine_runs import ENVIRONMENT, digest_of, run_folder, toy_job, toy_recipe
from tests.fixtures.engine_toys import frames_of, make_recording, toy_spec

pytestmark = pytest.mark.fault(18)
N = 120


def _deadly(folder: Path, how: str, times: int, **more: Any) -> dict[str, Any]:
    return toy_spec(N, at=77, how=how, times=times, marks=str(folder), **more)


def _truth(folder: Path) -> str:
    run_folder(folder / "truth", make_recording(toy_spec(N)))
    return digest_of(folder / "truth")


@pytest.mark.parametrize(
    "how", ["SIGSEGV", *(pytest.param(how, marks=pytest.mark.slow) for how in ("SIGKILL", "SIGABRT"))]
)
def test_one_crash_changes_nothing(how: str, tmp_path: Path) -> None:
    supervise(toy_job(tmp_path / "out", _deadly(tmp_path, how, 1)), environment=ENVIRONMENT)
    assert digest_of(tmp_path / "out") == _truth(tmp_path)


def test_one_hang_changes_nothing(tmp_path: Path) -> None:
    limits = Limits(stall=4.0, grace=0.3)  # a new interpreter is silent for a second or two
    job = toy_job(tmp_path / "out", _deadly(tmp_path, "SIGSTOP", 1))
    supervise(job, limits=limits, environment=ENVIRONMENT)
    assert digest_of(tmp_path / "out") == _truth(tmp_path)


def test_a_place_that_kills_three_times_is_left_out(tmp_path: Path) -> None:
    events: list[Event] = []
    job = toy_job(tmp_path / "out", _deadly(tmp_path, "SIGSEGV", 99))
    supervise(job, report=events.append, environment=ENVIRONMENT)
    assert len(list(tmp_path.glob("death-*"))) == 3
    dataset = Outcomes.of_folder(tmp_path / "out")["toy"]
    missing = np.flatnonzero(dataset["missing"].values)
    assert missing.tolist() == list(range(64, 80))
    good = np.setdiff1d(np.arange(N), missing)
    grey = dataset["grey"].values[:, 0]
    np.testing.assert_allclose(grey[good], frames_of(0, N)[good].mean((1, 2)), rtol=1e-6)
    assert np.isnan(grey[missing]).all()
    assert [flag.code for flag in flags_from_json(dataset.attrs["quality"])] == ["V107"]
    assert dataset.attrs["coverage"] == pytest.approx(1 - 16 / N)


def test_a_place_is_refused_where_damage_is_refused(tmp_path: Path) -> None:
    job = toy_job(tmp_path / "out", _deadly(tmp_path, "SIGSEGV", 99))
    with pytest.raises(VideoError, match="V107"):
        supervise(job, refuse_damage=True, environment=ENVIRONMENT)
    assert not list((tmp_path / "out").glob("*.nc"))


def test_deaths_elsewhere_end_the_job(tmp_path: Path) -> None:
    recipe = toy_recipe("toykiller")
    with pytest.raises(PoisonJob, match=r"Q602 stage 'toykiller'.*SIGKILL"):
        supervise(toy_job(tmp_path / "out", toy_spec(N), recipe), environment=ENVIRONMENT)
