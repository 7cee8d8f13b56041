"""What a child finds in a folder: its last line, its refusal, and an end where it takes too long."""

import asyncio
import json
import sys
import time
from typing import Any

import pytest

from mystax.app.additions import look
from mystax.app.security import error_answer
from mystax.errors import AppError, InternalError, MystaxError, RecipeError


def child(*lines: Any, more: str = "") -> tuple[str, ...]:
    """Return a child that tells lines."""
    told = "\n".join(json.dumps(line) for line in lines)
    return (
        sys.executable,
        "-c",
        f"import sys, time\nsys.stdin.readline()\nprint({told!r}, flush=True)\n{more}",
    )


def ask(command: tuple[str, ...], longest: float = 20.0) -> dict[str, Any]:
    return asyncio.run(look({"folder": "x"}, command=command, longest=longest))


def test_the_last_line_is_what_was_found() -> None:
    found = ask(child({"kind": "progress", "done": 1, "total": 2}, {"result": {"n_videos": 2}}))
    assert found == {"n_videos": 2}


def test_a_long_answer_comes_whole() -> None:
    more = "import json; print(json.dumps({'result': {'left_out': ['x' * 40] * 5000}}), flush=True)"
    assert ask(child({"kind": "note"}, more=more)) == {"left_out": ["x" * 40] * 5000}


def test_a_refusal_keeps_its_words() -> None:
    error = RecipeError("P403", "films", "no file matches the pattern", hint="another pattern")
    with pytest.raises(MystaxError, match="no file matches") as caught:
        ask(child({"error": error.record().as_dict()}))
    assert type(caught.value) is RecipeError
    assert error_answer(caught.value)[0] == 422


def test_a_child_that_tells_nothing_is_a_bug() -> None:
    with pytest.raises(InternalError, match="ended with 3"):
        ask(child({"kind": "note"}, more="sys.exit(3)"))


def test_a_look_that_takes_too_long_ends_and_says_what_to_do() -> None:
    begun = time.monotonic()
    with pytest.raises(AppError, match="choose a folder further down") as caught:
        ask(child({"kind": "note"}, more="time.sleep(60)"), longest=0.5)
    assert error_answer(caught.value)[0] == 413
    assert time.monotonic() - begun < 10
