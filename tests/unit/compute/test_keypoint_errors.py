"""Errors of keypoints, and whether confidences and ellipses keep their word."""

import numpy as np
import pytest

from mystax.compute.keypoint_errors import (
    area_under_curve,
    bootstrap_mean,
    calibration_error,
    ellipse_coverage,
    mean_shape_error,
    pixel_errors,
    reliability,
    summarise,
)


def test_error_is_scaled_to_a_face_of_256_pixels() -> None:
    predicted = np.zeros((2, 1, 2))
    labelled = np.full((2, 1, 2), [3.0, 4.0])
    assert pixel_errors(predicted, labelled, np.array([256.0, 128.0])).tolist() == [[5.0], [10.0]]


def test_missing_prediction_has_no_error_and_counts_as_outside() -> None:
    errors = np.array([[1.0, np.nan], [3.0, 30.0]])
    found = summarise(errors, np.ones((2, 2), bool))
    assert (found.n, found.n_missing, found.median) == (4, 1, 3.0)
    assert found.pck == {2.0: 0.25, 5.0: 0.5, 10.0: 0.5, 20.0: 0.5}
    assert found.mean.mean == pytest.approx(34 / 3)


def test_points_without_a_label_do_not_count() -> None:
    labelled = np.array([[True, False], [False, True]])
    found = summarise(np.array([[1.0, 99.0], [99.0, 3.0]]), labelled)
    assert (found.n, found.mean.mean) == (2, 2.0)
    assert found.p95 == pytest.approx(2.9)
    assert found.as_dict()["pck"] == {"2": 0.5, "5": 1.0, "10": 1.0, "20": 1.0}


def test_nothing_labelled_gives_nothing() -> None:
    found = summarise(np.zeros((2, 2)), np.zeros((2, 2), bool))
    assert found.n == 0
    assert np.isnan([found.median, found.p95, found.mean.mean, found.pck[2.0]]).all()


def test_bootstrap_interval_covers_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for k in range(300):
        # frames of three points that share most of their error: the frame is the unit
        values = rng.normal(5, 1, (40, 1)) + rng.normal(0, 0.2, (40, 3))
        found = bootstrap_mean(values, seed=k, n_draws=400)
        inside += found.low <= 5 <= found.high
    assert 0.90 <= inside / 300 <= 0.98


def test_bootstrap_is_the_same_for_the_same_seed() -> None:
    values = np.random.default_rng(1).normal(size=(30, 2))
    assert bootstrap_mean(values, seed=5) == bootstrap_mean(values, seed=5)
    assert bootstrap_mean(values, seed=5) != bootstrap_mean(values, seed=6)


def test_mean_place_is_the_baseline() -> None:
    train = np.array([[[0.0, 0.0]], [[2.0, 0.0]], [[np.nan, np.nan]]])
    test = np.array([[[1.0, 5.0]], [[4.0, 4.0]]])
    assert mean_shape_error(train, test, np.full(2, 256.0)).ravel().tolist() == [5.0, 5.0]


@pytest.mark.parametrize("n", [10_000])
def test_honest_confidences_have_no_calibration_error(n: int) -> None:
    rng = np.random.default_rng(2)
    confidence = rng.uniform(size=n)
    right = rng.uniform(size=n) < confidence
    assert calibration_error(confidence, right) < 0.02
    assert calibration_error(np.clip(confidence + 0.2, 0, 1), right) == pytest.approx(0.18, abs=0.03)


def test_bins_hold_equally_many_points() -> None:
    table = reliability(np.linspace(0, 1, 25), np.arange(25) > 12)
    assert table[:, 2].sum() == 25
    assert set(table[:, 2]) <= {2.0, 3.0}
    assert (np.diff(table[:, 0]) > 0).all()
    assert np.isnan(calibration_error(np.empty(0), np.empty(0, bool)))


def test_area_under_the_curve_is_the_share_of_ordered_pairs() -> None:
    rng = np.random.default_rng(3)
    suspicion = rng.integers(0, 6, 60).astype(float)
    wrong = rng.uniform(size=60) < 0.3
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in suspicion[wrong] for b in suspicion[~wrong]]
    assert area_under_curve(suspicion, wrong) == pytest.approx(np.mean(pairs))


def test_area_needs_right_and_wrong_points() -> None:
    assert np.isnan(area_under_curve(np.arange(3.0), np.zeros(3, bool)))
    assert area_under_curve(np.arange(4.0), np.array([False, False, True, True])) == 1.0


@pytest.mark.parametrize("probability", [0.5, 0.9])
def test_true_ellipses_cover_what_they_say(probability: float) -> None:
    rng = np.random.default_rng(4)
    root = rng.normal(size=(5000, 2, 2))
    full = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(2)
    away = np.einsum("nij,nj->ni", np.linalg.cholesky(full), rng.normal(size=(5000, 2)))
    covariance = np.stack([full[:, 0, 0], full[:, 0, 1], full[:, 1, 1]], -1)[:, None]
    predicted = rng.uniform(0, 100, (5000, 1, 2))
    found = ellipse_coverage(predicted, covariance, predicted + away[:, None], probability)
    assert found == pytest.approx(probability, abs=0.025)  # three standard errors of 5,000


def test_ellipses_of_nothing_cover_nothing() -> None:
    nothing = np.full((2, 1, 2), np.nan)
    assert np.isnan(ellipse_coverage(nothing, np.ones((2, 1, 3)), nothing, 0.9))
