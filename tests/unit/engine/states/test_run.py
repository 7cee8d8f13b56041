"""Recordings under a stored model: read as those of its fit were, and told of where they cannot be."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mystax.analyses.states_track import StatesSource
from mystax.compute.column_features import Column
from mystax.core.quality import flags_from_json
from mystax.engine.states.run import _with_columns_of, run_states
from mystax.engine.states.states import states
from mystax.errors import RecipeError, WeightsError
from tests.fixtures.face_tracks import SET
from tests.fixtures.state_outcomes import known_fit, known_outcome, outcomes_of, spatial_source

N = 240


def pupil_of(truth: np.ndarray, source: StatesSource, seed: int = 0) -> xr.Dataset:
    noise = np.random.default_rng(seed).normal(0, 0.05, len(truth))
    area = 100 * np.exp(0.5 * (truth == 2) + noise)
    return xr.Dataset({"area": (("time", "roi"), area[:, None])}, {"time": source.times, "roi": ["eye"]})


def pose_of(source: StatesSource, confidence: np.ndarray | None = None, unit: str = "mm") -> xr.Dataset:
    dims = ("time", "space", "keypoint", "individual")
    dataset = xr.Dataset(
        {"position": (dims, np.swapaxes(source.points, 1, 2)[..., None], {"units": unit})},
        {
            "time": source.times,
            "space": list("xyz"[: source.points.shape[2]]),
            "keypoint": list(source.ids),
            "individual": ["face"],
        },
    )
    if confidence is not None:
        dataset["confidence"] = (("time", "keypoint", "individual"), confidence[..., None])
    return dataset


@pytest.fixture(scope="module")
def model() -> xr.Dataset:
    """A fit of points and pupil, of points that had a confidence of 0.9 or more."""
    truth, source = spatial_source(1, N)
    area = pupil_of(truth, source)["area"].values
    with_pupil = replace(source, columns={"pupil.area": Column(source.times, area, True)})
    (found,) = outcomes_of(known_fit([with_pupil], [truth]))
    found.attrs["model_parameters"] = json.dumps(
        {"features": "keypoints,pupil.area,csv:a.csv:heart", "min_confidence": 0.9, "n_states": 3}
    )
    return found


def texts(dataset: xr.Dataset) -> str:
    return " ".join(item.text for item in flags_from_json(str(dataset.attrs["quality"])))


def test_features_of_the_model_are_taken_without_being_asked_for(model: xr.Dataset) -> None:
    truth, source = spatial_source(2, N)
    found = states({"pose3d": pose_of(source), "pupil": pupil_of(truth, source)}, keypoints=SET, model=model)
    assert isinstance(found, xr.Dataset)
    assert found["feature"].values[-1] == "pupil.area"
    assert np.isfinite(found["feature_value"].values).all()
    assert "lacks features" not in texts(found)
    assert json.loads(found.attrs["model_parameters"])["features"] == "keypoints,pupil.area"


def test_feature_of_the_model_that_is_not_there_is_refused_or_told(model: xr.Dataset) -> None:
    _, source = spatial_source(2, N)
    with pytest.raises(RecipeError, match="there is no outcome 'pupil'"):
        states(pose_of(source), keypoints=SET, model=model)
    found = states(pose_of(source), keypoints=SET, model=model, features="keypoints")
    assert isinstance(found, xr.Dataset)
    assert "lacks features of the model (pupil.area): the others alone decide" in texts(found)
    assert np.isnan(found["feature_value"].values[:, -1]).all()
    # its middle face is another one, which the points alone tell: the brows are mostly up
    assert "look like nothing the model has seen" in texts(found)


def test_points_are_masked_as_those_of_the_fit(model: xr.Dataset) -> None:
    truth, source = spatial_source(2, N)
    sure = np.ones((N, len(source.ids)))
    sure[:10] = 0.5
    entry = {"pose3d": pose_of(source, sure), "pupil": pupil_of(truth, source)}
    old = model.copy()
    old.attrs = {name: value for name, value in model.attrs.items() if name != "model_parameters"}
    as_fit = states(entry, keypoints=SET, model=model)
    asked = states(entry, keypoints=SET, model=model, min_confidence=0.3)
    without = states(entry, keypoints=SET, model=old, features="keypoints,pupil.area")
    for found in (as_fit, asked, without):
        assert isinstance(found, xr.Dataset)
        hidden = np.isnan(found["feature_value"].values[:10, 0]).all()
        assert hidden == (found is as_fit)


def test_what_columns_hold_is_in_the_key(model: xr.Dataset) -> None:
    truth, source = spatial_source(2, N)
    keys = {
        run_states(
            [{"pose3d": pose_of(source), "pupil": pupil_of(truth, source, seed)}],
            {},
            keypoints=SET,
            model=model,
        ).key(0)
        for seed in (0, 1, 1)
    }
    assert len(keys) == 2


@pytest.mark.parametrize(("n_axes", "unit"), [(2, "mm"), (3, "px")])
def test_points_of_another_kind_than_the_models_are_refused(
    model: xr.Dataset, n_axes: int, unit: str
) -> None:
    _, source = spatial_source(2, N)
    other = pose_of(replace(source, points=source.points[..., :n_axes]), unit=unit)
    with pytest.raises(WeightsError, match="points of another kind") as refused:
        states(other, keypoints=SET, model=model, features="keypoints")
    assert refused.value.code == "M702"
    assert f"{n_axes} axes in {unit}" in refused.value.got


def test_columns_of_tables_are_matched_by_their_names() -> None:
    _, source = spatial_source(1, 20)
    heart = Column(source.times, source.times[:, None])
    found = _with_columns_of(replace(source, columns={"csv:b.csv:heart": heart}), ["csv:a.csv:heart"])
    assert found.columns == {"csv:a.csv:heart": heart}
    assert not found.flags
    other = _with_columns_of(replace(source, columns={"csv:b.csv:pulse": heart}), ["csv:a.csv:heart"])
    assert "csv:a.csv:heart" not in other.columns
    assert [item.code for item in other.flags] == ["N323"]


def test_table_that_is_the_same_for_two_recordings_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("time,heart\n" + "\n".join(f"{k / 10},{k % 7}" for k in range(80)))
    (tmp_path / "y.csv").write_text("recording," + path.read_text().replace("\n", "\nrecording 1,"))
    with (tmp_path / "y.csv").open("a") as stream:
        stream.writelines(f"\nrecording 2,{k / 10},{k % 5}" for k in range(80))
    sources = [spatial_source(seed, N)[1] for seed in (1, 2)]
    fit = known_outcome(1)[0]
    for name, is_told in (("x", True), ("y", False)):
        word = f"keypoints,csv:{tmp_path / f'{name}.csv'}:heart"
        done = run_states([pose_of(item) for item in sources], {"features": word}, keypoints=SET, model=fit)
        assert ("same for several recordings" in texts(done.datasets[0])) == is_told


@pytest.mark.slow
def test_model_of_a_fit_holds_how_its_recordings_were_read() -> None:
    _, source = spatial_source(3, N)
    sure = np.ones((N, len(source.ids)))
    sure[:10] = 0.5
    entry = pose_of(source, sure)
    fitted = states(entry, 3, keypoints=SET, min_confidence=0.8, decode="posterior")
    assert isinstance(fitted, xr.Dataset)
    applied = states(entry, keypoints=SET, model=fitted)
    assert isinstance(applied, xr.Dataset)
    assert (applied["label"].values[:10] == -1).all()
    np.testing.assert_array_equal(applied["label"].values, fitted["label"].values)
