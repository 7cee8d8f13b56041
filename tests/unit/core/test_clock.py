"""Clocks: exact seconds, gaps, alignment, resampling."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mystax.core.clock import Clock, align_times, as_fraction, resample
from mystax.errors import ClockError, ParameterError


def test_six_hours_at_ntsc_rate_do_not_drift_by_a_tick() -> None:
    rate = Fraction(30000, 1001)
    clock = Clock.from_rate(rate, 6 * 3600 * 30)
    last = clock.n - 1
    assert clock.seconds[last] == float(last / rate)
    assert clock.start + int(clock.ticks[last]) * clock.tick == last / rate


def test_clock_without_samples_has_no_seconds() -> None:
    assert Clock.from_rate(Fraction(30), 0).seconds.shape == (0,)
    assert np.isnan(Clock.from_rate(Fraction(30), 1).interval)


@given(
    ticks=st.lists(st.integers(0, 10**6), min_size=1, max_size=20, unique=True),
    numerator=st.integers(1, 2000),
    denominator=st.integers(1, 90_000),
    start=st.fractions(-1000, 10**6, max_denominator=10**6),
)
def test_seconds_are_exact_within_one_ulp(
    ticks: list[int], numerator: int, denominator: int, start: Fraction
) -> None:
    tick = Fraction(numerator, denominator)
    clock = Clock(np.array(sorted(ticks), np.int64), tick, start)
    exact = [start + value * tick for value in sorted(ticks)]
    for got, wanted in zip(clock.seconds.tolist(), exact, strict=True):
        assert abs(Fraction(got) - wanted) <= Fraction(float(np.spacing(abs(float(wanted)))))


def test_nanoseconds_since_1970_are_exact_within_one_ulp() -> None:
    ticks = 1_700_000_000_123_456_789 + np.arange(5) * 33_333_333
    seconds = Clock(ticks, Fraction(1, 10**9)).seconds
    exact = [Fraction(int(value), 10**9) for value in ticks]
    errors = [abs(Fraction(float(got)) - wanted) for got, wanted in zip(seconds, exact, strict=True)]
    assert max(errors) <= Fraction(float(np.spacing(1.7e9)))


def test_ticks_too_large_for_whole_number_arithmetic_are_still_exact() -> None:
    clock = Clock(np.array([0, 2**61], np.int64), Fraction(1001, 30000), Fraction(1, 7))
    assert clock.seconds[1] == float(Fraction(1, 7) + 2**61 * Fraction(1001, 30000))


@pytest.mark.parametrize("n_lost", [1, 2, 30, 300])
def test_gap_is_listed_with_the_number_of_lost_samples(n_lost: int) -> None:
    kept = np.concatenate([np.arange(100), np.arange(100 + n_lost, 300 + n_lost)])
    clock = Clock(kept.astype(np.int64), Fraction(1, 30))
    (gap,) = clock.gaps
    assert (gap.after, gap.missing) == (99, n_lost)
    assert gap.seconds == pytest.approx((n_lost + 1) / 30)


def test_gap_is_counted_right_where_stamps_are_rounded_to_milliseconds() -> None:
    kept = np.concatenate([np.arange(100), np.arange(400, 500)])
    clock = Clock(np.rint(kept * 1000 / 30).astype(np.int64), Fraction(1, 1000))
    assert [(gap.after, gap.missing) for gap in clock.gaps] == [(99, 300)]


def test_clock_of_constant_rate_has_no_gaps() -> None:
    assert Clock.from_rate(Fraction(30), 100).gaps == ()


def test_interval_of_less_than_one_and_a_half_is_no_gap() -> None:
    assert Clock.from_seconds(np.array([0.0, 1.0, 2.0, 3.4, 4.4])).gaps == ()


@pytest.mark.parametrize(
    ("times", "row"),
    [
        ([0.0, 1.0, np.nan, 3.0], 2),
        ([0.0, np.inf], 1),
        ([-np.inf, 0.0], 0),
        ([0.0, 1e10], 1),
        ([0.0, 2.0, 1.0, 3.0], 2),
    ],
)
def test_seconds_that_are_no_rising_times_are_refused_with_their_row(times: list[float], row: int) -> None:
    with pytest.raises(ClockError, match=f"C206 wheel: .* at row {row}"):
        Clock.from_seconds(np.array(times), "wheel")


def test_seconds_of_several_rows_are_refused() -> None:
    with pytest.raises(ClockError, match="C206"):
        Clock.from_seconds(np.zeros((2, 3)))


@pytest.mark.parametrize(
    "rate", [25, 25.0, np.float64(25), Fraction(25)], ids=lambda rate: type(rate).__name__
)
def test_rate_may_be_any_number(rate: Fraction | float) -> None:
    clock = Clock.from_rate(rate, 3, 1.5)
    assert clock.seconds.tolist() == [1.5, 1.54, 1.58]
    assert clock.period == Fraction(1, 25)


def test_rate_with_decimals_is_taken_as_it_is_written() -> None:
    assert Clock.from_rate(29.97, 2).period == Fraction(100, 2997)


@pytest.mark.parametrize("rate", [0, -30, float("nan"), float("inf"), Fraction(0)])
def test_rate_that_is_none_is_refused(rate: Fraction | float) -> None:
    with pytest.raises(ClockError, match="C206"):
        Clock.from_rate(rate, 3)


def test_shift_is_exact_for_fractions_and_to_the_nanosecond_for_floats() -> None:
    clock = Clock.from_rate(Fraction(30), 3)
    assert clock.shifted(Fraction(1, 3)).start == Fraction(1, 3)
    assert clock.shifted(-0.35).start == Fraction(-7, 20)
    assert as_fraction(0.1) == Fraction(1, 10)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30))
def test_alignment_of_equal_clocks_is_the_identity(steps: list[int]) -> None:
    clock = Clock(np.cumsum(steps).astype(np.int64), Fraction(1, 30))
    for how in ("nearest", "linear", "previous"):
        aligned = align_times(clock.seconds, clock.seconds, how)
        assert aligned.valid.all()
        assert aligned.index.tolist() == list(range(clock.n))
        assert not aligned.weight.any()


@given(
    st.lists(st.floats(0.001, 2), min_size=2, max_size=20),
    st.lists(st.floats(-5, 45), min_size=1, max_size=30),
)
def test_alignment_is_monotone(steps: list[float], targets: list[float]) -> None:
    times = np.cumsum(steps)
    wanted = np.sort(np.array(targets))
    for how in ("nearest", "linear", "previous"):
        aligned = align_times(times, wanted, how)
        places = (aligned.index + aligned.weight)[aligned.valid]
        assert np.all(np.diff(places) >= -1e-6)


def test_equal_times_in_other_ticks_are_the_same_samples() -> None:
    fine = Clock(np.arange(100) * 3000, Fraction(1, 90_000), Fraction(1, 7))
    coarse = Clock.from_rate(Fraction(30), 100, Fraction(1, 7))
    aligned = coarse.align(fine, "linear")
    assert aligned.index.tolist() == list(range(100))
    assert aligned.valid.all()


def test_nothing_is_interpolated_across_a_gap() -> None:
    times = np.array([0.0, 1.0, 2.0, 5.0, 6.0])
    wanted = np.array([1.5, 2.0, 2.4, 3.5, 4.6, 5.0])
    assert align_times(times, wanted, "linear").valid.tolist() == [True, True, False, False, False, True]
    assert align_times(times, wanted, "nearest").valid.tolist() == [True, True, True, False, True, True]
    assert align_times(times, wanted, "previous").valid.tolist() == [True, True, True, False, False, True]


def test_longer_gap_is_bridged_when_the_caller_allows_it() -> None:
    times = np.array([0.0, 1.0, 2.0, 5.0])
    aligned = align_times(times, np.array([3.5]), "linear", max_gap=3.0)
    assert aligned.valid.tolist() == [True]
    assert aligned.weight[0] == pytest.approx(0.5)


def test_samples_without_time_are_not_used() -> None:
    times = np.array([0.0, 1.0, np.nan, 3.0, 4.0])
    aligned = align_times(times, np.array([2.0, 3.5]), "linear")
    assert aligned.valid.tolist() == [False, True]
    assert int(aligned.index[1]) == 3


def test_bridge_over_a_sample_without_time_takes_the_nearer_neighbour() -> None:
    times = np.array([0.0, 1.0, np.nan, 3.0, 4.0])
    aligned = align_times(times, np.array([1.4, 2.6]), "linear", max_gap=2.0)
    assert aligned.index.tolist() == [1, 3]
    assert aligned.weight.tolist() == [0.0, 0.0]


def test_times_beyond_the_ends_are_not_valid() -> None:
    aligned = align_times(np.array([0.0, 1.0, 2.0]), np.array([-3.0, 9.0, np.nan]))
    assert not aligned.valid.any()


def test_alignment_to_no_samples_is_never_valid() -> None:
    assert not align_times(np.array([np.nan]), np.array([0.0])).valid.any()
    assert len(align_times(np.array([1.0]), np.empty(0))) == 0


def test_unknown_way_of_alignment_is_refused() -> None:
    with pytest.raises(ParameterError, match="P401"):
        align_times(np.array([0.0]), np.array([0.0]), "cubic")


def test_resampling_of_a_line_is_exact() -> None:
    slow, fast = Clock.from_rate(Fraction(10), 11), Clock.from_rate(Fraction(40), 41)
    values = np.stack([2 * slow.seconds, -slow.seconds], axis=1)
    got = resample(values, slow.align(fast, "linear"))
    assert np.allclose(got[:, 0], 2 * fast.seconds, atol=1e-7)
    assert np.allclose(got[:, 1], -fast.seconds, atol=1e-7)


def test_missing_values_stay_missing_and_do_not_spread_to_exact_samples() -> None:
    values = np.array([0.0, np.nan, 2.0, 3.0], np.float32)
    aligned = align_times(np.arange(4.0), np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.5]), "linear")
    got = resample(values, aligned)
    assert got.dtype == np.float32
    assert np.isnan(got).tolist() == [False, True, True, True, False, False]
    assert got[5] == pytest.approx(2.5)


def test_whole_numbers_become_floats_with_nan_where_not_valid() -> None:
    got = resample(np.array([7, 8]), align_times(np.array([0.0, 1.0]), np.array([1.0, 50.0])))
    assert got.dtype == np.float64
    assert got[0] == 8.0
    assert np.isnan(got[1])


def test_resampling_of_nothing_gives_nan() -> None:
    aligned = align_times(np.empty(0), np.array([1.0]))
    assert np.isnan(resample(np.empty(0), aligned)).all()


# against the rules, one time after the other ------------------------------------------------------------

EIGHTHS = st.lists(st.integers(1, 24), min_size=1, max_size=14).map(lambda steps: np.cumsum(steps) / 8)


def by_the_rules(
    times: np.ndarray, target: float, how: str, max_gap: float | None
) -> tuple[int, float] | None:
    """Return sample and weight of the next one as the words of `align_times` say it, for one time."""
    known = [(float(time), row) for row, time in enumerate(times) if np.isfinite(time)]
    steps = [after - before for before, after in pairwise(times) if np.isfinite(after - before)]
    usual = float(np.median(steps)) if steps else float("nan")
    bridge = 1.5 * usual if max_gap is None else max_gap
    earlier = [item for item in known if item[0] <= target]
    later = [item for item in known if item[0] > target]
    if how == "nearest":
        time, row = min(known, key=lambda item: (abs(item[0] - target), item[0]))
        reach = bridge / 2 if np.isfinite(bridge) else 0.0
        return (row, 0.0) if abs(time - target) <= reach else None
    if not earlier:
        return None
    time, row = earlier[-1]
    if time == target:
        return row, 0.0
    is_short = bool(later) and later[0][0] - time <= bridge
    if how == "previous":
        return (row, 0.0) if is_short or target - time < min(usual, bridge) else None
    if not is_short:
        return None
    weight = (target - time) / (later[0][0] - time)
    if later[0][1] == row + 1:
        return row, weight
    return (later[0][1], 0.0) if weight > 0.5 else (row, 0.0)


@settings(deadline=None)
@example(times=np.array([0.875, 3.875, 6.875]), lost=set(), targets=[7.375], how="previous", max_gap=0.5)
@given(
    times=EIGHTHS,
    lost=st.sets(st.integers(0, 13)),
    targets=st.lists(st.integers(-40, 400).map(lambda k: k / 16), min_size=1, max_size=25),
    how=st.sampled_from(["nearest", "linear", "previous"]),
    max_gap=st.sampled_from([None, 0.5, 2.0, 100.0]),
)
def test_alignment_follows_the_rules(
    times: np.ndarray, lost: set[int], targets: list[float], how: str, max_gap: float | None
) -> None:
    seen = times.copy()
    seen[[row for row in lost if row < len(seen)]] = np.nan
    found = align_times(seen, np.array(targets), how, max_gap)
    if not np.isfinite(seen).any():
        assert not found.valid.any()
        return
    for k, target in enumerate(targets):
        wanted = by_the_rules(seen, target, how, max_gap)
        assert bool(found.valid[k]) == (wanted is not None)
        if wanted is not None:
            assert int(found.index[k]) == wanted[0]
            assert float(found.weight[k]) == pytest.approx(wanted[1], abs=1e-6)


@given(times=EIGHTHS, values=st.integers(0, 2**31), shift=st.integers(-100, 100))
def test_alignment_does_not_depend_on_the_start_of_the_session(
    times: np.ndarray, values: int, shift: int
) -> None:
    targets = np.random.default_rng(values).uniform(-1, 50, 20).round(3)
    one = align_times(times, targets, "linear")
    other = align_times(times + shift / 8, targets + shift / 8, "linear")
    np.testing.assert_array_equal(one.index, other.index)
    np.testing.assert_array_equal(one.valid, other.valid)
    np.testing.assert_allclose(one.weight, other.weight, atol=1e-5)


@given(times=EIGHTHS.filter(lambda times: len(times) > 1), seed=st.integers(0, 1000))
def test_resampling_never_leaves_the_range_of_its_neighbours(times: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(len(times), 2))
    targets = rng.uniform(times[0] - 1, times[-1] + 1, 30)
    found = resample(values, align_times(times, targets, "linear", max_gap=1e9))
    for row, target in zip(found, targets, strict=True):
        if np.isnan(row).any():
            assert np.isnan(row).all()
            continue
        k = int(np.clip(np.searchsorted(times, target, side="right") - 1, 0, len(times) - 2))
        low, high = np.sort(values[k : k + 2], axis=0)
        assert (row >= low - 1e-6).all()
        assert (row <= high + 1e-6).all()


@example([0, 201256], Fraction(775153, 10**9), Fraction(-1, 57737))
@given(
    st.lists(st.integers(-(2**40), 2**40), max_size=5, unique=True).map(sorted),
    st.fractions(min_value=Fraction(1, 10**9), max_value=10, max_denominator=10**9),
    st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**6),
)
def test_seconds_are_those_of_rational_arithmetic(ticks: list[int], tick: Fraction, start: Fraction) -> None:
    clock = Clock(np.array(ticks, np.int64), tick, start)
    for second, number in zip(clock.seconds, ticks, strict=True):
        exact = start + number * tick
        assert abs(Fraction(float(second)) - exact) <= 2 * Fraction(float(np.spacing(abs(float(exact)))))


@given(
    st.lists(st.tuples(st.integers(3, 12), st.integers(1, 9)), min_size=1, max_size=4), st.integers(1, 2000)
)
def test_lost_samples_are_counted_in_every_gap(parts: list[tuple[int, int]], tick: int) -> None:
    """Runs of at least three samples with holes of known size between them."""
    slots: list[int] = []
    holes: dict[int, int] = {}
    for n_kept, n_lost in parts:
        first = slots[-1] + 1 if slots else 0
        slots += range(first, first + n_kept)
        holes[len(slots) - 1] = n_lost
        slots.append(slots[-1] + n_lost + 1)
    slots += range(slots[-1] + 1, slots[-1] + 6)
    clock = Clock(np.array(slots, np.int64) * tick, Fraction(1, 1000))
    assert {gap.after: gap.missing for gap in clock.gaps} == holes
    for gap in clock.gaps:
        assert gap.seconds == pytest.approx((gap.missing + 1) * tick / 1000)
