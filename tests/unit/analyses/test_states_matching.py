"""Which state is which in another fit: by frames, by emissions, and where that cannot be said."""

import numpy as np
import pytest

from mystax.analyses.states_matching import bhattacharyya, match_states
from mystax.compute.statistics import adjusted_rand
from mystax.errors import WeightsError
from tests.fixtures.state_outcomes import filmed_fit, known_fit, known_outcome, outcomes_of, spatial_source


def test_permuted_states_of_one_recording_match_entirely() -> None:
    first = known_outcome(1)
    truth, source = spatial_source(1, 240, "face 1")
    order = np.array([2, 0, 1])
    second = outcomes_of(known_fit([source], [order[truth]]))
    found = match_states(first, second)
    assert found.how == "frames"
    assert found.share == 1.0
    assert dict(found.pairs) == {1: 3, 2: 1, 3: 2}
    assert found.unmatched == found.other_unmatched == ()
    assert found.agreement == 1.0
    assert found.confusion.sum() == 240
    assert found.information == pytest.approx(1.0)


def test_share_is_counted_over_frames_of_matching_pairs() -> None:
    first = known_outcome(1)
    second = known_outcome(1)
    label = second[0]["label"].values
    changed = np.flatnonzero(label == 1)[:10]
    label[changed] = 2
    found = match_states(first, second)
    assert found.share == pytest.approx(1 - len(changed) / 240)
    assert found.confusion[0, 1] == 10
    assert found.agreement == pytest.approx(
        adjusted_rand(first[0]["label"].values.astype(np.int64), label.astype(np.int64))
    )


def test_missing_frames_do_not_count() -> None:
    first, second = known_outcome(1), known_outcome(1)
    second[0]["label"].values[:40] = -1
    assert match_states(first, second).confusion.sum() == 200


def test_other_recordings_are_matched_by_what_the_states_look_like() -> None:
    first, second = known_outcome(1, n=600), known_outcome(2, n=600)
    found = match_states(first, second)
    assert found.how == "emissions"
    assert set(found.pairs) == {(1, 1), (2, 2), (3, 3)}
    assert found.share >= 0.95
    assert np.isnan(found.agreement)
    assert found.confusion.sum() == 0


def test_a_turned_and_moved_recording_matches_all_the_same() -> None:
    truth, source = spatial_source(2, 600)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    turn[:, 0] *= np.sign(np.linalg.det(turn))
    from dataclasses import replace

    moved = replace(source, points=source.points @ turn.T + [5.0, -9.0, 30.0], identity="moved")
    second = outcomes_of(known_fit([moved], [truth]))
    found = match_states(known_outcome(1, n=600), second)
    assert set(found.pairs) == {(1, 1), (2, 2), (3, 3)}
    assert found.share >= 0.95


def test_a_state_that_the_other_fit_lacks_has_no_partner() -> None:
    first = known_outcome(1, n=600)
    truth, source = spatial_source(2, 600)
    keep = truth != 2
    from dataclasses import replace

    second = outcomes_of(
        known_fit(
            [replace(source, times=np.arange(keep.sum()) / 30, points=source.points[keep])], [truth[keep]]
        )
    )
    found = match_states(first, second)
    assert found.unmatched == (3,)
    assert found.other_unmatched == ()
    assert len(found.pairs) == 2


def test_fits_of_other_points_are_refused() -> None:
    with pytest.raises(WeightsError, match=r"M702.*other points"):
        match_states(known_outcome(1), outcomes_of(filmed_fit()[2]))


def test_overlap_is_the_integral_of_the_root_of_the_product() -> None:
    x = np.linspace(-12, 12, 20_001)
    one = np.exp(-((x - 0.7) ** 2) / (2 * 0.5)) / np.sqrt(2 * np.pi * 0.5)
    two = np.exp(-((x + 0.4) ** 2) / (2 * 2.0)) / np.sqrt(2 * np.pi * 2.0)
    integral = float(np.sqrt(one * two).sum() * (x[1] - x[0]))
    found = bhattacharyya(np.array([0.7]), np.array([[0.5]]), np.array([-0.4]), np.array([[2.0]]))
    assert found == pytest.approx(integral, rel=1e-6)
