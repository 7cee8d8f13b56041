"""Decoding against written-out sums and known Gaussians."""

import numpy as np
import pytest

from mystax.nets.decode import decode


def _gaussian(x: float, y: float, *, sigma: float = 1.25, cells: int = 64) -> np.ndarray:
    """Return logits whose softmax is a Gaussian about (x, y) [cells]."""
    v, u = np.mgrid[:cells, :cells]
    found: np.ndarray = -((u - x) ** 2 + (v - y) ** 2) / (2 * sigma**2)
    return found


@pytest.mark.parametrize("sigma", [1.0, 1.25, 1.6])
def test_gaussians_at_any_offset_decode_within_a_twentieth_of_a_pixel(sigma: float) -> None:
    rng = np.random.default_rng(0)
    centres = rng.uniform(5, 58, (200, 2))
    logits = np.stack([_gaussian(x, y, sigma=sigma) for x, y in centres])[None]
    found = decode(logits, np.full((1, 200), -50.0)).xy[0]
    assert np.abs(found - (4 * centres + 1.5)).max() <= 0.05 * 4 * (0.25 if sigma <= 1.25 else 1)


def test_covariance_is_that_of_the_gaussian() -> None:
    found = decode(_gaussian(30.3, 20.8, sigma=1.0)[None, None], np.full((1, 1), -50.0)).covariance[0, 0]
    # A window of +-3 sigma holds 99.5 % of the variance per axis.
    np.testing.assert_allclose(found, [16, 0, 16], rtol=0.04, atol=0.05)


def test_tilted_gaussian_keeps_its_tilt() -> None:
    v, u = np.mgrid[:64, :64].astype(float)
    truth = np.array([[1.0, 0.5], [0.5, 0.8]])
    d = np.stack((u - 31.4, v - 33.2), axis=-1)
    logits = -0.5 * np.einsum("...i,ij,...j", d, np.linalg.inv(truth), d)
    xx, xy, yy = decode(logits[None, None], np.full((1, 1), -50.0)).covariance[0, 0] / 16
    assert (xx, xy, yy) == pytest.approx((1.0, 0.5, 0.8), abs=0.06)


def test_masses_are_those_of_the_softmax_with_the_null_cell() -> None:
    rng = np.random.default_rng(1)
    logits, null = rng.normal(0, 3, (2, 3, 16, 20)), rng.normal(0, 3, (2, 3))
    found = decode(logits, null)
    for i in range(2):
        for k in range(3):
            cells = np.exp(np.append(logits[i, k].ravel(), null[i, k]).astype(np.float64))
            p = (cells / cells.sum())[:-1].reshape(16, 20)
            cx, cy = np.unravel_index(np.argmax(p), p.shape)[::-1]
            v, u = np.mgrid[:16, :20]
            for _ in range(3):
                w = p * np.clip(3.5 - abs(u - cx), 0, 1) * np.clip(3.5 - abs(v - cy), 0, 1)
                mass = w.sum()
                last = (cx, cy)
                cx, cy = (w * u).sum() / mass, (w * v).sum() / mass
            assert found.visibility[i, k] == pytest.approx(p.sum(), rel=1e-4)
            assert found.visibility_logit[i, k] == pytest.approx(np.log(p.sum() / (1 - p.sum())), abs=1e-3)
            assert found.mass[i, k] == pytest.approx(mass, rel=1e-4)
            assert found.peak[i, k] == pytest.approx(p.max(), rel=1e-4)
            assert found.xy[i, k] == pytest.approx((4 * cx + 1.5, 4 * cy + 1.5), abs=1e-3)
            outside = (abs(u - cx) >= 3.5) | (abs(v - cy) >= 3.5)
            assert found.lead[i, k] == pytest.approx(np.log(p.max() / p[outside].max()), abs=1e-4)
            assert abs(last[0] - cx) < 2


def test_a_second_peak_is_the_runner_up() -> None:
    logits = np.logaddexp(_gaussian(10, 10), _gaussian(50, 40) - 1.0)
    found = decode(logits[None, None], np.full((1, 1), -50.0))
    assert found.xy[0, 0] == pytest.approx((41.5, 41.5), abs=0.05)
    assert found.lead[0, 0] == pytest.approx(1.0, abs=1e-3)


def test_sure_absence_keeps_a_finite_logit() -> None:
    found = decode(np.zeros((1, 1, 8, 8)), np.full((1, 1), 200.0))
    assert found.visibility[0, 0] == 0
    assert found.visibility_logit[0, 0] == pytest.approx(np.log(64) - 200, abs=1e-3)
    assert np.isfinite(found.xy).all()


def test_sure_presence_keeps_a_finite_logit() -> None:
    found = decode(_gaussian(4, 4, cells=8)[None, None], np.full((1, 1), -300.0))
    assert found.visibility[0, 0] == 1
    assert 290 < found.visibility_logit[0, 0] < 310


def test_noise_never_leaves_the_maps() -> None:
    rng = np.random.default_rng(2)
    found = decode(rng.normal(0, 10, (500, 4, 8, 8)), rng.normal(0, 10, (500, 4))).xy
    assert found.min() >= -0.5
    assert found.max() <= 31.5


def test_points_on_the_border_decode() -> None:
    found = decode(_gaussian(0.0, 63.0)[None, None], np.full((1, 1), -50.0))
    assert np.isfinite(found.covariance).all()
    assert abs(found.xy[0, 0, 0] - 1.5) < 6
    assert abs(found.xy[0, 0, 1] - 253.5) < 6


def test_each_map_is_decoded_by_itself() -> None:
    rng = np.random.default_rng(3)
    logits, null = rng.normal(0, 4, (5, 3, 16, 16)), rng.normal(0, 1, (5, 3))
    together = decode(logits, null)
    alone = decode(logits[2:3], null[2:3])
    np.testing.assert_array_equal(together.xy[2:3], alone.xy)
    np.testing.assert_array_equal(together.covariance[2:3], alone.covariance)
