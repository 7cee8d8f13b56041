"""F9: 29.97 and its like stay fractions from the container to the times: no drift."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.core.clock import Clock
from tests.fixtures.reading import make, see

pytestmark = pytest.mark.fault(9)

RATES = (
    *(Fraction(30000, 1001), Fraction(60000, 1001), Fraction(24000, 1001)),
    *(Fraction(25), Fraction(30), Fraction(100), Fraction(250), Fraction(1000000, 33333)),
)


@pytest.mark.parametrize("rate", RATES)
def test_the_rate_of_an_mp4_is_exact(rate: Fraction, tmp_path: Path) -> None:
    probe = see(make(tmp_path, "clean", rate=rate)).video.probe()
    assert probe.is_constant
    assert Fraction(probe.rate or 0) == rate


@pytest.mark.parametrize("container", ["mp4", "mkv", "avi"])
def test_ntsc_times_are_whole_periods(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "ntsc", container)
    seen = see(truth)
    assert seen.video.clock.period == Fraction(1001, 30000)
    np.testing.assert_allclose(seen.time, np.arange(120) * 1001 / 30000, rtol=0, atol=1e-12)


def test_rounding_to_milliseconds_is_removed(tmp_path: Path) -> None:
    seen = see(make(tmp_path, "ms_rounding", n_frames=300))
    assert seen.video.clock.period == Fraction(1001, 30000)
    assert seen.video.probe().clock_kind == "constant"
    np.testing.assert_allclose(seen.time, np.arange(300) * 1001 / 30000, rtol=0, atol=1e-12)


def test_six_hours_of_ntsc_drift_by_nothing() -> None:
    n = 6 * 3600 * 30000 // 1001
    clock = Clock.from_rate(Fraction(30000, 1001), n)
    exact = Fraction(n - 1) * Fraction(1001, 30000)
    assert clock.ticks[-1] * clock.tick == exact
    assert clock.seconds[-1] == float(exact)
