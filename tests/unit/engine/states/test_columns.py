"""Further columns: words are checked, traces found, tables read on their own time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mystax.analyses.states import StatesParams
from mystax.engine.states.columns import with_columns, words_of
from mystax.errors import ClockError, ParameterError, RecipeError
from tests.fixtures.state_outcomes import spatial_source

N = 60
TIMES = np.arange(N) / 30


def outcomes() -> dict[str, xr.Dataset]:
    generator = np.random.default_rng(0)
    coordinates = {"time": TIMES, "roi": ["left", "right"]}
    area = xr.Dataset({"area": (("time", "roi"), generator.uniform(1, 2, (N, 2)))}, coordinates)
    energy = xr.Dataset({"energy": (("time", "roi"), generator.uniform(1, 2, (N, 2)))}, coordinates)
    svd = xr.Dataset({"motion_svd": (("time", "component"), generator.normal(size=(N, 9)))}, {"time": TIMES})
    return {"pupil": area, "motion": energy, "svd/face": svd}


def columns(features: str) -> dict[str, np.ndarray]:
    _, source = spatial_source(1, N)
    found = with_columns(source, outcomes(), StatesParams(features=features))
    return {name: item.values for name, item in found.columns.items()}


def test_words_are_split_and_unknown_ones_refused() -> None:
    assert words_of(" keypoints, pupil.area:left ,") == ["keypoints", "pupil.area:left"]
    assert words_of("") == ["auto"]
    with pytest.raises(ParameterError, match=r"P401.*did you mean 'pupil.area'"):
        words_of("pupil.aera")


def test_trace_of_a_region_is_found() -> None:
    found = columns("keypoints,pupil.area:right,motion.energy")
    np.testing.assert_array_equal(found["pupil.area:right"][:, 0], outcomes()["pupil"]["area"].values[:, 1])
    np.testing.assert_array_equal(found["motion.energy"][:, 0], outcomes()["motion"]["energy"][:, 0])


def test_components_of_motion_are_five_or_as_many_as_named() -> None:
    assert columns("svd.motion_svd")["svd.motion_svd"].shape == (N, 5)
    assert columns("svd.motion_svd::3")["svd.motion_svd::3"].shape == (N, 3)


def test_measures_and_head_come_from_the_points() -> None:
    found = columns("measures,head")
    _, source = spatial_source(1, N)
    left, right = (source.ids.index(name) for name in ("mouth_left", "mouth_right"))
    width = np.linalg.norm(source.points[:, left] - source.points[:, right], axis=1)
    np.testing.assert_allclose(found["measures=mouth_width"][:, 0], width)
    assert found["head=speed"].shape == (N, 1)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ("running.speed", "no outcome 'running'"),
        ("pupil.area:middle", "no region 'middle'"),
        ("pupil.diameter", "has no 'diameter'"),
    ],
)
def test_traces_that_are_not_there_are_refused(features: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        columns(features)


def test_column_of_a_table_has_its_own_time(tmp_path: Path) -> None:
    path = tmp_path / "heart.csv"
    path.write_text("time,rate\n0.0,60\n0.5,x\n1.0,70\n")
    _, source = spatial_source(1, N)
    found = with_columns(source, {}, StatesParams(features=f"csv:{path}:rate")).columns[f"csv:{path}:rate"]
    np.testing.assert_array_equal(found.times, [0, 0.5, 1])
    np.testing.assert_array_equal(found.values[:, 0], [60, np.nan, 70])


def test_table_of_several_recordings_has_rows_of_each(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows = [
        f"{name},{time},{time + shift}" for name, shift in (("face", 0), ("other", 50)) for time in (0, 1, 2)
    ]
    path.write_text("recording,time,x\n" + "\n".join(rows))
    assert columns(f"csv:{path}:x")[f"csv:{path}:x"][:, 0].tolist() == [0, 1, 2]
    _, source = spatial_source(1, N)
    params = StatesParams(features=f"csv:{path}:x")
    one = replace(source, name="other.left", individual="left")
    assert with_columns(one, {}, params).columns[f"csv:{path}:x"].values[:, 0].tolist() == [50, 51, 52]
    with pytest.raises(RecipeError, match="no row of recording 'third'"):
        with_columns(replace(source, name="third"), {}, params)


def test_table_without_time_needs_a_row_per_frame(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("x\n" + "\n".join(map(str, range(N))) + "\n")
    assert columns(f"csv:{path}:x")[f"csv:{path}:x"][:, 0].tolist() == list(range(N))
    path.write_text("x\n1\n2\n")
    with pytest.raises(ClockError, match=r"C202.*60 rows"):
        columns(f"csv:{path}:x")
    with pytest.raises(RecipeError, match=r"P403.*no column 'y'"):
        columns(f"csv:{path}:y")
    with pytest.raises(RecipeError, match=r"P403.*cannot be read"):
        columns(f"csv:{tmp_path / 'none.csv'}:y")


def test_one_decomposition_does_not_stand_in_for_another() -> None:
    """An outcome of the pictures alone has components of the same form: they are not those of the motion."""
    _, source = spatial_source(1, N)
    movie = xr.Dataset({"movie_svd": (("time", "component"), np.ones((N, 9)))}, {"time": TIMES})
    with pytest.raises(RecipeError, match=r"P403.*has no 'motion_svd'"):
        with_columns(source, {"svd": movie}, StatesParams(features="svd.motion_svd"))


@pytest.mark.parametrize("times", ["0,0.5,0.4,1", "0,0.5,0.5,1"])
def test_table_whose_times_do_not_rise_is_refused(times: str, tmp_path: Path) -> None:
    table = tmp_path / "licks.csv"
    table.write_text("time,lick\n,7\n" + "".join(f"{t},1\n" for t in times.split(",")), "utf-8")
    with pytest.raises(ClockError, match=r"C206.*at row 3"):
        columns(f"csv:{table}:lick")


def test_rows_without_a_time_are_left_out(tmp_path: Path) -> None:
    table = tmp_path / "licks.csv"
    table.write_text("time,lick\n0,1\n,2\n0.5,3\n", "utf-8")
    assert columns(f"csv:{table}:lick")[f"csv:{table}:lick"][:, 0].tolist() == [1, 3]


def test_first_of_several_regions_is_taken_and_told() -> None:
    _, source = spatial_source(1, N)
    found = with_columns(source, outcomes(), StatesParams(features="pupil.area"))
    np.testing.assert_array_equal(
        found.columns["pupil.area"].values[:, 0], outcomes()["pupil"]["area"].values[:, 0]
    )
    assert [flag.text for flag in found.flags] == [
        "pupil.area is that of region 'left' of 'pupil' (2 could be meant); name one: pupil.area:ROI"
    ]
    assert with_columns(source, outcomes(), StatesParams(features="pupil.area:left")).flags == ()


def test_region_is_found_whatever_camera_it_is_on() -> None:
    _, source = spatial_source(1, N)
    other = outcomes()["pupil"].assign_coords(roi=["chin", "brow"])
    loaded = {"pupil/left": outcomes()["pupil"], "pupil/top": other}
    found = with_columns(source, loaded, StatesParams(features="pupil.area:brow"))
    np.testing.assert_array_equal(found.columns["pupil.area:brow"].values[:, 0], other["area"].values[:, 1])
    assert found.flags == ()


def test_components_of_regions_are_not_mixed() -> None:
    """Two regions of three components: five columns would be of both."""
    _, source = spatial_source(1, N)
    values = np.arange(N * 6, dtype=float).reshape(N, 2, 3)
    svd = xr.Dataset(
        {"motion_svd": (("time", "roi", "component"), values)}, {"time": TIMES, "roi": ["face", "pad"]}
    )
    found = with_columns(source, {"svd": svd}, StatesParams(features="svd.motion_svd"))
    np.testing.assert_array_equal(found.columns["svd.motion_svd"].values, values[:, 0])
