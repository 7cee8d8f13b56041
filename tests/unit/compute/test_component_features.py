"""One component on its way through the bank."""

import numpy as np
import pytest

from mystax.compute.component_features import base_signals, component_features
from mystax.compute.feature_table import features_of_one
from mystax.compute.filterbank import Filterbank
from mystax.compute.filters import Filters
from mystax.compute.grid_bins import bins_of
from tests.fixtures.grids import grid, part, wander

RATE = 50.0
VALUES = wander(3000, 1)[:, 0].astype(np.float64)
FILTERS = Filters(np.ones(3000, bool), RATE, None)
BINS = bins_of(grid(part(VALUES[:, None])), np.arange(300) / 5 + 0.1, 0.2)


@pytest.mark.parametrize("bank", ["full", "signed", "states"])
def test_there_is_a_column_for_every_row_of_the_table(bank: str) -> None:
    made = component_features(VALUES, bank, FILTERS, BINS, np.ones(3000, bool))
    assert len(made.columns) == len(features_of_one(bank, RATE))


def test_levels_that_were_learned_give_the_same_columns_again() -> None:
    made = component_features(VALUES, "full", FILTERS, BINS, np.ones(3000, bool))
    again = component_features(VALUES, "full", FILTERS, BINS, levels=made.levels)
    assert np.array_equal(made.columns, again.columns)
    assert len(made.levels) == 7  # four rhythms, three changes


def test_levels_come_from_training_frames_only() -> None:
    training = np.arange(3000) < 1500
    louder = np.where(np.arange(3000) < 2500, VALUES, 50 * VALUES)
    levels = [
        component_features(values, "full", FILTERS, BINS, training).levels for values in (VALUES, louder)
    ]
    assert np.allclose(levels[0], levels[1], rtol=1e-6)


def test_base_signals_are_the_component_its_rhythms_and_its_two_sides() -> None:
    made = grid(part(VALUES[:, None]))
    bank = Filterbank().fit(made, BINS, np.ones(300, bool))
    found = base_signals(bank.parts_[0], made.parts[0], 0, FILTERS)
    assert len(found) == 1 + 4 + 2
    assert (np.minimum(found[-1], found[-2]) == 0).all()
