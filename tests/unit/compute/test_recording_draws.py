"""Intervals over recordings and individuals."""

import numpy as np
import pytest

from mystax.compute.recording_draws import draw_recordings, signed_rank


def made(n: int, spread: float, inside: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Make a number of each recording, and its draws."""
    rng = np.random.default_rng(seed)
    values = 0.1 + spread * rng.normal(size=(n, 1))
    return values, values[:, :, None] + inside * rng.normal(size=(n, 1, 1000))


def test_spread_between_recordings_gives_the_interval() -> None:
    values, drawn = made(40, 0.05, 0.0)
    found = draw_recordings(values, drawn, [f"r{k}" for k in range(40)])
    error = values.std() / np.sqrt(40)
    assert found.mean[0] == pytest.approx(values.mean())
    assert found.high[0] - found.low[0] == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_spread_of_blocks_is_part_of_the_interval() -> None:
    values, drawn = made(10, 0.0, 0.02)
    found = draw_recordings(values, drawn, [f"r{k}" for k in range(10)])
    assert found.high[0] - found.low[0] == pytest.approx(2 * 2.26 * 0.02 / np.sqrt(9), rel=0.15)


def test_recordings_of_one_individual_are_no_independent_units() -> None:
    own = np.repeat([0.0, 0.1, 0.2, 0.3], 10)[:, None]
    drawn = np.repeat(own[:, :, None], 1000, axis=2)
    individuals = [f"m{k}" for k in np.repeat(np.arange(4), 10)]
    alone = draw_recordings(own, drawn, [f"r{k}" for k in range(40)])
    owned = draw_recordings(own, drawn, individuals)
    assert owned.high[0] - owned.low[0] > 2 * (alone.high[0] - alone.low[0])


def test_every_individual_counts_alike() -> None:
    values = np.array([[0.0], [0.0], [0.0], [0.4]])
    found = draw_recordings(values, np.repeat(values[:, :, None], 20, axis=2), ["a", "a", "a", "b"])
    assert found.mean[0] == pytest.approx(0.2)


def test_equal_seeds_give_equal_intervals() -> None:
    values, drawn = made(8, 0.05, 0.01)
    names = [f"r{k}" for k in range(8)]
    one, two = (draw_recordings(values, drawn, names, seed=4) for _ in range(2))
    assert np.array_equal(one.low, two.low)


def test_signed_rank_needs_six_units() -> None:
    assert np.isnan(signed_rank(np.ones(5)))
    assert np.isnan(signed_rank(np.zeros(8)))
    assert signed_rank(np.arange(1.0, 7.0)) == pytest.approx(2 / 2**6)
