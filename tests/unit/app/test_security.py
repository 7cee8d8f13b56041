"""The guard: each rule refuses with its status before a route is reached, and no rule refuses the page."""

import asyncio
import json
from typing import Any, NamedTuple

import pytest

from mystax.app.security import MOST_BODY, MOST_SMALL, Guard, Message, Receive, Scope, Send, Tokens
from mystax.errors import AppError

OURS = {"host": "127.0.0.1:8765", "origin": "http://127.0.0.1:8765", "cookie": "mystax_8765=secret"}


class Answer(NamedTuple):
    """What came back, and what the application behind was given (None if it was not reached)."""

    status: int
    headers: dict[str, str]
    body: bytes
    seen: bytes | None


def ask(
    path: str = "/api/about",
    method: str = "GET",
    body: bytes = b"",
    tokens: Tokens | None = None,
    guard: dict[str, Any] | None = None,
    **headers: Any,
) -> Answer:
    """Send one request through a guard whose application returns 200 and keeps the body."""
    seen: list[bytes] = []
    sent: list[Message] = []

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((await receive()).get("body", b""))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame", b"1")]})
        await send({"type": "http.response.body", "body": b"{}"})

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        sent.append(message)

    given = {
        name.replace("_", "-"): value for name, value in {**OURS, **headers}.items() if value is not None
    }
    scope = {
        "type": "http",
        "scheme": "http",
        "method": method,
        "path": path,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
    }
    app = Guard(behind, tokens or Tokens("secret"), 8765, **(guard or {}))
    asyncio.run(app(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, sent[1]["body"], seen[0] if seen else None)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"cookie": None}, 401, "W901"),
        ({"cookie": "mystax_8765=wrong"}, 401, "W901"),
        ({"cookie": "mystax_8766=secret"}, 401, "W901"),
        ({"cookie": None, "authorization": "Bearer wrong"}, 401, "W901"),
        ({"cookie": None, "authorization": "Basic secret"}, 401, "W901"),
        ({"host": "evil.example:8765"}, 421, "W902"),
        ({"host": "127.0.0.1.evil.example"}, 421, "W902"),
        ({"host": ""}, 421, "W902"),
        ({"host": None}, 421, "W902"),
        ({"host": "user@127.0.0.1"}, 421, "W902"),
        ({"host": "127.0.0.1:8765:1"}, 421, "W902"),
        ({"origin": "http://evil.example"}, 403, "W902"),
        ({"origin": "null"}, 403, "W902"),
        ({"origin": "http://127.0.0.1:9000"}, 403, "W902"),
        ({"origin": "https://127.0.0.1:8765"}, 403, "W902"),
        ({"origin": None, "sec_fetch_site": "cross-site"}, 403, "W902"),
        ({"sec_fetch_site": "same-site"}, 403, "W902"),
        ({"upgrade": "websocket"}, 400, "W902"),
    ],
)
def test_a_foreign_request_is_refused_before_it_reaches_a_route(
    headers: dict[str, Any], status: int, code: str
) -> None:
    answer = ask(**headers)
    assert (answer.status, answer.seen) == (status, None)
    assert json.loads(answer.body)["code"] == code
    assert "secret" not in answer.body.decode()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": None},
        {"sec_fetch_site": "same-origin"},
        {"origin": None, "sec_fetch_site": "none"},
        {"host": "localhost:9999", "origin": "http://localhost:9999"},
        {"host": "[::1]:8765", "origin": "http://[::1]:8765"},
        {"cookie": None, "origin": None, "authorization": "Bearer secret"},
        {"cookie": "a=1; mystax_8765=secret; b=2"},
    ],
)
def test_the_page_and_scripts_reach_the_route(headers: dict[str, Any]) -> None:
    assert ask(**headers).status == 200


def test_a_tunnel_may_end_on_another_port() -> None:
    assert ask(host="127.0.0.1:4000", origin="http://127.0.0.1:4000").status == 200


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"origin": None}, b"{}", 403),
        ({"origin": None, "sec_fetch_site": "cross-site", "authorization": "Bearer secret"}, b"{}", 403),
        ({"sec_fetch_site": "none"}, b"{}", 403),
        ({"content_type": "application/x-www-form-urlencoded", "content_length": "3"}, b"a=1", 415),
        ({"content_type": "text/plain", "content_length": "2"}, b"{}", 415),
        ({"content_length": "2"}, b"{}", 415),
        ({"content_type": "application/json", "content_length": str(MOST_BODY + 1)}, b"{}", 413),
        ({"content_type": "application/json", "content_length": "-1"}, b"{}", 413),
    ],
)
def test_a_write_of_a_wrong_form_is_refused(headers: dict[str, Any], body: bytes, status: int) -> None:
    answer = ask("/api/jobs", "POST", body, **headers)
    assert (answer.status, answer.seen) == (status, None)


