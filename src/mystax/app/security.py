"""The guard of the web app: who may ask, from which page, with what; and the headers of every answer.

The server is for the one person who started it.  Every request is looked at in the same order: the host's
name, the page that asks, the token, the form of the body.  A request that fails is answered with the words of
`mystax.errors` as JSON and reaches no route.
"""

import hmac
import json
import re
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from mystax.errors import AppError, MystaxError

__all__ = ["MOST_BODY", "Guard", "Tokens", "error_answer", "refused"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY = 10 * 2**20
"""Largest body of a request [bytes]."""
MOST_SMALL = 64_000
"""Largest body of a preview [bytes]."""
MOST_WRONG, A_MINUTE = 10, 60.0
"""Wrong tokens in a minute before every further one is answered with 429."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
STATUS = {"W901": 401, "W902": 421, "W903": 404, "W904": 409, "W906": 413}
"""HTTP status of a code of the web app, where the refusal names no other."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
)
SANDBOX = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""Policy of reports and of files of others: a planted script cannot run."""
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), usb=()",
}


def refused(status: int, code: str, where: str, what: str, **words: str) -> AppError:
    """Make a refusal with a status of its own (W902 is 421 for a host, 403 for a page)."""
    error = AppError(code, where, what, **words)
    error.status = status
    return error


def error_answer(error: MystaxError) -> tuple[int, dict[str, str]]:
    """Return the HTTP status and the JSON object of an error."""
    given = getattr(error, "status", None)
    if isinstance(given, int):
        return given, error.record().as_dict()
    plan_or_input = error.code[:1] in {"P", "V", "C", "N", "F", "M"}
    return STATUS.get(error.code, 422 if plan_or_input else 500), error.record().as_dict()


class Tokens:
    """The secrets of one start of the server: its token, and codes that are good once.

    Parameters
    ----------
    token : str, optional
        The token; by default 256 new random bits.
    monotonic : callable, optional
        The clock of codes and wrong tries [s].
    """

    def __init__(self, token: str | None = None, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._token = token or secrets.token_urlsafe(32)
        self._monotonic = monotonic
        self._codes: dict[str, float] = {}
        self._wrong: deque[float] = deque()

    def __repr__(self) -> str:
        return "Tokens(***)"

    @property
    def token(self) -> str:
        """The token; it belongs into no log."""
        return self._token

    def new_code(self, seconds: float = 60.0) -> str:
        """Make a code that can be exchanged once for the token."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = self._monotonic() + seconds
        return code

    def take_code(self, code: str) -> bool:
        """Use a code up; tell whether it was good."""
        for known, until in list(self._codes.items()):
            if until < self._monotonic():
                del self._codes[known]
            elif hmac.compare_digest(known.encode(), code.encode("utf-8", "replace")):
                del self._codes[known]
                return True
        return False

    def is_right(self, text: str | None) -> bool:
        """Compare a text with the token, in a time that does not depend on where they differ."""
        return text is not None and hmac.compare_digest(self._token.encode(), text.encode("utf-8", "replace"))

    def note_wrong(self) -> None:
        """Count a wrong token.

        Raises
        ------
        AppError
            W906 (429), if there were too many in a minute.
        """
        now = self._monotonic()
        while self._wrong and self._wrong[0] < now - A_MINUTE:
            self._wrong.popleft()
        if len(self._wrong) >= MOST_WRONG:
            raise refused(429, "W906", "token", "too many wrong tokens", hint="wait a minute")
        self._wrong.append(now)


def _header(scope: Scope, name: bytes) -> str | None:
    """Return a header that comes once; None if it is not there."""
    found = [value for key, value in scope["headers"] if key == name]
    return b",".join(found).decode("latin-1") if found else None


def _name_of_host(host: str) -> str:
    """Return the host without its port: any port is allowed, since a tunnel may end on another."""
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]/@\s]+)(?::[0-9]{1,5})?", host)
    return found.group(1).lower() if found else ""


