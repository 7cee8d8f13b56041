"""The door to the compiler of loops."""

import numpy as np

from mystax.core.compiled import kernel


@kernel
def _ratio(over: float, under: float) -> float:
    return over / under


@kernel
def _product_of_sum(values: np.ndarray, factor: float) -> float:
    total = 0.0
    for value in values:
        total += value
    return total * factor


def test_division_by_zero_gives_what_numpy_gives() -> None:
    with np.errstate(all="ignore"):
        for over, under in ((1.0, 0.0), (-1.0, 0.0), (0.0, 0.0), (1.0, -0.0)):
            np.testing.assert_equal(_ratio(over, under), np.float64(over) / np.float64(under))


def test_sums_keep_their_order() -> None:
    values = np.array([1e16, 1.0, -1e16, 1.0])
    assert _product_of_sum(values, 3.0) == ((values[0] + values[1]) + values[2] + values[3]) * 3.0 == 3.0
