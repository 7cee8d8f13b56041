"""Columns of a part become few components of variance 1."""

import numpy as np
import pytest

from mystax.compute.whitening import components_of, find_part, whiten
from mystax.errors import NumbersError, WeightsError
from tests.fixtures.grids import grid, part, wander

EVERY = np.ones(2000, bool)


def test_components_have_variance_one_and_no_correlation() -> None:
    made = part(wander(2000, 5) * [1, 2, 3, 4, 5] + 10)
    z = components_of(whiten(made, EVERY, 12), made)
    assert np.allclose(z @ z.T / 2000, np.eye(len(z)), atol=1e-5)


def test_no_more_components_than_allowed() -> None:
    assert whiten(part(wander(2000, 5, smooth=2)), EVERY, 2).n_components == 2


def test_only_training_frames_teach() -> None:
    values = wander(2000, 3)
    frames = np.arange(2000) < 1000
    before = whiten(part(values), frames, 12)
    after = whiten(part(np.where(frames[:, None], values, 99.0)), frames, 12)
    assert np.array_equal(before.axes, after.axes)
    assert np.array_equal(before.mean, after.mean)


def test_missing_frames_are_the_mean() -> None:
    values = wander(2000, 2)
    values[50] = np.nan
    made = part(values)
    assert (components_of(whiten(made, EVERY, 12), made)[:, 50] == 0).all()


def test_a_part_that_does_not_vary_has_no_component() -> None:
    assert whiten(part(np.ones((2000, 2))), EVERY, 12).n_components == 0


def test_a_part_without_valid_training_frames_is_refused() -> None:
    with pytest.raises(NumbersError, match=r"N303 keypoints/nose"):
        whiten(part(wander(2000, 2)), ~EVERY, 12)


def test_columns_are_found_by_name_in_the_order_that_is_needed() -> None:
    made = part(wander(2000, 3))
    fitted = whiten(made, EVERY, 12)
    from dataclasses import replace

    turned = replace(made, columns=made.columns[::-1], values=made.values[:, ::-1])
    found = find_part(grid(turned), fitted)
    assert found.columns == made.columns
    assert np.array_equal(found.values, made.values)
    with pytest.raises(WeightsError, match=r"M702.*lacks"):
        find_part(grid(replace(made, part="paw")), fitted)
