"""Figures of merit against counting by hand."""

import numpy as np
import pytest

from mystax.nets.scores import auroc, calibration_error, ellipse_coverage, share_within


def test_auroc_counts_pairs() -> None:
    rng = np.random.default_rng(0)
    score = rng.integers(0, 6, 40).astype(float)
    event = rng.random(40) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a in score[event] for b in score[~event]]
    assert auroc(score, event) == pytest.approx(np.mean(pairs))


def test_auroc_of_one_class_is_nan() -> None:
    assert np.isnan(auroc(np.array([0.1, 0.2]), np.array([True, True])))


def test_calibration_error_of_a_constant_lie_is_its_size() -> None:
    good = np.arange(1000) % 10 < 3
    assert calibration_error(np.full(1000, 0.8), good) == pytest.approx(0.5)


def test_coverage_of_a_round_normal() -> None:
    offset = np.random.default_rng(1).normal(0, 2, (20_000, 2))
    covariance = np.tile([4.0, 0.0, 4.0], (20_000, 1))
    for share in (0.5, 0.9):
        assert ellipse_coverage(covariance, offset, share) == pytest.approx(share, abs=0.01)


def test_missing_offsets_do_not_count() -> None:
    offset = np.array([[0.0, 0.0], [np.nan, 0.0]])
    assert ellipse_coverage(np.ones((2, 3)) * [1, 0, 1], offset, 0.5) == 1.0
    assert np.isnan(share_within(np.array([np.nan]), 5))
