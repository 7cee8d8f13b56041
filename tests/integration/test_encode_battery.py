"""The battery of the analyses, for one that takes outcomes and neurons instead of frames."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.core.analysis import get_analysis
from mystax.errors import MystaxError
from mystax.io.outcomes import load
from mystax.io.provenance import Provenance
from mystax.io.store import Store
from mystax.testing import CHECKS
from tests.fixtures.brains import follower, two_parts

QUICK: dict[str, Any] = {"model": "linear", "folds": 2, "shifts": 19, "scales": "one"}
FAST: dict[str, Any] = {**QUICK, "null": "none", "parts": False, "lags": False, "ceiling": "none"}


@pytest.fixture(scope="module")
def everything() -> Any:
    """An outcome with all that can be asked for."""
    return mystax.encoding(
        two_parts(),
        follower(),
        **{**QUICK, "ceiling": "both", "reduced_rank": True, "one_point": True, "null": "circular-shift"},
    )


def test_all_ceilings_and_models_that_can_be_asked_for(everything: Any) -> None:
    found = everything
    assert {"reduced-rank", "one-point"} <= set(map(str, found["model"].values))
    assert float(found["svca_reliable"].values[0]) > 0.5
    assert float(found["svca_behaviour"].values[0]) > 0.7
    assert "too many neurons" in str(found.attrs["quality"])


NAMED = {
    ("model", "neuron"): "explained_variance explained_variance_low explained_variance_high gain gain_low "
    "gain_high correlation",
    ("model", "statistic"): "population",
    ("model", "component"): "component_variance",
    ("neuron",): "ceiling_peer p_value significant peak_lag peak_lag_low peak_lag_high order neuron_mean "
    "neuron_sd",
    ("part", "neuron"): "unique unique_low unique_high alone",
    ("lag", "neuron"): "lag_curve",
    ("time", "neuron"): "prediction",
    ("time",): "fold usable",
    ("model", "block", "neuron"): "sse",
    ("block", "neuron"): "sst",
    ("member", "neuron"): "stack_weight",
    ("family",): "scale",
}
"""Variables that the design names, by their dimensions."""


def test_every_variable_that_was_asked_for_is_there_with_its_dimensions_and_unit(everything: Any) -> None:
    for dims, names in NAMED.items():
        for name in names.split():
            assert everything[name].dims == dims, name
            assert "units" in everything[name].attrs, name
    assert everything["svca_reliable"].dims == everything["svca_behaviour"].dims
    assert everything["latent"].dims[0] == "time"
    for name in ("neuron_x", "neuron_y", "neuron_z", "area", "plane", "neuron_quality"):
        assert everything[name].dims == ("neuron",), name
    assert everything["peak_lag"].attrs["units"] == everything["lag"].attrs["units"] == "s"


def differences(a: Any, b: Any) -> list[str]:
    """Name the variables that differ in a single bit; NaN equals NaN."""
    assert set(map(str, a.variables)) == set(map(str, b.variables))
    found = []
    for name in map(str, a.variables):
        x, y = np.asarray(a[name].values), np.asarray(b[name].values)
        is_text = x.dtype.kind not in "fiub"
        if not (np.array_equal(x.astype(str), y.astype(str)) if is_text else np.array_equal(x, y, True)):
            found.append(name)
    return found


def test_same_input_gives_equal_bits_with_one_and_two_threads() -> None:
    one, again, two = (mystax.encoding(two_parts(), follower(), cores=n, **FAST) for n in (1, 1, 2))
    assert differences(one, again) == differences(one, two) == []


def test_written_outcome_is_read_equal(everything: Any, tmp_path: Path) -> None:
    about = Provenance("encoding", get_analysis("encoding").version, "0" * 64)
    found: Any = load(Store(tmp_path).publish(everything, about))
    assert differences(everything, found) == []


@pytest.mark.slow
@pytest.mark.extra("nwb")
def test_nwb_round_trip_is_equal(everything: Any, tmp_path: Path) -> None:
    pytest.importorskip("pynwb", reason='pip install "mystax[nwb]"')
    from mystax.io.nwb.options import NwbOptions
    from mystax.io.nwb.reader import found_outcomes, plain_outcomes
    from mystax.io.nwb.writer import write_nwb
    from mystax.io.recorded import find_recorded

    about = Provenance("encoding", get_analysis("encoding").version, "0" * 64)
    path = Store(tmp_path).publish(everything, about)
    options = NwbOptions(start=datetime(2024, 1, 1, tzinfo=UTC))
    content = plain_outcomes(str(write_nwb(tmp_path / "a.nwb", find_recorded([path]), options)))
    (found,) = found_outcomes(content["manifest"], content["arrays"].__getitem__, "encoding")
    assert differences(everything, found.parts.cameras[""]) == []


@pytest.mark.parametrize("check", ["every_range_is_kept", "unknown_parameter_is_refused"])
def test_parameters_are_checked_as_those_of_every_analysis(check: str) -> None:
    CHECKS[check]("encoding", {})


def test_missing_bins_stay_missing() -> None:
    grid = two_parts()
    values = grid.parts[0].values.copy()
    values[2500:3250] = np.nan  # 100 to 130 s
    holed = replace(grid, parts=(replace(grid.parts[0], values=values), grid.parts[1]))
    found = mystax.encoding(holed, follower(), **FAST)
    time, said = np.asarray(found["time"].values), np.asarray(found["prediction"].values)
    inside = (time > 101) & (time < 129)
    assert np.isnan(said[inside]).all()
    assert (np.asarray(found["usable"].values)[inside] == 0).all()
    assert np.isfinite(said[np.asarray(found["usable"].values) > 0]).all()


def filled(value: float) -> Any:
    grid = two_parts()
    return replace(grid, parts=tuple(replace(p, values=np.full_like(p.values, value)) for p in grid.parts))


def nothing() -> tuple[Any, Any]:
    return filled(np.nan), follower()


def constant() -> tuple[Any, Any]:
    return filled(1.0), follower()


def one_bin() -> tuple[Any, Any]:
    return two_parts(), follower().isel(time=slice(0, 1))


def no_bin() -> tuple[Any, Any]:
    return two_parts(), follower().isel(time=slice(0, 0))


def no_neuron() -> tuple[Any, Any]:
    return two_parts(), follower().isel(neuron=slice(0, 0))


@pytest.mark.parametrize("make", [nothing, constant, one_bin, no_bin, no_neuron])
def test_what_holds_nothing_is_refused_in_one_sentence(make: Any) -> None:
    behaviour, neural = make()
    with pytest.raises(MystaxError) as refused:
        mystax.encoding(behaviour, neural, **FAST)
    assert refused.value.code in ("N303", "C204", "N305")


def test_saturated_neurons_are_left_out_and_the_others_are_explained() -> None:
    neural = follower()
    values = np.asarray(neural["activity"].values).copy()
    values[:, 2] = values[:, 2].max()
    neural["activity"] = neural["activity"].copy(data=values)
    found = mystax.encoding(two_parts(), neural, **FAST)
    assert found["neuron"].values.tolist() == [0, 1, *range(3, 12)]
    assert np.isfinite(found["explained_variance"].values).all()


def test_raster_and_traces_show_what_was_predicted(everything: Any) -> None:
    said, order = np.asarray(everything["prediction"].values), np.asarray(everything["order"].values)
    edges = np.searchsorted(everything["time"].values, everything["column_start"].values)
    known = np.isfinite(said).all(1)
    columns = np.array_split(np.arange(len(said)), edges[1:])
    shown = np.asarray(everything["raster"].sel(panel="stacked").values)
    for k in (100, 400, 700):
        wanted = said[columns[k]][known[columns[k]]].mean(0)[order]
        assert np.allclose(shown[:, k], wanted, atol=1e-4)
    numbers = everything["example_neuron"].values
    trace = np.asarray(everything["trace"].sel(panel="stacked").values)
    assert np.allclose(trace, said[:, numbers].T, atol=1e-4, equal_nan=True)


def test_running_stands_above_the_raster_as_means_of_what_is_known() -> None:
    grid = two_parts()
    pace = grid.parts[1].values.copy()
    pace[500:1000] = np.nan  # 20 to 40 s
    running = replace(grid.parts[1], group="running", part="wheel", values=pace)
    found = mystax.encoding(replace(grid, parts=(*grid.parts, running)), follower(), **FAST)
    starts = np.asarray(found["column_start"].values) - 0.1
    edges = np.rint(np.append(starts, 240.0) * 25).astype(int)
    known = [pace[a:b][np.isfinite(pace[a:b])] for a, b in pairwise(edges)]
    wanted = [values.mean() if len(values) else np.nan for values in known]
    np.testing.assert_allclose(found["running"].values, wanted, rtol=1e-5, atol=1e-6)
    assert np.isnan(wanted).sum() >= 50
    assert "motion" not in found


@pytest.mark.slow
@pytest.mark.extra("train")
def test_networks_give_equal_bits_with_one_and_two_threads() -> None:
    pytest.importorskip("torch", reason='pip install "mystax[train]"')
    few = {**FAST, "model": "deep", "epochs": 2, "members": 2}
    one, again, two = (mystax.encoding(two_parts(), follower(), cores=n, **few) for n in (1, 1, 2))
    assert "deep" in [str(name) for name in one["model"].values]
    assert differences(one, again) == differences(one, two) == []
