"""Values of TOML on one line: read back as they were."""

import tomllib

import numpy as np
import pytest

from mystax.io.toml_values import toml_value


@pytest.mark.parametrize(
    "value",
    [
        1,
        2.5,
        1e-17,
        True,
        'a "b"\n\t\\',
        [],
        [[1, 2], [3.0, -0.5]],
        {"x": [1, 2], "name": "left"},
        ["a", "b"],
    ],
)
def test_a_value_is_read_back_from_one_line(value: object) -> None:
    text = toml_value(value)
    assert "\n" not in text
    assert tomllib.loads(f"value = {text}") == {"value": value}


def test_an_array_is_written_as_its_lists() -> None:
    assert toml_value(np.array([[1.0, 0.1], [2.0, 1e300]])) == "[[1.0, 0.1], [2.0, 1e+300]]"
