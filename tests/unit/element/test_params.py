"""What a task asks for: our own form and Facemap's, every key answered or refused."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("datajoint", reason='pip install "mystax[datajoint]"')

from mystax.core.geometry import Rectangle, Roi
from mystax.element.params import params_of, task_plan
from mystax.engine.recipe import recipe_from
from mystax.errors import ParameterError, RecipeError, RoiError

PAD = Roi("pad", "motion", Rectangle(0, 0, 32, 32))


def facemap(**more: Any) -> dict[str, Any]:
    entry = {"rind": 1, "ivid": 0, "yrange": np.arange(8, 40), "xrange": np.arange(4, 52)}
    return {"Ly": [64], "Lx": [96], "sbin": 4, "rois": [entry], **more}


def plan(params: Any, *, motion: bool = True, movie: bool = False) -> Any:
    return task_plan(params, do_mot_svd=motion, do_mov_svd=movie)


def svd_of(found: Any) -> dict[str, Any]:
    (step,) = found.recipe.steps("svd")
    values: dict[str, Any] = step.params().model_dump()
    return values


def test_our_own_form_comes_back_as_it_went_in() -> None:
    recipe = recipe_from(analyses=["motion", "svd"], parameters={"svd": {"n_components": 7}})
    found = plan(params_of(recipe, [PAD]))
    assert found.rois == (PAD,)
    assert found.recipe.names == ("motion", "svd")
    assert svd_of(found)["n_components"] == 7


@pytest.mark.parametrize(("motion", "movie"), [(True, False), (False, True), (True, True)])
def test_wished_decompositions_are_planned(motion: bool, movie: bool) -> None:
    found = svd_of(plan(params_of(recipe_from("standard"), None), motion=motion, movie=movie))
    assert (found["with_motion"], found["with_movie"]) == (motion, movie)


def test_no_decomposition_is_planned_where_none_is_wished() -> None:
    found = plan(params_of(recipe_from("standard"), None), motion=False)
    assert "svd" not in found.recipe.names
    assert "motion" in found.recipe.names


def test_decomposition_is_added_to_a_recipe_without_one() -> None:
    assert plan(params_of(recipe_from("quick"), None)).recipe.names == ("motion", "svd")


def test_bin_and_regions_of_facemap_are_used() -> None:
    found = plan(facemap())
    assert svd_of(found)["bin"] == 4
    (roi,) = found.rois
    assert roi.shape == Rectangle(4, 8, 48, 32)
    assert found.recipe.names == ("motion", "svd")
    assert dict(found.answers) == {
        "Ly": "not used: read from the video",
        "Lx": "not used: read from the video",
        "sbin": "renamed: bin",
        "rois": "used",
    }


def test_sigma_of_facemap_reaches_the_pupil() -> None:
    pupil = {"rind": 0, "ivid": 0, "yrange": np.arange(30), "xrange": np.arange(30), "pupil_sigma": 3.5}
    found = plan(facemap(rois=[pupil]))
    (step,) = found.recipe.steps("pupil")
    assert step.params().model_dump()["sigma"] == 3.5
    assert found.recipe.names == ("pupil",)


def test_flag_of_facemap_takes_a_decomposition_away() -> None:
    found = svd_of(plan(facemap(motSVD=False, movSVD=True), movie=True))
    assert (found["with_motion"], found["with_movie"]) == (False, True)


def test_results_in_a_facemap_dict_forbid_nothing() -> None:
    found = plan(facemap(motSVD=[np.zeros((4, 2))], motion=[np.zeros(4)]))
    assert svd_of(found)["with_motion"]
    assert found.answers["motion"] == "not used: no parameter of the analysis"


def test_whole_frame_besides_regions_is_the_first_region() -> None:
    found = plan(facemap(fullSVD=True))
    frame, pad = found.regions((64, 96))
    assert (frame.name, frame.shape) == ("frame", Rectangle(0, 0, 96, 64))
    assert pad.shape == Rectangle(4, 8, 48, 32)


def test_whole_frame_alone_needs_no_region() -> None:
    found = plan(facemap(rois=None, fullSVD=True))
    assert found.regions((64, 96)) == ()
    assert found.recipe.names == ("motion", "svd")


@pytest.mark.parametrize(("key", "near"), [("sbim", "sbin"), ("roi", "rois"), ("movSDV", "movSVD")])
def test_unknown_key_is_refused_with_the_nearest(key: str, near: str) -> None:
    with pytest.raises(ParameterError, match=f"P401 .*unknown key '{key}'.*'{near}'"):
        plan({key: 1})


def test_unknown_key_beside_a_recipe_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"P401 .*unknown key 'roi'.*'rois'"):
        plan({"recipe": recipe_from("quick").model_dump(), "roi": []})


def test_unknown_parameter_and_analysis_are_refused() -> None:
    recipe = {"analysis": [{"name": "motion", "parameters": {"bim": 3}}]}
    with pytest.raises(ParameterError, match=r"P401 .*'bim'"):
        plan({"recipe": recipe})
    with pytest.raises(RecipeError, match=r"P403 .*motoin"):
        plan({"recipe": {"analysis": [{"name": "motoin"}]}})


def test_region_that_is_none_is_refused() -> None:
    with pytest.raises(RoiError, match="P402"):
        plan({"recipe": recipe_from("quick").model_dump(), "rois": [{"name": "x", "kind": "motion"}]})


def test_task_without_parameters_asks_for_nothing() -> None:
    found = plan({})
    assert found.recipe is None
    assert found.rois is None
