"""Plans: what is wanted, what is current, what cannot be had, and the keys."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.recording import ArraySource, Camera, FrameChunk, Recording
from mystax.engine.plan import Plan, Proposals, Request, make_plan
from mystax.engine.recipe import Recipe, Step, recipe_from
from mystax.errors import ParameterError, RecipeError, RoiError
from tests.fixtures.engine_toys import frames_of

FACE = Roi("face", "face", Rectangle(0, 0, 30, 30), "face", source="proposed", confidence=0.7)
EYE = Roi("eye", "pupil", Ellipse(20, 15, 8, 7), "face", source="proposed", confidence=0.8)


STANDARD = ("rois", "motion", "svd", "pupil", "blink", "running", "pose")


def _recording(*names: str, rate: float = 100, seed: int = 0) -> Recording:
    cameras = {
        name: Camera(name, ArraySource(frames_of(seed + k, 20, (80, 100)), Fraction(rate)))
        for k, name in enumerate(names or ("face",))
    }
    return Recording("r", cameras)


def _plan(
    recording: Recording | None = None,
    *analyses: str,
    rois: tuple[Roi, ...] | None = None,
    proposals: Proposals | None = None,
    current: dict[str, str] | None = None,
    force: bool = False,
    propose: bool = False,
    **parameters: dict[str, object],
) -> Plan:
    recipe = recipe_from(analyses=analyses or None, parameters=parameters)
    keys = current or {}
    return make_plan(
        recording or _recording(),
        Request(recipe, rois, propose, force),
        current=lambda name: keys.get(name, ""),
        proposals=proposals,
    )


def _states(plan: Plan) -> dict[str, str]:
    return {item.name: item.state for item in plan.outcomes}


def test_without_regions_proposals_come_first_and_running_never() -> None:
    plan = _plan()
    assert plan.awaits_proposals
    assert [item.name for item in plan.outcomes] == list(STANDARD)
    assert plan.outcome("pupil").reason == "if an eye is found"
    assert plan.outcome("running").state == "not applicable"


def test_proposed_regions_are_measured() -> None:
    plan = _plan(proposals=Proposals((FACE, EYE), "abc"))
    assert not plan.awaits_proposals
    names = {item.name: [roi.name for part in item.parts for roi in part.rois] for item in plan.outcomes}
    assert names["motion"] == ["frame", "face"]
    assert names["svd"] == ["frame"]
    assert names["pupil"] == ["eye"]
    assert _states(plan)["blink"] == _states(plan)["running"] == "not applicable"


def test_an_unsure_eye_is_not_measured() -> None:
    unsure = replace(EYE, confidence=0.49)
    plan = _plan(proposals=Proposals((FACE, unsure), "abc"))
    assert _states(plan)["pupil"] == "not applicable"


def test_given_regions_switch_proposals_off() -> None:
    plan = _plan(rois=(EYE,))
    assert not plan.awaits_proposals
    assert plan.outcome("rois").state == "not applicable"
    assert plan.outcome("pupil").state == "wanted"


def test_propose_brings_them_back() -> None:
    plan = _plan(rois=(EYE,), propose=True, proposals=Proposals((FACE, replace(EYE, camera="face")), "abc"))
    assert [roi.name for roi in plan.rois] == ["eye", "face"]


def test_no_regions_at_all_can_be_asked_for() -> None:
    assert not _plan(rois=()).awaits_proposals


def test_named_pupil_without_region_asks_for_proposals() -> None:
    plan = _plan(_recording(), "pupil")
    assert [item.name for item in plan.outcomes] == ["rois", "pupil"]


def test_named_motion_alone_needs_no_proposals() -> None:
    assert [item.name for item in _plan(_recording(), "motion").outcomes] == ["motion"]


def test_named_pupil_without_any_eye_is_refused() -> None:
    with pytest.raises(RoiError, match="no eye was found") as error:
        _plan(_recording(), "pupil", proposals=Proposals((FACE,), "abc"))
    assert error.value.code == "P402"


def test_named_running_with_regions_of_another_kind_is_refused() -> None:
    with pytest.raises(RoiError, match="no region of kind 'running'"):
        _plan(_recording(), "running", rois=(EYE,))


def test_required_step_without_region_is_refused() -> None:
    recipe = Recipe(name="mine", analysis=(Step(name="blink", required=True), Step(name="motion")))
    with pytest.raises(RoiError, match="'blink'"):
        make_plan(_recording(), Request(recipe))


def test_optional_step_without_region_is_listed() -> None:
    recipe = Recipe(name="mine", analysis=(Step(name="blink"), Step(name="motion")))
    plan = make_plan(_recording(), Request(recipe))
    assert _states(plan) == {"blink": "not applicable", "motion": "wanted"}
    assert plan.outcome("blink").reason == "there is no region of kind 'blink'"


def test_equal_keys_are_current_and_force_makes_them_again() -> None:
    keys = {item.name: item.key for item in _plan(_recording(), "motion").outcomes}
    assert _states(_plan(_recording(), "motion", current=keys)) == {"motion": "current"}
    assert _states(_plan(_recording(), "motion", current=keys, force=True)) == {"motion": "wanted"}


@pytest.mark.parametrize(
    "other",
    [
        _plan(_recording(seed=5), "motion"),
        _plan(_recording(rate=50), "motion"),
        _plan(_recording(), "motion", motion={"bin": 8}),
        _plan(_recording(), "motion", rois=(Roi("pad", "motion", Rectangle(0, 0, 60, 60)),)),
        _plan(_recording("other"), "motion"),
    ],
    ids=["frames", "times", "parameters", "regions", "camera"],
)
def test_whatever_changes_the_result_changes_the_key(other: Plan) -> None:
    assert other.outcome("motion").key != _plan(_recording(), "motion").outcome("motion").key


def test_keys_are_the_same_every_time() -> None:
    assert _plan(_recording(), "motion").outcomes == _plan(_recording(), "motion").outcomes


def test_another_analysis_does_not_change_a_key() -> None:
    alone = _plan(_recording(), "motion").outcome("motion").key
    assert _plan(_recording(), "motion", "svd").outcome("motion").key == alone


def test_proposals_enter_the_keys_of_what_they_are_for() -> None:
    one, other = (_plan(proposals=Proposals((FACE, EYE), content)) for content in ("abc", "abd"))
    assert one.outcome("motion").key != other.outcome("motion").key
    assert one.outcome("rois").key == other.outcome("rois").key


def test_a_parameter_that_changes_no_result_stays_out_of_the_key() -> None:
    keys = {_plan(_recording(), "toy", toy={"scratch": on}).outcome("toy").key for on in (False, True)}
    assert len(keys) == 1


def test_a_file_of_another_camera_does_not_change_a_key() -> None:
    rois = (Roi("eye", "pupil", Ellipse(20, 15, 8, 7), "left"),)
    two, more = _recording("left", "right"), _recording("left")
    keys = {_plan(recording, "pupil", rois=rois).outcome("pupil").key for recording in (two, more)}
    assert len(keys) == 1


def test_two_bins_on_one_camera_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"motion: 4, svd: 8") as error:
        _plan(_recording(), "motion", "svd", motion={"bin": 4}, svd={"bin": 8})
    assert error.value.code == "P403"


def test_auto_takes_the_bin_that_the_other_analysis_names() -> None:
    plan = _plan(_recording(), "motion", "svd", svd={"bin": 3})
    assert [item.parameters["bin"] for item in plan.outcomes] == [3, 3]


def test_auto_stays_auto_where_nobody_names_a_bin() -> None:
    assert _plan(_recording(), "motion").outcome("motion").parameters["bin"] == "auto"


def test_too_few_bins_are_refused_before_any_work() -> None:
    rois = (Roi("pad", "motion", Rectangle(0, 0, 16, 12)),)
    with pytest.raises(RoiError, match="smaller bin"):
        _plan(_recording(), "motion", rois=rois, motion={"bin": 4})


def test_steps_for_one_camera_leave_the_others_out() -> None:
    recipe = Recipe(name="mine", analysis=(Step(name="motion", camera="left"),))
    plan = make_plan(_recording("left", "right"), Request(recipe))
    assert [part.camera for part in plan.outcome("motion").parts] == ["left"]


def test_cameras_may_have_parameters_of_their_own() -> None:
    steps = (
        Step(name="motion", camera="left", parameters={"black": 1.0}),
        Step(name="motion", camera="right"),
    )
    plan = make_plan(_recording("left", "right"), Request(Recipe(name="mine", analysis=steps)))
    left = plan.outcome("motion").parameters["left"]
    assert isinstance(left, dict)
    assert left["black"] == 1.0


def test_unknown_camera_of_a_step_names_the_nearest() -> None:
    recipe = Recipe(name="mine", analysis=(Step(name="motion", camera="lefft"),))
    with pytest.raises(RecipeError, match="did you mean 'left'"):
        make_plan(_recording("left", "right"), Request(recipe))


def test_all_cameras_depend_on_every_camera_and_on_the_reference() -> None:
    recording = _recording("left", "right")
    rois = tuple(Roi("pad", "motion", Rectangle(0, 0, 60, 60), "left") for _ in range(1))
    alone = _plan(recording, "svd", rois=rois).outcome("svd")
    joint = _plan(recording, "svd", rois=rois, svd={"all_cameras": True}).outcome("svd")
    turned = _plan(replace(recording, reference="right"), "svd", rois=rois, svd={"all_cameras": True})
    assert [item["camera"] for item in alone.inputs] == ["left"]
    assert [item["camera"] for item in joint.inputs] == ["left", "right"]
    assert turned.outcome("svd").key != joint.key


def test_clipped_regions_are_noted() -> None:
    plan = _plan(_recording(), "pupil", rois=(Roi("eye", "pupil", Rectangle(-10, 0, 40, 40)),))
    assert "clipped" in plan.notes[0]


def test_plan_as_json_names_states_and_regions() -> None:
    entry = _plan(_recording(), "motion").outcome("motion").as_dict()
    assert entry["state"] == "wanted"
    assert entry["cameras"] == {"face": ["frame"]}


def test_wrong_parameter_is_found_in_the_plan() -> None:
    recipe = Recipe(name="mine", analysis=(Step(name="motion", parameters={"bin": 0}),))
    with pytest.raises(ParameterError, match="1 <= bin"):
        make_plan(_recording(), Request(recipe))


@pytest.mark.parametrize(
    ("more", "kind", "text"),
    [
        ({"box": "abc"}, RoiError, r"P402.*expected auto, frame, or x,y,side"),
        ({"box": "10,10,12"}, RoiError, r"P402.*at least 16 px"),
        ({"box": "10,10,401"}, RoiError, r"P402.*at most 400 px.*100 x 80 px.*401"),
        ({"box": "10,10,inf"}, RoiError, r"P402.*expected auto, frame, or x,y,side"),
        ({"box": "85,50,50"}, RoiError, r"P402.*a quarter of it.*100 x 80 px.*85,50,50"),
        ({"box": "-90,-70,100"}, RoiError, r"P402.*a quarter of it"),
        ({"keypoints": "nose_tipp"}, RecipeError, r"P403.*did you mean 'nose_tip'"),
        ({"weights": "mouse-fase"}, ParameterError, r"P401.*did you mean 'mouse-face'"),
    ],
)
def test_what_pose_cannot_use_is_refused_in_the_plan(
    more: dict[str, object], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        _plan(None, "pose", pose=more)


@pytest.mark.parametrize("box", ["auto", "frame", "10,10,400", "75,40,50", "-50,-50,100,3", "-160,-170,400"])
def test_a_face_box_may_hang_over_the_picture(box: str) -> None:
    assert _states(_plan(None, "pose", pose={"box": box})) == {"pose": "wanted"}


def test_the_whole_frame_is_a_face_box_of_long_pictures_too() -> None:
    long = Recording("r", {"face": Camera("face", ArraySource(np.zeros((4, 40, 900), np.uint8)))})
    for box in ("frame", "0,-430,900"):
        assert _states(_plan(long, "pose", pose={"box": box})) == {"pose": "wanted"}


def test_pictures_too_small_for_a_face_are_refused_in_the_plan_unless_they_are_to_be_skipped() -> None:
    small = Recording("r", {"side": Camera("side", ArraySource(np.zeros((4, 24, 90), np.uint8)))})
    with pytest.raises(RoiError, match=r"P402 camera 'side'.*at least 32 px.*90 x 24 px"):
        _plan(small, "pose")
    assert _states(_plan(small, "pose", pose={"no_face": "skip"})) == {"pose": "wanted"}


def test_points_by_name_and_by_set_are_known_to_the_plan() -> None:
    for keypoints in ("all", "nose_tip, eye_top", "mouse-face-15"):
        assert _states(_plan(None, "pose", pose={"keypoints": keypoints})) == {"pose": "wanted"}


def test_frames_are_not_read() -> None:
    class Closed(ArraySource):
        def chunks(self, *args: Any, **request: Any) -> Iterator[FrameChunk]:
            raise AssertionError(f"frames were read: {args}, {request}")

        def frame_at(self, index: int) -> FrameChunk:
            raise AssertionError(f"frame {index} was read")

        def sample(self, n: int) -> FrameChunk:
            raise AssertionError(f"{n} samples were read")

    closed = Closed(np.zeros((5, 80, 100), np.uint8))
    make_plan(Recording("r", {"face": Camera("face", closed)}), Request(recipe_from("standard")))
