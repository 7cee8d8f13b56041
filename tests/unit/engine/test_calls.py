"""One function per analysis: signature and help from the declaration, same numbers as a run."""

import inspect
from fractions import Fraction

import numpy as np
import pytest

import mystax
from mystax.core.analysis import get_analysis
from mystax.core.geometry import Rectangle, Roi
from mystax.core.params import parameters_of
from mystax.core.quality import flags_from_json
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.engine.calls import analysis_function
from mystax.errors import ParameterError, RecipeError, RoiError
from tests.fixtures.engine_toys import ToyParams, frames_of

toy = analysis_function("toy")
FRAMES = frames_of(0, 30)


@pytest.mark.parametrize("name", ["motion", "svd", "pupil", "blink", "running"])
def test_signature_has_every_declared_parameter_with_its_default(name: str) -> None:
    function = getattr(mystax, name)
    parameters = inspect.signature(function).parameters
    assert list(parameters)[:4] == ["video", "rois", "camera", "cores"]
    declared = parameters_of(get_analysis(name).params)
    assert {key: parameters[key].default for key in declared} == {
        key: item.default for key, item in declared.items()
    }
    assert all(parameters[key].kind is inspect.Parameter.KEYWORD_ONLY for key in declared)
    assert [key for key, item in parameters.items() if item.annotation is item.empty] == []


@pytest.mark.parametrize("name", ["motion", "svd", "pupil", "blink", "running"])
def test_help_names_every_parameter_with_range_and_unit(name: str) -> None:
    text = inspect.getdoc(getattr(mystax, name)) or ""
    for key, item in parameters_of(get_analysis(name).params).items():
        assert f"{key} : " in text
        assert item.help in text
    assert "Returns\n-------" in text


def test_array_gives_the_mean_of_each_frame() -> None:
    np.testing.assert_allclose(toy(FRAMES)["grey"][:, 0], FRAMES.mean((1, 2)), rtol=1e-6)


def test_source_gives_its_own_times() -> None:
    dataset = toy(ArraySource(FRAMES, Fraction(50)))
    np.testing.assert_array_equal(dataset["time"], np.arange(30) / 50)


def test_parameters_reach_the_analysis() -> None:
    assert float(toy(FRAMES, gain=2.0)["grey"][0, 0]) == pytest.approx(2 * float(toy(FRAMES)["grey"][0, 0]))


def test_regions_may_be_texts_without_a_camera() -> None:
    dataset = toy(FRAMES, rois=["motion:rectangle:0,0,10,10=pad"])
    assert dataset["roi"].values.tolist() == ["pad"]
    np.testing.assert_allclose(dataset["grey"][:, 0], FRAMES[:, :10, :10].mean((1, 2)), rtol=1e-6)


def test_order_of_regions_does_not_change_their_numbers() -> None:
    one, two = (Roi(name, "motion", Rectangle(x, 0, 12, 12)) for name, x in (("a", 0), ("b", 20)))
    there, back = toy(FRAMES, rois=[one, two]), toy(FRAMES, rois=[two, one])
    np.testing.assert_array_equal(there["grey"].values, back["grey"].values[:, ::-1])


def test_camera_is_chosen_by_name() -> None:
    cameras = {name: Camera(name, ArraySource(frames_of(k, 10))) for k, name in enumerate(("left", "right"))}
    recording = Recording("r", cameras)
    np.testing.assert_allclose(toy(recording, camera="right")["grey"][:, 0], frames_of(1, 10).mean((1, 2)))
    np.testing.assert_allclose(toy(recording)["grey"][:, 0], frames_of(0, 10).mean((1, 2)))


def test_regions_of_other_cameras_are_left_out() -> None:
    cameras = {name: Camera(name, ArraySource(FRAMES)) for name in ("left", "right")}
    rois = [Roi(name, "motion", Rectangle(0, 0, 12, 12), name) for name in cameras]
    assert toy(Recording("r", cameras), camera="right", rois=rois)["roi"].values.tolist() == ["right"]


def test_outcome_carries_its_provenance() -> None:
    attributes = toy(FRAMES, gain=3.0).attrs
    assert attributes["analysis"] == "toy"
    assert '"gain":3.0' in attributes["parameters"]
    assert attributes["coverage"] == 1.0
    assert flags_from_json(attributes["quality"]) == []
    assert len(attributes["key"]) == 64


def test_missing_frames_lower_the_coverage_and_are_told() -> None:
    reason = np.zeros(30, np.uint8)
    reason[:3] = 1
    dataset = toy(ArraySource(FRAMES, reason=reason))
    assert dataset.attrs["coverage"] == pytest.approx(0.9)
    assert [flag.code for flag in flags_from_json(dataset.attrs["quality"])] == ["V105"]
    assert dataset["missing"].values[:4].tolist() == [1, 1, 1, 0]


def test_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match="did you mean 'gain'"):
        toy(FRAMES, gian=1.0)


@pytest.mark.parametrize("gain", [0, 10.5, float("nan"), "x"])
def test_parameter_out_of_range_is_refused(gain: object) -> None:
    with pytest.raises(ParameterError, match=r"P401 parameter 'gain' of 'toy': expected 0 < gain <= 10"):
        toy(FRAMES, gain=gain)


def test_analysis_that_needs_a_region_says_so() -> None:
    with pytest.raises(RoiError, match="no region of kind 'pupil'"):
        analysis_function("toyeye")(FRAMES)


def test_unknown_camera_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'face'"):
        toy(FRAMES, camera="fce")


@pytest.mark.parametrize("cores", [0, -2, True])
def test_threads_are_a_whole_number(cores: int) -> None:
    with pytest.raises(ParameterError, match=r"P401 parameter 'cores': expected cores >= 1, got"):
        toy(FRAMES, cores=cores)


def test_unknown_function_names_the_nearest() -> None:
    from mystax.engine import calls

    with pytest.raises(AttributeError, match="did you mean 'pupil'"):
        calls.pupl  # noqa: B018 - the access is what is tested


def test_toys_have_the_parameters_that_these_tests_use() -> None:
    assert set(parameters_of(ToyParams)) >= {"gain", "n_readings"}
