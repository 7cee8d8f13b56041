"""`Recording.view()`: a private server that shows one recording in a notebook's frame, and ends with it."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

import mystax
from mystax.app.notebook import View, view
from tests.fixtures.browser import browser, open_page
from tests.fixtures.catalogues import write_film
from tests.fixtures.hub_proxy import hub_proxy, served
from tests.fixtures.web_server import WebServer

SECONDS = 10.0
"""Longest wait for an end [s]."""
KERNEL = """
import sys, time, mystax
from mystax.app.notebook import view
shown = view(mystax.open(sys.argv[1]))
print(shown.server.port, shown.server._process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebook")
    write_film(folder / "stranger.avi", 2, 4)
    return write_film(folder / "face.avi", 1, 8, size=(96, 64))


@pytest.fixture(scope="module")
def shown(film: Path) -> Iterator[View]:
    recording = mystax.open(film, offsets={"face": "100"})
    made = view(recording, t=100.1)
    recording.close()
    yield made
    made.close()


def address(view: View) -> str:
    """Return the address in the frame."""
    found = re.search(r'src="([^"]+)"', view._repr_html_())
    assert found is not None
    return unescape(found[1])


def code_in(view: View) -> str:
    return parse_qs(urlsplit(address(view)).fragment)["c"][0]


def client(view: View) -> WebServer:
    """Return who asks the server as a page does, without any secret yet."""
    return WebServer(view.server._process, view.server.port, "none", "", [], 0.0)


def open_session(asks: WebServer, code: str) -> Any:
    page = f"http://127.0.0.1:{asks.port}"
    return asks.ask("/api/session", "POST", {"code": code}, bearer=None, Origin=page)


def is_listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


def wait_until(is_so: Any) -> bool:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.05)
    return False


def test_a_code_opens_the_one_recording_on_its_own_clock(shown: View) -> None:
    asks = client(shown)
    assert asks.ask("/api/recordings", bearer=None).status == 401
    answer = open_session(asks, code_in(shown))
    assert answer.status == 200
    assert "set-cookie" not in answer.headers
    asks.token = answer.json()["token"]
    (row,) = asks.get("/api/recordings")
    assert (row["name"], row["cameras"]) == ("face", ["face"])
    assert parse_qs(urlsplit(address(shown)).fragment)["r"] == [row["id"]]
    camera = asks.get(f"/api/recordings/{row['id']}")["cameras"][0]
    assert camera["n_frames"] == 8
    picture = asks.ask(f"/api/cameras/{camera['id']}/frame?i=0")
    assert float(picture.headers["x-mystax-time"]) == 100.0
    assert asks.get("/api/roots") == []


def test_a_code_is_good_once_and_wrong_ones_are_refused(shown: View) -> None:
    asks, code = client(shown), code_in(shown)
    assert [open_session(asks, code).status for _ in range(2)] == [200, 401]
    assert open_session(asks, "x" * 32).status == 401
    assert asks.ask(f"/api/recordings?c={code_in(shown)}", bearer=None).status == 401


def test_the_server_lets_itself_be_framed_by_pages_of_this_machine_only(shown: View) -> None:
    policy = client(shown).ask("/", bearer=None).headers["content-security-policy"]
    assert "frame-ancestors http://127.0.0.1:* http://localhost:*;" in policy + ";"
    assert "script-src 'self'" in policy


def test_the_same_recording_is_shown_by_the_same_server(shown: View, film: Path) -> None:
    same, other = mystax.open(film, offsets={"face": "100"}), mystax.open(film)
    assert view(same, screen="rois").server is shown.server
    made = view(other)
    try:
        assert made.server.port != shown.server.port
    finally:
        made.close()
        same.close()
        other.close()
    assert not is_listening(made.server.port)
    assert is_listening(shown.server.port)


@pytest.mark.slow
def test_the_server_ends_with_a_kernel_that_is_killed(film: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KERNEL, str(film)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as kernel:
        assert kernel.stdout is not None
        port, pid = map(int, kernel.stdout.readline().split())
        assert is_listening(port)
        kernel.send_signal(signal.SIGKILL)
        kernel.wait(SECONDS)
    assert wait_until(lambda: not is_listening(port))
    assert wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")


@contextlib.contextmanager
def notebook_page(folder: Path, text: str) -> Iterator[int]:
    """Serve a page as a notebook does: from another port of this machine."""
    (folder / "notebook.html").write_text(f"<!doctype html><link rel=icon href='data:,'>{text}", "utf-8")

    class Quiet(SimpleHTTPRequestHandler):
        def log_request(self, *_: Any) -> None:
            """Say nothing."""

    with served(ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))) as port:
        yield port


def test_a_notebook_shows_the_page_in_a_frame_without_a_secret_in_any_address(
    shown: View, tmp_path: Path
) -> None:
    text = shown._repr_html_()
    page = notebook_page(tmp_path, text)
    with (
        browser() as running,
        page as port,
        open_page(running, f"http://localhost:{port}/notebook.html") as seen,
    ):
        frame = seen.page.frame_locator("iframe")
        frame.get_by_role("heading", name="face").wait_for()
        frame.locator("canvas.picture").wait_for()
        inside = next(one for one in seen.page.frames if f":{shown.server.port}/" in one.url)
        inside.wait_for_function("() => document.querySelector('canvas.picture')?.dataset.frame === '3'")
        assert parse_qs(urlsplit(inside.url).fragment).keys() == {"embed", "s", "r", "t"}
        assert frame.get_by_role("link", name="Recordings").count() == 0
        asked = [url for url in seen.asked if f":{shown.server.port}/" in url]
        code = text.partition("#c=")[2].partition("&")[0]
        assert any("/api/cameras/" in url for url in asked)
        assert not [url for url in asked if "/api/" in url and (code in url or "token" in url)]
        assert seen.page.context.cookies() == []
        assert seen.said == []


@pytest.mark.slow
def test_on_a_hub_the_page_works_below_the_path_of_the_proxy(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub has another name than this machine's own, and the browser speaks to it alone."""
    pages: dict[str, str] = {}
    monkeypatch.setattr("mystax.app.notebook.find_spec", lambda _: object())
    with hub_proxy("/user/ann/", pages) as port:
        hub = f"http://hub.localhost:{port}"
        monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ann/")
        monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", f"{hub}/")
        recording = mystax.open(shutil.copy(film, tmp_path))
        made = view(recording, screen="rois")
        recording.close()
        try:
            pages["/notebook.html"] = f"<!doctype html><link rel=icon href='data:,'>{made._repr_html_()}"
            with browser() as running, open_page(running, f"{hub}/notebook.html") as seen:
                frame = seen.page.frame_locator("iframe")
                frame.get_by_role("heading", name="ROIs of face").wait_for()
                frame.get_by_role("button", name="ellipse").click()
                box = frame.locator(".stage").bounding_box()
                assert box is not None
                mouse = seen.page.mouse
                mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
                mouse.down()
                mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=3)
                mouse.up()
                frame.get_by_role("button", name="Save").click()  # a write, which names its page
                frame.get_by_role("status").filter(has_text="saved - rev").wait_for()
                assert all(url.startswith((hub, "data:", "blob:")) for url in seen.asked)
                assert seen.said == []
            stranger = client(made).ask("/", bearer=None, Host="evil.example")
            assert stranger.status == 421
        finally:
            made.close()
