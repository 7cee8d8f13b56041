"""F25: NaN and infinity in tracks, traces and pictures take no part; too many are refused with a count."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.compute.shapes import fit_shapes
from mystax.compute.smoothing import bridge_gaps, robust_sd, running_median
from mystax.compute.tracks import METHODS, SmoothTracks, smooth_tracks
from mystax.errors import NumbersError

pytestmark = pytest.mark.fault(25)

N, K = 40, 2
BAD = (np.nan, np.inf, -np.inf)


def _tracks(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make places, covariances and confidences of wandering points."""
    rng = np.random.default_rng(seed)
    position = 50 + rng.normal(0, 1, (N, K, 2)).cumsum(axis=0)
    covariance = np.broadcast_to(np.array([1.0, 0.1, 1.0]), (N, K, 3)).copy()
    return position, covariance, rng.uniform(0.3, 1, (N, K))


def _smoothed(
    position: np.ndarray, covariance: np.ndarray, confidence: np.ndarray, *, method: str
) -> SmoothTracks:
    return smooth_tracks(position, covariance, confidence, np.arange(N) / 100, method=method)


@settings(max_examples=10)
@given(
    seed=st.integers(0, 1000),
    method=st.sampled_from(METHODS),
    what=st.sampled_from([0, 1]),
    bad=st.sampled_from(BAD),
    share=st.sampled_from([0.02, 0.3, 1.0]),
)
def test_places_that_are_no_numbers_count_as_unseen(
    seed: int, method: str, what: int, bad: float, share: float
) -> None:
    arrays = list(_tracks(seed))
    hit = np.random.default_rng(seed + 1).random((N, K)) < share
    unseen = arrays[0].copy()
    unseen[hit] = np.nan
    arrays[what][hit, seed % arrays[what].shape[2]] = bad
    position, covariance, confidence = arrays
    found = _smoothed(position, covariance, confidence, method=method)
    _, covariance, confidence = _tracks(seed)
    truth = _smoothed(unseen, covariance, confidence, method=method)
    for name in ("position", "covariance", "velocity", "distance", "gap_filled", "cutoff", "noise"):
        values = getattr(found, name)
        np.testing.assert_array_equal(values, getattr(truth, name), err_msg=name)
        assert not np.isinf(values).any()


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), method=st.sampled_from(METHODS), bad=st.sampled_from(BAD))
def test_a_confidence_that_is_no_number_is_none(seed: int, method: str, bad: float) -> None:
    position, covariance, confidence = _tracks(seed)
    hit = np.random.default_rng(seed + 1).random((N, K)) < 0.2
    given, none = confidence.copy(), confidence.copy()
    given[hit], none[hit] = bad, 0.0
    found = _smoothed(position, covariance, given, method=method)
    np.testing.assert_array_equal(
        found.position, _smoothed(position, covariance, none, method=method).position
    )


@settings(max_examples=50)
@given(
    values=st.lists(st.one_of(st.floats(-100, 100), st.sampled_from(BAD)), min_size=1, max_size=40),
    window=st.floats(0, 5),
)
def test_infinite_values_of_a_trace_are_holes(values: list[float], window: float) -> None:
    trace = np.array(values)
    holed = np.where(np.isfinite(trace), trace, np.nan)
    times = np.arange(len(trace)) / 2
    np.testing.assert_array_equal(running_median(trace, times, window), running_median(holed, times, window))
    np.testing.assert_array_equal(bridge_gaps(trace, times, window), bridge_gaps(holed, times, window))
    np.testing.assert_array_equal(robust_sd(trace), robust_sd(holed))


@pytest.mark.parametrize("bad", BAD)
def test_labels_that_are_no_numbers_are_missing_for_the_shape(bad: float) -> None:
    rng = np.random.default_rng(0)
    shapes = rng.normal(0, 1, (30, 6, 2)) + rng.uniform(0, 80, (1, 6, 2))
    hit = rng.random((30, 6)) < 0.2
    given, holed = shapes.copy(), shapes.copy()
    given[hit, 1], holed[hit] = bad, np.nan
    np.testing.assert_array_equal(fit_shapes(given).mean, fit_shapes(holed).mean)


def test_too_few_numbers_are_refused_with_their_count() -> None:
    shapes = np.full((30, 6, 2), np.nan)
    shapes[:7] = np.random.default_rng(0).uniform(0, 80, (7, 6, 2))
    with pytest.raises(NumbersError, match=r"N303.*10 frames of 3 points, got 7"):
        fit_shapes(shapes)


@pytest.mark.extra("train")
@pytest.mark.parametrize("bad", BAD)
def test_pictures_with_single_bad_pixels_are_used_and_others_are_not(bad: float, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason='pip install "mystax[train]"')  # the small network is made with it
    import mystax
    from tests.fixtures.networks import tiny_weights

    weights = str(tiny_weights(tmp_path))
    pictures = np.random.default_rng(0).uniform(0, 1, (3, 80, 80)).astype(np.float32)
    pictures[1, 40, 40] = bad
    pictures[2, 20:40] = bad
    found = mystax.pose(pictures, weights=weights)
    assert np.isfinite(found["position"][:2]).all()
    assert np.isnan(found["position"][2]).all()
    assert (found["confidence"][2] == 0).all()
