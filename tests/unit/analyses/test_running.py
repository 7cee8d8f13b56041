"""The analysis `running`: rows, missing pairs, velocity, remarks."""

import math
from fractions import Fraction

import numpy as np
import pytest

from mystax.core.analysis import get_analysis
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.params import check_params
from mystax.core.recording import ArraySource
from mystax.engine.passes import drive
from mystax.errors import DamagedError, ParameterError
from mystax.synth.texture import stripes
from tests.fixtures.measure import Shelf, lend, measure, outcome
from tests.fixtures.surfaces import surface, surface_source

WHEEL = Roi("wheel", "running", Rectangle(0, 0, 80, 64))


def test_the_wheel_is_followed_frame_by_frame() -> None:
    source, truth = surface_source(30, reach=4.0)
    shift = measure("running", source, [WHEEL])["shift"].values[:, 0]
    error = np.hypot(*(shift[1:] - truth[1:]).T)
    assert np.median(error) <= 0.1
    assert error.max() <= 0.3


def test_the_first_frame_has_no_pair() -> None:
    source, _ = surface_source(4)
    found = measure("running", source, [WHEEL])
    for name in ("shift", "peak", "velocity", "speed"):
        assert np.isnan(found[name].values[0]).all()
        assert np.isfinite(found[name].values[1:]).all()


def test_velocity_is_shift_over_the_interval() -> None:
    source, _ = surface_source(6, rate=Fraction(100))
    found = measure("running", source, [WHEEL])
    np.testing.assert_allclose(found["velocity"].values[1:], found["shift"].values[1:] * 100, rtol=1e-5)


def test_speed_is_the_length_of_the_velocity_without_a_direction() -> None:
    source, _ = surface_source(6)
    found = measure("running", source, [WHEEL])
    length = np.hypot(found["velocity"].values[..., 0], found["velocity"].values[..., 1])
    np.testing.assert_allclose(found["speed"].values[1:], length[1:], rtol=1e-5)


@pytest.mark.parametrize(
    ("direction", "forward"), [(0, (1, 0)), (90, (0, 1)), (180, (-1, 0)), (-90, (0, -1))]
)
def test_speed_has_the_sign_of_the_direction(direction: float, forward: tuple[int, int]) -> None:
    source, _ = surface_source(6)
    found = measure("running", source, [WHEEL], direction=direction)
    wanted = found["velocity"].values[1:] @ np.array(forward)
    np.testing.assert_allclose(found["speed"].values[1:], wanted, rtol=1e-4, atol=1e-3)


def test_a_scale_gives_millimetres() -> None:
    source, _ = surface_source(5)
    scaled = Roi("wheel", "running", Rectangle(0, 0, 80, 64), scale=(0.5, 0.25))
    found = measure("running", source, [scaled, Roi("bare", "running", Rectangle(0, 0, 80, 64))])
    wanted = found["velocity"].values[1:, 0] * [0.5, 0.25]
    np.testing.assert_allclose(found["velocity_scaled"].values[1:, 0], wanted, rtol=1e-5)
    assert np.isnan(found["velocity_scaled"].values[:, 1]).all()
    assert found["velocity_scaled"].attrs["units"] == "mm s-1"


def test_without_a_scale_there_are_no_millimetres() -> None:
    source, _ = surface_source(3)
    assert "velocity_scaled" not in measure("running", source, [WHEEL])


def test_a_missing_frame_takes_both_of_its_pairs() -> None:
    reason = np.zeros(12, np.uint8)
    reason[5] = 2
    source, _ = surface_source(12, reason=reason)
    clean, _ = surface_source(12)
    holed, whole = (measure("running", each, [WHEEL]) for each in (source, clean))
    lost = np.isnan(holed["shift"].values[:, 0, 0])
    assert np.flatnonzero(lost).tolist() == [0, 5, 6]
    np.testing.assert_array_equal(holed["shift"].values[~lost], whole["shift"].values[~lost])


def test_a_gap_in_time_takes_one_pair() -> None:
    times = np.arange(12) / 30
    times[7:] += 0.5
    source, _ = surface_source(12, times=times)
    lost = np.isnan(measure("running", source, [WHEEL])["shift"].values[:, 0, 0])
    assert np.flatnonzero(lost).tolist() == [0, 7]


def test_unrelated_pictures_are_missing_but_for_their_peak() -> None:
    frames = np.concatenate([surface([(0, 0)], (64, 80), seed=k) for k in range(12)])
    found = measure("running", ArraySource(frames), [WHEEL])
    assert np.isnan(found["shift"].values[1:]).mean() >= 0.95
    assert np.isfinite(found["peak"].values[1:]).all()


def test_every_pair_counts_when_no_peak_is_asked_for() -> None:
    frames = np.concatenate([surface([(0, 0)], (64, 80), seed=k) for k in range(6)])
    found = measure("running", ArraySource(frames), [WHEEL], min_peak=0)
    assert np.isfinite(found["shift"].values[1:]).all()


