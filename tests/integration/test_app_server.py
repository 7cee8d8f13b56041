"""`mystax app` as a process: how it starts, what it says, what it answers, and how it ends."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mystax.app.envelope import unpack
from mystax.synth import faulty_video
from tests.fixtures.web_server import WebServer, web_server

AWAY = {"SSH_CONNECTION": "10.0.0.2 51000 10.0.0.1 22"}
STOPPED = 3.0
"""Longest time from SIGTERM to the end of all processes [s]."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("app")
    faulty_video(place / "face.mp4", "clean", n_frames=60, size=(64, 48))
    (place / "sub").mkdir()
    faulty_video(place / "sub" / "other.avi", "clean", container="avi", codec="mjpeg", n_frames=20)
    return place


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[WebServer]:
    with web_server(folder) as running:
        yield running


def open_stream(server: WebServer, path: str) -> socket.socket:
    """Ask for something and read no more than the head of the answer."""
    connection = server.connect()
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.token}\r\n\r\n"
    connection.sendall(request.encode())
    assert b"200 OK" in connection.recv(200)
    return connection


# start -----------------------------------------------------------------------------------------------


def test_an_empty_folder_is_served_soon_and_a_killed_server_leaves_no_worker(tmp_path: Path) -> None:
    """Ready after little more CPU time than its libraries take, on any machine (2 s where those take 0.3)."""
    code = "import os, fastapi, numpy, uvicorn; print(sum(os.times()[:2]))"
    libraries = float(subprocess.check_output([sys.executable, "-c", code], text=True))
    with web_server(tmp_path) as running:
        used = psutil.Process(running.process.pid).cpu_times()
        assert used.user + used.system < 6 * libraries
        assert running.ask("/", bearer=None).status == 200
        assert running.get("/api/recordings") == []
        faulty_video(tmp_path / "face.mp4", "clean", n_frames=20, size=(64, 48))
        while not (rows := running.get("/api/recordings")):
            time.sleep(0.2)  # the list of files is made again after 2 s
        running.get(f"/api/recordings/{rows[0]['id']}")  # a camera starts a worker
        children = running.children()
        assert children
        running.stop(signal.SIGKILL)
        _, alive = psutil.wait_procs(children, timeout=5)
        assert alive == []


def test_the_link_works_and_the_fragment_is_the_only_place_of_the_token(server: WebServer) -> None:
    assert server.lines == [f"mystax is at {server.link}"]
    assert server.get("/api/about")["roots"]


@pytest.mark.slow
def test_over_ssh_two_lines_say_what_to_do_and_no_browser_starts(tmp_path: Path) -> None:
    marker = tmp_path / "browser"
    script = tmp_path / "browser.sh"
    script.write_text(f"#!/bin/sh\ntouch {marker}\n")
    script.chmod(0o700)
    with web_server(tmp_path, environment={**AWAY, "BROWSER": str(script)}) as running:
        first, second = running.lines
        port = running.port
        assert first.startswith(f"On your own computer:  ssh -N -L {port}:127.0.0.1:{port} ")
        assert second == f"then open  {running.link}"
    assert not marker.exists()


# end -------------------------------------------------------------------------------------------------


def test_sigterm_ends_it_with_an_open_stream_and_a_paused_download(folder: Path) -> None:
    with web_server(folder) as running:
        rows = running.get("/api/recordings")
        for row in rows:  # each camera starts a worker
            running.get(f"/api/recordings/{row['id']}")
        children = running.children()
        assert children
        with open_stream(running, "/api/events"), open_stream(running, "/api/openapi.json"):
            seconds = running.stop(signal.SIGTERM)
        assert seconds < STOPPED
        gone, alive = psutil.wait_procs(children, timeout=0.5)
        assert (len(gone), alive) == (len(children), [])
        assert running.process.returncode in {0, -signal.SIGTERM, 143}


# answers ---------------------------------------------------------------------------------------------


def test_folders_are_listed_by_name_and_kind(server: WebServer) -> None:
    root = server.get("/api/roots")[0]["id"]
    found = {one["name"]: one["kind"] for one in server.get(f"/api/roots/{root}/list")["entries"]}
    assert found["sub"] == "folder"
    assert found["face.mp4"] == "video"
    below = server.get(f"/api/roots/{root}/list?path=sub")["entries"]
    assert [one["name"] for one in below] == ["other.avi"]
    assert server.ask("/api/roots/d0/list").status == 404


def test_regions_are_saved_and_a_stale_revision_is_refused(server: WebServer, folder: Path) -> None:
    key = next(row["id"] for row in server.get("/api/recordings") if row["name"] == "other")
    roi = {"kind": "pupil", "shape": "ellipse", "name": "left", "camera": "other", "numbers": [20, 20, 8, 6]}
    known = server.get(f"/api/recordings/{key}/rois")
    assert known == {"rev": "", "rois": []}
    refused = server.ask(f"/api/recordings/{key}/rois", "PUT", {"rev": "old", "rois": []})
    assert (refused.status, refused.json()["code"]) == (409, "W904")
    wrong = server.ask(f"/api/recordings/{key}/rois", "PUT", {"rev": "", "rois": [{**roi, "shape": "star"}]})
    assert wrong.status == 422
    assert not (folder / "sub" / "other.mystax").exists()


