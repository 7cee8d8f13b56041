"""`mystax labels` as a user runs it: import, list, check, export, repair, suggest, evaluate."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.engine.labels.labels import Labels
from mystax.io.journal import JOURNAL
from mystax.io.video import VideoWriter
from tests.fixtures.commands import call
from tests.unit.engine.training.test_evaluate import wide_file


def ask(capsys: pytest.CaptureFixture[str], *words: object, status: int = 0) -> dict[str, Any]:
    """Run a command with --json and return its object."""
    finished = call(capsys, "labels", *map(str, words), "--json")
    assert finished.status == status, finished.err
    found: dict[str, Any] = json.loads(finished.out)
    assert found["ok"] == (status == 0)
    return found


def test_labels_go_in_and_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, folder = wide_file(tmp_path / "mouse"), tmp_path / "a.labels"
    imported = ask(capsys, "import", path, "--out", folder)["outcomes"][0]
    assert (imported["format"], imported["frames"]) == ("csv", 4)
    assert imported["names"]["nose_tip"] == {"ours": "nose_tip", "how": "exact"}
    listed = ask(capsys, "list", folder)["outcomes"][0]
    assert (listed["frames"], listed["keypoint_set"], listed["cameras"]) == (4, "mouse-face-13", {"mouse": 4})
    written = ask(capsys, "export", folder, tmp_path / "out.json", "--as", "coco")["outcomes"][0]
    assert written["frames"] == 4
    assert len(ask(capsys, "history", folder, "--last", 3)["outcomes"]) == 3
    figures = ask(capsys, "evaluate", folder, "--predictions", f"same={tmp_path / 'out.json'}")["evaluation"]
    assert figures["models"]["same"]["all"]["mean"] == 0.0


def test_labels_that_an_import_replaces_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, folder = wide_file(tmp_path / "mouse"), tmp_path / "a.labels"
    ask(capsys, "import", path, "--out", folder)
    with Labels(folder) as labels:
        (key, frame), *_ = labels.frames()
        picture = labels.store.files.read_sources()[key[0]].path
        labels.add(picture, 0, {next(iter(frame.points))[1]: (5.0, 6.0)}, who="ann")
    printed = call(capsys, "labels", "import", path, "--out", folder)
    assert "1 points replaced other labels (of them 1 set by hand)" in printed.err
    with Labels(folder) as labels:
        labels.undo(labels.store.state.last_batch())
    found = ask(capsys, "import", path, "--out", folder)["outcomes"][0]
    assert (found["points"], found["replaced"], found["replaced_by_hand"]) == (1, 1, 1)


def test_new_folder_has_the_points_that_were_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "person.labels"
    made = ask(capsys, "init", folder, "--keypoints", "human-face-68")["outcomes"][0]
    assert (made["keypoint_set"], len(made["keypoints"])) == ("human-face-68", 68)
    assert Labels(folder).keypoints.name == "human-face-68"
    assert ask(capsys, "init", folder, "--keypoints", "human-face-68")["outcomes"] == [made]
    refused = ask(capsys, "init", folder, status=2)["errors"][0]
    assert refused["code"] == "P403"
    assert "another keypoint set" in str(refused)


def test_names_are_printed_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = call(capsys, "labels", "import", wide_file(tmp_path), "--out", tmp_path / "a.labels")
    assert printed.status == 0
    assert "nose_tip  -> nose_tip (exact)" in printed.out
    assert "4 frames" in printed.out


def test_file_that_is_refused_leaves_the_others_and_status_three(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = wide_file(tmp_path)
    (tmp_path / "bad.csv").write_text("nonsense\n")
    found = ask(capsys, "import", path, tmp_path / "bad.csv", "--out", tmp_path / "a.labels", status=3)
    assert [error["code"] for error in found["errors"]] == ["F804"]
    assert len(Labels(tmp_path / "a.labels")) == 4


def test_second_writer_is_refused_with_status_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, folder = wide_file(tmp_path), tmp_path / "a.labels"
    with Labels(folder, write=True):
        found = ask(capsys, "import", path, "--out", folder, status=1)
    assert found["errors"][0]["code"] == "S504"
    assert "process" in found["errors"][0]["got"]


def test_damaged_folder_is_told_and_repaired(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, folder = wide_file(tmp_path), tmp_path / "a.labels"
    ask(capsys, "import", path, "--out", folder)
    lines = (folder / JOURNAL).read_bytes().splitlines(keepends=True)
    lines[1] = b"damage\n"
    (folder / JOURNAL).write_bytes(b"".join(lines))
    assert ask(capsys, "list", folder)["warnings"][0]["code"] == "W908"
    assert ask(capsys, "import", path, "--out", folder, status=1)["errors"][0]["code"] == "W908"
    assert ask(capsys, "repair", folder)["lines_set_apart"] == 1
    assert ask(capsys, "list", folder)["warnings"] == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["list", "nowhere"], "no such folder"),
        (["import", "nowhere.csv", "--out", "a.labels"], "no such file"),
        (["import", "{file}", "--out", "a.labels", "--keypoints", "mouse-face-14"], "did you mean"),
        (["import", "{file}", "--out", "a.labels", "--as", "coko"], "coko"),
        (["import", "{file}"], "--out"),
        (["export", "nowhere", "x.json", "--as", "coco"], ""),
        (["suggest", "new.labels"], "no video"),
        (["evaluate", "{file}", "--predictions", "{file}", "--test-last", "9"], "test frames"),
    ],
)
def test_request_that_must_change_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    text: str,
) -> None:
    path = wide_file(tmp_path)
    monkeypatch.chdir(tmp_path)
    finished = call(capsys, "labels", *(word.format(file=path) for word in words))
    assert finished.status in (1, 2)
    assert text in finished.err


def test_frames_of_a_video_are_suggested_with_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    with VideoWriter(tmp_path / "face.mp4", size=(64, 48), rate=Fraction(10)) as writer:
        for _picture in range(2):
            picture = rng.integers(0, 255, (48, 64), dtype=np.uint8)
            for _ in range(20):
                writer.write(picture)
    found = ask(capsys, "suggest", tmp_path / "a.labels", tmp_path / "face.mp4", "-n", 2)["outcomes"]
    assert sorted(item["frame"] >= 20 for item in found) == [False, True]
    assert all(item["reason"] for item in found)


def test_check_prints_a_remark_for_a_point_outside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a.labels"
    ask(capsys, "import", wide_file(tmp_path), "--out", folder)  # places up to 400 on pictures of 32 x 24
    kinds = {item["kind"] for item in ask(capsys, "check", folder)["outcomes"]}
    assert kinds == {"outside"}


@pytest.mark.parametrize(
    "name", ["init", "list", "import", "export", "history", "repair", "suggest", "check", "evaluate"]
)
def test_help_of_every_part_shows_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown = call(capsys, "labels", name, "--help")
    assert shown.status == 0
    assert f"Example: mystax labels {name}" in shown.out
