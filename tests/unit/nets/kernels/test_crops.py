"""Quantiles by histogram beside NumPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mystax.nets.kernels import crops
from tests.fixtures.inner import called

two_quantiles = called(crops.two_quantiles)


@given(
    values=arrays(
        np.float32, st.integers(1, 300), elements=st.floats(-1000, 1000, width=32, allow_nan=False)
    ),
    lower=st.floats(0, 0.5),
)
def test_quantiles_equal_numpy_for_any_numbers(values: np.ndarray, lower: float) -> None:
    got = two_quantiles(values, len(values), lower, 0.99)
    expected = np.quantile(values.astype(np.float64), [lower, 0.99])
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


def test_only_the_first_numbers_count() -> None:
    values = np.arange(100, dtype=np.float32)
    assert two_quantiles(values, 11, 0.0, 1.0) == (0.0, 10.0)


@pytest.mark.parametrize("value", [0.0, -3.5, 65535.0])
def test_equal_numbers_are_their_own_quantiles(value: float) -> None:
    assert two_quantiles(np.full(50, value, np.float32), 50, 0.01, 0.99) == (value, value)
