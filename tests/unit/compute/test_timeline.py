"""Tracks on the clock of the states."""

import numpy as np
import pytest

from mystax.compute.timeline import average_onto, bridge_holes, bring_beside, make_clock, state_rate


def test_short_holes_are_bridged_and_long_ones_stay() -> None:
    times = np.arange(12) / 10
    values = times[:, None, None].copy()
    values[2] = values[6:10] = np.nan
    found = bridge_holes(times, values, 0.2)
    assert found[2, 0, 0] == pytest.approx(0.2)
    assert np.isnan(found[6:10]).all()
    assert np.isfinite(bridge_holes(times, values, 0.4)).all()


def test_holes_at_the_edges_stay() -> None:
    values = np.array([np.nan, 1.0, 2.0, np.nan])[:, None, None]
    assert np.isnan(bridge_holes(np.arange(4.0), values, 10)[[0, 3]]).all()


def test_no_place_is_made_up_where_a_point_leaps() -> None:
    generator = np.random.default_rng(0)
    times = np.arange(200) / 30
    places = generator.normal(size=(200, 2, 3))
    places[100:, 1] += [0.0, 12.0, 0.0]  # the second point changes its place for good
    holed = places.copy()
    for hole in (slice(40, 42), slice(99, 101), slice(150, 153)):
        holed[hole] = np.nan
    found = bridge_holes(times, holed, 0.1)
    gone = np.isnan(found).any(2)
    assert not gone[:, 0].any()
    assert np.flatnonzero(gone[:, 1]).tolist() == [99, 100]
    np.testing.assert_allclose(found[41, 1], (holed[39, 1] + 2 * holed[42, 1]) / 3)


def test_fast_but_steady_movement_is_bridged() -> None:
    times = np.arange(300) / 250
    sweep = np.stack([8 * np.sin(2 * np.pi * 10 * times), 3 * np.cos(2 * np.pi * 10 * times)], 1)[:, None]
    holed = sweep.copy()
    holed[np.random.default_rng(1).random(300) < 0.2] = np.nan
    holed[[0, -1]] = sweep[[0, -1]]
    found = bridge_holes(times, holed, 0.03)
    assert np.isfinite(found).all()
    assert np.abs(found - sweep).max() < 1.5  # a quarter of a turn is bridged at most


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_unit_and_turn_do_not_decide_what_is_bridged(unit: float) -> None:
    generator = np.random.default_rng(2)
    places = generator.normal(size=(400, 3, 3))
    places[200:] += 3 * generator.normal(size=(1, 3, 3))
    holed = places.copy()
    holed[generator.random((400, 3)) < 0.4] = np.nan
    turn, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    times = np.arange(400) / 30
    one, other = bridge_holes(times, holed, 0.1), bridge_holes(times, unit * (holed @ turn), 0.1)
    assert np.array_equal(np.isnan(one), np.isnan(other))
    np.testing.assert_allclose(other, unit * (one @ turn), atol=1e-9 * unit)


@pytest.mark.parametrize(("rate", "wanted"), [(25, 25), (45, 45), (60, 30), (100, 100 / 3), (250, 31.25)])
def test_fast_tracks_are_brought_to_about_30(rate: float, wanted: float) -> None:
    assert state_rate(np.arange(100) / rate) == pytest.approx(wanted)


def test_intervals_hold_means_of_their_frames() -> None:
    times = np.arange(300) / 100
    clock = make_clock(times, 25)
    found = average_onto(clock, times[:, None])
    np.testing.assert_allclose(found[:, 0], times.reshape(-1, 4).mean(1))
    np.testing.assert_allclose(clock.times, found[:, 0])


def test_interval_with_less_than_half_of_its_frames_is_missing() -> None:
    values = np.ones((8, 1))
    values[[0, 1, 2]] = np.nan
    values[[4, 5]] = np.nan
    found = average_onto(make_clock(np.arange(8) / 100, 25), values)
    assert np.isnan(found[0, 0])
    assert found[1, 0] == 1


def test_gap_of_the_clock_starts_a_segment() -> None:
    times = np.concatenate([np.arange(100) / 100, 5 + np.arange(100) / 100])
    clock = make_clock(times, 25)
    assert clock.is_start.sum() == 2
    assert len(clock.times) == 50
    assert make_clock(np.array([0, 0.1, 0.2, 0.8, 0.9]), 10).is_start.tolist() == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_slower_columns_are_interpolated_and_not_carried_over_gaps() -> None:
    clock = make_clock(np.arange(30) / 10, 10)
    found = bring_beside(clock, np.array([0.0, 0.5, 1.0]), np.array([[0.0], [5.0], [10.0]]))
    assert found[3, 0] == pytest.approx(3.0)
    assert np.isnan(found[20:]).all()
