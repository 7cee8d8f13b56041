"""Drives of simulated neurons: shares of kinds, delays, averages in bins."""

import numpy as np
import pytest

from mystax.synth.brain_drives import N_DRIVES, WORLDS, make_drives, mean_in_bins
from mystax.synth.brain_sources import Sources, play_sources


@pytest.fixture(scope="module")
def sources() -> Sources:
    return play_sources(120, 50, np.random.default_rng(3))


@pytest.mark.parametrize("kinds", WORLDS.values())
def test_every_world_has_all_its_drives(kinds: dict[str, int]) -> None:
    assert sum(kinds.values()) == N_DRIVES


def test_drives_are_standardised_and_delayed_within_half_a_second(sources: Sources) -> None:
    for drive in make_drives("B", sources, np.random.default_rng(1)):
        assert drive.trace.mean() == pytest.approx(0, abs=1e-9)
        assert drive.trace.std() == pytest.approx(1)
        assert 0 <= drive.delay <= 0.5


def test_half_waves_rest_at_one_value(sources: Sources) -> None:
    for drive in make_drives("A", sources, np.random.default_rng(1)):
        lowest = drive.trace.min()
        assert np.isclose(drive.trace, lowest).mean() > 0.2


def test_envelopes_have_no_values_far_below(sources: Sources) -> None:
    kinds = make_drives("B", sources, np.random.default_rng(1))
    for drive in kinds:
        if drive.kind == "envelope":
            assert drive.trace.min() > -2


def test_bins_of_whole_samples_are_plain_means() -> None:
    traces = np.random.default_rng(0).standard_normal((120, 3))
    np.testing.assert_allclose(
        mean_in_bins(traces, 60, 6, 12), traces.reshape(12, 10, 3).mean(axis=1), atol=1e-12
    )


def test_bins_of_broken_samples_weigh_them_by_their_share() -> None:
    traces = np.random.default_rng(0).standard_normal((100, 2))
    fine = np.repeat(traces, 3, axis=0)  # 150 / s: a bin of 1/6 s is 25 of these
    np.testing.assert_allclose(
        mean_in_bins(traces, 50, 6, 12), fine.reshape(12, 25, 2).mean(axis=1), atol=1e-12
    )
