"""Rasters and masks as bytes: values come back, missing ones stay missing, tiles join to the whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.app.rasters import CLIP, MISSING, TILE, Raster, masks_as_bytes


def whole(raster: Raster, level: int) -> np.ndarray:
    """Put the tiles of a level together."""
    rows, columns = raster.shape(level)
    bands = [
        np.concatenate([raster.tile(level, x, y) for x in range(-(-columns // TILE))], axis=1)
        for y in range(-(-rows // TILE))
    ]
    return np.concatenate(bands)


def values_of(bytes_: np.ndarray) -> np.ndarray:
    """Return the z-scores of bytes."""
    return np.where(bytes_ == MISSING, np.nan, bytes_ / (MISSING - 1) * 2 * CLIP - CLIP)


@given(st.integers(1, 300), st.integers(1, 700), st.integers(0, 99))
def test_tiles_join_to_the_whole_picture(rows: int, columns: int, seed: int) -> None:
    scores = np.random.default_rng(seed).uniform(-1.9, 1.9, (rows, columns)).astype(np.float32)
    raster = Raster(scores, is_scaled=True)
    step = 2 * CLIP / (MISSING - 1)
    np.testing.assert_allclose(values_of(whole(raster, 0)), scores, atol=step / 2 + 1e-6)


def test_rows_become_z_scores_of_their_own() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal([[5.0], [-3.0]], [[0.1], [40.0]], (2, 200))
    got = values_of(whole(Raster(values), 0))
    wanted = (values - values.mean(1, keepdims=True)) / values.std(1, keepdims=True)
    np.testing.assert_allclose(got, np.clip(wanted, -CLIP, CLIP), atol=0.01)


def test_missing_values_are_255_and_do_not_move_the_others() -> None:
    values = np.array([[1.0, np.nan, 3.0, np.inf], [2.0, 2.0, 2.0, 2.0], [np.nan] * 4])
    got = whole(Raster(values), 0)
    assert got[0].tolist() == [round(0.25 * 254), 255, round(0.75 * 254), 255]
    assert got[1].tolist() == [127] * 4
    assert got[2].tolist() == [255] * 4


def test_each_level_holds_means_of_twice_as_many_columns() -> None:
    scores = np.random.default_rng(1).uniform(-1, 1, (3, 1025)).astype(np.float32)
    scores[0, 4] = scores[1, 1024] = np.nan
    raster = Raster(scores, is_scaled=True)
    assert [raster.shape(level)[1] for level in range(raster.n_levels)] == [1025, 513, 257, 129]
    first = values_of(whole(raster, 1))
    np.testing.assert_allclose(first[2, :512], scores[2, :1024].reshape(-1, 2).mean(1), atol=0.01)
    assert first[0, 2] == pytest.approx(scores[0, 5], abs=0.01)
    assert np.isnan(first[1, 512])


def test_beyond_the_edge_there_is_nothing() -> None:
    raster = Raster(np.zeros((10, 300)), is_scaled=True)
    assert raster.tile(0, 1, 0).shape == (10, 44)
    assert raster.tile(0, 2, 0).size == 0
    assert raster.tile(0, 0, 1).size == 0


def test_the_size_in_memory_counts_all_levels() -> None:
    assert Raster(np.zeros((2, 1024)), is_scaled=True).n_bytes == 2 * (1024 + 512 + 256)


def test_masks_come_back_from_their_bytes() -> None:
    masks = np.random.default_rng(2).normal(0, 1, (3, 5, 7)) * np.array([1, 1e-6, 1e6]).reshape(3, 1, 1)
    bytes_, scale = masks_as_bytes(masks)
    assert bytes_.dtype == np.int8
    assert np.abs(bytes_).max(axis=(1, 2)).tolist() == [127] * 3
    np.testing.assert_allclose(bytes_ * scale[:, None, None], masks, atol=float(scale.max()))
    for k in range(3):
        np.testing.assert_allclose(bytes_[k] * scale[k], masks[k], atol=float(scale[k]) / 2 * 1.001)


def test_masks_of_nothing_are_nothing() -> None:
    masks = np.stack([np.zeros((2, 2)), np.full((2, 2), np.nan)])
    bytes_, scale = masks_as_bytes(masks)
    assert not bytes_.any()
    assert np.isfinite(scale).all()
    assert masks_as_bytes(np.zeros((0, 2, 2)))[0].shape == (0, 2, 2)
