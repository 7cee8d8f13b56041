"""Codes on request: each line of the kernel gets a new one."""

from typing import Any

from mystax.app.security import Tokens
from mystax.app.view_child import answer_lines


def test_each_line_is_answered_with_a_code_that_is_good_once() -> None:
    tokens, told = Tokens("secret"), list[Any]()
    answer_lines(["code\n", "code\n"], tokens, told.append)
    codes = [record["code"] for record in told]
    assert len(set(codes)) == 2
    assert "secret" not in codes
    assert [tokens.take_code(code) for code in (*codes, *codes)] == [True, True, False, False]


def test_nothing_is_answered_when_nothing_is_asked() -> None:
    told = list[Any]()
    answer_lines([], Tokens(), told.append)
    assert told == []
