"""Behaviour for an encoder: groups, parts, columns, what is left out, where it may come from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from mystax.analyses.behaviour import assemble_behaviour
from mystax.core.behaviour import BehaviourGrid
from mystax.errors import NumbersError, ParameterError, RecipeError
from mystax.io.outcomes import Outcomes
from mystax.synth.brain import simulate

Behaviour = Mapping[str, Any]


@pytest.fixture(scope="module")
def behaviour() -> Behaviour:
    return simulate("A", minutes=1, n_neurons=1, seed=4).behaviour


@pytest.fixture(scope="module")
def grid(behaviour: Behaviour) -> BehaviourGrid:
    return assemble_behaviour(behaviour)


def test_groups_and_parts_are_those_of_the_outcomes(grid: BehaviourGrid) -> None:
    assert grid.groups == ("keypoints", "pupil", "blink", "running", "motion")
    sizes = {(part.group, part.part): len(part.columns) for part in grid.parts}
    assert sizes == {
        ("keypoints", "eye"): 8,
        ("keypoints", "whisker"): 6,
        ("keypoints", "nose"): 8,
        ("keypoints", "mouth"): 2,
        ("keypoints", "paw"): 2,
        ("pupil", "pupil"): 3,
        ("blink", "blink"): 1,
        ("running", "running"): 2,
        ("motion", "face"): 50,
    }
    assert {part.bank for part in grid.parts if part.group == "motion"} == {"signed"}
    assert {part.bank for part in grid.parts if part.group != "motion"} == {"full"}


def test_values_are_those_of_the_outcomes(behaviour: Behaviour, grid: BehaviourGrid) -> None:
    columns = {name: part.values[:, k] for part in grid.parts for k, name in enumerate(part.columns)}
    position = behaviour["pose"]["position"].isel(individual=0)
    for name in ("nose_tip", "paw", "whisker_II"):
        for axis in "xy":
            wanted = position.sel(keypoint=name, space=axis).values
            np.testing.assert_allclose(columns[f"{name}.{axis}"], wanted, rtol=1e-6)
    np.testing.assert_allclose(
        columns["pupil.log_area"], np.log(behaviour["pupil"]["area"].values[:, 0]), rtol=1e-6
    )
    speed = behaviour["running"]["speed"].values[:, 0]
    np.testing.assert_allclose(columns["running.magnitude"], np.abs(speed), rtol=1e-6)
    np.testing.assert_array_equal(columns["face.motion7"], behaviour["svd"]["motion_svd"].values[:, 0, 7])


def test_grid_has_the_rate_of_the_camera(grid: BehaviourGrid) -> None:
    assert float(grid.rate) == 50
    np.testing.assert_allclose(grid.seconds, np.arange(3000) / 50, atol=1e-9)


def test_a_fast_camera_is_averaged_to_60_per_second() -> None:
    fast = simulate("A", minutes=0.5, n_neurons=1, camera_rate=240).behaviour
    grid = assemble_behaviour(fast, ["running"])
    assert float(grid.rate) == 60
    speed = fast["running"]["speed"].values[:, 0]
    np.testing.assert_allclose(grid.parts[0].values[10, 0], speed[38:42].mean(), rtol=1e-5)


def test_only_the_groups_asked_for_are_read(behaviour: Behaviour) -> None:
    assert assemble_behaviour(behaviour, ["pupil", "running"]).groups == ("pupil", "running")


def test_unknown_group_is_answered_with_the_nearest(behaviour: Behaviour) -> None:
    with pytest.raises(ParameterError, match="did you mean 'pupil'"):
        assemble_behaviour(behaviour, ["pupils"])


@pytest.mark.parametrize("group", ["states", "movie"])
def test_group_that_is_not_there_is_refused(behaviour: Behaviour, group: str) -> None:
    with pytest.raises(RecipeError, match="P403"):
        assemble_behaviour(behaviour, [group])


def test_span_cuts_the_grid(behaviour: Behaviour) -> None:
    grid = assemble_behaviour(behaviour, ["pupil"], span=(10.01, 20.0))
    assert grid.start == pytest.approx(10.02)
    assert grid.seconds[-1] == pytest.approx(20.0)


def test_points_of_low_confidence_are_missing(behaviour: Behaviour) -> None:
    pose = behaviour["pose"].copy(deep=True)
    pose["confidence"].loc[{"keypoint": "mouth"}] = np.where(np.arange(3000) % 600 < 100, 0.3, 0.9)[:, None]
    grid = assemble_behaviour({"pose": pose})
    mouth = next(part for part in grid.parts if part.part == "mouth")
    lost = np.arange(3000) % 600 < 100
    assert not mouth.valid[lost].any()
    assert mouth.valid[~lost].all()
    assert grid.left_out == {}


def test_further_individuals_are_not_used_and_that_is_told(behaviour: Behaviour, grid: BehaviourGrid) -> None:
    pose = behaviour["pose"]
    assert isinstance(pose, xr.Dataset)
    both = xr.Dataset(
        {
            name: xr.concat(
                [pose[name], pose[name] + shift], "individual", coords="minimal", compat="override"
            )
            for name, shift in (("position", 100.0), ("confidence", 0.0))
        },
        attrs=pose.attrs,
    )
    found = assemble_behaviour({**behaviour, "pose": both}, ["keypoints"])
    of_one = assemble_behaviour(behaviour, ["keypoints"])
    for part, alone in zip(found.parts, of_one.parts, strict=True):
        np.testing.assert_array_equal(part.values, alone.values)
    assert not of_one.flags
    assert [flag.code for flag in found.flags] == ["N309"] * len(found.parts)


def test_column_that_misses_too_much_is_left_out_and_named(behaviour: Behaviour) -> None:
    pose = behaviour["pose"].copy(deep=True)
    pose["position"].loc[{"keypoint": "nose_far", "space": "x"}][:700] = np.nan
    grid = assemble_behaviour({"pose": pose})
    assert grid.left_out == {"nose_far.x": "missing 23%"}
    assert [flag.code for flag in grid.flags] == ["N309"]
    assert "nose_far.x" in grid.flags[0].text


def test_constant_column_is_left_out_without_a_refusal(behaviour: Behaviour) -> None:
    running = behaviour["running"].copy(deep=True)
    running["speed"][:] = 0.0
    grid = assemble_behaviour({"running": running, "pupil": behaviour["pupil"]})
    assert grid.groups == ("pupil",)
    assert grid.left_out == {"running.speed": "constant", "running.magnitude": "constant"}


def test_group_of_which_nothing_is_left_is_refused_with_a_way_on(behaviour: Behaviour) -> None:
    pupil = behaviour["pupil"].copy(deep=True)
    pupil["area"][:] = np.nan
    pupil["centre"][:] = np.nan
    with pytest.raises(NumbersError, match="N303") as refused:
        assemble_behaviour({"pupil": pupil, "running": behaviour["running"]})
    assert "--groups running" in refused.value.hint


def test_keypoints_without_parts_are_one_part(behaviour: Behaviour) -> None:
    pose = behaviour["pose"].copy()
    pose.attrs["keypoint_set"] = ""
    assert [part.part for part in assemble_behaviour({"pose": pose}).parts] == ["face"]


def test_cameras_keep_their_names_where_there_are_several(behaviour: Behaviour) -> None:
    two = {"pupil/left": behaviour["pupil"], "pupil/right": behaviour["pupil"]}
    grid = assemble_behaviour(two)
    assert [part.part for part in grid.parts] == ["left/pupil", "right/pupil"]
    assert grid.parts[1].columns[0] == "right/pupil.log_area"


def test_regions_keep_their_names_where_there_are_several(behaviour: Behaviour) -> None:
    both = xr.concat([behaviour["blink"], behaviour["blink"]], "roi", data_vars="minimal", coords="minimal",
                     compat="override", join="override", combine_attrs="override")  # fmt: skip
    both = both.assign_coords(roi=["left", "right"])
    both["openness"] = (("time", "roi"), np.repeat(behaviour["blink"]["openness"].values, 2, axis=1))
    grid = assemble_behaviour({"blink": both})
    assert [part.part for part in grid.parts] == ["left", "right"]


def pose3d(behaviour: Behaviour, seen: float) -> xr.Dataset:
    """Points in space of which a share is seen."""
    flat = behaviour["pose"]["position"]
    deep = xr.concat([flat, flat.isel(space=[0]).assign_coords(space=["z"]) * 2], "space")
    values = deep.values.copy()
    values[int(len(values) * seen) :] = np.nan
    made = xr.Dataset({"position": (deep.dims, values)}, {**deep.coords})
    made.attrs = {"keypoint_set": behaviour["pose"].attrs["keypoint_set"]}
    return made


@pytest.mark.parametrize(("seen", "n"), [(0.95, 3), (0.7, 2)])
def test_points_in_space_replace_those_in_the_picture_where_they_are_seen(
    behaviour: Behaviour, seen: float, n: int
) -> None:
    grid = assemble_behaviour({"pose": behaviour["pose"], "pose3d": pose3d(behaviour, seen)})
    mouth = next(part for part in grid.parts if part.part == "mouth")
    assert len(mouth.columns) == n


def test_states_have_their_own_bank(behaviour: Behaviour) -> None:
    times = behaviour["pose"]["time"].values
    share = np.random.default_rng(0).dirichlet(np.ones(4), len(times))
    states = xr.Dataset({"posterior": (("time", "state"), share)}, {"time": times})
    part = assemble_behaviour({"states": states}).parts[0]
    assert (part.bank, part.columns) == ("states", ("state0", "state1", "state2", "state3"))


def test_variables_of_ones_own_are_groups_of_their_name() -> None:
    times = np.arange(600) / 30
    values = np.random.default_rng(0).standard_normal((600, 210))
    lick = xr.DataArray(np.sin(times), {"time": times}, ("time",))
    many = xr.DataArray(values, {"time": times}, ("time", "feature"))
    grid = assemble_behaviour({"lick": lick, "many": many})
    assert [(part.group, len(part.columns)) for part in grid.parts] == [("lick", 1), ("many", 200)]
    assert grid.parts[0].columns == ("lick",)
    assert [flag.code for flag in grid.flags] == ["N309"]


def test_variables_of_ones_own_bring_their_times() -> None:
    values = np.random.default_rng(0).standard_normal((600, 2))
    with pytest.raises(ParameterError, match=r"P401.*got no times"):
        assemble_behaviour({"paw": xr.DataArray(values, dims=("time", "feature"))})
    days = np.datetime64("2026-01-01") + np.arange(600) * np.timedelta64(33, "ms")
    with pytest.raises(ParameterError, match=r"P401.*datetime64"):
        assemble_behaviour({"paw": xr.DataArray(values, {"time": days}, ("time", "feature"))})


def test_columns_of_one_name_are_refused() -> None:
    """They were taken for one and the same column by lag curves and by prediction."""
    coords = {"time": np.arange(600) / 30, "feature": ["a", "a"]}
    with pytest.raises(ParameterError, match=r"P401.*'paw\.a' 2 times"):
        assemble_behaviour({"paw": xr.DataArray(np.zeros((600, 2)), coords, ("time", "feature"))})


def test_one_outcome_outcomes_and_a_dataset_of_variables_are_taken(behaviour: Behaviour) -> None:
    assert assemble_behaviour(behaviour["pupil"]).groups == ("pupil",)
    assert assemble_behaviour(Outcomes.of_datasets(dict(behaviour))).groups[0] == "keypoints"
    times = np.arange(600) / 30
    plain = xr.Dataset({"lick": (("time",), np.sin(times)), "note": ((), 3)}, {"time": times})
    assert assemble_behaviour(plain).groups == ("lick",)


@pytest.mark.parametrize("nothing", [{}, {"rois": xr.Dataset()}])
def test_behaviour_without_anything_usable_is_refused(nothing: Behaviour) -> None:
    with pytest.raises(RecipeError, match="P403"):
        assemble_behaviour(nothing)


def test_other_things_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="P403"):
        assemble_behaviour(3)
    with pytest.raises(RecipeError, match="P403"):
        assemble_behaviour(tmp_path)


def test_sources_of_different_rates_share_the_grid_of_the_fastest(behaviour: Behaviour) -> None:
    times = np.arange(240) / 4
    slow = xr.DataArray(times * 2, {"time": times}, ("time",))
    grid = assemble_behaviour({"pupil": behaviour["pupil"], "level": slow})
    assert float(grid.rate) == 50
    level = grid.parts[1].values[:, 0]
    good = np.isfinite(level)
    assert good.mean() > 0.99
    np.testing.assert_allclose(level[good], 2 * grid.seconds[good], rtol=1e-5)


def test_times_that_fall_are_refused_with_their_row() -> None:
    times = np.concatenate([np.arange(100) / 10, np.arange(100) / 10 + 5.0])
    speed = xr.DataArray(np.sin(np.arange(200.0)), coords={"time": times}, dims="time", name="speed")
    with pytest.raises(NumbersError, match=r"N303 times of 'speed'.*5 s after 9\.9 s \(row 100\)"):
        assemble_behaviour({"speed": speed})
