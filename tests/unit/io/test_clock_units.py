"""Numbers and texts of clock files become rising times."""

from datetime import UTC, datetime
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.errors import ClockError
from mystax.io.clock_specs import ClockSpec, parse_clock_spec
from mystax.io.clock_tables import Column
from mystax.io.clock_units import clock_from_array, stamps_from_column
from tests.fixtures.refusals import attempt

INTERVAL = 1 / 30
TIMES = 100 + np.arange(50) * INTERVAL


def _spec(unit: str = "", rate: Fraction | None = None) -> ClockSpec:
    return ClockSpec("csv:times.csv", "csv", "times.csv", unit=unit, rate=rate)


def _column(values: object, dtype: object = None) -> Column:
    return Column(np.array(values, dtype), "times.csv:time")  # type: ignore[call-overload] # any dtype


@pytest.mark.parametrize(("unit", "scale"), [("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)])
def test_unit_is_taken_from_the_interval_of_the_video(unit: str, scale: float) -> None:
    stamps = stamps_from_column(_column(TIMES * scale), _spec(), INTERVAL)
    assert stamps.unit == unit
    assert np.allclose(stamps.clock.seconds, TIMES, atol=1e-9)


@pytest.mark.parametrize(("unit", "scale"), [("ms", 1000), ("us", 10**6), ("ns", 10**9)])
def test_whole_numbers_are_exact_in_their_unit(unit: str, scale: int) -> None:
    values = 1_700_000_000 * scale + np.arange(5) * 33 * scale // 1000
    clock = stamps_from_column(_column(values), _spec(unit)).clock
    assert clock.tick == Fraction(1, scale)
    assert clock.ticks.tolist() == values.tolist()


def test_unit_that_does_not_fit_is_refused_with_what_was_seen() -> None:
    with pytest.raises(ClockError, match=r"C206.*median step of 0\.2"):
        stamps_from_column(_column(TIMES * 7.3), _spec(), INTERVAL)


def test_unit_is_refused_where_the_video_has_no_interval() -> None:
    with pytest.raises(ClockError, match="unknown"):
        stamps_from_column(_column(TIMES), _spec())


def test_samples_are_exact() -> None:
    clock = stamps_from_column(_column([0, 1001, 2002]), _spec("samples", Fraction(30_000))).clock
    assert clock.seconds[1] == float(Fraction(1001, 30_000))


def test_days_of_matlab_are_seconds_since_1970() -> None:
    days = 719529 + np.array([0.0, 0.5, 1.0])
    assert stamps_from_column(_column(days), _spec("datenum")).clock.seconds.tolist() == [0, 43200, 86400]


def test_iso_texts_with_and_without_zone_are_read() -> None:
    zoned = stamps_from_column(
        _column(["1970-01-01T01:00:00.1234567+01:00", "1970-01-01T00:00:01Z"], object), _spec("iso")
    )
    naive = stamps_from_column(_column(["1970-01-01 00:00:00,5", "1970-01-02 00:00:00"], object), _spec())
    assert zoned.clock.ticks.tolist() == [123_456_700, 10**9]
    assert naive.clock.seconds.tolist() == [0.5, 86400.0]
    assert (zoned.zone, naive.zone) == ("zoned", "naive")


def test_iso_texts_before_1970_are_read() -> None:
    clock = stamps_from_column(
        _column(["1969-12-31T23:59:59.25Z", "1970-01-01T00:00:00Z"], object), _spec("iso")
    ).clock
    assert clock.seconds.tolist() == [-0.75, 0.0]


def test_mixed_zones_and_other_texts_are_refused_with_the_row() -> None:
    with pytest.raises(ClockError, match="row 1"):
        stamps_from_column(_column(["2024-01-01T00:00:00Z", "2024-01-01T00:00:01"], object), _spec("iso"))
    with pytest.raises(ClockError, match=r"C206.*row 0"):
        stamps_from_column(_column(["noon"], object), _spec("iso"))
    with pytest.raises(ClockError, match=r"C206.*'x' at row 1"):
        stamps_from_column(_column(["0.5", "x"], object), _spec("s"))


def _flir(times: np.ndarray) -> np.ndarray:
    ticks = np.rint(times * 8000 * 3072).astype(np.int64)
    seconds, cycles = ticks // (8000 * 3072), ticks // 3072 % 8000
    return np.asarray((seconds % 128) << 25 | cycles << 12 | ticks % 3072)


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_cycle_timer_of_a_camera_is_unfolded_at_128_seconds(dtype: type) -> None:
    times = 120 + np.arange(600) * INTERVAL
    clock = stamps_from_column(_column(_flir(times), dtype), _spec("flir")).clock
    assert np.abs(clock.seconds - times).max() < 1e-7


def test_cycle_timer_is_unfolded_over_several_turns() -> None:
    times = np.arange(0, 600, 30.0)
    assert np.allclose(stamps_from_column(_column(_flir(times)), _spec("flir")).clock.seconds, times)


def test_stamps_beyond_32_bits_are_refused() -> None:
    with pytest.raises(ClockError, match="32 bits"):
        stamps_from_column(_column([0, 2**32]), _spec("flir"))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_time_that_is_not_finite_is_refused_with_its_row(bad: float) -> None:
    times = TIMES.copy()
    times[[7, 9]] = bad
    with pytest.raises(ClockError, match=r"C206.*at row 7 .*2 in all"):
        stamps_from_column(_column(times), _spec("s"))


@pytest.mark.parametrize("unit", ["", "s"])
@pytest.mark.parametrize("mark", [".", ","])
def test_cell_that_is_no_number_is_refused_with_its_row(unit: str, mark: str) -> None:
    cells = [f"{time:.6f}".replace(".", mark) for time in TIMES]
    cells[3], cells[25] = "", "oops"
    with pytest.raises(ClockError, match=r"C206.*expected numbers, got 'oops' at row 25"):
        stamps_from_column(_column(cells, object), _spec(unit), INTERVAL)


def test_date_that_is_not_understood_is_refused_with_its_row() -> None:
    cells = [f"2024-03-01T10:00:{second:02d}" for second in range(10)]
    cells[4], cells[5:] = "10.5", [""] * 5
    with pytest.raises(ClockError, match=r"C206.*ISO 8601.*'10.5' at row 4"):
        stamps_from_column(_column(cells, object), _spec())


def test_falling_time_is_refused_with_its_row() -> None:
    times = TIMES.copy()
    times[20] = times[10]
    with pytest.raises(ClockError, match=r"C206.*backward.*at row 20"):
        stamps_from_column(_column(times), _spec("s"))


def test_few_repeated_times_are_dropped_with_a_count() -> None:
    times = np.arange(200.0)
    times[50] = times[49]
    stamps = stamps_from_column(_column(times), _spec("s"))
    assert (stamps.n_equal, stamps.clock.n) == (1, 199)


def test_many_repeated_times_are_refused() -> None:
    with pytest.raises(ClockError, match=r"C206.*repeat"):
        stamps_from_column(_column(np.repeat(np.arange(10.0), 2)), _spec("s"))


def test_times_beyond_the_range_of_nanoseconds_are_refused() -> None:
    with pytest.raises(ClockError, match="C206"):
        stamps_from_column(_column([1e10, 2e10]), _spec("s"))


def test_empty_column_is_refused() -> None:
    with pytest.raises(ClockError, match="empty"):
        stamps_from_column(_column([], float), _spec("s"))


def test_array_of_seconds_becomes_a_clock() -> None:
    assert clock_from_array(np.array([1, 2, 4])).seconds.tolist() == [1.0, 2.0, 4.0]
    for wrong in (np.zeros((2, 2)), np.array([]), np.array([True]), np.array([2.0, 1.0])):
        with pytest.raises(ClockError, match="C206"):
            clock_from_array(wrong)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=30), st.integers(0, 10**12))
def test_rising_whole_numbers_come_back_as_they_are(steps: list[int], first: int) -> None:
    values = first + np.concatenate([[0], np.cumsum(steps)])
    assert stamps_from_column(_column(values), _spec("us")).clock.ticks.tolist() == values.tolist()


# columns of any kind ------------------------------------------------------------------------------------

UNITS_TO_TRY = st.sampled_from(["", "s", "ms", "us", "ns", "samples:30000", "datenum", "flir", "iso"])
COLUMNS = st.one_of(
    st.lists(st.floats(), max_size=6).map(lambda cells: np.array(cells, np.float64)),
    st.lists(st.floats(0, 1e9), min_size=2, max_size=6).map(lambda cells: np.sort(np.array(cells))),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=6).map(lambda cells: np.array(cells, np.int64)),
    st.lists(st.integers(0, 2**32 - 1), max_size=6).map(lambda cells: np.sort(np.array(cells, np.int64))),
    st.lists(st.booleans(), max_size=6).map(lambda cells: np.array(cells, bool)),
    st.lists(
        st.one_of(
            st.text(max_size=12),
            st.datetimes().map(lambda moment: moment.isoformat()),
            st.sampled_from(["0001-01-01T00:00:00", "9999-12-31T23:59:59Z", "2024-03-01", "nan", "1e999"]),
        ),
        max_size=5,
    ).map(lambda cells: np.array(cells, object)),
)


