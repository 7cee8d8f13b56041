"""Operations: their JSON form, and which are refused."""

import json
from typing import Any

import pytest

from mystax.core.keypoints import KeypointSet
from mystax.core.label_operations import (
    FIELDS,
    Mark,
    Note,
    Segment,
    check_operation,
    operation_from_record,
    record_of,
)
from mystax.errors import FormatError, MystaxError
from tests.fixtures.label_folders import make_operation

POINTS = KeypointSet.load("mouse-face-13")


@pytest.mark.parametrize(
    ("op", "before", "after"),
    [
        ("set", None, Mark("placed", 1.25, -3.5)),
        ("set", Mark("invisible", 0.1, 0.2, 0.75), Mark("absent")),
        ("set", Mark("absent"), None),
        ("note", None, Note("skip")),
        ("mark_add", None, Segment("ab", 5, 9, "grooming")),
        ("frame_add", None, None),
    ],
)
def test_operation_and_its_record_are_each_others_inverse(op: str, before: Any, after: Any) -> None:
    operation = make_operation(op=op, before=before, after=after)
    record = json.loads(json.dumps(record_of(operation)))
    assert tuple(record) == FIELDS
    assert operation_from_record(record) == operation


def test_mark_has_no_place_in_its_record_where_it_has_none() -> None:
    assert Mark("absent").record() == {"state": "absent"}
    assert Mark("placed", 1.0, 2.0).record() == {"state": "placed", "x": 1.0, "y": 2.0}


def test_record_of_other_fields_is_refused() -> None:
    record = record_of(make_operation())
    for wrong in ({}, dict(reversed(record.items())), {"x": 1, **record}):
        with pytest.raises(FormatError, match="F804"):
            operation_from_record(wrong)
    with pytest.raises(FormatError, match="F804"):
        operation_from_record({**record, "after": {"place": 3}})
    with pytest.raises(FormatError, match="F804"):
        operation_from_record({**record, "after": 3})


@pytest.mark.parametrize("name", POINTS.ids)
def test_every_point_of_the_set_can_be_set(name: str) -> None:
    check_operation(make_operation(name), POINTS)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "op": ({"op": "sett"}, "P401.*did you mean 'set'"),
    "id": ({"id": "12"}, "32 hexadecimal digits"),
    "batch": ({"batch": "g" * 32}, "32 hexadecimal digits"),
    "undoes": ({"undoes": "last"}, "32 hexadecimal digits"),
    "at": ({"at": "yesterday"}, "a time in UTC"),
    "origin": ({"origin": "guess"}, "hand, prediction"),
    "who": ({"who": "a" * 501}, "at most 500 letters"),
    "control": ({"camera": "a\nb"}, "camera"),
    "video": ({"video": ""}, "a video, a stamp"),
    "pts": ({"pts": 1.5}, "a video, a stamp"),
    "keypoint": ({"keypoint": "nose_tipp"}, "P403.*did you mean 'nose_tip'"),
    "state": ({"after": Mark("place", 1.0, 2.0)}, "did you mean 'placed'"),
    "no_place": ({"after": Mark("placed")}, "x and y"),
    "half_place": ({"after": Mark("invisible", 1.0)}, "x and y"),
    "absent_place": ({"after": Mark("absent", 1.0, 2.0)}, "no place"),
    "nan": ({"after": Mark("placed", float("nan"), 2.0)}, "finite"),
    "confidence": ({"after": Mark("placed", 1.0, 2.0, float("inf"))}, "finite"),
    "before": ({"before": Mark("placed", float("inf"), 2.0)}, "finite"),
    "note": ({"op": "note", "after": Note("x" * 501)}, "500 letters"),
}


@pytest.mark.parametrize("case", WRONG)
def test_impossible_operation_is_refused_by_its_field(case: str) -> None:
    fields, text = WRONG[case]
    with pytest.raises(MystaxError, match=text):
        check_operation(make_operation(**fields), POINTS)


def test_retired_point_is_not_labelled_any_more_but_its_labels_can_be_taken_back() -> None:
    points = POINTS.retire("nose_tip")
    with pytest.raises(MystaxError, match="retired"):
        check_operation(make_operation("nose_tip"), points)
    check_operation(make_operation("nose_tip", undoes="0" * 32), points)
