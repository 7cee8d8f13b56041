"""Sessions: a token for a cookie, a code for the token, once and for a minute."""

from typing import Any

import pytest

from mystax.app.security import Tokens
from tests.fixtures.asgi import Application


class Clock:
    """A clock that goes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def open_session(app: Application, **given: Any) -> Any:
    return app.ask("/api/session", "POST", given)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(clock: Clock) -> Application:
    return Application(tokens=Tokens("secret", monotonic=clock))


def test_a_code_becomes_the_token_and_no_cookie(app: Application) -> None:
    answer = open_session(app, code=app.tokens.new_code())
    assert (answer.status, answer.json()) == (200, {"token": "secret"})
    assert "set-cookie" not in answer.headers


def test_the_token_becomes_a_cookie_and_is_not_repeated(app: Application) -> None:
    answer = open_session(app, token="secret")  # noqa: S106 - of this test
    assert (answer.status, answer.json()) == (200, {"token": None})
    assert answer.headers["set-cookie"].startswith("mystax_8765=secret; HttpOnly")


def test_a_code_is_good_once(app: Application) -> None:
    code = app.tokens.new_code()
    assert [open_session(app, code=code).status for _ in range(3)] == [200, 401, 401]


@pytest.mark.parametrize(("seconds", "status"), [(59.9, 200), (60.1, 401)])
def test_a_code_is_good_for_a_minute(seconds: float, status: int, app: Application, clock: Clock) -> None:
    code = app.tokens.new_code()
    clock.now = seconds
    assert open_session(app, code=code).status == status


@pytest.mark.parametrize("code", ["x" * 32, "secret", "\ud800".encode("utf-8", "replace").decode(), "é"])
def test_a_wrong_code_is_refused_and_says_what_to_do(code: str, app: Application) -> None:
    app.tokens.new_code()
    answer = open_session(app, code=code)
    assert (answer.status, answer.json()["code"]) == (401, "W901")
    assert "run the cell of the notebook again" in answer.json()["hint"]
    assert "secret" not in answer.body.decode()


def test_a_wrong_code_does_not_use_up_a_right_one(app: Application) -> None:
    code = app.tokens.new_code()
    open_session(app, code="wrong")
    assert open_session(app, code=code).status == 200


def test_guessing_codes_is_stopped(app: Application, clock: Clock) -> None:
    found = [open_session(app, code=f"guess{k}").status for k in range(12)]
    assert found == [401] * 10 + [429] * 2
    clock.now = 61.0
    assert open_session(app, code="guess").status == 401


def test_a_code_is_no_token(app: Application) -> None:
    assert open_session(app, token=app.tokens.new_code()).status == 401


def test_a_session_that_is_closed_forgets_its_cookie(app: Application) -> None:
    answer = app.ask("/api/session", "DELETE", {})
    assert answer.status == 200
    assert 'mystax_8765=""' in answer.headers["set-cookie"]