@settings(deadline=None, max_examples=100)
@given(values=COLUMNS, unit=UNITS_TO_TRY, interval=st.sampled_from([float("nan"), 0.0, 1 / 30, 1e-3, 1e6]))
def test_any_column_gives_rising_finite_times_or_c206(values: np.ndarray, unit: str, interval: float) -> None:
    spec = parse_clock_spec(f"csv:t.csv:time{':' + unit if unit else ''}")
    stamps, refusal = attempt(lambda: stamps_from_column(Column(values, "t.csv:time"), spec, interval))
    if refusal is not None:
        assert refusal.code == "C206"
        assert refusal.where == "t.csv:time"
    else:
        assert stamps is not None
        assert np.isfinite(stamps.clock.seconds).all()
        assert (np.diff(stamps.clock.ticks) > 0).all()
        assert stamps.clock.n + stamps.n_equal == len(values)


@pytest.mark.parametrize(
    ("cells", "unit", "said"),
    [
        (["0001-01-01T00:00:00"], "iso", "row 0"),
        (["2024-01-01T00:00:00", "9999-12-31T00:00:00"], "iso", "row 1"),
        ([1e300, 2e300], "datenum", "days near those of today"),
        ([-5.0, 4.0], "flir", "32 bits"),
        ([1e300], "flir", "32 bits"),
        ([1e30, 2e30], "s", "146 years"),
    ],
)
def test_times_that_no_session_has_are_refused(cells: list[object], unit: str, said: str) -> None:
    kind = object if unit == "iso" else np.float64
    spec = parse_clock_spec(f"csv:t.csv:time:{unit}")
    with pytest.raises(ClockError, match="C206") as caught:
        stamps_from_column(Column(np.array(cells, kind), "t.csv:time"), spec, 1 / 30)
    assert said in str(caught.value)


