"""What a run will cost, and the refusal of what does not fit."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from mystax.core.recording import ArraySource, Camera, Recording
from mystax.engine.estimate import Estimate, estimate_plan, svd_cost
from mystax.engine.plan import Request, make_plan
from mystax.engine.recipe import recipe_from
from mystax.errors import RecipeError

MIB = 1 << 20


def _recording(n: int = 50) -> Recording:
    return Recording(
        "r", {"face": Camera("face", ArraySource(np.zeros((n, 96, 96), np.uint8), Fraction(30)))}
    )


def _estimate(*analyses: str, measure: bool = False, **parameters: dict[str, object]) -> Estimate:
    recipe = recipe_from(analyses=analyses, parameters=parameters)
    return estimate_plan(make_plan(_recording(), Request(recipe)), _recording(), measure=measure)


@pytest.mark.parametrize(
    ("n_frames", "n_bins", "route", "decodes"),
    [
        (10**6, 2500, "gram_bins", 1),
        (4000, 19_200, "gram_frames", 1),
        (6000, 19_200, "subspace", 1),
        (10**6, 19_200, "subspace_streamed", 2),
    ],
)
def test_routes_are_those_of_the_decomposition(n_frames: int, n_bins: int, route: str, decodes: int) -> None:
    cost = svd_cost(n_frames, n_bins, 500)
    assert (cost.route, cost.decodes) == (route, decodes)


def test_memory_of_the_usual_video_stays_in_its_budget() -> None:
    # 640 x 480, bin 4, k = 500: 0.23 GB for the decomposition (performance budget).
    assert svd_cost(6000, 19_200, 500).memory <= 320 * MIB


def test_memory_does_not_grow_with_length() -> None:
    assert svd_cost(24_000, 19_200, 500).memory == svd_cost(96_000, 19_200, 500).memory


def test_spool_of_an_hour_is_as_large_as_the_bins() -> None:
    assert svd_cost(360_000, 19_200, 500).scratch == 360_000 * 19_200 * 2


def test_no_spool_means_two_decodes() -> None:
    cost = svd_cost(6000, 19_200, 500, max_spool=0)
    assert (cost.decodes, cost.scratch) == (2, 0)


def test_motion_alone_is_one_decode_without_scratch() -> None:
    found = _estimate("motion")
    assert (found.n_frames, found.decodes, found.readings, found.scratch) == (50, 1, 1, 0)


def test_two_decompositions_cost_more_than_one() -> None:
    one, both = _estimate("svd"), _estimate("svd", svd={"with_movie": True})
    assert both.memory > one.memory
    assert both.seconds > one.seconds


def test_a_plan_that_is_current_costs_nothing() -> None:
    plan = make_plan(_recording(), Request(recipe_from("quick")))
    done = replace(plan, outcomes=tuple(replace(item, state="current") for item in plan.outcomes))
    found = estimate_plan(done, _recording())
    assert (found.decodes, found.disk, found.n_frames) == (0, 0, 0)


def test_the_decoder_may_be_timed() -> None:
    assert 0 < _estimate("motion", measure=True).seconds < 5


def test_too_much_memory_is_refused_with_what_fits() -> None:
    cost = svd_cost(6000, 307_200, 500)
    found = Estimate(memory=300 * MIB + cost.memory, sizes=(("frame", 6000, 307_200, 500),))
    with pytest.raises(RecipeError, match=r"n_components=\d+ fits") as error:
        found.check(1500 * MIB)
    assert error.value.code == "P403"
    k = int(error.value.hint.split("=")[1].split()[0])
    assert 300 * MIB + svd_cost(6000, 307_200, k).memory <= 1500 * MIB


def test_a_larger_bin_is_named_where_no_number_of_components_fits() -> None:
    cost = svd_cost(10**6, 4000, 500)
    found = Estimate(memory=100 * MIB + cost.memory, sizes=(("frame", 10**6, 4000, 500),))
    with pytest.raises(RecipeError, match=r"a bin 2 times as large fits"):
        found.check(200 * MIB)


def test_enough_memory_passes() -> None:
    Estimate(memory=100).check(100)


def test_text_and_json_name_the_figures() -> None:
    found = _estimate("svd")
    assert "1 decodes" in found.text
    assert found.as_dict()["routes"] == {"face/frame": "gram_frames"}
