"""Eigenvectors of a Gram matrix."""

import numpy as np
import pytest

from mystax.compute.svd_gram import leading, norm_error


def test_leading_pairs_are_those_of_the_matrix() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 20))
    gram = rows.T @ rows
    values, vectors = leading(gram.copy(), 5, 0.0)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(gram)[::-1][:5], rtol=1e-12)
    np.testing.assert_allclose(gram @ vectors, vectors * values, atol=1e-10)


def test_values_fall() -> None:
    values, _ = leading(np.diag([1.0, 7.0, 3.0]), 3, 0.0)
    assert values.tolist() == [7, 3, 1]


def test_only_the_lower_triangle_is_read() -> None:
    gram = np.array([[2.0, 1.0], [1.0, 3.0]])
    spoilt = gram.copy()
    spoilt[0, 1] = 99
    np.testing.assert_array_equal(leading(spoilt, 2, 0.0)[0], leading(gram, 2, 0.0)[0])


def test_values_that_are_rounding_are_left_out() -> None:
    rows = np.random.default_rng(0).integers(0, 255, (40, 2)) @ np.random.default_rng(1).integers(
        0, 9, (2, 30)
    )
    values, vectors = leading((rows.T @ rows).astype(float), 10, 0.0)
    assert len(values) == vectors.shape[1] == 2


def test_what_was_taken_off_raises_the_bar_for_rounding() -> None:
    gram = np.diag([1.0, 1e-8])
    assert len(leading(gram.copy(), 2, 0.0)[0]) == 2
    assert len(leading(gram.copy(), 2, 1e9)[0]) == 1


def test_nothing_has_no_component() -> None:
    assert leading(np.zeros((4, 4)), 3, 0.0)[0].shape == (0,)
    assert leading(np.zeros((0, 0)), 3, 0.0)[1].shape == (0, 0)


def test_norm_error_is_the_largest_relative_difference() -> None:
    assert norm_error(np.array([4.0, 9.0]), np.array([2.0, 3.3])) == pytest.approx(0.3 / 3.3)
    assert norm_error(np.zeros(0), np.zeros(0)) == 0


@pytest.mark.parametrize("seed", [4, 142])
def test_centred_rows_have_one_component_less_than_rows(seed: int) -> None:
    """Of few rows the rounding of the last value, which is none, is larger than their number tells."""
    films = np.random.default_rng(seed).integers(0, 2, (5, 100, 4)).sum(2) * 1023.0
    rows = np.abs(np.diff(films, axis=0))
    rows -= np.rint(rows.mean(0))
    gram = rows @ rows.T
    noise = float(np.trace(gram))
    means = gram.mean(0)
    gram -= means
    gram -= (means - means.mean())[:, None]
    assert len(leading(gram, 4, noise)[0]) == 3