def test_a_write_of_the_page_arrives_whole() -> None:
    body = b'{"a": 1}'
    kind: dict[str, Any] = {
        "content_type": "application/json; charset=utf-8",
        "content_length": str(len(body)),
    }
    assert ask("/api/jobs", "POST", body, **kind).seen == body


def test_a_body_that_hides_its_length_is_counted() -> None:
    chunked: dict[str, Any] = {"content_type": "application/json", "transfer_encoding": "chunked"}
    assert ask("/api/preview", "POST", b"x" * MOST_SMALL, **chunked).status == 200
    with pytest.raises(AppError, match="too large"):
        ask("/api/preview", "POST", b"x" * (MOST_SMALL + 1), **chunked)


def test_the_shell_is_public_but_not_for_other_names() -> None:
    assert ask("/", cookie=None, origin=None, sec_fetch_site="cross-site").status == 200
    assert ask("/", cookie=None, host="evil.example").status == 421


def test_every_answer_has_the_headers_and_only_the_api_forbids_keeping() -> None:
    for answer in (ask(), ask(cookie=None), ask("/")):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert ask().headers["cache-control"] == "no-store"
    assert "cache-control" not in ask("/").headers


def test_only_a_named_page_may_frame_the_view() -> None:
    framed = ask(guard={"framed_by": "http://localhost:8888"})
    assert "frame-ancestors http://localhost:8888" in framed.headers["content-security-policy"]


def test_rules_hold_behind_a_base_path_too() -> None:
    behind: dict[str, Any] = {"guard": {"base": "/proxy/8765"}}
    assert ask("/proxy/8765/api/about", cookie=None, **behind).status == 401
    assert ask("/proxy/8765/api/about", **behind).status == 200
    assert ask("/api/about", cookie=None, **behind).status == 401


def test_wrong_tokens_are_counted_and_forgotten_after_a_minute() -> None:
    now = [0.0]
    tokens = Tokens("secret", monotonic=lambda: now[0])
    answers = [ask(tokens=tokens, cookie="mystax_8765=wrong").status for _ in range(12)]
    assert answers == [401] * 10 + [429] * 2
    assert ask(tokens=tokens).status == 200
    now[0] = 61.0
    assert ask(tokens=tokens, cookie="mystax_8765=wrong").status == 401


def test_a_code_is_good_once_and_for_a_minute() -> None:
    now = [0.0]
    tokens = Tokens(monotonic=lambda: now[0])
    code, late = tokens.new_code(), tokens.new_code()
    assert not tokens.take_code("other")
    assert tokens.take_code(code)
    assert not tokens.take_code(code)
    now[0] = 60.5
    assert not tokens.take_code(late)


def test_a_token_has_256_bits_and_is_not_shown() -> None:
    tokens = Tokens()
    assert len(tokens.token) >= 43
    assert tokens.token != Tokens().token
    assert tokens.token not in repr(tokens)
    assert tokens.is_right(tokens.token)
    assert not tokens.is_right(None)
    assert not tokens.is_right("ü")


def test_a_proxy_before_a_named_host_may_have_spoken_tls_to_the_browser() -> None:
    def write(host: str, origin: str) -> int:
        guard = {"allowed_hosts": ["hub.lab.org"]}
        own = {"cookie": None, "authorization": "Bearer secret", "content_type": "application/json"}
        return ask("/api/about", "POST", b"{}", None, guard, host=host, origin=origin, **own).status

    for origin in ("https://hub.lab.org", "http://hub.lab.org"):
        assert write("hub.lab.org", origin) == 200
    for other in ("evil.example", "hub.lab.org:444", "hub.lab.org.evil.example"):
        assert write("hub.lab.org", f"https://{other}") == 403
    assert write("hub.lab.org", "null") == 403
    assert write("127.0.0.1:8765", "https://127.0.0.1:8765") == 403
