"""Features of behaviour at neural bins."""

import numpy as np
import pytest

from mystax.compute.filterbank import Filterbank, usable_bins
from mystax.compute.grid_bins import bins_of
from mystax.errors import NumbersError, WeightsError
from tests.fixtures.grids import grid, part, wander

N, RATE = 3000, 50
TIMES = np.arange(300) / 5 + 0.1  # one minute in bins of 0.2 s: ten frames each
ALL = np.ones(300, bool)


def setting(columns: int = 4, seed: int = 0, **more: object) -> tuple:
    made = grid(part(wander(N, columns, seed), **more))  # type: ignore[arg-type]
    return made, bins_of(made, TIMES, 0.2)


def test_rhythms_beyond_the_frame_rate_are_left_out_and_named() -> None:
    made = grid(part(wander(600, 2)), rate=10)
    bins = bins_of(made, np.arange(100) * 0.5 + 0.25, 0.5)
    bank = Filterbank()
    x = bank.fit_transform(made, bins, np.ones(100, bool))
    assert bank.dropped_ == [6.0, 11.0]
    assert x.shape[1] == len(bank.features_) == bank.parts_[0].n_components * 40


def test_features_are_standardised_on_training_bins_only() -> None:
    made, bins = setting()
    train = np.arange(300) < 150
    x = Filterbank().fit_transform(made, bins, train).astype(np.float64)
    assert np.allclose(x[train].mean(0), 0, atol=1e-4)
    assert np.allclose(x[train].std(0), 1, atol=1e-3)
    changed = grid(part(np.where(np.arange(N)[:, None] < 2600, made.parts[0].values, 50)))
    y = Filterbank().fit_transform(changed, bins, train)
    assert np.allclose(x[:100], y[:100], atol=1e-4)


def test_components_are_white_and_hold_most_of_the_variance() -> None:
    rng = np.random.default_rng(0)
    values = wander(N, 3) @ rng.normal(size=(3, 8)) * 10 + 100 + 0.01 * rng.normal(size=(N, 8))
    made = grid(part(values))
    bank = Filterbank().fit(made, bins_of(made, TIMES, 0.2), ALL)
    axes = bank.parts_[0].axes
    z = ((made.parts[0].values - bank.parts_[0].mean) / bank.parts_[0].sd) @ axes
    assert axes.shape[1] in (2, 3)
    assert np.allclose(np.cov(z.T), np.eye(axes.shape[1]), atol=0.01)


def test_signed_feature_is_the_filtered_component_by_hand() -> None:
    made, bins = setting(columns=1)
    bank = Filterbank()
    x = bank.fit_transform(made, bins, ALL)
    place = next(k for k, f in enumerate(bank.features_) if (f.family, f.centre) == ("signed", 0.6))
    z = made.parts[0].values[:, 0].astype(np.float64)
    lags = np.arange(11, 50) / RATE
    weights = 0.5 + 0.5 * np.cos(np.pi * (lags - 0.6) / 0.4)
    wanted = [
        np.mean([(weights * z[t - np.arange(11, 50)]).sum() for t in range(bins.first[k], bins.stop[k])])
        for k in range(60, 200)
    ]
    assert np.corrcoef(x[60:200, place], wanted)[0, 1] == pytest.approx(1, abs=1e-5)


def test_half_waves_of_opposite_sign_are_never_both_on() -> None:
    made, bins = setting(columns=1)
    bank = Filterbank()
    x = bank.fit_transform(made, bins, ALL).astype(np.float64) * bank.sd_ + bank.mean_
    places = [k for k, f in enumerate(bank.features_) if f.family == "half-wave" and f.width == 0.12]
    up, down = x[:, places[0]], x[:, places[1]]
    assert (up > -1e-6).all()
    assert (down > -1e-6).all()
    assert np.corrcoef(up, down)[0, 1] < 0


def test_transform_gives_what_fitting_gave() -> None:
    made, bins = setting()
    bank = Filterbank()
    x = bank.fit_transform(made, bins, np.arange(300) < 200)
    assert np.array_equal(bank.transform(made, bins), x)


def test_chunks_change_nothing() -> None:
    made, bins = setting()
    a = Filterbank().fit_transform(made, bins, ALL)
    b = Filterbank(chunk=500).fit_transform(made, bins, ALL)
    assert np.abs(a - b).max() <= 1e-5


def test_bins_near_the_ends_and_near_a_hole_are_not_usable() -> None:
    values = wander(N, 2)
    values[1200:1300] = np.nan
    made = grid(part(values))
    usable = usable_bins(made, bins_of(made, TIMES, 0.2))
    assert not usable[:15].any()
    assert not usable[120:130].any()
    assert usable[60:110].all()


def test_a_single_missing_frame_costs_no_bin() -> None:
    made, bins = setting()
    before = usable_bins(made, bins)
    holed = made.parts[0].values.copy()
    holed[1500] = np.nan
    assert np.array_equal(usable_bins(grid(part(holed)), bins), before)


def test_missing_frames_leave_no_nan() -> None:
    values = wander(N, 2)
    values[500:900] = np.nan
    made = grid(part(values))
    assert np.isfinite(Filterbank().fit_transform(made, bins_of(made, TIMES, 0.2), ALL)).all()


def test_too_many_features_cut_motion_first() -> None:
    motion = part(wander(N, 30, 1, smooth=3), "whiskers", group="motion", bank="signed")
    made = grid(part(wander(N, 12, smooth=2)), motion)
    bank = Filterbank(most=650)
    x = bank.fit_transform(made, bins_of(made, TIMES, 0.2), ALL)
    assert x.shape[1] <= 650
    assert bank.cut_ == ["motion/whiskers"]


def test_constant_behaviour_is_refused() -> None:
    made = grid(part(np.ones((N, 2))))
    with pytest.raises(NumbersError, match=r"N303.*no column varies"):
        Filterbank().fit(made, bins_of(made, TIMES, 0.2), ALL)


def test_behaviour_without_a_needed_part_or_column_is_refused() -> None:
    made, bins = setting()
    bank = Filterbank().fit(made, bins, ALL)
    with pytest.raises(WeightsError, match=r"M702.*keypoints/nose"):
        bank.transform(grid(part(wander(N, 4), "paw")), bins)
    with pytest.raises(WeightsError, match=r"M702.*no nose_3"):
        bank.transform(grid(part(wander(N, 3))), bins)


def test_other_columns_and_their_order_do_not_matter() -> None:
    made, bins = setting()
    bank = Filterbank()
    x = bank.fit_transform(made, bins, ALL)
    values, names = made.parts[0].values, made.parts[0].columns
    from mystax.core.behaviour import BehaviourPart

    turned = BehaviourPart(
        "keypoints", "nose", "full", (*names[::-1], "more"), np.hstack([values[:, ::-1], values[:, :1]])
    )
    assert np.array_equal(bank.transform(grid(turned), bins), x)


def test_a_slower_camera_that_cannot_show_the_rhythms_is_refused() -> None:
    made, bins = setting()
    bank = Filterbank().fit(made, bins, ALL)
    slow = grid(part(wander(600, 4)), rate=10)
    with pytest.raises(WeightsError, match=r"M702.*about 50 samples per second"):
        bank.transform(slow, bins_of(slow, TIMES, 0.2))
