"""Words about an outcome of `encoding`, from a dataset made by hand."""

from typing import Any

import numpy as np

from mystax.core.encoding_words import peer_share, ratio_sentence, summary_sentence, verdict


def outcome(**attributes: Any) -> Any:
    import xarray as xr

    statistics = ["mean", "median", "pooled", "low", "high", "share_negative"]
    return xr.Dataset(
        {
            "population": (
                ("model", "statistic"),
                [[0.041, 0.04, 0.04, 0.03, 0.05, 0.1], [0.099, 0.09, 0.1, 0.092, 0.106, 0.0]],
            ),
            "ceiling_peer": ("neuron", np.full(500, 0.15, np.float32)),
            "significant": ("neuron", np.r_[np.ones(471), np.zeros(29)].astype(np.int8)),
        },
        coords={"model": ["lagged-ridge", "stacked"], "statistic": statistics, "neuron": np.arange(500)},
        attrs={"null": "linear-shift", "n_folds": 5, **attributes},
    )


def test_verdict_says_variance_baseline_null_and_share_in_one_line() -> None:
    assert verdict(outcome()) == (
        "stacked explains 9.9 % (9.2 to 10.6) of 500 neurons' variance, lagged-ridge 4.1 %; "
        "471 of 500 above the linear-shift null (FDR 5 %); share of peer-predictable variance 0.66."
    )


def test_verdict_says_what_the_mean_reaches_where_the_stack_is_below_zero() -> None:
    """Activity that drifts is said worse by the mean of other folds, too: the stack is not to blame."""
    import xarray as xr

    low = outcome()
    low["population"] = low["population"] - xr.DataArray([0, 0.13], dims="model")
    mean = low["population"].sel(model=["stacked"]).assign_coords(model=["mean-only"]) - 0.004
    both = xr.Dataset({"population": xr.concat([mean, low["population"]], "model")}, attrs=low.attrs)
    both = both.assign_coords(neuron=low["neuron"])
    assert verdict(both) == (
        "stacked explains -3.1 % (-3.8 to -2.4) of 500 neurons' variance, lagged-ridge 4.1 %, "
        "mean-only -3.5 %."
    )


def test_verdict_says_less_where_less_is_known() -> None:
    bare = outcome().drop_vars(["ceiling_peer", "significant"])
    assert verdict(bare).endswith("variance, lagged-ridge 4.1 %.")
    assert peer_share(bare) is None


def test_a_lenient_null_is_called_so() -> None:
    assert "circular-shift (too lenient where signals drift)" in verdict(outcome(null="circular-shift"))


def test_a_ratio_names_baseline_interval_neurons_and_folds() -> None:
    said = ratio_sentence(outcome(ratio=2.41, ratio_low=2.2, ratio_high=2.63))
    assert said == (
        "stacked explains 2.41 x lagged-ridge (95 % interval 2.20 to 2.63; 500 neurons, 5 folds)."
    )


def test_no_ratio_was_allowed() -> None:
    assert ratio_sentence(outcome()) == ""


def summary(p_value: float = 0.03, unit: str = "individual") -> Any:
    import xarray as xr

    over = ("model", "statistic")
    return xr.Dataset(
        {
            "summary": (over, [[0.041, 0.03, 0.05], [0.099, 0.09, 0.11]]),
            "gain_summary": (over, [[0.0, 0.0, 0.0], [0.058, 0.04, 0.07]]),
            "wins": ("model", [0, 7]),
            "signed_rank_p": ("model", [np.nan, p_value]),
            "n_neurons": ("recording", np.full(8, 100)),
        },
        coords={"model": ["lagged-ridge", "stacked"], "statistic": ["mean", "low", "high"]},
        attrs={"unit": unit, "n_units": 6 if unit == "individual" else 8},
    )


def test_summary_names_units_baseline_difference_and_wins() -> None:
    assert summary_sentence(summary()) == (
        "8 recordings of 6 individuals, 800 neurons: stacked explains 9.9 % (9.0 to 11.0), lagged-ridge 4.1 %"
        ", difference +5.8 points (+4.0 to +7.0); stacked is above lagged-ridge in 7 of 8 "
        "(signed-rank test over 6: p = 0.03)."
    )


def test_summary_is_silent_about_a_test_that_was_not_made() -> None:
    assert summary_sentence(summary(np.nan, "recording")).endswith("in 7 of 8.")


def test_verdict_names_other_recordings_as_the_null() -> None:
    assert "above the other-recordings null" in verdict(outcome(null="recordings"))