def test_two_regions_equal_two_single_runs_bit_for_bit() -> None:
    source, _ = surface_source(10)
    left = Roi("left", "running", Rectangle(0, 0, 40, 60))
    right = Roi("right", "running", Ellipse(55.0, 30.0, 22.0, 25.0))
    both = measure("running", source, [left, right])
    for roi in (left, right):
        alone = measure("running", source, [roi])
        for name in ("shift", "peak", "velocity", "speed"):
            np.testing.assert_array_equal(both[name].sel(roi=roi.name), alone[name].sel(roi=roi.name))


def test_frames_with_a_box_give_what_whole_frames_give() -> None:
    source, _ = surface_source(8)
    roi = Roi("wheel", "running", Rectangle(9, 11, 60, 45))
    declared = get_analysis("running")
    lent, reducer = lend(source, [roi]), declared.make(declared.params())
    reducer.start(lent)
    for chunk in source.chunks(box=roi.box(source.shape), size=3):
        reducer.update(chunk)
    reducer.end_pass()
    np.testing.assert_array_equal(reducer.finish()["shift"], measure("running", source, [roi])["shift"])


def test_a_still_surface_is_at_rest() -> None:
    source = ArraySource(surface(np.zeros((8, 2)), (64, 80)))
    shift = measure("running", source, [WHEEL])["shift"].values[1:]
    assert np.abs(shift).max() < 0.05


def test_a_constant_picture_is_missing_and_said_so() -> None:
    source = ArraySource(np.full((6, 64, 80), 90, np.uint8))
    declared = get_analysis("running")
    reducer = declared.make(declared.params())
    found = outcome("running", reducer, source, lend(source, [WHEEL]))
    assert np.isnan(found["shift"].values).all()
    assert [(flag.code, flag.n_frames) for flag in reducer.flags()] == [("N301", 5)]


def test_stripes_are_said_to_be_stripes() -> None:
    texture = stripes((256, 256), 2.0, np.random.default_rng(1))
    frames = surface([(3.3 * k, 0.0) for k in range(12)], (96, 136), texture=texture)
    source = ArraySource(frames)
    declared = get_analysis("running")
    reducer = declared.make(declared.params())
    found = outcome(
        "running", reducer, source, lend(source, [Roi("belt", "running", Rectangle(0, 0, 136, 96))])
    )
    assert found.attrs["anisotropy"][0] > 4
    assert [flag.code for flag in reducer.flags()] == ["N302"]
    assert "along the stripes" in reducer.flags()[0].text


def test_a_region_without_a_surface_is_said_so() -> None:
    frames = np.random.default_rng(0).integers(0, 255, (10, 64, 80)).astype(np.uint8)
    source = ArraySource(frames)
    declared = get_analysis("running")
    reducer = declared.make(declared.params())
    outcome("running", reducer, source, lend(source, [WHEEL]))
    assert [flag.code for flag in reducer.flags()] == ["N302"]
    assert "no common texture" in reducer.flags()[0].text


def test_a_good_surface_has_no_remark_and_a_round_peak() -> None:
    source, _ = surface_source(12)
    declared = get_analysis("running")
    reducer = declared.make(declared.params())
    found = outcome("running", reducer, source, lend(source, [WHEEL]))
    assert list(reducer.flags()) == []
    assert 1.0 <= float(found.attrs["anisotropy"][0]) < 2.0


def test_frames_that_never_came_are_missing() -> None:
    source, _ = surface_source(9)
    declared = get_analysis("running")
    reducer, lent = declared.make(declared.params()), lend(source, [WHEEL], spools=Shelf())
    reducer.start(lent)
    reducer.update(next(source.chunks(size=5)))
    found = reducer.finish()
    assert found.sizes["time"] == 9
    assert np.isnan(found["shift"].values[5:]).all()


def test_a_state_of_other_work_is_refused() -> None:
    source, _ = surface_source(3)
    declared = get_analysis("running")
    reducer = declared.make(declared.params())
    drive(source, {"running": (reducer, lend(source, [WHEEL]))})
    with pytest.raises(DamagedError, match="S502"):
        reducer.restore({**reducer.state(), "counts": np.zeros((7, 3), np.int64)})


def test_a_direction_beyond_half_a_turn_is_refused() -> None:
    with pytest.raises(ParameterError, match="P401 parameter 'direction'"):
        check_params(get_analysis("running").params, {"direction": 181}, "running")


def test_directions_are_degrees_outside_and_radians_inside() -> None:
    declared = get_analysis("running")
    reducer = declared.make(check_params(declared.params, {"direction": 90}, "running"))
    assert vars(reducer)["_direction"] == pytest.approx(math.pi / 2)
