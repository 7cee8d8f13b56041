"""The fold of an encoder on small simulated recordings."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.analyses.encoding_ceilings import peer_ceiling
from mystax.analyses.encoding_checkpoint import folds_from_arrays, folds_to_arrays
from mystax.analyses.encoding_data import EncodingData, encoding_data
from mystax.analyses.encoding_fold import fit_fold
from mystax.analyses.encoding_members import FoldSettings
from mystax.analyses.encoding_outcome import assemble_encoding, pooled_errors
from mystax.analyses.encoding_parts import lags_of_fold, part_labels, parts_of_fold
from mystax.compute.explained import explained_variance
from mystax.compute.folds import BlockFolds, FoldPlan
from mystax.compute.tiles import TilePool
from tests.fixtures.brains import follower, two_parts


@pytest.fixture(scope="module")
def followed() -> EncodingData:
    """Twelve neurons that follow the first of two parts, with noise of the same variance."""
    return encoding_data(two_parts(), follower(share=0.5))


@pytest.fixture(scope="module")
def plan(followed: EncodingData) -> FoldPlan:
    return BlockFolds(2).plan(followed.times, followed.usable)


def test_a_linear_brain_is_explained_as_far_as_its_noise_allows() -> None:
    data = encoding_data(two_parts(900), follower(share=0.5, seconds=900))
    plan = BlockFolds(4).plan(data.times, data.usable)
    with TilePool() as tiles:
        folds = [fit_fold(data, plan, k, FoldSettings(scales="one"), tiles) for k in range(4)]
    dataset = assemble_encoding(data, plan, folds, seed=0)
    found = dataset["explained_variance"].sel(model="stacked").values
    low, high = (
        dataset[f"explained_variance_{side}"].sel(model="stacked").values for side in ("low", "high")
    )
    assert (np.abs(found - 0.5) <= 3 * (high - low) / 3.92).all()


def test_errors_of_the_stack_are_those_of_its_weighed_members(followed: EncodingData, plan: FoldPlan) -> None:
    with TilePool() as tiles:
        fold = fit_fold(followed, plan, 1, FoldSettings(scales="one"), tiles)
    test = plan.test(1)
    y = (np.asarray(followed.neural["activity"].values)[test] - fold.mean) / fold.sd
    said = sum(
        (p @ fold.loadings.T) * w for p, w in zip(fold.predictions, fold.weights, strict=True)
    )  # mean-only, members, stacked
    for k, block in enumerate(fold.scores.blocks):
        here = plan.block[test] == block
        assert np.allclose(fold.scores.sse[-1, k], ((y - said)[here] ** 2).sum(0), rtol=1e-4)
        assert np.allclose(fold.scores.sse[0, k], (y[here] ** 2).sum(0), rtol=1e-4)
    assert fold.models == ("mean-only", "lagged-ridge", "filterbank", "stacked")


def test_folds_survive_as_arrays(followed: EncodingData, plan: FoldPlan) -> None:
    with TilePool() as tiles:
        fold = fit_fold(
            followed, plan, 0, FoldSettings(scales="one"), tiles, extras=[lags_of_fold(followed, plan)]
        )
    (back,) = folds_from_arrays(folds_to_arrays([fold]))
    assert back.models == fold.models
    assert back.fallback == fold.fallback
    assert np.array_equal(back.scores.sse, fold.scores.sse)
    assert np.array_equal(back.extra["lag_sse"], fold.extra["lag_sse"])


def test_a_scale_is_the_mean_of_the_folds_that_know_it(followed: EncodingData, plan: FoldPlan) -> None:
    with TilePool() as tiles:
        folds = [fit_fold(followed, plan, k, FoldSettings(scales="one"), tiles) for k in range(2)]
    n = len(folds[0].scales)
    known = np.arange(1.0, n + 1)
    one = replace(folds[0], scales=np.where(np.arange(n) < 1, np.nan, known))
    other = replace(folds[1], scales=np.where(np.arange(n) < 2, np.nan, known + 2))
    found = assemble_encoding(followed, plan, [one, other], seed=0)["scale"].values
    np.testing.assert_array_equal(found, [np.nan, 2.0, *(known[2:] + 1)])


def test_the_part_that_drives_explains_all_and_the_other_nothing(
    followed: EncodingData, plan: FoldPlan
) -> None:
    with TilePool() as tiles:
        settings = FoldSettings(scales="one")
        folds = [
            fit_fold(followed, plan, k, settings, tiles, extras=[parts_of_fold(followed, plan)])
            for k in range(2)
        ]
    _, sst = pooled_errors(folds, plan.n_blocks)
    order = [np.argsort(np.concatenate([f.scores.blocks for f in folds]))]
    full, alone, without = (
        np.concatenate([f.extra[name] for f in folds], axis=-2)[..., order[0], :]
        for name in ("parts_full", "parts_alone", "parts_without")
    )
    whole = explained_variance(full, sst).mean()
    assert explained_variance(alone[0], sst).mean() >= 0.95 * whole
    assert explained_variance(without[0], sst).mean() < 0.02
    assert whole - explained_variance(without[1], sst).mean() < 0.02


def test_parts_and_groups_are_named_once() -> None:
    assert part_labels([("keypoints", "nose")]) == []
    assert part_labels([("keypoints", "nose"), ("keypoints", "paw")]) == [
        ("keypoints/nose", [0]),
        ("keypoints/paw", [1]),
    ]
    found = part_labels([("keypoints", "nose"), ("keypoints", "paw"), ("pupil", "pupil")])
    assert found[-1] == ("keypoints", [0, 1])


def test_peers_predict_shared_activity(followed: EncodingData, plan: FoldPlan) -> None:
    found, facts, flags = peer_ceiling(followed, plan, 0)
    peer = found["ceiling_peer"][1]
    # six neurons, each half signal, average their noise: 1 / (1 + 1 / 6) of the signal's variance, 0.43
    assert peer.mean() == pytest.approx(0.5 * 6 / 7, abs=0.05)
    assert facts["peer_halves"] == "random"
    assert [flag.code for flag in flags] == ["N310"]


@pytest.mark.parametrize(("unit", "codes"), [("um", []), ("px", ["N310"])])
def test_peers_parted_by_pixels_are_told(
    followed: EncodingData, plan: FoldPlan, unit: str, codes: list[str]
) -> None:
    places = {
        "neuron_x": ("neuron", np.tile([0.0, 300.0], 6)),
        "neuron_y": ("neuron", np.repeat([0.0, 300.0], 6)),
    }
    neural = followed.neural.assign_coords(places).assign_attrs(unit=unit)
    _, facts, flags = peer_ceiling(replace(followed, neural=neural), plan, 0)
    assert facts["peer_halves"] == "checkerboard"
    assert [flag.code for flag in flags] == codes
