"""Halves of a population, and shared components."""

import numpy as np
import pytest

from mystax.compute.ceilings import halves_of, svca_fold, svca_shares

NAN = np.full(60, np.nan)


def places(seed: int = 0, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1000, n), rng.uniform(0, 1000, n)


def test_an_imaging_field_is_a_checkerboard() -> None:
    x, y = places()
    halves = halves_of(x, y, np.full(400, np.nan))
    assert halves.kind == "checkerboard"
    square = (np.floor((x - x.min()) / 200) + np.floor((y - y.min()) / 200)).astype(int) % 2
    assert np.array_equal(halves.half, square)


def test_neurons_that_predict_keep_40_um_to_all_of_the_other_half() -> None:
    x, y = places(n=900)
    halves = halves_of(x, y, np.full(900, np.nan))
    for side in (0, 1):
        a, b = halves.predicts & (halves.half == side), halves.half != side
        apart = np.hypot(x[a][:, None] - x[b], y[a][:, None] - y[b])
        assert apart.min() >= 40 * 0.999


def test_only_neurons_near_the_other_half_are_kept_from_predicting() -> None:
    """Squares of 200 um: the outer ends of the field border on nothing."""
    x, y = places(n=900)
    x[:2], y[:2] = [0, 999.9], [0, 999.9]
    halves = halves_of(x, y, np.full(900, np.nan))
    lines = np.arange(200, 1000, 200)
    away = [np.abs(place[:, None] - lines).min(1) >= 40 for place in (x, y)]
    assert np.array_equal(halves.predicts, away[0] & away[1])


def test_units_in_the_middle_of_a_band_predict() -> None:
    depth = np.arange(0, 1000, 7.3)
    unknown = np.full(len(depth), np.nan)
    halves = halves_of(unknown, depth, unknown)
    within = depth % 100
    first, last = depth < 100, depth >= 900  # no other half above and below the probe
    wanted = ((within >= 40) | first) & ((within <= 60) | last)
    assert np.array_equal(halves.predicts, wanted)


def test_a_probe_is_cut_in_bands() -> None:
    depth = np.linspace(0, 1000, 60)
    halves = halves_of(NAN, depth, NAN)
    assert halves.kind == "bands"
    assert np.array_equal(halves.half, np.floor(depth / 100).astype(int) % 2)


def test_unknown_places_give_random_halves_of_one_size() -> None:
    halves = halves_of(NAN, NAN, NAN, seed=3)
    assert halves.kind == "random"
    assert halves.half.sum() == 30
    assert np.array_equal(halves.half, halves_of(NAN, NAN, NAN, seed=3).half)
    assert halves.predicts.all()


def population(noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make two halves that share two components, the first of which is behaviour."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(2000, 2)) * [2.0, 1.0]
    loadings = np.linalg.qr(rng.normal(size=(40, 2)))[0].T * np.sqrt(40)
    y = shared @ loadings + noise * rng.normal(size=(2000, 40))
    return y[:, ::2].astype(np.float32), y[:, 1::2].astype(np.float32), shared


def test_shared_components_are_reliable_and_behaviour_explains_its_own() -> None:
    f, g, shared = population(1.0)
    rows = np.arange(2000) < 1500
    fold = svca_fold(f, g, rows, ~rows, shared[:, :1].astype(np.float32), 1e-6, 10)
    reliable, behaviour = svca_shares([[fold]])
    assert reliable[0] > 0.9
    assert reliable[2:].max() < 0.2
    assert behaviour[0] == pytest.approx(1, abs=0.05)
    assert abs(behaviour[1]) < 0.1


def test_reliable_share_falls_with_noise_as_it_must() -> None:
    f, g, shared = population(4.0)
    rows = np.arange(2000) < 1500
    fold = svca_fold(f, g, rows, ~rows, shared[:, :1].astype(np.float32), 1e-6, 2)
    loadings = np.linalg.lstsq(shared, np.hstack([f, g]), rcond=None)[0][0]
    one, other = (loadings[:20] ** 2).sum(), (loadings[20:] ** 2).sum()
    # each half sees the component with variance 4 |loading|^2 and noise of variance 16
    wanted = 4 * np.sqrt(one * other) / (4 * (one + other) / 2 + 16)
    assert svca_shares([[fold]])[0][0] == pytest.approx(wanted, abs=0.06)


def test_splits_are_averaged_and_folds_pooled() -> None:
    from mystax.compute.ceilings import SvcaFold

    a = SvcaFold(np.array([2.0]), np.array([4.0]), np.array([1.0]))
    b = SvcaFold(np.array([4.0]), np.array([4.0]), np.array([4.0]))
    assert svca_shares([[a], [b]])[0].tolist() == [0.75]
    assert svca_shares([[a, b]])[0].tolist() == [0.75]
    assert svca_shares([[a], [b]])[1].tolist() == [0.25]
