"""The models of some training bins: units, names, weights, and nothing learned from other bins."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.analyses.encoding_data import EncodingData, encoding_data
from mystax.analyses.encoding_members import (
    FAMILIES,
    FoldSettings,
    Members,
    Units,
    fit_design,
    fit_members,
    stack_members,
    units_of,
)
from mystax.compute.folds import BlockFolds, FoldPlan
from mystax.compute.population import Population
from mystax.compute.tiles import TilePool
from tests.fixtures.brains import follower, two_parts

QUICK = FoldSettings(scales="one")


@pytest.fixture(scope="module")
def followed() -> EncodingData:
    """Twelve neurons that follow the first of two parts, with noise of the same variance."""
    return encoding_data(two_parts(), follower(share=0.5))


@pytest.fixture(scope="module")
def plan(followed: EncodingData) -> FoldPlan:
    return BlockFolds(2).plan(followed.times, followed.usable)


def fitted(data: EncodingData, plan: FoldPlan, settings: FoldSettings = QUICK) -> tuple[Units, Members]:
    train = plan.train(0)
    units = units_of(data, train, 0)
    with TilePool() as tiles:
        return units, fit_members(data, units, train, plan.inner(train, 4), settings, tiles)


def test_units_are_those_of_the_training_bins(followed: EncodingData, plan: FoldPlan) -> None:
    train = plan.train(0)
    activity = np.asarray(followed.neural["activity"].values, np.float64)
    units = units_of(followed, train, 0)
    np.testing.assert_allclose(units.mean, activity[train].mean(0), atol=1e-6)
    np.testing.assert_allclose(units.sd, activity[train].std(0), rtol=1e-5)
    expected = (activity - activity[train].mean(0)) / activity[train].std(0) @ units.loadings
    np.testing.assert_allclose(units.scores, expected, atol=1e-4)
    np.testing.assert_allclose(units.loadings.T @ units.loadings, np.eye(units.loadings.shape[1]), atol=1e-6)


def test_models_are_named_as_they_were_asked_for(followed: EncodingData, plan: FoldPlan) -> None:
    _, few = fitted(followed, plan)
    assert few.names == few.stacked == ("lagged-ridge", "filterbank")
    _, more = fitted(followed, plan, replace(QUICK, one_point=True, reduced_rank=True))
    assert more.names == ("lagged-ridge", "one-point", "filterbank", "reduced-rank")
    assert more.stacked == few.stacked


def test_other_bins_teach_the_models_nothing(followed: EncodingData, plan: FoldPlan) -> None:
    """Noise in place of the activity of all other bins changes no word."""
    train, test = plan.train(0), plan.test(0)
    changed = np.array(followed.neural["activity"].values, np.float32)
    changed[~train] = np.random.default_rng(9).normal(5, 3, changed[~train].shape)
    other = replace(followed, population=Population(changed, followed.population.neurons))
    (_, one), (_, two) = fitted(followed, plan), fitted(other, plan)
    for name in one.names:
        np.testing.assert_array_equal(one.said(name, test), two.said(name, test))


def test_stack_is_at_least_as_good_as_the_baseline_out_of_fold(
    followed: EncodingData, plan: FoldPlan
) -> None:
    train = plan.train(0)
    units, fits = fitted(followed, plan)
    stack = stack_members(followed, units, train, fits)
    held = [fits.held(name) - mean for name, mean in zip(fits.stacked, stack.means, strict=True)]
    truth = (np.asarray(followed.neural["activity"].values, np.float64)[train] - units.mean) / units.sd

    def error(weights: np.ndarray) -> float:
        said = sum(w[None] * (h @ units.loadings.T) for w, h in zip(weights, held, strict=True))
        return float(((truth - said) ** 2).sum())

    alone = np.zeros_like(stack.weights)
    alone[0] = 1
    assert error(stack.weights) <= error(alone)
    assert not stack.fallback


def test_scales_are_searched_only_where_that_is_asked_for(followed: EncodingData, plan: FoldPlan) -> None:
    train = plan.train(0)
    units, inner = units_of(followed, train, 0), plan.inner(train, 4)
    plain = fit_design(followed, units, train, inner, "one")
    assert (plain.scale == 1).all()
    found = fit_design(followed, units, train, inner, "search")
    np.testing.assert_array_equal(found.x, plain.x)
    for family in FAMILIES:
        own = {float(s) for s, f in zip(found.scale, found.bank.features_, strict=True) if f.family == family}
        assert len(own) == 1
        assert own <= {1.0, 0.3, 0.0}
