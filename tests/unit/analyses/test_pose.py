"""Keypoints of a video: what is measured, what is missing, and that nothing else matters."""

import json
from pathlib import Path

import numpy as np
import pytest
from xarray import Dataset

from mystax.analyses.pose import POSE
from mystax.analyses.pose_params import PoseParams
from mystax.analyses.pose_reducer import PoseReducer
from mystax.core.geometry import Rectangle, Roi
from mystax.core.point_flags import FLAG_MASKS
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.engine.calls import analysis_function
from mystax.engine.passes import CameraPass, drive
from mystax.engine.recipe import Recipe, recipe_from
from mystax.errors import Cancelled, DamagedError, MystaxError, ParameterError, RecipeError, RoiError
from tests.fixtures.engine_runs import StopAt, digest_of, run_folder
from tests.fixtures.networks import tiny_weights

BOX = "10,5,96"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_weights(tmp_path_factory.mktemp("weights")))


def _frames(n: int = 20, seed: int = 0) -> np.ndarray:
    """Blobs that drift over a slope: something to see in every frame."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:110, :140]
    spots = rng.uniform(20, 100, (6, 2))
    drift = rng.normal(0, 1.0, (n, 6, 2)).cumsum(axis=0)
    frames = np.zeros((n, 110, 140))
    for k in range(6):
        cy, cx = (spots[k] + drift[:, k]).T
        frames += 120 * np.exp(-((y - cy[:, None, None]) ** 2 + (x - cx[:, None, None]) ** 2) / 80)
    noisy = frames + x * 0.3 + rng.normal(0, 2, frames.shape)
    return np.asarray(np.clip(noisy, 0, 255).astype(np.uint8))


def _pose(path: str, frames: np.ndarray, **more: object) -> Dataset:
    given: dict[str, object] = {"weights": path, "box": BOX, **more}
    return analysis_function("pose")(frames, **given)


@pytest.fixture(scope="module")
def plain(weights: str) -> Dataset:
    """What is measured with what is set by itself; it is only looked at."""
    return _pose(weights, _frames())


def test_every_frame_has_every_point_with_its_covariance(plain: Dataset) -> None:
    dataset = plain
    assert dataset["position"].dims == ("time", "space", "keypoint", "individual")
    assert dataset.sizes == {"time": 20, "space": 2, "keypoint": 13, "individual": 1, "cov": 3}
    assert np.isfinite(dataset["position_raw"].values).all()
    xx, xy, yy = np.moveaxis(dataset["measurement_covariance"].values, 1, 0)
    assert (xx > 0).all()
    assert (xx * yy - xy**2 > 0).all()
    assert set(POSE.variables) <= set(dataset.data_vars)
    assert dataset.attrs["box"] == "10.00,5.00,96.00"
    assert len(dataset.attrs["weights_sha256"]) == 64


def test_without_smoothing_places_are_those_of_the_network(weights: str) -> None:
    dataset = _pose(weights, _frames(), smooth="none")
    np.testing.assert_array_equal(dataset["position"].values, dataset["position_raw"].values)


def test_smoothing_moves_places_less_than_their_spread(weights: str) -> None:
    dataset = _pose(weights, _frames(60))
    raw, smooth = (np.diff(dataset[name].values, axis=0) for name in ("position_raw", "position"))
    assert np.abs(smooth).mean() < np.abs(raw).mean()


def _in_chunks(weights: str, size: int) -> np.ndarray:
    """Return the places in 23 frames that are given in chunks."""
    source = ArraySource(_frames(23))
    reducer = PoseReducer(PoseParams(weights=weights, box=BOX))
    drive(source, {"pose": (reducer, CameraPass(source, "face", ()))}, size=size)
    return np.asarray(reducer.finish()["position_raw"].values)


@pytest.fixture(scope="module")
def in_one_chunk(weights: str) -> np.ndarray:
    return _in_chunks(weights, 23)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_chunks_change_nothing(weights: str, in_one_chunk: np.ndarray, size: int) -> None:
    np.testing.assert_allclose(_in_chunks(weights, size), in_one_chunk, atol=1e-3)


def _film() -> Recording:
    return Recording("film", {"face": Camera("face", ArraySource(_frames(43)))})


def _recipe(weights: str) -> Recipe:
    return recipe_from(analyses=["pose"], parameters={"pose": {"weights": weights, "box": BOX}})


@pytest.fixture(scope="module")
def whole_run(weights: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run that nobody stopped."""
    folder = tmp_path_factory.mktemp("whole")
    run_folder(folder, _film(), _recipe(weights), size=43)
    return folder


