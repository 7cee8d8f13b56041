"""The rig of a recording: found beside its videos, and the curves that the page draws from it."""

from pathlib import Path

import numpy as np
import pytest

from mystax.app.collection import Item
from mystax.app.rigs import CALIBRATION, rig_of
from mystax.core.rig_model import CameraModel, RigModel
from mystax.io.rig import rig_to_toml
from mystax.synth import faulty_video
from tests.fixtures.app_client import AppClient

MATRIX = np.array([[50.0, 0.0, 15.5], [0.0, 50.0, 11.5], [0.0, 0.0, 1.0]])


def rig(*names: str) -> RigModel:
    """Return cameras side by side, 60 mm apart."""
    places = (np.array([-60.0 * k, 0.0, 0.0]) for k in range(len(names)))
    made = (
        CameraModel(n, (32, 24), MATRIX, np.zeros(5), np.eye(3), t)
        for n, t in zip(names, places, strict=True)
    )
    return RigModel(tuple(made))


def item(folder: Path) -> Item:
    return Item("f1", "face", {name: (folder / f"{name}.mp4",) for name in ("left", "right")})


def test_the_calibration_beside_the_videos_is_taken(tmp_path: Path) -> None:
    (tmp_path / CALIBRATION).write_text(rig_to_toml(rig("left", "right")))
    found = rig_of(item(tmp_path))
    assert found is not None
    assert found.names == ("left", "right")


@pytest.mark.parametrize("text", [None, "no toml [", rig_to_toml(rig("top", "side"))])
def test_there_is_none_without_a_file_that_names_its_cameras(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / CALIBRATION).write_text(text)
    assert rig_of(item(tmp_path)) is None


def test_the_page_is_told_the_row_in_which_a_camera_beside_it_sees_the_point(tmp_path: Path) -> None:
    (tmp_path / CALIBRATION).write_text(rig_to_toml(rig("face", "other")))
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=2, size=(32, 24))
    with AppClient(tmp_path) as client:
        one = client.get("/api/recordings")[0]["id"]
        item_of = client.state.collection.items()[0]
        two = Item(one, "both", {**item_of.cameras, "other": (tmp_path / "face.mp4",)})
        client.state.collection.items = lambda: [two]  # type: ignore[method-assign]
        first, second = two.camera_ids().values()
        name = next(iter(item_of.cameras))
        (tmp_path / CALIBRATION).write_text(rig_to_toml(rig(name, "other")))
        path = f"/api/recordings/{one}/epipolar?seen={first}&other={second}&x=20&y=7.25"
        places = np.array(client.get(path)["places"])
        assert (places[:, 1] == 7.25).all()
        assert places[-1, 0] == pytest.approx(20 - 50 / 200, abs=0.01)
        (tmp_path / CALIBRATION).unlink()
        assert client.get(path) == {"places": []}
        same = client.ask(path.replace(second, first))
        assert (same.status, same.json()["code"]) == (404, "W903")
