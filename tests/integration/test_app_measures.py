"""The app measures what a run measures: one frame live, and a run with parameters that were typed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.app.envelope import unpack
from mystax.core.geometry import Roi, roi_from_text
from mystax.io.video import Video
from mystax.synth import faulty_video
from tests.fixtures.web_server import WebServer, web_server

FRAMES = (0, 7, 23)
ROIS = {"pupil": "pupil:ellipse:80,60,30,26", "blink": "blink:ellipse:80,60,40,30"}
LIVE = {"pupil": ("area", "diameter", "confidence", "major", "minor", "angle"), "blink": ("darkness",)}
PARAMETERS: dict[str, dict[str, Any]] = {"pupil": {"sigma": 3.0}, "blink": {}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("measured")
    faulty_video(place / "eye.mp4", "clean", n_frames=24, size=(160, 120), scene="face")
    return place


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[WebServer]:
    with web_server(folder) as running:
        yield running


def wish(server: WebServer, kind: str, frame: int, roi: Roi, parameters: dict[str, Any]) -> dict[str, Any]:
    (row,) = server.get("/api/recordings")
    camera = server.get(f"/api/recordings/{row['id']}")["cameras"][0]
    about = {"camera": camera["id"], "frame": frame, "analysis": kind}
    return {**about, "rois": [roi.as_dict()], "parameters": parameters}


@pytest.mark.parametrize("kind", ["pupil", "blink"])
def test_one_frame_live_equals_the_outcome_bit_for_bit(
    kind: str, server: WebServer, folder: Path, tmp_path: Path
) -> None:
    roi, parameters = roi_from_text(ROIS[kind]), PARAMETERS[kind]
    done = mystax.run(
        Video(folder / "eye.mp4"),
        analyses=[kind],
        rois=[roi],
        parameters={kind: parameters},
        out=tmp_path,
        report=False,
    )
    n_found = 0
    for frame in FRAMES:
        answer = server.preview(wish(server, kind, frame, roi, parameters))
        assert answer.status == 200, answer
        arrays, _ = unpack(answer.body)
        for name in LIVE[kind]:
            wanted = done[kind][name].values[frame].reshape(-1)
            assert arrays[name].reshape(-1)[-1:].tobytes() == wanted.tobytes(), (name, frame)
            n_found += int(np.isfinite(wanted).all())
    assert n_found == len(FRAMES) * len(LIVE[kind]), "missing values would be equal to each other"


def test_a_parameter_that_cannot_be_is_refused_live_and_before_a_run_in_the_same_words(
    server: WebServer,
) -> None:
    roi = roi_from_text(ROIS["pupil"])
    live = server.preview(wish(server, "pupil", 0, roi, {"sigma": 7}))
    (row,) = server.get("/api/recordings")
    job = {"recording": row["id"], "parameters": {"pupil": {"sigma": 7}}}
    run = server.ask("/api/jobs", "POST", job)
    assert live.status == run.status == 422
    assert live.json() == run.json()
    assert (run.json()["code"], run.json()["where"]) == ("P401", "parameter 'sigma' of 'pupil'")
    assert server.get("/api/queue")["jobs"] == []


@pytest.mark.parametrize("kind", ["pupil", "blink"])
def test_what_the_fit_sees_is_sent_where_it_is_asked_for(kind: str, server: WebServer) -> None:
    roi = roi_from_text(ROIS[kind])
    asked = wish(server, kind, 7, roi, {})
    plain, _ = unpack(server.preview(asked).body)
    found, header = unpack(server.preview({**asked, "sight": True}).body)
    assert set(plain) == {name for name in found if not name.startswith("sight_")}
    assert all(found[name].tobytes() == plain[name].tobytes() for name in plain)
    assert header["dims"]["sight_kind"] == ["y", "x"]
    n_pixels = np.isin(found["sight_kind"], [1, 2]).sum()
    assert found["sight_counts"].sum() == n_pixels > 500
