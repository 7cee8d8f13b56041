"""Axes are proper isometries whatever is asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.compute.frames3d import aligned, axes_rotation, spatial_median, turned_covariance
from mystax.errors import ParameterError

X, Y, Z = np.eye(3)


@given(st.integers(0, 1000), st.booleans())
def test_distances_and_handedness_are_kept(seed: int, primary: bool) -> None:
    rng = np.random.default_rng(seed)
    directions = {"x": rng.normal(size=3), "z": rng.normal(size=3)}
    x, z = (v / np.linalg.norm(v) for v in directions.values())
    if np.linalg.norm(np.cross(x, z)) < 0.2:
        return
    rotation, _ = axes_rotation(directions, primary=primary)
    assert np.linalg.det(rotation) == pytest.approx(1.0, abs=1e-12)
    points = rng.normal(size=(8, 3)) * 30
    moved = aligned(points, rotation, rng.normal(size=3))
    before, after = (np.linalg.norm(p[:, None] - p[None], axis=2) for p in (points, moved))
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9)


def test_axes_sixty_degrees_apart_are_shared_alike() -> None:
    slant = np.array([np.cos(np.pi / 3), np.sin(np.pi / 3), 0])
    rotation, angles = axes_rotation({"x": X, "y": slant})
    assert np.degrees(angles["x"]) == pytest.approx(15)
    assert np.degrees(angles["y"]) == pytest.approx(15)
    exact, first = axes_rotation({"x": X, "y": slant}, primary=True)
    assert np.degrees(first["x"]) == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(exact, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)


@pytest.mark.parametrize(
    "directions",
    [{}, {"x": X}, {"x": X, "y": X + 0.1 * Y}, {"x": X, "y": Y, "z": -Z}, {"x": X, "y": np.zeros(3)}],
)
def test_directions_that_make_no_frame_are_refused(directions: dict[str, np.ndarray]) -> None:
    with np.errstate(invalid="ignore"), pytest.raises(ParameterError) as refused:
        axes_rotation(directions)
    assert refused.value.code == "P401"


def test_covariances_turn_with_the_points() -> None:
    rng = np.random.default_rng(0)
    rotation, _ = axes_rotation({"x": rng.normal(size=3), "z": rng.normal(size=3)})
    points = rng.normal(size=(4000, 3)) * np.array([1, 2, 3])
    cov = np.cov(points.T)[np.triu_indices(3)]
    turned = np.cov(aligned(points, rotation, np.zeros(3)).T)[np.triu_indices(3)]
    np.testing.assert_allclose(turned_covariance(cov, rotation), turned)


def test_spatial_median_knows_no_outliers() -> None:
    points = np.concatenate(
        [np.random.default_rng(0).normal(5, 0.1, (60, 3)), np.full((40, 3), 1e4), np.full((5, 3), np.nan)]
    )
    np.testing.assert_allclose(spatial_median(points), 5, atol=0.3)
