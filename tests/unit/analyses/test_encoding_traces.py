"""Predicted traces come out alike, whichever form an outcome keeps them in."""

from typing import Any

import numpy as np
import pytest

import mystax
from mystax.analyses.encoding_traces import predicted_traces
from mystax.errors import FormatError, ParameterError
from tests.fixtures.brains import follower, two_parts


def encoded() -> Any:
    return mystax.encoding(
        two_parts(),
        follower(),
        model="linear",
        folds=2,
        scales="one",
        null="none",
        parts=False,
        lags=False,
        ceiling="none",
    )


@pytest.fixture(scope="module")
def small() -> Any:
    return encoded()


@pytest.fixture(scope="module")
def large() -> Any:
    """The same outcome as if it had too many predictions to keep them all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mystax.analyses.encoding_outcome.MOST_VALUES", 0)
        return encoded()


def test_a_large_outcome_keeps_components_instead_of_predictions(small: Any, large: Any) -> None:
    assert "prediction" not in large
    assert large["prediction_score"].dims == ("member", "time", "component")
    assert large["loading"].dims == ("fold_number", "neuron", "component")
    assert large["member_weight"].dims == ("fold_number", "member", "neuron")
    np.testing.assert_array_equal(large["explained_variance"].values, small["explained_variance"].values)


def test_traces_of_both_forms_are_equal(small: Any, large: Any) -> None:
    whole = small["prediction"].values
    np.testing.assert_array_equal(predicted_traces(small), whole)
    np.testing.assert_allclose(predicted_traces(large), whole, atol=1e-5)
    np.testing.assert_allclose(predicted_traces(large, [7, 2]), whole[:, [7, 2]], atol=1e-5)


def test_neurons_are_named_by_their_source(small: Any) -> None:
    renamed = small.assign_coords(neuron=small["neuron"].values + 100)
    np.testing.assert_array_equal(predicted_traces(renamed, [103]), small["prediction"].values[:, [3]])
    with pytest.raises(ParameterError, match=r"P401.*neuron 3"):
        predicted_traces(renamed, [3])


def test_other_outcomes_have_no_predictions(small: Any) -> None:
    with pytest.raises(FormatError, match="F804"):
        predicted_traces(small.drop_vars("prediction"))


def test_folds_of_few_bins_may_differ_in_components(large: Any) -> None:
    """A tenth of the training bins: five in one fold, six in the other."""
    known = [np.abs(large["loading"].values[fold]).max(0) > 0 for fold in (0, 1)]
    assert sorted(int(one.sum()) for one in known) == [5, 6]
    assert large.sizes["component"] == 6
    assert np.isfinite(large["component_variance"].values).all()
