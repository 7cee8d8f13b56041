"""The view of a notebook: what stands in the frame, who may frame it, what is refused before that."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import mystax
from mystax.app import notebook
from mystax.app.notebook import SCREENS, View, ViewServer, frame_origins, hub_of, view, wish_for
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.core.viewers import Shown
from mystax.errors import InternalError, ParameterError, RecipeError
from mystax.io.video import Video
from tests.fixtures.catalogues import write_film

CHILD = """
import json, sys
wish = json.loads(sys.stdin.readline())
print(json.dumps({"port": 4321, "recording": "f1"}), flush=True)
for number, line in enumerate(sys.stdin):
    print(json.dumps({"code": f"code{number}-{wish['name']}"}), flush=True)
"""


class Frames(HTMLParser):
    """Collects the frames of a piece of a page, and anything that could run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.frames: list[Mapping[str, str]] = []
        self.others: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "iframe":
            self.frames.append(given)
        else:
            self.others.append(tag)


@pytest.fixture
def server() -> Iterator[ViewServer]:
    running = ViewServer({"name": "face"}, (sys.executable, "-c", CHILD))
    yield running
    running.close()


def shown(server: ViewServer, name: str = "face", **environment: str) -> View:
    return View(name, server, 640, {"s": "view", "r": server.recording}, environment)


def fragment(text: str) -> dict[str, list[str]]:
    (frame,) = Frames(text).frames
    return parse_qs(urlsplit(frame["src"]).fragment)


def in_memory() -> Recording:
    return Recording("face", {"face": Camera("face", ArraySource(np.zeros((3, 4, 5), np.uint8)))})


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("films") / "face.avi", 1, 4)


def test_a_frame_carries_a_code_behind_the_mark_that_no_server_sees(server: ViewServer) -> None:
    one = shown(server)
    assert isinstance(one, Shown)
    (frame,) = Frames(one._repr_html_()).frames
    address = urlsplit(frame["src"])
    assert (address.scheme, address.netloc, address.path, address.query) == (
        "http",
        "127.0.0.1:4321",
        "/",
        "",
    )
    assert parse_qs(address.fragment) == {"c": ["code0-face"], "embed": ["1"], "s": ["view"], "r": ["f1"]}
    assert frame["height"] == "640"


def test_a_frame_that_is_shown_again_has_another_code(server: ViewServer) -> None:
    one = shown(server)
    codes = [fragment(one._repr_html_())["c"] for _ in range(3)]
    assert codes == [["code0-face"], ["code1-face"], ["code2-face"]]


def test_a_hostile_name_stays_text(server: ViewServer) -> None:
    name = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    found = Frames(shown(server, name)._repr_html_())
    assert found.frames[0]["title"] == f"mystax: {name}"
    assert found.others == []


def test_over_ssh_the_tunnel_is_named(server: ViewServer) -> None:
    assert "ssh -N" not in shown(server)._repr_html_()
    text = shown(server, SSH_CONNECTION="10.0.0.2 51000 10.0.0.1 22")._repr_html_()
    assert "ssh -N -L 4321:127.0.0.1:4321 " in text


HUB = {"JUPYTERHUB_SERVICE_PREFIX": "/user/ann/", "JUPYTERHUB_PUBLIC_URL": "https://hub.lab.org/"}


def test_on_a_hub_the_frame_has_the_path_of_the_proxy(
    server: ViewServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "find_spec", lambda _: object())
    text = shown(server, SSH_CONNECTION="10.0.0.2 51000 10.0.0.1 22", **HUB)._repr_html_()
    (frame,) = Frames(text).frames
    address = urlsplit(frame["src"])
    assert (address.scheme, address.netloc, address.path) == ("", "", "/user/ann/proxy/4321/")
    assert "c" in parse_qs(address.fragment)
    assert "ssh" not in text


def test_a_hub_without_the_proxy_or_without_a_name_says_what_to_do(server: ViewServer) -> None:
    for environment in (HUB, {"JUPYTERHUB_SERVICE_PREFIX": "/user/ann/"}):
        text = shown(server, **environment)._repr_html_()
        assert "ssh -N -L 4321:127.0.0.1:4321 " in text
        assert "jupyter-server-proxy" in text
        assert "MYSTAX_ALLOW_HOST" in text


