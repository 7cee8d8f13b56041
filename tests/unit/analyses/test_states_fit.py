"""A stored model applied to recordings that it has not seen; rates of recordings and of states."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.analyses.states import StatesParams
from mystax.analyses.states_fit import apply_states, feature_rules
from mystax.analyses.states_outcome import model_of_dataset
from mystax.compute.features import Track, prepare
from mystax.compute.hmm import expect
from mystax.compute.hmm_frames import make_frames
from tests.fixtures.state_outcomes import known_fit, outcomes_of, spatial_source


def test_stored_model_of_three_recordings_gives_the_e_step_on_a_fourth() -> None:
    made = [spatial_source(seed, 200, f"r{seed}") for seed in range(4)]
    fit = known_fit([source for _, source in made[:3]], [truth for truth, _ in made[:3]])
    features, model = model_of_dataset(outcomes_of(fit)[0])
    _, fresh = made[3]
    found = apply_states([fresh], features, model, StatesParams(n_states=3))
    track = Track(fresh.name, fresh.times, fresh.points, fresh.columns, fresh.individual)
    own = expect(make_frames(prepare(fit.features, [track])[0].features), fit.model)
    np.testing.assert_allclose(found.decoded[0].posterior, own.posterior, atol=1e-12)


def test_states_are_not_faster_than_the_frames() -> None:
    """Asked for 60 Hz, frames at 30 Hz stay frames at 30 Hz: all that is counted in frames must know that."""
    truth, source = spatial_source(0, 300)
    rules, flags = feature_rules([source], StatesParams(n_states=3, rate=60.0))
    assert rules.rate == pytest.approx(30)
    assert [flag.code for flag in flags] == ["N304"]
    assert feature_rules([source], StatesParams(n_states=3, rate=30.0))[1] == []
    asked, usual = (
        outcomes_of(known_fit([source], [truth], rate=rate))[0]["dwell_expected"].values
        for rate in (60.0, 30.0)
    )
    np.testing.assert_allclose(asked, usual)


def test_fastest_states_of_recordings_of_unlike_rates_are_those_of_the_slowest() -> None:
    _, slow = spatial_source(0, 300)
    _, fast = spatial_source(1, 300)
    fast = replace(fast, times=fast.times * 0.3)
    rules, _ = feature_rules([slow, fast], StatesParams(n_states=3, rate=90.0))
    assert rules.rate == pytest.approx(30)


def test_model_of_faster_frames_is_flagged_and_its_dwell_is_in_seconds() -> None:
    truth, source = spatial_source(0, 300)
    fit = known_fit([source], [truth])
    slow = replace(source, times=source.times * 3)
    found = apply_states([slow], fit.features, fit.model, StatesParams(n_states=3))
    assert [flag.code for flag in found.flags if "10 Hz" in flag.text] == ["N323"]
    assert not [
        flag
        for flag in apply_states([source], fit.features, fit.model, StatesParams(n_states=3)).flags
        if "Hz" in flag.text
    ]
    stay = np.diag(fit.model.transitions)
    np.testing.assert_allclose(outcomes_of(found)[0]["dwell_expected"].values, 0.1 / (1 - stay))