@pytest.mark.parametrize("stops", [(4,), (5, 6), (3, 5, 7)])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    weights: str, whole_run: Path, tmp_path: Path, stops: tuple[int, ...]
) -> None:
    recipe = _recipe(weights)
    for stop in stops:
        with pytest.raises(Cancelled):
            run_folder(tmp_path / "stopped", _film(), recipe, report=StopAt(stop), size=5)
    run_folder(tmp_path / "stopped", _film(), recipe, size=5)
    assert digest_of(tmp_path / "stopped", "pose") == digest_of(whole_run, "pose")


@pytest.mark.parametrize("batch", [1, 7, 32])
def test_batches_change_nothing(weights: str, plain: Dataset, batch: int) -> None:
    found = _pose(weights, _frames(), batch=batch)["position_raw"].values
    np.testing.assert_allclose(plain["position_raw"].values, found, atol=1e-3)


def test_what_lies_outside_the_box_changes_nothing(weights: str, plain: Dataset) -> None:
    bright = _frames()
    bright[:, :, 120:] = 255
    found = _pose(weights, bright)["position_raw"].values
    np.testing.assert_array_equal(plain["position_raw"].values, found)


def test_a_frame_that_cannot_be_read_has_no_place(weights: str) -> None:
    reason = np.zeros(20, np.uint8)
    reason[[4, 5, 11]] = 2
    source = ArraySource(_frames(), reason=reason)
    dataset = _pose(weights, source)  # type: ignore[arg-type]  # a source instead of an array
    for name in ("position", "position_raw", "confidence", "covariance"):
        values = dataset[name].values
        assert np.isnan(values[[4, 5, 11]]).all(), name
        assert np.isfinite(values[[3, 6, 12]]).all(), name
    flags = dataset["flag"].values
    assert (flags[[4, 5, 11]] & FLAG_MASKS["missing_frame"]).all()
    assert not (flags[[3, 6]] & FLAG_MASKS["missing_frame"]).any()


def test_a_flat_frame_has_no_place_and_no_confidence(weights: str) -> None:
    frames = _frames()
    frames[[2, 3]] = 80
    dataset = _pose(weights, frames, max_gap=0.0)
    assert np.isnan(dataset["position_raw"].values[[2, 3]]).all()
    assert (dataset["confidence"].values[[2, 3]] == 0).all()
    found = {flag["code"]: flag for flag in json.loads(dataset.attrs["quality"])}
    assert found["N301"]["frames"] == [2, 3]


def test_a_gap_is_bridged_and_marked(weights: str) -> None:
    frames = _frames()
    frames[[8, 9]] = 80
    dataset = _pose(weights, frames, max_gap=0.5)
    assert np.isfinite(dataset["position"].values[[8, 9]]).all()
    marks = dataset["flag"].values[[8, 9]] & FLAG_MASKS["gap_filled"]
    assert marks.all()
    assert not (dataset["flag"].values[[7, 10]] & FLAG_MASKS["gap_filled"]).any()
    found = {flag["code"]: flag for flag in json.loads(dataset.attrs["quality"])}
    assert found["N301"]["frames"] == [8, 9]


def test_no_face_is_said_and_the_whole_frame_is_searched(weights: str) -> None:
    dataset = _pose(weights, np.full((9, 110, 140), 80, np.uint8), box="auto")
    codes = [flag["code"] for flag in json.loads(dataset.attrs["quality"])]
    assert codes == ["N302", "N301"]
    assert dataset.attrs["box"] == "0.00,-15.00,140.00"


def test_a_camera_without_a_face_can_be_skipped(weights: str) -> None:
    dataset = _pose(weights, np.full((9, 110, 140), 80, np.uint8), box="auto", no_face="skip")
    flags = json.loads(dataset.attrs["quality"])
    assert [flag["code"] for flag in flags] == ["N302"]
    assert "nothing was tracked" in flags[0]["text"]
    for name in ("position", "position_raw", "confidence"):
        assert np.isnan(dataset[name].values).all()
    assert (dataset["flag"].values == 0).all()
    assert dataset.attrs["run_n_decoded"] == 0


def test_pictures_too_small_for_a_face_are_skipped_or_refused(weights: str) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (9, 24, 30)).astype(np.uint8)
    dataset = _pose(weights, frames, box="auto", no_face="skip")
    assert [flag["code"] for flag in json.loads(dataset.attrs["quality"])] == ["N302"]
    assert np.isnan(dataset["position"].values).all()
    for wish in ({"box": "auto"}, {"box": "0,0,24", "no_face": "skip"}):
        with pytest.raises(RoiError, match=r"P402.*too small.*at least 32 px"):
            _pose(weights, frames, **wish)


