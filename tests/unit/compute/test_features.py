"""Features: alignment, components and columns; units, turns and holes do not change what they say."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.compute.column_features import Column
from mystax.compute.features import FeatureRules, Track, fit_features, prepare
from mystax.compute.hmm import best_states
from mystax.compute.hmm_frames import make_frames
from mystax.compute.hmm_search import search_hmm
from mystax.compute.statistics import adjusted_rand
from mystax.errors import NumbersError
from tests.fixtures.hmm_worlds import talking_face

TIMES = np.arange(900) / 30
RULES = FeatureRules(30.0, "rigid", np.arange(4))


def labels_of(features: np.ndarray) -> np.ndarray:
    frames = make_frames(features)
    return np.where(
        frames.has_value, best_states(frames, search_hmm(frames, 4, thorough=False).fit.model), -1
    )


def test_features_have_unit_variance_and_no_correlation() -> None:
    _, points, _ = talking_face(0, 900)
    model, prepared = fit_features([Track("a", TIMES, points)], RULES)
    np.testing.assert_allclose(np.cov(prepared[0].features.T, bias=True), np.eye(len(model.names)), atol=1e-5)


def test_components_explain_the_wanted_share() -> None:
    _, points, _ = talking_face(0, 900)
    model, _ = fit_features([Track("a", TIMES, points)], RULES)
    assert model.shape is not None
    share = np.cumsum(model.shape.spectrum) / model.shape.spectrum.sum()
    n = len(model.shape.variances)
    assert share[n - 1] >= 0.95
    assert n == 1 or share[n - 2] < 0.95


def test_units_turns_and_shifts_change_no_label() -> None:
    _, points, _ = talking_face(1, 900, turn=0.3)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turn[:, 0] *= np.sign(np.linalg.det(turn))
    moved = 1000 * (points @ turn.T) + [5, -7, 9]
    found = [labels_of(fit_features([Track("a", TIMES, p)], RULES)[1][0].features) for p in (points, moved)]
    assert adjusted_rand(*found) == 1.0


def test_expressions_are_found_on_a_turning_head() -> None:
    states, points, angle = talking_face(2, 900, turn=np.radians(30))
    _, prepared = fit_features([Track("a", TIMES, points)], RULES)
    assert adjusted_rand(states, labels_of(prepared[0].features)) >= 0.98
    rotation = prepared[0].aligned.rotation
    turned = np.arctan2((rotation @ rotation[0].T)[:, 1, 0], (rotation @ rotation[0].T)[:, 0, 0])
    assert np.degrees(np.abs(turned - (angle - angle[0]))).max() < 3
    assert np.degrees(np.sqrt(((turned - (angle - angle[0])) ** 2).mean())) < 1


@pytest.mark.parametrize(("share", "wanted"), [(0.1, 0.98), (0.3, 0.97), (0.5, 0.95)])
def test_missing_points_change_little(share: float, wanted: float) -> None:
    _, points, _ = talking_face(3, 900)
    complete = labels_of(fit_features([Track("a", TIMES, points)], RULES)[1][0].features)
    holed = points.copy()
    holed[np.random.default_rng(4).random(points.shape[:2]) < share] = np.nan
    holed[:, :4] = points[:, :4]
    rules = FeatureRules(30.0, "rigid", np.arange(4), max_gap=0.0)
    found = labels_of(fit_features([Track("a", TIMES, holed)], rules)[1][0].features)
    assert adjusted_rand(complete, found) >= wanted


def test_applied_features_equal_those_of_the_fit() -> None:
    _, points, _ = talking_face(5, 900)
    track = Track("a", TIMES, points)
    model, prepared = fit_features([track], RULES)
    np.testing.assert_allclose(prepare(model, [track])[0].features, prepared[0].features, atol=1e-12)


def test_constant_coordinates_vanish_and_constant_faces_are_refused() -> None:
    _, points, _ = talking_face(6, 900)
    points[:, 7] = points[0, 7]
    model, _ = fit_features([Track("a", TIMES, points)], FeatureRules(30.0, "none", np.arange(4)))
    assert model.shape is not None
    assert np.abs(model.shape.loadings.reshape(-1, 13, 3)[:, 7]).max() < 1e-9
    still = np.repeat(points[:1], 900, axis=0)
    with pytest.raises(NumbersError, match=r"N303.*nothing varies"):
        fit_features([Track("a", TIMES, still)], FeatureRules(30.0, "none", np.arange(4)))


def test_mostly_missing_recordings_are_refused() -> None:
    _, points, _ = talking_face(7, 900)
    points[300:] = np.nan
    with pytest.raises(NumbersError, match="too many frames are missing"):
        fit_features([Track("a", TIMES, points)], RULES)


def test_columns_are_standardised_on_the_clock_of_the_states() -> None:
    generator = np.random.default_rng(8)
    area = np.exp(generator.normal(2, 0.3, 1800))
    column = Column(np.arange(1800) / 60, area[:, None], is_log=True)
    track = Track("a", TIMES, np.zeros((900, 0, 2)), {"pupil.area": column})
    model, prepared = fit_features([track], FeatureRules(30.0))
    assert model.names == ("pupil.area",)
    found = prepared[0].features[:, 0]
    assert abs(np.nanmedian(found)) < 1e-6
    assert 1.4826 * np.nanmedian(np.abs(found - np.nanmedian(found))) == pytest.approx(1, abs=1e-5)


def test_recording_without_a_column_has_holes_there() -> None:
    _, points, _ = talking_face(9, 900)
    noise = np.random.default_rng(0).normal(size=(900, 1))
    tracks = [Track("a", TIMES, points, {"x": Column(TIMES, noise)}), Track("b", TIMES, points)]
    _, prepared = fit_features(tracks, RULES)
    assert np.isnan(prepared[1].features[:, -1]).all()
    assert np.isfinite(prepared[1].features[:, :-1]).all()


def test_recordings_of_one_individual_share_their_middle_face() -> None:
    _, points, _ = talking_face(4, 600)
    tracks = [
        Track("a", TIMES[:600], points, individual="ann"),
        Track("b", TIMES[:600], points + [0, 0, 0.8] * (np.arange(13) > 8)[:, None], individual="ann"),
        Track("c", TIMES[:600], points, individual="ben"),
    ]
    rules = replace(RULES, centre="individual", variance=0.99)
    model, prepared = fit_features(tracks, rules)
    gap = prepared[1].features - prepared[0].features
    assert gap.std(0).max() < 0.05
    assert np.abs(gap.mean(0)).max() > 1  # what differs between the recordings of one person is kept
    _, apart = fit_features(tracks, replace(rules, centre="recording"))
    assert np.abs(apart[1].features - apart[0].features).max() < 0.1
    alone = [prepare(model, [track])[0].features for track in tracks[:2]]
    assert np.abs(alone[0] - alone[1]).max() < 0.1  # by itself each has its own middle
    together = prepare(model, tracks[:2])
    np.testing.assert_allclose(together[1].features, prepared[1].features, atol=1e-9)


def test_component_that_is_never_there_takes_nothing_from_the_others() -> None:
    """Outcomes of several regions are padded: a region with fewer components has columns without a value."""
    values = np.random.default_rng(2).normal(size=(900, 3))
    holed = np.column_stack([values, np.full(900, np.nan)])
    found = [
        fit_features(
            [Track("a", TIMES, np.zeros((900, 0, 2)), {"svd": Column(TIMES, item)})], FeatureRules(30.0)
        )
        for item in (values, holed)
    ]
    assert found[0][0].names == found[1][0].names == ("svd.1", "svd.2", "svd.3")
    np.testing.assert_allclose(found[1][1][0].features, found[0][1][0].features)
