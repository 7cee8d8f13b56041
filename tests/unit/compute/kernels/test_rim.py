"""Rays, rim and confidence on pictures whose edge is known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from mystax.compute.kernels import rim
from mystax.compute.kernels.rim import N_RAYS
from mystax.synth.eye import Eye, paint_eye
from tests.fixtures.inner import called

ellipse_confidence = called(rim.ellipse_confidence)
find_rim = called(rim.find_rim)
fit_rim = called(rim.fit_rim)

SHAPE = (100, 110)


def disc(radius: float = 20.0, **changes: float) -> np.ndarray:
    """A clean pupil as the fit sees it: optics and own smoothing."""
    eye = Eye(radius=radius, centre=(54.3, 49.6), **changes)  # type: ignore[arg-type] # floats by name
    return np.asarray(gaussian_filter(paint_eye(eye), 1.0), np.float32)


def rim_of(picture: np.ndarray, ellipse: np.ndarray, hidden: np.ndarray | None = None) -> np.ndarray:
    spots = np.zeros(SHAPE, np.uint8) if hidden is None else hidden
    x, y = np.empty(N_RAYS), np.empty(N_RAYS)
    n = find_rim(picture, spots, ellipse, 0.35, np.empty(400), x, y, np.empty((N_RAYS, 2)))
    return np.stack([x[:n], y[:n]], 1)


GUESS = np.array([53.3, 50.4, 19.0, 18.0, 0.3])


def test_rim_of_a_disc_is_its_circle_on_all_rays() -> None:
    found = rim_of(disc(), GUESS)
    assert len(found) == N_RAYS
    distance = np.hypot(found[:, 0] - 54.3, found[:, 1] - 49.6)
    assert np.abs(distance - 20.0).max() < 0.25
    assert abs(distance.mean() - 20.0) < 0.04


def test_rays_sample_the_picture_as_a_bilinear_twin_does() -> None:
    picture = disc()
    found = rim_of(picture, np.array([54.3, 49.6, 20.0, 20.0, 0.0]))
    radii = np.arange(12.0, 28.0, 0.5)
    for ray in (0, 9, 40):
        turn = 2 * np.pi * ray / N_RAYS
        samples = map_coordinates(
            picture, [49.6 + radii * np.sin(turn), 54.3 + radii * np.cos(turn)], order=1
        )
        steepest = radii[1:-1][np.argmax(samples[2:] - samples[:-2])]
        assert abs(np.hypot(*(found[ray] - [54.3, 49.6])) - steepest) < 0.6


def test_hidden_pixels_have_no_rim() -> None:
    hidden = np.zeros(SHAPE, np.uint8)
    hidden[:, 70:] = 1
    found = rim_of(disc(), GUESS, hidden)
    assert 0 < len(found) < N_RAYS
    assert found[:, 0].max() < 70


def test_falling_grey_is_no_rim() -> None:
    assert len(rim_of(255 - disc(radius=14.0, iris_grey=100.0), np.array([54.3, 49.6, 14.0, 14.0, 0.0]))) < 10


def test_even_picture_has_no_rim() -> None:
    assert len(rim_of(np.full(SHAPE, 80.0, np.float32), GUESS)) == 0


def fitted(picture: np.ndarray, guess: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    ellipse, points = guess.copy(), np.full((N_RAYS, 3), np.nan)
    n = fit_rim(
        picture, np.zeros(SHAPE, np.uint8), ellipse, 2.0, np.array([3], np.uint64), np.empty(400), points
    )
    return n, ellipse, points


@pytest.mark.parametrize("blur", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("radius", [8.0, 20.0])
def test_area_is_right_for_sharp_and_for_soft_pictures(radius: float, blur: float) -> None:
    n, ellipse, points = fitted(disc(radius, blur=blur), np.array([53.0, 50.0, radius, radius, 0.0]))
    assert n == N_RAYS
    assert ellipse[2] * ellipse[3] == pytest.approx(radius**2, rel=0.02)
    np.testing.assert_allclose(ellipse[:2], [54.3, 49.6], atol=0.05)
    assert points[:, 2].min() > 0.8


def test_a_guess_far_off_still_finds_the_rim() -> None:
    n, ellipse, _ = fitted(disc(20.0), np.array([60.0, 55.0, 13.0, 13.0, 0.0]))
    assert n > 60
    assert ellipse[2] * ellipse[3] == pytest.approx(400.0, rel=0.01)


def test_fit_of_an_even_picture_is_refused() -> None:
    assert fitted(np.full(SHAPE, 80.0, np.float32), GUESS)[0] == 0


def judged(
    picture: np.ndarray,
    ellipse: np.ndarray,
    *,
    mask: np.ndarray | None = None,
    hidden: np.ndarray | None = None,
    n_seen: int = N_RAYS,
    border: np.ndarray | None = None,
) -> np.ndarray:
    inside = np.ones(SHAPE, np.uint8) if mask is None else mask
    spots = np.zeros(SHAPE, np.uint8) if hidden is None else hidden
    edge = np.zeros(SHAPE, np.uint8) if border is None else border
    threshold = 75.0
    n_dark = int(((picture < threshold) & (inside == 1) & (spots == 0)).sum())
    turn = 2 * np.pi * np.arange(N_RAYS) / N_RAYS
    x, y = ellipse[0] + ellipse[2] * np.cos(turn), ellipse[1] + ellipse[2] * np.sin(turn)
    points = np.stack([x, y, (np.arange(N_RAYS) < n_seen).astype(np.float64)], 1)
    result = np.empty(4)
    bins = np.empty(1024, np.int64), np.empty(1024, np.int64)
    ellipse_confidence(
        picture, spots, inside, edge, threshold, n_dark, ellipse, points, n_seen, bins[0], bins[1], result
    )
    return result


CIRCLE = np.array([54.3, 49.6, 20.0, 20.0, 0.0])


def test_perfect_fit_has_confidence_one() -> None:
    confidence, rim_seen, contrast, reflection = judged(disc(), CIRCLE)
    assert confidence == pytest.approx(1.0, abs=0.01)
    assert rim_seen == 1.0
    assert contrast == pytest.approx(70.0, abs=0.5)
    assert reflection == 0.0


def test_confidence_falls_with_the_rim_that_is_not_seen() -> None:
    whole, half = judged(disc(), CIRCLE)[0], judged(disc(), CIRCLE, n_seen=36)[0]
    assert half == pytest.approx(whole / 2)


def test_confidence_falls_with_the_share_outside_the_region() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, :55] = 1
    assert judged(disc(), CIRCLE, mask=mask)[0] == pytest.approx(0.5, abs=0.03)


def test_confidence_falls_with_dark_pixels_elsewhere() -> None:
    picture = disc()
    picture[:12, :50] = 30.0
    n_in, n_out = np.pi * 400, 600
    assert judged(picture, CIRCLE)[0] == pytest.approx(np.sqrt(n_in / (n_in + n_out)), abs=0.02)


def test_rim_along_the_outline_of_the_region_is_no_rim() -> None:
    assert judged(disc(), CIRCLE, border=np.ones(SHAPE, np.uint8))[0] == 0.0


def test_contrast_below_eight_levels_has_confidence_zero() -> None:
    picture = disc(pupil_grey=70.0, iris_grey=77.0)
    confidence, _, contrast, _ = judged(picture, CIRCLE)
    assert confidence == 0.0
    assert contrast == pytest.approx(7.0, abs=0.3)


def test_hidden_share_of_the_ellipse_is_reported() -> None:
    hidden = np.zeros(SHAPE, np.uint8)
    hidden[45:55, 50:60] = 1
    assert judged(disc(), CIRCLE, hidden=hidden)[3] == pytest.approx(100 / (np.pi * 400), rel=0.01)


def test_without_a_rim_search_rim_takes_no_part() -> None:
    confidence, rim_seen, _, _ = judged(disc(), CIRCLE, n_seen=-1)
    assert confidence == pytest.approx(1.0, abs=0.01)
    assert np.isnan(rim_seen)


def test_medians_equal_those_of_numpy() -> None:
    generator = np.random.default_rng(0)
    picture = (disc() + generator.normal(0, 6, SHAPE)).astype(np.float32)
    y, x = np.mgrid[:100, :110]
    distance = np.hypot(x - 54.3, y - 49.6) / 20.0
    inside, ring = picture[distance < 0.9], picture[(distance > 1.1) & (distance < 1.45)]
    assert judged(picture, CIRCLE)[2] == pytest.approx(np.median(ring) - np.median(inside), abs=0.15)
