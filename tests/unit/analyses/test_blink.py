"""The declaration of `blink`."""

import pytest

from mystax.analyses.blink import BLINK, BlinkParams
from mystax.core.analysis import Reducer, get_analysis
from mystax.core.params import check_params, parameters_of
from mystax.errors import ParameterError


def test_declaration_makes_a_reducer() -> None:
    found = get_analysis("blink")
    assert found.outputs is BLINK
    assert found.roi_input is not None
    assert found.roi_input.kind == "blink"
    assert isinstance(found.make(BlinkParams()), Reducer)


def test_defaults_are_those_of_the_specification() -> None:
    defaults = {name: parameter.default for name, parameter in parameters_of(BlinkParams).items()}
    assert defaults == {
        "level": "auto",
        "threshold": 0.4,
        "baseline": 60.0,
        "min_duration": 0.03,
        "max_duration": 0.5,
    }


@pytest.mark.parametrize(
    ("name", "below", "at", "above"),
    [("level", 0.9, 255, 255.5), ("threshold", -0.1, 1, 1.1), ("baseline", 4.9, 600, 601)],
)
def test_ranges_are_kept(name: str, below: float, at: float, above: float) -> None:
    check_params(BlinkParams, {name: at}, "blink")
    for value in (below, above):
        with pytest.raises(ParameterError, match=f"P401 parameter '{name}' of 'blink'"):
            check_params(BlinkParams, {name: value}, "blink")
