"""Models as the page lists them: own and shipped, their figures and reports, and which is the default."""

import json
from pathlib import Path

import pytest

from mystax.app.routes import models
from mystax.engine.training import default
from mystax.io import weights
from tests.fixtures.app_client import AppClient

FIGURES = {"keypoint_set": "dots", "n_frames": 12, "keypoints": ["a"], "training": {"held out": "blocks"}}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the user a folder of weights with one that was trained and one that was rejected."""
    folder = tmp_path / "weights"
    for module in (models, default, weights):
        monkeypatch.setattr(module, "own_folder", lambda: folder)
    for name in ("mine", "worse.rejected"):
        report = folder / f"{name}.report"
        report.mkdir(parents=True)
        for suffix in (".onnx", ".safetensors"):
            (folder / f"{name}{suffix}").write_bytes(name.encode())
        (report / "evaluation.json").write_text(json.dumps({**FIGURES, "name": name}))
        (report / "report.html").write_text(f"<p>{name}")
    return folder


@pytest.fixture
def client(tmp_path: Path, own: Path) -> AppClient:
    assert own.is_dir()
    return AppClient(tmp_path)


def listed(client: AppClient) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in client.get("/api/models")}


def test_own_and_shipped_weights_are_listed(client: AppClient) -> None:
    with client:
        found = listed(client)
    assert list(found) == ["mine", "worse.rejected", "mouse-face"]
    assert [one["is_default"] for one in found.values()] == [False, False, True]
    assert [one["has_report"] for one in found.values()] == [True, True, False]
    assert [one["is_rejected"] for one in found.values()] == [False, True, False]
    assert found["mine"]["keypoint_set"] == "dots"
    assert found["mouse-face"]["licence"] == "BSD-3-Clause"


def test_the_figures_and_the_report_of_a_training_are_given(client: AppClient) -> None:
    with client:
        key = listed(client)["mine"]["id"]
        assert client.get(f"/api/models/{key}/evaluation") == {**FIGURES, "name": "mine"}
        page = client.ask(f"/api/models/{key}/report")
        assert (page.status, page.body) == (200, b"<p>mine")
        assert "sandbox" in page.headers["content-security-policy"]
        assert client.get(f"/api/models/{key}")["card"]["training"] == {"held out": "blocks"}


def test_shipped_weights_have_none_of_them(client: AppClient) -> None:
    with client:
        key = listed(client)["mouse-face"]["id"]
        for what in ("evaluation", "report"):
            reply = client.ask(f"/api/models/{key}/{what}")
            assert (reply.status, reply.json()["code"]) == (404, "W903")


def test_another_model_becomes_the_default_and_the_shipped_one_again(client: AppClient, own: Path) -> None:
    with client:
        ids = {name: one["id"] for name, one in listed(client).items()}
        chosen = client.post(f"/api/models/{ids['mine']}/default", {})
        assert {one["name"]: one["is_default"] for one in chosen} == {
            "mine": True,
            "worse.rejected": False,
            "mouse-face": False,
        }
        assert (own / "mouse-face.onnx").read_bytes() == b"mine"
        again = client.post(f"/api/models/{ids['mouse-face']}/default", {})
        assert [one["name"] for one in again if one["is_default"]] == ["mouse-face"]
        assert not (own / "mouse-face.onnx").exists()


def test_a_rejected_model_is_no_default(client: AppClient) -> None:
    with client:
        key = listed(client)["worse.rejected"]["id"]
        reply = client.ask(f"/api/models/{key}/default", "POST", {})
        assert (reply.status, reply.json()["code"]) == (422, "P403")
        assert listed(client)["mouse-face"]["is_default"]


def test_a_default_whose_origin_is_gone_is_listed_itself(client: AppClient, own: Path) -> None:
    with client:
        client.post(f"/api/models/{listed(client)['mine']['id']}/default", {})
        (own / "mine.onnx").unlink()
        found = client.get("/api/models")
    assert [(one["name"], one["is_default"]) for one in found] == [
        ("mouse-face", True),
        ("worse.rejected", False),
        ("mouse-face", False),
    ]


def test_damaged_figures_are_none(client: AppClient, own: Path) -> None:
    (own / "mine.report" / "evaluation.json").write_text("{")
    with client:
        one = listed(client)["mine"]
        assert one["card"] == {}
        assert client.ask(f"/api/models/{one['id']}/evaluation").status == 404


def test_a_page_that_may_only_look_chooses_nothing(tmp_path: Path, own: Path) -> None:
    assert own.is_dir()
    with AppClient(tmp_path, read_only=True) as client:
        reply = client.ask(f"/api/models/{listed(client)['mine']['id']}/default", "POST", {})
    assert (reply.status, reply.json()["code"]) == (403, "W902")
