"""The child that compares: its wish names labels and two sides, its last line is the result or a refusal."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from mystax.app import compare_child
from mystax.engine.labels import frames as labelled
from mystax.engine.training import compare as comparing
from mystax.errors import RecipeError


def told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], end: Exception | None = None
) -> tuple[int, list[dict[str, Any]], list[Any]]:
    """Let the child compare; return its status, its lines and what it compared."""
    given: list[Any] = []

    def compare(*what: Any) -> dict[str, Any]:
        given.extend(what)
        if end is not None:
            raise end
        return {"n_frames": 3}

    monkeypatch.setattr(labelled, "labelled_frames", lambda folder: f"frames of {folder}")
    monkeypatch.setattr(comparing, "compare", compare)
    sides: list[dict[str, Any]] = [
        {"name": name, "weights": path, "poses": {}} for name, path in (("a", "/w/a.onnx"), ("b", None))
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"labels": "x.labels", "sides": sides}) + "\n"))
    status = compare_child.main()
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()], given


def test_the_result_is_the_last_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines, (frames, first, second) = told(monkeypatch, capsys)
    assert (status, lines) == (0, [{"result": {"n_frames": 3}}])
    assert frames == "frames of x.labels"
    assert [(one.name, one.weights) for one in (first, second)] == [("a", Path("/w/a.onnx")), ("b", None)]


def test_a_refusal_is_told_with_its_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines, _ = told(monkeypatch, capsys, RecipeError("P403", "comparison", "no frame"))
    assert (status, lines[-1]["error"]["code"]) == (1, "P403")