def test_a_face_region_is_the_box(weights: str) -> None:
    roi = Roi("face", "face", Rectangle(10, 5, 96, 96))
    dataset = analysis_function("pose")(_frames(), rois=[roi], weights=weights)
    assert dataset.attrs["box"] == "10.00,5.00,96.00"
    wide = Roi("face", "face", Rectangle(20, 30, 80, 40))
    dataset = analysis_function("pose")(_frames(), rois=[wide], weights=weights)
    assert dataset.attrs["box"] == "20.00,10.00,80.00"


def test_a_turned_box_turns_the_picture_and_not_the_places(weights: str) -> None:
    frames = _frames()
    upright = _pose(weights, frames, smooth="none", box="10,5,96")
    # The same pixels, the picture turned clockwise: the box says how to turn it back.
    turned = np.ascontiguousarray(np.rot90(frames, -1, axes=(1, 2)))
    n = frames.shape[1]
    box = f"{n - 5 - 96},10,96,1"
    found = _pose(weights, turned, smooth="none", box=box)
    x, y = np.moveaxis(upright["position_raw"].values[..., 0], 1, 0)
    np.testing.assert_allclose(found["position_raw"].values[:, 0, :, 0], n - 1 - y, atol=0.02)
    np.testing.assert_allclose(found["position_raw"].values[:, 1, :, 0], x, atol=0.02)


def test_points_are_chosen_by_name_or_set(weights: str) -> None:
    frames = _frames(9)
    every = _pose(weights, frames, keypoints="all")
    assert every.sizes["keypoint"] == 22
    some = _pose(weights, frames, keypoints="nose_tip, eye_top")
    assert some["keypoint"].values.tolist() == ["eye_top", "nose_tip"]
    for name in ("nose_tip", "eye_top"):
        a, b = (each["position_raw"].sel(keypoint=name).values for each in (every, some))
        np.testing.assert_array_equal(a, b)
    assert _pose(weights, frames, keypoints="mouse-face-15").sizes["keypoint"] == 15


@pytest.mark.parametrize(
    ("more", "kind", "text"),
    [
        ({"weights": "mouse-fase"}, ParameterError, "there are no weights 'mouse-fase'"),
        ({"keypoints": "nose_tipp"}, RecipeError, "nose_tip"),
        ({"box": "1,2"}, RoiError, "expected auto, frame, or x,y,side"),
        ({"box": "0,0,12"}, RoiError, "at least 16 px"),
        ({"box": "500,500,96"}, RoiError, "outside of the picture"),
        ({"box": "100,80,20000"}, RoiError, "at most 560 px"),
        ({"box": "0,0,96,7"}, RoiError, "expected auto, frame, or x,y,side"),
        ({"smooth": "median"}, ParameterError, "'none' or 'ml' or 'adaptive'"),
        ({"min_cutoff": 0.1}, ParameterError, "0.5 <= min_cutoff <= 200"),
    ],
)
def test_what_cannot_be_used_is_refused(
    weights: str, more: dict[str, object], kind: type[MystaxError], text: str
) -> None:
    with pytest.raises(kind) as refused:
        _pose(weights, _frames(3), **more)
    assert text.casefold() in str(refused.value).casefold()


def test_pictures_that_are_too_small_are_refused(weights: str) -> None:
    with pytest.raises(RoiError, match="sides of at least 32 px"):
        _pose(weights, np.zeros((4, 30, 200), np.uint8), box="frame")


def test_a_state_of_other_work_is_refused(weights: str) -> None:
    source = ArraySource(_frames(5))
    reducer = PoseReducer(PoseParams(weights=weights, box=BOX))
    reducer.start(CameraPass(source, "face", ()))
    with pytest.raises(DamagedError):
        reducer.restore({"pupil_thresholds": np.zeros(3)})


def test_deep_frames_are_tracked_like_their_8_bits(weights: str) -> None:
    frames = _frames(6)
    deep = frames.astype(np.uint16) * 257
    a, b = (_pose(weights, each)["position_raw"].values for each in (frames, deep))
    np.testing.assert_allclose(a, b, atol=1e-2)


def test_other_weights_are_another_outcome(weights: str, tmp_path: Path) -> None:
    from mystax.core.analysis import get_analysis

    declared = get_analysis("pose")
    assert declared.more_inputs is not None
    (entry,) = declared.more_inputs(PoseParams(weights=weights))
    assert entry["role"] == "weights"
    other = tiny_weights(tmp_path, "other")
    (same,) = declared.more_inputs(PoseParams(weights=str(other)))
    assert same["id"] == entry["id"]  # the same bytes under another name
    other.write_bytes(other.read_bytes() + b"\0")
    (changed,) = declared.more_inputs(PoseParams(weights=str(other)))
    assert changed["id"] != entry["id"]
