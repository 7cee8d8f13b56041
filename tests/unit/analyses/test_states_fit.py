"""A stored model, applied to a recording that it has not seen."""

import numpy as np

from mystax.analyses.states import StatesParams
from mystax.analyses.states_fit import apply_states
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
