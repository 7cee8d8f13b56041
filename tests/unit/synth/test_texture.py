"""Textures: statistics, edges, directions."""

import numpy as np
import pytest

from mystax.synth.texture import fur, speckle, stripes


def generator() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize("sd", [1.0, 4.0])
def test_speckles_have_mean_zero_and_unit_variance(sd: float) -> None:
    texture = speckle((60, 90), sd, generator())
    assert abs(float(texture.mean())) < 1e-5
    assert float(texture.std()) == pytest.approx(1.0, abs=1e-4)


def test_speckles_join_at_opposite_edges() -> None:
    texture = speckle((64, 64), 3.0, generator())
    across = np.abs(texture[:, 0] - texture[:, -1]).mean()
    inside = np.abs(np.diff(texture, axis=1)).mean()
    assert across < 2 * inside


def test_larger_speckles_change_more_slowly() -> None:
    fine, coarse = (np.abs(np.diff(speckle((64, 64), sd, generator()), axis=0)).mean() for sd in (1.0, 4.0))
    assert coarse < 0.5 * fine


def test_rows_of_stripes_are_equal() -> None:
    texture = stripes((20, 64), 2.0, generator())
    assert (texture == texture[0]).all()
    assert float(texture.std()) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(("angle", "along", "across"), [(0.0, 1, 0), (np.pi / 2, 0, 1)])
def test_hairs_lie_along_their_direction(angle: float, along: int, across: int) -> None:
    texture = fur(np.full((64, 64), angle), 6, generator())
    change = [np.abs(np.diff(texture, axis=axis)).mean() for axis in (0, 1)]
    assert change[along] < 0.6 * change[across]
