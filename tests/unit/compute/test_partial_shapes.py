"""Frames that are seen in part, against densities of what is seen that are written out in full."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from mystax.compute.hmm import HmmModel, best_states, expect
from mystax.compute.hmm_frames import make_frames
from mystax.compute.partial_shapes import PartialShapes, partial_log_densities
from mystax.compute.shape_features import ShapeModel, shape_scores

N_POINTS, N_COMPONENTS, NOISE = 6, 2, 0.04


def shape_model() -> ShapeModel:
    loadings = np.linalg.qr(np.random.default_rng(0).normal(size=(2 * N_POINTS, N_COMPONENTS)))[0].T
    variances = np.array([4.0, 1.0])
    return ShapeModel(
        np.arange(2.0 * N_POINTS), np.ones(N_POINTS), loadings, variances, NOISE, np.append(variances, NOISE)
    )


def states(n_features: int, n_states: int = 3) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(1)
    half = generator.normal(size=(n_states, n_features, n_features))
    return generator.normal(size=(n_states, n_features)), half @ np.swapaxes(half, 1, 2) + 0.1 * np.eye(
        n_features
    )


def seen_rows(n: int, n_hidden: int) -> np.ndarray:
    generator = np.random.default_rng(2)
    model = shape_model()
    scores = generator.normal(size=(n, N_COMPONENTS)) * np.sqrt(model.variances)
    rows = model.mean + scores @ model.loadings + np.sqrt(NOISE) * generator.normal(size=(n, 2 * N_POINTS))
    for row in rows:
        row.reshape(N_POINTS, 2)[generator.choice(N_POINTS, n_hidden, replace=False)] = np.nan
    return np.asarray(rows)


@pytest.mark.parametrize("n_columns", [0, 2])
def test_states_differ_as_the_densities_of_the_seen_coordinates_do(n_columns: int) -> None:
    model, rows = shape_model(), seen_rows(12, 3)
    scores, partial = shape_scores(model, rows)
    assert len(partial.rows) == len(rows)
    columns = np.random.default_rng(3).normal(size=(len(rows), n_columns))
    values = np.concatenate([scores, columns], axis=1)
    means, covariances = states(N_COMPONENTS + n_columns)
    found = partial_log_densities(partial, values, np.isfinite(values), means, covariances)
    whitened = model.loadings * np.sqrt(model.variances)[:, None]
    for t, row in enumerate(rows):
        shown = np.isfinite(row)
        lift = np.zeros((shown.sum() + n_columns, N_COMPONENTS + n_columns))
        lift[: shown.sum(), :N_COMPONENTS] = whitened[:, shown].T
        lift[shown.sum() :, N_COMPONENTS:] = np.eye(n_columns)
        noise = np.diag(np.append(np.full(shown.sum(), NOISE), np.zeros(n_columns)))
        seen = np.append(row[shown] - model.mean[shown], columns[t])
        wanted = [
            multivariate_normal.logpdf(seen, lift @ m, lift @ c @ lift.T + noise)
            for m, c in zip(means, covariances, strict=True)
        ]
        np.testing.assert_allclose(found[t] - found[t, 0], np.array(wanted) - wanted[0], atol=1e-7)


def test_frame_that_tells_everything_has_the_density_of_a_whole_one() -> None:
    values = np.array([[0.3, -1.2]])
    means, covariances = states(2)
    sure = PartialShapes(np.array([0]), np.array([0]), 1e9 * np.eye(2)[None])
    found = partial_log_densities(sure, values, np.ones((1, 2), bool), means, covariances)
    wanted = [multivariate_normal.logpdf(values[0], m, c) for m, c in zip(means, covariances, strict=True)]
    np.testing.assert_allclose(found[0], wanted, atol=1e-6)


def test_frame_that_tells_nothing_leaves_all_states_alike() -> None:
    means, covariances = states(2)
    blind = PartialShapes(np.array([0]), np.array([0]), np.zeros((1, 2, 2)))
    found = partial_log_densities(blind, np.zeros((1, 2)), np.ones((1, 2), bool), means, covariances)
    np.testing.assert_allclose(found[0], found[0, 0], atol=1e-12)


def test_hidden_columns_take_no_part() -> None:
    values = np.array([[0.3, -1.2, np.nan], [0.3, -1.2, 0.5]])
    means, covariances = states(3)
    partial = PartialShapes(np.array([0, 1]), np.array([0, 0]), 3 * np.eye(2)[None])
    found = partial_log_densities(partial, np.nan_to_num(values), np.isfinite(values), means, covariances)
    alone = partial_log_densities(
        PartialShapes(np.array([0]), np.array([0]), 3 * np.eye(2)[None]),
        values[:1, :2],
        np.ones((1, 2), bool),
        means[:, :2],
        covariances[:, :2, :2],
    )
    np.testing.assert_allclose(found[0], alone[0], atol=1e-12)
    assert np.abs(found[1] - found[0]).min() > 1e-3


def test_no_frames_in_part_are_no_rows() -> None:
    model = shape_model()
    _, partial = shape_scores(model, seen_rows(4, 0))
    assert len(partial.rows) == 0
    assert partial_log_densities(partial, np.zeros((4, 2)), np.ones((4, 2), bool), *states(2)).shape == (0, 3)


def test_recordings_that_follow_each_other_are_joined() -> None:
    one = PartialShapes(np.array([1, 3]), np.array([0, 1]), np.stack([np.eye(2), 2 * np.eye(2)]))
    two = PartialShapes(np.array([0]), np.array([0]), 3 * np.eye(2)[None])
    both = PartialShapes.joined([one, PartialShapes.none(2), two], [5, 7, 4])
    assert both.rows.tolist() == [1, 3, 12]
    assert both.information[both.pattern, 0, 0].tolist() == [1, 2, 3]
    assert both.chosen(np.arange(16) > 2).rows.tolist() == [3, 12]


def test_chain_decides_where_the_points_that_tell_states_apart_are_hidden() -> None:
    truth = np.repeat([0, 1, 0], 20)
    values = np.where(truth == 0, -2.0, 2.0)[:, None] + 0.1 * np.random.default_rng(4).normal(size=(60, 1))
    hidden = np.array([5, 25, 30, 50])
    values[hidden] = 0.0  # what a prior mean would say
    means = np.array([[-2.0], [2.0]])
    spread = np.array([[[0.02]], [[2.0]]])  # a wide state would take all that is vague
    model = HmmModel(np.full(2, 0.5), np.array([[0.95, 0.05], [0.05, 0.95]]), means, spread)
    frames = make_frames(values)
    blind = frames.told_in_part(PartialShapes(hidden, np.zeros(4, np.int64), np.zeros((1, 1, 1))))
    assert not np.array_equal(best_states(frames, model), truth)
    assert np.array_equal(best_states(blind, model), truth)
    assert np.array_equal(expect(blind, model).posterior.argmax(1), truth)
