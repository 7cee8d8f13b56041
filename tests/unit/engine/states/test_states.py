"""`mystax.states`: from files to labels, under one model or a stored one; what does not fit is refused."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import mystax
from mystax.analyses.states_outcome import model_of_dataset
from mystax.compute.hmm import expect
from mystax.compute.hmm_frames import make_frames
from mystax.compute.statistics import adjusted_rand
from mystax.core.keypoints import KeypointSet
from mystax.engine.states.states import states
from mystax.errors import MystaxError
from tests.fixtures.anipose_tables import write_anipose
from tests.fixtures.face_tracks import SET, expressive_face, write_face
from tests.fixtures.state_outcomes import known_outcome


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray, xr.Dataset]:
    folder = tmp_path_factory.mktemp("states")
    truth = write_face(folder / "a.csv", 1)
    found = states(folder / "a.csv", 3, rate=30, keypoints=SET, out=folder / "a.mystax")
    assert isinstance(found, xr.Dataset)
    return folder, truth, found


def pose(points: np.ndarray, times: np.ndarray, unit: str = "mm", names: tuple[str, ...] = ()) -> xr.Dataset:
    ids = list(names or KeypointSet.load(SET).ids)
    dims = ("time", "space", "keypoint", "individual")
    values = np.swapaxes(points, 1, 2)[..., None]
    return xr.Dataset(
        {"position": (dims, values, {"units": unit})},
        coords={
            "time": times,
            "space": list("xyz"[: points.shape[2]]),
            "keypoint": ids,
            "individual": ["face"],
        },
    )


@pytest.mark.slow
def test_expressions_are_found(fitted: tuple[Path, np.ndarray, xr.Dataset]) -> None:
    _, truth, dataset = fitted
    assert adjusted_rand(truth, dataset["label"].values.astype(np.int64)) > 0.95
    assert "predict better than a single Gaussian" in dataset.attrs["verdict"]


@pytest.mark.slow
def test_outcome_agrees_with_itself(fitted: tuple[Path, np.ndarray, xr.Dataset]) -> None:
    _, _, dataset = fitted
    assert float(dataset["occupancy"].sum()) == pytest.approx(1.0, abs=1e-9)
    assert (np.diff(dataset["occupancy_time"].values) <= 1e-9).all()
    label = dataset["label"].values
    assert float(dataset["occupancy"][0]) == pytest.approx((label == 1).mean(), abs=1e-9)
    np.testing.assert_allclose(dataset["posterior"].sum("state"), 1, atol=1e-5)
    assert int(dataset["transition_count"].sum()) == len(label) - 1
    assert float((dataset["bout_stop"] - dataset["bout_start"]).sum()) == pytest.approx(400 / 30)


@pytest.mark.slow
def test_file_is_read_back_as_it_was_written(fitted: tuple[Path, np.ndarray, xr.Dataset]) -> None:
    folder, _, dataset = fitted
    loaded = mystax.load(folder / "a.mystax" / "states.nc")
    assert isinstance(loaded, xr.Dataset)
    for name in dataset.data_vars:
        np.testing.assert_array_equal(loaded[name].values, dataset[name].values, err_msg=str(name))
    assert {path.name for path in (folder / "a.mystax" / "tables").iterdir()} == {
        f"{name}.csv"
        for name in (
            "occupancy",
            "bouts",
            "transitions",
            "chains",
            "dwell",
            "similarity",
            "kinematics",
            "frames",
            "selection",
        )
    }
    figures = {path.name for path in (folder / "a.mystax" / "figures").iterdir()}
    assert len([name for name in figures if name.endswith(".svg")]) == 10
    assert (folder / "a.mystax" / "report.html").is_file()


@pytest.mark.slow
def test_two_fits_are_equal(fitted: tuple[Path, np.ndarray, xr.Dataset]) -> None:
    folder, _, dataset = fitted
    again = states(folder / "a.csv", 3, rate=30, keypoints=SET)
    assert isinstance(again, xr.Dataset)
    for name in dataset.data_vars:
        np.testing.assert_array_equal(again[name].values, dataset[name].values, err_msg=str(name))


@pytest.mark.slow
def test_stored_model_gives_the_numbers_of_the_e_step(fitted: tuple[Path, np.ndarray, xr.Dataset]) -> None:
    folder, _, dataset = fitted
    applied = states(folder / "a.csv", rate=30, keypoints=SET, model=folder / "a.mystax")
    assert isinstance(applied, xr.Dataset)
    assert np.array_equal(applied["label"].values, dataset["label"].values)
    _, model = model_of_dataset(applied)
    own = expect(make_frames(applied["feature_value"].values.astype(float)), model)
    np.testing.assert_allclose(applied["posterior"].values, own.posterior, atol=1e-5)
    other = write_face(folder / "b.csv", 2)
    new = states(folder / "b.csv", rate=30, keypoints=SET, model=dataset)
    assert isinstance(new, xr.Dataset)
    assert adjusted_rand(other, new["label"].values.astype(np.int64)) > 0.95
    assert "stored model" in new.attrs["verdict"]


@pytest.mark.slow
def test_model_of_other_points_is_refused(fitted: tuple[Path, np.ndarray, xr.Dataset]) -> None:
    _, _, dataset = fitted
    _, points = expressive_face(3, 100)
    with pytest.raises(MystaxError, match=r"M702.*other points"):
        states(pose(points[:, :15], np.arange(100) / 30, names=KeypointSet.load(SET).ids[:15]), model=dataset)


@pytest.mark.slow
def test_several_recordings_share_their_states(tmp_path: Path) -> None:
    truths = [write_face(tmp_path / f"{k}.csv", 10 + k, 250) for k in range(2)]
    found = states(
        [tmp_path / "0.csv", tmp_path / "1.csv"],
        3,
        rate=30,
        keypoints=SET,
        out=tmp_path / "out",
        centre="none",
    )
    assert isinstance(found, list)
    joined = np.concatenate([item["label"].values for item in found]).astype(np.int64)
    assert adjusted_rand(np.concatenate(truths), joined) > 0.95
    np.testing.assert_array_equal(found[0]["model_means"].values, found[1]["model_means"].values)
    assert (tmp_path / "out" / "0" / "states.nc").is_file()
    assert list((tmp_path / "out" / "_groups").rglob("occupancy.csv"))


@pytest.mark.slow
def test_missing_seconds_have_no_label_and_no_bout_across() -> None:
    _, points = expressive_face(4, 400)
    points[100:250] = np.nan
    found = states(pose(points, np.arange(400) / 30), 3, keypoints=SET)
    assert isinstance(found, xr.Dataset)
    assert (found["label"].values[100:250] == -1).all()
    times = found["time"].values
    across = (found["bout_start"].values < times[100]) & (found["bout_stop"].values > times[249])
    assert not across.any()
    assert np.isfinite(found["posterior"].values).all()


@pytest.mark.slow
def test_pupil_and_other_columns_join_the_features(tmp_path: Path) -> None:
    truth, points = expressive_face(5, 300)
    (tmp_path / "x.csv").write_text(
        "heart\n" + "\n".join(f"{1.0 * (k == 2) + 0.01 * j % 0.1}" for j, k in enumerate(truth))
    )
    found = states(
        pose(points, np.arange(300) / 30),
        3,
        keypoints=SET,
        features=f"keypoints,csv:{tmp_path / 'x.csv'}:heart",
    )
    assert isinstance(found, xr.Dataset)
    assert str(found["feature"].values[-1]).startswith("csv:")


@pytest.mark.slow
def test_one_long_run_of_one_expression_chooses_one_state() -> None:
    generator = np.random.default_rng(0)
    points = 40 * generator.normal(size=(1, 21, 3)) + generator.normal(size=(400, 21, 3))
    found = states(pose(points, np.arange(400) / 30), keypoints=SET, max_states=3)
    assert isinstance(found, xr.Dataset)
    assert found.attrs["n_states"] == 1
    assert "N321" in found.attrs["quality"]


@pytest.mark.parametrize(("given", "largest", "tried"), [(2, 3, [1, 2, 3]), (3, 2, [1, 2, 3])])
def test_beside_a_given_number_none_is_tried_that_is_greater_than_the_largest(
    given: int, largest: int, tried: list[int]
) -> None:
    points = np.random.default_rng(0).normal(size=(60, 21, 3)).cumsum(0)
    found = states(pose(points, TIMES), keypoints=SET, n_states=given, max_states=largest)
    assert isinstance(found, xr.Dataset)
    assert found["candidate"].values.tolist() == tried


TIMES = np.arange(60) / 30
NOISE = np.random.default_rng(0).normal(size=(60, 21, 3))


@pytest.mark.parametrize(
    ("entry", "more", "message"),
    [
        ("no.csv", {}, "P403.*no such file"),
        (pose(np.zeros((1, 21, 3)), TIMES[:1]), {}, "N303"),
        (pose(np.full((60, 21, 3), np.nan), TIMES), {}, "N303"),
        (pose(np.ones((60, 21, 3)), TIMES), {"align": "none"}, "N303"),
        (pose(NOISE, TIMES[::-1]), {}, "V111"),
        (pose(NOISE, TIMES), {"n_states": 40}, "P401.*<= 12"),
        (pose(NOISE, TIMES), {"features": "pupl.area"}, "P401.*pupil.area"),
        (pose(NOISE, TIMES), {"n_sates": 3}, "P401.*n_states"),
        (pose(NOISE, TIMES), {"features": "running.speed"}, "P403.*running"),
        ([], {}, "P403"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(entry: object, more: dict[str, object], message: str) -> None:
    with pytest.raises(MystaxError, match=message):
        states(entry, **({"keypoints": SET} | more))  # type: ignore[arg-type] # wrong on purpose


def test_file_without_time_asks_for_a_rate(tmp_path: Path) -> None:
    write_face(tmp_path / "a.csv", 1, 60)
    with pytest.raises(MystaxError, match=r"P401.*a.csv has no time: give --rate"):
        states(tmp_path / "a.csv", 2, keypoints=SET)


def test_plane_and_space_do_not_mix() -> None:
    _, points = expressive_face(6, 60)
    flat = pose(points[..., :2].copy(), TIMES, "px")
    with pytest.raises(MystaxError, match=r"P403.*plane and in space"):
        states([pose(points, TIMES), flat], 2, keypoints=SET)


@pytest.mark.slow
def test_recordings_are_brought_to_the_points_they_share() -> None:
    _, points = expressive_face(7, 200)
    ids = KeypointSet.load(SET).ids
    other = pose(points[:, :18], np.arange(200) / 30, names=ids[:18])
    found = states([pose(points, np.arange(200) / 30), other], 2, keypoints=SET)
    assert isinstance(found, list)
    assert found[0].sizes["keypoint"] == 18
    assert "18 points that all recordings have" in found[0].attrs["quality"]


def test_unknown_points_are_refused_with_both_lists(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(60, 5, 3))
    write_anipose(tmp_path / "a.csv", ["leftear", "mouth1", "mouth2", "lefteye3", "chin"], points)
    with pytest.raises(MystaxError, match=r"P403.*leftear.*--map"):
        states(tmp_path / "a.csv", 2, rate=30, keypoints=SET)


@pytest.mark.slow
def test_recording_without_data_is_left_out_among_others() -> None:
    _, points = expressive_face(8, 200)
    empty = pose(np.full((50, 21, 3), np.nan), np.arange(50) / 30)
    found = states([pose(points, np.arange(200) / 30), empty], 2, keypoints=SET)
    assert isinstance(found, list)
    assert len(found) == 1


def test_recording_that_is_left_out_is_named_beside_the_others() -> None:
    """The list is shorter than what was given: what is in it and what is not must be told."""
    _, points = expressive_face(8, 200)
    empty = pose(np.full((50, 21, 3), np.nan), np.arange(50) / 30)
    whole = pose(points, np.arange(200) / 30)
    found = states([empty, whole], keypoints=SET, model=known_outcome(0)[0])
    assert isinstance(found, list)
    assert [item.attrs["recording"] for item in found] == ["recording 2"]
    assert "a recording was left out: N303 recording 1" in found[0].attrs["quality"]
