"""The table of temporal features."""

import pytest

from mystax.compute.feature_table import BANKS, LONGEST, features_of_one, finite_shapes


def test_numbers_of_features_are_those_of_the_banks() -> None:
    assert [len(features_of_one(bank, 50)) for bank in ("full", "signed", "states")] == [50, 12, 4]
    families = [name for name, *_ in features_of_one("full", 50)]
    assert [families.count(name) for name in ("signed", "slow", "envelope", "half-wave")] == [10, 2, 20, 18]


@pytest.mark.parametrize("bank", BANKS)
def test_no_finite_filter_reaches_farther_than_the_gap_between_folds(bank: str) -> None:
    reach = max(max(map(abs, shape.reach)) for shape in finite_shapes(bank, 50))
    assert 0 < reach <= LONGEST


def test_rhythms_that_the_rate_cannot_show_are_not_in_the_table() -> None:
    shown = {frequency for family, _, _, frequency in features_of_one("full", 10) if family == "envelope"}
    assert shown == {1.0, 2.5}
    assert {shape.frequency for shape in finite_shapes("full", 10) if shape.kind == "envelope"} == shown