def test_a_recording_is_measured_followed_and_seen(server: WebServer, folder: Path) -> None:
    """Queue a run, follow it in the stream, read its trace: the recording keeps its id."""
    key = next(row["id"] for row in server.get("/api/recordings") if row["name"] == "face")
    with open_stream(server, "/api/events") as stream:
        (job,) = server.post("/api/jobs", {"recording": key, "analyses": ["motion"]})["ids"]
        told = b""
        while b'"state":"done"' not in told:
            told += stream.recv(65536)
            assert b'"state":"failed"' not in told, told
    assert server.get(f"/api/jobs/{job}/log")["lines"]
    while not (known := server.get(f"/api/recordings/{key}")["outcomes"]):
        time.sleep(0.2)  # the list of files is made again after 2 s
    trace = server.ask(f"/api/outcomes/{known[0]['id']}/trace?var=energy&t0=0&t1=10&px=500")
    arrays, header = unpack(trace.body)
    assert len(arrays["lo"]) == 60
    assert header["unit"]
    assert (folder / "face.mystax" / "report.html").is_file()
    assert server.ask(f"/api/recordings/{key}/report").status == 200


def test_a_run_that_fails_says_why_and_can_be_tried_again(server: WebServer) -> None:
    key = next(row["id"] for row in server.get("/api/recordings") if row["name"] == "face")
    refused = server.ask("/api/jobs", "POST", {"recording": key, "analyses": ["motoin"]})
    assert (refused.status, refused.json()["code"]) == (422, "P403")
    assert "motion" in refused.json()["what"]
    assert server.ask("/api/jobs/j99/retry", "POST", {}).status == 404


@pytest.mark.slow
def test_the_ninth_stream_of_events_is_refused(folder: Path) -> None:
    with web_server(folder) as running:
        streams = [open_stream(running, "/api/events") for _ in range(8)]
        assert running.ask("/api/events").status == 429
        streams.pop().close()
        for _ in range(100):  # the server hears of it when it next has something to tell
            if running.ask("/api/queue").status == 200 and is_open(running):
                break
            time.sleep(0.05)
        else:
            raise AssertionError("a closed stream is still counted")
        for stream in streams:
            stream.close()


def is_open(server: WebServer) -> bool:
    """Tell whether one more stream of events is given; it is closed again."""
    try:
        open_stream(server, "/api/events").close()
    except AssertionError:
        return False
    return True


def test_models_name_the_shipped_weights(server: WebServer) -> None:
    found = {one["name"]: one for one in server.get("/api/models")}
    assert found["mouse-face"]["is_default"]
    assert len(found["mouse-face"]["weights_hash"]) == 64
    assert server.get(f"/api/models/{found['mouse-face']['id']}") == found["mouse-face"]
    assert server.ask("/api/models/m0").status == 404


def test_every_address_of_the_schema_answers_nonsense_without_a_fault(server: WebServer) -> None:
    """No 5xx for whatever fills the places of an address, its query and its body."""
    nonsense: tuple[Any, ...] = ("0", "-1", "a" * 300, "%00", "%F0%9F%90%AD", "1e999", "NaN", "[]", "..")
    bodies: tuple[Any, ...] = (b"", b"{", b"[]", b"null", b'{"a":' * 500, json.dumps({"rev": 1}).encode())
    schema = server.get("/api/openapi.json")
    n_asked = 0
    for path, methods in schema["paths"].items():
        if path == "/api/events":
            continue
        for method, about in methods.items():
            names = [one["name"] for one in about.get("parameters", []) if one["in"] == "query"]
            for k, text in enumerate(nonsense):
                address = path
                for one in about.get("parameters", []):
                    address = address.replace(f"{{{one['name']}}}", text)
                words = "&".join(f"{name}={text}" for name in names)
                body = bodies[k % len(bodies)] if method.upper() in {"POST", "PUT"} else None
                answer = server.ask(f"{address}?{words}", method.upper(), body)
                n_asked += 1
                assert 200 <= answer.status < 500, (method, address, words, body, answer)
                if method == "delete":
                    break
    assert n_asked > 150


@pytest.mark.slow
def test_behind_a_base_path_the_page_and_its_api_are_found(folder: Path) -> None:
    with web_server(folder, options=("--base", "/user/ann/proxy/8765")) as running:
        assert running.base == "/user/ann/proxy/8765"
        assert running.ask("/", bearer=None).status == 200
        assert running.get("/api/recordings")
        page = f"http://127.0.0.1:{running.port}"
        cookie = running.ask("/api/session", "POST", {"token": running.token}, bearer=None, Origin=page)
        assert "Path=/user/ann/proxy/8765" in cookie.headers["set-cookie"]
