"""The language of naming patterns."""

import pytest

from mystax.engine.catalog.pattern import compile_pattern, nearest_misses
from mystax.errors import RecipeError

NEUROBLUEPRINT = "rawdata/sub-{subject}*/ses-{session}*/behav/**/*.{video}"


def test_field_takes_a_key_value_text_and_a_star_the_rest() -> None:
    found = compile_pattern(NEUROBLUEPRINT).match("rawdata/sub-001_id-x/ses-02_date-20260101/behav/a/b/x.MP4")
    assert found == {"subject": "001", "session": "02"}


@pytest.mark.parametrize("folders", ["", "a/", "a/b/c/"])
def test_two_stars_are_any_number_of_folders(folders: str) -> None:
    assert compile_pattern("x/**/{subject}.mp4").match(f"x/{folders}m1.mp4") == {"subject": "m1"}


def test_star_does_not_cross_a_folder() -> None:
    assert compile_pattern("*/{subject}.mp4").match("a/b/m1.mp4") is None


def test_any_takes_the_shortest_text_with_underscores() -> None:
    pattern = compile_pattern("{subject:any}_{session:int}.mp4")
    assert pattern.match("KS_01_7.mp4") == {"subject": "KS_01", "session": "7"}


@pytest.mark.parametrize("text", ["20260102", "260102", "2026-01-02"])
def test_dates_have_one_plain_form(text: str) -> None:
    assert compile_pattern("{date}.mp4").match(f"{text}.mp4") == {"date": "2026-01-02"}


@pytest.mark.parametrize("text", ["20260231", "20261301", "2026-1-2", "2026010"])
def test_digits_that_are_no_date_do_not_match(text: str) -> None:
    assert compile_pattern("{date}.mp4").match(f"{text}.mp4") is None


@pytest.mark.parametrize(
    ("text", "plain"),
    [("1405", "14:05:00"), ("140506", "14:05:06"), ("14-05-06", "14:05:06"), ("14:05:06", "14:05:06")],
)
def test_times_have_one_plain_form(text: str, plain: str) -> None:
    assert compile_pattern("{session}_{time}.mp4").match(f"1_{text}.mp4") == {"session": "1", "time": plain}


def test_optional_part_may_be_absent() -> None:
    pattern = compile_pattern("{subject}(_run-{run:int})?.{video}")
    assert pattern.match("m1.mp4") == {"subject": "m1"}
    assert pattern.match("m1_run-2.mp4") == {"subject": "m1", "run": "2"}


def test_field_that_comes_again_must_have_the_same_text() -> None:
    pattern = compile_pattern("{subject}/{subject}_{session}.mp4")
    assert pattern.match("m1/m1_2.mp4") == {"subject": "m1", "session": "2"}
    assert pattern.match("m1/m2_2.mp4") is None


def test_signs_of_regular_expressions_stand_for_themselves() -> None:
    pattern = compile_pattern("a.b+[{subject}]$.mp4")
    assert pattern.match("a.b+[m1]$.mp4") == {"subject": "m1"}
    assert pattern.match("aXbb[m1]$.mp4") is None


def test_own_names_go_to_meta() -> None:
    assert compile_pattern("{meta.rig}_{subject}.mp4").match("r2_m1.mp4") == {
        "meta.rig": "r2",
        "subject": "m1",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{subj}/x.mp4", "did you mean 'subject'"),
        ("{subject:txt}", "unknown kind 'txt'"),
        ("(a", "'('"),
        ("a)?", "')?'"),
        ("a{b", "'{'"),
        ("a}", "'}'"),
        ("/abs", "relative"),
        (" ", "relative"),
        ("x" * 1001, "1000"),
        ("{meta.a b}", "unknown field"),
    ],
)
def test_what_is_no_pattern_is_refused(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match="P403") as refused:
        compile_pattern(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("path", "matched", "failed", "expected"),
    [
        ("rawdata/sub-1/ses-1/behv/a.mp4", "rawdata/sub-1/ses-1/", "behv", "behav"),
        ("rawdata/mouse/ses-1/behav/a.mp4", "rawdata/", "mouse", "sub-{subject}*"),
        ("raw/sub-1/a.mp4", "", "raw", "rawdata"),
        ("rawdata/sub-1/ses-1/behav/a.txt", "rawdata/sub-1/ses-1/behav/", "a.txt", "*.{video}"),
    ],
)
def test_near_miss_names_the_part_that_failed(path: str, matched: str, failed: str, expected: str) -> None:
    miss = compile_pattern(NEUROBLUEPRINT).near_miss(path)
    assert (miss.matched, miss.failed, miss.expected) == (matched, failed, expected)


def test_nearest_misses_come_first() -> None:
    paths = ["x.mp4", "rawdata/sub-1/ses-1/behv/a.mp4", "rawdata/m/a.mp4"]
    found = nearest_misses(compile_pattern(NEUROBLUEPRINT), paths, 2)
    assert [miss.path for miss in found] == [paths[1], paths[2]]
