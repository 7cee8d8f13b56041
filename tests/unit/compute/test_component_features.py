"""Components on their way through the bank."""

import numpy as np
import pytest

from mystax.compute.component_features import base_signals, component_features
from mystax.compute.feature_table import features_of_one
from mystax.compute.filterbank import Filterbank
from mystax.compute.filters import Filters
from mystax.compute.grid_bins import bins_of
from tests.fixtures.grids import grid, part, wander

RATE = 50.0
VALUES = wander(3000, 11).astype(np.float64).T
FILTERS = Filters(np.ones(3000, bool), RATE, None)
BINS = bins_of(grid(part(VALUES.T)), np.arange(300) / 5 + 0.1, 0.2)


@pytest.mark.parametrize("bank", ["full", "signed", "states"])
def test_there_is_a_column_for_every_row_of_the_table(bank: str) -> None:
    made = component_features(VALUES, bank, FILTERS, BINS, np.ones(3000, bool))
    assert made.columns.shape == (11, len(features_of_one(bank, RATE)), 300)


def test_levels_that_were_learned_give_the_same_columns_again() -> None:
    made = component_features(VALUES, "full", FILTERS, BINS, np.ones(3000, bool))
    again = component_features(VALUES, "full", FILTERS, BINS, levels=made.levels)
    assert np.array_equal(made.columns, again.columns)
    assert made.levels.shape == (11, 7)  # four rhythms, three changes


def test_components_know_nothing_of_each_other() -> None:
    training = np.ones(3000, bool)
    made = component_features(VALUES, "full", FILTERS, BINS, training)
    for number in (0, 7, 10):
        alone = component_features(VALUES[number : number + 1], "full", FILTERS, BINS, training)
        assert np.allclose(made.columns[number], alone.columns[0], atol=1e-12)
        assert np.allclose(made.levels[number], alone.levels[0], rtol=1e-12)


def test_levels_come_from_training_frames_only() -> None:
    training = np.arange(3000) < 1500
    louder = np.where(np.arange(3000) < 2500, VALUES, 50 * VALUES)
    levels = [
        component_features(values, "full", FILTERS, BINS, training).levels for values in (VALUES, louder)
    ]
    assert np.allclose(levels[0], levels[1], rtol=1e-6)


def test_base_signals_are_the_component_its_rhythms_and_its_two_sides() -> None:
    made = grid(part(VALUES[:1].T))
    bank = Filterbank().fit(made, BINS, np.ones(300, bool))
    found = base_signals(bank.parts_[0], made.parts[0], 0, FILTERS)
    assert found.shape == (1 + 4 + 2, 3000)
    assert (found[-2:].min(axis=0) == 0).all()