def test_the_hub_is_who_frames_the_view_and_by_whose_name_it_is_called(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "find_spec", lambda _: object())
    recording = mystax.open(film)
    named = {**HUB, "MYSTAX_ALLOW_HOST": "lab.example:8443"}
    for environment, origin, host in (
        (HUB, "https://hub.lab.org", "hub.lab.org"),
        (named, "https://lab.example:8443", "lab.example"),
    ):
        wish = wish_for(recording, environment)
        assert (wish["framed_by"], wish["hosts"]) == (origin, [host])
    assert wish_for(recording, {})["hosts"] == []
    recording.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"MYSTAX_ALLOW_HOST": "hub.lab.org; script-src *"},
        {"MYSTAX_ALLOW_HOST": "*"},
        {"JUPYTERHUB_SERVICE_PREFIX": '/"><script>'},
        {"JUPYTERHUB_PUBLIC_URL": "javascript:alert(1)"},
    ],
)
def test_a_hub_whose_address_is_none_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ParameterError, match="MYSTAX_ALLOW_HOST"):
        hub_of({**HUB, **wrong}, has_proxy=True)


def test_a_server_that_was_closed_has_no_codes_any_more(server: ViewServer) -> None:
    one = shown(server)
    assert server.is_running
    one.close()
    assert not server.is_running


def test_a_server_that_ends_before_it_is_ready_is_told() -> None:
    with pytest.raises(InternalError, match="its server has ended"):
        ViewServer({"name": "face"}, (sys.executable, "-c", "import sys; sys.stdin.readline()"))


def test_a_server_that_dies_later_is_told_when_a_code_is_asked_for() -> None:
    once = CHILD.partition("for number")[0]
    dying = ViewServer({"name": "face"}, (sys.executable, "-c", once))
    with pytest.raises(InternalError, match="run the cell again"):
        dying.new_code()
    dying.close()


def test_pages_of_this_machine_may_frame_the_view() -> None:
    assert frame_origins({}) == "http://127.0.0.1:* http://localhost:*"


@pytest.mark.parametrize(
    "given", ["https://hub.lab.org", "http://10.0.0.2:8888", "https://a.b https://c.d:1", "vscode-webview:"]
)
def test_another_notebook_is_named_by_a_variable(given: str) -> None:
    assert frame_origins({"MYSTAX_NOTEBOOK_ORIGIN": given}) == given


@pytest.mark.parametrize(
    "given",
    ["*", "https://*", "hub.lab.org", "https://a.b;script-src", "https://a.b/path", "'self'", "data:"],
)
def test_what_is_no_origin_never_becomes_part_of_a_policy(given: str) -> None:
    with pytest.raises(ParameterError, match="MYSTAX_NOTEBOOK_ORIGIN"):
        frame_origins({"MYSTAX_NOTEBOOK_ORIGIN": given})


def test_line_ends_between_origins_reach_no_header() -> None:
    assert (
        frame_origins({"MYSTAX_NOTEBOOK_ORIGIN": "https://a.b\r\nhttps://c.d\n"}) == "https://a.b https://c.d"
    )


def test_the_wish_opens_the_same_frames_on_the_same_clock(film: Path) -> None:
    recording = mystax.open(film, offsets={"face": Fraction(7, 2)})
    wish = json.loads(json.dumps(wish_for(recording, {})))
    again = Video.from_spec(wish["specs"]["face"])
    np.testing.assert_array_equal(again.times, recording.video().times)
    assert again.times[0] == 3.5
    reopened = mystax.open(**wish["request"])
    np.testing.assert_array_equal(reopened.video().times, recording.video().times)
    assert Path(wish["specs"]["face"]["paths"][0]).is_absolute()
    again.close()
    for each in (recording, reopened):
        each.close()


def test_frames_from_memory_are_refused_with_a_way_out() -> None:
    with pytest.raises(RecipeError, match=r"P403 camera 'face' of 'face': .*Hint: write them to a video"):
        view(in_memory())


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"height": 100}, "height"),
        ({"height": 5000}, "height"),
        ({"screen": "roi"}, "rois"),
        ({"screen": "<script>"}, "screen"),
        ({"t": float("nan")}, "'t'"),
        ({"t": float("inf")}, "'t'"),
    ],
)
def test_what_cannot_be_is_refused_before_a_server_starts(
    asked: dict[str, Any], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "ViewServer", lambda *_: pytest.fail("a server was started"))
    with pytest.raises(ParameterError, match=what):
        view(in_memory(), **asked)


def test_the_screens_are_those_of_the_page() -> None:
    source = (Path(notebook.__file__).with_name("web") / "src" / "state.ts").read_text("utf-8")
    listed = source.partition("export const SCREENS = [")[2].partition("] as const")[0]
    assert re.findall(r'\["(\w+)", "', listed) == list(SCREENS)
