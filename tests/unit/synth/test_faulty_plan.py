"""Plans of synthetic videos: what a kind of fault changes, without writing a file."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.core.recording import GreyMap
from mystax.errors import RecipeError
from mystax.synth.faulty_pictures import PICTURES
from mystax.synth.faulty_plan import CODECS, CONTAINERS, STORED_WHOLE, Layout, Plan, _encoder_options, draw
from mystax.synth.faulty_stamps import STAMPS


def plan_of(**more: Any) -> Plan:
    values: dict[str, Any] = {
        "path": Path("none"),
        "kind": "clean",
        "container": "mp4",
        "codec": "h264",
        "n_frames": 60,
        "size": (64, 48),
        "rate": Fraction(30),
        "seed": 0,
        "key_interval": 12,
        "b_frames": 0,
        "scene": "texture",
    }
    plan = Plan(**(values | more))
    plan.use(plan.codec)
    return plan


def stamped(kind: str, **more: Any) -> Plan:
    plan = plan_of(kind=kind, **more)
    STAMPS[kind](plan)
    return plan


# a plan by itself ---------------------------------------------------------------------------------------


def test_frames_of_a_plain_plan_come_at_its_rate() -> None:
    assert plan_of(rate=Fraction(30000, 1001)).times[-1] == 59 * Fraction(1001, 30000)


def test_stamps_of_the_muxer_are_the_times_before_those_of_the_encoder() -> None:
    plan = plan_of(n_frames=2, time_base=Fraction(1, 1000), stamps=[0, 40])
    assert plan.times == (Fraction(0), Fraction(1, 25))
    plan.mux_stamps = [0, 50]
    assert plan.times == (Fraction(0), Fraction(1, 20))


def test_stamps_without_a_time_base_count_frames() -> None:
    assert plan_of(n_frames=2, stamps=[0, 3]).times == (Fraction(0), Fraction(1, 10))


@pytest.mark.parametrize(
    ("codec", "is_limited"),
    [("h264", True), ("mjpeg", False), ("ffv1", False), ("huffyuv", True), ("rawvideo", False)],
)
def test_limited_range_follows_the_pixel_format(codec: str, is_limited: bool) -> None:
    plan = plan_of(codec=codec)
    assert plan.is_limited == is_limited
    plan.is_full_range = is_limited
    assert plan.is_limited == (not is_limited)


def test_an_unknown_codec_is_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'h264'") as caught:
        plan_of().use("h26")
    assert caught.value.code == "P403"


def test_a_container_without_the_fault_is_refused_with_those_that_have_it() -> None:
    with pytest.raises(RecipeError, match="one of mkv, ts") as caught:
        plan_of(kind="gap").need("mkv", "ts")
    assert (caught.value.where, caught.value.got) == ("gap", "mp4")


def test_taking_a_codec_forgets_the_options_of_the_last_one() -> None:
    plan = plan_of()
    plan.options["crf"] = "99"
    plan.use("mpeg4")
    assert plan.options == dict(CODECS["mpeg4"].options)
    plan.options["qmin"] = "31"
    assert CODECS["mpeg4"].options["qmin"] == "2"


@pytest.mark.parametrize("codec", CODECS)
def test_key_interval_reaches_every_encoder_that_has_one(codec: str) -> None:
    options = _encoder_options(plan_of(codec=codec, key_interval=37, b_frames=2))
    has_keys = not CODECS[codec].is_intra
    assert (options.get("g") == "37") == has_keys
    if codec == "h264":
        assert (options["keyint_min"], options["bf"]) == ("37", "2")
    elif codec == "hevc":
        assert "keyint=37:min-keyint=37:bframes=2" in options["x265-params"]


def test_options_of_a_kind_are_stronger_than_the_usual_ones() -> None:
    plan = plan_of()
    plan.options |= {"g": "3", "bf": "7"}
    options = _encoder_options(plan)
    assert (options["g"], options["bf"]) == ("3", "7")


def test_layout_tells_first_and_last_byte_of_the_packets() -> None:
    layout = Layout([(40, 60), (60, 75), (90, 99)])
    assert (layout.first, layout.end) == (40, 99)


def test_every_container_has_a_name_of_the_library_and_whole_ones_are_among_them() -> None:
    assert set(STORED_WHOLE) <= set(CONTAINERS)
    assert len(set(CONTAINERS.values())) == len(CONTAINERS)


# pictures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 10])
def test_limited_codes_give_back_the_grey_of_the_scene(bits: int) -> None:
    plan = plan_of(bits=bits)
    scene = plan.draw_scene()
    codes = draw(plan, scene, 5)
    back = GreyMap.limited(bits).table()[codes].astype(int)
    assert np.abs(back - scene.picture(5)).max() <= 1
    scale = 2 ** (bits - 8)
    assert codes.min() >= 16 * scale
    assert codes.max() <= 235 * scale


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_picture_is_given_back_by_the_player(degrees: int) -> None:
    plan = plan_of(codec="ffv1", rotation=degrees)
    scene = plan.draw_scene()
    stored = draw(plan, scene, 3)
    player = np.rot90(stored, -degrees // 90)
    np.testing.assert_array_equal(player, scene.picture(3))
    assert stored.flags["C_CONTIGUOUS"]


def test_colours_of_a_grey_scene_are_equal() -> None:
    plan = plan_of(codec="png", is_color=True)
    scene = plan.draw_scene()
    picture = draw(plan, scene, 0)
    assert picture.shape == (48, 64, 3)
    assert (picture == scene.picture(0)[..., None]).all()


def test_scene_of_another_size_is_asked_for_by_name() -> None:
    assert plan_of().draw_scene((32, 24)).picture(0).shape == (24, 32)


# stamps -------------------------------------------------------------------------------------------------


@given(st.integers(8, 400))
def test_gaps_leave_out_the_stated_numbers_of_frames(n: int) -> None:
    plan = stamped("gap", n_frames=n)
    slots = [int(time * plan.rate) for time in plan.times]
    assert slots[0] == 0
    lost = {k: after - before - 1 for k, (before, after) in enumerate(pairwise(slots))}
    assert {k: n_lost for k, n_lost in lost.items() if n_lost} == dict(plan.holes)
    assert [size for _, size in plan.holes] == [1, 5, max(2, n // 3)]
    assert plan.codes == {"V113"}


@given(st.integers(2, 400), st.integers(0, 50), st.sampled_from(["h264", "mpeg4"]))
def test_variable_intervals_stay_within_what_is_no_gap(n: int, seed: int, codec: str) -> None:
    plan = stamped("vfr", n_frames=n, seed=seed, codec=codec)
    steps = np.diff(np.array(plan.times, float)) * 30
    assert (steps >= 0.59).all()
    assert (steps <= 1.46).all()
    assert len(plan.times) == n
    assert plan.time_base is not None
    assert plan.time_base.denominator <= (65_535 if codec == "mpeg4" else 90_000)


@given(st.integers(4, 400))
def test_repeated_stamps_are_those_of_the_frame_before(n: int) -> None:
    plan = stamped("pts_repeat", n_frames=n)
    assert plan.mux_stamps is not None
    assert plan.barcodes is not None
    for number in range(n):
        assert plan.mux_stamps[number] == (number - 1 if number in plan.special else number)
    assert set(plan.barcodes) == set(range(n)) - set(plan.special)
    assert len(plan.special) == (2 if n >= 150 else 1)
    kept = [plan.mux_stamps[number] for number in plan.barcodes]
    jumps = [k for k, (before, after) in enumerate(pairwise(kept)) if after - before > 1]
    assert [place for place, _ in plan.holes] == jumps


@given(st.integers(8, 400))
def test_exchanged_stamps_are_listed_in_the_order_of_time(n: int) -> None:
    plan = stamped("pts_backward", n_frames=n)
    assert plan.mux_stamps is not None
    assert plan.barcodes is not None
    assert sorted(plan.mux_stamps) == list(range(n))
    assert [plan.mux_stamps[number] for number in plan.barcodes] == list(range(n))
    moved = [number for number in range(n) if plan.mux_stamps[number] != number]
    assert moved == sorted({*plan.special, *(place + 1 for place in plan.special)})


def test_negative_stamps_begin_ten_frames_before_zero() -> None:
    plan = stamped("pts_negative", codec="vp9")
    assert (plan.container, plan.codec) == ("ts", "h264")
    assert plan.times[0] == Fraction(-1, 3)
    assert stamped("pts_negative", codec="mpeg4").codec == "mpeg4"


@pytest.mark.parametrize("rate", [Fraction(30), Fraction(30000, 1001), Fraction(25)])
def test_a_transport_stream_begins_20_s_before_its_stamps_wrap(rate: Fraction) -> None:
    plan = stamped("mpegts_offset", rate=rate)
    assert plan.times[0] == Fraction(2**33, 90000) - 20
    steps = np.diff(np.array([float(time) for time in plan.times]))
    np.testing.assert_allclose(steps, 1 / float(rate), atol=1.2e-5)


@pytest.mark.parametrize("kind", ["bare_stream", "pts_absent"])
def test_bare_streams_are_refused_with_v111(kind: str) -> None:
    plan = stamped(kind)
    assert plan.refusal == "V111"
    assert plan.container == plan.codec == {"bare_stream": "h264", "pts_absent": "hevc"}[kind]


@pytest.mark.parametrize("n", [5, 60, 119])
def test_an_edit_list_hides_the_first_tenth(n: int) -> None:
    plan = stamped("edit_list", n_frames=n, b_frames=2)
    assert plan.barcodes == tuple(range(max(1, n // 10), n))
    assert plan.b_frames == 0


@pytest.mark.parametrize(
    ("kind", "container"),
    [("count_lies", "mkv"), ("no_count", "ts"), ("vfr", "avi"), ("gap", "avi"), ("edit_list", "mkv")],
)
def test_containers_that_cannot_have_the_fault_are_refused(kind: str, container: str) -> None:
    with pytest.raises(RecipeError, match="does not exist in that container"):
        stamped(kind, container=container)


# pictures of kinds --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "degrees"), [(f"rotated_{k}", k) for k in (90, 180, 270)])
def test_rotations_need_a_container_that_can_say_so(kind: str, degrees: int) -> None:
    plan = plan_of(kind=kind)
    PICTURES[kind](plan)
    assert plan.rotation == degrees
    with pytest.raises(RecipeError, match="does not exist in that container"):
        PICTURES[kind](plan_of(kind=kind, container="mkv"))


@given(st.integers(4, 300), st.integers(4, 300))
def test_odd_sizes_are_odd_and_at_most_two_pixels_smaller(width: int, height: int) -> None:
    plan = plan_of(kind="odd_size", size=(width, height))
    PICTURES["odd_size"](plan)
    for before, after in zip((width, height), plan.size, strict=True):
        assert after % 2 == 1
        assert 0 <= before - after <= 1


@given(st.integers(7, 300))
def test_hidden_pictures_have_stamps_between_their_neighbours(n: int) -> None:
    plan = plan_of(kind="altref", n_frames=n)
    PICTURES["altref"](plan)
    assert plan.mux_stamps is not None
    assert plan.barcodes is not None
    assert (np.diff(plan.mux_stamps) > 0).all()
    assert set(plan.barcodes) | set(plan.special) == set(range(n))
    assert not set(plan.barcodes) & set(plan.special)
    shown = np.array([plan.mux_stamps[number] for number in plan.barcodes])
    np.testing.assert_allclose(shown, np.arange(len(shown)) * 1000 / 30, atol=0.5)


@pytest.mark.parametrize(
    ("kind", "bits", "pixel_format"),
    [("gray10", 10, "gray10le"), ("gray12", 12, "gray12le"), ("gray16", 16, "gray16le")],
)
def test_deep_pictures_go_into_a_container_that_holds_them(kind: str, bits: int, pixel_format: str) -> None:
    plan = plan_of(kind=kind)
    PICTURES[kind](plan)
    assert (plan.container, plan.codec, plan.bits, plan.pixel_format) == ("mkv", "ffv1", bits, pixel_format)
    assert plan.draw_scene().picture(0).max() > 255


@pytest.mark.parametrize(
    ("kind", "tag", "codes"),
    [("full_range", "pc", set()), ("limited_range", "tv", set()), ("untagged_full", None, {"V109"})],
)
def test_only_full_range_without_a_tag_is_remarked(kind: str, tag: str | None, codes: set[str]) -> None:
    plan = plan_of(kind=kind)
    PICTURES[kind](plan)
    assert (plan.color_range, plan.codes) == (tag, codes)
    assert plan.options["qp"] == "0"
    assert "crf" not in plan.options
