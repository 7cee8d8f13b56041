"""F7: variable frame rate: every stamp is kept, to the tick, and V110 says so."""

from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.reading import make, see, time_error, wrong_numbers

pytestmark = pytest.mark.fault(7)

CONTAINERS = ("mp4", "mov", "mkv", "ts")


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_time_is_right_to_the_tick(seed: int, container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "vfr", container, seed=seed)
    seen = see(truth)
    assert time_error(seen, truth) <= truth.tick
    assert wrong_numbers(seen, truth) == []


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_probe_says_variable(container: str, tmp_path: Path) -> None:
    probe = see(make(tmp_path, "vfr", container)).video.probe()
    assert probe.clock_kind == "variable"
    assert probe.rate is None
    assert not probe.is_constant
    assert "V110" in {flag.code for flag in probe.flags}


def test_intervals_are_reported_as_they_are(tmp_path: Path) -> None:
    truth = make(tmp_path, "vfr")
    steps = np.diff([float(time) for time in truth.frame_times])
    interval = see(truth).video.probe().interval
    assert interval["min"] == pytest.approx(steps.min(), abs=1e-4)
    assert interval["median"] == pytest.approx(np.median(steps), abs=1e-4)
    assert interval["max"] == pytest.approx(steps.max(), abs=1e-4)


@pytest.mark.parametrize("container", ["mp4", "mkv", "avi", "ts"])
def test_a_constant_file_is_not_called_variable(container: str, tmp_path: Path) -> None:
    seen = see(make(tmp_path, "clean", container))
    assert seen.video.clock.is_constant
    assert "V110" not in seen.codes
