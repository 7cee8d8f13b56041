"""Neural data among the behaviour are found; ordinary correlation is not called a copy."""

import numpy as np
import pytest

from mystax.compute.resemblance import find_copies


@pytest.fixture
def activity() -> np.ndarray:
    return np.random.default_rng(2).standard_normal((300, 6)).astype(np.float32)


@pytest.mark.parametrize("scale", [1.0, -3.0])
def test_a_scaled_copy_is_found_with_its_neuron(activity: np.ndarray, scale: float) -> None:
    columns = np.random.default_rng(3).standard_normal((300, 4))
    columns[:, 2] = scale * activity[:, 5] + 7
    assert [(a, b) for a, b, _ in find_copies(columns, activity, np.ones(300, bool))] == [(2, 5)]


def test_a_strong_correlation_is_no_copy(activity: np.ndarray) -> None:
    columns = activity[:, :1] + 0.1 * np.random.default_rng(3).standard_normal((300, 1))
    assert find_copies(columns.astype(float), activity, np.ones(300, bool)) == []


def test_bins_that_are_not_usable_are_not_looked_at(activity: np.ndarray) -> None:
    columns = activity[:, :1].astype(float)
    usable = np.ones(300, bool)
    usable[:50] = False
    columns[:50] = np.nan
    assert [(a, b) for a, b, _ in find_copies(columns, activity, usable)] == [(0, 0)]


def test_constant_columns_are_copies_of_nothing(activity: np.ndarray) -> None:
    activity[:, 0] = 1
    assert find_copies(np.ones((300, 2)), activity, np.ones(300, bool)) == []


def test_a_copy_is_found_among_many_neurons_that_miss_values() -> None:
    activity = np.random.default_rng(4).standard_normal((300, 600)).astype(np.float32)
    columns = activity[:, [555]].astype(float)
    activity[7, 3] = np.nan
    assert [(a, b) for a, b, _ in find_copies(columns, activity, np.ones(300, bool))] == [(0, 555)]