class Guard:
    """Wraps the application: refuses what must not reach it, and sets the headers of every answer.

    Parameters
    ----------
    app : callable
        The ASGI application behind.
    tokens : Tokens
        The secrets of this start.
    port : int
        The port that the server listens on; it names the cookie.
    allowed_hosts : iterable of str, optional
        Names besides the loopback ones.
    base : str, optional
        Path under which the page lies, such as ``/proxy/8765``.
    framed_by : str, optional
        Origin that may show the page in a frame (a notebook).
    """

    def __init__(
        self,
        app: App,
        tokens: Tokens,
        port: int,
        *,
        allowed_hosts: Iterable[str] = (),
        base: str = "",
        framed_by: str = "",
    ) -> None:
        self._app, self._tokens = app, tokens
        self._cookie = f"mystax_{port}"
        self._hosts = LOOPBACK | {host.lower() for host in allowed_hosts}
        self._base = base.rstrip("/")
        self._policy = POLICY.format(ancestors=framed_by or "'none'")

    @property
    def cookie(self) -> str:
        """Name of the cookie."""
        return self._cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"the guard knows no {scope['type']}")
        path = self._path(scope)
        is_api = path == "/api" or path.startswith("/api/")
        finish = self._with_headers(send, is_api=is_api)
        try:
            self._check(scope, path, is_api=is_api)
        except AppError as error:
            await _answer(error, finish)
            return
        await self._app(scope, self._measured(scope, receive, path), finish)

    def _path(self, scope: Scope) -> str:
        """Return the path below the base."""
        path = str(scope["path"])
        return path[len(self._base) :] if self._base and path.startswith(self._base + "/") else path

    def _check(self, scope: Scope, path: str, *, is_api: bool) -> None:
        """Refuse by host, page, token and form, in this order."""
        host = _header(scope, b"host") or ""
        if _name_of_host(host) not in self._hosts:
            raise refused(
                421,
                "W902",
                "Host",
                "this server does not answer to that name",
                expected=", ".join(sorted(self._hosts)),
                got=repr(host),
                hint="open the address that the command printed, or start it with --allow-host",
            )
        origin = _header(scope, b"origin")
        if origin is not None and origin.lower() not in self._origins(scope, host):
            raise refused(403, "W902", "Origin", "another page asks", got=repr(origin))
        if _header(scope, b"upgrade") is not None:
            raise refused(400, "W902", "Upgrade", "there is no WebSocket here")
        if not is_api:
            return
        method = str(scope["method"])
        site = _header(scope, b"sec-fetch-site")
        if site is not None and site != "same-origin" and not (site == "none" and method == "GET"):
            raise refused(403, "W902", "Sec-Fetch-Site", "another page asks", got=repr(site))
        bearer = self._bearer(scope)
        if method in WRITES and origin is None and bearer is None:
            raise refused(403, "W902", "Origin", "a write names neither its page nor a bearer token")
        if path != "/api/session" or method != "POST":
            self._check_token(scope, bearer)
        if method in WRITES:
            self._check_form(scope, path)

    def _origins(self, scope: Scope, host: str) -> set[str]:
        """Return how the browser may call our own page; a proxy before a named host may have spoken TLS."""
        schemes = {str(scope.get("scheme", "http"))}
        if _name_of_host(host) not in LOOPBACK:
            schemes.add("https")
        return {f"{scheme}://{host}".lower() for scheme in schemes}

    def _bearer(self, scope: Scope) -> str | None:
        kind, _, text = (_header(scope, b"authorization") or "").partition(" ")
        return text.strip() if kind.lower() == "bearer" else None

    def _cookies(self, scope: Scope) -> list[str]:
        """Return the values of our cookie."""
        pairs = [part.strip().partition("=") for part in (_header(scope, b"cookie") or "").split(";")]
        return [value for name, _, value in pairs if name == self._cookie]

    def _check_token(self, scope: Scope, bearer: str | None) -> None:
        given = [*([] if bearer is None else [bearer]), *self._cookies(scope)]
        if any(map(self._tokens.is_right, given)):
            return
        if given:
            self._tokens.note_wrong()
        raise refused(
            401,
            "W901",
            "token",
            "wrong token" if given else "no token",
            hint="open the link that `mystax app` printed: each start has a new one",
        )

    def _check_form(self, scope: Scope, path: str) -> None:
        """Refuse bodies that are no JSON or too large."""
        kind = (_header(scope, b"content-type") or "").partition(";")[0].strip().lower()
        length = _header(scope, b"content-length")
        has_body = length not in (None, "0") or _header(scope, b"transfer-encoding") is not None
        if has_body and kind != "application/json":
            raise refused(
                415, "W906", "Content-Type", "not JSON", expected="application/json", got=repr(kind)
            )
        if length is not None and (not length.isdigit() or int(length) > _most(path)):
            raise _too_large(path)

    def _measured(self, scope: Scope, receive: Receive, path: str) -> Receive:
        """Count the bytes of a body that says no length, or a wrong one."""
        if scope["method"] not in WRITES:
            return receive
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > _most(path):
                raise _too_large(path)
            return message

        return counted

    def _with_headers(self, send: Send, *, is_api: bool) -> Send:
        """Add the headers that every answer has; those of the route win."""
        ours = {**ALWAYS, "content-security-policy": self._policy}
        if is_api:
            ours["cache-control"] = "no-store"

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", []))
                names = {name.lower() for name, _ in given}
                more = [(k.encode(), v.encode()) for k, v in ours.items() if k.encode() not in names]
                message = {**message, "headers": [*given, *more]}
            await send(message)

        return finish


def _most(path: str) -> int:
    return MOST_SMALL if path == "/api/preview" else MOST_BODY


def _too_large(path: str) -> AppError:
    return refused(413, "W906", "request", "too large", expected=f"at most {_most(path)} bytes")


async def _answer(error: MystaxError, send: Send) -> None:
    """Send an error as JSON."""
    status, words = error_answer(error)
    body = json.dumps(words).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
