"""Where an outcome comes from: lists of texts, and the files of each camera, in any form that files have."""

import json

import numpy as np
import pytest

from mystax.io.provenance import files_of_cameras, frames_inputs, texts_of


def inputs(**counts: int) -> str:
    """Return the inputs of an outcome: so many files of each camera, and an option of reading."""
    entries = [
        {"role": "frames", "camera": camera, "position": k, "id": mark}
        for camera, n in counts.items()
        for k, mark in enumerate([*(f"{camera}{k}" for k in range(n)), "damage=keep"])
    ]
    return json.dumps([*entries, {"role": "rois", "camera": "", "position": 0, "id": "r"}])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ("a.mp4", ["a.mp4"]),
        ('["a","b"]', ["a", "b"]),
        (["a"], ["a"]),
        (np.array(["a", "b"]), ["a", "b"]),
        ("[1] face.mp4", ["[1] face.mp4"]),
        ("[" * 100_000, ["[" * 100_000]),
        ("7", ["7"]),
    ],
    ids=range(8),
)
def test_lists_of_texts_come_back_from_any_form(value: object, expected: list[str]) -> None:
    assert texts_of(value) == expected


def test_frames_are_known_by_camera() -> None:
    assert frames_inputs({"inputs": inputs(left=1, right=2)}) == {
        "left": ["left0", "damage=keep"],
        "right": ["right0", "right1", "damage=keep"],
    }


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "3", '{"a": 1}', "[1, 2]", "[null]"], ids=range(7))
def test_inputs_that_say_nothing_name_no_camera(text: str) -> None:
    assert frames_inputs({"inputs": text}) == {}


def test_files_are_noted_by_camera_also_of_those_that_were_not_measured() -> None:
    files = {"left": ["l.mp4"], "right": ["r1.mp4", "r2.mp4"]}
    attributes = {"run_camera_files": json.dumps(files), "inputs": inputs(left=1), "run_files": ["x"]}
    assert files_of_cameras(attributes) == files


def test_older_outcomes_tell_by_counting() -> None:
    attributes = {"run_files": ["l.mp4", "r1.mp4", "r2.mp4"], "inputs": inputs(left=1, right=2)}
    assert files_of_cameras(attributes) == {"left": ["l.mp4"], "right": ["r1.mp4", "r2.mp4"]}
    assert files_of_cameras({"run_files": "face.mp4", "inputs": inputs(face=1)}) == {"face": ["face.mp4"]}


@pytest.mark.parametrize(
    "attributes",
    [{}, {"run_files": ["a", "b"], "inputs": inputs(left=1, right=2)}, {"run_camera_files": '{"a": 1}'}],
)
def test_where_nothing_tells_no_file_is_named(attributes: dict[str, object]) -> None:
    assert files_of_cameras(attributes) == {}
