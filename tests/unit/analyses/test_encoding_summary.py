"""Outcomes of several recordings put together."""

from typing import Any

import numpy as np
import pytest

from mystax.analyses.encoding_summary import summarise_encodings
from mystax.errors import NumbersError


def outcome(base: float, stack: float, n: int = 6, seed: int = 0, extra: str = "") -> Any:
    """Make what is used of an outcome: three models, blocks with known shares of error."""
    import xarray as xr

    sst = np.random.default_rng(seed).uniform(50, 150, size=(20, n)).astype(np.float32)
    models = ["mean-only", "lagged-ridge", *([extra] if extra else []), "stacked"]
    share = dict(zip(models, [0.0, base, *([0.5] if extra else []), stack], strict=True))
    sse = np.stack([sst * (1 - share[name]) for name in models]).astype(np.float32)
    return xr.Dataset(
        {"sse": (("model", "block", "neuron"), sse), "sst": (("block", "neuron"), sst)},
        coords={"model": models, "neuron": np.arange(n), "block_fold": ("block", np.arange(20) % 5)},
    )


def several(n: int = 7) -> dict[str, Any]:
    return {f"day{k}": outcome(0.1, 0.2 + 0.01 * k, seed=k) for k in range(n)}


def test_means_and_gains_are_those_of_the_recordings() -> None:
    found = summarise_encodings(several())
    assert np.allclose(found["explained_variance"].sel(model="stacked"), 0.2 + 0.01 * np.arange(7), atol=1e-6)
    assert np.allclose(found["gain"].sel(model="stacked"), 0.1 + 0.01 * np.arange(7), atol=1e-6)
    over = found["summary"].sel(model="stacked")
    assert float(over.sel(statistic="mean")) == pytest.approx(0.23, abs=1e-6)
    assert float(over.sel(statistic="low")) < 0.23 < float(over.sel(statistic="high"))


def test_wins_and_the_test_summary() -> None:
    found = summarise_encodings(several())
    assert int(found["wins"].sel(model="stacked")) == 7
    assert float(found["signed_rank_p"].sel(model="stacked")) == pytest.approx(2 / 2**7)
    assert int(found["wins"].sel(model="mean-only")) == 0
    assert np.isnan(float(summarise_encodings(several(3))["signed_rank_p"].sel(model="stacked")))


def test_individuals_are_the_unit_where_they_are_named() -> None:
    found = summarise_encodings(several(), {f"day{k}": f"mouse{k % 2}" for k in range(7)})
    assert found.attrs["unit"] == "individual"
    assert found.attrs["n_units"] == 2
    assert [str(name) for name in found["individual"].values[:3]] == ["mouse0", "mouse1", "mouse0"]
    wanted = np.mean([np.mean([0.2 + 0.01 * k for k in range(first, 7, 2)]) for first in (0, 1)])
    mean = found["summary"].sel(model="stacked", statistic="mean")
    assert float(mean) == pytest.approx(wanted, abs=1e-6)
    assert np.isnan(found["signed_rank_p"].sel(model="stacked"))


def test_only_models_that_all_recordings_have_are_compared() -> None:
    found = summarise_encodings({"a": outcome(0.1, 0.2, extra="deep"), "b": outcome(0.1, 0.2)})
    assert [str(name) for name in found["model"].values] == ["mean-only", "lagged-ridge", "stacked"]


def test_blocks_that_no_fold_tests_do_not_count() -> None:
    one = outcome(0.1, 0.2)
    one["block_fold"] = ("block", np.where(np.arange(20) % 2 == 1, 0, -1))
    one["sse"][:, ::2] = 0
    one["sst"][::2] = 0
    found = summarise_encodings({"a": one, "b": outcome(0.1, 0.2, seed=1)})
    assert np.isfinite(found["summary"].values).all()
    assert float(found["explained_variance"].sel(model="stacked", recording="a")) == pytest.approx(
        0.2, abs=1e-6
    )


def test_one_recording_is_no_summary() -> None:
    with pytest.raises(NumbersError, match=r"N303 summary"):
        summarise_encodings(several(1))
