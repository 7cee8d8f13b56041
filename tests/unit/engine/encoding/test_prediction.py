"""Predictions: in the bins of the encoder, where they are wanted, by groups of any name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.errors import ParameterError
from tests.fixtures.brains import WIDTH, neural, two_parts
from tests.fixtures.grids import wander

QUICK: dict[str, Any] = {
    "model": "linear", "folds": 2, "scales": "one", "null": "none", "ceiling": "none",
    "parts": False, "lags": False,
}  # fmt: skip


def train(n: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Make spikes of neurons whose rate follows the nose of `two_parts`."""
    nose = two_parts().parts[0].values[:, 0].astype(np.float64)
    rates = 20 * np.exp(0.6 * (nose - nose.mean()) / nose.std())
    rng = np.random.default_rng(3)
    times, owners = [], []
    for k in range(n):
        frames = np.repeat(np.arange(len(rates)), rng.poisson(rates / 25))
        times.append((frames + rng.random(len(frames))) / 25)
        owners.append(np.full(len(frames), k))
    return np.concatenate(times), np.concatenate(owners)


def counts(width: float) -> Any:
    times, owners = train()
    n = round(240 / width)
    table = np.zeros((n, 4))
    np.add.at(table, (np.minimum((times / width).astype(int), n - 1), owners), 1)
    return neural(table, width, signal="counts")


class Train:
    def __init__(self, times: np.ndarray) -> None:
        self.t = times


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    mystax.encoding(two_parts(), counts(WIDTH), out=folder, **QUICK)
    return folder / "encoding.encoder.nc"


def variance(found: Any) -> float:
    return float(np.asarray(found["explained_variance"].values).mean())


def test_counts_in_other_bins_are_not_compared(encoder: Path) -> None:
    assert variance(mystax.predict(encoder, two_parts(), neural=counts(WIDTH))) > 0.3
    for width in (0.1, 0.4):
        with pytest.raises(ParameterError, match=rf"P401.*bins of 0\.2 s.*got {width} s"):
            mystax.predict(encoder, two_parts(), neural=counts(width))


def test_spikes_that_were_counted_otherwise_are_counted_anew(encoder: Path) -> None:
    times, owners = train()
    spikes = {k: Train(times[owners == k]) for k in range(4)}
    plain = mystax.predict(encoder, two_parts(), neural=mystax.read_neural(spikes))
    other = mystax.predict(encoder, two_parts(), neural=mystax.read_neural(spikes, bin=0.5))
    assert variance(plain) == variance(other) > 0.3


def test_activity_is_compared_in_its_own_bins_wherever_predictions_are_wanted(encoder: Path) -> None:
    wanted = 10 + 0.7 * np.arange(50)
    found = mystax.predict(encoder, two_parts(), neural=counts(WIDTH), times=wanted)
    assert np.array_equal(found["time"].values, wanted)
    plain = mystax.predict(encoder, two_parts(), neural=counts(WIDTH))
    assert np.array_equal(found["explained_variance"].values, plain["explained_variance"].values)


@pytest.mark.parametrize(
    "words",
    [
        {"times": np.empty(0)},
        {"times": np.array([1.0, np.nan])},
        {"bin": -1.0},
        {"bin": 0.0},
        {"bin": np.nan},
        {"bin": 1000.0},
    ],
    ids=str,
)
def test_wrong_times_and_steps_are_refused(encoder: Path, words: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=rf"P401 parameter '{next(iter(words))}'"):
        mystax.predict(encoder, two_parts(), **words)


def test_a_step_sets_the_times(encoder: Path) -> None:
    found = mystax.predict(encoder, two_parts(), bin=0.5)
    assert np.allclose(found["time"].values, (np.arange(480) + 0.5) * 0.5)


@pytest.mark.parametrize("name", ["pos, cm", " lead", "auto"])
def test_groups_of_any_name_are_predicted(name: str, tmp_path: Path) -> None:
    import xarray as xr

    values = wander(6000, 1, 0, smooth=6.0)[:, 0]
    at = {"time": np.arange(6000) / 25}
    behaviour = {name: xr.DataArray(values, dims=("time",), coords=at)}
    bins = values.reshape(-1, 5).mean(1)
    activity = neural(np.stack([bins, -bins], axis=1) + 0.1 * np.random.default_rng(0).normal(size=(1200, 2)))
    mystax.encoding(behaviour, activity, out=tmp_path, **QUICK)
    encoder = tmp_path / "encoding.encoder.nc"
    more = {**behaviour, "other": xr.DataArray(values[::-1].copy(), dims=("time",), coords=at)}
    for one in (behaviour, more):
        assert variance(mystax.predict(encoder, one, neural=activity)) > 0.8


def test_an_encoder_that_was_deleted_is_made_again(tmp_path: Path) -> None:
    activity, said = counts(WIDTH), []
    mystax.encoding(two_parts(), activity, out=tmp_path, **QUICK)
    (tmp_path / "encoding.encoder.nc").unlink()
    mystax.encoding(two_parts(), activity, out=tmp_path, progress=lambda one: said.append(one.kind), **QUICK)
    assert "outcome" in said
    assert variance(mystax.predict(tmp_path / "encoding.encoder.nc", two_parts(), neural=activity)) > 0.3
    said.clear()
    mystax.encoding(two_parts(), activity, out=tmp_path, progress=lambda one: said.append(one.kind), **QUICK)
    assert said == []