@given(st.integers(0, 4_000_000_000), st.integers(0, 999_999_999))
def test_iso_times_are_exact_to_the_nanosecond(whole: int, nanoseconds: int) -> None:
    text = f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
    spec = parse_clock_spec("csv:t.csv:time:iso")
    stamps = stamps_from_column(Column(np.array([text], object), "x"), spec, 1 / 30)
    assert int(stamps.clock.ticks[0]) == whole * 10**9 + nanoseconds
    assert stamps.zone == "zoned"


@given(st.lists(st.integers(1, 63 * 8000 * 3072), min_size=1, max_size=30), st.integers(0, 127))
def test_cycle_stamps_are_unwrapped_over_any_time(steps: list[int], first: int) -> None:
    """Build the 32-bit stamps from known ticks and take them apart again."""
    ticks = first * 8000 * 3072 + np.concatenate([[0], np.cumsum(steps)])
    cycles = ticks // 3072
    stamps = ((cycles // 8000 % 128) << 25) | ((cycles % 8000) << 12) | (ticks % 3072)
    spec = parse_clock_spec("csv:t.csv:time:flir")
    found = stamps_from_column(Column(stamps.astype(np.int64), "x"), spec, 1 / 30).clock
    np.testing.assert_array_equal(np.diff(found.ticks), steps)
