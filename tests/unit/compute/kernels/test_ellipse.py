"""Ellipses through points: closed forms, a NumPy twin, outliers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.compute.kernels import ellipse
from tests.fixtures.inner import called

conic_ellipse = called(ellipse.conic_ellipse)
is_allowed = called(ellipse.is_allowed)
robust_ellipse = called(ellipse.robust_ellipse)

TRUE = np.array([31.0, 24.5, 14.0, 10.0, 0.6])


def points_on(ellipse: np.ndarray, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y, a, b, angle = ellipse
    u, v = a * np.cos(turn), b * np.sin(turn)
    return x + u * np.cos(angle) - v * np.sin(angle), y + u * np.sin(angle) + v * np.cos(angle)


def fit(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, about: tuple[float, float], scale: float
) -> np.ndarray:
    result = np.full(5, np.nan)
    chosen = np.arange(len(x))
    found = conic_ellipse(x, y, chosen, len(x), weights, about[0], about[1], scale, np.empty((5, 6)), result)
    return result if found else np.full(5, np.nan)


def same_angle(a: float, b: float) -> bool:
    return bool(abs(np.sin(a - b)) < 1e-6)


@settings(deadline=None, max_examples=40)
@given(
    x=st.floats(10, 60),
    y=st.floats(10, 60),
    b=st.floats(4, 20),
    ratio=st.floats(1.05, 1.9),
    angle=st.floats(-1.5, 1.5),
)
def test_points_on_an_ellipse_give_that_ellipse(
    x: float, y: float, b: float, ratio: float, angle: float
) -> None:
    true = np.array([x, y, b * ratio, b, angle])
    px, py = points_on(true, np.linspace(0.1, 6.0, 17))
    found = fit(px, py, np.ones(17), (x + 0.2 * b, y - 0.1 * b), b)
    np.testing.assert_allclose(found[:4], true[:4], rtol=1e-6)
    assert same_angle(found[4], angle)


def test_weighted_fit_equals_least_squares_by_numpy() -> None:
    generator = np.random.default_rng(2)
    px, py = points_on(TRUE, np.linspace(0, 6.2, 40))
    px, py = px + generator.normal(0, 0.4, 40), py + generator.normal(0, 0.4, 40)
    weights = generator.random(40)
    x0, y0, scale = 30.0, 25.0, 12.0
    u, v = (px - x0) / scale, (py - y0) / scale
    root = np.sqrt(weights)
    design = np.stack([u * u, u * v, v * v, u, v], 1) * root[:, None]
    a, b, c, d, e = np.linalg.lstsq(design, root, rcond=None)[0]
    centre = np.linalg.solve([[2 * a, b], [b, 2 * c]], [-d, -e])
    level = 1 - 0.5 * (d * centre[0] + e * centre[1])
    axes = scale / np.sqrt(np.linalg.eigvalsh(np.array([[a, b / 2], [b / 2, c]]) / level))
    found = fit(px, py, weights, (x0, y0), scale)
    np.testing.assert_allclose(found[:4], [*(centre * scale + [x0, y0]), *axes], rtol=1e-8)


def test_points_of_weight_zero_do_not_count() -> None:
    px, py = points_on(TRUE, np.linspace(0, 6.0, 20))
    px[3], py[3] = 500.0, -200.0
    weights = np.ones(20)
    weights[3] = 0.0
    np.testing.assert_allclose(fit(px, py, weights, (31.0, 24.0), 12.0)[:4], TRUE[:4], rtol=1e-6)


@pytest.mark.parametrize("kind", ["line", "hyperbola", "one point"])
def test_points_on_no_ellipse_give_none(kind: str) -> None:
    turn = np.linspace(-1.0, 1.0, 12)
    px, py = {
        "line": (30 + 5 * turn, 20 + 3 * turn),
        "hyperbola": (30 + 5 * np.cosh(turn), 20 + 5 * np.sinh(turn)),
        "one point": (np.full(12, 33.0), np.full(12, 21.0)),
    }[kind]
    found = fit(px, py, np.ones(12), (30.0, 20.0), 5.0)
    assert np.isnan(found).all() or not is_allowed(found, 2.0, 60, 60)


@pytest.mark.parametrize(
    ("change", "allowed"),
    [((2, 14.0), True), ((2, 20.1), False), ((3, 2.0), False), ((0, -1.0), False), ((1, 60.0), False)],
)
def test_only_possible_pupils_are_allowed(change: tuple[int, float], allowed: bool) -> None:
    ellipse = TRUE.copy()
    ellipse[change[0]] = change[1]
    assert bool(is_allowed(ellipse, 2.0, 50, 60)) == allowed


def robust(px: np.ndarray, py: np.ndarray, start: np.ndarray, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    ellipse, weights = start.copy(), np.zeros(len(px))
    state = np.array([seed], np.uint64)
    found = robust_ellipse(px, py, len(px), ellipse, 2.0, 60, 70, state, weights)
    return (ellipse if found else np.full(5, np.nan)), weights


def test_a_third_of_outliers_does_not_move_the_ellipse() -> None:
    generator = np.random.default_rng(7)
    px, py = points_on(TRUE, 2 * np.pi * np.arange(72) / 72)
    px[:24] += generator.uniform(3, 9, 24)
    py[:24] -= generator.uniform(3, 9, 24)
    found, weights = robust(px, py, np.array([30.0, 25.0, 12.0, 12.0, 0.0]))
    np.testing.assert_allclose(found[:4], TRUE[:4], atol=1e-6)
    assert (weights[:24] < 0.1).all()
    np.testing.assert_allclose(weights[24:], 1.0, atol=1e-6)


def test_the_same_numbers_give_the_same_fit_and_others_another_start() -> None:
    generator = np.random.default_rng(1)
    px, py = points_on(TRUE, 2 * np.pi * np.arange(72) / 72)
    px, py = px + generator.normal(0, 1.0, 72), py + generator.normal(0, 1.0, 72)
    start = np.array([30.0, 25.0, 12.0, 12.0, 0.0])
    once, again = robust(px, py, start), robust(px, py, start)
    np.testing.assert_array_equal(once[0], again[0])
    np.testing.assert_array_equal(once[1], again[1])


def test_noise_of_a_tenth_of_a_pixel_gives_the_size_to_a_hundredth() -> None:
    generator = np.random.default_rng(3)
    px, py = points_on(TRUE, 2 * np.pi * np.arange(72) / 72)
    found, _ = robust(px + generator.normal(0, 0.1, 72), py + generator.normal(0, 0.1, 72), TRUE)
    assert found[2] * found[3] == pytest.approx(140.0, rel=0.01)
