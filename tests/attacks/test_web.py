"""The 17 attacks on the web app, and what is tested beside them: sent byte by byte to a real server."""

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mystax.app.security import MOST_BODY, MOST_SMALL
from mystax.core.keypoints import KeypointSet
from mystax.engine.labels.labels import Labels
from mystax.synth import faulty_video
from tests.fixtures.web_server import WebServer, web_server

pytestmark = pytest.mark.attack

SECRET = "what nobody may read"  # noqa: S105 - a text to look for, no password
MARKUP = "<img src=x onerror=alert(1)>"
BASES = ("", "/proxy/8765")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with hostile names and links, a planted report, and secrets around it."""
    around = tmp_path_factory.mktemp("attack")
    root = around / "root"
    (root / "inner").mkdir(parents=True)
    faulty_video(root / f"{MARKUP}.mp4", "clean", n_frames=12, size=(64, 48))
    (around / "secret.txt").write_text(SECRET)
    (around / "root-beside").mkdir()
    (around / "root-beside" / "secret.txt").write_text(SECRET)
    (root / "out").symlink_to(around)
    (root / "secret-link.txt").symlink_to(around / "secret.txt")
    faulty_video(root / "planted.mp4", "clean", n_frames=12, size=(64, 48))
    planted = root / "planted.mystax"
    planted.mkdir()
    (planted / "report.html").write_text("<script>parent.stolen = 1</script>")
    points = KeypointSet.load("mouse-face-13").with_point(MARKED_POINT)
    with Labels(root / "planted.labels", points, write=True):
        pass
    return root


def _marked_point() -> Any:
    from mystax.core.keypoints import Keypoint

    return Keypoint("extra", definition=MARKUP)


MARKED_POINT = _marked_point()


@pytest.fixture(scope="module", params=BASES, ids=["plain", "behind a base path"])
def server(request: pytest.FixtureRequest, place: Path) -> Iterator[WebServer]:
    options = ("--base", request.param) if request.param else ()
    with web_server(place, options=options) as running:
        yield running


def code_of(body: bytes) -> str:
    return str(json.loads(body)["code"])


# 1 to 9: who asks, and from which page ---------------------------------------------------------------

WHO: dict[str, tuple[dict[str, str | None], int, str]] = {
    "1 no token": ({"bearer": None}, 401, "W901"),
    "2 wrong token": ({"bearer": "x" * 43}, 401, "W901"),
    "3 rebinding": ({"Host": "evil.example:8765"}, 421, "W902"),
    "4 a name that begins as ours": ({"Host": "127.0.0.1.evil.example"}, 421, "W902"),
    "5 empty host": ({"Host": ""}, 421, "W902"),
    "6 foreign origin": ({"Origin": "http://evil.example"}, 403, "W902"),
    "7 origin null": ({"Origin": "null"}, 403, "W902"),
    "9 origin of another port": ({"Origin": "http://127.0.0.1:1"}, 403, "W902"),
}


@pytest.mark.parametrize("what", WHO)
def test_who_asks_wrongly_is_refused(what: str, server: WebServer) -> None:
    headers, status, code = WHO[what]
    answer = server.ask("/api/recordings", **headers)  # type: ignore[arg-type]
    assert (answer.status, code_of(answer.body)) == (status, code)
    assert MARKUP.encode() not in answer.body


def test_8_a_write_from_another_site_is_refused_whatever_it_carries(server: WebServer) -> None:
    answer = server.ask(
        "/api/preview",
        "POST",
        {},
        Origin=f"http://127.0.0.1:{server.port}",
        **{"Sec-Fetch-Site": "cross-site"},
    )
    assert (answer.status, code_of(answer.body)) == (403, "W902")


# 10 to 17: paths -------------------------------------------------------------------------------------

PATHS = {
    "10 dots": "../secret.txt",
    "10 dots inside": "inner/../../secret.txt",
    "11 encoded": "%2e%2e%2fsecret.txt",
    "12 encoded twice": "%252e%252e%252fsecret.txt",
    "13 absolute": "{around}/secret.txt",
    "14 link out of the folder": "out/secret.txt",
    "14 link to a file": "secret-link.txt",
    "15 sibling of the same prefix": "../root-beside/secret.txt",
    "16 NUL": "inner%00/../secret.txt",
    "17 backslashes": "..%5c..%5csecret.txt",
}
DOORS = ("/api/roots/{root}/list?path={path}", "/api/recordings/{path}", "/assets/{path}")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("what", PATHS)
def test_a_path_that_leads_out_is_not_found(what: str, door: str, server: WebServer, place: Path) -> None:
    root = server.get("/api/roots")[0]["id"]
    path = PATHS[what].format(around=place.parent)
    answer = server.ask(door.format(root=root, path=path))
    assert answer.status == 404
    assert SECRET.encode() not in answer.body
    assert b"root-beside" not in answer.body


def test_a_raw_nul_byte_is_no_request(server: WebServer) -> None:
    request = f"GET {server.base}/api/roots\0/list HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    assert server.raw(request.encode()).status == 400


def test_links_that_lead_out_are_not_listed(server: WebServer) -> None:
    root = server.get("/api/roots")[0]["id"]
    names = {entry["name"] for entry in server.get(f"/api/roots/{root}/list")["entries"]}
    assert "inner" in names
    assert not names & {"out", "secret-link.txt"}


# the other three of the 20 web requests --------------------------------------------------------------


def test_a_websocket_is_refused(server: WebServer) -> None:
    answer = server.ask("/api/events", Connection="Upgrade, close", Upgrade="websocket")
    assert (answer.status, code_of(answer.body)) == (400, "W902")


def test_a_token_in_the_query_is_none(server: WebServer) -> None:
    assert server.ask(f"/api/recordings?token={server.token}&k={server.token}", bearer=None).status == 401


def test_a_form_is_refused(server: WebServer) -> None:
    answer = server.ask(
        "/api/preview", "POST", b"a=1", **{"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert (answer.status, code_of(answer.body)) == (415, "W906")


# also tested -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "most"), [("/api/session", MOST_BODY), ("/api/preview", MOST_SMALL)])
def test_a_body_that_is_too_large_is_refused(path: str, most: int, server: WebServer) -> None:
    answer = server.ask(path, "POST", b"{" + b" " * most + b"}")
    assert (answer.status, code_of(answer.body)) == (413, "W906")


def test_a_body_that_hides_its_length_is_refused(server: WebServer) -> None:
    part = b"%x\r\n%s\r\n" % (MOST_SMALL, b" " * MOST_SMALL)
    answer = server.ask(
        "/api/preview",
        "POST",
        part * 2 + b"0\r\n\r\n",
        **{"Content-Length": None, "Transfer-Encoding": "chunked"},
    )
    assert answer.status == 413


def test_the_end_of_a_tunnel_on_another_port_is_ours(server: WebServer) -> None:
    there = "127.0.0.1:4000"
    answer = server.ask(
        "/api/recordings", Host=there, Origin=f"http://{there}", **{"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status == 200


def test_no_other_site_can_show_the_page_in_a_frame(server: WebServer) -> None:
    answer = server.ask("/", bearer=None)
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_names_that_are_markup_stay_text_of_a_json_answer(server: WebServer) -> None:
    answer = server.ask("/api/recordings")
    assert answer.headers["content-type"] == "application/json"
    rows = answer.json()
    assert MARKUP in {row["name"] for row in rows}
    key = next(row["id"] for row in rows if row["labels"])
    labels = server.get(f"/api/recordings/{key}")["labels"][0]["id"]
    points = server.get(f"/api/labels/{labels}")["keypoints"]
    assert points[-1]["definition"] == MARKUP


def test_an_unknown_address_is_not_echoed_as_a_page(server: WebServer) -> None:
    answer = server.ask("/api/%3Cscript%3E")
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert b"<script>" not in answer.body


@pytest.mark.parametrize("text", ["a%0d%0aX-Evil:%201", "%0d%0a%0d%0a<script>"])
def test_line_ends_make_no_header(text: str, server: WebServer) -> None:
    for path in (f"/api/recordings/{text}", f"/api/recordings?q={text}", f"/{text}"):
        assert "x-evil" not in server.ask(path).headers


def test_a_planted_script_in_a_report_cannot_run(server: WebServer, place: Path) -> None:
    key = next(row["id"] for row in server.get("/api/recordings") if row["name"] == "planted")
    answer = server.ask(f"/api/recordings/{key}/report")
    assert answer.status == 200
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "script" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].endswith("frame-ancestors 'none'")


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded"])
def test_forged_words_of_a_proxy_change_nothing(name: str, server: WebServer) -> None:
    evil = "host=127.0.0.1;proto=https" if name == "Forwarded" else "127.0.0.1"
    assert server.ask("/api/recordings", Host="evil.example", **{name: evil}).status == 421
    assert server.ask("/api/recordings", bearer=None, **{name: evil}).status == 401
    assert server.ask("/api/recordings", **{name: "https" if name.endswith("Proto") else evil}).status == 200


def test_the_stream_of_events_needs_a_token(server: WebServer) -> None:
    assert server.ask("/api/events", bearer=None).status == 401


def test_two_lengths_of_a_body_are_no_request(server: WebServer) -> None:
    request = (
        f"POST {server.base}/api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n"
        "Content-Length: 40\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{}"
    )
    assert server.raw(request.encode()).status == 400


def test_headers_without_end_are_refused(server: WebServer) -> None:
    with server.connect() as connection:
        answer = b""
        with contextlib.suppress(OSError):  # the server may hang up in the middle
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"a" * 200_000)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
        assert b"200 OK" not in answer


def test_the_token_stands_in_no_answer(server: WebServer) -> None:
    for path in ("/", "/api/about", "/api/openapi.json", "/api/recordings"):
        answer = server.ask(path)
        assert server.token.encode() not in answer.body
        assert server.token not in str(answer.headers)


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(server: WebServer) -> None:
    page = f"http://127.0.0.1:{server.port}"
    answer = server.ask("/api/session", "POST", {"token": server.token}, bearer=None, Origin=page)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"mystax_{server.port}=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    given = cookie.partition(";")[0]
    assert server.ask("/api/recordings", bearer=None, Cookie=given).status == 200
    assert (
        server.ask("/api/recordings", bearer=None, Cookie=given, Origin="http://evil.example").status == 403
    )


def test_guessing_is_stopped_after_ten_wrong_tokens(place: Path) -> None:
    with web_server(place) as running:
        found = [running.ask("/api/about", bearer=f"guess{k}").status for k in range(12)]
        assert found == [401] * 10 + [429] * 2
        assert running.ask("/api/about").status == 200
