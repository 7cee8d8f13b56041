"""Random choices: repeatable, within their ranges, wider and with held-out families where asked."""

import numpy as np
import pytest

from mystax.errors import ParameterError
from mystax.synth.draws import Draw, Typical

FAMILIES = {"one": 1.0, "two": 3.0}


def test_equal_keys_give_equal_numbers_and_others_do_not() -> None:
    first, again, other = Draw((3, 4)), Draw((3, 4)), Draw((3, 5))
    numbers = [[d.uniform(0, 1), d.normal(2), d.seed(), *d.direction()] for d in (first, again, other)]
    assert numbers[0] == numbers[1]
    assert numbers[0] != numbers[2]


def test_ordinary_numbers_fill_their_range_and_stay_in_it() -> None:
    draw = Draw((1,))
    values = np.array([draw.uniform(2, 6) for _ in range(2000)])
    assert values.min() >= 2
    assert values.max() <= 6
    assert values.min() < 2.1
    assert values.max() > 5.9


def test_shifted_ranges_are_a_quarter_wider() -> None:
    draw = Draw((1,), "shifted")
    values = np.array([draw.uniform(2, 6) for _ in range(4000)])
    assert values.min() == pytest.approx(1.5, abs=0.02)
    assert values.max() == pytest.approx(6.5, abs=0.02)


def test_shifted_numbers_do_not_pass_floor_and_ceiling() -> None:
    draw = Draw((1,), "shifted")
    values = [draw.uniform(0, 1, floor=0.0, ceiling=1.0) for _ in range(500)]
    assert min(values) == 0.0
    assert max(values) == 1.0


def test_log_uniform_numbers_have_a_uniform_logarithm() -> None:
    draw = Draw((2,))
    values = np.log10([draw.log_uniform(0.01, 100) for _ in range(4000)])
    assert np.histogram(values, bins=4, range=(-2, 2))[0].tolist() == pytest.approx([1000] * 4, abs=120)


def test_normal_numbers_have_their_spread_and_no_long_tails() -> None:
    draw = Draw((5,))
    values = np.array([draw.normal(3.0) for _ in range(4000)])
    assert values.std() == pytest.approx(3.0, rel=0.05)
    assert np.abs(values).max() <= 7.5


def test_ordinary_ranges_never_show_the_held_out_family() -> None:
    draw = Draw((6,))
    found = [draw.family(FAMILIES, "hidden") for _ in range(1000)]
    assert set(found) == {"one", "two"}
    assert found.count("two") / 1000 == pytest.approx(0.75, abs=0.05)


def test_shifted_ranges_show_the_held_out_family() -> None:
    draw = Draw((6,), "shifted")
    found = [draw.family(FAMILIES, "hidden") for _ in range(1000)]
    assert 0.2 < found.count("hidden") / 1000 < 0.4


def test_directions_are_unit_vectors_to_all_sides() -> None:
    draw = Draw((7,))
    vectors = np.array([draw.direction() for _ in range(1000)])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1)
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=0.08)


def test_unknown_ranges_are_refused() -> None:
    with pytest.raises(ParameterError, match="'ordinary' or 'shifted'"):
        Draw((1,), "wide")


def test_the_typical_choice_is_the_middle() -> None:
    typical = Typical()
    assert typical.uniform(2, 4) == 3
    assert typical.log_uniform(1, 100) == pytest.approx(10)
    assert typical.normal(4.0) == 0
    assert typical.family(FAMILIES, "one") == "two"
    assert (typical.chance(0.6), typical.chance(0.4)) == (True, False)
