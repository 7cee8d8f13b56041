"""An interrupted search for a board goes on where it was, and ends as if nothing had happened."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mystax
from mystax.analyses.calibrate import calibrate_sources
from mystax.compute import cameras
from mystax.core.board import Board
from mystax.core.events import Event
from mystax.io.rig import read_rig
from tests.fixtures.rigs import board_views

BOARD = "checkerboard:10x7:6"
N_VIEWS = 12


class KnownFinder:
    """Finds in a picture what its grey level says: 20 camera + view; counts the looks."""

    uv: np.ndarray = np.empty(0)
    looks: int = 0

    def __init__(self, board: Board) -> None:
        self.board, self.legacy = board, False

    def settle(self, pictures: list[np.ndarray]) -> str:
        """Leave all as it is."""
        return "" if pictures else "no picture"

    def find(self, picture: np.ndarray) -> np.ndarray:
        """Return the corners of a picture."""
        type(self).looks += 1
        camera, view = divmod(int(picture[0, 0]), 20)
        return np.asarray(self.uv[camera, view])


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Path]]:
    """Pictures of two cameras, and a finder that knows their corners without OpenCV."""
    _, _, uv = board_views(2, N_VIEWS)
    monkeypatch.setattr(KnownFinder, "uv", uv)
    monkeypatch.setattr(KnownFinder, "looks", 0)
    monkeypatch.setattr(cameras, "BoardFinder", KnownFinder)
    found: dict[str, list[Path]] = {"left": [], "right": []}
    for c, name in enumerate(found):
        for v in range(N_VIEWS):
            path = tmp_path / f"{name}{v:02d}.png"
            Image.fromarray(np.full((1024, 1280), 20 * c + v, np.uint8)).save(path, compress_level=1)
            found[name].append(path)
    return found


def stop_after(n: int) -> Any:
    def report(event: Event) -> None:
        if event.kind == "progress" and event.done >= n:
            raise KeyboardInterrupt

    return report


def test_interrupted_search_goes_on(sources: dict[str, list[Path]], tmp_path: Path) -> None:
    whole = mystax.Rig.calibrate(sources, BOARD)
    assert KnownFinder.looks == 2 * N_VIEWS
    place = tmp_path / "rig.toml"
    part = mystax.Rig.unfinished(place)
    with pytest.raises(KeyboardInterrupt):
        calibrate_sources(sources, BOARD, keep=part, progress=stop_after(15))
    assert part.is_file()
    KnownFinder.looks = 0
    rig = mystax.Rig.calibrate(sources, BOARD, out=place)
    assert KnownFinder.looks == 2 * N_VIEWS - 15
    assert rig.model.fingerprint == whole.model.fingerprint
    assert read_rig(place).names == ("left", "right")
    assert not part.exists()  # all is in rig.corners.nc now


def test_pictures_that_changed_are_looked_at_again(sources: dict[str, list[Path]], tmp_path: Path) -> None:
    part = tmp_path / "rig.corners.nc.part"
    calibrate_sources(sources, BOARD, keep=part)
    other = np.full((1024, 1280), 99, np.uint8)
    other[0, 0] = 3  # as in view 3
    Image.fromarray(other).save(sources["left"][5])
    KnownFinder.looks = 0
    told: list[str] = []
    _, corners, _ = calibrate_sources(
        sources, BOARD, keep=part, progress=lambda event: told.append(event.text)
    )
    assert KnownFinder.looks == 1
    assert told[0] == f"going on with {2 * N_VIEWS} pictures that were looked at before"
    np.testing.assert_array_equal(corners["corners"].values[0, 5], KnownFinder.uv[0, 3])
