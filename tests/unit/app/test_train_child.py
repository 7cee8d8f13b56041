"""The child that trains: its wish is the arguments of `train`, its last line the report or the refusal."""

import io
import json
from typing import Any

import pytest

from mystax.app import train_child
from mystax.core.events import Event
from mystax.engine.training import train as training
from mystax.errors import Cancelled, RecipeError


class Found:
    """A report."""

    def as_dict(self) -> dict[str, object]:
        return {"weights": "mine.onnx", "accepted": True}


def told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], end: Exception | None = None
) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
    """Let the child train; return its status, its lines and what `train` was given."""
    given: dict[str, Any] = {}

    def train(**wish: Any) -> Found:
        given.update(wish)
        wish["progress"](Event("progress", "train", done=1, total=2))
        if end is not None:
            raise end
        return Found()

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"labels": "a.labels", "minutes": 1.0}) + "\n"))
    status = train_child.main()
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()], given


def test_the_report_is_the_last_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines, given = told(monkeypatch, capsys)
    assert status == 0
    assert (lines[0]["kind"], lines[0]["done"], lines[0]["total"]) == ("progress", 1, 2)
    assert lines[1:] == [{"result": {"weights": "mine.onnx", "accepted": True}}]
    assert (given["labels"], given["minutes"], given["cores"] >= 1) == ("a.labels", 1.0, True)


def test_a_refusal_is_told_with_its_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines, _ = told(monkeypatch, capsys, RecipeError("P403", "labels", "there are too few"))
    assert status == 1
    assert (lines[-1]["error"]["code"], lines[-1]["error"]["where"]) == ("P403", "labels")


def test_a_wish_to_stop_is_no_failure_with_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines, _ = told(monkeypatch, capsys, Cancelled("train"))
    assert (status, len(lines)) == (143, 1)
