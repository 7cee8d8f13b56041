"""The text that names a clock."""

from fractions import Fraction

import pytest

from mystax.errors import ParameterError
from mystax.io.clock_specs import KINDS, parse_clock_spec


def test_stamps_of_the_video_need_nothing_more() -> None:
    assert parse_clock_spec("pts").kind == "pts"


def test_rate_is_rational_and_may_have_a_start() -> None:
    spec = parse_clock_spec("rate:30000/1001:2.5")
    assert (spec.rate, spec.start) == (Fraction(30000, 1001), Fraction(5, 2))
    assert parse_clock_spec("rate:29.97").rate == Fraction(2997, 100)


def test_text_table_has_column_and_unit() -> None:
    spec = parse_clock_spec("csv:logs/*.csv:frame time:ms")
    assert (spec.file, spec.name, spec.unit) == ("logs/*.csv", "frame time", "ms")


def test_text_table_may_have_a_unit_without_a_column() -> None:
    spec = parse_clock_spec("csv:times.csv::us")
    assert (spec.name, spec.unit) == ("", "us")


def test_samples_carry_their_rate() -> None:
    spec = parse_clock_spec("npy:samples.npy:samples:30000")
    assert (spec.name, spec.unit, spec.rate) == ("", "samples", Fraction(30000))


def test_array_may_have_a_column() -> None:
    spec = parse_clock_spec("npy:table.npy:1:ms")
    assert (spec.name, spec.unit) == ("1", "ms")


def test_path_inside_a_file_is_kept() -> None:
    assert parse_clock_spec("h5:log.h5:/camera/times").name == "/camera/times"
    assert parse_clock_spec("mat:log.mat:camera.times:ms").name == "camera.times"


def test_line_has_edge_and_rate_in_this_order() -> None:
    spec = parse_clock_spec("ttl:lines.npy:3:falling:30000")
    assert (spec.name, spec.edge, spec.rate, spec.unit) == ("3", "falling", Fraction(30000), "samples")
    plain = parse_clock_spec("ttl:edges.csv:time")
    assert (plain.edge, plain.rate, plain.unit) == ("rising", None, "s")


def test_events_have_two_files() -> None:
    spec = parse_clock_spec("events:camera.csv:session.csv")
    assert (spec.file, spec.session_file) == ("camera.csv", "session.csv")


def test_letter_of_a_windows_drive_belongs_to_the_path() -> None:
    spec = parse_clock_spec(r"csv:C:\logs\times.csv:time")
    assert (spec.file, spec.name) == (r"C:\logs\times.csv", "time")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vcs:a.csv",
        "pts:1",
        "csv",
        "csv:",
        "csv:a.csv:time:fortnights",
        "csv:a.csv:time:samples",
        "csv:a.csv:time:s:extra",
        "rate:",
        "rate:0",
        "rate:fast",
        "rate:1/0",
        "rate:30:0:1",
        "rate:nan",
        "rate:inf",
        "rate:1e400",
        "rate:1e999999999",
        "rate:1e-999999999",
        "rate:1e7",
        "rate:1e-300",
        "rate:30:1e300",
        "rate:30:1e999999999",
        "rate:30:inf",
        "npy:a.npy:samples:1e300",
        "ttl:a.npy:0:1e13",
        "npz:a.npz",
        "mat:a.mat:",
        "ttl:a.npy",
        "ttl:a.npy:0:rising:30000:1",
        "ttl:a.npy:0:upward",
        "events:a.csv",
        "events:a.csv:",
    ],
)
def test_spec_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="P401"):
        parse_clock_spec(text)


def test_refusal_names_the_nearest_kind_and_shows_how_it_is_written() -> None:
    with pytest.raises(ParameterError, match="did you mean 'events'"):
        parse_clock_spec("event:a:b")
    with pytest.raises(ParameterError) as caught:
        parse_clock_spec("ttl:a.npy")
    assert caught.value.expected == KINDS["ttl"]
