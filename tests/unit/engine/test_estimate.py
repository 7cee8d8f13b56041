"""What a run will cost, and the refusal of what does not fit."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mystax.compute.svd_cost import svd_cost
from mystax.core.geometry import Rectangle, Roi
from mystax.core.recording import ArraySource, Camera, FrameChunk, Recording
from mystax.engine.estimate import Estimate, _decode_time, estimate_plan
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
    assert "1 decode" in found.text
    assert found.as_dict()["routes"] == {"face/frame": "gram_frames"}


def test_frames_that_are_decoded_again_cost_time_and_are_told() -> None:
    recipe, size = recipe_from(analyses=["svd"], parameters={"svd": {"bin": 1}}), (100, 80)
    frames = ArraySource(np.zeros((8200, *size), np.uint8), Fraction(30))
    recording = Recording("long", {"face": Camera("face", frames)})
    plan = make_plan(recording, Request(recipe))
    kept, again = (estimate_plan(plan, recording, room=room) for room in (None, 0))
    assert (kept.decodes, kept.lacking) == (1, 0)
    assert (again.decodes, again.readings, again.scratch) == (5, 5, 0)
    assert again.lacking == kept.scratch
    assert again.seconds > kept.seconds
    assert "decoded again" not in kept.text
    assert "5 decodes" in again.text
    assert "--scratch" in again.text


# decompositions over all cameras --------------------------------------------------------------------------


def _two(n: int = 50, shape: tuple[int, int] = (96, 96)) -> Recording:
    frames = {"left": np.zeros((n, *shape), np.uint8), "right": np.zeros((n + 7, 48, 64), np.uint8)}
    cameras = {name: Camera(name, ArraySource(movie, Fraction(30))) for name, movie in frames.items()}
    return Recording("r", cameras)


def _of_two(**parameters: object) -> Estimate:
    recording = _two()
    recipe = recipe_from(analyses=["svd"], parameters={"svd": {"bin": 4, **parameters}})
    return estimate_plan(make_plan(recording, Request(recipe)), recording)


def test_components_over_all_cameras_are_counted() -> None:
    alone, both = _of_two(), _of_two(all_cameras=True)
    joint = svd_cost(50, 24 * 24 + 12 * 16, 500)
    assert both.memory - alone.memory == joint.memory
    assert both.disk - alone.disk == joint.disk
    assert both.scratch - alone.scratch == joint.scratch
    assert both.routes == {**alone.routes, "all_cameras": joint.route}


def test_components_over_all_cameras_of_one_camera_cost_nothing_more() -> None:
    one, same = _estimate("svd"), _estimate("svd", svd={"all_cameras": True})
    assert same == one


def test_frames_of_all_cameras_count_but_are_decoded_once() -> None:
    found = _of_two(all_cameras=True)
    assert found.n_frames == 50 + 57
    assert found.decodes == 1


def test_without_spools_components_over_all_cameras_decode_every_camera_again() -> None:
    recording = _two(4000, (96, 200))
    parameters: dict[str, dict[str, object]] = {"svd": {"bin": 1, "all_cameras": True, "max_spool": 0.0}}
    recipe = recipe_from(analyses=["svd"], parameters=parameters)
    found = estimate_plan(make_plan(recording, Request(recipe)), recording)
    assert (found.decodes, found.scratch) == (2, 0)
    assert set(found.routes) == {"left/frame", "right/frame", "all_cameras"}


def test_advice_counts_the_components_over_all_cameras() -> None:
    found = _of_two(all_cameras=True)
    with pytest.raises(RecipeError, match=r"n_components=\d+ fits|times as large fits"):
        found.check(found.memory - 1)


# properties of the cost -----------------------------------------------------------------------------------

SIZES = st.tuples(st.integers(2, 10**6), st.integers(2, 10**5), st.integers(1, 600))


@example(90.0)
@example(599.0)
@given(st.floats(0, 1e7))
def test_durations_are_told_in_the_unit_of_a_person(seconds: float) -> None:
    number, unit = Estimate(seconds=seconds).text.split("about ")[1].split(",")[0].split()
    told = float(number) * {"s": 1, "min": 60, "h": 3600}[unit]
    assert told == pytest.approx(max(1, seconds), rel=0.05, abs=0.5)
    assert len(number) <= 6


def test_scratch_is_told_only_where_there_is_some() -> None:
    assert "scratch" not in Estimate().text
    assert Estimate(scratch=3 << 20).text.endswith(", 3 MiB of scratch")


def test_a_plan_too_large_for_any_bin_names_the_other_ways() -> None:
    with pytest.raises(RecipeError, match="use fewer analyses at once") as caught:
        Estimate(memory=10**12).check(10**9)
    assert caught.value.code == "P403"
    with pytest.raises(RecipeError, match="use fewer analyses at once"):
        Estimate(memory=10**12, sizes=(("frame", 100, 100, 10),)).check(10**9)


def test_more_cores_make_it_faster_not_smaller() -> None:
    recording = _recording(5000)
    recipe = recipe_from(analyses=["svd", "pupil"], parameters={"svd": {"bin": 1}})
    rois = (Roi("frame", "motion", Rectangle(0, 0, 96, 96)), Roi("eye", "pupil", Rectangle(10, 10, 60, 60)))
    plan = make_plan(recording, Request(recipe, rois))
    one, four = (estimate_plan(plan, recording, cores=n) for n in (1, 4))
    assert four.seconds < one.seconds
    assert replace(four, seconds=0) == replace(one, seconds=0)


def test_regions_of_every_kind_are_counted() -> None:
    rois = (
        Roi("pad", "motion", Rectangle(0, 0, 40, 40)),
        Roi("eye", "pupil", Rectangle(10, 10, 60, 60)),
        Roi("lid", "blink", Rectangle(10, 10, 60, 60)),
        Roi("ball", "running", Rectangle(0, 0, 96, 96)),
    )
    recording = _recording()
    names = ["motion", "pupil", "blink", "running"]
    found = [
        estimate_plan(make_plan(recording, Request(recipe_from(analyses=names[: k + 1]), rois)), recording)
        for k in range(4)
    ]
    assert all(after.seconds > before.seconds for before, after in pairwise(found))
    assert all(after.memory - before.memory == 25 * MIB for before, after in pairwise(found))
    assert all(after.disk - before.disk == found[0].disk for before, after in pairwise(found))


def _timed(n_frames: int, *, opening: float = 0.0, chunk: float) -> tuple[float, float]:
    """Time a source by its own clock: the time per frame, and what the clock says after it [s]."""

    class Clocked(ArraySource):
        def chunks(self, *arguments: Any, **more: Any) -> Iterator[FrameChunk]:
            clock[0] += opening
            for given_chunk in super().chunks(*arguments, **more):
                clock[0] += chunk
                yield given_chunk

    clock = [0.0]
    source = Clocked(np.zeros((n_frames, 96, 96), np.uint8), Fraction(30))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mystax.engine.estimate.time.perf_counter", lambda: clock[0])
        return _decode_time(source, n_frames, measure=True), clock[0]


def test_the_timer_gives_up_a_slow_decoder() -> None:
    """A camera that gives 32 frames a second is timed for little more than 2 s, not for 200 frames."""
    each, took = _timed(500, chunk=1.0)
    assert each == pytest.approx(1 / 32)
    assert took <= 4


def test_opening_the_file_is_no_time_of_a_frame() -> None:
    # six chunks of 32 frames and one of 8
    assert _timed(500, opening=1.0, chunk=0.064)[0] == pytest.approx(6 * 0.064 / 168)
    short = _timed(20, opening=1.0, chunk=0.064)[0]
    assert short == pytest.approx(1.064 / 20), "where there is but one chunk it tells all that is known"


def test_more_frames_are_timed_where_more_are_decoded() -> None:
    class Counted(ArraySource):
        def chunks(self, *arguments: Any, **more: Any) -> Iterator[FrameChunk]:
            for chunk in super().chunks(*arguments, **more):
                lengths.append(len(chunk))
                yield chunk

    source = Counted(np.zeros((5000, 8, 8), np.uint8), Fraction(30))
    timed = []
    for n_decoded in (6000, 360_000, 10**7):
        lengths: list[int] = []
        _decode_time(source, n_decoded, measure=True)
        timed.append(sum(lengths))
    assert timed == [200, 720, 2000]
