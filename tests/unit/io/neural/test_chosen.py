"""Choice of neurons by judgement, area, plane and number."""

import numpy as np
import pytest

from mystax.errors import NumbersError, ParameterError
from mystax.io.neural.chosen import choose_neurons
from mystax.io.neural.source import Neurons


@pytest.fixture
def neurons() -> Neurons:
    return Neurons.of(
        np.array([10, 11, 12, 13, 14]),
        quality=["good", "mua", "noise", "", "unsorted"],
        area=["V1", "V1", "V2", "V2", ""],
        plane=np.array([0, 0, 1, 1, 2]),
    )


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (None, [10, 13, 14]),
        ("quality=all", [10, 11, 12, 13, 14]),
        ("quality=good", [10]),
        ("quality=good|mua", [10, 11]),
        ("area=V1", [10]),
        ("area=V1|V2", [10, 13]),
        ("area=V1,quality=all", [10, 11]),
        (" quality=all , plane=1|2 ", [12, 13, 14]),
        ([14, 11], [11, 14]),
    ],
)
def test_neurons_are_those_that_fit(neurons: Neurons, wanted: str | list[int] | None, ids: list[int]) -> None:
    chosen, left = choose_neurons(neurons, wanted, "data")
    assert neurons.ids[chosen].tolist() == ids
    assert sorted([*ids, *(one for some in left.values() for one in some)]) == [10, 11, 12, 13, 14]


def test_reasons_are_named(neurons: Neurons) -> None:
    assert choose_neurons(neurons, "area=V1", "data")[1] == {
        "quality mua": [11],
        "quality noise": [12],
        "area not V1": [13, 14],
    }


@pytest.mark.parametrize("wanted", ["quality", "depth=3", "quality=", "good"])
def test_texts_that_are_not_understood_are_refused(neurons: Neurons, wanted: str) -> None:
    with pytest.raises(ParameterError, match="P401"):
        choose_neurons(neurons, wanted, "data")


@pytest.mark.parametrize("wanted", [[10, 99], []])
def test_numbers_that_do_not_exist_are_refused(neurons: Neurons, wanted: list[int]) -> None:
    with pytest.raises(ParameterError, match="P401"):
        choose_neurons(neurons, wanted, "data")


def test_nothing_left_is_refused_with_what_is_there(neurons: Neurons) -> None:
    with pytest.raises(NumbersError, match="N303") as refused:
        choose_neurons(neurons, "area=V9", "data")
    assert "2 area V1" in refused.value.got
    assert "1 area unknown" in refused.value.got
