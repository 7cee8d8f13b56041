"""The verdict on a fit: what is flagged, and in which words."""

import numpy as np
import pytest

from mystax.analyses.states import StatesParams
from mystax.analyses.states_model import StatesFit
from mystax.analyses.states_verdict import verdict_of
from mystax.compute.features import FeatureModel, FeatureRules
from mystax.compute.hmm_choice import Candidate
from mystax.compute.hmm_frames import make_frames
from tests.fixtures.hmm_worlds import random_model


def fit(n_states: int, candidates: list[Candidate]) -> StatesFit:
    nothing = np.zeros((0, 2))
    features = FeatureModel(FeatureRules(30.0), nothing, None, {}, ("pc1", "pc2"), nothing)
    return StatesFit(features, random_model(0, n_states, 2), 30.0, [], tuple(candidates))


def candidate(n_states: int, level: float, stability: float = 0.9) -> Candidate:
    return Candidate(n_states, level + 0.01 * np.arange(5.0), stability)


LONG = make_frames(np.random.default_rng(0).normal(size=(2000, 2)))


def codes(k: int, candidates: list[Candidate], **more: object) -> tuple[list[str], str]:
    params = StatesParams(**({"n_states": k} | more))  # type: ignore[arg-type] # values of declared parameters
    flags, verdict = verdict_of(fit(k, candidates), params, LONG)
    return [flag.code for flag in flags], verdict


def test_worse_than_one_gaussian_is_said_first() -> None:
    found, verdict = codes(9, [candidate(1, -16.0), candidate(9, -97.6, 0.58)])
    assert found[0] == "N321"
    assert verdict.startswith("9 states as asked. Held out, 9 states predict worse than a single Gaussian")
    assert "Stability 0.58" in verdict


def test_unstable_states_are_flagged() -> None:
    assert "N322" in codes(3, [candidate(1, -5.0), candidate(3, -2.0, 0.4)])[0]
    assert "N322" not in codes(3, [candidate(1, -5.0), candidate(3, -2.0, 0.95)])[0]


def test_number_at_its_limit_is_flagged() -> None:
    found, _ = codes(3, [candidate(1, -5.0), candidate(3, -2.0)], n_states="auto", max_states=3)
    assert "N322" in found


def test_few_bouts_and_few_frames_are_flagged() -> None:
    assert "N323" in codes(3, [candidate(1, -5.0), candidate(3, -2.0)])[0]
    short = make_frames(np.zeros((20, 2)))
    flags, _ = verdict_of(fit(3, [candidate(3, -2.0)]), StatesParams(n_states=3), short)
    assert any(flag.code == "N323" and "20 frames are few" in flag.text for flag in flags)


@pytest.mark.parametrize("best", [-4.9, -5.0])
def test_one_state_chosen_says_why(best: float) -> None:
    found, verdict = codes(1, [candidate(1, -5.0), candidate(2, best)], n_states="auto")
    assert found[0] == "N321"
    assert "No model of more states predicts held-out time better" in verdict
