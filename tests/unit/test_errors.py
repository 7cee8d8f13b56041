"""The error tree and the table of codes."""

import importlib.util
import json
import pickle
import re
from pathlib import Path

import pytest

from mystax import errors
from mystax.errors import (
    CODES,
    Cancelled,
    ExtraMissing,
    InternalError,
    MystaxError,
    ParameterError,
    PlanError,
    VideoError,
    error_from_record,
    nearest,
)

FOLDERS = Path(__file__).resolve().parents[1]


def every_class(kind: type[MystaxError]) -> list[type[MystaxError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in every_class(child))]


def test_text_holds_code_place_expectation_and_hint() -> None:
    error = VideoError(
        "V102",
        "face.mp4",
        "the index of the video is missing",
        expected="a 'moov' box",
        got="end of file at 12.4 MB",
        hint="repair it with a sound file of the same camera, then run again.",
    )
    assert str(error) == (
        "V102 face.mp4: the index of the video is missing. "
        "Expected a 'moov' box, got end of file at 12.4 MB. "
        "Hint: repair it with a sound file of the same camera, then run again."
    )


def test_text_without_a_sentence_goes_straight_to_the_expectation() -> None:
    error = ParameterError(
        "P401", "parameter 'threshold' of 'blink'", expected="0 <= threshold <= 1", got="1.4"
    )
    assert str(error) == "P401 parameter 'threshold' of 'blink': expected 0 <= threshold <= 1, got 1.4"


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (
            "no command 'wrok'; did you mean 'work'?",
            "V101 a: no command 'wrok'; did you mean 'work'? Hint: h",
        ),
        ("it is cut.", "V101 a: it is cut. Hint: h"),
        ("it is cut", "V101 a: it is cut. Hint: h"),
        ("", "V101 a. Hint: h"),
    ],
    ids=["question", "sentence", "words", "nothing"],
)
def test_sentences_end_once(what: str, text: str) -> None:
    assert str(VideoError("V101", "a", what, hint="h")) == text


def test_plan_errors_are_value_errors_and_missing_extras_are_import_errors() -> None:
    assert issubclass(PlanError, ValueError)
    assert issubclass(ExtraMissing, ImportError)


def test_record_and_error_are_each_others_inverse() -> None:
    error = VideoError("V101", "a.avi", "cut", expected="300 frames", got="160", hint="film again")
    back = error_from_record(json.loads(json.dumps(error.record().as_dict())))
    assert type(back) is VideoError
    assert str(back) == str(error)
    assert back.retry == "never"


def test_errors_survive_pickling_between_threads_and_tools() -> None:
    error = pickle.loads(pickle.dumps(VideoError("V104", "x", "what", hint="h")))  # noqa: S301 - our own bytes
    assert (error.code, error.where, error.hint) == ("V104", "x", "h")


def test_cancelled_survives_the_way_through_a_record() -> None:
    assert isinstance(error_from_record(Cancelled("run").record()), Cancelled)
    assert "checkpoint" in str(Cancelled("run"))


def test_unknown_class_in_a_record_becomes_an_internal_error() -> None:
    assert type(error_from_record({"class": "Evil", "code": "B999", "where": "x"})) is InternalError


def test_every_error_class_is_drawn_in_the_tree_and_exported() -> None:
    for kind in every_class(MystaxError):
        assert kind.__name__ in (errors.__doc__ or "")
        assert kind.__name__ in errors.__all__


def test_every_code_has_a_form_a_meaning_and_a_retry_class() -> None:
    for code, entry in CODES.items():
        assert re.fullmatch(r"[A-Z]\d{3}", code)
        assert entry.meaning
        assert not entry.meaning.endswith(".")
        assert (entry.retry == "-") == (entry.kind == "flag" and code != "X002")


def test_every_code_is_named_by_a_test() -> None:
    here = Path(__file__).name
    text = "\n".join(path.read_text("utf-8") for path in FOLDERS.rglob("test_*.py") if path.name != here)
    assert [code for code in CODES if code not in text] == []


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("pupl", ["motion", "pupil"], "; did you mean 'pupil'? Known: motion, pupil"),
        ("zzz", ["motion", "pupil"], "; Known: motion, pupil"),
        ("zzz", [str(number) for number in range(13)], ""),
        ("pupl", [], ""),
    ],
)
def test_nearest_name_is_offered_and_short_lists_are_shown(name: str, known: list[str], text: str) -> None:
    assert nearest(name, known) == text


def test_what_is_no_name_at_all_is_answered_with_the_known_ones() -> None:
    assert nearest(3, ["face", "side"]) == "; Known: face, side"
    assert nearest(None, ["nose"]) == "; Known: nose"


def test_every_code_stands_in_the_reference_page() -> None:
    place = FOLDERS.parent / "tools" / "docs.py"
    spec = importlib.util.spec_from_file_location("docs_under_test", place)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    page = str(tool.errors_page())
    assert [code for code, entry in CODES.items() if f"| `{code}` | {entry.meaning} |" not in page] == []
