"""Children of the app speak JSON lines: a wish comes in, what happens goes out at once."""

import io
import json
import sys

import pytest

from mystax.app.child_lines import read_wish, report, tell
from mystax.core.events import Event


def test_a_wish_is_the_first_line_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = io.StringIO('{"folder": "a b", "n": 3}\n{"folder": "other"}\n')
    monkeypatch.setattr(sys, "stdin", lines)
    assert read_wish() == {"folder": "a b", "n": 3}
    assert lines.readline() == '{"folder": "other"}\n'


def test_a_parent_that_is_gone_leaves_no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(json.JSONDecodeError):
        read_wish()


def test_each_thing_is_a_line_of_its_own_and_goes_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Out(io.StringIO):
        n_flushed = 0

        def flush(self) -> None:
            self.n_flushed += 1

    out = Out()
    monkeypatch.setattr(sys, "stdout", out)
    tell({"what": "two\nlines", "ü": [1, None]})
    report(Event("progress", "motion", 3, 9, "face", data={"rate": 12.5}))
    first, second = out.getvalue().splitlines()
    assert json.loads(first) == {"what": "two\nlines", "ü": [1, None]}
    told = json.loads(second)
    assert (told["kind"], told["done"], told["total"], told["data"]["rate"]) == ("progress", 3, 9, 12.5)
    assert out.n_flushed == 2
